/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/source.h"

static bool open_it(struct source *s, struct clv_error *err)
{
    if (!input_open(&s->in, s->path, err))
        return false;
    if (s->drop_cache)
        input_drop_cache(s->in);
    return true;
}

static bool probe_times(struct source *s, struct clv_error *err)
{
    enum { LOOK_AT = 64 * 1024 };
    struct clv_span head;
    struct ledger ledger;
    struct walk_state st = {.big_endian = s->format.big_endian};
    struct walk_record rec;
    if (s->format.kind == WALK_PCAP) {
        s->nanoseconds = s->format.pub.nanoseconds;
        return true;
    }
    if (!input_head(s->in, LOOK_AT, &head, err))
        return false;
    ledger_init(&ledger, 0);
    while (walk_block(&ledger, &st, head.p, head.len, &rec) == WALK_BLOCK &&
           walk_note(&ledger, &st, rec.raw, rec.raw_len, 0, NULL)) {
        head.p += rec.raw_len;
        head.len -= rec.raw_len;
    }
    for (uint32_t i = 0; i < atomic_load(&ledger.n_ifaces); i++)
        s->nanoseconds |= dialect_needs_ns(ledger_iface(&ledger, i)->units);
    ledger_fini(&ledger);
    return true;
}

bool source_probe(struct source *s, const char *path, bool drop_cache, struct clv_error *err)
{
    struct clv_span head;
    *s = (struct source){.fault = {.offset = CLV_NO_OFFSET},
                         .path = path,
                         .called = path,
                         .drop_cache = drop_cache,
                         .first_ns = WALK_NO_TIME,
                         .near_ns = WALK_NO_TIME};
    if (!open_it(s, err) || !input_head(s->in, WALK_HEAD, &head, err) ||
        !walk_open(&s->format, input_path(s->in), head, err))
        return false;
    s->id = input_id(s->in);
    s->size = s->found = input_size(s->in);
    s->compression = input_compression(s->in);
    s->stream = input_is_stream(s->in);
    s->once = (s->stream && s->size == 0) || strcmp(path, "-") == 0;
    s->head_len = head.len;
    memcpy(s->head, head.p, head.len);
    if (!s->once && (!input_head(s->in, WALK_LOOK, &head, err) ||
                     !walk_check_form(&s->format, input_path(s->in), head, err)))
        return false;
    return probe_times(s, err);
}

bool source_begin(struct source *s, const struct input_plan *plan, struct clv_error *err)
{
    struct clv_span head;
    struct input_plan own = *plan;
    if (!s->in) {
        if (!open_it(s, err))
            return false;
        const struct input_id id = input_id(s->in);
        if (id.device != s->id.device || id.inode != s->id.inode)
            return clv_fail(err, CLV_ERR_IO, s->path, "was replaced since the run began");
        if (input_size(s->in) > s->found)
            input_limit(s->in, s->found);
        if (!input_head(s->in, max_u64(WALK_HEAD, plan->offset), &head, err))
            return false;
        if (input_size(s->in) != s->found || head.len < s->head_len ||
            memcmp(head.p, s->head, s->head_len) != 0)
            return clv_fail(err, CLV_ERR_IO, s->path, "changed since the run began");
    }
    own.offset = plan->offset > s->format.data_at ? plan->offset : s->format.data_at;
    s->used = true;
    return input_begin(s->in, &own, err);
}

void source_close(struct source *s)
{
    input_close(&s->in);
}

void source_rewind(struct source *s)
{
    source_close(s);
    s->used = s->reading = s->begun = s->over = false;
    s->position = s->records = s->consumed = 0;
    s->fault = (struct clv_error){.offset = CLV_NO_OFFSET};
    s->first_ns = s->near_ns = WALK_NO_TIME;
}

void source_explain(const struct source *s, const struct ledger *l, const struct walk_state *st,
                    enum walk_step step, struct clv_span rest, uint64_t offset, uint64_t record,
                    struct clv_error *err)
{
    if (s->format.kind == WALK_PCAPNG)
        walk_block_explain(l, st, input_path(s->in), step, rest, offset, record, err);
    else
        (void)walk_explain(&s->format, input_path(s->in), step, rest, offset, record, err);
}

size_t source_search(const struct source *s, const struct walk_state *st, struct clv_span all,
                     size_t from, size_t limit)
{
    return s->format.kind == WALK_PCAPNG
               ? walk_block_search(st, all, from, limit, s->format.record_max)
               : walk_search(&s->format, all, from, limit);
}
