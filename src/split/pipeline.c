/* SPDX-License-Identifier: BSD-2-Clause */
#include "split/pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "output/manifest.h"
#include "output/savefile.h"
#include "split/numbering.h"

enum {
    PIECE = 1024 * 1024,         /* bytes of input per scan */
    PIECES_MAX = 256,            /* per batch */
    BATCHES = 3,                 /* one is found while the next are scanned */
    WINDOWS = 8,                 /* more than can be in use: written, found, three batches */
    REF_COST = sizeof(struct log_entry) + sizeof(struct writer_ref),
    REFS_MIN = 64 * 1024,
    WINDOW_DEFAULT_MAX = 1 << 30,
    EPOCH_MIN = 64 << 20,        /* bytes pending before an epoch may end early */
    EPOCH_PER_FLOW = 256 * 1024, /* bytes pending per flow that make one large write */
    FINDS_PER_THREAD = 4,
    ROWS = 4096,                 /* of the manifest per task */
    ROWS_BUF = 2 << 20,
    PROGRESS_NS = 100 * 1000 * 1000,
};

enum piece_state {
    PIECE_TODO,
    PIECE_RUNNING,
    PIECE_DONE,
};

struct batch {
    struct input_window *window;
    struct scan_piece *pieces;
    enum piece_state *states;
    unsigned n_pieces, n_handed, n_confirmed;
    uint64_t n_items;
    bool last; /* the input's last */
};

enum task_kind {
    TASK_STOP,
    TASK_SCAN,
    TASK_FIND,
    TASK_SORT,
    TASK_WRITE,
    TASK_ROWS,
};

struct task {
    enum task_kind kind;
    uint32_t from, to;  /* partitions, or rows' chunk */
    struct batch *batch;
    unsigned piece;
};

enum phase {
    PHASE_IDLE,
    PHASE_SORT,
    PHASE_WRITE,
};

/* What is being sorted or written. */
struct flush {
    enum phase phase;
    uint32_t next, done; /* partitions handed out, finished */
    const struct input_window *window;
    size_t release_from, release_to; /* of the window, when it is written */
    uint64_t *ref_starts;            /* by partition */
    uint32_t *by_size;               /* partitions, the one with most bytes first */
    bool last;
};

struct pipeline {
    const struct pipeline_params *params;
    struct clv_split_result *result;
    struct clv_error *err;
    struct scan_plan plan;
    uint8_t header[PCAP_FILE_HEADER];
    size_t window_len, window_slack;
    unsigned pieces_per_batch;
    uint32_t finds_step; /* partitions per find task */
    uint64_t max_refs;
    struct partition *parts;
    struct writer_ref *refs;
    int64_t started_ns, reported_ns;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    bool failed, finished;

    struct input_window windows[WINDOWS];
    uint64_t n_windows;   /* opened so far */
    struct batch batches[BATCHES];
    uint64_t fed, found;      /* batches set up; batches whose items all have flows */
    uint64_t scan_at;         /* the batch whose pieces are handed out */
    uint64_t confirm_at;      /* the batch whose pieces are confirmed */
    size_t confirm_end;       /* where the last confirmed piece ended, in its window */
    const struct input_window *confirm_window;
    uint64_t n_items;         /* in confirmed pieces */
    bool fed_all;             /* no batch follows: the end of the input, or of its sound part */
    bool ended;               /* all pieces that count are confirmed */
    struct scan_counts counts;

    bool finding;
    uint32_t find_next, find_done; /* partitions */
    uint32_t epoch;
    uint64_t epoch_seq;   /* number of the epoch's first item */
    uint64_t epoch_items;
    size_t epoch_from, epoch_to; /* bytes of its window */
    const struct input_window *epoch_window; /* NULL: the epoch has no batch yet */
    bool want_flush;
    struct flush flush;
    struct numbering numbering;

    struct flow_ref *rows; /* outputs in the manifest's order */
    uint64_t n_rows;
    uint32_t rows_next, rows_done, rows_chunks;
    int manifest_fd;
};

struct worker {
    struct pipeline *pl;
    struct writer_stage stage;
    char *rows;
    bool is_caller;
};

