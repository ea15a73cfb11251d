/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"
#include "support_zip.h"

#include "input/unzip.h"

/* Where a change is made. */
enum mark { NOWHERE, LOCAL, DATA, ENTRY, DIRECTORY, END64, LOCATOR, END };

static size_t place(const struct zip_marks *m, enum mark mark, size_t i)
{
    switch (mark) {
    case LOCAL:
        return m->local[i];
    case DATA:
        return m->data[i];
    case ENTRY:
        return m->entry[i];
    case DIRECTORY:
        return m->directory;
    case END64:
        return m->end64;
    case LOCATOR:
        return m->locator;
    default:
        return m->end;
    }
}

/* Writes the low `width` bytes of a value somewhere. */
struct change {
    enum mark mark;
    unsigned member, at, width;
    uint64_t value;
};

static void apply(struct bytes *b, const struct zip_marks *m, const struct change *c)
{
    for (unsigned k = 0; c->mark && k < c->width; k++)
        b->p[place(m, c->mark, c->member) + c->at + k] = (uint8_t)(c->value >> 8 * k);
}

static const struct zip_spec two[] = {
    {.name = "a.pcap", .data = "first"},
    {.name = "b/c.pcap", .data = "the second"},
};
static const struct zip_spec two_wide[] = {
    {.name = "a.pcap", .data = "first", .wide = true},
    {.name = "b/c.pcap", .data = "the second", .wide = true},
};

/* A byte more than the file has would be seen by a sanitizer. */
static void lend(struct unzip *z, const struct bytes *b, uint8_t **copy)
{
    struct clv_error err = {.offset = CLV_NO_OFFSET};
    *copy = tight_copy(b->p, b->len);
    assert_true(unzip_lend(z, "a.zip", *copy, b->len, &err));
}

