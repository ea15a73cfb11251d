/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/key.h"

#include <strings.h>

#include "base/fail.h"
#include "base/near.h"
#include "flow/field.h"

uint64_t flow_key_hash_slowly(const struct flow_key *key, const struct secret *secret)
{
    return flow_key_hash(key, secret);
}

/* Words for several fields at once. */
static const struct {
    const char *word;
    unsigned fields;
    bool connections;
} aliases[] = {
    {"flow", FLOW_BY_TUPLE, false},
    {"connection", FLOW_BY_TUPLE, true},
    {"3tuple", FLOW_BY_IP | FLOW_BY_PROTO, false},
    {"hostpair", FLOW_BY_IP, false},
    {"5tuple", FLOW_BY_TUPLE, false}, /* as others call flow */
    {"session", FLOW_BY_TUPLE, false},
};
enum { ALIASES = sizeof aliases / sizeof *aliases };

/* What others call a key or a field, or people may; and what it is here. */
static const struct near_word near_words[] = {
    {"5-tuple", "flow"},
    {"fivetuple", "flow"},
    {"tuple", "flow"},
    {"conversation", "flow"},
    {"flows", "flow"},
    {"tcp", "connection"},
    {"stream", "connection"},
    {"conn", "connection"},
    {"connections", "connection"},
    {"tcp.stream", "connection"},
    {"3-tuple", "3tuple"},
    {"src", "client"},
    {"srcip", "client"},
    {"client-ip", "client"},
    {"source", "client"},
    {"dst", "server"},
    {"dstip", "server"},
    {"server-ip", "server"},
    {"destination", "server"},
    {"sport", "port"},
    {"ports", "port"},
    {"dport", "service"},
    {"server-port", "service"},
    {"services", "service"},
    {"ips", "ip"},
    {"ip.addr", "ip"},
    {"address", "host"},
    {"hosts", "host"},
    {"addr", "host"},
    {"pair", "hostpair"},
    {"ip-src-dst", "hostpair"},
    {"protocol", "proto"},
    {"interface", "iface"},
    {"sni", "name"},
    {"domain", "name"},
    {"hostname", "name"},
};

static const char *near_key(const char *word, size_t len)
{
    const char *known[FLOW_KEY_FIELDS + ALIASES + 2] = {"name", "none"};
    size_t n = 2;
    for (unsigned i = 0; i < FLOW_KEY_FIELDS; i++)
        known[n++] = flow_key_fields[i].word;
    for (unsigned i = 0; i < ALIASES; i++)
        known[n++] = aliases[i].word;
    return near_find(near_words, sizeof near_words / sizeof *near_words, known, n, word, len);
}

static bool unknown(struct clv_error *err, const char *option, const char *text, const char *word,
                    size_t len)
{
    char words[160];
    struct text t = text_on(words, sizeof words);
    if (len == 4 && (strncasecmp(word, "none", 4) == 0 || strncasecmp(word, "name", 4) == 0))
        return clv_fail(err, CLV_ERR_OPTION, option,
                        "\"%.60s\": %.4s cannot be combined with fields", text, word);
    const char *near = near_key(word, len);
    if (strlen(text) == len && near)
        (void)clv_fail(err, CLV_ERR_OPTION, option, "unknown key \"%.60s\": did you mean %s?", text,
                       near);
    else if (strlen(text) == len)
        (void)clv_fail(err, CLV_ERR_OPTION, option, "unknown key \"%.60s\"", text);
    else if (near)
        (void)clv_fail(err, CLV_ERR_OPTION, option,
                       "unknown field \"%.*s\" in \"%.40s\": did you mean %s?",
                       (int)min_u64(len, 40), word, text, near);
    else
        (void)clv_fail(err, CLV_ERR_OPTION, option, "unknown field \"%.*s\" in \"%.60s\"",
                       (int)min_u64(len, 40), word, text);
    for (unsigned i = 0; i < FLOW_KEY_FIELDS; i++) {
        text_str(&t, i ? " " : "");
        text_str(&t, flow_key_fields[i].word);
    }
    text_str(&t, "; or name, none");
    for (unsigned i = 0; i < ALIASES; i++) {
        text_str(&t, ", ");
        text_str(&t, aliases[i].word);
    }
    return clv_fail_hint(err, "fields: %s", text_end(&t));
}

static bool is_word(const char *word, const char *text, size_t len)
{
    return strlen(word) == len && strncasecmp(word, text, len) == 0;
}

/* The fields that the word is for, or 0: it is none. */
static unsigned fields_of(const char *word, size_t len, bool *connections)
{
    for (unsigned i = 0; i < FLOW_KEY_FIELDS; i++)
        if (is_word(flow_key_fields[i].word, word, len))
            return flow_key_fields[i].bit;
    for (unsigned i = 0; i < ALIASES; i++)
        if (is_word(aliases[i].word, word, len)) {
            *connections |= aliases[i].connections;
            return aliases[i].fields;
        }
    return 0;
}

