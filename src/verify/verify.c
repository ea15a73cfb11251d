/* SPDX-License-Identifier: BSD-2-Clause */
#include "verify/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "output/manifest.h"
#include "split/counts.h"
#include "verify/told.h"

void verify_tell(struct verify *v, const struct clv_error *fault)
{
    (void)pthread_mutex_lock(&v->lock);
    v->faults++;
    if (v->fault)
        v->fault(fault, v->user);
    (void)pthread_mutex_unlock(&v->lock);
}

void verify_begin(struct verify *v, struct job *job, size_t from, size_t n, const char *dir,
                  clv_verify_fault *fault, void *user)
{
    *v = (struct verify){
        .dir = dir,
        .job = job,
        .from = from,
        .n = n,
        .fault = fault,
        .user = user,
        .plan = {.output = verify_output, .manifest = verify_manifest, .user = v},
        .manifest_fd = -1,
    };
    (void)pthread_mutex_init(&v->lock, NULL);
    if (job->params->manifest_to_fd)
        v->plan.manifest = NULL;
    job->pipeline.proof = &v->plan;
}

void verify_end(struct verify *v)
{
    for (unsigned i = 0; i < VERIFY_SUSPECTS; i++)
        suspect_fini(&v->suspects[i]);
    if (v->manifest_fd >= 0)
        (void)close(v->manifest_fd);
    mem_free(v->names);
    (void)pthread_mutex_destroy(&v->lock);
    v->job->pipeline.proof = NULL;
}

/* The job's sources once more, for nothing but the plan. */
static bool read_again(struct verify *v, const struct proof_plan *plan,
                       struct clv_split_result *result, struct clv_error *err)
{
    struct pipeline_params *pp = &v->job->pipeline;
    const struct pipeline_params own = *pp;
    struct proof_plan *const proof = pp->proof;
    struct proof_plan mine = *plan;
    pp->proof = plan == proof ? proof : &mine;
    pp->dry_run = true;
    pp->manifest_fd = -1;
    pp->manifest = plan->manifest ? v->job->params->manifest : CLV_MANIFEST_NONE;
    const bool ok = job_part(v->job, v->from, v->n, NULL, result, err);
    *pp = own;
    return ok;
}

bool verify_again(struct verify *v, struct clv_split_result *result, struct clv_error *err)
{
    return read_again(v, &v->plan, result, err);
}

/* The path of a file in the directory, for messages. */
static const char *path_in(const char *dir, const char *name, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%.2000s/%.2000s", dir, name);
    return path;
}

static void *trace(void *user, const char *name)
{
    struct verify *v = user;
    for (unsigned i = 0; i < v->n_suspects; i++)
        if (!v->suspects[i].told && strcmp(v->suspects[i].name, name) == 0)
            return &v->suspects[i];
    return NULL;
}

static bool traced(void *tracer, const struct proof_record *rec, const struct source *s,
                   uint64_t offset, struct clv_error *err)
{
    return suspect_want(tracer, rec, s, offset, err);
}

static bool no_output(void *user, const struct proof_output *o, struct clv_error *err)
{
    (void)user;
    (void)o;
    (void)err;
    return true;
}

/* Where exactly the suspects are wrong. */
static bool look_closely(struct verify *v, struct clv_error *err)
{
    const struct proof_plan plan = {
        .output = no_output, .trace = trace, .record = traced, .user = v};
    for (unsigned left = v->n_suspects; left;) {
        struct clv_split_result result = {.damage = {.offset = CLV_NO_OFFSET}};
        for (unsigned i = 0; i < v->n_suspects; i++)
            v->suspects[i].passed = v->suspects[i].n_want = 0;
        if (!read_again(v, &plan, &result, err))
            return false;
        left = 0;
        for (unsigned i = 0; i < v->n_suspects; i++) {
            struct suspect *s = &v->suspects[i];
            if (!s->told && !verify_stretch(v, s, err))
                return false;
            left += !s->told;
        }
    }
    return true;
}

/* Without the inputs: which outputs are wrong is known, and no more. */
static void tell_suspects(struct verify *v)
{
    for (unsigned i = 0; i < v->n_suspects; i++) {
        struct clv_error fault = {.offset = CLV_NO_OFFSET};
        char path[PATH_MAX];
        (void)clv_fail(&fault, CLV_ERR_UNPROVEN, path_in(v->dir, v->suspects[i].name, path),
                       "does not hold the records that it should");
        verify_tell(v, &fault);
    }
}

