/* SPDX-License-Identifier: BSD-2-Clause */
#include "gather/gathering.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "job/receipt_join.h"

static bool open_all(struct gathering *g, struct clv_error *err)
{
    const size_t n = g->params.n_results;
    g->all = mem_zalloc(n, sizeof *g->all);
    if (!g->all)
        return clv_fail_nomem(err, "the results", n * sizeof *g->all);
    for (size_t i = 0; i < n; i++) {
        struct part *const p = &g->all[i];
        if (!part_open(p, g->params.results[i], err))
            return false;
        g->n_maps += p->is_map;
        g->n_parts += !p->is_map;
        if (!p->is_map && !g->first)
            g->first = p;
    }
    return true;
}

/* What the receipt says of parts, with the names that they have in the result. */
struct telling {
    struct receipt_part *parts;
    size_t n_parts;
    char *names;
    const struct clv_receipt **sources;
    size_t n_sources;
};

/* Whose captures are those of the result. */
static bool is_source(const struct gathering *g, const struct part *p)
{
    return p->is_map == (g->n_maps != 0);
}

static bool tell_parts(const struct gathering *g, struct telling *t, struct clv_error *err)
{
    const size_t n = g->params.n_results;
    size_t names = 0;
    for (size_t i = 0; i < n; i++)
        names += g->all[i].name_len + 1;
    *t = (struct telling){
        .parts = mem_zalloc(n, sizeof *t->parts),
        .names = mem_zalloc(names, 1),
        .sources = mem_zalloc(n, sizeof *t->sources),
    };
    if (!t->parts || !t->names || !t->sources)
        return clv_fail_nomem(err, PUBLISH_MARK, names + n * sizeof *t->parts);
    char *name = t->names;
    for (size_t i = 0; i < n; i++) {
        const struct part *const p = &g->all[i];
        if (is_source(g, p))
            t->sources[t->n_sources++] = &p->receipt;
        if (p->is_map)
            continue;
        memcpy(name, p->name, p->name_len);
        t->parts[t->n_parts++] = (struct receipt_part){name, p->flows, p->rows};
        name += p->name_len + 1;
    }
    return true;
}

static void told(struct telling *t)
{
    mem_free(t->parts);
    mem_free(t->names);
    mem_free((void *)(uintptr_t)t->sources);
}

/* Outputs of which one run makes another format than each of several that read alike captures. */
static bool are_converted(const struct gathering *g)
{
    bool any = false;
    for (size_t i = 0; i < g->params.n_results; i++)
        any |= g->all[i].is_map && g->all[i].receipt.params.format == CLV_FORMAT_PCAP;
    return any && g->first->receipt.params.format == CLV_FORMAT_INPUT;
}

static bool put_receipt(struct gathering *g, const struct text *text, struct clv_error *err)
{
    return g->first->is_index ? joining_receipt(g, text, err)
                              : publish_put(&g->publish, PUBLISH_MARK, text->p, text->len, err);
}

static bool write_receipt(struct gathering *g, struct clv_error *err)
{
    struct telling t;
    struct text text = {.p = NULL};
    bool ok = tell_parts(g, &t, err);
    const struct receipt_join join = {
        .like = &g->first->receipt,
        .converted = are_converted(g),
        .sources = t.sources,
        .n_sources = t.n_sources,
        .parts = t.parts,
        .n_parts = t.n_parts,
        .result = &g->sum,
    };
    ok = ok && receipt_join(&join, &text, err) && put_receipt(g, &text, err);
    mem_free(text.p);
    told(&t);
    return ok;
}

/* What the result has of the captures that it names. */
static void look_at_inputs(struct gathering *g)
{
    for (size_t i = 0; i < g->params.n_results; i++) {
        const struct clv_receipt *const r = &g->all[i].receipt;
        if (!is_source(g, &g->all[i]))
            continue;
        g->result.inputs += r->params.n_inputs;
        for (size_t k = 0; k < r->params.n_inputs; k++)
            g->result.left_out += r->inputs[k].left_out != NULL;
        if (g->result.damage.code == CLV_ERR_NONE)
            g->result.damage = r->result.damage;
    }
}

