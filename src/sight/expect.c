/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/expect.h"

#include "base/mem.h"

enum { CHUNK = 4096, FIRST_BUCKETS = 256 };

void expects_init(struct expects *e, struct spill *spill)
{
    *e = (struct expects){.spill = spill};
}

void expects_fini(struct expects *e)
{
    const uint64_t n = min_u64(e->serial, EXPECT_MAX);
    for (uint64_t i = 0; i < n; i += CHUNK)
        spill_free(e->spill, e->chunks[i / CHUNK]);
    if (e->names)
        spill_free(e->spill, e->names);
    mem_free(e->chunks);
    mem_free(e->heads);
    expects_init(e, NULL);
}

/* Announcement number n, from 1, lies where the one EXPECT_MAX before it has lain. */
static uint32_t slot_of(uint64_t serial)
{
    return (uint32_t)((serial - 1) % EXPECT_MAX);
}

static struct expect *at(const struct expects *e, uint32_t slot)
{
    return &e->chunks[slot / CHUNK][slot % CHUNK];
}

static uint32_t *link_to(const struct expects *e, const struct expect *x)
{
    const uint32_t self = slot_of(x->serial) + 1;
    uint32_t *link = &e->heads[x->key.lo & e->mask];
    while (*link != self)
        link = &at(e, *link - 1)->next;
    return link;
}

void expects_end(struct expects *e, struct expect *x)
{
    if (!x->live)
        return;
    *link_to(e, x) = x->next;
    x->live = false;
}

struct expect *expects_find(const struct expects *e, struct keyed_hash key)
{
    if (!e->heads)
        return NULL;
    for (uint32_t i = e->heads[key.lo & e->mask]; i;) {
        struct expect *x = at(e, i - 1);
        if (keyed_equal(x->key, key))
            return x;
        i = x->next;
    }
    return NULL;
}

/* More buckets, where most facts stand alone in theirs. */
static bool grow(struct expects *e)
{
    const uint32_t n = e->heads ? (e->mask + 1) * 2 : FIRST_BUCKETS;
    uint32_t *heads = mem_zalloc(n, sizeof *heads);
    if (!heads)
        return false;
    mem_free(e->heads);
    e->heads = heads;
    e->mask = n - 1;
    for (uint64_t i = 0; i < min_u64(e->serial, EXPECT_MAX); i++) {
        struct expect *x = at(e, (uint32_t)i);
        if (!x->live)
            continue;
        uint32_t *head = &heads[x->key.lo & e->mask];
        x->next = *head;
        *head = (uint32_t)i + 1;
    }
    return true;
}

struct expect *expects_add(struct expects *e, struct keyed_hash key)
{
    struct expect *old = expects_find(e, key);
    const uint32_t slot = slot_of(e->serial + 1);
    if (old)
        expects_end(e, old);
    if (e->serial < EXPECT_MAX && (!e->heads || e->serial > e->mask) && !grow(e))
        return NULL;
    if (e->serial < EXPECT_MAX && slot % CHUNK == 0) {
        struct expect **chunks =
            mem_reserve(e->chunks, &e->chunks_cap, slot / CHUNK + 1, sizeof(struct expect *));
        if (!chunks)
            return NULL;
        e->chunks = chunks;
        if (!(chunks[slot / CHUNK] = spill_alloc(e->spill, CHUNK, sizeof(struct expect))))
            return NULL;
    } else if (e->serial >= EXPECT_MAX && at(e, slot)->live) {
        e->forgotten += !at(e, slot)->used;
        expects_end(e, at(e, slot));
    }
    struct expect *x = at(e, slot);
    uint32_t *head = &e->heads[key.lo & e->mask];
    *x = (struct expect){.key = key, .serial = ++e->serial, .next = *head, .live = true};
    *head = slot + 1;
    return x;
}

bool expects_name(struct expects *e, const char *name, size_t len, struct expect_name *kept)
{
    if (!e->names && !(e->names = spill_alloc(e->spill, EXPECT_NAMES, 1)))
        return false;
    *kept = (struct expect_name){.at = e->names_at, .len = (uint32_t)len};
    for (size_t i = 0; i < len; i++)
        e->names[(e->names_at + i) % EXPECT_NAMES] = name[i];
    e->names_at += len;
    return true;
}

bool expects_name_is(const struct expects *e, struct expect_name kept, char *to, size_t size)
{
    if (!kept.len || kept.len >= size || e->names_at - kept.at > EXPECT_NAMES)
        return false;
    for (uint32_t i = 0; i < kept.len; i++)
        to[i] = e->names[(kept.at + i) % EXPECT_NAMES];
    to[kept.len] = '\0';
    return true;
}
