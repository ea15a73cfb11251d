/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Roles: which end of each flow is the client, settled by its first record and kept. Items get the
 * keys that depend on it before they are found.
 */
#ifndef CLEAVE_PIPELINE_ROLES_H
#define CLEAVE_PIPELINE_ROLES_H

#include "flow/table.h"
#include "scan/scan.h"

struct roles {
    struct flow_table flows; /* `reversed`: b is the client */
    bool made;
};

/* Settles a piece; pieces come in the input's order. One thread. */
CLV_MUST_CHECK bool roles_settle(struct roles *r, const struct scan_plan *plan,
                                 struct scan_piece *piece, struct clv_error *err);

void roles_fini(struct roles *r);

#endif
