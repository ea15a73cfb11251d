/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plan: what has been done, what can be done next. It is guarded by one lock, which its caller
 * holds around every call; nothing here takes long. pipeline.h says what the tasks are.
 *
 * How far each stage is, in batches of the input:
 *
 *   found <= join_at <= confirm_at <= fed <= found + BATCHES,  scan_at <= fed
 *
 * More batches are under way while fragments wait for the first one of their datagram: what is
 * found is settled.
 */
#ifndef CLEAVE_PIPELINE_SCHEDULE_H
#define CLEAVE_PIPELINE_SCHEDULE_H

#include <pthread.h>

#include "flow/fragments.h"
#include "manifest/manifest.h"
#include "pipeline/numbering.h"
#include "pipeline/pipeline.h"
#include "pipeline/roles.h"

enum {
    PIECE = 1024 * 1024, /* bytes of input per scan */
    PIECES_MAX = 256,    /* per batch */
    BATCHES = 3,         /* one is found while the next are scanned */
    ROWS = 4096,         /* of the manifest per task */
    CHECKS = 16,         /* outputs per task */
};

enum piece_state {
    PIECE_TODO,
    PIECE_RUNNING,
    PIECE_DONE,
};

struct batch {
    struct view *view;
    struct scan_piece *pieces;
    enum piece_state *states;
    unsigned n_pieces, n_handed, n_confirmed;
    uint64_t n_items;
    uint64_t waiting;      /* fragments whose first one has not come */
    uint64_t join_waiting; /* the same, as the joiner counts */
    bool has_roles;        /* clients are told from servers, where keys ask for it */
};

/* What TASK_JOIN works on, one at a time: fragments and the pieces that have them. */
struct join {
    struct fragments *fragments; /* made when the first fragment is met */
    const struct scan_plan *scan;
    struct scan_piece **disordered;
    size_t n_disordered, disordered_cap;
    uint64_t orphans;
    uint64_t filtered, filtered_copies;
    bool no_memory;
};

enum task_kind {
    TASK_SCAN,
    TASK_JOIN,
    TASK_ROLES,
    TASK_FIND,
    TASK_SORT,
    TASK_WRITE,
    TASK_REST,
    TASK_ROWS,
    TASK_CHECK,
};

struct task {
    enum task_kind kind;
    uint32_t from, to; /* partitions, or rows' chunk */
    struct batch *batch;
    unsigned piece;
};

enum phase {
    PHASE_IDLE,
    PHASE_SORT,
    PHASE_WRITE,
    PHASE_REST, /* behind the last one: what outputs get when all have their records */
};

/* What is being sorted or written. */
struct flush {
    enum phase phase;
    uint32_t next, done; /* partitions handed out, finished */
    const struct view *view;
    struct writer_round round;
    size_t release_from, release_to; /* of the window, when it is written */
    uint64_t *ref_starts;            /* by partition */
    uint32_t *by_size;               /* partitions, the one with most bytes first */
    uint64_t items;                  /* to be written */
    bool last;
};

/* Bytes of a window that were written. window.in NULL: none. */
struct released {
    struct input_window window;
    struct source *source;
    size_t from, to;
};

struct plan {
    const struct pipeline_params *params;
    struct clv_split_result *result;
    struct clv_error *err;
    struct scan_plan scan;
    struct ledger ledger;
    struct metadata metadata;
    struct input_plan input;
    unsigned pieces_per_batch;
    uint32_t finds_step; /* partitions per find task */
    uint64_t max_refs;
    struct spill spill; /* for what is kept of each flow */
    struct partition *parts;
    struct writer_ref *refs;
    int64_t started_ns, reported_ns;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    bool failed, finished;

    struct view *views; /* a ring of n_batches + 5: more than can be in use */
    unsigned views_cap;
    uint64_t n_views; /* opened so far */
    size_t source;    /* the one whose windows are opened now */
    struct batch *batches;
    struct batch **ring;  /* the batches under way */
    struct batch **spare; /* the others; what was used last is used first: its memory is warm */
    unsigned n_batches, n_spare;
    uint64_t fed, found; /* batches set up; batches whose items all have flows */
    uint64_t join_at;    /* the batch whose fragments are looked at */
    bool joining;
    struct join join;
    uint64_t waiting, orphans, overflow;
    uint64_t filtered, filtered_copies; /* as the joiner had them when it was last done */
    uint64_t scan_at;                   /* the batch whose pieces are handed out */
    uint64_t confirm_at;                /* the batch whose pieces are confirmed */
    size_t confirm_end;                 /* where the last confirmed piece ended, in its window */
    const struct view *confirm_view;
    struct walk_state confirm_state;
    bool confirm_seeking; /* behind a fault: no record was found up to confirm_end */
    uint64_t n_items;     /* in confirmed pieces */
    uint64_t done_bytes;  /* of the sources that are over */
    bool fed_all;         /* no batch follows */
    bool ended;           /* all pieces that count are confirmed */
    struct scan_counts counts;

    bool settling; /* roles */
    struct roles roles;
    bool finding;
    uint32_t find_next, find_done; /* partitions */
    uint64_t found_flows;          /* about: up to the last batch, `other` counted */
    uint32_t epoch;
    uint64_t epoch_seq; /* number of the epoch's first item */
    uint64_t epoch_items;
    size_t epoch_from, epoch_to;   /* bytes of its window */
    const struct view *epoch_view; /* NULL: the epoch has no batch yet */
    bool want_flush;
    struct flush flush;
    struct released release; /* for whoever completed the last task: it takes a while */
    size_t written, closed;  /* sources before these are */
    struct numbering numbering;

    struct manifest manifest;
    struct flow_ref *rows; /* outputs in the manifest's order */
    uint64_t n_rows;
    uint32_t rows_next, rows_done, rows_chunks;
    uint32_t checks_next, checks_done, checks_chunks;
    int manifest_fd;
};

/* The first failure is the one that is told. */
void plan_fail(struct plan *pl, const struct clv_error *err);

/* true: *task can be carried out now, and is marked so. false: something else must finish first. */
bool plan_pick(struct plan *pl, struct task *task);

/* The task was carried out: what it makes possible becomes so. */
void plan_complete(struct plan *pl, const struct task *task);

#endif
