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

#include "base/bytes.h"
#include "base/secret.h"
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
    FLOW_HAS_SHARD = 1 << 5, /* the key is a shard's number */
    FLOW_HAS_KEY = 1 << 6,   /* a key of any fields (anykey.h) of a record that is not `other` */
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

enum flow_field {
    FLOW_BY_IP = 1 << 0,
    FLOW_BY_PROTO = 1 << 1,
    FLOW_BY_PORT = 1 << 2,
    FLOW_BY_VLAN = 1 << 3,
    FLOW_BY_MAC = 1 << 4,
    FLOW_BY_TUNNEL = 1 << 5,
    FLOW_BY_HOST = 1 << 6,
    FLOW_BY_CLIENT = 1 << 7,
    FLOW_BY_SERVER = 1 << 8,
    FLOW_BY_SERVICE = 1 << 9,
    FLOW_BY_IFACE = 1 << 10,
    FLOW_BY_BSSID = 1 << 11,
    FLOW_BY_LABEL = 1 << 12,
    FLOW_BY_TUPLE = FLOW_BY_IP | FLOW_BY_PROTO | FLOW_BY_PORT,
    FLOW_BY_ROLES = FLOW_BY_CLIENT | FLOW_BY_SERVER | FLOW_BY_SERVICE,
};

enum { FLOW_KEY_FIELDS = 13 };

/* What a key of any fields takes of an end. */
enum flow_end {
    FLOW_END_ADDR = 1 << 0,
    FLOW_END_PORT = 1 << 1,
    FLOW_END_MAC = 1 << 2,
};

/* What a field takes of a record for what a key has beside its tuple (anykey.h). */
struct flow_origin;
struct flow_extra;
typedef void flow_take_fn(const struct flow_origin *o, struct flow_extra *extra);

/* Of lists of flows; a label's number counts from 1. */
struct flow_labels {
    char **text;
    uint32_t n;
};

/* Which fields make the key. */
struct flow_by {
    union flow_id mask, set; /* on the tail: an AND and an OR, so that no field costs a branch */
    const struct secret *secret;      /* of the run, for hashes; borrowed */
    const struct flow_labels *labels; /* that keys have numbers of; NULL: these are not known */
    bool undirected; /* both directions are one flow; else a is the source, b the destination */

    bool any_key;       /* the key is made by anykey.h, and not as above */
    bool sided;         /* a is the host, or the client, and no order makes it so */
    bool needs_network; /* without a network address a record is `other` */
    bool connections;   /* a TCP flow is cut where a new connection begins */
    bool names;         /* flows of one name are one output (relations.h) */
    uint16_t fields;    /* enum flow_field */
    uint8_t a, b;       /* enum flow_end */
    /* Bits at the end of addresses that the key leaves out, of IPv4 and IPv6: 0: none. */
    uint8_t a_cut[2], b_cut[2];
    flow_take_fn *takes[FLOW_KEY_FIELDS + 1]; /* of the fields, up to a NULL */
};

/* true: the first fragment's ports, or tunnels, matter for the key. */
static inline bool flow_by_ports(const struct flow_by *by)
{
    return by->fields & (FLOW_BY_PORT | FLOW_BY_TUNNEL | FLOW_BY_ROLES | FLOW_BY_LABEL);
}

/* true: keys have networks where they have addresses. */
static inline bool flow_by_networks(const struct flow_by *by)
{
    return by->a_cut[0] | by->a_cut[1] | by->b_cut[0] | by->b_cut[1];
}

/* true: a flow is of two addresses that its key has as they are. */
static inline bool flow_by_addresses(const struct flow_by *by)
{
    return by->a & by->b & FLOW_END_ADDR && !flow_by_networks(by);
}

static inline bool flow_has_ports(const struct flow_key *k)
{
    return k->has & FLOW_HAS_PORTS;
}

static inline bool flow_has_proto(const struct flow_key *k)
{
    return k->has & FLOW_HAS_PROTO;
}

/* The key of records that have no network address, but should. */
static inline bool flow_is_other(const struct flow_key *k)
{
    return k->family == 0 && !(k->has & FLOW_HAS_KEY);
}

static inline bool flow_key_equal(const struct flow_key *x, const struct flow_key *y)
{
    return memcmp(x, y, sizeof *x) == 0;
}

/*
 * XXH3 over the key's bytes; of an IPv4 key, over those that are not always 0. Well mixed in all
 * bits: the top ones choose the partition, the low ones the bucket.
 */
CLV_INLINE uint64_t flow_key_hash(const struct flow_key *key, const struct secret *secret)
{
    if (CLV_LIKELY(key->family == 4)) {
        uint8_t bytes[16];
        memcpy(bytes, key->a, 4);
        memcpy(bytes + 4, key->b, 4);
        memcpy(bytes + 8, &key->a_port, 8);
        return secret_hash(secret, bytes, sizeof bytes);
    }
    return secret_hash(secret, key, sizeof *key);
}

/* The same, for places where it is not worth a copy of the code. */
uint64_t flow_key_hash_slowly(const struct flow_key *key, const struct secret *secret);

/*
 * Where the ports lie in words.tail: each of 16 bits, side by side. And half an address, whose
 * bytes are in network order, as a number.
 */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { FLOW_PORTS_SHIFT = 0 };
#define FLOW_ADDR_NUMBER(word) __builtin_bswap64(word)
#else
enum { FLOW_PORTS_SHIFT = 32 };
#define FLOW_ADDR_NUMBER(word) (word)
#endif

/*
 * Turns id->tuple into id->key. Returns the direction: 0, the packet goes from endpoint a to b; 1,
 * from b to a. Any total order of endpoints makes keys canonical; this one, which shards depend on,
 * compares addresses as numbers, then ports. Endpoints are exchanged without a branch: it would be
 * taken at random.
 */
CLV_INLINE unsigned flow_key_settle(union flow_id *id, const struct flow_by *by)
{
    const uint64_t a0 = id->words.a[0], a1 = id->words.a[1];
    const uint64_t b0 = id->words.b[0], b1 = id->words.b[1];
    const uint64_t tail = (id->words.tail & by->mask.words.tail) | by->set.words.tail;
    bool swap;
    if (CLV_LIKELY(a0 != b0))
        swap = FLOW_ADDR_NUMBER(b0) < FLOW_ADDR_NUMBER(a0);
    else if (a1 != b1)
        swap = FLOW_ADDR_NUMBER(b1) < FLOW_ADDR_NUMBER(a1);
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

/*
 * Settles what keys are made of, the text of an option of that name: fields or an alias, separated
 * by commas; "none" alone is no field, so that all records are one flow. What has addresses may be
 * followed by the lengths of their prefixes, "/24" of IPv4 or "/24,64" of both. Who hashes keys
 * sets by->secret. On failure *by is untouched.
 */
CLV_MUST_CHECK bool flow_by_parse(struct flow_by *by, const char *option, const char *text,
                                  bool directed, struct clv_error *err);

#endif
