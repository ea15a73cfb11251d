/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/partition.h"

enum {
    NAME_BLOCK_BITS = 14, /* a name's place is block << bits | byte */
    NAME_BLOCK = 1 << NAME_BLOCK_BITS,
};

bool partition_init(struct partition *p, const struct flow_by *by, const struct flow_cuts *cuts,
                    struct spill *spill)
{
    *p = (struct partition){.any_key = by->any_key,
                            .sided = by->sided,
                            .copies = by->fields & FLOW_BY_HOST,
                            .cuts = *cuts};
    if (!flow_table_init(&p->flows))
        return false;
    p->flows.spill = p->places.spill = spill;
    if (by->any_key)
        flow_table_keep(&p->flows, FLOW_BESIDE_EXTRA, sizeof(struct flow_extra));
    if (flow_cuts_any(cuts))
        flow_table_keep(&p->flows, FLOW_BESIDE_CUT, sizeof(struct flow_cut));
    return true;
}

struct flow *flow_tour_next(struct flow_tour *tour, const struct partition *parts, uint32_t n_parts,
                            uint32_t *part)
{
    for (;;) {
        if (tour->part == n_parts) {
            if (!tour->more)
                return NULL;
            *tour = (struct flow_tour){.base = tour->base + FLOW_CHUNK};
        }
        const struct flow_table *t = &parts[tour->part].flows;
        const uint64_t at = tour->base + tour->i;
        if (at < t->n && tour->i < FLOW_CHUNK) {
            tour->i++;
            *part = tour->part;
            return flow_table_at(t, (uint32_t)at);
        }
        tour->more |= at < t->n;
        tour->part++;
        tour->i = 0;
    }
}

static void free_log(struct log_chunk *c)
{
    while (c) {
        struct log_chunk *next = c->next;
        mem_free(c);
        c = next;
    }
}

void partition_fini(struct partition *p)
{
    writer_fini(&p->writer);
    files_fini(&p->files);
    for (size_t i = 0; i < p->n_names; i++)
        spill_free(p->flows.spill, p->names[i]);
    mem_free(p->names);
    positions_store_fini(&p->places);
    flow_table_fini(&p->flows);
    mem_free(p->timeline);
    mem_free(p->runs);
    mem_free(p->write_runs);
    free_log(p->log);
    free_log(p->spare);
    *p = (struct partition){0};
}

static CLV_COLD bool add_chunk(struct partition *p)
{
    struct log_chunk *c = p->spare;
    if (c)
        p->spare = c->next;
    else if (!(c = mem_alloc(1, sizeof *c)))
        return false;
    c->next = NULL;
    if (p->log_tail)
        p->log_tail->next = c;
    else
        p->log = c;
    p->log_tail = c;
    p->log_at = c->entries;
    p->log_end = c->entries + LOG_CHUNK;
    return true;
}

static bool reserve_runs(struct partition *p, size_t more)
{
    struct run *runs = mem_reserve(p->runs, &p->runs_cap, p->n_runs + more, sizeof *runs);
    if (runs)
        p->runs = runs;
    return runs != NULL;
}

/* before: the flow of the same key that ended with it; NULL: there was none. */
static CLV_COLD struct flow *begin_flow(struct partition *p, uint32_t i,
                                        const struct scan_item *item, uint64_t seq,
                                        const struct flow *before)
{
    if (i == FLOW_NONE)
        return NULL;
    struct flow *f = flow_table_at(&p->flows, i);
    f->n = (uint32_t)seq; /* until the epoch's new flows are numbered */
    f->reversed = before ? before->reversed : item->dir && !p->sided;
    f->kind = item->kind;
    f->opened = flow_opened_by(item->tcp_flags, item->dir);
    if (before && !f->opened)
        f->opened = before->opened;
    return f;
}

/* No candidate, or a wrong one: a new flow, nearly always. Returns NULL: no memory. */
static CLV_COLD struct flow *find_slowly(struct partition *p, const struct scan_item *item,
                                         const struct flow_extra *extra, uint64_t seq)
{
    uint32_t i = flow_table_find(&p->flows, &item->id.key, extra, item->hash);
    if (i != FLOW_NONE)
        return flow_table_at(&p->flows, i);
    i = flow_table_add(&p->flows, &item->id.key, extra, item->hash);
    return begin_flow(p, i, item, seq, NULL);
}

