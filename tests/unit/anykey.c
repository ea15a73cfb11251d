/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"
#include "support_secret.h"

#include "flow/anykey.h"

static struct flow_by by_of(const char *text, bool directed)
{
    struct flow_by by;
    assert_true(flow_by_parse(&by, "by", text, directed, NULL));
    return by;
}

/* A packet of a connection from 10.0.0.2 to 10.0.0.1, port 80, with all that a key can have. */
static struct flow_origin usual(void)
{
    return (struct flow_origin){
        .tuple = {.src = {10, 0, 0, 2},
                  .dst = {10, 0, 0, 1},
                  .sport = 50000,
                  .dport = 80,
                  .proto = CLV_PROTO_TCP,
                  .family = 4,
                  .flags = CLV_TUPLE_PORTS},
        .path = {.src_mac = {2, 0, 0, 0, 0, 1},
                 .dst_mac = {2, 0, 0, 0, 0, 2},
                 .vlan = {5, 7},
                 .id = {16, 4711},
                 .kind = {DECODE_MPLS, DECODE_VXLAN},
                 .n_tunnels = 2,
                 .n_vlans = 2,
                 .has_mac = true},
        .iface = 3,
    };
}

/* The same from the other end. */
static struct flow_origin turned(const struct flow_origin *o)
{
    struct flow_origin back = *o;
    memcpy(back.tuple.src, o->tuple.dst, 16);
    memcpy(back.tuple.dst, o->tuple.src, 16);
    back.tuple.sport = o->tuple.dport;
    back.tuple.dport = o->tuple.sport;
    memcpy(back.path.src_mac, o->path.dst_mac, 6);
    memcpy(back.path.dst_mac, o->path.src_mac, 6);
    return back;
}

struct made {
    struct flow_key key;
    struct flow_extra extra;
    unsigned dir;
};

static struct made make(const struct flow_by *by, const struct flow_origin *o, enum flow_side side)
{
    struct made m;
    memset(&m, 0xff, sizeof m); /* nothing of it may remain */
    m.dir = flow_anykey_settle(by, o, side, &m.key, &m.extra);
    return m;
}

static bool same(const struct made *x, const struct made *y)
{
    const bool equal =
        flow_key_equal(&x->key, &y->key) && memcmp(&x->extra, &y->extra, sizeof x->extra) == 0;
    if (equal)
        CHECK_EQ("equal keys", flow_anykey_hash(&x->key, &x->extra, SECRET),
                 flow_anykey_hash(&y->key, &y->extra, SECRET));
    return equal;
}

static void test_client(void **state)
{
    enum { SYN = 2, ACK = 16, NONE = 0, PORTS = CLV_TUPLE_PORTS };
    static const struct {
        const char *name;
        unsigned proto, flags;
        uint16_t sport, dport;
        unsigned tcp_flags;
        bool want, told;
    } rows[] = {
        {"SYN", 6, PORTS, 80, 50000, SYN, true, true},
        {"SYN and ACK", 6, PORTS, 50000, 80, SYN | ACK, false, true},
        {"SYN without ports", 6, NONE, 0, 0, SYN, true, true},
        {"SYN and ACK without ports", 6, NONE, 0, 0, SYN | ACK, false, true},
        {"ACK to a well-known port", 6, PORTS, 50000, 443, ACK, true, true},
        {"ACK from a well-known port", 6, PORTS, 443, 50000, ACK, false, true},
        {"no TCP: these are no flags", 17, PORTS, 53, 50000, SYN, false, true},
        {"the last well-known port", 17, PORTS, 1023, 1024, NONE, false, true},
        {"the first that is not", 17, PORTS, 1024, 1025, NONE, false, false},
        {"both well-known, to the lower", 17, PORTS, 123, 53, NONE, true, false},
        {"both well-known, from the lower", 17, PORTS, 53, 123, NONE, false, false},
        {"neither, to the lower", 17, PORTS, 50001, 50000, NONE, true, false},
        {"neither, from the lower", 17, PORTS, 50000, 50001, NONE, false, false},
        {"to a service that is known", 6, PORTS, 2848, 6667, ACK, true, false},
        {"from it", 6, PORTS, 6667, 2848, ACK, false, false},
        {"well-known, from a service", 17, PORTS, 53, 54, NONE, false, false},
        {"to port 0", 17, PORTS, 90, 0, NONE, true, false},
        {"equal ports: who speaks first", 17, PORTS, 53, 53, NONE, true, false},
        {"no ports: who speaks first", 1, NONE, 0, 0, NONE, true, true},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct clv_tuple t = {.proto = (uint8_t)rows[i].proto,
                                    .flags = (uint8_t)rows[i].flags,
                                    .sport = rows[i].sport,
                                    .dport = rows[i].dport,
                                    .tcp_flags = (uint8_t)rows[i].tcp_flags,
                                    .family = 4};
        CHECK_EQ(rows[i].name, flow_source_is_client(&t), rows[i].want);
        CHECK_EQ(rows[i].name, flow_client_is_told(&t), rows[i].told);
    }
}

