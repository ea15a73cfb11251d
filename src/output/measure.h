/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sink that has no files: the code that writes outputs counts their bytes instead, which gives
 * their exact sizes beforehand. What is compressed has to come in one round, since nothing keeps
 * what would wait for the next one.
 */
#ifndef CLEAVE_OUTPUT_MEASURE_H
#define CLEAVE_OUTPUT_MEASURE_H

#include "flow/table.h"
#include "output/sink.h"

struct measure {
    struct sink sink; /* first */
    struct sink_ops ops;
};

/* kept: bytes that are kept of each flow, of which the first 8 are the size. */
void measure_init(struct measure *m, size_t kept);

/* Bytes that the flow's output has so far. */
static inline uint64_t measure_size(const struct flow_table *flows, const struct flow *f)
{
    const uint64_t *size = flow_table_beside(flows, f, FLOW_BESIDE_SINK);
    return *size;
}

#endif
