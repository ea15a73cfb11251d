/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/learned.h"

#include <stdlib.h>

struct learned_flow {
    struct flow_key key;
    struct flow_extra extra;
    uint64_t bytes;
    uint32_t n; /* in order of appearance */
};

bool learned_collect(struct learned *c, const struct flow_table *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        const struct flow *f = flow_table_at(t, i);
        const uint64_t packets = f->sum[0].packets + f->sum[1].packets;
        const uint64_t bytes = f->sum[0].captured + f->sum[1].captured;
        if (flow_is_other(&f->key) || packets < c->min_packets || bytes < c->min_bytes)
            continue;
        struct learned_flow *all = mem_reserve(c->all, &c->cap, c->n + 1, sizeof *all);
        if (!all)
            return false;
        c->all = all;
        const struct flow_extra *extra = flow_table_beside_if(t, f, FLOW_BESIDE_EXTRA);
        all[c->n] = (struct learned_flow){.key = f->key, .bytes = bytes, .n = f->n};
        if (extra)
            all[c->n].extra = *extra;
        c->n++;
    }
    return true;
}

/* The largest first, then the one that came first. */
static int by_size(const void *x, const void *y)
{
    const struct learned_flow *a = x, *b = y;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return (a->n > b->n) - (a->n < b->n);
}

bool learned_settle(struct learned *c, const struct flow_by *by)
{
    if (!flow_table_init(&c->flows))
        return false;
    if (by->any_key)
        flow_table_keep(&c->flows, FLOW_BESIDE_EXTRA, sizeof(struct flow_extra));
    if (c->top && c->n > c->top) {
        qsort(c->all, c->n, sizeof *c->all, by_size);
        c->n = c->top;
    }
    for (size_t i = 0; i < c->n; i++) {
        const struct learned_flow *o = &c->all[i];
        const struct flow_extra *extra = by->any_key ? &o->extra : NULL;
        const uint64_t hash = extra ? flow_anykey_hash(&o->key, extra, by->secret)
                                    : flow_key_hash_slowly(&o->key, by->secret);
        if (flow_table_add(&c->flows, &o->key, extra, hash) == FLOW_NONE)
            return false;
    }
    mem_free(c->all);
    c->all = NULL;
    c->n = c->cap = 0;
    return true;
}

void learned_fini(struct learned *c)
{
    if (c->flows.slots)
        flow_table_fini(&c->flows);
    mem_free(c->all);
    c->all = NULL;
}
