/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/key.h"

#include "base/fail.h"

uint64_t flow_key_hash_slowly(const struct flow_key *key)
{
    return flow_key_hash(key);
}

struct by_row {
    const char *name;
    struct flow_key mask;
};

bool flow_by_parse(struct flow_by *by, const char *text, bool directed, struct clv_error *err)
{
    static const struct by_row rows[] = {
        {"flow", {.a_port = 0xffff, .b_port = 0xffff, .has = FLOW_HAS_PORTS, .proto = 0xff}},
        {"3tuple", {.proto = 0xff}},
        {"hostpair", {.proto = 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(text, rows[i].name) == 0) {
            *by = (struct flow_by){.mask.key = rows[i].mask, .undirected = !directed};
            by->mask.key.family = 0xff;
            by->set.key.has = rows[i].mask.proto ? FLOW_HAS_PROTO : 0;
            return true;
        }
    (void)clv_fail(err, CLV_ERR_ARG, "--by", "\"%.60s\" is no key", text);
    return clv_fail_hint(err, "flow, 3tuple or hostpair");
}
