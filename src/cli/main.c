/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"
#include "commit.h"

#if HAVE_JEMALLOC
#include <jemalloc/jemalloc.h>

/*
 * Read by jemalloc before main(). One arena for all threads, which is made then: a thread that
 * cannot have one of its own ends the process by SIGSEGV. Nothing is allocated per record, so that
 * they hardly meet in it.
 */
const char *malloc_conf = "narenas:1";
#endif

static const struct command *const commands[] = {
    &command_split,  &command_index,  &command_flows, &command_extract,  &command_mount,
    &command_verify, &command_gather, &command_info,  &command_synflood, &command_traffic,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

/* Whether a reader that goes away ends the process, as it does by default, and whether one did. */
static bool readers_matter, reader_gone;
static int
    why_lost; /* errno, when what was printed did not arrive; 0: it did, or that is unknown */

static const struct command *running; /* NULL: none yet */

static bool made; /* something that stays, whatever becomes of the words about it */

int print_error(const struct clv_error *err)
{
    char buf[1024], name[FLAG_NAME_MAX];
    struct clv_error own = *err;
    if (err->sys == EPIPE && readers_matter) {
        reader_gone = true;
        return EXIT_NOTHING;
    }
    const struct clv_option *o =
        running && err->code == CLV_ERR_OPTION ? flag_option(running, err->subject, NULL) : NULL;
    if (o)
        (void)snprintf(own.subject, sizeof own.subject, "--%s", flag_name(o, name));
    hint_operand(&own);
    (void)fprintf(complaint(NULL), "%s\n", clv_error_format(&own, buf, sizeof buf));
    if (own.hint[0])
        advise("%s", printable(own.hint));
    return EXIT_NOTHING;
}

static void usage(FILE *to)
{
    (void)fputs("cleave splits packet captures by flow and proves that nothing was lost.\n\n"
                "Usage: cleave COMMAND [FLAGS] ...\n\nCommands:\n",
                to);
    for (size_t i = 0; i < N_COMMANDS; i++)
        (void)fprintf(to, "  %-18s %s\n", commands[i]->name, commands[i]->summary);
    (void)fputs("\nExamples:\n"
                "  cleave split day.pcap                    # a file for each flow\n"
                "  cleave flows day.pcap --sort bytes --limit 10\n"
                "  cleave extract day.pcap --host 10.0.0.7 -o host.pcap\n"
                "\n'cleave COMMAND -h' shows the flags that most people use, --help all of them.\n"
                "'cleave --version' shows the version. cleave-slurm splits on a cluster.\n"
                "Manual: man cleave\n",
                to);
}

/* The command whose one or two words argv begins with; *n_words: how many. */
static const struct command *find_command(int argc, char **argv, int *n_words)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const char *name = commands[i]->name;
        const char *space = strchr(name, ' ');
        const size_t first = space ? (size_t)(space - name) : strlen(name);
        if (argc < 1 || strlen(argv[0]) != first || memcmp(argv[0], name, first) != 0)
            continue;
        *n_words = space ? 2 : 1;
        if (!space || (argc > 1 && strcmp(argv[1], space + 1) == 0))
            return commands[i];
    }
    return NULL;
}

/* Lists the commands of two words that begin with this one. Returns whether there are any. */
static bool list_group(const char *word, FILE *to)
{
    const size_t len = strlen(word);
    bool any = false;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const char *name = commands[i]->name;
        if (strncmp(name, word, len) != 0 || name[len] != ' ')
            continue;
        if (!any)
            (void)fprintf(to, "cleave %s needs one of these:\n", word);
        any = true;
        (void)fprintf(to, "  cleave %-20s %s\n", name, commands[i]->summary);
    }
    return any;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int unknown_command(const char *word, const char *second)
{
    const char *names[N_COMMANDS];
    if (list_group(word, stderr)) {
        if (second)
            (void)fprintf(stderr, "\"%s\" is none of them\n", printable(second));
        return EXIT_NOTHING;
    }
    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *near = clv_nearest_word(word, names, N_COMMANDS);
    (void)fprintf(complaint(NULL), "unknown command: %s\n", printable(word));
    if (hint_command(word))
        return EXIT_NOTHING;
    if (near)
        advise("did you mean 'cleave %s'?", near);
    else if (word[0] == '-' && second)
        advise("to split a capture: cleave split %s -o OUT",
               access(second, F_OK) == 0 ? printable(second) : "FILE");
    else if (strchr(word, '.') || strchr(word, '/'))
        advise("to split a capture: cleave split %s", printable(word));
    else
        advise("'cleave --help' lists the commands");
    return EXIT_NOTHING;
}

