/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/first.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/supply.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/port.h"
#include "base/sized.h"
#include "index/collect.h"
#include "index/rejoin.h"

#if HAVE_SQLITE

enum {
    TAKEN = 4096,           /* positions that a thread takes at a time, about */
    AT_ONCE = 64,           /* records of an output that are read at a time */
    THREADS_MAX = 1024,     /* as job/options.c has it */
    ASK_NS = 100 * 1000000, /* between two calls of progress() */
    MASKS = CLV_MASK_IP | CLV_MASK_MAC | CLV_MASK_PORT,
};

/* A call, as all of its threads see it. */
struct first {
    struct clv_result *r;
    struct clv_first_params p;
    struct index *ix; /* NULL: of a directory or an archive */
    bool inner;
    size_t packets;
    uint8_t *matrix; /* NULL: sizes and times are asked for, of which one may be NULL */
    int32_t *sizes;
    int64_t *times; /* the packets' own, until their row is complete */

    pthread_mutex_t lock; /* of the database, and what follows */
    size_t next, done;    /* rows */
    bool stopped;
    struct clv_error *err;
};

/* A row, while it is filled. */
struct row {
    size_t i; /* of all rows */
    uint64_t id;
    size_t n; /* packets that it has, of those that are asked for */
    struct result_ends ends;
    char name[NAME_MAX_LEN + 1]; /* of its output */
};

/* A thread of the call. */
struct hand {
    struct first *f;
    pthread_t thread;
    struct row *rows; /* taken at a time, n_rows */
    size_t n_rows;
    uint64_t *positions; /* packets for each */
    struct collect collect;
    int64_t asked_ns;
};

/* Bytes of a packet that were copied, and are masked. */
struct cut {
    uint8_t *to;
    size_t from, end; /* bytes of the packet */
};

static void clear(const struct cut *c, size_t from, size_t end)
{
    from = from > c->from ? from : c->from;
    end = end < c->end ? end : c->end;
    if (from < end)
        memset(c->to + (from - c->from), 0, end - from);
}

/* What stands before IP's header. */
static void mask_link(const struct first *f, const struct clv_record *rec,
                      const struct clv_packet_desc *d, const struct cut *c)
{
    enum { LINKTYPE_ETHERNET = 1, ADDRESS = 6 };
    if (f->inner)
        clear(c, 0, d->network_at);
    if (f->inner || !(f->p.mask & CLV_MASK_MAC))
        return;
    /* Or there are frames within the frame. */
    const bool plain = rec->linktype == LINKTYPE_ETHERNET && d->has_mac &&
                       memcmp(rec->data, d->dst_mac, ADDRESS) == 0;
    clear(c, 0, plain ? 2 * ADDRESS : d->network_at);
}

/* IP's addresses, what is computed of them, and options and extension headers, which may have more
 * (RFC 791 section 3.1, RFC 8200 sections 3 and 4.4). */
static void mask_network(const struct clv_packet_desc *d, const struct cut *c)
{
    enum { V4_CHECKSUM = 10, V6_ADDRESSES = 8 };
    clear(c, d->network_at + (d->tuple.family == 4 ? V4_CHECKSUM : V6_ADDRESSES), d->transport_at);
}

static void mask_transport(unsigned mask, const struct clv_packet_desc *d, const struct cut *c)
{
    enum { PORTS = 4 };
    size_t at = 0, len = 2;
    if (d->payload_at == d->transport_at)
        return;
    if (mask & CLV_MASK_PORT)
        clear(c, d->transport_at, d->transport_at + PORTS);
    switch (d->tuple.proto) {
    case CLV_PROTO_TCP: /* RFC 9293 section 3.1 */
        at = 16;
        break;
    case CLV_PROTO_UDP: /* RFC 768, 3828, 4340 */
    case CLV_PROTO_UDPLITE:
    case CLV_PROTO_DCCP:
        at = 6;
        break;
    case CLV_PROTO_SCTP: /* RFC 9260 section 3.1: without addresses */
        at = mask & CLV_MASK_PORT ? 8 : 0;
        len = 4;
        break;
    default:
        break;
    }
    if (at)
        clear(c, d->transport_at + at, d->transport_at + at + len);
}

