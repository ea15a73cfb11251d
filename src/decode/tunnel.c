/* SPDX-License-Identifier: BSD-2-Clause */
/* Tunnels: packets and frames within what IP carries. Each header is checked before it is believed.
 */
#include <assert.h>

#include "decode/ethertype.h"
#include "decode/ipv4.h"

/* IANA protocol numbers. */
enum {
    PROTO_IPV4 = 4,
    PROTO_IPV6 = 41,
    PROTO_GRE = 47,
    PROTO_AH = 51,
    PROTO_ETHERIP = 97,
    PROTO_MPLS = 137,     /* RFC 4023 */
    PROTO_ETHERNET = 143, /* RFC 8986 */
};

/* IANA port numbers. */
enum {
    PORT_L2TP = 1701,
    PORT_GTP_U = 2152,
    PORT_TEREDO = 3544,
    PORT_GRE = 4754, /* RFC 8086 */
    PORT_VXLAN = 4789,
    PORT_VXLAN_GPE = 4790,
    PORT_CAPWAP_DATA = 5247,
    PORT_GENEVE = 6081,
    PORT_MPLS = 6635,        /* RFC 7510 */
    PORT_VXLAN_LINUX = 8472, /* before IANA had given one */
};

/* draft-foschiano-erspan: type I has no header, type II 8 bytes, type III 12 and 8 more. */
static bool erspan3(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 12)
        return false;
    const size_t len = p[11] & 1 ? 20 : 12;
    const bool ip = (p[10] >> 2 & 31) == 2; /* the frame type */
    return n >= len && (ip ? decode_ip(p + len, n - len, d) : decode_frame(p + len, n - len, d));
}

/* RFC 2637 section 4.1: version 1, with a key that is length and call. */
static bool pptp(uint16_t flags, const uint8_t *p, size_t n, struct decode *d)
{
    size_t at = 8;
    if (n < 8 || load_be16(p + 2) != ETHERTYPE_PPP || load_be16(p + 4) == 0)
        return false;
    at += flags & 0x1000 ? 4 : 0;
    at += flags & 0x0080 ? 4 : 0;
    decode_note_tunnel(d, DECODE_PPTP, load_be16(p + 6));
    return n >= at && decode_ppp(p + at, n - at, d);
}

/* RFC 2784, 2890. */
static bool gre(const uint8_t *p, size_t n, struct decode *d)
{
    enum { CHECKSUM = 0x8000, ROUTING = 0x4000, KEY = 0x2000, SEQUENCE = 0x1000, VERSION = 7 };
    if (n < 4)
        return false;
    const uint16_t flags = load_be16(p), type = load_be16(p + 2);
    if ((flags & VERSION) == 1)
        return pptp(flags, p, n, d);
    if (flags & (VERSION | ROUTING))
        return false;
    size_t at = 4;
    at += flags & CHECKSUM ? 4 : 0;
    if ((flags & KEY) && n >= at + 4)
        decode_note_tunnel(d, DECODE_GRE, load_be32(p + at));
    at += flags & KEY ? 4 : 0;
    at += flags & SEQUENCE ? 4 : 0;
    if (n < at)
        return false;
    p += at;
    n -= at;
    switch (type) {
    case ETHERTYPE_TEB:
        return decode_frame(p, n, d);
    case ETHERTYPE_ERSPAN:
        if (!(flags & SEQUENCE))
            return decode_frame(p, n, d);
        return n >= 8 && decode_frame(p + 8, n - 8, d);
    case ETHERTYPE_ERSPAN3:
        return erspan3(p, n, d);
    case ETHERTYPE_PPP:
        return decode_ppp(p, n, d);
    case ETHERTYPE_WCCP: /* version 2 has a redirect header of 4 bytes */
        return n >= 4 && (decode_ip(p, n, d) || decode_ip(p + 4, n - 4, d));
    default:
        return type >= ETHERTYPE_MIN && decode_ethertype(type, p, n, d);
    }
}

/* RFC 7348. */
static bool vxlan(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 8 || !(p[0] & 0x08))
        return false;
    decode_note_tunnel(d, DECODE_VXLAN, load_be32(p + 4) >> 8);
    return decode_frame(p + 8, n - 8, d);
}

/* draft-ietf-nvo3-vxlan-gpe: the last byte of the first word says what is carried. */
static bool vxlan_gpe(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 8 || !(p[0] & 0x04))
        return vxlan(p, n, d);
    decode_note_tunnel(d, DECODE_VXLAN, load_be32(p + 4) >> 8);
    switch (p[3]) {
    case 1:
        return decode_ip(p + 8, n - 8, d);
    case 2:
        return decode_ipv6(p + 8, n - 8, d);
    case 3:
        return decode_frame(p + 8, n - 8, d);
    case 5:
        return decode_mpls(p + 8, n - 8, d);
    default:
        return false;
    }
}

