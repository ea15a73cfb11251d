/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of flows, from a file with a row for each (listfile.h). A row has any of two addresses and
 * ports, a protocol, a Community ID, times, and a label; a record is of the row if it has all that
 * the row has, in either direction, within its times.
 *
 * A list is made in parts, which threads fill side by side: each is what a stretch of the file
 * says, with rows, labels and lines that are numbered within it. When all are there the list is
 * settled: what has to be known of the parts before is worked out, and one table of all rows made.
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
    LIST_ID = 1 << 5,    /* a Community ID, and nothing else of those before */
    LIST_TIMES = 1 << 6, /* which are no part of the key: rows may share it and differ in them */
    LIST_SHAPES = 1 << 7,
};

#define FLOWLIST_NONE UINT32_MAX

/* INT64_MIN and INT64_MAX: any. */
struct flowlist_times {
    int64_t first_ns, last_ns;
};

/* Both ends of a key that is not of IPv4. */
struct flowlist_ends {
    uint8_t a[16], b[16];
};

/* A key and what goes with it. */
struct flowlist_row {
    uint32_t a, b; /* addresses of IPv4, as the key has them; else a: the part's ends */
    uint16_t a_port, b_port;
    uint8_t proto, family, spare, kind;
    uint32_t times; /* the part's; without LIST_TIMES: any, also none at all */
    uint32_t label; /* of the part's; 0: none */
    uint32_t line;  /* of the part, from 1 */
    uint32_t next; /* another row with this key + 1, a later one of the first; 0: none. Of the first
                      of several that have times: their node that begins first, + 1 */
};
static_assert(sizeof(struct flowlist_row) == 32, "there may be millions");

/* Labels, each once, in the order in which they came. */
struct flowlist_labels {
    struct flow_labels of;
    size_t cap;
    uint64_t *slots; /* low half: of the label's hash; high half: its number, 0: free */
    size_t mask;
};

/*
 * A row of several that share a key and have times: a node of a tree in an array, in the order of
 * their beginnings. The middle of a stretch is the root of the subtree of all of it.
 */
struct flowlist_node {
    struct flowlist_times times;
    int64_t latest; /* no row of the subtree that no record was of ends later; atomic */
    uint32_t row;
    uint32_t n, n_slots; /* of the first one: rows, and slots of their times */
};

/* The same, where rows count that have been added to a struct flowlist_more. */
struct flowlist_added {
    int64_t latest;
    uint32_t now; /* else it is not known */
};

struct flowlist_part {
    struct flowlist_row *rows;
    bool lent;        /* rows lie in the list's room */
    uint32_t *hashes; /* by row, of its key; gone once the list is settled */
    uint32_t n;
    size_t cap, hashes_cap;
    struct flowlist_ends *ends;
    uint32_t n_ends;
    size_t ends_cap;
    struct flowlist_times *times;
    uint32_t n_times;
    size_t times_cap;
    struct flowlist_labels labels;
    bool shapes[LIST_SHAPES]; /* that rows have */
    uint64_t line;            /* of the file, before its first; set before the list is settled */
    /* Once settled. */
    uint32_t *label; /* by the part's number: the list's */
    uint8_t *met;    /* a bit by row: a record was of it */
};

/* What rows of one shape have: the key of a record's tuple by it. */
struct flowlist_shape {
    union flow_id mask, set; /* an AND and an OR */
    uint8_t has;             /* enum flowlist_has */
    bool even;               /* it does not matter which end is called which */
};

/* A row is known by the number of its part, and by its own in the part, in `bits` bits. */
struct flowlist {
    struct flowlist_part *parts;
    size_t n_parts;
    unsigned bits;
    struct flowlist_row *room; /* for rows of parts */
    size_t room_bytes;
    uint64_t n;      /* rows */
    uint64_t *slots; /* low half: of the key's hash; high half: its first row + 1, 0: free */
    size_t mask;
    /* Of rows with times that share a key. A slot begins where one of these begins or ends. */
    struct flowlist_node *nodes;
    size_t n_nodes;
    int64_t *begins; /* of slots; the first ones of a key are at twice the place of its nodes */
    uint32_t *least; /* at four times that place: in heap order, the row that comes first of those
                        in each slot, and in each pair of these, and so on; FLOWLIST_NONE: none */
    struct flowlist_shape shapes[LIST_SHAPES]; /* that rows have */
    unsigned n_shapes;
    struct flowlist_labels labels;
    uint16_t community_seed;
    bool timed;      /* there are rows that have times */
    bool shared;     /* and some of them share a key; atomic while rows are placed */
    bool by_id;      /* there are rows that have Community IDs */
    bool plain;      /* words and no rows: names of outputs, numbers, Community IDs */
    char head[64];   /* of words, the first line as far as it fits, if it may be a table's head */
    uint64_t worded; /* the first line with a word that is no Community ID; 0: none */
    struct secret secret;
};

