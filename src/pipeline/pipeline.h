/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: captures become outputs. One thread calls; it and others carry out the tasks that the
 * schedule hands out (pipeline/schedule.h). One lock guards what is shared; no task holds it while
 * it works, and no record costs a lock. Nothing of pieces, batches, windows, epochs, threads or
 * partitions shows in the outputs: their bytes depend on the capture's order alone.
 */
#ifndef CLEAVE_PIPELINE_PIPELINE_H
#define CLEAVE_PIPELINE_PIPELINE_H

#include "cleave/split.h"
#include "flow/relations.h"
#include "output/packing.h"
#include "output/publish.h"
#include "output/single.h"
#include "pipeline/observe.h"

struct pipeline_params {
    struct source *sources; /* probed; the pipeline opens and closes them */
    size_t n_sources;       /* at least 1 */
    size_t n_before, n_all; /* of the run: sources before these, and in all */
    struct dialect *dialect;
    bool recover, inner;
    const struct decode_ports *ports; /* that tunnels are on, too; or NULL */
    bool dry_run;                     /* publish is not used */
    bool measures;   /* nor here: outputs are not written, but measured by who would write them */
    int manifest_fd; /* -1: a file */
    const struct name_template *name;
    struct publish *publish;
    /*
     * NULL: outputs are files. Else they are its members. Where these lie is found in this run, if
     * all records fit into one epoch; if not, nothing is written, and archive->measured says that a
     * second run with it will.
     */
    struct archive *archive;
    struct single *single;   /* NULL, or where the one output goes; publish is not used then */
    struct packing *packing; /* NULL: its members are as they are; else they are compressed */
    const char *spill_dir;   /* for what leaves memory; NULL: a place for temporary files */
    struct flow_by by;
    uint32_t shards;                  /* 0: none */
    struct filter *filter;            /* NULL: all records count */
    const struct flowlist *list;      /* NULL: records of all flows count */
    const struct dedup_plan *dedup;   /* NULL: nobody looks for duplicates */
    const struct learned *chosen;     /* NULL: every flow has an output of its own */
    const struct observer *observers; /* NULL: nobody follows the run */
    struct flow_cuts cuts;
    struct relations_plan relate; /* what is asked of flows and their payloads */
    const struct relations
        *known;               /* by an earlier reading; NULL: this is the only one, or the first */
    struct relations *learns; /* NULL, or who keeps what this reading finds; initialised */
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
 * false: where outputs are files, it is certain that there is no room for so many bytes more, or
 * for so many more outputs and what lies beside them.
 */
CLV_MUST_CHECK bool pipeline_fits(const struct pipeline_params *params, uint64_t bytes,
                                  uint64_t outputs, struct clv_error *err);

/*
 * Runs it all. *result has its counts in either case. On failure the outputs are not to be trusted.
 * Threads that cannot be started are done without.
 */
CLV_MUST_CHECK bool pipeline_run(const struct pipeline_params *params,
                                 struct clv_split_result *result, struct clv_error *err);

#endif
