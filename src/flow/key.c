/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/key.h"

#include "base/fail.h"
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
};
enum { ALIASES = sizeof aliases / sizeof *aliases, HINTED = ALIASES - 1 };

static bool unknown(struct clv_error *err, const char *option, const char *text, const char *word,
                    size_t len)
{
    char words[128];
    struct text t = text_on(words, sizeof words);
    if (len == 4 && memcmp(word, "none", 4) == 0)
        return clv_fail(err, CLV_ERR_OPTION, option, "\"%.60s\": none stands alone", text);
    if (strlen(text) == len)
        (void)clv_fail(err, CLV_ERR_OPTION, option, "\"%.60s\" is no key", text);
    else
        (void)clv_fail(err, CLV_ERR_OPTION, option, "\"%.*s\" of \"%.60s\" is no key",
                       (int)min_u64(len, 40), word, text);
    for (unsigned i = 0; i < FLOW_KEY_FIELDS; i++) {
        text_str(&t, i ? " " : "");
        text_str(&t, flow_key_fields[i].word);
    }
    for (unsigned i = 0; i < HINTED; i++) {
        text_str(&t, i ? ", " : "; or ");
        text_str(&t, aliases[i].word);
    }
    return clv_fail_hint(err, "fields: %s, none", text_end(&t));
}

static bool is_word(const char *word, const char *text, size_t len)
{
    return strlen(word) == len && memcmp(word, text, len) == 0;
}

/* Adds the field, or the fields, that the word is for. false: it is none. */
static bool add_word(struct flow_by *by, const char *word, size_t len)
{
    for (unsigned i = 0; i < FLOW_KEY_FIELDS; i++)
        if (is_word(flow_key_fields[i].word, word, len)) {
            by->fields |= (uint16_t)flow_key_fields[i].bit;
            return true;
        }
    for (unsigned i = 0; i < ALIASES; i++)
        if (is_word(aliases[i].word, word, len)) {
            by->fields |= (uint16_t)aliases[i].fields;
            by->connections |= aliases[i].connections;
            return true;
        }
    return false;
}

static bool parse_fields(struct flow_by *by, const char *option, const char *text,
                         struct clv_error *err)
{
    if (strcmp(text, "none") == 0)
        return true;
    for (const char *p = text;; p++) {
        const size_t len = strcspn(p, ",");
        if (!add_word(by, p, len))
            return unknown(err, option, text, p, len);
        p += len;
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
        return clv_fail(err, CLV_ERR_OPTION, option,
                        "host is each address alone: it excludes ip, client, server, service, and "
                        "all that has ip in it");
    if ((f & FLOW_BY_ROLES) && by.connections)
        return clv_fail(err, CLV_ERR_OPTION, option,
                        "connection excludes client, server and service");
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
                 ((f & FLOW_BY_PORT) && !(f & FLOW_BY_PROTO));
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
