/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/mem.h"
#include "input/input.h"

enum { FILE_LEN = 10000 };

static void test_windows(void **state)
{
    static const struct {
        const char *name;
        uint64_t offset;
        size_t window, slack;
        size_t want_len, want_avail; /* of the first */
        unsigned n;
    } rows[] = {
        {"small windows", 0, 24, 0, 24, 24, 417},
        {"small windows with slack", 0, 24, 100, 24, 124, 417},
        {"exactly all", 0, FILE_LEN, 0, FILE_LEN, FILE_LEN, 1},
        {"exactly all, slack beyond", 0, FILE_LEN, 1, FILE_LEN, FILE_LEN, 1},
        {"halves", 0, FILE_LEN / 2, 0, FILE_LEN / 2, FILE_LEN / 2, 2},
        {"one byte less", 0, FILE_LEN - 1, 0, FILE_LEN - 1, FILE_LEN - 1, 2},
        {"one byte less, slack takes it", 0, FILE_LEN - 1, 5, FILE_LEN - 1, FILE_LEN, 2},
        {"longer than the file", 24, 1 << 20, 4096, FILE_LEN - 24, FILE_LEN - 24, 1},
        {"longest there is", 24, SIZE_MAX, SIZE_MAX, FILE_LEN - 24, FILE_LEN - 24, 1},
        {"slack cut", 24, 9000, SIZE_MAX, 9000, FILE_LEN - 24, 2},
        {"at the end", FILE_LEN, 100, 100, 0, 0, 1},
        {"the last byte", FILE_LEN - 1, 100, 100, 1, 1, 1},
        {"beyond the end", FILE_LEN + 1, 100, 100, 0, 0, 1},
    };
    struct temp t;
    struct bytes data = {0};
    uint64_t seed = 1;
    (void)state;
    temp_make(&t);
    put_noise(&data, &seed, FILE_LEN);
    const unsigned fds = open_descriptors();
    for (size_t i = 0; i < 2 * N_ROWS(rows); i++) {
        const char *row = rows[i / 2].name;
        struct input *in;
        struct input_window w;
        struct clv_error err = {0};
        char path[512];
        (void)snprintf(path, sizeof path, "%s", temp_file(&t, "a", data.p, data.len));
        CHECK(row, input_open(&in, path, &err));
        path[0] = '\0'; /* the path is the input's own */
        CHECK_STR(row, input_path(in), temp_path(&t, "a"));
        CHECK_EQ(row, input_size(in), FILE_LEN);
        CHECK(row, !input_is_stream(in));
        CHECK_STR(row, input_compression(in), NULL);
        if (i % 2)
            input_drop_cache(in);
        const struct input_plan plan = {
            .offset = rows[i / 2].offset, .window = rows[i / 2].window, .slack = rows[i / 2].slack};
        CHECK(row, input_begin(in, &plan, &err));
        uint64_t at = min_u64(rows[i / 2].offset, FILE_LEN);
        for (unsigned k = 1; k <= rows[i / 2].n; k++) {
            CHECK_EQ(row, input_next(in, &w, &err), INPUT_WINDOW);
            CHECK_EQ(row, w.offset, at);
            CHECK_EQ(row, w.last, k == rows[i / 2].n);
            CHECK(row, w.len <= w.avail && w.in == in);
            if (k == 1) {
                CHECK_EQ(row, w.len, rows[i / 2].want_len);
                CHECK_EQ(row, w.avail, rows[i / 2].want_avail);
            }
            CHECK_MEM(row, w.p, data.p + at, w.avail);
            /* Hints change nothing that can be read. */
            input_release(&w, 0, w.len / 2);
            input_release(&w, w.len / 2, w.len);
            CHECK_MEM(row, w.p, data.p + at, w.avail);
            at += w.len;
            CHECK_EQ(row, input_consumed(in), at);
        }
        CHECK_EQ(row, at, FILE_LEN);
        CHECK(row, input_check(in, &err));
        CHECK_EQ(row, input_damage(in)->code, CLV_ERR_NONE);
        CHECK_EQ(row, err.code, CLV_ERR_NONE);
        input_close(&in);
        CHECK(row, !in);
        input_close(&in);
        CHECK_EQ(row, open_descriptors(), fds);
    }
    bytes_free(&data);
    temp_remove(&t);
}

static void test_head(void **state)
{
    static const struct {
        const char *name;
        size_t max, want;
    } rows[] = {
        {"nothing", 0, 0},
        {"a byte", 1, 1},
        {"some", 32, 32},
        {"all", FILE_LEN, FILE_LEN},
        {"more than there is", FILE_LEN + 1, FILE_LEN},
        {"less again", 24, 24},
    };
    struct temp t;
    struct bytes data = {0};
    uint64_t seed = 2;
    struct input *in;
    struct clv_error err = {0};
    (void)state;
    temp_make(&t);
    put_noise(&data, &seed, FILE_LEN);
    assert_true(input_open(&in, temp_file(&t, "a", data.p, data.len), &err));
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct clv_span head;
        CHECK(rows[i].name, input_head(in, rows[i].max, &head, &err));
        CHECK_EQ(rows[i].name, head.len, rows[i].want);
        CHECK_MEM(rows[i].name, head.p, data.p, head.len);
    }
    input_close(&in);
    bytes_free(&data);
    temp_remove(&t);
}

static void test_empty(void **state)
{
    const struct input_plan plan = {.window = 24, .slack = 10};
    struct temp t;
    struct input *in;
    struct input_window w;
    struct clv_span head;
    (void)state;
    temp_make(&t);
    assert_true(input_open(&in, temp_file(&t, "empty", NULL, 0), NULL));
    CHECK_EQ("empty", input_size(in), 0);
    CHECK("empty", input_head(in, 24, &head, NULL));
    CHECK_EQ("empty", head.len, 0);
    CHECK("empty", input_begin(in, &plan, NULL));
    CHECK_EQ("empty", input_next(in, &w, NULL), INPUT_WINDOW);
    CHECK_EQ("empty", w.len, 0);
    CHECK_EQ("empty", w.avail, 0);
    CHECK("empty", w.last);
    input_release(&w, 0, 0);
    CHECK("empty", input_check(in, NULL));
    input_close(&in);
    temp_remove(&t);
}

static void make_socket(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const int n = snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    assert_true(n > 0 && (size_t)n < sizeof to.sun_path);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(close(fd), 0);
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
        {"socket", "socket", CLV_ERR_FORMAT, 0, "is a socket"},
        {"missing", "missing", CLV_ERR_IO, ENOENT, "cannot be opened"},
        {"below a file", "file/x", CLV_ERR_IO, ENOTDIR, "cannot be opened"},
        {"dangling link", "link", CLV_ERR_IO, ENOENT, "cannot be opened"},
        {"no path", "", CLV_ERR_IO, ENOENT, "cannot be opened"},
    };
    struct temp t;
    (void)state;
    temp_make(&t);
    assert_int_equal(mkdir(temp_path(&t, "dir"), 0700), 0);
    assert_int_equal(symlink("nowhere", temp_path(&t, "link")), 0);
    make_socket(temp_path(&t, "socket"));
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

UNIT(input)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),   cmocka_unit_test(test_head),
        cmocka_unit_test(test_empty),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