static CLV_COLD void new_run(struct partition *p, struct flow *f, const struct scan_item *item,
                             uint32_t epoch)
{
    f->epoch = epoch;
    f->run = (uint32_t)p->n_runs;
    p->runs[p->n_runs++] =
        (struct run){.flow = f->index, .first = item->offset, .first_ns = item->ts_ns};
}

/* The flow that the record is of: f, or a new one of its key. NULL: no memory. */
static struct flow *cut_flow(struct partition *p, struct flow *f, const struct scan_piece *piece,
                             uint32_t i, uint64_t seq)
{
    const struct scan_item *item = &piece->items[i];
    const struct flow_step step = scan_piece_step(piece, i, &p->cuts, p->record_header);
    struct flow *ended;
    f = flow_table_cut(&p->flows, &p->cuts, f, item->hash, &step, &ended);
    return f && ended ? begin_flow(p, f->index, item, seq, ended) : f;
}

/* true: the flow has as much as it may. Its first record is always written; `other` is no flow. */
static bool is_capped(const struct partition *p, const struct flow *f)
{
    if (flow_is_other(&f->key))
        return false;
    return (p->max_packets && f->sum[0].packets + f->sum[1].packets >= p->max_packets) ||
           (p->max_bytes && f->sum[0].captured + f->sum[1].captured >= p->max_bytes);
}

/*
 * Two loads depend on one another, slot and entry: both are started some items ahead, and the entry
 * that the slot named then waits in a ring.
 *
 *   i + SLOT_AHEAD    hash  -> slot       prefetched
 *   i + ENTRY_AHEAD   slot  -> entry      prefetched, kept in ring
 *   i                 entry -> flow       its key decides; else the whole way through the table
 */
CLV_INLINE bool find_items(struct partition *p, uint32_t number, const struct scan_piece *piece,
                           uint32_t epoch, uint64_t epoch_seq, bool any_key, bool asks, bool dry,
                           struct clv_error *err)
{
    enum { SLOT_AHEAD = 16, ENTRY_AHEAD = 8, RING = 8 };
    static_assert(RING == ENTRY_AHEAD, "a candidate takes the place of the one that was read");
    if (piece->n_items == 0)
        return true; /* it may never have been scanned */
    const uint32_t *order = piece->order + piece->bounds[number];
    const uint32_t n = piece->bounds[number + 1] - piece->bounds[number];
    const struct scan_item *items = piece->items;
    struct flow *ring[RING];
    const bool cuts = asks && flow_cuts_any(&p->cuts), chooses = asks && p->chooses;
    const bool caps = asks && (p->max_packets || p->max_bytes);
    struct timeline *const timeline = asks ? p->timeline : NULL;
    uint32_t n_dropped = 0;
    uint64_t bytes = 0;
    if (n == 0)
        return true;
    if (!reserve_runs(p, n))
        goto nomem;
    for (uint32_t i = 0; i < n && i < SLOT_AHEAD; i++)
        flow_table_prefetch_slot(&p->flows, items[order[i]].hash);
    for (uint32_t i = 0; i < n && i < ENTRY_AHEAD; i++)
        ring[i % RING] = flow_table_candidate(&p->flows, items[order[i]].hash);
    for (uint32_t i = 0; i < n; i++) {
        const struct scan_item *item = &items[order[i]];
        struct flow *f = ring[i % RING];
        if (CLV_LIKELY(i + SLOT_AHEAD < n))
            flow_table_prefetch_slot(&p->flows, items[order[i + SLOT_AHEAD]].hash);
        if (CLV_LIKELY(i + ENTRY_AHEAD < n))
            ring[i % RING] = flow_table_candidate(&p->flows, items[order[i + ENTRY_AHEAD]].hash);
        if (chooses && item->small) {
            p->small++;
            if (p->drop_small) {
                n_dropped++;
                continue;
            }
        }
        const struct flow_extra *extra = any_key ? &piece->extra[order[i]] : NULL;
        if (CLV_UNLIKELY(!f || !flow_table_is(&p->flows, f, &item->id.key, extra))) {
            f = find_slowly(p, item, extra, piece->seq + order[i] - epoch_seq);
            if (!f)
                goto nomem;
        }
        if (cuts) {
            f = cut_flow(p, f, piece, order[i], piece->seq + order[i] - epoch_seq);
            if (!f)
                goto nomem;
        }
        if (caps && CLV_UNLIKELY(is_capped(p, f))) {
            p->capped++;
            n_dropped++;
            continue;
        }
        if (CLV_UNLIKELY(f->epoch != epoch))
            new_run(p, f, item, epoch);
        struct flow_sums *sum = &f->sum[item->dir];
        sum->packets++;
        sum->captured += item->caplen;
        sum->wire += item->origlen;
        f->tcp_flags[item->dir] |= item->tcp_flags;
        if (timeline && !(p->copies && item->dir))
            timeline_add(timeline, item->ts_ns, item->id.key.proto, item->origlen);
        if (CLV_LIKELY(item->ts_ns > f->last_ns))
            f->last_ns = item->ts_ns;
        if (CLV_UNLIKELY(item->ts_ns < f->first_ns && item->ts_ns != WALK_NO_TIME))
            f->first_ns = item->ts_ns;

        p->runs[f->run].n++;
        if (CLV_UNLIKELY(dry))
            continue;
        if (CLV_UNLIKELY(p->log_at == p->log_end) && !add_chunk(p))
            goto nomem;
        *p->log_at++ = (struct log_entry){f->run, {item->offset, item->raw_len}};
        bytes += item->raw_len;
    }
    p->n_log += dry ? 0 : n - n_dropped;
    if (dry)
        p->dry_records += n - n_dropped;
    p->pending_bytes += bytes;
    return true;
nomem:
    return clv_fail_nomem(err, "the flow table", n * sizeof(struct flow));
}

