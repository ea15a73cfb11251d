/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"

#include "cleave/packet.h"

#define MACS "000001000002 000001000001 "
#define ADDRS "0a000001 0a000002 "
/* 10.0.0.1:50000 to 10.0.0.2:80, 4 bytes of payload */
#define TCP4 "c350 0050 00000001 00000000 5018 ffff 0000 0000 01020304"
#define IP_TCP "4500 002c 0000 0000 4006 0000 " ADDRS
/* 192.168.0.1:1 to 192.168.0.2:2, 3 bytes */
#define IN_ADDRS "c0a80001 c0a80002 "
#define IN_UDP "4500 001f 0000 0000 4011 0000 " IN_ADDRS "0001 0002 000b 0000 010203"
#define V6_ADDRS "20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002 "

enum { NONE = -1, ETHERNET = 1, RAW = 101, UPPER_PDU = 252 };

struct row {
    const char *name;
    uint16_t linktype;
    bool inner;
    const char *hex;
    bool found;
    uint8_t proto;
    int network, transport, payload; /* bytes */
    uint32_t payload_len;
    uint8_t n_vlans, n_tunnels, n_carriers;
    const char *carrier; /* the last one's name */
};

static const struct row rows[] = {
    {"TCP", RAW, false, IP_TCP TCP4, true, 6, 0, 20, 40, 4, 0, 0, 0, NULL},
    {"TCP in Ethernet, padded", ETHERNET, false, MACS "0800 " IP_TCP TCP4 "00000000", true, 6, 14,
     34, 54, 4, 0, 0, 0, NULL},
    {"TCP with options", RAW, false,
     "4500 002c 0000 0000 4006 0000 " ADDRS "c350 0050 00000001 00000000 6018 ffff 0000 0000 "
     "01010101",
     true, 6, 0, 20, 44, 0, 0, 0, 0, NULL},
    {"TCP, data offset too small", RAW, false,
     "4500 002c 0000 0000 4006 0000 " ADDRS "c350 0050 00000001 00000000 4018 ffff 0000 0000 "
     "01010101",
     true, 6, 0, 20, 44, 0, 0, 0, 0, NULL},
    {"TCP, header cut", RAW, false, IP_TCP "c350 0050 00000001 00000000 5018", true, 6, 0, 20, 34,
     0, 0, 0, 0, NULL},
    {"TCP, no ports", RAW, false, IP_TCP "c350", true, 6, 0, 20, 22, 0, 0, 0, 0, NULL},
    {"IPv4 header cut", RAW, false, "4600 002c 0000 0000 4006 0000 " ADDRS, true, 6, 0, 20, 20, 0,
     0, 0, 0, NULL},
    {"IPv4 options", RAW, false, "4600 0030 0000 0000 4006 0000 " ADDRS "94040000 " TCP4, true, 6,
     0, 24, 44, 4, 0, 0, 0, NULL},
    {"UDP", RAW, false, IN_UDP, true, 17, 0, 20, 28, 3, 0, 0, 0, NULL},
    {"UDP, shorter than IP says", RAW, false,
     "4500 001f 0000 0000 4011 0000 " IN_ADDRS "0001 0002 0009 0000 010203", true, 17, 0, 20, 28, 1,
     0, 0, 0, NULL},
    {"UDP, length 0", RAW, false,
     "4500 001f 0000 0000 4011 0000 " IN_ADDRS "0001 0002 0000 0000 010203", true, 17, 0, 20, 28, 3,
     0, 0, 0, NULL},
    {"UDP-Lite, coverage 8", RAW, false,
     "4500 001f 0000 0000 4088 0000 " IN_ADDRS "0001 0002 0008 0000 010203", true, 136, 0, 20, 28,
     3, 0, 0, 0, NULL},
    {"SCTP", RAW, false, "4500 0022 0000 0000 4084 0000 " ADDRS "0001 0002 00000000 00000000 0102",
     true, 132, 0, 20, 32, 2, 0, 0, 0, NULL},
    {"DCCP", RAW, false,
     "4500 0026 0000 0000 4021 0000 " ADDRS "0001 0002 04 00 0000 00 000000 00000000 0102", true,
     33, 0, 20, 36, 2, 0, 0, 0, NULL},
    {"ICMP", RAW, false, "4500 001c 0000 0000 4001 0000 " ADDRS "0800 0000 0001 0002", true, 1, 0,
     20, 20, 8, 0, 0, 0, NULL},
    {"IPv6 with hop-by-hop options", RAW, false,
     "6000 0000 0011 00 40 " V6_ADDRS "1100 0104 00000000 0001 0002 0009 0000 07", true, 17, 0, 48,
     56, 1, 0, 0, 0, NULL},
    {"IPv6, extension header cut", RAW, false, "6000 0000 0011 00 40 " V6_ADDRS "1100 0104", true,
     17, 0, 44, 44, 0, 0, 0, 0, NULL},
    {"two VLANs", ETHERNET, false, MACS "88a8 0001 8100 0002 0800 " IP_TCP TCP4, true, 6, 22, 42,
     62, 4, 2, 0, 0, NULL},
    {"ARP in a VLAN", ETHERNET, false, MACS "8100 0007 0806 0001080006040001", false, 0, NONE, NONE,
     NONE, 0, 1, 0, 0, NULL},
    {"MPLS", ETHERNET, false, MACS "8847 00010140 " IP_TCP TCP4, true, 6, 18, 38, 58, 4, 0, 1, 0,
     NULL},
    {"VXLAN, the outermost", RAW, false,
     "4500 0051 0000 0000 4011 0000 " ADDRS "c350 12b5 003d 0000 0800000000002a00 " MACS
     "0800 " IN_UDP,
     true, 17, 0, 20, 28, 53, 0, 1, 1, "VXLAN"},
    {"VXLAN, the inner", RAW, true,
     "4500 0055 0000 0000 4011 0000 " ADDRS "c350 12b5 0041 0000 0800000000002a00 " MACS
     "8100 0009 0800 " IN_UDP,
     true, 17, 54, 74, 82, 3, 1, 1, 1, "VXLAN"},
    {"IP in IP, the inner", RAW, true, "4500 0033 0000 0000 4004 0000 " ADDRS IN_UDP, true, 17, 20,
     40, 48, 3, 0, 0, 1, "IP in IP"},
    {"IP in IP, the outermost", RAW, false, "4500 0033 0000 0000 4004 0000 " ADDRS IN_UDP, true, 4,
     0, 20, 20, 31, 0, 0, 1, "IP in IP"},
    {"GRE in IP in IP", RAW, true,
     "4500 004b 0000 0000 4004 0000 " ADDRS "4500 0037 0000 0000 402f 0000 " ADDRS
     "0000 0800 " IN_UDP,
     true, 17, 44, 64, 72, 3, 0, 0, 2, "GRE"},
    {"VXLAN of nothing sound", RAW, true,
     "4500 002a 0000 0000 4011 0000 " ADDRS "c350 12b5 0016 0000 0800000000002a00 010203040506",
     true, 17, 0, 20, 28, 14, 0, 1, 0, NULL},
    {"AH", RAW, true,
     "4500 002b 0000 0000 4033 0000 " ADDRS "1101 0000 00000001 00000002 0001 0002 000b 0000 "
     "010203",
     true, 17, 0, 32, 40, 3, 0, 0, 0, NULL},
    {"AH before a tunnel of nothing sound", RAW, true,
     "4500 002a 0000 0000 4033 0000 " ADDRS "0401 0000 00000001 00000002 4500 0014 0000 2000 4011",
     true, 4, 0, 32, 32, 10, 0, 0, 0, NULL},
    {"Ethernet in segment routing", RAW, true, "6000 0000 002d 8f 40 " V6_ADDRS MACS "0800 " IN_UDP,
     true, 17, 54, 74, 82, 3, 0, 0, 1, "Ethernet"},
    {"addresses of an exported PDU", UPPER_PDU, false,
     "0014 0004 0a000001 0015 0004 0a000002 0018 0004 00000003 0019 0004 00000001 "
     "001a 0004 00000002 0000 0000 0102",
     true, 17, NONE, NONE, NONE, 0, 0, 0, 0, NULL},
    {"an unknown link type", 9999, false, IP_TCP TCP4, false, 0, NONE, NONE, NONE, 0, 0, 0, 0,
     NULL},
    {"nothing", ETHERNET, false, "", false, 0, NONE, NONE, NONE, 0, 0, 0, 0, NULL},
};

