/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_savefile.h"

#include "walk/walk.h"

static void format_of(struct walk_format *f, const struct savefile_dialect *d)
{
    struct bytes b = {0};
    put_file_header(&b, d);
    assert_true(walk_open(f, "a.pcap", (struct clv_span){b.p, b.len}, NULL));
    bytes_free(&b);
}

static void test_open(void **state)
{
    static const struct {
        const char *name;
        struct savefile_dialect d;
        const char *want_name;
        uint32_t tick_ns, hdr_len, caplen_at, origlen_at, caplen_max;
        bool smaller;
        uint16_t linktype;
        uint8_t fcs_len;
    } rows[] = {
        {"us", {.magic = MAGIC_US}, "pcap", 1000, 16, 8, 12, 262144, false, 1, 0},
        {"us, big", {.big = true}, "pcap", 1000, 16, 8, 12, 262144, false, 1, 0},
        {"ns", {.magic = MAGIC_NS}, "pcap", 1, 16, 8, 12, 262144, false, 1, 0},
        {"ns, big", {.magic = MAGIC_NS, .big = true}, "pcap", 1, 16, 8, 12, 262144, false, 1, 0},
        {"modified",
         {.magic = MAGIC_KUZNETZOV},
         "modified pcap",
         1000,
         24,
         8,
         12,
         262144,
         false,
         1,
         0},
        {"modified, big",
         {.magic = MAGIC_KUZNETZOV, .big = true},
         "modified pcap",
         1000,
         24,
         8,
         12,
         262144,
         false,
         1,
         0},
        {"version 2.0", {.major = 2, .minor = 0}, "pcap", 1000, 16, 12, 8, 262144, false, 1, 0},
        {"version 2.2", {.major = 2, .minor = 2}, "pcap", 1000, 16, 12, 8, 262144, false, 1, 0},
        {"version 2.3", {.major = 2, .minor = 3}, "pcap", 1000, 16, 8, 12, 262144, true, 1, 0},
        {"version 2.3, big",
         {.major = 2, .minor = 3, .big = true},
         "pcap",
         1000,
         16,
         8,
         12,
         262144,
         true,
         1,
         0},
        {"version 543.0", {.major = 543}, "pcap", 1000, 16, 12, 8, 262144, false, 1, 0},
        {"version 543.0, big",
         {.major = 543, .big = true},
         "pcap",
         1000,
         16,
         12,
         8,
         262144,
         false,
         1,
         0},
        {"raw IP", {.network = 101}, "pcap", 1000, 16, 8, 12, 262144, false, 101, 0},
        {"FCS of 4 bytes", {.network = 0x24000001}, "pcap", 1000, 16, 8, 12, 262144, false, 1, 4},
        {"FCS length without its bit",
         {.network = 0x20000001},
         "pcap",
         1000,
         16,
         8,
         12,
         262144,
         false,
         1,
         0},
        {"FCS, big",
         {.network = 0x24000001, .big = true},
         "pcap",
         1000,
         16,
         8,
         12,
         262144,
         false,
         1,
         4},
        {"D-Bus", {.network = 231}, "pcap", 1000, 16, 8, 12, 128 << 20, false, 231, 0},
        {"USBPcap", {.network = 249}, "pcap", 1000, 16, 8, 12, 128 << 20, false, 249, 0},
        {"USB of Linux", {.network = 220}, "pcap", 1000, 16, 8, 12, 128 << 20, false, 220, 0},
        {"EBHSCR", {.network = 279}, "pcap", 1000, 16, 8, 12, 8 << 20, false, 279, 0},
        {"a small snaplen", {.snaplen = 96}, "pcap", 1000, 16, 8, 12, 262144, false, 1, 0},
        {"the largest snaplen",
         {.snaplen = UINT32_MAX},
         "pcap",
         1000,
         16,
         8,
         12,
         262144,
         false,
         1,
         0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *row = rows[i].name;
        const struct savefile_dialect *d = &rows[i].d;
        struct walk_format f;
        struct clv_error err = {0};
        struct bytes b = {0};
        put_file_header(&b, d);
        uint8_t *head = tight_copy(b.p, b.len);
        CHECK(row, walk_open(&f, "a.pcap", (struct clv_span){head, b.len}, &err));
        CHECK_EQ(row, err.code, CLV_ERR_NONE);
        CHECK_STR(row, f.pub.name, rows[i].want_name);
        CHECK_EQ(row, f.pub.big_endian, d->big);
        CHECK_EQ(row, f.big_endian, d->big);
        CHECK_EQ(row, f.pub.nanoseconds, rows[i].tick_ns == 1);
        CHECK_EQ(row, f.pub.version_major, d->major ? d->major : 2);
        CHECK_EQ(row, f.pub.version_minor, d->major ? d->minor : 4);
        CHECK_EQ(row, f.pub.linktype, rows[i].linktype);
        CHECK_EQ(row, f.pub.fcs_len, rows[i].fcs_len);
        CHECK_EQ(row, f.pub.snaplen, d->snaplen ? d->snaplen : 262144);
        CHECK_EQ(row, f.pub.record_header_len, rows[i].hdr_len);
        CHECK_EQ(row, f.tick_ns, rows[i].tick_ns);
        CHECK_EQ(row, f.hdr_len, rows[i].hdr_len);
        CHECK_EQ(row, f.caplen_at, rows[i].caplen_at);
        CHECK_EQ(row, f.origlen_at, rows[i].origlen_at);
        CHECK_EQ(row, f.caplen_max, rows[i].caplen_max);
        CHECK_EQ(row, f.smaller_is_caplen, rows[i].smaller);
        CHECK_EQ(row, f.kind, WALK_PCAP);
        CHECK_EQ(row, f.data_at, PCAP_FILE_HEADER);
        CHECK_EQ(row, f.record_max, rows[i].hdr_len + rows[i].caplen_max);
        CHECK_MEM(row, f.header, b.p, PCAP_FILE_HEADER);
        free(head);
        bytes_free(&b);
    }
}

static void test_open_refusals(void **state)
{
    static const struct {
        const char *name;
        const char *hex;
        uint64_t offset;
        const char *what;
        const char *hint;
    } rows[] = {
        {"empty", "", CLV_NO_OFFSET, "empty", ""},
        {"one byte", "a1", CLV_NO_OFFSET, "not a capture: it has 1 byte,", ""},
        {"half a magic", "a1b2c3", CLV_NO_OFFSET, "not a capture: it has 3 bytes,", ""},
        {"the magic alone", "a1b2c3d4", 4, "cut short: 4 of 24", ""},
        {"a byte missing", "d4c3b2a1 02000400 00000000 00000000 00000400 010000", 23,
         "cut short: 23 of 24", ""},
        {"version 2.5", "d4c3b2a1 02000500 00000000 00000000 00000400 01000000", 4, "version 2.5",
         ""},
        {"version 3.0, big", "a1b2c3d4 00030000 00000000 00000000 00040000 00000001", 4,
         "version 3.0", ""},
        {"version 0.0", "4d3cb2a1 00000000 00000000 00000000 00000400 01000000", 4, "version 0.0",
         ""},
        {"version 1.4", "a1b2c3d4 00010004 00000000 00000000 00040000 00000001", 4, "version 1.4",
         ""},
        {"a section cut short", "0a0d0d0a 1c000000 4d3c2b1a 01000000 ffffffff ffffffff", 24,
         "section header is cut short: 24 of at least 28", ""},
        {"a section's type alone", "0a0d0d0a", 4, "section header is cut short: 4 of", ""},
        {"a section without its magic",
         "0a0d0d0a 1c000000 4d3c2b1b 01000000 ffffffff ffffffff 1c000000", 8, "byte-order magic is",
         ""},
        {"pcapng 2.1", "0a0d0d0a 1c000000 4d3c2b1a 02000100 ffffffff ffffffff 1c000000", 12,
         "pcapng version 2.1", ""},
        {"pcapng 0.0, big", "0a0d0d0a 0000001c 1a2b3c4d 00000000 ffffffff ffffffff 0000001c", 12,
         "pcapng version 0.0", ""},
        {"gzip", "1f8b0800 00000000", CLV_NO_OFFSET, "gzip data", "gzip -dc"},
        {"gzip, two bytes", "1f8b", CLV_NO_OFFSET, "gzip data", "gzip -dc"},
        {"zstd", "28b52ffd 00000000", CLV_NO_OFFSET, "zstd data", "zstd -dc"},
        {"lz4", "04224d18 00000000", CLV_NO_OFFSET, "lz4 data", "lz4 -dc"},
        {"xz", "fd377a58 5a000004", CLV_NO_OFFSET, "xz data", "xz -dc"},
        {"bzip2", "425a6839 31415926", CLV_NO_OFFSET, "bzip2 data", "bzip2 -dc"},
        {"snoop", "736e6f6f 70000000 00000002 00000004", CLV_NO_OFFSET, "a snoop capture",
         "editcap"},
        {"half a snoop", "736e6f6f 700000", CLV_NO_OFFSET, "begins with the bytes 73 6e 6f 6f", ""},
        {"zip", "504b0304 14000000", CLV_NO_OFFSET, "a zip archive", "unpack"},
        {"text", "68656c6c 6f0a", CLV_NO_OFFSET, "but text: \"hello\"", ""},
        {"a long line", "31323a30 303a3030 2e303030 30303120 49502031 302e302e 302e312e",
         CLV_NO_OFFSET, "but text: \"12:00:00.000001 IP 10.0....\"", "-w FILE"},
        {"zeros", "00000000 00000000 00000000 00000000 00000000 00000000", CLV_NO_OFFSET,
         "begins with the bytes 00 00 00 00", ""},
        {"magic off by one", "d5c3b2a1 02000400 00000000 00000000 00000400 01000000", CLV_NO_OFFSET,
         "begins with the bytes d5", ""},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct walk_format f;
        struct clv_error err = {0};
        struct bytes b = {0};
        put_hex(&b, rows[i].hex);
        uint8_t *block = tight_copy(b.p, b.len);
        const uint8_t *head = b.len ? block : block + 1;
        CHECK(rows[i].name, !walk_open(&f, "day.pcap", (struct clv_span){head, b.len}, &err));
        CHECK_EQ(rows[i].name, err.code, CLV_ERR_FORMAT);
        CHECK_EQ(rows[i].name, err.offset, rows[i].offset);
        CHECK_STR(rows[i].name, err.subject, "day.pcap");
        CHECK_HAS(rows[i].name, err.what, rows[i].what);
        CHECK_HAS(rows[i].name, err.hint, rows[i].hint);
        free(block);
        bytes_free(&b);
    }
}

static void test_open_pcapng(void **state)
{
    static const struct {
        const char *name;
        const char *hex;
        bool big;
        unsigned minor;
    } rows[] = {
        {"little", "0a0d0d0a 1c000000 4d3c2b1a 01000000 ffffffff ffffffff 1c000000", false, 0},
        {"big", "0a0d0d0a 0000001c 1a2b3c4d 00010000 ffffffff ffffffff 0000001c", true, 0},
        {"version 1.2", "0a0d0d0a 1c000000 4d3c2b1a 01000200 ffffffff ffffffff 1c000000", false, 2},
        {"options behind",
         "0a0d0d0a 24000000 4d3c2b1a 01000000 ffffffff ffffffff 01000100 41000000", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct walk_format f;
        struct clv_error err = {0};
        struct bytes b = {0};
        put_hex(&b, rows[i].hex);
        uint8_t *head = tight_copy(b.p, b.len);
        CHECK(rows[i].name, walk_open(&f, "a.pcapng", (struct clv_span){head, b.len}, &err));
        CHECK_EQ(rows[i].name, err.code, CLV_ERR_NONE);
        CHECK_EQ(rows[i].name, f.kind, WALK_PCAPNG);
        CHECK_EQ(rows[i].name, f.big_endian, rows[i].big);
        CHECK_EQ(rows[i].name, f.data_at, 0); /* the section is the first block */
        CHECK_EQ(rows[i].name, f.record_max, 16 << 20);
        CHECK_STR(rows[i].name, f.pub.name, "pcapng");
        CHECK_EQ(rows[i].name, f.pub.big_endian, rows[i].big);
        CHECK_EQ(rows[i].name, f.pub.version_major, 1);
        CHECK_EQ(rows[i].name, f.pub.version_minor, rows[i].minor);
        CHECK_EQ(rows[i].name, f.pub.record_header_len, 0);
        free(head);
        bytes_free(&b);
    }
}

/* Every length of every dialect's header: only the whole one opens. */
static void test_open_truncated(void **state)
{
    static const uint32_t magics[] = {MAGIC_US, MAGIC_NS, MAGIC_KUZNETZOV};
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(magics); i++) {
        const struct savefile_dialect d = {.magic = magics[i / 2], .big = i % 2};
        struct bytes b = {0};
        put_file_header(&b, &d);
        for (size_t n = 1; n <= b.len; n++) {
            struct walk_format f;
            struct clv_error err = {0};
            char row[48];
            uint8_t *head = tight_copy(b.p, n);
            (void)snprintf(row, sizeof row, "%08x, %zu bytes", magics[i / 2], n);
            CHECK_EQ(row, walk_open(&f, "a", (struct clv_span){head, n}, &err), n == 24);
            CHECK_EQ(row, err.code, n == 24 ? CLV_ERR_NONE : CLV_ERR_FORMAT);
            if (n >= 4 && n < 24)
                CHECK_EQ(row, err.offset, n);
            free(head);
        }
        bytes_free(&b);
    }
}

struct record_row {
    const char *name;
    struct savefile_dialect d;
    uint32_t sec, frac, third, fourth;
    size_t present; /* packet bytes there are */
    size_t cut;     /* bytes that the header lacks */
    enum walk_step want;
    uint32_t caplen, origlen;
    int64_t ts_ns;
};

static const struct record_row record_rows[] = {
    {"exact end", {0}, 1, 2, 60, 60, 60, 0, WALK_RECORD, 60, 60, 1000002000},
    {"bytes behind", {0}, 1, 2, 60, 60, 100, 0, WALK_RECORD, 60, 60, 1000002000},
    {"no bytes captured", {0}, 1, 2, 0, 60, 0, 0, WALK_RECORD, 0, 60, 1000002000},
    {"shorter than the wire", {0}, 1, 2, 40, 1500, 40, 0, WALK_RECORD, 40, 1500, 1000002000},
    {"longer than the wire", {0}, 1, 2, 64, 60, 64, 0, WALK_RECORD, 64, 60, 1000002000},
    {"big", {.big = true}, 1, 2, 40, 60, 40, 0, WALK_RECORD, 40, 60, 1000002000},
    {"ns", {.magic = MAGIC_NS}, 1, 2, 40, 60, 40, 0, WALK_RECORD, 40, 60, 1000000002},
    {"ns, big",
     {.magic = MAGIC_NS, .big = true},
     1,
     2,
     40,
     60,
     40,
     0,
     WALK_RECORD,
     40,
     60,
     1000000002},
    {"latest us",
     {0},
     UINT32_MAX,
     999999,
     0,
     0,
     0,
     0,
     WALK_RECORD,
     0,
     0,
     INT64_C(4294967295999999000)},
    {"a fraction that is none",
     {0},
     UINT32_MAX,
     UINT32_MAX,
     0,
     0,
     0,
     0,
     WALK_RECORD,
     0,
     0,
     INT64_C(4294967295000000000) + INT64_C(4294967295000)},
    {"packet cut by one", {0}, 1, 2, 60, 60, 59, 0, WALK_CUT, 0, 0, 0},
    {"packet cut wholly", {0}, 1, 2, 60, 60, 0, 0, WALK_CUT, 0, 0, 0},
    {"packet cut, big", {.big = true}, 1, 2, 60, 60, 59, 0, WALK_CUT, 0, 0, 0},
    {"header cut by one", {0}, 1, 2, 60, 60, 0, 1, WALK_CUT, 0, 0, 0},
    {"header cut to one", {0}, 1, 2, 60, 60, 0, 15, WALK_CUT, 0, 0, 0},
    {"nothing", {0}, 1, 2, 60, 60, 0, 16, WALK_CUT, 0, 0, 0},
    {"the longest packet",
     {0},
     1,
     2,
     262144,
     262144,
     262144,
     0,
     WALK_RECORD,
     262144,
     262144,
     1000002000},
    {"the longest packet, cut", {0}, 1, 2, 262144, 262144, 10, 0, WALK_CUT, 0, 0, 0},
    {"one byte too long", {0}, 1, 2, 262145, 262145, 100, 0, WALK_IMPOSSIBLE, 0, 0, 0},
    {"impossible", {0}, 1, 2, UINT32_MAX, 60, 100, 0, WALK_IMPOSSIBLE, 0, 0, 0},
    {"impossible, big", {.big = true}, 1, 2, UINT32_MAX, 60, 0, 0, WALK_IMPOSSIBLE, 0, 0, 0},
    {"a huge wire length is no fault",
     {0},
     1,
     2,
     4,
     UINT32_MAX,
     4,
     0,
     WALK_RECORD,
     4,
     UINT32_MAX,
     1000002000},
    {"long, but D-Bus", {.network = 231}, 1, 2, 262145, 262145, 4, 0, WALK_CUT, 0, 0, 0},
    {"too long for D-Bus",
     {.network = 231},
     1,
     2,
     (128 << 20) + 1,
     0,
     4,
     0,
     WALK_IMPOSSIBLE,
     0,
     0,
     0},
    {"2.2: wire length first",
     {.major = 2, .minor = 2},
     1,
     2,
     1500,
     40,
     40,
     0,
     WALK_RECORD,
     40,
     1500,
     1000002000},
    {"2.2: cut", {.major = 2, .minor = 2}, 1, 2, 40, 1500, 40, 0, WALK_CUT, 0, 0, 0},
    {"2.2: impossible",
     {.major = 2, .minor = 2},
     1,
     2,
     40,
     262145,
     40,
     0,
     WALK_IMPOSSIBLE,
     0,
     0,
     0},
    {"2.2, big",
     {.major = 2, .minor = 2, .big = true},
     1,
     2,
     1500,
     40,
     40,
     0,
     WALK_RECORD,
     40,
     1500,
     1000002000},
    {"543: wire length first",
     {.major = 543},
     1,
     2,
     1500,
     40,
     40,
     0,
     WALK_RECORD,
     40,
     1500,
     1000002000},
    {"2.3: captured length first",
     {.major = 2, .minor = 3},
     1,
     2,
     40,
     1500,
     40,
     0,
     WALK_RECORD,
     40,
     1500,
     1000002000},
    {"2.3: wire length first",
     {.major = 2, .minor = 3},
     1,
     2,
     1500,
     40,
     40,
     0,
     WALK_RECORD,
     40,
     1500,
     1000002000},
    {"2.3: equal", {.major = 2, .minor = 3}, 1, 2, 40, 40, 40, 0, WALK_RECORD, 40, 40, 1000002000},
    {"2.3: the smaller is cut", {.major = 2, .minor = 3}, 1, 2, 1500, 40, 39, 0, WALK_CUT, 0, 0, 0},
    {"2.3: both too long",
     {.major = 2, .minor = 3},
     1,
     2,
     300000,
     262145,
     39,
     0,
     WALK_IMPOSSIBLE,
     0,
     0,
     0},
    {"modified", {.magic = MAGIC_KUZNETZOV}, 1, 2, 40, 60, 40, 0, WALK_RECORD, 40, 60, 1000002000},
    {"modified, big",
     {.magic = MAGIC_KUZNETZOV, .big = true},
     1,
     2,
     40,
     60,
     40,
     0,
     WALK_RECORD,
     40,
     60,
     1000002000},
    {"modified: 23 bytes of header",
     {.magic = MAGIC_KUZNETZOV},
     1,
     2,
     0,
     0,
     0,
     1,
     WALK_CUT,
     0,
     0,
     0},
    {"modified: packet cut", {.magic = MAGIC_KUZNETZOV}, 1, 2, 40, 60, 39, 0, WALK_CUT, 0, 0, 0},
};

static void test_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(record_rows); i++) {
        const struct record_row *r = &record_rows[i];
        struct walk_format f;
        struct walk_record rec, before;
        struct bytes b = {0};
        format_of(&f, &r->d);
        put_record_header(&b, &r->d, r->sec, r->frac, r->third, r->fourth);
        b.len -= r->cut;
        put_fill(&b, 0x5a, r->present);
        uint8_t *block = tight_copy(b.p, b.len);
        const uint8_t *p = b.len ? block : block + 1;
        memset(&rec, 0xa5, sizeof rec);
        memset(&before, 0xa5, sizeof before);
        /* The byte order as a constant too, as the loops of the program give it. */
        const enum walk_step step = r->d.big ? walk_record(&f, p, b.len, true, &rec)
                                             : walk_record(&f, p, b.len, false, &rec);
        CHECK_EQ(r->name, step, r->want);
        if (step == WALK_RECORD) {
            CHECK(r->name, rec.raw == p);
            CHECK_EQ(r->name, rec.raw_len, f.hdr_len + r->caplen);
            CHECK_EQ(r->name, rec.caplen, r->caplen);
            CHECK_EQ(r->name, rec.origlen, r->origlen);
            CHECK_EQ(r->name, rec.ts_ns, r->ts_ns);
        } else {
            CHECK_MEM(r->name, &rec, &before, sizeof rec);
        }
        free(block);
        bytes_free(&b);
    }
}

