/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/fail.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sized.h"
#include "cleave/capture.h"
#include "verify/directory.h"

/* Sizes of the first version of public structs. */
enum {
    PARAMS_FIRST = SIZED_END(struct clv_verify_params, user),
    RESULT_FIRST = SIZED_END(struct clv_verify_result, input),
};

/* Too much for the stack of a small thread. */
struct verifying {
    struct clv_verify_params params;
    struct clv_verify_result result;
    struct clv_error err; /* of a caller who wants none */
};

bool clv_verify(const struct clv_verify_params *params, struct clv_verify_result *result,
                struct clv_error *err)
{
    static const struct clv_verify_result none;
    const size_t size = params->result_size;
    struct verifying *run = mem_zalloc(1, sizeof *run);
    if (!run) {
        sized_give(result, size, RESULT_FIRST, &none, sizeof none);
        return clv_fail_nomem(err, "the run", sizeof *run);
    }
    err = err ? err : &run->err;
    bool ok = sized_take(&run->params, sizeof run->params, PARAMS_FIRST, params, err);
    if (ok && run->params.listed)
        run->params.inputs = clv_captures_names(run->params.listed, &run->params.n_inputs);
    ok = ok && verify_all(&run->params, &run->result, err);
    sized_give(result, size, RESULT_FIRST, &run->result, sizeof run->result);
    mem_free(run);
    return ok;
}

static size_t put_json(const struct clv_verify_params *params, const struct clv_verify_result *r,
                       char *buf, size_t len)
{
    struct text out = text_on(buf, len);
    struct json j = json_begin(&out);
    json_str(&j, "output", params->output);
    json_bool(&j, "proven", r->faults == 0);
    json_u64(&j, "faults", r->faults);
    json_str(&j, "input", r->inputs ? r->input : NULL);
    json_u64(&j, "inputs", r->inputs);
    json_u64(&j, "faulty", r->faulty);
    json_u64(&j, "left_out", r->left_out);
    json_u64(&j, "records_read", r->records);
    json_u64(&j, "records_written", r->written);
    json_u64(&j, "dropped", r->dropped);
    json_u64(&j, "outputs", r->outputs);
    json_u64(&j, "input_bytes", r->input_bytes);
    json_u64(&j, "output_bytes", r->output_bytes);
    json_u64(&j, "threads", r->threads);
    json_fixed(&j, "seconds", r->seconds, 6);
    json_end(&j);
    return text_whole(&out);
}

size_t clv_verify_json(const struct clv_verify_params *params,
                       const struct clv_verify_result *result, char *buf, size_t len)
{
    struct clv_verify_params own;
    struct clv_verify_result r;
    const size_t size = params->result_size ? params->result_size : RESULT_FIRST;
    sized_give(&r, sizeof r, 0, result, size);
    if (sized_take(&own, sizeof own, PARAMS_FIRST, params, NULL))
        return put_json(&own, &r, buf, len);
    if (len)
        *buf = '\0';
    return 0;
}
