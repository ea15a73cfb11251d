/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two kinds of inputs behind input.h: map.c and reader.c.
 */
#ifndef CLEAVE_INPUT_KINDS_H
#define CLEAVE_INPUT_KINDS_H

#include "input/input.h"

/* A file that is open, until it is no longer needed. */
struct file {
    int fd; /* -1: none */
    bool drop_cache;
};
void file_close(struct file *f);

struct map {
    const char *path; /* borrowed */
    const uint8_t *p; /* NULL: an empty file */
    uint64_t size;
    uint64_t mapped; /* bytes at p; at least size */
    uint64_t next;   /* byte of the next window */
    int guard;       /* its place among the maps that are watched; -1: held, or empty */
    bool held;       /* p is memory of its own */
    bool lent;       /* p is memory of the caller's */
};

/* false: it cannot be mapped. */
CLV_MUST_CHECK bool map_open(struct map *m, const char *path, int fd, uint64_t size);
/* The bytes at p, which stay there until it is closed. */
void map_lend(struct map *m, const char *path, const uint8_t *p, size_t len);
void map_close(struct map *m);
void map_next(struct map *m, const struct input_plan *plan, struct input_window *w);
/* Returns the whole pages of the map that were given up: bytes of the file from *from on. */
uint64_t map_release(const struct map *m, const struct input_window *w, size_t from, size_t to,
                     uint64_t *first);
/* The file is size bytes long now, fewer than it was. Returns false. */
bool map_shrank(const struct map *m, uint64_t size, struct clv_error *err) CLV_COLD;
CLV_MUST_CHECK bool map_check(const struct map *m, struct clv_error *err);

struct reader;

/*
 * path and file are borrowed; file is closed where it ends. maker NULL: bytes come from file. NULL:
 * *err is filled.
 */
struct reader *reader_open(const char *path, struct file *file, const struct input_maker *maker,
                           struct clv_error *err);
void reader_interrupt(struct reader *s);
void reader_close(struct reader **s);
const char *reader_compression(const struct reader *s);
CLV_MUST_CHECK bool reader_head(struct reader *s, size_t max, struct clv_span *head,
                                struct clv_error *err);
CLV_MUST_CHECK bool reader_begin(struct reader *s, const struct input_plan *plan,
                                 struct clv_error *err);
enum input_step reader_next(struct reader *s, struct input_window *w, struct clv_error *err);
void reader_release(struct reader *s, const struct input_window *w);
uint64_t reader_consumed(struct reader *s);
const struct clv_error *reader_damage(const struct reader *s);
/* Before anything but reader_open(): the file is to end with its first size bytes. */
void reader_limit(struct reader *s, uint64_t size);

/* "gzip" for its magic number at the n bytes at p, and so on; NULL: none that is known. */
const char *compression_of(const uint8_t *p, size_t n);

#endif
