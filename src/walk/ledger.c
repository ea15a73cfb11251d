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

bool ledger_add(struct ledger *l, enum ledger_kind kind, uint64_t position, const uint8_t *block,
                uint32_t len, bool big_endian)
{
    uint32_t at;
    const uint32_t n = ledger_count(l);
    const unsigned k = ledger_segment(n, &at);
    if (kind == LEDGER_METADATA) {
        if (l->block_bytes + len > l->metadata_max) {
            l->metadata_left++;
            return true;
        }
        l->block_bytes += len;
        l->has_metadata = true;
    }
    if (at == 0 && !atomic_load(&l->entries[k])) {
        struct ledger_entry *more =
            k < LEDGER_SEGMENTS ? mem_alloc((size_t)LEDGER_FIRST << k, sizeof *more) : NULL;
        if (!more)
            return false;
        atomic_store_explicit(&l->entries[k], more, memory_order_release);
    }
    uint8_t *copy = mem_alloc(len, 1);
    if (!copy)
        return false;
    memcpy(copy, block, len);
    atomic_load(&l->entries[k])[at] = (struct ledger_entry){
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
    uint32_t at;
    const uint32_t n = atomic_load(&l->n_ifaces);
    const unsigned k = ledger_segment(n, &at);
    if (at == 0 && !atomic_load(&l->ifaces[k])) {
        struct ledger_iface *more =
            k < LEDGER_SEGMENTS ? mem_alloc((size_t)LEDGER_FIRST << k, sizeof *more) : NULL;
        if (!more)
            return false;
        atomic_store_explicit(&l->ifaces[k], more, memory_order_release);
    }
    struct ledger_iface *to = &atomic_load(&l->ifaces[k])[at];
    *to = *iface;
    to->entry = ledger_count(l) - 1;
    atomic_store_explicit(&l->n_ifaces, n + 1, memory_order_release);
    return true;
}
