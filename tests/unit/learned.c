/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_flow.h"

#include "base/mem.h"
#include "scan/learned.h"

enum { N_FLOWS = 5 };

/* Flow 0 is `other`; flows 1 and 4 are of one size. */
static const struct flow_sums sums[N_FLOWS][2] = {
    {{.packets = 100, .captured = 100000}},
    {{.packets = 2, .captured = 300}, {.packets = 1, .captured = 200}},
    {{.packets = 9, .captured = 90}},
    {{.packets = 4, .captured = 700}, {.packets = 5, .captured = 0}},
    {{.packets = 1, .captured = 500}},
};

static struct flow_key key_of(uint32_t i)
{
    struct flow_key key = {.a_port = (uint16_t)i};
    if (i == 0)
        return (struct flow_key){.family = 0};
    key.family = 4;
    key.proto = CLV_PROTO_UDP;
    key.has = FLOW_HAS_PORTS | FLOW_HAS_PROTO;
    return key;
}

static void make_table(struct flow_table *t)
{
    assert_true(flow_table_init(t));
    for (uint32_t i = 0; i < N_FLOWS; i++) {
        const struct flow_key key = key_of(i);
        assert_int_equal(flow_table_add(t, &key, NULL, flow_key_hash(&key, SECRET)), i);
        struct flow *f = flow_table_at(t, i);
        f->n = i; /* of `other`, another count's */
        memcpy(f->sum, sums[i], sizeof f->sum);
    }
}

static void test_choice(void **state)
{
    static const struct {
        const char *name;
        uint64_t min_packets, min_bytes, top;
        unsigned chosen; /* a bit per flow */
    } rows[] = {
        {"all but other", 0, 0, 0, 0x1e},
        {"packets of both directions", 3, 0, 0, 0x0e},
        {"more packets than any", 10, 0, 0, 0},
        {"bytes of both directions", 0, 500, 0, 0x1a},
        {"both bounds", 3, 500, 0, 0x0a},
        {"the largest", 0, 0, 1, 0x08},
        {"the earlier of two that are alike", 0, 0, 2, 0x0a},
        {"three", 0, 0, 3, 0x1a},
        {"as many as there are", 0, 0, 4, 0x1e},
        {"more than there are", 0, 0, 100, 0x1e},
        {"the largest of those with few bytes", 9, 0, 1, 0x08},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct learned l = {
            .min_packets = rows[i].min_packets, .min_bytes = rows[i].min_bytes, .top = rows[i].top};
        struct flow_table t;
        unsigned found = 0;
        make_table(&t);
        CHECK(rows[i].name, learned_collect(&l, &t));
        flow_table_fini(&t);
        CHECK(rows[i].name, learned_settle(&l, by_flow()));
        for (uint32_t k = 0; k < N_FLOWS; k++) {
            const struct flow_key key = key_of(k);
            found |= (unsigned)learned_has(&l, &key, NULL, flow_key_hash(&key, SECRET)) << k;
        }
        CHECK_EQ(rows[i].name, found, rows[i].chosen);
        learned_fini(&l);
    }
}

/* Each allocation fails once; what was begun is given back. */
static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct learned l = {.top = 2};
        struct flow_table t;
        make_table(&t);
        mem_fail_from(n);
        const bool ok = learned_collect(&l, &t) && learned_settle(&l, by_flow());
        mem_fail_from(0);
        learned_fini(&l);
        flow_table_fini(&t);
        if (ok) {
            assert_true(n > 1);
            return;
        }
    }
}

UNIT(learned)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
