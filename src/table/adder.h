/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows on their way into a table. To make a row takes about as long as SQLite takes to add it: one
 * thread makes rows, a batch at a time, and another adds those of the batch before.
 *
 *   adder_begin    the statement that adds a row
 *   adder_row      a row, all of whose values are NULL
 *   adder_number   one of its values, and the like
 *   adder_add      the row is complete
 *   adder_end      all of them are in the table
 *
 * Where no thread can be had, all is done by the caller's.
 */
#ifndef CLEAVE_TABLE_ADDER_H
#define CLEAVE_TABLE_ADDER_H

#include <pthread.h>

#include "base/text.h"
#include "table/db.h"

struct adder_value {
    enum adder_type { ADDER_NULL, ADDER_NUMBER, ADDER_TEXT, ADDER_BLOB } type;
    union {
        int64_t number;
        struct {
            size_t at, len; /* among the batch's bytes */
        } bytes;
    };
};

struct adder_batch {
    struct adder_value *values; /* of its rows, one after another */
    size_t n_rows;
    uint8_t *bytes; /* of texts and blobs */
    size_t len, cap;
};

struct adder {
    sqlite3 *db;
    sqlite3_stmt *s;
    const char *what; /* how messages call the table; borrowed */
    unsigned n;       /* values of a row */
    struct adder_batch batches[2];
    unsigned filled; /* the batch that rows go to; the other one is being added, or empty */

    pthread_t thread;
    bool threaded, alone; /* it was started; it cannot be */
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t turn;
    bool waits; /* the other batch is to be added */
    bool over;  /* no more will come */
    bool failed;
    struct clv_error why;
};

/* s adds a row of n values; the adder finalizes it. On failure adder_fini() is harmless. */
CLV_MUST_CHECK bool adder_begin(struct adder *a, sqlite3 *db, sqlite3_stmt *s, unsigned n,
                                const char *what, struct clv_error *err);

/* bytes: that its texts and blobs take at most. */
CLV_MUST_CHECK bool adder_row(struct adder *a, size_t bytes, struct clv_error *err);

/* Values of the row, by the statement's parameters, from 1. */
void adder_number(struct adder *a, unsigned at, int64_t v);
/* Where the next text or blob goes, and that it went there. */
uint8_t *adder_room(struct adder *a);
void adder_took(struct adder *a, unsigned at, enum adder_type type, size_t len);

CLV_MUST_CHECK bool adder_add(struct adder *a, struct clv_error *err);
CLV_MUST_CHECK bool adder_end(struct adder *a, struct clv_error *err);

/* Takes one that is zeroed, too. */
void adder_fini(struct adder *a);

#endif
