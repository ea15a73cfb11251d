/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which blocks of a section an output gets. Of the secrets of TLS those whose client random stands
 * in a ClientHello of the output; of the names those of its addresses, where its key says them; of
 * what cannot be known, all. What an output gets follows from its records, its number, and the
 * ledger up to them: never from threads, windows or rounds.
 *
 * A section's metadata times the outputs may be without bound. So output number n gets no more of
 * it than an nth of METADATA_BASE and of the input so far: of what comes together all or nothing.
 *
 * Threads: any; a struct picks belongs to one output, and is used by one at a time.
 */
#ifndef CLEAVE_FORMAT_METADATA_H
#define CLEAVE_FORMAT_METADATA_H

#include <pthread.h>

#include "base/secret.h"
#include "walk/ledger.h"

#define METADATA_BASE (UINT64_C(64) << 20)

/* Entries of the ledger, or what refers to them: the entry in the upper half, see struct picked. */
struct metadata_list {
    uint64_t *p;
    size_t n, cap;
};

struct metadata_key {
    uint64_t hash; /* of a client random, or of an address; 0: free */
    struct metadata_list refs;
};

/* Of a run. */
struct metadata {
    const struct ledger *ledger;
    const struct secret *secret;
    pthread_mutex_t lock; /* guards all below */
    uint32_t n;           /* entries of the ledger that were looked at */
    struct metadata_entry {
        uint32_t tail; /* of names: where the options begin */
        uint8_t kind;
        bool used;  /* an output has it, or some of it */
        bool asked; /* of secrets: an output has a handshake that they belong to */
        bool whole; /* one has all of it */
    } * entries;
    size_t entries_cap;
    struct metadata_list all, secrets, names; /* entries, in order */
    struct metadata_list rest;                /* of secrets, those that belong to no handshake */
    struct metadata_list none;                /* is empty */
    bool has_rest;                            /* it was made */
    struct metadata_key *keys;                /* by hash, open addressing */
    size_t n_keys, n_slots;
};

bool metadata_init(struct metadata *m, const struct ledger *l, const struct secret *secret);
void metadata_fini(struct metadata *m);

/* A set of numbers that are not 0. */
struct metadata_set {
    uint64_t *slots;
    size_t n, n_slots;
};

/*
 * What is to be added to an output now, in order: an entry of the ledger in the upper half, and in
 * the lower one 0, or of a block of names the byte of a record in it. Those of one entry follow one
 * another.
 */
typedef struct metadata_list picked;

void picked_fini(picked *list);

/* What an output is, and what it has. A zeroed one gets all that there is, without bound. */
struct picks {
    uint64_t number;      /* of the output, from 1; 0: no bound */
    const uint8_t *a, *b; /* its addresses; NULL: it may have any */
    uint8_t family;
    bool may_hide;              /* it may be of QUIC */
    bool all_secrets;           /* it may have handshakes that cannot be seen */
    uint64_t bytes;             /* of metadata, so far */
    uint64_t beyond;            /* blocks that were too much */
    bool closed;                /* what is for all outputs was too much */
    struct metadata_set hellos; /* hashes of client randoms */
    struct metadata_set sent;   /* blocks of secrets, entry + 1 */
    picked last;                /* what follows the output's last record, once it is known */
};

void picks_fini(struct picks *p);

/*
 * Picks among the entries [from, to), which are of one section, for what is put before the
 * position. false: no memory.
 */
CLV_MUST_CHECK bool metadata_pick(struct metadata *m, struct picks *p, uint32_t from, uint32_t to,
                                  uint64_t position, picked *list);

/*
 * The output gets a ClientHello with this client random; NULL: one that cannot be seen. Its secrets
 * are picked among the entries [from, to). false: no memory.
 */
CLV_MUST_CHECK bool metadata_meet(struct metadata *m, struct picks *p, const uint8_t *random,
                                  uint32_t from, uint32_t to, uint64_t position, picked *list);

/*
 * What no output has a handshake for goes to all: once all outputs have their records, and nothing
 * but this is picked any more. false: no memory.
 */
CLV_MUST_CHECK bool metadata_rest(struct metadata *m, bool *any);
CLV_MUST_CHECK bool metadata_pick_rest(struct metadata *m, struct picks *p, uint32_t from,
                                       uint32_t to, uint64_t position, picked *list);

/* The same of a run that is over: what goes to all are these entries, in order. false: no memory.
 */
CLV_MUST_CHECK bool metadata_set_rest(struct metadata *m, const uint32_t *entries, size_t n);

/* Blocks that no output has, and names of others that none has. false: no memory. */
CLV_MUST_CHECK bool metadata_unused(struct metadata *m, uint64_t *n, uint64_t *names);

/*
 * Bytes that outputs would have of metadata, about: secrets count once. addresses: their keys say
 * theirs. false: no memory.
 */
CLV_MUST_CHECK bool metadata_foresee(struct metadata *m, uint64_t outputs, bool addresses,
                                     uint64_t input_bytes, uint64_t *bytes);

/* Where the options of a block of names begin; after them is its length. */
uint32_t metadata_tail(struct metadata *m, uint32_t entry);

#endif
