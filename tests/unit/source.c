/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_compress.h"
#include "support_pcapng.h"
#include "support_savefile.h"
#include "support_temp.h"

#include <errno.h>
#include <pthread.h>

#include "base/mem.h"
#include "capture/source.h"

/* Captures, as rows call them. */
enum content {
    PCAP_US,
    PCAP_NS,
    PCAP_ALONE, /* a header without records */
    NG_US,
    NG_NS,
    NG_FINE,   /* units that are no whole nanoseconds */
    NG_COARSE, /* units longer than microseconds */
    NG_SECOND, /* its second interface needs nanoseconds */
    NG_FIRST,  /* its first does, its second does not */
    NG_LATE,   /* an interface behind the first packet does */
    NG_LONG,   /* a long block before its interface */
    NG_ALONE,  /* a section and no more */
    CONTENTS,
};

static void put_ng(struct bytes *b, bool big, const uint8_t *resolutions, size_t n, bool packet)
{
    for (size_t i = 0; i < n; i++) {
        const size_t at = block_begin(b, big, BLOCK_INTERFACE);
        put_interface_head(b, big, 1, 96);
        put_option_byte(b, big, OPTION_TSRESOL, resolutions[i]);
        put_option(b, big, OPTION_END, NULL, 0);
        block_end(b, big, at);
    }
    if (packet)
        put_packet(b, big, 0, 1, "packet", 6, 6);
}

static void put_content(struct bytes *b, enum content content, bool big)
{
    static const uint8_t us[] = {6, 6}, ns[] = {9}, fine[] = {0x9f}, coarse[] = {3, 0, 0x86},
                         second[] = {6, 9}, first[] = {9, 6};
    static const uint8_t names[4000] = {0};
    const struct savefile_dialect d = {.big = big, .magic = content == PCAP_NS ? MAGIC_NS : 0};
    if (content <= PCAP_ALONE) {
        put_file_header(b, &d);
        for (unsigned i = 0; i < 5 && content != PCAP_ALONE; i++) {
            put_record_header(b, &d, 1700000000, i, 6, 6);
            put_bytes(b, "packet", 6);
        }
        return;
    }
    put_section(b, big);
    switch (content) {
    case NG_US:
        put_ng(b, big, us, 2, true);
        break;
    case NG_NS:
        put_ng(b, big, ns, 1, true);
        break;
    case NG_FINE:
        put_ng(b, big, fine, 1, false);
        break;
    case NG_COARSE:
        put_ng(b, big, coarse, 3, true);
        break;
    case NG_SECOND:
        put_ng(b, big, second, 2, true);
        break;
    case NG_FIRST:
        put_ng(b, big, first, 2, true);
        break;
    case NG_LATE:
        put_ng(b, big, us, 1, true);
        put_ng(b, big, ns, 1, true);
        break;
    case NG_LONG:
        put_block(b, big, BLOCK_NAMES, names, sizeof names);
        put_ng(b, big, ns, 1, true);
        break;
    default:
        break;
    }
}

static const struct {
    const char *name;
    enum content content;
    enum walk_kind kind;
    bool nanoseconds;
} rows[] = {
    {"pcap", PCAP_US, WALK_PCAP, false},
    {"pcap, ns", PCAP_NS, WALK_PCAP, true},
    {"pcap, no records", PCAP_ALONE, WALK_PCAP, false},
    {"pcapng", NG_US, WALK_PCAPNG, false},
    {"pcapng, ns", NG_NS, WALK_PCAPNG, true},
    {"pcapng, finer than ns", NG_FINE, WALK_PCAPNG, true},
    {"pcapng, coarser than us", NG_COARSE, WALK_PCAPNG, false},
    {"pcapng, ns in the second", NG_SECOND, WALK_PCAPNG, true},
    {"pcapng, ns in the first", NG_FIRST, WALK_PCAPNG, true},
    {"pcapng, ns behind a packet", NG_LATE, WALK_PCAPNG, false},
    {"pcapng, ns behind a long block", NG_LONG, WALK_PCAPNG, true},
    {"pcapng, a section alone", NG_ALONE, WALK_PCAPNG, false},
};

