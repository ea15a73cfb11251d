/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"

#include "output/headers.h"

#define WIDE UINT64_C(0xffffffff)

static const struct {
    const char *name;
    uint64_t size, offset;
    bool wide;
    size_t local, central; /* lengths, less that of the name */
    unsigned local_version, central_version;
    uint64_t size32, offset32;
} rows[] = {
    {"small", 100, 200, false, 30, 46, 10, 10, 100, 200},
    {"empty", 0, 0, false, 30, 46, 10, 10, 0, 0},
    {"the longest of 32 bits", WIDE - 1, WIDE - 1, false, 30, 46, 10, 10, WIDE - 1, WIDE - 1},
    {"the first of 64 bits", WIDE, 0, false, 50, 66, 45, 45, WIDE, 0},
    {"begins far off", 5, WIDE, false, 30, 58, 10, 45, 5, WIDE},
    {"both", UINT64_C(5) << 32, UINT64_C(6) << 32, false, 50, 74, 45, 45, WIDE, WIDE},
    {"wide, though it is small", 7, 8, true, 50, 46, 45, 10, 7, 8},
};

static void test_rows(void **state)
{
    static const char *const names[] = {"a.pcap", "00010000/x_\xc3\xa4.pcap"};
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++)
        for (size_t k = 0; k < N_ROWS(names); k++) {
            const char *row = rows[i].name;
            const size_t len = strlen(names[k]);
            const struct headers_entry e = {.name = names[k],
                                            .name_len = len,
                                            .size = rows[i].size,
                                            .offset = rows[i].offset,
                                            .crc = 0x12345678,
                                            .mode = 0640};
            uint8_t p[HEADERS_CENTRAL_MAX];
            CHECK_EQ(row, headers_local_len(len, e.size, rows[i].wide), rows[i].local + len);
            CHECK_EQ(row, headers_local(p, &e, rows[i].wide), rows[i].local + len);
            CHECK_EQ(row, load_le32(p), 0x04034b50);
            CHECK_EQ(row, load_le16(p + 4), rows[i].local_version);
            CHECK_EQ(row, load_le16(p + 6), k ? 1 << 11 : 0); /* UTF-8 */
            CHECK_EQ(row, load_le16(p + 8), 0);
            CHECK_EQ(row, load_le32(p + 14), e.crc);
            CHECK_EQ(row, load_le32(p + 18), rows[i].local == 50 ? WIDE : e.size);
            CHECK_EQ(row, load_le32(p + 22), rows[i].local == 50 ? WIDE : e.size);
            CHECK_EQ(row, load_le16(p + 26), len);
            CHECK_EQ(row, memcmp(p + 30, names[k], len), 0);
            if (rows[i].local == 50)
                CHECK_EQ(row, load_le64(p + 30 + len + 4), e.size);
            CHECK_EQ(row, headers_central_len(len, e.size, e.offset), rows[i].central + len);
            CHECK_EQ(row, headers_central(p, &e), rows[i].central + len);
            CHECK_EQ(row, load_le32(p), 0x02014b50);
            CHECK_EQ(row, load_le16(p + 6), rows[i].central_version);
            CHECK_EQ(row, load_le32(p + 16), e.crc);
            CHECK_EQ(row, load_le32(p + 24), rows[i].size32);
            CHECK_EQ(row, load_le16(p + 30), rows[i].central > 46 ? rows[i].central - 46 : 0);
            CHECK_EQ(row, load_le32(p + 38) >> 16, 0100640);
            CHECK_EQ(row, load_le32(p + 42), rows[i].offset32);
            CHECK_EQ(row, memcmp(p + 46, names[k], len), 0);
        }
}

static const struct {
    const char *name;
    uint64_t n, at, len;
    size_t want;
} ends[] = {
    {"few", 3, 100, 200, 22},        {"the most of 16 bits", 65534, 100, 200, 22},
    {"65,535", 65535, 100, 200, 98}, {"65,536", 65536, 100, 200, 98},
    {"far off", 1, WIDE, 50, 98},    {"a long directory", 70000, 1, WIDE, 98},
};

static void test_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(ends); i++) {
        uint8_t p[HEADERS_END_MAX];
        const size_t len = headers_end(p, ends[i].n, ends[i].at, ends[i].len);
        CHECK_EQ(ends[i].name, len, ends[i].want);
        const uint8_t *end = p + len - 22;
        CHECK(ends[i].name, headers_ends(p, len) && !headers_ends(p, len - 1));
        CHECK_EQ(ends[i].name, load_le16(end + 10), ends[i].n < 65535 ? ends[i].n : 65535);
        CHECK_EQ(ends[i].name, load_le32(end + 12), ends[i].len < WIDE ? ends[i].len : WIDE);
        CHECK_EQ(ends[i].name, load_le32(end + 16), ends[i].at < WIDE ? ends[i].at : WIDE);
        if (len == 22)
            continue;
        CHECK_EQ(ends[i].name, load_le32(p), 0x06064b50);
        CHECK_EQ(ends[i].name, load_le64(p + 32), ends[i].n);
        CHECK_EQ(ends[i].name, load_le64(p + 40), ends[i].len);
        CHECK_EQ(ends[i].name, load_le64(p + 48), ends[i].at);
        CHECK_EQ(ends[i].name, load_le64(p + 64), ends[i].at + ends[i].len);
    }
}

UNIT(headers)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
