/* SPDX-License-Identifier: BSD-2-Clause */
/* Tunnels: packets and frames within what IP carries. Each header is checked before it is believed.
 */
#include <assert.h>
#include <strings.h>

#include "base/fail.h"
#include "base/text.h"
#include "decode/ethertype.h"
#include "decode/ipv4.h"

/* draft-foschiano-erspan: type I has no header, type II 8 bytes, type III 12 and 8 more. */
static bool erspan3(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 12)
        return false;
    const size_t len = p[11] & 1 ? 20 : 12;
    const bool ip = (p[10] >> 2 & 31) == 2; /* the frame type */
    return n >= len && (ip ? decode_ip(p + len, n - len, d) : decode_frame(p + len, n - len, d));
}

/*
 * RFC 2637 section 4.1: version 1, with a key that is length and call. MikroTik's EoIP has a
 * tunnel's number in the place of the call, and a frame.
 */
static bool pptp(uint16_t flags, const uint8_t *p, size_t n, struct decode *d)
{
    size_t at = 8;
    if (n >= 8 && load_be16(p + 2) == ETHERTYPE_EOIP) {
        decode_note_tunnel(d, DECODE_GRE, load_le16(p + 6));
        return decode_frame(p + 8, n - 8, d);
    }
    if (n < 8 || load_be16(p + 2) != ETHERTYPE_PPP || load_be16(p + 4) == 0)
        return false;
    at += flags & 0x1000 ? 4 : 0;
    at += flags & 0x0080 ? 4 : 0;
    decode_note_tunnel(d, DECODE_PPTP, load_be16(p + 6));
    return n >= at && decode_ppp(p + at, n - at, d);
}

/* RFC 2784, 2890. */
static bool gre(const uint8_t *p, size_t n, struct decode *d)
{
    enum { CHECKSUM = 0x8000, ROUTING = 0x4000, KEY = 0x2000, SEQUENCE = 0x1000, VERSION = 7 };
    enum { ARUBA_FIRST = 0x8200, ARUBA_LAST = 0x8370, ARUBA_STEP = 0x10 };
    if (n < 4)
        return false;
    const uint16_t flags = load_be16(p), type = load_be16(p + 2);
    if ((flags & VERSION) == 1)
        return pptp(flags, p, n, d);
    if (flags & (VERSION | ROUTING))
        return false;
    size_t at = 4;
    at += flags & CHECKSUM ? 4 : 0;
    if ((flags & KEY) && n >= at + 4)
        decode_note_tunnel(d, DECODE_GRE, load_be32(p + at));
    at += flags & KEY ? 4 : 0;
    at += flags & SEQUENCE ? 4 : 0;
    if (n < at)
        return false;
    p += at;
    n -= at;
    if (type >= ARUBA_FIRST && type <= ARUBA_LAST && type % ARUBA_STEP == 0)
        return decode_80211(p, n, d); /* the number is the access point's radio and cipher */
    switch (type) {
    case ETHERTYPE_ERSPAN:
        if (!(flags & SEQUENCE))
            return decode_frame(p, n, d);
        return n >= 8 && decode_frame(p + 8, n - 8, d);
    case ETHERTYPE_ERSPAN3:
        return erspan3(p, n, d);
    case ETHERTYPE_PPP:
        return decode_ppp(p, n, d);
    case ETHERTYPE_CMD: /* on Ethernet the type of what follows stands last, here first */
        return n >= 8 && decode_ethertype(load_be16(p), p + 8, n - 8, d);
    case ETHERTYPE_WCCP: /* version 2 has a redirect header of 4 bytes */
        if (n >= 4 && decode_sound_ip(p + 4, n - 4))
            return decode_ip(p + 4, n - 4, d);
        return n >= 4 && (decode_ip(p, n, d) || decode_ip(p + 4, n - 4, d));
    default:
        return type >= ETHERTYPE_MIN && decode_ethertype(type, p, n, d);
    }
}

