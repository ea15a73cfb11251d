/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/gather.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/sized.h"
#include "gather/gathering.h"

/* Sizes of the first version of public structs. */
enum {
    PARAMS_FIRST = SIZED_END(struct clv_gather_params, user),
    RESULT_FIRST = SIZED_END(struct clv_gather_result, after),
};

#define AT(member) offsetof(struct clv_gather_params, member)

static const struct clv_option rows[] = {
    {"output", 'o', CLV_OPTION_TEXT, false, AT(output), 0, 0, 0, "OUT", NULL,
     "directory to make, or index", CLV_GROUP_OUTPUT},
    {"move", 0, CLV_OPTION_BOOL, false, AT(move), 0, 0, 0, NULL, NULL,
     "remove the parts once the result has its name", CLV_GROUP_SAFETY},
    {"force", 'f', CLV_OPTION_CHOICE, false, AT(force), 0, 0, 0, "none|own|all", NULL,
     "replace an earlier output; =all: even if that deletes other files inside it",
     CLV_GROUP_SAFETY},
    {"sync", 0, CLV_OPTION_WORD, false, AT(sync), 0, 0, 0, "none|data|full", NULL,
     "flush the result to disk before OUT appears; full: OUT itself survives a power cut, too",
     CLV_GROUP_SAFETY},
    {"clean", 0, CLV_OPTION_BOOL, false, AT(clean), 0, 0, 0, NULL, NULL,
     "remove leftovers of killed runs to the same OUT", CLV_GROUP_SAFETY},
    {"mode", 0, CLV_OPTION_MODE, false, AT(mode), 0, 0, 0777, "MODE", "0640",
     "permissions of the files that gather writes, octal; outputs keep theirs", CLV_GROUP_SAFETY},
};

const struct clv_option *clv_gather_options(size_t i)
{
    return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}

bool clv_gather(const struct clv_gather_params *params, struct clv_gather_result *result,
                struct clv_error *err)
{
    static const struct clv_gather_result none = {.damage = {.offset = CLV_NO_OFFSET},
                                                  .after = {.offset = CLV_NO_OFFSET}};
    const size_t size = params->result_size;
    struct gathering *const g = mem_zalloc(1, sizeof *g);
    if (!g) {
        sized_give(result, size, RESULT_FIRST, &none, sizeof none);
        return clv_fail_nomem(err, "the run", sizeof *g);
    }
    g->result = none;
    gather_init(g);
    const bool ok =
        sized_take(&g->params, sizeof g->params, PARAMS_FIRST, params, err) && gather_all(g, err);
    sized_give(result, size, RESULT_FIRST, &g->result, sizeof g->result);
    gather_fini(g, ok ? NULL : err);
    mem_free(g);
    return ok;
}

static size_t put_json(const struct clv_gather_params *params, const struct clv_gather_result *r,
                       char *buf, size_t len)
{
    struct text out = text_on(buf, len);
    struct json j = json_begin(&out);
    json_str(&j, "output", params->output);
    json_u64(&j, "parts", r->parts);
    json_u64(&j, "maps", r->maps);
    json_u64(&j, "inputs", r->inputs);
    json_u64(&j, "left_out", r->left_out);
    json_u64(&j, "records_read", r->records_read);
    json_u64(&j, "records_written", r->records_written);
    json_u64(&j, "flows", r->flows);
    json_u64(&j, "outputs", r->outputs);
    json_u64(&j, "written_bytes", r->written_bytes);
    json_u64(&j, "copied_bytes", r->copied_bytes);
    json_damage(&j, &r->damage);
    json_fixed(&j, "seconds", r->seconds, 6);
    json_end(&j);
    return text_whole(&out);
}

size_t clv_gather_json(const struct clv_gather_params *params,
                       const struct clv_gather_result *result, char *buf, size_t len)
{
    struct clv_gather_params own;
    struct clv_gather_result r;
    const size_t size = params->result_size ? params->result_size : RESULT_FIRST;
    sized_give(&r, sizeof r, 0, result, size);
    if (sized_take(&own, sizeof own, PARAMS_FIRST, params, NULL))
        return put_json(&own, &r, buf, len);
    if (len)
        *buf = '\0';
    return 0;
}
