/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"

#include "cleave/capture.h"
#include "cleave/generate.h"
#include "cleave/packet.h"
#include "cleave/split.h"
#include "config.h"

enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, SCTP = 132 };

static struct clv_tuple parsed(const char *text)
{
    struct clv_tuple t;
    struct clv_error err = {.what = ""};
    const bool ok = clv_tuple_parse(text, &t, &err);
    CHECK_STR(text, err.what, "");
    CHECK(text, ok);
    return t;
}

static struct clv_tuple turned(const struct clv_tuple *t)
{
    struct clv_tuple back = *t;
    memcpy(back.src, t->dst, sizeof back.src);
    memcpy(back.dst, t->src, sizeof back.dst);
    back.sport = t->dport;
    back.dport = t->sport;
    return back;
}

static void test_text(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: the same */
    } rows[] = {
        {"tcp_10.0.0.1_50000_10.0.0.2_80", NULL},
        {"udp_0.0.0.0_0_255.255.255.255_65535", NULL},
        {"icmp_10.0.0.1_10.0.0.2", NULL},
        {"tcp_10.0.0.1_10.0.0.2", NULL}, /* a later fragment */
        {"udp_2001-db8--1_53_--_5353", NULL},
        {"udp_2001:db8::1_53_::_5353", "udp_2001-db8--1_53_--_5353"},
        {"UDP_::1_53_::2_5353", "udp_--1_53_--2_5353"},
        {"ip-253_10.0.0.1_10.0.0.2", NULL},
        {"6_10.0.0.1_1_10.0.0.2_2", "tcp_10.0.0.1_1_10.0.0.2_2"},
        {"ip-6_10.0.0.1_1_10.0.0.2_2", "tcp_10.0.0.1_1_10.0.0.2_2"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *want = rows[i].want ? rows[i].want : rows[i].text;
        const struct clv_tuple t = parsed(rows[i].text);
        char text[CLV_TUPLE_TEXT];
        CHECK_EQ(rows[i].text, clv_tuple_text(&t, text, sizeof text), strlen(want));
        CHECK_STR(rows[i].text, text, want);
        for (size_t len = 0; len <= strlen(want); len++) {
            memset(text, 'x', sizeof text);
            CHECK_EQ(rows[i].text, clv_tuple_text(&t, text, len), 0);
            CHECK(rows[i].text, len == 0 || text[0] == '\0');
        }
    }
    const struct clv_tuple other = {.family = 0};
    struct clv_tuple longest = {.family = 6, .proto = 255, .flags = CLV_TUPLE_PORTS};
    char text[CLV_TUPLE_TEXT];
    assert_int_equal(clv_tuple_text(&other, text, sizeof text), 5);
    assert_string_equal(text, "other");
    memset(longest.src, 0xff, 16);
    memset(longest.dst, 0xff, 16);
    longest.sport = longest.dport = 65535;
    assert_true(clv_tuple_text(&longest, text, sizeof text) > 0);
}

static const char words[] = "needs a protocol and two addresses, both with a port or both without";

