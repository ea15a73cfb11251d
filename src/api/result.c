/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/results.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/sized.h"
#include "capture/folder.h"
#include "cleave/capture.h"
#include "index/listing.h"
#include "job/options.h"
#include "output/archive.h"

/* Sizes of the first version of public structs. */
enum {
    PARAMS_FIRST = SIZED_END(struct clv_result_params, user),
    SELECTION_FIRST = SIZED_END(struct clv_selection, limit),
};

#define AT(member) offsetof(struct clv_selection, member)

static const struct clv_option selection_rows[] = {
    {"flow", 0, CLV_OPTION_LIST, false, AT(flow), 0, 0, 0, "N[-M],...", NULL,
     "flows with these numbers (in order of appearance)", CLV_GROUP_CHOOSE},
    {"host", 0, CLV_OPTION_LIST, false, AT(host), 0, 0, 0, "ADDR[/N],...", NULL,
     "flows from or to these addresses", CLV_GROUP_CHOOSE},
    {"port", 0, CLV_OPTION_LIST, false, AT(port), 0, 0, 0, "N[-M],...", NULL,
     "flows from or to these ports", CLV_GROUP_CHOOSE},
    {"proto", 0, CLV_OPTION_LIST, false, AT(proto), 0, 0, 0, "NAME|N,...", NULL,
     "flows of these protocols", CLV_GROUP_CHOOSE},
    {"community_id", 0, CLV_OPTION_LIST, false, AT(community_id), 0, 0, 0, "ID,...", NULL,
     "flows with these Community IDs", CLV_GROUP_CHOOSE},
    {"after", 0, CLV_OPTION_TIME, false, AT(after_ns), AT(has_after), 0, 0, "TIME", NULL,
     "flows with packets from TIME on: RFC 3339, or seconds since 1970", CLV_GROUP_CHOOSE},
    {"before", 0, CLV_OPTION_TIME, false, AT(before_ns), AT(has_before), 0, 0, "TIME", NULL,
     "flows with packets before TIME", CLV_GROUP_CHOOSE},
    {"flows", 0, CLV_OPTION_TEXT, false, AT(flows), 0, 0, 0, "FILE", NULL,
     "flows in this list: CSV, JSON Lines, names, numbers or Community IDs", CLV_GROUP_CHOOSE},
    {"where", 0, CLV_OPTION_TEXT, false, AT(where), 0, 0, 0, "SQL", NULL,
     "flows that meet a condition: 'bytes > 1e6 AND dport = 443'", CLV_GROUP_CHOOSE},
    {"invert", 0, CLV_OPTION_BOOL, false, AT(invert), 0, 0, 0, NULL, NULL,
     "all flows but those chosen", CLV_GROUP_CHOOSE},
    {"sort", 0, CLV_OPTION_TEXT, false, AT(sort), 0, 0, 0, "COLUMN", "flow",
     "order of the flows: a column; bytes, packets and duration begin with the largest; time sorts "
     "captures, too",
     CLV_GROUP_CHOOSE},
    {"limit", 0, CLV_OPTION_U64, false, AT(limit), 0, 1, 0, "N", NULL, "at most N flows",
     CLV_GROUP_CHOOSE},
};

const struct clv_option *clv_selection_options(size_t i)
{
    return i < sizeof selection_rows / sizeof *selection_rows ? &selection_rows[i] : NULL;
}

#if HAVE_SQLITE

struct clv_rows {
    struct clv_selection selection;
    struct rows rows;
};

/* Any other directory stands for the captures in it. */
static bool is_output(const char *path)
{
    char mark[PATH_MAX];
    struct stat st;
    const int n = snprintf(mark, sizeof mark, "%s/%s", path, FOLDER_OUTPUT);
    return n > 0 && (size_t)n < sizeof mark && stat(mark, &st) == 0;
}

