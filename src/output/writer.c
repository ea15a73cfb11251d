/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "format/dump.h"
#include "manifest/name.h"

void writer_init(struct writer *w, struct flow_table *flows, int dir_fd,
                 const struct dialect *dialect, uint32_t max_open)
{
    *w = (struct writer){
        .flows = flows,
        .dir_fd = dir_fd,
        .dialect = dialect,
        .newest = FLOW_NONE,
        .oldest = FLOW_NONE,
        .max_open = max_open,
        .mode = IO_MODE,
    };
}

static void lru_remove(struct writer *w, struct flow *f)
{
    if (f->newer != FLOW_NONE)
        flow_table_at(w->flows, f->newer)->older = f->older;
    else
        w->newest = f->older;
    if (f->older != FLOW_NONE)
        flow_table_at(w->flows, f->older)->newer = f->newer;
    else
        w->oldest = f->newer;
    f->newer = f->older = FLOW_NONE;
    w->n_open--;
}

static void lru_put_newest(struct writer *w, uint32_t flow)
{
    struct flow *f = flow_table_at(w->flows, flow);
    f->older = w->newest;
    f->newer = FLOW_NONE;
    if (w->newest != FLOW_NONE)
        flow_table_at(w->flows, w->newest)->newer = flow;
    else
        w->oldest = flow;
    w->newest = flow;
    w->n_open++;
}

/* f is in no list. */
static bool close_output(struct flow *f, struct clv_error *err)
{
    const int fd = f->fd;
    f->fd = -1;
    return io_close(fd, "an output", err);
}

static bool evict_oldest(struct writer *w, struct clv_error *err)
{
    struct flow *f = flow_table_at(w->flows, w->oldest);
    lru_remove(w, f);
    return close_output(f, err);
}

bool writer_close_all(struct writer *w, struct clv_error *err)
{
    bool ok = true;
    while (w->oldest != FLOW_NONE)
        if (!evict_oldest(w, ok ? err : NULL))
            ok = false;
    return ok;
}

void writer_fini(struct writer *w)
{
    if (w->flows && !writer_close_all(w, NULL))
        w->n_open = 0; /* nobody wants to know: the outputs are thrown away */
    for (size_t i = 0; i < w->n_trails; i++)
        trail_fini(&w->trails[i]);
    mem_free(w->trails);
    w->trails = NULL;
    w->n_trails = 0;
}

