/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/port.h"
#include "format/savefile.h"
#include "manifest/community.h"
#include "pipeline/join.h"
#include "pipeline/tally.h"

enum {
    REF_COST = sizeof(struct log_entry) + sizeof(struct writer_ref),
    REFS_MIN = 64 * 1024,
    WINDOW_DEFAULT_MAX = 1 << 30,
    FINDS_PER_THREAD = 4,
    ROWS_BUF = 2 << 20,
    PROGRESS_NS = 100 * 1000 * 1000,
    STREAM_BUFFERS = 3,
    STREAM_WINDOW_MIN = FRAGMENTS_LOOKAHEAD, /* then three suffice for those who wait */
    METADATA_MAX = 256 << 20, /* bytes that are kept for outputs; the same for any --memory */
    VIEWS_BESIDE = 5,         /* what is written and found, beside the batches */
};

struct worker {
    struct plan *pl;
    struct stage stage;
    char *rows;
    bool is_caller;
};

/* Every new output of the epoch has its number: names follow, and the log becomes runs. */
static bool sort_partition(struct plan *pl, uint32_t number, struct clv_error *err)
{
    struct partition *p = &pl->parts[number];
    if (!numbering_names(&pl->numbering, p, err))
        return false;
    partition_sort(p, pl->refs + pl->flush.ref_starts[number]);
    return true;
}

static struct manifest_entry entry_of(const struct plan *pl, uint32_t part, uint32_t flow)
{
    const struct partition *p = &pl->parts[part];
    const struct flow *f = flow_table_at(&p->flows, flow);
    return (struct manifest_entry){
        .f = f,
        .extra = flow_table_beside_if(&p->flows, f, FLOW_BESIDE_EXTRA),
        .cut = flow_table_beside_if(&p->flows, f, FLOW_BESIDE_CUT),
        .outer = flow_table_beside_if(&p->flows, f, FLOW_BESIDE_OUTER),
        .name = partition_name(p, flow),
        .linktype = pl->scan.dialect->kinds[f->kind].linktype,
    };
}

static bool write_rows(struct plan *pl, struct worker *w, uint32_t chunk, struct clv_error *err)
{
    struct text out = text_on(w->rows, ROWS_BUF);
    const uint64_t from = (uint64_t)chunk * ROWS;
    const uint64_t to = min_u64(from + ROWS, pl->n_rows);
    const struct proof_plan *proof = pl->params->proof;
    bool ok = true, my_turn = false;
    if (chunk == 0)
        manifest_head(&pl->manifest, &out);
    for (uint64_t i = from; ok && i <= to; i++) {
        if (i == to || out.cap - out.len < MANIFEST_ROW_MAX) {
            /* Full or done: the chunks before this one must be written first. */
            if (!my_turn) {
                (void)pthread_mutex_lock(&pl->lock);
                while (pl->rows_done != chunk && !pl->failed)
                    (void)pthread_cond_wait(&pl->wake, &pl->lock);
                (void)pthread_mutex_unlock(&pl->lock);
                my_turn = true;
            }
            ok = pl->manifest_fd < 0 ||
                 io_write(pl->manifest_fd, out.p, out.len, "the manifest", err);
            ok = ok &&
                 (!proof || !proof->manifest || proof->manifest(proof->user, out.p, out.len, err));
            out.len = 0;
        }
        if (i < to) {
            const struct manifest_entry e = entry_of(pl, pl->rows[i].part, pl->rows[i].flow);
            manifest_row(&pl->manifest, &e, &out);
        }
    }
    return ok;
}

static bool check_outputs(const struct plan *pl, uint32_t chunk, struct clv_error *err)
{
    const struct proof_plan *proof = pl->params->proof;
    const uint64_t from = (uint64_t)chunk * CHECKS;
    const uint64_t to = min_u64(from + CHECKS, pl->n_rows);
    bool ok = true;
    for (uint64_t i = from; ok && i < to; i++) {
        const struct partition *p = &pl->parts[pl->rows[i].part];
        const struct flow *f = flow_table_at(&p->flows, pl->rows[i].flow);
        const struct proof_output o = {
            .name = partition_name(p, f->index),
            .flow = f,
            .extra = flow_table_beside_if(&p->flows, f, FLOW_BESIDE_EXTRA),
            .dialect = pl->scan.dialect,
            .proof = flow_table_beside(&p->flows, f, FLOW_BESIDE_PROOF),
        };
        ok = proof->output(proof->user, &o, err);
    }
    return ok;
}

