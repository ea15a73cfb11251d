/* SPDX-License-Identifier: BSD-2-Clause */
#include "generate/build.h"

enum {
    ETHER_HEADER = 14,
    VLAN_TAG = 4,
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    TCP_HEADER = 20,
    UDP_HEADER = 8,
    VLAN_MAX = 4094,
    TTL_DEFAULT = 64,
    WINDOW_DEFAULT = 65535,
};

/* Sums 16-bit words in network order; the carry is folded in at the end. */
static uint32_t sum_words(const uint8_t *p, size_t len, uint32_t sum)
{
    uint64_t s = sum;
    for (; len >= 2; p += 2, len -= 2)
        s += load_be16(p);
    if (len)
        s += (uint64_t)p[0] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint32_t)s;
}

uint16_t clv_checksum(const void *data, size_t len, uint32_t sum)
{
    return (uint16_t)~sum_words(data, len, sum);
}

static size_t transport_header(uint8_t proto)
{
    return proto == CLV_PROTO_TCP ? TCP_HEADER : proto == CLV_PROTO_UDP ? UDP_HEADER : 0;
}

/* RFC 9293 section 3.1, RFC 768, RFC 8200 section 8.1: addresses, protocol and length. */
static uint32_t pseudo_header(const struct clv_tuple *t, size_t len)
{
    const size_t n = t->family == 4 ? 4 : 16;
    uint32_t sum = sum_words(t->src, n, 0);
    sum = sum_words(t->dst, n, sum);
    return sum + t->proto + (uint32_t)(len >> 16) + (uint32_t)(len & 0xffff);
}

static void put_transport(const struct clv_packet_spec *spec, uint32_t payload_sum, uint8_t *p)
{
    const struct clv_tuple *t = &spec->tuple;
    const size_t header = transport_header(t->proto);
    const size_t len = header + spec->payload_len;
    if (!header)
        return;
    const uint32_t sum = pseudo_header(t, len) + payload_sum;
    memset(p, 0, header);
    store_be16(p, t->sport);
    store_be16(p + 2, t->dport);
    if (t->proto == CLV_PROTO_TCP) {
        store_be32(p + 4, spec->tcp_seq);
        store_be32(p + 8, spec->tcp_ack);
        p[12] = TCP_HEADER / 4 << 4;
        p[13] = t->tcp_flags;
        store_be16(p + 14, spec->tcp_window ? spec->tcp_window : WINDOW_DEFAULT);
        store_be16(p + 16, clv_checksum(p, header, sum));
    } else {
        store_be16(p + 4, (uint16_t)len);
        const uint16_t check = clv_checksum(p, header, sum);
        store_be16(p + 6, check ? check : 0xffff); /* RFC 768: 0 says that there is none */
    }
}

static void put_ipv4(const struct clv_packet_spec *spec, uint8_t *p, size_t payload)
{
    memset(p, 0, IPV4_HEADER);
    p[0] = 4 << 4 | IPV4_HEADER / 4;
    store_be16(p + 2, (uint16_t)(IPV4_HEADER + payload));
    store_be16(p + 4, spec->ip_id);
    p[8] = spec->ttl ? spec->ttl : TTL_DEFAULT;
    p[9] = spec->tuple.proto;
    memcpy(p + 12, spec->tuple.src, 4);
    memcpy(p + 16, spec->tuple.dst, 4);
    store_be16(p + 10, clv_checksum(p, IPV4_HEADER, 0));
}

static void put_ipv6(const struct clv_packet_spec *spec, uint8_t *p, size_t payload)
{
    memset(p, 0, IPV6_HEADER);
    p[0] = 6 << 4;
    store_be16(p + 4, (uint16_t)payload);
    p[6] = spec->tuple.proto;
    p[7] = spec->ttl ? spec->ttl : TTL_DEFAULT;
    memcpy(p + 8, spec->tuple.src, 16);
    memcpy(p + 24, spec->tuple.dst, 16);
}

size_t clv_packet_build(const struct clv_packet_spec *spec, uint8_t *buf, size_t cap,
                        struct clv_error *err)
{
    const bool v6 = spec->tuple.family == 6;
    const size_t network = v6 ? IPV6_HEADER : IPV4_HEADER;
    const size_t transport = transport_header(spec->tuple.proto) + (size_t)spec->payload_len;
    const size_t link = ETHER_HEADER + (spec->vlan ? VLAN_TAG : 0);
    const size_t ip_len = v6 ? transport : network + transport;
    if (spec->tuple.family != 4 && !v6) {
        (void)clv_fail(err, CLV_ERR_ARG, "packet", "address family %u; 4 or 6 is needed",
                       spec->tuple.family);
        return 0;
    }
    if (spec->vlan > VLAN_MAX) {
        (void)clv_fail(err, CLV_ERR_ARG, "packet", "VLAN id %u; at most %d", spec->vlan, VLAN_MAX);
        return 0;
    }
    if (spec->payload_len > UINT16_MAX || ip_len > UINT16_MAX) {
        (void)clv_fail(err, CLV_ERR_ARG, "packet", "%zu bytes do not fit an IP length field",
                       ip_len);
        return 0;
    }
    if (link + network + transport > cap) {
        (void)clv_fail(err, CLV_ERR_ARG, "packet", "%zu bytes do not fit a buffer of %zu",
                       link + network + transport, cap);
        return 0;
    }
    uint8_t *payload = buf + build_headers(spec, build_sum(spec->payload, spec->payload_len), buf);
    if (spec->payload)
        memcpy(payload, spec->payload, spec->payload_len);
    else
        memset(payload, 0, spec->payload_len);
    return link + network + transport;
}

uint32_t build_sum(const void *payload, size_t len)
{
    return payload ? sum_words(payload, len, 0) : 0;
}

size_t build_headers(const struct clv_packet_spec *spec, uint32_t payload_sum, uint8_t *buf)
{
    const bool v6 = spec->tuple.family == 6;
    const size_t network = v6 ? IPV6_HEADER : IPV4_HEADER;
    const size_t header = transport_header(spec->tuple.proto);
    const size_t link = ETHER_HEADER + (spec->vlan ? VLAN_TAG : 0);
    memcpy(buf, spec->eth_dst, 6);
    memcpy(buf + 6, spec->eth_src, 6);
    if (spec->vlan) {
        store_be16(buf + 12, 0x8100);
        store_be16(buf + 14, spec->vlan);
    }
    store_be16(buf + link - 2, v6 ? 0x86dd : 0x0800);
    if (v6)
        put_ipv6(spec, buf + link, header + spec->payload_len);
    else
        put_ipv4(spec, buf + link, header + spec->payload_len);
    put_transport(spec, payload_sum, buf + link + network);
    return link + network + header;
}
