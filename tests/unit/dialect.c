/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"

#include "format/dialect.h"

static void test_kinds(void **state)
{
    static const struct {
        const char *name;
        struct dialect_kind kind;
        unsigned want, n; /* its number, and how many there are then */
    } rows[] = {
        {"the first", {1, 0, false}, 0, 1},
        {"again", {1, 0, false}, 0, 1},
        {"another link type", {101, 0, false}, 1, 2},
        {"nanoseconds", {1, 0, true}, 2, 3},
        {"an FCS", {1, 4, false}, 3, 4},
        {"another FCS", {1, 2, false}, 4, 5},
        {"the second again", {101, 0, false}, 1, 5},
        {"the first once more", {1, 0, false}, 0, 5},
        {"an FCS and nanoseconds", {1, 4, true}, 5, 6},
    };
    static struct dialect d;
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        CHECK_EQ(rows[i].name, dialect_kind(&d, &rows[i].kind), rows[i].want);
        CHECK_EQ(rows[i].name, atomic_load(&d.n_kinds), rows[i].n);
        CHECK_EQ(rows[i].name, d.kinds[rows[i].want].linktype, rows[i].kind.linktype);
        CHECK_EQ(rows[i].name, d.kinds[rows[i].want].fcs_len, rows[i].kind.fcs_len);
        CHECK_EQ(rows[i].name, d.kinds[rows[i].want].nanoseconds, rows[i].kind.nanoseconds);
    }
}

static void test_too_many(void **state)
{
    static struct dialect d;
    (void)state;
    for (unsigned i = 0; i < DIALECT_KINDS; i++) {
        const struct dialect_kind kind = {.linktype = (uint16_t)(i * 3)};
        CHECK_EQ("there is room", dialect_kind(&d, &kind), i);
    }
    const struct dialect_kind more = {.linktype = 1}, known = {.linktype = 3 * 254};
    CHECK_EQ("one more", dialect_kind(&d, &more), DIALECT_KINDS);
    CHECK_EQ("and again", dialect_kind(&d, &more), DIALECT_KINDS);
    CHECK_EQ("one that is known", dialect_kind(&d, &known), 254);
    CHECK_EQ("kinds", atomic_load(&d.n_kinds), DIALECT_KINDS);
}

static void test_endings(void **state)
{
    static const struct {
        const char *name;
        enum dialect_form form;
        const char *want;
    } rows[] = {
        {"copied", DIALECT_COPY, ".pcap"},
        {"pcap", DIALECT_PCAP, ".pcap"},
        {"pcapng", DIALECT_PCAPNG, ".pcapng"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct dialect d = {.form = rows[i].form};
        CHECK_STR(rows[i].name, dialect_ending(&d), rows[i].want);
    }
}

/* Units whose every tick is a whole number of microseconds do without. */
static void test_needs_ns(void **state)
{
    static const struct {
        const char *name;
        uint64_t units;
        bool want;
    } rows[] = {
        {"seconds", 1, false},
        {"ms", 1000, false},
        {"us", 1000000, false},
        {"ten times us", 10000000, true},
        {"ns", 1000000000, true},
        {"halves", 2, false},
        {"2^6", 64, false},
        {"2^7", 128, true},
        {"2^20", 1 << 20, true},
        {"2^63", UINT64_C(1) << 63, true},
        {"10^19", UINT64_C(10000000000000000000), true},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++)
        CHECK_EQ(rows[i].name, dialect_needs_ns(rows[i].units), rows[i].want);
}

UNIT(dialect)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_endings),
        cmocka_unit_test(test_needs_ns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
