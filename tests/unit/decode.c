/* SPDX-License-Identifier: BSD-2-Clause */
#include <pcap/pcap.h>

#include "support_bytes.h"

#include "decode/decode.h"

/* 10.0.0.1:50000 to 10.0.0.2:80, a SYN */
#define V4_ADDRS "0a000001 0a000002 "
#define V4_TCP                                                                                     \
    "4500 0028 0000 0000 4006 0000 " V4_ADDRS "c350 0050 00000001 00000000 5002 ffff 0000 0000"
/* 2001:db8::1 port 50000 to 2001:db8::2 port 53 */
#define V6_ADDRS "20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002 "
#define V6_UDP "6000 0000 0008 11 40 " V6_ADDRS "c350 0035 0008 0000"
#define MACS "000001000002 000001000001 "
#define SLL_HEAD "0000 0001 0006 000001000001 0000 "
#define SLL2_TAIL "0000 00000003 0001 00 06 000001000001 0000 "

enum {
    ETHERNET = 1,
    PPP = 9,
    HDLC = 50,
    PPPOE = 51,
    RAW = 101,
    CHDLC = 104,
    LOOP = 108,
    SLL = 113
};

struct link_row {
    const char *name;
    uint16_t linktype;
    const char *before; /* the network header, hexadecimal */
    unsigned family;    /* 4: V4_TCP follows and is found; 6: V6_UDP; 0: V4_TCP, not to be found */
};

