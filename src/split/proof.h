/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What outputs must hold, record for record, as 128 bits per output: a chain of XXH3 over the
 * records of its flow in the input's order. Who reads an output makes the same chain of what is
 * there. The chains are made from the references that the writers get, by reading the input once
 * more; of the writers nothing is used.
 */
#ifndef CLEAVE_SPLIT_PROOF_H
#define CLEAVE_SPLIT_PROOF_H

#include <assert.h>

#include "output/dialect.h"
#include "split/source.h"

struct partition;
struct flow;
struct flow_more;
struct writer_round;

/* A record as an output has to have it. Hashed as bytes: no padding. */
struct proof_record {
    uint64_t ticks;   /* its time, as the output counts it */
    uint64_t iface;   /* of pcapng: hash of its interface; else of what its header has beside */
    uint64_t options; /* of pcapng: hash of the block's options; 0: none */
    uint64_t data_lo, data_hi; /* hash of the packet's bytes */
    uint32_t caplen, origlen;
    uint64_t type; /* of pcapng: of the block */
};
static_assert(sizeof(struct proof_record) == 56, "hashed as bytes: no padding");

struct proof_digest {
    uint64_t lo, hi;
};

/* A multiset of records: their number, and the sums of their digests' halves. */
struct proof_sum {
    uint64_t lo, hi, n;
};

/* Of an output, so far. Zeroed at its beginning. */
struct proof {
    struct proof_digest chain;
    uint64_t n;    /* records */
    uint64_t next; /* in the run's input: where the last one ended */
};

/* What the last record was read with. Zeroed at the beginning. */
struct proof_place {
    struct walk_state state;
    uint64_t until; /* of the run's input: where it ends to hold */
    uint32_t iface; /* + 1, of which iface_hash is; 0: none yet */
    uint64_t iface_hash;
};

struct proof_digest proof_digest(const struct proof_record *rec);
void proof_add(struct proof *p, const struct proof_digest *d);
void proof_sum_add(struct proof_sum *sum, const struct proof_digest *d);
/* 32 hexadecimal digits, the high half first. */
enum { PROOF_SUM_TEXT = 33 };
void proof_sum_text(const struct proof_sum *sum, char text[PROOF_SUM_TEXT]);
void proof_sum_join(struct proof_sum *sum, const struct proof_sum *more);

/* How an output of the dialect's form has the record that was read from such a file. */
void proof_of_output(struct proof_record *out, struct proof_place *place, enum dialect_form form,
                     const struct walk_format *f, const struct ledger *l,
                     const struct walk_record *rec, uint32_t iface, bool big_endian);

/* An output, and what it must hold. */
struct proof_output {
    const char *name;
    const struct flow *flow;
    const struct flow_more *more; /* NULL: the key has none */
    const struct dialect *dialect;
    const struct proof *proof;
};

/* Who holds outputs against the input. */
struct proof_plan {
    /* Looks at an output. Threads: any, of different outputs side by side. */
    bool (*output)(void *user, const struct proof_output *o, struct clv_error *err);
    /* The next bytes that the manifest must have. */
    bool (*manifest)(void *user, const char *text, size_t len, struct clv_error *err);
    /* NULL, or: who wants to know each record of the output, or NULL. Threads: as output(). */
    void *(*trace)(void *user, const char *name);
    bool (*record)(void *tracer, const struct proof_record *rec, const struct source *s,
                   uint64_t offset, struct clv_error *err);
    void *user;
    struct proof_sum walked; /* all records of the input, whatever became of them */
};

/* Adds the records that a partition is about to write, of the window v, to what is expected. */
CLV_MUST_CHECK bool proof_of_partition(const struct proof_plan *plan, struct partition *p,
                                       const struct view *v, const struct writer_round *round,
                                       struct clv_error *err);

/*
 * Adds the records in [from, to) of a window, as a walk of its own finds them; from is the byte of
 * one, and nothing in between is damaged.
 */
void proof_walk(struct proof_sum *sum, const struct dialect *d, const struct view *v, size_t from,
                size_t to);

#endif
