/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/port.h"

CLV_COLD static bool fail_write(int fd, const char *subject, struct clv_error *err)
{
    (void)clv_fail_errno(err, subject, "cannot be written");
    return io_explain(fd, err);
}

bool io_write(int fd, const void *p, size_t len, const char *subject, struct clv_error *err)
{
    for (const uint8_t *at = p; len;) {
        const ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_write(fd, subject, err);
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool io_write_at(int fd, const void *p, size_t len, uint64_t at, const char *subject,
                 struct clv_error *err)
{
    for (const uint8_t *from = p; len;) {
        const ssize_t n = pwrite(fd, from, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_write(fd, subject, err);
        from += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

ssize_t io_read_at(int fd, void *p, size_t len, uint64_t at)
{
    uint8_t *const to = p;
    const int before = errno;
    size_t got = 0;
    while (got < len) {
        const ssize_t n = pread(fd, to + got, len - got, (off_t)(at + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    errno = before; /* not that of a call that was made again */
    return (ssize_t)got;
}

void io_hint_name(struct clv_error *err, int error)
{
    /* Of FAT, exFAT and SMB, which lack characters, and of those that take UTF-8 alone. */
    if (error == EINVAL || error == EILSEQ)
        (void)clv_fail_hint(
            err,
            "the file system does not accept this name: choose another with --output or --name");
}

int io_create_at(int dir_fd, const char *name, unsigned mode, struct clv_error *err)
{
    const int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    const int why = errno;
    if (fd < 0) {
        (void)clv_fail_errno(err, name, "cannot be created");
        (void)io_explain(dir_fd, err);
        io_hint_name(err, why);
    }
    return fd;
}

int io_open_fleeting(const char *dir, char path[PATH_MAX])
{
    enum { ATTEMPTS = 100 };
    int fd = -1;
    for (unsigned attempt = 0; fd < 0 && attempt < ATTEMPTS; attempt++) {
        if (snprintf(path, PATH_MAX, "%s/.cleave-%ld-%u", dir, (long)getpid(), attempt) >= PATH_MAX)
            return -1;
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST)
            return -1;
    }
    return fd;
}

int io_open_nameless(const char *dir)
{
    char path[PATH_MAX];
    int fd = -1;
#ifdef O_TMPFILE
    fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600); /* not everywhere: NFS, FUSE */
#endif
    if (fd >= 0)
        return fd;
    fd = io_open_fleeting(dir, path);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

int io_open_named(const char *path, bool overwrite, struct clv_error *err)
{
    const bool standard = strcmp(path, "-") == 0;
    if (standard && isatty(STDOUT_FILENO)) {
        (void)clv_fail(err, CLV_ERR_ARG, "standard output", "is a terminal");
        (void)clv_fail_hint(err, "pipe it into a program, or name a file");
        return -1;
    }
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (overwrite ? 0 : O_EXCL);
    const int fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, flags, 0666);
    if (fd < 0 && errno == EEXIST) {
        (void)clv_fail(err, CLV_ERR_EXISTS, path, "already exists");
        (void)clv_fail_hint(err, "choose another name, or replace it with --force");
    } else if (fd < 0) {
        (void)clv_fail_errno(err, path, "cannot be created");
    }
    return fd;
}

bool io_cut(int fd, const char *path, struct clv_error *err)
{
    struct stat st;
    if (strcmp(path, "-") == 0)
        return true;
    if (fstat(fd, &st) != 0)
        return clv_fail_errno(err, path, "cannot be examined");
    return !S_ISREG(st.st_mode) || ftruncate(fd, 0) == 0 ||
           clv_fail_errno(err, path, "cannot be truncated");
}

bool io_close(int fd, const char *subject, struct clv_error *err)
{
    if (close(fd) == 0 || errno == EINTR)
        return true;
    return clv_fail_errno(err, subject, "cannot be closed");
}

bool io_sync_dir(const char *dir)
{
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool ok = port_sync(fd);
    const int why = errno;
    (void)close(fd);
    errno = why;
    return ok;
}

bool io_fits(int fd, const struct io_need *need, const char *path, struct clv_error *err)
{
    struct port_room room = port_room(fd);
    room.bytes += min_u64(need->there, UINT64_MAX - room.bytes);
    if (!room.plain || (need->bytes <= room.bytes && need->files <= room.files))
        return true;
    errno = ENOSPC;
    if (need->files > room.files) {
        (void)clv_fail_errno(err, path, "needs %llu more files, but only %llu can be made",
                             (unsigned long long)need->files, (unsigned long long)room.files);
        return clv_fail_hint(err, "the file system has too few free inodes");
    }
    (void)clv_fail_errno(err, path, "needs %s%llu more bytes, but only %llu are free",
                         need->about ? "about " : "",
                         (unsigned long long)(need->about ? need->about : need->bytes),
                         (unsigned long long)room.bytes);
    return clv_fail_hint(err, "the file system has too little room");
}

bool io_explain(int fd, struct clv_error *err)
{
    enum { NEARLY = 64 << 20 }; /* bytes that file systems keep for themselves */
    struct stat st;
    if (!err || err->hint[0] || (err->sys != ENOSPC && err->sys != EDQUOT))
        return false;
    if (err->sys == EDQUOT)
        return clv_fail_hint(err, "the disk quota is used up");
    if (fstat(fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return false;
    const struct port_room room = port_room(fd);
    if (room.files == 0 && S_ISDIR(st.st_mode)) /* in which something was to be made */
        return clv_fail_hint(err, "the file system has no free inodes");
    if (room.bytes >= NEARLY && room.bytes != UINT64_MAX) /* as with the quota of a project */
        return clv_fail_hint(err,
                             "the file system takes no more, though it reports %llu free bytes",
                             (unsigned long long)room.bytes);
    return clv_fail_hint(err, "the file system is full");
}

bool io_explain_at(const char *dir, struct clv_error *err)
{
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)io_explain(fd, err);
    if (fd >= 0)
        (void)close(fd);
    return false;
}
