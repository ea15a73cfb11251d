/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount/watch.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "input/input.h"

bool watch_add(struct watch *w, const char *path, struct clv_error *err)
{
    char buf[PATH_MAX];
    struct watched *all = mem_reserve(w->all, &w->cap, w->n + 1, sizeof *all);
    if (!all)
        return clv_fail_nomem(err, path, (w->n + 1) * sizeof *all);
    w->all = all;
    struct watched *one = &all[w->n];
    *one = (struct watched){.path = path};
    one->fd = open(input_file(path, buf), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (one->fd < 0)
        return clv_fail_errno(err, path, "cannot be opened");
    w->n++;
    return fstat(one->fd, &one->was) == 0 || clv_fail_errno(err, path, "cannot be examined");
}

void watch_fini(struct watch *w)
{
    while (w->n)
        (void)close(w->all[--w->n].fd);
    mem_free(w->all);
    *w = (struct watch){.n = 0};
}

bool watch_same(const struct watch *w, size_t i, struct clv_error *err)
{
    const struct watched *one = &w->all[i];
    struct stat is;
    if (fstat(one->fd, &is) != 0)
        return clv_fail_errno(err, one->path, "cannot be examined");
    return CLV_LIKELY(is.st_size == one->was.st_size &&
                      is.st_mtim.tv_sec == one->was.st_mtim.tv_sec &&
                      is.st_mtim.tv_nsec == one->was.st_mtim.tv_nsec) ||
           clv_fail(err, CLV_ERR_IO, one->path, "has changed since it was mounted");
}
