/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flows of one partition: a flat open-addressing table of 8-byte slots over entries that never
 * move. A slot holds 32 bits of the hash and the entry's number; the hash finds candidates, the
 * full key decides. Entries are numbered in the order in which they were made.
 *
 * Threads: one at a time. Partitions share nothing.
 */
#ifndef CLEAVE_FLOW_TABLE_H
#define CLEAVE_FLOW_TABLE_H

#include <stdatomic.h>

#include "base/mem.h"
#include "base/spill.h"
#include "flow/anykey.h"
#include "flow/cut.h"

struct flow_sums {
    uint64_t packets;
    uint64_t captured; /* bytes */
    uint64_t wire;     /* bytes */
};

/*
 * What a record adds to its flow. Fields from `name` on belong to the writing side, which runs
 * beside the finding side; the others are written by flow_table users only.
 */
struct flow {
    struct flow_key key;
    int64_t last_ns;  /* latest time seen */
    uint32_t run;     /* this flow's run in the epoch below */
    uint32_t epoch;   /* the last epoch in which a record came; epochs count from 1 */
    uint8_t reversed; /* the first record went from key endpoint b to a; of parts, their flow's */
    uint8_t tcp_flags[2];    /* seen, by direction: a to b, b to a */
    uint8_t kind;            /* of output, of the first record: a number of the dialect's */
    uint32_t index;          /* the entry's own number */
    struct flow_sums sum[2]; /* by direction */
    int64_t first_ns;        /* earliest time seen */
    uint32_t n;              /* number in order of appearance, from 1; `other` counts apart */

    uint32_t name;                /* where in the partition's names */
    uint8_t icmp_type, icmp_code; /* of the first record, if has_icmp */
    bool has_icmp;
    uint8_t opened; /* enum flow_opened */
};

/* Who opened a flow, where TCP's handshake tells it. */
enum flow_opened {
    FLOW_OPENED_SYN = 1 << 0,    /* the first record is a SYN, which that end sent */
    FLOW_OPENED_SYNACK = 1 << 1, /* or a SYN-ACK, which was sent to that end */
    FLOW_OPENED_BY_B = 1 << 2,   /* that end is b; else a */
};

/* The same of its first record, which has these flags and this direction. */
static inline uint8_t flow_opened_by(uint8_t tcp_flags, unsigned dir)
{
    enum { SYN = 0x02, ACK = 0x10 };
    if (!(tcp_flags & SYN))
        return 0;
    const bool answers = tcp_flags & ACK;
    return (uint8_t)((answers ? FLOW_OPENED_SYNACK : FLOW_OPENED_SYN) |
                     (dir != answers ? FLOW_OPENED_BY_B : 0));
}

#define FLOW_NONE UINT32_MAX

/*
 * What a flow's key has of its source, else of its destination; NULL or false: it has none. The
 * source is the sender of the flow's first record, unless the key says who is a.
 */
static inline bool flow_end_is_a(const struct flow *f, bool src)
{
    return src != (bool)f->reversed;
}

static inline bool flow_end_has(const struct flow_by *by, const struct flow *f, bool src,
                                enum flow_end what)
{
    return (flow_end_is_a(f, src) ? by->a : by->b) & what;
}

static inline const uint8_t *flow_addr(const struct flow_by *by, const struct flow *f, bool src)
{
    if (!f->key.family || !flow_end_has(by, f, src, FLOW_END_ADDR))
        return NULL;
    return flow_end_is_a(f, src) ? f->key.a : f->key.b;
}

static inline bool flow_port(const struct flow_by *by, const struct flow *f, bool src,
                             uint16_t *port)
{
    *port = flow_end_is_a(f, src) ? f->key.a_port : f->key.b_port;
    return flow_has_ports(&f->key) && flow_end_has(by, f, src, FLOW_END_PORT);
}

/*
 * true: the flow's source is its client, as the key or a handshake says, or else as the ports make
 * one guess.
 */
bool flow_from_client(const struct flow_by *by, const struct flow *f);

