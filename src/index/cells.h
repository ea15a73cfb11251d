/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of a manifest that is there (cleave-manifest(5)), CSV as RFC 4180 has it or JSON Lines,
 * as the texts of their cells. Nothing of the file is believed: what is not as cleave writes it is
 * an error that names the line.
 */
#ifndef CLEAVE_INDEX_CELLS_H
#define CLEAVE_INDEX_CELLS_H

#include "manifest/manifest.h"
#include "verify/store.h"

enum { CELLS_BUFFER = 64 << 10 };

struct cells {
    const char *path; /* of the manifest, for messages; borrowed */
    enum clv_manifest kind;
    struct store_file file;   /* borrowed from the caller's store */
    uint64_t at;              /* byte of the file that is read next */
    uint64_t line, next_line; /* of the row, and of the one after it; from 1 */

    /* By column, as columns_all has them. */
    bool has[COLUMNS_MAX];          /* the head names it, or a row so far */
    const char *text[COLUMNS_MAX];  /* of the row, terminated, not empty; NULL: it has none */
    unsigned order[COLUMNS_MAX], n; /* of CSV: the head's columns */

    char own[MANIFEST_ROW_MAX]; /* of JSON Lines: the row's texts */
    char buf[CELLS_BUFFER + 1];
    size_t from, to; /* bytes of buf that were read and not taken yet */
};

/*
 * Begins to read a file of the store, which is closed by cells_end(); of CSV reads the head. On
 * failure cells_end() is harmless, as it is on one whose file has the descriptor -1.
 */
CLV_MUST_CHECK bool cells_begin(struct cells *c, const struct store *s, enum clv_manifest kind,
                                const char *path, struct clv_error *err);
void cells_end(struct cells *c, const struct store *s);

enum cells_step {
    CELLS_ROW, /* c->text is filled, until the next one */
    CELLS_OVER,
    CELLS_BAD, /* *err says why */
};
enum cells_step cells_next(struct cells *c, struct clv_error *err);

#endif
