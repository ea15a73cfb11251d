/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "base/port.h"

enum { PAGE = 4096, LARGE = 4 << 20 /* bytes; then large pages are worth asking for */ };

/* The one mutable global below cli/: a seam that is 0 outside tests. */
static _Atomic uint64_t fail_from;

void mem_fail_from(uint64_t nth)
{
    atomic_store(&fail_from, nth);
}

static bool must_fail(void)
{
    uint64_t left = atomic_load_explicit(&fail_from, memory_order_relaxed);
    if (CLV_LIKELY(left == 0))
        return false;
    while (left > 1)
        if (atomic_compare_exchange_weak(&fail_from, &left, left - 1))
            return false;
    return true;
}

void *mem_alloc(size_t n, size_t size)
{
    size_t bytes;
    if (!size_mul(n, size, &bytes) || must_fail())
        return NULL;
    return malloc(bytes ? bytes : 1);
}

void *mem_zalloc(size_t n, size_t size)
{
    if (must_fail())
        return NULL;
    return calloc(n ? n : 1, size ? size : 1);
}

void *mem_grow(void *old, size_t n, size_t size)
{
    size_t bytes;
    if (!size_mul(n, size, &bytes) || must_fail())
        return NULL;
    return realloc(old, bytes ? bytes : 1);
}

void *mem_alloc_pages(size_t bytes)
{
    size_t rounded;
    if (!size_add(bytes, PAGE - 1, &rounded) || must_fail())
        return NULL;
    return aligned_alloc(PAGE, rounded & ~(size_t)(PAGE - 1));
}

void *mem_map(size_t bytes)
{
    void *const p =
        must_fail() ? MAP_FAILED
                    : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    port_large_pages(p, bytes);
    return p;
}

void mem_unmap(void *p, size_t bytes)
{
    if (p)
        (void)munmap(p, bytes);
}

void mem_free(void *p)
{
    free(p);
}

char *mem_strdup(const char *s)
{
    const size_t n = strlen(s) + 1;
    char *copy = mem_alloc(n, 1);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}

void *mem_reserve(void *old, size_t *cap, size_t want, size_t size)
{
    size_t n = *cap ? *cap : 16;
    while (n < want)
        if (!size_mul(n, 2, &n))
            return NULL;
    if (n == *cap)
        return old;
    void *p = mem_grow(old, n, size);
    if (!p)
        return NULL;
    if (n * size >= LARGE)
        port_large_pages(p, n * size);
    *cap = n;
    return p;
}
