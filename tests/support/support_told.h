/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory that is verified, and the faults that are told of it, in their order.
 */
#ifndef CLEAVE_SUPPORT_TOLD_H
#define CLEAVE_SUPPORT_TOLD_H

#include "support_temp.h"

#include "verify/directory.h"

struct told {
    struct clv_error all[16];
    unsigned n;
};

static inline void told_fault(const struct clv_error *fault, void *user)
{
    struct told *t = user;
    assert_true(t->n < N_ROWS(t->all));
    t->all[t->n++] = *fault;
}

/* The only fault: of the file `name` in the temporary directory. */
static inline void check_told(const char *row, const struct told *told, struct temp *t,
                              const char *name, const char *what)
{
    CHECK_EQ(row, told->n, 1);
    CHECK_EQ(row, told->all[0].code, CLV_ERR_UNPROVEN);
    CHECK_STR(row, told->all[0].subject, temp_path(t, name));
    CHECK_HAS(row, told->all[0].what, what);
}

#endif
