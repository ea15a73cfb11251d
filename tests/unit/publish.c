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
            CHECK(row, publish_put(&p, "cleave.json", "{}\n", 3, &err));
            CHECK(row, publish_put(&p, "empty", NULL, 0, &err));
            CHECK(row, !publish_put(&p, "empty", "x", 1, &err)); /* once only */
            CHECK_EQ(row, err.sys, EEXIST);
            write_at(p.fd, "new", "new");
            /* Until it is committed the target is as it was. */
            CHECK_EQ(row, temp_has(&t, "out"), before != NOTHING);
            CHECK_EQ(row, temp_has(&t, "out/old"), before == OUR_DIR);
            CHECK(row, !temp_has(&t, "out/new"));
            CHECK(row, publish_commit(&p, &err));
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
        CHECK(row, publish_put(&p, "a", "abc", 3, NULL));
        assert_int_equal(mkdirat(p.fd, "00010000", 0700), 0);
        write_at(p.fd, "00010000/b", "b");
        assert_int_equal(symlinkat("../precious", p.fd, "link"), 0);
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
        CHECK(rows[i].name, publish_put(&p, "new", "new", 3, &err));
        make_before(&t, rows[i].before);
        CHECK_EQ(rows[i].name, publish_commit(&p, &err), rows[i].ok);
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
        CHECK(rows[i].name, publish_commit(&p, NULL));
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
    CHECK("the first", publish_put(&a, PUBLISH_MARK, mark, sizeof mark - 1, &err));
    CHECK("the first commits", publish_sync(&a, CLV_SYNC_FULL, &err) && publish_commit(&a, &err));
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

/* A file that begins so may be replaced. */
static bool is_ours(int dir, const char *name)
{
    char head[4] = "";
    const int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW);
    const ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);
    const int why = n < 0 ? errno : 0;
    if (fd >= 0)
        (void)close(fd);
    errno = why;
    return n == sizeof head && memcmp(head, "ours", 4) == 0;
}

static const struct publish_file plain = {.option = "report", .what = "page", .is_ours = is_ours};
static const struct publish_file forced = {
    .option = "report", .what = "page", .replaces = true, .is_ours = is_ours};

static bool open_file(struct publish *p, struct temp *t, bool force, bool clean, int *out,
                      struct clv_error *err)
{
    return publish_file_open(p, temp_path(t, "out"), IO_MODE, force ? &forced : &plain, clean, out,
                             err);
}

static void write_new(int out)
{
    assert_int_equal(write(out, "ours, new", 9), 9);
    assert_int_equal(close(out), 0);
}

enum file_before { NO_FILE, OUR_FILE, OTHER_FILE, SHORT_FILE, A_DIR, LINK_TO_OUR_FILE, A_FIFO };

static void make_file_before(struct temp *t, enum file_before before)
{
    switch (before) {
    case NO_FILE:
        break;
    case OUR_FILE:
        (void)temp_file(t, "out", "ours, old", 9);
        break;
    case OTHER_FILE:
        (void)temp_file(t, "out", "years of work", 13);
        break;
    case SHORT_FILE:
        (void)temp_file(t, "out", "our", 3);
        break;
    case A_DIR:
        assert_int_equal(mkdir(temp_path(t, "out"), 0700), 0);
        break;
    case LINK_TO_OUR_FILE:
        (void)temp_file(t, "real", "ours, old", 9);
        assert_int_equal(symlink("real", temp_path(t, "out")), 0);
        break;
    case A_FIFO:
        assert_int_equal(mkfifo(temp_path(t, "out"), 0600), 0);
        break;
    }
}

static const struct {
    const char *name;
    enum file_before before;
    bool force, ok;
} file_rows[] = {
    {"nothing there", NO_FILE, false, true},
    {"nothing there, forced", NO_FILE, true, true},
    {"ours", OUR_FILE, false, false},
    {"ours, forced", OUR_FILE, true, true},
    {"somebody's", OTHER_FILE, false, false},
    {"somebody's, forced", OTHER_FILE, true, false},
    {"cut short, forced", SHORT_FILE, true, false},
    {"a directory", A_DIR, false, false},
    {"a directory, forced", A_DIR, true, false},
    {"a link, forced", LINK_TO_OUR_FILE, true, false},
    {"a FIFO, forced", A_FIFO, true, false},
};

static void check_as_before(struct temp *t, const char *row, enum file_before before)
{
    if (before == OUR_FILE)
        check_text(t, row, "out", "ours, old");
    if (before == OTHER_FILE)
        check_text(t, row, "out", "years of work");
    if (before == LINK_TO_OUR_FILE)
        check_text(t, row, "real", "ours, old");
}

