/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet, what stands between its addresses and the network header, LLC, and MPLS. */
#include "decode/ethertype.h"
#include "decode/ipv4.h"

enum {
    LLC_SAP_IP = 0x06,
    LLC_SAP_SNAP = 0xaa,
    OUI_ETHERTYPE = 0x000000, /* RFC 1042 */
    OUI_8021H = 0x0000f8,     /* IEEE 802.1H bridge tunnel */
    OUI_BRIDGED = 0x0080c2,   /* RFC 2684 section 5.2 */
    BRIDGED_FCS = 1,
    BRIDGED = 7,
};

/* Logical link control (IEEE 802.2), with SNAP where it announces it. */
bool decode_llc(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 3)
        return false;
    const bool snap = p[0] == LLC_SAP_SNAP && p[1] == LLC_SAP_SNAP;
    if (!snap)
        return p[0] == LLC_SAP_IP && p[1] == LLC_SAP_IP && decode_ip(p + 3, n - 3, d);
    if (n < 8)
        return false;
    const uint32_t oui = load_be32(p + 2) & 0x00ffffff;
    const uint16_t pid = load_be16(p + 6);
    if (oui == OUI_ETHERTYPE || oui == OUI_8021H)
        return decode_ethertype(pid, p + 8, n - 8, d);
    /* Two bytes pad the frame to a multiple of four. */
    return oui == OUI_BRIDGED && (pid == BRIDGED_FCS || pid == BRIDGED) && n >= 10 &&
           decode_frame(p + 10, n - 10, d);
}

/* The first two bytes of an address that is in use (IANA's registry of IPv6 addresses). */
static bool is_usual(const uint8_t *addr)
{
    return (addr[0] & 0xe0) == 0x20 || (addr[0] & 0xfe) == 0xfc ||
           (addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80) || addr[0] == 0xff ||
           (addr[0] == 0 && (addr[1] == 0 || addr[1] == 0x64));
}

/* What follows IPv6 most times: extension headers, TCP, UDP, tunnels, ICMP, routing, SCTP. */
static bool is_usual_next(uint8_t next)
{
    static const uint8_t all[] = {0,  4,  6,  17, 41,  43,  44,  47,  50,  51,  58,
                                  59, 60, 88, 89, 103, 112, 115, 132, 135, 136, 137};
    return memchr(all, next, sizeof all) != NULL;
}

enum { IPV6_HEADER = 40 };

/*
 * An IP header that does not contradict itself: RFC 791's checksum, RFC 8200's length. A hop limit
 * of 0 is never sent. Where an IPv6 packet was cut, or has a trailer, its length says little: then
 * what it says of itself is to be usual.
 */
bool decode_sound_ip(const uint8_t *p, size_t n)
{
    if (n >= IPV4_HEADER && p[0] >> 4 == 4) {
        const size_t header = (size_t)(p[0] & 15) * 4;
        return header >= IPV4_HEADER && n >= header && clv_checksum(p, header, 0) == 0;
    }
    if (n < IPV6_HEADER || p[0] >> 4 != 6 || p[7] == 0)
        return false;
    const size_t len = load_be16(p + 4);
    return (len && len == n - IPV6_HEADER) ||
           (is_usual_next(p[6]) && is_usual(p + 8) && is_usual(p + 24));
}

static bool skip_labels(const uint8_t **p, size_t *n, struct decode *d);

/*
 * A frame of a type that Ethernet within MPLS is likely to have, and that type's next bytes. Of IP
 * in it the header is looked at. cut: of IP the version alone, and what the frame has no more may
 * be anything.
 */
static bool is_frame(const uint8_t *p, size_t n, bool cut)
{
    enum { HEADER = 14, ARP_LEN = 28, TAG = 4, PPPOE = 0x11, PPP_IPV4 = 0x21, PPP_IPV6 = 0x57 };
    if (n <= HEADER)
        return false;
    while (load_be16(p + 12) == ETHERTYPE_VLAN || load_be16(p + 12) == ETHERTYPE_QINQ) {
        if (n <= HEADER + TAG)
            return cut;
        p += TAG;
        n -= TAG;
    }
    const uint8_t *at = p + HEADER;
    size_t left = n - HEADER;
    switch (load_be16(p + 12)) {
    case ETHERTYPE_IPV4:
        return at[0] >> 4 == 4 && (cut || decode_sound_ip(at, left));
    case ETHERTYPE_IPV6:
        return at[0] >> 4 == 6 && (cut || decode_sound_ip(at, left));
    case ETHERTYPE_ARP:
        if (left < (cut ? 4 : ARP_LEN))
            return cut;
        return load_be16(at + 2) == ETHERTYPE_IPV4;
    case ETHERTYPE_MPLS:
        if (!skip_labels(&at, &left, NULL))
            return cut;
        return at[0] >> 4 == 4 || at[0] >> 4 == 6;
    case ETHERTYPE_PPPOE_SESSION:
        if (left < 8)
            return cut && at[0] == PPPOE;
        return at[0] == PPPOE && at[1] == 0 &&
               (load_be16(at + 6) == PPP_IPV4 || load_be16(at + 6) == PPP_IPV6);
    default:
        return false;
    }
}

