/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: a packet becomes a tuple. Takes the captured bytes of one packet and its link type; gives
 * the endpoints and the transport protocol of the outermost network header. One pass, no state;
 * each header's length is checked once, then its fields are read freely.
 *
 * The public face is clv_packet_tuple() in cleave/packet.h. The pipeline asks once per file for the
 * link type's function and calls that.
 */
#ifndef CLEAVE_DECODE_DECODE_H
#define CLEAVE_DECODE_DECODE_H

#include "base/bytes.h"
#include "cleave/packet.h"

/* What a tunnel's identifier is called in a key, and what it is. */
#define DECODE_TUNNEL_KINDS(K)                                                                     \
    K(MPLS, "mpls")     /* label */                                                                \
    K(VXLAN, "vxlan")   /* network identifier */                                                   \
    K(GENEVE, "geneve") /* network identifier */                                                   \
    K(GRE, "gre")       /* key */                                                                  \
    K(GTP, "gtp")       /* tunnel endpoint identifier */                                           \
    K(L2TP, "l2tp")     /* tunnel, session */                                                      \
    K(PPTP, "pptp")     /* call */

#define DECODE_TUNNEL_KIND(kind, word) DECODE_##kind,
enum decode_tunnel_kind { DECODE_NO_TUNNEL, DECODE_TUNNEL_KINDS(DECODE_TUNNEL_KIND) DECODE_KINDS };
#undef DECODE_TUNNEL_KIND

enum { DECODE_TUNNELS = 4 };

/*
 * What a packet says beside its tuple, on the way to the addresses that count: the link addresses
 * and VLANs of the frame that is nearest to them, and the identifiers of the outermost tunnels up
 * to them and right behind them. Zeroed at the beginning of a decoding.
 */
struct decode_path {
    uint8_t src_mac[6], dst_mac[6];
    uint16_t vlan[2];            /* VLAN id, outer and inner */
    uint32_t id[DECODE_TUNNELS]; /* of tunnels */
    uint8_t kind[DECODE_TUNNELS];
    uint8_t n_tunnels, n_vlans;
    bool has_mac, has_bssid;
    uint8_t bssid[6]; /* of the 802.11 frame that is nearest */
};

/* What a fragment says of itself (RFC 791 section 3.1, RFC 8200 section 4.5). */
struct decode_fragment {
    uint8_t src[16], dst[16];
    uint32_t id;
    uint16_t offset; /* bytes */
    uint16_t len;    /* bytes of the datagram that are in it */
    uint8_t proto;   /* IPv4; 0 in IPv6, where it does not tell datagrams apart */
    uint8_t family;
    bool more;               /* it is not the last */
    struct decode_path path; /* what is outside of it, if somebody asks for the packet's; else 0 */
};

enum { DECODE_CARRIERS_MET = 4 };

/*
 * Where the headers of the addresses that count are, in the packet, and the tunnels that were
 * looked through to them and right behind them. Zeroed at the beginning of a decoding.
 */
struct decode_place {
    const uint8_t *network;   /* IP's header; NULL: the addresses are not from one */
    const uint8_t *transport; /* what follows it and IPv6's extension headers */
    size_t left;              /* bytes of the datagram from there on that were captured */
    uint8_t carriers[DECODE_CARRIERS_MET]; /* numbers of decode_carrier(), outermost first */
    uint8_t n_carriers;
};

/* UDP ports that tunnels are on besides those that IANA gave them: rows of the table of tunnels. */
struct decode_ports {
    unsigned n;
    struct {
        uint16_t port;
        uint8_t row;
    } at[16];
};

/*
 * Reads "vxlan=4790,gtp=2153", the text of an option of that name; NULL: none. A port that the
 * table has for another tunnel is no longer that one's.
 */
CLV_MUST_CHECK bool decode_ports_parse(struct decode_ports *ports, const char *option,
                                       const char *text, struct clv_error *err);

/*
 * A decoding under way. *t is zeroed at its beginning. The depth counts headers that carry a whole
 * frame or packet again; more than DECODE_DEPTH_MAX are not looked through, so that no packet makes
 * the decoder recurse without end.
 */
struct decode {
    struct clv_tuple *t;
    bool inner;    /* look through tunnels */
    bool closed;   /* with inner: only for their identifiers; the outermost addresses count */
    bool touched;  /* one of those below is no longer zero */
    bool fragment; /* the outermost packet that is one is described in f */
    uint8_t depth;
    struct decode_fragment f;
    /* Behind the network header: of TCP up to its flags, of what has no ports two bytes, or NULL.
     */
    const uint8_t *transport;
    const struct decode_ports *ports; /* NULL: those of the table alone */
    struct decode_path *path;         /* NULL: nobody asks */
    struct decode_place *place;       /* the same; without inner it is noted of few packets only */
};

