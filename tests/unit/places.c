/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"
#include "support_zip.h"

#include "base/mem.h"
#include "capture/places.h"
#include "config.h"

/* A savefile's magic number, and enough of it to be looked at. */
#define CAPTURE "\xd4\xc3\xb2\xa1\2\1\4\1"

/* "abc" with fixed codes, and its CRC-32. */
#define DEFLATED .data = "\x4b\x4c\x4a\6\0", .len = 5, .method = 8
#define ABC 0x352441c2

static struct temp temp;

static int setup(void **state)
{
    (void)state;
    temp_make(&temp);
    return chdir(temp.dir);
}

static int teardown(void **state)
{
    (void)state;
    (void)chdir("/");
    temp_remove(&temp);
    return 0;
}

static void make_archive(const char *name, const struct zip_spec *members, size_t n)
{
    struct bytes b = {0};
    struct zip_marks marks = {0};
    put_zip(&b, members, n, false, "", &marks);
    (void)temp_file(&temp, name, b.p, b.len);
    bytes_free(&b);
}

/* Two captures, a text between them, a directory, and one that cannot be read. */
static const struct zip_spec usual[] = {
    {.name = "b.pcap", .data = CAPTURE},
    {.name = "README", .data = "text"},
    {.name = "d/", .data = ""},
    {.name = "d/a.pcap", .data = CAPTURE},
    {.name = "x", .data = "?", .flags = 1},
    {.name = "empty", .data = ""},
};
static const struct zip_spec twins[] = {
    {.name = "a", .data = CAPTURE}, {.name = "t", .data = ""},      {.name = "b", .data = CAPTURE},
    {.name = "t", .data = ""},      {.name = "b", .data = CAPTURE},
};
static const struct zip_spec texts[] = {{.name = "t", .data = "text"}};

/* A capture of one record at that second. */
static void make_timed(const char *name, uint8_t second)
{
    uint8_t file[24 + 16 + 1] = "\xd4\xc3\xb2\xa1\2\0\4";
    file[18] = 4; /* snaplen: 262,144 */
    file[20] = 1;
    file[24] = second;
    file[32] = file[36] = 1;
    (void)temp_file(&temp, name, file, sizeof file);
}

/* Captures among all that may be in a directory. */
static void make_dir(void)
{
    static const struct zip_spec made[] = {{.name = "f.pcap", .data = CAPTURE},
                                           {.name = "cleave.json", .data = "{}"}};
    static const char *const dirs[] = {"dir", "dir/a", "dir/open", "dir/open/x", "dir/out"};
    for (size_t i = 0; i < N_ROWS(dirs); i++)
        (void)mkdir(dirs[i], 0700); /* or it is there */
    static const char *const captures[] = {"dir/a10.pcap",         "dir/a2.pcap",    "dir/a/c.pcap",
                                           "dir/open/x/0009.pcap", "dir/out/f.pcap", "dir/.b.pcap"};
    for (size_t i = 0; i < N_ROWS(captures); i++)
        (void)temp_file(&temp, captures[i], CAPTURE "more", 12);
    (void)temp_file(&temp, "dir/out/cleave.json", "{}", 2);
    (void)temp_file(&temp, "dir/README", "text, and no capture", 20);
    (void)temp_file(&temp, "dir/short", "t", 1);
    (void)temp_file(&temp, "dir/empty", "", 0);
    make_archive("dir/b.zip", usual, N_ROWS(usual));
    make_archive("dir/texts.zip", texts, N_ROWS(texts));
    make_archive("dir/out.zip", made, N_ROWS(made));
    (void)symlink("a2.pcap", "dir/link.pcap");
    (void)mkfifo("dir/pipe", 0600);
}

static void make_all(void)
{
    make_archive("u.zip", usual, N_ROWS(usual));
    make_archive("twins.zip", twins, N_ROWS(twins));
    make_archive("texts.zip", texts, N_ROWS(texts));
    make_archive("none.zip", usual, 0);
    make_archive("a:b", usual, 1);
    (void)temp_file(&temp, "a.pcap", CAPTURE "more", 12);
    (void)temp_file(&temp, "t.txt", "some text", 9);
    (void)temp_file(&temp, "u.zip:README", "a file", 6);
    (void)temp_file(&temp, "cut.zip", "PK\3\4 and no more of it", 22);
    make_timed("t8.pcap", 8);
    make_timed("t9.pcap", 9);
    make_timed("t9-2.pcap", 9);
    make_dir();
}

