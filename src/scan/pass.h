/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A serial pass: something that must look at records in the capture's order before their flows are
 * found, since their keys depend on records before or after them. Passes stand in a row; each has a
 * cursor of its own, and one thread at a time. What a pass does depends on that order alone, not on
 * where batches begin.
 */
#ifndef CLEAVE_SCAN_PASS_H
#define CLEAVE_SCAN_PASS_H

#include "scan/batch.h"

struct pass {
    void *self;
    /* true: the pass has to look at the batch, although it waits for nothing. */
    bool (*needs)(const void *self, const struct batch *b);
    /*
     * Looks at a batch. NULL: the input has ended, and what still waits is settled as it is. It may
     * settle items of earlier batches, which it owes (struct batch).
     */
    bool (*run)(void *self, struct batch *b, struct clv_error *err);
    /*
     * After each run: makes what it counted visible to other threads, and returns the items of all
     * batches that it still waits with. NULL: it counts nothing and waits for nothing.
     */
    uint64_t (*settled)(void *self);
};

/* needs() of a pass that looks at all items. */
static inline bool pass_has_items(const void *self, const struct batch *b)
{
    (void)self;
    return b->n_items != 0;
}

#endif
