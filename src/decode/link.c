/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link layers: what lies before the network header. A new one is a function and a row of the table.
 * Numbers and layouts: https://www.tcpdump.org/linktypes.html and the pages it leads to.
 */
#include <pcap/pcap.h>

#include "decode/decode.h"
#include "decode/ethertype.h"

/*
 * Both Linux cooked headers: the protocol is an EtherType, or else devices of some kinds (ARPHRD_)
 * give always the same, and of others it is a small number of Linux's (linux/if_ether.h).
 */
static bool cooked(uint16_t device, uint16_t type, const uint8_t *p, size_t n, struct decode *d)
{
    enum { FRAME_RELAY = 770, RADIOTAP = 803 };
    enum { FRAMES = 0x0003, LLC = 0x0004, PPP = 0x0007 };
    if (type >= ETHERTYPE_MIN)
        return decode_ethertype(type, p, n, d);
    if (device == RADIOTAP)
        return decode_radiotap(p, n, d);
    if (device == FRAME_RELAY)
        return decode_frame_relay(p, n, d);
    if (type == FRAMES)
        return decode_frame(p, n, d);
    if (type == LLC)
        return decode_llc(p, n, d);
    return type == PPP && decode_ppp_hdlc(p, n, d);
}

static bool linux_sll(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 16 && cooked(load_be16(p + 2), load_be16(p + 14), p + 16, n - 16, d);
}

static bool linux_sll2(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 20 && cooked(load_be16(p + 8), load_be16(p), p + 20, n - 20, d);
}

/* The values of AF_INET6: 10 Linux, 24 NetBSD and OpenBSD, 28 FreeBSD, 30 Darwin; AF_INET is 2. */
static bool family(uint32_t af, const uint8_t *p, size_t n, struct decode *d)
{
    switch (af) {
    case 2:
        return decode_ip(p, n, d);
    case 10:
    case 24:
    case 28:
    case 30:
        return decode_ipv6(p, n, d);
    default:
        return af >= ETHERTYPE_MIN && af <= 0xffff && decode_ethertype((uint16_t)af, p, n, d);
    }
}

/* The family is in the byte order of the machine that captured, which need not be the file's. */
static uint32_t load_family(const uint8_t *p)
{
    const uint32_t af = load_le32(p);
    return af & 0xffff0000U ? load_be32(p) : af;
}

static bool bsd_null(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 4)
        return false;
    if (p[0] == 0xff && p[1] == 0x03)
        return decode_ppp(p, n, d);
    if ((p[0] == 0x0f || p[0] == 0x8f) && p[1] == 0 && load_be16(p + 2)) /* no family: a type */
        return decode_cisco_hdlc(p, n, d);
    return family(load_family(p), p + 4, n - 4, d);
}

static bool bsd_loop(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 4 && family(load_be32(p), p + 4, n - 4, d);
}

/* 802.5: access and frame control, addresses; a set bit of the source says that a route follows. */
static bool token_ring(const uint8_t *p, size_t n, struct decode *d)
{
    size_t len = 14;
    if (n < len + 2 || (p[1] & 0xc0) != 0x40)
        return false;
    if (p[8] & 0x80)
        len += p[14] & 0x1f;
    return n >= len && decode_llc(p + len, n - len, d);
}

/* Frame control, addresses; LLC frames have 5 in bits 4 to 6, synchronous or not. */
static bool fddi(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 13 && (p[0] & 0x70) == 0x50 && decode_llc(p + 13, n - 13, d);
}

/* RFC 1201, RFC 2497: a protocol, then whether the packet is split; a later part has no network
 * header. */
static bool arcnet_protocol(const uint8_t *p, size_t n, struct decode *d)
{
    enum { ARCNET_IPV6 = 196, ARCNET_IP = 212, ARCNET_IP_OLD = 240, EXCEPTION = 0xff };
    if (n < 1)
        return false;
    if (p[0] == ARCNET_IP_OLD)
        return decode_ip(p + 1, n - 1, d);
    if (n < 4 || (p[0] != ARCNET_IP && p[0] != ARCNET_IPV6))
        return false;
    size_t at = 1; /* of the split flag, which an exception moves */
    if (p[at] == EXCEPTION)
        at = 5;
    return n >= at + 3 && (p[at] == 0 || (p[at] & 1)) && decode_ip(p + at + 3, n - at - 3, d);
}

static bool arcnet(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 2 && arcnet_protocol(p + 2, n - 2, d);
}

/* Linux has two bytes of offset between addresses and protocol. */
static bool arcnet_linux(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 4 && arcnet_protocol(p + 4, n - 4, d);
}

