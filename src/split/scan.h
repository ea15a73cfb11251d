/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scanning: a piece of a window becomes items, one per record: flow key, hash, and what the flow
 * will want to know. Pieces are independent, so that many threads scan one window; each begins at
 * a place that the piece before confirms.
 */
#ifndef CLEAVE_SPLIT_SCAN_H
#define CLEAVE_SPLIT_SCAN_H

#include "decode/decode.h"
#include "flow/key.h"
#include "input/input.h"
#include "walk/walk.h"

/* Settled once per run, read by all threads. */
struct scan_plan {
    const struct walk_format *format;
    decode_fn *decode;
    struct flow_by by;
    bool drop_other;
    unsigned partition_bits; /* the hash's top ones, which number the partition */
    uint32_t n_partitions;
};

struct scan_item {
    union flow_id id; /* key, once scanned */
    uint64_t hash;
    int64_t ts_ns;
    uint32_t offset; /* of the record in the window, bytes */
    uint32_t raw_len;
    uint32_t caplen;
    uint32_t origlen;
    uint8_t dir; /* 0: endpoint a to b of the key */
    uint8_t tcp_flags;
};

/* In two steps: with one partition a single one would shift by 64. */
static inline uint32_t scan_partition(uint64_t hash, unsigned bits)
{
    return (uint32_t)(hash >> 1 >> (63 - bits));
}

struct scan_counts {
    uint64_t records, other, dropped_other, fragments, cut_short;
    uint64_t dropped_captured; /* packet bytes of the dropped records */
};

#define SCAN_UNKNOWN SIZE_MAX

struct scan_piece {
    size_t start; /* byte in the window of its first record; SCAN_UNKNOWN: has to be guessed */
    size_t from;  /* the piece covers the records that start in [from, limit) of the window */
    size_t limit;
    int64_t near_ns; /* a time that a record nearby has, for the guess */

    size_t end;          /* where the walk stopped: the next record's byte, or the faulty one's */
    enum walk_step stop; /* WALK_RECORD: at limit or at the end of the input; else the fault */
    struct scan_counts counts;
    struct scan_item *items;
    size_t n_items, items_cap;
    uint32_t *order; /* item numbers by partition, in the capture's order within each */
    size_t order_cap;
    uint32_t *bounds; /* n_partitions + 1: partition p has order[bounds[p] .. bounds[p + 1]) */
    uint64_t seq;     /* number of items[0] among all items, set by the confirmer */
};

CLV_MUST_CHECK bool scan_piece_init(struct scan_piece *piece, const struct scan_plan *plan);
void scan_piece_fini(struct scan_piece *piece);

/* Scans. A start that cannot be guessed leaves start SCAN_UNKNOWN and no items. */
CLV_MUST_CHECK bool scan_piece_run(struct scan_piece *piece, const struct scan_plan *plan,
                                   const struct input_window *w, struct clv_error *err);

/* Leaves the piece without records, ending where it starts. */
void scan_piece_clear(struct scan_piece *piece, const struct scan_plan *plan);

void scan_counts_add(struct scan_counts *sum, const struct scan_counts *more);

#endif
