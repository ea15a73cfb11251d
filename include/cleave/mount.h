/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An index as a directory: the one that clv_split() would have made of the index's captures with
 * its options, mounted read-only by FUSE. Nothing is copied: the bytes of its files are made of the
 * captures when they are read.
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

/* Set struct_size as CLV_MOUNT_PARAMS_INIT does; what else is zero is not asked for. All is
 * borrowed. */
struct clv_mount_params {
    size_t struct_size;
    const char *path;            /* of the index */
    const char *const *captures; /* where its captures are now, in their order */
    size_t n_captures;           /* 0: where they were, or beside the index */
    const char *dir;             /* an empty directory */
    uint64_t memory;             /* bytes that open files may hold, about; 0: 256 MiB */
    void (*ready)(void *user);   /* it is mounted; NULL: nobody is told */
    /* Asked at least once a second, and when a signal came; false: unmount. NULL: go on. */
    bool (*goes_on)(void *user);
    /* Somebody who read got an error (EIO), for this reason. Threads: any, one at a time, and not
     * beside ready(). NULL: nobody is told. */
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
 * Mounts the directory and serves it until somebody unmounts it (fusermount3 -u DIR), or goes_on()
 * says so. A capture that changes meanwhile gives those who read from it EIO, never wrong bytes.
 * Captures that are compressed, or were merged, are refused: they cannot be read from everywhere.
 * false: *err says why nothing was mounted, also where the library was built without libfuse.
 * Threads: any; signals are left to the caller, and must not be blocked in the calling thread.
 */
CLV_API CLV_MUST_CHECK bool clv_mount(const struct clv_mount_params *params, struct clv_error *err);

#ifdef __cplusplus
}
#endif

#endif
