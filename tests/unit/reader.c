/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_compress.h"
#include "support_temp.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "input/kinds.h"

/*
 * Stands in for the C library's: reads of a few bytes at a time, reads that a signal interrupts,
 * and a read that fails. A zeroed one is as usual.
 */
static struct {
    _Atomic size_t most;     /* bytes at a time */
    _Atomic unsigned breaks; /* every so many reads one is interrupted */
    _Atomic unsigned fail;   /* the so manieth read fails, and all after it */
    _Atomic unsigned n;
} reads;

ssize_t read(int fd, void *p, size_t len)
{
    const unsigned n = atomic_fetch_add(&reads.n, 1) + 1;
    if (reads.breaks && n % reads.breaks == 0) {
        errno = EINTR;
        return -1;
    }
    if (reads.fail && n >= reads.fail) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_read, fd, p, reads.most && len > reads.most ? reads.most : len);
}

static void reads_as_usual(void)
{
    reads.most = 0;
    reads.breaks = reads.fail = reads.n = 0;
}

/* Text that compresses, with noise in between that does not. */
static void put_data(struct bytes *b, size_t n)
{
    uint64_t seed = 8;
    while (b->len < n) {
        put_bytes(b, "a line of text, the same each time\n", 35);
        put_noise(b, &seed, 1 + (noise(&seed) >> 59));
    }
    b->len = n;
}

/* How an input comes in. */
enum way { FIFO = COMPRESSIONS, WAYS };

static const char *way_name(enum way way)
{
    return way == FIFO ? "FIFO" : compressions[way].name;
}

static bool way_there(enum way way)
{
    return way == FIFO || compression_there((enum compression)way);
}

/* A FIFO that another thread writes to, or a compressed file of two members. */
struct source_of {
    struct temp *t;
    char path[512];
    const struct bytes *data;
    bool has_thread;
    pthread_t thread;
};

static void *write_fifo(void *arg)
{
    const struct source_of *s = arg;
    const int fd = open(s->path, O_WRONLY);
    assert_true(fd >= 0);
    for (size_t at = 0; at < s->data->len;) {
        const size_t n = min_u64(s->data->len - at, 1 + at % 5000);
        const ssize_t done = write(fd, s->data->p + at, n);
        assert_true(done > 0);
        at += (size_t)done;
    }
    assert_int_equal(close(fd), 0);
    return NULL;
}

/* A file of two members; where it would be a FIFO, a plain one. */
static void put_file(struct temp *t, enum way way, const struct bytes *data)
{
    const size_t first = data->len / 3;
    struct bytes in = {0};
    if (way == FIFO) {
        put_bytes(&in, data->p, data->len);
    } else {
        put_compressed(&in, (enum compression)way, data->p, first);
        put_compressed(&in, (enum compression)way, data->p + first, data->len - first);
    }
    (void)temp_file(t, "in", in.p, in.len);
    bytes_free(&in);
}

static void begin(struct source_of *s, struct temp *t, enum way way, const struct bytes *data)
{
    *s = (struct source_of){.t = t, .data = data};
    (void)snprintf(s->path, sizeof s->path, "%s", temp_path(t, "in"));
    (void)unlink(s->path);
    if (way == FIFO) {
        assert_int_equal(mkfifo(s->path, 0600), 0);
        assert_int_equal(pthread_create(&s->thread, NULL, write_fifo, s), 0);
        s->has_thread = true;
        return;
    }
    put_file(t, way, data);
}

static void end(struct source_of *s)
{
    if (s->has_thread)
        assert_int_equal(pthread_join(s->thread, NULL), 0);
    assert_int_equal(unlink(s->path), 0);
}

/* Counts what is ready: unnamed semaphores are not everywhere. */
struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rings;
    unsigned n;
};

#define BELL                                                                                       \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0                                     \
    }

static void on_ready(void *user)
{
    struct bell *b = user;
    assert_int_equal(pthread_mutex_lock(&b->lock), 0);
    b->n++;
    assert_int_equal(pthread_cond_signal(&b->rings), 0);
    assert_int_equal(pthread_mutex_unlock(&b->lock), 0);
}

static void wait_for(struct bell *b)
{
    assert_int_equal(pthread_mutex_lock(&b->lock), 0);
    while (b->n == 0)
        assert_int_equal(pthread_cond_wait(&b->rings, &b->lock), 0);
    b->n--;
    assert_int_equal(pthread_mutex_unlock(&b->lock), 0);
}

/* The next window, in either mode. */
static enum input_step next(struct input *in, struct input_window *w, struct bell *ready,
                            struct clv_error *err)
{
    enum input_step step;
    while ((step = input_next(in, w, err)) == INPUT_WAIT)
        wait_for(ready);
    return step;
}

struct plan_row {
    const char *name;
    uint64_t offset;
    size_t window, slack;
    unsigned buffers;
};

