/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/merge.h"

#include <pthread.h>

#include "base/mem.h"
#include "format/blocks.h"

enum {
    WINDOW_MIN = 64 << 10,    /* bytes of a capture that are in memory at a time, at least, ... */
    WINDOW_MAPPED = 64 << 20, /* ... and at most: between two calls that give pages back */
    WINDOW_READ = 1 << 20,
    LANE_COST = 320 << 10, /* bytes of one that is read, with the smallest window */
    LANES_MIN = 64,        /* of those that are read, open at a time, whatever the memory */
    PARK_AT = 64 << 10,    /* a first record within so many bytes is found again at no cost */
    AHEAD = 256,           /* records */
    AHEAD_BYTES = 64 << 10,
};

/* A time that is further ahead of the one before it may be wrong. */
#define FAR_NS (INT64_C(86400) * 1000000000)

/* A capture on its way: its next record waits for its turn. */
struct lane {
    struct source *source;
    struct input_window w;
    size_t at; /* in the window, behind the record */
    struct walk_record rec;
    int64_t key_ns;           /* when it is the record's turn */
    bool keyed;               /* there was one before it */
    bool parked;              /* closed until then */
    uint64_t rec_at, counted; /* bytes: the record's place; of what was consumed */
    struct ledger ledger;
    struct walk_state state;
    uint32_t *numbers; /* in what is merged, of the ledger's interfaces */
    size_t numbers_cap;
    bool begun, faulty;
};

struct merge {
    struct lane *lanes;
    size_t n_lanes;
    struct lane **heap; /* those that have a record, the next one first */
    size_t n_heap;
    const uint8_t *header; /* of classic pcap; NULL: pcapng */
    bool recover, begun;
    bool big_endian; /* what is merged; captures of the other byte order are turned */
    uint8_t *turned;
    size_t turned_cap;
    uint32_t n_ifaces;

    uint8_t *to; /* where bytes go, and how many fit */
    size_t room;
    uint8_t *rest; /* those that did not, for the next call: [rest_at, rest_len) */
    size_t rest_at, rest_len, rest_cap;

    size_t window_mapped, window_read;
    unsigned n_open, max_open; /* captures that are read */
    pthread_mutex_t lock;      /* guards which sources are open, for who stops them */
    _Atomic uint64_t consumed;
    atomic_bool stopped;
    uint64_t damages, skipped_bytes, joined, unfinished;
    uint64_t unknown;        /* blocks left out */
    uint64_t untimed;        /* records that got a time */
    uint64_t bad_options;    /* sections with such, but for the one that is merged into */
    int64_t first_ns;        /* for those of a capture that has none; WALK_NO_TIME: there is none */
    struct clv_error damage; /* the first fault */
};

static bool put(struct merge *m, const void *p, size_t len, struct clv_error *err)
{
    const size_t now = (size_t)min_u64(len, m->room);
    memcpy(m->to, p, now);
    m->to += now;
    m->room -= now;
    if (CLV_LIKELY(now == len))
        return true;
    const size_t left = len - now;
    uint8_t *rest = mem_reserve(m->rest, &m->rest_cap, m->rest_len + left, 1);
    if (!rest)
        return clv_fail_nomem(err, "merging", m->rest_len + left);
    m->rest = rest;
    memcpy(rest + m->rest_len, (const uint8_t *)p + now, left);
    m->rest_len += left;
    return true;
}

static bool put_rest(struct merge *m)
{
    const size_t now = (size_t)min_u64(m->rest_len - m->rest_at, m->room);
    if (now == 0)
        return m->rest_at == m->rest_len;
    memcpy(m->to, m->rest + m->rest_at, now);
    m->to += now;
    m->room -= now;
    m->rest_at += now;
    if (m->rest_at < m->rest_len)
        return false;
    m->rest_at = m->rest_len = 0;
    return true;
}

