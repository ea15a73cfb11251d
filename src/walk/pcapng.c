/* SPDX-License-Identifier: BSD-2-Clause */
#include "walk/pcapng.h"

#include "walk/lanes.h"

#define NG_ORDER 0x1a2b3c4dU

enum {
    OPT_END = 0,
    OPT_IF_TSRESOL = 9,
    OPT_IF_FCSLEN = 13,
    OPT_IF_TSOFFSET = 14,
};

struct option {
    uint16_t code, len;
    const uint8_t *value;
};

enum option_step {
    OPTION,
    OPTIONS_OVER,
    OPTIONS_BAD,
};

/* The next of the options in *s, which may end without opt_endofopt. */
static enum option_step next_option(struct clv_span *s, bool big, struct option *o)
{
    if (s->len == 0)
        return OPTIONS_OVER;
    if (s->len < 4)
        return OPTIONS_BAD;
    o->code = walk_load16(s->p, big);
    o->len = walk_load16(s->p + 2, big);
    o->value = s->p + 4;
    if (o->code == OPT_END)
        return OPTIONS_OVER;
    const size_t len = 4 + (size_t)ng_pad(o->len);
    if (len > s->len)
        return OPTIONS_BAD;
    s->p += len;
    s->len -= len;
    return OPTION;
}

static bool options_sound(const uint8_t *p, size_t len, bool big)
{
    struct clv_span s = {p, len};
    struct option o;
    enum option_step step;
    while ((step = next_option(&s, big, &o)) == OPTION)
        ;
    return step == OPTIONS_OVER;
}

/* A section's byte order is its own. false: neither order's magic is there. */
static bool section_order(const uint8_t *p, bool *big)
{
    *big = load_be32(p + 8) == NG_ORDER;
    return *big || load_le32(p + 8) == NG_ORDER;
}

static CLV_COLD bool no_order(const uint8_t *p, enum clv_errc code, const char *path,
                              struct clv_error *err)
{
    return clv_fail(err, code, path,
                    "the section's byte-order magic is %08x, neither %08x nor its reverse",
                    load_be32(p + 8), NG_ORDER);
}

bool walk_block_open(struct walk_format *f, const char *path, struct clv_span head,
                     struct clv_error *err)
{
    if (head.len < NG_SECTION_MIN) {
        (void)clv_fail(err, CLV_ERR_FORMAT, path,
                       "the section header is cut short: %zu of at least %d bytes", head.len,
                       NG_SECTION_MIN);
        return clv_fail_at(err, head.len, 0);
    }
    bool big;
    if (!section_order(head.p, &big)) {
        (void)no_order(head.p, CLV_ERR_FORMAT, path, err);
        return clv_fail_at(err, 8, 0);
    }
    const uint16_t major = walk_load16(head.p + 12, big);
    if (major != 1) {
        (void)clv_fail(err, CLV_ERR_FORMAT, path, "pcapng version %u.%u is not supported; 1.0 is",
                       major, walk_load16(head.p + 14, big));
        return clv_fail_at(err, 12, 0);
    }
    *f = (struct walk_format){
        .kind = WALK_PCAPNG,
        .record_max = NG_BLOCK_MAX,
        .big_endian = big,
        .pub = {.name = "pcapng",
                .big_endian = big,
                .version_major = major,
                .version_minor = walk_load16(head.p + 14, big)},
    };
    return true;
}

static enum walk_step check_packet(const struct walk_state *st, const uint8_t *p, uint32_t len,
                                   struct walk_record *rec)
{
    const bool big = st->big_endian;
    if (len < NG_PACKET_MIN)
        return WALK_IMPOSSIBLE;
    const uint32_t iface = ng_iface(p, rec->type, big);
    rec->caplen = walk_load32(p + 20, big);
    rec->origlen = walk_load32(p + 24, big);
    if (iface >= st->n_ifaces || rec->caplen > len - NG_PACKET_MIN)
        return WALK_IMPOSSIBLE;
    const uint32_t options = NG_PACKET_HEADER + ng_pad(rec->caplen);
    rec->bad_options = !options_sound(p + options, len - 4 - options, big);
    rec->data = p + NG_PACKET_HEADER;
    rec->iface = st->iface_base + iface;
    return WALK_RECORD;
}