static void test_sound(void **state)
{
    static const struct {
        const char *name;
        struct zip_spec members[2];
        size_t n;
        bool zip64;
        const char *comment;
        size_t before, after; /* bytes around it */
        bool described;
        struct change changes[2];
    } rows[] = {
        {.name = "stored",
         .members = {{.name = "a", .data = "abc"}, {.name = "b", .data = ""}},
         .n = 2},
        {.name = "none"},
        {.name = "none, zip64", .zip64 = true},
        {.name = "deflated",
         .members = {{.name = "a", .data = "xx", .method = 8, .size = 70, .crc = 7},
                     {.name = "b", .data = "d"}},
         .n = 2},
        {.name = "zip64",
         .members = {{.name = "a", .data = "abc"}, {.name = "b", .data = "d"}},
         .n = 2,
         .zip64 = true},
        {.name = "sizes of 64 bits",
         .members = {{.name = "a", .data = "abc", .wide = true},
                     {.name = "b", .data = "d", .wide = true}},
         .n = 2},
        {.name = "all of 64 bits",
         .members = {{.name = "a", .data = "abc", .wide = true},
                     {.name = "b", .data = "d", .wide = true}},
         .n = 2,
         .zip64 = true},
        {.name = "descriptor",
         .members = {{.name = "a", .data = "abc", .flags = 8}},
         .n = 1,
         .described = true},
        {.name = "descriptor without magic number",
         .members = {{.name = "a", .data = "abc", .flags = 8, .no_magic = true}},
         .n = 1,
         .described = true},
        {.name = "descriptor of 64 bits",
         .members =
             {{.name = "a", .data = "abc", .flags = 8, .wide = true, .wide_descriptor = true}},
         .n = 1,
         .described = true},
        {.name = "comment",
         .members = {{.name = "a", .data = "abc"}},
         .n = 1,
         .comment = "a comment"},
        {.name = "comment with the magic number of an end",
         .members = {{.name = "a", .data = "abc"}},
         .n = 1,
         .comment = "PK\5\6 and not what should follow it"},
        {.name = "bytes before",
         .members = {{.name = "a", .data = "abc"}, {.name = "b", .data = "d"}},
         .n = 2,
         .before = 100},
        {.name = "bytes before, zip64",
         .members = {{.name = "a", .data = "abc"}, {.name = "b", .data = "d", .wide = true}},
         .n = 2,
         .zip64 = true,
         .comment = "c",
         .before = 100},
        {.name = "bytes behind",
         .members = {{.name = "a", .data = "abc"}, {.name = "b", .data = "d"}},
         .n = 2,
         .after = 9},
        {.name = "extra fields that are none",
         .members = {{.name = "a", .data = "abc", .wide = true}},
         .n = 1,
         .changes = {{LOCAL, 0, 18, 8, UINT64_C(0x0000000300000003)}, {LOCAL, 0, 31, 2, 0x7777}}},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *row = rows[i].name;
        struct bytes b = {0};
        struct zip_marks marks = {0};
        struct unzip z;
        struct unzip_cursor c = {0};
        struct unzip_member m;
        struct clv_error err = {.offset = CLV_NO_OFFSET};
        uint8_t *copy;
        put_fill(&b, 'x', rows[i].before);
        put_zip(&b, rows[i].members, rows[i].n, rows[i].zip64,
                rows[i].comment ? rows[i].comment : "", &marks);
        put_fill(&b, 'y', rows[i].after);
        for (size_t k = 0; k < N_ROWS(rows[i].changes); k++)
            apply(&b, &marks, &rows[i].changes[k]);
        lend(&z, &b, &copy);
        CHECK_EQ(row, z.n, rows[i].n);
        CHECK_EQ(row, z.zip64, rows[i].zip64);
        CHECK_EQ(row, z.shift, rows[i].before);
        CHECK_EQ(row, z.directory, marks.directory);
        CHECK_EQ(row, z.directory + z.directory_len, z.end);
        CHECK_EQ(row, z.end, rows[i].zip64 ? marks.end64 : marks.end);
        CHECK_EQ(row, z.map.size - z.over, rows[i].after);
        uint64_t over = rows[i].before;
        for (size_t k = 0; k < rows[i].n; k++) {
            const struct zip_spec s = zip_settled(&rows[i].members[k]);
            CHECK_EQ(row, unzip_next(&z, &c, &m, &err), UNZIP_MEMBER);
            CHECK(row, unzip_locate(&z, &m, &err));
            CHECK_EQ(row, m.entry, marks.entry[k]);
            CHECK_EQ(row, m.header, marks.local[k]);
            CHECK_EQ(row, m.header, over); /* nothing is between them */
            CHECK_EQ(row, m.data, marks.data[k]);
            CHECK_EQ(row, m.central.name.len, strlen(s.name));
            CHECK_MEM(row, m.central.name.p, s.name, strlen(s.name));
            CHECK_EQ(row, m.central.method, s.method);
            CHECK_EQ(row, m.central.flags, s.flags);
            CHECK_EQ(row, m.central.size, s.size);
            CHECK_EQ(row, m.central.packed, strlen(s.data));
            CHECK_EQ(row, m.central.crc, s.crc);
            CHECK_EQ(row, m.described, rows[i].described);
            CHECK_EQ(row, m.external >> 16, 0100644);
            CHECK_EQ(row, unzip_data(&z, &m).len, strlen(s.data));
            CHECK_MEM(row, unzip_data(&z, &m).p, s.data, strlen(s.data));
            const struct unzip_member before = m;
            CHECK(row, unzip_entry(&z, before.entry, &m, &err));
            CHECK_EQ(row, m.header, before.header);
            over = before.over;
        }
        CHECK_EQ(row, over, marks.directory);
        CHECK_EQ(row, unzip_next(&z, &c, &m, &err), UNZIP_END);
        CHECK(row, unzip_check(&z, &err));
        unzip_close(&z);
        free(copy);
        bytes_free(&b);
    }
}

