/* SPDX-License-Identifier: BSD-2-Clause */
#include "job/receipt.h"

#include "base/json.h"
#include "base/mem.h"
#include "cleave/packet.h"
#include "job/counts.h"
#include "manifest/name.h"

enum { RECORD_MIN = 4096 }; /* bytes, to begin with */

static const char *manifest_word(enum clv_manifest kind)
{
    return kind == CLV_MANIFEST_CSV ? "csv" : kind == CLV_MANIFEST_JSONL ? "jsonl" : "none";
}

static const char *format_word(const struct dialect *d)
{
    return d->form == DIALECT_COPY ? "copied" : d->form == DIALECT_PCAP ? "pcap" : "pcapng";
}

static void put_input(struct json *j, const struct source *s)
{
    const struct clv_capture_format *f = &s->format.pub;
    json_item(j);
    json_str(j, "file", s->called);
    json_u64(j, "bytes", s->size ? s->size : s->consumed);
    if (s->compression)
        json_str(j, "compression", s->compression);
    json_u64(j, "records", s->records);
    if (!f->name) { /* not even its format is known */
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

/* What is not usual: those who read the record need not know the rest. */
static void put_cuts(struct json *j, const struct clv_split_params *params)
{
    static const char *const every[] = {"none", "nanoseconds", "bytes", "records"};
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"shards", params->shards},
        {"idle_timeout_ns", (uint64_t)params->idle_timeout_ns},
        {"active_timeout_ns", (uint64_t)params->active_timeout_ns},
        {"max_packets_per_flow", params->max_packets_per_flow},
        {"max_bytes_per_flow", params->max_bytes_per_flow},
        {"min_packets", params->min_packets},
        {"min_bytes", params->min_bytes},
        {"top", params->top},
        {"snaplen", params->snaplen},
        {"community_seed", params->community_seed},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value)
            json_u64(j, numbers[i].name, numbers[i].value);
    const struct {
        const char *name, *value;
    } texts[] = {
        {"filter", params->filter}, {"host", params->host}, {"port", params->port},
        {"proto", params->proto},   {"vlan", params->vlan},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].value)
            json_str(j, texts[i].name, texts[i].value);
    if (params->has_after) {
        json_time(j, "after", params->after_ns);
        json_i64(j, "after_ns", params->after_ns);
    }
    if (params->has_before) {
        json_time(j, "before", params->before_ns);
        json_i64(j, "before_ns", params->before_ns);
    }
    if (params->every) {
        json_str(j, "every", every[params->every]);
        json_u64(j, "every_n", params->every_n);
    }
}

const char *split_by(const struct clv_split_params *params)
{
    return params->by ? params->by : params->every && !params->shards ? "none" : "flow";
}

static void put_options(struct json *j, const struct clv_split_params *params,
                        const struct dialect *dialect, const char *page)
{
    json_open(j, "options");
    json_str(j, "by", split_by(params));
    json_bool(j, "inner", params->inner);
    json_bool(j, "directed", params->directed);
    put_cuts(j, params);
    if (params->name)
        json_str(j, "name", params->name);
    if (dialect)
        json_str(j, "format", format_word(dialect));
    json_str(j, "compress",
             params->compress == CLV_COMPRESS_ZSTD   ? "zstd"
             : params->compress == CLV_COMPRESS_GZIP ? "gzip"
                                                     : "none");
    json_bool(j, "each", params->each);
    json_bool(j, "merge", params->merge);
    json_bool(j, "metadata", !params->no_metadata);
    json_bool(j, "recover", params->recover);
    json_bool(j, "other", !params->no_other);
    json_str(j, "manifest",
             manifest_word(params->manifest_to_fd ? CLV_MANIFEST_NONE : params->manifest));
    if (page)
        json_str(j, "report", page);
    json_close(j);
}

bool record_has_digest(const struct clv_split_params *params)
{
    return params->verify && !params->recover && proof_origin_supported();
}

static void put_record(struct text *out, const struct record *r)
{
    struct json j = json_begin(out);
    json_str(&j, "cleave", clv_version());
    json_open_array(&j, "inputs");
    size_t left = r->n_left;
    for (size_t i = 0; i < r->n_sources; i++) {
        while (left && r->left[left - 1].number < r->sources[i].number)
            put_input(&j, &r->left[--left]);
        put_input(&j, &r->sources[i]);
    }
    while (left)
        put_input(&j, &r->left[--left]);
    json_end_array(&j);
    put_options(&j, r->params, r->dialect, r->page);
    if (r->digest)
        json_str(&j, "records_digest", r->digest);
    counts_put(&j, r->result, COUNTS_RECEIPT);
    json_u64(&j, "written_bytes", r->result->written_bytes);
    json_damage(&j, &r->result->damage);
    json_end(&j);
}

bool record_text(const struct record *r, struct text *out, struct clv_error *err)
{
    *out = (struct text){.full = true};
    for (size_t cap = RECORD_MIN; out->full; cap *= 2) {
        mem_free(out->p);
        *out = text_on(mem_alloc(cap, 1), cap);
        if (!out->p)
            return clv_fail_nomem(err, PUBLISH_MARK, cap);
        put_record(out, r);
    }
    return true;
}

bool record_write(struct publish *p, const struct record *r, struct clv_error *err)
{
    struct text out;
    const bool ok = record_text(r, &out, err) && publish_file(p, PUBLISH_MARK, out.p, out.len, err);
    mem_free(out.p);
    return ok;
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

void record_outcome(const struct clv_split_params *params, const struct clv_split_result *r,
                    struct text *out)
{
    struct json j = json_begin(out);
    struct clv_split_params own = *params;
    struct clv_split_result seen = *r;
    own.output = ".";
    if (!record_has_digest(params))
        seen.verified = 0;
    put_options(&j, params, NULL, NULL);
    put_outcome(&j, &own, &seen);
    json_end(&j);
}

size_t clv_split_json(const struct clv_split_params *params, const struct clv_split_result *r,
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