/* RFC 7348. */
static bool vxlan(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 8 || !(p[0] & 0x08))
        return false;
    decode_note_tunnel(d, DECODE_VXLAN, load_be32(p + 4) >> 8);
    return decode_frame(p + 8, n - 8, d);
}

/* The numbers of NSH's next protocol (RFC 8300 section 2.2), and VXLAN-GPE's. */
static bool next_protocol(uint8_t next, const uint8_t *p, size_t n, struct decode *d)
{
    switch (next) {
    case 1:
        return decode_ip(p, n, d);
    case 2:
        return decode_ipv6(p, n, d);
    case 3:
        return decode_frame(p, n, d);
    case 4:
        return decode_nsh(p, n, d);
    case 5:
        return decode_mpls(p, n, d);
    default:
        return false;
    }
}

/* RFC 8300 section 2: version 0; the length, in words, is of the whole header. */
bool decode_nsh(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 8 || p[0] >> 6 != 0 || !decode_deeper(d))
        return false;
    const size_t len = (size_t)(p[1] & 0x3f) * 4;
    return len >= 8 && len <= n && next_protocol(p[3], p + len, n - len, d);
}

/* draft-ietf-nvo3-vxlan-gpe: the last byte of the first word says what is carried. */
static bool vxlan_gpe(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 8 || !(p[0] & 0x04))
        return vxlan(p, n, d);
    decode_note_tunnel(d, DECODE_VXLAN, load_be32(p + 4) >> 8);
    return next_protocol(p[3], p + 8, n - 8, d);
}

/* RFC 8926. */
static bool geneve(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 8 || p[0] >> 6 != 0)
        return false;
    const size_t len = 8 + (size_t)(p[0] & 0x3f) * 4;
    const uint16_t type = load_be16(p + 2);
    if (n < len)
        return false;
    decode_note_tunnel(d, DECODE_GENEVE, load_be32(p + 4) >> 8);
    return type >= ETHERTYPE_MIN && decode_ethertype(type, p + len, n - len, d);
}

/*
 * 3GPP TS 29.281 sections 5.1 and 5.2: version 1, a packet (type 255), extension headers. The
 * packet may be a frame of Ethernet (TS 23.501 section 5.6.10.2); only the session's signalling
 * says so.
 */
static bool gtp_u(const uint8_t *p, size_t n, struct decode *d)
{
    enum { EXTENSION = 0x04, OPTIONAL = 0x07, T_PDU = 255 };
    if (n < 8 || p[0] >> 4 != 3 || p[1] != T_PDU)
        return false;
    size_t at = 8;
    decode_note_tunnel(d, DECODE_GTP, load_be32(p + 4));
    if (p[0] & OPTIONAL) {
        at += 4;
        if (n < at)
            return false;
        uint8_t next = p[0] & EXTENSION ? p[at - 1] : 0;
        while (next) {
            const size_t len = at < n ? (size_t)p[at] * 4 : 0;
            if (len == 0 || len > n - at)
                return false;
            at += len;
            next = p[at - 1];
        }
    }
    return decode_undeclared(p + at, n - at, d);
}

/*
 * RFC 4380 section 5.1.1: an authentication and an origin may stand before the packet; RFC 6081
 * section 4: trailers of type, length and value after it. Others use the port, too: all of this has
 * to be as long as the UDP header before p says.
 */
static bool teredo(const uint8_t *p, size_t n, struct decode *d)
{
    enum { UDP_HEADER = 8, IPV6_HEADER = 40, TRAILER_HEADER = 2 };
    size_t left = load_be16(p - 4);
    if (left < UDP_HEADER)
        return false;
    left -= UDP_HEADER;
    if (n >= 4 && load_be16(p) == 1) {
        const size_t len = 13 + (size_t)p[2] + p[3];
        if (n < len || left < len)
            return false;
        p += len;
        n -= len;
        left -= len;
    }
    if (n >= 8 && left >= 8 && load_be16(p) == 0) {
        p += 8;
        n -= 8;
        left -= 8;
    }
    if (n < IPV6_HEADER)
        return false;
    size_t at = IPV6_HEADER + (size_t)load_be16(p + 4);
    while (at < left && at + TRAILER_HEADER <= n)
        at += TRAILER_HEADER + (size_t)p[at + 1];
    return at == left && decode_ipv6(p, n, d);
}

