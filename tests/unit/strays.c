/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_told.h"

#include <errno.h>

#include "base/mem.h"

/* What lies in the directory, beside what may. */
enum kind { A_FILE, A_DIR, A_LINK, A_FIFO };

/* In all rows these may lie there, and "capture", a directory into which others look. */
static const char *const files[] = {"a", "sub/b", "sub/deep/c"};

static const struct {
    const char *name;
    struct {
        const char *path;
        enum kind kind;
    } made[4];                  /* in this order */
    const char *subject, *what; /* of the one fault; NULL: there is none */
} rows[] = {
    {"nothing at all", {{NULL, A_FILE}}, NULL, NULL},
    {"what may be", {{"a", A_FILE}}, NULL, NULL},
    {"in directories",
     {{"sub", A_DIR}, {"sub/b", A_FILE}, {"sub/deep", A_DIR}, {"sub/deep/c", A_FILE}},
     NULL,
     NULL},
    {"a file too much", {{"a", A_FILE}, {"z", A_FILE}}, "z", "is not an output of the run"},
    {"its case is another", {{"A", A_FILE}}, "A", "is not an output of the run"},
    {"in another directory", {{"x", A_DIR}, {"x/b", A_FILE}}, "x/b", "is not an output of the run"},
    {"beside what may be",
     {{"sub", A_DIR}, {"sub/b", A_FILE}, {"sub/c", A_FILE}},
     "sub/c",
     "is not an output of the run"},
    {"a FIFO too much", {{"z", A_FIFO}}, "z", "is not an output of the run"},
    {"a link too much", {{"z", A_LINK}}, "z", "is not an output of the run"},
    {"an empty directory",
     {{"a", A_FILE}, {"z", A_DIR}},
     "z",
     "is empty, and not a directory of the run"},
    {"an empty directory in one",
     {{"x", A_DIR}, {"x/y", A_DIR}},
     "x/y",
     "is empty, and not a directory of the run"},
    {"a directory, not a file", {{"a", A_DIR}}, "a", "is not a regular file"},
    {"what is in it is not looked at",
     {{"a", A_DIR}, {"a/z", A_FILE}},
     "a",
     "is not a regular file"},
    {"a link, not a file", {{"a", A_LINK}}, "a", "is not a regular file"},
    {"a FIFO, not a file", {{"a", A_FIFO}}, "a", "is not a regular file"},
    {"a capture's directory", {{"capture", A_DIR}}, NULL, NULL},
    {"and what is in it", {{"capture", A_DIR}, {"capture/z", A_FILE}}, NULL, NULL},
    {"a file, not a directory", {{"capture", A_FILE}}, "capture", "is not a directory"},
    {"a link to a directory", {{"capture", A_LINK}}, "capture", "is not a directory"},
};

static void make(struct temp *t, const char *name, enum kind kind)
{
    const char *const path = temp_path(t, name);
    switch (kind) {
    case A_FILE:
        (void)temp_file(t, name, "x", 1);
        break;
    case A_DIR:
        assert_int_equal(mkdir(path, 0700), 0);
        break;
    case A_LINK:
        assert_int_equal(symlink(".", path), 0);
        break;
    case A_FIFO:
        assert_int_equal(mkfifo(path, 0600), 0);
        break;
    }
}

static void begin(struct verify *v, struct store *s, const char *dir, struct told *told)
{
    static const struct clv_split_params params = CLV_SPLIT_PARAMS_INIT;
    static struct job job = {.params = &params};
    struct clv_error err;
    *told = (struct told){.n = 0};
    assert_true(store_open(s, dir, &err));
    assert_true(verify_begin(v, &job, 0, 0, s, told_fault, told, &err));
}

static void end(struct verify *v, struct store *s)
{
    verify_end(v);
    store_close(s);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *const row = rows[i].name;
        struct temp t;
        struct store s;
        struct verify v;
        struct told told;
        struct job_name sub;
        struct clv_error err;
        temp_make(&t);
        const unsigned fds = open_descriptors();
        for (size_t k = 0; k < N_ROWS(rows[i].made) && rows[i].made[k].path; k++)
            make(&t, rows[i].made[k].path, rows[i].made[k].kind);
        begin(&v, &s, t.dir, &told);
        for (size_t k = 0; k < N_ROWS(files); k++)
            CHECK(row, verify_may_be(&v, files[k], STORE_FLOW, 1, &err));
        CHECK(row, verify_sub_name(&v, "in/capture.pcap", &sub, &err));
        CHECK_STR(row, sub.text, "capture");
        CHECK(row, verify_strays(&v, &err));
        CHECK_EQ(row, v.faults, told.n);
        if (rows[i].what)
            check_told(row, &told, &t, rows[i].subject, rows[i].what);
        CHECK_EQ(row, told.n, rows[i].what != NULL);
        end(&v, &s);
        CHECK_EQ(row, open_descriptors(), fds);
        temp_remove(&t);
    }
}

