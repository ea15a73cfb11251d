/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All or nothing: a directory of outputs, or a file, is made under a hidden name beside the target,
 * and takes the target's name when it is complete. Whatever happens before leaves the target as it
 * was. What is staged is locked (flock): a second run to the same target is refused; what a killed
 * run left has no lock any more, and is found by the next one.
 */
#ifndef CLEAVE_OUTPUT_PUBLISH_H
#define CLEAVE_OUTPUT_PUBLISH_H

#include <limits.h>

#include "base/io.h"
#include "cleave/split.h"
#include "output/made.h"

/* How messages speak of a file that is published, and which older one it replaces. */
struct publish_file {
    const char *option;                         /* that names it, as in cleave/option.h */
    const char *what;                           /* "cleave report": no other kind is replaced */
    bool replaces;                              /* false: nothing may be there */
    bool (*is_ours)(int dir, const char *name); /* false and an errno other than 0: not known */
};

/* How a run could do with less; NULL: it could not. */
struct publish_advice {
    const char *bytes, *files;
};

struct publish {
    char target[PATH_MAX];
    char staging[PATH_MAX];          /* "": none to clean up */
    int parent_fd;                   /* of the directory that both are in; -1: none */
    int fd;                          /* of staging, to read; -1: none */
    unsigned mode;                   /* of files; directories have io_dir_mode() */
    const struct publish_file *file; /* NULL: a directory */
    const struct made_run *replaces; /* a directory: NULL: nothing may be replaced */
    struct tree *tree;               /* to remove what there is without further memory */
    int old_fd;                      /* what was replaced, not removed yet; -1: none */
    uint64_t n_stale;                /* what killed runs to the same target left */
    char stale[PATH_MAX];            /* one of them */
    struct publish_advice advice;    /* what to do where something is full; set by the caller */
};

/* The file that marks a directory as an output of cleave: only such a one is replaced. */
#define PUBLISH_MARK "cleave.json"

enum { PUBLISH_PREFIX_MAX = 256 };

/* What hidden names of what is to be published as path begin with; a process's number follows. */
void publish_prefix(char prefix[PUBLISH_PREFIX_MAX], const char *path);

/* Nothing yet: what publish_fini() takes too. */
void publish_none(struct publish *p);

/*
 * Checks that target can be made and makes the staging directory. An empty directory is taken; an
 * output of an earlier run is replaced for `replaces` alone, which is borrowed, and with nothing in
 * it that must be kept. clean: what killed runs left is removed. On failure nothing has been made
 * and publish_fini() is harmless.
 */
CLV_MUST_CHECK bool publish_init(struct publish *p, const char *target, unsigned mode,
                                 const struct made_run *replaces, bool clean,
                                 struct clv_error *err);

/* false: what is to be published needs at least so much more, and there is no room for it. */
CLV_MUST_CHECK bool publish_fits(const struct publish *p, const struct io_need *need,
                                 struct clv_error *err);

/* The directories above a target: those that were not there are made, and removed if the run fails.
 */
struct parents {
    char path[PATH_MAX];
    size_t len, kept; /* bytes of it; of those that were there */
};
void parents_none(struct parents *p);
CLV_MUST_CHECK bool parents_make(struct parents *p, const char *target, unsigned mode,
                                 struct clv_error *err);
void parents_remove(struct parents *p);

/* After a target could not be made: where that is for its directory, says that it could be, too.
 * Returns false. */
bool parents_hint(const struct clv_split_params *params, struct clv_error *err);

/* Makes the directories in a name below the staging directory, where they are not there yet. */
CLV_MUST_CHECK bool publish_dirs(const struct publish *p, char *name, struct clv_error *err);

/* Writes a whole small file into the staging directory. */
CLV_MUST_CHECK bool publish_put(struct publish *p, const char *name, const char *data, size_t len,
                                struct clv_error *err);

/* true: target can be the name of such a file, as far as can be known without looking. */
CLV_MUST_CHECK bool publish_file_named(const struct publish_file *file, const char *target,
                                       struct clv_error *err);

/*
 * The same for a file, which *out is open to write; the caller closes it, before publish_sync().
 * file is borrowed. It is removed by publish_fini() unless it was committed.
 */
CLV_MUST_CHECK bool publish_file_open(struct publish *p, const char *target, unsigned mode,
                                      const struct publish_file *file, bool clean, int *out,
                                      struct clv_error *err);

/* All that was written is on the disk, where that is asked for. */
CLV_MUST_CHECK bool publish_sync(struct publish *p, enum clv_sync sync, struct clv_error *err);

/* Gives what was staged the target's name. false: the target is as it was. */
CLV_MUST_CHECK bool publish_commit(struct publish *p, struct clv_error *err);

/*
 * What is to be done when the target has its name: CLV_SYNC_FULL, and to remove what it replaced.
 * false: the target is there all the same, and *err says what is not done.
 */
bool publish_finish(struct publish *p, enum clv_sync sync, struct clv_error *err);

/* The three one after the other. *after: what publish_finish() has to say; it may be NULL. */
CLV_MUST_CHECK bool publish_complete(struct publish *p, enum clv_sync sync, struct clv_error *after,
                                     struct clv_error *err);

/*
 * Removes what was not committed. Where that cannot be, a hint in *err, which may be NULL, says so;
 * if something is full, the hint says that nothing was published, what is full, and the advice.
 */
void publish_fini(struct publish *p, struct clv_error *err);

#endif
