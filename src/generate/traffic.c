/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flow k, in order of its start, has a rank in Zipf's law by a random permutation, and a lifetime
 * in which its packets are spread evenly, with jitter. A heap of the flows under way gives the next
 * packet. Payloads are cut from a pool of random bytes whose prefix sums are known, so that a
 * checksum costs no more for a long packet than for a short one.
 */
#include <math.h>
#include <stdio.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/port.h"
#include "base/sized.h"
#include "base/text.h"
#include "generate/build.h"
#include "generate/related.h"
#include "generate/stream.h"
#include "generate/truth.h"

enum {
    FLOWS_DEFAULT = 1000,
    PACKETS_PER_FLOW_DEFAULT = 100,
    ALIVE_DEFAULT = 10000,
    MEAN_GAP_NS = 1000,
    POOL = 64 * 1024, /* bytes of payload to cut from, and the longest datagram behind them */
    DATAGRAM_MAX = 8 * 1024,
    MTU = 1500,
    ETHER_HEADER = 14,
    ETHERTYPE_ARP = 0x0806,
    ARP_FRAME = 60,
    IPV6_FRAGMENT = 44,
    TCP_FIN = 1,
    TCP_SYN = 2,
    TCP_PSH = 8,
    TCP_ACK = 16,
};

static const int64_t START_NS = INT64_C(1767225600) * 1000000000; /* 2026-01-01T00:00:00Z */

/* A flow under way. */
struct alive {
    int64_t next_ns; /* of its next packet */
    uint64_t number; /* k */
    uint64_t left;   /* packets */
    uint64_t sent, bytes;
    int64_t gap_ns; /* between packets, on average */
    int64_t first_ns;
    uint32_t seq[2];
    uint16_t ip_id;
    uint8_t kind; /* enum kind bits */
};

enum kind {
    KIND_IPV6 = 1,
    KIND_VLAN = 2,
    KIND_UDP = 4,
    KIND_FRAGMENTS = 8,
};

struct traffic {
    const struct clv_traffic_params *params;
    struct stream out;
    FILE *truth; /* NULL: nobody asks */
    struct target truth_target;
    uint64_t flows, packets, ip_packets;
    uint64_t leftover; /* packets that rounding leaves to the first rank */
    double zipf_unit;  /* packets of rank 1 beyond the one that each flow has */
    int64_t length_ns; /* of the capture */
    double lifetime;   /* of most flows, as a part of length_ns */
    uint32_t *rank;    /* of flow k, from 0 */
    struct alive *heap;
    size_t n_heap, heap_cap;
    uint8_t *pool;
    uint32_t *pool_sum; /* of the 16-bit words before word i */
    uint64_t rng, n_other;
    int64_t now_ns;
};

/* Sebastiano Vigna's splitmix64, public domain. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t next_random(struct traffic *t)
{
    return mix(t->rng += UINT64_C(0x9e3779b97f4a7c15));
}

/* Below n, for n up to 2^32; the bias is below n / 2^32. */
static uint32_t below(struct traffic *t, uint32_t n)
{
    return (uint32_t)((next_random(t) >> 32) * n >> 32);
}

/* What a flow is follows from its number and the seed, not from when it starts. */
static uint64_t flow_random(const struct traffic *t, uint64_t k, uint64_t what)
{
    return mix(mix(t->params->seed ^ what * UINT64_C(0xd6e8feb86659fd93)) + k);
}

/* The usual exponent needs no pow(), whose last bit differs from library to library. */
static double zipf(const struct traffic *t, uint64_t rank)
{
    if (t->params->skew == 100)
        return 1 / ((double)rank + 1);
    return pow((double)rank + 1, -(double)t->params->skew / 100);
}

static uint64_t packets_of(const struct traffic *t, uint64_t k)
{
    const uint64_t rank = t->rank[k];
    return 1 + (uint64_t)(t->zipf_unit * zipf(t, rank)) + (rank == 0 ? t->leftover : 0);
}

/* The heap is ordered by time, then by number, so that equal times have one order. */
static bool before(const struct alive *x, const struct alive *y)
{
    return x->next_ns != y->next_ns ? x->next_ns < y->next_ns : x->number < y->number;
}

