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
    bool csv, json, no_sandbox;
};

static const struct options initial = {
    .struct_size = sizeof initial,
    .selection = CLV_SELECTION_INIT,
    .inputs = {.struct_size = sizeof(struct input_flags)},
    .made = CLV_SPLIT_PARAMS_INIT,
};

#define AT(member) offsetof(struct options, member)

static const struct clv_option flags[] = {
    {"csv", 0, CLV_OPTION_BOOL, false, AT(csv), 0, 0, 0, NULL, NULL,
     "print all columns as CSV, as in manifest.csv", CLV_GROUP_OUTPUT},
    {"json", 0, CLV_OPTION_BOOL, false, AT(json), 0, 0, 0, NULL, NULL,
     "print all columns as JSON, one object per line", CLV_GROUP_OUTPUT},
    {"sandbox", 0, CLV_OPTION_NOT, false, AT(no_sandbox), 0, 0, 0, NULL, NULL,
     "do not limit which files cleave may touch (Landlock)", CLV_GROUP_SAFETY},
    {0},
};

static bool go_on(const struct clv_split_result *r, void *user)
{
    return talk_progress(r, user);
}

/* The manifest's lines. */
static int print_lines(struct clv_rows *rows, enum clv_manifest kind)
{
    static char buf[16384]; /* too much for a small stack */
    struct clv_error err;
    enum clv_rows_step step = clv_rows_next(rows, &err);
    if (step != CLV_ROWS_FAILED)
        (void)fwrite(buf, 1, clv_rows_line(rows, kind, true, buf, sizeof buf), stdout);
    while (step == CLV_ROWS_ROW) {
        (void)fwrite(buf, 1, clv_rows_line(rows, kind, false, buf, sizeof buf), stdout);
        if (!words_arrive())
            break;
        step = clv_rows_next(rows, &err);
    }
    return step == CLV_ROWS_FAILED ? print_error(&err) : EXIT_ALL;
}

static int list(const struct options *o, struct clv_result *result)
{
    struct clv_rows *rows;
    struct clv_error err;
    if (!clv_rows_open(&rows, result, &o->selection, &err))
        return print_error(&err);
    const int status = o->csv || o->json
                           ? print_lines(rows, o->json ? CLV_MANIFEST_JSONL : CLV_MANIFEST_CSV)
                           : print_flows(rows, result, &o->selection);
    clv_rows_close(&rows);
    return status == EXIT_ALL ? print_unmet(result, &o->selection) : status;
}

static int list_words(const struct options *o, struct words *words, struct clv_captures **captures)
{
    struct talk talk;
    struct clv_error err;
    struct clv_result *result;
    struct clv_split_params split = o->made;
    hold_faults(&split);
    begin_talk(&talk, PROGRESS_AUTO, false);
    if (!o->no_sandbox)
        confine(&(struct confines){
            .reads = words->all,
            .n_reads = words->n,
            .list = o->selection.flows,
        });
    if (!check_recursive(words, &o->inputs))
        return EXIT_NOTHING;
    if (!list_results(captures, words, &o->inputs, &o->selection, &err))
        return end_talk(&err, "listed");
    const struct clv_result_params params = {
        .struct_size = sizeof params,
        .paths = words->all,
        .n_paths = words->n,
        .listed = *captures,
        .order = order_of_captures(&o->selection),
        .split = &split,
        .progress = go_on,
        .user = &talk,
    };
    const bool ok = clv_result_open(&result, &params, &err);
    hide_progress(&talk);
    if (!ok)
        return print_failure(&split, &err, "listed");
    const int status = print_damage(result, words->all[0], &split, list(o, result));
    clv_result_close(&result);
    return status;
}

static int run(const void *options, char **operands, unsigned n_operands)
{
    const struct options *o = options;
    struct words words;
    struct clv_captures *captures = NULL;
    if (o->csv && o->json) {
        (void)fprintf(complaint("flows"), "--csv and --json cannot be combined\n");
        return EXIT_NOTHING;
    }
    if (!take_words(&words, &command_flows, &o->inputs, operands, n_operands))
        return EXIT_NOTHING;
    const int status = list_words(o, &words, &captures);
    clv_captures_destroy(&captures);
    drop_words(&words);
    return status;
}

const struct command command_flows = {
    .name = "flows",
    .operands = "RESULT...",
    .min_operands = 1,
    .max_operands = UINT32_MAX >> 1,
    .summary = "Lists the flows of captures, of an index or of an output.",
    .usual = (const char *const[]){"host", "port", "proto", "after", "before", "where", "sort",
                                   "limit", "csv", "json", NULL},
    .examples =
        (const char *const[]){
            "cleave flows day.pcap --sort bytes --limit 10    # the ten largest flows",
            "cleave flows day.flows.db --host 10.0.0.0/8 --port 443",
            "cleave flows day.flows.db --where 'duration > 3600e9' --csv",
            "cleave flows day.flows.db --after 2026-11-22T09:00:00Z --limit 5",
            "cleave flows day.pcap --names --json | jq -r .name",
            NULL,
        },
    .details = "RESULT is a capture as for split, an index, or a directory or archive that\n"
               "split made. A flow is listed if it meets all conditions. SQL is a condition on\n"
               "the columns of cleave-index(5), such as bytes, packets, duration or dport.\n"
               "\n"
               "Exit status: 0 the flows were listed; 1 they were listed, but a capture is\n"
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
