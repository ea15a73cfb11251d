/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "capture/records.h"
#include "decode/decode.h"
#include "format/savefile.h"
#include "verify/directory.h"

enum { SUM_STEP = 256 * 1024 }; /* bytes of a member that are still in the cache */

/* The keys that a record of the output may have, one of which must be the flow's. */
struct expected {
    const struct verify *v;
    const struct proof_output *o;
    bool judged; /* false: the key does not follow from the record alone */
};

static bool key_is(const struct expected *e, struct flow_key *key, const struct flow_extra *extra)
{
    const struct flow *f = e->o->flow;
    if (flow_is_other(&f->key))
        return flow_is_other(key);
    key->kind = f->key.kind;
    return flow_key_equal(key, &f->key) &&
           (!extra || memcmp(extra, e->o->extra, sizeof *extra) == 0);
}

/* The same for keys of any fields. */
static bool belongs_anykey(const struct expected *e, struct flow_origin *o)
{
    const struct pipeline_params *pp = &e->v->job->pipeline;
    for (int side = FLOW_SIDE_SOURCE; side <= (int)FLOW_SIDE_DESTINATION; side++) {
        struct flow_key key;
        struct flow_extra extra;
        (void)flow_anykey_settle(&pp->by, o, (enum flow_side)side, &key, &extra);
        if (pp->shards && !flow_is_other(&key))
            flow_shard_key(&key, &extra, flow_shard(&key, &extra, pp->shards));
        if (key_is(e, &key, &extra))
            return true;
    }
    return false;
}

/* true: the record decodes to the key of the output's flow. */
static bool belongs(const struct expected *e, uint16_t linktype, const struct walk_record *rec)
{
    const struct pipeline_params *pp = &e->v->job->pipeline;
    const bool tunnels = pp->by.fields & FLOW_BY_TUNNEL;
    struct flow_origin o = {.iface = 0};
    struct decode d = {.t = &o.tuple,
                       .ports = pp->ports,
                       .path = pp->by.any_key ? &o.path : NULL,
                       .inner = pp->inner || (pp->by.any_key && tunnels),
                       .closed = pp->by.any_key && !pp->inner};
    decode_fn *fn = decode_function(linktype);
    if (fn == decode_ethernet && pp->by.any_key)
        fn = decode_ethernet_asked;
    if (!fn(rec->data, rec->caplen, &d))
        o.tuple = (struct clv_tuple){0};
    if (o.tuple.flags & CLV_TUPLE_FRAGMENT)
        return true; /* another record says of which flow it is */
    if (pp->by.any_key) {
        o.label = e->o->extra->label;                              /* as is known of the capture */
        o.iface = e->o->extra->iface ? e->o->extra->iface - 1 : 0; /* has another number here */
        return belongs_anykey(e, &o);
    }
    union flow_id id = {.tuple = o.tuple};
    (void)flow_key_settle(&id, &pp->by);
    struct flow_extra none = {.iface = 0};
    if (pp->shards && !flow_is_other(&id.key))
        flow_shard_key(&id.key, &none, flow_shard(&id.key, &none, pp->shards));
    return key_is(e, &id.key, NULL);
}

/* The savefile's header is the one that the output should have; of pcapng records tell (proof.c).
 */
static bool header_is(const struct proof_output *o, const struct walk_format *f)
{
    uint8_t converted[PCAP_FILE_HEADER];
    const struct dialect *d = o->dialect;
    const struct dialect_kind *kind = &d->kinds[o->flow->kind];
    switch (d->form) {
    case DIALECT_COPY:
        return f->kind == WALK_PCAP && memcmp(f->header, d->header, sizeof d->header) == 0;
    case DIALECT_PCAP:
        return f->kind == WALK_PCAP && savefile_new_header(converted, kind, o->name, NULL) &&
               memcmp(f->header, converted, sizeof converted) == 0;
    case DIALECT_PCAPNG:
        break;
    }
    return f->kind == WALK_PCAPNG;
}

