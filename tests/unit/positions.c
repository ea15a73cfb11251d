/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "base/mem.h"
#include "flow/positions.h"

/* Adds these positions, in rounds of so many, and reads them back. */
static void check_round_trip(const uint64_t *all, size_t n, size_t per_round)
{
    struct positions_store store = {.spill = NULL};
    struct positions p = {.first = NULL};
    for (size_t i = 0; i < n;) {
        const size_t k = per_round < n - i ? per_round : n - i;
        uint8_t *at = positions_room(&store, k);
        uint64_t last = p.position;
        assert_non_null(at);
        for (size_t end = i + k; i < end; i++)
            at = positions_put(at, &last, all[i]);
        assert_true(positions_add(&store, &p, last, at));
    }
    uint8_t *bytes = malloc(p.bytes + 1);
    assert_non_null(bytes);
    positions_copy(&p, bytes);
    struct positions_reader r = {.at = bytes, .end = bytes + p.bytes};
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(positions_next(&r), POSITIONS_ONE);
        assert_int_equal(r.position, all[i]);
    }
    assert_int_equal(positions_next(&r), POSITIONS_END);
    free(bytes);
    positions_store_fini(&store);
}

static void test_round_trip(void **state)
{
    enum { N = 200000 };
    static uint64_t all[N];
    (void)state;
    for (uint64_t i = 0, at = 0; i < N; i++)
        all[i] = at += 1 + i * i % 100003;
    for (size_t i = 0; i < 7; i++)
        all[N - 7 + i] = (UINT64_C(1) << (56 + i)) + i; /* beyond the lengths of shorter ones */
    for (size_t per_round = 1; per_round <= N; per_round *= 57)
        check_round_trip(all, N, per_round);
    check_round_trip((const uint64_t[]){0}, 1, 1);
    check_round_trip((const uint64_t[]){0, 1, INT64_MAX}, 3, 1);
}

/* What somebody else may have written. */
static void test_bad(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        unsigned good; /* before the bad one */
    } rows[] = {
        {"\x80", 1, 0},                                      /* cut off */
        {"\x05\x80\x80", 3, 1},                              /* the same */
        {"\x00\x00", 2, 1},                                  /* twice the same place */
        {"\x05\x00", 2, 1},                                  /* the same */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, 0}, /* longer than 63 bits */
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10, 0}, /* or than they need */
        {"\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10, 1}, /* beyond 2^63 - 1 */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const uint8_t *p = (const uint8_t *)rows[i].bytes;
        struct positions_reader r = {.at = p, .end = p + rows[i].len};
        for (unsigned k = 0; k < rows[i].good; k++)
            assert_int_equal(positions_next(&r), POSITIONS_ONE);
        assert_int_equal(positions_next(&r), POSITIONS_BAD);
    }
}

static void test_no_memory(void **state)
{
    struct positions_store store = {.spill = NULL};
    struct positions p = {.first = NULL};
    (void)state;
    mem_fail_from(1);
    assert_null(positions_room(&store, 10));
    mem_fail_from(0);
    uint64_t last = 0;
    const uint8_t *at = positions_put(positions_room(&store, 10), &last, 7);
    mem_fail_from(1);
    assert_false(positions_add(&store, &p, last, at));
    mem_fail_from(0);
    assert_int_equal(p.bytes, 0);
    assert_true(positions_add(&store, &p, last, at));
    assert_int_equal(p.bytes, 1);
    positions_store_fini(&store);
}

UNIT(positions)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
