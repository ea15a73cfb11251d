/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/form.h"

bool form_scratch_init(struct form_scratch *x, enum clv_compress compress)
{
    x->dump = NULL;
    return stage_init(&x->stage) && (!compress || stage_pack(&x->stage, compress));
}

void form_scratch_fini(struct form_scratch *x)
{
    dump_close(&x->dump);
    stage_fini(&x->stage);
}

void form_keep(const struct form *form, struct flow_table *flows)
{
    if (form->dialect->form == DIALECT_PCAPNG)
        flow_table_keep(flows, FLOW_BESIDE_TRAIL, sizeof(struct trail));
    if (form->dialect->compress)
        flow_table_keep(flows, FLOW_BESIDE_TAIL, sizeof(uint32_t));
}

void form_again(const struct flow_table *flows, struct flow *f)
{
    struct trail *trail = form_output(flows, f).trail;
    if (trail)
        trail_fini(trail);
}

void form_forget(const struct flow_table *flows)
{
    for (uint32_t i = 0; flows->beside[FLOW_BESIDE_TRAIL].at && i < flows->n; i++)
        trail_fini(form_output(flows, flow_table_at(flows, i)).trail);
}

/* Records as they are, headers included. */
static bool copy(struct stage *s, const struct form_round *r, const struct form_ref *refs,
                 uint32_t n)
{
    enum { AHEAD = 6 };
    for (uint32_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            const uint8_t *next = r->base + refs[i + AHEAD].offset;
            __builtin_prefetch(next);
            __builtin_prefetch(next + 64);
        }
        if (!stage_put(s, r->base + refs[i].offset, refs[i].len))
            return false;
    }
    return true;
}

bool form_reread(const struct form_round *r, uint32_t offset, struct form_cursor *cursor,
                 struct walk_record *rec)
{
    const struct walk_format *f = r->source.format;
    const struct ledger *l = r->source.dialect->ledger;
    const uint8_t *raw = r->base + offset;
    const size_t rest = r->avail - offset;
    if (f->kind == WALK_PCAP)
        return walk_record(f, raw, rest, f->big_endian, rec) == WALK_RECORD;
    const uint64_t position = r->position + offset;
    if (position >= cursor->until)
        cursor->until = walk_state_at(&cursor->st, l, r->source.n_entries, position);
    return walk_block(l, &cursor->st, raw, rest, rec) == WALK_RECORD;
}

/* The same, each with no more than so many bytes of its packet. */
static bool copy_cut(struct stage *s, const struct form_round *r, const struct form_ref *refs,
                     uint32_t n)
{
    const struct dialect *d = r->source.dialect;
    const struct walk_format *f = r->source.format;
    struct form_cursor cursor = {.until = 0};
    for (uint32_t i = 0; i < n; i++) {
        uint8_t head[WALK_LONGEST_HEADER];
        struct walk_record rec;
        if (!form_reread(r, refs[i].offset, &cursor, &rec))
            return clv_fail(s->err, CLV_ERR_INTERNAL, s->name,
                            "a record changed while it was read");
        const uint32_t caplen = dialect_cut(d, rec.caplen);
        memcpy(head, rec.raw, f->hdr_len);
        if (caplen < rec.caplen) {
            walk_store32(head + f->caplen_at, caplen, f->big_endian);
            walk_store32(head + f->origlen_at, rec.origlen, f->big_endian);
        }
        if (!stage_put(s, head, f->hdr_len) || !stage_put(s, rec.data, caplen))
            return false;
    }
    return true;
}

static bool dump(struct form_scratch *x, const struct form_round *r,
                 const struct dialect_kind *kind, const struct form_ref *refs, uint32_t n)
{
    struct stage *s = &x->stage;
    struct form_cursor cursor = {.until = 0};
    for (uint32_t i = 0; i < n; i++) {
        struct walk_record rec;
        if (!form_reread(r, refs[i].offset, &cursor, &rec))
            return clv_fail(s->err, CLV_ERR_INTERNAL, s->name,
                            "a record changed while it was read");
        rec.caplen = dialect_cut(r->source.dialect, rec.caplen);
        if (!dump_record(&x->dump, s, kind, &rec))
            return false;
    }
    return true;
}

