/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receipt of what was gathered: that of one run over all captures, as far as the receipts of
 * several tell, and of which results it was.
 */
#ifndef CLEAVE_JOB_RECEIPT_JOIN_H
#define CLEAVE_JOB_RECEIPT_JOIN_H

#include "base/text.h"
#include "job/receipt_read.h"

/* All is borrowed. */
struct receipt_join {
    const struct clv_receipt *like; /* whose options it has */
    bool converted;                 /* the outputs' format was not the captures', but pcap */
    const struct clv_receipt *const *sources; /* whose captures, and their damage, in this order */
    size_t n_sources;
    const struct receipt_part *parts;
    size_t n_parts;
    const struct clv_split_result *result;
};

/* The receipt as text, which the caller mem_free()s. */
CLV_MUST_CHECK bool receipt_join(const struct receipt_join *of, struct text *out,
                                 struct clv_error *err);

#endif
