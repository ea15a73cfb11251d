/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of flows as a database beside the outputs (CLV_MANIFEST_SQLITE): a file among them, or
 * a member of their archive. It is written while the run is followed, and complete with its last
 * row.
 */
#ifndef CLEAVE_INDEX_BESIDE_H
#define CLEAVE_INDEX_BESIDE_H

#include "index/write.h"
#include "output/archive.h"
#include "output/publish.h"

struct beside {
    struct index_writer writer;
    int fd; /* what becomes a member, a file without a name; -1: none */
};

/* Nothing yet: what beside_fini() takes, too. */
void beside_none(struct beside *b);

/* As a file of what is staged. On failure beside_fini() is harmless. */
CLV_MUST_CHECK bool beside_file(struct beside *b, const struct publish *p, struct clv_error *err);

/* As a member that beside_add() adds after the outputs; dir has room for a file meanwhile. */
CLV_MUST_CHECK bool beside_member(struct beside *b, const char *dir, struct clv_error *err);
CLV_MUST_CHECK bool beside_add(struct beside *b, struct archive *a, struct clv_error *err);

/* Who writes it. */
struct observer observe_beside(struct beside *b);
void beside_fini(struct beside *b);

#endif
