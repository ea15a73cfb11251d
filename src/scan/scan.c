/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/scan.h"

#include "base/mem.h"
#include "cleave/packet.h"
#include "cleave/time.h"
#include "decode/ipv4.h"
#include "scan/dedup.h"

void scan_piece_fini(struct scan_piece *piece)
{
    mem_free(piece->items);
    mem_free(piece->extra);
    mem_free(piece->origins);
    mem_free(piece->tcp);
    mem_free(piece->digests);
    mem_free(piece->unlisted);
    mem_free(piece->more.rows);
    mem_free(piece->fragments);
    mem_free(piece->order);
    mem_free(piece->bounds);
    proof_sum_fini(&piece->walked);
    *piece = (struct scan_piece){0};
}

void scan_counts_add(struct scan_counts *sum, const struct scan_counts *more)
{
    /* All members are counts of 64 bits. */
    enum { N = sizeof *sum / sizeof(uint64_t) };
    uint64_t to[N], from[N];
    memcpy(to, sum, sizeof to);
    memcpy(from, more, sizeof from);
    for (unsigned i = 0; i < N; i++)
        to[i] += from[i];
    memcpy(sum, to, sizeof to);
}

/* What one interface's records have in common, so that a record costs no lookup. */
struct lens {
    uint32_t iface;
    decode_fn *decode;
    uint8_t kind;     /* of output */
    uint8_t key_kind; /* as far as it is part of the key */
    bool big_endian;
    bool rounds; /* times can be finer than the outputs' */
    uint8_t unread;
    uint64_t units;
    uint64_t others; /* counted before its first record */
    /* pcapng: what the outputs hold without a second look. */
    uint64_t ts_end;  /* nanoseconds; times before 1970 are looked at, too */
    uint32_t longest; /* bytes of packet */
};

#define PCAP_TIME_END (UINT64_C(1000000000) << 32)

/* Ends a look through the lens: all its records are `other` where its link type is not known. */
static inline void look_away(const struct lens *lens, struct scan_counts *counts)
{
    if (lens->unread)
        counts->unread[lens->unread - 1] += counts->other - lens->others;
}

static CLV_COLD void look_at(struct lens *lens, const struct scan_settings *plan, uint32_t iface,
                             bool big_endian, uint64_t others)
{
    const struct ledger_iface *i = ledger_iface(plan->ledger, iface);
    decode_fn *const fn = decode_function(i->linktype);
    const bool pcap = plan->dialect->form == DIALECT_PCAP;
    const uint32_t longest = walk_caplen_max(i->linktype);
    *lens = (struct lens){
        .iface = iface,
        .decode = fn == decode_ethernet && scan_asks(plan) ? decode_ethernet_asked : fn,
        .kind = i->link,
        .key_kind = pcap ? i->link : 0,
        .big_endian = big_endian,
        .rounds = pcap && i->units && 1000000000 % i->units != 0,
        .units = i->units,
        .ts_end = pcap ? PCAP_TIME_END : INT64_MAX,
        .longest = pcap && dialect_cut(plan->dialect, UINT32_MAX) > longest ? longest : UINT32_MAX,
        .unread = i->unread,
        .others = others,
    };
}

/* How much is asked of a record. */
enum asked {
    ASKED_NOTHING, /* beyond the tuple's key */
    ASKED_MORE,
    ASKED_ANY_KEY,
};

static enum asked asked_of(const struct scan_settings *plan)
{
    return plan->by.any_key ? ASKED_ANY_KEY : scan_asks(plan) ? ASKED_MORE : ASKED_NOTHING;
}

/*
 * A record becomes an item where it stands. false: it is dropped.
 */
CLV_INLINE bool take(const struct flow_by *by, bool drop_other, const struct lens *lens,
                     const struct walk_record *rec, size_t at, struct decode *d,
                     struct scan_item *item, struct scan_counts *counts)
{
    item->offset = (uint32_t)at;
    struct clv_tuple *t = &item->id.tuple;
    *t = (struct clv_tuple){0};
    d->t = t;
    if (CLV_UNLIKELY(!lens->decode(rec->data, rec->caplen, d))) {
        *t = (struct clv_tuple){0};
        counts->other++;
        if (drop_other)
            return false;
    }
    if (CLV_UNLIKELY(t->flags & (CLV_TUPLE_FRAGMENT | CLV_TUPLE_SHORT))) {
        counts->fragments += (t->flags & CLV_TUPLE_FRAGMENT) != 0;
        counts->cut_short += (t->flags & CLV_TUPLE_SHORT) != 0;
    }
    item->tcp_flags = t->tcp_flags;
    item->dir = (uint8_t)flow_key_settle(&item->id, by);
    item->id.key.kind = lens->key_kind;
    item->kind = lens->kind;
    item->hash = flow_key_hash(&item->id.key, by->secret);
    item->ts_ns = rec->ts_ns;
    item->raw_len = rec->raw_len;
    item->caplen = rec->caplen;
    item->origlen = rec->origlen;
    return true;
}

/*
 * An item has its flow's key: here it gets that of its output, and the hash. Flows share a shard's,
 * and those that were not chosen the one of `other`. extra: what the key has beside it, or NULL.
 */