/* What an output says of itself. */
struct reading {
    struct proof proof;
    uint64_t bytes;
    bool read; /* to its end */
};

/* Of a file in an archive bytes are counted in that; not of what is compressed in it. */
static uint64_t base_of(const struct store_file *f, const struct clv_capture *c)
{
    return f->p && clv_capture_compression(c) ? 0 : f->from;
}

static void move_fault(struct clv_error *why, uint64_t base)
{
    if (why->code != CLV_ERR_NONE && why->offset != CLV_NO_OFFSET)
        why->offset += base;
}

/*
 * Reads the output, with what is to be known of its records: e NULL: nothing of keys; s NULL: they
 * are not collected. Faults are told, or kept in *why.
 */
static bool read_output(struct verify *v, const struct proof_output *o, const char *path,
                        struct store_file *file, enum dialect_form form, const struct expected *e,
                        struct suspect *s, struct reading *r, struct clv_error *why,
                        struct clv_error *err)
{
    struct clv_capture *c;
    bool ok = true, strange = false;
    *r = (struct reading){.read = false};
    if (!store_capture(file, path, &c, why)) {
        move_fault(why, file->from);
        return true;
    }
    const uint64_t base = base_of(file, c);
    const struct walk_format *f = capture_walk_format(c);
    const struct ledger *l = capture_ledger(c);
    struct proof_place place = {.key = v->key};
    struct walk_record rec;
    uint64_t offset, sum_at = file->p && base ? SUM_STEP : UINT64_MAX;
    enum clv_walk step = CLV_BAD;
    if (o && !header_is(o, f)) {
        (void)clv_fail(why, CLV_ERR_UNPROVEN, path, "its file header differs");
        goto done;
    }
    while (ok && (step = capture_next(c, &rec, &offset, why)) == CLV_RECORD) {
        const struct walk_state *st = capture_state(c);
        if (CLV_UNLIKELY(offset >= sum_at)) {
            store_sum(file, offset);
            sum_at = offset + SUM_STEP;
        }
        const bool ng = f->kind == WALK_PCAPNG;
        const uint32_t iface = ng ? rec.iface : 0;
        struct proof_record of;
        proof_of_output(&of, &place, form, f, l, &rec, iface, ng ? st->big_endian : f->big_endian);
        proof_add(v->key, &r->proof, proof_digest(v->key, &of));
        if (s && r->proof.n > s->from)
            ok = suspect_have(s, &of, base + offset, err);
        if (!e || !e->judged || strange)
            continue;
        const uint16_t linktype = ng ? ledger_iface(l, iface)->linktype : f->pub.linktype;
        if (CLV_UNLIKELY(!belongs(e, linktype, &rec))) {
            struct clv_error fault;
            strange = true; /* once per output */
            (void)clv_fail(&fault, CLV_ERR_UNPROVEN, path, "a record of another flow");
            (void)clv_fail_at(&fault, base + offset, r->proof.n);
            verify_tell(v, &fault);
        }
    }
    r->read = ok && step == CLV_END;
    if (r->read && f->kind == WALK_PCAP && clv_capture_sections(c) > 1) {
        r->read = false;
        (void)clv_fail(why, CLV_ERR_UNPROVEN, path,
                       "a different file header is between its records");
    }
    r->bytes = clv_capture_size(c);
done:
    move_fault(why, base);
    clv_capture_close(&c);
    return ok;
}

static bool same_proof(const struct proof *a, const struct proof *b)
{
    return a->n == b->n && keyed_equal(a->chain, b->chain);
}

/* Notes an output to be looked at again, if there are not too many. */
static bool suspected(struct verify *v, const struct proof_output *o)
{
    (void)pthread_mutex_lock(&v->lock);
    const bool room = v->n_suspects < VERIFY_SUSPECTS;
    if (room) {
        struct suspect *s = &v->suspects[v->n_suspects++];
        s->key = v->key;
        (void)snprintf(s->name, sizeof s->name, "%s", o->name);
        (void)snprintf(s->made, sizeof s->made, "%s", o->made);
    }
    (void)pthread_mutex_unlock(&v->lock);
    return room;
}