/* What may change in a record. */
enum {
    ADDR = 1 << 0,
    FAMILY = 1 << 1,
    PORT = 1 << 2,
    NO_PORTS = 1 << 3,
    PROTO = 1 << 4,
    OUTER_VLAN = 1 << 5,
    INNER_VLAN = 1 << 6,
    ONE_VLAN = 1 << 7,
    MAC = 1 << 8,
    NO_MAC = 1 << 9,
    TUNNEL = 1 << 10,
    TUNNEL_KIND = 1 << 11,
    ONE_TUNNEL = 1 << 12,
    IFACE = 1 << 13,
    CHANGES = 14,
    OF_IP = ADDR | FAMILY,
    OF_PORT = PORT | NO_PORTS,
    OF_VLAN = OUTER_VLAN | INNER_VLAN | ONE_VLAN,
    OF_MAC = MAC | NO_MAC,
    OF_TUNNEL = TUNNEL | TUNNEL_KIND | ONE_TUNNEL,
};

static struct flow_origin changed(unsigned what)
{
    struct flow_origin o = usual();
    switch (what) {
    case ADDR:
        o.tuple.dst[3] = 9;
        break;
    case FAMILY:
        o.tuple.family = 6;
        break;
    case PORT:
        o.tuple.dport = 81;
        break;
    case NO_PORTS:
        o.tuple.flags = CLV_TUPLE_SHORT;
        o.tuple.sport = o.tuple.dport = 0;
        break;
    case PROTO:
        o.tuple.proto = CLV_PROTO_UDP;
        break;
    case OUTER_VLAN:
        o.path.vlan[0] = 6;
        break;
    case INNER_VLAN:
        o.path.vlan[1] = 6;
        break;
    case ONE_VLAN:
        o.path.n_vlans = 1;
        o.path.vlan[1] = 0;
        break;
    case MAC:
        o.path.dst_mac[5] = 9;
        break;
    case NO_MAC:
        o.path.has_mac = false;
        memset(o.path.src_mac, 0, 6);
        memset(o.path.dst_mac, 0, 6);
        break;
    case TUNNEL:
        o.path.id[1] = 4712;
        break;
    case TUNNEL_KIND:
        o.path.kind[1] = DECODE_GENEVE;
        break;
    case ONE_TUNNEL:
        o.path.n_tunnels = 1;
        o.path.id[1] = o.path.kind[1] = 0;
        break;
    default:
        o.iface = 4;
        break;
    }
    return o;
}

/* Both ends are alike as far as the key takes them. */
static bool one_end(const struct made *m)
{
    return memcmp(m->key.a, m->key.b, 16) == 0 && m->key.a_port == m->key.b_port &&
           memcmp(m->extra.a_mac, m->extra.b_mac, 6) == 0;
}

