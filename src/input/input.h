/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: a path becomes windows. Takes a path; gives contiguous spans of the file's bytes, in any
 * order the reader asks for. Today an input is a mapped regular file, and a window a view of the
 * map; inputs that must be read (FIFO, decompression) give windows of their own memory, which is
 * why a window has to be released and a reader must not assume that two of them touch.
 */
#ifndef CLEAVE_INPUT_INPUT_H
#define CLEAVE_INPUT_INPUT_H

#include "base/fail.h"

struct input;

/*
 * A view of the input. Records that start within the first len bytes belong to it; they may end in
 * the slack behind, which the next window begins with.
 */
struct input_window {
    struct input *in;
    const uint8_t *p;
    size_t len;      /* bytes */
    size_t avail;    /* bytes that may be read at p: len and the slack */
    uint64_t offset; /* of p[0] in the input */
    bool last;       /* the input ends where len ends */
};

/* On failure *out is NULL. The path is copied. */
CLV_MUST_CHECK bool input_open(struct input **out, const char *path, struct clv_error *err);
void input_close(struct input **in);

const char *input_path(const struct input *in);
uint64_t input_size(const struct input *in); /* bytes, when it was opened */

/* From now on what is released leaves the system's page cache too, where no other process maps it.
 */
void input_drop_cache(struct input *in);

/*
 * Opens the window that begins at byte offset and is len bytes long, or shorter at the end of the
 * input, with slack bytes behind it where the input has them.
 */
CLV_MUST_CHECK bool input_window(struct input *in, uint64_t offset, size_t len, size_t slack,
                                 struct input_window *w, struct clv_error *err);

/*
 * The bytes [from, to) of a window are done with: mapped pages leave this process's resident set,
 * and the page cache after input_drop_cache(). Reading them again is slow, not wrong. Threads: any.
 */
void input_release(const struct input_window *w, size_t from, size_t to);

#endif
