/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 (RFC 791) down to the ports. In a header because most packets of most captures are IPv4 in
 * Ethernet: inlined there, a call and its checks go away.
 */
#ifndef CLEAVE_DECODE_IPV4_H
#define CLEAVE_DECODE_IPV4_H

#include "decode/decode.h"

enum {
    IPV4_HEADER = 20,
    IP_FRAGMENT_OFFSET = 0x1fff, /* RFC 791 section 3.1, units of 8 bytes */
    TCP_FLAGS_AT = 13,           /* RFC 9293 section 3.1 */
};

/* All protocols with ports hold source and destination port in their first four bytes. */
CLV_INLINE void decode_transport(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    switch (t->proto) {
    case CLV_PROTO_TCP:
        if (CLV_LIKELY(n > TCP_FLAGS_AT))
            t->tcp_flags = p[TCP_FLAGS_AT];
        break;
    case CLV_PROTO_UDP:
    case CLV_PROTO_DCCP:
    case CLV_PROTO_SCTP:
    case CLV_PROTO_UDPLITE:
        break;
    default:
        return;
    }
    if (CLV_UNLIKELY(n < 4)) {
        t->flags |= CLV_TUPLE_SHORT;
        return;
    }
    t->sport = load_be16(p);
    t->dport = load_be16(p + 2);
    t->flags |= CLV_TUPLE_PORTS;
}

CLV_INLINE bool decode_ipv4(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    if (CLV_UNLIKELY(n < IPV4_HEADER))
        return false;
    const size_t header = (size_t)(p[0] & 15) * 4;
    size_t total = load_be16(p + 2);
    if (total == 0)
        total = SIZE_MAX; /* TCP segmentation offload: the length was still to be filled in */
    if (CLV_UNLIKELY(header < IPV4_HEADER || total < header))
        return false;
    memcpy(t->src, p + 12, 4);
    memcpy(t->dst, p + 16, 4);
    t->proto = p[9];
    t->family = 4;
    if (CLV_UNLIKELY(load_be16(p + 6) & IP_FRAGMENT_OFFSET)) {
        t->flags |= CLV_TUPLE_FRAGMENT;
        return true;
    }
    /* What follows the datagram is padding, or a frame check sequence. */
    const size_t end = total < n ? total : n;
    decode_transport(p + header, end > header ? end - header : 0, t);
    return true;
}

#endif
