/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <unistd.h>

#include "cleave/capture.h"
#include "cleave/result.h"
#include "cli/cli.h"

struct options {
    size_t struct_size;
    struct clv_selection selection;
    struct input_flags inputs;
    struct clv_split_params made; /* of captures */
    const char *output, *capture;
    unsigned mode;
    bool force, clean, quiet, no_sandbox;
};

static const struct options initial = {
    .struct_size = sizeof initial,
    .selection = CLV_SELECTION_INIT,
    .inputs = {.struct_size = sizeof(struct input_flags)},
    .made = CLV_SPLIT_PARAMS_INIT,
};

#define AT(member) offsetof(struct options, member)

static const struct clv_option flags[] = {
    {"output", 'o', CLV_OPTION_TEXT, false, AT(output), 0, 0, 0, "OUT", NULL,
     "capture to make, or - for standard output; DIR/ or FILE.zip: a capture for each flow",
     CLV_GROUP_OUTPUT},
    {"capture", 0, CLV_OPTION_TEXT, false, AT(capture), 0, 0, 0, "FILE", "where it was",
     "where the capture of an index is now; of several, their directory", CLV_GROUP_INPUT},
    {"force", 'f', CLV_OPTION_BOOL, false, AT(force), 0, 0, 0, NULL, NULL,
     "replace an existing capture", CLV_GROUP_SAFETY},
    {"clean", 0, CLV_OPTION_BOOL, false, AT(clean), 0, 0, 0, NULL, NULL,
     "remove leftovers of killed runs to the same OUT", CLV_GROUP_SAFETY},
    {"mode", 0, CLV_OPTION_MODE, false, AT(mode), 0, 0, 0777, "MODE", "0640",
     "permissions of output files, octal (umask applies)", CLV_GROUP_SAFETY},
    {"sandbox", 0, CLV_OPTION_NOT, false, AT(no_sandbox), 0, 0, 0, NULL, NULL,
     "do not limit which files cleave may touch (Landlock)", CLV_GROUP_SAFETY},
    {"quiet", 'q', CLV_OPTION_BOOL, false, AT(quiet), 0, 0, 0, NULL, NULL, "print no summary",
     CLV_GROUP_TALK},
    {0},
};

static bool go_on(uint64_t records, uint64_t bytes, void *user)
{
    return talk_count(user, 0, records, bytes);
}

static bool reads_on(const struct clv_split_result *r, void *user)
{
    return talk_progress(r, user);
}

/* A capture for each flow. */
static bool makes_several(const char *output)
{
    const size_t len = strlen(output);
    return (len && output[len - 1] == '/') || names_archive(output);
}

/* o->output: "-", DIR/, FILE.zip, or one capture. */
static void print_extracted(const struct clv_extract_result *r, const struct options *o, FILE *to)
{
    const char *const output = o->output;
    (void)fprintf(to, "%s record%s of %s %s%s%s, %s", human_count(r->records), plural(r->records),
                  human_count(r->flows), o->made.group ? "group" : "flow", plural(r->flows),
                  r->rows > r->flows ? " and `other`" : "", human_bytes((double)r->bytes));
    if (strcmp(output, "-") == 0)
        (void)fputs("\n", to);
    else if (makes_several(output))
        (void)fprintf(to, ", in %s capture%s in %s\n", human_count(r->rows), plural(r->rows),
                      printable(output));
    else
        (void)fprintf(to, ", in one capture: %s\n", printable(output));
}

/* Numbers that were asked for are none: says which there are. */
static void say_numbers(struct clv_result *result, const struct options *o)
{
    const struct clv_selection last = {.struct_size = sizeof last,
                                       .where = "flow = (SELECT max(flow) FROM flows)"};
    struct clv_rows *rows;
    struct clv_error err;
    enum clv_column_type type;
    int64_t number;
    const char *name;
    if (!o->selection.flow || !clv_rows_open(&rows, result, &last, &err))
        return;
    if (clv_rows_next(rows, &err) == CLV_ROWS_ROW)
        for (unsigned i = 0; (name = clv_rows_column(rows, i, &type)) != NULL; i++)
            if (strcmp(name, "flow") == 0 && clv_rows_number(rows, i, &number))
                advise("the numbers of the flows go up to %s", human_count((uint64_t)number));
    clv_rows_close(&rows);
}

