/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/opened.h"

#if HAVE_SQLITE

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "flow/positions.h"
#include "index/identity.h"
#include "job/job.h"
#include "job/options.h"
#include "manifest/name.h"
#include "table/schema.h"

enum {
    CAPTURES_MAX = 1 << 20,
    STAY_OPEN = 16, /* captures at most that keep a descriptor: to ask the file of its size by its
                       path takes three times as long, for each flow */
};

/* Of a manifest nothing says which captures there were. */
static bool is_manifest(struct index *ix, struct clv_error *err)
{
    sqlite3_stmt *s = db_prepare(ix->db, "SELECT 1 FROM captures LIMIT 1", ix->path, err);
    if (!s)
        return false;
    const int step = sqlite3_step(s);
    ix->rows_only = step == SQLITE_DONE;
    if (step == SQLITE_ROW)
        (void)clv_fail(err, CLV_ERR_FORMAT, ix->path, "has no record of a run");
    else if (!ix->rows_only)
        (void)db_fail(ix->db, ix->path, err);
    (void)sqlite3_finalize(s);
    return ix->rows_only;
}

/* The receipt stays in its row, which owns it. */
static bool read_receipt(struct index *ix, struct clv_error *err)
{
    ix->receipt_row =
        db_prepare(ix->db, "SELECT value FROM cleave WHERE key = 'receipt'", ix->path, err);
    if (!ix->receipt_row)
        return false;
    const int step = sqlite3_step(ix->receipt_row);
    if (step == SQLITE_DONE)
        return is_manifest(ix, err);
    if (step != SQLITE_ROW)
        return db_fail(ix->db, ix->path, err);
    ix->receipt_text = (const char *)sqlite3_column_text(ix->receipt_row, 0);
    ix->receipt_len = (size_t)sqlite3_column_bytes(ix->receipt_row, 0);
    if (!ix->receipt_text)
        return clv_fail(err, CLV_ERR_FORMAT, ix->path, "has no record of a run");
    return receipt_take(&ix->receipt, ix->path, ix->receipt_text, ix->receipt_len, err);
}

bool index_take(struct index *ix, sqlite3 *db, const char *path, struct clv_error *err)
{
    *ix = (struct index){.path = path, .db = db};
    return read_receipt(ix, err);
}

bool index_open(struct index *ix, const char *path, struct clv_error *err)
{
    *ix = (struct index){.path = path};
    return db_open(&ix->db, path, err) && schema_check(ix->db, path, err) && read_receipt(ix, err);
}

bool index_may_replace(const char *path, struct clv_error *err)
{
    struct index ix = {.path = path};
    const bool is_one = db_is_ours(AT_FDCWD, path) && db_open(&ix.db, path, NULL) &&
                        schema_check(ix.db, path, NULL) && read_receipt(&ix, NULL) && ix.rows_only;
    index_close(&ix);
    if (!is_one)
        return true;
    (void)clv_fail(err, CLV_ERR_EXISTS, path, "already exists, and is a manifest, not an index");
    return clv_fail_hint(
        err, "--force does not replace other files: move it away, or choose another name");
}

/* As before index_find_captures(). */
static void forget_captures(struct index *ix)
{
    for (size_t i = 0; i < ix->n_sources; i++)
        source_forget(&ix->sources[i]);
    mem_free(ix->sources);
    mem_free(ix->views);
    places_fini(&ix->places);
    for (size_t i = 0; i < ix->n_paths; i++)
        mem_free(ix->paths[i]);
    mem_free(ix->paths);
    if (ix->has_metadata)
        metadata_fini(&ix->metadata);
    ledger_fini(&ix->ledger);
    ix->sources = NULL;
    ix->views = NULL;
    ix->paths = NULL;
    ix->places = (struct places){.n = 0};
    ix->n_sources = ix->cap_sources = ix->n_views = ix->views_cap = ix->n_paths = 0;
    ix->has_metadata = false;
}

void index_close(struct index *ix)
{
    forget_captures(ix);
    receipt_fini(&ix->receipt);
    (void)sqlite3_finalize(ix->receipt_row);
    (void)sqlite3_finalize(ix->flow_row);
    (void)sqlite3_finalize(ix->places_row);
    db_close(&ix->db);
    *ix = (struct index){.path = NULL};
}

