/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/port.h"

enum {
    COPY_STEP = 256 * 1024,
    ALLOCATE_STEP = 8 << 20, /* bytes, for milliseconds in which nobody can write */
};

bool archive_init(struct archive *a, int fd, const char *path, const char *dir, unsigned mode,
                  struct clv_error *err)
{
    *a = (struct archive){.fd = fd, .path = path, .mode = mode, .list_fd = -1};
    if (!crc_supported()) {
        (void)clv_fail(err, CLV_ERR_OPTION, "archive", "this cleave was built without CRC-32");
        return clv_fail_hint(err, "it needs libdeflate or zlib");
    }
    a->list_fd = io_open_nameless(dir);
    return a->list_fd >= 0 || clv_fail_errno(err, dir, "has no room for a file") ||
           io_explain_at(dir, err);
}

void archive_fini(struct archive *a)
{
    if (a->path && a->list_fd >= 0)
        (void)close(a->list_fd);
    mem_free(a->places);
    *a = (struct archive){.path = NULL};
}

bool archive_is_ours(int dir, const char *name)
{
    enum {
        LAST = HEADERS_END_MAX + 46 + 12 + 11
    }; /* the end, and the entry of cleave.json before it */
    static const char mark[] = "cleave.json";
    uint8_t buf[LAST + 1];
    struct stat st;
    bool ours = false;
    const int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    errno = 0;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        const size_t want = (size_t)min_u64(LAST, (uint64_t)st.st_size);
        const ssize_t n = io_read_at(fd, buf, want, (uint64_t)st.st_size - want);
        for (ssize_t i = 0; i + (ssize_t)sizeof mark - 1 <= n && !ours; i++)
            ours = memcmp(buf + i, mark, sizeof mark - 1) == 0 && headers_ends(buf, (size_t)n);
    }
    const int why = errno;
    (void)close(fd);
    errno = why;
    return ours;
}

bool archive_reserve(struct archive *a, uint64_t n, uint64_t n_numbered)
{
    a->n_numbered = n_numbered;
    a->places = mem_zalloc(n + 1, sizeof *a->places);
    a->n_rows = n;
    return a->places != NULL;
}

uint32_t archive_plan(struct archive *a)
{
    const struct port_room room = port_room(a->fd);
    a->allocate_to = a->places ? a->at : a->expected;
    if (a->allocate_to <= a->allocated || !room.memory ||
        room.bytes < a->allocate_to - a->allocated)
        return 0;
    const uint64_t steps = (a->allocate_to - a->allocated + ALLOCATE_STEP - 1) / ALLOCATE_STEP;
    return (uint32_t)min_u64(steps, UINT32_MAX);
}

void archive_allocate(struct archive *a)
{
    const uint64_t len = min_u64(a->allocate_to - a->allocated, ALLOCATE_STEP);
    if (len && port_reserve(a->fd, a->allocated, len))
        a->allocated += len;
    else
        a->allocate_to = a->allocated;
}

bool archive_fits(struct archive *a, bool packed, struct clv_error *err)
{
    if (a->allocated > a->at) {
        if (ftruncate(a->fd, (off_t)a->at) != 0)
            return clv_fail_errno(err, a->path, "cannot be truncated");
        a->allocated = a->at;
    }
    /* The directory waits in a file of its own, from which it is copied. */
    const struct io_need need = {.bytes = a->at + (packed ? 1 : 2) * a->list_len,
                                 .there = a->allocated};
    return io_fits(a->fd, &need, a->path, err);
}

/* Bytes of the data of a member that takes so much room. */
static uint64_t size_in(uint64_t room, size_t name_len)
{
    const uint64_t size = room - headers_local_len(name_len, 0, false);
    return size < UINT32_MAX ? size : room - headers_local_len(name_len, UINT32_MAX, true);
}

void archive_lay_out(struct archive *a)
{
    struct archive_place at = {.member = 0};
    for (uint64_t row = 0; row < a->n_rows; row++) {
        const uint64_t room = a->places[row].member, name_len = a->places[row].entry;
        a->places[row] = at;
        at.entry += headers_central_len(name_len, size_in(room, name_len), at.member);
        at.member += room;
    }
    a->places[a->n_rows] = at;
    a->at = at.member;
    a->n_members = a->n_rows;
    a->list_len = at.entry;
}

/* The room that was found for members is not what they take. */
CLV_COLD static bool fail_changed(const char *name, struct clv_error *err)
{
    (void)clv_fail(err, CLV_ERR_IO, name,
                   "its length differs from that of the first reading of the input");
    return clv_fail_hint(err, "try again when no other program changes it");
}

