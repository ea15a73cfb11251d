/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is written early and read late, such as what a run keeps of flows that have ended.
 * Up to a bound it is plain memory, in large pages once it is more than a little. Beyond it lies on
 * mapped pages of a file without a name, so that the system can write them out and take their
 * memory back; when there is no room for the file, plain memory goes on.
 *
 * Threads: any, on one spill. NULL stands for a spill without a bound.
 */
#ifndef CLEAVE_BASE_SPILL_H
#define CLEAVE_BASE_SPILL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spill {
    pthread_mutex_t lock;
    uint64_t left;   /* bytes of plain memory */
    uint64_t plain;  /* bytes of it that were handed out */
    const char *dir; /* the file's place; NULL: no file */
    int fd;          /* -1: no file yet */
    uint64_t size;   /* of the file, bytes */
    struct spill_extent {
        char *p;
        size_t size, used; /* bytes */
        bool in_file;
    } * extents;
    size_t n_extents, cap_extents;
};

/* dir: a directory for a file, which has no name there, while the spill is in use; or NULL. */
void spill_init(struct spill *s, uint64_t bound, const char *dir);

/* All that was allocated is gone, except for what was allocated while there was little of it. */
void spill_fini(struct spill *s);

/* Uninitialised, aligned for any type. NULL: no memory. */
void *spill_alloc(struct spill *s, size_t n, size_t size);

/* To be called for each allocation, as the first ones are given back by it. */
void spill_free(const struct spill *s, void *p);

#endif
