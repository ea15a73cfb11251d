/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/flows.h"

#include "cleave/capture.h"
#include "manifest/manifest.h"

struct clv_flow_row {
    const struct manifest *m;
    const struct manifest_entry *e;
};

static struct clv_flow_sent sent_by(const struct flow *f, bool src)
{
    const unsigned direction = !flow_end_is_a(f, src);
    const struct flow_sums *s = &f->sum[direction];
    return (struct clv_flow_sent){
        .packets = s->packets,
        .captured_bytes = s->captured,
        .wire_bytes = s->wire,
        .tcp_flags = f->tcp_flags[direction],
    };
}

/* What the key has of a tuple. Returns enum clv_flow_has. */
static uint8_t tuple_of(const struct flow_by *by, const struct flow *f, struct clv_tuple *t)
{
    const uint8_t *const src = flow_addr(by, f, true), *const dst = flow_addr(by, f, false);
    uint8_t has = 0;
    uint16_t port;
    if (src) {
        memcpy(t->src, src, sizeof t->src);
        has |= CLV_FLOW_SRC;
    }
    if (dst) {
        memcpy(t->dst, dst, sizeof t->dst);
        has |= CLV_FLOW_DST;
    }
    if (src || dst)
        t->family = f->key.family;
    if (flow_port(by, f, true, &port)) {
        t->sport = port;
        has |= CLV_FLOW_SPORT;
    }
    if (flow_port(by, f, false, &port)) {
        t->dport = port;
        has |= CLV_FLOW_DPORT;
    }
    if (flow_has_ports(&f->key))
        t->flags |= CLV_TUPLE_PORTS;
    if (flow_has_proto(&f->key) && !flow_is_other(&f->key)) {
        t->proto = f->key.proto;
        has |= CLV_FLOW_PROTO;
    }
    return has;
}

static bool show(void *self, const struct findings *all, const struct manifest_entry *e,
                 struct clv_error *err)
{
    const struct flows *flows = self;
    const struct manifest *const m = all->manifest;
    const struct flow *const f = e->f;
    const struct clv_flow_row row = {.m = m, .e = e};
    const bool other = flow_is_other(&f->key), timed = f->first_ns <= f->last_ns;
    struct clv_flow flow = {
        .name = e->name,
        .number = other ? 0 : e->head->n,
        .output = other ? 0 : f->n,
        .part = e->cut ? e->cut->part : 0,
        .shard = f->key.has & FLOW_HAS_SHARD ? flow_shard_of(&f->key) : CLV_NO_SHARD,
        .input = flows->input,
        .src = sent_by(f, true),
        .dst = sent_by(f, false),
        .first_ns = timed ? f->first_ns : CLV_NO_TIME,
        .last_ns = timed ? f->last_ns : CLV_NO_TIME,
        .linktype = e->linktype,
        .row = &row,
    };
    if (e->outer)
        flow.outer = *e->outer;
    if (!m->shards) {
        flow.has = tuple_of(m->by, f, &flow.tuple);
        static_assert((int)CLV_INITIATOR_BY_LOOKUP == (int)INITIATOR_LOOKUP, "the same numbers");
        bool from_src;
        flow.initiator_by = (uint8_t)manifest_initiator(m, f, &from_src);
        if (flow.initiator_by)
            flow.initiator = from_src ? CLV_INITIATOR_SRC : CLV_INITIATOR_DST;
    }
    return flows->on_flow(&flow, flows->user) ||
           clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
}

struct observer observe_flows(struct flows *f)
{
    return (struct observer){.self = f, .row = show};
}

size_t clv_flow_column(const struct clv_flow *flow, const char *column, char *buf, size_t len)
{
    struct text out = text_on(buf, len);
    manifest_value(flow->row->m, flow->row->e, column, &out);
    return text_whole(&out);
}

const char *clv_flow_column_name(const struct clv_flow *flow, unsigned i)
{
    return i < flow->row->m->n_columns ? flow->row->m->columns[i]->name : NULL;
}
