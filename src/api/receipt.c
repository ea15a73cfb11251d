/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/receipt.h"

#include "base/fail.h"
#include "base/mem.h"
#include "verify/store.h"

bool clv_receipt_read(const char *output, struct clv_receipt **out, struct clv_error *err)
{
    struct clv_receipt *r = mem_zalloc(1, sizeof *r);
    struct store *store = mem_zalloc(1, sizeof *store);
    *out = NULL;
    const bool ok = r && store ? store_open(store, output, err) && store_receipt(store, r, 0, err)
                               : clv_fail_nomem(err, output, sizeof *r + sizeof *store);
    if (store)
        store_close(store);
    mem_free(store);
    if (!ok)
        clv_receipt_destroy(&r);
    *out = r;
    return ok;
}

void clv_receipt_destroy(struct clv_receipt **r)
{
    if (!*r)
        return;
    receipt_fini(*r);
    mem_free(*r);
    *r = NULL;
}

const char *clv_receipt_version(const struct clv_receipt *r)
{
    return r->version;
}

const struct clv_split_params *clv_receipt_params(const struct clv_receipt *r)
{
    return &r->params;
}

const struct clv_receipt_input *clv_receipt_input(const struct clv_receipt *r, size_t i)
{
    return i < r->params.n_inputs ? &r->inputs[i] : NULL;
}

const struct clv_split_result *clv_receipt_result(const struct clv_receipt *r)
{
    return &r->result;
}

const char *clv_receipt_digest(const struct clv_receipt *r)
{
    return r->digest;
}
