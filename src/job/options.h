/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of clv_split(), one row each (options.c): from this table they are parsed, checked,
 * shown in help, manual and completions, written into cleave.json, and read from there.
 */
#ifndef CLEAVE_JOB_OPTIONS_H
#define CLEAVE_JOB_OPTIONS_H

#include "base/sized.h"
#include "base/value.h"
#include "cleave/split.h"

/* Sizes of the first version of public structs. */
enum {
    SPLIT_PARAMS_FIRST = SIZED_END(struct clv_split_params, user),
    SPLIT_RESULT_FIRST = SIZED_END(struct clv_split_result, mixed),
};

/* Checks the range of each. */
CLV_MUST_CHECK bool options_check(const struct clv_split_params *params, struct clv_error *err);

/* The same option as clv_index() has it; NULL: it does not. */
const struct clv_option *options_of_index(const struct clv_option *o);

/* What keys are made of, where it is not given too. */
const char *options_by(const struct clv_split_params *params);

/* true: outputs are groups of flows. */
bool options_groups(const struct clv_split_params *params);

/* The option that the parameters have this name for, "by" or "shard_by". */
const char *options_by_name(const struct clv_split_params *params);

/*
 * In cleave.json an option that has a unit, or two members, has a member whose name says so:
 * "idle_timeout_ns", "after" and "after_ns", "every" and "every_n". All others have their own name.
 */
enum { OPTIONS_KEY_MAX = 64 };
const char *options_key(const struct clv_option *o, char key[OPTIONS_KEY_MAX]);

/* The option that such a member is of. is_named: its name is the option's own. NULL: there is none.
 */
const struct clv_option *options_of_key(const char *key, bool *is_named);

/* The words of cleave.json, separated by |. */
const char *options_words(const struct clv_option *o);

/* true: the member is the outputs' format. */
bool options_is_format(const struct clv_option *o);

#endif
