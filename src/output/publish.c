/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/publish.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

enum { DIRS_OPEN = 32 };

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_entry, DIRS_OPEN, FTW_DEPTH | FTW_PHYS);
}

static bool is_empty(const char *path)
{
    DIR *d = opendir(path);
    bool empty = d != NULL;
    const struct dirent *e;
    while (empty && (e = readdir(d)))
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    if (d)
        (void)closedir(d);
    return empty;
}

/* An empty directory, or one that an earlier run made. */
static bool replaceable(const char *path)
{
    char mark[PATH_MAX + sizeof PUBLISH_MARK + 1];
    struct stat st;
    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return false;
    (void)snprintf(mark, sizeof mark, "%s/%s", path, PUBLISH_MARK);
    if (lstat(mark, &st) == 0 && S_ISREG(st.st_mode))
        return true;
    return is_empty(path);
}

static bool check_target(const char *target, bool force, struct clv_error *err)
{
    struct stat st;
    if (lstat(target, &st) != 0) {
        if (errno == ENOENT)
            return true;
        return clv_fail_errno(err, target, "cannot be looked at");
    }
    if (!force) {
        (void)clv_fail(err, CLV_ERR_EXISTS, target, "is there already");
        return clv_fail_hint(err, "name another with --output, or replace it with --force");
    }
    if (replaceable(target))
        return true;
    (void)clv_fail(err, CLV_ERR_EXISTS, target, "is no output of cleave, it has no " PUBLISH_MARK);
    return clv_fail_hint(err, "--force replaces only what an earlier run made; remove it yourself");
}

bool publish_init(struct publish *p, const char *target, bool force, struct clv_error *err)
{
    *p = (struct publish){.dir_fd = -1, .force = force};
    size_t len = strlen(target);
    while (len > 1 && target[len - 1] == '/')
        len--;
    /* ".NAME.cleave-PID" and a terminator beside the target must fit too. */
    if (len == 0 || len + 32 > sizeof p->target)
        return clv_fail(err, CLV_ERR_ARG, "--output", "a path of %zu bytes cannot be used", len);
    memcpy(p->target, target, len);
    p->target[len] = '\0';
    const char *slash = strrchr(p->target, '/');
    const char *base = slash ? slash + 1 : p->target;
    if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return clv_fail(err, CLV_ERR_ARG, p->target, "cannot be an output directory");
    if (!check_target(p->target, force, err))
        return false;
    for (unsigned attempt = 0;; attempt++) {
        (void)snprintf(p->staging, sizeof p->staging, "%.*s.%.200s.cleave-%ld-%u",
                       (int)(base - p->target), p->target, base, (long)getpid(), attempt);
        if (mkdir(p->staging, 0777) == 0)
            break;
        if (errno == EEXIST && attempt < 1000)
            continue;
        p->staging[0] = '\0';
        (void)clv_fail_errno(err, p->target, "cannot be made");
        return clv_fail_hint(err, "its parent directory must exist and be writable");
    }
    p->dir_fd = open(p->staging, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->dir_fd < 0) {
        (void)clv_fail_errno(err, p->staging, "cannot be opened");
        (void)rmdir(p->staging); /* still empty; without descriptors no tree can be walked */
        p->staging[0] = '\0';
        return false;
    }
    return true;
}

bool publish_file(struct publish *p, const char *name, const char *data, size_t len,
                  struct clv_error *err)
{
    const int fd = io_create_at(p->dir_fd, name, err);
    if (fd < 0)
        return false;
    const bool ok = io_write(fd, data, len, name, err);
    return io_close(fd, name, ok ? err : NULL) && ok;
}

/*
 * For file systems whose rename() takes no flags (NFS, many of FUSE): the old output steps aside
 * first. A target that is no empty directory is never overwritten, since rename() refuses that.
 */
static bool rename_plainly(struct publish *p, bool replace, struct clv_error *err)
{
    char aside[PATH_MAX];
    const int len = snprintf(aside, sizeof aside, "%s.old", p->staging);
    if (len < 0 || (size_t)len >= sizeof aside)
        return clv_fail(err, CLV_ERR_ARG, p->target, "its path is too long");
    if (replace && rename(p->target, aside) != 0)
        return clv_fail_errno(err, p->target, "cannot be moved aside");
    if (rename(p->staging, p->target) != 0) {
        (void)clv_fail_errno(err, p->target, "cannot take its name");
        if (replace)
            (void)rename(aside, p->target);
        return false;
    }
    if (replace)
        (void)snprintf(p->staging, sizeof p->staging, "%s", aside); /* for publish_fini() */
    else
        p->staging[0] = '\0';
    return true;
}

static bool no_flags(void)
{
    return errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
}

bool publish_commit(struct publish *p, struct clv_error *err)
{
    struct stat st;
    /* NOREPLACE: what appeared under the target's name meanwhile is somebody else's. */
    if (renameat2(AT_FDCWD, p->staging, AT_FDCWD, p->target, RENAME_NOREPLACE) == 0) {
        p->staging[0] = '\0';
        return true;
    }
    const bool plain = no_flags();
    if (errno != EEXIST && !plain)
        return clv_fail_errno(err, p->target, "cannot take its name");
    if (!check_target(p->target, p->force, err))
        return false;
    if (plain)
        return rename_plainly(p, lstat(p->target, &st) == 0, err);
    if (renameat2(AT_FDCWD, p->staging, AT_FDCWD, p->target, RENAME_EXCHANGE) == 0)
        return true; /* staging is now the old output, which publish_fini() removes */
    return clv_fail_errno(err, p->target, "cannot be replaced");
}

void publish_fini(struct publish *p)
{
    if (p->dir_fd >= 0)
        (void)close(p->dir_fd);
    p->dir_fd = -1;
    if (p->staging[0])
        remove_tree(p->staging);
    p->staging[0] = '\0';
}
