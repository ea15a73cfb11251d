/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"
#include "support_flow.h"

#include "manifest/manifest.h"

/* Whose row it is. */
enum whose { CONNECTION, SHARD, OTHER, RELATED, ERROR, GROUP, N_WHOSE };

static const struct clv_tuple outer = {
    .src = {192, 0, 2, 1},
    .dst = {192, 0, 2, 2},
    .sport = 4789,
    .dport = 65535,
    .proto = CLV_PROTO_UDP,
    .family = 4,
    .flags = CLV_TUPLE_PORTS,
};
static const struct clv_tuple no_outer;
static const struct flow_extra extra = {
    .a_mac = {2, 0, 0, 0, 0, 0x1a},
    .b_mac = {2, 0, 0, 0, 0, 0x2b},
    .has_mac = 1,
    .vlan = {10, 20},
    .n_vlans = 2,
    .tunnel = {4711, 42},
    .tunnel_kind = {DECODE_VXLAN, DECODE_GRE},
    .n_tunnels = 2,
    .iface = 1 + 3,
    .bssid = {2, 0, 0, 0, 0, 0x3c},
    .has_bssid = 1,
    .label = 1,
};
static const struct flow_extra no_extra, of_group = {.group = 1, .lookup = 1};
static const struct flow_cut cut = {.part = 2, .reason = FLOW_ENDED_RST, .head = 1};
static const struct flow head = {.n = 3};

/* From fe80::1, port 80, to 2001:db8::2, port 0: the first record goes from b to a. */
static const struct flow flows[N_WHOSE] = {
    [CONNECTION] = {.key = {.a = {0x20, 0x01, 0x0d, 0xb8, [15] = 2},
                            .b = {0xfe, 0x80, [15] = 1},
                            .a_port = 0,
                            .b_port = 80,
                            .proto = CLV_PROTO_TCP,
                            .family = 6,
                            .has = FLOW_HAS_PORTS | FLOW_HAS_PROTO | FLOW_HAS_KEY},
                    .n = UINT32_MAX,
                    .reversed = 1,
                    .tcp_flags = {0x02, 0x12},
                    .opened = FLOW_OPENED_SYNACK,
                    .sum = {{3, 180, 300}, {UINT64_MAX, 120, 200}},
                    .first_ns = -1,
                    .last_ns = 2000000000},
    [SHARD] = {.key = {.a = {0, 0, 1, 2}, .has = FLOW_HAS_KEY | FLOW_HAS_SHARD},
               .n = 259,
               .first_ns = INT64_MAX,
               .last_ns = INT64_MIN},
    [OTHER] = {.n = 1, .first_ns = INT64_MAX, .last_ns = INT64_MIN},
    [RELATED] = {.key = {.family = 4}, .n = 2},
    [ERROR] = {.key = {.family = 4, .proto = CLV_PROTO_ICMP}, .n = 2},
    [GROUP] = {.key = {.family = 4}, .n = 7},
};

