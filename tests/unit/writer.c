/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_savefile.h"
#include "support_scene.h"
#include "support_secret.h"
#include "support_temp.h"
#include "support_unpack.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "output/files.h"
#include "output/writer.h"

/*
 * Stands in for the C library's, so that a test sees how the library writes: whether the bytes lie
 * at like places in memory and in the file, and how many writes end off an alignment.
 */
static struct {
    unsigned n, crooked, unaligned_ends;
} writes;

ssize_t pwrite(int fd, const void *p, size_t n, off_t offset)
{
    writes.n++;
    writes.crooked += (uintptr_t)p % STAGE_ALIGN != (uint64_t)offset % STAGE_ALIGN;
    writes.unaligned_ends += ((uint64_t)offset + n) % STAGE_ALIGN != 0;
    if (lseek(fd, offset, SEEK_SET) != offset)
        return -1;
    return write(fd, p, n);
}

enum { FLOWS_MAX = 64, HEADER = 24, SOURCE = 4 << 20 };

static const struct dialect dialect = {.form = DIALECT_COPY, .header = "a header of 24 bytes..."};

/* Flows, their outputs in a directory, and what each output has to hold. */
struct fixture {
    struct temp temp;
    struct flow_table flows;
    struct files files;
    struct writer w;
    struct form_scratch scratch;
    uint8_t *source; /* the window that references point into */
    char names[FLOWS_MAX][64];
    struct bytes want[FLOWS_MAX];
    uint64_t records;
    unsigned fds;
    int dir_fd;
};

static void begin_with(struct fixture *x, const struct dialect *d, unsigned n_flows,
                       uint32_t max_open)
{
    const struct form form = {.dialect = d};
    uint64_t seed = 11;
    struct bytes b = {0};
    *x = (struct fixture){0};
    temp_make(&x->temp);
    put_noise(&b, &seed, SOURCE);
    x->source = b.p;
    x->fds = open_descriptors();
    x->dir_fd = open(x->temp.dir, O_RDONLY | O_DIRECTORY);
    assert_true(x->dir_fd >= 0);
    assert_true(form_scratch_init(&x->scratch, d->compress));
    assert_true(flow_table_init(&x->flows));
    files_init(&x->files, x->dir_fd, 0640, d->compress, max_open);
    writer_init(&x->w, &x->flows, &form, &x->files.sink);
    for (uint32_t i = 0; i < n_flows; i++) {
        const struct flow_key key = {.family = 4, .a_port = (uint16_t)i};
        assert_int_equal(flow_table_add(&x->flows, &key, NULL, flow_key_hash(&key, SECRET)), i);
        (void)snprintf(x->names[i], sizeof x->names[i], "flow-%u.pcap", i);
    }
}

static void begin(struct fixture *x, unsigned n_flows, uint32_t max_open)
{
    begin_with(x, &dialect, n_flows, max_open);
}

static void end(struct fixture *x)
{
    writer_fini(&x->w);
    files_fini(&x->files);
    assert_int_equal(close(x->dir_fd), 0);
    assert_int_equal(open_descriptors(), x->fds);
    flow_table_fini(&x->flows);
    form_scratch_fini(&x->scratch);
    free(x->source);
    for (unsigned i = 0; i < FLOWS_MAX; i++)
        bytes_free(&x->want[i]);
    temp_remove(&x->temp);
}

/* What the sink knows of a flow's output. */
static const struct file *file_of(const struct fixture *x, uint32_t flow)
{
    return flow_table_beside(&x->flows, flow_table_at(&x->flows, flow), FLOW_BESIDE_SINK);
}

static uint32_t tail_of(const struct fixture *x, uint32_t flow)
{
    return *form_output(&x->flows, flow_table_at(&x->flows, flow)).tail;
}

static bool append(struct fixture *x, uint32_t flow, const struct form_ref *refs, uint32_t n,
                   bool last, struct clv_error *err)
{
    if (!x->want[flow].len)
        put_bytes(&x->want[flow], dialect.header, HEADER);
    for (uint32_t i = 0; i < n; i++)
        put_bytes(&x->want[flow], x->source + refs[i].offset, refs[i].len);
    x->records += n;
    const struct form_round round = {
        .base = x->source, .source = {.dialect = &dialect}, .last = last};
    return writer_append(&x->w, &x->scratch, flow, x->names[flow], &round, refs, n, err);
}

