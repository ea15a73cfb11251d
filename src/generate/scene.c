/* SPDX-License-Identifier: BSD-2-Clause */
#include "generate/scene.h"

#include <stdio.h>

#include "base/mem.h"
#include "generate/build.h"

enum {
    SEGMENT = 1400, /* bytes of payload */
    PORT_DNS = 53,
    PORT_FIRST = 10000,
    PORT_LAST = 60000,
    FIN = 0x01,
    SYN = 0x02,
    PSH = 0x08,
    ACK = 0x10,
};

void scene_set_fini(struct scene_set *set)
{
    mem_free(set->flows);
    mem_free(set->lookups);
    *set = (struct scene_set){0};
}

void scene_host_fini(struct scene_host *h)
{
    mem_free(h->packets);
    mem_free(h->bytes);
    h->packets = NULL;
    h->bytes = NULL;
}

void scene_name_text(struct scene_name name, char to[SCENE_NAME_MAX])
{
    to[0] = '\0';
    if (name.kind != SCENE_NAMELESS)
        (void)snprintf(to, SCENE_NAME_MAX,
                       name.kind == SCENE_HOST ? "h%u.example" : "%u@call.example", name.n);
}

/* Sebastiano Vigna's splitmix64, public domain. */
uint64_t scene_random64(struct scene *s)
{
    uint64_t x = s->set->rng += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint32_t scene_random(struct scene *s, uint32_t below)
{
    return (uint32_t)((scene_random64(s) >> 32) * below >> 32);
}

bool scene_chance(struct scene *s, unsigned percent)
{
    return scene_random(s, 100) < percent;
}

/* Whole microseconds: all formats keep them. */
void scene_wait(struct scene *s, uint32_t ms)
{
    s->host->now_ns += (int64_t)(ms * 500U + scene_random(s, ms * 1000) + 1) * 1000;
}

uint16_t scene_port(struct scene *s)
{
    struct scene_host *h = s->host;
    h->port = h->port < PORT_FIRST || h->port >= PORT_LAST ? PORT_FIRST : (uint16_t)(h->port + 2);
    return h->port;
}

/* 172.16.0.0/12 (RFC 1918), 2001:db8:1::/48 (RFC 3849). */
void scene_server(struct scene *s, uint8_t to[16])
{
    const uint32_t n = ++s->set->n_servers;
    memset(to, 0, 16);
    if (s->host->family == 4) {
        store_be32(to, 0xac100000U + n % (1U << 20));
    } else {
        store_be32(to, 0x20010db8U);
        to[5] = 1;
        store_be32(to + 12, n);
    }
}

uint32_t scene_flow(struct scene *s, uint8_t proto, const uint8_t server[16], uint16_t own_port,
                    uint16_t port, bool from_server)
{
    struct scene_set *set = s->set;
    const struct scene_host *h = s->host;
    struct scene_flow *flows =
        mem_reserve(set->flows, &set->flows_cap, set->n_flows + 1, sizeof *flows);
    if (!flows) {
        s->failed = true;
        return 0;
    }
    set->flows = flows;
    struct scene_flow *f = &flows[set->n_flows];
    const bool ports = proto == CLV_PROTO_TCP || proto == CLV_PROTO_UDP;
    *f = (struct scene_flow){.vlan = h->vlan,
                             .t = {.proto = proto,
                                   .family = h->family,
                                   .flags = ports ? CLV_TUPLE_PORTS : 0,
                                   .sport = from_server ? port : own_port,
                                   .dport = from_server ? own_port : port}};
    memcpy(from_server ? f->t.dst : f->t.src, h->addr, 16);
    memcpy(from_server ? f->t.src : f->t.dst, server, 16);
    return (uint32_t)set->n_flows++;
}

void scene_led(struct scene *s, uint32_t flow, enum scene_relation relation, uint32_t master,
               int64_t announced_ns)
{
    if (s->failed)
        return;
    struct scene_flow *f = &s->set->flows[flow];
    f->relation = (uint8_t)relation;
    f->master = master + 1;
    f->announced_ns = announced_ns;
    f->lookup = 0;
}

void scene_led_by_lookup(struct scene *s, uint32_t flow, const struct scene_answer *answer)
{
    scene_led(s, flow, SCENE_LED_BY_DNS, answer->flow, answer->ts_ns);
    if (s->failed)
        return;
    s->set->flows[flow].lookup = answer->lookup + 1;
    scene_named(s, flow, answer->name);
}

void scene_named(struct scene *s, uint32_t flow, struct scene_name name)
{
    if (!s->failed)
        s->set->flows[flow].name = name;
}

struct sent {
    uint32_t flow, lookup; /* lookup: index + 1 */
    bool back;
    uint8_t tcp_flags;
    uint32_t seq, ack;
    const void *payload;
    size_t len;
};

static void turn_round(struct clv_packet_spec *spec)
{
    const struct clv_tuple t = spec->tuple;
    memcpy(spec->tuple.src, t.dst, 16);
    memcpy(spec->tuple.dst, t.src, 16);
    spec->tuple.sport = t.dport;
    spec->tuple.dport = t.sport;
}

static void put(struct scene *s, const struct sent *p)
{
    struct scene_host *h = s->host;
    if (s->failed)
        return;
    const struct scene_flow *f = &s->set->flows[p->flow];
    struct clv_packet_spec spec = {.eth_dst = {2, 0, 0, 0, 0, 1},
                                   .eth_src = {2, 0, 0, 0, 0, 2},
                                   .vlan = f->vlan,
                                   .tuple = f->t,
                                   .ip_id = (uint16_t)scene_random(s, 1U << 16),
                                   .tcp_seq = p->seq,
                                   .tcp_ack = p->ack,
                                   .payload = p->payload,
                                   .payload_len = (uint32_t)p->len};
    spec.tuple.tcp_flags = p->tcp_flags;
    if (p->back)
        turn_round(&spec);
    if (memcmp(spec.tuple.src, h->addr, 16) != 0) {
        spec.eth_dst[5] = 2;
        spec.eth_src[5] = 1;
    }
    struct scene_packet *packets =
        mem_reserve(h->packets, &h->packets_cap, h->n_packets + 1, sizeof *packets);
    h->packets = packets ? packets : h->packets;
    uint8_t *bytes =
        mem_reserve(h->bytes, &h->bytes_cap, h->n_bytes + BUILD_HEADERS_MAX + p->len, 1);
    h->bytes = bytes ? bytes : h->bytes;
    if (!packets || !bytes) {
        s->failed = true;
        return;
    }
    uint8_t *frame = bytes + h->n_bytes;
    const size_t headers = build_headers(&spec, build_sum(p->payload, p->len), frame);
    if (p->len)
        memcpy(frame + headers, p->payload, p->len);
    packets[h->n_packets++] = (struct scene_packet){.ts_ns = h->now_ns,
                                                    .at = h->n_bytes,
                                                    .len = (uint32_t)(headers + p->len),
                                                    .flow = p->flow,
                                                    .lookup = p->lookup};
    h->n_bytes += headers + p->len;
}

void scene_send(struct scene *s, uint32_t flow, bool back, const struct wire *w)
{
    put(s, &(struct sent){.flow = flow, .back = back, .payload = w->p, .len = w->len});
}

void scene_error(struct scene *s, const uint8_t router[16], uint32_t flow, int64_t ts_ns)
{
    enum { ETHER = 14, TAG = 4, QUOTED_UDP = 8 };
    const struct scene_host *h = s->host;
    const bool six = h->family == 6;
    struct wire w = {.len = 0};
    const uint32_t error =
        scene_flow(s, six ? CLV_PROTO_ICMPV6 : CLV_PROTO_ICMP, router, 0, 0, true);
    if (s->failed)
        return;
    const struct scene_packet *last = &h->packets[h->n_packets - 1];
    const size_t link = ETHER + (h->vlan ? TAG : 0), ip = six ? 40 : 20;
    wire_u16(&w, six ? 0x0104 : 0x0303); /* nobody listens at the port */
    wire_u16(&w, 0);
    wire_u32(&w, 0);
    wire_put(&w, h->bytes + last->at + link,
             ip + QUOTED_UDP + (six ? last->len - link - ip - 8 : 0));
    uint32_t sum = 0;
    if (six) { /* RFC 8200 section 8.1 */
        uint8_t pseudo[40];
        memcpy(pseudo, router, 16);
        memcpy(pseudo + 16, h->addr, 16);
        store_be32(pseudo + 32, (uint32_t)w.len);
        store_be32(pseudo + 36, CLV_PROTO_ICMPV6);
        sum = build_sum(pseudo, sizeof pseudo);
    }
    store_be16(w.p + 2, clv_checksum(w.p, w.len, sum));
    scene_led(s, error, SCENE_LED_BY_ICMP, flow, ts_ns);
    scene_send(s, error, false, &w);
}

static void put_segment(struct scene *s, struct scene_conn *c, bool back, unsigned flags,
                        const void *p, size_t n)
{
    put(s, &(struct sent){.flow = c->flow,
                          .back = back,
                          .tcp_flags = (uint8_t)flags,
                          .seq = c->seq[back],
                          .ack = flags & ACK ? c->seq[!back] : 0,
                          .payload = p,
                          .len = n});
    c->seq[back] += (uint32_t)n + ((flags & (SYN | FIN)) != 0);
}

void scene_knock(struct scene *s, struct scene_conn *c, uint32_t flow)
{
    *c = (struct scene_conn){flow, {(uint32_t)scene_random64(s), (uint32_t)scene_random64(s)}};
    put_segment(s, c, false, SYN, NULL, 0);
}

void scene_open(struct scene *s, struct scene_conn *c, uint32_t flow)
{
    scene_knock(s, c, flow);
    scene_wait(s, 20);
    put_segment(s, c, true, SYN | ACK, NULL, 0);
    scene_wait(s, 1);
    put_segment(s, c, false, ACK, NULL, 0);
    scene_wait(s, 1);
}

void scene_say(struct scene *s, struct scene_conn *c, bool back, const struct wire *w)
{
    for (size_t at = 0; at < w->len; at += SEGMENT) {
        const size_t n = w->len - at < SEGMENT ? w->len - at : SEGMENT;
        put_segment(s, c, back, PSH | ACK, w->p + at, n);
        scene_wait(s, 2);
    }
    put_segment(s, c, !back, ACK, NULL, 0);
    scene_wait(s, 20);
}

void scene_part(struct scene *s, struct scene_conn *c, bool back, const struct wire *w)
{
    put_segment(s, c, back, PSH | ACK, w->p, w->len);
    scene_wait(s, 2);
}

void scene_bytes(struct scene *s, struct scene_conn *c, bool back, size_t n)
{
    while (n) {
        struct wire noise = {.len = 0}, record = {.len = 0};
        const size_t now = n < SEGMENT - 5 ? n : SEGMENT - 5;
        wire_fill(&noise, (uint8_t)scene_random(s, 256), now);
        wire_record(&record, 23, noise.p, noise.len);
        scene_say(s, c, back, &record);
        n -= now;
    }
}

void scene_close(struct scene *s, struct scene_conn *c)
{
    put_segment(s, c, false, FIN | ACK, NULL, 0);
    scene_wait(s, 20);
    put_segment(s, c, true, FIN | ACK, NULL, 0);
    scene_wait(s, 1);
    put_segment(s, c, false, ACK, NULL, 0);
    scene_wait(s, 5);
}

void scene_overtake(struct scene *s)
{
    struct scene_host *h = s->host;
    if (s->failed || h->n_packets < 2)
        return;
    struct scene_packet *last = &h->packets[h->n_packets - 1], *before = last - 1;
    const struct scene_packet p = *last;
    const int64_t ts_ns = before->ts_ns;
    *last = *before;
    last->ts_ns = p.ts_ns;
    *before = p;
    before->ts_ns = ts_ns;
}

static uint32_t socket_of(struct scene *s)
{
    struct scene_host *h = s->host;
    uint8_t resolver[16] = {10, 255, 255, 53};
    if (h->family == 6) {
        memset(resolver, 0, sizeof resolver);
        store_be32(resolver, 0x20010db8U);
        store_be16(resolver + 14, PORT_DNS);
        resolver[5] = 2;
    }
    if (h->own_sockets || !h->stub)
        h->stub = scene_flow(s, CLV_PROTO_UDP, resolver, scene_port(s), PORT_DNS, false) + 1;
    return h->stub - 1;
}

void scene_ask(struct scene *s, struct scene_answer *answer)
{
    struct scene_set *set = s->set;
    const bool six = s->host->family == 6;
    char name[SCENE_NAME_MAX], alias[SCENE_NAME_MAX + 8];
    struct scene_lookup *lookups =
        mem_reserve(set->lookups, &set->lookups_cap, set->n_lookups + 1, sizeof *lookups);
    if (!lookups) {
        s->failed = true;
        return;
    }
    set->lookups = lookups;
    *answer = (struct scene_answer){.name = {SCENE_HOST, ++set->n_names},
                                    .lookup = (uint32_t)set->n_lookups};
    lookups[set->n_lookups++] = (struct scene_lookup){.name = answer->name};
    scene_name_text(answer->name, name);
    (void)snprintf(alias, sizeof alias, "cdn-%s", name);
    const bool has_alias = scene_chance(s, 30);
    for (unsigned i = 0; i < 2; i++)
        scene_server(s, answer->addrs[i]);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct wire question = {.len = 0}, reply = {.len = 0};
        const uint16_t id = (uint16_t)scene_random(s, 1U << 16);
        const uint32_t flow = socket_of(s), lookup = answer->lookup + 1;
        const bool known = (v6 != 0) == six; /* the other family has no address */
        wire_question(&question, id, name, v6);
        wire_answer(&reply, id, name, v6, has_alias ? alias : NULL, answer->addrs, known ? 2 : 0);
        put(s, &(struct sent){
                   .flow = flow, .lookup = lookup, .payload = question.p, .len = question.len});
        scene_wait(s, 15);
        if (known) {
            answer->flow = flow;
            answer->ts_ns = s->host->now_ns;
        }
        put(s, &(struct sent){.flow = flow,
                              .lookup = lookup,
                              .back = true,
                              .payload = reply.p,
                              .len = reply.len});
        scene_wait(s, 3);
    }
    s->host->last = *answer;
}