static void test_explain(void **state)
{
    static const struct {
        const char *name;
        struct savefile_dialect d;
        uint32_t third, fourth;
        size_t present, cut;
        const char *what, *hint;
    } rows[] = {
        {"header cut",
         {0},
         60,
         60,
         0,
         9,
         "inside this record header: 7 of its 16 bytes",
         "cut off"},
        {"modified header cut",
         {.magic = MAGIC_KUZNETZOV},
         60,
         60,
         0,
         4,
         "inside this record header: 20 of its 24 bytes",
         "cut off"},
        {"packet cut",
         {0},
         1514,
         1514,
         212,
         0,
         "inside this record: 212 of its 1514 bytes",
         "cut off"},
        {"packet cut, big",
         {.big = true},
         1514,
         1514,
         212,
         0,
         "inside this record: 212 of its 1514 bytes",
         "cut off"},
        {"impossible",
         {0},
         262145,
         60,
         10,
         0,
         "promises 262145 bytes, more than the 262144",
         "not records"},
        {"a hole",
         {0},
         0,
         0,
         100,
         0,
         "zeros instead of a record: 116 bytes, up to the end",
         "reserved"},
        {"a hole within a header", {0}, 0, 0, 0, 9, "a record: 7 bytes, up to the end", "reserved"},
        {"2.2 cut",
         {.major = 2, .minor = 2},
         1514,
         96,
         12,
         0,
         "inside this record: 12 of its 96 bytes",
         "cut off"},
        {"2.3 cut, wire length first",
         {.major = 2, .minor = 3},
         1514,
         96,
         12,
         0,
         "inside this record: 12 of its 96 bytes",
         "cut off"},
        {"2.3 impossible, wire length first",
         {.major = 2, .minor = 3},
         400000,
         300000,
         12,
         0,
         "promises 300000 bytes",
         "not records"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct walk_format f;
        struct walk_record rec;
        struct clv_error err = {0};
        struct bytes b = {0};
        format_of(&f, &rows[i].d);
        const bool hole = rows[i].third == 0 && rows[i].fourth == 0;
        put_record_header(&b, &rows[i].d, !hole, hole ? 0 : 2, rows[i].third, rows[i].fourth);
        b.len -= rows[i].cut;
        put_fill(&b, 0, rows[i].present);
        uint8_t *p = tight_copy(b.p, b.len);
        const enum walk_step step = walk_record(&f, p, b.len, rows[i].d.big, &rec);
        CHECK(rows[i].name, step != WALK_RECORD);
        CHECK(rows[i].name,
              !walk_explain(&f, "day.pcap", step, (struct clv_span){p, b.len}, 4096, 17, &err));
        CHECK_EQ(rows[i].name, err.code, CLV_ERR_DAMAGE);
        CHECK_EQ(rows[i].name, err.offset, 4096);
        CHECK_EQ(rows[i].name, err.record, 17);
        CHECK_STR(rows[i].name, err.subject, "day.pcap");
        CHECK_HAS(rows[i].name, err.what, rows[i].what);
        CHECK_HAS(rows[i].name, err.hint, rows[i].hint);
        free(p);
        bytes_free(&b);
    }
}

/* The file header of another capture in a record's place. */
static void test_joined(void **state)
{
    static const struct savefile_dialect us = {0};
    static const struct {
        const char *name;
        const char *hex; /* as it stands there */
        enum walk_step want;
        const char *what; /* WALK_OTHER: where they differ */
    } rows[] = {
        {"the same",
         "d4c3b2a102000400000000000000000000000400"
         "01000000",
         WALK_BLOCK, NULL},
        {"a time zone",
         "d4c3b2a102000400100e00000000000000000400"
         "01000000",
         WALK_BLOCK, NULL},
        {"west of Greenwich",
         "d4c3b2a102000400f0f1ffff0000000000000400"
         "01000000",
         WALK_BLOCK, NULL},
        {"an accuracy",
         "d4c3b2a102000400000000000600000000000400"
         "01000000",
         WALK_BLOCK, NULL},
        {"a smaller snaplen",
         "d4c3b2a102000400000000000000000060000000"
         "01000000",
         WALK_BLOCK, NULL},
        {"big-endian",
         "a1b2c3d400020004000000000000000000040000"
         "00000001",
         WALK_OTHER, "byte order"},
        {"nanoseconds",
         "4d3cb2a102000400000000000000000000000400"
         "01000000",
         WALK_OTHER, "time resolution"},
        {"modified",
         "34cdb2a102000400000000000000000000000400"
         "01000000",
         WALK_OTHER, "form of record headers"},
        {"2.2",
         "d4c3b2a102000200000000000000000000000400"
         "01000000",
         WALK_OTHER, "version"},
        {"raw IP",
         "d4c3b2a102000400000000000000000000000400"
         "65000000",
         WALK_OTHER, "link type"},
        {"an FCS",
         "d4c3b2a102000400000000000000000000000400"
         "01000024",
         WALK_OTHER, "link type"},
        {"pcapng", "0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000", WALK_OTHER,
         "format"},
        {"pcapng, big-endian", "0a0d0d0a0000001c1a2b3c4d00010000ffffffffffffffff0000001c",
         WALK_OTHER, "format"},
        {"version 3",
         "d4c3b2a103000400000000000000000000000400"
         "01000000",
         WALK_RECORD, NULL},
        {"a zone of two days",
         "d4c3b2a10200040000a302000000000000000400"
         "01000000",
         WALK_RECORD, NULL},
        {"a byte short",
         "d4c3b2a102000400000000000000000000000400"
         "010000",
         WALK_RECORD, NULL},
    };
    struct walk_format f;
    (void)state;
    format_of(&f, &us);
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes b = {0};
        struct walk_record rec = {0};
        struct clv_error err = {0};
        put_hex(&b, rows[i].hex);
        if (strcmp(rows[i].name, "a zone of two days") == 0)
            put_fill(&b, 0, 200000);
        uint8_t *p = tight_copy(b.p, b.len);
        const enum walk_step step = walk_record(&f, p, b.len, false, &rec);
        CHECK_EQ(rows[i].name, step, rows[i].want);
        CHECK_EQ(rows[i].name, walk_begins_savefile(p, b.len),
                 rows[i].want != WALK_RECORD && strstr(rows[i].name, "pcapng") == NULL);
        if (step == WALK_BLOCK)
            CHECK_EQ(rows[i].name, rec.raw_len, PCAP_FILE_HEADER);
        if (step == WALK_OTHER) {
            (void)walk_explain(&f, "a.pcap", step, (struct clv_span){p, b.len}, 999, 7, &err);
            CHECK_EQ(rows[i].name, err.code, CLV_ERR_DAMAGE);
            CHECK_HAS(rows[i].name, err.what, "another capture begins here");
            CHECK_HAS(rows[i].name, err.what, rows[i].what);
            CHECK_HAS(rows[i].name, err.hint, "tail -c +1000 ");
        }
        free(p);
        bytes_free(&b);
    }
}

