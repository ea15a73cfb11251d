/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"

#include <errno.h>
#include <sys/wait.h>

#include "base/io.h"
#include "output/publish.h"

static void write_at(int dir, const char *name, const char *text)
{
    const int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void check_text(struct temp *t, const char *row, const char *name, const char *want)
{
    struct bytes b = {0};
    temp_read(t, name, &b);
    CHECK_EQ(row, b.len, strlen(want));
    CHECK_MEM(row, b.p, want, b.len);
    bytes_free(&b);
}

/* What stands under the target's name before. */
enum before { NOTHING, EMPTY_DIR, OUR_DIR, OTHER_DIR, A_FILE, LINK_TO_OURS, MARK_IS_DIR };

/* Who replaces an output, and has no inputs. */
static const struct made_run *replaces(bool force)
{
    static struct keyed key;
    static const struct made_run anybody = {.key = &key};
    assert_true(keyed_draw(&key, NULL));
    return force ? &anybody : NULL;
}

static const char mark[] = "{\n  \"cleave\": \"0\",\n    \"manifest\": \"csv\"\n}\n";

static void make_before(struct temp *t, enum before before)
{
    if (before == A_FILE) {
        (void)temp_file(t, "out", "old", 3);
        return;
    }
    if (before == NOTHING)
        return;
    const char *const dir = before == LINK_TO_OURS ? "real" : "out";
    char name[64];
    assert_int_equal(mkdir(temp_path(t, dir), 0700), 0);
    if (before == LINK_TO_OURS)
        assert_int_equal(symlink("real", temp_path(t, "out")), 0);
    if (before == OUR_DIR || before == LINK_TO_OURS) {
        static const char manifest[] = "file,flow\r\nold,1\r\n";
        (void)snprintf(name, sizeof name, "%s/cleave.json", dir);
        (void)temp_file(t, name, mark, sizeof mark - 1);
        (void)snprintf(name, sizeof name, "%s/manifest.csv", dir);
        (void)temp_file(t, name, manifest, sizeof manifest - 1);
        (void)snprintf(name, sizeof name, "%s/old", dir);
        (void)temp_file(t, name, "old", 3);
    }
    if (before == OTHER_DIR)
        (void)temp_file(t, "out/thesis.txt", "years", 5);
    if (before == MARK_IS_DIR)
        assert_int_equal(mkdir(temp_path(t, "out/cleave.json"), 0700), 0);
}

static const struct {
    const char *name;
    enum before before;
    bool force, ok;
} target_rows[] = {
    {"nothing there", NOTHING, false, true},
    {"nothing there, forced", NOTHING, true, true},
    {"an empty directory", EMPTY_DIR, false, true},
    {"an empty directory, forced", EMPTY_DIR, true, true},
    {"an output", OUR_DIR, false, false},
    {"an output, forced", OUR_DIR, true, true},
    {"somebody's directory", OTHER_DIR, false, false},
    {"somebody's directory, forced", OTHER_DIR, true, false},
    {"a file", A_FILE, false, false},
    {"a file, forced", A_FILE, true, false},
    {"a link, forced", LINK_TO_OURS, true, false},
    {"a mark that is a directory, forced", MARK_IS_DIR, true, false},
};

static void test_commit(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(target_rows); i++) {
        const char *row = target_rows[i].name;
        const enum before before = target_rows[i].before;
        struct temp t;
        struct publish p;
        struct clv_error err = {0};
        temp_make(&t);
        make_before(&t, before);
        const unsigned fds = open_descriptors(), entries = count_entries(t.dir);
        CHECK_EQ(row,
                 publish_init(&p, temp_path(&t, "out"), IO_MODE, replaces(target_rows[i].force),
                              false, &err),
                 target_rows[i].ok);
        if (!target_rows[i].ok) {
            CHECK_EQ(row, err.code, CLV_ERR_EXISTS);
            CHECK_STR(row, err.subject, temp_path(&t, "out"));
            CHECK(row, err.hint[0]);
        } else {
            CHECK_EQ(row, count_entries(t.dir), entries + 1);
            CHECK(row, publish_file(&p, "cleave.json", "{}\n", 3, &err));
            CHECK(row, publish_file(&p, "empty", NULL, 0, &err));
            CHECK(row, !publish_file(&p, "empty", "x", 1, &err)); /* once only */
            CHECK_EQ(row, err.sys, EEXIST);
            write_at(p.dir_fd, "new", "new");
            /* Until it is committed the target is as it was. */
            CHECK_EQ(row, temp_has(&t, "out"), before != NOTHING);
            CHECK_EQ(row, temp_has(&t, "out/old"), before == OUR_DIR);
            CHECK(row, !temp_has(&t, "out/new"));
            CHECK(row, publish_commit(&p, CLV_SYNC_NONE, &err));
        }
        publish_fini(&p, NULL);
        publish_fini(&p, NULL);
        CHECK_EQ(row, open_descriptors(), fds);
        if (target_rows[i].ok) {
            CHECK_EQ(row, count_entries(t.dir), 1);
            CHECK_EQ(row, count_entries(temp_path(&t, "out")), 3);
            check_text(&t, row, "out/cleave.json", "{}\n");
            check_text(&t, row, "out/empty", "");
            check_text(&t, row, "out/new", "new");
        } else {
            CHECK_EQ(row, count_entries(t.dir), entries);
            if (before == OUR_DIR || before == LINK_TO_OURS)
                check_text(&t, row, "out/old", "old");
            if (before == OTHER_DIR)
                check_text(&t, row, "out/thesis.txt", "years");
            if (before == A_FILE)
                check_text(&t, row, "out", "old");
        }
        temp_remove(&t);
    }
}

