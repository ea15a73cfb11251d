/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "flow/relations.h"

static void test_words(void **state)
{
    static const struct {
        const char *text;
        unsigned set; /* 0: refused */
    } rows[] = {
        {"all", 0xfe},
        {"dns", 1 << RELATION_DNS},
        {"sip,rtsp", 1 << RELATION_SIP | 1 << RELATION_RTSP},
        {"icmp,all", 0xfe},
        {"", 0},
        {"dns,", 0},
        {",dns", 0},
        {"dnss", 0},
        {"none", 0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct clv_error err = {.code = CLV_ERR_NONE};
        uint16_t set = 0;
        CHECK_EQ(rows[i].text, relations_parse(&set, "related", rows[i].text, &err),
                 rows[i].set != 0);
        CHECK_EQ(rows[i].text, set, rows[i].set);
        CHECK_EQ(rows[i].text, err.code, rows[i].set ? CLV_ERR_NONE : CLV_ERR_OPTION);
    }
}

/* Each flow's root is where its masters lead, or the first lookup on the way. */
static void test_roots(void **state)
{
    enum { N = 5000 };
    struct relations all;
    uint32_t seed = 1;
    (void)state;
    relations_init(&all, NULL);
    for (uint32_t n = 1; n <= N; n++) {
        struct relation_row *row = relations_add(&all);
        assert_non_null(row);
        seed = seed * 1103515245 + 12345;
        if (n > 1 && seed >> 16 & 3)
            row->master = 1 + (seed >> 18) % (n - 1);
        if (row->master && n % 11 == 0) { /* led to by a lookup, of another flow than its answer */
            struct relation_lookup *lookup = relations_add_lookup(&all);
            assert_non_null(lookup);
            lookup->flow = 1 + (n * 7) % (n - 1);
            row->lookup = all.n_lookups;
        }
        row->first_lookup = n % 13 == 0;
    }
    relations_settle(&all);
    uint64_t led = 0, want_led = 0;
    for (uint32_t n = 1; n <= N; n++) {
        const struct relation_row *row = relations_row(&all, n);
        uint32_t at = n, lookup = 0;
        while (!lookup && relations_row(&all, at)->master &&
               !relations_row(&all, at)->first_lookup) {
            lookup = relations_row(&all, at)->lookup;
            at = lookup ? relations_lookup(&all, lookup)->flow : relations_row(&all, at)->master;
        }
        assert_int_equal(row->root, at);
        assert_int_equal(row->root_lookup, lookup);
        led += row->led;
        want_led += row->root_lookup || row->root != n;
    }
    for (uint32_t i = 1; i <= all.n_lookups; i++)
        led += relations_lookup(&all, i)->led;
    assert_int_equal(led, want_led);
    relations_fini(&all);
}

/* Names lie in blocks, and are found again. */
static void test_names(void **state)
{
    enum { N = 20000 };
    struct relations all;
    char name[32];
    (void)state;
    relations_init(&all, NULL);
    for (unsigned i = 0; i < N; i++) {
        struct relation_row *row = relations_add(&all);
        assert_non_null(row);
        (void)snprintf(name, sizeof name, "host-%u.example", i);
        row->name = i % 5 ? relations_keep(&all, name, strlen(name)) : 0;
        assert_int_equal(row->name != 0, i % 5 != 0);
    }
    for (unsigned i = 0; i < N; i++) {
        const char *got = relations_name(&all, i + 1, 0);
        (void)snprintf(name, sizeof name, "host-%u.example", i);
        assert_int_equal(got != NULL, i % 5 != 0);
        assert_true(!got || strcmp(got, name) == 0);
    }
    relations_fini(&all);
}

UNIT(relations)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