/* RFC 2661 section 3.1: a data message of version 2. */
static bool l2tp(const uint8_t *p, size_t n, struct decode *d)
{
    enum { CONTROL = 0x8000, LENGTH = 0x4000, SEQUENCE = 0x0800, OFFSET = 0x0200, VERSION = 15 };
    if (n < 6)
        return false;
    const uint16_t flags = load_be16(p);
    if ((flags & CONTROL) || (flags & VERSION) != 2)
        return false;
    size_t at = 6;
    at += flags & LENGTH ? 2 : 0;
    if (n >= at)
        decode_note_tunnel(d, DECODE_L2TP, load_be32(p + at - 4));
    at += flags & SEQUENCE ? 4 : 0;
    if (flags & OFFSET) {
        if (n < at + 2)
            return false;
        at += 2 + (size_t)load_be16(p + at);
    }
    return n >= at && decode_ppp(p + at, n - at, d);
}

/* RFC 5415 section 4.3. Cisco's controllers swap the bytes of 802.11's first and last fields. */
static bool capwap(const uint8_t *p, size_t n, struct decode *d)
{
    enum { NATIVE = 1 << 8, FRAGMENT = 1 << 7, KEEP_ALIVE = 1 << 3, WBID_80211 = 1 };
    if (n < 8 || p[0] != 0)
        return false;
    const uint32_t word = load_be32(p);
    const size_t len = (size_t)(word >> 19 & 0x1f) * 4;
    if (len < 8 || n < len || (word & KEEP_ALIVE) || ((word & FRAGMENT) && load_be16(p + 6) >> 3))
        return false;
    p += len;
    n -= len;
    if (!(word & NATIVE))
        return decode_frame(p, n, d);
    return (word >> 9 & 0x1f) == WBID_80211 &&
           (decode_80211(p, n, d) || decode_80211_swapped(p, n, d));
}

/* TaZmen Sniffer Protocol: version 1, type, what it carries, tags up to one of type 1. */
static bool tzsp(const uint8_t *p, size_t n, struct decode *d)
{
    enum { HEADER = 4, PADDING = 0, END = 1 };
    if (n < HEADER || p[0] != 1)
        return false;
    size_t at = HEADER;
    while (at < n && p[at] != END) {
        if (p[at] != PADDING && at + 1 < n)
            at += 1 + (size_t)p[at + 1];
        at++;
    }
    if (at++ >= n)
        return false;
    switch (load_be16(p + 2)) {
    case 1:
        return decode_frame(p + at, n - at, d);
    case 18:
        return decode_80211(p + at, n - at, d);
    case 119:
        return decode_prism(p + at, n - at, d);
    case 127:
        return decode_avs(p + at, n - at, d);
    default:
        return false;
    }
}

/* RFC 3378: version 3. */
static bool etherip(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 2 && p[0] >> 4 == 3 && decode_frame(p + 2, n - 2, d);
}

enum side {
    EITHER, /* a tunnel between two ends, one of which at least has the port */
    TO,     /* the source port is chosen at will, so that paths differ: the destination's counts */
};

