/* SPDX-License-Identifier: BSD-2-Clause */
#include "split/proof.h"

#include "base/mem.h"
#include "base/text.h"
#include "split/partition.h"

struct proof_digest proof_digest(const struct proof_record *rec)
{
    const XXH128_hash_t h = XXH3_128bits(rec, sizeof *rec);
    return (struct proof_digest){h.low64, h.high64};
}

void proof_add(struct proof *p, const struct proof_digest *d)
{
    const struct proof_digest both[2] = {p->chain, *d};
    const XXH128_hash_t h = XXH3_128bits(both, sizeof both);
    p->chain = (struct proof_digest){h.low64, h.high64};
    p->n++;
}

void proof_sum_add(struct proof_sum *sum, const struct proof_digest *d)
{
    sum->lo += d->lo;
    sum->hi += d->hi;
    sum->n++;
}

void proof_sum_text(const struct proof_sum *sum, char text[PROOF_SUM_TEXT])
{
    struct text t = text_on(text, PROOF_SUM_TEXT);
    text_hex(&t, sum->hi, 16);
    text_hex(&t, sum->lo, 16);
    (void)text_end(&t);
}

void proof_sum_join(struct proof_sum *sum, const struct proof_sum *more)
{
    sum->lo += more->lo;
    sum->hi += more->hi;
    sum->n += more->n;
}

/* An interface's block, but for its snaplen, which --snaplen narrows. */
static uint64_t hash_iface(const struct ledger *l, uint32_t iface)
{
    enum { SNAPLEN_AT = 12, BEHIND = 16 };
    const struct ledger_entry *e = ledger_entry(l, ledger_iface(l, iface)->entry);
    return XXH3_64bits_withSeed(e->block + BEHIND, e->block_len - BEHIND,
                                XXH3_64bits(e->block, SNAPLEN_AT));
}

static uint64_t iface_hash(struct proof_place *place, const struct ledger *l, uint32_t iface)
{
    if (CLV_UNLIKELY(place->iface != iface + 1)) {
        place->iface = iface + 1;
        place->iface_hash = hash_iface(l, iface);
    }
    return place->iface_hash;
}

static void set_data(struct proof_record *out, const uint8_t *data, uint32_t caplen)
{
    const XXH128_hash_t h = XXH3_128bits(data, caplen);
    out->data_lo = h.low64;
    out->data_hi = h.high64;
    out->caplen = caplen;
}

/* A record of classic pcap: its header's bytes, but for the lengths. */
static void of_savefile(struct proof_record *out, const struct walk_format *f, const uint8_t *raw,
                        bool big)
{
    out->ticks = (uint64_t)walk_load32(raw, big) << 32 | walk_load32(raw + 4, big);
    if (CLV_UNLIKELY(f->hdr_len > PCAP_RECORD_HEADER))
        out->iface = XXH3_64bits(raw + PCAP_RECORD_HEADER, f->hdr_len - PCAP_RECORD_HEADER);
}

/* A block with a packet: all of it but the number of its interface, and padding. */
static void of_block(struct proof_record *out, struct proof_place *place, const struct ledger *l,
                     const struct walk_record *rec, uint32_t iface, bool big)
{
    const uint8_t *options = rec->data + ng_pad(rec->caplen), *end = rec->raw + rec->raw_len - 4;
    const uint32_t type = walk_load32(rec->raw, big);
    out->type = type;
    out->iface = iface_hash(place, l, iface);
    if (type != NG_SIMPLE)
        out->ticks = ng_ticks(rec->raw, big);
    if (type == NG_PACKET_OLD) /* how many were dropped before it */
        out->type |= (uint64_t)walk_load16(rec->raw + 10, big) << 32;
    if (CLV_UNLIKELY(options < end))
        out->options = XXH3_64bits(options, (size_t)(end - options));
}

void proof_of_output(struct proof_record *out, struct proof_place *place, enum dialect_form form,
                     const struct walk_format *f, const struct ledger *l,
                     const struct walk_record *rec, uint32_t iface, bool big)
{
    *out = (struct proof_record){.origlen = rec->origlen};
    if (form == DIALECT_PCAPNG)
        of_block(out, place, l, rec, iface, big);
    else
        of_savefile(out, f, rec->raw, big);
    set_data(out, rec->data, rec->caplen);
}

