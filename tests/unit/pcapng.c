/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_pcapng.h"

#include "base/mem.h"
#include "walk/pcapng.h"

/* What a packet is found in: sections and interfaces that were noted before it. */
struct scene {
    struct ledger l;
    struct walk_state st;
};

struct iface_row {
    uint32_t snaplen;
    uint8_t tsresol; /* as the option has it; 0: no option */
    int64_t tsoffset;
};

static void note(struct scene *s, const struct bytes *b)
{
    struct clv_error err = {0};
    for (size_t at = 0; at < b->len;) {
        struct walk_record rec;
        CHECK_EQ("scene", walk_block(&s->l, &s->st, b->p + at, b->len - at, &rec), WALK_BLOCK);
        CHECK("scene", walk_note(&s->l, &s->st, rec.raw, rec.raw_len, at, &err));
        at += rec.raw_len;
    }
}

static void put_iface(struct bytes *b, bool big, unsigned linktype, const struct iface_row *row)
{
    const size_t at = block_begin(b, big, BLOCK_INTERFACE);
    put_interface_head(b, big, linktype, row->snaplen);
    if (row->tsresol)
        put_option_byte(b, big, OPTION_TSRESOL, row->tsresol);
    if (row->tsoffset) {
        struct bytes value = {0};
        put64(&value, big, (uint64_t)row->tsoffset);
        put_option(b, big, OPTION_TSOFFSET, value.p, value.len);
        bytes_free(&value);
    }
    if (row->tsresol || row->tsoffset)
        put_option(b, big, OPTION_END, NULL, 0);
    block_end(b, big, at);
}

/* One section of another order with two interfaces, then one of the order with n of them. */
static void begin(struct scene *s, bool big, const struct iface_row *ifaces, unsigned n)
{
    static const struct iface_row plain = {0};
    struct bytes b = {0};
    memset(s, 0, sizeof *s);
    ledger_init(&s->l, 1 << 20);
    put_section(&b, !big);
    put_iface(&b, !big, 101, &plain);
    put_iface(&b, !big, 101, &plain);
    put_section(&b, big);
    for (unsigned i = 0; i < n; i++)
        put_iface(&b, big, i, &ifaces[i]);
    note(s, &b);
    CHECK_EQ("scene", s->st.section, 3);
    CHECK_EQ("scene", s->st.iface_base, 2);
    CHECK_EQ("scene", s->st.n_ifaces, n);
    CHECK_EQ("scene", s->st.big_endian, big);
    bytes_free(&b);
}

static void end(struct scene *s)
{
    ledger_fini(&s->l);
}

static const char *ordered(char *buf, size_t len, const char *name, bool big)
{
    (void)snprintf(buf, len, "%s, %s", name, big ? "big" : "little");
    return buf;
}

/* Options of a packet, or what stands in their place. */
enum tail {
    NO_TAIL,
    END_ALONE,
    COMMENT,        /* and the end */
    COMMENT_NO_END, /* the block ends instead */
    TWO_OPTIONS,
    FILLS_EXACTLY,   /* an option whose padding is the last of the block */
    JUNK_BEHIND_END, /* nothing looks there */
    TOO_LONG,        /* an option of one byte more than there is */
    MUCH_TOO_LONG,
    SECOND_TOO_LONG,
};

static void put_tail(struct bytes *b, bool big, enum tail tail)
{
    switch (tail) {
    case END_ALONE:
        put_option(b, big, OPTION_END, NULL, 0);
        break;
    case COMMENT:
        put_option(b, big, OPTION_COMMENT, "hello", 5);
        put_option(b, big, OPTION_END, NULL, 0);
        break;
    case COMMENT_NO_END:
        put_option(b, big, OPTION_COMMENT, "hello", 5);
        break;
    case TWO_OPTIONS:
        put_option(b, big, OPTION_COMMENT, "", 0);
        put_option(b, big, 2, "flag", 4);
        put_option(b, big, OPTION_END, NULL, 0);
        break;
    case FILLS_EXACTLY:
        put_option(b, big, OPTION_COMMENT, "abc", 3);
        break;
    case JUNK_BEHIND_END:
        put_option(b, big, OPTION_END, NULL, 0);
        put_fill(b, 0xff, 8);
        break;
    case TOO_LONG:
        put16(b, big, OPTION_COMMENT);
        put16(b, big, 5);
        put_fill(b, 'x', 4);
        break;
    case MUCH_TOO_LONG:
        put16(b, big, OPTION_COMMENT);
        put16(b, big, 0xffff);
        break;
    case SECOND_TOO_LONG:
        put_option(b, big, OPTION_COMMENT, "ab", 2);
        put16(b, big, OPTION_COMMENT);
        put16(b, big, 1);
        break;
    default:
        break;
    }
}

struct packet_row {
    const char *name;
    uint32_t type;
    uint32_t iface;
    uint32_t caplen, origlen; /* as stored; a simple block stores the latter */
    uint32_t present;         /* bytes of data before padding */
    enum tail tail;
    enum walk_step want;
    uint32_t want_caplen;
    const char *what; /* of a refusal */
};

/* Interface 0 takes 100 bytes of a packet, interface 1 any number; there is no interface 2. */
static const struct iface_row packet_ifaces[] = {{.snaplen = 100}, {.snaplen = 0}};

#define EPB BLOCK_PACKET
#define OPB BLOCK_PACKET_OLD
#define SPB BLOCK_SIMPLE

