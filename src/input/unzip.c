/* SPDX-License-Identifier: BSD-2-Clause */
#include "input/unzip.h"

#include <errno.h>

/* Sections of APPNOTE.TXT. */
#define LOCAL_MAGIC UINT32_C(0x04034b50)      /* 4.3.7 */
#define DESCRIPTOR_MAGIC UINT32_C(0x08074b50) /* 4.3.9.3 */
#define ENTRY_MAGIC UINT32_C(0x02014b50)      /* 4.3.12 */
#define SIGNATURE_MAGIC UINT32_C(0x05054b50)  /* 4.3.13 */
#define END64_MAGIC UINT32_C(0x06064b50)      /* 4.3.14 */
#define LOCATOR_MAGIC UINT32_C(0x07064b50)    /* 4.3.15 */
#define END_MAGIC UINT32_C(0x06054b50)        /* 4.3.16 */

enum {
    LOCAL_LEN = 30,
    ENTRY_LEN = 46,
    END64_LEN = 56,
    END64_BEFORE = 12, /* bytes that the record's own length does not count */
    LOCATOR_LEN = 20,
    END_LEN = 22,
    COMMENT_MAX = 65535,
    BLOCK_HEADER = 4, /* 4.5.1, of an extra field */
    ZIP64_BLOCK = 1,  /* 4.5.3 */
};

static bool has(const struct unzip *z, uint64_t at, uint64_t len)
{
    return at <= z->map.size && len <= z->map.size - at;
}

static bool is(const struct unzip *z, uint64_t at, uint32_t magic)
{
    return has(z, at, 4) && load_le32(z->map.p + at) == magic;
}

static bool bad(const struct unzip *z, uint64_t at, struct clv_error *err, const char *what)
{
    (void)clv_fail(err, CLV_ERR_FORMAT, z->path, "zip archive: %s", what);
    return clv_fail_at(err, at, 0);
}

/* Of those whose comment ends where the file ends the last one, or of all. */
static bool find_end(const struct unzip *z, uint64_t *at)
{
    const uint64_t size = z->map.size;
    const uint64_t last = size < END_LEN ? 0 : size - END_LEN;
    const uint64_t first = last - min_u64(last, COMMENT_MAX);
    bool found = false;
    for (uint64_t i = last + 1; size >= END_LEN && i-- > first;) {
        const uint8_t *p = z->map.p + i;
        if (CLV_LIKELY(*p != (uint8_t)END_MAGIC) || load_le32(p) != END_MAGIC)
            continue;
        const uint64_t over = i + END_LEN + load_le16(p + 20);
        if (over == size || (over < size && !found))
            *at = i;
        found |= over <= size;
        if (over == size)
            break;
    }
    return found;
}

/* What end records say. */
struct end {
    uint32_t disk, first_disk; /* numbers: this one, the one on which the directory begins */
    uint64_t n_here, n;        /* members */
    uint64_t len, offset;      /* of the directory */
};

/* A field of 16 or 32 bits is the low bits of the wide one, or says that that one counts. */
static bool agrees(uint64_t narrow, uint64_t max, uint64_t wide)
{
    return narrow == max || narrow == wide;
}