/* Its captured length is not stored: snaplen and the block's length bound it (section 4.4). */
static enum walk_step check_simple(const struct ledger *l, const struct walk_state *st,
                                   const uint8_t *p, uint32_t len, struct walk_record *rec)
{
    if (len < NG_SIMPLE_MIN || st->n_ifaces == 0)
        return WALK_IMPOSSIBLE;
    const struct ledger_iface *iface = ledger_iface(l, st->iface_base);
    rec->origlen = walk_load32(p + 8, st->big_endian);
    rec->caplen = rec->origlen;
    if (iface->snaplen && rec->caplen > iface->snaplen)
        rec->caplen = iface->snaplen;
    if (rec->caplen > len - NG_SIMPLE_MIN)
        return WALK_IMPOSSIBLE;
    rec->data = p + NG_SIMPLE_HEADER;
    rec->iface = st->iface_base;
    rec->ts_ns = WALK_NO_TIME;
    rec->bad_options = false;
    return WALK_RECORD;
}

enum walk_step walk_block_slowly(const struct ledger *l, const struct walk_state *st,
                                 const uint8_t *p, size_t rest, struct walk_record *rec)
{
    bool big = st->big_endian;
    if (rest < NG_BLOCK_MIN)
        return WALK_CUT;
    if (walk_begins_savefile(p, rest))
        return WALK_OTHER;
    rec->type = walk_load32(p, big);
    if (rec->type == NG_SECTION && !section_order(p, &big))
        return WALK_IMPOSSIBLE;
    const uint32_t len = walk_load32(p + 4, big);
    if (len < NG_BLOCK_MIN || len > NG_BLOCK_MAX || len % 4)
        return WALK_IMPOSSIBLE;
    if (len > rest)
        return WALK_CUT;
    if (walk_load32(p + len - 4, big) != len)
        return WALK_IMPOSSIBLE;
    rec->raw = p;
    rec->raw_len = len;
    if (rec->type == NG_SIMPLE)
        return check_simple(l, st, p, len, rec);
    if (rec->type != NG_PACKET && rec->type != NG_PACKET_OLD)
        return WALK_BLOCK;
    const enum walk_step step = check_packet(st, p, len, rec);
    if (step == WALK_RECORD)
        rec->ts_ns = walk_time(ng_ticks(p, big), ledger_iface(l, rec->iface));
    return step;
}

/* Nanoseconds in part units, part < units, and what remains; their product may need 94 bits. */
static uint32_t nanoseconds(uint64_t part, uint64_t units, uint64_t *rest)
{
    uint32_t ns = 0;
    uint64_t left = 0;
    for (unsigned bit = 30; bit-- > 0;) {
        ns *= 2;
        if (left >= units - left) {
            left -= units - left;
            ns++;
        } else {
            left *= 2;
        }
        if ((1000000000U >> bit & 1) == 0)
            continue;
        if (left >= units - part) {
            left -= units - part;
            ns++;
        } else {
            left += part;
        }
    }
    *rest = left;
    return ns;
}

int64_t walk_time_slowly(uint64_t ticks, const struct ledger_iface *iface)
{
    enum { S_NS = 1000000000 };
    const int64_t s_max = INT64_MAX / S_NS - 1;
    if (iface->units == 0)
        return WALK_NO_TIME;
    const uint64_t whole = ticks / iface->units;
    uint64_t rest;
    int64_t s;
    if (__builtin_add_overflow(whole, iface->offset_s, &s) || s > s_max)
        return INT64_MAX;
    if (s < -s_max)
        return WALK_NO_TIME + 1;
    return s * S_NS + nanoseconds(ticks % iface->units, iface->units, &rest);
}

