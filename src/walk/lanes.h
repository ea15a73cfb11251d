/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading the headers of records that follow one another in several lanes, each from a guess of its
 * own, so that their waits for memory overlap. What a record is, two functions say, which are
 * constants where this is inlined.
 */
#ifndef CLEAVE_WALK_LANES_H
#define CLEAVE_WALK_LANES_H

#include "base/bytes.h"

/* The byte of the first record from `from` on, or s.len. */
typedef size_t lane_guess(const void *how, struct clv_span s, size_t from);

/* Bytes of the record that begins with the rest bytes at p, or 0: it is not whole. */
typedef size_t lane_step(const void *how, const uint8_t *p, size_t rest);

/* from is the byte of a record. */
CLV_INLINE void lanes_touch(const void *how, lane_guess *guess, lane_step *step, struct clv_span s,
                            size_t from, size_t to)
{
    enum { LANES = 8, LINE = 64, WORTH = 64 * 1024 };
    size_t at[LANES], end[LANES];
    if (to > s.len || from > to || to - from < WORTH)
        return;
    const size_t share = (to - from) / LANES;
    unsigned lanes = 0;
    for (; lanes < LANES; lanes++) {
        at[lanes] = lanes ? guess(how, s, from + lanes * share) : from;
        if (at[lanes] == s.len)
            break; /* records as this file has them cannot be guessed: do not try again */
        end[lanes] = from + (lanes + 1) * share;
        __builtin_prefetch(s.p + at[lanes]);
    }
    bool more;
    do {
        more = false;
        for (unsigned i = 0; i < lanes; i++) {
            if (at[i] >= end[i])
                continue;
            const size_t len = step(how, s.p + at[i], s.len - at[i]);
            if (len == 0) {
                at[i] = end[i];
                continue;
            }
            __builtin_prefetch(s.p + at[i] + LINE);
            at[i] += len;
            __builtin_prefetch(s.p + at[i]);
            more = true;
        }
    } while (more);
}

#endif
