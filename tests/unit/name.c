/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"
#include "support_flow.h"

#include "manifest/name.h"

#define A4 "0a000001 00000000 00000000 00000000"
#define B4 "0a000002 00000000 00000000 00000000"
#define A6 "20010db8 00000000 00000000 00000001"
#define B6 "fe800000 00000000 00000000 000000ff"

/* 2026-11-22T23:59:59.123456789Z */
#define FIRST_NS INT64_C(1795391999123456789)

/* Flows by what a row calls them. */
enum flow_kind {
    TCP4,
    TCP4_REVERSED,
    UDP6,
    ICMP4,
    NUMBERED, /* a protocol without a name */
    ZERO,     /* protocol 0, which is one like any other */
    PORT_0,
    HOSTPAIR,
    N_9999,
    N_10000,
    N_123456789,
    OTHER,
    OTHER_2,
    OTHER_255,
};

static struct flow flow_of(enum flow_kind kind)
{
    struct flow f = {.n = 42};
    struct bytes b = {0};
    struct flow_key *k = &f.key;
    *k = (struct flow_key){
        .a_port = 50000,
        .b_port = 80,
        .proto = 6,
        .family = 4,
        .has = FLOW_HAS_PORTS | FLOW_HAS_PROTO,
    };
    put_hex(&b, kind == UDP6 ? A6 B6 : A4 B4);
    memcpy(k->a, b.p, 16);
    memcpy(k->b, b.p + 16, 16);
    bytes_free(&b);
    switch (kind) {
    case TCP4_REVERSED:
        f.reversed = 1;
        break;
    case UDP6:
        k->family = 6;
        k->proto = 17;
        break;
    case ICMP4:
    case NUMBERED:
    case ZERO:
        k->proto = kind == ICMP4 ? 1 : kind == ZERO ? 0 : 253;
        k->has &= (uint8_t)~FLOW_HAS_PORTS;
        k->a_port = k->b_port = 0;
        break;
    case PORT_0:
        k->a_port = 0;
        break;
    case HOSTPAIR:
        k->proto = k->has = 0;
        k->a_port = k->b_port = 0;
        break;
    case N_9999:
        f.n = 9999;
        break;
    case N_10000:
        f.n = 10000;
        break;
    case N_123456789:
        f.n = 123456789;
        break;
    case OTHER:
    case OTHER_2:
    case OTHER_255:
        f = (struct flow){.n = kind == OTHER ? 1 : kind == OTHER_2 ? 2 : 255};
        break;
    default:
        break;
    }
    return f;
}

