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
    IPV4_PLAIN = 0x45,           /* the first byte of version 4 without options */
    IP_FRAGMENT_OFFSET = 0x1fff, /* RFC 791 section 3.1, units of 8 bytes */
    IP_MORE_FRAGMENTS = 0x2000,
    TCP_SEQ_AT = 4, /* RFC 9293 section 3.1 */
    TCP_ACK_AT = 8,
    TCP_FLAGS_AT = 13,
};

/* All protocols with ports hold source and destination port in their first four bytes. */
CLV_INLINE void decode_ports(const uint8_t *p, size_t n, uint8_t proto, struct decode *d)
{
    struct clv_tuple *const t = d->t;
    if (CLV_LIKELY(proto == CLV_PROTO_TCP)) {
        if (CLV_LIKELY(n > TCP_FLAGS_AT)) {
            t->tcp_flags = p[TCP_FLAGS_AT];
            d->transport = p;
        }
    } else if (proto != CLV_PROTO_UDP && proto != CLV_PROTO_DCCP && proto != CLV_PROTO_SCTP &&
               proto != CLV_PROTO_UDPLITE) {
        if (n >= 2)
            d->transport = p;
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

/*
 * What is rare is left to functions in whose place the usual way would end, so that it saves no
 * registers for their sake.
 */
void decode_transport_inner(const uint8_t *p, size_t n, struct decode *d,
                            const uint8_t *network) CLV_COLD;
bool decode_ipv4_fragment(const uint8_t *p, size_t n, struct decode *d) CLV_COLD;

/* The n bytes at p follow the header at network; NULL: the one that was noted last. */
CLV_INLINE void decode_transport(const uint8_t *p, size_t n, struct decode *d,
                                 const uint8_t *network)
{
    if (CLV_UNLIKELY(d->inner))
        decode_transport_inner(p, n, d, network);
    else
        decode_ports(p, n, d->t->proto, d);
}

/* header is the length that the first byte says: a constant where it was compared already. */
CLV_INLINE bool decode_ipv4_header(const uint8_t *p, size_t n, size_t header, struct decode *d)
{
    struct clv_tuple *const t = d->t;
    if (CLV_UNLIKELY(n < IPV4_HEADER))
        return false;
    size_t total = load_be16(p + 2);
    if (CLV_UNLIKELY(total < header)) {
        if (total)
            return false;
        total = SIZE_MAX; /* TCP segmentation offload: the length was still to be filled in */
    }
    memcpy(t->src, p + 12, 4);
    memcpy(t->dst, p + 16, 4);
    const uint8_t proto = t->proto = p[9];
    t->family = 4;
    if (CLV_UNLIKELY(load_be16(p + 6) & (IP_FRAGMENT_OFFSET | IP_MORE_FRAGMENTS)))
        return decode_ipv4_fragment(p, n, d);
    /* What follows the datagram is padding, or a frame check sequence. */
    const size_t end = total < n ? total : n;
    const size_t left = end > header ? end - header : 0;
    if (CLV_UNLIKELY(d->inner))
        decode_transport_inner(p + header, left, d, p);
    else
        decode_ports(p + header, left, proto, d);
    return true;
}

CLV_INLINE bool decode_ipv4(const uint8_t *p, size_t n, struct decode *d)
{
    const size_t header = n ? (size_t)(p[0] & 15) * 4 : 0;
    return header >= IPV4_HEADER && decode_ipv4_header(p, n, header, d);
}

#endif