enum { GUESS_RECORDS = 300, GUESS_SEC = 1700000000 };

/* Record headers with more in them than the magic number says. */
static void test_form(void **state)
{
    static const struct {
        const char *name;
        struct savefile_dialect d;
        unsigned records, more; /* bytes in each record's header */
        const char *want;       /* NULL: it is as it should be */
    } rows[] = {
        {"as it should be", {0}, 3, 0, NULL},
        {"one record", {0}, 1, 0, NULL},
        {"none", {0}, 0, 0, NULL},
        {"Nokia", {0}, 9, 4, "20 bytes instead of 16, as Nokia's"},
        {"Nokia, big-endian", {.big = true}, 3, 4, "20 bytes instead of 16, as Nokia's"},
        {"Nokia, two records", {0}, 2, 4, "20 bytes instead of 16, as Nokia's"},
        {"Nokia, one record: who knows", {0}, 1, 4, NULL},
        {"Red Hat", {0}, 9, 8, "24 bytes instead of 16, as Red Hat 6.1's"},
        {"modified", {.magic = MAGIC_KUZNETZOV}, 9, 0, NULL},
        {"SuSE", {.magic = MAGIC_KUZNETZOV}, 9, 4, "28 bytes instead of 24, as SuSE 6.3's"},
        {"something else", {0}, 9, 5, NULL},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct walk_format f;
        struct bytes b = {0};
        struct clv_error err = {0};
        uint64_t seed = i;
        format_of(&f, &rows[i].d);
        put_noise(&b, &seed, PCAP_FILE_HEADER);
        for (uint32_t k = 0; k < rows[i].records; k++) {
            put_record_header(&b, &rows[i].d, GUESS_SEC + k, k, 60 + k, 70);
            put_noise(&b, &seed, rows[i].more);
            put_noise(&b, &seed, 60 + k);
        }
        const bool ok = walk_check_form(&f, "a.pcap", (struct clv_span){b.p, b.len}, &err);
        CHECK_EQ(rows[i].name, ok, rows[i].want == NULL);
        if (!ok) {
            CHECK_EQ(rows[i].name, err.code, CLV_ERR_FORMAT);
            CHECK_HAS(rows[i].name, err.what, rows[i].want);
            CHECK_HAS(rows[i].name, err.hint, "editcap");
        }
        bytes_free(&b);
    }
}