static const struct packet_row packet_rows[] = {
    {"packet", EPB, 0, 60, 60, 60, NO_TAIL, WALK_RECORD, 60, NULL},
    {"packet, shorter than the wire", EPB, 0, 40, 1500, 40, NO_TAIL, WALK_RECORD, 40, NULL},
    {"packet, longer than the wire", EPB, 0, 60, 40, 60, NO_TAIL, WALK_RECORD, 60, NULL},
    {"packet, longer than its snaplen", EPB, 0, 200, 200, 200, NO_TAIL, WALK_RECORD, 200, NULL},
    {"packet, no bytes", EPB, 0, 0, 60, 0, NO_TAIL, WALK_RECORD, 0, NULL},
    {"packet, one byte", EPB, 0, 1, 1, 1, NO_TAIL, WALK_RECORD, 1, NULL},
    {"packet, two bytes", EPB, 0, 2, 2, 2, NO_TAIL, WALK_RECORD, 2, NULL},
    {"packet, three bytes", EPB, 0, 3, 3, 3, NO_TAIL, WALK_RECORD, 3, NULL},
    {"packet, a huge wire length", EPB, 0, 4, UINT32_MAX, 4, NO_TAIL, WALK_RECORD, 4, NULL},
    {"packet, another interface", EPB, 1, 60, 60, 60, NO_TAIL, WALK_RECORD, 60, NULL},
    {"packet, options end", EPB, 0, 60, 60, 60, END_ALONE, WALK_RECORD, 60, NULL},
    {"packet, a comment", EPB, 0, 61, 61, 61, COMMENT, WALK_RECORD, 61, NULL},
    {"packet, a comment without an end", EPB, 0, 61, 61, 61, COMMENT_NO_END, WALK_RECORD, 61, NULL},
    {"packet, two options", EPB, 0, 62, 62, 62, TWO_OPTIONS, WALK_RECORD, 62, NULL},
    {"packet, an option fills", EPB, 0, 63, 63, 63, FILLS_EXACTLY, WALK_RECORD, 63, NULL},
    {"packet, junk behind the end", EPB, 0, 63, 63, 63, JUNK_BEHIND_END, WALK_RECORD, 63, NULL},
    {"packet, no bytes, options", EPB, 0, 0, 9, 0, COMMENT, WALK_RECORD, 0, NULL},
    {"packet, an option too long", EPB, 0, 60, 60, 60, TOO_LONG, WALK_RECORD, 60, NULL},
    {"packet, an option much too long", EPB, 0, 60, 60, 60, MUCH_TOO_LONG, WALK_RECORD, 60, NULL},
    {"packet, its second option too long", EPB, 0, 60, 60, 60, SECOND_TOO_LONG, WALK_RECORD, 60,
     NULL},
    {"packet, a byte too few", EPB, 0, 61, 61, 60, NO_TAIL, WALK_IMPOSSIBLE, 0,
     "the packet promises 61 bytes, its block has 60"},
    {"packet, impossible", EPB, 0, UINT32_MAX, 60, 60, NO_TAIL, WALK_IMPOSSIBLE, 0,
     "the packet promises 4294967295 bytes, its block has 60"},
    {"packet, impossible, padding would wrap", EPB, 0, UINT32_MAX - 2, 60, 0, NO_TAIL,
     WALK_IMPOSSIBLE, 0, "the packet promises 4294967293 bytes, its block has 0"},
    {"packet, no such interface", EPB, 2, 60, 60, 60, NO_TAIL, WALK_IMPOSSIBLE, 0,
     "a packet of interface 2; interfaces described before it: 2"},
    {"packet, the last interface number", EPB, UINT32_MAX, 60, 60, 60, NO_TAIL, WALK_IMPOSSIBLE, 0,
     "a packet of interface 4294967295; interfaces described before it: 2"},
    {"old packet", OPB, 0, 60, 60, 60, NO_TAIL, WALK_RECORD, 60, NULL},
    {"old packet, padded", OPB, 1, 57, 1500, 57, NO_TAIL, WALK_RECORD, 57, NULL},
    {"old packet, no bytes", OPB, 1, 0, 1500, 0, NO_TAIL, WALK_RECORD, 0, NULL},
    {"old packet, a comment", OPB, 0, 59, 59, 59, COMMENT, WALK_RECORD, 59, NULL},
    {"old packet, an option too long", OPB, 0, 60, 60, 60, TOO_LONG, WALK_RECORD, 60, NULL},
    {"old packet, a byte too few", OPB, 0, 61, 61, 60, NO_TAIL, WALK_IMPOSSIBLE, 0,
     "the packet promises 61 bytes, its block has 60"},
    {"old packet, no such interface", OPB, 2, 60, 60, 60, NO_TAIL, WALK_IMPOSSIBLE, 0,
     "a packet of interface 2; interfaces described before it: 2"},
    {"simple packet", SPB, 0, 0, 60, 60, NO_TAIL, WALK_RECORD, 60, NULL},
    {"simple packet, padded", SPB, 0, 0, 57, 57, NO_TAIL, WALK_RECORD, 57, NULL},
    {"simple packet, no bytes", SPB, 0, 0, 0, 0, NO_TAIL, WALK_RECORD, 0, NULL},
    {"simple packet, exactly its snaplen", SPB, 0, 0, 100, 100, NO_TAIL, WALK_RECORD, 100, NULL},
    {"simple packet, cut to its snaplen", SPB, 0, 0, 101, 100, NO_TAIL, WALK_RECORD, 100, NULL},
    {"simple packet, much longer on the wire", SPB, 0, 0, UINT32_MAX, 100, NO_TAIL, WALK_RECORD,
     100, NULL},
    {"simple packet, a block longer than needed", SPB, 0, 0, 10, 60, NO_TAIL, WALK_RECORD, 10,
     NULL},
    {"simple packet, bytes beyond its snaplen", SPB, 0, 0, 120, 120, NO_TAIL, WALK_RECORD, 100,
     NULL},
    {"simple packet, a byte too few", SPB, 0, 0, 61, 60, NO_TAIL, WALK_IMPOSSIBLE, 0,
     "the packet promises 61 bytes (snaplen 100), its block has 60"},
    {"simple packet, fewer than its snaplen", SPB, 0, 0, 1500, 96, NO_TAIL, WALK_IMPOSSIBLE, 0,
     "the packet promises 1500 bytes (snaplen 100), its block has 96"},
};

static void put_row(struct bytes *b, bool big, const struct packet_row *r)
{
    const size_t at = block_begin(b, big, r->type);
    if (r->type == SPB) {
        put32(b, big, r->origlen);
    } else {
        if (r->type == EPB) {
            put32(b, big, r->iface);
        } else {
            put16(b, big, (uint16_t)r->iface);
            put16(b, big, 0xabcd); /* packets that were dropped: no part of the number */
        }
        put_packet_head(b, big, 5000001, r->caplen, r->origlen);
    }
    put_fill(b, 0x5a, r->present);
    put_fill(b, 0, (4 - r->present % 4) % 4);
    put_tail(b, big, r->tail);
    block_end(b, big, at);
}

static void test_packets(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(packet_rows); i++) {
        const struct packet_row *r = &packet_rows[i / 2];
        const bool big = i % 2;
        char row[96];
        struct scene s;
        struct bytes b = {0};
        struct walk_record rec = {0};
        struct clv_error err = {0};
        (void)ordered(row, sizeof row, r->name, big);
        begin(&s, big, packet_ifaces, 2);
        put_row(&b, big, r);
        uint8_t *p = tight_copy(b.p, b.len);
        const struct clv_span rest = {p, b.len};
        const enum walk_step step = walk_block(&s.l, &s.st, p, b.len, &rec);
        CHECK_EQ(row, step, r->want);
        if (step == WALK_RECORD) {
            CHECK(row, rec.raw == p);
            CHECK_EQ(row, rec.raw_len, b.len);
            CHECK(row, rec.data == p + (r->type == SPB ? 12 : 28));
            CHECK_EQ(row, rec.caplen, r->want_caplen);
            CHECK_EQ(row, rec.origlen, r->origlen);
            CHECK_EQ(row, rec.bad_options, r->tail >= TOO_LONG);
            CHECK_EQ(row, rec.iface, 2 + r->iface);
            CHECK_EQ(row, rec.ts_ns, r->type == SPB ? WALK_NO_TIME : 5000001000);
        } else {
            walk_block_explain(&s.l, &s.st, "day.pcapng", step, rest, 4096, 17, &err);
            CHECK_EQ(row, err.code, CLV_ERR_DAMAGE);
            CHECK_EQ(row, err.offset, 4096);
            CHECK_EQ(row, err.record, 17);
            CHECK_STR(row, err.subject, "day.pcapng");
            CHECK_STR(row, err.what, r->what);
            CHECK_STR(row, err.hint, "");
        }
        free(p);
        bytes_free(&b);
        end(&s);
    }
}

/* A simple packet block where no interface bounds it, and where there is none at all. */
static void test_simple_alone(void **state)
{
    static const struct iface_row unbounded = {.snaplen = 0};
    static const uint8_t data[300] = {0};
    (void)state;
    for (unsigned big = 0; big < 2; big++)
        for (unsigned n = 0; n < 2; n++) {
            struct scene s;
            struct bytes b = {0};
            struct walk_record rec;
            struct clv_error err = {0};
            begin(&s, big, &unbounded, n);
            put_simple(&b, big, data, 300, 300);
            const enum walk_step step = walk_block(&s.l, &s.st, b.p, b.len, &rec);
            CHECK_EQ(n ? "unbounded" : "no interface", step, n ? WALK_RECORD : WALK_IMPOSSIBLE);
            if (n) {
                CHECK_EQ("unbounded", rec.caplen, 300);
            } else {
                walk_block_explain(&s.l, &s.st, "a", step, (struct clv_span){b.p, b.len}, 0, 1,
                                   &err);
                CHECK_STR("no interface", err.what,
                          "a packet of interface 0; interfaces described before it: 0");
            }
            bytes_free(&b);
            end(&s);
        }
}

