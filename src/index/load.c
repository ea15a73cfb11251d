/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/load.h"

#if HAVE_SQLITE

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cleave/time.h"
#include "index/cells.h"
#include "index/write.h"
#include "job/options.h"
#include "manifest/community.h"
#include "manifest/name.h"
#include "output/publish.h"

/* A manifest that becomes a table. Too much for the stack of a small thread. */
struct loading {
    struct loaded *to;
    char path[PATH_MAX]; /* of the manifest */
    struct cells cells;
    struct index_writer writer;
    struct names files; /* that rows have named */
    uint64_t rows;
    unsigned n; /* columns of the statement, and which these are */
    unsigned order[COLUMNS_MAX];
};

/* Decimal digits alone. Sums of two of them fit SQLite's numbers. */
static bool read_number(const char *text, uint64_t max, uint64_t *n)
{
    *n = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (*n > (INT64_MAX / 2 - 9) / 10)
            return false;
        *n = *n * 10 + (uint64_t)(*text - '0');
    }
    return !*text && *n <= max;
}

static bool read_proto(const char *text, uint64_t *n)
{
    uint8_t proto;
    if (!name_find_proto(text, &proto))
        return read_number(text, UINT8_MAX, n);
    *n = proto;
    return true;
}

static bool read_flags(const char *text, uint64_t *flags)
{
    static const char letters[] = "FSRPAUEC";
    *flags = 0;
    for (; *text; text++) {
        const char *letter = strchr(letters, *text);
        if (!letter)
            return false;
        *flags |= 1U << (letter - letters);
    }
    return true;
}

/* Seconds with nine digits after the point, as text_span() puts them. */
static bool read_span(const char *text, int64_t *ns)
{
    const bool negative = *text == '-';
    char digits[24];
    const char *const point = strchr(text, '.');
    uint64_t n;
    const size_t whole = point ? (size_t)(point - text) - negative : 0;
    if (!whole || whole + 9 >= sizeof digits || strlen(point + 1) != 9)
        return false;
    memcpy(digits, text + negative, whole);
    memcpy(digits + whole, point + 1, 10);
    const char *first = digits;
    while (*first == '0' && first[1])
        first++;
    if (!read_number(first, (uint64_t)INT64_MAX + negative, &n))
        return false;
    *ns = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

static bool read_mac(const char *text, uint8_t mac[6])
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < 12; i++, text++) {
        if (i && i % 2 == 0 && *text++ != ':')
            return false;
        const char *digit = *text ? strchr(digits, *text) : NULL;
        if (!digit)
            return false;
        mac[i / 2] = (uint8_t)(mac[i / 2] << 4 | (digit - digits));
    }
    return !*text;
}

/* ASCII that is never quoted. */
static bool is_word(const char *text)
{
    while (*text > ' ' && *text < 0x7f && *text != '"' && *text != ',')
        text++;
    return !*text;
}

/* The value of a column's text. It points into the text, or into itself. */
static bool read_value(enum column_type type, const char *text, struct column_value *v)
{
    uint8_t *const made = (uint8_t *)v->made;
    switch (type) {
    case COLUMN_TEXT:
    case COLUMN_WORD:
        v->text.p = text;
        v->text.len = strlen(text);
        return type == COLUMN_TEXT || is_word(text);
    case COLUMN_NUMBER:
        return read_number(text, INT64_MAX, &v->number);
    case COLUMN_PORT:
        return read_number(text, UINT16_MAX, &v->number);
    case COLUMN_PROTO:
        return read_proto(text, &v->number);
    case COLUMN_FLAGS:
        return read_flags(text, &v->number);
    case COLUMN_TIME:
        return clv_time_parse(text, &v->time_ns);
    case COLUMN_SPAN:
        return read_span(text, &v->time_ns);
    case COLUMN_ADDRESS:
        v->addr.bytes = made;
        v->addr.family = strchr(text, ':') ? 6 : 4;
        return inet_pton(v->addr.family == 6 ? AF_INET6 : AF_INET, text, made) == 1;
    case COLUMN_MAC:
        v->mac = made;
        return read_mac(text, made);
    }
    return false;
}

/* The same, and written as cleave writes it: one value has one text. */
static bool take_value(enum column_type type, const char *text, struct column_value *v)
{
    char buf[128];
    struct text again = text_on(buf, sizeof buf);
    if (!read_value(type, text, v))
        return false;
    if (type == COLUMN_TEXT || type == COLUMN_WORD)
        return true;
    manifest_put(type, v, &again);
    return text_whole(&again) && strcmp(buf, text) == 0;
}

