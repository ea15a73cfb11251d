/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount/reading.h"

#if HAVE_SQLITE

#include "base/mem.h"
#include "flow/positions.h"

enum {
    MARK_EVERY = 512,   /* records between two places that are noted */
    KEPT = 1 << 20,     /* bytes that were made last and can be read again; a power of two */
    STEP = 256 << 10,   /* bytes of records between two looks at what was made */
    OVERHEAD = 1 << 10, /* bytes, about */
};

/* How far an output has come: the record that begins at its byte `at`. */
struct place {
    struct positions_reader reader; /* its position: of the record */
    uint64_t at;
    uint64_t packets, captured; /* before it */
    bool over;                  /* there is none */
};

/* Where outputs are made of records as they are. */
struct plain {
    struct index_flow flow;
    struct place now;
    struct place *marks; /* each MARK_EVERY records, as far as it was read */
    size_t n_marks, marks_cap;
    struct view view; /* that the last record was in */
    bool has_view;
};

/* Where they are made by a form. */
struct made {
    struct collect collect;
    uint8_t *kept; /* KEPT bytes: byte k of the output is at k modulo KEPT */
    uint64_t at;   /* bytes made so far */

    /* What is asked for now. */
    uint8_t *to;
    uint64_t from, end;
};

struct reading {
    struct readings *all;
    int64_t row;
    uint64_t size;
    pthread_mutex_t lock; /* guards what follows */
    struct plain *plain;  /* or made, or neither: nothing is held */
    struct made *made;

    /* Guarded by all->lock. */
    struct reading *newer, *older;
    uint64_t held;
};

static bool not_sound(const struct reading *r, struct clv_error *err)
{
    (void)clv_fail(err, CLV_ERR_IO, r->all->ix->path,
                   "the packets of output %lld are not those that were indexed", (long long)r->row);
    return clv_fail_hint(err, "the capture has changed since it was indexed: index it again");
}

/* ---- records as they are ---- */

static void plain_close(struct plain *p)
{
    index_flow_fini(&p->flow);
    mem_free(p->marks);
    mem_free(p);
}

static bool mark(const struct reading *r, struct plain *p, struct clv_error *err)
{
    struct place *marks = mem_reserve(p->marks, &p->marks_cap, p->n_marks + 1, sizeof *marks);
    if (!marks)
        return clv_fail_nomem(err, r->all->ix->path, (p->n_marks + 1) * sizeof *marks);
    p->marks = marks;
    marks[p->n_marks++] = p->now;
    return true;
}

/* The record that comes next. */
static bool advance(const struct reading *r, struct plain *p, struct clv_error *err)
{
    const enum positions_step step = positions_next(&p->now.reader);
    p->now.over = step == POSITIONS_END;
    if (step == POSITIONS_BAD)
        return not_sound(r, err);
    return p->now.packets % MARK_EVERY || p->now.packets / MARK_EVERY < p->n_marks ||
           mark(r, p, err);
}

static struct plain *plain_open(struct reading *r, struct clv_error *err)
{
    struct plain *p = mem_zalloc(1, sizeof *p);
    if (!p) {
        (void)clv_fail_nomem(err, r->all->ix->path, sizeof *p);
        return NULL;
    }
    (void)pthread_mutex_lock(r->all->db);
    bool ok = index_flow(r->all->ix, r->row, &p->flow, err);
    (void)pthread_mutex_unlock(r->all->db);
    if (ok) {
        const uint8_t *bytes = p->flow.bytes;
        p->now = (struct place){.reader = {bytes, bytes + p->flow.n_bytes, 0, false},
                                .at = PCAP_FILE_HEADER};
        ok = advance(r, p, err);
    }
    if (ok)
        return p;
    plain_close(p);
    return NULL;
}

/* Goes to where the byte is, or to the next place before it that is known. */
static void seek(struct plain *p, uint64_t at)
{
    size_t from = 0, to = p->n_marks;
    while (to - from > 1) {
        const size_t middle = from + (to - from) / 2;
        if (p->marks[middle].at <= at)
            from = middle;
        else
            to = middle;
    }
    if (p->now.at > at || p->now.at < p->marks[from].at)
        p->now = p->marks[from];
}

static bool find_view(const struct reading *r, struct plain *p, struct clv_error *err)
{
    const struct index *ix = r->all->ix;
    const uint64_t position = p->now.reader.position;
    size_t from = 0, to = ix->n_views;
    while (to - from > 1) {
        const size_t middle = from + (to - from) / 2;
        if (ix->views[middle].position <= position)
            from = middle;
        else
            to = middle;
    }
    p->view = ix->views[from];
    p->has_view = true;
    return (position >= p->view.position && position - p->view.position < p->view.w.len) ||
           not_sound(r, err);
}

static bool same(const struct reading *r, const struct view *v, struct clv_error *err)
{
    return watch_same(r->all->watch, (size_t)(v->source - r->all->ix->sources), err) &&
           input_check(v->source->in, err);
}

