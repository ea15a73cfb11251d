/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flows are written: for each of a partition's, round by round, the sink says where its output is,
 * the form makes its bytes, and the stage writes them there. Threads: one at a time per writer.
 */
#ifndef CLEAVE_OUTPUT_WRITER_H
#define CLEAVE_OUTPUT_WRITER_H

#include "format/form.h"
#include "output/sink.h"

struct writer {
    struct flow_table *flows; /* borrowed; NULL: nothing is written */
    struct form form;
    struct sink *sink; /* borrowed */
    uint64_t writes, bytes, records;
};

/* Before the table's first flow: form and sink have it keep what they need. */
void writer_init(struct writer *w, struct flow_table *flows, const struct form *form,
                 struct sink *sink);

/* Starts the loads that the flow's next append is going to wait for. */
static inline void writer_prefetch(const struct writer *w, uint32_t flow)
{
    flow_table_prefetch(w->flows, flow, FLOW_BESIDE_SINK);
}

/*
 * Appends n records to the flow's output, which is made at the first call. On failure the output is
 * not to be trusted.
 */
CLV_MUST_CHECK bool writer_append(struct writer *w, struct form_scratch *x, uint32_t flow,
                                  const char *name, const struct form_round *round,
                                  const struct form_ref *refs, uint32_t n, struct clv_error *err);

/* true: the flow's output lacks what comes after its last record, see writer_finish(). */
bool writer_unfinished(const struct writer *w, uint32_t flow, const struct form_round *round);

/* Adds what belongs to the flow's output after its last record. */
CLV_MUST_CHECK bool writer_finish(struct writer *w, struct form_scratch *x, uint32_t flow,
                                  const char *name, const struct form_round *round,
                                  struct clv_error *err);

/*
 * Adds the secrets that no output has a use for to the flow's, once writer_finish() was called for
 * all outputs that needed it.
 */
CLV_MUST_CHECK bool writer_rest(struct writer *w, struct form_scratch *x, uint32_t flow,
                                const char *name, const struct form_round *round,
                                struct clv_error *err);

/* Closes all open outputs. false: one of them could not be closed cleanly; all are closed. */
CLV_MUST_CHECK bool writer_close(struct writer *w, struct clv_error *err);

/* Frees what the form has of flows. The sink stays as it is. A zeroed writer has nothing. */
void writer_fini(struct writer *w);

#endif
