/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLEAVE_VERSION_H
#define CLEAVE_VERSION_H

#include <stddef.h>

#define CLV_VERSION_MAJOR 0
#define CLV_VERSION_MINOR 2
#define CLV_VERSION_PATCH 0

/* These as one number, to compare. */
#define CLV_VERSION_NUMBER (CLV_VERSION_MAJOR * 10000 + CLV_VERSION_MINOR * 100 + CLV_VERSION_PATCH)

#if defined(__GNUC__)
#define CLV_API __attribute__((visibility("default")))
#define CLV_MUST_CHECK __attribute__((warn_unused_result))
#else
#define CLV_API
#define CLV_MUST_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The libraries that this build uses, with their versions as they are in use, where they tell them:
 * "libpcap 1.10.3, xxHash 0.8.1, ...", and what it was built without. Writes at most len bytes,
 * terminated, into buf and returns it. Threads: any.
 */
CLV_API char *clv_features(char *buf, size_t len);

/* The library's version as "MAJOR.MINOR.PATCH". Static storage; any thread. */
CLV_API const char *clv_version(void);

/* The CLV_VERSION_NUMBER of the library that runs, which need not be that of these headers. */
CLV_API unsigned clv_version_number(void);

#ifdef __cplusplus
}
#endif

#endif