/* What a walk of its own found in the inputs is in the outputs, where nothing is left out. */
static void check_sums(struct verify *v, const struct clv_split_result *r)
{
    const struct clv_split_params *params = v->job->params;
    const struct proof_sum *a = &v->plan.walked, *b = &v->found;
    const bool comparable = r->records_read == r->records_written && r->copies == 0 &&
                            !params->recover && v->faults == 0 && v->n_suspects == 0;
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    if (!comparable || (a->n == b->n && a->lo == b->lo && a->hi == b->hi))
        return;
    (void)clv_fail(&fault, CLV_ERR_UNPROVEN, v->dir,
                   "the inputs have %llu records, the outputs %llu, or others",
                   (unsigned long long)a->n, (unsigned long long)b->n);
    verify_tell(v, &fault);
}

bool verify_conclude(struct verify *v, const struct clv_split_result *result, bool again,
                     struct clv_error *err)
{
    const char *manifest = manifest_file_name(
        v->job->params->manifest_to_fd ? CLV_MANIFEST_NONE : v->job->params->manifest);
    check_sums(v, result);
    if (manifest && !v->manifest_wrong && v->manifest_fd >= 0) {
        char byte;
        struct clv_error fault = {.offset = CLV_NO_OFFSET};
        char path[PATH_MAX];
        if (pread(v->manifest_fd, &byte, 1, (off_t)v->manifest_at) == 1) {
            (void)clv_fail(&fault, CLV_ERR_UNPROVEN, path_in(v->dir, manifest, path),
                           "goes on behind its last row");
            (void)clv_fail_at(&fault, v->manifest_at, v->manifest_rows);
            verify_tell(v, &fault);
        }
    }
    if ((manifest && !verify_may_be(v, manifest, err)) || !verify_may_be(v, PUBLISH_MARK, err) ||
        !verify_strays(v, err))
        return false;
    if (again)
        return look_closely(v, err);
    tell_suspects(v);
    return true;
}

/* What the run said of itself, and what is so. */
static void check_told(struct verify *v, struct told *t, struct clv_split_result *r)
{
    char path[PATH_MAX];
    for (const struct counts_row *row = counts_rows; row->name; row++) {
        const uint64_t then = counts_get(&t->counts, row), now = counts_get(r, row);
        struct clv_error fault = {.offset = CLV_NO_OFFSET};
        if (!(row->in & COUNTS_RECEIPT) || then == now)
            continue;
        (void)clv_fail(&fault, CLV_ERR_UNPROVEN, path_in(v->dir, PUBLISH_MARK, path),
                       "%s%s%s is %llu, and should be %llu", row->group ? row->group : "",
                       row->group ? "." : "", row->name, (unsigned long long)then,
                       (unsigned long long)now);
        verify_tell(v, &fault);
    }
}

/* The captures are those of the run, as far as their records tell. */
static void check_digest(struct verify *v, const struct told *t)
{
    char digest[PROOF_SUM_TEXT];
    proof_sum_text(&v->plan.walked, digest);
    if (t->digest && !v->job->params->recover && strcmp(t->digest, digest) != 0) {
        struct clv_error fault = {.offset = CLV_NO_OFFSET};
        (void)clv_fail(&fault, CLV_ERR_UNPROVEN, v->job->sources[v->from].path,
                       "%sother records than in the run",
                       v->n == 1 ? "has " : "and those behind it have ");
        verify_tell(v, &fault);
    }
}

static void check_sizes(struct verify *v, const struct told *t)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct source *s = &v->job->sources[v->from + i];
        struct clv_error fault = {.offset = CLV_NO_OFFSET};
        if (t->sizes[i] == 0 || s->size == 0 || s->size == t->sizes[i])
            continue;
        (void)clv_fail(&fault, CLV_ERR_UNPROVEN, s->path, "has %llu bytes, and had %llu in the run",
                       (unsigned long long)s->size, (unsigned long long)t->sizes[i]);
        verify_tell(v, &fault);
    }
}

/* The outputs in dir, which are of n of the captures. */
static bool verify_dir(const struct clv_verify_params *params, struct told *t, const char *dir,
                       const char *const *paths, size_t n, struct clv_verify_result *result,
                       struct clv_split_result *sum, struct clv_error *err)
{
    struct job job;
    struct verify v;
    struct clv_split_result split = {.damage = {.offset = CLV_NO_OFFSET}};
    bool ok = false;
    t->params.output = dir;
    t->params.threads = params->threads;
    t->params.memory = params->memory;
    t->params.progress = params->progress;
    t->params.user = params->user;
    if (t->params.n_inputs != n) {
        (void)clv_fail(err, CLV_ERR_ARG, dir, "was made of %zu captures, not of %zu",
                       t->params.n_inputs, n);
        return clv_fail_hint(err, "name them all, in the order in which they were split");
    }
    if (job_open(&job, &t->params, paths, err)) {
        verify_begin(&v, &job, 0, n, dir, params->fault, params->user);
        ok = verify_again(&v, &split, err);
        if (ok) {
            check_told(&v, t, &split);
            check_digest(&v, t);
            ok = (!t->report || verify_may_be(&v, t->report, err)) &&
                 verify_conclude(&v, &split, !job_is_once(&job), err);
            if (v.faults) /* else it may be compressed now, or no longer */
                check_sizes(&v, t);
        }
        counts_add(sum, &split);
        result->faults += v.faults;
        result->outputs += v.outputs;
        result->output_bytes += v.output_bytes;
        result->records += split.records_read;
        result->written += split.records_written;
        result->dropped += split.records_read + split.copies - split.records_written;
        result->input_bytes += split.input_bytes;
        result->threads = split.threads;
        verify_end(&v);
    }
    job_close(&job);
    return ok;
}

