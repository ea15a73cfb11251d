/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flows that get outputs of their own where not all do: known only when all of the input has
 * been read, so it is read twice. The first time their keys are collected here, the second time
 * records of all others become `other`.
 */
#ifndef CLEAVE_SCAN_LEARNED_H
#define CLEAVE_SCAN_LEARNED_H

#include "flow/table.h"

struct learned {
    uint64_t min_packets, min_bytes; /* a flow has at least; 0: any */
    uint64_t top;                    /* so many with the most bytes of packets; 0: all */
    struct flow_table flows;
    struct learned_flow *all; /* while they are collected */
    size_t n, cap;
};

/* Adds the flows of a table. false: no memory. */
CLV_MUST_CHECK bool learned_collect(struct learned *c, const struct flow_table *t);

/* All are there: chooses; their keys are made by *by. false: no memory. */
CLV_MUST_CHECK bool learned_settle(struct learned *c, const struct flow_by *by);

/* Threads: any number, once it is settled. */
static inline bool learned_has(const struct learned *c, const struct flow_key *key,
                               const struct flow_extra *extra, uint64_t hash)
{
    return flow_table_find(&c->flows, key, extra, hash) != FLOW_NONE;
}

void learned_fini(struct learned *c);

#endif
