/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/dialect.h"

unsigned dialect_kind(struct dialect *d, const struct dialect_kind *kind)
{
    const unsigned n = atomic_load(&d->n_kinds);
    for (unsigned i = 0; i < n; i++)
        if (d->kinds[i].linktype == kind->linktype && d->kinds[i].fcs_len == kind->fcs_len &&
            d->kinds[i].nanoseconds == kind->nanoseconds)
            return i;
    if (n == DIALECT_KINDS)
        return DIALECT_KINDS;
    d->kinds[n] = *kind;
    atomic_store(&d->n_kinds, n + 1);
    return n;
}

const char *dialect_ending(const struct dialect *d)
{
    return d->form == DIALECT_PCAPNG ? ".pcapng" : ".pcap";
}
