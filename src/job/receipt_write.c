/* SPDX-License-Identifier: BSD-2-Clause */
#include "job/receipt_write.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cleave/packet.h"
#include "job/counts.h"
#include "job/options.h"
#include "manifest/manifest.h"
#include "manifest/name.h"

enum { RECEIPT_MIN = 4096 }; /* bytes, to begin with */

static void put_input(struct json *j, const struct source *s)
{
    const struct clv_capture_format *f = &s->format.pub;
    json_item(j);
    json_str(j, "file", s->called);
    json_u64(j, "bytes", s->size ? s->size : s->consumed);
    if (s->compression)
        json_str(j, "compression", s->compression);
    json_u64(j, "records", s->records);
    if (s->left_out) {
        json_str(j, "left_out", s->fault.what);
        json_close(j);
        return;
    }
    json_str(j, "format", f->name);
    json_str(j, "byte_order", f->big_endian ? "big" : "little");
    if (s->format.kind == WALK_PCAP) {
        json_str(j, "resolution", f->nanoseconds ? "nanoseconds" : "microseconds");
        json_u64(j, "linktype", f->linktype);
        json_u64(j, "snaplen", f->snaplen);
    }
    if (s->fault.code != CLV_ERR_NONE)
        json_damage(j, &s->fault);
    json_close(j);
}

static void put_word(struct json *j, const struct clv_option *o, uint64_t i)
{
    char word[32];
    struct text t = text_on(word, sizeof word);
    value_put_word(&t, options_words(o), i);
    json_str(j, o->name, text_end(&t));
}

/* Numbers, texts and times that are not set are left out: whoever reads the receipt need not know
 * them. */
static void put_option(struct json *j, const struct clv_option *o,
                       const struct clv_split_params *params)
{
    char key[OPTIONS_KEY_MAX];
    const uint64_t n = value_number(o, params);
    if (o->type == CLV_OPTION_BOOL || o->type == CLV_OPTION_NOT) {
        json_bool(j, o->name, (n != 0) == (o->type == CLV_OPTION_BOOL));
    } else if (o->type == CLV_OPTION_WORD) {
        put_word(j, o, n);
    } else if (!value_is_set(o, params)) {
        return;
    } else if (o->type == CLV_OPTION_TEXT || o->type == CLV_OPTION_LIST) {
        json_str(j, o->name, value_text(o, params));
    } else if (o->type == CLV_OPTION_EVERY) {
        put_word(j, o, n);
        json_u64(j, options_key(o, key), value_amount(o, params));
    } else if (o->type == CLV_OPTION_TIME) {
        json_time(j, o->name, (int64_t)n);
        json_i64(j, options_key(o, key), (int64_t)n);
    } else {
        json_u64(j, options_key(o, key), n);
    }
}

static enum clv_format format_of(const struct dialect *d)
{
    return d->form == DIALECT_COPY   ? CLV_FORMAT_INPUT
           : d->form == DIALECT_PCAP ? CLV_FORMAT_PCAP
                                     : CLV_FORMAT_PCAPNG;
}

/* dialect: NULL, outputs have no format in common; page: NULL, no report is among them. */
static void put_options(struct json *j, const struct clv_split_params *params,
                        const struct dialect *dialect, const char *page)
{
    struct clv_split_params settled = *params;
    const struct clv_option *o;
    settled.by = options_by(params);
    settled.format = dialect ? format_of(dialect) : CLV_FORMAT_INPUT;
    settled.manifest = manifest_goes_to_fd(params->manifest) ? CLV_MANIFEST_NONE : params->manifest;
    settled.report = page;
    json_open(j, "options");
    for (size_t i = 0; (o = clv_split_options(i)) != NULL; i++)
        if (o->shapes_result && (dialect || !options_is_format(o)))
            put_option(j, o, &settled);
    json_close(j);
}

bool receipt_has_digest(const struct clv_split_params *params)
{
    return params->verify && !params->recover && proof_origin_supported();
}

static void put_parts(struct json *j, const struct receipt_facts *facts)
{
    json_open_array(j, "gathered");
    for (size_t i = 0; i < facts->n_parts; i++) {
        json_item(j);
        json_str(j, "part", facts->parts[i].name);
        json_u64(j, "flows", facts->parts[i].flows);
        json_u64(j, "outputs", facts->parts[i].outputs);
        json_close(j);
    }
    json_end_array(j);
}

