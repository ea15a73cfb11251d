/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of a list that records are of are met when the records are known to be there: what scans
 * ahead find may be none. First fragments that are of no row, which later ones of their datagram
 * had to follow, are left out.
 */
#ifndef CLEAVE_SCAN_LISTED_H
#define CLEAVE_SCAN_LISTED_H

#include "scan/pass.h"

struct listed_counts {
    uint64_t filtered, copies; /* left out; items beyond one per record */
};

struct listed {
    const struct scan_settings *scan; /* settled before the pass is run */
    struct listed_counts seen;        /* those up to the last run that ended */
    struct listed_counts counts;
};

struct pass listed_pass(struct listed *l);

#endif
