/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "support_quic.h"

#include "base/mem.h"
#include "sight/quic.h"

/* RFC 9001 appendix A.2, and the same in RFC 9369 appendix A.2. */
#define FRAMES                                                                                     \
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868"                             \
    "04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578"                             \
    "616d706c652e636f6dff01000100000a00080006001d00170018001000070005"                             \
    "04616c706e000500050100000000003300260024001d00209370b2c9caa47fba"                             \
    "baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400"                             \
    "0d0010000e0403050306030203080408050806002d00020101001c0002400100"                             \
    "3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000"                             \
    "75300901100f088394c8f03e51570806048000ffff"

enum { SAMPLE_LEN = 1200, SAMPLE_NUMBER_AT = 18 };

static const struct sample {
    const char *name;
    uint32_t version;
    const char *key, *iv, *hp;
    const char *header;      /* unprotected */
    const char *begin, *end; /* of the protected packet; its last bytes vouch for all */
    const char *server, *retry;
} samples[] = {
    {"RFC 9001 appendix A", QUIC_V1, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
     "9f50449e04a0e810283a1e9933adedd2", "c300000001088394c8f03e5157080000449e00000002",
     "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11"
     "d242b123dc9bd8bab936b47d92ec356c",
     "8b4c8d169a44e55c88d4a9a7f9474241e221af44860018ab0856972e194cd934",
     "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c697975"
     "54780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bde"
     "d74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407d"
     "d074ee",
     "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba"},
    {"RFC 9369 appendix A", QUIC_V2, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
     "45b95e15235d6f45a6b19cbcb0294ba9", "d36b3343cf088394c8f03e5157080000449e00000002",
     "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485"
     "dd04de806071bf03dceebfa162e75d6c",
     "9973b2172b4d21fb69745a262ccde96ba18b2faa745b6fe189cf772a9f84cbfc",
     "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237b"
     "bf87263017915358230035f7fd3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e"
     "42757507698075b2c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca84bed8521"
     "e2e140",
     "cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6"},
};

static enum sight add(struct sight_quic *q, const struct bytes *datagram, struct sight_hello *hello)
{
    uint8_t *block = tight_copy(datagram->p, datagram->len);
    const enum sight step = sight_quic_add(q, (struct clv_span){block, datagram->len}, hello);
    free(block);
    return step;
}

/* The step that a build without nettle takes. */
static enum sight if_opened(enum sight step)
{
    return HAVE_NETTLE ? step : SIGHT_NOT;
}

static struct sight_quic *create(void)
{
    struct sight_quic *q = sight_quic_create();
    assert_non_null(q);
    return q;
}

static void check_hex(const char *row, const uint8_t *got, const char *hex)
{
    struct bytes want = {0};
    put_hex(&want, hex);
    CHECK_MEM(row, got, want.p, want.len);
    bytes_free(&want);
}

static void put_sample(const struct sample *s, struct bytes *b)
{
    struct initial_keys keys;
    static const uint8_t dcid[] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};
    put_hex(b, s->header);
    put_hex(b, FRAMES);
    put_fill(b, 0, SAMPLE_LEN - b->len);
    CHECK_EQ(s->name, initial_derive(s->version, (struct clv_span){dcid, sizeof dcid}, &keys),
             HAVE_NETTLE);
    if (!HAVE_NETTLE)
        return;
    check_hex(s->name, keys.key, s->key);
    check_hex(s->name, keys.iv, s->iv);
    check_hex(s->name, keys.hp, s->hp);
    initial_seal(&keys, b->p, SAMPLE_LEN, SAMPLE_NUMBER_AT, 4, 2);
    check_hex(s->name, b->p, s->begin);
    check_hex(s->name, b->p + SAMPLE_LEN - strlen(s->end) / 2, s->end);
}

