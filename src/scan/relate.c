/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/relate.h"

static uint32_t find_quoted(void *user, const struct clv_tuple *t, const struct decode_fragment *f,
                            int64_t *ns);

bool relate_init(struct relate *r, struct relations *learns, struct spill *spill)
{
    const struct scan_settings *const scan = r->scan;
    if (!flow_table_init(&r->flows))
        return false;
    r->made = true;
    r->outputs = *scan;
    r->outputs.shards = r->plan->shards;
    r->flows.spill = spill;
    if (scan->by.any_key)
        flow_table_keep(&r->flows, FLOW_BESIDE_EXTRA, sizeof(struct flow_extra));
    if (flow_cuts_any(r->cuts))
        flow_table_keep(&r->flows, FLOW_BESIDE_CUT, sizeof(struct flow_cut));
    flow_table_keep(&r->flows, FLOW_BESIDE_WATCH, sizeof(struct watch));
    relations_init(&r->own, spill);
    r->relations = learns ? learns : &r->own;
    announcer_init(&r->announcer, spill);
    expects_init(&r->datagrams, spill);
    r->announcer.relations = r->relations;
    r->announcer.secret = scan->by.secret;
    r->announcer.kinds = r->plan->kinds;
    r->announcer.dns_window_ns = r->plan->dns_window_ns;
    r->announcer.http_window_ns = r->plan->http_window_ns;
    r->watcher = (struct watcher){.announcer = &r->announcer, .quoted = find_quoted, .user = r};
    r->relations->keeps_keys = r->plan->groups && !r->known;
    return true;
}

void relate_fini(struct relate *r)
{
    if (!r->made)
        return;
    watcher_fini(&r->watcher);
    announcer_fini(&r->announcer);
    expects_fini(&r->datagrams);
    relations_fini(&r->own);
    flow_table_fini(&r->flows);
    r->made = false;
}

/* What a tuple was before it became the item's key. */
static struct clv_tuple tuple_of(const struct scan_item *item)
{
    const struct flow_key *k = &item->id.key;
    struct clv_tuple t = {
        .sport = item->dir ? k->b_port : k->a_port,
        .dport = item->dir ? k->a_port : k->b_port,
        .proto = k->proto,
        .family = k->family,
        .flags = k->has & FLOW_HAS_PORTS,
        .tcp_flags = item->tcp_flags,
    };
    memcpy(t.src, item->dir ? k->b : k->a, sizeof t.src);
    memcpy(t.dst, item->dir ? k->a : k->b, sizeof t.dst);
    return t;
}

/* What keeps networks with the same addresses apart; link addresses do not. */
static uint64_t scope_of(const struct relate *r, const struct flow_extra *extra)
{
    if (!extra)
        return 0;
    struct flow_extra scope = *extra;
    memset(scope.a_mac, 0, sizeof scope.a_mac);
    memset(scope.b_mac, 0, sizeof scope.b_mac);
    scope.has_mac = scope.direction = 0;
    return secret_hash(r->scan->by.secret, &scope, sizeof scope);
}

static const struct flow_extra *extra_of(const struct relate *r)
{
    return r->scan->by.any_key ? &r->piece->extra[r->item] : NULL;
}

static struct keyed_hash datagram_key(const struct relate *r, const struct decode_fragment *f)
{
    struct {
        uint64_t scope;
        uint8_t src[16], dst[16];
        uint32_t id;
        uint8_t proto, family, zero[2];
    } k = {.scope = scope_of(r, extra_of(r)), .id = f->id, .proto = f->proto, .family = f->family};
    static_assert(sizeof k == 48, "hashed as bytes: no padding");
    memcpy(k.src, f->src, sizeof k.src);
    memcpy(k.dst, f->dst, sizeof k.dst);
    return secret_hash128(r->scan->by.secret, &k, sizeof k);
}

/* The flow of a packet that the record at hand quotes. */
static uint32_t find_quoted(void *user, const struct clv_tuple *t, const struct decode_fragment *f,
                            int64_t *ns)
{
    const struct relate *r = user;
    const struct scan_settings *const scan = r->scan;
    const struct scan_item *item = &r->piece->items[r->item];
    struct flow_extra extra;
    union flow_id id = {.tuple = *t};
    uint64_t hash;
    if (t->flags & CLV_TUPLE_FRAGMENT) {
        const struct expect *x = expects_find(&r->datagrams, datagram_key(r, f));
        *ns = x ? x->ts_ns : 0;
        return x ? x->flow : 0;
    }
    if (scan->by.any_key) {
        const struct flow_extra *own = &r->piece->extra[r->item];
        const struct flow_origin o = {
            .tuple = *t, .path = r->path, .iface = own->iface ? own->iface - 1 : 0};
        (void)flow_anykey_settle(&scan->by, &o, FLOW_SIDE_SOURCE, &id.key, &extra);
        id.key.kind = item->id.key.kind;
        hash = flow_anykey_hash(&id.key, &extra, scan->by.secret);
    } else {
        (void)flow_key_settle(&id, &scan->by);
        id.key.kind = item->id.key.kind;
        hash = flow_key_hash_slowly(&id.key, scan->by.secret);
    }
    const uint32_t i = flow_table_find(&r->flows, &id.key, scan->by.any_key ? &extra : NULL, hash);
    if (i == FLOW_NONE)
        return 0;
    *ns = flow_table_at(&r->flows, i)->last_ns;
    return flow_table_at(&r->flows, i)->n;
}