/* All windows of a plan, put together again. */
static void check_windows(const char *row, struct input *in, const struct plan_row *p,
                          const struct bytes *data, bool threaded)
{
    struct input_window w = {0};
    struct clv_error err = {0};
    struct bell ready = BELL;
    const struct input_plan plan = {.offset = p->offset,
                                    .window = p->window,
                                    .slack = p->slack,
                                    .buffers = p->buffers,
                                    .ready = threaded ? on_ready : NULL,
                                    .user = &ready};
    CHECK(row, input_begin(in, &plan, &err));
    size_t at = (size_t)p->offset;
    do {
        CHECK_EQ(row, next(in, &w, &ready, &err), INPUT_WINDOW);
        const size_t rest = data->len - at;
        CHECK(row, w.in == in);
        CHECK_EQ(row, w.offset, at);
        CHECK_EQ(row, w.len, min_u64(p->window, rest));
        CHECK_EQ(row, w.avail, min_u64(p->window + p->slack, rest));
        CHECK_MEM(row, w.p, data->p + at, w.avail);
        CHECK(row, !w.last || w.len == rest);
        CHECK(row, w.last || w.len == p->window);
        at += w.len;
        input_release(&w, 0, w.len / 2); /* its end is not released yet */
        input_release(&w, w.len / 2, w.len);
    } while (!w.last);
    CHECK_EQ(row, at, data->len);
    CHECK(row, input_check(in, &err));
    CHECK_EQ(row, input_damage(in)->code, CLV_ERR_NONE);
    CHECK_EQ(row, err.code, CLV_ERR_NONE);
    if (threaded)
        input_close(&in); /* before what the thread calls goes */
}

static void test_windows(void **state)
{
    static const struct plan_row rows[] = {
        {"windows of a byte", 0, 1, 0, 2},
        {"a byte and one of slack", 0, 1, 1, 3},
        {"7 and 3", 0, 7, 3, 2},
        {"3 and 7", 0, 3, 7, 2},
        {"behind a head of 24", 24, 100, 1000, 2},
        {"all in one", 0, 1 << 20, 1 << 10, 2},
        {"exactly all", 0, 5000, 0, 2},
        {"exactly all, and slack", 0, 5000, 10, 2},
        {"all in the slack", 0, 10, 6000, 2},
        {"a byte less than all", 0, 4999, 1, 2},
        {"halves", 0, 2500, 2500, 2},
        {"more buffers than there can be", 0, 64, 32, 100},
    };
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, 5000);
    const unsigned fds = open_descriptors();
    for (enum way way = 0; way < WAYS; way++)
        for (size_t i = 0; i < 2 * N_ROWS(rows) && way_there(way); i++) {
            char row[96];
            struct source_of s;
            struct input *in;
            struct clv_span head;
            struct clv_error err = {0};
            const struct plan_row *p = &rows[i / 2];
            (void)snprintf(row, sizeof row, "%s, %s%s", way_name(way), p->name,
                           i % 2 ? ", threaded" : "");
            begin(&s, &t, way, &data);
            CHECK(row, input_open(&in, s.path, &err));
            CHECK(row, input_is_stream(in));
            CHECK_STR(row, input_path(in), s.path);
            CHECK_STR(row, input_compression(in), way == FIFO ? NULL : way_name(way));
            CHECK_EQ(row, input_size(in) == 0, way == FIFO);
            if (p->offset) { /* heads of several lengths may be asked for */
                CHECK(row, input_head(in, 4, &head, &err));
                CHECK_EQ(row, head.len, 4);
                CHECK(row, input_head(in, 32, &head, &err));
                CHECK_EQ(row, head.len, 32);
                CHECK_MEM(row, head.p, data.p, 32);
            }
            check_windows(row, in, p, &data, i % 2);
            if (i % 2 == 0) {
                CHECK_EQ(row, input_consumed(in), way == FIFO ? data.len : input_size(in));
                input_close(&in);
            }
            CHECK_EQ(row, open_descriptors(), fds);
            end(&s);
        }
    bytes_free(&data);
    temp_remove(&t);
}

/* More than all buffers on the way hold together. */
static void test_large(void **state)
{
    static const struct plan_row rows[] = {
        {"as split does", 24, 1 << 20, 256 * 1024, 3},
        {"small windows, much slack", 0, 70000, 262160, 2},
    };
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, (1 << 20) + 712345);
    for (enum way way = 0; way < WAYS; way++)
        for (size_t i = 0; i < 2 * N_ROWS(rows) && way_there(way); i++) {
            char row[96];
            struct source_of s;
            struct input *in;
            struct clv_span head;
            struct clv_error err = {0};
            (void)snprintf(row, sizeof row, "%s, %s%s", way_name(way), rows[i / 2].name,
                           i % 2 ? ", threaded" : "");
            begin(&s, &t, way, &data);
            CHECK(row, input_open(&in, s.path, &err));
            CHECK(row, input_head(in, 65536, &head, &err));
            CHECK_EQ(row, head.len, 65536);
            CHECK_MEM(row, head.p, data.p, head.len);
            check_windows(row, in, &rows[i / 2], &data, i % 2);
            if (i % 2 == 0)
                input_close(&in);
            end(&s);
        }
    bytes_free(&data);
    temp_remove(&t);
}

