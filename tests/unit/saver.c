/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_savefile.h"
#include "support_temp.h"

#include <errno.h>

#include "base/mem.h"
#include "cleave/packet.h"

/* libpcap writes the machine's byte order. */
#define BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

static void test_files(void **state)
{
    static const struct {
        const char *name;
        struct clv_saver_params params;
        uint32_t magic, network, snaplen;
        int64_t ts_ns;
        uint32_t sec, frac;
    } rows[] = {
        {"default", {0}, MAGIC_US, 1, 262144, 1000000000, 1, 0},
        {"us are cut, not rounded", {0}, MAGIC_US, 1, 262144, 1999999999, 1, 999999},
        {"ns", {.nanoseconds = true}, MAGIC_NS, 1, 262144, 1999999999, 1, 999999999},
        {"the epoch", {.nanoseconds = true}, MAGIC_NS, 1, 262144, 0, 0, 0},
        {"the last time",
         {.nanoseconds = true},
         MAGIC_NS,
         1,
         262144,
         INT64_C(4294967295999999999),
         UINT32_MAX,
         999999999},
        {"raw IP", {.linktype = 101}, MAGIC_US, 101, 262144, 1, 0, 0},
        {"Linux cooked", {.linktype = 113, .snaplen = 96}, MAGIC_US, 113, 96, 1, 0, 0},
        {"C_HDLC", {.linktype = 104}, MAGIC_US, 104, 262144, 1, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *row = rows[i].name;
        const struct savefile_dialect d = {.big = BIG,
                                           .magic = rows[i].magic,
                                           .network = rows[i].network,
                                           .snaplen = rows[i].snaplen};
        struct temp t;
        struct clv_saver *s;
        struct clv_error err = {0};
        struct bytes want = {0}, got = {0};
        uint8_t packet[70] = "a packet, captured in part or whole";
        temp_make(&t);
        const unsigned fds = open_descriptors();
        put_file_header(&want, &d);
        CHECK(row, clv_saver_open(&s, temp_path(&t, "a.pcap"), &rows[i].params, &err));
        for (uint32_t len = 0; len <= sizeof packet; len += 7) {
            put_record_header(&want, &d, rows[i].sec, rows[i].frac, len, len + 5);
            put_bytes(&want, packet, len);
            CHECK(row, clv_saver_put(s, rows[i].ts_ns, packet, len, len + 5, &err));
            packet[0]++; /* what was put was copied */
        }
        CHECK(row, clv_saver_close(&s, &err));
        CHECK(row, !s);
        CHECK_EQ(row, err.code, CLV_ERR_NONE);
        temp_read(&t, "a.pcap", &got);
        CHECK_EQ(row, got.len, want.len);
        CHECK_MEM(row, got.p, want.p, got.len);
        CHECK_EQ(row, open_descriptors(), fds);
        bytes_free(&want);
        bytes_free(&got);
        temp_remove(&t);
    }
}

static void test_existing(void **state)
{
    struct temp t;
    struct clv_saver *s;
    struct clv_error err = {0};
    struct bytes got = {0};
    const struct clv_saver_params keep = {0}, replace = {.overwrite = true};
    (void)state;
    temp_make(&t);
    (void)temp_file(&t, "a.pcap", "old", 3);
    CHECK("kept", !clv_saver_open(&s, t.path, &keep, &err));
    CHECK("kept", !s);
    CHECK_EQ("kept", err.code, CLV_ERR_EXISTS);
    CHECK_STR("kept", err.subject, t.path);
    temp_read(&t, "a.pcap", &got);
    CHECK_EQ("kept", got.len, 3);
    CHECK("replaced", clv_saver_open(&s, t.path, &replace, &err));
    CHECK("replaced", clv_saver_close(&s, &err));
    got.len = 0;
    temp_read(&t, "a.pcap", &got);
    CHECK_EQ("replaced", got.len, 24);
    bytes_free(&got);
    temp_remove(&t);
}

/* On failure no new file remains, and what was there before is still there. */
static void test_refusals(void **state)
{
    static const struct {
        const char *name;
        const char *path;
        struct clv_saver_params params;
        enum clv_errc code;
        int sys;
    } rows[] = {
        {"no directory", "missing/a.pcap", {0}, CLV_ERR_IO, ENOENT},
        {"a directory", ".", {.overwrite = true}, CLV_ERR_IO, EISDIR},
        {"a link type that libpcap cannot write", "a.pcap", {.linktype = 20}, CLV_ERR_ARG, 0},
        {"the same over an old file",
         "old.pcap",
         {.linktype = 20, .overwrite = true},
         CLV_ERR_ARG,
         0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct temp t;
        struct clv_saver *s;
        struct clv_error err = {0};
        struct bytes old = {0};
        temp_make(&t);
        (void)temp_file(&t, "old.pcap", "old", 3);
        const unsigned fds = open_descriptors();
        CHECK(rows[i].name,
              !clv_saver_open(&s, temp_path(&t, rows[i].path), &rows[i].params, &err));
        CHECK(rows[i].name, !s);
        CHECK_EQ(rows[i].name, err.code, rows[i].code);
        CHECK_EQ(rows[i].name, err.sys, rows[i].sys);
        CHECK_EQ(rows[i].name, open_descriptors(), fds);
        CHECK_EQ(rows[i].name, count_entries(t.dir), 1);
        temp_read(&t, "old.pcap", &old);
        CHECK_EQ(rows[i].name, old.len, 3);
        bytes_free(&old);
        temp_remove(&t);
    }
}

static void test_times(void **state)
{
    static const struct {
        const char *name;
        int64_t ts_ns;
    } rows[] = {
        {"before the epoch", -1},
        {"long before it", INT64_MIN},
        {"beyond 32 bits of seconds", INT64_C(4294967296000000000)},
        {"far beyond", INT64_MAX},
    };
    struct temp t;
    struct clv_saver *s;
    const struct clv_saver_params params = {0};
    struct bytes got = {0};
    (void)state;
    temp_make(&t);
    assert_true(clv_saver_open(&s, temp_path(&t, "a"), &params, NULL));
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct clv_error err = {0};
        CHECK(rows[i].name, !clv_saver_put(s, rows[i].ts_ns, "x", 1, 1, &err));
        CHECK_EQ(rows[i].name, err.code, CLV_ERR_ARG);
    }
    CHECK("close", clv_saver_close(&s, NULL));
    temp_read(&t, "a", &got);
    CHECK_EQ("nothing was written", got.len, 24);
    bytes_free(&got);
    temp_remove(&t);
}

/* /dev/full: small files fail when they are closed, large ones while they are written. */
static void test_full_disk(void **state)
{
    static uint8_t packet[60000];
    const struct clv_saver_params params = {.overwrite = true};
    const unsigned fds = open_descriptors();
    struct clv_saver *s;
    struct clv_error err = {0};
    (void)state;
    if (access("/dev/full", W_OK) != 0)
        skip();
    assert_true(clv_saver_open(&s, "/dev/full", &params, NULL));
    CHECK("put", clv_saver_put(s, 0, packet, 10, 10, &err));
    CHECK("close", !clv_saver_close(&s, &err));
    CHECK("close", !s);
    CHECK_EQ("close", err.sys, ENOSPC);

    assert_true(clv_saver_open(&s, "/dev/full", &params, NULL));
    bool ok = true;
    err = (struct clv_error){0};
    for (unsigned i = 0; i < 100 && ok; i++)
        ok = clv_saver_put(s, 0, packet, sizeof packet, sizeof packet, &err);
    CHECK("6 MB", !ok);
    CHECK_EQ("6 MB", err.code, CLV_ERR_IO);
    CHECK_EQ("6 MB", err.sys, ENOSPC);
    CHECK("close after it", !clv_saver_close(&s, &err));
    CHECK_EQ("descriptors", open_descriptors(), fds);
}

static void test_destroy(void **state)
{
    struct temp t;
    struct clv_saver *s = NULL;
    struct bytes old = {0};
    const unsigned fds = open_descriptors();
    (void)state;
    clv_saver_destroy(&s);
    temp_make(&t);
    (void)temp_file(&t, "old", "old", 3);
    for (unsigned i = 0; i < 2; i++) {
        const struct clv_saver_params params = {.overwrite = i == 1};
        assert_true(clv_saver_open(&s, temp_path(&t, i ? "old" : "new"), &params, NULL));
        CHECK("put", clv_saver_put(s, 0, "x", 1, 1, NULL));
        CHECK("not there before it is complete", !temp_has(&t, "new"));
        clv_saver_destroy(&s);
        CHECK("destroyed", !s);
        CHECK_EQ("nothing is left but what was there", count_entries(t.dir), 1);
        CHECK_EQ("descriptors", open_descriptors(), fds);
    }
    temp_read(&t, "old", &old);
    CHECK_EQ("what was there", old.len, 3);
    bytes_free(&old);
    temp_remove(&t);
}

static void test_no_memory(void **state)
{
    const struct clv_saver_params params = {0};
    struct temp t;
    (void)state;
    temp_make(&t);
    for (uint64_t nth = 1;; nth++) {
        struct clv_saver *s;
        struct clv_error err = {0};
        mem_fail_from(nth);
        const bool ok = clv_saver_open(&s, temp_path(&t, "a"), &params, &err);
        mem_fail_from(0);
        if (ok) {
            CHECK("something was allocated", nth > 1);
            clv_saver_destroy(&s);
            break;
        }
        CHECK_EQ("no memory", err.code, CLV_ERR_NOMEM);
        CHECK("no memory", !s);
        CHECK_EQ("no memory", count_entries(t.dir), 0);
    }
    temp_remove(&t);
}

UNIT(saver)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),     cmocka_unit_test(test_existing),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_times),
        cmocka_unit_test(test_full_disk), cmocka_unit_test(test_destroy),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
