/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: a tuple becomes a flow. Takes a tuple; gives the key of its flow in canonical order, the
 * key's hash, and (table.h) the flow itself.
 */
#ifndef CLEAVE_FLOW_KEY_H
#define CLEAVE_FLOW_KEY_H

#include <assert.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/bytes.h"
#include "cleave/packet.h"

/*
 * Two endpoints in canonical order, the lower first, and the protocol; fields that the key leaves
 * out are 0. family 0, all else 0, is the key of records without a network address.
 */
struct flow_key {
    uint8_t a[16], b[16];
    uint16_t a_port, b_port;
    uint8_t proto;
    uint8_t family;
    uint8_t has_ports; /* tells port 0 from no port */
    uint8_t zero;
};
static_assert(sizeof(struct flow_key) == 40, "hashed and compared as bytes: no padding");

/* Which fields of a tuple make the key, as masks, so that no field costs a branch. */
struct flow_by {
    uint8_t proto_mask;
    uint8_t ports_mask; /* over has_ports */
    uint16_t port_mask;
    bool directed; /* endpoint a is the source, b the destination */
};

/*
 * Fixed, so that a key has the same hash on every machine and in every run. Digits of pi after the
 * hexadecimal point: no output depends on it, but files of shards will.
 */
#define FLOW_SEED UINT64_C(0x243f6a8885a308d3)

static inline bool flow_key_equal(const struct flow_key *x, const struct flow_key *y)
{
    return memcmp(x, y, sizeof *x) == 0;
}

/* Well mixed in all bits: the top ones choose the partition, the low ones the bucket. */
static inline uint64_t flow_key_hash(const struct flow_key *key)
{
    return XXH3_64bits_withSeed(key, sizeof *key, FLOW_SEED);
}

/* true: y comes before x. Any total order will do; this one is cheap for both families. */
CLV_INLINE bool endpoint_before(const uint8_t y[16], uint16_t y_port, const uint8_t x[16],
                                uint16_t x_port)
{
    uint64_t xa, xb, ya, yb;
    memcpy(&xa, x, 8);
    memcpy(&ya, y, 8);
    memcpy(&xb, x + 8, 8);
    memcpy(&yb, y + 8, 8);
    if (CLV_LIKELY(ya != xa))
        return __builtin_bswap64(ya) < __builtin_bswap64(xa);
    if (yb != xb)
        return __builtin_bswap64(yb) < __builtin_bswap64(xb);
    return y_port < x_port;
}

/*
 * Fills *key. Returns the direction: 0, the packet goes from endpoint a to b; 1, from b to a.
 */
CLV_INLINE unsigned flow_key_make(struct flow_key *key, const struct clv_tuple *t,
                                  const struct flow_by *by)
{
    const uint16_t sport = t->sport & by->port_mask;
    const uint16_t dport = t->dport & by->port_mask;
    const bool swap = !by->directed && endpoint_before(t->dst, dport, t->src, sport);
    memcpy(key->a, swap ? t->dst : t->src, 16);
    memcpy(key->b, swap ? t->src : t->dst, 16);
    key->a_port = swap ? dport : sport;
    key->b_port = swap ? sport : dport;
    key->proto = t->proto & by->proto_mask;
    key->family = t->family;
    key->has_ports = t->flags & CLV_TUPLE_PORTS & by->ports_mask;
    key->zero = 0;
    return swap;
}

/* Settles `--by TEXT`. On failure *by is untouched. */
CLV_MUST_CHECK bool flow_by_parse(struct flow_by *by, const char *text, bool directed,
                                  struct clv_error *err);

#endif
