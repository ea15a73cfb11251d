/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/tally.h"

#include <stdio.h>

static void span_times(struct clv_split_result *r, const struct flow *f)
{
    r->first_ns = f->first_ns < r->first_ns ? f->first_ns : r->first_ns;
    r->last_ns = f->last_ns > r->last_ns ? f->last_ns : r->last_ns;
}

/* Where a flow stands among the largest; CLV_LARGEST: nowhere. Of equals the first one is before.
 */
static unsigned rank_of(const struct clv_split_result *r, uint64_t bytes, uint32_t flow)
{
    unsigned rank = r->n_largest;
    for (; rank; rank--) {
        const struct clv_split_largest *l = &r->largest[rank - 1];
        if (bytes < l->bytes || (bytes == l->bytes && flow >= l->flow))
            break;
    }
    return rank;
}

/* Room for one more at that rank. The name is empty. */
static struct clv_split_largest *make_room(struct clv_split_result *r, unsigned rank)
{
    r->n_largest += r->n_largest < CLV_LARGEST;
    for (unsigned i = r->n_largest; --i > rank;)
        r->largest[i] = r->largest[i - 1];
    r->largest[rank] = (struct clv_split_largest){.bytes = 0};
    return &r->largest[rank];
}

static void keep_if_large(struct clv_split_result *r, const struct partition *p,
                          const struct flow *f)
{
    const uint64_t bytes = f->sum[0].captured + f->sum[1].captured;
    const unsigned rank = flow_is_other(&f->key) ? CLV_LARGEST : rank_of(r, bytes, f->n);
    if (rank == CLV_LARGEST)
        return;
    struct clv_split_largest *l = make_room(r, rank);
    l->bytes = bytes;
    l->flow = f->n;
    l->records = f->sum[0].packets + f->sum[1].packets;
    (void)snprintf(l->name, sizeof l->name, "%s", partition_name(p, f->index));
}

void tally_join_largest(struct clv_split_result *sum, const struct clv_split_result *r,
                        const char *below)
{
    for (unsigned i = 0; i < r->n_largest; i++) {
        const unsigned rank = rank_of(sum, r->largest[i].bytes, UINT32_MAX);
        if (rank == CLV_LARGEST)
            return;
        struct clv_split_largest *l = make_room(sum, rank);
        *l = r->largest[i];
        (void)snprintf(l->name, sizeof l->name, "%s%s%s", below ? below : "", below ? "/" : "",
                       r->largest[i].name);
    }
}

/* t: of a pcapng output, or NULL. */
static void count_trail(struct clv_split_result *r, const struct trail *t)
{
    r->mixed += t && t->mixed;
    if (!t || !t->picks)
        return;
    r->metadata_bytes += t->picks->bytes;
    r->metadata_beyond += t->picks->beyond;
}

void tally_init(struct tally *t)
{
    memset(t, 0, sizeof *t);
    t->seen.first_ns = INT64_MAX;
    t->seen.last_ns = INT64_MIN;
}

void tally_flow(struct tally *t, const struct partition *p, const struct flow *f, bool closed,
                bool named)
{
    span_times(&t->seen, f);
    count_trail(&t->seen, flow_table_beside_if(&p->flows, f, FLOW_BESIDE_TRAIL));
    if (named)
        keep_if_large(&t->seen, p, f);
    if (closed)
        t->tunnels[decode_carrier(f->key.proto, f->key.a_port, f->key.b_port)] +=
            f->sum[0].packets + f->sum[1].packets;
}

void tally_end(struct tally *t, const struct partition *parts, uint32_t n_parts,
               struct clv_split_result *r)
{
    unsigned most = 0;
    for (uint32_t i = 0; i < n_parts; i++) {
        const struct partition *p = &parts[i];
        r->records_written += p->writer.records + p->dry_records;
        r->written_bytes += p->writer.bytes;
        r->opens += p->files.opens;
        r->reopens += p->files.reopens;
        r->writes += p->writer.writes;
        r->dropped_capped += p->capped;
        r->small += p->small;
        r->dropped_small += p->drop_small ? p->small : 0;
        r->outputs += p->flows.n;
    }
    for (unsigned i = 1; i < DECODE_CARRIERS; i++)
        if (t->tunnels[i] > (most ? t->tunnels[most] : 0))
            most = i;
    r->tunnelled = most ? t->tunnels[most] : 0;
    r->tunnel = most ? decode_carrier_name(most) : NULL;
    r->mixed = t->seen.mixed;
    r->metadata_bytes = t->seen.metadata_bytes;
    r->metadata_beyond = t->seen.metadata_beyond;
    r->first_ns = t->seen.first_ns;
    r->last_ns = t->seen.last_ns;
    memcpy(r->largest, t->seen.largest, sizeof r->largest);
    r->n_largest = t->seen.n_largest;
}

void tally_unknown_link(struct clv_split_result *r, uint16_t linktype, uint64_t records)
{
    unsigned i = 0;
    while (i < r->n_unknown_links && r->unknown_links[i].linktype != linktype)
        i++;
    if (i == CLV_UNKNOWN_LINKS) {
        r->more_unknown_links += records;
        return;
    }
    if (i == r->n_unknown_links) {
        r->unknown_links[i] = (struct clv_split_unknown_link){.linktype = linktype};
        r->n_unknown_links++;
    }
    r->unknown_links[i].records += records;
}