static void test_list(void **state)
{
    enum { MOST = 8 };
    static const struct {
        const char *name, *paths[MOST], *pattern, *want[MOST], *fault;
        size_t faulty; /* number of the place that has it */
        uint64_t others;
        const char *error; /* in place of all of these */
        bool recursive, by_time;
    } rows[] = {
        {.name = "files",
         .paths = {"a.pcap", "t.txt", "-", "missing"},
         .want = {"a.pcap", "t.txt", "-", "missing"}},
        {.name = "an archive",
         .paths = {"u.zip"},
         .want = {"u.zip:b.pcap", "u.zip:d/a.pcap", "u.zip:x"},
         .others = 2},
        {.name = "among files",
         .paths = {"a.pcap", "u.zip", "t.txt"},
         .want = {"a.pcap", "u.zip:b.pcap", "u.zip:d/a.pcap", "u.zip:x", "t.txt"},
         .others = 2},
        {.name = "a pattern",
         .paths = {"u.zip", "a.pcap"},
         .pattern = "*.pcap",
         .want = {"u.zip:b.pcap", "u.zip:d/a.pcap", "a.pcap"}},
        {.name = "a pattern of no capture",
         .paths = {"u.zip"},
         .pattern = "READ*",
         .want = {"u.zip"},
         .fault = "none of its members is a capture",
         .others = 1},
        {.name = "a pattern of one archive alone",
         .paths = {"twins.zip", "u.zip"},
         .pattern = "d*",
         .want = {"u.zip:d/a.pcap"}},
        {.name = "a pattern of nothing",
         .paths = {"u.zip", "a.pcap"},
         .pattern = "a.pcap",
         .error = "no member of an archive matches a.pcap"},
        {.name = "members",
         .paths = {"u.zip:x", "u.zip:d/a.pcap", "u.zip:empty", "u.zip:b.pcap"},
         .want = {"u.zip:x", "u.zip:d/a.pcap", "u.zip:empty", "u.zip:b.pcap"}},
        {.name = "a pattern does not count for them",
         .paths = {"u.zip:x"},
         .pattern = "b",
         .want = {"u.zip:x"}},
        {.name = "a file of that name", .paths = {"u.zip:README"}, .want = {"u.zip:README"}},
        {.name = "a colon in the archive's name",
         .paths = {"a:b:b.pcap", "a:b"},
         .want = {"a:b:b.pcap", "a:b:b.pcap"}},
        {.name = "no such member",
         .paths = {"a.pcap", "u.zip:c"},
         .want = {"a.pcap", "u.zip:c"},
         .fault = "no member with this name",
         .faulty = 1},
        {.name = "no such member, by the index",
         .paths = {"u.zip:x", "u.zip:c", "u.zip:b.pcap"},
         .want = {"u.zip:x", "u.zip:c", "u.zip:b.pcap"},
         .fault = "no member with this name",
         .faulty = 1},
        {.name = "twins",
         .paths = {"twins.zip"},
         .want = {"twins.zip"},
         .fault = "several members with this name",
         .others = 2},
        {.name = "twins that are named",
         .paths = {"twins.zip:a", "twins.zip:b"},
         .want = {"twins.zip:a", "twins.zip:b"},
         .fault = "several members with this name",
         .faulty = 1},
        {.name = "twins that are named first",
         .paths = {"twins.zip:b"},
         .want = {"twins.zip:b"},
         .fault = "several members with this name"},
        {.name = "no capture",
         .paths = {"texts.zip", "a.pcap"},
         .want = {"texts.zip", "a.pcap"},
         .fault = "none of its members is a capture",
         .others = 1},
        {.name = "no member",
         .paths = {"none.zip"},
         .want = {"none.zip"},
         .fault = "it has no members"},
        {.name = "cut short",
         .paths = {"cut.zip"},
         .want = {"cut.zip"},
         .fault = "its end is missing"},
        {.name = "a directory",
         .paths = {"dir"},
         .want = {"dir/a2.pcap", "dir/a10.pcap", "dir/b.zip:b.pcap", "dir/b.zip:d/a.pcap",
                  "dir/b.zip:x", "dir/empty"},
         .others = 7},
        {.name = "a directory with slashes",
         .paths = {"a.pcap", ".//dir//"},
         .want = {"a.pcap", ".//dir/a2.pcap", ".//dir/a10.pcap", ".//dir/b.zip:b.pcap",
                  ".//dir/b.zip:d/a.pcap", ".//dir/b.zip:x", ".//dir/empty"},
         .others = 7},
        {.name = "with all below it",
         .paths = {"dir"},
         .recursive = true,
         .want = {"dir/a/c.pcap", "dir/a2.pcap", "dir/a10.pcap", "dir/b.zip:b.pcap",
                  "dir/b.zip:d/a.pcap", "dir/b.zip:x", "dir/empty", "dir/open/x/0009.pcap"},
         .others = 7},
        {.name = "a pattern in a directory",
         .paths = {"dir"},
         .pattern = "b*",
         .want = {"dir/a2.pcap", "dir/a10.pcap", "dir/b.zip:b.pcap", "dir/empty"},
         .others = 5},
        {.name = "a directory without captures",
         .paths = {"dir/open"},
         .want = {"dir/open"},
         .fault = "is a directory that contains no captures"},
        {.name = "a directory of cleave that is named",
         .paths = {"dir/out"},
         .want = {"dir/out/f.pcap"},
         .others = 1},
        {.name = "by time",
         .paths = {"dir", "t9.pcap", "t.txt", "t8.pcap", "t9-2.pcap"},
         .by_time = true,
         .pattern = "b*",
         .want = {"t8.pcap", "t9.pcap", "t9-2.pcap", "dir/a2.pcap", "dir/a10.pcap",
                  "dir/b.zip:b.pcap", "dir/empty", "t.txt"},
         .others = 5},
        {.name = "by time, once",
         .paths = {"t9.pcap", "-"},
         .by_time = true,
         .error = "can be read only once"},
        {.name = "a member of none",
         .paths = {"cut.zip:a"},
         .want = {"cut.zip:a"},
         .fault = "its end is missing"},
    };
    (void)state;
    make_all();
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *row = rows[i].name;
        struct places p;
        struct clv_error err = {.offset = CLV_NO_OFFSET};
        size_t n = 0, want = 0;
        while (n < MOST && rows[i].paths[n])
            n++;
        while (want < MOST && rows[i].want[want])
            want++;
        const bool ok = places_list(&p,
                                    &(struct places_wish){.paths = rows[i].paths,
                                                          .n = n,
                                                          .pattern = rows[i].pattern,
                                                          .recursive = rows[i].recursive,
                                                          .by_time = rows[i].by_time},
                                    &err);
        CHECK_EQ(row, ok, !rows[i].error);
        if (!ok)
            CHECK_HAS(row, err.what, rows[i].error);
        CHECK_EQ(row, ok ? p.n : 0, want);
        CHECK_EQ(row, ok ? p.n_others : 0, rows[i].others);
        for (size_t k = 0; k < want; k++) {
            const bool faulty = rows[i].fault && k == rows[i].faulty;
            CHECK_STR(row, p.names[k], rows[i].want[k]);
            CHECK_EQ(row, p.all[k].fault != NULL, faulty);
            if (faulty)
                CHECK_HAS(row, p.all[k].fault->what, rows[i].fault);
        }
        places_fini(&p);
    }
}

