/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: a tuple becomes a flow. Takes a tuple; gives the key of its flow in canonical order, the
 * key's hash, and (table.h) the flow itself.
 */
#ifndef CLEAVE_FLOW_KEY_H
#define CLEAVE_FLOW_KEY_H

#include <assert.h>
#include <stddef.h>
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
    uint8_t has;  /* FLOW_HAS_: tells port 0 from no port, protocol 0 from none */
    uint8_t kind; /* of output, where one file cannot hold all: 0 elsewhere */
};

enum {
    FLOW_HAS_PORTS = CLV_TUPLE_PORTS,
    FLOW_HAS_PROTO = 1 << 7, /* the same for all keys of a run */
};

static_assert(sizeof(struct flow_key) == 40, "hashed and compared as bytes: no padding");

/*
 * A tuple becomes its key where it stands: what they share lies at the same bytes. flags and
 * tcp_flags of the tuple are has and kind of the key.
 */
union flow_id {
    struct clv_tuple tuple;
    struct flow_key key;
    struct {
        uint64_t a[2], b[2];
        uint64_t tail; /* ports, protocol, family, flags */
    } words;
};
static_assert(offsetof(struct clv_tuple, dst) == offsetof(struct flow_key, b) &&
                  offsetof(struct clv_tuple, sport) == 32 &&
                  offsetof(struct clv_tuple, dport) == offsetof(struct flow_key, b_port) &&
                  offsetof(struct clv_tuple, proto) == offsetof(struct flow_key, proto) &&
                  offsetof(struct clv_tuple, family) == offsetof(struct flow_key, family) &&
                  sizeof(struct clv_tuple) == sizeof(struct flow_key) &&
                  sizeof(union flow_id) == 40,
              "flow_key_settle() works in place");

/* Which fields of a tuple make the key. */
struct flow_by {
    union flow_id mask, set; /* on the tail: an AND and an OR, so that no field costs a branch */
    bool undirected; /* both directions are one flow; else a is the source, b the destination */
};

/* true: ports are part of the key. */
static inline bool flow_by_ports(const struct flow_by *by)
{
    return by->mask.key.has & FLOW_HAS_PORTS;
}

/*
 * Fixed, so that a key has the same hash on every machine and in every run. Digits of pi after the
 * hexadecimal point: no output depends on it, but files of shards will.
 */
#define FLOW_SEED UINT64_C(0x243f6a8885a308d3)

static inline bool flow_has_ports(const struct flow_key *k)
{
    return k->has & FLOW_HAS_PORTS;
}

static inline bool flow_has_proto(const struct flow_key *k)
{
    return k->has & FLOW_HAS_PROTO;
}

static inline bool flow_key_equal(const struct flow_key *x, const struct flow_key *y)
{
    return memcmp(x, y, sizeof *x) == 0;
}

/*
 * XXH3 over the key's bytes; of an IPv4 key, over those that are not always 0. Well mixed in all
 * bits: the top ones choose the partition, the low ones the bucket.
 */
CLV_INLINE uint64_t flow_key_hash(const struct flow_key *key)
{
    if (CLV_LIKELY(key->family == 4)) {
        uint8_t bytes[16];
        memcpy(bytes, key->a, 4);
        memcpy(bytes + 4, key->b, 4);
        memcpy(bytes + 8, &key->a_port, 8);
        return XXH3_64bits_withSeed(bytes, sizeof bytes, FLOW_SEED);
    }
    return XXH3_64bits_withSeed(key, sizeof *key, FLOW_SEED);
}

/* The same, for places where it is not worth a copy of the code. */
uint64_t flow_key_hash_slowly(const struct flow_key *key);

/* Where the ports lie in words.tail: each of 16 bits, side by side. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { FLOW_PORTS_SHIFT = 0 };
#else
enum { FLOW_PORTS_SHIFT = 32 };
#endif

/*
 * Turns id->tuple into id->key. Returns the direction: 0, the packet goes from endpoint a to b; 1,
 * from b to a. Any total order of endpoints makes keys canonical; this one compares addresses as
 * numbers, then ports. Endpoints are exchanged without a branch: it would be taken at random.
 */
CLV_INLINE unsigned flow_key_settle(union flow_id *id, const struct flow_by *by)
{
    const uint64_t a0 = id->words.a[0], a1 = id->words.a[1];
    const uint64_t b0 = id->words.b[0], b1 = id->words.b[1];
    const uint64_t tail = (id->words.tail & by->mask.words.tail) | by->set.words.tail;
    bool swap;
    if (CLV_LIKELY(a0 != b0))
        swap = __builtin_bswap64(b0) < __builtin_bswap64(a0);
    else if (a1 != b1)
        swap = __builtin_bswap64(b1) < __builtin_bswap64(a1);
    else
        swap = (id->key.b_port & by->mask.key.b_port) < (id->key.a_port & by->mask.key.a_port);
    swap &= by->undirected;
    const uint64_t mask = 0 - (uint64_t)swap;
    const uint64_t x0 = (a0 ^ b0) & mask, x1 = (a1 ^ b1) & mask;
    const uint64_t xp = (tail ^ tail >> 16) & (UINT64_C(0xffff) << FLOW_PORTS_SHIFT) & mask;
    id->words.a[0] = a0 ^ x0;
    id->words.b[0] = b0 ^ x0;
    id->words.a[1] = a1 ^ x1;
    id->words.b[1] = b1 ^ x1;
    id->words.tail = tail ^ xp ^ xp << 16;
    return swap;
}

/* Settles `--by TEXT`. On failure *by is untouched. */
CLV_MUST_CHECK bool flow_by_parse(struct flow_by *by, const char *text, bool directed,
                                  struct clv_error *err);

#endif