static void sift_down(struct traffic *t, size_t i)
{
    const struct alive a = t->heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= t->n_heap)
            break;
        if (child + 1 < t->n_heap && before(&t->heap[child + 1], &t->heap[child]))
            child++;
        if (!before(&t->heap[child], &a))
            break;
        t->heap[i] = t->heap[child];
        i = child;
    }
    t->heap[i] = a;
}

static bool push(struct traffic *t, const struct alive *a)
{
    struct alive *heap = mem_reserve(t->heap, &t->heap_cap, t->n_heap + 1, sizeof *heap);
    if (!heap)
        return false;
    t->heap = heap;
    size_t i = t->n_heap++;
    while (i && before(a, &heap[(i - 1) / 2])) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = *a;
    return true;
}

static int64_t start_of(const struct traffic *t, uint64_t k)
{
    const double jitter = (double)(flow_random(t, k, 1) >> 11) * 0x1p-53;
    return (int64_t)(((double)k + jitter) / (double)t->flows * (1 - t->lifetime) *
                     (double)t->length_ns);
}

static bool start_flow(struct traffic *t, uint64_t k)
{
    const struct clv_traffic_params *p = t->params;
    struct alive a = {.number = k, .left = packets_of(t, k)};
    a.next_ns = a.first_ns = start_of(t, k);
    /* Large flows live longer, the largest for the whole capture. */
    const double share = (double)a.left / (double)t->ip_packets * 10;
    double life = share > t->lifetime ? share : t->lifetime;
    const double rest = (double)(t->length_ns - a.next_ns) / (double)t->length_ns;
    life = life > rest ? rest : life;
    a.gap_ns = (int64_t)(life * (double)t->length_ns / (double)a.left);
    if (flow_random(t, k, 2) % 100 < p->ipv6)
        a.kind |= KIND_IPV6;
    if (flow_random(t, k, 3) % 100 < p->vlan)
        a.kind |= KIND_VLAN;
    if (flow_random(t, k, 4) % 100 < p->udp)
        a.kind |= KIND_UDP;
    if (a.kind & KIND_UDP && flow_random(t, k, 5) % 100 < p->fragments)
        a.kind |= KIND_FRAGMENTS;
    a.seq[0] = (uint32_t)flow_random(t, k, 6);
    a.seq[1] = (uint32_t)flow_random(t, k, 7);
    a.ip_id = (uint16_t)flow_random(t, k, 8);
    return push(t, &a);
}

/* The client's address and port are a flow's own: k's low 24 bits choose one, its others the other.
 */
static void tuple_of(const struct traffic *t, uint64_t k, unsigned kind, struct clv_tuple *c)
{
    static const uint16_t ports[] = {443, 443, 443, 80, 53, 22, 8080, 5060};
    const uint32_t host = (uint32_t)(k * 0x9e3779b1U) & 0xffffff; /* odd: one to one */
    const uint32_t server = (uint32_t)(flow_random(t, k, 9) % 5000);
    *c = (struct clv_tuple){
        .proto = kind & KIND_UDP ? CLV_PROTO_UDP : CLV_PROTO_TCP,
        .family = kind & KIND_IPV6 ? 6 : 4,
        .flags = CLV_TUPLE_PORTS,
        .sport = (uint16_t)(1024 + (flow_random(t, k & 0xffffff, 10) + (k >> 24)) % 64000),
        .dport = ports[flow_random(t, k, 11) % 8],
    };
    if (kind & KIND_IPV6) {
        static const uint8_t prefix[4] = {0x20, 0x01, 0x0d, 0xb8}; /* RFC 3849 */
        memcpy(c->src, prefix, 4);
        memcpy(c->dst, prefix, 4);
        c->dst[5] = 1;
        store_be32(c->src + 12, host);
        store_be32(c->dst + 12, server + 1);
    } else {
        store_be32(c->src, 0x0a000000U | host);       /* 10.0.0.0/8 */
        store_be32(c->dst, 0xc6120000U + server + 1); /* 198.18.0.0/15, RFC 2544 */
    }
}

