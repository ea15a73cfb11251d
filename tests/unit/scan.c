/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_scan.h"

#include "base/mem.h"

enum {
    TCP = CLV_PROTO_TCP,
    UDP = CLV_PROTO_UDP,
    RECORD = 16 + SCAN_ETHERNET + SCAN_IP + SCAN_TCP,
    N = 6,
};

/* Two flows, of which one has both directions, a fragment, and a record without an address. */
static const struct frame frames[N] = {
    {.from = 1, .to = 2, .proto = TCP, .sport = 5000, .dport = 80},
    {.from = 2, .to = 1, .proto = TCP, .sport = 80, .dport = 5000},
    {.from = 0},
    {.from = 1, .to = 2, .proto = UDP, .sport = 5000, .dport = 80},
    {.from = 1, .to = 2, .proto = TCP, .sport = 5000, .dport = 80},
    {.from = 1, .to = 2, .proto = UDP, .id = 7, .fragment = 8, .last = true},
};

/* Which items are alike: 'a' and so on by key, in the order in which they come. */
static void letters(const struct scan_piece *p, char *text)
{
    for (size_t i = 0; i < p->n_items; i++) {
        size_t first = 0;
        while (!flow_key_equal(&p->items[first].id.key, &p->items[i].id.key))
            first++;
        text[i] = "abcdef"[first];
    }
    text[p->n_items] = '\0';
}

