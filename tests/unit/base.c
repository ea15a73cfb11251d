/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"

#include <errno.h>
#include <time.h>

#include "base/fail.h"
#include "base/mem.h"
#include "base/text.h"

/* Sanitizers end a program that asks calloc() for too much; here NULL is the point. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void test_loads(void **state)
{
    static const struct {
        const char *name;
        uint8_t p[5]; /* loaded from byte 1: no alignment may be claimed */
        uint16_t be16, le16;
        uint32_t be32, le32;
    } rows[] = {
        {"zero", {0xff, 0, 0, 0, 0}, 0, 0, 0, 0},
        {"each byte its own", {0, 1, 2, 3, 4}, 0x0102, 0x0201, 0x01020304, 0x04030201},
        {"all ones", {0, 255, 255, 255, 255}, 0xffff, 0xffff, UINT32_MAX, UINT32_MAX},
        {"top bits", {0, 0x80, 0, 0, 0x80}, 0x8000, 0x0080, 0x80000080, 0x80000080},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        uint8_t out[4];
        CHECK_EQ(rows[i].name, load_be16(rows[i].p + 1), rows[i].be16);
        CHECK_EQ(rows[i].name, load_le16(rows[i].p + 1), rows[i].le16);
        CHECK_EQ(rows[i].name, load_be32(rows[i].p + 1), rows[i].be32);
        CHECK_EQ(rows[i].name, load_le32(rows[i].p + 1), rows[i].le32);
        store_be32(out, rows[i].be32);
        CHECK_MEM(rows[i].name, out, rows[i].p + 1, 4);
        store_le32(out, rows[i].le32);
        CHECK_MEM(rows[i].name, out, rows[i].p + 1, 4);
        store_be16(out, rows[i].be16);
        CHECK_MEM(rows[i].name, out, rows[i].p + 1, 2);
        store_le16(out, rows[i].le16);
        CHECK_MEM(rows[i].name, out, rows[i].p + 1, 2);
    }
}

#define HALF ((size_t)1 << sizeof(size_t) * 4) /* its square is one beyond the largest */

