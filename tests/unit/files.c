/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"

#include <errno.h>

#include "base/io.h"
#include "base/mem.h"
#include "output/files.h"

enum { N = 40 };

/* Outputs of which only sizes are written, and what must have become of them. */
struct fixture {
    struct temp temp;
    struct files files;
    struct file of[N];
    unsigned fds;
    int dir_fd;
};

static void begin(struct fixture *x, uint32_t max_open)
{
    memset(x, 0, sizeof *x);
    temp_make(&x->temp);
    x->fds = open_descriptors();
    x->dir_fd = open(x->temp.dir, O_RDONLY | O_DIRECTORY);
    assert_true(x->dir_fd >= 0);
    files_init(&x->files, x->dir_fd, IO_MODE, false, max_open);
}

static void end(struct fixture *x)
{
    files_fini(&x->files);
    files_fini(&x->files); /* has nothing left */
    assert_int_equal(close(x->dir_fd), 0);
    assert_int_equal(open_descriptors(), x->fds);
    temp_remove(&x->temp);
}

/* A byte for the output. */
static bool put(struct fixture *x, uint32_t i, bool last, struct clv_error *err)
{
    struct sink *s = &x->files.sink;
    struct stage_place place;
    char name[16];
    (void)snprintf(name, sizeof name, "%u", i);
    if (!s->ops->begin(s, &x->of[i], name, &place, err))
        return false;
    CHECK_EQ(name, place.base, 0);
    CHECK_EQ(name, place.size, x->of[i].size);
    CHECK_EQ(name, pwrite(place.fd, "x", 1, (off_t)place.size), 1);
    place.size++;
    return s->ops->end(s, &x->of[i], &place, last, err);
}

static bool is_open(const struct fixture *x, uint32_t i)
{
    return x->of[i].slot != 0;
}

/* As a list that is searched would have it, for many turns and bounds. */
static void test_least_recent(void **state)
{
    static const uint32_t bounds[] = {1, 2, 3, 7, N - 1, N, 1000};
    (void)state;
    for (size_t b = 0; b < N_ROWS(bounds); b++) {
        static struct fixture x;
        uint32_t order[N], n = 0; /* open ones, the oldest first */
        uint64_t seed = b + 1, other = b + 100, opens = 0, reopens = 0, size[N] = {0};
        char row[32];
        (void)snprintf(row, sizeof row, "%u may be open", bounds[b]);
        begin(&x, bounds[b]);
        for (unsigned turn = 0; turn < 2000; turn++) {
            const uint32_t i = (uint32_t)(noise(&seed) >> 40) % N;
            const bool last = (noise(&other) >> 60) == 0;
            uint32_t at = 0;
            while (at < n && order[at] != i)
                at++;
            if (at == n) {
                opens++;
                reopens += size[i] != 0;
                at = 0;
                if (n == bounds[b]) /* the oldest makes room */
                    memmove(order, order + 1, --n * sizeof *order);
            } else {
                memmove(order + at, order + at + 1, (--n - at) * sizeof *order);
            }
            CHECK(row, put(&x, i, last, NULL));
            size[i]++;
            if (!last)
                order[n++] = i;
            CHECK_EQ(row, x.files.n_open, n);
            for (uint32_t k = 0; k < n; k++)
                CHECK(row, is_open(&x, order[k]));
            CHECK_EQ(row, open_descriptors(), x.fds + 1 + n);
        }
        CHECK_EQ(row, x.files.opens, opens);
        CHECK_EQ(row, x.files.reopens, reopens);
        CHECK(row, x.files.n_slots <= (size_t)bounds[b] + 1);
        CHECK(row, x.files.sink.ops->close(&x.files.sink, NULL));
        CHECK_EQ(row, x.files.n_open, 0);
        CHECK_EQ(row, open_descriptors(), x.fds + 1);
        for (uint32_t i = 0; i < N; i++) {
            struct bytes got = {0};
            char name[16];
            (void)snprintf(name, sizeof name, "%u", i);
            temp_read(&x.temp, name, &got);
            CHECK_EQ(row, got.len, size[i]);
            CHECK_EQ(row, x.of[i].size, size[i]);
            CHECK(row, !is_open(&x, i));
            bytes_free(&got);
        }
        end(&x);
    }
}

/* A slot is memory; without it the file is not left open. */
static void test_no_memory(void **state)
{
    static struct fixture x;
    struct clv_error err = {0};
    (void)state;
    begin(&x, 10);
    mem_fail_from(1);
    CHECK("no memory", !put(&x, 0, false, &err));
    mem_fail_from(0);
    CHECK_EQ("no memory", err.code, CLV_ERR_NOMEM);
    CHECK_EQ("closed", open_descriptors(), x.fds + 1);
    end(&x);
}

/* After what failed the others are as they were. */
static void test_failed(void **state)
{
    static struct fixture x;
    struct clv_error err = {0};
    (void)state;
    begin(&x, 10);
    (void)temp_file(&x.temp, "1", "kept", 4);
    CHECK("one", put(&x, 0, false, &err));
    CHECK("another's", !put(&x, 1, false, &err));
    CHECK_EQ("another's", err.sys, EEXIST);
    CHECK("not open", !is_open(&x, 1));
    CHECK("one", put(&x, 0, false, &err));
    CHECK("two", put(&x, 2, false, &err));
    CHECK_EQ("open", x.files.n_open, 2);
    end(&x);
}

UNIT(files)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_least_recent),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
