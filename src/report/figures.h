/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What flows come to: by protocol, service and host, by size and duration, and which of them are
 * the largest. All sums are exact. Hosts are counted in several passes over the flows, in each of
 * them those whose hashes fall into it, so that their table does not grow with their number.
 *
 * Threads: one at a time.
 */
#ifndef CLEAVE_REPORT_FIGURES_H
#define CLEAVE_REPORT_FIGURES_H

#include "flow/table.h"

enum {
    FIGURES_BUCKETS = 64, /* 0, 1, 2, 5, 10, 20, 50, ... up to what 64 bits hold */
    FIGURES_TOP = 20,
    FIGURES_FLOWS = 100000, /* that have a row */
    FIGURES_PORTS = 65536,
};

struct figure {
    uint64_t flows, packets, wire; /* wire: bytes */
};

/* A figure among the largest, and what it is of. */
struct figures_top {
    struct figure sum;
    uint8_t addr[16];
    uint8_t family;
    uint8_t proto;
    uint16_t port;
};

struct figures {
    const struct flow_by *by;
    struct figure protos[256], unnamed, other; /* unnamed: keys that leave the protocol out */
    struct figure sizes[FIGURES_BUCKETS];      /* by bytes */
    struct figure durations[FIGURES_BUCKETS];  /* by ns; flows without times are nowhere */
    struct figure *services;                   /* by protocol (3) and port of the server */
    struct figures_top top_services[FIGURES_TOP], top_hosts[FIGURES_TOP];
    unsigned n_services, n_hosts;
    uint64_t all_hosts;
    uint32_t pass, passes; /* pass counts from 1 */
    struct flow_table hosts;
    struct figures_rank *heap; /* of the largest flows, the smallest of them at its root */
    size_t n_heap;
};

/* For n_flows flows; hosts' table takes about so many bytes. Borrows by. On failure fini works. */
CLV_MUST_CHECK bool figures_init(struct figures *f, const struct flow_by *by, uint64_t n_flows,
                                 uint64_t memory);
void figures_fini(struct figures *f);

/* Begins a pass over all flows. *more false: there is none, the figures stand. false: no memory. */
CLV_MUST_CHECK bool figures_pass(struct figures *f, bool *more);

/* A flow of the pass. false: no memory. */
CLV_MUST_CHECK bool figures_add(struct figures *f, const struct flow *flow);

/* true: the flow is among the FIGURES_FLOWS largest; in one of the passes alone. */
bool figures_has_row(const struct figures *f, const struct flow *flow);

/* The least that falls into a bucket. */
uint64_t figures_bound(unsigned bucket);

#endif
