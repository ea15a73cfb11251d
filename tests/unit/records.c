/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways to open a capture, and batches: the records are the same, whichever is taken. */
#include "support_compress.h"
#include "support_savefile.h"
#include "support_temp.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "cleave/capture.h"
#include "cleave/generate.h"

static struct temp temp;

static int setup(void **state)
{
    (void)state;
    temp_make(&temp);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    temp_remove(&temp);
    return 0;
}

/* How a capture is opened. */
enum way { BY_PATH, BY_FILE, BY_FILE_AT, BY_PIPE, BY_SOCKET, BY_MEMORY, WAYS };

static const char *const way_names[WAYS] = {
    "path", "descriptor", "descriptor further on", "descriptor, pipe", "socket", "memory"};

/* What is written to a pipe or a socket, by a thread of its own. */
struct feeder {
    int fd;
    const struct bytes *b;
    pthread_t thread;
};

static void *feed(void *arg)
{
    const struct feeder *f = arg;
    for (size_t at = 0; at < f->b->len;) {
        const ssize_t n = write(f->fd, f->b->p + at, f->b->len - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
    assert_int_equal(close(f->fd), 0);
    return NULL;
}

static int open_fed(struct feeder *f, const struct bytes *b, bool sockets)
{
    int ends[2];
    assert_int_equal(sockets ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends), 0);
    *f = (struct feeder){.fd = ends[1], .b = b};
    assert_int_equal(pthread_create(&f->thread, NULL, feed, f), 0);
    return ends[0];
}

static bool open_by(enum way way, struct clv_capture **c, const struct bytes *b, struct feeder *f,
                    struct clv_error *err)
{
    *f = (struct feeder){.fd = -1};
    if (way == BY_PATH)
        return clv_capture_open(c, temp_file(&temp, "a", b->p, b->len), err);
    if (way == BY_MEMORY)
        return clv_capture_open_memory(c, b->p, b->len, "a name", err);
    int fd;
    if (way == BY_FILE) {
        fd = open(temp_file(&temp, "a", b->p, b->len), O_RDONLY | O_CLOEXEC);
    } else if (way == BY_FILE_AT) {
        struct bytes more = {0};
        put_fill(&more, 'x', 7);
        put_bytes(&more, b->p, b->len);
        fd = open(temp_file(&temp, "a", more.p, more.len), O_RDONLY | O_CLOEXEC);
        assert_int_equal(lseek(fd, 7, SEEK_SET), 7);
        bytes_free(&more);
    } else {
        fd = open_fed(f, b, way == BY_SOCKET);
    }
    const bool ok = clv_capture_open_fd(c, fd, "a name", err);
    if (way == BY_FILE && clv_capture_stays(*c))
        assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
    assert_int_equal(close(fd), 0); /* the capture has a copy */
    return ok;
}

static void close_by(struct clv_capture **c, const struct feeder *f)
{
    clv_capture_close(c);
    if (f->fd >= 0)
        assert_int_equal(pthread_join(f->thread, NULL), 0);
}

/* Of one that is read record by record. Returns how the walk ended. */
static enum clv_walk record_by_record(const char *row, const struct bytes *b, enum way way,
                                      struct bytes *out, struct clv_error *err)
{
    struct clv_capture *c;
    struct clv_record rec;
    struct feeder f;
    enum clv_walk step;
    CHECK(row, open_by(way, &c, b, &f, err));
    CHECK_STR(row, clv_capture_name(c), way == BY_PATH ? temp.path : "a name");
    while ((step = clv_capture_next(c, &rec, err)) == CLV_RECORD) {
        put_bytes(out, &rec.offset, sizeof rec.offset);
        put_bytes(out, &rec.ts_ns, sizeof rec.ts_ns);
        put_bytes(out, &rec.linktype, sizeof rec.linktype);
        put_bytes(out, rec.raw, rec.raw_len);
        put_bytes(out, rec.data, rec.caplen);
    }
    close_by(&c, &f);
    return step;
}

/* The same in batches of n. Where records stay, all are looked at when all were read. */
static enum clv_walk in_batches(const char *row, const struct bytes *b, enum way way, size_t n,
                                struct bytes *out, struct clv_error *err)
{
    enum { ALL = 40000 };
    struct clv_capture *c;
    struct feeder f;
    enum clv_walk step;
    struct clv_record *const recs = calloc(ALL, sizeof *recs);
    size_t kept = 0, got = 1;
    assert_non_null(recs);
    CHECK(row, open_by(way, &c, b, &f, err));
    const bool stays = clv_capture_stays(c);
    do {
        CHECK(row, kept + n <= ALL);
        step = clv_capture_next_many(c, recs + kept, n, &got, err);
        CHECK_EQ(row, got > 0, step == CLV_RECORD);
        CHECK(row, got <= n);
        kept += got;
        for (size_t i = 0; i < kept && (!stays || step != CLV_RECORD); i++) {
            const struct clv_record *r = &recs[i];
            put_bytes(out, &r->offset, sizeof r->offset);
            put_bytes(out, &r->ts_ns, sizeof r->ts_ns);
            put_bytes(out, &r->linktype, sizeof r->linktype);
            put_bytes(out, r->raw, r->raw_len);
            put_bytes(out, r->data, r->caplen);
        }
        kept = stays ? kept : 0;
    } while (step == CLV_RECORD);
    CHECK_EQ(row, clv_capture_next_many(c, recs, n, &got, NULL), CLV_END);
    CHECK_EQ(row, got, 0);
    close_by(&c, &f);
    free(recs);
    return step;
}

static void check_all_ways(const char *name, const struct bytes *b, bool compressed)
{
    struct bytes want = {0};
    struct clv_error fault = {.what = ""};
    const enum clv_walk end = record_by_record(name, b, BY_PATH, &want, &fault);
    for (enum way way = 0; way < WAYS; way++) {
        static const size_t many[] = {1, 2, 100, 5000};
        const unsigned fds = open_descriptors();
        const bool read = compressed || way == BY_FILE_AT || way == BY_PIPE || way == BY_SOCKET;
        /* What is read takes large buffers, which take their time. */
        for (size_t i = 0; i <= N_ROWS(many); i += read ? 2 : 1) {
            struct bytes got = {0};
            struct clv_error err = {.what = ""};
            char row[96];
            (void)snprintf(row, sizeof row, "%s by %s, %zu at a time", name, way_names[way],
                           i ? many[i - 1] : 0);
            CHECK_EQ(row,
                     i ? in_batches(row, b, way, many[i - 1], &got, &err)
                       : record_by_record(row, b, way, &got, &err),
                     end);
            CHECK_EQ(row, got.len, want.len);
            CHECK(row, want.len == 0 || memcmp(got.p, want.p, got.len) == 0);
            CHECK_STR(row, err.what, fault.what);
            CHECK_EQ(row, err.offset, fault.offset);
            CHECK_EQ(row, err.record, fault.record);
            if (end == CLV_BAD)
                CHECK_STR(row, err.subject, way == BY_PATH ? temp.path : "a name");
            bytes_free(&got);
        }
        CHECK_EQ(name, open_descriptors(), fds);
        struct clv_capture *c;
        struct feeder f;
        CHECK(name, open_by(way, &c, b, &f, &fault));
        CHECK_EQ(name, clv_capture_stays(c), !read);
        CHECK_EQ(name, clv_capture_size(c),
                 way == BY_FILE_AT || way == BY_PIPE || way == BY_SOCKET ? 0 : b->len);
        struct clv_capture_info info;
        CHECK(name, clv_capture_inspect_rest(c, NULL, NULL, &info, &fault));
        close_by(&c, &f);
    }
    bytes_free(&want);
}

static void test_ways(void **state)
{
    static const struct {
        const char *name;
        enum clv_savefile format;
        bool big;
        uint64_t packets;
        size_t cut; /* bytes that are missing at the end */
    } rows[] = {
        {"pcap", CLV_SAVEFILE_PCAP, false, 3000, 0},
        {"pcap, big", CLV_SAVEFILE_PCAP_NS, true, 3000, 0},
        {"pcapng", CLV_SAVEFILE_PCAPNG, false, 3000, 0},
        {"pcapng, big", CLV_SAVEFILE_PCAPNG, true, 3000, 0},
        {"pcap, few", CLV_SAVEFILE_PCAP, false, 200, 0},
        {"pcap, cut", CLV_SAVEFILE_PCAP, false, 3000, 5},
        {"pcapng, cut", CLV_SAVEFILE_PCAPNG, false, 3000, 5},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct clv_traffic_params params = {
            .flows = 100,
            .packets = rows[i].packets,
            .other = 5,
            .format = rows[i].format,
            .byte_order = rows[i].big ? CLV_BIG_ENDIAN : CLV_LITTLE_ENDIAN,
            .overwrite = true,
        };
        struct bytes b = {0};
        struct clv_error err;
        CHECK(rows[i].name,
              clv_generate_traffic(temp_path(&temp, "made"), &params, NULL, NULL, &err));
        temp_read(&temp, "made", &b);
        b.len -= rows[i].cut;
        check_all_ways(rows[i].name, &b, false);
        for (enum compression k = 0; k < COMPRESSIONS; k++) {
            struct bytes packed = {0};
            if (i || !compression_there(k))
                continue;
            put_compressed(&packed, k, b.p, b.len);
            packed.len -= k == GZIP ? 9 : 0;
            check_all_ways(compressions[k].name, &packed, true);
            bytes_free(&packed);
        }
        bytes_free(&b);
    }
}

/* Nothing behind the memory is looked at, and none of it is given back to the system. */
static void test_memory(void **state)
{
    const struct savefile_dialect d = {0};
    struct bytes b = {0};
    struct clv_capture *c;
    struct clv_record rec;
    struct clv_error err = {0};
    (void)state;
    put_file_header(&b, &d);
    for (unsigned i = 0; i < 3000; i++) {
        put_record_header(&b, &d, i, 0, 60, 60);
        put_fill(&b, (uint8_t)i, 60);
    }
    uint8_t *const block = tight_copy(b.p, b.len);
    CHECK("memory", clv_capture_open_memory(&c, block, b.len, "m", &err));
    assert_null(clv_capture_compression(c));
    unsigned n = 0;
    while (clv_capture_next(c, &rec, &err) == CLV_RECORD) {
        assert_true(rec.raw == block + rec.offset);
        n++;
    }
    assert_int_equal(n, 3000);
    clv_capture_interrupt(c);
    clv_capture_close(&c);
    assert_memory_equal(block, b.p, b.len);
    free(block);
    assert_false(clv_capture_open_memory(&c, NULL, 0, "m", &err));
    assert_null(c);
    assert_int_equal(err.code, CLV_ERR_FORMAT);
    assert_string_equal(err.subject, "m");
    for (uint64_t nth = 1;; nth++) {
        mem_fail_from(nth);
        const bool ok = clv_capture_open_memory(&c, b.p, b.len, "m", &err);
        mem_fail_from(0);
        if (ok)
            break;
        assert_int_equal(err.code, CLV_ERR_NOMEM);
        assert_null(c);
    }
    clv_capture_close(&c);
    bytes_free(&b);
}

static void test_refused_descriptors(void **state)
{
    struct clv_capture *c;
    struct clv_error err = {0};
    (void)state;
    assert_false(clv_capture_open_fd(&c, -1, "no descriptor", &err));
    assert_null(c);
    assert_int_equal(err.code, CLV_ERR_IO);
    assert_int_equal(err.sys, EBADF);
    assert_string_equal(err.subject, "no descriptor");
    const int fd = open(temp.dir, O_RDONLY | O_CLOEXEC);
    assert_false(clv_capture_open_fd(&c, fd, "a place", &err));
    assert_int_equal(err.code, CLV_ERR_FORMAT);
    assert_int_equal(close(fd), 0);
}

static void *interrupt_soon(void *arg)
{
    (void)usleep(50 * 1000);
    clv_capture_interrupt(arg);
    return NULL;
}

/* A pipe whose writer says no more. */
static void test_interrupt(void **state)
{
    const struct savefile_dialect d = {0};
    struct bytes b = {0};
    struct clv_capture *c;
    struct clv_record rec;
    struct clv_error err = {0};
    pthread_t thread;
    int ends[2];
    (void)state;
    put_file_header(&b, &d);
    put_fill(&b, 0, 8); /* opening waits for this much */
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], b.p, b.len), b.len);
    CHECK("open", clv_capture_open_fd(&c, ends[0], "p", &err));
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, c), 0);
    assert_int_equal(clv_capture_next(c, &rec, &err), CLV_BAD);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(err.code, CLV_ERR_CANCELLED);
    assert_string_equal(err.subject, "p");
    assert_int_equal(clv_capture_next(c, &rec, &err), CLV_END);
    clv_capture_close(&c);
    bytes_free(&b);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(close(ends[0]), 0);
}

