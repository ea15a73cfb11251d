/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a directory holds that is to be replaced: the output of an earlier run, known by its record
 * and its manifest, and nothing else that somebody may want to keep.
 */
#ifndef CLEAVE_OUTPUT_MADE_H
#define CLEAVE_OUTPUT_MADE_H

#include "base/fail.h"
#include "base/names.h"
#include "base/tree.h"

/* Who wants to replace it. Strings are borrowed. */
struct made_run {
    const char *const *inputs; /* none of them may be lost; "-" is standard input */
    size_t n_inputs;
    const struct keyed *key; /* of the names' hashes */
    struct names subs;       /* sub-directories that it is going to make, one for each input */
    bool all;                /* replace whatever else lies there */
};

/*
 * Whether all that is below the directory, open as dir, may be removed for the run. false: *err
 * says what may not, about subject.
 */
CLV_MUST_CHECK bool made_check(int dir, const char *subject, const struct made_run *run,
                               struct tree *tree, struct clv_error *err);

/* true: the file is a page of the report. false, and an errno other than 0: not known. */
bool made_is_page(int dir, const char *name);

#endif