/* The block, in the merged section's byte order; head stands for its first bytes. */
static bool put_block(struct merge *m, const uint8_t head[BLOCKS_IFACE_END], const uint8_t *block,
                      uint32_t len, bool big, struct clv_error *err)
{
    enum { HEAD = BLOCKS_IFACE_END };
    if (CLV_LIKELY(big == m->big_endian))
        return put(m, head, HEAD, err) && put(m, block + HEAD, len - HEAD, err);
    uint8_t *turned = mem_reserve(m->turned, &m->turned_cap, len, 1);
    if (!turned)
        return clv_fail_nomem(err, "merging", len);
    m->turned = turned;
    memcpy(turned, head, HEAD);
    memcpy(turned + HEAD, block + HEAD, len - HEAD);
    walk_block_turn(turned, len, big);
    return put(m, turned, len, err);
}

/* An interface of the lane, the last one, is described in what is merged. */
static bool put_iface(struct merge *m, struct lane *l, struct clv_error *err)
{
    const uint32_t i = atomic_load(&l->ledger.n_ifaces) - 1;
    const struct ledger_entry *e = ledger_entry(&l->ledger, ledger_iface(&l->ledger, i)->entry);
    uint32_t *numbers = mem_reserve(l->numbers, &l->numbers_cap, i + 1, sizeof *numbers);
    if (!numbers)
        return clv_fail_nomem(err, "interfaces", i * sizeof *numbers);
    l->numbers = numbers;
    numbers[i] = m->n_ifaces++;
    return put_block(m, e->block, e->block, e->block_len, e->big_endian, err);
}

/* A record that is no packet block in any section becomes one. */
static bool put_made(struct merge *m, const struct lane *l, uint32_t iface, uint64_t ticks,
                     struct clv_error *err)
{
    static const uint8_t zeros[4] = {0};
    const struct walk_record *rec = &l->rec;
    uint8_t head[NG_PACKET_HEADER];
    if (!blocks_fit(rec->caplen))
        return clv_fail(
            err, CLV_ERR_FORMAT, l->source->path,
            "a packet of %u bytes is too long for pcapng, into which all captures are merged",
            rec->caplen);
    const uint32_t padding = blocks_head(head, rec, iface, ticks, m->big_endian);
    return put(m, head, sizeof head, err) && put(m, rec->data, rec->caplen, err) &&
           put(m, zeros, padding, err) && put(m, head + 4, 4, err);
}

/* A simple packet block would be of the first interface of all: it becomes another. */
static bool put_record(struct merge *m, const struct lane *l, struct clv_error *err)
{
    const struct walk_record *rec = &l->rec;
    uint8_t head[BLOCKS_IFACE_END];
    if (m->header)
        return put(m, rec->raw, rec->raw_len, err);
    if (l->source->format.kind == WALK_PCAP)
        return put_made(m, l, l->numbers[0], (uint64_t)rec->ts_ns / l->source->format.tick_ns, err);
    const bool big = l->state.big_endian;
    const uint32_t number = l->numbers[rec->iface];
    if (CLV_UNLIKELY(walk_load32(rec->raw, big) == NG_SIMPLE)) {
        m->untimed++;
        const int64_t ts_ns = l->key_ns == WALK_NO_TIME ? m->first_ns : l->key_ns;
        return put_made(m, l, number, walk_ticks(ts_ns, ledger_iface(&l->ledger, rec->iface)), err);
    }
    if (walk_load32(rec->raw, big) == NG_PACKET_OLD && number > UINT16_MAX)
        return clv_fail(err, CLV_ERR_FORMAT, l->source->path,
                        "an obsolete packet block cannot refer to interface %u", number);
    blocks_renumber(head, rec->raw, big, number);
    return put_block(m, head, rec->raw, rec->raw_len, big, err);
}

