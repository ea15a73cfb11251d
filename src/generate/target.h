/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where something that is made goes: a file, which takes its name when it is complete, or what
 * takes bytes as they come: standard output, a pipe, a device.
 */
#ifndef CLEAVE_GENERATE_TARGET_H
#define CLEAVE_GENERATE_TARGET_H

#include "base/fail.h"

struct target {
    int fd;                /* to write; who closes it sets -1 */
    struct staged *staged; /* a file that has no name yet; NULL: none */
};

/*
 * path: "-" is standard output; it is borrowed. option: that names it, for hints. overwrite: a file
 * that is there is replaced. On failure nothing is open, and nothing new is there.
 */
CLV_MUST_CHECK bool target_open(struct target *t, const char *option, const char *path,
                                bool overwrite, struct clv_error *err);

/* false: the file system has no room for so many bytes. */
CLV_MUST_CHECK bool target_fits(const struct target *t, uint64_t bytes, struct clv_error *err);

/* Everything is written and closed: the file takes its name. true, and *err filled: it has, but the
 * file that it replaced could not be removed; *err names it. */
CLV_MUST_CHECK bool target_publish(struct target *t, struct clv_error *err);

/* Closes what is open, and removes what was not published; what cannot be is hinted at in *err,
 * which may be NULL. Harmless on one that is zero but for fd, which is -1. */
void target_fini(struct target *t, struct clv_error *err);

#endif