static void put_bytes(const struct first *f, const struct clv_record *rec, uint8_t *to)
{
    struct clv_packet_desc d;
    const bool network = clv_packet_describe(rec->linktype, rec->data, rec->caplen,
                                             f->inner ? CLV_DESCRIBE_INNER : 0, &d) &&
                         d.network_at != CLV_NO_PLACE;
    struct cut c = {.to = to};
    if (network) {
        c.from = f->p.link ? 0 : d.network_at;
        c.end = min_u64(d.payload_at, c.from + (uint64_t)f->p.header);
    } else if (f->p.link && !f->p.mask) {
        c.end = min_u64(rec->caplen, f->p.header);
    }
    if (c.from < c.end)
        memcpy(to, rec->data + c.from, c.end - c.from);
    if (!network)
        return;
    if (f->p.mask && f->p.link)
        mask_link(f, rec, &d, &c);
    if (f->p.mask & CLV_MASK_IP)
        mask_network(&d, &c);
    if (f->p.mask & (CLV_MASK_IP | CLV_MASK_PORT))
        mask_transport(f->p.mask, &d, &c);
    const size_t len = min_u64(d.payload_len, f->p.payload);
    if (len)
        memcpy(to + f->p.header, rec->data + d.payload_at, len);
}

/* Packet k of the row. */
static void put(const struct first *f, const struct row *row, size_t k,
                const struct clv_record *rec)
{
    const size_t at = row->i * f->packets + k;
    if (f->matrix) {
        put_bytes(f, rec, f->matrix + at * ((size_t)f->p.header + f->p.payload));
        return;
    }
    if (f->sizes) {
        const int32_t size = (int32_t)min_u64(rec->origlen, INT32_MAX);
        f->sizes[at] = result_direction(&row->ends, rec) < 0 ? -size : size;
    }
    if (f->times)
        f->times[at] = rec->ts_ns;
}

static void blank(const struct first *f, size_t i)
{
    const size_t at = i * f->packets, bytes = (size_t)f->p.header + f->p.payload;
    if (f->matrix)
        memset(f->matrix + at * bytes, 0, f->packets * bytes);
    if (f->sizes)
        memset(f->sizes + at, 0, f->packets * sizeof *f->sizes);
    if (f->times)
        memset(f->times + at, 0, f->packets * sizeof *f->times);
}

/* All packets of the row are there: times become distances. */
static void settle(const struct first *f, const struct row *row)
{
    int64_t *const times = f->times ? f->times + row->i * f->packets : NULL;
    if (!times || !row->n)
        return;
    for (size_t k = row->n - 1; k > 0; k--)
        times[k] = times[k] == CLV_NO_TIME || times[k - 1] == CLV_NO_TIME
                       ? 0
                       : (int64_t)((uint64_t)times[k] - (uint64_t)times[k - 1]);
    times[0] = 0;
}

/* With the lock. */
static bool look_up(struct first *f, struct row *row, uint64_t *positions, struct clv_error *err)
{
    const struct supply s = {.from = f->r};
    row->id = f->p.rows[row->i];
    row->n = 0;
    if (f->sizes && !result_ends(f->r, row->id, &row->ends, err))
        return false;
    return f->ix ? index_places(f->ix, (int64_t)row->id, positions, f->packets, &row->n, err)
                 : supply_name(&s, (int64_t)row->id, row->name, NULL, err);
}

/* The next rows; *n is 0: there are none. */
static bool take(struct hand *h, size_t *n, struct clv_error *err)
{
    struct first *const f = h->f;
    bool ok = true;
    (void)pthread_mutex_lock(&f->lock);
    for (*n = 0; ok && *n < h->n_rows && !f->stopped && f->next < f->p.n_rows; (*n)++) {
        h->rows[*n].i = f->next++;
        ok = look_up(f, &h->rows[*n], h->positions ? h->positions + *n * f->packets : NULL, err);
    }
    (void)pthread_mutex_unlock(&f->lock);
    return ok;
}

static bool fill_indexed(struct hand *h, const struct row *row, const uint64_t *positions,
                         struct clv_error *err)
{
    struct clv_record rec;
    for (size_t k = 0; k < row->n; k++) {
        if (!collect_at(&h->collect, positions[k], &rec, err))
            return false;
        put(h->f, row, k, &rec);
    }
    return true;
}

static bool fill_from_output(const struct first *f, struct row *row, struct clv_error *err)
{
    struct clv_capture *c = NULL;
    struct clv_record recs[AT_ONCE];
    enum clv_walk walk = CLV_RECORD;
    bool ok = rejoin_capture(f->r->loaded, row->name, &c, err);
    while (ok && walk == CLV_RECORD && row->n < f->packets) {
        size_t got = 0;
        const size_t n = (size_t)min_u64(f->packets - row->n, AT_ONCE);
        walk = clv_capture_next_many(c, recs, n, &got, err);
        for (size_t i = 0; i < got; i++)
            put(f, row, row->n++, &recs[i]);
        ok = walk != CLV_BAD && store_check(&f->r->loaded->store, err);
    }
    clv_capture_close(&c);
    return ok;
}