static bool stop(const struct clv_capture_info *so_far, void *user)
{
    ++*(unsigned *)user;
    return so_far->records == 0;
}

static void test_inspect_rest(void **state)
{
    const struct clv_synflood_params params = {.count = 10000};
    struct clv_capture *c;
    struct clv_capture_info info;
    struct clv_record rec;
    struct clv_error err = {0};
    unsigned asked = 0;
    (void)state;
    CHECK("flood", clv_generate_synflood(temp_path(&temp, "flood"), &params, NULL, &err));
    CHECK("open", clv_capture_open(&c, temp.path, &err));
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(clv_capture_next(c, &rec, &err), CLV_RECORD);
    assert_false(clv_capture_inspect_rest(c, stop, &asked, &info, &err));
    assert_int_equal(err.code, CLV_ERR_CANCELLED);
    assert_string_equal(err.subject, temp.path);
    assert_int_equal(asked, 1);
    assert_true(info.records > 0 && info.records < 10000 - 10);
    const uint64_t before = info.records;
    assert_true(clv_capture_inspect_rest(c, NULL, NULL, &info, &err));
    assert_int_equal(info.records + before + 10, 10000);
    assert_string_equal(info.path, temp.path);
    clv_capture_close(&c);
}

UNIT(records)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interrupt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_inspect_rest, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
