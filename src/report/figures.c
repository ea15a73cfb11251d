/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/figures.h"

#include <stdlib.h>

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

/* Into a list that has its largest first. */
static void keep_top(struct figures_top *list, unsigned *n, const struct figures_top *x)
{
    unsigned i = *n;
    for (; i && is_above(x, &list[i - 1]); i--)
        if (i < FIGURES_TOP)
            list[i] = list[i - 1];
    if (i < FIGURES_TOP) {
        list[i] = *x;
        *n += *n < FIGURES_TOP;
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

uint64_t figures_bound(unsigned bucket)
{
    static const uint64_t leads[] = {1, 2, 5};
    uint64_t bound = bucket ? leads[(bucket - 1) % 3] : 0;
    for (; bucket > 3; bucket -= 3)
        bound *= 10;
    return bound;
}

bool figures_init(struct figures *f, const struct flow_by *by, struct spill *spill)
{
    *f = (struct figures){.by = by};
    f->services = mem_zalloc((size_t)TRANSPORTS * FIGURES_PORTS, sizeof *f->services);
    f->rows = mem_alloc(FIGURES_FLOWS, sizeof *f->rows);
    if (!flow_table_init(&f->hosts))
        return false;
    f->hosts.spill = spill;
    return f->services && f->rows;
}

void figures_fini(struct figures *f)
{
    flow_table_fini(&f->hosts);
    mem_free(f->services);
    mem_free(f->rows);
    f->services = NULL;
    f->rows = NULL;
}

static void end_hosts(struct figures *f)
{
    for (uint32_t i = 0; i < f->hosts.n; i++) {
        const struct flow *host = flow_table_at(&f->hosts, i);
        struct figures_top top = {
            .sum = {host->n, host->sum[0].packets, host->sum[0].wire},
            .family = host->key.family,
        };
        memcpy(top.addr, host->key.a, sizeof top.addr);
        keep_top(f->top_hosts, &f->n_hosts, &top);
    }
    f->all_hosts = f->hosts.n;
    flow_table_fini(&f->hosts);
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
            keep_top(f->top_services, &f->n_services, &top);
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
    end_hosts(f);
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
        add(&f->durations[bucket_of((uint64_t)flow->last_ns - (uint64_t)flow->first_ns)], x);
    for (unsigned i = 0; i < TRANSPORTS; i++)
        if (flow_has_proto(k) && k->proto == transports[i] &&
            flow_port(f->by, flow, !flow_from_client(f->by, flow), &port))
            add(&f->services[i * FIGURES_PORTS + port], x);
}

/* addr: of one end, NULL: it has none. */
static bool count_host(struct figures *f, const uint8_t *addr, uint8_t family,
                       const struct figure *x)
{
    struct flow_key key = {.family = family};
    if (!addr)
        return true;
    memcpy(key.a, addr, sizeof key.a);
    const uint64_t hash = flow_key_hash_slowly(&key, f->by->secret);
    uint32_t i = flow_table_find(&f->hosts, &key, NULL, hash);
    if (i == FLOW_NONE && (i = flow_table_add(&f->hosts, &key, NULL, hash)) == FLOW_NONE)
        return false;
    struct flow *host = flow_table_at(&f->hosts, i);
    host->n++; /* its flows */
    host->sum[0].packets += x->packets;
    host->sum[0].wire += x->wire;
    return true;
}

bool figures_add(struct figures *f, const struct flow *flow, uint32_t part)
{
    const struct figure x = of(flow);
    count(f, flow, &x);
    const bool other = flow_is_other(&flow->key);
    const uint64_t order = other ? flow->kind : (uint64_t)flow->n + UINT8_MAX;
    rank(f, (struct figures_rank){x.wire, order, part, flow->index});
    if (other)
        return true;
    const uint8_t *src = flow_addr(f->by, flow, true), *dst = flow_addr(f->by, flow, false);
    const uint8_t family = flow->key.family;
    if (src && dst && memcmp(src, dst, sizeof flow->key.a) == 0)
        dst = NULL;
    return count_host(f, src, family, &x) && count_host(f, dst, family, &x);
}
