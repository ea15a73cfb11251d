/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"

#include <errno.h>

#include "base/mem.h"
#include "output/stage.h"

/* How writer.c meets it is tested there; here are the edges of a chunk. */
static void test_puts(void **state)
{
    static const struct {
        const char *name;
        size_t puts[6]; /* bytes; 0 ends */
        uint64_t writes;
    } rows[] = {
        {"nothing", {0}, 0},
        {"a byte", {1}, 1},
        {"a byte less than a chunk", {WRITER_CHUNK - 1}, 1},
        {"a chunk", {WRITER_CHUNK}, 1},
        {"a byte more", {WRITER_CHUNK + 1}, 2},
        {"a chunk by bytes", {WRITER_CHUNK - 2, 1, 1}, 1},
        {"over its end", {WRITER_CHUNK - 2, 1, 1, 1}, 2},
        {"long on short", {100, 3 * WRITER_CHUNK}, 4},
        {"long, exactly", {100, 3 * WRITER_CHUNK - 100}, 3},
        {"short on long", {2 * WRITER_CHUNK, 100, 100}, 3},
        {"long on long", {WRITER_CHUNK + 1, WRITER_CHUNK + 1}, 3},
    };
    static const uint64_t sizes[] = {0, 1, 4095, 4096, 4097, WRITER_CHUNK + 10};
    struct temp t;
    struct bytes data = {0};
    uint64_t seed = 1;
    (void)state;
    temp_make(&t);
    put_noise(&data, &seed, 8 * WRITER_CHUNK);
    for (size_t i = 0; i < N_ROWS(rows); i++)
        for (size_t k = 0; k < N_ROWS(sizes); k++) {
            char row[80];
            struct stage s;
            struct clv_error err = {0};
            struct bytes got = {0};
            (void)snprintf(row, sizeof row, "%s, behind %u bytes", rows[i].name,
                           (unsigned)sizes[k]);
            const int fd = open(temp_file(&t, "out", data.p, sizes[k]), O_WRONLY);
            assert_true(fd >= 0 && stage_init(&s));
            stage_begin(&s, fd, sizes[k], "out", &err);
            size_t at = sizes[k];
            for (size_t p = 0; p < 6 && rows[i].puts[p]; p++) {
                CHECK(row, stage_put(&s, data.p + at, rows[i].puts[p]));
                at += rows[i].puts[p];
            }
            CHECK(row, stage_end(&s));
            CHECK_EQ(row, s.size, at);
            if (sizes[k] % WRITER_ALIGN == 0)
                CHECK_EQ(row, s.writes, rows[i].writes);
            CHECK_EQ(row, err.code, CLV_ERR_NONE);
            stage_fini(&s);
            assert_int_equal(close(fd), 0);
            temp_read(&t, "out", &got);
            CHECK_EQ(row, got.len, at);
            CHECK_MEM(row, got.p, data.p, at);
            bytes_free(&got);
        }
    bytes_free(&data);
    temp_remove(&t);
}

static void test_failures(void **state)
{
    struct temp t;
    struct stage s;
    struct clv_error err = {0};
    uint8_t byte = 1;
    (void)state;
    temp_make(&t);
    const int fd = open(temp_file(&t, "out", NULL, 0), O_RDONLY);
    assert_true(fd >= 0);
    mem_fail_from(1);
    CHECK("no memory", !stage_init(&s));
    mem_fail_from(0);
    stage_fini(&s);
    assert_true(stage_init(&s));
    stage_begin(&s, fd, 4096, "out", &err);
    CHECK("it fits", stage_put(&s, &byte, 1));
    CHECK("read-only", !stage_end(&s));
    CHECK_EQ("read-only", err.code, CLV_ERR_IO);
    CHECK_EQ("read-only", err.sys, EBADF);
    CHECK_STR("read-only", err.subject, "out");
    CHECK_HAS("read-only", err.what, "cannot be written at byte 4096");
    CHECK_EQ("nothing was written", s.size, 4096);
    stage_fini(&s);
    assert_int_equal(close(fd), 0);
    temp_remove(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_puts),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