uint64_t walk_ticks(int64_t ts_ns, const struct ledger_iface *iface)
{
    enum { S_NS = 1000000000 };
    const uint64_t units = iface->units;
    int64_t s = ts_ns / S_NS, ns = ts_ns % S_NS;
    if (ns < 0) {
        ns += S_NS;
        s--;
    }
    if (ts_ns == WALK_NO_TIME || units == 0 || __builtin_sub_overflow(s, iface->offset_s, &s) ||
        s < 0 || (uint64_t)s > UINT64_MAX / units - 1)
        return 0;
    const uint64_t part = (uint64_t)ns;
    return (uint64_t)s * units + part * (units / S_NS) + part * (units % S_NS) / S_NS;
}

/* Draft section 4.2: the top bit chooses between powers of 2 and of 10. 0: out of range. */
static uint64_t units_of(uint8_t tsresol)
{
    uint64_t units = 1;
    const unsigned power = tsresol & 0x7f;
    if (tsresol & 0x80)
        return power < 64 ? UINT64_C(1) << power : 0;
    if (power > 19)
        return 0;
    for (unsigned i = 0; i < power; i++)
        units *= 10;
    return units;
}

static bool note_section(struct ledger *l, struct walk_state *st, const uint8_t *p, uint32_t len,
                         uint64_t position, struct clv_error *err)
{
    bool big;
    if (len < NG_SECTION_MIN || !section_order(p, &big))
        return clv_fail(err, CLV_ERR_DAMAGE, "", "the section header has %u bytes, but needs %d",
                        len, NG_SECTION_MIN);
    if (walk_load16(p + 12, big) != 1)
        return clv_fail(err, CLV_ERR_DAMAGE, "",
                        "the section has version %u.%u, which is not supported; 1.0 is",
                        walk_load16(p + 12, big), walk_load16(p + 14, big));
    if (!ledger_add(l, LEDGER_SECTION, position, p, len, big))
        return clv_fail_nomem(err, "sections", len);
    l->bad_options += !options_sound(p + 24, len - NG_SECTION_MIN, big);
    *st = (struct walk_state){
        .section = ledger_count(l) - 1,
        .iface_base = atomic_load(&l->n_ifaces),
        .big_endian = big,
        .in_section = true,
    };
    return true;
}

static bool note_interface(struct ledger *l, struct walk_state *st, const uint8_t *p, uint32_t len,
                           uint64_t position, struct clv_error *err)
{
    const bool big = st->big_endian;
    if (len < NG_INTERFACE_MIN)
        return clv_fail(err, CLV_ERR_DAMAGE, "", "the interface block has %u bytes, but needs %d",
                        len, NG_INTERFACE_MIN);
    struct ledger_iface iface = {
        .linktype = walk_load16(p + 8, big),
        .snaplen = walk_load32(p + 12, big),
        .units = 1000000,
    };
    struct clv_span options = {p + 16, len - NG_INTERFACE_MIN};
    struct option o;
    enum option_step step;
    while ((step = next_option(&options, big, &o)) == OPTION) {
        if (o.code == OPT_IF_TSRESOL && o.len == 1) {
            iface.units = units_of(o.value[0]);
        } else if (o.code == OPT_IF_FCSLEN && o.len == 1) {
            iface.fcs_len = o.value[0];
        } else if (o.code == OPT_IF_TSOFFSET && o.len == 8) {
            const uint64_t lo = walk_load32(o.value + (big ? 4 : 0), big);
            const uint64_t hi = walk_load32(o.value + (big ? 0 : 4), big);
            iface.offset_s = (int64_t)(hi << 32 | lo);
        }
    }
    if (!ledger_add(l, LEDGER_INTERFACE, position, p, len, big) || !ledger_add_iface(l, &iface))
        return clv_fail_nomem(err, "interfaces", len);
    l->bad_options += step == OPTIONS_BAD;
    st->n_ifaces++;
    return true;
}