/* What lies at the path. */
static bool kind_of(const char *path, enum clv_result_kind *kind, struct clv_error *err)
{
    struct stat st;
    *kind = CLV_RESULT_CAPTURES;
    if (stat(path, &st) != 0)
        return true; /* it will be said that there is none */
    if (S_ISDIR(st.st_mode) && is_output(path))
        *kind = CLV_RESULT_DIRECTORY;
    if (!S_ISREG(st.st_mode)) /* who writes to a pipe is not to be disturbed */
        return true;
    errno = 0;
    if (db_is_ours(AT_FDCWD, path))
        *kind = CLV_RESULT_INDEX;
    else if (errno == 0 && archive_is_ours(AT_FDCWD, path))
        *kind = CLV_RESULT_ARCHIVE;
    else if (errno)
        return clv_fail_errno(err, path, "cannot be read");
    return true;
}

/* Captures in the order that is asked for. */
static bool order_captures(struct clv_result *r, const struct clv_result_params *p,
                           struct clv_split_params *params, struct clv_error *err)
{
    struct clv_captures_params list = CLV_CAPTURES_PARAMS_INIT;
    list.paths = p->paths;
    list.n_paths = p->n_paths;
    list.order = p->order;
    if (!clv_captures_list(&r->listed, &list, err))
        return false;
    params->listed = r->listed;
    return true;
}

/* The tables are made anew, in memory. */
static bool open_captures(struct clv_result *r, const struct clv_result_params *p,
                          struct clv_error *err)
{
    struct clv_split_params params = CLV_SPLIT_PARAMS_INIT;
    if (p->split && !sized_take(&params, sizeof params, SPLIT_PARAMS_FIRST, p->split, err))
        return false;
    params.inputs = p->paths;
    params.n_inputs = p->n_paths;
    params.listed = p->listed;
    params.output = r->path;
    params.progress = p->progress;
    params.user = p->user;
    if (p->order && !p->listed && !order_captures(r, p, &params, err))
        return false;
    r->make = mem_zalloc(1, sizeof *r->make);
    if (!r->make)
        return clv_fail_nomem(err, r->path, sizeof *r->make);
    if (!make_begin(r->make, &params, p->for_extract, err))
        return job_hint_skipping(&r->make->job, err);
    if (!make_tables(r->make, NULL, r->path, p->for_extract, NULL, err))
        return false;
    r->db = r->make->writer.db;
    r->make->writer.db = NULL;
    r->owns_db = true;
    if (!p->for_extract)
        return true;
    r->index = mem_zalloc(1, sizeof *r->index);
    r->owns_db = r->index == NULL;
    return r->index ? index_take(r->index, r->db, r->path, err)
                    : clv_fail_nomem(err, r->path, sizeof *r->index);
}

/* The first of the options of captures that is given; split may be NULL, and so is none. */
static const char *option_of_captures(const struct clv_split_params *split)
{
    const struct clv_option *o;
    for (size_t i = 0; split && (o = clv_split_options(i)) != NULL; i++)
        if (clv_option_is_set(o, split))
            return o->name;
    return NULL;
}

/* What is said of captures or of an index alone, and where several are given. */
static bool check_params(const struct clv_result *r, const struct clv_result_params *p,
                         struct clv_error *err)
{
    for (size_t i = 0; !p->listed && p->n_paths > 1 && i < p->n_paths; i++) {
        enum clv_result_kind kind;
        if (!kind_of(p->paths[i], &kind, err))
            return false;
        if (kind != CLV_RESULT_CAPTURES)
            return clv_fail(err, CLV_ERR_ARG, p->paths[i],
                            "is %s, and several cannot be read at a time",
                            kind == CLV_RESULT_INDEX ? "an index" : "an output of cleave");
    }
    const char *const option = option_of_captures(p->split);
    if (option && r->kind != CLV_RESULT_CAPTURES)
        return clv_fail(err, CLV_ERR_OPTION, option, "is for captures; %.80s has its flows already",
                        r->path);
    if (p->n_captures && r->kind != CLV_RESULT_INDEX) {
        (void)clv_fail(err, CLV_ERR_ARG, r->path, "is not an index");
        return clv_fail_hint(err, "--capture is for an index whose capture has moved");
    }
    return true;
}