/* RFC 2625: addresses of 8 bytes, LLC. */
static bool ip_over_fc(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 16 && decode_llc(p + 16, n - 16, d);
}

/* RFC 2734 as Darwin has it: addresses of 8 bytes, EtherType. */
static bool ip_over_1394(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 18 && decode_ethertype(load_be16(p + 16), p + 18, n - 18, d);
}

/* RFC 4391: a global routing header of 40 bytes, EtherType, 2 reserved. */
static bool ip_over_ib(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 44 && decode_ethertype(load_be16(p + 40), p + 44, n - 44, d);
}

/* OpenBSD's IPsec: family in the byte order of who captured, SPI, flags. */
static bool enc(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 12 && family(load_family(p), p + 12, n - 12, d);
}

/* The packet filter's log: length of its header, family. */
static bool pflog(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 4)
        return false;
    const size_t len = ((size_t)p[0] + 3) / 4 * 4;
    return len >= 4 && n >= len && family(p[1], p + len, n - len, d);
}

/* Solaris: version, family (2, or 26 for IPv6), and 22 bytes more. */
static bool ipnet(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 24)
        return false;
    return p[1] == 2 ? decode_ip(p + 24, n - 24, d) : p[1] == 26 && decode_ipv6(p + 24, n - 24, d);
}

/* netfilter: family, version, resource; then values, lengths in the order of who captured. */
static bool nflog(const uint8_t *p, size_t n, struct decode *d)
{
    enum { PAYLOAD = 9 };
    if (n < 8)
        return false;
    const uint8_t af = p[0];
    const bool big = load_le16(p + 4) > n - 4;
    for (size_t at = 4; n - at >= 4;) {
        const size_t len = big ? load_be16(p + at) : load_le16(p + at);
        const uint16_t type = (big ? load_be16(p + at + 2) : load_le16(p + at + 2)) & 0x7fff;
        if (type == PAYLOAD && len >= 4) /* cut off by a small snaplen, maybe */
            return family(af, p + at + 4, min_u64(len, n - at) - 4, d);
        if (len < 4 || len > n - at)
            return false;
        const size_t step = (len + 3) / 4 * 4;
        if (step > n - at)
            return false;
        at += step;
    }
    return false;
}

/* The packet of a header that names the link type; one such header within another is refused. */
static bool wrapped(uint32_t linktype, const uint8_t *p, size_t n, struct decode *d)
{
    return linktype <= 0xffff && decode_deeper(d) && decode_function((uint16_t)linktype)(p, n, d);
}

static bool ppi(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 8)
        return false;
    const size_t len = load_le16(p + 2);
    return len >= 8 && len <= n && wrapped(load_le32(p + 4), p + len, n - len, d);
}

/* Darwin: header length, what follows (0: nothing), DLT_; little-endian. */
static bool pktap(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 12)
        return false;
    const uint32_t len = load_le32(p);
    return len >= 12 && len <= n && load_le32(p + 4) != 0 &&
           wrapped(load_le32(p + 8), p + len, n - len, d);
}

/* Older systems of Apple's put it under a number for private use: it has to look like it. */
static bool pktap_if_it_is(const uint8_t *p, size_t n, struct decode *d)
{
    enum { SHORTEST = 108, LONGEST = 1024, TYPE_PACKET = 1 };
    return n >= 12 && load_le32(p) >= SHORTEST && load_le32(p) <= LONGEST &&
           load_le32(p + 4) == TYPE_PACKET && pktap(p, n, d);
}

/* Preamble and delimiter (IEEE 802.3br mPackets): a frame, or the first part of one. */
static bool mpacket(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 8 || p[6] != 0x55) /* a later part has its own delimiter there */
        return false;
    switch (p[7]) {
    case 0xd5: /* express, and what is not 802.3br */
    case 0xe6: /* preemptable, counting 0 to 3 */
    case 0x4c:
    case 0x7f:
    case 0xb3:
        return decode_ethernet_asked(p + 8, n - 8, d);
    default:
        return false;
    }
}

static bool epon(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 8 && decode_ethernet_asked(p + 8, n - 8, d);
}

static bool netanalyzer(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 4 && decode_ethernet_asked(p + 4, n - 4, d);
}

static bool netanalyzer_transparent(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 12 && decode_ethernet_asked(p + 12, n - 12, d);
}

/* A switch's tag between the addresses and the type, in bytes. */
static bool tagged(const uint8_t *p, size_t n, size_t tag, struct decode *d)
{
    const size_t len = 12 + tag + 2;
    if (CLV_UNLIKELY(d->path && n >= 12))
        decode_note_mac(d->path, p, p + 6);
    return n > len && decode_ethertype(load_be16(p + len - 2), p + len, n - len, d);
}

