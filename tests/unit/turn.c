/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks are built in both byte orders; the one turned has to be the other. What nobody can know
 * the byte order of is built the same in both.
 */
#include "support_pcapng.h"

#include "walk/pcapng.h"

enum {
    CUSTOM_TEXT = 2988,
    CUSTOM_BYTES = 2989,
    CUSTOM_TEXT_PRIVATE = 19372,
    CUSTOM_BYTES_PRIVATE = 19373,
};

static void put_number(struct bytes *b, bool big, unsigned code, unsigned width, uint64_t value)
{
    struct bytes n = {0};
    if (width == 8)
        put64(&n, big, value);
    else
        put32(&n, big, (uint32_t)value);
    put_option(b, big, code, n.p, n.len);
    bytes_free(&n);
}

/* The enterprise's number, then what it likes. */
static void put_custom(struct bytes *b, bool big, unsigned code, const char *rest)
{
    struct bytes n = {0};
    put32(&n, big, 32473);
    put_bytes(&n, rest, strlen(rest));
    put_option(b, big, code, n.p, n.len);
    bytes_free(&n);
}

static void put_customs(struct bytes *b, bool big)
{
    put_custom(b, big, CUSTOM_TEXT, "text");
    put_custom(b, big, CUSTOM_BYTES, "\1\2\3");
    put_custom(b, big, CUSTOM_TEXT_PRIVATE, "");
    put_custom(b, big, CUSTOM_BYTES_PRIVATE, "more bytes");
    put_option(b, big, CUSTOM_BYTES, "\1\2\3", 3); /* too short for a number */
    put_option(b, big, CUSTOM_TEXT, NULL, 0);
}

static void put_end(struct bytes *b, bool big)
{
    put_option(b, big, OPTION_END, NULL, 0);
}

typedef void body_fn(struct bytes *b, bool big);

static void section_plain(struct bytes *b, bool big)
{
    put_section_head(b, big);
}

static void section_full(struct bytes *b, bool big)
{
    put32(b, big, 0x1a2b3c4d);
    put16(b, big, 1);
    put16(b, big, 2);
    put64(b, big, 0x0102030405060708);
    put_option(b, big, OPTION_COMMENT, "hello", 5);
    put_option(b, big, 2, "abcd", 4); /* elsewhere these codes are of numbers */
    put_option(b, big, 4, "abcdefgh", 8);
    put_customs(b, big);
    put_end(b, big);
}

static void interface_plain(struct bytes *b, bool big)
{
    put_interface_head(b, big, 0x0102, 0x03040506);
}

static void interface_full(struct bytes *b, bool big)
{
    put_interface_head(b, big, 101, 65535);
    put_option(b, big, 2, "eth0", 4);
    put_option(b, big, 3, "an interface", 12);
    put_option(b, big, 4, "\xc0\0\2\1\xff\xff\xff", 8);
    put_option(b, big, 6, "\1\2\3\4\5\6", 6);
    put_option(b, big, 7, "\1\2\3\4\5\6\7\x08", 8);
    put_number(b, big, 8, 8, 10000000000);
    put_option_byte(b, big, OPTION_TSRESOL, 9);
    put_number(b, big, 10, 4, 3600);
    put_option(b, big, 11, "\0tcp", 4);
    put_option(b, big, 12, "none", 4);
    put_option_byte(b, big, OPTION_FCSLEN, 4);
    put_number(b, big, OPTION_TSOFFSET, 8, (uint64_t)-3600);
    put_option(b, big, 15, "hardware", 8);
    put_number(b, big, 16, 8, 1);
    put_number(b, big, 17, 8, UINT64_MAX - 1);
    put_option(b, big, 18, "Asia/Kolkata", 12);
    put_option(b, big, OPTION_COMMENT, "", 0);
    put_customs(b, big);
    put_option(b, big, 0x7abc, "abcd", 4);
    put_end(b, big);
}

