/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the outputs of a partition's flows go: which file, from which byte on. A sink is asked once
 * per output and round of writing, and never per record. Threads: one at a time per sink.
 */
#ifndef CLEAVE_OUTPUT_SINK_H
#define CLEAVE_OUTPUT_SINK_H

#include "format/stage.h"

struct sink;

struct sink_ops {
    /* Bytes that the sink keeps of each flow, a multiple of 8, zeroed at first: `beside` below. */
    size_t beside;

    /*
     * The output is about to be written: *place is where its next bytes go. name is what it is
     * called, and is the same each time. After success end() follows, before anything else.
     */
    bool (*begin)(struct sink *sink, void *beside, const char *name, struct stage_place *place,
                  struct clv_error *err);

    /*
     * The output lies at *place now: its size is another. last: it gets no more in this round, and
     * nothing at all unless more is missing at the end of the run. err is NULL where writing failed
     * and was reported: the output is not to be trusted.
     */
    bool (*end)(struct sink *sink, void *beside, const struct stage_place *place, bool last,
                struct clv_error *err);

    /* No output is open from here on. false: some could not be closed cleanly; all are closed. */
    bool (*close)(struct sink *sink, struct clv_error *err);
};

/* The first member of each sink. */
struct sink {
    const struct sink_ops *ops;
};

/* end() of a sink that keeps, first of all, an output's size, 8 bytes; close() where none is open.
 */
static inline bool sink_end_sized(struct sink *sink, void *beside, const struct stage_place *place,
                                  bool last, struct clv_error *err)
{
    uint64_t *size = beside;
    (void)sink, (void)last, (void)err;
    *size = place->size;
    return true;
}

static inline bool sink_close_none(struct sink *sink, struct clv_error *err)
{
    (void)sink, (void)err;
    return true;
}

#endif
