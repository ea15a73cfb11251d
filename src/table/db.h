/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: flows in tables that can be asked. Takes rows, and a database that is there, of which
 * nothing is believed; gives tables of which a person, a program and this library can ask the same.
 *
 * The tables are SQLite's, and cleave-index(5) describes them: what is said there stays. Who built
 * the library without SQLite has db_supported() false, and all else fails with its words.
 */
#ifndef CLEAVE_TABLE_DB_H
#define CLEAVE_TABLE_DB_H

#include "base/fail.h"
#include "base/text.h"
#include "config.h"

#if HAVE_SQLITE
#include <sqlite3.h>
#else
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
#endif

enum {
    DB_APPLICATION = 0x636c7676, /* "clvv", of SQLite's header: an index of cleave */
    DB_VERSION = 1,              /* of the tables, in user_version */
};

/* false: *err says so, if it is not NULL. */
bool db_supported(struct clv_error *err);

/* *err becomes what SQLite says of its last call; `what` is the file. Returns false. */
bool db_fail(sqlite3 *db, const char *what, struct clv_error *err) CLV_COLD;

/* Statements that give no rows. */
CLV_MUST_CHECK bool db_do(sqlite3 *db, const char *sql, const char *what, struct clv_error *err);

/* NULL: *err says why. To be given to sqlite3_finalize(). */
sqlite3_stmt *db_prepare(sqlite3 *db, const char *sql, const char *what, struct clv_error *err);

/* A new database at the path, an empty file or none, or in memory, NULL. On failure *db is NULL. */
CLV_MUST_CHECK bool db_create(sqlite3 **db, const char *path, struct clv_error *err);

/* An index that is there, to be read: nothing of it is believed. On failure *db is NULL. */
CLV_MUST_CHECK bool db_open(sqlite3 **db, const char *path, struct clv_error *err);

/*
 * The same of one that lies in memory, which stays there until the database is closed. `what` is
 * how messages call it.
 */
CLV_MUST_CHECK bool db_open_bytes(sqlite3 **db, const uint8_t *p, uint64_t size, const char *what,
                                  struct clv_error *err);

/* true: the file in the directory is an index of cleave, as far as its first bytes tell. */
bool db_is_ours(int dir, const char *name);

/* *db becomes NULL, and may be that already. */
void db_close(sqlite3 **db);

#endif
