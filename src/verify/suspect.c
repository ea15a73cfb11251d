/* SPDX-License-Identifier: BSD-2-Clause */
#include "verify/suspect.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

void suspect_fini(struct suspect *s)
{
    mem_free(s->want);
    mem_free(s->have);
    *s = (struct suspect){.from = 0};
}

static bool add(struct suspect_record **list, size_t *n, size_t *cap, const struct keyed *key,
                const struct proof_record *rec, const char *source, uint64_t offset,
                struct clv_error *err)
{
    struct suspect_record *more = mem_reserve(*list, cap, *n + 1, sizeof *more);
    if (!more)
        return clv_fail_nomem(err, "comparing records", (*n + 1) * sizeof *more);
    *list = more;
    more[(*n)++] = (struct suspect_record){
        .rec = *rec, .digest = proof_digest(key, rec), .offset = offset, .source = source};
    return true;
}

bool suspect_want(struct suspect *s, const struct proof_record *rec, const struct source *source,
                  uint64_t offset, struct clv_error *err)
{
    if (s->passed++ < s->from || s->n_want == SUSPECT_STRETCH)
        return true;
    return add(&s->want, &s->n_want, &s->want_cap, s->key, rec, source->path, offset, err);
}

bool suspect_have(struct suspect *s, const struct proof_record *rec, uint64_t offset,
                  struct clv_error *err)
{
    return s->n_have == SUSPECT_STRETCH ||
           add(&s->have, &s->n_have, &s->have_cap, s->key, rec, NULL, offset, err);
}

static int compare(const struct keyed_hash *a, const struct keyed_hash *b)
{
    if (a->lo != b->lo)
        return a->lo < b->lo ? -1 : 1;
    return (a->hi > b->hi) - (a->hi < b->hi);
}

static int by_digest(const void *x, const void *y)
{
    return compare(x, y);
}

/* The digests of a list, sorted; NULL: no memory. */
static struct keyed_hash *sorted(const struct suspect_record *list, size_t n)
{
    struct keyed_hash *d = mem_alloc(n, sizeof *d);
    for (size_t i = 0; d && i < n; i++)
        d[i] = list[i].digest;
    if (d && n)
        qsort(d, n, sizeof *d, by_digest);
    return d;
}

static bool has(const struct keyed_hash *sorted, size_t n, const struct suspect_record *r)
{
    return sorted && n && bsearch(&r->digest, sorted, n, sizeof *sorted, by_digest);
}

/* How many of a's digests are not among b's, each counted as often as it is there. */
static uint64_t less(const struct keyed_hash *a, size_t na, const struct keyed_hash *b, size_t nb)
{
    uint64_t n = 0;
    for (size_t i = 0, k = 0; a && b && i < na; i++) {
        while (k < nb && compare(&b[k], &a[i]) < 0)
            k++;
        if (k < nb && compare(&b[k], &a[i]) == 0)
            k++;
        else
            n++;
    }
    return n;
}

/* What tells two records that stand in the same place apart. */
static const char *difference(const struct proof_record *want, const struct proof_record *have,
                              char *buf, size_t len)
{
    if (!keyed_equal(want->data, have->data) || want->caplen != have->caplen)
        (void)snprintf(buf, len,
                       want->caplen == have->caplen ? "its packet of %u bytes differs"
                                                    : "%u bytes of packet, not %u",
                       have->caplen, want->caplen);
    else if (want->ticks != have->ticks)
        (void)snprintf(buf, len, "its time is off by %lld tick%s",
                       (long long)(have->ticks - want->ticks),
                       have->ticks - want->ticks == 1 ? "" : "s");
    else if (want->origlen != have->origlen)
        (void)snprintf(buf, len, "a length on the wire of %u, not %u", have->origlen,
                       want->origlen);
    else if (!keyed_equal(want->iface, have->iface))
        (void)snprintf(buf, len, "its interface, or what its header says about it, differs");
    else
        (void)snprintf(buf, len, "its block has a different type, options or padding");
    return buf;
}

bool suspect_judge(struct suspect *s, const char *path, struct clv_error *fault)
{
    size_t i = 0;
    while (i < s->n_want && i < s->n_have && compare(&s->want[i].digest, &s->have[i].digest) == 0)
        i++;
    if (i == s->n_want && i == s->n_have) {
        s->from += i;
        return false;
    }
    if (i && s->n_want == SUSPECT_STRETCH) {
        s->from += i; /* with as much as there may be behind it */
        return false;
    }
    struct keyed_hash *wants = sorted(s->want, s->n_want), *haves = sorted(s->have, s->n_have);
    const struct suspect_record *w = i < s->n_want ? &s->want[i] : NULL;
    const struct suspect_record *h = i < s->n_have ? &s->have[i] : NULL;
    const bool misses = w && !has(haves, s->n_have, w), alien = h && !has(wants, s->n_want, h);
    const unsigned long long missing = less(wants, s->n_want, haves, s->n_have);
    const unsigned long long more = less(haves, s->n_have, wants, s->n_want);
    char buf[96];
    *fault = (struct clv_error){.code = CLV_ERR_UNPROVEN, .offset = CLV_NO_OFFSET};
    if (misses && alien && missing && more)
        (void)clv_fail(fault, CLV_ERR_UNPROVEN, path, "altered: %s",
                       difference(&w->rec, &h->rec, buf, sizeof buf));
    else if (misses || !h)
        (void)clv_fail(fault, CLV_ERR_UNPROVEN, path, "a record is missing here");
    else if (alien)
        (void)clv_fail(fault, CLV_ERR_UNPROVEN, path, "a record that does not belong here");
    else if (more)
        (void)clv_fail(fault, CLV_ERR_UNPROVEN, path,
                       "a record is here more often than it should be");
    else if (missing)
        (void)clv_fail(fault, CLV_ERR_UNPROVEN, path,
                       "a record is here less often than it should be");
    else
        (void)clv_fail(fault, CLV_ERR_UNPROVEN, path, "records are not in the capture's order");
    if (h)
        (void)clv_fail_at(fault, h->offset, s->from + i + 1);
    if (w)
        (void)clv_fail_hint(fault, "in its place: the record at byte %llu of %.100s",
                            (unsigned long long)w->offset, w->source);
    if (missing + more > 1 && s->n_want < SUSPECT_STRETCH && s->n_have < SUSPECT_STRETCH) {
        char *what = fault->what + strlen(fault->what);
        (void)snprintf(what, (size_t)(fault->what + sizeof fault->what - what),
                       "; %llu missing, %llu too many in all", missing, more);
    }
    mem_free(wants);
    mem_free(haves);
    return true;
}
