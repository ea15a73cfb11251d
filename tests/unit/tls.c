/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_tls.h"

#include "sight/segments.h"
#include "sight/tls.h"

#define NAME63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"

static enum sight read_tight(enum sight (*read)(struct clv_span, struct sight_hello *),
                             const uint8_t *p, size_t n, struct sight_hello *hello)
{
    uint8_t *block = tight_copy(p, n);
    const enum sight step = read((struct clv_span){block, n}, hello);
    free(block);
    return step;
}

enum { MANY = 4 };

static const struct {
    const char *name;
    const char *names[MANY], *alpn[MANY];
    size_t before; /* bytes of an extension before these */
    const char *want_name, *want_alpn;
} hellos[] = {
    {"a name", {"example.com"}, {"h2", "http/1.1"}, 0, "example.com", "h2"},
    {"in upper case", {"WWW.Example.COM"}, {0}, 0, "www.example.com", ""},
    {"no name", {0}, {"http/1.1"}, 0, "", "http/1.1"},
    {"neither", {0}, {0}, 10, "", ""},
    {"several names", {"a.example", "b.example"}, {0}, 0, "a.example", ""},
    {"an address", {"192.0.2.1"}, {"h2"}, 0, "", "h2"},
    {"blanks", {"a b"}, {"a b", "h2"}, 0, "", ""},
    {"an empty name", {""}, {"", "h2"}, 0, "", ""},
    {"GREASE", {"a.example"}, {"\x1a\x1a", "h3"}, 0, "a.example", "h3"},
    {"GREASE that is printable", {"a.example"}, {"ZZ", "h3"}, 0, "a.example", "h3"},
    {"a long protocol",
     {"a.example"},
     {"0123456789012345678901234567890", "h2"},
     0,
     "a.example",
     "0123456789012345678901234567890"},
    {"too long a protocol",
     {"a.example"},
     {"01234567890123456789012345678901", "h2"},
     0,
     "a.example",
     ""},
    {"a long name",
     {NAME63 "." NAME63 "." NAME63 ".abcdefghijklmnopqrstuvwxyz012345678901234567890123456789012"},
     {0},
     0,
     NAME63 "." NAME63 "." NAME63 ".abcdefghijklmnopqrstuvwxyz012345678901234567890123456789012",
     ""},
    {"a key of 1,200 bytes before it", {"pq.example"}, {"h2"}, 1216, "pq.example", "h2"},
    {"before it 15 KiB", {"far.example"}, {"h2"}, 15000, "far.example", "h2"},
};

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (n < MANY && list[n])
        n++;
    return n;
}

static void put_row(struct bytes *b, size_t i, bool dtls)
{
    struct bytes extensions = {0};
    put_extension(&extensions, 0x0a0a, 0); /* GREASE */
    if (hellos[i].before)
        put_extension(&extensions, 51, hellos[i].before);
    if (hellos[i].names[0])
        put_sni(&extensions, hellos[i].names, count(hellos[i].names));
    put_extension(&extensions, 0xfe0d, 200); /* ECH, whose inner hello has another name */
    if (hellos[i].alpn[0])
        put_alpn(&extensions, hellos[i].alpn, count(hellos[i].alpn));
    put_extension(&extensions, 0x1a1a, 1);
    put_client_hello(b, dtls, &extensions);
    bytes_free(&extensions);
}

static void check_hello(size_t i, const struct sight_hello *hello)
{
    CHECK_STR(hellos[i].name, hello->name, hellos[i].want_name);
    CHECK_STR(hellos[i].name, hello->alpn, hellos[i].want_alpn);
}

/* What is found is right, or not there yet. */
static void check_found(size_t i, const struct sight_hello *hello)
{
    CHECK(hellos[i].name, !*hello->name || strcmp(hello->name, hellos[i].want_name) == 0);
    CHECK(hellos[i].name, !*hello->alpn || strcmp(hello->alpn, hellos[i].want_alpn) == 0);
}