/* What is as its magic number says to its end is so, though it looks like another form too. */
static void test_form_of_odd_records(void **state)
{
    static const struct savefile_dialect d = {.big = false};
    struct walk_format f;
    struct bytes b = {0};
    struct clv_error err = {0};
    (void)state;
    format_of(&f, &d);
    put_fill(&b, 0, PCAP_FILE_HEADER);
    put_record_header(&b, &d, 0, 1, 4, 4);
    put_fill(&b, 0, 4);
    put_record_header(&b, &d, 0, 0, 24, 300000); /* as of 24 bytes: second 24, 0.3 s ... */
    put_hex(&b, "08000000 08000000");            /* ... and 8 of 8 bytes, up to the end */
    put_fill(&b, 0, 16);
    CHECK("whole", walk_check_form(&f, "a.pcap", (struct clv_span){b.p, b.len}, &err));
    put_fill(&b, 0, 8); /* now it ends with no record */
    b.p[PCAP_FILE_HEADER + 16 + 4 + 16] = b.p[PCAP_FILE_HEADER + 16 + 4 + 16 + 4] = 16;
    CHECK("the other form", !walk_check_form(&f, "a.pcap", (struct clv_span){b.p, b.len}, &err));
    bytes_free(&b);
}

/* Records of noise, 0 to 400 bytes, as they lie in a file; starts[] has one more: the end. */
static void generate(struct bytes *b, const struct savefile_dialect *d, size_t *starts,
                     bool wire_first)
{
    uint64_t seed = 42;
    for (uint32_t i = 0; i < GUESS_RECORDS; i++) {
        const uint32_t len = (uint32_t)(noise(&seed) >> 32) % 400;
        const uint32_t wire = len + (i % 3) * 10;
        starts[i] = b->len;
        put_record_header(b, d, GUESS_SEC + i / 7, i * 1000 % 999999, wire_first ? wire : len,
                          wire_first ? len : wire);
        if (len)
            put_noise(b, &seed, len);
    }
    starts[GUESS_RECORDS] = b->len;
}