/* Sizes of all there is, about those at which something is looked for or full. */
static void test_lengths(void **state)
{
    static const size_t lengths[] = {0,  1,  2,   7,   8,   9,   31,  32,
                                     33, 99, 100, 101, 149, 150, 151, 200};
    static const struct plan_row plan = {"", 0, 100, 50, 2};
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, 200);
    for (enum way way = 0; way < WAYS; way++)
        for (size_t i = 0; i < 2 * N_ROWS(lengths) && way_there(way); i++) {
            char row[96];
            struct source_of s;
            struct input *in;
            struct clv_span head;
            struct clv_error err = {0};
            const struct bytes part = {.p = data.p, .len = lengths[i / 2]};
            (void)snprintf(row, sizeof row, "%s, %zu bytes%s", way_name(way), part.len,
                           i % 2 ? ", threaded" : "");
            begin(&s, &t, way, &part);
            CHECK(row, input_open(&in, s.path, &err));
            CHECK(row, input_head(in, 32, &head, &err));
            CHECK_EQ(row, head.len, min_u64(part.len, 32));
            CHECK_MEM(row, head.p, data.p, head.len);
            check_windows(row, in, &plan, &part, i % 2);
            if (i % 2 == 0)
                input_close(&in);
            end(&s);
        }
    bytes_free(&data);
    temp_remove(&t);
}

/* Whatever a read gives, and however often it is interrupted. */
static void test_short_reads(void **state)
{
    static const struct plan_row plan = {"", 0, 1000, 100, 2};
    static const size_t most[] = {1, 3, 4096};
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, 20000);
    for (enum way way = 0; way < WAYS; way++)
        for (size_t i = 0; i < 2 * N_ROWS(most) && way_there(way); i++) {
            char row[96];
            struct source_of s;
            struct input *in;
            struct clv_error err = {0};
            (void)snprintf(row, sizeof row, "%s, reads of %zu%s", way_name(way), most[i / 2],
                           i % 2 ? ", threaded" : "");
            begin(&s, &t, way, &data);
            reads_as_usual();
            reads.most = most[i / 2];
            reads.breaks = 3;
            CHECK(row, input_open(&in, s.path, &err));
            check_windows(row, in, &plan, &data, i % 2);
            CHECK(row, reads.n > 2);
            reads_as_usual();
            if (i % 2 == 0)
                input_close(&in);
            end(&s);
        }
    bytes_free(&data);
    temp_remove(&t);
}

/* A read that fails, at any of them: an error of its own, and no window behind it. */
static bool read_failing(const char *row, const char *path, const struct bytes *data, bool threaded,
                         struct clv_error *err)
{
    struct input_window w = {0};
    struct bell ready = BELL;
    const struct input_plan plan = {.window = 300,
                                    .slack = 10,
                                    .buffers = 2,
                                    .ready = threaded ? on_ready : NULL,
                                    .user = &ready};
    size_t at = 0;
    struct file file = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
    assert_true(file.fd >= 0);
    struct reader *r = reader_open(path, &file, NULL, err);
    bool ok = r && reader_begin(r, &plan, err);
    while (ok && !w.last) {
        enum input_step step;
        while ((step = reader_next(r, &w, err)) == INPUT_WAIT)
            wait_for(&ready);
        if (step == INPUT_WINDOW) {
            CHECK_EQ(row, w.offset, at);
            CHECK_MEM(row, w.p, data->p + at, w.avail);
            at += w.len;
            reader_release(r, &w);
            continue;
        }
        struct clv_error again = {0};
        CHECK_EQ(row, step, INPUT_FAILED);
        CHECK_EQ(row, reader_next(r, &w, &again), INPUT_FAILED);
        CHECK_EQ(row, again.sys, err->sys);
        ok = false;
    }
    CHECK(row, !ok || at == data->len);
    reader_close(&r);
    CHECK(row, !r);
    file_close(&file);
    return ok;
}

static void test_read_fails(void **state)
{
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, 3000);
    const unsigned fds = open_descriptors();
    for (enum way way = 0; way < WAYS; way++)
        for (unsigned threaded = 0; threaded < 2 && way_there(way); threaded++)
            for (unsigned fail = 1;; fail++) {
                char row[96];
                struct clv_error err = {0};
                (void)snprintf(row, sizeof row, "%s, read %u fails%s",
                               way == FIFO ? "plain" : way_name(way), fail,
                               threaded ? ", threaded" : "");
                put_file(&t, way, &data);
                const char *path = temp_path(&t, "in");
                reads_as_usual();
                reads.most = 200;
                reads.fail = fail;
                const bool ok = read_failing(row, path, &data, threaded, &err);
                reads_as_usual();
                CHECK_EQ(row, open_descriptors(), fds);
                if (ok) {
                    CHECK(row, fail > 2);
                    break;
                }
                CHECK_EQ(row, err.code, CLV_ERR_IO);
                CHECK_EQ(row, err.sys, EIO);
                CHECK_STR(row, err.subject, path);
                CHECK_HAS(row, err.what, "cannot be read");
            }
    bytes_free(&data);
    temp_remove(&t);
}

