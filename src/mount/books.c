/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount/books.h"

#if HAVE_SQLITE

#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "index/listing.h"

enum { CHUNK = 256 << 10 };

void books_init(struct books *b, struct index *ix, pthread_mutex_t *lock)
{
    const enum clv_manifest kind = ix->receipt.params.manifest;
    *b = (struct books){
        .ix = ix, .lock = lock, .kind = kind, .manifest = manifest_file_name(kind), .fd = -1};
}

void books_fini(struct books *b)
{
    if (b->fd >= 0)
        (void)close(b->fd);
    b->fd = -1;
}

static bool put_rows(struct books *b, struct rows *rows, struct text *out, int fd,
                     struct clv_error *err)
{
    int step;
    rows_head(rows, b->kind, out);
    while ((step = rows_next(rows, err)) == SQLITE_ROW) {
        rows_line(rows, b->kind, out);
        if (out->len + MANIFEST_ROW_MAX <= out->cap)
            continue;
        if (!io_write(fd, out->p, out->len, b->manifest, err))
            return false;
        b->size += out->len;
        out->len = 0;
    }
    b->size += out->len;
    return step == SQLITE_DONE && io_write(fd, out->p, out->len, b->manifest, err);
}

static bool make(struct books *b, struct clv_error *err)
{
    const char *tmp = getenv("TMPDIR");
    const char *const dir = tmp && *tmp ? tmp : "/var/tmp";
    struct rows *rows = mem_zalloc(1, sizeof *rows);
    struct text out = text_on(mem_alloc(CHUNK, 1), CHUNK);
    const int fd = io_open_nameless(dir);
    b->size = 0;
    bool ok = (rows && out.p) || clv_fail_nomem(err, b->manifest, CHUNK);
    if (ok && fd < 0)
        ok = clv_fail_errno(err, dir, "has no room for a file");
    ok = ok && rows_open(rows, b->ix->db, NULL, b->ix->path, err) &&
         put_rows(b, rows, &out, fd, err);
    if (rows)
        rows_close(rows);
    mem_free(rows);
    mem_free(out.p);
    if (ok)
        b->fd = fd;
    else if (fd >= 0)
        (void)close(fd);
    return ok;
}

bool books_manifest(struct books *b, uint64_t *size, struct clv_error *err)
{
    (void)pthread_mutex_lock(b->lock);
    const bool ok = b->fd >= 0 || make(b, err);
    *size = b->size;
    (void)pthread_mutex_unlock(b->lock);
    return ok;
}

bool books_get(const struct books *b, bool manifest, uint8_t *to, size_t len, uint64_t at,
               size_t *n, struct clv_error *err)
{
    const struct index *ix = b->ix;
    if (!manifest) {
        const size_t from = (size_t)min_u64(at, ix->receipt_len);
        *n = (size_t)min_u64(len, ix->receipt_len - from);
        memcpy(to, ix->receipt_text + from, *n);
        return true;
    }
    const ssize_t got = io_read_at(b->fd, to, len, at);
    *n = got < 0 ? 0 : (size_t)got;
    return got >= 0 || clv_fail_errno(err, b->manifest, "cannot be read");
}

#endif