static void test_guess(void **state)
{
    static const struct {
        const char *name;
        struct savefile_dialect d;
        bool wire_first;
    } rows[] = {
        {"us", {0}, false},
        {"us, big", {.big = true}, false},
        {"ns", {.magic = MAGIC_NS}, false},
        {"ns, big", {.magic = MAGIC_NS, .big = true}, false},
        {"modified", {.magic = MAGIC_KUZNETZOV}, false},
        {"version 2.2", {.major = 2, .minor = 2}, true},
    };
    const int64_t near_ns = (int64_t)(GUESS_SEC + 20) * 1000000000;
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct walk_format f;
        struct bytes b = {0};
        size_t starts[GUESS_RECORDS + 1];
        format_of(&f, &rows[i].d);
        generate(&b, &rows[i].d, starts, rows[i].wire_first);
        uint8_t *p = tight_copy(b.p, b.len);
        size_t next = 0;
        for (size_t from = 0; from <= b.len; from++) {
            char row[64];
            while (starts[next] < from)
                next++;
            (void)snprintf(row, sizeof row, "%s, from byte %zu", rows[i].name, from);
            CHECK_EQ(row, walk_guess(&f, (struct clv_span){p, b.len}, from, near_ns), starts[next]);
        }
        free(p);
        bytes_free(&b);
    }
}