CLV_INLINE void settle_output(struct scan_item *item, struct flow_extra *extra,
                              const struct scan_settings *plan)
{
    struct flow_key *const key = &item->id.key;
    struct flow_extra none = {.iface = 0}, *const rest = extra ? extra : &none;
    const struct secret *const secret = plan->by.secret;
    const uint8_t kind = key->kind;
    if (plan->shards && !flow_is_other(key)) {
        flow_shard_key(key, rest, flow_shard(key, rest, plan->shards));
        key->kind = kind;
    }
    item->hash = extra ? flow_anykey_hash(key, extra, secret) : flow_key_hash(key, secret);
    item->small =
        plan->chosen && !flow_is_other(key) && !learned_has(plan->chosen, key, extra, item->hash);
    if (!item->small)
        return;
    /* As a record without a network address has it. */
    item->id = (union flow_id){.key = {.family = 0}};
    item->id.words.tail = extra ? 0 : plan->by.set.words.tail;
    key->kind = kind;
    *rest = (struct flow_extra){.iface = 0};
    item->dir = 0;
    item->hash = extra ? flow_anykey_hash(key, extra, secret) : flow_key_hash(key, secret);
}

/* An item's key of any fields of its record. */
static void settle_any(struct scan_piece *piece, const struct scan_settings *plan, size_t i,
                       const struct flow_origin *o, enum flow_side side)
{
    struct scan_item *item = &piece->items[i];
    struct flow_key key;
    item->dir = (uint8_t)flow_anykey_settle(&plan->by, o, side, &key, &piece->extra[i]);
    key.kind = item->id.key.kind;
    item->id.key = key;
    settle_output(item, &piece->extra[i], plan);
}

/* An item's key of its tuple alone. */
CLV_INLINE void settle_tuple(struct scan_item *item, const struct flow_by *by,
                             const struct clv_tuple *tuple)
{
    const uint8_t kind = item->id.key.kind;
    item->id.tuple = *tuple;
    item->dir = (uint8_t)flow_key_settle(&item->id, by);
    item->id.key.kind = kind;
}

/* The two hosts of the record of item i are one. */
static bool same_flow(const struct scan_piece *piece, size_t i)
{
    return flow_key_equal(&piece->items[i].id.key, &piece->items[i + 1].id.key) &&
           memcmp(&piece->extra[i], &piece->extra[i + 1], sizeof *piece->extra) == 0;
}

/* A record's items, from item i on. Returns how many. */
static unsigned settle_record(struct scan_piece *piece, const struct scan_settings *plan, size_t i,
                              const struct flow_origin *o)
{
    if (plan->by.fields & FLOW_BY_ROLES) {
        /* Until somebody knows which end is the client. */
        piece->origins[i] = *o;
        settle_tuple(&piece->items[i], &plan->base, &o->tuple);
        piece->items[i].hash = flow_key_hash_slowly(&piece->items[i].id.key, plan->by.secret);
        return 1;
    }
    settle_any(piece, plan, i, o, FLOW_SIDE_SOURCE);
    if (!(plan->by.fields & FLOW_BY_HOST) || flow_is_other(&piece->items[i].id.key))
        return 1;
    piece->items[i + 1] = piece->items[i];
    settle_any(piece, plan, i + 1, o, FLOW_SIDE_DESTINATION);
    /* A later fragment may turn out to be of others: it is settled once more. */
    const bool waits = plan->joins && (o->tuple.flags & CLV_TUPLE_FRAGMENT);
    return waits || !same_flow(piece, i) ? 2 : 1;
}

uint32_t scan_list(struct scan_piece *piece, const struct scan_settings *plan,
                   struct flow_origin *o, const uint8_t *icmp, int64_t ts_ns)
{
    const bool has_icmp = o->tuple.proto == CLV_PROTO_ICMP || o->tuple.proto == CLV_PROTO_ICMPV6;
    const struct flowlist_ask ask = {
        .tuple = &o->tuple, .icmp = has_icmp ? icmp : NULL, .first_ns = ts_ns, .last_ns = ts_ns};
    if (piece->memo)
        return flowlist_recall(piece->memo, plan->list, &ask, &piece->more, &o->label);
    const uint32_t row = flowlist_match(plan->list, &ask, &piece->more);
    o->label = row ? flowlist_label_of(plan->list, row - 1) : 0;
    return row;
}

/* The record of item i waits for others of its datagram, and is of no row of the list itself. */
static CLV_COLD void note_unlisted(struct scan_piece *piece, size_t i)
{
    uint32_t *more =
        mem_reserve(piece->unlisted, &piece->unlisted_cap, piece->n_unlisted + 1, sizeof *more);
    if (!more) {
        piece->more.no_memory = true;
        return;
    }
    piece->unlisted = more;
    more[piece->n_unlisted++] = (uint32_t)i;
}

/*
 * take() where more is asked than the usual key: of any fields (any_key), or what filter, snaplen,
 * connections, shards and chosen flows want. Returns the number of items.
 */
