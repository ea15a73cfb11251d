/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory. Every allocation of the library goes through here, so that a test can make the n-th one
 * fail; sizes are checked products. All return NULL when memory is short; nothing aborts.
 */
#ifndef CLEAVE_BASE_MEM_H
#define CLEAVE_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t n, size_t size);           /* uninitialised */
void *mem_zalloc(size_t n, size_t size);          /* zeroed */
void *mem_grow(void *old, size_t n, size_t size); /* old stays valid on failure */
void *mem_alloc_pages(size_t bytes);              /* page-aligned, for I/O; mem_free() it */
void mem_free(void *p);

/* Whole pages, zeroed, in large ones where the system has them. mem_unmap() NULL is harmless. */
void *mem_map(size_t bytes);
void mem_unmap(void *p, size_t bytes);

char *mem_strdup(const char *s);

/* Test seam: the n-th allocation from now on (1-based) fails, and all after it; 0 turns it off. */
void mem_fail_from(uint64_t nth);

/* Room for more elements in a growing array: doubles *cap until it holds want. */
void *mem_reserve(void *old, size_t *cap, size_t want, size_t size);

#endif
