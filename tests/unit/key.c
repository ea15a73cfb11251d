/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"
#include "support_secret.h"

#include "flow/key.h"

static unsigned make_key(struct flow_key *key, const struct clv_tuple *t, const struct flow_by *by)
{
    union flow_id id = {.tuple = *t};
    const unsigned dir = flow_key_settle(&id, by);
    *key = id.key;
    return dir;
}

static struct flow_by by_of(const char *text, bool directed)
{
    struct flow_by by;
    assert_true(flow_by_parse(&by, "by", text, directed, NULL));
    return by;
}

#define A4 "0a000001 00000000 00000000 00000000"
#define B4 "0a000002 00000000 00000000 00000000"
#define A6 "0a000001 00000000 00000000 00000001"
#define B6 "fe800000 00000000 00000000 00000001"
#define ZERO "00000000 00000000 00000000 00000000"
#define PORTS CLV_TUPLE_PORTS

struct end {
    unsigned family, proto, flags;
    const char *src;
    uint16_t sport;
    const char *dst;
    uint16_t dport;
};

static struct clv_tuple tuple_of(const struct end *e)
{
    struct clv_tuple t = {.sport = e->sport,
                          .dport = e->dport,
                          .proto = (uint8_t)e->proto,
                          .family = (uint8_t)e->family,
                          .flags = (uint8_t)e->flags};
    struct bytes b = {0};
    put_hex(&b, e->src);
    put_hex(&b, e->dst);
    assert_true(b.p && b.len == 32);
    memcpy(t.src, b.p, 16);
    memcpy(t.dst, b.p + 16, 16);
    bytes_free(&b);
    return t;
}

static struct clv_tuple turned(const struct clv_tuple *t)
{
    struct clv_tuple back = *t;
    memcpy(back.src, t->dst, 16);
    memcpy(back.dst, t->src, 16);
    back.sport = t->dport;
    back.dport = t->sport;
    return back;
}

static const struct {
    const char *name;
    struct end end;
    bool own_mirror; /* both endpoints are the same */
} direction_rows[] = {
    {"IPv4, lower address first", {4, 6, PORTS, A4, 80, B4, 50000}, false},
    {"IPv4, higher address first", {4, 6, PORTS, B4, 80, A4, 50000}, false},
    {"IPv4, equal ports", {4, 17, PORTS, A4, 53, B4, 53}, false},
    {"one host, two ports", {4, 6, PORTS, A4, 50000, A4, 80}, false},
    {"one host, one port", {4, 6, PORTS, A4, 80, A4, 80}, true},
    {"no ports", {4, 1, 0, A4, 0, B4, 0}, false},
    {"IPv6", {6, 17, PORTS, A6, 1, B6, 2}, false},
    {"IPv6, only the last byte differs", {6, 17, PORTS, A6, 1, A4, 2}, false},
    {"IPv6, the first half decides", {6, 17, PORTS, B6, 1, A6, 2}, false},
    {"no network address", {0, 0, 0, ZERO, 0, ZERO, 0}, true},
};