static void check_outputs(struct fixture *x, const char *row)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < x->flows.n; i++) {
        struct bytes got = {0};
        if (!x->want[i].len)
            continue;
        temp_read(&x->temp, x->names[i], &got);
        CHECK_EQ(row, file_of(x, i)->size, got.len);
        CHECK_EQ(row, file_of(x, i)->slot, 0);
        bytes += got.len;
        if (x->w.form.dialect->compress) {
            struct bytes plain =
                unpack_file(row, x->w.form.dialect->compress, &got, x->want[i].len, true);
            bytes_free(&got);
            got = plain;
        }
        CHECK_EQ(row, got.len, x->want[i].len);
        CHECK_MEM(row, got.p, x->want[i].p, got.len);
        bytes_free(&got);
    }
    CHECK_EQ(row, x->w.bytes, bytes);
    CHECK_EQ(row, x->w.records, x->records);
    CHECK_EQ(row, x->files.n_open, 0);
}

/* Rounds over all flows, some sleeping in some rounds, under every limit of descriptors. */
static void test_rounds(void **state)
{
    static const struct {
        const char *name;
        unsigned n_flows, rounds;
        uint32_t max_open;
        bool reopens; /* there have to be some */
    } rows[] = {
        {"one flow, one open", 1, 5, 1, false},   {"two flows, one open", 2, 5, 1, true},
        {"40 flows, one open", 40, 6, 1, true},   {"40 flows, two open", 40, 6, 2, true},
        {"40 flows, 39 open", 40, 6, 39, true},   {"40 flows, 40 open", 40, 6, 40, false},
        {"40 flows, plenty", 40, 6, 1000, false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        static struct fixture x;
        struct clv_error err = {0};
        uint64_t seed = 5;
        begin(&x, rows[i].n_flows, rows[i].max_open);
        for (unsigned round = 0; round < rows[i].rounds; round++)
            for (uint32_t flow = 0; flow < rows[i].n_flows; flow++) {
                struct form_ref refs[20];
                const uint32_t n = 1 + (uint32_t)(noise(&seed) >> 40) % N_ROWS(refs);
                for (uint32_t k = 0; k < n; k++)
                    refs[k] = (struct form_ref){
                        .offset = (uint32_t)(noise(&seed) >> 40) % (SOURCE - 3000),
                        .len = 16 + (uint32_t)(noise(&seed) >> 40) % 2900,
                    };
                if (flow && (noise(&seed) >> 60) == 0)
                    continue;
                CHECK(rows[i].name, append(&x, flow, refs, n, false, &err));
                CHECK(rows[i].name, x.files.n_open <= rows[i].max_open);
                CHECK_EQ(rows[i].name, open_descriptors(), x.fds + 1 + x.files.n_open);
            }
        CHECK(rows[i].name, writer_close(&x.w, &err));
        CHECK_EQ(rows[i].name, x.files.reopens > 0, rows[i].reopens);
        CHECK_EQ(rows[i].name, x.files.opens - x.files.reopens, rows[i].n_flows);
        CHECK_EQ(rows[i].name, err.code, CLV_ERR_NONE);
        check_outputs(&x, rows[i].name);
        end(&x);
    }
}

/* The output that was used last stays open: with two of three in turn, none is opened again. */
static void test_least_recent(void **state)
{
    static struct fixture x;
    const struct form_ref ref = {0, 100};
    static const uint32_t order[] = {0, 1, 0, 2, 0, 2, 0, 1};
    (void)state;
    begin(&x, 3, 2);
    for (size_t i = 0; i < N_ROWS(order); i++)
        CHECK("append", append(&x, order[i], &ref, 1, false, NULL));
    CHECK_EQ("opens", x.files.opens, 4); /* 0, 1, 2 in place of 1, 1 in place of 2 */
    CHECK_EQ("re-opens", x.files.reopens, 1);
    CHECK("0 is open", file_of(&x, 0)->slot != 0);
    CHECK("1 is open", file_of(&x, 1)->slot != 0);
    CHECK_EQ("2 is closed", file_of(&x, 2)->slot, 0);
    CHECK("close", writer_close(&x.w, NULL));
    check_outputs(&x, "all");
    end(&x);
}

/* Sizes about the chunk and the alignment, in one append and over several. */
static void test_sizes(void **state)
{
    static const uint32_t totals[] = {
        HEADER + 1,          STAGE_ALIGN - 1, STAGE_ALIGN,         STAGE_ALIGN + 1,
        STAGE_CHUNK - 1,     STAGE_CHUNK,     STAGE_CHUNK + 1,     STAGE_CHUNK + STAGE_ALIGN,
        2 * STAGE_CHUNK - 1, 2 * STAGE_CHUNK, 2 * STAGE_CHUNK + 1, 3 * STAGE_CHUNK + 4097,
    };
    static const uint32_t lens[] = {1u << 30, 262160, 65536, 4096, 1514};
    (void)state;
    for (size_t i = 0; i < N_ROWS(totals); i++)
        for (size_t k = 0; k < N_ROWS(lens); k++) {
            static struct fixture x;
            char row[80];
            uint64_t seed = i * 10 + k + 1;
            begin(&x, 2, 4);
            (void)snprintf(row, sizeof row, "%u bytes of records of %u", totals[i], lens[k]);
            /* Flow 0: all records in one append. Flow 1: one append for each. */
            struct bytes refs = {0};
            uint32_t left = totals[i] - HEADER, n = 0;
            while (left) {
                const uint32_t len = left < lens[k] ? left : lens[k];
                const struct form_ref ref = {
                    .offset = (uint32_t)(noise(&seed) >> 40) % (SOURCE - len), .len = len};
                put_bytes(&refs, &ref, sizeof ref);
                CHECK(row, append(&x, 1, &ref, 1, false, NULL));
                left -= len;
                n++;
            }
            const uint64_t before = x.w.writes;
            CHECK(row, append(&x, 0, (const struct form_ref *)(const void *)refs.p, n, true, NULL));
            CHECK_EQ(row, x.w.writes - before, (totals[i] + STAGE_CHUNK - 1) / STAGE_CHUNK);
            CHECK_EQ(row, file_of(&x, 0)->slot, 0); /* it was the last */
            CHECK(row, writer_close(&x.w, NULL));
            check_outputs(&x, row);
            bytes_free(&refs);
            end(&x);
        }
}

/* Appends that end at every place about an alignment, then one that crosses a chunk. */
static void test_continued(void **state)
{
    static const uint32_t firsts[] = {1,
                                      4071,
                                      4072,
                                      4073,
                                      8168,
                                      STAGE_CHUNK - HEADER - 1,
                                      STAGE_CHUNK - HEADER,
                                      STAGE_CHUNK - HEADER + 1};
    (void)state;
    for (size_t i = 0; i < N_ROWS(firsts); i++) {
        static struct fixture x;
        char row[48];
        (void)snprintf(row, sizeof row, "%u bytes, then more", firsts[i]);
        begin(&x, 2, 1);
        const struct form_ref first = {7, firsts[i]}, small = {99, 1},
                              large = {1234, 2 * STAGE_CHUNK + 5};
        CHECK(row, append(&x, 0, &first, 1, false, NULL));
        CHECK(row, append(&x, 1, &first, 1, false, NULL)); /* closes the other */
        CHECK(row, append(&x, 0, &small, 1, false, NULL));
        CHECK(row, append(&x, 0, &large, 1, false, NULL));
        CHECK(row, append(&x, 1, &large, 1, true, NULL));
        CHECK(row, append(&x, 0, &small, 1, true, NULL));
        check_outputs(&x, row);
        end(&x);
    }
}

/* After an append of any size the next ones are aligned again, the tail of each excepted. */
static void test_alignment(void **state)
{
    static const uint32_t firsts[] = {1, 4071, 4072, 4073, 5000, 100000, STAGE_CHUNK - HEADER};
    (void)state;
    for (size_t i = 0; i < N_ROWS(firsts); i++) {
        static struct fixture x;
        char row[48];
        (void)snprintf(row, sizeof row, "%u bytes first", firsts[i]);
        begin(&x, 1, 1);
        const struct form_ref first = {7, firsts[i]}, large = {1234, 3 * STAGE_CHUNK + 5};
        CHECK(row, append(&x, 0, &first, 1, false, NULL));
        memset(&writes, 0, sizeof writes);
        CHECK(row, append(&x, 0, &large, 1, true, NULL));
        CHECK(row, writes.n >= 4 && writes.n <= 5);
        CHECK_EQ(row, writes.crooked, 0);
        CHECK_EQ(row, writes.unaligned_ends, 1);
        check_outputs(&x, row);
        end(&x);
    }
}

static void test_header_alone(void **state)
{
    static struct fixture x;
    (void)state;
    begin(&x, 1, 1);
    CHECK("no records", append(&x, 0, NULL, 0, true, NULL));
    check_outputs(&x, "no records");
    end(&x);
}

static void test_directories(void **state)
{
    static const char *const names[] = {"a/b/c/0.pcap", "a/b/1.pcap",      "a/2.pcap",
                                        "a/b/c/3.pcap", "00010000/4.pcap", "5.pcap"};
    static struct fixture x;
    const struct form_ref ref = {0, 3000};
    (void)state;
    begin(&x, N_ROWS(names), 2);
    for (uint32_t i = 0; i < N_ROWS(names); i++)
        (void)snprintf(x.names[i], sizeof x.names[i], "%s", names[i]);
    for (unsigned round = 0; round < 3; round++)
        for (uint32_t i = 0; i < N_ROWS(names); i++)
            CHECK(names[i], append(&x, i, &ref, 1, false, NULL));
    CHECK("close", writer_close(&x.w, NULL));
    check_outputs(&x, "directories");
    end(&x);
}

/* What already exists is not ours: it is not written to, truncated or followed. */
static void test_refusals(void **state)
{
    enum there { A_FILE, A_LINK, A_DANGLING_LINK, A_DIR, PARENT_IS_FILE };
    static const struct {
        const char *name;
        enum there there;
        int sys;
    } rows[] = {
        {"a file", A_FILE, EEXIST},
        {"a link", A_LINK, EEXIST},
        {"a dangling link", A_DANGLING_LINK, EEXIST},
        {"a directory", A_DIR, EEXIST},
        {"a file where a directory should be", PARENT_IS_FILE, ENOTDIR},
    };
    const struct form_ref ref = {0, 100};
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        static struct fixture x;
        struct clv_error err = {0};
        struct bytes got = {0};
        begin(&x, 1, 1);
        (void)temp_file(&x.temp, "precious", "kept", 4);
        switch (rows[i].there) {
        case A_FILE:
            (void)snprintf(x.names[0], sizeof x.names[0], "precious");
            break;
        case A_LINK:
            assert_int_equal(symlink("precious", temp_path(&x.temp, x.names[0])), 0);
            break;
        case A_DANGLING_LINK:
            assert_int_equal(symlink("nowhere", temp_path(&x.temp, x.names[0])), 0);
            break;
        case A_DIR:
            assert_int_equal(mkdir(temp_path(&x.temp, x.names[0]), 0700), 0);
            break;
        default:
            (void)snprintf(x.names[0], sizeof x.names[0], "precious/a.pcap");
            break;
        }
        CHECK(rows[i].name, !append(&x, 0, &ref, 1, false, &err));
        CHECK_EQ(rows[i].name, err.code, CLV_ERR_IO);
        CHECK_EQ(rows[i].name, err.sys, rows[i].sys);
        CHECK_STR(rows[i].name, err.subject, x.names[0]);
        CHECK_EQ(rows[i].name, x.files.n_open, 0);
        temp_read(&x.temp, "precious", &got);
        CHECK_EQ(rows[i].name, got.len, 4);
        CHECK_MEM(rows[i].name, got.p, "kept", 4);
        CHECK(rows[i].name, !temp_has(&x.temp, "nowhere"));
        bytes_free(&got);
        end(&x);
    }
}

