/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "input/map.h"

enum { PAGES = 10 };

static size_t page_len(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* A file of pages that are full of their number, from 1. */
static const char *paged_file(struct temp *t, const char *name, size_t len)
{
    struct bytes b = {0};
    for (size_t i = 0; b.len < len; i++)
        put_fill(&b, (uint8_t)(i + 1), page_len());
    const char *path = temp_file(t, name, b.p, len);
    bytes_free(&b);
    return path;
}

static struct input *open_all(const char *path, struct input_window *w)
{
    const struct input_plan plan = {.window = SIZE_MAX};
    struct input *in;
    assert_true(input_open(&in, path, NULL));
    assert_false(input_is_stream(in));
    assert_true(input_begin(in, &plan, NULL));
    assert_int_equal(input_next(in, w, NULL), INPUT_WINDOW);
    return in;
}

/* What is gone reads as zeros, and the first byte of it is told. */
static void test_truncated(void **state)
{
    enum { END = 4 }; /* reads */
    static const struct {
        const char *name;
        size_t size, left; /* in halves of a page */
        struct {
            size_t page, from, to; /* bytes in halves of a page from its beginning */
            uint8_t want;
        } reads[END];
        size_t gone; /* half page that is told; SIZE_MAX: none */
    } rows[] = {
        {"not at all", 20, 20, {{0, 0, 2, 1}, {9, 0, 2, 10}}, SIZE_MAX},
        {"to nothing", 20, 0, {{0, 0, 2, 0}, {9, 0, 2, 0}}, 0},
        {"to nothing, read in the middle", 20, 0, {{5, 0, 2, 0}, {9, 0, 2, 0}}, 10},
        {"to whole pages", 20, 10, {{4, 0, 2, 5}, {5, 0, 2, 0}, {9, 0, 2, 0}}, 10},
        {"what is there alone is read", 20, 10, {{4, 0, 2, 5}, {0, 0, 2, 1}}, 10},
        {"within a page", 20, 11, {{5, 0, 1, 6}, {6, 0, 2, 0}, {9, 0, 2, 0}}, 12},
        {"the last page", 20, 18, {{8, 0, 2, 9}, {9, 0, 2, 0}}, 18},
        {"less of the last page", 20, 19, {{8, 0, 2, 9}, {9, 1, 2, 0}}, 19},
        {"half a page at the end", 19, 10, {{9, 0, 1, 0}}, 18},
        {"a small file, which was read before", 2, 0, {{0, 0, 2, 1}}, 0},
        {"again and again", 20, 10, {{7, 0, 2, 0}, {8, 0, 2, 0}, {7, 0, 2, 0}, {9, 0, 2, 0}}, 14},
    };
    const size_t page = page_len();
    struct temp t;
    (void)state;
    temp_make(&t);
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *row = rows[i].name;
        struct input_window w;
        struct clv_error err = {0};
        const size_t size = rows[i].size * page / 2;
        char path[512], want[80];
        (void)snprintf(path, sizeof path, "%s", paged_file(&t, "a", size));
        struct input *in = open_all(path, &w);
        CHECK_EQ(row, w.len, size);
        CHECK(row, input_check(in, &err));
        assert_int_equal(truncate(path, (off_t)(rows[i].left * page / 2)), 0);
        input_populate(&w, 0, w.len); /* only who reads what is gone finds out */
        for (size_t k = 0; k < END && rows[i].reads[k].to; k++) {
            const uint8_t *p = w.p + rows[i].reads[k].page * page;
            for (size_t at = rows[i].reads[k].from * page / 2; at < rows[i].reads[k].to * page / 2;
                 at += 37)
                CHECK_EQ(row, p[at], rows[i].reads[k].want);
        }
        CHECK_EQ(row, input_check(in, &err), rows[i].gone == SIZE_MAX);
        if (rows[i].gone != SIZE_MAX) {
            (void)snprintf(want, sizeof want, "it had %zu bytes", size);
            CHECK_EQ(row, err.code, CLV_ERR_IO);
            CHECK_EQ(row, err.offset, rows[i].gone * page / 2);
            CHECK_STR(row, err.subject, path);
            CHECK_HAS(row, err.what, "shrank while it was read");
            CHECK_HAS(row, err.what, want);
            CHECK(row, err.hint[0]);
            CHECK(row, !input_check(in, NULL)); /* it stays so */
        } else {
            CHECK_EQ(row, err.code, CLV_ERR_NONE);
        }
        /* Releasing what lies there now does no harm. */
        input_release(&w, 0, w.len);
        input_close(&in);
    }
    temp_remove(&t);
}