/* A sound block of 40 bytes with its numbers changed. */
static void test_lengths(void **state)
{
    enum { LEN = 40, AS_IS = 1, SAME = 2 };
    static const struct {
        const char *name;
        uint32_t type, len, trailer; /* AS_IS: 40; SAME: as len */
        enum walk_step want;
        const char *what, *hint;
    } rows[] = {
        {"sound", 99, AS_IS, AS_IS, WALK_BLOCK, NULL, NULL},
        {"sound packet", 6, AS_IS, AS_IS, WALK_RECORD, NULL, NULL},
        {"length 0", 99, 0, AS_IS, WALK_IMPOSSIBLE,
         "a block of type 99 cannot have 0 bytes: it needs a multiple of 4, from 12 to 16777216",
         "not"},
        {"length 8", 99, 8, AS_IS, WALK_IMPOSSIBLE, "of type 99 cannot have 8 bytes", "not"},
        {"length 11", 99, 11, AS_IS, WALK_IMPOSSIBLE, "cannot have 11 bytes", "not"},
        {"length 38", 99, 38, AS_IS, WALK_IMPOSSIBLE, "cannot have 38 bytes", "not"},
        {"length 39 of a packet", 6, 39, AS_IS, WALK_IMPOSSIBLE, "cannot have 39 bytes", "not"},
        {"length 41", 99, 41, AS_IS, WALK_IMPOSSIBLE, "cannot have 41 bytes", "not"},
        {"longer than libpcap takes", 99, (16 << 20) + 4, AS_IS, WALK_IMPOSSIBLE,
         "cannot have 16777220 bytes", "not"},
        {"packet longer than libpcap takes", 6, (16 << 20) + 4, AS_IS, WALK_IMPOSSIBLE,
         "cannot have 16777220 bytes", "not"},
        {"the longest length", 99, UINT32_MAX, AS_IS, WALK_IMPOSSIBLE,
         "cannot have 4294967295 bytes", "not"},
        {"the longest multiple of 4", 6, UINT32_MAX - 3, AS_IS, WALK_IMPOSSIBLE,
         "cannot have 4294967292 bytes", "not"},
        {"four bytes are missing", 99, 44, AS_IS, WALK_CUT, "inside this block: 40 of its 44 bytes",
         "cut"},
        {"a packet, four bytes are missing", 6, 44, AS_IS, WALK_CUT,
         "inside this block: 40 of its 44 bytes", "cut off"},
        {"as long as libpcap takes", 99, 16 << 20, AS_IS, WALK_CUT,
         "inside this block: 40 of its 16777216 bytes", "cut off"},
        {"a packet as long as libpcap takes", 6, 16 << 20, AS_IS, WALK_CUT,
         "inside this block: 40 of its 16777216 bytes", "cut off"},
        {"another length at the end", 99, AS_IS, 44, WALK_IMPOSSIBLE,
         "the block's length is 40 at its beginning and 44 at its end", "not"},
        {"packet, another length at the end", 6, AS_IS, 36, WALK_IMPOSSIBLE,
         "the block's length is 40 at its beginning and 36 at its end", "not"},
        {"packet of 12 bytes", 6, 12, SAME, WALK_IMPOSSIBLE, "a packet block of 12 bytes is too",
         ""},
        {"packet of 28 bytes", 6, 28, SAME, WALK_IMPOSSIBLE, "a packet block of 28 bytes is too",
         ""},
        {"old packet of 28 bytes", 2, 28, SAME, WALK_IMPOSSIBLE,
         "a packet block of 28 bytes is too short", ""},
        {"simple packet of 12 bytes", 3, 12, SAME, WALK_IMPOSSIBLE,
         "a packet block of 12 bytes is too short", ""},
        {"the shortest block", 99, 12, SAME, WALK_BLOCK, NULL, NULL},
        {"the shortest packet", 6, 32, SAME, WALK_RECORD, NULL, NULL},
        {"a section without its magic", 0x0a0d0d0a, AS_IS, AS_IS, WALK_IMPOSSIBLE,
         "byte-order magic is 00000000", "not"},
    };
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(rows); i++) {
        const bool big = i % 2;
        const uint32_t len = rows[i / 2].len == AS_IS ? LEN : rows[i / 2].len;
        const uint32_t trailer = rows[i / 2].trailer == AS_IS  ? LEN
                                 : rows[i / 2].trailer == SAME ? len
                                                               : rows[i / 2].trailer;
        char row[96];
        uint8_t block[LEN] = {0};
        struct scene s;
        struct walk_record rec = {0};
        struct clv_error err = {0};
        (void)ordered(row, sizeof row, rows[i / 2].name, big);
        begin(&s, big, packet_ifaces, 2);
        set32(block, big, rows[i / 2].type);
        set32(block + 4, big, len);
        set32(block + (rows[i / 2].trailer == SAME ? len : LEN) - 4, big, trailer);
        uint8_t *p = tight_copy(block, LEN);
        const enum walk_step step = walk_block(&s.l, &s.st, p, LEN, &rec);
        CHECK_EQ(row, step, rows[i / 2].want);
        if (rows[i / 2].what) {
            walk_block_explain(&s.l, &s.st, "a", step, (struct clv_span){p, LEN}, 7, 1, &err);
            CHECK_EQ(row, err.code, CLV_ERR_DAMAGE);
            CHECK_EQ(row, err.offset, 7);
            CHECK_HAS(row, err.what, rows[i / 2].what);
            CHECK_HAS(row, err.hint, rows[i / 2].hint);
        } else {
            CHECK(row, rec.raw == p);
            CHECK_EQ(row, rec.raw_len, len);
        }
        free(p);
        end(&s);
    }
}

/* Blocks of all types that are no packets; those unknown too. */
static void test_other_blocks(void **state)
{
    static const struct {
        const char *name;
        uint32_t type;
    } rows[] = {
        {"interface", BLOCK_INTERFACE},
        {"names", BLOCK_NAMES},
        {"statistics", BLOCK_STATISTICS},
        {"journal", 9},
        {"secrets", BLOCK_SECRETS},
        {"custom", BLOCK_CUSTOM},
        {"private custom", BLOCK_CUSTOM_PRIVATE},
        {"reserved", 0},
        {"7", 7},
        {"the highest", UINT32_MAX},
    };
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(rows); i++) {
        const bool big = i % 2;
        for (size_t len = 0; len < 9; len++) {
            char row[96];
            struct scene s;
            struct bytes b = {0};
            struct walk_record rec = {0};
            (void)ordered(row, sizeof row, rows[i / 2].name, big);
            begin(&s, big, packet_ifaces, 1);
            put_block(&b, big, rows[i / 2].type, "12345678", len);
            put_fill(&b, 0xee, 4);
            uint8_t *p = tight_copy(b.p, b.len);
            CHECK_EQ(row, walk_block(&s.l, &s.st, p, b.len, &rec), WALK_BLOCK);
            CHECK(row, rec.raw == p);
            CHECK_EQ(row, rec.raw_len, 12 + (len + 3) / 4 * 4);
            CHECK_EQ(row, rec.type, rows[i / 2].type);
            free(p);
            bytes_free(&b);
            end(&s);
        }
    }
}