/* A block that is no packet goes where it stands; what sections and interfaces say is kept. */
static bool pass_block(struct merge *m, struct lane *l, const struct walk_record *rec,
                       struct clv_error *err)
{
    switch (rec->type) {
    case NG_SECTION:
        m->bad_options -= l->ledger.bad_options;
        if (!walk_note(&l->ledger, &l->state, rec->raw, rec->raw_len, 0, err))
            return false;
        m->bad_options += l->ledger.bad_options;
        return true;
    case NG_INTERFACE:
        return walk_note(&l->ledger, &l->state, rec->raw, rec->raw_len, 0, err) &&
               put_iface(m, l, err);
    case NG_NAMES:
    case NG_SECRETS:
    case NG_CUSTOM:
    case NG_CUSTOM_PRIVATE:
    case NG_STATISTICS:
    case NG_JOURNAL:
        return put_block(m, rec->raw, rec->raw, rec->raw_len, l->state.big_endian, err);
    default:
        m->unknown++; /* they may be referred to by number, or be in another byte order */
        return true;
    }
}

/* The lane's next window; its bytes are valid until the one after. false: *err, or none follows. */
static bool next_window(struct merge *m, struct lane *l, bool *over, struct clv_error *err)
{
    struct input *in = l->source->in;
    *over = false;
    if (l->begun) {
        const struct input_window w = l->w;
        if (!input_check(in, err))
            return false;
        input_release(&w, 0, w.len);
        if (w.last) {
            *over = true;
            return true;
        }
        l->at -= w.len;
    }
    l->begun = true;
    const uint64_t before = input_consumed(in);
    switch (input_next(in, &l->w, err)) {
    case INPUT_WINDOW:
        l->counted = input_consumed(in) - before;
        atomic_fetch_add(&m->consumed, l->counted);
        return true;
    case INPUT_WAIT:
        return clv_fail(err, CLV_ERR_INTERNAL, l->source->path, "a window was waited for");
    case INPUT_FAILED:
        break;
    }
    return false;
}

/*
 * Sees to it that the lane's window has so many bytes from the lane's place on, as far as the
 * capture and a longest record go. *longer: it got some.
 */
static bool reach(struct merge *m, struct lane *l, size_t bytes, bool *longer,
                  struct clv_error *err)
{
    *longer = false;
    while (CLV_UNLIKELY(l->w.more && l->w.avail - l->at < bytes)) {
        const uint64_t before = input_consumed(l->source->in);
        if (input_more(&l->w, err) != INPUT_WINDOW)
            return false;
        const uint64_t counted = input_consumed(l->source->in) - before;
        l->counted += counted;
        atomic_fetch_add(&m->consumed, counted);
        *longer = true;
    }
    return true;
}

/* The captures' faults are told as those of a single one are. */
static CLV_COLD void note_fault(struct merge *m, struct lane *l, const struct clv_error *why)
{
    l->faulty = true;
    if (l->source->fault.code == CLV_ERR_NONE)
        l->source->fault = *why;
    if (m->damages++ == 0)
        m->damage = *why;
}

static void close_lane(struct merge *m, struct lane *l)
{
    m->n_open -= l->source->stream && !l->source->once;
    (void)pthread_mutex_lock(&m->lock);
    source_close(l->source);
    (void)pthread_mutex_unlock(&m->lock);
}

static bool is_far(int64_t from, int64_t to)
{
    return from < to && (uint64_t)to - (uint64_t)from > (uint64_t)FAR_NS;
}

/*
 * When it is the record's turn: at its time. One whose time is far ahead, of the record before it
 * and of one that soon follows, would hold up all behind it: it goes with the latter. A record
 * without a time (a simple packet block, draft section 4.4) goes with the one before it; the first
 * ones with one that soon follows, or before all others.
 */
