/* SPDX-License-Identifier: BSD-2-Clause */
/* A secret for hashes that is the same in each run of a test. */
#ifndef CLEAVE_SUPPORT_SECRET_H
#define CLEAVE_SUPPORT_SECRET_H

#include "base/secret.h"

static inline const struct secret *support_secret(void)
{
    static struct secret secret;
    uint64_t x = 1;
    if (secret.bytes[0] == 0)
        for (size_t i = 0; i < sizeof secret.bytes; i++) {
            x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
            secret.bytes[i] = (uint8_t)(x >> 56 | (i == 0));
        }
    return &secret;
}

#define SECRET support_secret()

#endif
