/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Roles: which end of each flow is the client, settled by its first record and kept. Items get the
 * keys that depend on it before they are found.
 */
#ifndef CLEAVE_SCAN_ROLES_H
#define CLEAVE_SCAN_ROLES_H

#include "flow/table.h"
#include "scan/pass.h"

struct roles {
    struct flow_table flows; /* `reversed`: b is the client */
    bool made;
    const struct scan_settings *scan; /* settled before the pass is run */
};

struct pass roles_pass(struct roles *r);

void roles_fini(struct roles *r);

#endif
