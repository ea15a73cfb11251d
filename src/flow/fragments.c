/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/fragments.h"

#include "base/mem.h"
#include "cleave/capture.h"
#include "flow/key.h"

enum {
    BUCKETS = 2 * FRAGMENTS_DATAGRAMS,
    RANGES = 16, /* gaps a datagram may have; one with more is never complete */
    NONE = FRAGMENTS_DATAGRAMS,
};

#define LIFETIME_NS (INT64_C(60) * 1000000000)
#define NOBODY UINT64_MAX

struct range {
    uint32_t from, to; /* bytes of the datagram */
};

/*
 * What tells datagrams apart, as bytes: tenants may use the same addresses in VLANs and tunnels of
 * their own, and a mirror may show a datagram in two. Link addresses do not: its fragments may take
 * different ways.
 */
struct name {
    uint8_t src[16], dst[16];
    uint32_t id;
    uint32_t tunnel[DECODE_TUNNELS];
    uint16_t vlan[2];
    uint8_t kind[DECODE_TUNNELS];
    uint8_t proto, family, n_tunnels, n_vlans;
};
static_assert(sizeof(struct name) == 64, "hashed and compared as bytes: no padding");

struct datagram {
    struct name name;
    bool used, has_first, complete, scattered;
    int64_t ts_ns;   /* of the fragment that came first */
    uint32_t length; /* bytes; 0: the last fragment has not come */
    uint32_t n_ranges;
    struct range ranges[RANGES];
    struct flow_origin origin;   /* of the first fragment */
    bool has_previous;           /* a complete datagram had the same id shortly before */
    struct flow_origin previous; /* its first fragment's */
    uint32_t bucket, next;       /* in which it is, and the next one there */
    uint64_t waiting;            /* the newest of those who wait for its first fragment */
};

/* A later fragment that came before the first. */
struct waiter {
    void *owner;
    uint32_t number, file;
    uint64_t position;
    uint64_t older; /* of the same datagram */
    bool settled, has_fallback;
    struct flow_origin fallback; /* of the datagram before with the same id, if it was complete */
};

struct fragments {
    fragments_settle *settle;
    void *user;
    const struct secret *secret;
    struct datagram datagrams[FRAGMENTS_DATAGRAMS];
    uint32_t oldest; /* the next to be forgotten */
    uint32_t buckets[BUCKETS];
    struct waiter *waiters; /* a ring: numbers from first to last - 1 are in use */
    uint64_t first, last, n_waiting;
    size_t waiters_cap; /* a power of two, or 0 */
    uint64_t overflow;
};

struct fragments *fragments_create(fragments_settle *settle, void *user,
                                   const struct secret *secret)
{
    struct fragments *fr = mem_zalloc(1, sizeof *fr);
    if (!fr)
        return NULL;
    fr->settle = settle;
    fr->user = user;
    fr->secret = secret;
    for (uint32_t i = 0; i < BUCKETS; i++)
        fr->buckets[i] = NONE;
    return fr;
}

void fragments_destroy(struct fragments **frp)
{
    if (*frp)
        mem_free((*frp)->waiters);
    mem_free(*frp);
    *frp = NULL;
}

static struct waiter *waiter_at(struct fragments *fr, uint64_t number)
{
    return &fr->waiters[number & (fr->waiters_cap - 1)];
}

static struct name name_of(const struct decode_fragment *f)
{
    const struct decode_path *p = &f->path;
    struct name name = {.id = f->id,
                        .vlan = {p->vlan[0], p->vlan[1]},
                        .proto = f->proto,
                        .family = f->family,
                        .n_tunnels = p->n_tunnels,
                        .n_vlans = p->n_vlans};
    memcpy(name.src, f->src, sizeof name.src);
    memcpy(name.dst, f->dst, sizeof name.dst);
    memcpy(name.tunnel, p->id, sizeof name.tunnel);
    memcpy(name.kind, p->kind, sizeof name.kind);
    return name;
}