/* A flow's value: as it is, and as both forms have it; csv NULL: there is none. */
static const struct value_row {
    const char *column;
    enum whose whose;
    enum column_type type;
    uint64_t number;  /* or time in ns */
    const char *text; /* or bytes in hex */
    const char *csv, *json;
} values[] = {
    {"file", CONNECTION, COLUMN_TEXT, 0, "a,\"b\".pcap", "\"a,\"\"b\"\".pcap\"",
     "\"a,\\\"b\\\".pcap\""},
    {"flow", CONNECTION, COLUMN_NUMBER, 3, NULL, "3", "3"},
    {"flow", OTHER, COLUMN_NUMBER, 0, NULL, NULL, NULL},
    {"proto", CONNECTION, COLUMN_PROTO, 6, NULL, "tcp", "\"tcp\""},
    {"proto", OTHER, COLUMN_PROTO, 0, NULL, NULL, NULL},
    {"src", CONNECTION, COLUMN_ADDRESS, 6, "fe800000000000000000000000000001", "fe80::1",
     "\"fe80::1\""},
    {"src", SHARD, COLUMN_ADDRESS, 0, NULL, NULL, NULL},
    {"sport", CONNECTION, COLUMN_PORT, 80, NULL, "80", "80"},
    {"dst", CONNECTION, COLUMN_ADDRESS, 6, "20010db8000000000000000000000002", "2001:db8::2",
     "\"2001:db8::2\""},
    {"dport", CONNECTION, COLUMN_PORT, 0, NULL, "0", "0"},
    {"dport", OTHER, COLUMN_PORT, 0, NULL, NULL, NULL},
    {"src_packets", CONNECTION, COLUMN_NUMBER, UINT64_MAX, NULL, "18446744073709551615",
     "18446744073709551615"},
    {"dst_packets", CONNECTION, COLUMN_NUMBER, 3, NULL, "3", "3"},
    {"dst_packets", OTHER, COLUMN_NUMBER, 0, NULL, "0", "0"},
    {"src_captured_bytes", CONNECTION, COLUMN_NUMBER, 120, NULL, "120", "120"},
    {"dst_captured_bytes", CONNECTION, COLUMN_NUMBER, 180, NULL, "180", "180"},
    {"src_wire_bytes", CONNECTION, COLUMN_NUMBER, 200, NULL, "200", "200"},
    {"dst_wire_bytes", CONNECTION, COLUMN_NUMBER, 300, NULL, "300", "300"},
    {"first", CONNECTION, COLUMN_TIME, UINT64_MAX, NULL, "1969-12-31T23:59:59.999999999Z",
     "\"1969-12-31T23:59:59.999999999Z\""},
    {"first", OTHER, COLUMN_TIME, 0, NULL, NULL, NULL},
    {"last", CONNECTION, COLUMN_TIME, 2000000000, NULL, "1970-01-01T00:00:02.000000000Z",
     "\"1970-01-01T00:00:02.000000000Z\""},
    {"last", OTHER, COLUMN_TIME, 0, NULL, NULL, NULL},
    {"src_tcp_flags", CONNECTION, COLUMN_FLAGS, 0x12, NULL, "SA", "\"SA\""},
    {"dst_tcp_flags", CONNECTION, COLUMN_FLAGS, 0x02, NULL, "S", "\"S\""},
    {"dst_tcp_flags", OTHER, COLUMN_FLAGS, 0, NULL, NULL, NULL},
    {"linktype", CONNECTION, COLUMN_NUMBER, 65535, NULL, "65535", "65535"},
    {"initiator", CONNECTION, COLUMN_WORD, 0, "dst", "dst", "\"dst\""},
    {"initiator", RELATED, COLUMN_WORD, 0, "dst", "dst", "\"dst\""},
    {"initiator", ERROR, COLUMN_WORD, 0, NULL, NULL, NULL},
    {"initiator", GROUP, COLUMN_WORD, 0, NULL, NULL, NULL},
    {"initiator", SHARD, COLUMN_WORD, 0, NULL, NULL, NULL},
    {"initiator", OTHER, COLUMN_WORD, 0, NULL, NULL, NULL},
    {"initiator_by", CONNECTION, COLUMN_WORD, 0, "synack", "synack", "\"synack\""},
    {"initiator_by", RELATED, COLUMN_WORD, 0, "lookup", "lookup", "\"lookup\""},
    {"initiator_by", GROUP, COLUMN_WORD, 0, NULL, NULL, NULL},
    {"service", CONNECTION, COLUMN_PORT, 80, NULL, "80", "80"},
    {"service", RELATED, COLUMN_PORT, 0, NULL, NULL, NULL},
    {"service", OTHER, COLUMN_PORT, 0, NULL, NULL, NULL},
    {"community_id", OTHER, COLUMN_WORD, 0, NULL, NULL, NULL},
    {"vlan", CONNECTION, COLUMN_WORD, 0, "10.20", "10.20", "\"10.20\""},
    {"vlan", OTHER, COLUMN_WORD, 0, NULL, NULL, NULL},
    {"src_mac", CONNECTION, COLUMN_MAC, 0, "02000000002b", "02:00:00:00:00:2b",
     "\"02:00:00:00:00:2b\""},
    {"dst_mac", CONNECTION, COLUMN_MAC, 0, "02000000001a", "02:00:00:00:00:1a",
     "\"02:00:00:00:00:1a\""},
    {"dst_mac", OTHER, COLUMN_MAC, 0, NULL, NULL, NULL},
    {"tunnel", CONNECTION, COLUMN_WORD, 0, "vxlan4711.gre42", "vxlan4711.gre42",
     "\"vxlan4711.gre42\""},
    {"tunnel", OTHER, COLUMN_WORD, 0, NULL, NULL, NULL},
    {"iface", CONNECTION, COLUMN_NUMBER, 3, NULL, "3", "3"},
    {"iface", OTHER, COLUMN_NUMBER, 0, NULL, NULL, NULL},
    {"bssid", CONNECTION, COLUMN_MAC, 0, "02000000003c", "02:00:00:00:00:3c",
     "\"02:00:00:00:00:3c\""},
    {"bssid", OTHER, COLUMN_MAC, 0, NULL, NULL, NULL},
    {"label", CONNECTION, COLUMN_TEXT, 0, "a \"b\"", "\"a \"\"b\"\"\"", "\"a \\\"b\\\"\""},
    {"label", OTHER, COLUMN_TEXT, 0, NULL, NULL, NULL},
    {"shard", SHARD, COLUMN_NUMBER, 258, NULL, "258", "258"},
    {"shard", OTHER, COLUMN_NUMBER, 0, NULL, NULL, NULL},
    {"output", CONNECTION, COLUMN_NUMBER, UINT32_MAX, NULL, "4294967295", "4294967295"},
    {"output", OTHER, COLUMN_NUMBER, 0, NULL, NULL, NULL},
    {"part", CONNECTION, COLUMN_NUMBER, 2, NULL, "2", "2"},
    {"end", CONNECTION, COLUMN_WORD, 0, "rst", "rst", "\"rst\""},
    {"outer_src", CONNECTION, COLUMN_ADDRESS, 4, "c0000201000000000000000000000000", "192.0.2.1",
     "\"192.0.2.1\""},
    {"outer_sport", CONNECTION, COLUMN_PORT, 4789, NULL, "4789", "4789"},
    {"outer_dst", CONNECTION, COLUMN_ADDRESS, 4, "c0000202000000000000000000000000", "192.0.2.2",
     "\"192.0.2.2\""},
    {"outer_dst", OTHER, COLUMN_ADDRESS, 0, NULL, NULL, NULL},
    {"outer_dport", CONNECTION, COLUMN_PORT, 65535, NULL, "65535", "65535"},
    {"outer_dport", OTHER, COLUMN_PORT, 0, NULL, NULL, NULL},
    {"outer_proto", CONNECTION, COLUMN_PROTO, 17, NULL, "udp", "\"udp\""},
    {"outer_proto", OTHER, COLUMN_PROTO, 0, NULL, NULL, NULL},
    {"master", RELATED, COLUMN_NUMBER, 1, NULL, "1", "1"},
    {"master", OTHER, COLUMN_NUMBER, 0, NULL, NULL, NULL},
    {"relation", RELATED, COLUMN_WORD, 0, "dns", "dns", "\"dns\""},
    {"lag", RELATED, COLUMN_SPAN, UINT64_MAX, NULL, "-0.000000001", "\"-0.000000001\""},
    {"lag", OTHER, COLUMN_SPAN, 0, NULL, NULL, NULL},
    {"group", RELATED, COLUMN_NUMBER, 1, NULL, "1", "1"},
    {"group", GROUP, COLUMN_NUMBER, 1, NULL, "1", "1"},
    {"lookup", RELATED, COLUMN_NUMBER, 1, NULL, "1", "1"},
    {"lookup", OTHER, COLUMN_NUMBER, 0, NULL, NULL, NULL},
    {"led", GROUP, COLUMN_NUMBER, 1, NULL, "1", "1"},
    {"name", RELATED, COLUMN_TEXT, 0, "a.example", "a.example", "\"a.example\""},
    {"name", GROUP, COLUMN_TEXT, 0, "b.example", "b.example", "\"b.example\""},
    {"name", OTHER, COLUMN_TEXT, 0, NULL, NULL, NULL},
    {"name_from", RELATED, COLUMN_WORD, 0, "sni", "sni", "\"sni\""},
    {"name_from", GROUP, COLUMN_WORD, 0, "dns", "dns", "\"dns\""},
    {"app", RELATED, COLUMN_WORD, 0, "tls", "tls", "\"tls\""},
    {"app", GROUP, COLUMN_WORD, 0, "dns", "dns", "\"dns\""},
    {"app", OTHER, COLUMN_WORD, 0, NULL, NULL, NULL},
};