/* A directory or an archive. */
static bool open_outputs(struct clv_result *r, struct clv_error *err)
{
    r->loaded = mem_zalloc(1, sizeof *r->loaded);
    if (!r->loaded)
        return clv_fail_nomem(err, r->path, sizeof *r->loaded);
    if (!load_open(r->loaded, r->path, err))
        return false;
    r->db = r->loaded->db;
    return true;
}

/* The manifest of the outputs in its directory stands for these, any other one for its rows. */
static bool open_manifest(struct clv_result *r, struct clv_error *err)
{
    char dir[PATH_MAX];
    path_parent(dir, r->path);
    const size_t len = strlen(dir);
    if (len > 1 && dir[len - 1] == '/')
        dir[len - 1] = '\0';
    if (strcmp(path_base(r->path), manifest_file_name(CLV_MANIFEST_SQLITE)) != 0 ||
        !is_output(dir)) {
        r->kind = CLV_RESULT_MANIFEST;
        r->db = r->index->db;
        return true;
    }
    r->kind = CLV_RESULT_DIRECTORY;
    index_close(r->index);
    mem_free(r->index);
    r->index = NULL;
    mem_free(r->path);
    r->path = mem_strdup(dir);
    if (!r->path)
        return clv_fail_nomem(err, dir, PATH_MAX);
    if (!open_outputs(r, err))
        return false;
    if (r->loaded->receipt.params.manifest == CLV_MANIFEST_SQLITE)
        return true;
    (void)clv_fail(err, CLV_ERR_ARG, r->path, "has another manifest than the one that is named");
    return clv_fail_hint(err, "name the directory, or move %s away",
                         manifest_file_name(CLV_MANIFEST_SQLITE));
}

static bool open_index(struct clv_result *r, const struct clv_result_params *p,
                       struct clv_error *err)
{
    r->index = mem_zalloc(1, sizeof *r->index);
    if (!r->index)
        return clv_fail_nomem(err, r->path, sizeof *r->index);
    r->paths = p->n_captures ? mem_zalloc(p->n_captures, sizeof *r->paths) : NULL;
    if (p->n_captures && !r->paths)
        return clv_fail_nomem(err, r->path, p->n_captures * sizeof *r->paths);
    for (; r->n_paths < p->n_captures; r->n_paths++)
        if (!(r->paths[r->n_paths] = mem_strdup(p->captures[r->n_paths])))
            return clv_fail_nomem(err, r->path, PATH_MAX);
    if (!index_open(r->index, r->path, err))
        return false;
    if (r->index->rows_only)
        return open_manifest(r, err);
    r->db = r->index->db;
    return true;
}

static bool open_it(struct clv_result *r, const struct clv_result_params *p, struct clv_error *err)
{
    if (!p->paths || !p->n_paths)
        return clv_fail(err, CLV_ERR_ARG, "clv_result_open", "paths must be given");
    r->path = mem_strdup(p->paths[0]);
    if (!r->path)
        return clv_fail_nomem(err, p->paths[0], PATH_MAX);
    if (p->n_paths == 1 && !p->listed && !kind_of(r->path, &r->kind, err))
        return false;
    if (!check_params(r, p, err))
        return false;
    switch (r->kind) {
    case CLV_RESULT_CAPTURES:
        return open_captures(r, p, err);
    case CLV_RESULT_INDEX: /* of which a manifest has the form */
        return open_index(r, p, err) && check_params(r, p, err);
    default:
        return open_outputs(r, err);
    }
}

