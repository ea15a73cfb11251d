/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures from recipes. Any bytes are a recipe, and what they leave out is 0; what comes of it is
 * a sound capture: classic pcap of either byte order, any resolution and variant, or pcapng.
 */
#ifndef CLEAVE_TESTS_FUZZ_FUZZ_CAPTURE_H
#define CLEAVE_TESTS_FUZZ_FUZZ_CAPTURE_H

#include <string.h>

#include "base/bytes.h"
#include "fuzz.h"

struct recipe {
    const uint8_t *p;
    size_t left;
};

static inline uint8_t recipe_next(struct recipe *r)
{
    if (!r->left)
        return 0;
    r->left--;
    return *r->p++;
}

enum { FRAME_MAX = 512, CAPTURE_MAX = 64 * 1024, CAPTURE_PACKETS = 48 };

/* Filled from its end, so that each header knows what is behind it. */
struct frame {
    uint8_t bytes[FRAME_MAX];
    size_t from;
};

static inline uint8_t *frame_head(struct frame *f, size_t n)
{
    FUZZ_CHECK(n <= f->from);
    f->from -= n;
    memset(f->bytes + f->from, 0, n);
    return f->bytes + f->from;
}

static inline uint16_t frame_len(const struct frame *f)
{
    return (uint16_t)(FRAME_MAX - f->from);
}

static inline void frame_udp(struct frame *f, uint16_t sport, uint16_t dport)
{
    uint8_t *p = frame_head(f, 8);
    store_be16(p, sport);
    store_be16(p + 2, dport);
    store_be16(p + 4, frame_len(f));
}

static inline void frame_tcp(struct frame *f, uint16_t sport, uint16_t dport, uint8_t flags)
{
    uint8_t *p = frame_head(f, 20);
    store_be16(p, sport);
    store_be16(p + 2, dport);
    p[7] = (uint8_t)(flags >> 6); /* few sequence numbers, so that some come again */
    p[12] = 5 << 4;
    p[13] = flags & 63;
}

/* fragment: the id above bit 16; below it as the header has it. */
static inline void frame_ipv4(struct frame *f, uint8_t proto, uint8_t ends, uint32_t fragment)
{
    uint8_t *p = frame_head(f, 20);
    p[0] = 0x45;
    store_be16(p + 2, frame_len(f));
    store_be16(p + 4, (uint16_t)(fragment >> 16));
    store_be16(p + 6, (uint16_t)fragment);
    p[8] = 64;
    p[9] = proto;
    store_be32(p + 12, 0x0a000001 + (ends & 3));
    store_be32(p + 16, 0x0a000001 + (ends >> 2 & 3));
}

static inline void frame_ipv6(struct frame *f, uint8_t next, uint8_t ends)
{
    const uint16_t len = frame_len(f);
    uint8_t *p = frame_head(f, 40);
    p[0] = 0x60;
    store_be16(p + 4, len);
    p[6] = next;
    p[7] = 64;
    p[8] = p[24] = 0xfd;
    p[23] = ends & 3;
    p[39] = ends >> 2 & 3;
}

static inline void frame_ether(struct frame *f, uint16_t type, uint8_t ends)
{
    uint8_t *p = frame_head(f, 14);
    p[5] = 1 + (ends >> 2 & 3);
    p[11] = 1 + (ends & 3);
    store_be16(p + 12, type);
}