static inline const uint8_t *flow_mac(const struct flow_by *by, const struct flow *f,
                                      const struct flow_extra *extra, bool src)
{
    if (!extra || !extra->has_mac || !flow_end_has(by, f, src, FLOW_END_MAC))
        return NULL;
    return flow_end_is_a(f, src) ? extra->a_mac : extra->b_mac;
}

enum {
    FLOW_CHUNK_BITS = 6, /* entries per chunk */
    FLOW_CHUNK = 1 << FLOW_CHUNK_BITS,
    FLOW_DIRECTORIES = 32,
};

struct flow_slot {
    uint32_t hash;
    uint32_t entry; /* number + 1; 0: free */
};

/* What may be kept of each flow beside its entry. */
enum flow_beside {
    FLOW_BESIDE_EXTRA, /* struct flow_extra, of keys of any fields */
    FLOW_BESIDE_CUT,
    FLOW_BESIDE_OUTER,
    FLOW_BESIDE_PROOF,
    FLOW_BESIDE_POSITIONS, /* struct positions */
    FLOW_BESIDE_WATCH,     /* struct watch, of a pass (scan/relate.h) */
    FLOW_BESIDE_TRAIL,     /* struct trail, of pcapng outputs */
    FLOW_BESIDE_TAIL,      /* uint32_t: bytes of a compressed output that wait */
    FLOW_BESIDE_SINK,      /* what the sink knows of the output */
    FLOW_BESIDES,
};

/*
 * Entries lie in chunks, which a directory lists. A directory that has become too small is copied
 * and kept to the end: who still reads it finds all entries that there were. A chunk has what is
 * beside its entries behind them, kind for kind.
 */
struct flow_table {
    struct flow_slot *slots;
    uint32_t mask;       /* slots - 1 */
    uint32_t n;          /* entries */
    struct spill *spill; /* for chunks; NULL: plain memory */
    size_t chunk_size;   /* bytes */
    struct {
        size_t at, size; /* bytes, in a chunk and of each flow; 0: not kept */
    } beside[FLOW_BESIDES];
    struct flow **_Atomic chunks;
    uint32_t chunks_cap;
    unsigned n_directories;
    struct flow **directories[FLOW_DIRECTORIES]; /* the last one is in use */
};

/* On failure the table is empty and may be passed to flow_table_fini(). */
CLV_MUST_CHECK bool flow_table_init(struct flow_table *t);
void flow_table_fini(struct flow_table *t);

/* Of each flow size bytes are kept too, a multiple of 4, zeroed at first. Before the first flow. */
void flow_table_keep(struct flow_table *t, enum flow_beside what, size_t size);

/* The byte of entry i's chunk at which what is kept beside it lies; it must be kept. */
CLV_INLINE size_t flow_table_beside_at(const struct flow_table *t, uint32_t i,
                                       enum flow_beside what)
{
    return t->beside[what].at + i * t->beside[what].size;
}

/* What is kept beside flow f; it must be kept. It never moves. */
CLV_INLINE const void *flow_table_beside(const struct flow_table *t, const struct flow *f,
                                         enum flow_beside what)
{
    const uint32_t i = f->index & (FLOW_CHUNK - 1);
    return (const char *)(f - i) + flow_table_beside_at(t, i, what);
}

/* The same, to be written, by whoever may write f. */
CLV_INLINE void *flow_table_beside_rw(const struct flow_table *t, struct flow *f,
                                      enum flow_beside what)
{
    const uint32_t i = f->index & (FLOW_CHUNK - 1);
    return (char *)(f - i) + flow_table_beside_at(t, i, what);
}

/* To be read, or NULL: it is not kept. */
CLV_INLINE const void *flow_table_beside_if(const struct flow_table *t, const struct flow *f,
                                            enum flow_beside what)
{
    return t->beside[what].at ? flow_table_beside(t, f, what) : NULL;
}

CLV_INLINE const struct flow_extra *flow_table_extra(const struct flow_table *t,
                                                     const struct flow *f)
{
    return flow_table_beside(t, f, FLOW_BESIDE_EXTRA);
}

/* Safe beside flow_table_add() for entries that were there before: they never move. */
static inline struct flow *flow_table_at(const struct flow_table *t, uint32_t i)
{
    struct flow **chunks = atomic_load_explicit(&t->chunks, memory_order_acquire);
    return &chunks[i >> FLOW_CHUNK_BITS][i & (FLOW_CHUNK - 1)];
}