/* A capture of the index, as its row says. */
struct capture_row {
    char path[PATH_MAX];
    struct identity was;
    uint64_t position, records;
    int64_t number;
};

static bool read_row(const struct index *ix, sqlite3_stmt *s, struct capture_row *row,
                     struct clv_error *err)
{
    const char *path = (const char *)sqlite3_column_text(s, 1);
    const void *digest = sqlite3_column_blob(s, 4);
    row->number = sqlite3_column_int64(s, 0);
    row->was.bytes = (uint64_t)sqlite3_column_int64(s, 2);
    row->was.modified_ns = sqlite3_column_int64(s, 3);
    row->position = (uint64_t)sqlite3_column_int64(s, 5);
    row->records = (uint64_t)sqlite3_column_int64(s, 6);
    if (!path || strlen(path) >= sizeof row->path || !digest ||
        sqlite3_column_bytes(s, 4) != sizeof row->was.digest || row->position > INT64_MAX)
        return clv_fail(err, CLV_ERR_FORMAT, ix->path, "its table of captures is damaged");
    memcpy(row->was.digest, digest, sizeof row->was.digest);
    (void)snprintf(row->path, sizeof row->path, "%s", path);
    return true;
}

/* Where it was, or beside the index, to which both may have been moved. */
static bool look_for(const struct index *ix, char path[PATH_MAX])
{
    char dir[PATH_MAX], file[PATH_MAX];
    if (access(input_file(path, file), R_OK) == 0)
        return true;
    path_parent(dir, ix->path);
    const int n = snprintf(file, sizeof file, "%s/%s", dir, path_base(path));
    char own[PATH_MAX];
    if (n < 0 || (size_t)n >= sizeof file || access(input_file(file, own), R_OK) != 0)
        return false;
    memcpy(path, file, (size_t)n + 1);
    return true;
}

static bool is_capture(const struct capture_row *row, const struct identity *is)
{
    return is->bytes == row->was.bytes &&
           memcmp(is->digest, row->was.digest, sizeof is->digest) == 0;
}

static bool check_capture(const struct capture_row *row, struct identity_last *last,
                          const char *path, struct clv_error *err)
{
    struct identity is;
    if (!identity_of(&is, last, path, err))
        return false;
    if (is_capture(row, &is))
        return true;
    if (is.bytes != row->was.bytes)
        (void)clv_fail(err, CLV_ERR_IO, path, "has %llu bytes, but had %llu when it was indexed",
                       (unsigned long long)is.bytes, (unsigned long long)row->was.bytes);
    else
        (void)clv_fail(err, CLV_ERR_IO, path, "has changed since it was indexed");
    return clv_fail_hint(
        err, "index it again with cleave index --force, or name the right capture with --capture");
}

/* Where the capture of the row is now; row->path says where it was. */
static bool find_capture(const struct index *ix, struct capture_row *row, const char *now,
                         struct identity_last *last, struct clv_error *err)
{
    if (now) {
        (void)snprintf(row->path, sizeof row->path, "%s", now);
    } else if (!look_for(ix, row->path)) {
        (void)clv_fail(err, CLV_ERR_IO, row->path, "the capture is missing");
        return clv_fail_hint(
            err, "name the place where it is now with --capture; of several, their directory");
    }
    return check_capture(row, last, row->path, err);
}

/* Takes a row as a capture that is not opened yet. */
static bool add_capture(struct index *ix, const struct capture_row *row, struct clv_error *err)
{
    const size_t i = ix->n_paths;
    struct source *sources = mem_reserve(ix->sources, &ix->cap_sources, i + 1, sizeof *sources);
    if (sources)
        ix->sources = sources;
    char **paths = sources ? mem_grow(ix->paths, ix->cap_sources, sizeof *paths) : NULL;
    if (paths)
        ix->paths = paths;
    if (!paths || !(paths[i] = mem_strdup(row->path)))
        return clv_fail_nomem(err, ix->path, sizeof *sources);
    sources[i] = (struct source){
        .position = row->position,
        .number = (size_t)row->number,
        .records = row->records,
    };
    if (++ix->n_paths > 1 && sources[i - 1].position > row->position)
        return clv_fail(err, CLV_ERR_FORMAT, ix->path, "its captures are out of order");
    return true;
}

