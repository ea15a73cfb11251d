/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/records.h"

#include "base/mem.h"
#include "input/input.h"

enum {
    WINDOW = 64 << 20, /* bytes looked at before the ones behind are released */
    BUFFER = 4 << 20,  /* the same of what has to be read, and not before all are there */
    TOUCH = 1 << 20,   /* bytes whose headers are loaded at a time */
};

struct clv_capture {
    struct input *in;
    struct walk_format format;
    struct ledger ledger; /* pcapng */
    struct walk_state state;
    struct input_window w; /* in NULL: none yet */
    size_t at;             /* of the next record in w */
    size_t touched;        /* up to here in w headers are loaded */
    uint64_t n_records, n_sections;
    bool over;
};

/* Of an input that was just opened, which it owns from now on. NULL: there is none. */
static bool open_input(struct clv_capture **out, struct input *in, struct clv_error *err)
{
    struct clv_span head;
    *out = NULL;
    if (!in)
        return false;
    struct clv_capture *c = mem_zalloc(1, sizeof *c);
    if (!c) {
        (void)clv_fail_nomem(err, input_path(in), sizeof *c);
        input_close(&in);
        return false;
    }
    c->in = in;
    ledger_init(&c->ledger, 0);
    if (input_head(c->in, WALK_HEAD, &head, err) &&
        walk_open(&c->format, input_path(c->in), head, err) &&
        (input_size(c->in) == 0 || /* a pipe may be slow */
         (input_head(c->in, WALK_LOOK, &head, err) &&
          walk_check_form(&c->format, input_path(c->in), head, err)))) {
        const struct input_plan plan = {
            .offset = c->format.data_at,
            .window = input_is_stream(c->in) ? BUFFER : WINDOW,
            .slack = c->format.record_max,
            .slack_read = WALK_USUAL,
            .buffers = 1,
        };
        if (input_begin(c->in, &plan, err)) {
            *out = c; /* the first window, which may take long, is waited for by who reads */
            return true;
        }
    }
    clv_capture_close(&c);
    return false;
}

bool capture_open_at(struct clv_capture **out, const struct input_place *place,
                     struct clv_error *err)
{
    struct input *in;
    return open_input(out, input_open_at(&in, place, err) ? in : NULL, err);
}

bool clv_capture_open_fd(struct clv_capture **out, int fd, const char *name, struct clv_error *err)
{
    struct input *in;
    return open_input(out, input_open_fd(&in, fd, name, err) ? in : NULL, err);
}

bool clv_capture_open_memory(struct clv_capture **out, const void *data, size_t len,
                             const char *name, struct clv_error *err)
{
    struct input *in;
    return open_input(out, input_open_memory(&in, data, len, name, err) ? in : NULL, err);
}

void clv_capture_interrupt(struct clv_capture *c)
{
    input_interrupt(c->in);
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

const char *clv_capture_name(const struct clv_capture *c)
{
    return input_path(c->in);
}

bool clv_capture_stays(const struct clv_capture *c)
{
    return !input_is_stream(c->in);
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
    if (c->w.in)
        input_release(&c->w, 0, c->w.len);
    c->at = over;
    c->touched = 0;
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

/* Loads the headers of the next records, so that waits for memory overlap. */
static CLV_COLD void touch(struct clv_capture *c)
{
    const struct clv_span all = {c->w.p, c->w.avail};
    c->touched = c->at + (size_t)min_u64(TOUCH, c->w.len - c->at);
    input_populate(&c->w, c->at, c->touched);
    if (c->format.kind == WALK_PCAPNG)
        walk_block_touch(&c->state, all, c->at, c->touched);
    else
        walk_touch(&c->format, all, c->at, c->touched);
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
        if (CLV_UNLIKELY(c->at >= c->touched) && c->at < c->w.len)
            touch(c);
        const enum walk_step step =
            c->format.kind == WALK_PCAP
                ? walk_record(&c->format, rest.p, rest.len, c->format.big_endian, rec)
                : walk_block(&c->ledger, &c->state, rest.p, rest.len, rec);
        if (CLV_LIKELY(step == WALK_RECORD))
            break;
        if (step != WALK_BLOCK && c->w.more && rest.len <= c->format.record_max) {
            if (input_more(&c->w, err) == INPUT_WINDOW)
                continue;
            c->over = true;
            return CLV_BAD;
        }
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

CLV_INLINE void give(struct clv_record *rec, const struct walk_record *r, uint64_t offset,
                     uint16_t linktype)
{
    *rec = (struct clv_record){
        .data = r->data,
        .caplen = r->caplen,
        .origlen = r->origlen,
        .ts_ns = r->ts_ns,
        .offset = offset,
        .raw = r->raw,
        .raw_len = r->raw_len,
        .linktype = linktype,
    };
}

enum clv_walk clv_capture_next(struct clv_capture *c, struct clv_record *rec, struct clv_error *err)
{
    struct walk_record r;
    uint64_t offset;
    const enum clv_walk step = capture_next(c, &r, &offset, err);
    if (step != CLV_RECORD)
        return step;
    give(rec, &r, offset,
         c->format.kind == WALK_PCAP ? c->format.pub.linktype
                                     : ledger_iface(&c->ledger, r.iface)->linktype);
    return CLV_RECORD;
}

/*
 * Reads records as long as their headers were loaded and nothing else stands there: at most n.
 * Returns how many. What is known of the capture is in constants and locals.
 */
CLV_INLINE size_t read_plain(struct clv_capture *c, struct clv_record *recs, size_t n,
                             enum walk_kind kind, bool big_endian)
{
    const struct walk_format format = c->format;
    const uint8_t *const base = c->w.p;
    const size_t end = c->touched, avail = c->w.avail;
    const uint64_t offset = c->w.offset;
    uint32_t iface = UINT32_MAX;
    uint16_t linktype = format.pub.linktype;
    size_t at = c->at, k = 0;
    while (k < n && at < end) {
        struct walk_record r;
        const enum walk_step step =
            kind == WALK_PCAP ? walk_record(&format, base + at, avail - at, big_endian, &r)
                              : walk_block(&c->ledger, &c->state, base + at, avail - at, &r);
        if (CLV_UNLIKELY(step != WALK_RECORD))
            break;
        if (kind == WALK_PCAPNG && CLV_UNLIKELY(r.iface != iface)) {
            iface = r.iface;
            linktype = ledger_iface(&c->ledger, iface)->linktype;
        }
        give(&recs[k++], &r, offset + at, linktype);
        at += r.raw_len;
    }
    c->at = at;
    c->n_records += k;
    return k;
}

enum clv_walk clv_capture_next_many(struct clv_capture *c, struct clv_record *recs, size_t n,
                                    size_t *got, struct clv_error *err)
{
    *got = 0;
    if (n == 0)
        return CLV_RECORD;
    /* The first one may take another window, blocks, or the end; the others take nothing. */
    const enum clv_walk step = clv_capture_next(c, recs, err);
    if (step != CLV_RECORD)
        return step;
    recs++;
    n--;
    if (c->format.kind == WALK_PCAPNG)
        *got = 1 + read_plain(c, recs, n, WALK_PCAPNG, false);
    else if (c->format.big_endian)
        *got = 1 + read_plain(c, recs, n, WALK_PCAP, true);
    else
        *got = 1 + read_plain(c, recs, n, WALK_PCAP, false);
    return CLV_RECORD;
}