static bool invalid_value(const struct loading *l, const struct column *c, const char *text,
                          struct clv_error *err)
{
    return clv_fail(err, CLV_ERR_FORMAT, l->path, "line %llu: invalid %s \"%.60s\"",
                    (unsigned long long)l->cells.line, c->name, text);
}

/* No two rows name one file. */
static bool check_file(struct loading *l, struct clv_error *err)
{
    bool is_new;
    const char *const name = l->cells.text[0];
    const unsigned long long line = l->cells.line;
    if (!name)
        return clv_fail(err, CLV_ERR_FORMAT, l->path, "line %llu: no file name", line);
    if (!names_add(&l->files, keyed_bytes(&l->to->store.key, name, strlen(name)), &is_new))
        return clv_fail_nomem(err, l->path, l->files.cap * sizeof *l->files.slots);
    return is_new || clv_fail(err, CLV_ERR_FORMAT, l->path,
                              "line %llu: an earlier row has the same file name", line);
}

static bool put_row(struct loading *l, struct clv_error *err)
{
    struct adder *const rows = &l->writer.rows;
    struct column_value v;
    unsigned at = SCHEMA_FIRST;
    if (!check_file(l, err) || !adder_row(rows, SCHEMA_ROW_MAX, err))
        return false;
    for (unsigned k = 0; k < l->n; k++) {
        const struct column *c = &columns_all[l->order[k]];
        const char *const text = l->cells.text[l->order[k]];
        v = (struct column_value){.made = ""};
        if (text && !take_value(c->type, text, &v))
            return invalid_value(l, c, text, err);
        schema_put(rows, &at, c, text ? &v : NULL);
    }
    l->rows++;
    return adder_add(rows, err);
}

/* Of JSON Lines a row says nothing of columns that it has no value in: the run's options do. */
static bool find_columns(struct loading *l, struct clv_error *err)
{
    const struct clv_split_params *const params = &l->to->receipt.params;
    struct flow_by by;
    if (!flow_by_parse(&by, options_by_name(params), options_by(params), params->directed, err))
        return false;
    const struct flow_cuts cuts = {
        .connections = by.connections,
        .idle_ns = params->idle_timeout_ns,
        .active_ns = params->active_timeout_ns,
        .every = (enum flow_every)params->every,
    };
    struct manifest m = {
        .by = &by,
        .cuts = &cuts,
        .community = community_supported(NULL),
        .outer = params->inner,
        .shards = params->shards,
        .related = (params->related || options_groups(params)) && !params->shards,
        .grouped = options_groups(params) && !params->shards,
        .named = (params->names || params->related || options_groups(params)) && !params->shards,
    };
    columns_choose(&m);
    for (unsigned k = 0; k < m.n_columns; k++)
        l->cells.has[m.columns[k] - columns_all] = true;
    for (l->n = 0; l->n < columns_n; l->n++) /* a row may have any */
        l->order[l->n] = l->n;
    return true;
}

static bool prepare(struct loading *l, struct clv_error *err)
{
    const struct column *columns[COLUMNS_MAX];
    l->n = l->cells.n;
    memcpy(l->order, l->cells.order, sizeof l->order);
    if (l->cells.kind == CLV_MANIFEST_JSONL && !find_columns(l, err))
        return false;
    for (unsigned k = 0; k < l->n; k++)
        columns[k] = &columns_all[l->order[k]];
    return index_rows(&l->writer, columns, l->n, err);
}

static bool check_count(const struct loaded *l, uint64_t rows, const char *path,
                        struct clv_error *err)
{
    const uint64_t outputs = l->receipt.result.outputs;
    if (rows == outputs)
        return true;
    (void)clv_fail(err, CLV_ERR_FORMAT, path, "has %llu rows, but %s says %llu outputs",
                   (unsigned long long)rows, PUBLISH_MARK, (unsigned long long)outputs);
    return clv_fail_hint(err, "the manifest was cut off or edited: cleave verify says more");
}

static bool put_rows(struct loading *l, struct clv_error *err)
{
    enum cells_step step;
    while ((step = cells_next(&l->cells, err)) == CELLS_ROW)
        if (!put_row(l, err))
            return false;
    return step != CELLS_BAD && check_count(l->to, l->rows, l->path, err);
}

static bool put_columns(struct loading *l, struct clv_error *err)
{
    struct manifest m = {.n_columns = 0};
    for (unsigned i = 0; i < columns_n; i++)
        if (l->cells.has[i])
            m.columns[m.n_columns++] = &columns_all[i];
    return index_columns(&l->writer, &m, err);
}