/* Sections in either order are blocks in a section of either order. */
static void test_sections(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        const bool big = i & 1, other = i & 2;
        char row[96];
        struct scene s;
        struct bytes b = {0};
        struct walk_record rec = {0};
        (void)snprintf(row, sizeof row, "a %s section in a %s one", other ? "big" : "little",
                       big ? "big" : "little");
        begin(&s, big, packet_ifaces, 1);
        put_section(&b, other);
        uint8_t *p = tight_copy(b.p, b.len);
        for (size_t len = 0; len < b.len; len++) {
            uint8_t *cut = tight_copy(p, len);
            CHECK_EQ(row, walk_block(&s.l, &s.st, len ? cut : cut + 1, len, &rec), WALK_CUT);
            free(cut);
        }
        CHECK_EQ(row, walk_block(&s.l, &s.st, p, b.len, &rec), WALK_BLOCK);
        CHECK_EQ(row, rec.raw_len, 28);
        CHECK_EQ(row, rec.type, BLOCK_SECTION);
        CHECK(row, walk_note(&s.l, &s.st, p, (uint32_t)b.len, 1000, NULL));
        CHECK_EQ(row, s.st.big_endian, other);
        CHECK_EQ(row, s.st.n_ifaces, 0);
        CHECK_EQ(row, s.st.iface_base, 3);
        CHECK_EQ(row, s.st.section, 5);
        free(p);
        bytes_free(&b);
        end(&s);
    }
}

/* Every beginning of a packet block is one that was cut, and says so. */
static void test_cut(void **state)
{
    static const uint32_t types[] = {EPB, OPB, SPB};
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(types); i++) {
        const bool big = i % 2;
        const struct packet_row r = {.type = types[i / 2],
                                     .caplen = 20,
                                     .origlen = 20,
                                     .present = 20,
                                     .tail = types[i / 2] == SPB ? NO_TAIL : COMMENT};
        struct scene s;
        struct bytes b = {0};
        begin(&s, big, packet_ifaces, 1);
        put_row(&b, big, &r);
        for (size_t len = 0; len < b.len; len++) {
            char row[64], want[128];
            struct walk_record rec;
            struct clv_error err = {0};
            uint8_t *block = tight_copy(b.p, len);
            const uint8_t *p = len ? block : block + 1;
            (void)snprintf(row, sizeof row, "type %u, %zu of %zu bytes", types[i / 2], len, b.len);
            const enum walk_step step = walk_block(&s.l, &s.st, p, len, &rec);
            CHECK_EQ(row, step, WALK_CUT);
            walk_block_explain(&s.l, &s.st, "a", step, (struct clv_span){p, len}, 5, 6, &err);
            if (len < 12)
                (void)snprintf(
                    want, sizeof want,
                    "the capture ends inside this block: %zu of at least 12 bytes are there", len);
            else
                (void)snprintf(want, sizeof want,
                               "the capture ends inside this block: %zu of its %zu bytes are there",
                               len, b.len);
            CHECK_STR(row, err.what, want);
            CHECK_HAS(row, err.hint, "cut off");
            free(block);
        }
        bytes_free(&b);
        end(&s);
    }
}

#define TWO_TO(n) (UINT64_C(1) << (n))
#define TEN_19 (UINT64_C(10000000000000000000))

