/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traffic over time, in a bounded number of bins, when nobody knows beforehand how long it lasts.
 * Bins begin as wide as a microsecond; only those are kept that have records, and when there are
 * too many they are folded into wider ones. All widths divide the next, and bins are aligned to the
 * epoch: the result depends on the records, and not on the order in which they came.
 *
 * What is drawn of it are bins side by side, wide enough for all times but a few that are far off:
 * one record of 1970 does not make a line of a day's traffic.
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

struct timeline_sums {
    uint64_t packets;
    uint64_t wire[TIMELINE_CLASSES]; /* bytes */
};

struct timeline_bin {
    int64_t number; /* its time divided by the width */
    struct timeline_sums sums;
};

/* All zero is empty. */
struct timeline {
    unsigned level;           /* of widths */
    unsigned n;               /* bins */
    int64_t from, to;         /* ns, of the bin below, so that most records divide nothing */
    struct timeline_sums *at; /* where the last record went; NULL: not known */
    uint64_t timeless;        /* records that have no time */
    struct timeline_bin bins[TIMELINE_BINS]; /* by number; each has records */
};

struct timeline_picture {
    int64_t width; /* ns */
    int64_t first; /* the first bin's number */
    unsigned n;
    uint64_t far; /* records that are not in it, since their times are far from all others */
    struct timeline_sums bins[TIMELINE_BINS];
};

/* The bin of a time, which is made if it is not there. */
struct timeline_sums *timeline_find(struct timeline *t, int64_t ts_ns) CLV_COLD;

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
    struct timeline_sums *bin =
        CLV_LIKELY(t->at && ts_ns >= t->from && ts_ns < t->to) ? t->at : timeline_find(t, ts_ns);
    bin->packets++;
    bin->wire[timeline_class(proto)] += wire;
}

/* What from has is added to t. */
void timeline_join(struct timeline *t, const struct timeline *from);

void timeline_draw(const struct timeline *t, struct timeline_picture *p);

#endif
