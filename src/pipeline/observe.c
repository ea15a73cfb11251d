/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/observe.h"

#include "base/mem.h"
#include "report/report.h"

struct manifest_entry findings_entry(const struct findings *all, uint32_t part, uint32_t flow)
{
    const struct partition *p = &all->parts[part];
    const struct flow *f = flow_table_at(&p->flows, flow);
    const struct flow_cut *cut = flow_table_beside_if(&p->flows, f, FLOW_BESIDE_CUT);
    return (struct manifest_entry){
        .f = f,
        .head = cut && cut->head ? flow_table_at(&p->flows, cut->head - 1) : f,
        .extra = flow_table_beside_if(&p->flows, f, FLOW_BESIDE_EXTRA),
        .cut = cut,
        .outer = flow_table_beside_if(&p->flows, f, FLOW_BESIDE_OUTER),
        .positions = flow_table_beside_if(&p->flows, f, FLOW_BESIDE_POSITIONS),
        .bytes = partition_measured(p, f),
        .name = partition_name(p, flow),
        .linktype = all->dialect->kinds[f->kind].linktype,
    };
}

/* Proof. */

static bool prepare_proof(void *self, struct partition *p)
{
    (void)self;
    flow_table_keep(&p->flows, FLOW_BESIDE_PROOF, sizeof(struct proof));
    p->proves = true;
    return true;
}

static bool prove_scanned(void *self, struct scan_piece *piece, const struct view *v,
                          const struct dialect *d, struct clv_error *err)
{
    return proof_walk(self, &piece->walked, d, v, piece->start, piece->end, err);
}

static void prove_confirmed(void *self, const struct scan_piece *piece)
{
    proof_join(self, &piece->walked);
}

static bool prove_epoch(void *self, struct partition *p, const struct view *v,
                        const struct form_round *round, struct clv_error *err)
{
    return partition_prove(p, self, v, round, err);
}

static bool prove_output(void *self, const struct findings *all, uint32_t part, uint32_t flow,
                         struct clv_error *err)
{
    const struct proof_plan *plan = self;
    const struct partition *p = &all->parts[part];
    const struct flow *f = flow_table_at(&p->flows, flow);
    const struct proof_output o = {
        .name = partition_name(p, flow),
        .made = partition_name(p, flow),
        .row = f->n,
        .flow = f,
        .extra = flow_table_beside_if(&p->flows, f, FLOW_BESIDE_EXTRA),
        .dialect = all->dialect,
        .proof = flow_table_beside(&p->flows, f, FLOW_BESIDE_PROOF),
    };
    return plan->output(plan->user, &o, err);
}

static bool prove_manifest(void *self, const char *text, size_t len, struct clv_error *err)
{
    const struct proof_plan *plan = self;
    return plan->manifest(plan->user, text, len, err);
}

struct observer observe_proof(struct proof_plan *plan)
{
    return (struct observer){
        .self = plan,
        .prepare = prepare_proof,
        .scanned = prove_scanned,
        .confirmed = prove_confirmed,
        .epoch = prove_epoch,
        .output = plan->output ? prove_output : NULL,
        .manifest = plan->manifest ? prove_manifest : NULL,
    };
}

/* The page. */

static bool prepare_report(void *self, struct partition *p)
{
    (void)self;
    p->timeline = mem_zalloc(1, sizeof *p->timeline);
    return p->timeline != NULL;
}

static bool begin_report(void *self, const struct findings *all, struct clv_error *err)
{
    for (uint32_t p = 0; p < all->n_parts; p++)
        report_timeline(self, all->parts[p].timeline);
    return report_begin(self, all->manifest, all->spill, err);
}

static bool report_each(void *self, const struct flow *f, uint32_t part, struct clv_error *err)
{
    return report_flow(self, f, part, err);
}

static bool end_report(void *self, const struct findings *all, struct clv_error *err)
{
    enum { ASK = 1024 }; /* rows */
    size_t n;
    const struct figures_rank *rows = report_rows(self, &n);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        const struct manifest_entry e = findings_entry(all, rows[i].part, rows[i].flow);
        ok = report_row(self, &e, err) &&
             (i % ASK || all->goes_on(all->run) ||
              clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller"));
    }
    return ok;
}

static void fini_report(void *self)
{
    report_forget(self);
}

struct observer observe_report(struct report *r)
{
    return (struct observer){
        .self = r,
        .prepare = prepare_report,
        .begin = begin_report,
        .flow = report_each,
        .end = end_report,
        .fini = fini_report,
    };
}

/* Sums of all flows. */

static bool add_totals(void *self, const struct flow *flow, uint32_t part, struct clv_error *err)
{
    struct flow_totals *f = self;
    (void)part, (void)err;
    f->flows++;
    f->records += flow->sum[0].packets + flow->sum[1].packets;
    f->captured += flow->sum[0].captured + flow->sum[1].captured;
    return true;
}

struct observer observe_totals(struct flow_totals *f)
{
    return (struct observer){.self = f, .flow = add_totals};
}

/* The flows that are chosen. */

static bool learn(void *self, const struct findings *all, struct clv_error *err)
{
    for (uint32_t p = 0; p < all->n_parts; p++)
        if (!learned_collect(self, &all->parts[p].flows))
            return clv_fail_nomem(err, "flows", sizeof(struct flow));
    return true;
}

struct observer observe_learned(struct learned *c)
{
    return (struct observer){.self = c, .end = learn};
}