static void test_time(void **state)
{
    static const struct {
        const char *name;
        uint64_t units;
        int64_t offset_s;
        uint64_t ticks;
        int64_t want;
    } rows[] = {
        {"us, the epoch", 1000000, 0, 0, 0},
        {"us", 1000000, 0, 1795391999123456, 1795391999123456000},
        {"us, the last second that is whole", 1000000, 0, INT64_C(9223372035999999),
         INT64_C(9223372035999999000)},
        {"us, too late", 1000000, 0, INT64_MAX / 1000 + 1, INT64_MAX},
        {"us, the last tick", 1000000, 0, UINT64_MAX, INT64_MAX},
        {"ns", 1000000000, 0, 1795391999123456789, 1795391999123456789},
        {"ns, small", 1000000000, 0, 1, 1},
        {"ns, about where us end", 1000000000, 0, INT64_MAX / 1000, INT64_MAX / 1000},
        {"ns, the last second that is whole", 1000000000, 0, INT64_C(9223372035999999999),
         INT64_C(9223372035999999999)},
        {"ns, the last", 1000000000, 0, INT64_MAX, INT64_MAX},
        {"ns, one more", 1000000000, 0, (uint64_t)INT64_MAX + 1, INT64_MAX},
        {"ns, the last tick", 1000000000, 0, UINT64_MAX, INT64_MAX},
        {"seconds", 1, 0, 1700000000, INT64_C(1700000000000000000)},
        {"seconds, too late", 1, 0, 9223372037, INT64_MAX},
        {"seconds, the last tick", 1, 0, UINT64_MAX, INT64_MAX},
        {"ms", 1000, 0, 1700000000123, INT64_C(1700000000123000000)},
        {"10^10, rounded down", UINT64_C(10000000000), 0, UINT64_C(17000000000000000019),
         INT64_C(1700000000000000001)},
        {"10^12", UINT64_C(1000000000000), 0, UINT64_C(17000000000000000000),
         INT64_C(17000000000000000)},
        {"10^18", UINT64_C(1000000000000000000), 0, UINT64_MAX, INT64_C(18446744073)},
        {"10^19, less than a second", TEN_19, 0, TEN_19 - 1, 999999999},
        {"10^19, a second", TEN_19, 0, TEN_19, 1000000000},
        {"10^19, the last tick", TEN_19, 0, UINT64_MAX, 1844674407},
        {"2^1", TWO_TO(1), 0, 3, 1500000000},
        {"2^10, rounded down", TWO_TO(10), 0, 1023, 999023437},
        {"2^30, rounded down", TWO_TO(30), 0, (UINT64_C(1700000000) << 30) + 1,
         INT64_C(1700000000000000000)},
        {"2^32, all ones", TWO_TO(32), 0, UINT64_C(1700000000) << 32 | UINT32_MAX,
         INT64_C(1700000000999999999)},
        {"2^63, a half", TWO_TO(63), 0, TWO_TO(62), 500000000},
        {"2^63, less than a second", TWO_TO(63), 0, TWO_TO(63) - 1, 999999999},
        {"2^63, the last tick", TWO_TO(63), 0, UINT64_MAX, 1999999999},
        {"2^63, one tick", TWO_TO(63), 0, 1, 0},
        {"an offset", 1000000, 1700000000, 1, INT64_C(1700000000000001000)},
        {"an offset back", 1000000, -10, 5000000, -INT64_C(5000000000)},
        {"an offset to before the epoch, with a fraction", 1000000, -2, 1500000, -500000000},
        {"ns, an offset back", 1000000000, -1, 999999999, -1},
        {"far back", 1000000, -INT64_C(9223372035), 0, -INT64_C(9223372035000000000)},
        {"further back than 64 bits reach", 1000000, -INT64_C(9223372037), 0, INT64_MIN + 1},
        {"the first offset", 1000000, INT64_MIN, 0, INT64_MIN + 1},
        {"the first offset, from the last tick", 1000000, INT64_MIN, UINT64_MAX, INT64_MIN + 1},
        {"the last offset", 1000000, INT64_MAX, 0, INT64_MAX},
        {"the last offset and more", 1000000, INT64_MAX, UINT64_MAX, INT64_MAX},
        {"seconds, the last offset, the last tick", 1, INT64_MAX, UINT64_MAX, INT64_MAX},
        {"seconds beyond 63 bits that an offset brings back", 1, INT64_MIN, TWO_TO(63) + 100,
         INT64_C(100000000000)},
        {"seconds, the first offset, the last tick", 1, INT64_MIN, UINT64_MAX, INT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct ledger_iface iface = {.units = rows[i].units, .offset_s = rows[i].offset_s};
        CHECK_EQ(rows[i].name, walk_time(rows[i].ticks, &iface), rows[i].want);
        CHECK_EQ(rows[i].name, walk_time_slowly(rows[i].ticks, &iface), rows[i].want);
    }
}

/* The two ways to a time agree, and times are in the order of their ticks. */
static void test_time_agrees(void **state)
{
    static const struct ledger_iface ifaces[] = {
        {.units = 1000000}, {.units = 1000000000}, {.units = TWO_TO(20)}, {.units = TEN_19}};
    uint64_t seed = 3;
    (void)state;
    for (size_t i = 0; i < N_ROWS(ifaces); i++)
        for (unsigned k = 0; k < 2000; k++) {
            char row[64];
            const uint64_t ticks = noise(&seed) >> (noise(&seed) >> 58);
            const int64_t ns = walk_time(ticks, &ifaces[i]);
            (void)snprintf(row, sizeof row, "%llu ticks of 1/%llu s", (unsigned long long)ticks,
                           (unsigned long long)ifaces[i].units);
            CHECK_EQ(row, ns, walk_time_slowly(ticks, &ifaces[i]));
            CHECK(row, ticks == 0 || walk_time(ticks - 1, &ifaces[i]) <= ns);
        }
}

/* From the option to the packet's time, in either order. */
static void test_time_of_packets(void **state)
{
    static const struct {
        const char *name;
        struct iface_row iface;
        uint64_t ticks;
        int64_t want;
        bool rounds; /* to whole nanoseconds */
    } rows[] = {
        {"no option", {.tsresol = 0}, 1500001, 1500001000, false},
        {"us", {.tsresol = 6}, 1500001, 1500001000, false},
        {"ns", {.tsresol = 9}, 1795391999123456789, 1795391999123456789, false},
        {"ps", {.tsresol = 12}, 1500000000001, 1500000000, true},
        {"ps, none left", {.tsresol = 12}, 1500000001000, 1500000001, false},
        {"10^19", {.tsresol = 19}, TEN_19, 1000000000, false},
        {"2^20", {.tsresol = 0x94}, 3 << 19, 1500000000, false},
        {"2^20, a tick more", {.tsresol = 0x94}, (3 << 19) + 1, 1500000953, true},
        {"2^63", {.tsresol = 0xbf}, TWO_TO(63) + TWO_TO(62), 1500000000, false},
        {"2^0", {.tsresol = 0x80}, 17, 17000000000, false},
        {"an offset", {.tsoffset = 1700000000}, 1, INT64_C(1700000000000001000), false},
        {"an offset back", {.tsoffset = -3, .tsresol = 9}, 1, -2999999999, false},
        {"an offset of all bits",
         {.tsoffset = INT64_C(-0x0102030405060708)},
         0,
         INT64_MIN + 1,
         false},
    };
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(rows); i++) {
        const bool big = i % 2;
        char row[96];
        struct scene s;
        struct bytes b = {0};
        struct walk_record rec;
        (void)ordered(row, sizeof row, rows[i / 2].name, big);
        begin(&s, big, &rows[i / 2].iface, 1);
        const struct ledger_iface *iface = ledger_iface(&s.l, 2);
        CHECK_EQ(row, iface->offset_s, rows[i / 2].iface.tsoffset);
        put_packet(&b, big, 0, rows[i / 2].ticks, "1234", 4, 4);
        CHECK_EQ(row, walk_block(&s.l, &s.st, b.p, b.len, &rec), WALK_RECORD);
        CHECK_EQ(row, rec.ts_ns, rows[i / 2].want);
        CHECK_EQ(row, walk_block_rounds(b.p, &s.st, iface->units), rows[i / 2].rounds);
        b.len = 0;
        put_packet_old(&b, big, 0, 5, rows[i / 2].ticks, "1234", 4, 4);
        CHECK_EQ(row, walk_block(&s.l, &s.st, b.p, b.len, &rec), WALK_RECORD);
        CHECK_EQ(row, rec.ts_ns, rows[i / 2].want);
        CHECK_EQ(row, walk_block_rounds(b.p, &s.st, iface->units), rows[i / 2].rounds);
        b.len = 0;
        put_simple(&b, big, "1234", 4, 4);
        CHECK_EQ(row, walk_block(&s.l, &s.st, b.p, b.len, &rec), WALK_RECORD);
        CHECK_EQ(row, rec.ts_ns, INT64_MIN);
        CHECK(row, !walk_block_rounds(b.p, &s.st, iface->units));
        bytes_free(&b);
        end(&s);
    }
}

/* An interface's options, one after another, as a row has them. */
struct option_row {
    unsigned code;
    const char *hex;
};

static void test_note_interface(void **state)
{
    static const struct {
        const char *name;
        struct option_row options[4];
        uint64_t units;
        uint8_t fcs_len;
    } rows[] = {
        {"no options", {{0, NULL}}, 1000000, 0},
        {"an end alone", {{0, ""}}, 1000000, 0},
        {"ns", {{9, "09"}, {0, ""}}, 1000000000, 0},
        {"ns without an end", {{9, "09"}}, 1000000000, 0},
        {"seconds", {{9, "00"}}, 1, 0},
        {"FCS of 4 bytes", {{13, "04"}, {0, ""}}, 1000000, 4},
        {"both", {{13, "02"}, {9, "03"}, {0, ""}}, 1000, 2},
        {"behind a name", {{2, "65746830"}, {9, "09"}, {0, ""}}, 1000000000, 0},
        {"a resolution of two bytes is none", {{9, "0909"}, {0, ""}}, 1000000, 0},
        {"a resolution of no bytes is none", {{9, ""}, {0, ""}}, 1000000, 0},
        {"the last of two counts", {{9, "09"}, {9, "03"}, {0, ""}}, 1000, 0},
        {"behind the end nothing counts", {{0, ""}, {9, "09"}}, 1000000, 0},
        {"an FCS length of four bytes is none", {{13, "04000000"}, {0, ""}}, 1000000, 0},
    };
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(rows); i++) {
        const bool big = i % 2;
        char row[96];
        struct scene s;
        struct bytes b = {0};
        struct clv_error err = {0};
        (void)ordered(row, sizeof row, rows[i / 2].name, big);
        begin(&s, big, packet_ifaces, 1);
        const size_t at = block_begin(&b, big, BLOCK_INTERFACE);
        put_interface_head(&b, big, 0x1234, 0x89abcdef);
        for (unsigned k = 0; k < 4 && rows[i / 2].options[k].hex; k++) {
            struct bytes value = {0};
            put_hex(&value, rows[i / 2].options[k].hex);
            put_option(&b, big, rows[i / 2].options[k].code, value.p, value.len);
            bytes_free(&value);
        }
        block_end(&b, big, at);
        uint8_t *p = tight_copy(b.p, b.len);
        CHECK(row, walk_note(&s.l, &s.st, p, (uint32_t)b.len, 5000, &err));
        CHECK_EQ(row, s.st.n_ifaces, 2);
        CHECK_EQ(row, s.st.iface_base, 2);
        CHECK_EQ(row, ledger_count(&s.l), 6);
        const struct ledger_entry *e = ledger_entry(&s.l, 5);
        const struct ledger_iface *iface = ledger_iface(&s.l, 3);
        CHECK_EQ(row, e->kind, LEDGER_INTERFACE);
        CHECK_EQ(row, e->position, 5000);
        CHECK_EQ(row, e->section, 3);
        CHECK_EQ(row, e->big_endian, big);
        CHECK_EQ(row, e->block_len, b.len);
        CHECK_MEM(row, e->block, b.p, b.len);
        CHECK_EQ(row, iface->entry, 5);
        CHECK_EQ(row, iface->linktype, 0x1234);
        CHECK_EQ(row, iface->snaplen, 0x89abcdef);
        CHECK_EQ(row, iface->units, rows[i / 2].units);
        CHECK_EQ(row, iface->fcs_len, rows[i / 2].fcs_len);
        CHECK_EQ(row, iface->offset_s, 0);
        free(p);
        bytes_free(&b);
        end(&s);
    }
}

