/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of flows is written while a run is followed (pipeline/observe.h), into a database that
 * is made for it.
 */
#ifndef CLEAVE_INDEX_WRITE_H
#define CLEAVE_INDEX_WRITE_H

#include "index/schema.h"
#include "job/job.h"
#include "pipeline/observe.h"

struct index_writer {
    sqlite3 *db;
    const char *what; /* how messages call it; borrowed */
    bool positions;   /* and where records lie */
    sqlite3_stmt *flow;
    uint64_t output_bytes;                     /* that outputs would have */
    char *text;                                /* of the row that is added: its texts, ... */
    uint8_t keys[COLUMNS_MAX][SCHEMA_KEY_MAX]; /* ... and its addresses as they are compared */
    uint8_t *bytes;                            /* for positions */
    size_t bytes_cap;
};

/*
 * Makes the tables. path: an empty file that replaces nothing; NULL: in memory. what is borrowed.
 * On failure index_fini() is harmless, as it is on a zeroed one.
 */
CLV_MUST_CHECK bool index_init(struct index_writer *w, const char *path, const char *what,
                               bool positions, struct clv_error *err);
void index_fini(struct index_writer *w);

/* Who writes it all; positions need a run of job_measure(). */
struct observer observe_index(struct index_writer *w);

/* A fact of the run, by its key. */
CLV_MUST_CHECK bool index_put(struct index_writer *w, const char *key, const char *value,
                              size_t len, struct clv_error *err);

/* The job's captures, once they were read. */
CLV_MUST_CHECK bool index_captures(struct index_writer *w, const struct job *job,
                                   struct clv_error *err);

/* All is there. */
CLV_MUST_CHECK bool index_end(struct index_writer *w, struct clv_error *err);

#endif