static void interface_no_end(struct bytes *b, bool big)
{
    put_interface_head(b, big, 1, 0);
    put_number(b, big, 8, 8, 1000);
}

/* Not the lengths that these numbers have. */
static void interface_strange(struct bytes *b, bool big)
{
    put_interface_head(b, big, 1, 0);
    put_option(b, big, 8, "abcd", 4);
    put_option(b, big, OPTION_TSOFFSET, "abc", 3);
    put_option(b, big, 10, "abcdefgh", 8);
    put_option(b, big, 16, NULL, 0);
    put_end(b, big);
}

static void put_packet_body(struct bytes *b, bool big, uint32_t caplen)
{
    put32(b, big, 0x01020304);
    put_packet_head(b, big, 0x05060708090a0b0c, caplen, 0x0d0e0f10);
    for (uint32_t i = 0; i < caplen; i++)
        put_fill(b, (uint8_t)(0x80 + i), 1);
    put_fill(b, 0, ng_pad(caplen) - caplen);
}

static void packet_empty(struct bytes *b, bool big)
{
    put_packet_body(b, big, 0);
}

static void packet_1(struct bytes *b, bool big)
{
    put_packet_body(b, big, 1);
}

static void packet_60(struct bytes *b, bool big)
{
    put_packet_body(b, big, 60);
}

static void packet_full(struct bytes *b, bool big)
{
    put_packet_body(b, big, 62);
    put_option(b, big, OPTION_COMMENT, "seen", 4);
    put_number(b, big, 2, 4, 0x01020304);
    put_option(b, big, 3, "\2abcd", 5);
    put_option(b, big, 3, "\3abcdefghijklmnop", 17);
    put_number(b, big, 4, 8, 5);
    put_number(b, big, 5, 8, 0x0102030405060708);
    put_number(b, big, 6, 4, 7);
    put_option(b, big, 7, "\0abcdefgh", 9);
    put_customs(b, big);
    put_end(b, big);
}

static void packet_no_end(struct bytes *b, bool big)
{
    put_packet_body(b, big, 3);
    put_number(b, big, 2, 4, 1);
}

static void packet_behind_end(struct bytes *b, bool big)
{
    put_packet_body(b, big, 3);
    put_number(b, big, 6, 4, 1);
    put_end(b, big);
    put_hex(b, "0100 0400 01020304");
}

static void packet_strange(struct bytes *b, bool big)
{
    put_packet_body(b, big, 4);
    put_option(b, big, 2, "ab", 2);
    put_option(b, big, 4, "abcd", 4);
    put_option(b, big, 5, "abcdefghi", 9);
    put_option(b, big, 6, "abcdefgh", 8);
    put_option(b, big, 8, "abcd", 4); /* of an interface's speed */
    put_end(b, big);
}

static void packet_old(struct bytes *b, bool big)
{
    put16(b, big, 0x0102);
    put16(b, big, 0x0304);
    put_packet_head(b, big, 0x05060708090a0b0c, 5, 0x0d0e0f10);
    put_bytes(b, "12345\0\0", 8);
    put_number(b, big, 2, 4, 0x01020304);
    put_option(b, big, 3, "\2abcd", 5);
    put_option(b, big, 4, "abcdefgh", 8); /* the newer block's */
    put_customs(b, big);
    put_end(b, big);
}

static void names_full(struct bytes *b, bool big)
{
    put_option(b, big, 1, "\x7f\0\0\1localhost", 14);
    put_option(b, big, 2, "0123456789abcdefsix", 20);
    put_option(b, big, 8, "abcdefgh", 8); /* no number of an interface */
    put_end(b, big);
    put_option(b, big, 2, "ns.example", 10);
    put_option(b, big, 3, "\x7f\0\0\1", 4);
    put_customs(b, big);
    put_end(b, big);
}

static void names_none(struct bytes *b, bool big)
{
    put_end(b, big);
}

