/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/supply.h"

#include "config.h"

#if HAVE_SQLITE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "index/rejoin.h"
#include "manifest/manifest.h"
#include "manifest/name.h"
#include "output/publish.h"

enum { STEP = 8 << 20 }; /* bytes between two questions whether to go on */

static bool goes_on(const struct supply *s, uint64_t records, struct clv_error *err)
{
    return s->goes_on(s->user, s->records + records) ||
           clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
}

/* The rows of an index become a capture. */
static bool collect(struct supply *s, struct index *ix, const int64_t *ids, size_t n,
                    struct clv_error *err)
{
    struct collect *const g = &s->collect;
    bool ok = collect_init(g, ix, s->take, s->user, err);
    for (size_t i = 0; ok && i < n; i++)
        ok = collect_add(g, ids[i], err);
    while (ok && !g->over)
        ok = collect_step(g, STEP, err) && goes_on(s, g->records, err);
    s->records += g->records;
    collect_fini(g);
    return ok;
}

/* Of captures, or an index of some. */

static bool index_begin(struct supply *s, struct clv_error *err)
{
    s->index = result_index(s->from, err);
    if (!s->index)
        return false;
    return !s->target || source_refuse(s->index->sources, s->index->n_sources, s->target, err);
}

static bool index_has_each(const struct supply *s, struct clv_error *err)
{
    if (!s->index->streams)
        return true;
    (void)clv_fail(err, CLV_ERR_ARG, s->from->path,
                   "its captures cannot be read flow by flow: they are compressed or merged, or "
                   "cannot be mapped");
    return clv_fail_hint(
        err, "extract them into one capture with -o FILE, or split the captures with cleave split");
}

static bool index_all(struct supply *s, struct clv_error *err)
{
    return collect(s, s->index, s->ids, s->n_ids, err);
}

static bool index_one(struct supply *s, size_t i, struct clv_error *err)
{
    return collect(s, s->index, &s->ids[i], 1, err);
}

/* Of a directory or an archive. */

static bool copy(struct supply *s, int64_t id, bool unpack, struct clv_error *err)
{
    char name[NAME_MAX_LEN + 1];
    uint64_t packets;
    if (!supply_name(s, id, name, &packets, err) ||
        !rejoin_copy(s->from->loaded, name, unpack, s->take, s->user, err))
        return false;
    s->records += packets;
    return goes_on(s, 0, err);
}

static bool outputs_one(struct supply *s, size_t i, struct clv_error *err)
{
    return copy(s, s->ids[i], false, err);
}