/* A run that fails: nothing is left, directories and links included, and links are not followed. */
static void test_abandoned(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(target_rows); i++) {
        const char *row = target_rows[i].name;
        struct temp t;
        struct publish p;
        if (!target_rows[i].ok)
            continue;
        temp_make(&t);
        make_before(&t, target_rows[i].before);
        (void)temp_file(&t, "precious", "kept", 4);
        const unsigned fds = open_descriptors(), entries = count_entries(t.dir);
        CHECK(row, publish_init(&p, temp_path(&t, "out"), IO_MODE, replaces(target_rows[i].force),
                                false, NULL));
        CHECK(row, publish_file(&p, "a", "abc", 3, NULL));
        assert_int_equal(mkdirat(p.dir_fd, "00010000", 0700), 0);
        write_at(p.dir_fd, "00010000/b", "b");
        assert_int_equal(symlinkat("../precious", p.dir_fd, "link"), 0);
        publish_fini(&p, NULL);
        CHECK_EQ(row, count_entries(t.dir), entries);
        CHECK_EQ(row, open_descriptors(), fds);
        check_text(&t, row, "precious", "kept");
        CHECK_EQ(row, temp_has(&t, "out/old"), target_rows[i].before == OUR_DIR);
        temp_remove(&t);
    }
}