/* Starts the load of entry i, which lies in three lines of the cache. */
static inline void flow_table_prefetch_entry(const struct flow_table *t, uint32_t i)
{
    const struct flow *f = flow_table_at(t, i);
    static_assert(sizeof *f > 128 && sizeof *f <= 192 && offsetof(struct flow, sum) == 64,
                  "each line is asked for");
    __builtin_prefetch(f);
    __builtin_prefetch(f->sum);
    __builtin_prefetch(&f->name);
}

/* The same, and what is kept beside it, whose place follows from the number. */
static inline void flow_table_prefetch(const struct flow_table *t, uint32_t i,
                                       enum flow_beside what)
{
    const struct flow *f = flow_table_at(t, i);
    const uint32_t in_chunk = i & (FLOW_CHUNK - 1);
    flow_table_prefetch_entry(t, i);
    __builtin_prefetch((const char *)(f - in_chunk) + flow_table_beside_at(t, in_chunk, what), 1);
}

static inline void flow_table_prefetch_slot(const struct flow_table *t, uint64_t hash)
{
    __builtin_prefetch(&t->slots[(uint32_t)hash & t->mask]);
}

/*
 * To be called when the slot has arrived: returns the first entry that shares 32 bits of the hash,
 * which is nearly always the one that flow_table_find() would find, and starts its load. NULL:
 * none.
 */
static inline struct flow *flow_table_candidate(const struct flow_table *t, uint64_t hash)
{
    for (uint32_t i = (uint32_t)hash & t->mask;; i = (i + 1) & t->mask) {
        const struct flow_slot s = t->slots[i];
        if (CLV_UNLIKELY(s.entry == 0))
            return NULL;
        if (CLV_LIKELY(s.hash == (uint32_t)hash)) {
            struct flow *f = flow_table_at(t, s.entry - 1);
            __builtin_prefetch(f, 1);
            __builtin_prefetch(&f->sum[0], 1);
            return f;
        }
    }
}

/*
 * Adds a flow that is known to be absent. extra is for tables that keep it, NULL for others.
 * Returns its number, or FLOW_NONE: no memory.
 */
uint32_t flow_table_add(struct flow_table *t, const struct flow_key *key,
                        const struct flow_extra *extra, uint64_t hash) CLV_COLD;

/*
 * Adds a flow with the key of entry i, which is found no more: its key leads to the new one.
 * Returns its number, or FLOW_NONE: no memory.
 */
uint32_t flow_table_replace(struct flow_table *t, uint32_t i, uint64_t hash) CLV_COLD;

/*
 * The flow that a record is of where something cuts flows: f, which has its key, or the one after
 * f; *ended: the flow that the record ended by beginning another, or NULL. FLOW_BESIDE_CUT is kept.
 * NULL: no memory.
 */
struct flow *flow_table_cut(struct flow_table *t, const struct flow_cuts *cuts, struct flow *f,
                            uint64_t hash, const struct flow_step *step, struct flow **ended);

/* true: flow f has the key. */
CLV_INLINE bool flow_table_is(const struct flow_table *t, const struct flow *f,
                              const struct flow_key *key, const struct flow_extra *extra)
{
    return CLV_LIKELY(flow_key_equal(&f->key, key)) &&
           (!extra || memcmp(flow_table_extra(t, f), extra, sizeof *extra) == 0);
}

/* Returns the number of the key's flow, or FLOW_NONE: absent. */
CLV_INLINE uint32_t flow_table_find(const struct flow_table *t, const struct flow_key *key,
                                    const struct flow_extra *extra, uint64_t hash)
{
    for (uint32_t i = (uint32_t)hash & t->mask;; i = (i + 1) & t->mask) {
        const struct flow_slot s = t->slots[i];
        if (s.entry == 0)
            return FLOW_NONE;
        if (s.hash == (uint32_t)hash && flow_table_is(t, flow_table_at(t, s.entry - 1), key, extra))
            return s.entry - 1;
    }
}

#endif
