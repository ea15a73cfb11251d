/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A manifest that is a database is compared by what it says: how SQLite lays it out is SQLite's. It
 * may be anybody's: what it is made of is looked at before it is asked for anything, and all that
 * is wrong with it is a fault.
 */
#include "verify/directory.h"

#if HAVE_SQLITE

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "table/schema.h"

enum {
    VALUE_MAX = 1 << 20, /* bytes of a value, none of which is that long */
    SHOWN = 48,          /* of a value in messages */
};

/* Nothing more of it is looked at. */
static void close_database(struct database *d)
{
    (void)sqlite3_finalize(d->s);
    d->s = NULL;
    db_close(&d->db);
    map_close(&d->map);
}

/* It is wrong, and that is told once. Returns true. */
static bool tell(struct verify *v, struct clv_error *fault)
{
    fault->code = CLV_ERR_UNPROVEN;
    verify_tell(v, fault);
    v->manifest_wrong = true;
    close_database(&v->database);
    return true;
}

CLV_PRINTF(2, 3) static bool tell_of(struct verify *v, const char *what, ...)
{
    struct clv_error fault;
    va_list args;
    va_start(args, what);
    (void)clv_fail_list(&fault, CLV_ERR_UNPROVEN, v->database.path, what, args);
    va_end(args);
    return tell(v, &fault);
}

/*
 * What could not be read of it, for *why. true: that is a fault of the database; false: it is none,
 * and *err says what it is.
 */
static bool judge(struct verify *v, const struct clv_error *why, struct clv_error *err)
{
    struct clv_error fault = *why;
    if (!map_check(&v->database.map, err))
        return clv_fail_hint(err, "try again when no other program changes it");
    if (why->code != CLV_ERR_NOMEM)
        return tell(v, &fault);
    if (err)
        *err = *why;
    return false;
}

static bool wrong_step(struct verify *v, struct clv_error *err)
{
    struct clv_error why = {.offset = CLV_NO_OFFSET};
    (void)db_fail(v->database.db, v->database.path, &why);
    return judge(v, &why, err);
}

/* *there: it is mapped. What is there and no file verify_strays() reports. */
static bool map_it(struct verify *v, bool *there, struct clv_error *err)
{
    struct database *const d = &v->database;
    struct store_file f;
    const char *const name = manifest_file_name(CLV_MANIFEST_SQLITE);
    *there = false;
    if (!store_path(v->store, name, d->path, err))
        return false;
    const enum store_look look = store_file(v->store, name, d->path, &f);
    if (look == STORE_HAS) {
        *there = store_map(&f, d->path, &d->map);
        const int why = errno;
        store_file_close(v->store, &f);
        errno = why;
        return *there || clv_fail_errno(err, d->path, "cannot be read");
    }
    v->manifest_wrong = true;
    if (look == STORE_OTHER)
        return true;
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    (void)clv_fail_errno(&fault, d->path, "cannot be read");
    return tell(v, &fault);
}

/* Whether the query gives this one text and no more; NULL: no row. */
static bool gives(sqlite3 *db, const char *sql, const struct text *want, bool *same,
                  const char *path, struct clv_error *why)
{
    sqlite3_stmt *s = db_prepare(db, sql, path, why);
    if (!s)
        return false;
    int step = sqlite3_step(s);
    *same = step == (want ? SQLITE_ROW : SQLITE_DONE);
    if (want && step == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(s, 0);
        *same = text && (size_t)sqlite3_column_bytes(s, 0) == want->len &&
                memcmp(text, want->p, want->len) == 0;
        step = sqlite3_step(s);
        *same &= step == SQLITE_DONE;
    }
    const bool ok = step == SQLITE_ROW || step == SQLITE_DONE || db_fail(db, path, why);
    (void)sqlite3_finalize(s);
    return ok;
}

