/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/figures.h"

#include <stdlib.h>

#include "base/bytes.h"

/* Services are of these. */
static const uint8_t transports[] = {CLV_PROTO_TCP, CLV_PROTO_UDP, CLV_PROTO_SCTP};
enum { TRANSPORTS = sizeof transports };

static struct figure of(const struct flow *f)
{
    return (struct figure){1, f->sum[0].packets + f->sum[1].packets,
                           f->sum[0].wire + f->sum[1].wire};
}

/* What counts among sums over flows: by host, a record is in two of them, of which one sent it. */
static struct figure share_of(const struct flow *f, const struct flow_by *by)
{
    if (!(by->fields & FLOW_BY_HOST) || flow_is_other(&f->key))
        return of(f);
    return (struct figure){1, f->sum[0].packets, f->sum[0].wire};
}

static void add(struct figure *to, const struct figure *x)
{
    to->flows += x->flows;
    to->packets += x->packets;
    to->wire += x->wire;
}

/* true: x comes before y; of equals the first one in the capture. */
static bool before(const struct figures_rank *x, const struct figures_rank *y)
{
    return x->wire != y->wire ? x->wire > y->wire : x->order < y->order;
}

/* A heap: what is kept of the flows so far, and at its root what gives way to a larger one. */
static void rank(struct figures *f, struct figures_rank x)
{
    size_t i;
    if (f->n_rows < FIGURES_FLOWS) {
        for (i = f->n_rows++; i && before(&f->rows[(i - 1) / 2], &x); i = (i - 1) / 2)
            f->rows[i] = f->rows[(i - 1) / 2];
    } else {
        if (!before(&x, &f->rows[0]))
            return;
        size_t child;
        for (i = 0; (child = 2 * i + 1) < f->n_rows; i = child) {
            if (child + 1 < f->n_rows && before(&f->rows[child], &f->rows[child + 1]))
                child++;
            if (!before(&x, &f->rows[child]))
                break;
            f->rows[i] = f->rows[child];
        }
    }
    f->rows[i] = x;
}

/* Of equals the lower one, so that no order of work shows. */
static bool is_above(const struct figures_top *x, const struct figures_top *y)
{
    if (x->sum.wire != y->sum.wire)
        return x->sum.wire > y->sum.wire;
    const int order = memcmp(x->addr, y->addr, sizeof x->addr);
    return order ? order < 0 : x->port < y->port;
}

/* Into a list of max that has its largest first. */
static void keep_top(struct figures_top *list, unsigned *n, unsigned max,
                     const struct figures_top *x)
{
    unsigned i = *n;
    for (; i && is_above(x, &list[i - 1]); i--)
        if (i < max)
            list[i] = list[i - 1];
    if (i < max) {
        list[i] = *x;
        *n += *n < max;
    }
}

/* Each decade has three; what is 0 has its own. */
static unsigned bucket_of(uint64_t v)
{
    unsigned bucket = v != 0;
    for (; v >= 10; v /= 10)
        bucket += 3;
    return bucket + (v >= 2) + (v >= 5);
}

uint64_t figures_size_bound(unsigned bucket)
{
    enum { LAST = 58 }; /* 10 to the 19th: twice that does not fit */
    static const uint64_t leads[] = {1, 2, 5};
    uint64_t bound = bucket ? leads[(bucket - 1) % 3] : 0;
    if (bucket > LAST)
        return UINT64_MAX;
    for (; bucket > 3; bucket -= 3)
        bound *= 10;
    return bound;
}

