/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/numbering.h"

#include <stdlib.h>

void numbering_init(struct numbering *nb, const struct name_template *name, bool outer)
{
    *nb = (struct numbering){.name = name, .outer = outer};
}

void numbering_fini(struct numbering *nb)
{
    mem_free(nb->marks);
    mem_free(nb->ranks);
    names_fini(&nb->taken);
    *nb = (struct numbering){0};
}

static bool is_other(const struct flow *f)
{
    return flow_is_other(&f->key);
}

static uint64_t marks_before(const struct numbering *nb, uint32_t item)
{
    const uint64_t below = nb->marks[item / 64] & ((UINT64_C(1) << item % 64) - 1);
    return nb->ranks[item / 64] + (uint64_t)__builtin_popcountll(below);
}

/* What the first record of new flow i says beside its key. */
static bool look_at_first(const struct numbering *nb, struct partition *p, uint32_t i,
                          struct writer_place *place, struct clv_error *err)
{
    struct flow *f = flow_table_at(&p->flows, i);
    const bool icmp = f->key.proto == CLV_PROTO_ICMP || f->key.proto == CLV_PROTO_ICMPV6;
    struct walk_record rec;
    struct clv_tuple tuple = {0};
    if (CLV_LIKELY(!nb->outer && !icmp))
        return true;
    if (!writer_reread(&nb->round, p->runs[f->run].first, place, &rec))
        return clv_fail(err, CLV_ERR_IO, "the input", "changed while it was read");
    decode_fn *const fn = decode_function(nb->round.source.dialect->kinds[f->kind].linktype);
    if (icmp) {
        struct decode d = {.t = &tuple, .inner = nb->outer};
        f->has_icmp = fn(rec.data, rec.caplen, &d) && d.transport && tuple.proto == f->key.proto &&
                      !(tuple.flags & CLV_TUPLE_FRAGMENT);
        f->icmp_type = f->has_icmp ? d.transport[0] : 0;
        f->icmp_code = f->has_icmp ? d.transport[1] : 0;
    }
    if (!nb->outer)
        return true;
    struct clv_tuple *outer = partition_outer(p, f);
    struct decode d = {.t = outer};
    if (!fn(rec.data, rec.caplen, &d))
        *outer = (struct clv_tuple){0};
    return true;
}

static bool name_flow(const struct numbering *nb, struct partition *p, uint32_t i, unsigned again,
                      struct text *name)
{
    const struct flow *f = flow_table_at(&p->flows, i);
    const struct flow_cut *cut = flow_table_beside_if(&p->flows, f, FLOW_BESIDE_CUT);
    const struct name_subject s = {
        .f = f,
        .extra = flow_table_beside_if(&p->flows, f, FLOW_BESIDE_EXTRA),
        .part = cut ? cut->part : 0,
        .first_ns = p->runs[f->run].first_ns,
        .again = again,
    };
    name->len = 0;
    name_format(nb->name, &s, name);
    return !name->full;
}

/* Should two names ever share a hash, the second gets a suffix that it did not need. */
static struct names_entry *take_name(struct numbering *nb, const char *name, size_t len, bool *free)
{
    const XXH128_hash_t h = secret_hash128(nb->name->by->secret, name, len);
    return names_add(&nb->taken, (struct keyed_hash){h.low64, h.high64}, free);
}

/* A name that no other flow has: the template's, or with the first suffix that is free. */
static bool find_name(struct numbering *nb, struct partition *p, uint32_t flow, struct text *name,
                      struct clv_error *err)
{
    char plain[NAME_MAX_LEN];
    if (!name_flow(nb, p, flow, 0, name))
        goto too_long;
    const size_t plain_len = name->len;
    memcpy(plain, name->p, plain_len);
    for (bool free;;) {
        struct names_entry *e = take_name(nb, plain, plain_len, &free);
        if (!e)
            goto nomem;
        if (free && !name_reserved(plain, plain_len))
            return true;
        if (!name_flow(nb, p, flow, ++e->again, name))
            goto too_long;
        if (!take_name(nb, name->p, name->len, &free))
            goto nomem;
        if (free)
            return true;
    }
too_long:
    return clv_fail(err, CLV_ERR_OPTION, "name", "a name is longer than %d bytes", NAME_MAX_LEN);
nomem:
    return clv_fail_nomem(err, "output names", 2 * nb->taken.cap * sizeof *nb->taken.slots);
}

/* Slower than it looks because one thread does it; only for templates that need it. */
static bool name_one_by_one(struct numbering *nb, struct partition *parts,
                            const struct flow_ref *order, uint64_t n, struct clv_error *err)
{
    char buf[NAME_MAX_LEN];
    struct writer_place place = {.until = 0};
    for (uint64_t k = 0; k < n; k++) {
        struct partition *p = &parts[order[k].part];
        if (!look_at_first(nb, p, order[k].flow, &place, err))
            return false;
        flow_table_at(&p->flows, order[k].flow)->n = (uint32_t)(nb->base + k + 1);
        struct text name = text_on(buf, sizeof buf);
        if (!find_name(nb, p, order[k].flow, &name, err) ||
            !partition_set_name(p, order[k].flow, name.p, name.len, err))
            return false;
    }
    return true;
}