/* Directories in names appear when the first output in them does. */
static bool make_parents(int dir_fd, const char *name, unsigned mode)
{
    char path[NAME_MAX_LEN + 1];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        const size_t len = (size_t)(slash - name);
        memcpy(path, name, len);
        path[len] = '\0';
        if (mkdirat(dir_fd, path, io_dir_mode(mode)) != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

/*
 * A new output must not be there yet, one that was closed must: ours are never truncated, and
 * nothing else is ever written to.
 */
static bool open_output(struct writer *w, struct flow *f, const char *name, struct clv_error *err)
{
    const int mode = w->dialect->compress ? O_RDWR : O_WRONLY; /* what waits is read back */
    const int flags = mode | O_CLOEXEC | O_NOFOLLOW | (f->size ? 0 : O_CREAT | O_EXCL);
    bool parents_made = false;
    while (w->n_open >= w->max_open && w->oldest != FLOW_NONE)
        if (!evict_oldest(w, err))
            return false;
    for (;;) {
        f->fd = openat(w->dir_fd, name, flags, w->mode);
        if (CLV_LIKELY(f->fd >= 0))
            break;
        if (errno == ENOENT && !f->size && !parents_made &&
            make_parents(w->dir_fd, name, w->mode)) {
            parents_made = true;
            continue;
        }
        if (errno == EINTR)
            continue;
        if ((errno == EMFILE || errno == ENFILE) && w->oldest != FLOW_NONE) {
            if (!evict_oldest(w, err))
                return false;
            continue;
        }
        const bool few = errno == EMFILE || errno == ENFILE;
        const int why = errno;
        (void)clv_fail_errno(err, name, f->size ? "cannot be opened again" : "cannot be created");
        io_hint_name(err, why);
        return few ? clv_fail_hint(err, "a smaller --max-open leaves descriptors to others")
                   : false;
    }
    w->opens++;
    w->reopens += f->size != 0;
    return true;
}

/* Records as they are, headers included. */
static bool copy(struct stage *s, const struct writer_round *r, const struct writer_ref *refs,
                 uint32_t n)
{
    enum { AHEAD = 6 };
    for (uint32_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            const uint8_t *next = r->base + refs[i + AHEAD].offset;
            __builtin_prefetch(next);
            __builtin_prefetch(next + 64);
        }
        if (!stage_put(s, r->base + refs[i].offset, refs[i].len))
            return false;
    }
    return true;
}

bool writer_reread(const struct writer_round *r, uint32_t offset, struct writer_place *place,
                   struct walk_record *rec)
{
    const struct walk_format *f = r->source.format;
    const struct ledger *l = r->source.dialect->ledger;
    const uint8_t *raw = r->base + offset;
    const size_t rest = r->avail - offset;
    if (f->kind == WALK_PCAP)
        return walk_record(f, raw, rest, f->big_endian, rec) == WALK_RECORD;
    const uint64_t position = r->position + offset;
    if (position >= place->until)
        place->until = walk_state_at(&place->st, l, r->source.n_entries, position);
    return walk_block(l, &place->st, raw, rest, rec) == WALK_RECORD;
}

/* The same, each with no more than so many bytes of its packet. */
static bool copy_cut(struct stage *s, const struct writer_round *r, const struct writer_ref *refs,
                     uint32_t n)
{
    const struct dialect *d = r->source.dialect;
    const struct walk_format *f = r->source.format;
    struct writer_place place = {.until = 0};
    for (uint32_t i = 0; i < n; i++) {
        uint8_t head[WALK_LONGEST_HEADER];
        struct walk_record rec;
        if (!writer_reread(r, refs[i].offset, &place, &rec))
            return clv_fail(s->err, CLV_ERR_INTERNAL, s->name,
                            "a record changed while it was read");
        const uint32_t caplen = dialect_cut(d, rec.caplen);
        memcpy(head, rec.raw, f->hdr_len);
        if (caplen < rec.caplen) {
            walk_store32(head + f->caplen_at, caplen, f->big_endian);
            walk_store32(head + f->origlen_at, rec.origlen, f->big_endian);
        }
        if (!stage_put(s, head, f->hdr_len) || !stage_put(s, rec.data, caplen))
            return false;
    }
    return true;
}

static bool dump(struct stage *s, const struct writer_round *r, const struct dialect_kind *kind,
                 const struct writer_ref *refs, uint32_t n)
{
    struct writer_place place = {.until = 0};
    for (uint32_t i = 0; i < n; i++) {
        struct walk_record rec;
        if (!writer_reread(r, refs[i].offset, &place, &rec))
            return clv_fail(s->err, CLV_ERR_INTERNAL, s->name,
                            "a record changed while it was read");
        rec.caplen = dialect_cut(r->source.dialect, rec.caplen);
        if (!dump_record(s, kind, &rec))
            return false;
    }
    return true;
}

static struct trail *trail_of(struct writer *w, uint32_t flow)
{
    if (flow >= w->n_trails) {
        const size_t n = (size_t)flow + 1;
        struct trail *trails = mem_reserve(w->trails, &w->trails_cap, n, sizeof *trails);
        if (!trails)
            return NULL;
        memset(trails + w->n_trails, 0, (n - w->n_trails) * sizeof *trails);
        w->trails = trails;
        w->n_trails = n;
    }
    return &w->trails[flow];
}

/* What metadata may be for. */
static struct picks owner_of(const struct writer *w, const struct flow *f)
{
    const bool addresses = w->by && f->key.family && !(f->key.has & FLOW_HAS_SHARD) &&
                           w->by->a & w->by->b & FLOW_END_ADDR;
    return (struct picks){
        .number = f->n,
        .a = addresses ? f->key.a : NULL,
        .b = addresses ? f->key.b : NULL,
        .family = f->key.family,
        .may_hide = !flow_has_proto(&f->key) || f->key.proto == CLV_PROTO_UDP,
    };
}

static bool put_blocks(const struct writer *w, struct stage *s, const struct flow *f,
                       struct trail *t, const struct writer_round *r, const struct writer_ref *refs,
                       uint32_t n)
{
    enum { AHEAD = 4, LOOKED_AT = 320 };
    const struct picks owner = owner_of(w, f);
    struct blocks_source source = r->source;
    uint64_t until = 0;
    if (!t)
        return clv_fail_nomem(s->err, s->name, sizeof *t);
    source.owner = &owner;
    for (uint32_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            const uint8_t *next = r->base + refs[i + AHEAD].offset;
            for (unsigned at = 0; at < LOOKED_AT; at += 64)
                __builtin_prefetch(next + at);
        }
        if (!blocks_put(s, t, &source, r->base + refs[i].offset, refs[i].len,
                        r->position + refs[i].offset, &until))
            return false;
    }
    return true;
}

