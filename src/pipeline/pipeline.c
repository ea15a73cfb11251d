/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/port.h"
#include "manifest/community.h"
#include "pipeline/run.h"
#include "pipeline/sizes.h"

enum {
    PROGRESS_NS = 100 * 1000 * 1000,
    METADATA_MAX = 256 << 20, /* bytes that are kept for outputs; the same for any --memory */
};

/* The first failure is the one that is reported. The caller holds the lock. */
static void fail(struct pipeline *pl, const struct clv_error *err)
{
    if (!pl->schedule.failed)
        *pl->err = *err;
    pl->schedule.failed = true;
}

static void count(struct pipeline *pl)
{
    struct clv_split_result *r = pl->result;
    const struct scan_counts *c = &pl->schedule.feed.counts;
    const struct join_counts *j = &pl->join.seen;
    r->records_read = c->records;
    r->other = c->other;
    r->dropped_other = c->dropped_other;
    r->fragments = c->fragments;
    r->orphans = j->orphans;
    r->fragment_overflow = j->overflow;
    r->cut_short = c->cut_short;
    r->copies = c->copies - j->filtered_copies - pl->dedup.seen.copies - pl->listed.seen.copies;
    r->dropped_duplicates = pl->dedup.seen.records;
    r->dropped_filtered = c->filtered + j->filtered + pl->listed.seen.filtered;
    r->damages = c->damages;
    r->joined = c->joined;
    r->times_beyond = c->times_beyond;
    r->skipped_bytes = c->skipped_bytes;
    r->rounded = c->rounded;
    r->earlier = c->earlier;
    r->unfinished_bytes = c->unfinished;
    r->untimed = c->untimed;
    r->bad_options = c->bad_options;
    r->dropped_blocks.statistics = c->blocks_statistics;
    r->dropped_blocks.custom = c->blocks_custom;
    r->dropped_blocks.unknown = c->blocks_unknown;
    r->dropped_blocks.metadata = c->blocks_metadata;
    r->n_unknown_links = 0;
    for (unsigned i = 0; i < LEDGER_UNREAD; i++)
        if (c->unread[i])
            tally_unknown_link(r, pl->ledger.unread[i], c->unread[i]);
    r->more_unknown_links = c->unread[LEDGER_UNREAD];
    r->input = (uint32_t)(pl->params->n_before + pl->schedule.feed.source) + 1;
    r->inputs = (uint32_t)pl->params->n_all;
    r->seconds = (double)(clock_ns() - pl->started_ns) / 1e9;
}

/* Of the input that was scanned, about what has been written. */
static uint64_t finished_bytes(const struct pipeline *pl)
{
    const double scanned = (double)pl->result->scanned_bytes;
    const uint64_t items = pl->schedule.feed.n_items;
    return (uint64_t)(items ? scanned * schedule_written(&pl->schedule) / (double)items : scanned);
}

