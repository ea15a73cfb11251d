/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that must stay as they are while something is made of them: their length and the time of
 * their last change are looked at before any of it is believed.
 */
#ifndef CLEAVE_MOUNT_WATCH_H
#define CLEAVE_MOUNT_WATCH_H

#include <sys/stat.h>

#include "base/fail.h"

struct watched {
    const char *path; /* borrowed */
    int fd;
    struct stat was;
};

struct watch {
    struct watched *all;
    size_t n, cap;
};

/* Number w->n of them, from 0: the file at the path, or the archive whose member it names. */
CLV_MUST_CHECK bool watch_add(struct watch *w, const char *path, struct clv_error *err);
void watch_fini(struct watch *w);

/* false: the file has changed since it was added. Threads: any. */
CLV_MUST_CHECK bool watch_same(const struct watch *w, size_t i, struct clv_error *err);

#endif
