/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "base/keyed.h"

/* A key that is always the same: words of splitmix64. */
static void fill(struct keyed *k)
{
    uint64_t words[sizeof *k / 8] = {0}, x = 1;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        x += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        words[i] = z ^ z >> 31;
    }
    memcpy(k, words, sizeof *k);
    k->blocks.hi &= UINT64_MAX >> 1;
    k->chain.hi &= UINT64_MAX >> 1;
}

enum { TEXT = 5000 };

static void fill_text(uint8_t text[TEXT])
{
    for (size_t i = 0; i < TEXT; i++)
        text[i] = (uint8_t)(i * 7 + i / 256);
}

/* Computed with integers of any size. */
static const struct {
    size_t len;
    struct keyed_hash want;
} texts[] = {
    {0, {UINT64_C(0x0000000000000000), UINT64_C(0x0000000000000000)}},
    {1, {UINT64_C(0x636e18c1e5833da7), UINT64_C(0x6c2b02abc20dacee)}},
    {15, {UINT64_C(0xf2510f9b1e845fdf), UINT64_C(0x912022eb9ab138cf)}},
    {16, {UINT64_C(0x1b510f9b1e845fdf), UINT64_C(0x1e93471f85758df9)}},
    {17, {UINT64_C(0x274459ba1228cdb9), UINT64_C(0x8d085c02da30ff76)}},
    {31, {UINT64_C(0x8fa74d73c88223e9), UINT64_C(0x63952fb06a8973a6)}},
    {32, {UINT64_C(0x2da74d73c88223e9), UINT64_C(0x4c18256399ee8473)}},
    {33, {UINT64_C(0x27e7fcbf5757a269), UINT64_C(0xa2dc11b1dc9b3a35)}},
    {80, {UINT64_C(0xd1c5d595d454a492), UINT64_C(0xa3360998dac6f5ed)}},
    {1514, {UINT64_C(0x781a44e60b67de79), UINT64_C(0x1e2d4e05f574d20f)}},
    {2048, {UINT64_C(0xab0e19f3a059483f), UINT64_C(0x7e0b348e8855628f)}},
    {2049, {UINT64_C(0xb811419dee3a8623), UINT64_C(0x225782b6cc881995)}},
    {5000, {UINT64_C(0x70ab92b88fd1e448), UINT64_C(0x3a9beb33fea9f94f)}},
};

/* One after another, of a chain: among them values that are 0 modulo the prime. */
static const struct {
    struct keyed_hash next, want;
} chain[] = {
    {{UINT64_C(0x0000000000000000), UINT64_C(0x0000000000000000)},
     {UINT64_C(0x0000000000000000), UINT64_C(0x0000000000000000)}},
    {{UINT64_C(0x0000000000000001), UINT64_C(0x0000000000000000)},
     {UINT64_C(0xc4309c6326b5785a), UINT64_C(0x2a9b06f3ae5b0281)}},
    {{UINT64_C(0xffffffffffffffff), UINT64_C(0x7fffffffffffffff)},
     {UINT64_C(0xc4f390f5c6901a32), UINT64_C(0x5a37010759b4baef)}},
    {{UINT64_C(0xffffffffffffffff), UINT64_C(0xffffffffffffffff)},
     {UINT64_C(0xcdcfcbbe936a31cd), UINT64_C(0x3262bd3e1932a5c8)}},
    {{UINT64_C(0x0000000000000000), UINT64_C(0x8000000000000000)},
     {UINT64_C(0x4ff0144b8ccbf71e), UINT64_C(0x2c9c65cedeb3b3d8)}},
    {{UINT64_C(0xfffffffffffffffe), UINT64_C(0x7fffffffffffffff)},
     {UINT64_C(0xb6479eb1c6f20156), UINT64_C(0x3b5f262a2b81e996)}},
    {{UINT64_C(0x46bec9b16e398115), UINT64_C(0x0000000027e41b32)},
     {UINT64_C(0x23d73d6422181090), UINT64_C(0x1cc652e67410dd0b)}},
};

static void test_values(void **state)
{
    static uint8_t text[TEXT];
    struct keyed k;
    struct keyed_hash sum = {0, 0};
    (void)state;
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
        skip(); /* words are loaded as they stand */
    fill(&k);
    fill_text(text);
    for (size_t i = 0; i < N_ROWS(texts); i++) {
        const struct keyed_hash have = keyed_bytes(&k, text, texts[i].len);
        assert_int_equal(have.lo, texts[i].want.lo);
        assert_int_equal(have.hi, texts[i].want.hi);
    }
    const struct keyed_hash fixed = keyed_fixed(&k, text, 72);
    assert_int_equal(fixed.lo, UINT64_C(0x8897eaf27acee519));
    assert_int_equal(fixed.hi, UINT64_C(0xf9ab72633554c122));
    for (size_t i = 0; i < N_ROWS(chain); i++) {
        sum = keyed_chain(&k, sum, chain[i].next);
        assert_int_equal(sum.lo, chain[i].want.lo);
        assert_int_equal(sum.hi, chain[i].want.hi);
    }
}

/* Any bit of any block counts, and each key gives another hash. */
static void test_bits(void **state)
{
    static uint8_t text[TEXT];
    struct keyed k, other;
    struct clv_error err;
    (void)state;
    fill_text(text);
    assert_true(keyed_draw(&k, &err) && keyed_draw(&other, &err));
    const struct keyed_hash whole = keyed_bytes(&k, text, TEXT);
    assert_true(keyed_equal(whole, keyed_bytes(&k, text, TEXT)));
    assert_false(keyed_equal(whole, keyed_bytes(&other, text, TEXT)));
    for (size_t i = 0; i < TEXT * 8; i += 7) {
        text[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(keyed_equal(whole, keyed_bytes(&k, text, TEXT)));
        text[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

UNIT(keyed)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
