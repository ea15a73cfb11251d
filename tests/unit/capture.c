/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_compress.h"
#include "support_pcapng.h"
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
static void put_records(struct bytes *b, const struct savefile_dialect *d, uint32_t n)
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
        struct savefile_dialect d;
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
    {"one byte of a header", false, 3, "01", NULL, "inside this record header: 1 of its 16 bytes"},
    {"15 bytes of a header", false, 3, "01000000 00000000 04000000 040000", NULL,
     "inside this record header: 15 of its 16 bytes"},
    {"a header alone", false, 3, "01000000 00000000 04000000 04000000", NULL,
     "inside this record: 0 of its 4 bytes"},
    {"a byte missing", false, 3, "01000000 00000000 04000000 04000000 aabbcc", NULL,
     "inside this record: 3 of its 4 bytes"},
    {"impossible", false, 3, "01000000 00000000 ffffffff 04000000 aabbccdd", NULL,
     "promises 4294967295 bytes"},
    {"impossible, big", true, 3, NULL, "00000001 00000000 00040001 00000004 aabbccdd",
     "promises 262145 bytes"},
    {"the first record", false, 0, "01000000 00000000 04000000 04000000 aabbcc", NULL,
     "inside this record: 3 of its 4 bytes"},
};

static const char *damaged_file(const struct damage_row *r, struct bytes *b, uint64_t *at)
{
    const struct savefile_dialect d = {.big = r->big};
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
        const struct savefile_dialect d = {.magic = MAGIC_NS};
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

/* The blocks of a pcapng file, and what is to be read of each that is a packet. */
struct block_row {
    enum { SECTION, OTHER_SECTION, INTERFACE, NAMES, STATISTICS, PACKET, SIMPLE, OLD } kind;
    uint32_t n; /* of the interface: link type, or number */
    int64_t want_ns;
    uint16_t want_link;
};

static const struct block_row blocks[] = {
    {SECTION, 0, 0, 0},     {NAMES, 0, 0, 0},
    {INTERFACE, 1, 0, 0},   {PACKET, 0, 7000, 1},
    {INTERFACE, 101, 0, 0}, {PACKET, 1, 7000, 101},
    {STATISTICS, 0, 0, 0},  {SIMPLE, 0, CLV_NO_TIME, 1},
    {OLD, 1, 7000, 101},    {OTHER_SECTION, 0, 0, 0},
    {INTERFACE, 113, 0, 0}, {PACKET, 0, 7000, 113},
    {STATISTICS, 0, 0, 0},
};

static void put_block_row(struct bytes *b, const struct block_row *r, bool *big, uint32_t caplen)
{
    uint8_t data[64];
    memset(data, (int)caplen, sizeof data);
    *big ^= r->kind == OTHER_SECTION;
    switch (r->kind) {
    case SECTION:
    case OTHER_SECTION:
        put_section(b, *big);
        break;
    case INTERFACE:
        put_interface(b, *big, r->n, 4096);
        break;
    case PACKET:
        put_packet(b, *big, r->n, 7, data, caplen, caplen + 100);
        break;
    case SIMPLE:
        put_simple(b, *big, data, caplen, caplen);
        break;
    case OLD:
        put_packet_old(b, *big, (uint16_t)r->n, 0, 7, data, caplen, caplen + 100);
        break;
    default:
        put_block(b, *big, r->kind == NAMES ? BLOCK_NAMES : BLOCK_STATISTICS, data, 4);
        break;
    }
}

/* Returns the byte at which each block begins. */
static void put_blocks(struct bytes *b, bool big, size_t starts[N_ROWS(blocks) + 1])
{
    for (size_t i = 0; i < N_ROWS(blocks); i++) {
        starts[i] = b->len;
        put_block_row(b, &blocks[i], &big, (uint32_t)i + 10);
    }
    starts[N_ROWS(blocks)] = b->len;
}

static void test_pcapng(void **state)
{
    (void)state;
    for (unsigned big = 0; big < 2; big++) {
        const char *row = big ? "big" : "little";
        size_t starts[N_ROWS(blocks) + 1];
        struct bytes b = {0};
        struct clv_capture *c;
        struct clv_record rec;
        struct clv_error err = {0};
        uint64_t sections = 0;
        unsigned interfaces = 0;
        put_blocks(&b, big, starts);
        CHECK(row, clv_capture_open(&c, temp_file(&temp, "a.pcapng", b.p, b.len), &err));
        CHECK_STR(row, clv_capture_format(c)->name, "pcapng");
        CHECK_EQ(row, clv_capture_format(c)->big_endian, big);
        CHECK_EQ(row, clv_capture_format(c)->record_header_len, 0);
        CHECK_EQ(row, clv_capture_size(c), b.len);
        CHECK_STR(row, clv_capture_compression(c), NULL);
        CHECK_EQ(row, clv_capture_sections(c), 0); /* none was met yet */
        for (size_t i = 0; i < N_ROWS(blocks); i++) {
            const struct block_row *r = &blocks[i];
            sections += r->kind == SECTION || r->kind == OTHER_SECTION;
            interfaces += r->kind == INTERFACE;
            if (r->kind < PACKET)
                continue;
            CHECK_EQ(row, clv_capture_next(c, &rec, &err), CLV_RECORD);
            CHECK_EQ(row, rec.offset, starts[i]);
            CHECK_EQ(row, rec.raw_len, starts[i + 1] - starts[i]);
            CHECK_MEM(row, rec.raw, b.p + starts[i], rec.raw_len);
            CHECK(row, rec.data == rec.raw + (r->kind == SIMPLE ? 12 : 28));
            CHECK_EQ(row, rec.caplen, i + 10);
            CHECK_EQ(row, rec.origlen, i + 10 + (r->kind == SIMPLE ? 0 : 100));
            CHECK_EQ(row, rec.linktype, r->want_link);
            CHECK_EQ(row, rec.ts_ns, r->want_ns);
            CHECK_EQ(row, clv_capture_sections(c), sections);
            CHECK_EQ(row, clv_capture_interfaces(c), interfaces);
        }
        CHECK_EQ(row, clv_capture_next(c, &rec, &err), CLV_END);
        CHECK_EQ(row, clv_capture_next(c, &rec, &err), CLV_END);
        CHECK_EQ(row, err.code, CLV_ERR_NONE);
        clv_capture_close(&c);
        bytes_free(&b);
    }
}

/* Every beginning of the file: the packets before its end, then that it was cut. */
static void test_pcapng_cut(void **state)
{
    size_t starts[N_ROWS(blocks) + 1];
    struct bytes b = {0};
    (void)state;
    put_blocks(&b, false, starts);
    for (size_t len = starts[1]; len <= b.len; len++) {
        char row[48];
        struct clv_capture_info info;
        uint64_t records = 0;
        size_t last = 0;
        for (size_t i = 0; i < N_ROWS(blocks) && starts[i + 1] <= len; i++) {
            records += blocks[i].kind >= PACKET;
            last = starts[i + 1];
        }
        (void)snprintf(row, sizeof row, "%zu of %zu bytes", len, b.len);
        CHECK(row, clv_capture_inspect(temp_file(&temp, "cut.pcapng", b.p, len), &info, NULL));
        CHECK_EQ(row, info.records, records);
        CHECK_EQ(row, info.damage.code, len == last ? CLV_ERR_NONE : CLV_ERR_DAMAGE);
        if (len == last)
            continue;
        CHECK_EQ(row, info.damage.offset, last);
        CHECK_EQ(row, info.damage.record, records + 1);
        CHECK_STR(row, info.damage.subject, temp.path);
        CHECK_HAS(row, info.damage.hint, "cut off");
    }
    bytes_free(&b);
}

/* A block that cannot be right ends the walk, packet or not. */
static void test_pcapng_damage(void **state)
{
    static const struct {
        const char *name;
        struct block_row block;
        size_t at; /* byte of the block that is set */
        uint8_t value;
        const char *what;
    } rows[] = {
        {"an interface that is not there",
         {PACKET, 5, 0, 0},
         0,
         6,
         "a packet of interface 5; interfaces described before it: 1"},
        {"a packet that is too long", {PACKET, 0, 0, 0}, 20, 99, "the packet promises 99 bytes"},
        {"another length at the end",
         {NAMES, 0, 0, 0},
         12,
         20,
         "length is 16 at its beginning and 20"},
        {"an impossible length", {NAMES, 0, 0, 0}, 4, 17, "cannot have 17 bytes"},
        {"a section without its magic", {SECTION, 0, 0, 0}, 8, 1, "byte-order magic is"},
        {"a section of another version", {SECTION, 0, 0, 0}, 12, 7, "the section has version 7.0"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        size_t at;
        struct bytes b = {0};
        struct clv_capture *c;
        struct clv_record rec;
        struct clv_error err = {0};
        bool big = false;
        put_section(&b, big);
        put_interface(&b, big, 1, 0);
        put_packet(&b, big, 0, 1, "abcd", 4, 4);
        at = b.len;
        put_block_row(&b, &rows[i].block, &big, 8);
        b.p[at + rows[i].at] = rows[i].value;
        put_packet(&b, big, 0, 1, "abcd", 4, 4);
        CHECK(rows[i].name, clv_capture_open(&c, temp_file(&temp, "a", b.p, b.len), &err));
        CHECK_EQ(rows[i].name, clv_capture_next(c, &rec, &err), CLV_RECORD);
        CHECK_EQ(rows[i].name, err.code, CLV_ERR_NONE);
        CHECK_EQ(rows[i].name, clv_capture_next(c, &rec, &err), CLV_BAD);
        CHECK_EQ(rows[i].name, err.code, CLV_ERR_DAMAGE);
        CHECK_EQ(rows[i].name, err.offset, at);
        CHECK_EQ(rows[i].name, err.record, 2);
        CHECK_STR(rows[i].name, err.subject, temp.path);
        CHECK_HAS(rows[i].name, err.what, rows[i].what);
        CHECK_EQ(rows[i].name, clv_capture_next(c, &rec, &err), CLV_END);
        clv_capture_close(&c);
        bytes_free(&b);
    }
}

static void test_inspect_pcapng(void **state)
{
    size_t starts[N_ROWS(blocks) + 1];
    struct bytes b = {0};
    struct clv_capture_info info;
    char json[4096];
    (void)state;
    put_blocks(&b, false, starts);
    CHECK("all", clv_capture_inspect(temp_file(&temp, "a.pcapng", b.p, b.len), &info, NULL));
    CHECK_EQ("all", info.sections, 2);
    CHECK_EQ("all", info.interfaces, 3);
    CHECK_EQ("all", info.records, 5);
    CHECK_EQ("all", info.format.linktype, 1);
    CHECK("all", info.several_linktypes && info.ordered);
    CHECK_EQ("all", info.first_ns, 7000);
    CHECK_EQ("all", info.last_ns, 7000);
    CHECK("all", clv_capture_json(&info, json, sizeof json));
    CHECK_HAS("all", json, "\"sections\": 2,");
    CHECK_HAS("all", json, "\"interfaces\": 3,");
    CHECK_HAS("all", json, "\"several_linktypes\": true,");
    CHECK_HAS("all", json, "\"first\": \"1970-01-01T00:00:00.000007000Z\",");
    b.len = 0;
    put_section(&b, false);
    put_interface(&b, false, 101, 0);
    put_simple(&b, false, "abcd", 4, 4);
    CHECK("no time", clv_capture_inspect(temp_file(&temp, "b.pcapng", b.p, b.len), &info, NULL));
    CHECK_EQ("no time", info.records, 1);
    CHECK_EQ("no time", info.format.linktype, 101);
    CHECK("no time", !info.several_linktypes && info.ordered);
    CHECK("no time", clv_capture_json(&info, json, sizeof json));
    CHECK("no time", !strstr(json, "\"first\""));
    bytes_free(&b);
}

/* The same records, however the file is compressed; where it was cut, those before. */
static void test_compressed(void **state)
{
    const struct savefile_dialect d = {0};
    struct bytes b = {0};
    (void)state;
    put_file_header(&b, &d);
    put_records(&b, &d, 200);
    for (enum compression k = 0; k < COMPRESSIONS; k++) {
        struct bytes in = {0};
        struct clv_capture *c;
        struct clv_capture_info info;
        struct clv_record rec;
        struct clv_error err = {0};
        char json[4096], want[48];
        uint64_t at = 24;
        if (!compression_there(k))
            continue;
        const char *row = compressions[k].name;
        put_compressed(&in, k, b.p, 10000);
        const size_t first = in.len;
        put_compressed(&in, k, b.p + 10000, b.len - 10000);
        CHECK(row, clv_capture_open(&c, temp_file(&temp, "a", in.p, in.len), &err));
        CHECK_STR(row, clv_capture_compression(c), row);
        CHECK_EQ(row, clv_capture_size(c), in.len);
        while (clv_capture_next(c, &rec, &err) == CLV_RECORD) {
            CHECK_EQ(row, rec.offset, at);
            CHECK_MEM(row, rec.raw, b.p + at, rec.raw_len);
            at += rec.raw_len;
        }
        CHECK_EQ(row, at, b.len);
        CHECK_EQ(row, err.code, CLV_ERR_NONE);
        clv_capture_close(&c);
        CHECK(row, clv_capture_inspect(temp_file(&temp, "a", in.p, first + 20), &info, NULL));
        CHECK_STR(row, info.compression, row);
        CHECK_EQ(row, info.file_bytes, first + 20);
        CHECK(row, info.records > 100 && info.records < 200);
        CHECK_EQ(row, info.damage.code, CLV_ERR_DAMAGE);
        CHECK_HAS(row, info.damage.what, "data end too early");
        CHECK(row, clv_capture_json(&info, json, sizeof json));
        (void)snprintf(want, sizeof want, "\"compression\": \"%s\",", row);
        CHECK_HAS(row, json, want);
        bytes_free(&in);
    }
    bytes_free(&b);
}

/* A file that another program cuts off meanwhile is no sound one, whatever its zeros look like. */
static void test_truncated_meanwhile(void **state)
{
    const struct savefile_dialect d = {0};
    struct bytes b = {0};
    struct clv_capture *c;
    struct clv_record rec;
    struct clv_error err = {0};
    enum clv_walk step;
    (void)state;
    put_file_header(&b, &d);
    put_records(&b, &d, 800); /* several pages of any size */
    CHECK("open", clv_capture_open(&c, temp_file(&temp, "a.pcap", b.p, b.len), &err));
    CHECK_EQ("the first", clv_capture_next(c, &rec, &err), CLV_RECORD);
    assert_int_equal(truncate(temp.path, 100), 0);
    while ((step = clv_capture_next(c, &rec, &err)) == CLV_RECORD)
        ;
    CHECK_EQ("it is over", step, CLV_BAD);
    CHECK_EQ("it is over", err.code, CLV_ERR_IO);
    CHECK_HAS("it is over", err.what, "shrank while it was read");
    CHECK_EQ("and stays so", clv_capture_next(c, &rec, &err), CLV_END);
    clv_capture_close(&c);
    bytes_free(&b);
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
        {"pcapng cut", "0a0d0d0a 1c000000", CLV_ERR_FORMAT, 0, "cut short: 8 of at least 28"},
        {"snoop", "736e6f6f 70000000 00000002 00000004", CLV_ERR_FORMAT, 0, "a snoop capture"},
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
    const struct savefile_dialect d = {0};
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

/* Sections and interfaces are met on the way. */
static void test_no_memory_on_the_way(void **state)
{
    size_t starts[N_ROWS(blocks) + 1];
    struct bytes b = {0};
    (void)state;
    put_blocks(&b, false, starts);
    (void)temp_file(&temp, "a.pcapng", b.p, b.len);
    for (uint64_t nth = 1;; nth++) {
        struct clv_capture *c;
        struct clv_record rec;
        struct clv_error err = {0};
        enum clv_walk step;
        CHECK("open", clv_capture_open(&c, temp.path, &err));
        mem_fail_from(nth);
        while ((step = clv_capture_next(c, &rec, &err)) == CLV_RECORD)
            ;
        mem_fail_from(0);
        CHECK_EQ("no memory", err.code, step == CLV_BAD ? CLV_ERR_NOMEM : CLV_ERR_NONE);
        clv_capture_close(&c);
        if (step == CLV_END) {
            CHECK("something was allocated", nth > 5);
            break;
        }
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

UNIT(capture)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_next, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_inspect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pcapng, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pcapng_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pcapng_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_inspect_pcapng, setup, teardown),
        cmocka_unit_test_setup_teardown(test_compressed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_truncated_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory_on_the_way, setup, teardown),
        cmocka_unit_test(test_json_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
