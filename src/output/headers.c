/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/headers.h"

#include <string.h>
#include <sys/stat.h>

enum {
    LOCAL_MAGIC = 0x04034b50,
    CENTRAL_MAGIC = 0x02014b50,
    END64_MAGIC = 0x06064b50,
    LOCATOR_MAGIC = 0x07064b50,
    END_MAGIC = 0x06054b50,
    EXTRA_ZIP64 = 1,
    VERSION_PLAIN = 10,    /* needed to extract a stored file */
    VERSION_64 = 45,       /* one with 64-bit numbers */
    MADE_BY = 3 << 8 | 45, /* Unix: permissions are those of its files */
    FLAG_UTF8 = 1 << 11,   /* of the name */
    DOS_DATE = 0x21, /* 1980-01-01, the first there is: archives do not tell when they were made */
};
#define WIDE UINT32_MAX /* stands for a number that is in the 64-bit form */

struct out {
    uint8_t *p;
};

static void put(struct out *o, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        *o->p++ = (uint8_t)(v >> 8 * i);
}

static uint64_t narrow(uint64_t v)
{
    return v < WIDE ? v : WIDE;
}

static unsigned flags_of(const struct headers_entry *e)
{
    unsigned all = 0; /* without a branch: names are short, and most are ASCII */
    for (size_t i = 0; i < e->name_len; i++)
        all |= (uint8_t)e->name[i];
    return all >= 0x80 ? FLAG_UTF8 : 0;
}

static void put_name(struct out *o, const struct headers_entry *e)
{
    memcpy(o->p, e->name, e->name_len);
    o->p += e->name_len;
}

size_t headers_local_len(size_t name_len, uint64_t size, bool wide)
{
    return 30 + name_len + (wide || size >= WIDE ? 20 : 0);
}

size_t headers_local(uint8_t *to, const struct headers_entry *e, bool wide)
{
    struct out o = {to};
    wide |= e->size >= WIDE;
    put(&o, LOCAL_MAGIC, 4);
    put(&o, wide ? VERSION_64 : VERSION_PLAIN, 2);
    put(&o, flags_of(e), 2);
    put(&o, 0, 2); /* stored */
    put(&o, 0, 2);
    put(&o, DOS_DATE, 2);
    put(&o, e->crc, 4);
    put(&o, wide ? WIDE : e->size, 4); /* as stored */
    put(&o, wide ? WIDE : e->size, 4);
    put(&o, e->name_len, 2);
    put(&o, wide ? 20 : 0, 2);
    put_name(&o, e);
    if (wide) {
        put(&o, EXTRA_ZIP64, 2);
        put(&o, 16, 2);
        put(&o, e->size, 8);
        put(&o, e->size, 8);
    }
    return (size_t)(o.p - to);
}

/* Bytes of the 64-bit form of numbers that need it, in the central directory. */
static unsigned extra_len(uint64_t size, uint64_t offset)
{
    return (size >= WIDE ? 16 : 0) + (offset >= WIDE ? 8 : 0);
}

size_t headers_central_len(size_t name_len, uint64_t size, uint64_t offset)
{
    const unsigned extra = extra_len(size, offset);
    return 46 + name_len + (extra ? 4 + extra : 0);
}

size_t headers_central(uint8_t *to, const struct headers_entry *e)
{
    struct out o = {to};
    const unsigned extra = extra_len(e->size, e->offset);
    put(&o, CENTRAL_MAGIC, 4);
    put(&o, MADE_BY, 2);
    put(&o, extra ? VERSION_64 : VERSION_PLAIN, 2);
    put(&o, flags_of(e), 2);
    put(&o, 0, 2); /* stored */
    put(&o, 0, 2);
    put(&o, DOS_DATE, 2);
    put(&o, e->crc, 4);
    put(&o, narrow(e->size), 4);
    put(&o, narrow(e->size), 4);
    put(&o, e->name_len, 2);
    put(&o, extra ? 4 + extra : 0, 2);
    put(&o, 0, 2); /* comment */
    put(&o, 0, 2); /* disk */
    put(&o, 0, 2); /* internal attributes */
    put(&o, (uint64_t)(S_IFREG | e->mode) << 16, 4);
    put(&o, narrow(e->offset), 4);
    put_name(&o, e);
    if (extra) {
        put(&o, EXTRA_ZIP64, 2);
        put(&o, extra, 2);
        if (e->size >= WIDE) {
            put(&o, e->size, 8);
            put(&o, e->size, 8);
        }
        if (e->offset >= WIDE)
            put(&o, e->offset, 8);
    }
    return (size_t)(o.p - to);
}

size_t headers_end(uint8_t *to, uint64_t n, uint64_t at, uint64_t len)
{
    struct out o = {to};
    if (n >= UINT16_MAX || at >= WIDE || len >= WIDE) {
        put(&o, END64_MAGIC, 4);
        put(&o, 44, 8); /* bytes of this record that follow */
        put(&o, MADE_BY, 2);
        put(&o, VERSION_64, 2);
        put(&o, 0, 4); /* this disk */
        put(&o, 0, 4); /* that of the directory */
        put(&o, n, 8); /* on this disk */
        put(&o, n, 8);
        put(&o, len, 8);
        put(&o, at, 8);
        put(&o, LOCATOR_MAGIC, 4);
        put(&o, 0, 4);
        put(&o, at + len, 8);
        put(&o, 1, 4); /* disks */
    }
    put(&o, END_MAGIC, 4);
    put(&o, 0, 2);
    put(&o, 0, 2);
    put(&o, n < UINT16_MAX ? n : UINT16_MAX, 2);
    put(&o, n < UINT16_MAX ? n : UINT16_MAX, 2);
    put(&o, narrow(len), 4);
    put(&o, narrow(at), 4);
    put(&o, 0, 2); /* comment */
    return (size_t)(o.p - to);
}

bool headers_ends(const uint8_t *p, size_t len)
{
    static const uint8_t magic[] = {'P', 'K', 5, 6};
    enum { END = 22 };
    return len >= END && memcmp(p + len - END, magic, sizeof magic) == 0;
}
