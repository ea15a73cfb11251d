/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What flows come to: by protocol, service and host, by size and duration, and which of them are
 * the largest; and what led to them, where that is known. All sums are exact; what is kept of hosts
 * and groups leaves memory as what is kept of flows.
 *
 * Threads: one at a time.
 */
#ifndef CLEAVE_REPORT_FIGURES_H
#define CLEAVE_REPORT_FIGURES_H

#include "flow/table.h"
#include "manifest/columns.h"

enum {
    FIGURES_BUCKETS = 64, /* more than either scale has */
    FIGURES_TOP = 20,
    FIGURES_GROUPS = 100,   /* that are listed */
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

/* A group among the largest: a flow or one of its lookups, and all that it led to. */
struct figures_group {
    struct figure sum; /* a lookup's own messages are not in it */
    uint32_t root;     /* a flow's number */
    uint32_t lookup;   /* relations_lookup() has it; 0: the flow itself */
};

/* One of the largest flows, and where it is. */
struct figures_rank {
    uint64_t wire, order; /* order of appearance, those that are no flows before all */
    uint32_t part, flow;
};

struct figures {
    const struct manifest *manifest;
    const struct flow_by *by;
    struct figure protos[256], unnamed, other; /* unnamed: keys that leave the protocol out */
    struct figure sizes[FIGURES_BUCKETS];      /* by bytes */
    struct figure durations[FIGURES_BUCKETS];  /* by ns; flows without times are nowhere */
    struct figure *services;                   /* by protocol (3) and port of the server */
    struct figures_top top_services[FIGURES_TOP], top_hosts[FIGURES_TOP];
    unsigned n_services, n_hosts;
    uint64_t all_services;
    struct flow_table hosts;
    uint64_t all_hosts;
    const struct relations *relations; /* NULL: nobody asks what led to flows */
    bool grouped;                      /* outputs are groups: of what led there are only counts */
    struct figure led[RELATIONS];      /* flows that something led to, by what it was */
    struct figures_top top_groups[FIGURES_GROUPS];
    unsigned n_groups;
    struct flow_table groups;  /* by root and lookup */
    uint64_t all_groups;       /* that have more than what led to them */
    struct figures_rank *rows; /* a heap until figures_end(), its root the smallest */
    size_t n_rows;
};

/*
 * Hosts and groups are kept in spill. Borrows what m lends, whose relations are settled. On failure
 * figures_fini() works.
 */
CLV_MUST_CHECK bool figures_init(struct figures *f, const struct manifest *m, struct spill *spill);
void figures_fini(struct figures *f);

/* A flow of partition part. false: no memory. */
CLV_MUST_CHECK bool figures_add(struct figures *f, const struct flow *flow, uint32_t part);

/* Those were all: the figures stand, and rows are in the order of appearance. */
void figures_end(struct figures *f);

/* Lets go of what is in spill. */
void figures_forget(struct figures *f);

/* Number i of the largest groups. */
struct figures_group figures_group(const struct figures *f, unsigned i);

/*
 * The least that falls into a bucket; UINT64_MAX after the last one. Sizes, in bytes: 0, 1, 2, 5,
 * 10, 20, 50, ... Durations, in ns, likewise, but from 10 seconds on as a clock has them.
 */
uint64_t figures_size_bound(unsigned bucket);
uint64_t figures_duration_bound(unsigned bucket);

#endif
