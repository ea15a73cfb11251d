/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: references to a flow's records become the bytes of its output, in the run's dialect. They
 * are gathered through a stage, which stays in the cache. Of where the bytes go a form knows no
 * more than the stage does.
 *
 *   form_keep      once per table: what is kept of each flow
 *   form_begin     an output, for a round of writing
 *   form_put       its records of this round
 *   form_finish    what comes after its last record
 *   form_end       the stage has written it all, and may serve another output
 *
 * Threads: one at a time per output; a scratch per thread.
 */
#ifndef CLEAVE_FORMAT_FORM_H
#define CLEAVE_FORMAT_FORM_H

#include "flow/table.h"
#include "format/blocks.h"
#include "format/dump.h"
#include "format/stage.h"

/* A record in the window that the epoch covers. */
struct form_ref {
    uint32_t offset; /* bytes */
    uint32_t len;    /* bytes, record header included */
};

/* What the records of one round of writing have in common. */
struct form_round {
    const uint8_t *base; /* what references count from */
    size_t avail;        /* bytes at base */
    uint64_t position;   /* of base in the run's input */
    struct blocks_source source;
    bool last; /* no record follows in any output */
};

/* Where in a round's ledger the last record was read. Zeroed at the beginning of a round. */
struct form_cursor {
    struct walk_state st;
    uint64_t until;
};

/* Reads the record at base + offset again. false: it has changed since it was scanned. */
CLV_MUST_CHECK bool form_reread(const struct form_round *round, uint32_t offset,
                                struct form_cursor *cursor, struct walk_record *rec);

/* Of a run. All is borrowed. */
struct form {
    const struct dialect *dialect;
    const struct flow_by *by; /* NULL: what addresses keys have is not known */
};

/* What a thread writes with. */
struct form_scratch {
    struct stage stage;
    struct dump *dump; /* NULL until one is needed */
};

/* false: no memory; form_scratch_fini() is harmless. */
CLV_MUST_CHECK bool form_scratch_init(struct form_scratch *x, enum clv_compress compress);
void form_scratch_fini(struct form_scratch *x);

/* Has the table keep what the form needs to know of each flow's output. Before the first flow. */
void form_keep(const struct form *form, struct flow_table *flows);

/* A flow's output, and how far it has come; NULL: the form does not keep it. */
struct form_output {
    const struct flow *flow;
    struct trail *trail;
    uint32_t *tail;
};

static inline struct form_output form_output(const struct flow_table *t, struct flow *f)
{
    const bool trail = t->beside[FLOW_BESIDE_TRAIL].at, tail = t->beside[FLOW_BESIDE_TAIL].at;
    return (struct form_output){
        .flow = f,
        .trail = trail ? flow_table_beside_rw(t, f, FLOW_BESIDE_TRAIL) : NULL,
        .tail = tail ? flow_table_beside_rw(t, f, FLOW_BESIDE_TAIL) : NULL,
    };
}

/* true: the form keeps something, so that form_unfinished() may be true of some output. */
static inline bool form_keeps(const struct flow_table *t)
{
    return t->beside[FLOW_BESIDE_TRAIL].at || t->beside[FLOW_BESIDE_TAIL].at;
}

/* The flow's output begins anew: what it had was measured. */
void form_again(const struct flow_table *flows, struct flow *f);

/* Frees what all outputs' trails have, where they are kept. */
void form_forget(const struct flow_table *flows);

/*
 * The scratch serves the output, which lies at the place; if it is empty, it gets what files of its
 * format begin with. name and err are borrowed until form_end().
 */
CLV_MUST_CHECK bool form_begin(const struct form *form, struct form_scratch *x,
                               const struct form_output *o, const struct stage_place *place,
                               const char *name, struct clv_error *err);

/* Adds n records. */
CLV_MUST_CHECK bool form_put(const struct form *form, struct form_scratch *x,
                             const struct form_output *o, const struct form_round *round,
                             const struct form_ref *refs, uint32_t n);

/*
 * Adds what comes after the output's last record. rest: nothing else does, ever; until then what is
 * no whole stretch waits as it is where secrets may follow, see form_rest().
 */
CLV_MUST_CHECK bool form_finish(const struct form *form, struct form_scratch *x,
                                const struct form_output *o, const struct form_round *round,
                                bool rest);

/* Writes what is left; the scratch's stage.place is where the output is then, in either case. */
CLV_MUST_CHECK bool form_end(struct form_scratch *x, const struct form_output *o);

/* true: the output has all its records, but lacks what form_finish() would add. */
bool form_unfinished(const struct form *form, const struct form_output *o,
                     const struct form_round *round);

/*
 * Once all outputs are finished: *any, form_finish() has to be called once more with `rest`.
 * Secrets that no output has a use for go to all. false: no memory.
 */
CLV_MUST_CHECK bool form_rest(const struct form *form, const struct form_output *o,
                              const struct form_round *round, bool *any);

#endif
