/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Observers: those who follow a run without being part of it. The pipeline calls what an observer
 * has; who observes nothing costs nothing. In the order of a run:
 *
 *   prepare     each partition, before anything is found
 *   scanned     a piece; threads: any
 *   confirmed   the same piece, when it stands; in the input's order, under the pipeline's lock
 *   epoch       a partition's records of an epoch; threads: partitions side by side
 *   begin       all flows are found and written
 *   flow        each flow, in the order in which they lie in memory
 *   output      each output; threads: any
 *   manifest    the bytes of the manifest, in their order
 *   row         each output, in the manifest's order; nobody works any more; on the thread that
 *               called pipeline_run()
 *   end         the same, behind the rows
 *   fini        a run that began is over, whatever became of it, and its memory is about to go
 */
#ifndef CLEAVE_PIPELINE_OBSERVE_H
#define CLEAVE_PIPELINE_OBSERVE_H

#include "manifest/manifest.h"
#include "pipeline/partition.h"

struct report;

/* What a run has found. */
struct findings {
    struct partition *parts;
    uint32_t n_parts;
    const struct dialect *dialect;
    const struct manifest *manifest;
    struct spill *spill;
    bool (*goes_on)(void *run); /* false: stop with CLV_ERR_CANCELLED; to be asked now and then */
    void *run;
};

/* The row of a flow of partition number `part`. */
struct manifest_entry findings_entry(const struct findings *all, uint32_t part, uint32_t flow);

/* Any member may be NULL but self. What returns false has filled *err, and the run fails. */
struct observer {
    const struct observer *next; /* NULL: the last one */
    void *self;
    bool (*prepare)(void *self, struct partition *p);
    bool (*scanned)(void *self, struct scan_piece *piece, const struct view *v,
                    const struct dialect *d, struct clv_error *err);
    void (*confirmed)(void *self, const struct scan_piece *piece);
    bool (*epoch)(void *self, struct partition *p, const struct view *v,
                  const struct form_round *round, struct clv_error *err);
    bool (*begin)(void *self, const struct findings *all, struct clv_error *err);
    bool (*flow)(void *self, const struct flow *f, uint32_t part, struct clv_error *err);
    bool (*output)(void *self, const struct findings *all, uint32_t part, uint32_t flow,
                   struct clv_error *err);
    bool (*manifest)(void *self, const char *text, size_t len, struct clv_error *err);
    bool (*row)(void *self, const struct findings *all, const struct manifest_entry *e,
                struct clv_error *err);
    bool (*end)(void *self, const struct findings *all, struct clv_error *err);
    void (*fini)(void *self);
};

/* Holds outputs against the input. */
struct observer observe_proof(struct proof_plan *plan);

/* Makes the page. */
struct observer observe_report(struct report *r);

/* What a first reading finds, of all flows: what is written of them when the input is read again.
 */
struct flow_totals {
    uint64_t flows, records, captured; /* captured: bytes of packets */
};
struct observer observe_totals(struct flow_totals *f);

/* Learns which flows get outputs of their own when the input is read again. */
struct observer observe_learned(struct learned *c);

static inline void observe_confirmed(const struct observer *first, const struct scan_piece *piece)
{
    for (const struct observer *o = first; o; o = o->next)
        if (o->confirmed)
            o->confirmed(o->self, piece);
}

#endif
