/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "base/mem.h"
#include "base/names.h"

enum { N = 20000 };

/* The hash of a name: BEFORE, I in at least DIGITS digits, AFTER. */
static struct keyed_hash hash_of(const struct keyed *key, const char *before, int digits,
                                 unsigned i, const char *after)
{
    char name[64];
    const int n = snprintf(name, sizeof name, "%s%0*u%s", before, digits, i, after);
    return keyed_bytes(key, name, (size_t)n);
}

static void test_table(void **state)
{
    struct names t = {.n = 0};
    struct keyed key;
    bool is_new;
    (void)state;
    assert_true(keyed_draw(&key, NULL));
    assert_null(names_find(&t, hash_of(&key, "", 1, 0, "")));
    for (unsigned i = 0; i < N; i++) {
        struct names_entry *e = names_add(&t, hash_of(&key, "", 1, i, ""), &is_new);
        assert_true(e && is_new && e->again == 0 && e->kind == 0);
        e->again = i;
    }
    for (unsigned i = 0; i < N; i++) {
        const struct names_entry *e = names_find(&t, hash_of(&key, "", 1, i, ""));
        assert_true(e && e->again == i);
        assert_ptr_equal(names_add(&t, hash_of(&key, "", 1, i, ""), &is_new), e);
        assert_false(is_new);
    }
    assert_int_equal(t.n, N);
    assert_null(names_find(&t, hash_of(&key, "", 1, N, "")));
    names_fini(&t);
    mem_fail_from(1);
    assert_null(names_add(&t, hash_of(&key, "", 1, 0, ""), &is_new));
    mem_fail_from(0);
    names_fini(&t);
}

/*
 * However names differ, they are spread over the table: in any one byte of the words that the hash
 * multiplies, too.
 */
static void test_flat(void **state)
{
    static const struct {
        const char *label, *before;
        int digits;
        const char *after;
    } rows[] = {
        {"8 digits", "", 8, ""},
        {"1 before", "x", 8, ""},
        {"2 before", "xx", 8, ""},
        {"3 before", "xxx", 8, ""},
        {"4 before", "xxxx", 8, ""},
        {"5 before", "xxxxx", 8, ""},
        {"6 before", "xxxxxx", 8, ""},
        {"7 before", "xxxxxxx", 8, ""},
        {"an ending", "", 8, ".pcap"},
        {"a directory", "dir/", 8, ".pcap"},
        {"a numbered directory", "00010000/", 8, ".pcap"},
        {"a shard", "shard_", 5, ".pcap"},
        {"a flow", "", 1, "_tcp_10.0.0.1_80_10.0.0.2_90.pcap"},
    };
    struct keyed key;
    (void)state;
    assert_true(keyed_draw(&key, NULL));
    for (size_t k = 0; k < N_ROWS(rows); k++) {
        struct names t = {.n = 0};
        uint64_t runs = 0, longest = 0;
        bool is_new;
        for (unsigned i = 0; i < N; i++)
            assert_non_null(names_add(
                &t, hash_of(&key, rows[k].before, rows[k].digits, i, rows[k].after), &is_new));
        CHECK_EQ(rows[k].label, t.n, N);
        for (size_t i = 0; i < t.cap; i++) {
            runs = t.slots[i].used ? runs + 1 : 0;
            longest = runs > longest ? runs : longest;
        }
        CHECK(rows[k].label, longest < 400); /* of 20,000: what is in the way of a search at most */
        names_fini(&t);
    }
}

UNIT(names)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
