/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "base/path.h"
#include "gather/gathering.h"
#include "job/counts.h"
#include "manifest/name.h"

static bool differs(const struct part *p, const char *what, uint64_t found, uint64_t said,
                    struct clv_error *err)
{
    (void)clv_fail(err, CLV_ERR_UNPROVEN, p->path, "has %llu %s, but " PUBLISH_MARK " says %llu",
                   (unsigned long long)found, what, (unsigned long long)said);
    return clv_fail_hint(err, p->is_index ? "index its captures again with cleave index --force"
                                          : "cleave verify says more");
}

static bool check_part(const struct part *p, struct clv_error *err)
{
    const struct clv_split_result *const r = &p->receipt.result;
    const uint64_t dropped = r->dropped_other + r->dropped_filtered + r->dropped_small +
                             r->dropped_capped + r->dropped_duplicates;
    const struct {
        const char *what;
        uint64_t found, said;
    } rows[] = {
        {"outputs", p->rows, r->outputs},
        {"flows", p->flows, r->flows},
        {"records in outputs", p->packets, r->records_written},
        {"bytes of outputs", p->bytes, r->written_bytes},
        {"records written or dropped", r->records_written + dropped, r->records_read + r->copies},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].found != rows[i].said)
            return differs(p, rows[i].what, rows[i].found, rows[i].said, err);
    return true;
}

/* What tells a shard from all others: its name, and that of the archive or directory it is in. */
static const char *shard_name(const char *file)
{
    const char *const member = strstr(file, ".zip:");
    const char *at = member ? member : path_base(file) - 1;
    while (at > file && at[-1] != '/')
        at--;
    return at < file ? file : at;
}

/* The captures of a part that may be shards. */
static bool note_shards(struct gathering *g, const struct part *p, struct clv_error *err)
{
    for (size_t i = 0; g->n_maps && i < p->receipt.params.n_inputs; i++) {
        const char *const file = shard_name(p->receipt.inputs[i].file);
        bool is_new;
        struct names_entry *const e =
            names_add(&g->shards, keyed_bytes(&g->key, file, strlen(file)), &is_new);
        if (!e)
            return clv_fail_nomem(err, p->path, 2 * g->shards.cap * sizeof *g->shards.slots);
        if (!is_new)
            return clv_fail(err, CLV_ERR_UNPROVEN, p->path,
                            "was made from %.80s, and so was another part", file);
    }
    return true;
}

bool sums_add(struct gathering *g, const struct part *p, struct clv_error *err)
{
    if (!check_part(p, err) || !note_shards(g, p, err))
        return false;
    counts_add(&g->sum, &p->receipt.result);
    return true;
}

/* Each shard of the map is a capture of one part. */
static bool check_shards(struct gathering *g, struct part *m, struct clv_error *err)
{
    char shard[NAME_COMPONENT_MAX + 1024 + 2];
    struct cells *const c = &g->cells;
    enum cells_step step;
    while ((step = cells_next(c, err)) == CELLS_ROW) {
        const int n = snprintf(shard, sizeof shard, "%.*s%c%s", (int)m->name_len, m->name,
                               m->store.archived ? ':' : '/', c->text[0] ? c->text[0] : "");
        m->rows++;
        if (n <= 0 || !names_find(&g->shards, keyed_bytes(&g->key, shard, strlen(shard))))
            return clv_fail(err, CLV_ERR_UNPROVEN, m->path, "its %.100s is in no part", c->text[0]);
    }
    return step == CELLS_OVER && (m->rows == m->receipt.result.outputs ||
                                  differs(m, "outputs", m->rows, m->receipt.result.outputs, err));
}

static bool check_map(struct gathering *g, struct part *m, struct clv_error *err)
{
    const enum clv_manifest kind = m->receipt.params.manifest;
    if (!store_path(&m->store, manifest_file_name(kind), g->path, err))
        return false;
    const bool ok =
        cells_begin(&g->cells, &m->store, kind, g->path, err) && check_shards(g, m, err);
    cells_end(&g->cells, &m->store);
    return ok;
}

bool sums_of_maps(struct gathering *g, struct clv_error *err)
{
    uint64_t wrote = 0, shards = 0;
    for (size_t i = 0; i < g->params.n_results; i++) {
        struct part *const m = &g->all[i];
        if (!m->is_map)
            continue;
        if (!check_map(g, m, err))
            return false;
        wrote += m->receipt.result.records_written;
        shards += m->rows;
    }
    if (g->n_maps == 0)
        return true;
    if (shards != g->shards.n)
        return clv_fail(err, CLV_ERR_UNPROVEN, g->params.output,
                        "its parts were made from %zu captures, but the maps have %llu shards",
                        g->shards.n, (unsigned long long)shards);
    return wrote == g->sum.records_read ||
           clv_fail(err, CLV_ERR_UNPROVEN, g->params.output,
                    "its parts read %llu records, but the maps wrote %llu",
                    (unsigned long long)g->sum.records_read, (unsigned long long)wrote);
}
