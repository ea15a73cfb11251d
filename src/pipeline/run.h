/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A run of the pipeline: what its parts share. pipeline.c makes it and lets workers loose on it;
 * tasks.c is what they do.
 */
#ifndef CLEAVE_PIPELINE_RUN_H
#define CLEAVE_PIPELINE_RUN_H

#include <pthread.h>

#include "output/measure.h"
#include "pipeline/finish.h"
#include "pipeline/members.h"
#include "pipeline/pipeline.h"
#include "pipeline/schedule.h"
#include "scan/dedup.h"
#include "scan/join.h"
#include "scan/listed.h"
#include "scan/relate.h"
#include "scan/roles.h"

/* What becomes of outputs. */
enum target {
    TARGET_FILES,    /* or nothing, in a dry run */
    TARGET_ASKED,    /* an archive: whether its members' sizes can be known is asked for */
    TARGET_MEASURED, /* the sizes of members are found, and nothing is written */
    TARGET_MEMBERS,  /* they are written */
};

struct pipeline {
    const struct pipeline_params *params;
    struct clv_split_result *result;
    struct clv_error *err;
    int64_t started_ns, reported_ns;

    struct scan_settings scan;
    struct ledger ledger;
    struct metadata metadata;
    struct spill spill; /* for what is kept of each flow */
    struct partition *parts;
    struct form_ref *refs; /* of the epoch that is flushed, partition by partition */
    uint64_t *ref_starts;  /* by partition */
    struct join join;
    struct roles roles;
    struct relate relate;
    struct dedup dedup;
    struct listed listed;
    struct manifest manifest;
    struct numbering numbering;
    struct form_round round; /* of the epoch that is flushed */
    struct form form;
    enum target target;
    struct measure measure;
    struct members members;
    struct archive_sums sums;
    struct finish finish;

    pthread_mutex_t lock; /* guards all below, and the counts of join */
    pthread_cond_t wake;
    struct schedule schedule;
    uint64_t found_flows;   /* about: up to the last batch, `other` counted */
    size_t written, closed; /* sources before these are */
};

struct worker {
    struct pipeline *pl;
    struct form_scratch scratch;
    struct archive_thread archive; /* with the scratch, and entries on the text */
    struct packing_thread packing; /* with the scratch's chunk, and on the text */
    char *text;                    /* FINISH_TEXT_MAX bytes: rows of the manifest */
    struct flowlist_memo *memo;    /* where there is a list of flows */
    bool is_caller;
};

/*
 * Carries out a task, which may add to it what schedule_done() is to know. The lock is not held; no
 * two tasks that are handed out at a time touch the same part of the run.
 */
CLV_MUST_CHECK bool tasks_carry_out(struct pipeline *pl, struct worker *w, struct task *t,
                                    struct clv_error *err);

#endif
