/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/select.h"

#if HAVE_SQLITE

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/near.h"
#include "base/port.h"
#include "manifest/columns.h"
#include "manifest/name.h"
#include "scan/filter.h"
#include "scan/listfile.h"
#include "table/schema.h"
#include "walk/walk.h"

enum {
    ASK = 10000,         /* instructions of SQLite's between two looks at the clock */
    ASK_NS = 100000000,  /* between two calls of progress */
    WHERE_S = 60,        /* seconds that a condition may take */
    VALUE_MAX = 1 << 20, /* bytes of a value, so that no condition makes large ones */
    COMMUNITY_ID = 30,   /* characters: "1:" and the base64 of 20 bytes */
    SQL_MAX = 1 << 20,
};

/* The condition so far. */
struct condition {
    struct text sql;
    const char *path;
    bool any;
    struct flowlist *list; /* for the statement's parameter; NULL: it has none */
};

CLV_PRINTF(2, 3) static void add(struct condition *c, const char *format, ...)
{
    va_list args;
    if (c->sql.full)
        return;
    va_start(args, format);
    const int n = vsnprintf(c->sql.p + c->sql.len, c->sql.cap - c->sql.len, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= c->sql.cap - c->sql.len)
        c->sql.full = true;
    else
        c->sql.len += (size_t)n;
}

/* Conditions of one kind follow, of which one has to hold. */
static void begin_kind(struct condition *c)
{
    add(c, "%s(0", c->any ? " AND " : "");
    c->any = true;
}

static void add_key(struct condition *c, const uint8_t *addr, const uint8_t *mask, uint8_t family,
                    bool last)
{
    const unsigned len = family == 4 ? 4 : 16;
    add(c, "x'%02x", family);
    for (unsigned i = 0; i < len; i++)
        add(c, "%02x", last ? (uint8_t)(addr[i] | ~mask[i]) : addr[i]);
    add(c, "'");
}

static void add_hosts(struct condition *c, const struct filter *f)
{
    begin_kind(c);
    for (size_t i = 0; i < f->n_hosts; i++)
        for (unsigned src = 0; src < 2; src++) {
            const struct filter_host *h = &f->hosts[i];
            add(c, " OR %s_key BETWEEN ", src ? "src" : "dst");
            add_key(c, h->addr, h->mask, h->family, false);
            add(c, " AND ");
            add_key(c, h->addr, h->mask, h->family, true);
        }
    add(c, ")");
}

static void add_ports(struct condition *c, const struct filter *f)
{
    begin_kind(c);
    for (size_t i = 0; i < f->n_ports; i++)
        add(c, " OR sport BETWEEN %u AND %u OR dport BETWEEN %u AND %u", f->ports[i].from,
            f->ports[i].to, f->ports[i].from, f->ports[i].to);
    add(c, ")");
}

/* As the table has them: by name where they have one. */
static void add_protos(struct condition *c, const struct filter *f)
{
    begin_kind(c);
    for (size_t i = 0; i < f->n_protos; i++)
        for (unsigned n = f->protos[i].from; n <= f->protos[i].to; n++) {
            const char *name = name_of_proto((uint8_t)n);
            if (name)
                add(c, " OR proto = '%s'", name);
            else
                add(c, " OR proto = '%u'", n);
        }
    add(c, ")");
}

bool select_columns(sqlite3 *db, const char *path, uint64_t *columns, struct clv_error *err)
{
    sqlite3_stmt *s = db_prepare(db, "SELECT value FROM cleave WHERE key = 'columns'", path, err);
    if (!s)
        return false;
    const int step = sqlite3_step(s);
    const char *names = step == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
    *columns = 0;
    for (unsigned i = 0; names && i < columns_n; i++) {
        char quoted[64];
        (void)snprintf(quoted, sizeof quoted, "\"%s\"", columns_all[i].name);
        *columns |= (uint64_t)(strstr(names, quoted) != NULL) << i;
    }
    (void)sqlite3_finalize(s);
    return step == SQLITE_ROW || step == SQLITE_DONE || db_fail(db, path, err);
}

/* The place in columns_all; columns_n: there is none. */
static unsigned column_at(const char *name)
{
    unsigned i = 0;
    while (i < columns_n && strcmp(columns_all[i].name, name) != 0)
        i++;
    return i;
}