static void test_directions(void **state)
{
    static const char *const fields[] = {"flow", "3tuple", "hostpair"};
    (void)state;
    for (size_t k = 0; k < N_ROWS(fields); k++)
        for (size_t i = 0; i < N_ROWS(direction_rows); i++) {
            char row[80];
            const struct clv_tuple t = tuple_of(&direction_rows[i].end), back = turned(&t);
            const struct flow_by by = by_of(fields[k], false);
            struct flow_key x, y;
            (void)snprintf(row, sizeof row, "%s by %s", direction_rows[i].name, fields[k]);
            memset(&x, 0xff, sizeof x);
            memset(&y, 0, sizeof y);
            const unsigned dx = make_key(&x, &t, &by), dy = make_key(&y, &back, &by);
            CHECK(row, flow_key_equal(&x, &y));
            CHECK_EQ(row, flow_key_hash(&x, SECRET), flow_key_hash(&y, SECRET));
            const bool same = memcmp(t.src, t.dst, 16) == 0 && (k > 0 || t.sport == t.dport);
            CHECK_EQ(row, same, direction_rows[i].own_mirror || (same && k > 0));
            CHECK(row, dx < 2 && dy < 2);
            if (!same)
                CHECK_EQ(row, dx + dy, 1);
            /* The direction says which endpoint sent. */
            CHECK_MEM(row, dx ? x.b : x.a, t.src, 16);
            CHECK_MEM(row, dx ? x.a : x.b, t.dst, 16);
            CHECK_EQ(row, dx ? x.b_port : x.a_port, k ? 0 : t.sport);
            CHECK_EQ(row, dx ? x.a_port : x.b_port, k ? 0 : t.dport);
            CHECK_EQ(row, x.proto, k < 2 ? t.proto : 0);
            CHECK_EQ(row, flow_has_ports(&x), k ? 0 : t.flags & PORTS);
            CHECK_EQ(row, x.family, t.family);
            CHECK_EQ(row, flow_has_proto(&x), k < 2 ? 1 : 0);
        }
}

static void test_directed(void **state)
{
    static const char *const fields[] = {"flow", "3tuple", "hostpair"};
    (void)state;
    for (size_t k = 0; k < N_ROWS(fields); k++)
        for (size_t i = 0; i < N_ROWS(direction_rows); i++) {
            const char *row = direction_rows[i].name;
            const struct clv_tuple t = tuple_of(&direction_rows[i].end), back = turned(&t);
            const struct flow_by by = by_of(fields[k], true);
            struct flow_key x, y;
            CHECK_EQ(row, make_key(&x, &t, &by), 0);
            CHECK_EQ(row, make_key(&y, &back, &by), 0);
            CHECK_MEM(row, x.a, t.src, 16);
            CHECK_MEM(row, x.b, t.dst, 16);
            const bool same = memcmp(t.src, t.dst, 16) == 0 && (k > 0 || t.sport == t.dport);
            CHECK_EQ(row, flow_key_equal(&x, &y), same);
        }
}

