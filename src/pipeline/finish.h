/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is done when all flows are found and written: a tour over them, which shows each to whoever
 * observes the run; the manifest's rows, which several threads make and which are written in order;
 * and the outputs, shown one by one.
 */
#ifndef CLEAVE_PIPELINE_FINISH_H
#define CLEAVE_PIPELINE_FINISH_H

#include <pthread.h>

#include "output/archive.h"
#include "pipeline/numbering.h"
#include "pipeline/observe.h"
#include "pipeline/tally.h"

enum {
    FINISH_ROWS = 4096,        /* of the manifest per chunk */
    FINISH_CHECKS = 16,        /* outputs per chunk */
    FINISH_TEXT_MAX = 2 << 20, /* bytes of rows that a thread keeps */
};

struct finish {
    /* Settled before finish_init(). */
    const struct observer *observers;
    struct findings all;
    const struct numbering *numbering;
    enum clv_manifest manifest; /* CLV_MANIFEST_NONE: no rows */
    bool closed;                /* tunnels were not looked into */

    /* NULL, or the archive whose members the outputs are: the manifest is one of them, too. */
    struct archive *archive;

    struct tally tally;
    bool toured;
    struct flow_ref *rows; /* outputs in the manifest's order */
    uint64_t n_rows;
    int manifest_fd; /* -1: rows are made for observers alone */
    pthread_mutex_t lock;
    pthread_cond_t turn_passed;
    uint32_t turn; /* the chunk that may be written; the lock guards it */
    bool broken;   /* no further one will be */
};

void finish_init(struct finish *f);
void finish_fini(struct finish *f);

/*
 * Shows all flows, and settles how many chunks of rows and of outputs there are. fd takes the
 * manifest, which is closed at its end; -1: nobody does.
 */
CLV_MUST_CHECK bool finish_tour(struct finish *f, int fd, uint32_t *rows, uint32_t *checks,
                                struct clv_error *err);

/* A run that failed before its tour: what flows there are is counted. */
void finish_tally(struct finish *f);

/* Makes rows in `text`, of FINISH_TEXT_MAX bytes, and writes them when it is their turn. */
CLV_MUST_CHECK bool finish_rows(struct finish *f, uint32_t chunk, char *text,
                                struct clv_error *err);

/* Shows some outputs. */
CLV_MUST_CHECK bool finish_check(const struct finish *f, uint32_t chunk, struct clv_error *err);

/* When all that is done: shows the outputs in their order, and the end, to who observes. */
CLV_MUST_CHECK bool finish_end(const struct finish *f, struct clv_error *err);

#endif
