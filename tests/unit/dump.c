/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"

#include <errno.h>
#include <pcap/pcap.h>

#include "base/mem.h"
#include "cleave/packet.h"
#include "format/dump.h"

enum { LONGEST = STAGE_CHUNK + 5000 };

static uint8_t data[LONGEST];

struct record_row {
    int64_t ts_ns;
    uint32_t caplen, origlen;
};

static const struct record_row records[] = {
    {1795391999123456789, 60, 60},
    {0, 0, 1},
    {1, 1, 1500},
    {999, 2, 2},
    {999999999, 3, 3},
    {1000000000, 4096, 4096},
    {INT64_C(2147483647999999999), 5, 5},
    {INT64_C(2147483648000000000), 6, 6},
    {INT64_C(4294967295999999999), 7, UINT32_MAX},
    {5, LONGEST, LONGEST},
    {6, 9, 8},
};

/* The same records by libpcap alone. */
static void by_libpcap(const char *path, const struct dialect_kind *kind)
{
    const u_int precision =
        kind->nanoseconds ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO;
    pcap_t *p = pcap_open_dead_with_tstamp_precision(clv_dlt_from_linktype(kind->linktype), 262144,
                                                     precision);
    assert_non_null(p);
    pcap_dumper_t *d = pcap_dump_open(p, path);
    assert_non_null(d);
    for (size_t i = 0; i < N_ROWS(records); i++) {
        const int64_t rest = records[i].ts_ns % 1000000000;
        const struct pcap_pkthdr h = {
            .ts = {.tv_sec = (time_t)(records[i].ts_ns / 1000000000),
                   .tv_usec = kind->nanoseconds ? rest : rest / 1000},
            .caplen = records[i].caplen,
            .len = records[i].origlen,
        };
        pcap_dump((u_char *)d, &h, data);
    }
    assert_int_equal(pcap_dump_flush(d), 0);
    pcap_dump_close(d);
    pcap_close(p);
}

static const struct {
    const char *name;
    struct dialect_kind kind;
} kinds[] = {
    {"us", {1, 0, false}},      {"ns", {1, 0, true}},      {"raw IP", {101, 0, false}},
    {"C_HDLC", {104, 0, true}}, {"an FCS", {1, 4, false}}, {"Linux cooked", {276, 0, true}},
};

static void begin(struct stage *s, int fd, uint64_t size, const char *name, struct clv_error *err)
{
    const struct stage_place place = {.fd = fd, .size = size};
    assert_true(stage_begin(s, &place, 0, name, err));
}

/*
 * Outputs of all kinds through one stage and dumper, a record at a time each, and again from where
 * the last one ended.
 */
static void test_like_libpcap(void **state)
{
    enum { N = N_ROWS(kinds) };
    struct temp t;
    struct stage s;
    struct dump *dump = NULL;
    struct clv_error err = {0};
    uint64_t seed = 4, sizes[N] = {0};
    int fds[N];
    (void)state;
    temp_make(&t);
    for (size_t i = 0; i < LONGEST; i++)
        data[i] = (uint8_t)(noise(&seed) >> 56);
    assert_true(stage_init(&s));
    const unsigned fds_before = open_descriptors();
    for (size_t k = 0; k < N; k++) {
        fds[k] = open(temp_path(&t, kinds[k].name), O_WRONLY | O_CREAT | O_EXCL, 0600);
        assert_true(fds[k] >= 0);
        begin(&s, fds[k], 0, kinds[k].name, &err);
        CHECK(kinds[k].name, dump_header(&s, &kinds[k].kind));
        CHECK(kinds[k].name, stage_end(&s));
        sizes[k] = s.place.size;
    }
    for (size_t i = 0; i < N_ROWS(records); i++)
        for (size_t k = 0; k < N; k++) {
            const struct walk_record rec = {.data = data,
                                            .caplen = records[i].caplen,
                                            .origlen = records[i].origlen,
                                            .ts_ns = records[i].ts_ns};
            begin(&s, fds[k], sizes[k], kinds[k].name, &err);
            CHECK(kinds[k].name, dump_record(&dump, &s, &kinds[k].kind, &rec));
            CHECK(kinds[k].name, stage_end(&s));
            sizes[k] = s.place.size;
        }
    for (size_t k = 0; k < N; k++) {
        struct bytes want = {0}, got = {0};
        assert_int_equal(close(fds[k]), 0);
        by_libpcap(temp_path(&t, "want"), &kinds[k].kind);
        temp_read(&t, "want", &want);
        temp_read(&t, kinds[k].name, &got);
        CHECK_EQ(kinds[k].name, got.len, want.len);
        CHECK_MEM(kinds[k].name, got.p, want.p, want.len);
        bytes_free(&want);
        bytes_free(&got);
    }
    CHECK_EQ("no error", err.code, CLV_ERR_NONE);
    CHECK_EQ("descriptors", open_descriptors(), fds_before);
    dump_close(&dump);
    stage_fini(&s);
    temp_remove(&t);
}

