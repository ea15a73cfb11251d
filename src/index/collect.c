/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/collect.h"

#if HAVE_SQLITE

#include <stdlib.h>

#include "base/mem.h"
#include "flow/positions.h"
#include "job/options.h"

enum {
    STRETCH = 16 << 20, /* bytes of the input whose records are sorted together */
    TAKEN = 0,          /* a descriptor that nothing is written to */
    AHEAD = 16,         /* records whose memory is on its way while one is read */
};

struct collect_flow {
    struct index_flow is;
    struct positions_reader reader; /* its position: of the next record */
    uint64_t packets, captured;     /* so far */
};

bool collect_init(struct collect *g, struct index *ix, collect_take *take, void *user,
                  struct clv_error *err)
{
    const bool mixed = options_groups(&ix->receipt.params) || ix->by.names;
    *g =
        (struct collect){.ix = ix, .form = {.dialect = &ix->dialect, .by = mixed ? NULL : &ix->by}};
    g->output = (struct form_output){
        .flow = &g->owner,
        .trail = ix->dialect.form == DIALECT_PCAPNG ? &g->trail : NULL,
    };
    if (!take)
        return true;
    g->has_scratch = form_scratch_init(&g->scratch, CLV_COMPRESS_NONE);
    if (!g->has_scratch)
        return clv_fail_nomem(err, ix->path, STAGE_CHUNK);
    g->scratch.stage.take = take;
    g->scratch.stage.user = user;
    return true;
}

static void close_streams(struct collect *g)
{
    if (g->has_view)
        input_release(&g->view.w, 0, g->view.w.len);
    g->has_view = false;
    for (size_t i = 0; i < g->n_all; i++)
        source_close(&g->all[i]);
    if (g->merge)
        merge_close(&g->merge);
    for (size_t i = 0; i < g->n_own; i++)
        source_close(&g->own[i]);
    mem_free(g->own);
    g->own = NULL;
    g->n_own = g->n_all = 0;
}

void collect_fini(struct collect *g)
{
    close_streams(g);
    for (size_t i = 0; i < g->n; i++)
        index_flow_fini(&g->flows[i].is);
    mem_free(g->flows);
    mem_free(g->heap);
    mem_free(g->refs);
    trail_fini(&g->trail);
    if (g->has_scratch)
        form_scratch_fini(&g->scratch);
    *g = (struct collect){.ix = NULL};
}

/* The flow's next record, if it has one. */
static bool next_of(struct collect *g, struct collect_flow *f, bool *more, struct clv_error *err)
{
    const enum positions_step step = positions_next(&f->reader);
    *more = step == POSITIONS_ONE;
    return step != POSITIONS_BAD ||
           clv_fail(err, CLV_ERR_FORMAT, g->ix->path, "row %lld: its records are out of order",
                    (long long)f->is.id);
}

bool collect_add(struct collect *g, int64_t id, struct clv_error *err)
{
    struct collect_flow *flows = mem_reserve(g->flows, &g->cap, g->n + 1, sizeof *flows);
    if (!flows)
        return clv_fail_nomem(err, g->ix->path, (g->n + 1) * sizeof *flows);
    g->flows = flows;
    struct collect_flow *f = &flows[g->n];
    *f = (struct collect_flow){.packets = 0};
    const bool ok = index_flow(g->ix, id, &f->is, err);
    g->n++;
    if (ok)
        f->reader = (struct positions_reader){f->is.bytes, f->is.bytes + f->is.n_bytes, 0, false};
    return ok;
}

const struct index_ends *collect_ends(const struct collect *g)
{
    return &g->flows[0].is.ends;
}

static uint64_t position_at(const struct collect *g, size_t i)
{
    return g->flows[g->heap[i]].reader.position;
}

static void sift_down(struct collect *g, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < g->n_heap; k++)
            if (position_at(g, k) < position_at(g, least))
                least = k;
        if (least == i)
            return;
        const size_t other = g->heap[i];
        g->heap[i] = g->heap[least];
        g->heap[least] = other;
        i = least;
    }
}

/* What all records share must fit one file. */
static bool settle_output(struct collect *g, struct clv_error *err)
{
    for (size_t i = 1; g->form.dialect->form == DIALECT_PCAP && i < g->n; i++)
        if (g->flows[i].is.flow.kind != g->flows[0].is.flow.kind) {
            (void)clv_fail(err, CLV_ERR_FORMAT, g->ix->path,
                           "the flows' link types or times do not fit into one classic pcap");
            return clv_fail_hint(err, "index with --format pcapng, or choose fewer flows");
        }
    if (g->n)
        g->owner = g->flows[0].is.flow;
    if (g->n != 1) /* names and secrets of them all */
        g->owner = (struct flow){.key.kind = g->owner.key.kind, .kind = g->owner.kind};
    return true;
}

