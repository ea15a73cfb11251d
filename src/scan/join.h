/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joining: fragments behind the first of a datagram get the ports of the first, wherever that is
 * within the bounds of flow/fragments.h.
 */
#ifndef CLEAVE_SCAN_JOIN_H
#define CLEAVE_SCAN_JOIN_H

#include "flow/fragments.h"
#include "scan/pass.h"

struct join_counts {
    uint64_t orphans;                   /* fragments whose first one did not come */
    uint64_t overflow;                  /* datagrams that were forgotten: too many at a time */
    uint64_t filtered, filtered_copies; /* left out for what the first fragment says */
};

struct join {
    const struct scan_settings *scan;
    const struct source *sources; /* the first of the run's */
    struct join_counts seen;      /* those up to the last run that ended */

    struct fragments *fragments; /* made when the first fragment is met */
    struct scan_piece **disordered;
    size_t n_disordered, disordered_cap;
    struct join_counts counts;
    bool no_memory;
};

/* The pass of j, which is zeroed but for scan and sources. */
struct pass join_pass(struct join *j);

void join_fini(struct join *j);

#endif