CLV_INLINE unsigned take_asked(struct scan_piece *piece, const struct scan_settings *plan,
                               const struct lens *lens, const struct walk_record *rec, size_t at,
                               struct decode *d, size_t i, bool any_key, struct scan_counts *counts)
{
    struct flow_origin o = {.iface = lens->iface};
    struct scan_item *item = &piece->items[i];
    struct decode_place place;
    d->t = &o.tuple;
    d->path = any_key || plan->filter || plan->dedup ? &o.path : NULL;
    d->transport = NULL;
    d->inner = plan->inner || plan->dedup || (any_key && (plan->by.fields & FLOW_BY_TUNNEL));
    d->closed = (any_key || plan->dedup) && !plan->inner;
    if (plan->dedup) {
        place = (struct decode_place){.network = NULL};
        d->place = &place;
    }
    counts->records++;
    if (plan->filter && !filter_record(plan->filter, lens->kind, lens->big_endian, rec))
        goto filtered;
    const bool addressed = lens->decode(rec->data, rec->caplen, d);
    if (!addressed)
        o.tuple = (struct clv_tuple){0};
    /* Of a later fragment the first one's tuple decides, when it is there. */
    if (plan->filter && !(o.tuple.flags & CLV_TUPLE_FRAGMENT) && !filter_origin(plan->filter, &o))
        goto filtered;
    bool leaves = false;
    if (plan->list && !(o.tuple.flags & CLV_TUPLE_FRAGMENT)) {
        leaves = !scan_list(piece, plan, &o, d->transport, rec->ts_ns);
        if (leaves && !d->fragment) /* others of the datagram may be wanted: listed.c drops it */
            goto filtered;
    }
    if (!addressed) {
        counts->other += plan->by.needs_network;
        if (plan->drop_other && plan->by.needs_network) {
            counts->dropped_other++;
            return 0;
        }
    }
    counts->fragments += (o.tuple.flags & CLV_TUPLE_FRAGMENT) != 0;
    counts->cut_short += (o.tuple.flags & CLV_TUPLE_SHORT) != 0 && !leaves;
    *item = (struct scan_item){
        .offset = (uint32_t)at,
        .tcp_flags = o.tuple.tcp_flags,
        .kind = lens->kind,
        .ts_ns = rec->ts_ns,
        .raw_len = rec->raw_len,
        .caplen = dialect_cut(plan->dialect, rec->caplen),
        .origlen = rec->origlen,
        .id.key.kind = lens->key_kind,
    };
    if (CLV_UNLIKELY(leaves))
        note_unlisted(piece, i);
    if (plan->dedup)
        piece->digests[i] = dedup_digest(plan->dedup, &plan->by, &o, &place, rec);
    if (plan->by.connections && d->transport && o.tuple.proto == CLV_PROTO_TCP) {
        item->tcp = true;
        piece->tcp[i] = (struct flow_tcp){load_be32(d->transport + TCP_SEQ_AT),
                                          load_be32(d->transport + TCP_ACK_AT)};
    }
    if (!any_key) {
        settle_tuple(item, &plan->by, &o.tuple);
        settle_output(item, NULL, plan);
        return 1;
    }
    const unsigned n = settle_record(piece, plan, i, &o);
    counts->copies += n - 1;
    return n;
filtered:
    counts->filtered++;
    return 0; /* d->t is set anew before its next use: NOLINT(*StackAddressEscape) */
}

/* The decoder met something that is rare. Its record has n items, the first of which is item. */
static CLV_COLD bool settle_rare(struct scan_piece *piece, const struct scan_settings *plan,
                                 const struct lens *lens, const struct walk_record *rec,
                                 struct decode *d, size_t item, unsigned n)
{
    const bool fragment = d->fragment && n &&
                          ((scan_asks(plan) && piece->items[item].small) ||
                           !flow_is_other(&piece->items[item].id.key));
    d->touched = d->fragment = false;
    d->depth = 0;
    if (!fragment || !plan->joins)
        return true;
    struct scan_fragment *more =
        mem_reserve(piece->fragments, &piece->fragments_cap, piece->n_fragments + 1, sizeof *more);
    if (!more)
        return false;
    piece->fragments = more;
    more += piece->n_fragments++;
    *more = (struct scan_fragment){
        .item = (uint32_t)item,
        .origin.iface = lens->iface,
    };
    /* Its tuple became its key: decoded once more, it is a tuple again, and has a path. */
    struct decode again = {
        .t = &more->origin.tuple,
        .inner = d->inner,
        .ports = plan->ports,
        .closed = d->closed,
        .path = &more->origin.path,
    };
    (void)lens->decode(rec->data, rec->caplen, &again);
    more->f = again.f;
    return true;
}

/*
 * A record that is to be written has a time or a length that is rare. true: the outputs can hold
 * it. What they cannot hold, or readers of pcap refuse, is not made.
 */
