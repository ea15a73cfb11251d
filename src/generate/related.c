/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hosts that do scene after scene, each at its own pace. A heap gives the next packet of all.
 */
#include "generate/related.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "generate/scene.h"
#include "generate/truth.h"

enum { FLOWS_DEFAULT = 1000, HOSTS_DEFAULT = 100, ASK = 1 << 12 };

static const int64_t START_NS = INT64_C(1767225600) * 1000000000; /* 2026-01-01T00:00:00Z */

struct related {
    struct stream *out;
    const struct clv_traffic_params *params;
    struct scene_set set;
    struct scene_host *hosts; /* a heap, of those that have packets */
    size_t n_hosts, n_all;
    uint32_t *order; /* of flows as they began: indexes */
    size_t n_order, order_cap;
};

static bool before(const struct scene_host *x, const struct scene_host *y)
{
    const int64_t a = x->packets[x->next].ts_ns, b = y->packets[y->next].ts_ns;
    return a != b ? a < b : x->number < y->number;
}

static void sift_down(struct related *r, size_t i)
{
    const struct scene_host h = r->hosts[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= r->n_hosts)
            break;
        if (child + 1 < r->n_hosts && before(&r->hosts[child + 1], &r->hosts[child]))
            child++;
        if (!before(&r->hosts[child], &h))
            break;
        r->hosts[i] = r->hosts[child];
        i = child;
    }
    r->hosts[i] = h;
}

static bool make_host(struct related *r, uint32_t number, struct clv_error *err)
{
    struct scene_host h = {.number = number, .family = 4};
    struct scene s = {.set = &r->set, .host = &h};
    if (scene_chance(&s, r->params->ipv6)) { /* RFC 3849 */
        h.family = 6;
        store_be32(h.addr, 0x20010db8U);
        store_be32(h.addr + 12, number);
    } else {
        store_be32(h.addr, 0x0a000000U + number); /* RFC 1918 */
    }
    if (scene_chance(&s, r->params->vlan))
        h.vlan = (uint16_t)(1 + scene_random(&s, 100));
    h.own_sockets = scene_chance(&s, 20);
    h.now_ns = START_NS + (int64_t)scene_random(&s, 5000000) * 1000;
    const bool ok = scene_make(&r->set, &h);
    r->hosts[r->n_hosts++] = h;
    r->n_all = r->n_hosts;
    return ok || clv_fail_nomem(err, "traffic", h.bytes_cap);
}

static bool init(struct related *r, struct clv_error *err)
{
    const uint64_t hosts = r->params->alive ? r->params->alive : HOSTS_DEFAULT;
    const uint64_t flows = r->params->flows ? r->params->flows : FLOWS_DEFAULT;
    const uint64_t n = hosts < flows ? hosts : flows;
    r->set.rng = r->params->seed;
    r->hosts = mem_alloc(n, sizeof *r->hosts);
    if (!r->hosts)
        return clv_fail_nomem(err, "hosts", n * sizeof *r->hosts);
    for (uint32_t i = 0; i < n && r->set.n_flows < flows; i++)
        if (!make_host(r, i + 1, err))
            return false;
    for (size_t i = r->n_hosts / 2; i > 0; i--)
        sift_down(r, i - 1);
    return true;
}

/* Numbers are given, and sums are made. */
static bool count(struct related *r, const struct scene_packet *p, struct clv_error *err)
{
    struct scene_flow *f = &r->set.flows[p->flow];
    if (f->packets == 0) {
        uint32_t *order = mem_reserve(r->order, &r->order_cap, r->n_order + 1, sizeof *order);
        if (!order)
            return clv_fail_nomem(err, "flows", r->n_order * sizeof *order);
        r->order = order;
        order[r->n_order++] = p->flow;
        f->number = (uint32_t)r->n_order;
        f->first_ns = p->ts_ns;
    }
    f->packets++;
    f->bytes += p->len;
    f->last_ns = p->ts_ns;
    struct scene_lookup *l = p->lookup ? &r->set.lookups[p->lookup - 1] : NULL;
    if (l && !l->flow) {
        l->flow = p->flow + 1;
        l->n = ++f->n_lookups;
    }
    if (l && !f->first_lookup) {
        f->first_lookup = p->lookup;
        f->name = l->name;
    } else if (l && f->first_lookup != p->lookup) {
        f->name = (struct scene_name){SCENE_NAMELESS, 0};
    }
    return true;
}

