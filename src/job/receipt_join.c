/* SPDX-License-Identifier: BSD-2-Clause */
#include "job/receipt_join.h"

#include "base/fail.h"
#include "base/mem.h"
#include "config.h"
#include "output/publish.h"

#if HAVE_JANSSON

#include <jansson.h>

#include "cleave/version.h"
#include "job/counts.h"

/* A member that was made; jansson takes it over, whatever comes of it. */
static bool put(json_t *to, const char *name, json_t *value)
{
    return value && json_object_set_new(to, name, value) == 0;
}

static bool put_number(json_t *to, const char *name, uint64_t n)
{
    return put(to, name, json_integer((json_int_t)n));
}

static bool put_inputs(json_t *to, const struct receipt_join *of)
{
    json_t *const all = json_array();
    bool ok = all != NULL;
    for (size_t i = 0; ok && i < of->n_sources; i++)
        ok = json_array_extend(all, json_object_get(of->sources[i]->json, "inputs")) == 0;
    if (!ok)
        json_decref(all);
    return ok && put(to, "inputs", all);
}

static bool put_options(json_t *to, const struct receipt_join *of)
{
    json_t *const options = json_copy(json_object_get(of->like->json, "options"));
    return put(to, "options", options) &&
           (!of->converted || put(options, "format", json_string("pcap")));
}

static bool put_parts(json_t *to, const struct receipt_join *of)
{
    json_t *const all = json_array();
    bool ok = put(to, "gathered", all);
    for (size_t i = 0; ok && i < of->n_parts; i++) {
        json_t *const part = json_object();
        ok = part && json_array_append_new(all, part) == 0 &&
             put(part, "part", json_string(of->parts[i].name)) &&
             put_number(part, "flows", of->parts[i].flows) &&
             put_number(part, "outputs", of->parts[i].outputs);
    }
    return ok;
}

static bool put_counts(json_t *to, const struct clv_split_result *r)
{
    for (const struct counts_row *row = counts_rows; row->name; row++) {
        if (!(row->in & COUNTS_RECEIPT))
            continue;
        if (row->group && !json_object_get(to, row->group) && !put(to, row->group, json_object()))
            return false;
        if (!put_number(row->group ? json_object_get(to, row->group) : to, row->name,
                        counts_get(r, row)))
            return false;
    }
    return put_number(to, "written_bytes", r->written_bytes);
}

/* The first that any has. */
static bool put_damage(json_t *to, const struct receipt_join *of)
{
    for (size_t i = 0; i < of->n_sources; i++) {
        json_t *const damage = json_object_get(of->sources[i]->json, "damage");
        if (json_is_object(damage))
            return json_object_set(to, "damage", damage) == 0;
    }
    return put(to, "damage", json_null());
}

bool receipt_join(const struct receipt_join *of, struct text *out, struct clv_error *err)
{
    enum { FLAGS = JSON_INDENT(2) };
    json_t *const all = json_object();
    *out = (struct text){.p = NULL};
    if (all && put(all, "cleave", json_string(clv_version())) && put_inputs(all, of) &&
        put_options(all, of) && put_parts(all, of) && put_counts(all, of->result) &&
        put_damage(all, of))
        out->cap = json_dumpb(all, NULL, 0, FLAGS);
    out->p = out->cap ? mem_alloc(out->cap + 1, 1) : NULL;
    if (out->p) {
        out->len = json_dumpb(all, out->p, out->cap, FLAGS);
        out->p[out->len++] = '\n';
    }
    json_decref(all);
    return out->p || clv_fail_nomem(err, PUBLISH_MARK, out->cap);
}

#else

/* No receipt of those that are joined could be read. */
bool receipt_join(const struct receipt_join *of, struct text *out, struct clv_error *err)
{
    (void)of;
    *out = (struct text){.p = NULL};
    return clv_fail(err, CLV_ERR_INTERNAL, PUBLISH_MARK, "there is no jansson");
}

#endif