static void turn_round(struct clv_packet_spec *s)
{
    const struct clv_tuple c = s->tuple;
    memcpy(s->tuple.src, c.dst, 16);
    memcpy(s->tuple.dst, c.src, 16);
    s->tuple.sport = c.dport;
    s->tuple.dport = c.sport;
    memcpy(s->eth_src, "\x02\0\0\0\0\x01", 6);
    memcpy(s->eth_dst, "\x02\0\0\0\0\x02", 6);
}

static uint32_t payload_len(struct traffic *t, uint32_t headers)
{
    const uint32_t full = MTU + ETHER_HEADER - headers;
    const uint32_t dice = below(t, 100);
    switch (t->params->sizes) {
    case CLV_SIZES_SMALL:
        return 6 + below(t, 41);
    case CLV_SIZES_LARGE:
        return full;
    default:
        return dice < 42 ? below(t, 100) : dice < 58 ? 100 + below(t, 1100) : full;
    }
}

static uint32_t pool_sum(const struct traffic *t, uint32_t from, uint32_t len)
{
    uint32_t sum = t->pool_sum[(from + len) / 2] - t->pool_sum[from / 2];
    if (len & 1)
        sum += (uint32_t)t->pool[from + len - 1] << 8;
    return sum;
}

/*
 * A datagram that was built whole, but for its payload, as frames of one fragment each (RFC 791
 * section 3.2, RFC 8200 section 4.5). Its headers are len bytes at head.
 */
static bool put_fragments(struct traffic *t, const struct clv_packet_spec *s, const uint8_t *head,
                          size_t len, const uint8_t *payload, uint32_t id, struct clv_error *err)
{
    enum { UDP_HEADER = 8, FRAGMENT_HEADER = 8, PER_FRAGMENT = 1448 };
    const bool v6 = s->tuple.family == 6;
    const size_t before_udp = len - UDP_HEADER;
    const size_t ip = before_udp - (v6 ? 40 : 20);
    uint8_t datagram[UDP_HEADER + DATAGRAM_MAX];
    const size_t total = UDP_HEADER + s->payload_len;
    memcpy(datagram, head + before_udp, UDP_HEADER);
    memcpy(datagram + UDP_HEADER, payload, s->payload_len);
    for (size_t at = 0; at < total; at += PER_FRAGMENT) {
        const size_t n = total - at < PER_FRAGMENT ? total - at : PER_FRAGMENT;
        const bool more = at + n < total;
        const size_t frame = before_udp + (v6 ? FRAGMENT_HEADER : 0) + n;
        uint8_t *p = stream_packet(&t->out, START_NS + t->now_ns, (uint32_t)frame, err);
        if (!p)
            return false;
        memcpy(p, head, before_udp);
        uint8_t *data = p + before_udp;
        if (v6) {
            store_be16(p + ip + 4, (uint16_t)(FRAGMENT_HEADER + n));
            p[ip + 6] = IPV6_FRAGMENT;
            data[0] = s->tuple.proto;
            data[1] = 0;
            store_be16(data + 2, (uint16_t)(at | more));
            store_be32(data + 4, id);
            data += FRAGMENT_HEADER;
        } else {
            store_be16(p + ip + 2, (uint16_t)(20 + n));
            store_be16(p + ip + 6, (uint16_t)(at / 8 | (more ? 0x2000 : 0)));
            store_be16(p + ip + 10, 0);
            store_be16(p + ip + 10, clv_checksum(p + ip, 20, 0));
        }
        memcpy(data, datagram + at, n);
    }
    return true;
}