static const struct link_row link_rows[] = {
    {"Ethernet, IPv4", ETHERNET, MACS "0800", 4},
    {"Ethernet, IPv6", ETHERNET, MACS "86dd", 6},
    {"VLAN, IPv4", ETHERNET, MACS "8100 0064 0800", 4},
    {"VLAN, IPv6", ETHERNET, MACS "8100 6064 86dd", 6},
    {"QinQ", ETHERNET, MACS "88a8 0001 8100 0002 0800", 4},
    {"QinQ 0x9100", ETHERNET, MACS "9100 0001 8100 0002 0800", 4},
    {"QinQ 0x9200", ETHERNET, MACS "9200 0001 8100 0002 0800", 4},
    {"QinQ 0x9300", ETHERNET, MACS "9300 0001 9300 0002 86dd", 6},
    {"four tags", ETHERNET, MACS "8100 0001 8100 0002 8100 0003 8100 0004 0800", 4},
    {"MPLS", ETHERNET, MACS "8847 00010140", 4},
    {"MPLS, three labels", ETHERNET, MACS "8847 00010040 00020040 00030140", 4},
    {"MPLS, IPv6", ETHERNET, MACS "8847 00002140", 6},
    {"MPLS multicast", ETHERNET, MACS "8848 00010140", 4},
    {"VLAN, MPLS", ETHERNET, MACS "8100 0064 8847 00010140", 4},
    {"MPLS that does not end", ETHERNET, MACS "8847 00010040 00020040", 0},
    {"MPLS, pseudowire control word", ETHERNET, MACS "8847 00010140 00000000", 0},
    {"PPPoE, IPv4", ETHERNET, MACS "8864 1100 0001 002a 0021", 4},
    {"PPPoE, IPv6", ETHERNET, MACS "8864 1100 0001 0032 0057", 6},
    {"PPPoE, compressed protocol", ETHERNET, MACS "8864 1100 0001 0029 21", 4},
    {"VLAN, PPPoE", ETHERNET, MACS "8100 0007 8864 1100 0001 002a 0021", 4},
    {"PPPoE, MPLS", ETHERNET, MACS "8864 1100 0001 002e 0281 00010140", 4},
    {"PPPoE, LCP", ETHERNET, MACS "8864 1100 0001 002a c021", 0},
    {"PPPoE discovery", ETHERNET, MACS "8863 1109 0000 0028", 0},
    {"LLC with IP", ETHERNET, MACS "002b 060603", 4},
    {"LLC and SNAP", ETHERNET, MACS "0030 aaaa03 000000 0800", 4},
    {"LLC and SNAP, IPv6", ETHERNET, MACS "0038 aaaa03 000000 86dd", 6},
    {"LLC and SNAP, 802.1H", ETHERNET, MACS "0030 aaaa03 0000f8 0800", 4},
    {"LLC and SNAP, VLAN", ETHERNET, MACS "0034 aaaa03 000000 8100 0064 0800", 4},
    {"VLAN, LLC and SNAP", ETHERNET, MACS "8100 0064 0030 aaaa03 000000 0800", 4},
    {"LLC, longest length", ETHERNET, MACS "05dc aaaa03 000000 0800", 4},
    {"LLC, neither length nor type", ETHERNET, MACS "05dd aaaa03 000000 0800", 0},
    {"LLC, still neither", ETHERNET, MACS "05ff aaaa03 000000 0800", 0},
    {"SNAP of Cisco", ETHERNET, MACS "0030 aaaa03 00000c 2000", 0},
    {"SNAP of Cisco, type of IP", ETHERNET, MACS "0030 aaaa03 00000c 0800", 0},
    {"spanning tree", ETHERNET, MACS "0026 424203", 0},
    {"LLC, SAPs that differ", ETHERNET, MACS "0030 aa0603 000000 0800", 0},
    {"ARP", ETHERNET, MACS "0806", 0},
    {"LLDP", ETHERNET, MACS "88cc", 0},
    {"length 0", ETHERNET, MACS "0000", 0},
    {"SLL, IPv4", SLL, SLL_HEAD "0800", 4},
    {"SLL, IPv6", SLL, SLL_HEAD "86dd", 6},
    {"SLL, VLAN", SLL, SLL_HEAD "8100 0064 0800", 4},
    {"SLL, LLC", SLL, SLL_HEAD "0004 aaaa03 000000 0800", 4},
    {"SLL, Novell", SLL, SLL_HEAD "0001", 0},
    {"SLL, ARP", SLL, SLL_HEAD "0806", 0},
    {"SLL2, IPv4", 276, "0800 " SLL2_TAIL, 4},
    {"SLL2, IPv6", 276, "86dd " SLL2_TAIL, 6},
    {"SLL2, VLAN", 276, "8100 " SLL2_TAIL "0064 0800", 4},
    {"SLL2, LLC", 276, "0004 " SLL2_TAIL "aaaa03 000000 0800", 4},
    {"SLL2, ARP", 276, "0806 " SLL2_TAIL, 0},
    {"NULL, little", 0, "02000000", 4},
    {"NULL, big", 0, "00000002", 4},
    {"NULL, Linux IPv6", 0, "0a000000", 6},
    {"NULL, NetBSD IPv6", 0, "18000000", 6},
    {"NULL, FreeBSD IPv6", 0, "1c000000", 6},
    {"NULL, Darwin IPv6", 0, "1e000000", 6},
    {"NULL, NetBSD IPv6, big", 0, "00000018", 6},
    {"NULL, FreeBSD IPv6, big", 0, "0000001c", 6},
    {"NULL, Darwin IPv6, big", 0, "0000001e", 6},
    {"NULL, EtherType", 0, "00080000", 4},
    {"NULL, EtherType, big", 0, "000086dd", 6},
    {"NULL, PPP", 0, "ff030021", 4},
    {"NULL, no family of IP", 0, "07000000", 0},
    {"LOOP, IPv4", LOOP, "00000002", 4},
    {"LOOP, IPv6", LOOP, "00000018", 6},
    {"LOOP, the wrong order", LOOP, "02000000", 0},
    {"PPP, IPv4", PPP, "ff03 0021", 4},
    {"PPP, IPv6", PPP, "ff03 0057", 6},
    {"PPP without address", PPP, "0021", 4},
    {"PPP, one byte of protocol", PPP, "21", 4},
    {"PPP, address, one byte", PPP, "ff03 57", 6},
    {"PPP, MPLS", PPP, "ff03 0281 00010140", 4},
    {"PPP, MPLS multicast", PPP, "ff03 0283 00010140", 4},
    {"PPP, LCP", PPP, "ff03 c021", 0},
    {"PPP_HDLC, IPv4", HDLC, "ff03 0021", 4},
    {"PPP_HDLC, IPv6", HDLC, "ff03 0057", 6},
    {"PPP_HDLC, Cisco", HDLC, "0f00 0800", 4},
    {"PPP_HDLC, Cisco multicast", HDLC, "8f00 86dd", 6},
    {"PPP_ETHER, IPv4", PPPOE, "1100 0001 002a 0021", 4},
    {"PPP_ETHER, IPv6", PPPOE, "1100 0001 0032 0057", 6},
    {"C_HDLC, IPv4", CHDLC, "0f00 0800", 4},
    {"C_HDLC, IPv6", CHDLC, "8f00 86dd", 6},
    {"C_HDLC, MPLS", CHDLC, "0f00 8847 00010140", 4},
    {"C_HDLC, SLARP", CHDLC, "8f00 8035", 0},
    {"RAW, IPv4", RAW, "", 4},
    {"RAW, IPv6", RAW, "", 6},
    {"RAW as 12", 12, "", 4},
    {"RAW as 14", 14, "", 6},
    {"IPV4", 228, "", 4},
    {"IPV6", 229, "", 6},
    {"802.11", 105, "", 0},
    {"no link type", 65535, "", 0},
};