static struct watch *watch_of(const struct relate *r, struct flow *f)
{
    return flow_table_beside_rw(&r->flows, f, FLOW_BESIDE_WATCH);
}

static struct sighting sighting_of(const struct relate *r, const struct flow *f,
                                   const struct clv_tuple *t)
{
    return (struct sighting){
        .flow = f->n,
        .t = t,
        .scope = scope_of(r, extra_of(r)),
        .ts_ns = r->piece->items[r->item].ts_ns,
    };
}

/*
 * before: the flow of the same key that ended with it; NULL: there was none. Who looked up the
 * other end of it has done so for this one, too.
 */
static bool begin(struct relate *r, struct flow *f, const struct flow *before)
{
    const struct scan_item *item = &r->piece->items[r->item];
    const struct clv_tuple t = tuple_of(item);
    f->n = r->relations->n + 1;
    f->reversed = item->dir;
    const struct sighting s = sighting_of(r, f, &t);
    if (!announce_begin(&r->announcer, &s))
        return false;
    struct relation_row *const row = relations_row(r->relations, f->n);
    if (row->client && item->dir)
        row->client = (RELATION_CLIENT_A + RELATION_CLIENT_B - row->client) & 3;
    if (before && !row->client)
        row->client = relations_row(r->relations, before->n)->client;
    if (r->relations->keeps_keys) {
        struct relation_key *k = relations_key(r->relations, f->n);
        k->key = f->key;
        k->extra = *extra_of(r);
        k->reversed = f->reversed;
    }
    return true;
}

/* The flow of the item, which may begin with it. NULL: no memory. */
static struct flow *flow_of(struct relate *r, struct flow *candidate)
{
    const struct scan_item *item = &r->piece->items[r->item];
    const struct flow_extra *extra = extra_of(r);
    struct flow *f = candidate, *ended = NULL;
    bool begins = false;
    if (!f || !flow_table_is(&r->flows, f, &item->id.key, extra)) {
        uint32_t i = flow_table_find(&r->flows, &item->id.key, extra, item->hash);
        begins = i == FLOW_NONE;
        if (begins)
            i = flow_table_add(&r->flows, &item->id.key, extra, item->hash);
        f = i == FLOW_NONE ? NULL : flow_table_at(&r->flows, i);
    }
    if (f && flow_cuts_any(r->cuts)) {
        const struct flow_step step = scan_piece_step(r->piece, r->item, r->cuts, r->record_header);
        f = flow_table_cut(&r->flows, r->cuts, f, item->hash, &step, &ended);
    }
    if (ended)
        watch_forget(&r->watcher, watch_of(r, ended));
    return f && (begins || ended) && !begin(r, f, ended) ? NULL : f;
}

/* Looks at the record's payload. */
static bool look(struct relate *r, struct flow *f, uint32_t *lookup, struct clv_error *err)
{
    const struct scan_settings *const scan = r->scan;
    const struct scan_item *item = &r->piece->items[r->item];
    struct walk_record rec;
    struct clv_tuple t = {0};
    struct decode_place place = {.network = NULL};
    r->path = (struct decode_path){.n_vlans = 0};
    struct decode d = {.t = &t,
                       .inner = true,
                       .closed = !scan->inner,
                       .ports = scan->ports,
                       .path = &r->path,
                       .place = &place};
    if (!form_reread(&r->round, item->offset, &r->cursor, &rec))
        return clv_fail(err, CLV_ERR_IO, "the input", "changed while it was read");
    decode_fn *fn = decode_function(scan->dialect->kinds[item->kind].linktype);
    if (fn == decode_ethernet)
        fn = decode_ethernet_asked;
    if (!fn(rec.data, rec.caplen, &d) || !place.transport || t.flags & CLV_TUPLE_FRAGMENT)
        return true;
    const struct sighting s = sighting_of(r, f, &t);
    return watch_record(&r->watcher, watch_of(r, f), &s, item->dir, &place, lookup) ||
           clv_fail_nomem(err, "what payloads say", sizeof(struct dialog));
}

/* The record gets the key of its group. */
static void regroup(struct relate *r, struct scan_piece *piece, const struct flow *f,
                    uint32_t lookup)
{
    struct scan_item *item = &piece->items[r->item];
    const struct relation_row *row = relations_row(r->known, f->n);
    uint32_t root = row->root, root_lookup = row->root_lookup;
    if (row->first_lookup &&
        !r->plan->by_names) { /* not the flow, but each lookup led to something */
        struct watch *watch = watch_of(r, flow_table_at(&r->flows, f->index));
        watch->lookup = lookup ? lookup : watch->lookup ? watch->lookup : row->first_lookup;
        root_lookup = watch->lookup;
        root = relations_lookup(r->known, root_lookup)->flow;
    }
    const struct relation_key *k = relations_key(r->known, root);
    const bool forth = item->dir == f->reversed;
    const uint8_t kind = item->id.key.kind;
    item->id.key = k->key;
    item->id.key.kind = kind;
    item->dir = forth ? k->reversed : !k->reversed;
    piece->extra[r->item] = k->extra;
    piece->extra[r->item].group = root;
    piece->extra[r->item].lookup = root_lookup;
    scan_piece_settle(piece, &r->outputs, r->item);
}