static const struct column *column_of(const char *name)
{
    for (unsigned i = 0; i < columns_n; i++)
        if (strcmp(columns_all[i].name, name) == 0)
            return &columns_all[i];
    return NULL;
}

static void check_bytes(const char *name, const uint8_t *bytes, size_t n, const char *hex)
{
    char buf[64];
    struct text t = text_on(buf, sizeof buf);
    for (size_t i = 0; i < n; i++)
        text_hex(&t, bytes[i], 2);
    CHECK_STR(name, text_end(&t), hex);
}

static void check_value(const struct value_row *r, const struct column_value *v)
{
    switch (r->type) {
    case COLUMN_TEXT:
    case COLUMN_WORD:
        CHECK_STR(r->column, v->text.p, r->text);
        CHECK_EQ(r->column, v->text.len, strlen(r->text));
        break;
    case COLUMN_TIME:
    case COLUMN_SPAN:
        CHECK_EQ(r->column, v->time_ns, (int64_t)r->number);
        break;
    case COLUMN_ADDRESS:
        CHECK_EQ(r->column, v->addr.family, r->number);
        check_bytes(r->column, v->addr.bytes, 16, r->text);
        break;
    case COLUMN_MAC:
        check_bytes(r->column, v->mac, 6, r->text);
        break;
    default:
        CHECK_EQ(r->column, v->number, r->number);
    }
}