static int by_id(const void *x, const void *y)
{
    const int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

/* Outputs that are read together, in the order of their rows. */
struct joining {
    int64_t *ids;
    char **names;
    size_t n;
    uint64_t packets; /* that the manifest says they have */
    struct rejoin rejoin;
    struct supply *supply;
};

static bool reads_on(const struct clv_split_result *so_far, void *user)
{
    (void)so_far;
    const struct joining *j = user;
    return j->supply->goes_on(j->supply->user, 0);
}

static bool name_all(struct joining *j, const struct supply *s, struct clv_error *err)
{
    char name[NAME_MAX_LEN + 1];
    uint64_t packets;
    j->ids = mem_alloc(s->n_ids, sizeof *j->ids);
    j->names = mem_zalloc(s->n_ids, sizeof *j->names);
    if (!j->ids || !j->names)
        return clv_fail_nomem(err, s->from->path, s->n_ids * sizeof *j->names);
    memcpy(j->ids, s->ids, s->n_ids * sizeof *j->ids);
    qsort(j->ids, s->n_ids, sizeof *j->ids, by_id);
    for (; j->n < s->n_ids; j->n++) {
        if (!supply_name(s, j->ids[j->n], name, &packets, err))
            return false;
        j->packets += packets;
        j->names[j->n] = mem_strdup(name);
        if (!j->names[j->n])
            return clv_fail_nomem(err, s->from->path, sizeof name);
    }
    return true;
}

static bool join(struct joining *j, struct supply *s, struct clv_error *err)
{
    static const int64_t row = 1;
    const struct make *const m = &j->rejoin.make;
    if (!name_all(j, s, err) ||
        !rejoin_open(&j->rejoin, s->from->loaded, j->names, j->n, reads_on, j, err))
        return false;
    if (s->target && !source_refuse(m->job.sources, m->job.n_sources, s->target, err))
        return false;
    if (m->result.records_read != j->packets) {
        (void)clv_fail(err, CLV_ERR_FORMAT, s->from->path,
                       "the chosen outputs have %llu records, but the manifest says %llu",
                       (unsigned long long)m->result.records_read, (unsigned long long)j->packets);
        return clv_fail_hint(err, "cleave verify shows which one differs");
    }
    return collect(s, &j->rejoin.index, &row, 1, err);
}

static bool outputs_all(struct supply *s, struct clv_error *err)
{
    if (s->n_ids == 1)
        return copy(s, s->ids[0], true, err);
    if (result_by_host(s->from)) {
        (void)clv_fail(err, CLV_ERR_ARG, s->from->path,
                       "its outputs have each packet twice: in one capture it would be so, too");
        return clv_fail_hint(err, "extract from the captures, or take one host");
    }
    struct joining *j = mem_zalloc(1, sizeof *j);
    if (!j)
        return clv_fail_nomem(err, s->from->path, sizeof *j);
    j->supply = s;
    const bool ok = join(j, s, err);
    rejoin_close(&j->rejoin);
    for (size_t i = 0; i < j->n; i++)
        mem_free(j->names[i]);
    mem_free(j->names);
    mem_free(j->ids);
    mem_free(j);
    return ok;
}

bool supply_begin(struct supply *s, struct clv_error *err)
{
    static const struct supply_kind of_index = {index_begin, index_has_each, index_all, index_one};
    static const struct supply_kind of_outputs = {NULL, NULL, outputs_all, outputs_one};
    s->kind = s->from->loaded ? &of_outputs : &of_index;
    return !s->kind->begin || s->kind->begin(s, err);
}

bool supply_has_each(const struct supply *s, struct clv_error *err)
{
    return !s->kind->has_each || s->kind->has_each(s, err);
}

bool supply_all(struct supply *s, struct clv_error *err)
{
    return s->kind->all(s, err);
}

bool supply_one(struct supply *s, size_t i, struct clv_error *err)
{
    return s->kind->one(s, i, err);
}

/* No component is empty, "." or "..", and it is not what lies beside outputs. */
static bool is_output_name(const char *name)
{
    const size_t len = strlen(name);
    if (len > NAME_MAX_LEN || strcmp(name, PUBLISH_MARK) == 0 || manifest_is_file(name, len))
        return false;
    for (const char *p = name; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL) {
        const size_t n = strcspn(p, "/");
        if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return false;
    }
    return true;
}

bool supply_name(const struct supply *s, int64_t id, char name[NAME_MAX_LEN + 1], uint64_t *packets,
                 struct clv_error *err)
{
    sqlite3_stmt *q =
        db_prepare(s->from->db, "SELECT file, packets FROM flows WHERE id = ?", s->from->path, err);
    if (!q)
        return false;
    (void)sqlite3_bind_int64(q, 1, id);
    const int step = sqlite3_step(q);
    const char *file = step == SQLITE_ROW ? (const char *)sqlite3_column_text(q, 0) : NULL;
    bool ok = step == SQLITE_ROW || step == SQLITE_DONE || db_fail(s->from->db, s->from->path, err);
    if (ok && !(file && is_output_name(file)))
        ok = clv_fail(err, CLV_ERR_FORMAT, s->from->path, "row %lld: invalid file name \"%.80s\"",
                      (long long)id, file ? file : "");
    if (ok)
        (void)snprintf(name, NAME_MAX_LEN + 1, "%s", file);
    if (packets)
        *packets = (uint64_t)sqlite3_column_int64(q, 1);
    (void)sqlite3_finalize(q);
    return ok;
}

#endif
