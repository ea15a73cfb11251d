/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines between two places: PPP, HDLC, Frame Relay, ATM, SLIP. */
#include "decode/decode.h"
#include "decode/ethertype.h"

/* PPP protocol numbers (IANA). */
enum {
    PPP_IPV4 = 0x0021,
    PPP_BRIDGING = 0x0031, /* RFC 3518 */
    PPP_IPV6 = 0x0057,
    PPP_MPLS = 0x0281,
    PPP_MPLS_MULTICAST = 0x0283,
};

/* ISO/IEC TR 9577 network layer protocol ids, as RFC 2427 and RFC 2684 use them. */
enum {
    NLPID_SNAP = 0x80,
    NLPID_IPV6 = 0x8e,
    NLPID_IPV4 = 0xcc,
    NLPID_PPP = 0xcf,
    CONTROL_UI = 0x03,
};

/* RFC 3518: flags, the type of MAC, a LAN id where flags say so; 1 is Ethernet. */
static bool bridged(const uint8_t *p, size_t n, struct decode *d)
{
    enum { LAN_ID = 0x40, ETHERNET = 1 };
    if (n < 2 || p[1] != ETHERNET)
        return false;
    const size_t len = p[0] & LAN_ID ? 6 : 2;
    return n >= len && decode_frame(p + len, n - len, d);
}

static bool ppp_payload(uint16_t proto, const uint8_t *p, size_t n, struct decode *d)
{
    switch (proto) {
    case PPP_IPV4:
        return decode_ip(p, n, d);
    case PPP_IPV6:
        return decode_ipv6(p, n, d);
    case PPP_MPLS:
    case PPP_MPLS_MULTICAST:
        return decode_mpls(p, n, d);
    case PPP_BRIDGING:
        return bridged(p, n, d);
    default:
        return false;
    }
}

bool decode_ppp_protocol(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 2)
        return false;
    /* RFC 1661 section 6.5: an odd first byte is a protocol field compressed to one byte. */
    const size_t len = p[0] & 1 ? 1 : 2;
    return ppp_payload(len == 1 ? p[0] : load_be16(p), p + len, n - len, d);
}

/* RFC 1662: address ff and control 03 may stand before the protocol. */
bool decode_ppp(const uint8_t *p, size_t n, struct decode *d)
{
    if (n >= 2 && p[0] == 0xff && p[1] == CONTROL_UI)
        return decode_ppp_protocol(p + 2, n - 2, d);
    return decode_ppp_protocol(p, n, d);
}

/* Cisco HDLC (RFC 1547 section 4.3.1): address, control, EtherType. */
bool decode_cisco_hdlc(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 4 && decode_ethertype(load_be16(p + 2), p + 4, n - 4, d);
}

/* PPP in HDLC-like framing, or Cisco HDLC: unicast 0f and multicast 8f are Cisco's addresses. */
bool decode_ppp_hdlc(const uint8_t *p, size_t n, struct decode *d)
{
    if (n && (p[0] == 0x0f || p[0] == 0x8f))
        return decode_cisco_hdlc(p, n, d);
    return decode_ppp(p, n, d);
}

/* PPPoE (RFC 2516) without an Ethernet header. */
bool decode_ppp_ether(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 6 && decode_ppp_protocol(p + 6, n - 6, d);
}

/* BSD/OS has 24 bytes of its own, with the protocol in them. */
bool decode_ppp_bsdos(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 24 && ppp_payload(load_be16(p + 5), p + 24, n - 24, d);
}

/* One byte says who sent it. pppd puts it in the place of the address ff. */
bool decode_with_direction_ppp(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 2)
        return false;
    return p[1] == CONTROL_UI ? decode_ppp_protocol(p + 2, n - 2, d) : decode_ppp(p + 1, n - 1, d);
}

bool decode_with_direction_hdlc(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 1 && decode_cisco_hdlc(p + 1, n - 1, d);
}

bool decode_with_direction_frelay(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 1 && decode_frame_relay(p + 1, n - 1, d);
}

/* Behind the control byte (RFC 2427 section 3); a zero may pad it to an even length. */
bool decode_nlpid(const uint8_t *p, size_t n, struct decode *d)
{
    if (n && p[0] == 0) {
        p++;
        n--;
    }
    if (n == 0)
        return false;
    switch (p[0]) {
    case NLPID_IPV4:
        return decode_ip(p + 1, n - 1, d);
    case NLPID_IPV6:
        return decode_ipv6(p + 1, n - 1, d);
    case NLPID_PPP:
        return decode_ppp_protocol(p + 1, n - 1, d);
    case NLPID_SNAP: {
        enum { OUI_ETHERTYPE = 0, OUI_BRIDGED = 0x0080c2, BRIDGED_FCS = 1, BRIDGED = 7 };
        if (n < 6)
            return false;
        const uint32_t oui = load_be32(p) & 0x00ffffff;
        const uint16_t pid = load_be16(p + 4);
        if (oui == OUI_ETHERTYPE)
            return decode_ethertype(pid, p + 6, n - 6, d);
        return oui == OUI_BRIDGED && (pid == BRIDGED_FCS || pid == BRIDGED) &&
               decode_frame(p + 6, n - 6, d);
    }
    default:
        return false;
    }
}

/* Q.922 address of 2 to 4 bytes, the last with its low bit set; Cisco's has an EtherType then. */
bool decode_frame_relay(const uint8_t *p, size_t n, struct decode *d)
{
    size_t len = 1;
    while (len <= 4 && len <= n && !(p[len - 1] & 1))
        len++;
    if (len < 2 || len > 4 || n < len + 2)
        return false;
    if (p[len] == CONTROL_UI)
        return decode_nlpid(p + len + 1, n - len - 1, d);
    const uint16_t type = load_be16(p + len);
    return type >= ETHERTYPE_MIN && decode_ethertype(type, p + len + 2, n - len - 2, d);
}

/* RFC 2684: LLC, with the NLPID in LLC's place for ISO protocols; or routed without any. */
bool decode_atm(const uint8_t *p, size_t n, struct decode *d)
{
    if (n >= 3 && p[0] == 0xfe && p[1] == 0xfe && p[2] == CONTROL_UI)
        return decode_nlpid(p + 3, n - 3, d);
    if (n >= 2 && p[0] == 0xaa && p[1] == 0xaa)
        return decode_llc(p, n, d);
    return decode_ip(p, n, d);
}

/* Flags, VPI, VCI; flags say what comes: 2 is LLC. */
bool decode_sunatm(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 4 && (p[0] & 0x0f) == 2 && decode_llc(p + 4, n - 4, d);
}

/* 16 bytes of direction and compression, which old files lack. Compressed headers say nothing. */
bool decode_slip(const uint8_t *p, size_t n, struct decode *d)
{
    if (n > 16 && p[0] <= 1 && (p[16] >> 4 == 4 || p[16] >> 4 == 6))
        return decode_ip(p + 16, n - 16, d);
    return decode_ip(p, n, d);
}

bool decode_slip_bsdos(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 24 && decode_ip(p + 24, n - 24, d);
}