bool walk_block_is_metadata(uint32_t type)
{
    enum {
        ARINC = 8, /* a packet of that bus */
        SYSDIG_EVENT = 0x204,
        SYSDIG_EVENT_FLAGS = 0x208,
        SYSDIG_EVENT_2 = 0x216,
        SYSDIG_EVENT_FLAGS_2 = 0x217,
        SYSDIG_EVENT_LARGE = 0x221,
        SYSDIG_EVENT_FLAGS_LARGE = 0x222,
    };
    switch (type) {
    case NG_SECTION:
    case NG_INTERFACE:
    case NG_PACKET:
    case NG_PACKET_OLD:
    case NG_SIMPLE:
    case NG_STATISTICS:
    case NG_CUSTOM_PRIVATE:
    case ARINC:
    case SYSDIG_EVENT:
    case SYSDIG_EVENT_FLAGS:
    case SYSDIG_EVENT_2:
    case SYSDIG_EVENT_FLAGS_2:
    case SYSDIG_EVENT_LARGE:
    case SYSDIG_EVENT_FLAGS_LARGE:
        return false;
    default:
        return true;
    }
}

bool walk_note(struct ledger *l, struct walk_state *st, const uint8_t *p, uint32_t len,
               uint64_t position, struct clv_error *err)
{
    const uint32_t type = walk_load32(p, st->big_endian);
    if (type == NG_SECTION)
        return note_section(l, st, p, len, position, err);
    if (!st->in_section)
        return clv_fail(err, CLV_ERR_DAMAGE, "", "a block of type %u before any section", type);
    if (type == NG_INTERFACE)
        return note_interface(l, st, p, len, position, err);
    if (walk_block_is_metadata(type) &&
        !ledger_add(l, LEDGER_METADATA, position, p, len, st->big_endian))
        return clv_fail_nomem(err, "metadata", len);
    return true;
}

/* An option of one byte at p, padded. Returns its bytes. */
static uint32_t put_option(uint8_t *p, uint16_t code, uint8_t value)
{
    store_le16(p, code);
    store_le16(p + 2, 1);
    p[4] = value;
    return 8;
}

bool walk_note_savefile(struct ledger *l, struct walk_state *st, const struct clv_capture_format *f,
                        uint64_t position, struct clv_error *err)
{
    uint8_t section[NG_SECTION_MIN] = {0}, iface[NG_INTERFACE_MIN + 20] = {0};
    store_le32(section, NG_SECTION);
    store_le32(section + 4, NG_SECTION_MIN);
    store_le32(section + 8, NG_ORDER);
    store_le16(section + 12, 1);
    memset(section + 16, 0xff, 8); /* of unknown length */
    store_le32(section + 24, NG_SECTION_MIN);
    uint32_t len = 16;
    store_le32(iface, NG_INTERFACE);
    store_le16(iface + 8, f->linktype);
    store_le32(iface + 12, f->snaplen);
    if (f->nanoseconds)
        len += put_option(iface + len, OPT_IF_TSRESOL, 9);
    if (f->fcs_len)
        len += put_option(iface + len, OPT_IF_FCSLEN, f->fcs_len);
    if (len > 16)
        len += 4; /* opt_endofopt */
    len += 4;
    store_le32(iface + 4, len);
    store_le32(iface + len - 4, len);
    return walk_note(l, st, section, sizeof section, position, err) &&
           walk_note(l, st, iface, len, position, err);
}

uint64_t walk_state_at(struct walk_state *st, const struct ledger *l, uint32_t n, uint64_t position)
{
    const uint32_t at = ledger_at(l, n, position);
    const uint32_t section = ledger_entry(l, at)->section;
    const struct ledger_entry *e = ledger_entry(l, section);
    *st = (struct walk_state){
        .section = section,
        .iface_base = e->iface,
        .n_ifaces = UINT32_MAX, /* it was read before: its interface is there */
        .big_endian = e->big_endian,
        .in_section = true,
    };
    return at + 1 < n ? ledger_entry(l, at + 1)->position : UINT64_MAX;
}