static CLV_COLD bool fits(const struct scan_settings *plan, const struct lens *lens,
                          const struct walk_record *rec, struct scan_counts *counts,
                          struct clv_error *why)
{
    const bool pcap = plan->dialect->form == DIALECT_PCAP;
    const int64_t ts = rec->ts_ns;
    counts->times_beyond += ts == INT64_MAX || ts == WALK_NO_TIME + 1;
    if (pcap && ts != WALK_NO_TIME && (uint64_t)ts >= PCAP_TIME_END) {
        char text[64];
        (void)clv_fail(why, CLV_ERR_FORMAT, "",
                       "its time is %s%s, but pcap can only hold 1970 to 2106-02-07",
                       clv_time_format(ts, text, sizeof text), ts == INT64_MAX ? " or later" : "");
        return clv_fail_hint(why, "keep it with --format pcapng, or leave it out with --after or "
                                  "--before");
    }
    if (rec->caplen <= lens->longest)
        return true;
    (void)clv_fail(why, CLV_ERR_FORMAT, "",
                   "a packet of %u bytes is too long for pcap, whose readers accept %u",
                   rec->caplen, lens->longest);
    return clv_fail_hint(why, "keep it with --format pcapng, or cut it with --snaplen %u",
                         lens->longest);
}

/* The record at the offset is why the run fails; n are before it in the piece, with itself. */
static CLV_COLD bool refuse(const struct source *s, uint64_t offset, uint64_t n,
                            const struct clv_error *why, struct clv_error *err)
{
    (void)clv_fail(err, why->code, s->path, "%s", why->what);
    (void)clv_fail_hint(err, "%s", why->hint);
    return clv_fail_at(err, offset, s->records + n);
}

/* Counts what pcapng has beside packets; the exact scan keeps what outputs need. */
static CLV_COLD bool meet_block(struct scan_piece *piece, const struct scan_settings *plan,
                                const struct view *v, const struct walk_record *rec,
                                struct clv_error *err)
{
    struct scan_counts *c = &piece->counts;
    const bool keeps = plan->dialect->form == DIALECT_PCAPNG && plan->dialect->metadata;
    const uint64_t position = v->position + (uint64_t)(rec->raw - v->w.p);
    switch (rec->type) {
    case NG_STATISTICS:
        c->blocks_statistics++;
        return true;
    case NG_CUSTOM_PRIVATE:
        c->blocks_custom++;
        return true;
    case NG_NAMES:
    case NG_SECRETS:
    case NG_CUSTOM:
        if (!keeps) {
            c->blocks_metadata++;
            return true;
        }
        break;
    case NG_SECTION:
    case NG_INTERFACE:
        break;
    default:
        if (!keeps || !walk_block_is_metadata(rec->type)) {
            c->blocks_unknown++;
            return true;
        }
    }
    if (!piece->exact) {
        piece->stop = WALK_BLOCK;
        return true;
    }
    const uint64_t left_out = plan->ledger->metadata_left;
    const uint64_t bad_options = plan->ledger->bad_options;
    if (!walk_note(plan->ledger, &piece->state, rec->raw, rec->raw_len, position, err))
        return false;
    c->blocks_metadata += plan->ledger->metadata_left - left_out;
    c->bad_options += plan->ledger->bad_options - bad_options;
    return true;
}

/* Numbers a link type that is not looked into, for those that count its records. */
static CLV_COLD void settle_unread(struct ledger *l, struct ledger_iface *iface)
{
    if (clv_linktype_supported(iface->linktype))
        return;
    for (iface->unread = 1; iface->unread <= l->n_unread; iface->unread++)
        if (l->unread[iface->unread - 1] == iface->linktype)
            return;
    if (l->n_unread < LEDGER_UNREAD)
        l->unread[l->n_unread++] = iface->linktype;
}

/* Gives an interface that was just described its kind of output. */
static CLV_COLD bool settle_kind(const struct scan_settings *plan, const char *path,
                                 bool big_endian, struct clv_error *err)
{
    struct ledger_iface *i = ledger_last_iface(plan->ledger);
    /* One number for what libpcap reads under several: raw IP is 12, 14 and 101. */
    const uint16_t linktype = clv_linktype_from_dlt(clv_dlt_from_linktype(i->linktype));
    const struct dialect_kind kind = {
        .linktype = plan->dialect->form == DIALECT_PCAP ? linktype : i->linktype,
        .nanoseconds = plan->dialect->nanoseconds || dialect_needs_ns(i->units),
    };
    const unsigned n = dialect_kind(plan->dialect, &kind);
    i->link = (uint8_t)n;
    settle_unread(plan->ledger, i);
    if (plan->filter && !filter_compile(plan->filter, n, linktype, big_endian, err))
        return false;
    if (n < DIALECT_KINDS || plan->dialect->form != DIALECT_PCAP)
        return true;
    (void)clv_fail(err, CLV_ERR_FORMAT, path, "more than %d kinds of outputs", DIALECT_KINDS);
    return clv_fail_hint(err, "--format pcapng holds all link types in one file");
}

/* Notes the fault at `at`. The record's number is counted within the piece. */
static CLV_COLD void note_fault(struct scan_piece *piece, const struct scan_settings *plan,
                                const struct view *v, enum walk_step step, size_t at)
{
    const struct source *s = v->source;
    const struct clv_span rest = {v->w.p + at, view_avail(v) - at};
    const uint64_t offset = v->w.offset + at;
    const uint64_t record = piece->counts.records + 1;
    struct clv_error *damage = &piece->damage;
    if (piece->counts.damages++)
        return;
    if (step == WALK_BLOCK) /* walk_note() refused it and has said why */
        (void)clv_fail_at(damage, offset, record);
    else
        source_explain(s, plan->ledger, &piece->state, step, rest, offset, record, damage);
}