static bool decode_tight(uint16_t linktype, const uint8_t *p, size_t n, struct clv_tuple *t)
{
    uint8_t *block = tight_copy(p, n);
    memset(t, 0xa5, sizeof *t);
    const bool found = clv_packet_tuple(linktype, n ? block : block + 1, (uint32_t)n, t);
    free(block);
    return found;
}

/*
 * Every prefix of every frame: addresses as soon as the network header is whole, ports as soon as
 * they are, nothing ever read beyond.
 */
static void test_links(void **state)
{
    static const struct clv_tuple nothing;
    static const uint8_t v4_src[16] = {10, 0, 0, 1}, v4_dst[16] = {10, 0, 0, 2};
    (void)state;
    for (size_t i = 0; i < N_ROWS(link_rows); i++) {
        const struct link_row *r = &link_rows[i];
        struct bytes b = {0}, v6 = {0};
        struct clv_tuple t;
        put_hex(&v6, V6_ADDRS);
        put_hex(&b, r->before);
        const size_t link = b.len, network = r->family == 6 ? 40 : 20;
        put_hex(&b, r->family == 6 ? V6_UDP : V4_TCP);
        for (size_t n = 0; n <= b.len; n++) {
            char row[64];
            (void)snprintf(row, sizeof row, "%s, %zu of %zu bytes", r->name, n, b.len);
            const bool found = decode_tight(r->linktype, b.p, n, &t);
            CHECK_EQ(row, found, r->family && n >= link + network);
            if (!found) {
                CHECK_MEM(row, &t, &nothing, sizeof t);
                continue;
            }
            const bool ports = n >= link + network + 4;
            CHECK_EQ(row, t.family, r->family);
            CHECK_EQ(row, t.proto, r->family == 6 ? CLV_PROTO_UDP : CLV_PROTO_TCP);
            CHECK_MEM(row, t.src, r->family == 6 ? v6.p : v4_src, 16);
            CHECK_MEM(row, t.dst, r->family == 6 ? v6.p + 16 : v4_dst, 16);
            CHECK_EQ(row, t.flags, ports ? CLV_TUPLE_PORTS : CLV_TUPLE_SHORT);
            CHECK_EQ(row, t.sport, ports ? 50000 : 0);
            CHECK_EQ(row, t.dport, !ports ? 0 : r->family == 6 ? 53 : 80);
            CHECK_EQ(row, t.tcp_flags, r->family == 4 && n >= link + network + 14 ? 2 : 0);
        }
        bytes_free(&b);
        bytes_free(&v6);
    }
}

struct network_row {
    const char *name;
    const char *hex; /* from the network header on */
    unsigned family; /* 0: no network address */
    unsigned proto, flags, sport, dport, tcp_flags;
};

#define PORTS CLV_TUPLE_PORTS
#define FRAGMENT CLV_TUPLE_FRAGMENT
#define SHORT CLV_TUPLE_SHORT
#define TCP_ACK_80 "c350 0050 00000001 00000002 5010 ffff 0000 0000"
#define UDP_53 "c350 0035 0008 0000"

