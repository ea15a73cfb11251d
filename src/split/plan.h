/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plan: what has been done, what can be done next. It is guarded by one lock, which its caller
 * holds around every call; nothing here takes long. pipeline.h says what the tasks are.
 *
 * How far each stage is, in batches of the input:
 *
 *   found <= confirm_at <= fed <= found + BATCHES,  scan_at <= fed
 */
#ifndef CLEAVE_SPLIT_PLAN_H
#define CLEAVE_SPLIT_PLAN_H

#include <pthread.h>

#include "split/numbering.h"
#include "split/pipeline.h"

enum {
    PIECE = 1024 * 1024, /* bytes of input per scan */
    PIECES_MAX = 256,    /* per batch */
    BATCHES = 3,         /* one is found while the next are scanned */
    WINDOWS = 8,         /* more than can be in use: written, found, three batches */
    ROWS = 4096,         /* of the manifest per task */
};

enum piece_state {
    PIECE_TODO,
    PIECE_RUNNING,
    PIECE_DONE,
};

struct batch {
    struct input_window *window;
    struct scan_piece *pieces;
    enum piece_state *states;
    unsigned n_pieces, n_handed, n_confirmed;
    uint64_t n_items;
    bool last; /* the input's last */
};

enum task_kind {
    TASK_SCAN,
    TASK_FIND,
    TASK_SORT,
    TASK_WRITE,
    TASK_ROWS,
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
};

/* What is being sorted or written. */
struct flush {
    enum phase phase;
    uint32_t next, done; /* partitions handed out, finished */
    const struct input_window *window;
    size_t release_from, release_to; /* of the window, when it is written */
    uint64_t *ref_starts;            /* by partition */
    uint32_t *by_size;               /* partitions, the one with most bytes first */
    bool last;
};

/* Bytes of a window that were written. */
struct released {
    struct input_window window;
    size_t from, to; /* equal: none */
};

struct plan {
    const struct pipeline_params *params;
    struct clv_split_result *result;
    struct clv_error *err;
    struct scan_plan scan;
    uint8_t header[PCAP_FILE_HEADER];
    size_t window_len, window_slack;
    unsigned pieces_per_batch;
    uint32_t finds_step; /* partitions per find task */
    uint64_t max_refs;
    struct partition *parts;
    struct writer_ref *refs;
    int64_t started_ns, reported_ns;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    bool failed, finished;

    struct input_window windows[WINDOWS];
    uint64_t n_windows; /* opened so far */
    struct batch batches[BATCHES];
    uint64_t fed, found; /* batches set up; batches whose items all have flows */
    uint64_t scan_at;    /* the batch whose pieces are handed out */
    uint64_t confirm_at; /* the batch whose pieces are confirmed */
    size_t confirm_end;  /* where the last confirmed piece ended, in its window */
    const struct input_window *confirm_window;
    int64_t near_ns;  /* time of the last confirmed record, for guesses */
    uint64_t n_items; /* in confirmed pieces */
    bool fed_all;     /* no batch follows: the end of the input, or of its sound part */
    bool ended;       /* all pieces that count are confirmed */
    struct scan_counts counts;

    bool finding;
    uint32_t find_next, find_done; /* partitions */
    uint32_t epoch;
    uint64_t epoch_seq; /* number of the epoch's first item */
    uint64_t epoch_items;
    size_t epoch_from, epoch_to;             /* bytes of its window */
    const struct input_window *epoch_window; /* NULL: the epoch has no batch yet */
    bool want_flush;
    struct flush flush;
    struct released release; /* for whoever completed the last task: it takes a while */
    struct numbering numbering;

    struct flow_ref *rows; /* outputs in the manifest's order */
    uint64_t n_rows;
    uint32_t rows_next, rows_done, rows_chunks;
    int manifest_fd;
};

/* The first failure is the one that is told. */
void plan_fail(struct plan *pl, const struct clv_error *err);

/* true: *task can be carried out now, and is marked so. false: something else must finish first. */
bool plan_pick(struct plan *pl, struct task *task);

/* The task was carried out: what it makes possible becomes so. */
void plan_complete(struct plan *pl, const struct task *task);

#endif
