/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of an output, from anywhere in it, made of the captures' records where they lie. Where
 * outputs are a header and records as the captures have them, places in the output are noted while
 * it is read, so that a seek costs little. All others are made from their beginnings on: reading
 * goes on from where it is, and a seek backwards beyond what is kept begins anew.
 *
 * A capture that has changed gives no bytes, but an error.
 */
#ifndef CLEAVE_MOUNT_READING_H
#define CLEAVE_MOUNT_READING_H

#include <pthread.h>

#include "index/collect.h"
#include "mount/watch.h"

struct reading;

/* All that are open. What they hold in memory stays below a bound, as long as it can. */
struct readings {
    struct index *ix;
    pthread_mutex_t *db;       /* guards the index's database */
    const struct watch *watch; /* of the index's captures, by number, and of the index itself */
    uint64_t memory;
    pthread_mutex_t lock; /* guards what follows */
    struct reading *newest, *oldest;
    uint64_t held;
    bool has_lock;
};

/* All is borrowed. On failure readings_fini() is harmless, as it is on a zeroed one. */
CLV_MUST_CHECK bool readings_init(struct readings *all, struct index *ix, pthread_mutex_t *db,
                                  const struct watch *watch, uint64_t memory,
                                  struct clv_error *err);
void readings_fini(struct readings *all); /* and those that are still open */

/* Of a row whose output has `size` bytes. NULL: *err says why. Threads: any. */
struct reading *reading_open(struct readings *all, int64_t row, uint64_t size,
                             struct clv_error *err);
void reading_close(struct reading *r);

/* Reads len bytes from byte `at` on, *n of them: fewer only at the end. Threads: any. */
CLV_MUST_CHECK bool reading_get(struct reading *r, uint8_t *to, size_t len, uint64_t at, size_t *n,
                                struct clv_error *err);

#endif
