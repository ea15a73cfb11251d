/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "sight/expect.h"

static struct keyed_hash key(uint64_t n)
{
    /* Buckets are chosen by the low bits: many keys share one. */
    return (struct keyed_hash){.lo = n / 3, .hi = n};
}

/* The newest fact of a key is found, and none that has ended. */
static void test_facts(void **state)
{
    struct expects e;
    (void)state;
    expects_init(&e, NULL);
    assert_null(expects_find(&e, key(1)));
    for (uint64_t n = 0; n < 5000; n++) {
        struct expect *x = expects_add(&e, key(n));
        assert_non_null(x);
        x->flow = (uint32_t)n;
    }
    for (uint64_t n = 0; n < 5000; n += 2)
        expects_end(&e, expects_find(&e, key(n)));
    expects_add(&e, key(7))->flow = 70;
    for (uint64_t n = 0; n < 5000; n++) {
        const struct expect *x = expects_find(&e, key(n));
        assert_int_equal(x != NULL, n % 2);
        assert_true(!x || x->flow == (n == 7 ? 70 : n));
    }
    assert_int_equal(e.forgotten, 0);
    expects_fini(&e);
}

/* Of too many the oldest are forgotten, and counted if nobody had found them. */
static void test_flood(void **state)
{
    enum { MORE = 1000 };
    struct expects e;
    (void)state;
    expects_init(&e, NULL);
    for (uint64_t n = 0; n < (uint64_t)EXPECT_MAX + MORE; n++) {
        struct expect *x = expects_add(&e, key(n));
        assert_non_null(x);
        x->used = n < MORE / 4;
        if (n == MORE / 2)
            expects_end(&e, x);
    }
    assert_int_equal(e.forgotten, MORE - MORE / 4 - 1);
    assert_null(expects_find(&e, key(MORE - 1)));
    assert_non_null(expects_find(&e, key(MORE)));
    assert_non_null(expects_find(&e, key((uint64_t)EXPECT_MAX + MORE - 1)));
    expects_fini(&e);
}

/* Names are there until their bytes are needed for others. */
static void test_names(void **state)
{
    enum { LEN = 200 };
    struct expects e;
    struct expect_name first, last;
    char name[LEN], got[LEN + 1];
    (void)state;
    expects_init(&e, NULL);
    assert_true(expects_name(&e, "first", 5, &first));
    assert_true(expects_name_is(&e, first, got, sizeof got));
    assert_string_equal(got, "first");
    assert_false(expects_name_is(&e, first, got, 5));
    assert_false(expects_name_is(&e, (struct expect_name){.len = 0}, got, sizeof got));
    memset(name, 'x', sizeof name);
    for (size_t n = 5; n + LEN <= EXPECT_NAMES; n += LEN)
        assert_true(expects_name(&e, name, LEN, &last));
    assert_true(expects_name_is(&e, first, got, sizeof got));
    assert_true(expects_name(&e, name, LEN, &last)); /* around the end of the ring */
    assert_false(expects_name_is(&e, first, got, sizeof got));
    assert_true(expects_name_is(&e, last, got, sizeof got));
    assert_memory_equal(got, name, LEN);
    expects_fini(&e);
}

UNIT(expect)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
