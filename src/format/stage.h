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
    STAGE_ALIGN = 4096,
    STAGE_CHUNK = 256 * 1024, /* a large write, and still in the core's own cache */
};

struct packer;

/* Where an output is: it begins at byte base of the file fd, and has size bytes so far. */
struct stage_place {
    int fd; /* -1: nowhere; what the output would get is counted, and nothing is written */
    uint64_t base, size;
};

/*
 * The chunk stands for the file from the 4 KiB boundary below the output's end on, so that byte k
 * of it and the file byte that it becomes are aligned alike. [from, at) holds what is not written
 * yet. A chunk that is only to be counted is always full: whatever is put is more than fits.
 */
struct stage {
    uint8_t *p; /* STAGE_CHUNK bytes, page-aligned */
    size_t from, at;

    /* The output it serves now. */
    struct stage_place place; /* size: bytes written */
    const char *name;
    uint64_t writes;
    struct clv_error *err;
    struct packer *packer; /* compresses; NULL: bytes leave as they are */
    uint64_t old_size;     /* with a packer: of the output, its old tail included */
    uint32_t tail;         /* with a packer, after stage_end(): the last bytes, which wait */

    /*
     * NULL, or who gets what leaves, in place of place.fd, which is to be no file's, and not -1.
     * Nothing can be read back, so that it excludes a packer.
     */
    bool (*take)(void *user, const uint8_t *p, size_t len, struct clv_error *err);
    void *user;

    /* With stage_join(): */
    bool joins;
    int file;         /* that p[from] belongs to; -1: nothing waits */
    uint64_t file_at; /* its byte there */
    size_t sum_from;  /* p[sum_from .. at) is not in the checksum yet */
    uint32_t sum; /* CRC-32 of what the output got so far; the caller sets it before it begins */
};

/* false: no memory. */
CLV_MUST_CHECK bool stage_init(struct stage *s);
void stage_fini(struct stage *s);

/*
 * From now on outputs are compressed. What the chunk has at an output's end is no whole stretch
 * yet: it waits in the file, as it is, behind what is compressed. Nothing may follow such an output
 * in its file: it can become shorter. false: no memory.
 */
CLV_MUST_CHECK bool stage_pack(struct stage *s, enum clv_compress kind);

/*
 * Begins to serve the output at the place. tail: with a packer, how many of its last bytes wait, as
 * stage_end() said; they are read back. Otherwise 0, and nothing can fail. name and err are
 * borrowed until the end.
 */
CLV_MUST_CHECK bool stage_begin(struct stage *s, const struct stage_place *place, uint32_t tail,
                                const char *name, struct clv_error *err);

/*
 * From now on outputs that lie next to one another in a file, and come in that order, leave
 * together, and the stage keeps a checksum: what an output's end leaves in the chunk is written
 * when the chunk is full, when the next output lies elsewhere, or by stage_flush().
 */
void stage_join(struct stage *s);
CLV_MUST_CHECK bool stage_flush(struct stage *s, const char *name, struct clv_error *err);

/* Where in the chunk the byte `at` of the file is, if it waits there with the len - 1 behind it. */
uint8_t *stage_waiting(struct stage *s, int file, uint64_t at, size_t len);

/* true: no byte of the file that precedes `end` waits. */
static inline bool stage_wrote(const struct stage *s, int file, uint64_t end)
{
    return s->file != file || end <= s->file_at;
}

/* true: len bytes that follow what waits, and begin at byte `at` of the file, fit the chunk if it
 * is written first, and not if it is not.
 */
static inline bool stage_wants_flush(const struct stage *s, uint64_t at, uint64_t len)
{
    return len >= STAGE_CHUNK - s->at && len < STAGE_CHUNK - at % STAGE_ALIGN;
}

/* Compresses what waits, to be called once, before the last stage_end(). */
CLV_MUST_CHECK bool stage_pack_rest(struct stage *s);

/* Adds more than fits. */
CLV_MUST_CHECK bool stage_put_long(struct stage *s, const uint8_t *p, size_t len);

CLV_INLINE bool stage_put(struct stage *s, const uint8_t *p, size_t len)
{
    if (CLV_UNLIKELY(len >= STAGE_CHUNK - s->at))
        return stage_put_long(s, p, len);
    memcpy(s->p + s->at, p, len);
    s->at += len;
    return true;
}

/* Writes what is left. s->place.size is the output's size then, in either case. */
CLV_MUST_CHECK bool stage_end(struct stage *s);

#endif