/* Reads a file to its end. Returns what its windows held. */
static struct bytes read_all(const char *row, const char *path, size_t window, bool threaded,
                             struct clv_error *damage)
{
    struct bytes got = {0};
    struct input *in;
    struct input_window w = {0};
    struct clv_error err = {0};
    struct bell ready = BELL;
    const struct input_plan plan = {.window = window,
                                    .slack = 100,
                                    .buffers = 2,
                                    .ready = threaded ? on_ready : NULL,
                                    .user = &ready};
    CHECK(row, input_open(&in, path, &err));
    CHECK(row, input_is_stream(in));
    CHECK(row, input_begin(in, &plan, &err));
    do {
        CHECK_EQ(row, next(in, &w, &ready, &err), INPUT_WINDOW);
        CHECK_EQ(row, w.offset, got.len);
        put_bytes(&got, w.p, w.len);
        input_release(&w, 0, w.len);
    } while (!w.last);
    *damage = *input_damage(in);
    CHECK_EQ(row, err.code, CLV_ERR_NONE);
    input_close(&in);
    return got;
}

/* Cut at every byte: what comes before is there, and that it was cut is told. */
static void test_cut(void **state)
{
    enum { LEN = 700 };
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, LEN);
    for (enum compression k = 0; k < COMPRESSIONS; k++) {
        struct bytes in = {0};
        if (!compression_there(k))
            continue;
        put_compressed(&in, k, data.p, 300);
        const size_t first = in.len;
        put_compressed(&in, k, data.p + 300, LEN - 300);
        for (size_t len = compressions[k].magic_len; len <= in.len; len++) {
            char row[96], want[64];
            struct clv_error damage;
            const char *path = temp_file(&t, "in", in.p, len);
            (void)snprintf(row, sizeof row, "%s, %zu of %zu bytes", compressions[k].name, len,
                           in.len);
            (void)snprintf(want, sizeof want, "the %s data end too early", compressions[k].name);
            struct bytes got = read_all(row, path, 64 + len % 3 * 1000, len % 2, &damage);
            CHECK(row, got.len <= LEN && (len < first || got.len >= 300));
            CHECK_MEM(row, got.p, data.p, got.len);
            if (len == first || len == in.len) {
                CHECK_EQ(row, damage.code, CLV_ERR_NONE);
                CHECK_EQ(row, got.len, len == in.len ? LEN : 300);
            } else {
                CHECK_EQ(row, damage.code, CLV_ERR_DAMAGE);
                CHECK_STR(row, damage.what, want);
                CHECK_STR(row, damage.subject, path);
            }
            bytes_free(&got);
        }
        bytes_free(&in);
    }
    bytes_free(&data);
    temp_remove(&t);
}

/* The head of what was cut: as much as there is; where that is nothing, why. */
static void test_head_of_cut(void **state)
{
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, 300);
    for (enum compression k = 0; k < COMPRESSIONS; k++) {
        struct bytes in = {0};
        if (!compressions[k].there)
            continue;
        put_compressed(&in, k, data.p, data.len);
        for (size_t len = compressions[k].magic_len; len <= in.len; len++) {
            char row[64];
            struct input *i;
            struct clv_span head;
            struct clv_error err = {0};
            const char *path = temp_file(&t, "in", in.p, len);
            (void)snprintf(row, sizeof row, "%s, %zu of %zu bytes", compressions[k].name, len,
                           in.len);
            CHECK(row, input_open(&i, path, &err));
            if (input_head(i, 32, &head, &err)) {
                CHECK(row, head.len > 0 && head.len <= 32);
                CHECK(row, len < in.len || head.len == 32);
                CHECK_MEM(row, head.p, data.p, head.len);
                CHECK_EQ(row, err.code, CLV_ERR_NONE);
            } else {
                CHECK(row, len < in.len);
                CHECK_EQ(row, err.code, CLV_ERR_DAMAGE);
                CHECK_STR(row, err.subject, path);
                CHECK_HAS(row, err.what, "data end too early");
            }
            input_close(&i);
        }
        bytes_free(&in);
    }
    bytes_free(&data);
    temp_remove(&t);
}

/*
 * Damage at the end of what compresses well: it is told, what was decompressed of the blocks before
 * it is there, and how much that is does not depend on the windows.
 */