/* All that it has beside its rows. */
static bool check_rest(struct verify *v, const struct manifest *m, const char **wrong,
                       struct clv_error *why)
{
    struct database *const d = &v->database;
    char buf[COLUMNS_MAX * 32];
    struct text columns = text_on(buf, sizeof buf), sound = text_on((char[]){"ok"}, 3);
    sound.len = 2;
    manifest_columns(m, &columns);
    const struct {
        const char *sql, *wrong;
        const struct text *want;
    } rows[] = {
        {"SELECT key || '=' || value FROM cleave WHERE key <> 'columns'",
         "says more than which columns it has", NULL},
        {"SELECT value FROM cleave", "has another list of columns than it should", &columns},
        {"SELECT 1 FROM captures", "has captures, of which a manifest has none", NULL},
        {"SELECT 1 FROM blocks", "has blocks, of which a manifest has none", NULL},
        {"SELECT 1 FROM kinds", "has kinds of outputs, of which a manifest has none", NULL},
        {"PRAGMA quick_check(1)", "is no sound SQLite database", &sound},
    };
    *wrong = NULL;
    for (size_t i = 0; !*wrong && i < sizeof rows / sizeof *rows; i++) {
        bool same;
        if (!gives(d->db, rows[i].sql, rows[i].want, &same, d->path, why))
            return false;
        *wrong = same ? NULL : rows[i].wrong;
    }
    return true;
}

