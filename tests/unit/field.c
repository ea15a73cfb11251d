/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"
#include "support_flow.h"

#include "flow/field.h"

/* A record that has all that a key can be made of; all but the frame's rest is of the tuple. */
static const struct flow_origin full = {
    .tuple = {.src = {10, 0, 0, 1},
              .dst = {10, 0, 0, 2},
              .sport = 50000,
              .dport = 80,
              .proto = CLV_PROTO_TCP,
              .family = 4,
              .flags = CLV_TUPLE_PORTS},
    .path = {.src_mac = {2, 0, 0, 0, 0, 1},
             .dst_mac = {2, 0, 0, 0, 0, 2},
             .has_mac = true,
             .bssid = {2, 0, 0, 0, 0, 3},
             .has_bssid = true,
             .vlan = {5, 7},
             .n_vlans = 2,
             .id = {16, 4711},
             .kind = {DECODE_MPLS, DECODE_VXLAN},
             .n_tunnels = 2},
    .iface = 3,
    .label = 2,
};
static const struct flow_origin bare = {
    .tuple = {.src = {10, 0, 0, 1}, .dst = {10, 0, 0, 2}, .proto = CLV_PROTO_TCP, .family = 4},
};

enum { A = FLOW_END_ADDR, P = FLOW_END_PORT, M = FLOW_END_MAC };

/* What a field alone makes of both. */
static const struct {
    const char *word;
    unsigned fields, a, b;
    bool sided, network;
    const char *want, *bare; /* as text; NULL: it has none of its own. bare "": nothing is put */
} rows[] = {
    {"ip", FLOW_BY_IP, A, A, false, true, NULL, NULL},
    {"proto", FLOW_BY_PROTO, 0, 0, false, true, NULL, NULL},
    {"port", FLOW_BY_PORT, P, P, false, true, NULL, NULL},
    {"mac", FLOW_BY_MAC, M, M, false, false, "02-00-00-00-00-01_02-00-00-00-00-02", ""},
    {"vlan", FLOW_BY_VLAN, 0, 0, false, false, "5.7", ""},
    {"tunnel", FLOW_BY_TUNNEL, 0, 0, false, false, "mpls16.vxlan4711", ""},
    {"iface", FLOW_BY_IFACE, 0, 0, false, false, "3", "0"},
    {"bssid", FLOW_BY_BSSID, 0, 0, false, false, "02-00-00-00-00-03", ""},
    {"label", FLOW_BY_LABEL, 0, 0, false, false, "x-y-.-..", ""},
    {"host", FLOW_BY_HOST, A, 0, true, true, NULL, NULL},
    {"client", FLOW_BY_CLIENT, A, 0, true, true, NULL, NULL},
    {"server", FLOW_BY_SERVER, 0, A, true, true, NULL, NULL},
    {"service", FLOW_BY_SERVICE | FLOW_BY_PROTO, 0, P, true, true, NULL, NULL},
};

static char other_label[] = "other", label[] = "x/y .\"..";
static char *labels[] = {other_label, label};

static void check_text(const char *row, const struct flow_by *by, const struct flow_origin *o,
                       flow_put_fn *put, const char *want)
{
    char buf[256];
    struct text t = text_on(buf, sizeof buf);
    struct flow f = {.n = 1};
    struct flow_extra extra;
    (void)flow_anykey_settle(by, o, FLOW_SIDE_SOURCE, &f.key, &extra);
    CHECK_EQ(row, put(by, &f, &extra, &t), want[0] != '\0');
    CHECK_STR(row, text_end(&t), want);
}

static void test_rows(void **state)
{
    (void)state;
    CHECK_EQ("rows", N_ROWS(rows), FLOW_KEY_FIELDS);
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *const row = rows[i].word;
        const struct flow_key_field *field = &flow_key_fields[i];
        struct flow_by by;
        CHECK_STR(row, field->word, row);
        CHECK(row, flow_key_field(field->bit) == field);
        assert_true(flow_by_parse(&by, "by", row, false, NULL));
        by.labels = &(struct flow_labels){labels, N_ROWS(labels)};
        CHECK_EQ(row, by.fields, rows[i].fields);
        CHECK_EQ(row, by.a, rows[i].a);
        CHECK_EQ(row, by.b, rows[i].b);
        CHECK_EQ(row, by.sided, rows[i].sided);
        CHECK_EQ(row, by.needs_network, rows[i].network);
        CHECK_EQ(row, field->put != NULL, rows[i].want != NULL);
        if (!field->put)
            continue;
        CHECK(row, field->before && field->none && field->alone && field->lacking);
        check_text(row, &by, &full, field->put, rows[i].want);
        check_text(row, &by, &bare, field->put, rows[i].bare);
    }
}

