/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a run comes to: sums over all partitions and their flows, when nobody works on them.
 */
#ifndef CLEAVE_PIPELINE_TALLY_H
#define CLEAVE_PIPELINE_TALLY_H

#include "decode/decode.h"
#include "pipeline/partition.h"

/* What a tour over all flows finds. */
struct tally {
    struct clv_split_result seen;      /* of it: times, the largest flows, tunnels */
    uint64_t tunnels[DECODE_CARRIERS]; /* records of flows that look like one */
};

void tally_init(struct tally *t);

/* closed: tunnels were not looked into. named: flows have their names. */
void tally_flow(struct tally *t, const struct partition *p, const struct flow *f, bool closed,
                bool named);

/* Adds to *r what partitions have counted and the tour has found, when nobody works any more. */
void tally_end(struct tally *t, const struct partition *parts, uint32_t n_parts,
               struct clv_split_result *r);

/* The largest flows of r join those of sum; below: a directory that their names are in, or NULL. */
void tally_join_largest(struct clv_split_result *sum, const struct clv_split_result *r,
                        const char *below);

/* Adds records of a link type that is not looked into. */
void tally_unknown_link(struct clv_split_result *r, uint16_t linktype, uint64_t records);

#endif
