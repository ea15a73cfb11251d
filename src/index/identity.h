/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * By what an index knows its captures again: their length, and a digest of how they begin and end.
 * Not a proof: that a record is still where it was is seen when it is read.
 */
#ifndef CLEAVE_INDEX_IDENTITY_H
#define CLEAVE_INDEX_IDENTITY_H

#include <limits.h>

#include "base/fail.h"

struct identity {
    uint64_t bytes;
    int64_t modified_ns; /* since the epoch */
    uint8_t digest[16];  /* XXH3 of the first and the last 64 KiB, as xxhsum shows it */
};

/* The file that was looked at last: members of an archive follow one another. Zeroed: none. */
struct identity_last {
    struct identity is;
    uint64_t device, inode;
    bool known;
};

/* Of the file at the path, or the archive that it names a member of. */
CLV_MUST_CHECK bool identity_of(struct identity *is, struct identity_last *last, const char *path,
                                struct clv_error *err);

/* The path from the root on, a member's name included. */
CLV_MUST_CHECK bool identity_path(char absolute[PATH_MAX], const char *path, struct clv_error *err);

#endif
