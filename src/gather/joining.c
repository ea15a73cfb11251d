/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Indexes become one: that of a run over the captures of all parts, one part after another. So
 * positions and the numbers of captures, flows and kinds count on from those of the parts before,
 * and rows without a flow come last, which one part alone has.
 */
#include "gather/gathering.h"

#if HAVE_SQLITE

#include <stdio.h>

#include "base/mem.h"
#include "flow/positions.h"
#include "format/metadata.h"
#include "walk/pcapng.h"

enum { ID = 0, FIRST = 1 }; /* columns of schema_select() */

/* The parameter of schema_insert(), of all columns, for such a column. */
#define PARAMETER(at) ((at)-FIRST + SCHEMA_FIRST)

static bool is_pcapng(const struct gathering *g)
{
    return g->first->receipt.params.format == CLV_FORMAT_PCAPNG;
}

/* ---- opening ---- */

bool joining_open(struct part *p, struct clv_error *err)
{
    struct index *const ix = mem_zalloc(1, sizeof *ix);
    if (!ix)
        return clv_fail_nomem(err, p->path, sizeof *ix);
    bool ok = index_open(ix, p->path, err);
    if (ok && ix->rows_only)
        ok = index_find_captures(ix, NULL, 0, err); /* which says that it has none */
    if (ok) {
        p->receipt = ix->receipt;
        ix->receipt = (struct clv_receipt){.json = NULL};
    }
    index_close(ix);
    mem_free(ix);
    return ok;
}

bool joining_begin(struct gathering *g, struct clv_error *err)
{
    struct joining *const j = &g->joining;
    const struct column *all[COLUMNS_MAX];
    for (unsigned i = 0; i < columns_n; i++)
        all[i] = &columns_all[i];
    if (!index_init(&j->writer, g->publish.staging, g->params.output, true, err))
        return false;
    j->insert = schema_insert(j->writer.db, all, columns_n, g->params.output, err);
    return j->insert != NULL;
}

void joining_fini(struct joining *j)
{
    (void)sqlite3_finalize(j->insert);
    index_fini(&j->writer);
    index_close(&j->from);
    names_fini(&j->captures);
    mem_free(j->columns);
    mem_free(j->positions);
    *j = (struct joining){.insert = NULL};
}

static bool is_damaged(const struct gathering *g, const char *table, struct clv_error *err)
{
    return clv_fail(err, CLV_ERR_FORMAT, g->path, "its table of %s is damaged", table);
}

/* ---- rows ---- */

/* The columns are those of the first part. */
static bool same_columns(struct gathering *g, const char *text, struct clv_error *err)
{
    struct joining *const j = &g->joining;
    if (!j->columns)
        j->columns = mem_strdup(text);
    if (!j->columns)
        return clv_fail_nomem(err, g->path, strlen(text));
    return strcmp(text, j->columns) == 0 ||
           clv_fail(err, CLV_ERR_FORMAT, g->path, "has other columns than that of %.100s",
                    g->first->path);
}

static bool check_columns(struct gathering *g, struct clv_error *err)
{
    sqlite3 *const db = g->joining.from.db;
    sqlite3_stmt *const s =
        db_prepare(db, "SELECT value FROM cleave WHERE key = 'columns'", g->path, err);
    if (!s)
        return false;
    const int step = sqlite3_step(s);
    const char *const text = step == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
    bool ok = false;
    if (text)
        ok = same_columns(g, text, err);
    else if (step == SQLITE_ROW || step == SQLITE_DONE)
        (void)is_damaged(g, "columns", err);
    else
        (void)db_fail(db, g->path, err);
    (void)sqlite3_finalize(s);
    return ok;
}

static bool number_kinds(struct gathering *g, struct clv_error *err)
{
    struct joining *const j = &g->joining;
    if (!index_kinds(&j->from, err))
        return false;
    const unsigned n = atomic_load(&j->from.dialect.n_kinds);
    for (unsigned i = 0; i < n; i++) {
        const unsigned kind = dialect_kind(&j->whole, &j->from.dialect.kinds[i]);
        if (kind == DIALECT_KINDS && !is_pcapng(g))
            return clv_fail(err, CLV_ERR_FORMAT, g->path, "more than %d kinds of outputs",
                            DIALECT_KINDS);
        j->kind_of[i] = (uint8_t)kind;
    }
    j->kind_of[DIALECT_KINDS] = DIALECT_KINDS;
    return true;
}