/* Archives of two members, each changed in one or two places. */
static void test_bad(void **state)
{
    enum stage { OPENS, LISTS, LOCATES };
    static const struct {
        const char *name;
        enum stage fails;
        bool wide; /* all of 64 bits */
        size_t cut;
        struct change changes[2];
        const char *want;
        enum mark mark; /* the byte that is told */
        unsigned member, at;
    } rows[] = {
        {.name = "no end", .fails = OPENS, .cut = 1, .want = "its end is missing"},
        {.name = "no end record",
         .fails = OPENS,
         .changes = {{END, 0, 0, 1, 0}},
         .want = "its end is missing"},
        {.name = "too short", .fails = OPENS, .cut = 200, .want = "its end is missing"},
        {.name = "one of several",
         .fails = OPENS,
         .changes = {{END, 0, 4, 4, 0x10001}},
         .want = "one part of several",
         .mark = END},
        {.name = "some members elsewhere",
         .fails = OPENS,
         .changes = {{END, 0, 8, 2, 1}},
         .want = "one part of several",
         .mark = END},
        {.name = "directory too long",
         .fails = OPENS,
         .changes = {{END, 0, 12, 4, 10000}},
         .want = "does not fit",
         .mark = END},
        {.name = "directory too far",
         .fails = OPENS,
         .changes = {{END, 0, 16, 4, 0x7fffffff}},
         .want = "does not fit",
         .mark = END},
        {.name = "both wrap round",
         .fails = OPENS,
         .changes = {{END, 0, 12, 8, UINT64_MAX - 1}},
         .want = "does not fit",
         .mark = END},
        {.name = "too many members",
         .fails = OPENS,
         .changes = {{END, 0, 8, 4, 0x30003}},
         .want = "too short for its members",
         .mark = END},
        {.name = "two end records",
         .fails = OPENS,
         .wide = true,
         .changes = {{END, 0, 10, 2, 1}},
         .want = "do not agree",
         .mark = END},
        {.name = "locator to nowhere, and nothing there",
         .fails = OPENS,
         .wide = true,
         .changes = {{LOCATOR, 0, 8, 8, UINT64_MAX}, {END64, 0, 0, 1, 0}},
         .want = "not where it should be",
         .mark = LOCATOR},
        {.name = "zip64 record too long",
         .fails = OPENS,
         .wide = true,
         .changes = {{END64, 0, 4, 8, UINT64_MAX}},
         .want = "impossible length",
         .mark = END64},
        {.name = "zip64 record too short",
         .fails = OPENS,
         .wide = true,
         .changes = {{END64, 0, 4, 8, 43}},
         .want = "impossible length",
         .mark = END64},
        {.name = "zip64 offset",
         .fails = OPENS,
         .wide = true,
         .changes = {{END64, 0, 48, 8, UINT64_MAX}},
         .want = "does not fit",
         .mark = END64},
        {.name = "zip64 lengths",
         .fails = OPENS,
         .wide = true,
         .changes = {{END64, 0, 40, 8, UINT64_MAX}},
         .want = "does not fit",
         .mark = END64},
        {.name = "zip64 members",
         .fails = OPENS,
         .wide = true,
         .changes = {{END64, 0, 24, 8, UINT64_MAX}, {END64, 0, 32, 8, UINT64_MAX}},
         .want = "too short for its members",
         .mark = END64},
        {.name = "one member less",
         .fails = LISTS,
         .changes = {{END, 0, 8, 4, 0x10001}},
         .want = "the number of members",
         .mark = END},
        {.name = "one member less, zip64",
         .fails = LISTS,
         .wide = true,
         .changes = {{END64, 0, 24, 8, 1}, {END64, 0, 32, 8, 1}},
         .want = "the number of members",
         .mark = END64},
        {.name = "no entry",
         .fails = LISTS,
         .changes = {{ENTRY, 1, 0, 1, 0}},
         .want = "an entry of its directory is missing",
         .mark = ENTRY,
         .member = 1},
        {.name = "name too long",
         .fails = LISTS,
         .changes = {{ENTRY, 1, 28, 2, 0xffff}},
         .want = "cut short",
         .mark = ENTRY,
         .member = 1},
        {.name = "comment too long",
         .fails = LISTS,
         .changes = {{ENTRY, 1, 32, 2, 1}},
         .want = "cut short",
         .mark = ENTRY,
         .member = 1},
        {.name = "extra fields take the next entry",
         .fails = LISTS,
         .changes = {{ENTRY, 0, 30, 2, 54}},
         .want = "the number of members",
         .mark = END},
        {.name = "a member elsewhere",
         .fails = LISTS,
         .changes = {{ENTRY, 0, 34, 2, 1}},
         .want = "another part",
         .mark = ENTRY},
        {.name = "no sizes of 64 bits",
         .fails = LISTS,
         .wide = true,
         .changes = {{ENTRY, 0, 54, 2, 4}},
         .want = "lacks its 64-bit sizes",
         .mark = ENTRY},
        {.name = "header beyond the directory",
         .fails = LISTS,
         .changes = {{ENTRY, 0, 42, 4, 0xfffffffe}},
         .want = "begin after",
         .mark = ENTRY},
        {.name = "header in the directory",
         .fails = LISTS,
         .changes = {{ENTRY, 0, 42, 4, 115}},
         .want = "begin after",
         .mark = ENTRY},
        {.name = "larger than the archive",
         .fails = LISTS,
         .changes = {{ENTRY, 0, 20, 4, 0xffffffff}},
         .want = "overlap",
         .mark = ENTRY},
        {.name = "larger than the archive together",
         .fails = LISTS,
         .changes = {{ENTRY, 0, 20, 4, 30}},
         .want = "overlap",
         .mark = ENTRY,
         .member = 1},
        {.name = "sizes that wrap round",
         .fails = LISTS,
         .wide = true,
         .changes = {{ENTRY, 0, 64, 8, UINT64_MAX}},
         .want = "overlap",
         .mark = ENTRY},
        {.name = "no local header",
         .fails = LOCATES,
         .changes = {{LOCAL, 0, 2, 1, 0}},
         .want = "a local header is missing",
         .mark = LOCAL},
        {.name = "header of another",
         .fails = LOCATES,
         .changes = {{ENTRY, 1, 42, 4, 0}},
         .want = "disagree about a name",
         .mark = LOCAL},
        {.name = "header at the directory",
         .fails = LOCATES,
         .changes = {{ENTRY, 1, 42, 4, 89}},
         .want = "a local header is missing",
         .mark = DIRECTORY},
        {.name = "local name too long",
         .fails = LOCATES,
         .changes = {{LOCAL, 1, 26, 2, 0xffff}},
         .want = "runs into",
         .mark = LOCAL,
         .member = 1},
        {.name = "local extra fields into the directory",
         .fails = LOCATES,
         .changes = {{LOCAL, 1, 28, 2, 1}},
         .want = "runs into",
         .mark = LOCAL,
         .member = 1},
        {.name = "another name",
         .fails = LOCATES,
         .changes = {{LOCAL, 0, 30, 1, 'x'}},
         .want = "disagree about a name",
         .mark = LOCAL},
        {.name = "another method",
         .fails = LOCATES,
         .changes = {{LOCAL, 0, 8, 2, 8}},
         .want = "disagree about a method",
         .mark = LOCAL},
        {.name = "encrypted here alone",
         .fails = LOCATES,
         .changes = {{LOCAL, 0, 6, 2, 1}},
         .want = "disagree about a method",
         .mark = LOCAL},
        {.name = "another CRC",
         .fails = LOCATES,
         .changes = {{LOCAL, 0, 14, 4, 1}},
         .want = "disagree about sizes or a CRC",
         .mark = LOCAL},
        {.name = "another size",
         .fails = LOCATES,
         .changes = {{LOCAL, 0, 22, 4, 6}},
         .want = "disagree about sizes",
         .mark = LOCAL},
        {.name = "another packed size",
         .fails = LOCATES,
         .changes = {{LOCAL, 0, 18, 4, 4}},
         .want = "disagree about sizes",
         .mark = LOCAL},
        {.name = "another size, zip64",
         .fails = LOCATES,
         .wide = true,
         .changes = {{LOCAL, 0, 40, 8, 6}},
         .want = "disagree about sizes",
         .mark = LOCAL},
        {.name = "no local sizes of 64 bits",
         .fails = LOCATES,
         .wide = true,
         .changes = {{LOCAL, 0, 38, 2, 8}},
         .want = "lacks its 64-bit sizes",
         .mark = LOCAL},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *row = rows[i].name;
        const bool wide = rows[i].wide;
        struct bytes b = {0};
        struct zip_marks marks = {0};
        struct unzip z;
        struct unzip_cursor c = {0};
        struct unzip_member m;
        struct clv_error err = {.offset = CLV_NO_OFFSET};
        put_zip(&b, wide ? two_wide : two, 2, wide, "", &marks);
        for (size_t k = 0; k < N_ROWS(rows[i].changes); k++)
            apply(&b, &marks, &rows[i].changes[k]);
        const size_t len = b.len - min_u64(rows[i].cut, b.len - 10);
        uint8_t *copy = tight_copy(b.p, len);
        enum stage stage = OPENS;
        if (unzip_lend(&z, "a.zip", copy, len, &err)) {
            enum unzip_step step;
            stage = LISTS;
            while ((step = unzip_next(&z, &c, &m, &err)) == UNZIP_MEMBER)
                if (rows[i].fails == LOCATES && !unzip_locate(&z, &m, &err)) {
                    stage = LOCATES;
                    break;
                }
            CHECK(row, step != UNZIP_END);
        }
        CHECK_HAS(row, err.what, rows[i].want);
        CHECK_EQ(row, stage, rows[i].fails);
        CHECK_EQ(row, err.code, CLV_ERR_FORMAT);
        CHECK_STR(row, err.subject, "a.zip");
        CHECK_EQ(row, err.offset,
                 rows[i].mark ? place(&marks, rows[i].mark, rows[i].member) + rows[i].at : len);
        unzip_close(&z);
        free(copy);
        bytes_free(&b);
    }
}