/* Of two inputs only the one that shrank says so; what is opened next is clean. */
static void test_two(void **state)
{
    const size_t page = page_len();
    struct temp t;
    struct input_window w[2];
    struct input *in[2];
    struct clv_error err = {0};
    (void)state;
    temp_make(&t);
    in[0] = open_all(paged_file(&t, "a", PAGES * page), &w[0]);
    in[1] = open_all(paged_file(&t, "b", PAGES * page), &w[1]);
    assert_int_equal(truncate(temp_path(&t, "b"), 0), 0);
    CHECK_EQ("b", w[1].p[3 * page], 0);
    CHECK_EQ("a", w[0].p[3 * page], 4);
    CHECK("a", input_check(in[0], &err));
    CHECK("b", !input_check(in[1], &err));
    CHECK_EQ("b", err.offset, 3 * page);
    input_close(&in[1]);
    CHECK("a is as it was", input_check(in[0], &err));
    in[1] = open_all(paged_file(&t, "c", PAGES * page), &w[1]);
    CHECK("c", input_check(in[1], &err));
    assert_int_equal(truncate(temp_path(&t, "a"), (off_t)page), 0);
    CHECK_EQ("a", w[0].p[page], 0);
    CHECK("a shrank too", !input_check(in[0], &err));
    CHECK_EQ("a shrank too", err.offset, page);
    CHECK("c", input_check(in[1], &err));
    input_close(&in[0]);
    input_close(&in[1]);
    temp_remove(&t);
}

struct reader_of {
    const uint8_t *p;
    size_t len;
    unsigned sum;
};

/* Not told to the thread sanitizer, which takes the pages that a handler maps for written ones. */
__attribute__((no_sanitize("thread"))) static void *read_pages(void *arg)
{
    struct reader_of *r = arg;
    for (size_t at = 0; at < r->len; at += 64)
        r->sum += r->p[at];
    return NULL;
}

/* Several threads meet the end at once. */
static void test_threads(void **state)
{
    enum { THREADS = 4, ROUNDS = 20 };
    const size_t page = page_len();
    struct temp t;
    (void)state;
    temp_make(&t);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct input_window w;
        struct clv_error err = {0};
        pthread_t threads[THREADS];
        struct reader_of readers[THREADS];
        struct input *in = open_all(paged_file(&t, "a", PAGES * page), &w);
        assert_int_equal(truncate(temp_path(&t, "a"), 0), 0);
        for (unsigned i = 0; i < THREADS; i++) {
            readers[i] = (struct reader_of){.p = w.p, .len = w.len};
            assert_int_equal(pthread_create(&threads[i], NULL, read_pages, &readers[i]), 0);
        }
        for (unsigned i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            CHECK_EQ("zeros", readers[i].sum, 0);
        }
        CHECK("it is told", !input_check(in, &err));
        CHECK_EQ("it is told", err.offset, 0);
        input_close(&in);
    }
    temp_remove(&t);
}

/* Thousands are watched at a time, and their places are taken again. */
static void test_many(void **state)
{
    enum { MAPS = 2500 };
    static const size_t read[] = {0, 1023, 1024, MAPS - 1};
    const size_t size = PAGES * page_len();
    struct temp t;
    struct clv_error err = {0};
    (void)state;
    temp_make(&t);
    struct map *maps = calloc(MAPS, sizeof *maps);
    assert_non_null(maps);
    for (unsigned round = 0; round < 2; round++) {
        const char *const path = paged_file(&t, "a", size);
        const int fd = open(path, O_RDONLY);
        assert_true(fd >= 0);
        for (size_t i = 0; i < MAPS; i++)
            assert_true(map_open(&maps[i], path, fd, 0, size));
        assert_int_equal(truncate(path, 0), 0);
        for (size_t i = 0; i < N_ROWS(read); i++)
            CHECK_EQ("zeros", *(const volatile uint8_t *)(maps[read[i]].p + page_len()), 0);
        for (size_t i = 0, n = 0; i < MAPS; i++) {
            const bool was_read = n < N_ROWS(read) && read[n] == i;
            n += was_read;
            CHECK_EQ("it is told of those", map_check(&maps[i], &err), !was_read);
        }
        for (size_t i = 0; i < MAPS; i++)
            map_close(&maps[i]);
        assert_int_equal(close(fd), 0);
    }
    free(maps);
    temp_remove(&t);
}

