/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"
#include "support_secret.h"

#include "flow/table.h"

enum { N_FLOWS = 100000, N_CLASHING = 3000 };

static struct flow_key key_of(uint32_t i)
{
    struct flow_key key = {
        .family = 4, .proto = CLV_PROTO_TCP, .has = FLOW_HAS_PORTS, .b_port = 80};
    key.a[0] = key.b[0] = 10;
    key.a_port = (uint16_t)i;
    store_be16(key.a + 2, (uint16_t)(i >> 16));
    return key;
}

static uint64_t hash_xxh3(uint32_t i)
{
    const struct flow_key key = key_of(i);
    return flow_key_hash(&key, SECRET);
}

static uint64_t hash_constant(uint32_t i)
{
    (void)i;
    return UINT64_C(0x123456789abcdef0);
}

static uint64_t hash_zero(uint32_t i)
{
    (void)i;
    return 0;
}

static uint64_t hash_high_bits(uint32_t i)
{
    return (uint64_t)i << 32 | 7;
}

static uint64_t hash_last_bucket(uint32_t i)
{
    return UINT32_MAX - (i & 1);
}

static void test_find(void **state)
{
    static const struct {
        const char *name;
        uint64_t (*hash)(uint32_t i);
        uint32_t n;
    } rows[] = {
        {"XXH3", hash_xxh3, N_FLOWS},
        {"one hash for all", hash_constant, N_CLASHING},
        {"hash 0", hash_zero, N_CLASHING},
        {"the low 32 bits equal", hash_high_bits, N_CLASHING},
        {"probes that wrap around", hash_last_bucket, N_CLASHING},
    };
    (void)state;
    for (size_t k = 0; k < N_ROWS(rows); k++) {
        const char *row = rows[k].name;
        struct flow_table t;
        struct flow *first[64];
        assert_true(flow_table_init(&t));
        CHECK_EQ(row, t.n, 0);
        for (uint32_t i = 0; i < rows[k].n; i++) {
            const struct flow_key key = key_of(i);
            const uint64_t hash = rows[k].hash(i);
            CHECK_EQ(row, flow_table_find(&t, &key, NULL, hash), FLOW_NONE);
            flow_table_prefetch_slot(&t, hash);
            const struct flow *early = flow_table_candidate(&t, hash);
            CHECK(row, !early || !flow_key_equal(&early->key, &key));
            CHECK_EQ(row, flow_table_add(&t, &key, NULL, hash), i);
            CHECK(row, flow_table_candidate(&t, hash));
            CHECK_EQ(row, flow_table_find(&t, &key, NULL, hash), i);
            flow_table_at(&t, i)->sum[0].packets = i;
            if (i < N_ROWS(first))
                first[i] = flow_table_at(&t, i);
        }
        CHECK_EQ(row, t.n, rows[k].n);
        CHECK(row, t.mask + 1 > rows[k].n && ((t.mask + 1) & t.mask) == 0);
        for (uint32_t i = 0; i < N_ROWS(first); i++)
            CHECK(row, flow_table_at(&t, i) == first[i]); /* entries never move */
        for (uint32_t i = 0; i < rows[k].n; i++) {
            const struct flow_key key = key_of(i);
            CHECK_EQ(row, flow_table_find(&t, &key, NULL, rows[k].hash(i)), i);
            CHECK(row, flow_key_equal(&flow_table_at(&t, i)->key, &key));
            CHECK_EQ(row, flow_table_at(&t, i)->sum[0].packets, i);
        }
        for (uint32_t i = rows[k].n; i < rows[k].n + 1000; i++) {
            const struct flow_key key = key_of(i);
            CHECK_EQ(row, flow_table_find(&t, &key, NULL, rows[k].hash(i)), FLOW_NONE);
        }
        flow_table_fini(&t);
    }
}

/* The same key under another hash is another bucket: the table trusts its caller, not luck. */
static void test_entry(void **state)
{
    struct flow_table t;
    const struct flow_key key = key_of(1);
    (void)state;
    assert_true(flow_table_init(&t));
    assert_int_equal(flow_table_add(&t, &key, NULL, 5), 0);
    const struct flow *f = flow_table_at(&t, 0);
    CHECK("new", flow_key_equal(&f->key, &key));
    CHECK_EQ("new", f->first_ns, INT64_MAX);
    CHECK_EQ("new", f->last_ns, INT64_MIN);
    CHECK_EQ("new", f->epoch, 0);
    CHECK_EQ("new", f->index, 0);
    for (unsigned dir = 0; dir < 2; dir++)
        CHECK_EQ("new", f->sum[dir].packets + f->sum[dir].captured + f->sum[dir].wire, 0);
    CHECK_EQ("another hash", flow_table_find(&t, &key, NULL, 6), FLOW_NONE);
    flow_table_fini(&t);
    flow_table_fini(&t);
    CHECK("finished", !t.slots && t.n == 0);
}

