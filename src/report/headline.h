/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands in the page as HTML, for those who run no script: the captures' names, and the
 * numbers that come first. Names are escaped, whatever they say.
 */
#ifndef CLEAVE_REPORT_HEADLINE_H
#define CLEAVE_REPORT_HEADLINE_H

#include "base/text.h"
#include "cleave/split.h"
#include "report/figures.h"

/* What an output is of: "flow", "group", "shard" or "part". Static storage. */
const char *headline_noun(const struct manifest *m);

/* The title: the first capture's name, and how many more there are. */
void headline_title(struct text *t, const struct clv_split_params *params);

/* The same as a heading, with the path as it was given. */
void headline_heading(struct text *t, const struct clv_split_params *params);

/* Size, times and totals. The script shortens what stands in data elements of class bytes and ns.
 */
void headline_totals(struct text *t, const struct clv_split_params *params,
                     const struct clv_split_result *result, const struct figures *figures,
                     const char *noun);

#endif
