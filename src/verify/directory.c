/* SPDX-License-Identifier: BSD-2-Clause */
#include "verify/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "capture/places.h"
#include "job/counts.h"
#include "job/receipt_read.h"
#include "job/receipt_write.h"
#include "manifest/manifest.h"
#include "report/report.h"
#include "verify/lookup.h"

void verify_tell(struct verify *v, const struct clv_error *fault)
{
    (void)pthread_mutex_lock(&v->lock);
    v->faults++;
    if (v->fault)
        v->fault(fault, v->user);
    (void)pthread_mutex_unlock(&v->lock);
}

bool verify_begin(struct verify *v, struct job *job, size_t from, size_t n, struct store *store,
                  clv_verify_fault *fault, void *user, struct clv_error *err)
{
    *v = (struct verify){
        .store = store,
        .key = &store->key,
        .job = job,
        .from = from,
        .n = n,
        .fault = fault,
        .user = user,
        .plan = {.output = verify_output,
                 .manifest = verify_manifest,
                 .user = v,
                 .key = &store->key},
        .manifest = {.fd = -1},
        .packed = job->params->compress,
    };
    (void)pthread_mutex_init(&v->lock, NULL);
    if (manifest_goes_to_fd(job->params->manifest) || job->params->manifest == CLV_MANIFEST_SQLITE)
        v->plan.manifest = NULL;
    return !receipt_has_digest(job->params) || proof_origin_begin(&v->plan.origin, err);
}

void verify_end(struct verify *v)
{
    for (unsigned i = 0; i < VERIFY_SUSPECTS; i++)
        suspect_fini(&v->suspects[i]);
    if (v->store)
        store_file_close(v->store, &v->manifest);
    proof_origin_free(&v->plan.origin);
    names_fini(&v->names);
    (void)pthread_mutex_destroy(&v->lock);
}

/* The job's sources once more, for nothing but the plan. */
static bool read_again(struct verify *v, struct proof_plan *plan, struct report *page,
                       struct clv_split_result *result, struct clv_error *err)
{
    struct observer proof = observe_proof(plan), made = observe_report(page),
                    table = v->gathered.parts ? verify_gathered(v) : verify_table(v);
    proof.next = page ? &made : NULL;
    if (plan == &v->plan) {
        table.next = proof.next;
        proof.next = &table;
    }
    return job_repeat(v->job, v->from, v->n, plan->manifest != NULL, &proof, result, err);
}

bool verify_again(struct verify *v, struct clv_split_result *result, struct clv_error *err)
{
    return read_again(v, &v->plan, v->page, result, err);
}

bool verify_origin(struct verify *v, char text[PROOF_ORIGIN_TEXT])
{
    if (v->plan.origin)
        proof_origin_end(v->plan.origin, v->job->sources + v->from, v->n, text);
    return v->plan.origin;
}

/* The path of a file in the store, for messages. */
static const char *path_in(const struct store *s, const char *name, char path[PATH_MAX])
{
    return store_path(s, name, path, NULL) ? path : name;
}

static void *trace(void *user, const char *name)
{
    struct verify *v = user;
    for (unsigned i = 0; i < v->n_suspects; i++)
        if (!v->suspects[i].told && strcmp(v->suspects[i].made, name) == 0)
            return &v->suspects[i];
    return NULL;
}

static bool traced(void *tracer, const struct proof_record *rec, const struct source *s,
                   uint64_t offset, struct clv_error *err)
{
    return suspect_want(tracer, rec, s, offset, err);
}

