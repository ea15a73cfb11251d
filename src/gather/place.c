/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "gather/gathering.h"
#include "manifest/name.h"

enum { STEP = 1 << 20 }; /* bytes of a file that is copied */

/* What a file system that has no hard links, or none to there, says of one. */
static bool must_copy(int error)
{
    return error == EXDEV || error == EPERM || error == EMLINK || error == EOPNOTSUPP ||
           error == ENOSYS;
}

static bool copy_bytes(struct gathering *g, int from, int to, const char *path,
                       struct clv_error *err)
{
    uint8_t *const buf = mem_alloc(STEP, 1);
    bool ok = buf || clv_fail_nomem(err, path, STEP);
    ssize_t n = 1;
    for (uint64_t at = 0; ok && n != 0; at += (uint64_t)n) {
        n = io_read_at(from, buf, STEP, at);
        ok = n < 0 ? clv_fail_errno(err, path, "cannot be read")
                   : io_write(to, buf, (size_t)n, path, err);
        if (!ok)
            break;
        g->result.copied_bytes += (uint64_t)n;
    }
    mem_free(buf);
    return ok;
}

static bool copy(struct gathering *g, const struct part *p, const char *name, char *to,
                 const char *path, struct clv_error *err)
{
    if (!publish_dirs(&g->publish, to, err))
        return false;
    const int from = openat(p->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0)
        return clv_fail_errno(err, path, "cannot be read");
    const int fd = io_create_at(g->publish.fd, to, g->publish.mode, err);
    const bool ok = fd >= 0 && copy_bytes(g, from, fd, path, err);
    (void)close(from);
    return fd >= 0 && io_close(fd, path, ok ? err : NULL) && ok;
}

/* false, and an errno. */
static bool link_it(const struct gathering *g, const struct part *p, const char *name, char *to,
                    struct clv_error *err)
{
    if (linkat(p->fd, name, g->publish.fd, to, 0) == 0)
        return true;
    if (errno != ENOENT)
        return false;
    return publish_dirs(&g->publish, to, err) && linkat(p->fd, name, g->publish.fd, to, 0) == 0;
}

/* name is in p->fd, `to` in what is staged. */
static bool place(struct gathering *g, const struct part *p, const char *name, char *to,
                  const char *path, uint64_t *bytes, struct clv_error *err)
{
    struct stat st;
    if (fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return clv_fail_errno(err, path, "cannot be examined");
    if (!S_ISREG(st.st_mode))
        return clv_fail(err, CLV_ERR_FORMAT, path, "is not a regular file");
    *bytes = (uint64_t)st.st_size;
    if (err)
        err->code = CLV_ERR_NONE;
    if (link_it(g, p, name, to, err))
        return true;
    if (err && err->code != CLV_ERR_NONE)
        return false;
    return must_copy(errno) ? copy(g, p, name, to, path, err)
                            : clv_fail_errno(err, path, "cannot be linked");
}

/* What the archive's directory says; nothing of the member is read. */
static bool size_of_member(const struct part *p, const char *name, const char *path,
                           uint64_t *bytes, struct clv_error *err)
{
    const struct store_member *const known = store_find(&p->store, name);
    struct unzip_member m;
    if (!known)
        return clv_fail(err, CLV_ERR_FORMAT, path, "is missing, but the manifest has a row for it");
    if (!unzip_entry(&p->store.zip, known->entry, &m, err))
        return false;
    *bytes = m.central.size;
    return true;
}

/* A part's name, as its directory entry has it. */
static void name_of(char to[NAME_COMPONENT_MAX + 1], const struct part *p)
{
    (void)snprintf(to, NAME_COMPONENT_MAX + 1, "%.*s", (int)p->name_len, p->name);
}

bool places_fit(const struct gathering *g, struct clv_error *err)
{
    struct io_need need = {.files = 2}; /* manifest and receipt */
    char name[NAME_COMPONENT_MAX + 1];
    struct stat here, st;
    if (fstat(g->publish.fd, &here) != 0)
        return true; /* whoever writes will find out */
    for (size_t i = 0; i < g->params.n_results; i++) {
        const struct part *const p = &g->all[i];
        if (p->is_map || fstat(p->fd, &st) != 0 || st.st_dev == here.st_dev)
            continue;
        name_of(name, p);
        if (!p->store.archived) {
            need.bytes += p->receipt.result.written_bytes;
            need.files += p->receipt.result.outputs;
        } else if (fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            need.bytes += (uint64_t)st.st_size;
            need.files++;
        }
    }
    return publish_fits(&g->publish, &need, err);
}

bool place_archive(struct gathering *g, const struct part *p, struct clv_error *err)
{
    char to[NAME_COMPONENT_MAX + 1];
    uint64_t bytes;
    name_of(to, p);
    return place(g, p, to, to, p->path, &bytes, err);
}

bool place_output(struct gathering *g, const struct part *p, const char *name, uint64_t *bytes,
                  struct clv_error *err)
{
    char to[NAME_COMPONENT_MAX + NAME_MAX_LEN + 3], path[PATH_MAX];
    if (!store_path(&p->store, name, path, err))
        return false;
    if (p->store.archived)
        return size_of_member(p, name, path, bytes, err);
    (void)snprintf(to, sizeof to, "%.*s/%s", (int)p->name_len, p->name, name);
    return place(g, p, name, to, path, bytes, err);
}

bool place_remove(struct gathering *g, const struct part *p, struct clv_error *err)
{
    const struct made_run nothing_else = {.key = &g->key};
    if (p->store.archived || p->is_index)
        return unlinkat(AT_FDCWD, p->path, 0) == 0 ||
               clv_fail_errno(err, p->path, "is in the result, but cannot be removed");
    if (!made_check(p->fd, p->path, &nothing_else, g->publish.tree, err))
        return false;
    return (tree_empty(g->publish.tree, p->fd) && unlinkat(AT_FDCWD, p->path, AT_REMOVEDIR) == 0) ||
           clv_fail_errno(err, p->path, "is in the result, but cannot be removed");
}
