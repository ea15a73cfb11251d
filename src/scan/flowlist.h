/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of flows, from a file with a row for each (listfile.h). A row has any of two addresses and
 * ports, a protocol, a Community ID, times, and a label; a record is of the row if it has all that
 * the row has, in either direction, within its times.
 */
#ifndef CLEAVE_SCAN_FLOWLIST_H
#define CLEAVE_SCAN_FLOWLIST_H

#include "base/secret.h"
#include "flow/key.h"

/* What a row has. */
enum flowlist_has {
    LIST_SRC = 1 << 0,
    LIST_DST = 1 << 1,
    LIST_SPORT = 1 << 2,
    LIST_DPORT = 1 << 3,
    LIST_PROTO = 1 << 4,
    LIST_ID = 1 << 5, /* a Community ID, and nothing else of these */
    LIST_SHAPES = 1 << 6,
};

struct flowlist_row {
    struct flow_key key; /* a: source, b: destination; of an ID: its text, from a[0] on; kind: what
                            of it the row has, enum flowlist_has */
    int64_t first_ns, last_ns; /* INT64_MIN and INT64_MAX: any; both: also none at all */
    uint32_t label;            /* 0: none */
    uint32_t line;             /* of the file, from 1 */
    uint32_t next;             /* the next row with this key + 1; 0: none */
    uint32_t last;             /* of the first row with this key: the last one */
};

struct flowlist_slot {
    uint32_t hash; /* of the key, its low bits: which find the slot, too */
    uint32_t row;  /* the first one of the key + 1; 0: free */
};

struct flowlist {
    struct flowlist_row *rows;
    size_t n, cap;
    uint8_t *met; /* by row: a record was of it */
    struct flowlist_slot *slots;
    size_t mask;
    uint8_t shapes[LIST_SHAPES]; /* that rows have */
    unsigned n_shapes;
    struct flow_labels labels;
    size_t labels_cap;
    uint32_t *label_slots;
    size_t label_mask;
    uint16_t community_seed;
    bool plain;      /* words and no rows: names of outputs, numbers, Community IDs */
    uint64_t worded; /* the first line with a word that is no Community ID; 0: none */
    struct secret secret;
};

CLV_MUST_CHECK bool flowlist_init(struct flowlist *list, uint16_t community_seed,
                                  struct clv_error *err);
void flowlist_fini(struct flowlist *list);

/* Adds a row, whose ends are put into order where they can be. false: no memory. */
CLV_MUST_CHECK bool flowlist_add(struct flowlist *list, const struct flowlist_row *row);

/* The number of a label, from 1; of "" 0. false: no memory. */
CLV_MUST_CHECK bool flowlist_label(struct flowlist *list, const char *text, uint32_t *label);

/* Rows that a record is of besides the one that it is given to. */
struct flowlist_more {
    uint32_t *rows;
    size_t n, cap;
    bool no_memory;
};

/* What is asked for; last_ns is later than first_ns for a flow. WALK_NO_TIME: it has no times. */
struct flowlist_ask {
    const struct clv_tuple *tuple;
    const uint8_t *icmp; /* type and code, or NULL */
    const char *id;      /* its Community ID, or NULL: it is worked out if it is needed */
    int64_t first_ns, last_ns;
};

/*
 * The row that comes first in the file of those that the record or flow is of, + 1; 0: none. Others
 * that nothing was of before are added to *more; NULL: they are met here. Threads: any, with more.
 */
uint32_t flowlist_match(const struct flowlist *list, const struct flowlist_ask *ask,
                        struct flowlist_more *more);

/* A record was of the row. One thread, beside those that match. */
void flowlist_meet(const struct flowlist *list, uint32_t row);

/* Rows that no record was of; the lines of the first max of them. */
uint64_t flowlist_unmet(const struct flowlist *list, uint64_t *lines, size_t max);

#endif
