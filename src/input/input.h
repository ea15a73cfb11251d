/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: a path becomes windows. Takes a path, or "-" for standard input, or a descriptor, or bytes
 * in memory, or a member of a zip archive; gives contiguous spans of the bytes, one after another.
 * A plain regular file is mapped, as a stored member is, and a window is a view of the map, or of
 * the memory. What cannot be mapped (a FIFO, standard input, more than the address space has room
 * for) or has to be decompressed is read ahead by a thread of its own into a few buffers, which
 * come back when they are released.
 */
#ifndef CLEAVE_INPUT_INPUT_H
#define CLEAVE_INPUT_INPUT_H

#include <limits.h>

#include "base/fail.h"

struct input;
struct input_archive;

/*
 * A view of the input. Records that start within the first len bytes belong to it; they may end in
 * the slack behind, which the next window begins with. Where `more` is set, input_more() makes the
 * slack longer.
 */
struct input_window {
    struct input *in;
    const uint8_t *p;
    size_t len;      /* bytes */
    size_t avail;    /* bytes that may be read at p: len and the slack */
    uint64_t offset; /* of p[0] in the input, or in what it decompresses to */
    bool last;       /* the input ends where len ends */
    bool more;       /* the slack is shorter than it may be, and the input goes on behind it */
};

enum input_step {
    INPUT_WINDOW, /* *w is filled */
    INPUT_WAIT,   /* nothing yet: ready() will be called */
    INPUT_FAILED, /* *err says why */
};

/* How windows are to be cut. */
struct input_plan {
    uint64_t offset; /* of the first window */
    size_t window;   /* bytes of each but the last */
    size_t slack;    /* bytes behind it, where the input has them, ... */
    size_t
        slack_read;   /* ... of inputs that are read, until input_more() is called; 0: slack, too */
    unsigned buffers; /* of inputs that are read: windows in use at a time, at most; at least 1 */
    bool checked_often; /* of maps: input_check() is asked so often that a descriptor stays open */
    void (*ready)(void *user); /* called from another thread; NULL: input_next() waits itself */
    void *user;
};

/* Bytes that are made and not read. The functions get user; nothing else is done with it. */
struct input_maker {
    /* Makes up to len bytes at `to`, *n of them: 0 behind the last. One thread at a time. */
    bool (*make)(void *user, uint8_t *to, size_t len, size_t *n, struct clv_error *err);
    void (*stop)(void *user);         /* make() is to fail soon. Threads: any */
    uint64_t (*consumed)(void *user); /* as input_consumed(). Threads: any */
    /* Why what was made ends early, as input_damage(); NULL: it never does. */
    const struct clv_error *(*damage)(void *user);
    void *user;
    bool packed; /* they may be compressed, and are looked at when the input is opened */
};

/* So long a pipe is still read that is to end: who writes to it may have been told as well, and
 * then has to write what it holds back. */
#define INPUT_ENDS_WITHIN_NS INT64_C(2000000000)

/* On failure *out is NULL. The path is copied. A FIFO is waited for until it has a writer. */
CLV_MUST_CHECK bool input_open(struct input **out, const char *path, struct clv_error *err);
void input_close(struct input **in);

/* Where an input is. */
struct input_place {
    const char *path;   /* borrowed; of a member: the archive's, a colon, and the member's name */
    size_t archive_len; /* bytes of path that are the archive's; 0: it is a file */
    uint64_t entry;     /* byte of the member's entry in the archive's directory */
    struct input_archive *archive; /* borrowed; of a member: it is open; NULL: it is not */
    const struct clv_error *fault; /* borrowed: why nothing can be read there; NULL: unknown yet */
    /*
     * Borrowed; 0: none. Once this descriptor can be read from, a pipe ends: INPUT_ENDS_WITHIN_NS
     * later, unless its writer ends it before.
     */
    int end_fd;
};

/* The same of a file or a member, as it was found. */
CLV_MUST_CHECK bool input_open_at(struct input **out, const struct input_place *place,
                                  struct clv_error *err);

/*
 * Bytes of the path that are an archive's: the shortest that name a regular file and are followed
 * by a colon. 0: the path names something itself, or neither.
 */
