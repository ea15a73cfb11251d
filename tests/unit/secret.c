/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include <stdlib.h>

#include "flow/table.h"

enum { N = 40000 };

/* Bytes 8 to 15 of the secret that comes with XXH3 (xxhash.h, kSecret). */
#define PUBLIC_SECRET_8 UINT64_C(0x1cad21f72c81017c)

static void store_le64(uint8_t *p, uint64_t v)
{
    store_le32(p, (uint32_t)v);
    store_le32(p + 4, (uint32_t)(v >> 32));
}

/*
 * The words of an input are the factors of products (xxhash.h, XXH3_mix16B()), and one factor that
 * is 0 hides the other: with a seed that is known these inputs of 17 to 128 bytes all have one
 * hash.
 */
static void make_evil(uint8_t *key, size_t len, size_t at, uint32_t i)
{
    (void)at;
    memset(key, 0x11, len);
    store_le64(key, i);
    store_le64(key + 8, PUBLIC_SECRET_8 - FLOW_SHARD_SEED);
}

/* All differ in one place, as do flows of one host, one port, one network. */
static void make_near(uint8_t *key, size_t len, size_t at, uint32_t i)
{
    memset(key, 0x11, len);
    store_be32(key + at, i);
}

static int by_value(const void *x, const void *y)
{
    const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

/* The most that share a bucket, of as many buckets as there are keys, and equal hashes. */
static void look(const char *row, uint64_t *hash, size_t *most, size_t *equal)
{
    uint16_t *bucket = calloc(65536, sizeof *bucket);
    assert_non_null(bucket);
    *most = *equal = 0;
    for (size_t i = 0; i < N; i++) {
        const size_t n = ++bucket[hash[i] & 65535];
        *most = n > *most ? n : *most;
    }
    qsort(hash, N, sizeof *hash, by_value);
    for (size_t i = 1; i < N; i++)
        *equal += hash[i] == hash[i - 1];
    free(bucket);
    (void)row;
}

/*
 * Sets that collide by construction do so no more, for keys of each length: IPv4, IPv6 and
 * fragments, keys of any fields, names. What is left is chance: more than 12 of 40,000 keys in one
 * of 65,536 buckets are seen once in 10^9 runs.
 */
static void test_collisions(void **state)
{
    static const struct {
        const char *name;
        size_t len;
        void (*make)(uint8_t *key, size_t len, size_t at, uint32_t i);
    } rows[] = {
        {"IPv4, near", 16, make_near},
        {"IPv6, near", 40, make_near},
        {"IPv6, evil", 40, make_evil},
        {"any fields, near", sizeof(struct flow_key) + sizeof(struct flow_extra), make_near},
        {"any fields, evil", sizeof(struct flow_key) + sizeof(struct flow_extra), make_evil},
        {"name, evil", 128, make_evil},
        {"long name, near", 200, make_near},
        {"longer name, near", 1000, make_near},
    };
    struct secret secret;
    struct clv_error err;
    uint64_t *hash = calloc(N, sizeof *hash);
    size_t most, equal;
    (void)state;
    assert_non_null(hash);
    assert_true(secret_draw(&secret, &err));
    for (size_t k = 0; k < N_ROWS(rows); k++)
        for (size_t at = 0; at + 4 <= rows[k].len; at += rows[k].make == make_near ? 4 : 1000) {
            uint8_t key[1024];
            for (uint32_t i = 0; i < N; i++) {
                rows[k].make(key, rows[k].len, at, i);
                hash[i] = secret_hash(&secret, key, rows[k].len);
            }
            look(rows[k].name, hash, &most, &equal);
            CHECK(rows[k].name, most <= 12);
            CHECK_EQ(rows[k].name, equal, 0);
            if (rows[k].make != make_evil)
                continue;
            for (uint32_t i = 0; i < N; i++) {
                rows[k].make(key, rows[k].len, at, i);
                hash[i] = XXH3_64bits_withSeed(key, rows[k].len, FLOW_SHARD_SEED);
            }
            look(rows[k].name, hash, &most, &equal);
            CHECK_EQ("with a seed that is known", equal, N - 1);
        }
    free(hash);
}

/* A table of flows that were made to collide is as flat as one of any others. */
static void test_table(void **state)
{
    struct secret secret;
    struct clv_error err;
    struct flow_table t;
    uint64_t steps = 0;
    (void)state;
    assert_true(secret_draw(&secret, &err) && flow_table_init(&t));
    for (uint32_t i = 0; i < N; i++) {
        struct flow_key key = {.family = 6, .proto = CLV_PROTO_UDP, .has = FLOW_HAS_PORTS};
        store_le64(key.a, i);
        store_le64(key.a + 8, PUBLIC_SECRET_8 - FLOW_SHARD_SEED);
        const uint64_t h = flow_key_hash(&key, &secret);
        assert_int_equal(flow_table_find(&t, &key, NULL, h), FLOW_NONE);
        assert_int_equal(flow_table_add(&t, &key, NULL, h), i);
    }
    for (uint32_t at = 0; at <= t.mask; at++)
        if (t.slots[at].entry)
            steps += (at - t.slots[at].hash) & t.mask;
    assert_true(steps < N);
    flow_table_fini(&t);
}

/* Nothing is known of the secret of another run. */
static void test_draw(void **state)
{
    struct secret a, b;
    struct clv_error err;
    (void)state;
    assert_true(secret_draw(&a, &err) && secret_draw(&b, &err));
    assert_memory_not_equal(&a, &b, sizeof a);
    for (size_t i = 0; i + 16 <= sizeof a; i += 16)
        assert_memory_not_equal(a.bytes + i, b.bytes + i, 16);
}

UNIT(secret)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collisions),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_draw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
