/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A batch: pieces of one window, one after another, that go through the pipeline together.
 */
#ifndef CLEAVE_SCAN_BATCH_H
#define CLEAVE_SCAN_BATCH_H

#include "scan/scan.h"

enum {
    PIECE = 1024 * 1024, /* bytes of input per scan */
    PIECES_MAX = 256,    /* per batch */
};

enum piece_state {
    PIECE_TODO,
    PIECE_RUNNING,
    PIECE_DONE,
};

struct batch {
    struct view *view;
    struct scan_piece *pieces;
    enum piece_state *states;
    unsigned n_pieces, n_handed, n_confirmed;
    unsigned n_used; /* pieces that were ever used: the memory of the others was never touched */
    uint64_t n_items;
    uint64_t waiting; /* items whose key depends on what has not come yet */
    uint64_t owed;    /* the same, as the pass that settles them counts */
};

#endif
