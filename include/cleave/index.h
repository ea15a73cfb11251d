/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An index of captures: the table of their flows, and where the records of each flow are, in one
 * SQLite database, described in cleave-index(5). Nothing is copied: flows are read from the
 * captures (cleave/result.h).
 */
#ifndef CLEAVE_INDEX_H
#define CLEAVE_INDEX_H

#include "cleave/option.h"
#include "cleave/split.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Reads params->inputs once and makes the index params->output, a file, which appears complete or
 * not at all. Params and result are those of clv_split(), and so are the flows, their numbers and
 * names. on_flow is called in the same way. Options that are not in clv_index_options() are
 * refused, and so are inputs that can be read only once, such as pipes, and an output with the name
 * of an archive (.zip) or of a capture, see clv_split_is_single().
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