/* Headers in, payload from the pool. Returns the frames' bytes, or 0. */
static uint64_t put_packet(struct traffic *t, struct alive *a, struct clv_error *err)
{
    struct clv_packet_spec s = {
        .eth_dst = {2, 0, 0, 0, 0, 1},
        .eth_src = {2, 0, 0, 0, 0, 2},
        .vlan = a->kind & KIND_VLAN ? (uint16_t)(1 + flow_random(t, a->number, 12) % 100) : 0,
        .ip_id = a->ip_id++,
    };
    tuple_of(t, a->number, a->kind, &s.tuple);
    const uint32_t link = ETHER_HEADER + (s.vlan ? 4 : 0);
    const uint32_t network = a->kind & KIND_IPV6 ? 40 : 20;
    const bool udp = a->kind & KIND_UDP;
    const uint32_t headers = ETHER_HEADER + network + (udp ? 8 : 20);
    bool back = a->sent && below(t, 2);
    bool bare = false; /* no payload */
    if (!udp) {
        s.tuple.tcp_flags = TCP_ACK;
        if (a->sent == 0 || (a->sent == 1 && a->left > 1)) {
            s.tuple.tcp_flags = a->sent ? TCP_SYN | TCP_ACK : TCP_SYN;
            back = a->sent == 1;
            bare = true;
        } else if (a->left == 1 && a->sent > 2) {
            s.tuple.tcp_flags = TCP_FIN | TCP_ACK;
            bare = true;
        }
    }
    if (back)
        turn_round(&s);
    s.payload_len = bare ? 0 : payload_len(t, headers);
    uint64_t frames = 1;
    if (a->kind & KIND_FRAGMENTS && a->left >= 3) {
        s.payload_len = 3000;
        frames = 3;
    }
    if (!udp) {
        s.tcp_seq = a->seq[back];
        s.tcp_ack = s.tuple.tcp_flags & TCP_ACK ? a->seq[!back] : 0;
        if (s.payload_len && s.tuple.tcp_flags == TCP_ACK)
            s.tuple.tcp_flags |= TCP_PSH;
        a->seq[back] += s.payload_len + ((s.tuple.tcp_flags & (TCP_SYN | TCP_FIN)) != 0);
    }
    const uint32_t from = below(t, POOL / 2) * 2;
    const uint32_t sum = pool_sum(t, from, s.payload_len);
    a->left -= frames;
    a->sent += frames;
    if (frames > 1) {
        uint8_t head[BUILD_HEADERS_MAX];
        const size_t len = build_headers(&s, sum, head);
        if (!put_fragments(t, &s, head, len, t->pool + from, s.ip_id, err))
            return 0;
        const uint64_t each = link + network + (a->kind & KIND_IPV6 ? 8U : 0U);
        return frames * each + 8 + s.payload_len;
    }
    const uint32_t frame = link - ETHER_HEADER + headers + s.payload_len;
    uint8_t *p = stream_packet(&t->out, START_NS + t->now_ns, frame, err);
    if (!p)
        return 0;
    const size_t len = build_headers(&s, sum, p);
    memcpy(p + len, t->pool + from, s.payload_len);
    return frame;
}

/* Who has 10.x.y.z (RFC 826), padded to Ethernet's minimum. */
static bool put_arp(struct traffic *t, struct clv_error *err)
{
    static const uint8_t mac[] = {2, 0, 0, 0, 0, 2}, request[] = {0, 1, 8, 0, 6, 4, 0, 1};
    uint8_t *p = stream_packet(&t->out, START_NS + t->now_ns, ARP_FRAME, err);
    if (!p)
        return false;
    memset(p, 0, ARP_FRAME);
    memset(p, 0xff, 6);
    memcpy(p + 6, mac, sizeof mac);
    store_be16(p + 12, ETHERTYPE_ARP);
    memcpy(p + 14, request, sizeof request);
    memcpy(p + 22, mac, sizeof mac);
    store_be32(p + 28, 0x0a000001U);
    store_be32(p + 38, 0x0a000000U | (uint32_t)(next_random(t) & 0xffffff));
    t->n_other++;
    return true;
}

static bool put_truth(struct traffic *t, const struct alive *a, struct clv_error *err)
{
    char buf[256];
    struct text row = text_on(buf, sizeof buf);
    struct clv_tuple c;
    tuple_of(t, a->number, a->kind, &c);
    truth_put(&row, &c, a->sent, a->bytes, START_NS + a->first_ns, START_NS + t->now_ns);
    text_str(&row, "\n");
    return fwrite(row.p, 1, row.len, t->truth) == row.len ||
           clv_fail_errno(err, t->params->truth, "cannot be written");
}

static bool goes_on(const struct traffic *t, struct clv_error *err)
{
    return !t->params->progress || t->params->progress(t->out.packets, t->params->user) ||
           clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
}

