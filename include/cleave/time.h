/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times as text, without time_t, which has only 32 bits on some machines. Every
 * function may be called from any thread.
 */
#ifndef CLEAVE_TIME_H
#define CLEAVE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleave/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Nanoseconds since the epoch as RFC 3339 in UTC: 2026-11-22T23:59:59.123456789Z. Writes at most
 * len bytes, terminated, into buf; 31 bytes are always enough. Returns buf.
 */
CLV_API char *clv_time_format(int64_t ts_ns, char *buf, size_t len);

/*
 * Reads a time in RFC 3339 (UTC if it has no offset), a date alone, or seconds since the epoch,
 * with fractions down to the nanosecond. false: it is none of these, or out of range.
 */
CLV_API CLV_MUST_CHECK bool clv_time_parse(const char *text, int64_t *ts_ns);

#ifdef __cplusplus
}
#endif

#endif
