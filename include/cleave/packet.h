/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets: their endpoints, what else their headers say, and how to build new ones. Nothing here
 * allocates or keeps state; every function may be called from any thread.
 */
#ifndef CLEAVE_PACKET_H
#define CLEAVE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleave/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* IANA protocol numbers that carry ports where TCP has them (RFC 9293, 768, 3828, 9260, 4340). */
enum clv_proto {
    CLV_PROTO_ICMP = 1,
    CLV_PROTO_TCP = 6,
    CLV_PROTO_UDP = 17,
    CLV_PROTO_DCCP = 33,
    CLV_PROTO_ICMPV6 = 58,
    CLV_PROTO_SCTP = 132,
    CLV_PROTO_UDPLITE = 136,
};

enum clv_tuple_flag {
    CLV_TUPLE_PORTS = 1 << 0,    /* sport and dport were read from the packet */
    CLV_TUPLE_FRAGMENT = 1 << 1, /* a fragment after the first: it carries no ports */
    CLV_TUPLE_SHORT = 1 << 2,    /* the captured bytes end before the ports */
};

/*
 * The endpoints and the transport protocol of a packet, from its outermost network header.
 * An IPv4 address is in the first 4 bytes of its field, the others are 0. Ports are in host order.
 * The first 38 bytes without padding, so that tuples may be compared and hashed as bytes.
 */
struct clv_tuple {
    uint8_t src[16];
    uint8_t dst[16];
    uint16_t sport, dport; /* 0 unless flags has CLV_TUPLE_PORTS */
    uint8_t proto;         /* IPv6: the header after the extension headers */
    uint8_t family;        /* 4, 6, or 0: the packet has no network address */
    uint8_t flags;         /* enum clv_tuple_flag */
    uint8_t tcp_flags;     /* byte 13 of the TCP header (RFC 9293 section 3.1), else 0 */
};

/*
 * Finds the tuple of the caplen bytes at data, a packet of the link type (LINKTYPE_ number,
 * https://www.tcpdump.org/linktypes.html). VLAN tags, MPLS labels and PPPoE are skipped.
 * true: *t is filled. false: the captured bytes contain no network address; *t is zeroed.
 */
CLV_API bool clv_packet_tuple(uint16_t linktype, const uint8_t *data, uint32_t caplen,
                              struct clv_tuple *t);

/* The kind of tunnel that an identifier belongs to. */
enum clv_tunnel_kind {
    CLV_TUNNEL_MPLS = 1, /* label (RFC 3032) */
    CLV_TUNNEL_VXLAN,    /* network identifier (RFC 7348) */
    CLV_TUNNEL_GENEVE,   /* network identifier (RFC 8926) */
    CLV_TUNNEL_GRE,      /* key (RFC 2890) */
    CLV_TUNNEL_GTP,      /* tunnel endpoint identifier (3GPP TS 29.281) */
    CLV_TUNNEL_L2TP,     /* tunnel << 16 | session (RFC 2661) */
    CLV_TUNNEL_PPTP,     /* call (RFC 2637) */
};

struct clv_tunnel_id {
    uint32_t id;
    uint8_t kind; /* enum clv_tunnel_kind */
};

enum { CLV_TUNNELS = 4 };

/* There is no such header. */
#define CLV_NO_PLACE UINT32_MAX

/* What clv_packet_describe() finds. Places are bytes from the packet's beginning. */
struct clv_packet_desc {
    struct clv_tuple tuple; /* of the requested addresses, in the form of clv_packet_tuple() */
    struct clv_tuple outer; /* of the outermost ones; the same unless CLV_DESCRIBE_INNER */

    /* IP's header. CLV_NO_PLACE: the addresses are not from one (LINKTYPE_WIRESHARK_UPPER_PDU). */
    uint32_t network_at;
    uint32_t transport_at; /* after it, and after IPv6's extension headers (RFC 8200) */
    /*
     * After the header of TCP, UDP, UDP-Lite, SCTP or DCCP. For other protocols, and for fragments
     * after the first, the same as transport_at.
     */
    uint32_t payload_at;
    uint32_t payload_len; /* captured bytes, without the padding of the frame */

