/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Outputs that cleave split made are given again: one as it is, or several as one capture, in the
 * order of their records' times, at equal times in the order of the outputs.
 */
#ifndef CLEAVE_INDEX_REJOIN_H
#define CLEAVE_INDEX_REJOIN_H

#include "index/collect.h"
#include "index/load.h"
#include "index/make.h"

/*
 * Gives an output's bytes, in pieces; unpack: without the compression that it may have. take gets
 * user. false: *err says why, also where the output is not what cleave wrote.
 */
CLV_MUST_CHECK bool rejoin_copy(const struct loaded *l, const char *name, bool unpack,
                                collect_take *take, void *user, struct clv_error *err);

/*
 * Opens an output as a capture, packed as it may be: a regular file, or a stored member, whose
 * CRC-32 is not looked at.
 */
CLV_MUST_CHECK bool rejoin_capture(const struct loaded *l, const char *name, struct clv_capture **c,
                                   struct clv_error *err);

/* Several outputs, as an index of what they become together. Zeroed before rejoin_open(). */
struct rejoin {
    char **paths;
    size_t n;
    struct make make;
    struct index index; /* of one row, which index/collect.h makes the capture of */
};

/*
 * Reads the n outputs of these names once; progress gets user, and may be NULL. On failure
 * rejoin_close() is harmless.
 */
CLV_MUST_CHECK bool rejoin_open(struct rejoin *r, const struct loaded *l, char *const *names,
                                size_t n, clv_split_progress *progress, void *user,
                                struct clv_error *err);
void rejoin_close(struct rejoin *r);

#endif
