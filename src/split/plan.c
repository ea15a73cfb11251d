/* SPDX-License-Identifier: BSD-2-Clause */
#include "split/plan.h"

#include <stdlib.h>

#include "base/io.h"
#include "output/manifest.h"

enum {
    EPOCH_MIN = 64 << 20,        /* bytes pending before an epoch may end early */
    EPOCH_PER_FLOW = 256 * 1024, /* bytes pending per flow that make one large write */
};

void plan_fail(struct plan *pl, const struct clv_error *err)
{
    if (!pl->failed && pl->err)
        *pl->err = *err;
    pl->failed = true;
}

static struct batch *batch_at(struct plan *pl, uint64_t i)
{
    return &pl->batches[i % BATCHES];
}

/* Sets up the next batch, and the window for it where the one before is used up. */
static bool feed(struct plan *pl)
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
            plan_fail(pl, &err);
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
static size_t exact_start(const struct plan *pl, const struct batch *b)
{
    if (b->window == pl->confirm_window)
        return pl->confirm_end;
    return pl->confirm_end - pl->confirm_window->len; /* it began in the slack of that one */
}

static bool pick_scan(struct plan *pl, struct task *task)
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
        b->pieces[i].near_ns = pl->near_ns;
        b->states[i] = PIECE_RUNNING;
        *task = (struct task){.kind = TASK_SCAN, .batch = b, .piece = i};
        return true;
    }
}

/* The capture ends here, soundly or not: nothing behind piece i of b counts. */
static void end_input(struct plan *pl, struct batch *b, unsigned i)
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
static void confirm(struct plan *pl)
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
            scan_piece_clear(piece, &pl->scan);
        } else if (piece->start != start) {
            b->states[i] = PIECE_TODO;
            return;
        }
        piece->seq = pl->n_items;
        pl->n_items += piece->n_items;
        if (piece->n_items)
            pl->near_ns = piece->items[piece->n_items - 1].ts_ns;
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
static bool epoch_is_full(const struct plan *pl, const struct batch *b)
{
    if (!pl->epoch_window)
        return false;
    if (pl->epoch_window != b->window || pl->epoch_items + b->n_items > pl->max_refs)
        return true;
    uint64_t pending = 0, runs = 0;
    for (uint32_t p = 0; p < pl->scan.n_partitions; p++) {
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
    return a->bytes < b->bytes   ? 1
           : a->bytes > b->bytes ? -1
                                 : (a->part > b->part) - (a->part < b->part);
}

/* The epoch is complete: its new flows are numbered and its partitions given to the workers. */
static bool start_flush(struct plan *pl)
{
    const uint32_t n = pl->scan.n_partitions;
    struct clv_error err;
    struct sized *order = mem_alloc(n, sizeof *order);
    if (!order) {
        (void)clv_fail_nomem(&err, "the pipeline", n * sizeof *order);
        plan_fail(pl, &err);
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
        plan_fail(pl, &err);
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
static void advance(struct plan *pl)
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

bool plan_pick(struct plan *pl, struct task *task)
{
    struct flush *f = &pl->flush;
    if (f->phase != PHASE_IDLE && f->next < pl->scan.n_partitions) {
        const enum task_kind kind = f->phase == PHASE_SORT ? TASK_SORT : TASK_WRITE;
        *task = (struct task){.kind = kind, .from = f->by_size[f->next++]};
        return true;
    }
    if (pl->finding && pl->find_next < pl->scan.n_partitions) {
        const uint32_t from = pl->find_next;
        pl->find_next = (uint32_t)min_u64(from + pl->finds_step, pl->scan.n_partitions);
        *task = (struct task){
            .kind = TASK_FIND, .from = from, .to = pl->find_next, .batch = batch_at(pl, pl->found)};
        return true;
    }
    if (pl->rows && pl->rows_next < pl->rows_chunks) {
        *task = (struct task){.kind = TASK_ROWS, .from = pl->rows_next++};
        return true;
    }
    return pick_scan(pl, task);
}

static void finish_flush(struct plan *pl)
{
    struct flush *f = &pl->flush;
    f->next = f->done = 0;
    if (f->phase == PHASE_SORT) {
        f->phase = PHASE_WRITE;
        return;
    }
    if (f->window)
        pl->release = (struct released){*f->window, f->release_from, f->release_to};
    f->phase = PHASE_IDLE;
    if (!f->last)
        return;
    struct clv_error err;
    if (pl->params->manifest == CLV_MANIFEST_NONE) {
        pl->finished = true;
        return;
    }
    pl->rows = numbering_rows(&pl->numbering, pl->parts, pl->scan.n_partitions, &pl->n_rows, &err);
    if (pl->rows)
        pl->manifest_fd = io_create_at(pl->params->publish->dir_fd,
                                       manifest_file_name(pl->params->manifest), &err);
    if (pl->manifest_fd < 0) {
        plan_fail(pl, &err);
        return;
    }
    pl->rows_chunks = (uint32_t)(pl->n_rows / ROWS + 1);
}

static void finish_rows(struct plan *pl)
{
    struct clv_error err;
    const int fd = pl->manifest_fd;
    pl->manifest_fd = -1;
    if (!io_close(fd, manifest_file_name(pl->params->manifest), &err))
        plan_fail(pl, &err);
    pl->finished = true;
}

void plan_complete(struct plan *pl, const struct task *t)
{
    switch (t->kind) {
    case TASK_SCAN:
        t->batch->states[t->piece] = PIECE_DONE;
        break;
    case TASK_FIND:
        pl->find_done += t->to - t->from;
        if (pl->find_done == pl->scan.n_partitions) {
            pl->finding = false;
            pl->found++;
        }
        break;
    case TASK_SORT:
    case TASK_WRITE:
        if (++pl->flush.done == pl->scan.n_partitions)
            finish_flush(pl);
        break;
    case TASK_ROWS:
        if (++pl->rows_done == pl->rows_chunks)
            finish_rows(pl);
        break;
    }
    advance(pl);
}