/* A tunnel is a row: of UDP (and UDP-Lite) where it has a port. IANA numbers. */
static const struct tunnel {
    uint8_t proto;
    uint16_t port;
    enum side side;
    decode_fn *fn;
    const char *name; /* NULL: nobody is advised to look inside */
    const char *word; /* for which other ports may be given, or NULL */
} tunnels[] = {
    {CLV_PROTO_UDP, 4789, TO, vxlan, "VXLAN", "vxlan"},
    {CLV_PROTO_UDP, 8472, TO, vxlan, "VXLAN", NULL}, /* of Linux, before IANA had given a port */
    {CLV_PROTO_UDP, 4790, TO, vxlan_gpe, "VXLAN-GPE", "vxlan-gpe"},
    {CLV_PROTO_UDP, 6081, TO, geneve, "Geneve", "geneve"},
    {CLV_PROTO_UDP, 2152, EITHER, gtp_u, "GTP-U", "gtp"},
    {CLV_PROTO_UDP, 1701, EITHER, l2tp, "L2TP", "l2tp"},
    {CLV_PROTO_UDP, 3544, EITHER, teredo, "Teredo", "teredo"},
    {CLV_PROTO_UDP, 5247, EITHER, capwap, "CAPWAP", "capwap"},
    {CLV_PROTO_UDP, 4754, TO, gre, "GRE in UDP", "gre"},                   /* RFC 8086 */
    {CLV_PROTO_UDP, 6635, TO, decode_mpls_doubted, "MPLS in UDP", "mpls"}, /* RFC 7510 */
    {CLV_PROTO_UDP, 37008, TO, tzsp, "TZSP", "tzsp"},
    {47, 0, EITHER, gre, "GRE", NULL},
    {4, 0, EITHER, decode_ip, "IP in IP", NULL},
    {41, 0, EITHER, decode_ipv6, "IPv6 in IP", NULL},
    {97, 0, EITHER, etherip, "EtherIP", NULL},
    {137, 0, EITHER, decode_mpls, "MPLS in IP", NULL}, /* RFC 4023 */
    {145, 0, EITHER, decode_nsh, "NSH", NULL},
    {143, 0, EITHER, decode_frame, NULL, NULL}, /* RFC 8986: within segment routing */
};
enum { N_TUNNELS = sizeof tunnels / sizeof *tunnels };
static_assert((unsigned)N_TUNNELS < (unsigned)DECODE_CARRIERS, "numbers count from 1");

static const struct tunnel *find(uint8_t proto, uint16_t port)
{
    for (unsigned i = 0; i < N_TUNNELS; i++)
        if (tunnels[i].port == port && tunnels[i].proto == proto)
            return &tunnels[i];
    return NULL;
}

/* The tunnel on a port of UDP. */
static const struct tunnel *find_udp(uint16_t port, const struct decode_ports *ports)
{
    for (unsigned i = 0; ports && i < ports->n; i++)
        if (ports->at[i].port == port)
            return &tunnels[ports->at[i].row];
    return find(CLV_PROTO_UDP, port);
}

/* Looks into a tunnel, and notes that it is one if so, if somebody asks. */
static bool enter(const struct tunnel *t, const uint8_t *p, size_t n, struct decode *d)
{
    struct decode_place *const place = d->place;
    if (CLV_LIKELY(!place))
        return t->fn(p, n, d);
    const uint8_t met = place->n_carriers;
    if (met < DECODE_CARRIERS_MET)
        place->carriers[place->n_carriers++] = (uint8_t)(t - tunnels + 1);
    if (t->fn(p, n, d))
        return true;
    place->n_carriers = met;
    return false;
}

static bool in_udp(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 8)
        return false;
    const uint16_t src = load_be16(p), dst = load_be16(p + 2);
    const struct tunnel *t = dst ? find_udp(dst, d->ports) : NULL;
    if (t && enter(t, p + 8, n - 8, d))
        return true;
    t = src && src != dst ? find_udp(src, d->ports) : NULL;
    return t && t->side == EITHER && enter(t, p + 8, n - 8, d);
}

enum { PROTO_AH = 51 };

/* RFC 4302: what follows belongs to the same addresses. */
static bool ah(const uint8_t *p, size_t n, const struct clv_tuple *outer, struct decode *d)
{
    if (n < 12)
        return false;
    const size_t len = ((size_t)p[1] + 2) * 4;
    if (n < len)
        return false;
    *d->t = *outer;
    d->t->proto = p[0];
    decode_transport(p + len, n - len, d, NULL);
    return true;
}

