/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv6 (RFC 8200) down to the ports, and IP of either version. */
#include "decode/ipv4.h"

enum { IPV6_HEADER = 40 };

/* IPv6 extension headers, IANA "IPv6 Extension Header Types"; ESP (50) hides what follows. */
enum {
    IPV6_HOP_BY_HOP = 0,
    IPV6_ROUTING = 43,
    IPV6_FRAGMENT = 44,
    IPV6_AH = 51,
    IPV6_NONE = 59,
    IPV6_DESTINATION = 60,
    IPV6_MOBILITY = 135,
    IPV6_HIP = 139,
    IPV6_SHIM6 = 140,
};

/*
 * Notes where headers are, if somebody asks. network NULL: it is where it was. Returns true, so
 * that a decoder can end with it and saves no registers for its sake.
 */
static CLV_COLD bool note_place(const uint8_t *transport, size_t left, const struct decode *d,
                                const uint8_t *network)
{
    struct decode_place *place = d->place;
    if (!place)
        return true;
    place->network = network ? network : place->network;
    place->transport = transport;
    place->left = left;
    return true;
}

/* The outermost fragment counts: what it carries cannot be put together without the others. */
static struct decode_fragment *fragment_begin(const struct clv_tuple *t, struct decode *d)
{
    if (d->fragment)
        return NULL;
    d->touched = d->fragment = true;
    memcpy(d->f.src, t->src, sizeof d->f.src);
    memcpy(d->f.dst, t->dst, sizeof d->f.dst);
    d->f.family = t->family;
    d->f.path = d->path ? *d->path : (struct decode_path){.n_vlans = 0};
    return &d->f;
}

/* decode_ipv4() has filled in what is before the ports, and has checked both lengths. */
bool decode_ipv4_fragment(const uint8_t *p, size_t n, struct decode *d)
{
    const uint16_t fragment = load_be16(p + 6);
    const size_t header = (size_t)(p[0] & 15) * 4;
    const size_t total = load_be16(p + 2) ? load_be16(p + 2) : SIZE_MAX;
    struct decode_fragment *f = fragment_begin(d->t, d);
    if (f) {
        f->id = load_be16(p + 4);
        f->proto = p[9];
        f->offset = (uint16_t)((fragment & IP_FRAGMENT_OFFSET) * 8);
        f->len = (uint16_t)min_u64(total - header, UINT16_MAX);
        f->more = fragment & IP_MORE_FRAGMENTS;
    }
    const size_t end = total < n ? total : n;
    const size_t left = end > header ? end - header : 0;
    if (fragment & IP_FRAGMENT_OFFSET) {
        d->t->flags |= CLV_TUPLE_FRAGMENT;
        return note_place(p + header, left, d, p);
    }
    decode_transport(p + header, left, d, p);
    return true;
}

/* What is right behind the addresses that count is looked at, but not into. */
static void look_closed(const uint8_t *p, size_t n, const struct decode *d)
{
    struct clv_tuple t = *d->t;
    struct decode_path path = *d->path;
    struct decode behind = {
        .t = &t, .depth = d->depth, .ports = d->ports, .path = &path, .place = d->place};
    (void)decode_tunnel(p, n, &behind);
    memcpy(d->path->id, path.id, sizeof path.id);
    memcpy(d->path->kind, path.kind, sizeof path.kind);
    d->path->n_tunnels = path.n_tunnels;
}

void decode_transport_inner(const uint8_t *p, size_t n, struct decode *d, const uint8_t *network)
{
    (void)note_place(p, n, d, network);
    const uint8_t *const here = d->place ? d->place->network : NULL;
    if (d->closed)
        look_closed(p, n, d);
    else if (decode_tunnel(p, n, d))
        return;
    (void)note_place(p, n, d, here); /* once more: what was tried may have noted its own */
    decode_ports(p, n, d->t->proto, d);
}

/* h: the fragment header, of the packet of n bytes at p. */
static CLV_COLD void ipv6_fragment(const uint8_t *h, size_t n, struct decode *d, const uint8_t *p)
{
    const uint16_t offset = load_be16(h + 2);
    const size_t payload = load_be16(p + 4);
    const size_t len = (payload ? IPV6_HEADER + payload : n) - (size_t)(h - p) - 8;
    struct decode_fragment *f = fragment_begin(d->t, d);
    if (!f)
        return;
    f->id = load_be32(h + 4);
    f->proto = 0;
    f->offset = offset & 0xfff8;
    f->len = (uint16_t)min_u64(len, UINT16_MAX);
    f->more = offset & 1;
}

/* The same of a fragment after the first, which carries no ports. left: bytes at h that are its. */
static CLV_COLD bool ipv6_later_fragment(const uint8_t *h, size_t n, struct decode *d,
                                         const uint8_t *p, size_t left)
{
    ipv6_fragment(h, n, d, p);
    d->t->proto = h[0];
    d->t->flags |= CLV_TUPLE_FRAGMENT;
    return note_place(h + 8, left - 8, d, p);
}

bool decode_ipv6(const uint8_t *p, size_t n, struct decode *d)
{
    struct clv_tuple *const t = d->t;
    if (CLV_UNLIKELY(n < IPV6_HEADER || p[0] >> 4 != 6))
        return false;
    memcpy(t->src, p + 8, 16);
    memcpy(t->dst, p + 24, 16);
    t->family = 6;
    const size_t payload = load_be16(p + 4);
    size_t end = n;
    if (payload && payload < n - IPV6_HEADER) /* 0: a jumbogram (RFC 2675), or offload */
        end = IPV6_HEADER + payload;
    uint8_t next = p[6];
    size_t at = IPV6_HEADER;
    for (;;) {
        /* Safe because each turn moves at least 8 bytes towards end. */
        const uint8_t *h = p + at;
        const size_t left = end - at;
        size_t len;
        /* Mobility (RFC 6275 section 6.1.1) and the like are protocols where nothing follows. */
        const bool last = next >= IPV6_MOBILITY && left && h[0] == IPV6_NONE;
        switch (last ? IPV6_NONE : next) {
        case IPV6_FRAGMENT:
            if (left < 8)
                goto cut;
            if (load_be16(h + 2) & 0xfff8)
                return ipv6_later_fragment(h, n, d, p, left);
            if (load_be16(h + 2) & 1) /* else it is alone: an atomic fragment, RFC 6946 */
                ipv6_fragment(h, n, d, p);
            len = 8;
            break;
        case IPV6_HOP_BY_HOP:
        case IPV6_ROUTING:
        case IPV6_DESTINATION:
        case IPV6_MOBILITY:
        case IPV6_HIP:
        case IPV6_SHIM6:
            if (left < 8)
                goto cut;
            len = ((size_t)h[1] + 1) * 8;
            break;
        case IPV6_AH: /* RFC 4302 section 2.2: units of 4 bytes, less 2 */
            if (left < 8)
                goto cut;
            len = ((size_t)h[1] + 2) * 4;
            break;
        default:
            t->proto = next;
            decode_transport(h, left, d, p);
            return true;
        }
        if (len > left)
            goto cut;
        next = h[0];
        at += len;
    }
cut: /* the header says what follows it, if that byte is there */
    t->proto = at < end ? p[at] : next;
    t->flags |= CLV_TUPLE_SHORT;
    return note_place(p + end, 0, d, p);
}

bool decode_ip(const uint8_t *p, size_t n, struct decode *d)
{
    if (n == 0)
        return false;
    switch (p[0] >> 4) {
    case 4:
        return decode_ipv4(p, n, d);
    case 6:
        return decode_ipv6(p, n, d);
    default:
        return false;
    }
}