/* Each is told, and once. */
static void test_many(void **state)
{
    struct temp t;
    struct store s;
    struct verify v;
    struct told told;
    struct clv_error err;
    bool seen[10] = {false};
    (void)state;
    temp_make(&t);
    for (char name[] = "0"; *name <= '9'; ++*name)
        make(&t, name, A_FILE);
    begin(&v, &s, t.dir, &told);
    assert_true(verify_may_be(&v, "3", STORE_FLOW, 1, &err));
    assert_true(verify_may_be(&v, "3", STORE_FLOW, 1, &err)); /* noted twice is noted */
    assert_true(verify_strays(&v, &err));
    for (unsigned i = 0; i < told.n; i++) {
        const char *const subject = told.all[i].subject;
        const unsigned k = (unsigned)(subject[strlen(subject) - 1] - '0');
        assert_true(k < 10 && !seen[k]);
        seen[k] = true;
    }
    assert_int_equal(told.n, 9);
    assert_false(seen[3]);
    end(&v, &s);
    temp_remove(&t);
}

/* Captures of one name have directories of other names, and a file's name is none of theirs. */
static void test_sub_names(void **state)
{
    static const struct {
        const char *capture, *want;
    } taken[] = {
        {"a/x.pcap", "x"},   {"b/x.pcap.gz", "x-2"}, {"c/x", "x-3"},
        {"y.pcapng", "y-2"}, {"x-2.pcap", "x-2-2"},
    };
    struct temp t;
    struct store s;
    struct verify v;
    struct told told;
    struct job_name name;
    struct clv_error err;
    (void)state;
    temp_make(&t);
    begin(&v, &s, t.dir, &told);
    assert_true(verify_may_be(&v, "y", STORE_FLOW, 1, &err));
    for (size_t i = 0; i < N_ROWS(taken); i++) {
        CHECK(taken[i].capture, verify_sub_name(&v, taken[i].capture, &name, &err));
        CHECK_STR(taken[i].capture, name.text, taken[i].want);
    }
    end(&v, &s);
    temp_remove(&t);
}

static void test_gone(void **state)
{
    struct temp t;
    struct store s;
    struct verify v;
    struct told told;
    struct clv_error err = {0};
    (void)state;
    temp_make(&t);
    begin(&v, &s, temp_path(&t, "gone"), &told);
    assert_false(verify_strays(&v, &err));
    assert_int_equal(err.code, CLV_ERR_IO);
    assert_int_equal(err.sys, ENOENT);
    assert_string_equal(err.subject, temp_path(&t, "gone"));
    assert_int_equal(told.n, 0);
    end(&v, &s);
    temp_remove(&t);
}

static void test_no_memory(void **state)
{
    struct temp t;
    struct store s;
    struct verify v;
    struct told told;
    struct job_name name;
    struct clv_error err;
    (void)state;
    temp_make(&t);
    begin(&v, &s, t.dir, &told);
    mem_fail_from(1);
    const bool may_be = verify_may_be(&v, "a", STORE_FLOW, 1, &err);
    mem_fail_from(0);
    assert_true(!may_be && err.code == CLV_ERR_NOMEM);
    mem_fail_from(1);
    const bool named = verify_sub_name(&v, "a", &name, &err);
    mem_fail_from(0);
    assert_true(!named && err.code == CLV_ERR_NOMEM);
    mem_fail_from(1);
    const bool looked = verify_strays(&v, &err);
    mem_fail_from(0);
    assert_true(!looked && err.code == CLV_ERR_NOMEM);
    assert_int_equal(v.faults, 0);
    end(&v, &s);
    temp_remove(&t);
}

UNIT(strays)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),      cmocka_unit_test(test_many),
        cmocka_unit_test(test_sub_names), cmocka_unit_test(test_gone),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
