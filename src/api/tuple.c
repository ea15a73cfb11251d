/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cleave/packet.h"
#include "flow/anykey.h"
#include "manifest/community.h"
#include "manifest/name.h"

static_assert((int)CLV_FIELD_IP == (int)FLOW_BY_IP && (int)CLV_FIELD_PROTO == (int)FLOW_BY_PROTO &&
                  (int)CLV_FIELD_PORT == (int)FLOW_BY_PORT,
              "fields have the same numbers");
static_assert((int)CLV_COMMUNITY_ID == COMMUNITY_ID_LEN + 1, "with the terminating zero");

bool clv_tuple_order(struct clv_tuple *t)
{
    const int by_addr = memcmp(t->src, t->dst, sizeof t->src);
    if (by_addr < 0 || (by_addr == 0 && t->sport <= t->dport))
        return false;
    const struct clv_tuple from = *t;
    memcpy(t->src, from.dst, sizeof t->src);
    memcpy(t->dst, from.src, sizeof t->dst);
    t->sport = from.dport;
    t->dport = from.sport;
    return true;
}

/* Less than, equal to or greater than 0. */
static int compare(unsigned a, unsigned b)
{
    return (a > b) - (a < b);
}

int clv_tuple_compare(const struct clv_tuple *a, const struct clv_tuple *b)
{
    int c = compare(a->family, b->family);
    c = c ? c : memcmp(a->src, b->src, sizeof a->src);
    c = c ? c : memcmp(a->dst, b->dst, sizeof a->dst);
    c = c ? c : compare(a->sport, b->sport);
    c = c ? c : compare(a->dport, b->dport);
    c = c ? c : compare(a->proto, b->proto);
    return c ? c : compare(a->flags & CLV_TUPLE_PORTS, b->flags & CLV_TUPLE_PORTS);
}

/* Of the fields of a tuple, as split has it without --directed. */
static uint64_t stable_hash(const struct clv_tuple *t, unsigned fields)
{
    const unsigned ends =
        (fields & CLV_FIELD_IP ? FLOW_END_ADDR : 0) | (fields & CLV_FIELD_PORT ? FLOW_END_PORT : 0);
    const struct flow_by by = {
        .fields = (uint16_t)fields, .a = (uint8_t)ends, .b = (uint8_t)ends, .undirected = true};
    const struct flow_origin origin = {.tuple = *t};
    struct flow_key key;
    struct flow_extra extra;
    (void)flow_anykey_settle(&by, &origin, FLOW_SIDE_SOURCE, &key, &extra);
    return flow_stable_hash(&key, &extra);
}

uint64_t clv_tuple_hash(const struct clv_tuple *t)
{
    return stable_hash(t, FLOW_BY_TUPLE);
}

uint32_t clv_shard(const struct clv_tuple *t, unsigned fields, uint32_t n)
{
    if (t->family == 0 || n == 0)
        return CLV_NO_SHARD;
    return (uint32_t)((stable_hash(t, fields ? fields & FLOW_BY_TUPLE : FLOW_BY_TUPLE) >> 32) * n >>
                      32);
}

size_t clv_tuple_text(const struct clv_tuple *t, char *buf, size_t len)
{
    struct text out = text_on(buf, len);
    if (t->family == 0) {
        text_str(&out, NAME_OTHER);
        return text_whole(&out);
    }
    name_put_proto(t->proto, &out);
    for (unsigned dst = 0; dst < 2; dst++) {
        text_char(&out, '_');
        text_addr(&out, dst ? t->dst : t->src, t->family, '-');
        if (!(t->flags & CLV_TUPLE_PORTS))
            continue;
        text_char(&out, '_');
        text_u64(&out, dst ? t->dport : t->sport, 1);
    }
    return text_whole(&out);
}

/* A number of at most max without sign or blanks, which is all of the word. */
static bool parse_number(const char *word, unsigned max, unsigned *n)
{
    char *end;
    if (*word < '0' || *word > '9' || strlen(word) > 5)
        return false;
    *n = (unsigned)strtoul(word, &end, 10);
    return *end == '\0' && *n <= max;
}

static bool parse_proto(const char *word, uint8_t *proto)
{
    unsigned n;
    if (parse_number(strncmp(word, "ip-", 3) == 0 ? word + 3 : word, UINT8_MAX, &n)) {
        *proto = (uint8_t)n;
        return true;
    }
    return name_find_proto(word, proto);
}

/* IPv6 with '-' or ':' between its groups. family 0: either one, and it is set. */
static bool parse_addr(char *word, uint8_t addr[16], uint8_t *family)
{
    if (*family != 6 && inet_pton(AF_INET, word, addr) == 1) {
        *family = 4;
        return true;
    }
    for (char *p = word; *p; p++)
        if (*p == '-')
            *p = ':';
    if (*family == 4 || inet_pton(AF_INET6, word, addr) != 1)
        return false;
    *family = 6;
    return true;
}

static bool bad(struct clv_error *err, const char *text, const char *what)
{
    (void)clv_fail(err, CLV_ERR_ARG, "tuple", "\"%.80s\": %s", text, what);
    return clv_fail_hint(err, "such as tcp_10.0.0.1_50000_10.0.0.2_80");
}

bool clv_tuple_parse(const char *text, struct clv_tuple *out, struct clv_error *err)
{
    enum { PROTO, SRC, PORTS_WORDS = 5, WORDS = 3 };
    char copy[CLV_TUPLE_TEXT];
    char *words[PORTS_WORDS];
    unsigned n = 0, sport, dport;
    struct clv_tuple t = {0};
    const size_t len = strlen(text);
    if (len >= sizeof copy)
        return bad(err, text, "too long");
    memcpy(copy, text, len + 1);
    for (char *p = copy; p && n < PORTS_WORDS; n++) {
        words[n] = p;
        p = strchr(p, '_');
        if (p)
            *p++ = '\0';
        if (p && n == PORTS_WORDS - 1)
            return bad(err, text, "more than five words");
    }
    if (n != WORDS && n != PORTS_WORDS)
        return bad(err, text,
                   "needs a protocol and two addresses, both with a port or both without");
    const bool ports = n == PORTS_WORDS;
    if (!parse_proto(words[PROTO], &t.proto))
        return bad(err, text, "unknown protocol");
    if (!parse_addr(words[SRC], t.src, &t.family) ||
        !parse_addr(words[ports ? SRC + 2 : SRC + 1], t.dst, &t.family))
        return bad(err, text, "not two addresses of the same family");
    if (ports) {
        if (!parse_number(words[SRC + 1], UINT16_MAX, &sport) ||
            !parse_number(words[SRC + 3], UINT16_MAX, &dport))
            return bad(err, text, "a port is a number up to 65535");
        t.sport = (uint16_t)sport;
        t.dport = (uint16_t)dport;
        t.flags = CLV_TUPLE_PORTS;
    }
    *out = t;
    return true;
}

bool clv_community_id(const struct clv_tuple *t, const uint8_t *icmp, uint16_t seed,
                      char buf[CLV_COMMUNITY_ID])
{
    return community_id_of_tuple(t, icmp, seed, buf);
}