static int64_t key_of(struct lane *l)
{
    const int64_t ts_ns = l->rec.ts_ns;
    const bool timed = ts_ns != WALK_NO_TIME;
    const struct walk_format *f = &l->source->format;
    if (CLV_LIKELY(l->keyed && !is_far(l->key_ns, ts_ns)))
        return timed ? ts_ns : l->key_ns;
    size_t at = l->at;
    const size_t end = (size_t)min_u64(l->w.avail, at + AHEAD_BYTES);
    for (unsigned n = 0; n < AHEAD && at < end; n++) {
        struct walk_record rec;
        const enum walk_step step =
            f->kind == WALK_PCAP ? walk_record(f, l->w.p + at, end - at, f->big_endian, &rec)
                                 : walk_block(&l->ledger, &l->state, l->w.p + at, end - at, &rec);
        if (step != WALK_RECORD && (step != WALK_BLOCK || rec.type == NG_SECTION))
            break;
        if (step == WALK_RECORD && rec.ts_ns != WALK_NO_TIME &&
            (!timed || is_far(rec.ts_ns, ts_ns)))
            return rec.ts_ns;
        at += rec.raw_len;
    }
    return ts_ns;
}

enum next {
    NEXT_RECORD, /* l->rec is filled */
    NEXT_OVER,   /* the lane has none any more */
    NEXT_FAILED, /* *err is filled */
};

/* Comes to the lane's next record, over blocks, windows, and faults if they are survived. */
static enum next next_record(struct merge *m, struct lane *l, struct clv_error *err)
{
    struct source *s = l->source;
    const struct walk_format *f = &s->format;
    bool seeking = false;
    for (;;) {
        while (!l->begun || l->at >= l->w.len) {
            bool over;
            if (!next_window(m, l, &over, err))
                return NEXT_FAILED;
            if (over) {
                const struct clv_error *early = input_damage(s->in);
                if (early->code != CLV_ERR_NONE && !l->faulty)
                    note_fault(m, l, early);
                close_lane(m, l);
                return NEXT_OVER;
            }
        }
        bool longer;
        /* All of the slack: a place is judged by a longest record from it on. */
        if (seeking && !reach(m, l, SIZE_MAX, &longer, err))
            return NEXT_FAILED;
        const struct clv_span all = {l->w.p, l->w.avail};
        const struct clv_span rest = {all.p + l->at, all.len - l->at};
        if (seeking) {
            const size_t found = source_search(s, &l->state, all, l->at, l->w.len);
            m->skipped_bytes += found - l->at;
            seeking = found == l->w.len;
            l->at = found;
            continue;
        }
        enum walk_step step = f->kind == WALK_PCAP
                                  ? walk_record(f, rest.p, rest.len, f->big_endian, &l->rec)
                                  : walk_block(&l->ledger, &l->state, rest.p, rest.len, &l->rec);
        if (CLV_UNLIKELY(m->recover) && step == WALK_RECORD && f->kind == WALK_PCAP &&
            !walk_believes(f, rest, l->rec.raw_len))
            step = WALK_DOUBTFUL;
        if (CLV_UNLIKELY(step != WALK_RECORD && step != WALK_BLOCK)) {
            if (!reach(m, l, (size_t)min_u64((uint64_t)rest.len * 2, (uint64_t)f->record_max + 1),
                       &longer, err))
                return NEXT_FAILED;
            if (longer)
                continue;
        }
        struct clv_error why = {.code = CLV_ERR_NONE, .offset = CLV_NO_OFFSET};
        if (CLV_LIKELY(step == WALK_RECORD)) {
            s->records++;
            l->at += l->rec.raw_len;
            l->rec_at = l->w.offset + l->at - l->rec.raw_len;
            if (!reach(m, l, AHEAD_BYTES, &longer, err))
                return NEXT_FAILED;
            l->key_ns = key_of(l);
            l->keyed = true;
            return NEXT_RECORD;
        }
        if (step == WALK_BLOCK && f->kind == WALK_PCAP) {
            m->joined++;
            l->at += l->rec.raw_len;
            continue;
        }
        if (step == WALK_BLOCK && pass_block(m, l, &l->rec, &why)) {
            l->at += l->rec.raw_len;
            continue;
        }
        const uint64_t offset = l->w.offset + l->at;
        if (step == WALK_CUT && source_was_ended(s)) {
            m->unfinished += rest.len;
            close_lane(m, l);
            return NEXT_OVER;
        }
        if (step != WALK_BLOCK) {
            source_explain(s, &l->ledger, &l->state, step, rest, offset, s->records + 1, &why);
        } else if (why.code == CLV_ERR_DAMAGE) {
            const struct clv_error told = why;
            (void)clv_fail(&why, CLV_ERR_DAMAGE, input_path(s->in), "%s", told.what);
            (void)clv_fail_at(&why, offset, s->records + 1);
        } else {
            if (err)
                *err = why;
            return NEXT_FAILED;
        }
        const struct clv_error *early = input_damage(s->in);
        note_fault(m, l, early->code != CLV_ERR_NONE && m->damages == 0 ? early : &why);
        if (!m->recover || step == WALK_OTHER) {
            close_lane(m, l);
            return NEXT_OVER;
        }
        m->skipped_bytes++;
        l->at++;
        seeking = true;
    }
}