/* Where captures are now, as a caller says: files, or directories that they are in. */
struct named_one {
    struct identity is; /* of a file that can be read */
    bool known, is_dir, used;
};

struct named {
    const char *const *paths;
    struct named_one *all;
    size_t n;
    bool in_order; /* all are named */
};

static bool count_captures(struct index *ix, size_t *n, struct clv_error *err)
{
    sqlite3_stmt *s = db_prepare(ix->db, "SELECT count(*) FROM captures", ix->path, err);
    const bool ok = s && (sqlite3_step(s) == SQLITE_ROW || db_fail(ix->db, ix->path, err));
    *n = ok ? (size_t)sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_finalize(s);
    return ok;
}

/* Which of the files that are named is the row's capture; n: none. */
static size_t find_named(const struct named *now, size_t i, const struct capture_row *row)
{
    enum { UNUSED = 2, SAME_NAME = 1 };
    size_t best = now->n;
    int best_rank = -1;
    if (now->in_order && now->all[i].known && is_capture(row, &now->all[i].is))
        return i;
    for (size_t k = 0; k < now->n; k++) {
        const struct named_one *one = &now->all[k];
        if (!one->known || !is_capture(row, &one->is))
            continue;
        const bool same_name = strcmp(path_base(now->paths[k]), path_base(row->path)) == 0;
        const int rank = (one->used ? 0 : UNUSED) + (same_name ? SAME_NAME : 0);
        if (rank > best_rank) {
            best = k;
            best_rank = rank;
        }
    }
    return best;
}

/* The same of directories that are named; *path is where it is. */
static size_t find_in_directory(const struct named *now, const struct capture_row *row,
                                struct identity_last *last, char path[PATH_MAX])
{
    for (size_t k = 0; k < now->n; k++) {
        struct identity is;
        if (!now->all[k].is_dir)
            continue;
        const int len = snprintf(path, PATH_MAX, "%s/%s", now->paths[k], path_base(row->path));
        if (len > 0 && len < PATH_MAX && identity_of(&is, last, path, NULL) && is_capture(row, &is))
            return k;
    }
    return now->n;
}

/* One with the capture's name that is another, as the words of what is wrong will say. */
static size_t find_altered(const struct index *ix, const struct named *now, size_t i,
                           const struct capture_row *row)
{
    char was[PATH_MAX];
    if (now->in_order)
        return i;
    (void)snprintf(was, sizeof was, "%s", row->path);
    if (look_for(ix, was))
        return now->n;
    for (size_t k = 0; k < now->n; k++)
        if (!now->all[k].used && strcmp(path_base(now->paths[k]), path_base(row->path)) == 0)
            return k;
    return now->n;
}

/* The path that is named for capture i, maybe in buf; NULL: none, and it is searched for. */
static const char *named_for(const struct index *ix, const struct named *now, size_t i,
                             const struct capture_row *row, struct identity_last *last,
                             char buf[PATH_MAX])
{
    const char *path = NULL;
    size_t k = find_named(now, i, row);
    if (k == now->n && (k = find_in_directory(now, row, last, buf)) < now->n)
        path = buf;
    if (k == now->n && (k = find_altered(ix, now, i, row)) == now->n)
        return NULL;
    now->all[k].used = true;
    return path ? path : now->paths[k];
}

/* false: no memory. */
static bool look_at_named(struct named *now)
{
    now->all = mem_zalloc(now->n ? now->n : 1, sizeof *now->all);
    for (size_t k = 0; now->all && k < now->n; k++) {
        struct named_one *one = &now->all[k];
        struct identity_last last = {.known = false};
        struct stat st;
        one->is_dir = stat(now->paths[k], &st) == 0 && S_ISDIR(st.st_mode);
        one->known = !one->is_dir && identity_of(&one->is, &last, now->paths[k], NULL);
        now->in_order &= !one->is_dir;
    }
    return now->all != NULL;
}