static void put_receipt(struct text *out, const struct receipt_facts *facts)
{
    struct json j = json_begin(out);
    json_str(&j, "cleave", clv_version());
    json_open_array(&j, "inputs");
    size_t left = facts->n_left;
    for (size_t i = 0; i < facts->n_sources; i++) {
        while (left && facts->left[left - 1].number < facts->sources[i].number)
            put_input(&j, &facts->left[--left]);
        put_input(&j, &facts->sources[i]);
    }
    while (left)
        put_input(&j, &facts->left[--left]);
    json_end_array(&j);
    put_options(&j, facts->params, facts->dialect, facts->page);
    if (facts->digest)
        json_str(&j, "records_digest", facts->digest);
    if (facts->parts)
        put_parts(&j, facts);
    counts_put(&j, facts->result, COUNTS_RECEIPT | (facts->parts ? 0 : COUNTS_ALONE));
    json_u64(&j, "written_bytes", facts->result->written_bytes);
    json_damage(&j, &facts->result->damage);
    json_end(&j);
}

bool receipt_text(const struct receipt_facts *facts, struct text *out, struct clv_error *err)
{
    *out = (struct text){.full = true};
    for (size_t cap = RECEIPT_MIN; out->full; cap *= 2) {
        mem_free(out->p);
        *out = text_on(mem_alloc(cap, 1), cap);
        if (!out->p)
            return clv_fail_nomem(err, PUBLISH_MARK, cap);
        put_receipt(out, facts);
    }
    return true;
}

bool receipt_write(struct publish *p, const struct receipt_facts *facts, struct clv_error *err)
{
    struct text out;
    const bool ok =
        receipt_text(facts, &out, err) && publish_put(p, PUBLISH_MARK, out.p, out.len, err);
    mem_free(out.p);
    return ok;
}

bool receipt_archive(struct archive *a, const struct receipt_facts *facts, struct clv_error *err)
{
    struct text out;
    const bool ok = receipt_text(facts, &out, err) && archive_open(a, PUBLISH_MARK, err) &&
                    archive_add(a, out.p, out.len, err) && archive_close(a, err);
    mem_free(out.p);
    return ok;
}

/* true: what a run has without a word. */
static bool is_default(const struct clv_option *o, const struct clv_split_params *params)
{
    const bool is_text = o->type == CLV_OPTION_TEXT || o->type == CLV_OPTION_LIST;
    return !value_is_set(o, params) || options_is_format(o) ||
           (is_text && o->default_text && strcmp(value_text(o, params), o->default_text) == 0);
}

/* "--idle-timeout=30s" */
static void put_flag(struct json *j, const struct clv_option *o,
                     const struct clv_split_params *params)
{
    enum { FLAG_MAX = 4096 };
    char flag[FLAG_MAX], value[FLAG_MAX / 2];
    struct text t = text_on(flag, sizeof flag);
    text_str(&t, o->type == CLV_OPTION_NOT ? "--no-" : "--");
    for (const char *c = o->name; *c; c++)
        text_char(&t, (char)(*c == '_' ? '-' : *c));
    if (o->type != CLV_OPTION_BOOL && o->type != CLV_OPTION_NOT) {
        text_char(&t, '=');
        text_str(&t, clv_option_get(o, params, value, sizeof value) ? value : "...");
    }
    json_element(j);
    text_json(j->out, flag, t.len);
}

/* The flags of the result: those of outputs and speed differ from run to run. */
static void put_command(struct json *j, const struct clv_split_params *params)
{
    struct clv_split_params settled = *params;
    const struct clv_option *o;
    settled.by = options_by(params);
    settled.report = NULL;
    if (manifest_goes_to_fd(params->manifest))
        settled.manifest = CLV_MANIFEST_NONE;
    json_open_array(j, "command");
    for (size_t i = 0; (o = clv_split_options(i)) != NULL; i++)
        if (o->shapes_result && !is_default(o, &settled))
            put_flag(j, o, &settled);
    json_end_array(j);
}

