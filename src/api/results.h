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
    char *path;                  /* of the result, or of the first capture */
    struct clv_captures *listed; /* in the order that was asked for; NULL: none was */
    char **paths;                /* where captures are now, n_paths; NULL: not given */
    size_t n_paths;
    sqlite3 *db;            /* the table of flows */
    bool owns_db;           /* else it is that of loaded, or index */
    struct make *make;      /* of captures */
    struct index *index;    /* NULL: the result cannot say where records lie */
    struct loaded *loaded;  /* of a directory or an archive */
    sqlite3_stmt *ends_row; /* of result_ends(); NULL: it was not called yet */
};

/*
 * The index by which the result's records are found, its captures open; *err says why there is
 * none. It is the result's.
 */
struct index *result_index(struct clv_result *r, struct clv_error *err);

/* The ends of a row's flow, by which the senders of its records are known. */
struct result_ends {
    struct index_ends row;
    bool inner; /* they are those within tunnels */
};

/* Whether addresses within tunnels make the result's flows. Of a result of captures the index is
 * there. */
bool result_inner(const struct clv_result *r);

CLV_MUST_CHECK bool result_ends(struct clv_result *r, uint64_t id, struct result_ends *ends,
                                struct clv_error *err);

/* Who sent the packet, as clv_flow_direction() has it. */
int result_direction(const struct result_ends *ends, const struct clv_record *rec);

/* Each packet is in two of its flows, those of its hosts. */
bool result_by_host(const struct clv_result *r);

/* Takes a selection of whatever version, of what the result's flows have; NULL: all. */
CLV_MUST_CHECK bool result_selection(const struct clv_result *r, struct clv_selection *own,
                                     const struct clv_selection *from, struct clv_error *err);

#endif