/* A person reads it: what walk_block() refused, in the order in which it looks. */
void walk_block_explain(const struct ledger *l, const struct walk_state *st, const char *path,
                        enum walk_step step, struct clv_span rest, uint64_t offset, uint64_t record,
                        struct clv_error *err)
{
    bool big = st->big_endian;
    const uint8_t *p = rest.p;
    const char *hint = "the bytes from here on are not blocks of a pcapng file";
    if (rest.len < NG_BLOCK_MIN) {
        (void)clv_fail(err, CLV_ERR_DAMAGE, path,
                       "the capture ends inside this block: %zu of at least %d bytes are there",
                       rest.len, NG_BLOCK_MIN);
        hint = "";
        (void)walk_hint_cut(err, rest.len);
        goto done;
    }
    if (step == WALK_OTHER) {
        (void)clv_fail(err, CLV_ERR_DAMAGE, path,
                       "another capture begins here, as joined by cat, in classic pcap");
        (void)clv_fail_hint(err, "tail -c +%llu cuts it out, to be split on its own",
                            (unsigned long long)offset + 1);
        (void)clv_fail_at(err, offset, record);
        return;
    }
    const uint32_t type = walk_load32(p, big);
    if (type == NG_SECTION && !section_order(p, &big)) {
        (void)no_order(p, CLV_ERR_DAMAGE, path, err);
        goto done;
    }
    const uint32_t len = walk_load32(p + 4, big);
    if (step == WALK_CUT) {
        (void)clv_fail(err, CLV_ERR_DAMAGE, path,
                       "the capture ends inside this block: %zu of its %u bytes are there",
                       rest.len, len);
        hint = "";
        (void)walk_hint_cut(err, rest.len);
        goto done;
    }
    if (len < NG_BLOCK_MIN || len > NG_BLOCK_MAX || len % 4) {
        (void)clv_fail(
            err, CLV_ERR_DAMAGE, path,
            "a block of type %u cannot have %u bytes: it needs a multiple of 4, from %d to %d",
            type, len, NG_BLOCK_MIN, NG_BLOCK_MAX);
        goto done;
    }
    const uint32_t trailer = walk_load32(p + len - 4, big);
    if (trailer != len) {
        (void)clv_fail(err, CLV_ERR_DAMAGE, path,
                       "the block's length is %u at its beginning and %u at its end", len, trailer);
        goto done;
    }
    const uint32_t iface = len < NG_PACKET_MIN ? 0 : ng_iface(p, type, big);
    hint = ""; /* the block is one */
    if (len < (type == NG_SIMPLE ? NG_SIMPLE_MIN : NG_PACKET_MIN))
        (void)clv_fail(err, CLV_ERR_DAMAGE, path, "a packet block of %u bytes is too short", len);
    else if (iface >= st->n_ifaces)
        (void)clv_fail(err, CLV_ERR_DAMAGE, path,
                       "a packet of interface %u; interfaces described before it: %u", iface,
                       st->n_ifaces);
    else if (type == NG_SIMPLE)
        (void)clv_fail(err, CLV_ERR_DAMAGE, path,
                       "the packet promises %u bytes (snaplen %u), its block has %u",
                       walk_load32(p + 8, big), ledger_iface(l, st->iface_base)->snaplen,
                       len - NG_SIMPLE_MIN);
    else
        (void)clv_fail(err, CLV_ERR_DAMAGE, path, "the packet promises %u bytes, its block has %u",
                       walk_load32(p + 20, big), len - NG_PACKET_MIN);
done:
    if (*hint)
        (void)clv_fail_hint(err, "%s", hint);
    (void)clv_fail_at(err, offset, record);
}

/* Bytes of a packet block that may well begin at p, or 0. */
static uint32_t plausible(const struct walk_state *st, const uint8_t *p, size_t rest)
{
    const bool big = st->big_endian;
    if (rest < NG_PACKET_MIN || walk_load32(p, big) != NG_PACKET)
        return 0;
    const uint32_t len = walk_load32(p + 4, big);
    if (len % 4 || len < NG_PACKET_MIN || len > NG_BLOCK_MAX ||
        walk_load32(p + 8, big) >= st->n_ifaces || walk_load32(p + 20, big) > len - NG_PACKET_MIN)
        return 0;
    if (len <= rest && walk_load32(p + len - 4, big) != len)
        return 0;
    return len;
}

