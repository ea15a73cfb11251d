/* SPDX-License-Identifier: BSD-2-Clause */
/* A directory of a run's own, in memory where the system has such a place. */
#ifndef CLEAVE_TESTS_FUZZ_FUZZ_TEMP_H
#define CLEAVE_TESTS_FUZZ_FUZZ_TEMP_H

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

struct temp {
    char dir[64];
};

struct temp_name {
    char path[128];
};

static inline void temp_make(struct temp *t)
{
    const char *const base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(t->dir, sizeof t->dir, "%s/cleave-fuzz-XXXXXX", base);
    FUZZ_CHECK(mkdtemp(t->dir) != NULL);
}

static inline int temp_remove_entry(const char *path, const struct stat *st, int type,
                                    struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void temp_remove(const struct temp *t)
{
    FUZZ_CHECK(nftw(t->dir, temp_remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static inline struct temp_name temp_path(const struct temp *t, const char *name)
{
    struct temp_name n;
    FUZZ_CHECK(snprintf(n.path, sizeof n.path, "%s/%s", t->dir, name) < (int)sizeof n.path);
    return n;
}

static inline void temp_write(const char *path, const void *data, size_t len)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    FUZZ_CHECK(close(fd) == 0);
}

#endif
