/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers and names for outputs, in the order in which their flows appear in the capture, whatever
 * thread met them first. The new flows of an epoch are marked in a bitmap over its items; a flow's
 * number is the count of marks before its own, so that partitions number their flows side by side.
 */
#ifndef CLEAVE_PIPELINE_NUMBERING_H
#define CLEAVE_PIPELINE_NUMBERING_H

#include "base/names.h"
#include "pipeline/partition.h"

struct flow_ref {
    uint32_t part;
    uint32_t flow;
};

enum { NUMBERING_PART = 0x7fffffff };

/* A new flow of the epoch, where names have to be compared. */
struct numbering_new {
    struct keyed_hash hash; /* of its name */
    uint32_t flow;
    uint32_t part : 31;
    uint32_t reserved : 1; /* no output may have this name */
};

struct numbering {
    const struct name_template *name;
    bool outer;                       /* tunnels were looked through: what they hide is kept */
    const struct decode_ports *ports; /* that these are on, too; or NULL */
    struct form_round round;          /* in which the epoch's records will be written */
    uint64_t n_numbered; /* flows with a number, up to the epoch that was numbered last */
    uint64_t base;       /* of them, those of earlier epochs */
    uint32_t n_others;   /* outputs without a network address; they have numbers of their own */
    uint64_t *marks;     /* a bit per item of the epoch */
    uint32_t *ranks;     /* marks before each word */
    size_t marks_cap, ranks_cap;
    struct numbering_new *new; /* by number, where the template does not make names unique */
    size_t new_cap;
    struct names taken; /* names given so far, where the template does not make them unique */
};

void numbering_init(struct numbering *nb, const struct name_template *name, bool outer);
void numbering_fini(struct numbering *nb);

/* Numbers the new flows of all partitions. One thread. */
CLV_MUST_CHECK bool numbering_epoch(struct numbering *nb, struct partition *parts, uint32_t n_parts,
                                    uint64_t epoch_items, const struct form_round *round,
                                    struct clv_error *err);

/*
 * Gives the new flows of p, which is number `part`, their numbers and the template's names.
 * Threads: partitions side by side.
 */
CLV_MUST_CHECK bool numbering_names(const struct numbering *nb, struct partition *p, uint32_t part,
                                    struct clv_error *err);

/*
 * Where the template does not make names unique: a name that an earlier flow has gets a suffix.
 * When all partitions have names; one thread.
 */
CLV_MUST_CHECK bool numbering_take(struct numbering *nb, struct partition *parts,
                                   struct clv_error *err);

/* Outputs so far, and where one stands among them: flows by number, `other` last. */
static inline uint64_t numbering_outputs(const struct numbering *nb)
{
    return nb->n_numbered + nb->n_others;
}

static inline uint64_t numbering_row(const struct numbering *nb, const struct flow *f)
{
    return f->n - 1 + (flow_is_other(&f->key) ? nb->n_numbered : 0);
}

#endif