/* Each field sets apart what differs in it, and nothing else, in both directions. */
static void test_fields(void **state)
{
    static const struct {
        const char *by;
        unsigned apart;
    } rows[] = {
        {"ip", OF_IP},
        {"proto", PROTO},
        {"port", OF_PORT},
        {"vlan", OF_VLAN},
        {"mac", OF_MAC},
        {"tunnel", OF_TUNNEL},
        {"iface", IFACE},
        {"none", 0},
        {"flow", OF_IP | OF_PORT | PROTO},
        {"connection,vlan", OF_IP | OF_PORT | PROTO | OF_VLAN},
        {"3tuple,tunnel", OF_IP | PROTO | OF_TUNNEL},
        {"hostpair,mac,iface", OF_IP | OF_MAC | IFACE},
        {"ip,proto,port,vlan,mac,tunnel,iface",
         OF_IP | OF_PORT | PROTO | OF_VLAN | OF_MAC | OF_TUNNEL | IFACE},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++)
        for (unsigned directed = 0; directed < 2; directed++) {
            const struct flow_by by = by_of(rows[i].by, directed);
            const struct flow_origin o = usual(), back = turned(&o);
            const struct made forth = make(&by, &o, FLOW_SIDE_SOURCE);
            const struct made there = make(&by, &back, FLOW_SIDE_SOURCE);
            CHECK_EQ(rows[i].by, one_end(&forth), by.a == 0);
            CHECK_EQ(rows[i].by, same(&forth, &there), !directed || one_end(&forth));
            CHECK_EQ(rows[i].by, forth.dir + there.dir, !directed && !one_end(&forth));
            CHECK(rows[i].by, !flow_is_other(&forth.key));
            for (unsigned k = 0; k < CHANGES; k++) {
                char row[80];
                const struct flow_origin p = changed(1U << k), q = turned(&p);
                const struct made x = make(&by, &p, FLOW_SIDE_SOURCE);
                const struct made y = make(&by, &q, FLOW_SIDE_SOURCE);
                (void)snprintf(row, sizeof row, "%s, change %u", rows[i].by, k);
                CHECK_EQ(row, same(&forth, &x), !(rows[i].apart >> k & 1));
                CHECK_EQ(row, same(&there, &y), !(rows[i].apart >> k & 1));
                CHECK_EQ(row, same(&x, &y), !directed || one_end(&x));
            }
        }
}

/* The side is given, and no order of addresses matters. */
static void test_sides(void **state)
{
    static const struct {
        const char *by;
        const char *a, *b; /* of the server as a: addresses, '-': left out */
        uint16_t a_port, b_port;
        unsigned proto;
    } rows[] = {
        {"host", "0a000001", "-", 0, 0, 0},
        {"host,port", "0a000001", "-", 80, 0, 0},
        {"host,proto", "0a000001", "-", 0, 0, CLV_PROTO_TCP},
        {"client", "0a000001", "-", 0, 0, 0},
        {"server", "-", "0a000002", 0, 0, 0},
        {"service", "-", "-", 0, 50000, CLV_PROTO_TCP},
        {"client,server", "0a000001", "0a000002", 0, 0, 0},
        {"server,service", "-", "0a000002", 0, 50000, CLV_PROTO_TCP},
        {"client,port", "0a000001", "-", 80, 50000, 0},
        {"server,ip", "0a000001", "0a000002", 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++)
        for (unsigned directed = 0; directed < 2; directed++) {
            const char *row = rows[i].by;
            const struct flow_by by = by_of(row, directed);
            const struct flow_origin o = usual(), back = turned(&o);
            const struct made from = make(&by, &back, FLOW_SIDE_SOURCE);
            const struct made to = make(&by, &o, FLOW_SIDE_DESTINATION);
            struct bytes a = {0}, b = {0};
            put_hex(&a, *rows[i].a == '-' ? "00000000" : rows[i].a);
            put_hex(&b, *rows[i].b == '-' ? "00000000" : rows[i].b);
            CHECK_EQ(row, same(&from, &to), !directed);
            CHECK_EQ(row, from.dir, 0);
            CHECK_EQ(row, to.dir, 1);
            CHECK_MEM(row, to.key.a, a.p, 4);
            CHECK_MEM(row, to.key.b, b.p, 4);
            CHECK_EQ(row, to.key.a_port, rows[i].a_port);
            CHECK_EQ(row, to.key.b_port, rows[i].b_port);
            CHECK_EQ(row, to.key.proto, rows[i].proto);
            bytes_free(&a);
            bytes_free(&b);
        }
}

/* Keys that name no part of the network header do without it. */
static void test_other(void **state)
{
    static const struct {
        const char *by;
        bool other;
    } rows[] = {
        {"ip,vlan", true}, {"proto", true},     {"port", true},  {"host", true},
        {"client", true},  {"service", true},   {"vlan", false}, {"mac", false},
        {"iface", false},  {"tunnel", false},   {"none", false}, {"flow", true},
        {"vlan,ip", true}, {"vlan,mac", false},
    };
    static const struct flow_key nothing;
    static const struct flow_extra no_more;
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct flow_by by = by_of(rows[i].by, false);
        struct flow_origin o = usual();
        o.tuple = (struct clv_tuple){0};
        const struct made m = make(&by, &o, FLOW_SIDE_SOURCE);
        CHECK_EQ(rows[i].by, flow_is_other(&m.key), rows[i].other);
        if (!rows[i].other)
            continue;
        CHECK_EQ(rows[i].by, m.dir, 0);
        CHECK_MEM(rows[i].by, &m.key, &nothing, sizeof nothing);
        CHECK_MEM(rows[i].by, &m.extra, &no_more, sizeof no_more);
    }
}

