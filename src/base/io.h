/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that are done to the end, and whose results are read.
 */
#ifndef CLEAVE_BASE_IO_H
#define CLEAVE_BASE_IO_H

#include <limits.h>
#include <sys/types.h>

#include "base/fail.h"

/* Writes all len bytes; subject is how messages call the file. */
CLV_MUST_CHECK bool io_write(int fd, const void *p, size_t len, const char *subject,
                             struct clv_error *err);

/* The same from byte `at` of the file on; where the descriptor stands does not change. */
CLV_MUST_CHECK bool io_write_at(int fd, const void *p, size_t len, uint64_t at, const char *subject,
                                struct clv_error *err);

enum { IO_MODE = 0640 }; /* of files that are made, less umask, unless somebody asks for another */

/* That of a directory for such files: who may read these may look for them. */
static inline unsigned io_dir_mode(unsigned mode)
{
    return mode | 0300 | (mode & 0444) >> 2;
}

/* Reads len bytes from byte `at` on, or as many as there are. -1: errno. */
ssize_t io_read_at(int fd, void *p, size_t len, uint64_t at);

/* Hints at the name, where the errno is what file systems say of one that they cannot have. */
void io_hint_name(struct clv_error *err, int error);

/* Makes a file that must not be there yet. Returns its descriptor, or -1. */
int io_create_at(int dir_fd, const char *name, unsigned mode, struct clv_error *err);

/*
 * Makes a file in the directory that has no name, and is gone when it is closed. Where the system
 * cannot do so, it has one for a moment. -1: errno.
 */
int io_open_nameless(const char *dir);

/* The same with a name, which the caller removes as soon as whoever opens it by that has done so.
 */
int io_open_fleeting(const char *dir, char path[PATH_MAX]);

/*
 * Opens a file that a person named for writing: "-" is standard output, an existing file is refused
 * unless overwrite is set, and then left as it is up to io_cut(). Returns a descriptor of its own,
 * or -1.
 */
int io_open_named(const char *path, bool overwrite, struct clv_error *err);

/* Empties it, unless it is standard output. */
CLV_MUST_CHECK bool io_cut(int fd, const char *path, struct clv_error *err);

/* What is written from now on, at least. */
struct io_need {
    uint64_t bytes, files;
    uint64_t there; /* bytes that have their room already */
    uint64_t about; /* bytes that it comes to, most likely, for messages; 0: just these */
};

/*
 * false: it is certain that the file system of what is open as fd has less left; path is for
 * messages. Nothing is certain where files may take less than their length.
 */
CLV_MUST_CHECK bool io_fits(int fd, const struct io_need *need, const char *path,
                            struct clv_error *err);

/*
 * Hints at what is full if that is why what was just reported failed: bytes, inodes, or a quota. fd
 * is what was written to: a file, or a directory in which one was made. Returns false. All that
 * writes comes by here.
 */
bool io_explain(int fd, struct clv_error *err) CLV_COLD;

/* The same of a directory. */
bool io_explain_at(const char *dir, struct clv_error *err) CLV_COLD;

/* What directory dir lists is on the disk. false: errno. */
bool io_sync_dir(const char *dir);

/* Closes; file systems on a network tell failed writes only now. */
CLV_MUST_CHECK bool io_close(int fd, const char *subject, struct clv_error *err);

#endif
