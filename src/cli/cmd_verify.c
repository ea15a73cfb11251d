/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "cleave/capture.h"
#include "cleave/receipt.h"
#include "cleave/verify.h"
#include "cli/cli.h"

struct options {
    size_t struct_size;
    struct clv_verify_params params;
    struct input_flags inputs;
    bool json, quiet, no_sandbox;
    unsigned progress;
};

static const struct options initial = {
    .struct_size = sizeof initial,
    .params = CLV_VERIFY_PARAMS_INIT,
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
     "print only faults, and progress only if --progress asks for it", CLV_GROUP_TALK},
    {0},
};

enum { SHOWN = 20 }; /* faults; the others are counted */

struct telling {
    struct talk talk;
    uint64_t n;
};

static void tell(const struct clv_error *fault, void *user)
{
    struct telling *t = user;
    if (t->n++ >= SHOWN)
        return;
    hide_progress(&t->talk);
    (void)print_error(fault);
}

static bool go_on(const struct clv_split_result *r, void *user)
{
    struct telling *t = user;
    return talk_progress(r, &t->talk);
}

static void print_verdict(const struct clv_verify_result *r, const char *output, bool named)
{
    const double s = r->seconds > 0 ? r->seconds : 1e-9;
    const uint64_t bytes = r->input_bytes + r->output_bytes;
    char buf[128];
    (void)printf("%s: %s%s%s\n", printable(output),
                 color(stdout, r->faults ? COLOR_BAD : COLOR_GOOD),
                 r->faults ? "not proven" : "proven", color(stdout, COLOR_END));
    (void)snprintf(buf, sizeof buf,
                   r->inputs > 1 ? "captures that cleave.json names: %.60s, ..."
                                 : "capture that cleave.json names: %.60s",
                   printable(r->input));
    if (!named)
        human_row(stdout, "against", human_count(r->inputs), buf);
    const uint64_t damaged = r->faulty - r->left_out;
    (void)snprintf(buf, sizeof buf, "capture%s, compared up to the damage", plural(damaged));
    if (damaged)
        human_row(stdout, "damaged", human_count(damaged), buf);
    (void)snprintf(buf, sizeof buf, "capture%s that could not be read", plural(r->left_out));
    if (r->left_out)
        human_row(stdout, "left out", human_count(r->left_out), buf);
    (void)snprintf(buf, sizeof buf, "record%s of the inputs", plural(r->records));
    human_row(stdout, "read", human_count(r->records), buf);
    (void)snprintf(buf, sizeof buf,
                   r->faults ? "record%s in the outputs; %s output%s could be read"
                             : "record%s in %s output%s, each in its place",
                   plural(r->written), human_count(r->outputs), plural(r->outputs));
    human_row(stdout, r->faults ? "expected" : "found", human_count(r->written), buf);
    (void)snprintf(buf, sizeof buf, "record%s left out because of the run's options",
                   plural(r->dropped));
    if (r->dropped)
        human_row(stdout, "dropped", human_count(r->dropped), buf);
    if (r->faults)
        human_row(stdout, "faults", human_count(r->faults), "");
    (void)snprintf(buf, sizeof buf, "%s/s over inputs and outputs, %u thread%s",
                   human_bytes((double)bytes / s), r->threads, plural(r->threads));
    human_row(stdout, "took", human_seconds(r->seconds), buf);
}