static bool before(const struct lane *a, const struct lane *b)
{
    return a->key_ns != b->key_ns ? a->key_ns < b->key_ns : a < b;
}

/* The lane at `at` may have to move away from the top. */
static void sift_down(struct merge *m, size_t at)
{
    struct lane *const l = m->heap[at];
    for (size_t child; (child = 2 * at + 1) < m->n_heap; at = child) {
        if (child + 1 < m->n_heap && before(m->heap[child + 1], m->heap[child]))
            child++;
        if (!before(m->heap[child], l))
            break;
        m->heap[at] = m->heap[child];
    }
    m->heap[at] = l;
}

/* Opens the lane, from its beginning on, or where its record is. */
static bool open_lane(struct merge *m, struct lane *l, uint64_t offset, struct clv_error *err)
{
    struct source *s = l->source;
    /* walk_believes() looks at as much as a longest record has. */
    const bool looks_far = m->recover && s->format.kind == WALK_PCAP;
    const struct input_plan plan = {
        .offset = offset,
        .window = s->stream ? m->window_read : m->window_mapped,
        .slack = (size_t)s->format.record_max + AHEAD_BYTES,
        .slack_read = looks_far ? 0 : WALK_USUAL + AHEAD_BYTES,
        .buffers = 1,
    };
    bool over;
    l->begun = false;
    l->at = 0;
    if (s->stream && !s->once && ++m->n_open > m->max_open) {
        (void)clv_fail(err, CLV_ERR_ARG, s->path,
                       "overlaps in time with %u other compressed captures: more than --memory and "
                       "the limit on open files allow",
                       m->max_open);
        return clv_fail_hint(err, "raise both (ulimit -n), or merge them in groups with mergecap");
    }
    (void)pthread_mutex_lock(&m->lock);
    const bool ok = source_begin(s, &plan, err);
    (void)pthread_mutex_unlock(&m->lock);
    return ok && next_window(m, l, &over, err);
}

static bool begin_lane(struct merge *m, struct lane *l, struct clv_error *err)
{
    l->state.big_endian = l->source->format.big_endian;
    return l->begun || open_lane(m, l, l->source->format.data_at, err);
}

/* Its turn may be long in coming: until then nobody needs it. */
static void park(struct merge *m, struct lane *l)
{
    if (l->source->once || l->rec_at > PARK_AT)
        return;
    atomic_fetch_sub(&m->consumed, l->counted);
    close_lane(m, l);
    l->parked = true;
}

static bool unpark(struct merge *m, struct lane *l, struct clv_error *err)
{
    const int64_t key_ns = l->key_ns;
    l->parked = l->keyed = false;
    l->source->records--;
    if (!open_lane(m, l, l->rec_at, err))
        return false;
    switch (next_record(m, l, err)) {
    case NEXT_RECORD:
        if (l->key_ns == key_ns)
            return true;
        break;
    case NEXT_OVER:
        break;
    case NEXT_FAILED:
        return false;
    }
    return clv_fail(err, CLV_ERR_IO, l->source->path, "changed since the run began");
}

