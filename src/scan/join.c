/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/join.h"

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

static void leave_out(struct join *j, struct scan_piece *piece, uint32_t item)
{
    j->counts.filtered++;
    mark_disordered(j, piece);
    j->counts.filtered_copies += scan_piece_drop(piece, item) - 1;
}

static void settle(void *user, void *owner, uint32_t number, const struct flow_origin *origin)
{
    struct join *j = user;
    struct batch *b = owner;
    struct scan_piece *piece = &b->pieces[number >> PLACE_BITS];
    const struct scan_fragment *f = &piece->fragments[number & PLACE_MASK];
    b->owed--;
    j->counts.orphans += !origin;
    struct flow_origin own = origin ? *origin : f->origin;
    own.iface = f->origin.iface;
    if (!own.path.has_mac && !own.path.has_bssid) {
        const struct decode_path *const path = &f->origin.path;
        memcpy(own.path.src_mac, path->src_mac, sizeof own.path.src_mac);
        memcpy(own.path.dst_mac, path->dst_mac, sizeof own.path.dst_mac);
        memcpy(own.path.bssid, path->bssid, sizeof own.path.bssid);
        own.path.has_mac = path->has_mac;
        own.path.has_bssid = path->has_bssid;
    }
    if (j->scan->filter && !filter_origin(j->scan->filter, &own)) {
        leave_out(j, piece, f->item);
        return;
    }
    struct flow_origin alone = f->origin;
    if (j->scan->list) {
        const int64_t ts_ns = piece->items[f->item].ts_ns;
        const bool listed = scan_list(piece, j->scan, &own, NULL, ts_ns);
        j->no_memory |= piece->more.no_memory;
        alone.label = own.label;
        if (!listed) {
            leave_out(j, piece, f->item);
            return;
        }
    }
    const bool labelled = j->scan->by.fields & FLOW_BY_LABEL;
    const bool follows = origin && flow_by_ports(&j->scan->by);
    if (!follows && !labelled && !(j->scan->by.fields & FLOW_BY_HOST))
        return;
    mark_disordered(j, piece);
    j->counts.filtered_copies +=
        scan_piece_set_origin(piece, j->scan, f->item, follows ? &own : &alone);
}

static bool take_piece(struct join *j, struct batch *b, unsigned number, uint32_t file)
{
    const struct scan_piece *piece = &b->pieces[number];
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
        b->owed += f->f.offset != 0; /* until it is settled */
        if (!fragments_take(j->fragments, &fragment))
            return false;
    }
    return true;
}

static bool run(void *self, struct batch *b, struct clv_error *err)
{
    struct join *j = self;
    if (!j->fragments && !(j->fragments = fragments_create(settle, j, j->scan->by.secret)))
        goto nomem;
    if (b) {
        const struct scan_piece *last = &b->pieces[b->n_pieces - 1];
        const uint32_t file = (uint32_t)(b->view->source - j->sources);
        for (unsigned i = 0; i < b->n_pieces; i++)
            if (!take_piece(j, b, i, file))
                goto nomem;
        fragments_advance(j->fragments, b->view->position + last->limit, file);
    } else {
        fragments_end(j->fragments);
    }
    for (size_t i = 0; i < j->n_disordered; i++)
        if (!scan_piece_reorder(j->disordered[i], j->scan))
            goto nomem;
    j->n_disordered = 0;
    if (!j->no_memory)
        return true;
nomem:
    return clv_fail_nomem(err, "fragments", sizeof(struct scan_fragment));
}

static bool needs(const void *self, const struct batch *b)
{
    (void)self;
    for (unsigned i = 0; i < b->n_pieces; i++)
        if (b->pieces[i].n_fragments)
            return true;
    return false;
}

static uint64_t settled(void *self)
{
    struct join *j = self;
    j->counts.overflow = fragments_overflow(j->fragments);
    j->seen = j->counts;
    return fragments_waiting(j->fragments);
}

struct pass join_pass(struct join *j)
{
    return (struct pass){.self = j, .needs = needs, .run = run, .settled = settled};
}

void join_fini(struct join *j)
{
    fragments_destroy(&j->fragments);
    mem_free(j->disordered);
}