/* The first failure is the one that is told. Lock held. */
static void fail_run(struct pipeline *pl, const struct clv_error *err)
{
    if (!pl->failed && pl->err)
        *pl->err = *err;
    pl->failed = true;
}

/* ---- what can be done next; all with the lock held ---- */

static struct batch *batch_at(struct pipeline *pl, uint64_t i)
{
    return &pl->batches[i % BATCHES];
}

/* Sets up the next batch, and the window for it where the one before is used up. */
static bool feed(struct pipeline *pl)
{
    if (pl->fed_all || pl->fed == pl->found + BATCHES)
        return false;
    const struct batch *before = pl->fed ? batch_at(pl, pl->fed - 1) : NULL;
    struct input_window *w = before ? before->window : NULL;
    size_t from = before ? before->pieces[before->n_pieces - 1].limit : 0;
    if (!w || from == w->len) {
        const uint64_t offset = w ? w->offset + w->len : PCAP_FILE_HEADER;
        struct clv_error err;
        w = &pl->windows[pl->n_windows++ % WINDOWS];
        if (!input_window(pl->params->input, offset, pl->window_len, pl->window_slack, w, &err)) {
            fail_run(pl, &err);
            return false;
        }
        from = 0;
    }
    struct batch *b = batch_at(pl, pl->fed++);
    b->window = w;
    b->n_handed = b->n_confirmed = 0;
    b->n_items = 0;
    b->n_pieces = 0;
    do {
        struct scan_piece *piece = &b->pieces[b->n_pieces];
        b->states[b->n_pieces++] = PIECE_TODO;
        piece->from = from;
        piece->limit = from = w->len - from > PIECE ? from + PIECE : w->len;
    } while (from < w->len && b->n_pieces < pl->pieces_per_batch);
    b->last = w->last && from == w->len;
    pl->fed_all = b->last;
    return true;
}

/* Where piece i of batch b must begin, if that is known: where the piece before it ended. */
static size_t exact_start(const struct pipeline *pl, const struct batch *b)
{
    if (b->window == pl->confirm_window)
        return pl->confirm_end;
    return pl->confirm_end - pl->confirm_window->len; /* it began in the slack of that one */
}

static bool pick_scan(struct pipeline *pl, struct task *task)
{
    /* A piece that has to be scanned again holds up all that follow: it goes first. */
    if (pl->confirm_at < pl->fed && !pl->ended) {
        struct batch *b = batch_at(pl, pl->confirm_at);
        if (b->n_confirmed < b->n_handed && b->states[b->n_confirmed] == PIECE_TODO) {
            b->pieces[b->n_confirmed].start = exact_start(pl, b);
            b->states[b->n_confirmed] = PIECE_RUNNING;
            *task = (struct task){.kind = TASK_SCAN, .batch = b, .piece = b->n_confirmed};
            return true;
        }
    }
    for (;;) {
        if (pl->ended || (pl->scan_at == pl->fed && !feed(pl)))
            return false;
        struct batch *b = batch_at(pl, pl->scan_at);
        if (b->n_handed == b->n_pieces) {
            pl->scan_at++;
            continue;
        }
        const unsigned i = b->n_handed++;
        const bool next_to_confirm = pl->scan_at == pl->confirm_at && b->n_confirmed == i;
        b->pieces[i].start = next_to_confirm ? exact_start(pl, b) : SCAN_UNKNOWN;
        b->states[i] = PIECE_RUNNING;
        *task = (struct task){.kind = TASK_SCAN, .batch = b, .piece = i};
        return true;
    }
}

/* The capture ends here, soundly or not: nothing behind piece i of b counts. */
static void end_input(struct pipeline *pl, struct batch *b, unsigned i)
{
    const struct scan_piece *piece = &b->pieces[i];
    const struct input_window *w = b->window;
    const uint64_t offset = w->offset + piece->end;
    if (piece->stop != WALK_RECORD) {
        const struct clv_span rest = {w->p + piece->end, w->avail - piece->end};
        (void)walk_explain(pl->params->format, input_path(pl->params->input), piece->stop, rest,
                           offset, pl->counts.records + 1, &pl->result->damage);
    }
    b->n_pieces = i + 1;
    b->last = true;
    pl->fed_all = true;
    pl->ended = true;
}