static bool run(struct traffic *t, struct clv_error *err)
{
    enum { ASK = 1 << 16 }; /* packets between two questions whether to go on */
    uint64_t started = 0, ask_at = 0;
    const uint64_t n_other = t->packets - t->ip_packets;
    while (started < t->flows || t->n_heap) {
        while (started < t->flows && (t->n_heap == 0 || start_of(t, started) <= t->heap[0].next_ns))
            if (!start_flow(t, started++))
                return clv_fail_nomem(err, "flows under way", t->n_heap * sizeof *t->heap);
        if (t->out.packets >= ask_at) {
            ask_at = t->out.packets + ASK;
            if (!goes_on(t, err))
                return false;
        }
        struct alive *a = &t->heap[0];
        t->now_ns = a->next_ns > t->now_ns ? a->next_ns : t->now_ns;
        const uint64_t n = put_packet(t, a, err);
        if (!n)
            return false;
        a->bytes += n;
        if (a->left == 0) {
            if (t->truth && !put_truth(t, a, err))
                return false;
            *a = t->heap[--t->n_heap];
        } else {
            const uint32_t jitter = below(t, 1024); /* the gap is halved to one and a half */
            a->next_ns += a->gap_ns / 2 + a->gap_ns / 1024 * jitter + 1;
        }
        if (t->n_heap)
            sift_down(t, 0);
        const uint64_t ip = t->out.packets - t->n_other;
        while (t->n_other < n_other && t->n_other * t->ip_packets < ip * n_other)
            if (!put_arp(t, err))
                return false;
    }
    return true;
}

static bool init(struct traffic *t, struct clv_error *err)
{
    const struct clv_traffic_params *p = t->params;
    static const uint32_t mean_frame[] = {760, 100, 1480};
    const unsigned shares = p->ipv6 | p->vlan | p->udp | p->fragments | p->other;
    if (shares > 127 || p->ipv6 > 100 || p->vlan > 100 || p->udp > 100 || p->fragments > 100 ||
        p->other > 99 || p->skew > 400 || (unsigned)p->sizes > CLV_SIZES_LARGE)
        return clv_fail(err, CLV_ERR_ARG, "traffic", "a share of more than 100 per cent");
    if (p->related) {
        if (p->packets || p->bytes || p->udp || p->fragments || p->other || p->sizes ||
            (p->skew && p->skew != 100))
            return clv_fail(
                err, CLV_ERR_OPTION, "related",
                "cannot be combined with --packets, --bytes, --sizes, --skew, --udp, --fragments "
                "or --other");
        return true;
    }
    if (p->fragments && !p->udp)
        return clv_fail(err, CLV_ERR_OPTION, "fragments", "needs --udp: only its flows have some");
    t->flows = p->flows ? p->flows : FLOWS_DEFAULT;
    t->packets = p->packets ? p->packets
                 : p->bytes ? p->bytes / (mean_frame[p->sizes] + 16)
                            : t->flows * PACKETS_PER_FLOW_DEFAULT;
    if (p->packets == 0 && t->packets * (100 - p->other) / 100 < t->flows)
        t->packets = t->flows * 100 / (100 - p->other) + 1;
    t->ip_packets = t->packets - t->packets * p->other / 100;
    if (t->ip_packets < t->flows || t->flows > UINT32_MAX || t->packets >> 40)
        return clv_fail(err, CLV_ERR_OPTION, p->packets ? "packets" : "flows",
                        "%llu IP packets for %llu flows: each needs one, and 2^40 is the limit",
                        (unsigned long long)t->ip_packets, (unsigned long long)t->flows);
    t->length_ns = (int64_t)t->packets * MEAN_GAP_NS;
    const uint64_t alive = p->alive ? p->alive : ALIVE_DEFAULT;
    t->lifetime = alive < t->flows ? (double)alive / (double)t->flows : 1;
    t->rng = p->seed;
    t->rank = mem_alloc(t->flows, sizeof *t->rank);
    t->pool = mem_alloc(POOL + DATAGRAM_MAX, 1);
    t->pool_sum = mem_alloc((POOL + DATAGRAM_MAX) / 2 + 1, sizeof *t->pool_sum);
    if (!t->rank || !t->pool || !t->pool_sum)
        return clv_fail_nomem(err, "traffic", t->flows * sizeof *t->rank);
    t->pool_sum[0] = 0;
    for (size_t i = 0; i < (POOL + DATAGRAM_MAX) / 2; i++) {
        store_be16(t->pool + 2 * i, (uint16_t)next_random(t));
        t->pool_sum[i + 1] = t->pool_sum[i] + load_be16(t->pool + 2 * i);
    }
    double sum = 0;
    for (uint64_t i = 0; i < t->flows; i++)
        sum += zipf(t, i);
    t->zipf_unit = (double)(t->ip_packets - t->flows) / sum;
    uint64_t given = 0;
    for (uint64_t i = 0; i < t->flows; i++) {
        given += 1 + (uint64_t)(t->zipf_unit * zipf(t, i));
        const uint64_t j = i ? next_random(t) % (i + 1) : 0; /* Fisher and Yates, inside out */
        t->rank[i] = t->rank[j];
        t->rank[j] = (uint32_t)i;
    }
    t->leftover = t->ip_packets > given ? t->ip_packets - given : 0;
    return true;
}

