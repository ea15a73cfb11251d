/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line: the only room that prints or exits, and it sees only the public headers. A
 * command's flags are the library's options, and a table of its own; parsing and help come from
 * these.
 */
#ifndef CLEAVE_CLI_CLI_H
#define CLEAVE_CLI_CLI_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cleave/capture.h"
#include "cleave/option.h"
#include "cleave/result.h"

/* Exit statuses. */
enum {
    EXIT_ALL = 0,     /* all done */
    EXIT_DAMAGED = 1, /* done, but the input was damaged, or what comes after failed */
    EXIT_NOTHING = 2, /* nothing was done */
};

/* Which captures words are: flags of all commands that read some. */
struct input_flags {
    size_t struct_size;
    const char *files_from;
    bool recursive;
    unsigned order; /* enum clv_captures_order */
};
extern const struct clv_option input_flags[]; /* up to one without a name */

/*
 * How flows of captures are made: flags of commands that take results, too, whose offsets are in
 * struct clv_split_params.
 */
extern const struct clv_option made_flags[]; /* up to one without a name */

struct words;

struct command {
    const char *name;     /* one word, or two */
    const char *operands; /* "FILE" */
    unsigned min_operands, max_operands;
    unsigned min_beside_list; /* operands where --files-from names the captures */
    const char *summary;
    const char *const *usual;       /* flags that most people use, up to NULL; NULL: all */
    const char *const *examples;    /* lines, of which -h shows three; up to NULL */
    const char *details;            /* shown below the flags, may be "" */
    clv_options *options;           /* the library's, of the params at params_at; NULL: none */
    size_t params_at;               /* in the options */
    const struct clv_option *flags; /* the command's own, up to one without a name */
    size_t inputs_at;               /* struct input_flags in the options; 0: none */
    unsigned n_input_flags;         /* those of them that it has, from the first on */
    size_t made_at;                 /* struct clv_split_params of made_flags; 0: none */
    const void *initial;            /* the options where no flag is given, from their size on */
    size_t options_size;
    int (*run)(const void *options, char **operands, unsigned n_operands);
    /* In its place: operands, and what --files-from lists, are the words. */
    int (*run_words)(const void *options, const struct words *words);
};

/* This process may have as many descriptors as it can get, for parts and captures that stay open.
 */
void raise_limit(void);

extern const struct command command_split, command_synflood, command_traffic, command_info,
    command_verify, command_index, command_flows, command_extract, command_mount, command_gather;

/* Bytes for a flag's name, its value, and its help. */
enum { FLAG_NAME_MAX = 48, FLAG_VALUE_MAX = 64, FLAG_HELP_MAX = 192 };

/* An option's flag, without the dashes: "max-open" of max_open, "no-other" of other. Returns name.
 */
const char *flag_name(const struct clv_option *o, char name[FLAG_NAME_MAX]);

/* Its value is a list, of words separated by commas. */
bool flag_is_list(const struct clv_option *o);

/*
 * The command's option of that name; NULL: there is none. *at, of its options, moves on to what the
 * option's offsets are of; NULL: nobody asks.
 */
const struct clv_option *flag_option(const struct command *cmd, const char *name, void **at);

/*
 * Reads argv[from ..] into options, which are the initial ones. Operands are moved to the front of
 * argv[from]. Returns their number, or -1 with a message printed. help: which was asked for.
 */
enum help {
    HELP_NONE,
    HELP_SHORT, /* -h: a screen of it */
    HELP_LONG,  /* --help: all of it */
};
int flags_parse(const struct command *cmd, int argc, char **argv, int from, void *options,
                enum help *help);
void flags_help(const struct command *cmd, enum help help, FILE *to);

/*
 * The command and its flags for programs, from which manual pages and completions are made: lines
 * of fields with tabs between them, "command NAME OPERANDS SUMMARY" and then "flag LONG LETTER
 * VALUE HELP DEFAULT" each; a field that is not there is empty.
 */
void flags_table(const struct command *cmd, FILE *to);

/* Words of a command line, and of the list that --files-from names. */
struct words {
    const char *const *all;
    size_t n;
    const char **list; /* the same, where there is a list; its text and its name */
    char *text;
    const char *list_name;
};

/* operands are borrowed. false: it is said why not; there is nothing to drop then. */
CLV_MUST_CHECK bool take_words(struct words *w, const struct command *cmd,
                               const struct input_flags *f, char *const *operands, unsigned n);
void drop_words(struct words *w);

/* By which the library reads standard input as often as it likes, where that is a file. */
#define STANDARD_INPUT "/dev/stdin"

/*
 * Where the list of flows (--flows) is to come from standard input: it becomes one that can be read
 * more than once. operands: n words, of which none may be standard input, too. false: it is said
 * why not.
 */
