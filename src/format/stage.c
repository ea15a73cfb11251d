/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/stage.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/io.h"
#include "base/mem.h"
#include "format/pack.h"

bool stage_init(struct stage *s)
{
    *s = (struct stage){.p = mem_alloc_pages(STAGE_CHUNK), .place.fd = -1};
    return s->p != NULL;
}

void stage_fini(struct stage *s)
{
    pack_destroy(&s->packer);
    mem_free(s->p);
    s->p = NULL;
}

bool stage_pack(struct stage *s, enum clv_compress kind)
{
    static_assert((int)STAGE_CHUNK == (int)PACK_STRETCH, "a full chunk is a stretch");
    s->packer = pack_create(kind);
    return s->packer != NULL;
}

/* Writes the len bytes at p to the file from byte `at` on, which is byte `shown` of the output. */
static bool write_at(struct stage *s, int fd, const uint8_t *p, size_t len, uint64_t at,
                     uint64_t shown)
{
    if (s->take)
        return s->take(s->user, p, len, s->err);
    while (len) {
        const ssize_t n = pwrite(fd, p, len, (off_t)at);
        if (CLV_UNLIKELY(n <= 0)) {
            if (n < 0 && errno == EINTR)
                continue;
            if (n == 0)
                errno = EIO;
            (void)clv_fail_errno(s->err, s->name, "cannot be written at byte %llu",
                                 (unsigned long long)shown);
            return io_explain(fd, s->err);
        }
        s->writes++;
        p += n;
        len -= (size_t)n;
        at += (uint64_t)n;
        shown += (uint64_t)n;
    }
    return true;
}

/* Writes the len bytes at p, which are the output's from byte at on. */
static bool write_all(struct stage *s, const uint8_t *p, size_t len, uint64_t at)
{
    return s->place.fd < 0 || write_at(s, s->place.fd, p, len, s->place.base + at, at);
}

void stage_join(struct stage *s)
{
    s->joins = true;
    s->file = -1;
}

/* Takes what was put since the last time into the checksum. */
static void sum_up(struct stage *s)
{
    s->sum = crc_add(s->sum, s->p + s->sum_from, s->at - s->sum_from);
    s->sum_from = s->at;
}

bool stage_flush(struct stage *s, const char *name, struct clv_error *err)
{
    s->name = name;
    s->err = err;
    const int fd = s->file;
    s->file = -1;
    return fd < 0 || write_at(s, fd, s->p + s->from, s->at - s->from, s->file_at, s->file_at);
}

uint8_t *stage_waiting(struct stage *s, int file, uint64_t at, size_t len)
{
    if (s->file != file || file < 0 || at < s->file_at || at + len > s->file_at + s->at - s->from)
        return NULL;
    return s->p + s->from + (at - s->file_at);
}

/* Reads what waits: the chunk begins with it. */
static bool read_back(struct stage *s, uint32_t tail)
{
    s->place.size -= tail;
    for (s->at = 0; s->at < tail;) {
        const ssize_t n = pread(s->place.fd, s->p + s->at, tail - s->at,
                                (off_t)(s->place.base + s->place.size + s->at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return clv_fail_errno(s->err, s->name, "cannot be read back");
        if (n == 0)
            return clv_fail(s->err, CLV_ERR_IO, s->name, "was truncated while it was written");
        s->at += (size_t)n;
    }
    s->from = tail;
    return true;
}

bool stage_begin(struct stage *s, const struct stage_place *place, uint32_t tail, const char *name,
                 struct clv_error *err)
{
    s->place = *place;
    s->name = name;
    s->writes = 0;
    s->err = err;
    s->old_size = place->size;
    if (s->packer)
        return read_back(s, tail);
    if (s->joins && place->fd >= 0) {
        const uint64_t at = place->base + place->size;
        if (s->file != place->fd || s->file_at + (s->at - s->from) != at) {
            if (!stage_flush(s, name, err))
                return false;
            s->file = place->fd;
            s->file_at = at;
            s->from = s->at = at % STAGE_ALIGN;
        }
        s->sum_from = s->at;
        return true;
    }
    if (s->joins && !stage_flush(s, name, err))
        return false;
    s->from = s->at =
        place->fd < 0 ? (size_t)STAGE_CHUNK : (place->base + place->size) % STAGE_ALIGN;
    return true;
}

bool stage_pack_rest(struct stage *s)
{
    struct clv_span packed;
    if (s->at == 0)
        return true;
    if (!pack_stretch(s->packer, s->p, s->at, &packed, s->name, s->err) ||
        !write_all(s, packed.p, packed.len, s->place.size))
        return false;
    s->place.size += packed.len;
    s->from = s->at = 0;
    return true;
}

static bool write_out(struct stage *s)
{
    const size_t len = s->at - s->from;
    if (s->joins && s->place.fd >= 0) {
        sum_up(s);
        if (!write_at(s, s->file, s->p + s->from, len, s->file_at, s->file_at))
            return false;
        s->file_at += len;
        s->place.size = s->file_at - s->place.base;
        s->sum_from = 0;
        return true;
    }
    if (!write_all(s, s->p + s->from, len, s->place.size))
        return false;
    s->place.size += len;
    return true;
}

bool stage_put_long(struct stage *s, const uint8_t *p, size_t len)
{
    if (s->place.fd < 0 && !s->packer) {
        s->place.size += len;
        return true;
    }
    while (len >= STAGE_CHUNK - s->at) {
        const size_t part = STAGE_CHUNK - s->at;
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
    if (s->joins && s->place.fd >= 0) {
        sum_up(s);
        s->place.size = s->file_at + (s->at - s->from) - s->place.base;
        return true;
    }
    if (!s->packer)
        return write_out(s);
    const uint64_t packed = s->place.size, end = packed + s->at;
    s->place.size = end;
    s->tail = (uint32_t)s->at;
    if (!write_all(s, s->p + s->from, s->at - s->from, packed + s->from))
        return false;
    return end >= s->old_size || ftruncate(s->place.fd, (off_t)(s->place.base + end)) == 0 ||
           clv_fail_errno(s->err, s->name, "cannot be truncated at byte %llu",
                          (unsigned long long)end);
}
