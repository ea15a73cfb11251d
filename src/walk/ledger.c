/* SPDX-License-Identifier: BSD-2-Clause */
#include "walk/ledger.h"

#include "base/mem.h"

void ledger_init(struct ledger *l, uint64_t metadata_max)
{
    memset(l, 0, sizeof *l);
    l->metadata_max = metadata_max;
}

void ledger_fini(struct ledger *l)
{
    const uint32_t n = ledger_count(l);
    for (uint32_t i = 0; i < n; i++)
        mem_free((void *)(uintptr_t)ledger_entry(l, i)->block);
    for (unsigned k = 0; k < LEDGER_SEGMENTS; k++) {
        mem_free(atomic_load(&l->entries[k]));
        mem_free(atomic_load(&l->ifaces[k]));
    }
    memset(l, 0, sizeof *l);
}

/* The place of element i, whose segment is made with its first. NULL: no memory. */
static void *place(_Atomic(void *) *segments, uint32_t i, size_t size)
{
    uint32_t at;
    const unsigned k = ledger_segment(i, &at);
    if (k >= LEDGER_SEGMENTS)
        return NULL;
    uint8_t *segment = atomic_load(&segments[k]);
    if (!segment) {
        segment = mem_alloc((size_t)LEDGER_FIRST << k, size);
        if (!segment)
            return NULL;
        atomic_store_explicit(&segments[k], segment, memory_order_release);
    }
    return segment + at * size;
}

bool ledger_add(struct ledger *l, enum ledger_kind kind, uint64_t position, const uint8_t *block,
                uint32_t len, bool big_endian)
{
    const uint32_t n = ledger_count(l);
    if (kind == LEDGER_METADATA) {
        if (l->block_bytes + len > l->metadata_max) {
            l->metadata_left++;
            return true;
        }
        l->block_bytes += len;
        l->has_metadata = true;
    }
    struct ledger_entry *to = place(l->entries, n, sizeof *to);
    if (!to)
        return false;
    uint8_t *copy = mem_alloc(len, 1);
    if (!copy)
        return false;
    memcpy(copy, block, len);
    *to = (struct ledger_entry){
        .position = position,
        .block = copy,
        .block_len = len,
        .section = kind == LEDGER_SECTION || n == 0 ? n : ledger_entry(l, n - 1)->section,
        .iface = atomic_load(&l->n_ifaces),
        .kind = kind,
        .big_endian = big_endian,
    };
    atomic_store_explicit(&l->n_entries, n + 1, memory_order_release);
    return true;
}

uint32_t ledger_at(const struct ledger *l, uint32_t n, uint64_t position)
{
    uint32_t from = 0, to = n; /* the entry is in [from, to) */
    while (to - from > 1) {
        const uint32_t middle = from + (to - from) / 2;
        if (ledger_entry(l, middle)->position <= position)
            from = middle;
        else
            to = middle;
    }
    return from;
}

bool ledger_add_iface(struct ledger *l, const struct ledger_iface *iface)
{
    const uint32_t n = atomic_load(&l->n_ifaces);
    struct ledger_iface *to = place(l->ifaces, n, sizeof *to);
    if (!to)
        return false;
    *to = *iface;
    to->entry = ledger_count(l) - 1;
    atomic_store_explicit(&l->n_ifaces, n + 1, memory_order_release);
    return true;
}

struct ledger_iface *ledger_last_iface(struct ledger *l)
{
    return place(l->ifaces, atomic_load(&l->n_ifaces) - 1, sizeof(struct ledger_iface));
}