static void test_corrupt(void **state)
{
    enum { LEN = 4 << 20, LEAST = 7 << 19 };
    static const size_t windows[] = {70000, 1 << 20, 16 << 20};
    struct temp t;
    struct bytes data = {0};
    uint64_t seed = 77;
    (void)state;
    temp_make(&t);
    for (unsigned i = 1; data.len < LEN; i++) {
        put_bytes(&data, "all work and no play makes them dull\n", 37);
        if (i % 50 == 0)
            put_noise(&data, &seed, 4);
    }
    for (enum compression k = 0; k < COMPRESSIONS; k++) {
        struct bytes in = {0};
        size_t first = 0;
        if (!compression_there(k))
            continue;
        put_compressed(&in, k, data.p, data.len);
        memset(in.p + in.len - in.len / 50, 0xff, in.len / 50);
        for (size_t i = 0; i < 2 * N_ROWS(windows); i++) {
            char row[96];
            struct clv_error damage;
            (void)snprintf(row, sizeof row, "%s, windows of %zu%s", compressions[k].name,
                           windows[i / 2], i % 2 ? ", threaded" : "");
            const char *path = temp_file(&t, "in", in.p, in.len);
            struct bytes got = read_all(row, path, windows[i / 2], i % 2, &damage);
            CHECK_EQ(row, damage.code, CLV_ERR_DAMAGE);
            CHECK_HAS(row, damage.what, compressions[k].name);
            CHECK_HAS(row, damage.what, " data");
            first = i ? first : got.len;
            CHECK_EQ(row, got.len, first);
            CHECK(row, got.len >= LEAST && got.len < LEN);
            CHECK_MEM(row, got.p, data.p, LEAST);
            bytes_free(&got);
        }
        bytes_free(&in);
    }
    bytes_free(&data);
    temp_remove(&t);
}

/* As many windows can be held as there are buffers, and they stay as they are. */
static void test_held(void **state)
{
    enum { WINDOW = 50, MOST = 8 };
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, 5000);
    for (unsigned buffers = 2; buffers <= MOST; buffers++) {
        char row[48];
        struct source_of s;
        struct input *in;
        struct input_window w[MOST + 1];
        struct clv_error err = {0};
        struct bell ready = BELL;
        (void)snprintf(row, sizeof row, "%u buffers", buffers);
        const struct input_plan plan = {
            .window = WINDOW, .slack = 10, .buffers = buffers, .ready = on_ready, .user = &ready};
        begin(&s, &t, FIFO, &data);
        CHECK(row, input_open(&in, s.path, &err));
        CHECK(row, input_begin(in, &plan, &err));
        for (unsigned i = 0; i < buffers; i++)
            CHECK_EQ(row, next(in, &w[i], &ready, &err), INPUT_WINDOW);
        CHECK_EQ(row, input_next(in, &w[buffers], &err), INPUT_WAIT);
        CHECK_EQ(row, input_next(in, &w[buffers], &err), INPUT_WAIT);
        for (unsigned i = 0; i < buffers; i++)
            CHECK_MEM(row, w[i].p, data.p + (size_t)i * WINDOW, w[i].avail);
        input_release(&w[0], 0, WINDOW - 1);
        CHECK_EQ(row, input_next(in, &w[buffers], &err), INPUT_WAIT);
        input_release(&w[0], WINDOW - 1, WINDOW);
        CHECK_EQ(row, next(in, &w[buffers], &ready, &err), INPUT_WINDOW);
        for (unsigned i = 1; i <= buffers; i++)
            CHECK_MEM(row, w[i].p, data.p + (size_t)i * WINDOW, w[i].avail);
        /* Its thread waits for room now. What the FIFO's writer has left must go somewhere. */
        const int fd = open(s.path, O_RDONLY | O_NONBLOCK);
        assert_true(fd >= 0);
        input_close(&in);
        uint8_t sink[4096];
        while (s.has_thread && syscall(SYS_read, fd, sink, sizeof sink) != 0)
            ;
        assert_int_equal(close(fd), 0);
        end(&s);
    }
    bytes_free(&data);
    temp_remove(&t);
}

/* The slack of a window becomes longer, in either mode. */
static enum input_step more(struct input_window *w, struct bell *ready, struct clv_error *err)
{
    enum input_step step;
    while ((step = input_more(w, err)) == INPUT_WAIT)
        wait_for(ready);
    return step;
}

/* Reads all of it, holds `held` windows at a time, and asks for more of the oldest now and then. */
static void check_more(const char *row, struct input *in, const struct input_plan *plan,
                       unsigned held, const struct bytes *data, struct bell *ready)
{
    struct input_window w[4];
    struct clv_error err = {0};
    unsigned taken = 0;
    bool over = false;
    CHECK(row, input_begin(in, plan, &err));
    for (unsigned i = 0; !over; i++) {
        while (taken < i + held && (taken == 0 || !w[(taken - 1) % held].last)) {
            struct input_window *const got = &w[taken++ % held];
            CHECK_EQ(row, next(in, got, ready, &err), INPUT_WINDOW);
            const size_t rest = data->len - (size_t)got->offset;
            CHECK_EQ(row, got->avail, min_u64(plan->window + plan->slack_read, rest));
            CHECK(row, !got->more || plan->slack_read < plan->slack);
            /* It may not be known yet that the input ends here. */
            CHECK(row, got->more || got->avail == rest || plan->slack_read == plan->slack);
        }
        struct input_window *const old = &w[i % held];
        const uint8_t *const p = old->p;
        const size_t rest = data->len - (size_t)old->offset;
        while (i % 3 != 2 && old->more) {
            const size_t slack = old->avail - old->len;
            CHECK_EQ(row, more(old, ready, &err), INPUT_WINDOW);
            CHECK(row, old->p == p);
            CHECK_EQ(row, old->avail,
                     min_u64(old->len + min_u64(2 * (uint64_t)slack, plan->slack), rest));
        }
        CHECK(row, old->more || old->avail == min_u64(old->len + plan->slack, rest));
        CHECK_MEM(row, p, data->p + old->offset, old->avail);
        const size_t before = old->avail;
        CHECK(row, old->more || more(old, ready, &err) == INPUT_WINDOW);
        CHECK_EQ(row, old->avail, before);
        for (unsigned k = i + 1; k < taken; k++) /* these did not move either */
            CHECK_MEM(row, w[k % held].p, data->p + w[k % held].offset, w[k % held].avail);
        over = old->last;
        CHECK_EQ(row, over, old->len == rest);
        input_release(old, 0, old->len);
    }
    CHECK_EQ(row, err.code, CLV_ERR_NONE);
}