/* Memory is refused at each allocation. */
static void test_memory(void **state)
{
    static const char *const paths[] = {"u.zip",     "twins.zip:a", "twins.zip:b", "twins.zip:t",
                                        "texts.zip", "a.pcap",      "dir"};
    bool ok = false;
    (void)state;
    make_all();
    for (uint64_t nth = 1; !ok; nth++) {
        struct places p;
        struct clv_error err = {.offset = CLV_NO_OFFSET};
        mem_fail_from(nth);
        ok =
            places_list(&p,
                        &(struct places_wish){
                            .paths = paths, .n = N_ROWS(paths), .recursive = true, .by_time = true},
                        &err);
        mem_fail_from(0);
        if (!ok)
            assert_int_equal(err.code, CLV_ERR_NOMEM);
        else /* what could not be looked into was taken, and says so when it is opened */
            ok = p.n_others == 10;
        places_fini(&p);
    }
}

/* Bytes of members, whatever is in their way. */
static void test_members(void **state)
{
    static const struct {
        const char *name;
        struct zip_spec spec;
        bool stream;
        const char *want, *error; /* in place of any byte */
        const char *damage;
    } rows[] = {
        {.name = "stored", .spec = {.name = "a", .data = "abc"}, .want = "abc"},
        {.name = "nothing", .spec = {.name = "a", .data = ""}, .want = ""},
        {.name = "encrypted",
         .spec = {.name = "a", .data = "abc", .flags = 1},
         .error = "is encrypted"},
        {.name = "another method",
         .spec = {.name = "a", .data = "abc", .method = 9, .size = 1},
         .error = "method 9 (deflate64)"},
        {.name = "patch", .spec = {.name = "a", .data = "abc", .flags = 32}, .error = "method 0"},
        {.name = "two sizes",
         .spec = {.name = "a", .data = "abc", .size = 4},
         .error = "two different sizes"},
#if HAVE_ZLIB
        {.name = "deflated",
         .spec = {.name = "a", DEFLATED, .size = 3, .crc = ABC},
         .stream = true,
         .want = "abc"},
        {.name = "another sum",
         .spec = {.name = "a", DEFLATED, .size = 3, .crc = 1},
         .stream = true,
         .want = "abc",
         .damage = "differs from the one in the archive"},
        {.name = "more than it says",
         .spec = {.name = "a", DEFLATED, .size = 2, .crc = ABC},
         .stream = true,
         .want = "ab",
         .damage = "longer than the archive says"},
        {.name = "less than it says",
         .spec = {.name = "a", DEFLATED, .size = 4, .crc = ABC},
         .stream = true,
         .want = "abc",
         .damage = "are shorter than the archive says"},
        {.name = "bytes behind",
         .stream = true,
         .want = "abc",
         .damage = "followed by other bytes",
         .spec = {.name = "a",
                  .data = "\x4b\x4c\x4a\6\0x",
                  .len = 6,
                  .method = 8,
                  .size = 3,
                  .crc = ABC}},
        {.name = "cut short",
         .stream = true,
         .want = "abc",
         .damage = "end too early",
         .spec = {.name = "a", .data = "\x4b\x4c\x4a\6", .method = 8, .size = 3, .crc = ABC}},
        {.name = "not deflated",
         .error = "invalid block type",
         .spec = {.name = "a", .data = "\7", .method = 8, .size = 3, .crc = ABC}},
        {.name = "stored, and compressed itself",
         .stream = true,
         .want = "",
         .damage = "too early",
         .spec = {.name = "a", .data = "\x1f\x8b\10"},
         .error = "end too early"},
#endif
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *row = rows[i].name;
        const char *const path = "m.zip:a";
        struct places p;
        struct input *in;
        struct clv_span head;
        struct clv_error err = {.offset = CLV_NO_OFFSET};
        make_archive("m.zip", &rows[i].spec, 1);
        CHECK(row, places_list(&p, &(struct places_wish){.paths = &path, .n = 1}, &err));
        const bool ok = input_open_at(&in, &p.all[0], &err) && input_head(in, 100, &head, &err);
        CHECK_EQ(row, ok, !rows[i].error);
        if (!ok)
            CHECK_HAS(row, err.what, rows[i].error);
        if (ok) {
            CHECK_EQ(row, head.len, strlen(rows[i].want));
            CHECK_MEM(row, head.p, rows[i].want, head.len);
            CHECK_EQ(row, input_is_stream(in), rows[i].stream);
            CHECK_HAS(row, input_damage(in)->what, rows[i].damage ? rows[i].damage : "");
            CHECK_EQ(row, input_damage(in)->code != CLV_ERR_NONE, rows[i].damage != NULL);
        }
        input_close(&in);
        places_fini(&p);
    }
}