static uint32_t bucket_of(const struct fragments *fr, const struct name *name)
{
    return (uint32_t)(secret_hash(fr->secret, name, sizeof *name) % BUCKETS);
}

static void forget(struct fragments *fr, uint32_t i)
{
    struct datagram *d = &fr->datagrams[i];
    uint32_t *at = &fr->buckets[d->bucket];
    while (*at != i)
        at = &fr->datagrams[*at].next;
    *at = d->next;
    d->used = false;
}

static bool expired(const struct datagram *d, int64_t ts_ns)
{
    if (d->ts_ns == CLV_NO_TIME || ts_ns == CLV_NO_TIME)
        return false;
    /* As unsigned, so that the difference of any two times fits. */
    const uint64_t apart = d->ts_ns > ts_ns ? (uint64_t)d->ts_ns - (uint64_t)ts_ns
                                            : (uint64_t)ts_ns - (uint64_t)d->ts_ns;
    return apart > (uint64_t)LIFETIME_NS;
}

/* The id is used anew. */
static void begin(struct datagram *d, int64_t ts_ns)
{
    d->has_first = d->complete = d->scattered = false;
    d->ts_ns = ts_ns;
    d->has_previous = false;
    d->length = d->n_ranges = 0;
    d->waiting = NOBODY;
}

static struct datagram *add(struct fragments *fr, const struct name *name, uint32_t bucket,
                            int64_t ts_ns)
{
    const uint32_t i = fr->oldest;
    struct datagram *d = &fr->datagrams[i];
    fr->oldest = (i + 1) % FRAGMENTS_DATAGRAMS;
    if (d->used) {
        fr->overflow += !d->complete && !expired(d, ts_ns);
        forget(fr, i);
    }
    d->name = *name;
    d->used = true;
    d->bucket = bucket;
    d->next = fr->buckets[bucket];
    fr->buckets[bucket] = i;
    begin(d, ts_ns);
    return d;
}

static struct datagram *find(struct fragments *fr, const struct decode_fragment *f, int64_t ts_ns)
{
    const struct name name = name_of(f);
    const uint32_t bucket = bucket_of(fr, &name);
    for (uint32_t i = fr->buckets[bucket]; i != NONE; i = fr->datagrams[i].next)
        if (memcmp(&fr->datagrams[i].name, &name, sizeof name) == 0)
            return &fr->datagrams[i];
    return add(fr, &name, bucket, ts_ns);
}

/* Marks the fragment's bytes as come; those that overlap count once. */
static void cover(struct datagram *d, const struct decode_fragment *f)
{
    struct range r = {f->offset, (uint32_t)f->offset + f->len};
    uint32_t n = 0;
    if (!f->more)
        d->length = r.to;
    for (uint32_t i = 0; i < d->n_ranges; i++) {
        const struct range *x = &d->ranges[i];
        if (x->to < r.from || x->from > r.to) {
            d->ranges[n++] = *x;
        } else {
            r.from = x->from < r.from ? x->from : r.from;
            r.to = x->to > r.to ? x->to : r.to;
        }
    }
    if (n == RANGES) {
        d->scattered = true;
        n--;
    }
    d->ranges[n++] = r;
    d->n_ranges = n;
    d->complete =
        d->has_first && !d->scattered && d->length && n == 1 && r.from == 0 && r.to >= d->length;
}

static void settle(struct fragments *fr, struct waiter *w, const struct flow_origin *origin)
{
    w->settled = true;
    fr->n_waiting--;
    fr->settle(fr->user, w->owner, w->number, origin);
}

/* The first fragment is there: those who came before it are told. */
static void welcome(struct fragments *fr, struct datagram *d)
{
    for (uint64_t i = d->waiting; i != NOBODY && i >= fr->first; i = waiter_at(fr, i)->older)
        if (!waiter_at(fr, i)->settled)
            settle(fr, waiter_at(fr, i), &d->origin);
    d->waiting = NOBODY;
}