/* What is kept of a section, and what is not. */
static void test_note_others(void **state)
{
    static const struct {
        const char *name;
        uint32_t type;
        bool kept;
    } rows[] = {
        {"names", BLOCK_NAMES, true},
        {"secrets", BLOCK_SECRETS, true},
        {"custom", BLOCK_CUSTOM, true},
        {"private custom", BLOCK_CUSTOM_PRIVATE, false},
        {"statistics", BLOCK_STATISTICS, false},
        {"unknown", 77, true},
        {"journal", 9, true},
        {"Apple's processes", 0x80000001, true},
        {"a sysdig event", 0x204, false},
        {"a packet of another bus", 8, false},
    };
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(rows); i++) {
        const bool big = i % 2;
        char row[96];
        struct scene s;
        struct bytes b = {0};
        (void)ordered(row, sizeof row, rows[i / 2].name, big);
        begin(&s, big, packet_ifaces, 2);
        const struct walk_state before = s.st;
        put_block(&b, big, rows[i / 2].type, "body", 4);
        uint8_t *p = tight_copy(b.p, b.len);
        CHECK(row, walk_note(&s.l, &s.st, p, (uint32_t)b.len, 5000, NULL));
        CHECK_EQ(row, ledger_count(&s.l), 6 + rows[i / 2].kept);
        CHECK_EQ(row, s.l.has_metadata, rows[i / 2].kept);
        CHECK_MEM(row, &s.st, &before, sizeof before);
        if (rows[i / 2].kept) {
            CHECK_EQ(row, ledger_entry(&s.l, 6)->kind, LEDGER_METADATA);
            CHECK_EQ(row, ledger_entry(&s.l, 6)->section, 3);
            CHECK_EQ(row, ledger_entry(&s.l, 6)->block_len, 16);
            CHECK_MEM(row, ledger_entry(&s.l, 6)->block, b.p, 16);
        }
        free(p);
        bytes_free(&b);
        end(&s);
    }
}

/* A block of the type whose body is hex, in memory of its own, is noted at byte 5000. */
static bool note_hex(struct scene *s, bool big, uint32_t type, const char *hex,
                     struct clv_error *err)
{
    struct bytes b = {0}, body = {0};
    put_hex(&body, hex);
    put_block(&b, big, type, body.p, body.len);
    uint8_t *p = tight_copy(b.p, b.len);
    const bool ok = walk_note(&s->l, &s->st, p, (uint32_t)b.len, 5000, err);
    free(p);
    bytes_free(&body);
    bytes_free(&b);
    return ok;
}

/* What is malformed in a section's or an interface's options costs what comes after it in them. */
static void test_note_options(void **state)
{
    static const struct {
        const char *name;
        uint32_t type;
        const char *little, *big; /* bodies */
        uint64_t units;           /* of an interface */
        bool bad;
    } rows[] = {
        {"a section, an option too long", BLOCK_SECTION,
         "4d3c2b1a 01000000 ffffffff ffffffff 01000500 61626364",
         "1a2b3c4d 00010000 ffffffff ffffffff 00010005 61626364", 0, true},
        {"an interface, an option too long", BLOCK_INTERFACE, "01000000 00000400 02000800 65746830",
         "00010000 00040000 00020008 65746830", 1000000, true},
        {"an interface, its resolution before that", BLOCK_INTERFACE,
         "01000000 00000400 09000100 09000000 02000800 65746830",
         "00010000 00040000 00090001 09000000 00020008 65746830", 1000000000, true},
        {"an interface, its resolution after that", BLOCK_INTERFACE,
         "01000000 00000400 02001800 65746830 09000100 09000000",
         "00010000 00040000 00020018 65746830 00090001 09000000", 1000000, true},
        {"an interface of 2^63 a second", BLOCK_INTERFACE, "01000000 00000400 09000100 bf000000",
         "00010000 00040000 00090001 bf000000", TWO_TO(63), false},
        {"an interface of 2^64 a second", BLOCK_INTERFACE, "01000000 00000400 09000100 c0000000",
         "00010000 00040000 00090001 c0000000", 0, false},
        {"an interface of 2^127 a second", BLOCK_INTERFACE, "01000000 00000400 09000100 ff000000",
         "00010000 00040000 00090001 ff000000", 0, false},
        {"an interface of 10^20 a second", BLOCK_INTERFACE, "01000000 00000400 09000100 14000000",
         "00010000 00040000 00090001 14000000", 0, false},
        {"an interface of 10^127 a second", BLOCK_INTERFACE, "01000000 00000400 09000100 7f000000",
         "00010000 00040000 00090001 7f000000", 0, false},
    };
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(rows); i++) {
        const bool big = i % 2;
        char row[96];
        struct scene s;
        (void)ordered(row, sizeof row, rows[i / 2].name, big);
        begin(&s, big, packet_ifaces, 2);
        CHECK(row, note_hex(&s, big, rows[i / 2].type, big ? rows[i / 2].big : rows[i / 2].little,
                            NULL));
        CHECK_EQ(row, ledger_count(&s.l), 7);
        CHECK_EQ(row, s.l.bad_options, rows[i / 2].bad);
        if (rows[i / 2].type == BLOCK_INTERFACE) {
            CHECK_EQ(row, s.st.n_ifaces, 3);
            CHECK_EQ(row, ledger_iface(&s.l, 4)->units, rows[i / 2].units);
            CHECK_EQ(row, walk_time(1, ledger_iface(&s.l, 4)) == WALK_NO_TIME,
                     rows[i / 2].units == 0);
        }
        end(&s);
    }
}

