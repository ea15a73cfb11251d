/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All or nothing: outputs are written into a hidden directory beside the target, which takes the
 * target's name when it is complete. Whatever happens before leaves the target as it was.
 */
#ifndef CLEAVE_OUTPUT_PUBLISH_H
#define CLEAVE_OUTPUT_PUBLISH_H

#include <limits.h>

#include "base/fail.h"
#include "cleave/split.h"

struct publish {
    char target[PATH_MAX];
    char staging[PATH_MAX]; /* "": none to clean up */
    int dir_fd;             /* of staging; -1: none */
    unsigned mode;          /* of files; directories have io_dir_mode() */
    bool force;
    uint64_t n_stale;     /* staging directories of killed runs to the same target that are left */
    char stale[PATH_MAX]; /* one of them */
};

/* The file that marks a directory as an output of cleave: only such a one is replaced. */
#define PUBLISH_MARK "cleave.json"

enum { PUBLISH_PREFIX_MAX = 256 };

/* What hidden names of what is to be published as path begin with; a process's number follows. */
void publish_prefix(char prefix[PUBLISH_PREFIX_MAX], const char *path);

/*
 * Checks that target can be made and makes the staging directory, which is locked (flock) as long
 * as it is in use: a second run to the same target is refused. force: an output of an earlier run
 * may be replaced. clean: what killed runs left is removed. On failure nothing has been made and
 * publish_fini() is harmless.
 */
CLV_MUST_CHECK bool publish_init(struct publish *p, const char *target, unsigned mode, bool force,
                                 bool clean, struct clv_error *err);

/* Writes a whole small file into the staging directory. */
CLV_MUST_CHECK bool publish_file(struct publish *p, const char *name, const char *data, size_t len,
                                 struct clv_error *err);

/*
 * Gives the staging directory the target's name. sync: what is in it is on the disk before that.
 * false: the target is as it was.
 */
CLV_MUST_CHECK bool publish_commit(struct publish *p, enum clv_sync sync, struct clv_error *err);

/* Removes what was not committed. */
void publish_fini(struct publish *p);

#endif
