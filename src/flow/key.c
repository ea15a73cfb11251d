/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/key.h"

#include "base/fail.h"

struct by_row {
    const char *name;
    struct flow_by by;
};

bool flow_by_parse(struct flow_by *by, const char *text, bool directed, struct clv_error *err)
{
    static const struct by_row rows[] = {
        {"flow", {.proto_mask = 0xff, .ports_mask = 0xff, .port_mask = 0xffff}},
        {"3tuple", {.proto_mask = 0xff}},
        {"hostpair", {.proto_mask = 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(text, rows[i].name) == 0) {
            *by = rows[i].by;
            by->directed = directed;
            return true;
        }
    (void)clv_fail(err, CLV_ERR_ARG, "--by", "\"%.60s\" is no key", text);
    return clv_fail_hint(err, "flow, 3tuple or hostpair");
}
