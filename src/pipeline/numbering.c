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
    mem_free(nb->new);
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

/* What the first record of new flow i says beside its key; parts have it of their flow's. */
static bool look_at_first(const struct numbering *nb, struct partition *p, uint32_t i,
                          struct form_cursor *place, struct clv_error *err)
{
    struct flow *f = flow_table_at(&p->flows, i);
    const bool icmp = f->key.proto == CLV_PROTO_ICMP || f->key.proto == CLV_PROTO_ICMPV6;
    struct walk_record rec;
    struct clv_tuple tuple = {0};
    if (CLV_LIKELY(!nb->outer && !icmp))
        return true;
    if (!form_reread(&nb->round, p->runs[f->run].first, place, &rec))
        return clv_fail(err, CLV_ERR_IO, "the input", "changed while it was read");
    decode_fn *const fn = decode_function(nb->round.source.dialect->kinds[f->kind].linktype);
    const struct flow_cut *cut = flow_table_beside_if(&p->flows, f, FLOW_BESIDE_CUT);
    if (icmp && cut && cut->head) {
        const struct flow *head = flow_table_at(&p->flows, cut->head - 1);
        f->has_icmp = head->has_icmp;
        f->icmp_type = head->icmp_type;
        f->icmp_code = head->icmp_code;
    } else if (icmp) {
        struct decode d = {.t = &tuple, .inner = nb->outer, .ports = nb->ports};
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

static CLV_COLD bool too_long(struct clv_error *err)
{
    return clv_fail(err, CLV_ERR_OPTION, "name", "a name is longer than %d bytes", NAME_MAX_LEN);
}

/* Should two names ever share a hash, the second gets a suffix that it did not need. */
static struct keyed_hash hash_of(const struct numbering *nb, const char *name, size_t len)
{
    return secret_hash128(nb->name->by->secret, name, len);
}

/* The template's name with the first suffix that makes it one that no other flow has. */
static CLV_COLD bool find_suffix(struct numbering *nb, struct partition *p,
                                 const struct numbering_new *flow, struct clv_error *err)
{
    char buf[NAME_MAX_LEN];
    struct text name = text_on(buf, sizeof buf);
    for (bool is_free = false; !is_free;) {
        struct names_entry *plain = names_find(&nb->taken, flow->hash);
        if (!name_flow(nb, p, flow->flow, ++plain->again, &name))
            return too_long(err);
        if (!names_add(&nb->taken, hash_of(nb, name.p, name.len), &is_free))
            return clv_fail_nomem(err, "output names", nb->taken.cap * sizeof *nb->taken.slots);
    }
    return partition_set_name(p, flow->flow, name.p, name.len, err);
}

bool numbering_take(struct numbering *nb, struct partition *parts, struct clv_error *err)
{
    const uint64_t n = nb->n_numbered - nb->base;
    for (uint64_t k = 0; k < n; k++) {
        const struct numbering_new *flow = &nb->new[k];
        bool is_free;
        if (!names_add(&nb->taken, flow->hash, &is_free))
            return clv_fail_nomem(err, "output names", nb->taken.cap * sizeof *nb->taken.slots);
        if (CLV_UNLIKELY(!is_free || flow->reserved) &&
            !find_suffix(nb, &parts[flow->part], flow, err))
            return false;
    }
    return true;
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
                     uint64_t epoch_items, const struct form_round *round, struct clv_error *err)
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
    if (nb->name->unique)
        return true;
    struct numbering_new *new = mem_reserve(nb->new, &nb->new_cap, max_u64(n, 1), sizeof *new);
    if (!new)
        return clv_fail_nomem(err, "output names", n * sizeof *new);
    nb->new = new;
    return true;
}

bool numbering_names(const struct numbering *nb, struct partition *p, uint32_t part,
                     struct clv_error *err)
{
    char buf[NAME_MAX_LEN];
    struct form_cursor place = {.until = 0};
    for (uint32_t i = p->first_new; i < p->flows.n; i++) {
        struct flow *f = flow_table_at(&p->flows, i);
        const bool other = is_other(f);
        const uint64_t k = other ? 0 : marks_before(nb, f->n);
        if (!other)
            f->n = (uint32_t)(nb->base + k + 1);
        struct text name = text_on(buf, sizeof buf);
        if (!look_at_first(nb, p, i, &place, err))
            return false;
        if (!name_flow(nb, p, i, 0, &name))
            return too_long(err);
        if (!partition_set_name(p, i, name.p, name.len, err))
            return false;
        if (!other && !nb->name->unique)
            nb->new[k] = (struct numbering_new){
                .hash = hash_of(nb, name.p, name.len),
                .flow = i,
                .part = part & NUMBERING_PART,
                .reserved = name_taken(nb->name, name.p, name.len),
            };
    }
    return true;
}