/* RFC 8926. */
static bool geneve(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 8 || p[0] >> 6 != 0)
        return false;
    const size_t len = 8 + (size_t)(p[0] & 0x3f) * 4;
    const uint16_t type = load_be16(p + 2);
    if (n < len)
        return false;
    decode_note_tunnel(d, DECODE_GENEVE, load_be32(p + 4) >> 8);
    if (type == ETHERTYPE_TEB)
        return decode_frame(p + len, n - len, d);
    return type >= ETHERTYPE_MIN && decode_ethertype(type, p + len, n - len, d);
}

/* 3GPP TS 29.281 sections 5.1 and 5.2: version 1, a packet (type 255), extension headers. */
static bool gtp_u(const uint8_t *p, size_t n, struct decode *d)
{
    enum { EXTENSION = 0x04, OPTIONAL = 0x07, T_PDU = 255 };
    if (n < 8 || p[0] >> 4 != 3 || p[1] != T_PDU)
        return false;
    size_t at = 8;
    decode_note_tunnel(d, DECODE_GTP, load_be32(p + 4));
    if (p[0] & OPTIONAL) {
        at += 4;
        if (n < at)
            return false;
        uint8_t next = p[0] & EXTENSION ? p[at - 1] : 0;
        while (next) {
            const size_t len = at < n ? (size_t)p[at] * 4 : 0;
            if (len == 0 || len > n - at)
                return false;
            at += len;
            next = p[at - 1];
        }
    }
    return decode_ip(p + at, n - at, d);
}

/*
 * RFC 4380 section 5.1.1: an authentication and an origin may stand before the packet. Others use
 * the port, too: the packet's length has to be what the UDP header before p leaves for it.
 */
static bool teredo(const uint8_t *p, size_t n, struct decode *d)
{
    enum { UDP_HEADER = 8, IPV6_HEADER = 40 };
    const uint8_t *const end = p - UDP_HEADER + load_be16(p - 4);
    if (n >= 4 && load_be16(p) == 1) {
        const size_t len = 13 + (size_t)p[2] + p[3];
        if (n < len)
            return false;
        p += len;
        n -= len;
    }
    if (n >= 8 && load_be16(p) == 0) {
        p += 8;
        n -= 8;
    }
    return n >= IPV6_HEADER && p + IPV6_HEADER + load_be16(p + 4) == end && decode_ipv6(p, n, d);
}

/* RFC 2661 section 3.1: a data message of version 2. */
static bool l2tp(const uint8_t *p, size_t n, struct decode *d)
{
    enum { CONTROL = 0x8000, LENGTH = 0x4000, SEQUENCE = 0x0800, OFFSET = 0x0200, VERSION = 15 };
    if (n < 6)
        return false;
    const uint16_t flags = load_be16(p);
    if ((flags & CONTROL) || (flags & VERSION) != 2)
        return false;
    size_t at = 6;
    at += flags & LENGTH ? 2 : 0;
    if (n >= at)
        decode_note_tunnel(d, DECODE_L2TP, load_be32(p + at - 4));
    at += flags & SEQUENCE ? 4 : 0;
    if (flags & OFFSET) {
        if (n < at + 2)
            return false;
        at += 2 + (size_t)load_be16(p + at);
    }
    return n >= at && decode_ppp(p + at, n - at, d);
}

/* RFC 5415 section 4.3. Some controllers swap the bytes of frame control. */
static bool capwap(const uint8_t *p, size_t n, struct decode *d)
{
    enum {
        NATIVE = 1 << 8,
        FRAGMENT = 1 << 7,
        KEEP_ALIVE = 1 << 3,
        WBID_80211 = 1,
        FC_LEN = 2,
        SEEN = 64
    };
    if (n < 8 || p[0] != 0)
        return false;
    const uint32_t word = load_be32(p);
    const size_t len = (size_t)(word >> 19 & 0x1f) * 4;
    if (len < 8 || n < len || (word & KEEP_ALIVE) || ((word & FRAGMENT) && load_be16(p + 6) >> 3))
        return false;
    p += len;
    n -= len;
    if (!(word & NATIVE))
        return decode_frame(p, n, d);
    if ((word >> 9 & 0x1f) != WBID_80211)
        return false;
    if (decode_80211(p, n, d))
        return true;
    uint8_t swapped[2048];
    if (n < FC_LEN)
        return false;
    const size_t copied = n < sizeof swapped ? n : sizeof swapped;
    memcpy(swapped, p, copied);
    swapped[0] = p[1];
    swapped[1] = p[0];
    return decode_80211(swapped, copied, d);
}

/* Tunnels whose source port is chosen at will, so that paths differ: the destination's counts. */
static bool to_port(uint16_t port, const uint8_t *p, size_t n, struct decode *d)
{
    switch (port) {
    case PORT_GRE:
        return gre(p, n, d);
    case PORT_VXLAN:
    case PORT_VXLAN_LINUX:
        return vxlan(p, n, d);
    case PORT_VXLAN_GPE:
        return vxlan_gpe(p, n, d);
    case PORT_GENEVE:
        return geneve(p, n, d);
    case PORT_MPLS:
        return decode_mpls_doubted(p, n, d);
    default:
        return false;
    }
}

