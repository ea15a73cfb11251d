/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/identity.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "input/input.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { LOOK = 64 << 10 };

/* Reads all len bytes from byte `at` on. */
static bool read_all(int fd, uint8_t *to, size_t len, uint64_t at, const char *path,
                     struct clv_error *err)
{
    const ssize_t n = io_read_at(fd, to, len, at);
    return n == (ssize_t)len ||
           (n < 0 ? clv_fail_errno(err, path, "cannot be read")
                  : clv_fail(err, CLV_ERR_IO, path, "was truncated while it was read"));
}

static int64_t modified_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static bool look(struct identity *is, int fd, const char *path, uint8_t *buf, struct clv_error *err)
{
    const size_t head = (size_t)min_u64(is->bytes, LOOK);
    const size_t tail = (size_t)min_u64(is->bytes - head, LOOK);
    XXH128_canonical_t digest;
    if (!read_all(fd, buf, head, 0, path, err) ||
        !read_all(fd, buf + head, tail, is->bytes - tail, path, err))
        return false;
    XXH128_canonicalFromHash(&digest, XXH3_128bits(buf, head + tail));
    memcpy(is->digest, digest.digest, sizeof is->digest);
    return true;
}

/* As it was when it was looked at, by all that it says of itself. */
static bool is_last(const struct identity_last *last, const char *file)
{
    struct stat st;
    return last->known && stat(file, &st) == 0 && last->device == (uint64_t)st.st_dev &&
           last->inode == (uint64_t)st.st_ino && last->is.bytes == (uint64_t)st.st_size &&
           last->is.modified_ns == modified_ns(&st);
}

bool identity_of(struct identity *is, struct identity_last *last, const char *path,
                 struct clv_error *err)
{
    char buf[PATH_MAX];
    struct stat st;
    const char *file = input_file(path, buf);
    if (is_last(last, file)) {
        *is = last->is;
        return true;
    }
    last->known = false;
    const int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return clv_fail_errno(err, file, "cannot be opened");
    uint8_t *bytes = mem_alloc(2, LOOK);
    bool ok = false;
    if (!bytes) {
        (void)clv_fail_nomem(err, file, (size_t)2 * LOOK);
    } else if (fstat(fd, &st) != 0) {
        (void)clv_fail_errno(err, file, "cannot be examined");
    } else if (!S_ISREG(st.st_mode)) {
        (void)clv_fail(err, CLV_ERR_ARG, file, "is not a regular file");
    } else {
        is->bytes = (uint64_t)st.st_size;
        is->modified_ns = modified_ns(&st);
        ok = look(is, fd, file, bytes, err);
        *last = (struct identity_last){*is, (uint64_t)st.st_dev, (uint64_t)st.st_ino, ok};
    }
    mem_free(bytes);
    (void)close(fd);
    return ok;
}

bool identity_path(char absolute[PATH_MAX], const char *path, struct clv_error *err)
{
    char buf[PATH_MAX], real[PATH_MAX];
    const char *file = input_file(path, buf);
    if (!realpath(file, real))
        return clv_fail_errno(err, file, "cannot be found");
    const int n = snprintf(absolute, PATH_MAX, "%s%s", real, path + strlen(file));
    return (n > 0 && n < PATH_MAX) || clv_fail(err, CLV_ERR_ARG, path, "its path is too long");
}
