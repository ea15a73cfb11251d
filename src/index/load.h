/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What cleave split made, a directory or an archive: its manifest becomes the table of flows, in
 * memory; one that is a database is asked where it lies. Nothing of it is believed: a manifest that
 * cleave did not write so is refused.
 */
#ifndef CLEAVE_INDEX_LOAD_H
#define CLEAVE_INDEX_LOAD_H

#include "table/db.h"
#include "verify/store.h"

struct loaded {
    struct store store;
    struct clv_receipt receipt;
    sqlite3 *db;
    struct map map; /* of the file that db is, if it is one */
};

/* path is borrowed. On failure load_close() is harmless, as it is on a zeroed one. */
CLV_MUST_CHECK bool load_open(struct loaded *l, const char *path, struct clv_error *err);
void load_close(struct loaded *l);

#endif