static void test_keys(void **state)
{
    static const struct {
        const char *name, *by, *keys;
        struct savefile_dialect d;
        bool drop_other, inner;
        const char *host;
        uint64_t other, filtered, fragments;
    } rows[] = {
        {"flow", "flow", "aacdaf", {.big = false}, false, false, NULL, 1, 0, 1},
        {"big-endian", "flow", "aacdaf", {.big = true}, false, false, NULL, 1, 0, 1},
        {"nanoseconds", "flow", "aacdaf", {.magic = MAGIC_NS}, false, false, NULL, 1, 0, 1},
        {"longer headers",
         "flow",
         "aacdaf",
         {.magic = MAGIC_KUZNETZOV},
         false,
         false,
         NULL,
         1,
         0,
         1},
        {"hosts", "ip", "aacaaa", {.big = false}, false, false, NULL, 1, 0, 1},
        {"protocol", "ip,proto", "aacdad", {.big = false}, false, false, NULL, 1, 0, 1},
        {"none", "none", "aaaaaa", {.big = false}, false, false, NULL, 0, 0, 1},
        {"without other", "flow", "aacae", {.big = false}, true, false, NULL, 1, 0, 1},
        {"chosen hosts", "flow", "aacae", {.big = false}, false, false, "10.0.0.1", 0, 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct scan_scene s;
        struct filter filter;
        char keys[N + 1];
        scene_begin(&s, &rows[i].d, rows[i].by, frames, N);
        const struct clv_split_params params = {.host = rows[i].host};
        CHECK(rows[i].name, filter_init(&filter, &params, NULL));
        s.settings.filter = rows[i].host ? &filter : NULL;
        s.settings.drop_other = rows[i].drop_other;
        const struct scan_piece *p = scene_scan(&s, 0, s.b.len);
        letters(p, keys);
        CHECK_STR(rows[i].name, keys, rows[i].keys);
        CHECK_EQ(rows[i].name, p->counts.records, N);
        CHECK_EQ(rows[i].name, p->counts.other, rows[i].other);
        CHECK_EQ(rows[i].name, p->counts.dropped_other, rows[i].drop_other);
        CHECK_EQ(rows[i].name, p->counts.filtered, rows[i].filtered);
        CHECK_EQ(rows[i].name, p->counts.fragments, rows[i].fragments);
        CHECK_EQ(rows[i].name, p->stop, WALK_RECORD);
        CHECK_EQ(rows[i].name, p->end, s.b.len);
        CHECK_EQ(rows[i].name, p->first_ns, INT64_C(1000) * 1000000000);
        CHECK_EQ(rows[i].name, p->last_ns, INT64_C(1005) * 1000000000);
        CHECK_EQ(rows[i].name, p->items[0].raw_len, s.source.format.hdr_len + RECORD - 16);
        CHECK(rows[i].name, p->items[0].dir != p->items[1].dir || rows[i].by[0] == 'n');
        filter_fini(&filter);
        scene_end(&s);
    }
}

/* Wherever pieces end, they have all records, each once, and the same keys. */
static void test_pieces(void **state)
{
    const struct savefile_dialect d = {.big = false};
    (void)state;
    for (size_t cut = 0; cut <= 24 + N * RECORD; cut++) {
        struct scan_scene s;
        char row[32];
        size_t n = 0;
        (void)snprintf(row, sizeof row, "cut at byte %zu", cut);
        scene_begin(&s, &d, "flow", frames, N);
        const struct scan_piece *a = scene_scan(&s, 0, cut);
        const struct scan_piece *b = scene_scan(&s, cut, s.b.len);
        for (const struct scan_piece *p = a; p <= b; p++)
            for (size_t i = 0; i < p->n_items; i++, n++)
                CHECK_EQ(row, p->items[i].offset, 24 + n * RECORD);
        CHECK_EQ(row, n, N);
        CHECK_EQ(row, a->n_items, cut <= 24 ? 0 : (cut - 24 + RECORD - 1) / RECORD);
        CHECK_EQ(row, a->counts.records + b->counts.records, N);
        scene_end(&s);
    }
}

/* A fault ends the scan at its byte; with `recover` it goes on behind it. */
static void test_damage(void **state)
{
    static const struct {
        const char *name;
        size_t record; /* that has the fault */
        bool recover;
        uint64_t records, skipped;
        size_t end;
    } rows[] = {
        {"the first", 0, false, 0, 0, 24},
        {"the second", 1, false, 1, 0, 24 + RECORD},
        {"the last", N - 1, false, N - 1, 0, 24 + (N - 1) * RECORD},
        {"the second, searched", 1, true, N - 1, RECORD, 24 + N * RECORD},
    };
    const struct savefile_dialect d = {.big = false};
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct scan_scene s;
        scene_begin(&s, &d, "flow", frames, N);
        memset(s.b.p + 24 + rows[i].record * RECORD + 8, 0xff, 4); /* its length */
        s.settings.recover = rows[i].recover;
        const struct scan_piece *p = scene_scan(&s, 0, s.b.len);
        CHECK_EQ(rows[i].name, p->counts.records, rows[i].records);
        CHECK_EQ(rows[i].name, p->counts.skipped_bytes, rows[i].skipped);
        CHECK_EQ(rows[i].name, p->end, rows[i].end);
        CHECK_EQ(rows[i].name, p->stop == WALK_RECORD, rows[i].recover);
        scene_end(&s);
    }
}

/* Items lie by partition, within each in the capture's order; one that is left out is not there. */
static void test_order(void **state)
{
    const struct savefile_dialect d = {.big = false};
    struct scan_scene s;
    (void)state;
    scene_begin(&s, &d, "flow", frames, N);
    s.settings.partition_bits = 2;
    s.settings.n_partitions = 4;
    s.settings.shards = 3; /* more is asked: items may be dropped */
    struct scan_piece *p = scene_scan(&s, 0, s.b.len);
    for (unsigned dropped = 0; dropped < 2; dropped++) {
        size_t n = 0;
        for (uint32_t part = 0; part < 4; part++)
            for (uint32_t k = p->bounds[part]; k < p->bounds[part + 1]; k++, n++) {
                const struct scan_item *item = &p->items[p->order[k]];
                assert_int_equal(scan_partition(item->hash, 2), part);
                assert_true(k == p->bounds[part] || p->order[k - 1] < p->order[k]);
                assert_false(item->dropped);
            }
        assert_int_equal(n, N - dropped);
        assert_int_equal(scan_piece_drop(p, 3), 1);
        assert_true(scan_piece_reorder(p, &s.settings));
    }
    scene_end(&s);
}

UNIT(scan)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
