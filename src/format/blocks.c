/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/blocks.h"

#include <assert.h>

#include "base/mem.h"
#include "format/hello.h"

enum {
    SECTION_LENGTH_AT = 16,
    IFACES_MIN = 4,
    IFACES_KEPT = 64, /* room for so many is kept from section to section */
};

static void forget_ifaces(struct trail *t)
{
    mem_free(t->more);
    t->more = NULL;
    t->cap = 0;
}

void trail_fini(struct trail *t)
{
    forget_ifaces(t);
    if (t->picks) {
        picks_fini(t->picks);
        mem_free(t->picks);
    }
    *t = (struct trail){0};
}

static bool put_block(struct stage *s, const struct ledger_entry *e)
{
    return stage_put(s, e->block, e->block_len);
}

/* What the trail's output has of metadata. false: no memory. */
static bool has_picks(struct trail *t, const struct blocks_source *src)
{
    if (t->picks)
        return true;
    t->picks = mem_alloc(1, sizeof *t->picks);
    if (t->picks)
        *t->picks = *src->owner;
    return t->picks != NULL;
}

/* Of a block of names those that were picked, the n at refs. */
static bool put_names(struct stage *s, const struct blocks_source *src,
                      const struct ledger_entry *e, const uint64_t *refs, size_t n)
{
    enum { HEAD = 8, TRAILER = 4, RECORD_HEAD = 4 };
    static const uint8_t end[4] = {0}; /* nrb_record_end */
    const uint32_t tail = metadata_tail(src->dialect->picker, (uint32_t)(refs[0] >> 32));
    uint8_t head[HEAD];
    uint32_t len = HEAD + sizeof end + e->block_len - tail;
    for (size_t i = 0; i < n; i++)
        len += RECORD_HEAD + ng_pad(walk_load16(e->block + (uint32_t)refs[i] + 2, e->big_endian));
    memcpy(head, e->block, 4);
    walk_store32(head + 4, len, e->big_endian);
    bool ok = stage_put(s, head, sizeof head);
    for (size_t i = 0; ok && i < n; i++) {
        const uint8_t *name = e->block + (uint32_t)refs[i];
        ok = stage_put(s, name, RECORD_HEAD + ng_pad(walk_load16(name + 2, e->big_endian)));
    }
    return ok && stage_put(s, end, sizeof end) &&
           stage_put(s, e->block + tail, e->block_len - TRAILER - tail) &&
           stage_put(s, head + 4, TRAILER);
}

static bool put_picked(struct stage *s, const struct blocks_source *src, picked *list)
{
    bool ok = true;
    for (size_t i = 0, to; ok && i < list->n; i = to) {
        const uint32_t entry = (uint32_t)(list->p[i] >> 32);
        const struct ledger_entry *e = ledger_entry(src->dialect->ledger, entry);
        for (to = i + 1; to < list->n && list->p[to] >> 32 == entry; to++)
            ;
        ok = (uint32_t)list->p[i] ? put_names(s, src, e, list->p + i, to - i) : put_block(s, e);
    }
    picked_fini(list);
    return ok;
}

/* The first of the entries [from, to) that is not of the trail's section, or to. */
static uint32_t section_end(const struct ledger *l, const struct trail *t, uint32_t from,
                            uint32_t to)
{
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        if (ledger_entry(l, middle)->section == t->section - 1)
            from = middle + 1;
        else
            to = middle;
    }
    return to;
}

/* Picks from the entries [t->next, to), as far as they are of the trail's section. */
static bool pick(struct trail *t, const struct blocks_source *src, uint32_t to, uint64_t position,
                 picked *list)
{
    const struct dialect *d = src->dialect;
    const uint32_t from = t->next;
    *list = (picked){0};
    if (!d->picker || !d->ledger->has_metadata) {
        t->next = to;
        return true;
    }
    to = section_end(d->ledger, t, from, to);
    if (from >= to)
        return true;
    if (!has_picks(t, src) || !metadata_pick(d->picker, t->picks, from, to, position, list))
        return false;
    t->next = to;
    return true;
}

static bool put_metadata(struct stage *s, struct trail *t, const struct blocks_source *src,
                         uint32_t to, uint64_t position)
{
    picked list;
    return pick(t, src, to, position, &list) ? put_picked(s, src, &list)
                                             : clv_fail_nomem(s->err, s->name, sizeof list);
}

