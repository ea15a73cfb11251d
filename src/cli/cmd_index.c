/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/capture.h"
#include "cleave/index.h"
#include "cli/cli.h"

struct options {
    size_t struct_size;
    struct clv_split_params params;
    struct input_flags inputs;
    bool json, quiet, no_sandbox;
    unsigned progress;
};

static const struct options initial = {
    .struct_size = sizeof initial,
    .params = CLV_SPLIT_PARAMS_INIT,
    .inputs = {.struct_size = sizeof(struct input_flags)},
};

#define AT(member) offsetof(struct options, member)

static const struct clv_option flags[] = {
    {"sandbox", 0, CLV_OPTION_NOT, false, AT(no_sandbox), 0, 0, 0, NULL, NULL,
     "do not limit which files cleave may touch (Landlock)", CLV_GROUP_SAFETY},
    {"progress", 0, CLV_OPTION_WORD, false, AT(progress), 0, 0, 0, PROGRESS_WORDS, "auto",
     PROGRESS_HELP, CLV_GROUP_TALK},
    {"json", 0, CLV_OPTION_BOOL, false, AT(json), 0, 0, 0, NULL, NULL, "print the summary as JSON",
     CLV_GROUP_TALK},
    {"quiet", 'q', CLV_OPTION_BOOL, false, AT(quiet), 0, 0, 0, NULL, NULL,
     "print no summary, and progress only if --progress asks for it", CLV_GROUP_TALK},
    {0},
};

static bool go_on(const struct clv_split_result *r, void *user)
{
    return talk_progress(r, user);
}

static int index_it(const struct options *o, const struct clv_split_params *p, struct talk *talk)
{
    struct clv_split_result r;
    struct clv_error err;
    const bool ok = clv_index(p, &r, &err);
    hide_progress(talk);
    if (!ok)
        return print_failure(p, &err, "written");
    return print_outcome(p, &r, MADE_INDEX, o->json, o->quiet);
}

static int index_words(const void *options, const struct words *words)
{
    const struct options *o = options;
    char output[264];
    struct talk talk;
    struct clv_split_params p = o->params;
    struct clv_error err;
    struct clv_captures *captures;
    p.inputs = words->all;
    p.n_inputs = words->n;
    hold_faults(&p);
    p.progress = go_on;
    p.user = &talk;
    if (!p.output) {
        (void)clv_index_default_output(p.inputs[0], output, sizeof output);
        p.output = output;
    }
    begin_talk(&talk, (enum progress)o->progress, o->quiet);
    if (!o->no_sandbox)
        confine(&(struct confines){
            .reads = p.inputs,
            .n_reads = p.n_inputs,
            .list = p.flows,
            .beside = p.output,
            .looks_up_names = p.filter,
        });
    if (!list_captures(&captures, words, &o->inputs, p.member, &err))
        return end_talk(&err, "written");
    p.listed = captures;
    p.inputs = clv_captures_names(captures, &p.n_inputs);
    const int status = index_it(o, &p, &talk);
    clv_captures_destroy(&captures);
    return status;
}

const struct command command_index = {
    .name = "index",
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = UINT32_MAX >> 1,
    .summary = "Indexes the flows of captures without copying packets.",
    .usual = (const char *const[]){"output", "by", "host", "port", "filter", "after", "before",
                                   "names", "force", NULL},
    .examples =
        (const char *const[]){
            "cleave index day.pcap                    # makes day.flows.db",
            "cleave flows day.flows.db --sort bytes --limit 20",
            "cleave extract day.flows.db --host 10.0.0.7 -o host.pcap",
            "cleave index --by connection --port 80,443 -o week.db mon.pcap tue.pcap",
            "cleave index --related all day.pcap      # and which flow led to which",
            "sqlite3 -box day.flows.db 'select * from top_talkers limit 10'",
            NULL,
        },
    .details = "FILE is as for split, but cannot be a pipe. The index is one SQLite database\n"
               "with the table of flows and the places of each flow's packets in the captures:\n"
               "keep these. 'cleave flows' lists it, 'cleave extract' takes flows out of the\n"
               "captures, and 'cleave mount' shows them as files.\n"
               "\n"
               "Exit status: 0 everything was indexed; 1 it was indexed, but a capture is\n"
               "damaged; 2 nothing was done.\n",
    .options = clv_index_options,
    .params_at = AT(params),
    .flags = flags,
    .inputs_at = AT(inputs),
    .n_input_flags = 3,
    .initial = &initial,
    .options_size = sizeof(struct options),
    .run_words = index_words,
};