/* What metadata may be for. */
static struct picks owner_of(const struct form *form, const struct flow *f)
{
    const bool addresses =
        form->by && f->key.family && !(f->key.has & FLOW_HAS_SHARD) && flow_by_addresses(form->by);
    return (struct picks){
        .number = f->n,
        .a = addresses ? f->key.a : NULL,
        .b = addresses ? f->key.b : NULL,
        .family = f->key.family,
        .may_hide = !form->by || !flow_has_proto(&f->key) || f->key.proto == CLV_PROTO_UDP,
    };
}

static bool put_blocks(const struct form *form, struct stage *s, const struct form_output *o,
                       const struct form_round *r, const struct form_ref *refs, uint32_t n)
{
    enum { AHEAD = 4, LOOKED_AT = 320 };
    const struct picks owner = owner_of(form, o->flow);
    struct blocks_source source = r->source;
    uint64_t until = 0;
    source.owner = &owner;
    for (uint32_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            const uint8_t *next = r->base + refs[i + AHEAD].offset;
            for (unsigned at = 0; at < LOOKED_AT; at += 64)
                __builtin_prefetch(next + at);
        }
        if (!blocks_put(s, o->trail, &source, r->base + refs[i].offset, refs[i].len,
                        r->position + refs[i].offset, &until))
            return false;
    }
    return true;
}

static const struct dialect_kind *kind_of(const struct form *form, const struct form_output *o)
{
    return &form->dialect->kinds[o->flow->key.kind];
}

bool form_begin(const struct form *form, struct form_scratch *x, const struct form_output *o,
                const struct stage_place *place, const char *name, struct clv_error *err)
{
    const struct dialect *d = form->dialect;
    struct stage *s = &x->stage;
    if (!stage_begin(s, place, o->tail ? *o->tail : 0, name, err))
        return false;
    if (place->size)
        return true;
    switch (d->form) {
    case DIALECT_COPY:
        return stage_put(s, d->header, sizeof d->header);
    case DIALECT_PCAP:
        return dump_header(s, kind_of(form, o));
    case DIALECT_PCAPNG:
        break; /* its sections begin with records of theirs */
    }
    return true;
}

bool form_put(const struct form *form, struct form_scratch *x, const struct form_output *o,
              const struct form_round *round, const struct form_ref *refs, uint32_t n)
{
    switch (form->dialect->form) {
    case DIALECT_COPY:
        return form->dialect->snaplen ? copy_cut(&x->stage, round, refs, n)
                                      : copy(&x->stage, round, refs, n);
    case DIALECT_PCAP:
        return dump(x, round, kind_of(form, o), refs, n);
    case DIALECT_PCAPNG:
        return put_blocks(form, &x->stage, o, round, refs, n);
    }
    return false;
}

bool form_finish(const struct form *form, struct form_scratch *x, const struct form_output *o,
                 const struct form_round *round, bool rest)
{
    if (o->trail) {
        const struct picks owner = owner_of(form, o->flow);
        struct blocks_source source = round->source;
        source.owner = &owner;
        if (!blocks_finish(&x->stage, o->trail, &source))
            return false;
    }
    return !o->tail || (form->dialect->picker && !rest) || stage_pack_rest(&x->stage);
}

bool form_end(struct form_scratch *x, const struct form_output *o)
{
    const bool ok = stage_end(&x->stage);
    if (o->tail)
        *o->tail = x->stage.tail;
    return ok;
}

bool form_unfinished(const struct form *form, const struct form_output *o,
                     const struct form_round *round)
{
    if (o->tail && *o->tail && !form->dialect->picker)
        return true;
    if (!o->trail)
        return false; /* nobody has looked at the flow, which may be a cache miss */
    const struct picks owner = owner_of(form, o->flow);
    struct blocks_source source = round->source;
    source.owner = &owner;
    return blocks_pending(o->trail, &source);
}

bool form_rest(const struct form *form, const struct form_output *o, const struct form_round *round,
               bool *any)
{
    const struct picks owner = owner_of(form, o->flow);
    struct blocks_source source = round->source;
    source.owner = &owner;
    *any = false;
    if (o->trail && !blocks_rest(o->trail, &source, any))
        return false;
    *any |= o->tail && *o->tail;
    return true;
}