/* Each hello in records of several lengths, cut at every byte. */
static void test_hellos(void **state)
{
    static const size_t mosts[] = {16384, 1000, 100, 3, 1};
    (void)state;
    for (size_t i = 0; i < N_ROWS(hellos); i++) {
        for (size_t k = 0; k < N_ROWS(mosts); k++) {
            struct bytes message = {0}, stream = {0};
            struct sight_hello hello;
            put_row(&message, i, false);
            put_records(&stream, &message, mosts[k]);
            const size_t whole = stream.len;
            put_hex(&stream, "14 0303 0001 01");
            if (whole <= SIGHT_TLS) {
                for (size_t n = 0; n < whole; n += n < 600 || n + 600 > whole ? 1 : 97) {
                    CHECK_EQ(hellos[i].name, read_tight(sight_tls, stream.p, n, &hello),
                             SIGHT_PART);
                    check_found(i, &hello);
                }
                CHECK_EQ(hellos[i].name, read_tight(sight_tls, stream.p, whole, &hello),
                         SIGHT_WHOLE);
                check_hello(i, &hello);
            }
            CHECK_EQ(hellos[i].name, read_tight(sight_tls, stream.p, stream.len, &hello),
                     SIGHT_WHOLE);
            check_found(i, &hello);
            bytes_free(&message);
            bytes_free(&stream);
        }
    }
}

/* In TCP's segments, the later ones first. */
static void test_segments(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(hellos); i++) {
        struct bytes message = {0}, stream = {0};
        struct sight_hello hello;
        struct sight_stream s = {0};
        put_row(&message, i, false);
        put_records(&stream, &message, 4000);
        const size_t third = stream.len / 3 + 1;
        sight_stream_begin(&s, 1);
        for (size_t at = 2 * third; at > 0; at -= third) {
            const size_t n = stream.len - at < third ? stream.len - at : third;
            assert_true(
                sight_stream_add(&s, (uint32_t)(1 + at), (struct clv_span){stream.p + at, n}));
            CHECK_EQ(hellos[i].name, sight_tls(sight_stream_front(&s), &hello), SIGHT_PART);
        }
        assert_true(sight_stream_add(&s, 1, (struct clv_span){stream.p, third}));
        CHECK_EQ(hellos[i].name, sight_tls(sight_stream_front(&s), &hello), SIGHT_WHOLE);
        check_hello(i, &hello);
        sight_stream_fini(&s);
        bytes_free(&message);
        bytes_free(&stream);
    }
}

/* Of a hello that is longer than what is gathered the beginning counts. */
static void test_beyond(void **state)
{
    static const char *const names[] = {"early.example"}, *const alpn[] = {"h2"};
    struct bytes extensions = {0}, message = {0}, stream = {0};
    struct sight_hello hello;
    (void)state;
    put_sni(&extensions, names, 1);
    put_extension(&extensions, 51, 20000);
    put_alpn(&extensions, alpn, 1);
    put_client_hello(&message, false, &extensions);
    put_records(&stream, &message, 16384);
    assert_true(stream.len > 20000);
    CHECK_EQ("almost", read_tight(sight_tls, stream.p, SIGHT_TLS - 1, &hello), SIGHT_PART);
    CHECK_STR("almost", hello.name, "early.example");
    CHECK_EQ("as much as there can be", read_tight(sight_tls, stream.p, SIGHT_TLS, &hello),
             SIGHT_WHOLE);
    CHECK_STR("as much as there can be", hello.name, "early.example");
    CHECK_EQ("more", read_tight(sight_tls, stream.p, stream.len, &hello), SIGHT_WHOLE);
    CHECK_STR("more", hello.name, "early.example");
    CHECK_STR("more", hello.alpn, "");
    bytes_free(&extensions);
    bytes_free(&message);
    bytes_free(&stream);
}

#define RANDOM "abababababababababababababababababababababababababababababababab"