/* Streams are read anew for each capture that is gathered. */
static bool begin_streams(struct collect *g, struct clv_error *err)
{
    struct index *ix = g->ix;
    enum { MEMORY = 64 << 20, OPEN = 256 };
    g->own = mem_alloc(ix->n_sources, sizeof *g->own);
    if (!g->own)
        return clv_fail_nomem(err, ix->path, ix->n_sources * sizeof *g->own);
    for (; g->n_own < ix->n_sources; g->n_own++) {
        struct source *s = &g->own[g->n_own];
        *s = ix->sources[g->n_own]; /* which is closed: index_find_captures() */
        source_rewind(s);
        s->position = ix->sources[g->n_own].position;
    }
    g->all = g->own;
    g->n_all = g->n_own;
    g->at = 0;
    if (!ix->receipt.params.merge || ix->n_sources == 1)
        return true;
    const struct merge_limits limits = {
        .recover = ix->receipt.params.recover, .memory = MEMORY, .max_open = OPEN};
    if (!merge_open(&g->merge, &g->merged, g->own, g->n_own, ix->header, &limits, err))
        return false;
    g->all = &g->merged;
    g->n_all = 1;
    return true;
}

static bool begin(struct collect *g, struct clv_error *err)
{
    g->heap = mem_alloc(g->n + 1, sizeof *g->heap);
    if (!g->heap)
        return clv_fail_nomem(err, g->ix->path, g->n * sizeof *g->heap);
    for (size_t i = 0; i < g->n; i++) {
        bool more;
        if (!next_of(g, &g->flows[i], &more, err))
            return false;
        if (more)
            g->heap[g->n_heap++] = i;
    }
    for (size_t i = g->n_heap / 2; i-- > 0;)
        sift_down(g, i);
    g->begun = true;
    return !g->ix->streams || begin_streams(g, err);
}

static bool begin_output(struct collect *g, struct clv_error *err)
{
    static const struct stage_place place = {.fd = TAKEN};
    return settle_output(g, err) &&
           form_begin(&g->form, &g->scratch, &g->output, &place, g->ix->path, err);
}

/*
 * Of the stream's window: where indexes were gathered, it may go on after the positions that the
 * stream has, since nothing says how long it is.
 */
static uint64_t own_len(const struct collect *g)
{
    const uint64_t len = g->view.w.len;
    return g->at + 1 < g->n_all ? min_u64(len, g->all[g->at + 1].position - g->view.position) : len;
}

/* The window that has the position, of streams that are read up to it. */
static bool read_to(struct collect *g, uint64_t position, struct clv_error *err)
{
    while (!g->has_view || position - g->view.position >= g->len) {
        if (g->has_view) {
            const bool last = g->view.w.last;
            input_release(&g->view.w, 0, g->view.w.len);
            g->has_view = false;
            if (last)
                source_close(&g->all[g->at++]);
        }
        while (g->at + 1 < g->n_all && g->all[g->at + 1].position <= position)
            source_close(&g->all[g->at++]);
        if (g->at == g->n_all)
            return clv_fail(err, CLV_ERR_IO, g->ix->path, "the captures end before byte %llu",
                            (unsigned long long)position);
        if (g->goes_on && !g->goes_on(g->asker))
            return clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
        struct source *s = &g->all[g->at];
        if (!s->reading) {
            const struct input_plan plan = {
                .window = STRETCH, .slack = s->format.record_max, .buffers = 1};
            if (!source_begin(s, &plan, err))
                return false;
            s->reading = true;
            g->view.position = s->position;
        } else {
            g->view.position += g->view.w.len;
        }
        if (input_next(s->in, &g->view.w, err) != INPUT_WINDOW)
            return false;
        g->view.source = s;
        g->has_view = true;
        g->len = own_len(g);
    }
    return true;
}

/* The same of captures that are mapped. */
static bool find_view(struct collect *g, uint64_t position, struct clv_error *err)
{
    struct view *v = &g->view;
    size_t from = 0, to = g->ix->n_views;
    while (to - from > 1) {
        const size_t middle = from + (to - from) / 2;
        if (g->ix->views[middle].position <= position)
            from = middle;
        else
            to = middle;
    }
    *v = g->ix->views[from];
    g->len = v->w.len;
    return (position >= v->position && position - v->position < g->len) ||
           clv_fail(err, CLV_ERR_IO, g->ix->path, "the captures have no byte %llu",
                    (unsigned long long)position);
}

