/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/feed.h"

#include "base/mem.h"

bool feed_init(struct feed *fd, struct clv_error *err)
{
    static const struct view before_all = {.begins = false};
    const unsigned n = fd->n_batches;
    fd->confirm_view = &before_all;
    fd->views_cap = n + VIEWS_BESIDE;
    fd->batches = mem_zalloc(n, sizeof *fd->batches);
    fd->ring = mem_zalloc(n, sizeof *fd->ring);
    fd->spare = mem_zalloc(n, sizeof *fd->spare);
    fd->views = mem_zalloc(fd->views_cap, sizeof *fd->views);
    if (!fd->batches || !fd->ring || !fd->spare || !fd->views)
        return clv_fail_nomem(err, "the pipeline", n * sizeof *fd->batches);
    for (unsigned i = 0; i < n; i++) {
        struct batch *b = fd->spare[fd->n_spare++] = &fd->batches[i];
        b->pieces = mem_zalloc(fd->pieces_per_batch, sizeof *b->pieces);
        b->states = mem_zalloc(fd->pieces_per_batch, sizeof *b->states);
        if (!b->pieces || !b->states)
            return clv_fail_nomem(err, "the pipeline", sizeof *b->pieces);
    }
    return true;
}

void feed_fini(struct feed *fd)
{
    for (unsigned i = 0; fd->batches && i < fd->n_batches; i++) {
        struct batch *b = &fd->batches[i];
        for (unsigned k = 0; k < b->n_used; k++)
            scan_piece_fini(&b->pieces[k]);
        mem_free(b->pieces);
        mem_free(b->states);
    }
    mem_free(fd->batches);
    mem_free(fd->ring);
    mem_free(fd->spare);
    mem_free(fd->views);
}

/* The window of the batch that was set up last; NULL: none was. */
static const struct view *last_view(const struct feed *fd)
{
    return fd->fed ? feed_batch(fd, fd->fed - 1)->view : NULL;
}

/* Few records need more than the slack that windows of what is read have at first. */
static bool grow(struct view *v, bool *there, struct clv_error *err)
{
    struct input_window w = v->w;
    w.avail = view_avail(v);
    const enum input_step step = input_more(&w, err);
    *there = step == INPUT_WINDOW;
    if (!*there)
        return step == INPUT_WAIT;
    atomic_store(&v->more, w.avail - v->w.avail);
    v->all = !w.more;
    return true;
}

bool feed_open(struct feed *fd, bool *there, struct clv_error *err)
{
    struct source *s = &fd->sources[fd->source];
    if (fd->growing)
        return grow(fd->growing, there, err);
    const struct view *before = last_view(fd);
    *there = false;
    if (!s->reading) {
        struct input_plan input = fd->input;
        input.slack = s->format.record_max;
        /* walk_believes() looks at as much as a longest record has. */
        input.slack_read = fd->recover && s->format.kind == WALK_PCAP ? 0 : WALK_USUAL;
        if (!source_begin(s, &input, err))
            return false;
        s->reading = true;
    }
    struct view *v = &fd->views[fd->n_views % fd->views_cap];
    switch (input_next(s->in, &v->w, err)) {
    case INPUT_WINDOW:
        break;
    case INPUT_WAIT:
        return true;
    case INPUT_FAILED:
        return false;
    }
    v->source = s;
    atomic_store(&v->more, 0);
    v->all = false;
    v->begins = !before || before->source != s;
    v->position = !v->begins ? before->position + before->w.len : s->position;
    *there = true;
    return true;
}

void feed_opened(struct feed *fd, bool there)
{
    fd->opening = false;
    if (there)
        fd->dry = false;
    if (fd->growing) {
        fd->lacking = there ? NULL : fd->growing;
        fd->growing = NULL;
    } else if (there) {
        fd->next = &fd->views[fd->n_views++ % fd->views_cap];
    }
}

void feed_wake(struct feed *fd)
{
    fd->dry = false;
}

/* Sets the batch up that begins at byte `from` of the window. */
static void set_up(struct feed *fd, struct view *v, size_t from)
{
    struct batch *b = fd->spare[--fd->n_spare];
    fd->ring[fd->fed++ % fd->n_batches] = b;
    b->view = v;
    b->n_handed = b->n_confirmed = 0;
    b->n_items = b->waiting = b->owed = 0;
    b->n_pieces = 0;
    do {
        struct scan_piece *piece = &b->pieces[b->n_pieces];
        b->states[b->n_pieces++] = PIECE_TODO;
        piece->from = from;
        piece->limit = from = v->w.len - from > PIECE ? from + PIECE : v->w.len;
    } while (from < v->w.len && b->n_pieces < fd->pieces_per_batch);
    b->n_used = b->n_pieces > b->n_used ? b->n_pieces : b->n_used;
    fd->fed_all = v->w.last && from == v->w.len && fd->source + 1 == fd->n_sources;
}

