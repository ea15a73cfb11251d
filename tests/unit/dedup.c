/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_scan.h"

#include "base/mem.h"
#include "scan/dedup.h"
#include "scan/pass.h"

static void test_ignore(void **state)
{
    static const struct {
        const char *text;
        unsigned ignore;
        bool ok;
    } rows[] = {
        {NULL, 0, true},
        {"ttl", 1, true},
        {"tos,TTL", 3, true},
        {"vlan,mac,iface", 0x38, true},
        {"checksum,checksum", 4, true},
        {"", 0, false},
        {"ttl,", 1, false},
        {"ttl,id", 1, false},
        {"tt", 0, false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *const row = rows[i].text ? rows[i].text : "nothing";
        struct dedup_plan plan = {.ignore = 0xff};
        struct clv_error err = {.code = CLV_ERR_NONE};
        CHECK_EQ(row, dedup_parse_ignore(&plan, "what", rows[i].text, &err), rows[i].ok);
        CHECK_EQ(row, plan.ignore, rows[i].ignore);
        CHECK_EQ(row, err.code, rows[i].ok ? CLV_ERR_NONE : CLV_ERR_OPTION);
    }
}

/* A piece of records without bytes, in memory of its own. */
struct made {
    struct scan_piece piece;
    struct batch batch;
    struct dedup_plan plan;
    struct scan_settings settings;
    struct dialect dialect;
    struct dedup dedup;
};

static void begin(struct made *m, size_t n, int64_t window_ns)
{
    *m = (struct made){.plan = {.window_ns = window_ns}};
    m->settings =
        (struct scan_settings){.dialect = &m->dialect, .dedup = &m->plan, .n_partitions = 1};
    m->dedup.scan = &m->settings;
    m->piece.items = mem_zalloc(n, sizeof *m->piece.items);
    m->piece.digests = mem_zalloc(n, sizeof *m->piece.digests);
    m->piece.bounds = mem_zalloc(2, sizeof *m->piece.bounds);
    assert_true(m->piece.items && m->piece.digests && m->piece.bounds);
    m->batch = (struct batch){.pieces = &m->piece, .n_pieces = 1};
}

/* In one bucket are all that share the low bits. */
static struct scan_item *add(struct made *m, uint64_t lo, uint64_t hi, int64_t ts_ns)
{
    struct scan_piece *p = &m->piece;
    struct scan_item *item = &p->items[p->n_items];
    p->digests[p->n_items] = (struct keyed_hash){lo, hi};
    item->offset = (uint32_t)p->n_items++;
    item->ts_ns = ts_ns;
    return item;
}

static void run(struct made *m)
{
    const struct pass pass = dedup_pass(&m->dedup);
    m->batch.n_items = m->piece.n_items;
    assert_true(pass.needs(m->dedup.scan, &m->batch));
    assert_true(pass.run(&m->dedup, &m->batch, NULL));
    assert_true(pass.run(&m->dedup, NULL, NULL)); /* the end of the input */
    assert_int_equal(pass.settled(&m->dedup), 0);
}

static void end(struct made *m)
{
    dedup_fini(&m->dedup);
    scan_piece_fini(&m->piece);
}

static void test_records(void **state)
{
    static const struct {
        const char *name;
        uint64_t lo, hi;
        int64_t ts_ns;
        bool dropped;
    } rows[] = {
        {"the first", 1, 1, 1000, false},
        {"again", 1, 1, 1000, true},
        {"at the end of the window", 1, 1, 1010, true},
        {"after what was dropped, the window begins anew", 1, 1, 1021, false},
        {"earlier", 1, 1, 1011, true},
        {"another of the bucket", 1, 2, 1011, false},
        {"another bucket", 2, 1, 1011, false},
        {"each is found behind the other", 1, 1, 1012, true},
        {"and the other behind this", 1, 2, 1013, true},
        {"without a time", 1, 2, WALK_NO_TIME, false},
        {"nothing captured", 0, 0, 1013, false},
        {"nothing captured, again", 0, 0, 1013, false},
        {"the earliest time", 3, 1, INT64_MIN + 1, false},
        {"the latest", 3, 1, INT64_MAX, false},
        {"the latest again", 3, 1, INT64_MAX, true},
    };
    struct made m;
    (void)state;
    begin(&m, N_ROWS(rows), 10);
    for (size_t i = 0; i < N_ROWS(rows); i++)
        (void)add(&m, rows[i].lo, rows[i].hi, rows[i].ts_ns);
    run(&m);
    uint64_t n = 0;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        CHECK_EQ(rows[i].name, m.piece.items[i].dropped, rows[i].dropped);
        n += rows[i].dropped;
    }
    assert_int_equal(m.dedup.seen.records, n);
    assert_int_equal(m.dedup.seen.copies, 0);
    assert_int_equal(m.piece.bounds[1], N_ROWS(rows) - n); /* the order was made again */
    end(&m);
}

/* A record that is in two outputs is one; what was dropped before stays so, and is not compared. */
static void test_copies(void **state)
{
    struct made m;
    (void)state;
    begin(&m, 8, 10);
    add(&m, 9, 9, 0)->dropped = true;
    for (unsigned i = 0; i < 3; i++) {
        const uint32_t offset = add(&m, 9, 9, 1)->offset;
        add(&m, 0, 0, 1)->offset = offset;
    }
    m.piece.items[6].dropped = true; /* of the third only one was left */
    run(&m);
    static const bool dropped[] = {true, false, false, true, true, true, true};
    for (unsigned i = 0; i < N_ROWS(dropped); i++)
        assert_int_equal(m.piece.items[i].dropped, dropped[i]);
    assert_int_equal(m.dedup.seen.records, 2);
    assert_int_equal(m.dedup.seen.copies, 1);
    end(&m);
}

/* How far back a record is remembered, however long chains are. */
static void test_bound(void **state)
{
    static const struct {
        const char *name;
        uint64_t between, buckets;
        bool dropped;
    } rows[] = {
        {"the oldest", DEDUP_RECORDS - 1, UINT64_MAX, true},
        {"one further back", DEDUP_RECORDS, UINT64_MAX, false},
        {"much further back", 2 * DEDUP_RECORDS + 7, UINT64_MAX, false},
        {"in chains of 32", DEDUP_RECORDS - 1, DEDUP_RECORDS / 32, true},
        {"in chains of 32, too far", DEDUP_RECORDS, DEDUP_RECORDS / 32, false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct made m;
        begin(&m, rows[i].between + 2, 10);
        (void)add(&m, 5 % rows[i].buckets, 0, 0);
        for (uint64_t k = 0; k < rows[i].between; k++)
            (void)add(&m, k % rows[i].buckets, k + 1, 0);
        const struct scan_item *last = add(&m, 5 % rows[i].buckets, 0, 0);
        run(&m);
        CHECK_EQ(rows[i].name, last->dropped, rows[i].dropped);
        CHECK_EQ(rows[i].name, m.dedup.seen.records, rows[i].dropped);
        end(&m);
    }
}

UNIT(dedup)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ignore),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
