/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is expected: facts that were announced, found again by their keys, the newest for each key.
 * A bounded number is kept; the oldest are forgotten and counted, so that a flood of announcements
 * that nothing fulfils costs no more than EXPECT_MAX of them. What is forgotten depends on the
 * order of announcements alone.
 */
#ifndef CLEAVE_SIGHT_EXPECT_H
#define CLEAVE_SIGHT_EXPECT_H

#include "base/keyed.h"
#include "base/spill.h"
#include "sight/sight.h"

enum {
    EXPECT_MAX = 1 << 20,    /* facts */
    EXPECT_NAMES = 32 << 20, /* bytes of names that they may refer to */
};

/* A name that was kept with a fact: it may be gone when it is asked for. */
struct expect_name {
    uint64_t at; /* of all bytes of names so far */
    uint32_t len;
};

struct expect {
    struct keyed_hash key;
    int64_t ts_ns;
    uint64_t serial; /* from 1, in the order of announcements */
    uint32_t flow;   /* that announced it */
    uint32_t lookup; /* 0: none */
    struct expect_name name;
    struct keyed_hash session; /* the key of what must be there, too; all 0: nothing */
    uint32_t next;             /* with the same hash, number + 1; 0: none */
    uint16_t dialogs;          /* of a session: who has answered, a bit each (announce.c) */
    uint8_t relation;
    bool once : 1; /* the first flow that it is found for takes it */
    bool used : 1; /* somebody has found it */
    bool live : 1; /* it is in the table */
};

struct expects {
    struct spill *spill; /* borrowed */
    struct expect **chunks;
    size_t chunks_cap;
    uint32_t *heads; /* number + 1 of each bucket's first */
    uint32_t mask;   /* buckets - 1; 0: none yet */
    uint64_t serial; /* of the newest */
    uint64_t forgotten;
    char *names; /* a ring; NULL: no name yet */
    uint64_t names_at;
};

void expects_init(struct expects *e, struct spill *spill);
void expects_fini(struct expects *e);

/* Keeps a name for facts that follow. false: no memory. */
CLV_MUST_CHECK bool expects_name(struct expects *e, const char *name, size_t len,
                                 struct expect_name *kept);

/* The name, terminated, in `to` of SIGHT_NAME bytes or more; false: it has been forgotten. */
bool expects_name_is(const struct expects *e, struct expect_name kept, char *to, size_t size);

/* Announces a fact, instead of an earlier one of its key. NULL: no memory; valid until the next. */
struct expect *expects_add(struct expects *e, struct keyed_hash key);

/* The fact of this key; NULL: none. Valid until the next is added. */
struct expect *expects_find(const struct expects *e, struct keyed_hash key);

/* It is over: it is found no more. */
void expects_end(struct expects *e, struct expect *x);

#endif