static void test_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(samples); i++) {
        const struct sample *s = &samples[i];
        struct bytes b = {0}, server = {0}, retry = {0};
        struct sight_hello hello;
        struct sight_quic *q = create();
        put_sample(s, &b);
        put_hex(&server, s->server);
        put_hex(&retry, s->retry);
        CHECK_EQ(s->name, add(q, &server, &hello), SIGHT_NOT);
        CHECK_EQ(s->name, add(q, &retry, &hello), SIGHT_NOT);
        CHECK_EQ(s->name, add(q, &b, &hello), if_opened(SIGHT_WHOLE));
        CHECK_STR(s->name, hello.name, HAVE_NETTLE ? "example.com" : "");
        CHECK_STR(s->name, hello.alpn, HAVE_NETTLE ? "alpn" : "");
        CHECK_EQ(s->name, add(q, &server, &hello), SIGHT_NOT);
        CHECK_STR(s->name, hello.name, "");
        for (size_t at = 0; at < b.len; at += at < 24 ? 1 : 97) { /* of another packet */
            struct sight_quic *other = create();
            b.p[at] ^= 0x20;
            CHECK_EQ(s->name, add(other, &b, &hello), SIGHT_NOT);
            b.p[at] ^= 0x20;
            sight_quic_destroy(&other);
        }
        for (size_t n = 0; n < b.len; n += n < 24 ? 1 : 97) {
            const struct bytes cut = {b.p, n, n};
            CHECK_EQ(s->name, add(q, &cut, &hello), SIGHT_NOT);
        }
        CHECK(s->name, sight_quic_is_initial((struct clv_span){b.p, b.len}));
        CHECK(s->name, sight_quic_is_initial((struct clv_span){server.p, server.len}));
        CHECK(s->name, !sight_quic_is_initial((struct clv_span){retry.p, retry.len}));
        sight_quic_destroy(&q);
        CHECK(s->name, !q);
        bytes_free(&b);
        bytes_free(&server);
        bytes_free(&retry);
    }
}

static void test_is_initial(void **state)
{
    static const struct {
        const char *name, *hex;
        bool want;
    } rows[] = {
        {"version 1", "c0 00000001 00 00", true},
        {"version 2", "d0 6b3343cf 01 aa 00", true},
        {"draft 29", "cf ff00001d 00 02 aabb", true},
        {"0-RTT", "d0 00000001 00 00", false},
        {"Initial's type of version 1", "c0 6b3343cf 00 00", false},
        {"a short header", "40 00000001 00 00", false},
        {"without the fixed bit", "80 00000001 00 00", false},
        {"version negotiation", "c0 00000000 00 00", false},
        {"another version", "c0 00000002 00 00", false},
        {"an ID that is too long", "c0 00000001 15 000000000000000000000000000000000000000000 00",
         false},
        {"an ID that is cut", "c0 00000001 02 aa", false},
        {"a second ID that is missing", "c0 00000001 01 aa", false},
        {"nothing", "", false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes b = {0};
        put_hex(&b, rows[i].hex);
        uint8_t *block = tight_copy(b.p, b.len);
        CHECK_EQ(rows[i].name, sight_quic_is_initial((struct clv_span){block, b.len}),
                 rows[i].want);
        free(block);
        bytes_free(&b);
    }
}

static void put_hello(struct bytes *message, const char *name, size_t more)
{
    static const char *const alpn[] = {"h3"};
    struct bytes extensions = {0};
    put_extension(&extensions, 51, more);
    put_sni(&extensions, &name, 1);
    put_alpn(&extensions, alpn, 1);
    put_client_hello(message, false, &extensions);
    bytes_free(&extensions);
}

static void check_whole(const char *row, enum sight step, const struct sight_hello *hello,
                        const char *name)
{
    CHECK_EQ(row, step, if_opened(SIGHT_WHOLE));
    CHECK_STR(row, hello->name, HAVE_NETTLE ? name : "");
    CHECK_STR(row, hello->alpn, HAVE_NETTLE ? "h3" : "");
}

/* A hello in pieces of random lengths, some twice, in random order, over as many datagrams. */
static void test_pieces(void **state)
{
    enum { PIECES = 400 };
    uint64_t seed = 9;
    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        struct bytes message = {0};
        size_t cuts[PIECES + 1], n = 0;
        put_hello(&message, "pieces.example", round % 3 ? 1200 : 0);
        for (size_t at = 0; at < message.len; n++) {
            cuts[n] = at;
            at += 1 + noise(&seed) % (round % 2 ? 20 : 400);
        }
        cuts[n] = message.len;
        size_t order[PIECES] = {0};
        for (size_t i = 0; i < n; i++) {
            const size_t k = noise(&seed) % (i + 1);
            order[i] = order[k];
            order[k] = i;
        }
        struct sight_quic *q = create();
        struct quic_packet packet = {.version = round % 4 < 2 ? QUIC_V1 : QUIC_V2,
                                     .dcid = "destination",
                                     .scid = "source",
                                     .number_len = 1,
                                     .pad = 1200};
        struct sight_hello hello = {0};
        enum sight step = SIGHT_PART;
        for (size_t i = 0; i < n;) {
            struct bytes frames = {0}, datagram = {0};
            CHECK("before its last piece", i == 0 || step == if_opened(SIGHT_PART));
            put_hex(&frames, "02 05 00 01 00 01 01"); /* ACK of two ranges */
            for (size_t k = 1 + noise(&seed) % 8; k && i < n; k--, i++) {
                put_crypto(&frames, &message, cuts[order[i]], cuts[order[i] + 1]);
                put_fill(&frames, (uint8_t)(k % 2), 3); /* PING, PADDING */
                if (k % 5 == 0)
                    put_crypto(&frames, &message, cuts[order[i]], cuts[order[i] + 1]);
            }
            put_hex(&frames, "03 05 00 00 00 01 02 03"); /* ACK with ECN counts */
            put_initial(&datagram, &packet, &frames);
            packet.number++;
            packet.number_len = 1 + (unsigned)(noise(&seed) % 4);
            step = add(q, &datagram, &hello);
            bytes_free(&frames);
            bytes_free(&datagram);
        }
        check_whole("its last piece", step, &hello, "pieces.example");
        sight_quic_destroy(&q);
        bytes_free(&message);
    }
}

