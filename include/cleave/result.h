/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flows of a result: of an index, of a directory or an archive that clv_split() made, or of
 * captures themselves. They can be chosen, listed, and taken out as captures.
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

/* Set struct_size as CLV_RESULT_PARAMS_INIT does; what else is zero is not asked for. */
struct clv_result_params {
    size_t struct_size;
    const char *const *paths; /* one result, or captures as for clv_split(); borrowed */
    size_t n_paths;
    const char *const *captures; /* of an index: where its captures are now, in their order */
    size_t n_captures;           /* 0: where they were, or beside the index */
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
 * Opens a result. Nothing of it is believed: it may be any file.
 * false: *err says why, also where the library was built without SQLite; *out is NULL.
 * Threads: one at a time uses a result, and what comes of it. Any number of results side by side.
 */
CLV_API CLV_MUST_CHECK bool clv_result_open(struct clv_result **out,
                                            const struct clv_result_params *params,
                                            struct clv_error *err);

/* *r becomes NULL; it may be that already. Rows of it must be closed before. */
CLV_API void clv_result_close(struct clv_result **r);

CLV_API enum clv_result_kind clv_result_kind(const struct clv_result *r);

/* What was damaged in captures when they were read; NULL: nothing, or it is not known. */
CLV_API const struct clv_error *clv_result_damage(const struct clv_result *r);

/* Captures that were damaged or left out when they were read; params->split's faults are theirs. */
CLV_API uint64_t clv_result_faulty(const struct clv_result *r);

/*
 * Which flows, and in which order. What is given several ways has to hold in each; strings are
 * borrowed while it is used. Lists are separated by commas.
 */
struct clv_selection {
    size_t struct_size;
    const char *flow;         /* numbers in order of appearance, "3,7-9" */
    const char *host;         /* addresses, with a prefix's length or without: one end has one */
    const char *port;         /* "80,8000-8100": one end has one */
    const char *proto;        /* names or numbers */
    const char *community_id; /* Community IDs */
    bool has_after, has_before;
    int64_t after_ns, before_ns; /* flows with records from here on, and before here; ns, UTC */
    const char *flows; /* a file that lists them, as for clv_split(), or one with names, numbers or
                          Community IDs, one per line */
    const char *where; /* a condition in SQL on the columns of the table of flows; nothing else can
                          be read by it, and it may take a minute at most */
    bool invert;       /* all flows but these */
    const char *sort;  /* a column; sizes, counts and durations from the largest on; "time": by
                          first; NULL: as they appeared */
    uint64_t limit;    /* rows at most; 0: all */
    bool (*progress)(void *user); /* called now and then while rows are looked for; false: stop,
                                     with CLV_ERR_CANCELLED; NULL: none */
    void *user;
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

/* What flows come to. */
struct clv_totals {
    uint64_t rows; /* flows, and outputs of records that have none */
    uint64_t flows, packets, captured_bytes, wire_bytes;
    int64_t first_ns, last_ns; /* CLV_NO_TIME: no record has one */
    bool by_host; /* packets are in the rows of both their hosts, and counted in each */
};

/* Of the chosen flows, without the limit. selection NULL: of all. */
CLV_API CLV_MUST_CHECK bool clv_result_totals(struct clv_result *r,
                                              const struct clv_selection *selection,
                                              struct clv_totals *totals, struct clv_error *err);

enum { CLV_UNMET_LINES = 8 };

/* Rows of a list of flows that are of no flow. */
struct clv_unmet {
    uint64_t rows;
    uint64_t lines[CLV_UNMET_LINES]; /* of the first of them */
};

/*
 * Of the list of a selection (flows), whatever else that asks for; nothing where it has no list.
 */
CLV_API CLV_MUST_CHECK bool clv_result_unmet(struct clv_result *r,
                                             const struct clv_selection *selection,
                                             struct clv_unmet *unmet, struct clv_error *err);

struct clv_rows;

/*
 * The chosen flows, row by row. On failure *out is NULL. Until they end or are closed nothing else
 * is asked of the result.
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
 * Columns of the rows: those of the manifest that the run has, in its order. Names are static;
 * NULL: there are no more. Values belong to the row and die with the next.
 */
CLV_API const char *clv_rows_column(const struct clv_rows *rows, unsigned i,
                                    enum clv_column_type *type);
/* false: the flow has no such value. */
CLV_API bool clv_rows_number(const struct clv_rows *rows, unsigned i, int64_t *value);
/* The value as text, as the manifest has it; NULL: none. *len: bytes; it is terminated too. */
CLV_API const char *clv_rows_text(struct clv_rows *rows, unsigned i, size_t *len);

/*
 * The row as the manifest has it, CSV or JSON Lines, with the end of its line; head: what comes
 * before the first row. Writes it into the len bytes at buf, terminated, and returns its length; 0
 * with buf empty: it does not fit, 8 KiB always do, or there is nothing before JSON Lines.
 */
CLV_API size_t clv_rows_line(struct clv_rows *rows, enum clv_manifest kind, bool head, char *buf,
                             size_t len);

/* The number of the row among those of the result, for clv_flow_open(). */
CLV_API uint64_t clv_rows_id(const struct clv_rows *rows);

/*
 * The records of one flow: of an index, or of captures that were opened for_extract, as the
 * captures have them, whatever format outputs would have; of a directory or an archive as its
 * output has them.
 */
struct clv_flow_records;

/*
 * id: of its row. On failure *out is NULL.
 * Threads: as all that takes a result. What is open may then be read beside other flows and other
 * uses of the result, each flow by one thread at a time.
 */
CLV_API CLV_MUST_CHECK bool clv_flow_open(struct clv_flow_records **out, struct clv_result *r,
                                          uint64_t id, struct clv_error *err);

/*
 * Reads the flow's next records, n at most; *got of them are there, 0 only after the last one. What
 * they point at is read-only and dies with the next call; that fails where
 * a capture was truncated meanwhile, so that they cannot be believed. offset is in the capture, or
 * the output. Captures that are compressed or merged are read from the beginning for each flow: who
 * wants many flows of these splits them first, or asks clv_first_bytes().
 */
CLV_API CLV_MUST_CHECK bool clv_flow_next(struct clv_flow_records *f, struct clv_record *recs,
                                          size_t n, size_t *got, struct clv_error *err);

/*
 * progress is called now and then while clv_flow_next() reads captures that are compressed or
 * merged up to the flow's next records. false: that fails with CLV_ERR_CANCELLED. NULL: none.
 */
CLV_API void clv_flow_progress(struct clv_flow_records *f, bool (*progress)(void *user),
                               void *user);

/*
 * Who sent a record of the flow: 1, the end that its row has as src; -1, the other one; 0: the row
 * has no ends, or the record none of them. Later fragments are told by their addresses alone.
 */
CLV_API int clv_flow_direction(const struct clv_flow_records *f, const struct clv_record *rec);

/* *f becomes NULL; it may be that already. To be called before the result is closed. */
CLV_API void clv_flow_close(struct clv_flow_records **f);

/* How clv_extract() writes. */
struct clv_extract_params {
    size_t struct_size;
    const struct clv_selection *selection; /* NULL: all */
    const char *output; /* a capture; or a directory where it ends in a slash, or an archive where
                           it ends in .zip, with a capture for each flow; NULL: fd */
    int fd;             /* one capture goes there, which may be a pipe; stays open */
    bool force;         /* an existing file is replaced; of directories and archives, those of
                           cleave */
    unsigned mode;      /* permissions, less umask; 0: 0640 */
    bool (*progress)(uint64_t records, uint64_t bytes, void *user); /* false: stop; NULL: none */
    void *user;
};

#ifdef __cplusplus
#define CLV_EXTRACT_PARAMS_INIT                                                                    \
    {                                                                                              \
        sizeof(struct clv_extract_params)                                                          \
    }
#else
#define CLV_EXTRACT_PARAMS_INIT                                                                    \
    {                                                                                              \
        .struct_size = sizeof(struct clv_extract_params),                                          \
    }
#endif

struct clv_extract_result {
    uint64_t rows;                  /* that were chosen, as in struct clv_totals */
    uint64_t flows, records, bytes; /* bytes: written */
};

/*
 * Takes the chosen flows' records out: as one capture in the captures' order (from a directory or
 * an archive: by time, then by flow), or as one for each flow, with the bytes that clv_split()
 * gives it. What has a name appears whole or not at all. Where no flow is chosen nothing is made:
 * result->rows is 0.
 */
CLV_API CLV_MUST_CHECK bool clv_extract(struct clv_result *r,
                                        const struct clv_extract_params *params,
                                        struct clv_extract_result *result, struct clv_error *err);

#ifdef __cplusplus
}
#endif

#endif
