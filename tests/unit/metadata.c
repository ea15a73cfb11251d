/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_pcapng.h"
#include "support_secret.h"

#include "base/mem.h"
#include "format/hello.h"
#include "format/metadata.h"
#include "walk/pcapng.h"

enum { BEGIN = 1000 };

/* ---- handshakes ---- */

static void put_hello(struct bytes *b, bool dtls, uint8_t random)
{
    put_hex(b, dtls ? "16 fefd 0000 000000000000 0040 01 000034 0000 000000 000034 fefd"
                    : "16 0301 0040 01 00003c 0303");
    put_fill(b, random, HELLO_RANDOM);
    put_fill(b, 0, 16);
}

static void test_hello(void **state)
{
    static const struct {
        const char *name;
        size_t before; /* bytes of other headers */
        bool dtls;
        size_t change; /* a byte of the hello that is another; 0: none */
        size_t len;    /* of the hello; 0: all */
        bool found;
    } rows[] = {
        {"a hello alone", 0, false, 0, 0, true},
        {"behind headers", 54, false, 0, 0, true},
        {"behind many headers", 200, false, 0, 0, true},
        {"too far behind", 4000, false, 0, 0, false},
        {"no handshake", 54, false, 5, 0, false},
        {"its record began before", 54, false, 1, 0, true},
        {"another version in it", 54, false, 9, 0, false},
        {"its random is cut", 54, false, 0, 42, false},
        {"its random is whole", 54, false, 0, 43, true},
        {"DTLS", 42, true, 0, 0, true},
        {"DTLS, no handshake", 42, true, 13, 0, false},
        {"DTLS, its random is cut", 42, true, 0, 58, false},
        {"DTLS, its random is whole", 42, true, 0, 59, true},
    };
    static const uint8_t fills[] = {0xab, 0}; /* of the random: zeros may be padding elsewhere */
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows) * N_ROWS(fills); i++) {
        const size_t row = i / N_ROWS(fills);
        const uint8_t fill = fills[i % N_ROWS(fills)];
        struct bytes b = {0};
        put_fill(&b, 0x16, rows[row].before); /* each could be one */
        put_hello(&b, rows[row].dtls, fill);
        if (rows[row].change)
            b.p[rows[row].before + rows[row].change] ^= 0x40;
        const size_t len = rows[row].len ? rows[row].before + rows[row].len : b.len;
        uint8_t *p = tight_copy(b.p, len);
        bool torn;
        const uint8_t *random = hello_random(p, len, &torn);
        CHECK_EQ(rows[row].name, random != NULL, rows[row].found);
        if (random) {
            CHECK_EQ(rows[row].name, random - p, rows[row].before + (rows[row].dtls ? 27 : 11));
            CHECK_EQ(rows[row].name, random[31], fill);
        }
        free(p);
        bytes_free(&b);
    }
}

/* A hello in two packets: of any cut, its random is found, or it is said that there may be one. */
static void test_torn_hello(void **state)
{
    enum { HEADERS = 54, FRAME_MIN = 60, RANDOM_AT = 11 };
    (void)state;
    struct bytes hello = {0};
    put_hello(&hello, false, 0xab);
    for (size_t cut = 1; cut < hello.len; cut++)
        for (unsigned padded = 0; padded < 2; padded++) {
            struct bytes first = {0}, second = {0};
            char row[64];
            (void)snprintf(row, sizeof row, "cut after %zu%s", cut, padded ? ", padded" : "");
            put_fill(&first, 0x11, HEADERS);
            put_bytes(&first, hello.p, cut);
            if (padded && first.len < FRAME_MIN)
                put_fill(&first, 0, FRAME_MIN - first.len);
            put_fill(&second, 0x11, HEADERS);
            put_bytes(&second, hello.p + cut, hello.len - cut);
            bool torn, again;
            const uint8_t *const whole = hello_random(first.p, first.len, &torn);
            const uint8_t *const random =
                cut < RANDOM_AT + HELLO_RANDOM ? hello_random(second.p, second.len, &again) : NULL;
            const bool found = random && random[0] == 0xab && random[HELLO_RANDOM - 1] == 0xab;
            CHECK_EQ(row, found, cut <= 5);
            CHECK_EQ(row, torn,
                     (cut > 2 || (padded && cut == 2)) && cut < RANDOM_AT + HELLO_RANDOM);
            CHECK_EQ(row, whole != NULL, cut >= RANDOM_AT + HELLO_RANDOM);
            bytes_free(&first);
            bytes_free(&second);
        }
    bytes_free(&hello);
}