/* Both halves of a hello in two packets of one datagram, between others. */
static void test_coalesced(void **state)
{
    struct bytes message = {0}, halves[2] = {{0}}, datagram = {0}, other = {0};
    struct sight_hello hello;
    struct sight_quic *q = create();
    const struct quic_packet packet = {.version = QUIC_V1, .dcid = "12345678", .number_len = 2};
    struct quic_packet foreign = packet;
    (void)state;
    put_hello(&message, "coalesced.example", 0);
    put_crypto(&halves[1], &message, 0, 60);
    put_crypto(&halves[0], &message, 60, message.len);
    foreign.keys_of = "another";
    put_initial(&datagram, &foreign, &halves[0]);
    put_initial(&datagram, &packet, &halves[0]);
    put_hex(&datagram, "d0 00000001 08 3132333435363738 00 05 0011223344"); /* 0-RTT */
    put_initial(&datagram, &packet, &halves[1]);
    put_hex(&datagram, "40 5e"); /* a short header */
    check_whole("coalesced", add(q, &datagram, &hello), &hello, "coalesced.example");
    for (unsigned i = 0; i < 8; i++)
        put_initial(&other, &foreign, &halves[0]);
    put_initial(&other, &packet, &halves[0]);
    CHECK_EQ("after many that cannot be opened", add(q, &other, &hello), SIGHT_NOT);
    for (unsigned i = 0; i < 2; i++)
        bytes_free(&halves[i]);
    bytes_free(&message);
    bytes_free(&datagram);
    bytes_free(&other);
    sight_quic_destroy(&q);
}

/* RFC 9001 section 5.2: the keys stay when the server's ID is used, a Retry changes them. */
static void test_ids(void **state)
{
    struct bytes message = {0}, half = {0}, rest = {0}, all = {0};
    struct sight_hello hello;
    struct sight_quic *q = create();
    (void)state;
    put_hello(&message, "retry.example", 500);
    put_crypto(&half, &message, 0, 400);
    put_crypto(&rest, &message, 400, message.len);
    put_crypto(&all, &message, 0, message.len);
    const struct {
        const char *name;
        struct quic_packet packet;
        const struct bytes *frames;
        enum sight step;
    } rows[] = {
        {"the first", {.version = QUIC_V1, .dcid = "first", .number_len = 1}, &half, SIGHT_PART},
        {"to the server's ID, of a client that is not known",
         {.version = QUIC_V1, .dcid = "server", .keys_of = "other", .number_len = 1},
         &rest,
         SIGHT_NOT},
        {"to the server's ID",
         {.version = QUIC_V1, .dcid = "server", .keys_of = "first", .number = 1, .number_len = 1},
         &rest,
         SIGHT_WHOLE},
        {"after a Retry, with its token",
         {.version = QUIC_V1,
          .dcid = "retry",
          .token = "a token of some length, as servers have it"
                   " who know a client by it",
          .number = 2,
          .number_len = 1},
         &half,
         SIGHT_PART},
        {"what came with the first keys is gone",
         {.version = QUIC_V1, .dcid = "retry", .token = "a token", .number = 3, .number_len = 1},
         &rest,
         SIGHT_WHOLE},
        {"another version",
         {.version = QUIC_V2, .dcid = "retry", .number_len = 4},
         &half,
         SIGHT_PART},
        {"in one",
         {.version = QUIC_V2, .dcid = "retry", .number = 1, .number_len = 1},
         &all,
         SIGHT_WHOLE},
    };
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes datagram = {0};
        put_initial(&datagram, &rows[i].packet, rows[i].frames);
        const enum sight step = add(q, &datagram, &hello);
        CHECK_EQ(rows[i].name, step, if_opened(rows[i].step));
        if (step == SIGHT_WHOLE)
            CHECK_STR(rows[i].name, hello.name, "retry.example");
        bytes_free(&datagram);
    }
    sight_quic_destroy(&q);
    bytes_free(&message);
    bytes_free(&half);
    bytes_free(&rest);
    bytes_free(&all);
}

