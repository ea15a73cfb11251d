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
#include "output/made.h"

struct publish {
    char target[PATH_MAX];
    char staging[PATH_MAX];          /* "": none to clean up */
    int parent_fd;                   /* of the directory that both are in; -1: none */
    int dir_fd;                      /* of staging; -1: none */
    unsigned mode;                   /* of files; directories have io_dir_mode() */
    const struct made_run *replaces; /* NULL: nothing may be replaced */
    struct tree *tree;               /* to remove what there is without further memory */
    int old_fd;                      /* what was replaced, not removed yet; -1: none */
    uint64_t n_stale;     /* staging directories of killed runs to the same target that are left */
    char stale[PATH_MAX]; /* one of them */
};

/* The file that marks a directory as an output of cleave: only such a one is replaced. */
#define PUBLISH_MARK "cleave.json"

enum { PUBLISH_PREFIX_MAX = 256 };

/* What hidden names of what is to be published as path begin with; a process's number follows. */
void publish_prefix(char prefix[PUBLISH_PREFIX_MAX], const char *path);

/* Nothing yet: what publish_fini() takes too. */
void publish_none(struct publish *p);

/*
 * Checks that target can be made and makes the staging directory, which is locked (flock) as long
 * as it is in use: a second run to the same target is refused. An empty directory is taken; an
 * output of an earlier run is replaced for `replaces` alone, which is borrowed, and with nothing in
 * it that must be kept. clean: what killed runs left is removed. On failure nothing has been made
 * and publish_fini() is harmless.
 */
CLV_MUST_CHECK bool publish_init(struct publish *p, const char *target, unsigned mode,
                                 const struct made_run *replaces, bool clean,
                                 struct clv_error *err);

/* Writes a whole small file into the staging directory. */
CLV_MUST_CHECK bool publish_file(struct publish *p, const char *name, const char *data, size_t len,
                                 struct clv_error *err);

/*
 * Gives the staging directory the target's name. sync: what is in it is on the disk before that.
 * false: the target is as it was.
 */
CLV_MUST_CHECK bool publish_commit(struct publish *p, enum clv_sync sync, struct clv_error *err);

/*
 * What is to be done when the target has its name: CLV_SYNC_FULL, and to remove what it replaced.
 * false: the target is there all the same, and *err says what is not done.
 */
bool publish_finish(struct publish *p, enum clv_sync sync, struct clv_error *err);

/* Removes what was not committed. Where that cannot be, a hint in *err, which may be NULL, says so.
 */
void publish_fini(struct publish *p, struct clv_error *err);

#endif