/* A packet of five bytes. ether: with a frame around it. */
static inline void frame_make(struct frame *f, struct recipe *r, bool ether)
{
    static const uint16_t ports[] = {80, 1025, 53, 40000};
    const uint8_t shape = recipe_next(r), ends = recipe_next(r), more = recipe_next(r);
    const uint16_t sport = ports[ends >> 4 & 3], dport = ports[ends >> 6];
    uint16_t type = 0x0800;
    f->from = FRAME_MAX;
    memset(frame_head(f, 40), more, 40);
    switch (shape & 15) {
    case 0:
    case 1:
    case 2:
        frame_tcp(f, sport, dport, more);
        frame_ipv4(f, 6, ends, 0);
        break;
    case 3:
        frame_udp(f, sport, dport);
        frame_ipv4(f, 17, ends, 0);
        break;
    case 4:
        frame_tcp(f, sport, dport, more);
        frame_ipv6(f, 6, ends);
        type = 0x86dd;
        break;
    case 5:
        frame_udp(f, sport, dport);
        frame_ipv6(f, 17, ends);
        type = 0x86dd;
        break;
    case 6:
        frame_head(f, 8)[0] = more & 15; /* of ICMP: type */
        frame_ipv4(f, 1, ends, 0);
        break;
    case 7:
        frame_udp(f, sport, dport);
        frame_ipv4(f, 17, ends, (uint32_t)(more & 3) << 16 | 0x2000); /* more fragments */
        break;
    case 8:
        frame_ipv4(f, 17, ends,
                   (uint32_t)(more & 3) << 16 | (more & 4 ? 0x2000 : 0) | (6 + (more >> 3 & 3)));
        break;
    case 9: {
        frame_udp(f, sport, dport);
        uint8_t *p = frame_head(f, 8); /* RFC 8200 section 4.5 */
        p[0] = 17;
        store_be16(p + 2, (uint16_t)(more & 4 ? 6 << 3 : 1));
        p[7] = more & 3;
        frame_ipv6(f, 44, ends);
        type = 0x86dd;
        break;
    }
    case 10:
        frame_head(f, 8)[1] = 1; /* of ARP, as far as it matters */
        type = 0x0806;
        break;
    case 11: /* VXLAN */
        frame_udp(f, sport, dport);
        frame_ipv4(f, 17, (uint8_t)~ends, 0);
        frame_ether(f, 0x0800, (uint8_t)~ends);
        frame_head(f, 8)[0] = 8;
        f->bytes[f->from + 6] = more & 3;
        frame_udp(f, 40000, 4789);
        frame_ipv4(f, 17, ends, 0);
        break;
    case 12: /* GRE */
        frame_tcp(f, sport, dport, more);
        frame_ipv6(f, 6, (uint8_t)~ends);
        store_be16(frame_head(f, 4) + 2, 0x86dd);
        frame_ipv4(f, 47, ends, 0);
        break;
    case 13: /* a later fragment within IP in IP */
        frame_ipv4(f, 17, (uint8_t)~ends, (uint32_t)(more & 3) << 16 | 6);
        frame_ipv4(f, 4, ends, 0);
        break;
    case 14:
        f->from = FRAME_MAX; /* nothing at all */
        return;
    default:
        break; /* noise */
    }
    if (!ether)
        return;
    for (unsigned tags = shape >> 4 & 3; tags; tags--) {
        uint8_t *p = frame_head(f, 4);
        p[1] = (uint8_t)(more >> 6);
        store_be16(p + 2, type);
        type = 0x8100;
    }
    frame_ether(f, type, ends);
}

struct capture {
    uint8_t p[CAPTURE_MAX];
    size_t len;
    bool big;
};

static inline void capture_16(struct capture *c, unsigned v)
{
    FUZZ_CHECK(c->len + 2 <= CAPTURE_MAX);
    if (c->big)
        store_be16(c->p + c->len, (uint16_t)v);
    else
        store_le16(c->p + c->len, (uint16_t)v);
    c->len += 2;
}

static inline void capture_32(struct capture *c, uint32_t v)
{
    capture_16(c, c->big ? v >> 16 : v & 0xffff);
    capture_16(c, c->big ? v & 0xffff : v >> 16);
}

static inline void capture_bytes(struct capture *c, const void *p, size_t n)
{
    FUZZ_CHECK(n <= CAPTURE_MAX - c->len);
    memcpy(c->p + c->len, p, n);
    c->len += n;
}

static inline size_t block_begin(struct capture *c, uint32_t type)
{
    capture_32(c, type);
    capture_32(c, 0);
    return c->len - 8;
}

static inline void block_end(struct capture *c, size_t at)
{
    const uint32_t len = (uint32_t)((c->len - at + 3) / 4 * 4 + 4);
    capture_bytes(c, "\0\0\0", len - 4 - (c->len - at));
    capture_32(c, len);
    c->len = at + 4;
    capture_32(c, len);
    c->len = at + len;
}

