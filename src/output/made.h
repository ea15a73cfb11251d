/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a directory holds that is to be replaced: the output of an earlier run, known by its record
 * and its manifest, and nothing else that somebody may want to keep.
 */
#ifndef CLEAVE_OUTPUT_MADE_H
#define CLEAVE_OUTPUT_MADE_H

#include "base/fail.h"
#include "base/tree.h"

/* Names by their hashes. All zero: none. */
struct made_names {
    uint64_t *slots;
    size_t n, cap;
    uint64_t seed;
};

enum made_added { MADE_NEW, MADE_KNOWN, MADE_NOMEM };
enum made_added made_names_add(struct made_names *names, const void *p, size_t len);
bool made_names_has(const struct made_names *names, const void *p, size_t len);
void made_names_fini(struct made_names *names);

/* Who wants to replace it. Strings are borrowed. */
struct made_run {
    const char *const *inputs; /* none of them may be lost; "-" is standard input */
    size_t n_inputs;
    struct made_names subs; /* sub-directories that it is going to make, one for each input */
    bool all;               /* replace whatever else lies there */
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