static void test_sums(void **state)
{
    static const struct {
        const char *name;
        size_t a, b;
        bool add_ok, mul_ok;
        size_t sum, product;
    } rows[] = {
        {"zeros", 0, 0, true, true, 0, 0},
        {"small", 3, 4, true, true, 7, 12},
        {"one below the end", SIZE_MAX - 1, 1, true, true, SIZE_MAX, SIZE_MAX - 1},
        {"one beyond the end", SIZE_MAX, 1, false, true, 0, SIZE_MAX},
        {"twice the half", SIZE_MAX / 2 + 1, 2, true, false, SIZE_MAX / 2 + 3, 0},
        {"squares", HALF, HALF, true, false, 2 * HALF, 0},
        {"nothing times all", 0, SIZE_MAX, true, true, SIZE_MAX, 0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        size_t out = 0;
        CHECK_EQ(rows[i].name, size_add(rows[i].a, rows[i].b, &out), rows[i].add_ok);
        if (rows[i].add_ok)
            CHECK_EQ(rows[i].name, out, rows[i].sum);
        CHECK_EQ(rows[i].name, size_mul(rows[i].a, rows[i].b, &out), rows[i].mul_ok);
        if (rows[i].mul_ok)
            CHECK_EQ(rows[i].name, out, rows[i].product);
    }
}

static void test_spans(void **state)
{
    static const struct {
        const char *name;
        size_t len, off, n;
        bool want;
    } rows[] = {
        {"all of it", 8, 0, 8, true},
        {"nothing at the end", 8, 8, 0, true},
        {"one beyond the end", 8, 8, 1, false},
        {"begins beyond the end", 8, 9, 0, false},
        {"a sum that wraps", 8, 4, SIZE_MAX - 2, false},
        {"an offset that wraps", 8, SIZE_MAX, 2, false},
        {"nothing of nothing", 0, 0, 0, true},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct clv_span s = {.len = rows[i].len};
        CHECK_EQ(rows[i].name, span_has(&s, rows[i].off, rows[i].n), rows[i].want);
    }
    CHECK_EQ("min", min_u64(UINT64_MAX, 1), 1);
    CHECK_EQ("max", max_u64(UINT64_MAX, 1), UINT64_MAX);
}

static void test_subject(void **state)
{
    static const size_t lens[] = {0, 1, 254, 255, 256, 257, 300, 4000};
    (void)state;
    for (size_t i = 0; i < N_ROWS(lens); i++) {
        struct clv_error err;
        char row[32], path[4001];
        const size_t len = lens[i];
        (void)snprintf(row, sizeof row, "a subject of %zu bytes", len);
        for (size_t k = 0; k < len; k++)
            path[k] = (char)('a' + k % 26);
        path[len] = '\0';
        CHECK(row, !clv_fail(&err, CLV_ERR_ARG, path, "no"));
        if (len < sizeof err.subject) {
            CHECK_STR(row, err.subject, path);
        } else {
            CHECK_EQ(row, strlen(err.subject), sizeof err.subject - 1);
            CHECK_MEM(row, err.subject, "...", 3);
            CHECK_STR(row, err.subject + 3, path + len - (sizeof err.subject - 4));
        }
    }
}

static void test_fail(void **state)
{
    struct clv_error err;
    (void)state;
    memset(&err, 0xa5, sizeof err);
    CHECK("fail", !clv_fail(&err, CLV_ERR_FORMAT, "a.pcap", "%d of %s", 3, "them"));
    CHECK_EQ("fail", err.code, CLV_ERR_FORMAT);
    CHECK_EQ("fail", err.sys, 0);
    CHECK_EQ("fail", err.offset, CLV_NO_OFFSET);
    CHECK_EQ("fail", err.record, 0);
    CHECK_STR("fail", err.what, "3 of them");
    CHECK_STR("fail", err.hint, "");
    CHECK("at", !clv_fail_at(&err, 99, 4));
    CHECK_EQ("at", err.offset, 99);
    CHECK_EQ("at", err.record, 4);
    CHECK("hint", !clv_fail_hint(&err, "try %s", "again"));
    CHECK_STR("hint", err.hint, "try again");
    CHECK_STR("hint", err.what, "3 of them");

    errno = EACCES;
    CHECK("errno", !clv_fail_errno(&err, "a.pcap", "cannot be opened"));
    CHECK_EQ("errno", err.code, CLV_ERR_IO);
    CHECK_EQ("errno", err.sys, EACCES);
    CHECK_STR("errno", err.hint, "");
    errno = ENOMEM;
    CHECK("ENOMEM", !clv_fail_errno(&err, "a.pcap", "cannot be opened"));
    CHECK_EQ("ENOMEM", err.code, CLV_ERR_NOMEM);
    CHECK("nomem", !clv_fail_nomem(&err, "table", 4711));
    CHECK_EQ("nomem", err.code, CLV_ERR_NOMEM);
    CHECK_HAS("nomem", err.what, "4711");

    CHECK("NULL", !clv_fail(NULL, CLV_ERR_ARG, "x", "no"));
    CHECK("NULL", !clv_fail_errno(NULL, "x", "no"));
    CHECK("NULL", !clv_fail_nomem(NULL, "x", 1));
    CHECK("NULL", !clv_fail_hint(NULL, "x"));
    CHECK("NULL", !clv_fail_at(NULL, 1, 1));
}

static void test_error_format(void **state)
{
    static const struct {
        const char *name;
        struct clv_error err;
        const char *want;
    } rows[] = {
        {"no offset",
         {.offset = CLV_NO_OFFSET, .subject = "a.pcap", .what = "is bad"},
         "a.pcap: is bad"},
        {"offset", {.offset = 0, .subject = "a.pcap", .what = "is bad"}, "a.pcap: byte 0: is bad"},
        {"offset and record",
         {.offset = 8388608, .record = 1042, .subject = "day3.pcap", .what = "cut"},
         "day3.pcap: byte 8388608 (record 1042): cut"},
        {"errno",
         {.offset = CLV_NO_OFFSET, .sys = ENOENT, .subject = "a", .what = "cannot be opened"},
         "a: cannot be opened: No such file or directory"},
        {"no subject", {.offset = CLV_NO_OFFSET, .what = "is bad"}, "\"\": is bad"},
        {"escape sequence",
         {.offset = CLV_NO_OFFSET, .subject = "a\x1b[31m\n\x7f\t", .what = "is bad"},
         "a\\x1b[31m\\x0a\\x7f\\x09: is bad"},
        {"UTF-8 stays",
         {.offset = CLV_NO_OFFSET, .subject = "m\xc3\xa4rz", .what = "is bad"},
         "m\xc3\xa4rz: is bad"},
        {"C1, and what is no UTF-8",
         {.offset = CLV_NO_OFFSET,
          .subject = "a\xc2\x9b"
                     "31m\x9b\xc2\xa0",
          .what = "\xff"},
         "a\\xc2\\x9b"
         "31m\\x9b\xc2\xa0: \\xff"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        char buf[512];
        CHECK(rows[i].name, clv_error_format(&rows[i].err, buf, sizeof buf) == buf);
        CHECK_STR(rows[i].name, buf, rows[i].want);
        /* Every smaller buffer: terminated, and nothing behind it touched. */
        for (unsigned len = 0; len <= strlen(rows[i].want) + 1; len++) {
            char *small = malloc(len + 1);
            assert_non_null(small);
            memset(small, '#', len + 1);
            (void)clv_error_format(&rows[i].err, small, len);
            CHECK_EQ(rows[i].name, small[len], '#');
            CHECK(rows[i].name, len == 0 || memchr(small, '\0', len));
            free(small);
        }
    }
}

static void test_mem_failing(void **state)
{
    (void)state;
    mem_fail_from(3);
    void *a = mem_alloc(1, 8), *b = mem_zalloc(1, 8);
    CHECK("before the third", a && b);
    CHECK("the third", !mem_alloc(1, 8));
    CHECK("the fourth", !mem_zalloc(1, 8));
    CHECK("grow", !mem_grow(a, 2, 8));
    CHECK("pages", !mem_alloc_pages(1));
    CHECK("strdup", !mem_strdup("x"));
    size_t cap = 1;
    CHECK("reserve", !mem_reserve(a, &cap, 2, 8));
    CHECK_EQ("reserve leaves cap", cap, 1);
    mem_fail_from(0);
    memset(a, 1, 8); /* still whole after a failed growth */
    void *c = mem_alloc(1, 8);
    CHECK("off again", c);
    mem_free(a);
    mem_free(b);
    mem_free(c);
}

static void test_mem(void **state)
{
    (void)state;
    CHECK("a product that wraps", !mem_alloc(SIZE_MAX / 2, 3));
    CHECK("a product that wraps, zeroed", !mem_zalloc(SIZE_MAX / 2, 3));
    CHECK("a product that wraps, grown", !mem_grow(NULL, SIZE_MAX / 2, 3));
    CHECK("pages that wrap", !mem_alloc_pages(SIZE_MAX - 100));

    void *none = mem_alloc(0, 8), *none_zeroed = mem_zalloc(0, 0);
    CHECK("nothing is not NULL", none && none_zeroed);
    mem_free(none);
    mem_free(none_zeroed);
    mem_free(NULL);

    uint8_t *z = mem_zalloc(16, 16);
    assert_non_null(z);
    for (size_t i = 0; i < 256; i++)
        CHECK_EQ("zeroed", z[i], 0);
    mem_free(z);

    static const size_t sizes[] = {1, 4095, 4096, 4097, 262144};
    for (size_t i = 0; i < N_ROWS(sizes); i++) {
        uint8_t *p = mem_alloc_pages(sizes[i]);
        assert_non_null(p);
        CHECK_EQ("aligned", (uintptr_t)p % 4096, 0);
        memset(p, 1, sizes[i]);
        mem_free(p);
    }
    char *copy = mem_strdup("flow");
    CHECK_STR("strdup", copy, "flow");
    mem_free(copy);
}

static void test_mem_reserve(void **state)
{
    static const struct {
        const char *name;
        size_t want, cap;
    } rows[] = {
        {"first", 1, 16},         {"what is there", 16, 16}, {"one more", 17, 32},
        {"far more", 1000, 1024}, {"less", 3, 1024},
    };
    size_t cap = 0;
    uint32_t *p = NULL;
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        p = mem_reserve(p, &cap, rows[i].want, sizeof *p);
        CHECK(rows[i].name, p);
        CHECK_EQ(rows[i].name, cap, rows[i].cap);
        if (i == 0)
            p[0] = 0xfeedface;
        CHECK_EQ(rows[i].name, p[0], 0xfeedface);
        p[cap - 1] = 1;
        p[0] = 0xfeedface;
    }
    size_t before = cap;
    CHECK("more than there is", !mem_reserve(p, &cap, SIZE_MAX, sizeof *p));
    CHECK_EQ("more than there is", cap, before);
    mem_free(p);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *name;
        unsigned family;
        char colon;
        const char *hex;
        const char *want;
    } rows[] = {
        {"IPv4", 4, ':', "c0a80001 00000000 00000000 00000000", "192.168.0.1"},
        {"IPv4 of zeros", 4, ':', "00000000 00000000 00000000 00000000", "0.0.0.0"},
        {"IPv4 of ones", 4, '-', "ffffffff 00000000 00000000 00000000", "255.255.255.255"},
        {"unspecified", 6, ':', "00000000 00000000 00000000 00000000", "::"},
        {"loopback", 6, ':', "00000000 00000000 00000000 00000001", "::1"},
        {"zeros at the end", 6, ':', "20010db8 00000000 00000000 00000000", "2001:db8::"},
        {"zeros at both ends", 6, ':', "00000000 00010000 00000000 00000000", "0:0:1::"},
        {"usual", 6, ':', "20010db8 00000000 00000000 00000001", "2001:db8::1"},
        {"4.2.2 one zero group", 6, ':', "20010db8 00000001 00010001 00010001",
         "2001:db8:0:1:1:1:1:1"},
        {"4.2.3 the longer run", 6, ':', "20010000 00000001 00000000 00000001", "2001:0:0:1::1"},
        {"4.2.3 the first of equals", 6, ':', "20010db8 00000000 00010000 00000001",
         "2001:db8::1:0:0:1"},
        {"4.1 leading zeros", 6, ':', "20010db8 00a00000 00000000 00010f00", "2001:db8:a0::1:f00"},
        {"4.3 lower case", 6, ':', "abcdef01 23456789 abcdef01 23456789",
         "abcd:ef01:2345:6789:abcd:ef01:2345:6789"},
        {"one zero group first", 6, ':', "00000001 00020003 00040005 00060007", "0:1:2:3:4:5:6:7"},
        {"one zero group last", 6, ':', "00010002 00030004 00050006 00070000", "1:2:3:4:5:6:7:0"},
        {"two zero groups first", 6, ':', "00000000 00020003 00040005 00060007", "::2:3:4:5:6:7"},
        {"two zero groups last", 6, ':', "00010002 00030004 00050006 00000000", "1:2:3:4:5:6::"},
        {"all ones", 6, ':', "ffffffff ffffffff ffffffff ffffffff",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"for file names", 6, '-', "20010db8 00000000 00000000 00000001", "2001-db8--1"},
        {"for file names, unspecified", 6, '-', "00000000 00000000 00000000 00000000", "--"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes addr = {0};
        char buf[64];
        struct text t = text_on(buf, sizeof buf);
        put_hex(&addr, rows[i].hex);
        assert_int_equal(addr.len, 16);
        text_addr(&t, addr.p, rows[i].family, rows[i].colon);
        CHECK_STR(rows[i].name, text_end(&t), rows[i].want);
        bytes_free(&addr);
    }
}

static void test_octets(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        char want[32], buf[32];
        const uint8_t addr[16] = {(uint8_t)i, (uint8_t)(255 - i), (uint8_t)(i ^ 85), (uint8_t)i};
        struct text t = text_on(buf, sizeof buf);
        (void)snprintf(want, sizeof want, "%u.%u.%u.%u", addr[0], addr[1], addr[2], addr[3]);
        text_addr(&t, addr, 4, ':');
        CHECK_STR(want, text_end(&t), want);
    }
}

