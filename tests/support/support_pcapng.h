/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of pcapng (draft-ietf-opsawg-pcapng) in either byte order; nothing of src/ is asked how
 * they look.
 */
#ifndef CLEAVE_SUPPORT_PCAPNG_H
#define CLEAVE_SUPPORT_PCAPNG_H

#include "support_bytes.h"

enum {
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET_OLD = 2,
    BLOCK_SIMPLE = 3,
    BLOCK_NAMES = 4,
    BLOCK_STATISTICS = 5,
    BLOCK_PACKET = 6,
    BLOCK_SECRETS = 10,
    BLOCK_CUSTOM = 0x00000bad,
    BLOCK_CUSTOM_PRIVATE = 0x40000bad,
    BLOCK_SECTION = 0x0a0d0d0a,
};

enum {
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    OPTION_TSRESOL = 9,
    OPTION_FCSLEN = 13,
    OPTION_TSOFFSET = 14,
};

static inline void set32(uint8_t *p, bool big, uint32_t v)
{
    if (big)
        store_be32(p, v);
    else
        store_le32(p, v);
}

static inline void put64(struct bytes *b, bool big, uint64_t v)
{
    put32(b, big, (uint32_t)(big ? v >> 32 : v));
    put32(b, big, (uint32_t)(big ? v : v >> 32));
}

/* What is put between these two is the block's body. Returns the byte at which the block begins. */
static inline size_t block_begin(struct bytes *b, bool big, uint32_t type)
{
    const size_t at = b->len;
    put32(b, big, type);
    put32(b, big, 0);
    return at;
}

static inline void block_end(struct bytes *b, bool big, size_t at)
{
    put_fill(b, 0, (4 - (b->len - at) % 4) % 4);
    const uint32_t len = (uint32_t)(b->len - at) + 4;
    put32(b, big, len);
    set32(b->p + at + 4, big, len);
}

static inline void put_block(struct bytes *b, bool big, uint32_t type, const void *body, size_t len)
{
    const size_t at = block_begin(b, big, type);
    put_bytes(b, body, len);
    block_end(b, big, at);
}

static inline void put_option(struct bytes *b, bool big, unsigned code, const void *value,
                              size_t len)
{
    put16(b, big, (uint16_t)code);
    put16(b, big, (uint16_t)len);
    put_bytes(b, value, len);
    put_fill(b, 0, (4 - len % 4) % 4);
}

static inline void put_option_byte(struct bytes *b, bool big, unsigned code, uint8_t value)
{
    put_option(b, big, code, &value, 1);
}

static inline void put_section_head(struct bytes *b, bool big)
{
    put32(b, big, 0x1a2b3c4d);
    put16(b, big, 1);
    put16(b, big, 0);
    put_fill(b, 0xff, 8);
}

static inline void put_section(struct bytes *b, bool big)
{
    const size_t at = block_begin(b, big, BLOCK_SECTION);
    put_section_head(b, big);
    block_end(b, big, at);
}

static inline void put_interface_head(struct bytes *b, bool big, unsigned linktype,
                                      uint32_t snaplen)
{
    put16(b, big, (uint16_t)linktype);
    put16(b, big, 0);
    put32(b, big, snaplen);
}

static inline void put_interface(struct bytes *b, bool big, unsigned linktype, uint32_t snaplen)
{
    const size_t at = block_begin(b, big, BLOCK_INTERFACE);
    put_interface_head(b, big, linktype, snaplen);
    block_end(b, big, at);
}

static inline void put_packet_head(struct bytes *b, bool big, uint64_t ticks, uint32_t caplen,
                                   uint32_t origlen)
{
    put32(b, big, (uint32_t)(ticks >> 32));
    put32(b, big, (uint32_t)ticks);
    put32(b, big, caplen);
    put32(b, big, origlen);
}

static inline void put_packet(struct bytes *b, bool big, uint32_t iface, uint64_t ticks,
                              const void *data, uint32_t caplen, uint32_t origlen)
{
    const size_t at = block_begin(b, big, BLOCK_PACKET);
    put32(b, big, iface);
    put_packet_head(b, big, ticks, caplen, origlen);
    put_bytes(b, data, caplen);
    block_end(b, big, at);
}

static inline void put_packet_old(struct bytes *b, bool big, uint16_t iface, uint16_t drops,
                                  uint64_t ticks, const void *data, uint32_t caplen,
                                  uint32_t origlen)
{
    const size_t at = block_begin(b, big, BLOCK_PACKET_OLD);
    put16(b, big, iface);
    put16(b, big, drops);
    put_packet_head(b, big, ticks, caplen, origlen);
    put_bytes(b, data, caplen);
    block_end(b, big, at);
}

static inline void put_simple(struct bytes *b, bool big, const void *data, uint32_t caplen,
                              uint32_t origlen)
{
    const size_t at = block_begin(b, big, BLOCK_SIMPLE);
    put32(b, big, origlen);
    put_bytes(b, data, caplen);
    block_end(b, big, at);
}

#endif