static void test_more(void **state)
{
    static const struct {
        const char *name;
        size_t window, slack, slack_read;
        unsigned buffers, held;
    } rows[] = {
        {"a byte at first", 100, 1000, 1, 2, 2},
        {"less than a window", 100, 64, 10, 3, 1},
        {"over all windows there are", 100, 5000, 30, 3, 3},
        {"over more than there is", 700, 20000, 300, 3, 3},
        {"one buffer", 90, 901, 10, 1, 1},
        {"twice and a little", 64, 65, 32, 4, 3},
        {"nothing to make longer", 100, 50, 50, 2, 2},
    };
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, 9999);
    const unsigned fds = open_descriptors();
    for (enum way way = 0; way < WAYS; way++)
        for (size_t i = 0; i < 2 * N_ROWS(rows) && way_there(way); i++) {
            char row[96];
            struct source_of s;
            struct input *in;
            struct clv_span head;
            struct clv_error err = {0};
            struct bell ready = BELL;
            const struct input_plan plan = {.window = rows[i / 2].window,
                                            .slack = rows[i / 2].slack,
                                            .slack_read = rows[i / 2].slack_read,
                                            .buffers = rows[i / 2].buffers,
                                            .ready = i % 2 ? on_ready : NULL,
                                            .user = &ready};
            (void)snprintf(row, sizeof row, "%s, %s%s", way_name(way), rows[i / 2].name,
                           i % 2 ? ", threaded" : "");
            begin(&s, &t, way, &data);
            CHECK(row, input_open(&in, s.path, &err));
            CHECK(row, input_head(in, 320, &head, &err)); /* more than some windows and slacks */
            check_more(row, in, &plan, rows[i / 2].held, &data, &ready);
            input_close(&in);
            CHECK_EQ(row, open_descriptors(), fds);
            end(&s);
        }
    bytes_free(&data);
    temp_remove(&t);
}

/* A read that fails while a slack is made longer: the window stays as it was. */
static void test_more_fails(void **state)
{
    enum { WINDOW = 400000, SLACK_READ = 1000, SLACK = 1000000 };
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, 2000000);
    for (unsigned threaded = 0; threaded < 2; threaded++) {
        const char *row = threaded ? "threaded" : "not threaded";
        struct source_of s;
        struct input *in;
        struct input_window w, before;
        struct clv_error err = {0};
        struct bell ready = BELL;
        enum input_step step;
        const struct input_plan plan = {.window = WINDOW,
                                        .slack = SLACK,
                                        .slack_read = SLACK_READ,
                                        .buffers = 1,
                                        .ready = threaded ? on_ready : NULL,
                                        .user = &ready};
        begin(&s, &t, FIFO, &data);
        CHECK(row, input_open(&in, s.path, &err));
        CHECK(row, input_begin(in, &plan, &err));
        CHECK_EQ(row, next(in, &w, &ready, &err), INPUT_WINDOW);
        reads.fail = 1;
        do {
            before = w;
            step = more(&w, &ready, &err);
        } while (step == INPUT_WINDOW && w.more);
        CHECK_EQ(row, step, INPUT_FAILED);
        CHECK_EQ(row, err.code, CLV_ERR_IO);
        CHECK_EQ(row, err.sys, EIO);
        CHECK_EQ(row, w.avail, before.avail);
        CHECK(row, w.more);
        CHECK_MEM(row, w.p, data.p, w.avail);
        CHECK_EQ(row, input_more(&w, &err), INPUT_FAILED);
        input_release(&w, 0, w.len);
        CHECK_EQ(row, next(in, &w, &ready, &err), INPUT_FAILED);
        reads_as_usual();
        const int fd = open(s.path, O_RDONLY | O_NONBLOCK);
        assert_true(fd >= 0);
        input_close(&in);
        uint8_t sink[4096];
        while (s.has_thread && syscall(SYS_read, fd, sink, sizeof sink) != 0)
            ;
        assert_int_equal(close(fd), 0);
        end(&s);
    }
    bytes_free(&data);
    temp_remove(&t);
}

