/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sink for a run that has one output: its bytes go to a descriptor as they come, which may be a
 * pipe's. A second output is an error.
 */
#ifndef CLEAVE_OUTPUT_SINGLE_H
#define CLEAVE_OUTPUT_SINGLE_H

#include <stdatomic.h>

#include "output/sink.h"

struct single {
    struct sink sink; /* first */
    int fd;           /* borrowed */
    const char *name; /* borrowed: how messages call it */
    _Atomic uint64_t writes;
    atomic_flag taken;
};

void single_init(struct single *s, int fd, const char *name);

/* What a stage does with the bytes that leave it: take of struct stage, with the sink as user. */
CLV_MUST_CHECK bool single_take(void *user, const uint8_t *p, size_t len, struct clv_error *err);

/* true: a file of that name, in the directory, may be replaced by a capture: it is one, or empty.
 */
bool single_is_ours(int dir, const char *name);

#endif