/*
 * "3,7-9". Rows are in the order of their numbers, which are their ids, and found by these; a flow
 * has the number of its first part, and the others come later.
 */
static bool add_numbers(struct condition *c, sqlite3 *db, const char *text, struct clv_error *err)
{
    uint64_t columns;
    if (!select_columns(db, c->path, &columns, err))
        return false;
    /* The run has cut flows, so that several rows may be parts of one. */
    const bool parts = columns >> column_at("part") & 1;
    const char *before = c->any ? " AND (" : "(";
    c->any = true;
    for (const char *p = text;; p++) {
        char *end;
        errno = 0;
        const uint64_t from = *p >= '0' && *p <= '9' ? strtoull(p, &end, 10) : (end = NULL, 0);
        uint64_t to = from;
        if (end && *end == '-' && end[1] >= '0' && end[1] <= '9')
            to = strtoull(end + 1, &end, 10);
        if (!end || errno || (*end && *end != ',') || from > to || to > INT64_MAX) {
            (void)clv_fail(err, CLV_ERR_OPTION, "flow", "invalid value \"%.60s\"", p);
            return clv_fail_hint(err, "use N or N-M, separated by commas");
        }
        add(c, "%sid BETWEEN %" PRIu64 " AND %" PRIu64 " AND flow BETWEEN %" PRIu64 " AND %" PRIu64,
            before, from, parts ? INT64_MAX : to, from, to);
        before = " OR ";
        p = end;
        if (!*p)
            break;
    }
    add(c, ")");
    return true;
}

/* A text of a list, quoted. */
static void add_quoted(struct condition *c, const char *p, size_t len)
{
    add(c, "'");
    for (size_t i = 0; i < len; i++)
        add(c, p[i] == '\'' ? "''" : "%c", p[i]);
    add(c, "'");
}

static bool add_ids(struct condition *c, const char *text, struct clv_error *err)
{
    add(c, "%scommunity_id IN (''", c->any ? " AND " : "");
    c->any = true;
    for (const char *p = text;; p++) {
        const size_t len = strcspn(p, ",");
        if (len != COMMUNITY_ID || strncmp(p, "1:", 2) != 0 || p[len - 1] != '=') {
            (void)clv_fail(err, CLV_ERR_OPTION, "community_id", "invalid value \"%.60s\"", p);
            return clv_fail_hint(
                err,
                "use Community IDs such as 1:LQU9qZlK+B5F3KDmev6m5PMibrg=, separated by commas");
        }
        add(c, ",");
        add_quoted(c, p, len);
        p += len;
        if (!*p)
            break;
    }
    add(c, ")");
    return true;
}

static bool add_lists(struct condition *c, const struct clv_selection *s, struct clv_error *err)
{
    struct filter f = {.n_hosts = 0};
    const struct clv_split_params params = {.host = s->host, .port = s->port, .proto = s->proto};
    bool ok = filter_init(&f, &params, err);
    if (ok && f.n_hosts)
        add_hosts(c, &f);
    if (ok && f.n_ports)
        add_ports(c, &f);
    if (ok && f.n_protos)
        add_protos(c, &f);
    filter_fini(&f);
    return ok;
}

/* ---- lists with a row for each flow ---- */

#define LIST_TYPE "list of flows"

/* An address as the table has it: its family, and its bytes. */
static void take_addr(sqlite3_value *v, uint8_t addr[16], uint8_t *family)
{
    const uint8_t *p = sqlite3_value_blob(v);
    const int n = sqlite3_value_bytes(v);
    if (!p || (n != 5 && n != 17))
        return;
    *family = p[0];
    memcpy(addr, p + 1, (size_t)n - 1);
}

