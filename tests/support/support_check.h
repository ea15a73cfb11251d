/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmocka with the row's name in each failure. Every unit test includes this first.
 */
#ifndef CLEAVE_SUPPORT_CHECK_H
#define CLEAVE_SUPPORT_CHECK_H

#ifdef NDEBUG
#error "tests are not built with NDEBUG: their assertions would vanish"
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N_ROWS(rows) (sizeof(rows) / sizeof *(rows))

#define CHECK(row, cond)                                                                           \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            print_error("%s: not true: %s\n", (row), #cond);                                       \
            _fail(__FILE__, __LINE__);                                                             \
        }                                                                                          \
    } while (0)

/* Numbers of any integer type. */
#define CHECK_EQ(row, got, want)                                                                   \
    check_eq(__FILE__, __LINE__, (row), #got, (uint64_t)(got), (uint64_t)(want))

#define CHECK_STR(row, got, want) check_str(__FILE__, __LINE__, (row), #got, (got), (want))

/* got holds the text want somewhere. */
#define CHECK_HAS(row, got, want) check_has(__FILE__, __LINE__, (row), #got, (got), (want))

#define CHECK_MEM(row, got, want, len)                                                             \
    check_mem(__FILE__, __LINE__, (row), #got, (got), (want), (len))

static inline void check_eq(const char *file, int line, const char *row, const char *what,
                            uint64_t got, uint64_t want)
{
    if (got == want)
        return;
    print_error("%s: %s is %lld (0x%llx), not %lld (0x%llx)\n", row, what, (long long)got,
                (unsigned long long)got, (long long)want, (unsigned long long)want);
    _fail(file, line);
}

static inline void check_str(const char *file, int line, const char *row, const char *what,
                             const char *got, const char *want)
{
    if (got == want || (got && want && strcmp(got, want) == 0))
        return;
    print_error("%s: %s is\n  \"%s\", not\n  \"%s\"\n", row, what, got ? got : "(NULL)",
                want ? want : "(NULL)");
    _fail(file, line);
}

static inline void check_has(const char *file, int line, const char *row, const char *what,
                             const char *got, const char *want)
{
    if (strstr(got, want))
        return;
    print_error("%s: %s is\n  \"%s\", without\n  \"%s\"\n", row, what, got, want);
    _fail(file, line);
}

static inline void check_mem(const char *file, int line, const char *row, const char *what,
                             const void *got, const void *want, size_t len)
{
    const uint8_t *g = got, *w = want;
    for (size_t i = 0; i < len; i++) {
        if (g[i] == w[i])
            continue;
        print_error("%s: %s has %02x at byte %zu of %zu, not %02x\n", row, what, g[i], i, len,
                    w[i]);
        _fail(file, line);
    }
}

#endif