    /*
     * From the outermost IP header that belongs to a fragment (RFC 791 section 3.1, RFC 8200
     * section 4.5).
     */
    uint32_t fragment_id;
    uint16_t fragment_off; /* bytes of the datagram before it */
    bool fragment;         /* false: there is none, and the members above and below are 0 */
    bool fragment_more;    /* it is not the last fragment of the datagram */
    bool has_mac;
    uint8_t n_vlans;    /* 0 to 2 */
    uint16_t vlan[2];   /* ids of the outer two tags (IEEE 802.1Q), the outermost first */
    uint8_t src_mac[6]; /* of the frame that is nearest to the addresses */
    uint8_t dst_mac[6];
    uint8_t n_tunnels, n_carriers;
    /* Outermost first: those before the addresses, and those directly after them. If there are more
     * than 4, the first 4.
     */
    struct clv_tunnel_id tunnel[CLV_TUNNELS];
    /* The tunnels' names, those without identifiers too: "VXLAN", "IP in IP". Static. */
    const char *carrier[CLV_TUNNELS];
    uint64_t reserved[4]; /* 0 */
};

enum clv_describe {
    CLV_DESCRIBE_INNER = 1 << 0, /* use the addresses inside tunnels, not the outermost ones */
};

/*
 * Describes the caplen bytes at data, a packet of the link type. flags are of enum clv_describe;
 * VLANs and MAC addresses are those of cleave split --by vlan and mac.
 * true: *desc is filled.
 * false: the captured bytes contain no network address. MAC addresses, VLANs and tunnels that were
 *        found are filled in *desc; tuples are zeroed, and places are CLV_NO_PLACE.
 */
CLV_API bool clv_packet_describe(uint16_t linktype, const uint8_t *data, uint32_t caplen,
                                 unsigned flags, struct clv_packet_desc *desc);

/*
 * Puts the endpoints into canonical order, as in the keys of flows: the lower one first, by address
 * as a number, then by port. true: they were exchanged.
 */
CLV_API bool clv_tuple_order(struct clv_tuple *t);

/*
 * Less than, equal to or greater than 0, as memcmp(): a total order by family, addresses, ports and
 * protocol. For tuples in canonical order, 0 means that they belong to the same flow. Of the flags,
 * only CLV_TUPLE_PORTS is compared.
 */
CLV_API int clv_tuple_compare(const struct clv_tuple *a, const struct clv_tuple *b);

/*
 * The same number for both directions of a flow, on every machine and in every version: XXH3 (64
 * bits, with a seed of its own) of the tuple in canonical order; flags count as in
 * clv_tuple_compare().
 */
CLV_API uint64_t clv_tuple_hash(const struct clv_tuple *t);

/* Which fields of a tuple count. */
enum clv_tuple_field {
    CLV_FIELD_IP = 1 << 0,
    CLV_FIELD_PROTO = 1 << 1,
    CLV_FIELD_PORT = 1 << 2,
};

#define CLV_NO_SHARD UINT32_MAX

/*
 * The shard of n, from 0, that cleave split --shards n puts the packets of this tuple into, the
 * same for both directions. fields are of enum clv_tuple_field; 0: all, as with --shard-by flow; IP
 * alone is --shard-by hostpair. Of all fields, the shard is (clv_tuple_hash() >> 32) * n >> 32.
 * Fragments after the first have no ports; cleave gives them the ports of the first one. To get the
 * same shards, do the same, or use IP alone.
 * CLV_NO_SHARD: the tuple has no network address, or n is 0.
 */
CLV_API uint32_t clv_shard(const struct clv_tuple *t, unsigned fields, uint32_t n);

/* Bytes of the longest text of a tuple, terminated. */
enum { CLV_TUPLE_TEXT = 128 };

/*
 * Writes the tuple into the len bytes at buf, terminated, in the form of {key} in cleave split
 * --name: "tcp_10.0.0.1_50000_10.0.0.2_80", source first, ports left out where it has none; a tuple
 * without a network address is "other". IPv6 is written as in RFC 5952, but with '-' between its
 * groups; a protocol without a short name is "ip-" and its number. Returns the length; 0 with buf
 * empty: it does not fit.
 */
CLV_API size_t clv_tuple_text(const struct clv_tuple *t, char *buf, size_t len);

/*
 * Reads the text that clv_tuple_text() writes; IPv6 may also be written with ':'. true: *t is
 * filled, tcp_flags is 0. false: *t is untouched, *err says what cannot be read.
 */
CLV_API CLV_MUST_CHECK bool clv_tuple_parse(const char *text, struct clv_tuple *t,
                                            struct clv_error *err);

/* Bytes of a Community ID, terminated. */
enum { CLV_COMMUNITY_ID = 31 };

