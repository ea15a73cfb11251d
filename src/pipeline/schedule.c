/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/schedule.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/io.h"

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
    return pl->ring[i % pl->n_batches];
}

/* The next window, of the next source where one has ended. NULL: there is none now, or no more. */
static struct view *next_view(struct plan *pl, const struct view *before)
{
    const struct pipeline_params *pp = pl->params;
    struct source *s = &pp->sources[pl->source];
    struct clv_error err;
    if (before && before->source == s && (before->w.last || s->over)) {
        if (pl->source + 1 == pp->n_sources) {
            pl->fed_all = true;
            return NULL;
        }
        s = &pp->sources[++pl->source];
        s->position = before->position + before->w.len;
    }
    if (!s->reading) {
        struct input_plan input = pl->input;
        input.slack = s->format.record_max;
        if (!source_begin(s, &input, &err)) {
            plan_fail(pl, &err);
            return NULL;
        }
        s->reading = true;
    }
    struct view *v = &pl->views[pl->n_views % pl->views_cap];
    switch (input_next(s->in, &v->w, &err)) {
    case INPUT_WINDOW:
        break;
    case INPUT_WAIT:
        return NULL;
    case INPUT_FAILED:
        plan_fail(pl, &err);
        return NULL;
    }
    v->source = s;
    v->begins = !before || before->source != s;
    v->position = !v->begins ? before->position + before->w.len : s->position;
    pl->n_views++;
    return v;
}

/* Sets up the next batch, and the window for it where the one before is used up. */
static bool feed(struct plan *pl)
{
    const bool held_up = pl->found < pl->join_at && batch_at(pl, pl->found)->waiting;
    if (pl->fed_all || pl->failed || pl->fed >= pl->found + (held_up ? pl->n_batches : BATCHES))
        return false;
    const struct batch *before = pl->fed ? batch_at(pl, pl->fed - 1) : NULL;
    struct view *v = before ? before->view : NULL;
    size_t from = before ? before->pieces[before->n_pieces - 1].limit : 0;
    if (!v || from == v->w.len || v->source->over) {
        v = next_view(pl, v);
        if (!v)
            return false;
        from = 0;
    }
    struct batch *b = pl->spare[--pl->n_spare];
    pl->ring[pl->fed++ % pl->n_batches] = b;
    b->view = v;
    b->n_handed = b->n_confirmed = 0;
    b->has_roles = !(pl->scan.by.fields & FLOW_BY_ROLES);
    b->n_items = b->waiting = 0;
    b->n_pieces = 0;
    do {
        struct scan_piece *piece = &b->pieces[b->n_pieces];
        b->states[b->n_pieces++] = PIECE_TODO;
        piece->from = from;
        piece->limit = from = v->w.len - from > PIECE ? from + PIECE : v->w.len;
    } while (from < v->w.len && b->n_pieces < pl->pieces_per_batch);
    pl->fed_all = v->w.last && from == v->w.len && pl->source + 1 == pl->params->n_sources;
    return true;
}

/* Where piece i of batch b must begin, if that is known: where the piece before it ended. */
static size_t exact_start(const struct plan *pl, const struct batch *b)
{
    if (b->view == pl->confirm_view)
        return pl->confirm_end;
    if (b->view->begins)
        return 0;
    return pl->confirm_end - pl->confirm_view->w.len; /* it began in the slack of that one */
}

/* All before the piece is known: it is scanned to stay. */
static void hand_exact(struct plan *pl, struct batch *b, unsigned i, struct task *task)
{
    struct scan_piece *piece = &b->pieces[i];
    const bool begins = b->view->begins && i == 0 && piece->from == 0;
    piece->start = exact_start(pl, b);
    piece->exact = true;
    piece->seek = !begins && pl->confirm_seeking;
    piece->state = pl->confirm_state;
    if (begins)
        piece->state = (struct walk_state){0};
    piece->near_ns = b->view->source->near_ns;
    b->states[i] = PIECE_RUNNING;
    *task = (struct task){.kind = TASK_SCAN, .batch = b, .piece = i};
}

