/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "base/mem.h"
#include "base/names.h"

enum { N = 20000 };

static struct keyed_hash hash_of(const struct keyed *key, const char *format, unsigned i)
{
    char name[64];
    const int n = snprintf(name, sizeof name, format, i);
    return keyed_bytes(key, name, (size_t)n);
}

static void test_table(void **state)
{
    struct names t = {.n = 0};
    struct keyed key;
    bool is_new;
    (void)state;
    assert_true(keyed_draw(&key, NULL));
    assert_null(names_find(&t, hash_of(&key, "%u", 0)));
    for (unsigned i = 0; i < N; i++) {
        struct names_entry *e = names_add(&t, hash_of(&key, "%u", i), &is_new);
        assert_true(e && is_new && e->again == 0 && e->kind == 0);
        e->again = i;
    }
    for (unsigned i = 0; i < N; i++) {
        const struct names_entry *e = names_find(&t, hash_of(&key, "%u", i));
        assert_true(e && e->again == i);
        assert_ptr_equal(names_add(&t, hash_of(&key, "%u", i), &is_new), e);
        assert_false(is_new);
    }
    assert_int_equal(t.n, N);
    assert_null(names_find(&t, hash_of(&key, "%u", N)));
    names_fini(&t);
    mem_fail_from(1);
    assert_null(names_add(&t, hash_of(&key, "%u", 0), &is_new));
    mem_fail_from(0);
    names_fini(&t);
}

/*
 * However names differ, they are spread over the table: in any one byte of the words that the hash
 * multiplies, too.
 */
static void test_flat(void **state)
{
    static const char *const formats[] = {
        "%08u",
        "x%08u",
        "xx%08u",
        "xxx%08u",
        "xxxx%08u",
        "xxxxx%08u",
        "xxxxxx%08u",
        "xxxxxxx%08u",
        "%08u.pcap",
        "dir/%08u.pcap",
        "00010000/%08u.pcap",
        "shard_%05u.pcap",
        "%u_tcp_10.0.0.1_80_10.0.0.2_90.pcap",
    };
    struct keyed key;
    (void)state;
    assert_true(keyed_draw(&key, NULL));
    for (size_t k = 0; k < N_ROWS(formats); k++) {
        struct names t = {.n = 0};
        uint64_t runs = 0, longest = 0;
        bool is_new;
        for (unsigned i = 0; i < N; i++)
            assert_non_null(names_add(&t, hash_of(&key, formats[k], i), &is_new));
        CHECK_EQ(formats[k], t.n, N);
        for (size_t i = 0; i < t.cap; i++) {
            runs = t.slots[i].used ? runs + 1 : 0;
            longest = runs > longest ? runs : longest;
        }
        CHECK(formats[k], longest < 400); /* of 20,000: what is in the way of a search at most */
        names_fini(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