static bool save(struct related *r, struct clv_error *err)
{
    const uint64_t flows = r->params->flows ? r->params->flows : FLOWS_DEFAULT;
    uint64_t ask_at = 0;
    while (r->n_hosts) {
        struct scene_host *h = &r->hosts[0];
        const struct scene_packet *p = &h->packets[h->next++];
        uint8_t *to = stream_packet(r->out, p->ts_ns, p->len, err);
        if (!to || !count(r, p, err))
            return false;
        memcpy(to, h->bytes + p->at, p->len);
        if (h->next == h->n_packets) {
            if (r->set.n_flows < flows) {
                if (!scene_make(&r->set, h))
                    return clv_fail_nomem(err, "traffic", h->bytes_cap);
            } else { /* those that are done stand behind the heap */
                const struct scene_host done = *h;
                *h = r->hosts[--r->n_hosts];
                r->hosts[r->n_hosts] = done;
            }
        }
        if (r->n_hosts)
            sift_down(r, 0);
        if (r->out->packets >= ask_at) {
            ask_at = r->out->packets + ASK;
            if (r->params->progress && !r->params->progress(r->out->packets, r->params->user))
                return clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
        }
    }
    return true;
}

/* Who has led to the flow in the end: all masters began before. */
static void find_root(struct related *r, struct scene_flow *f)
{
    const uint32_t own = (uint32_t)(f - r->set.flows) + 1;
    f->root = own;
    f->root_lookup = 0;
    if (!f->master || f->n_lookups)
        return;
    const struct scene_flow *master = &r->set.flows[f->master - 1];
    f->root = f->lookup ? r->set.lookups[f->lookup - 1].flow : master->root;
    f->root_lookup = f->lookup ? f->lookup : master->root_lookup;
}

static bool put_truth(struct related *r, FILE *truth, struct scene_flow *f, struct clv_error *err)
{
    static const char *const relations[] = {"", "dns", "http", "sip", "ftp", "tftp", "icmp"};
    char buf[512], name[SCENE_NAME_MAX];
    struct text row = text_on(buf, sizeof buf);
    find_root(r, f);
    truth_put(&row, &f->t, f->packets, f->bytes, f->first_ns, f->last_ns);
    text_char(&row, ',');
    text_u64(&row, f->number, 1);
    text_char(&row, ',');
    if (f->master)
        text_u64(&row, r->set.flows[f->master - 1].number, 1);
    text_char(&row, ',');
    text_str(&row, relations[f->relation]);
    text_char(&row, ',');
    if (f->master)
        text_span(&row, f->first_ns - f->announced_ns);
    text_char(&row, ',');
    text_u64(&row, r->set.flows[f->root - 1].number, 1);
    text_char(&row, ',');
    if (f->root_lookup)
        text_u64(&row, r->set.lookups[f->root_lookup - 1].n, 1);
    text_char(&row, ',');
    scene_name_text(f->name, name);
    text_str(&row, name);
    text_str(&row, "\r\n");
    return fwrite(row.p, 1, row.len, truth) == row.len ||
           clv_fail_errno(err, r->params->truth, "cannot be written");
}

static bool put_truths(struct related *r, FILE *truth, struct clv_error *err)
{
    for (size_t i = 0; truth && i < r->n_order; i++)
        if (!put_truth(r, truth, &r->set.flows[r->order[i]], err))
            return false;
    return true;
}

bool related_run(struct stream *out, FILE *truth, const struct clv_traffic_params *p,
                 struct clv_error *err)
{
    struct related r = {.out = out, .params = p};
    const bool ok = init(&r, err) && save(&r, err) && put_truths(&r, truth, err);
    for (size_t i = 0; i < r.n_all; i++)
        scene_host_fini(&r.hosts[i]);
    mem_free(r.hosts);
    mem_free(r.order);
    scene_set_fini(&r.set);
    return ok;
}
