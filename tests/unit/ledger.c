/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"

#include "base/mem.h"
#include "walk/ledger.h"

/* Segments have 64, 128, 256 and so on. */
static void test_segments(void **state)
{
    static const struct {
        uint32_t i;
        unsigned want;
        uint32_t at;
    } rows[] = {
        {0, 0, 0},
        {1, 0, 1},
        {63, 0, 63},
        {64, 1, 0},
        {191, 1, 127},
        {192, 2, 0},
        {447, 2, 255},
        {448, 3, 0},
        {64 * 1023 - 1, 9, 64 * 512 - 1},
        {64 * 1023, 10, 0},
        {UINT32_MAX - 64, 25, (UINT32_C(1) << 31) - 1},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        char row[32];
        uint32_t at;
        (void)snprintf(row, sizeof row, "entry %u", rows[i].i);
        CHECK_EQ(row, ledger_segment(rows[i].i, &at), rows[i].want);
        CHECK_EQ(row, at, rows[i].at);
    }
}

enum { N = 64 + 128 + 256 + 3, PER_SECTION = 5 };

/* Entry i: a section, or one of the four that belong to it; its block is i % 7 + 1 bytes of i. */
static enum ledger_kind kind_of(uint32_t i)
{
    static const enum ledger_kind kinds[PER_SECTION] = {
        LEDGER_SECTION, LEDGER_INTERFACE, LEDGER_METADATA, LEDGER_INTERFACE, LEDGER_METADATA};
    return kinds[i % PER_SECTION];
}

static bool add(struct ledger *l, uint32_t i)
{
    uint8_t block[8];
    memset(block, (int)i, sizeof block);
    if (!ledger_add(l, kind_of(i), i * 10, block, i % 7 + 1, i & 1))
        return false;
    memset(block, 0, sizeof block); /* a copy was made */
    const struct ledger_iface iface = {
        .entry = 12345, .linktype = (uint16_t)i, .units = i + 1, .offset_s = -(int64_t)i};
    return kind_of(i) != LEDGER_INTERFACE || ledger_add_iface(l, &iface);
}

/* Interfaces before entry i. */
static uint32_t ifaces_before(uint32_t i)
{
    return i / PER_SECTION * 2 + (i % PER_SECTION > 1) + (i % PER_SECTION > 3);
}

static void check_entry(const struct ledger *l, uint32_t i)
{
    char row[32];
    uint8_t want[8];
    const struct ledger_entry *e = ledger_entry(l, i);
    memset(want, (int)i, sizeof want);
    (void)snprintf(row, sizeof row, "entry %u", i);
    CHECK_EQ(row, e->kind, kind_of(i));
    CHECK_EQ(row, e->position, i * 10);
    CHECK_EQ(row, e->big_endian, i & 1);
    CHECK_EQ(row, e->block_len, i % 7 + 1);
    CHECK_MEM(row, e->block, want, e->block_len);
    CHECK_EQ(row, e->section, i / PER_SECTION * PER_SECTION);
    if (e->kind != LEDGER_METADATA)
        CHECK_EQ(row, e->iface, ifaces_before(i));
    if (e->kind != LEDGER_INTERFACE)
        return;
    const struct ledger_iface *iface = ledger_iface(l, e->iface);
    CHECK_EQ(row, iface->entry, i);
    CHECK_EQ(row, iface->linktype, (uint16_t)i);
    CHECK_EQ(row, iface->units, i + 1);
    CHECK_EQ(row, iface->offset_s, -(int64_t)i);
}

/* Over the edges of segments: what was added is there, and stays where it is. */
static void test_growth(void **state)
{
    static const struct ledger_entry *places[N];
    static const struct ledger_iface *iface_places[N];
    struct ledger l;
    (void)state;
    ledger_init(&l, UINT64_MAX);
    CHECK_EQ("empty", ledger_count(&l), 0);
    for (uint32_t i = 0; i < N; i++) {
        CHECK("add", add(&l, i));
        CHECK_EQ("entries", ledger_count(&l), i + 1);
        CHECK_EQ("interfaces", atomic_load(&l.n_ifaces), ifaces_before(i + 1));
        places[i] = ledger_entry(&l, i);
        if (kind_of(i) == LEDGER_INTERFACE)
            iface_places[ifaces_before(i)] = ledger_iface(&l, ifaces_before(i));
    }
    CHECK("several segments of interfaces", ifaces_before(N) > 64);
    for (uint32_t i = 0; i < N; i++) {
        CHECK("an entry has not moved", places[i] == ledger_entry(&l, i));
        check_entry(&l, i);
    }
    for (uint32_t i = 0; i < ifaces_before(N); i++)
        CHECK("an interface has not moved", iface_places[i] == ledger_iface(&l, i));
    ledger_fini(&l);
    CHECK_EQ("finished", ledger_count(&l), 0);
    ledger_fini(&l);
}