/* Committed, or given up before. */
static void test_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(file_rows); i++) {
        const char *row = file_rows[i / 2].name;
        const enum file_before before = file_rows[i / 2].before;
        const bool commits = i % 2, ok = file_rows[i / 2].ok;
        struct temp t;
        struct publish p;
        struct stat st;
        struct clv_error err = {0};
        int out;
        temp_make(&t);
        make_file_before(&t, before);
        const unsigned fds = open_descriptors(), entries = count_entries(t.dir);
        CHECK_EQ(row, open_file(&p, &t, file_rows[i / 2].force, false, &out, &err), ok);
        CHECK_EQ(row, out >= 0, ok);
        if (!ok) {
            CHECK_EQ(row, err.code, CLV_ERR_EXISTS);
            CHECK_STR(row, err.subject, temp_path(&t, "out"));
            CHECK(row, err.hint[0]);
        } else {
            CHECK_EQ(row, count_entries(t.dir), entries + 1);
            write_new(out);
            check_as_before(&t, row, before);
            CHECK(row, publish_sync(&p, CLV_SYNC_DATA, &err));
            CHECK(row, !commits || publish_commit(&p, &err));
            CHECK(row, !commits || publish_finish(&p, CLV_SYNC_FULL, &err));
            CHECK_EQ(row, err.code, CLV_ERR_NONE);
        }
        publish_fini(&p, NULL);
        publish_fini(&p, NULL);
        CHECK_EQ(row, open_descriptors(), fds);
        if (ok && commits) {
            CHECK_EQ(row, count_entries(t.dir), 1);
            check_text(&t, row, "out", "ours, new");
            assert_int_equal(stat(temp_path(&t, "out"), &st), 0);
            CHECK_EQ(row, st.st_mode & 0777 & ~(unsigned)IO_MODE, 0);
        } else {
            CHECK_EQ(row, count_entries(t.dir), entries);
            check_as_before(&t, row, before);
        }
        temp_remove(&t);
    }
}

/* What takes the name while the file is written is looked at as if it had been there. */
static void test_file_overtaken(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(file_rows); i++) {
        const char *row = file_rows[i].name;
        struct temp t;
        struct publish p;
        struct clv_error err = {0};
        int out;
        temp_make(&t);
        CHECK(row, open_file(&p, &t, file_rows[i].force, false, &out, &err));
        write_new(out);
        make_file_before(&t, file_rows[i].before);
        const unsigned entries = count_entries(t.dir); /* with what is staged */
        CHECK_EQ(row, publish_commit(&p, &err), file_rows[i].ok);
        CHECK_EQ(row, err.code, file_rows[i].ok ? CLV_ERR_NONE : CLV_ERR_EXISTS);
        publish_fini(&p, NULL);
        if (file_rows[i].ok)
            check_text(&t, row, "out", "ours, new");
        else
            check_as_before(&t, row, file_rows[i].before);
        CHECK_EQ(row, count_entries(t.dir), file_rows[i].ok ? 1 : entries - 1);
        temp_remove(&t);
    }
}

/* What somebody else put in the place of the staged file is neither published nor removed. */
static void test_file_exchanged(void **state)
{
    struct temp t;
    struct publish p;
    struct clv_error err = {0};
    char staging[PATH_MAX];
    int out;
    (void)state;
    temp_make(&t);
    CHECK("open", open_file(&p, &t, false, false, &out, &err));
    write_new(out);
    (void)snprintf(staging, sizeof staging, "%s", p.staging);
    assert_int_equal(unlink(staging), 0);
    write_at(AT_FDCWD, staging, "theirs");
    CHECK("commit", !publish_commit(&p, &err));
    CHECK_EQ("commit", err.code, CLV_ERR_IO);
    CHECK_HAS("commit", err.what, "moved or replaced");
    publish_fini(&p, NULL);
    CHECK("no output", !temp_has(&t, "out"));
    check_text(&t, "theirs", strrchr(staging, '/') + 1, "theirs");
    temp_remove(&t);
}