static sigjmp_buf escape;
static volatile sig_atomic_t n_plain, n_info;

static void plain_handler(int sig)
{
    (void)sig;
    n_plain++;
    siglongjmp(escape, 1);
}

static void info_handler(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    (void)context;
    n_info++;
    siglongjmp(escape, 1);
}

static const struct action_row {
    const char *name;
    struct sigaction action;
} action_rows[] = {
    {"the default", {.sa_handler = SIG_DFL}},
    {"ignored", {.sa_handler = SIG_IGN}},
    {"a handler", {.sa_handler = plain_handler, .sa_flags = SA_NODEFER}},
    {"a handler that is told more",
     {.sa_sigaction = info_handler, .sa_flags = SA_SIGINFO | SA_NODEFER}},
};

static void check_action(const char *row, const struct sigaction *want)
{
    struct sigaction now;
    assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
    CHECK_EQ(row, now.sa_flags & SA_SIGINFO, want->sa_flags & SA_SIGINFO);
    CHECK_EQ(row, now.sa_flags & SA_NODEFER, want->sa_flags & SA_NODEFER);
    if (want->sa_flags & SA_SIGINFO)
        CHECK(row, now.sa_sigaction == want->sa_sigaction);
    else
        CHECK(row, now.sa_handler == want->sa_handler);
}

/* While a file is mapped the handler is the library's; when none is, what it was before. */
static void test_action(void **state)
{
    enum { MANY = 70 }; /* more than are watched */
    struct sigaction before;
    struct temp t;
    (void)state;
    temp_make(&t);
    (void)paged_file(&t, "a", PAGES * page_len());
    (void)temp_file(&t, "empty", NULL, 0);
    assert_int_equal(sigaction(SIGBUS, NULL, &before), 0);
    for (size_t i = 0; i < N_ROWS(action_rows); i++) {
        const char *row = action_rows[i].name;
        struct sigaction now;
        struct input *in[MANY];
        struct input_window w[MANY];
        assert_int_equal(sigaction(SIGBUS, &action_rows[i].action, NULL), 0);
        in[0] = open_all(temp_path(&t, "empty"), &w[0]);
        check_action(row, &action_rows[i].action); /* there is nothing to watch */
        input_close(&in[0]);
        for (unsigned k = 0; k < MANY; k++) {
            in[k] = open_all(temp_path(&t, "a"), &w[k]);
            assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
            CHECK(row, now.sa_flags & SA_SIGINFO && now.sa_sigaction != info_handler);
        }
        for (unsigned k = 0; k < MANY; k++) {
            CHECK_EQ(row, w[k].p[99], 1);
            CHECK(row, input_check(in[k], NULL));
        }
        for (unsigned k = 0; k + 1 < MANY; k++) /* not in the order in which they were opened */
            input_close(&in[(k + 30) % MANY]);
        assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
        input_close(&in[29]);
        check_action(row, &action_rows[i].action);
    }
    assert_int_equal(sigaction(SIGBUS, &before, NULL), 0);
    temp_remove(&t);
}

