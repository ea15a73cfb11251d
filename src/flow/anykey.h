/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of any fields. The usual keys are of a tuple alone and settled in place (key.h); all others
 * are made here, with what a key may have beside its 40 bytes, and cost more.
 *
 * A key is of two ends, a and b: of one direction or, as both are one flow, in canonical order; the
 * client's end first where clients and servers are told apart; one end alone where each host has
 * an output of its own. Of an end the key takes the fields that it names. What a record lacks is
 * left out, and sets it apart from those that have it.
 */
#ifndef CLEAVE_FLOW_ANYKEY_H
#define CLEAVE_FLOW_ANYKEY_H

#include "decode/decode.h"
#include "flow/key.h"

/* What a key has beside its tuple; what it leaves out is 0. */
struct flow_extra {
    uint8_t a_mac[6], b_mac[6];
    uint16_t vlan[2];
    uint32_t tunnel[DECODE_TUNNELS];
    uint8_t tunnel_kind[DECODE_TUNNELS];
    uint32_t iface; /* number in the run + 1 */
    uint8_t n_vlans, n_tunnels, has_mac;
    uint8_t direction; /* 1 + it, where directions are told apart and the ends do not tell it */
    uint8_t bssid[6], has_bssid, none;
    uint32_t group, lookup; /* numbers of relations.h, of outputs that are groups of flows */
    uint32_t label;         /* of struct flow_labels; 0: none */
};
static_assert(sizeof(struct flow_extra) == 64, "hashed and compared as bytes: no padding");

/* All that a record says of the flow that it is of. */
struct flow_origin {
    struct clv_tuple tuple;
    struct decode_path path;
    uint32_t iface; /* number in the run */
    uint32_t label; /* that a list gives it; 0: none */
};

/*
 * Which end of a flow is the client, as far as its first record tells: by TCP's handshake, else the
 * server has the well-known port (RFC 6335 section 6: below 1024), else the one that is known to be
 * a service's (service.h), else the lower one, else it is the end that did not speak first. true:
 * the record's source is the client.
 */
bool flow_source_is_client(const struct clv_tuple *first);

/* false: it is but a guess by the ports, of which both are well known or none is. */
bool flow_client_is_told(const struct clv_tuple *first);

/* Which end of a record is the key's first. */
enum flow_side {
    FLOW_SIDE_SOURCE,
    FLOW_SIDE_DESTINATION,
};

/*
 * Makes the key of a record; family 0 of its tuple: it has no network address. side matters where
 * hosts, or clients and servers, are told apart: it is the host's, or the client's end. Returns the
 * direction as flow_key_settle() does: 1, the packet goes from b to a.
 */
unsigned flow_anykey_settle(const struct flow_by *by, const struct flow_origin *o,
                            enum flow_side side, struct flow_key *key, struct flow_extra *extra);

uint64_t flow_anykey_hash(const struct flow_key *key, const struct flow_extra *extra,
                          const struct secret *secret);

/*
 * XXH3_64bits with seed FLOW_SHARD_SEED over the key's fields as bytes, in the order in which the
 * function puts them, numbers big-endian: the same on every machine and in every run. So whoever
 * makes a capture can send all of it to one shard; tables do not use this hash.
 */
#define FLOW_SHARD_SEED UINT64_C(0x243f6a8885a308d3) /* pi's digits after the point */

uint64_t flow_stable_hash(const struct flow_key *key, const struct flow_extra *extra);

/* The shard of a key, from 0: (h >> 32) * n >> 32, where h is that hash. */
uint32_t flow_shard(const struct flow_key *key, const struct flow_extra *extra, uint32_t n);

/* Turns a key into that of a shard. */
void flow_shard_key(struct flow_key *key, struct flow_extra *extra, uint32_t shard);
uint32_t flow_shard_of(const struct flow_key *key);

#endif