/* Numbers of which only the last byte is sent (RFC 9000 appendix A.3). */
static void test_numbers(void **state)
{
    struct bytes message = {0};
    struct sight_hello hello;
    struct sight_quic *q = create();
    (void)state;
    put_hello(&message, "numbers.example", 1000);
    for (size_t i = 0; i < message.len; i++) {
        struct bytes frame = {0}, datagram = {0};
        const struct quic_packet packet = {
            .version = QUIC_V1, .dcid = "numbers", .number = i, .number_len = 1};
        put_crypto(&frame, &message, i, i + 1);
        put_initial(&datagram, &packet, &frame);
        const enum sight step = add(q, &datagram, &hello);
        CHECK_EQ("one byte", step, if_opened(i + 1 < message.len ? SIGHT_PART : SIGHT_WHOLE));
        bytes_free(&frame);
        bytes_free(&datagram);
    }
    sight_quic_destroy(&q);
    bytes_free(&message);
}

static void test_frames(void **state)
{
    static const struct {
        const char *name, *hex; /* before the hello's frame */
        bool read;
    } rows[] = {
        {"nothing", "", true},
        {"padding", "000000", true},
        {"a close", "1c 01 06 02 6f6b", true},
        {"a type in a longer form", "4001", true},
        {"an ACK of many ranges that are missing", "02 05 00 bfffffff 00", false},
        {"a close that is longer than the packet", "1c 01 06 7fff", false},
        {"CRYPTO beyond all that is kept", "06 80010000 01 00", true},
        {"CRYPTO at the end of all numbers", "06 ffffffffffffffff 01 00", true},
        {"CRYPTO that is longer than the packet", "06 00 7fff", false},
        {"a frame of streams", "08 00", false},
        {"a type that is not known", "40ff", false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes message = {0}, frames = {0}, datagram = {0};
        struct sight_hello hello;
        struct sight_quic *q = create();
        const struct quic_packet packet = {.version = QUIC_V1, .dcid = "12345678", .number_len = 1};
        put_hello(&message, "frames.example", 0);
        put_hex(&frames, rows[i].hex);
        put_crypto(&frames, &message, 0, message.len);
        put_initial(&datagram, &packet, &frames);
        CHECK_EQ(rows[i].name, add(q, &datagram, &hello),
                 if_opened(rows[i].read ? SIGHT_WHOLE : SIGHT_PART));
        sight_quic_destroy(&q);
        bytes_free(&message);
        bytes_free(&frames);
        bytes_free(&datagram);
    }
}

/* A hello that is longer than what is gathered; and a message that is none. */
static void test_bounds(void **state)
{
    struct bytes message = {0}, other = {0}, frames = {0}, datagram = {0};
    struct sight_hello hello;
    struct sight_quic *q = create();
    struct quic_packet packet = {.version = QUIC_V1, .dcid = "12345678", .number_len = 2};
    enum sight step = SIGHT_PART;
    (void)state;
    static const char *const names[] = {"bounds.example"};
    put_sni(&other, names, 1);
    put_extension(&other, 51, 20000);
    put_client_hello(&message, false, &other);
    for (size_t at = 0; at < SIGHT_QUIC_HELLO - 1; packet.number++) {
        const size_t to = at + 1000 < SIGHT_QUIC_HELLO - 1 ? at + 1000 : SIGHT_QUIC_HELLO - 1;
        CHECK("before it is full", at == 0 || step == if_opened(SIGHT_PART));
        frames.len = datagram.len = 0;
        put_crypto(&frames, &message, at, to);
        put_initial(&datagram, &packet, &frames);
        step = add(q, &datagram, &hello);
        at = to;
    }
    CHECK_EQ("full", step, if_opened(SIGHT_PART));
    frames.len = datagram.len = 0;
    put_hex(&frames, "06 80003fff 02"); /* the last byte, and one more */
    put_bytes(&frames, message.p + 16383, 2);
    put_initial(&datagram, &packet, &frames);
    CHECK_EQ("full", add(q, &datagram, &hello), if_opened(SIGHT_WHOLE));
    CHECK_STR("full", hello.name, HAVE_NETTLE ? "bounds.example" : "");
    packet.dcid = "87654321";
    frames.len = datagram.len = 0;
    put_hex(&frames, "06 00 04 02 000000"); /* a ServerHello */
    put_initial(&datagram, &packet, &frames);
    CHECK_EQ("another message", add(q, &datagram, &hello), SIGHT_NOT);
    sight_quic_destroy(&q);
    mem_fail_from(1);
    CHECK("no memory", !sight_quic_create());
    mem_fail_from(0);
    bytes_free(&message);
    bytes_free(&other);
    bytes_free(&frames);
    bytes_free(&datagram);
}

UNIT(quic)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples), cmocka_unit_test(test_is_initial),
        cmocka_unit_test(test_pieces),  cmocka_unit_test(test_coalesced),
        cmocka_unit_test(test_ids),     cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_frames),  cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
