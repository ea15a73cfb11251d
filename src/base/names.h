/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of names, each known by 128 bits of a hash whose key nobody can foresee: should two names
 * ever share them, which nobody can bring about, they are one here.
 *
 * Threads: one adds at a time; who finds does so when nobody adds.
 */
#ifndef CLEAVE_BASE_NAMES_H
#define CLEAVE_BASE_NAMES_H

#include "base/keyed.h"

struct names_entry {
    struct keyed_hash hash;
    union {
        unsigned again;  /* names that were made of this one, for those that wanted it too */
        uint32_t number; /* the caller's */
    };
    uint8_t kind; /* the caller's */
    bool used;
};

/* All zero: none. */
struct names {
    struct names_entry *slots; /* open addressing */
    size_t n, cap;             /* the capacity is a power of two, or 0 */
};

void names_fini(struct names *t);

/* NULL: it is not there. Valid until the next one is added. */
struct names_entry *names_find(const struct names *t, struct keyed_hash hash);

/* The same, which is added if it is not there: *is_new. NULL: no memory. */
struct names_entry *names_add(struct names *t, struct keyed_hash hash, bool *is_new);

#endif