/* The section of what is merged is that of the first capture that has a sound one. */
static bool put_section(struct merge *m, struct clv_error *err)
{
    const struct clv_capture_format none = {.name = "pcap"};
    struct ledger ledger;
    struct walk_state st = {.in_section = false};
    struct walk_record rec;
    ledger_init(&ledger, 0);
    for (size_t i = 0; i < m->n_lanes && ledger_count(&ledger) == 0; i++) {
        struct lane *l = &m->lanes[i];
        if (l->source->format.kind != WALK_PCAPNG)
            continue;
        if (!begin_lane(m, l, err)) {
            ledger_fini(&ledger);
            return false;
        }
        st = (struct walk_state){.big_endian = l->source->format.big_endian};
        enum walk_step step;
        bool longer = true;
        while ((step = walk_block(&ledger, &st, l->w.p, l->w.avail, &rec)) == WALK_CUT && longer)
            if (!reach(m, l, l->w.avail + 1, &longer, err)) {
                ledger_fini(&ledger);
                return false;
            }
        if (step == WALK_BLOCK)
            (void)!walk_note(&ledger, &st, rec.raw, rec.raw_len, 0, NULL);
    }
    bool ok = ledger_count(&ledger) || walk_note_savefile(&ledger, &st, &none, 0, err);
    if (ok) {
        const struct ledger_entry *e = ledger_entry(&ledger, 0);
        ok = put_block(m, e->block, e->block, e->block_len, e->big_endian, err);
        m->bad_options -= ledger.bad_options;
    }
    ledger_fini(&ledger);
    return ok;
}

/* What comes before the first record, and the first record of each lane. */
static bool begin(struct merge *m, struct clv_error *err)
{
    m->begun = true;
    if (!(m->header ? put(m, m->header, PCAP_FILE_HEADER, err) : put_section(m, err)))
        return false;
    for (size_t i = 0; i < m->n_lanes; i++) {
        struct lane *l = &m->lanes[i];
        if (!begin_lane(m, l, err))
            return false;
        if (l->source->format.kind == WALK_PCAP &&
            (!walk_note_savefile(&l->ledger, &l->state, &l->source->format.pub, 0, err) ||
             (!m->header && !put_iface(m, l, err))))
            return false;
        switch (next_record(m, l, err)) {
        case NEXT_RECORD:
            m->heap[m->n_heap++] = l;
            park(m, l);
            break;
        case NEXT_OVER:
            break;
        case NEXT_FAILED:
            return false;
        }
    }
    for (size_t i = m->n_heap / 2; i-- > 0;)
        sift_down(m, i);
    for (size_t i = 0; i < m->n_heap; i++) {
        const int64_t ts_ns = m->heap[i]->key_ns;
        if (ts_ns != WALK_NO_TIME && (m->first_ns == WALK_NO_TIME || ts_ns < m->first_ns))
            m->first_ns = ts_ns;
    }
    return true;
}

static bool make(void *user, uint8_t *to, size_t len, size_t *n, struct clv_error *err)
{
    struct merge *m = user;
    m->to = to;
    m->room = len;
    if (!put_rest(m))
        goto full;
    if (!m->begun && !begin(m, err))
        return false;
    while (m->room && m->n_heap) {
        struct lane *l = m->heap[0];
        if ((CLV_UNLIKELY(l->parked) && !unpark(m, l, err)) || !put_record(m, l, err))
            return false;
        switch (next_record(m, l, err)) {
        case NEXT_RECORD:
            break;
        case NEXT_OVER:
            m->heap[0] = m->heap[--m->n_heap];
            break;
        case NEXT_FAILED:
            return false;
        }
        if (m->n_heap > 1)
            sift_down(m, 0);
    }
full:
    *n = len - m->room;
    return !atomic_load(&m->stopped) ||
           clv_fail(err, CLV_ERR_CANCELLED, "merging", "no longer read");
}

