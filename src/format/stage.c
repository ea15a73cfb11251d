/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/stage.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/dump.h"
#include "format/pack.h"

bool stage_init(struct stage *s)
{
    *s = (struct stage){.p = mem_alloc_pages(WRITER_CHUNK), .fd = -1};
    return s->p != NULL;
}

void stage_fini(struct stage *s)
{
    dump_close(&s->dump);
    pack_destroy(&s->packer);
    mem_free(s->p);
    s->p = NULL;
}

bool stage_pack(struct stage *s, enum clv_compress kind)
{
    static_assert((int)WRITER_CHUNK == (int)PACK_STRETCH, "a full chunk is a stretch");
    s->packer = pack_create(kind);
    return s->packer != NULL;
}

/* Writes the n bytes at p to the end of what is written. */
static bool write_all(struct stage *s, const uint8_t *p, size_t len, uint64_t at)
{
    while (len) {
        const ssize_t n = pwrite(s->fd, p, len, (off_t)at);
        if (CLV_UNLIKELY(n <= 0)) {
            if (n < 0 && errno == EINTR)
                continue;
            if (n == 0)
                errno = EIO;
            return clv_fail_errno(s->err, s->name, "cannot be written at byte %llu",
                                  (unsigned long long)at);
        }
        s->writes++;
        p += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return true;
}

bool stage_begin_packed(struct stage *s, int fd, uint64_t size, uint32_t tail, const char *name,
                        struct clv_error *err)
{
    stage_begin(s, fd, size, name, err);
    s->file_size = size;
    s->size = size - tail;
    for (s->at = 0; s->at < tail;) {
        const ssize_t n = pread(fd, s->p + s->at, tail - s->at, (off_t)(s->size + s->at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return clv_fail_errno(err, name, "cannot be read back");
        if (n == 0)
            return clv_fail(err, CLV_ERR_IO, name, "was truncated while it was written");
        s->at += (size_t)n;
    }
    s->from = tail;
    return true;
}

bool stage_pack_rest(struct stage *s)
{
    struct clv_span packed;
    if (s->at == 0)
        return true;
    if (!pack_stretch(s->packer, s->p, s->at, &packed, s->name, s->err) ||
        !write_all(s, packed.p, packed.len, s->size))
        return false;
    s->size += packed.len;
    s->from = s->at = 0;
    return true;
}

static bool write_out(struct stage *s)
{
    const size_t len = s->at - s->from;
    if (!write_all(s, s->p + s->from, len, s->size))
        return false;
    s->size += len;
    return true;
}

bool stage_put_long(struct stage *s, const uint8_t *p, size_t len)
{
    while (len >= WRITER_CHUNK - s->at) {
        const size_t part = WRITER_CHUNK - s->at;
        memcpy(s->p + s->at, p, part);
        s->at += part;
        if (!(s->packer ? stage_pack_rest(s) : write_out(s)))
            return false;
        s->from = s->at = 0;
        p += part;
        len -= part;
    }
    memcpy(s->p + s->at, p, len);
    s->at += len;
    return true;
}

bool stage_end(struct stage *s)
{
    if (!s->packer)
        return write_out(s);
    const uint64_t end = s->size + s->at;
    if (!write_all(s, s->p + s->from, s->at - s->from, s->size + s->from))
        return false;
    return end >= s->file_size || ftruncate(s->fd, (off_t)end) == 0 ||
           clv_fail_errno(s->err, s->name, "cannot be cut off at byte %llu",
                          (unsigned long long)end);
}
