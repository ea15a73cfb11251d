/* SPDX-License-Identifier: BSD-2-Clause */
/* The usual key, and nothing that cuts flows. */
#ifndef CLEAVE_SUPPORT_FLOW_H
#define CLEAVE_SUPPORT_FLOW_H

#include "support_check.h"
#include "support_secret.h"

#include "flow/anykey.h"
#include "flow/cut.h"

static const struct flow_cuts no_cuts = {.idle_ns = 0};

static inline const struct flow_by *by_flow(void)
{
    static struct flow_by by;
    if (by.fields == 0)
        assert_true(flow_by_parse(&by, "by", "flow", false, NULL));
    by.secret = SECRET;
    return &by;
}

#endif
