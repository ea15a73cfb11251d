/* SPDX-License-Identifier: BSD-2-Clause */
#include "input/codec.h"

#include "base/mem.h"
#include "base/port.h"
#include "config.h"

/* So many bytes were taken, and so many made. */
static void went_on(struct codec_io *io, size_t in, size_t out)
{
    io->in += in;
    io->in_len -= in;
    io->out += out;
    io->out_len -= out;
}

#if HAVE_ZLIB
#include <zlib.h>

enum { WINDOW_BITS = 15 };

static void *inflate_open(int window_bits)
{
    z_stream *z = mem_zalloc(1, sizeof *z);
    if (z && inflateInit2(z, window_bits) == Z_OK)
        return z;
    mem_free(z);
    return NULL;
}

static void *gzip_open(void)
{
    return inflate_open(WINDOW_BITS + 16);
}

static void *deflate_open(void)
{
    return inflate_open(-WINDOW_BITS); /* without a header */
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
    if (status == Z_STREAM_END)
        return CODEC_END;
    if (status == Z_OK || status == Z_BUF_ERROR)
        return io->in_ended && io->in_len == 0 && io->out_len ? CODEC_CUT : CODEC_MORE;
    if (status == Z_MEM_ERROR)
        return CODEC_NOMEM;
    *why = z->msg ? z->msg : "corrupt data";
    return CODEC_BAD;
}

static bool gzip_again(void *state)
{
    return inflateReset(state) == Z_OK;
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

/*
 * Windows as zstd --long makes them, up to 2 GiB, where they take no more than a quarter of this
 * machine's memory; 128 MiB always, as zstd itself reads them unasked (RFC 8878,
 * section 3.1.1.1.2).
 */
static int window_log(void)
{
    const ZSTD_bounds bounds = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax);
    int log = 27;
    while (log < bounds.upperBound && UINT64_C(4) << (log + 1) <= port_memory())
        log++;
    return log;
}

static void *zstd_open(void)
{
    ZSTD_DStream *d = ZSTD_createDStream();
    if (d)
        (void)ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, window_log());
    return d;
}

static enum codec_step zstd_step(void *state, struct codec_io *io, const char **why)
{
    ZSTD_inBuffer in = {io->in, io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->out_len, 0};
    const size_t status = ZSTD_decompressStream(state, &out, &in);
    went_on(io, in.pos, out.pos);
    if (ZSTD_isError(status)) {
        if (ZSTD_getErrorCode(status) == ZSTD_error_memory_allocation)
            return CODEC_NOMEM;
        *why = ZSTD_getErrorName(status);
        return ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge ? CODEC_LIMIT
                                                                                     : CODEC_BAD;
    }
    if (status == 0)
        return CODEC_END;
    return io->in_ended && io->in_len == 0 && io->out_len ? CODEC_CUT : CODEC_MORE;
}

static void zstd_close(void *state)
{
    (void)ZSTD_freeDStream(state);
}
#endif

#if HAVE_LZ4
#include <lz4frame.h>

static void *lz4_open(void)
{
    LZ4F_dctx *d;
    return LZ4F_isError(LZ4F_createDecompressionContext(&d, LZ4F_VERSION)) ? NULL : d;
}

static enum codec_step lz4_step(void *state, struct codec_io *io, const char **why)
{
    size_t in_len = io->in_len, out_len = io->out_len;
    const size_t status = LZ4F_decompress(state, io->out, &out_len, io->in, &in_len, NULL);
    if (LZ4F_isError(status)) {
        if (strcmp(LZ4F_getErrorName(status), "ERROR_allocation_failed") == 0)
            return CODEC_NOMEM; /* the codes have no stable header */
        *why = LZ4F_getErrorName(status);
        return CODEC_BAD;
    }
    went_on(io, in_len, out_len);
    if (status == 0)
        return CODEC_END;
    return io->in_ended && io->in_len == 0 && io->out_len ? CODEC_CUT : CODEC_MORE;
}

static void lz4_close(void *state)
{
    (void)LZ4F_freeDecompressionContext(state);
}
#endif

#if HAVE_LZMA
#include <lzma.h>

enum { XZ_MEMORY = 512 << 20 }; /* bytes; the strongest preset needs 65 MiB */

static bool xz_again(void *state)
{
    return lzma_stream_decoder(state, XZ_MEMORY, 0) == LZMA_OK;
}

static void *xz_open(void)
{
    const lzma_stream fresh = LZMA_STREAM_INIT;
    lzma_stream *z = mem_alloc(1, sizeof *z);
    if (!z)
        return NULL;
    *z = fresh;
    if (xz_again(z))
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
        return CODEC_LIMIT;
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
    bool open;
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
    enum { MOST = 1 << 30 };
    b->z.next_in = (char *)(uintptr_t)io->in;
    const unsigned in_len = b->z.avail_in = (unsigned)min_u64(io->in_len, MOST);
    b->z.next_out = (char *)io->out;
    const unsigned out_len = b->z.avail_out = (unsigned)min_u64(io->out_len, MOST);
    const int status = BZ2_bzDecompress(&b->z);
    went_on(io, in_len - b->z.avail_in, out_len - b->z.avail_out);
    if (status == BZ_STREAM_END)
        return CODEC_END;
    if (status == BZ_MEM_ERROR)
        return CODEC_NOMEM;
    if (status != BZ_OK) {
        *why = "corrupt bzip2 data";
        return CODEC_BAD;
    }
    return io->in_ended && io->in_len == 0 && io->out_len ? CODEC_CUT : CODEC_MORE;
}