bool clv_result_open(struct clv_result **out, const struct clv_result_params *params,
                     struct clv_error *err)
{
    struct clv_result_params own;
    *out = NULL;
    if (!sized_take(&own, sizeof own, PARAMS_FIRST, params, err))
        return false;
    if (own.listed)
        own.paths = clv_captures_names(own.listed, &own.n_paths);
    struct clv_result *r = mem_zalloc(1, sizeof *r);
    if (!r)
        return clv_fail_nomem(err, "the result", sizeof *r);
    if (!open_it(r, &own, err)) {
        clv_result_close(&r);
        return false;
    }
    *out = r;
    return true;
}

void clv_result_close(struct clv_result **rp)
{
    struct clv_result *r = *rp;
    if (!r)
        return;
    (void)sqlite3_finalize(r->ends_row);
    if (r->index)
        index_close(r->index);
    mem_free(r->index);
    if (r->loaded)
        load_close(r->loaded);
    mem_free(r->loaded);
    if (r->make)
        make_end(r->make);
    mem_free(r->make);
    if (r->owns_db)
        db_close(&r->db);
    clv_captures_destroy(&r->listed);
    for (size_t i = 0; i < r->n_paths; i++)
        mem_free(r->paths[i]);
    mem_free(r->paths);
    mem_free(r->path);
    mem_free(r);
    *rp = NULL;
}

enum clv_result_kind clv_result_kind(const struct clv_result *r)
{
    return r->kind;
}

bool clv_result_look(const char *path, enum clv_result_kind *kind, struct clv_error *err)
{
    return kind_of(path, kind, err);
}

/* What the captures came to when they were read; NULL: unknown. */
static const struct clv_split_result *run_of(const struct clv_result *r)
{
    return r->make     ? &r->make->result
           : r->index  ? &r->index->receipt.result
           : r->loaded ? &r->loaded->receipt.result
                       : NULL;
}

const struct clv_error *clv_result_damage(const struct clv_result *r)
{
    const struct clv_split_result *const run = run_of(r);
    return run && run->damage.code != CLV_ERR_NONE ? &run->damage : NULL;
}

uint64_t clv_result_faulty(const struct clv_result *r)
{
    const struct clv_split_result *const run = run_of(r);
    return run ? run->faulty : 0;
}

struct index *result_index(struct clv_result *r, struct clv_error *err)
{
    if (!r->index) {
        (void)clv_fail(err, CLV_ERR_ARG, r->path, "was not opened to extract from it");
        return NULL;
    }
    return index_find_captures(r->index, (const char *const *)r->paths, r->n_paths, err) ? r->index
                                                                                         : NULL;
}

/* What the result's flows have in common. false: it is not known, and *by is nothing. */
static bool key_of(const struct clv_result *r, struct flow_by *by)
{
    const struct clv_split_params *p = r->make     ? &r->make->params
                                       : r->loaded ? &r->loaded->receipt.params
                                                   : &r->index->receipt.params;
    *by = (struct flow_by){.fields = 0};
    if (p->shards) /* which have flows of any kind in them */
        return true;
    return flow_by_parse(by, options_by_name(p), options_by(p), p->directed, NULL);
}

/* A condition that no flow could meet, whatever is in it, would choose nothing, or inverted all. */
static bool check_key(const struct clv_result *r, const struct clv_selection *s,
                      struct clv_error *err)
{
    enum { ADDR = FLOW_BY_IP | FLOW_BY_HOST | FLOW_BY_CLIENT | FLOW_BY_SERVER };
    struct flow_by by;
    if (!key_of(r, &by))
        return true;
    const unsigned fields = by.names ? 0 : by.fields;
    const struct {
        const char *option, *lacks;
        bool asked, can_be;
    } rows[] = {
        {"host", "addresses", s->host, fields & ADDR},
        {"port", "ports", s->port, fields & (FLOW_BY_PORT | FLOW_BY_SERVICE)},
        {"proto", "protocol", s->proto, fields & (FLOW_BY_PROTO | FLOW_BY_SERVICE)},
        {"community_id", "Community IDs", s->community_id,
         (fields & FLOW_BY_TUPLE) == FLOW_BY_TUPLE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].asked && !rows[i].can_be) {
            (void)clv_fail(err, CLV_ERR_OPTION, rows[i].option, "these flows have no %s",
                           rows[i].lacks);
            return clv_fail_hint(
                err, "their key (--by, --shards) has none; to choose packets: cleave split");
        }
    return true;
}