static void report_progress(struct pipeline *pl)
{
    const int64_t now = clock_ns();
    if (!pl->params->progress || now - pl->reported_ns < PROGRESS_NS)
        return;
    pl->reported_ns = now;
    count(pl);
    pl->result->finished_bytes = finished_bytes(pl);
    struct clv_split_result so_far = *pl->result;
    so_far.flows = max_u64(so_far.flows, pl->found_flows);
    /* What the caller does with it, a slow terminal say, must not hold up the workers. */
    (void)pthread_mutex_unlock(&pl->lock);
    const bool go_on = pl->params->progress(&so_far, pl->params->user);
    (void)pthread_mutex_lock(&pl->lock);
    if (!go_on) {
        struct clv_error err;
        (void)clv_fail(&err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
        fail(pl, &err);
    }
}

/* For a task that may take a while. */
static bool goes_on(void *run)
{
    struct pipeline *pl = run;
    (void)pthread_mutex_lock(&pl->lock);
    const bool failed = pl->schedule.failed;
    (void)pthread_mutex_unlock(&pl->lock);
    return !failed;
}

/* The same for the caller alone, when nobody else works. */
static bool goes_on_alone(void *run)
{
    struct pipeline *pl = run;
    (void)pthread_mutex_lock(&pl->lock);
    report_progress(pl);
    (void)pthread_mutex_unlock(&pl->lock);
    return goes_on(run);
}

/*
 * Unmapping a gigabyte takes milliseconds, in which others can work. Of many sources only those are
 * open whose records are under way.
 */
static void release(struct pipeline *pl)
{
    const struct released r = pl->schedule.released;
    if (!r.window.in)
        return;
    pl->schedule.released.window.in = NULL;
    pl->written = (size_t)(r.source - pl->params->sources);
    r.source->releases++;
    (void)pthread_mutex_unlock(&pl->lock);
    input_release(&r.window, r.from, r.to);
    (void)pthread_mutex_lock(&pl->lock);
    r.source->releases--;
    while (pl->closed < pl->written && pl->params->sources[pl->closed].releases == 0) {
        struct source *s = &pl->params->sources[pl->closed++];
        (void)pthread_mutex_unlock(&pl->lock);
        source_close(s); /* its thread may call wake() */
        (void)pthread_mutex_lock(&pl->lock);
    }
}

/* The task was carried out. */
static void complete(struct pipeline *pl, const struct task *t)
{
    if (t->kind == TASK_NUMBER)
        pl->result->rounds += pl->schedule.flush.items != 0;
    const uint64_t found = pl->schedule.feed.found;
    schedule_done(&pl->schedule, t);
    if (found == pl->schedule.feed.found)
        return;
    pl->found_flows = 0; /* nobody finds at this moment */
    for (uint32_t p = 0; p < pl->schedule.n_parts; p++)
        pl->found_flows += pl->parts[p].flows.n;
}

/* The caller reports progress even when there is nothing for it to do. */
static void wait_a_while(struct pipeline *pl, bool reports)
{
    if (!reports) {
        (void)pthread_cond_wait(&pl->wake, &pl->lock);
        return;
    }
    port_cond_wait(&pl->wake, &pl->lock, PROGRESS_NS);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pipeline *pl = w->pl;
    struct schedule *s = &pl->schedule;
    (void)pthread_mutex_lock(&pl->lock);
    while (!s->failed && !s->finished) {
        struct task task;
        if (w->is_caller)
            report_progress(pl);
        if (!schedule_next(s, &task)) {
            if (!s->failed)
                wait_a_while(pl, w->is_caller && pl->params->progress);
            continue;
        }
        (void)pthread_mutex_unlock(&pl->lock);
        struct clv_error err;
        const bool ok = tasks_carry_out(pl, w, &task, &err);
        (void)pthread_mutex_lock(&pl->lock);
        if (ok)
            complete(pl, &task);
        else
            fail(pl, &err);
        (void)pthread_cond_broadcast(&pl->wake);
        release(pl);
    }
    (void)pthread_cond_broadcast(&pl->wake);
    (void)pthread_mutex_unlock(&pl->lock);
    return NULL;
}

/* A window that had to be waited for is there. */
static void wake(void *user)
{
    struct pipeline *pl = user;
    (void)pthread_mutex_lock(&pl->lock);
    feed_wake(&pl->schedule.feed);
    (void)pthread_cond_broadcast(&pl->wake);
    (void)pthread_mutex_unlock(&pl->lock);
}

static void settle_sizes(struct pipeline *pl, struct sizes *sizes)
{
    const struct pipeline_params *pp = pl->params;
    *sizes = sizes_settle(&(struct sizes_from){
        .threads = pp->threads,
        .max_open = pp->max_open,
        .memory = pp->memory,
        .window = pp->window,
        .ram = port_memory(),
        .sources = pp->sources,
        .n_sources = pp->n_sources,
    });
    pl->scan.n_partitions = sizes->partitions;
    pl->scan.partition_bits = (unsigned)__builtin_ctz(sizes->partitions);
    pl->schedule.n_parts = sizes->partitions;
    pl->schedule.finds_step = sizes->finds_step;
    pl->schedule.max_refs = sizes->max_refs;
    pl->schedule.names = !pp->name->unique;
    pl->schedule.wide = pp->archive;
    pl->schedule.packs = pp->packing;
    pl->schedule.finishes = pp->dialect->form == DIALECT_PCAPNG;
    pl->schedule.epoch.number = 1;
    if (pp->archive && !pp->packing && !pp->dry_run && pp->threads > 1)
        pl->schedule.allocated.n = archive_plan(pp->archive);
    struct feed *fd = &pl->schedule.feed;
    fd->sources = pp->sources;
    fd->n_sources = pp->n_sources;
    fd->input = (struct input_plan){.window = sizes->window,
                                    .slack = sizes->slack,
                                    .buffers = sizes->buffers,
                                    .ready = wake,
                                    .user = pl};
    fd->recover = pp->recover;
    fd->n_batches = sizes->n_batches;
    fd->pieces_per_batch = sizes->pieces_per_batch;
    fd->observers = pp->observers;
    fd->result = pl->result;
}

static bool init_partition(struct pipeline *pl, struct partition *p, uint32_t max_open)
{
    const struct pipeline_params *pp = pl->params;
    if (!partition_init(p, &pp->by, &pp->cuts, &pl->spill))
        return false;
    if (pp->inner)
        flow_table_keep(&p->flows, FLOW_BESIDE_OUTER, sizeof(struct clv_tuple));
    p->dry = pp->dry_run || (pp->measures && dialect_is_plain(pp->dialect));
    p->measures = p->proves = pp->measures;
    p->drop_small = pp->drop_other;
    p->chooses = pp->chosen != NULL;
    p->record_header =
        pp->dialect->form == DIALECT_COPY ? pp->sources[0].format.hdr_len : PCAP_RECORD_HEADER;
    p->max_packets = pp->max_packets;
    p->max_bytes = pp->max_bytes;
    if ((pp->archive || pp->measures) && !p->dry) {
        writer_init(&p->writer, &p->flows, &pl->form, &pl->measure.sink);
    } else if (pp->single && !p->dry) {
        writer_init(&p->writer, &p->flows, &pl->form, &pp->single->sink);
    } else if (!p->dry) {
        files_init(&p->files, pp->publish->fd, pp->publish->mode, pp->dialect->compress, max_open);
        writer_init(&p->writer, &p->flows, &pl->form, &p->files.sink);
    }
    for (const struct observer *o = pp->observers; o; o = o->next)
        if (o->prepare && !o->prepare(o->self, p))
            return false;
    return true;
}

static bool init_metadata(struct pipeline *pl, struct clv_error *err)
{
    const struct pipeline_params *pp = pl->params;
    struct dialect *d = pp->dialect;
    ledger_init(&pl->ledger, METADATA_MAX);
    d->ledger = pl->scan.ledger = &pl->ledger;
    d->picker = NULL;
    if (d->form != DIALECT_PCAPNG || !d->metadata)
        return true;
    if (!metadata_init(&pl->metadata, &pl->ledger, pp->by.secret))
        return clv_fail_nomem(err, "metadata", sizeof pl->metadata);
    d->picker = &pl->metadata;
    pl->schedule.rests = !pp->dry_run;
    return true;
}

static bool init(struct pipeline *pl, struct clv_error *err)
{
    const struct pipeline_params *pp = pl->params;
    struct sizes sizes;
    settle_sizes(pl, &sizes);
    if (!init_metadata(pl, err))
        return false;
    const uint32_t n = sizes.partitions;
    pl->refs = mem_alloc(sizes.max_refs, sizeof *pl->refs);
    pl->parts = mem_zalloc(n, sizeof *pl->parts);
    pl->ref_starts = mem_alloc(n, sizeof *pl->ref_starts);
    pl->schedule.flush.by_size = mem_alloc(n, sizeof *pl->schedule.flush.by_size);
    pl->schedule.parts = pl->parts;
    if (!pl->refs || !pl->parts || !pl->ref_starts || !pl->schedule.flush.by_size)
        return clv_fail_nomem(err, "the pipeline", sizes.max_refs * sizeof *pl->refs);
    for (uint32_t p = 0; p < n; p++)
        if (!init_partition(pl, &pl->parts[p], (uint32_t)max_u64(1, pp->max_open / n)))
            return clv_fail_nomem(err, "the pipeline", sizeof *pl->parts);
    pl->join.scan = pl->roles.scan = pl->dedup.scan = pl->listed.scan = &pl->scan;
    pl->join.sources = pp->sources;
    if (pl->scan.joins)
        order_add(&pl->schedule.order, join_pass(&pl->join));
    if (pl->scan.list)
        order_add(&pl->schedule.order, listed_pass(&pl->listed));
    if (pl->scan.dedup)
        order_add(&pl->schedule.order, dedup_pass(&pl->dedup));
    if (pl->scan.by.fields & FLOW_BY_ROLES)
        order_add(&pl->schedule.order, roles_pass(&pl->roles));
    if (relations_any(&pp->relate) && (!pp->known || pp->relate.groups)) {
        pl->relate.scan = &pl->scan;
        pl->relate.cuts = &pp->cuts;
        pl->relate.plan = &pp->relate;
        pl->relate.known = pp->known;
        pl->relate.record_header = pl->parts[0].record_header;
        if (!relate_init(&pl->relate, pp->learns, &pl->spill))
            return clv_fail_nomem(err, "relations of flows", sizeof pl->relate);
        order_add(&pl->schedule.order, relate_pass(&pl->relate));
    }
    pl->manifest.relations = pp->known ? pp->known : pl->relate.relations;
    pl->finish.all = (struct findings){
        .parts = pl->parts,
        .n_parts = n,
        .dialect = pp->dialect,
        .manifest = &pl->manifest,
        .spill = &pl->spill,
        .goes_on = goes_on,
        .run = pl,
    };
    return feed_init(&pl->schedule.feed, err);
}

static void fini(struct pipeline *pl)
{
    for (const struct observer *o = pl->params->observers; o; o = o->next)
        if (o->fini)
            o->fini(o->self);
    feed_fini(&pl->schedule.feed);
    finish_fini(&pl->finish);
    for (uint32_t p = 0; pl->parts && p < pl->schedule.n_parts; p++)
        partition_fini(&pl->parts[p]);
    join_fini(&pl->join);
    roles_fini(&pl->roles);
    relate_fini(&pl->relate);
    dedup_fini(&pl->dedup);
    mem_free(pl->parts);
    mem_free(pl->refs);
    mem_free(pl->ref_starts);
    mem_free(pl->schedule.flush.by_size);
    numbering_fini(&pl->numbering);
    members_fini(&pl->members);
    metadata_fini(&pl->metadata);
    ledger_fini(&pl->ledger);
    pl->params->dialect->ledger = NULL;
    pl->params->dialect->picker = NULL;
    spill_fini(&pl->spill);
}

static bool init_worker(struct worker *w, struct pipeline *pl)
{
    w->pl = pl;
    const bool ok = form_scratch_init(&w->scratch, pl->params->dialect->compress);
    const bool rows = pl->params->manifest != CLV_MANIFEST_NONE || pl->params->archive;
    if (pl->params->archive)
        stage_join(&w->scratch.stage);
    if (pl->params->single) {
        w->scratch.stage.take = single_take;
        w->scratch.stage.user = pl->params->single;
    }
    w->text = rows ? mem_alloc(FINISH_TEXT_MAX, 1) : NULL;
    if (pl->scan.list && !(w->memo = flowlist_memo_create(pl->scan.list)))
        return false;
    w->archive.x = &w->scratch;
    w->archive.entries.text = w->packing.out = text_on(w->text, FINISH_TEXT_MAX);
    w->packing.in = w->scratch.stage.p;
    return ok && (w->text || !rows);
}

static void run_workers(struct pipeline *pl)
{
    const unsigned want = pl->params->threads;
    struct worker *workers = mem_zalloc(want, sizeof *workers);
    pthread_t *threads = mem_alloc(want, sizeof *threads);
    unsigned n = 0;
    struct clv_error err;
    if (!workers || !threads || !init_worker(&workers[0], pl)) {
        (void)clv_fail_nomem(&err, "the workers", STAGE_CHUNK);
        fail(pl, &err);
    } else {
        workers[0].is_caller = true;
        for (n = 1; n < want; n++)
            if (!init_worker(&workers[n], pl) ||
                pthread_create(&threads[n], NULL, work, &workers[n]) != 0)
                break; /* fewer do the same work */
        pl->result->threads = n;
        (void)work(&workers[0]);
        for (unsigned i = 1; i < n; i++)
            (void)pthread_join(threads[i], NULL);
    }
    for (unsigned i = 0; workers && i < want; i++) {
        pl->sums.records += workers[i].archive.sums.records;
        pl->sums.bytes += workers[i].archive.sums.bytes;
        pl->sums.writes += workers[i].archive.sums.writes;
        form_scratch_fini(&workers[i].scratch);
        pack_destroy(&workers[i].packing.packer);
        mem_free(workers[i].text);
        flowlist_memo_destroy(&workers[i].memo);
    }
    mem_free(workers);
    mem_free(threads);
}

/* Nothing vanishes: every record read is in an output or among those dropped by name. */
static bool check_conservation(const struct clv_split_result *r, struct clv_error *err)
{
    const uint64_t dropped = r->dropped_other + r->dropped_filtered + r->dropped_capped +
                             r->dropped_small + r->dropped_duplicates;
    if (r->records_read + r->copies == r->records_written + dropped)
        return true;
    return clv_fail(err, CLV_ERR_INTERNAL, "cleave",
                    "%llu records read and %llu copied, but %llu written and %llu dropped",
                    (unsigned long long)r->records_read, (unsigned long long)r->copies,
                    (unsigned long long)r->records_written, (unsigned long long)dropped);
}

/* What became of metadata, or, where nothing is written, what it would take. */
static bool count_metadata(struct pipeline *pl, struct clv_error *err)
{
    const struct pipeline_params *pp = pl->params;
    struct clv_split_result *r = pl->result;
    const bool addresses = !pp->shards && pl->form.by && flow_by_addresses(pl->form.by);
    if (!pp->dialect->picker)
        return true;
    return (pp->dry_run ? metadata_foresee(&pl->metadata, r->outputs, addresses, r->input_bytes,
                                           &r->metadata_bytes)
                        : metadata_unused(&pl->metadata, &r->metadata_unused, &r->names_unused)) ||
           clv_fail_nomem(err, "metadata", sizeof pl->metadata);
}

/* Those who follow the run have seen all of it. */
static bool end_observers(struct pipeline *pl, struct clv_error *err)
{
    pl->finish.all.goes_on = goes_on_alone;
    return finish_end(&pl->finish, err);
}

/* The workers are done: what they have counted is summed up. */
static bool sum_up(struct pipeline *pl, struct clv_error *err)
{
    struct clv_split_result *r = pl->result;
    count(pl);
    r->flows = pl->numbering.n_numbered;
    r->captured_bytes = pl->schedule.feed.counts.captured;
    if (pl->manifest.relations)
        relations_count(pl->manifest.relations, r);
    finish_tally(&pl->finish);
    tally_end(&pl->finish.tally, pl->parts, pl->schedule.n_parts, r);
    bool ok = !pl->schedule.failed;
    if (pl->target == TARGET_MEMBERS) {
        r->records_written = pl->sums.records;
        r->written_bytes = pl->sums.bytes;
        r->writes = pl->sums.writes;
        if (pl->params->packing) {
            r->written_bytes = pl->params->packing->bytes;
            r->writes += pl->params->packing->writes;
            r->spooled_bytes = pl->params->packing->plain;
        }
    }
    if (pl->target != TARGET_MEASURED)
        ok = ok && check_conservation(r, err) && count_metadata(pl, err) && end_observers(pl, err);
    r->seconds = (double)(clock_ns() - pl->started_ns) / 1e9;
    return ok;
}

bool pipeline_fits(const struct pipeline_params *params, uint64_t bytes, uint64_t outputs,
                   struct clv_error *err)
{
    const bool manifest = params->manifest != CLV_MANIFEST_NONE && params->manifest_fd < 0;
    const struct io_need need = {.bytes = bytes, .files = outputs + manifest + 1}; /* receipt */
    if (params->dry_run)
        return true;
    if (params->single)
        return io_fits(params->single->fd, &(struct io_need){.bytes = bytes}, params->single->name,
                       err);
    return publish_fits(params->publish, &need, err);
}

bool pipeline_run(const struct pipeline_params *params, struct clv_split_result *result,
                  struct clv_error *err)
{
    struct clv_error local = {.code = CLV_ERR_NONE};
    const char *spill_dir = params->spill_dir ? params->spill_dir : getenv("TMPDIR");
    struct pipeline *pl = mem_zalloc(1, sizeof *pl);
    for (size_t i = 0; i < params->n_sources; i++)
        result->input_bytes += params->sources[i].size;
    result->max_open = params->max_open;
    if (!pl)
        return clv_fail_nomem(err, "the pipeline", sizeof *pl);
    pl->params = params;
    pl->result = result;
    pl->err = err ? err : &local;
    pl->started_ns = clock_ns();
    pl->scan = (struct scan_settings){
        .dialect = params->dialect,
        .by = params->by,
        .drop_other = params->drop_other,
        .recover = params->recover,
        .inner = params->inner,
        .ports = params->ports,
        .shards = params->relate.groups ? 0 : params->shards, /* groups are whole in them */
        .filter = params->filter,
        .chosen = params->chosen,
        .list = params->list,
        .dedup = params->dedup,
        .joins = flow_by_ports(&params->by) || params->list ||
                 (params->filter && filter_by_tuple(params->filter)),
    };
    pl->manifest = (struct manifest){
        .kind = params->manifest,
        .by = &params->by,
        .cuts = &params->cuts,
        .community = community_supported(NULL),
        .community_seed = params->community_seed,
        .outer = params->inner,
        .shards = params->shards,
        .related = (params->relate.kinds || params->relate.groups) && !params->shards,
        .grouped = params->relate.groups && !params->shards,
        .named = params->relate.names && !params->shards,
    };
    columns_choose(&pl->manifest);
    /* Packets of several keys are in one output, where flows belong together. */
    const bool mixed = params->relate.groups || params->by.names;
    pl->form = (struct form){.dialect = params->dialect, .by = mixed ? NULL : &params->by};
    pl->target = params->archive && !params->dry_run ? TARGET_ASKED : TARGET_FILES;
    measure_init(&pl->measure, sizeof(struct archive_member));
    pl->finish.observers = params->observers;
    pl->finish.numbering = &pl->numbering;
    pl->finish.manifest = params->manifest;
    pl->finish.closed = !params->inner;
    finish_init(&pl->finish);
    numbering_init(&pl->numbering, params->name, params->inner);
    pl->numbering.ports = params->ports;
    /* Where more than the usual is kept, of records or of what payloads say, a quarter: with
     * buffers that is all of --memory. */
    const bool more = params->measures || relations_any(&params->relate);
    spill_init(&pl->spill, more ? params->memory / 4 : params->memory,
               spill_dir && *spill_dir ? spill_dir : "/var/tmp");
    (void)pthread_mutex_init(&pl->lock, NULL);
    port_cond_init(&pl->wake);
    bool ok = flow_by_parse(&pl->scan.base, "by", "flow", false, err);
    pl->scan.base.secret = params->by.secret;
    ok = ok && init(pl, err);
    if (ok) {
        run_workers(pl);
        ok = sum_up(pl, err);
    }
    for (size_t i = 0; i < params->n_sources; i++)
        source_close(&params->sources[i]); /* its thread may still call wake() */
    fini(pl);
    (void)pthread_cond_destroy(&pl->wake);
    (void)pthread_mutex_destroy(&pl->lock);
    mem_free(pl);
    return ok;
}
