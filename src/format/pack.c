/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/pack.h"

#include "base/mem.h"
#include "config.h"
#include "input/codec.h"

#if HAVE_ZLIB
#define ZLIB_CONST
#include <zlib.h>
#endif
#if HAVE_ZSTD
#include <zstd.h>
#endif

enum { LEVEL_GZIP = 6, LEVEL_ZSTD = 3 }; /* what the tools use */

struct packer {
    enum clv_compress kind;
    uint8_t *to;
    size_t cap;
#if HAVE_ZLIB
    z_stream z;
    bool z_open;
#endif
#if HAVE_ZSTD
    ZSTD_CCtx *zstd;
#endif
};

const char *pack_ending(enum clv_compress kind)
{
    return kind == CLV_COMPRESS_ZSTD ? ".zst" : kind == CLV_COMPRESS_GZIP ? ".gz" : "";
}

bool pack_is_packed(const uint8_t *p, size_t n)
{
    const struct codec *c = codec_for(p, n); /* which knows more of them */
    return c && (strcmp(c->name, "gzip") == 0 || strcmp(c->name, "zstd") == 0);
}

bool pack_supported(enum clv_compress kind, struct clv_error *err)
{
    if (kind == CLV_COMPRESS_NONE || (kind == CLV_COMPRESS_ZSTD && HAVE_ZSTD) ||
        (kind == CLV_COMPRESS_GZIP && HAVE_ZLIB))
        return true;
    return clv_fail(err, CLV_ERR_OPTION, "compress", "this build does not support %s",
                    kind == CLV_COMPRESS_ZSTD ? "zstd" : "gzip");
}

#if HAVE_ZLIB
static bool open_gzip(struct packer *p)
{
    enum { GZIP = 16, MEMORY = 8 };
    p->z.zalloc = NULL;
    p->z_open = deflateInit2(&p->z, LEVEL_GZIP, Z_DEFLATED, MAX_WBITS + GZIP, MEMORY,
                             Z_DEFAULT_STRATEGY) == Z_OK;
    p->cap = p->z_open ? deflateBound(&p->z, PACK_STRETCH) : 0;
    return p->z_open;
}

static size_t pack_gzip(struct packer *p, const uint8_t *from, size_t len)
{
    z_stream *z = &p->z;
    if (deflateReset(z) != Z_OK)
        return 0;
    z->next_in = from;
    z->avail_in = (uInt)len;
    z->next_out = p->to;
    z->avail_out = (uInt)p->cap;
    return deflate(z, Z_FINISH) == Z_STREAM_END ? p->cap - z->avail_out : 0;
}
#endif

#if HAVE_ZSTD
static bool open_zstd(struct packer *p)
{
    p->zstd = ZSTD_createCCtx();
    p->cap = ZSTD_compressBound(PACK_STRETCH);
    return p->zstd &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, LEVEL_ZSTD)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1));
}

static size_t pack_zstd(struct packer *p, const uint8_t *from, size_t len)
{
    const size_t n = ZSTD_compress2(p->zstd, p->to, p->cap, from, len);
    return ZSTD_isError(n) ? 0 : n;
}
#endif

struct packer *pack_create(enum clv_compress kind)
{
    struct packer *p = mem_zalloc(1, sizeof *p);
    bool ok = false;
    if (!p)
        return NULL;
    p->kind = kind;
#if HAVE_ZLIB
    if (kind == CLV_COMPRESS_GZIP)
        ok = open_gzip(p);
#endif
#if HAVE_ZSTD
    if (kind == CLV_COMPRESS_ZSTD)
        ok = open_zstd(p);
#endif
    if (!ok || !(p->to = mem_alloc(p->cap, 1)))
        pack_destroy(&p);
    return p;
}

void pack_destroy(struct packer **pp)
{
    struct packer *p = *pp;
    if (!p)
        return;
#if HAVE_ZLIB
    if (p->z_open)
        (void)deflateEnd(&p->z);
#endif
#if HAVE_ZSTD
    (void)ZSTD_freeCCtx(p->zstd);
#endif
    mem_free(p->to);
    mem_free(p);
    *pp = NULL;
}

bool pack_stretch(struct packer *p, const uint8_t *from, size_t len, struct clv_span *packed,
                  const char *name, struct clv_error *err)
{
    size_t n = 0;
    (void)from, (void)len; /* unread where nothing packs */
#if HAVE_ZLIB
    if (p->kind == CLV_COMPRESS_GZIP)
        n = pack_gzip(p, from, len);
#endif
#if HAVE_ZSTD
    if (p->kind == CLV_COMPRESS_ZSTD)
        n = pack_zstd(p, from, len);
#endif
    if (n == 0)
        return clv_fail(err, CLV_ERR_NOMEM, name, "cannot be compressed: not enough memory");
    *packed = (struct clv_span){p->to, n};
    return true;
}