static const struct network_row network_rows[] = {
    {"IPv4, TCP", V4_TCP, 4, 6, PORTS, 50000, 80, 2},
    {"IPv4, TCP, ACK", "4500 0028 0000 0000 4006 0000 " V4_ADDRS TCP_ACK_80, 4, 6, PORTS, 50000, 80,
     0x10},
    {"IPv4, TCP, all flags",
     "4500 0028 0000 0000 4006 0000 " V4_ADDRS "c350 0050 00000001 00000002 50ff ffff 0000 0000", 4,
     6, PORTS, 50000, 80, 0xff},
    {"IPv4, UDP", "4500 001c 0000 0000 4011 0000 " V4_ADDRS UDP_53, 4, 17, PORTS, 50000, 53, 0},
    {"IPv4, DCCP", "4500 001c 0000 0000 4021 0000 " V4_ADDRS UDP_53, 4, 33, PORTS, 50000, 53, 0},
    {"IPv4, SCTP", "4500 001c 0000 0000 4084 0000 " V4_ADDRS UDP_53, 4, 132, PORTS, 50000, 53, 0},
    {"IPv4, UDP-Lite", "4500 001c 0000 0000 4088 0000 " V4_ADDRS UDP_53, 4, 136, PORTS, 50000, 53,
     0},
    {"IPv4, port 0", "4500 001c 0000 0000 4011 0000 " V4_ADDRS "0000 0000 0008 0000", 4, 17, PORTS,
     0, 0, 0},
    {"IPv4, ICMP", "4500 001c 0000 0000 4001 0000 " V4_ADDRS "0800 0000 1234 0001", 4, 1, 0, 0, 0,
     0},
    {"IPv4, GRE stays closed",
     "4500 0040 0000 0000 402f 0000 " V4_ADDRS "0000 0800 "
     "4500 0028 0000 0000 4006 0000 "
     "01010101 02020202 c350 0050 00000001 00000000 5002 ffff 0000 0000",
     4, 47, 0, 0, 0, 0},
    {"IPv4 in IPv4 stays closed", "4500 003c 0000 0000 4004 0000 " V4_ADDRS V4_TCP, 4, 4, 0, 0, 0,
     0},
    {"IPv4, one option", "4600 002c 0000 0000 4006 0000 " V4_ADDRS "94040000 " TCP_ACK_80, 4, 6,
     PORTS, 50000, 80, 0x10},
    {"IPv4, 40 bytes of options",
     "4f00 0044 0000 0000 4011 0000 " V4_ADDRS "01010101 01010101 01010101 01010101 01010101 "
     "01010101 01010101 01010101 01010101 01010101 " UDP_53,
     4, 17, PORTS, 50000, 53, 0},
    {"IPv4, options cut off", "4f00 0044 0000 0000 4011 0000 " V4_ADDRS "01010101", 4, 17, SHORT, 0,
     0, 0},
    {"IPv4, options cut off, no transport with ports",
     "4f00 0044 0000 0000 4001 0000 " V4_ADDRS "01010101", 4, 1, 0, 0, 0, 0},
    {"IPv4, header of 16 bytes", "4400 0028 0000 0000 4006 0000 " V4_ADDRS TCP_ACK_80, 0, 0, 0, 0,
     0, 0},
    {"IPv4, header of 0 bytes", "4000 0028 0000 0000 4006 0000 " V4_ADDRS TCP_ACK_80, 0, 0, 0, 0, 0,
     0},
    {"IPv4, total length below the header", "4500 0013 0000 0000 4006 0000 " V4_ADDRS TCP_ACK_80, 0,
     0, 0, 0, 0, 0},
    {"IPv4, 19 bytes", "4500 0028 0000 0000 4006 0000 0a000001 0a0000", 0, 0, 0, 0, 0, 0},
    {"version 5", "5500 0028 0000 0000 4006 0000 " V4_ADDRS TCP_ACK_80, 0, 0, 0, 0, 0, 0},
    {"IPv4, do not fragment", "4500 0028 0000 4000 4006 0000 " V4_ADDRS TCP_ACK_80, 4, 6, PORTS,
     50000, 80, 0x10},
    {"IPv4, reserved bit", "4500 0028 0000 8000 4006 0000 " V4_ADDRS TCP_ACK_80, 4, 6, PORTS, 50000,
     80, 0x10},
    {"IPv4, first fragment", "4500 0028 0001 2000 4006 0000 " V4_ADDRS TCP_ACK_80, 4, 6, PORTS,
     50000, 80, 0x10},
    {"IPv4, middle fragment", "4500 0028 0001 2001 4006 0000 " V4_ADDRS TCP_ACK_80, 4, 6, FRAGMENT,
     0, 0, 0},
    {"IPv4, last fragment", "4500 0028 0001 1fff 4006 0000 " V4_ADDRS TCP_ACK_80, 4, 6, FRAGMENT, 0,
     0, 0},
    {"IPv4, later fragment of 0 bytes", "4500 0014 0001 0001 4011 0000 " V4_ADDRS, 4, 17, FRAGMENT,
     0, 0, 0},
    {"IPv4, total length 0", "4500 0000 0000 0000 4006 0000 " V4_ADDRS TCP_ACK_80, 4, 6, PORTS,
     50000, 80, 0x10},
    {"IPv4, total length 0, header alone", "4500 0000 0000 0000 4006 0000 " V4_ADDRS, 4, 6, SHORT,
     0, 0, 0},
    {"IPv4, padding is no TCP header", "4500 0014 0000 0000 4006 0000 " V4_ADDRS TCP_ACK_80, 4, 6,
     SHORT, 0, 0, 0},
    {"IPv4, half a port, then padding", "4500 0017 0000 0000 4006 0000 " V4_ADDRS TCP_ACK_80, 4, 6,
     SHORT, 0, 0, 0},
    {"IPv4, padding is no TCP flags", "4500 0018 0000 0000 4006 0000 " V4_ADDRS TCP_ACK_80, 4, 6,
     PORTS, 50000, 80, 0},
    {"IPv4, cut before the ports", "4500 0028 0000 0000 4006 0000 " V4_ADDRS, 4, 6, SHORT, 0, 0, 0},
    {"IPv4, cut within the ports", "4500 0028 0000 0000 4006 0000 " V4_ADDRS "c350 00", 4, 6, SHORT,
     0, 0, 0},
    {"IPv4, cut behind the ports", "4500 0028 0000 0000 4006 0000 " V4_ADDRS "c350 0050", 4, 6,
     PORTS, 50000, 80, 0},
    {"IPv4, more promised than captured", "4500 ffff 0000 0000 4006 0000 " V4_ADDRS TCP_ACK_80, 4,
     6, PORTS, 50000, 80, 0x10},

    {"IPv6, UDP", V6_UDP, 6, 17, PORTS, 50000, 53, 0},
    {"IPv6, TCP", "6000 0000 0014 06 40 " V6_ADDRS TCP_ACK_80, 6, 6, PORTS, 50000, 80, 0x10},
    {"IPv6, traffic class and flow label", "6ff1 2345 0008 11 40 " V6_ADDRS UDP_53, 6, 17, PORTS,
     50000, 53, 0},
    {"IPv6, ICMPv6", "6000 0000 0008 3a 40 " V6_ADDRS "8000 0000 1234 0001", 6, 58, 0, 0, 0, 0},
    {"IPv6, no next header", "6000 0000 0008 3b 40 " V6_ADDRS UDP_53, 6, 59, 0, 0, 0, 0},
    {"IPv6, ESP", "6000 0000 0008 32 40 " V6_ADDRS UDP_53, 6, 50, 0, 0, 0, 0},
    {"IPv6, an unknown protocol", "6000 0000 0008 fd 40 " V6_ADDRS UDP_53, 6, 253, 0, 0, 0, 0},
    {"IPv6, payload length 0", "6000 0000 0000 11 40 " V6_ADDRS UDP_53, 6, 17, PORTS, 50000, 53, 0},
    {"IPv6, padding is no UDP header", "6000 0000 0003 11 40 " V6_ADDRS UDP_53, 6, 17, SHORT, 0, 0,
     0},
    {"IPv6, padding is no TCP flags", "6000 0000 0004 06 40 " V6_ADDRS TCP_ACK_80, 6, 6, PORTS,
     50000, 80, 0},
    {"IPv6, more promised than captured", "6000 0000 ffff 11 40 " V6_ADDRS UDP_53, 6, 17, PORTS,
     50000, 53, 0},
    {"IPv6, header alone", "6000 0000 0008 11 40 " V6_ADDRS, 6, 17, SHORT, 0, 0, 0},
    {"IPv6, 39 bytes",
     "6000 0000 0008 11 40 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 000000",
     0, 0, 0, 0, 0, 0},
    {"IPv6, hop-by-hop", "6000 0000 0010 00 40 " V6_ADDRS "1100 0502 0000 0100 " UDP_53, 6, 17,
     PORTS, 50000, 53, 0},
    {"IPv6, hop-by-hop of 16 bytes",
     "6000 0000 0018 00 40 " V6_ADDRS "1101 0000 00000000 00000000 00000000 " UDP_53, 6, 17, PORTS,
     50000, 53, 0},
    {"IPv6, routing", "6000 0000 0010 2b 40 " V6_ADDRS "1100 0000 00000000 " UDP_53, 6, 17, PORTS,
     50000, 53, 0},
    {"IPv6, destination options", "6000 0000 0010 3c 40 " V6_ADDRS "1100 0104 00000000 " UDP_53, 6,
     17, PORTS, 50000, 53, 0},
    {"IPv6, mobility", "6000 0000 0010 87 40 " V6_ADDRS "1100 0000 00000000 " UDP_53, 6, 17, PORTS,
     50000, 53, 0},
    {"IPv6, mobility alone", "6000 0000 0008 87 40 " V6_ADDRS "3b00 0500 00000000", 6, 135, 0, 0, 0,
     0},
    {"IPv6, HIP alone", "6000 0000 0008 8b 40 " V6_ADDRS "3b00 0111 00000000", 6, 139, 0, 0, 0, 0},
    {"IPv6, Shim6 alone", "6000 0000 0008 8c 40 " V6_ADDRS "3b00 0000 00000000", 6, 140, 0, 0, 0,
     0},
    {"IPv6, hop-by-hop, then nothing", "6000 0000 0008 00 40 " V6_ADDRS "3b00 0104 00000000", 6, 59,
     0, 0, 0, 0},
    {"IPv6, HIP", "6000 0000 0010 8b 40 " V6_ADDRS "1100 0000 00000000 " UDP_53, 6, 17, PORTS,
     50000, 53, 0},
    {"IPv6, Shim6", "6000 0000 0010 8c 40 " V6_ADDRS "1100 0000 00000000 " UDP_53, 6, 17, PORTS,
     50000, 53, 0},
    {"IPv6, AH of 12 bytes", "6000 0000 0014 33 40 " V6_ADDRS "1101 0000 00000001 00000002 " UDP_53,
     6, 17, PORTS, 50000, 53, 0},
    {"IPv6, AH of 24 bytes",
     "6000 0000 0020 33 40 " V6_ADDRS
     "1104 0000 00000001 00000002 00000003 00000004 00000005 " UDP_53,
     6, 17, PORTS, 50000, 53, 0},
    {"IPv6, atomic fragment", "6000 0000 0010 2c 40 " V6_ADDRS "1100 0000 00000001 " UDP_53, 6, 17,
     PORTS, 50000, 53, 0},
    {"IPv6, first fragment", "6000 0000 0010 2c 40 " V6_ADDRS "1100 0001 00000001 " UDP_53, 6, 17,
     PORTS, 50000, 53, 0},
    {"IPv6, fragment, reserved bits", "6000 0000 0010 2c 40 " V6_ADDRS "11ff 0006 00000001 " UDP_53,
     6, 17, PORTS, 50000, 53, 0},
    {"IPv6, later fragment", "6000 0000 0010 2c 40 " V6_ADDRS "1100 0009 00000001 " UDP_53, 6, 17,
     FRAGMENT, 0, 0, 0},
    {"IPv6, last fragment", "6000 0000 0010 2c 40 " V6_ADDRS "0600 fff8 00000001 " UDP_53, 6, 6,
     FRAGMENT, 0, 0, 0},
    {"IPv6, later fragment behind hop-by-hop",
     "6000 0000 0018 00 40 " V6_ADDRS "2c00 0000 00000000 1100 0008 00000001 " UDP_53, 6, 17,
     FRAGMENT, 0, 0, 0},
    {"IPv6, first fragment before destination options",
     "6000 0000 0018 2c 40 " V6_ADDRS "3c00 0001 00000001 1100 0000 00000000 " UDP_53, 6, 17, PORTS,
     50000, 53, 0},
    {"IPv6, a chain of all",
     "6000 0000 0054 00 40 " V6_ADDRS "3c00 0000 00000000 2b00 0000 00000000 2c00 0000 00000000 "
     "3300 0000 00000001 8704 0000 00000001 00000002 00000003 00000004 00000005 "
     "0600 0000 00000000 " TCP_ACK_80,
     6, 6, PORTS, 50000, 80, 0x10},
    {"IPv6, hop-by-hop cut", "6000 0000 0010 00 40 " V6_ADDRS "1100 0502", 6, 17, SHORT, 0, 0, 0},
    {"IPv6, hop-by-hop longer than the packet",
     "6000 0000 0010 00 40 " V6_ADDRS "11ff 0000 00000000 " UDP_53, 6, 17, SHORT, 0, 0, 0},
    {"IPv6, AH longer than the packet",
     "6000 0000 0010 33 40 " V6_ADDRS "11ff 0000 00000001 " UDP_53, 6, 17, SHORT, 0, 0, 0},
    {"IPv6, fragment header cut", "6000 0000 0007 2c 40 " V6_ADDRS "1100 0000 0000 0001 " UDP_53, 6,
     17, SHORT, 0, 0, 0},
    {"IPv6, nothing behind routing", "6000 0000 0008 2b 40 " V6_ADDRS "1100 0000 00000000", 6, 17,
     SHORT, 0, 0, 0},
    {"IPv4, total length 0, options cut off", "4600 0000 0000 0000 4006 0000 " V4_ADDRS "9404", 4,
     6, SHORT, 0, 0, 0},
};

