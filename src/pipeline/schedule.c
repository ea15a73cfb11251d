/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/schedule.h"

enum {
    EPOCH_MIN = 64 << 20,        /* bytes pending before an epoch may end early */
    EPOCH_PER_FLOW = 256 * 1024, /* bytes pending per flow that make one large write */
};

/* Must the epoch end before batch b joins it? */
static bool is_full(const struct schedule *s, const struct batch *b)
{
    if (s->epoch.view != b->view || s->epoch.items + b->n_items > s->max_refs)
        return true;
    if (s->wide)
        return false;
    uint64_t pending = 0, runs = 0;
    for (uint32_t p = 0; p < s->n_parts; p++) {
        pending += s->parts[p].pending_bytes;
        runs += s->parts[p].n_runs;
    }
    return pending >= EPOCH_MIN && pending >= runs * EPOCH_PER_FLOW;
}

/* What was gathered is to be flushed; the next epoch begins. */
static void start_flush(struct schedule *s)
{
    struct epoch *e = &s->epoch;
    struct flush *f = &s->flush;
    f->phase = PHASE_NUMBER;
    f->n = 1;
    f->next = f->done = 0;
    f->view = e->view;
    f->from = e->from;
    f->to = e->to;
    f->items = e->items;
    f->last = s->feed.ended && s->feed.found == s->feed.confirm_at;
    *e = (struct epoch){.number = e->number + 1, .seq = e->seq + e->items};
}

/* The batch that is found next joins the epoch. */
static void start_find(struct schedule *s, const struct batch *b)
{
    struct epoch *e = &s->epoch;
    if (e->state == GATHERING_EMPTY) {
        e->view = b->view;
        e->from = b->pieces[0].from;
    }
    e->state = GATHERING_FINDING;
    e->to = b->pieces[b->n_pieces - 1].limit;
    e->items += b->n_items;
    e->find_next = e->find_done = 0;
}

/* Moves on after something was finished. */
static void advance(struct schedule *s)
{
    struct feed *const fd = &s->feed;
    struct epoch *const e = &s->epoch;
    feed_confirm(fd);
    order_advance(&s->order, fd);
    if (e->state == GATHERING_FINDING)
        return;
    const bool ready = order_settled(&s->order, fd);
    if (ready && e->state == GATHERING_OPEN && is_full(s, feed_batch(fd, fd->found)))
        e->state = GATHERING_FULL;
    if (fd->ended && fd->found == fd->confirm_at && !s->flush.last)
        e->state = GATHERING_FULL;
    if (e->state == GATHERING_FULL) {
        if (s->flush.phase != PHASE_IDLE)
            return;
        start_flush(s);
    }
    /* Until the flush has taken its records out of them, partitions take no others. */
    if (ready && (s->flush.phase == PHASE_IDLE || s->flush.phase > PHASE_SORT))
        start_find(s, feed_batch(fd, fd->found));
}

static bool next_of(struct chunks *c, enum task_kind kind, struct task *task)
{
    if (c->next == c->n)
        return false;
    *task = (struct task){.kind = kind, .from = c->next++};
    return true;
}

/* true: the phase's tasks are the partitions, the one with most bytes first. */
static bool by_partition(const struct schedule *s, enum phase phase)
{
    return phase == PHASE_NAME || phase == PHASE_SORT || phase == PHASE_FINISH ||
           phase == PHASE_REST || (phase == PHASE_WRITE && !s->members);
}

/* One task at a time allocates an archive's file, while others do what does not touch it. */
static bool next_allocate(struct schedule *s, struct task *task)
{
    return s->allocated.next == s->allocated.done && next_of(&s->allocated, TASK_ALLOCATE, task);
}

/* No more of it will be allocated. true: and none is at the moment, so that it can be written. */
static bool end_allocation(struct schedule *s)
{
    s->allocated.n = s->allocated.next;
    return s->allocated.next == s->allocated.done;
}

/* Tasks on what has been found. */
static bool next_flush(struct schedule *s, struct task *task)
{
    static const enum task_kind kinds[] = {
        [PHASE_NUMBER] = TASK_NUMBER, [PHASE_NAME] = TASK_NAME,       [PHASE_TAKE] = TASK_TAKE,
        [PHASE_SORT] = TASK_SORT,     [PHASE_LAY_OUT] = TASK_LAY_OUT, [PHASE_WRITE] = TASK_WRITE,
        [PHASE_FINISH] = TASK_FINISH, [PHASE_REST] = TASK_REST,
    };
    struct flush *f = &s->flush;
    if (f->phase == PHASE_IDLE || f->next == f->n ||
        (f->phase == PHASE_LAY_OUT && !end_allocation(s)))
        return false;
    const uint32_t i = f->next++;
    *task = (struct task){.kind = kinds[f->phase],
                          .from = by_partition(s, f->phase) ? f->by_size[i] : i};
    return true;
}

static bool next_find(struct schedule *s, struct task *task)
{
    struct epoch *e = &s->epoch;
    if (e->state != GATHERING_FINDING || e->find_next == s->n_parts)
        return false;
    const uint32_t from = e->find_next;
    e->find_next = (uint32_t)min_u64((uint64_t)from + s->finds_step, s->n_parts);
    *task = (struct task){.kind = TASK_FIND,
                          .from = from,
                          .to = e->find_next,
                          .batch = feed_batch(&s->feed, s->feed.found)};
    return true;
}

