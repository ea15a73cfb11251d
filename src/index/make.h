/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures are read, and the table of their flows is made: into a file, or in memory.
 */
#ifndef CLEAVE_INDEX_MAKE_H
#define CLEAVE_INDEX_MAKE_H

#include "capture/places.h"
#include "index/write.h"

/* A run. Too much for the stack of a small thread; zeroed before make_begin(). */
struct make {
    struct clv_split_params params; /* inputs are those that the caller's stand for */
    struct clv_split_result result;
    struct places places;
    struct job job;
    struct index_writer writer;
};

/*
 * Takes params of this version and looks at the captures. positions: where records lie will be
 * noted, so that what can be read only once is refused. On failure make_end() is harmless.
 */
CLV_MUST_CHECK bool make_begin(struct make *m, const struct clv_split_params *params,
                               bool positions, struct clv_error *err);

/*
 * Reads them. path: of an empty file; NULL: the tables stay in memory, as m->writer.db. what is how
 * messages call them. followers: who else follows the run, or NULL.
 */
CLV_MUST_CHECK bool make_tables(struct make *m, const char *path, const char *what, bool positions,
                                const struct observer *followers, struct clv_error *err);
void make_end(struct make *m);

#endif