static void test_text_refused(void **state)
{
    static const struct {
        const char *text, *what;
    } rows[] = {
        {"", words},
        {"other", words},
        {"tcp_10.0.0.1", words},
        {"tcp_10.0.0.1_1_10.0.0.2", words},
        {"tcp_10.0.0.1_1_10.0.0.2_2_3", "more than five words"},
        {"tpc_10.0.0.1_1_10.0.0.2_2", "unknown protocol"},
        {"256_10.0.0.1_1_10.0.0.2_2", "unknown protocol"},
        {"ip--1_10.0.0.1_1_10.0.0.2_2", "unknown protocol"},
        {"tcp_10.0.0.1_1_::2_2", "not two addresses of the same family"},
        {"tcp_::2_1_10.0.0.1_2", "not two addresses of the same family"},
        {"tcp_10.0.0_1_10.0.0.2_2", "not two addresses of the same family"},
        {"tcp_10.0.0.1_65536_10.0.0.2_2", "a port is a number up to 65535"},
        {"tcp_10.0.0.1_+1_10.0.0.2_2", "a port is a number up to 65535"},
        {"tcp_10.0.0.1__10.0.0.2_2", "a port is a number up to 65535"},
        {"tcp_10.0.0.1_1_10.0.0.2_2x", "a port is a number up to 65535"},
        {"tcp_10.0.0.1_1_10.0.0.2_2_____________________________________________________________"
         "________________________________________________",
         "too long"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct clv_tuple t, before;
        struct clv_error err = {0};
        memset(&t, 0xa5, sizeof t);
        before = t;
        CHECK(rows[i].text, !clv_tuple_parse(rows[i].text, &t, &err));
        CHECK_EQ(rows[i].text, err.code, CLV_ERR_ARG);
        CHECK_HAS(rows[i].text, err.what, rows[i].what);
        CHECK_STR(rows[i].text, err.hint, "such as tcp_10.0.0.1_50000_10.0.0.2_80");
        CHECK_MEM(rows[i].text, &t, &before, sizeof t);
        CHECK(rows[i].text, !clv_tuple_parse(rows[i].text, &t, NULL));
    }
}

/* In rising order, each a tuple in canonical order. */
static const char *const ordered[] = {
    "tcp_1.0.0.0_1_2.0.0.0_1",   "tcp_10.0.0.1_1_10.0.0.2_1", "udp_10.0.0.1_1_10.0.0.2_1",
    "tcp_10.0.0.1_1_10.0.0.2_2", "tcp_10.0.0.1_2_10.0.0.2_1", "tcp_10.0.0.1_256_10.0.0.2_1",
    "tcp_10.0.0.2_1_10.0.0.2_2", "tcp_--1_1_--2_1",           "tcp_--1_1_1--_1",
};

static void test_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(ordered); i++) {
        const struct clv_tuple t = parsed(ordered[i]);
        struct clv_tuple same = t, back = turned(&t);
        CHECK(ordered[i], !clv_tuple_order(&same));
        CHECK_MEM(ordered[i], &same, &t, sizeof t);
        CHECK(ordered[i], clv_tuple_compare(&t, &back) != 0);
        CHECK_EQ(ordered[i], clv_tuple_hash(&t), clv_tuple_hash(&back));
        CHECK(ordered[i], clv_tuple_order(&back));
        CHECK_MEM(ordered[i], &back, &t, sizeof t);
        for (size_t k = 0; k < N_ROWS(ordered); k++) {
            const struct clv_tuple other = parsed(ordered[k]);
            const int c = clv_tuple_compare(&t, &other);
            CHECK_EQ(ordered[i], (c > 0) - (c < 0), (i > k) - (i < k));
            CHECK_EQ(ordered[i], clv_tuple_hash(&t) == clv_tuple_hash(&other), i == k);
        }
    }
    struct clv_tuple t = parsed(ordered[0]), flagged = t;
    flagged.flags |= CLV_TUPLE_FRAGMENT | CLV_TUPLE_SHORT;
    flagged.tcp_flags = 0xff;
    assert_int_equal(clv_tuple_compare(&t, &flagged), 0);
    assert_true(clv_tuple_hash(&t) == clv_tuple_hash(&flagged));
    flagged.flags = 0;
    assert_true(clv_tuple_compare(&t, &flagged) > 0);
}

/* The same in every version and on every machine: these numbers never change. */
static void test_hash(void **state)
{
    static const struct {
        const char *text;
        uint64_t hash;
        uint32_t flow, hostpair; /* of 1000 shards */
    } rows[] = {
        {"tcp_10.0.0.1_50000_10.0.0.2_80", UINT64_C(0x0b6584597f0d380e), 44, 757},
        {"udp_2001-db8--1_53_2001-db8--2_5353", UINT64_C(0xeab758c5c982f15e), 916, 627},
        {"icmp_10.0.0.1_10.0.0.2", UINT64_C(0x0ce2426150a8f8ad), 50, 757},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct clv_tuple t = parsed(rows[i].text), back = turned(&t);
        CHECK_EQ(rows[i].text, clv_tuple_hash(&t), rows[i].hash);
        CHECK_EQ(rows[i].text, clv_shard(&t, 0, 1000), rows[i].flow);
        CHECK_EQ(rows[i].text, clv_shard(&back, 7, 1000), rows[i].flow);
        CHECK_EQ(rows[i].text, (clv_tuple_hash(&t) >> 32) * 1000 >> 32, rows[i].flow);
        CHECK_EQ(rows[i].text, clv_shard(&back, CLV_FIELD_IP, 1000), rows[i].hostpair);
        CHECK_EQ(rows[i].text, clv_shard(&t, 0, 1), 0);
        CHECK_EQ(rows[i].text, clv_shard(&t, 0, 0), CLV_NO_SHARD);
    }
    const struct clv_tuple other = {.family = 0};
    assert_int_equal(clv_shard(&other, 0, 7), CLV_NO_SHARD);
}

enum { SHARDS = 7 };

