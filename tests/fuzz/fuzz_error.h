/* SPDX-License-Identifier: BSD-2-Clause */
/* What every failure has to be, whatever caused it. */
#ifndef CLEAVE_TESTS_FUZZ_FUZZ_ERROR_H
#define CLEAVE_TESTS_FUZZ_FUZZ_ERROR_H

#include "cleave/error.h"
#include "fuzz.h"

/* It says something, and nothing that a terminal would interpret. */
static inline void check_error(const struct clv_error *err)
{
    char text[1024];
    FUZZ_CHECK(err->code != CLV_ERR_NONE && err->code != CLV_ERR_INTERNAL && err->what[0]);
    for (const char *p = clv_error_format(err, text, sizeof text); *p; p++)
        FUZZ_CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
    for (const char *p = err->hint; *p; p++)
        FUZZ_CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
}

#endif
