/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/capture.h"

#include "base/mem.h"
#include "input/input.h"
#include "walk/walk.h"

enum {
    WINDOW = 64 << 20, /* bytes looked at before the ones behind are released */
};

struct clv_capture {
    struct input *in;
    struct walk_format format;
    struct input_window w;
    size_t at; /* of the next record in w */
    uint64_t n_records;
    bool over;
};

bool clv_capture_open(struct clv_capture **out, const char *path, struct clv_error *err)
{
    struct input_window head;
    struct clv_capture *c = mem_zalloc(1, sizeof *c);
    *out = NULL;
    if (!c)
        return clv_fail_nomem(err, path, sizeof *c);
    if (!input_open(&c->in, path, err) ||
        !input_window(c->in, 0, PCAP_FILE_HEADER, 0, &head, err) ||
        !walk_open(&c->format, path, (struct clv_span){head.p, head.avail}, err) ||
        !input_window(c->in, PCAP_FILE_HEADER, WINDOW,
                      c->format.caplen_max + (size_t)WALK_LONGEST_HEADER, &c->w, err)) {
        clv_capture_close(&c);
        return false;
    }
    *out = c;
    return true;
}

void clv_capture_close(struct clv_capture **cp)
{
    struct clv_capture *c = *cp;
    if (!c)
        return;
    input_close(&c->in);
    mem_free(c);
    *cp = NULL;
}

const struct clv_capture_format *clv_capture_format(const struct clv_capture *c)
{
    return &c->format.pub;
}

uint64_t clv_capture_size(const struct clv_capture *c)
{
    return input_size(c->in);
}

/* Once per window. */
static CLV_COLD bool next_window(struct clv_capture *c, struct clv_error *err)
{
    const uint64_t offset = c->w.offset + c->at;
    input_release(&c->w, 0, c->w.len);
    c->at = 0;
    return input_window(c->in, offset, WINDOW, c->format.caplen_max + (size_t)WALK_LONGEST_HEADER,
                        &c->w, err);
}

enum clv_walk clv_capture_next(struct clv_capture *c, struct clv_record *rec, struct clv_error *err)
{
    struct walk_record r;
    if (c->over)
        return CLV_END;
    if (CLV_UNLIKELY(c->at >= c->w.len && !c->w.last) && !next_window(c, err)) {
        c->over = true;
        return CLV_BAD;
    }
    const struct clv_span rest = {c->w.p + c->at, c->w.avail - c->at};
    if (rest.len == 0) {
        c->over = true;
        return CLV_END;
    }
    const enum walk_step step = walk_record(&c->format, rest.p, rest.len, c->format.big_endian, &r);
    if (CLV_UNLIKELY(step != WALK_RECORD)) {
        c->over = true;
        (void)walk_explain(&c->format, input_path(c->in), step, rest, c->w.offset + c->at,
                           c->n_records + 1, err);
        return CLV_BAD;
    }
    *rec = (struct clv_record){
        .data = r.raw + c->format.hdr_len,
        .caplen = r.caplen,
        .origlen = r.origlen,
        .ts_ns = r.ts_ns,
        .offset = c->w.offset + c->at,
        .raw = r.raw,
        .raw_len = r.raw_len,
        .linktype = c->format.pub.linktype,
    };
    c->at += r.raw_len;
    c->n_records++;
    return CLV_RECORD;
}