/* Whether both paths are, or will be, one file. */
static bool is_same(const char *one, const char *other)
{
    struct port_place a, b;
    char dir[PATH_MAX];
    if (strcmp(one, other) == 0)
        return true;
    if (port_place_of(one, &a) && port_place_of(other, &b))
        return port_same_file(&a, &b);
    if (strcmp(path_base(one), path_base(other)) != 0 || strlen(one) >= sizeof dir ||
        strlen(other) >= sizeof dir)
        return false;
    path_parent(dir, one);
    if (!port_place_of(dir, &a))
        return false;
    path_parent(dir, other);
    return port_place_of(dir, &b) && port_same_file(&a, &b);
}

static bool open_truth(struct traffic *t, const char *capture, struct clv_error *err)
{
    const char *path = t->params->truth;
    if (!path)
        return true;
    if (is_same(path, capture))
        return clv_fail(err, CLV_ERR_OPTION, "truth", "is the same file as --output");
    if (!target_open(&t->truth_target, "truth", path, t->params->overwrite, err))
        return false;
    t->truth = fdopen(t->truth_target.fd, "w");
    if (!t->truth)
        return clv_fail_errno(err, path, "cannot be created");
    t->truth_target.fd = -1;
    return true;
}

static bool begin_truth(struct traffic *t, struct clv_error *err)
{
    const char *path = t->params->truth;
    return !path ||
           fputs(t->params->related ? TRUTH_COLUMNS RELATED_COLUMNS "\n" : TRUTH_COLUMNS "\n",
                 t->truth) >= 0 ||
           clv_fail_errno(err, path, "cannot be written");
}

static bool close_truth(struct traffic *t, struct clv_error *err)
{
    FILE *truth = t->truth;
    t->truth = NULL;
    if (truth && fclose(truth) != 0)
        return clv_fail_errno(err, t->params->truth, "cannot be written");
    return target_publish(&t->truth_target, err);
}

static bool generate(const char *path, const struct clv_traffic_params *params, uint64_t *bytes,
                     uint64_t *packets, struct clv_error *err)
{
    struct traffic t = {.params = params, .out.target.fd = -1, .truth_target.fd = -1};
    const bool ok = init(&t, err) && open_truth(&t, path, err) &&
                    stream_open(&t.out, path, params->format, params->byte_order == CLV_BIG_ENDIAN,
                                params->overwrite, err) &&
                    begin_truth(&t, err) &&
                    (params->related ? related_run(&t.out, t.truth, params, err) : run(&t, err)) &&
                    close_truth(&t, err) && stream_close(&t.out, err);
    stream_abandon(&t.out, ok ? NULL : err);
    if (bytes)
        *bytes = t.out.bytes;
    if (packets)
        *packets = t.out.packets;
    if (t.truth)
        (void)fclose(t.truth);
    target_fini(&t.truth_target, ok ? NULL : err);
    mem_free(t.rank);
    mem_free(t.heap);
    mem_free(t.pool);
    mem_free(t.pool_sum);
    return ok;
}

