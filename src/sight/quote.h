/* SPDX-License-Identifier: BSD-2-Clause */
/* The packet that an error quotes: ICMP (RFC 792, RFC 4884) and ICMPv6 (RFC 4443 section 3). */
#ifndef CLEAVE_SIGHT_QUOTE_H
#define CLEAVE_SIGHT_QUOTE_H

#include "decode/decode.h"
#include "sight/sight.h"

/*
 * message: from ICMP's type on; proto: CLV_PROTO_ICMP or CLV_PROTO_ICMPV6. true: it is an error and
 * quotes a packet far enough to tell its flow: addresses, protocol, and where this has ports, these
 * (the first four bytes of the transport header are enough). A quoted fragment that has no ports
 * gives CLV_TUPLE_FRAGMENT, as decode/ does. *f is filled for any fragment, else zeroed. The tuple
 * is of the outermost header that is quoted; ICMPv6's Redirect is no error. false: both are
 * untouched.
 */
bool sight_quote(struct clv_span message, uint8_t proto, struct clv_tuple *quoted,
                 struct decode_fragment *f);

#endif
