/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLEAVE_VERSION_H
#define CLEAVE_VERSION_H

#define CLV_VERSION_MAJOR 0
#define CLV_VERSION_MINOR 1
#define CLV_VERSION_PATCH 0

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

/* The library's version as "MAJOR.MINOR.PATCH". Static storage; any thread. */
CLV_API const char *clv_version(void);

#ifdef __cplusplus
}
#endif

#endif