/* What was read from a map may not have been the file's: it is asked behind every task. */
static bool still_there(const struct view *v, struct clv_error *err)
{
    return !v || input_check(v->source->in, err);
}

static bool scan(const struct plan *pl, struct scan_piece *piece, const struct view *v,
                 struct clv_error *err)
{
    const bool damaged =
        pl->params->recover; /* maybe, and then not to be walked straight through */
    if (!scan_piece_run(piece, &pl->scan, v, err))
        return false;
    return !pl->params->proof || piece->start == SCAN_UNKNOWN || damaged ||
           proof_walk(pl->params->proof, &piece->walked, pl->scan.dialect, v, piece->start,
                      piece->end, err);
}

static bool carry_out(struct plan *pl, struct worker *w, const struct task *t,
                      struct clv_error *err)
{
    switch (t->kind) {
    case TASK_SCAN:
        return scan(pl, &t->batch->pieces[t->piece], t->batch->view, err) &&
               still_there(t->batch->view, err);
    case TASK_JOIN:
        return join_batch(pl, t->batch, err);
    case TASK_ROLES:
        for (unsigned i = 0; i < t->batch->n_pieces; i++)
            if (!roles_settle(&pl->roles, &pl->scan, &t->batch->pieces[i], err))
                return false;
        return true;
    case TASK_FIND:
        for (uint32_t p = t->from; p < t->to; p++)
            for (unsigned i = 0; i < t->batch->n_pieces; i++)
                if (!partition_find(&pl->parts[p], p, &t->batch->pieces[i], pl->epoch,
                                    pl->epoch_seq, err))
                    return false;
        return true;
    case TASK_SORT:
        return sort_partition(pl, t->from, err);
    case TASK_WRITE:
        return (!pl->params->proof || partition_prove(&pl->parts[t->from], pl->params->proof,
                                                      pl->flush.view, &pl->flush.round, err)) &&
               partition_write(&pl->parts[t->from], &w->stage, &pl->flush.round, err) &&
               still_there(pl->flush.view, err);
    case TASK_REST:
        return partition_rest(&pl->parts[t->from], &w->stage, &pl->flush.round, err);
    case TASK_ROWS:
        return write_rows(pl, w, t->from, err);
    case TASK_CHECK:
        return check_outputs(pl, t->from, err);
    }
    return true;
}

static void count(struct plan *pl)
{
    struct clv_split_result *r = pl->result;
    r->records_read = pl->counts.records;
    r->other = pl->counts.other;
    r->dropped_other = pl->counts.dropped_other;
    r->fragments = pl->counts.fragments;
    r->orphans = pl->orphans;
    r->fragment_overflow = pl->overflow;
    r->cut_short = pl->counts.cut_short;
    r->copies = pl->counts.copies - pl->filtered_copies;
    r->dropped_filtered = pl->counts.filtered + pl->filtered;
    r->damages = pl->counts.damages;
    r->joined = pl->counts.joined;
    r->times_beyond = pl->counts.times_beyond;
    r->skipped_bytes = pl->counts.skipped_bytes;
    r->rounded = pl->counts.rounded;
    r->earlier = pl->counts.earlier;
    r->untimed = pl->counts.untimed;
    r->bad_options = pl->counts.bad_options;
    r->dropped_blocks.statistics = pl->counts.blocks_statistics;
    r->dropped_blocks.custom = pl->counts.blocks_custom;
    r->dropped_blocks.unknown = pl->counts.blocks_unknown;
    r->dropped_blocks.metadata = pl->counts.blocks_metadata;
    r->n_unknown_links = 0;
    for (unsigned i = 0; i < LEDGER_UNREAD; i++)
        if (pl->counts.unread[i])
            tally_unknown_link(r, pl->ledger.unread[i], pl->counts.unread[i]);
    r->more_unknown_links = pl->counts.unread[LEDGER_UNREAD];
    r->flows = pl->numbering.n_numbered;
    r->input = (uint32_t)(pl->params->n_before + pl->source) + 1;
    r->inputs = (uint32_t)pl->params->n_all;
    r->seconds = (double)(clock_ns() - pl->started_ns) / 1e9;
}