/* A FIFO that gives no more, and does not end either: it can be closed at any time. */
static void test_close_while_waiting(void **state)
{
    static const struct {
        const char *name;
        size_t written;   /* bytes */
        unsigned windows; /* taken before it is closed */
        bool begun;
    } rows[] = {
        {"before it began", 10, 0, false},
        {"nothing taken", 10, 0, true},
        {"a window taken", 150, 1, true},
        {"two windows taken", 250, 2, true},
    };
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, 1000);
    const char *path = temp_path(&t, "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    const unsigned fds = open_descriptors();
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct input *in;
        struct input_window w;
        struct clv_error err = {0};
        struct bell ready = BELL;
        const struct input_plan plan = {
            .window = 90, .slack = 10, .buffers = 2, .ready = on_ready, .user = &ready};
        const int fd = open(path, O_RDWR); /* never ends: there is always a writer */
        assert_true(fd >= 0);
        assert_int_equal(write(fd, data.p, rows[i].written), rows[i].written);
        CHECK(rows[i].name, input_open(&in, path, &err));
        if (rows[i].begun)
            CHECK(rows[i].name, input_begin(in, &plan, &err));
        for (unsigned k = 0; k < rows[i].windows; k++) {
            CHECK_EQ(rows[i].name, next(in, &w, &ready, &err), INPUT_WINDOW);
            CHECK_MEM(rows[i].name, w.p, data.p + k * 90, w.avail);
            input_release(&w, 0, w.len);
        }
        if (rows[i].begun)
            CHECK_EQ(rows[i].name, input_next(in, &w, &err), INPUT_WAIT);
        input_close(&in);
        CHECK(rows[i].name, !in);
        assert_int_equal(close(fd), 0);
        CHECK_EQ(rows[i].name, open_descriptors(), fds);
    }
    bytes_free(&data);
    temp_remove(&t);
}

static void test_no_memory(void **state)
{
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, 3000);
    const unsigned fds = open_descriptors();
    for (enum compression k = 0; k < COMPRESSIONS; k++) {
        struct source_of s;
        if (!compression_there(k))
            continue;
        begin(&s, &t, (enum way)k, &data);
        for (unsigned threaded = 0; threaded < 2; threaded++)
            for (uint64_t nth = 1;; nth++) {
                char row[64];
                struct input *in;
                struct input_window w = {0};
                struct clv_span head;
                struct clv_error err = {0};
                struct bell ready = BELL;
                const struct input_plan plan = {.window = 1000,
                                                .slack = 1100,
                                                .slack_read = 100,
                                                .buffers = 2,
                                                .ready = threaded ? on_ready : NULL,
                                                .user = &ready};
                (void)snprintf(row, sizeof row, "%s, allocation %u%s", compressions[k].name,
                               (unsigned)nth, threaded ? ", threaded" : "");
                mem_fail_from(nth);
                bool ok = input_open(&in, s.path, &err);
                CHECK(row, ok == (in != NULL));
                ok = ok && input_head(in, 32, &head, &err) && input_begin(in, &plan, &err);
                while (ok && !w.last) {
                    ok = next(in, &w, &ready, &err) == INPUT_WINDOW;
                    while (ok && w.more)
                        ok = more(&w, &ready, &err) == INPUT_WINDOW;
                    if (ok)
                        input_release(&w, 0, w.len);
                }
                mem_fail_from(0);
                input_close(&in);
                CHECK_EQ(row, err.code, ok ? CLV_ERR_NONE : CLV_ERR_NOMEM);
                CHECK_EQ(row, open_descriptors(), fds);
                if (ok) {
                    CHECK(row, nth > 6);
                    break;
                }
            }
        end(&s);
    }
    bytes_free(&data);
    temp_remove(&t);
}

/* What is appended after a file was opened is not read; what is cut off is missed. */
static void test_other_size(void **state)
{
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, 900 * 1000);
    for (enum compression k = 0; k < COMPRESSIONS; k++)
        for (unsigned grows = 0; grows < 2 && compression_there(k); grows++)
            for (size_t size = 100; size <= 900 * 1000; size *= 9000) {
                struct bytes in = {0}, got = {0};
                struct input *opened;
                struct input_window w = {0};
                struct clv_error err = {0};
                const struct input_plan plan = {.window = 1 << 20, .slack = 10, .buffers = 1};
                const char *row = compressions[k].name;
                uint64_t seed = 3;
                put_noise(&in, &seed, size);
                struct bytes packed = {0};
                put_compressed(&packed, k, in.p, in.len);
                const char *path = temp_file(&t, "in", packed.p, packed.len);
                CHECK(row, input_open(&opened, path, &err));
                if (grows)
                    put_compressed(&packed, k, data.p, 100);
                else
                    packed.len /= 2;
                (void)temp_file(&t, "in", packed.p, packed.len);
                CHECK(row, input_begin(opened, &plan, &err));
                do {
                    if (input_next(opened, &w, &err) != INPUT_WINDOW)
                        break;
                    put_bytes(&got, w.p, w.len);
                    input_release(&w, 0, w.len);
                } while (!w.last);
                if (grows || size == 100) { /* a short one was read when it was opened */
                    CHECK_EQ(row, err.code, CLV_ERR_NONE);
                    CHECK_EQ(row, input_damage(opened)->code, CLV_ERR_NONE);
                    CHECK_EQ(row, got.len, in.len);
                } else {
                    CHECK_EQ(row, err.code, CLV_ERR_IO);
                    CHECK_HAS(row, err.what, "the file shrank while it was read: it had ");
                }
                input_close(&opened);
                bytes_free(&in);
                bytes_free(&got);
                bytes_free(&packed);
            }
    bytes_free(&data);
    temp_remove(&t);
}

