/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The staging chunk of one thread: what an output gets is gathered here, in the cache, and leaves
 * in large writes that are aligned in memory and in the file.
 */
#ifndef CLEAVE_FORMAT_STAGE_H
#define CLEAVE_FORMAT_STAGE_H

#include "base/fail.h"
#include "cleave/split.h"

enum {
    WRITER_ALIGN = 4096,
    WRITER_CHUNK = 256 * 1024, /* measured: see bench/RESULTS.md */
};

struct packer;

/*
 * The chunk stands for the file from the 4 KiB boundary below its end on, so that byte k of it and
 * the file byte that it becomes are aligned alike. [from, at) holds what is not written yet.
 */
struct stage {
    uint8_t *p; /* WRITER_CHUNK bytes, page-aligned */
    size_t from, at;

    /* The output it serves now. */
    int fd;
    uint64_t size; /* bytes written */
    const char *name;
    uint64_t writes;
    struct clv_error *err;
    struct packer *packer; /* compresses; NULL: bytes leave as they are */
    uint64_t file_size;    /* with a packer: of the file, which has a tail behind size */
    struct dump *dump;     /* libpcap's dumper on this stage; NULL until one is needed */
};

/* false: no memory. */
CLV_MUST_CHECK bool stage_init(struct stage *s);
void stage_fini(struct stage *s);

/*
 * From now on outputs are compressed. What the chunk has at an output's end is no whole stretch
 * yet: it waits in the file, as it is, behind what is compressed. false: no memory.
 */
CLV_MUST_CHECK bool stage_pack(struct stage *s, enum clv_compress kind);

/* stage_begin() with a packer: the output has size bytes, of which the last tail wait. */
CLV_MUST_CHECK bool stage_begin_packed(struct stage *s, int fd, uint64_t size, uint32_t tail,
                                       const char *name, struct clv_error *err);

/* Compresses what waits, to be called once, before the last stage_end(). */
CLV_MUST_CHECK bool stage_pack_rest(struct stage *s);

/* Begins to serve the output fd, which has size bytes. name and err are borrowed until the end. */
static inline void stage_begin(struct stage *s, int fd, uint64_t size, const char *name,
                               struct clv_error *err)
{
    s->fd = fd;
    s->size = size;
    s->name = name;
    s->writes = 0;
    s->err = err;
    s->from = s->at = size % WRITER_ALIGN;
}

/* Adds more than fits. */
CLV_MUST_CHECK bool stage_put_long(struct stage *s, const uint8_t *p, size_t len);

CLV_INLINE bool stage_put(struct stage *s, const uint8_t *p, size_t len)
{
    if (CLV_UNLIKELY(len >= WRITER_CHUNK - s->at))
        return stage_put_long(s, p, len);
    memcpy(s->p + s->at, p, len);
    s->at += len;
    return true;
}

/*
 * Writes what is left. s->size is the output's size then, in either case; with a packer, without
 * the s->at bytes that wait behind it.
 */
CLV_MUST_CHECK bool stage_end(struct stage *s);

#endif
