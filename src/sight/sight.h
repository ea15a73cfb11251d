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

/* An octet of host names, in lower case: letters, digits, '-' and '_'. 0: no name has it. */
static inline char sight_name_octet(uint8_t octet)
{
    const char c = (char)octet;
    if (c >= 'A' && c <= 'Z')
        return (char)(c | 0x20);
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
        return c;
    return '\0';
}

/*
 * Copies a host name in lower case, without a final dot. false: it is empty, too long, has an empty
 * label or one of more than 63 octets (RFC 1035 section 2.3.4), or octets that no host name has;
 * *to is then "". A literal address is no name either: a name's last label is not of digits alone
 * (RFC 1123 section 2.1).
 */
bool sight_name(struct clv_span from, char to[SIGHT_NAME]);

#endif