enum { DECODE_DEPTH_MAX = 16 }; /* a tunnel that carries frames takes two */

/*
 * Fills *d->t from the n bytes at p. false: no network address; what has been filled in by then
 * means nothing.
 */
typedef bool decode_fn(const uint8_t *p, size_t n, struct decode *d);

/*
 * What a packet of this protocol, between these ports, would carry as a tunnel: a number from 1, or
 * 0: nothing. Said without a look at it.
 */
unsigned decode_carrier(uint8_t proto, uint16_t a_port, uint16_t b_port);

enum { DECODE_CARRIERS = 32 };

/* "VXLAN" and the like; NULL: not one to look for. Static. */
const char *decode_carrier_name(unsigned carrier);

/* "vxlan" and the like. Static. */
const char *decode_tunnel_word(enum decode_tunnel_kind kind);

/* A row of the table of link types. */
struct decode_link {
    uint16_t linktype;
    const char *name; /* LINKTYPE_ name without the prefix */
    decode_fn *fn;
};

/* NULL: its packets are not looked into. Static storage. */
const struct decode_link *decode_link_find(uint16_t linktype);

/* Never NULL: packets of a link type that is not known have no network address. */
decode_fn *decode_function(uint16_t linktype);

/* Notes a tunnel's identifier, if somebody asks. */
static inline void decode_note_tunnel(struct decode *d, enum decode_tunnel_kind kind, uint32_t id)
{
    struct decode_path *path = d->path;
    if (!path || path->n_tunnels == DECODE_TUNNELS)
        return;
    path->kind[path->n_tunnels] = (uint8_t)kind;
    path->id[path->n_tunnels++] = id;
}

/* Notes the addresses of the frame that begins here. */
static inline void decode_note_mac(struct decode_path *path, const uint8_t *dst, const uint8_t *src)
{
    memcpy(path->dst_mac, dst, sizeof path->dst_mac);
    memcpy(path->src_mac, src, sizeof path->src_mac);
    path->has_mac = true;
    path->n_vlans = 0;
    memset(path->vlan, 0, sizeof path->vlan);
}

/* One level deeper. false: too deep. */
static inline bool decode_deeper(struct decode *d)
{
    d->touched = true;
    return d->depth++ < DECODE_DEPTH_MAX;
}

/* The room's inner doors, for layers that carry one another. n bytes are at p. */
decode_fn decode_ipv6;
decode_fn decode_ip; /* the version nibble decides */
decode_fn decode_llc;
decode_fn decode_nsh;
decode_fn decode_mpls;
decode_fn decode_mpls_doubted;
decode_fn
    decode_ethernet; /* notes no path of its own: the link type's function, for all but those */
decode_fn decode_ethernet_asked; /* the same for whoever may be asked for the path */
decode_fn decode_frame;          /* Ethernet within another layer: one level deeper */
decode_fn decode_undeclared;     /* IP, or such a frame where IP is not sound */

/* An IP header is there, and what it says agrees with itself. */
bool decode_sound_ip(const uint8_t *p, size_t n);

bool decode_ethertype(uint16_t type, const uint8_t *p, size_t n, struct decode *d);

/* wan.c */
decode_fn decode_ppp, decode_ppp_protocol, decode_ppp_hdlc, decode_ppp_ether, decode_cisco_hdlc;
decode_fn decode_frame_relay, decode_atm, decode_sunatm, decode_slip, decode_slip_bsdos;
decode_fn decode_ppp_bsdos, decode_with_direction_ppp, decode_with_direction_hdlc;
decode_fn decode_nlpid; /* without a control byte before it */
decode_fn decode_with_direction_frelay;

/* wireless.c */
decode_fn decode_80211, decode_80211_swapped, decode_radiotap, decode_prism, decode_avs;

/* exported.c */
decode_fn decode_exported_pdu;

/* juniper.c */
decode_fn decode_juniper_atm1, decode_juniper_atm2, decode_juniper_chdlc, decode_juniper_es;
decode_fn decode_juniper_ether, decode_juniper_frelay, decode_juniper_mfr, decode_juniper_ml;
decode_fn decode_juniper_ppp, decode_juniper_pppoe_atm, decode_juniper_services;

/*
 * Looks for a tunnel in the n bytes behind the network header, of d->t->proto. true: *d->t says
 * what is in it. false: it is untouched.
 */
decode_fn decode_tunnel;

#endif