/* Sets up the next batch. FEED_SCAN: it is there. */
static enum feed_step feed_one(struct feed *fd, unsigned most)
{
    if (fd->fed_all || fd->fed >= fd->found + most)
        return FEED_NOTHING;
    const struct batch *before = fd->fed ? feed_batch(fd, fd->fed - 1) : NULL;
    struct view *v = before ? before->view : NULL;
    const size_t from = before ? before->pieces[before->n_pieces - 1].limit : 0;
    if (v && from < v->w.len && !v->source->over) {
        set_up(fd, v, from);
        return FEED_SCAN;
    }
    if (fd->next) {
        v = fd->next;
        fd->next = NULL;
        set_up(fd, v, 0);
        return FEED_SCAN;
    }
    if (fd->opening || fd->dry)
        return FEED_NOTHING;
    struct source *s = &fd->sources[fd->source];
    if (v && v->source == s && (v->w.last || s->over)) {
        if (fd->source + 1 == fd->n_sources) {
            fd->fed_all = true;
            return FEED_NOTHING;
        }
        fd->sources[++fd->source].position = v->position + v->w.len;
    }
    fd->opening = true;
    /* Until it has been asked: who wakes between the question and its answer is not overheard. */
    fd->dry = true;
    return FEED_OPEN;
}

/* Where piece i of batch b must begin, if that is known: where the piece before it ended. */
static size_t exact_start(const struct feed *fd, const struct batch *b)
{
    if (b->view == fd->confirm_view)
        return fd->confirm_end;
    if (b->view->begins)
        return 0;
    return fd->confirm_end - fd->confirm_view->w.len; /* it began in the slack of that one */
}

/* All before the piece is known: it is scanned to stay. */
static void hand_exact(struct feed *fd, struct batch *b, unsigned i, struct feed_scan *scan)
{
    struct scan_piece *piece = &b->pieces[i];
    const bool begins = b->view->begins && i == 0 && piece->from == 0;
    b->states[i] = PIECE_RUNNING;
    *scan = (struct feed_scan){b, i};
    if (piece->exact && piece->lacks)
        return; /* it goes on where it stopped */
    piece->start = exact_start(fd, b);
    piece->exact = true;
    piece->seek = !begins && fd->confirm_seeking;
    piece->state = fd->confirm_state;
    if (begins)
        piece->state = (struct walk_state){0};
    piece->near_ns = b->view->source->near_ns;
}

enum feed_step feed_next(struct feed *fd, unsigned most, struct feed_scan *scan)
{
    /* A piece that has to be scanned again holds up all that follow: it goes first. */
    if (fd->confirm_at < fd->fed && !fd->ended) {
        struct batch *b = feed_batch(fd, fd->confirm_at);
        if (fd->lacking && !fd->opening && !fd->dry) {
            fd->growing = fd->lacking;
            fd->opening = fd->dry = true;
            return FEED_OPEN;
        }
        if (b->n_confirmed < b->n_handed && b->states[b->n_confirmed] == PIECE_TODO &&
            !fd->lacking) {
            hand_exact(fd, b, b->n_confirmed, scan);
            return FEED_SCAN;
        }
    }
    while (!fd->ended) {
        if (fd->scan_at == fd->fed) {
            const enum feed_step step = feed_one(fd, most);
            if (step != FEED_SCAN)
                return step;
        }
        struct batch *b = feed_batch(fd, fd->scan_at);
        if (b->n_handed == b->n_pieces) {
            fd->scan_at++;
            continue;
        }
        const unsigned i = b->n_handed;
        struct scan_piece *piece = &b->pieces[i];
        if (fd->scan_at == fd->confirm_at && b->n_confirmed == i) {
            b->n_handed++;
            hand_exact(fd, b, i, scan);
            return FEED_SCAN;
        }
        if (!b->view->source->begun)
            return FEED_NOTHING; /* what it begins with must be in the ledger first */
        b->n_handed++;
        piece->start = SCAN_UNKNOWN;
        piece->exact = piece->seek = false;
        piece->state = fd->confirm_state;
        piece->near_ns = b->view->source->near_ns;
        b->states[i] = PIECE_RUNNING;
        *scan = (struct feed_scan){b, i};
        return FEED_SCAN;
    }
    return FEED_NOTHING;
}

void feed_scanned(const struct feed_scan *scan)
{
    scan->batch->states[scan->piece] = PIECE_DONE;
}

/* The first fault of each source is kept, and of these the first. */
static void tell_damage(struct feed *fd, struct source *s, const struct clv_error *damage,
                        uint64_t records)
{
    struct clv_error *first = &fd->result->damage;
    if (s->fault.code != CLV_ERR_NONE)
        return;
    s->fault = *damage;
    s->fault.record += records;
    if (first->code == CLV_ERR_NONE)
        *first = s->fault;
}

/* In a piece, records count from its own beginning. */
static void tell_piece(struct feed *fd, struct source *s, const struct scan_piece *piece)
{
    if (piece->counts.damages)
        tell_damage(fd, s, &piece->damage, s->records);
}