static void test_network(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(network_rows); i++) {
        const struct network_row *r = &network_rows[i];
        struct bytes b = {0};
        struct clv_tuple t;
        put_hex(&b, r->hex);
        CHECK_EQ(r->name, decode_tight(RAW, b.p, b.len, &t), r->family != 0);
        CHECK_EQ(r->name, t.family, r->family);
        CHECK_EQ(r->name, t.proto, r->proto);
        CHECK_EQ(r->name, t.flags, r->flags);
        CHECK_EQ(r->name, t.sport, r->sport);
        CHECK_EQ(r->name, t.dport, r->dport);
        CHECK_EQ(r->name, t.tcp_flags, r->tcp_flags);
        if (r->family) {
            const size_t size = r->family == 6 ? 16 : 4, at = r->family == 6 ? 8 : 12;
            CHECK_MEM(r->name, t.src, b.p + at, size);
            CHECK_MEM(r->name, t.dst, b.p + at + size, size);
            for (size_t k = size; k < 16; k++)
                CHECK_EQ(r->name, t.src[k] | t.dst[k], 0);
        }
        bytes_free(&b);
    }
}

/* Prefixes of all network rows: a longer one never knows less, and never something else. */
static void test_network_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(network_rows); i++) {
        const struct network_row *r = &network_rows[i];
        struct bytes b = {0};
        bool before = false;
        put_hex(&b, r->hex);
        for (size_t n = 0; n < b.len; n++) {
            struct clv_tuple t;
            char row[80];
            (void)snprintf(row, sizeof row, "%s, %zu of %zu bytes", r->name, n, b.len);
            const bool found = decode_tight(RAW, b.p, n, &t);
            CHECK(row, found || !before);
            CHECK(row, !found || r->family);
            before = found;
            CHECK_EQ(row, t.family, found ? r->family : 0);
            if (t.flags & PORTS) {
                CHECK(row, r->flags & PORTS);
                CHECK_EQ(row, t.proto, r->proto);
                CHECK_EQ(row, t.sport, r->sport);
                CHECK_EQ(row, t.dport, r->dport);
            } else {
                CHECK_EQ(row, t.sport | t.dport, 0);
            }
            CHECK(row, t.tcp_flags == 0 || t.tcp_flags == r->tcp_flags);
        }
        bytes_free(&b);
    }
}

