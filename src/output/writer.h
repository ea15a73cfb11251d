/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flow's records become bytes of its output. Pending records are references into the input; they
 * are gathered through one staging chunk, which stays in the cache, and leave it in large writes
 * that are aligned in memory and in the file.
 *
 * A writer serves the flows of one partition and keeps the outputs that were used last open, up to
 * its share of the descriptors. Threads: one at a time per writer; a stage per thread.
 */
#ifndef CLEAVE_OUTPUT_WRITER_H
#define CLEAVE_OUTPUT_WRITER_H

#include "flow/table.h"
#include "format/blocks.h"
#include "format/stage.h"

/* A record in the window that the epoch covers. */
struct writer_ref {
    uint32_t offset; /* bytes */
    uint32_t len;    /* bytes, record header included */
};

/* What the records of one round of writing have in common. */
struct writer_round {
    const uint8_t *base; /* what references count from */
    size_t avail;        /* bytes at base */
    uint64_t position;   /* of base in the run's input */
    struct blocks_source source;
    bool last; /* nothing follows: outputs are closed behind their records */
};

/* Where in a round's ledger the last record was read. Zeroed at the beginning of a round. */
struct writer_place {
    struct walk_state st;
    uint64_t until;
};

/* Reads the record again that lies offset bytes behind base. false: it changed since it was
 * scanned. */
CLV_MUST_CHECK bool writer_reread(const struct writer_round *round, uint32_t offset,
                                  struct writer_place *place, struct walk_record *rec);

struct writer {
    struct flow_table *flows;
    int dir_fd;                    /* borrowed: names are relative to it */
    const struct dialect *dialect; /* borrowed */
    struct trail *trails;          /* by flow; for pcapng, and what is compressed */
    size_t n_trails, trails_cap;
    uint32_t newest, oldest; /* the LRU of open outputs; FLOW_NONE: empty */
    uint32_t n_open, max_open;
    const struct flow_by *by; /* borrowed; NULL: what addresses keys have is not known */
    unsigned mode;            /* permissions of outputs, less umask */
    uint64_t opens, reopens, writes, bytes, records;
};

void writer_init(struct writer *w, struct flow_table *flows, int dir_fd,
                 const struct dialect *dialect, uint32_t max_open);

/*
 * Appends n records to the flow's output, which is made at the first call. On failure the output is
 * not to be trusted.
 */
CLV_MUST_CHECK bool writer_append(struct writer *w, struct stage *stage, uint32_t flow,
                                  const char *name, const struct writer_round *round,
                                  const struct writer_ref *refs, uint32_t n, struct clv_error *err);

/* true: the flow's output lacks what comes behind its last record, see writer_finish(). */
bool writer_unfinished(struct writer *w, uint32_t flow, const struct writer_round *round);

/* Adds what belongs to the flow's output behind its last record. */
CLV_MUST_CHECK bool writer_finish(struct writer *w, struct stage *stage, uint32_t flow,
                                  const char *name, const struct writer_round *round,
                                  struct clv_error *err);

/*
 * Adds the secrets that no output has a use for to the flow's, once writer_finish() was called for
 * all outputs that needed it.
 */
CLV_MUST_CHECK bool writer_rest(struct writer *w, struct stage *stage, uint32_t flow,
                                const char *name, const struct writer_round *round,
                                struct clv_error *err);

/* Closes all open outputs. false: one of them could not be closed cleanly; all are closed. */
CLV_MUST_CHECK bool writer_close_all(struct writer *w, struct clv_error *err);

/* Closes all open outputs of a run that failed; a zeroed writer has none. Frees what it has. */
void writer_fini(struct writer *w);

#endif