static bool has_type(sqlite3_stmt *s, int at, int type)
{
    const int is = sqlite3_column_type(s, at);
    return is == type || is == SQLITE_NULL;
}

/* What the row is checked by, of which the manifest's cells have the text. */
static bool is_asked(const struct gathering *g, unsigned column)
{
    return columns_all[column].key != COLUMN_NO_KEY || column == FILE_AT || column == FLOW_AT ||
           column == g->output_at || column == g->packets_at[0] || column == g->packets_at[1];
}

/* All values of the row, as they are. */
static bool take_values(struct gathering *g, sqlite3_stmt *s, struct clv_error *err)
{
    struct joining *const j = &g->joining;
    struct cells *const c = &g->cells;
    int at = FIRST, bad = 0;
    uint64_t len = 0;
    c->line = (uint64_t)sqlite3_column_int64(s, ID);
    for (unsigned i = 0; i < columns_n; i++, at++) {
        const struct column *const column = &columns_all[i];
        const int type = schema_is_integer(column->type) ? SQLITE_INTEGER : SQLITE_TEXT;
        const bool is_address = column->type == COLUMN_ADDRESS;
        if (!has_type(s, at, type) || (is_address && !has_type(s, at + 1, SQLITE_BLOB)))
            return rows_bad(g, "has a value of the wrong type", err);
        if (i == g->output_at)
            j->output_at = PARAMETER(at);
        bad |= sqlite3_bind_value(j->insert, PARAMETER(at), sqlite3_column_value(s, at));
        c->text[i] = is_asked(g, i) ? (const char *)sqlite3_column_text(s, at) : NULL;
        len += c->text[i] ? (uint64_t)sqlite3_column_bytes(s, at) : 0;
        if (!is_address)
            continue;
        at++;
        bad |= sqlite3_bind_value(j->insert, PARAMETER(at), sqlite3_column_value(s, at));
    }
    if (len > MANIFEST_ROW_MAX)
        return rows_bad(g, "is too long", err);
    return !bad || db_fail(j->writer.db, g->params.output, err);
}

/* What counts on from the parts before. */
static bool put_numbers(struct gathering *g, const struct part *p, sqlite3_stmt *s, int kind_at,
                        struct clv_error *err)
{
    struct joining *const j = &g->joining;
    const struct cells *const c = &g->cells;
    const int64_t kind = sqlite3_column_int64(s, kind_at);
    const int64_t bytes = sqlite3_column_int64(s, kind_at + 1);
    const bool is_kind = kind >= 0 && (kind < (int64_t)atomic_load(&j->from.dialect.n_kinds) ||
                                       (kind == DIALECT_KINDS && is_pcapng(g)));
    char name[ROWS_NAME_MAX];
    if (!is_kind || bytes < 0)
        return rows_bad(g, "has an invalid kind or size", err);
    rows_name(p, c->text[FILE_AT] ? c->text[FILE_AT] : "", name);
    int bad = sqlite3_bind_text(j->insert, PARAMETER(FIRST + FILE_AT), name, -1, SQLITE_TRANSIENT);
    if (c->text[FLOW_AT])
        bad |= sqlite3_bind_int64(j->insert, PARAMETER(FIRST + FLOW_AT),
                                  (int64_t)rows_renumbered(g, FLOW_AT));
    if (c->text[g->output_at])
        bad |=
            sqlite3_bind_int64(j->insert, j->output_at, (int64_t)rows_renumbered(g, g->output_at));
    bad |= sqlite3_bind_int(j->insert, SCHEMA_KIND, j->kind_of[kind]);
    bad |= sqlite3_bind_int64(j->insert, SCHEMA_BYTES, bytes);
    return !bad || db_fail(j->writer.db, g->params.output, err);
}