static void describe(const struct row *r, struct clv_packet_desc *desc)
{
    struct bytes b = {0};
    put_hex(&b, r->hex);
    uint8_t *const block = tight_copy(b.p, b.len);
    memset(desc, 0xa5, sizeof *desc);
    CHECK_EQ(r->name,
             clv_packet_describe(r->linktype, b.len ? block : block + 1, (uint32_t)b.len,
                                 r->inner ? CLV_DESCRIBE_INNER : 0, desc),
             r->found);
    struct clv_tuple outermost;
    CHECK_EQ(r->name,
             clv_packet_tuple(r->linktype, b.len ? block : block + 1, (uint32_t)b.len, &outermost),
             r->found);
    CHECK_MEM(r->name, &desc->outer, &outermost, sizeof outermost);
    if (!r->inner)
        CHECK_MEM(r->name, &desc->tuple, &outermost, sizeof outermost);
    free(block);
    bytes_free(&b);
}

static void test_describe(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct row *r = &rows[i];
        struct clv_packet_desc desc;
        describe(r, &desc);
        CHECK_EQ(r->name, desc.tuple.proto, r->proto);
        CHECK_EQ(r->name, desc.network_at, (uint32_t)r->network);
        CHECK_EQ(r->name, desc.transport_at, (uint32_t)r->transport);
        CHECK_EQ(r->name, desc.payload_at, (uint32_t)r->payload);
        CHECK_EQ(r->name, desc.payload_len, r->payload_len);
        CHECK_EQ(r->name, desc.n_vlans, r->n_vlans);
        CHECK_EQ(r->name, desc.n_tunnels, r->n_tunnels);
        CHECK_EQ(r->name, desc.n_carriers, r->n_carriers);
        if (r->n_carriers)
            CHECK_STR(r->name, desc.carrier[r->n_carriers - 1], r->carrier);
        CHECK(r->name, !desc.fragment);
    }
}