/* A span that begins and ends anywhere: right where five whole records follow, and never beyond. */
static void test_guess_cut_spans(void **state)
{
    const struct savefile_dialect d = {0};
    const int64_t near_ns = (int64_t)GUESS_SEC * 1000000000;
    struct walk_format f;
    struct bytes b = {0};
    size_t starts[GUESS_RECORDS + 1];
    (void)state;
    format_of(&f, &d);
    generate(&b, &d, starts, false);
    for (size_t begin = 0; begin < 3000; begin += 13) {
        const size_t len = 4000 + begin % 97;
        uint8_t *p = tight_copy(b.p + begin, len);
        size_t next = 0;
        char row[64];
        while (starts[next] < begin)
            next++;
        (void)snprintf(row, sizeof row, "bytes %zu to %zu", begin, begin + len);
        CHECK(row, starts[next + 5] < begin + len);
        CHECK_EQ(row, walk_guess(&f, (struct clv_span){p, len}, 0, near_ns), starts[next] - begin);
        free(p);
    }
    bytes_free(&b);
}

static void test_guess_nothing(void **state)
{
    struct walk_format f;
    struct bytes b = {0};
    uint64_t seed = 7;
    const struct savefile_dialect d = {0};
    (void)state;
    format_of(&f, &d);
    put_noise(&b, &seed, 200000);
    const struct clv_span noise_span = {b.p, b.len};
    CHECK_EQ("noise", walk_guess(&f, noise_span, 0, (int64_t)GUESS_SEC * 1000000000), b.len);
    const struct clv_span none = {b.p, 0};
    CHECK_EQ("no bytes", walk_guess(&f, none, 0, 0), 0);
    bytes_free(&b);
}

