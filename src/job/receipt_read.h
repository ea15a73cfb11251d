/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a receipt (job/receipt_write.h): the parameters of the run, so that it can be done again,
 * and its counts.
 */
#ifndef CLEAVE_JOB_RECEIPT_READ_H
#define CLEAVE_JOB_RECEIPT_READ_H

#include <limits.h>

#include "cleave/receipt.h"

/* A result that others were gathered with. */
struct receipt_part {
    const char *name; /* in the result: its directory, or its archive */
    uint64_t flows, outputs;
};

struct clv_receipt {
    char path[PATH_MAX];              /* of the file */
    struct clv_split_params params;   /* inputs are what they were called then */
    struct clv_receipt_input *inputs; /* as many */
    struct clv_split_result result;
    const char *version; /* NULL: none is given */
    const char *digest;  /* of the inputs' records; NULL: none is given */
    bool part;           /* outputs lie in a directory per input, and it is that of one of these */
    struct receipt_part *parts; /* that were gathered, n_parts; NULL: it was made by one run */
    size_t n_parts;
    void *json; /* owns all strings */
};

/*
 * Reads the receipt in the directory, a regular file of bounded size. n_named: inputs that the
 * caller knows of; more of them may make it longer. On failure receipt_fini() is harmless.
 */
CLV_MUST_CHECK bool receipt_read(struct clv_receipt *r, const char *dir, size_t n_named,
                                 struct clv_error *err);
/* The same of size bytes of a file that is open, from this byte on; path is what it is called. */
CLV_MUST_CHECK bool receipt_read_part(struct clv_receipt *r, const char *path, int fd,
                                      uint64_t from, uint64_t size, size_t n_named,
                                      struct clv_error *err);
/* The same of a text of len bytes. */
CLV_MUST_CHECK bool receipt_take(struct clv_receipt *r, const char *path, const char *text,
                                 size_t len, struct clv_error *err);
void receipt_fini(struct clv_receipt *r);

/* Called where a receipt is not what it should be; what says how, without its path. */
typedef void receipt_difference(const char *what, void *user);

/*
 * Compares the receipt with what it should be, a text of len bytes. The version is that of who
 * wrote it: one that is known. Differences are reported, up to a bound.
 */
CLV_MUST_CHECK bool receipt_compare(const struct clv_receipt *r, const char *text, size_t len,
                                    receipt_difference *report, void *user, struct clv_error *err);

/* The same of the options of two runs. */
void receipt_compare_options(const struct clv_receipt *r, const struct clv_receipt *other,
                             receipt_difference *report, void *user);

/*
 * Whether outputs that are copies, of pcap, have the same header in both: in each run all captures
 * have.
 */
bool receipt_same_heads(const struct clv_receipt *r, const struct clv_receipt *other);

/* The same of the options that a directory's receipt has in common with that of a part of it. */
void receipt_compare_part(const struct clv_receipt *r, const struct clv_receipt *part,
                          receipt_difference *report, void *user);

#endif