/* Bytes are believed before the view is left that they are of. */
static bool view_of(const struct reading *r, struct plain *p, bool *used, struct clv_error *err)
{
    const uint64_t position = p->now.reader.position;
    if (CLV_LIKELY(p->has_view && position >= p->view.position &&
                   position - p->view.position < p->view.w.len))
        return true;
    if (*used && !same(r, &p->view, err))
        return false;
    *used = false;
    return find_view(r, p, err);
}

static bool copy_records(struct reading *r, uint8_t *to, size_t len, uint64_t at,
                         struct clv_error *err)
{
    struct plain *p = r->plain;
    struct walk_record rec;
    bool used = false;
    seek(p, at);
    while (len) {
        if (p->now.over)
            return not_sound(r, err);
        if (!view_of(r, p, &used, err))
            return false;
        const struct walk_format *f = &p->view.source->format;
        const size_t offset = (size_t)(p->now.reader.position - p->view.position);
        used = true;
        if (walk_record(f, p->view.w.p + offset, p->view.w.avail - offset, f->big_endian, &rec) !=
            WALK_RECORD)
            return same(r, &p->view, err) && not_sound(r, err);
        const uint64_t end = p->now.at + rec.raw_len;
        if (end > at) {
            const size_t skip = (size_t)(at - p->now.at);
            const size_t n = (size_t)min_u64(len, rec.raw_len - skip);
            memcpy(to, rec.raw + skip, n);
            to += n;
            at += n;
            len -= n;
        }
        if (end > at)
            break;
        p->now.at = end;
        p->now.packets++;
        p->now.captured += rec.caplen;
        if (!advance(r, p, err))
            return false;
    }
    return !used || same(r, &p->view, err);
}

static bool plain_get(struct reading *r, uint8_t *to, size_t len, uint64_t at,
                      struct clv_error *err)
{
    const uint64_t end = at + len;
    if (at < PCAP_FILE_HEADER) {
        const size_t n = (size_t)min_u64(len, PCAP_FILE_HEADER - at);
        memcpy(to, r->all->ix->dialect.header + at, n);
        to += n;
        len -= n;
        at += n;
    }
    if (!r->plain && !(r->plain = plain_open(r, err)))
        return false;
    if (len && !copy_records(r, to, len, at, err))
        return false;
    const struct plain *p = r->plain;
    return end < r->size ||
           (p->now.over && p->now.at == r->size && p->now.packets == p->flow.packets &&
            p->now.captured == p->flow.captured) ||
           not_sound(r, err);
}

/* ---- by a form ---- */

static bool take(void *user, const uint8_t *p, size_t len, struct clv_error *err)
{
    struct made *m = user;
    (void)err;
    const uint64_t from = max_u64(m->at, m->from), to = min_u64(m->at + len, m->end);
    if (from < to)
        memcpy(m->to + (from - m->from), p + (from - m->at), (size_t)(to - from));
    m->at += len;
    if (len > KEPT) {
        p += len - KEPT;
        len = KEPT;
    }
    while (len) {
        const size_t place = (size_t)((m->at - len) & (KEPT - 1));
        const size_t n = (size_t)min_u64(len, KEPT - place);
        memcpy(m->kept + place, p, n);
        p += n;
        len -= n;
    }
    return true;
}

static void made_close(struct made *m)
{
    collect_fini(&m->collect);
    mem_free(m->kept);
    mem_free(m);
}

static struct made *made_open(struct reading *r, struct clv_error *err)
{
    struct made *m = mem_zalloc(1, sizeof *m);
    if (!m) {
        (void)clv_fail_nomem(err, r->all->ix->path, sizeof *m);
        return NULL;
    }
    m->kept = mem_alloc(KEPT, 1);
    bool ok = m->kept || clv_fail_nomem(err, r->all->ix->path, KEPT);
    ok = ok && collect_init(&m->collect, r->all->ix, take, m, err);
    if (ok) {
        (void)pthread_mutex_lock(r->all->db);
        ok = collect_add(&m->collect, r->row, err);
        (void)pthread_mutex_unlock(r->all->db);
    }
    if (ok)
        return m;
    made_close(m);
    return NULL;
}

static void copy_kept(const struct made *m, uint8_t *to, size_t len, uint64_t at)
{
    while (len) {
        const size_t place = (size_t)(at & (KEPT - 1));
        const size_t n = (size_t)min_u64(len, KEPT - place);
        memcpy(to, m->kept + place, n);
        to += n;
        at += n;
        len -= n;
    }
}

