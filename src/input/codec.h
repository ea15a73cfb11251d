/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decompression, by the library of each format. Formats are told by their magic numbers, and files
 * made of several members or frames are read to the end. Zeros may stand between members and after
 * the last one, as tapes and block devices pad; all else that follows a member is a fault, since
 * it may be a member whose first bytes are damaged.
 */
#ifndef CLEAVE_INPUT_CODEC_H
#define CLEAVE_INPUT_CODEC_H

#include "base/fail.h"

/* What has been read and not yet decompressed, and where the output goes. */
struct codec_io {
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;
    size_t out_len;
    bool in_ended; /* nothing comes after in */
};

enum codec_step {
    CODEC_MORE,  /* went on as far as input or room allowed */
    CODEC_END,   /* all of it is decompressed */
    CODEC_CUT,   /* the input ended inside a member */
    CODEC_AFTER, /* what is at in follows a member, and is no other one */
    CODEC_BAD,   /* not what the format allows; *why says it */
    CODEC_LIMIT, /* sound, but needs more memory than this reader gives; *why says it */
    CODEC_NOMEM,
};

struct codec {
    const char *name;  /* as people call the format */
    const char *magic; /* magic_len bytes */
    size_t magic_len;
    bool skippable; /* frames to be skipped may stand among the members */
    /* NULL: no memory. All four are NULL where this build lacks the library. */
    void *(*open)(void);
    /* Goes on within a member; CODEC_END: it has ended. */
    enum codec_step (*step)(void *state, struct codec_io *io, const char **why);
    /* Gets ready for the next member. false: no memory. */
    bool (*again)(void *state);
    void (*close)(void *state);
    const char *tool; /* a command that decompresses to standard output, whatever it needs */
};

/* The codec for what begins with the n bytes at p; NULL: none is known. */
const struct codec *codec_for(const uint8_t *p, size_t n);

/* Bare deflate data (RFC 1951), which members of zip archives are; nothing tells them. */
const struct codec *codec_deflate(void);

/*
 * Bytes of the skippable frame whose header stands at p, header included; 0: there is none. They
 * hold nothing of the data, and do not tell of which of the formats they are.
 */
enum { CODEC_SKIPPABLE_HEADER = 8 };
uint64_t codec_skippable(const uint8_t *p, size_t n);

/* Decompresses one input. NULL: no memory. */
struct decoder *decoder_open(const struct codec *c);
enum codec_step decoder_step(struct decoder *d, struct codec_io *io, const char **why);
void decoder_close(struct decoder **d);

#endif
