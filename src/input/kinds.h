/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two kinds of inputs behind input.h: map.c and reader.c.
 */
#ifndef CLEAVE_INPUT_KINDS_H
#define CLEAVE_INPUT_KINDS_H

#include "input/map.h"

/* A file that is open, until it is no longer needed. */
struct file {
    int fd; /* -1: none */
    bool drop_cache;
    int end_fd; /* borrowed; of a pipe: once this can be read from, it ends; 0: none */
};
void file_close(struct file *f);

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
enum input_step reader_more(struct reader *s, struct input_window *w, struct clv_error *err);
void reader_release(struct reader *s, const struct input_window *w);
uint64_t reader_consumed(struct reader *s);
const struct clv_error *reader_damage(const struct reader *s);
bool reader_was_ended(struct reader *s);
/* Before anything but reader_open(): the file is to end with its first size bytes. */
void reader_limit(struct reader *s, uint64_t size);

/* "gzip" for its magic number at the n bytes at p, and so on; NULL: none that is known. */
const char *compression_of(const uint8_t *p, size_t n);

#endif
