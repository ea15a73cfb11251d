/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/dedup.h"

#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "scan/pass.h"

enum ignore {
    IGNORE_TTL = 1 << 0,
    IGNORE_TOS = 1 << 1,
    IGNORE_CHECKSUM = 1 << 2,
    IGNORE_VLAN = 1 << 3,
    IGNORE_MAC = 1 << 4,
    IGNORE_IFACE = 1 << 5,
};

static const struct {
    const char *word;
    enum ignore bit;
} ignores[] = {
    {"ttl", IGNORE_TTL},   {"tos", IGNORE_TOS}, {"checksum", IGNORE_CHECKSUM},
    {"vlan", IGNORE_VLAN}, {"mac", IGNORE_MAC}, {"iface", IGNORE_IFACE},
};
enum { IGNORES = sizeof ignores / sizeof *ignores };

bool dedup_parse_ignore(struct dedup_plan *plan, const char *option, const char *text,
                        struct clv_error *err)
{
    plan->ignore = 0;
    for (const char *p = text; p; p++) {
        const size_t len = strcspn(p, ",");
        unsigned i = 0;
        while (i < IGNORES &&
               (strlen(ignores[i].word) != len || strncasecmp(ignores[i].word, p, len) != 0))
            i++;
        if (i == IGNORES) {
            char words[64];
            struct text t = text_on(words, sizeof words);
            for (i = 0; i < IGNORES; i++) {
                text_str(&t, i ? ", " : "");
                text_str(&t, ignores[i].word);
            }
            (void)clv_fail(err, CLV_ERR_OPTION, option, "invalid value \"%.*s\"",
                           (int)min_u64(len, 60), p);
            return clv_fail_hint(err, "use any of %s, separated by commas", text_end(&t));
        }
        plan->ignore |= ignores[i].bit;
        p += len;
        if (*p == '\0')
            break;
    }
    return true;
}

/* ---- what is compared ---- */

/* Headers with fields that may be ignored lie in so many bytes, unless there are many options. */
enum { HEAD_MAX = 160 };

/* Where a transport protocol's checksum is, and how long; 0: it has none. */
static unsigned checksum_at(uint8_t proto, unsigned *len)
{
    enum { SCTP_CRC = 4, CHECKSUM = 2 };
    *len = proto == CLV_PROTO_SCTP ? SCTP_CRC : CHECKSUM;
    switch (proto) {
    case CLV_PROTO_TCP: /* RFC 9293 section 3.1 */
        return 16;
    case CLV_PROTO_UDP: /* RFC 768 */
    case CLV_PROTO_UDPLITE:
    case CLV_PROTO_DCCP: /* RFC 4340 section 5.1 */
        return 6;
    case CLV_PROTO_ICMP:
    case CLV_PROTO_ICMPV6:
        return 2;
    case CLV_PROTO_SCTP: /* RFC 9260 section 3.1 */
        return 8;
    default:
        return 0;
    }
}

static void clear(uint8_t *head, size_t n, size_t at, size_t len)
{
    for (size_t i = at; i < at + len && i < n; i++)
        head[i] = 0;
}

/* Clears what is ignored in the first n bytes of a datagram. transport: where that begins. */
static void clear_ignored(uint8_t *head, size_t n, unsigned ignore, const struct clv_tuple *t,
                          size_t transport)
{
    if (head[0] >> 4 == 4) { /* RFC 791 section 3.1 */
        if (ignore & IGNORE_TTL)
            clear(head, n, 8, 1);
        if (ignore & IGNORE_TOS)
            clear(head, n, 1, 1);
        if (ignore & (IGNORE_TTL | IGNORE_TOS | IGNORE_CHECKSUM))
            clear(head, n, 10, 2);
    } else { /* RFC 8200 section 3 */
        if (ignore & IGNORE_TTL)
            clear(head, n, 7, 1);
        if (ignore & IGNORE_TOS) {
            head[0] &= 0xf0;
            if (n > 1)
                head[1] &= 0x0f;
        }
    }
    unsigned len;
    const unsigned at = checksum_at(t->proto, &len);
    if (ignore & IGNORE_CHECKSUM && at && !(t->flags & CLV_TUPLE_FRAGMENT))
        clear(head, n, transport + at, len);
}

