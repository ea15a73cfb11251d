/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/write.h"

#if HAVE_SQLITE

#include "base/mem.h"
#include "index/identity.h"
#include "manifest/manifest.h"
#include "table/schema.h"

/* Adds a row. bad: whether its values could be had, as bits of SQLite's results. */
static bool step(struct index_writer *w, sqlite3_stmt *s, int bad, struct clv_error *err)
{
    const bool ok = (!bad && sqlite3_step(s) == SQLITE_DONE) || db_fail(w->db, w->what, err);
    (void)sqlite3_reset(s);
    return ok;
}

bool index_init(struct index_writer *w, const char *path, const char *what, bool positions,
                struct clv_error *err)
{
    *w = (struct index_writer){.what = what, .positions = positions};
    return db_create(&w->db, path, err) && schema_create(w->db, what, err) &&
           db_do(w->db, "BEGIN", what, err);
}

void index_fini(struct index_writer *w)
{
    adder_fini(&w->rows);
    db_close(&w->db);
}

bool index_rows(struct index_writer *w, const struct column *const *columns, unsigned n,
                struct clv_error *err)
{
    sqlite3_stmt *s = schema_insert(w->db, columns, n, w->what, err);
    return s &&
           adder_begin(&w->rows, w->db, s, (unsigned)sqlite3_bind_parameter_count(s), w->what, err);
}

bool index_rows_end(struct index_writer *w, struct clv_error *err)
{
    return adder_end(&w->rows, err);
}

static bool prepare(void *self, struct partition *p)
{
    const struct index_writer *w = self;
    if (w->positions)
        flow_table_keep(&p->flows, FLOW_BESIDE_POSITIONS, sizeof(struct positions));
    return true;
}

static bool place(void *self, struct partition *p, const struct view *v,
                  const struct form_round *round, struct clv_error *err)
{
    (void)self, (void)v;
    return partition_place(p, round, err);
}

/* The names of the manifest's columns: what a run has is told from what its rows lack. */
bool index_columns(struct index_writer *w, const struct manifest *m, struct clv_error *err)
{
    char buf[COLUMNS_MAX * 32];
    struct text names = text_on(buf, sizeof buf);
    manifest_columns(m, &names);
    return index_put(w, "columns", names.p, names.len, err);
}

static bool begin(void *self, const struct findings *all, struct clv_error *err)
{
    const struct manifest *m = all->manifest;
    struct index_writer *w = self;
    return index_columns(w, m, err) && index_rows(w, m->columns, m->n_columns, err);
}

static void put_records(struct index_writer *w, const struct manifest_entry *e)
{
    w->output_bytes += e->bytes;
    positions_copy(e->positions, adder_room(&w->rows));
    adder_took(&w->rows, SCHEMA_POSITIONS, ADDER_BLOB, e->positions->bytes);
    adder_number(&w->rows, SCHEMA_KIND, e->f->key.kind);
    adder_number(&w->rows, SCHEMA_BYTES, (int64_t)e->bytes);
}

static bool put_row(void *self, const struct findings *all, const struct manifest_entry *e,
                    struct clv_error *err)
{
    struct index_writer *w = self;
    const struct manifest *m = all->manifest;
    const size_t positions = w->positions ? e->positions->bytes : 0;
    struct column_value v;
    unsigned at = SCHEMA_FIRST;
    if (!adder_row(&w->rows, SCHEMA_ROW_MAX + positions, err))
        return false;
    for (unsigned i = 0; i < m->n_columns; i++) {
        const struct column *c = m->columns[i];
        schema_put(&w->rows, &at, c, c->get(&(struct column_of){c, m, e}, &v) ? &v : NULL);
    }
    if (w->positions)
        put_records(w, e);
    return adder_add(&w->rows, err);
}

/* What a capture of pcapng says between its records; of a savefile it follows from its header. */
static bool put_block(struct index_writer *w, sqlite3_stmt *s, const struct ledger_entry *e,
                      bool rest, struct clv_error *err)
{
    int bad = sqlite3_bind_int64(s, 1, (int64_t)e->position);
    bad |= sqlite3_bind_blob64(s, 2, e->block, e->block_len, SQLITE_STATIC);
    bad |= sqlite3_bind_int(s, 3, rest);
    return step(w, s, bad, err);
}