/* Noise in every link type: whatever comes out, nothing is read beyond. */
static void test_noise(void **state)
{
    uint64_t seed = 20261122;
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        const struct link_row *r = &link_rows[noise(&seed) % N_ROWS(link_rows)];
        struct bytes b = {0};
        struct clv_tuple t;
        char row[64];
        (void)snprintf(row, sizeof row, "%s, round %u", r->name, round);
        put_hex(&b, r->before);
        put_hex(&b, round % 2 ? V4_TCP : V6_UDP);
        for (unsigned k = 0; k < 4; k++)
            b.p[noise(&seed) % b.len] = (uint8_t)(noise(&seed) >> 56);
        const bool found = decode_tight(r->linktype, b.p, noise(&seed) % (b.len + 1), &t);
        CHECK_EQ(row, found, t.family == 4 || t.family == 6);
        CHECK(row, (t.flags & PORTS) || (t.sport | t.dport) == 0);
        bytes_free(&b);
    }
}

static void test_link_names(void **state)
{
    static const struct {
        uint16_t linktype;
        const char *name;
    } rows[] = {
        {0, "NULL"},       {1, "ETHERNET"}, {9, "PPP"},          {12, "RAW"},   {50, "PPP_HDLC"},
        {51, "PPP_ETHER"}, {101, "RAW"},    {104, "C_HDLC"},     {108, "LOOP"}, {113, "LINUX_SLL"},
        {228, "IPV4"},     {229, "IPV6"},   {276, "LINUX_SLL2"}, {60000, NULL},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        char row[32];
        (void)snprintf(row, sizeof row, "link type %u", rows[i].linktype);
        CHECK_STR(row, clv_linktype_name(rows[i].linktype), rows[i].name);
        CHECK_EQ(row, clv_linktype_supported(rows[i].linktype), rows[i].name != NULL);
    }
}

