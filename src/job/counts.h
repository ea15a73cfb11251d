/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The counts of a run, one row each: from this table they are summed over several runs, written as
 * JSON and into cleave.json, and read from there.
 */
#ifndef CLEAVE_JOB_COUNTS_H
#define CLEAVE_JOB_COUNTS_H

#include "base/json.h"
#include "cleave/split.h"

/* Where a count stands, beside being summed. */
enum counts_in {
    COUNTS_RECEIPT = 1 << 0, /* cleave.json: what follows from the captures and options alone */
    COUNTS_OUTCOME = 1 << 1, /* the summary as JSON, and the report */
    COUNTS_EFFORT = 1 << 2,  /* the summary as JSON: what differs from run to run, or is not known
                                when outputs are verified */
    COUNTS_ALONE = 1 << 3,   /* cleave.json of one run: what those of several do not add up to */
};

struct counts_row {
    const char *group; /* the JSON object that it is a member of; NULL: the outermost */
    const char *name;
    size_t at;   /* of a uint64_t in struct clv_split_result */
    unsigned in; /* enum counts_in */
};

/* The last one has no name. Rows of a group follow one another. */
extern const struct counts_row counts_rows[];

static inline uint64_t counts_get(const struct clv_split_result *r, const struct counts_row *row)
{
    return *(const uint64_t *)(const void *)((const char *)r + row->at);
}

static inline void counts_set(struct clv_split_result *r, const struct counts_row *row, uint64_t n)
{
    *(uint64_t *)(void *)((char *)r + row->at) = n;
}

void counts_add(struct clv_split_result *sum, const struct clv_split_result *r);

/* Writes the rows that stand in `in`. */
void counts_put(struct json *j, const struct clv_split_result *r, unsigned in);

#endif