static bool is_rest(const struct dialect *d, uint32_t entry)
{
    for (size_t i = 0; d->picker && i < d->picker->rest.n; i++)
        if (d->picker->rest.p[i] >> 32 == entry)
            return true;
    return false;
}

static bool put_ledger(struct index_writer *w, const struct dialect *d, struct clv_error *err)
{
    const uint32_t n = ledger_count(d->ledger);
    sqlite3_stmt *s = db_prepare(w->db, "INSERT INTO blocks (position, block, rest) VALUES (?,?,?)",
                                 w->what, err);
    bool ok = s != NULL;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = put_block(w, s, ledger_entry(d->ledger, i), is_rest(d, i), err);
    (void)sqlite3_finalize(s);
    return ok;
}

bool index_put_kinds(struct index_writer *w, const struct dialect *d, struct clv_error *err)
{
    sqlite3_stmt *s = db_prepare(w->db, "INSERT INTO kinds VALUES (?,?,?,?)", w->what, err);
    bool ok = s != NULL;
    const unsigned n = atomic_load(&d->n_kinds);
    for (unsigned i = 0; ok && i < n; i++) {
        int bad = sqlite3_bind_int(s, 1, (int)i);
        bad |= sqlite3_bind_int(s, 2, d->kinds[i].linktype);
        bad |= sqlite3_bind_int(s, 3, d->kinds[i].fcs_len);
        bad |= sqlite3_bind_int(s, 4, d->kinds[i].nanoseconds);
        ok = step(w, s, bad, err);
    }
    (void)sqlite3_finalize(s);
    return ok;
}

static bool end(void *self, const struct findings *all, struct clv_error *err)
{
    struct index_writer *w = self;
    if (!index_rows_end(w, err))
        return false;
    if (w->closes) {
        const bool ok = index_end(w, err);
        db_close(&w->db);
        return ok;
    }
    return !w->positions ||
           (put_ledger(w, all->dialect, err) && index_put_kinds(w, all->dialect, err));
}

struct observer observe_index(struct index_writer *w)
{
    return (struct observer){
        .self = w,
        .prepare = prepare,
        .epoch = w->positions ? place : NULL,
        .begin = begin,
        .row = put_row,
        .end = end,
    };
}

bool index_put(struct index_writer *w, const char *key, const char *value, size_t len,
               struct clv_error *err)
{
    sqlite3_stmt *s = db_prepare(w->db, "INSERT INTO cleave VALUES (?,?)", w->what, err);
    if (!s)
        return false;
    int bad = sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
    bad |= sqlite3_bind_text(s, 2, value, (int)len, SQLITE_STATIC);
    const bool ok = step(w, s, bad, err);
    (void)sqlite3_finalize(s);
    return ok;
}

static bool put_capture(struct index_writer *w, sqlite3_stmt *s, const struct source *c,
                        struct identity_last *last, struct clv_error *err)
{
    char path[PATH_MAX];
    struct identity is;
    if (!identity_of(&is, last, c->path, err) || !identity_path(path, c->path, err))
        return false;
    int bad = sqlite3_bind_int64(s, 1, (int64_t)c->number);
    bad |= sqlite3_bind_text(s, 2, path, -1, SQLITE_STATIC);
    bad |= sqlite3_bind_int64(s, 3, (int64_t)is.bytes);
    bad |= sqlite3_bind_int64(s, 4, is.modified_ns);
    bad |= sqlite3_bind_blob(s, 5, is.digest, sizeof is.digest, SQLITE_STATIC);
    bad |= sqlite3_bind_int64(s, 6, (int64_t)c->position);
    bad |= sqlite3_bind_int64(s, 7, (int64_t)c->records);
    return step(w, s, bad, err);
}

bool index_captures(struct index_writer *w, const struct job *job, struct clv_error *err)
{
    sqlite3_stmt *s =
        db_prepare(w->db, "INSERT INTO captures VALUES (?,?,?,?,?,?,?)", w->what, err);
    struct identity_last last = {.known = false};
    bool ok = s != NULL;
    for (size_t i = 0; ok && i < job->n_sources; i++)
        ok = put_capture(w, s, &job->sources[i], &last, err);
    (void)sqlite3_finalize(s);
    return ok;
}

bool index_end(struct index_writer *w, struct clv_error *err)
{
    return schema_views(w->db, w->what, err) && db_do(w->db, "COMMIT", w->what, err);
}

#endif