static void test_names(void **state)
{
    static const struct {
        const char *name;
        const char *template;
        enum flow_kind flow;
        unsigned again;
        const char *want;
    } rows[] = {
        {"default", NAME_DEFAULT ".pcap", TCP4, 0, "00000042_tcp_10.0.0.1_50000_10.0.0.2_80.pcap"},
        {"default, reversed", NAME_DEFAULT ".pcap", TCP4_REVERSED, 0,
         "00000042_tcp_10.0.0.2_80_10.0.0.1_50000.pcap"},
        {"default, IPv6", NAME_DEFAULT ".pcap", UDP6, 0,
         "00000042_udp_2001-db8--1_50000_fe80--ff_80.pcap"},
        {"default, no ports", NAME_DEFAULT ".pcap", ICMP4, 0,
         "00000042_icmp_10.0.0.1_10.0.0.2.pcap"},
        {"default, no name for it", NAME_DEFAULT ".pcap", NUMBERED, 0,
         "00000042_ip-253_10.0.0.1_10.0.0.2.pcap"},
        {"default, port 0", NAME_DEFAULT ".pcap", PORT_0, 0,
         "00000042_tcp_10.0.0.1_0_10.0.0.2_80.pcap"},
        {"default, by hostpair", NAME_DEFAULT ".pcap", HOSTPAIR, 0,
         "00000042_10.0.0.1_10.0.0.2.pcap"},
        {"default, other", NAME_DEFAULT ".pcap", OTHER, 0, "other.pcap"},
        {"any template, other", "{input}/{n}.pcap", OTHER, 0, "other.pcap"},
        {"the second other", NAME_DEFAULT ".pcap", OTHER_2, 0, "other_2.pcap"},
        {"the last other", "{n}", OTHER_255, 0, "other_255.pcap"},
        {"pcapng's default", NAME_DEFAULT ".pcapng", TCP4, 0,
         "00000042_tcp_10.0.0.1_50000_10.0.0.2_80.pcapng"},
        {"again, pcapng", "{proto}.pcapng", TCP4, 1, "tcp-2.pcapng"},
        {"n", "{n}", TCP4, 0, "42"},
        {"n:1", "{n:1}.pcap", TCP4, 0, "42.pcap"},
        {"n:3", "{n:3}.pcap", TCP4, 0, "042.pcap"},
        {"n:20", "{n:20}.pcap", TCP4, 0, "00000000000000000042.pcap"},
        {"n wider than asked", "{n:2}.pcap", N_9999, 0, "9999.pcap"},
        {"proto", "{proto}", TCP4, 0, "tcp"},
        {"proto by number", "{proto}", NUMBERED, 0, "ip-253"},
        {"proto 0", "{proto}", ZERO, 0, "ip-0"},
        {"proto 0 in the key", "{key}", ZERO, 0, "ip-0_10.0.0.1_10.0.0.2"},
        {"proto by hostpair", "{proto}", HOSTPAIR, 0, "ip"},
        {"endpoints", "{src},{sport},{dst},{dport}", TCP4, 0, "10.0.0.1,50000,10.0.0.2,80"},
        {"endpoints, reversed", "{src},{sport},{dst},{dport}", TCP4_REVERSED, 0,
         "10.0.0.2,80,10.0.0.1,50000"},
        {"endpoints, IPv6", "{src},{dst}", UDP6, 0, "2001-db8--1,fe80--ff"},
        {"no ports", "{sport}{dport}", ICMP4, 0, "--"},
        {"port 0", "{sport}-{dport}", PORT_0, 0, "0-80"},
        {"first", "{first}.pcap", TCP4, 0, "20261122T235959.123456789Z.pcap"},
        {"input", "{input}_flow-{n}.pcap", TCP4, 0, "day.3_flow-42.pcap"},
        {"a field twice", "{n}-{n}", TCP4, 0, "42-42"},
        {"fields side by side", "{n}{proto}{sport}", TCP4, 0, "42tcp50000"},
        {"literals alone", "all.pcap", TCP4, 0, "all.pcap"},
        {"UTF-8", "m\xc3\xa4rz-{n}", TCP4, 0, "m\xc3\xa4rz-42"},
        {"a directory", "{proto}/{n}.pcap", TCP4, 0, "tcp/42.pcap"},
        {"directories", "{input}/{src}/{n}.pcap", TCP4, 0, "day.3/10.0.0.1/42.pcap"},
        {"the last without fan-out", NAME_DEFAULT ".pcap", N_9999, 0,
         "00009999_tcp_10.0.0.1_50000_10.0.0.2_80.pcap"},
        {"the first with fan-out", NAME_DEFAULT ".pcap", N_10000, 0,
         "00010000/00010000_tcp_10.0.0.1_50000_10.0.0.2_80.pcap"},
        {"fan-out, more digits", "{n}.pcap", N_123456789, 0, "123450000/123456789.pcap"},
        {"no fan-out beside own directories", "{proto}/{n}.pcap", N_10000, 0, "tcp/10000.pcap"},
        {"again", "{proto}.pcap", TCP4, 1, "tcp-2.pcap"},
        {"again and again", "{proto}.pcap", TCP4, 9, "tcp-10.pcap"},
        {"again, no ending", "{proto}", TCP4, 1, "tcp-2"},
        {"again, two endings", "{proto}.tar.gz", TCP4, 1, "tcp-2.tar.gz"},
        {"again, a dot in a directory", "a.b/{proto}", TCP4, 1, "a.b/tcp-2"},
        {"again, with fan-out", "{proto}.pcap", N_10000, 1, "00010000/tcp-2.pcap"},
        {"again, an ending too long to be one", "{proto}.something-else", TCP4, 1,
         "tcp.something-else-2"},
        {"again, an address is no ending", "{src}_{dst}", TCP4, 1, "10.0.0.1_10.0.0.2-2"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct name_template t;
        struct clv_error err = {0};
        const struct flow f = flow_of(rows[i].flow);
        char buf[NAME_MAX_LEN];
        struct text out = text_on(buf, sizeof buf);
        CHECK(rows[i].name,
              name_parse(&t, rows[i].template, "/captures/day.3.pcap", by_flow(), &err));
        CHECK_EQ(rows[i].name, err.code, CLV_ERR_NONE);
        name_format(&t,
                    &(struct name_subject){.f = &f, .first_ns = FIRST_NS, .again = rows[i].again},
                    &out);
        CHECK(rows[i].name, !out.full);
        CHECK_STR(rows[i].name, text_end(&out), rows[i].want);
    }
}

static void test_other_ending(void **state)
{
    static const struct {
        const char *name;
        enum flow_kind flow;
        const char *want;
    } rows[] = {
        {"other", OTHER, "other.pcapng"},
        {"the second other", OTHER_2, "other_2.pcapng"},
        {"a flow's is the template's", TCP4, "tcp.pcap"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct name_template t;
        char buf[64];
        struct text out = text_on(buf, sizeof buf);
        const struct flow f = flow_of(rows[i].flow);
        CHECK(rows[i].name, name_parse(&t, "{proto}.pcap", "a.pcapng", by_flow(), NULL));
        t.other_ending = ".pcapng";
        name_format(&t, &(struct name_subject){.f = &f, .first_ns = 0, .again = 0}, &out);
        CHECK_STR(rows[i].name, text_end(&out), rows[i].want);
    }
}

static void test_no_time(void **state)
{
    struct name_template t;
    char buf[64];
    struct text out = text_on(buf, sizeof buf);
    const struct flow f = flow_of(TCP4);
    (void)state;
    assert_true(name_parse(&t, "{first}_{n}", "a.pcapng", by_flow(), NULL));
    name_format(&t, &(struct name_subject){.f = &f, .first_ns = INT64_MIN, .again = 0}, &out);
    CHECK_STR("a record without a time", text_end(&out), "notime_42");
}

/* Names that no flow gets, since the run writes files of these names itself. */
static void test_reserved(void **state)
{
    static const struct {
        const char *name;
        bool want;
    } rows[] = {
        {"other.pcap", true},     {"other.pcapng", true},
        {"other_2.pcap", true},   {"other_255", true},
        {"other_9.pcap", true},   {"other_0", true},
        {"manifest.csv", true},   {"manifest.jsonl", true},
        {"cleave.json", true},    {"other", false},
        {"other.pcap2", false},   {"xother.pcap", false},
        {"other-2.pcap", false},  {"other_", false},
        {"other_x.pcap", false},  {"a/other.pcap", false},
        {"manifest.json", false}, {"Other.pcap", false},
        {"manifest.csv2", false}, {"", false},
        {"other.pcap.zst", true}, {"other.pcapng.gz", true},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        uint8_t *name = tight_copy(rows[i].name, strlen(rows[i].name));
        CHECK_EQ(rows[i].name, name_reserved((const char *)name, strlen(rows[i].name)),
                 rows[i].want);
        free(name);
    }
}

/* Names are appended: what stands in the text before is not theirs. */
static void test_appended(void **state)
{
    struct name_template t;
    char buf[64];
    struct text out = text_on(buf, sizeof buf);
    const struct flow f = flow_of(TCP4);
    (void)state;
    assert_true(name_parse(&t, "{proto}", "a.pcap", by_flow(), NULL));
    text_str(&out, "x.y ");
    name_format(&t, &(struct name_subject){.f = &f, .first_ns = 0, .again = 1}, &out);
    CHECK_STR("behind a dot", text_end(&out), "x.y tcp-2");
}

static void test_too_long(void **state)
{
    struct name_template t;
    const struct flow f = flow_of(UDP6);
    (void)state;
    assert_true(name_parse(&t, "{key}{key}.pcap", "a.pcap", by_flow(), NULL));
    for (unsigned again = 0; again < 2; again++)
        for (size_t cap = 0; cap < 100; cap++) {
            char row[48];
            char *buf = malloc(cap + 1);
            assert_non_null(buf);
            buf[cap] = '#';
            struct text out = text_on(buf, cap);
            (void)snprintf(row, sizeof row, "room for %zu bytes, again %u", cap, again);
            name_format(&t, &(struct name_subject){.f = &f, .first_ns = 0, .again = again}, &out);
            CHECK_EQ(row, out.full, cap < 71 + 2 * again);
            CHECK(row, out.len <= cap);
            CHECK_EQ(row, buf[cap], '#');
            free(buf);
        }
}

static void test_unique(void **state)
{
    static const struct {
        const char *name;
        const char *template;
        bool unique, has_dir;
    } rows[] = {
        {"default", NAME_DEFAULT ".pcap", true, false},
        {"n alone", "{n}", true, false},
        {"n first", "{n}_{src}", true, false},
        {"n first, directory", "{n}/{src}", true, true},
        {"n last", "{input}_flow-{n}", true, false},
        {"n before the ending", "{input}_flow-{n}.pcap", true, false},
        {"no n", "{key}.pcap", false, false},
        {"n in the middle", "{src}_{n}_{dst}", false, false},
        {"n first, a digit behind", "{n}1.pcap", false, false},
        {"n first, a field behind", "{n}{sport}.pcap", false, false},
        {"n last, a digit before", "flow1{n}.pcap", false, false},
        {"n last, a field before", "{sport}{n}.pcap", false, false},
        {"n before an ending of digits", "a_{n}7z", false, false},
        {"literals alone", "all.pcap", false, false},
        {"literals and a directory", "x/all.pcap", false, true},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct name_template t;
        CHECK(rows[i].name, name_parse(&t, rows[i].template, "a.pcap", by_flow(), NULL));
        CHECK_EQ(rows[i].name, t.unique, rows[i].unique);
        CHECK_EQ(rows[i].name, t.has_dir, rows[i].has_dir);
    }
}

/* What unique promises, on flows that differ in number and port alone. */
static void test_unique_is_true(void **state)
{
    static const char *const templates[] = {
        (NAME_DEFAULT ".pcap"),
        "{n}",
        "{n}_{sport}",
        "{n:3}-{sport}.pcap",
        "{sport}_{n}",
        "{sport}-{n:2}.pcap",
        "{n}{sport}",
        "{sport}{n}",
        "{sport}_{n}_{dport}",
        "x{n}",
        "1{n}.pcap",
    };
    enum { N = 300 };
    (void)state;
    for (size_t i = 0; i < N_ROWS(templates); i++) {
        struct name_template t;
        static char names[N][128];
        assert_true(name_parse(&t, templates[i], "a.pcap", by_flow(), NULL));
        if (!t.unique)
            continue;
        for (unsigned k = 0; k < N; k++) {
            struct flow f = flow_of(TCP4);
            f.n = k + 1;
            f.key.a_port = (uint16_t)(k * 7 % 120);
            struct text out = text_on(names[k], sizeof names[k]);
            name_format(&t, &(struct name_subject){.f = &f, .first_ns = 0, .again = 0}, &out);
            (void)text_end(&out);
            for (unsigned j = 0; j < k; j++)
                CHECK(templates[i], strcmp(names[j], names[k]) != 0);
        }
    }
}

static void test_refusals(void **state)
{
    static const struct {
        const char *name;
        const char *template;
        const char *what;
    } rows[] = {
        {"empty", "", "1 to 200 bytes"},
        {"leads out", "../{n}", "begins with a dot"},
        {"leads out later", "{n}/../../x", "begins with a dot"},
        {"leads out at the end", "{n}/..", "begins with a dot"},
        {"itself", ".", "begins with a dot"},
        {"hidden", ".{n}.pcap", "begins with a dot"},
        {"hidden in a directory", "a/.{n}", "begins with a dot"},
        {"absolute", "/tmp/{n}", "empty path component"},
        {"two slashes", "a//{n}", "empty path component"},
        {"a slash at the end", "{n}/", "empty path component"},
        {"a newline", "a\n{n}", "control character"},
        {"an escape", "{n}\x1b[31m", "control character"},
        {"a delete", "{n}\x7f", "control character"},
        {"unknown field", "{colour}", "unknown field"},
        {"a beginning of one", "{sr}", "unknown field"},
        {"longer than one", "{srcs}", "unknown field"},
        {"capitals", "{N}", "unknown field"},
        {"no field", "{}", "unknown field"},
        {"a blank", "{ n}", "unknown field"},
        {"not closed", "{n", "unknown field"},
        {"not closed later", "{n}_{src", "unknown field"},
        {"a brace in a brace", "{{n}}", "unknown field"},
        {"stray brace", "a}b{n}", "stray }"},
        {"stray brace behind", "{n}}", "stray }"},
        {"width of nothing", "{n:}", "unknown field"},
        {"width 0", "{n:0}", "unknown field"},
        {"width 21", "{n:21}", "unknown field"},
        {"width of three digits", "{n:008}", "unknown field"},
        {"width that is no number", "{n:a}", "unknown field"},
        {"negative width", "{n:-1}", "unknown field"},
        {"width of another field", "{src:8}", "unknown field"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct name_template t;
        struct clv_error err = {0};
        CHECK(rows[i].name, !name_parse(&t, rows[i].template, "a.pcap", by_flow(), &err));
        CHECK_EQ(rows[i].name, err.code, CLV_ERR_OPTION);
        CHECK_STR(rows[i].name, err.subject, "name");
        CHECK_HAS(rows[i].name, err.what, rows[i].what);
        const bool field = strcmp(rows[i].what, "unknown field") == 0;
        CHECK_HAS(rows[i].name, err.hint, field ? "n:DIGITS" : "");
    }
}

static void test_limits(void **state)
{
    struct name_template t;
    char text[400];
    (void)state;
    memset(text, 'a', sizeof text);
    text[NAME_TEMPLATE_MAX] = '\0';
    CHECK("the longest", name_parse(&t, text, "a.pcap", by_flow(), NULL));
    text[NAME_TEMPLATE_MAX] = 'a';
    text[NAME_TEMPLATE_MAX + 1] = '\0';
    CHECK("one byte longer", !name_parse(&t, text, "a.pcap", by_flow(), NULL));
    for (unsigned parts = NAME_MAX_PARTS; parts <= NAME_MAX_PARTS + 1; parts++) {
        text[0] = '\0';
        for (unsigned i = 0; i < parts; i++)
            memcpy(text + 3 * (size_t)i, "{n}", 4);
        CHECK_EQ("parts", name_parse(&t, text, "a.pcap", by_flow(), NULL), parts == NAME_MAX_PARTS);
    }
}

static void test_input(void **state)
{
    static const struct {
        const char *name;
        const char *path;
        const char *want;
    } rows[] = {
        {"pcap", "/a/b/day3.pcap", "day3"},
        {"no directory", "day3.pcap", "day3"},
        {"pcapng", "day3.pcapng", "day3"},
        {"cap", "day3.cap", "day3"},
        {"dmp", "day3.dmp", "day3"},
        {"no ending", "/a.b/day3", "day3"},
        {"an unknown ending", "day3.txt", "day3.txt"},
        {"two endings", "day3.cap.pcap", "day3.cap"},
        {"gzip", "day3.pcap.gz", "day3"},
        {"zstd", "day3.pcapng.zst", "day3"},
        {"lz4", "day3.cap.lz4", "day3"},
        {"xz", "day3.pcap.xz", "day3"},
        {"bzip2", "day3.dmp.bz2", "day3"},
        {"compressed, no other ending", "day3.gz", "day3"},
        {"compressed before the ending", "day3.gz.pcap", "day3.gz"},
        {"standard input", "-", "stdin"},
        {"a file of that name", "./-", "_"},
        {"a dash", "./-dash.pcap", "_-dash"},
        {"an ending alone", "/a/.pcap", "_pcap"},
        {"hidden", "/a/.day3.pcap", "_day3"},
        {"dots", "...pcap", "__"},
        {"a dot at the end", "a..pcap", "a_"},
        {"a blank at the end", "a .pcap", "a_"},
        {"a rotation", "t.pcap10", "t.pcap10"},
        {"what NTFS does not take", "a:b?c*d\"e<f>g|h\\i.pcap", "a_b_c_d_e_f_g_h_i"},
        {"reserved", "CON.pcap", "_CON"},
        {"reserved, with an ending", "aux.1.pcap", "_aux.1"},
        {"reserved, with a blank", "nul .x.pcap", "_nul .x"},
        {"reserved, with a number", "lPt0.pcap", "_lPt0"},
        {"not reserved", "com.pcap", "com"},
        {"not reserved either", "com12.pcap", "com12"},
        {"nor this", "console.pcap", "console"},
        {"control characters", "a\nb\x7f.pcap", "a_b_"},
        {"UTF-8", "m\xc3\xa4rz.pcap", "m\xc3\xa4rz"},
        {"C1",
         "a\xc2\x9b"
         "b.pcap",
         "a_b"},
        {"right to left",
         "a\xe2\x80\xae"
         "b.pcap",
         "a_b"},
        {"a line separator",
         "a\xe2\x80\xa8"
         "b.pcap",
         "a_b"},
        {"a tag",
         "a\xf3\xa0\x80\xa0"
         "b.pcap",
         "a_b"},
        {"no-break space",
         "a\xc2\xa0"
         "b.pcap",
         "a\xc2\xa0"
         "b"},
        {"a formula", "=1+1.pcap", "_=1+1"},
        {"a formula of other programs", "@a.pcap", "_@a"},
        {"a flag", "-a.pcap", "_-a"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct name_template t;
        char buf[256];
        struct text out = text_on(buf, sizeof buf);
        const struct flow f = flow_of(TCP4);
        CHECK(rows[i].name, name_parse(&t, "{input}", rows[i].path, by_flow(), NULL));
        name_format(&t, &(struct name_subject){.f = &f, .first_ns = 0, .again = 0}, &out);
        CHECK_STR(rows[i].name, text_end(&out), rows[i].want);
    }
}

static void test_protocols(void **state)
{
    static const struct {
        uint8_t proto;
        const char *want;
    } rows[] = {
        {1, "icmp"},   {2, "igmp"},      {6, "tcp"},  {17, "udp"},   {33, "dccp"},
        {41, "ipv6"},  {47, "gre"},      {50, "esp"}, {58, "icmp6"}, {89, "ospf"},
        {132, "sctp"}, {136, "udplite"}, {0, NULL},   {7, NULL},     {255, NULL},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        char row[32];
        (void)snprintf(row, sizeof row, "protocol %u", rows[i].proto);
        CHECK_STR(row, name_of_proto(rows[i].proto), rows[i].want);
    }
}

UNIT(name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_ending), cmocka_unit_test(test_no_time),
        cmocka_unit_test(test_reserved),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_appended),     cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_unique),       cmocka_unit_test(test_unique_is_true),
        cmocka_unit_test(test_refusals),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_input),        cmocka_unit_test(test_protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
