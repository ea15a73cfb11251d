/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What systems call by different names, or lack. It stands here once, behind meson's checks:
 * nothing else asks which system it is on.
 */
#ifndef CLEAVE_BASE_PORT_H
#define CLEAVE_BASE_PORT_H

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Takes all that is written to a stream; false: the write fails. */
struct port_sink {
    bool (*put)(struct port_sink *sink, const void *p, size_t len);
    bool closed; /* the stream in front of it */
};

/*
 * A stream without a buffer in front of the sink, which outlives it. NULL: no memory. That the sink
 * failed the sink must remember: with musl the stream's ferror() does not. When the stream is
 * closed, whoever does it, the sink is marked as such.
 */
FILE *port_stream(struct port_sink *sink);

enum port_rename {
    PORT_NOREPLACE, /* EEXIST: `to` is there */
    PORT_EXCHANGE,  /* `from` and `to`, which are both there */
};

/*
 * Both names are in the directory open as dir, or dir is AT_FDCWD. false: errno; ENOSYS, EINVAL or
 * EOPNOTSUPP: only plain renames can be had here.
 */
bool port_rename(int dir, const char *from, const char *to, enum port_rename how);

/* true: that is what an errno of port_rename() says. */
static inline bool port_renames_plainly(int error)
{
    return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

/* All that was written below a directory, open as dir_fd, is on the disk. false: errno. */
bool port_sync_below(const char *dir, int dir_fd);

/* What was written to one file or directory is. false: errno. */
bool port_sync(int fd);

/* A file is read from its beginning to its end: twice as much of it is read ahead. */
void port_read_ahead(int fd);

/* These bytes of a file are not read again soon; len 0: all from there on. */
void port_forget(int fd, uint64_t from, uint64_t len);

/* What is not used yet of this memory, of its whole pages, may lie on large ones. */
void port_large_pages(void *p, size_t len);

/* What is under a name, and on which mount. */
struct port_place {
    uint64_t dev, ino;
    uint64_t mount; /* 0: not known */
    mode_t mode;
};

/* name "": what is open as dir. Links are not followed. false: errno. */
bool port_place(int dir, const char *name, struct port_place *p);

/* The same of what a path leads to, by links too. */
bool port_place_of(const char *path, struct port_place *p);

static inline bool port_same_file(const struct port_place *a, const struct port_place *b)
{
    return a->dev == b->dev && a->ino == b->ino;
}

static inline bool port_same_mount(const struct port_place *a, const struct port_place *b)
{
    return a->mount && b->mount ? a->mount == b->mount : a->dev == b->dev;
}

/*
 * The names in a directory, one after the other, where possible without memory of its own. fd stays
 * open, and is the caller's.
 */
struct port_names {
    int fd;
    void *stream; /* NULL: not used */
    size_t at, len;
    alignas(8) char buf[1024];
};
bool port_names_begin(struct port_names *n, int fd);

/* "." and ".." are left out. NULL: there are no more, and errno is 0; or errno. */
const char *port_names_next(struct port_names *n);
void port_names_end(struct port_names *n);

/* The bytes are in the file, and on the disk: stores to a map of them cannot fail. */
bool port_reserve(int fd, uint64_t from, uint64_t len);

/* What is left on a file system, for this process; UINT64_MAX: no fixed number, or not known. */
struct port_room {
    uint64_t bytes, files;
    bool plain;  /* what is written takes its length at least, and a file one of the files */
    bool memory; /* files are pages of memory, as on tmpfs */
};

/* That of the one an open file is on. */
struct port_room port_room(int fd);

/* A pipe that is closed when this process starts a program. false: errno. */
bool port_pipe(int ends[2]);

/* Closes all descriptors but two. */
void port_close_others(int one, int other);

/* Up to 256 random bytes that nobody can foresee. false: errno. */
bool port_random(void *p, size_t len);

/*
 * A condition for port_cond_wait(), which waits for at most so many nanoseconds, however the time
 * of day is set meanwhile.
 */
void port_cond_init(pthread_cond_t *cond);
void port_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ns);

/* Those that this process may use. */
unsigned port_processors(void);

/* Bytes of the machine's memory; UINT64_MAX: not known. */
uint64_t port_memory(void);

#endif
