/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLEAVE_ERROR_H
#define CLEAVE_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include "cleave/version.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CLV_NO_OFFSET UINT64_MAX

/* Stable: tests and exit statuses look here. */
enum clv_errc {
    CLV_ERR_NONE = 0,
    CLV_ERR_ARG,       /* what was asked for cannot be done */
    CLV_ERR_IO,        /* a system call failed; sys holds errno */
    CLV_ERR_NOMEM,     /* there is not enough memory */
    CLV_ERR_FORMAT,    /* the input is not a capture that cleave reads */
    CLV_ERR_DAMAGE,    /* the capture is damaged from offset on */
    CLV_ERR_EXISTS,    /* the output already exists */
    CLV_ERR_CANCELLED, /* the caller asked to stop */
    CLV_ERR_INTERNAL,  /* a check of cleave against itself failed */
    CLV_ERR_UNPROVEN,  /* outputs do not contain what they should */
    CLV_ERR_OPTION,    /* invalid value of a parameter; subject is its name (cleave/option.h) */
};

/*
 * What went wrong. Owned by the caller, filled without allocating; a zeroed one means no error.
 * Functions that take one leave it untouched on success. NULL is allowed wherever one is taken.
 */
struct clv_error {
    enum clv_errc code;
    int sys;           /* errno at the moment of failure, or 0 */
    uint64_t offset;   /* byte in subject, or CLV_NO_OFFSET */
    uint64_t record;   /* 1-based number of the record at offset, or 0 */
    char subject[256]; /* file, output or parameter concerned; long paths keep their tail */
    char what[160];    /* what was expected and what was found, with numbers */
    char hint[160];    /* what a person can do next, or "" */
};

/*
 * Writes the message for a person, "SUBJECT: byte N (record M): WHAT: ERRNO TEXT", into buf of len
 * bytes, always terminated, control characters of the subject escaped. Returns buf.
 * Threads: any.
 */
CLV_API char *clv_error_format(const struct clv_error *err, char *buf, unsigned len);

/*
 * Writes text from any source, such as a file name, into buf of len bytes, always terminated.
 * Control characters (C0, DEL, C1) and bytes that are not UTF-8 become \xNN; what does not fit is
 * left out. Returns buf. Threads: any.
 */
CLV_API char *clv_printable(const char *s, char *buf, size_t len);

#ifdef __cplusplus
}
#endif

#endif