/* An output that vanished between two appends is an error, not a new file without its beginning. */
static void test_vanished(void **state)
{
    static struct fixture x;
    struct clv_error err = {0};
    const struct form_ref ref = {0, 100};
    (void)state;
    begin(&x, 2, 1);
    CHECK("first", append(&x, 0, &ref, 1, false, NULL));
    CHECK("other", append(&x, 1, &ref, 1, false, NULL));
    assert_int_equal(unlink(temp_path(&x.temp, x.names[0])), 0);
    CHECK("again", !append(&x, 0, &ref, 1, false, &err));
    CHECK_EQ("again", err.sys, ENOENT);
    CHECK_HAS("again", err.what, "opened again");
    CHECK("not made", !temp_has(&x.temp, x.names[0]));
    end(&x);
}

/* A full disk, as far as a process can make one for itself: files that may not grow. */
static void test_no_room(void **state)
{
    static const struct {
        const char *name;
        uint32_t first, second; /* bytes of the appends; the first fits */
        rlim_t limit;
        bool last;
    } rows[] = {
        {"within the first chunk", 100, 20000, 10000, false},
        {"at the limit", 4096 - HEADER, 1, 4096, false},
        {"in a later chunk", 100, 3 * STAGE_CHUNK, STAGE_CHUNK + 4096, false},
        {"in the tail", 100, 2 * STAGE_CHUNK, 2 * STAGE_CHUNK, false},
        {"in the last append", 100, 20000, 10000, true},
    };
    struct rlimit before;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        static struct fixture x;
        struct clv_error err = {0};
        begin(&x, 2, 2);
        const struct form_ref first = {0, rows[i].first}, second = {0, rows[i].second};
        const struct rlimit lim = {rows[i].limit, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
        const bool fits =
            append(&x, 0, &first, 1, false, &err) && append(&x, 1, &first, 1, false, &err);
        const bool ok = append(&x, 0, &second, 1, rows[i].last, &err);
        const bool closed = writer_close(&x.w, NULL);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        CHECK(rows[i].name, fits);
        CHECK(rows[i].name, !ok);
        CHECK_EQ(rows[i].name, err.code, CLV_ERR_IO);
        CHECK_EQ(rows[i].name, err.sys, EFBIG);
        CHECK_STR(rows[i].name, err.subject, x.names[0]);
        CHECK_HAS(rows[i].name, err.what, "cannot be written at byte");
        CHECK(rows[i].name, closed);
        CHECK_EQ(rows[i].name, x.files.n_open, 0);
        CHECK_EQ(rows[i].name, x.w.records, 2); /* those of the append that failed do not count */
        end(&x);
    }
}

