/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link layers: what lies before the network header. A new one is a function and a row of the table.
 * Numbers and layouts: https://www.tcpdump.org/linktypes.html and the pages it leads to.
 */
#include "decode/ipv4.h"

/* IEEE 802 EtherTypes. */
enum {
    ETHERTYPE_MIN = 0x0600, /* below it the field is a length (IEEE 802.3 clause 3.2.6) */
    LENGTH_MAX = 1500,
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_VLAN = 0x8100, /* IEEE 802.1Q C-tag */
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_MPLS_MULTICAST = 0x8848,
    ETHERTYPE_PPPOE_SESSION = 0x8864, /* RFC 2516 */
    ETHERTYPE_QINQ = 0x88a8,          /* IEEE 802.1ad S-tag */
    ETHERTYPE_QINQ_OLD1 = 0x9100,
    ETHERTYPE_QINQ_OLD2 = 0x9200,
    ETHERTYPE_QINQ_OLD3 = 0x9300,
};

/* PPP protocol numbers (IANA). */
enum {
    PPP_IPV4 = 0x0021,
    PPP_IPV6 = 0x0057,
    PPP_MPLS = 0x0281,
    PPP_MPLS_MULTICAST = 0x0283,
};

enum {
    LLC_SAP_IP = 0x06,
    LLC_SAP_SNAP = 0xaa,
    OUI_ETHERTYPE = 0x000000, /* RFC 1042 */
    OUI_8021H = 0x0000f8,     /* IEEE 802.1H bridge tunnel */
};

/* Logical link control (IEEE 802.2), with SNAP where it announces it. */
static bool llc(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    if (n < 3)
        return false;
    const bool snap = p[0] == LLC_SAP_SNAP && p[1] == LLC_SAP_SNAP;
    if (!snap)
        return p[0] == LLC_SAP_IP && p[1] == LLC_SAP_IP && decode_ip(p + 3, n - 3, t);
    if (n < 8)
        return false;
    const uint32_t oui = load_be32(p + 2) & 0x00ffffff;
    if (oui != OUI_ETHERTYPE && oui != OUI_8021H)
        return false;
    return decode_ethertype(load_be16(p + 6), p + 8, n - 8, t);
}

/* RFC 3032. No label says what is below the last one; the version nibble does (RFC 4928). */
static bool mpls(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    while (n >= 4) {
        const bool bottom = p[2] & 1;
        p += 4;
        n -= 4;
        if (bottom)
            return decode_ip(p, n, t);
    }
    return false;
}

static bool ppp_protocol(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    if (n < 2)
        return false;
    /* RFC 1661 section 6.5: an odd first byte is a protocol field compressed to one byte. */
    const size_t len = p[0] & 1 ? 1 : 2;
    const uint16_t proto = len == 1 ? p[0] : load_be16(p);
    switch (proto) {
    case PPP_IPV4:
        return decode_ip(p + len, n - len, t);
    case PPP_IPV6:
        return decode_ipv6(p + len, n - len, t);
    case PPP_MPLS:
    case PPP_MPLS_MULTICAST:
        return mpls(p + len, n - len, t);
    default:
        return false;
    }
}

/* RFC 1662: address ff and control 03 may stand before the protocol. */
bool decode_ppp(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    if (n >= 2 && p[0] == 0xff && p[1] == 0x03)
        return ppp_protocol(p + 2, n - 2, t);
    return ppp_protocol(p, n, t);
}

bool decode_ethertype(uint16_t type, const uint8_t *p, size_t n, struct clv_tuple *t)
{
    for (;;) {
        switch (type) {
        case ETHERTYPE_IPV4:
            return decode_ip(p, n, t);
        case ETHERTYPE_IPV6:
            return decode_ipv6(p, n, t);
        case ETHERTYPE_VLAN:
        case ETHERTYPE_QINQ:
        case ETHERTYPE_QINQ_OLD1:
        case ETHERTYPE_QINQ_OLD2:
        case ETHERTYPE_QINQ_OLD3:
            if (n < 4)
                return false;
            type = load_be16(p + 2);
            p += 4;
            n -= 4;
            continue;
        case ETHERTYPE_MPLS:
        case ETHERTYPE_MPLS_MULTICAST:
            return mpls(p, n, t);
        case ETHERTYPE_PPPOE_SESSION:
            return n >= 6 && ppp_protocol(p + 6, n - 6, t);
        default:
            if (type > LENGTH_MAX)
                return false;
            return llc(p, type < n ? type : n, t);
        }
    }
}

