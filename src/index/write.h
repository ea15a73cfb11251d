/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of flows is written while a run is followed (pipeline/observe.h), into a database that
 * is made for it.
 */
#ifndef CLEAVE_INDEX_WRITE_H
#define CLEAVE_INDEX_WRITE_H

#include "job/job.h"
#include "pipeline/observe.h"
#include "table/schema.h"

struct index_writer {
    sqlite3 *db;
    const char *what; /* how messages call it; borrowed */
    bool positions;   /* and where records lie */
    struct adder rows;
    bool closes;           /* with its last row it is complete, and closed */
    uint64_t output_bytes; /* that outputs would have */
};

/*
 * Makes the tables. path: an empty file that replaces nothing; NULL: in memory. what is borrowed.
 * On failure index_fini() is harmless, as it is on a zeroed one.
 */
CLV_MUST_CHECK bool index_init(struct index_writer *w, const char *path, const char *what,
                               bool positions, struct clv_error *err);
void index_fini(struct index_writer *w);

/* Rows with these columns follow, by w->rows; until index_rows_end() nothing else is written. */
CLV_MUST_CHECK bool index_rows(struct index_writer *w, const struct column *const *columns,
                               unsigned n, struct clv_error *err);
CLV_MUST_CHECK bool index_rows_end(struct index_writer *w, struct clv_error *err);

/* Who writes it all; positions need a run of job_measure(). */
struct observer observe_index(struct index_writer *w);

/* The names of the columns that the run has. */
CLV_MUST_CHECK bool index_columns(struct index_writer *w, const struct manifest *m,
                                  struct clv_error *err);

/* A fact of the run, by its key. */
CLV_MUST_CHECK bool index_put(struct index_writer *w, const char *key, const char *value,
                              size_t len, struct clv_error *err);

/* The kinds of outputs. */
CLV_MUST_CHECK bool index_put_kinds(struct index_writer *w, const struct dialect *d,
                                    struct clv_error *err);

/* The job's captures, once they were read. */
CLV_MUST_CHECK bool index_captures(struct index_writer *w, const struct job *job,
                                   struct clv_error *err);

/* All is there. */
CLV_MUST_CHECK bool index_end(struct index_writer *w, struct clv_error *err);

#endif
