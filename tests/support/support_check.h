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
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* cmocka's _fail() and assertions do not return from a failure, but do not say so. */
_Noreturn static inline void check_failed(const char *file, int line)
{
    _fail(file, line);
    abort();
}

#undef assert_true
#undef assert_non_null
#define assert_true(cond) ((cond) ? (void)0 : check_must(#cond, __FILE__, __LINE__))
#define assert_non_null(p) assert_true((p) != NULL)

_Noreturn static inline void check_must(const char *what, const char *file, int line)
{
    _assert_true(0, what, file, line);
    abort();
}

/* Heads the function that runs the tests of a module, see tests/unit/main.c. */
#define UNIT(module)                                                                               \
    int unit_##module(void);                                                                       \
    int unit_##module(void)

#define N_ROWS(rows) (sizeof(rows) / sizeof *(rows))

#define CHECK(row, cond)                                                                           \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            print_error("%s: not true: %s\n", (row), #cond);                                       \
            check_failed(__FILE__, __LINE__);                                                      \
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
    check_failed(file, line);
}

static inline void check_str(const char *file, int line, const char *row, const char *what,
                             const char *got, const char *want)
{
    if (got == want || (got && want && strcmp(got, want) == 0))
        return;
    print_error("%s: %s is\n  \"%s\", not\n  \"%s\"\n", row, what, got ? got : "(NULL)",
                want ? want : "(NULL)");
    check_failed(file, line);
}

static inline void check_has(const char *file, int line, const char *row, const char *what,
                             const char *got, const char *want)
{
    if (strstr(got, want))
        return;
    print_error("%s: %s is\n  \"%s\", without\n  \"%s\"\n", row, what, got, want);
    check_failed(file, line);
}

static inline void check_mem(const char *file, int line, const char *row, const char *what,
                             const void *got, const void *want, size_t len)
{
    const uint8_t *g = got, *w = want;
    assert_true(len == 0 || (g && w));
    for (size_t i = 0; i < len; i++) {
        if (g[i] == w[i])
            continue;
        print_error("%s: %s has %02x at byte %zu of %zu, not %02x\n", row, what, g[i], i, len,
                    w[i]);
        check_failed(file, line);
    }
}

#endif
