/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a flow's records lie in the run's input: the position of each record as its distance from
 * the one before it (the first one's from 0), a base-128 number of 7 bits per byte, the low ones
 * first, bit 7 set in all but its last byte. While a run goes on the bytes of many flows grow side
 * by side; they lie in pieces, which a flow's list connects.
 */
#ifndef CLEAVE_FLOW_POSITIONS_H
#define CLEAVE_FLOW_POSITIONS_H

#include "base/fail.h"
#include "base/spill.h"

enum { POSITIONS_LONGEST = 10 }; /* bytes of one */

struct positions_piece;

/* What is kept of a flow. Zeroed at its beginning. */
struct positions {
    struct positions_piece *first, *last;
    uint64_t position; /* of the last record */
    uint64_t bytes;    /* in all pieces */
};

/* Where pieces lie, of flows that one thread at a time adds to. Zeroed but for spill. */
struct positions_store {
    struct spill *spill;
    uint8_t **blocks;
    size_t n_blocks, blocks_cap;
    size_t left; /* bytes of the last block */
    uint8_t *text;
    size_t text_cap;
};

void positions_store_fini(struct positions_store *s);

/* Room for the bytes of n positions, which positions_add() takes; NULL: no memory. */
uint8_t *positions_room(struct positions_store *s, size_t n);

/* Adds a position to `to`, one that is higher than *last. Returns where the next one goes. */
CLV_INLINE uint8_t *positions_put(uint8_t *to, uint64_t *last, uint64_t position)
{
    uint64_t distance = position - *last;
    *last = position;
    for (; distance >= 0x80; distance >>= 7)
        *to++ = (uint8_t)(distance | 0x80);
    *to++ = (uint8_t)distance;
    return to;
}

/* The bytes up to `to`, from where positions_room() said, become the flow's. false: no memory. */
CLV_MUST_CHECK bool positions_add(struct positions_store *s, struct positions *p, uint64_t last,
                                  const uint8_t *to);

/* Copies all p->bytes. */
void positions_copy(const struct positions *p, uint8_t *to);

/* A reader of such bytes. */
struct positions_reader {
    const uint8_t *at, *end;
    uint64_t position; /* of the record that was read last */
    bool begun;
};

enum positions_step {
    POSITIONS_ONE,
    POSITIONS_END,
    POSITIONS_BAD, /* not higher than the one before it, or beyond 2^63 - 1, or cut off */
};

/* The next one, in r->position. */
enum positions_step positions_next(struct positions_reader *r);

#endif
