/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory of the test's own, files in it, and the descriptors that the test has open.
 */
#ifndef CLEAVE_SUPPORT_TEMP_H
#define CLEAVE_SUPPORT_TEMP_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support_bytes.h"

struct temp {
    char dir[128];
    char path[512]; /* what temp_path() gave last */
};

static inline void temp_make(struct temp *t)
{
    const char *const base = getenv("TMPDIR");
    *t = (struct temp){.dir = ""};
    const int n = snprintf(t->dir, sizeof t->dir, "%.90s/cleave-unit-XXXXXX", base ? base : "/tmp");
    assert_true(n > 0 && (size_t)n < sizeof t->dir);
    assert_non_null(mkdtemp(t->dir));
}

static inline int temp_remove_entry(const char *path, const struct stat *st, int type,
                                    struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void temp_remove(struct temp *t)
{
    assert_int_equal(nftw(t->dir, temp_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline const char *temp_path(struct temp *t, const char *name)
{
    const int n = snprintf(t->path, sizeof t->path, "%s/%s", t->dir, name);
    assert_true(n > 0 && (size_t)n < sizeof t->path);
    return t->path;
}

static inline const char *temp_file(struct temp *t, const char *name, const void *data, size_t len)
{
    FILE *f = fopen(temp_path(t, name), "wb");
    assert_non_null(f);
    assert_int_equal(data ? fwrite(data, 1, len, f) : 0, len);
    assert_int_equal(fclose(f), 0);
    return t->path;
}

/* Of any kind, dangling links too. */
static inline bool temp_has(struct temp *t, const char *name)
{
    struct stat st;
    return lstat(temp_path(t, name), &st) == 0;
}

static inline void temp_read(struct temp *t, const char *name, struct bytes *b)
{
    uint8_t buf[65536];
    size_t n;
    FILE *f = fopen(temp_path(t, name), "rb");
    if (!f)
        print_error("%s cannot be read\n", t->path);
    assert_non_null(f);
    while ((n = fread(buf, 1, sizeof buf, f)) > 0)
        put_bytes(b, buf, n);
    assert_int_equal(fclose(f), 0);
}

static inline unsigned count_entries(const char *dir)
{
    unsigned n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    assert_int_equal(closedir(d), 0);
    return n;
}

static inline unsigned open_descriptors(void)
{
    enum { FDS = 4096, AT_ONCE = 256 }; /* some tests ask after every step: one by one takes long */
    struct pollfd some[AT_ONCE];
    unsigned n = 0;
    for (int from = 0; from < FDS; from += AT_ONCE) {
        for (int i = 0; i < AT_ONCE; i++)
            some[i] = (struct pollfd){.fd = from + i};
        assert_true(poll(some, AT_ONCE, 0) >= 0);
        for (int i = 0; i < AT_ONCE; i++)
            n += !(some[i].revents & POLLNVAL);
    }
    return n;
}

#endif
