/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes as files and networks hold them: spans, loads in a stated byte order, checked sums.
 * Loads assemble fields from bytes, so no alignment is claimed; compilers make one move of each.
 */
#ifndef CLEAVE_BASE_BYTES_H
#define CLEAVE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CLV_LIKELY(x) __builtin_expect(!!(x), 1)
#define CLV_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define CLV_COLD __attribute__((cold, noinline))
#define CLV_INLINE static inline __attribute__((always_inline))
#define CLV_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

struct clv_span {
    const uint8_t *p;
    size_t len;
};

static inline bool span_has(const struct clv_span *s, size_t off, size_t n)
{
    return off <= s->len && n <= s->len - off; /* subtract: a sum could wrap */
}

static inline uint16_t load_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint16_t load_le16(const uint8_t *p)
{
    return (uint16_t)(p[1] << 8 | p[0]);
}

static inline uint32_t load_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t load_le64(const uint8_t *p)
{
    return (uint64_t)load_le32(p + 4) << 32 | load_le32(p);
}

static inline void store_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
    store_be16(p, (uint16_t)(v >> 16));
    store_be16(p + 2, (uint16_t)v);
}

static inline void store_le16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void store_le32(uint8_t *p, uint32_t v)
{
    store_le16(p, (uint16_t)v);
    store_le16(p + 2, (uint16_t)(v >> 16));
}

/* false: the result would not fit and *out is untouched. */
static inline bool size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