/*
 * Pieces are confirmed in order: one that began where the one before it ended is right, and right
 * is then where it ends. By induction from the first, which begins behind the file header.
 */
static void confirm(struct pipeline *pl)
{
    while (!pl->ended && pl->confirm_at < pl->fed) {
        struct batch *b = batch_at(pl, pl->confirm_at);
        const unsigned i = b->n_confirmed;
        if (b->states[i] != PIECE_DONE)
            return;
        struct scan_piece *piece = &b->pieces[i];
        const size_t start = exact_start(pl, b);
        if (start >= piece->limit) {
            /* A record that began earlier covers the whole piece. */
            piece->start = start;
            scan_piece_clear(piece, &pl->plan);
        } else if (piece->start != start) {
            b->states[i] = PIECE_TODO;
            return;
        }
        piece->seq = pl->n_items;
        pl->n_items += piece->n_items;
        b->n_items += piece->n_items;
        scan_counts_add(&pl->counts, &piece->counts);
        pl->confirm_end = piece->end;
        pl->confirm_window = b->window;
        pl->result->scanned_bytes =
            min_u64(b->window->offset + piece->end, pl->result->input_bytes);
        b->n_confirmed++;
        if (piece->stop != WALK_RECORD || (b->last && b->n_confirmed == b->n_pieces))
            end_input(pl, b, i);
        if (b->n_confirmed == b->n_pieces)
            pl->confirm_at++;
    }
}

/* Must the epoch end before batch b joins it? */
static bool epoch_is_full(const struct pipeline *pl, const struct batch *b)
{
    if (!pl->epoch_window)
        return false;
    if (pl->epoch_window != b->window || pl->epoch_items + b->n_items > pl->max_refs)
        return true;
    uint64_t pending = 0, runs = 0;
    for (uint32_t p = 0; p < pl->plan.n_partitions; p++) {
        pending += pl->parts[p].pending_bytes;
        runs += pl->parts[p].n_runs;
    }
    return pending >= EPOCH_MIN && pending >= runs * EPOCH_PER_FLOW;
}

/* qsort() has no place for context: what is compared lies in the element. */
struct sized {
    uint64_t bytes;
    uint32_t part;
};

static int by_bytes(const void *x, const void *y)
{
    const struct sized *a = x, *b = y;
    return a->bytes < b->bytes ? 1 : a->bytes > b->bytes ? -1 : (a->part > b->part) - (a->part < b->part);
}

/* The epoch is complete: its new flows are numbered and its partitions given to the workers. */
static bool start_flush(struct pipeline *pl)
{
    const uint32_t n = pl->plan.n_partitions;
    struct clv_error err;
    struct sized *order = mem_alloc(n, sizeof *order);
    if (!order) {
        (void)clv_fail_nomem(&err, "the pipeline", n * sizeof *order);
        fail_run(pl, &err);
        return false;
    }
    struct flush *f = &pl->flush;
    uint64_t start = 0;
    for (uint32_t p = 0; p < n; p++) {
        f->ref_starts[p] = start;
        start += pl->parts[p].n_log;
        order[p] = (struct sized){pl->parts[p].pending_bytes, p};
    }
    qsort(order, n, sizeof *order, by_bytes);
    for (uint32_t p = 0; p < n; p++)
        f->by_size[p] = order[p].part;
    mem_free(order);
    if (!numbering_epoch(&pl->numbering, pl->parts, n, pl->epoch_items, &err)) {
        fail_run(pl, &err);
        return false;
    }
    f->phase = PHASE_SORT;
    f->next = f->done = 0;
    f->window = pl->epoch_window;
    f->release_from = pl->epoch_from;
    f->release_to = pl->epoch_to;
    f->last = pl->ended && pl->found == pl->confirm_at;
    pl->result->rounds += pl->epoch_items != 0;
    pl->epoch++;
    pl->epoch_seq += pl->epoch_items;
    pl->epoch_items = 0;
    pl->epoch_window = NULL;
    pl->want_flush = false;
    return true;
}