/* Blocks that cannot be right leave ledger and state as they were. */
static void test_note_refusals(void **state)
{
    static const struct {
        const char *name;
        uint32_t type;
        const char *little, *big; /* bodies */
        const char *what;
    } rows[] = {
        {"a section of 24 bytes", BLOCK_SECTION, "4d3c2b1a 01000000 ffffffff",
         "1a2b3c4d 00010000 ffffffff", "the section header has 24 bytes, but needs 28"},
        {"a section of version 2.1", BLOCK_SECTION, "4d3c2b1a 02000100 ffffffff ffffffff",
         "1a2b3c4d 00020001 ffffffff ffffffff",
         "the section has version 2.1, which is not supported; 1.0 is"},
        {"a section of version 0.1", BLOCK_SECTION, "4d3c2b1a 00000100 ffffffff ffffffff",
         "1a2b3c4d 00000001 ffffffff ffffffff", "the section has version 0.1"},
        {"an interface of 16 bytes", BLOCK_INTERFACE, "01000000", "00010000",
         "the interface block has 16 bytes, but needs 20"},
    };
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(rows); i++) {
        const bool big = i % 2;
        char row[96];
        struct scene s;
        struct clv_error err = {0};
        (void)ordered(row, sizeof row, rows[i / 2].name, big);
        begin(&s, big, packet_ifaces, 2);
        const struct walk_state before = s.st;
        CHECK(row, !note_hex(&s, big, rows[i / 2].type, big ? rows[i / 2].big : rows[i / 2].little,
                             &err));
        CHECK_EQ(row, err.code, CLV_ERR_DAMAGE);
        CHECK_HAS(row, err.what, rows[i / 2].what);
        CHECK_EQ(row, ledger_count(&s.l), 6);
        CHECK_EQ(row, atomic_load(&s.l.n_ifaces), 4);
        CHECK_MEM(row, &s.st, &before, sizeof before);
        end(&s);
    }
}

/* Before any section. */
static void test_note_no_section(void **state)
{
    static const uint32_t types[] = {
        BLOCK_INTERFACE,      BLOCK_NAMES, BLOCK_STATISTICS, BLOCK_SECRETS, BLOCK_CUSTOM,
        BLOCK_CUSTOM_PRIVATE, 77};
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(types); i++) {
        char row[48];
        struct ledger l;
        struct walk_state st = {.big_endian = i % 2};
        struct bytes b = {0};
        struct clv_error err = {0};
        (void)snprintf(row, sizeof row, "type %u", types[i / 2]);
        ledger_init(&l, 1 << 20);
        put_block(&b, i % 2, types[i / 2], "\1\1\0\0\0\0\0\0", 8);
        CHECK(row, !walk_note(&l, &st, b.p, (uint32_t)b.len, 0, &err));
        CHECK_EQ(row, err.code, CLV_ERR_DAMAGE);
        CHECK_HAS(row, err.what, "before any section");
        CHECK_EQ(row, ledger_count(&l), 0);
        b.len = 0;
        put_section(&b, !(i % 2));
        CHECK(row, walk_note(&l, &st, b.p, (uint32_t)b.len, 0, &err));
        b.len = 0;
        put_block(&b, !(i % 2), types[i / 2], "\1\1\0\0\0\0\0\0", 8);
        CHECK(row, walk_note(&l, &st, b.p, (uint32_t)b.len, 0, &err));
        ledger_fini(&l);
        bytes_free(&b);
    }
}

static void test_note_no_memory(void **state)
{
    static const uint32_t types[] = {BLOCK_SECTION, BLOCK_INTERFACE, BLOCK_NAMES};
    (void)state;
    for (size_t i = 0; i < N_ROWS(types); i++)
        for (uint64_t nth = 1;; nth++) {
            char row[48];
            struct scene s;
            struct bytes b = {0};
            struct clv_error err = {0};
            (void)snprintf(row, sizeof row, "type %u, allocation %u", types[i], (unsigned)nth);
            begin(&s, false, packet_ifaces, 2);
            /* The next entry needs a segment of its own. */
            while (ledger_count(&s.l) < 64)
                assert_true(ledger_add(&s.l, LEDGER_METADATA, 0, (const uint8_t *)"", 1, false));
            if (types[i] == BLOCK_SECTION)
                put_section(&b, false);
            else if (types[i] == BLOCK_INTERFACE)
                put_interface(&b, false, 1, 96);
            else
                put_block(&b, false, types[i], "1234", 4);
            mem_fail_from(nth);
            const bool ok = walk_note(&s.l, &s.st, b.p, (uint32_t)b.len, 0, &err);
            mem_fail_from(0);
            CHECK_EQ(row, err.code, ok ? CLV_ERR_NONE : CLV_ERR_NOMEM);
            CHECK(row, ok || (s.st.n_ifaces == 2 && s.st.section == 3));
            bytes_free(&b);
            end(&s);
            if (ok) {
                CHECK_EQ(row, nth, 3);
                break;
            }
        }
}

/* At each position: in which section, order and interfaces a record there is to be read. */
static void test_state_at(void **state)
{
    struct ledger l;
    struct walk_state st = {0};
    struct bytes b = {0};
    static const struct {
        uint64_t position;
        enum ledger_kind kind;
    } entries[] = {{0, LEDGER_SECTION},    {10, LEDGER_INTERFACE}, {20, LEDGER_INTERFACE},
                   {50, LEDGER_METADATA},  {70, LEDGER_SECTION},   {70, LEDGER_INTERFACE},
                   {90, LEDGER_INTERFACE}, {130, LEDGER_SECTION}};
    static const struct {
        const char *name;
        uint32_t n;
        uint64_t position;
        uint32_t section, iface_base;
        bool big;
        uint64_t until;
    } rows[] = {
        {"the first section", 8, 20, 0, 0, false, 50},
        {"before its first interface", 8, 5, 0, 0, false, 10},
        {"before the next entry", 8, 49, 0, 0, false, 50},
        {"at an entry", 8, 50, 0, 0, false, 70},
        {"before the next section", 8, 69, 0, 0, false, 70},
        {"at two entries", 8, 70, 4, 2, true, 90},
        {"between its interfaces", 8, 89, 4, 2, true, 90},
        {"the last section", 8, 1000, 7, 4, false, UINT64_MAX},
        {"it is not known yet", 7, 1000, 4, 2, true, UINT64_MAX},
        {"only the first is known", 1, 1000, 0, 0, false, UINT64_MAX},
        {"three are known", 3, 25, 0, 0, false, UINT64_MAX},
    };
    (void)state;
    ledger_init(&l, 1 << 20);
    for (size_t i = 0; i < N_ROWS(entries); i++) {
        b.len = 0;
        if (entries[i].kind == LEDGER_SECTION)
            put_section(&b, i == 4);
        else if (entries[i].kind == LEDGER_INTERFACE)
            put_interface(&b, st.big_endian, 1, 0);
        else
            put_block(&b, st.big_endian, BLOCK_NAMES, "1234", 4);
        assert_true(walk_note(&l, &st, b.p, (uint32_t)b.len, entries[i].position, NULL));
    }
    CHECK_EQ("entries", ledger_count(&l), N_ROWS(entries));
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct walk_record rec;
        const uint64_t until = walk_state_at(&st, &l, rows[i].n, rows[i].position);
        CHECK_EQ(rows[i].name, until, rows[i].until);
        CHECK_EQ(rows[i].name, st.section, rows[i].section);
        CHECK_EQ(rows[i].name, st.iface_base, rows[i].iface_base);
        CHECK_EQ(rows[i].name, st.big_endian, rows[i].big);
        if (rows[i].section == 7 || rows[i].n == 1)
            continue; /* it has no interfaces */
        b.len = 0;
        put_packet(&b, rows[i].big, 1, 0, "12", 2, 2);
        CHECK_EQ(rows[i].name, walk_block(&l, &st, b.p, b.len, &rec), WALK_RECORD);
        CHECK_EQ(rows[i].name, rec.iface, rows[i].iface_base + 1);
    }
    bytes_free(&b);
    ledger_fini(&l);
}

enum { GUESS_BLOCKS = 300 };

