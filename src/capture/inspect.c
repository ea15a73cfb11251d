/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"
#include "base/fail.h"
#include "base/json.h"
#include "cleave/capture.h"
#include "cleave/packet.h"

/* What is asked now and then, and when it was asked last. */
struct asking {
    clv_capture_progress *progress;
    void *user;
    int64_t asked_ns; /* 0: not yet */
};

static bool goes_on(struct asking *a, const struct clv_capture_info *info)
{
    enum { PROGRESS_NS = 100 * 1000 * 1000 };
    const int64_t now = clock_ns();
    if (!a->progress || (a->asked_ns && now - a->asked_ns < PROGRESS_NS))
        return true;
    a->asked_ns = now;
    return a->progress(info, a->user);
}

/* Of one more record. before: the time of the last one that had one. */
static void add(struct clv_capture_info *info, const struct clv_record *rec, int64_t *before)
{
    info->records++;
    info->captured_bytes += rec->caplen;
    info->wire_bytes += rec->origlen;
    if (info->format.record_header_len == 0) { /* pcapng: no file header says it */
        if (info->records == 1)
            info->format.linktype = rec->linktype;
        info->several_linktypes |= info->format.linktype != rec->linktype;
    }
    info->longest = rec->caplen > info->longest ? rec->caplen : info->longest;
    if (rec->ts_ns == CLV_NO_TIME)
        return;
    info->ordered = info->ordered && rec->ts_ns >= *before;
    info->first_ns = rec->ts_ns < info->first_ns ? rec->ts_ns : info->first_ns;
    info->last_ns = rec->ts_ns > info->last_ns ? rec->ts_ns : info->last_ns;
    *before = rec->ts_ns;
}

bool clv_capture_inspect_rest(struct clv_capture *c, clv_capture_progress *progress, void *user,
                              struct clv_capture_info *info, struct clv_error *err)
{
    enum { MANY = 256 };
    struct clv_record recs[MANY];
    struct asking asking = {.progress = progress, .user = user};
    *info = (struct clv_capture_info){
        .path = clv_capture_name(c),
        .format = *clv_capture_format(c),
        .file_bytes = clv_capture_size(c),
        .compression = clv_capture_compression(c),
        .ordered = true,
        .first_ns = INT64_MAX,
        .last_ns = INT64_MIN,
        .damage = {.offset = CLV_NO_OFFSET},
    };
    int64_t before = INT64_MIN;
    enum clv_walk step;
    bool go_on = true;
    size_t n;
    while (go_on &&
           (step = clv_capture_next_many(c, recs, MANY, &n, &info->damage)) == CLV_RECORD) {
        for (size_t i = 0; i < n; i++)
            add(info, &recs[i], &before);
        info->sections = clv_capture_sections(c);
        info->interfaces = clv_capture_interfaces(c);
        go_on = goes_on(&asking, info);
    }
    info->sections = clv_capture_sections(c);
    info->interfaces = clv_capture_interfaces(c);
    if (!go_on)
        return clv_fail(err, CLV_ERR_CANCELLED, info->path, "stopped by its caller");
    /* What could not be read is no damage of the capture. */
    const bool failed = step == CLV_BAD && info->damage.code != CLV_ERR_DAMAGE;
    if (failed && err)
        *err = info->damage;
    return !failed;
}

bool clv_capture_inspect(const char *path, struct clv_capture_info *info, struct clv_error *err)
{
    struct clv_capture *c;
    if (!clv_capture_open(&c, path, err))
        return false;
    const bool ok = clv_capture_inspect_rest(c, NULL, NULL, info, err);
    info->path = path;
    clv_capture_close(&c);
    return ok;
}

size_t clv_capture_json(const struct clv_capture_info *info, char *buf, size_t len)
{
    const struct clv_capture_format *f = &info->format;
    struct text out = text_on(buf, len);
    struct json j = json_begin(&out);
    json_str(&j, "file", info->path);
    json_u64(&j, "file_bytes", info->file_bytes);
    json_str(&j, "format", f->name);
    json_u64(&j, "version_major", f->version_major);
    json_u64(&j, "version_minor", f->version_minor);
    json_str(&j, "byte_order", f->big_endian ? "big" : "little");
    json_str(&j, "compression", info->compression);
    if (f->record_header_len) {
        json_str(&j, "resolution", f->nanoseconds ? "nanoseconds" : "microseconds");
        json_u64(&j, "joined", info->sections);
    } else {
        json_u64(&j, "sections", info->sections);
        json_u64(&j, "interfaces", info->interfaces);
        json_bool(&j, "several_linktypes", info->several_linktypes);
    }
    json_u64(&j, "linktype", f->linktype);
    json_str(&j, "linktype_name", clv_linktype_name(f->linktype));
    json_bool(&j, "linktype_supported", clv_linktype_supported(f->linktype));
    json_u64(&j, "fcs_bytes", f->fcs_len);
    json_u64(&j, "snaplen", f->snaplen);
    json_u64(&j, "records", info->records);
    json_u64(&j, "captured_bytes", info->captured_bytes);
    json_u64(&j, "wire_bytes", info->wire_bytes);
    json_u64(&j, "longest", info->longest);
    json_bool(&j, "ordered", info->ordered);
    if (info->records && info->first_ns <= info->last_ns) {
        json_time(&j, "first", info->first_ns);
        json_time(&j, "last", info->last_ns);
    }
    json_damage(&j, &info->damage);
    json_end(&j);
    return text_whole(&out);
}