/* The directory with a directory for each capture: nothing else is in it. */
static bool verify_each(const struct clv_verify_params *params, struct told *top,
                        const char *const *paths, size_t n, struct clv_verify_result *result,
                        struct clv_error *err)
{
    bool ok = true;
    struct clv_split_result sum = {.records_read = 0};
    struct verify names; /* of the directories */
    struct job none = {.params = &top->params};
    verify_begin(&names, &none, 0, 0, params->output, params->fault, params->user);
    for (size_t i = 0; ok && i < n; i++) {
        struct job_name sub;
        char dir[PATH_MAX];
        struct told t;
        unsigned again = 0;
        do
            job_sub_name(&sub, top->params.inputs[i], again++);
        while (verify_is_known(&names, sub.text));
        const int len = snprintf(dir, sizeof dir, "%s/%s", params->output, sub.text);
        if (len < 0 || (size_t)len >= sizeof dir)
            ok = clv_fail(err, CLV_ERR_ARG, sub.text, "its path is too long");
        ok = ok && verify_may_be(&names, sub.text, err);
        struct clv_error why;
        if (!ok)
            break;
        if (told_read(&t, dir, &why))
            ok = verify_dir(params, &t, dir, &paths[i], 1, result, &sum, err);
        else
            verify_tell(&names, &why);
        told_fini(&t);
    }
    if (ok && names.faults == 0)
        check_told(&names, top, &sum);
    ok = ok && verify_may_be(&names, PUBLISH_MARK, err) && verify_strays(&names, err);
    result->faults += names.faults;
    verify_end(&names);
    return ok;
}

/* Where captures are not named, they must be where they were. */
static bool check_sources(const struct clv_verify_params *params, const struct told *t,
                          struct clv_error *err)
{
    for (size_t i = 0; !params->n_inputs && i < t->params.n_inputs; i++)
        if (strcmp(t->params.inputs[i], "-") == 0) {
            (void)clv_fail(err, CLV_ERR_ARG, params->output, "was split from standard input");
            return clv_fail_hint(err, "name the capture, if it was saved too");
        }
    return true;
}

bool clv_verify(const struct clv_verify_params *params, struct clv_verify_result *result,
                struct clv_error *err)
{
    const int64_t started_ns = clock_ns();
    struct clv_split_result sum = {.records_read = 0};
    struct told t;
    *result = (struct clv_verify_result){.faults = 0};
    bool ok = told_read(&t, params->output, err) && check_sources(params, &t, err);
    if (ok) {
        const char *const *paths = params->n_inputs ? params->inputs : t.params.inputs;
        const size_t n = params->n_inputs ? params->n_inputs : t.params.n_inputs;
        ok = t.each && t.params.n_inputs == n
                 ? verify_each(params, &t, paths, n, result, err)
                 : verify_dir(params, &t, params->output, paths, n, result, &sum, err);
    }
    told_fini(&t);
    result->seconds = (double)(clock_ns() - started_ns) / 1e9;
    return ok;
}

size_t clv_verify_json(const struct clv_verify_params *params, const struct clv_verify_result *r,
                       char *buf, size_t len)
{
    struct text out = text_on(buf, len);
    struct json j = json_begin(&out);
    json_str(&j, "output", params->output);
    json_bool(&j, "proven", r->faults == 0);
    json_u64(&j, "faults", r->faults);
    json_u64(&j, "records_read", r->records);
    json_u64(&j, "records_written", r->written);
    json_u64(&j, "dropped", r->dropped);
    json_u64(&j, "outputs", r->outputs);
    json_u64(&j, "input_bytes", r->input_bytes);
    json_u64(&j, "output_bytes", r->output_bytes);
    json_u64(&j, "threads", r->threads);
    json_fixed(&j, "seconds", r->seconds, 6);
    json_end(&j);
    return text_whole(&out);
}