static void test_file_two_runs(void **state)
{
    struct temp t;
    struct publish a, b;
    struct clv_error err = {0};
    int out, none;
    (void)state;
    temp_make(&t);
    CHECK("the first", open_file(&a, &t, true, false, &out, &err));
    CHECK("the second", !open_file(&b, &t, true, true, &none, &err));
    CHECK_EQ("the second", err.code, CLV_ERR_EXISTS);
    CHECK_HAS("the second", err.what, "another run");
    write_new(out);
    CHECK("closed, and locked", !open_file(&b, &t, true, true, &none, &err));
    CHECK("commit", publish_commit(&a, NULL));
    CHECK("a third", open_file(&b, &t, true, false, &out, NULL));
    write_new(out);
    publish_fini(&a, NULL);
    publish_fini(&b, NULL);
    CHECK_EQ("nothing else", count_entries(t.dir), 1);
    temp_remove(&t);
}

/* Directories under such a name are not files that a run left. */
static void test_file_stale(void **state)
{
    struct temp t;
    struct publish p;
    struct clv_error err = {0};
    const pid_t child = fork();
    char name[64], dir[64];
    int out;
    (void)state;
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    temp_make(&t);
    (void)snprintf(name, sizeof name, ".out.cleave-%ld-0", (long)child);
    (void)snprintf(dir, sizeof dir, ".out.cleave-%ld-1", (long)child);
    (void)temp_file(&t, name, "begun", 5);
    assert_int_equal(mkdir(temp_path(&t, dir), 0700), 0);
    CHECK("left", open_file(&p, &t, false, false, &out, &err));
    CHECK_EQ("left", p.n_stale, 1);
    CHECK_HAS("left", p.stale, name);
    write_new(out);
    publish_fini(&p, NULL);
    CHECK("left", temp_has(&t, name));
    CHECK("removed", open_file(&p, &t, false, true, &out, &err));
    CHECK_EQ("removed", p.n_stale, 0);
    write_new(out);
    publish_fini(&p, NULL);
    CHECK("removed", !temp_has(&t, name));
    CHECK("no file", temp_has(&t, dir));
    temp_remove(&t);
}

static void test_file_names(void **state)
{
    static const struct {
        const char *name, *path;
        enum clv_errc code;
    } rows[] = {
        {"standard output", "-", CLV_ERR_OPTION},
        {"nothing", "", CLV_ERR_ARG},
        {"the root", "/", CLV_ERR_ARG},
        {"here", ".", CLV_ERR_ARG},
        {"above", "x/..", CLV_ERR_ARG},
        {"a directory", "x/", CLV_ERR_ARG},
        {"a name", "x", CLV_ERR_NONE},
        {"a path", "/x/y", CLV_ERR_NONE},
    };
    char longer[PATH_MAX];
    struct clv_error err;
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        err = (struct clv_error){0};
        CHECK_EQ(rows[i].name, publish_file_named(&plain, rows[i].path, &err),
                 rows[i].code == CLV_ERR_NONE);
        CHECK_EQ(rows[i].name, err.code, rows[i].code);
    }
    memset(longer, 'x', sizeof longer);
    longer[256] = '\0';
    CHECK("a long name", !publish_file_named(&plain, longer, &err));
    CHECK_HAS("a long name", err.what, "too long");
    longer[255] = '\0';
    CHECK("255 bytes", publish_file_named(&plain, longer, &err));
}

/* Names that begin alike are not those of one target, however long they are. */
static void test_prefixes(void **state)
{
    char names[3][256], prefix[3][PUBLISH_PREFIX_MAX];
    (void)state;
    for (size_t len = 199; len < sizeof names[0] - 1; len++) {
        for (size_t i = 0; i < N_ROWS(names); i++) {
            memset(names[i], 'x', len + 1);
            names[i][len] = (char)('a' + i);
            names[i][len + 1] = '\0';
            publish_prefix(prefix[i], names[i]);
            CHECK("there is room for a number", strlen(prefix[i]) + 20 < 256);
        }
        CHECK("of two targets", strcmp(prefix[0], prefix[1]) != 0);
        CHECK("of two more", strcmp(prefix[1], prefix[2]) != 0);
        names[1][len] = 'a';
        publish_prefix(prefix[1], names[1]);
        CHECK_STR("of one target", prefix[1], prefix[0]);
    }
}

UNIT(publish)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commit),         cmocka_unit_test(test_abandoned),
        cmocka_unit_test(test_overtaken),      cmocka_unit_test(test_paths),
        cmocka_unit_test(test_path_refusals),  cmocka_unit_test(test_two_runs),
        cmocka_unit_test(test_stale),          cmocka_unit_test(test_file),
        cmocka_unit_test(test_file_overtaken), cmocka_unit_test(test_file_exchanged),
        cmocka_unit_test(test_file_two_runs),  cmocka_unit_test(test_file_stale),
        cmocka_unit_test(test_file_names),     cmocka_unit_test(test_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
