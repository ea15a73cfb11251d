/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: what payloads say of other flows, and of the names of their own. Takes the bytes that an
 * application protocol has in a packet, or at the front of one direction of a connection; gives
 * what they announce: addresses of a name, endpoints of streams, a request and what led to it.
 *
 * Readers are functions of their bytes alone: they allocate nothing, keep nothing, read nothing
 * outside the span, and take time in proportion to its length. They believe no length or count.
 * What is cut short, or not the protocol after all, is no fault: a reader reports what it is sure
 * of. Threads: any.
 */
#ifndef CLEAVE_SIGHT_SIGHT_H
#define CLEAVE_SIGHT_SIGHT_H

#include "base/bytes.h"

/* How far a reader of a stream came. */
enum sight {
    SIGHT_NOT,   /* the bytes are not of this protocol */
    SIGHT_PART,  /* they may be, but more are needed */
    SIGHT_WHOLE, /* a message was read */
};

/* A host name as DNS and TLS hold it: at most 253 characters (RFC 1035 section 3.1), and NUL. */
enum { SIGHT_NAME = 254 };

/*
 * A transport endpoint that a message announces. family 4 or 6; 0: the address of the one who sent
 * the message. IPv4 uses 4 bytes of addr. proto: CLV_PROTO_TCP or CLV_PROTO_UDP. port is not 0.
 */
struct sight_endpoint {
    uint8_t addr[16];
    uint16_t port;
    uint8_t family;
    uint8_t proto;
};

/*
 * Copies a host name in lower case, without a final dot. false: empty, too long, or of bytes that
 * no name has (controls, blanks, `/`, `\`, `:`, and what is beyond ASCII); *to is then "".
 * A literal address is no name, either.
 */
bool sight_name(struct clv_span from, char to[SIGHT_NAME]);

#endif