/* Skippable frames before the first one, longer than what is read at a time. */
static void test_skippable(void **state)
{
    enum { LONG = 700 * 1000 };
    static const struct {
        const char *name;
        size_t len; /* bytes of each of two frames */
        bool data, cut;
        const char *want; /* NULL: it is read */
    } rows[] = {
        {"empty", 0, true, false, NULL},
        {"short", 7, true, false, NULL},
        {"long", LONG, true, false, NULL},
        {"empty, and no more", 0, false, false, "is empty: only skippable frames of zstd or lz4"},
        {"long, and no more", LONG, false, false, "is empty: only skippable frames of zstd or lz4"},
        {"cut", 100, false, true,
         "not a capture: a skippable frame of zstd or lz4, followed by neither"},
    };
    struct temp t;
    struct bytes data = {0};
    (void)state;
    temp_make(&t);
    put_data(&data, 5000);
    for (enum compression k = ZSTD; k <= LZ4; k++)
        for (size_t i = 0; i < N_ROWS(rows) && compression_there(k); i++) {
            struct bytes in = {0};
            struct input *opened;
            struct clv_error err = {0};
            for (unsigned n = 0; n < 2; n++) {
                uint8_t head[8];
                store_le32(head, 0x184d2a50 + 15 * n);
                store_le32(head + 4, (uint32_t)rows[i].len);
                put_bytes(&in, head, sizeof head);
                for (size_t b = 0; b < rows[i].len; b++)
                    put_bytes(&in, "\x28", 1);
            }
            in.len -= rows[i].cut;
            if (rows[i].data)
                put_compressed(&in, k, data.p, data.len);
            const char *path = temp_file(&t, "in", in.p, in.len);
            if (!rows[i].want) {
                struct clv_error damage;
                struct bytes got = read_all(rows[i].name, path, 1000, true, &damage);
                CHECK_EQ(rows[i].name, damage.code, CLV_ERR_NONE);
                CHECK_EQ(rows[i].name, got.len, data.len);
                CHECK_MEM(rows[i].name, got.p, data.p, got.len);
                bytes_free(&got);
            } else {
                CHECK(rows[i].name, !input_open(&opened, path, &err));
                CHECK_EQ(rows[i].name, err.code, CLV_ERR_FORMAT);
                CHECK_STR(rows[i].name, err.what, rows[i].want);
            }
            bytes_free(&in);
        }
    bytes_free(&data);
    temp_remove(&t);
}

/* A file of a format that this build lacks is refused with a way out. */
static void test_not_built_in(void **state)
{
    static const char *const magics[COMPRESSIONS] = {"1f8b080000000000", "28b52ffd04000100",
                                                     "04224d186440a700", "fd377a585a000004",
                                                     "425a683917724538"};
    struct temp t;
    (void)state;
    temp_make(&t);
    for (enum compression k = 0; k < COMPRESSIONS; k++) {
        struct bytes b = {0};
        struct input *in;
        struct clv_error err = {0};
        if (compressions[k].there)
            continue;
        put_hex(&b, magics[k]);
        CHECK(compressions[k].name, !input_open(&in, temp_file(&t, "in", b.p, b.len), &err));
        CHECK_EQ(compressions[k].name, err.code, CLV_ERR_FORMAT);
        CHECK_HAS(compressions[k].name, err.what, "which this build does not read");
        CHECK_HAS(compressions[k].name, err.hint, "decompress it first");
        bytes_free(&b);
    }
    temp_remove(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),     cmocka_unit_test(test_large),
        cmocka_unit_test(test_lengths),     cmocka_unit_test(test_short_reads),
        cmocka_unit_test(test_read_fails),  cmocka_unit_test(test_cut),
        cmocka_unit_test(test_head_of_cut), cmocka_unit_test(test_corrupt),
        cmocka_unit_test(test_held),        cmocka_unit_test(test_close_while_waiting),
        cmocka_unit_test(test_more),        cmocka_unit_test(test_more_fails),
        cmocka_unit_test(test_no_memory),   cmocka_unit_test(test_skippable),
        cmocka_unit_test(test_other_size),  cmocka_unit_test(test_not_built_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
