/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes built in readable code: hexadecimal text, fields in a stated order, noise from a seed.
 */
#ifndef CLEAVE_SUPPORT_BYTES_H
#define CLEAVE_SUPPORT_BYTES_H

#include <stdlib.h>

#include "base/bytes.h"
#include "support_check.h"

/* A growing array; all zero is empty; bytes_free() it. */
struct bytes {
    uint8_t *p;
    size_t len, cap;
};

static inline uint8_t *bytes_more(struct bytes *b, size_t n)
{
    if (!b->p || n > b->cap - b->len) {
        uint8_t *p = realloc(b->p, (b->len + n) * 2);
        assert_non_null(p);
        b->p = p;
        b->cap = (b->len + n) * 2;
    }
    b->len += n;
    return b->p + b->len - n;
}

static inline void bytes_free(struct bytes *b)
{
    free(b->p);
    *b = (struct bytes){0};
}

static inline void put_bytes(struct bytes *b, const void *p, size_t n)
{
    if (n)
        memcpy(bytes_more(b, n), p, n);
}

static inline void put_fill(struct bytes *b, uint8_t value, size_t n)
{
    if (n)
        memset(bytes_more(b, n), value, n);
}

static inline void put16(struct bytes *b, bool big, uint16_t v)
{
    if (big)
        store_be16(bytes_more(b, 2), v);
    else
        store_le16(bytes_more(b, 2), v);
}

static inline void put32(struct bytes *b, bool big, uint32_t v)
{
    if (big)
        store_be32(bytes_more(b, 4), v);
    else
        store_le32(bytes_more(b, 4), v);
}

static inline unsigned hex_digit(char c)
{
    const char *const digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    assert_non_null(at);
    return (unsigned)(at - digits);
}

/* "45 00 0028": pairs of lower-case digits; blanks mean nothing. */
static inline void put_hex(struct bytes *b, const char *hex)
{
    while (*hex) {
        if (*hex == ' ') {
            hex++;
            continue;
        }
        const unsigned high = hex_digit(hex[0]), low = hex_digit(hex[1]);
        *bytes_more(b, 1) = (uint8_t)(high << 4 | low);
        hex += 2;
    }
}

/* xorshift64*: the same noise on every machine. */
static inline uint64_t noise(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(2685821657736338717);
}

static inline void put_noise(struct bytes *b, uint64_t *state, size_t n)
{
    uint8_t *p = bytes_more(b, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(noise(state) >> 56);
}

/*
 * A heap block of exactly n bytes, so that a sanitizer sees the first byte read beyond them;
 * free() it. For n of 0 the block is one byte that the caller passes the end of.
 */
static inline uint8_t *tight_copy(const void *p, size_t n)
{
    uint8_t *block = malloc(n ? n : 1);
    assert_non_null(block);
    if (n)
        memcpy(block, p, n);
    return block;
}

#endif
