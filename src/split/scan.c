/* SPDX-License-Identifier: BSD-2-Clause */
#include "split/scan.h"

#include "base/mem.h"

bool scan_piece_init(struct scan_piece *piece, const struct scan_plan *plan)
{
    *piece = (struct scan_piece){0};
    piece->bounds = mem_alloc((size_t)plan->n_partitions + 1, sizeof *piece->bounds);
    return piece->bounds != NULL;
}

void scan_piece_fini(struct scan_piece *piece)
{
    mem_free(piece->items);
    mem_free(piece->order);
    mem_free(piece->bounds);
    *piece = (struct scan_piece){0};
}

void scan_counts_add(struct scan_counts *sum, const struct scan_counts *more)
{
    sum->records += more->records;
    sum->dropped_captured += more->dropped_captured;
    sum->other += more->other;
    sum->dropped_other += more->dropped_other;
    sum->fragments += more->fragments;
    sum->cut_short += more->cut_short;
}

/*
 * The loop that sees every record. Byte order and decoder are settled before it, and the instances
 * below make the first a constant; room for items is made by the stretch.
 */
CLV_INLINE bool scan_records(struct scan_piece *piece, const struct scan_plan *plan,
                             const struct input_window *w, bool big_endian)
{
    enum { STRETCH = 512 };
    const struct walk_format *const format = plan->format;
    decode_fn *const decode = plan->decode;
    const struct flow_by by = plan->by;
    const unsigned bits = plan->partition_bits;
    const uint8_t *const base = w->p;
    const size_t avail = w->avail, limit = piece->limit;
    uint32_t *const of_partition = piece->bounds + 1;
    struct scan_counts counts = {0};
    enum walk_step step = WALK_RECORD;
    size_t at = piece->start, n = 0;
    while (at < limit && step == WALK_RECORD) {
        struct scan_item *items =
            mem_reserve(piece->items, &piece->items_cap, n + STRETCH, sizeof *items);
        if (!items)
            return false;
        piece->items = items;
        struct scan_item *item = items + n;
        const struct scan_item *const full = item + STRETCH;
        while (at < limit && item < full) {
            struct walk_record rec;
            step = walk_record(format, base + at, avail - at, big_endian, &rec);
            if (CLV_UNLIKELY(step != WALK_RECORD))
                break;
            item->offset = (uint32_t)at;
            at += rec.raw_len;
            struct clv_tuple *t = &item->id.tuple;
            *t = (struct clv_tuple){0};
            if (CLV_UNLIKELY(!decode(rec.raw + format->hdr_len, rec.caplen, t))) {
                *t = (struct clv_tuple){0};
                counts.other++;
                if (plan->drop_other) {
                    counts.dropped_captured += rec.caplen;
                    continue;
                }
            }
            if (CLV_UNLIKELY(t->flags & (CLV_TUPLE_FRAGMENT | CLV_TUPLE_SHORT))) {
                counts.fragments += (t->flags & CLV_TUPLE_FRAGMENT) != 0;
                counts.cut_short += (t->flags & CLV_TUPLE_SHORT) != 0;
            }
            item->tcp_flags = t->tcp_flags;
            item->dir = (uint8_t)flow_key_settle(&item->id, &by);
            item->hash = flow_key_hash(&item->id.key);
            item->ts_ns = rec.ts_ns;
            item->raw_len = rec.raw_len;
            item->caplen = rec.caplen;
            item->origlen = rec.origlen;
            of_partition[scan_partition(item->hash, bits)]++;
            item++;
        }
        n = (size_t)(item - items);
    }
    if (plan->drop_other)
        counts.dropped_other = counts.other;
    counts.records = n + counts.dropped_other;
    piece->n_items = n;
    piece->stop = step;
    piece->end = at;
    piece->counts = counts;
    return true;
}

static bool scan_little(struct scan_piece *piece, const struct scan_plan *plan,
                        const struct input_window *w)
{
    return scan_records(piece, plan, w, false);
}

static bool scan_big(struct scan_piece *piece, const struct scan_plan *plan,
                     const struct input_window *w)
{
    return scan_records(piece, plan, w, true);
}

/*
 * A counting sort by partition, stable, so that the capture's order holds within each. The counts
 * are in bounds[1 ..] when it begins.
 */
static bool sort_by_partition(struct scan_piece *piece, const struct scan_plan *plan)
{
    uint32_t *order =
        mem_reserve(piece->order, &piece->order_cap, piece->n_items, sizeof *piece->order);
    if (!order)
        return false;
    piece->order = order;
    uint32_t *at = piece->bounds;
    for (uint32_t p = 0; p < plan->n_partitions; p++)
        at[p + 1] += at[p];
    /* Placing moves each start to its end, which is the next one's start: shift back after. */
    for (size_t i = 0; i < piece->n_items; i++)
        order[at[scan_partition(piece->items[i].hash, plan->partition_bits)]++] = (uint32_t)i;
    memmove(at + 1, at, plan->n_partitions * sizeof *at);
    at[0] = 0;
    return true;
}

void scan_piece_clear(struct scan_piece *piece, const struct scan_plan *plan)
{
    piece->n_items = 0;
    piece->counts = (struct scan_counts){0};
    piece->stop = WALK_RECORD;
    piece->end = piece->start;
    memset(piece->bounds, 0, ((size_t)plan->n_partitions + 1) * sizeof *piece->bounds);
}

bool scan_piece_run(struct scan_piece *piece, const struct scan_plan *plan,
                    const struct input_window *w, struct clv_error *err)
{
    scan_piece_clear(piece, plan);
    if (piece->start == SCAN_UNKNOWN) {
        const size_t guess = walk_guess(plan->format, (struct clv_span){w->p, w->avail},
                                        piece->from, piece->near_ns);
        if (guess == w->avail)
            return true;
        piece->start = guess;
    }
    walk_touch(plan->format, (struct clv_span){w->p, w->avail}, piece->start, piece->limit);
    const bool ok =
        plan->format->big_endian ? scan_big(piece, plan, w) : scan_little(piece, plan, w);
    if (!ok || !sort_by_partition(piece, plan))
        return clv_fail_nomem(err, "scanning", (piece->n_items + 512) * sizeof *piece->items);
    return true;
}