/* From every byte: the next record. */
static void test_search(void **state)
{
    static const struct {
        const char *name;
        struct savefile_dialect d;
        bool wire_first;
    } rows[] = {
        {"us", {0}, false},
        {"us, big", {.big = true}, false},
        {"ns", {.magic = MAGIC_NS}, false},
        {"modified", {.magic = MAGIC_KUZNETZOV}, false},
        {"version 2.2", {.major = 2, .minor = 2}, true},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct walk_format f;
        struct bytes b = {0};
        size_t starts[GUESS_RECORDS + 1];
        format_of(&f, &rows[i].d);
        generate(&b, &rows[i].d, starts, rows[i].wire_first);
        uint8_t *p = tight_copy(b.p, b.len);
        const struct clv_span all = {p, b.len};
        size_t next = 0;
        for (size_t from = 0; from <= b.len; from++) {
            char row[64];
            while (starts[next] < from)
                next++;
            (void)snprintf(row, sizeof row, "%s, from byte %zu", rows[i].name, from);
            CHECK_EQ(row, walk_search(&f, all, from, b.len), starts[next]);
            CHECK_EQ(row, walk_search(&f, all, from, starts[next]), starts[next]);
            CHECK_EQ(row, walk_search(&f, all, from, from), from);
        }
        free(p);
        bytes_free(&b);
    }
}

/* What is no record: too far from the next in time, cut at the end, without any bytes. */
static void test_search_refusals(void **state)
{
    static const struct {
        const char *name;
        uint32_t sec[3], caplen[3];
        unsigned n;
        size_t cut;  /* bytes that the last lacks */
        size_t want; /* record, 9: none */
    } rows[] = {
        {"three", {1000000000, 1000000001, 1000000002}, {5, 6, 7}, 3, 0, 0},
        {"three, backwards", {1000000002, 1000000001, 1000000000}, {5, 6, 7}, 3, 0, 0},
        {"one at the end", {1000000000}, {5}, 1, 0, 0},
        {"one at the end that is cut", {1000000000}, {5}, 1, 1, 9},
        {"two, then one that is cut", {1000000000, 1000000001, 1000000002}, {5, 6, 7}, 3, 1, 9},
        {"a month apart", {1000000000, 1000000000 + 30 * 86400}, {5, 5}, 2, 0, 0},
        {"a second more", {1000000000, 1000000001 + 30 * 86400}, {5, 5}, 2, 0, 1},
        {"a month back", {1000000000, 1000000000 - 30 * 86400}, {5, 5}, 2, 0, 0},
        {"a jump in the middle", {1000000000, 2000000000, 1000000000}, {5, 6, 7}, 3, 0, 2},
        {"a jump", {1000000000, 2000000000, 2000000000}, {5, 6, 7}, 3, 0, 1},
        {"no bytes on the wire", {1000000000, 1000000000}, {0, 5}, 2, 0, 0},
        {"zeros", {0, 1}, {0, 5}, 2, 0, 1},
        {"too long", {1000000000, 1000000000}, {262145, 5}, 2, 0, 1},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct savefile_dialect d = {0};
        struct walk_format f;
        struct bytes b = {0};
        size_t starts[10];
        format_of(&f, &d);
        for (unsigned k = 0; k < rows[i].n; k++) {
            starts[k] = b.len;
            put_record_header(&b, &d, rows[i].sec[k], 0, rows[i].caplen[k], rows[i].caplen[k]);
            put_fill(&b, 0xff, rows[i].caplen[k]);
        }
        b.len -= rows[i].cut;
        starts[9] = b.len;
        uint8_t *p = tight_copy(b.p, b.len);
        CHECK_EQ(rows[i].name, walk_search(&f, (struct clv_span){p, b.len}, 0, b.len),
                 starts[rows[i].want]);
        free(p);
        bytes_free(&b);
    }
}