static int extract(const struct options *o, struct clv_result *result, struct talk *talk)
{
    const bool to_stdout = strcmp(o->output, "-") == 0;
    struct clv_extract_result r;
    struct clv_error err;
    const struct clv_extract_params params = {
        .struct_size = sizeof params,
        .selection = &o->selection,
        .output = to_stdout ? NULL : o->output,
        .fd = STDOUT_FILENO,
        .force = o->force,
        .mode = o->mode,
        .progress = go_on,
        .user = talk,
        .clean = o->clean,
        .result_size = sizeof r,
    };
    const bool ok = clv_extract(result, &params, &r, &err);
    hide_progress(talk);
    if (!ok)
        return end_talk(&err, "written");
    if (r.rows == 0) {
        (void)fprintf(complaint(NULL), "no flow matches: no output was made\n");
        say_numbers(result, o);
        (void)print_unmet(result, &o->selection);
        return EXIT_DAMAGED;
    }
    if (r.stale)
        (void)fprintf(complaint("extract"), "a killed run left %s; --clean removes it\n",
                      printable(r.stale_path));
    if (r.after.code != CLV_ERR_NONE) {
        (void)print_error(&r.after);
        return EXIT_DAMAGED;
    }
    if (o->quiet)
        return EXIT_ALL;
    print_extracted(&r, o, to_stdout ? stderr : stdout);
    if (!to_stdout && r.rows > 1 && !strpbrk(o->output, "./"))
        advise("for a capture of each flow: -o %s/", printable(o->output));
    return print_unmet(result, &o->selection);
}

static int extract_words(const struct options *o, struct words *words,
                         struct clv_captures **captures)
{
    struct talk talk;
    struct clv_error err;
    struct clv_result *result;
    struct clv_split_params split = o->made;
    const bool to_stdout = strcmp(o->output, "-") == 0;
    hold_faults(&split);
    begin_talk(&talk, PROGRESS_AUTO, o->quiet || to_stdout);
    /* Captures of an index lie anywhere. */
    static const char *const all[] = {"/"};
    if (!o->no_sandbox)
        confine(&(struct confines){
            .reads = all,
            .n_reads = 1,
            .beside = to_stdout ? NULL : o->output,
        });
    if (!check_recursive(words, &o->inputs))
        return EXIT_NOTHING;
    if (!list_results(captures, words, &o->inputs, &o->selection, &err))
        return end_talk(&err, "written");
    const struct clv_result_params params = {
        .struct_size = sizeof params,
        .paths = words->all,
        .n_paths = words->n,
        .listed = *captures,
        .order = order_of_captures(&o->selection),
        .captures = &o->capture,
        .n_captures = o->capture != NULL,
        .split = &split,
        .for_extract = true,
        .progress = reads_on,
        .user = &talk,
    };
    if (!clv_result_open(&result, &params, &err))
        return print_failure(&split, &err, "written");
    const int status = print_damage(result, words->all[0], &split, extract(o, result, &talk));
    clv_result_close(&result);
    return status;
}

static int run(const void *options, char **operands, unsigned n_operands)
{
    const struct options *o = options;
    struct words words;
    struct clv_captures *captures = NULL;
    if (!o->output) {
        (void)fprintf(complaint("extract"),
                      "--output is missing: name a file, or - for standard output\n");
        return EXIT_NOTHING;
    }
    if (strcmp(o->output, "-") == 0 && isatty(STDOUT_FILENO)) {
        (void)fprintf(complaint("extract"), "standard output is a terminal; pipe it into a "
                                            "program, or name a file\n");
        return EXIT_NOTHING;
    }
    if (!take_words(&words, &command_extract, &o->inputs, operands, n_operands))
        return EXIT_NOTHING;
    const int status = extract_words(o, &words, &captures);
    clv_captures_destroy(&captures);
    drop_words(&words);
    return status;
}

const struct command command_extract = {
    .name = "extract",
    .operands = "RESULT...",
    .min_operands = 1,
    .max_operands = UINT32_MAX >> 1,
    .summary = "Takes flows out of captures, an index or an output.",
    .usual = (const char *const[]){"output", "host", "port", "proto", "after", "before", "flow",
                                   "community-id", "where", "force", NULL},
    .examples =
        (const char *const[]){
            "cleave extract day.pcap --host 10.0.0.7 --port 443 -o one.pcap",
            "cleave extract day.flows.db --flow 17 -o - | tshark -r -",
            "cleave extract day.flows.db --sort bytes --limit 100 -o largest/",
            "cleave extract day.flows.db --community-id 1:LQU9qZlK+B5F3KDmev6m5PMibrg= \\",
            "    -o flow.pcap",
            "cleave extract day.flows.db --host 10.0.0.9 --invert -o rest.pcap",
            "cleave extract day.pcap --group all --where \"name = 'example.com'\" \\",
            "    -o example.pcap                      # all that example.com caused",
            NULL,
        },
    .details = "RESULT is an index; captures, which are read twice; or a directory or archive\n"
               "that split made. Packets come in the order of the captures, or from a directory\n"
               "or archive in the order of their times. A flow is taken if it meets all\n"
               "conditions. SQL is as for 'cleave flows'.\n"
               "\n"
               "Exit status: 0 the flows were extracted; 1 no flow was chosen, or a capture is\n"
               "damaged; 2 nothing was done.\n",
    .options = clv_selection_options,
    .params_at = AT(selection),
    .flags = flags,
    .inputs_at = AT(inputs),
    .n_input_flags = 2,
    .made_at = AT(made),
    .initial = &initial,
    .options_size = sizeof(struct options),
    .run = run,
};