static void stop(void *user)
{
    struct merge *m = user;
    atomic_store(&m->stopped, true);
    (void)pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->n_lanes; i++)
        if (m->lanes[i].source->in)
            input_interrupt(m->lanes[i].source->in);
    (void)pthread_mutex_unlock(&m->lock);
}

static uint64_t consumed(void *user)
{
    return atomic_load(&((struct merge *)user)->consumed);
}

static size_t window_of(uint64_t share, size_t max)
{
    return (size_t)min_u64(max_u64(share, WINDOW_MIN), max);
}

bool merge_open(struct merge **out, struct source *merged, struct source *sources, size_t n,
                const uint8_t *header, const struct merge_limits *limits, struct clv_error *err)
{
    struct merge *m = *out = mem_zalloc(1, sizeof *m);
    struct clv_span head;
    uint64_t size = 0;
    bool known = true;
    *merged = (struct source){.in = NULL};
    if (m)
        (void)pthread_mutex_init(&m->lock, NULL);
    if (!m || !(m->lanes = mem_zalloc(n, sizeof *m->lanes)) ||
        !(m->heap = mem_zalloc(n, sizeof(struct lane *)))) {
        (void)clv_fail_nomem(err, "merging", n * sizeof *m->lanes);
        goto fail;
    }
    m->header = header;
    m->recover = limits->recover;
    m->max_open =
        (unsigned)min_u64(limits->max_open, max_u64(limits->memory / LANE_COST, LANES_MIN));
    m->window_mapped = window_of(limits->memory / 4 / n, WINDOW_MAPPED);
    m->window_read = window_of(limits->memory / 4 / n, WINDOW_READ);
    m->big_endian = true;
    m->damage.offset = CLV_NO_OFFSET;
    m->first_ns = WALK_NO_TIME;
    for (size_t i = 0; i < n; i++) {
        struct lane *l = &m->lanes[m->n_lanes++];
        l->source = &sources[i];
        ledger_init(&l->ledger, 0);
        known &= sources[i].size != 0;
        size += sources[i].size;
        m->big_endian &= l->source->format.kind == WALK_PCAPNG && l->source->format.big_endian;
    }
    const struct input_maker maker = {.make = make, .stop = stop, .consumed = consumed, .user = m};
    *merged = (struct source){.path = "the merged captures",
                              .once = true,
                              .stream = true,
                              .size = known ? size : 0,
                              .fault = {.offset = CLV_NO_OFFSET},
                              .number = SIZE_MAX,
                              .first_ns = WALK_NO_TIME,
                              .near_ns = WALK_NO_TIME};
    if (!input_open_made(&merged->in, merged->path, &maker, err) ||
        !input_head(merged->in, WALK_HEAD, &head, err) ||
        !walk_open(&merged->format, merged->path, head, err))
        goto fail;
    merged->head_len = head.len;
    memcpy(merged->head, head.p, head.len);
    return true;
fail:
    source_close(merged);
    merge_close(out);
    return false;
}

void merge_count(const struct merge *m, struct clv_split_result *result)
{
    result->damages += m->damages;
    result->skipped_bytes += m->skipped_bytes;
    result->joined += m->joined;
    result->unfinished_bytes += m->unfinished;
    result->untimed += m->untimed;
    result->bad_options += m->bad_options;
    result->dropped_blocks.unknown += m->unknown;
    if (m->damages)
        result->damage = m->damage;
}

void merge_close(struct merge **mp)
{
    struct merge *m = *mp;
    if (!m)
        return;
    for (size_t i = 0; m->lanes && i < m->n_lanes; i++) {
        source_close(m->lanes[i].source);
        ledger_fini(&m->lanes[i].ledger);
        mem_free(m->lanes[i].numbers);
    }
    mem_free(m->lanes);
    mem_free(m->heap);
    mem_free(m->rest);
    mem_free(m->turned);
    (void)pthread_mutex_destroy(&m->lock);
    mem_free(m);
    *mp = NULL;
}