/* Fewer descriptors than asked for: outputs are closed for one another, and nothing shows. */
static void test_few_descriptors(void **state)
{
    static struct fixture x;
    struct rlimit before;
    struct clv_error err = {0};
    const struct form_ref ref = {0, 1000};
    bool ok = true;
    (void)state;
    begin(&x, 30, 1000);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit lim = {(rlim_t)x.dir_fd + 1 + 5, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lim), 0);
    for (unsigned round = 0; round < 3 && ok; round++)
        for (uint32_t i = 0; i < 30 && ok; i++)
            ok = append(&x, i, &ref, 1, false, &err);
    const uint32_t n_open = x.files.n_open;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    CHECK("appends", ok);
    CHECK("some are open", n_open > 0 && n_open <= 5);
    CHECK("close", writer_close(&x.w, &err));
    check_outputs(&x, "few descriptors");
    end(&x);
}

static void test_no_descriptor(void **state)
{
    static struct fixture x;
    struct rlimit before;
    struct clv_error err = {0};
    const struct form_ref ref = {0, 1000};
    (void)state;
    begin(&x, 1, 1000);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit lim = {(rlim_t)x.dir_fd + 1, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lim), 0);
    const bool ok = append(&x, 0, &ref, 1, false, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    CHECK("none", !ok);
    CHECK_EQ("none", err.sys, EMFILE);
    CHECK_HAS("none", err.hint, "--max-open");
    end(&x);
}