static int by_offset(const void *x, const void *y)
{
    const struct form_ref *a = x, *b = y;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

/* In their order, each once: with the key host, a record is of both of its hosts. */
static void sort_refs(struct collect *g)
{
    size_t n = 0;
    qsort(g->refs, g->n_refs, sizeof *g->refs, by_offset);
    for (size_t i = 0; i < g->n_refs; i++)
        if (n == 0 || g->refs[n - 1].offset != g->refs[i].offset)
            g->refs[n++] = g->refs[i];
    g->records -= g->n_refs - n;
    g->n_refs = n;
}

/* The record at the position of the flow, in the window. */
static bool read_record(struct collect *g, struct collect_flow *f, const struct form_round *round,
                        struct walk_record *rec, struct clv_error *err)
{
    const uint32_t offset = (uint32_t)(f->reader.position - round->position);
    if (!form_reread(round, offset, &g->cursor, rec)) {
        (void)clv_fail(err, CLV_ERR_IO, g->ix->path,
                       "there is no record where the index has one of flow %lld",
                       (long long)f->is.id);
        return clv_fail_hint(err, "the capture has changed since it was indexed: index it again");
    }
    f->packets++;
    f->captured += dialect_cut(g->form.dialect, rec->caplen);
    g->records++;
    return true;
}

static bool take_record(struct collect *g, struct collect_flow *f, const struct form_round *round,
                        struct clv_error *err)
{
    struct form_ref *refs = mem_reserve(g->refs, &g->refs_cap, g->n_refs + 1, sizeof *refs);
    struct walk_record rec;
    if (!refs)
        return clv_fail_nomem(err, g->ix->path, (g->n_refs + 1) * sizeof *refs);
    g->refs = refs;
    if (!read_record(g, f, round, &rec, err))
        return false;
    refs[g->n_refs++] = (struct form_ref){(uint32_t)(rec.raw - round->base), rec.raw_len};
    return true;
}

static bool check_flow(const struct collect *g, const struct collect_flow *f, struct clv_error *err)
{
    if (f->packets == f->is.packets && f->captured == f->is.captured)
        return true;
    (void)clv_fail(err, CLV_ERR_IO, g->ix->path,
                   "flow %lld has %llu records of %llu bytes, but should have %llu of %llu",
                   (long long)f->is.id, (unsigned long long)f->packets,
                   (unsigned long long)f->captured, (unsigned long long)f->is.packets,
                   (unsigned long long)f->is.captured);
    return clv_fail_hint(err, "the capture has changed since it was indexed: index it again");
}

/* The records of a stretch of the window, of all flows. */
static bool take_stretch(struct collect *g, const struct form_round *round, uint64_t end,
                         uint64_t bytes, struct clv_error *err)
{
    bool one = true;
    uint64_t taken = 0;
    g->n_refs = 0;
    while (g->n_heap && position_at(g, 0) < end && (taken < bytes || g->n > 1)) {
        struct collect_flow *f = &g->flows[g->heap[0]];
        bool more = true;
        g->cursor.until = 0; /* another flow may have gone further */
        one = one && (g->n_refs == 0 || g->n == 1);
        while (more && f->reader.position < end && (taken < bytes || g->n > 1)) {
            if (!take_record(g, f, round, err) || !next_of(g, f, &more, err))
                return false;
            taken += g->refs[g->n_refs - 1].len;
        }
        if (!more) {
            if (!check_flow(g, f, err))
                return false;
            g->heap[0] = g->heap[--g->n_heap];
        }
        sift_down(g, 0);
    }
    if (!one)
        sort_refs(g);
    return true;
}

static bool finish(struct collect *g, const struct form_round *round)
{
    bool any = false;
    if (!form_finish(&g->form, &g->scratch, &g->output, round, false))
        return false;
    if (g->form.dialect->picker && !form_rest(&g->form, &g->output, round, &any))
        return clv_fail_nomem(g->scratch.stage.err, g->ix->path, sizeof *round);
    g->over = true;
    return (!any || form_finish(&g->form, &g->scratch, &g->output, round, true)) &&
           form_end(&g->scratch, &g->output);
}

/* The window that has the position. */
static bool find_window(struct collect *g, uint64_t position, struct form_round *round,
                        struct clv_error *err)
{
    if (g->ix->streams ? !read_to(g, position, err) : !find_view(g, position, err))
        return false;
    const struct view *v = &g->view;
    round->base = v->w.p;
    round->avail = v->w.avail;
    round->position = v->position;
    round->source.format = &v->source->format;
    g->cursor = (struct form_cursor){.until = 0};
    return true;
}

static struct form_round round_of(const struct collect *g)
{
    return (struct form_round){
        .source = {.dialect = &g->ix->dialect, .n_entries = ledger_count(&g->ix->ledger)},
    };
}

static void give(const struct collect *g, const struct walk_record *rec, struct clv_record *to)
{
    const struct source *s = g->view.source;
    *to = (struct clv_record){
        .data = rec->data,
        .caplen = rec->caplen,
        .origlen = rec->origlen,
        .ts_ns = rec->ts_ns,
        .offset = g->view.w.offset + (uint64_t)(rec->raw - g->view.w.p),
        .raw = rec->raw,
        .raw_len = rec->raw_len,
        .linktype = s->format.kind == WALK_PCAP
                        ? s->format.pub.linktype
                        : ledger_iface(&g->ix->ledger, rec->iface)->linktype,
    };
}

/*
 * Has the memory of the flow's next record that `ahead` comes to be fetched. Records of a flow lie
 * far from one another: one by one, each would be waited for.
 */
static void fetch(struct positions_reader *ahead, const struct form_round *round, uint64_t end)
{
    enum { LINE = 64, LINES = 4 };
    if (positions_next(ahead) != POSITIONS_ONE || ahead->position >= end ||
        ahead->position < round->position)
        return;
    const uint8_t *p = round->base + (ahead->position - round->position);
    for (size_t i = 0; i < LINES; i++)
        __builtin_prefetch(p + i * LINE);
}

bool collect_check(const struct collect *g, struct clv_error *err)
{
    return !g->view.source || !g->view.source->in || input_check(g->view.source->in, err);
}

bool collect_records(struct collect *g, struct clv_record *recs, size_t n, size_t *got,
                     struct clv_error *err)
{
    struct form_round round = round_of(g);
    *got = 0;
    if (g->given && !collect_check(g, err))
        return false;
    g->given = false;
    if (!g->begun && !begin(g, err))
        return false;
    if (g->n_heap == 0)
        return true;
    if (!find_window(g, position_at(g, 0), &round, err))
        return false;
    struct collect_flow *f = &g->flows[g->heap[0]];
    const uint64_t end = round.position + g->len;
    struct positions_reader ahead = f->reader;
    for (unsigned i = 0; i < AHEAD && i + 1 < n; i++)
        fetch(&ahead, &round, end);
    while (*got < n && g->n_heap && f->reader.position < end) {
        struct walk_record rec;
        bool more;
        fetch(&ahead, &round, end);
        if (!read_record(g, f, &round, &rec, err) || !next_of(g, f, &more, err))
            return false;
        give(g, &rec, &recs[(*got)++]);
        if (!more && !check_flow(g, f, err))
            return false;
        g->n_heap -= !more;
    }
    g->given = true;
    return true;
}

bool collect_at(struct collect *g, uint64_t position, struct clv_record *rec, struct clv_error *err)
{
    struct form_round round = round_of(g);
    struct walk_record found;
    if (!g->begun && !begin(g, err))
        return false;
    if (g->view.source && (position < g->view.position || position - g->view.position >= g->len) &&
        !collect_check(g, err))
        return false;
    if (!find_window(g, position, &round, err))
        return false;
    const uint64_t offset = position - round.position;
    const uint64_t at = g->view.w.offset + offset;
    if (!form_reread(&round, (uint32_t)offset, &g->cursor, &found)) {
        (void)clv_fail(err, CLV_ERR_IO, g->view.source->path, "there is no record at byte %llu",
                       (unsigned long long)at);
        return clv_fail_hint(err, "the capture has changed since it was indexed: index it again");
    }
    give(g, &found, rec);
    return true;
}

bool collect_step(struct collect *g, uint64_t bytes, struct clv_error *err)
{
    struct form_round round = round_of(g);
    if (!g->begun && (!begin(g, err) || !begin_output(g, err)))
        return false;
    g->scratch.stage.err = err;
    if (g->n_heap == 0)
        return finish(g, &round);
    if (!find_window(g, position_at(g, 0), &round, err))
        return false;
    const uint64_t window_end = round.position + g->len;
    const uint64_t end = g->n == 1 ? window_end : min_u64(window_end, position_at(g, 0) + STRETCH);
    return take_stretch(g, &round, end, bytes, err) &&
           form_put(&g->form, &g->scratch, &g->output, &round, g->refs, (uint32_t)g->n_refs) &&
           input_check(g->view.source->in, err);
}

#endif