/*
 * Writes the tuple's Community ID v1 (https://github.com/corelight/community-id-spec) into buf,
 * terminated: the same for both directions. icmp: for ICMP and ICMPv6, the type and the code, which
 * are the packet's first two bytes at transport_at; NULL for other protocols.
 * false: the tuple has no Community ID, because it lacks a network address, or the ports or icmp
 *        that its protocol needs; or this build lacks SHA-1 (nettle). buf is empty.
 */
CLV_API bool clv_community_id(const struct clv_tuple *t, const uint8_t *icmp, uint16_t seed,
                              char buf[CLV_COMMUNITY_ID]);

/* true: clv_packet_tuple() knows how packets of this link type begin. */
CLV_API bool clv_linktype_supported(uint16_t linktype);

/* "ETHERNET" for 1, without LINKTYPE_; NULL if this library has no name for the number. Static. */
CLV_API const char *clv_linktype_name(uint16_t linktype);

/*
 * libpcap's DLT_ number, as it is on this platform, for a LINKTYPE_ number and back. They differ
 * for raw IP and a few others (pcap-linktype(7)).
 */
CLV_API int clv_dlt_from_linktype(uint16_t linktype);
CLV_API uint16_t clv_linktype_from_dlt(int dlt);

/* The Internet checksum (RFC 1071) of len bytes, with a sum carried in; 0 to start. */
CLV_API uint16_t clv_checksum(const void *data, size_t len, uint32_t sum);

/*
 * A packet to build. The comment of each member says what zero means; addresses are as in
 * clv_tuple.
 */
struct clv_packet_spec {
    uint8_t eth_dst[6], eth_src[6];
    uint16_t vlan;             /* 802.1Q VLAN id, 0: no tag */
    struct clv_tuple tuple;    /* family 4 or 6; proto TCP, UDP, or another without a header here */
    uint8_t ttl;               /* TTL or hop limit, 0: 64 */
    uint16_t ip_id;            /* IPv4 identification */
    uint32_t tcp_seq, tcp_ack; /* tuple.tcp_flags are the flags */
    uint16_t tcp_window;       /* 0: 65535 */
    const void *payload;       /* payload_len bytes; NULL: zeros */
    uint32_t payload_len;
};

/*
 * Builds an Ethernet frame without FCS into the cap bytes at buf: IPv4 or IPv6 (RFC 791, 8200), a
 * TCP or UDP header where proto is one of them (RFC 9293, 768), and the payload; lengths and
 * checksums are right. Returns the frame's length in bytes, or 0 with *err filled where buf is too
 * small or the spec contradicts itself.
 */
CLV_API CLV_MUST_CHECK size_t clv_packet_build(const struct clv_packet_spec *spec, uint8_t *buf,
                                               size_t cap, struct clv_error *err);

/*
 * Saves packets as a classic pcap savefile through libpcap. One thread at a time per saver.
 */
struct clv_saver;

struct clv_saver_params {
    uint16_t linktype; /* 0: Ethernet (1) */
    uint32_t snaplen;  /* 0: 262144 */
    bool nanoseconds;  /* false: times are written in microseconds */
    bool overwrite;    /* false: an existing file is refused */
};

/*
 * Opens path, "-" is standard output. A file is written under a hidden name beside path, and takes
 * its own name, and the place of an older file, when the saver is closed. On failure *out is NULL
 * and no new file remains.
 */
CLV_API CLV_MUST_CHECK bool clv_saver_open(struct clv_saver **out, const char *path,
                                           const struct clv_saver_params *params,
                                           struct clv_error *err);

/* Adds a packet; ts_ns counts from the epoch in UTC and must not be negative. data is copied. */
CLV_API CLV_MUST_CHECK bool clv_saver_put(struct clv_saver *s, int64_t ts_ns, const void *data,
                                          uint32_t caplen, uint32_t origlen, struct clv_error *err);

/*
 * Flushes, checks and closes the file, gives it its name, and always destroys *s and sets it to
 * NULL. false, and after destroying the saver without this call: no file was made, and an older one
 * is as it was; only standard output, a pipe or a device keeps what it got. true, and *err filled:
 * the file is there, but the older one could not be removed; *err says where that is.
 */
CLV_API CLV_MUST_CHECK bool clv_saver_close(struct clv_saver **s, struct clv_error *err);
CLV_API void clv_saver_destroy(struct clv_saver **s);

#ifdef __cplusplus
}
#endif

#endif