/* A handshake that the output has now: its secrets may have come before it. */
static CLV_COLD bool meet(struct stage *s, struct trail *t, const struct blocks_source *src,
                          const uint8_t *random, uint64_t position)
{
    picked list;
    return has_picks(t, src) && metadata_meet(src->dialect->picker, t->picks, random, t->section,
                                              t->next, position, &list)
               ? put_picked(s, src, &list)
               : clv_fail_nomem(s->err, s->name, sizeof list);
}

/* The packet of the block may be what secrets are for. */
static bool look_into(struct stage *s, struct trail *t, const struct blocks_source *src,
                      const uint8_t *raw, uint32_t len, bool big, uint64_t position)
{
    if (t->picks && t->picks->all_secrets)
        return true;
    const bool simple = walk_load32(raw, big) == NG_SIMPLE;
    const uint8_t *packet = raw + (simple ? NG_SIMPLE_HEADER : NG_PACKET_HEADER);
    const uint32_t room = len - (simple ? NG_SIMPLE_MIN : NG_PACKET_MIN);
    const size_t n = simple ? room : (size_t)min_u64(walk_load32(raw + 20, big), room);
    bool torn;
    const uint8_t *random = hello_random(packet, n, &torn);
    if (CLV_LIKELY(!random) && !torn &&
        (!src->owner->may_hide ||
         !hello_may_hide(packet, n, walk_load32(raw + (simple ? 8 : 24), big))))
        return true;
    return meet(s, t, src, random, position);
}

