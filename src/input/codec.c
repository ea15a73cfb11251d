/* SPDX-License-Identifier: BSD-2-Clause */
#include "input/codec.h"

#include "base/mem.h"
#include "config.h"

#if HAVE_ZLIB || HAVE_ZSTD || HAVE_LZ4 || HAVE_LZMA || HAVE_BZIP2
/* So many bytes were taken, and so many made. */
static void went_on(struct codec_io *io, size_t in, size_t out)
{
    io->in += in;
    io->in_len -= in;
    io->out += out;
    io->out_len -= out;
}
#endif

#if HAVE_ZLIB || HAVE_BZIP2
/*
 * Between members: is there another one? Padding and what gzip calls trailing garbage are no
 * member, and end the input as they do for the formats' own tools.
 */
static bool another(const struct codec_io *io, const char *magic, size_t len)
{
    return io->in_len >= len && memcmp(io->in, magic, len) == 0;
}
#endif

#if HAVE_ZLIB
#include <zlib.h>

static void *gzip_open(void)
{
    z_stream *z = mem_zalloc(1, sizeof *z);
    if (z && inflateInit2(z, 15 + 16) == Z_OK)
        return z;
    mem_free(z);
    return NULL;
}

static unsigned at_most_uint(size_t n)
{
    return n < 1U << 30 ? (unsigned)n : 1U << 30;
}

static enum codec_step gzip_step(void *state, struct codec_io *io, const char **why)
{
    z_stream *z = state;
    z->next_in = (Bytef *)(uintptr_t)io->in;
    const unsigned in_len = z->avail_in = at_most_uint(io->in_len);
    z->next_out = io->out;
    const unsigned out_len = z->avail_out = at_most_uint(io->out_len);
    const int status = inflate(z, Z_NO_FLUSH);
    went_on(io, in_len - z->avail_in, out_len - z->avail_out);
    if (status == Z_STREAM_END) {
        if (io->in_len < 2 && !io->in_ended)
            return CODEC_MORE; /* called again with more, inflate() says Z_STREAM_END again */
        if (!another(io, "\x1f\x8b", 2))
            return CODEC_END;
        (void)inflateReset(z);
        return CODEC_MORE;
    }
    if (status == Z_OK || status == Z_BUF_ERROR)
        return io->in_ended && io->in_len == 0 && io->out_len ? CODEC_CUT : CODEC_MORE;
    if (status == Z_MEM_ERROR)
        return CODEC_NOMEM;
    *why = z->msg ? z->msg : "not gzip data";
    return CODEC_BAD;
}

static void gzip_close(void *state)
{
    (void)inflateEnd(state);
    mem_free(state);
}
#endif

#if HAVE_ZSTD
#include <zstd.h>
#include <zstd_errors.h>

struct zstd {
    ZSTD_DStream *d;
    bool inside; /* a frame */
};

static void *zstd_open(void)
{
    struct zstd *z = mem_zalloc(1, sizeof *z);
    if (z && (z->d = ZSTD_createDStream()))
        return z;
    mem_free(z);
    return NULL;
}

static enum codec_step zstd_step(void *state, struct codec_io *io, const char **why)
{
    struct zstd *z = state;
    ZSTD_inBuffer in = {io->in, io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->out_len, 0};
    if (io->in_len == 0 && !z->inside)
        return io->in_ended ? CODEC_END : CODEC_MORE;
    const size_t status = ZSTD_decompressStream(z->d, &out, &in);
    went_on(io, in.pos, out.pos);
    if (ZSTD_isError(status)) {
        if (ZSTD_getErrorCode(status) == ZSTD_error_memory_allocation)
            return CODEC_NOMEM;
        *why = ZSTD_getErrorName(status);
        return CODEC_BAD;
    }
    z->inside = status != 0;
    if (z->inside && io->in_ended && io->in_len == 0 && io->out_len)
        return CODEC_CUT;
    return CODEC_MORE;
}

static void zstd_close(void *state)
{
    struct zstd *z = state;
    (void)ZSTD_freeDStream(z->d);
    mem_free(z);
}
#endif

#if HAVE_LZ4
#include <lz4frame.h>

struct lz4 {
    LZ4F_dctx *d;
    bool inside;
};

static void *lz4_open(void)
{
    struct lz4 *z = mem_zalloc(1, sizeof *z);
    if (z && !LZ4F_isError(LZ4F_createDecompressionContext(&z->d, LZ4F_VERSION)))
        return z;
    mem_free(z);
    return NULL;
}

static enum codec_step lz4_step(void *state, struct codec_io *io, const char **why)
{
    struct lz4 *z = state;
    size_t in_len = io->in_len, out_len = io->out_len;
    if (in_len == 0 && !z->inside)
        return io->in_ended ? CODEC_END : CODEC_MORE;
    const size_t status = LZ4F_decompress(z->d, io->out, &out_len, io->in, &in_len, NULL);
    if (LZ4F_isError(status)) {
        if (strcmp(LZ4F_getErrorName(status), "ERROR_allocation_failed") == 0)
            return CODEC_NOMEM; /* the codes have no stable header */
        *why = LZ4F_getErrorName(status);
        return CODEC_BAD;
    }
    went_on(io, in_len, out_len);
    z->inside = status != 0;
    if (z->inside && io->in_ended && io->in_len == 0 && io->out_len)
        return CODEC_CUT;
    return CODEC_MORE;
}

static void lz4_close(void *state)
{
    struct lz4 *z = state;
    (void)LZ4F_freeDecompressionContext(z->d);
    mem_free(z);
}
#endif

