/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decompression, by the library of each format. Formats are told by their magic numbers, and files
 * made of several members or frames are read to the end.
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
    bool in_ended; /* nothing comes behind in */
};

enum codec_step {
    CODEC_MORE, /* went on as far as input or room allowed */
    CODEC_END,  /* all of it is decompressed */
    CODEC_CUT,  /* the input ended inside a member */
    CODEC_BAD,  /* not what the format allows; *why says it */
    CODEC_NOMEM,
};

struct codec {
    const char *name;  /* as people call the format */
    const char *magic; /* magic_len bytes */
    size_t magic_len;
    /* NULL: no memory. open and step are NULL where this build lacks the library. */
    void *(*open)(void);
    enum codec_step (*step)(void *state, struct codec_io *io, const char **why);
    void (*close)(void *state);
    const char *tool; /* a command that decompresses to standard output */
};

/* The codec for what begins with the n bytes at p; NULL: none is known. */
const struct codec *codec_for(const uint8_t *p, size_t n);

#endif