static bool sound_frame(const uint8_t *p, size_t n)
{
    return is_frame(p, n, false);
}

static bool may_be_frame(const uint8_t *p, size_t n)
{
    return is_frame(p, n, true);
}

bool decode_undeclared(const uint8_t *p, size_t n, struct decode *d)
{
    return may_be_frame(p, n) && !decode_sound_ip(p, n) ? decode_frame(p, n, d)
                                                        : decode_ip(p, n, d);
}

/* Leaves the labels behind. false: they do not end. d NULL: they are not noted. */
static bool skip_labels(const uint8_t **p, size_t *n, struct decode *d)
{
    bool bottom = false;
    while (!bottom) {
        if (*n < 5)
            return false;
        bottom = (*p)[2] & 1;
        if (d)
            decode_note_tunnel(d, DECODE_MPLS, load_be32(*p) >> 12);
        *p += 4;
        *n -= 4;
    }
    return true;
}

/*
 * RFC 3032. No label says what is below the last one; the first nibble does for IP (RFC 4928), and
 * is 0 for the control word of a pseudowire (RFC 4448), which here carries Ethernet. A pseudowire
 * without one begins with any nibble: a frame is believed where the IP header is not sound.
 */
bool decode_mpls(const uint8_t *p, size_t n, struct decode *d)
{
    if (!skip_labels(&p, &n, d))
        return false;
    const bool ip = p[0] >> 4 == 4 || p[0] >> 4 == 6;
    if (ip && (decode_sound_ip(p, n) || !may_be_frame(p, n)))
        return decode_ip(p, n, d);
    if (p[0] >> 4 == 0 && n >= 4 && may_be_frame(p + 4, n - 4))
        return decode_frame(p + 4, n - 4, d);
    return may_be_frame(p, n) && decode_frame(p, n, d);
}

/* Where nothing announced MPLS but a port: only what is sound is believed. */
bool decode_mpls_doubted(const uint8_t *p, size_t n, struct decode *d)
{
    const uint8_t *below = p;
    size_t left = n;
    return skip_labels(&below, &left, NULL) &&
           (decode_sound_ip(below, left) || sound_frame(below, left) ||
            (left >= 4 && below[0] >> 4 == 0 && sound_frame(below + 4, left - 4))) &&
           decode_mpls(p, n, d);
}

/* IEEE 802.1AE section 9: a tag of 6 bytes, 8 more with an explicit channel; what is encrypted is
 * lost to us. */
static bool macsec(const uint8_t *p, size_t n, uint16_t *type, size_t *len)
{
    enum { EXPLICIT = 0x20, ENCRYPTED = 0x08, CHANGED = 0x04 };
    if (n < 6 || (p[0] & (ENCRYPTED | CHANGED)))
        return false;
    const size_t tag = p[0] & EXPLICIT ? 14 : 6;
    if (n < tag + 2)
        return false;
    *type = load_be16(p + tag);
    *len = tag + 2;
    return true;
}

/*
 * Arista's header: subtype, version, and what these say, as tcpdump and Wireshark read it. A time
 * stamp is a tag, whose version says how long it is; what DzGRE puts into GRE stands before a
 * frame.
 */
static bool arista(const uint8_t *p, size_t n, uint16_t *type, size_t *len)
{
    enum { TIMESTAMP = 1, GREENTAP = 3, DZGRE_A = 7, DZGRE_B, DZGRE_TIMESTAMP, SIZE = 0xf0 };
    if (n < 4)
        return false;
    const uint16_t version = load_be16(p + 2);
    *type = ETHERTYPE_TEB;
    switch (load_be16(p)) {
    case TIMESTAMP:
    case GREENTAP:
        if ((version & SIZE) != 0x10 && (version & SIZE) != 0x20)
            return false;
        *len = 4 + ((version & SIZE) == 0x10 ? 8 : 6) + 2; /* seconds of 32 bits, or of 16 */
        if (n >= *len)
            *type = load_be16(p + *len - 2);
        break;
    case DZGRE_A:
        *len = 12;
        break;
    case DZGRE_B:
        *len = 8;
        break;
    case DZGRE_TIMESTAMP:
        *len = 20;
        break;
    default:
        return false;
    }
    return n >= *len;
}

/* What stands between such a type and a frame. SIZE_MAX: no frame follows. */
static size_t before_frame(uint16_t type, const uint8_t *p, size_t n)
{
    switch (type) {
    case ETHERTYPE_TEB:
        return 0;
    case ETHERTYPE_FABRICPATH: /* a tree's number and a time to live */
        return 2;
    case ETHERTYPE_TRILL: /* RFC 6325 section 3: options, in words, two nicknames */
        return n < 6 ? SIZE_MAX : 6 + (size_t)(load_be16(p) >> 6 & 0x1f) * 4;
    default:
        return SIZE_MAX;
    }
}