/* All that a source gives. A window and its slack hold at least what was looked at. */
static void check_windows(const char *row, struct source *s, const struct bytes *want)
{
    const struct input_plan plan = {.window = 4000, .slack = 65536, .buffers = 2};
    struct input_window w = {0};
    struct clv_error err = {0};
    CHECK(row, source_begin(s, &plan, &err));
    size_t at = s->format.kind == WALK_PCAP ? 24 : 0;
    do {
        CHECK_EQ(row, input_next(s->in, &w, &err), INPUT_WINDOW);
        CHECK_EQ(row, w.offset, at);
        CHECK_MEM(row, w.p, want->p + at, w.avail);
        at += w.len;
        input_release(&w, 0, w.len);
    } while (!w.last);
    CHECK_EQ(row, at, want->len);
    CHECK_EQ(row, err.code, CLV_ERR_NONE);
}

static void check_probed(const char *row, const struct source *s, size_t i, bool big,
                         const struct bytes *want)
{
    CHECK_EQ(row, s->format.kind, rows[i].kind);
    CHECK_EQ(row, s->format.big_endian, big);
    CHECK_EQ(row, s->nanoseconds, rows[i].nanoseconds);
    CHECK_EQ(row, s->head_len, min_u64(want->len, WALK_HEAD));
    CHECK_MEM(row, s->head, want->p, s->head_len);
    CHECK_EQ(row, s->near_ns, WALK_NO_TIME);
    CHECK(row, !s->reading && !s->begun && !s->over && s->records == 0);
}

/* Probed, then read at once or closed and opened again; plain and in every compression. */
static void test_files(void **state)
{
    enum { PLAIN = COMPRESSIONS, WAYS };
    struct temp t;
    (void)state;
    temp_make(&t);
    const unsigned fds = open_descriptors();
    for (unsigned way = 0; way < WAYS; way++)
        for (size_t i = 0; i < 4 * N_ROWS(rows); i++) {
            char row[96];
            const bool big = i & 1, again = i & 2;
            struct source s;
            struct bytes want = {0}, in = {0};
            struct clv_error err = {0};
            if (way != PLAIN && !compressions[way].there)
                continue;
            (void)snprintf(row, sizeof row, "%s, %s%s%s",
                           way == PLAIN ? "plain" : compressions[way].name, rows[i / 4].name,
                           big ? ", big" : "", again ? ", opened again" : "");
            put_content(&want, rows[i / 4].content, big);
            if (way == PLAIN)
                put_bytes(&in, want.p, want.len);
            else
                put_compressed(&in, (enum compression)way, want.p, want.len);
            const char *path = temp_file(&t, "in", in.p, in.len);
            CHECK(row, source_probe(&s, &(struct input_place){.path = path}, -1, i % 3 == 0, &err));
            CHECK_EQ(row, err.code, CLV_ERR_NONE);
            CHECK(row, s.path == path);
            CHECK_EQ(row, s.size, in.len);
            CHECK_EQ(row, s.stream, way != PLAIN);
            CHECK(row, !s.once);
            check_probed(row, &s, i / 4, big, &want);
            if (again) {
                source_close(&s);
                CHECK(row, !s.in);
                CHECK_EQ(row, open_descriptors(), fds);
            }
            check_windows(row, &s, &want);
            source_close(&s);
            CHECK_EQ(row, open_descriptors(), fds);
            bytes_free(&want);
            bytes_free(&in);
        }
    temp_remove(&t);
}

struct writing {
    char path[512];
    const struct bytes *b;
};

static void *write_fifo(void *arg)
{
    const struct writing *w = arg;
    const int fd = open(w->path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, w->b->p, w->b->len), w->b->len);
    assert_int_equal(close(fd), 0);
    return NULL;
}

