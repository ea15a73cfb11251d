/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of outputs: one row per output, in order of appearance, as CSV (RFC 4180) or JSON
 * Lines. Rows are text in the caller's buffer, so that several threads can make them.
 */
#ifndef CLEAVE_MANIFEST_MANIFEST_H
#define CLEAVE_MANIFEST_MANIFEST_H

#include "base/text.h"
#include "cleave/split.h"
#include "flow/cut.h"
#include "flow/table.h"

enum { MANIFEST_ROW_MAX = 8192 }; /* bytes; names are at most NAME_MAX_LEN, escaped */

/* "manifest.csv", "manifest.jsonl", or NULL. */
const char *manifest_file_name(enum clv_manifest kind);

/* What rows have in common. Pointers are borrowed. */
struct manifest {
    enum clv_manifest kind;
    const struct flow_by *by;
    const struct flow_cuts *cuts;
    bool community; /* a column for it */
    uint16_t community_seed;
    bool outer; /* columns for the addresses that tunnels hide */
    bool shards;
};

/* An output. */
struct manifest_entry {
    const struct flow *f;
    const struct flow_extra *extra; /* NULL: the key has none */
    const struct flow_cut *cut;     /* NULL: nothing cuts flows */
    const struct clv_tuple *outer;  /* NULL: nobody asks */
    const char *name;
    uint16_t linktype;
};

/* The line before the rows; nothing for JSON Lines. */
void manifest_head(const struct manifest *m, struct text *out);

void manifest_row(const struct manifest *m, const struct manifest_entry *e, struct text *out);

/* The columns' names, and a row's values, null where it has none, as JSON arrays. */
void manifest_columns(const struct manifest *m, struct text *out);
void manifest_cells(const struct manifest *m, const struct manifest_entry *e, struct text *out);

#endif
