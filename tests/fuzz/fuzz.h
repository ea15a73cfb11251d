/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLEAVE_TESTS_FUZZ_FUZZ_H
#define CLEAVE_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What libFuzzer calls (https://llvm.org/docs/LibFuzzer.html), and replay.c for want of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Holds in every build. */
#define FUZZ_CHECK(x)                                                                              \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