/* Of a member whose header and data fill its room. */
static bool entry_of(const struct archive *a, uint64_t row, const char *name,
                     const struct archive_member *m, struct headers_entry *e, struct clv_error *err)
{
    const size_t len = strlen(name);
    *e = (struct headers_entry){.name = name};
    if (row >= a->n_rows ||
        a->places[row + 1].member - a->places[row].member < headers_local_len(len, 0, false))
        return fail_changed(name, err);
    *e = (struct headers_entry){
        .name = name,
        .name_len = len,
        .size = size_in(a->places[row + 1].member - a->places[row].member, len),
        .offset = a->places[row].member,
        .crc = m->crc,
        .mode = a->mode,
    };
    return true;
}

static bool flush_stage(const struct archive *a, struct archive_thread *by, struct clv_error *err)
{
    struct stage *s = &by->x->stage;
    s->writes = 0;
    const bool ok = stage_flush(s, a->path, err);
    by->sums.writes += s->writes;
    return ok;
}

/*
 * The member begins: its header, whose checksum follows when it is known. If all of the member fits
 * the chunk, the header waits there until then.
 */
static bool put_header(const struct archive_turn *t, const struct headers_entry *e,
                       struct clv_error *err)
{
    uint8_t head[HEADERS_LOCAL_MAX];
    const size_t len = headers_local(head, e, false);
    const struct stage_place place = {.fd = t->a->fd, .base = e->offset};
    struct stage *s = &t->by->x->stage;
    if (stage_wants_flush(s, e->offset, len + e->size) && !flush_stage(t->a, t->by, err))
        return false;
    if (!stage_begin(s, &place, 0, t->a->path, err) || !stage_put(s, head, len) || !stage_end(s))
        return false;
    t->by->sums.writes += s->writes;
    return true;
}

/* The member is whole: its header gets the checksum, where it waits or where it was written. */
static bool seal(const struct archive_turn *t, const struct headers_entry *e, struct clv_error *err)
{
    uint8_t crc[4];
    const uint64_t at = e->offset + HEADERS_CRC_AT;
    store_le32(crc, t->m->crc);
    uint8_t *waits = stage_waiting(&t->by->x->stage, t->a->fd, at, sizeof crc);
    if (waits) {
        memcpy(waits, crc, sizeof crc);
        return true;
    }
    /* Some of them may wait all the same, and would be written over this. */
    if (!stage_wrote(&t->by->x->stage, t->a->fd, at + sizeof crc) && !flush_stage(t->a, t->by, err))
        return false;
    return io_write_at(t->a->fd, crc, sizeof crc, at, t->a->path, err);
}

static bool flush_entries(struct archive *a, struct archive_entries *entries, struct clv_error *err)
{
    atomic_fetch_add_explicit(&a->n_listed, entries->n, memory_order_relaxed);
    const size_t len = entries->text.len;
    entries->text.len = entries->n = 0;
    return io_write_at(a->list_fd, entries->text.p, len, entries->at, a->path, err);
}

/* The member is complete: what the central directory says of it. */
static bool list(const struct archive_turn *t, struct headers_entry *e, struct clv_error *err)
{
    struct archive_entries *to = &t->by->entries;
    const uint64_t at = t->a->places[t->row].entry;
    if ((to->at + to->text.len != at || to->text.cap - to->text.len < HEADERS_CENTRAL_MAX) &&
        !flush_entries(t->a, to, err))
        return false;
    if (to->n++ == 0)
        to->at = at;
    e->crc = t->m->crc;
    to->text.len += headers_central((uint8_t *)to->text.p + to->text.len, e);
    return true;
}

/* The scratch serves the member. */
static bool begin(const struct archive_turn *t, const struct headers_entry *e,
                  struct clv_error *err)
{
    if (t->m->done == 0 && !put_header(t, e, err))
        return false;
    const struct stage_place place = {
        .fd = t->a->fd,
        .base = e->offset + headers_local_len(e->name_len, e->size, false),
        .size = t->m->done,
    };
    t->by->x->stage.sum = t->m->crc;
    return form_begin(t->form, t->by->x, &t->o, &place, t->a->path, err);
}

static bool end(const struct archive_turn *t, struct headers_entry *e, struct clv_error *err)
{
    struct archive_member *m = t->m;
    const struct stage *s = &t->by->x->stage;
    if (!form_end(t->by->x, &t->o))
        return false;
    const uint64_t more = s->place.size - m->done;
    t->by->sums.bytes += more;
    t->by->sums.writes += s->writes;
    m->done += more;
    m->crc = s->sum;
    if (m->done > e->size)
        return fail_changed(t->name, err);
    return more == 0 || m->done < e->size || (seal(t, e, err) && list(t, e, err));
}

