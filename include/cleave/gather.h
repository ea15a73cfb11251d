/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gathering results: those of several runs become the one that a single run over all their captures
 * would make.
 */
#ifndef CLEAVE_GATHER_H
#define CLEAVE_GATHER_H

#include "cleave/option.h"
#include "cleave/split.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Called now and then; user is params->user. Returning false stops it with CLV_ERR_CANCELLED. */
typedef bool clv_gather_progress(uint64_t outputs, uint64_t bytes, void *user);

/* All zero is the default, but for results and output, which must be given. Strings are borrowed.
 */
struct clv_gather_params {
    size_t struct_size;
    size_t result_size;
    /*
     * The parts, which are directories or archives that clv_split() made with the same options,
     * or indexes that clv_index() did; and, where their captures are shards that it made of others
     * (clv_split_params' shards), these results, too, in the order of their captures: the maps.
     * Then the parts must have all records of the maps, and the result names the captures that were
     * sharded as its own, in place of those of the parts.
     */
    const char *const *results;
    size_t n_results;
    const char *output; /* directory to make, of indexes an index; its parent must exist */
    enum clv_force force;
    bool move;                     /* the parts are removed when the result has its name */
    bool clean;                    /* remove what killed runs to the same output left */
    enum clv_sync sync;            /* what is on the disk when clv_gather() returns */
    unsigned mode;                 /* permissions of files that are made, less umask; 0: 0640 */
    clv_gather_progress *progress; /* NULL: none */
    void *user;
};

struct clv_gather_result {
    uint64_t parts, maps; /* of the results */
    uint64_t inputs;      /* captures that the result names ... */
    uint64_t left_out;    /* ... those of them that could not be read */
    uint64_t records_read, records_written;
    uint64_t flows, outputs; /* outputs of records that have no flow counted */
    uint64_t written_bytes;  /* of all outputs */
    uint64_t copied_bytes;   /* of those that could not be linked, but had to be copied */
    uint64_t stale;          /* directories that killed runs to the same output left */
    char stale_path[256];    /* one of them */
    double seconds;
    struct clv_error damage; /* the first fault of the captures; CLV_ERR_NONE: they were sound */
    struct clv_error after;  /* what failed once the result had its name; or CLV_ERR_NONE */
};

/* For struct clv_gather_params. */
#ifdef __cplusplus
#define CLV_GATHER_PARAMS_INIT                                                                     \
    {                                                                                              \
        sizeof(struct clv_gather_params), sizeof(struct clv_gather_result)                         \
    }
#else
#define CLV_GATHER_PARAMS_INIT                                                                     \
    {                                                                                              \
        .struct_size = sizeof(struct clv_gather_params),                                           \
        .result_size = sizeof(struct clv_gather_result),                                           \
    }
#endif

/*
 * Makes one result of the parts: their outputs, in a directory with the name of the part each, or
 * in the archive that it is, as PART.zip:MEMBER; one manifest in the order of the parts, with flows
 * numbered through; and one cleave.json with the sums of theirs. Files are linked where the file
 * system has hard links, and else copied: the parts stay as they are. It holds what one run over
 * all captures makes, but for the numbers and names of flows: clv_verify() proves it.
 *
 * Of indexes it makes one, a file, with the rows of all parts: files are called PART/FILE, where
 * PART is the index's name without ".db" or ".flows.db". It names the captures of all parts, which
 * are not read; and where maps are given, those that were sharded in its receipt alone.
 *
 * Nothing of the parts is believed: each must have the options of the first one, all its files, and
 * counts that add up; no flow may be in two of them.
 *
 * true:  params->output is there; what failed after it had its name is in result->after.
 *
 * false: *err says why, and which part is at fault; nothing is under the output's name that was not
 *        there before, and all parts are as they were.
 *
 * Threads: any number of calls side by side.
 */
CLV_API CLV_MUST_CHECK bool clv_gather(const struct clv_gather_params *params,
                                       struct clv_gather_result *result, struct clv_error *err);

/* The options of struct clv_gather_params. Threads: any. */
CLV_API const struct clv_option *clv_gather_options(size_t i);

/*
 * Writes the result as a JSON object into the len bytes at buf, terminated. Returns its length in
 * bytes; 0 with buf empty: it does not fit. The output's path takes up to six times its length, the
 * rest 8 KiB.
 */
CLV_API size_t clv_gather_json(const struct clv_gather_params *params,
                               const struct clv_gather_result *result, char *buf, size_t len);

#ifdef __cplusplus
}
#endif

#endif
