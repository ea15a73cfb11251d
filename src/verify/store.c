/* SPDX-License-Identifier: BSD-2-Clause */
#include "verify/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/io.h"
#include "base/mem.h"
#include "cleave/capture.h"
#include "output/publish.h"
#include "table/db.h"

bool store_begin(struct store *s, const char *path, bool archived, struct clv_error *err)
{
    *s = (struct store){.path = path, .archived = archived, .fd = -1};
    return keyed_draw(&s->key, err);
}

bool store_open(struct store *s, const char *path, struct clv_error *err)
{
    struct stat st;
    const bool archived = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    return store_begin(s, path, archived, err) && store_index(s, err);
}

void store_close(struct store *s)
{
    if (!s->path)
        return;
    unzip_close(&s->zip);
    if (s->fd >= 0)
        (void)close(s->fd);
    names_fini(&s->names);
    mem_free(s->members);
    for (size_t i = 0; i < s->n_parts; i++)
        store_close(&s->parts[i]);
    mem_free(s->parts);
    names_fini(&s->part_names);
    *s = (struct store){.path = NULL};
}

const struct store *store_of_const(const struct store *s, const char **name)
{
    const char *const colon = s->n_parts ? strchr(*name, ':') : NULL;
    const struct names_entry *const e =
        colon ? names_find(&s->part_names, keyed_bytes(&s->key, *name, (size_t)(colon - *name)))
              : NULL;
    if (!e)
        return s;
    *name = colon + 1;
    return &s->parts[e->number];
}

struct store *store_of(struct store *s, const char **name)
{
    const struct store *const of = store_of_const(s, name);
    return of == s ? s : &s->parts[of - s->parts];
}

static struct keyed_hash hash_of(const struct store *s, struct clv_span name)
{
    return keyed_bytes(&s->key, name.p, name.len);
}

static bool add_member(struct store *s, const struct unzip_member *m, struct clv_error *err)
{
    bool is_new;
    struct store_member *members = mem_reserve(s->members, &s->cap, s->n + 1, sizeof *members);
    if (members)
        s->members = members;
    struct names_entry *e =
        members ? names_add(&s->names, hash_of(s, m->central.name), &is_new) : NULL;
    if (!e || s->n >= UINT32_MAX)
        return clv_fail_nomem(err, s->path, 2 * s->n * sizeof *members);
    if (is_new)
        e->number = (uint32_t)s->n;
    if (s->n == s->n_known)
        members[s->n_known++] = (struct store_member){.rank = STORE_STRAY};
    members[s->n++].entry = m->entry;
    return true;
}

static bool index_members(struct store *s, struct clv_error *err)
{
    struct unzip_cursor cursor = {.at = 0};
    struct unzip_member m;
    enum unzip_step step;
    names_fini(&s->names);
    s->n = 0;
    while ((step = unzip_next(&s->zip, &cursor, &m, err)) == UNZIP_MEMBER)
        if (!add_member(s, &m, err))
            return false;
    return store_check(s, err) && step == UNZIP_END;
}

