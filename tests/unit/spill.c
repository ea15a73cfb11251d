/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"

#include <stdalign.h>

#include "base/mem.h"
#include "base/spill.h"

enum { MIB = 1 << 20, N = 40 };

/* Blocks of odd sizes, each full of a byte of its own. */
struct block {
    uint8_t *p;
    size_t len;
};

static void fill(const char *row, struct spill *s, struct block *blocks, uint64_t *file_size)
{
    for (size_t i = 0; i < N; i++) {
        blocks[i].len = MIB / 4 + i * 1021;
        blocks[i].p = spill_alloc(s, 1, blocks[i].len);
        CHECK(row, blocks[i].p && (uintptr_t)blocks[i].p % alignof(max_align_t) == 0);
        memset(blocks[i].p, (int)i + 1, blocks[i].len);
    }
    *file_size = s ? s->size : 0;
    for (size_t i = 0; i < N; i++)
        for (size_t at = 0; at < blocks[i].len; at++)
            if (blocks[i].p[at] != i + 1)
                fail_msg("%s: block %zu is not what was put there", row, i);
    for (size_t i = 0; i < N; i++)
        spill_free(s, blocks[i].p);
}

static void test_bound(void **state)
{
    static const struct {
        const char *name;
        uint64_t bound;
        bool in_dir, spills;
    } rows[] = {
        {"all is plain", UINT64_MAX, true, false},
        {"some is plain", 3 * MIB, true, true},
        {"nothing is plain", 0, true, true},
        {"no file is wanted", 0, false, false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct spill s;
        struct temp t;
        struct block blocks[N];
        uint64_t size;
        temp_make(&t);
        const unsigned open_before = open_descriptors();
        spill_init(&s, rows[i].bound, rows[i].in_dir ? t.dir : NULL);
        fill(rows[i].name, &s, blocks, &size);
        CHECK(rows[i].name, (size > 0) == rows[i].spills);
        CHECK_EQ(rows[i].name, count_entries(t.dir), 0); /* it has no name */
        spill_fini(&s);
        CHECK_EQ(rows[i].name, open_descriptors(), open_before);
        temp_remove(&t);
    }
}

static void test_no_spill(void **state)
{
    struct block blocks[N];
    uint64_t size;
    (void)state;
    fill("plain memory", NULL, blocks, &size);
}

/* A place where no file can be, and no memory for the list of what is mapped: plain memory. */
static void test_no_file(void **state)
{
    struct spill s;
    struct block blocks[N];
    uint64_t size;
    (void)state;
    spill_init(&s, 0, "/nonexistent/directory");
    fill("no such directory", &s, blocks, &size);
    CHECK_EQ("no such directory", size, 0);
    spill_fini(&s);
}

static void test_no_memory(void **state)
{
    struct spill s;
    (void)state;
    spill_init(&s, 0, NULL);
    mem_fail_from(1);
    void *p = spill_alloc(&s, 3, 1000);
    mem_fail_from(0);
    CHECK("no memory", !p);
    CHECK("no such size", !spill_alloc(&s, SIZE_MAX, 2));
    spill_fini(&s);
}

UNIT(spill)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_no_spill),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
