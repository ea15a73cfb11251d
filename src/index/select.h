/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A selection of flows as SQL over the table of flows. What a person wrote in SQL is confined: it
 * reads that table, and nothing else, and not for long.
 */
#ifndef CLEAVE_INDEX_SELECT_H
#define CLEAVE_INDEX_SELECT_H

#include "cleave/result.h"
#include "table/db.h"

struct select {
    sqlite3 *db;
    sqlite3_stmt *s;
    const char *path; /* what messages call the table; borrowed */
    bool confined;    /* it has a condition that a person wrote */
    bool late;        /* which took too long */
    uint64_t reads;   /* the columns in it, by their place in columns_all */
    int64_t left_ns;  /* that this may take */
    int64_t until_ns;
    const struct flowlist *list;  /* that it asks for; NULL: none with rows */
    bool (*progress)(void *user); /* of the selection */
    void *user;
    int64_t ask_ns; /* when it is asked next */
};

/*
 * Prepares "SELECT columns FROM flows WHERE ...", ordered and limited as the selection says, NULL:
 * all. ordered: its order and limit count. On failure select_end() is harmless. Until then the
 * database reads nothing else, and *sel stays where it is.
 */
CLV_MUST_CHECK bool select_begin(struct select *sel, sqlite3 *db, const char *columns,
                                 const struct clv_selection *selection, bool ordered,
                                 const char *path, struct clv_error *err);

/* Which columns of the manifest the run has, by their place in columns_all; 0: it does not say. */
CLV_MUST_CHECK bool select_columns(sqlite3 *db, const char *path, uint64_t *columns,
                                   struct clv_error *err);

/* SQLITE_ROW, SQLITE_DONE, and the selection is over, or anything else and *err says why. */
int select_step(struct select *sel, struct clv_error *err);
void select_end(struct select *sel);

/* As clv_result_unmet(), of the list in this file. */
CLV_MUST_CHECK bool select_unmet(sqlite3 *db, const char *file, const char *path,
                                 struct clv_unmet *unmet, struct clv_error *err);

#endif
