/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run's own record, cleave.json in the output directory: what was split, how, and into how
 * much. It holds nothing that differs from run to run (times, threads, limits), so that equal
 * inputs and options give equal trees.
 */
#ifndef CLEAVE_SPLIT_RECORD_H
#define CLEAVE_SPLIT_RECORD_H

#include "base/text.h"
#include "cleave/split.h"
#include "output/publish.h"
#include "split/proof.h"
#include "split/source.h"

/* The key as text, where none is given what stands for it. */
const char *split_by(const struct clv_split_params *params);

/*
 * dialect NULL: the outputs lie in sub-directories, each with a record of its own. walked: what the
 * inputs' records are, if they were all looked at; or NULL. page: a report's name among the
 * outputs, or NULL.
 */
CLV_MUST_CHECK bool record_write(struct publish *p, const struct clv_split_params *params,
                                 const struct source *sources, size_t n_sources,
                                 const struct dialect *dialect, const struct proof_sum *walked,
                                 const char *page, const struct clv_split_result *result,
                                 struct clv_error *err);

/* What a run came to, as a JSON object, but for what differs from run to run. */
void record_outcome(const struct clv_split_params *params, const struct clv_split_result *r,
                    struct text *out);

#endif
