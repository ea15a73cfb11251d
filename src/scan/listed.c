/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/listed.h"

static bool settle(struct listed *l, struct scan_piece *piece, struct clv_error *err)
{
    for (size_t i = 0; i < piece->more.n; i++)
        flowlist_meet(l->scan->list, piece->more.rows[i]);
    for (size_t i = 0; i < piece->n_unlisted; i++) {
        l->counts.filtered++;
        l->counts.copies += scan_piece_drop(piece, piece->unlisted[i]) - 1;
    }
    return !piece->n_unlisted || scan_piece_reorder(piece, l->scan) ||
           clv_fail_nomem(err, "the list of flows", piece->n_items);
}

static bool run(void *self, struct batch *b, struct clv_error *err)
{
    for (unsigned i = 0; b && i < b->n_pieces; i++)
        if (!settle(self, &b->pieces[i], err))
            return false;
    return true;
}

static uint64_t settled(void *self)
{
    struct listed *l = self;
    l->seen = l->counts;
    return 0;
}

struct pass listed_pass(struct listed *l)
{
    return (struct pass){.self = l, .needs = pass_has_items, .run = run, .settled = settled};
}