/* true: an archive, and no link to one. */
static bool is_archive(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool open_part(struct store *s, const char *name, struct clv_error *err)
{
    struct store *const part = &s->parts[s->n_parts];
    bool is_new;
    const int n = snprintf(part->own_path, sizeof part->own_path, "%s/%s", s->path, name);
    if (n < 0 || (size_t)n >= sizeof part->own_path)
        return clv_fail(err, CLV_ERR_ARG, name, "its path is too long");
    if (!is_archive(part->own_path))
        return true; /* a directory, or what is missed by who looks for its files */
    char path[PATH_MAX];
    memcpy(path, part->own_path, (size_t)n + 1);
    struct names_entry *const e =
        names_add(&s->part_names, keyed_bytes(&s->key, name, strlen(name)), &is_new);
    if (!e)
        return clv_fail_nomem(err, name, 2 * s->part_names.cap * sizeof *s->part_names.slots);
    e->number = (uint32_t)s->n_parts;
    const bool begun = store_begin(part, part->own_path, true, err);
    memcpy(part->own_path, path, (size_t)n + 1);
    part->path = part->own_path;
    s->n_parts++;
    return begun && store_index(part, err);
}

bool store_parts(struct store *s, const struct clv_receipt *receipt, struct clv_error *err)
{
    if (s->archived || !receipt->n_parts)
        return true;
    s->parts = mem_zalloc(receipt->n_parts, sizeof *s->parts);
    if (!s->parts)
        return clv_fail_nomem(err, s->path, receipt->n_parts * sizeof *s->parts);
    for (size_t i = 0; i < receipt->n_parts; i++)
        if (!open_part(s, receipt->parts[i].name, err))
            return false;
    return true;
}

/* What is no archive at all is most likely another file than was meant. */
static bool looks_like_archive(int fd)
{
    char magic[2];
    return io_read_at(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic &&
           memcmp(magic, "PK", sizeof magic) == 0;
}

bool store_index(struct store *s, struct clv_error *err)
{
    struct stat st;
    if (!s->archived)
        return true;
    if (!crc_supported()) {
        (void)clv_fail(err, CLV_ERR_ARG, s->path, "cannot be verified: built without CRC-32");
        return clv_fail_hint(err, "it needs libdeflate or zlib");
    }
    unzip_close(&s->zip);
    if (s->fd < 0)
        s->fd = open(s->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st) != 0)
        return clv_fail_errno(err, s->path, "cannot be read");
    if (unzip_open(&s->zip, s->path, s->fd, (uint64_t)st.st_size, err))
        return index_members(s, err);
    if (db_is_ours(AT_FDCWD, s->path)) {
        (void)clv_fail(err, CLV_ERR_ARG, s->path, "is an index");
        (void)clv_fail_hint(err, "mount it on a directory with cleave mount, and verify that");
    } else if (!looks_like_archive(s->fd)) {
        (void)clv_fail(err, CLV_ERR_ARG, s->path, "is neither a directory nor a zip archive");
        (void)clv_fail_hint(err, "only an output of cleave split can be verified");
    }
    return false;
}

bool store_path(const struct store *s, const char *name, char path[PATH_MAX], struct clv_error *err)
{
    const int n = snprintf(path, PATH_MAX, "%s%c%s", s->path, s->archived ? ':' : '/', name);
    return (n > 0 && n < PATH_MAX) || clv_fail(err, CLV_ERR_ARG, name, "its path is too long");
}

struct store_member *store_find(const struct store *s, const char *name)
{
    s = store_of_const(s, &name);
    const struct clv_span span = {(const uint8_t *)name, strlen(name)};
    const struct names_entry *e = names_find(&s->names, hash_of(s, span));
    return e ? &s->members[e->number] : NULL;
}

const char *store_oddity(const struct unzip_member *m)
{
    const unsigned flags = m->central.flags | m->local.flags;
    if (flags & (UNZIP_ENCRYPTED | UNZIP_MASKED))
        return "is encrypted";
    if (m->central.method != UNZIP_STORED)
        return "is compressed";
    if (m->central.packed != m->central.size)
        return "has two sizes";
    return flags & UNZIP_DESCRIPTOR ? "has its sizes after its data, in a data descriptor" : NULL;
}

/* STORE_OTHER: *err, which may be NULL, says why. */
static enum store_look look_at_member(const struct store *s, const char *name, const char *path,
                                      struct store_file *f, struct clv_error *err)
{
    *f = (struct store_file){.fd = -1};
    const struct store_member *const known = store_find(s, name);
    struct unzip_member *const m = &f->member;
    if (!known)
        return STORE_LACKS;
    if (!unzip_entry(&s->zip, known->entry, m, err) || !unzip_locate(&s->zip, m, err))
        return STORE_OTHER;
    const char *const odd = store_oddity(m);
    if (odd) {
        (void)clv_fail(err, CLV_ERR_ARG, path, "%s", odd);
        (void)clv_fail_at(err, m->header, 0);
        return STORE_OTHER;
    }
    f->fd = s->fd;
    f->p = s->zip.map.p + m->data;
    f->from = m->data;
    f->size = m->central.size;
    return STORE_HAS;
}

enum store_look store_look(const struct store *s, const char *name, const char *path,
                           struct store_file *f, struct clv_error *err)
{
    struct stat st;
    s = store_of_const(s, &name);
    if (s->archived)
        return look_at_member(s, name, path, f, NULL);
    *f = (struct store_file){.fd = -1};
    if (lstat(path, &st) == 0)
        return S_ISREG(st.st_mode) ? STORE_HAS : STORE_OTHER;
    if (errno == ENOENT || errno == ENOTDIR)
        return STORE_LACKS;
    (void)clv_fail_errno(err, path, "cannot be examined");
    return STORE_UNKNOWN;
}

bool store_capture(const struct store_file *f, const char *path, struct clv_capture **c,
                   struct clv_error *err)
{
    return f->p ? clv_capture_open_memory(c, f->p, (size_t)f->size, path, err)
                : clv_capture_open(c, path, err);
}

enum store_look store_file(const struct store *s, const char *name, const char *path,
                           struct store_file *f)
{
    struct stat st;
    s = store_of_const(s, &name);
    if (s->archived) {
        errno = ENOENT;
        return look_at_member(s, name, path, f, NULL);
    }
    *f = (struct store_file){.size = UINT64_MAX};
    f->fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (f->fd < 0 && errno != ELOOP && errno != ENXIO)
        return errno == ENOENT ? STORE_LACKS : STORE_UNKNOWN;
    if (f->fd < 0)
        return STORE_OTHER;
    const bool looked = fstat(f->fd, &st) == 0;
    const int why = errno;
    if (looked && S_ISREG(st.st_mode))
        return STORE_HAS;
    store_file_close(s, f);
    errno = why;
    return looked ? STORE_OTHER : STORE_UNKNOWN;
}

bool store_has_table(enum store_look look, const struct store *s, const char *path,
                     struct clv_error *err)
{
    switch (look) {
    case STORE_HAS:
        return true;
    case STORE_LACKS:
        return clv_fail(err, CLV_ERR_FORMAT, path, "is missing: it contains the table of flows");
    case STORE_OTHER:
        return clv_fail(err, CLV_ERR_FORMAT, path,
                        s->archived ? "is not a stored member" : "is not a regular file");
    case STORE_UNKNOWN:
        break;
    }
    return clv_fail_errno(err, path, "cannot be read");
}

void store_file_close(const struct store *s, struct store_file *f)
{
    (void)s;
    if (f->fd >= 0 && !f->p)
        (void)close(f->fd);
    f->fd = -1;
}

ssize_t store_read(const struct store_file *f, uint64_t at, void *to, size_t n)
{
    return io_read_at(f->fd, to, (size_t)min_u64(n, f->size - min_u64(f->size, at)), f->from + at);
}

bool store_map(const struct store_file *f, const char *path, struct map *m)
{
    struct stat st;
    *m = (struct map){.p = NULL};
    if (f->size != UINT64_MAX)
        return map_open(m, path, f->fd, f->from, f->size);
    return fstat(f->fd, &st) == 0 && map_open(m, path, f->fd, 0, (uint64_t)st.st_size);
}

void store_sum(struct store_file *f, uint64_t to)
{
    to = min_u64(to, f->size);
    if (!f->p || to <= f->summed)
        return;
    f->crc = crc_add(f->crc, f->p + f->summed, (size_t)(to - f->summed));
    f->summed = to;
}

bool store_receipt(const struct store *s, struct clv_receipt *receipt, size_t n_named,
                   struct clv_error *err)
{
    char path[PATH_MAX];
    struct store_file f;
    if (!s->archived)
        return receipt_read(receipt, s->path, n_named, err);
    *receipt = (struct clv_receipt){.json = NULL};
    if (!store_path(s, PUBLISH_MARK, path, err))
        return false;
    const enum store_look look = look_at_member(s, PUBLISH_MARK, path, &f, err);
    if (look == STORE_HAS)
        return receipt_read_part(receipt, path, s->fd, f.from, f.size, n_named, err);
    if (look == STORE_LACKS) {
        (void)clv_fail(err, CLV_ERR_ARG, s->path, "has no " PUBLISH_MARK);
        (void)clv_fail_hint(err, "only an output of cleave split can be verified");
    }
    return false;
}

bool store_check(const struct store *s, struct clv_error *err)
{
    for (size_t i = 0; i < s->n_parts; i++)
        if (!store_check(&s->parts[i], err))
            return false;
    if (!s->archived || unzip_check(&s->zip, err))
        return true;
    return clv_fail_hint(err, "try again when no other program changes it");
}
