/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/names.h"

#include "base/mem.h"

void names_fini(struct names *t)
{
    mem_free(t->slots);
    *t = (struct names){.n = 0};
}

/*
 * The hash's own slot, or the one that it would get; there is a free one. Bits are mixed: where
 * names differ in one byte alone, those of a product below it (keyed.h) are the same for all.
 */
static struct names_entry *slot_of(const struct names *t, struct keyed_hash hash)
{
    size_t i = (size_t)((hash.lo ^ hash.hi) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (t->cap - 1);
    while (t->slots[i].used && !keyed_equal(t->slots[i].hash, hash))
        i = (i + 1) & (t->cap - 1);
    return &t->slots[i];
}

static bool grow(struct names *t)
{
    enum { FIRST = 64 };
    struct names more = {.n = t->n, .cap = t->cap ? 2 * t->cap : FIRST};
    more.slots = mem_zalloc(more.cap, sizeof *more.slots);
    if (!more.slots)
        return false;
    for (size_t i = 0; i < t->cap; i++)
        if (t->slots[i].used)
            *slot_of(&more, t->slots[i].hash) = t->slots[i];
    mem_free(t->slots);
    *t = more;
    return true;
}

struct names_entry *names_find(const struct names *t, struct keyed_hash hash)
{
    struct names_entry *e = t->n ? slot_of(t, hash) : NULL;
    return e && e->used ? e : NULL;
}

struct names_entry *names_add(struct names *t, struct keyed_hash hash, bool *is_new)
{
    if (t->n >= t->cap / 4 * 3 && !grow(t))
        return NULL;
    struct names_entry *e = slot_of(t, hash);
    *is_new = !e->used;
    if (*is_new) {
        *e = (struct names_entry){.hash = hash, .used = true};
        t->n++;
    }
    return e;
}
