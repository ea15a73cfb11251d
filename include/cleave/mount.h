/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An index as a directory: the one that clv_split() would have made of the index's captures with
 * its options, mounted read-only by FUSE. Nothing is copied: the bytes of its files are read from
 * the captures on demand.
 */
#ifndef CLEAVE_MOUNT_H
#define CLEAVE_MOUNT_H

#include "cleave/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Set struct_size as CLV_MOUNT_PARAMS_INIT does; members other than path and dir may be zero.
 * Everything is borrowed. */
struct clv_mount_params {
    size_t struct_size;
    const char *path;            /* of the index */
    const char *const *captures; /* as in struct clv_result_params */
    size_t n_captures;           /* 0: where they were, or next to the index */
    const char *dir;             /* an empty directory */
    uint64_t memory;           /* approximate limit on the bytes held for open files; 0: 256 MiB */
    void (*ready)(void *user); /* called once it is mounted; NULL: none */
    /* Called at least once a second, and after a signal; return false to unmount. NULL: none. */
    bool (*goes_on)(void *user);
    /* Called when a reader got an error (EIO), with the reason. Threads: any, one at a time, and
     * not at the same time as ready(). NULL: none. */
    void (*failed)(const struct clv_error *why, void *user);
    void *user;
};

#ifdef __cplusplus
#define CLV_MOUNT_PARAMS_INIT                                                                      \
    {                                                                                              \
        sizeof(struct clv_mount_params)                                                            \
    }
#else
#define CLV_MOUNT_PARAMS_INIT                                                                      \
    {                                                                                              \
        .struct_size = sizeof(struct clv_mount_params),                                            \
    }
#endif

/*
 * Mounts the directory and serves it until it is unmounted (fusermount3 -u DIR), or goes_on()
 * returns false. If a capture changes in the meantime, reading from it fails with EIO and never
 * gives wrong bytes. Captures that are compressed or merged are refused: they can be read only from
 * the beginning.
 * false: *err says why nothing was mounted, also where the library was built without libfuse.
 * Threads: any; signals are left to the caller, and must not be blocked in the calling thread.
 */
CLV_API CLV_MUST_CHECK bool clv_mount(const struct clv_mount_params *params, struct clv_error *err);

#ifdef __cplusplus
}
#endif

#endif
