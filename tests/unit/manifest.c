/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"
#include "support_flow.h"

#include "manifest/manifest.h"
#include "manifest/name.h"

#define HEAD                                                                                       \
    "file,flow,proto,src,sport,dst,dport,src_packets,dst_packets,src_captured_bytes,"              \
    "dst_captured_bytes,src_wire_bytes,dst_wire_bytes,first,last,src_tcp_flags,dst_tcp_flags,"     \
    "linktype,initiator,initiator_by,service\n"

enum flow_kind { TCP4, TCP4_REVERSED, UDP6, ICMP4, HOSTPAIR, NUMBERED, OTHER, NO_TIME };

static struct flow flow_of(enum flow_kind kind)
{
    struct flow f = {
        .key = {.a = {10, 0, 0, 1},
                .b = {10, 0, 0, 2},
                .a_port = 50000,
                .b_port = 80,
                .proto = 6,
                .family = 4,
                .has = FLOW_HAS_PORTS | FLOW_HAS_PROTO},
        .n = 7,
        .tcp_flags = {0x02, 0x12},
        .opened = FLOW_OPENED_SYN,
        .sum = {{3, 180, 300}, {2, 120, 200}},
        .first_ns = 1000000001,
        .last_ns = 2000000000,
    };
    switch (kind) {
    case TCP4_REVERSED:
        f.reversed = 1;
        f.opened = FLOW_OPENED_SYNACK;
        break;
    case UDP6:
        memset(f.key.a, 0, 16);
        memset(f.key.b, 0, 16);
        f.key.a[15] = 1;
        f.key.b[0] = 0xfe;
        f.key.b[1] = 0x80;
        f.key.family = 6;
        f.key.proto = 17;
        f.tcp_flags[0] = f.tcp_flags[1] = f.opened = 0;
        break;
    case ICMP4:
    case NUMBERED:
    case HOSTPAIR:
        f.key.proto = kind == ICMP4 ? 1 : kind == NUMBERED ? 253 : 0;
        f.key.has = kind != HOSTPAIR ? FLOW_HAS_PROTO : 0;
        f.key.a_port = f.key.b_port = 0;
        f.tcp_flags[0] = f.tcp_flags[1] = f.opened = 0;
        break;
    case OTHER:
        f = (struct flow){.sum = {{5, 300, 320}, {0, 0, 0}}, .first_ns = 0, .last_ns = 1};
        break;
    case NO_TIME: /* as a flow begins, and simple packet blocks leave it */
        f.first_ns = INT64_MAX;
        f.last_ns = INT64_MIN;
        break;
    default:
        break;
    }
    return f;
}

#define TIMES "1970-01-01T00:00:01.000000001Z,1970-01-01T00:00:02.000000000Z"

static struct manifest manifest_of(enum clv_manifest kind)
{
    struct manifest m = {.kind = kind, .by = by_flow(), .cuts = &no_cuts};
    columns_choose(&m);
    return m;
}

static void put_row(enum clv_manifest kind, const struct flow *f, const char *name,
                    uint16_t linktype, struct text *out)
{
    const struct manifest m = manifest_of(kind);
    const struct manifest_entry e = {.f = f, .head = f, .name = name, .linktype = linktype};
    manifest_row(&m, &e, out);
}

