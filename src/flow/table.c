/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/table.h"

enum { FIRST_SLOTS = 64 };

bool flow_table_init(struct flow_table *t)
{
    *t = (struct flow_table){
        .mask = FIRST_SLOTS - 1,
        .chunk_size = FLOW_CHUNK * sizeof(struct flow),
    };
    t->slots = mem_zalloc(FIRST_SLOTS, sizeof *t->slots);
    return t->slots != NULL;
}

void flow_table_fini(struct flow_table *t)
{
    struct flow **chunks = atomic_load(&t->chunks);
    for (uint32_t i = 0; i < t->n; i += FLOW_CHUNK)
        spill_free(t->spill, chunks[i / FLOW_CHUNK]);
    for (unsigned i = 0; i < t->n_directories; i++)
        mem_free(t->directories[i]);
    mem_free(t->slots);
    *t = (struct flow_table){0};
}

void flow_table_keep(struct flow_table *t, enum flow_beside what, size_t size)
{
    t->beside[what].at = t->chunk_size;
    t->beside[what].size = size;
    t->chunk_size += FLOW_CHUNK * size;
}

static void place(struct flow_slot *slots, uint32_t mask, struct flow_slot s)
{
    uint32_t i = s.hash & mask;
    while (slots[i].entry)
        i = (i + 1) & mask;
    slots[i] = s;
}

/*
 * Slots know their hash, so that growing touches no entry: a partition grows in microseconds. Each
 * page is written before it is read: one that is read first costs a second fault, in which all
 * threads wait.
 */
static bool grow(struct flow_table *t)
{
    const uint32_t n = (t->mask + 1) * 2;
    struct flow_slot *slots = n ? mem_alloc(n, sizeof *slots) : NULL;
    if (!slots)
        return false;
    memset(slots, 0, n * sizeof *slots);
    for (uint32_t i = 0; i <= t->mask; i++)
        if (t->slots[i].entry)
            place(slots, n - 1, t->slots[i]);
    mem_free(t->slots);
    t->slots = slots;
    t->mask = n - 1;
    return true;
}

static bool grow_directory(struct flow_table *t)
{
    const uint32_t cap = t->chunks_cap ? t->chunks_cap * 2 : 8;
    struct flow **old = atomic_load(&t->chunks);
    struct flow **chunks =
        t->n_directories < FLOW_DIRECTORIES ? mem_alloc(cap, sizeof *chunks) : NULL;
    if (!chunks)
        return false;
    if (old)
        memcpy(chunks, old, t->chunks_cap * sizeof *chunks);
    t->directories[t->n_directories++] = chunks;
    t->chunks_cap = cap;
    atomic_store_explicit(&t->chunks, chunks, memory_order_release);
    return true;
}

static bool add_chunk(struct flow_table *t, uint32_t number)
{
    if (number == t->chunks_cap && !grow_directory(t))
        return false;
    char *chunk = spill_alloc(t->spill, 1, t->chunk_size);
    if (!chunk)
        return false;
    const size_t entries = FLOW_CHUNK * sizeof(struct flow);
    memset(chunk + entries, 0, t->chunk_size - entries);
    atomic_load(&t->chunks)[number] = (struct flow *)chunk;
    return true;
}

/* The next entry, which no slot names yet. */
static uint32_t make(struct flow_table *t, const struct flow_key *key,
                     const struct flow_extra *extra)
{
    const uint32_t i = t->n;
    if (i == FLOW_NONE - 1 || (i % FLOW_CHUNK == 0 && !add_chunk(t, i / FLOW_CHUNK)))
        return FLOW_NONE;
    t->n = i + 1;
    struct flow *f = flow_table_at(t, i);
    *f = (struct flow){
        .key = *key,
        .index = i,
        .first_ns = INT64_MAX,
        .last_ns = INT64_MIN,
    };
    if (extra)
        memcpy(flow_table_beside_rw(t, f, FLOW_BESIDE_EXTRA), extra, sizeof *extra);
    return i;
}

uint32_t flow_table_add(struct flow_table *t, const struct flow_key *key,
                        const struct flow_extra *extra, uint64_t hash)
{
    if (t->n >= t->mask / 2 && !grow(t))
        return FLOW_NONE;
    const uint32_t i = make(t, key, extra);
    if (i != FLOW_NONE)
        place(t->slots, t->mask, (struct flow_slot){.hash = (uint32_t)hash, .entry = i + 1});
    return i;
}

uint32_t flow_table_replace(struct flow_table *t, uint32_t i, uint64_t hash)
{
    const struct flow *old = flow_table_at(t, i);
    const uint32_t made = make(t, &old->key, flow_table_beside_if(t, old, FLOW_BESIDE_EXTRA));
    if (made == FLOW_NONE)
        return FLOW_NONE;
    uint32_t slot = (uint32_t)hash & t->mask;
    while (t->slots[slot].entry != i + 1)
        slot = (slot + 1) & t->mask;
    t->slots[slot].entry = made + 1;
    return made;
}

struct flow *flow_table_cut(struct flow_table *t, const struct flow_cuts *cuts, struct flow *f,
                            uint64_t hash, const struct flow_step *step, struct flow **ended)
{
    struct flow_cut *cut = flow_table_beside_rw(t, f, FLOW_BESIDE_CUT);
    *ended = NULL;
    if (cut->over) { /* it was looked up before its successor was there */
        const struct flow_extra *extra = flow_table_beside_if(t, f, FLOW_BESIDE_EXTRA);
        f = flow_table_at(t, flow_table_find(t, &f->key, extra, hash));
        cut = flow_table_beside_rw(t, f, FLOW_BESIDE_CUT);
    }
    if (flow_cut_before(cuts, cut, step)) {
        const uint32_t part = cut->part + 1, next = flow_table_replace(t, f->index, hash);
        if (next == FLOW_NONE)
            return NULL;
        *ended = f;
        f = flow_table_at(t, next);
        struct flow_cut *const before = cut;
        cut = flow_table_beside_rw(t, f, FLOW_BESIDE_CUT);
        cut->part = part;
        cut->head = before->head ? before->head : (*ended)->index + 1;
    }
    flow_cut_pass(cuts, cut, step);
    return f;
}

bool flow_from_client(const struct flow_by *by, const struct flow *f)
{
    const bool rev = f->reversed;
    const struct clv_tuple ports = {
        .sport = rev ? f->key.b_port : f->key.a_port,
        .dport = rev ? f->key.a_port : f->key.b_port,
        .flags = f->key.has & FLOW_HAS_PORTS,
    };
    if (f->opened)
        return by->sided || flow_end_is_a(f, true) == !(f->opened & FLOW_OPENED_BY_B);
    return by->sided || flow_source_is_client(&ports);
}