static void test_pairs(void **state)
{
    static const struct {
        const char *name;
        const char *by;
        struct end x, y;
        bool equal;
    } rows[] = {
        {"another port", "flow", {4, 6, PORTS, A4, 1, B4, 2}, {4, 6, PORTS, A4, 1, B4, 3}, false},
        {"ports crossed", "flow", {4, 6, PORTS, A4, 1, B4, 2}, {4, 6, PORTS, A4, 2, B4, 1}, false},
        {"another protocol",
         "flow",
         {4, 6, PORTS, A4, 1, B4, 2},
         {4, 17, PORTS, A4, 1, B4, 2},
         false},
        {"port 0 against no port",
         "flow",
         {4, 6, PORTS, A4, 0, B4, 0},
         {4, 6, 0, A4, 0, B4, 0},
         false},
        {"a fragment and a short one",
         "flow",
         {4, 6, CLV_TUPLE_FRAGMENT, A4, 0, B4, 0},
         {4, 6, CLV_TUPLE_SHORT, A4, 0, B4, 0},
         true},
        {"IPv4 against IPv6",
         "flow",
         {4, 6, PORTS, A4, 1, B4, 2},
         {6, 6, PORTS, A4, 1, B4, 2},
         false},
        {"another address",
         "flow",
         {4, 6, PORTS, A4, 1, A4, 2},
         {4, 6, PORTS, A4, 1, B4, 2},
         false},
        {"other against IPv4 of zeros",
         "flow",
         {0, 0, 0, ZERO, 0, ZERO, 0},
         {4, 0, 0, ZERO, 0, ZERO, 0},
         false},
        {"3tuple: another port",
         "3tuple",
         {4, 6, PORTS, A4, 1, B4, 2},
         {4, 6, PORTS, A4, 9, B4, 8},
         true},
        {"3tuple: no port", "3tuple", {4, 6, PORTS, A4, 1, B4, 2}, {4, 6, 0, A4, 0, B4, 0}, true},
        {"3tuple: another protocol",
         "3tuple",
         {4, 6, PORTS, A4, 1, B4, 2},
         {4, 17, PORTS, A4, 1, B4, 2},
         false},
        {"3tuple: IPv4 against IPv6",
         "3tuple",
         {4, 6, PORTS, A4, 1, B4, 2},
         {6, 6, PORTS, A4, 1, B4, 2},
         false},
        {"hostpair: another protocol",
         "hostpair",
         {4, 6, PORTS, A4, 1, B4, 2},
         {4, 1, 0, B4, 0, A4, 0},
         true},
        {"hostpair: another host",
         "hostpair",
         {4, 6, PORTS, A4, 1, B4, 2},
         {4, 6, PORTS, A4, 1, A4, 2},
         false},
        {"hostpair: IPv4 against IPv6",
         "hostpair",
         {4, 6, PORTS, A4, 1, B4, 2},
         {6, 6, PORTS, A4, 1, B4, 2},
         false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct clv_tuple tx = tuple_of(&rows[i].x), ty = tuple_of(&rows[i].y);
        const struct flow_by by = by_of(rows[i].by, false);
        struct flow_key x, y;
        (void)make_key(&x, &tx, &by);
        (void)make_key(&y, &ty, &by);
        CHECK_EQ(rows[i].name, flow_key_equal(&x, &y), rows[i].equal);
        CHECK_EQ(rows[i].name, flow_key_hash(&x, SECRET) == flow_key_hash(&y, SECRET),
                 rows[i].equal);
    }
}

/* What a tuple says beside the key (TCP flags, damage) is not in it. */
static void test_other_fields(void **state)
{
    const struct flow_by by = by_of("flow", false);
    struct clv_tuple t = tuple_of(&direction_rows[0].end);
    struct flow_key x, y;
    (void)state;
    (void)make_key(&x, &t, &by);
    t.tcp_flags = 0xff;
    t.flags |= CLV_TUPLE_FRAGMENT;
    (void)make_key(&y, &t, &by);
    CHECK("flags", flow_key_equal(&x, &y));
}

static void test_by(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        bool ok;
    } rows[] = {
        {"flow", "flow", true},
        {"3tuple", "3tuple", true},
        {"hostpair", "hostpair", true},
        {"empty", "", false},
        {"capitals", "Flow", true},
        {"a blank", "flow ", false},
        {"a beginning", "flo", false},
        {"longer", "flows", false},
        {"unknown", "colour", false},
        {"two", "flow,3tuple", true},
        {"a field", "vlan", true},
        {"none", "none", true},
        {"none and one", "ip,none", false},
        {"a comma", "ip,", false},
        {"all", "connection,vlan,mac,tunnel,iface", true},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct flow_by by, before;
        struct clv_error err = {0};
        memset(&by, 0x5a, sizeof by);
        memset(&before, 0x5a, sizeof before);
        CHECK_EQ(rows[i].name, flow_by_parse(&by, "by", rows[i].text, true, &err), rows[i].ok);
        if (rows[i].ok) {
            CHECK(rows[i].name, !by.undirected);
            CHECK_EQ(rows[i].name, err.code, CLV_ERR_NONE);
        } else {
            CHECK_MEM(rows[i].name, &by, &before, sizeof by);
            CHECK_EQ(rows[i].name, err.code, CLV_ERR_OPTION);
            CHECK_STR(rows[i].name, err.subject, "by");
            CHECK_HAS(rows[i].name, err.what, rows[i].text);
            CHECK_HAS(rows[i].name, strstr(rows[i].text, "none") ? err.what : err.hint,
                      strstr(rows[i].text, "none") ? "cannot be combined" : "hostpair");
        }
    }
}

UNIT(key)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directions), cmocka_unit_test(test_directed),
        cmocka_unit_test(test_pairs),      cmocka_unit_test(test_other_fields),
        cmocka_unit_test(test_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
