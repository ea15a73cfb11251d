/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: results become one.
 *
 *   part       one of them: what its cleave.json and its manifest say, and that these agree
 *   rows       all rows, numbered through, as the manifest of the whole; no flow is in two parts
 *   place      outputs are linked, or copied, below the part's name
 *   joining    indexes become one, in place of rows and place
 *   sums       what the parts come to, and whether it is what their maps wrote
 *
 * Nothing of a part is believed. What was begun is never under the output's name.
 */
#ifndef CLEAVE_GATHER_GATHERING_H
#define CLEAVE_GATHER_GATHERING_H

#include "base/names.h"
#include "base/tree.h"
#include "cleave/gather.h"
#include "flow/key.h"
#include "index/cells.h"
#include "index/opened.h"
#include "index/write.h"
#include "manifest/name.h"
#include "output/publish.h"

/* A result that is gathered, or one that shards were taken from. */
struct part {
    const char *path; /* borrowed */
    const char *name; /* its last component, in path */
    size_t name_len;
    struct store store;
    struct clv_receipt receipt;
    int fd; /* of its directory, or the one that the archive is in; -1: it is not open */
    bool is_map, is_index;
    uint64_t position; /* of an index: that of the whole where its own begin */

    /* What its rows and files come to. */
    uint64_t rows, flows, packets, bytes;
};

/* The index that parts become. */
struct joining {
    struct index_writer writer;
    sqlite3_stmt *insert;                 /* of a row; NULL: it is not prepared */
    int output_at;                        /* its parameter for the number of an output */
    struct index from;                    /* the part that is read */
    struct dialect whole;                 /* its kinds */
    uint8_t kind_of[DIALECT_KINDS + 1];   /* the part's kinds in the whole */
    char *columns;                        /* that all parts have, as JSON; NULL: none was read */
    const struct part *rest;              /* that has rows without a flow; NULL: none has */
    uint64_t position;                    /* after all that parts have so far */
    uint64_t captures_from, captures_end; /* ids of the part's captures, and after them */
    struct names captures;                /* number: of the part that has it */
    uint64_t blocks, most_blocks; /* bytes that outputs share: of the part, and of any ... */
    const struct part *most;      /* ... which is this one */
    uint8_t *positions;           /* of the row */
    size_t positions_cap;
};

struct gathering {
    struct clv_gather_params params; /* in full */
    struct clv_gather_result result;
    struct part *all;         /* params' n_results */
    const struct part *first; /* of the parts */
    size_t n_parts, n_maps;
    struct flow_by by; /* what makes a flow, in all parts */
    struct publish publish;
    struct made_run replaces;
    struct keyed key;    /* of names and flows */
    struct names flows;  /* number: of the part that has it */
    struct names shards; /* captures of the parts; number: of these */
    struct clv_split_result sum;
    int manifest_fd; /* -1: it is not open */
    char *text;      /* of the manifest: the rows that were not written yet */
    size_t text_len;
    char head[1024]; /* of the manifest */
    size_t head_len;
    unsigned packets_at[2], output_at; /* the columns that count them; that numbers outputs */
    struct cells cells;
    struct publish_file file;
    struct joining joining;
    char path[PATH_MAX]; /* of the file that is read, for messages */
};

/*
 * Opens a result and reads its receipt. On failure part_close() is harmless, as it is on a zeroed
 * one.
 */
CLV_MUST_CHECK bool part_open(struct part *p, const char *path, struct clv_error *err);
void part_close(struct part *p);

/* Whether the results may be gathered at all; each part, and each map, is open. */
CLV_MUST_CHECK bool parts_check(struct gathering *g, struct clv_error *err);

/* Finds the columns that are asked for; before any row. */
void rows_columns(struct gathering *g);
/*
 * The row in g->cells has a name and the right number, and its flow is in no other part: it counts.
 */
CLV_MUST_CHECK bool rows_check(struct gathering *g, size_t part, struct clv_error *err);
/* *err becomes what is wrong with the row in g->cells. Returns false. */
bool rows_bad(const struct gathering *g, const char *what, struct clv_error *err) CLV_COLD;

enum {
    FILE_AT = 0, /* the columns of these names in columns_all */
    FLOW_AT = 1,
    ROWS_NAME_MAX = NAME_COMPONENT_MAX + NAME_MAX_LEN + 3,
};

/* The name of an output of the part, in the whole. */
void rows_name(const struct part *p, const char *file, char name[ROWS_NAME_MAX]);
/* Records of the row's output. */
uint64_t rows_packets(const struct gathering *g);
/* The number that the row has in the column, where parts follow one another. */
uint64_t rows_renumbered(const struct gathering *g, unsigned column);

CLV_MUST_CHECK bool rows_begin(struct gathering *g, struct clv_error *err);
/* The next part's rows go into the manifest, and its outputs into what is staged. */
CLV_MUST_CHECK bool rows_add(struct gathering *g, size_t part, struct clv_error *err);
/* The last rows are written. */
CLV_MUST_CHECK bool rows_end(struct gathering *g, struct clv_error *err);

/* Opens an index, and reads its receipt. */
CLV_MUST_CHECK bool joining_open(struct part *p, struct clv_error *err);
/* The same of indexes, and of a file that is staged. */
CLV_MUST_CHECK bool joining_begin(struct gathering *g, struct clv_error *err);
CLV_MUST_CHECK bool joining_add(struct gathering *g, size_t part, struct clv_error *err);
CLV_MUST_CHECK bool joining_end(struct gathering *g, struct clv_error *err);
/* The file is complete with it. */
CLV_MUST_CHECK bool joining_receipt(struct gathering *g, const struct text *receipt,
                                    struct clv_error *err);
/* Takes one that is zeroed, too. */
void joining_fini(struct joining *j);

/*
 * false: it is certain that there is no room for the parts that cannot be linked, since they are on
 * other file systems.
 */
CLV_MUST_CHECK bool places_fit(const struct gathering *g, struct clv_error *err);

/* A part that is an archive goes into the result as it is. */
CLV_MUST_CHECK bool place_archive(struct gathering *g, const struct part *p, struct clv_error *err);
/* The output goes below the part's name, or is in it; *bytes: its size. */
CLV_MUST_CHECK bool place_output(struct gathering *g, const struct part *p, const char *name,
                                 uint64_t *bytes, struct clv_error *err);
/* Removes a part that is in the result now. */
CLV_MUST_CHECK bool place_remove(struct gathering *g, const struct part *p, struct clv_error *err);

/* What a part's rows and files come to is what its receipt says; adds it to the sums. */
CLV_MUST_CHECK bool sums_add(struct gathering *g, const struct part *p, struct clv_error *err);
/* The parts have what the maps wrote. */
CLV_MUST_CHECK bool sums_of_maps(struct gathering *g, struct clv_error *err);

/* Before params are set. */
void gather_init(struct gathering *g);
/* Does all of it: clv_gather(), whose params these are in full. */
CLV_MUST_CHECK bool gather_all(struct gathering *g, struct clv_error *err);
void gather_fini(struct gathering *g, struct clv_error *err);

#endif
