/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a zip archive has between its members' bytes, as this program writes it: members stored,
 * sizes and checksums in local headers, no data descriptors, 64-bit forms where numbers need them.
 * Source: APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3. Everything is little-endian.
 */
#ifndef CLEAVE_OUTPUT_HEADERS_H
#define CLEAVE_OUTPUT_HEADERS_H

#include "base/fail.h"

/* A member. Names are UTF-8, and at most HEADERS_NAME_MAX bytes long. */
struct headers_entry {
    const char *name;
    size_t name_len;
    uint64_t size;   /* bytes; stored as they are */
    uint64_t offset; /* of its local header, in the archive */
    uint32_t crc;    /* CRC-32 of its bytes */
    unsigned mode;   /* permissions that unzip gives it */
};

enum {
    HEADERS_NAME_MAX = 1024,
    HEADERS_LOCAL_MAX = 30 + HEADERS_NAME_MAX + 20,   /* bytes of a local header at most */
    HEADERS_CENTRAL_MAX = 46 + HEADERS_NAME_MAX + 28, /* of an entry of the central directory */
    HEADERS_END_MAX = 56 + 20 + 22,                   /* of what follows the central directory */
    HEADERS_CRC_AT = 14,                              /* byte of a local header: 4 of the CRC-32 */
};

/* Bytes of the local header of a member; wide: its size has 64 bits whatever it is. */
size_t headers_local_len(size_t name_len, uint64_t size, bool wide);

/* Writes it; returns its length. */
size_t headers_local(uint8_t *to, const struct headers_entry *e, bool wide);

/* Bytes of the member's entry of the central directory. */
size_t headers_central_len(size_t name_len, uint64_t size, uint64_t offset);

/* Writes it; returns its length. */
size_t headers_central(uint8_t *to, const struct headers_entry *e);

/* true: the bytes end as an archive without a comment does. */
bool headers_ends(const uint8_t *p, size_t len);

/* Writes what ends an archive of n members, whose directory is len bytes from `at` on. */
size_t headers_end(uint8_t *to, uint64_t n, uint64_t at, uint64_t len);

#endif
