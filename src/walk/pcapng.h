/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcapng (draft-ietf-opsawg-pcapng): blocks of type, length, body, length. Packets refer to
 * interfaces that earlier blocks of their section describe, so a walk has a state; blocks that
 * change it go into a ledger.
 */
#ifndef CLEAVE_WALK_PCAPNG_H
#define CLEAVE_WALK_PCAPNG_H

#include "walk/ledger.h"
#include "walk/walk.h"

enum {
    NG_INTERFACE = 1,
    NG_PACKET_OLD = 2, /* obsolete, draft section A */
    NG_SIMPLE = 3,
    NG_NAMES = 4,
    NG_STATISTICS = 5,
    NG_PACKET = 6,
    NG_JOURNAL = 9, /* of systemd: text */
    NG_SECRETS = 10,
    NG_CUSTOM = 0x00000bad,
    NG_SECTION = 0x0a0d0d0a,
    NG_CUSTOM_PRIVATE = 0x40000bad, /* must not be copied into a changed file */
};

enum {
    NG_BLOCK_MIN = 12,
    NG_BLOCK_MAX = 16 * 1024 * 1024, /* libpcap's limit */
    NG_PACKET_HEADER = 28,           /* bytes before the data of both packet blocks */
    NG_PACKET_MIN = 32,
    NG_SIMPLE_HEADER = 12,
    NG_SIMPLE_MIN = 16,
    NG_SECTION_MIN = 28,
    NG_INTERFACE_MIN = 20,
};

/* What has to be known to read a block. */
struct walk_state {
    uint32_t section;    /* entry of the ledger */
    uint32_t iface_base; /* interface 0 of the section, among the ledger's */
    uint32_t n_ifaces;   /* of the section so far */
    bool big_endian;
    bool in_section; /* false: none has begun, and nothing but a section can be read */
};

/* walk_open() of a file that begins with a section. */
CLV_MUST_CHECK bool walk_block_open(struct walk_format *f, const char *path, struct clv_span head,
                                    struct clv_error *err);

/* All but the usual packet block. */
enum walk_step walk_block_slowly(const struct ledger *l, const struct walk_state *st,
                                 const uint8_t *p, size_t rest, struct walk_record *rec) CLV_COLD;

/*
 * A section's or an interface's block, whole and at p, becomes the new state and an entry of the
 * ledger; a block of metadata becomes an entry. Of options that do not fit into their block, those
 * before the bad one hold (l->bad_options counts such blocks): no packet needs the others. false:
 * *err is filled; CLV_ERR_DAMAGE where the block cannot be right.
 */
CLV_MUST_CHECK bool walk_note(struct ledger *l, struct walk_state *st, const uint8_t *p,
                              uint32_t len, uint64_t position, struct clv_error *err) CLV_COLD;

/* The same for a classic savefile: one section with one interface, as if it were pcapng. */
CLV_MUST_CHECK bool walk_note_savefile(struct ledger *l, struct walk_state *st,
                                       const struct clv_capture_format *f, uint64_t position,
                                       struct clv_error *err) CLV_COLD;

/*
 * The state in which the record at the position is to be read, from the first n entries of the
 * ledger. Returns the position up to which it holds.
 */
uint64_t walk_state_at(struct walk_state *st, const struct ledger *l, uint32_t n,
                       uint64_t position);

/* The hint where a span ends inside a record, with the bytes from its start on. Returns false. */
bool walk_hint_cut(struct clv_error *err, size_t rest);

/* As walk_explain(), walk_guess(), walk_touch() of classic pcap. */
void walk_block_explain(const struct ledger *l, const struct walk_state *st, const char *path,
                        enum walk_step step, struct clv_span rest, uint64_t offset, uint64_t record,
                        struct clv_error *err) CLV_COLD;
size_t walk_block_guess(const struct walk_state *st, struct clv_span s, size_t from);
void walk_block_touch(const struct walk_state *st, struct clv_span s, size_t from, size_t to);

/* As walk_search(). */
size_t walk_block_search(const struct walk_state *st, struct clv_span s, size_t from, size_t limit,
                         size_t block_max) CLV_COLD;

