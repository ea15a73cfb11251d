/* SPDX-License-Identifier: BSD-2-Clause */
#include "proof/proof.h"

#include "base/mem.h"
#include "base/text.h"
#include "config.h"

#if HAVE_NETTLE
#include <nettle/sha2.h>
#endif

struct keyed_hash proof_digest(const struct keyed *key, const struct proof_record *rec)
{
    return keyed_fixed(key, rec, sizeof *rec);
}

void proof_add(const struct keyed *key, struct proof *p, struct keyed_hash digest)
{
    p->chain = keyed_chain(key, p->chain, digest);
    p->n++;
}

/* Sums of these differ where places do: splitmix64's finalizer (Steele, Lea, Flood, 2014). */
static inline uint64_t mix_place(uint64_t place)
{
    place += UINT64_C(0x9e3779b97f4a7c15);
    place = (place ^ place >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    place = (place ^ place >> 27) * UINT64_C(0x94d049bb133111eb);
    return place ^ place >> 31;
}

void proof_sum_clear(struct proof_sum *sum)
{
    sum->n = sum->places = 0;
    sum->n_digests = 0;
}

void proof_sum_fini(struct proof_sum *sum)
{
    mem_free(sum->digests);
    *sum = (struct proof_sum){0};
}

#if HAVE_NETTLE

struct proof_origin {
    struct sha256_ctx all;
};

static bool keep_digest(struct proof_sum *sum, const struct walk_record *rec)
{
    struct sha256_ctx one;
    void *more =
        mem_reserve(sum->digests, &sum->digests_cap, sum->n_digests + 1, sizeof *sum->digests);
    if (!more)
        return false;
    sum->digests = more;
    sha256_init(&one);
    sha256_update(&one, rec->raw_len, rec->raw);
    sha256_digest(&one, PROOF_DIGEST, sum->digests[sum->n_digests++]);
    return true;
}

bool proof_origin_supported(void)
{
    return true;
}

bool proof_origin_begin(struct proof_origin **origin, struct clv_error *err)
{
    *origin = mem_alloc(1, sizeof **origin);
    if (!*origin)
        return clv_fail_nomem(err, "digests of records", sizeof **origin);
    sha256_init(&(*origin)->all);
    return true;
}

static void add_digests(struct proof_origin *origin, const struct proof_sum *walked)
{
    sha256_update(&origin->all, walked->n_digests * PROOF_DIGEST, (const uint8_t *)walked->digests);
}

void proof_origin_end(struct proof_origin *origin, const struct source *sources, size_t n,
                      char text[PROOF_ORIGIN_TEXT])
{
    uint8_t digest[PROOF_DIGEST];
    for (size_t i = 0; i < n; i++)
        if (sources[i].format.kind == WALK_PCAP) /* of pcapng all is blocks */
            sha256_update(&origin->all, PCAP_FILE_HEADER, sources[i].format.header);
    sha256_digest(&origin->all, sizeof digest, digest);
    struct text t = text_on(text, PROOF_ORIGIN_TEXT);
    for (size_t i = 0; i < sizeof digest; i++)
        text_hex(&t, digest[i], 2);
    (void)text_end(&t);
}

#else

static bool keep_digest(struct proof_sum *sum, const struct walk_record *rec)
{
    (void)sum;
    (void)rec;
    return true;
}

bool proof_origin_supported(void)
{
    return false;
}

bool proof_origin_begin(struct proof_origin **origin, struct clv_error *err)
{
    (void)err;
    *origin = NULL;
    return true;
}

static void add_digests(struct proof_origin *origin, const struct proof_sum *walked)
{
    (void)origin;
    (void)walked;
}

void proof_origin_end(struct proof_origin *origin, const struct source *sources, size_t n,
                      char text[PROOF_ORIGIN_TEXT])
{
    (void)origin;
    (void)sources;
    (void)n;
    text[0] = '\0';
}

#endif

void proof_origin_free(struct proof_origin **origin)
{
    mem_free(*origin);
    *origin = NULL;
}

void proof_join(struct proof_plan *plan, const struct proof_sum *walked)
{
    plan->walked.n += walked->n;
    plan->walked.places += walked->places;
    if (plan->origin && walked->n_digests)
        add_digests(plan->origin, walked);
}

/*
 * The section and the interface that a packet is of, as an output has them. d NULL: as they stand.
 * Else as the input has them, and what becomes of that: a section's length is left open (draft
 * section 4.1), an interface's snaplen narrowed by that of the run, where 0 stands for no limit.
 */
static struct keyed_hash hash_iface(const struct keyed *key, const struct dialect *d,
                                    const struct ledger *l, uint32_t iface)
{
    enum { LENGTH_AT = 16, SECTION_HEAD = 24, SNAPLEN_AT = 12, HEAD = 16 };
    const struct ledger_entry *e = ledger_entry(l, ledger_iface(l, iface)->entry);
    const struct ledger_entry *section = ledger_entry(l, e->section);
    uint8_t head[HEAD], section_head[SECTION_HEAD];
    memcpy(head, e->block, sizeof head);
    memcpy(section_head, section->block, sizeof section_head);
    if (d)
        memset(section_head + LENGTH_AT, 0xff, SECTION_HEAD - LENGTH_AT);
    if (d && d->snaplen) {
        const uint32_t own = walk_load32(head + SNAPLEN_AT, e->big_endian);
        if (own == 0 || own > d->snaplen)
            walk_store32(head + SNAPLEN_AT, d->snaplen, e->big_endian);
    }
    const struct keyed_hash parts[KEYED_FEW] = {
        keyed_bytes(key, section_head, sizeof section_head),
        keyed_bytes(key, section->block + SECTION_HEAD, section->block_len - SECTION_HEAD),
        keyed_bytes(key, head, sizeof head),
        keyed_bytes(key, e->block + HEAD, e->block_len - HEAD),
    };
    return keyed_few(key, parts);
}

static struct keyed_hash iface_hash(struct proof_place *place, const struct dialect *d,
                                    const struct ledger *l, uint32_t iface)
{
    if (CLV_UNLIKELY(place->iface != iface + 1)) {
        place->iface = iface + 1;
        place->iface_hash = hash_iface(place->key, d, l, iface);
    }
    return place->iface_hash;
}

static void set_data(struct proof_record *out, const struct keyed *key, const uint8_t *data,
                     uint32_t caplen)
{
    out->data = keyed_bytes(key, data, caplen);
    out->caplen = caplen;
}

/* A record of classic pcap: its header's bytes, but for the lengths. */
static void of_savefile(struct proof_record *out, const struct walk_format *f, const uint8_t *raw,
                        bool big)
{
    out->ticks = (uint64_t)walk_load32(raw, big) << 32 | walk_load32(raw + 4, big);
    if (CLV_UNLIKELY(f->hdr_len > PCAP_RECORD_HEADER))
        memcpy(&out->iface, raw + PCAP_RECORD_HEADER, f->hdr_len - PCAP_RECORD_HEADER);
}
static_assert(PCAP_MODIFIED_RECORD_HEADER - PCAP_RECORD_HEADER <= (int)sizeof(struct keyed_hash),
              "what a record's header has beside is taken as it is");

/* A block with a packet: all of it but the number of its interface. cut: it is written shorter. */
static void of_block(struct proof_record *out, struct proof_place *place, const struct dialect *d,
                     const struct ledger *l, const struct walk_record *rec, uint32_t iface,
                     bool big)
{
    enum { DROPS_AT = 10, DROPS_SHIFT = 16, PADDING_SHIFT = 32 };
    const uint8_t *options = rec->data + ng_pad(rec->caplen), *end = rec->raw + rec->raw_len - 4;
    const uint32_t type = walk_load32(rec->raw, big);
    out->type = type;
    out->iface = iface_hash(place, d, l, iface);
    if (type != NG_SIMPLE)
        out->ticks = ng_ticks(rec->raw, big);
    if (type == NG_PACKET_OLD) /* how many were dropped before it */
        out->type |= (uint64_t)walk_load16(rec->raw + DROPS_AT, big) << DROPS_SHIFT;
    if (!d || dialect_cut(d, rec->caplen) == rec->caplen) /* else it is made of zeros */
        for (const uint8_t *p = rec->data + rec->caplen; p < options && p < end; p++)
            out->type += (uint64_t)*p << (PADDING_SHIFT + 8 * (options - p - 1));
    if (CLV_UNLIKELY(options < end))
        out->options = keyed_bytes(place->key, options, (size_t)(end - options));
}

void proof_of_output(struct proof_record *out, struct proof_place *place, enum dialect_form form,
                     const struct walk_format *f, const struct ledger *l,
                     const struct walk_record *rec, uint32_t iface, bool big)
{
    *out = (struct proof_record){.origlen = rec->origlen};
    if (form == DIALECT_PCAPNG)
        of_block(out, place, NULL, l, rec, iface, big);
    else
        of_savefile(out, f, rec->raw, big);
    set_data(out, place->key, rec->data, rec->caplen);
}

/*
 * Seconds and their fraction, as a savefile holds them: 32 bits each. What does not fit is kept
 * beside them, where an output has nothing.
 */
static void of_time(struct proof_record *out, const struct walk_record *rec, bool nanoseconds)
{
    const int64_t ts = rec->ts_ns == WALK_NO_TIME ? 0 : rec->ts_ns;
    int64_t sec = ts / 1000000000, frac = ts % 1000000000;
    if (frac < 0) {
        frac += 1000000000;
        sec--;
    }
    out->ticks = (uint64_t)(uint32_t)sec << 32 | (uint32_t)(nanoseconds ? frac : frac / 1000);
    out->ticks += dialect_nudge(rec->ts_ns, rec->caplen, rec->origlen);
    out->iface.hi = (uint64_t)sec >> 32;
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
        of_time(out, rec, kind->nanoseconds);
    } else if (pcap) {
        out->type = NG_PACKET;
        out->ticks = (uint64_t)rec->ts_ns / f->tick_ns;
        out->iface = iface_hash(place, d, d->ledger, iface);
    } else {
        of_block(out, place, d, d->ledger, rec, iface, big);
    }
    set_data(out, place->key, rec->data, dialect_cut(d, rec->caplen));
}

