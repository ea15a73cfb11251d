/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The library on a thread whose stack is small: musl gives 128 KiB, and programs ask for less.
 */
#include "support_temp.h"

#include <pthread.h>

#include "cleave/generate.h"
#include "cleave/split.h"
#include "cleave/verify.h"

enum { STACK = 64 << 10 };

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define FRAMES_GROW 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define FRAMES_GROW 1
#endif
#endif

static struct clv_split_params row_of(const char *name, const char *page)
{
    struct clv_split_params p = {.force = CLV_FORCE_OWN};
    if (strcmp(name, "verify, page") == 0)
        p = (struct clv_split_params){.force = CLV_FORCE_OWN, .verify = true, .report = page};
    else if (strcmp(name, "each, verify, filter") == 0)
        p = (struct clv_split_params){
            .force = CLV_FORCE_OWN, .each = true, .verify = true, .filter = "tcp or port 53"};
    else if (strcmp(name, "pcapng, top, connections") == 0)
        p = (struct clv_split_params){
            .force = CLV_FORCE_OWN, .format = CLV_FORMAT_PCAPNG, .top = 3, .by = "connection"};
    return p;
}

static const char *const rows[] = {"plain", "verify, page", "each, verify, filter",
                                   "pcapng, top, connections"};

static void *split_all(void *dir)
{
    char paths[3][256];
    static const char *const names[] = {"in.pcap", "out", "page.html"};
    for (unsigned i = 0; i < 3; i++)
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", (const char *)dir, names[i]);
    const char *const input = paths[0];
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct clv_split_params p = row_of(rows[i], paths[2]);
        struct clv_split_result r;
        struct clv_error err = {0};
        p.inputs = &input;
        p.n_inputs = 1;
        p.output = paths[1];
        p.force = CLV_FORCE_ALL;
        CHECK(rows[i], clv_split(&p, &r, &err));
        CHECK_EQ(rows[i], r.after.code, CLV_ERR_NONE);
        const struct clv_verify_params v = {.output = paths[1], .inputs = &input, .n_inputs = 1};
        struct clv_verify_result proven;
        if (!clv_verify(&v, &proven, &err))
            CHECK_HAS(rows[i], err.what, "built without"); /* jansson */
        else
            CHECK_EQ(rows[i], proven.faults, 0);
    }
    return NULL;
}

static void test_small(void **state)
{
#ifdef FRAMES_GROW
    skip();
#endif
    const struct clv_traffic_params traffic = {.flows = 20, .packets = 2000, .skew = 100};
    struct temp t;
    pthread_attr_t attr;
    pthread_t thread;
    uint64_t bytes, packets;
    (void)state;
    temp_make(&t);
    CHECK("traffic",
          clv_generate_traffic(temp_path(&t, "in.pcap"), &traffic, &bytes, &packets, NULL));
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, STACK), 0);
    assert_int_equal(pthread_create(&thread, &attr, split_all, t.dir), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pthread_attr_destroy(&attr), 0);
    temp_remove(&t);
}

UNIT(stack)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_small)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