/* Moves the plan on after something was finished. */
static void advance(struct pipeline *pl)
{
    if (pl->failed || pl->finished)
        return;
    confirm(pl);
    if (pl->finding)
        return;
    struct batch *b = batch_at(pl, pl->found);
    const bool ready = pl->found < pl->confirm_at;
    if (ready && !pl->want_flush)
        pl->want_flush = epoch_is_full(pl, b);
    if (!ready && pl->ended && !pl->flush.last)
        pl->want_flush = true;
    if (pl->want_flush && (pl->flush.phase != PHASE_IDLE || !start_flush(pl)))
        return;
    if (ready && pl->flush.phase != PHASE_SORT) {
        if (!pl->epoch_window) {
            pl->epoch_window = b->window;
            pl->epoch_from = b->pieces[0].from;
        }
        pl->epoch_to = b->pieces[b->n_pieces - 1].limit;
        pl->epoch_items += b->n_items;
        pl->finding = true;
        pl->find_next = pl->find_done = 0;
    }
}

static bool pick(struct pipeline *pl, struct task *task)
{
    struct flush *f = &pl->flush;
    if (f->phase != PHASE_IDLE && f->next < pl->plan.n_partitions) {
        const enum task_kind kind = f->phase == PHASE_SORT ? TASK_SORT : TASK_WRITE;
        *task = (struct task){.kind = kind, .from = f->by_size[f->next++]};
        return true;
    }
    if (pl->finding && pl->find_next < pl->plan.n_partitions) {
        const uint32_t from = pl->find_next;
        pl->find_next = (uint32_t)min_u64(from + pl->finds_step, pl->plan.n_partitions);
        *task = (struct task){.kind = TASK_FIND,
                              .from = from,
                              .to = pl->find_next,
                              .batch = batch_at(pl, pl->found)};
        return true;
    }
    if (pl->rows && pl->rows_next < pl->rows_chunks) {
        *task = (struct task){.kind = TASK_ROWS, .from = pl->rows_next++};
        return true;
    }
    return pick_scan(pl, task);
}

/* ---- carrying out tasks; without the lock ---- */

/* Every new output of the epoch has its number: names follow, and the log becomes runs. */
static bool sort_partition(struct pipeline *pl, uint32_t number, struct clv_error *err)
{
    struct partition *p = &pl->parts[number];
    if (!numbering_names(&pl->numbering, p, err))
        return false;
    partition_sort(p, pl->refs + pl->flush.ref_starts[number]);
    return true;
}

static bool write_rows(struct pipeline *pl, struct worker *w, uint32_t chunk, struct clv_error *err)
{
    struct text out = text_on(w->rows, ROWS_BUF);
    const uint64_t from = (uint64_t)chunk * ROWS;
    const uint64_t to = min_u64(from + ROWS, pl->n_rows);
    bool ok = true, my_turn = false;
    if (chunk == 0)
        manifest_head(pl->params->manifest, &out);
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
            for (size_t at = 0; ok && at < out.len;) {
                const ssize_t n = write(pl->manifest_fd, out.p + at, out.len - at);
                if (n < 0 && errno == EINTR)
                    continue;
                ok = n > 0 || clv_fail_errno(err, "the manifest", "cannot be written");
                at += ok ? (size_t)n : 0;
            }
            out.len = 0;
        }
        if (i < to) {
            const struct partition *p = &pl->parts[pl->rows[i].part];
            manifest_row(pl->params->manifest, flow_table_at(&p->flows, pl->rows[i].flow),
                         partition_name(p, pl->rows[i].flow), pl->params->format->pub.linktype,
                         &out);
        }
    }
    return ok;
}

static bool carry_out(struct pipeline *pl, struct worker *w, const struct task *t,
                      struct clv_error *err)
{
    switch (t->kind) {
    case TASK_SCAN:
        return scan_piece_run(&t->batch->pieces[t->piece], &pl->plan, t->batch->window, err);
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
        return partition_write(&pl->parts[t->from], &w->stage,
                               pl->flush.window ? pl->flush.window->p : NULL, pl->flush.last, err) &&
               (!pl->flush.last || writer_close_all(&pl->parts[t->from].writer, err));
    case TASK_ROWS:
        return write_rows(pl, w, t->from, err);
    case TASK_STOP:
        break;
    }
    return true;
}

