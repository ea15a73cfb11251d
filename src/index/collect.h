/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flows' records, read where an index says that they lie, become one capture in the captures'
 * order: of one flow the bytes of its output. It is made step by step, by the code that writes
 * outputs (format/form.h), and each step's bytes go to whoever takes them.
 */
#ifndef CLEAVE_INDEX_COLLECT_H
#define CLEAVE_INDEX_COLLECT_H

#include "index/opened.h"

struct collect_flow;

typedef bool collect_take(void *user, const uint8_t *p, size_t len, struct clv_error *err);

struct collect {
    struct index *ix;
    struct collect_flow *flows;
    size_t n, cap;
    size_t *heap; /* flows that have records left, that with the earliest one first */
    size_t n_heap;
    struct form form;
    struct form_scratch scratch;
    bool has_scratch, begun, over;
    struct flow owner; /* of the one flow, or of none */
    struct trail trail;
    struct form_output output;
    struct form_cursor cursor;
    struct form_ref *refs;
    size_t n_refs, refs_cap;
    uint64_t records; /* so far */
    bool given;       /* some by collect_records(), which the next call has to confirm */

    /* Where captures are streams. */
    struct source *own; /* those of the index, read by this one alone */
    size_t n_own;
    struct merge *merge;
    struct source merged;
    struct source *all;
    size_t n_all, at; /* sources, and the one that is read */
    bool has_view;    /* a window of theirs is to be released */
    bool (*goes_on)(
        void *asker); /* asked before each window of theirs; false: stop. NULL: nobody */
    void *asker;
    struct view view; /* the window that is read ... */
    uint64_t len;     /* ... of which so many bytes have positions before those of the next one */
};

/*
 * On failure collect_fini() is harmless, as it is on a zeroed one. The index's captures are open.
 * take NULL: there will be no steps. Threads: one at a time; any number read of one index.
 */
CLV_MUST_CHECK bool collect_init(struct collect *g, struct index *ix, collect_take *take,
                                 void *user, struct clv_error *err);
void collect_fini(struct collect *g);

/* Adds a flow, before the first step. */
CLV_MUST_CHECK bool collect_add(struct collect *g, int64_t id, struct clv_error *err);

/* The ends of the first flow that was added. */
const struct index_ends *collect_ends(const struct collect *g);

/*
 * In place of steps, where there is one flow: its next records, n at most. *got is 0 behind the
 * last. What they point at dies with the next call, but where captures are mapped. Each call fails
 * where what the one before gave cannot be believed, since a capture was truncated meanwhile.
 */
CLV_MUST_CHECK bool collect_records(struct collect *g, struct clv_record *recs, size_t n,
                                    size_t *got, struct clv_error *err);

/*
 * The record at a position of the index, whoever's it is, where no flow was added; where captures
 * are streams, the positions must not fall. What rec points at as above. What is made
 * of records waits for collect_check().
 */
CLV_MUST_CHECK bool collect_at(struct collect *g, uint64_t position, struct clv_record *rec,
                               struct clv_error *err);

/* false: what collect_at() gave cannot be believed, since a capture was truncated meanwhile. */
CLV_MUST_CHECK bool collect_check(const struct collect *g, struct clv_error *err);

/* Goes on for about so many bytes of records. g->over: that was all. */
CLV_MUST_CHECK bool collect_step(struct collect *g, uint64_t bytes, struct clv_error *err);

#endif
