/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shows the table of flows to the caller of the library.
 */
#ifndef CLEAVE_API_FLOWS_H
#define CLEAVE_API_FLOWS_H

#include "cleave/flow.h"
#include "pipeline/observe.h"

struct flows {
    clv_split_flow *on_flow;
    void *user;
    uint32_t input; /* as in struct clv_flow */
};

/* Who has no on_flow is not to be asked. f is borrowed. */
struct observer observe_flows(struct flows *f);

#endif