static void test_no_memory(void **state)
{
    struct flow_table t;
    (void)state;
    mem_fail_from(1);
    CHECK("init", !flow_table_init(&t));
    mem_fail_from(0);
    flow_table_fini(&t);

    assert_true(flow_table_init(&t));
    uint32_t failures = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        const struct flow_key key = key_of(i);
        char row[32];
        (void)snprintf(row, sizeof row, "flow %u", i);
        /* One allocation more each time, until there are enough. */
        for (uint64_t nth = 1;; nth++) {
            mem_fail_from(nth);
            const uint32_t got = flow_table_add(&t, &key, NULL, hash_xxh3(i));
            mem_fail_from(0);
            if (got != FLOW_NONE) {
                CHECK_EQ(row, got, i);
                break;
            }
            failures++;
            CHECK_EQ(row, t.n, i);
            CHECK_EQ(row, flow_table_find(&t, &key, NULL, hash_xxh3(i)), FLOW_NONE);
            for (uint32_t k = 0; k < i; k++) {
                const struct flow_key old = key_of(k);
                CHECK_EQ(row, flow_table_find(&t, &old, NULL, hash_xxh3(k)), k);
            }
        }
        CHECK_EQ(row, flow_table_find(&t, &key, NULL, hash_xxh3(i)), i);
    }
    CHECK("growing needs memory", failures > 10);
    flow_table_fini(&t);
}

/* Keys of any fields that share a hash, or all of the key but what is beside its 40 bytes. */
static void test_more(void **state)
{
    static const struct {
        const char *name;
        bool keys, extras; /* that differ */
        uint64_t hash;
    } rows[] = {
        {"another `extra`, one hash", false, true, UINT64_C(0x123456789abcdef0)},
        {"another key, one hash", true, false, UINT64_C(0x123456789abcdef0)},
        {"both differ, hash 0", true, true, 0},
        {"probes that wrap around", false, true, UINT32_MAX},
    };
    (void)state;
    for (size_t k = 0; k < N_ROWS(rows); k++) {
        const char *row = rows[k].name;
        struct flow_table t;
        struct flow_extra extra = {.direction = 0};
        assert_true(flow_table_init(&t));
        flow_table_keep(&t, FLOW_BESIDE_EXTRA, sizeof extra);
        for (uint32_t i = 0; i < N_CLASHING; i++) {
            const struct flow_key key = key_of(rows[k].keys ? i : 0);
            extra.iface = rows[k].extras ? i : 0;
            CHECK_EQ(row, flow_table_find(&t, &key, &extra, rows[k].hash), FLOW_NONE);
            const struct flow *early = flow_table_candidate(&t, rows[k].hash);
            CHECK(row, !early || !flow_table_is(&t, early, &key, &extra));
            CHECK_EQ(row, flow_table_add(&t, &key, &extra, rows[k].hash), i);
            CHECK_EQ(row, flow_table_find(&t, &key, &extra, rows[k].hash), i);
        }
        for (uint32_t i = 0; i < N_CLASHING; i++) {
            const struct flow_key key = key_of(rows[k].keys ? i : 0);
            extra.iface = rows[k].extras ? i : 0;
            CHECK_EQ(row, flow_table_find(&t, &key, &extra, rows[k].hash), i);
            CHECK_MEM(row, flow_table_extra(&t, flow_table_at(&t, i)), &extra, sizeof extra);
        }
        /* What follows a flow takes its place, also among those that share its hash. */
        for (uint32_t i = 0; i < N_CLASHING; i += 7) {
            const struct flow_key key = key_of(rows[k].keys ? i : 0);
            extra.iface = rows[k].extras ? i : 0;
            const uint32_t next = flow_table_replace(&t, i, rows[k].hash);
            CHECK_EQ(row, next, N_CLASHING + i / 7);
            CHECK_EQ(row, flow_table_find(&t, &key, &extra, rows[k].hash), next);
            CHECK(row, flow_key_equal(&flow_table_at(&t, next)->key, &key));
            CHECK_MEM(row, flow_table_extra(&t, flow_table_at(&t, next)), &extra, sizeof extra);
            CHECK_EQ(row, flow_table_at(&t, i)->index, i);
        }
        const struct flow_key absent = key_of(N_CLASHING);
        extra.iface = N_CLASHING;
        CHECK_EQ(row, flow_table_find(&t, &absent, &extra, rows[k].hash), FLOW_NONE);
        flow_table_fini(&t);
    }
}

UNIT(table)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_more),
        cmocka_unit_test(test_entry),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
