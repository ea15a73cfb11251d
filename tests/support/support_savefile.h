/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Savefiles of every dialect, byte for byte; nothing of src/ is asked how they look.
 */
#ifndef CLEAVE_SUPPORT_SAVEFILE_H
#define CLEAVE_SUPPORT_SAVEFILE_H

#include "support_bytes.h"

#define MAGIC_US 0xa1b2c3d4U
#define MAGIC_NS 0xa1b23c4dU
#define MAGIC_KUZNETZOV 0xa1b2cd34U

/* All zero: little-endian, microseconds, version 2.4, Ethernet, snaplen 262144. */
struct savefile_dialect {
    bool big;
    uint32_t magic;
    uint16_t major, minor;
    bool version_as_is; /* 0.0 is meant */
    uint32_t network;
    uint32_t snaplen;
};

static inline void put_file_header(struct bytes *b, const struct savefile_dialect *d)
{
    const bool modern = !d->major && !d->minor && !d->version_as_is;
    put32(b, d->big, d->magic ? d->magic : MAGIC_US);
    put16(b, d->big, modern ? 2 : d->major);
    put16(b, d->big, modern ? 4 : d->minor);
    put32(b, d->big, 0);
    put32(b, d->big, 0);
    put32(b, d->big, d->snaplen ? d->snaplen : 262144);
    put32(b, d->big, d->network ? d->network : 1);
}

/* third and fourth are the two lengths in the order in which the file has them. */
static inline void put_record_header(struct bytes *b, const struct savefile_dialect *d,
                                     uint32_t sec, uint32_t frac, uint32_t third, uint32_t fourth)
{
    put32(b, d->big, sec);
    put32(b, d->big, frac);
    put32(b, d->big, third);
    put32(b, d->big, fourth);
    if (d->magic == MAGIC_KUZNETZOV) {
        put32(b, d->big, 3); /* ifindex */
        put16(b, d->big, 0x0800);
        put_fill(b, 0, 2);
    }
}

#endif