static bool dsa(const uint8_t *p, size_t n, struct decode *d)
{
    return tagged(p, n, 4, d);
}

static bool edsa(const uint8_t *p, size_t n, struct decode *d)
{
    return tagged(p, n, 8, d);
}

static bool brcm_prepend(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 4 && decode_ethernet_asked(p + 4, n - 4, d);
}

/* DOCSIS: frame control, its parameter, length, an extended header, a check sequence. */
static bool docsis(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 6 || p[0] >> 6 != 0)
        return false;
    const size_t len = 6 + (p[0] & 1 ? (size_t)p[1] : 0);
    return n >= len && decode_ethernet_asked(p + len, n - len, d);
}

/* Endace's records: 16 bytes, extension headers of 8 while a top bit is set. */
static bool endace(const uint8_t *p, size_t n, struct decode *d)
{
    size_t at = 16;
    if (n < at)
        return false;
    for (bool more = p[8] & 0x80; more; at += 8) {
        if (n < at + 8)
            return false;
        more = p[at] & 0x80;
    }
    switch (p[8] & 0x7f) {
    case 1: /* HDLC_POS, and with colour, for a stream, or hashed */
    case 10:
    case 15:
    case 19:
        return decode_ppp_hdlc(p + at, n - at, d);
    case 5: /* MC_HDLC, 4 bytes before it */
    case 17:
        return n >= at + 4 && decode_ppp_hdlc(p + at + 4, n - at - 4, d);
    case 2: /* ETH, two bytes before it */
    case 11:
    case 16:
    case 20:
        return n >= at + 2 && decode_ethernet_asked(p + at + 2, n - at - 2, d);
    case 22:
        return decode_ip(p + at, n - at, d);
    case 23:
        return decode_ipv6(p + at, n - at, d);
    default:
        return false;
    }
}

/* clang-format off */
static const struct decode_link links[] = {
    {0, "NULL", bsd_null},
    {1, "ETHERNET", decode_ethernet},
    {6, "IEEE802_5", token_ring},
    {7, "ARCNET_BSD", arcnet},
    {8, "SLIP", decode_slip},
    {9, "PPP", decode_ppp_hdlc},
    {10, "FDDI", fddi},
    {12, "RAW", decode_ip}, /* DLT_RAW of most platforms, found in files all the same */
    {14, "RAW", decode_ip}, /* DLT_RAW of OpenBSD */
    {50, "PPP_HDLC", decode_ppp_hdlc},
    {51, "PPP_ETHER", decode_ppp_ether},
    {100, "ATM_RFC1483", decode_atm},
    {101, "RAW", decode_ip},
    {102, "SLIP_BSDOS", decode_slip_bsdos},
    {103, "PPP_BSDOS", decode_ppp_bsdos},
    {104, "C_HDLC", decode_cisco_hdlc},
    {105, "IEEE802_11", decode_80211},
    {106, "ATM_CLIP", decode_atm},
    {107, "FRELAY", decode_frame_relay},
    {108, "LOOP", bsd_loop},
    {109, "ENC", enc},
    {113, "LINUX_SLL", linux_sll},
    {117, "PFLOG", pflog},
    {119, "IEEE802_11_PRISM", decode_prism},
    {122, "IP_OVER_FC", ip_over_fc},
    {123, "SUNATM", decode_sunatm},
    {127, "IEEE802_11_RADIOTAP", decode_radiotap},
    {129, "ARCNET_LINUX", arcnet_linux},
    {130, "JUNIPER_MLPPP", decode_juniper_ml},
    {131, "JUNIPER_MLFR", decode_juniper_ml},
    {132, "JUNIPER_ES", decode_juniper_es},
    {133, "JUNIPER_GGSN", decode_juniper_services},
    {134, "JUNIPER_MFR", decode_juniper_mfr},
    {135, "JUNIPER_ATM2", decode_juniper_atm2},
    {136, "JUNIPER_SERVICES", decode_juniper_services},
    {137, "JUNIPER_ATM1", decode_juniper_atm1},
    {138, "APPLE_IP_OVER_IEEE1394", ip_over_1394},
    {143, "DOCSIS", docsis},
    {149, "USER2", pktap_if_it_is},
    {163, "IEEE802_11_AVS", decode_avs},
    {164, "JUNIPER_MONITOR", decode_juniper_services},
    {166, "PPP_PPPD", decode_with_direction_ppp},
    {167, "JUNIPER_PPPOE", decode_juniper_ether},
    {168, "JUNIPER_PPPOE_ATM", decode_juniper_pppoe_atm},
    {178, "JUNIPER_ETHER", decode_juniper_ether},
    {179, "JUNIPER_PPP", decode_juniper_ppp},
    {180, "JUNIPER_FRELAY", decode_juniper_frelay},
    {181, "JUNIPER_CHDLC", decode_juniper_chdlc},
    {192, "PPI", ppi},
    {197, "ERF", endace},
    {204, "PPP_WITH_DIR", decode_with_direction_ppp},
    {205, "C_HDLC_WITH_DIR", decode_with_direction_hdlc},
    {206, "FRELAY_WITH_DIR", decode_with_direction_frelay},
    {219, "MPLS", decode_mpls},
    {226, "IPNET", ipnet},
    {228, "IPV4", decode_ip},
    {229, "IPV6", decode_ip},
    {239, "NFLOG", nflog},
    {240, "NETANALYZER", netanalyzer},
    {241, "NETANALYZER_TRANSPARENT", netanalyzer_transparent},
    {242, "IPOIB", ip_over_ib},
    {252, "WIRESHARK_UPPER_PDU", decode_exported_pdu},
    {258, "PKTAP", pktap},
    {259, "EPON", epon},
    {274, "ETHERNET_MPACKET", mpacket},
    {276, "LINUX_SLL2", linux_sll2},
    {281, "DSA_TAG_BRCM", dsa},
    {282, "DSA_TAG_BRCM_PREPEND", brcm_prepend},
    {284, "DSA_TAG_DSA", dsa},
    {285, "DSA_TAG_EDSA", edsa},
};
/* clang-format on */

