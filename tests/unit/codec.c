/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_compress.h"

#include "base/mem.h"
#include "input/codec.h"

static void test_codec_for(void **state)
{
    static const struct {
        const char *name;
        const char *hex;
        const char *want; /* NULL: none */
        const char *tool;
    } rows[] = {
        {"gzip", "1f8b0800", "gzip", "gzip -dc"},
        {"gzip, no more than its magic", "1f8b", "gzip", "gzip -dc"},
        {"gzip, a byte missing", "1f", NULL, NULL},
        {"compress", "1f9d90", NULL, NULL},
        {"zstd", "28b52ffd", "zstd", "zstd -dc --long=31"},
        {"zstd, a byte missing", "28b52f", NULL, NULL},
        {"lz4", "04224d18", "lz4", "lz4 -dc"},
        {"lz4, a byte missing", "04224d", NULL, NULL},
        {"lz4 of old", "02214c18", NULL, NULL},
        {"xz", "fd377a585a00", "xz", "xz -dc"},
        {"xz, a byte missing", "fd377a585a", NULL, NULL},
        {"bzip2", "425a68", "bzip2", "bzip2 -dc"},
        {"bzip2, a byte missing", "425a", NULL, NULL},
        {"pcap", "d4c3b2a102000400", NULL, NULL},
        {"pcapng", "0a0d0d0a1c000000", NULL, NULL},
        {"nothing", "", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes b = {0};
        put_hex(&b, rows[i].hex);
        uint8_t *block = tight_copy(b.p, b.len);
        const struct codec *c = codec_for(b.len ? block : block + 1, b.len);
        CHECK_STR(rows[i].name, c ? c->name : NULL, rows[i].want);
        if (c)
            CHECK_STR(rows[i].name, c->tool, rows[i].tool);
        free(block);
        bytes_free(&b);
    }
}

static void test_what_is_built_in(void **state)
{
    (void)state;
    for (enum compression k = 0; k < COMPRESSIONS; k++) {
        static const char *const magics[] = {"1f8b", "28b52ffd", "04224d18", "fd377a585a00",
                                             "425a68"};
        struct bytes b = {0};
        put_hex(&b, magics[k]);
        const struct codec *c = codec_for(b.p, b.len);
        assert_non_null(c);
        CHECK_STR("name", c->name, compressions[k].name);
        CHECK_EQ(c->name, c->magic_len, compressions[k].magic_len);
        CHECK_EQ(c->name, c->open != NULL, compressions[k].there);
        CHECK_EQ(c->name, c->step != NULL, compressions[k].there);
        bytes_free(&b);
    }
}

/*
 * Runs a codec over all of in as a reader does: it gets in_chunk bytes more when it took all or
 * nothing, and has room for out_chunk bytes at a time.
 */
static enum codec_step run(const char *row, const struct codec *c, const struct bytes *in,
                           size_t in_chunk, size_t out_chunk, struct bytes *out, const char **why)
{
    struct decoder *codec = decoder_open(c);
    enum codec_step step = CODEC_MORE;
    size_t at = 0, end = 0;
    bool ended = false;
    uint64_t steps = 0;
    CHECK(row, codec);
    uint8_t *room = malloc(out_chunk);
    assert_non_null(room);
    while (step == CODEC_MORE) {
        uint8_t *copy = tight_copy(in->p + at, end - at);
        struct codec_io io = {.in = end > at ? copy : copy + 1,
                              .in_len = end - at,
                              .out = room,
                              .out_len = out_chunk,
                              .in_ended = ended};
        const size_t before = io.in_len;
        step = decoder_step(codec, &io, why);
        CHECK(row, io.in_len <= before && io.out_len <= out_chunk);
        CHECK(row, io.out == room + (out_chunk - io.out_len));
        put_bytes(out, room, out_chunk - io.out_len);
        at += before - io.in_len;
        free(copy);
        if (io.in_len == 0 || io.in_len == before) {
            ended = end == in->len;
            end = (size_t)min_u64(in->len, end + in_chunk);
        }
        /* Each step takes or gives a byte, or lacks input: there is an end to them. */
        CHECK(row, ++steps < 20 * (in->len + out->len) + 100);
    }
    decoder_close(&codec);
    free(room);
    return step;
}

struct chunk_row {
    size_t in, out;
};

static const struct chunk_row chunk_rows[] = {{1, 1},  {1, 1 << 20}, {1 << 20, 1},      {7, 13},
                                              {13, 7}, {100, 1000},  {1 << 20, 1 << 20}};

/* Text that compresses, with noise in between that does not. */
static void put_data(struct bytes *b, size_t n)
{
    uint64_t seed = 6;
    while (b->len < n) {
        put_bytes(b, "a line of text, the same each time\n", 35);
        put_noise(b, &seed, 1 + (noise(&seed) >> 59));
    }
    b->len = n;
}

enum { DATA = 3000 };

static void test_whole(void **state)
{
    static const struct {
        const char *name;
        size_t members[6]; /* bytes of each, SIZE_MAX ends */
    } rows[] = {
        {"one", {DATA, SIZE_MAX}},
        {"empty", {0, SIZE_MAX}},
        {"one byte", {1, SIZE_MAX}},
        {"two", {DATA / 2, DATA / 2, SIZE_MAX}},
        {"five", {1, 10, 100, 1000, 500, SIZE_MAX}},
        {"an empty one first", {0, DATA, SIZE_MAX}},
        {"an empty one between", {DATA / 2, 0, DATA / 2, SIZE_MAX}},
        {"empty ones at the end", {DATA, 0, 0, SIZE_MAX}},
        {"all empty", {0, 0, 0, SIZE_MAX}},
    };
    struct bytes data = {0};
    (void)state;
    put_data(&data, DATA);
    for (enum compression k = 0; k < COMPRESSIONS; k++)
        for (size_t i = 0; i < N_ROWS(rows) && compressions[k].there; i++) {
            struct bytes in = {0};
            size_t n = 0;
            for (size_t m = 0; rows[i].members[m] != SIZE_MAX; m++) {
                put_compressed(&in, k, data.p + n, rows[i].members[m]);
                n += rows[i].members[m];
            }
            const struct codec *c = codec_for(in.p, in.len);
            assert_non_null(c);
            for (size_t s = 0; s < N_ROWS(chunk_rows); s++) {
                char row[96];
                struct bytes out = {0};
                const char *why = "";
                (void)snprintf(row, sizeof row, "%s, %s, in by %zu, out by %zu", c->name,
                               rows[i].name, chunk_rows[s].in, chunk_rows[s].out);
                CHECK_EQ(row, run(row, c, &in, chunk_rows[s].in, chunk_rows[s].out, &out, &why),
                         CODEC_END);
                CHECK_EQ(row, out.len, n);
                CHECK_MEM(row, out.p, data.p, n);
                bytes_free(&out);
            }
            bytes_free(&in);
        }
    bytes_free(&data);
}

/* More than any library's window, in one member. */
static void test_large(void **state)
{
    enum { LARGE = 3 << 20 };
    struct bytes data = {0};
    (void)state;
    put_data(&data, LARGE);
    for (enum compression k = 0; k < COMPRESSIONS; k++) {
        struct bytes in = {0}, out = {0};
        const char *why = "";
        if (!compression_there(k))
            continue;
        put_compressed(&in, k, data.p, data.len);
        const struct codec *c = codec_for(in.p, in.len);
        assert_non_null(c);
        CHECK_EQ(c->name, run(c->name, c, &in, 65536, 100000, &out, &why), CODEC_END);
        CHECK_EQ(c->name, out.len, data.len);
        CHECK_MEM(c->name, out.p, data.p, data.len);
        bytes_free(&in);
        bytes_free(&out);
    }
    bytes_free(&data);
}

/*
 * Three members cut at every byte: between members it is whole; elsewhere it is cut, and the
 * members before are there.
 */
static void test_cut(void **state)
{
    enum { MEMBERS = 3, MEMBER = 300 };
    struct bytes data = {0};
    (void)state;
    put_data(&data, MEMBERS * MEMBER);
    for (enum compression k = 0; k < COMPRESSIONS; k++) {
        struct bytes in = {0};
        size_t ends[MEMBERS + 1] = {0};
        if (!compressions[k].there)
            continue;
        for (size_t m = 0; m < MEMBERS; m++) {
            put_compressed(&in, k, data.p + m * MEMBER, MEMBER);
            ends[m + 1] = in.len;
        }
        for (size_t s = 0; s < N_ROWS(chunk_rows); s++)
            for (size_t len = compressions[k].magic_len; len < in.len; len++) {
                char row[96];
                struct bytes out = {0};
                const struct bytes cut = {.p = in.p, .len = len};
                const struct codec *c = codec_for(in.p, len);
                const char *why = "";
                size_t m = 0;
                while (ends[m + 1] <= len)
                    m++;
                assert_non_null(c);
                (void)snprintf(row, sizeof row, "%s, %zu of %zu bytes, in by %zu, out by %zu",
                               c->name, len, in.len, chunk_rows[s].in, chunk_rows[s].out);
                const enum codec_step step =
                    run(row, c, &cut, chunk_rows[s].in, chunk_rows[s].out, &out, &why);
                CHECK_EQ(row, step, len == ends[m] ? CODEC_END : CODEC_CUT);
                CHECK(row, out.len >= m * MEMBER && out.len <= (m + 1) * MEMBER);
                CHECK_MEM(row, out.p, data.p, out.len);
                bytes_free(&out);
            }
        bytes_free(&in);
    }
    bytes_free(&data);
}

/* A member, and what is appended to it. */
static void check_after(const char *name, enum compression k, const struct bytes *data,
                        const struct bytes *after, enum codec_step want, size_t want_len)
{
    for (size_t s = 0; s < N_ROWS(chunk_rows); s++) {
        char row[128];
        struct bytes in = {0}, out = {0};
        const char *why = NULL;
        put_compressed(&in, k, data->p, DATA);
        put_bytes(&in, after->p, after->len);
        const struct codec *c = codec_for(in.p, in.len);
        assert_non_null(c);
        (void)snprintf(row, sizeof row, "%s, then %s, in by %zu, out by %zu", c->name, name,
                       chunk_rows[s].in, chunk_rows[s].out);
        CHECK_EQ(row, run(row, c, &in, chunk_rows[s].in, chunk_rows[s].out, &out, &why), want);
        CHECK_EQ(row, out.len, want_len);
        CHECK_MEM(row, out.p, data->p, out.len);
        bytes_free(&in);
        bytes_free(&out);
    }
}

/* Zeros are padding, in any format; all else that is no member is a fault. */
static void test_after(void **state)
{
    static const struct {
        const char *name;
        const char *hex; /* "+": a member stands here */
        enum codec_step want[COMPRESSIONS];
    } rows[] = {
        {"four zeros", "00000000", {0}},
        {"a zero", "00", {0}},
        {"text", "6e6f20646174610a", {9, 9, 9, 9, 9}},
        {"zeros, and a byte", "000000ff", {9, 9, 9, 9, 9}},
        {"zeros, and a member", "0000000000+", {0}},
        {"a member, and zeros", "+000000", {0}},
        {"a skippable frame", "5a2a4d180300000078797a", {9, 0, 0, 9, 9}},
        {"an empty skippable frame, and a member", "502a4d1800000000+", {9, 0, 0, 9, 9}},
        {"half of a skippable frame", "5f2a4d180300000078", {9, 8, 8, 9, 9}},
        {"part of a skippable frame's magic", "502a", {9, 9, 9, 9, 9}},
        {"the magic of gzip, no more", "1f8b", {8, 9, 9, 9, 9}},
        {"the magic of bzip2, no more", "425a68", {9, 9, 9, 9, 8}},
    };
    struct bytes data = {0};
    (void)state;
    put_data(&data, DATA + 100);
    for (enum compression k = 0; k < COMPRESSIONS; k++)
        for (size_t i = 0; i < N_ROWS(rows) && compressions[k].there; i++) {
            struct bytes after = {0};
            const char *member = strchr(rows[i].hex, '+');
            char *hex = strdup(rows[i].hex);
            assert_non_null(hex);
            hex[strcspn(hex, "+")] = 0;
            put_hex(&after, hex);
            free(hex);
            if (member) {
                put_compressed(&after, k, data.p + DATA, 100);
                put_hex(&after, member + 1);
            }
            const enum codec_step want = rows[i].want[k] == 9   ? CODEC_AFTER
                                         : rows[i].want[k] == 8 ? CODEC_CUT
                                                                : CODEC_END;
            check_after(rows[i].name, k, &data, &after, want,
                        DATA + (member && want == CODEC_END ? 100 : 0));
            bytes_free(&after);
        }
    bytes_free(&data);
}

/* A member after another one whose magic number has one bit changed. */
static void test_damaged_magic(void **state)
{
    struct bytes data = {0};
    (void)state;
    put_data(&data, DATA + 100);
    for (enum compression k = 0; k < COMPRESSIONS; k++)
        for (size_t bit = 0; bit < 8 * compressions[k].magic_len && compressions[k].there; bit++) {
            struct bytes after = {0};
            char row[64];
            (void)snprintf(row, sizeof row, "bit %zu of its magic number changed", bit);
            put_compressed(&after, k, data.p + DATA, 100);
            after.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            check_after(row, k, &data, &after, CODEC_AFTER, DATA);
            bytes_free(&after);
        }
    bytes_free(&data);
}

static void test_skippable(void **state)
{
    static const struct {
        const char *name, *hex;
        uint64_t want;
    } rows[] = {
        {"empty", "502a4d1800000000", 8},
        {"the last of them, 3 bytes", "5f2a4d180300000061", 11},
        {"the longest", "572a4d18ffffffff", UINT64_C(0x100000007)},
        {"a byte missing", "502a4d18000000", 0},
        {"another magic", "602a4d1800000000", 0},
        {"a frame of zstd", "28b52ffd00000000", 0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes b = {0};
        put_hex(&b, rows[i].hex);
        CHECK_EQ(rows[i].name, codec_skippable(b.p, b.len), rows[i].want);
        bytes_free(&b);
    }
}

/* A changed byte is found, or changes nothing. */
static void test_corrupt(void **state)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    struct bytes data = {0};
    (void)state;
    put_data(&data, 600);
    for (enum compression k = 0; k < COMPRESSIONS; k++) {
        struct bytes in = {0};
        unsigned found = 0;
        if (!compressions[k].there)
            continue;
        put_compressed(&in, k, data.p, data.len);
        for (size_t at = compressions[k].magic_len; at < in.len; at++)
            for (size_t i = 0; i < N_ROWS(changes); i++) {
                char row[96];
                struct bytes out = {0};
                const char *why = NULL;
                in.p[at] ^= changes[i];
                const struct codec *c = codec_for(in.p, in.len);
                assert_non_null(c);
                (void)snprintf(row, sizeof row, "%s, byte %zu of %zu changed by %02x", c->name, at,
                               in.len, changes[i]);
                const enum codec_step step = run(row, c, &in, 64, 1 << 16, &out, &why);
                if (step == CODEC_END) {
                    CHECK_EQ(row, out.len, data.len);
                    CHECK_MEM(row, out.p, data.p, data.len);
                } else if (step == CODEC_BAD) {
                    CHECK(row, why && why[0]);
                }
                found += step != CODEC_END;
                in.p[at] ^= changes[i];
                bytes_free(&out);
            }
        CHECK(compressions[k].name, found > in.len); /* nearly all of them */
        bytes_free(&in);
    }
    bytes_free(&data);
}

static void test_no_memory(void **state)
{
    struct bytes data = {0};
    (void)state;
    put_data(&data, 10);
    for (enum compression k = 0; k < COMPRESSIONS; k++) {
        struct bytes in = {0};
        if (!compressions[k].there)
            continue;
        put_compressed(&in, k, data.p, data.len);
        const struct codec *c = codec_for(in.p, in.len);
        assert_non_null(c);
        mem_fail_from(1);
        struct decoder *codec = decoder_open(c);
        mem_fail_from(0);
        CHECK(c->name, !codec);
        bytes_free(&in);
    }
    bytes_free(&data);
}

UNIT(codec)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_for),     cmocka_unit_test(test_what_is_built_in),
        cmocka_unit_test(test_whole),         cmocka_unit_test(test_large),
        cmocka_unit_test(test_cut),           cmocka_unit_test(test_after),
        cmocka_unit_test(test_damaged_magic), cmocka_unit_test(test_skippable),
        cmocka_unit_test(test_corrupt),       cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