static bool check_used(const struct index *ix, const struct named *now, struct clv_error *err)
{
    for (size_t k = 0; k < now->n; k++)
        if (!now->all[k].used) {
            (void)clv_fail(err, CLV_ERR_ARG, now->paths[k], "%s none of the captures of the index",
                           now->all[k].is_dir ? "has" : "is");
            return clv_fail_hint(err, "select path from captures lists those of %.60s", ix->path);
        }
    return true;
}

static bool list_rows(struct index *ix, const struct named *now, struct clv_error *err)
{
    struct capture_row row;
    struct identity_last last = {.known = false};
    char path[PATH_MAX];
    sqlite3_stmt *s = db_prepare(
        ix->db,
        "SELECT id, path, bytes, modified, digest, position, records FROM captures ORDER BY id",
        ix->path, err);
    bool ok = s != NULL;
    int step = SQLITE_DONE;
    while (ok && (step = sqlite3_step(s)) == SQLITE_ROW) {
        const size_t i = ix->n_paths;
        ok = i < CAPTURES_MAX ||
             clv_fail(err, CLV_ERR_FORMAT, ix->path, "its table of captures is damaged");
        ok = ok && read_row(ix, s, &row, err) &&
             find_capture(ix, &row, named_for(ix, now, i, &row, &last, path), &last, err) &&
             add_capture(ix, &row, err);
    }
    if (ok && step != SQLITE_DONE)
        ok = db_fail(ix->db, ix->path, err);
    if (ok && ix->n_paths == 0)
        ok = clv_fail(err, CLV_ERR_FORMAT, ix->path, "its table of captures is damaged");
    (void)sqlite3_finalize(s);
    return ok;
}

static bool list_captures(struct index *ix, const char *const *paths, size_t n,
                          struct clv_error *err)
{
    struct named now = {.paths = paths, .n = n};
    size_t n_rows;
    if (!count_captures(ix, &n_rows, err))
        return false;
    if (n > n_rows)
        return clv_fail(err, CLV_ERR_ARG, ix->path, "it has %zu captures, but %zu are named",
                        n_rows, n);
    now.in_order = n == n_rows;
    if (!look_at_named(&now))
        return clv_fail_nomem(err, ix->path, n * sizeof *now.all);
    const bool ok = list_rows(ix, &now, err) && check_used(ix, &now, err);
    mem_free(now.all);
    return ok;
}

/* All windows of a mapped capture. */
static bool map_source(struct index *ix, struct source *s, struct clv_error *err)
{
    const struct input_plan plan = {
        .window = (size_t)1 << 30,
        .slack = s->format.record_max,
        .buffers = 1,
        .checked_often = ix->n_paths <= STAY_OPEN,
    };
    uint64_t position = s->position;
    if (!source_begin(s, &plan, err))
        return false;
    for (;;) {
        struct view *views = mem_reserve(ix->views, &ix->views_cap, ix->n_views + 1, sizeof *views);
        if (!views)
            return clv_fail_nomem(err, s->path, sizeof *views);
        ix->views = views;
        struct view *v = &views[ix->n_views];
        if (input_next(s->in, &v->w, err) != INPUT_WINDOW)
            return false;
        v->source = s;
        v->position = position;
        position += v->w.len;
        ix->n_views++;
        if (v->w.last)
            return true;
    }
}

/* Each is mapped, as long as all can be; others are opened by who reads them. */
static bool map_or_close(struct index *ix, struct source *s, struct clv_error *err)
{
    ix->streams |= s->stream;
    if (!ix->streams)
        return map_source(ix, s, err);
    source_close(s); /* of thousands none keeps its descriptor */
    return true;
}

