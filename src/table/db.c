/* SPDX-License-Identifier: BSD-2-Clause */
#include "table/db.h"

#include "base/fail.h"

#if HAVE_SQLITE

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"

bool db_supported(struct clv_error *err)
{
    (void)err;
    return true;
}

bool db_fail(sqlite3 *db, const char *what, struct clv_error *err)
{
    int code = db ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;
    int sys = db ? sqlite3_system_errno(db) : 0;
    if (code == SQLITE_IOERR && !sys) /* as where a transaction ends */
        (void)sqlite3_file_control(db, NULL, SQLITE_FCNTL_LAST_ERRNO, &sys);
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE)
        code = SQLITE_NOMEM; /* it did not come so far as to note it */
    if (code == SQLITE_NOMEM)
        return clv_fail(err, CLV_ERR_NOMEM, what, "not enough memory");
    if (code == SQLITE_INTERRUPT)
        return clv_fail(err, CLV_ERR_CANCELLED, what, "stopped by its caller");
    if (code == SQLITE_FULL || (code == SQLITE_IOERR && sys)) {
        errno = code == SQLITE_FULL && !sys ? ENOSPC : sys;
        return clv_fail_errno(err, what, "cannot be read or written");
    }
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
        return clv_fail(err, CLV_ERR_FORMAT, what, "is not a valid SQLite database: %s",
                        sqlite3_errmsg(db));
    return clv_fail(err, CLV_ERR_IO, what, "%s", sqlite3_errmsg(db));
}

bool db_do(sqlite3 *db, const char *sql, const char *what, struct clv_error *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || db_fail(db, what, err);
}

sqlite3_stmt *db_prepare(sqlite3 *db, const char *sql, const char *what, struct clv_error *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        (void)db_fail(db, what, err);
    return s;
}

bool db_create(sqlite3 **db, const char *path, struct clv_error *err)
{
    char sql[256];
    *db = NULL;
    /* Nothing reads it before it has its name: no journal, and nothing waits for the disk. */
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
                   "PRAGMA cache_size=-16000; PRAGMA application_id=%d; PRAGMA user_version=%d;",
                   (int)DB_APPLICATION, (int)DB_VERSION);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path ? path : ":memory:", db, flags, NULL) == SQLITE_OK &&
        db_do(*db, sql, path ? path : "the table of flows", err))
        return true;
    if (sqlite3_errcode(*db) != SQLITE_OK)
        (void)db_fail(*db, path ? path : "the table of flows", err);
    db_close(db);
    return false;
}

/* The header of SQLite's file format, https://www.sqlite.org/fileformat2.html#the_database_header
 */
enum { HEADER = 72, VERSION_AT = 60, APPLICATION_AT = 68 };

/* The version of its tables; -1: it is no database of cleave. */
static int64_t version_in(const uint8_t head[HEADER])
{
    if (memcmp(head, "SQLite format 3", 16) != 0 ||
        load_be32(head + APPLICATION_AT) != DB_APPLICATION)
        return -1;
    return load_be32(head + VERSION_AT);
}

static int64_t version_of(int fd)
{
    uint8_t head[HEADER];
    return io_read_at(fd, head, sizeof head, 0) == HEADER ? version_in(head) : -1;
}

bool db_is_ours(int dir, const char *name)
{
    struct stat st;
    const int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    errno = 0;
    const bool ours = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && version_of(fd) >= 0;
    const int why = errno;
    (void)close(fd);
    errno = why;
    return ours;
}

static bool check_version(int64_t version, const char *what, const char *path,
                          struct clv_error *err)
{
    if (version < 0)
        return clv_fail(err, CLV_ERR_FORMAT, path, "is not a cleave %s", what);
    return version == DB_VERSION ||
           clv_fail(err, CLV_ERR_FORMAT, path,
                    "its tables have version %lld, but this cleave needs %d", (long long)version,
                    (int)DB_VERSION);
}

static bool check_file(const char *path, struct clv_error *err)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return clv_fail_errno(err, path, "cannot be opened");
    errno = 0;
    const int64_t version = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? version_of(fd) : -1;
    if (errno) {
        (void)clv_fail_errno(err, path, "cannot be read");
        (void)close(fd);
        return false;
    }
    (void)close(fd);
    if (check_version(version, "index", path, err))
        return true;
    return version < 0 ? false : clv_fail_hint(err, "make it again with cleave index --force");
}

/* As a file's name in a URI, RFC 3986 section 2.1. */
static bool uri_of(struct text *uri, const char *path)
{
    text_str(uri, "file:");
    for (; *path; path++) {
        if (strchr("%?#", *path)) {
            text_char(uri, '%');
            text_hex(uri, (uint8_t)*path, 2);
        } else {
            text_char(uri, *path);
        }
    }
    text_str(uri, "?mode=ro&immutable=1");
    return text_whole(uri) != 0;
}

/* Nothing in it is run, and what is broken is found. */
static bool confine(sqlite3 *db, const char *what, struct clv_error *err)
{
    return (sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) == SQLITE_OK &&
            sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK &&
            sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL) == SQLITE_OK) &&
           db_do(db, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0", what, err);
}

bool db_open(sqlite3 **db, const char *path, struct clv_error *err)
{
    char name[PATH_MAX * 3 + 64];
    struct text uri = text_on(name, sizeof name);
    *db = NULL;
    if (!check_file(path, err))
        return false;
    if (!uri_of(&uri, path))
        return clv_fail(err, CLV_ERR_ARG, path, "its path is too long");
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(name, db, flags, NULL) != SQLITE_OK)
        (void)db_fail(*db, path, err);
    else if (confine(*db, path, err))
        return true;
    db_close(db);
    return false;
}

bool db_open_bytes(sqlite3 **db, const uint8_t *p, uint64_t size, const char *what,
                   struct clv_error *err)
{
    *db = NULL;
    if (!check_version(size < HEADER ? -1 : version_in(p), "table", what, err))
        return false;
    if (size > INT64_MAX)
        return clv_fail(err, CLV_ERR_FORMAT, what, "is too long");
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    /* It is not written to, whatever its type says. */
    unsigned char *const bytes = (unsigned char *)(uintptr_t)p;
    if (sqlite3_open_v2(":memory:", db, flags, NULL) != SQLITE_OK ||
        sqlite3_deserialize(*db, "main", bytes, (sqlite3_int64)size, (sqlite3_int64)size,
                            SQLITE_DESERIALIZE_READONLY) != SQLITE_OK)
        (void)db_fail(*db, what, err);
    else if (confine(*db, what, err))
        return true;
    db_close(db);
    return false;
}

void db_close(sqlite3 **db)
{
    (void)sqlite3_close(*db);
    *db = NULL;
}

#else

bool db_supported(struct clv_error *err)
{
    (void)clv_fail(err, CLV_ERR_ARG, "index", "this build has no SQLite");
    return clv_fail_hint(err, "install libsqlite3-dev and build again");
}

bool db_is_ours(int dir, const char *name)
{
    (void)dir;
    (void)name;
    return false;
}

#endif