/* Seconds and their fraction, as libpcap writes them into a savefile. */
static uint64_t converted_time(int64_t ts_ns, bool nanoseconds)
{
    const int64_t ts = ts_ns == WALK_NO_TIME ? 0 : ts_ns;
    int64_t sec = ts / 1000000000, frac = ts % 1000000000;
    if (frac < 0) {
        frac += 1000000000;
        sec--;
    }
    if (sec < 0 || sec > UINT32_MAX)
        return UINT64_MAX; /* no record of pcap can have it */
    return (uint64_t)sec << 32 | (uint32_t)(nanoseconds ? frac : frac / 1000);
}

/* What is to become of a record of the input. */
static void of_input(struct proof_record *out, struct proof_place *place, const struct dialect *d,
                     const struct walk_format *f, const struct walk_record *rec)
{
    const bool big = place->state.big_endian;
    const bool pcap = f->kind == WALK_PCAP;
    const uint32_t iface = pcap ? place->state.iface_base : rec->iface;
    *out = (struct proof_record){.origlen = rec->origlen};
    if (d->form == DIALECT_COPY) {
        of_savefile(out, f, rec->raw, f->big_endian);
    } else if (d->form == DIALECT_PCAP) {
        const struct dialect_kind *kind = &d->kinds[ledger_iface(d->ledger, iface)->link];
        out->ticks = converted_time(rec->ts_ns, kind->nanoseconds);
    } else if (pcap) {
        out->type = NG_PACKET;
        out->ticks = (uint64_t)rec->ts_ns / f->tick_ns;
        out->iface = iface_hash(place, d->ledger, iface);
    } else {
        of_block(out, place, d->ledger, rec, iface, big);
    }
    set_data(out, rec->data, dialect_cut(d, rec->caplen));
}

/* Reads what is at `at` of the window. WALK_RECORD: *out is filled. */
static enum walk_step read_at(struct proof_record *out, struct proof_place *place,
                              const struct dialect *d, uint32_t n_entries, const struct view *v,
                              size_t at, struct walk_record *rec)
{
    const struct walk_format *f = &v->source->format;
    const uint8_t *p = v->w.p + at;
    const size_t rest = v->w.avail - at;
    if (CLV_UNLIKELY(v->position + at >= place->until)) {
        place->until = walk_state_at(&place->state, d->ledger, n_entries, v->position + at);
        /* A scan that began at a wrong guess may have seen what is none. */
        place->state.n_ifaces = atomic_load(&d->ledger->n_ifaces) - place->state.iface_base;
    }
    const enum walk_step step = f->kind == WALK_PCAP
                                    ? walk_record(f, p, rest, f->big_endian, rec)
                                    : walk_block(d->ledger, &place->state, p, rest, rec);
    if (CLV_LIKELY(step == WALK_RECORD))
        of_input(out, place, d, f, rec);
    return step;
}

bool proof_of_partition(const struct proof_plan *plan, struct partition *p, const struct view *v,
                        const struct writer_round *round, struct clv_error *err)
{
    struct proof_place place = {.until = 0};
    for (size_t i = 0; i < p->n_write_runs; i++) {
        const struct run *r = &p->write_runs[i];
        struct proof *proof = partition_proof(p, flow_table_at(&p->flows, r->flow));
        void *tracer = plan->trace ? plan->trace(plan->user, partition_name(p, r->flow)) : NULL;
        place.until = 0;
        for (uint32_t k = r->at - r->n; k < r->at; k++) {
            const size_t at = p->refs[k].offset;
            struct walk_record rec;
            struct proof_record out;
            if (read_at(&out, &place, round->source.dialect, round->source.n_entries, v, at,
                        &rec) != WALK_RECORD ||
                rec.raw_len != p->refs[k].len)
                return clv_fail(err, CLV_ERR_IO, v->source->path, "changed while it was read");
            if (v->position + at < proof->next)
                return clv_fail(err, CLV_ERR_INTERNAL, partition_name(p, r->flow),
                                "its records are not in the input's order");
            const struct proof_digest d = proof_digest(&out);
            proof_add(proof, &d);
            proof->next = v->position + at + 1;
            if (tracer && !plan->record(tracer, &out, v->source, v->w.offset + at, err))
                return false;
        }
    }
    return true;
}

void proof_walk(struct proof_sum *sum, const struct dialect *d, const struct view *v, size_t from,
                size_t to)
{
    struct proof_place place = {.until = 0};
    const uint32_t n_entries = ledger_count(d->ledger);
    for (size_t at = from; at < to;) {
        struct walk_record rec;
        struct proof_record out;
        const enum walk_step step = read_at(&out, &place, d, n_entries, v, at, &rec);
        if (step == WALK_RECORD) {
            const struct proof_digest digest = proof_digest(&out);
            proof_sum_add(sum, &digest);
        } else if (step != WALK_BLOCK) {
            break;
        }
        at += rec.raw_len;
    }
}