/* Reads what is at `at` of the window. */
static enum walk_step read_at(struct proof_place *place, const struct dialect *d,
                              uint32_t n_entries, const struct view *v, size_t at,
                              struct walk_record *rec)
{
    const struct walk_format *f = &v->source->format;
    const uint8_t *p = v->w.p + at;
    const size_t rest = view_avail(v) - at;
    if (CLV_UNLIKELY(v->position + at >= place->until)) {
        place->until = walk_state_at(&place->state, d->ledger, n_entries, v->position + at);
        /* A scan that began at a wrong guess may have seen what is none. */
        place->state.n_ifaces = atomic_load(&d->ledger->n_ifaces) - place->state.iface_base;
    }
    return f->kind == WALK_PCAP ? walk_record(f, p, rest, f->big_endian, rec)
                                : walk_block(d->ledger, &place->state, p, rest, rec);
}

bool proof_expect(const struct proof_plan *plan, struct proof *proof, struct proof_place *place,
                  const struct dialect *d, uint32_t n_entries, const struct view *v, size_t at,
                  uint32_t len, const char *name, void *tracer, struct clv_error *err)
{
    struct walk_record rec;
    struct proof_record out;
    rec.iface = 0; /* classic pcap has none */
    if (read_at(place, d, n_entries, v, at, &rec) != WALK_RECORD || rec.raw_len != len)
        return clv_fail(err, CLV_ERR_IO, v->source->path, "changed while it was read");
    if (v->position + at < proof->next)
        return clv_fail(err, CLV_ERR_INTERNAL, name, "its records are not in the input's order");
    of_input(&out, place, d, &v->source->format, &rec);
    proof_add(plan->key, proof, proof_digest(plan->key, &out));
    proof->places += mix_place(v->position + at);
    proof->next = v->position + at + 1;
    return !tracer || plan->record(tracer, &out, v->source, v->w.offset + at, err);
}

bool proof_walk(const struct proof_plan *plan, struct proof_sum *sum, const struct dialect *d,
                const struct view *v, size_t from, size_t to, struct clv_error *err)
{
    struct proof_place place = {.key = plan->key};
    const uint32_t n_entries = ledger_count(d->ledger);
    for (size_t at = from; at < to;) {
        struct walk_record rec;
        const enum walk_step step = read_at(&place, d, n_entries, v, at, &rec);
        if (step != WALK_RECORD && step != WALK_BLOCK)
            break;
        if (step == WALK_RECORD) {
            sum->places += mix_place(v->position + at);
            sum->n++;
        }
        if (plan->origin && !keep_digest(sum, &rec))
            return clv_fail_nomem(err, "digests of records", sum->n_digests * PROOF_DIGEST);
        at += rec.raw_len;
    }
    return true;
}
