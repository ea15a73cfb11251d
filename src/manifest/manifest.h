/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of outputs as text: one row per output, in order of appearance, as CSV (RFC 4180) or
 * JSON Lines; as a database it is made elsewhere (table/schema.h). Rows are made in the caller's
 * buffer, so that several threads can make them.
 */
#ifndef CLEAVE_MANIFEST_MANIFEST_H
#define CLEAVE_MANIFEST_MANIFEST_H

#include "base/text.h"
#include "manifest/columns.h"

enum { MANIFEST_ROW_MAX = 8192 }; /* bytes; names are at most NAME_MAX_LEN, escaped */

/* The columns of struct manifest are chosen (columns_choose()) before all of the below. */

/* "manifest.csv", say; NULL: there is no file. */
const char *manifest_file_name(enum clv_manifest kind);

/* true: a manifest of some kind has this name. */
bool manifest_is_file(const char *name, size_t len);

/* The line before the rows; nothing for JSON Lines. */
void manifest_head(const struct manifest *m, struct text *out);

/* The value in the column of this name, without quotes; nothing if there is none. */
void manifest_value(const struct manifest *m, const struct manifest_entry *e, const char *column,
                    struct text *out);

void manifest_row(const struct manifest *m, const struct manifest_entry *e, struct text *out);

/* A value as text; COLUMN_TEXT, which may have to be quoted, as it is. */
void manifest_put(enum column_type type, const struct column_value *v, struct text *out);

/* The same between commas, or as JSON, quoted where it has to be. */
void manifest_put_csv(enum column_type type, const struct column_value *v, struct text *out);
void manifest_put_json(enum column_type type, const struct column_value *v, struct text *out);

/* The columns' names, and a row's values, null where it has none, as JSON arrays. */
void manifest_columns(const struct manifest *m, struct text *out);
void manifest_cells(const struct manifest *m, const struct manifest_entry *e, struct text *out);

/* true: it goes to a descriptor of the caller's, and to no file. */
static inline bool manifest_goes_to_fd(enum clv_manifest kind)
{
    return kind == CLV_MANIFEST_FD || kind == CLV_MANIFEST_JSONL_FD;
}

/* The form of one that goes to a descriptor. */
static inline enum clv_manifest manifest_form(enum clv_manifest kind)
{
    return kind == CLV_MANIFEST_JSONL_FD ? CLV_MANIFEST_JSONL : CLV_MANIFEST_CSV;
}

#endif
