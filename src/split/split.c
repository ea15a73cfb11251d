/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/split.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "split/counts.h"
#include "split/job.h"
#include "split/record.h"
#include "split/tally.h"
#include "verify/verify.h"

static void add_result(struct clv_split_result *sum, const struct clv_split_result *r)
{
    if (r->records_written && r->first_ns <= r->last_ns) {
        const bool first = sum->first_ns > sum->last_ns;
        sum->first_ns = first || r->first_ns < sum->first_ns ? r->first_ns : sum->first_ns;
        sum->last_ns = first || r->last_ns > sum->last_ns ? r->last_ns : sum->last_ns;
    }
    sum->tunnel = r->tunnelled > sum->tunnelled ? r->tunnel : sum->tunnel; /* of several, maybe */
    counts_add(sum, r);
    sum->seconds += r->seconds;
    sum->threads = r->threads;
    sum->max_open = r->max_open;
    if (sum->damage.code == CLV_ERR_NONE)
        sum->damage = r->damage;
}

/* A sub-directory named after the capture. */
static bool make_sub(struct publish *sub, const struct publish *p, const char *capture,
                     struct clv_error *err)
{
    struct job_name name;
    *sub = (struct publish){.dir_fd = -1, .mode = p->mode};
    for (unsigned again = 0;; again++) {
        job_sub_name(&name, capture, again);
        if (mkdirat(p->dir_fd, name.text, io_dir_mode(p->mode)) == 0)
            break;
        if (errno != EEXIST)
            return clv_fail_errno(err, name.text, "cannot be made");
    }
    const int n = snprintf(sub->staging, sizeof sub->staging, "%s/%s", p->staging, name.text);
    if (n < 0 || (size_t)n >= sizeof sub->staging)
        return clv_fail(err, CLV_ERR_ARG, name.text, "its path is too long");
    sub->dir_fd = openat(p->dir_fd, name.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return sub->dir_fd >= 0 || clv_fail_errno(err, name.text, "cannot be opened");
}

/* The first fault that verification finds is why the run fails. */
static void keep_fault(const struct clv_error *fault, void *user)
{
    struct clv_error *first = user;
    if (first->code == CLV_ERR_NONE)
        *first = *fault;
}

/* The n sources from `from` on become the outputs in p, which get a record of their own. */
static bool split_into(struct publish *p, struct job *job, size_t from, size_t n,
                       struct report *report, struct clv_split_result *result,
                       struct clv_error *err)
{
    const bool writes = !job->params->dry_run, verifies = writes && job->params->verify;
    const bool once = job_is_once(job);
    struct clv_error first = {.code = CLV_ERR_NONE, .offset = CLV_NO_OFFSET};
    struct clv_split_result again = {.damage = {.offset = CLV_NO_OFFSET}};
    struct verify v;
    const char *const page = report ? report->inside : NULL;
    job->pipeline.report = report;
    if (verifies && once)
        verify_begin(&v, job, from, n, p->staging, keep_fault, &first);
    bool ok = job_part(job, from, n, p, result, err);
    job->pipeline.report = NULL; /* what is done again is not told again */
    if (!verifies)
        return ok && (!writes || record_write(p, job->params, job->sources + from, n, &job->dialect,
                                              NULL, page, result, err));
    if (!once) {
        verify_begin(&v, job, from, n, p->staging, keep_fault, &first);
        ok = ok && verify_again(&v, &again, err);
    }
    ok = ok && record_write(p, job->params, job->sources + from, n, &job->dialect,
                            job->params->recover ? NULL : &v.plan.walked, page, result, err);
    ok = ok && (!page || verify_may_be(&v, page, err)) && verify_conclude(&v, result, !once, err);
    if (ok && v.faults) {
        ok = false;
        if (err)
            *err = first;
        (void)clv_fail_hint(err, "%llu fault%s found: nothing was published",
                            (unsigned long long)v.faults, v.faults == 1 ? "" : "s");
    }
    result->verified = v.outputs;
    result->seconds += again.seconds;
    verify_end(&v);
    return ok;
}

/* The last component of where its outputs are made; NULL: nowhere. */
static const char *one_is_in(const struct publish *sub)
{
    const char *slash = strrchr(sub->staging, '/');
    return slash ? slash + 1 : NULL;
}

static bool split_each(struct publish *p, struct job *job, struct clv_split_result *result,
                       struct clv_error *err)
{
    bool ok = true;
    result->first_ns = INT64_MAX;
    result->last_ns = INT64_MIN;
    for (size_t i = 0; ok && i < job->n_sources; i++) {
        struct publish sub = {.dir_fd = -1};
        struct clv_split_result one = {.damage = {.offset = CLV_NO_OFFSET}};
        if (!job->params->dry_run && !make_sub(&sub, p, job->sources[i].called, err))
            return false;
        ok = split_into(&sub, job, i, 1, NULL, &one, err);
        if (sub.dir_fd >= 0)
            (void)close(sub.dir_fd);
        add_result(result, &one);
        tally_join_largest(result, &one, one_is_in(&sub));
    }
    return ok && (job->params->dry_run || record_write(p, job->params, job->sources, job->n_sources,
                                                       NULL, NULL, NULL, result, err));
}

/* From here on something is made, which a caller who wants to stop has to have removed. */
static bool may_begin(const struct clv_split_params *params, const struct clv_split_result *result,
                      struct clv_error *err)
{
    return !params->progress || params->progress(result, params->user) ||
           clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
}

/* What is replaced is removed: no capture may lie in it. */
static bool check_inputs(const struct clv_split_params *params, struct clv_error *err)
{
    char output[PATH_MAX], input[PATH_MAX];
    if (params->dry_run || !params->force || !realpath(params->output, output))
        return true; /* there is nothing yet */
    for (size_t i = 0; i < params->n_inputs; i++)
        if (strcmp(params->inputs[i], "-") != 0 && realpath(params->inputs[i], input) &&
            path_is_below(input, output)) {
            (void)clv_fail(err, CLV_ERR_ARG, params->inputs[i],
                           "lies in the output that would be replaced");
            return clv_fail_hint(err, "name another with --output");
        }
    return true;
}

static bool end_report(struct report *report, const struct clv_split_params *params,
                       const struct clv_split_result *result, struct clv_error *err)
{
    enum { OUTCOME_MAX = 65536 };
    struct text outcome = text_on(mem_alloc(OUTCOME_MAX, 1), OUTCOME_MAX);
    if (!outcome.p)
        return clv_fail_nomem(err, "the report", OUTCOME_MAX);
    record_outcome(params, result, &outcome);
    const bool ok = report_end(report, &outcome, err);
    mem_free(outcome.p);
    return ok;
}

/* The outputs, and the report of them: what is there has its name when all is whole. */
static bool split_all(struct publish *p, struct job *job, struct report *report,
                      struct clv_split_result *result, struct clv_error *err)
{
    const struct clv_split_params *params = job->params;
    const bool writes = !params->dry_run;
    if (params->report && !report_open(report, params, writes ? p : NULL, result, err))
        return false;
    return (params->each ? split_each(p, job, result, err)
                         : split_into(p, job, 0, job->n_sources, params->report ? report : NULL,
                                      result, err)) &&
           (!params->report || end_report(report, params, result, err)) &&
           (!writes || publish_commit(p, params->sync, err)) && report_publish(report, err);
}

bool clv_split(const struct clv_split_params *params, struct clv_split_result *result,
               struct clv_error *err)
{
    struct publish publish = {.dir_fd = -1};
    struct report report = {.fd = -1};
    struct job job;
    bool ok = false;
    *result = (struct clv_split_result){.damage = {.offset = CLV_NO_OFFSET}};
    if (!job_open(&job, params, NULL, err) || !check_inputs(params, err) ||
        !may_begin(params, result, err) ||
        (!params->dry_run &&
         !publish_init(&publish, params->output, params->mode ? params->mode : IO_MODE,
                       params->force, params->clean, err)))
        goto done;
    job.pipeline.spill_dir = params->dry_run ? NULL : publish.staging;
    result->stale = publish.n_stale;
    (void)snprintf(result->stale_path, sizeof result->stale_path, "%.255s", publish.stale);
    ok = split_all(&publish, &job, &report, result, err);
done:
    report_fini(&report);
    publish_fini(&publish);
    job_close(&job);
    return ok;
}
