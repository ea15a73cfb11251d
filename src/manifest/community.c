/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/community.h"

#include "config.h"

#if HAVE_NETTLE
#include <nettle/base64.h>
#include <nettle/sha1.h>
#endif

bool community_supported(struct clv_error *err)
{
#if HAVE_NETTLE
    (void)err;
    return true;
#else
    return clv_fail(err, CLV_ERR_ARG, "community_id", "this build does not support SHA-1");
#endif
}

#if HAVE_NETTLE
/* Types that answer one another count as ports; others go one way, and count with their code. */
static bool answers(uint8_t proto, uint8_t type, uint8_t *other)
{
    static const uint8_t pairs[][3] = {
        {CLV_PROTO_ICMP, 8, 0},       {CLV_PROTO_ICMP, 13, 14},     {CLV_PROTO_ICMP, 15, 16},
        {CLV_PROTO_ICMP, 10, 9},      {CLV_PROTO_ICMP, 17, 18},     {CLV_PROTO_ICMPV6, 128, 129},
        {CLV_PROTO_ICMPV6, 133, 134}, {CLV_PROTO_ICMPV6, 135, 136}, {CLV_PROTO_ICMPV6, 130, 131},
        {CLV_PROTO_ICMPV6, 139, 140}, {CLV_PROTO_ICMPV6, 144, 145},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (unsigned k = 1; k <= 2; k++)
            if (pairs[i][0] == proto && pairs[i][k] == type) {
                *other = pairs[i][3 - k];
                return true;
            }
    return false;
}

bool community_id_of_tuple(const struct clv_tuple *t, const uint8_t *icmp, uint16_t seed,
                           char id[COMMUNITY_ID_LEN + 1])
{
    const size_t len = t->family == 4 ? 4 : 16;
    const bool is_icmp = t->proto == CLV_PROTO_ICMP || t->proto == CLV_PROTO_ICMPV6;
    uint8_t src[16 + 2], dst[16 + 2], digest[SHA1_DIGEST_SIZE];
    bool one_way = false;
    const bool ports = is_icmp || t->proto == CLV_PROTO_TCP || t->proto == CLV_PROTO_UDP ||
                       t->proto == CLV_PROTO_SCTP;
    id[0] = '\0';
    if (t->family == 0 || (is_icmp ? !icmp : ports && !(t->flags & CLV_TUPLE_PORTS)))
        return false;
    memcpy(src, t->src, len);
    memcpy(dst, t->dst, len);
    store_be16(src + len, t->sport);
    store_be16(dst + len, t->dport);
    if (is_icmp) {
        uint8_t other = icmp[1];
        one_way = !answers(t->proto, icmp[0], &other);
        store_be16(src + len, icmp[0]);
        store_be16(dst + len, other);
    }
    const bool swap = !one_way && memcmp(dst, src, ports ? len + 2 : len) < 0;
    const uint8_t *const low = swap ? dst : src, *const high = swap ? src : dst;
    uint8_t message[2 + 16 + 16 + 2 + 2 + 2] = {0};
    size_t n = 2 + 2 * len;
    struct sha1_ctx sha1;
    store_be16(message, seed);
    memcpy(message + 2, low, len);
    memcpy(message + 2 + len, high, len);
    message[n] = t->proto; /* and a byte of 0 */
    n += 2;
    if (ports) {
        memcpy(message + n, low + len, 2);
        memcpy(message + n + 2, high + len, 2);
        n += 4;
    }
    sha1_init(&sha1);
    sha1_update(&sha1, n, message);
    sha1_digest(&sha1, sizeof digest, digest);
    id[0] = '1';
    id[1] = ':';
    base64_encode_raw(id + 2, sizeof digest, digest);
    id[2 + BASE64_ENCODE_RAW_LENGTH(sizeof digest)] = '\0';
    return true;
}
#else
bool community_id_of_tuple(const struct clv_tuple *t, const uint8_t *icmp, uint16_t seed,
                           char id[COMMUNITY_ID_LEN + 1])
{
    (void)t;
    (void)icmp;
    (void)seed;
    id[0] = '\0';
    return false;
}
#endif

bool community_id(const struct flow_by *by, const struct flow *f, uint16_t seed,
                  char id[COMMUNITY_ID_LEN + 1])
{
    const struct flow_key *k = &f->key;
    const uint8_t icmp[2] = {f->icmp_type, f->icmp_code};
    struct clv_tuple t = {
        .sport = f->reversed ? k->b_port : k->a_port,
        .dport = f->reversed ? k->a_port : k->b_port,
        .proto = k->proto,
        .family = k->family,
        .flags = flow_has_ports(k) ? CLV_TUPLE_PORTS : 0,
    };
    memcpy(t.src, f->reversed ? k->b : k->a, sizeof t.src);
    memcpy(t.dst, f->reversed ? k->a : k->b, sizeof t.dst);
    id[0] = '\0';
    return !by->sided && !flow_by_networks(by) && (by->fields & FLOW_BY_TUPLE) == FLOW_BY_TUPLE &&
           community_id_of_tuple(&t, f->has_icmp ? icmp : NULL, seed, id);
}
