/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdalign.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/port.h"

enum {
    FEW = 4 << 20,        /* bytes; beyond them, plain memory is had in large pages */
    EXTENT_MIN = 4 << 20, /* bytes */
    EXTENT_SHARE = 8,     /* of all before it: extents grow, so that they are few */
    ROUND = 64 << 10,     /* bytes; the largest page of any system: what is mapped begins on one */
};

void spill_init(struct spill *s, uint64_t bound, const char *dir)
{
    *s = (struct spill){.left = bound, .dir = dir, .fd = -1};
    (void)pthread_mutex_init(&s->lock, NULL);
}

void spill_fini(struct spill *s)
{
    for (size_t i = 0; i < s->n_extents; i++)
        (void)munmap(s->extents[i].p, s->extents[i].size);
    mem_free(s->extents);
    if (s->fd >= 0)
        (void)close(s->fd);
    (void)pthread_mutex_destroy(&s->lock);
}

/* Its blocks are on the disk: no store can fail. NULL: the file has no room for it. */
static void *map_file(struct spill *s, size_t size)
{
    if (s->fd < 0)
        s->fd = io_open_nameless(s->dir);
    if (s->fd < 0 || !port_reserve(s->fd, s->size, size))
        return NULL;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, (off_t)s->size);
    if (p == MAP_FAILED)
        return NULL;
    s->size += size;
    return p;
}

/* A new extent, in the file or not, that has room for the bytes. */
static struct spill_extent *add_extent(struct spill *s, bool in_file, size_t bytes)
{
    const uint64_t before = in_file ? s->size : s->plain;
    size_t size = (size_t)max_u64(max_u64(EXTENT_MIN, before / EXTENT_SHARE), bytes);
    size = (size + ROUND - 1) & ~(size_t)(ROUND - 1);
    struct spill_extent *extents =
        mem_reserve(s->extents, &s->cap_extents, s->n_extents + 1, sizeof *extents);
    if (!extents)
        return NULL;
    s->extents = extents;
    void *p = in_file ? map_file(s, size) : mem_map(size);
    if (!p)
        return NULL;
    extents[s->n_extents] = (struct spill_extent){.p = p, .size = size, .in_file = in_file};
    return &extents[s->n_extents++];
}

/* NULL: there is no room for it. */
static void *from_extent(struct spill *s, bool in_file, size_t bytes)
{
    struct spill_extent *e = s->n_extents ? &s->extents[s->n_extents - 1] : NULL;
    if ((!e || e->in_file != in_file || e->size - e->used < bytes) &&
        !(e = add_extent(s, in_file, bytes)))
        return NULL;
    void *p = e->p + e->used;
    e->used += bytes;
    return p;
}

void *spill_alloc(struct spill *s, size_t n, size_t size)
{
    size_t bytes, rounded;
    if (!s || !size_mul(n, size, &bytes) || !size_add(bytes, alignof(max_align_t) - 1, &rounded))
        return mem_alloc(n, size);
    rounded -= rounded % alignof(max_align_t);
    void *p = NULL;
    (void)pthread_mutex_lock(&s->lock);
    if (bytes <= s->left)
        s->left -= bytes;
    else if (s->dir && !(p = from_extent(s, true, rounded)))
        s->dir = NULL; /* asked once */
    if (!p) {
        if (s->plain >= FEW)
            p = from_extent(s, false, rounded);
        s->plain += rounded;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return p ? p : mem_alloc(n, size);
}

void spill_free(const struct spill *s, void *p)
{
    for (size_t i = 0; s && i < s->n_extents; i++)
        if ((uintptr_t)p - (uintptr_t)s->extents[i].p < s->extents[i].size)
            return;
    mem_free(p);
}