static bool reserve_asked(struct scan_piece *piece, const struct scan_settings *plan, size_t n)
{
    if (plan->by.any_key) {
        struct flow_extra *extra = mem_reserve(piece->extra, &piece->extra_cap, n, sizeof *extra);
        if (!extra)
            return false;
        piece->extra = extra;
    }
    if (plan->by.connections) {
        struct flow_tcp *tcp = mem_reserve(piece->tcp, &piece->tcp_cap, n, sizeof *tcp);
        if (!tcp)
            return false;
        piece->tcp = tcp;
    }
    if (plan->dedup) {
        struct keyed_hash *digests =
            mem_reserve(piece->digests, &piece->digests_cap, n, sizeof *digests);
        if (!digests)
            return false;
        piece->digests = digests;
    }
    if (!(plan->by.fields & FLOW_BY_ROLES))
        return true;
    struct flow_origin *origins =
        mem_reserve(piece->origins, &piece->origins_cap, n, sizeof *origins);
    if (!origins)
        return false;
    piece->origins = origins;
    return true;
}

/*
 * The number-th record of the piece is the first, or earlier than the one before it, or has no
 * time. Returns the time that the next is compared with.
 */
static CLV_COLD int64_t note_time(struct scan_piece *piece, int64_t before, int64_t ts_ns,
                                  uint64_t number)
{
    if (ts_ns == WALK_NO_TIME)
        return before;
    if (before == SCAN_NO_LAST) {
        piece->first_ns = ts_ns;
    } else {
        piece->counts.earlier++;
        piece->earlier = piece->earlier ? piece->earlier : number;
    }
    return ts_ns;
}

/*
 * A record that comes next is looked at as if it were what most are, Ethernet with IPv4 and ports
 * right behind it (RFC 894, RFC 791): what a list said of its flow is somewhere in memory, and can
 * be on its way meanwhile. What it is says the decoder, later.
 */
CLV_INLINE void expect_record(const struct flowlist_memo *memo, const uint8_t *p, size_t avail)
{
    enum { TYPE = 12, IPV4 = 14, PORTS = IPV4 + 20, END = PORTS + 4, USUAL = 0x45 };
    if (avail >= END && load_be16(p + TYPE) == 0x0800 && p[IPV4] == USUAL)
        flowlist_expect(memo, p + IPV4, p + PORTS);
}

/*
 * The loop that sees every record. Format and byte order are settled before it, and the instances
 * below make them constants; room for items is made by the stretch.
 */