static bool ethernet(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    if (CLV_UNLIKELY(n < 15))
        return false;
    const uint16_t type = load_be16(p + 12);
    if (CLV_LIKELY(type == ETHERTYPE_IPV4 && p[14] >> 4 == 4))
        return decode_ipv4(p + 14, n - 14, t);
    return decode_ethertype(type, p + 14, n - 14, t);
}

/* The protocol field of both Linux cooked headers: an EtherType, or a small number of Linux's. */
static bool cooked(uint16_t type, const uint8_t *p, size_t n, struct clv_tuple *t)
{
    enum { LINUX_802_2 = 0x0004 };
    if (type == LINUX_802_2)
        return llc(p, n, t);
    return type >= ETHERTYPE_MIN && decode_ethertype(type, p, n, t);
}

static bool linux_sll(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    return n >= 16 && cooked(load_be16(p + 14), p + 16, n - 16, t);
}

static bool linux_sll2(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    return n >= 20 && cooked(load_be16(p), p + 20, n - 20, t);
}

/* The values of AF_INET6: 10 Linux, 24 NetBSD and OpenBSD, 28 FreeBSD, 30 Darwin; AF_INET is 2. */
static bool family(uint32_t af, const uint8_t *p, size_t n, struct clv_tuple *t)
{
    switch (af) {
    case 2:
        return decode_ip(p, n, t);
    case 10:
    case 24:
    case 28:
    case 30:
        return decode_ipv6(p, n, t);
    default:
        return af >= ETHERTYPE_MIN && af <= 0xffff && decode_ethertype((uint16_t)af, p, n, t);
    }
}

/* The family is in the byte order of the machine that captured, which need not be the file's. */
static bool bsd_null(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    if (n < 4)
        return false;
    if (p[0] == 0xff && p[1] == 0x03)
        return decode_ppp(p, n, t);
    const uint32_t af = load_le32(p);
    return family(af & 0xffff0000U ? load_be32(p) : af, p + 4, n - 4, t);
}

static bool bsd_loop(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    return n >= 4 && family(load_be32(p), p + 4, n - 4, t);
}

/* Cisco HDLC (RFC 1547 section 4.3.1): address, control, EtherType. */
static bool cisco_hdlc(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    return n >= 4 && decode_ethertype(load_be16(p + 2), p + 4, n - 4, t);
}

/* PPP in HDLC-like framing, or Cisco HDLC: unicast 0f and multicast 8f are Cisco's addresses. */
static bool ppp_hdlc(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    if (n && (p[0] == 0x0f || p[0] == 0x8f))
        return cisco_hdlc(p, n, t);
    return decode_ppp(p, n, t);
}

static bool ppp_ether(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    return n >= 6 && ppp_protocol(p + 6, n - 6, t);
}

/* clang-format off */
static const struct decode_link links[] = {
    {0, "NULL", bsd_null},
    {1, "ETHERNET", ethernet},
    {9, "PPP", decode_ppp},
    {12, "RAW", decode_ip}, /* DLT_RAW of most platforms, found in files all the same */
    {14, "RAW", decode_ip}, /* DLT_RAW of OpenBSD */
    {50, "PPP_HDLC", ppp_hdlc},
    {51, "PPP_ETHER", ppp_ether},
    {101, "RAW", decode_ip},
    {104, "C_HDLC", cisco_hdlc},
    {108, "LOOP", bsd_loop},
    {113, "LINUX_SLL", linux_sll},
    {228, "IPV4", decode_ip},
    {229, "IPV6", decode_ip},
    {276, "LINUX_SLL2", linux_sll2},
};
/* clang-format on */

const struct decode_link *decode_link_find(uint16_t linktype)
{
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (links[i].linktype == linktype)
            return &links[i];
    return NULL;
}

static bool unknown(const uint8_t *p, size_t n, struct clv_tuple *t)
{
    (void)p;
    (void)n;
    (void)t;
    return false;
}

decode_fn *decode_function(uint16_t linktype)
{
    const struct decode_link *link = decode_link_find(linktype);
    return link && link->fn ? link->fn : unknown;
}

bool clv_packet_tuple(uint16_t linktype, const uint8_t *data, uint32_t caplen, struct clv_tuple *t)
{
    *t = (struct clv_tuple){0};
    if (decode_function(linktype)(data, caplen, t))
        return true;
    *t = (struct clv_tuple){0};
    return false;
}

bool clv_linktype_supported(uint16_t linktype)
{
    const struct decode_link *link = decode_link_find(linktype);
    return link && link->fn;
}

const char *clv_linktype_name(uint16_t linktype)
{
    const struct decode_link *link = decode_link_find(linktype);
    return link ? link->name : NULL;
}