/* The section's length would be another: it is left open (draft section 4.1). */
static bool begin_section(struct stage *s, struct trail *t, const struct ledger *l,
                          uint32_t section)
{
    static const uint8_t unknown[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const struct ledger_entry *e = ledger_entry(l, section);
    t->section = section + 1;
    t->n_ifaces = 0;
    if (t->cap > IFACES_KEPT)
        forget_ifaces(t);
    else if (t->cap)
        memset(t->more + t->cap, 0, 2 * (size_t)t->cap * sizeof *t->more);
    t->mixed |= t->begun && t->big_endian != e->big_endian;
    if (!t->begun)
        t->big_endian = e->big_endian;
    return stage_put(s, e->block, SECTION_LENGTH_AT) && stage_put(s, unknown, sizeof unknown) &&
           stage_put(s, e->block + SECTION_LENGTH_AT + sizeof unknown,
                     e->block_len - SECTION_LENGTH_AT - sizeof unknown);
}

/* The slot of the interface, or the free one where it belongs. A slot has number + 1; 0: free. */
static uint32_t *slot_of(const struct trail *t, uint32_t iface)
{
    uint32_t *const slots = t->more + t->cap;
    const uint32_t mask = 2 * t->cap - 1;
    uint32_t at = (iface * 0x9e3779b1U >> 7) & mask;
    while (slots[at] && t->more[slots[at] - 1] != iface)
        at = (at + 1) & mask;
    return &slots[at];
}

/* Makes room for one more interface. false: no memory. */
static bool grow(struct trail *t)
{
    struct trail old = *t;
    if (t->more && t->n_ifaces < t->cap)
        return true;
    t->cap = t->cap ? t->cap * 2 : IFACES_MIN;
    t->more = mem_zalloc(3 * (size_t)t->cap, sizeof *t->more);
    if (!t->more) {
        *t = old;
        return false;
    }
    for (uint32_t i = 0; i < t->n_ifaces; i++) {
        t->more[i] = t->n_ifaces == 1 ? t->only : old.more[i];
        *slot_of(t, t->more[i]) = i + 1;
    }
    mem_free(old.more);
    return true;
}

/*
 * libpcap (sf-pcapng.c) reads a file to its end only if all its interfaces have one link type and
 * one snaplen, and all sections one byte order.
 */
static void compare(struct trail *t, const struct ledger_iface *i)
{
    enum { SNAPLEN_MAX = 262144 }; /* what it takes for 0 and for more, of most link types */
    const uint32_t snaplen = i->snaplen && i->snaplen < SNAPLEN_MAX ? i->snaplen : SNAPLEN_MAX;
    if (t->begun) {
        t->mixed |= t->linktype != i->linktype || t->snaplen != snaplen;
        return;
    }
    t->begun = true;
    t->linktype = i->linktype;
    t->snaplen = snaplen;
}

/* An interface's block with a snaplen of so many bytes at most; 0 in it stands for no limit. */
static bool put_narrow(struct stage *s, const struct ledger_entry *e, uint32_t snaplen)
{
    enum { SNAPLEN_AT = 12, BEHIND = 16 };
    uint8_t head[BEHIND];
    memcpy(head, e->block, sizeof head);
    const uint32_t own = walk_load32(head + SNAPLEN_AT, e->big_endian);
    if (own == 0 || own > snaplen)
        walk_store32(head + SNAPLEN_AT, snaplen, e->big_endian);
    return stage_put(s, head, sizeof head) &&
           stage_put(s, e->block + BEHIND, e->block_len - BEHIND);
}

static CLV_COLD bool add_iface(struct stage *s, struct trail *t, const struct dialect *d,
                               uint32_t iface, uint32_t base)
{
    const struct ledger *l = d->ledger;
    const uint32_t n = t->n_ifaces;
    if (iface >= atomic_load(&l->n_ifaces) - base) /* it was there when the record was scanned */
        return clv_fail(s->err, CLV_ERR_IO, s->name, "the input changed while it was read");
    if (n == 0)
        t->only = iface;
    else if (!grow(t))
        return clv_fail_nomem(s->err, s->name, 6 * (size_t)t->cap * sizeof *t->more);
    if (t->more) {
        t->more[n] = iface;
        *slot_of(t, iface) = n + 1;
    }
    t->n_ifaces = n + 1;
    const struct ledger_iface *const i = ledger_iface(l, base + iface);
    compare(t, i);
    const struct ledger_entry *e = ledger_entry(l, i->entry);
    return d->snaplen ? put_narrow(s, e, d->snaplen) : put_block(s, e);
}

/* The number that the section's interface has in this output. */
static bool settle_iface(struct stage *s, struct trail *t, const struct dialect *d, uint32_t iface,
                         uint32_t *number)
{
    const struct ledger *l = d->ledger;
    if (CLV_LIKELY(t->n_ifaces == 1 && t->only == iface)) {
        *number = 0;
        return true;
    }
    if (t->more && t->n_ifaces && (*number = *slot_of(t, iface)) != 0) {
        --*number;
        return true;
    }
    *number = t->n_ifaces;
    return add_iface(s, t, d, iface, ledger_entry(l, t->section - 1)->iface);
}

/* The section's interface that the record is of. */
static uint32_t iface_of(const struct blocks_source *src, const uint8_t *raw, bool big)
{
    if (src->format->kind == WALK_PCAP)
        return 0;
    return ng_iface(raw, walk_load32(raw, big), big);
}

/* Comes to the record at the position, over all that lies before it. */
static CLV_COLD bool come_to(struct stage *s, struct trail *t, const struct blocks_source *src,
                             const uint8_t *raw, uint64_t position, uint64_t *until)
{
    const struct ledger *l = src->dialect->ledger;
    const uint32_t at = ledger_at(l, src->n_entries, position);
    const uint32_t section = ledger_entry(l, at)->section;
    *until = at + 1 < src->n_entries ? ledger_entry(l, at + 1)->position : UINT64_MAX;
    if (t->section != section + 1) {
        if (t->section && !put_metadata(s, t, src, src->n_entries, position))
            return false;
        /* Its interface first: editcap wants one directly behind the section's header. */
        uint32_t number;
        if (!begin_section(s, t, l, section) ||
            !settle_iface(s, t, src->dialect,
                          iface_of(src, raw, ledger_entry(l, section)->big_endian), &number))
            return false;
        t->next = section + 1;
    }
    return put_metadata(s, t, src, at + 1, position);
}

/* A block with a packet that is longer than what is written of it. */
static CLV_COLD bool put_cut(struct stage *s, const uint8_t *raw, uint32_t len, uint32_t caplen,
                             uint32_t cut, uint32_t iface, bool big)
{
    static const uint8_t zeros[4] = {0};
    const bool simple = walk_load32(raw, big) == NG_SIMPLE;
    const uint32_t head_len = simple ? NG_SIMPLE_HEADER : NG_PACKET_HEADER;
    const uint32_t options = head_len + ng_pad(caplen);
    uint8_t head[NG_PACKET_HEADER];
    memcpy(head, raw, head_len);
    if (!simple) {
        blocks_renumber(head, raw, big, iface);
        walk_store32(head + 20, cut, big);
    }
    walk_store32(head + 4, len - (ng_pad(caplen) - ng_pad(cut)), big);
    return stage_put(s, head, head_len) && stage_put(s, raw + head_len, cut) &&
           stage_put(s, zeros, ng_pad(cut) - cut) &&
           stage_put(s, raw + options, len - 4 - options) && stage_put(s, head + 4, 4);
}

/* A simple packet block is of interface 0: where that is taken, the section begins once more. */
static CLV_COLD bool put_simple(struct stage *s, struct trail *t, const struct dialect *d,
                                const uint8_t *raw, uint32_t len, bool big)
{
    const struct ledger *l = d->ledger;
    uint32_t number;
    if (t->n_ifaces && (t->n_ifaces == 1 ? t->only : t->more[0]) != 0 &&
        !begin_section(s, t, l, t->section - 1))
        return false;
    if (!settle_iface(s, t, d, 0, &number))
        return false;
    /* Its captured length is not stored: the interface's snaplen bounds it. */
    const uint32_t base = ledger_entry(l, t->section - 1)->iface;
    const uint32_t snaplen = ledger_iface(l, base)->snaplen, origlen = walk_load32(raw + 8, big);
    const uint32_t caplen = snaplen && origlen > snaplen ? snaplen : origlen;
    const uint32_t cut = dialect_cut(d, caplen);
    return cut < caplen ? put_cut(s, raw, len, caplen, cut, 0, big) : stage_put(s, raw, len);
}

/*
 * An obsolete packet block has 16 bits for its interface: where that is not enough, the section
 * begins once more.
 */
static CLV_COLD bool settle_narrow(struct stage *s, struct trail *t, const struct dialect *d,
                                   uint32_t iface, uint32_t *number)
{
    return begin_section(s, t, d->ledger, t->section - 1) && settle_iface(s, t, d, iface, number);
}

/* Both packet blocks have the interface at byte 8, the obsolete one in 16 bits. */
void blocks_renumber(uint8_t head[BLOCKS_IFACE_END], const uint8_t *raw, bool big, uint32_t iface)
{
    const bool wide = walk_load32(raw, big) == NG_PACKET;
    memcpy(head, raw, BLOCKS_IFACE_END);
    if (wide && big)
        store_be32(head + 8, iface);
    else if (wide)
        store_le32(head + 8, iface);
    else if (big)
        store_be16(head + 8, (uint16_t)iface);
    else
        store_le16(head + 8, (uint16_t)iface);
}

static bool put_packet(struct stage *s, struct trail *t, const struct blocks_source *src,
                       const uint8_t *raw, uint32_t len)
{
    const struct ledger *l = src->dialect->ledger;
    const bool big = ledger_entry(l, t->section - 1)->big_endian;
    const uint32_t type = walk_load32(raw, big);
    uint32_t number;
    if (CLV_UNLIKELY(type == NG_SIMPLE))
        return put_simple(s, t, src->dialect, raw, len, big);
    const bool wide = type == NG_PACKET;
    const uint32_t iface = iface_of(src, raw, big);
    if (!settle_iface(s, t, src->dialect, iface, &number) ||
        (!wide && number > UINT16_MAX && !settle_narrow(s, t, src->dialect, iface, &number)))
        return false;
    if (CLV_UNLIKELY(src->dialect->snaplen)) {
        const uint32_t caplen = walk_load32(raw + 20, big);
        const uint32_t cut = dialect_cut(src->dialect, caplen);
        if (cut < caplen)
            return put_cut(s, raw, len, caplen, cut, number, big);
    }
    if (CLV_LIKELY(number == iface))
        return stage_put(s, raw, len);
    uint8_t head[BLOCKS_IFACE_END];
    blocks_renumber(head, raw, big, number);
    return stage_put(s, head, sizeof head) &&
           stage_put(s, raw + sizeof head, len - (uint32_t)sizeof head);
}

uint32_t blocks_head(uint8_t head[NG_PACKET_HEADER], const struct walk_record *rec, uint32_t iface,
                     uint64_t ticks, bool big_endian)
{
    const uint32_t padding = ng_pad(rec->caplen) - rec->caplen;
    const uint32_t words[] = {NG_PACKET,       NG_PACKET_MIN + rec->caplen + padding,
                              iface,           (uint32_t)(ticks >> 32),
                              (uint32_t)ticks, rec->caplen,
                              rec->origlen};
    static_assert(sizeof words == NG_PACKET_HEADER, "the block up to its data");
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        walk_store32(head + (size_t)4 * i, words[i], big_endian);
    return padding;
}

/* A record of classic pcap: its interface is the only one, its section little-endian. */
static bool put_converted(struct stage *s, struct trail *t, const struct blocks_source *src,
                          const uint8_t *raw, uint32_t len)
{
    static const uint8_t zeros[4] = {0};
    const struct walk_format *f = src->format;
    uint8_t head[NG_PACKET_HEADER];
    struct walk_record rec;
    uint32_t number;
    if (walk_record(f, raw, len, f->big_endian, &rec) != WALK_RECORD)
        return clv_fail(s->err, CLV_ERR_INTERNAL, s->name, "a record changed while it was read");
    if (!settle_iface(s, t, src->dialect, 0, &number))
        return false;
    rec.caplen = dialect_cut(src->dialect, rec.caplen);
    if (!blocks_fit(rec.caplen))
        return clv_fail(s->err, CLV_ERR_FORMAT, s->name,
                        "a packet of %u bytes does not fit into a pcapng block", rec.caplen);
    const uint32_t padding =
        blocks_head(head, &rec, number, (uint64_t)rec.ts_ns / f->tick_ns, false);
    return stage_put(s, head, sizeof head) && stage_put(s, rec.data, rec.caplen) &&
           stage_put(s, zeros, padding) && stage_put(s, head + 4, 4);
}

bool blocks_put(struct stage *s, struct trail *t, const struct blocks_source *src,
                const uint8_t *raw, uint32_t len, uint64_t position, uint64_t *until)
{
    if (CLV_UNLIKELY(position >= *until) && !come_to(s, t, src, raw, position, until))
        return false;
    if (src->format->kind == WALK_PCAP)
        return put_converted(s, t, src, raw, len);
    const bool big = ledger_entry(src->dialect->ledger, t->section - 1)->big_endian;
    return (!src->dialect->picker || look_into(s, t, src, raw, len, big, position)) &&
           put_packet(s, t, src, raw, len);
}

/* All that follows the output's last record. */
static uint64_t end_of(const struct blocks_source *src)
{
    return ledger_entry(src->dialect->ledger, src->n_entries - 1)->position;
}

bool blocks_pending(struct trail *t, const struct blocks_source *src)
{
    picked list;
    if (!t->section)
        return false;
    if (!pick(t, src, src->n_entries, end_of(src), &list))
        return true; /* blocks_finish() fails too, and says so */
    if (list.n == 0)
        return false;
    t->picks->last = list;
    return true;
}

bool blocks_rest(struct trail *t, const struct blocks_source *src, bool *any)
{
    struct metadata *m = src->dialect->picker;
    picked list;
    *any = false;
    if (!m || !t->section || !src->dialect->ledger->has_metadata)
        return true;
    if (!metadata_rest(m, any))
        return false;
    if (!*any)
        return true;
    const uint32_t to = section_end(src->dialect->ledger, t, t->section, src->n_entries);
    if (!has_picks(t, src) || !metadata_pick_rest(m, t->picks, t->section, to, end_of(src), &list))
        return false;
    t->picks->last = list;
    *any = list.n != 0;
    return true;
}

bool blocks_finish(struct stage *s, struct trail *t, const struct blocks_source *src)
{
    picked last = {0};
    if (!t->section)
        return true;
    if (t->picks) {
        last = t->picks->last;
        t->picks->last = (picked){0};
    }
    return put_picked(s, src, &last) && put_metadata(s, t, src, src->n_entries, end_of(src));
}
