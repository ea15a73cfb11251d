/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of flows beside their records: which flow led to each (its master), and the name of
 * what they speak with. A row per flow, by its number in order of appearance; rows are filled while
 * records are read in the capture's order, and settled when all are.
 *
 * A DNS flow is many lookups, each of which may lead to flows: a stub resolver's one socket ties
 * nothing together.
 *
 * Threads: one writes; any read once relations_settle() is done.
 */
#ifndef CLEAVE_FLOW_RELATIONS_H
#define CLEAVE_FLOW_RELATIONS_H

#include "base/spill.h"
#include "cleave/split.h"
#include "flow/table.h"

/* Why a flow has a master. A new kind is a row of the table in relations.c. */
enum relation {
    RELATION_NONE,
    RELATION_DNS,
    RELATION_SIP,
    RELATION_RTSP,
    RELATION_FTP,
    RELATION_TFTP,
    RELATION_HTTP,
    RELATION_ICMP,
    RELATIONS,
};

/* The application protocol that was recognised, which may also be where a name is from. */
enum app {
    APP_NONE,
    APP_DNS,
    APP_MDNS,
    APP_LLMNR,
    APP_SIP,
    APP_RTSP,
    APP_FTP,
    APP_TFTP,
    APP_HTTP,
    APP_TLS,
    APP_DTLS,
    APP_QUIC,
    APPS,
};

/* "dns" and the like; NULL: none. Static. */
const char *relation_word(enum relation relation);
const char *app_word(enum app app);

/* Where a name of this origin is from, "sni" for TLS say. Static. */
const char *app_name_word(enum app app);

/* A set of relations, bit by number: "all", or words between commas. */
CLV_MUST_CHECK bool relations_parse(uint16_t *set, const char *option, const char *text,
                                    struct clv_error *err);

/* What is asked for. */
struct relations_plan {
    uint16_t kinds;  /* of relations, bit by number; 0 and no names: nothing */
    bool names;      /* columns for them */
    bool called;     /* outputs are named by them */
    bool by_names;   /* groups are of all flows with one name */
    bool groups;     /* outputs are groups */
    uint32_t shards; /* outputs that groups are hashed onto; 0: each has its own */
    int64_t dns_window_ns, http_window_ns;
};

static inline bool relations_any(const struct relations_plan *plan)
{
    return plan->kinds || plan->names || plan->called;
}

/* The end of a flow that had looked up the other one. */
enum relation_client {
    RELATION_CLIENT_UNKNOWN,
    RELATION_CLIENT_A, /* of the key; while a flow begins: who sent its first record */
    RELATION_CLIENT_B,
};

struct relation_row {
    uint32_t master; /* its number; 0: none is known */
    uint32_t lookup; /* of the master, if that is DNS: a number of lookups; 0: none */
    int64_t lag_ns;  /* from what announced the flow to its first record */
    int64_t first_ns;
    uint32_t n_lookups;    /* of a DNS flow: those that began in it */
    uint32_t first_lookup; /* what its first message is of, wherever that began; 0: not DNS */
    uint32_t name;         /* 0: none */
    uint8_t relation, name_from, app;
    uint8_t fixed : 1;  /* the master is not looked for any more */
    uint8_t client : 2; /* enum relation_client */

    /* Settled: the flow that led to all this, in the end, or itself; and its lookup. */
    uint32_t root, root_lookup;
    uint32_t led; /* flows of which this is the root, itself not counted */
};

/* A DNS transaction: all questions of one client for one name, as far as they belong together. */
struct relation_lookup {
    uint32_t flow; /* of its first message */
    uint32_t n;    /* from 1, of those of this flow */
    uint32_t name; /* 0: none */
    uint32_t led;  /* settled: flows that it led to, in the end */
};

/* What a flow is known by, where outputs are groups of flows. */
struct relation_key {
    struct flow_key key;
    struct flow_extra extra;
    bool reversed; /* its first record went from endpoint b to a */
};

enum { RELATIONS_CHUNK = 1024 };

struct relations {
    struct spill *spill;        /* borrowed */
    struct relation_row **rows; /* chunks */
    struct relation_key **keys; /* beside the rows, if keeps_keys */
    struct relation_lookup **lookups;
    uint32_t n, n_lookups;
    size_t rows_cap, keys_cap, lookups_cap;
    bool keeps_keys;
    char **texts; /* blocks */
    size_t n_texts, texts_cap;
    uint32_t texts_at; /* free bytes of the last block begin here */
    /* As in struct clv_split_result. */
    uint64_t forgotten, unwatched, broken_messages;
};

void relations_init(struct relations *r, struct spill *spill);
void relations_fini(struct relations *r);

/* The row of flow number n, from 1. */
static inline struct relation_row *relations_row(const struct relations *r, uint32_t n)
{
    return &r->rows[(n - 1) / RELATIONS_CHUNK][(n - 1) % RELATIONS_CHUNK];
}

static inline struct relation_key *relations_key(const struct relations *r, uint32_t n)
{
    return &r->keys[(n - 1) / RELATIONS_CHUNK][(n - 1) % RELATIONS_CHUNK];
}

static inline struct relation_lookup *relations_lookup(const struct relations *r, uint32_t n)
{
    return &r->lookups[(n - 1) / RELATIONS_CHUNK][(n - 1) % RELATIONS_CHUNK];
}

/* Adds a row, or a lookup, zeroed: number r->n, r->n_lookups. NULL: no memory. */
struct relation_row *relations_add(struct relations *r);
struct relation_lookup *relations_add_lookup(struct relations *r);

/* Keeps a name. 0: no memory. */
uint32_t relations_keep(struct relations *r, const char *name, size_t len);
const char *relations_text(const struct relations *r, uint32_t name);

/* The name of a lookup, or where that is 0 of flow n; NULL: none. */
const char *relations_name(const struct relations *r, uint32_t n, uint32_t lookup);

/* What is known so far. */
void relations_count(const struct relations *r, struct clv_split_result *result);

/* All records were read: finds roots. */
void relations_settle(struct relations *r);

/* The same where the root of a flow that has a name is the first one with it. false: no memory. */
CLV_MUST_CHECK bool relations_settle_names(struct relations *r, const struct secret *secret);

#endif