/* The source ends here, soundly or not: nothing behind counts. */
static void end_source(struct feed *fd, struct source *s, const struct scan_piece *piece)
{
    const struct clv_error *early = input_damage(s->in);
    if (early->code !=
        CLV_ERR_NONE) /* nearer to the cause than the record that is cut short by it */
        tell_damage(fd, s, early, 0);
    tell_piece(fd, s, piece);
    fd->counts.damages += early->code != CLV_ERR_NONE && piece->counts.damages == 0;
}

/* true: the scan of the piece stands, wherever it began. */
static bool is_right(const struct feed *fd, const struct scan_piece *piece, size_t start)
{
    if (piece->exact)
        return true;
    return piece->start == start && piece->stop == WALK_RECORD && !fd->confirm_seeking &&
           piece->state.section == fd->confirm_state.section;
}

/* A capture that begins before the one before it ends: they overlap, or are in the wrong order. */
static CLV_COLD void note_overlap(struct feed *fd, const struct source *s, int64_t first_ns)
{
    struct clv_split_result *r = fd->result;
    const struct source *before = s;
    while (before > fd->sources && (before == s || before->near_ns == WALK_NO_TIME))
        before--;
    if (before == s || before->near_ns == WALK_NO_TIME || before->near_ns <= first_ns)
        return;
    r->unsorted += before->first_ns > first_ns;
    if (r->overlaps++ == 0) {
        r->overlap[0] = (uint32_t)before->number;
        r->overlap[1] = (uint32_t)s->number;
    }
}

/* What depends on times expects them in order, and may be told that they are not. */
static void note_times(struct feed *fd, struct source *s, struct scan_piece *piece)
{
    struct clv_split_result *r = fd->result;
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
        note_overlap(fd, s, piece->first_ns);
    }
    s->near_ns = piece->last_ns;
}

/*
 * Pieces are confirmed in order: one that began where the one before it ended, in the state in
 * which that ended, is right, and right is then where it ends. By induction from the first, which
 * begins behind the file header.
 */
void feed_confirm(struct feed *fd)
{
    while (!fd->ended && fd->confirm_at < fd->fed) {
        struct batch *b = feed_batch(fd, fd->confirm_at);
        struct source *s = b->view->source;
        const unsigned i = b->n_confirmed;
        struct scan_piece *piece = &b->pieces[i];
        if (b->states[i] == PIECE_RUNNING || (b->states[i] == PIECE_TODO && !s->over))
            return;
        if (s->over) {
            piece->start = piece->limit;
            scan_piece_clear(piece);
            b->n_handed = b->n_handed > i ? b->n_handed : i + 1;
        } else if (piece->exact && piece->lacks) {
            b->states[i] = PIECE_TODO;
            fd->lacking = b->view;
            fd->dry = false; /* that was about the next window */
            return;
        } else {
            const size_t start = exact_start(fd, b);
            if (start >= piece->limit && !(b->view->begins && piece->from == 0)) {
                /* A record that began earlier covers the whole piece. */
                piece->start = start;
                scan_piece_clear(piece);
                piece->seeking = fd->confirm_seeking;
            } else if (!is_right(fd, piece, start)) {
                b->states[i] = PIECE_TODO;
                return;
            } else if (piece->exact) {
                fd->confirm_state = piece->state;
            }
        }
        piece->seq = fd->n_items;
        fd->n_items += piece->n_items;
        if (piece->last_ns != SCAN_NO_LAST)
            note_times(fd, s, piece);
        b->n_items += piece->n_items;
        scan_counts_add(&fd->counts, &piece->counts);
        observe_confirmed(fd->observers, piece);
        s->begun = true;
        fd->confirm_end = piece->end;
        fd->confirm_view = b->view;
        fd->confirm_seeking = piece->seeking;
        fd->result->scanned_bytes =
            fd->done_bytes +
            (input_is_stream(s->in) ? input_consumed(s->in) : b->view->w.offset + piece->end);
        const bool at_end = b->view->w.last && piece->limit == b->view->w.len;
        if (!s->over && (at_end || piece->stop != WALK_RECORD)) {
            end_source(fd, s, piece);
            s->over = true;
            const uint64_t bytes = s->size ? s->size : input_consumed(s->in);
            /* A record that is cut has all of the input behind it, too. */
            const bool to_end = at_end && (piece->stop == WALK_RECORD || piece->stop == WALK_CUT) &&
                                input_damage(s->in)->code == CLV_ERR_NONE;
            s->consumed = to_end ? bytes : 0;
            fd->done_bytes += bytes;
            fd->result->scanned_bytes = fd->done_bytes;
            fd->result->input_bytes += s->size ? 0 : s->consumed; /* known only now */
            if (s == &fd->sources[fd->n_sources - 1])
                fd->fed_all = true;
        } else {
            tell_piece(fd, s, piece);
        }
        s->records += piece->counts.records;
        if (++b->n_confirmed == b->n_pieces) {
            fd->confirm_at++;
            fd->scan_at = max_u64(fd->scan_at, fd->confirm_at);
        }
    }
    fd->ended = fd->fed_all && fd->confirm_at == fd->fed;
}

void feed_found(struct feed *fd)
{
    fd->spare[fd->n_spare++] = feed_batch(fd, fd->found++);
}
