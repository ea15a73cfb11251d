/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_unpack.h"

#include "base/mem.h"

static void test_kinds(void **state)
{
    static const struct {
        const char *name;
        enum clv_compress kind;
        const char *ending;
        bool there;
    } rows[] = {
        {"none", CLV_COMPRESS_NONE, "", true},
        {"zstd", CLV_COMPRESS_ZSTD, ".zst", HAVE_ZSTD},
        {"gzip", CLV_COMPRESS_GZIP, ".gz", HAVE_ZLIB},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct clv_error err = {0};
        CHECK_STR(rows[i].name, pack_ending(rows[i].kind), rows[i].ending);
        CHECK_EQ(rows[i].name, pack_supported(rows[i].kind, &err), rows[i].there);
        CHECK_EQ(rows[i].name, err.code, rows[i].there ? CLV_ERR_NONE : CLV_ERR_OPTION);
        if (!rows[i].there)
            CHECK_HAS(rows[i].name, err.what, rows[i].name);
    }
}

enum content { ZEROS, WORDS, NOISE, CONTENTS };

static const char *const content_names[] = {"zeros", "words", "noise"};

static void put_content(struct bytes *b, enum content content, size_t n)
{
    static const char words[] = "a record is copied byte for byte with its header; ";
    uint64_t seed = n + 1;
    switch (content) {
    case ZEROS:
        put_fill(b, 0, n);
        break;
    case WORDS:
        for (size_t i = 0; i < n; i++)
            *bytes_more(b, 1) = (uint8_t)(words[i % 50] + i / 5000 % 7);
        break;
    default:
        put_noise(b, &seed, n);
        break;
    }
}

static const size_t sizes[] = {
    1, 2, 255, 256, 257, 4096, 65536 + 255, PACK_STRETCH - 1, PACK_STRETCH,
};

enum { INPUTS = N_ROWS(sizes) * CONTENTS };

struct input {
    char name[64];
    uint8_t *p; /* a heap block of its own */
    size_t len;
};

static void make_input(struct input *in, enum clv_compress kind, size_t i)
{
    const enum content content = (enum content)(i % CONTENTS);
    struct bytes b = {0};
    put_content(&b, content, sizes[i / CONTENTS]);
    in->len = b.len;
    in->p = tight_copy(b.p, b.len);
    bytes_free(&b);
    (void)snprintf(in->name, sizeof in->name, "%zu bytes of %s, %s", in->len,
                   content_names[content], pack_ending(kind));
}

static struct packer *packer(enum clv_compress kind)
{
    struct packer *p = pack_create(kind);
    assert_non_null(p);
    return p;
}

/* Each becomes one frame or member, which holds it and nothing else. */
static void stretches(enum clv_compress kind)
{
    struct packer *p = packer(kind);
    for (size_t i = 0; i < INPUTS; i++) {
        struct clv_error err = {0};
        struct clv_span packed = {0};
        struct bytes plain = {0};
        struct input in;
        make_input(&in, kind, i);
        CHECK(in.name, pack_stretch(p, in.p, in.len, &packed, "out", &err));
        CHECK_EQ(in.name, err.code, CLV_ERR_NONE);
        uint8_t *copy = tight_copy(packed.p, packed.len);
        CHECK_EQ(in.name, unpack_one(in.name, kind, copy, packed.len, &plain), packed.len);
        CHECK_EQ(in.name, plain.len, in.len);
        CHECK_MEM(in.name, plain.p, in.p, in.len);
        CHECK(in.name, packed.len < in.len + in.len / 100 + 100);
        if (i % CONTENTS != NOISE && in.len > 4096)
            CHECK(in.name, packed.len < in.len / 4);
        free(copy);
        free(in.p);
        bytes_free(&plain);
    }
    pack_destroy(&p);
    CHECK("destroyed", !p);
}

static void test_stretches(void **state)
{
    (void)state;
    for_each_packer(stretches);
}

