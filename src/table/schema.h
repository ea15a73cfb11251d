/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of an index. The columns of `flows` are those of the manifest, all of them, whichever
 * a run has, and some that follow from these.
 */
#ifndef CLEAVE_TABLE_SCHEMA_H
#define CLEAVE_TABLE_SCHEMA_H

#include "manifest/manifest.h"
#include "table/adder.h"

enum { SCHEMA_KEY_MAX = 17 }; /* bytes of an address as it is compared */

/* What a column of the manifest is in the table. */
static inline bool schema_is_integer(enum column_type type)
{
    return type == COLUMN_NUMBER || type == COLUMN_PORT || type == COLUMN_TIME ||
           type == COLUMN_SPAN;
}

/* The value of such a column. */
static inline int64_t schema_integer(enum column_type type, const struct column_value *v)
{
    return type == COLUMN_TIME || type == COLUMN_SPAN ? v->time_ns : (int64_t)v->number;
}

/* An address as it is compared: 4 or 6, and its bytes. Returns its length. */
size_t schema_key(uint8_t key[SCHEMA_KEY_MAX], const uint8_t *addr, uint8_t family);

/* Puts a column's name, and an ending of it, as SQL takes it: `group` is a word of its own there.
 */
void schema_name(struct text *sql, const char *name, const char *ending);

/* Makes the tables, and the view `flows` of them. */
CLV_MUST_CHECK bool schema_create(sqlite3 *db, const char *what, struct clv_error *err);

/* Makes the views for people, when all rows are there. */
CLV_MUST_CHECK bool schema_views(sqlite3 *db, const char *what, struct clv_error *err);

/*
 * false: the tables of an index that was opened are not as schema_create() makes them: other
 * columns, views, triggers, generated columns that do something else.
 */
CLV_MUST_CHECK bool schema_check(sqlite3 *db, const char *what, struct clv_error *err);

/* The same, and that it has nothing else. */
CLV_MUST_CHECK bool schema_check_all(sqlite3 *db, const char *what, struct clv_error *err);

/*
 * A statement that gives all rows, as they are numbered: id, each column and of an address the form
 * that is compared, kind, output_bytes, positions. NULL: *err says why.
 */
sqlite3_stmt *schema_select(sqlite3 *db, const char *what, struct clv_error *err);

enum {
    SCHEMA_KIND = 1, /* parameters of schema_insert(); from SCHEMA_FIRST on each column, and of an
                        address the form that is compared */
    SCHEMA_BYTES,
    SCHEMA_POSITIONS,
    SCHEMA_FIRST,
};

/* A statement that adds a row with these columns; NULL: *err says why. */
sqlite3_stmt *schema_insert(sqlite3 *db, const struct column *const *columns, unsigned n,
                            const char *what, struct clv_error *err);

/* Bytes that adder_row() has to be asked for where values of all columns may follow. */
#define SCHEMA_ROW_MAX ((size_t)(2 * MANIFEST_ROW_MAX + COLUMNS_MAX * SCHEMA_KEY_MAX))

/* Gives the row a value of the column, NULL: none, at parameter *at, and moves *at on. */
void schema_put(struct adder *a, unsigned *at, const struct column *c,
                const struct column_value *v);

#endif
