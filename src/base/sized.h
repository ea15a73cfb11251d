/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structs of callers that were compiled with another version of the headers: they are shorter or
 * longer than the library's. Members are only ever added, at the end.
 */
#ifndef CLEAVE_BASE_SIZED_H
#define CLEAVE_BASE_SIZED_H

#include "base/bytes.h"
#include "cleave/error.h"

/* The size of a struct whose last member it was. */
#define SIZED_END(type, member) (offsetof(type, member) + sizeof(((type *)NULL)->member))

/*
 * Takes params, which begin with their size, into own of own_size bytes: members that the caller
 * does not have are zero. A size of 0 stands for first, that of the first version. false: members
 * that the library does not have are not zero.
 */
CLV_MUST_CHECK bool sized_take(void *own, size_t own_size, size_t first, const void *params,
                               struct clv_error *err);

/* Gives a result to a caller who has room for size bytes of it, 0: for first. The rest is zero. */
void sized_give(void *result, size_t size, size_t first, const void *own, size_t own_size);

#endif