CLV_MUST_CHECK bool take_list(const struct command *cmd, void *options, char *const *operands,
                              unsigned n);

/* Carries the command out, which has run_words. */
int run_on_words(const struct command *cmd, const void *options, char **operands, unsigned n);

/* The captures that the words stand for; w is borrowed. */
CLV_MUST_CHECK bool list_captures(struct clv_captures **out, const struct words *w,
                                  const struct input_flags *f, const char *member,
                                  struct clv_error *err);

/* false: with --recursive all words are captures, and one of them is a result, which was said. */
CLV_MUST_CHECK bool check_recursive(const struct words *w, const struct input_flags *f);

/* In which order captures are read where flows are sorted like this: --sort time is about both. */
enum clv_captures_order order_of_captures(const struct clv_selection *s);

/*
 * The same of a command that takes results, too: with --recursive the words are captures, and
 * become these, which *captures keeps; else that is NULL, and they stay.
 */
CLV_MUST_CHECK bool list_results(struct clv_captures **captures, struct words *w,
                                 const struct input_flags *f, const struct clv_selection *s,
                                 struct clv_error *err);

/*
 * For a flag, without its dashes, or a command that is not known: prints what does what other tools
 * have them for. false: that is not known either.
 */
bool hint_flag(const struct command *cmd, const char *flag);
bool hint_command(const char *word);

/* An operand that stands right after a flag, to whose value it may belong. */
struct follower {
    unsigned at;                     /* its number among the operands */
    const struct clv_option *option; /* the flag */
    const char *value;               /* the flag's; NULL: it takes none */
};
void note_follower(const struct follower *f);

/* What the command line has, borrowed to the end; words: until NULL is noted. */
void note_operands(const struct command *cmd, void *options, char *const *operands, unsigned n);
void note_words(const struct words *words);

/* Where the error is that an operand is no capture: says what it may be instead. */
void hint_operand(struct clv_error *err);

/*
 * What makes text on a terminal stand out, and what ends that; "" where `to` is none, is a dumb
 * one, or NO_COLOR is set (https://no-color.org).
 */
enum color {
    COLOR_END,
    COLOR_STRONG,
    COLOR_BAD,
    COLOR_GOOD,
};
const char *color(FILE *to, enum color c);

/* The terminal can do nothing but show text (TERM=dumb). */
bool is_dumb(void);

/* Prints "cleave COMMAND: ", or without a command "cleave: ", to stderr, for what went wrong. */
FILE *complaint(const char *command);

/* Prints a line of its own after a message: what can be done, or what else is so. */
__attribute__((format(printf, 1, 2))) void advise(const char *hint, ...);

/*
 * Prints "cleave: MESSAGE" and the hint to stderr, but nothing of a reader that went away: see
 * leave(). Returns EXIT_NOTHING.
 */
int print_error(const struct clv_error *err);

/*
 * For what is made and stays: what was printed of it has arrived. false: it has not, which is said,
 * but for a reader that went away.
 */
bool flush_words(const char *what);

/*
 * false: standard output failed, and nothing more needs to be printed. To be asked right after
 * printing, while errno says why.
 */
bool words_arrive(void);

/*
 * What a command says while it works: progress, a few times a second, if it is wanted; what signals
 * ask for. From begin_talk() on SIGINT, SIGTERM, SIGHUP and SIGQUIT end the work, a second one the
 * process. SIGUSR1 asks for progress, from await_signals() on. What was ignored when the process
 * began stays so, as nohup(1) wants it.
 */
void await_signals(void);

#define PROGRESS_WORDS "auto|always|never|json"
#define PROGRESS_HELP "progress on standard error; auto: on a terminal; json: one object per line"
enum progress {                /* in the order of the words */
                PROGRESS_AUTO, /* on a terminal */
                PROGRESS_ALWAYS,
                PROGRESS_NEVER,
                PROGRESS_JSON, /* lines for programs */
};

struct talk {
    enum progress progress; /* settled: not PROGRESS_AUTO */
    bool on_terminal;
    double begun_s, next_s; /* on a clock: when it began, and talk_count() says something next */
    atomic_uint shown;      /* length of the line of progress on the terminal */
};

struct clv_split_result;

/* quiet: progress only if it is asked for by name. */
void begin_talk(struct talk *talk, enum progress progress, bool quiet);

/* One of the inputs can be read only once. */
bool any_pipe(const char *const *inputs, size_t n);

/*
 * Where one of the inputs is a pipe: from now on the first SIGINT, SIGTERM or SIGHUP ends such
 * inputs, as it ends the program that writes to them, and the next one the work. *end_fd: what the
 * run is to end them by; untouched where none is one. quiet: nothing is said of it.
 */