static bool grow_waiters(struct fragments *fr)
{
    const size_t cap = fr->waiters_cap ? fr->waiters_cap * 2 : 64;
    struct waiter *more = mem_alloc(cap, sizeof *more);
    if (!more)
        return false;
    for (uint64_t i = fr->first; i < fr->last; i++)
        more[i & (cap - 1)] = *waiter_at(fr, i);
    mem_free(fr->waiters);
    fr->waiters = more;
    fr->waiters_cap = cap;
    return true;
}

static bool wait_for_first(struct fragments *fr, struct datagram *d,
                           const struct fragment *fragment)
{
    if (fr->last - fr->first == fr->waiters_cap && !grow_waiters(fr))
        return false;
    struct waiter *w = waiter_at(fr, fr->last);
    *w = (struct waiter){
        .owner = fragment->owner,
        .number = fragment->number,
        .file = fragment->file,
        .position = fragment->position,
        .older = d->waiting,
        .has_fallback = d->has_previous,
        .fallback = d->previous,
    };
    d->waiting = fr->last++;
    fr->n_waiting++;
    return true;
}

/* The id is used anew, by a datagram that is as young as any. */
static struct datagram *renew(struct fragments *fr, struct datagram *d,
                              const struct fragment *fragment)
{
    const struct name name = d->name;
    forget(fr, (uint32_t)(d - fr->datagrams));
    return add(fr, &name, d->bucket, fragment->ts_ns);
}

/* Where the frame that counts is outside of the fragment, each fragment is in its own. */
static void leave_frame(struct decode_path *path, const struct decode_path *outside)
{
    if (path->has_mac == outside->has_mac && path->has_bssid == outside->has_bssid &&
        memcmp(path->src_mac, outside->src_mac, sizeof path->src_mac) == 0 &&
        memcmp(path->dst_mac, outside->dst_mac, sizeof path->dst_mac) == 0 &&
        memcmp(path->bssid, outside->bssid, sizeof path->bssid) == 0)
        path->has_mac = path->has_bssid = false;
}

bool fragments_take(struct fragments *fr, const struct fragment *fragment)
{
    const struct decode_fragment *f = fragment->f;
    struct datagram *d = find(fr, f, fragment->ts_ns);
    if (expired(d, fragment->ts_ns)) {
        d = renew(fr, d, fragment);
    } else if (d->complete) {
        /* One more of the same datagram, a duplicate say, if no other first fragment comes. */
        const struct flow_origin before = d->origin;
        d = renew(fr, d, fragment);
        d->previous = before;
        d->has_previous = true;
    }
    if (f->offset == 0) {
        struct flow_origin first = *fragment->origin;
        first.tuple.tcp_flags = 0; /* these are in the first fragment, and are counted there */
        leave_frame(&first.path, &f->path);
        if (d->has_first && memcmp(&d->origin.tuple, &first.tuple, sizeof first.tuple) != 0)
            d = renew(fr, d, fragment); /* other ports: another datagram */
        d->origin = first;
        d->has_first = true;
        welcome(fr, d);
        cover(d, f);
        return true;
    }
    cover(d, f);
    if (!d->has_first)
        return wait_for_first(fr, d, fragment);
    fr->settle(fr->user, fragment->owner, fragment->number, &d->origin);
    return true;
}

static void give_up(struct fragments *fr, struct waiter *w)
{
    if (!w->settled)
        settle(fr, w, w->has_fallback ? &w->fallback : NULL);
}

void fragments_advance(struct fragments *fr, uint64_t position, uint32_t file)
{
    for (; fr->first < fr->last; fr->first++) {
        struct waiter *w = waiter_at(fr, fr->first);
        if (!w->settled && position - w->position <= FRAGMENTS_LOOKAHEAD &&
            file - w->file < FRAGMENTS_FILES)
            return;
        give_up(fr, w);
    }
}

void fragments_end(struct fragments *fr)
{
    for (; fr->first < fr->last; fr->first++)
        give_up(fr, waiter_at(fr, fr->first));
}

uint64_t fragments_waiting(const struct fragments *fr)
{
    return fr->n_waiting;
}

uint64_t fragments_overflow(const struct fragments *fr)
{
    return fr->overflow;
}