/* The end record of 64 bits, if there is one before the other. */
static bool read_end64(struct unzip *z, struct end *e, struct clv_error *err)
{
    const uint64_t size = LOCATOR_LEN, locator = z->end - size;
    if (z->end < size || !is(z, locator, LOCATOR_MAGIC))
        return true;
    uint64_t at = load_le64(z->map.p + locator + 8);
    if (at > locator || locator - at < END64_LEN || !is(z, at, END64_MAGIC))
        at = locator - END64_LEN; /* it does not count what was put before the archive */
    if (locator < END64_LEN || !is(z, at, END64_MAGIC))
        return bad(z, locator, err, "its zip64 end record is not where it should be");
    const uint8_t *p = z->map.p + at;
    const uint64_t len = load_le64(p + 4);
    if (len < END64_LEN - END64_BEFORE || len > locator - at - END64_BEFORE)
        return bad(z, at, err, "its zip64 end record has an impossible length");
    const struct end wide = {
        .disk = load_le32(p + 16),
        .first_disk = load_le32(p + 20),
        .n_here = load_le64(p + 24),
        .n = load_le64(p + 32),
        .len = load_le64(p + 40),
        .offset = load_le64(p + 48),
    };
    if (!agrees(e->disk, UINT16_MAX, wide.disk) ||
        !agrees(e->first_disk, UINT16_MAX, wide.first_disk) ||
        !agrees(e->n_here, UINT16_MAX, wide.n_here) || !agrees(e->n, UINT16_MAX, wide.n) ||
        !agrees(e->len, UINT32_MAX, wide.len) || !agrees(e->offset, UINT32_MAX, wide.offset))
        return bad(z, z->end, err, "its two end records do not agree");
    *e = wide;
    z->zip64 = true;
    z->end = at;
    return true;
}

/*
 * The directory ends where the end begins, and what is said of where it begins does not count bytes
 * that were put before the archive; or other bytes lie between the two, and it does.
 */
static bool place_directory(struct unzip *z, const struct end *e, struct clv_error *err)
{
    if (e->len > z->end || e->offset > z->end - e->len)
        return bad(z, z->end, err, "its directory does not fit before its end");
    z->shift = z->end - e->len - e->offset;
    if (e->len && !is(z, e->offset + z->shift, ENTRY_MAGIC) && is(z, e->offset, ENTRY_MAGIC))
        z->shift = 0;
    z->directory = e->offset + z->shift;
    z->directory_len = e->len;
    z->n = e->n;
    return e->n <= e->len / ENTRY_LEN ||
           bad(z, z->end, err, "its directory is too short for its members");
}

static bool read_end(struct unzip *z, struct clv_error *err)
{
    if (!find_end(z, &z->end)) {
        (void)clv_fail(err, CLV_ERR_FORMAT, z->path, "zip archive: its end is missing");
        (void)clv_fail_hint(err, "it may have been cut short; zip -FF recovers what is left");
        return clv_fail_at(err, z->map.size, 0);
    }
    const uint8_t *p = z->map.p + z->end;
    struct end e = {
        .disk = load_le16(p + 4),
        .first_disk = load_le16(p + 6),
        .n_here = load_le16(p + 8),
        .n = load_le16(p + 10),
        .len = load_le32(p + 12),
        .offset = load_le32(p + 16),
    };
    z->over = z->end + END_LEN + load_le16(p + 20);
    if (!read_end64(z, &e, err))
        return false;
    if (e.disk || e.first_disk || e.n_here != e.n) {
        (void)bad(z, z->end, err, "it is one part of several");
        return clv_fail_hint(err, "put the parts together first: zip -s 0 FILE.zip --out ONE.zip");
    }
    return place_directory(z, &e, err);
}

bool unzip_open(struct unzip *z, const char *path, int fd, uint64_t size, struct clv_error *err)
{
    *z = (struct unzip){.path = path};
    errno = ENOMEM; /* where no call says why */
    if (!map_open(&z->map, path, fd, 0, size)) {
        (void)clv_fail_errno(err, path, "zip archive: cannot be mapped");
        return clv_fail_hint(err, "unpack it first: unzip %.100s", path);
    }
    bool ok = read_end(z, err);
    ok = unzip_check(z, err) && ok; /* where it is not, that is the cause */
    if (!ok)
        unzip_close(z);
    return ok;
}

bool unzip_lend(struct unzip *z, const char *path, const uint8_t *p, size_t len,
                struct clv_error *err)
{
    *z = (struct unzip){.path = path};
    map_lend(&z->map, path, p, len);
    return read_end(z, err);
}

void unzip_close(struct unzip *z)
{
    map_close(&z->map);
}

bool unzip_check(const struct unzip *z, struct clv_error *err)
{
    return map_check(&z->map, err);
}

