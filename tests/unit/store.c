/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support_temp.h"
#include "support_zip.h"

#include "base/mem.h"
#include "verify/store.h"

static const struct zip_spec members[] = {
    {.name = "plain", .data = "hello"},
    {.name = "wide", .data = "12345678", .wide = true},
    {.name = "dir/empty", .data = ""},
    {.name = "deflated", .data = "hello", .method = 8, .size = 9, .crc = 1},
    {.name = "encrypted", .data = "hello", .flags = UNZIP_ENCRYPTED},
    {.name = "described", .data = "hello", .flags = UNZIP_DESCRIPTOR},
};

static const struct {
    const char *name;
    enum store_look archive, directory;
    const char *data;
} looks[] = {
    {"plain", STORE_HAS, STORE_HAS, "hello"},      {"wide", STORE_HAS, STORE_HAS, "12345678"},
    {"dir/empty", STORE_HAS, STORE_HAS, ""},       {"deflated", STORE_OTHER, STORE_LACKS, NULL},
    {"encrypted", STORE_OTHER, STORE_LACKS, NULL}, {"described", STORE_OTHER, STORE_LACKS, NULL},
    {"missing", STORE_LACKS, STORE_LACKS, NULL},   {"plain/x", STORE_LACKS, STORE_LACKS, NULL},
    {"dir", STORE_LACKS, STORE_OTHER, NULL},       {"link", STORE_LACKS, STORE_OTHER, NULL},
};

static const char *archive(struct temp *t, const char *name, struct zip_marks *marks)
{
    struct bytes b = {0};
    put_zip(&b, members, N_ROWS(members), false, "", marks);
    const char *path = temp_file(t, name, b.p, b.len);
    bytes_free(&b);
    return path;
}

static void check_data(const char *row, const struct store *s, struct store_file *f,
                       const char *data)
{
    const size_t len = strlen(data);
    char buf[16];
    CHECK_EQ(row, store_read(f, 0, buf, sizeof buf), len);
    CHECK_MEM(row, buf, data, len);
    CHECK_EQ(row, store_read(f, len, buf, sizeof buf), 0);
    CHECK_EQ(row, store_read(f, UINT64_C(1) << 40, buf, sizeof buf), 0);
    if (len > 2) {
        CHECK_EQ(row, store_read(f, 1, buf, 2), 2);
        CHECK_MEM(row, buf, data + 1, 2);
    }
    store_sum(f, 1);
    store_sum(f, 1);
    store_sum(f, 1000);
    CHECK_EQ(row, f->crc, s->archived ? crc_add(0, data, len) : 0);
}

static void look(struct store *s)
{
    char path[PATH_MAX];
    struct clv_error err;
    for (size_t i = 0; i < N_ROWS(looks); i++) {
        const char *const row = looks[i].name;
        const enum store_look want = s->archived ? looks[i].archive : looks[i].directory;
        struct store_file f;
        CHECK(row, store_path(s, looks[i].name, path, &err));
        CHECK_EQ(row, store_look(s, looks[i].name, path, &f, &err), want);
        CHECK_EQ(row, store_file(s, looks[i].name, path, &f),
                 want == STORE_LACKS && strchr(row, '/') && !s->archived ? STORE_UNKNOWN : want);
        if (want == STORE_HAS)
            check_data(row, s, &f, looks[i].data);
        store_file_close(s, &f);
    }
}

static void test_archive(void **state)
{
    struct temp t;
    struct zip_marks marks;
    struct store s = {.path = NULL};
    struct clv_error err;
    (void)state;
    temp_make(&t);
    const unsigned before = open_descriptors();
    assert_true(store_open(&s, archive(&t, "a", &marks), &err));
    CHECK_EQ("members", s.n, N_ROWS(members));
    CHECK_EQ("number", store_find(&s, "wide") - s.members, 1);
    CHECK_EQ("entry", store_find(&s, "wide")->entry, marks.entry[1]);
    CHECK("none", !store_find(&s, "wid"));
    look(&s);
    store_close(&s);
    store_close(&s);
    CHECK_EQ("descriptors", open_descriptors(), before);
    temp_remove(&t);
}

