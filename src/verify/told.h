/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a run says of itself in cleave.json: its parameters, so that it can be done again, and its
 * counts.
 */
#ifndef CLEAVE_VERIFY_TOLD_H
#define CLEAVE_VERIFY_TOLD_H

#include <limits.h>

#include "cleave/split.h"

struct told {
    char path[PATH_MAX];            /* of the record */
    struct clv_split_params params; /* inputs are what they were called then */
    bool each;                      /* outputs lie in a directory per input; params.each is false */
    uint64_t *sizes;                /* bytes of the inputs then; 0: not known */
    struct clv_split_result counts; /* as far as it tells them */
    const char *digest;             /* of the inputs' records; NULL: none is told */
    const char *report;             /* a page among the outputs; NULL: none */
    void *json;                     /* owns all strings */
};

/* Reads the record of the directory. On failure told_fini() is harmless. */
CLV_MUST_CHECK bool told_read(struct told *t, const char *dir, struct clv_error *err);
void told_fini(struct told *t);

#endif
