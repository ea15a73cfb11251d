/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A zip archive: what its end record and directory say, and where its members lie. Nothing is
 * decompressed here, and nothing is kept: the directory is read entry by entry, from the map.
 * Source: PKWARE's APPNOTE.TXT 6.3.10. An archive is
 *
 *   anything      a program that unpacks it, say; archives often do not count it in their offsets
 *   member        4.3.7 local header, name, extra fields, data, 4.3.9 data descriptor
 *   ...
 *   directory     4.3.12 per member an entry: sizes, CRC-32, where the local header is
 *   end           4.3.14 and 4.3.15, of archives that need 64 bits; 4.3.16, and a comment
 *
 * Hostile archives: whatever they say, reads stay within the file, and members that share bytes are
 * refused once they come to more than the file has, so that reading all costs no more than reading
 * the file. A name is any bytes but zero, and never a path.
 */
#ifndef CLEAVE_INPUT_UNZIP_H
#define CLEAVE_INPUT_UNZIP_H

#include "input/map.h"

/* Methods (4.4.5). */
enum { UNZIP_STORED = 0, UNZIP_DEFLATED = 8 };

/* Flags (4.4.4). */
enum {
    UNZIP_ENCRYPTED = 1 << 0,
    UNZIP_DESCRIPTOR = 1 << 3, /* CRC-32 and sizes follow the data */
    UNZIP_PATCH = 1 << 5,
    UNZIP_UTF8 = 1 << 11,
    UNZIP_MASKED = 1 << 13, /* the directory is encrypted */
};

struct unzip {
    const char *path; /* borrowed */
    struct map map;
    uint64_t n; /* members, as the end record says: modulo 65,536 unless zip64 */
    bool zip64; /* it has the end record of 64 bits */
    uint64_t directory, directory_len;
    uint64_t end;   /* of the first end record; more than where the directory ends: bytes between */
    uint64_t over;  /* where the archive ends; less than map.size: bytes follow it */
    uint64_t shift; /* bytes before the archive that offsets in it do not count */
};

/* The fields that an entry of the directory and a local header have in common. */
struct unzip_fields {
    uint16_t needs; /* version to unpack it */
    uint16_t flags, method;
    uint16_t time, date;   /* MS-DOS */
    uint32_t crc;          /* of the unpacked bytes */
    uint64_t packed, size; /* bytes in the archive, and unpacked */
    struct clv_span name;
    struct clv_span extra;
};

/* Spans are borrowed from the map. Offsets are bytes of the file. */
struct unzip_member {
    struct unzip_fields central; /* what counts */
    uint16_t made_by, disk, internal;
    uint32_t external;
    struct clv_span comment;
    uint64_t entry, entry_len; /* of the directory */
    uint64_t header;           /* of the local header */

    /* By unzip_locate(). */
    struct unzip_fields local;
    uint64_t data;  /* central.packed bytes */
    uint64_t over;  /* behind data and descriptor */
    bool described; /* a data descriptor is there and right */
};

/*
 * Maps the file fd, size bytes long, and finds its end and directory; path is what messages call
 * it. On failure unzip_close() is harmless. fd may be closed afterwards.
 */
CLV_MUST_CHECK bool unzip_open(struct unzip *z, const char *path, int fd, uint64_t size,
                               struct clv_error *err);

/* The same of bytes in memory, which are borrowed. */
CLV_MUST_CHECK bool unzip_lend(struct unzip *z, const char *path, const uint8_t *p, size_t len,
                               struct clv_error *err);
void unzip_close(struct unzip *z);

/* Where a walk through the directory stands; zeroed, it begins. */
struct unzip_cursor {
    uint64_t at;    /* bytes of the directory */
    uint64_t n;     /* members so far */
    uint64_t bytes; /* that these take */
};

enum unzip_step {
    UNZIP_MEMBER, /* *m is filled but for what is in the archive before the directory */
    UNZIP_END,    /* as many as there should be were read */
    UNZIP_BAD,    /* *err says why */
};

/* Threads: any number, with cursors of their own. */
enum unzip_step unzip_next(const struct unzip *z, struct unzip_cursor *c, struct unzip_member *m,
                           struct clv_error *err);

/* The member whose entry is at this byte of the file. false: there is none. */
CLV_MUST_CHECK bool unzip_entry(const struct unzip *z, uint64_t entry, struct unzip_member *m,
                                struct clv_error *err);

/*
 * Reads a member's local header, which has to agree with its entry: method, encryption, name, and
 * CRC-32 and sizes unless a data descriptor has them. All its data lie before the directory.
 */
CLV_MUST_CHECK bool unzip_locate(const struct unzip *z, struct unzip_member *m,
                                 struct clv_error *err);

/* The member's bytes as they lie in the archive. */
static inline struct clv_span unzip_data(const struct unzip *z, const struct unzip_member *m)
{
    return (struct clv_span){z->map.p + m->data, (size_t)m->central.packed};
}

/* false: reads from the map cannot be trusted, since the file was truncated meanwhile. */
CLV_MUST_CHECK bool unzip_check(const struct unzip *z, struct clv_error *err);

/* true: an archive begins so, unless it is one that unpacks itself. */
bool unzip_begins(const uint8_t *p, size_t n);

/* As people call it, "deflate64"; NULL: not known. Static. */
const char *unzip_method(uint16_t method);

#endif