static void names_no_end(struct bytes *b, bool big)
{
    put_option(b, big, 1, "\x7f\0\0\1x", 6);
}

static void secrets_full(struct bytes *b, bool big)
{
    put32(b, big, 0x544c534b);
    put32(b, big, 13);
    put_bytes(b, "CLIENT_RANDOM\0\0\0", 16);
    put_option(b, big, OPTION_COMMENT, "of mine", 7);
    put_customs(b, big);
    put_end(b, big);
}

static void secrets_none(struct bytes *b, bool big)
{
    put32(b, big, 0x57474b4c);
    put32(b, big, 0);
}

static void custom_data(struct bytes *b, bool big)
{
    put32(b, big, 32473);
    put_hex(b, "0100 0400 01020304 ad0b 0800 00007ed9 61626364");
}

static void custom_none(struct bytes *b, bool big)
{
    put32(b, big, 32473);
}

static void unknown(struct bytes *b, bool big)
{
    (void)big;
    put_hex(b, "0100 0400 01020304 ad0b 0800 00007ed9 61626364");
}

static void nothing(struct bytes *b, bool big)
{
    (void)b;
    (void)big;
}

struct row {
    const char *name;
    uint32_t type;
    body_fn *body;
};

static void build(struct bytes *b, const struct row *row, bool big)
{
    *b = (struct bytes){0};
    const size_t at = block_begin(b, big, row->type);
    row->body(b, big);
    block_end(b, big, at);
}

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct bytes both[2];
        build(&both[0], &rows[i], false);
        build(&both[1], &rows[i], true);
        CHECK_EQ(rows[i].name, both[0].len, both[1].len);
        for (unsigned big = 0; big < 2; big++) {
            const size_t len = both[big].len;
            uint8_t *p = tight_copy(both[big].p, len);
            walk_block_turn(p, (uint32_t)len, big);
            CHECK_MEM(rows[i].name, p, both[!big].p, len);
            walk_block_turn(p, (uint32_t)len, !big);
            CHECK_MEM(rows[i].name, p, both[big].p, len);
            free(p);
        }
        bytes_free(&both[0]);
        bytes_free(&both[1]);
    }
}

static void test_blocks(void **state)
{
    static const struct row rows[] = {
        {"section", BLOCK_SECTION, section_plain},
        {"section, options", BLOCK_SECTION, section_full},
        {"interface", BLOCK_INTERFACE, interface_plain},
        {"interface, options", BLOCK_INTERFACE, interface_full},
        {"interface, options without an end", BLOCK_INTERFACE, interface_no_end},
        {"interface, options of other lengths", BLOCK_INTERFACE, interface_strange},
        {"packet, no bytes", BLOCK_PACKET, packet_empty},
        {"packet, one byte", BLOCK_PACKET, packet_1},
        {"packet", BLOCK_PACKET, packet_60},
        {"packet, options", BLOCK_PACKET, packet_full},
        {"packet, options without an end", BLOCK_PACKET, packet_no_end},
        {"packet, bytes behind the end", BLOCK_PACKET, packet_behind_end},
        {"packet, options of other lengths", BLOCK_PACKET, packet_strange},
        {"old packet", BLOCK_PACKET_OLD, packet_old},
        {"names", BLOCK_NAMES, names_full},
        {"names, none", BLOCK_NAMES, names_none},
        {"names without an end", BLOCK_NAMES, names_no_end},
        {"names without anything", BLOCK_NAMES, nothing},
        {"secrets", BLOCK_SECRETS, secrets_full},
        {"secrets, none", BLOCK_SECRETS, secrets_none},
        {"secrets, cut short", BLOCK_SECRETS, custom_none},
        {"custom", BLOCK_CUSTOM, custom_data},
        {"custom, no data", BLOCK_CUSTOM, custom_none},
        {"custom, not even a number", BLOCK_CUSTOM, nothing},
        {"custom, private", BLOCK_CUSTOM_PRIVATE, custom_data},
        {"unknown", 0x12345678, unknown},
        {"unknown, no body", 0x12345678, nothing},
    };
    (void)state;
    check_rows(rows, N_ROWS(rows));
}