/* The numbers were worked out by another program: other machines rely on them. */
static void test_shards(void **state)
{
    static const uint32_t n_shards[] = {1, 8, 1000, 65536};
    static const struct {
        const char *by;
        unsigned change;
        uint32_t want[4];
    } rows[] = {
        {"flow", 0, {0, 1, 154, 10156}},
        {"flow", IFACE, {0, 1, 154, 10156}},
        {"flow", OUTER_VLAN, {0, 1, 154, 10156}},
        {"hostpair", 0, {0, 6, 757, 49619}},
        {"vlan,mac,tunnel,iface", 0, {0, 6, 760, 49863}},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct flow_by by = by_of(rows[i].by, false);
        const struct flow_origin o = rows[i].change ? changed(rows[i].change) : usual();
        const struct flow_origin back = turned(&o);
        const struct made x = make(&by, &o, FLOW_SIDE_SOURCE);
        const struct made y = make(&by, &back, FLOW_SIDE_SOURCE);
        for (size_t k = 0; k < N_ROWS(n_shards); k++) {
            const uint32_t n = n_shards[k];
            CHECK_EQ(rows[i].by, flow_shard(&x.key, &x.extra, n), rows[i].want[k]);
            CHECK_EQ(rows[i].by, flow_shard(&y.key, &y.extra, n), rows[i].want[k]);
        }
    }
}

static void test_shard_keys(void **state)
{
    static const uint32_t numbers[] = {0, 1, 255, 256, 65535, UINT32_MAX};
    struct made x = {.dir = 0}, y = {.dir = 0};
    (void)state;
    for (size_t i = 0; i < N_ROWS(numbers); i++) {
        char row[16];
        (void)snprintf(row, sizeof row, "%u", numbers[i]);
        memset(&x, 0xff, sizeof x);
        memset(&y, 0, sizeof y);
        flow_shard_key(&x.key, &x.extra, numbers[i]);
        flow_shard_key(&y.key, &y.extra, numbers[i]);
        CHECK(row, same(&x, &y));
        CHECK_EQ(row, flow_shard_of(&x.key), numbers[i]);
        CHECK(row, !flow_is_other(&x.key) && (x.key.has & FLOW_HAS_SHARD));
    }
}

UNIT(anykey)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client), cmocka_unit_test(test_fields),
        cmocka_unit_test(test_sides),  cmocka_unit_test(test_other),
        cmocka_unit_test(test_shards), cmocka_unit_test(test_shard_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