/* Where the row's records are: it begins where the whole has the part, and distances stay. */
static bool put_positions(struct gathering *g, const struct part *p, sqlite3_stmt *s, int at,
                          struct clv_error *err)
{
    struct joining *const j = &g->joining;
    const uint8_t *const bytes = sqlite3_column_blob(s, at);
    const size_t n = bytes ? (size_t)sqlite3_column_bytes(s, at) : 0;
    struct positions_reader r = {.at = bytes, .end = bytes + n};
    uint64_t packets = 0, zero = 0;
    enum positions_step step = n ? positions_next(&r) : POSITIONS_END;
    const uint8_t *const rest = r.at;
    const uint64_t first = r.position;
    const size_t left = (size_t)(r.end - rest);
    for (; step == POSITIONS_ONE; packets++)
        step = positions_next(&r);
    if (step == POSITIONS_BAD || r.position >= INT64_MAX - p->position)
        return rows_bad(g, "its records are out of order", err);
    if (packets == 0 || packets != rows_packets(g))
        return rows_bad(g, "has another number of records than it says", err);
    uint8_t *const own = mem_reserve(j->positions, &j->positions_cap, left + POSITIONS_LONGEST, 1);
    if (!own)
        return clv_fail_nomem(err, g->path, left);
    j->positions = own;
    uint8_t *const to = positions_put(own, &zero, p->position + first);
    memcpy(to, rest, left);
    j->position = max_u64(j->position, p->position + r.position + 1);
    return sqlite3_bind_blob64(j->insert, SCHEMA_POSITIONS, own, (size_t)(to - own) + left,
                               SQLITE_STATIC) == SQLITE_OK ||
           db_fail(j->writer.db, g->params.output, err);
}

/* The rows of flows, which come first, are numbered through. */
static bool check_row(struct gathering *g, size_t part, sqlite3_stmt *s, int bytes_at,
                      struct clv_error *err)
{
    struct part *const p = &g->all[part];
    const bool has_flow = g->cells.text[FLOW_AT];
    if (g->cells.line != p->rows + 1 || (has_flow && p->rows != p->flows))
        return rows_bad(g, "has the wrong number", err);
    if (!rows_check(g, part, err))
        return false;
    if (!has_flow)
        g->joining.rest = p;
    p->bytes += (uint64_t)sqlite3_column_int64(s, bytes_at);
    return true;
}

/* rest: those without a flow are added, else only checked. */
static bool add_row(struct gathering *g, size_t part, sqlite3_stmt *s, bool rest,
                    struct clv_error *err)
{
    struct joining *const j = &g->joining;
    struct part *const p = &g->all[part];
    const int kind_at = sqlite3_column_count(s) - 3;
    const bool has_flow = sqlite3_column_type(s, FIRST + FLOW_AT) != SQLITE_NULL;
    if (rest && has_flow)
        return true;
    if (!take_values(g, s, err) || (!rest && !check_row(g, part, s, kind_at + 1, err)) ||
        !put_numbers(g, p, s, kind_at, err) || !put_positions(g, p, s, kind_at + 2, err))
        return false;
    if (rest == has_flow)
        return true;
    const bool ok =
        sqlite3_step(j->insert) == SQLITE_DONE || db_fail(j->writer.db, g->params.output, err);
    (void)sqlite3_reset(j->insert);
    return ok;
}

static bool add_rows(struct gathering *g, size_t part, bool rest, struct clv_error *err)
{
    sqlite3 *const db = g->joining.from.db;
    sqlite3_stmt *const s = schema_select(db, g->path, err);
    bool ok = s != NULL;
    int step = SQLITE_DONE;
    while (ok && (step = sqlite3_step(s)) == SQLITE_ROW)
        ok = add_row(g, part, s, rest, err);
    if (ok && step != SQLITE_DONE)
        ok = db_fail(db, g->path, err);
    (void)sqlite3_finalize(s);
    return ok;
}

/* ---- what rows refer to ---- */

/* A row of another table, whose values are all bound; those that count on are bound anew. */
typedef bool take_fn(struct gathering *g, const struct part *p, sqlite3_stmt *from,
                     sqlite3_stmt *to, struct clv_error *err);