static void packet_verdicts(struct bytes *b, bool big)
{
    put_packet_body(b, big, 1);
    for (uint8_t kind = 1; kind <= 2; kind++) { /* eBPF's TC and XDP: 64 bits */
        struct bytes v = {0};
        put_fill(&v, kind, 1);
        put64(&v, big, 0x0102030405060708);
        put_option(b, big, 7, v.p, v.len);
        bytes_free(&v);
    }
    put_option(b, big, 7, "\0hardware", 9);
    put_option(b, big, 7, "\3unknown?", 9);
    put_option(b, big, 7, "\1abc", 4);
    put_option(b, big, 7, NULL, 0);
    put_end(b, big);
}

static void test_verdicts(void **state)
{
    static const struct row rows[] = {
        {"verdicts", BLOCK_PACKET, packet_verdicts},
    };
    (void)state;
    check_rows(rows, N_ROWS(rows));
}

static void packet_process(struct bytes *b, bool big)
{
    struct bytes v = {0};
    put_packet_body(b, big, 1);
    put32(&v, big, 1234);
    put32(&v, big, 5678);
    put_option(b, big, 8, v.p, v.len);
    put_option(b, big, 8, "abcd", 4);
    put_end(b, big);
    bytes_free(&v);
}

static void test_process(void **state)
{
    static const struct row rows[] = {
        {"process and thread", BLOCK_PACKET, packet_process},
    };
    (void)state;
    check_rows(rows, N_ROWS(rows));
}

/* Whatever stands in a block, turning it twice changes nothing, and turns its frame once. */
static void test_twice(void **state)
{
    static const uint32_t types[] = {
        BLOCK_INTERFACE,  BLOCK_PACKET_OLD,     BLOCK_SIMPLE,  BLOCK_NAMES,
        BLOCK_STATISTICS, BLOCK_PACKET,         BLOCK_SECRETS, BLOCK_SECTION,
        BLOCK_CUSTOM,     BLOCK_CUSTOM_PRIVATE, 0x7fff0001,
    };
    static const uint16_t codes[] = {0,  1,  2,  3,  4,    5,    6,     7,     8,
                                     10, 14, 16, 17, 2988, 2989, 19372, 19373, 0xffff};
    uint64_t seed = 1;
    (void)state;
    for (unsigned i = 0; i < 40000; i++) {
        const uint32_t type = types[i % N_ROWS(types)];
        const bool big = i / N_ROWS(types) % 2;
        struct bytes b = {0};
        const size_t at = block_begin(&b, big, type);
        put_noise(&b, &seed, 20);
        if (noise(&seed) % 4) /* else more data than there are */
            set32(b.p + (type == BLOCK_SECRETS ? 12 : 20), big, (uint32_t)(noise(&seed) % 12));
        for (unsigned n = noise(&seed) % 5; n > 0; n--) {
            put16(&b, big, codes[noise(&seed) % N_ROWS(codes)]);
            put16(&b, big, (uint16_t)(noise(&seed) % (n == 1 ? 70000 : 10)));
            put_noise(&b, &seed, noise(&seed) % 4 * 4);
        }
        block_end(&b, big, at);
        uint8_t *p = tight_copy(b.p, b.len);
        walk_block_turn(p, (uint32_t)b.len, big);
        CHECK_EQ("type", walk_load32(p, !big), type);
        CHECK_EQ("length", walk_load32(p + 4, !big), b.len);
        CHECK_EQ("length at the end", walk_load32(p + b.len - 4, !big), b.len);
        walk_block_turn(p, (uint32_t)b.len, !big);
        CHECK_MEM("turned twice", p, b.p, b.len);
        free(p);
        bytes_free(&b);
    }
}

UNIT(turn)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_process),
        cmocka_unit_test(test_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
