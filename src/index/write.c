/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/write.h"

#if HAVE_SQLITE

#include "base/mem.h"
#include "index/identity.h"
#include "index/schema.h"
#include "manifest/manifest.h"

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
    w->text = mem_alloc(MANIFEST_ROW_MAX, 1);
    if (!w->text)
        return clv_fail_nomem(err, what, MANIFEST_ROW_MAX);
    return db_create(&w->db, path, err) && schema_create(w->db, what, err) &&
           db_do(w->db, "BEGIN", what, err);
}

void index_fini(struct index_writer *w)
{
    (void)sqlite3_finalize(w->flow);
    w->flow = NULL;
    mem_free(w->text);
    mem_free(w->bytes);
    w->text = NULL;
    w->bytes = NULL;
    db_close(&w->db);
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
static bool put_columns(struct index_writer *w, const struct manifest *m, struct clv_error *err)
{
    struct text names = text_on(w->text, MANIFEST_ROW_MAX);
    manifest_columns(m, &names);
    return index_put(w, "columns", names.p, names.len, err);
}

static bool begin(void *self, const struct findings *all, struct clv_error *err)
{
    struct index_writer *w = self;
    w->flow = schema_insert(w->db, all->manifest->columns, all->manifest->n_columns, w->what, err);
    return w->flow && put_columns(w, all->manifest, err);
}

static bool bind_all(struct index_writer *w, const struct manifest *m,
                     const struct manifest_entry *e)
{
    struct text out = text_on(w->text, MANIFEST_ROW_MAX);
    struct column_value v;
    bool ok = true;
    int at = SCHEMA_FIRST;
    for (unsigned i = 0; ok && i < m->n_columns; i++) {
        const struct column *c = m->columns[i];
        const bool has = c->get(&(struct column_of){c, m, e}, &v);
        ok = schema_bind(w->flow, &at, c, has ? &v : NULL, &out, w->keys[i]);
    }
    return ok;
}

static bool bind_records(struct index_writer *w, const struct manifest_entry *e)
{
    w->output_bytes += e->bytes;
    positions_copy(e->positions, w->bytes);
    return sqlite3_bind_int(w->flow, SCHEMA_KIND, e->f->key.kind) == SQLITE_OK &&
           sqlite3_bind_int64(w->flow, SCHEMA_BYTES, (int64_t)e->bytes) == SQLITE_OK &&
           sqlite3_bind_blob64(w->flow, SCHEMA_POSITIONS, w->bytes, e->positions->bytes,
                               SQLITE_STATIC) == SQLITE_OK;
}

static bool put_row(void *self, const struct findings *all, const struct manifest_entry *e,
                    struct clv_error *err)
{
    struct index_writer *w = self;
    if (w->positions) {
        uint8_t *bytes = mem_reserve(w->bytes, &w->bytes_cap, e->positions->bytes, 1);
        if (!bytes)
            return clv_fail_nomem(err, w->what, e->positions->bytes);
        w->bytes = bytes;
    }
    return (bind_all(w, all->manifest, e) && (!w->positions || bind_records(w, e)))
               ? step(w, w->flow, SQLITE_OK, err)
               : db_fail(w->db, w->what, err);
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

static bool put_kinds(struct index_writer *w, const struct dialect *d, struct clv_error *err)
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
    return !w->positions || (put_ledger(w, all->dialect, err) && put_kinds(w, all->dialect, err));
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

static bool put_capture(struct index_writer *w, sqlite3_stmt *s, int64_t id, const struct source *c,
                        struct clv_error *err)
{
    char path[PATH_MAX];
    struct identity is;
    if (!identity_of(&is, c->path, err) || !identity_path(path, c->path, err))
        return false;
    int bad = sqlite3_bind_int64(s, 1, id);
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
    bool ok = s != NULL;
    for (size_t i = 0; ok && i < job->n_sources; i++)
        ok = put_capture(w, s, (int64_t)job->sources[i].number, &job->sources[i], err);
    (void)sqlite3_finalize(s);
    return ok;
}

bool index_end(struct index_writer *w, struct clv_error *err)
{
    (void)sqlite3_finalize(w->flow); /* a database with statements is not closed */
    w->flow = NULL;
    return schema_views(w->db, w->what, err) && db_do(w->db, "COMMIT", w->what, err);
}

#endif
