/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/publish.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/port.h"
#include "manifest/name.h"

#ifndef O_PATH
#define O_PATH O_RDONLY /* of Linux: to have a directory open that one may not list */
#endif

enum {
    DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
    FILE_FLAGS = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC,
};

/* What stands for good behind the process number of what a run replaced and could not remove. */
#define OLD "-old"

static const char *name_of(const char *path)
{
    return path_base(path);
}

/* ---- directory or file ---- */

/* To read and to lock; -1: errno, or it is something else. */
static int open_staged(const struct publish *p, int parent, const char *name)
{
    struct stat st;
    const int fd = openat(parent, name, p->file ? FILE_FLAGS : DIR_FLAGS);
    if (fd < 0 || !p->file || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
        return fd;
    (void)close(fd);
    return -1;
}

/* *out: where a file is written to. */
static bool make_staged(const struct publish *p, const char *name, int *out)
{
    if (!p->file)
        return mkdirat(p->parent_fd, name, io_dir_mode(p->mode)) == 0;
    *out = openat(p->parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, p->mode);
    return *out >= 0;
}

/* With all that is in it. fd: it. false: errno. */
static bool remove_staged(const struct publish *p, int fd, const char *name)
{
    return p->file ? unlinkat(p->parent_fd, name, 0) == 0
                   : tree_empty(p->tree, fd) && unlinkat(p->parent_fd, name, AT_REMOVEDIR) == 0;
}

/* ---- the target ---- */

enum target {
    TARGET_NONE,
    TARGET_EMPTY,  /* a directory, which is taken as it is */
    TARGET_OUTPUT, /* with a mark of cleave's */
    TARGET_OTHER,  /* a directory without */
    TARGET_LINK,
    TARGET_FILE,
    TARGET_MOUNT,   /* a file system begins there */
    TARGET_UNKNOWN, /* errno says why */
};

/* fd: an open directory. true: it has an entry; false: none, or errno is not 0. */
static bool has_entry(int fd)
{
    struct port_names names;
    if (!port_names_begin(&names, fd))
        return false;
    const bool has = port_names_next(&names) != NULL;
    const int why = has ? 0 : errno;
    port_names_end(&names);
    errno = why;
    return has;
}

/* *fd: of a directory that was opened, or -1. */
static enum target look_at_target(const struct publish *p, int *fd)
{
    struct port_place place, parent;
    struct stat st;
    *fd = -1;
    if (!port_place(p->parent_fd, name_of(p->target), &place))
        return errno == ENOENT ? TARGET_NONE : TARGET_UNKNOWN;
    if (S_ISLNK(place.mode))
        return TARGET_LINK;
    if (!S_ISDIR(place.mode))
        return TARGET_FILE;
    if (!port_place(p->parent_fd, "", &parent))
        return TARGET_UNKNOWN;
    if (!port_same_mount(&place, &parent))
        return TARGET_MOUNT;
    *fd = openat(p->parent_fd, name_of(p->target), DIR_FLAGS);
    if (*fd < 0)
        return TARGET_UNKNOWN;
    const bool has_mark = fstatat(*fd, PUBLISH_MARK, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (has_mark && S_ISREG(st.st_mode))
        return TARGET_OUTPUT;
    if (!has_mark && errno != ENOENT)
        return TARGET_UNKNOWN;
    if (has_entry(*fd))
        return TARGET_OTHER;
    return errno ? TARGET_UNKNOWN : TARGET_EMPTY;
}

static bool refuse(const struct publish *p, enum target what, struct clv_error *err)
{
    const char *const force = p->replaces ? "--force replaces only what an earlier run made: move "
                                            "it away, or choose another --output"
                                          : NULL;
    const char *hint = force ? force : "choose another --output";
    char to[128];
    ssize_t n;
    switch (what) {
    case TARGET_OUTPUT:
        (void)clv_fail(err, CLV_ERR_EXISTS, p->target, "already exists");
        hint = "choose another --output, or replace it with --force";
        break;
    case TARGET_LINK:
        n = readlinkat(p->parent_fd, name_of(p->target), to, sizeof to - 1);
        to[n < 0 ? 0 : n] = '\0';
        (void)clv_fail(err, CLV_ERR_EXISTS, p->target, "is a symbolic link to %s", to);
        hint = "name what it points to, or choose another --output";
        break;
    case TARGET_FILE:
        (void)clv_fail(err, CLV_ERR_EXISTS, p->target, "already exists, and is not a directory");
        break;
    case TARGET_MOUNT:
        (void)clv_fail(err, CLV_ERR_EXISTS, p->target, "is the mount point of a file system");
        hint = "choose a directory inside it with --output";
        break;
    default:
        (void)clv_fail(err, CLV_ERR_EXISTS, p->target,
                       "already exists, and is not an output of cleave: it has no " PUBLISH_MARK);
        break;
    }
    return clv_fail_hint(err, "%s", hint);
}

/* A new file, or one that may be replaced. */
static bool check_file(const struct publish *p, struct port_place *old, struct clv_error *err)
{
    const struct publish_file *const file = p->file;
    if (!port_place(p->parent_fd, name_of(p->target), old)) {
        const bool none = errno == ENOENT;
        *old = (struct port_place){0};
        return none || clv_fail_errno(err, p->target, "cannot be examined");
    }
    errno = 0;
    const bool ours = S_ISREG(old->mode) && file->is_ours(p->parent_fd, name_of(p->target));
    if (ours && file->replaces)
        return true;
    if (errno && file->replaces)
        return clv_fail_errno(err, p->target, "cannot be read");
    if (ours || errno)
        (void)clv_fail(err, CLV_ERR_EXISTS, p->target, "already exists");
    else
        (void)clv_fail(err, CLV_ERR_EXISTS, p->target, "already exists, and is not a %s",
                       file->what);
    if (file->replaces)
        return clv_fail_hint(
            err, "--force does not replace other files: move it away, or choose another name");
    return clv_fail_hint(err, "choose another --%s%s", file->option,
                         ours ? ", or replace it with --force" : "");
}

/* Whether the target may be taken, or replaced. *old: what that is; all zero: nothing. */
static bool check_target(const struct publish *p, struct port_place *old, struct clv_error *err)
{
    if (p->file)
        return check_file(p, old, err);
    int fd;
    const enum target what = look_at_target(p, &fd);
    bool ok = false;
    *old = (struct port_place){0};
    if (what == TARGET_UNKNOWN)
        (void)clv_fail_errno(err, p->target, "cannot be examined");
    else if (what == TARGET_NONE)
        ok = true;
    else if (what == TARGET_EMPTY)
        ok = port_place(fd, "", old) || clv_fail_errno(err, p->target, "cannot be examined");
    else if (what != TARGET_OUTPUT || !p->replaces)
        (void)refuse(p, what, err);
    else
        ok = made_check(fd, p->target, p->replaces, p->tree, err) &&
             (port_place(fd, "", old) || clv_fail_errno(err, p->target, "cannot be examined"));
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

/* ---- other runs ---- */

/* What another run stages, or what is left of it. */
enum other {
    OTHER_NONE,  /* not one */
    OTHER_ALIVE, /* in use */
    OTHER_STALE, /* nobody's */
};

/* *fd: of what is nobody's. */
static enum other look_at_other(const struct publish *p, int parent, const char *name, long pid,
                                int *fd)
{
    *fd = open_staged(p, parent, name);
    if (*fd < 0)
        return OTHER_NONE;
    enum other other = OTHER_STALE;
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        other = OTHER_ALIVE;
    else if (kill((pid_t)pid, 0) == 0 || errno != ESRCH)
        other = OTHER_NONE; /* it may have been made this moment, and not be locked yet */
    if (other != OTHER_STALE) {
        (void)close(*fd);
        *fd = -1;
    }
    return other;
}

void publish_prefix(char prefix[PUBLISH_PREFIX_MAX], const char *path)
{
    enum { WHOLE = 200, CUT = 180 };
    const char *const base = path_base(path);
    const size_t len = strlen(base);
    if (len <= WHOLE)
        (void)snprintf(prefix, PUBLISH_PREFIX_MAX, ".%s.cleave-", base);
    else /* others begin in the same way */
        (void)snprintf(prefix, PUBLISH_PREFIX_MAX, ".%.*s-%016llx.cleave-", CUT, base,
                       (unsigned long long)XXH3_64bits(base, len));
}

static void find_stale(struct publish *p, const char *name, int fd, bool clean)
{
    if (!clean || !remove_staged(p, fd, name)) {
        p->n_stale++;
        (void)snprintf(p->stale, sizeof p->stale, "%.*s%s", (int)(name_of(p->target) - p->target),
                       p->target, name);
    }
    (void)close(fd);
}

/*
 * Looks for what else is staged for the target. own: this run's, or NULL before it is made; of two
 * runs that begin at the same moment the one with the lower number goes on.
 */
static bool look_around(struct publish *p, const char *own, bool clean, struct clv_error *err)
{
    char prefix[PUBLISH_PREFIX_MAX];
    publish_prefix(prefix, p->target);
    struct port_names names;
    const int parent = openat(p->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const size_t len = strlen(prefix);
    const char *name;
    bool ok = true;
    if (parent < 0 || !port_names_begin(&names, parent)) {
        if (parent >= 0)
            (void)close(parent);
        return true; /* what cannot be listed */
    }
    while (ok && (name = port_names_next(&names))) {
        if (strncmp(name, prefix, len) != 0)
            continue;
        const long pid = strtol(name + len, NULL, 10);
        if ((own && strcmp(name, own) == 0) || pid <= 0)
            continue;
        int fd;
        switch (look_at_other(p, parent, name, pid, &fd)) {
        case OTHER_NONE:
            break;
        case OTHER_ALIVE:
            if (own && strcmp(name, own) > 0)
                break;
            (void)clv_fail(err, CLV_ERR_EXISTS, p->target, "another run is writing it (%s)", name);
            ok = false;
            break;
        case OTHER_STALE:
            find_stale(p, name, fd, clean);
            break;
        }
    }
    port_names_end(&names);
    (void)close(parent);
    return ok;
}

/* ---- beginning ---- */

void publish_none(struct publish *p)
{
    *p = (struct publish){.parent_fd = -1, .fd = -1, .old_fd = -1};
}

/* Takes the target's name as it was given, less slashes at the end. */
static bool set_target(struct publish *p, const char *target, struct clv_error *err)
{
    size_t len = strlen(target);
    while (len > 1 && target[len - 1] == '/')
        len--;
    if (len == 0)
        return clv_fail(err, CLV_ERR_OPTION, "output", "is empty");
    /* ".NAME.cleave-PID" and a terminator beside the target must fit too. */
    if (len + 32 > sizeof p->target)
        return clv_fail(err, CLV_ERR_OPTION, "output", "a path of %zu bytes is too long", len);
    memcpy(p->target, target, len);
    p->target[len] = '\0';
    const char *base = name_of(p->target);
    if (strcmp(p->target, "-") == 0) {
        (void)clv_fail(err, CLV_ERR_OPTION, "output", "must be a directory, not standard output");
        return clv_fail_hint(err, "to name a directory that is called so: ./-");
    }
    if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return clv_fail(err, CLV_ERR_ARG, p->target, "cannot be an output directory");
    return true;
}

static bool fail_to_make(const struct publish *p, struct clv_error *err)
{
    const int why = errno;
    (void)clv_fail_errno(err, p->target, "cannot be created");
    (void)io_explain(p->parent_fd, err);
    io_hint_name(err, why);
    if (why == ENOENT || why == ENOTDIR || why == EACCES || why == EPERM || why == EROFS)
        (void)clv_fail_hint(err, "its parent directory must exist and be writable");
    return false;
}

static bool make_staging(struct publish *p, int *out, struct clv_error *err)
{
    char prefix[PUBLISH_PREFIX_MAX];
    publish_prefix(prefix, p->target);
    for (unsigned attempt = 0;; attempt++) {
        (void)snprintf(p->staging, sizeof p->staging, "%.*s%s%ld-%u",
                       (int)(name_of(p->target) - p->target), p->target, prefix, (long)getpid(),
                       attempt);
        if (make_staged(p, name_of(p->staging), out))
            break;
        if (errno == EEXIST && attempt < 1000)
            continue;
        p->staging[0] = '\0';
        return fail_to_make(p, err);
    }
    p->fd = open_staged(p, p->parent_fd, name_of(p->staging));
    if (p->fd >= 0)
        return true;
    (void)clv_fail_errno(err, p->staging, "cannot be opened");
    (void)unlinkat(p->parent_fd, name_of(p->staging), p->file ? 0 : AT_REMOVEDIR); /* empty */
    p->staging[0] = '\0';
    return false;
}

/* The target is set. *out: where a file is written to, untouched for directories. */
static bool begin(struct publish *p, bool clean, int *out, struct clv_error *err)
{
    struct port_place old;
    path_parent(p->staging, p->target);
    p->parent_fd = open(p->staging, O_PATH | O_DIRECTORY | O_CLOEXEC);
    p->staging[0] = '\0';
    if (p->parent_fd < 0) {
        (void)fail_to_make(p, err);
        goto fail;
    }
    if (!check_target(p, &old, err) || !look_around(p, NULL, clean, err) ||
        !make_staging(p, out, err))
        goto fail;
    if (flock(p->fd, LOCK_EX | LOCK_NB) == 0) {
        p->n_stale = 0; /* what is left is found again */
        if (!look_around(p, name_of(p->staging), false, err))
            goto fail;
    }
    return true;
fail:
    publish_fini(p, NULL);
    return false;
}

bool publish_init(struct publish *p, const char *target, unsigned mode,
                  const struct made_run *replaces, bool clean, struct clv_error *err)
{
    publish_none(p);
    p->mode = mode;
    p->replaces = replaces;
    if (!set_target(p, target, err))
        return false;
    int none = -1; /* of a directory nothing is open to write */
    p->tree = mem_zalloc(1, sizeof *p->tree);
    if (!p->tree)
        return clv_fail_nomem(err, p->target, sizeof *p->tree);
    return begin(p, clean, &none, err);
}

bool publish_file_named(const struct publish_file *file, const char *target, struct clv_error *err)
{
    const char *const base = path_base(target);
    if (strcmp(target, "-") == 0)
        return clv_fail(err, CLV_ERR_OPTION, file->option, "must be a file, not standard output");
    if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return clv_fail(err, CLV_ERR_ARG, target, "is not the name of a file");
    /* ".NAME.cleave-PID" beside the target must fit too. */
    if (strlen(target) + 64 > PATH_MAX || strlen(base) > NAME_COMPONENT_MAX)
        return clv_fail(err, CLV_ERR_ARG, target, "its path is too long");
    return true;
}

bool publish_file_open(struct publish *p, const char *target, unsigned mode,
                       const struct publish_file *file, bool clean, int *out, struct clv_error *err)
{
    publish_none(p);
    p->mode = mode;
    p->file = file;
    *out = -1;
    if (!publish_file_named(file, target, err))
        return false;
    (void)snprintf(p->target, sizeof p->target, "%s", target);
    if (begin(p, clean, out, err))
        return true;
    if (*out >= 0)
        (void)!io_close(*out, target, NULL);
    *out = -1;
    return false;
}

bool publish_dirs(const struct publish *p, char *name, struct clv_error *err)
{
    for (char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        const bool ok = mkdirat(p->fd, name, io_dir_mode(p->mode)) == 0 || errno == EEXIST ||
                        clv_fail_errno(err, name, "cannot be created") || io_explain(p->fd, err);
        *slash = '/';
        if (!ok)
            return false;
    }
    return true;
}

bool publish_put(struct publish *p, const char *name, const char *data, size_t len,
                 struct clv_error *err)
{
    const int fd = io_create_at(p->fd, name, p->mode, err);
    if (fd < 0)
        return false;
    const bool ok = io_write(fd, data, len, name, err);
    return io_close(fd, name, ok ? err : NULL) && ok;
}

/* ---- the name ---- */

/* Whether the name beside the target is that of what is open as fd. */
static bool is_still(const struct publish *p, const char *name, int fd)
{
    struct port_place now, own;
    return port_place(p->parent_fd, name, &now) && port_place(fd, "", &own) &&
           port_same_file(&now, &own);
}

/* Others may rename what all this lies in: what has the target's name must be what was written. */
static bool fail_moved(const struct publish *p, struct clv_error *err)
{
    (void)clv_fail(err, CLV_ERR_IO, p->target,
                   "the directory that it was written to was moved or replaced meanwhile");
    return false;
}

static bool check_parent(struct publish *p, struct clv_error *err)
{
    struct port_place now, own;
    char parent[PATH_MAX];
    path_parent(parent, p->target);
    if (!port_place_of(parent, &now) || !port_place(p->parent_fd, "", &own))
        return clv_fail_errno(err, p->target, "cannot be renamed to its final name");
    return port_same_file(&now, &own) || fail_moved(p, err);
}

static bool check_staging(struct publish *p, struct clv_error *err)
{
    errno = 0;
    if (is_still(p, name_of(p->staging), p->fd))
        return true;
    return errno ? clv_fail_errno(err, p->target, "cannot be renamed to its final name")
                 : fail_moved(p, err);
}

/* What was staged has the target's name; what had it before has this one. */
static bool settle(struct publish *p, const char *old_name, const struct port_place *old,
                   struct clv_error *err)
{
    struct port_place now;
    const int dir = (int)(name_of(p->staging) - p->staging);
    errno = 0;
    bool ours = is_still(p, name_of(p->target), p->fd);
    if (ours && old_name) {
        p->old_fd = open_staged(p, p->parent_fd, old_name);
        errno = 0;
        ours = p->old_fd < 0 || (port_place(p->old_fd, "", &now) && port_same_file(&now, old));
    }
    if (ours) {
        (void)close(p->fd);
        p->fd = -1; /* nothing of it is to be removed any more */
        if (old_name && old_name != p->staging + dir)
            (void)snprintf(p->staging + dir, sizeof p->staging - (size_t)dir, "%s", old_name);
        else if (!old_name)
            p->staging[0] = '\0';
        return true;
    }
    const int why = errno; /* Back again. */
    if (p->old_fd >= 0)
        (void)close(p->old_fd);
    p->old_fd = -1;
    if (old_name)
        (void)port_rename(p->parent_fd, old_name, name_of(p->target), PORT_EXCHANGE);
    else
        (void)port_rename(p->parent_fd, name_of(p->target), name_of(p->staging), PORT_NOREPLACE);
    errno = why;
    return why ? clv_fail_errno(err, p->target, "cannot be renamed to its final name")
               : fail_moved(p, err);
}

/*
 * For file systems whose rename() takes no flags (NFS, many of FUSE). A file takes the place of
 * another. An old directory steps aside first; one that is not empty is never overwritten, since
 * rename() refuses that.
 */
static bool rename_plainly(struct publish *p, const struct port_place *old, struct clv_error *err)
{
    char aside[NAME_MAX + 1];
    const int parent = p->parent_fd;
    const char *const target = name_of(p->target), *const staging = name_of(p->staging);
    if (p->file)
        return renameat(parent, staging, parent, target) == 0
                   ? settle(p, NULL, NULL, err)
                   : clv_fail_errno(err, p->target, "cannot be renamed to its final name");
    /* Not ".NAME.cleave-PID": should it stay, it is not what a killed run left, but the old output.
     */
    const int len = snprintf(aside, sizeof aside, ".old-%s", staging + 1);
    if (len < 0 || (size_t)len >= sizeof aside)
        return clv_fail(err, CLV_ERR_ARG, p->target, "its path is too long");
    if (old->ino && renameat(parent, target, parent, aside) != 0)
        return clv_fail_errno(err, p->target, "cannot be moved aside");
    if (renameat(parent, staging, parent, target) != 0) {
        (void)clv_fail_errno(err, p->target, "cannot be renamed to its final name");
        if (old->ino && renameat(parent, aside, parent, target) != 0)
            (void)clv_fail_hint(err, "what was there before is now %.*s%.120s",
                                (int)(target - p->target), p->target, aside);
        return false;
    }
    return settle(p, old->ino ? aside : NULL, old, err);
}

bool publish_sync(struct publish *p, enum clv_sync sync, struct clv_error *err)
{
    return sync == CLV_SYNC_NONE ||
           (p->file ? port_sync(p->fd) : port_sync_below(p->staging, p->fd)) ||
           clv_fail_errno(err, p->target, "cannot be synchronised");
}

bool publish_commit(struct publish *p, struct clv_error *err)
{
    struct port_place old;
    const char *const target = name_of(p->target), *const staging = name_of(p->staging);
    if (!check_parent(p, err) || !check_staging(p, err))
        return false;
    /* NOREPLACE: what appeared under the target's name meanwhile is somebody else's. */
    if (port_rename(p->parent_fd, staging, target, PORT_NOREPLACE))
        return settle(p, NULL, NULL, err);
    const bool plain = port_renames_plainly(errno);
    if (errno != EEXIST && !plain)
        return clv_fail_errno(err, p->target, "cannot be renamed to its final name");
    if (!check_target(p, &old, err))
        return false;
    if (!plain && old.ino && port_rename(p->parent_fd, staging, target, PORT_EXCHANGE))
        return settle(p, staging, &old, err);
    if (plain || !old.ino ||
        port_renames_plainly(errno)) /* it knows the one flag, and not the other */
        return rename_plainly(p, &old, err);
    return clv_fail_errno(err, p->target, "cannot be replaced");
}

/* The names in the target's parent directory, on the disk. */
static bool sync_parent(const struct publish *p, struct clv_error *err)
{
    const int fd = openat(p->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool ok = fd >= 0 && port_sync(fd);
    if (!ok)
        (void)clv_fail_errno(err, p->target,
                             "the output is complete, but may not survive a power cut");
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

/* What is left has a name that the next run knows. */
static bool remove_old(struct publish *p, struct clv_error *err)
{
    const char *const name = name_of(p->staging);
    if (!p->staging[0])
        return true;
    if (p->old_fd < 0)
        p->old_fd = open_staged(p, p->parent_fd, name);
    if (p->old_fd >= 0 && remove_staged(p, p->old_fd, name))
        return true;
    const int why = errno;
    char prefix[PUBLISH_PREFIX_MAX], left[PUBLISH_PREFIX_MAX + 32];
    publish_prefix(prefix, p->target);
    (void)snprintf(left, sizeof left, "%s%ld" OLD, prefix, (long)getpid());
    const bool renamed = renameat(p->parent_fd, name, p->parent_fd, left) == 0;
    errno = why;
    (void)clv_fail_errno(err, p->target,
                         "the output is complete, but the one it replaced cannot be removed");
    return clv_fail_hint(err, "what it replaced is now %.*s%.100s",
                         (int)(name_of(p->target) - p->target), p->target, renamed ? left : name);
}

bool publish_finish(struct publish *p, enum clv_sync sync, struct clv_error *err)
{
    const bool synced = sync != CLV_SYNC_FULL || sync_parent(p, err);
    struct clv_error old;
    const bool removed = remove_old(p, synced ? err : &old);
    if (!synced && !removed)
        (void)clv_fail_hint(err, "%s", old.hint);
    p->staging[0] = '\0';
    return synced && removed;
}

/* What is full: as who failed has found, or as it is before all is removed. */
static void explain_full(const struct publish *p, struct clv_error *err)
{
    char why[sizeof err->hint];
    if (!err || (err->sys != ENOSPC && err->sys != EDQUOT) || !p->target[0])
        return;
    (void)io_explain(p->fd >= 0 ? p->fd : p->parent_fd, err);
    memcpy(why, err->hint, sizeof why);
    const char *const advice = strstr(why, "inodes")    ? p->advice.files
                               : strstr(why, "no more") ? NULL
                                                        : p->advice.bytes;
    (void)clv_fail_hint(err, "no output was made at %.60s%s%s%s%s", p->target, why[0] ? ": " : "",
                        why, advice ? "; " : "", advice ? advice : "");
}

bool publish_fits(const struct publish *p, const struct io_need *need, struct clv_error *err)
{
    return io_fits(p->fd >= 0 ? p->fd : p->parent_fd, need, p->target, err);
}

void parents_none(struct parents *p)
{
    p->len = p->kept = 0;
}

bool parents_hint(const struct clv_split_params *params, struct clv_error *err)
{
    if (!err || err->sys != ENOENT || params->parents)
        return false;
    return clv_fail_hint(err, "its parent directory does not exist; --parents makes it");
}

bool parents_make(struct parents *p, const char *target, unsigned mode, struct clv_error *err)
{
    path_parent(p->path, target);
    size_t len = strlen(p->path);
    while (len > 1 && p->path[len - 1] == '/')
        len--;
    p->path[len] = '\0';
    p->len = p->kept = len;
    for (size_t at = 1; at <= len; at++) {
        const char after = p->path[at];
        if ((after && after != '/') || p->path[at - 1] == '/')
            continue;
        p->path[at] = '\0';
        const bool made = mkdirat(AT_FDCWD, p->path, io_dir_mode(mode)) == 0;
        const bool ok =
            made || errno == EEXIST || clv_fail_errno(err, p->path, "cannot be created");
        p->path[at] = after;
        if (made && p->kept == p->len)
            p->kept = at - 1;
        if (!ok) {
            p->len = at - 1; /* what was made lies before it */
            return false;
        }
    }
    return true;
}

void parents_remove(struct parents *p)
{
    while (p->len > p->kept) {
        p->path[p->len] = '\0';
        if (unlinkat(AT_FDCWD, p->path, AT_REMOVEDIR) != 0)
            break; /* somebody else uses it by now */
        while (p->len && p->path[p->len - 1] != '/')
            p->len--;
        while (p->len && p->path[p->len - 1] == '/')
            p->len--;
    }
    parents_none(p);
}

bool publish_complete(struct publish *p, enum clv_sync sync, struct clv_error *after,
                      struct clv_error *err)
{
    if (!publish_sync(p, sync, err) || !publish_commit(p, err))
        return false;
    (void)publish_finish(p, sync, after);
    return true;
}

void publish_fini(struct publish *p, struct clv_error *err)
{
    explain_full(p, err);
    if (p->staging[0] && p->fd >= 0) { /* not committed */
        const bool empty = p->file || tree_empty(p->tree, p->fd);
        const char *const name = name_of(p->staging);
        const bool gone = is_still(p, name, p->fd)
                              ? unlinkat(p->parent_fd, name, p->file ? 0 : AT_REMOVEDIR) == 0
                              : empty; /* of what is another's only the name is ours */
        if (!(empty && gone))
            (void)clv_fail_hint(err, "the unfinished output could not be removed: %.90s",
                                p->staging);
    } else {
        (void)remove_old(p, err);
    }
    p->staging[0] = '\0';
    int *const fds[] = {&p->fd, &p->old_fd, &p->parent_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (*fds[i] >= 0)
            (void)close(*fds[i]);
        *fds[i] = -1;
    }
    mem_free(p->tree);
    p->tree = NULL;
}
