/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/order.h"

void order_add(struct order *o, struct pass pass)
{
    assert(o->n < ORDER_PASSES);
    o->passes[o->n++] = (struct order_pass){.pass = pass};
}

/* Batches before this one have been through all passes before number i; those that are found, too.
 */
static uint64_t limit(const struct order *o, const struct feed *fd, unsigned i)
{
    return i ? o->passes[i - 1].at : fd->confirm_at;
}

/* Pass number i may look at the batch at its cursor: nothing of it waits in a pass before. */
static bool may_look(const struct order *o, const struct feed *fd, unsigned i)
{
    const struct order_pass *p = &o->passes[i];
    return p->at < limit(o, fd, i) && (i == 0 || feed_batch(fd, p->at)->waiting == 0);
}

void order_advance(struct order *o, const struct feed *fd)
{
    for (unsigned i = 0; i < o->n; i++) {
        struct order_pass *p = &o->passes[i];
        while (!p->running && p->waiting == 0 && may_look(o, fd, i) &&
               !p->pass.needs(p->pass.self, feed_batch(fd, p->at)))
            p->at++;
    }
}

bool order_next(struct order *o, const struct feed *fd, unsigned *pass, struct batch **b)
{
    for (unsigned i = 0; i < o->n; i++) {
        struct order_pass *p = &o->passes[i];
        if (p->running)
            continue;
        const bool look = may_look(o, fd, i);
        const bool over = fd->ended && p->at == fd->confirm_at && p->waiting;
        if (!look && !over)
            continue;
        p->running = true;
        *pass = i;
        *b = look ? feed_batch(fd, p->at) : NULL;
        return true;
    }
    return false;
}

void order_done(struct order *o, struct feed *fd, unsigned pass, const struct batch *b)
{
    struct order_pass *p = &o->passes[pass];
    p->running = false;
    p->at += b != NULL;
    if (!p->pass.settled)
        return;
    p->waiting = p->pass.settled(p->pass.self);
    for (uint64_t i = fd->found; i < p->at; i++) {
        struct batch *one = feed_batch(fd, i);
        one->waiting = one->owed;
    }
}

static bool passed(const struct order *o, const struct feed *fd)
{
    return fd->found < limit(o, fd, o->n);
}

bool order_settled(const struct order *o, const struct feed *fd)
{
    return passed(o, fd) && feed_batch(fd, fd->found)->waiting == 0;
}

bool order_waits(const struct order *o, const struct feed *fd)
{
    return o->n && fd->found < o->passes[0].at && feed_batch(fd, fd->found)->waiting;
}