/* Takes the next eight bytes of a zip64 block for a field that says so. */
static bool widen(uint64_t *field, struct clv_span *block)
{
    if (*field != UINT32_MAX)
        return true;
    if (block->len < 8)
        return false;
    *field = load_le64(block->p);
    block->p += 8;
    block->len -= 8;
    return true;
}

/* The block of extra fields that has the fields of 64 bits. What is no block ends them. */
static bool find_zip64(struct clv_span extra, struct clv_span *block)
{
    while (extra.len >= BLOCK_HEADER) {
        const size_t len = load_le16(extra.p + 2);
        if (len > extra.len - BLOCK_HEADER)
            return false;
        *block = (struct clv_span){extra.p + BLOCK_HEADER, len};
        if (load_le16(extra.p) == ZIP64_BLOCK)
            return true;
        extra.p += BLOCK_HEADER + len;
        extra.len -= BLOCK_HEADER + len;
    }
    return false;
}

/*
 * At p is the field "version needed", from which on the two headers are alike; name and extra
 * follow the header, and are known to be there. header: NULL, there is none. false: the zip64 block
 * lacks what it should have.
 */
static bool read_fields(struct unzip_fields *f, const uint8_t *p, struct clv_span name,
                        size_t extra_len, uint64_t *header)
{
    struct clv_span block;
    *f = (struct unzip_fields){
        .needs = load_le16(p),
        .flags = load_le16(p + 2),
        .method = load_le16(p + 4),
        .time = load_le16(p + 6),
        .date = load_le16(p + 8),
        .crc = load_le32(p + 10),
        .packed = load_le32(p + 14),
        .size = load_le32(p + 18),
        .name = name,
        .extra = {name.p + name.len, extra_len},
    };
    return !find_zip64(f->extra, &block) || (widen(&f->size, &block) && widen(&f->packed, &block) &&
                                             (!header || widen(header, &block)));
}

bool unzip_entry(const struct unzip *z, uint64_t entry, struct unzip_member *m,
                 struct clv_error *err)
{
    const uint64_t limit = z->directory + z->directory_len;
    if (entry < z->directory || entry > limit || limit - entry < ENTRY_LEN ||
        !is(z, entry, ENTRY_MAGIC))
        return bad(z, entry, err, "an entry of its directory is missing here");
    const uint8_t *p = z->map.p + entry;
    const size_t name_len = load_le16(p + 28), extra_len = load_le16(p + 30),
                 comment_len = load_le16(p + 32), len = name_len + extra_len + comment_len;
    if (limit - entry - ENTRY_LEN < len)
        return bad(z, entry, err, "an entry of its directory is cut short");
    *m = (struct unzip_member){
        .made_by = load_le16(p + 4),
        .comment = {p + ENTRY_LEN + name_len + extra_len, comment_len},
        .disk = load_le16(p + 34),
        .internal = load_le16(p + 36),
        .external = load_le32(p + 38),
        .header = load_le32(p + 42),
        .entry = entry,
        .entry_len = ENTRY_LEN + len,
    };
    if (m->disk != 0 && m->disk != UINT16_MAX)
        return bad(z, entry, err, "a member is in another part of several");
    const struct clv_span name = {p + ENTRY_LEN, name_len};
    if (name_len && memchr(name.p, 0, name_len))
        return bad(z, entry, err, "a member's name contains a NUL byte");
    if (!read_fields(&m->central, p + 6, name, extra_len, &m->header))
        return bad(z, entry, err, "an entry of its directory lacks its 64-bit sizes");
    if (m->header > z->directory || z->shift > z->directory - m->header)
        return bad(z, entry, err, "a member would begin after the directory does");
    m->header += z->shift;
    return true;
}

