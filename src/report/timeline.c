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

/* Towards minus infinity; d is more than 0. */
static int64_t divide(int64_t x, int64_t d)
{
    return x / d - (x % d < 0);
}

static void add(struct timeline_sums *to, const struct timeline_sums *bin)
{
    to->packets += bin->packets;
    for (unsigned i = 0; i < TIMELINE_CLASSES; i++)
        to->wire[i] += bin->wire[i];
}

/* A bin goes to where it stands or before it. */
static void widen(struct timeline *t)
{
    const int64_t factor = widths[t->level + 1] / widths[t->level];
    unsigned n = 0;
    for (unsigned i = 0; i < t->n; i++) {
        const struct timeline_bin bin = {divide(t->bins[i].number, factor), t->bins[i].sums};
        if (n && t->bins[n - 1].number == bin.number)
            add(&t->bins[n - 1].sums, &bin.sums);
        else
            t->bins[n++] = bin;
    }
    t->level++;
    t->n = n;
}

/* The place of the first bin of this number or a later one. */
static unsigned place_of(const struct timeline *t, int64_t number)
{
    unsigned from = 0, to = t->n;
    while (from < to) {
        const unsigned middle = from + (to - from) / 2;
        if (t->bins[middle].number < number)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* The bin in which the number-th stretch of a width lies that divides all that t can have. */
static struct timeline_sums *settle(struct timeline *t, int64_t number, int64_t width,
                                    int64_t *settled)
{
    for (;;) {
        *settled = divide(number, widths[t->level] / width);
        const unsigned i = place_of(t, *settled);
        if (i < t->n && t->bins[i].number == *settled)
            return &t->bins[i].sums;
        if (t->n == TIMELINE_BINS) {
            widen(t);
            continue;
        }
        memmove(&t->bins[i + 1], &t->bins[i], (t->n++ - i) * sizeof *t->bins);
        t->bins[i] = (struct timeline_bin){.number = *settled};
        return &t->bins[i].sums;
    }
}

struct timeline_sums *timeline_find(struct timeline *t, int64_t ts_ns)
{
    int64_t number;
    t->at = settle(t, ts_ns, 1, &number);
    if (__builtin_mul_overflow(number, widths[t->level], &t->from))
        t->from = INT64_MIN;
    if (__builtin_mul_overflow(number + 1, widths[t->level], &t->to))
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
        add(settle(t, from->bins[i].number, widths[from->level], &number), &from->bins[i].sums);
}

/* ns from one bin's beginning to a later one's. */
static uint64_t apart(const struct timeline *t, unsigned from, unsigned to)
{
    return ((uint64_t)t->bins[to].number - (uint64_t)t->bins[from].number) *
           (uint64_t)widths[t->level];
}

/*
 * Bins [*lo, *hi] without those at either end that hold no more than one record in a hundred and
 * are a day, and ten times as long as all the rest, away from it.
 */
static void leave_far(const struct timeline *t, unsigned *lo, unsigned *hi)
{
    enum { ONE_IN = 100, TIMES = 10 };
    uint64_t all = 0, n = 0;
    for (unsigned i = 0; i < t->n; i++)
        all += t->bins[i].sums.packets;
    *lo = 0;
    *hi = t->n - 1;
    for (unsigned i = 0; (n += t->bins[i].sums.packets) <= all / ONE_IN; i++)
        if (apart(t, i, i + 1) > (uint64_t)DAY)
            *lo = i + 1;
    n = 0;
    for (unsigned i = t->n - 1; (n += t->bins[i].sums.packets) <= all / ONE_IN; i--)
        if (apart(t, i - 1, i) > (uint64_t)DAY)
            *hi = i - 1;
    for (bool changed = true; changed;) {
        const uint64_t rest = apart(t, *lo, *hi);
        changed = false;
        if (*lo > 0 && apart(t, *lo - 1, *lo) / TIMES <= rest) {
            *lo = 0;
            changed = true;
        }
        if (*hi < t->n - 1 && apart(t, *hi, *hi + 1) / TIMES <= rest) {
            *hi = t->n - 1;
            changed = true;
        }
    }
}

void timeline_draw(const struct timeline *t, struct timeline_picture *p)
{
    unsigned lo, hi, level = t->level;
    int64_t factor = 1;
    memset(p, 0, sizeof *p);
    p->width = widths[level];
    if (t->n == 0)
        return;
    leave_far(t, &lo, &hi);
    while (divide(t->bins[hi].number, factor) - divide(t->bins[lo].number, factor) >= TIMELINE_BINS)
        factor = widths[++level] / widths[t->level];
    p->width = widths[level];
    p->first = divide(t->bins[lo].number, factor);
    p->n = (unsigned)(divide(t->bins[hi].number, factor) - p->first) + 1;
    for (unsigned i = 0; i < t->n; i++) {
        if (i < lo || i > hi)
            p->far += t->bins[i].sums.packets;
        else
            add(&p->bins[divide(t->bins[i].number, factor) - p->first], &t->bins[i].sums);
    }
}
