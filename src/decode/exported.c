/* SPDX-License-Identifier: BSD-2-Clause */
/* What Wireshark exports of a protocol above the network's, under a link type of its own. */
#include "decode/decode.h"

/* What is before the network header of a protocol that Wireshark calls so. */
static decode_fn *function_of_name(const uint8_t *name, size_t len)
{
    if (len >= 3 && memcmp(name, "eth", 3) == 0)
        return decode_ethernet_asked;
    while (len && name[len - 1] == 0) /* padding */
        len--;
    const bool ip =
        (len == 2 && memcmp(name, "ip", 2) == 0) || (len == 4 && memcmp(name, "ipv6", 4) == 0);
    return ip ? decode_ip : NULL;
}

/*
 * Wireshark's exported PDUs: tags of type, length and value up to one of type 0, then the payload
 * of a protocol. Addresses and ports are in tags, where the protocol is above them; else it may be
 * one that has them, named by a word or by a link type.
 */
bool decode_exported_pdu(const uint8_t *p, size_t n, struct decode *d)
{
    enum {
        END = 0,
        LINK_TYPE = 11,
        PROTOCOL = 12,
        IPV4_SOURCE = 20,
        IPV4_DESTINATION,
        IPV6_SOURCE,
        IPV6_DESTINATION,
        PORT_TYPE,
        SOURCE_PORT,
        DESTINATION_PORT,
    };
    static const uint8_t protos[] = {0, CLV_PROTO_SCTP, CLV_PROTO_TCP, CLV_PROTO_UDP,
                                     CLV_PROTO_DCCP};
    struct clv_tuple t = {0};
    decode_fn *fn = NULL;
    unsigned seen = 0;
    for (;;) {
        if (n < 4)
            return false;
        const unsigned tag = load_be16(p);
        const size_t len = load_be16(p + 2);
        const uint8_t *value = p + 4;
        if (len > n - 4)
            return false;
        p += 4 + len;
        n -= 4 + len;
        if (tag == END)
            break;
        if (tag == PROTOCOL)
            fn = function_of_name(value, len);
        if (len < 4 || tag > DESTINATION_PORT)
            continue;
        const uint32_t number = load_be32(value);
        switch (tag) {
        case LINK_TYPE:
            fn = number <= UINT16_MAX ? decode_function((uint16_t)number) : NULL;
            continue;
        case IPV4_SOURCE:
        case IPV4_DESTINATION:
            t.family = 4;
            memcpy(tag == IPV4_SOURCE ? t.src : t.dst, value, 4);
            break;
        case IPV6_SOURCE:
        case IPV6_DESTINATION:
            if (len < 16)
                continue;
            t.family = 6;
            memcpy(tag == IPV6_SOURCE ? t.src : t.dst, value, 16);
            break;
        case PORT_TYPE:
            t.proto = number < sizeof protos ? protos[number] : 0;
            break;
        case SOURCE_PORT:
            t.sport = (uint16_t)number;
            break;
        case DESTINATION_PORT:
            t.dport = (uint16_t)number;
            break;
        default:
            continue;
        }
        seen |= 1U << tag;
    }
    const unsigned v4 = 1U << IPV4_SOURCE | 1U << IPV4_DESTINATION;
    const unsigned v6 = 1U << IPV6_SOURCE | 1U << IPV6_DESTINATION;
    const unsigned ports = 1U << SOURCE_PORT | 1U << DESTINATION_PORT;
    if ((seen & v4) != v4 && (seen & v6) != v6)
        return fn && decode_deeper(d) && fn(p, n, d);
    if (t.proto && (seen & ports) == ports)
        t.flags = CLV_TUPLE_PORTS;
    else
        t.sport = t.dport = 0;
    *d->t = t;
    return true;
}
