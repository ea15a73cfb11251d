/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of the table of flows, chosen and in order, with the columns that the run's manifest has: as
 * values, or as the lines that the manifest would have.
 */
#ifndef CLEAVE_INDEX_LISTING_H
#define CLEAVE_INDEX_LISTING_H

#include "index/select.h"
#include "manifest/manifest.h"

struct rows {
    struct select sel;
    unsigned n;
    const struct column *columns[COLUMNS_MAX];
    char text[MANIFEST_ROW_MAX]; /* of the value that was asked for last */
};

/* selection: NULL: all. On failure rows_close() is harmless. *rows stays where it is. */
CLV_MUST_CHECK bool rows_open(struct rows *rows, sqlite3 *db, const struct clv_selection *selection,
                              const char *path, struct clv_error *err);
void rows_close(struct rows *rows);

/* SQLITE_ROW, SQLITE_DONE, or anything else and *err says why. */
int rows_next(struct rows *rows, struct clv_error *err);

int64_t rows_id(const struct rows *rows);

/* false: the flow has no value in the column, which is a number or a time. */
bool rows_number(const struct rows *rows, unsigned i, int64_t *value);

/* The value as the manifest has it, terminated; NULL: none. */
const char *rows_value(struct rows *rows, unsigned i, size_t *len);

/* The row as a line of the manifest, and what comes before the first. */
void rows_head(const struct rows *rows, enum clv_manifest kind, struct text *out);
void rows_line(struct rows *rows, enum clv_manifest kind, struct text *out);

#endif