/* Opens them. All at once are looked up, since each look into an archive reads its directory. */
static bool probe_captures(struct index *ix, struct clv_error *err)
{
    const struct places_wish wish = {.paths = (const char *const *)ix->paths, .n = ix->n_paths};
    if (!places_list(&ix->places, &wish, err))
        return false;
    for (size_t i = 0; i < ix->n_paths; i++) {
        struct source *s = &ix->sources[i];
        const struct source row = *s;
        if (i >= ix->places.n || strcmp(ix->places.all[i].path, ix->paths[i]) != 0)
            return clv_fail(err, CLV_ERR_ARG, ix->paths[i], "is an archive: name its member");
        ix->n_sources++;
        if (!source_probe(s, &ix->places.all[i], -1, false, err))
            return false;
        s->position = row.position;
        s->number = row.number;
        s->records = row.records;
        if (!map_or_close(ix, s, err))
            return false;
    }
    for (size_t i = 0; ix->streams && i < ix->n_sources; i++)
        source_close(&ix->sources[i]);
    ix->n_views = ix->streams ? 0 : ix->n_views;
    return true;
}

bool index_kinds(struct index *ix, struct clv_error *err)
{
    sqlite3_stmt *s = db_prepare(
        ix->db, "SELECT id, linktype, fcs, nanoseconds FROM kinds ORDER BY id", ix->path, err);
    bool ok = s != NULL;
    int step = SQLITE_DONE;
    unsigned n = 0;
    while (ok && (step = sqlite3_step(s)) == SQLITE_ROW) {
        const int64_t linktype = sqlite3_column_int64(s, 1), fcs_len = sqlite3_column_int64(s, 2);
        ok = sqlite3_column_int64(s, 0) == n && n < DIALECT_KINDS && linktype >= 0 &&
             linktype <= UINT16_MAX && fcs_len >= 0 && fcs_len <= UINT8_MAX;
        if (!ok)
            (void)clv_fail(err, CLV_ERR_FORMAT, ix->path, "its table of kinds is damaged");
        else
            ix->dialect.kinds[n++] = (struct dialect_kind){
                .linktype = (uint16_t)linktype,
                .fcs_len = (uint8_t)fcs_len,
                .nanoseconds = sqlite3_column_int(s, 3) != 0,
            };
    }
    atomic_store(&ix->dialect.n_kinds, n);
    if (ok && step != SQLITE_DONE)
        ok = db_fail(ix->db, ix->path, err);
    (void)sqlite3_finalize(s);
    return ok;
}

/* What is said between records becomes the ledger again, by the code that read it first. */
struct relearning {
    struct walk_state st;
    uint32_t *rest;
    size_t n_rest, rest_cap;
    uint64_t last; /* position */
};

static bool relearn_block(struct index *ix, struct relearning *r, uint64_t position,
                          const uint8_t *block, size_t len, bool rest, struct clv_error *err)
{
    struct walk_record rec;
    const uint32_t n = ledger_count(&ix->ledger);
    if (position < r->last || !block || len > NG_BLOCK_MAX ||
        walk_block(&ix->ledger, &r->st, block, len, &rec) != WALK_BLOCK || rec.raw_len != len)
        return clv_fail(err, CLV_ERR_FORMAT, ix->path, "its table of blocks is damaged");
    r->last = position;
    if (!walk_note(&ix->ledger, &r->st, block, (uint32_t)len, position, err))
        return false;
    if (!rest || ledger_count(&ix->ledger) == n)
        return true;
    uint32_t *all = mem_reserve(r->rest, &r->rest_cap, r->n_rest + 1, sizeof *all);
    if (!all)
        return clv_fail_nomem(err, ix->path, sizeof *all);
    r->rest = all;
    all[r->n_rest++] = n;
    return true;
}

static bool relearn_rows(struct index *ix, struct relearning *r, struct clv_error *err)
{
    sqlite3_stmt *s =
        db_prepare(ix->db, "SELECT position, block, rest FROM blocks ORDER BY id", ix->path, err);
    bool ok = s != NULL;
    int step = SQLITE_DONE;
    while (ok && (step = sqlite3_step(s)) == SQLITE_ROW) {
        const uint64_t position = (uint64_t)sqlite3_column_int64(s, 0);
        ok = relearn_block(ix, r, position, sqlite3_column_blob(s, 1),
                           (size_t)sqlite3_column_bytes(s, 1), sqlite3_column_int(s, 2), err);
    }
    if (ok && step != SQLITE_DONE)
        ok = db_fail(ix->db, ix->path, err);
    (void)sqlite3_finalize(s);
    return ok;
}

