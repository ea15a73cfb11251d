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

#include "api/flows.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sized.h"
#include "capture/places.h"
#include "index/beside.h"
#include "job/counts.h"
#include "job/job.h"
#include "job/options.h"
#include "job/receipt_write.h"
#include "pipeline/tally.h"
#include "report/report.h"
#include "verify/directory.h"

static void add_result(struct clv_split_result *sum, const struct clv_split_result *r)
{
    if (r->records_written && r->first_ns <= r->last_ns) {
        const bool first = sum->first_ns > sum->last_ns;
        sum->first_ns = first || r->first_ns < sum->first_ns ? r->first_ns : sum->first_ns;
        sum->last_ns = first || r->last_ns > sum->last_ns ? r->last_ns : sum->last_ns;
    }
    sum->tunnel = r->tunnelled > sum->tunnelled ? r->tunnel : sum->tunnel; /* of several, maybe */
    if (sum->earlier == 0) {
        sum->earlier_record = r->earlier_record;
        sum->earlier_input = r->earlier_input;
    }
    counts_add(sum, r);
    for (unsigned i = 0; i < r->n_unknown_links; i++)
        tally_unknown_link(sum, r->unknown_links[i].linktype, r->unknown_links[i].records);
    sum->more_unknown_links += r->more_unknown_links;
    sum->seconds += r->seconds;
    sum->threads = r->threads;
    sum->max_open = r->max_open;
    if (sum->damage.code == CLV_ERR_NONE)
        sum->damage = r->damage;
}

static const struct clv_split_result no_result = {.damage = {.offset = CLV_NO_OFFSET},
                                                  .after = {.offset = CLV_NO_OFFSET}};

/* All that a run is about: too much for the stack of a small thread. */
struct splitting {
    struct clv_split_params params; /* inputs are those that the caller's stand for */
    struct clv_split_result result;
    struct places places;
    struct job job;
    struct publish publish, sub;
    struct parents parents;
    bool archives;            /* outputs are members ... */
    bool is_single;           /* or there is one, which goes to ... */
    struct single single;     /* ... a file that is published, or the caller's descriptor */
    struct archive archive;   /* ... of this archive, ... */
    struct packing packing;   /* ... in which they may be compressed, ... */
    struct publish_file file; /* ... which is published as a file ... */
    char dir[PATH_MAX];       /* ... and staged here */
    struct made_run replaces;
    struct keyed key;  /* of names */
    struct names subs; /* sub-directories that were made */
    struct report report;
    struct beside table; /* of flows, where it is a database */
    struct verify verify;
    struct store store;                 /* what is verified: where outputs are staged */
    struct clv_error fault;             /* of verification, the first */
    struct clv_split_result again, one; /* of reading again; of one of several, or before it */
};