static void test_path(void **state)
{
    static const uint8_t src[6] = {0, 0, 1, 0, 0, 1}, dst[6] = {0, 0, 1, 0, 0, 2};
    const struct row qinq = {
        .name = "QinQ",
        .linktype = ETHERNET,
        .hex = MACS "88a8 0fff 8100 6002 0800 " IP_TCP TCP4,
        .found = true,
    };
    const struct row tunnels = {
        .name = "GRE with a key in MPLS",
        .linktype = ETHERNET,
        .inner = true,
        .hex =
            MACS "8847 00010140 4500 003b 0000 0000 402f 0000 " ADDRS "2000 0800 0000002a " IN_UDP,
        .found = true,
    };
    struct clv_packet_desc desc;
    (void)state;
    describe(&qinq, &desc);
    assert_true(desc.has_mac);
    assert_memory_equal(desc.src_mac, src, sizeof src);
    assert_memory_equal(desc.dst_mac, dst, sizeof dst);
    assert_int_equal(desc.n_vlans, 2);
    assert_int_equal(desc.vlan[0], 0x0fff);
    assert_int_equal(desc.vlan[1], 2);
    describe(&tunnels, &desc);
    assert_int_equal(desc.n_tunnels, 2);
    assert_int_equal(desc.tunnel[0].kind, CLV_TUNNEL_MPLS);
    assert_int_equal(desc.tunnel[0].id, 16);
    assert_int_equal(desc.tunnel[1].kind, CLV_TUNNEL_GRE);
    assert_int_equal(desc.tunnel[1].id, 42);
    assert_int_equal(desc.tuple.src[0], 192);
    assert_int_equal(desc.outer.src[0], 10);
}

