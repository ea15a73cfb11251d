/* SPDX-License-Identifier: BSD-2-Clause */
/* A CSV of the flows that were generated. */
#ifndef CLEAVE_GENERATE_TRUTH_H
#define CLEAVE_GENERATE_TRUTH_H

#include "base/text.h"
#include "cleave/packet.h"

#define TRUTH_COLUMNS "proto,src,sport,dst,dport,packets,bytes,first,last"

/* The row of a flow, without an end: the source is who sent first. */
void truth_put(struct text *row, const struct clv_tuple *t, uint64_t packets, uint64_t bytes,
               int64_t first_ns, int64_t last_ns);

#endif
