/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The runs of an epoch in the order in which their flows' members lie in an archive, so that what
 * lies together is written together, whatever partitions it is in.
 *
 *   members_begin     room for the runs of all partitions; dense: each row has exactly one
 *   members_note      a partition's runs; partitions side by side
 *   members_lay_out   sorts them where they are not dense, and cuts them into tasks of about equal
 *                     size; one thread
 *   members_run       those of a task
 */
#ifndef CLEAVE_PIPELINE_MEMBERS_H
#define CLEAVE_PIPELINE_MEMBERS_H

#include "output/archive.h"
#include "pipeline/partition.h"

struct members_run {
    uint64_t bytes; /* of its records; where members are laid out, the room of the whole member */
    uint32_t row;   /* of the manifest */
    uint32_t part, run;
    uint32_t name_len; /* of the member */
};

struct members {
    struct members_run *runs, *spare; /* spare: of the same length, for sorting */
    bool dense;                       /* each row has one run, which is noted in its place */
    uint64_t n;
    size_t runs_cap, spare_cap;
    uint64_t *starts; /* by partition: where its runs are noted */
    uint64_t *tasks;  /* where each task's runs begin, and where the last one's end */
    size_t n_tasks, tasks_cap;
};

/* false: no memory. members_fini() is harmless, as it is on a zeroed one. */
CLV_MUST_CHECK bool members_begin(struct members *m, const struct partition *parts,
                                  uint32_t n_parts, bool dense);
void members_fini(struct members *m);

static inline struct members_run *members_note(struct members *m, uint32_t part, size_t run,
                                               uint64_t row)
{
    struct members_run *to = &m->runs[m->dense ? row : m->starts[part] + run];
    to->row = (uint32_t)row;
    to->part = part;
    to->run = (uint32_t)run;
    return to;
}

/* false: no memory. */
CLV_MUST_CHECK bool members_lay_out(struct members *m);

/* What members are written with. */
struct members_round {
    struct archive *archive;
    const struct form *form;
    struct partition *parts;
    const struct form_round *round;
};

/* Writes the runs of a task. Threads: any number, of different tasks. */
CLV_MUST_CHECK bool members_write(const struct members *m, size_t task,
                                  const struct members_round *r, struct archive_thread *by,
                                  struct clv_error *err);

/* What comes after the last records of a partition's flows; rest: and after that of all others. */
CLV_MUST_CHECK bool members_finish(const struct members_round *r, uint32_t part, bool rest,
                                   struct archive_thread *by, struct clv_error *err);

#endif