/* Flow 0 gets A, then C, D and F, in rounds of their own; flow 1 B and E. */
static void appscene_end(struct fixture *x, struct scene *s, const struct dialect *d,
                         struct clv_error *err)
{
    static const struct {
        uint32_t flow, first, n;
        bool last;
    } appends[] = {
        {0, 0, 1, false}, {1, 1, 1, false}, {0, 2, 2, false}, {1, 4, 1, false}, {0, 5, 1, true},
    };
    struct form_round round = {
        .base = s->b.p,
        .position = SCENE_POSITION,
        .source = {.dialect = d, .format = &s->format, .n_entries = ledger_count(&s->ledger)}};
    for (size_t i = 0; i < N_ROWS(appends); i++) {
        const uint32_t flow = appends[i].flow;
        round.last = appends[i].last;
        CHECK(x->names[flow], writer_append(&x->w, &x->scratch, flow, x->names[flow], &round,
                                            &s->refs[appends[i].first], appends[i].n, err));
        x->records += appends[i].n;
    }
    /* Flow 1 has no records in the last round. */
    CHECK("finished", !writer_unfinished(&x->w, 0, &round));
    CHECK_EQ("unfinished", writer_unfinished(&x->w, 1, &round), d->form == DIALECT_PCAPNG);
    if (d->form == DIALECT_PCAPNG) {
        CHECK("finish", writer_finish(&x->w, &x->scratch, 1, x->names[1], &round, err));
        CHECK("finished", !writer_unfinished(&x->w, 1, &round));
        for (uint32_t i = 0; i < 2; i++)
            CHECK("rest", writer_rest(&x->w, &x->scratch, i, x->names[i], &round, err));
    }
    CHECK("close", writer_close(&x->w, err));
}

