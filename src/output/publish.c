/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/publish.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"
#include "base/port.h"

enum { DIRS_OPEN = 32 };

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path);
    return 0; /* the others are removed all the same */
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_entry, DIRS_OPEN, FTW_DEPTH | FTW_PHYS);
}

/* false: it is not, or errno says why that is not known; 0: it is not. */
static bool is_empty(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *e;
    if (!d)
        return false;
    bool empty = true;
    errno = 0;
    while (empty && (e = readdir(d)))
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    empty = empty && errno == 0;
    const int why = errno;
    (void)closedir(d);
    errno = why;
    return empty;
}

/* An empty directory, or one that an earlier run made. false: as is_empty(). */
static bool replaceable(const char *path)
{
    char mark[PATH_MAX + sizeof PUBLISH_MARK + 1];
    struct stat st;
    if (lstat(path, &st) != 0)
        return false;
    errno = 0;
    if (!S_ISDIR(st.st_mode))
        return false;
    (void)snprintf(mark, sizeof mark, "%s/%s", path, PUBLISH_MARK);
    if (lstat(mark, &st) == 0 && S_ISREG(st.st_mode))
        return true;
    return (errno == 0 || errno == ENOENT) && is_empty(path);
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
    if (errno != 0)
        return clv_fail_errno(err, target, "cannot be looked at");
    (void)clv_fail(err, CLV_ERR_EXISTS, target, "is no output of cleave, it has no " PUBLISH_MARK);
    return clv_fail_hint(err, "--force replaces only what an earlier run made; remove it yourself");
}

/* Another run's staging directory, or what is left of one. */
enum other {
    OTHER_NONE,  /* not one */
    OTHER_ALIVE, /* in use */
    OTHER_STALE, /* nobody's */
};

static enum other look_at_other(const char *path, long pid)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return OTHER_NONE;
    const bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    (void)close(fd);
    if (locked)
        return OTHER_ALIVE;
    /* It may have been made this moment, and not be locked yet. */
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH ? OTHER_STALE : OTHER_NONE;
}

void publish_prefix(char prefix[PUBLISH_PREFIX_MAX], const char *path)
{
    (void)snprintf(prefix, PUBLISH_PREFIX_MAX, ".%.200s.cleave-", path_base(path));
}

/*
 * Looks for staging directories of the target. own: this run's, or NULL before it is made; of two
 * runs that begin at the same moment the one with the lower number goes on.
 */
static bool look_around(struct publish *p, const char *own, bool clean, struct clv_error *err)
{
    char parent[PATH_MAX], prefix[PUBLISH_PREFIX_MAX], path[PATH_MAX];
    path_parent(parent, p->target);
    publish_prefix(prefix, p->target);
    DIR *d = opendir(parent);
    const struct dirent *e;
    bool ok = true;
    while (d && ok && (e = readdir(d))) {
        const size_t len = strlen(prefix);
        if (strncmp(e->d_name, prefix, len) != 0)
            continue;
        const int n = snprintf(path, sizeof path, "%.*s%s", (int)(path_base(p->target) - p->target),
                               p->target, e->d_name);
        const long pid = strtol(e->d_name + len, NULL, 10);
        if (n < 0 || (size_t)n >= sizeof path || (own && strcmp(path, own) == 0) || pid <= 0)
            continue;
        switch (look_at_other(path, pid)) {
        case OTHER_NONE:
            break;
        case OTHER_ALIVE:
            if (own && strcmp(path, own) > 0)
                break;
            (void)clv_fail(err, CLV_ERR_EXISTS, p->target, "another run is writing it (%s)",
                           e->d_name);
            ok = false;
            break;
        case OTHER_STALE:
            if (clean) {
                remove_tree(path);
                break;
            }
            p->n_stale++;
            memcpy(p->stale, path, (size_t)n + 1);
            break;
        }
    }
    if (d)
        (void)closedir(d);
    return ok;
}

