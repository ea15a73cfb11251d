/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes of a text that are looked for, sixteen at a time. */
#ifndef CLEAVE_BASE_MARKS_H
#define CLEAVE_BASE_MARKS_H

#include "base/bytes.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { MARKS_BYTES = 16 };

#if !defined(__SSE2__)
/* The top bit of each byte that is 0, and no other. */
CLV_INLINE uint64_t marks_zeros(uint64_t x)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    return ~(((x & low) + low) | x | low);
}

CLV_INLINE unsigned marks_of_eight(const char *p, char a, char b, char c)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), x = load_le64((const uint8_t *)p);
    const uint64_t found = marks_zeros(x ^ ones * (uint8_t)a) | marks_zeros(x ^ ones * (uint8_t)b) |
                           marks_zeros(x ^ ones * (uint8_t)c);
    /* A product whose top byte has a bit of each byte. */
    return (unsigned)((found >> 7) * UINT64_C(0x0102040810204080) >> 56);
}
#endif

/* Bit i: byte i of the 16 at p is one of the three. */
CLV_INLINE unsigned marks_of(const char *p, char a, char b, char c)
{
#if defined(__SSE2__)
    const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    const __m128i is_a = _mm_cmpeq_epi8(x, _mm_set1_epi8(a));
    const __m128i is_b = _mm_cmpeq_epi8(x, _mm_set1_epi8(b));
    const __m128i is_c = _mm_cmpeq_epi8(x, _mm_set1_epi8(c));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(is_a, is_b), is_c));
#else
    return marks_of_eight(p, a, b, c) | marks_of_eight(p + 8, a, b, c) << 8;
#endif
}

#endif
