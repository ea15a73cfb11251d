/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/beside.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "manifest/manifest.h"

void beside_none(struct beside *b)
{
    *b = (struct beside){.fd = -1};
}

#if HAVE_SQLITE

static bool begin(struct beside *b, const char *path, struct clv_error *err)
{
    const char *const name = manifest_file_name(CLV_MANIFEST_SQLITE);
    const bool ok = index_init(&b->writer, path, name, false, err);
    b->writer.closes = true;
    return ok;
}

bool beside_file(struct beside *b, const struct publish *p, struct clv_error *err)
{
    char path[PATH_MAX];
    const char *const name = manifest_file_name(CLV_MANIFEST_SQLITE);
    const int n = snprintf(path, sizeof path, "%s/%s", p->staging, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return clv_fail(err, CLV_ERR_ARG, name, "its path is too long");
    const int fd = io_create_at(p->fd, name, p->mode, err);
    return fd >= 0 && io_close(fd, name, err) && begin(b, path, err);
}

bool beside_member(struct beside *b, const char *dir, struct clv_error *err)
{
    char path[PATH_MAX];
    b->fd = io_open_fleeting(dir, path);
    if (b->fd < 0)
        return clv_fail_errno(err, dir, "has no room for a file") || io_explain_at(dir, err);
    const bool ok = begin(b, path, err);
    (void)unlink(path);
    return ok;
}

bool beside_add(struct beside *b, struct archive *a, struct clv_error *err)
{
    enum { STEP = 256 << 10 };
    const char *const name = manifest_file_name(CLV_MANIFEST_SQLITE);
    char *buf = mem_alloc(STEP, 1);
    bool ok = buf ? archive_open(a, name, err) : clv_fail_nomem(err, name, STEP);
    ssize_t n;
    for (uint64_t at = 0; ok && (n = io_read_at(b->fd, buf, STEP, at)) != 0; at += (uint64_t)n)
        ok = n < 0 ? clv_fail_errno(err, name, "cannot be read")
                   : archive_add(a, buf, (size_t)n, err);
    mem_free(buf);
    return ok && archive_close(a, err);
}

struct observer observe_beside(struct beside *b)
{
    return observe_index(&b->writer);
}

void beside_fini(struct beside *b)
{
    index_fini(&b->writer);
    if (b->fd >= 0)
        (void)close(b->fd);
    beside_none(b);
}

#else

/* No run gets so far: its job refuses the option. */

bool beside_file(struct beside *b, const struct publish *p, struct clv_error *err)
{
    (void)b, (void)p;
    return db_supported(err);
}

bool beside_member(struct beside *b, const char *dir, struct clv_error *err)
{
    (void)b, (void)dir;
    return db_supported(err);
}

bool beside_add(struct beside *b, struct archive *a, struct clv_error *err)
{
    (void)b, (void)a;
    return db_supported(err);
}

struct observer observe_beside(struct beside *b)
{
    return (struct observer){.self = b};
}

void beside_fini(struct beside *b)
{
    (void)b;
}

#endif