static bool copy(struct gathering *g, const struct part *p, const char *select, const char *insert,
                 take_fn *take, struct clv_error *err)
{
    struct joining *const j = &g->joining;
    sqlite3_stmt *const from = db_prepare(j->from.db, select, g->path, err);
    sqlite3_stmt *const to = from ? db_prepare(j->writer.db, insert, g->params.output, err) : NULL;
    bool ok = to != NULL;
    int step = SQLITE_DONE;
    while (ok && (step = sqlite3_step(from)) == SQLITE_ROW) {
        int bad = 0;
        for (int i = 0; i < sqlite3_column_count(from); i++)
            bad |= sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
        ok = take(g, p, from, to, err) && ((!bad && sqlite3_step(to) == SQLITE_DONE) ||
                                           db_fail(j->writer.db, g->params.output, err));
        (void)sqlite3_reset(to);
    }
    if (ok && step != SQLITE_DONE)
        ok = db_fail(j->from.db, g->path, err);
    (void)sqlite3_finalize(from);
    (void)sqlite3_finalize(to);
    return ok;
}

/* Each is one part's: else its records would be read twice. */
static bool note_capture(struct gathering *g, const struct part *p, const char *path,
                         struct clv_error *err)
{
    struct names *const all = &g->joining.captures;
    const uint32_t number = (uint32_t)(p - g->all);
    bool is_new;
    struct names_entry *const e = names_add(all, keyed_bytes(&g->key, path, strlen(path)), &is_new);
    if (!e)
        return clv_fail_nomem(err, g->path, 2 * all->cap * sizeof *all->slots);
    if (is_new)
        e->number = number;
    return e->number == number ||
           clv_fail(err, CLV_ERR_UNPROVEN, path, "is in two of the indexes: %.60s and %.60s",
                    g->all[e->number].path, g->path);
}

static bool take_capture(struct gathering *g, const struct part *p, sqlite3_stmt *from,
                         sqlite3_stmt *to, struct clv_error *err)
{
    struct joining *const j = &g->joining;
    const int64_t id = sqlite3_column_int64(from, 0), bytes = sqlite3_column_int64(from, 2);
    const int64_t position = sqlite3_column_int64(from, 5);
    const int64_t room = INT64_MAX - (int64_t)p->position;
    if (!has_type(from, 1, SQLITE_TEXT) || !has_type(from, 4, SQLITE_BLOB) || id < 0 ||
        id > UINT32_MAX || bytes < 0 || bytes > room || position < 0 || position > room - bytes)
        return is_damaged(g, "captures", err);
    const char *const path = (const char *)sqlite3_column_text(from, 1);
    if (!path)
        return is_damaged(g, "captures", err);
    j->position = max_u64(j->position, p->position + (uint64_t)(position + bytes));
    j->captures_end = max_u64(j->captures_end, j->captures_from + (uint64_t)id + 1);
    const int bad = sqlite3_bind_int64(to, 1, (int64_t)(j->captures_from + (uint64_t)id)) |
                    sqlite3_bind_int64(to, 6, (int64_t)p->position + position);
    return bad ? db_fail(j->writer.db, g->params.output, err) : note_capture(g, p, path, err);
}

/* true: each output has it that needs it, whatever its number. */
static bool is_free(const uint8_t *block, size_t len)
{
    static const uint8_t section[4] = {0x0a, 0x0d, 0x0d, 0x0a},
                         interface[2][4] = {{1}, {0, 0, 0, 1}};
    return len >= 4 && (memcmp(block, section, 4) == 0 || memcmp(block, interface[0], 4) == 0 ||
                        memcmp(block, interface[1], 4) == 0);
}

static bool take_block(struct gathering *g, const struct part *p, sqlite3_stmt *from,
                       sqlite3_stmt *to, struct clv_error *err)
{
    struct joining *const j = &g->joining;
    const int64_t position = sqlite3_column_int64(from, 0);
    const uint8_t *const block = sqlite3_column_blob(from, 1);
    const size_t len = block ? (size_t)sqlite3_column_bytes(from, 1) : 0;
    if (position < 0 || position >= INT64_MAX - (int64_t)p->position || !block)
        return is_damaged(g, "blocks", err);
    j->position = max_u64(j->position, p->position + (uint64_t)position + 1);
    j->blocks += is_free(block, len) ? 0 : len;
    return sqlite3_bind_int64(to, 1, (int64_t)p->position + position) == SQLITE_OK ||
           db_fail(j->writer.db, g->params.output, err);
}

