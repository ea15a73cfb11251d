/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A member of a zip archive as a stream of its unpacked bytes, read from the file: what is stored
 * and decompressed once more, and what is deflated. Length and CRC-32 are held against what the
 * archive says; where they differ, as where the data are damaged, the stream ends early, and says
 * why.
 */
#ifndef CLEAVE_INPUT_MEMBER_H
#define CLEAVE_INPUT_MEMBER_H

#include <time.h>

#include "input/kinds.h"
#include "input/unzip.h"

struct member;

/*
 * An archive that stays open for all who read its members, while the file at its path is the one
 * that was opened: where it is another one by now, they open that. Threads: any.
 */
struct input_archive {
    struct unzip zip;
    uint64_t device, inode;
    struct timespec modified;
    _Atomic uint32_t n_read; /* members so far */
};

/* false: it is encrypted, or compressed in a way that is not read; *err says so. */
CLV_MUST_CHECK bool member_readable(const struct unzip_member *m, const char *path,
                                    struct clv_error *err);

/* path and file are borrowed; m was located. NULL: *err says why. */
struct member *member_open(const char *path, const struct file *file, const struct unzip_member *m,
                           struct clv_error *err);
void member_close(struct member **m);

/* Its bytes, for an input that may itself be compressed. */
struct input_maker member_maker(struct member *m);

/* "deflate", or NULL: it is stored. Static. */
const char *member_compression(const struct member *m);

#endif