/* Reads a byte that is gone of a map that is none of the library's. */
static void touch_foreign(struct temp *t)
{
    const int fd = open(paged_file(t, "foreign", page_len()), O_RDWR);
    assert_true(fd >= 0);
    const volatile uint8_t *p = mmap(NULL, page_len(), PROT_READ, MAP_SHARED, fd, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(ftruncate(fd, 0), 0);
    if (sigsetjmp(escape, 1) == 0)
        (void)p[0];
    assert_int_equal(munmap((void *)(uintptr_t)p, page_len()), 0);
    assert_int_equal(close(fd), 0);
}

/* What is not the library's goes to whom it went before; where that was nobody, the process ends.
 */
static void test_foreign(void **state)
{
    struct sigaction before;
    struct temp t;
    (void)state;
    temp_make(&t);
    assert_int_equal(sigaction(SIGBUS, NULL, &before), 0);
    for (size_t i = 0; i < N_ROWS(action_rows); i++) {
        const char *row = action_rows[i].name;
        const struct sigaction *action = &action_rows[i].action;
        struct input_window w;
        const bool handled = action->sa_flags & SA_SIGINFO || action->sa_handler == plain_handler;
        assert_int_equal(sigaction(SIGBUS, action, NULL), 0);
        struct input *in = open_all(paged_file(&t, "a", PAGES * page_len()), &w);
        n_plain = n_info = 0;
        if (handled) {
            touch_foreign(&t);
            touch_foreign(&t);
            CHECK_EQ(row, n_plain, action->sa_flags & SA_SIGINFO ? 0 : 2);
            CHECK_EQ(row, n_info, action->sa_flags & SA_SIGINFO ? 2 : 0);
            CHECK(row, input_check(in, NULL));
        } else {
            int status;
            const pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                touch_foreign(&t);
                _exit(0);
            }
            assert_int_equal(waitpid(child, &status, 0), child);
            CHECK(row, WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
        }
        /* And what is the library's goes nowhere else. */
        const sig_atomic_t plain = n_plain, info = n_info;
        assert_int_equal(truncate(temp_path(&t, "a"), 0), 0);
        CHECK_EQ(row, w.p[0], 0);
        CHECK(row, !input_check(in, NULL));
        CHECK(row, n_plain == plain && n_info == info);
        input_close(&in);
    }
    assert_int_equal(sigaction(SIGBUS, &before, NULL), 0);
    temp_remove(&t);
}

/* A part of a file begins anywhere, and is told as such when the file shrinks. */
static void test_part(void **state)
{
    static const struct {
        const char *name;
        size_t at, size, left; /* in halves of a page */
        size_t odd;            /* bytes that are added to both */
        size_t gone;           /* bytes of the part that are there; SIZE_MAX: all */
    } rows[] = {
        {"the beginning", 0, 18, 20, 0, SIZE_MAX},
        {"the end", 2, 18, 20, 0, SIZE_MAX},
        {"from within a page", 3, 16, 20, 5, SIZE_MAX},
        {"small", 3, 1, 20, 5, SIZE_MAX},
        {"what follows is cut off", 1, 17, 19, 0, SIZE_MAX},
        {"all of it is cut off", 3, 16, 2, 5, 0},
        {"its end is cut off", 3, 17, 10, 0, 7},
    };
    const size_t page = page_len();
    struct temp t;
    (void)state;
    temp_make(&t);
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *row = rows[i].name;
        const size_t at = rows[i].at * page / 2 + rows[i].odd,
                     size = rows[i].size * page / 2 + rows[i].odd;
        const char *path = paged_file(&t, "a", PAGES * page);
        struct map m;
        struct clv_error err = {0};
        struct input_window w;
        const struct input_plan plan = {.window = SIZE_MAX};
        const int fd = open(path, O_RDONLY);
        assert_true(fd >= 0);
        CHECK(row, map_open(&m, path, fd, at, size));
        assert_int_equal(close(fd), 0);
        map_next(&m, &plan, &w);
        CHECK_EQ(row, w.len, size);
        CHECK_EQ(row, w.p[0], at / page + 1);
        CHECK_EQ(row, w.p[size - 1], (at + size - 1) / page + 1);
        /* What is given up are whole pages, and bytes of the file. */
        uint64_t first = 0;
        const uint64_t len = map_release(&m, &w, 0, size, &first);
        CHECK(row, len % page == 0 && first % page == 0 && (len == 0 || first >= at));
        CHECK(row, len == 0 || (first - at < page && at + size - (first + len) < page));
        assert_int_equal(truncate(path, (off_t)(rows[i].left * page / 2)), 0);
        (void)w.p[size - 1];
        unsigned sum = 0;
        for (size_t k = 0; k < size; k += 37)
            sum += w.p[k];
        CHECK(row, sum < UINT32_MAX);
        CHECK_EQ(row, map_check(&m, &err), rows[i].gone == SIZE_MAX);
        if (rows[i].gone != SIZE_MAX) {
            CHECK_EQ(row, err.offset, rows[i].gone * page / 2);
            CHECK_HAS(row, err.what, "the archive shrank");
        }
        map_close(&m);
    }
    temp_remove(&t);
}

UNIT(map)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncated), cmocka_unit_test(test_two),
        cmocka_unit_test(test_threads),   cmocka_unit_test(test_many),
        cmocka_unit_test(test_action),    cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