/* Who asks is the thread of the caller. */
static bool goes_on(struct hand *h, struct clv_error *err)
{
    struct first *const f = h->f;
    const int64_t now = clock_ns();
    if (!f->p.progress || now - h->asked_ns < ASK_NS)
        return true;
    h->asked_ns = now;
    (void)pthread_mutex_lock(&f->lock);
    const size_t done = f->done;
    (void)pthread_mutex_unlock(&f->lock);
    return f->p.progress(done, f->p.user) ||
           clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
}

static bool fill_rows(struct hand *h, size_t n, bool asks, struct clv_error *err)
{
    struct first *const f = h->f;
    for (size_t k = 0; k < n; k++) {
        struct row *const row = &h->rows[k];
        blank(f, row->i);
        if (f->ix ? !fill_indexed(h, row, h->positions + k * f->packets, err)
                  : !fill_from_output(f, row, err))
            return false;
        settle(f, row);
        if (asks && !goes_on(h, err))
            return false;
    }
    return collect_check(&h->collect, err);
}

/* The first failure is that of the call. */
static void give_up(struct first *f, const struct clv_error *err)
{
    (void)pthread_mutex_lock(&f->lock);
    if (!f->stopped && f->err)
        *f->err = *err;
    f->stopped = true;
    (void)pthread_mutex_unlock(&f->lock);
}

static void work(struct hand *h, bool asks)
{
    struct first *const f = h->f;
    struct clv_error err = {.code = CLV_ERR_NONE};
    size_t n = 0;
    for (;;) {
        if (!take(h, &n, &err) || !fill_rows(h, n, asks, &err)) {
            give_up(f, &err);
            return;
        }
        if (n == 0)
            return;
        (void)pthread_mutex_lock(&f->lock);
        f->done += n;
        (void)pthread_mutex_unlock(&f->lock);
    }
}

static void *work_beside(void *hand)
{
    work(hand, false);
    return NULL;
}

static bool hand_init(struct hand *h, struct first *f, struct clv_error *err)
{
    *h = (struct hand){.f = f, .n_rows = (size_t)max_u64(1, TAKEN / f->packets)};
    h->rows = mem_zalloc(h->n_rows, sizeof *h->rows);
    h->positions = f->ix ? mem_alloc(h->n_rows, f->packets * sizeof *h->positions) : NULL;
    if (!h->rows || (f->ix && !h->positions))
        return clv_fail_nomem(err, f->r->path, h->n_rows * sizeof *h->rows);
    return !f->ix || collect_init(&h->collect, f->ix, NULL, NULL, err);
}

static void hand_fini(struct hand *h)
{
    collect_fini(&h->collect);
    mem_free(h->positions);
    mem_free(h->rows);
}

static bool by_threads(struct first *f, struct clv_error *err)
{
    const unsigned asked = f->p.threads ? f->p.threads : port_processors();
    const size_t n = (size_t)min_u64(asked, f->p.n_rows);
    struct hand *hands = mem_zalloc(n, sizeof *hands);
    size_t n_hands = 0, n_begun = 1;
    bool ok = true;
    if (!hands)
        return clv_fail_nomem(err, f->r->path, n * sizeof *hands);
    while (ok && n_hands < n)
        ok = hand_init(&hands[n_hands++], f, err);
    /* Where no more can be started those that there are do it. */
    while (ok && n_begun < n &&
           pthread_create(&hands[n_begun].thread, NULL, work_beside, &hands[n_begun]) == 0)
        n_begun++;
    if (ok)
        work(&hands[0], true);
    while (ok && n_begun > 1)
        (void)pthread_join(hands[--n_begun].thread, NULL);
    while (n_hands)
        hand_fini(&hands[--n_hands]);
    mem_free(hands);
    return ok && !f->stopped;
}

/* A packet of a stream. */
struct place {
    uint64_t position;
    size_t row, k;
};

/* All that is wanted of captures that are read from their beginnings on, in their order. */
struct stream {
    struct first *f;
    struct row *rows;
    uint64_t *positions;
    struct place *places;
    size_t n, cap;
    struct hand hand;
};

static int by_position(const void *x, const void *y)
{
    const struct place *a = x, *b = y;
    return (a->position > b->position) - (a->position < b->position);
}

static bool find_places(struct stream *s, struct clv_error *err)
{
    struct first *const f = s->f;
    for (size_t i = 0; i < f->p.n_rows; i++) {
        struct row *const row = &s->rows[i];
        row->i = i;
        if (!look_up(f, row, s->positions, err))
            return false;
        blank(f, i);
        struct place *places = mem_reserve(s->places, &s->cap, s->n + row->n + 1, sizeof *places);
        if (!places)
            return clv_fail_nomem(err, f->r->path, (s->n + row->n) * sizeof *places);
        s->places = places;
        for (size_t k = 0; k < row->n; k++)
            places[s->n++] = (struct place){s->positions[k], i, k};
        if (!goes_on(&s->hand, err))
            return false;
    }
    if (s->n)
        qsort(s->places, s->n, sizeof *s->places, by_position);
    return true;
}

