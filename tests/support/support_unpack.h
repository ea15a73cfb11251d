/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of zstd and members of gzip taken apart, each by the format's own library.
 */
#ifndef CLEAVE_SUPPORT_UNPACK_H
#define CLEAVE_SUPPORT_UNPACK_H

#include "format/pack.h"
#include "support_compress.h"

/* Runs the test for each kind that this build has a library for, and says which it lacks. */
static inline void for_each_packer(void (*test)(enum clv_compress kind))
{
    if (compression_there(ZSTD))
        test(CLV_COMPRESS_ZSTD);
    if (compression_there(GZIP))
        test(CLV_COMPRESS_GZIP);
}

#if HAVE_ZLIB
static inline size_t unpack_gzip(const char *row, const uint8_t *p, size_t n, struct bytes *out)
{
    z_stream z = {0};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)p;
    z.avail_in = (unsigned)n;
    z.next_out = bytes_more(out, PACK_STRETCH + 1);
    z.avail_out = PACK_STRETCH + 1;
    CHECK_EQ(row, inflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t used = n - z.avail_in;
    out->len -= z.avail_out;
    assert_int_equal(inflateEnd(&z), Z_OK);
    return used;
}
#endif

#if HAVE_ZSTD
/* The frame's header says how much it holds, and that a checksum follows. */
static inline size_t unpack_zstd(const char *row, const uint8_t *p, size_t n, struct bytes *out)
{
    const size_t used = ZSTD_findFrameCompressedSize(p, n);
    CHECK(row, !ZSTD_isError(used));
    CHECK(row, p[4] & 4);
    const unsigned long long len = ZSTD_getFrameContentSize(p, n);
    CHECK(row, len <= PACK_STRETCH);
    CHECK_EQ(row, ZSTD_decompress(bytes_more(out, (size_t)len), (size_t)len, p, used), len);
    return used;
}
#endif

/* Appends what the first frame or member of the n bytes at p holds. Returns its own length. */
static inline size_t unpack_one(const char *row, enum clv_compress kind, const uint8_t *p, size_t n,
                                struct bytes *out)
{
    (void)row, (void)p, (void)n, (void)out; /* unread where nothing packs */
    switch (kind) {
#if HAVE_ZLIB
    case CLV_COMPRESS_GZIP:
        return unpack_gzip(row, p, n, out);
#endif
#if HAVE_ZSTD
    case CLV_COMPRESS_ZSTD:
        return unpack_zstd(row, p, n, out);
#endif
    default:
        fail_msg("a format that this build lacks: for_each_packer() leaves it out");
        return 0;
    }
}

/*
 * Takes len bytes of plain content out of the file at p, which has them in stretches, and behind
 * those, if not all is packed, as they are. Gives the content; nothing else may be in the file.
 */
static inline struct bytes unpack_file(const char *row, enum clv_compress kind,
                                       const struct bytes *file, size_t len, bool all)
{
    struct bytes plain = {0};
    size_t at = 0;
    assert_true(file->p || len == 0);
    while (plain.len < len) {
        const size_t before = plain.len, rest = len - before;
        if (!all && rest < PACK_STRETCH) {
            CHECK_EQ(row, file->len - at, rest);
            put_bytes(&plain, file->p + at, rest);
            at += rest;
            break;
        }
        at += unpack_one(row, kind, file->p + at, file->len - at, &plain);
        CHECK_EQ(row, plain.len - before, rest < PACK_STRETCH ? rest : PACK_STRETCH);
    }
    CHECK_EQ(row, at, file->len);
    return plain;
}

#endif