CLV_INLINE bool scan_records(struct scan_piece *piece, const struct scan_settings *plan,
                             const struct view *v, enum walk_kind kind, bool big_endian,
                             enum asked asked, struct clv_error *err)
{
    enum { STRETCH = 512, PER_RECORD = 2 };
    const bool asks = asked != ASKED_NOTHING;
    const struct walk_format *const format = &v->source->format;
    const struct flow_by by = plan->by; /* a copy that no store through an item can change */
    const bool drop_other = plan->drop_other, doubts = kind == WALK_PCAP && plan->recover;
    const unsigned bits = plan->partition_bits;
    const uint8_t *const base = v->w.p;
    const size_t avail = view_avail(v), limit = piece->limit;
    uint32_t *const of_partition = piece->bounds + 1;
    struct scan_counts counts = {0};
    uint64_t captured = 0;
    struct lens lens = {.iface = UINT32_MAX, .decode = decode_ethernet}; /* of no interface yet */
    struct decode d = {.inner = plan->inner, .ports = plan->ports};
    enum walk_step step = WALK_RECORD;
    struct clv_error why = {.code = CLV_ERR_NONE};
    size_t at = piece->start, n = piece->n_items;
    int64_t before = piece->last_ns;
    if (kind == WALK_PCAP)
        look_at(&lens, plan, piece->state.iface_base, big_endian, 0);
    while (at < limit && step == WALK_RECORD) {
        struct scan_item *items =
            mem_reserve(piece->items, &piece->items_cap, n + STRETCH, sizeof *items);
        if (!items)
            return clv_fail_nomem(err, "scanning", (n + STRETCH) * sizeof *items);
        piece->items = items;
        if (asks && !reserve_asked(piece, plan, n + STRETCH))
            return clv_fail_nomem(err, "scanning", (n + STRETCH) * sizeof *piece->origins);
        struct scan_item *item = items + n;
        const struct scan_item *const full = item + STRETCH - (asks ? PER_RECORD - 1 : 0);
        while (at < limit && item < full) {
            struct walk_record rec;
            if (kind == WALK_PCAP)
                step = walk_record(format, base + at, avail - at, big_endian, &rec);
            else
                step = walk_block(plan->ledger, &piece->state, base + at, avail - at, &rec);
            if (CLV_UNLIKELY(step != WALK_RECORD))
                break;
            if (CLV_UNLIKELY(doubts) &&
                !walk_believes(format, (struct clv_span){base + at, avail - at}, rec.raw_len)) {
                step = WALK_DOUBTFUL;
                break;
            }
            if (kind == WALK_PCAPNG && CLV_UNLIKELY(rec.iface != lens.iface)) {
                look_away(&lens, &counts);
                look_at(&lens, plan, rec.iface, piece->state.big_endian, counts.other);
            }
            if (kind == WALK_PCAPNG && CLV_UNLIKELY(lens.rounds))
                counts.rounded += walk_block_rounds(rec.raw, &piece->state, lens.units);
            if (CLV_UNLIKELY(rec.ts_ns < before))
                before = note_time(piece, before, rec.ts_ns,
                                   piece->counts.records + 1 +
                                       (asks ? counts.records
                                             : (size_t)(item - piece->items) - piece->n_items +
                                                   (drop_other ? counts.other : 0)));
            else
                before = rec.ts_ns;
            if (kind == WALK_PCAPNG) {
                counts.untimed += rec.ts_ns == WALK_NO_TIME;
                counts.bad_options += rec.bad_options;
            }
            captured += rec.caplen;
            if (asks && piece->memo) {
                const size_t next = at + rec.raw_len + (size_t)(rec.data - (base + at));
                if (next < avail)
                    expect_record(piece->memo, base + next, avail - next);
            }
            const size_t first = (size_t)(item - items);
            const unsigned taken = asks ? take_asked(piece, plan, &lens, &rec, at, &d, first,
                                                     asked == ASKED_ANY_KEY, &counts)
                                        : take(&by, drop_other, &lens, &rec, at, &d, item, &counts);
            for (unsigned i = 0; i < (asked == ASKED_ANY_KEY ? taken : 1); i++)
                if (CLV_LIKELY(taken))
                    of_partition[scan_partition(item++->hash, bits)]++;
            if (kind == WALK_PCAPNG &&
                CLV_UNLIKELY((uint64_t)rec.ts_ns >= lens.ts_end || rec.caplen > lens.longest) &&
                taken && !fits(plan, &lens, &rec, &counts, &why)) {
                step = WALK_OTHER; /* where the scan was ahead, it was no record, maybe */
                break;
            }
            at += rec.raw_len;
            if (CLV_UNLIKELY(d.touched) && !settle_rare(piece, plan, &lens, &rec, &d, first, taken))
                return clv_fail_nomem(err, "fragments", sizeof(struct scan_fragment));
        }
        n = (size_t)(item - items);
    }
    if (!asks) {
        counts.dropped_other = plan->drop_other ? counts.other : 0;
        counts.records = n - piece->n_items + counts.dropped_other;
    }
    counts.captured = captured;
    piece->last_ns = before;
    look_away(&lens, &counts);
    scan_counts_add(&piece->counts, &counts);
    piece->n_items = n;
    piece->stop = step;
    piece->end = at;
    return CLV_LIKELY(why.code == CLV_ERR_NONE) || !piece->exact ||
           refuse(v->source, v->w.offset + at, piece->counts.records, &why, err);
}

/*
 * An instance of the loop. Which one runs: of any fields where the key is of more than the tuple
 * (by.any_key); asked where the key is the tuple's and somebody asks for more (scan_asks()); else
 * plain, also where flows are cut by time, capped or reported: what that takes is done when a
 * record's flow is found (partition.c).
 */
#define SCAN(name, kind, big_endian, asked)                                                        \
    static bool name(struct scan_piece *piece, const struct scan_settings *plan,                   \
                     const struct view *v, struct clv_error *err)                                  \
    {                                                                                              \
        return scan_records(piece, plan, v, kind, big_endian, asked, err);                         \
    }

SCAN(scan_little, WALK_PCAP, false, ASKED_NOTHING)
SCAN(scan_big, WALK_PCAP, true, ASKED_NOTHING)
SCAN(scan_blocks, WALK_PCAPNG, false, ASKED_NOTHING)
SCAN(scan_little_asked, WALK_PCAP, false, ASKED_MORE)
SCAN(scan_big_asked, WALK_PCAP, true, ASKED_MORE)
SCAN(scan_blocks_asked, WALK_PCAPNG, false, ASKED_MORE)
SCAN(scan_little_any, WALK_PCAP, false, ASKED_ANY_KEY)
SCAN(scan_big_any, WALK_PCAP, true, ASKED_ANY_KEY)
SCAN(scan_blocks_any, WALK_PCAPNG, false, ASKED_ANY_KEY)

/* What stopped the walk is a block that is no packet. true: it can go on behind it. */
static CLV_COLD bool pass_block(struct scan_piece *piece, const struct scan_settings *plan,
                                const struct view *v, bool *fault, struct clv_error *err)
{
    struct walk_record rec;
    struct clv_error why = {.code = CLV_ERR_NONE, .offset = CLV_NO_OFFSET};
    const uint8_t *p = v->w.p + piece->end;
    if (v->source->format.kind == WALK_PCAP) {
        piece->stop = WALK_RECORD;
        piece->end += PCAP_FILE_HEADER;
        piece->counts.joined++;
        return true;
    }
    if (walk_block(plan->ledger, &piece->state, p, view_avail(v) - piece->end, &rec) != WALK_BLOCK)
        return clv_fail(err, CLV_ERR_INTERNAL, v->source->path,
                        "a block changed while it was read");
    piece->stop = WALK_RECORD;
    if (!meet_block(piece, plan, v, &rec, &why)) {
        if (why.code != CLV_ERR_DAMAGE) {
            if (err)
                *err = why;
            return false;
        }
        if (piece->counts.damages == 0)
            (void)clv_fail(&piece->damage, CLV_ERR_DAMAGE, input_path(v->w.in), "%s", why.what);
        piece->stop = WALK_BLOCK;
        *fault = true;
        return true;
    }
    if (piece->stop == WALK_BLOCK)
        return true; /* for the exact scan */
    piece->end += rec.raw_len;
    return rec.type != NG_INTERFACE ||
           settle_kind(plan, v->source->path, piece->state.big_endian, err);
}

