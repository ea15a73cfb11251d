/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compression of outputs, by the library of each format. An output is cut into stretches of
 * PACK_STRETCH bytes, each of which becomes a frame (zstd) or a member (gzip) of its own: so that
 * its bytes depend on nothing but what it holds, and what is not yet a whole stretch can wait in
 * the file as it is.
 *
 * Threads: one at a time per packer.
 */
#ifndef CLEAVE_FORMAT_PACK_H
#define CLEAVE_FORMAT_PACK_H

#include "base/fail.h"
#include "cleave/split.h"

enum { PACK_STRETCH = CLV_COMPRESS_FRAME };

struct packer;

/* false: this build lacks the library, *err says so. */
CLV_MUST_CHECK bool pack_supported(enum clv_compress kind, struct clv_error *err);

/* ".zst", ".gz", or "". */
const char *pack_ending(enum clv_compress kind);

/* true: a file that begins with these n bytes says that it is of such a format. */
bool pack_is_packed(const uint8_t *p, size_t n);

/* NULL: no memory. kind is supported, and not CLV_COMPRESS_NONE. */
struct packer *pack_create(enum clv_compress kind);
void pack_destroy(struct packer **p);

/* Compresses the len bytes at p, at most a stretch. *packed is valid until the next call. */
CLV_MUST_CHECK bool pack_stretch(struct packer *p, const uint8_t *from, size_t len,
                                 struct clv_span *packed, const char *name, struct clv_error *err);

#endif