static void test_fragments(void **state)
{
    static const struct {
        const char *name, *hex;
        uint32_t id, payload_at, payload_len;
        uint16_t off;
        bool fragment, more;
    } fragments[] = {
        {"IPv4, first",
         "4500 0024 1234 2000 4011 0000 " ADDRS "0001 0002 0008 0000 0102030405060708", 0x1234, 28,
         0, 0, true, true},
        {"IPv4, later", "4500 001c 1234 0001 4011 0000 " ADDRS "0102030405060708", 0x1234, 20, 8, 8,
         true, false},
        {"IPv4, later, header cut", "4600 001c 1234 0001 4011 0000 " ADDRS "0102", 0x1234, 22, 0, 8,
         true, false},
        {"IPv6, first",
         "6000 0000 0018 2c 40 " V6_ADDRS "1100 0001 00000007 0001 0002 0010 0000 "
         "0102030405060708",
         7, 56, 8, 0, true, true},
        {"IPv6, later", "6000 0000 0010 2c 40 " V6_ADDRS "1100 0009 00000007 0102030405060708", 7,
         48, 8, 8, true, true},
        {"IPv6, atomic",
         "6000 0000 0012 2c 40 " V6_ADDRS "1100 0000 00000007 0001 0002 000a 0000 0102", 0, 56, 2,
         0, false, false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(fragments); i++) {
        const struct row r = {
            .name = fragments[i].name, .linktype = RAW, .hex = fragments[i].hex, .found = true};
        struct clv_packet_desc desc;
        describe(&r, &desc);
        CHECK_EQ(r.name, desc.fragment, fragments[i].fragment);
        CHECK_EQ(r.name, desc.fragment_id, fragments[i].id);
        CHECK_EQ(r.name, desc.fragment_off, fragments[i].off);
        CHECK_EQ(r.name, desc.fragment_more, fragments[i].more);
        CHECK_EQ(r.name, desc.payload_at, fragments[i].payload_at);
        CHECK_EQ(r.name, desc.payload_len, fragments[i].payload_len);
    }
}

/* Of every prefix of every row, and with noise in it, all places are within what was captured. */
static void test_bounds(void **state)
{
    uint64_t seed = 20261126;
    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        for (size_t i = 0; i < N_ROWS(rows); i++) {
            struct bytes b = {0};
            put_hex(&b, rows[i].hex);
            for (unsigned k = 0; b.len && k < round % 8; k++)
                b.p[noise(&seed) % b.len] = (uint8_t)(noise(&seed) >> 56);
            for (uint32_t n = 0; n <= b.len; n++) {
                uint8_t *const block = tight_copy(b.p, n);
                struct clv_packet_desc d;
                const bool found = clv_packet_describe(rows[i].linktype, n ? block : block + 1, n,
                                                       round % 2 ? CLV_DESCRIBE_INNER : 0, &d);
                CHECK_EQ(rows[i].name, found, d.tuple.family != 0);
                CHECK(rows[i].name, d.n_vlans <= 2 && d.n_tunnels <= CLV_TUNNELS);
                CHECK(rows[i].name, d.n_carriers <= CLV_TUNNELS);
                if (d.network_at != CLV_NO_PLACE) {
                    CHECK(rows[i].name, found && d.network_at < d.transport_at);
                    CHECK(rows[i].name, d.transport_at <= d.payload_at && d.payload_at <= n);
                    CHECK(rows[i].name, d.payload_len <= n - d.payload_at);
                }
                free(block);
            }
            bytes_free(&b);
        }
    }
}

UNIT(describe)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
