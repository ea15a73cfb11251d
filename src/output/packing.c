/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/packing.h"

#include <errno.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc.h"
#include "base/io.h"
#include "base/mem.h"

enum {
    ENTRIES = 64 << 10, /* bytes of the central directory that wait */
    FRAME = 128,        /* that a frame may take beside a 256th more than what it is made of */
    NAME_LEN_AT = 26,   /* in a local header; see output/headers.c */
    SIZE_AT = 22,
    EXTRA_LEN_AT = 28,
    NAME_AT = 30,
    EXTRA_HEAD = 4, /* before the sizes of 64 bits */
};

bool packing_begin(struct packing *p, struct archive *a, enum clv_compress kind, const char *dir,
                   struct clv_error *err)
{
    *p = (struct packing){.fd = -1};
    if (kind == CLV_COMPRESS_NONE)
        return true;
    const int plain = io_open_nameless(dir);
    if (plain < 0)
        return clv_fail_errno(err, dir, "has no room for a file") || io_explain_at(dir, err);
    *p = (struct packing){.a = a, .kind = kind, .fd = a->fd};
    a->fd = plain;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->turn_passed, NULL);
    p->entries = text_on(mem_alloc(ENTRIES, 1), ENTRIES);
    return p->entries.p || clv_fail_nomem(err, a->path, ENTRIES);
}

void packing_fini(struct packing *p)
{
    if (!p->a)
        return;
    if (p->fd >= 0)
        (void)close(p->fd);
    mem_free(p->chunks);
    mem_free(p->entries.p);
    (void)pthread_cond_destroy(&p->turn_passed);
    (void)pthread_mutex_destroy(&p->lock);
    *p = (struct packing){.fd = -1};
}

static bool add_chunk(struct packing *p, uint64_t row, uint64_t stretch, struct clv_error *err)
{
    struct packing_chunk *chunks = mem_reserve(p->chunks, &p->cap, p->n + 1, sizeof *chunks);
    if (!chunks)
        return clv_fail_nomem(err, p->a->path, (p->n + 1) * sizeof *chunks);
    p->chunks = chunks;
    chunks[p->n++] = (struct packing_chunk){row, stretch};
    return true;
}

/*
 * How long names are is not looked up, and so not quite how many stretches a member has: the last
 * one may be none.
 */
bool packing_cut(struct packing *p, size_t room, uint32_t *n, struct clv_error *err)
{
    const struct archive_place *const places = p->a->places;
    size_t used = room;
    p->plain = places[p->a->n_rows].member;
    for (uint64_t row = 0; row < p->a->n_rows; row++) {
        const uint64_t len = places[row + 1].member - places[row].member;
        size_t head = HEADERS_LOCAL_MAX;
        for (uint64_t k = 0; k * PACK_STRETCH < len; k++, head = 0) {
            const size_t part = (size_t)min_u64(len - k * PACK_STRETCH, PACK_STRETCH);
            const size_t most = min_u64(head, part + EXTRA_HEAD + 16) + part + part / 256 + FRAME;
            if (used + most > room) {
                if (!add_chunk(p, row, k, err))
                    return false;
                used = 0;
            }
            used += most;
        }
    }
    const size_t chunks = p->n;
    if (chunks >= UINT32_MAX)
        return clv_fail(err, CLV_ERR_INTERNAL, p->a->path, "has too many chunks");
    if (!add_chunk(p, p->a->n_rows, 0, err))
        return false;
    *n = (uint32_t)(p->n = chunks);
    return true;
}

/* The file's len bytes from `at` on; NULL: *err says why. Valid until the next call. */
static const uint8_t *plain_bytes(const struct packing *p, struct packing_thread *by, uint64_t at,
                                  size_t len, struct clv_error *err)
{
    if (at < by->in_at || at + len > by->in_at + by->in_len) {
        const size_t want = (size_t)min_u64(STAGE_CHUNK, p->plain - at);
        errno = EIO;
        const ssize_t got = io_read_at(p->a->fd, by->in, want, at);
        by->in_at = at;
        by->in_len = got < 0 ? 0 : (size_t)got;
        if (by->in_len < len) {
            (void)clv_fail_errno(err, p->a->path, "cannot be read again");
            return NULL;
        }
    }
    return by->in + (at - by->in_at);
}