/* Whatever was packed before, and wherever the bytes lie. */
static void same_bytes(enum clv_compress kind)
{
    enum { TIMES = 300 };
    struct input in[INPUTS];
    struct bytes want[INPUTS] = {0};
    struct clv_span packed = {0};
    uint64_t seed = 1;
    for (size_t i = 0; i < INPUTS; i++) {
        struct packer *fresh = packer(kind);
        make_input(&in[i], kind, i);
        CHECK(in[i].name, pack_stretch(fresh, in[i].p, in[i].len, &packed, "out", NULL));
        put_bytes(&want[i], packed.p, packed.len);
        pack_destroy(&fresh);
    }
    struct packer *p = packer(kind);
    uint8_t *elsewhere = malloc(PACK_STRETCH + 64);
    assert_non_null(elsewhere);
    for (size_t n = 0; n < TIMES; n++) {
        const size_t i = (noise(&seed) >> 40) % INPUTS, offset = (noise(&seed) >> 40) % 64;
        memcpy(elsewhere + offset, in[i].p, in[i].len);
        CHECK(in[i].name, pack_stretch(p, elsewhere + offset, in[i].len, &packed, "out", NULL));
        CHECK_EQ(in[i].name, packed.len, want[i].len);
        CHECK_MEM(in[i].name, packed.p, want[i].p, packed.len);
    }
    free(elsewhere);
    pack_destroy(&p);
    for (size_t i = 0; i < INPUTS; i++) {
        free(in[i].p);
        bytes_free(&want[i]);
    }
}

static void test_same_bytes(void **state)
{
    (void)state;
    for_each_packer(same_bytes);
}

/* Two packers in turn share nothing. */
static void side_by_side(enum clv_compress kind)
{
    struct clv_span first = {0}, second = {0};
    struct bytes plain = {0};
    struct input a, b;
    struct packer *p = packer(kind), *q = packer(kind);
    make_input(&a, kind, INPUTS - 1);
    make_input(&b, kind, INPUTS - 2);
    CHECK("first", pack_stretch(p, a.p, a.len, &first, "out", NULL));
    CHECK("second", pack_stretch(q, b.p, b.len, &second, "out", NULL));
    CHECK_EQ("first", unpack_one("first", kind, first.p, first.len, &plain), first.len);
    CHECK_EQ("first", plain.len, a.len);
    CHECK_MEM("first", plain.p, a.p, a.len);
    pack_destroy(&p);
    plain.len = 0;
    CHECK_EQ("second", unpack_one("second", kind, second.p, second.len, &plain), second.len);
    CHECK_EQ("second", plain.len, b.len);
    CHECK_MEM("second", plain.p, b.p, b.len);
    pack_destroy(&q);
    bytes_free(&plain);
    free(a.p);
    free(b.p);
}

static void test_side_by_side(void **state)
{
    (void)state;
    for_each_packer(side_by_side);
}

/* What it takes of our memory it takes when it is made: with none left it still packs. */
static void no_memory(enum clv_compress kind)
{
    struct packer *none = NULL;
    pack_destroy(&none);
    const char *row = pack_ending(kind);
    for (uint64_t nth = 1;; nth++) {
        struct clv_span packed;
        mem_fail_from(nth);
        struct packer *p = pack_create(kind);
        mem_fail_from(p ? 1 : 0);
        if (!p)
            continue;
        const bool ok = pack_stretch(p, (const uint8_t *)"x", 1, &packed, "out", NULL);
        mem_fail_from(0);
        CHECK(row, ok);
        CHECK(row, nth > 1);
        pack_destroy(&p);
        break;
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    for_each_packer(no_memory);
}

/* What packers make is told from what only others do, whatever this build can make. */
static void test_is_packed(void **state)
{
    static const struct {
        const char *name, *head;
        bool is;
    } rows[] = {
        {"gzip", "\x1f\x8b\x08\x00", true},  {"zstd", "\x28\xb5\x2f\xfd", true},
        {"lz4", "\x04\x22\x4d\x18", false},  {"bzip2", "BZh9", false},
        {"pcap", "\xa1\xb2\xc3\xd4", false}, {"text", "text", false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const uint8_t *head = (const uint8_t *)rows[i].head;
        CHECK_EQ(rows[i].name, pack_is_packed(head, 4), rows[i].is);
        CHECK(rows[i].name, !pack_is_packed(head, 1));
    }
}

UNIT(pack)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),      cmocka_unit_test(test_stretches),
        cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_side_by_side),
        cmocka_unit_test(test_no_memory),  cmocka_unit_test(test_is_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
