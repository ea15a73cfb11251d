/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What systems call by different names, or lack. It stands here once, behind meson's checks:
 * nothing else asks which system it is on.
 */
#ifndef CLEAVE_BASE_PORT_H
#define CLEAVE_BASE_PORT_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Takes all that is written to a stream; false: the write fails. */
struct port_sink {
    bool (*put)(struct port_sink *sink, const void *p, size_t len);
};

/*
 * A stream without a buffer in front of the sink, which outlives it. NULL: no memory. That the sink
 * failed the sink must remember: with musl the stream's ferror() does not.
 */
FILE *port_stream(struct port_sink *sink);

enum port_rename {
    PORT_NOREPLACE, /* EEXIST: `to` is there */
    PORT_EXCHANGE,  /* `from` and `to`, which are both there */
};

/* false: errno; ENOSYS, EINVAL or EOPNOTSUPP: only plain renames can be had here. */
bool port_rename(const char *from, const char *to, enum port_rename how);

/* true: that is what an errno of port_rename() says. */
static inline bool port_renames_plainly(int error)
{
    return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

/* All that was written below a directory, open as dir_fd, is on the disk. false: errno. */
bool port_sync_below(const char *dir, int dir_fd);

/* What was written to one file or directory is. false: errno. */
bool port_sync(int fd);

/* These bytes of a file are not read again soon; len 0: all from there on. */
void port_forget(int fd, uint64_t from, uint64_t len);

/* The bytes are in the file, and on the disk: stores to a map of them cannot fail. */
bool port_reserve(int fd, uint64_t from, uint64_t len);

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
