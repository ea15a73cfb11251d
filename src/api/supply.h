/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where clv_extract() has the captures of chosen flows from: one of them all, or that of each. How
 * depends on the kind of result, each of which has its functions.
 */
#ifndef CLEAVE_API_SUPPLY_H
#define CLEAVE_API_SUPPLY_H

#include "api/results.h"
#include "index/collect.h"

struct supply_kind;

struct supply {
    const struct supply_kind *kind;
    struct clv_result *from;
    const int64_t *ids; /* chosen rows; borrowed */
    size_t n_ids;
    const char *target; /* a file that may be replaced; NULL: none */

    /* Get user: a capture's next bytes, and whether to go on after so many records. */
    collect_take *take;
    bool (*goes_on)(void *user, uint64_t records);
    void *user;

    struct index *index; /* that records are found by; NULL: outputs are read */
    struct collect collect;
    uint64_t records; /* of captures that are complete */
};

/* See the functions of these names; NULL: there is nothing to be looked at. */
struct supply_kind {
    bool (*begin)(struct supply *s, struct clv_error *err);
    bool (*has_each)(const struct supply *s, struct clv_error *err);
    bool (*all)(struct supply *s, struct clv_error *err);
    bool (*one)(struct supply *s, size_t i, struct clv_error *err);
};

/* Looks at what is there, before anything is made. All members down to user are set but kind. */
CLV_MUST_CHECK bool supply_begin(struct supply *s, struct clv_error *err);

/* false: supply_one() cannot be had of this result. */
CLV_MUST_CHECK bool supply_has_each(const struct supply *s, struct clv_error *err);

/* Gives one capture of all chosen flows, or the output of that which was chosen as number i. */
CLV_MUST_CHECK bool supply_all(struct supply *s, struct clv_error *err);
CLV_MUST_CHECK bool supply_one(struct supply *s, size_t i, struct clv_error *err);

/* The name of a row's output, a relative path that leads nowhere else; packets may be NULL. */
CLV_MUST_CHECK bool supply_name(const struct supply *s, int64_t id, char name[NAME_MAX_LEN + 1],
                                uint64_t *packets, struct clv_error *err);

#endif
