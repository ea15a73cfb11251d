/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_savefile.h"
#include "support_temp.h"

#include <errno.h>

#include "base/mem.h"
#include "cleave/capture.h"
#include "cleave/packet.h"

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

/* Record i: i + 1 bytes of i, 100 bytes longer on the wire. */
static void put_records(struct bytes *b, const struct dialect *d, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        put_record_header(b, d, 1000 + i, i, i + 1, i + 101);
        put_fill(b, (uint8_t)i, i + 1);
    }
}

static void test_next(void **state)
{
    static const struct {
        const char *name;
        struct dialect d;
        uint32_t n;
        uint32_t header, tick;
    } rows[] = {
        {"no records", {0}, 0, 16, 1000},
        {"one record", {0}, 1, 16, 1000},
        {"us", {0}, 200, 16, 1000},
        {"us, big", {.big = true}, 200, 16, 1000},
        {"ns", {.magic = MAGIC_NS}, 200, 16, 1},
        {"ns, big, raw IP", {.magic = MAGIC_NS, .big = true, .network = 101}, 200, 16, 1},
        {"modified", {.magic = MAGIC_KUZNETZOV}, 200, 24, 1000},
    };
    (void)state;
    for (size_t k = 0; k < N_ROWS(rows); k++) {
        const char *row = rows[k].name;
        struct clv_capture *c;
        struct clv_error err = {0};
        struct clv_record rec;
        struct bytes b = {0};
        const unsigned fds = open_descriptors();
        put_file_header(&b, &rows[k].d);
        put_records(&b, &rows[k].d, rows[k].n);
        CHECK(row, clv_capture_open(&c, temp_file(&temp, "a.pcap", b.p, b.len), &err));
        CHECK_EQ(row, clv_capture_size(c), b.len);
        CHECK_EQ(row, clv_capture_format(c)->big_endian, rows[k].d.big);
        CHECK_EQ(row, clv_capture_format(c)->record_header_len, rows[k].header);
        uint64_t offset = 24;
        for (uint32_t i = 0; i < rows[k].n; i++) {
            CHECK_EQ(row, clv_capture_next(c, &rec, &err), CLV_RECORD);
            CHECK_EQ(row, rec.offset, offset);
            CHECK_EQ(row, rec.caplen, i + 1);
            CHECK_EQ(row, rec.origlen, i + 101);
            CHECK_EQ(row, rec.ts_ns, (1000 + i) * INT64_C(1000000000) + i * rows[k].tick);
            CHECK_EQ(row, rec.raw_len, rows[k].header + i + 1);
            CHECK_EQ(row, rec.linktype, rows[k].d.network ? rows[k].d.network : 1);
            CHECK(row, rec.data == rec.raw + rows[k].header);
            CHECK_MEM(row, rec.raw, b.p + offset, rec.raw_len);
            offset += rec.raw_len;
        }
        CHECK_EQ(row, offset, b.len);
        memset(&rec, 0xa5, sizeof rec);
        const struct clv_record before = rec;
        CHECK_EQ(row, clv_capture_next(c, &rec, &err), CLV_END);
        CHECK_EQ(row, clv_capture_next(c, &rec, &err), CLV_END);
        CHECK(row, rec.data == before.data && rec.caplen == before.caplen);
        CHECK_EQ(row, err.code, CLV_ERR_NONE);
        clv_capture_close(&c);
        CHECK(row, !c);
        clv_capture_close(&c);
        CHECK_EQ(row, open_descriptors(), fds);
        bytes_free(&b);
    }
}

struct damage_row {
    const char *name;
    bool big;
    uint32_t sound;   /* records before the damage */
    const char *tail; /* bytes of it, as a little-endian file has them */
    const char *big_tail;
    const char *what;
};

static const struct damage_row damage_rows[] = {
    {"one byte of a header", false, 3, "01", NULL, "header needs 16 bytes, 1 remain"},
    {"15 bytes of a header", false, 3, "01000000 00000000 04000000 040000", NULL,
     "header needs 16 bytes, 15 remain"},
    {"a header alone", false, 3, "01000000 00000000 04000000 04000000", NULL,
     "promises 4 bytes, 0 remain"},
    {"a byte missing", false, 3, "01000000 00000000 04000000 04000000 aabbcc", NULL,
     "promises 4 bytes, 3 remain"},
    {"impossible", false, 3, "01000000 00000000 ffffffff 04000000 aabbccdd", NULL,
     "promises 4294967295 bytes"},
    {"impossible, big", true, 3, NULL, "00000001 00000000 00040001 00000004 aabbccdd",
     "promises 262145 bytes"},
    {"the first record", false, 0, "01000000 00000000 04000000 04000000 aabbcc", NULL,
     "promises 4 bytes, 3 remain"},
};