/* Tags: the type of what follows is at their end. 0: none that is known. */
static size_t tag_len(uint16_t type)
{
    switch (type) {
    case ETHERTYPE_VLAN:
    case ETHERTYPE_QINQ:
    case ETHERTYPE_QINQ_OLD1:
    case ETHERTYPE_QINQ_OLD2:
    case ETHERTYPE_QINQ_OLD3:
        return 4;
    case ETHERTYPE_BRCM_TAG:
    case ETHERTYPE_VNTAG:
    case ETHERTYPE_HSR:
    case ETHERTYPE_RTAG:
        return 6;
    case ETHERTYPE_EDSA:
    case ETHERTYPE_ETAG:
    case ETHERTYPE_CMD:
        return 8;
    case ETHERTYPE_ITAG: /* service id, then the customer's addresses */
        return 18;
    default:
        return 0;
    }
}

/* A VLAN's tag counts, the outermost two of them; a service's customer has a frame of its own. */
static CLV_COLD void note_tag(uint16_t type, const uint8_t *p, struct decode_path *path)
{
    enum { VLAN_ID = 0x0fff, CUSTOMER_AT = 4 };
    if (type == ETHERTYPE_ITAG)
        decode_note_mac(path, p + CUSTOMER_AT, p + CUSTOMER_AT + 6);
    else if (tag_len(type) == 4 && path->n_vlans < 2)
        path->vlan[path->n_vlans++] = load_be16(p) & VLAN_ID;
}

bool decode_ethertype(uint16_t type, const uint8_t *p, size_t n, struct decode *d)
{
    for (;;) {
        size_t len;
        switch (type) {
        case ETHERTYPE_IPV4:
            return decode_ip(p, n, d);
        case ETHERTYPE_IPV6:
            return decode_ipv6(p, n, d);
        case ETHERTYPE_MPLS:
        case ETHERTYPE_MPLS_MULTICAST:
            return decode_mpls(p, n, d);
        case ETHERTYPE_PPPOE_SESSION:
            return decode_ppp_ether(p, n, d);
        case ETHERTYPE_MACSEC:
            if (!macsec(p, n, &type, &len))
                return false;
            break;
        case ETHERTYPE_ARISTA:
            if (!arista(p, n, &type, &len))
                return false;
            break;
        case ETHERTYPE_TEB:
        case ETHERTYPE_FABRICPATH:
        case ETHERTYPE_TRILL:
            len = before_frame(type, p, n);
            return len <= n && decode_frame(p + len, n - len, d);
        case ETHERTYPE_NSH:
            return decode_nsh(p, n, d);
        case ETHERTYPE_JUMBO_LLC:
            return decode_llc(p, n, d);
        default:
            if (type <= ETHERTYPE_LENGTH_MAX)
                return decode_llc(p, type < n ? type : n, d);
            len = tag_len(type);
            if (len == 0 || n < len)
                return false;
            if (CLV_UNLIKELY(d->path != NULL))
                note_tag(type, p, d->path);
            type = load_be16(p + len - 2);
            break;
        }
        p += len;
        n -= len;
    }
}

/* Cisco's inter-switch link puts 26 bytes before a frame; its own address tells. */
static bool is_isl(const uint8_t *p, size_t n)
{
    static const uint8_t address[4] = {0x00, 0x0c, 0x00, 0x00};
    return n >= 40 && (p[0] == 0x01 || p[0] == 0x03) && memcmp(p + 1, address, 4) == 0 &&
           load_be16(p + 12) <= ETHERTYPE_LENGTH_MAX + 100 && p[14] == 0xaa && p[15] == 0xaa;
}

bool decode_ethernet(const uint8_t *p, size_t n, struct decode *d)
{
    if (CLV_UNLIKELY(n < 15))
        return false;
    const uint16_t type = load_be16(p + 12);
    if (CLV_LIKELY(type == ETHERTYPE_IPV4 && p[14] == IPV4_PLAIN))
        return decode_ipv4_header(p + 14, n - 14, IPV4_HEADER, d);
    if (CLV_UNLIKELY(type < ETHERTYPE_MIN && is_isl(p, n)))
        return decode_frame(p + 26, n - 26, d);
    return decode_ethertype(type, p + 14, n - 14, d);
}

bool decode_frame(const uint8_t *p, size_t n, struct decode *d)
{
    return decode_deeper(d) && decode_ethernet_asked(p, n, d);
}

bool decode_ethernet_asked(const uint8_t *p, size_t n, struct decode *d)
{
    if (CLV_UNLIKELY(d->path && n >= 12))
        decode_note_mac(d->path, p, p + 6);
    return decode_ethernet(p, n, d);
}
