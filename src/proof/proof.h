/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What outputs must hold, record for record: a chain of keyed hashes per output over the records of
 * its flow, in the input's order. Who reads an output makes the same chain of what is there. The
 * chains are made from the references that the writers get, by reading the input once more; of the
 * writers nothing is used. The key is drawn for the verification, so that nobody can make records
 * that pass for others (base/keyed.h).
 */
#ifndef CLEAVE_PROOF_PROOF_H
#define CLEAVE_PROOF_PROOF_H

#include <assert.h>

#include "base/keyed.h"
#include "capture/source.h"
#include "format/dialect.h"

struct flow;
struct flow_extra;

/* A record as an output has to have it. Hashed as bytes: no padding. */
struct proof_record {
    struct keyed_hash data;    /* of the packet's bytes */
    struct keyed_hash iface;   /* of pcapng: its section and interface; else what its header has
                                  beside, and what of its time no savefile can hold */
    struct keyed_hash options; /* of pcapng: the block's options; 0: none */
    uint64_t ticks;            /* its time, as the output counts it */
    uint64_t type;             /* of pcapng: of the block, packets dropped before it, its padding */
    uint32_t caplen, origlen;
};
static_assert(sizeof(struct proof_record) == 72, "hashed as bytes: no padding");
static_assert(sizeof(struct proof_record) <= KEYED_FIXED, "hashed as a text of this length");

enum { PROOF_DIGEST = 32 }; /* bytes of a SHA-256 */

/* Records of the input: their number, and a sum over the places where they are. */
struct proof_sum {
    uint64_t n, places;
    /* Where somebody asks: digests of records and of the blocks between them, in their order. */
    uint8_t (*digests)[PROOF_DIGEST];
    size_t n_digests, digests_cap;
};

/* Of an output, so far. Zeroed at its beginning. */
struct proof {
    struct keyed_hash chain;
    uint64_t n;      /* records */
    uint64_t places; /* as in struct proof_sum */
    uint64_t next;   /* in the run's input: where the last one ended */
};

/* What the last record was read with. Zeroed at the beginning, but for the key. */
struct proof_place {
    const struct keyed *key; /* borrowed */
    struct walk_state state;
    uint64_t until; /* of the run's input: where it ends to hold */
    uint32_t iface; /* + 1, of which iface_hash is; 0: none yet */
    struct keyed_hash iface_hash;
};

struct keyed_hash proof_digest(const struct keyed *key, const struct proof_record *rec);
void proof_add(const struct keyed *key, struct proof *p, struct keyed_hash digest);

/* Empties it, and keeps its memory. */
void proof_sum_clear(struct proof_sum *sum);
void proof_sum_fini(struct proof_sum *sum);

/*
 * The digest of a run's captures, for cleave.json, which has no key: a SHA-256 of the SHA-256 of
 * each record and block, in their order, and of the savefiles' headers behind them. Nobody can make
 * another capture that has it.
 */
struct proof_origin;
enum { PROOF_ORIGIN_TEXT = 2 * PROOF_DIGEST + 1 };
bool proof_origin_supported(void);
CLV_MUST_CHECK bool proof_origin_begin(struct proof_origin **origin, struct clv_error *err);
void proof_origin_end(struct proof_origin *origin, const struct source *sources, size_t n,
                      char text[PROOF_ORIGIN_TEXT]);
void proof_origin_free(struct proof_origin **origin);

/* How an output of the dialect's form has the record that was read from such a file. */
void proof_of_output(struct proof_record *out, struct proof_place *place, enum dialect_form form,
                     const struct walk_format *f, const struct ledger *l,
                     const struct walk_record *rec, uint32_t iface, bool big_endian);

/* An output, and what it must hold. */
struct proof_output {
    const char *name; /* where it lies */
    const char *made; /* what the run calls it */
    uint32_t row;     /* where it stands among its like */
    const struct flow *flow;
    const struct flow_extra *extra; /* NULL: the key has none */
    const struct dialect *dialect;
    const struct proof *proof;
};

/* Who holds outputs against the input. */
struct proof_plan {
    /* NULL, or: looks at an output. Threads: any, of different outputs side by side. */
    bool (*output)(void *user, const struct proof_output *o, struct clv_error *err);
    /* NULL, or: the next bytes that the manifest must have. */
    bool (*manifest)(void *user, const char *text, size_t len, struct clv_error *err);
    /* NULL, or: who wants to know each record of the output, or NULL. Threads: as output(). */
    void *(*trace)(void *user, const char *name);
    bool (*record)(void *tracer, const struct proof_record *rec, const struct source *s,
                   uint64_t offset, struct clv_error *err);
    void *user;
    const struct keyed *key;
    struct proof_origin *origin; /* NULL: nobody asks for a digest of the captures */
    struct proof_sum walked;     /* all records of the input, whatever became of them */
};

/*
 * Adds to a proof the record of `len` bytes at `at` of the window, as the output `name` must have
 * it. place goes with the output, in the input's order; its `until` is 0 before the first record.
 * n_entries: of the ledger, that count. tracer: what plan->trace() returned.
 */
CLV_MUST_CHECK bool proof_expect(const struct proof_plan *plan, struct proof *proof,
                                 struct proof_place *place, const struct dialect *d,
                                 uint32_t n_entries, const struct view *v, size_t at, uint32_t len,
                                 const char *name, void *tracer, struct clv_error *err);

/*
 * Adds the records in [from, to) of a window, as a walk of its own finds them; from is the byte of
 * one, and nothing in between is damaged.
 */
CLV_MUST_CHECK bool proof_walk(const struct proof_plan *plan, struct proof_sum *sum,
                               const struct dialect *d, const struct view *v, size_t from,
                               size_t to, struct clv_error *err);

/* Adds what was walked to the plan's sum. In the input's order. */
void proof_join(struct proof_plan *plan, const struct proof_sum *walked);

#endif
