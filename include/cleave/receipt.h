/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receipt that clv_split() leaves in its output, cleave.json: what was split, how, and the
 * counts.
 */
#ifndef CLEAVE_RECEIPT_H
#define CLEAVE_RECEIPT_H

#include "cleave/split.h"

#ifdef __cplusplus
extern "C" {
#endif

struct clv_receipt;

/* A capture as it was when it was split. Strings are valid as long as the receipt. */
struct clv_receipt_input {
    const char *file;        /* its name */
    uint64_t bytes;          /* of the file; 0: not known */
    const char *compression; /* "gzip" and the like; NULL: none */
    uint64_t records;        /* read from it */
    const char *left_out;    /* why it could not be read; NULL: it was */
};

/*
 * Reads the receipt of a directory or an archive that clv_split() made. Nothing in it is trusted:
 * it may be any file. Receipts with options that this version does not know are refused.
 * true:  the caller must destroy *out.
 * false: *err says why, also where the library was built without jansson; *out is NULL.
 */
CLV_API CLV_MUST_CHECK bool clv_receipt_read(const char *output, struct clv_receipt **out,
                                             struct clv_error *err);

/* Sets *r to NULL; it may be NULL already. */
CLV_API void clv_receipt_destroy(struct clv_receipt **r);

/*
 * What follows belongs to the receipt and is valid as long as it.
 * Threads: any number may read one receipt.
 */

/* The version of cleave that wrote it; NULL: unknown. */
CLV_API const char *clv_receipt_version(const struct clv_receipt *r);

/*
 * The parameters that shaped the result, including those that were not given: with them,
 * clv_split() makes the same result from the same inputs. output is NULL, and all other members are
 * zero.
 */
CLV_API const struct clv_split_params *clv_receipt_params(const struct clv_receipt *r);

/* Number i of params' inputs, from 0; NULL: there are not so many. */
CLV_API const struct clv_receipt_input *clv_receipt_input(const struct clv_receipt *r, size_t i);

/* The counts that the receipt has, written_bytes, faulty, and the damage; all else is zero. */
CLV_API const struct clv_split_result *clv_receipt_result(const struct clv_receipt *r);

/* SHA-256 of all records, in hexadecimal; NULL: it was made without clv_split_params' verify. */
CLV_API const char *clv_receipt_digest(const struct clv_receipt *r);

#ifdef __cplusplus
}
#endif

#endif
