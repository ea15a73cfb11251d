/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said at the end of a run over captures, and its exit status. */
#include <string.h>

#include "cleave/split.h"
#include "cli/cli.h"

bool names_archive(const char *output)
{
    static const char ending[] = ".zip";
    const size_t len = strlen(output), n = sizeof ending - 1;
    return len > n && strcmp(output + len - n, ending) == 0;
}

enum { FAULTS_MAX = 100, JSON_MAX = 65536 + 4096 * FAULTS_MAX };
static struct clv_error faults[FAULTS_MAX];

/* The capture's fault; NULL: none has this number. */
static const struct clv_error *fault_at(const struct clv_split_params *p, uint64_t i)
{
    return i < p->max_faults && p->faults[i].code != CLV_ERR_NONE ? &p->faults[i] : NULL;
}

void print_faults(const struct clv_split_params *p, uint64_t n)
{
    const struct clv_error *fault;
    for (uint64_t i = 0; (fault = fault_at(p, i)) != NULL; i++)
        (void)print_error(fault);
    if (n > p->max_faults)
        advise("and %s more capture%s", human_count(n - p->max_faults), plural(n - p->max_faults));
}

static int print_json(const struct clv_split_params *p, const struct clv_split_result *r)
{
    static char buf[JSON_MAX]; /* too much for a small stack */
    if (clv_split_json(p, r, buf, sizeof buf) == 0) {
        (void)fprintf(complaint(NULL), "the summary cannot be printed: a path is too long\n");
        return EXIT_DAMAGED;
    }
    (void)fputs(buf, stdout);
    return EXIT_ALL;
}

void hold_faults(struct clv_split_params *p)
{
    p->faults = faults;
    p->max_faults = FAULTS_MAX;
}

int print_failure(const struct clv_split_params *p, const struct clv_error *err, const char *undone)
{
    const int status = end_talk(err, undone);
    const struct clv_error *fault;
    uint64_t told = 0;
    while ((fault = fault_at(p, told)) != NULL &&
           (strcmp(fault->subject, err->subject) != 0 || strcmp(fault->what, err->what) != 0))
        told++;
    if (!fault)
        return status; /* it was not for the captures */
    for (uint64_t i = 0; (fault = fault_at(p, i)) != NULL; i++)
        if (i != told)
            (void)print_error(fault);
    return status;
}

/* What earlier runs to the same output could not remove, killed or not. */
static void print_stale(const struct clv_split_result *r)
{
    static const char old[] = "-old";
    const size_t len = strlen(r->stale_path);
    const bool replaced =
        len >= sizeof old && strcmp(r->stale_path + len - (sizeof old - 1), old) == 0;
    if (r->stale == 0)
        return;
    (void)fprintf(complaint(NULL),
                  replaced ? "%s is an older output that could not be removed"
                           : "%s was left by a killed run",
                  printable(r->stale_path));
    if (r->stale > 1)
        (void)fprintf(stderr, ", and so were %s more; --clean removes them\n",
                      human_count(r->stale - 1));
    else
        (void)fprintf(stderr, "; --clean removes it\n");
}

/* What of the captures was taken nevertheless; of several it is said below what is said of each. */
static void print_taken(const struct clv_split_params *p, const struct clv_split_result *r,
                        const char *done)
{
    const uint64_t n = r->records_read;
    const char *count = n ? human_count(n) : "no", *were = n == 1 ? "was" : "were";
    const char *more =
        p->recover || r->damage.hint[0] ? "" : "; --recover searches for more after the damage";
    if (r->left_out == r->faulty)
        (void)fprintf(complaint(NULL), "the other %s complete and %s %s\n",
                      p->n_inputs - r->left_out == 1 ? "capture is" : "captures are",
                      p->n_inputs - r->left_out == 1 ? "was" : "were", done);
    else if (p->n_inputs > 1)
        (void)fprintf(complaint(NULL), "all captures together: %s complete record%s %s %s%s\n",
                      count, plural(n), were, done, more);
    else
        advise("%s complete record%s %s %s%s", count, plural(n), were, done, more);
}

int print_outcome(const struct clv_split_params *p, const struct clv_split_result *r,
                  enum made made, bool json, bool quiet)
{
    static const char *const done_of[] = {
        [MADE_NOTHING] = "read",   [MADE_FILES] = "split",   [MADE_MEMBERS] = "split",
        [MADE_CAPTURE] = "copied", [MADE_INDEX] = "indexed",
    };
    print_stale(r);
    int status = EXIT_ALL;
    if (json)
        status = print_json(p, r);
    else if (!quiet)
        print_summary(p, r, made,
                      p->manifest == CLV_MANIFEST_FD || p->manifest == CLV_MANIFEST_JSONL_FD ||
                              (p->single && !p->output)
                          ? stderr
                          : stdout);
    if ((!p->dry_run || p->report) &&
        !flush_words("the output is complete, but its summary could not be written"))
        status = EXIT_DAMAGED;
    if (made == MADE_CAPTURE && r->outputs == 0) {
        (void)fprintf(complaint(NULL), "no record matches: no output was made\n");
        status = EXIT_DAMAGED;
    }
    if (r->after.code != CLV_ERR_NONE) {
        (void)print_error(&r->after);
        status = EXIT_DAMAGED;
    }
    if (r->bad_options) {
        (void)fprintf(complaint(NULL),
                      "%s block%s malformed options; %s copied as %s, and no packet is lost\n",
                      human_count(r->bad_options), r->bad_options == 1 ? " has" : "s have",
                      r->bad_options == 1 ? "it is" : "they are",
                      r->bad_options == 1 ? "it is" : "they are");
        status = EXIT_DAMAGED;
    }
    if (r->damage.code != CLV_ERR_NONE) {
        print_faults(p, r->faulty);
        const uint64_t more = r->damages - r->faulty;
        if (more)
            advise("and %s more fault%s in %s", human_count(more), plural(more),
                   r->faulty == 1 ? "it" : "them");
        print_taken(p, r, done_of[made]);
        status = EXIT_DAMAGED;
    }
    return status;
}