/* Seconds, up to more than 64 bits hold as nanoseconds. */
enum { CLOCK_BEGINS = 31, S_NS = 1000000000 };
#define MINUTES(n) (UINT64_C(60) * (n))
#define HOURS(n) (UINT64_C(3600) * (n))
#define DAYS(n) (UINT64_C(86400) * (n))
static const uint64_t clock_s[] = {
    10,         30,         MINUTES(1),  MINUTES(2),  MINUTES(5),  MINUTES(10),  MINUTES(30),
    HOURS(1),   HOURS(2),   HOURS(5),    HOURS(10),   DAYS(1),     DAYS(2),      DAYS(5),
    DAYS(10),   DAYS(20),   DAYS(50),    DAYS(100),   DAYS(200),   DAYS(500),    DAYS(1000),
    DAYS(2000), DAYS(5000), DAYS(10000), DAYS(20000), DAYS(50000), DAYS(100000), DAYS(200000),
};
static_assert(CLOCK_BEGINS + sizeof clock_s / sizeof *clock_s <= FIGURES_BUCKETS,
              "all have a bucket");

uint64_t figures_duration_bound(unsigned bucket)
{
    if (bucket < CLOCK_BEGINS)
        return figures_size_bound(bucket);
    bucket -= CLOCK_BEGINS;
    return bucket < sizeof clock_s / sizeof *clock_s ? clock_s[bucket] * S_NS : UINT64_MAX;
}

static unsigned duration_bucket_of(uint64_t ns)
{
    unsigned at = sizeof clock_s / sizeof *clock_s;
    if (ns < clock_s[0] * S_NS)
        return bucket_of(ns);
    while (ns < clock_s[at - 1] * S_NS)
        at--;
    return CLOCK_BEGINS + at - 1;
}

bool figures_init(struct figures *f, const struct manifest *m, struct spill *spill)
{
    *f = (struct figures){
        .manifest = m,
        .by = m->by,
        .relations = m->related ? m->relations : NULL,
        .grouped = m->grouped,
    };
    f->services = mem_zalloc((size_t)TRANSPORTS * FIGURES_PORTS, sizeof *f->services);
    f->rows = mem_alloc(FIGURES_FLOWS, sizeof *f->rows);
    if (!flow_table_init(&f->hosts) || (f->relations && !flow_table_init(&f->groups)))
        return false;
    f->hosts.spill = f->groups.spill = spill;
    return f->services && f->rows;
}

void figures_forget(struct figures *f)
{
    flow_table_fini(&f->hosts);
    flow_table_fini(&f->groups);
}

void figures_fini(struct figures *f)
{
    figures_forget(f);
    mem_free(f->services);
    mem_free(f->rows);
    f->services = NULL;
    f->rows = NULL;
}

/* The largest of a table that tally() made, which is gone then. Returns how many it had. */
static uint64_t end_tally(struct flow_table *t, struct figures_top *list, unsigned *n, unsigned max)
{
    const uint64_t all = t->n;
    for (uint32_t i = 0; i < t->n; i++) {
        const struct flow *of = flow_table_at(t, i);
        struct figures_top top = {
            .sum = {of->n, of->sum[0].packets, of->sum[0].wire},
            .family = of->key.family,
        };
        memcpy(top.addr, of->key.a, sizeof top.addr);
        keep_top(list, n, max, &top);
    }
    flow_table_fini(t);
    return all;
}

/* Of groups that are outputs: how many flows each kind has led to. */
static void count_led(struct figures *f)
{
    for (uint32_t n = 1; n <= f->relations->n; n++) {
        const struct relation_row *row = relations_row(f->relations, n);
        if (row->master)
            f->led[row->relation].flows++;
    }
}

static void end_services(struct figures *f)
{
    for (unsigned i = 0; i < TRANSPORTS * FIGURES_PORTS; i++)
        if (f->services[i].flows) {
            const struct figures_top top = {
                .sum = f->services[i],
                .proto = transports[i / FIGURES_PORTS],
                .port = (uint16_t)(i % FIGURES_PORTS),
            };
            keep_top(f->top_services, &f->n_services, FIGURES_TOP, &top);
            f->all_services++;
        }
}

static int by_appearance(const void *x, const void *y)
{
    const struct figures_rank *a = x, *b = y;
    return (a->order > b->order) - (a->order < b->order);
}

