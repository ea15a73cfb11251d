/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filling a struct clv_error. All return false, so that a failure is one line:
 *     return clv_fail(err, CLV_ERR_OPTION, "by", "unknown field");
 */
#ifndef CLEAVE_BASE_FAIL_H
#define CLEAVE_BASE_FAIL_H

#include <stdbool.h>

#include <stdarg.h>

#include "base/bytes.h"
#include "cleave/error.h"

bool clv_fail(struct clv_error *err, enum clv_errc code, const char *subject, const char *what, ...)
    CLV_PRINTF(4, 5) CLV_COLD;

/* The same of a caller's own arguments. */
bool clv_fail_list(struct clv_error *err, enum clv_errc code, const char *subject, const char *what,
                   va_list ap) CLV_PRINTF(4, 0) CLV_COLD;

/* Takes errno. */
bool clv_fail_errno(struct clv_error *err, const char *subject, const char *what, ...)
    CLV_PRINTF(3, 4) CLV_COLD;

bool clv_fail_nomem(struct clv_error *err, const char *what, size_t bytes) CLV_COLD;

/* Adds to an error that was just filled. */
bool clv_fail_hint(struct clv_error *err, const char *hint, ...) CLV_PRINTF(2, 3) CLV_COLD;
bool clv_fail_at(struct clv_error *err, uint64_t offset, uint64_t record) CLV_COLD;

#endif