static bool scan_on(struct scan_piece *piece, const struct scan_settings *plan,
                    const struct view *v, struct clv_error *err)
{
    typedef bool scan_fn(struct scan_piece *, const struct scan_settings *, const struct view *,
                         struct clv_error *);
    static scan_fn *const fns[][3] = {
        {scan_little, scan_little_asked, scan_little_any},
        {scan_big, scan_big_asked, scan_big_any},
        {scan_blocks, scan_blocks_asked, scan_blocks_any},
    };
    const struct walk_format *f = &v->source->format;
    return fns[f->kind == WALK_PCAPNG ? 2 : f->big_endian][asked_of(plan)](piece, plan, v, err);
}

enum scanning {
    WALKING, /* piece->start is a record's byte */
    SEEKING, /* no record is known from piece->start on */
    DONE,
};

/* Walks from piece->start to what stops it; over a block that is no packet it goes on. */
static bool walk_on(struct scan_piece *piece, const struct scan_settings *plan,
                    const struct view *v, enum scanning *next, struct clv_error *err)
{
    bool fault = false;
    *next = DONE;
    if (!scan_on(piece, plan, v, err))
        return false;
    if (piece->stop == WALK_RECORD)
        return true;
    if (piece->exact && piece->stop != WALK_BLOCK && view_lacks(v, piece->end)) {
        piece->lacks = true;
        return true;
    }
    if (piece->stop == WALK_BLOCK) {
        if (!pass_block(piece, plan, v, &fault, err))
            return false;
        if (piece->stop == WALK_BLOCK && !fault)
            return true; /* for the exact scan */
        piece->start = piece->end;
        if (!fault) {
            *next = WALKING;
            return true;
        }
    }
    if (!piece->exact)
        return true;
    if (piece->stop == WALK_CUT && source_was_ended(v->source)) {
        piece->counts.unfinished += view_avail(v) - piece->end;
        return true;
    }
    note_fault(piece, plan, v, piece->stop, piece->end);
    if (plan->recover && piece->stop != WALK_OTHER) {
        piece->start = piece->end + 1;
        piece->counts.skipped_bytes++;
        *next = SEEKING;
    }
    return true;
}

/* Searches from piece->start on for the next record. */
static CLV_COLD enum scanning seek_on(struct scan_piece *piece, const struct view *v)
{
    const struct clv_span all = {v->w.p, view_avail(v)};
    const size_t from = piece->start;
    piece->stop = WALK_RECORD;
    piece->end = from;
    if (from < piece->limit && view_lacks(v, piece->limit - 1)) {
        piece->seeking = piece->lacks = true;
        return DONE;
    }
    if (from < piece->limit)
        piece->end = source_search(v->source, &piece->state, all, from, piece->limit);
    piece->counts.skipped_bytes += piece->end - from;
    piece->start = piece->end;
    piece->seeking = piece->end >= piece->limit;
    return piece->seeking ? DONE : WALKING;
}

/*
 * From start, or where it stopped when it lacked something, to limit, over blocks that are no
 * packets, and over faults if they are survived.
 */
static bool scan_all(struct scan_piece *piece, const struct scan_settings *plan,
                     const struct view *v, struct clv_error *err)
{
    const size_t began = piece->start;
    const bool seeks = piece->lacks ? piece->seeking : piece->exact && piece->seek;
    enum scanning state = seeks ? SEEKING : WALKING;
    bool ok = true;
    if (piece->lacks)
        piece->start = piece->end;
    piece->lacks = false;
    while (ok && state != DONE) {
        if (state == SEEKING)
            state = seek_on(piece, v);
        else
            ok = walk_on(piece, plan, v, &state, err);
    }
    piece->start = began;
    return ok;
}

/*
 * A counting sort by partition, stable, so that the capture's order holds within each. The counts
 * are in bounds[1 ..] when it begins.
 */
static bool sort_by_partition(struct scan_piece *piece, const struct scan_settings *plan)
{
    uint32_t *order =
        mem_reserve(piece->order, &piece->order_cap, piece->n_items, sizeof *piece->order);
    if (!order)
        return false;
    piece->order = order;
    uint32_t *at = piece->bounds;
    const bool may_drop = scan_asks(plan); /* else no item says whether it is */
    for (uint32_t p = 0; p < plan->n_partitions; p++)
        at[p + 1] += at[p];
    /* Placing moves each start to its end, which is the next one's start: shift back after. */
    for (size_t i = 0; i < piece->n_items; i++)
        if (!may_drop || CLV_LIKELY(!piece->items[i].dropped))
            order[at[scan_partition(piece->items[i].hash, plan->partition_bits)]++] = (uint32_t)i;
    memmove(at + 1, at, plan->n_partitions * sizeof *at);
    at[0] = 0;
    return true;
}

