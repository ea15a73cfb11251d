/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/quote.h"

enum {
    ICMP_HEADER = 8,    /* before the quote, in both versions */
    EXTENDED_MIN = 128, /* bytes of a quote that extensions follow: RFC 4884 section 3 */
};

/*
 * A type of message that quotes the packet it is about. Where extensions follow the quote, a byte
 * of the header has its length in units of so many bytes (RFC 4884 section 3); less than its least
 * is what older senders left there.
 */
struct error_type {
    uint8_t type, length_at, unit;
};

/* RFC 1122 section 3.2.2 lists the errors. */
static const struct error_type icmp_errors[] = {
    {3, 5, 4},  /* destination unreachable */
    {4, 0, 0},  /* source quench */
    {5, 0, 0},  /* redirect */
    {11, 5, 4}, /* time exceeded */
    {12, 5, 4}, /* parameter problem */
};

/* RFC 4443 section 2.1. */
static const struct error_type icmpv6_errors[] = {
    {1, 4, 8}, /* destination unreachable */
    {2, 0, 0}, /* packet too big */
    {3, 4, 8}, /* time exceeded */
    {4, 0, 0}, /* parameter problem */
};

static const struct error_type *find_type(uint8_t type, const struct error_type *types, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (types[i].type == type)
            return &types[i];
    return NULL;
}

bool sight_quote(struct clv_span message, uint8_t proto, struct clv_tuple *quoted,
                 struct decode_fragment *f)
{
    if (message.len <= ICMP_HEADER)
        return false;
    const bool v4 = proto == CLV_PROTO_ICMP;
    const struct error_type *const error =
        v4 ? find_type(message.p[0], icmp_errors, sizeof icmp_errors / sizeof *icmp_errors)
           : find_type(message.p[0], icmpv6_errors, sizeof icmpv6_errors / sizeof *icmpv6_errors);
    if (!error)
        return false;
    const uint8_t *const quote = message.p + ICMP_HEADER;
    size_t len = message.len - ICMP_HEADER;
    const size_t said = error->unit ? (size_t)message.p[error->length_at] * error->unit : 0;
    if (said >= EXTENDED_MIN && said < len)
        len = said;
    struct clv_tuple t = {.family = 0};
    struct decode d = {.t = &t};
    if (quote[0] >> 4 != (v4 ? 4 : 6) || !decode_ip(quote, len, &d) || t.flags & CLV_TUPLE_SHORT)
        return false;
    *quoted = t;
    *f = d.f;
    return true;
}
