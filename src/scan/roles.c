/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/roles.h"

/* The item's flow, which is as old as its first record. NULL: no memory. */
static const struct flow *flow_of(struct roles *r, const struct scan_settings *plan,
                                  const struct scan_item *item, const struct flow_origin *o)
{
    struct flow_key key = item->id.key;
    key.kind = 0; /* a client stays one on any link */
    const uint64_t hash = flow_key_hash_slowly(&key, plan->by.secret);
    uint32_t i = flow_table_find(&r->flows, &key, NULL, hash);
    if (i == FLOW_NONE) {
        i = flow_table_add(&r->flows, &key, NULL, hash);
        if (i == FLOW_NONE)
            return NULL;
        flow_table_at(&r->flows, i)->reversed = flow_source_is_client(&o->tuple) == item->dir;
    }
    return flow_table_at(&r->flows, i);
}

static bool settle(struct roles *r, const struct scan_settings *plan, struct scan_piece *piece,
                   struct clv_error *err)
{
    if (piece->n_items == 0)
        return true; /* it may never have been scanned */
    if (!r->made && !(r->made = flow_table_init(&r->flows)))
        return clv_fail_nomem(err, "roles", sizeof *r);
    for (uint32_t i = 0; i < piece->n_items; i++) {
        const struct scan_item *item = &piece->items[i];
        if (item->dropped)
            continue; /* who began a flow is told by the records that were chosen */
        if (flow_is_other(&item->id.key)) {
            piece->extra[i] = (struct flow_extra){0};
            continue;
        }
        const struct flow *f = flow_of(r, plan, item, &piece->origins[i]);
        if (!f)
            return clv_fail_nomem(err, "roles", sizeof *f);
        scan_piece_set_side(piece, plan, i,
                            item->dir == f->reversed ? FLOW_SIDE_SOURCE : FLOW_SIDE_DESTINATION);
    }
    return scan_piece_reorder(piece, plan) || clv_fail_nomem(err, "roles", piece->n_items);
}

static bool run(void *self, struct batch *b, struct clv_error *err)
{
    struct roles *r = self;
    for (unsigned i = 0; b && i < b->n_pieces; i++)
        if (!settle(r, r->scan, &b->pieces[i], err))
            return false;
    return true;
}

static bool needs(const void *self, const struct batch *b)
{
    (void)b;
    return ((const struct roles *)self)->scan->by.fields & FLOW_BY_ROLES;
}

struct pass roles_pass(struct roles *r)
{
    return (struct pass){.self = r, .needs = needs, .run = run};
}

void roles_fini(struct roles *r)
{
    if (r->made)
        flow_table_fini(&r->flows);
    r->made = false;
}
