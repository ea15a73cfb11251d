/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sized.h"

#include "base/fail.h"

bool sized_take(void *own, size_t own_size, size_t first, const void *params, struct clv_error *err)
{
    size_t size;
    memcpy(&size, params, sizeof size);
    size = size ? size : first;
    for (size_t i = own_size; i < size; i++)
        if (((const uint8_t *)params)[i]) {
            (void)clv_fail(err, CLV_ERR_ARG, "the parameters",
                           "byte %zu of %zu is unknown to this libcleave", i, size);
            return clv_fail_hint(err, "libcleave is older than the program that uses it");
        }
    memset(own, 0, own_size);
    memcpy(own, params, size < own_size ? size : own_size);
    memcpy(own, &own_size, sizeof own_size);
    return true;
}

void sized_give(void *result, size_t size, size_t first, const void *own, size_t own_size)
{
    size = size ? size : first;
    memset(result, 0, size);
    memcpy(result, own, size < own_size ? size : own_size);
}