static bool add_references(struct gathering *g, const struct part *p, struct clv_error *err)
{
    struct joining *const j = &g->joining;
    j->blocks = 0;
    j->captures_from = j->captures_end;
    if (!copy(g, p,
              "SELECT id, path, bytes, modified, digest, position, records FROM captures "
              "ORDER BY id",
              "INSERT INTO captures VALUES (?,?,?,?,?,?,?)", take_capture, err) ||
        !copy(g, p, "SELECT position, block, rest FROM blocks ORDER BY id",
              "INSERT INTO blocks (position, block, rest) VALUES (?,?,?)", take_block, err))
        return false;
    if (j->blocks > j->most_blocks) {
        j->most_blocks = j->blocks;
        j->most = p;
    }
    return true;
}

/* ---- parts ---- */

static bool open_from(struct gathering *g, size_t part, struct clv_error *err)
{
    (void)snprintf(g->path, sizeof g->path, "%s", g->all[part].path);
    return index_open(&g->joining.from, g->all[part].path, err) && number_kinds(g, err);
}

bool joining_add(struct gathering *g, size_t part, struct clv_error *err)
{
    struct part *const p = &g->all[part];
    p->position = g->joining.position;
    const bool ok = open_from(g, part, err) && check_columns(g, err) &&
                    add_rows(g, part, false, err) && add_references(g, p, err);
    index_close(&g->joining.from);
    return ok;
}

static bool add_rest(struct gathering *g, struct clv_error *err)
{
    const size_t part = (size_t)(g->joining.rest - g->all);
    const bool ok = open_from(g, part, err) && add_rows(g, part, true, err);
    index_close(&g->joining.from);
    return ok;
}

/*
 * How much of names and secrets an output may have follows from its number, which is another now:
 * in any case it must be all of them.
 */
static bool check_blocks(const struct gathering *g, struct clv_error *err)
{
    const struct joining *const j = &g->joining;
    const uint64_t outputs = max_u64(g->sum.outputs, 1);
    if (!is_pcapng(g) || g->first->receipt.params.no_metadata ||
        j->most_blocks <= METADATA_BASE / outputs)
        return true;
    (void)clv_fail(err, CLV_ERR_ARG, j->most->path,
                   "its captures have %llu bytes of names and secrets, too much for %llu outputs",
                   (unsigned long long)j->most_blocks, (unsigned long long)outputs);
    return clv_fail_hint(err, "index with --no-metadata");
}

bool joining_end(struct gathering *g, struct clv_error *err)
{
    struct joining *const j = &g->joining;
    return (!j->rest || add_rest(g, err)) && check_blocks(g, err) &&
           index_put_kinds(&j->writer, &j->whole, err) &&
           index_put(&j->writer, "columns", j->columns, strlen(j->columns), err);
}

bool joining_receipt(struct gathering *g, const struct text *receipt, struct clv_error *err)
{
    struct joining *const j = &g->joining;
    const bool ok = index_put(&j->writer, "receipt", receipt->p, receipt->len, err) &&
                    index_end(&j->writer, err);
    joining_fini(j); /* all of it is in the file */
    return ok;
}

#else

/* No part is known for an index. */
bool joining_open(struct part *p, struct clv_error *err)
{
    (void)p;
    return db_supported(err);
}

bool joining_begin(struct gathering *g, struct clv_error *err)
{
    (void)g;
    return db_supported(err);
}

bool joining_add(struct gathering *g, size_t part, struct clv_error *err)
{
    (void)g, (void)part;
    return db_supported(err);
}

bool joining_end(struct gathering *g, struct clv_error *err)
{
    (void)g;
    return db_supported(err);
}

bool joining_receipt(struct gathering *g, const struct text *receipt, struct clv_error *err)
{
    (void)g, (void)receipt;
    return db_supported(err);
}

void joining_fini(struct joining *j)
{
    (void)j;
}

#endif
