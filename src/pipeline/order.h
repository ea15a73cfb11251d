/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The serial passes of a run, in their order. Each may look at a batch once the pass before it has
 * settled all of it, and the first one once the batch is confirmed. The caller holds the lock.
 *
 *   found <= last pass <= ... <= first pass <= confirmed
 */
#ifndef CLEAVE_PIPELINE_ORDER_H
#define CLEAVE_PIPELINE_ORDER_H

#include "pipeline/feed.h"
#include "scan/pass.h"

enum { ORDER_PASSES = 8 };

struct order {
    struct order_pass {
        struct pass pass;
        uint64_t at;      /* the batch that it looks at next */
        uint64_t waiting; /* items, as of its last run */
        bool running;
    } passes[ORDER_PASSES];
    unsigned n;
};

/* Adds one behind the others. Before anything is fed. */
void order_add(struct order *o, struct pass pass);

/* Lets batches go by of which no pass wants anything. */
void order_advance(struct order *o, const struct feed *fd);

/* true: pass number *pass may look at *b, and is marked as running. b NULL: the input has ended. */
bool order_next(struct order *o, const struct feed *fd, unsigned *pass, struct batch **b);

/* The pass has looked at b. */
void order_done(struct order *o, struct feed *fd, unsigned pass, const struct batch *b);

/* true: the oldest batch is settled, and its records can be found. */
bool order_settled(const struct order *o, const struct feed *fd);

/* true: the oldest batch waits for what later batches may bring. */
bool order_waits(const struct order *o, const struct feed *fd);

#endif
