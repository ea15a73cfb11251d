/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/gather.h"
#include "cli/cli.h"

struct options {
    size_t struct_size;
    struct clv_gather_params params;
    bool json, quiet;
    unsigned progress;
};

static const struct options initial = {
    .struct_size = sizeof initial,
    .params = CLV_GATHER_PARAMS_INIT,
};

#define AT(member) offsetof(struct options, member)

static const struct clv_option flags[] = {
    {"progress", 0, CLV_OPTION_WORD, false, AT(progress), 0, 0, 0, PROGRESS_WORDS, "auto",
     PROGRESS_HELP, CLV_GROUP_TALK},
    {"json", 0, CLV_OPTION_BOOL, false, AT(json), 0, 0, 0, NULL, NULL, "print the summary as JSON",
     CLV_GROUP_TALK},
    {"quiet", 'q', CLV_OPTION_BOOL, false, AT(quiet), 0, 0, 0, NULL, NULL,
     "no summary, and progress only if --progress asks for it", CLV_GROUP_TALK},
    {0},
};

static bool go_on(uint64_t outputs, uint64_t bytes, void *user)
{
    return talk_count(user, outputs, 0, bytes);
}

static void print_gathered(const char *output, const struct clv_gather_result *r)
{
    char buf[160];
    (void)printf("%s: %s%s%s\n", printable(output), color(stdout, COLOR_GOOD), "gathered",
                 color(stdout, COLOR_END));
    (void)snprintf(buf, sizeof buf, "part%s", plural(r->parts));
    human_row(stdout, "of", human_count(r->parts), buf);
    (void)snprintf(buf, sizeof buf, "capture%s", plural(r->inputs));
    human_row(stdout, "from", human_count(r->inputs), buf);
    (void)snprintf(buf, sizeof buf, "record%s of %s flow%s in %s output%s, %s",
                   plural(r->records_written), human_count(r->flows), plural(r->flows),
                   human_count(r->outputs), plural(r->outputs),
                   human_bytes((double)r->written_bytes));
    human_row(stdout, "holds", human_count(r->records_written), buf);
    if (r->copied_bytes)
        human_row(stdout, "copied", human_bytes((double)r->copied_bytes), "could not be linked");
}

/* What is wrong with the captures, and with what was left to do. Returns the status. */
static int print_faults_of(const struct clv_gather_result *r)
{
    char first[1024];
    if (r->damage.code != CLV_ERR_NONE)
        (void)fprintf(complaint("gather"), "a capture is damaged or was left out: %s\n",
                      clv_error_format(&r->damage, first, sizeof first));
    if (r->left_out)
        (void)fprintf(complaint("gather"), "%s capture%s could not be read and %s left out\n",
                      human_count(r->left_out), plural(r->left_out),
                      r->left_out == 1 ? "was" : "were");
    if (r->stale)
        (void)fprintf(complaint("gather"), "a killed run left %s; --clean removes it\n",
                      printable(r->stale_path));
    if (r->after.code != CLV_ERR_NONE)
        (void)print_error(&r->after);
    return r->damage.code != CLV_ERR_NONE || r->left_out || r->after.code != CLV_ERR_NONE
               ? EXIT_DAMAGED
               : EXIT_ALL;
}

static int run(const void *options, char **operands, unsigned n_operands)
{
    const struct options *o = options;
    struct clv_gather_params p = o->params;
    struct clv_gather_result r;
    struct clv_error err;
    struct talk talk;
    if (!p.output) {
        (void)fprintf(complaint("gather"), "--output is missing: name the result to make\n");
        return EXIT_NOTHING;
    }
    raise_limit();
    begin_talk(&talk, (enum progress)o->progress, o->quiet);
    p.results = (const char *const *)operands;
    p.n_results = n_operands;
    p.progress = go_on;
    p.user = &talk;
    const bool ok = clv_gather(&p, &r, &err);
    hide_progress(&talk);
    if (!ok)
        return end_talk(&err, "published");
    if (o->json) {
        static char buf[65536]; /* too much for a small stack */
        (void)clv_gather_json(&p, &r, buf, sizeof buf);
        (void)fputs(buf, stdout);
    } else if (!o->quiet) {
        print_gathered(p.output, &r);
    }
    if (!flush_words("standard output"))
        return EXIT_DAMAGED;
    return print_faults_of(&r);
}

const struct command command_gather = {
    .name = "gather",
    .operands = "RESULT...",
    .min_operands = 1,
    .max_operands = UINT32_MAX >> 1,
    .summary = "Joins the results of several runs into one.",
    .examples =
        (const char *const[]){
            "cleave gather web mail -o all.flows",
            "cleave gather map-*.zip part-* -o day.flows     # shards of other machines",
            NULL,
        },
    .details = "RESULT... are directories or archives that split made with the same options;\n"
               "they are linked into one directory, with one manifest and one cleave.json,\n"
               "which 'cleave verify' compares with all captures at once. Counts must add up,\n"
               "and no flow may be in two of them. Indexes become one index of all captures.\n"
               "If they were made from shards, name what --shards made, too, in the order of\n"
               "the captures: each shard must have been read once, and the result is that of\n"
               "the captures that were sharded.\n"
               "\n"
               "Exit status: 0 the results were joined; 1 they were joined, but a capture is\n"
               "damaged; 2 nothing was done.\n",
    .options = clv_gather_options,
    .params_at = AT(params),
    .flags = flags,
    .initial = &initial,
    .options_size = sizeof(struct options),
    .run = run,
};