/* A member as it is: where its data is, and how long; its name is the thread's. */
struct plain {
    uint64_t at, size;
    size_t name_len;
};

static bool find_plain(const struct packing *p, struct packing_thread *by, uint64_t row,
                       struct plain *m, struct clv_error *err)
{
    const uint64_t at = p->a->places[row].member;
    const size_t len = (size_t)min_u64(HEADERS_LOCAL_MAX, p->plain - at);
    const uint8_t *const head = plain_bytes(p, by, at, len, err);
    if (!head)
        return false;
    m->name_len = load_le16(head + NAME_LEN_AT);
    const size_t extra = load_le16(head + EXTRA_LEN_AT);
    m->at = at + NAME_AT + m->name_len + extra;
    m->size =
        extra ? load_le64(head + NAME_AT + m->name_len + EXTRA_HEAD) : load_le32(head + SIZE_AT);
    memcpy(by->name, head + NAME_AT, m->name_len);
    return true;
}

static bool put_stretch(const struct packing *p, struct packing_thread *by, const struct plain *m,
                        uint64_t k, struct clv_error *err)
{
    const uint64_t from = k * PACK_STRETCH;
    const size_t len = (size_t)min_u64(PACK_STRETCH, m->size - from);
    const uint8_t *const data = plain_bytes(p, by, m->at + from, len, err);
    struct clv_span packed;
    if (!data || !pack_stretch(by->packer, data, len, &packed, p->a->path, err))
        return false;
    text_put(&by->out, (const char *)packed.p, packed.len);
    return !by->out.full || clv_fail(err, CLV_ERR_INTERNAL, p->a->path, "a chunk is full");
}

/* The stretches [from, to) of a row's member, as far as it has them. */
static bool put_piece(const struct packing *p, struct packing_thread *by, uint64_t row,
                      uint64_t from, uint64_t to, struct clv_error *err)
{
    struct plain m;
    struct text *const out = &by->out;
    uint8_t *const head = (uint8_t *)out->p + out->len;
    if (!find_plain(p, by, row, &m, err))
        return false;
    struct headers_entry e = {.name = by->name, .name_len = m.name_len, .mode = p->a->mode};
    if (from == 0)
        out->len += headers_local(head, &e, true);
    const size_t begin = out->len;
    for (uint64_t k = from; k < to && k * PACK_STRETCH < m.size; k++)
        if (!put_stretch(p, by, &m, k, err))
            return false;
    const bool ends = to >= (m.size + PACK_STRETCH - 1) / PACK_STRETCH;
    if (from) {
        by->lead = out->len;
        by->lead_ends = ends;
    } else if (ends) {
        e.size = out->len - begin;
        e.crc = crc_add(0, out->p + begin, (size_t)e.size);
        (void)headers_local(head, &e, true);
    } else {
        by->unfinished = (size_t)(head - (uint8_t *)out->p);
    }
    return true;
}

static bool fill(const struct packing *p, uint32_t chunk, struct packing_thread *by,
                 struct clv_error *err)
{
    const struct packing_chunk *const from = &p->chunks[chunk], *const to = from + 1;
    by->out = text_on(by->out.p, by->out.cap);
    by->lead = by->in_len = 0;
    by->unfinished = SIZE_MAX;
    if (!by->packer && !(by->packer = pack_create(p->kind)))
        return clv_fail_nomem(err, p->a->path, PACK_STRETCH);
    for (uint64_t row = from->row; row < to->row || (row == to->row && to->stretch); row++)
        if (!put_piece(p, by, row, row == from->row ? from->stretch : 0,
                       row == to->row ? to->stretch : UINT64_MAX, err))
            return false;
    return true;
}

static bool flush_entries(struct packing *p, struct clv_error *err)
{
    const size_t len = p->entries.len;
    const uint64_t at = p->list_at;
    p->entries.len = 0;
    p->list_at += len;
    return io_write_at(p->a->list_fd, p->entries.p, len, at, p->a->path, err);
}

