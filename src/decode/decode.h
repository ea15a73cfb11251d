/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: a packet becomes a tuple. Takes the captured bytes of one packet and its link type; gives
 * the endpoints and the transport protocol of the outermost network header. One pass, no state;
 * each header's length is checked once, then its fields are read freely.
 *
 * The public face is clv_packet_tuple() in cleave/packet.h. The pipeline asks once per file for the
 * link type's function and calls that.
 */
#ifndef CLEAVE_DECODE_DECODE_H
#define CLEAVE_DECODE_DECODE_H

#include "base/bytes.h"
#include "cleave/packet.h"

/*
 * Fills *t, which is zeroed, from the n bytes at p. false: no network address; what has been filled
 * in *t by then means nothing.
 */
typedef bool decode_fn(const uint8_t *p, size_t n, struct clv_tuple *t);

/* A row of the table of link types. */
struct decode_link {
    uint16_t linktype;
    const char *name; /* LINKTYPE_ name without the prefix */
    decode_fn *fn;    /* NULL: the name alone is known; its packets have no network address here */
};

/* NULL: unknown. Static storage. */
const struct decode_link *decode_link_find(uint16_t linktype);

/* Never NULL: packets of a link type that is not known have no network address. */
decode_fn *decode_function(uint16_t linktype);

/* The room's inner doors, for link layers that carry one another. n bytes are at p. */
decode_fn decode_ipv6;
decode_fn decode_ip; /* the version nibble decides */
decode_fn decode_ppp;
bool decode_ethertype(uint16_t type, const uint8_t *p, size_t n, struct clv_tuple *t);

#endif