/* Members of an archive that stays open are those of the file at its path. */
static void test_shared(void **state)
{
    enum change { SAME, GONE, LIKE, OTHER };
    static const struct {
        const char *name;
        enum change change;
        const char *error;
    } rows[] = {
        {"the same", SAME, NULL},
        {"gone", GONE, "cannot be opened"},
        {"replaced by its like", LIKE, NULL},
        {"replaced by another", OTHER, "an entry of its directory is missing here"},
    };
    static const struct zip_spec other[] = {{.name = "c", .data = CAPTURE}};
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *row = rows[i].name;
        const char *const path = "s.zip";
        struct places p;
        struct input *in[2] = {NULL};
        struct clv_error err = {.offset = CLV_NO_OFFSET};
        make_archive("s.zip", usual, N_ROWS(usual));
        CHECK(row, places_list(&p, &(struct places_wish){.paths = &path, .n = 1}, &err));
        CHECK(row, p.n > 1 && p.all[0].archive && p.all[0].archive == p.all[1].archive);
        if (rows[i].change != SAME)
            assert_int_equal(unlink("s.zip"), 0);
        if (rows[i].change == LIKE)
            make_archive("s.zip", usual, N_ROWS(usual));
        if (rows[i].change == OTHER)
            make_archive("s.zip", other, N_ROWS(other));
        const unsigned fds = open_descriptors();
        for (size_t k = 0; k < N_ROWS(in); k++) {
            const bool ok = input_open_at(&in[k], &p.all[k], &err);
            CHECK_EQ(row, ok, !rows[i].error);
            if (!ok)
                CHECK_HAS(row, err.what, rows[i].error);
        }
        if (rows[i].change != LIKE)
            CHECK_EQ(row, open_descriptors(), fds);
        for (size_t k = 0; k < N_ROWS(in); k++)
            input_close(&in[k]);
        places_fini(&p);
    }
}

UNIT(places)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_shared),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