static bool collect(struct numbering *nb, struct partition *parts, uint32_t n_parts,
                    struct clv_error *err)
{
    const uint64_t n = nb->n_numbered - nb->base;
    struct flow_ref *order = mem_alloc(n, sizeof *order);
    if (!order)
        return clv_fail_nomem(err, "output names", n * sizeof *order);
    for (uint32_t p = 0; p < n_parts; p++)
        for (uint32_t i = parts[p].first_new; i < parts[p].flows.n; i++) {
            const struct flow *f = flow_table_at(&parts[p].flows, i);
            if (!is_other(f))
                order[marks_before(nb, f->n)] = (struct flow_ref){p, i};
        }
    const bool ok = name_one_by_one(nb, parts, order, n, err);
    mem_free(order);
    return ok;
}

static int by_first(const void *x, const void *y)
{
    struct flow *const *a = x, *const *b = y;
    return ((*a)->n > (*b)->n) - ((*a)->n < (*b)->n);
}

/*
 * `other` is a flow per kind of output, and more where outputs are cut; they count in the order of
 * their first records, too.
 */
static bool number_others(struct numbering *nb, struct partition *parts, uint32_t n_parts,
                          struct clv_error *err)
{
    struct flow **new = NULL;
    size_t n = 0, cap = 0;
    for (uint32_t p = 0; p < n_parts; p++)
        for (uint32_t i = parts[p].first_new; i < parts[p].flows.n; i++) {
            struct flow *f = flow_table_at(&parts[p].flows, i);
            if (!is_other(f))
                continue;
            struct flow **more = mem_reserve(new, &cap, n + 1, sizeof(struct flow *));
            if (!more) {
                mem_free(new);
                return clv_fail_nomem(err, "numbering", (n + 1) * sizeof(struct flow *));
            }
            new = more;
            new[n++] = f;
        }
    if (n > 1)
        qsort(new, n, sizeof(struct flow *), by_first);
    for (size_t i = 0; i < n; i++)
        new[i]->n = ++nb->n_others;
    mem_free(new);
    return true;
}

bool numbering_epoch(struct numbering *nb, struct partition *parts, uint32_t n_parts,
                     uint64_t epoch_items, const struct writer_round *round, struct clv_error *err)
{
    nb->round = *round;
    const size_t words = (size_t)(epoch_items / 64 + 1);
    uint64_t *marks = mem_reserve(nb->marks, &nb->marks_cap, words, sizeof *marks);
    if (marks)
        nb->marks = marks;
    uint32_t *ranks = mem_reserve(nb->ranks, &nb->ranks_cap, words, sizeof *ranks);
    if (ranks)
        nb->ranks = ranks;
    if (!marks || !ranks)
        return clv_fail_nomem(err, "numbering", words * sizeof *marks);
    memset(marks, 0, words * sizeof *marks);
    for (uint32_t p = 0; p < n_parts; p++)
        for (uint32_t i = parts[p].first_new; i < parts[p].flows.n; i++) {
            const struct flow *f = flow_table_at(&parts[p].flows, i);
            if (!is_other(f))
                marks[f->n / 64] |= UINT64_C(1) << f->n % 64;
        }
    uint32_t n = 0;
    for (size_t i = 0; i < words; i++) {
        ranks[i] = n;
        n += (uint32_t)__builtin_popcountll(marks[i]);
    }
    nb->base = nb->n_numbered;
    nb->n_numbered += n;
    if (!number_others(nb, parts, n_parts, err))
        return false;
    return nb->name->unique || n == 0 || collect(nb, parts, n_parts, err);
}

bool numbering_names(const struct numbering *nb, struct partition *p, struct clv_error *err)
{
    char buf[NAME_MAX_LEN];
    struct writer_place place = {.until = 0};
    for (uint32_t i = p->first_new; i < p->flows.n; i++) {
        struct flow *f = flow_table_at(&p->flows, i);
        if (!is_other(f) && !nb->name->unique)
            continue; /* it has its name */
        if (!is_other(f))
            f->n = (uint32_t)(nb->base + marks_before(nb, f->n) + 1);
        struct text name = text_on(buf, sizeof buf);
        if (!look_at_first(nb, p, i, &place, err))
            return false;
        if (!name_flow(nb, p, i, 0, &name))
            return clv_fail(err, CLV_ERR_OPTION, "name", "a name is longer than %d bytes",
                            NAME_MAX_LEN);
        if (!partition_set_name(p, i, name.p, name.len, err))
            return false;
    }
    return true;
}
