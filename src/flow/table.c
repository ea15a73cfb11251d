/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/table.h"

enum { FIRST_SLOTS = 64 };

bool flow_table_init(struct flow_table *t)
{
    *t = (struct flow_table){.mask = FIRST_SLOTS - 1};
    t->slots = mem_zalloc(FIRST_SLOTS, sizeof *t->slots);
    return t->slots != NULL;
}

void flow_table_fini(struct flow_table *t)
{
    for (size_t i = 0; i < FLOW_CHUNKS; i++)
        mem_free(t->chunks[i]);
    mem_free(t->slots);
    *t = (struct flow_table){0};
}

static void place(struct flow_slot *slots, uint32_t mask, struct flow_slot s)
{
    uint32_t i = s.hash & mask;
    while (slots[i].entry)
        i = (i + 1) & mask;
    slots[i] = s;
}

/* Slots know their hash, so that growing touches no entry: a partition grows in microseconds. */
static bool grow(struct flow_table *t)
{
    const uint32_t n = (t->mask + 1) * 2;
    struct flow_slot *slots = n ? mem_zalloc(n, sizeof *slots) : NULL;
    if (!slots)
        return false;
    for (uint32_t i = 0; i <= t->mask; i++)
        if (t->slots[i].entry)
            place(slots, n - 1, t->slots[i]);
    mem_free(t->slots);
    t->slots = slots;
    t->mask = n - 1;
    return true;
}

uint32_t flow_table_add(struct flow_table *t, const struct flow_key *key, uint64_t hash)
{
    const uint32_t first = 1U << FLOW_CHUNK_BITS;
    const uint32_t i = t->n;
    if (i >= FLOW_NONE - first || (i >= (t->mask + 1) / 4 * 3 && !grow(t)))
        return FLOW_NONE;
    const unsigned chunk = 31 - (unsigned)__builtin_clz(i + first) - FLOW_CHUNK_BITS;
    if (!t->chunks[chunk] &&
        !(t->chunks[chunk] = mem_alloc((size_t)first << chunk, sizeof(struct flow))))
        return FLOW_NONE;
    t->n = i + 1;
    place(t->slots, t->mask, (struct flow_slot){.hash = (uint32_t)hash, .entry = i + 1});
    *flow_table_at(t, i) = (struct flow){
        .key = *key,
        .first_ns = INT64_MAX,
        .last_ns = INT64_MIN,
        .fd = -1,
        .newer = FLOW_NONE,
        .older = FLOW_NONE,
    };
    return i;
}