/* What the column alone is in a form of the table. */
static void check_form(const struct value_row *r, struct manifest m, enum clv_manifest kind,
                       const struct manifest_entry *e, const char *want)
{
    char buf[MANIFEST_ROW_MAX];
    struct text out = text_on(buf, sizeof buf);
    m.kind = kind;
    m.n_columns = 1;
    m.columns[0] = column_of(r->column);
    manifest_row(&m, e, &out);
    CHECK_STR(r->column, text_end(&out), want);
}

/* Flow 2 was led to by the one lookup of flow 1. */
static void make_relations(struct relations *all)
{
    relations_init(all, NULL);
    struct relation_row *dns = relations_add(all), *tls = relations_add(all);
    struct relation_lookup *lookup = relations_add_lookup(all);
    *dns = (struct relation_row){.n_lookups = 1, .first_lookup = 1, .app = APP_DNS};
    *lookup =
        (struct relation_lookup){.flow = 1, .n = 1, .name = relations_keep(all, "b.example", 9)};
    *tls = (struct relation_row){.master = 1,
                                 .lookup = 1,
                                 .lag_ns = -1,
                                 .relation = RELATION_DNS,
                                 .client = RELATION_CLIENT_B,
                                 .name = relations_keep(all, "a.example", 9),
                                 .name_from = APP_TLS,
                                 .app = APP_TLS};
    relations_settle(all);
}

