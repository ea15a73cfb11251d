/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An output that does not hold what it should: which record is missing, altered, out of place or
 * too much. What it should hold is collected from the input, a stretch of records at a time.
 */
#ifndef CLEAVE_VERIFY_SUSPECT_H
#define CLEAVE_VERIFY_SUSPECT_H

#include "proof/proof.h"

enum { SUSPECT_STRETCH = 1 << 18 }; /* records compared at a time */

struct suspect_record {
    struct proof_record rec;
    struct keyed_hash digest;
    uint64_t offset;    /* in its file */
    const char *source; /* of the input; NULL: of the output */
};

struct suspect {
    char name[1536];         /* of the output: where it lies */
    char made[1024];         /* what the run calls it */
    const struct keyed *key; /* borrowed */
    uint64_t from;           /* records before this one are right */
    uint64_t passed;         /* by the collector, in this reading of the input */
    struct suspect_record *want, *have;
    size_t n_want, n_have, want_cap, have_cap;
    bool told;
};

void suspect_fini(struct suspect *s);

/* The next record that the output should hold. */
CLV_MUST_CHECK bool suspect_want(struct suspect *s, const struct proof_record *rec,
                                 const struct source *source, uint64_t offset,
                                 struct clv_error *err);

/* The next record that it does hold. */
CLV_MUST_CHECK bool suspect_have(struct suspect *s, const struct proof_record *rec, uint64_t offset,
                                 struct clv_error *err);

/*
 * Both sides have their next stretch: true, *fault says what is wrong. false: nothing so far;
 * s->from is where to go on.
 */
bool suspect_judge(struct suspect *s, const char *path, struct clv_error *fault);

#endif
