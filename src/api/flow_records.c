/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/results.h"
#include "base/mem.h"
#include "index/gather.h"

struct clv_flow_records {
    struct gather gather;
};

#if HAVE_SQLITE

/* Nothing is written: records are asked for, and no bytes. */
static bool take(void *user, const uint8_t *p, size_t len, struct clv_error *err)
{
    (void)user, (void)p, (void)len, (void)err;
    return true;
}

bool clv_flow_open(struct clv_flow_records **out, struct clv_result *r, uint64_t id,
                   struct clv_error *err)
{
    struct index *ix = result_index(r, err);
    *out = NULL;
    if (!ix)
        return false;
    struct clv_flow_records *f = *out = mem_zalloc(1, sizeof *f);
    if (!f)
        return clv_fail_nomem(err, r->path, sizeof *f);
    if (gather_init(&f->gather, ix, take, NULL, err) && gather_add(&f->gather, (int64_t)id, err))
        return true;
    clv_flow_close(out);
    return false;
}

bool clv_flow_next(struct clv_flow_records *f, struct clv_record *recs, size_t n, size_t *got,
                   struct clv_error *err)
{
    return gather_records(&f->gather, recs, n, got, err);
}

void clv_flow_close(struct clv_flow_records **f)
{
    if (!*f)
        return;
    gather_fini(&(*f)->gather);
    mem_free(*f);
    *f = NULL;
}

#else

bool clv_flow_open(struct clv_flow_records **out, struct clv_result *r, uint64_t id,
                   struct clv_error *err)
{
    (void)r, (void)id;
    *out = NULL;
    return db_supported(err);
}

bool clv_flow_next(struct clv_flow_records *f, struct clv_record *recs, size_t n, size_t *got,
                   struct clv_error *err)
{
    (void)f, (void)recs, (void)n;
    *got = 0;
    return db_supported(err);
}

void clv_flow_close(struct clv_flow_records **f)
{
    *f = NULL;
}

#endif