/* Whether a flow is of a row: its ends, protocol, Community ID, and times. */
static void listed(sqlite3_context *context, int n, sqlite3_value **v)
{
    enum { LIST, SRC, SPORT, DST, DPORT, PROTO, ID, FIRST, LAST };
    const struct flowlist *const list = sqlite3_value_pointer(v[LIST], LIST_TYPE);
    struct clv_tuple t = {.family = 0};
    const char *const proto = (const char *)sqlite3_value_text(v[PROTO]);
    struct flowlist_ask ask = {.tuple = &t, .first_ns = WALK_NO_TIME, .last_ns = WALK_NO_TIME};
    (void)n;
    take_addr(v[SRC], t.src, &t.family);
    take_addr(v[DST], t.dst, &t.family);
    if (sqlite3_value_type(v[SPORT]) != SQLITE_NULL && sqlite3_value_type(v[DPORT]) != SQLITE_NULL)
        t.flags = CLV_TUPLE_PORTS;
    t.sport = (uint16_t)sqlite3_value_int(v[SPORT]);
    t.dport = (uint16_t)sqlite3_value_int(v[DPORT]);
    if (proto && !name_find_proto(proto, &t.proto))
        t.proto = (uint8_t)sqlite3_value_int(v[PROTO]);
    if (sqlite3_value_type(v[ID]) != SQLITE_NULL)
        ask.id = (const char *)sqlite3_value_text(v[ID]);
    if (sqlite3_value_type(v[LAST]) != SQLITE_NULL) {
        ask.first_ns = sqlite3_value_int64(v[FIRST]);
        ask.last_ns = sqlite3_value_int64(v[LAST]);
    }
    sqlite3_result_int(context, list && flowlist_match(list, &ask, NULL) != 0);
}

static void free_list(void *p)
{
    flowlist_fini(p);
    mem_free(p);
}

/* Reads a list, for the statement's parameter; *words: it is one of words. */
static bool add_rows(struct condition *c, sqlite3 *db, const char *file, bool *words,
                     struct clv_error *err)
{
    enum { VALUES = 9 };
    struct flowlist *list = mem_zalloc(1, sizeof *list);
    if (!list)
        return clv_fail_nomem(err, file, sizeof *list);
    const bool ok =
        flowlist_init(list, 0, err) && listfile_read(list, file, port_processors(), err);
    *words = list->plain;
    if (!ok || *words) {
        free_list(list);
        return ok;
    }
    c->list = list;
    const int code = sqlite3_create_function_v2(db, "listed", VALUES, SQLITE_UTF8, NULL, listed,
                                                NULL, NULL, NULL);
    if (code != SQLITE_OK && code != SQLITE_BUSY) /* busy: it is there, and in use */
        return db_fail(db, c->path, err);
    add(c, "%slisted(?1, src_key, sport, dst_key, dport, proto, community_id, first, last)",
        c->any ? " AND " : "");
    c->any = true;
    return true;
}

/* A line of the file: a number, or else a name or a Community ID. */
static bool add_line(sqlite3_stmt *insert, const char *line, size_t len, int64_t number)
{
    const bool ok = sqlite3_bind_text(insert, 1, line, (int)len, SQLITE_STATIC) == SQLITE_OK &&
                    sqlite3_bind_int64(insert, 2, number) == SQLITE_OK &&
                    sqlite3_step(insert) == SQLITE_DONE;
    (void)sqlite3_reset(insert);
    return ok;
}

/*
 * The first line of the file, if it looks like the head of a table that is not understood, must be
 * the name of an output.
 */
static bool check_head(sqlite3 *db, const char *path, const char *file, const char *line,
                       struct clv_error *err)
{
    if (!listfile_may_be_head(line))
        return true;
    sqlite3_stmt *const s = db_prepare(db, "SELECT 1 FROM flows WHERE file = ? LIMIT 1", path, err);
    if (!s)
        return false;
    const int code = sqlite3_bind_text(s, 1, line, -1, SQLITE_STATIC) == SQLITE_OK ? sqlite3_step(s)
                                                                                   : SQLITE_NOMEM;
    (void)sqlite3_finalize(s);
    if (code == SQLITE_ROW)
        return true;
    return code == SQLITE_DONE ? listfile_refuse_head(file, line, err) : db_fail(db, path, err);
}