CLV_MUST_CHECK bool flowlist_init(struct flowlist *list, uint16_t community_seed,
                                  struct clv_error *err);
void flowlist_fini(struct flowlist *list);

/* Makes n parts, which are empty; once. false: no memory. */
CLV_MUST_CHECK bool flowlist_make_parts(struct flowlist *list, size_t n);

/* Makes a part empty again. */
void flowlist_part_clear(struct flowlist_part *part);

/*
 * Adds a row to a part. key: a is the source, b the destination, which are put into order where
 * they can be; of an ID its text, from a[0] on; kind is what of it the row has, enum flowlist_has.
 * NULL: any time. false: no memory. Threads: one per part.
 */
CLV_MUST_CHECK bool flowlist_add(const struct flowlist *list, struct flowlist_part *part,
                                 const struct flow_key *key, const struct flowlist_times *times,
                                 uint32_t label, uint32_t line);

/* Room for so many rows, as a guess. */
CLV_MUST_CHECK bool flowlist_reserve(struct flowlist_part *part, size_t n);

/* Makes room for n rows of each part from `first` on; once, and none has rows. Less is no fault. */
void flowlist_make_room(struct flowlist *list, size_t first, size_t n);

/* The part's number of a label, from 1; of no bytes 0. text[len] is there. false: no memory. */
CLV_MUST_CHECK bool flowlist_label(const struct flowlist *list, struct flowlist_part *part,
                                   const char *text, size_t len, uint32_t *label);

/* All rows are there: from now on they are found, and nothing is added. false: no memory. */
CLV_MUST_CHECK bool flowlist_settle(struct flowlist *list, unsigned threads);

static inline struct flowlist_part *flowlist_part_of(const struct flowlist *list, uint32_t row)
{
    return &list->parts[(uint64_t)row >> list->bits];
}

static inline struct flowlist_row *flowlist_row(const struct flowlist *list, uint32_t row)
{
    return &flowlist_part_of(list, row)->rows[row & ((UINT64_C(1) << list->bits) - 1)];
}

/* A row's key, as it was put in order. */
void flowlist_key(const struct flowlist *list, uint32_t row, struct flow_key *key);

/* The list's number of the label of a row; 0: it has none. */
static inline uint32_t flowlist_label_of(const struct flowlist *list, uint32_t row)
{
    const uint32_t label = flowlist_row(list, row)->label;
    return label ? flowlist_part_of(list, row)->label[label - 1] : 0;
}

/* Rows that records are of, and nothing was before; some may be there more than once. */
struct flowlist_more {
    uint32_t *rows;
    size_t n, cap;
    bool no_memory;
    struct flowlist_times same; /* when the same rows would have been found the last time */
    uint64_t unmet;             /* rows that were found then, and nothing was of before */
    uint32_t last_unmet;
    uint32_t *named, now;         /* by row: now, if it has been added; or NULL */
    struct flowlist_added *added; /* by node; or NULL, as named is */
};

/* What is asked for; last_ns is later than first_ns for a flow. WALK_NO_TIME: it has no times. */
struct flowlist_ask {
    const struct clv_tuple *tuple;
    const uint8_t *icmp; /* type and code, or NULL */
    const char *id;      /* its Community ID, or NULL: it is worked out if it is needed */
    int64_t first_ns, last_ns;
};

/*
 * The row that comes first in the file of those that the record or flow is of, + 1; 0: none. All
 * that nothing was of before are added to *more; NULL: they are met here. Threads: any, with more.
 */
uint32_t flowlist_match(const struct flowlist *list, const struct flowlist_ask *ask,
                        struct flowlist_more *more);

/*
 * What was found for the flows of late, so that most of their records need not be looked up: a
 * table of millions of rows is in no cache. One thread's.
 */
struct flowlist_memo;

/* Of a list that is settled. NULL: no memory. */
struct flowlist_memo *flowlist_memo_create(const struct flowlist *list);
void flowlist_memo_destroy(struct flowlist_memo **memo);

/* What is added to *more from now on is not what was until now. */
void flowlist_memo_begin(struct flowlist_memo *memo);

/*
 * As flowlist_match(), of a record; *label is the row's. more->rows may lack rows that were added
 * since flowlist_memo_begin().
 */
uint32_t flowlist_recall(struct flowlist_memo *memo, const struct flowlist *list,
                         const struct flowlist_ask *ask, struct flowlist_more *more,
                         uint32_t *label);

/* A record is soon asked for, maybe: what is kept of its flow is on its way. 20 bytes, and 4. */
void flowlist_expect(const struct flowlist_memo *memo, const uint8_t *ipv4, const uint8_t *ports);

/* A record was of the row. One thread, beside those that match. */
void flowlist_meet(const struct flowlist *list, uint32_t row);

/* Rows that no record was of; the lines of the first max of them. */
uint64_t flowlist_unmet(const struct flowlist *list, uint64_t *lines, size_t max);

#endif