/* The first of the words is the output; captures are those that the others stand for, or NULL. */
static int verify(const struct options *o, const struct words *words, struct clv_captures *captures,
                  struct telling *t)
{
    struct clv_verify_params p = o->params;
    struct clv_verify_result r;
    struct clv_error err;
    p.output = words->all[0];
    p.listed = captures;
    if (captures)
        p.inputs = clv_captures_names(captures, &p.n_inputs);
    p.fault = tell;
    p.progress = go_on;
    p.user = t;
    const bool ok = clv_verify(&p, &r, &err);
    hide_progress(&t->talk);
    if (!ok && strcmp(err.subject, STANDARD_INPUT) == 0)
        (void)snprintf(err.hint, sizeof err.hint,
                       "its list of flows came from standard input: cleave verify ... <LIST");
    if (!ok)
        return end_talk(&err, "verified");
    if (t->n > SHOWN)
        (void)fprintf(complaint(NULL), "and %s more fault%s\n", human_count(t->n - SHOWN),
                      plural(t->n - SHOWN));
    if (o->json) {
        static char buf[32768]; /* too much for a small stack */
        (void)clv_verify_json(&p, &r, buf, sizeof buf);
        (void)fputs(buf, stdout);
    } else if (!o->quiet) {
        print_verdict(&r, p.output, p.n_inputs);
    }
    return r.faults ? EXIT_DAMAGED : EXIT_ALL;
}

/* The list of flows that a run was given, which is read again; NULL: none. */
static const char *list_of(const char *output, struct clv_receipt **receipt)
{
    struct clv_error err;
    return clv_receipt_read(output, receipt, &err) ? clv_receipt_params(*receipt)->flows : NULL;
}

/* What says which captures the words stand for is refused where there are no such words. */
static bool check_inputs(const struct options *o)
{
    const char *const flag = o->params.member      ? "member"
                             : o->inputs.recursive ? "recursive"
                             : o->inputs.order     ? "sort"
                                                   : NULL;
    if (flag)
        (void)fprintf(complaint("verify"), "--%s: needs FILE, the captures\n", flag);
    return !flag;
}

static int verify_words(const void *options, const struct words *words)
{
    const struct options *o = options;
    struct telling t = {.n = 0};
    struct clv_captures *captures = NULL;
    struct clv_error err;
    const struct words inputs = {.all = words->all + 1, .n = words->n - 1};
    if (!inputs.n && !check_inputs(o))
        return EXIT_NOTHING;
    begin_talk(&t.talk, (enum progress)o->progress, o->quiet);
    /* Captures that are not named are sought where cleave.json says. */
    static const char *const all[] = {"/"};
    struct clv_receipt *receipt = NULL;
    if (!o->no_sandbox)
        confine(&(struct confines){
            .reads = inputs.n ? words->all : all,
            .n_reads = inputs.n ? words->n : 1,
            .list = inputs.n ? list_of(words->all[0], &receipt) : NULL,
            .looks_up_names = true,
        });
    clv_receipt_destroy(&receipt);
    if (inputs.n && !list_captures(&captures, &inputs, &o->inputs, o->params.member, &err))
        return end_talk(&err, "verified");
    const int status = verify(o, words, captures, &t);
    clv_captures_destroy(&captures);
    return status;
}

const struct command command_verify = {
    .name = "verify",
    .operands = "OUTPUT [FILE...]",
    .min_operands = 1,
    .max_operands = UINT32_MAX >> 1,
    .summary = "Proves that outputs hold exactly what their captures hold.",
    .usual = (const char *const[]){"recursive", "files-from", "member", "threads", "json", "quiet",
                                   NULL},
    .examples =
        (const char *const[]){
            "cleave verify day.flows day.pcap",
            "cleave verify day.zip day.pcap           # an archive",
            "cleave verify night             # the captures that its cleave.json names",
            NULL,
        },
    .details = "OUTPUT is a directory or an archive that split made; FILE... are its captures,\n"
               "in the same order. Without FILE, the captures are those that its cleave.json\n"
               "names; name them yourself if OUTPUT comes from somebody else. Both sides are\n"
               "read: every packet must appear exactly as often as expected, in the right\n"
               "output, in order, with its bytes and its time. The manifest, cleave.json and\n"
               "the report must match, and there must be no other files.\n"
               "\n"
               "Exit status: 0 proven; 1 there are faults, and each is printed; 2 the output\n"
               "could not be checked.\n",
    .options = clv_verify_options,
    .params_at = AT(params),
    .flags = flags,
    .inputs_at = AT(inputs),
    .n_input_flags = 3,
    .min_beside_list = 1,
    .initial = &initial,
    .options_size = sizeof(struct options),
    .run_words = verify_words,
};
