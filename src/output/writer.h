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

#include "base/fail.h"
#include "flow/table.h"

enum {
    WRITER_ALIGN = 4096,
    WRITER_CHUNK = 256 * 1024, /* measured: see bench/RESULTS.md */
};

/* A record in the window that the epoch covers. */
struct writer_ref {
    uint32_t offset; /* bytes */
    uint32_t len;    /* bytes, record header included */
};

/* WRITER_CHUNK bytes, page-aligned. */
struct writer_stage {
    uint8_t *p;
};

struct writer {
    struct flow_table *flows;
    int dir_fd;            /* borrowed: names are relative to it */
    const uint8_t *header; /* borrowed: what every output begins with */
    size_t header_len;
    uint32_t newest, oldest; /* the LRU of open outputs; FLOW_NONE: empty */
    uint32_t n_open, max_open;
    uint64_t opens, reopens, writes, bytes, records;
};

void writer_init(struct writer *w, struct flow_table *flows, int dir_fd, const uint8_t *header,
                 size_t header_len, uint32_t max_open);

/*
 * Appends n records of the bytes at base to the flow's output, which is made at the first call.
 * last: nothing will follow, the output is closed. On failure the output is not to be trusted.
 */
CLV_MUST_CHECK bool writer_append(struct writer *w, struct writer_stage *stage, uint32_t flow,
                                  const char *name, const uint8_t *base,
                                  const struct writer_ref *refs, uint32_t n, bool last,
                                  struct clv_error *err);

/* Closes all open outputs. false: one of them could not be closed cleanly; all are closed. */
CLV_MUST_CHECK bool writer_close_all(struct writer *w, struct clv_error *err);

/* Closes all open outputs of a run that failed; a zeroed writer has none. */
void writer_fini(struct writer *w);

#endif
