/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "pipeline/sizes.h"

enum { GIB = 1 << 30, MIB = 1 << 20 };
#define WIDEST ((size_t)(SIZE_MAX > UINT32_MAX ? (UINT64_C(4) << 30) - 4096 : GIB))
#define PLENTY (UINT64_C(64) * GIB) /* of memory */

static const struct {
    const char *name;
    unsigned threads, max_open;
    uint64_t memory, window, size;
    bool stream;
    uint32_t partitions, finds_step;
    unsigned pieces;
    uint64_t refs; /* 0: not looked at */
    size_t got_window;
} rows[] = {
    {"two threads", 2, 16384, PLENTY, 0, 0, false, 32, 4, 16, 0, WIDEST},
    {"many threads", 64, 16384, PLENTY, 0, 0, false, 1024, 4, 256, 0, WIDEST},
    {"few descriptors", 64, 9, PLENTY, 0, 0, false, 4, 1, 256, 0, WIDEST},
    {"one descriptor", 1, 1, PLENTY, 0, 0, false, 1, 1, 8, 0, WIDEST},
    {"little memory", 8, 16384, MIB, 0, 0, false, 128, 4, 1, 0, WIDEST},
    {"a short window", 2, 16384, PLENTY, 1, 0, false, 32, 4, 16, 0, 4096},
    {"a long window", 2, 16384, PLENTY, UINT64_C(8) * GIB, 0, false, 32, 4, 16, 0, WIDEST},
    {"a stream", 2, 16384, 6 * MIB, 0, 0, true, 32, 4, 1, 0, MIB},
    {"a small file", 2, 16384, PLENTY, 0, 1200, false, 32, 4, 16, 1200 / 12 + 1, WIDEST},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct source source = {.size = rows[i].size ? rows[i].size : (uint64_t)64 * GIB,
                                      .stream = rows[i].stream,
                                      .format.record_max = 1000};
        const struct sizes s = sizes_settle(&(struct sizes_from){
            .threads = rows[i].threads,
            .max_open = rows[i].max_open,
            .memory = rows[i].memory,
            .window = rows[i].window,
            .ram = (uint64_t)64 * GIB,
            .sources = &source,
            .n_sources = 1,
        });
        CHECK_EQ(rows[i].name, s.partitions, rows[i].partitions);
        CHECK_EQ(rows[i].name, s.finds_step, rows[i].finds_step);
        CHECK_EQ(rows[i].name, s.pieces_per_batch, rows[i].pieces);
        CHECK_EQ(rows[i].name, s.window, rows[i].got_window);
        CHECK_EQ(rows[i].name, s.slack, 1000);
        CHECK(rows[i].name, s.n_batches > 3 && s.max_refs > 0);
        if (rows[i].refs)
            CHECK_EQ(rows[i].name, s.max_refs, rows[i].refs);
    }
}

UNIT(sizes)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