static bool relearn(struct index *ix, struct clv_error *err)
{
    struct relearning r = {.last = 0};
    ix->dialect.ledger = &ix->ledger;
    ix->dialect.picker = NULL;
    bool ok = relearn_rows(ix, &r, err);
    if (ok && ix->dialect.form == DIALECT_PCAPNG && ix->dialect.metadata) {
        ok = ix->has_metadata = metadata_init(&ix->metadata, &ix->ledger, &ix->secret);
        ok = ok && metadata_set_rest(&ix->metadata, r.rest, r.n_rest);
        if (!ok)
            (void)clv_fail_nomem(err, ix->path, sizeof ix->metadata);
        ix->dialect.picker = &ix->metadata;
    }
    mem_free(r.rest);
    return ok;
}

static bool find_captures(struct index *ix, const char *const *now, size_t n, struct clv_error *err)
{
    const struct clv_split_params *params = &ix->receipt.params;
    ledger_init(&ix->ledger, UINT64_MAX);
    if (!list_captures(ix, now, n, err))
        return false;
    ix->streams = params->merge && ix->n_paths > 1;
    if (!probe_captures(ix, err) || !secret_draw(&ix->secret, err) ||
        !flow_by_parse(&ix->by, options_by_name(params), options_by(params), params->directed, err))
        return false;
    ix->header =
        job_dialect(&ix->dialect, params, ix->sources, ix->n_sources) ? ix->dialect.header : NULL;
    return index_kinds(ix, err) && relearn(ix, err);
}

bool index_find_captures(struct index *ix, const char *const *now, size_t n, struct clv_error *err)
{
    if (ix->rows_only) {
        (void)clv_fail(err, CLV_ERR_ARG, ix->path,
                       "is a manifest: it has rows of flows, but does not say where records lie");
        return clv_fail_hint(err, "name the directory or the archive that it belongs to");
    }
    if (!ix->ready && !(ix->ready = find_captures(ix, now, n, err)))
        forget_captures(ix);
    return ix->ready;
}

/* An address as it is compared (schema_key()). false: there is none. */
static bool take_key(sqlite3_stmt *s, int column, uint8_t addr[16], uint8_t *family)
{
    const uint8_t *key = sqlite3_column_blob(s, column);
    const int len = sqlite3_column_bytes(s, column);
    if (!key || !((len == 5 && key[0] == 4) || (len == 17 && key[0] == 6)))
        return false;
    memcpy(addr, key + 1, (size_t)len - 1);
    *family = key[0];
    return true;
}

static bool take_port(sqlite3_stmt *s, int column, uint16_t *port)
{
    *port = (uint16_t)sqlite3_column_int64(s, column);
    return sqlite3_column_type(s, column) != SQLITE_NULL;
}

void index_ends_take(struct index_ends *e, sqlite3_stmt *s, int src_key, int sport)
{
    *e = (struct index_ends){.family = 0};
    e->has_src = take_key(s, src_key, e->src, &e->family);
    e->has_dst = take_key(s, src_key + 1, e->dst, &e->family);
    e->has_sport = take_port(s, sport, &e->sport);
    e->has_dport = take_port(s, sport + 1, &e->dport);
}

/* In pcapng outputs have all kinds, and more than are counted. */
static bool has_kind(const struct index *ix, int64_t kind)
{
    return kind >= 0 && (!ix->ready || kind < (int64_t)atomic_load(&ix->dialect.n_kinds) ||
                         (kind == DIALECT_KINDS && ix->dialect.form != DIALECT_PCAP));
}