static void pcapng(enum clv_compress compress)
{
    for (uint32_t max_open = 1; max_open <= 2; max_open++) {
        static struct fixture x;
        struct scene s;
        struct clv_error err = {0};
        scene_begin(&s);
        struct metadata metadata;
        assert_true(metadata_init(&metadata, &s.ledger, support_secret()));
        const struct dialect d = {.form = DIALECT_PCAPNG,
                                  .compress = compress,
                                  .metadata = true,
                                  .ledger = &s.ledger,
                                  .picker = &metadata};
        begin_with(&x, &d, 2, max_open);
        appscene_end(&x, &s, &d, &err);
        for (unsigned flow = 0; flow < 2; flow++)
            for (unsigned big = 0; big < 2; big++) {
                struct bytes *b = &x.want[flow], iface = {0};
                put_section(b, big);
                const size_t block = block_begin(&iface, big, BLOCK_INTERFACE);
                put_interface_head(&iface, big, 1, 0);
                if (big)
                    put_option_byte(&iface, big, OPTION_TSRESOL, 9);
                block_end(&iface, big, block);
                put_bytes(b, iface.p, iface.len);
                if (flow == 1) {
                    put_packet(b, big, 0, 1700000000, big ? "EFGH" : "BCDE", 4, 40);
                } else {
                    put_packet(b, big, 0, 1700000000, big ? "DEFG" : "ABCD", 4, 40);
                    put_packet(b, big, 0, 1700000000, big ? "FGHI" : "CDEF", 4, 40);
                }
                put_block(b, big, BLOCK_NAMES, big ? "big " : "none", 4);
                bytes_free(&iface);
            }
        check_outputs(&x, "pcapng");
        CHECK_EQ("no error", err.code, CLV_ERR_NONE);
        end(&x);
        metadata_fini(&metadata);
        scene_end(&s);
    }
}

static void test_pcapng(void **state)
{
    (void)state;
    pcapng(CLV_COMPRESS_NONE);
    for_each_packer(pcapng);
}

/* Each interface's times in their own units, in sections of both orders. */
static void test_dumped(void **state)
{
    const struct savefile_dialect ns = {.big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
                                        .magic = MAGIC_NS};
    static struct fixture x;
    static struct dialect d;
    struct scene s;
    struct clv_error err = {0};
    const struct dialect_kind kind = {.linktype = 1, .nanoseconds = true};
    (void)state;
    scene_begin(&s);
    d = (struct dialect){.form = DIALECT_PCAP, .metadata = true, .ledger = &s.ledger};
    assert_int_equal(dialect_kind(&d, &kind), 0);
    begin_with(&x, &d, 2, 1);
    appscene_end(&x, &s, &d, &err);
    for (unsigned flow = 0; flow < 2; flow++) {
        put_file_header(&x.want[flow], &ns);
        for (const char *p = flow ? "BE" : "ACDF"; *p; p++) {
            const bool us = *p < 'D';
            put_record_header(&x.want[flow], &ns, us ? 1700 : 1, us ? 0 : 700000000, 4, 40);
            for (char k = 0; k < 4; k++)
                put_fill(&x.want[flow], (uint8_t)(*p + k), 1);
        }
    }
    check_outputs(&x, "dumped");
    CHECK_EQ("no error", err.code, CLV_ERR_NONE);
    end(&x);
    scene_end(&s);
}