/* The length of a prefix, up to a comma or the end. false: it is none. */
static bool prefix_len(const char **p, unsigned bits, uint8_t *cut)
{
    unsigned n = 0, digits = 0;
    for (; **p >= '0' && **p <= '9' && digits < 4; ++*p, digits++)
        n = n * 10 + (unsigned)(**p - '0');
    *cut = (uint8_t)(bits - n);
    return digits && n <= bits && (**p == ',' || **p == '\0');
}

/* "/24" or "/24,64" after a word, if it is there; *p moves to what follows it. */
static bool prefix_lens(const char **p, uint8_t cut[2])
{
    cut[0] = cut[1] = 0;
    if (**p != '/')
        return true;
    ++*p;
    if (!prefix_len(p, 32, &cut[0]))
        return false;
    if (**p != ',' || strspn(*p + 1, "0123456789") != strcspn(*p + 1, ","))
        return true;
    ++*p;
    return prefix_len(p, 128, &cut[1]);
}

/* An end has its addresses as the word wants them, or more of them where another word does. */
static void cut_end(uint8_t cut[2], bool *seen, const uint8_t more[2])
{
    for (unsigned i = 0; i < 2; i++)
        if (!*seen || more[i] < cut[i])
            cut[i] = more[i];
    *seen = true;
}

static bool bad_prefix(struct clv_error *err, const char *option, const char *text)
{
    (void)clv_fail(err, CLV_ERR_OPTION, option, "invalid value \"%.60s\"", text);
    return clv_fail_hint(
        err, "give address prefixes as ip/24 (IPv4, up to 32) or ip/24,64 (and IPv6, up to 128)");
}

static bool parse_fields(struct flow_by *by, const char *option, const char *text,
                         struct clv_error *err)
{
    bool a_seen = false, b_seen = false;
    if (strcasecmp(text, "none") == 0)
        return true;
    by->names = strcasecmp(text, "name") == 0;
    if (by->names)
        text = "flow";
    for (const char *p = text;; p++) {
        const size_t len = strcspn(p, ",/");
        const char *const word = p;
        const unsigned fields = fields_of(p, len, &by->connections);
        uint8_t cut[2];
        if (!fields)
            return unknown(err, option, text, p, len);
        p += len;
        if (!prefix_lens(&p, cut))
            return bad_prefix(err, option, word);
        unsigned ends = 0;
        for (unsigned i = 0; i < FLOW_KEY_FIELDS; i++) {
            const struct flow_key_field *field = &flow_key_fields[i];
            if (!(fields & field->bit))
                continue;
            ends |= (field->a | field->b) & FLOW_END_ADDR;
            if (field->a & FLOW_END_ADDR)
                cut_end(by->a_cut, &a_seen, cut);
            if (field->b & FLOW_END_ADDR)
                cut_end(by->b_cut, &b_seen, cut);
        }
        if (!ends && word[len] == '/')
            return bad_prefix(err, option, word);
        by->fields |= (uint16_t)fields;
        if (*p == '\0')
            return true;
    }
}

bool flow_by_parse(struct flow_by *out, const char *option, const char *text, bool directed,
                   struct clv_error *err)
{
    struct flow_by by = {.undirected = !directed};
    if (!parse_fields(&by, option, text, err))
        return false;
    const unsigned f = by.fields;
    if ((f & FLOW_BY_HOST) && (f & (FLOW_BY_IP | FLOW_BY_ROLES)))
        return clv_fail(
            err, CLV_ERR_OPTION, option,
            "host cannot be combined with ip, client, server, service, or a key that contains ip");
    if ((f & FLOW_BY_ROLES) && by.connections)
        return clv_fail(err, CLV_ERR_OPTION, option,
                        "connection cannot be combined with client, server or service");
    size_t n = 0;
    for (unsigned i = 0; i < FLOW_KEY_FIELDS; i++)
        if (f & flow_key_fields[i].bit)
            by.fields |= (uint16_t)flow_key_fields[i].with;
    for (unsigned i = 0; i < FLOW_KEY_FIELDS; i++) {
        const struct flow_key_field *field = &flow_key_fields[i];
        if (!(by.fields & field->bit))
            continue;
        by.a |= field->a;
        by.b |= field->b;
        by.sided |= field->sided;
        by.needs_network |= field->network;
        if (field->take)
            by.takes[n++] = field->take;
    }
    if (f & FLOW_BY_HOST) /* each end is a in turn, and the other one does not matter */
        by.b = 0;
    /* What is of the tuple alone, addresses among it, is settled where it stands. */
    by.any_key = !(f & FLOW_BY_IP) || (f & ~(unsigned)FLOW_BY_TUPLE) ||
                 ((f & FLOW_BY_PORT) && !(f & FLOW_BY_PROTO)) || flow_by_networks(&by);
    if (f & FLOW_BY_PORT) {
        by.mask.key.a_port = by.mask.key.b_port = 0xffff;
        by.mask.key.has = FLOW_HAS_PORTS;
    }
    if (f & FLOW_BY_PROTO) {
        by.mask.key.proto = 0xff;
        by.set.key.has = FLOW_HAS_PROTO;
    }
    by.mask.key.family = 0xff;
    *out = by;
    return true;
}