static void test_bytes(void **state)
{
    static const struct {
        const char *name, *hex;
        enum sight step;
    } rows[] = {
        {"no extensions", "16 0301 002d 01 000029 0303" RANDOM "00 0002 1301 01 00", SIGHT_WHOLE},
        {"SSL 3.0", "16 0300 002d 01 000029 0300" RANDOM "00 0002 1301 01 00", SIGHT_WHOLE},
        {"empty extensions", "16 0301 002f 01 00002b 0303" RANDOM "00 0002 1301 01 00 0000",
         SIGHT_WHOLE},
        {"an extension without data",
         "16 0301 0033 01 00002f 0303" RANDOM "00 0002 1301 01 00 0004 0000 0000", SIGHT_WHOLE},
        {"names beyond their extension",
         "16 0301 0036 01 000032 0303" RANDOM "00 0002 1301 01 00 0007 0000 0003 0009 00",
         SIGHT_WHOLE},
        {"an extension beyond the hello",
         "16 0301 0033 01 00002f 0303" RANDOM "00 0002 1301 01 00 0004 0000 0001", SIGHT_NOT},
        {"extensions beyond the hello",
         "16 0301 002f 01 00002b 0303" RANDOM "00 0002 1301 01 00 0001", SIGHT_NOT},
        {"bytes after the extensions",
         "16 0301 0030 01 00002c 0303" RANDOM "00 0002 1301 01 00 0000 00", SIGHT_NOT},
        {"a session id that is too long",
         "16 0301 004e 01 00004a 0303" RANDOM "21" RANDOM "00 0002 1301 01 00", SIGHT_NOT},
        {"no cipher suites", "16 0301 002b 01 000027 0303" RANDOM "00 0000 01 00", SIGHT_NOT},
        {"half a cipher suite", "16 0301 002c 01 000028 0303" RANDOM "00 0001 13 01 00", SIGHT_NOT},
        {"no compression", "16 0301 002c 01 000028 0303" RANDOM "00 0002 1301 00", SIGHT_NOT},
        {"ends in the suites", "16 0301 0027 01 000023 0303" RANDOM "00", SIGHT_NOT},
        {"no room for a random", "16 0301 0008 01 000004 0303 0000", SIGHT_NOT},
        {"another version within", "16 0301 002d 01 000029 0203" RANDOM "00 0002 1301 01 00",
         SIGHT_NOT},
        {"too long for a hello", "16 0301 0100 01 0fffff 0303", SIGHT_NOT},
        {"a ServerHello", "16 0303 002d 02 000029 0303", SIGHT_NOT},
        {"application data", "17 0303 002d", SIGHT_NOT},
        {"another version", "16 0401 002d 01", SIGHT_NOT},
        {"another minor version", "16 0305 002d 01", SIGHT_NOT},
        {"an empty record", "16 0301 0000 01", SIGHT_NOT},
        {"too long a record", "16 0301 4001 01", SIGHT_NOT},
        {"another record within the hello", "16 0301 0002 01 00 17 0301 0001 00", SIGHT_NOT},
        {"text", "474554202f20", SIGHT_NOT},
        {"nothing", "", SIGHT_PART},
        {"one byte", "16", SIGHT_PART},
        {"a header", "16 0301 0200", SIGHT_PART},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes b = {0};
        struct sight_hello hello;
        put_hex(&b, rows[i].hex);
        CHECK_EQ(rows[i].name, read_tight(sight_tls, b.p, b.len, &hello), rows[i].step);
        CHECK_STR(rows[i].name, hello.name, "");
        bytes_free(&b);
    }
}

static void test_handshake(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(hellos); i++) {
        struct bytes b = {0};
        struct sight_hello hello;
        put_row(&b, i, false);
        CHECK_EQ(hellos[i].name, read_tight(sight_tls_handshake, b.p, b.len - 1, &hello),
                 SIGHT_PART);
        CHECK_EQ(hellos[i].name, read_tight(sight_tls_handshake, b.p, b.len, &hello), SIGHT_WHOLE);
        check_hello(i, &hello);
        put_fill(&b, 0, 4);
        CHECK_EQ(hellos[i].name, read_tight(sight_tls_handshake, b.p, b.len, &hello), SIGHT_WHOLE);
        check_hello(i, &hello);
        bytes_free(&b);
    }
}

