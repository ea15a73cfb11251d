/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receipt of a run, cleave.json in the output directory: what was split, how, and into how
 * much. It holds nothing that differs from run to run (times, threads, limits), so that equal
 * inputs and options give equal trees.
 */
#ifndef CLEAVE_JOB_RECEIPT_WRITE_H
#define CLEAVE_JOB_RECEIPT_WRITE_H

#include "base/text.h"
#include "capture/source.h"
#include "cleave/split.h"
#include "job/job.h"
#include "job/receipt_read.h"
#include "output/archive.h"
#include "output/publish.h"
#include "proof/proof.h"

/* What a receipt is made of; all is borrowed. */
struct receipt_facts {
    const struct clv_split_params *params;
    const struct source *sources;
    size_t n_sources;
    const struct source *left; /* those that were left out, the last one first */
    size_t n_left;
    const struct dialect *dialect; /* NULL: the outputs lie in sub-directories, each with its own */
    const char *digest;            /* of the inputs (struct proof_origin); NULL: none */
    const char *page;              /* a report's name among the outputs; NULL: none */
    const struct receipt_part *parts; /* that were gathered, n_parts; NULL: it is one run's */
    size_t n_parts;
    const struct clv_split_result *result;
};

/* The receipt as text, which the caller mem_free()s. */
CLV_MUST_CHECK bool receipt_text(const struct receipt_facts *facts, struct text *out,
                                 struct clv_error *err);

/* The same as the last file of an archive. */
CLV_MUST_CHECK bool receipt_archive(struct archive *a, const struct receipt_facts *facts,
                                    struct clv_error *err);
CLV_MUST_CHECK bool receipt_write(struct publish *p, const struct receipt_facts *facts,
                                  struct clv_error *err);

/* true: the receipt of such a run has a digest of its inputs. */
bool receipt_has_digest(const struct clv_split_params *params);

/*
 * What a run came to, as a JSON object, but for what differs from run to run or does not follow
 * from the inputs and the receipt: that it was verified is there if the receipt has a digest.
 */
void receipt_outcome(const struct job *job, const struct clv_split_result *r, struct text *out);

enum { RECEIPT_OUTCOME_MAX = 1 << 17 }; /* bytes that it has at most */

#endif