static int version(void)
{
    char features[512];
    const bool known = strcmp(COMMIT, "none") != 0; /* not where no repository is */
    (void)printf("cleave %s%s%s%s\n", clv_version(), known ? " (commit " : "", known ? COMMIT : "",
                 known ? ")" : "");
    (void)printf("%s", clv_features(features, sizeof features));
#if HAVE_JEMALLOC
    (void)printf(", jemalloc %.*s", (int)strcspn(JEMALLOC_VERSION, "-"), JEMALLOC_VERSION);
#endif
    (void)printf("\n");
    return EXIT_ALL;
}

bool words_arrive(void)
{
    if (!ferror(stdout))
        return true;
    if (!why_lost)
        why_lost = errno;
    return false;
}

static bool flush(const char *what)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    const int why = why_lost ? why_lost : errno ? errno : EIO; /* all was lost before */
    if (why == EPIPE && readers_matter)
        reader_gone = true;
    else
        (void)fprintf(complaint(NULL), "%s: %s\n", what, strerror(why));
    clearerr(stdout);
    why_lost = 0;
    return false;
}

bool flush_words(const char *what)
{
    made = true;
    return flush(what);
}

/*
 * What was printed must have arrived: a full disk behind a redirection is a failure too. Who reads
 * through a pipe and has enough ends the process, as if it had never caught SIGPIPE, but that all
 * is cleaned up.
 */
static int leave(int status)
{
    if (!flush("standard output"))
        status = made ? EXIT_DAMAGED : EXIT_NOTHING;
    if (reader_gone) {
        (void)signal(SIGPIPE, SIG_DFL);
        (void)raise(SIGPIPE);
    }
    return status;
}

void raise_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* or it stays as it is */
    }
}

static int run_command(const struct command *cmd, int argc, char **argv, int from)
{
    enum help help;
    void *options = malloc(cmd->options_size);
    if (!options) {
        perror("cleave");
        return EXIT_NOTHING;
    }
    memcpy(options, cmd->initial, cmd->options_size);
    running = cmd;
    int status = EXIT_NOTHING;
    const int n = flags_parse(cmd, argc, argv, from, options, &help);
    if (n >= 0)
        note_operands(cmd, options, argv + from, (unsigned)n);
    if (n >= 0 && help) {
        flags_help(cmd, help, stdout);
        status = EXIT_ALL;
    } else if (n >= 0 && take_list(cmd, options, argv + from, (unsigned)n)) {
        status = cmd->run_words ? run_on_words(cmd, options, argv + from, (unsigned)n)
                                : cmd->run(options, argv + from, (unsigned)n);
    }
    free(options);
    return status;
}

int main(int argc, char **argv)
{
    await_signals();
    /* A full file is an error with words, like any other; a reader that went away, see leave(). */
    (void)signal(SIGXFSZ, SIG_IGN);
    readers_matter = signal(SIGPIPE, SIG_IGN) != SIG_IGN;
    (void)setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* whole lines, where several runs write to it */
    if (argc < 2) {
        usage(stderr);
        return EXIT_NOTHING;
    }
    const char *word = argv[1];
    if (is_help(word)) {
        usage(stdout);
        return leave(EXIT_ALL);
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        return leave(version());
    }
    const bool help = strcmp(word, "help") == 0;
    const int from = help ? 2 : 1;
    if (help && argc == 2) {
        usage(stdout);
        return leave(EXIT_ALL);
    }
    if (help && strcmp(argv[2], "--table") == 0) {
        for (size_t i = 0; i < N_COMMANDS; i++)
            flags_table(commands[i], stdout);
        return leave(EXIT_ALL);
    }
    int n_words = 0;
    const struct command *cmd = find_command(argc - from, argv + from, &n_words);
    if (!cmd)
        return argc > from + 1 - help && (help || is_help(argv[from + 1])) &&
                       list_group(argv[from], stdout)
                   ? leave(EXIT_ALL)
                   : unknown_command(argv[from], argc > from + 1 ? argv[from + 1] : NULL);
    if (!help)
        return leave(run_command(cmd, argc, argv, from + n_words));
    if (argc > from + n_words) {
        (void)fprintf(complaint("help"), "unexpected argument: %s\n",
                      printable(argv[from + n_words]));
        return EXIT_NOTHING;
    }
    flags_help(cmd, HELP_LONG, stdout);
    return leave(EXIT_ALL);
}
