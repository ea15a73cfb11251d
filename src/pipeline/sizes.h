/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How large the parts of a run are. Nothing of it shows in the outputs.
 *
 *   quantity           follows from               at least        at most
 *   partitions         16 per thread              32              2048; half of max_open
 *   finds_step         a quarter of a thread's    1
 *   pieces_per_batch   half of memory             1               8 per thread; PIECES_MAX
 *   max_refs           a quarter of memory        64 Ki; a batch  the records of one window
 *   window             an eighth of the RAM       4 KiB           4 GiB: references have 32 bits
 *     of a stream      a sixth of memory          1 MiB           the window
 *   slack              the longest record of the formats
 *     of a stream      WALK_USUAL, and more where a record needs it
 *   n_batches          a window's worth of pieces, so that fragments can wait
 */
#ifndef CLEAVE_PIPELINE_SIZES_H
#define CLEAVE_PIPELINE_SIZES_H

#include "capture/source.h"

struct sizes_from {
    unsigned threads, max_open;
    uint64_t memory, window; /* bytes; window 0: by memory */
    uint64_t ram;            /* bytes that the machine has */
    const struct source *sources;
    size_t n_sources;
};

struct sizes {
    uint32_t partitions; /* a power of two */
    uint32_t finds_step; /* partitions per task that finds */
    unsigned pieces_per_batch;
    uint64_t max_refs; /* records pending, of one epoch */
    size_t window, slack;
    unsigned buffers; /* of a stream */
    unsigned n_batches;
};

struct sizes sizes_settle(const struct sizes_from *from);

#endif