/* Errors may quote the datagram's later fragments. */
static bool note_fragment(struct relate *r, const struct flow *f, const struct decode_fragment *of,
                          struct clv_error *err)
{
    struct expect *x = of->offset ? NULL : expects_add(&r->datagrams, datagram_key(r, of));
    if (!x)
        return of->offset || clv_fail_nomem(err, "fragments", sizeof *x);
    x->flow = f->n;
    x->ts_ns = r->piece->items[r->item].ts_ns;
    x->used = true;
    return true;
}

/* fragment: what the record says of itself if it is one; else NULL. */
static bool take(struct relate *r, struct scan_piece *piece, struct flow *candidate,
                 const struct scan_fragment *fragment, struct clv_error *err)
{
    const struct scan_item *item = &piece->items[r->item];
    uint32_t lookup = 0;
    struct flow *f = flow_of(r, candidate);
    if (!f)
        return clv_fail_nomem(err, "relations of flows", sizeof *f);
    if (fragment && !note_fragment(r, f, &fragment->f, err))
        return false;
    /* Names are known from the first reading; which lookup a message is of is not kept. */
    const bool looks = !(r->known && r->plan->by_names) && watch_of(r, f)->state != WATCH_OVER;
    if (looks && !look(r, f, &lookup, err))
        return false;
    if (item->ts_ns != WALK_NO_TIME)
        f->last_ns = item->ts_ns;
    if (r->known)
        regroup(r, piece, f, lookup);
    return true;
}

/*
 * As partition_find() has it: slots and entries are asked for some items ahead, so that waits for
 * memory overlap.
 */
static bool take_piece(struct relate *r, struct scan_piece *piece, struct clv_error *err)
{
    enum { SLOT_AHEAD = 16, ENTRY_AHEAD = 8, RING = 8 };
    const struct scan_item *items = piece->items;
    const bool may_drop = scan_asks(r->scan);
    struct flow *ring[RING] = {NULL};
    const struct scan_fragment *fragment = piece->fragments;
    const struct scan_fragment *const end = fragment ? fragment + piece->n_fragments : NULL;
    r->piece = piece;
    for (size_t i = 0; i < piece->n_items && i < ENTRY_AHEAD; i++)
        ring[i % RING] = flow_table_candidate(&r->flows, items[i].hash);
    for (size_t i = 0; i < piece->n_items; i++) {
        struct flow *const candidate = ring[i % RING];
        if (i + SLOT_AHEAD < piece->n_items)
            flow_table_prefetch_slot(&r->flows, items[i + SLOT_AHEAD].hash);
        if (i + ENTRY_AHEAD < piece->n_items)
            ring[i % RING] = flow_table_candidate(&r->flows, items[i + ENTRY_AHEAD].hash);
        r->item = (uint32_t)i;
        while (fragment != end && fragment->item < i)
            fragment++;
        if (flow_is_other(&items[i].id.key) || (may_drop && items[i].dropped))
            continue;
        if (!take(r, piece, candidate, fragment != end && fragment->item == i ? fragment : NULL,
                  err))
            return false;
    }
    return !r->known || piece->n_items == 0 || scan_piece_reorder(piece, r->scan) ||
           clv_fail_nomem(err, "relations of flows", piece->n_items);
}

static bool run(void *self, struct batch *b, struct clv_error *err)
{
    struct relate *r = self;
    if (!b)
        return true;
    const struct view *v = b->view;
    r->cursor = (struct form_cursor){.until = 0};
    r->round = (struct form_round){
        .base = v->w.p,
        .avail = view_avail(v),
        .position = v->position,
        .source = {.dialect = r->scan->dialect,
                   .format = &v->source->format,
                   .n_entries = ledger_count(r->scan->ledger)},
    };
    for (unsigned i = 0; i < b->n_pieces; i++)
        if (!take_piece(r, &b->pieces[i], err))
            return false;
    r->relations->forgotten = r->announcer.expects.forgotten;
    r->relations->unwatched = r->watcher.given_up;
    r->relations->broken_messages = r->watcher.broken;
    return true;
}

bool relate_settle(const struct relate *r, struct clv_error *err)
{
    if (!r->made || r->known)
        return true;
    if (r->plan->by_names)
        return relations_settle_names(r->relations, r->scan->by.secret) ||
               clv_fail_nomem(err, "names of flows", r->relations->n);
    relations_settle(r->relations);
    return true;
}

struct pass relate_pass(struct relate *r)
{
    return (struct pass){.self = r, .needs = pass_has_items, .run = run};
}