/* An output's trail is memory of its own; without it nothing is written as if it were there. */
static void test_no_memory(void **state)
{
    (void)state;
    for (uint64_t nth = 1;; nth++) {
        static struct fixture x;
        struct scene s;
        struct clv_error err = {0};
        scene_begin(&s);
        const struct dialect d = {.form = DIALECT_PCAPNG, .ledger = &s.ledger};
        const struct form_round round = {
            .base = s.b.p,
            .position = SCENE_POSITION,
            .source = {.dialect = &d, .format = &s.format, .n_entries = ledger_count(&s.ledger)},
            .last = true};
        begin_with(&x, &d, 2, 1);
        mem_fail_from(nth);
        const bool ok = writer_append(&x.w, &x.scratch, 1, x.names[1], &round, s.refs, 6, &err);
        mem_fail_from(0);
        CHECK_EQ("no memory", err.code, ok ? CLV_ERR_NONE : CLV_ERR_NOMEM);
        CHECK_EQ("closed", file_of(&x, 1)->slot, 0);
        end(&x);
        scene_end(&s);
        if (ok) {
            CHECK("something was allocated", nth > 2);
            break;
        }
    }
}

static struct dialect packed_dialect(enum clv_compress kind)
{
    struct dialect d = dialect;
    d.compress = kind;
    return d;
}

/* Rounds over flows, some of which end before the last one, exactly at a stretch's end or not. */
static void packed(enum clv_compress kind)
{
    enum { FLOWS = 12, ROUNDS = 8 };
    static const uint32_t limits[] = {1, 3, 100};
    for (size_t i = 0; i < N_ROWS(limits); i++) {
        static struct fixture x;
        struct clv_error err = {0};
        uint64_t seed = i + 1;
        const struct dialect d = packed_dialect(kind);
        const uint32_t max_open = limits[i];
        char row[48];
        (void)snprintf(row, sizeof row, "%u open, %s", max_open, pack_ending(d.compress));
        begin_with(&x, &d, FLOWS, max_open);
        memset(x.source, 0, SOURCE / 2); /* some records can be compressed */
        for (unsigned r = 0; r < ROUNDS; r++)
            for (uint32_t flow = 0; flow < FLOWS; flow++) {
                struct form_ref refs[8];
                if (flow && (flow + r) % 3 == 0)
                    continue; /* it sleeps */
                for (size_t k = 0; k < N_ROWS(refs); k++)
                    refs[k] = (struct form_ref){
                        .offset = (uint32_t)(noise(&seed) >> 40) % (SOURCE - 40000),
                        .len = 16 + (uint32_t)(noise(&seed) >> 40) % (flow % 2 ? 400 : 20000)};
                if (flow == 2 && r == 0) { /* its first round is a stretch */
                    refs[0] = (struct form_ref){0, STAGE_CHUNK - HEADER};
                    CHECK(row, append(&x, flow, refs, 1, false, &err));
                    CHECK_EQ(row, tail_of(&x, flow), 0);
                    continue;
                }
                CHECK(row, append(&x, flow, refs, N_ROWS(refs), r == ROUNDS - 1, &err));
                CHECK(row, x.files.n_open <= max_open);
            }
        const struct form_round last = {.base = x.source, .source = {.dialect = &d}, .last = true};
        for (uint32_t flow = 0; flow < FLOWS; flow++) {
            const bool slept = flow && (flow + ROUNDS - 1) % 3 == 0;
            CHECK_EQ(row, writer_unfinished(&x.w, flow, &last), slept);
            if (slept)
                CHECK(row, writer_finish(&x.w, &x.scratch, flow, x.names[flow], &last, &err));
            CHECK(row, !writer_unfinished(&x.w, flow, &last));
        }
        CHECK(row, writer_close(&x.w, &err));
        CHECK_EQ(row, err.code, CLV_ERR_NONE);
        check_outputs(&x, row);
        end(&x);
    }
}

static void test_packed(void **state)
{
    (void)state;
    for_each_packer(packed);
}

/* Outputs that end with a stretch lack nothing: they are not opened again. */
static void packed_exactly(enum clv_compress kind)
{
    const struct dialect d = packed_dialect(kind);
    const struct form_round last = {.source = {.dialect = &d}, .last = true};
    for (uint32_t n = 1; n <= 3; n++) {
        static struct fixture x;
        const struct form_ref ref = {0, n * STAGE_CHUNK - HEADER};
        begin_with(&x, &d, 1, 1);
        CHECK("stretches", append(&x, 0, &ref, 1, false, NULL));
        CHECK("stretches", !writer_unfinished(&x.w, 0, &last));
        CHECK("stretches", writer_close(&x.w, NULL));
        check_outputs(&x, "stretches");
        end(&x);
    }
}

