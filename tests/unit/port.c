/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"

#include <errno.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/port.h"

struct collector {
    struct port_sink sink;
    struct bytes got;
    size_t most; /* bytes that are taken; the write that goes beyond fails */
};

static bool collect(struct port_sink *sink, const void *p, size_t len)
{
    struct collector *c = (struct collector *)sink;
    if (c->got.len + len > c->most)
        return false;
    put_bytes(&c->got, p, len);
    return true;
}

static void test_stream(void **state)
{
    static const struct {
        const char *name;
        size_t pieces, len, most, taken;
    } rows[] = {
        {"a byte", 1, 1, SIZE_MAX, 1},
        {"many small", 1000, 17, SIZE_MAX, 17000},
        {"more than a buffer", 3, 100000, SIZE_MAX, 300000},
        {"none is taken", 1, 5, 0, 0},
        {"the second is not", 2, 5, 5, 5},
    };
    static uint8_t data[100000];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct collector c = {.sink = {.put = collect}, .most = rows[i].most};
        FILE *f = port_stream(&c.sink);
        assert_non_null(f);
        size_t written = 0;
        for (size_t k = 0; k < rows[i].pieces; k++) {
            written += fwrite(data, 1, rows[i].len, f);
            CHECK_EQ(rows[i].name, c.got.len, written); /* at once: there is no buffer */
        }
        CHECK_EQ(rows[i].name, written, rows[i].taken);
        for (size_t at = 0; at < written; at += rows[i].len)
            CHECK_MEM(rows[i].name, c.got.p + at, data, rows[i].len);
        (void)fclose(f);
        bytes_free(&c.got);
    }
}

static const char *make_dir(struct temp *t, const char *name)
{
    assert_int_equal(mkdir(temp_path(t, name), 0700), 0);
    return t->path;
}

static bool is_plain(void)
{
    return errno == ENOSYS || errno == EINVAL || errno == EOPNOTSUPP;
}

static void test_rename(void **state)
{
    static const struct {
        const char *name;
        bool to_is_there;
        enum port_rename how;
        int error; /* 0: it is done */
    } rows[] = {
        {"nothing there", false, PORT_NOREPLACE, 0},
        {"something there", true, PORT_NOREPLACE, EEXIST},
        {"to exchange", true, PORT_EXCHANGE, 0},
        {"nothing to exchange with", false, PORT_EXCHANGE, ENOENT},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct temp t;
        char from[sizeof t.path], to[sizeof t.path];
        temp_make(&t);
        (void)snprintf(from, sizeof from, "%s", make_dir(&t, "from"));
        (void)temp_file(&t, "from/new", "1", 1);
        (void)snprintf(to, sizeof to, "%s", temp_path(&t, "to"));
        if (rows[i].to_is_there) {
            (void)make_dir(&t, "to");
            (void)temp_file(&t, "to/old", "2", 1);
        }
        const bool ok = port_rename(AT_FDCWD, from, to, rows[i].how);
        if (ok || !is_plain()) { /* else this system, or its file system, knows no flags */
            CHECK_EQ(rows[i].name, ok, rows[i].error == 0);
            CHECK(rows[i].name, ok || errno == rows[i].error);
        }
        CHECK_EQ(rows[i].name, temp_has(&t, "to/new"), ok);
        CHECK_EQ(rows[i].name, temp_has(&t, "from/new"), !ok);
        CHECK_EQ(rows[i].name, temp_has(&t, "from/old"), ok && rows[i].how == PORT_EXCHANGE);
        temp_remove(&t);
    }
}