/* Somebody else takes the name while a run is under way. */
static void test_overtaken(void **state)
{
    static const struct {
        const char *name;
        enum before before;
        bool force, ok;
    } rows[] = {
        {"an output", OUR_DIR, false, false},
        {"an output, forced", OUR_DIR, true, true},
        {"an empty directory", EMPTY_DIR, false, true},
        {"somebody's directory, forced", OTHER_DIR, true, false},
        {"a file", A_FILE, false, false},
        {"a file, forced", A_FILE, true, false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct temp t;
        struct publish p;
        struct clv_error err = {0};
        temp_make(&t);
        CHECK(rows[i].name, publish_init(&p, temp_path(&t, "out"), IO_MODE, replaces(rows[i].force),
                                         false, &err));
        CHECK(rows[i].name, publish_file(&p, "new", "new", 3, &err));
        make_before(&t, rows[i].before);
        CHECK_EQ(rows[i].name, publish_commit(&p, CLV_SYNC_NONE, &err), rows[i].ok);
        publish_fini(&p, NULL);
        CHECK_EQ(rows[i].name, count_entries(t.dir), 1);
        CHECK_EQ(rows[i].name, temp_has(&t, "out/new"), rows[i].ok);
        if (!rows[i].ok) {
            CHECK_EQ(rows[i].name, err.code, CLV_ERR_EXISTS);
            CHECK_EQ(rows[i].name, temp_has(&t, "out/old"), rows[i].before == OUR_DIR);
            CHECK_EQ(rows[i].name, temp_has(&t, "out/thesis.txt"), rows[i].before == OTHER_DIR);
        }
        temp_remove(&t);
    }
}

static void test_paths(void **state)
{
    static const struct {
        const char *name;
        const char *path; /* in the test's directory */
        const char *made;
    } rows[] = {
        {"slashes at the end", "out///", "out"},
        {"through a directory", "dir/out", "dir/out"},
        {"through dots", "dir/../out", "out"},
        {"hidden", ".out", ".out"},
        {"a newline", "o\nut", "o\nut"},
        {"255 bytes",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct temp t;
        struct publish p;
        temp_make(&t);
        assert_int_equal(mkdir(temp_path(&t, "dir"), 0700), 0);
        CHECK(rows[i].name,
              publish_init(&p, temp_path(&t, rows[i].path), IO_MODE, NULL, false, NULL));
        CHECK(rows[i].name, publish_commit(&p, CLV_SYNC_NONE, NULL));
        publish_fini(&p, NULL);
        CHECK(rows[i].name, temp_has(&t, rows[i].made ? rows[i].made : rows[i].path));
        temp_remove(&t);
    }
}

static void test_path_refusals(void **state)
{
    static const struct {
        const char *name;
        const char *path; /* in the test's directory where it begins with '+' */
        enum clv_errc code;
        int sys;
    } rows[] = {
        {"no name", "", CLV_ERR_OPTION, 0},
        {"the root", "/", CLV_ERR_ARG, 0},
        {"many roots", "////", CLV_ERR_ARG, 0},
        {"here", ".", CLV_ERR_ARG, 0},
        {"above", "..", CLV_ERR_ARG, 0},
        {"ends in a dot", "+/.", CLV_ERR_ARG, 0},
        {"ends in dots", "+/x/..", CLV_ERR_ARG, 0},
        {"no parent", "+/missing/out", CLV_ERR_IO, ENOENT},
        {"the parent is a file", "+/file/out", CLV_ERR_IO, ENOTDIR},
    };
    struct temp t;
    (void)state;
    temp_make(&t);
    (void)temp_file(&t, "file", "x", 1);
    const unsigned fds = open_descriptors();
    for (size_t i = 0; i < N_ROWS(rows); i++)
        for (unsigned force = 0; force < 2; force++) {
            struct publish p;
            struct clv_error err = {0};
            const char *path = rows[i].path;
            if (path[0] == '+')
                path = temp_path(&t, path + 2);
            CHECK(rows[i].name, !publish_init(&p, path, IO_MODE, replaces(force), false, &err));
            CHECK_EQ(rows[i].name, err.code, rows[i].code);
            CHECK_EQ(rows[i].name, err.sys, rows[i].sys);
            publish_fini(&p, NULL);
            CHECK_EQ(rows[i].name, count_entries(t.dir), 1);
            CHECK_EQ(rows[i].name, open_descriptors(), fds);
        }
    struct publish p;
    struct clv_error err = {0};
    static char longest[PATH_MAX + 1];
    memset(longest, 'a', PATH_MAX);
    CHECK("longer than a path", !publish_init(&p, longest, IO_MODE, NULL, false, &err));
    CHECK_EQ("longer than a path", err.code, CLV_ERR_OPTION);
    publish_fini(&p, NULL);
    temp_remove(&t);
}

/* Two runs with one target side by side: the second is refused, as long as there is a first. */
static void test_two_runs(void **state)
{
    struct temp t;
    struct publish a, b;
    struct clv_error err = {0};
    (void)state;
    temp_make(&t);
    CHECK("the first", publish_init(&a, temp_path(&t, "out"), IO_MODE, NULL, false, &err));
    CHECK("the second", !publish_init(&b, temp_path(&t, "out"), IO_MODE, NULL, true, &err));
    CHECK_EQ("the second", err.code, CLV_ERR_EXISTS);
    CHECK_HAS("the second", err.what, "another run");
    publish_fini(&b, NULL);
    CHECK("beside it", publish_init(&b, temp_path(&t, "out2"), IO_MODE, NULL, false, &err));
    publish_fini(&b, NULL);
    CHECK("the first", publish_file(&a, PUBLISH_MARK, mark, sizeof mark - 1, &err));
    CHECK("the first commits", publish_commit(&a, CLV_SYNC_FULL, &err));
    publish_fini(&a, NULL);
    CHECK("a third", publish_init(&b, temp_path(&t, "out"), IO_MODE, replaces(true), false, &err));
    publish_fini(&b, NULL);
    check_text(&t, "the first's", "out/" PUBLISH_MARK, mark);
    CHECK_EQ("nothing else", count_entries(t.dir), 1);
    temp_remove(&t);
}

/* What a killed run left: its number is nobody's now. */
static void test_stale(void **state)
{
    struct temp t;
    struct publish p;
    struct clv_error err = {0};
    const pid_t child = fork();
    char name[64];
    (void)state;
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    temp_make(&t);
    (void)snprintf(name, sizeof name, ".out.cleave-%ld-0", (long)child);
    assert_int_equal(mkdir(temp_path(&t, name), 0700), 0);
    CHECK("beside it", publish_init(&p, temp_path(&t, "out2"), IO_MODE, NULL, true, &err));
    CHECK_EQ("beside it", p.n_stale, 0);
    publish_fini(&p, NULL);
    CHECK("left", publish_init(&p, temp_path(&t, "out"), IO_MODE, NULL, false, &err));
    CHECK_EQ("left", p.n_stale, 1);
    CHECK_HAS("left", p.stale, name);
    publish_fini(&p, NULL);
    CHECK("removed", publish_init(&p, temp_path(&t, "out"), IO_MODE, NULL, true, &err));
    CHECK_EQ("removed", p.n_stale, 0);
    publish_fini(&p, NULL);
    CHECK_EQ("nothing", count_entries(t.dir), 0);
    temp_remove(&t);
}

UNIT(publish)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commit),        cmocka_unit_test(test_abandoned),
        cmocka_unit_test(test_overtaken),     cmocka_unit_test(test_paths),
        cmocka_unit_test(test_path_refusals), cmocka_unit_test(test_two_runs),
        cmocka_unit_test(test_stale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
