/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/packet.h"

#include <assert.h>

#include "decode/decode.h"
#include "decode/ipv4.h"

static_assert((int)CLV_TUNNEL_MPLS == (int)DECODE_MPLS &&
                  (int)CLV_TUNNEL_PPTP == (int)DECODE_PPTP &&
                  (int)CLV_TUNNEL_GTP == (int)DECODE_GTP &&
                  (int)DECODE_KINDS == CLV_TUNNEL_PPTP + 1,
              "kinds of tunnels have the same numbers");
static_assert((int)CLV_TUNNELS == (int)DECODE_TUNNELS &&
                  (int)CLV_TUNNELS == (int)DECODE_CARRIERS_MET,
              "and there is room for as many");

/*
 * Bytes of the transport header at p, of which n were captured; n: what is there does not say, or
 * not all of it was captured. *end: of the datagram, as far as this header knows better than IP's.
 */
static size_t header_len(const uint8_t *p, size_t n, uint8_t proto, size_t *end)
{
    enum { TCP = 20, UDP = 8, SCTP = 12, DCCP = 12, DATA_OFFSET_AT = 12, DCCP_OFFSET_AT = 4 };
    size_t len;
    switch (proto) {
    case CLV_PROTO_TCP: /* RFC 9293 section 3.1: in words, the upper four bits */
        len = n < TCP ? n : (size_t)(p[DATA_OFFSET_AT] >> 4) * 4;
        return len < TCP || len > n ? n : len;
    case CLV_PROTO_UDP: /* RFC 768; a length of 0 is a jumbogram's (RFC 2675), or left to hardware
                         */
        if (n < UDP)
            return n;
        len = load_be16(p + 4);
        if (len >= UDP && len < n)
            *end = len;
        return UDP;
    case CLV_PROTO_UDPLITE: /* RFC 3828: the place of the length is that of the coverage */
        return n < UDP ? n : UDP;
    case CLV_PROTO_SCTP: /* RFC 9260 section 3.1 */
        return n < SCTP ? n : SCTP;
    case CLV_PROTO_DCCP: /* RFC 4340 section 5.1: in words */
        len = n < DCCP ? n : (size_t)p[DCCP_OFFSET_AT] * 4;
        return len < DCCP || len > n ? n : len;
    default:
        return 0;
    }
}

static void put_places(struct clv_packet_desc *desc, const struct decode_place *place,
                       const uint8_t *data, uint32_t caplen)
{
    if (!place->network)
        return;
    const size_t at = (size_t)min_u64((uint64_t)(place->transport - data), caplen);
    const size_t left = (size_t)min_u64(place->left, caplen - at);
    const bool later = desc->tuple.flags & CLV_TUPLE_FRAGMENT;
    size_t end = left;
    const size_t header = later ? 0 : header_len(data + at, left, desc->tuple.proto, &end);
    desc->network_at = (uint32_t)(place->network - data);
    desc->transport_at = (uint32_t)at;
    desc->payload_at = (uint32_t)(at + header);
    desc->payload_len = (uint32_t)(end - header);
}

static void put_path(struct clv_packet_desc *desc, const struct decode_path *path,
                     const struct decode_place *place)
{
    desc->has_mac = path->has_mac;
    memcpy(desc->src_mac, path->src_mac, sizeof desc->src_mac);
    memcpy(desc->dst_mac, path->dst_mac, sizeof desc->dst_mac);
    desc->n_vlans = path->n_vlans;
    memcpy(desc->vlan, path->vlan, sizeof desc->vlan);
    desc->n_tunnels = path->n_tunnels;
    for (unsigned i = 0; i < path->n_tunnels; i++)
        desc->tunnel[i] = (struct clv_tunnel_id){.id = path->id[i], .kind = path->kind[i]};
    desc->n_carriers = place->n_carriers;
    for (unsigned i = 0; i < place->n_carriers; i++) {
        const char *name = decode_carrier_name(place->carriers[i]);
        desc->carrier[i] = name ? name : "Ethernet"; /* RFC 8986 section 9: protocol 143 */
    }
}

bool clv_packet_describe(uint16_t linktype, const uint8_t *data, uint32_t caplen, unsigned flags,
                         struct clv_packet_desc *desc)
{
    *desc = (struct clv_packet_desc){
        .network_at = CLV_NO_PLACE, .transport_at = CLV_NO_PLACE, .payload_at = CLV_NO_PLACE};
    const bool inner = flags & CLV_DESCRIBE_INNER;
    struct decode_path path = {.n_vlans = 0};
    struct decode_place place = {.network = NULL};
    struct decode d = {
        .t = &desc->tuple, .inner = true, .closed = !inner, .path = &path, .place = &place};
    decode_fn *const fn = decode_function(linktype);
    const bool found = (fn == decode_ethernet ? decode_ethernet_asked : fn)(data, caplen, &d);
    put_path(desc, &path, &place);
    if (!found) {
        desc->tuple = (struct clv_tuple){0};
        return false;
    }
    put_places(desc, &place, data, caplen);
    if (d.fragment) {
        desc->fragment = true;
        desc->fragment_id = d.f.id;
        desc->fragment_off = d.f.offset;
        desc->fragment_more = d.f.more;
    }
    desc->outer = desc->tuple;
    return !inner || clv_packet_tuple(linktype, data, caplen, &desc->outer);
}
