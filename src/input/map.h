/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file in memory, or a part of one: mapped, read where it is small, or lent by a caller. That
 * another program truncates it while it is mapped ends no process: map_check() says so.
 */
#ifndef CLEAVE_INPUT_MAP_H
#define CLEAVE_INPUT_MAP_H

#include "input/input.h"

struct map {
    const char *path; /* borrowed */
    const uint8_t *p; /* NULL: nothing is there */
    uint64_t at;      /* byte of the file */
    uint64_t size;
    uint64_t mapped; /* bytes at p; at least size */
    uint64_t next;   /* byte of the next window */
    int guard;       /* its place among the maps that are watched; -1: held, or empty */
    bool held;       /* p is memory of its own */
    bool lent;       /* p is memory of the caller's */
};

/* size bytes of the file from byte `at` on. false: they cannot be mapped. */
CLV_MUST_CHECK bool map_open(struct map *m, const char *path, int fd, uint64_t at, uint64_t size);
/* The same of the few bytes at p, which is another map's. false: they are too many, or there is no
 * memory. */
CLV_MUST_CHECK bool map_copy(struct map *m, const char *path, const uint8_t *p, uint64_t at,
                             uint64_t size);
/* The bytes at p, which stay there until it is closed. */
void map_lend(struct map *m, const char *path, const uint8_t *p, size_t len);
void map_close(struct map *m);
/* Pages of the map leave this process's resident set until they are read again. Threads: any. */
void map_relax(const struct map *m);
void map_next(struct map *m, const struct input_plan *plan, struct input_window *w);
void map_populate(const struct map *m, const struct input_window *w, size_t from, size_t to);
/* Returns the whole pages of the map that were given up: bytes of the file from *from on. */
uint64_t map_release(const struct map *m, const struct input_window *w, size_t from, size_t to,
                     uint64_t *first);
/* The file is size bytes long now, fewer than are mapped of it. Returns false. */
bool map_shrank(const struct map *m, uint64_t size, struct clv_error *err) CLV_COLD;
CLV_MUST_CHECK bool map_check(const struct map *m, struct clv_error *err);

#endif