static void test_sync(void **state)
{
    struct temp t;
    (void)state;
    temp_make(&t);
    (void)temp_file(&t, "a", "1", 1);
    (void)make_dir(&t, "below");
    (void)temp_file(&t, "below/b", "2", 1);
    (void)make_dir(&t, "below/further");
    (void)temp_file(&t, "below/further/c", "3", 1);
    const unsigned open_before = open_descriptors();
    const int dir_fd = open(t.dir, O_RDONLY | O_DIRECTORY);
    assert_true(dir_fd >= 0);
    CHECK("below", port_sync_below(t.dir, dir_fd));
    CHECK("one", port_sync(dir_fd));
    assert_int_equal(close(dir_fd), 0);
    errno = 0;
    CHECK("closed", !port_sync_below(t.dir, dir_fd) && errno == EBADF);
    errno = 0;
    CHECK("closed", !port_sync(dir_fd) && errno == EBADF);
    CHECK_EQ("all closed", open_descriptors(), open_before);
    temp_remove(&t);
}

static void test_reserve(void **state)
{
    struct temp t;
    struct stat st;
    (void)state;
    temp_make(&t);
    const char *path = temp_file(&t, "a", "1234", 4);
    const int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_true(port_reserve(fd, 4, 300000));
    assert_true(fstat(fd, &st) == 0 && st.st_size == 300004);
    assert_true(port_reserve(fd, 300004, 1));
    assert_true(fstat(fd, &st) == 0 && st.st_size == 300005);
    port_forget(fd, 0, 0);
    port_forget(fd, 4096, 8192);
    struct bytes b = {0};
    temp_read(&t, "a", &b);
    CHECK_MEM("what was there", b.p, "1234", 4);
    for (size_t i = 4; i < b.len; i++)
        assert_int_equal(b.p[i], 0);
    bytes_free(&b);
    assert_int_equal(close(fd), 0);
    const int read_only = open(path, O_RDONLY);
    CHECK("not for writing", !port_reserve(read_only, 300005, 1));
    assert_int_equal(close(read_only), 0);
    temp_remove(&t);
}

static void test_pipe(void **state)
{
    int ends[2];
    char c = 0;
    (void)state;
    assert_true(port_pipe(ends));
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(fcntl(ends[i], F_GETFD), FD_CLOEXEC);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(read(ends[0], &c, 1), 1);
    assert_int_equal(c, 'x');
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(close(ends[i]), 0);
}

static void test_close_others(void **state)
{
    enum { LAST = 40 };
    static const struct {
        const char *name;
        int one, other;
    } rows[] = {
        {"the first two", 0, 1},
        {"two neighbours", 7, 8},
        {"far from each other, the higher one first", LAST, 3},
        {"one alone", 5, 5},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const pid_t child = fork();
        int status, wrong = 0;
        if (child == 0) {
            for (int fd = 0; fd <= LAST; fd++)
                if (fd != STDERR_FILENO)
                    wrong += dup2(STDERR_FILENO, fd) != fd;
            port_close_others(rows[i].one, rows[i].other);
            for (int fd = 0; fd <= LAST; fd++)
                wrong += (fcntl(fd, F_GETFD) >= 0) != (fd == rows[i].one || fd == rows[i].other);
            _exit(wrong);
        }
        CHECK_EQ(rows[i].name, waitpid(child, &status, 0), child);
        CHECK_EQ(rows[i].name, status, 0);
    }
}

static void test_machine(void **state)
{
    (void)state;
    assert_true(port_processors() >= 1 && port_processors() <= 1 << 20);
    assert_true(port_memory() >= 1 << 20);
}

static void test_wait(void **state)
{
    enum { NS = 1000000 };
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    const int64_t before = clock_ns();
    (void)state;
    port_cond_init(&cond);
    (void)pthread_mutex_lock(&lock);
    while (clock_ns() - before < NS)
        port_cond_wait(&cond, &lock, NS);
    (void)pthread_mutex_unlock(&lock);
    (void)pthread_cond_destroy(&cond);
}

UNIT(port)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream),  cmocka_unit_test(test_rename),
        cmocka_unit_test(test_sync),    cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_pipe),    cmocka_unit_test(test_close_others),
        cmocka_unit_test(test_machine), cmocka_unit_test(test_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