/* In short records; what is no hello does not begin one. */
static void test_begun_hello(void **state)
{
    static const struct {
        const char *name, *hex; /* behind 54 bytes of headers, with 100 more behind it */
        bool begins;
    } rows[] = {
        {"a record of a byte", "16 0301 0001 01 16 0301 003f 00003c 0303", true},
        {"a record that ends before the random", "16 0301 0025 01 000034 0303", true},
        {"a record with the random", "16 0301 0026 01 000034 0303", false},
        {"a hello of the server", "16 0303 0004 02 000034 0303", false},
        {"another version", "16 0203 0001 01", false},
        {"application data", "17 0303 0001 01", false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes b = {0};
        put_fill(&b, 0x11, 54);
        put_hex(&b, rows[i].hex);
        put_fill(&b, 0xee, 100);
        bool torn;
        const uint8_t *const random = hello_random(b.p, b.len, &torn);
        CHECK(rows[i].name, !torn || !random);
        CHECK_EQ(rows[i].name, torn, rows[i].begins);
        bytes_free(&b);
    }
}

static void test_quic(void **state)
{
    static const struct {
        const char *name, *hex; /* behind 42 bytes of headers */
        uint32_t origlen;
        bool hides;
    } rows[] = {
        {"version 1", "c3 00000001 08", 1242, true},
        {"version 2", "d3 6b3343cf 08", 1242, true},
        {"a draft", "c3 ff00001d 14", 1242, true},
        {"too short for one", "c3 00000001 08", 1199, false},
        {"a short header", "43 00000001 08", 1242, false},
        {"an unknown version", "c3 00000002 08", 1242, false},
        {"an id that is too long", "c3 00000001 15", 1242, false},
        {"cut in the header", "c3 000000", 1242, false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes b = {0};
        put_fill(&b, 0xee, 42);
        put_hex(&b, rows[i].hex);
        if (b.len > 46)
            put_fill(&b, 0xee, 100);
        uint8_t *p = tight_copy(b.p, b.len);
        CHECK_EQ(rows[i].name, hello_may_hide(p, b.len, rows[i].origlen), rows[i].hides);
        free(p);
        bytes_free(&b);
    }
}

#define HEX32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1E1F"

static void test_lines(void **state)
{
    static const struct {
        const char *name, *text;
        enum hello_line want;
    } rows[] = {
        {"none", "", HELLO_END},
        {"a secret", "CLIENT_RANDOM " HEX32 " 00ff\n", HELLO_LINE},
        {"without a newline", "CLIENT_RANDOM " HEX32 " 00ff", HELLO_LINE},
        {"with a carriage return", "EXPORTER_SECRET " HEX32 " 00ff\r\n", HELLO_LINE},
        {"empty", "\n", HELLO_NOTHING},
        {"a comment", "# SSL/TLS secrets log file\n", HELLO_NOTHING},
        {"padding", "\0\0\0", HELLO_END},
        {"of RSA", "RSA 0011223344556677 00ff\n", HELLO_OTHER},
        {"a word", "CLIENT_RANDOM\n", HELLO_OTHER},
        {"a random that is too short", "CLIENT_RANDOM 0011 00ff\n", HELLO_OTHER},
        {"a random that is too long", "CLIENT_RANDOM 0" HEX32 " 00ff\n", HELLO_OTHER},
        {"a random that is none", "CLIENT_RANDOM x" HEX32 "\n", HELLO_OTHER},
        {"no secret", "CLIENT_RANDOM " HEX32 "\n", HELLO_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        uint8_t random[HELLO_RANDOM] = {0};
        const size_t len = strlen(rows[i].text);
        uint8_t *p = tight_copy((const uint8_t *)rows[i].text, len);
        struct clv_span s = {p, len};
        CHECK_EQ(rows[i].name, hello_line(&s, random), rows[i].want);
        CHECK_EQ(rows[i].name, s.len, 0);
        if (rows[i].want == HELLO_LINE) {
            CHECK_EQ(rows[i].name, random[1], 1);
            CHECK_EQ(rows[i].name, random[31], 0x1f);
        }
        free(p);
    }
}

/* ---- picking ---- */

struct scene {
    struct ledger l;
    struct walk_state st;
    struct metadata m;
};

static void note(struct scene *s, struct bytes *b)
{
    struct walk_record rec;
    assert_int_equal(walk_block(&s->l, &s->st, b->p, b->len, &rec), WALK_BLOCK);
    assert_true(
        walk_note(&s->l, &s->st, b->p, (uint32_t)b->len, BEGIN + ledger_count(&s->l), NULL));
    b->len = 0;
}

static void put_line(char *text, size_t len, uint8_t random)
{
    const size_t at = strlen(text);
    (void)snprintf(text + at, len - at, "CLIENT_RANDOM ");
    for (unsigned i = 0; i < HELLO_RANDOM; i++)
        (void)snprintf(text + strlen(text), len - strlen(text), "%02x", random);
    (void)snprintf(text + strlen(text), len - strlen(text), " 00ff\n");
}

/* A block of secrets for the randoms, each of which is a byte, 32 times. */
static void add_secrets(struct scene *s, bool big, const char *randoms)
{
    char text[1024] = "";
    struct bytes b = {0};
    for (const char *r = randoms; *r; r++)
        put_line(text, sizeof text, (uint8_t)*r);
    const size_t at = block_begin(&b, big, BLOCK_SECRETS);
    put32(&b, big, 0x544c534b);
    put32(&b, big, (uint32_t)strlen(text));
    put_bytes(&b, (const uint8_t *)text, strlen(text));
    put_fill(&b, 0, (4 - strlen(text) % 4) % 4);
    block_end(&b, big, at);
    note(s, &b);
    bytes_free(&b);
}

/* A block with a name for each address 10.0.0.x, x a byte. */
static void add_names(struct scene *s, bool big, const char *last)
{
    struct bytes b = {0};
    const size_t at = block_begin(&b, big, BLOCK_NAMES);
    for (; *last; last++) {
        const uint8_t name[8] = {10, 0, 0, (uint8_t)*last, 'h', 'o', (uint8_t)*last, 0};
        put_option(&b, big, 1, name, sizeof name);
    }
    put32(&b, big, 0);
    block_end(&b, big, at);
    note(s, &b);
    bytes_free(&b);
}

static void add_custom(struct scene *s, bool big, size_t len)
{
    struct bytes b = {0};
    const size_t at = block_begin(&b, big, BLOCK_CUSTOM);
    put_fill(&b, 'c', len);
    block_end(&b, big, at);
    note(s, &b);
    bytes_free(&b);
}

static void begin(struct scene *s, bool big)
{
    struct bytes b = {0};
    memset(s, 0, sizeof *s);
    s->st.big_endian = big;
    ledger_init(&s->l, 64 << 20);
    put_section(&b, big);
    note(s, &b);
    assert_true(metadata_init(&s->m, &s->l, support_secret()));
    bytes_free(&b);
}

static void end(struct scene *s)
{
    metadata_fini(&s->m);
    ledger_fini(&s->l);
}

/* Entries that are picked, as letters from 'a'; a capital one: only a name of it. */
static const char *picked_text(picked *list, char *buf)
{
    char *p = buf;
    for (size_t i = 0; i < list->n; i++)
        *p++ = (char)(((uint32_t)list->p[i] ? 'A' : 'a') + (list->p[i] >> 32));
    *p = '\0';
    picked_fini(list);
    return buf;
}

static const char *pick(struct scene *s, struct picks *p, uint32_t from, char *buf)
{
    picked list;
    assert_true(metadata_pick(&s->m, p, from, ledger_count(&s->l), BEGIN, &list));
    return picked_text(&list, buf);
}

static const char *meet(struct scene *s, struct picks *p, uint8_t random, char *buf)
{
    picked list;
    uint8_t bytes[HELLO_RANDOM];
    memset(bytes, random, sizeof bytes);
    assert_true(
        metadata_meet(&s->m, p, random ? bytes : NULL, 1, ledger_count(&s->l), BEGIN, &list));
    return picked_text(&list, buf);
}

static const uint8_t ten[3][16] = {{10, 0, 0, '1'}, {10, 0, 0, '2'}, {10, 0, 0, '9'}};

static void test_picks(void **state)
{
    (void)state;
    for (unsigned big = 0; big < 2; big++) {
        struct scene s;
        char buf[64];
        uint64_t unused, names;
        bool any;
        picked list;
        struct picks one = {.number = 1, .a = ten[0], .b = ten[1], .family = 4};
        struct picks two = {.number = 2, .a = ten[2], .b = ten[2], .family = 4};
        struct picks wild = {.number = 3, .may_hide = true};
        begin(&s, big);             /* a */
        add_secrets(&s, big, "xy"); /* b */
        add_names(&s, big, "12");   /* c */
        add_custom(&s, big, 20);    /* d */
        add_secrets(&s, big, "z");  /* e */
        add_secrets(&s, big, "");   /* f: of nobody, so for all */
        add_names(&s, big, "3");    /* g */
        CHECK_STR("names of both", pick(&s, &one, 1, buf), "CCdf");
        CHECK_STR("no name", pick(&s, &two, 1, buf), "df");
        CHECK_STR("any name", pick(&s, &wild, 1, buf), "cdfg");
        CHECK_STR("a hello", meet(&s, &one, 'x', buf), "b");
        CHECK_STR("once more", meet(&s, &one, 'x', buf), "");
        CHECK_STR("of the same block", meet(&s, &one, 'y', buf), "");
        CHECK_STR("whose secrets are not there", meet(&s, &two, 'w', buf), "");
        CHECK_STR("that is hidden", meet(&s, &wild, 0, buf), "be");
        add_secrets(&s, big, "wx"); /* h */
        add_secrets(&s, big, "v");  /* i */
        CHECK_STR("later secrets", pick(&s, &one, 7, buf), "h");
        CHECK_STR("later secrets of another", pick(&s, &two, 7, buf), "h");
        CHECK_STR("all later ones", pick(&s, &wild, 7, buf), "hi");
        add_secrets(&s, big, "u"); /* j */
        assert_true(metadata_rest(&s.m, &any));
        CHECK("something is left", any);
        assert_true(metadata_pick_rest(&s.m, &two, 1, ledger_count(&s.l), BEGIN, &list));
        CHECK_STR("what no handshake is of", picked_text(&list, buf), "eij");
        assert_true(metadata_pick_rest(&s.m, &wild, 1, ledger_count(&s.l), BEGIN, &list));
        CHECK_STR("and what was not sent", picked_text(&list, buf), "j");
        assert_true(metadata_unused(&s.m, &unused, &names));
        CHECK_EQ("all is used", unused, 0);
        CHECK_EQ("all names", names, 0);
        add_names(&s, big, "1234"); /* k */
        CHECK_STR("a name of several", pick(&s, &one, 10, buf), "KK");
        assert_true(metadata_unused(&s.m, &unused, &names));
        CHECK_EQ("names of nobody", names, 2);
        CHECK_EQ("nothing was too much", one.beyond + two.beyond + wild.beyond, 0);
        picks_fini(&one);
        picks_fini(&two);
        picks_fini(&wild);
        end(&s);
    }
}

/* Output n gets an nth of what all may have together, of what comes together all or nothing. */
static void test_bound(void **state)
{
    enum { MIB = 1 << 20, OUTPUTS = 200 };
    struct scene s;
    uint64_t sum = 0, beyond = 0;
    (void)state;
    begin(&s, false);
    add_custom(&s, false, MIB);
    add_custom(&s, false, MIB);
    for (unsigned n = 1; n <= OUTPUTS; n++) {
        struct picks p = {.number = n};
        picked list;
        assert_true(metadata_pick(&s.m, &p, 1, 3, BEGIN, &list));
        CHECK("both or none", list.n == 0 || list.n == 2);
        CHECK_EQ("the first ones", list.n == 2, n <= 32);
        CHECK_EQ("bytes", p.bytes, list.n * (MIB + 12));
        sum += p.bytes;
        beyond += p.beyond;
        picked_fini(&list);
        picks_fini(&p);
    }
    CHECK("in all", sum <= METADATA_BASE + BEGIN);
    CHECK_EQ("the others", beyond, 2 * (OUTPUTS - 32));
    end(&s);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (uint64_t nth = 1;; nth++) {
        struct scene s;
        char buf[64];
        picked list;
        struct picks p = {.number = 1, .a = ten[0], .b = ten[1], .family = 4};
        static const uint8_t random[HELLO_RANDOM] = {0};
        begin(&s, false);
        add_secrets(&s, false, "xy");
        add_names(&s, false, "12");
        add_custom(&s, false, 20);
        mem_fail_from(nth);
        bool ok = metadata_pick(&s.m, &p, 1, 4, BEGIN, &list);
        if (ok)
            (void)picked_text(&list, buf);
        ok = ok && metadata_meet(&s.m, &p, random, 1, 4, BEGIN, &list);
        if (ok)
            picked_fini(&list);
        mem_fail_from(0);
        picks_fini(&p);
        end(&s);
        if (ok) {
            CHECK("something was allocated", nth > 4);
            return;
        }
    }
}

UNIT(metadata)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),       cmocka_unit_test(test_torn_hello),
        cmocka_unit_test(test_begun_hello), cmocka_unit_test(test_quic),
        cmocka_unit_test(test_lines),       cmocka_unit_test(test_picks),
        cmocka_unit_test(test_bound),       cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
