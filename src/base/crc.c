/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/crc.h"

#include "config.h"

#if HAVE_LIBDEFLATE
#include <libdeflate.h>

bool crc_supported(void)
{
    return true;
}

uint32_t crc_add(uint32_t crc, const void *p, size_t n)
{
    return n ? libdeflate_crc32(crc, p, n) : crc; /* it takes NULL for a question */
}
#elif HAVE_ZLIB
#include <zlib.h>

bool crc_supported(void)
{
    return true;
}

uint32_t crc_add(uint32_t crc, const void *p, size_t n)
{
    return n ? (uint32_t)crc32_z(crc, p, n) : crc; /* it takes NULL for a question */
}
#else
bool crc_supported(void)
{
    return false;
}

uint32_t crc_add(uint32_t crc, const void *p, size_t n)
{
    (void)crc, (void)p, (void)n;
    return 0;
}
#endif
