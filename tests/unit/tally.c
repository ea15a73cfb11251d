/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_flow.h"
#include "support_piece.h"

#include "pipeline/tally.h"

enum { PARTS = 2, FLOWS = 8 };

/* Flow i has as many bytes as bytes[i] says; of equals the one with the lower number is before. */
static const struct {
    const char *name;
    uint64_t bytes[FLOWS];
    unsigned want[CLV_LARGEST]; /* numbers of flows, from 1; 0: none */
} rows[] = {
    {"none", {0}, {0}},
    {"one", {5}, {1}},
    {"in their order", {8, 7, 6, 5, 4, 3, 2, 1}, {1, 2, 3, 4, 5}},
    {"the last first", {1, 2, 3, 4, 5, 6, 7, 8}, {8, 7, 6, 5, 4}},
    {"all alike", {3, 3, 3, 3, 3, 3, 3, 3}, {1, 2, 3, 4, 5}},
    {"some alike", {1, 9, 1, 9, 1, 9, 1, 1}, {2, 4, 6, 1, 3}},
};

static struct flow *add_flow(struct partition *p, unsigned i, uint64_t bytes, const char *name)
{
    const struct flow_key key = piece_key(i);
    const uint32_t at = flow_table_add(&p->flows, &key, NULL, flow_key_hash(&key, SECRET));
    assert_true(at != FLOW_NONE);
    struct flow *f = flow_table_at(&p->flows, at);
    f->n = i + 1;
    f->sum[0].captured = bytes;
    f->sum[i % 2].packets = i + 1;
    f->first_ns = 100 - (int64_t)i;
    f->last_ns = 200 + (int64_t)i;
    assert_true(partition_set_name(p, at, name, strlen(name), NULL));
    return f;
}

static void test_largest(void **state)
{
    (void)state;
    for (size_t r = 0; r < N_ROWS(rows); r++) {
        struct partition parts[PARTS];
        struct tally t;
        struct clv_split_result result = {.records_read = 0};
        unsigned n = 0, n_flows = 0;
        for (uint32_t p = 0; p < PARTS; p++)
            assert_true(partition_init(&parts[p], by_flow(), &no_cuts, NULL));
        tally_init(&t);
        for (unsigned i = 0; i < FLOWS && rows[r].bytes[i]; i++, n_flows++) {
            char name[16];
            (void)snprintf(name, sizeof name, "%u.pcap", i + 1);
            struct partition *p = &parts[i % PARTS];
            tally_flow(&t, p, add_flow(p, i, rows[r].bytes[i], name), true, true);
        }
        tally_end(&t, parts, PARTS, &result);
        CHECK_EQ(rows[r].name, result.outputs, n_flows);
        for (; n < CLV_LARGEST && rows[r].want[n]; n++) {
            char name[16];
            (void)snprintf(name, sizeof name, "%u.pcap", rows[r].want[n]);
            CHECK_EQ(rows[r].name, result.largest[n].flow, rows[r].want[n]);
            CHECK_EQ(rows[r].name, result.largest[n].bytes, rows[r].bytes[rows[r].want[n] - 1]);
            CHECK_EQ(rows[r].name, result.largest[n].records, rows[r].want[n]);
            CHECK_STR(rows[r].name, result.largest[n].name, name);
        }
        CHECK_EQ(rows[r].name, result.n_largest, n);
        if (n_flows) {
            CHECK_EQ(rows[r].name, result.first_ns, 101 - (int64_t)n_flows);
            CHECK_EQ(rows[r].name, result.last_ns, 199 + (int64_t)n_flows);
        }
        for (uint32_t p = 0; p < PARTS; p++)
            partition_fini(&parts[p]);
    }
}

/* Those of several captures, below directories of their own. */
static void test_join(void **state)
{
    static struct clv_split_result sum, one;
    (void)state;
    for (unsigned k = 0; k < 3; k++) {
        char dir[8];
        (void)snprintf(dir, sizeof dir, "d%u", k);
        one = (struct clv_split_result){.n_largest = 3};
        for (unsigned i = 0; i < 3; i++) {
            one.largest[i] = (struct clv_split_largest){.bytes = 100 - 10 * i + k, .flow = i + 1};
            (void)snprintf(one.largest[i].name, sizeof one.largest[i].name, "%u", i + 1);
        }
        tally_join_largest(&sum, &one, k ? dir : NULL);
    }
    static const char *const want[CLV_LARGEST] = {"d2/1", "d1/1", "1", "d2/2", "d1/2"};
    assert_int_equal(sum.n_largest, CLV_LARGEST);
    for (unsigned i = 0; i < CLV_LARGEST; i++)
        CHECK_STR("join", sum.largest[i].name, want[i]);
}

/* More link types than there is room for are summed up. */
static void test_links(void **state)
{
    static struct clv_split_result r;
    (void)state;
    for (unsigned round = 1; round <= 2; round++)
        for (unsigned i = 0; i < CLV_UNKNOWN_LINKS + 2; i++)
            tally_unknown_link(&r, (uint16_t)(1000 + i), round * 10);
    assert_int_equal(r.n_unknown_links, CLV_UNKNOWN_LINKS);
    for (unsigned i = 0; i < CLV_UNKNOWN_LINKS; i++) {
        CHECK_EQ("link", r.unknown_links[i].linktype, 1000 + i);
        CHECK_EQ("records", r.unknown_links[i].records, 30);
    }
    assert_int_equal(r.more_unknown_links, 60);
}

/* A tunnel is what most records look like; where tunnels were looked into, nobody counts. */
static void test_tunnels(void **state)
{
    (void)state;
    for (unsigned closed = 0; closed < 2; closed++) {
        struct partition p;
        struct tally t;
        struct clv_split_result result = {.records_read = 0};
        assert_true(partition_init(&p, by_flow(), &no_cuts, NULL));
        tally_init(&t);
        struct flow *f = add_flow(&p, 0, 1, "1");
        f->key.proto = CLV_PROTO_UDP;
        f->key.b_port = 4789; /* VXLAN, RFC 7348 section 5 */
        f->sum[1].packets = 41;
        tally_flow(&t, &p, f, closed, true);
        tally_end(&t, &p, 1, &result);
        CHECK_EQ("records", result.tunnelled, closed ? 42 : 0);
        if (closed)
            CHECK_STR("tunnel", result.tunnel, "VXLAN");
        else
            assert_null(result.tunnel);
        partition_fini(&p);
    }
}

UNIT(tally)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_tunnels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
