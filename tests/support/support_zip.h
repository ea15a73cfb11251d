/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zip archives built member by member (APPNOTE.TXT, section 4.3), and where their parts are.
 */
#ifndef CLEAVE_SUPPORT_ZIP_H
#define CLEAVE_SUPPORT_ZIP_H

#include "base/crc.h"
#include "support_bytes.h"

enum { ZIP_MEMBERS = 8 };

/* data is what lies in the archive; size, where it is compressed, what it unpacks to. */
struct zip_spec {
    const char *name;
    const char *data;
    size_t len;             /* of data; 0: up to its end as a string */
    uint16_t method, flags; /* flag 8: a descriptor follows the data */
    uint64_t size;
    uint32_t crc;
    bool wide;                      /* sizes of 64 bits */
    bool no_magic, wide_descriptor; /* of the descriptor */
};

/* Offsets. */
struct zip_marks {
    size_t local[ZIP_MEMBERS], data[ZIP_MEMBERS], entry[ZIP_MEMBERS];
    size_t directory, end64, locator, end;
};

static inline size_t zip_len(const struct zip_spec *s)
{
    return s->len ? s->len : strlen(s->data);
}

static inline void zip_le64(struct bytes *b, uint64_t v)
{
    put32(b, false, (uint32_t)v);
    put32(b, false, (uint32_t)(v >> 32));
}

static inline void zip_fields(struct bytes *b, const struct zip_spec *s, bool described)
{
    put16(b, false, s->wide ? 45 : 20);
    put16(b, false, s->flags);
    put16(b, false, s->method);
    put32(b, false, 0x5a8f6000); /* a day in 2025 */
    put32(b, false, described ? 0 : s->crc);
    const uint64_t packed = described ? 0 : zip_len(s), size = described ? 0 : s->size;
    put32(b, false, s->wide ? UINT32_MAX : (uint32_t)packed);
    put32(b, false, s->wide ? UINT32_MAX : (uint32_t)size);
    put16(b, false, (uint16_t)strlen(s->name));
}

static inline void zip_wide(struct bytes *b, const struct zip_spec *s, bool described)
{
    put16(b, false, 1);
    put16(b, false, 16);
    zip_le64(b, described ? 0 : s->size);
    zip_le64(b, described ? 0 : zip_len(s));
}

static inline void zip_member(struct bytes *b, const struct zip_spec *s)
{
    const bool described = s->flags & 8;
    put32(b, false, 0x04034b50);
    zip_fields(b, s, described);
    put16(b, false, s->wide ? 20 : 0);
    put_bytes(b, s->name, strlen(s->name));
    if (s->wide)
        zip_wide(b, s, described);
    put_bytes(b, s->data, zip_len(s));
    if (!described)
        return;
    if (!s->no_magic)
        put32(b, false, 0x08074b50);
    put32(b, false, s->crc);
    if (s->wide_descriptor) {
        zip_le64(b, zip_len(s));
        zip_le64(b, s->size);
    } else {
        put32(b, false, (uint32_t)zip_len(s));
        put32(b, false, (uint32_t)s->size);
    }
}

static inline void zip_entry_of(struct bytes *b, const struct zip_spec *s, uint64_t header)
{
    put32(b, false, 0x02014b50);
    put16(b, false, 3 << 8 | 30);
    zip_fields(b, s, false);
    put16(b, false, s->wide ? 28 : 0);
    put16(b, false, 0); /* comment */
    put16(b, false, 0); /* disk */
    put16(b, false, 0);
    put32(b, false, UINT32_C(0100644) << 16);
    put32(b, false, s->wide ? UINT32_MAX : (uint32_t)header);
    put_bytes(b, s->name, strlen(s->name));
    if (!s->wide)
        return;
    put16(b, false, 1);
    put16(b, false, 24);
    zip_le64(b, s->size);
    zip_le64(b, zip_len(s));
    zip_le64(b, header);
}

/* What is missing is filled in: sizes and checksums of stored members. */
static inline struct zip_spec zip_settled(const struct zip_spec *s)
{
    struct zip_spec own = *s;
    if (own.method == 0 && own.size == 0) {
        own.size = zip_len(&own);
        own.crc = crc_add(0, own.data, zip_len(&own));
    }
    return own;
}

/* Appends an archive of n members to b; offsets in it count from where it begins. */
static inline void put_zip(struct bytes *b, const struct zip_spec *members, size_t n, bool zip64,
                           const char *comment, struct zip_marks *marks)
{
    const size_t base = b->len;
    for (size_t i = 0; i < n; i++) {
        const struct zip_spec s = zip_settled(&members[i]);
        marks->local[i] = b->len;
        marks->data[i] = b->len + 30 + strlen(s.name) + (s.wide ? 20 : 0);
        zip_member(b, &s);
    }
    marks->directory = b->len;
    for (size_t i = 0; i < n; i++) {
        const struct zip_spec s = zip_settled(&members[i]);
        marks->entry[i] = b->len;
        zip_entry_of(b, &s, marks->local[i] - base);
    }
    const size_t len = b->len - marks->directory;
    marks->end64 = b->len;
    if (zip64) {
        put32(b, false, 0x06064b50);
        zip_le64(b, 44);
        put32(b, false, 45 << 16 | 45);
        zip_le64(b, 0); /* disks */
        zip_le64(b, n);
        zip_le64(b, n);
        zip_le64(b, len);
        zip_le64(b, marks->directory - base);
        marks->locator = b->len;
        put32(b, false, 0x07064b50);
        put32(b, false, 0);
        zip_le64(b, marks->end64 - base);
        put32(b, false, 1);
    }
    marks->end = b->len;
    put32(b, false, 0x06054b50);
    put32(b, false, zip64 ? UINT32_MAX : 0);
    put16(b, false, zip64 ? UINT16_MAX : (uint16_t)n);
    put16(b, false, zip64 ? UINT16_MAX : (uint16_t)n);
    put32(b, false, zip64 ? UINT32_MAX : (uint32_t)len);
    put32(b, false, zip64 ? UINT32_MAX : (uint32_t)(marks->directory - base));
    put16(b, false, (uint16_t)strlen(comment));
    put_bytes(b, comment, strlen(comment));
}

#endif