static void test_directory(void **state)
{
    struct temp t;
    struct store s;
    struct clv_error err;
    (void)state;
    temp_make(&t);
    assert_int_equal(mkdir(temp_path(&t, "dir"), 0700), 0);
    for (size_t i = 0; i < 3; i++)
        (void)temp_file(&t, members[i].name, members[i].data, strlen(members[i].data));
    assert_int_equal(symlink("plain", temp_path(&t, "link")), 0);
    const unsigned before = open_descriptors();
    assert_true(store_open(&s, t.dir, &err));
    CHECK("a directory", !s.archived && store_index(&s, &err) && store_check(&s, &err));
    look(&s);
    store_close(&s);
    CHECK_EQ("descriptors", open_descriptors(), before);
    temp_remove(&t);
}

/* What is noted of members outlives that the archive goes on. */
static void test_grown(void **state)
{
    struct temp t;
    struct zip_marks marks;
    struct bytes b = {0};
    struct store s;
    struct clv_error err;
    (void)state;
    temp_make(&t);
    put_zip(&b, members, 2, false, "", &marks);
    const char *path = temp_file(&t, "a", b.p, b.len);
    bytes_free(&b);
    assert_true(store_begin(&s, path, true, &err) && store_index(&s, &err));
    store_find(&s, "wide")->rank = STORE_FLOW;
    store_find(&s, "wide")->row = 7;
    const uint64_t entry = store_find(&s, "wide")->entry;
    assert_true(archive(&t, "a", &marks));
    assert_true(store_index(&s, &err));
    CHECK_EQ("members", s.n, N_ROWS(members));
    CHECK_EQ("its rank", store_find(&s, "wide")->rank, STORE_FLOW);
    CHECK_EQ("its row", store_find(&s, "wide")->row, 7);
    CHECK("its entry", store_find(&s, "wide")->entry > entry);
    CHECK_EQ("a new one", store_find(&s, "described")->rank, STORE_STRAY);
    store_close(&s);
    temp_remove(&t);
}

static void test_refused(void **state)
{
    static const struct {
        const char *name, *data, *what;
    } rows[] = {
        {"empty", "", "is neither a directory nor a zip archive"},
        {"a letter", "P", "is neither a directory nor a zip archive"},
        {"text", "hello, world: this is no archive", "is neither a directory nor a zip archive"},
        {"cut short", "PK\3\4", "its end is missing"},
    };
    struct temp t;
    (void)state;
    temp_make(&t);
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct store s = {.path = NULL};
        struct clv_error err = {.code = CLV_ERR_NONE};
        CHECK(rows[i].name,
              !store_open(&s, temp_file(&t, "a", rows[i].data, strlen(rows[i].data)), &err));
        CHECK_HAS(rows[i].name, err.what, rows[i].what);
        store_close(&s);
    }
    temp_remove(&t);
}

static void test_no_memory(void **state)
{
    struct temp t;
    struct zip_marks marks;
    (void)state;
    temp_make(&t);
    const char *const path = archive(&t, "a", &marks);
    bool ok = false;
    for (uint64_t n = 1; !ok && n < 20; n++) {
        struct store s = {.path = NULL};
        struct clv_error err = {.code = CLV_ERR_NONE};
        mem_fail_from(n);
        ok = store_open(&s, path, &err);
        mem_fail_from(0);
        CHECK("fails", ok || err.code == CLV_ERR_NOMEM || err.code == CLV_ERR_IO);
        store_close(&s);
    }
    CHECK("in the end", ok);
    temp_remove(&t);
}

static void test_truncated(void **state)
{
    static uint8_t zeros[1 << 20];
    struct temp t;
    struct zip_marks marks;
    struct bytes *b = mem_zalloc(1, sizeof *b);
    struct store s;
    struct store_file f;
    struct clv_error err;
    (void)state;
    temp_make(&t);
    const char *path = temp_file(&t, "a", zeros, sizeof zeros);
    put_zip(b, members, N_ROWS(members), false, "", &marks);
    const int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, b->p, b->len) == (ssize_t)b->len);
    assert_true(store_open(&s, path, &err)); /* what precedes it does not count in its offsets */
    assert_int_equal(truncate(path, 100), 0);
    (void)store_look(&s, "plain", path, &f, &err);
    CHECK("noticed", !store_check(&s, &err));
    CHECK_HAS("noticed", err.what, "shrank while it was read");
    CHECK_HAS("noticed", err.hint, "try again when");
    store_close(&s);
    (void)close(fd);
    bytes_free(b);
    mem_free(b);
    temp_remove(&t);
}

UNIT(store)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archive),   cmocka_unit_test(test_directory),
        cmocka_unit_test(test_grown),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_truncated),
    };
    return crc_supported() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
