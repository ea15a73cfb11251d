/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/version.h"

#define STR_(x) #x
#define STR(x) STR_(x)

const char *clv_version(void)
{
    return STR(CLV_VERSION_MAJOR) "." STR(CLV_VERSION_MINOR) "." STR(CLV_VERSION_PATCH);
}