static void test_csv(void **state)
{
    static const struct {
        const char *name;
        enum flow_kind flow;
        const char *file;
        uint16_t linktype;
        const char *want;
    } rows[] = {
        {"TCP", TCP4, "a.pcap", 1,
         "a.pcap,7,tcp,10.0.0.1,50000,10.0.0.2,80,3,2,180,120,300,200," TIMES
         ",S,SA,1,src,syn,80\n"},
        {"TCP, reversed", TCP4_REVERSED, "a.pcap", 1,
         "a.pcap,7,tcp,10.0.0.2,80,10.0.0.1,50000,2,3,120,180,200,300," TIMES
         ",SA,S,1,dst,synack,80\n"},
        {"UDP, IPv6", UDP6, "a.pcap", 113,
         "a.pcap,7,udp,::1,50000,fe80::,80,3,2,180,120,300,200," TIMES ",,,113,,,80\n"},
        {"no ports", ICMP4, "a.pcap", 1,
         "a.pcap,7,icmp,10.0.0.1,,10.0.0.2,,3,2,180,120,300,200," TIMES ",,,1,,,\n"},
        {"a protocol without a name", NUMBERED, "a.pcap", 1,
         "a.pcap,7,253,10.0.0.1,,10.0.0.2,,3,2,180,120,300,200," TIMES ",,,1,,,\n"},
        {"by hostpair", HOSTPAIR, "a.pcap", 1,
         "a.pcap,7,,10.0.0.1,,10.0.0.2,,3,2,180,120,300,200," TIMES ",,,1,,,\n"},
        {"other", OTHER, "other.pcap", 65535,
         "other.pcap,,,,,,,5,0,300,0,320,0,1970-01-01T00:00:00.000000000Z,"
         "1970-01-01T00:00:00.000000001Z,,,65535,,,\n"},
        {"no time", NO_TIME, "a.pcapng", 1,
         "a.pcapng,7,tcp,10.0.0.1,50000,10.0.0.2,80,3,2,180,120,300,200,,,S,SA,1,src,syn,80\n"},
        {"a comma", TCP4, "a,b.pcap", 1,
         "\"a,b.pcap\",7,tcp,10.0.0.1,50000,10.0.0.2,80,3,2,180,120,300,200," TIMES
         ",S,SA,1,src,syn,80\n"},
        {"quotes", TCP4, "\"a\".pcap", 1,
         "\"\"\"a\"\".pcap\",7,tcp,10.0.0.1,50000,10.0.0.2,80,3,2,180,120,300,200," TIMES
         ",S,SA,1,src,syn,80\n"},
        {"a line feed", TCP4, "a\nb", 1,
         "\"a\nb\",7,tcp,10.0.0.1,50000,10.0.0.2,80,3,2,180,120,300,200," TIMES
         ",S,SA,1,src,syn,80\n"},
        {"a directory", TCP4, "00010000/a.pcap", 1,
         "00010000/a.pcap,7,tcp,10.0.0.1,50000,10.0.0.2,80,3,2,180,120,300,200," TIMES
         ",S,SA,1,src,syn,80\n"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct flow f = flow_of(rows[i].flow);
        char buf[MANIFEST_ROW_MAX];
        struct text out = text_on(buf, sizeof buf);
        put_row(CLV_MANIFEST_CSV, &f, rows[i].file, rows[i].linktype, &out);
        CHECK(rows[i].name, !out.full);
        CHECK_STR(rows[i].name, text_end(&out), rows[i].want);
    }
}

#define JSON_COUNTS                                                                                \
    "\"src_packets\":3,\"dst_packets\":2,\"src_captured_bytes\":180,\"dst_captured_bytes\":120,"   \
    "\"src_wire_bytes\":300,\"dst_wire_bytes\":200,"
#define JSON_TIMES                                                                                 \
    "\"first\":\"1970-01-01T00:00:01.000000001Z\",\"last\":\"1970-01-01T00:00:02.000000000Z\","

static void test_jsonl(void **state)
{
    static const struct {
        const char *name;
        enum flow_kind flow;
        const char *file;
        const char *want;
    } rows[] = {
        {"TCP", TCP4, "a.pcap",
         "{\"file\":\"a.pcap\",\"flow\":7,\"proto\":\"tcp\",\"src\":\"10.0.0.1\",\"sport\":50000,"
         "\"dst\":\"10.0.0.2\",\"dport\":80," JSON_COUNTS JSON_TIMES
         "\"src_tcp_flags\":\"S\",\"dst_tcp_flags\":\"SA\",\"linktype\":1,\"initiator\":\"src\","
         "\"initiator_by\":\"syn\",\"service\":80}"
         "\n"},
        {"no ports", ICMP4, "a \"b\" \\c",
         "{\"file\":\"a \\\"b\\\" \\\\c\",\"flow\":7,\"proto\":\"icmp\",\"src\":\"10.0.0.1\","
         "\"dst\":\"10.0.0.2\"," JSON_COUNTS JSON_TIMES "\"linktype\":1}\n"},
        {"by hostpair", HOSTPAIR, "a",
         "{\"file\":\"a\",\"flow\":7,\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\"," JSON_COUNTS
             JSON_TIMES "\"linktype\":1}\n"},
        {"a protocol without a name is a string too", NUMBERED, "a",
         "{\"file\":\"a\",\"flow\":7,\"proto\":\"253\",\"src\":\"10.0.0.1\",\"dst\":\"10.0.0."
         "2\"," JSON_COUNTS JSON_TIMES "\"linktype\":1}\n"},
        {"no time", NO_TIME, "a",
         "{\"file\":\"a\",\"flow\":7,\"proto\":\"tcp\",\"src\":\"10.0.0.1\",\"sport\":50000,"
         "\"dst\":\"10.0.0.2\",\"dport\":80," JSON_COUNTS
         "\"src_tcp_flags\":\"S\",\"dst_tcp_flags\":\"SA\",\"linktype\":1,\"initiator\":\"src\","
         "\"initiator_by\":\"syn\",\"service\":80}"
         "\n"},
        {"other", OTHER, "other.pcap",
         "{\"file\":\"other.pcap\",\"src_packets\":5,\"dst_packets\":0,\"src_captured_bytes\":300,"
         "\"dst_captured_bytes\":0,\"src_wire_bytes\":320,\"dst_wire_bytes\":0,"
         "\"first\":\"1970-01-01T00:00:00.000000000Z\","
         "\"last\":\"1970-01-01T00:00:00.000000001Z\",\"linktype\":1}\n"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct flow f = flow_of(rows[i].flow);
        char buf[MANIFEST_ROW_MAX];
        struct text out = text_on(buf, sizeof buf);
        put_row(CLV_MANIFEST_JSONL, &f, rows[i].file, 1, &out);
        CHECK(rows[i].name, !out.full);
        CHECK_STR(rows[i].name, text_end(&out), rows[i].want);
    }
}

static void test_flags(void **state)
{
    static const struct {
        const char *name;
        uint8_t flags;
        const char *want;
    } rows[] = {
        {"none", 0, ",,,1,,,80\n"},
        {"FIN", 1, ",F,,1,,,80\n"},
        {"SYN, ACK", 0x12, ",SA,,1,,,80\n"},
        {"all", 0xff, ",FSRPAUEC,,1,,,80\n"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct flow f = flow_of(TCP4);
        char buf[MANIFEST_ROW_MAX];
        struct text out = text_on(buf, sizeof buf);
        f.tcp_flags[0] = rows[i].flags;
        f.tcp_flags[1] = f.opened = 0;
        put_row(CLV_MANIFEST_CSV, &f, "a", 1, &out);
        const char *row = text_end(&out);
        CHECK_STR(rows[i].name, row + out.len - strlen(rows[i].want), rows[i].want);
    }
}

/* The longest row there can be fits what users of a row reserve. */
static void test_longest(void **state)
{
    static const enum clv_manifest kinds[] = {CLV_MANIFEST_CSV, CLV_MANIFEST_JSONL};
    char name[NAME_MAX_LEN + 1];
    (void)state;
    for (size_t i = 0; i < N_ROWS(kinds); i++) {
        struct flow f = flow_of(UDP6);
        char buf[MANIFEST_ROW_MAX];
        struct text out = text_on(buf, sizeof buf);
        memset(name, kinds[i] == CLV_MANIFEST_CSV ? '"' : '\x01', NAME_MAX_LEN);
        name[NAME_MAX_LEN] = '\0';
        memset(f.key.a, 0xff, 16);
        memset(f.key.b, 0xff, 16);
        f.tcp_flags[0] = f.tcp_flags[1] = 0xff;
        f.n = UINT32_MAX;
        for (unsigned dir = 0; dir < 2; dir++)
            f.sum[dir] = (struct flow_sums){UINT64_MAX, UINT64_MAX, UINT64_MAX};
        put_row(kinds[i], &f, name, UINT16_MAX, &out);
        CHECK(manifest_file_name(kinds[i]), !out.full && out.len > 2 * NAME_MAX_LEN);
    }
}

static void test_head(void **state)
{
    static const struct {
        const char *name;
        enum clv_manifest kind;
        const char *file, *head;
    } rows[] = {
        {"CSV", CLV_MANIFEST_CSV, "manifest.csv", HEAD},
        {"JSON Lines", CLV_MANIFEST_JSONL, "manifest.jsonl", ""},
        {"a database", CLV_MANIFEST_SQLITE, "manifest.db", ""},
        {"none", CLV_MANIFEST_NONE, NULL, ""},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        char buf[512];
        struct text out = text_on(buf, sizeof buf);
        const struct manifest m = manifest_of(rows[i].kind);
        manifest_head(&m, &out);
        CHECK_STR(rows[i].name, text_end(&out), rows[i].head);
        CHECK_STR(rows[i].name, manifest_file_name(rows[i].kind), rows[i].file);
    }
}

UNIT(manifest)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),     cmocka_unit_test(test_jsonl), cmocka_unit_test(test_flags),
        cmocka_unit_test(test_longest), cmocka_unit_test(test_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
