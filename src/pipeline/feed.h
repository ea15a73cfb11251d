/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The feed: captures become windows, windows batches of pieces; pieces are handed out to be
 * scanned, and confirmed in the input's order. The caller holds one lock around every call but
 * feed_open(), which may take long.
 *
 *   found <= confirm_at <= fed,  scan_at <= fed
 *
 * count batches: those whose records all have flows, are confirmed, are set up; scan_at is the one
 * whose pieces are handed out.
 */
#ifndef CLEAVE_PIPELINE_FEED_H
#define CLEAVE_PIPELINE_FEED_H

#include "cleave/split.h"
#include "pipeline/observe.h"
#include "scan/batch.h"

enum {
    BATCHES = 3,      /* one is found while the next are scanned */
    VIEWS_BESIDE = 5, /* windows in use at a time, besides one for each batch */
};

/* A piece to be scanned: number `piece` of the batch. */
struct feed_scan {
    struct batch *batch;
    unsigned piece;
};

struct feed {
    /* Settled by the caller, before feed_init(). */
    struct source *sources; /* probed */
    size_t n_sources;
    struct input_plan input; /* how windows are cut; the slack is each source's own */
    bool recover;            /* records are searched for behind a fault */
    unsigned n_batches, pieces_per_batch;
    const struct observer *observers; /* whom confirmed pieces are reported to */
    struct clv_split_result *result;  /* damage, places of disorder and bytes are counted there */

    struct view *views; /* a ring of views_cap: more than can be in use */
    unsigned views_cap;
    uint64_t n_views;     /* opened so far */
    size_t source;        /* the one whose windows are opened now */
    struct view *next;    /* was opened, and no batch has it yet; NULL: none */
    struct view *lacking; /* the scan that is to be confirmed next waits for more of its slack */
    struct view *growing; /* what feed_open() gives more slack; NULL: it opens a window */
    bool opening;         /* feed_open() is under way */
    bool dry;             /* what was asked for is not there yet: feed_wake() */

    struct batch *batches;
    struct batch **ring;  /* the batches under way */
    struct batch **spare; /* the others; what was used last is used first: its memory is warm */
    unsigned n_spare;
    uint64_t fed, found, scan_at, confirm_at;
    size_t confirm_end; /* where the last confirmed piece ended, in its window */
    const struct view *confirm_view;
    struct walk_state confirm_state;
    bool confirm_seeking; /* after a fault: no record was found up to confirm_end */
    uint64_t n_items;     /* in confirmed pieces */
    uint64_t done_bytes;  /* of the sources that are over */
    bool fed_all;         /* no batch follows */
    bool ended;           /* all pieces that count are confirmed */
    struct scan_counts counts;
};

/* On failure feed_fini() is harmless. */
CLV_MUST_CHECK bool feed_init(struct feed *fd, struct clv_error *err);
void feed_fini(struct feed *fd);

/* What feed_next() has to say. */
enum feed_step {
    FEED_SCAN,    /* *scan is to be scanned, and is marked so */
    FEED_OPEN,    /* the next window is wanted, or more of one: feed_open() */
    FEED_NOTHING, /* something else must happen first */
};

/* most: batches that may be under way. */
enum feed_step feed_next(struct feed *fd, unsigned most, struct feed_scan *scan);

/*
 * Opens the next window, or makes the slack of one longer, without the lock; between feed_next(),
 * which asked for it, and feed_opened() nobody else may. *there: it was there.
 */
CLV_MUST_CHECK bool feed_open(struct feed *fd, bool *there, struct clv_error *err);
void feed_opened(struct feed *fd, bool there);

/* A window that was not there may be there now. */
void feed_wake(struct feed *fd);

/* A piece was scanned. */
void feed_scanned(const struct feed_scan *scan);

/* Confirms what can be confirmed. */
void feed_confirm(struct feed *fd);

static inline struct batch *feed_batch(const struct feed *fd, uint64_t i)
{
    return fd->ring[i % fd->n_batches];
}

/* The oldest batch has been found. */
void feed_found(struct feed *fd);

#endif
