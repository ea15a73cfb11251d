/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/timeline.h"

#include <string.h>

#define US INT64_C(1000)
#define MS (1000 * US)
#define S (1000 * MS)
#define MINUTE (60 * S)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* ns. The last are so wide that all there is to time is in fewer than TIMELINE_BINS of them. */
static const int64_t widths[] = {
    US,      2 * US,     10 * US,     20 * US,     100 * US,  200 * US,  MS,         2 * MS,
    10 * MS, 20 * MS,    100 * MS,    200 * MS,    S,         2 * S,     10 * S,     20 * S,
    MINUTE,  2 * MINUTE, 10 * MINUTE, 20 * MINUTE, HOUR,      2 * HOUR,  6 * HOUR,   12 * HOUR,
    DAY,     2 * DAY,    10 * DAY,    20 * DAY,    100 * DAY, 200 * DAY, 1000 * DAY,
};

int64_t timeline_width(const struct timeline *t)
{
    return widths[t->level];
}

/* Towards minus infinity; d is more than 0. */
static int64_t divide(int64_t x, int64_t d)
{
    return x / d - (x % d < 0);
}

static void add(struct timeline_bin *to, const struct timeline_bin *bin)
{
    to->packets += bin->packets;
    for (unsigned i = 0; i < TIMELINE_CLASSES; i++)
        to->wire[i] += bin->wire[i];
}

/* A bin goes to where it stands or before it. */
static void widen(struct timeline *t)
{
    const int64_t factor = widths[t->level + 1] / widths[t->level];
    const int64_t first = divide(t->first, factor);
    unsigned n = 0;
    for (unsigned i = 0; i < t->n; i++) {
        const struct timeline_bin bin = t->bins[i];
        const unsigned to = (unsigned)(divide(t->first + i, factor) - first);
        t->bins[i] = (struct timeline_bin){.packets = 0};
        add(&t->bins[to], &bin);
        n = to + 1;
    }
    t->level++;
    t->first = first;
    t->n = n;
}

/* Bins up to number, or from it on. */
static void reach(struct timeline *t, int64_t number)
{
    if (t->n == 0)
        t->first = number;
    if (number < t->first) {
        const unsigned more = (unsigned)(t->first - number);
        memmove(t->bins + more, t->bins, t->n * sizeof *t->bins);
        memset(t->bins, 0, more * sizeof *t->bins);
        t->first = number;
        t->n += more;
    } else if (number - t->first >= t->n) {
        t->n = (unsigned)(number - t->first) + 1;
    }
}

/* true: number would make too many. */
static bool is_beyond(const struct timeline *t, int64_t number)
{
    return t->n && (number - t->first >= TIMELINE_BINS || t->first + t->n - number > TIMELINE_BINS);
}

/* The bin in which the number-th stretch of a width lies that divides all that t can have. */
static struct timeline_bin *settle(struct timeline *t, int64_t number, int64_t width,
                                   int64_t *settled)
{
    while (is_beyond(t, *settled = divide(number, timeline_width(t) / width)))
        widen(t);
    reach(t, *settled);
    return &t->bins[*settled - t->first];
}

struct timeline_bin *timeline_find(struct timeline *t, int64_t ts_ns)
{
    int64_t number;
    t->at = settle(t, ts_ns, 1, &number);
    if (__builtin_mul_overflow(number, timeline_width(t), &t->from))
        t->from = INT64_MIN;
    if (__builtin_mul_overflow(number + 1, timeline_width(t), &t->to))
        t->to = INT64_MAX;
    return t->at;
}

void timeline_join(struct timeline *t, const struct timeline *from)
{
    int64_t number;
    t->timeless += from->timeless;
    t->at = NULL; /* bins are about to move */
    while (t->level < from->level)
        widen(t);
    for (unsigned i = 0; i < from->n; i++)
        if (from->bins[i].packets)
            add(settle(t, from->first + i, timeline_width(from), &number), &from->bins[i]);
}
