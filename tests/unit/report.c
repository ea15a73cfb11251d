/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The timeline, where captures seldom are: before the epoch, and at both ends of time. The figures
 * and the page are tested from outside, by the property suite.
 */
#include "support_check.h"

#include "report/figures.h"
#include "report/timeline.h"

#define DAY (INT64_C(86400) * 1000 * 1000 * 1000)

static struct timeline of(const int64_t *times, size_t n)
{
    struct timeline t = {.n = 0};
    for (size_t i = 0; i < n; i++)
        timeline_add(&t, times[i], i % 2 ? CLV_PROTO_TCP : CLV_PROTO_ICMP, (uint32_t)i + 1);
    return t;
}

static void check_same(const struct timeline *a, const struct timeline *b)
{
    assert_int_equal(a->level, b->level);
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->timeless, b->timeless);
    assert_memory_equal(a->bins, b->bins, a->n * sizeof *a->bins);
}

static const struct row {
    const char *name;
    int64_t times[4];
    int64_t width;
    int64_t first;
    unsigned n;
} rows[] = {
    {"one instant", {5, 5, 5, 5}, 1000, 0, 1},
    {"before the epoch", {-1, -1, -1000, -1001}, 1000, -2, 2},
    {"around it", {-1, 0, 1, 999}, 1000, -1, 2},
    {"as many as there is room for", {0, 511999, 7, 7}, 1000, 0, 512},
    {"one more", {0, 512000, 7, 7}, 2000, 0, 257},
    {"one more before them", {511999, -1, 7, 7}, 2000, -1, 257},
    {"a week", {-1, 512 * DAY / 1440 * 20, 0, 0}, DAY / 24, -1, 172},
    {"all of time", {INT64_MIN + 1, INT64_MAX, 0, -1}, 1000 * DAY, -107, 214},
    {"its end", {INT64_MAX, INT64_MAX - 1, INT64_MAX, INT64_MAX}, 1000, INT64_MAX / 1000, 1},
    {"its beginning",
     {INT64_MIN + 1, INT64_MIN + 2, INT64_MIN + 1, INT64_MIN + 1},
     1000,
     INT64_MIN / 1000 - 1,
     1},
};

static void widths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct timeline made = of(rows[i].times, 4);
        struct timeline_picture t;
        timeline_draw(&made, &t);
        uint64_t packets = 0, wire[TIMELINE_CLASSES] = {0};
        print_message("%s\n", rows[i].name);
        for (unsigned k = 0; k < t.n; k++) {
            packets += t.bins[k].packets;
            for (unsigned c = 0; c < TIMELINE_CLASSES; c++)
                wire[c] += t.bins[k].wire[c];
        }
        assert_int_equal(packets, 4);
        assert_int_equal(wire[TIMELINE_TCP], 2 + 4);
        assert_int_equal(wire[TIMELINE_UDP], 0);
        assert_int_equal(wire[TIMELINE_REST], 1 + 3);
        assert_int_equal(t.width, rows[i].width);
        assert_int_equal(t.far, 0);
        assert_int_equal(t.first, rows[i].first);
        assert_int_equal(t.n, rows[i].n);
    }
}

/* Parts that are joined in any order make what the whole makes. */
static void joined(void **state)
{
    (void)state;
    int64_t times[64];
    uint64_t x = 1;
    for (int shift = 1; shift < 60; shift++) {
        for (size_t i = 0; i < 64; i++) {
            x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
            times[i] = (int64_t)x >> shift;
        }
        struct timeline parts[4], whole = {.n = 0};
        for (size_t i = 0; i < 4; i++) {
            parts[i] = of(times + 16 * i, 16);
            for (size_t k = 0; k < 16; k++)
                timeline_add(&whole, times[16 * i + k], k % 2 ? CLV_PROTO_TCP : CLV_PROTO_ICMP,
                             (uint32_t)k + 1);
        }
        struct timeline forwards = {.n = 0}, backwards = {.n = 0};
        for (size_t i = 0; i < 4; i++) {
            timeline_join(&forwards, &parts[i]);
            timeline_join(&backwards, &parts[3 - i]);
        }
        check_same(&forwards, &whole);
        check_same(&backwards, &whole);
    }
}

/* Few records whose times are far off do not make the others' bins wide. */
static void far_off(void **state)
{
    static const struct {
        const char *name;
        int64_t odd[3];
        unsigned n_odd;
        int64_t hours; /* that the other 300 records last */
        uint64_t far;
    } cases[] = {
        {"none", {0}, 0, 1, 0},
        {"1970", {0}, 1, 1, 1},
        {"2106", {50000 * DAY}, 1, 1, 1},
        {"both", {0, 50000 * DAY, 1}, 3, 1, 3},
        {"less than a day", {20001 * DAY}, 1, 1, 0},
        {"not much further than all others", {20100 * DAY}, 1, 24 * 20, 0},
        {"two days, and one of the future", {20003 * DAY, 50000 * DAY}, 2, 1, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct timeline t = {.n = 0};
        struct timeline_picture p;
        print_message("%s\n", cases[i].name);
        for (unsigned k = 0; k < 300; k++) {
            timeline_add(&t, 20000 * DAY + k * cases[i].hours * (DAY / 24 / 300), CLV_PROTO_TCP, 1);
            if (k < cases[i].n_odd)
                timeline_add(&t, cases[i].odd[k], CLV_PROTO_UDP, 1);
        }
        timeline_draw(&t, &p);
        uint64_t packets = 0;
        for (unsigned k = 0; k < p.n; k++)
            packets += p.bins[k].packets;
        assert_int_equal(p.far, cases[i].far);
        assert_int_equal(packets + p.far, 300 + cases[i].n_odd);
        assert_true(p.n <= TIMELINE_BINS);
        if (p.far == cases[i].n_odd) {
            assert_true(p.width <= cases[i].hours * DAY / 24 / 100);
            assert_true(p.first >= 20000 * DAY / p.width && p.n >= 100);
        }
    }
}

static void timeless(void **state)
{
    (void)state;
    struct timeline t = {.n = 0}, sum = {.n = 0};
    timeline_add(&t, WALK_NO_TIME, CLV_PROTO_UDP, 7);
    assert_int_equal(t.n, 0);
    timeline_join(&sum, &t);
    timeline_join(&sum, &t);
    assert_int_equal(sum.timeless, 2);
    assert_int_equal(sum.n, 0);
}

static void bounds(void **state)
{
    (void)state;
    static const uint64_t first[] = {0, 1, 2, 5, 10, 20, 50, 100};
    for (unsigned i = 0; i < sizeof first / sizeof *first; i++) {
        assert_int_equal(figures_size_bound(i), first[i]);
        assert_int_equal(figures_duration_bound(i), first[i]);
    }
    assert_true(figures_size_bound(58) == UINT64_C(10000000000000000000));
    assert_true(figures_size_bound(59) == UINT64_MAX);
    static const uint64_t seconds[] = {1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600};
    for (unsigned i = 0; i < sizeof seconds / sizeof *seconds; i++)
        assert_true(figures_duration_bound(28 + i) == seconds[i] * 1000000000);
    assert_true(figures_duration_bound(58) == 200000 * UINT64_C(86400000000000));
    assert_true(figures_duration_bound(59) == UINT64_MAX);
}

UNIT(report)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths),   cmocka_unit_test(joined), cmocka_unit_test(far_off),
        cmocka_unit_test(timeless), cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
