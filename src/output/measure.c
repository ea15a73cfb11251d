/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/measure.h"

static bool begin(struct sink *sink, void *beside, const char *name, struct stage_place *place,
                  struct clv_error *err)
{
    const uint64_t *size = beside;
    (void)sink, (void)name, (void)err;
    *place = (struct stage_place){.fd = -1, .size = *size};
    return true;
}

void measure_init(struct measure *m, size_t kept)
{
    m->ops = (struct sink_ops){
        .beside = kept, .begin = begin, .end = sink_end_sized, .close = sink_close_none};
    m->sink.ops = &m->ops;
}