static void test_server(void **state)
{
    static const struct {
        const char *name, *hex;
        enum sight step;
    } rows[] = {
        {"a ServerHello", "16 0303 007a 02", SIGHT_WHOLE},
        {"a HelloRequest", "16 0301 0004 00", SIGHT_WHOLE},
        {"a fatal alert", "15 0301 0002 02 28", SIGHT_WHOLE},
        {"a warning", "15 0303 0002 01", SIGHT_WHOLE},
        {"an encrypted alert", "15 0303 001a 00", SIGHT_NOT},
        {"another alert", "15 0303 0002 03", SIGHT_NOT},
        {"a ClientHello", "16 0303 007a 01", SIGHT_NOT},
        {"application data", "17 0303 007a 02", SIGHT_NOT},
        {"another version", "16 0203 007a 02", SIGHT_NOT},
        {"text", "48545450", SIGHT_NOT},
        {"nothing", "", SIGHT_PART},
        {"cut", "16 0303 007a", SIGHT_PART},
        {"an alert cut", "15 0303 0002", SIGHT_PART},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes b = {0};
        put_hex(&b, rows[i].hex);
        uint8_t *block = tight_copy(b.p, b.len);
        CHECK_EQ(rows[i].name, sight_tls_server((struct clv_span){block, b.len}), rows[i].step);
        free(block);
        bytes_free(&b);
    }
}

/* A datagram with the first `most` bytes of a ClientHello's body. */
static void put_dtls(struct bytes *b, size_t i, size_t most)
{
    struct bytes message = {0};
    put_row(&message, i, true);
    const size_t len = message.len - 4, n = len < most ? len : most;
    put_hex(b, "16 feff 0000 000000000000");
    put16(b, true, (uint16_t)(12 + n));
    put_bytes(b, message.p, 4);
    put_hex(b, "0000 000000 00");
    put16(b, true, (uint16_t)n);
    put_bytes(b, message.p + 4, n);
    bytes_free(&message);
}

static void test_dtls(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(hellos); i++) {
        struct bytes b = {0}, fragment = {0};
        struct sight_hello hello;
        put_dtls(&b, i, 65000);
        for (size_t n = 0; n < b.len; n += n < 300 ? 1 : 97) {
            const enum sight step = read_tight(sight_dtls, b.p, n, &hello);
            CHECK_EQ(hellos[i].name, step, n < 25 ? SIGHT_NOT : SIGHT_PART);
            check_found(i, &hello);
        }
        CHECK_EQ(hellos[i].name, read_tight(sight_dtls, b.p, b.len, &hello), SIGHT_WHOLE);
        check_hello(i, &hello);
        put_dtls(&fragment, i, 60);
        CHECK_EQ(hellos[i].name, read_tight(sight_dtls, fragment.p, fragment.len, &hello),
                 SIGHT_PART);
        static const struct {
            const char *name;
            size_t at;
            uint8_t flip;
        } changes[] = {
            {"another type", 0, 1},           {"another version", 1, 1},
            {"another version too", 2, 0x80}, {"another epoch", 4, 1},
            {"another message", 13, 2},       {"another fragment", 21, 1},
            {"a longer fragment", 22, 1},     {"a TLS hello", 25, 0xfd},
        };
        for (size_t k = 0; k < N_ROWS(changes); k++) {
            b.p[changes[k].at] ^= changes[k].flip;
            CHECK_EQ(changes[k].name, read_tight(sight_dtls, b.p, b.len, &hello), SIGHT_NOT);
            b.p[changes[k].at] ^= changes[k].flip;
        }
        bytes_free(&b);
        bytes_free(&fragment);
    }
}

UNIT(tls)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hellos),    cmocka_unit_test(test_segments),
        cmocka_unit_test(test_beyond),    cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_handshake), cmocka_unit_test(test_server),
        cmocka_unit_test(test_dtls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
