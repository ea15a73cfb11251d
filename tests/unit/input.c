/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"

#include <errno.h>

#include "base/mem.h"
#include "input/input.h"

enum { FILE_LEN = 10000 };

static void test_windows(void **state)
{
    static const struct {
        const char *name;
        uint64_t offset;
        size_t len, slack;
        size_t want_len, want_avail;
        bool last;
    } rows[] = {
        {"the head", 0, 24, 0, 24, 24, false},
        {"the head with slack", 0, 24, 100, 24, 124, false},
        {"exactly all", 0, FILE_LEN, 0, FILE_LEN, FILE_LEN, true},
        {"exactly all, slack beyond", 0, FILE_LEN, 1, FILE_LEN, FILE_LEN, true},
        {"one byte less", 0, FILE_LEN - 1, 0, FILE_LEN - 1, FILE_LEN - 1, false},
        {"one byte less, slack takes it", 0, FILE_LEN - 1, 5, FILE_LEN - 1, FILE_LEN, false},
        {"longer than the file", 24, 1 << 20, 4096, FILE_LEN - 24, FILE_LEN - 24, true},
        {"longest there is", 24, SIZE_MAX, SIZE_MAX, FILE_LEN - 24, FILE_LEN - 24, true},
        {"slack cut", 24, 9000, SIZE_MAX, 9000, FILE_LEN - 24, false},
        {"nothing", 24, 0, 0, 0, 0, false},
        {"at the end", FILE_LEN, 100, 100, 0, 0, true},
        {"the last byte", FILE_LEN - 1, 100, 100, 1, 1, true},
    };
    struct temp t;
    struct bytes data = {0};
    uint64_t seed = 1;
    struct input *in;
    struct clv_error err = {0};
    (void)state;
    temp_make(&t);
    put_noise(&data, &seed, FILE_LEN);
    const unsigned fds = open_descriptors();
    char path[512];
    (void)snprintf(path, sizeof path, "%s", temp_file(&t, "a", data.p, data.len));
    assert_true(input_open(&in, path, &err));
    path[0] = '\0'; /* the path is the input's own */
    CHECK_STR("path", input_path(in), temp_path(&t, "a"));
    CHECK_EQ("size", input_size(in), FILE_LEN);
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct input_window w;
        CHECK(rows[i].name, input_window(in, rows[i].offset, rows[i].len, rows[i].slack, &w, &err));
        CHECK_EQ(rows[i].name, w.len, rows[i].want_len);
        CHECK_EQ(rows[i].name, w.avail, rows[i].want_avail);
        CHECK_EQ(rows[i].name, w.offset, rows[i].offset);
        CHECK_EQ(rows[i].name, w.last, rows[i].last);
        CHECK_MEM(rows[i].name, w.p, data.p + rows[i].offset, w.avail);
        /* Hints change nothing that can be read. */
        input_release(&w, 0, w.len);
        CHECK_MEM(rows[i].name, w.p, data.p + rows[i].offset, w.avail);
        if (i >= N_ROWS(rows) / 2)
            input_drop_cache(in);
    }
    struct input_window w;
    CHECK_EQ("success leaves the error alone", err.code, CLV_ERR_NONE);
    CHECK("beyond the end", !input_window(in, FILE_LEN + 1, 1, 0, &w, &err));
    CHECK_EQ("beyond the end", err.code, CLV_ERR_INTERNAL);
    input_close(&in);
    CHECK("closed", !in);
    input_close(&in);
    CHECK_EQ("descriptors", open_descriptors(), fds);
    bytes_free(&data);
    temp_remove(&t);
}

static void test_empty(void **state)
{
    struct temp t;
    struct input *in;
    struct input_window w;
    (void)state;
    temp_make(&t);
    assert_true(input_open(&in, temp_file(&t, "empty", NULL, 0), NULL));
    CHECK_EQ("empty", input_size(in), 0);
    CHECK("empty", input_window(in, 0, 24, 10, &w, NULL));
    CHECK_EQ("empty", w.len, 0);
    CHECK_EQ("empty", w.avail, 0);
    CHECK("empty", w.last);
    CHECK("empty", !input_window(in, 1, 24, 10, &w, NULL));
    input_close(&in);
    temp_remove(&t);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *name;
        const char *path; /* absolute, or in the test's directory */
        enum clv_errc code;
        int sys;
        const char *what;
    } rows[] = {
        {"directory", "dir", CLV_ERR_FORMAT, 0, "a directory"},
        {"FIFO without a writer", "fifo", CLV_ERR_FORMAT, 0, "a FIFO"},
        {"device", "/dev/null", CLV_ERR_FORMAT, 0, "a device"},
        {"missing", "missing", CLV_ERR_IO, ENOENT, "cannot be opened"},
        {"below a file", "file/x", CLV_ERR_IO, ENOTDIR, "cannot be opened"},
        {"dangling link", "link", CLV_ERR_IO, ENOENT, "cannot be opened"},
        {"no path", "", CLV_ERR_IO, ENOENT, "cannot be opened"},
    };
    struct temp t;
    (void)state;
    temp_make(&t);
    assert_int_equal(mkdir(temp_path(&t, "dir"), 0700), 0);
    assert_int_equal(mkfifo(temp_path(&t, "fifo"), 0600), 0);
    assert_int_equal(symlink("nowhere", temp_path(&t, "link")), 0);
    (void)temp_file(&t, "file", "x", 1);
    const unsigned fds = open_descriptors();
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct clv_error err = {0};
        int dummy;
        struct input *in = (struct input *)(void *)&dummy;
        const bool as_is = rows[i].path[0] == '/' || rows[i].path[0] == '\0';
        const char *path = as_is ? rows[i].path : temp_path(&t, rows[i].path);
        CHECK(rows[i].name, !input_open(&in, path, &err));
        CHECK(rows[i].name, !in);
        CHECK_EQ(rows[i].name, err.code, rows[i].code);
        CHECK_EQ(rows[i].name, err.sys, rows[i].sys);
        CHECK_HAS(rows[i].name, err.what, rows[i].what);
        CHECK_STR(rows[i].name, err.subject, path);
        CHECK_EQ(rows[i].name, open_descriptors(), fds);
    }
    temp_remove(&t);
}

static void test_no_memory(void **state)
{
    struct temp t;
    (void)state;
    temp_make(&t);
    (void)temp_file(&t, "a", "abcd", 4);
    const unsigned fds = open_descriptors();
    for (uint64_t nth = 1;; nth++) {
        struct clv_error err = {0};
        struct input *in;
        mem_fail_from(nth);
        const bool ok = input_open(&in, t.path, &err);
        mem_fail_from(0);
        if (ok) {
            CHECK("something was allocated", nth > 1);
            input_close(&in);
            break;
        }
        CHECK_EQ("no memory", err.code, CLV_ERR_NOMEM);
        CHECK("no memory", !in);
        CHECK_EQ("no memory", open_descriptors(), fds);
    }
    temp_remove(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
