/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: the conductor. It cuts the input into windows, batches and pieces, and hands out tasks to
 * workers until every record is in its output. One lock guards the plan; no task holds it while it
 * works, and no record costs a lock.
 *
 *   scan    a piece of a batch           any order, any number at a time, also ahead of the rest
 *   roles   a batch                      where clients are told from servers, before it is found
 *   find    some partitions of a batch   batch after batch, in the capture's order
 *   sort    a partition of an epoch      between two epochs; partitions beside one another
 *   write   a partition of an epoch      beside scan and find of the next epoch
 *   rows    some rows of the manifest    at the end
 *   check   some outputs                 at the end, where somebody asks
 *
 * An epoch ends when its references fill their memory, when it has enough bytes per flow for large
 * writes, or with its window. Nothing of this shows in the outputs: their bytes depend on the
 * capture's order alone.
 */
#ifndef CLEAVE_PIPELINE_PIPELINE_H
#define CLEAVE_PIPELINE_PIPELINE_H

#include "cleave/split.h"
#include "output/publish.h"
#include "pipeline/partition.h"
#include "report/report.h"
#include "scan/scan.h"

struct pipeline_params {
    struct source *sources; /* probed; the pipeline opens and closes them */
    size_t n_sources;       /* at least 1 */
    size_t n_before, n_all; /* of the run: sources before these, and in all */
    struct dialect *dialect;
    bool recover, inner;
    bool dry_run;    /* publish is not used */
    int manifest_fd; /* -1: a file */
    const struct name_template *name;
    struct publish *publish;
    const char *spill_dir; /* for what leaves memory; NULL: a place for temporary files */
    struct flow_by by;
    uint32_t shards;             /* 0: none */
    struct select *select;       /* NULL: all records count */
    const struct chosen *chosen; /* NULL: every flow has an output of its own */
    struct chosen *collect;      /* NULL, or who is given all flows at the end */
    struct report *report;       /* NULL, or what is told of all flows at the end */
    struct proof_plan *proof;    /* NULL, or who holds the outputs against the input */
    struct flow_cuts cuts;
    uint64_t max_packets, max_bytes; /* of a flow; 0: all */
    uint16_t community_seed;
    bool drop_other;
    enum clv_manifest manifest;
    unsigned threads;  /* at least 1 */
    unsigned max_open; /* at least 1 */
    uint64_t memory;   /* bytes */
    uint64_t window;   /* bytes; 0: by memory */
    clv_split_progress *progress;
    void *user;
};

/*
 * Runs it all. *result has its counts in either case. On failure the outputs are not to be trusted.
 * Threads that cannot be started are done without.
 */
CLV_MUST_CHECK bool pipeline_run(const struct pipeline_params *params,
                                 struct clv_split_result *result, struct clv_error *err);

#endif
