/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run's own record, cleave.json in the output directory: what was split, how, and into how
 * much. It holds nothing that differs from run to run (times, threads, limits), so that equal
 * inputs and options give equal trees.
 */
#ifndef CLEAVE_JOB_RECEIPT_H
#define CLEAVE_JOB_RECEIPT_H

#include "base/text.h"
#include "capture/source.h"
#include "cleave/split.h"
#include "output/publish.h"
#include "proof/proof.h"

/* What the record is made of; all is borrowed. */
struct record {
    const struct clv_split_params *params;
    const struct source *sources;
    size_t n_sources;
    const struct source *left; /* those that were left out, the last one first */
    size_t n_left;
    const struct dialect *dialect; /* NULL: the outputs lie in sub-directories, each with its own */
    const char *digest;            /* of the inputs (struct proof_origin); NULL: none */
    const char *page;              /* a report's name among the outputs; NULL: none */
    const struct clv_split_result *result;
};

/* The record as text, which the caller mem_free()s. */
CLV_MUST_CHECK bool record_text(const struct record *r, struct text *out, struct clv_error *err);

CLV_MUST_CHECK bool record_write(struct publish *p, const struct record *r, struct clv_error *err);

/* true: the record of such a run has a digest of its inputs. */
bool record_has_digest(const struct clv_split_params *params);

/*
 * What a run came to, as a JSON object, but for what differs from run to run or does not follow
 * from the inputs and the record: that it was verified is there if the record has a digest.
 */
void record_outcome(const struct clv_split_params *params, const struct clv_split_result *r,
                    struct text *out);

#endif