static void give_counts(struct gathering *g)
{
    struct clv_gather_result *const r = &g->result;
    r->parts = g->n_parts;
    r->maps = g->n_maps;
    r->records_read = g->sum.records_read;
    r->records_written = g->sum.records_written;
    r->flows = g->sum.flows;
    r->outputs = g->sum.outputs;
    r->written_bytes = g->sum.written_bytes;
}

/* The parts are in the result, which has its name: what fails now is not the run. */
static void finish(struct gathering *g)
{
    struct clv_error why = {.code = CLV_ERR_NONE, .offset = CLV_NO_OFFSET};
    (void)publish_finish(&g->publish, g->params.sync, &g->result.after);
    for (size_t i = 0; g->params.move && i < g->params.n_results; i++)
        if (!g->all[i].is_map && !place_remove(g, &g->all[i], &why) &&
            g->result.after.code == CLV_ERR_NONE)
            g->result.after = why;
}

static bool gather_rows(struct gathering *g, struct clv_error *err)
{
    const bool joins = g->first->is_index;
    rows_columns(g);
    if (joins ? !joining_begin(g, err) : !places_fit(g, err) || !rows_begin(g, err))
        return false;
    for (size_t i = 0; i < g->params.n_results; i++) {
        if (g->all[i].is_map)
            continue;
        if ((joins ? !joining_add(g, i, err) : !rows_add(g, i, err)) ||
            !sums_add(g, &g->all[i], err))
            return false;
    }
    return (joins ? joining_end(g, err) : rows_end(g, err)) && sums_of_maps(g, err);
}

static bool check_name(const struct gathering *g, struct clv_error *err)
{
    const char *const output = g->params.output;
    const bool is_index = g->first->is_index;
    size_t stem;
    if (job_check_name(output, is_index ? "an index is a database" : "gather makes a directory",
                       &stem, err))
        return true;
    return clv_fail_hint(err, "name it %.*s%s", (int)stem, output,
                         is_index ? ".flows.db" : ".flows");
}

/* A directory, or the index that parts become. */
static bool stage(struct gathering *g, struct clv_error *err)
{
    const struct clv_gather_params *const params = &g->params;
    const unsigned mode = params->mode ? params->mode : IO_MODE;
    int fd;
    if (!check_name(g, err) || !job_check_mode(params->mode, err))
        return false;
    g->replaces = (struct made_run){.key = &g->key, .all = params->force == CLV_FORCE_ALL};
    g->file = (struct publish_file){.option = "output",
                                    .what = "cleave index",
                                    .replaces = params->force,
                                    .is_ours = db_is_ours};
    if (g->first->is_index && params->force && !index_may_replace(params->output, err))
        return false;
    return g->first->is_index
               ? publish_file_open(&g->publish, params->output, mode, &g->file, params->clean, &fd,
                                   err) &&
                     io_close(fd, params->output, err)
               : publish_init(&g->publish, params->output, mode,
                              params->force ? &g->replaces : NULL, params->clean, err);
}

void gather_init(struct gathering *g)
{
    g->manifest_fd = -1;
    publish_none(&g->publish);
}

bool gather_all(struct gathering *g, struct clv_error *err)
{
    const struct clv_gather_params *const params = &g->params;
    const int64_t started_ns = clock_ns();
    if (!params->n_results || !params->output)
        return clv_fail(err, CLV_ERR_ARG, "clv_gather", "results and output must be given");
    if (!keyed_draw(&g->key, err) || !open_all(g, err) || !parts_check(g, err) || !stage(g, err))
        return false;
    g->result.stale = g->publish.n_stale;
    (void)snprintf(g->result.stale_path, sizeof g->result.stale_path, "%.255s", g->publish.stale);
    if (!gather_rows(g, err) || !write_receipt(g, err) ||
        !publish_sync(&g->publish, params->sync, err) || !publish_commit(&g->publish, err))
        return false;
    look_at_inputs(g);
    give_counts(g);
    finish(g);
    g->result.seconds = (double)(clock_ns() - started_ns) / 1e9;
    return true;
}

void gather_fini(struct gathering *g, struct clv_error *err)
{
    joining_fini(&g->joining);
    publish_fini(&g->publish, err);
    if (g->manifest_fd >= 0)
        (void)close(g->manifest_fd);
    mem_free(g->text);
    names_fini(&g->flows);
    names_fini(&g->shards);
    for (size_t i = 0; g->all && i < g->params.n_results; i++)
        part_close(&g->all[i]);
    mem_free(g->all);
}