/* A sub-directory named after the capture. */
static bool make_sub(struct splitting *run, const char *capture, struct clv_error *err)
{
    const struct publish *const p = &run->publish;
    struct publish *const sub = &run->sub;
    struct job_name name;
    publish_none(sub);
    sub->mode = p->mode;
    for (;;) {
        if (!job_take_sub(&name, capture, &run->subs, &run->key))
            return clv_fail_nomem(err, capture, sizeof name);
        if (mkdirat(p->fd, name.text, io_dir_mode(p->mode)) == 0)
            break;
        if (errno == EEXIST) /* of another case, which the file system takes for the same */
            continue;
        const int why = errno;
        (void)clv_fail_errno(err, name.text, "cannot be created");
        (void)io_explain(p->fd, err);
        io_hint_name(err, why);
        return false;
    }
    (void)snprintf(sub->target, sizeof sub->target, "%s/%s", p->target, name.text);
    const int n = snprintf(sub->staging, sizeof sub->staging, "%s/%s", p->staging, name.text);
    if (n < 0 || (size_t)n >= sizeof sub->staging)
        return clv_fail(err, CLV_ERR_ARG, name.text, "its path is too long");
    sub->fd = openat(p->fd, name.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return sub->fd >= 0 || clv_fail_errno(err, name.text, "cannot be opened");
}

/* The first fault that verification finds is why the run fails. */
static void keep_fault(const struct clv_error *fault, void *user)
{
    struct clv_error *first = user;
    if (first->code == CLV_ERR_NONE)
        *first = *fault;
}

/* One more, before the others. */
static const struct observer *follow(struct observer *o, const struct observer *others)
{
    o->next = others;
    return o;
}

static bool begin_table(struct splitting *run, const struct publish *p, struct clv_error *err)
{
    return run->archives ? beside_member(&run->table, run->dir, err)
                         : beside_file(&run->table, p, err);
}

/* The outputs of the n sources from `from` on. */
static bool make_outputs(struct splitting *run, struct publish *p, size_t from, size_t n,
                         const struct observer *followers, struct clv_split_result *result,
                         struct clv_error *err)
{
    struct job *const job = &run->job;
    struct archive *const a = &run->archive;
    struct packing *const packing = run->packing.a ? &run->packing : NULL;
    if (run->is_single)
        return job_single(job, &run->single, followers, result, err);
    if (!run->archives)
        return job_part(job, from, n, p, followers, result, err);
    run->one = *result; /* with what is known of the run before anything is read */
    if (!job_archive(job, a, packing, followers, result, err))
        return false;
    if (a->measured) { /* where members lie is known now */
        const double seconds = result->seconds;
        *result = run->one;
        a->measured = false;
        const bool ok = job_archive(job, a, packing, followers, result, err);
        result->seconds += seconds;
        if (!ok)
            return false;
    }
    return run->table.fd < 0 || beside_add(&run->table, a, err);
}

static bool end_single(struct splitting *run, struct clv_error *err)
{
    const int fd = run->single.fd;
    if (!run->params.output)
        return true; /* it is the caller's */
    run->single.fd = -1;
    return io_close(fd, run->params.output, err);
}

/* The receipt, which is what a result ends with. */
static bool end_outputs(struct splitting *run, struct publish *p, const struct receipt_facts *facts,
                        struct clv_error *err)
{
    struct archive *const a = &run->archive;
    if (run->is_single)
        return end_single(run, err);
    if (!run->archives)
        return receipt_write(p, facts, err);
    if (!receipt_archive(a, facts, err) || !archive_end(a, err))
        return false;
    const int fd = a->fd;
    a->fd = -1;
    return io_close(fd, run->job.params->output, err);
}

/* So that an archive can be read before all that it is going to have is known. */
static bool end_for_now(struct splitting *run, struct clv_error *err)
{
    return !run->archives || (archive_end(&run->archive, err) && store_index(&run->store, err));
}

/* The n sources from `from` on become the outputs in p, which get a receipt of their own. */
static bool split_into(struct splitting *run, struct publish *p, size_t from, size_t n,
                       struct report *report, struct clv_split_result *result,
                       struct clv_error *err)
{
    struct job *const job = &run->job;
    const bool writes = !job->params->dry_run, verifies = writes && job->params->verify;
    const bool once = job_is_once(job);
    const bool table = writes && job->params->manifest == CLV_MANIFEST_SQLITE;
    struct verify *const v = &run->verify;
    char digest[PROOF_ORIGIN_TEXT];
    struct receipt_facts facts = {
        .params = job->params,
        .sources = job->sources + from,
        .n_sources = n,
        .left = job->sources + job->n_sources,
        .n_left = job->params->each ? 0 : job->n_all - job->n_sources,
        .dialect = &job->dialect,
        .page = report ? report->inside : NULL,
        .result = result,
    };
    run->fault = (struct clv_error){.code = CLV_ERR_NONE, .offset = CLV_NO_OFFSET};
    run->again = (struct clv_split_result){.damage = {.offset = CLV_NO_OFFSET}};
    bool ok =
        (!table || begin_table(run, p, err)) &&
        (!verifies || (store_begin(&run->store, p->staging, run->archives, err) &&
                       verify_begin(v, job, from, n, &run->store, keep_fault, &run->fault, err)));
    struct flows shown = {.on_flow = job->params->on_flow,
                          .user = job->params->user,
                          .input = job->params->each ? (uint32_t)job->sources[from].number + 1 : 0};
    struct observer flows = observe_flows(&shown), page = observe_report(report),
                    proof = observe_proof(&v->plan), proven = verify_table(v),
                    rows = observe_beside(&run->table);
    const struct observer *followers = NULL;
    if (shown.on_flow)
        followers = follow(&flows, followers);
    if (report)
        followers = follow(&page, followers);
    if (verifies && once)
        followers = follow(&proof, table ? follow(&proven, followers) : followers);
    if (table) /* before it is verified */
        followers = follow(&rows, followers);
    ok = ok && make_outputs(run, p, from, n, followers, result, err);
    if (!job->params->each)
        job_faults(job, result);
    if (!verifies)
        return ok && (!writes || end_outputs(run, p, &facts, err));
    ok = ok && (once || (end_for_now(run, err) && verify_again(v, &run->again, err)));
    if (ok && verify_origin(v, digest))
        facts.digest = digest;
    ok = ok && end_outputs(run, p, &facts, err) && store_index(&run->store, err);
    ok = ok && (!facts.page || verify_may_be(v, facts.page, STORE_PAGE, 0, err)) &&
         verify_conclude(v, result, !once, err);
    if (ok && v->faults) {
        ok = false;
        if (err)
            *err = run->fault;
        (void)clv_fail_hint(err, "%llu fault%s found: no output was made",
                            (unsigned long long)v->faults, v->faults == 1 ? "" : "s");
    }
    result->verified = v->outputs;
    result->seconds += run->again.seconds;
    verify_end(v);
    store_close(&run->store);
    return ok;
}

/* The archive is staged beside its name. */
static bool open_archive(struct splitting *run, struct clv_error *err)
{
    const struct clv_split_params *params = run->job.params;
    struct publish *const p = &run->publish;
    const unsigned mode = params->mode ? params->mode : IO_MODE;
    int fd;
    run->file = (struct publish_file){
        .option = "output",
        .what = "cleave archive",
        .replaces = params->force,
        .is_ours = archive_is_ours,
    };
    /* An archive of cleave may be an input, and must not be replaced by what is made of it. */
    if (!source_refuse(run->job.sources, run->job.n_sources, params->output, err))
        return false;
    if (!publish_file_open(p, params->output, mode, &run->file, params->clean, &fd, err))
        return false;
    path_parent(run->dir, p->staging);
    run->archive.fd = fd;
    run->job.pipeline.spill_dir = run->dir;
    return archive_init(&run->archive, fd, params->output, run->dir, mode, err) &&
           packing_begin(&run->packing, &run->archive, params->compress, run->dir, err);
}

/* The one output is staged beside its name, or it goes to the caller's descriptor. */
static bool open_single(struct splitting *run, struct clv_error *err)
{
    const struct clv_split_params *params = run->job.params;
    const unsigned mode = params->mode ? params->mode : IO_MODE;
    int fd = params->output_fd;
    run->file = (struct publish_file){
        .option = "output",
        .what = "capture",
        .replaces = params->force,
        .is_ours = single_is_ours,
    };
    if (params->output) {
        if (!source_refuse(run->job.sources, run->job.n_sources, params->output, err))
            return false;
        if (!publish_file_open(&run->publish, params->output, mode, &run->file, params->clean, &fd,
                               err))
            return false;
        path_parent(run->dir, run->publish.staging);
        run->job.pipeline.spill_dir = run->dir;
    }
    single_init(&run->single, fd, params->output ? params->output : "the capture");
    return true;
}

/* The last component of where its outputs are made; NULL: nowhere. */
static const char *one_is_in(const struct publish *sub)
{
    const char *slash = strrchr(sub->staging, '/');
    return slash ? slash + 1 : NULL;
}

static bool split_each(struct splitting *run, struct clv_split_result *result,
                       struct clv_error *err)
{
    struct job *const job = &run->job;
    struct publish *const sub = &run->sub, *const p = &run->publish;
    bool ok = true;
    result->first_ns = INT64_MAX;
    result->last_ns = INT64_MIN;
    for (size_t i = 0; ok && i < job->n_sources; i++) {
        publish_none(sub);
        run->one = (struct clv_split_result){.damage = {.offset = CLV_NO_OFFSET}};
        if (!job->params->dry_run && !make_sub(run, job->sources[i].called, err))
            return false;
        ok = split_into(run, sub, i, 1, NULL, &run->one, err);
        beside_fini(&run->table);
        if (sub->fd >= 0)
            (void)close(sub->fd);
        add_result(result, &run->one);
        tally_join_largest(result, &run->one, one_is_in(sub));
    }
    job_faults(job, result);
    const struct receipt_facts facts = {
        .params = job->params,
        .sources = job->sources,
        .n_sources = job->n_sources,
        .left = job->sources + job->n_sources,
        .n_left = job->n_all - job->n_sources,
        .result = result,
    };
    return ok && (job->params->dry_run || receipt_write(p, &facts, err));
}

/* From here on something is made, which a caller who wants to stop has to have removed. */
static bool may_begin(const struct clv_split_params *params, const struct clv_split_result *result,
                      struct clv_error *err)
{
    return !params->progress || params->progress(result, params->user) ||
           clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
}

/* Who replaces an earlier output, and what it is going to make: nothing else is lost. */
static bool settle_replacing(struct splitting *run, const struct clv_split_params *params,
                             struct clv_error *err)
{
    struct made_run *const m = &run->replaces;
    m->inputs = params->inputs;
    m->n_inputs = params->n_inputs;
    m->all = params->force == CLV_FORCE_ALL;
    m->key = &run->key;
    for (size_t i = 0; i < run->job.n_sources; i++) { /* without those that cannot be read */
        struct job_name name;
        if (!job_take_sub(&name, run->job.sources[i].called, &m->subs, &run->key))
            return clv_fail_nomem(err, params->output, params->n_inputs * sizeof name);
    }
    return true;
}

static bool end_report(struct report *report, const struct job *job,
                       const struct clv_split_result *result, struct clv_error *err)
{
    struct text outcome = text_on(mem_alloc(RECEIPT_OUTCOME_MAX, 1), RECEIPT_OUTCOME_MAX);
    if (!outcome.p)
        return clv_fail_nomem(err, "the report", RECEIPT_OUTCOME_MAX);
    receipt_outcome(job, result, &outcome);
    const bool ok = report_end(report, &outcome, result, err);
    mem_free(outcome.p);
    return ok;
}

/* Something is going to have a name: the one output has none as a pipe, or without a record. */
static bool publishes(const struct splitting *run)
{
    return !run->params.dry_run && (!run->is_single || (run->params.output && run->result.outputs));
}

/* The outputs, and the report of them: what is there has its name when all is whole. */
static bool split_all(struct splitting *run, struct clv_split_result *result, struct clv_error *err)
{
    struct publish *const p = &run->publish;
    struct report *const report = &run->report;
    const struct clv_split_params *params = run->job.params;
    const bool writes = !params->dry_run;
    struct publish *const files = writes && !run->archives ? p : NULL;
    if (params->report && !report_open(report, params, files, result, err))
        return false;
    run->job.page = params->report ? report->inside : NULL;
    return (params->each ? split_each(run, result, err)
                         : split_into(run, p, 0, run->job.n_sources, params->report ? report : NULL,
                                      result, err)) &&
           (!params->report || end_report(report, &run->job, result, err)) &&
           (!publishes(run) || (publish_sync(p, params->sync, err) && publish_commit(p, err)));
}

/* The outputs have their name, and keep it: what fails now is not the run. */
static void finish(struct splitting *run, struct clv_split_result *result)
{
    const struct clv_split_params *params = run->job.params;
    struct clv_error page = {.code = CLV_ERR_NONE, .offset = CLV_NO_OFFSET};
    if (publishes(run))
        (void)publish_finish(&run->publish, params->sync, &result->after);
    if (!report_publish(&run->report, &page) && result->after.code == CLV_ERR_NONE)
        result->after = page;
}

size_t clv_split_default_output(const char *input, char *buf, size_t len)
{
    char stem[NAME_COMPONENT_MAX + 1];
    char real[PATH_MAX];
    struct text out = text_on(buf, len);
    const size_t at = strlen(input);
    const bool says_nothing = strspn(input + (at > 2 ? at - 2 : 0), "./") == (at > 2 ? 2 : at);
    name_of_input(stem, says_nothing && realpath(input, real) ? real : input); /* ".", ".." */
    text_str(&out, stem);
    text_str(&out, ".flows");
    return text_whole(&out);
}

/* What a run with other options would need less of. */
static struct publish_advice advice_of(const struct splitting *run)
{
    struct publish_advice advice = {NULL, NULL};
    const bool archives = run->archives || run->params.each; /* or it cannot */
    if (!run->is_single && !run->params.compress)
        advice.bytes = archives ? "--compress may help" : "--compress or --archive may help";
    if (!run->is_single && !archives)
        advice.files = "--archive needs only one";
    return advice;
}

static bool open_outputs(struct splitting *run, const struct made_run *replaces,
                         struct clv_error *err)
{
    const struct clv_split_params *const params = &run->params;
    if (params->parents && params->output &&
        !parents_make(&run->parents, params->output, params->mode ? params->mode : IO_MODE, err))
        return false;
    run->archives = job_archives(params);
    run->is_single = params->single;
    bool ok;
    if (run->is_single) {
        ok = open_single(run, err);
    } else if (run->archives) {
        ok = open_archive(run, err);
    } else {
        run->job.pipeline.spill_dir = run->publish.staging;
        ok = publish_init(&run->publish, params->output, params->mode ? params->mode : IO_MODE,
                          replaces, params->clean, err);
    }
    run->publish.advice = advice_of(run);
    return ok || parents_hint(params, err);
}

bool clv_split_is_single(const char *output)
{
    return job_names_capture(output, strlen(output));
}

static bool split(struct splitting *run, struct clv_error *err)
{
    const struct clv_split_params *const params = &run->params;
    struct clv_split_result *const result = &run->result;
    run->params.single |= params->output && !params->archive && clv_split_is_single(params->output);
    if (params->output && !params->dry_run) /* where nothing is published, should this end early */
        (void)snprintf(run->publish.target, sizeof run->publish.target, "%s", params->output);
    const struct made_run *const replaces = params->force ? &run->replaces : NULL;
    if (params->output && !params->archive && !job_check_unpacked(params->output, err))
        return false;
    if (!job_inputs(&run->params, &run->places, result, err))
        return false;
    if (!job_open(&run->job, params, run->places.all, err)) {
        job_faults(&run->job, result);
        return job_hint_skipping(&run->job, err);
    }
    if (!keyed_draw(&run->key, err) || (replaces && !settle_replacing(run, params, err)) ||
        !may_begin(params, result, err) || (!params->dry_run && !open_outputs(run, replaces, err)))
        return false;
    if (params->output && !params->dry_run && !job_fits(&run->job, &run->publish, err))
        return false;
    result->stale = run->publish.n_stale;
    (void)snprintf(result->stale_path, sizeof result->stale_path, "%.255s", run->publish.stale);
    const bool ok = split_all(run, result, err);
    result->kept_bytes = run->job.kept_bytes;
    if (!ok)
        return false;
    if (params->dry_run)
        return report_publish(&run->report, err);
    finish(run, result);
    return true;
}

bool clv_split(const struct clv_split_params *params, struct clv_split_result *result,
               struct clv_error *err)
{
    const size_t size = params->result_size;
    struct splitting *run = mem_zalloc(1, sizeof *run);
    if (!run) {
        sized_give(result, size, SPLIT_RESULT_FIRST, &no_result, sizeof no_result);
        return clv_fail_nomem(err, "the run", sizeof *run);
    }
    run->result = no_result;
    run->archive.fd = run->single.fd = -1;
    beside_none(&run->table);
    publish_none(&run->publish);
    report_none(&run->report);
    const bool ok = sized_take(&run->params, sizeof run->params, SPLIT_PARAMS_FIRST, params, err) &&
                    split(run, err);
    report_fini(&run->report);
    beside_fini(&run->table);
    if (run->params.output && run->single.fd >= 0)
        (void)close(run->single.fd);
    if (run->archive.fd >= 0)
        (void)close(run->archive.fd);
    archive_fini(&run->archive);
    packing_fini(&run->packing);
    publish_fini(&run->publish, ok ? NULL : err);
    if (!ok || !publishes(run))
        parents_remove(&run->parents);
    job_close(&run->job);
    places_fini(&run->places);
    names_fini(&run->replaces.subs);
    names_fini(&run->subs);
    sized_give(result, size, SPLIT_RESULT_FIRST, &run->result, sizeof run->result);
    mem_free(run);
    return ok;
}