/* At every position from 0 to 20: the last entry at it or before, of the first n. */
static void test_at(void **state)
{
    static const struct {
        const char *name;
        uint64_t positions[8];
        uint32_t n;
    } rows[] = {
        {"one", {0}, 1},
        {"two", {0, 5}, 2},
        {"side by side", {0, 1, 2, 3}, 4},
        {"far apart", {0, 3, 10, 17}, 4},
        {"equal positions", {0, 0, 7, 7, 7, 12, 12}, 7},
        {"all equal", {0, 0, 0}, 3},
        {"eight", {0, 2, 4, 6, 8, 10, 12, 20}, 8},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct ledger l;
        ledger_init(&l, 0);
        for (uint32_t k = 0; k < rows[i].n; k++)
            assert_true(ledger_add(&l, LEDGER_SECTION, rows[i].positions[k], (const uint8_t *)"", 1,
                                   false));
        for (uint32_t n = 1; n <= rows[i].n; n++)
            for (uint64_t position = 0; position <= 20; position++) {
                char row[64];
                uint32_t want = 0;
                while (want + 1 < n && rows[i].positions[want + 1] <= position)
                    want++;
                (void)snprintf(row, sizeof row, "%s, first %u, position %u", rows[i].name, n,
                               (unsigned)position);
                CHECK_EQ(row, ledger_at(&l, n, position), want);
            }
        CHECK_EQ(rows[i].name, ledger_at(&l, rows[i].n, UINT64_MAX), rows[i].n - 1);
        ledger_fini(&l);
    }
}

/* Metadata up to a sum of bytes; sections and interfaces are kept whatever they take. */
static void test_metadata_max(void **state)
{
    static const struct {
        const char *name;
        uint64_t max;
        uint32_t lens[4]; /* of metadata; 0 ends */
        uint32_t kept;
        uint64_t left, bytes;
    } rows[] = {
        {"none", 0, {1}, 0, 1, 0},
        {"exactly", 100, {60, 40}, 2, 0, 100},
        {"one byte more", 99, {60, 40}, 1, 1, 60},
        {"a smaller one still fits", 100, {60, 50, 40}, 2, 1, 100},
        {"full", 100, {100, 1, 1}, 1, 2, 100},
        {"no limit", UINT64_MAX, {100, 100, 100, 100}, 4, 0, 400},
    };
    static const uint8_t block[200] = {0};
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct ledger l;
        ledger_init(&l, rows[i].max);
        CHECK(rows[i].name, ledger_add(&l, LEDGER_SECTION, 0, block, 200, false));
        CHECK(rows[i].name, ledger_add(&l, LEDGER_INTERFACE, 0, block, 200, false));
        CHECK(rows[i].name, !l.has_metadata);
        for (unsigned k = 0; k < 4 && rows[i].lens[k]; k++)
            CHECK(rows[i].name, ledger_add(&l, LEDGER_METADATA, 0, block, rows[i].lens[k], false));
        CHECK_EQ(rows[i].name, ledger_count(&l), 2 + rows[i].kept);
        CHECK_EQ(rows[i].name, l.metadata_left, rows[i].left);
        CHECK_EQ(rows[i].name, l.block_bytes, rows[i].bytes);
        CHECK_EQ(rows[i].name, l.has_metadata, rows[i].kept != 0);
        ledger_fini(&l);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    for (uint64_t nth = 1;; nth++) {
        struct ledger l;
        uint32_t i = 0;
        ledger_init(&l, UINT64_MAX);
        mem_fail_from(nth);
        while (i < N && add(&l, i))
            i++;
        mem_fail_from(0);
        CHECK("what is there is whole", ledger_count(&l) >= i && ledger_count(&l) <= i + 1);
        for (uint32_t k = 0; k < i; k++)
            check_entry(&l, k);
        ledger_fini(&l);
        if (i == N) {
            CHECK("something was allocated", nth > N);
            break;
        }
    }
}

UNIT(ledger)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments),  cmocka_unit_test(test_growth),
        cmocka_unit_test(test_at),        cmocka_unit_test(test_metadata_max),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