/*
 * Every number of the table under its name, held against libpcap's own table. Its names are those
 * of DLT_ numbers, which for a few differ from LINKTYPE_ names.
 */
static void test_link_numbers(void **state)
{
    static const struct {
        const char *linktype, *dlt;
    } names[] = {
        {"ETHERNET", "EN10MB"},
        {"IEEE802_5", "IEEE802"},
        {"ARCNET_BSD", "ARCNET"},
        {"PPP_HDLC", "PPP_SERIAL"},
        {"IEEE802_11_PRISM", "PRISM_HEADER"},
        {"IEEE802_11_RADIOTAP", "IEEE802_11_RADIO"},
        {"IEEE802_11_AVS", "IEEE802_11_RADIO_AVS"},
        {"WIRESHARK_UPPER_PDU", "<unused>"},
    };
    unsigned compared = 0;
    (void)state;
    for (unsigned linktype = 0; linktype <= UINT16_MAX; linktype++) {
        char row[32];
        (void)snprintf(row, sizeof row, "link type %u", linktype);
        const int dlt = clv_dlt_from_linktype((uint16_t)linktype);
        const char *theirs = pcap_datalink_val_to_name(dlt);
        const char *ours = clv_linktype_name((uint16_t)linktype);
        if (!theirs || !clv_linktype_supported((uint16_t)linktype))
            continue; /* an older libpcap does not know all */
        for (size_t i = 0; i < N_ROWS(names); i++)
            if (strcmp(ours, names[i].linktype) == 0)
                ours = names[i].dlt;
        CHECK_STR(row, ours, theirs);
        CHECK_EQ(row, pcap_datalink_name_to_val(ours), dlt);
        compared++;
    }
    CHECK("numbers that libpcap knows", compared >= 40);
}

UNIT(decode)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_network_truncated),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_link_names),
        cmocka_unit_test(test_link_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
