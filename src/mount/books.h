/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of the directory that are no outputs: cleave.json, which the index has, and the
 * manifest, which is made of its rows once somebody asks for it, into a file without a name.
 */
#ifndef CLEAVE_MOUNT_BOOKS_H
#define CLEAVE_MOUNT_BOOKS_H

#include <pthread.h>

#include "index/opened.h"

#define BOOKS_RECEIPT "cleave.json"

struct books {
    struct index *ix;
    pthread_mutex_t *lock; /* of the index's database */
    enum clv_manifest kind;
    const char *manifest; /* its name; NULL: there is none */
    int fd;               /* of the manifest; -1: it is not made yet */
    uint64_t size;
};

void books_init(struct books *b, struct index *ix, pthread_mutex_t *lock);
void books_fini(struct books *b);

/* Makes the manifest, if it is not there yet: its size. Threads: any. */
CLV_MUST_CHECK bool books_manifest(struct books *b, uint64_t *size, struct clv_error *err);

/* Up to len bytes of cleave.json, or of the manifest, which was made, from byte `at` on. */
CLV_MUST_CHECK bool books_get(const struct books *b, bool manifest, uint8_t *to, size_t len,
                              uint64_t at, size_t *n, struct clv_error *err);

#endif