/* Fields add up, whatever their order, and twice is once. */
static void test_sums(void **state)
{
    static const struct {
        const char *by;
        unsigned fields, a, b;
        size_t takes;
    } sums[] = {
        {"flow", FLOW_BY_TUPLE, A | P, A | P, 0},
        {"5tuple", FLOW_BY_TUPLE, A | P, A | P, 0},
        {"connection", FLOW_BY_TUPLE, A | P, A | P, 0},
        {"Session", FLOW_BY_TUPLE, A | P, A | P, 0},
        {"IP/24,64,Vlan", FLOW_BY_IP | FLOW_BY_VLAN, A, A, 1},
        {"3tuple", FLOW_BY_IP | FLOW_BY_PROTO, A, A, 0},
        {"hostpair,vlan,vlan", FLOW_BY_IP | FLOW_BY_VLAN, A, A, 1},
        {"vlan,ip", FLOW_BY_IP | FLOW_BY_VLAN, A, A, 1},
        {"iface,tunnel,vlan,mac", FLOW_BY_IFACE | FLOW_BY_TUNNEL | FLOW_BY_VLAN | FLOW_BY_MAC, M, M,
         3},
        {"host,port,mac", FLOW_BY_HOST | FLOW_BY_PORT | FLOW_BY_MAC, A | P | M, 0, 0},
        {"client,server,service", FLOW_BY_CLIENT | FLOW_BY_SERVER | FLOW_BY_SERVICE | FLOW_BY_PROTO,
         A, A | P, 0},
        {"none", 0, 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(sums); i++) {
        struct flow_by by;
        size_t takes = 0;
        assert_true(flow_by_parse(&by, "by", sums[i].by, false, NULL));
        while (by.takes[takes])
            takes++;
        CHECK_EQ(sums[i].by, by.fields, sums[i].fields);
        CHECK_EQ(sums[i].by, by.a, sums[i].a);
        CHECK_EQ(sums[i].by, by.b, sums[i].b);
        CHECK_EQ(sums[i].by, takes, sums[i].takes);
    }
}

/* Prefixes leave bits out at the ends that have the addresses; what leaves out less counts. */
static void test_prefixes(void **state)
{
    static const struct {
        const char *by;
        uint8_t a[2], b[2];
        bool taken, any_key;
    } cuts[] = {
        {"ip", {0, 0}, {0, 0}, true, false},
        {"ip/24", {8, 0}, {8, 0}, true, true},
        {"ip/32,128", {0, 0}, {0, 0}, true, false},
        {"ip/0,0", {32, 128}, {32, 128}, true, true},
        {"hostpair/24,64", {8, 64}, {8, 64}, true, true},
        {"client/24,server", {8, 0}, {0, 0}, true, true},
        {"client/24,ip/16", {8, 0}, {16, 0}, true, true},
        {"ip/24,64,ip/25", {7, 0}, {7, 0}, true, true},
        {"host/31,proto", {1, 0}, {0, 0}, true, true},
        {"flow/24,3tuple", {0, 0}, {0, 0}, true, false},
        {"ip/33", .taken = false},
        {"ip/", .taken = false},
        {"ip/24,129", .taken = false},
        {"ip/24,", .taken = false},
        {"ip/24,64,64", .taken = false},
        {"ip/a", .taken = false},
        {"ip/00024", .taken = false},
        {"vlan/8", .taken = false},
        {"none/8", .taken = false},
        {"24", .taken = false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(cuts); i++) {
        struct flow_by by = {.fields = 1};
        CHECK_EQ(cuts[i].by, flow_by_parse(&by, "by", cuts[i].by, false, NULL), cuts[i].taken);
        CHECK_MEM(cuts[i].by, by.a_cut, cuts[i].a, 2);
        CHECK_MEM(cuts[i].by, by.b_cut, cuts[i].b, 2);
        CHECK_EQ(cuts[i].by, by.any_key, cuts[i].any_key);
    }
}

/* A refused word is answered with all that there are. */
static void test_hint(void **state)
{
    struct clv_error err;
    struct flow_by by;
    (void)state;
    CHECK("refused", !flow_by_parse(&by, "by", "nothing", false, &err));
    for (size_t i = 0; i < N_ROWS(rows); i++)
        CHECK(rows[i].word, strstr(err.hint, rows[i].word) != NULL);
    CHECK("whole", strstr(err.hint, "5tuple, session") != NULL);
}

UNIT(field)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