bool verify_output(void *user, const struct proof_output *o, struct clv_error *err)
{
    struct verify *v = user;
    const struct clv_split_params *params = v->job->params;
    const bool chosen = params->min_packets || params->min_bytes || params->top;
    const bool cut = params->snaplen;
    const bool renumbered = params->shards && v->job->pipeline.by.fields & FLOW_BY_IFACE;
    const struct expected e = {
        .v = v,
        .o = o,
        .judged = !cut && !renumbered && !v->job->pipeline.relate.groups &&
                  !(chosen && flow_is_other(&o->flow->key)),
    };
    char path[PATH_MAX];
    struct store_file file;
    struct reading r;
    struct clv_error why = {.code = CLV_ERR_NONE};
    const enum store_rank rank = flow_is_other(&o->flow->key) ? STORE_REST : STORE_FLOW;
    if (!store_path(v->store, o->name, path, err) || !verify_may_be(v, o->name, rank, o->row, err))
        return false;
    switch (store_look(v->store, o->name, path, &file, err)) {
    case STORE_HAS:
        break;
    case STORE_LACKS:
        (void)clv_fail(&why, CLV_ERR_UNPROVEN, path, "is missing, with %llu record%s",
                       (unsigned long long)o->proof->n, o->proof->n == 1 ? "" : "s");
        verify_tell(v, &why);
        return true;
    case STORE_OTHER:
        return true;
    case STORE_UNKNOWN:
        return false;
    }
    const char *in = o->name; /* of parts, the one that has it alone: there may be hundreds */
    if (!read_output(v, o, path, &file, o->dialect->form, &e, NULL, &r, &why, err) ||
        !store_check(store_of(v->store, &in), err))
        return false;
    if (!r.read && why.code == CLV_ERR_NOMEM) { /* of which the output is not to blame */
        *err = why;
        return false;
    }
    (void)pthread_mutex_lock(&v->lock);
    v->outputs++;
    v->output_bytes += r.bytes;
    const bool same = r.read && same_proof(&r.proof, o->proof);
    v->found.n += same ? o->proof->n : 0;
    v->found.places += same ? o->proof->places : 0;
    (void)pthread_mutex_unlock(&v->lock);
    verify_member(v, o->name, path, same, &file);
    if (same)
        return true;
    if (!r.read) {
        /* What is said of captures of which the end is missing is not so of outputs. */
        if (why.code == CLV_ERR_DAMAGE || why.code == CLV_ERR_FORMAT)
            (void)clv_fail_hint(&why, "the output was changed or cut off after the split: split "
                                      "again with --force");
        verify_tell(v, &why);
    } else if (!suspected(v, o)) {
        (void)clv_fail(&why, CLV_ERR_UNPROVEN, path,
                       "has %llu records, but should have %llu, or not the same ones",
                       (unsigned long long)r.proof.n, (unsigned long long)o->proof->n);
        verify_tell(v, &why);
    }
    return true;
}

bool verify_stretch(struct verify *v, struct suspect *s, struct clv_error *err)
{
    char path[PATH_MAX];
    struct store_file file;
    struct reading r;
    struct clv_error fault = {.code = CLV_ERR_NONE};
    s->n_have = 0;
    if (!store_path(v->store, s->name, path, err) ||
        store_look(v->store, s->name, path, &file, err) == STORE_UNKNOWN ||
        !read_output(v, NULL, path, &file, v->job->dialect.form, NULL, s, &r, &fault, err) ||
        !store_check(v->store, err))
        return false;
    s->told = suspect_judge(s, path, &fault);
    if (!s->told && s->n_want < SUSPECT_STRETCH) {
        s->told = true; /* it was there, and is no longer */
        (void)clv_fail(&fault, CLV_ERR_UNPROVEN, path, "changed while it was looked at");
    }
    if (s->told)
        verify_tell(v, &fault);
    return true;
}