/* Every packet of every shard belongs there. Returns how many there are. */
static uint64_t check_shards(struct temp *t, const char *dir, unsigned fields)
{
    uint64_t n = 0;
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        char name[64];
        struct clv_capture *c;
        struct clv_record rec;
        struct clv_error err;
        enum clv_walk step;
        (void)snprintf(name, sizeof name, "%s/shard_%03u.pcap", dir, shard);
        CHECK(name, clv_capture_open(&c, temp_path(t, name), &err));
        while ((step = clv_capture_next(c, &rec, &err)) == CLV_RECORD) {
            struct clv_tuple tuple;
            CHECK(name, clv_packet_tuple(rec.linktype, rec.data, rec.caplen, &tuple));
            CHECK_EQ(name, clv_shard(&tuple, fields, SHARDS), shard);
            n++;
        }
        CHECK_EQ(name, step, CLV_END);
        clv_capture_close(&c);
    }
    return n;
}

static void test_shards_of_split(void **state)
{
    static const struct {
        const char *by;
        unsigned fields;
    } rows[] = {
        {"flow", 0},
        {"hostpair", CLV_FIELD_IP},
        {"3tuple", CLV_FIELD_IP | CLV_FIELD_PROTO},
        {"ip,port", CLV_FIELD_IP | CLV_FIELD_PORT},
        {"port", CLV_FIELD_PORT},
        {"proto,port", CLV_FIELD_PROTO | CLV_FIELD_PORT},
    };
    const struct clv_traffic_params traffic = {
        .flows = 500, .packets = 3000, .ipv6 = 30, .udp = 40, .other = 2};
    struct temp t;
    struct clv_error err = {.what = ""};
    char capture[512];
    (void)state;
    temp_make(&t);
    (void)snprintf(capture, sizeof capture, "%s", temp_path(&t, "a.pcap"));
    CHECK("traffic", clv_generate_traffic(capture, &traffic, NULL, NULL, &err));
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *const inputs[] = {capture};
        char output[512];
        struct clv_split_result result;
        (void)snprintf(output, sizeof output, "%s", temp_path(&t, rows[i].by));
        const struct clv_split_params params = {
            .inputs = inputs,
            .n_inputs = 1,
            .output = output,
            .by = rows[i].by,
            .shards = SHARDS,
        };
        const bool ok = clv_split(&params, &result, &err);
        CHECK_STR(rows[i].by, err.what, "");
        CHECK(rows[i].by, ok);
        CHECK(rows[i].by, result.records_read > 1000);
        CHECK_EQ(rows[i].by, check_shards(&t, rows[i].by, rows[i].fields),
                 result.records_read - result.other);
    }
    temp_remove(&t);
}

/* The first ones are examples of the specification and of its reference implementations. */
static void test_community(void **state)
{
    static const uint8_t echo[2] = {8, 0}, reply[2] = {0, 0}, time_exceeded[2] = {11, 0};
    static const struct {
        const char *text;
        const uint8_t *icmp;
        uint16_t seed;
        const char *id; /* NULL: none */
    } rows[] = {
        {"tcp_128.232.110.120_34855_66.35.250.204_80", NULL, 0, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
        {"tcp_66.35.250.204_80_128.232.110.120_34855", NULL, 0, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
        {"tcp_128.232.110.120_34855_66.35.250.204_80", NULL, 1, "1:3V71V58M3Ksw/yuFALMcW0LAHvc="},
        {"udp_192.168.1.52_54585_8.8.8.8_53", NULL, 0, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
        {"icmp_192.168.0.89_192.168.0.1", echo, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
        {"icmp_192.168.0.1_192.168.0.89", reply, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
        {"icmp_192.168.0.89_192.168.0.1", time_exceeded, 0, "1:"},
        {"icmp_192.168.0.89_192.168.0.1", NULL, 0, NULL},
        {"tcp_192.168.0.89_192.168.0.1", NULL, 0, NULL},
        {"esp_192.168.0.89_192.168.0.1", NULL, 0, "1:"},
    };
    char id[CLV_COMMUNITY_ID];
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct clv_tuple t = parsed(rows[i].text);
        memset(id, 'x', sizeof id);
        CHECK_EQ(rows[i].text, clv_community_id(&t, rows[i].icmp, rows[i].seed, id),
                 HAVE_NETTLE && rows[i].id);
        if (!HAVE_NETTLE || !rows[i].id)
            CHECK_STR(rows[i].text, id, "");
        else if (strlen(rows[i].id) > 2)
            CHECK_STR(rows[i].text, id, rows[i].id);
        else
            CHECK_EQ(rows[i].text, strlen(id), CLV_COMMUNITY_ID - 1);
    }
    const struct clv_tuple other = {.family = 0};
    assert_false(clv_community_id(&other, NULL, 0, id));
    assert_string_equal(id, "");
}

UNIT(tuple)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),      cmocka_unit_test(test_text_refused),
        cmocka_unit_test(test_order),     cmocka_unit_test(test_hash),
        cmocka_unit_test(test_community), cmocka_unit_test(test_shards_of_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