CLV_MUST_CHECK bool end_pipes_by_signal(const char *const *inputs, size_t n, bool quiet,
                                        int *end_fd);

/* To be called now and then. false: a signal asked to stop. */
bool talk_progress(const struct clv_split_result *so_far, struct talk *talk);

/* The same of work that has no clock of its own, and may be called as often as it likes. */
bool talk_count(struct talk *talk, uint64_t flows, uint64_t records, uint64_t bytes);

/* Takes the progress off the terminal, before something else is printed. */
void hide_progress(struct talk *talk);

/* The work failed: prints why, or that a signal ended it and what was not done. Returns the status.
 */
int end_talk(const struct clv_error *err, const char *undone);

/* What a run needs of the file system. */
struct confines {
    const char *const *reads; /* files, or directories with all that is in them */
    size_t n_reads;
    const char *list;   /* one more; NULL: none */
    const char *beside; /* the output, made and replaced in its directory; NULL: none, temporary
                           files are made */
    const char *report; /* the same; NULL: none */
    bool looks_up_names;
};

/*
 * Gives up for good what the process does not need: new privileges, and, where the kernel has
 * Landlock (https://docs.kernel.org/userspace-api/landlock.html), to read, list, write, truncate,
 * remove and rename all files but these, to make anything but empty files elsewhere, devices'
 * ioctls, TCP, and signals and abstract Unix sockets of other processes. It cannot give up to
 * look at files' attributes and to change them (chmod, chown, utimes), UDP, and Unix sockets that
 * have a path. What is already open stays so. To be called before there are threads.
 */
void confine(const struct confines *c);

/* Prints the rows as a table, and what all of them come to. Returns the status. */
int print_flows(struct clv_rows *rows, struct clv_result *result,
                const struct clv_selection *selection);

/* Names the rows of the selection's list that no flow is of, if there are any. Returns the status.
 */
int print_unmet(struct clv_result *result, const struct clv_selection *selection);

/*
 * All went well, status 0, but the captures that were read are damaged: says so. path: of what was
 * opened; p: with what captures were. Returns the status.
 */
int print_damage(const struct clv_result *result, const char *path,
                 const struct clv_split_params *p, int status);

/* The same of an index that is used in another way, or nothing. */
void repeat_damage(const char *path);

enum { FLOW_SAID_MAX = 160 };

/*
 * "flow 1: tcp 10.0.0.1:80 to 10.0.0.2:50000", or what there is of it, as the index at path has the
 * flows; "" where that cannot be had.
 */
void describe_flows(const char *path, const struct clv_split_largest *flows, unsigned n,
                    char (*said)[FLOW_SAID_MAX]);

/* Columns of standard output's terminal, less one; no bound where it is none. */
size_t output_width(void);

/* Numbers for people, in a static buffer of eight in turn. */
const char *plural(uint64_t n);        /* "s", or "" for one; static */
const char *human_count(uint64_t n);   /* 1,234,567 */
const char *human_bytes(double bytes); /* 1.23 GB */
const char *human_seconds(double s);   /* 1.23 s, 4.56 ms */
const char *human_time(int64_t ts_ns); /* 2026-11-22 23:59:59.123456789 */

struct clv_split_params;
struct clv_split_result;

/* What a run over captures has made. */
enum made {
    MADE_NOTHING, /* a dry run */
    MADE_FILES,
    MADE_MEMBERS, /* of an archive */
    MADE_CAPTURE, /* the one output, a file or standard output */
    MADE_INDEX,
};

/* What it came to. */
void print_summary(const struct clv_split_params *p, const struct clv_split_result *r,
                   enum made made, FILE *to);

/* Gives the run room for the faults that print_outcome() tells of. */
void hold_faults(struct clv_split_params *p);

/* All that is said of a run that went well, as JSON where that is asked for. Returns the status. */
int print_outcome(const struct clv_split_params *p, const struct clv_split_result *r,
                  enum made made, bool json, bool quiet);

/*
 * The same of one that did not; undone: what was not done. Where a capture is why, the others that
 * are at fault are named, too.
 */
int print_failure(const struct clv_split_params *p, const struct clv_error *err,
                  const char *undone);

/* The first fault of each of the n captures that have some. */
void print_faults(const struct clv_split_params *p, uint64_t n);

/* As the library takes it: the output is an archive. */
bool names_archive(const char *output);

/* A row of a summary: what it is, a number, and what is to say of it, which may be "". */
void human_row(FILE *to, const char *name, const char *value, const char *rest);

/* A name that came from outside, with what a terminal would interpret as \xNN; one of eight too. */
const char *printable(const char *s);

#endif
