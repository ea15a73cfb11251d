/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The schedule: what has been done, and what can be done next. The caller holds one lock around
 * every call; nothing here takes long, and nothing here does the work.
 *
 *   open      the next window                  one at a time
 *   scan      a piece of a batch               any order, any number at a time, also ahead
 *   pass      a batch, by a serial pass        pipeline/order.h
 *   find      some partitions of a batch       batch after batch, in the capture's order
 *   number    all new flows of an epoch        when its last batch is found
 *   name      a partition's new flows          then, where names may be alike
 *   take      all new flows                    then: each name once
 *   sort      a partition of an epoch          then; before the next epoch's batches are found
 *   lay out   all runs of an epoch             then, where outputs are members of an archive
 *   allocate  some of an archive's bytes       until its members are laid out; one at a time
 *   write     a partition of an epoch          while the next epoch is scanned and found;
 *             some members                     of an archive, in their order
 *   finish    a partition                      once all is written: what ends an archive's members
 *   rest      a partition                      then: what outputs get when all have their records
 *   cut       all members                      when the last epoch is written, where members are
 *   pack      some of them                     compressed (output/packing.h)
 *   tour      all flows                        when all is written
 *   rows      some rows of the manifest        at the end
 *   check     some outputs                     at the end, where somebody asks
 *
 * An epoch ends when its references fill their memory, when it has enough bytes per flow for large
 * writes, or with its window. It is gathered while the epoch before it is flushed:
 *
 *   gathering:  EMPTY -> FINDING <-> OPEN -> FULL --(the flush before is over)--> EMPTY
 *   flush:      IDLE -> NUMBER [-> NAME -> TAKE] -> SORT [-> LAY_OUT] -> WRITE
 *                    [-> FINISH] [-> REST] -> IDLE
 *   the end:    NOT_YET [-> CUT -> PACK] -> TOUR -> ROWS -> OVER
 */
#ifndef CLEAVE_PIPELINE_SCHEDULE_H
#define CLEAVE_PIPELINE_SCHEDULE_H

#include "pipeline/order.h"
#include "pipeline/partition.h"

enum task_kind {
    TASK_OPEN,
    TASK_SCAN,
    TASK_PASS,
    TASK_FIND,
    TASK_NUMBER,
    TASK_NAME,
    TASK_TAKE,
    TASK_SORT,
    TASK_LAY_OUT,
    TASK_ALLOCATE,
    TASK_WRITE,
    TASK_FINISH,
    TASK_REST,
    TASK_CUT,
    TASK_PACK,
    TASK_TOUR,
    TASK_ROWS,
    TASK_CHECK,
};

struct task {
    enum task_kind kind;
    uint32_t from, to;     /* partitions, or the number of a chunk, or of some members */
    struct feed_scan scan; /* TASK_SCAN */
    struct batch *batch;   /* TASK_FIND, TASK_PASS; NULL: the input has ended */
    unsigned pass;         /* number of the pass */
    /* When it was carried out: */
    bool there;            /* TASK_OPEN: the window was there */
    uint32_t packs;        /* TASK_CUT: chunks that follow */
    uint32_t rows, checks; /* TASK_TOUR: the same */
    bool members;          /* TASK_NUMBER: outputs are members of an archive, from here on */
    uint32_t writes;       /* TASK_LAY_OUT: tasks that write members */
};

enum gathering {
    GATHERING_EMPTY,   /* no batch yet */
    GATHERING_FINDING, /* a batch is being found */
    GATHERING_OPEN,    /* further batches may join it */
    GATHERING_FULL,    /* it waits for the flush before */
};

enum phase {
    PHASE_IDLE,
    PHASE_NUMBER,
    PHASE_NAME,
    PHASE_TAKE,
    PHASE_SORT,
    PHASE_LAY_OUT,
    PHASE_WRITE,
    PHASE_FINISH,
    PHASE_REST,
};

enum ending {
    ENDING_NOT_YET,
    ENDING_CUT,
    ENDING_PACK,
    ENDING_TOUR,
    ENDING_ROWS,
    ENDING_OVER,
};

/* The epoch whose records are found. */
struct epoch {
    enum gathering state;
    uint32_t number;
    uint64_t seq; /* number of its first item */
    uint64_t items;
    size_t from, to; /* bytes of its window */
    const struct view *view;
    uint32_t find_next, find_done; /* partitions */
};

/* The epoch that is numbered, sorted or written. */
struct flush {
    enum phase phase;
    uint32_t n, next, done; /* tasks of the phase; handed out; finished */
    const struct view *view;
    size_t from, to;   /* bytes of the window, which are released when it is written */
    uint64_t items;    /* to be written */
    uint32_t *by_size; /* partitions in the order in which they are worked on */
    bool last;
};

/* Bytes of a window that were written. */
struct released {
    struct input_window window; /* window.in NULL: none were */
    struct source *source;
    size_t from, to;
};

/* A table of chunks that are handed out in order. */
struct chunks {
    uint32_t n, next, done;
};

struct schedule {
    /* Settled by the caller. */
    const struct partition *parts; /* their sums of what is pending */
    uint32_t n_parts, finds_step;
    uint64_t max_refs;
    bool wide;     /* epochs end only where they must */
    bool names;    /* PHASE_NAME and PHASE_TAKE are wanted */
    bool finishes; /* of members, PHASE_FINISH is wanted */
    bool rests;    /* PHASE_REST is wanted */
    bool packs;    /* of members, ENDING_CUT is wanted */

    struct feed feed;
    struct order order;
    struct epoch epoch;
    struct flush flush;
    bool members;             /* outputs are members of an archive */
    uint32_t writes;          /* tasks that write those of the flush */
    struct released released; /* for the caller, who takes it out */
    enum ending ending;
    struct chunks allocated, packed, rows, checks;
    bool failed, finished;
};

/* true: *task can be carried out now, and is marked so. false: something else must finish first. */
bool schedule_next(struct schedule *s, struct task *task);

/* The task was carried out: what it makes possible becomes so. */
void schedule_done(struct schedule *s, const struct task *task);

/* Items of the input that have been written, about; all that are known are s->feed.n_items. */
double schedule_written(const struct schedule *s);

#endif
