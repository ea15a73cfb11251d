/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/anykey.h"

#include "flow/service.h"

enum { SYN = 0x02, ACK = 0x10, WELL_KNOWN = 1024 };

bool flow_client_is_told(const struct clv_tuple *t)
{
    if (t->proto == CLV_PROTO_TCP && (t->tcp_flags & SYN))
        return true;
    return !(t->flags & CLV_TUPLE_PORTS) || (t->sport < WELL_KNOWN) != (t->dport < WELL_KNOWN);
}

bool flow_source_is_client(const struct clv_tuple *t)
{
    if (t->proto == CLV_PROTO_TCP && (t->tcp_flags & SYN))
        return !(t->tcp_flags & ACK);
    if (!(t->flags & CLV_TUPLE_PORTS) || t->sport == t->dport)
        return true;
    const bool src_known = t->sport < WELL_KNOWN, dst_known = t->dport < WELL_KNOWN;
    if (src_known != dst_known)
        return dst_known;
    const bool src_has = service_has(t->sport), dst_has = service_has(t->dport);
    return src_has != dst_has ? dst_has : t->dport < t->sport;
}

/* Clears the last bits of an address. */
static void cut_addr(uint8_t addr[16], uint8_t family, const uint8_t cut[2])
{
    const unsigned bits = cut[family == 6];
    uint8_t *const end = addr + (family == 6 ? 16 : 4);
    for (unsigned i = 0; i < bits / 8; i++)
        end[-1 - (int)i] = 0;
    if (bits % 8)
        end[-1 - (int)(bits / 8)] &= (uint8_t)(0xff << bits % 8);
}

/* true: in canonical order the destination comes first, by what the key takes of both ends. */
static bool destination_is_lower(const struct flow_by *by, const struct flow_origin *o)
{
    const struct clv_tuple *t = &o->tuple;
    const unsigned fields = by->a;
    int order = 0;
    if (fields & FLOW_END_ADDR) {
        uint8_t src[16], dst[16];
        memcpy(src, t->src, sizeof src);
        memcpy(dst, t->dst, sizeof dst);
        cut_addr(src, t->family, by->a_cut);
        cut_addr(dst, t->family, by->a_cut);
        order = memcmp(dst, src, sizeof dst);
    }
    if (order == 0 && (fields & FLOW_END_PORT) && (t->flags & CLV_TUPLE_PORTS))
        order = (int)t->dport - (int)t->sport;
    if (order == 0 && (fields & FLOW_END_MAC))
        order = memcmp(o->path.dst_mac, o->path.src_mac, sizeof o->path.dst_mac);
    return order < 0;
}

/* Takes what the key has of an end of the record. */
static void take_end(unsigned fields, const struct flow_origin *o, bool source, uint8_t addr[16],
                     uint16_t *port, uint8_t mac[6])
{
    const struct clv_tuple *t = &o->tuple;
    if (fields & FLOW_END_ADDR)
        memcpy(addr, source ? t->src : t->dst, sizeof t->src);
    if ((fields & FLOW_END_PORT) && (t->flags & CLV_TUPLE_PORTS))
        *port = source ? t->sport : t->dport;
    if (fields & FLOW_END_MAC)
        memcpy(mac, source ? o->path.src_mac : o->path.dst_mac, sizeof o->path.src_mac);
}

unsigned flow_anykey_settle(const struct flow_by *by, const struct flow_origin *o,
                            enum flow_side side, struct flow_key *key, struct flow_extra *extra)
{
    const unsigned any = by->a | by->b;
    *key = (struct flow_key){0};
    *extra = (struct flow_extra){0};
    if (o->tuple.family == 0 && by->needs_network)
        return 0;
    const bool swap =
        by->undirected && !by->sided ? destination_is_lower(by, o) : side == FLOW_SIDE_DESTINATION;
    take_end(by->a, o, !swap, key->a, &key->a_port, extra->a_mac);
    take_end(by->b, o, swap, key->b, &key->b_port, extra->b_mac);
    cut_addr(key->a, o->tuple.family, by->a_cut);
    cut_addr(key->b, o->tuple.family, by->b_cut);
    key->has = FLOW_HAS_KEY;
    if (any & FLOW_END_ADDR)
        key->family = o->tuple.family;
    if (any & FLOW_END_PORT)
        key->has |= o->tuple.flags & CLV_TUPLE_PORTS;
    if (by->fields & FLOW_BY_PROTO) {
        key->has |= FLOW_HAS_PROTO;
        key->proto = o->tuple.proto;
    }
    if (any & FLOW_END_MAC)
        extra->has_mac = o->path.has_mac;
    if (by->sided && !by->undirected)
        extra->direction = 1 + swap;
    for (flow_take_fn *const *take = by->takes; *take; take++)
        (*take)(o, extra);
    return swap;
}

uint64_t flow_anykey_hash(const struct flow_key *key, const struct flow_extra *extra,
                          const struct secret *secret)
{
    uint8_t bytes[sizeof *key + sizeof *extra];
    memcpy(bytes, key, sizeof *key);
    memcpy(bytes + sizeof *key, extra, sizeof *extra);
    return secret_hash(secret, bytes, sizeof bytes);
}

uint64_t flow_stable_hash(const struct flow_key *key, const struct flow_extra *extra)
{
    uint8_t bytes[16 + 16 + 2 + 2 + 3 + sizeof *extra], *p = bytes;
    memcpy(p, key->a, 16);
    memcpy(p + 16, key->b, 16);
    store_be16(p + 32, key->a_port);
    store_be16(p + 34, key->b_port);
    p += 36;
    *p++ = key->proto;
    *p++ = key->family;
    *p++ = key->has & FLOW_HAS_PORTS;
    memcpy(p, extra->a_mac, 6);
    memcpy(p + 6, extra->b_mac, 6);
    p += 12;
    for (unsigned i = 0; i < 2; i++, p += 2)
        store_be16(p, extra->vlan[i]);
    for (unsigned i = 0; i < DECODE_TUNNELS; i++, p += 5) {
        *p = extra->tunnel_kind[i];
        store_be32(p + 1, extra->tunnel[i]);
    }
    store_be32(p, extra->iface);
    p += 4;
    if (extra->has_bssid) {
        memcpy(p, extra->bssid, sizeof extra->bssid);
        p += sizeof extra->bssid;
    }
    if (extra->label) {
        store_be32(p, extra->label);
        p += 4;
    }
    return XXH3_64bits_withSeed(bytes, (size_t)(p - bytes), FLOW_SHARD_SEED);
}

uint32_t flow_shard(const struct flow_key *key, const struct flow_extra *extra, uint32_t n)
{
    return (uint32_t)((flow_stable_hash(key, extra) >> 32) * n >> 32);
}

void flow_shard_key(struct flow_key *key, struct flow_extra *extra, uint32_t shard)
{
    *key = (struct flow_key){.has = FLOW_HAS_KEY | FLOW_HAS_SHARD};
    *extra = (struct flow_extra){0};
    store_be32(key->a, shard);
}

uint32_t flow_shard_of(const struct flow_key *key)
{
    return load_be32(key->a);
}
