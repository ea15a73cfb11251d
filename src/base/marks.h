/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes that are looked at sixteen at a time, by what compilers call vectors. */
#ifndef CLEAVE_BASE_MARKS_H
#define CLEAVE_BASE_MARKS_H

#include "base/bytes.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef char marks_lanes __attribute__((vector_size(16)));

static inline marks_lanes marks_load(const char *p)
{
    marks_lanes x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* Of what a comparison of lanes gives: bit i is that of byte i. */
CLV_INLINE unsigned marks_bits(marks_lanes equal)
{
#if defined(__SSE2__)
    return (unsigned)_mm_movemask_epi8((__m128i)equal);
#else
    uint8_t bytes[16];
    memcpy(bytes, &equal, sizeof bytes);
    /* A product whose top byte has the lowest bit of each byte. */
    const uint64_t ones = UINT64_C(0x0101010101010101), sum = UINT64_C(0x0102040810204080);
    return (unsigned)(((load_le64(bytes) & ones) * sum) >> 56 |
                      ((load_le64(bytes + 8) & ones) * sum) >> 56 << 8);
#endif
}

#endif