void figures_end(struct figures *f)
{
    f->all_hosts = end_tally(&f->hosts, f->top_hosts, &f->n_hosts, FIGURES_TOP);
    f->all_groups = end_tally(&f->groups, f->top_groups, &f->n_groups, FIGURES_GROUPS);
    if (f->grouped)
        count_led(f);
    end_services(f);
    if (f->n_rows)
        qsort(f->rows, f->n_rows, sizeof *f->rows, by_appearance);
}

static void count(struct figures *f, const struct flow *flow, const struct figure *x)
{
    const struct flow_key *k = &flow->key;
    uint16_t port;
    if (flow_is_other(k)) {
        add(&f->other, x);
        return;
    }
    const struct figure share = share_of(flow, f->by);
    add(flow_has_proto(k) ? &f->protos[k->proto] : &f->unnamed, &share);
    add(&f->sizes[bucket_of(x->wire)], x);
    if (flow->first_ns <= flow->last_ns)
        add(&f->durations[duration_bucket_of((uint64_t)flow->last_ns - (uint64_t)flow->first_ns)],
            x);
    for (unsigned i = 0; i < TRANSPORTS; i++)
        if (flow_has_proto(k) && k->proto == transports[i] &&
            flow_port(f->by, flow, !manifest_from_client(f->manifest, flow), &port))
            add(&f->services[i * FIGURES_PORTS + port], x);
}

/* Adds a flow to the sums of what has this key in t. */
static bool tally(struct flow_table *t, const struct flow_key *key, const struct secret *secret,
                  const struct figure *x)
{
    const uint64_t hash = flow_key_hash_slowly(key, secret);
    uint32_t i = flow_table_find(t, key, NULL, hash);
    if (i == FLOW_NONE && (i = flow_table_add(t, key, NULL, hash)) == FLOW_NONE)
        return false;
    struct flow *of = flow_table_at(t, i);
    of->n++; /* its flows */
    of->sum[0].packets += x->packets;
    of->sum[0].wire += x->wire;
    return true;
}

/* addr: of one end, NULL: it has none. */
static bool count_host(struct figures *f, const uint8_t *addr, uint8_t family,
                       const struct figure *x)
{
    struct flow_key key = {.family = family};
    if (!addr)
        return true;
    memcpy(key.a, addr, sizeof key.a);
    return tally(&f->hosts, &key, f->by->secret, x);
}

/* Flows that nothing led to, and that led to nothing, are in no group here. */
static bool count_group(struct figures *f, const struct flow *flow, const struct figure *x)
{
    if (!f->relations || f->grouped)
        return true;
    const struct relation_row *row = relations_row(f->relations, flow->n);
    struct flow_key key = {.family = 0};
    if (row->master)
        add(&f->led[row->relation], x);
    if (!row->root_lookup && !relations_row(f->relations, row->root)->led)
        return true;
    store_be32(key.a, row->root);
    store_be32(key.a + 4, row->root_lookup);
    return tally(&f->groups, &key, f->by->secret, x);
}

struct figures_group figures_group(const struct figures *f, unsigned i)
{
    const struct figures_top *top = &f->top_groups[i];
    return (struct figures_group){top->sum, load_be32(top->addr), load_be32(top->addr + 4)};
}

bool figures_add(struct figures *f, const struct flow *flow, uint32_t part)
{
    const struct figure x = of(flow);
    count(f, flow, &x);
    const bool other = flow_is_other(&flow->key);
    const uint64_t kind = other ? flow->kind : UINT8_MAX + 1; /* they count apart */
    const uint64_t order = kind << 32 | flow->n;
    rank(f, (struct figures_rank){x.wire, order, part, flow->index});
    if (other)
        return true;
    const uint8_t *src = flow_addr(f->by, flow, true), *dst = flow_addr(f->by, flow, false);
    const uint8_t family = flow->key.family;
    if (src && dst && memcmp(src, dst, sizeof flow->key.a) == 0)
        dst = NULL;
    return count_host(f, src, family, &x) && count_host(f, dst, family, &x) &&
           count_group(f, flow, &x);
}