/* ---- what a finished task means; with the lock held ---- */

static void finish_flush(struct pipeline *pl)
{
    struct flush *f = &pl->flush;
    f->next = f->done = 0;
    if (f->phase == PHASE_SORT) {
        f->phase = PHASE_WRITE;
        return;
    }
    if (f->window)
        input_release(f->window, f->release_from, f->release_to);
    f->phase = PHASE_IDLE;
    if (!f->last)
        return;
    struct clv_error err;
    if (pl->params->manifest == CLV_MANIFEST_NONE) {
        pl->finished = true;
        return;
    }
    pl->rows = numbering_rows(&pl->numbering, pl->parts, pl->plan.n_partitions, &pl->n_rows, &err);
    const char *name = manifest_file_name(pl->params->manifest);
    if (!pl->rows) {
        fail_run(pl, &err);
        return;
    }
    pl->manifest_fd = openat(pl->params->publish->dir_fd, name,
                             O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (pl->manifest_fd < 0) {
        (void)clv_fail_errno(&err, name, "cannot be created");
        fail_run(pl, &err);
        return;
    }
    pl->rows_chunks = (uint32_t)(pl->n_rows / ROWS + 1);
}

static void complete(struct pipeline *pl, const struct task *t)
{
    switch (t->kind) {
    case TASK_SCAN:
        t->batch->states[t->piece] = PIECE_DONE;
        break;
    case TASK_FIND:
        pl->find_done += t->to - t->from;
        if (pl->find_done == pl->plan.n_partitions) {
            pl->finding = false;
            pl->found++;
        }
        break;
    case TASK_SORT:
    case TASK_WRITE:
        if (++pl->flush.done == pl->plan.n_partitions)
            finish_flush(pl);
        break;
    case TASK_ROWS:
        if (++pl->rows_done == pl->rows_chunks)
            pl->finished = true;
        break;
    case TASK_STOP:
        break;
    }
    advance(pl);
}

static void count(struct pipeline *pl)
{
    struct clv_split_result *r = pl->result;
    r->records_read = pl->counts.records;
    r->other = pl->counts.other;
    r->dropped_other = pl->counts.dropped_other;
    r->fragments = pl->counts.fragments;
    r->cut_short = pl->counts.cut_short;
    r->flows = pl->numbering.n_numbered;
    r->seconds = (double)(clock_ns() - pl->started_ns) / 1e9;
}

static void count_flow(struct clv_split_result *r, const struct flow *f)
{
    r->captured_bytes += f->sum[0].captured + f->sum[1].captured;
    r->first_ns = f->first_ns < r->first_ns ? f->first_ns : r->first_ns;
    r->last_ns = f->last_ns > r->last_ns ? f->last_ns : r->last_ns;
}

/* What belongs to a partition is summed when nobody works on it. */
static void count_outputs(struct pipeline *pl)
{
    struct clv_split_result *r = pl->result;
    r->first_ns = INT64_MAX;
    r->last_ns = INT64_MIN;
    r->captured_bytes = pl->counts.dropped_captured;
    for (uint32_t p = 0; p < pl->plan.n_partitions; p++) {
        const struct writer *w = &pl->parts[p].writer;
        r->records_written += w->records;
        r->written_bytes += w->bytes;
        r->opens += w->opens;
        r->reopens += w->reopens;
        r->writes += w->writes;
        r->outputs += pl->parts[p].flows.n;
        for (uint32_t i = 0; i < pl->parts[p].flows.n; i++)
            count_flow(r, flow_table_at(&pl->parts[p].flows, i));
    }
}

static void report(struct pipeline *pl)
{
    const int64_t now = clock_ns();
    if (!pl->params->progress || now - pl->reported_ns < PROGRESS_NS)
        return;
    pl->reported_ns = now;
    count(pl);
    if (!pl->params->progress(pl->result, pl->params->user)) {
        struct clv_error err;
        (void)clv_fail(&err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
        fail_run(pl, &err);
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pipeline *pl = w->pl;
    (void)pthread_mutex_lock(&pl->lock);
    while (!pl->failed && !pl->finished) {
        struct task task;
        if (w->is_caller)
            report(pl);
        if (pl->failed || !pick(pl, &task)) {
            if (!pl->failed)
                (void)pthread_cond_wait(&pl->wake, &pl->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&pl->lock);
        struct clv_error err;
        const bool ok = carry_out(pl, w, &task, &err);
        (void)pthread_mutex_lock(&pl->lock);
        if (ok)
            complete(pl, &task);
        else
            fail_run(pl, &err);
        (void)pthread_cond_broadcast(&pl->wake);
    }
    (void)pthread_cond_broadcast(&pl->wake);
    (void)pthread_mutex_unlock(&pl->lock);
    return NULL;
}

/* ---- setting up and taking down ---- */

static uint32_t pow2_at_most(uint64_t x, uint32_t max)
{
    uint32_t p = 1;
    while (p < max && (uint64_t)p * 2 <= x)
        p *= 2;
    return p;
}

static void settle_sizes(struct pipeline *pl)
{
    const struct pipeline_params *pp = pl->params;
    /* Enough partitions to keep all threads busy to the end, few enough for the descriptors. */
    uint32_t n = pow2_at_most(max_u64(32, 16 * (uint64_t)pp->threads), 2048);
    n = (uint32_t)min_u64(n, pow2_at_most(max_u64(pp->max_open / 2, 1), 2048));
    pl->plan.n_partitions = n;
    pl->plan.partition_shift = 64 - (unsigned)__builtin_ctz(n);
    pl->finds_step = (uint32_t)max_u64(1, n / (FINDS_PER_THREAD * pp->threads));
    pl->pieces_per_batch = (unsigned)min_u64(8 * (uint64_t)pp->threads, PIECES_MAX);
    pl->max_refs = max_u64(pp->memory / 4 / REF_COST, REFS_MIN);
    /* A batch joins an epoch whole, and may be larger than all that fits. */
    const uint64_t batch_items =
        (uint64_t)pl->pieces_per_batch * (PIECE / PCAP_RECORD_HEADER + 1);
    pl->max_refs = max_u64(pl->max_refs, batch_items);
    const uint64_t ram =
        (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t window = pp->window ? pp->window : min_u64(ram / 8, WINDOW_DEFAULT_MAX);
    window = max_u64(window, 4096);
    pl->window_len = (size_t)min_u64(window, (uint64_t)UINT32_MAX / 2);
    pl->window_slack = (size_t)pp->format->caplen_max + WALK_LONGEST_HEADER;
}

static bool init(struct pipeline *pl, struct clv_error *err)
{
    const struct pipeline_params *pp = pl->params;
    settle_sizes(pl);
    const uint32_t n = pl->plan.n_partitions;
    savefile_header(pl->header, pp->format);
    pl->refs = mem_alloc(pl->max_refs, sizeof *pl->refs);
    pl->parts = mem_zalloc(n, sizeof *pl->parts);
    pl->flush.ref_starts = mem_alloc(n, sizeof *pl->flush.ref_starts);
    pl->flush.by_size = mem_alloc(n, sizeof *pl->flush.by_size);
    if (!pl->refs || !pl->parts || !pl->flush.ref_starts || !pl->flush.by_size)
        return clv_fail_nomem(err, "the pipeline", pl->max_refs * sizeof *pl->refs);
    for (uint32_t p = 0; p < n; p++) {
        if (!partition_init(&pl->parts[p]))
            return clv_fail_nomem(err, "the pipeline", sizeof *pl->parts);
        writer_init(&pl->parts[p].writer, &pl->parts[p].flows, pp->publish->dir_fd, pl->header,
                    sizeof pl->header, (uint32_t)max_u64(1, pp->max_open / n));
    }
    for (unsigned i = 0; i < BATCHES; i++) {
        struct batch *b = &pl->batches[i];
        b->pieces = mem_zalloc(pl->pieces_per_batch, sizeof *b->pieces);
        b->states = mem_zalloc(pl->pieces_per_batch, sizeof *b->states);
        if (!b->pieces || !b->states)
            return clv_fail_nomem(err, "the pipeline", sizeof *b->pieces);
        for (unsigned k = 0; k < pl->pieces_per_batch; k++)
            if (!scan_piece_init(&b->pieces[k], &pl->plan))
                return clv_fail_nomem(err, "the pipeline", n * sizeof(uint32_t));
    }
    return true;
}

static void fini(struct pipeline *pl)
{
    for (unsigned i = 0; i < BATCHES; i++) {
        struct batch *b = &pl->batches[i];
        for (unsigned k = 0; b->pieces && k < pl->pieces_per_batch; k++)
            scan_piece_fini(&b->pieces[k]);
        mem_free(b->pieces);
        mem_free(b->states);
    }
    for (uint32_t p = 0; pl->parts && p < pl->plan.n_partitions; p++) {
        partition_fini(&pl->parts[p]);
    }
    mem_free(pl->parts);
    mem_free(pl->refs);
    mem_free(pl->rows);
    mem_free(pl->flush.ref_starts);
    mem_free(pl->flush.by_size);
    numbering_fini(&pl->numbering);
    if (pl->manifest_fd >= 0)
        (void)close(pl->manifest_fd);
}

static bool init_worker(struct worker *w, struct pipeline *pl)
{
    w->pl = pl;
    w->stage.p = mem_alloc_pages(WRITER_CHUNK);
    w->rows = pl->params->manifest == CLV_MANIFEST_NONE ? NULL : mem_alloc(ROWS_BUF, 1);
    return w->stage.p && (w->rows || pl->params->manifest == CLV_MANIFEST_NONE);
}

static void run_workers(struct pipeline *pl)
{
    const unsigned want = pl->params->threads;
    struct worker *workers = mem_zalloc(want, sizeof *workers);
    pthread_t *threads = mem_alloc(want, sizeof *threads);
    unsigned n = 0;
    struct clv_error err;
    if (!workers || !threads || !init_worker(&workers[0], pl)) {
        (void)clv_fail_nomem(&err, "the workers", WRITER_CHUNK);
        fail_run(pl, &err);
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
        mem_free(workers[i].stage.p);
        mem_free(workers[i].rows);
    }
    mem_free(workers);
    mem_free(threads);
}

/* Nothing vanishes: every record read is in an output or among those dropped by name. */
static bool check_conservation(const struct clv_split_result *r, struct clv_error *err)
{
    if (r->records_read == r->records_written + r->dropped_other)
        return true;
    return clv_fail(err, CLV_ERR_INTERNAL, "cleave",
                    "%llu records read, but %llu written and %llu dropped",
                    (unsigned long long)r->records_read, (unsigned long long)r->records_written,
                    (unsigned long long)r->dropped_other);
}

bool pipeline_run(const struct pipeline_params *params, struct clv_split_result *result,
                  struct clv_error *err)
{
    struct clv_error local;
    static const struct input_window before_all = {.len = 0};
    struct pipeline pl = {
        .params = params,
        .result = result,
        .err = err ? err : &local,
        .plan = {.format = params->format,
                 .by = params->by,
                 .drop_other = params->drop_other,
                 .near_ns = params->near_ns},
        .confirm_window = &before_all,
        .epoch = 1,
        .manifest_fd = -1,
        .started_ns = clock_ns(),
    };
    pl.plan.decode = decode_function(params->format->pub.linktype);
    result->input_bytes = input_size(params->input);
    result->max_open = params->max_open;
    numbering_init(&pl.numbering, params->name);
    (void)pthread_mutex_init(&pl.lock, NULL);
    (void)pthread_cond_init(&pl.wake, NULL);
    bool ok = init(&pl, err);
    if (ok) {
        run_workers(&pl);
        count(&pl);
        count_outputs(&pl);
        ok = !pl.failed && check_conservation(result, err);
    }
    fini(&pl);
    (void)pthread_cond_destroy(&pl.wake);
    (void)pthread_mutex_destroy(&pl.lock);
    return ok;
}