unsigned scan_piece_set_origin(struct scan_piece *piece, const struct scan_settings *plan,
                               uint32_t i, const struct flow_origin *origin)
{
    struct scan_item *item = &piece->items[i];
    piece->disordered = true;
    if (plan->by.fields & FLOW_BY_HOST) {
        settle_any(piece, plan, i, origin, FLOW_SIDE_SOURCE);
        settle_any(piece, plan, i + 1, origin, FLOW_SIDE_DESTINATION);
        item[1].dropped = same_flow(piece, i);
        return item[1].dropped;
    }
    if (plan->by.any_key) {
        (void)settle_record(piece, plan, i, origin);
        return 0;
    }
    settle_tuple(item, &plan->by, &origin->tuple);
    settle_output(item, NULL, plan);
    return 0;
}

unsigned scan_piece_drop(struct scan_piece *piece, uint32_t i)
{
    const uint32_t offset = piece->items[i].offset;
    unsigned n = 0;
    for (; i < piece->n_items && piece->items[i].offset == offset; i++, n++)
        piece->items[i].dropped = true;
    piece->disordered = true;
    return n;
}

void scan_piece_set_side(struct scan_piece *piece, const struct scan_settings *plan, uint32_t i,
                         enum flow_side client)
{
    piece->disordered = true;
    settle_any(piece, plan, i, &piece->origins[i], client);
}

void scan_piece_settle(struct scan_piece *piece, const struct scan_settings *plan, uint32_t i)
{
    settle_output(&piece->items[i], plan->by.any_key ? &piece->extra[i] : NULL, plan);
}

bool scan_piece_reorder(struct scan_piece *piece, const struct scan_settings *plan)
{
    piece->disordered = false;
    memset(piece->bounds, 0, ((size_t)plan->n_partitions + 1) * sizeof *piece->bounds);
    for (size_t i = 0; i < piece->n_items; i++)
        if (!scan_asks(plan) || !piece->items[i].dropped)
            piece->bounds[1 + scan_partition(piece->items[i].hash, plan->partition_bits)]++;
    return sort_by_partition(piece, plan);
}

void scan_piece_clear(struct scan_piece *piece)
{
    piece->n_items = piece->n_fragments = 0;
    piece->more.n = piece->n_unlisted = 0;
    piece->disordered = false;
    piece->counts = (struct scan_counts){0};
    proof_sum_clear(&piece->walked);
    piece->first_ns = WALK_NO_TIME;
    piece->last_ns = SCAN_NO_LAST;
    piece->earlier = 0;
    piece->stop = WALK_RECORD;
    piece->seeking = piece->lacks = false;
    piece->end = piece->start;
}

/* Settles where the scan begins, and what is known there. start SCAN_UNKNOWN: it does not. */
static bool begin(struct scan_piece *piece, const struct scan_settings *plan, const struct view *v,
                  struct clv_error *err)
{
    const struct walk_format *f = &v->source->format;
    const struct clv_span all = {v->w.p, view_avail(v)};
    const bool ng = f->kind == WALK_PCAPNG;
    scan_piece_clear(piece);
    if (!piece->bounds)
        piece->bounds = mem_alloc((size_t)plan->n_partitions + 1, sizeof *piece->bounds);
    if (!piece->bounds)
        return clv_fail_nomem(err, "scanning", plan->n_partitions * sizeof *piece->bounds);
    memset(piece->bounds, 0, ((size_t)plan->n_partitions + 1) * sizeof *piece->bounds);
    input_populate(&v->w, piece->from, piece->limit);
    if (piece->start == SCAN_UNKNOWN) {
        const size_t guess = ng ? walk_block_guess(&piece->state, all, piece->from)
                                : walk_guess(f, all, piece->from, piece->near_ns);
        if (guess == all.len)
            return true;
        piece->start = piece->end = guess;
    }
    if (v->begins && piece->from == 0 && !ng &&
        (!walk_note_savefile(plan->ledger, &piece->state, &f->pub, v->position, err) ||
         !settle_kind(plan, v->source->path, f->big_endian, err)))
        return false;
    if (ng)
        walk_block_touch(&piece->state, all, piece->start, piece->limit);
    else
        walk_touch(f, all, piece->start, piece->limit);
    return true;
}

bool scan_piece_run(struct scan_piece *piece, const struct scan_settings *plan,
                    const struct view *v, struct flowlist_memo *memo, struct clv_error *err)
{
    if (!(piece->exact && piece->lacks) && !begin(piece, plan, v, err))
        return false;
    if (piece->start == SCAN_UNKNOWN)
        return true;
    if (memo)
        flowlist_memo_begin(memo);
    piece->memo = memo;
    const bool ok = scan_all(piece, plan, v, err);
    piece->memo = NULL;
    if (!ok)
        return false;
    if (piece->more.no_memory)
        return clv_fail_nomem(err, "the list of flows", piece->more.n * sizeof(uint32_t));
    if (!piece->lacks && !sort_by_partition(piece, plan))
        return clv_fail_nomem(err, "scanning", piece->n_items * sizeof *piece->order);
    return true;
}
