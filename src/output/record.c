/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/record.h"

#include "base/json.h"
#include "base/mem.h"
#include "output/name.h"

enum { RECORD_MAX = 64 * 1024 };

static const char *manifest_word(enum clv_manifest kind)
{
    return kind == CLV_MANIFEST_CSV ? "csv" : kind == CLV_MANIFEST_JSONL ? "jsonl" : "none";
}

bool record_write(struct publish *p, const struct clv_split_params *params,
                  const struct walk_format *format, const struct clv_split_result *result,
                  struct clv_error *err)
{
    char *buf = mem_alloc(RECORD_MAX, 1);
    if (!buf)
        return clv_fail_nomem(err, PUBLISH_MARK, RECORD_MAX);
    struct text out = text_on(buf, RECORD_MAX);
    struct json j = json_begin(&out);
    json_str(&j, "cleave", clv_version());
    json_open(&j, "input");
    json_str(&j, "file", params->input);
    json_u64(&j, "bytes", result->input_bytes);
    json_str(&j, "format", format->pub.name);
    json_str(&j, "byte_order", format->big_endian ? "big" : "little");
    json_str(&j, "resolution", format->pub.nanoseconds ? "nanoseconds" : "microseconds");
    json_u64(&j, "linktype", format->pub.linktype);
    json_u64(&j, "snaplen", format->pub.snaplen);
    json_close(&j);
    json_open(&j, "options");
    json_str(&j, "by", params->by ? params->by : "flow");
    json_bool(&j, "directed", params->directed);
    json_str(&j, "name", params->name ? params->name : NAME_DEFAULT);
    json_bool(&j, "other", !params->no_other);
    json_str(&j, "manifest", manifest_word(params->manifest));
    json_close(&j);
    json_u64(&j, "records_read", result->records_read);
    json_u64(&j, "records_written", result->records_written);
    json_open(&j, "dropped");
    json_u64(&j, "other", result->dropped_other);
    json_close(&j);
    json_u64(&j, "flows", result->flows);
    json_u64(&j, "outputs", result->outputs);
    json_u64(&j, "written_bytes", result->written_bytes);
    json_damage(&j, &result->damage);
    json_end(&j);
    const bool ok = publish_file(p, PUBLISH_MARK, out.p, out.len, err);
    mem_free(buf);
    return ok;
}

size_t clv_split_json(const struct clv_split_params *params, const struct clv_split_result *r,
                      char *buf, size_t len)
{
    if (len == 0)
        return 0;
    struct text out = text_on(buf, len - 1);
    struct json j = json_begin(&out);
    json_str(&j, "input", params->input);
    json_str(&j, "output", params->output);
    json_u64(&j, "input_bytes", r->input_bytes);
    json_u64(&j, "records_read", r->records_read);
    json_u64(&j, "captured_bytes", r->captured_bytes);
    json_u64(&j, "records_written", r->records_written);
    json_u64(&j, "written_bytes", r->written_bytes);
    json_open(&j, "dropped");
    json_u64(&j, "other", r->dropped_other);
    json_close(&j);
    json_u64(&j, "other", r->other);
    json_u64(&j, "fragments", r->fragments);
    json_u64(&j, "cut_short", r->cut_short);
    json_u64(&j, "flows", r->flows);
    json_u64(&j, "outputs", r->outputs);
    json_u64(&j, "opens", r->opens);
    json_u64(&j, "reopens", r->reopens);
    json_u64(&j, "writes", r->writes);
    json_u64(&j, "rounds", r->rounds);
    json_u64(&j, "threads", r->threads);
    json_u64(&j, "max_open", r->max_open);
    if (r->records_written) {
        json_time(&j, "first", r->first_ns);
        json_time(&j, "last", r->last_ns);
    }
    json_damage(&j, &r->damage);
    json_fixed(&j, "seconds", r->seconds, 6);
    const double s = r->seconds > 0 ? r->seconds : 1e-9;
    json_fixed(&j, "records_per_second", (double)r->records_read / s, 0);
    json_fixed(&j, "bytes_per_second", (double)r->scanned_bytes / s, 0);
    json_end(&j);
    if (out.full)
        out.len = 0;
    buf[out.len] = '\0'; /* beside the text: it was given one byte less */
    return out.len;
}