static bool put_records(struct writer *w, struct stage *s, struct flow *f,
                        const struct writer_round *r, const struct writer_ref *refs, uint32_t n)
{
    const struct dialect *d = w->dialect;
    const struct dialect_kind *kind = &d->kinds[f->key.kind];
    switch (d->form) {
    case DIALECT_COPY:
        return (f->size || stage_put(s, d->header, sizeof d->header)) &&
               (d->snaplen ? copy_cut(s, r, refs, n) : copy(s, r, refs, n));
    case DIALECT_PCAP:
        return (f->size || dump_header(s, kind)) && dump(s, r, kind, refs, n);
    case DIALECT_PCAPNG:
        return put_blocks(w, s, f, trail_of(w, f->index), r, refs, n);
    }
    return false;
}

/* The output is open; it is closed, or becomes the one that was used last. */
static bool done_with(struct writer *w, struct stage *stage, struct flow *f, bool ok, bool close_it,
                      struct clv_error *err)
{
    ok = ok && stage_end(stage);
    uint64_t size = stage->size;
    if (stage->packer) {
        w->trails[f->index].tail = (uint32_t)stage->at;
        size += stage->at;
    }
    w->bytes += size - f->size; /* modulo 2^64: compressed, an output can become smaller */
    w->writes += stage->writes;
    f->size = size;
    if (ok && !close_it) {
        lru_put_newest(w, f->index);
        return true;
    }
    return close_output(f, ok ? err : NULL) && ok;
}

/* The output is open and in no list, and the stage serves it. */
static bool begin_with(struct writer *w, struct stage *stage, struct flow *f, const char *name,
                       struct clv_error *err)
{
    if (f->fd >= 0)
        lru_remove(w, f);
    else if (!open_output(w, f, name, err))
        return false;
    if (!stage->packer) {
        stage_begin(stage, f->fd, f->size, name, err);
        return true;
    }
    const struct trail *t = trail_of(w, f->index);
    if (!t)
        (void)clv_fail_nomem(err, name, sizeof *t);
    else if (stage_begin_packed(stage, f->fd, f->size, t->tail, name, err))
        return true;
    (void)!close_output(f, NULL);
    return false;
}

/*
 * No record follows in the output. rest: nothing else does either; until then what is no whole
 * stretch waits as it is where secrets may follow (writer_rest()).
 */
static bool finish(struct writer *w, struct stage *stage, uint32_t flow,
                   const struct writer_round *round, bool rest)
{
    const struct picks owner = owner_of(w, flow_table_at(w->flows, flow));
    struct blocks_source source = round->source;
    source.owner = &owner;
    if (w->dialect->form == DIALECT_PCAPNG && !blocks_finish(stage, &w->trails[flow], &source))
        return false;
    return !stage->packer || (w->dialect->picker && !rest) || stage_pack_rest(stage);
}

bool writer_append(struct writer *w, struct stage *stage, uint32_t flow, const char *name,
                   const struct writer_round *round, const struct writer_ref *refs, uint32_t n,
                   struct clv_error *err)
{
    struct flow *f = flow_table_at(w->flows, flow);
    if (!begin_with(w, stage, f, name, err))
        return false;
    bool ok = put_records(w, stage, f, round, refs, n);
    if (ok && round->last)
        ok = finish(w, stage, flow, round, false);
    if (!done_with(w, stage, f, ok, round->last, err))
        return false;
    w->records += n;
    return true;
}

bool writer_unfinished(struct writer *w, uint32_t flow, const struct writer_round *round)
{
    if (flow >= w->n_trails)
        return false;
    struct trail *t = &w->trails[flow];
    const struct picks owner = owner_of(w, flow_table_at(w->flows, flow));
    struct blocks_source source = round->source;
    source.owner = &owner;
    return (t->tail && !w->dialect->picker) || blocks_pending(t, &source);
}

bool writer_finish(struct writer *w, struct stage *stage, uint32_t flow, const char *name,
                   const struct writer_round *round, struct clv_error *err)
{
    struct flow *f = flow_table_at(w->flows, flow);
    if (!begin_with(w, stage, f, name, err))
        return false;
    return done_with(w, stage, f, finish(w, stage, flow, round, false), true, err);
}

bool writer_rest(struct writer *w, struct stage *stage, uint32_t flow, const char *name,
                 const struct writer_round *round, struct clv_error *err)
{
    const struct picks owner = owner_of(w, flow_table_at(w->flows, flow));
    struct blocks_source source = round->source;
    bool any;
    source.owner = &owner;
    if (flow >= w->n_trails)
        return true;
    if (!blocks_rest(&w->trails[flow], &source, &any))
        return clv_fail_nomem(err, name, sizeof owner);
    if (!any && !w->trails[flow].tail)
        return true;
    struct flow *f = flow_table_at(w->flows, flow);
    if (!begin_with(w, stage, f, name, err))
        return false;
    return done_with(w, stage, f, finish(w, stage, flow, round, true), true, err);
}
