/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A partition: the flows whose hashes share their top bits, with all that belongs to them: table,
 * pending references, names, open outputs. Finding and writing touch disjoint parts of it, so that
 * the records of one epoch can be found while those of the epoch before are written.
 *
 * An epoch is the input between two rounds of writing:
 *
 *   partition_find    items         -> flow, run, log       for each piece, in capture order
 *   partition_sort    log           -> refs, grouped by run; new flows get number and name
 *   partition_write   run, refs     -> output               the log is free for the next epoch
 */
#ifndef CLEAVE_PIPELINE_PARTITION_H
#define CLEAVE_PIPELINE_PARTITION_H

#include "flow/cut.h"
#include "flow/positions.h"
#include "flow/table.h"
#include "manifest/name.h"
#include "output/files.h"
#include "output/measure.h"
#include "output/writer.h"
#include "proof/proof.h"
#include "report/timeline.h"
#include "scan/scan.h"

/* The records of one flow in one epoch. */
struct run {
    uint32_t flow;
    uint32_t n;       /* records */
    uint32_t at;      /* while sorting: where the next one goes; after it: the end of the run */
    uint32_t first;   /* where in the window the first one lies, bytes */
    int64_t first_ns; /* time of the first */
};

/* A record on its way to its run. */
struct log_entry {
    uint32_t run;
    struct form_ref ref;
};

enum { LOG_CHUNK = 1365 }; /* entries: a chunk is a little less than 16 KiB */

struct log_chunk {
    struct log_chunk *next;
    struct log_entry entries[LOG_CHUNK];
};

struct partition {
    bool any_key; /* keys are of any fields (flow/anykey.h) */
    bool chooses; /* not all flows have outputs of their own: items say which */
    bool sided;
    bool copies; /* a record has an item for each of its hosts: that of its receiver has dir 1 */
    bool dry;    /* nothing is written: records are counted */
    bool proves; /* references are wanted nevertheless */
    bool measures;
    uint64_t dry_records;
    struct flow_table flows;
    struct flow_cuts cuts;
    uint32_t record_header;          /* bytes, of classic pcap */
    uint64_t max_packets, max_bytes; /* of a flow that are written; 0: all */
    uint64_t capped;                 /* records beyond it */
    struct timeline *timeline;       /* of what is written; NULL: nobody asks */
    struct positions_store places;   /* for FLOW_BESIDE_POSITIONS, where somebody asks */
    bool drop_small;                 /* records of flows that were not chosen */
    uint64_t small;                  /* their number */
    struct run *runs;                /* of the epoch that is being found */
    size_t n_runs, runs_cap;
    struct log_chunk *log, *log_tail;
    struct log_entry *log_at, *log_end; /* in the tail; the other chunks are full */
    struct log_chunk *spare;
    uint64_t n_log;
    uint64_t pending_bytes;
    uint32_t first_new; /* flows from here on came in this epoch */

    struct run *write_runs; /* of the epoch that is being written */
    size_t n_write_runs, write_runs_cap;
    const struct form_ref *refs; /* theirs, in the runs' order */
    struct files files;          /* where they go */
    struct writer writer;

    char **names; /* blocks of NAME_BLOCK bytes */
    size_t n_names, names_cap;
    uint32_t names_at; /* free bytes of the last block begin here */
};

/* What a run keeps of each flow is taken from spill, or, if it is NULL, from plain memory. */
CLV_MUST_CHECK bool partition_init(struct partition *p, const struct flow_by *by,
                                   const struct flow_cuts *cuts, struct spill *spill);
void partition_fini(struct partition *p);

/*
 * A walk over all flows of several partitions, some of each in turn: about as they came, and so
 * about as they lie in a file if they spilled. Zeroed at its beginning.
 */
struct flow_tour {
    uint64_t base;    /* number of the chunk's first flow */
    uint32_t part, i; /* where the tour is; i: in the chunk */
    bool more;        /* some partition has flows beyond this chunk */
};

/* The next flow, and in *part its partition; NULL: that was all. */
struct flow *flow_tour_next(struct flow_tour *tour, const struct partition *parts, uint32_t n_parts,
                            uint32_t *part);

/* What tunnels hide of a flow, where somebody asks. */
static inline struct clv_tuple *partition_outer(const struct partition *p, struct flow *f)
{
    return flow_table_beside_rw(&p->flows, f, FLOW_BESIDE_OUTER);
}

/* What the flow's output must hold, where somebody asks. */
static inline struct proof *partition_proof(const struct partition *p, struct flow *f)
{
    return flow_table_beside_rw(&p->flows, f, FLOW_BESIDE_PROOF);
}

/* Bytes of the flow's output where that is its header, and records as the input has them. */
static inline uint64_t partition_plain_bytes(const struct partition *p, const struct flow *f)
{
    return PCAP_FILE_HEADER + f->sum[0].captured + f->sum[1].captured +
           (f->sum[0].packets + f->sum[1].packets) * p->record_header;
}

/* Bytes of the flow's output where outputs are measured, else 0. */
static inline uint64_t partition_measured(const struct partition *p, const struct flow *f)
{
    return !p->measures ? 0 : p->dry ? partition_plain_bytes(p, f) : measure_size(&p->flows, f);
}

/* Looks up, or makes, the flow of each item of a piece that belongs to partition number. */
CLV_MUST_CHECK bool partition_find(struct partition *p, uint32_t number,
                                   const struct scan_piece *piece, uint32_t epoch,
                                   uint64_t epoch_seq, struct clv_error *err);

/* Groups the log by run into the p->n_log references at refs, and begins a new epoch. */
void partition_sort(struct partition *p, struct form_ref *refs);

/* Adds the records that are about to be written, of the window v, to what outputs must hold. */
CLV_MUST_CHECK bool partition_prove(struct partition *p, const struct proof_plan *plan,
                                    const struct view *v, const struct form_round *round,
                                    struct clv_error *err);

/* Adds the same records to where those of their flows lie, FLOW_BESIDE_POSITIONS. */
CLV_MUST_CHECK bool partition_place(struct partition *p, const struct form_round *round,
                                    struct clv_error *err);

/* Gives flow i its name, once; partition_name() returns it ever after. */
CLV_MUST_CHECK bool partition_set_name(struct partition *p, uint32_t i, const char *name,
                                       size_t len, struct clv_error *err);
const char *partition_name(const struct partition *p, uint32_t i);

/* Starts the loads of a run's name and of its first records, which lie apart. */
void partition_prefetch(const struct partition *p, const struct run *r,
                        const struct form_round *round);

/* What outputs get once all partitions have written their last round. */
CLV_MUST_CHECK bool partition_rest(struct partition *p, struct form_scratch *x,
                                   const struct form_round *round, struct clv_error *err);

/* Writes the runs of the epoch that was sorted last. After the last round all outputs are closed.
 */
CLV_MUST_CHECK bool partition_write(struct partition *p, struct form_scratch *x,
                                    const struct form_round *round, struct clv_error *err);

#endif