enum unzip_step unzip_next(const struct unzip *z, struct unzip_cursor *c, struct unzip_member *m,
                           struct clv_error *err)
{
    const uint64_t entry = z->directory + c->at;
    if (c->at == z->directory_len || is(z, entry, SIGNATURE_MAGIC)) {
        if (c->n == z->n || (!z->zip64 && (uint16_t)c->n == z->n))
            return UNZIP_END;
        (void)bad(z, z->end, err,
                  "the number of members in its directory differs from the one in its end record");
        return UNZIP_BAD;
    }
    if (!unzip_entry(z, entry, m, err))
        return UNZIP_BAD;
    const uint64_t len = LOCAL_LEN + m->central.name.len;
    if (len > z->directory - c->bytes || m->central.packed > z->directory - c->bytes - len) {
        (void)bad(z, entry, err, "its members are larger than the archive: they overlap");
        return UNZIP_BAD;
    }
    c->bytes += len + m->central.packed;
    c->at += m->entry_len;
    c->n++;
    return UNZIP_MEMBER;
}

/* 4.3.9: with or without magic number, sizes of 32 or 64 bits. Returns its length; 0: none fits. */
static uint64_t descriptor_len(const struct unzip *z, const struct unzip_fields *f, uint64_t at)
{
    for (unsigned i = 0; i < 4; i++) {
        const uint64_t magic = i & 1 ? 0 : 4, width = i & 2 ? 8 : 4;
        const uint64_t len = magic + 4 + 2 * width;
        if (at > z->directory || len > z->directory - at || (magic && !is(z, at, DESCRIPTOR_MAGIC)))
            continue;
        const uint8_t *p = z->map.p + at + magic;
        if (load_le32(p) == f->crc &&
            (width == 4 ? load_le32(p + 4) == f->packed && load_le32(p + 8) == f->size
                        : load_le64(p + 4) == f->packed && load_le64(p + 12) == f->size))
            return len;
    }
    return 0;
}

bool unzip_locate(const struct unzip *z, struct unzip_member *m, struct clv_error *err)
{
    const struct unzip_fields *const c = &m->central;
    struct unzip_fields *const l = &m->local;
    const uint64_t at = m->header, room = z->directory - at; /* at is within: unzip_entry() */
    if (room < LOCAL_LEN || !is(z, at, LOCAL_MAGIC))
        return bad(z, at, err, "a local header is missing here");
    const uint8_t *p = z->map.p + at;
    const struct clv_span name = {p + LOCAL_LEN, load_le16(p + 26)};
    const size_t extra_len = load_le16(p + 28);
    const uint64_t len = LOCAL_LEN + name.len + extra_len;
    if (room < len || room - len < c->packed)
        return bad(z, at, err, "a member runs into the directory");
    if (!read_fields(l, p + 4, name, extra_len, NULL))
        return bad(z, at, err, "a local header lacks its 64-bit sizes");
    if (l->name.len != c->name.len || memcmp(l->name.p, c->name.p, c->name.len) != 0)
        return bad(z, at, err, "a local header and the directory disagree about a name");
    if (l->method != c->method || (l->flags ^ c->flags) & UNZIP_ENCRYPTED)
        return bad(z, at, err, "a local header and the directory disagree about a method");
    const bool described = l->flags & UNZIP_DESCRIPTOR;
    if (!described && (l->crc != c->crc || l->packed != c->packed || l->size != c->size))
        return bad(z, at, err, "a local header and the directory disagree about sizes or a CRC");
    m->data = at + len;
    m->over = m->data + c->packed;
    const uint64_t descriptor = described ? descriptor_len(z, c, m->over) : 0;
    m->described = descriptor != 0;
    m->over += descriptor;
    return true;
}

bool unzip_begins(const uint8_t *p, size_t n)
{
    const uint32_t magic = n >= 4 ? load_le32(p) : 0;
    return magic == LOCAL_MAGIC || magic == END_MAGIC || magic == END64_MAGIC;
}

const char *unzip_method(uint16_t method)
{
    static const struct {
        uint16_t method;
        const char *name;
    } names[] = {
        {0, "stored"},   {1, "shrunk"}, {6, "imploded"}, {8, "deflated"}, {9, "deflate64"},
        {12, "bzip2"},   {14, "LZMA"},  {93, "zstd"},    {95, "xz"},      {96, "JPEG"},
        {97, "WavPack"}, {98, "PPMd"},  {99, "AES"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].method == method)
            return names[i].name;
    return NULL;
}
