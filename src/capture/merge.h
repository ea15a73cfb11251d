/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several captures become one, in the order of their records' times: always the earliest of what
 * comes next in each of them, at equal times that of the capture that was named first. The order
 * within a capture is kept; a record without a time stays with the one before it. What comes of it
 * is a capture again, a stream that the pipeline reads like any other: classic pcap where all
 * captures are alike, else pcapng of one section with the interfaces of all.
 */
#ifndef CLEAVE_CAPTURE_MERGE_H
#define CLEAVE_CAPTURE_MERGE_H

#include "capture/source.h"
#include "cleave/split.h"

struct merge;

struct merge_limits {
    bool recover;      /* where a capture is damaged, go on behind the fault */
    uint64_t memory;   /* bytes, for captures that are under way */
    unsigned max_open; /* those that take a descriptor: what has to be read, and not mapped */
};

/*
 * Begins to merge the n probed sources, which must outlive it; header is that of the merged
 * capture where it is classic pcap, NULL where it is pcapng. A source is open from its first
 * record's turn to its last's. *merged becomes the source of what
 * is merged. On failure *out is NULL.
 */
CLV_MUST_CHECK bool merge_open(struct merge **out, struct source *merged, struct source *sources,
                               size_t n, const uint8_t *header, const struct merge_limits *limits,
                               struct clv_error *err);

/* Adds what befell the captures to the result of a run over the merged one. */
void merge_count(const struct merge *m, struct clv_split_result *result);

/* To be called when the merged source is closed. Closes the sources. */
void merge_close(struct merge **m);

#endif