static inline void capture_section(struct capture *c)
{
    const size_t at = block_begin(c, 0x0a0d0d0a);
    capture_32(c, 0x1a2b3c4d);
    capture_16(c, 1);
    capture_16(c, 0);
    capture_bytes(c, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    block_end(c, at);
}

/* kind: link type, resolution, offset of times. */
static inline void capture_interface(struct capture *c, uint8_t kind)
{
    static const uint8_t resolutions[] = {6, 9, 3, 0x80 | 20};
    const size_t at = block_begin(c, 1);
    capture_16(c, kind & 1 ? 101 : 1);
    capture_16(c, 0);
    capture_32(c, kind & 2 ? 96 : 0);
    if (kind & 4) {
        capture_16(c, 9);
        capture_16(c, 1);
        capture_bytes(c, (uint8_t[4]){resolutions[kind >> 3 & 3]}, 4);
    }
    if (kind & 32) {
        capture_16(c, 14);
        capture_16(c, 8);
        capture_32(c, c->big ? 0 : 3600);
        capture_32(c, c->big ? 3600 : 0);
    }
    block_end(c, at);
}

/* What belongs to no packet: names, statistics, secrets, custom, of no known type. */
static inline void capture_aside(struct capture *c, uint8_t kind)
{
    static const uint32_t types[] = {4, 5, 10, 0xbad, 0x40000bad, 99, 1, 0x0a0d0d0a};
    if ((kind & 7) == 6) {
        capture_interface(c, kind >> 3);
        return;
    }
    if ((kind & 7) == 7) {
        capture_section(c);
        capture_interface(c, kind >> 3);
        return;
    }
    const size_t at = block_begin(c, types[kind & 7]);
    capture_bytes(c, (uint8_t[12]){0}, 12);
    block_end(c, at);
}

static inline void capture_packet(struct capture *c, const struct frame *f, uint64_t us,
                                  uint32_t caplen, uint8_t kind)
{
    const bool simple = (kind & 7) == 5, old = (kind & 7) == 6;
    if ((kind & 7) == 7)
        capture_aside(c, kind >> 3);
    const size_t at = block_begin(c, simple ? 3 : old ? 2 : 6);
    if (simple) {
        caplen = frame_len(f);
    } else {
        capture_32(c, 0); /* interface */
        capture_32(c, (uint32_t)(us >> 32));
        capture_32(c, (uint32_t)us);
        capture_32(c, caplen);
    }
    capture_32(c, frame_len(f));
    capture_bytes(c, f->bytes + f->from, caplen);
    if ((kind & 7) == 4 && !simple) {
        capture_bytes(c, "\0\0\0", -caplen & 3);
        capture_16(c, 1); /* a comment */
        capture_16(c, 4);
        capture_bytes(c, "note", 4);
    }
    block_end(c, at);
}

static inline void capture_make(struct capture *c, struct recipe *r)
{
    static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34, 0xa1b2c3d4};
    const uint8_t how = recipe_next(r);
    const unsigned n = recipe_next(r) % (CAPTURE_PACKETS + 1), kind = how >> 1 & 3;
    const bool ng = how & 8, raw = how & 16;
    uint64_t us = UINT64_C(1700000000000000);
    c->len = 0;
    c->big = how & 1;
    if (ng) {
        capture_section(c);
        capture_interface(c, (uint8_t)((how >> 1 & 3) << 2 | (how >> 5) << 3 | raw));
    } else {
        capture_32(c, magics[kind]);
        capture_16(c, 2);
        capture_16(c, kind == 3 ? 2 + (how >> 5 & 1) : 4);
        capture_bytes(c, (uint8_t[8]){0}, 8);
        capture_32(c, 65535);
        capture_32(c, raw ? 101 : 1);
    }
    for (unsigned i = 0; i < n; i++) {
        struct frame f;
        frame_make(&f, r, !raw);
        const uint8_t time = recipe_next(r), size = recipe_next(r);
        const uint32_t len = frame_len(&f);
        const uint32_t caplen = size & 16 && len > 40 ? 14 + (size >> 5) * 4U : len;
        us += time & 128 ? -(uint64_t)(time & 127) * 1000 : (uint64_t)time * time * 1000;
        if (ng) {
            capture_packet(c, &f, us, caplen, size);
            continue;
        }
        const uint32_t lengths[] = {caplen, len};
        const bool swapped = kind == 3 && !(how & 32);
        capture_32(c, (uint32_t)(us / 1000000));
        capture_32(c, (uint32_t)(us % 1000000));
        capture_32(c, lengths[swapped]);
        capture_32(c, lengths[!swapped]);
        if (kind == 2)
            capture_bytes(c, (uint8_t[8]){size}, 8);
        capture_bytes(c, f.bytes + f.from, caplen);
    }
}

#endif
