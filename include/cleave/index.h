/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An index of captures: the table of their flows, and where the records of each lie, in one SQLite
 * database, whose tables cleave-index(5) describes. Nothing is copied: who wants a flow reads it
 * from the captures (cleave/result.h).
 */
#ifndef CLEAVE_INDEX_H
#define CLEAVE_INDEX_H

#include "cleave/option.h"
#include "cleave/split.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Reads params->inputs once and makes the index params->output, a file, which appears whole or not
 * at all. Params and result are those of clv_split(): the flows, their numbers and names are those
 * that it would make. on_flow is called as by it. An option that clv_index_options() does not have
 * is refused, and so is what can be read only once, a pipe.
 * false: *err says why, also where the library was built without SQLite.
 * Threads, and the process: as clv_split().
 */
CLV_API CLV_MUST_CHECK bool clv_index(const struct clv_split_params *params,
                                      struct clv_split_result *result, struct clv_error *err);

/* The options of struct clv_split_params that clv_index() takes. Threads: any. */
CLV_API const struct clv_option *clv_index_options(size_t i);

/* As clv_split_default_output(): the capture's file name without its endings, and ".flows.db". */
CLV_API size_t clv_index_default_output(const char *input, char *buf, size_t len);

#ifdef __cplusplus
}
#endif

#endif