/* What can be read only once stays open, and its head is not lost. */
static void test_fifo(void **state)
{
    struct temp t;
    (void)state;
    temp_make(&t);
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct source s;
        struct bytes want = {0};
        struct writing w = {.b = &want};
        struct clv_error err = {0};
        pthread_t thread;
        put_content(&want, rows[i].content, false);
        (void)snprintf(w.path, sizeof w.path, "%s", temp_path(&t, "fifo"));
        assert_int_equal(mkfifo(w.path, 0600), 0);
        assert_int_equal(pthread_create(&thread, NULL, write_fifo, &w), 0);
        CHECK(rows[i].name,
              source_probe(&s, &(struct input_place){.path = w.path}, -1, false, &err));
        CHECK(rows[i].name, s.once && s.stream);
        CHECK_EQ(rows[i].name, s.size, 0);
        check_probed(rows[i].name, &s, i, false, &want);
        check_windows(rows[i].name, &s, &want);
        source_close(&s);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(unlink(w.path), 0);
        bytes_free(&want);
    }
    temp_remove(&t);
}

/* Between the look and its turn it may not become another file. */
static void test_changed(void **state)
{
    enum change { SAME, TOUCHED, LONGER, SHORTER, OTHER_HEAD, REPLACED, GONE, A_DIRECTORY };
    static const struct {
        const char *name;
        enum change change;
        enum clv_errc code; /* NONE: it is read */
        const char *what;
    } changes[] = {
        {"the same", SAME, CLV_ERR_NONE, NULL},
        {"the same, written again", TOUCHED, CLV_ERR_NONE, NULL},
        {"a byte more", LONGER, CLV_ERR_NONE, NULL},
        {"a byte less", SHORTER, CLV_ERR_IO, "changed since the run began"},
        {"another head", OTHER_HEAD, CLV_ERR_IO, "changed since the run began"},
        {"replaced by its like", REPLACED, CLV_ERR_IO, "was replaced since the run began"},
        {"gone", GONE, CLV_ERR_IO, "cannot be opened"},
        {"a directory", A_DIRECTORY, CLV_ERR_FORMAT, "is a directory"},
    };
    struct temp t;
    (void)state;
    temp_make(&t);
    const unsigned fds = open_descriptors();
    for (size_t i = 0; i < N_ROWS(changes); i++) {
        const struct input_plan plan = {.window = 4000, .slack = 100, .buffers = 2};
        const char *row = changes[i].name;
        char moved[512];
        struct source s;
        struct bytes b = {0};
        struct input_window w = {0};
        struct clv_error err = {0};
        size_t at = 0;
        put_content(&b, NG_US, false);
        const char *path = temp_file(&t, "in", b.p, b.len);
        CHECK(row, source_probe(&s, &(struct input_place){.path = path}, -1, false, &err));
        source_close(&s);
        switch (changes[i].change) {
        case SAME:
            break;
        case TOUCHED:
            (void)temp_file(&t, "in", b.p, b.len);
            break;
        case LONGER:
            put_fill(&b, 0, 1);
            (void)temp_file(&t, "in", b.p, b.len--);
            break;
        case REPLACED:
            (void)snprintf(moved, sizeof moved, "%s", path);
            assert_int_equal(rename(temp_file(&t, "other", b.p, b.len), moved), 0);
            (void)temp_path(&t, "in");
            break;
        case SHORTER:
            (void)temp_file(&t, "in", b.p, b.len - 1);
            break;
        case OTHER_HEAD:
            b.p[14] ^= 1; /* its minor version */
            (void)temp_file(&t, "in", b.p, b.len);
            break;
        default:
            assert_int_equal(unlink(path), 0);
            if (changes[i].change == A_DIRECTORY)
                assert_int_equal(mkdir(path, 0700), 0);
            break;
        }
        CHECK_EQ(row, source_begin(&s, &plan, &err), changes[i].code == CLV_ERR_NONE);
        CHECK_EQ(row, err.code, changes[i].code);
        if (changes[i].what) {
            CHECK_STR(row, err.subject, path);
            CHECK_HAS(row, err.what, changes[i].what);
        }
        while (s.in && err.code == CLV_ERR_NONE && !w.last) {
            CHECK_EQ(row, input_next(s.in, &w, &err), INPUT_WINDOW);
            CHECK_MEM(row, w.p, b.p + at, w.avail);
            at += w.len;
            input_release(&w, 0, w.len);
        }
        CHECK_EQ(row, at, err.code == CLV_ERR_NONE ? b.len : 0);
        source_close(&s);
        CHECK_EQ(row, open_descriptors(), fds);
        bytes_free(&b);
    }
    temp_remove(&t);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *name;
        const char *hex; /* NULL: no file */
        enum clv_errc code;
        const char *what;
    } refusals[] = {
        {"missing", NULL, CLV_ERR_IO, "cannot be opened"},
        {"empty", "", CLV_ERR_FORMAT, "empty"},
        {"text", "68656c6c6f0a", CLV_ERR_FORMAT, "not a capture"},
        {"a header cut short", "d4c3b2a102000400", CLV_ERR_FORMAT, "cut short: 8 of 24"},
        {"a section cut short", "0a0d0d0a1c000000", CLV_ERR_FORMAT, "cut short: 8 of at least 28"},
    };
    struct temp t;
    (void)state;
    temp_make(&t);
    const unsigned fds = open_descriptors();
    for (size_t i = 0; i < N_ROWS(refusals); i++) {
        struct source s;
        struct bytes b = {0};
        struct clv_error err = {0};
        if (refusals[i].hex) {
            put_hex(&b, refusals[i].hex);
            (void)temp_file(&t, "in", b.p, b.len);
        } else {
            (void)temp_path(&t, "missing");
        }
        CHECK(refusals[i].name,
              !source_probe(&s, &(struct input_place){.path = t.path}, -1, false, &err));
        CHECK_EQ(refusals[i].name, err.code, refusals[i].code);
        CHECK_HAS(refusals[i].name, err.what, refusals[i].what);
        source_close(&s);
        CHECK_EQ(refusals[i].name, open_descriptors(), fds);
        bytes_free(&b);
    }
    temp_remove(&t);
}