static void test_packed_exactly(void **state)
{
    (void)state;
    for_each_packer(packed_exactly);
}

/* Somebody truncates an output of which a part waits, open or not. */
static void packed_cut_off(enum clv_compress kind)
{
    const struct dialect d = packed_dialect(kind);
    const struct form_ref ref = {0, 1000};
    const struct form_round last = {.source = {.dialect = &d}, .last = true};
    for (uint32_t max_open = 1; max_open <= 2; max_open++)
        for (unsigned finish = 0; finish < 2; finish++) {
            static struct fixture x;
            struct clv_error err = {0};
            begin_with(&x, &d, 2, max_open);
            CHECK("first", append(&x, 0, &ref, 1, false, NULL));
            CHECK("other", append(&x, 1, &ref, 1, false, NULL));
            assert_int_equal(truncate(temp_path(&x.temp, x.names[0]), 500), 0);
            if (!finish)
                CHECK("again", !append(&x, 0, &ref, 1, false, &err));
            else
                CHECK("finish", !writer_finish(&x.w, &x.scratch, 0, x.names[0], &last, &err));
            CHECK_EQ("cut off", err.code, CLV_ERR_IO);
            CHECK_STR("cut off", err.subject, x.names[0]);
            CHECK_HAS("cut off", err.what, "truncated");
            CHECK_EQ("closed", file_of(&x, 0)->slot, 0);
            CHECK("the other", writer_finish(&x.w, &x.scratch, 1, x.names[1], &last, &err));
            CHECK("close", writer_close(&x.w, NULL));
            end(&x);
        }
}

static void test_packed_cut_off(void **state)
{
    (void)state;
    for_each_packer(packed_cut_off);
}

/* How much of an output waits is remembered by flow, in memory of its own. */
static void packed_memory(enum clv_compress kind)
{
    const struct form_ref ref = {0, 1000};
    const struct dialect d = packed_dialect(kind);
    bool ok = false;
    for (uint64_t nth = 1; !ok; nth++) {
        static struct fixture x;
        struct clv_error err = {0};
        begin_with(&x, &d, 2, 2);
        mem_fail_from(nth);
        ok = append(&x, 1, &ref, 1, true, &err);
        mem_fail_from(0);
        CHECK_EQ("no memory", err.code, ok ? CLV_ERR_NONE : CLV_ERR_NOMEM);
        CHECK_EQ("closed", file_of(&x, 1)->slot, 0);
        CHECK("something was allocated", !ok || nth > 1);
        if (ok)
            check_outputs(&x, "no memory");
        end(&x);
    }
}

static void test_packed_memory(void **state)
{
    (void)state;
    for_each_packer(packed_memory);
}

/* A zeroed writer has nothing to close. */
static void test_fini(void **state)
{
    static struct fixture x;
    struct writer none = {0};
    const struct form_ref ref = {0, 100};
    (void)state;
    writer_fini(&none);
    begin(&x, 3, 3);
    for (uint32_t i = 0; i < 3; i++)
        CHECK("append", append(&x, i, &ref, 1, false, NULL));
    CHECK_EQ("open", open_descriptors(), x.fds + 4);
    files_fini(&x.files);
    CHECK_EQ("closed", open_descriptors(), x.fds + 1);
    end(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds),          cmocka_unit_test(test_least_recent),
        cmocka_unit_test(test_sizes),           cmocka_unit_test(test_continued),
        cmocka_unit_test(test_alignment),       cmocka_unit_test(test_header_alone),
        cmocka_unit_test(test_directories),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_vanished),        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_few_descriptors), cmocka_unit_test(test_no_descriptor),
        cmocka_unit_test(test_pcapng),          cmocka_unit_test(test_dumped),
        cmocka_unit_test(test_no_memory),       cmocka_unit_test(test_packed),
        cmocka_unit_test(test_packed_exactly),  cmocka_unit_test(test_packed_cut_off),
        cmocka_unit_test(test_packed_memory),   cmocka_unit_test(test_fini),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
