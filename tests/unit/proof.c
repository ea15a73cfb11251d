/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains and sums; what becomes of records on their way is held against whole runs by
 * property/verify.
 */
#include "support_check.h"

#include "base/mem.h"
#include "proof/proof.h"

enum { N = 6 };

static struct keyed_hash chain_of(const struct keyed *key, const unsigned *order, unsigned n,
                                  unsigned altered)
{
    struct proof p = {.n = 0};
    for (unsigned i = 0; i < n; i++) {
        struct proof_record rec = {.ticks = order[i], .caplen = 60, .origlen = 60};
        if (order[i] == altered)
            rec.origlen++;
        proof_add(key, &p, proof_digest(key, &rec));
    }
    assert_int_equal(p.n, n);
    return p.chain;
}

static const struct {
    const char *name;
    unsigned order[N], n, altered;
    bool same;
} rows[] = {
    {"the same", {1, 2, 3, 4, 5, 6}, N, 0, true},
    {"the last is missing", {1, 2, 3, 4, 5}, N - 1, 0, false},
    {"the first is missing", {2, 3, 4, 5, 6}, N - 1, 0, false},
    {"two have changed places", {1, 3, 2, 4, 5, 6}, N, 0, false},
    {"one is there twice", {1, 2, 3, 3, 5, 6}, N, 0, false},
    {"another length", {1, 2, 3, 4, 5, 6}, N, 4, false},
    {"none", {0}, 0, 0, false},
};

static void test_chains(void **state)
{
    struct keyed *key = mem_alloc(2, sizeof *key);
    (void)state;
    assert_non_null(key);
    assert_true(keyed_draw(&key[0], NULL) && keyed_draw(&key[1], NULL));
    const struct keyed_hash whole = chain_of(&key[0], rows[0].order, N, 0);
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct keyed_hash found =
            chain_of(&key[0], rows[i].order, rows[i].n, rows[i].altered);
        CHECK_EQ(rows[i].name, memcmp(&found, &whole, sizeof whole) == 0, rows[i].same);
    }
    const struct keyed_hash other = chain_of(&key[1], rows[0].order, N, 0);
    CHECK("another key", memcmp(&other, &whole, sizeof whole) != 0);
    mem_free(key);
}

/* What pieces were walked joins the plan; without a digest of the captures it is a sum. */
static void test_join(void **state)
{
    struct proof_plan plan = {.walked = {.n = 0}};
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        const struct proof_sum walked = {.n = i, .places = i * UINT64_C(0x9e3779b97f4a7c15)};
        proof_join(&plan, &walked);
    }
    assert_int_equal(plan.walked.n, 6);
    assert_true(plan.walked.places == 6 * UINT64_C(0x9e3779b97f4a7c15));
    proof_sum_clear(&plan.walked);
    assert_true(plan.walked.n == 0 && plan.walked.places == 0);
    proof_sum_fini(&plan.walked);
}

UNIT(proof)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