bool partition_find(struct partition *p, uint32_t number, const struct scan_piece *piece,
                    uint32_t epoch, uint64_t epoch_seq, struct clv_error *err)
{
    const bool dry = p->dry && !p->proves;
    if (p->any_key)
        return find_items(p, number, piece, epoch, epoch_seq, true, true, dry, err);
    if (flow_cuts_any(&p->cuts) || p->chooses || p->max_packets || p->max_bytes || p->timeline)
        return find_items(p, number, piece, epoch, epoch_seq, false, true, dry, err);
    return dry ? find_items(p, number, piece, epoch, epoch_seq, false, false, true, err)
               : find_items(p, number, piece, epoch, epoch_seq, false, false, false, err);
}

void partition_sort(struct partition *p, struct form_ref *refs)
{
    uint32_t at = 0;
    for (size_t i = 0; i < p->n_runs; i++) {
        p->runs[i].at = at;
        at += p->runs[i].n;
    }
    for (const struct log_chunk *c = p->log; c; c = c->next) {
        const struct log_entry *end = c->next ? c->entries + LOG_CHUNK : p->log_at;
        for (const struct log_entry *e = c->entries; e < end; e++)
            refs[p->runs[e->run].at++] = e->ref;
    }
    if (p->log_tail) {
        p->log_tail->next = p->spare;
        p->spare = p->log;
    }
    p->log = p->log_tail = NULL;
    p->log_at = p->log_end = NULL;
    p->n_log = 0;
    p->pending_bytes = 0;
    p->refs = refs;
    p->first_new = p->flows.n;

    struct run *const runs = p->write_runs;
    const size_t cap = p->write_runs_cap;
    p->write_runs = p->runs;
    p->n_write_runs = p->n_runs;
    p->write_runs_cap = p->runs_cap;
    p->runs = runs;
    p->runs_cap = cap;
    p->n_runs = 0;
}

bool partition_set_name(struct partition *p, uint32_t i, const char *name, size_t len,
                        struct clv_error *err)
{
    if (p->n_names == 0 || len + 1 > NAME_BLOCK - p->names_at) {
        char **names = mem_reserve(p->names, &p->names_cap, p->n_names + 1, sizeof *names);
        if (!names)
            return clv_fail_nomem(err, "output names", p->n_names * sizeof *names);
        p->names = names;
        names[p->n_names] = spill_alloc(p->flows.spill, NAME_BLOCK, 1);
        if (!names[p->n_names])
            return clv_fail_nomem(err, "output names", NAME_BLOCK);
        p->n_names++;
        p->names_at = 0;
    }
    char *to = p->names[p->n_names - 1] + p->names_at;
    memcpy(to, name, len);
    to[len] = '\0';
    flow_table_at(&p->flows, i)->name =
        (uint32_t)((p->n_names - 1) << NAME_BLOCK_BITS | p->names_at);
    p->names_at += (uint32_t)len + 1;
    return true;
}

const char *partition_name(const struct partition *p, uint32_t i)
{
    const uint32_t at = flow_table_at(&p->flows, i)->name;
    return p->names[at >> NAME_BLOCK_BITS] + (at & (NAME_BLOCK - 1));
}

