/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joining: the fragments of a batch get the ports of their datagrams, before any item of the batch
 * is found.
 */
#ifndef CLEAVE_PIPELINE_JOIN_H
#define CLEAVE_PIPELINE_JOIN_H

#include "pipeline/schedule.h"

/*
 * Takes the fragments of the next batch, in the input's order; NULL: the input is over. The plan's
 * lock is not held: what is touched are the joiner's own, and items of batches that nobody else
 * works on.
 */
CLV_MUST_CHECK bool join_batch(struct plan *pl, struct batch *b, struct clv_error *err);

void join_fini(struct join *j);

#endif