/* Tunnels between two ends, one of which at least has the port. */
static bool with_port(uint16_t port, const uint8_t *p, size_t n, struct decode *d)
{
    switch (port) {
    case PORT_L2TP:
        return l2tp(p, n, d);
    case PORT_GTP_U:
        return gtp_u(p, n, d);
    case PORT_TEREDO:
        return teredo(p, n, d);
    case PORT_CAPWAP_DATA:
        return capwap(p, n, d);
    default:
        return false;
    }
}

static bool in_udp(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 8)
        return false;
    const uint16_t src = load_be16(p), dst = load_be16(p + 2);
    return to_port(dst, p + 8, n - 8, d) || with_port(dst, p + 8, n - 8, d) ||
           (src != dst && with_port(src, p + 8, n - 8, d));
}

/* RFC 4302: what follows belongs to the same addresses. */
static bool ah(const uint8_t *p, size_t n, const struct clv_tuple *outer, struct decode *d)
{
    if (n < 12)
        return false;
    const size_t len = ((size_t)p[1] + 2) * 4;
    if (n < len)
        return false;
    *d->t = *outer;
    d->t->proto = p[0];
    decode_transport(p + len, n - len, d);
    return true;
}

bool decode_tunnel(const uint8_t *p, size_t n, struct decode *d)
{
    const struct clv_tuple outer = *d->t;
    const uint8_t depth = d->depth;
    bool found = false;
    if (!decode_deeper(d)) {
        d->depth = depth;
        return false;
    }
    struct decode_path path;
    if (CLV_UNLIKELY(d->path != NULL))
        path = *d->path;
    *d->t = (struct clv_tuple){0};
    switch (outer.proto) {
    case PROTO_IPV4:
        found = decode_ip(p, n, d);
        break;
    case PROTO_IPV6:
        found = decode_ipv6(p, n, d);
        break;
    case PROTO_GRE:
        found = gre(p, n, d);
        break;
    case PROTO_ETHERIP: /* RFC 3378: version 3 */
        found = n >= 2 && p[0] >> 4 == 3 && decode_frame(p + 2, n - 2, d);
        break;
    case PROTO_MPLS:
        found = decode_mpls(p, n, d);
        break;
    case PROTO_ETHERNET:
        found = decode_frame(p, n, d);
        break;
    case PROTO_AH:
        found = ah(p, n, &outer, d);
        break;
    case CLV_PROTO_UDP:
    case CLV_PROTO_UDPLITE:
        found = in_udp(p, n, d);
        break;
    default:
        break;
    }
    if (!found) {
        *d->t = outer; /* nothing sound is inside */
        d->depth = depth;
        if (CLV_UNLIKELY(d->path != NULL)) {
            /* The frame around the addresses counts, and the identifiers right behind them. */
            memcpy(path.id, d->path->id, sizeof path.id);
            memcpy(path.kind, d->path->kind, sizeof path.kind);
            path.n_tunnels = d->path->n_tunnels;
            *d->path = path;
        }
    }
    return found;
}

static const struct carrier {
    uint8_t proto;
    uint16_t port; /* of either end; 0: there is none */
    const char *name;
} carriers[] = {
    {CLV_PROTO_UDP, PORT_VXLAN, "VXLAN"},
    {CLV_PROTO_UDP, PORT_VXLAN_LINUX, "VXLAN"},
    {CLV_PROTO_UDP, PORT_VXLAN_GPE, "VXLAN-GPE"},
    {CLV_PROTO_UDP, PORT_GENEVE, "Geneve"},
    {CLV_PROTO_UDP, PORT_GTP_U, "GTP-U"},
    {CLV_PROTO_UDP, PORT_L2TP, "L2TP"},
    {CLV_PROTO_UDP, PORT_TEREDO, "Teredo"},
    {CLV_PROTO_UDP, PORT_CAPWAP_DATA, "CAPWAP"},
    {CLV_PROTO_UDP, PORT_GRE, "GRE in UDP"},
    {CLV_PROTO_UDP, PORT_MPLS, "MPLS in UDP"},
    {PROTO_GRE, 0, "GRE"},
    {PROTO_IPV4, 0, "IP in IP"},
    {PROTO_IPV6, 0, "IPv6 in IP"},
    {PROTO_ETHERIP, 0, "EtherIP"},
};
static_assert(sizeof carriers / sizeof *carriers < DECODE_CARRIERS, "numbers count from 1");

unsigned decode_carrier(uint8_t proto, uint16_t a_port, uint16_t b_port)
{
    for (unsigned i = 0; proto != CLV_PROTO_TCP && i < sizeof carriers / sizeof *carriers; i++) {
        const struct carrier *c = &carriers[i];
        if (c->proto == proto && (!c->port || c->port == a_port || c->port == b_port))
            return i + 1;
    }
    return 0;
}

const char *decode_carrier_name(unsigned carrier)
{
    return carriers[carrier - 1].name;
}