/* What the key has of a record beside its datagram. */
struct beside {
    uint8_t mac[12];
    uint16_t vlan[2];
    uint32_t tunnel[DECODE_TUNNELS];
    uint8_t tunnel_kind[DECODE_TUNNELS];
    uint8_t bssid[6];
    uint8_t n_vlans, n_tunnels, has_mac, has_bssid;
    uint8_t is_whole; /* it is no datagram */
    uint8_t none;
    uint32_t iface;
};
static_assert(sizeof(struct beside) == 52, "hashed as bytes: no padding");

static void take_beside(struct beside *b, unsigned fields, unsigned ignore,
                        const struct flow_origin *o)
{
    const struct decode_path *path = &o->path;
    if (fields & FLOW_BY_MAC && !(ignore & IGNORE_MAC)) {
        memcpy(b->mac, path->src_mac, 6);
        memcpy(b->mac + 6, path->dst_mac, 6);
        b->has_mac = path->has_mac;
    }
    if (fields & FLOW_BY_VLAN && !(ignore & IGNORE_VLAN)) {
        memcpy(b->vlan, path->vlan, sizeof b->vlan);
        b->n_vlans = path->n_vlans;
    }
    if (fields & FLOW_BY_TUNNEL) {
        memcpy(b->tunnel, path->id, sizeof b->tunnel);
        memcpy(b->tunnel_kind, path->kind, sizeof b->tunnel_kind);
        b->n_tunnels = path->n_tunnels;
    }
    if (fields & FLOW_BY_BSSID && path->has_bssid) {
        memcpy(b->bssid, path->bssid, sizeof b->bssid);
        b->has_bssid = true;
    }
    if (fields & FLOW_BY_IFACE && !(ignore & IGNORE_IFACE))
        b->iface = o->iface;
}

/* All that is compared, of which the tail is hashed before. */
struct compared {
    struct keyed_hash tail;
    uint64_t len;
    struct beside beside;
    uint8_t head[HEAD_MAX];
};

struct keyed_hash dedup_digest(const struct dedup_plan *plan, const struct flow_by *by,
                               const struct flow_origin *o, const struct decode_place *place,
                               const struct walk_record *rec)
{
    enum { BEFORE = offsetof(struct compared, head) };
    struct compared all = {.len = rec->caplen};
    const uint8_t *p = rec->data;
    const bool is_datagram = o->tuple.family && place->network;
    if (is_datagram) {
        p = place->network;
        all.len = (size_t)(place->transport - p) + place->left; /* no padding behind it */
    }
    if (all.len == 0)
        return (struct keyed_hash){0, 0};
    take_beside(&all.beside, by->fields, plan->ignore, o);
    all.beside.is_whole = !is_datagram;
    const size_t head = (size_t)min_u64(all.len, HEAD_MAX);
    memcpy(all.head, p, head);
    if (plan->ignore && is_datagram)
        clear_ignored(all.head, head, plan->ignore, &o->tuple, (size_t)(place->transport - p));
    if (all.len > head)
        all.tail = secret_hash128(by->secret, p + head, (size_t)all.len - head);
    const struct keyed_hash h = secret_hash128(by->secret, &all, BEFORE + head);
    return (struct keyed_hash){h.lo, h.hi | (h.lo == 0)};
}

/* ---- who was seen ---- */

struct dedup_seen {
    struct keyed_hash digest;
    int64_t ts_ns;
    uint32_t before; /* the record before it in its chain */
    uint32_t none;
};
static_assert(sizeof(struct dedup_seen) == 32, "two in a line of the cache");

/*
 * Records are numbered; those of one bucket are chained from the latest back. One that is further
 * back than the ring is long is not there any more, and ends its chain. What is found leaves its
 * chain and begins it anew, so that no chain has a digest twice.
 */
static bool is_there(const struct dedup *d, uint32_t n)
{
    return d->n - n - 1 < DEDUP_RECORDS;
}

static struct dedup_seen *seen_at(const struct dedup *d, uint32_t n)
{
    return &d->ring[n & (DEDUP_RECORDS - 1)];
}

static uint32_t *head_of(const struct dedup *d, const struct keyed_hash *digest)
{
    return &d->heads[digest->lo & (DEDUP_RECORDS - 1)];
}