/* What a run came to, but for what differs from run to run. */
static void put_outcome(struct json *j, const struct clv_split_params *params,
                        const struct clv_split_result *r)
{
    json_str(j, "input", params->inputs[0]);
    json_u64(j, "inputs", params->n_inputs);
    json_str(j, "output", params->dry_run ? NULL : params->output);
    counts_put(j, r, COUNTS_OUTCOME);
    json_str(j, "tunnel", r->tunnel);
    json_open_array(j, "largest");
    for (unsigned i = 0; i < r->n_largest; i++) {
        json_item(j);
        json_str(j, "file", r->largest[i].name);
        json_u64(j, "records", r->largest[i].records);
        json_u64(j, "bytes", r->largest[i].bytes);
        json_close(j);
    }
    json_end_array(j);
    json_open_array(j, "unknown_link_types");
    for (unsigned i = 0; i < r->n_unknown_links; i++) {
        json_item(j);
        json_u64(j, "linktype", r->unknown_links[i].linktype);
        json_str(j, "linktype_name", clv_linktype_name(r->unknown_links[i].linktype));
        json_u64(j, "records", r->unknown_links[i].records);
        json_close(j);
    }
    json_end_array(j);
    if (r->records_written && r->first_ns <= r->last_ns) {
        json_time(j, "first", r->first_ns);
        json_time(j, "last", r->last_ns);
    }
    json_damage(j, &r->damage);
}

/* The first faults: of the captures by number, from 0. */
static void put_faults(struct json *j, const struct job *job)
{
    enum { FAULTS_MAX = 20 };
    const struct source *s;
    size_t good = 0, bad = 0, n = 0;
    json_open_array(j, "faults");
    while (n < FAULTS_MAX && (s = job_next(job, &good, &bad)) != NULL) {
        if (s->fault.code == CLV_ERR_NONE)
            continue;
        json_item(j);
        json_u64(j, "input", s->number);
        json_bool(j, "left_out", s->left_out);
        json_fault(j, &s->fault);
        json_close(j);
        n++;
    }
    json_end_array(j);
}

void receipt_outcome(const struct job *job, const struct clv_split_result *r, struct text *out)
{
    const struct clv_split_params *const params = job->params;
    struct json j = json_begin(out);
    struct clv_split_params own = *params;
    struct clv_split_result seen = *r;
    own.output = ".";
    if (!receipt_has_digest(params))
        seen.verified = 0;
    put_options(&j, params, NULL, NULL);
    put_command(&j, params);
    put_outcome(&j, &own, &seen);
    put_faults(&j, job);
    json_end(&j);
}

static size_t put_json(const struct clv_split_params *params, const struct clv_split_result *r,
                       char *buf, size_t len)
{
    struct text out = text_on(buf, len);
    struct json j = json_begin(&out);
    put_outcome(&j, params, r);
    json_open_array(&j, "faults");
    for (size_t i = 0; params->faults && i < r->faulty && i < params->max_faults; i++) {
        json_item(&j);
        json_str(&j, "file", params->faults[i].subject);
        json_fault(&j, &params->faults[i]);
        json_close(&j);
    }
    json_end_array(&j);
    counts_put(&j, r, COUNTS_EFFORT);
    json_u64(&j, "threads", r->threads);
    json_u64(&j, "max_open", r->max_open);
    json_fixed(&j, "seconds", r->seconds, 6);
    const double s = r->seconds > 0 ? r->seconds : 1e-9;
    json_fixed(&j, "records_per_second", (double)r->records_read / s, 0);
    json_fixed(&j, "bytes_per_second", (double)r->scanned_bytes / s, 0);
    json_end(&j);
    return text_whole(&out);
}

size_t clv_split_json(const struct clv_split_params *params, const struct clv_split_result *result,
                      char *buf, size_t len)
{
    struct clv_split_params own;
    struct clv_split_result r;
    const size_t size = params->result_size ? params->result_size : SPLIT_RESULT_FIRST;
    sized_give(&r, sizeof r, 0, result, size);
    if (sized_take(&own, sizeof own, SPLIT_PARAMS_FIRST, params, NULL))
        return put_json(&own, &r, buf, len);
    if (len)
        *buf = '\0';
    return 0;
}
