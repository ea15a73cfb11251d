/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compressed members of an archive. How long they are is known when they are compressed, and their
 * flows come in pieces: so they become members of an archive without a name first, as they are.
 * From there they are taken in their order, compressed, and written into the one that is asked for.
 *
 *   packing_begin   the archive's members go to a file without a name
 *   packing_cut     all of them are there: cuts them into chunks
 *   packing_run     compresses a chunk, and writes it when it is its turn; threads: any number, of
 *                   chunks that are handed out in their order
 *   packing_end     the archive is the one that is asked for, and what follows is written there
 *
 * A stretch of PACK_STRETCH bytes becomes a frame of its own, as where outputs are files
 * (format/stage.h): the bytes are the same.
 */
#ifndef CLEAVE_OUTPUT_PACKING_H
#define CLEAVE_OUTPUT_PACKING_H

#include <pthread.h>

#include "format/pack.h"
#include "output/archive.h"

/* Where a chunk begins: in a row's member, by stretches. */
struct packing_chunk {
    uint64_t row, stretch;
};

struct packing {
    struct archive *a; /* borrowed; its fd is that of the file without a name until packing_end() */
    enum clv_compress kind;
    int fd;                       /* that of the archive that is asked for; -1: not begun */
    struct packing_chunk *chunks; /* n, and behind them where the last one ends */
    size_t n, cap;
    uint64_t plain; /* bytes of the file without a name */

    pthread_mutex_t lock; /* guards turn and broken */
    pthread_cond_t turn_passed;
    size_t turn;               /* the chunk that may be written, whose thread has all below */
    bool broken;               /* no further one will be */
    uint64_t at;               /* where it is written */
    uint64_t bytes, writes;    /* of members, without their headers; calls */
    struct headers_entry open; /* the member that the last chunk left unfinished */
    char name[HEADERS_NAME_MAX + 1];
    struct text entries; /* of the central directory, that are not written yet */
    uint64_t list_at;
};

/* kind: CLV_COMPRESS_NONE: nothing is to be done. dir is where the file can be made. */
CLV_MUST_CHECK bool packing_begin(struct packing *p, struct archive *a, enum clv_compress kind,
                                  const char *dir, struct clv_error *err);
/* Takes one that is zeroed, too. */
void packing_fini(struct packing *p);

/* room: bytes that a chunk may take. */
CLV_MUST_CHECK bool packing_cut(struct packing *p, size_t room, uint32_t *n, struct clv_error *err);

/* What a thread compresses with. */
struct packing_thread {
    struct packer *packer; /* NULL: it is made when it is needed */
    uint8_t *in;           /* STAGE_CHUNK bytes, which are those of the file from in_at on */
    size_t in_len;
    uint64_t in_at;
    struct text out; /* with the room that packing_cut() was told */
    char name[HEADERS_NAME_MAX + 1];
    size_t lead;       /* bytes of out that end, or go on with, a member of an earlier chunk */
    bool lead_ends;    /* ... which is complete with them */
    size_t unfinished; /* where the member begins that goes on in the next chunk */
};

CLV_MUST_CHECK bool packing_run(struct packing *p, uint32_t chunk, struct packing_thread *by,
                                struct clv_error *err);
CLV_MUST_CHECK bool packing_end(struct packing *p, struct clv_error *err);

#endif