/* Times that a savefile has no place for. */
static void test_times(void **state)
{
    static const struct {
        const char *name;
        int64_t ts_ns;
        bool nanoseconds;
        uint32_t sec, frac;
        uint32_t caplen, origlen;
    } rows[] = {
        {"none", WALK_NO_TIME, false, 0, 0, 4, 4},
        {"none, ns", WALK_NO_TIME, true, 0, 0, 4, 4},
        {"none, of an empty packet", WALK_NO_TIME, false, 0, 1, 0, 0},
        {"the first, of an empty packet, ns", 0, true, 0, 1, 0, 0},
        {"the first, of a packet that was cut", 0, true, 0, 0, 0, 60},
        {"another, of an empty packet", 1000000000, false, 1, 0, 0, 0},
        {"before the epoch", -1, true, UINT32_MAX, 999999999, 4, 4},
        {"before the epoch, us", -1, false, UINT32_MAX, 999999, 4, 4},
        {"a second before the epoch", -1000000000, false, UINT32_MAX, 0, 4, 4},
        {"us are cut, not rounded", 1999999999, false, 1, 999999, 4, 4},
        {"seconds of 33 bits", INT64_C(4294967296000000001), true, 0, 1, 4, 4},
    };
    struct temp t;
    struct stage s;
    struct dump *dump = NULL;
    struct clv_error err = {0};
    (void)state;
    temp_make(&t);
    assert_true(stage_init(&s));
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct dialect_kind kind = {1, 0, rows[i].nanoseconds};
        const struct walk_record rec = {.data = data,
                                        .caplen = rows[i].caplen,
                                        .origlen = rows[i].origlen,
                                        .ts_ns = rows[i].ts_ns};
        struct bytes got = {0};
        uint32_t sec, frac;
        const int fd = open(temp_path(&t, "out"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_true(fd >= 0);
        begin(&s, fd, 0, "out", &err);
        CHECK(rows[i].name, dump_record(&dump, &s, &kind, &rec));
        CHECK(rows[i].name, stage_end(&s));
        assert_int_equal(close(fd), 0);
        temp_read(&t, "out", &got);
        CHECK_EQ(rows[i].name, got.len, 16 + rows[i].caplen);
        memcpy(&sec, got.p, 4); /* this machine's byte order */
        memcpy(&frac, got.p + 4, 4);
        CHECK_EQ(rows[i].name, sec, rows[i].sec);
        CHECK_EQ(rows[i].name, frac, rows[i].frac);
        bytes_free(&got);
    }
    dump_close(&dump);
    stage_fini(&s);
    temp_remove(&t);
}

static void test_failures(void **state)
{
    static const struct walk_record rec = {.data = data, .caplen = LONGEST, .origlen = LONGEST};
    const struct dialect_kind kind = {1, 0, false};
    struct temp t;
    struct stage s;
    struct dump *dump = NULL;
    struct clv_error err = {0};
    (void)state;
    temp_make(&t);
    assert_true(stage_init(&s));
    const int fd = open(temp_file(&t, "out", NULL, 0), O_RDONLY);
    assert_true(fd >= 0);
    begin(&s, fd, 0, "out", &err);
    mem_fail_from(1);
    CHECK("no memory", !dump_record(&dump, &s, &kind, &rec));
    mem_fail_from(0);
    CHECK_EQ("no memory", err.code, CLV_ERR_NOMEM);
    CHECK("cannot be written", !dump_record(&dump, &s, &kind, &rec));
    CHECK_EQ("cannot be written", err.code, CLV_ERR_IO);
    CHECK_EQ("cannot be written", err.sys, EBADF);
    dump_close(&dump);
    dump_close(&dump); /* nothing is left to free */
    stage_fini(&s);
    assert_int_equal(close(fd), 0);
    temp_remove(&t);
}

UNIT(dump)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_libpcap),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