bool archive_append(const struct archive_turn *t, const struct form_round *round,
                    const struct form_ref *refs, uint32_t n, struct clv_error *err)
{
    struct headers_entry e;
    t->by->sums.records += n;
    return entry_of(t->a, t->row, t->name, t->m, &e, err) && begin(t, &e, err) &&
           form_put(t->form, t->by->x, &t->o, round, refs, n) && end(t, &e, err);
}

static bool finish(const struct archive_turn *t, const struct form_round *round, bool rest,
                   struct clv_error *err)
{
    struct headers_entry e;
    return entry_of(t->a, t->row, t->name, t->m, &e, err) && begin(t, &e, err) &&
           form_finish(t->form, t->by->x, &t->o, round, rest) && end(t, &e, err);
}

bool archive_finish(const struct archive_turn *t, const struct form_round *round,
                    struct clv_error *err)
{
    return !form_unfinished(t->form, &t->o, round) || finish(t, round, false, err);
}

bool archive_rest(const struct archive_turn *t, const struct form_round *round,
                  struct clv_error *err)
{
    bool any;
    if (!form_rest(t->form, &t->o, round, &any))
        return clv_fail_nomem(err, t->name, sizeof any);
    return !any || finish(t, round, true, err);
}

bool archive_flush(struct archive *a, struct archive_thread *by, struct clv_error *err)
{
    return flush_stage(a, by, err) && flush_entries(a, &by->entries, err);
}

bool archive_complete(const struct archive *a, uint64_t row, const char *name,
                      const struct archive_member *m, struct clv_error *err)
{
    struct headers_entry e;
    return entry_of(a, row, name, m, &e, err) && (m->done == e.size || fail_changed(name, err));
}

bool archive_open(struct archive *a, const char *name, struct clv_error *err)
{
    (void)snprintf(a->name, sizeof a->name, "%s", name);
    const size_t head = headers_local_len(strlen(a->name), 0, true);
    a->begin = a->at;
    a->size = 0;
    a->crc = 0;
    return lseek(a->fd, (off_t)(a->begin + head), SEEK_SET) >= 0 ||
           clv_fail_errno(err, a->path, "cannot be written");
}

bool archive_add(struct archive *a, const void *p, size_t len, struct clv_error *err)
{
    a->crc = crc_add(a->crc, p, len);
    a->size += len;
    return io_write(a->fd, p, len, a->path, err);
}

bool archive_close(struct archive *a, struct clv_error *err)
{
    uint8_t head[HEADERS_LOCAL_MAX], entry[HEADERS_CENTRAL_MAX];
    const struct headers_entry e = {
        .name = a->name,
        .name_len = strlen(a->name),
        .size = a->size,
        .offset = a->begin,
        .crc = a->crc,
        .mode = a->mode,
    };
    const size_t head_len = headers_local(head, &e, true);
    const size_t entry_len = headers_central(entry, &e);
    const uint64_t entry_at = a->list_len;
    a->at = a->begin + head_len + a->size;
    a->list_len += entry_len;
    a->n_members++;
    return io_write_at(a->fd, head, head_len, a->begin, a->path, err) &&
           io_write_at(a->list_fd, entry, entry_len, entry_at, a->path, err);
}

bool archive_end(struct archive *a, struct clv_error *err)
{
    uint8_t *buf = mem_alloc(COPY_STEP, 1), last[HEADERS_END_MAX];
    const uint64_t at = a->at;
    bool ok = buf || clv_fail_nomem(err, a->path, COPY_STEP);
    ok = ok && (lseek(a->fd, (off_t)at, SEEK_SET) >= 0 ||
                clv_fail_errno(err, a->path, "cannot be written"));
    for (uint64_t done = 0; ok && done < a->list_len;) {
        const size_t want = (size_t)min_u64(COPY_STEP, a->list_len - done);
        errno = EIO;
        ok = io_read_at(a->list_fd, buf, want, done) == (ssize_t)want
                 ? io_write(a->fd, buf, want, a->path, err)
                 : clv_fail_errno(err, a->path, "has lost its directory");
        done += want;
    }
    mem_free(buf);
    return ok &&
           io_write(a->fd, last, headers_end(last, a->n_members, at, a->list_len), a->path, err);
}