size_t walk_block_guess(const struct walk_state *st, struct clv_span s, size_t from)
{
    enum { CHAIN = 3, SEARCH = 256 * 1024 };
    const size_t stop = s.len - from > SEARCH ? from + SEARCH : s.len;
    for (size_t at = from; at < stop; at++) {
        size_t next = at;
        unsigned chain = 0;
        uint32_t len;
        while (chain < CHAIN && next < s.len &&
               (len = plausible(st, s.p + next, s.len - next)) != 0 && len <= s.len - next) {
            next += len;
            chain++;
        }
        if (chain == CHAIN || (chain && next == s.len))
            return at;
    }
    return s.len;
}

/*
 * Bytes of a block of a known type, whole and within the horizon at p, or 0. *st is what a block
 * behind it is read in.
 */
static uint32_t known_block(struct walk_state *st, const uint8_t *p, size_t rest)
{
    bool big = st->big_endian;
    if (rest < NG_BLOCK_MIN)
        return 0;
    const uint32_t type = walk_load32(p, big);
    const bool known = type == NG_SECTION || (type >= NG_INTERFACE && type <= NG_SECRETS) ||
                       type == NG_CUSTOM || type == NG_CUSTOM_PRIVATE;
    if (!known || (type == NG_SECTION && !section_order(p, &big)))
        return 0;
    const uint32_t len = walk_load32(p + 4, big);
    if (len < NG_BLOCK_MIN || len > rest || len % 4 || walk_load32(p + len - 4, big) != len)
        return 0;
    if (type == NG_PACKET && (len < NG_PACKET_MIN || walk_load32(p + 8, big) >= st->n_ifaces ||
                              walk_load32(p + 20, big) > len - NG_PACKET_MIN))
        return 0;
    if (type == NG_SECTION) {
        if (len < NG_SECTION_MIN || walk_load16(p + 12, big) != 1)
            return 0;
        st->big_endian = big;
        st->n_ifaces = 0;
        st->in_section = true;
    } else if (type == NG_INTERFACE) {
        if (len < NG_INTERFACE_MIN || !st->in_section || walk_load16(p + 10, big) != 0)
            return 0; /* the reserved field, which writers set to 0 (section 4.2) */
        st->n_ifaces++;
    }
    return len;
}

size_t walk_block_search(const struct walk_state *st, struct clv_span s, size_t from, size_t limit,
                         size_t block_max)
{
    enum { CHAIN = 2 };
    for (size_t at = from; at < limit; at++) {
        const size_t horizon = s.len - at > block_max ? at + block_max : s.len;
        struct walk_state then = *st;
        size_t next = at;
        unsigned chain = 0;
        uint32_t len;
        while (chain < CHAIN && next < horizon &&
               (len = known_block(&then, s.p + next, horizon - next)) != 0) {
            next += len;
            chain++;
        }
        /*
         * One packet block alone is consistent in so many places that it is believed. So is the
         * description of a section or an interface: without it the packets behind are lost.
         */
        const uint32_t type = chain ? walk_load32(s.p + at, st->big_endian) : 0;
        if (chain == CHAIN || (chain && next >= horizon) || type == NG_PACKET ||
            type == NG_SECTION || type == NG_INTERFACE)
            return at;
    }
    return limit;
}

bool walk_block_rounds(const uint8_t *p, const struct walk_state *st, uint64_t units)
{
    const bool big = st->big_endian;
    if (walk_load32(p, big) == NG_SIMPLE)
        return false;
    const uint64_t ticks = ng_ticks(p, big);
    uint64_t rest;
    (void)nanoseconds(ticks % units, units, &rest);
    return rest != 0;
}

CLV_INLINE size_t guess_block(const void *how, struct clv_span s, size_t from)
{
    return walk_block_guess(how, s, from);
}

CLV_INLINE size_t block_len(const void *how, const uint8_t *p, size_t rest)
{
    const struct walk_state *st = how;
    const uint32_t len = rest < NG_BLOCK_MIN ? 0 : walk_load32(p + 4, st->big_endian);
    return len < NG_BLOCK_MIN || len > rest ? 0 : len;
}

void walk_block_touch(const struct walk_state *st, struct clv_span s, size_t from, size_t to)
{
    lanes_touch(st, guess_block, block_len, s, from, to);
}