static bool pick_scan(struct plan *pl, struct task *task)
{
    /* A piece that has to be scanned again holds up all that follow: it goes first. */
    if (pl->confirm_at < pl->fed && !pl->ended) {
        struct batch *b = batch_at(pl, pl->confirm_at);
        if (b->n_confirmed < b->n_handed && b->states[b->n_confirmed] == PIECE_TODO) {
            hand_exact(pl, b, b->n_confirmed, task);
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
        const unsigned i = b->n_handed;
        struct scan_piece *piece = &b->pieces[i];
        if (pl->scan_at == pl->confirm_at && b->n_confirmed == i) {
            b->n_handed++;
            hand_exact(pl, b, i, task);
            return true;
        }
        if (!b->view->source->begun)
            return false; /* what it begins with must be in the ledger first */
        b->n_handed++;
        piece->start = SCAN_UNKNOWN;
        piece->exact = piece->seek = false;
        piece->state = pl->confirm_state;
        piece->near_ns = b->view->source->near_ns;
        b->states[i] = PIECE_RUNNING;
        *task = (struct task){.kind = TASK_SCAN, .batch = b, .piece = i};
        return true;
    }
}

/* The first fault of each source is kept, and of these the first. */
static void tell_damage(struct plan *pl, struct source *s, const struct clv_error *damage,
                        uint64_t records)
{
    struct clv_error *first = &pl->result->damage;
    if (s->fault.code != CLV_ERR_NONE)
        return;
    s->fault = *damage;
    s->fault.record += records;
    if (first->code == CLV_ERR_NONE)
        *first = s->fault;
}

/* In a piece, records count from its own beginning. */
static void tell_piece(struct plan *pl, struct source *s, const struct scan_piece *piece)
{
    if (piece->counts.damages)
        tell_damage(pl, s, &piece->damage, s->records);
}

/* The source ends here, soundly or not: nothing behind counts. */
static void end_source(struct plan *pl, struct source *s, const struct scan_piece *piece)
{
    const struct clv_error *early = input_damage(s->in);
    if (early->code !=
        CLV_ERR_NONE) /* nearer to the cause than the record that is cut short by it */
        tell_damage(pl, s, early, 0);
    tell_piece(pl, s, piece);
    pl->counts.damages += early->code != CLV_ERR_NONE && piece->counts.damages == 0;
}

/* true: the scan of the piece stands, wherever it began. */
static bool is_right(const struct plan *pl, const struct scan_piece *piece, size_t start)
{
    if (piece->exact)
        return true;
    return piece->start == start && piece->stop == WALK_RECORD && !pl->confirm_seeking &&
           piece->state.section == pl->confirm_state.section;
}

/* A capture that begins before the one before it ends: they overlap, or are in the wrong order. */
static CLV_COLD void note_overlap(struct plan *pl, const struct source *s, int64_t first_ns)
{
    struct clv_split_result *r = pl->result;
    const struct source *before = s;
    while (before > pl->params->sources && (before == s || before->near_ns == WALK_NO_TIME))
        before--;
    if (before == s || before->near_ns == WALK_NO_TIME || before->near_ns <= first_ns)
        return;
    if (r->overlaps++ == 0) {
        r->overlap[0] = (uint32_t)before->number;
        r->overlap[1] = (uint32_t)s->number;
    }
}

/* What depends on times expects them in order, and may be told that they are not. */
static void note_times(struct plan *pl, struct source *s, struct scan_piece *piece)
{
    struct clv_split_result *r = pl->result;
    if (s->near_ns != WALK_NO_TIME && piece->first_ns < s->near_ns) {
        piece->counts.earlier++;
        piece->earlier = 1;
    }
    if (CLV_UNLIKELY(piece->earlier && r->earlier_record == 0)) {
        r->earlier_record = s->records + piece->earlier;
        r->earlier_input = s->number == SIZE_MAX ? 0 : (uint32_t)s->number + 1;
    }
    if (s->first_ns == WALK_NO_TIME) {
        s->first_ns = piece->first_ns;
        note_overlap(pl, s, piece->first_ns);
    }
    s->near_ns = piece->last_ns;
}

/*
 * Pieces are confirmed in order: one that began where the one before it ended, in the state in
 * which that ended, is right, and right is then where it ends. By induction from the first, which
 * begins behind the file header.
 */
static void confirm(struct plan *pl)
{
    while (!pl->ended && pl->confirm_at < pl->fed) {
        struct batch *b = batch_at(pl, pl->confirm_at);
        struct source *s = b->view->source;
        const unsigned i = b->n_confirmed;
        struct scan_piece *piece = &b->pieces[i];
        if (b->states[i] == PIECE_RUNNING || (b->states[i] == PIECE_TODO && !s->over))
            return;
        if (s->over) {
            piece->start = piece->limit;
            scan_piece_clear(piece);
            b->n_handed = b->n_handed > i ? b->n_handed : i + 1;
        } else {
            const size_t start = exact_start(pl, b);
            if (start >= piece->limit && !(b->view->begins && piece->from == 0)) {
                /* A record that began earlier covers the whole piece. */
                piece->start = start;
                scan_piece_clear(piece);
                piece->seeking = pl->confirm_seeking;
            } else if (!is_right(pl, piece, start)) {
                b->states[i] = PIECE_TODO;
                return;
            } else if (piece->exact) {
                pl->confirm_state = piece->state;
            }
        }
        piece->seq = pl->n_items;
        pl->n_items += piece->n_items;
        if (piece->last_ns != SCAN_NO_LAST)
            note_times(pl, s, piece);
        b->n_items += piece->n_items;
        scan_counts_add(&pl->counts, &piece->counts);
        if (pl->params->proof)
            proof_join(pl->params->proof, &piece->walked);
        s->begun = true;
        pl->confirm_end = piece->end;
        pl->confirm_view = b->view;
        pl->confirm_seeking = piece->seeking;
        pl->result->scanned_bytes =
            pl->done_bytes +
            (input_is_stream(s->in) ? input_consumed(s->in) : b->view->w.offset + piece->end);
        const bool at_end = b->view->w.last && piece->limit == b->view->w.len;
        if (!s->over && (at_end || piece->stop != WALK_RECORD)) {
            end_source(pl, s, piece);
            s->over = true;
            const uint64_t bytes = s->size ? s->size : input_consumed(s->in);
            const bool sound =
                at_end && piece->stop == WALK_RECORD && input_damage(s->in)->code == CLV_ERR_NONE;
            s->consumed = sound ? bytes : 0;
            pl->done_bytes += bytes;
            pl->result->scanned_bytes = pl->done_bytes;
            pl->result->input_bytes += s->size ? 0 : bytes; /* known only now */
            if (s == &pl->params->sources[pl->params->n_sources - 1])
                pl->fed_all = true;
        } else {
            tell_piece(pl, s, piece);
        }
        s->records += piece->counts.records;
        if (++b->n_confirmed == b->n_pieces) {
            pl->confirm_at++;
            pl->scan_at = max_u64(pl->scan_at, pl->confirm_at);
        }
    }
    pl->ended = pl->fed_all && pl->confirm_at == pl->fed;
}

/* Must the epoch end before batch b joins it? */
static bool epoch_is_full(const struct plan *pl, const struct batch *b)
{
    if (!pl->epoch_view)
        return false;
    if (pl->epoch_view != b->view || pl->epoch_items + b->n_items > pl->max_refs)
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
    f->phase = PHASE_SORT;
    f->next = f->done = 0;
    f->view = pl->epoch_view;
    f->release_from = pl->epoch_from;
    f->release_to = pl->epoch_to;
    f->last = pl->ended && pl->found == pl->confirm_at;
    f->round = (struct writer_round){
        .source = {.dialect = pl->scan.dialect, .n_entries = ledger_count(&pl->ledger)},
        .last = f->last,
    };
    if (f->view) {
        f->round.base = f->view->w.p;
        f->round.avail = f->view->w.avail;
        f->round.position = f->view->position;
        f->round.source.format = &f->view->source->format;
    }
    if (!numbering_epoch(&pl->numbering, pl->parts, n, pl->epoch_items, &f->round, &err)) {
        plan_fail(pl, &err);
        return false;
    }
    pl->result->rounds += pl->epoch_items != 0;
    pl->epoch++;
    f->items = pl->epoch_items;
    pl->epoch_seq += pl->epoch_items;
    pl->epoch_items = 0;
    pl->epoch_view = NULL;
    pl->want_flush = false;
    return true;
}

/* Batches without fragments need no joining, as long as nobody waits for what they might bring. */
static void pass_joined(struct plan *pl)
{
    while (!pl->joining && pl->join_at < pl->confirm_at && pl->waiting == 0) {
        const struct batch *b = batch_at(pl, pl->join_at);
        for (unsigned i = 0; i < b->n_pieces; i++)
            if (b->pieces[i].n_fragments)
                return;
        pl->join_at++;
    }
}

static bool pick_join(struct plan *pl, struct task *task)
{
    const bool left = pl->join_at < pl->confirm_at;
    if (pl->joining || (!left && !(pl->ended && pl->waiting)))
        return false;
    *task = (struct task){.kind = TASK_JOIN, .batch = left ? batch_at(pl, pl->join_at) : NULL};
    pl->joining = true;
    return true;
}

/* The next batch to be found, once its fragments are settled. */
static bool pick_roles(struct plan *pl, struct task *task)
{
    struct batch *b = batch_at(pl, pl->found);
    if (pl->settling || pl->finding || pl->found == pl->join_at || b->waiting || b->has_roles)
        return false;
    *task = (struct task){.kind = TASK_ROLES, .batch = b};
    pl->settling = true;
    return true;
}

/* Moves the plan on after something was finished. */
static void advance(struct plan *pl)
{
    if (pl->failed || pl->finished)
        return;
    confirm(pl);
    pass_joined(pl);
    if (pl->finding)
        return;
    struct batch *b = batch_at(pl, pl->found);
    const bool ready = pl->found < pl->join_at && b->waiting == 0 && b->has_roles;
    if (ready && !pl->want_flush)
        pl->want_flush = epoch_is_full(pl, b);
    if (pl->ended && pl->found == pl->confirm_at && !pl->flush.last)
        pl->want_flush = true;
    if (pl->want_flush && (pl->flush.phase != PHASE_IDLE || !start_flush(pl)))
        return;
    if (ready && pl->flush.phase != PHASE_SORT) {
        if (!pl->epoch_view) {
            pl->epoch_view = b->view;
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
        static const enum task_kind kinds[] = {
            [PHASE_SORT] = TASK_SORT, [PHASE_WRITE] = TASK_WRITE, [PHASE_REST] = TASK_REST};
        *task = (struct task){.kind = kinds[f->phase], .from = f->by_size[f->next++]};
        return true;
    }
    if (pick_join(pl, task) || pick_roles(pl, task))
        return true;
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
    if (pl->rows && pl->checks_next < pl->checks_chunks) {
        *task = (struct task){.kind = TASK_CHECK, .from = pl->checks_next++};
        return true;
    }
    return pick_scan(pl, task);
}

/* The manifest's file; there is none where it is only held against one. */
static bool open_manifest(struct plan *pl, struct clv_error *err)
{
    const struct pipeline_params *pp = pl->params;
    if (pp->manifest_fd >= 0)
        pl->manifest_fd = fcntl(pp->manifest_fd, F_DUPFD_CLOEXEC, 0);
    else if (pp->dry_run)
        return true;
    else if ((pl->manifest_fd = io_create_at(pp->publish->dir_fd, manifest_file_name(pp->manifest),
                                             pp->publish->mode, err)) < 0)
        return false;
    return pl->manifest_fd >= 0 || clv_fail_errno(err, "the manifest", "has no descriptor");
}

static void finish_flush(struct plan *pl)
{
    struct flush *f = &pl->flush;
    f->next = f->done = 0;
    if (f->phase == PHASE_SORT) {
        f->phase = PHASE_WRITE;
        return;
    }
    if (f->phase == PHASE_WRITE && f->last && pl->scan.dialect->picker && !pl->params->dry_run) {
        f->phase = PHASE_REST;
        return;
    }
    if (f->view) {
        pl->release =
            (struct released){f->view->w, f->view->source, f->release_from, f->release_to};
        pl->written = (size_t)(f->view->source - pl->params->sources);
    }
    f->phase = PHASE_IDLE;
    if (!f->last)
        return;
    struct clv_error err;
    const bool manifest = pl->params->manifest != CLV_MANIFEST_NONE, proof = pl->params->proof;
    if (!manifest && !proof) {
        pl->finished = true;
        return;
    }
    pl->rows = numbering_rows(&pl->numbering, pl->parts, pl->scan.n_partitions, &pl->n_rows, &err);
    if (!pl->rows || (manifest && !open_manifest(pl, &err))) {
        plan_fail(pl, &err);
        return;
    }
    pl->rows_chunks = manifest ? (uint32_t)(pl->n_rows / ROWS + 1) : 0;
    pl->checks_chunks = proof ? (uint32_t)(pl->n_rows / CHECKS + 1) : 0;
}

static void finish_rows(struct plan *pl)
{
    struct clv_error err;
    const int fd = pl->manifest_fd;
    pl->manifest_fd = -1;
    if (fd >= 0 && !io_close(fd, manifest_file_name(pl->params->manifest), &err))
        plan_fail(pl, &err);
}

void plan_complete(struct plan *pl, const struct task *t)
{
    switch (t->kind) {
    case TASK_SCAN:
        t->batch->states[t->piece] = PIECE_DONE;
        break;
    case TASK_JOIN:
        pl->joining = false;
        pl->join_at += t->batch != NULL;
        for (struct batch *b = pl->batches; b < pl->batches + pl->n_batches; b++)
            b->waiting = b->join_waiting;
        pl->waiting = fragments_waiting(pl->join.fragments);
        pl->overflow = fragments_overflow(pl->join.fragments);
        pl->orphans = pl->join.orphans;
        pl->filtered = pl->join.filtered;
        pl->filtered_copies = pl->join.filtered_copies;
        break;
    case TASK_ROLES:
        pl->settling = false;
        t->batch->has_roles = true;
        break;
    case TASK_FIND:
        pl->find_done += t->to - t->from;
        if (pl->find_done == pl->scan.n_partitions) {
            pl->finding = false;
            pl->spare[pl->n_spare++] = batch_at(pl, pl->found++);
            pl->found_flows = 0;
            for (uint32_t p = 0; p < pl->scan.n_partitions; p++)
                pl->found_flows += pl->parts[p].flows.n;
        }
        break;
    case TASK_SORT:
    case TASK_WRITE:
    case TASK_REST:
        if (++pl->flush.done == pl->scan.n_partitions)
            finish_flush(pl);
        break;
    case TASK_ROWS:
        if (++pl->rows_done == pl->rows_chunks)
            finish_rows(pl);
        break;
    case TASK_CHECK:
        pl->checks_done++;
        break;
    }
    if (pl->rows && pl->rows_done == pl->rows_chunks && pl->checks_done == pl->checks_chunks)
        pl->finished = true;
    advance(pl);
}