/* Of the input that was scanned, about what has been written. */
static uint64_t finished_bytes(const struct plan *pl)
{
    const struct flush *f = &pl->flush;
    double items = (double)pl->epoch_seq;
    if (f->phase == PHASE_SORT)
        items -= (double)f->items;
    else if (f->phase == PHASE_WRITE)
        items -= (double)f->items * (1 - (double)f->done / pl->scan.n_partitions);
    const double scanned = (double)pl->result->scanned_bytes;
    return (uint64_t)(pl->n_items ? scanned * items / (double)pl->n_items : scanned);
}

static void tell_progress(struct plan *pl)
{
    const int64_t now = clock_ns();
    if (!pl->params->progress || now - pl->reported_ns < PROGRESS_NS)
        return;
    pl->reported_ns = now;
    count(pl);
    pl->result->finished_bytes = finished_bytes(pl);
    pl->result->flows = max_u64(pl->result->flows, pl->found_flows);
    /* What the caller does with it, a slow terminal say, must not hold up the workers. */
    const struct clv_split_result so_far = *pl->result;
    (void)pthread_mutex_unlock(&pl->lock);
    const bool go_on = pl->params->progress(&so_far, pl->params->user);
    (void)pthread_mutex_lock(&pl->lock);
    if (!go_on) {
        struct clv_error err;
        (void)clv_fail(&err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
        plan_fail(pl, &err);
    }
}

/*
 * Unmapping a gigabyte takes milliseconds, in which others can work. Of many sources only those are
 * open whose records are under way.
 */
static void release(struct plan *pl)
{
    const struct released r = pl->release;
    if (!r.window.in)
        return;
    pl->release.window.in = NULL;
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

/* Whoever reports progress does so while there is nothing to do, too. */
static void wait_a_while(struct plan *pl, bool reports)
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
    struct plan *pl = w->pl;
    (void)pthread_mutex_lock(&pl->lock);
    while (!pl->failed && !pl->finished) {
        struct task task;
        if (w->is_caller)
            tell_progress(pl);
        if (pl->failed || !plan_pick(pl, &task)) {
            if (!pl->failed)
                wait_a_while(pl, w->is_caller && pl->params->progress);
            continue;
        }
        (void)pthread_mutex_unlock(&pl->lock);
        struct clv_error err;
        const bool ok = carry_out(pl, w, &task, &err);
        (void)pthread_mutex_lock(&pl->lock);
        if (ok)
            plan_complete(pl, &task);
        else
            plan_fail(pl, &err);
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
    struct plan *pl = user;
    (void)pthread_mutex_lock(&pl->lock);
    (void)pthread_cond_broadcast(&pl->wake);
    (void)pthread_mutex_unlock(&pl->lock);
}

static uint32_t pow2_at_most(uint64_t x, uint32_t max)
{
    uint32_t p = 1;
    while (p < max && (uint64_t)p * 2 <= x)
        p *= 2;
    return p;
}

static void settle_sizes(struct plan *pl)
{
    const struct pipeline_params *pp = pl->params;
    /* Enough partitions to keep all threads busy to the end, few enough for the descriptors. */
    uint32_t n = pow2_at_most(max_u64(32, 16 * (uint64_t)pp->threads), 2048);
    n = (uint32_t)min_u64(n, pow2_at_most(max_u64(pp->max_open / 2, 1), 2048));
    pl->scan.n_partitions = n;
    pl->scan.partition_bits = (unsigned)__builtin_ctz(n);
    pl->finds_step = (uint32_t)max_u64(1, n / (FINDS_PER_THREAD * pp->threads));
    /* A piece of the smallest records there are makes the most items. */
    const uint64_t piece_items = PIECE / PCAP_RECORD_HEADER + 1;
    const uint64_t pieces = pp->memory / 2 / (BATCHES * piece_items * sizeof(struct scan_item));
    pl->pieces_per_batch =
        (unsigned)max_u64(1, min_u64(min_u64(pieces, 8 * (uint64_t)pp->threads), PIECES_MAX));
    pl->max_refs = max_u64(pp->memory / 4 / REF_COST, REFS_MIN);
    /* A batch joins an epoch whole, and may be larger than all that fits. */
    pl->max_refs = max_u64(pl->max_refs, pl->pieces_per_batch * piece_items);
    const uint64_t ram = port_memory();
    uint64_t window = pp->window ? pp->window : min_u64(ram / 8, WINDOW_DEFAULT_MAX);
    window = min_u64(max_u64(window, 4096), (uint64_t)UINT32_MAX / 2);
    /* What has to be read takes memory of its own: three windows, for half of it. */
    uint64_t largest = 0, slack = 0;
    bool stream = false;
    for (size_t i = 0; i < pp->n_sources; i++) {
        const struct source *s = &pp->sources[i];
        stream |= s->once || s->stream;
        largest = s->once || s->stream ? UINT64_MAX : max_u64(largest, s->size);
        slack = max_u64(slack, s->format.record_max);
    }
    if (stream)
        window = max_u64(min_u64(window, pp->memory / 2 / STREAM_BUFFERS), STREAM_WINDOW_MIN);
    /* Fragments may wait over many short windows, or files. */
    pl->n_batches =
        BATCHES + 2 * FRAGMENTS_FILES + FRAGMENTS_LOOKAHEAD / (unsigned)min_u64(window, PIECE);
    pl->views_cap = pl->n_batches + VIEWS_BESIDE;
    pl->input = (struct input_plan){
        .window = (size_t)window,
        .slack = (size_t)slack,
        .buffers = STREAM_BUFFERS,
        .ready = wake,
        .user = pl,
    };
    /* An epoch is within a window: it cannot have more records than these bytes can. */
    pl->max_refs = min_u64(pl->max_refs, min_u64(window, largest) / NG_BLOCK_MIN + 1);
}

static void init_spill(struct plan *pl)
{
    const struct pipeline_params *pp = pl->params;
    const char *dir = pp->spill_dir ? pp->spill_dir : getenv("TMPDIR");
    spill_init(&pl->spill, pp->memory, dir && *dir ? dir : "/var/tmp");
}

static bool init(struct plan *pl, struct clv_error *err)
{
    const struct pipeline_params *pp = pl->params;
    settle_sizes(pl);
    const uint32_t n = pl->scan.n_partitions;
    ledger_init(&pl->ledger, METADATA_MAX);
    pp->dialect->ledger = &pl->ledger;
    pp->dialect->picker = NULL;
    if (pp->dialect->form == DIALECT_PCAPNG && pp->dialect->metadata) {
        if (!metadata_init(&pl->metadata, &pl->ledger, pp->by.secret))
            return clv_fail_nomem(err, "metadata", sizeof pl->metadata);
        pp->dialect->picker = &pl->metadata;
    }
    pl->refs = mem_alloc(pl->max_refs, sizeof *pl->refs);
    pl->parts = mem_zalloc(n, sizeof *pl->parts);
    pl->flush.ref_starts = mem_alloc(n, sizeof *pl->flush.ref_starts);
    pl->flush.by_size = mem_alloc(n, sizeof *pl->flush.by_size);
    if (!pl->refs || !pl->parts || !pl->flush.ref_starts || !pl->flush.by_size)
        return clv_fail_nomem(err, "the pipeline", pl->max_refs * sizeof *pl->refs);
    for (uint32_t p = 0; p < n; p++) {
        if (!partition_init(&pl->parts[p], &pp->by, &pp->cuts, &pl->spill))
            return clv_fail_nomem(err, "the pipeline", sizeof *pl->parts);
        if (pp->inner)
            flow_table_keep(&pl->parts[p].flows, FLOW_BESIDE_OUTER, sizeof(struct clv_tuple));
        if (pp->proof)
            flow_table_keep(&pl->parts[p].flows, FLOW_BESIDE_PROOF, sizeof(struct proof));
        pl->parts[p].dry = pp->dry_run;
        pl->parts[p].proves = pp->proof;
        pl->parts[p].drop_small = pp->drop_other;
        pl->parts[p].chooses = pp->chosen != NULL;
        pl->parts[p].record_header =
            pp->dialect->form == DIALECT_COPY ? pp->sources[0].format.hdr_len : PCAP_RECORD_HEADER;
        pl->parts[p].max_packets = pp->max_packets;
        pl->parts[p].max_bytes = pp->max_bytes;
        if (pp->report && !(pl->parts[p].timeline = mem_zalloc(1, sizeof(struct timeline))))
            return clv_fail_nomem(err, "the pipeline", sizeof(struct timeline));
        writer_init(&pl->parts[p].writer, &pl->parts[p].flows,
                    pp->dry_run ? -1 : pp->publish->dir_fd, pp->dialect,
                    (uint32_t)max_u64(1, pp->max_open / n));
        pl->parts[p].writer.by = &pp->by;
        if (!pp->dry_run)
            pl->parts[p].writer.mode = pp->publish->mode;
    }
    pl->batches = mem_zalloc(pl->n_batches, sizeof *pl->batches);
    pl->ring = mem_zalloc(pl->n_batches, sizeof *pl->ring);
    pl->spare = mem_zalloc(pl->n_batches, sizeof *pl->spare);
    pl->views = mem_zalloc(pl->views_cap, sizeof *pl->views);
    if (!pl->batches || !pl->ring || !pl->spare || !pl->views)
        return clv_fail_nomem(err, "the pipeline", pl->n_batches * sizeof *pl->batches);
    for (unsigned i = 0; i < pl->n_batches; i++) {
        struct batch *b = pl->spare[pl->n_spare++] = &pl->batches[i];
        b->pieces = mem_zalloc(pl->pieces_per_batch, sizeof *b->pieces);
        b->states = mem_zalloc(pl->pieces_per_batch, sizeof *b->states);
        if (!b->pieces || !b->states)
            return clv_fail_nomem(err, "the pipeline", sizeof *b->pieces);
    }
    return true;
}

static void fini(struct plan *pl)
{
    for (unsigned i = 0; pl->batches && i < pl->n_batches; i++) {
        struct batch *b = &pl->batches[i];
        for (unsigned k = 0; b->pieces && k < pl->pieces_per_batch; k++)
            scan_piece_fini(&b->pieces[k]);
        mem_free(b->pieces);
        mem_free(b->states);
    }
    for (uint32_t p = 0; pl->parts && p < pl->scan.n_partitions; p++) {
        partition_fini(&pl->parts[p]);
    }
    join_fini(&pl->join);
    roles_fini(&pl->roles);
    mem_free(pl->batches);
    mem_free(pl->ring);
    mem_free(pl->spare);
    mem_free(pl->views);
    mem_free(pl->parts);
    mem_free(pl->refs);
    mem_free(pl->rows);
    mem_free(pl->flush.ref_starts);
    mem_free(pl->flush.by_size);
    numbering_fini(&pl->numbering);
    metadata_fini(&pl->metadata);
    ledger_fini(&pl->ledger);
    spill_fini(&pl->spill);
    if (pl->manifest_fd >= 0)
        (void)close(pl->manifest_fd);
}

static bool init_worker(struct worker *w, struct plan *pl)
{
    w->pl = pl;
    const enum clv_compress compress = pl->params->dialect->compress;
    const bool ok = stage_init(&w->stage) && (!compress || stage_pack(&w->stage, compress));
    w->rows = pl->params->manifest == CLV_MANIFEST_NONE ? NULL : mem_alloc(ROWS_BUF, 1);
    return ok && (w->rows || pl->params->manifest == CLV_MANIFEST_NONE);
}

static void run_workers(struct plan *pl)
{
    const unsigned want = pl->params->threads;
    struct worker *workers = mem_zalloc(want, sizeof *workers);
    pthread_t *threads = mem_alloc(want, sizeof *threads);
    unsigned n = 0;
    struct clv_error err;
    if (!workers || !threads || !init_worker(&workers[0], pl)) {
        (void)clv_fail_nomem(&err, "the workers", WRITER_CHUNK);
        plan_fail(pl, &err);
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
        stage_fini(&workers[i].stage);
        mem_free(workers[i].rows);
    }
    mem_free(workers);
    mem_free(threads);
}

/* Nothing vanishes: every record read is in an output or among those dropped by name. */
static bool check_conservation(const struct clv_split_result *r, struct clv_error *err)
{
    const uint64_t dropped =
        r->dropped_other + r->dropped_filtered + r->dropped_capped + r->dropped_small;
    if (r->records_read + r->copies == r->records_written + dropped)
        return true;
    return clv_fail(err, CLV_ERR_INTERNAL, "cleave",
                    "%llu records read and %llu copied, but %llu written and %llu dropped",
                    (unsigned long long)r->records_read, (unsigned long long)r->copies,
                    (unsigned long long)r->records_written, (unsigned long long)dropped);
}

/* For who works alone at the end, which may take a while. */
static bool goes_on(struct plan *pl)
{
    (void)pthread_mutex_lock(&pl->lock);
    tell_progress(pl);
    (void)pthread_mutex_unlock(&pl->lock);
    return !pl->failed;
}

/* All that the report wants to know of the flows. */
static bool tell_report(struct plan *pl, struct clv_error *err)
{
    enum { ASK = 1024 }; /* flows */
    struct report *const r = pl->params->report;
    const uint32_t n_parts = pl->scan.n_partitions;
    struct flow_tour tour = {.part = 0};
    const struct flow *f;
    uint32_t part;
    size_t n;
    bool ok = report_begin(r, &pl->manifest, &pl->spill, err);
    for (uint32_t p = 0; p < n_parts; p++)
        report_timeline(r, pl->parts[p].timeline);
    for (size_t i = 0; ok && (f = flow_tour_next(&tour, pl->parts, n_parts, &part)) != NULL; i++)
        ok = report_flow(r, f, part, err) && (i % ASK || goes_on(pl));
    const struct figures_rank *rows = ok ? report_rows(r, &n) : NULL;
    for (size_t i = 0; ok && i < n; i++) {
        const struct manifest_entry e = entry_of(pl, rows[i].part, rows[i].flow);
        ok = report_row(r, &e, err) && (i % ASK || goes_on(pl));
    }
    count(pl);
    return ok;
}

/* What became of metadata, or, where nothing is written, what it would take. */
static bool count_metadata(struct plan *pl, struct clv_error *err)
{
    const struct pipeline_params *pp = pl->params;
    struct clv_split_result *r = pl->result;
    const bool addresses = !pp->shards && pp->by.a & pp->by.b & FLOW_END_ADDR;
    if (!pp->dialect->picker)
        return true;
    return (pp->dry_run ? metadata_foresee(&pl->metadata, r->outputs, addresses, r->input_bytes,
                                           &r->metadata_bytes)
                        : metadata_unused(&pl->metadata, &r->metadata_unused, &r->names_unused)) ||
           clv_fail_nomem(err, "metadata", sizeof pl->metadata);
}

bool pipeline_run(const struct pipeline_params *params, struct clv_split_result *result,
                  struct clv_error *err)
{
    struct clv_error local = {.code = CLV_ERR_NONE};
    static const struct view before_all = {.begins = false};
    struct plan pl = {
        .params = params,
        .result = result,
        .err = err ? err : &local,
        .scan = {.dialect = params->dialect,
                 .by = params->by,
                 .drop_other = params->drop_other,
                 .recover = params->recover,
                 .inner = params->inner,
                 .shards = params->shards,
                 .select = params->select,
                 .chosen = params->chosen,
                 .joins = flow_by_ports(&params->by) ||
                          (params->select && select_by_tuple(params->select))},
        .manifest = {.kind = params->manifest,
                     .by = &params->by,
                     .cuts = &params->cuts,
                     .community = community_supported(NULL),
                     .community_seed = params->community_seed,
                     .outer = params->inner,
                     .shards = params->shards},
        .confirm_view = &before_all,
        .epoch = 1,
        .manifest_fd = -1,
        .started_ns = clock_ns(),
    };
    pl.scan.ledger = &pl.ledger;
    columns_choose(&pl.manifest);
    bool ok = flow_by_parse(&pl.scan.base, "by", "flow", false, err);
    pl.scan.base.secret = params->by.secret;
    for (size_t i = 0; i < params->n_sources; i++)
        result->input_bytes += params->sources[i].size;
    result->max_open = params->max_open;
    numbering_init(&pl.numbering, params->name, params->inner);
    init_spill(&pl);
    (void)pthread_mutex_init(&pl.lock, NULL);
    port_cond_init(&pl.wake);
    ok = ok && init(&pl, err);
    if (ok) {
        run_workers(&pl);
        count(&pl);
        result->captured_bytes = pl.counts.captured;
        tally_outputs(result, pl.parts, pl.scan.n_partitions, !params->inner, !pl.failed);
        ok = !pl.failed && check_conservation(result, err) && count_metadata(&pl, err) &&
             (!params->report || tell_report(&pl, err));
        for (uint32_t p = 0; ok && params->collect && p < pl.scan.n_partitions; p++)
            if (!chosen_collect(params->collect, &pl.parts[p].flows))
                ok = clv_fail_nomem(err, "flows", sizeof(struct flow));
    }
    for (size_t i = 0; i < params->n_sources; i++)
        source_close(&params->sources[i]); /* its thread may still call wake() */
    fini(&pl);
    (void)pthread_cond_destroy(&pl.wake);
    (void)pthread_mutex_destroy(&pl.lock);
    return ok;
}
