/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "output/name.h"

void writer_init(struct writer *w, struct flow_table *flows, int dir_fd, const uint8_t *header,
                 size_t header_len, uint32_t max_open)
{
    *w = (struct writer){
        .flows = flows,
        .dir_fd = dir_fd,
        .header = header,
        .header_len = header_len,
        .newest = FLOW_NONE,
        .oldest = FLOW_NONE,
        .max_open = max_open,
    };
}

static void lru_remove(struct writer *w, struct flow *f)
{
    if (f->newer != FLOW_NONE)
        flow_table_at(w->flows, f->newer)->older = f->older;
    else
        w->newest = f->older;
    if (f->older != FLOW_NONE)
        flow_table_at(w->flows, f->older)->newer = f->newer;
    else
        w->oldest = f->newer;
    f->newer = f->older = FLOW_NONE;
    w->n_open--;
}

static void lru_put_newest(struct writer *w, uint32_t flow)
{
    struct flow *f = flow_table_at(w->flows, flow);
    f->older = w->newest;
    f->newer = FLOW_NONE;
    if (w->newest != FLOW_NONE)
        flow_table_at(w->flows, w->newest)->newer = flow;
    else
        w->oldest = flow;
    w->newest = flow;
    w->n_open++;
}

/* f is in no list. */
static bool close_output(struct flow *f, struct clv_error *err)
{
    const int fd = f->fd;
    f->fd = -1;
    return io_close(fd, "an output", err);
}

static bool evict_oldest(struct writer *w, struct clv_error *err)
{
    struct flow *f = flow_table_at(w->flows, w->oldest);
    lru_remove(w, f);
    return close_output(f, err);
}

bool writer_close_all(struct writer *w, struct clv_error *err)
{
    bool ok = true;
    while (w->oldest != FLOW_NONE)
        if (!evict_oldest(w, ok ? err : NULL))
            ok = false;
    return ok;
}

void writer_fini(struct writer *w)
{
    if (w->flows && !writer_close_all(w, NULL))
        w->n_open = 0; /* nobody wants to know: the outputs are thrown away */
}

/* Directories in names appear when the first output in them does. */
static bool make_parents(int dir_fd, const char *name)
{
    char path[NAME_MAX_LEN + 1];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        const size_t len = (size_t)(slash - name);
        memcpy(path, name, len);
        path[len] = '\0';
        if (mkdirat(dir_fd, path, 0777) != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

/*
 * A new output must not be there yet, one that was closed must: ours are never truncated, and
 * nothing else is ever written to.
 */
static bool open_output(struct writer *w, struct flow *f, const char *name, struct clv_error *err)
{
    const int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | (f->size ? 0 : O_CREAT | O_EXCL);
    bool parents_made = false;
    while (w->n_open >= w->max_open && w->oldest != FLOW_NONE)
        if (!evict_oldest(w, err))
            return false;
    for (;;) {
        f->fd = openat(w->dir_fd, name, flags, 0640);
        if (CLV_LIKELY(f->fd >= 0))
            break;
        if (errno == ENOENT && !f->size && !parents_made && make_parents(w->dir_fd, name)) {
            parents_made = true;
            continue;
        }
        if (errno == EINTR)
            continue;
        if ((errno == EMFILE || errno == ENFILE) && w->oldest != FLOW_NONE) {
            if (!evict_oldest(w, err))
                return false;
            continue;
        }
        const bool few = errno == EMFILE || errno == ENFILE;
        (void)clv_fail_errno(err, name, f->size ? "cannot be opened again" : "cannot be created");
        return few ? clv_fail_hint(err, "a smaller --max-open leaves descriptors to others")
                   : false;
    }
    w->opens++;
    w->reopens += f->size != 0;
    return true;
}

static bool write_at(struct writer *w, int fd, const uint8_t *p, size_t len, uint64_t offset,
                     const char *name, struct clv_error *err)
{
    while (len) {
        const ssize_t n = pwrite(fd, p, len, (off_t)offset);
        if (CLV_UNLIKELY(n <= 0)) {
            if (n < 0 && errno == EINTR)
                continue;
            if (n == 0)
                errno = EIO;
            return clv_fail_errno(err, name, "cannot be written at byte %llu",
                                  (unsigned long long)offset);
        }
        w->writes++;
        p += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

/*
 * The stage stands for the file from the 4 KiB boundary below its end on, so that byte k of the
 * stage and the file byte that it becomes are aligned alike. [used_from, at) holds what is not
 * written yet; a full stage is written and begins anew at its start.
 */
static bool gather(struct writer *w, struct writer_stage *stage, struct flow *f, const char *name,
                   const uint8_t *base, const struct writer_ref *refs, uint32_t n,
                   struct clv_error *err)
{
    enum { AHEAD = 6 };
    uint8_t *const buf = stage->p;
    size_t used_from = f->size % WRITER_ALIGN;
    size_t at = used_from;
    if (f->size == 0) {
        memcpy(buf, w->header, w->header_len);
        at = w->header_len;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            const uint8_t *next = base + refs[i + AHEAD].offset;
            __builtin_prefetch(next);
            __builtin_prefetch(next + 64);
        }
        const uint8_t *src = base + refs[i].offset;
        size_t len = refs[i].len;
        while (CLV_UNLIKELY(len >= WRITER_CHUNK - at)) {
            const size_t part = WRITER_CHUNK - at;
            memcpy(buf + at, src, part);
            if (!write_at(w, f->fd, buf + used_from, WRITER_CHUNK - used_from, f->size, name, err))
                return false;
            f->size += WRITER_CHUNK - used_from;
            used_from = at = 0;
            src += part;
            len -= part;
        }
        memcpy(buf + at, src, len);
        at += len;
    }
    if (at > used_from && !write_at(w, f->fd, buf + used_from, at - used_from, f->size, name, err))
        return false;
    f->size += at - used_from;
    return true;
}

bool writer_append(struct writer *w, struct writer_stage *stage, uint32_t flow, const char *name,
                   const uint8_t *base, const struct writer_ref *refs, uint32_t n, bool last,
                   struct clv_error *err)
{
    struct flow *f = flow_table_at(w->flows, flow);
    const uint64_t before = f->size;
    if (f->fd >= 0)
        lru_remove(w, f);
    else if (!open_output(w, f, name, err))
        return false;
    const bool ok = gather(w, stage, f, name, base, refs, n, err);
    w->bytes += f->size - before;
    if (!ok || last) {
        if (!close_output(f, ok ? err : NULL))
            return false;
        w->records += ok ? n : 0;
        return ok;
    }
    w->records += n;
    lru_put_newest(w, flow);
    return true;
}