static void test_values(void **state)
{
    struct flow_by by;
    struct relations relations;
    (void)state;
    make_relations(&relations);
    assert_true(flow_by_parse(&by, "by", "flow,vlan,mac,tunnel,iface,bssid,label", false, NULL));
    char label[] = "a \"b\"", *labels[] = {label};
    by.labels = &(struct flow_labels){labels, 1};
    for (size_t i = 0; i < N_ROWS(values); i++) {
        const struct value_row *r = &values[i];
        const struct manifest m = {
            .by = &by,
            .cuts = &(struct flow_cuts){.connections = true},
            .shards = r->whose == SHARD,
            .relations = &relations,
            .grouped = r->whose == GROUP,
        };
        const struct manifest_entry e = {
            .f = &flows[r->whose],
            .head = r->whose == CONNECTION ? &head : &flows[r->whose],
            .extra = r->whose == CONNECTION ? &extra
                     : r->whose == GROUP    ? &of_group
                                            : &no_extra,
            .cut = &cut,
            .outer = r->whose == CONNECTION ? &outer : &no_outer,
            .name = "a,\"b\".pcap",
            .linktype = 65535,
        };
        const struct column *c = column_of(r->column);
        struct column_value v;
        char csv[256], json[256];
        CHECK(r->column, c != NULL);
        CHECK_EQ(r->column, c->type, r->type);
        CHECK_EQ(r->column, c->get(&(struct column_of){c, &m, &e}, &v), r->csv != NULL);
        if (r->csv)
            check_value(r, &v);
        (void)snprintf(csv, sizeof csv, "%s\n", r->csv ? r->csv : "");
        (void)snprintf(json, sizeof json, "{\"%s\":%s}\n", r->column, r->csv ? r->json : "");
        check_form(r, m, CLV_MANIFEST_CSV, &e, csv);
        check_form(r, m, CLV_MANIFEST_JSONL, &e, r->csv ? json : "}\n");
    }
    relations_fini(&relations);
}

/* Each column has a value above, a name of its own, and stands in one place. */
static void test_all_columns(void **state)
{
    (void)state;
    for (unsigned i = 0; i < columns_n; i++) {
        const char *name = columns_all[i].name;
        size_t n = 0;
        for (size_t k = 0; k < N_ROWS(values); k++)
            n += strcmp(values[k].column, name) == 0;
        CHECK(name, n > 0);
        CHECK(name, column_of(name) == &columns_all[i]);
    }
}

/* Which columns runs have beside those that all have, which come first. */
static void test_choice(void **state)
{
    static const struct {
        const char *by;
        bool directed, community, outer, shards, cut, related, grouped;
        const char *want;
    } rows[] = {
        {"flow", false, false, false, false, false, false, false, ""},
        {"flow", false, true, false, false, false, false, false, " community_id"},
        {"ip,vlan", false, false, false, false, false, false, false, " vlan"},
        {"ip,mac,iface,bssid,label", true, false, false, false, false, false, false,
         " src_mac dst_mac iface bssid label"},
        {"host,tunnel", false, true, false, false, true, false, false,
         " community_id tunnel output part end"},
        {"flow,vlan,mac", false, false, false, true, false, false, false, " shard"},
        {"none", false, false, true, false, false, false, false,
         " outer_src outer_sport outer_dst outer_dport outer_proto"},
        {"flow", false, false, false, false, false, true, false,
         " master relation lag group lookup name name_from app"},
        {"flow", false, false, false, false, false, true, true,
         " group lookup led name name_from app"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct flow_by by;
        const struct flow_cuts cuts = {.connections = rows[i].cut};
        struct manifest m = {
            .by = &by,
            .cuts = &cuts,
            .community = rows[i].community,
            .related = rows[i].related,
            .grouped = rows[i].grouped,
            .named = rows[i].related,
            .outer = rows[i].outer,
            .shards = rows[i].shards,
        };
        char buf[512];
        struct text t = text_on(buf, sizeof buf);
        assert_true(flow_by_parse(&by, "by", rows[i].by, rows[i].directed, NULL));
        columns_choose(&m);
        for (unsigned k = 0; k < m.n_columns; k++) {
            if (k <= 20) {
                CHECK(rows[i].by, m.columns[k] == &columns_all[k]);
                continue;
            }
            text_char(&t, ' ');
            text_str(&t, m.columns[k]->name);
        }
        CHECK_STR(rows[i].by, text_end(&t), rows[i].want);
    }
}

UNIT(columns)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_all_columns),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
