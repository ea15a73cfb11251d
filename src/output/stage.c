/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/stage.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "output/dump.h"

bool stage_init(struct stage *s)
{
    *s = (struct stage){.p = mem_alloc_pages(WRITER_CHUNK), .fd = -1};
    return s->p != NULL;
}

void stage_fini(struct stage *s)
{
    dump_close(&s->dump);
    mem_free(s->p);
    s->p = NULL;
}

static bool write_out(struct stage *s)
{
    while (s->from < s->at) {
        const ssize_t n = pwrite(s->fd, s->p + s->from, s->at - s->from, (off_t)s->size);
        if (CLV_UNLIKELY(n <= 0)) {
            if (n < 0 && errno == EINTR)
                continue;
            if (n == 0)
                errno = EIO;
            return clv_fail_errno(s->err, s->name, "cannot be written at byte %llu",
                                  (unsigned long long)s->size);
        }
        s->writes++;
        s->from += (size_t)n;
        s->size += (uint64_t)n;
    }
    return true;
}

bool stage_put_long(struct stage *s, const uint8_t *p, size_t len)
{
    while (len >= WRITER_CHUNK - s->at) {
        const size_t part = WRITER_CHUNK - s->at;
        memcpy(s->p + s->at, p, part);
        s->at += part;
        if (!write_out(s))
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
    return write_out(s);
}
