/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flows of a result: an index, a directory or an archive made by clv_split(), or captures. They
 * can be selected, listed, and extracted as captures.
 */
#ifndef CLEAVE_RESULT_H
#define CLEAVE_RESULT_H

#include "cleave/capture.h"
#include "cleave/option.h"
#include "cleave/split.h"

#ifdef __cplusplus
extern "C" {
#endif

struct clv_result;

enum clv_result_kind {
    CLV_RESULT_CAPTURES = 0, /* they are read when the result is opened */
    CLV_RESULT_INDEX,
    CLV_RESULT_DIRECTORY,
    CLV_RESULT_ARCHIVE,
    CLV_RESULT_MANIFEST, /* a database (CLV_MANIFEST_SQLITE) without its outputs: rows alone. One
                            that is beside them stands for the directory */
};

/* Set struct_size as CLV_RESULT_PARAMS_INIT does; all other members may be zero. */
struct clv_result_params {
    size_t struct_size;
    const char *const *paths; /* one result, or captures as for clv_split(); borrowed */
    size_t n_paths;
    const char *const *captures; /* of an index: where its captures are now, in their order; or
                                    some of them, which are known by content, and directories with
                                    files that have their names; borrowed */
    size_t n_captures;           /* 0: where they were, or next to the index */
    const struct clv_split_params *split; /* of captures: how flows are made; inputs and output are
                                             not used; NULL: by "flow" */
    bool for_extract;                     /* of captures: clv_extract() will be called */
    clv_split_progress *progress;         /* of captures; NULL: none */
    void *user;
    const struct clv_captures *listed; /* captures, in place of paths; NULL: those */
    enum clv_captures_order order;     /* of the captures that paths stand for */
};

#ifdef __cplusplus
#define CLV_RESULT_PARAMS_INIT                                                                     \
    {                                                                                              \
        sizeof(struct clv_result_params)                                                           \
    }
#else
#define CLV_RESULT_PARAMS_INIT                                                                     \
    {                                                                                              \
        .struct_size = sizeof(struct clv_result_params),                                           \
    }
#endif

/*
 * Opens a result. Nothing in it is trusted: it may be any file.
 * false: *err says why, also where the library was built without SQLite; *out is NULL.
 * Threads: one at a time may use a result and everything made from it. Different results are
 * independent.
 */
CLV_API CLV_MUST_CHECK bool clv_result_open(struct clv_result **out,
                                            const struct clv_result_params *params,
                                            struct clv_error *err);

/* Sets *r to NULL; it may be NULL already. Close its rows first. */
CLV_API void clv_result_close(struct clv_result **r);

CLV_API enum clv_result_kind clv_result_kind(const struct clv_result *r);

/*
 * What lies at the path, before it is opened; of captures nothing is read. A manifest is called an
 * index, whose form it has. false: it cannot be read; *kind is CLV_RESULT_CAPTURES. Threads: any.
 */
CLV_API CLV_MUST_CHECK bool clv_result_look(const char *path, enum clv_result_kind *kind,
                                            struct clv_error *err);

/* The damage found while captures were read; NULL: none, or unknown. */
CLV_API const struct clv_error *clv_result_damage(const struct clv_result *r);

/* Number of captures that were damaged or left out when they were read; for the faults of those
 * that were read now, see the faults of params->split. */
CLV_API uint64_t clv_result_faulty(const struct clv_result *r);

/*
 * Which flows, and in which order. A flow must meet all conditions that are given. Strings are
 * borrowed while the selection is used. Lists are separated by commas.
 */
struct clv_selection {
    size_t struct_size;
    const char *flow;         /* numbers in order of appearance, "3,7-9" */
    const char *host;         /* addresses, with or without a prefix length; one end must match */
    const char *port;         /* "80,8000-8100"; one end must match */
    const char *proto;        /* names or numbers */
    const char *community_id; /* Community IDs */
    bool has_after, has_before;
    int64_t after_ns, before_ns; /* flows with records from, and before, these times; ns */
    const char *flows; /* a file that lists them, as for clv_split(), or one with names, numbers or
                          Community IDs, one per line */
    const char *where; /* an SQL condition on the columns of the table of flows; it can read nothing
                          else, and may take at most a minute */
    bool invert;       /* select all flows except these */
    const char *sort;  /* a column; sizes, counts and durations are sorted from the largest down;
                          "time": by first; NULL: in order of appearance */
    uint64_t limit;    /* at most this many rows; 0: all */
    bool (*progress)(void *user); /* called from time to time while rows are searched; return false
                                     to stop with CLV_ERR_CANCELLED; NULL: none */
    void *user;
    const uint64_t *rows; /* clv_rows_id() of the only rows that can be selected, in any order: all
                             else, invert and limit too, is as if there were no others. One that is
                             not there is an error. NULL: all rows */
    size_t n_rows;
};

#ifdef __cplusplus
#define CLV_SELECTION_INIT                                                                         \
    {                                                                                              \
        sizeof(struct clv_selection)                                                               \
    }
#else
#define CLV_SELECTION_INIT                                                                         \
    {                                                                                              \
        .struct_size = sizeof(struct clv_selection),                                               \
    }
#endif

/* The options of struct clv_selection. Threads: any. */
CLV_API const struct clv_option *clv_selection_options(size_t i);

/* Sums over flows. */
struct clv_totals {
    uint64_t rows; /* flows, and outputs of records that have none */
    uint64_t flows, packets, captured_bytes, wire_bytes;
    int64_t first_ns, last_ns; /* CLV_NO_TIME: no record has one */
    bool by_host; /* packets are in the rows of both their hosts, and counted in each */
};

/* The sums over the selected flows, ignoring the limit. selection NULL: over all. */
CLV_API CLV_MUST_CHECK bool clv_result_totals(struct clv_result *r,
                                              const struct clv_selection *selection,
                                              struct clv_totals *totals, struct clv_error *err);

enum { CLV_UNMET_LINES = 8 };

/* Rows of a list of flows that match no flow. */
struct clv_unmet {
    uint64_t rows;
    uint64_t lines[CLV_UNMET_LINES]; /* of the first of them */
};

/*
 * For the list (flows) of a selection, ignoring its other conditions; no rows if it has no list.
 */
CLV_API CLV_MUST_CHECK bool clv_result_unmet(struct clv_result *r,
                                             const struct clv_selection *selection,
                                             struct clv_unmet *unmet, struct clv_error *err);

struct clv_rows;

/*
 * The selected flows, row by row. On failure *out is NULL. Until the rows end or are closed, the
 * result must not be used for anything else.
 */
CLV_API CLV_MUST_CHECK bool clv_rows_open(struct clv_rows **out, struct clv_result *r,
                                          const struct clv_selection *selection,
                                          struct clv_error *err);
CLV_API void clv_rows_close(struct clv_rows **rows);

enum clv_rows_step {
    CLV_ROWS_ROW = 0,
    CLV_ROWS_END,
    CLV_ROWS_FAILED, /* *err says why */
};
CLV_API enum clv_rows_step clv_rows_next(struct clv_rows *rows, struct clv_error *err);

enum clv_column_type {
    CLV_COLUMN_TEXT = 0,
    CLV_COLUMN_NUMBER,
    CLV_COLUMN_TIME, /* nanoseconds since the epoch, UTC */
    CLV_COLUMN_SPAN, /* nanoseconds; as text, seconds */
};

/*
 * The columns of the rows: those of the run's manifest, in its order. Names are static; NULL: there
 * are no more. Values belong to the row and are valid until the next one.
 */
CLV_API const char *clv_rows_column(const struct clv_rows *rows, unsigned i,
                                    enum clv_column_type *type);
/* false: the flow has no value in this column. */
CLV_API bool clv_rows_number(const struct clv_rows *rows, unsigned i, int64_t *value);
/* The value as text, as the manifest has it; NULL: none. *len: bytes; it is terminated too. */
CLV_API const char *clv_rows_text(struct clv_rows *rows, unsigned i, size_t *len);

/*
 * The row as in the manifest, CSV or JSON Lines, with its line ending; head: what comes before the
 * first row instead. Writes it into the len bytes at buf, terminated, and returns its length; 0
 * with buf empty: it does not fit, 8 KiB always do, or there is nothing before JSON Lines.
 */
CLV_API size_t clv_rows_line(struct clv_rows *rows, enum clv_manifest kind, bool head, char *buf,
                             size_t len);

/* The number of the row among those of the result, for clv_flow_open(). */
CLV_API uint64_t clv_rows_id(const struct clv_rows *rows);

/*
 * The records of one flow. From an index, or from captures opened with for_extract, they are as in
 * the captures, whatever the format of outputs; from a directory or an archive they are as in its
 * output.
 */
struct clv_flow_records;

/*
 * id: of its row. On failure *out is NULL.
 * Threads: opening is a use of the result. While other flows are read, or the result is used, an
 * open flow may be read by one thread at a time.
 */
CLV_API CLV_MUST_CHECK bool clv_flow_open(struct clv_flow_records **out, struct clv_result *r,
                                          uint64_t id, struct clv_error *err);

/*
 * Reads the flow's next records, n at most; *got of them are there, 0 only after the last one. What
 * they point to is read-only and valid until the next call, which fails if a capture was truncated
 * in the meantime: then they cannot be trusted. offset is in the capture or the output. Captures
 * that are compressed or merged are read from the beginning for each flow: for many flows of these,
 * split them first, or use clv_first_bytes().
 */
CLV_API CLV_MUST_CHECK bool clv_flow_next(struct clv_flow_records *f, struct clv_record *recs,
                                          size_t n, size_t *got, struct clv_error *err);

/*
 * Sets a function that is called from time to time while clv_flow_next() reads captures that are
 * compressed or merged up to the flow's next records. If it returns false, clv_flow_next() fails
 * with CLV_ERR_CANCELLED. NULL: none.
 */
CLV_API void clv_flow_progress(struct clv_flow_records *f, bool (*progress)(void *user),
                               void *user);

/*
 * Who sent a record of the flow. 1: the end that is src in its row; -1: the other one; 0: the row
 * has no ends, or the record is from neither. Later fragments are judged by their addresses alone.
 */
CLV_API int clv_flow_direction(const struct clv_flow_records *f, const struct clv_record *rec);

/* Sets *f to NULL; it may be NULL already. Call it before the result is closed. */
CLV_API void clv_flow_close(struct clv_flow_records **f);

/* How clv_extract() writes. */
struct clv_extract_params {
    size_t struct_size;
    const struct clv_selection *selection; /* NULL: all */
    const char *output; /* a capture; or a directory where it ends in a slash, or an archive where
                           it ends in .zip, with a capture for each flow; NULL: fd */
    int fd;             /* one capture goes there, which may be a pipe; stays open */
    bool force;         /* an existing capture is replaced; refused for a directory or an archive */
    unsigned mode;      /* permissions; the umask applies; 0: 0640 */
    bool (*progress)(uint64_t records, uint64_t bytes, void *user); /* false: stop; NULL: none */
    void *user;
    bool clean; /* remove what killed runs to the same output left */
    size_t result_size;
};

#ifdef __cplusplus
#define CLV_EXTRACT_PARAMS_INIT                                                                    \
    {                                                                                              \
        sizeof(struct clv_extract_params), NULL, NULL, 0, false, 0, NULL, NULL, false,             \
            sizeof(struct clv_extract_result)                                                      \
    }
#else
#define CLV_EXTRACT_PARAMS_INIT                                                                    \
    {                                                                                              \
        .struct_size = sizeof(struct clv_extract_params),                                          \
        .result_size = sizeof(struct clv_extract_result),                                          \
    }
#endif

struct clv_extract_result {
    uint64_t rows;                  /* that were selected, as in struct clv_totals */
    uint64_t flows, records, bytes; /* bytes: written */
    uint64_t stale;                 /* outputs that killed runs to the same one left unfinished */
    char stale_path[256];           /* one of them */
    struct clv_error after;         /* what failed once the output had its name; or CLV_ERR_NONE */
};

/*
 * Extracts the records of the selected flows: into one capture in the order of the captures (from a
 * directory or an archive: by time, then by flow), or into one for each flow, with the same bytes
 * as from clv_split(). A named output appears complete or not at all. If no flow is selected,
 * nothing is made and result->rows is 0.
 */
CLV_API CLV_MUST_CHECK bool clv_extract(struct clv_result *r,
                                        const struct clv_extract_params *params,
                                        struct clv_extract_result *result, struct clv_error *err);

#ifdef __cplusplus
}
#endif

#endif