static bool made_get(struct reading *r, uint8_t *to, size_t len, uint64_t at, struct clv_error *err)
{
    const uint64_t end = at + len;
    if (r->made && at + KEPT < r->made->at) {
        made_close(r->made);
        r->made = NULL;
    }
    if (!r->made && !(r->made = made_open(r, err)))
        return false;
    struct made *m = r->made;
    if (at < m->at) {
        const size_t n = (size_t)min_u64(len, m->at - at);
        copy_kept(m, to, n, at);
        to += n;
        at += n;
    }
    m->to = to;
    m->from = at;
    m->end = end;
    while (!m->collect.over && (m->at < end || end == r->size)) {
        if (!collect_step(&m->collect, STEP, err))
            return false;
        if (m->collect.view.source && !same(r, &m->collect.view, err))
            return false;
    }
    m->end = 0;
    return (m->at <= r->size && m->at >= end && (end < r->size || m->at == r->size)) ||
           not_sound(r, err);
}

/* ---- all of them ---- */

bool readings_init(struct readings *all, struct index *ix, pthread_mutex_t *db,
                   const struct watch *watch, uint64_t memory, struct clv_error *err)
{
    *all = (struct readings){.ix = ix, .db = db, .watch = watch, .memory = memory};
    all->has_lock = pthread_mutex_init(&all->lock, NULL) == 0;
    return all->has_lock || clv_fail_nomem(err, ix->path, sizeof all->lock);
}

void readings_fini(struct readings *all)
{
    while (all->newest)
        reading_close(all->newest);
    if (all->has_lock)
        (void)pthread_mutex_destroy(&all->lock);
    *all = (struct readings){.held = 0};
}

/* With all->lock. */
static void take_out(struct reading *r)
{
    struct readings *all = r->all;
    *(r->newer ? &r->newer->older : &all->newest) = r->older;
    *(r->older ? &r->older->newer : &all->oldest) = r->newer;
    r->newer = r->older = NULL;
}

static void put_first(struct reading *r)
{
    struct readings *all = r->all;
    r->older = all->newest;
    *(all->newest ? &all->newest->newer : &all->oldest) = r;
    all->newest = r;
}

struct reading *reading_open(struct readings *all, int64_t row, uint64_t size,
                             struct clv_error *err)
{
    struct reading *r = mem_zalloc(1, sizeof *r);
    if (!r || pthread_mutex_init(&r->lock, NULL) != 0) {
        mem_free(r);
        (void)clv_fail_nomem(err, all->ix->path, sizeof *r);
        return NULL;
    }
    r->all = all;
    r->row = row;
    r->size = size;
    (void)pthread_mutex_lock(&all->lock);
    put_first(r);
    (void)pthread_mutex_unlock(&all->lock);
    return r;
}

/* With r->lock. */
static void let_go(struct reading *r)
{
    if (r->plain)
        plain_close(r->plain);
    if (r->made)
        made_close(r->made);
    r->plain = NULL;
    r->made = NULL;
}

void reading_close(struct reading *r)
{
    struct readings *all = r->all;
    (void)pthread_mutex_lock(&all->lock);
    take_out(r);
    all->held -= r->held;
    (void)pthread_mutex_unlock(&all->lock);
    let_go(r);
    (void)pthread_mutex_destroy(&r->lock);
    mem_free(r);
}

static uint64_t held_by(const struct reading *r)
{
    uint64_t bytes = 0;
    if (r->plain)
        bytes += OVERHEAD + r->plain->flow.n_bytes + r->plain->marks_cap * sizeof(struct place);
    if (r->made)
        bytes += OVERHEAD + KEPT + STAGE_CHUNK;
    return bytes;
}

/* With r->lock: those that were read longest ago let go of what they hold. */
static void note_held(struct reading *r)
{
    struct readings *all = r->all;
    (void)pthread_mutex_lock(&all->lock);
    const uint64_t held = held_by(r);
    all->held += held - r->held;
    r->held = held;
    take_out(r);
    put_first(r);
    for (struct reading *it = all->oldest; it && it != r && all->held > all->memory;
         it = it->newer) {
        if (!it->held || pthread_mutex_trylock(&it->lock) != 0)
            continue;
        let_go(it);
        all->held -= it->held;
        it->held = 0;
        (void)pthread_mutex_unlock(&it->lock);
    }
    (void)pthread_mutex_unlock(&all->lock);
}

bool reading_get(struct reading *r, uint8_t *to, size_t len, uint64_t at, size_t *n,
                 struct clv_error *err)
{
    const struct index *ix = r->all->ix;
    *n = (size_t)min_u64(len, r->size - min_u64(at, r->size));
    if (*n == 0)
        return true;
    (void)pthread_mutex_lock(&r->lock);
    const bool ok = watch_same(r->all->watch, ix->n_sources, err) &&
                    (dialect_is_plain(&ix->dialect) ? plain_get(r, to, *n, at, err)
                                                    : made_get(r, to, *n, at, err));
    if (!ok)
        let_go(r);
    note_held(r);
    (void)pthread_mutex_unlock(&r->lock);
    return ok;
}

#endif