static const char *damaged_file(const struct damage_row *r, struct bytes *b, uint64_t *at)
{
    const struct dialect d = {.big = r->big};
    put_file_header(b, &d);
    put_records(b, &d, r->sound);
    *at = b->len;
    put_hex(b, r->big ? r->big_tail : r->tail);
    return temp_file(&temp, "damaged.pcap", b->p, b->len);
}

static void test_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(damage_rows); i++) {
        const struct damage_row *r = &damage_rows[i];
        struct bytes b = {0};
        struct clv_capture *c;
        struct clv_record rec;
        struct clv_error err = {0};
        uint64_t at;
        const char *path = damaged_file(r, &b, &at);
        CHECK(r->name, clv_capture_open(&c, path, &err));
        for (uint32_t k = 0; k < r->sound; k++)
            CHECK_EQ(r->name, clv_capture_next(c, &rec, &err), CLV_RECORD);
        CHECK_EQ(r->name, err.code, CLV_ERR_NONE);
        CHECK_EQ(r->name, clv_capture_next(c, &rec, &err), CLV_BAD);
        CHECK_EQ(r->name, err.code, CLV_ERR_DAMAGE);
        CHECK_EQ(r->name, err.offset, at);
        CHECK_EQ(r->name, err.record, r->sound + 1);
        CHECK_STR(r->name, err.subject, path);
        CHECK_HAS(r->name, err.what, r->what);
        CHECK_EQ(r->name, clv_capture_next(c, &rec, &err), CLV_END);
        clv_capture_close(&c);

        struct clv_capture_info info;
        CHECK(r->name, clv_capture_inspect(path, &info, &err));
        CHECK_EQ(r->name, info.records, r->sound);
        CHECK_EQ(r->name, info.damage.code, CLV_ERR_DAMAGE);
        CHECK_EQ(r->name, info.damage.offset, at);
        CHECK_EQ(r->name, info.damage.record, r->sound + 1);
        bytes_free(&b);
    }
}

