/* SPDX-License-Identifier: BSD-2-Clause */
/* Traffic of some of everything, for tests that hold two ways of seeing it against each other. */
#ifndef CLEAVE_SUPPORT_TRAFFIC_H
#define CLEAVE_SUPPORT_TRAFFIC_H

#include "cleave/generate.h"
#include "support_check.h"

/* Makes a capture of ten records for each flow at the path. */
static inline void traffic_make(const char *path, uint32_t flows)
{
    struct clv_traffic_params p = CLV_TRAFFIC_PARAMS_INIT;
    p.flows = flows;
    p.packets = (uint64_t)flows * 10;
    p.ipv6 = 20;
    p.udp = 40;
    p.vlan = 20;
    p.other = 3;
    assert_true(clv_generate_traffic(path, &p, NULL, NULL, NULL));
}

#endif
