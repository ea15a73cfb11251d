/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of options (cleave/option.h) where they are stored.
 */
#ifndef CLEAVE_BASE_VALUE_H
#define CLEAVE_BASE_VALUE_H

#include "base/text.h"
#include "cleave/option.h"

/* The number that the member holds: a bool's is 0 or 1; not of texts and addresses. */
uint64_t value_number(const struct clv_option *o, const void *params);

/* false: the member cannot hold it. */
CLV_MUST_CHECK bool value_store(const struct clv_option *o, void *params, uint64_t v);

/* Of CLV_OPTION_EVERY: how many nanoseconds, bytes or records. */
uint64_t value_amount(const struct clv_option *o, const void *params);
void value_store_amount(const struct clv_option *o, void *params, uint64_t n);

/* The member that is a string; NULL: not set. */
const char *value_text(const struct clv_option *o, const void *params);
void value_store_text(const struct clv_option *o, void *params, const char *text);

/* Words are separated by |. Writes word number i, from 0. */
void value_put_word(struct text *t, const char *words, uint64_t i);

/* false: the word is none of them. */
CLV_MUST_CHECK bool value_find_word(const char *words, const char *word, uint64_t *i);

/* As clv_option_is_set(), of params that have all options. */
bool value_is_set(const struct clv_option *o, const void *params);

/* Whether the member holds something that clv_option_set() could have set, or nothing. */
CLV_MUST_CHECK bool value_check(const struct clv_option *o, const void *params,
                                struct clv_error *err);

#endif