static void test_no_memory(void **state)
{
    static const enum content contents[] = {PCAP_US, NG_NS};
    struct temp t;
    (void)state;
    temp_make(&t);
    const unsigned fds = open_descriptors();
    for (unsigned k = 0; k < COMPRESSIONS * N_ROWS(contents); k++) {
        const enum compression c = (enum compression)(k / 2);
        struct bytes b = {0}, in = {0};
        if (!compressions[c].there)
            continue;
        put_content(&b, contents[k % 2], false);
        put_compressed(&in, c, b.p, b.len);
        const char *path = temp_file(&t, "in", in.p, in.len);
        for (uint64_t nth = 1;; nth++) {
            const struct input_plan plan = {.window = 4000, .slack = 65536, .buffers = 2};
            struct source s;
            struct input_window w;
            struct clv_error err = {0};
            char row[64];
            (void)snprintf(row, sizeof row, "%s, %s, allocation %u", compressions[c].name,
                           k % 2 ? "pcapng" : "pcap", (unsigned)nth);
            mem_fail_from(nth);
            const bool ok =
                source_probe(&s, &(struct input_place){.path = path}, -1, false, &err) &&
                source_begin(&s, &plan, &err) && input_next(s.in, &w, &err) == INPUT_WINDOW;
            mem_fail_from(0);
            source_close(&s);
            CHECK_EQ(row, open_descriptors(), fds);
            CHECK_EQ(row, err.code, ok ? CLV_ERR_NONE : CLV_ERR_NOMEM);
            if (ok) {
                CHECK_EQ(row, s.nanoseconds, k % 2);
                CHECK(row, nth > 6);
                break;
            }
        }
        bytes_free(&b);
        bytes_free(&in);
    }
    temp_remove(&t);
}

UNIT(source)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),     cmocka_unit_test(test_fifo),
        cmocka_unit_test(test_changed),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
