/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a run says of itself in cleave.json: its parameters, so that it can be done again, and its
 * counts.
 */
#ifndef CLEAVE_JOB_RECEIPT_READ_H
#define CLEAVE_JOB_RECEIPT_READ_H

#include <limits.h>

#include "cleave/split.h"

struct told {
    char path[PATH_MAX];            /* of the record */
    struct clv_split_params params; /* inputs are what they were called then */
    bool each;                      /* outputs lie in a directory per input; params.each is false */
    bool part;                      /* with each: it is the record of one of these directories */
    uint64_t *sizes;                /* bytes of the inputs then; 0: not known */
    const char **compressions;      /* of the inputs then; NULL: none */
    uint64_t written_bytes;         /* of all outputs */
    bool *left_out;                 /* by input: it could not be read then */
    const char *digest;             /* of the inputs' records; NULL: none is told */
    const char *report;             /* a page among the outputs; NULL: none */
    void *json;                     /* owns all strings */
};

/*
 * Reads the record of the directory, a regular file of bounded size. n_named: inputs that the
 * caller knows of; more of them may make it longer. On failure told_fini() is harmless.
 */
CLV_MUST_CHECK bool told_read(struct told *t, const char *dir, size_t n_named,
                              struct clv_error *err);
void told_fini(struct told *t);

/* Who is told where a record is not what it should be; what says how, without its path. */
typedef void told_difference(const char *what, void *user);

/*
 * Compares the record with what it should be, a text of len bytes. The version is that of who wrote
 * it: one that is known. What differs is told, up to a bound.
 */
CLV_MUST_CHECK bool told_compare(const struct told *t, const char *text, size_t len,
                                 told_difference *tell, void *user, struct clv_error *err);

/* The same of the options that a directory's record has in common with that of a part of it. */
void told_compare_part(const struct told *t, const struct told *part, told_difference *tell,
                       void *user);

#endif
