/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a result is to the functions that take one.
 */
#ifndef CLEAVE_API_RESULTS_H
#define CLEAVE_API_RESULTS_H

#include "cleave/result.h"
#include "index/load.h"
#include "index/make.h"
#include "index/opened.h"

struct clv_result {
    enum clv_result_kind kind;
    char *path;   /* of the result, or of the first capture */
    char **paths; /* where captures are now, n_paths; NULL: not given */
    size_t n_paths;
    sqlite3 *db;           /* the table of flows */
    bool owns_db;          /* else it is that of loaded, or index */
    struct make *make;     /* of captures */
    struct index *index;   /* NULL: the result cannot say where records lie */
    struct loaded *loaded; /* of a directory or an archive */
};

/*
 * The index by which the result's records are found, its captures open; *err says why there is
 * none. It is the result's.
 */
struct index *result_index(struct clv_result *r, struct clv_error *err);

/* Takes a selection of whatever version; NULL: all, for which own is NULL too. */
CLV_MUST_CHECK bool result_selection(struct clv_selection *own, const struct clv_selection *from,
                                     struct clv_error *err);

#endif