bool result_selection(const struct clv_result *r, struct clv_selection *own,
                      const struct clv_selection *from, struct clv_error *err)
{
    static const struct clv_selection all = CLV_SELECTION_INIT;
    return sized_take(own, sizeof *own, SELECTION_FIRST, from ? from : &all, err) &&
           check_key(r, own, err);
}

bool result_by_host(const struct clv_result *r)
{
    struct flow_by by;
    return key_of(r, &by) && by.fields & FLOW_BY_HOST;
}

bool clv_result_totals(struct clv_result *r, const struct clv_selection *selection,
                       struct clv_totals *totals, struct clv_error *err)
{
    struct clv_selection own;
    struct select sel;
    *totals = (struct clv_totals){.first_ns = CLV_NO_TIME, .last_ns = CLV_NO_TIME};
    if (!result_selection(r, &own, selection, err))
        return false;
    const bool begun = select_begin(&sel, r->db,
                                    "count(*), count(flow), sum(packets), sum(captured_bytes), "
                                    "sum(bytes), min(first), max(last)",
                                    &own, false, r->path, err);
    const bool ok = begun && select_step(&sel, err) == SQLITE_ROW;
    if (ok) {
        totals->rows = (uint64_t)sqlite3_column_int64(sel.s, 0);
        totals->flows = (uint64_t)sqlite3_column_int64(sel.s, 1);
        totals->packets = (uint64_t)sqlite3_column_int64(sel.s, 2);
        totals->captured_bytes = (uint64_t)sqlite3_column_int64(sel.s, 3);
        totals->wire_bytes = (uint64_t)sqlite3_column_int64(sel.s, 4);
        if (sqlite3_column_type(sel.s, 5) != SQLITE_NULL) {
            totals->first_ns = sqlite3_column_int64(sel.s, 5);
            totals->last_ns = sqlite3_column_int64(sel.s, 6);
        }
    }
    select_end(&sel);
    totals->by_host = result_by_host(r);
    return ok;
}

bool clv_result_unmet(struct clv_result *r, const struct clv_selection *selection,
                      struct clv_unmet *unmet, struct clv_error *err)
{
    struct clv_selection own;
    *unmet = (struct clv_unmet){.rows = 0};
    if (!result_selection(r, &own, selection, err))
        return false;
    return !own.flows || select_unmet(r->db, own.flows, r->path, unmet, err);
}

bool clv_rows_open(struct clv_rows **out, struct clv_result *r,
                   const struct clv_selection *selection, struct clv_error *err)
{
    struct clv_rows *rows = *out = mem_zalloc(1, sizeof *rows);
    if (!rows)
        return clv_fail_nomem(err, r->path, sizeof *rows);
    if (result_selection(r, &rows->selection, selection, err) &&
        rows_open(&rows->rows, r->db, &rows->selection, r->path, err))
        return true;
    clv_rows_close(out);
    return false;
}

void clv_rows_close(struct clv_rows **rows)
{
    if (!*rows)
        return;
    rows_close(&(*rows)->rows);
    mem_free(*rows);
    *rows = NULL;
}

enum clv_rows_step clv_rows_next(struct clv_rows *rows, struct clv_error *err)
{
    const int step = rows_next(&rows->rows, err);
    return step == SQLITE_ROW ? CLV_ROWS_ROW : step == SQLITE_DONE ? CLV_ROWS_END : CLV_ROWS_FAILED;
}

