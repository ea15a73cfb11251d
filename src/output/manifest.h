/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of outputs: one row per output, in order of appearance, as CSV (RFC 4180) or JSON
 * Lines. Rows are text in the caller's buffer, so that several threads can make them.
 */
#ifndef CLEAVE_OUTPUT_MANIFEST_H
#define CLEAVE_OUTPUT_MANIFEST_H

#include "base/text.h"
#include "cleave/split.h"
#include "flow/table.h"

enum { MANIFEST_ROW_MAX = 8192 }; /* bytes; names are at most NAME_MAX_LEN, escaped */

/* "manifest.csv", "manifest.jsonl", or NULL. */
const char *manifest_file_name(enum clv_manifest kind);

/* The line before the rows; nothing for JSON Lines. */
void manifest_head(enum clv_manifest kind, struct text *out);

/* The row of flow f, whose output is called name and holds packets of the link type. */
void manifest_row(enum clv_manifest kind, const struct flow *f, const char *name, uint16_t linktype,
                  struct text *out);

#endif