/* What is wanted becomes a table that the connection alone sees. */
static bool add_file(struct condition *c, sqlite3 *db, const char *file, struct clv_error *err)
{
    bool words = false, first = true;
    if (!add_rows(c, db, file, &words, err))
        return false;
    if (!words)
        return true;
    FILE *f = fopen(file, "re");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    if (!f)
        return clv_fail_errno(err, file, "cannot be opened");
    bool ok = db_do(db,
                    "PRAGMA temp_store=MEMORY; CREATE TEMP TABLE IF NOT EXISTS wanted "
                    "(what TEXT PRIMARY KEY, line INTEGER) STRICT, WITHOUT ROWID; "
                    "DELETE FROM temp.wanted;",
                    c->path, err);
    sqlite3_stmt *insert =
        ok ? db_prepare(db, "INSERT OR IGNORE INTO temp.wanted VALUES (?, ?)", c->path, err) : NULL;
    ok = insert != NULL;
    errno = 0;
    for (int64_t at = 1; ok && (n = getline(&line, &cap, f)) > 0; at++) {
        while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            n--;
        line[n] = '\0';
        if (!n || *line == '#')
            continue;
        ok = (!first || check_head(db, c->path, file, line, err)) &&
             (add_line(insert, line, (size_t)n, at) || db_fail(db, c->path, err));
        first = false;
    }
    if (ok && ferror(f))
        ok = clv_fail_errno(err, file, "cannot be read");
    (void)sqlite3_finalize(insert);
    free(line);
    (void)fclose(f);
    add(c,
        "%s(file IN (SELECT what FROM wanted) OR community_id IN (SELECT what FROM wanted) "
        "OR CAST(flow AS TEXT) IN (SELECT what FROM wanted))",
        c->any ? " AND " : "");
    c->any = true;
    return ok;
}

/* Rows that are there; what is not would be a selection that is smaller than the caller thinks. */
static bool check_chosen(const struct condition *c, sqlite3 *db, struct clv_error *err)
{
    sqlite3_stmt *const s = db_prepare(db,
                                       "SELECT id FROM temp.chosen WHERE NOT EXISTS (SELECT 1 FROM "
                                       "flows WHERE flows.id = chosen.id)",
                                       c->path, err);
    if (!s)
        return false;
    const int code = sqlite3_step(s);
    const int64_t id = code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    const bool ok = code == SQLITE_DONE ||
                    (code == SQLITE_ROW ? clv_fail(err, CLV_ERR_ARG, c->path, "has no row %llu",
                                                   (unsigned long long)id)
                                        : db_fail(db, c->path, err));
    (void)sqlite3_finalize(s);
    return ok;
}

/* The rows among which all else chooses become a table that the connection alone sees. */
static bool add_chosen(struct condition *c, sqlite3 *db, const struct clv_selection *s,
                       struct clv_error *err)
{
    bool ok = db_do(db,
                    "PRAGMA temp_store=MEMORY; CREATE TEMP TABLE IF NOT EXISTS chosen "
                    "(id INTEGER PRIMARY KEY) STRICT; DELETE FROM temp.chosen;",
                    c->path, err);
    sqlite3_stmt *const insert =
        ok ? db_prepare(db, "INSERT OR IGNORE INTO temp.chosen VALUES (?)", c->path, err) : NULL;
    ok = insert != NULL;
    for (size_t i = 0; ok && i < s->n_rows; i++) {
        ok = (sqlite3_bind_int64(insert, 1, (int64_t)s->rows[i]) == SQLITE_OK &&
              sqlite3_step(insert) == SQLITE_DONE) ||
             db_fail(db, c->path, err);
        (void)sqlite3_reset(insert);
    }
    (void)sqlite3_finalize(insert);
    add(c, "id IN (SELECT id FROM temp.chosen) AND ");
    return ok && check_chosen(c, db, err);
}

/* What a condition may do. */
static int allow(void *user, int action, const char *a, const char *b, const char *database,
                 const char *inner)
{
    struct select *const sel = user;
    (void)database, (void)inner;
    switch (action) {
    case SQLITE_SELECT:
        return SQLITE_OK;
    case SQLITE_READ:
        if (strcmp(a, "flows") == 0)
            sel->reads |= UINT64_C(1) << column_at(b);
        /* Not by `inner`: any name in a query is one. */
        return strcmp(a, "flows") == 0 || strcmp(a, "wanted") == 0 || strcmp(a, "chosen") == 0 ||
                       (strcmp(a, "outputs") == 0 && strcmp(b, "positions") != 0)
                   ? SQLITE_OK
                   : SQLITE_DENY;
    case SQLITE_FUNCTION:
        return strcmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    default:
        return SQLITE_DENY;
    }
}