/* The place that leads to the record with the digest; NULL: there is none. */
static uint32_t *find(const struct dedup *d, const struct keyed_hash *digest)
{
    uint32_t *at = head_of(d, digest), age = 0;
    while (is_there(d, *at) && d->n - *at > age) {
        struct dedup_seen *const s = seen_at(d, *at);
        if (keyed_equal(s->digest, *digest))
            return at;
        age = d->n - *at;
        at = &s->before;
    }
    return NULL;
}

static bool is_near(int64_t a, int64_t b, int64_t window_ns)
{
    const uint64_t apart = a < b ? (uint64_t)b - (uint64_t)a : (uint64_t)a - (uint64_t)b;
    return apart <= (uint64_t)window_ns;
}

/* Adds a record. true: it is a duplicate. */
static bool meet(struct dedup *d, const struct keyed_hash *digest, int64_t ts_ns)
{
    uint32_t *const at = find(d, digest);
    bool twice = false;
    if (at) {
        const struct dedup_seen *s = seen_at(d, *at);
        twice = is_near(s->ts_ns, ts_ns, d->scan->dedup->window_ns);
        *at = s->before;
    }
    uint32_t *const head = head_of(d, digest);
    *seen_at(d, d->n) = (struct dedup_seen){.digest = *digest, .ts_ns = ts_ns, .before = *head};
    *head = d->n++;
    return twice;
}

/* Leaves the record of item i out, with what is a copy of it. */
static void drop(struct dedup *d, struct scan_piece *piece, uint32_t i)
{
    uint64_t n = 0;
    for (uint32_t k = i; k < piece->n_items && piece->items[k].offset == piece->items[i].offset;
         k++)
        n += !piece->items[k].dropped;
    (void)scan_piece_drop(piece, i);
    d->counts.records++;
    d->counts.copies += n - 1;
}

static bool settle(struct dedup *d, struct scan_piece *piece, struct clv_error *err)
{
    enum { AHEAD = 16 };
    bool dropped = false;
    for (uint32_t i = 0; i < piece->n_items; i++) {
        const struct scan_item *item = &piece->items[i];
        const struct keyed_hash *digest = &piece->digests[i];
        if (i + AHEAD < piece->n_items)
            __builtin_prefetch(head_of(d, &piece->digests[i + AHEAD]), 1);
        if (i + AHEAD / 2 < piece->n_items)
            __builtin_prefetch(seen_at(d, *head_of(d, &piece->digests[i + AHEAD / 2])));
        if ((i && item->offset == item[-1].offset) || item->dropped || !(digest->lo | digest->hi) ||
            item->ts_ns == WALK_NO_TIME)
            continue;
        if (meet(d, digest, item->ts_ns)) {
            drop(d, piece, i);
            dropped = true;
        }
    }
    return !dropped || scan_piece_reorder(piece, d->scan) ||
           clv_fail_nomem(err, "duplicates", piece->n_items);
}

static bool begin(struct dedup *d, struct clv_error *err)
{
    d->ring = mem_alloc(DEDUP_RECORDS, sizeof *d->ring);
    d->heads = mem_zalloc(DEDUP_RECORDS, sizeof *d->heads);
    d->n = DEDUP_RECORDS + 1; /* no record has the number that heads begin with */
    return (d->ring && d->heads) ||
           clv_fail_nomem(err, "duplicates", DEDUP_RECORDS * sizeof *d->ring);
}

static bool run(void *self, struct batch *b, struct clv_error *err)
{
    struct dedup *d = self;
    if (!d->heads && !begin(d, err))
        return false;
    for (unsigned i = 0; b && i < b->n_pieces; i++)
        if (!settle(d, &b->pieces[i], err))
            return false;
    return true;
}

static uint64_t settled(void *self)
{
    struct dedup *d = self;
    d->seen = d->counts;
    return 0;
}

struct pass dedup_pass(struct dedup *d)
{
    return (struct pass){.self = d, .needs = pass_has_items, .run = run, .settled = settled};
}

void dedup_fini(struct dedup *d)
{
    mem_free(d->ring);
    mem_free(d->heads);
    d->ring = NULL;
    d->heads = NULL;
}