bool partition_prove(struct partition *p, const struct proof_plan *plan, const struct view *v,
                     const struct form_round *round, struct clv_error *err)
{
    enum { AHEAD = 8 }; /* records */
    struct proof_place place = {.key = plan->key};
    const uint32_t n_refs = p->n_write_runs ? p->write_runs[p->n_write_runs - 1].at : 0;
    for (size_t i = 0; i < p->n_write_runs; i++) {
        const struct run *r = &p->write_runs[i];
        const char *name = partition_name(p, r->flow);
        struct proof *proof = partition_proof(p, flow_table_at(&p->flows, r->flow));
        void *tracer = plan->trace ? plan->trace(plan->user, name) : NULL;
        place.until = 0;
        for (uint32_t k = r->at - r->n; k < r->at; k++) {
            if (k + AHEAD < n_refs) /* a flow's records lie apart, and would be waited for */
                __builtin_prefetch(v->w.p + p->refs[k + AHEAD].offset);
            if (!proof_expect(plan, proof, &place, round->source.dialect, round->source.n_entries,
                              v, p->refs[k].offset, p->refs[k].len, name, tracer, err))
                return false;
        }
    }
    return true;
}

bool partition_place(struct partition *p, const struct form_round *round, struct clv_error *err)
{
    for (size_t i = 0; i < p->n_write_runs; i++) {
        const struct run *r = &p->write_runs[i];
        struct flow *f = flow_table_at(&p->flows, r->flow);
        struct positions *to = flow_table_beside_rw(&p->flows, f, FLOW_BESIDE_POSITIONS);
        uint8_t *at = positions_room(&p->places, r->n);
        uint64_t last = to->position;
        for (uint32_t k = r->at - r->n; at && k < r->at; k++)
            at = positions_put(at, &last, round->position + p->refs[k].offset);
        if (!at || !positions_add(&p->places, to, last, at))
            return clv_fail_nomem(err, "positions of records", r->n * sizeof last);
    }
    return true;
}

/* What outputs lack behind their last records, if anything. */
static bool finish(struct partition *p, struct form_scratch *x, const struct form_round *round,
                   struct clv_error *err)
{
    for (uint32_t i = 0; i < p->flows.n; i++)
        if (writer_unfinished(&p->writer, i, round) &&
            !writer_finish(&p->writer, x, i, partition_name(p, i), round, err))
            return false;
    return writer_close(&p->writer, err);
}

void partition_prefetch(const struct partition *p, const struct run *r,
                        const struct form_round *round)
{
    enum { RECORDS = 4, LOOKED_AT = 256 }; /* the rest of them the machine guesses */
    const char *name = partition_name(p, r->flow);
    const struct form_ref *refs = p->refs + (r->at - r->n);
    __builtin_prefetch(name);
    __builtin_prefetch(name + 63);
    for (uint32_t k = 0; k < r->n && k < RECORDS; k++)
        for (uint32_t at = 0; at < refs[k].len && at < LOOKED_AT; at += 64)
            __builtin_prefetch(round->base + refs[k].offset + at);
}

bool partition_write(struct partition *p, struct form_scratch *x, const struct form_round *round,
                     struct clv_error *err)
{
    enum { AHEAD = 4 };
    if (p->dry) {
        for (size_t i = 0; p->proves && i < p->n_write_runs; i++)
            p->dry_records += p->write_runs[i].n;
        return true;
    }
    for (size_t i = 0; i < p->n_write_runs; i++) {
        if (i + AHEAD < p->n_write_runs)
            writer_prefetch(&p->writer, p->write_runs[i + AHEAD].flow);
        const struct run *r = &p->write_runs[i];
        if (i + 1 < p->n_write_runs)
            partition_prefetch(p, r + 1, round);
        if (!writer_append(&p->writer, x, r->flow, partition_name(p, r->flow), round,
                           p->refs + (r->at - r->n), r->n, err))
            return false;
    }
    p->n_write_runs = 0;
    return !round->last || finish(p, x, round, err);
}

bool partition_rest(struct partition *p, struct form_scratch *x, const struct form_round *round,
                    struct clv_error *err)
{
    for (uint32_t i = 0; i < p->flows.n; i++)
        if (!writer_rest(&p->writer, x, i, partition_name(p, i), round, err))
            return false;
    return true;
}