bool decode_tunnel(const uint8_t *p, size_t n, struct decode *d)
{
    const struct clv_tuple outer = *d->t;
    const uint8_t depth = d->depth;
    bool found = false;
    if (!decode_deeper(d)) {
        d->depth = depth;
        return false;
    }
    struct decode_path path;
    if (CLV_UNLIKELY(d->path != NULL))
        path = *d->path;
    *d->t = (struct clv_tuple){0};
    switch (outer.proto) {
    case CLV_PROTO_TCP:
        break;
    case CLV_PROTO_UDP:
    case CLV_PROTO_UDPLITE:
        found = in_udp(p, n, d);
        break;
    case PROTO_AH:
        found = ah(p, n, &outer, d);
        break;
    default: {
        const struct tunnel *t = find(outer.proto, 0);
        found = t && enter(t, p, n, d);
        break;
    }
    }
    if (!found) {
        *d->t = outer; /* nothing sound is inside */
        d->depth = depth;
        if (CLV_UNLIKELY(d->path != NULL)) {
            /* The frame around the addresses counts, and the identifiers right behind them. */
            memcpy(path.id, d->path->id, sizeof path.id);
            memcpy(path.kind, d->path->kind, sizeof path.kind);
            path.n_tunnels = d->path->n_tunnels;
            *d->path = path;
        }
    }
    return found;
}

unsigned decode_carrier(uint8_t proto, uint16_t a_port, uint16_t b_port)
{
    for (unsigned i = 0; proto != CLV_PROTO_TCP && i < N_TUNNELS; i++) {
        const struct tunnel *t = &tunnels[i];
        if (t->name && t->proto == proto && (!t->port || t->port == a_port || t->port == b_port))
            return i + 1;
    }
    return 0;
}

const char *decode_carrier_name(unsigned carrier)
{
    return tunnels[carrier - 1].name;
}

const char *decode_tunnel_word(enum decode_tunnel_kind kind)
{
#define WORD(kind, word) [DECODE_##kind] = (word),
    static const char *const words[DECODE_KINDS] = {DECODE_TUNNEL_KINDS(WORD)};
#undef WORD
    return words[kind];
}

/* "vxlan=4790" of len bytes. false: it is none. */
static bool parse_port(const char *p, size_t len, uint16_t *port, uint8_t *row)
{
    const char *const equals = memchr(p, '=', len);
    if (!equals)
        return false;
    const size_t word = (size_t)(equals - p), digits = len - word - 1;
    unsigned n = 0;
    for (size_t i = 0; i < digits && n <= UINT16_MAX; i++) {
        if (equals[1 + i] < '0' || equals[1 + i] > '9')
            return false;
        n = n * 10 + (unsigned)(equals[1 + i] - '0');
    }
    *port = (uint16_t)n;
    for (*row = 0; *row < N_TUNNELS; ++*row) {
        const char *const known = tunnels[*row].word;
        if (known && strlen(known) == word && strncasecmp(known, p, word) == 0)
            return n > 0 && n <= UINT16_MAX;
    }
    return false;
}

bool decode_ports_parse(struct decode_ports *ports, const char *option, const char *text,
                        struct clv_error *err)
{
    char words[128];
    struct text t = text_on(words, sizeof words);
    enum { MAX = sizeof ports->at / sizeof *ports->at };
    ports->n = 0;
    for (const char *p = text; p; p++) {
        const size_t len = strcspn(p, ",");
        if (ports->n == MAX)
            return clv_fail(err, CLV_ERR_OPTION, option, "more than %d ports", (int)MAX);
        if (!parse_port(p, len, &ports->at[ports->n].port, &ports->at[ports->n].row)) {
            (void)clv_fail(err, CLV_ERR_OPTION, option, "invalid value \"%.*s\"",
                           (int)min_u64(len, 60), p);
            for (unsigned i = 0; i < N_TUNNELS; i++)
                if (tunnels[i].word) {
                    text_str(&t, t.len ? ", " : "");
                    text_str(&t, tunnels[i].word);
                }
            return clv_fail_hint(err, "use KIND=PORT, separated by commas; kinds: %s",
                                 text_end(&t));
        }
        ports->n++;
        p += len;
        if (*p == '\0')
            break;
    }
    return true;
}