static bool read_places(struct stream *s, struct clv_error *err)
{
    struct clv_record rec;
    for (size_t i = 0; i < s->n; i++) {
        const struct place *const p = &s->places[i];
        if (!collect_at(&s->hand.collect, p->position, &rec, err))
            return false;
        put(s->f, &s->rows[p->row], p->k, &rec);
        if (!goes_on(&s->hand, err))
            return false;
    }
    if (!collect_check(&s->hand.collect, err))
        return false;
    for (size_t i = 0; i < s->f->p.n_rows; i++)
        settle(s->f, &s->rows[i]);
    return true;
}

static bool by_stream(struct first *f, struct clv_error *err)
{
    struct stream s = {.f = f, .hand = {.f = f}};
    s.rows = mem_zalloc(f->p.n_rows, sizeof *s.rows);
    s.positions = mem_alloc(f->packets, sizeof *s.positions);
    bool ok = s.rows && s.positions;
    if (!ok)
        (void)clv_fail_nomem(err, f->r->path, f->p.n_rows * sizeof *s.rows);
    ok = ok && collect_init(&s.hand.collect, f->ix, NULL, NULL, err) && find_places(&s, err) &&
         read_places(&s, err);
    collect_fini(&s.hand.collect);
    mem_free(s.rows);
    mem_free(s.positions);
    mem_free(s.places);
    return ok;
}

static bool check(const struct clv_first_params *p, size_t each, struct clv_error *err)
{
    if (p->packets == 0)
        return clv_fail(err, CLV_ERR_OPTION, "packets", "must be at least 1");
    if (p->mask & ~(unsigned)MASKS)
        return clv_fail(err, CLV_ERR_OPTION, "mask", "has unknown bits");
    if (p->threads > THREADS_MAX)
        return clv_fail(err, CLV_ERR_OPTION, "threads", "must be at most %d", THREADS_MAX);
    if (p->n_rows && !p->rows)
        return clv_fail(err, CLV_ERR_ARG, "clv_first_bytes", "rows must be given");
    return !p->n_rows || each <= SIZE_MAX / p->packets / p->n_rows ||
           clv_fail(err, CLV_ERR_ARG, "clv_first_bytes", "more bytes than memory can hold");
}

static bool run(struct first *f, const struct clv_first_params *params, struct clv_error *err)
{
    if (!sized_take(&f->p, sizeof f->p, SIZED_END(struct clv_first_params, user), params, err))
        return false;
    const uint64_t each =
        f->matrix ? (uint64_t)f->p.header + f->p.payload : sizeof *f->times; /* per packet */
    if (each > SIZE_MAX / 2 || !check(&f->p, each > 0 ? (size_t)each : 1, err))
        return false;
    f->packets = f->p.packets;
    if (!f->r->loaded && !(f->ix = result_index(f->r, err)))
        return false;
    f->inner = result_inner(f->r);
    if (f->p.n_rows == 0)
        return true;
    f->err = err;
    (void)pthread_mutex_init(&f->lock, NULL);
    const bool ok = f->ix && f->ix->streams ? by_stream(f, err) : by_threads(f, err);
    (void)pthread_mutex_destroy(&f->lock);
    return ok;
}

bool clv_first_bytes(struct clv_result *r, const struct clv_first_params *params, uint8_t *matrix,
                     struct clv_error *err)
{
    struct first f = {.r = r, .matrix = matrix};
    if (!matrix)
        return clv_fail(err, CLV_ERR_ARG, "clv_first_bytes", "matrix must be given");
    return run(&f, params, err);
}

bool clv_first_sizes(struct clv_result *r, const struct clv_first_params *params, int32_t *sizes,
                     int64_t *times, struct clv_error *err)
{
    struct first f = {.r = r, .sizes = sizes, .times = times};
    return run(&f, params, err);
}

#else

bool clv_first_bytes(struct clv_result *r, const struct clv_first_params *params, uint8_t *matrix,
                     struct clv_error *err)
{
    (void)r, (void)params, (void)matrix;
    return db_supported(err);
}

bool clv_first_sizes(struct clv_result *r, const struct clv_first_params *params, int32_t *sizes,
                     int64_t *times, struct clv_error *err)
{
    (void)r, (void)params, (void)sizes, (void)times;
    return db_supported(err);
}

#endif