bool clv_generate_traffic(const char *path, const struct clv_traffic_params *params,
                          uint64_t *bytes, uint64_t *packets, struct clv_error *err)
{
    struct clv_traffic_params own;
    return sized_take(&own, sizeof own, SIZED_END(struct clv_traffic_params, truth), params, err) &&
           generate(path, &own, bytes, packets, err);
}

#define AT(member) offsetof(struct clv_traffic_params, member)

static const struct clv_option rows[] = {
    {"flows", 0, CLV_OPTION_U64, false, AT(flows), 0, 1, UINT32_MAX, "N", "1000", "number of flows",
     CLV_GROUP_NONE},
    {"packets", 0, CLV_OPTION_U64, false, AT(packets), 0, 1, UINT64_C(1) << 40, "N", "100 per flow",
     "number of packets", CLV_GROUP_NONE},
    {"bytes", 0, CLV_OPTION_SIZE, false, AT(bytes), 0, 1, UINT64_C(1) << 50, "SIZE", NULL,
     "approximate size of the capture, instead of --packets", CLV_GROUP_NONE},
    {"seed", 0, CLV_OPTION_U64, false, AT(seed), 0, 0, 0, "N", "0",
     "seed; another one makes other traffic", CLV_GROUP_NONE},
    {"skew", 0, CLV_OPTION_U32, false, AT(skew), 0, 1, 400, "N", "100",
     "how uneven flow sizes are: Zipf's exponent in hundredths; 1 is nearly even", CLV_GROUP_NONE},
    {"alive", 0, CLV_OPTION_U64, false, AT(alive), 0, 1, UINT32_MAX, "N", "10000",
     "approximate number of flows under way at a time", CLV_GROUP_NONE},
    {"sizes", 0, CLV_OPTION_WORD, false, AT(sizes), 0, 0, 0, "mixed|small|large", "mixed",
     "packet sizes", CLV_GROUP_NONE},
    {"ipv6", 0, CLV_OPTION_U32, false, AT(ipv6), 0, 0, 100, "PERCENT", "0",
     "share of flows over IPv6", CLV_GROUP_NONE},
    {"vlan", 0, CLV_OPTION_U32, false, AT(vlan), 0, 0, 100, "PERCENT", "0",
     "share of flows with a VLAN tag", CLV_GROUP_NONE},
    {"udp", 0, CLV_OPTION_U32, false, AT(udp), 0, 0, 100, "PERCENT", "0", "share of flows over UDP",
     CLV_GROUP_NONE},
    {"fragments", 0, CLV_OPTION_U32, false, AT(fragments), 0, 0, 100, "PERCENT", "0",
     "share of UDP flows that send fragments", CLV_GROUP_NONE},
    {"other", 0, CLV_OPTION_U32, false, AT(other), 0, 0, 99, "PERCENT", "0",
     "share of packets without an IP address", CLV_GROUP_NONE},
    {"format", 0, CLV_OPTION_WORD, false, AT(format), 0, 0, 0, "pcap|pcap-ns|pcapng", "pcap",
     "format of the capture", CLV_GROUP_OUTPUT},
    {"byte_order", 0, CLV_OPTION_WORD, false, AT(byte_order), 0, 0, 0, "little|big", "little",
     "byte order of the capture", CLV_GROUP_OUTPUT},
    {"related", 0, CLV_OPTION_BOOL, false, AT(related), 0, 0, 0, NULL, NULL,
     "flows that lead to others: lookups, sessions, pages, calls, transfers", CLV_GROUP_NONE},
    {"truth", 0, CLV_OPTION_TEXT, false, AT(truth), 0, 0, 0, "FILE", NULL,
     "also write a CSV of the flows that were made", CLV_GROUP_OUTPUT},
    {"force", 'f', CLV_OPTION_BOOL, false, AT(overwrite), 0, 0, 0, NULL, NULL,
     "replace existing files", CLV_GROUP_OUTPUT},
};

const struct clv_option *clv_traffic_options(size_t i)
{
    return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}