static void test_times(void **state)
{
    const int64_t s = 1000000000;
    const struct {
        int64_t ts_ns;
        const char *want;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000000000Z"},
        {1, "1970-01-01T00:00:00.000000001Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {-1 * s, "1969-12-31T23:59:59.000000000Z"},
        {-86400 * s, "1969-12-31T00:00:00.000000000Z"},
        {-86400 * s - 1, "1969-12-30T23:59:59.999999999Z"},
        {951782400 * s, "2000-02-29T00:00:00.000000000Z"},
        {951868799 * s + 999999999, "2000-02-29T23:59:59.999999999Z"},
        {951868800 * s, "2000-03-01T00:00:00.000000000Z"},
        {1582934400 * s, "2020-02-29T00:00:00.000000000Z"},
        {4107542399 * s, "2100-02-28T23:59:59.000000000Z"},
        {4107542400 * s, "2100-03-01T00:00:00.000000000Z"},
        {-2203891201 * s, "1900-02-28T23:59:59.000000000Z"},
        {-2203891200 * s, "1900-03-01T00:00:00.000000000Z"},
        {UINT32_MAX * s, "2106-02-07T06:28:15.000000000Z"},
        {1795391999 * s + 123456789, "2026-11-22T23:59:59.123456789Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        char buf[64];
        struct text t = text_on(buf, sizeof buf);
        text_time(&t, rows[i].ts_ns);
        CHECK_STR(rows[i].want, text_end(&t), rows[i].want);
    }
}

/* Held against the C library's calendar over all that 64 bits of nanoseconds reach. */
static void test_times_sweep(void **state)
{
    (void)state;
    for (int64_t sec = -9223372036; sec <= 9223372036; sec += 86399 * 37) {
        char want[64], buf[64];
        struct tm tm;
        const time_t when = (time_t)sec;
        if (when != sec)
            continue; /* 32 bits have no such time */
        struct text t = text_on(buf, sizeof buf);
        assert_non_null(gmtime_r(&when, &tm));
        assert_true(strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%S.000000007Z", &tm) > 0);
        text_time(&t, sec * 1000000000 + 7);
        CHECK_STR(want, text_end(&t), want);
    }
}

static void test_numbers(void **state)
{
    static const struct {
        const char *name;
        uint64_t v;
        unsigned digits;
        const char *want;
    } rows[] = {
        {"zero", 0, 1, "0"},
        {"zero of eight digits", 0, 8, "00000000"},
        {"padded", 42, 8, "00000042"},
        {"as wide as it is", 12345678, 8, "12345678"},
        {"wider than asked", 123456789, 8, "123456789"},
        {"no width", 7, 0, "7"},
        {"largest", UINT64_MAX, 1, "18446744073709551615"},
        {"largest, padded", UINT64_MAX, 22, "0018446744073709551615"},
    };
    char buf[64];
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct text t = text_on(buf, sizeof buf);
        text_u64(&t, rows[i].v, rows[i].digits);
        CHECK_STR(rows[i].name, text_end(&t), rows[i].want);
    }
    /* Each number of digits, at its ends. */
    for (uint64_t v = 1, digits = 1; digits <= 20; v *= 10, digits++)
        for (uint64_t x = digits == 1 ? 0 : v - 1; x <= v + 1; x++) {
            char want[32];
            struct text t = text_on(buf, sizeof buf);
            (void)snprintf(want, sizeof want, "%llu", (unsigned long long)x);
            text_u64(&t, x, 1);
            CHECK_STR(want, text_end(&t), want);
        }
    struct text t = text_on(buf, sizeof buf);
    text_i64(&t, INT64_MIN);
    text_char(&t, ' ');
    text_i64(&t, INT64_MAX);
    text_char(&t, ' ');
    text_i64(&t, -1);
    text_char(&t, ' ');
    text_hex(&t, 0xbeef, 8);
    CHECK_STR("signed", text_end(&t), "-9223372036854775808 9223372036854775807 -1 0000beef");
}

static void test_full_buffer(void **state)
{
    (void)state;
    for (size_t cap = 1; cap <= 12; cap++) {
        char row[32];
        char *buf = malloc(cap + 1);
        assert_non_null(buf);
        (void)snprintf(row, sizeof row, "a buffer of %zu", cap);
        buf[cap] = '#';
        struct text t = text_on(buf, cap);
        text_str(&t, "0123");
        text_u64(&t, 456, 1);
        text_char(&t, '7');
        text_put(&t, "89", 2);
        CHECK_EQ(row, t.full, cap < 10);
        CHECK_EQ(row, t.len, cap < 10 ? cap : 10);
        CHECK_MEM(row, buf, "0123456789", t.len);
        /* The last byte gives way to the terminator where there is no room for both. */
        const size_t len = cap <= 10 ? cap - 1 : 10;
        CHECK(row, text_end(&t) == buf);
        CHECK_EQ(row, strlen(buf), len);
        CHECK_EQ(row, t.len, len);
        CHECK_EQ(row, buf[cap], '#');
        free(buf);
    }
}

static void test_json_strings(void **state)
{
    static const struct {
        const char *name;
        const char *s;
        size_t n;
        const char *want;
    } rows[] = {
        {"empty", "", 0, "\"\""},
        {"plain", "a b", 3, "\"a b\""},
        {"quote and backslash", "a\"b\\c", 5, "\"a\\\"b\\\\c\""},
        {"controls", "\x01\n\t\x1f\x7f", 5, "\"\\u0001\\u000a\\u0009\\u001f\\u007f\""},
        {"a zero inside", "a\0b", 3, "\"a\\u0000b\""},
        {"UTF-8", "\xc3\xa4", 2, "\"\xc3\xa4\""},
        {"slash stays", "a/b", 3, "\"a/b\""},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        char buf[64];
        struct text t = text_on(buf, sizeof buf);
        text_json(&t, rows[i].s, rows[i].n);
        CHECK_STR(rows[i].name, text_end(&t), rows[i].want);
    }
}

UNIT(base)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loads),       cmocka_unit_test(test_sums),
        cmocka_unit_test(test_spans),       cmocka_unit_test(test_subject),
        cmocka_unit_test(test_fail),        cmocka_unit_test(test_error_format),
        cmocka_unit_test(test_mem_failing), cmocka_unit_test(test_mem),
        cmocka_unit_test(test_mem_reserve), cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_octets),      cmocka_unit_test(test_times),
        cmocka_unit_test(test_times_sweep), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_full_buffer), cmocka_unit_test(test_json_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
