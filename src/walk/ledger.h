/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What captures say between their packets, in the input's order: sections, interfaces, and blocks
 * that hold for a whole section. A classic savefile counts as one section with one interface. The
 * ledger only grows, and its entries never move.
 *
 * Threads: one adds at a time. Any number read what was there when they were told of it.
 */
#ifndef CLEAVE_WALK_LEDGER_H
#define CLEAVE_WALK_LEDGER_H

#include <stdatomic.h>

#include "base/fail.h"

enum ledger_kind {
    LEDGER_SECTION,
    LEDGER_INTERFACE,
    LEDGER_METADATA, /* what holds for packets of the section, wherever they go */
};

struct ledger_entry {
    uint64_t position;    /* in the run's input: what lies at a higher one comes after this */
    const uint8_t *block; /* as a pcapng file holds it; made up for a section of classic pcap */
    uint32_t block_len;   /* bytes */
    uint32_t section;     /* entry of the section that it belongs to */
    uint32_t iface;       /* the section's first interface, or the interface, among the ledger's */
    enum ledger_kind kind;
    bool big_endian;
};

/* How to read the packets of one interface. */
struct ledger_iface {
    uint32_t entry;
    uint16_t linktype;
    uint8_t link;    /* number of its kind of output; 0 where one kind takes all */
    uint8_t fcs_len; /* bytes */
    uint32_t snaplen;
    uint8_t unread;   /* 0: its packets are looked into; else the number of its link type, from 1 */
    uint64_t units;   /* of time in a second; 0: more than 64 bits hold, times are not known */
    int64_t offset_s; /* to be added to times, seconds */
};

enum { LEDGER_UNREAD = 8 }; /* link types; one number more for all others */

enum { LEDGER_SEGMENTS = 26, LEDGER_FIRST = 64 };

struct ledger {
    _Atomic(void *) entries[LEDGER_SEGMENTS]; /* segment k has LEDGER_FIRST << k */
    _Atomic(void *) ifaces[LEDGER_SEGMENTS];
    _Atomic uint32_t n_entries, n_ifaces;
    uint64_t block_bytes;   /* kept */
    uint64_t metadata_max;  /* bytes of metadata that are kept at most */
    uint64_t metadata_left; /* blocks that were not kept */
    uint64_t bad_options;   /* sections and interfaces whose options do not fit into their block */
    atomic_bool has_metadata;
    uint16_t unread[LEDGER_UNREAD]; /* link types that are not looked into, as they came */
    unsigned n_unread;
};

void ledger_init(struct ledger *l, uint64_t metadata_max);
void ledger_fini(struct ledger *l);

/* Adds an entry with a copy of the block. false: no memory. */
CLV_MUST_CHECK bool ledger_add(struct ledger *l, enum ledger_kind kind, uint64_t position,
                               const uint8_t *block, uint32_t len, bool big_endian);

/* The last of the first n entries that lies at the position or before it; there is one. */
uint32_t ledger_at(const struct ledger *l, uint32_t n, uint64_t position);

/* Adds an interface of the entry that was added last. false: no memory. */
CLV_MUST_CHECK bool ledger_add_iface(struct ledger *l, const struct ledger_iface *iface);

/* The interface that was added last: who adds may complete it before others are told of it. */
struct ledger_iface *ledger_last_iface(struct ledger *l);

static inline unsigned ledger_segment(uint32_t i, uint32_t *at)
{
    const uint32_t x = i / LEDGER_FIRST + 1;
    const unsigned k = 31 - (unsigned)__builtin_clz(x);
    *at = i - (((uint32_t)1 << k) - 1) * LEDGER_FIRST;
    return k;
}

static inline const struct ledger_entry *ledger_entry(const struct ledger *l, uint32_t i)
{
    uint32_t at;
    const unsigned k = ledger_segment(i, &at);
    const struct ledger_entry *first = atomic_load_explicit(&l->entries[k], memory_order_acquire);
    return first + at;
}

static inline const struct ledger_iface *ledger_iface(const struct ledger *l, uint32_t i)
{
    uint32_t at;
    const unsigned k = ledger_segment(i, &at);
    const struct ledger_iface *first = atomic_load_explicit(&l->ifaces[k], memory_order_acquire);
    return first + at;
}

static inline uint32_t ledger_count(const struct ledger *l)
{
    return atomic_load_explicit(&l->n_entries, memory_order_acquire);
}

#endif
