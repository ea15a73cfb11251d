/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: flows in a table that can be asked, and where their records lie. Takes rows of flows as
 * they are found, or those of a directory, an archive or an index that is there; gives rows that
 * are chosen and ordered, and the records of each, as its output would have them.
 *
 * An index that is there, and its captures: all that is needed to make a flow's output from where
 * its records lie. Nothing of the file is believed: it may be anybody's, and the captures others.
 */
#ifndef CLEAVE_INDEX_OPENED_H
#define CLEAVE_INDEX_OPENED_H

#include "capture/merge.h"
#include "capture/places.h"
#include "format/form.h"
#include "job/receipt_read.h"
#include "table/db.h"

struct index {
    const char *path; /* borrowed */
    sqlite3 *db;
    struct clv_receipt receipt;
    const char *receipt_text; /* cleave.json as split would have written it */
    size_t receipt_len;
    sqlite3_stmt *receipt_row; /* owns it */
    bool rows_only;            /* it is a manifest: there is no receipt, and no place of a record */
    sqlite3_stmt *flow_row;    /* of index_flow(); NULL: it was not called yet */
    sqlite3_stmt *places_row;  /* of index_places(); the same */

    /* By index_captures(): */
    char **paths; /* where the captures are now, n_paths */
    size_t n_paths;
    struct places places;
    struct source *sources; /* as many, of which n_sources were opened */
    size_t n_sources, cap_sources;
    struct dialect dialect;
    struct flow_by by;
    struct secret secret;
    struct ledger ledger;
    struct metadata metadata;
    bool has_metadata;
    bool ready;
    const uint8_t *header; /* of merged captures: NULL, pcapng */

    /* Of captures that are mapped, all of them, in the order of their positions. */
    struct view *views;
    size_t n_views, views_cap;
    bool streams; /* or they can only be read from their beginnings on, one after another */
};

/* Opens the file and reads what the run was, unless it is a manifest. On failure index_close() is
 * harmless. */
CLV_MUST_CHECK bool index_open(struct index *ix, const char *path, struct clv_error *err);

/*
 * Whether what lies at the path may be replaced by an index: a database of cleave that knows no
 * captures is the manifest of outputs. What is no database of cleave is for others to refuse.
 */
CLV_MUST_CHECK bool index_may_replace(const char *path, struct clv_error *err);

/* The same of a database that was made here, which becomes the index's in any case. */
CLV_MUST_CHECK bool index_take(struct index *ix, sqlite3 *db, const char *path,
                               struct clv_error *err);
void index_close(struct index *ix);

/*
 * Opens the captures, where they were or, n of them, where they are now; 0: as it is. Where fewer
 * are named than there are, each stands for those that have its file name, or else its content.
 * Each must be the one that was indexed.
 */
CLV_MUST_CHECK bool index_find_captures(struct index *ix, const char *const *now, size_t n,
                                        struct clv_error *err);

/* Reads the kinds of outputs into ix->dialect, as index_find_captures() does. */
CLV_MUST_CHECK bool index_kinds(struct index *ix, struct clv_error *err);

/* The ends of a row's flow, as far as its key has them. */
struct index_ends {
    uint8_t src[16], dst[16];
    uint16_t sport, dport;
    uint8_t family;
    bool has_src, has_dst, has_sport, has_dport;
};

/* Of a statement's row, whose columns are src_key and dst_key from one on, and sport and dport. */
void index_ends_take(struct index_ends *e, sqlite3_stmt *s, int src_key, int sport);

/* Where a flow's records are, and what its output is. */
struct index_flow {
    int64_t id;
    struct flow flow; /* as far as a form asks: key, kind, number */
    uint8_t *bytes;   /* positions (flow/positions.h); owned */
    size_t n_bytes;
    uint64_t packets, captured; /* that it must have */
    uint64_t size;              /* bytes of the output */
    const char *name;           /* owned */
    struct index_ends ends;
};

/* Reads it; false also where there is none. To be index_flow_fini()ed. */
CLV_MUST_CHECK bool index_flow(struct index *ix, int64_t id, struct index_flow *f,
                               struct clv_error *err);
void index_flow_fini(struct index_flow *f);

/* The positions of a flow's first records, max at most; *n of them are there. */
CLV_MUST_CHECK bool index_places(struct index *ix, int64_t id, uint64_t *positions, size_t max,
                                 size_t *n, struct clv_error *err);

#endif
