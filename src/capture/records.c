/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/records.h"

#include "base/mem.h"
#include "input/input.h"

enum {
    WINDOW = 64 << 20, /* bytes looked at before the ones behind are released */
};

struct clv_capture {
    struct input *in;
    struct walk_format format;
    struct ledger ledger; /* pcapng */
    struct walk_state state;
    struct input_window w;
    size_t at; /* of the next record in w */
    uint64_t n_records, n_sections;
    bool over;
};

bool clv_capture_open(struct clv_capture **out, const char *path, struct clv_error *err)
{
    struct clv_span head;
    struct clv_capture *c = mem_zalloc(1, sizeof *c);
    *out = NULL;
    if (!c)
        return clv_fail_nomem(err, path, sizeof *c);
    ledger_init(&c->ledger, 0);
    if (input_open(&c->in, path, err) && input_head(c->in, WALK_HEAD, &head, err) &&
        walk_open(&c->format, input_path(c->in), head, err) &&
        (input_size(c->in) == 0 || /* a pipe may be slow */
         (input_head(c->in, WALK_LOOK, &head, err) &&
          walk_check_form(&c->format, input_path(c->in), head, err)))) {
        const struct input_plan plan = {
            .offset = c->format.data_at,
            .window = WINDOW,
            .slack = c->format.record_max,
            .buffers = 2,
        };
        if (input_begin(c->in, &plan, err) && input_next(c->in, &c->w, err) == INPUT_WINDOW) {
            *out = c;
            return true;
        }
    }
    clv_capture_close(&c);
    return false;
}

void clv_capture_close(struct clv_capture **cp)
{
    struct clv_capture *c = *cp;
    if (!c)
        return;
    ledger_fini(&c->ledger);
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

const char *clv_capture_compression(const struct clv_capture *c)
{
    return input_compression(c->in);
}

uint64_t clv_capture_sections(const struct clv_capture *c)
{
    return c->n_sections + (c->format.kind == WALK_PCAP);
}

unsigned clv_capture_interfaces(const struct clv_capture *c)
{
    return atomic_load(&c->ledger.n_ifaces);
}

/* Once per window. A record may end in the slack, where the next window then begins with it. */
static CLV_COLD bool next_window(struct clv_capture *c, struct clv_error *err)
{
    const size_t over = c->at - c->w.len;
    input_release(&c->w, 0, c->w.len);
    c->at = over;
    return input_next(c->in, &c->w, err) == INPUT_WINDOW;
}

static CLV_COLD enum clv_walk end(struct clv_capture *c, struct clv_error *err)
{
    const struct clv_error *damage = input_damage(c->in);
    c->over = true;
    if (!input_check(c->in, err))
        return CLV_BAD;
    if (damage->code == CLV_ERR_NONE)
        return CLV_END;
    if (err)
        *err = *damage;
    return CLV_BAD;
}

static CLV_COLD enum clv_walk bad(struct clv_capture *c, enum walk_step step, struct clv_span rest,
                                  struct clv_error *err)
{
    const char *path = input_path(c->in);
    const uint64_t offset = c->w.offset + c->at, record = c->n_records + 1;
    if (end(c, err) == CLV_BAD)
        return CLV_BAD; /* the cause, of which this is what follows */
    if (c->format.kind == WALK_PCAPNG)
        walk_block_explain(&c->ledger, &c->state, path, step, rest, offset, record, err);
    else
        (void)walk_explain(&c->format, path, step, rest, offset, record, err);
    return CLV_BAD;
}

/* A block that is no packet may describe a section or an interface. */
static CLV_COLD bool note_block(struct clv_capture *c, const struct walk_record *r,
                                struct clv_error *err)
{
    struct clv_error why;
    if (c->format.kind == WALK_PCAP) { /* the file header of a capture that was joined to it */
        c->n_sections++;
        c->at += r->raw_len;
        return true;
    }
    if (walk_note(&c->ledger, &c->state, r->raw, r->raw_len, c->w.offset + c->at, &why)) {
        c->n_sections += r->type == NG_SECTION;
        c->at += r->raw_len;
        return true;
    }
    c->over = true;
    if (why.code != CLV_ERR_DAMAGE) {
        if (err)
            *err = why;
        return false;
    }
    (void)clv_fail(err, why.code, input_path(c->in), "%s", why.what);
    return clv_fail_at(err, c->w.offset + c->at, c->n_records + 1);
}

const struct walk_format *capture_walk_format(const struct clv_capture *c)
{
    return &c->format;
}

const struct ledger *capture_ledger(const struct clv_capture *c)
{
    return &c->ledger;
}

const struct walk_state *capture_state(const struct clv_capture *c)
{
    return &c->state;
}

enum clv_walk capture_next(struct clv_capture *c, struct walk_record *rec, uint64_t *offset,
                           struct clv_error *err)
{
    if (c->over)
        return CLV_END;
    for (;;) {
        while (CLV_UNLIKELY(c->at >= c->w.len && !c->w.last))
            if (!next_window(c, err)) {
                c->over = true;
                return CLV_BAD;
            }
        const struct clv_span rest = {c->w.p + c->at, c->w.avail - c->at};
        if (rest.len == 0)
            return end(c, err);
        const enum walk_step step =
            c->format.kind == WALK_PCAP
                ? walk_record(&c->format, rest.p, rest.len, c->format.big_endian, rec)
                : walk_block(&c->ledger, &c->state, rest.p, rest.len, rec);
        if (CLV_LIKELY(step == WALK_RECORD))
            break;
        if (step != WALK_BLOCK)
            return bad(c, step, rest, err);
        if (!note_block(c, rec, err))
            return CLV_BAD;
    }
    *offset = c->w.offset + c->at;
    c->at += rec->raw_len;
    c->n_records++;
    return CLV_RECORD;
}

enum clv_walk clv_capture_next(struct clv_capture *c, struct clv_record *rec, struct clv_error *err)
{
    struct walk_record r;
    uint64_t offset;
    const enum clv_walk step = capture_next(c, &r, &offset, err);
    if (step != CLV_RECORD)
        return step;
    *rec = (struct clv_record){
        .data = r.data,
        .caplen = r.caplen,
        .origlen = r.origlen,
        .ts_ns = r.ts_ns,
        .offset = offset,
        .raw = r.raw,
        .raw_len = r.raw_len,
        .linktype = c->format.kind == WALK_PCAP ? c->format.pub.linktype
                                                : ledger_iface(&c->ledger, r.iface)->linktype,
    };
    return CLV_RECORD;
}