static bool add_condition(struct condition *c, sqlite3 *db, const struct clv_selection *s,
                          struct clv_error *err)
{
    if (s->rows && !add_chosen(c, db, s, err))
        return false;
    if (s->invert)
        add(c, "(");
    if ((s->flow && !add_numbers(c, db, s->flow, err)) || !add_lists(c, s, err))
        return false;
    if (s->community_id && !add_ids(c, s->community_id, err))
        return false;
    if (s->has_after) {
        add(c, "%slast >= %" PRId64, c->any ? " AND " : "", s->after_ns);
        c->any = true;
    }
    if (s->has_before) {
        add(c, "%sfirst < %" PRId64, c->any ? " AND " : "", s->before_ns);
        c->any = true;
    }
    if (s->flows && !add_file(c, db, s->flows, err))
        return false;
    if (s->where) { /* a comment in it ends with its line */
        add(c, "%s(%s\n)", c->any ? " AND " : "", s->where);
        c->any = true;
    }
    if (!c->any)
        add(c, "1");
    if (s->invert)
        add(c, ") IS NOT TRUE");
    return true;
}

/* What people call some of the columns that can be sorted by, and how. */
static const struct {
    const char *word, *sql;
} sorts[] = {
    {"bytes", "bytes DESC"},
    {"packets", "packets DESC"},
    {"duration", "duration DESC"},
    {"captured_bytes", "captured_bytes DESC"},
    {"src", "src_key"},
    {"dst", "dst_key"},
    {"time", "first"},
};
enum { SORTS = sizeof sorts / sizeof *sorts };

/* What people may mean by a column that there is not. */
static const char *near_column(const char *word)
{
    static const struct near_word words[] = {
        {"size", "bytes"},      {"length", "bytes"}, {"octets", "bytes"},    {"count", "packets"},
        {"records", "packets"}, {"began", "time"},   {"start", "time"},      {"end", "last"},
        {"lasted", "duration"}, {"source", "src"},   {"destination", "dst"}, {"protocol", "proto"},
        {"number", "flow"},
    };
    const char *known[COLUMNS_MAX + SORTS];
    size_t n = 0;
    for (size_t i = 0; i < SORTS; i++)
        known[n++] = sorts[i].word;
    for (unsigned i = 0; i < columns_n && n < sizeof known / sizeof *known; i++)
        known[n++] = columns_all[i].name;
    return near_find(words, sizeof words / sizeof *words, known, n, word, strlen(word));
}

/* A column that the run does not have is NULL in all rows: nobody means that. */
static bool lacks_column(const char *option, unsigned i, struct clv_error *err)
{
    const struct column *const c = &columns_all[i];
    (void)clv_fail(err, CLV_ERR_OPTION, option, "these flows have no column \"%s\"", c->name);
    if (c->asked)
        return clv_fail_hint(err, "it is there with %s, for a capture or when the index is made",
                             c->asked);
    return c->field && clv_fail_hint(err, "a field that --by names has one, as with "
                                          "--by flow,vlan");
}

