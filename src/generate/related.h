/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traffic of flows that belong together: lookups and what they lead to, pages, calls, transfers.
 */
#ifndef CLEAVE_GENERATE_RELATED_H
#define CLEAVE_GENERATE_RELATED_H

#include <stdio.h>

#include "generate/stream.h"

/* The columns that the truth has of such flows, after the others. */
#define RELATED_COLUMNS ",flow,master,relation,lag,group,lookup,name"

/* Saves it. truth: NULL, or where rows go, in the order in which flows begin. */
CLV_MUST_CHECK bool related_run(struct stream *out, FILE *truth, const struct clv_traffic_params *p,
                                struct clv_error *err);

#endif