/* Packets of noise, now and then with options; starts[] has one more: the end. */
static void generate(struct bytes *b, bool big, size_t *starts)
{
    uint64_t seed = 42;
    for (uint32_t i = 0; i < GUESS_BLOCKS; i++) {
        const uint32_t len = (uint32_t)(noise(&seed) >> 32) % 400;
        starts[i] = b->len;
        const size_t at = block_begin(b, big, BLOCK_PACKET);
        put32(b, big, i % 2);
        put_packet_head(b, big, 1700000000000000 + i * 1000, len, len + i % 3);
        if (len)
            put_noise(b, &seed, len);
        put_fill(b, 0, (4 - len % 4) % 4);
        if (i % 5 == 0)
            put_tail(b, big, COMMENT);
        block_end(b, big, at);
    }
    starts[GUESS_BLOCKS] = b->len;
}

static void test_guess(void **state)
{
    (void)state;
    for (unsigned big = 0; big < 2; big++) {
        struct scene s;
        struct bytes b = {0};
        size_t starts[GUESS_BLOCKS + 1], next = 0;
        begin(&s, big, packet_ifaces, 2);
        generate(&b, big, starts);
        uint8_t *p = tight_copy(b.p, b.len);
        const struct clv_span all = {p, b.len};
        for (size_t from = 0; from <= b.len; from++) {
            char row[64];
            while (starts[next] < from)
                next++;
            (void)snprintf(row, sizeof row, "%s, from byte %zu", big ? "big" : "little", from);
            CHECK_EQ(row, walk_block_guess(&s.st, all, from), starts[next]);
        }
        walk_block_touch(&s.st, all, 0, all.len); /* reads nothing beyond, changes nothing */
        walk_block_touch(&s.st, all, starts[1], all.len + 1);
        /* In the other order there is nothing to find. */
        s.st.big_endian = !big;
        CHECK_EQ("the other order", walk_block_guess(&s.st, all, 0), all.len);
        s.st.big_endian = big;
        s.st.n_ifaces = 1;
        CHECK_EQ("half of the interfaces are known", walk_block_guess(&s.st, all, 0), all.len);
        free(p);
        bytes_free(&b);
        end(&s);
    }
}

static void test_guess_nothing(void **state)
{
    struct scene s;
    struct bytes b = {0};
    uint64_t seed = 7;
    (void)state;
    begin(&s, false, packet_ifaces, 2);
    put_noise(&b, &seed, 200000);
    CHECK_EQ("noise", walk_block_guess(&s.st, (struct clv_span){b.p, b.len}, 0), b.len);
    CHECK_EQ("no bytes", walk_block_guess(&s.st, (struct clv_span){b.p, 0}, 0), 0);
    memset(b.p, 0, b.len);
    CHECK_EQ("zeros", walk_block_guess(&s.st, (struct clv_span){b.p, b.len}, 0), b.len);
    bytes_free(&b);
    end(&s);
}

/* Behind noise of any length: the first of the blocks that follow. */
static void test_search(void **state)
{
    static const struct {
        const char *name;
        uint32_t types[4]; /* of the blocks behind; 0 ends */
        bool cut;          /* the last of them lacks its last byte */
        unsigned found;    /* which of them; 9: none */
    } rows[] = {
        {"a packet alone", {EPB}, false, 0},
        {"packets", {EPB, EPB}, false, 0},
        {"a packet, then one that is cut", {EPB, EPB}, true, 0},
        {"a packet that is cut", {EPB}, true, 9},
        {"a simple packet at the end", {SPB}, false, 0},
        {"two simple packets", {SPB, SPB}, false, 0},
        {"a simple packet, then one that is cut", {SPB, SPB}, true, 9},
        {"old packets", {OPB, OPB, OPB}, false, 0},
        {"a section", {BLOCK_SECTION, BLOCK_INTERFACE, EPB}, false, 0},
        {"an interface, then a packet", {BLOCK_INTERFACE, EPB}, false, 0},
        {"names, then what is no known block", {BLOCK_NAMES, 99, EPB}, false, 2},
        {"statistics at the end", {BLOCK_STATISTICS}, false, 0},
        {"custom blocks", {BLOCK_CUSTOM, BLOCK_CUSTOM_PRIVATE}, false, 0},
        {"an unknown block", {99}, false, 9},
    };
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(rows); i++)
        for (size_t before = 0; before < 70; before += 3) {
            const bool big = i % 2;
            char row[96];
            struct scene s;
            struct bytes b = {0};
            uint64_t seed = 9 + before;
            size_t starts[10];
            begin(&s, big, packet_ifaces, 2);
            if (before)
                put_noise(&b, &seed, before);
            for (unsigned k = 0; k < 4 && rows[i / 2].types[k]; k++) {
                const uint32_t type = rows[i / 2].types[k];
                starts[k] = b.len;
                if (type == EPB || type == OPB || type == SPB)
                    put_row(&b, big,
                            &(struct packet_row){
                                .type = type, .caplen = 9, .origlen = 9, .present = 9});
                else if (type == BLOCK_SECTION)
                    put_section(&b, big);
                else
                    put_block(&b, big, type, "\0\0\0\0\0\0\0", 8);
            }
            b.len -= rows[i / 2].cut;
            starts[9] = b.len;
            uint8_t *p = tight_copy(b.p, b.len);
            const struct clv_span all = {p, b.len};
            const size_t want = starts[rows[i / 2].found];
            (void)snprintf(row, sizeof row, "%s, %s, behind %zu bytes", rows[i / 2].name,
                           big ? "big" : "little", before);
            CHECK_EQ(row, walk_block_search(&s.st, all, 0, b.len, 16 << 20), want);
            CHECK_EQ(row, walk_block_search(&s.st, all, want, b.len, 16 << 20), want);
            if (want < b.len)
                CHECK_EQ(row, walk_block_search(&s.st, all, 0, want, 16 << 20), want);
            CHECK_EQ(row, walk_block_search(&s.st, all, before / 2, before / 2, 16 << 20),
                     before / 2);
            free(p);
            bytes_free(&b);
            end(&s);
        }
}

/* What lies more than block_max bytes behind a place does not change the judgement of it. */
static void test_search_horizon(void **state)
{
    enum { BLOCK_LONGEST = 64 };
    (void)state;
    for (unsigned big = 0; big < 2; big++)
        for (size_t more = 0; more < 200; more += 4) {
            char row[64];
            struct scene s;
            struct bytes b = {0};
            (void)snprintf(row, sizeof row, "%zu bytes behind", more);
            begin(&s, big, packet_ifaces, 2);
            put_simple(&b, big, "123456789012345678901234567890123456789012345678", 48, 48);
            assert_int_equal(b.len, BLOCK_LONGEST);
            put_fill(&b, 0xff, more);
            uint8_t *p = tight_copy(b.p, b.len);
            CHECK_EQ(row,
                     walk_block_search(&s.st, (struct clv_span){p, b.len}, 0, b.len, BLOCK_LONGEST),
                     0);
            free(p);
            bytes_free(&b);
            end(&s);
        }
}

UNIT(pcapng)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets),
        cmocka_unit_test(test_simple_alone),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_other_blocks),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_time_agrees),
        cmocka_unit_test(test_time_of_packets),
        cmocka_unit_test(test_note_interface),
        cmocka_unit_test(test_note_others),
        cmocka_unit_test(test_note_options),
        cmocka_unit_test(test_note_refusals),
        cmocka_unit_test(test_note_no_section),
        cmocka_unit_test(test_note_no_memory),
        cmocka_unit_test(test_state_at),
        cmocka_unit_test(test_guess),
        cmocka_unit_test(test_guess_nothing),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_search_horizon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