static bool add_order(struct condition *c, sqlite3 *db, const struct clv_selection *s,
                      struct clv_error *err)
{
    const char *sql = NULL, *quote = "";
    uint64_t has;
    if (!s->sort)
        return true;
    for (size_t i = 0; i < SORTS; i++)
        if (strcmp(s->sort, sorts[i].word) == 0)
            sql = sorts[i].sql;
    for (unsigned i = 0; !sql && i < columns_n; i++)
        if (strcmp(s->sort, columns_all[i].name) == 0) {
            if (!select_columns(db, c->path, &has, err))
                return false;
            if (has && !(has >> i & 1))
                return lacks_column("sort", i, err);
            sql = columns_all[i].name;
            quote = "\"";
        }
    if (!sql) {
        const char *near = near_column(s->sort);
        (void)clv_fail(err, CLV_ERR_OPTION, "sort", "unknown column \"%.60s\"%s%s%s", s->sort,
                       near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
        return clv_fail_hint(err, "use time, bytes, packets, duration, last, file, src, dst, "
                                  "sport, dport; all columns: man cleave-manifest");
    }
    add(c, " ORDER BY %s%s%s, id", quote, sql, quote);
    return true;
}

/* Called by SQLite now and then; what is not 0 ends the statement. */
static int ends(void *user)
{
    struct select *const sel = user;
    const int64_t now = clock_ns();
    sel->late = sel->confined && now > sel->until_ns;
    if (sel->late)
        return 1;
    if (!sel->progress || now < sel->ask_ns)
        return 0;
    sel->ask_ns = now + ASK_NS;
    return !sel->progress(sel->user);
}

static bool confine(struct select *sel)
{
    sel->left_ns = WHERE_S * INT64_C(1000000000);
    return sqlite3_set_authorizer(sel->db, allow, sel) == SQLITE_OK;
}

/* The statement, in c->sql. */
static bool put_statement(struct condition *c, sqlite3 *db, const char *columns,
                          const struct clv_selection *s, bool ordered, struct clv_error *err)
{
    add(c, "SELECT %s FROM flows WHERE ", columns);
    if (!s)
        add(c, "1");
    else if (!add_condition(c, db, s, err) || (ordered && !add_order(c, db, s, err)))
        return false;
    if (ordered && (!s || !s->sort))
        add(c, " ORDER BY id");
    if (ordered && s && s->limit)
        add(c, " LIMIT %" PRIu64, min_u64(s->limit, INT64_MAX));
    return (!c->sql.full && text_whole(&c->sql)) ||
           (clv_fail(err, CLV_ERR_ARG, "the selection", "is too long") ||
            clv_fail_hint(err, "--flows FILE takes any number of flows"));
}

static bool prepare(struct select *sel, const char *sql, struct clv_error *err)
{
    const char *rest = "";
    sel->until_ns = clock_ns() + sel->left_ns;
    const int code = sqlite3_prepare_v2(sel->db, sql, -1, &sel->s, &rest);
    if (code == SQLITE_OK && !*rest)
        return true;
    if (!sel->confined || code == SQLITE_NOMEM || code == SQLITE_CORRUPT ||
        code == SQLITE_INTERRUPT)
        return db_fail(sel->db, sel->path, err);
    (void)clv_fail(err, CLV_ERR_OPTION, "where", "%s",
                   code == SQLITE_OK ? "is more than one condition" : sqlite3_errmsg(sel->db));
    return clv_fail_hint(err, "use a condition on the columns of the table of flows, such as "
                              "\"bytes > 1e6 AND proto = 'udp'\"");
}

/*
 * It has to be a condition without the parentheses that it gets, too: "1) OR (1" would undo those
 * beside it. Uses what the statement leaves of its text.
 */
static bool check_where(struct select *sel, const struct text *statement, const char *where,
                        struct clv_error *err)
{
    const size_t used = statement->len + 1;
    struct text sql = text_on(statement->p + used, statement->cap - used);
    text_str(&sql, "SELECT 1 FROM flows WHERE ");
    text_str(&sql, where);
    const bool ok = text_whole(&sql) ? prepare(sel, sql.p, err)
                                     : clv_fail(err, CLV_ERR_OPTION, "where", "is too long");
    (void)sqlite3_finalize(sel->s);
    sel->s = NULL;
    return ok;
}

static bool check_columns(struct select *sel, struct clv_error *err)
{
    uint64_t has;
    (void)sqlite3_set_authorizer(sel->db, NULL, NULL);
    if (!select_columns(sel->db, sel->path, &has, err))
        return false;
    for (unsigned i = 0; has && i < columns_n; i++)
        if ((sel->reads >> i & 1) && !(has >> i & 1))
            return lacks_column("where", i, err);
    return true;
}

bool select_begin(struct select *sel, sqlite3 *db, const char *columns,
                  const struct clv_selection *selection, bool ordered, const char *path,
                  struct clv_error *err)
{
    struct condition c = {.sql = text_on(mem_alloc(SQL_MAX, 1), SQL_MAX), .path = path};
    /* What is read before the condition takes none of its time. */
    *sel = (struct select){.db = db, .path = path, .until_ns = INT64_MAX};
    if (selection) {
        sel->confined = selection->where;
        sel->progress = selection->progress;
        sel->user = selection->user;
    }
    if (!c.sql.p)
        return clv_fail_nomem(err, path, SQL_MAX);
    if (sel->confined || sel->progress)
        sqlite3_progress_handler(db, ASK, ends, sel);
    bool ok = put_statement(&c, db, columns, selection, ordered, err);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
    if (ok && selection && selection->where)
        ok = (confine(sel) || db_fail(db, path, err)) &&
             check_where(sel, &c.sql, selection->where, err) && check_columns(sel, err) &&
             (confine(sel) || db_fail(db, path, err));
    ok = ok && prepare(sel, c.sql.p, err);
    mem_free(c.sql.p);
    sel->list = c.list;
    if (ok && c.list) /* which it frees, whatever comes of it */
        return sqlite3_bind_pointer(sel->s, 1, c.list, LIST_TYPE, free_list) == SQLITE_OK ||
               db_fail(db, path, err);
    if (c.list)
        free_list(c.list);
    return ok;
}

int select_step(struct select *sel, struct clv_error *err)
{
    if (!sel->db)
        return SQLITE_DONE;
    sel->until_ns = clock_ns() + sel->left_ns;
    const int code = sqlite3_step(sel->s);
    sel->left_ns = sel->until_ns - clock_ns();
    if (code == SQLITE_DONE)
        select_end(sel); /* so that another one may begin */
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return code;
    if (code == SQLITE_INTERRUPT && sel->late)
        (void)clv_fail(err, CLV_ERR_OPTION, "where", "takes longer than %d s", WHERE_S);
    else if (sel->confined && (code == SQLITE_ERROR || code == SQLITE_TOOBIG))
        (void)clv_fail(err, CLV_ERR_OPTION, "where", "%s", sqlite3_errmsg(sel->db));
    else
        (void)db_fail(sel->db, sel->path, err);
    return code;
}

void select_end(struct select *sel)
{
    if (!sel->db)
        return;
    (void)sqlite3_finalize(sel->s);
    sel->s = NULL;
    (void)sqlite3_set_authorizer(sel->db, NULL, NULL);
    sqlite3_progress_handler(sel->db, 0, NULL, NULL);
    (void)sqlite3_limit(sel->db, SQLITE_LIMIT_LENGTH, INT32_MAX);
    sel->db = NULL;
    sel->list = NULL;
}

/* Words that are in no flow; what they were looked up in is there from the selection. */
static bool unmet_words(sqlite3 *db, const char *path, struct clv_unmet *u, struct clv_error *err)
{
    sqlite3_stmt *s = db_prepare(
        db,
        "SELECT line, count(*) OVER () FROM wanted WHERE "
        "what NOT IN (SELECT file FROM flows WHERE file IN (SELECT what FROM wanted)) AND "
        "what NOT IN (SELECT community_id FROM flows WHERE community_id IN (SELECT what FROM "
        "wanted)) AND what NOT IN (SELECT CAST(flow AS TEXT) FROM flows WHERE flow IS NOT NULL) "
        "ORDER BY line",
        path, err);
    int step = SQLITE_DONE;
    if (!s)
        return false;
    for (size_t i = 0; i < CLV_UNMET_LINES && (step = sqlite3_step(s)) == SQLITE_ROW; i++) {
        u->lines[i] = (uint64_t)sqlite3_column_int64(s, 0);
        u->rows = (uint64_t)sqlite3_column_int64(s, 1);
    }
    const bool ok = step == SQLITE_ROW || step == SQLITE_DONE || db_fail(db, path, err);
    (void)sqlite3_finalize(s);
    return ok;
}

bool select_unmet(sqlite3 *db, const char *file, const char *path, struct clv_unmet *unmet,
                  struct clv_error *err)
{
    const struct clv_selection all = {.struct_size = sizeof all, .flows = file};
    struct select sel;
    *unmet = (struct clv_unmet){.rows = 0};
    /* All flows are counted in the first step: what is then unmet stays so. */
    bool ok = select_begin(&sel, db, "count(*)", &all, false, path, err) &&
              select_step(&sel, err) == SQLITE_ROW;
    const bool words = !sel.list;
    if (ok && !words)
        unmet->rows = flowlist_unmet(sel.list, unmet->lines, CLV_UNMET_LINES);
    select_end(&sel);
    if (ok && words)
        ok = unmet_words(db, path, unmet, err);
    return ok;
}

#endif