/* Turns the whole block at p, whose byte order is big, into the other byte order. */
void walk_block_turn(uint8_t *p, uint32_t len, bool big) CLV_COLD;

/* true: the time of the packet block at p is no whole number of nanoseconds. */
bool walk_block_rounds(const uint8_t *p, const struct walk_state *st, uint64_t units) CLV_COLD;

/* The time in the interface's units; 0 where it cannot be told in them. */
uint64_t walk_ticks(int64_t ts_ns, const struct ledger_iface *iface) CLV_COLD;

/* Nanoseconds since the epoch, cut off at the ends of what 64 bits hold; or WALK_NO_TIME. */
int64_t walk_time_slowly(uint64_t ticks, const struct ledger_iface *iface) CLV_COLD;

CLV_INLINE int64_t walk_time(uint64_t ticks, const struct ledger_iface *iface)
{
    if (CLV_LIKELY(iface->offset_s == 0)) {
        if (iface->units == 1000000 && ticks < (uint64_t)INT64_MAX / 1000)
            return (int64_t)(ticks * 1000);
        if (iface->units == 1000000000 && ticks <= INT64_MAX)
            return (int64_t)ticks;
    }
    return walk_time_slowly(ticks, iface);
}

static inline bool walk_block_is_packet(uint32_t type)
{
    return type == NG_PACKET || type == NG_SIMPLE || type == NG_PACKET_OLD;
}

/*
 * true: a block of this type says something of its whole section, and may be copied from it. So
 * may blocks of types that are not known: packets refer to some of them, as to Apple's of processes
 * (0x80000001); but for those that are records of another kind.
 */
bool walk_block_is_metadata(uint32_t type);

static inline uint32_t ng_pad(uint32_t n)
{
    return (n + 3) & ~3U;
}

/* The time of a packet block, and the interface of any block with a packet. */
CLV_INLINE uint64_t ng_ticks(const uint8_t *p, bool big_endian)
{
    return (uint64_t)walk_load32(p + 12, big_endian) << 32 | walk_load32(p + 16, big_endian);
}

static inline uint32_t ng_iface(const uint8_t *p, uint32_t type, bool big_endian)
{
    if (type == NG_PACKET)
        return walk_load32(p + 8, big_endian);
    return type == NG_PACKET_OLD ? walk_load16(p + 8, big_endian) : 0;
}

/*
 * Reads the block at the start of the rest bytes at p. WALK_RECORD: *rec is filled. WALK_BLOCK: it
 * is no packet; rec->raw, rec->raw_len and rec->type are.
 */
CLV_INLINE enum walk_step walk_block(const struct ledger *l, const struct walk_state *st,
                                     const uint8_t *p, size_t rest, struct walk_record *rec)
{
    if (CLV_UNLIKELY(rest < NG_PACKET_MIN || walk_load32(p, st->big_endian) != NG_PACKET))
        return walk_block_slowly(l, st, p, rest, rec);
    const uint32_t len = walk_load32(p + 4, st->big_endian);
    if (CLV_UNLIKELY(len > rest || len > NG_BLOCK_MAX || len < NG_PACKET_MIN || len % 4))
        return walk_block_slowly(l, st, p, rest, rec);
    const uint32_t iface = walk_load32(p + 8, st->big_endian);
    const uint32_t caplen = walk_load32(p + 20, st->big_endian);
    if (CLV_UNLIKELY(walk_load32(p + len - 4, st->big_endian) != len || iface >= st->n_ifaces ||
                     caplen > len - NG_PACKET_MIN))
        return WALK_IMPOSSIBLE;
    if (CLV_UNLIKELY(ng_pad(caplen) != len - NG_PACKET_MIN))
        return walk_block_slowly(l, st, p, rest, rec); /* options */
    rec->raw = p;
    rec->raw_len = len;
    rec->data = p + NG_PACKET_HEADER;
    rec->caplen = caplen;
    rec->origlen = walk_load32(p + 24, st->big_endian);
    rec->bad_options = false;
    rec->iface = st->iface_base + iface;
    rec->ts_ns = walk_time(ng_ticks(p, st->big_endian), ledger_iface(l, rec->iface));
    return WALK_RECORD;
}

#endif