#if HAVE_LZMA
#include <lzma.h>

enum { XZ_MEMORY = 512 << 20 }; /* bytes; the strongest preset needs 65 MiB */

static void *xz_open(void)
{
    const lzma_stream fresh = LZMA_STREAM_INIT;
    lzma_stream *z = mem_alloc(1, sizeof *z);
    if (!z)
        return NULL;
    *z = fresh;
    if (lzma_stream_decoder(z, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK)
        return z;
    mem_free(z);
    return NULL;
}

static enum codec_step xz_step(void *state, struct codec_io *io, const char **why)
{
    lzma_stream *z = state;
    z->next_in = io->in;
    z->avail_in = io->in_len;
    z->next_out = io->out;
    z->avail_out = io->out_len;
    const lzma_ret status = lzma_code(z, io->in_ended ? LZMA_FINISH : LZMA_RUN);
    went_on(io, io->in_len - z->avail_in, io->out_len - z->avail_out);
    switch (status) {
    case LZMA_STREAM_END:
        return CODEC_END;
    case LZMA_OK:
        return CODEC_MORE;
    case LZMA_BUF_ERROR:
        return io->in_ended && io->out_len ? CODEC_CUT : CODEC_MORE;
    case LZMA_MEM_ERROR:
        return CODEC_NOMEM;
    case LZMA_MEMLIMIT_ERROR:
        *why = "its dictionary needs more than 512 MiB";
        return CODEC_BAD;
    default:
        *why = "corrupt xz data";
        return CODEC_BAD;
    }
}

static void xz_close(void *state)
{
    lzma_end(state);
    mem_free(state);
}
#endif

#if HAVE_BZIP2
#include <bzlib.h>

struct bzip2 {
    bz_stream z;
    bool open, over;
};

static void *bzip2_open(void)
{
    struct bzip2 *b = mem_zalloc(1, sizeof *b);
    if (b && (b->open = BZ2_bzDecompressInit(&b->z, 0, 0) == BZ_OK))
        return b;
    mem_free(b);
    return NULL;
}

static enum codec_step bzip2_step(void *state, struct codec_io *io, const char **why)
{
    struct bzip2 *b = state;
    enum { MAGIC = 3, MOST = 1 << 30 };
    if (b->over) { /* a member ended: another may follow */
        if (io->in_len < MAGIC && !io->in_ended)
            return CODEC_MORE;
        if (!another(io, "BZh", MAGIC))
            return CODEC_END;
        (void)BZ2_bzDecompressEnd(&b->z);
        memset(&b->z, 0, sizeof b->z);
        b->open = BZ2_bzDecompressInit(&b->z, 0, 0) == BZ_OK;
        b->over = false;
        if (!b->open)
            return CODEC_NOMEM;
    }
    b->z.next_in = (char *)(uintptr_t)io->in;
    const unsigned in_len = b->z.avail_in = (unsigned)min_u64(io->in_len, MOST);
    b->z.next_out = (char *)io->out;
    const unsigned out_len = b->z.avail_out = (unsigned)min_u64(io->out_len, MOST);
    const int status = BZ2_bzDecompress(&b->z);
    went_on(io, in_len - b->z.avail_in, out_len - b->z.avail_out);
    if (status == BZ_STREAM_END) {
        b->over = true;
        return CODEC_MORE;
    }
    if (status == BZ_MEM_ERROR)
        return CODEC_NOMEM;
    if (status != BZ_OK) {
        *why = "corrupt bzip2 data";
        return CODEC_BAD;
    }
    return io->in_ended && io->in_len == 0 && io->out_len ? CODEC_CUT : CODEC_MORE;
}

static void bzip2_close(void *state)
{
    struct bzip2 *b = state;
    if (b->open)
        (void)BZ2_bzDecompressEnd(&b->z);
    mem_free(b);
}
#endif

#if HAVE_ZLIB
#define GZIP_CODEC gzip_open, gzip_step, gzip_close
#else
#define GZIP_CODEC NULL, NULL, NULL
#endif
#if HAVE_ZSTD
#define ZSTD_CODEC zstd_open, zstd_step, zstd_close
#else
#define ZSTD_CODEC NULL, NULL, NULL
#endif
#if HAVE_LZ4
#define LZ4_CODEC lz4_open, lz4_step, lz4_close
#else
#define LZ4_CODEC NULL, NULL, NULL
#endif
#if HAVE_LZMA
#define XZ_CODEC xz_open, xz_step, xz_close
#else
#define XZ_CODEC NULL, NULL, NULL
#endif
#if HAVE_BZIP2
#define BZIP2_CODEC bzip2_open, bzip2_step, bzip2_close
#else
#define BZIP2_CODEC NULL, NULL, NULL
#endif

const struct codec *codec_for(const uint8_t *p, size_t n)
{
    /* clang-format off */
    static const struct codec codecs[] = {
        {"gzip", "\x1f\x8b", 2, GZIP_CODEC, "gzip -dc"},
        {"zstd", "\x28\xb5\x2f\xfd", 4, ZSTD_CODEC, "zstd -dc"},
        {"lz4", "\x04\x22\x4d\x18", 4, LZ4_CODEC, "lz4 -dc"},
        {"xz", "\xfd""7zXZ\0", 6, XZ_CODEC, "xz -dc"},
        {"bzip2", "BZh", 3, BZIP2_CODEC, "bzip2 -dc"},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (n >= codecs[i].magic_len && memcmp(p, codecs[i].magic, codecs[i].magic_len) == 0)
            return &codecs[i];
    return NULL;
}
