/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compressed data of every format that this build reads, by the format's own library. Each call
 * makes one member, frame or stream, with a checksum of its contents.
 */
#ifndef CLEAVE_SUPPORT_COMPRESS_H
#define CLEAVE_SUPPORT_COMPRESS_H

#include "config.h"
#include "support_bytes.h"

#if HAVE_ZLIB
#include <zlib.h>
#endif
#if HAVE_ZSTD
#include <zstd.h>
#endif
#if HAVE_LZ4
#include <lz4frame.h>
#endif
#if HAVE_LZMA
#include <lzma.h>
#endif
#if HAVE_BZIP2
#include <bzlib.h>
#endif

enum compression { GZIP, ZSTD, LZ4, XZ, BZIP2, COMPRESSIONS };

struct compression_row {
    const char *name;
    size_t magic_len;
    bool there; /* this build reads it */
};

static const struct compression_row compressions[COMPRESSIONS] = {
    [GZIP] = {"gzip", 2, HAVE_ZLIB},    [ZSTD] = {"zstd", 4, HAVE_ZSTD},
    [LZ4] = {"lz4", 4, HAVE_LZ4},       [XZ] = {"xz", 6, HAVE_LZMA},
    [BZIP2] = {"bzip2", 3, HAVE_BZIP2},
};

/* false: this build lacks the library, and says so. */
static inline bool compression_there(enum compression c)
{
    if (!compressions[c].there)
        print_message("%s is skipped: this build lacks its library\n", compressions[c].name);
    return compressions[c].there;
}

#if HAVE_ZLIB
static inline void put_gzip(struct bytes *b, const void *p, size_t n)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t bound = deflateBound(&z, n);
    z.next_in = (Bytef *)(uintptr_t)p;
    z.avail_in = (unsigned)n;
    z.next_out = bytes_more(b, bound);
    z.avail_out = (unsigned)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    b->len -= z.avail_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
}
#endif

#if HAVE_ZSTD
static inline void put_zstd(struct bytes *b, const void *p, size_t n)
{
    const size_t bound = ZSTD_compressBound(n);
    ZSTD_CCtx *z = ZSTD_createCCtx();
    assert_non_null(z);
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1)));
    const size_t len = ZSTD_compress2(z, bytes_more(b, bound), bound, p, n);
    assert_false(ZSTD_isError(len));
    b->len -= bound - len;
    (void)ZSTD_freeCCtx(z);
}
#endif

#if HAVE_LZ4
static inline void put_lz4(struct bytes *b, const void *p, size_t n)
{
    const LZ4F_preferences_t prefs = {
        .frameInfo = {.blockSizeID = LZ4F_max64KB,
                      .contentChecksumFlag = LZ4F_contentChecksumEnabled}};
    const size_t bound = LZ4F_compressFrameBound(n, &prefs);
    const size_t len = LZ4F_compressFrame(bytes_more(b, bound), bound, p, n, &prefs);
    assert_false(LZ4F_isError(len));
    b->len -= bound - len;
}
#endif

#if HAVE_LZMA
static inline void put_xz(struct bytes *b, const void *p, size_t n)
{
    const size_t bound = lzma_stream_buffer_bound(n);
    size_t len = 0;
    assert_int_equal(
        lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, p, n, bytes_more(b, bound), &len, bound),
        LZMA_OK);
    b->len -= bound - len;
}
#endif

#if HAVE_BZIP2
static inline void put_bzip2(struct bytes *b, const void *p, size_t n)
{
    unsigned len = (unsigned)(n + n / 100 + 600);
    const unsigned bound = len;
    assert_int_equal(BZ2_bzBuffToBuffCompress((char *)bytes_more(b, bound), &len,
                                              (char *)(uintptr_t)p, (unsigned)n, 1, 0, 0),
                     BZ_OK);
    b->len -= bound - len;
}
#endif

static inline void put_compressed(struct bytes *b, enum compression c, const void *p, size_t n)
{
    static const uint8_t nothing = 0;
    (void)b; /* in a build without all of them */
    p = n ? p : &nothing;
    switch (c) {
#if HAVE_ZLIB
    case GZIP:
        put_gzip(b, p, n);
        return;
#endif
#if HAVE_ZSTD
    case ZSTD:
        put_zstd(b, p, n);
        return;
#endif
#if HAVE_LZ4
    case LZ4:
        put_lz4(b, p, n);
        return;
#endif
#if HAVE_LZMA
    case XZ:
        put_xz(b, p, n);
        return;
#endif
#if HAVE_BZIP2
    case BZIP2:
        put_bzip2(b, p, n);
        return;
#endif
    default:
        fail_msg("a format that this build lacks: compression_there() was not asked");
    }
}

#endif