size_t input_archive_len(const char *path);

/* The file that is opened for the input, in buf where the path names a member. */
const char *input_file(const char *path, char buf[PATH_MAX]);

/*
 * The same of a descriptor, which stays the caller's: the input has a copy of its own, with the
 * same offset. name is what errors call it.
 */
CLV_MUST_CHECK bool input_open_fd(struct input **out, int fd, const char *name,
                                  struct clv_error *err);

/* The same of len bytes at data, borrowed until input_close(). */
CLV_MUST_CHECK bool input_open_memory(struct input **out, const void *data, size_t len,
                                      const char *name, struct clv_error *err);

/* An input of the bytes that the maker makes, on a thread of its own once it has begun. */
CLV_MUST_CHECK bool input_open_made(struct input **out, const char *name,
                                    const struct input_maker *maker, struct clv_error *err);

/* Who waits for the input's bytes stops waiting, with CLV_ERR_CANCELLED. Threads: any. */
void input_interrupt(struct input *in);

const char *input_path(const struct input *in);

/* Bytes of the file when it was opened, or those that hold the member; 0 where that is not known,
 * for a FIFO say. */
uint64_t input_size(const struct input *in);

/* Which file it is, or part of a file, whatever its name: no other has all three at a time. */
struct input_id {
    uint64_t device, inode;
    uint64_t member; /* byte of its local header in the archive, + 1; 0: the file itself */
};
struct input_id input_id(const struct input *in);

/* Orders them. */
int input_id_compare(const struct input_id *a, const struct input_id *b);

/* Right after it was opened: the file, which has more, is to end with its first size bytes. Members
 * do not grow. */
void input_limit(struct input *in, uint64_t size);

/* Bytes of the file that have been read or handed out as windows: what progress is measured by. */
uint64_t input_consumed(struct input *in);

/* "gzip" and the like, or NULL: the file's bytes are taken as they are. Static. */
const char *input_compression(const struct input *in);

/* true: windows are made by reading, not by mapping. */
bool input_is_stream(const struct input *in);

/* From now on what is released leaves the page cache too, where no other process maps it. */
void input_drop_cache(struct input *in);

/* The first max bytes, or all there are; until input_begin(). Waits for inputs that are read. */
CLV_MUST_CHECK bool input_head(struct input *in, size_t max, struct clv_span *head,
                               struct clv_error *err);

/* Settles the windows, once, before the first input_next(). */
CLV_MUST_CHECK bool input_begin(struct input *in, const struct input_plan *plan,
                                struct clv_error *err);

/* The next window. Not to be called after the last one. */
enum input_step input_next(struct input *in, struct input_window *w, struct clv_error *err);

/*
 * About doubles the slack of a window that has `more`: its bytes stay where they are, avail grows,
 * and `more` may end. Of windows that are not released, in their order; one thread at a time. On
 * INPUT_WAIT and INPUT_FAILED *w is untouched.
 */
enum input_step input_more(struct input_window *w, struct clv_error *err);

/*
 * The bytes [from, to) of a window are done with: mapped pages leave this process's resident set,
 * and the page cache after input_drop_cache(); a buffer is free again when its window's end is
 * released. Threads: any.
 */
void input_release(const struct input_window *w, size_t from, size_t to);

/*
 * These bytes of a window are read now, all of them: where they are mapped, their pages come at
 * once, and not by one fault after the other. Threads: any.
 */
void input_populate(const struct input_window *w, size_t from, size_t to);

/*
 * false: what windows showed cannot be trusted, *err says why: the file was truncated while it was
 * mapped. To be asked after reading from windows. Threads: any.
 */
CLV_MUST_CHECK bool input_check(struct input *in, struct clv_error *err);

/* true: pipes are to end; end_fd as in struct input_place. */
bool input_ends(int end_fd);

/* true: it ends where it does since end_fd said so, and not its writer. Threads: any. */
bool input_was_ended(struct input *in);

/* Why an input that is read ended early (CLV_ERR_DAMAGE); code CLV_ERR_NONE: it did not. */
const struct clv_error *input_damage(struct input *in);

#endif