const struct decode_link *decode_link_find(uint16_t linktype)
{
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (links[i].linktype == linktype)
            return &links[i];
    return NULL;
}

static bool unknown(const uint8_t *p, size_t n, struct decode *d)
{
    (void)p;
    (void)n;
    (void)d;
    return false;
}

decode_fn *decode_function(uint16_t linktype)
{
    const struct decode_link *link = decode_link_find(linktype);
    return link ? link->fn : unknown;
}

/*
 * pcap-linktype(7): DLT_ and LINKTYPE_ differ where platforms had given the same DLT_ number to
 * different things. Raw IP is in files under the DLT_RAW of two platforms as well.
 */
static const struct dlt_row {
    uint16_t linktype;
    int dlt;
} dlts[] = {
    {50, DLT_PPP_SERIAL}, {51, DLT_PPP_ETHER}, {100, DLT_ATM_RFC1483}, {101, DLT_RAW},
    {12, DLT_RAW},        {14, DLT_RAW},       {102, DLT_SLIP_BSDOS},  {103, DLT_PPP_BSDOS},
    {104, DLT_C_HDLC},    {106, DLT_ATM_CLIP}, {107, DLT_FRELAY},      {108, DLT_LOOP},
    {109, DLT_ENC},
};

int clv_dlt_from_linktype(uint16_t linktype)
{
    for (size_t i = 0; i < sizeof dlts / sizeof *dlts; i++)
        if (dlts[i].linktype == linktype)
            return dlts[i].dlt;
    return linktype;
}

uint16_t clv_linktype_from_dlt(int dlt)
{
    for (size_t i = 0; i < sizeof dlts / sizeof *dlts; i++)
        if (dlts[i].dlt == dlt)
            return dlts[i].linktype;
    return (uint16_t)dlt;
}

bool clv_packet_tuple(uint16_t linktype, const uint8_t *data, uint32_t caplen, struct clv_tuple *t)
{
    *t = (struct clv_tuple){0};
    struct decode d = {.t = t};
    if (decode_function(linktype)(data, caplen, &d))
        return true;
    *t = (struct clv_tuple){0};
    return false;
}

/* USER0 to USER15 mean what their users say. */
enum { USER0 = 147, USER15 = 162 };

static bool is_private(uint16_t linktype)
{
    return linktype >= USER0 && linktype <= USER15;
}

bool clv_linktype_supported(uint16_t linktype)
{
    return !is_private(linktype) && decode_link_find(linktype) != NULL;
}

const char *clv_linktype_name(uint16_t linktype)
{
    static const char users[][8] = {"USER0",  "USER1",  "USER2",  "USER3", "USER4",  "USER5",
                                    "USER6",  "USER7",  "USER8",  "USER9", "USER10", "USER11",
                                    "USER12", "USER13", "USER14", "USER15"};
    const struct decode_link *link = decode_link_find(linktype);
    if (is_private(linktype))
        return users[linktype - USER0];
    return link ? link->name : pcap_datalink_val_to_name(clv_dlt_from_linktype(linktype));
}