static bool load(struct loading *l, const char *path, struct clv_error *err)
{
    const struct clv_split_params *const params = &l->to->receipt.params;
    const char *const name = manifest_file_name(params->manifest);
    if (!store_path(&l->to->store, name, l->path, err) ||
        !cells_begin(&l->cells, &l->to->store, params->manifest, l->path, err) ||
        !index_init(&l->writer, NULL, path, false, err) || !prepare(l, err) || !put_rows(l, err) ||
        !index_rows_end(&l->writer, err) || !put_columns(l, err) || !index_end(&l->writer, err))
        return false;
    l->to->db = l->writer.db;
    l->writer.db = NULL;
    return true;
}

/* The file of the database, mapped. */
static bool map_database(struct loaded *l, const char *name, const char *path,
                         struct clv_error *err)
{
    struct store_file f;
    const enum store_look look = store_file(&l->store, name, path, &f);
    if (!store_has_table(look, &l->store, path, err))
        return false;
    const bool ok = store_map(&f, path, &l->map) || clv_fail_errno(err, path, "cannot be read");
    store_file_close(&l->store, &f);
    return ok;
}

/* A manifest that is such a table already. */
static bool load_database(struct loaded *l, struct clv_error *err)
{
    char path[PATH_MAX];
    sqlite3_stmt *s = NULL;
    const char *const name = manifest_file_name(CLV_MANIFEST_SQLITE);
    if (!store_path(&l->store, name, path, err) || !map_database(l, name, path, err) ||
        !db_open_bytes(&l->db, l->map.p, l->map.size, l->store.path, err) ||
        !schema_check(l->db, path, err) ||
        !(s = db_prepare(l->db, "SELECT count(*) FROM outputs", path, err)))
        return false;
    const bool ok = sqlite3_step(s) == SQLITE_ROW
                        ? check_count(l, (uint64_t)sqlite3_column_int64(s, 0), path, err)
                        : db_fail(l->db, path, err);
    (void)sqlite3_finalize(s);
    return ok;
}

/* The table is there at all. */
static bool check_receipt(const struct clv_receipt *r, const char *path, struct clv_error *err)
{
    if (r->params.each && !r->part) {
        (void)clv_fail(err, CLV_ERR_ARG, path, "was split with --each: it has one table per input");
        return clv_fail_hint(err, "name one of its sub-directories");
    }
    if (manifest_file_name(r->params.manifest))
        return true;
    (void)clv_fail(err, CLV_ERR_ARG, path,
                   "has no table of flows: it was split without a manifest");
    return clv_fail_hint(err, "split the captures again without --manifest none, or index them");
}

static bool read_receipt(struct loaded *l, const char *path, struct clv_error *err)
{
    char mark[PATH_MAX];
    struct store_file f;
    if (!HAVE_JANSSON) {
        (void)clv_fail(err, CLV_ERR_ARG, path, "cannot be listed: built without jansson");
        return clv_fail_hint(err, "install libjansson-dev and build again");
    }
    if (!store_path(&l->store, PUBLISH_MARK, mark, err))
        return false;
    if (store_file(&l->store, PUBLISH_MARK, mark, &f) == STORE_LACKS) {
        (void)clv_fail(err, CLV_ERR_ARG, path, "has no " PUBLISH_MARK);
        return clv_fail_hint(err, "only an output of cleave split has a table of flows");
    }
    store_file_close(&l->store, &f);
    return store_receipt(&l->store, &l->receipt, 0, err) && check_receipt(&l->receipt, path, err) &&
           store_parts(&l->store, &l->receipt, err);
}

bool load_open(struct loaded *l, const char *path, struct clv_error *err)
{
    *l = (struct loaded){.db = NULL};
    if (!store_open(&l->store, path, err) || !read_receipt(l, path, err))
        return false;
    if (l->receipt.params.manifest == CLV_MANIFEST_SQLITE)
        return load_database(l, err);
    struct loading *const own = mem_zalloc(1, sizeof *own);
    if (!own)
        return clv_fail_nomem(err, path, sizeof *own);
    own->to = l;
    own->cells.file.fd = -1;
    const bool ok = load(own, path, err);
    cells_end(&own->cells, &l->store);
    names_fini(&own->files);
    index_fini(&own->writer);
    mem_free(own);
    return ok;
}

void load_close(struct loaded *l)
{
    db_close(&l->db);
    map_close(&l->map);
    receipt_fini(&l->receipt);
    store_close(&l->store);
}

#endif