/* Of a place no more than the longest record behind it is looked at, however long the span is. */
static void test_search_horizon(void **state)
{
    static const struct {
        const char *name;
        uint32_t caplen[4]; /* of records, one behind the other */
    } rows[] = {
        {"short records", {100, 100, 100, 1000000}},
        {"the longest first", {262144, 10, 10, 100000}},
        {"the third reaches behind", {100000, 100000, 100000, 262144}},
        {"the second reaches behind", {200000, 200000, 262144, 262144}},
        {"noise behind a long one", {262140, UINT32_MAX, 0, 0}},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct savefile_dialect d = {0};
        struct walk_format f;
        struct bytes b = {0};
        uint64_t seed = 5;
        format_of(&f, &d);
        put_noise(&b, &seed, 100);
        for (unsigned k = 0; k < 4; k++) {
            put_record_header(&b, &d, GUESS_SEC, 0, rows[i].caplen[k], rows[i].caplen[k]);
            put_noise(&b, &seed, min_u64(rows[i].caplen[k], 600000));
        }
        const size_t least = 100 + f.record_max;
        assert_true(b.len >= least);
        const size_t want = walk_search(&f, (struct clv_span){b.p, b.len}, 0, 101);
        for (size_t len = least; len < b.len; len += 9973) {
            char row[64];
            (void)snprintf(row, sizeof row, "%s, %zu bytes behind", rows[i].name, len - 100);
            CHECK_EQ(row, walk_search(&f, (struct clv_span){b.p, len}, 0, 101), want);
        }
        bytes_free(&b);
    }
}

/* A record whose end is cut off, with another capture after it. */
static void check_believes(const struct savefile_dialect *d, const struct savefile_dialect *other)
{
    struct walk_format f;
    format_of(&f, d);
    for (unsigned cut = 0; cut < 24; cut++) {
        struct bytes b = {0};
        uint64_t seed = 9;
        char row[48];
        (void)snprintf(row, sizeof row, "%d before %d, %u bytes cut off", d->big, other->big, cut);
        put_record_header(&b, d, GUESS_SEC, 0, 100, 100);
        const size_t raw_len = b.len + 100;
        put_noise(&b, &seed, 100 - cut);
        put_file_header(&b, other);
        for (unsigned i = 0; i < 3; i++) {
            put_record_header(&b, other, GUESS_SEC, i, 500, 500);
            put_noise(&b, &seed, 500);
        }
        uint8_t *p = tight_copy(b.p, b.len);
        CHECK_EQ(row, walk_believes(&f, (struct clv_span){p, b.len}, (uint32_t)raw_len), cut == 0);
        free(p);
        bytes_free(&b);
    }
}

static void test_believes(void **state)
{
    static const struct savefile_dialect orders[] = {{.big = false}, {.big = true}};
    (void)state;
    for (size_t i = 0; i < N_ROWS(orders); i++)
        for (size_t k = 0; k < N_ROWS(orders); k++)
            check_believes(&orders[i], &orders[k]);
}

static void test_is_capture(void **state)
{
    static const struct {
        const char *name, *head;
        bool is;
    } rows[] = {
        {"us", "\xa1\xb2\xc3\xd4", true},
        {"us, little", "\xd4\xc3\xb2\xa1", true},
        {"ns", "\xa1\xb2\x3c\x4d", true},
        {"ns, little", "\x4d\x3c\xb2\xa1", true},
        {"modified", "\xa1\xb2\xcd\x34", true},
        {"modified, little", "\x34\xcd\xb2\xa1", true},
        {"pcapng", "\x0a\x0d\x0d\x0a", true},
        {"text", "text", false},
        {"zeros", "\0\0\0", false},
        {"one byte off", "\xa1\xb2\xc3\xd5", false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++)
        CHECK_EQ(rows[i].name, walk_is_capture((const uint8_t *)rows[i].head), rows[i].is);
}

UNIT(walk)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_capture),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_open_refusals),
        cmocka_unit_test(test_open_pcapng),
        cmocka_unit_test(test_open_truncated),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_guess),
        cmocka_unit_test(test_guess_cut_spans),
        cmocka_unit_test(test_guess_nothing),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_joined),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_form_of_odd_records),
        cmocka_unit_test(test_search_refusals),
        cmocka_unit_test(test_search_horizon),
        cmocka_unit_test(test_believes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