bool publish_init(struct publish *p, const char *target, unsigned mode, bool force, bool clean,
                  struct clv_error *err)
{
    char prefix[PUBLISH_PREFIX_MAX];
    *p = (struct publish){.dir_fd = -1, .mode = mode, .force = force};
    size_t len = strlen(target);
    while (len > 1 && target[len - 1] == '/')
        len--;
    /* ".NAME.cleave-PID" and a terminator beside the target must fit too. */
    if (len == 0)
        return clv_fail(err, CLV_ERR_ARG, "--output", "is empty");
    if (len + 32 > sizeof p->target)
        return clv_fail(err, CLV_ERR_ARG, "--output", "a path of %zu bytes cannot be used", len);
    memcpy(p->target, target, len);
    p->target[len] = '\0';
    const char *base = path_base(p->target);
    if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return clv_fail(err, CLV_ERR_ARG, p->target, "cannot be an output directory");
    if (!check_target(p->target, force, err))
        return false;
    if (!look_around(p, NULL, clean, err))
        return false;
    publish_prefix(prefix, p->target);
    for (unsigned attempt = 0;; attempt++) {
        (void)snprintf(p->staging, sizeof p->staging, "%.*s%s%ld-%u", (int)(base - p->target),
                       p->target, prefix, (long)getpid(), attempt);
        if (mkdir(p->staging, io_dir_mode(mode)) == 0)
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
    p->n_stale = 0;
    if (flock(p->dir_fd, LOCK_EX | LOCK_NB) == 0 && !look_around(p, p->staging, false, err)) {
        publish_fini(p);
        return false;
    }
    return true;
}

bool publish_file(struct publish *p, const char *name, const char *data, size_t len,
                  struct clv_error *err)
{
    const int fd = io_create_at(p->dir_fd, name, p->mode, err);
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
    /* Not ".NAME.cleave-PID": should it stay, it is not what a killed run left, but the old output.
     */
    const int dir = (int)(path_base(p->staging) - p->staging);
    const int len =
        snprintf(aside, sizeof aside, "%.*s.old-%s", dir, p->staging, p->staging + dir + 1);
    if (len < 0 || (size_t)len >= sizeof aside)
        return clv_fail(err, CLV_ERR_ARG, p->target, "its path is too long");
    if (replace && rename(p->target, aside) != 0)
        return clv_fail_errno(err, p->target, "cannot be moved aside");
    if (rename(p->staging, p->target) != 0) {
        (void)clv_fail_errno(err, p->target, "cannot take its name");
        if (replace && rename(aside, p->target) != 0)
            (void)clv_fail_hint(err, "what was there before is now %.120s", aside);
        return false;
    }
    if (replace)
        (void)snprintf(p->staging, sizeof p->staging, "%s", aside); /* for publish_fini() */
    else
        p->staging[0] = '\0';
    return true;
}

/* The names in the target's parent directory, on the disk. */
static bool sync_parent(const struct publish *p, struct clv_error *err)
{
    char parent[PATH_MAX];
    path_parent(parent, p->target);
    return io_sync_dir(parent) ||
           clv_fail_errno(err, parent,
                          "cannot be synchronised: the output is there, but may "
                          "not survive a power cut");
}

static bool take_name(struct publish *p, struct clv_error *err)
{
    struct stat st;
    /* NOREPLACE: what appeared under the target's name meanwhile is somebody else's. */
    if (port_rename(p->staging, p->target, PORT_NOREPLACE)) {
        p->staging[0] = '\0';
        return true;
    }
    const bool plain = port_renames_plainly(errno);
    if (errno != EEXIST && !plain)
        return clv_fail_errno(err, p->target, "cannot take its name");
    if (!check_target(p->target, p->force, err))
        return false;
    if (plain)
        return rename_plainly(p, lstat(p->target, &st) == 0, err);
    if (port_rename(p->staging, p->target, PORT_EXCHANGE))
        return true; /* staging is now the old output, which publish_fini() removes */
    if (port_renames_plainly(errno)) /* it knows the one flag, and not the other */
        return rename_plainly(p, true, err);
    return clv_fail_errno(err, p->target, "cannot be replaced");
}

bool publish_commit(struct publish *p, enum clv_sync sync, struct clv_error *err)
{
    if (sync != CLV_SYNC_NONE && !port_sync_below(p->staging, p->dir_fd))
        return clv_fail_errno(err, p->target, "cannot be synchronised");
    return take_name(p, err) && (sync != CLV_SYNC_FULL || sync_parent(p, err));
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