const char *clv_rows_column(const struct clv_rows *rows, unsigned i, enum clv_column_type *type)
{
    if (i >= rows->rows.n)
        return NULL;
    const struct column *c = rows->rows.columns[i];
    if (type)
        *type = c->type == COLUMN_TIME                               ? CLV_COLUMN_TIME
                : c->type == COLUMN_SPAN                             ? CLV_COLUMN_SPAN
                : c->type == COLUMN_NUMBER || c->type == COLUMN_PORT ? CLV_COLUMN_NUMBER
                                                                     : CLV_COLUMN_TEXT;
    return c->name;
}

bool clv_rows_number(const struct clv_rows *rows, unsigned i, int64_t *value)
{
    return i < rows->rows.n && rows_number(&rows->rows, i, value);
}

const char *clv_rows_text(struct clv_rows *rows, unsigned i, size_t *len)
{
    size_t own;
    return i < rows->rows.n ? rows_value(&rows->rows, i, len ? len : &own) : NULL;
}

uint64_t clv_rows_id(const struct clv_rows *rows)
{
    return (uint64_t)rows_id(&rows->rows);
}

size_t clv_rows_line(struct clv_rows *rows, enum clv_manifest kind, bool head, char *buf,
                     size_t len)
{
    struct text out = text_on(buf, len);
    if (head)
        rows_head(&rows->rows, kind, &out);
    else
        rows_line(&rows->rows, kind, &out);
    return text_whole(&out);
}

#else

bool clv_result_open(struct clv_result **out, const struct clv_result_params *params,
                     struct clv_error *err)
{
    (void)params;
    *out = NULL;
    return db_supported(err);
}

/* No result was ever opened: nothing of the following is called with one. */

void clv_result_close(struct clv_result **r)
{
    *r = NULL;
}

bool clv_result_look(const char *path, enum clv_result_kind *kind, struct clv_error *err)
{
    (void)path;
    *kind = CLV_RESULT_CAPTURES;
    return db_supported(err);
}

enum clv_result_kind clv_result_kind(const struct clv_result *r)
{
    return r->kind;
}

uint64_t clv_result_faulty(const struct clv_result *r)
{
    (void)r;
    return 0;
}

const struct clv_error *clv_result_damage(const struct clv_result *r)
{
    (void)r;
    return NULL;
}

bool clv_result_totals(struct clv_result *r, const struct clv_selection *selection,
                       struct clv_totals *totals, struct clv_error *err)
{
    (void)r, (void)selection, (void)totals;
    return db_supported(err);
}

bool clv_result_unmet(struct clv_result *r, const struct clv_selection *selection,
                      struct clv_unmet *unmet, struct clv_error *err)
{
    (void)r, (void)selection, (void)unmet;
    return db_supported(err);
}

bool clv_rows_open(struct clv_rows **out, struct clv_result *r,
                   const struct clv_selection *selection, struct clv_error *err)
{
    (void)r, (void)selection;
    *out = NULL;
    return db_supported(err);
}

void clv_rows_close(struct clv_rows **rows)
{
    *rows = NULL;
}

enum clv_rows_step clv_rows_next(struct clv_rows *rows, struct clv_error *err)
{
    (void)rows;
    (void)db_supported(err);
    return CLV_ROWS_FAILED;
}

const char *clv_rows_column(const struct clv_rows *rows, unsigned i, enum clv_column_type *type)
{
    (void)rows, (void)i, (void)type;
    return NULL;
}

bool clv_rows_number(const struct clv_rows *rows, unsigned i, int64_t *value)
{
    (void)rows, (void)i, (void)value;
    return false;
}

const char *clv_rows_text(struct clv_rows *rows, unsigned i, size_t *len)
{
    (void)rows, (void)i, (void)len;
    return NULL;
}

uint64_t clv_rows_id(const struct clv_rows *rows)
{
    (void)rows;
    return 0;
}

size_t clv_rows_line(struct clv_rows *rows, enum clv_manifest kind, bool head, char *buf,
                     size_t len)
{
    (void)rows, (void)kind, (void)head, (void)buf, (void)len;
    return 0;
}

#endif
