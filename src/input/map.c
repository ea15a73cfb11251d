/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "input/input.h"

struct input {
    char *path;
    const uint8_t *map; /* NULL: an empty file */
    uint64_t size;
    int fd;
    bool drop_cache;
};

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISFIFO(mode))
        return "a FIFO";
    if (S_ISCHR(mode) || S_ISBLK(mode))
        return "a device";
    if (S_ISSOCK(mode))
        return "a socket";
    return "not a regular file";
}

bool input_open(struct input **out, const char *path, struct clv_error *err)
{
    struct input *in = mem_zalloc(1, sizeof *in);
    *out = NULL;
    if (in)
        in->fd = -1;
    if (!in || !(in->path = mem_strdup(path))) {
        (void)clv_fail_nomem(err, path, sizeof *in);
        goto fail;
    }
    /* O_NONBLOCK: a FIFO without a writer must be refused, not waited for. */
    const int fd = in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        (void)clv_fail_errno(err, path, "cannot be opened");
        goto fail;
    }
    if (!S_ISREG(st.st_mode)) {
        (void)clv_fail(err, CLV_ERR_FORMAT, path, "is %s; a capture in a regular file is needed",
                       kind_of(st.st_mode));
        if (!S_ISDIR(st.st_mode))
            (void)clv_fail_hint(err, "save the capture to a file first");
        goto fail;
    }
    in->size = (uint64_t)st.st_size;
    if (in->size > SIZE_MAX / 2) {
        (void)clv_fail(err, CLV_ERR_FORMAT, path, "%llu bytes do not fit this address space",
                       (unsigned long long)in->size);
        goto fail;
    }
    if (in->size) {
        void *map = mmap(NULL, (size_t)in->size, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) {
            (void)clv_fail_errno(err, path, "cannot be mapped");
            goto fail;
        }
        in->map = map;
        (void)madvise(map, (size_t)in->size, MADV_SEQUENTIAL);
    }
    *out = in;
    return true;
fail:
    input_close(&in);
    return false;
}

void input_close(struct input **inp)
{
    struct input *in = *inp;
    if (!in)
        return;
    if (in->map)
        (void)munmap((void *)(uintptr_t)in->map, (size_t)in->size);
    if (in->fd >= 0)
        (void)close(in->fd);
    mem_free(in->path);
    mem_free(in);
    *inp = NULL;
}

const char *input_path(const struct input *in)
{
    return in->path;
}

uint64_t input_size(const struct input *in)
{
    return in->size;
}

void input_drop_cache(struct input *in)
{
    in->drop_cache = true;
}

bool input_window(struct input *in, uint64_t offset, size_t len, size_t slack,
                  struct input_window *w, struct clv_error *err)
{
    if (offset > in->size)
        return clv_fail(err, CLV_ERR_INTERNAL, in->path, "window at %llu of %llu bytes",
                        (unsigned long long)offset, (unsigned long long)in->size);
    const uint64_t rest = in->size - offset;
    w->in = in;
    w->p = in->map ? in->map + offset : NULL;
    w->len = (size_t)min_u64(len, rest);
    w->avail = w->len + (size_t)min_u64(slack, rest - w->len);
    w->offset = offset;
    w->last = w->len == rest;
    return true;
}

static uintptr_t page_mask(void)
{
    return (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
}

void input_release(const struct input_window *w, size_t from, size_t to)
{
    /* Inwards to whole pages: the outer ones are shared with a neighbour still in use. */
    const uintptr_t first = ((uintptr_t)(w->p + from) + page_mask()) & ~page_mask();
    const uintptr_t end = (uintptr_t)(w->p + to) & ~page_mask();
    if (first >= end)
        return;
    (void)madvise((void *)first, end - first, MADV_DONTNEED);
    if (w->in->drop_cache)
        (void)posix_fadvise(w->in->fd, (off_t)(first - (uintptr_t)w->in->map), (off_t)(end - first),
                            POSIX_FADV_DONTNEED);
}