/* With the first row, when all of them may be in the file that is just being made. */
static bool begin(struct verify *v, const struct findings *all, struct clv_error *err)
{
    struct database *const d = &v->database;
    struct clv_error why = {.offset = CLV_NO_OFFSET};
    const char *wrong;
    bool there;
    d->begun = true;
    if (!map_it(v, &there, err))
        return false;
    if (!there)
        return true;
    if (!db_open_bytes(&d->db, d->map.p, d->map.size, d->path, &why))
        return judge(v, &why, err);
    (void)sqlite3_limit(d->db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
    if (!schema_check_all(d->db, d->path, &why) || !check_rest(v, all->manifest, &wrong, &why))
        return judge(v, &why, err);
    if (wrong)
        return tell_of(v, "%s", wrong);
    d->s = schema_select(d->db, d->path, &why);
    return d->s || judge(v, &why, err);
}

/* How a value is told of. */
static void show(const struct text *t, char shown[SHOWN + 3])
{
    (void)snprintf(shown, SHOWN + 3, "\"%.*s\"", (int)min_u64(t->len, SHOWN), t->p);
}

/* The value at the statement's column is that one, of that type; NULL: none. */
static bool is_same(sqlite3_stmt *s, int at, const struct column *c, const struct column_value *v,
                    const struct text *text)
{
    if (!v)
        return sqlite3_column_type(s, at) == SQLITE_NULL;
    if (schema_is_integer(c->type))
        return sqlite3_column_type(s, at) == SQLITE_INTEGER &&
               sqlite3_column_int64(s, at) == schema_integer(c->type, v);
    return sqlite3_column_type(s, at) == SQLITE_TEXT &&
           (size_t)sqlite3_column_bytes(s, at) == text->len &&
           memcmp(sqlite3_column_text(s, at), text->p, text->len) == 0;
}

static bool is_same_key(sqlite3_stmt *s, int at, const struct column_value *v)
{
    uint8_t key[SCHEMA_KEY_MAX];
    if (!v)
        return sqlite3_column_type(s, at) == SQLITE_NULL;
    const size_t len = schema_key(key, v->addr.bytes, v->addr.family);
    return sqlite3_column_type(s, at) == SQLITE_BLOB &&
           (size_t)sqlite3_column_bytes(s, at) == len &&
           memcmp(sqlite3_column_blob(s, at), key, len) == 0;
}

static bool tell_value(struct verify *v, const struct column *c, int at, const struct text *want)
{
    struct database *const d = &v->database;
    const char *text = (const char *)sqlite3_column_text(d->s, at);
    const struct text found = {.p = (char *)(uintptr_t)(text ? text : ""),
                               .len = (size_t)(text ? sqlite3_column_bytes(d->s, at) : 0)};
    char has[SHOWN + 3], should[SHOWN + 3];
    if (found.len == want->len && memcmp(found.p, want->p, want->len) == 0)
        return tell_of(v, "row %llu: %s has the wrong type", (unsigned long long)d->row, c->name);
    show(&found, has);
    show(want, should);
    return tell_of(v, "row %llu has %s %s, but should have %s", (unsigned long long)d->row, c->name,
                   has, should);
}

static bool has_column(const struct manifest *m, const struct column *c)
{
    for (unsigned i = 0; i < m->n_columns; i++)
        if (m->columns[i] == c)
            return true;
    return false;
}

/* The statement's row against the run's. */
static bool compare(struct verify *v, const struct findings *all, const struct manifest_entry *e)
{
    struct database *const d = &v->database;
    const struct manifest *const m = all->manifest;
    char buf[MANIFEST_ROW_MAX];
    int at = 1;
    if (sqlite3_column_int64(d->s, 0) != (int64_t)d->row)
        return tell_of(v, "row %llu has the wrong id", (unsigned long long)d->row);
    for (unsigned i = 0; i < columns_n; i++, at++) {
        const struct column *const c = &columns_all[i];
        struct column_value value;
        struct text text = text_on(buf, sizeof buf);
        const struct column_value *const want =
            has_column(m, c) && c->get(&(struct column_of){c, m, e}, &value) ? &value : NULL;
        if (want)
            manifest_put(c->type, want, &text);
        if (!is_same(d->s, at, c, want, &text))
            return tell_value(v, c, at, &text);
        if (c->type == COLUMN_ADDRESS && !is_same_key(d->s, ++at, want))
            return tell_of(v, "row %llu has the wrong %s_key", (unsigned long long)d->row, c->name);
    }
    for (unsigned i = 0; i < 3; i++, at++)
        if (sqlite3_column_type(d->s, at) != SQLITE_NULL)
            return tell_of(v, "row %llu has a %s, which a manifest does not have",
                           (unsigned long long)d->row, sqlite3_column_name(d->s, at));
    return true;
}

static bool row(void *self, const struct findings *all, const struct manifest_entry *e,
                struct clv_error *err)
{
    struct verify *const v = self;
    struct database *const d = &v->database;
    if (!d->begun && !begin(v, all, err))
        return false;
    if (!d->s)
        return true;
    d->row++;
    const int step = sqlite3_step(d->s);
    if (step == SQLITE_ROW)
        return compare(v, all, e);
    return step == SQLITE_DONE ? tell_of(v, "ends before row %llu", (unsigned long long)d->row)
                               : wrong_step(v, err);
}

static bool end(void *self, const struct findings *all, struct clv_error *err)
{
    struct verify *const v = self;
    struct database *const d = &v->database;
    bool ok = true;
    if (!d->begun && !begin(v, all, err))
        return false;
    if (!d->s)
        return true;
    const int step = sqlite3_step(d->s);
    if (step == SQLITE_ROW)
        ok = tell_of(v, "goes on after its last row, number %llu", (unsigned long long)d->row);
    else if (step != SQLITE_DONE)
        ok = wrong_step(v, err);
    else if (!map_check(&d->map, err))
        ok = clv_fail_hint(err, "try again when no other program changes it");
    close_database(d);
    return ok;
}

static void fini(void *self)
{
    struct verify *const v = self;
    close_database(&v->database);
}

struct observer verify_table(struct verify *v)
{
    if (v->job && v->job->params->manifest == CLV_MANIFEST_SQLITE)
        return (struct observer){.self = v, .row = row, .end = end, .fini = fini};
    return (struct observer){.self = v};
}

#else

/* No job with such a table comes so far. */
struct observer verify_table(struct verify *v)
{
    return (struct observer){.self = v};
}

#endif