static bool bzip2_again(void *state)
{
    struct bzip2 *b = state;
    (void)BZ2_bzDecompressEnd(&b->z);
    memset(&b->z, 0, sizeof b->z);
    return b->open = BZ2_bzDecompressInit(&b->z, 0, 0) == BZ_OK;
}

static void bzip2_close(void *state)
{
    struct bzip2 *b = state;
    if (b->open)
        (void)BZ2_bzDecompressEnd(&b->z);
    mem_free(b);
}
#endif

#if HAVE_ZSTD || HAVE_LZ4
/* These begin the next frame by themselves. */
static bool ready(void *state)
{
    (void)state;
    return true;
}
#endif

#if HAVE_ZLIB
#define GZIP_CODEC gzip_open, gzip_step, gzip_again, gzip_close
#define DEFLATE_CODEC deflate_open, gzip_step, gzip_again, gzip_close
#else
#define GZIP_CODEC NULL, NULL, NULL, NULL
#define DEFLATE_CODEC NULL, NULL, NULL, NULL
#endif
#if HAVE_ZSTD
#define ZSTD_CODEC zstd_open, zstd_step, ready, zstd_close
#else
#define ZSTD_CODEC NULL, NULL, NULL, NULL
#endif
#if HAVE_LZ4
#define LZ4_CODEC lz4_open, lz4_step, ready, lz4_close
#else
#define LZ4_CODEC NULL, NULL, NULL, NULL
#endif
#if HAVE_LZMA
#define XZ_CODEC xz_open, xz_step, xz_again, xz_close
#else
#define XZ_CODEC NULL, NULL, NULL, NULL
#endif
#if HAVE_BZIP2
#define BZIP2_CODEC bzip2_open, bzip2_step, bzip2_again, bzip2_close
#else
#define BZIP2_CODEC NULL, NULL, NULL, NULL
#endif

const struct codec *codec_for(const uint8_t *p, size_t n)
{
    /* clang-format off */
    static const struct codec codecs[] = {
        {"gzip", "\x1f\x8b", 2, false, GZIP_CODEC, "gzip -dc"},
        {"zstd", "\x28\xb5\x2f\xfd", 4, true, ZSTD_CODEC, "zstd -dc --long=31"},
        {"lz4", "\x04\x22\x4d\x18", 4, true, LZ4_CODEC, "lz4 -dc"},
        {"xz", "\xfd""7zXZ\0", 6, false, XZ_CODEC, "xz -dc"},
        {"bzip2", "BZh", 3, false, BZIP2_CODEC, "bzip2 -dc"},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (n >= codecs[i].magic_len && memcmp(p, codecs[i].magic, codecs[i].magic_len) == 0)
            return &codecs[i];
    return NULL;
}

const struct codec *codec_deflate(void)
{
    static const struct codec deflate = {"deflate", "", 0, false, DEFLATE_CODEC, "unzip -p"};
    return &deflate;
}

/* RFC 8878, section 3.1.2; lz4_Frame_format.md has the same ones. */
static bool skippable_magic(const uint8_t *p)
{
    return (load_le32(p) & 0xfffffff0U) == 0x184d2a50U;
}

uint64_t codec_skippable(const uint8_t *p, size_t n)
{
    return n >= CODEC_SKIPPABLE_HEADER && skippable_magic(p)
               ? CODEC_SKIPPABLE_HEADER + (uint64_t)load_le32(p + 4)
               : 0;
}

struct decoder {
    const struct codec *codec;
    void *state;
    bool between; /* members: the last one has ended */
};

struct decoder *decoder_open(const struct codec *c)
{
    struct decoder *d = mem_zalloc(1, sizeof *d);
    if (d && (d->state = c->open())) {
        d->codec = c;
        return d;
    }
    mem_free(d);
    return NULL;
}

void decoder_close(struct decoder **dp)
{
    struct decoder *d = *dp;
    if (!d)
        return;
    d->codec->close(d->state);
    mem_free(d);
    *dp = NULL;
}

/* What follows a member. CODEC_MORE: another one, once d is no longer between any. */
static enum codec_step go_between(struct decoder *d, struct codec_io *io)
{
    enum { SKIPPABLE_MAGIC = 4 };
    const struct codec *c = d->codec;
    while (io->in_len && *io->in == 0) /* padding; no magic number begins with a zero */
        went_on(io, 1, 0);
    if (io->in_len == 0)
        return io->in_ended ? CODEC_END : CODEC_MORE;
    const size_t len = (size_t)min_u64(io->in_len, c->magic_len);
    const bool skippable = c->skippable && io->in_len >= SKIPPABLE_MAGIC && skippable_magic(io->in);
    if (!skippable && memcmp(io->in, c->magic, len) != 0) {
        const bool may_be = c->skippable && io->in_len < SKIPPABLE_MAGIC && !io->in_ended;
        return may_be ? CODEC_MORE : CODEC_AFTER;
    }
    if (len < c->magic_len && !skippable)
        return io->in_ended ? CODEC_CUT : CODEC_MORE;
    if (!c->again(d->state))
        return CODEC_NOMEM;
    d->between = false;
    return CODEC_MORE;
}

enum codec_step decoder_step(struct decoder *d, struct codec_io *io, const char **why)
{
    if (d->between) {
        const enum codec_step step = go_between(d, io);
        if (d->between)
            return step;
    }
    const enum codec_step step = d->codec->step(d->state, io, why);
    d->between = step == CODEC_END;
    return d->between ? CODEC_MORE : step;
}
