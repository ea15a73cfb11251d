/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/join.h"

#include "base/mem.h"

/* A fragment is known by its batch, its piece, and its place among the piece's fragments. */
enum {
    PLACE_BITS = 20, /* a piece has at most PIECE / 12 records */
    PLACE_MASK = (1 << PLACE_BITS) - 1,
};
static_assert(PIECE / NG_BLOCK_MIN < PLACE_MASK && PIECES_MAX <= 1 << (32 - PLACE_BITS),
              "a fragment's number fits into 32 bits");

static void mark_disordered(struct join *j, struct scan_piece *piece)
{
    if (piece->disordered)
        return;
    struct scan_piece **more = mem_reserve(j->disordered, &j->disordered_cap, j->n_disordered + 1,
                                           sizeof(struct scan_piece *));
    if (!more) {
        j->no_memory = true;
        return;
    }
    j->disordered = more;
    more[j->n_disordered++] = piece;
}

static void settle(void *user, void *owner, uint32_t number, const struct flow_origin *origin)
{
    struct join *j = user;
    struct batch *b = owner;
    struct scan_piece *piece = &b->pieces[number >> PLACE_BITS];
    const struct scan_fragment *f = &piece->fragments[number & PLACE_MASK];
    b->join_waiting--;
    j->orphans += !origin;
    struct flow_origin own = origin ? *origin : f->origin;
    own.iface = f->origin.iface;
    if (j->scan->select && !select_origin(j->scan->select, &own)) {
        j->filtered++;
        mark_disordered(j, piece);
        j->filtered_copies += scan_piece_drop(piece, f->item) - 1;
        return;
    }
    const bool follows = origin && flow_by_ports(&j->scan->by);
    if (!follows && !(j->scan->by.fields & FLOW_BY_HOST))
        return;
    mark_disordered(j, piece);
    j->filtered_copies +=
        scan_piece_set_origin(piece, j->scan, f->item, follows ? &own : &f->origin);
}

static bool take_piece(struct plan *pl, struct batch *b, unsigned number)
{
    struct join *j = &pl->join;
    const struct scan_piece *piece = &b->pieces[number];
    const uint32_t file = (uint32_t)(b->view->source - pl->params->sources);
    for (uint32_t i = 0; i < piece->n_fragments; i++) {
        const struct scan_fragment *f = &piece->fragments[i];
        const struct scan_item *item = &piece->items[f->item];
        const struct fragment fragment = {
            .f = &f->f,
            .origin = &f->origin,
            .ts_ns = item->ts_ns,
            .position = b->view->position + item->offset,
            .file = file,
            .owner = b,
            .number = number << PLACE_BITS | i,
        };
        fragments_advance(j->fragments, fragment.position, file);
        b->join_waiting += f->f.offset != 0; /* until it is settled */
        if (!fragments_take(j->fragments, &fragment))
            return false;
    }
    return true;
}

bool join_batch(struct plan *pl, struct batch *b, struct clv_error *err)
{
    struct join *j = &pl->join;
    j->scan = &pl->scan;
    if (!j->fragments && !(j->fragments = fragments_create(settle, j, pl->scan.by.secret)))
        goto nomem;
    if (b) {
        const struct scan_piece *last = &b->pieces[b->n_pieces - 1];
        const uint32_t file = (uint32_t)(b->view->source - pl->params->sources);
        b->join_waiting = 0;
        for (unsigned i = 0; i < b->n_pieces; i++)
            if (!take_piece(pl, b, i))
                goto nomem;
        fragments_advance(j->fragments, b->view->position + last->limit, file);
    } else {
        fragments_end(j->fragments);
    }
    for (size_t i = 0; i < j->n_disordered; i++)
        if (!scan_piece_reorder(j->disordered[i], &pl->scan))
            goto nomem;
    j->n_disordered = 0;
    if (!j->no_memory)
        return true;
nomem:
    return clv_fail_nomem(err, "fragments", sizeof(struct scan_fragment));
}

void join_fini(struct join *j)
{
    fragments_destroy(&j->fragments);
    mem_free(j->disordered);
}