/* Where exactly the suspects are wrong. */
static bool look_closely(struct verify *v, struct clv_error *err)
{
    struct proof_plan plan = {.trace = trace, .record = traced, .user = v, .key = v->key};
    for (unsigned left = v->n_suspects; left;) {
        struct clv_split_result result = {.damage = {.offset = CLV_NO_OFFSET}};
        for (unsigned i = 0; i < v->n_suspects; i++)
            v->suspects[i].passed = v->suspects[i].n_want = 0;
        if (!read_again(v, &plan, NULL, &result, err))
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
static CLV_COLD void tell_suspects(struct verify *v)
{
    for (unsigned i = 0; i < v->n_suspects; i++) {
        struct clv_error fault = {.offset = CLV_NO_OFFSET};
        char path[PATH_MAX];
        (void)clv_fail(&fault, CLV_ERR_UNPROVEN, path_in(v->store, v->suspects[i].name, path),
                       "does not contain the records that it should");
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
    if (!comparable || (a->n == b->n && a->places == b->places))
        return;
    (void)clv_fail(&fault, CLV_ERR_UNPROVEN, v->store->path,
                   "the inputs have %llu records and the outputs %llu, or not the same ones",
                   (unsigned long long)a->n, (unsigned long long)b->n);
    verify_tell(v, &fault);
}

bool verify_conclude(struct verify *v, const struct clv_split_result *result, bool again,
                     struct clv_error *err)
{
    const char *manifest = manifest_file_name(manifest_goes_to_fd(v->job->params->manifest)
                                                  ? CLV_MANIFEST_NONE
                                                  : v->job->params->manifest);
    if (manifest && !v->manifest_wrong && v->manifest.fd >= 0) {
        char byte;
        struct clv_error fault = {.offset = CLV_NO_OFFSET};
        char path[PATH_MAX];
        if (store_read(&v->manifest, v->manifest_at, &byte, 1) == 1) {
            (void)clv_fail(&fault, CLV_ERR_UNPROVEN, path_in(v->store, manifest, path),
                           "goes on after its last row");
            (void)clv_fail_at(&fault, v->manifest.from + v->manifest_at, v->manifest_rows);
            verify_tell(v, &fault);
        }
    }
    if ((manifest && !verify_may_be(v, manifest, STORE_MANIFEST, 0, err)) ||
        !verify_may_be(v, PUBLISH_MARK, STORE_RECEIPT, 0, err) || !verify_strays(v, err))
        return false;
    check_sums(v, result);
    if (again)
        return look_closely(v, err);
    tell_suspects(v);
    return true;
}

/* Where cleave.json is not what it should be. */
struct receipt_faults {
    struct verify *v;
    const char *path;
    unsigned n;
};

static void tell_receipt(const char *what, void *user)
{
    struct receipt_faults *f = user;
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    (void)clv_fail(&fault, CLV_ERR_UNPROVEN, f->path, "%s", what);
    f->n++;
    verify_tell(f->v, &fault);
}

/* The receipt is made once more. */
static bool check_receipt(struct verify *v, const struct clv_receipt *receipt,
                          const struct receipt_facts *facts, struct clv_error *err)
{
    struct receipt_faults faults = {.v = v, .path = receipt->path};
    struct text text;
    const bool ok = receipt_text(facts, &text, err) &&
                    receipt_compare(receipt, text.p, text.len, tell_receipt, &faults, err);
    mem_free(text.p);
    return ok;
}

/* The captures are those of the run, as far as their records tell. */
static void check_digest(struct verify *v, const struct clv_receipt *receipt)
{
    char digest[PROOF_ORIGIN_TEXT];
    if (verify_origin(v, digest) && strcmp(receipt->digest, digest) != 0) {
        struct clv_error fault = {.offset = CLV_NO_OFFSET};
        (void)clv_fail(&fault, CLV_ERR_UNPROVEN, v->job->sources[v->from].path,
                       "%sdifferent records now than when it was split",
                       v->n == 1 ? "has " : "and the captures after it have ");
        verify_tell(v, &fault);
    }
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* true: a capture has another size than then, although it is compressed as it was: it is told. */
static bool are_others(struct verify *v, const struct clv_receipt *receipt)
{
    bool others = false;
    for (size_t i = 0; i < v->n; i++) {
        const struct source *s = &v->job->sources[v->from + i];
        struct clv_error fault = {.offset = CLV_NO_OFFSET};
        if (receipt->inputs[s->number].bytes == 0 || s->size == 0 ||
            s->size == receipt->inputs[s->number].bytes ||
            !same_text(s->compression, receipt->inputs[s->number].compression))
            continue;
        (void)clv_fail(&fault, CLV_ERR_UNPROVEN, s->path,
                       "has %llu bytes, but had %llu when it was split: is it another capture?",
                       (unsigned long long)s->size,
                       (unsigned long long)receipt->inputs[s->number].bytes);
        (void)clv_fail_hint(&fault, "name the captures that were split, in their order");
        verify_tell(v, &fault);
        others = true;
    }
    return others;
}

/*
 * A capture's size in the receipt is that of its file, which may be compressed now, or no longer;
 * or it was not known then, or is not now: it is taken as it stands there.
 */
static void settle_sizes(struct verify *v, const struct clv_receipt *receipt,
                         struct clv_split_result *r)
{
    for (size_t i = 0; i < v->n; i++) {
        struct source *s = &v->job->sources[v->from + i];
        const uint64_t now = s->size ? s->size : s->consumed;
        const bool was_known =
            receipt->inputs[s->number].bytes || !(receipt->params.merge || r->damage.code);
        if (now && was_known && same_text(s->compression, receipt->inputs[s->number].compression))
            continue;
        s->size = receipt->inputs[s->number].bytes;
        s->compression = receipt->inputs[s->number].compression;
        r->input_bytes += s->size - now;
    }
}

/* A report's page among the outputs is made once more. NULL: no memory. */
static CLV_COLD struct report *open_page(struct verify *v, struct store_file *file,
                                         const struct clv_receipt *receipt, struct clv_error *err)
{
    char path[PATH_MAX];
    const char *const name = receipt->params.report;
    struct report *page = mem_zalloc(1, sizeof *page);
    if (!page) {
        (void)clv_fail_nomem(err, name, sizeof *page);
        return NULL;
    }
    const enum store_look look = store_file(v->store, name, path_in(v->store, name, path), file);
    report_open_like(page, v->job->params, file->fd, file->from, file->size);
    if (look == STORE_HAS)
        v->page = page;
    if (look == STORE_LACKS) { /* what is there and no file verify_strays() reports */
        struct clv_error fault = {.offset = CLV_NO_OFFSET};
        (void)clv_fail(&fault, CLV_ERR_UNPROVEN, path, "is missing");
        verify_tell(v, &fault);
    }
    return page;
}

static CLV_COLD bool check_page(struct verify *v, const struct clv_split_result *r,
                                struct clv_error *err)
{
    struct clv_split_result seen = *r;
    struct text outcome = text_on(mem_alloc(RECEIPT_OUTCOME_MAX, 1), RECEIPT_OUTCOME_MAX);
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    char path[PATH_MAX];
    uint64_t at;
    if (!outcome.p)
        return clv_fail_nomem(err, "the report", RECEIPT_OUTCOME_MAX);
    seen.verified = r->outputs;
    receipt_outcome(v->job, &seen, &outcome);
    const bool ok = report_end(v->page, &outcome, &seen, err);
    mem_free(outcome.p);
    if (!ok || !report_differs(v->page, &at))
        return ok;
    (void)clv_fail(&fault, CLV_ERR_UNPROVEN, path_in(v->store, v->job->params->report, path),
                   "is not the page that these captures make");
    (void)clv_fail_at(&fault, v->page->like_from + at, 0);
    verify_tell(v, &fault);
    return true;
}

static void close_page(struct report **page)
{
    if (!*page)
        return;
    report_fini(*page);
    mem_free(*page);
    *page = NULL;
}

/* The outputs of v's directory and all that is said of them. */
static bool look_at_all(struct verify *v, const struct clv_receipt *receipt,
                        struct clv_split_result *r, struct clv_error *err)
{
    struct clv_split_params params = *v->job->params;
    const struct receipt_facts facts = {
        .params = &params,
        .sources = v->job->sources + v->from,
        .n_sources = v->n,
        .left = v->job->sources + v->job->n_sources,
        .n_left = v->job->n_all - v->job->n_sources,
        .dialect = &v->job->dialect,
        .digest = receipt_has_digest(&params) ? receipt->digest : NULL,
        .page = receipt->params.report,
        .parts = receipt->parts,
        .n_parts = receipt->n_parts,
        .result = r,
    };
    struct store_file file = {.fd = -1};
    struct report *page = NULL;
    params.each = receipt->params.each;
    if (receipt->params.report && (!(page = open_page(v, &file, receipt, err)) ||
                                   !verify_may_be(v, receipt->params.report, STORE_PAGE, 0, err))) {
        close_page(&page);
        store_file_close(v->store, &file);
        return false;
    }
    v->job->page = receipt->params.report;
    bool ok = verify_again(v, r, err);
    job_faults(v->job, r);
    if (ok) {
        const bool all = v->faults == 0 && v->n_suspects == 0 && v->outputs == r->outputs;
        r->written_bytes = all ? v->output_bytes : receipt->result.written_bytes;
        settle_sizes(v, receipt, r);
        ok = check_receipt(v, receipt, &facts, err) && (!v->page || check_page(v, r, err));
        check_digest(v, receipt);
    }
    close_page(&page);
    store_file_close(v->store, &file);
    return ok && verify_conclude(v, r, !job_is_once(v->job), err);
}

/* What the directories for each capture come to, together. */
struct whole {
    struct clv_split_result sum;
    struct source *sources;
    size_t n;
};

static void join_whole(struct whole *w, const struct source *s, const struct clv_split_result *r)
{
    counts_add(&w->sum, r);
    if (w->sum.damage.code == CLV_ERR_NONE)
        w->sum.damage = r->damage;
    w->sources[w->n++] = *s;
}

/* Captures are opened where the receipt says that they are: nothing of them is shown. */
static bool open_job(struct job *job, const struct clv_verify_params *params,
                     const struct clv_split_params *own, const struct input_place *places,
                     struct clv_error *err)
{
    if (job_open(job, own, places, err))
        return true;
    if (params->n_inputs || !err)
        return false;
    const struct clv_error why = *err;
    if (why.code == CLV_ERR_FORMAT)
        (void)clv_fail(err, CLV_ERR_FORMAT, why.subject, "cannot be read as a capture");
    return clv_fail_hint(err, "name the captures that were split: cleave verify %.60s FILE...",
                         params->output);
}

/* What it takes to look at a directory: too much for the stack of a small thread. */
struct looking {
    struct clv_split_params params; /* as they were for this directory */
    struct job job;
    struct verify v;
    struct clv_split_result split;
};

/* The run again, which made a directory, or an archive of the same outputs. */
static void settle_params(struct clv_split_params *own, const struct clv_receipt *receipt,
                          const struct clv_verify_params *params)
{
    *own = receipt->params;
    own->each = false; /* others look at the other directories */
    if (own->format == CLV_FORMAT_INPUT)
        own->format = CLV_FORMAT_PCAP; /* which copies what was copied */
    own->output = ".";                 /* nothing is written */
    own->verify = receipt->digest;
    own->threads = params->threads;
    own->memory = params->memory;
    own->progress = params->progress;
    own->user = params->user;
    own->keep_nofile = params->keep_nofile;
}

/* Outputs and rows are sought where several runs have them. */
static bool expect_parts(struct verify *v, const struct clv_receipt *receipt, struct clv_error *err)
{
    if (!receipt->parts)
        return true;
    v->gathered.parts = receipt->parts;
    v->gathered.n_parts = receipt->n_parts;
    v->plan.output = NULL;
    v->plan.manifest = NULL;
    return verify_parts(v, err);
}

/* The outputs in store, which are of n of the captures. whole: what it is a part of, or NULL. */
static bool verify_dir(const struct clv_verify_params *params, const struct clv_receipt *receipt,
                       struct store *store, const struct input_place *places, size_t n,
                       struct clv_verify_result *result, struct whole *whole, struct clv_error *err)
{
    bool ok = false;
    if (receipt->params.n_inputs != n) {
        (void)clv_fail(err, CLV_ERR_ARG, store->path, "was made from %zu capture%s, not from %zu",
                       receipt->params.n_inputs, receipt->params.n_inputs == 1 ? "" : "s", n);
        return clv_fail_hint(err, "name all of them and no others, in their order");
    }
    struct looking *const l = mem_zalloc(1, sizeof *l);
    if (!l)
        return clv_fail_nomem(err, store->path, sizeof *l);
    struct verify *const v = &l->v;
    struct clv_split_result *const split = &l->split;
    split->damage.offset = CLV_NO_OFFSET;
    settle_params(&l->params, receipt, params);
    if (open_job(&l->job, params, &l->params, places, err)) {
        ok = verify_begin(v, &l->job, 0, l->job.n_sources, store, params->fault, params->user, err);
        ok = ok && expect_parts(v, receipt, err);
        if (ok && !are_others(v, receipt))
            ok = look_at_all(v, receipt, split, err);
        if (ok && whole)
            join_whole(whole, &l->job.sources[0], split);
        result->faults += v->faults;
        result->outputs += v->outputs;
        result->output_bytes += v->output_bytes;
        result->records += split->records_read;
        result->faulty += split->faulty;
        result->left_out += split->left_out;
        result->written += split->records_written;
        result->dropped += split->records_read + split->copies - split->records_written;
        result->input_bytes += split->input_bytes;
        result->threads = split->threads;
        verify_end(v);
    }
    job_close(&l->job);
    mem_free(l);
    return ok;
}

/* What is there, and the receipt in it. */
struct found {
    struct store store;
    struct clv_receipt receipt;
};

static void close_found(struct found **m)
{
    if (!*m)
        return;
    receipt_fini(&(*m)->receipt);
    store_close(&(*m)->store);
    mem_free(*m);
    *m = NULL;
}

/* Opens outputs, and reads their receipt, whose digest can be compared if it has one. */
static CLV_COLD bool open_found(struct found *m, const char *path, size_t n_named,
                                struct clv_error *err)
{
    struct clv_receipt *const receipt = &m->receipt;
    if (!store_open(&m->store, path, err) || !store_receipt(&m->store, receipt, n_named, err) ||
        !store_parts(&m->store, receipt, err))
        return false;
    if (!receipt->digest || proof_origin_supported())
        return true;
    (void)clv_fail(err, CLV_ERR_ARG, receipt->path,
                   "its digest cannot be compared: built without nettle");
    return clv_fail_hint(err, "install nettle-dev and build again");
}

/* A capture that was left out of the run has no directory, and still cannot be read. */
static bool check_left_out(struct verify *names, const struct clv_receipt *top, size_t i,
                           const struct input_place *place, struct whole *whole)
{
    struct source s;
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    const bool ok = source_probe(&s, place, -1, false, &fault);
    source_close(&s);
    if (ok) {
        (void)clv_fail(&fault, CLV_ERR_UNPROVEN, place->path,
                       "was left out of the run, but can be read");
        verify_tell(names, &fault);
        return true;
    }
    s.called = top->params.inputs[i];
    s.left_out = true;
    s.fault = fault;
    if (whole->sum.damage.code == CLV_ERR_NONE)
        whole->sum.damage = fault;
    whole->sources[whole->n++] = s;
    return true;
}

/* One of the directories that lie in top's. */
static CLV_COLD bool verify_part(const struct clv_verify_params *params, struct verify *names,
                                 const struct clv_receipt *top, size_t i,
                                 const struct input_place *place, struct clv_verify_result *result,
                                 struct whole *whole, struct receipt_faults *options,
                                 struct clv_error *err)
{
    struct job_name sub;
    char dir[PATH_MAX];
    struct clv_error why;
    if (top->inputs[i].left_out)
        return check_left_out(names, top, i, place, whole);
    if (!verify_sub_name(names, top->params.inputs[i], &sub, err))
        return false;
    const int len = snprintf(dir, sizeof dir, "%s/%s", params->output, sub.text);
    if (len < 0 || (size_t)len >= sizeof dir)
        return clv_fail(err, CLV_ERR_ARG, sub.text, "its path is too long");
    struct found *found = mem_zalloc(1, sizeof *found);
    if (!found)
        return clv_fail_nomem(err, dir, sizeof *found);
    struct clv_receipt *const receipt = &found->receipt;
    bool ok = true;
    if (!open_found(found, dir, 1, &why)) {
        verify_tell(names, &why);
    } else if (receipt->params.n_inputs != 1 ||
               strcmp(receipt->params.inputs[0], top->params.inputs[i]) != 0) {
        (void)clv_fail(&why, CLV_ERR_UNPROVEN, receipt->path,
                       "its capture is \"%.60s\", not \"%.60s\"", receipt->params.inputs[0],
                       top->params.inputs[i]);
        (void)clv_fail_at(&why, CLV_NO_OFFSET, 0);
        verify_tell(names, &why);
    } else {
        if (options->n == 0)
            receipt_compare_part(top, receipt, tell_receipt, options);
        ok = verify_filter(receipt, err) &&
             verify_dir(params, receipt, &found->store, place, 1, result, whole, err);
        struct source *s = &whole->sources[i];
        if (ok && whole->n == i + 1) {
            s->called = top->params.inputs[i]; /* t's own strings go */
            s->compression = same_text(s->compression, top->inputs[i].compression)
                                 ? top->inputs[i].compression
                                 : NULL;
        }
    }
    close_found(&found);
    return ok;
}

/* What verify_each() would otherwise have on a stack that may be small. */
struct parts {
    struct verify names; /* of the directories */
    struct whole whole;
    struct clv_split_params own;
};

/* The directory with a directory for each capture: nothing else is in it. */
static CLV_COLD bool verify_each(const struct clv_verify_params *params, struct found *found,
                                 const struct input_place *places, size_t n,
                                 struct clv_verify_result *result, struct clv_error *err)
{
    struct parts *const p = mem_zalloc(1, sizeof *p);
    if (!p)
        return clv_fail_nomem(err, params->output, sizeof *p);
    const struct clv_receipt *const top = &found->receipt;
    p->whole.sum.damage.offset = CLV_NO_OFFSET;
    p->whole.sources = mem_zalloc(n, sizeof *p->whole.sources);
    struct job none = {.params = &top->params};
    struct receipt_faults options = {.v = &p->names, .path = top->path};
    bool ok = verify_begin(&p->names, &none, 0, 0, &found->store, params->fault, params->user, err);
    if (ok && !p->whole.sources) {
        (void)clv_fail_nomem(err, "the inputs", n * sizeof *p->whole.sources);
        ok = false;
    }
    for (size_t i = 0; ok && i < n; i++)
        ok = verify_part(params, &p->names, top, i, &places[i], result, &p->whole, &options, err);
    if (ok && p->whole.n == n && options.n == 0) {
        p->own = top->params;
        p->own.each = true;
        const struct receipt_facts facts = {.params = &p->own,
                                            .sources = p->whole.sources,
                                            .n_sources = n,
                                            .result = &p->whole.sum};
        ok = check_receipt(&p->names, top, &facts, err);
    }
    ok = ok && verify_may_be(&p->names, PUBLISH_MARK, STORE_RECEIPT, 0, err) &&
         verify_strays(&p->names, err);
    result->faults += p->names.faults;
    verify_end(&p->names);
    mem_free(p->whole.sources);
    mem_free(p);
    return ok;
}

/* Where captures are not named, they must be where they were: regular files. */
static CLV_COLD bool check_sources(const struct clv_verify_params *params,
                                   const struct clv_receipt *receipt, struct clv_error *err)
{
    for (size_t i = 0; !params->n_inputs && i < receipt->params.n_inputs; i++) {
        char file[PATH_MAX];
        const char *const path = input_file(receipt->params.inputs[i], file);
        struct stat st;
        if (strcmp(path, "-") == 0) {
            (void)clv_fail(err, CLV_ERR_ARG, params->output, "was split from standard input");
            return clv_fail_hint(err, "name the capture if it was saved as well");
        }
        errno = 0;
        if ((stat(path, &st) == 0 && S_ISREG(st.st_mode)) ||
            (receipt->inputs[i].left_out && errno == ENOENT))
            continue;
        if (stat(path, &st) != 0)
            (void)clv_fail_errno(err, path, "cannot be opened");
        else
            (void)clv_fail(err, CLV_ERR_ARG, path,
                           "is not a regular file, and no capture is named");
        return clv_fail_hint(err, "name the captures that were split: cleave verify %.60s FILE...",
                             params->output);
    }
    return true;
}

/* A directory for one of several captures: the names of others are known above it alone. */
static CLV_COLD bool check_whole(const struct clv_verify_params *params,
                                 const struct clv_receipt *receipt, struct clv_error *err)
{
    char parent[PATH_MAX], real[PATH_MAX];
    if (!receipt->part)
        return true;
    if (realpath(params->output, real))
        path_parent(parent, real);
    else
        (void)snprintf(parent, sizeof parent, "..");
    const size_t len = strlen(parent);
    parent[len - (len > 1 && parent[len - 1] == '/')] = '\0';
    (void)clv_fail(err, CLV_ERR_ARG, params->output, "is one part of an output of --each");
    return clv_fail_hint(err, "verify all of it: cleave verify %.80s", parent);
}

bool verify_all(const struct clv_verify_params *params, struct clv_verify_result *result,
                struct clv_error *err)
{
    const int64_t started_ns = clock_ns();
    struct found *found = mem_zalloc(1, sizeof *found);
    if (!found)
        return clv_fail_nomem(err, params->output, sizeof *found);
    struct clv_receipt *const receipt = &found->receipt;
    const size_t named = params->n_inputs;
    struct places places = {.all = NULL};
    const struct places_wish given = {
        .paths = params->inputs, .n = named, .pattern = params->member};
    if (params->listed)
        places = places_lend(params->listed);
    bool ok = (!named || params->listed || places_list(&places, &given, err)) &&
              open_found(found, params->output, places.n, err) &&
              check_whole(params, receipt, err) && check_sources(params, receipt, err) &&
              verify_filter(receipt, err) &&
              (named || places_list(&places,
                                    &(struct places_wish){.paths = receipt->params.inputs,
                                                          .n = receipt->params.n_inputs},
                                    err));
    if (ok) {
        const size_t n = places.n;
        result->inputs = n;
        (void)snprintf(result->input, sizeof result->input, "%s", places.names[0]);
        ok = receipt->params.each && receipt->params.n_inputs == n
                 ? verify_each(params, found, places.all, n, result, err)
                 : verify_dir(params, receipt, &found->store, places.all, n, result, NULL, err);
    }
    places_fini(&places);
    close_found(&found);
    result->seconds = (double)(clock_ns() - started_ns) / 1e9;
    return ok;
}
