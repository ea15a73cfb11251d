/* SPDX-License-Identifier: BSD-2-Clause */
#include "generate/truth.h"

static const char *word_of(uint8_t proto)
{
    switch (proto) {
    case CLV_PROTO_UDP:
        return "udp";
    case CLV_PROTO_TCP:
        return "tcp";
    case CLV_PROTO_ICMP:
        return "icmp";
    default:
        return "icmp6";
    }
}

static void put_endpoint(struct text *row, const struct clv_tuple *t, const uint8_t addr[16],
                         uint16_t port)
{
    text_char(row, ',');
    text_addr(row, addr, t->family, ':');
    text_char(row, ',');
    if (t->flags & CLV_TUPLE_PORTS)
        text_u64(row, port, 1);
}

void truth_put(struct text *row, const struct clv_tuple *t, uint64_t packets, uint64_t bytes,
               int64_t first_ns, int64_t last_ns)
{
    text_str(row, word_of(t->proto));
    put_endpoint(row, t, t->src, t->sport);
    put_endpoint(row, t, t->dst, t->dport);
    text_char(row, ',');
    text_u64(row, packets, 1);
    text_char(row, ',');
    text_u64(row, bytes, 1);
    text_char(row, ',');
    text_time(row, first_ns);
    text_char(row, ',');
    text_time(row, last_ns);
}