/* A descriptor that is wrong stops nobody, but does not count. */
static void test_descriptor(void **state)
{
    static const struct zip_spec one[] = {{.name = "a", .data = "abc", .flags = 8}};
    struct bytes b = {0};
    struct zip_marks marks = {0};
    struct unzip z;
    struct unzip_cursor c = {0};
    struct unzip_member m;
    uint8_t *copy;
    (void)state;
    put_zip(&b, one, 1, false, "", &marks);
    b.p[marks.data[0] + 3 + 4] ^= 1; /* of its CRC */
    lend(&z, &b, &copy);
    assert_int_equal(unzip_next(&z, &c, &m, NULL), UNZIP_MEMBER);
    assert_true(unzip_locate(&z, &m, NULL));
    assert_false(m.described);
    assert_int_equal(m.over, marks.data[0] + 3);
    assert_false(unzip_entry(&z, 0, &m, NULL));
    assert_false(unzip_entry(&z, UINT64_MAX, &m, NULL));
    assert_false(unzip_entry(&z, marks.end, &m, NULL));
    unzip_close(&z);
    free(copy);
    bytes_free(&b);
}

/* Without zip64 the end record counts modulo 65,536, and many a program writes no other. */
static void test_many(void **state)
{
    enum { N = 65541, NAME = 5 };
    struct bytes b = {0};
    (void)state;
    for (unsigned part = 0; part < 2; part++)
        for (unsigned i = 0; i < N; i++) {
            char name[NAME + 1];
            (void)snprintf(name, sizeof name, "%05u", i);
            const struct zip_spec s = {.name = name, .data = ""};
            if (part == 0)
                zip_member(&b, &s);
            else
                zip_entry_of(&b, &s, (uint64_t)i * (30 + NAME));
        }
    const uint32_t directory = N * (30 + NAME), len = N * (46 + NAME);
    put32(&b, false, 0x06054b50);
    put32(&b, false, 0);
    put16(&b, false, N - 65536);
    put16(&b, false, N - 65536);
    put32(&b, false, len);
    put32(&b, false, directory);
    put16(&b, false, 0);
    struct temp t;
    temp_make(&t);
    const char *path = temp_file(&t, "a.zip", b.p, b.len);
    struct unzip z;
    struct unzip_cursor c = {0};
    struct unzip_member m;
    struct clv_error err = {.offset = CLV_NO_OFFSET};
    const int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(unzip_open(&z, path, fd, b.len, &err));
    (void)close(fd);
    unsigned n = 0;
    enum unzip_step step;
    while ((step = unzip_next(&z, &c, &m, &err)) == UNZIP_MEMBER) {
        assert_true(unzip_locate(&z, &m, &err));
        n++;
    }
    assert_int_equal(step, UNZIP_END);
    assert_int_equal(n, N);
    assert_int_equal(m.entry + m.entry_len, z.end);
    /* What is cut off reads as zeros, and is told. */
    assert_int_equal(truncate(path, directory / 2), 0);
    c = (struct unzip_cursor){0};
    assert_int_equal(unzip_next(&z, &c, &m, &err), UNZIP_BAD);
    assert_false(unzip_check(&z, &err));
    assert_int_equal(err.code, CLV_ERR_IO);
    unzip_close(&z);
    bytes_free(&b);
    temp_remove(&t);
}

static void test_method(void **state)
{
    (void)state;
    assert_string_equal(unzip_method(UNZIP_STORED), "stored");
    assert_string_equal(unzip_method(UNZIP_DEFLATED), "deflated");
    assert_string_equal(unzip_method(99), "AES");
    assert_null(unzip_method(7777));
}

UNIT(unzip)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),      cmocka_unit_test(test_bad),
        cmocka_unit_test(test_descriptor), cmocka_unit_test(test_many),
        cmocka_unit_test(test_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