static bool list(struct packing *p, const struct headers_entry *e, struct clv_error *err)
{
    if (p->entries.cap - p->entries.len < HEADERS_CENTRAL_MAX && !flush_entries(p, err))
        return false;
    p->entries.len += headers_central((uint8_t *)p->entries.p + p->entries.len, e);
    p->bytes += e->size;
    return true;
}

/* The member that an earlier chunk left gets these bytes. */
static bool go_on(struct packing *p, const struct packing_thread *by, struct clv_error *err)
{
    uint8_t head[HEADERS_LOCAL_MAX];
    struct headers_entry *const e = &p->open;
    if (by->lead == 0)
        return true;
    e->size += by->lead;
    e->crc = crc_add(e->crc, by->out.p, by->lead);
    if (!by->lead_ends)
        return true;
    const size_t len = headers_local(head, e, true);
    p->writes++;
    return io_write_at(p->fd, head, len, e->offset, p->a->path, err) && list(p, e, err);
}

/* The member at byte `at` of the chunk, whose local header is there; returns the header's length.
 */
static size_t entry_at(const struct packing *p, const struct packing_thread *by, size_t at,
                       struct headers_entry *e)
{
    const uint8_t *const head = (const uint8_t *)by->out.p + at;
    const size_t name_len = load_le16(head + NAME_LEN_AT);
    *e = (struct headers_entry){
        .name = (const char *)head + NAME_AT,
        .name_len = name_len,
        .size = load_le64(head + NAME_AT + name_len + EXTRA_HEAD),
        .offset = p->at + at,
        .crc = load_le32(head + HEADERS_CRC_AT),
        .mode = p->a->mode,
    };
    return headers_local_len(name_len, 0, true);
}

/* It is the chunk's turn. */
static bool write_chunk(struct packing *p, const struct packing_thread *by, struct clv_error *err)
{
    const size_t end = by->out.len < by->unfinished ? by->out.len : by->unfinished;
    struct headers_entry e;
    if (!go_on(p, by, err))
        return false;
    for (size_t at = by->lead; at < end; at += (size_t)e.size) {
        at += entry_at(p, by, at, &e);
        if (!list(p, &e, err))
            return false;
    }
    if (end < by->out.len) {
        const size_t data = end + entry_at(p, by, end, &p->open);
        memcpy(p->name, p->open.name, p->open.name_len);
        p->open.name = p->name;
        p->open.size = by->out.len - data;
        p->open.crc = crc_add(0, by->out.p + data, (size_t)p->open.size);
    }
    const uint64_t at = p->at;
    p->at += by->out.len;
    p->writes++;
    return io_write_at(p->fd, by->out.p, by->out.len, at, p->a->path, err);
}

/* false: chunks before it failed. */
static bool take_turn(struct packing *p, uint32_t chunk)
{
    (void)pthread_mutex_lock(&p->lock);
    while (p->turn != chunk && !p->broken)
        (void)pthread_cond_wait(&p->turn_passed, &p->lock);
    const bool mine = !p->broken;
    (void)pthread_mutex_unlock(&p->lock);
    return mine;
}

static void pass_turn(struct packing *p, bool ok)
{
    (void)pthread_mutex_lock(&p->lock);
    p->turn++;
    p->broken |= !ok;
    (void)pthread_cond_broadcast(&p->turn_passed);
    (void)pthread_mutex_unlock(&p->lock);
}

bool packing_run(struct packing *p, uint32_t chunk, struct packing_thread *by,
                 struct clv_error *err)
{
    const bool filled = fill(p, chunk, by, err);
    if (!take_turn(p, chunk))
        return filled; /* who failed has said why */
    const bool ok = filled && write_chunk(p, by, err);
    pass_turn(p, ok);
    return ok;
}

bool packing_end(struct packing *p, struct clv_error *err)
{
    struct archive *const a = p->a;
    if (!flush_entries(p, err))
        return false;
    (void)close(a->fd);
    a->fd = p->fd;
    p->fd = -1;
    a->at = p->at;
    a->list_len = p->list_at;
    return true;
}
