/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/key.h"

#include "base/fail.h"

uint64_t flow_key_hash_slowly(const struct flow_key *key, const struct secret *secret)
{
    return flow_key_hash(key, secret);
}

static const struct {
    const char *name;
    unsigned fields;
    bool connections;
} words[] = {
    {"ip", FLOW_BY_IP, false},
    {"proto", FLOW_BY_PROTO, false},
    {"port", FLOW_BY_PORT, false},
    {"vlan", FLOW_BY_VLAN, false},
    {"mac", FLOW_BY_MAC, false},
    {"tunnel", FLOW_BY_TUNNEL, false},
    {"host", FLOW_BY_HOST, false},
    {"client", FLOW_BY_CLIENT, false},
    {"server", FLOW_BY_SERVER, false},
    {"service", FLOW_BY_SERVICE, false},
    {"iface", FLOW_BY_IFACE, false},
    {"hostpair", FLOW_BY_IP, false},
    {"3tuple", FLOW_BY_IP | FLOW_BY_PROTO, false},
    {"flow", FLOW_BY_TUPLE, false},
    {"5tuple", FLOW_BY_TUPLE, false},
    {"connection", FLOW_BY_TUPLE, true},
};

static bool unknown(struct clv_error *err, const char *option, const char *text, const char *word,
                    size_t len)
{
    if (len == 4 && memcmp(word, "none", 4) == 0)
        return clv_fail(err, CLV_ERR_OPTION, option, "\"%.60s\": none stands alone", text);
    if (strlen(text) == len)
        (void)clv_fail(err, CLV_ERR_OPTION, option, "\"%.60s\" is no key", text);
    else
        (void)clv_fail(err, CLV_ERR_OPTION, option, "\"%.*s\" of \"%.60s\" is no key",
                       (int)min_u64(len, 40), word, text);
    return clv_fail_hint(err,
                         "fields: ip proto port vlan mac tunnel host client server service iface; "
                         "or flow, connection, 3tuple, hostpair, none");
}

static bool parse_fields(struct flow_by *by, const char *option, const char *text,
                         struct clv_error *err)
{
    if (strcmp(text, "none") == 0)
        return true;
    for (const char *p = text;; p++) {
        const size_t len = strcspn(p, ",");
        size_t i = 0;
        while (i < sizeof words / sizeof *words &&
               (strlen(words[i].name) != len || memcmp(words[i].name, p, len) != 0))
            i++;
        if (i == sizeof words / sizeof *words)
            return unknown(err, option, text, p, len);
        by->fields |= (uint16_t)words[i].fields;
        by->connections |= words[i].connections;
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
    if (f & FLOW_BY_SERVICE)
        by.fields |= FLOW_BY_PROTO;
    const unsigned both = (f & FLOW_BY_IP ? FLOW_END_ADDR : 0) |
                          (f & FLOW_BY_PORT ? FLOW_END_PORT : 0) |
                          (f & FLOW_BY_MAC ? FLOW_END_MAC : 0);
    by.a = by.b = (uint8_t)both;
    if (f & FLOW_BY_HOST) {
        by.a |= FLOW_END_ADDR;
        by.b = 0;
    }
    if (f & FLOW_BY_CLIENT)
        by.a |= FLOW_END_ADDR;
    if (f & FLOW_BY_SERVER)
        by.b |= FLOW_END_ADDR;
    if (f & FLOW_BY_SERVICE)
        by.b |= FLOW_END_PORT;
    by.sided = f & (FLOW_BY_HOST | FLOW_BY_ROLES);
    by.needs_network = f & (FLOW_BY_TUPLE | FLOW_BY_HOST | FLOW_BY_ROLES);
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