static void test_inspect(void **state)
{
    static const struct {
        const char *name;
        uint32_t sec[3], caplen[3];
        uint32_t n;
        bool ordered;
        uint32_t longest;
        int64_t first_s, last_s;
    } rows[] = {
        {"in order", {5, 6, 7}, {1, 2, 3}, 3, true, 3, 5, 7},
        {"equal times are in order", {5, 5, 5}, {3, 2, 1}, 3, true, 3, 5, 5},
        {"out of order", {6, 5, 7}, {1, 9, 1}, 3, false, 9, 5, 7},
        {"backwards", {7, 6, 5}, {1, 1, 1}, 3, false, 1, 5, 7},
        {"one", {7}, {0}, 1, true, 0, 7, 7},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct dialect d = {.magic = MAGIC_NS};
        struct bytes b = {0};
        struct clv_capture_info info;
        uint64_t captured = 0;
        put_file_header(&b, &d);
        for (uint32_t k = 0; k < rows[i].n; k++) {
            put_record_header(&b, &d, rows[i].sec[k], 0, rows[i].caplen[k], 1000);
            put_fill(&b, 0, rows[i].caplen[k]);
            captured += rows[i].caplen[k];
        }
        const char *path = temp_file(&temp, "a.pcap", b.p, b.len);
        CHECK(rows[i].name, clv_capture_inspect(path, &info, NULL));
        CHECK(rows[i].name, info.path == path);
        CHECK_EQ(rows[i].name, info.file_bytes, b.len);
        CHECK_EQ(rows[i].name, info.records, rows[i].n);
        CHECK_EQ(rows[i].name, info.captured_bytes, captured);
        CHECK_EQ(rows[i].name, info.wire_bytes, rows[i].n * 1000);
        CHECK_EQ(rows[i].name, info.longest, rows[i].longest);
        CHECK_EQ(rows[i].name, info.ordered, rows[i].ordered);
        CHECK_EQ(rows[i].name, info.first_ns, rows[i].first_s * 1000000000);
        CHECK_EQ(rows[i].name, info.last_ns, rows[i].last_s * 1000000000);
        CHECK_EQ(rows[i].name, info.damage.code, CLV_ERR_NONE);
        CHECK(rows[i].name, info.format.nanoseconds);
        bytes_free(&b);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        const char *name;
        const char *hex; /* NULL: no file */
        enum clv_errc code;
        int sys;
        const char *what;
    } rows[] = {
        {"missing", NULL, CLV_ERR_IO, ENOENT, "cannot be opened"},
        {"empty", "", CLV_ERR_FORMAT, 0, "empty"},
        {"pcapng", "0a0d0d0a 1c000000", CLV_ERR_FORMAT, 0, "pcapng"},
        {"header cut", "d4c3b2a1 02000400", CLV_ERR_FORMAT, 0, "cut short: 8 of 24"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct clv_capture *c = NULL;
        struct clv_capture_info info;
        struct clv_error err = {0};
        struct bytes b = {0};
        const unsigned fds = open_descriptors();
        if (rows[i].hex) {
            put_hex(&b, rows[i].hex);
            (void)temp_file(&temp, "bad.pcap", b.p, b.len);
        } else {
            (void)temp_path(&temp, "missing.pcap");
        }
        CHECK(rows[i].name, !clv_capture_open(&c, temp.path, &err));
        CHECK(rows[i].name, !c);
        CHECK_EQ(rows[i].name, err.code, rows[i].code);
        CHECK_EQ(rows[i].name, err.sys, rows[i].sys);
        CHECK_HAS(rows[i].name, err.what, rows[i].what);
        CHECK(rows[i].name, !clv_capture_inspect(temp.path, &info, NULL));
        CHECK_EQ(rows[i].name, open_descriptors(), fds);
        bytes_free(&b);
    }
}

static void test_no_memory(void **state)
{
    const struct dialect d = {0};
    struct bytes b = {0};
    (void)state;
    put_file_header(&b, &d);
    (void)temp_file(&temp, "a.pcap", b.p, b.len);
    const unsigned fds = open_descriptors();
    for (uint64_t nth = 1;; nth++) {
        struct clv_capture *c;
        struct clv_error err = {0};
        mem_fail_from(nth);
        const bool ok = clv_capture_open(&c, temp.path, &err);
        mem_fail_from(0);
        if (ok) {
            CHECK("something was allocated", nth > 1);
            clv_capture_close(&c);
            break;
        }
        CHECK_EQ("no memory", err.code, CLV_ERR_NOMEM);
        CHECK("no memory", !c);
        CHECK_EQ("no memory", open_descriptors(), fds);
    }
    bytes_free(&b);
}

/* A result is whole or not there, for every size of the caller's buffer. */
static void test_json_sizes(void **state)
{
    const struct clv_capture_info info = {
        .path = "day \"3\".pcap",
        .format = {.name = "pcap", .linktype = 1, .version_major = 2, .version_minor = 4},
        .records = 2,
        .first_ns = 1,
        .last_ns = 2,
        .damage = {.offset = CLV_NO_OFFSET},
    };
    char whole[4096];
    (void)state;
    const size_t len = clv_capture_json(&info, whole, sizeof whole);
    assert_true(len > 0 && len < sizeof whole);
    CHECK_EQ("whole", strlen(whole), len);
    CHECK_HAS("whole", whole, "\"file\": \"day \\\"3\\\".pcap\"");
    CHECK_HAS("whole", whole, "\"damage\": null");
    CHECK_EQ("whole", whole[len - 1], '\n');
    for (size_t cap = 0; cap <= len + 2; cap++) {
        char row[48];
        /* A byte before and one behind the buffer tell on those who write there. */
        char *block = malloc(cap + 2);
        assert_non_null(block);
        memset(block, '#', cap + 2);
        (void)snprintf(row, sizeof row, "%zu bytes for a text of %zu", cap, len);
        const size_t got = clv_capture_json(&info, block + 1, cap);
        CHECK_EQ(row, block[0], '#');
        CHECK_EQ(row, block[cap + 1], '#');
        CHECK_EQ(row, got, cap > len ? len : 0);
        if (cap > 0)
            CHECK_STR(row, block + 1, cap > len ? whole : "");
        free(block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_next, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_inspect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test(test_json_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
