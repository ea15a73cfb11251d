/* SPDX-License-Identifier: BSD-2-Clause */
#include "table/schema.h"

#if HAVE_SQLITE

#include <string.h>

#include "base/mem.h"
#include "manifest/manifest.h"

enum { SQL_MAX = 8192 };

/* Beside the manifest's columns, what people ask for. */
static const char derived[] = ", src_packets + dst_packets AS packets"
                              ", src_wire_bytes + dst_wire_bytes AS bytes"
                              ", src_captured_bytes + dst_captured_bytes AS captured_bytes"
                              ", last - first AS duration";

static const char other_tables[] =
    "CREATE TABLE cleave (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    "CREATE TABLE captures (id INTEGER PRIMARY KEY, path TEXT, bytes INTEGER, modified INTEGER, "
    "digest BLOB, position INTEGER, records INTEGER);"
    "CREATE TABLE blocks (id INTEGER PRIMARY KEY, position INTEGER, block BLOB, rest INTEGER);"
    "CREATE TABLE kinds (id INTEGER PRIMARY KEY, linktype INTEGER, fcs INTEGER, "
    "nanoseconds INTEGER);";

static const char views[] =
    "CREATE VIEW conversations AS SELECT flow, file, proto, src, sport, dst, dport, packets, "
    "bytes, "
    "strftime('%Y-%m-%d %H:%M:%f', first / 1e9, 'unixepoch') AS began, "
    "duration / 1e9 AS seconds FROM flows ORDER BY bytes DESC;"
    "CREATE VIEW top_talkers AS SELECT host, sum(sent) AS sent, sum(received) AS received, "
    "sum(sent) + sum(received) AS bytes, sum(packets) AS packets, count(*) AS flows FROM ("
    "SELECT src AS host, src_wire_bytes AS sent, dst_wire_bytes AS received, packets FROM flows "
    "WHERE src IS NOT NULL UNION ALL "
    "SELECT dst, dst_wire_bytes, src_wire_bytes, packets FROM flows WHERE dst IS NOT NULL) "
    "GROUP BY host ORDER BY bytes DESC;"
    "CREATE VIEW services AS SELECT proto, service AS port, count(*) AS flows, sum(packets) AS "
    "packets, sum(bytes) AS bytes FROM flows "
    "GROUP BY 1, 2 ORDER BY bytes DESC;";

size_t schema_key(uint8_t key[SCHEMA_KEY_MAX], const uint8_t *addr, uint8_t family)
{
    const size_t len = family == 4 ? 4 : 16;
    key[0] = family;
    memcpy(key + 1, addr, len);
    return 1 + len;
}

void schema_name(struct text *sql, const char *name, const char *ending)
{
    text_char(sql, '"');
    text_str(sql, name);
    text_str(sql, ending);
    text_char(sql, '"');
}

/* The names of all columns, each with its type or without. */
static void put_columns(struct text *sql, bool typed)
{
    for (unsigned i = 0; i < columns_n; i++) {
        const struct column *c = &columns_all[i];
        text_str(sql, ", ");
        schema_name(sql, c->name, "");
        if (typed)
            text_str(sql, schema_is_integer(c->type) ? " INTEGER" : " TEXT");
        if (c->type == COLUMN_ADDRESS) {
            text_str(sql, ", ");
            schema_name(sql, c->name, "_key");
            if (typed)
                text_str(sql, " BLOB");
        }
    }
}

/*
 * One row per output has all that is known of it: a second table of where records lie would cost as
 * much again. People see it through a view, without what is of no use to them.
 */
bool schema_create(sqlite3 *db, const char *what, struct clv_error *err)
{
    char buf[SQL_MAX];
    struct text sql = text_on(buf, sizeof buf);
    text_str(&sql, "CREATE TABLE outputs (id INTEGER PRIMARY KEY");
    put_columns(&sql, true);
    text_str(&sql, ", kind INTEGER, output_bytes INTEGER, positions BLOB);"
                   "CREATE VIEW flows AS SELECT id");
    put_columns(&sql, false);
    text_str(&sql, derived);
    text_str(&sql, " FROM outputs;");
    text_str(&sql, other_tables);
    return text_whole(&sql) ? db_do(db, buf, what, err)
                            : clv_fail(err, CLV_ERR_INTERNAL, what, "has too many columns");
}

bool schema_views(sqlite3 *db, const char *what, struct clv_error *err)
{
    return db_do(db, views, what, err);
}

/* Whether the database has a table, or a view, that was made by the same words. */
static bool has_same(sqlite3 *db, const char *name, const char *sql, bool *has, const char *what,
                     struct clv_error *err)
{
    sqlite3_stmt *s =
        db_prepare(db, "SELECT 1 FROM sqlite_schema WHERE name = ? AND sql = ?", what, err);
    if (!s)
        return false;
    (void)sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(s, 2, sql, -1, SQLITE_STATIC);
    const int step = sqlite3_step(s);
    *has = step == SQLITE_ROW;
    const bool ok = step == SQLITE_ROW || step == SQLITE_DONE || db_fail(db, what, err);
    (void)sqlite3_finalize(s);
    return ok;
}

/* All that a database has which was just made is in the other one. */
static bool has_all(sqlite3 *own, sqlite3 *db, const char *what, struct clv_error *err)
{
    sqlite3_stmt *s =
        db_prepare(own, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL", what, err);
    bool ok = s != NULL;
    while (ok && sqlite3_step(s) == SQLITE_ROW) {
        bool has = false;
        const char *name = (const char *)sqlite3_column_text(s, 0);
        const char *sql = (const char *)sqlite3_column_text(s, 1);
        ok = name && sql ? has_same(db, name, sql, &has, what, err) : db_fail(own, what, err);
        if (ok && !has)
            ok = clv_fail(err, CLV_ERR_FORMAT, what, "has no table or view %s as cleave makes it",
                          name);
    }
    (void)sqlite3_finalize(s);
    return ok;
}

/* The one number that the query gives. */
static bool count(sqlite3 *db, const char *sql, int64_t *n, const char *what, struct clv_error *err)
{
    sqlite3_stmt *s = db_prepare(db, sql, what, err);
    if (!s)
        return false;
    const bool ok = sqlite3_step(s) == SQLITE_ROW || db_fail(db, what, err);
    *n = sqlite3_column_int64(s, 0);
    (void)sqlite3_finalize(s);
    return ok;
}

static bool has_no_more(sqlite3 *own, sqlite3 *db, const char *what, struct clv_error *err)
{
    static const char sql[] = "SELECT count(*) FROM sqlite_schema";
    int64_t want, have;
    if (!count(own, sql, &want, what, err) || !count(db, sql, &have, what, err))
        return false;
    return have == want ||
           clv_fail(err, CLV_ERR_FORMAT, what, "has tables or views that cleave does not make");
}

static bool check(sqlite3 *db, bool all, const char *what, struct clv_error *err)
{
    sqlite3 *own;
    if (!db_create(&own, NULL, err))
        return false;
    const bool ok = schema_create(own, what, err) && (!all || schema_views(own, what, err)) &&
                    has_all(own, db, what, err) && (!all || has_no_more(own, db, what, err));
    db_close(&own);
    return ok;
}

bool schema_check(sqlite3 *db, const char *what, struct clv_error *err)
{
    return check(db, false, what, err);
}

bool schema_check_all(sqlite3 *db, const char *what, struct clv_error *err)
{
    return check(db, true, what, err);
}

sqlite3_stmt *schema_select(sqlite3 *db, const char *what, struct clv_error *err)
{
    char buf[SQL_MAX];
    struct text sql = text_on(buf, sizeof buf);
    text_str(&sql, "SELECT id");
    put_columns(&sql, false);
    text_str(&sql, ", kind, output_bytes, positions FROM outputs ORDER BY id");
    return text_whole(&sql) ? db_prepare(db, buf, what, err) : NULL;
}

sqlite3_stmt *schema_insert(sqlite3 *db, const struct column *const *columns, unsigned n,
                            const char *what, struct clv_error *err)
{
    char buf[SQL_MAX];
    struct text sql = text_on(buf, sizeof buf);
    unsigned values = SCHEMA_FIRST;
    text_str(&sql, "INSERT INTO outputs (kind, output_bytes, positions");
    for (unsigned i = 0; i < n; i++) {
        text_char(&sql, ',');
        schema_name(&sql, columns[i]->name, "");
        values++;
        if (columns[i]->type == COLUMN_ADDRESS) {
            text_char(&sql, ',');
            schema_name(&sql, columns[i]->name, "_key");
            values++;
        }
    }
    text_str(&sql, ") VALUES (?");
    while (--values > 1)
        text_str(&sql, ",?");
    text_char(&sql, ')');
    return text_whole(&sql) ? db_prepare(db, buf, what, err) : NULL;
}

void schema_put(struct adder *a, unsigned *at, const struct column *c, const struct column_value *v)
{
    const unsigned value = (*at)++, key = *at;
    *at += c->type == COLUMN_ADDRESS;
    if (!v)
        return;
    if (schema_is_integer(c->type)) {
        adder_number(a, value, schema_integer(c->type, v));
        return;
    }
    struct text out = text_on((char *)adder_room(a), MANIFEST_ROW_MAX);
    manifest_put(c->type, v, &out);
    adder_took(a, value, ADDER_TEXT, out.len);
    if (c->type == COLUMN_ADDRESS)
        adder_took(a, key, ADDER_BLOB, schema_key(adder_room(a), v->addr.bytes, v->addr.family));
}

#endif