static bool take_flow(const struct index *ix, sqlite3_stmt *s, struct index_flow *f,
                      struct clv_error *err)
{
    const char *proto = (const char *)sqlite3_column_text(s, 1);
    const char *name = (const char *)sqlite3_column_text(s, 7);
    const void *bytes = sqlite3_column_blob(s, 10);
    const int64_t kind = sqlite3_column_int64(s, 8);
    struct flow_key *key = &f->flow.key;
    f->n_bytes = (size_t)sqlite3_column_bytes(s, 10);
    if (!bytes || !name || !has_kind(ix, kind) || sqlite3_column_int64(s, 9) < 0)
        return clv_fail(err, CLV_ERR_FORMAT, ix->path, "row %lld is damaged", (long long)f->id);
    /* Outputs of what has no flow count apart, and come last. */
    f->flow.n = (uint32_t)(sqlite3_column_type(s, 0) != SQLITE_NULL
                               ? (uint64_t)f->id
                               : (uint64_t)f->id - ix->receipt.result.flows);
    f->flow.key.kind = f->flow.kind = (uint8_t)kind;
    index_ends_take(&f->ends, s, 2, 11);
    memcpy(key->a, f->ends.src, sizeof f->ends.src);
    memcpy(key->b, f->ends.dst, sizeof f->ends.dst);
    key->family = f->ends.family;
    key->has = ix->by.fields & FLOW_BY_PROTO ? FLOW_HAS_PROTO : 0;
    key->proto = proto && strcmp(proto, "udp") == 0 ? CLV_PROTO_UDP : 0;
    if (sqlite3_column_type(s, 4) != SQLITE_NULL)
        key->has = FLOW_HAS_SHARD;
    f->packets = (uint64_t)sqlite3_column_int64(s, 5);
    f->captured = (uint64_t)sqlite3_column_int64(s, 6);
    f->size = (uint64_t)sqlite3_column_int64(s, 9);
    f->name = mem_strdup(name);
    f->bytes = mem_alloc(f->n_bytes, 1);
    if (!f->name || !f->bytes)
        return clv_fail_nomem(err, ix->path, f->n_bytes);
    memcpy(f->bytes, bytes, f->n_bytes);
    return true;
}

/* Makes a statement at its first use, and steps it to the row. */
static bool find_row(const struct index *ix, sqlite3_stmt **s, const char *sql, int64_t id,
                     struct clv_error *err)
{
    if (!*s && !(*s = db_prepare(ix->db, sql, ix->path, err)))
        return false;
    (void)sqlite3_bind_int64(*s, 1, id);
    const int step = sqlite3_step(*s);
    return step == SQLITE_ROW || (step == SQLITE_DONE ? clv_fail(err, CLV_ERR_FORMAT, ix->path,
                                                                 "has no row %lld", (long long)id)
                                                      : db_fail(ix->db, ix->path, err));
}

bool index_flow(struct index *ix, int64_t id, struct index_flow *f, struct clv_error *err)
{
    static const char sql[] =
        "SELECT flow, proto, src_key, dst_key, shard, src_packets + dst_packets, "
        "src_captured_bytes + dst_captured_bytes, file, kind, output_bytes, positions, sport, "
        "dport "
        "FROM outputs WHERE id = ?";
    *f = (struct index_flow){.id = id};
    const bool ok =
        find_row(ix, &ix->flow_row, sql, id, err) && take_flow(ix, ix->flow_row, f, err);
    (void)sqlite3_reset(ix->flow_row);
    return ok;
}

bool index_places(struct index *ix, int64_t id, uint64_t *positions, size_t max, size_t *n,
                  struct clv_error *err)
{
    static const char sql[] = "SELECT positions FROM outputs WHERE id = ?";
    enum positions_step step = POSITIONS_ONE;
    *n = 0;
    const bool ok = find_row(ix, &ix->places_row, sql, id, err);
    if (ok) {
        const uint8_t *p = sqlite3_column_blob(ix->places_row, 0);
        const size_t len = p ? (size_t)sqlite3_column_bytes(ix->places_row, 0) : 0;
        struct positions_reader reader = {.at = p, .end = p + len};
        while (*n < max && (step = positions_next(&reader)) == POSITIONS_ONE)
            positions[(*n)++] = reader.position;
    }
    (void)sqlite3_reset(ix->places_row);
    return ok && (step != POSITIONS_BAD ||
                  clv_fail(err, CLV_ERR_FORMAT, ix->path, "row %lld: its records are out of order",
                           (long long)id));
}

void index_flow_fini(struct index_flow *f)
{
    mem_free(f->bytes);
    mem_free((void *)(uintptr_t)f->name);
    f->bytes = NULL;
    f->name = NULL;
}

#endif
