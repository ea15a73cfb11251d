/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Juniper's routers capture, under a link type for each kind of interface: a magic number,
 * flags, extensions, a cookie of the interface card, and the packet as the interface has it. As
 * libpcap's and tcpdump's sources read it; there is no other description.
 */
#include "decode/decode.h"
#include "decode/ethertype.h"

enum {
    MAGIC = 0x4d4743, /* "MGC" */
    NO_LINK_LAYER = 0x02,
    EXTENSIONS = 0x80,
    COOKIE_LS = 0x54, /* of a card that bundles lines: two bytes more */
    COOKIE_AS = 0x47, /* of a card for services: 8 bytes */
    COOKIE_AS_LEN = 8,
    PROTOCOL_LEN = 4, /* in the order of who captured */
    CONTROL_UI = 0x03,
};

/* Without a word on what it is: IP, NLPID, LLC or PPP, which begin differently. */
static bool any(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 2)
        return false;
    if (p[0] >> 4 == 4 || p[0] >> 4 == 6)
        return decode_ip(p, n, d);
    if (p[0] == CONTROL_UI)
        return decode_nlpid(p + 1, n - 1, d);
    if ((p[0] == 0xaa || p[0] == 0xfe) && p[1] == p[0])
        return decode_atm(p, n, d);
    return decode_ppp(p, n, d);
}

/* Whether the encrypted packet has a header of its own before it depends on the association. */
static bool ipsec(const uint8_t *p, size_t n, struct decode *d)
{
    enum { TYPE_AT = 3, WITHOUT_FIRST = 1, WITHOUT_LAST = 2, WITH_LAST = 5, LEN = 16 };
    if (n > LEN && p[TYPE_AT] > WITHOUT_LAST && p[TYPE_AT] <= WITH_LAST)
        return decode_ip(p + LEN, n - LEN, d);
    return decode_ip(p, n, d);
}

static bool typed(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 2 && load_be16(p) >= ETHERTYPE_MIN &&
           decode_ethertype(load_be16(p), p + 2, n - 2, d);
}

/* cookie: its bytes; bundles: of an interface whose cookie may be of another card. */
static bool juniper(const uint8_t *p, size_t n, size_t cookie, bool bundles, decode_fn *fn,
                    struct decode *d)
{
    if (n < 6 || load_be32(p) >> 8 != MAGIC)
        return false;
    const size_t at = p[3] & EXTENSIONS ? 6 + (size_t)load_be16(p + 4) : 4;
    if (n <= at)
        return false;
    if (p[3] & NO_LINK_LAYER)
        return n >= at + PROTOCOL_LEN && decode_ip(p + at + PROTOCOL_LEN, n - at - PROTOCOL_LEN, d);
    if (bundles && p[at] == COOKIE_LS)
        cookie += 2;
    else if (bundles && p[at] == COOKIE_AS)
        cookie = COOKIE_AS_LEN;
    else if (bundles && p[at] == 0xff) /* a single line's PPP */
        cookie = 0;
    return n >= at + cookie && fn(p + at + cookie, n - at - cookie, d);
}

#define JUNIPER(name, cookie, bundles, fn)                                                         \
    bool decode_juniper_##name(const uint8_t *p, size_t n, struct decode *d)                       \
    {                                                                                              \
        return juniper(p, n, cookie, bundles, fn, d);                                              \
    }

JUNIPER(atm1, 4, false, any)
JUNIPER(atm2, 8, false, any)
JUNIPER(chdlc, 0, false, decode_cisco_hdlc)
JUNIPER(es, 0, false, ipsec)
JUNIPER(ether, 0, false, decode_ethernet_asked)
JUNIPER(frelay, 0, false, decode_frame_relay)
JUNIPER(mfr, 4, true, any)
JUNIPER(ml, 2, true, any)
JUNIPER(ppp, 0, false, decode_ppp)
JUNIPER(pppoe_atm, 0, false, typed)
JUNIPER(services, 8, false, decode_ip)