bool schedule_next(struct schedule *s, struct task *task)
{
    const unsigned most = order_waits(&s->order, &s->feed) ? s->feed.n_batches : BATCHES;
    struct feed_scan scan;
    unsigned pass;
    struct batch *b;
    if (s->failed || s->finished)
        return false;
    if (next_flush(s, task) || next_allocate(s, task))
        return true;
    if (order_next(&s->order, &s->feed, &pass, &b)) {
        *task = (struct task){.kind = TASK_PASS, .pass = pass, .batch = b};
        return true;
    }
    if (next_find(s, task) || next_of(&s->packed, TASK_PACK, task) ||
        next_of(&s->rows, TASK_ROWS, task) || next_of(&s->checks, TASK_CHECK, task))
        return true;
    if (s->ending == ENDING_CUT) {
        s->ending = ENDING_PACK;
        *task = (struct task){.kind = TASK_CUT};
        return true;
    }
    if (s->ending == ENDING_TOUR && end_allocation(s)) {
        s->ending = ENDING_ROWS;
        *task = (struct task){.kind = TASK_TOUR};
        return true;
    }
    switch (feed_next(&s->feed, most, &scan)) {
    case FEED_SCAN:
        *task = (struct task){.kind = TASK_SCAN, .scan = scan};
        return true;
    case FEED_OPEN:
        *task = (struct task){.kind = TASK_OPEN};
        return true;
    case FEED_NOTHING:
        break;
    }
    return false;
}

/* true: the flush has the phase. */
static bool has_phase(const struct schedule *s, enum phase phase)
{
    switch (phase) {
    case PHASE_NAME:
    case PHASE_TAKE:
        return s->names;
    case PHASE_LAY_OUT:
        return s->members;
    case PHASE_FINISH:
        return s->members && s->finishes && s->flush.last;
    case PHASE_REST:
        return s->rests && s->flush.last;
    default:
        return true;
    }
}

/* All tasks of the phase are done. */
static void next_phase(struct schedule *s)
{
    struct flush *f = &s->flush;
    f->next = f->done = 0;
    do {
        f->phase = f->phase == PHASE_REST ? PHASE_IDLE : f->phase + 1;
        f->n = by_partition(s, f->phase) ? s->n_parts : f->phase == PHASE_WRITE ? s->writes : 1;
    } while (!has_phase(s, f->phase) || f->n == 0);
    if (f->phase != PHASE_IDLE)
        return;
    if (f->view)
        s->released = (struct released){f->view->w, f->view->source, f->from, f->to};
    if (f->last)
        s->ending = s->packs && s->members ? ENDING_CUT : ENDING_TOUR;
}

void schedule_done(struct schedule *s, const struct task *t)
{
    struct epoch *e = &s->epoch;
    switch (t->kind) {
    case TASK_OPEN:
        feed_opened(&s->feed, t->there);
        break;
    case TASK_SCAN:
        feed_scanned(&t->scan);
        break;
    case TASK_PASS:
        order_done(&s->order, &s->feed, t->pass, t->batch);
        break;
    case TASK_FIND:
        e->find_done += t->to - t->from;
        if (e->find_done == s->n_parts) {
            e->state = GATHERING_OPEN;
            feed_found(&s->feed);
        }
        break;
    case TASK_NUMBER:
    case TASK_NAME:
    case TASK_TAKE:
    case TASK_SORT:
    case TASK_LAY_OUT:
    case TASK_WRITE:
    case TASK_FINISH:
    case TASK_REST:
        if (t->kind == TASK_NUMBER)
            s->members = t->members;
        if (t->kind == TASK_LAY_OUT)
            s->writes = t->writes;
        if (++s->flush.done == s->flush.n)
            next_phase(s);
        break;
    case TASK_ALLOCATE:
        s->allocated.done++;
        break;
    case TASK_CUT:
        s->packed.n = t->packs;
        break;
    case TASK_PACK:
        s->packed.done++;
        break;
    case TASK_TOUR:
        s->rows.n = t->rows;
        s->checks.n = t->checks;
        break;
    case TASK_ROWS:
        s->rows.done++;
        break;
    case TASK_CHECK:
        s->checks.done++;
        break;
    }
    if (s->ending == ENDING_PACK && s->packed.done == s->packed.n)
        s->ending = ENDING_TOUR;
    if (s->ending == ENDING_ROWS && t->kind >= TASK_TOUR && s->rows.done == s->rows.n &&
        s->checks.done == s->checks.n) {
        s->ending = ENDING_OVER;
        s->finished = true;
    }
    if (!s->failed && !s->finished)
        advance(s);
}

double schedule_written(const struct schedule *s)
{
    const struct flush *f = &s->flush;
    const double items = (double)s->epoch.seq;
    if (f->phase != PHASE_IDLE && f->phase < PHASE_WRITE)
        return items - (double)f->items;
    if (f->phase == PHASE_WRITE)
        return items - (double)f->items * (1 - (double)f->done / f->n);
    return items;
}
