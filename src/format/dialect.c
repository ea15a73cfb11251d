/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/dialect.h"

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
    static const char *const endings[][3] = {
        [CLV_COMPRESS_NONE] = {".pcap", ".pcap", ".pcapng"},
        [CLV_COMPRESS_ZSTD] = {".pcap.zst", ".pcap.zst", ".pcapng.zst"},
        [CLV_COMPRESS_GZIP] = {".pcap.gz", ".pcap.gz", ".pcapng.gz"},
    };
    return endings[d->compress][d->form];
}
