/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a run comes to: sums over all partitions and their flows, when nobody works on them.
 */
#ifndef CLEAVE_PIPELINE_TALLY_H
#define CLEAVE_PIPELINE_TALLY_H

#include "pipeline/partition.h"

/*
 * Adds to *r all that partitions have counted. closed: tunnels were not looked into. whole: the run
 * came to its end, so that every flow has its name.
 */
void tally_outputs(struct clv_split_result *r, const struct partition *parts, uint32_t n_parts,
                   bool closed, bool whole);

/* The largest flows of r join those of sum; below: a directory that their names are in, or NULL. */
void tally_join_largest(struct clv_split_result *sum, const struct clv_split_result *r,
                        const char *below);

/* Adds records of a link type that is not looked into. */
void tally_unknown_link(struct clv_split_result *r, uint16_t linktype, uint64_t records);

#endif
