/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traffic over time, in a bounded number of bins, when nobody knows beforehand how long it lasts.
 * Bins begin as wide as a microsecond; when there are too many they are folded into wider ones. All
 * widths divide the next, and bins are aligned to the epoch: the result depends on the records, and
 * not on the order in which they came.
 *
 * Threads: one at a time.
 */
#ifndef CLEAVE_REPORT_TIMELINE_H
#define CLEAVE_REPORT_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cleave/packet.h"
#include "walk/walk.h"

enum {
    TIMELINE_BINS = 512,
    TIMELINE_TCP = 0,
    TIMELINE_UDP,
    TIMELINE_REST,
    TIMELINE_CLASSES,
};

struct timeline_bin {
    uint64_t packets;
    uint64_t wire[TIMELINE_CLASSES]; /* bytes */
};

/* All zero is empty. */
struct timeline {
    unsigned level;          /* of widths; see timeline_width() */
    unsigned n;              /* bins */
    int64_t first;           /* the first bin's number: its time divided by the width */
    int64_t from, to;        /* ns, of the bin below, so that most records divide nothing */
    struct timeline_bin *at; /* where the last record went; NULL: not known */
    uint64_t timeless;       /* records that have no time */
    struct timeline_bin bins[TIMELINE_BINS];
};

/* ns. */
int64_t timeline_width(const struct timeline *t);

/* The bin of a time, which is made if it is not there. */
struct timeline_bin *timeline_find(struct timeline *t, int64_t ts_ns) CLV_COLD;

CLV_INLINE unsigned timeline_class(uint8_t proto)
{
    return proto == CLV_PROTO_TCP   ? TIMELINE_TCP
           : proto == CLV_PROTO_UDP ? TIMELINE_UDP
                                    : TIMELINE_REST;
}

/* wire: bytes of the packet. */
CLV_INLINE void timeline_add(struct timeline *t, int64_t ts_ns, uint8_t proto, uint32_t wire)
{
    if (CLV_UNLIKELY(ts_ns == WALK_NO_TIME)) {
        t->timeless++;
        return;
    }
    struct timeline_bin *bin =
        CLV_LIKELY(t->at && ts_ns >= t->from && ts_ns < t->to) ? t->at : timeline_find(t, ts_ns);
    bin->packets++;
    bin->wire[timeline_class(proto)] += wire;
}

/* What from has is added to t. */
void timeline_join(struct timeline *t, const struct timeline *from);

#endif
