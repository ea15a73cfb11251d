/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"

#include "sight/quote.h"

#define V4_ADDRS "0a000001 0a000002 "
#define V4(proto, len) "4500 " len " 0007 0000 40" proto " 0000 " V4_ADDRS
#define V6_ADDRS "20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002 "
#define V6(len, next) "6000 0000 " len " " next " 40 " V6_ADDRS
#define PORTS "c350 0035 "

static const struct {
    const char *name;
    uint8_t proto;
    const char *message;
    const char *want; /* as clv_tuple_text() has it; NULL: none */
    size_t least;     /* bytes that are needed for it */
} rows[] = {
    {"destination unreachable, UDP", CLV_PROTO_ICMP,
     "0303 0000 0000 0000 " V4("11", "0024") PORTS "0010 0000", "udp_10.0.0.1_50000_10.0.0.2_53",
     32},
    {"the ports alone", CLV_PROTO_ICMP, "0303 0000 0000 0000 " V4("11", "0024") PORTS,
     "udp_10.0.0.1_50000_10.0.0.2_53", 32},
    {"source quench, TCP", CLV_PROTO_ICMP, "0400 0000 0000 0000 " V4("06", "0028") PORTS "00000001",
     "tcp_10.0.0.1_50000_10.0.0.2_53", 32},
    {"redirect", CLV_PROTO_ICMP, "0501 0000 0a000003 " V4("11", "0024") PORTS "0010 0000",
     "udp_10.0.0.1_50000_10.0.0.2_53", 32},
    {"time exceeded, echo", CLV_PROTO_ICMP,
     "0b00 0000 0000 0000 " V4("01", "0024") "0800 0000 0001 0001", "icmp_10.0.0.1_10.0.0.2", 28},
    {"parameter problem, SCTP", CLV_PROTO_ICMP,
     "0c00 0000 1400 0000 " V4("84", "0028") PORTS "00000001", "sctp_10.0.0.1_50000_10.0.0.2_53",
     32},
    {"options in the quote", CLV_PROTO_ICMP,
     "0303 0000 0000 0000 4600 0028 0007 0000 4011 0000 " V4_ADDRS "94040000 " PORTS "0010 0000",
     "udp_10.0.0.1_50000_10.0.0.2_53", 36},
    {"a length that is none", CLV_PROTO_ICMP, "0b00 0000 0005 0000 " V4("11", "0200") PORTS,
     "udp_10.0.0.1_50000_10.0.0.2_53", 32},
    {"a length where none is", CLV_PROTO_ICMP, "0401 0000 0020 0000 " V4("11", "0200") PORTS,
     "udp_10.0.0.1_50000_10.0.0.2_53", 32},
    {"a length beyond the message", CLV_PROTO_ICMP, "0300 0000 00ff 0000 " V4("11", "0024") PORTS,
     "udp_10.0.0.1_50000_10.0.0.2_53", 32},
    {"ESP", CLV_PROTO_ICMP, "0302 0000 0000 0000 " V4("32", "0024") "00000001 00000001",
     "esp_10.0.0.1_10.0.0.2", 28},
    {"within GRE", CLV_PROTO_ICMP,
     "0b00 0000 0000 0000 " V4("2f", "0038") "0000 0800 " V4("11", "0024") PORTS,
     "gre_10.0.0.1_10.0.0.2", 28},
    {"a length still to be filled in", CLV_PROTO_ICMP,
     "0303 0000 0000 0000 " V4("11", "0000") PORTS, "udp_10.0.0.1_50000_10.0.0.2_53", 32},
    {"ICMPv6: destination unreachable", CLV_PROTO_ICMPV6,
     "0104 0000 0000 0000 " V6("0010", "11") PORTS "0010 0000",
     "udp_2001-db8--1_50000_2001-db8--2_53", 52},
    {"ICMPv6: packet too big", CLV_PROTO_ICMPV6, "0200 0000 00000500 " V6("0600", "06") PORTS,
     "tcp_2001-db8--1_50000_2001-db8--2_53", 52},
    {"ICMPv6: time exceeded, behind a header", CLV_PROTO_ICMPV6,
     "0300 0000 0000 0000 " V6("0010", "00") "1100 0104 00000000 " PORTS "0010 0000",
     "udp_2001-db8--1_50000_2001-db8--2_53", 60},
    {"ICMPv6: parameter problem, echo", CLV_PROTO_ICMPV6,
     "0401 0000 00000028 " V6("0008", "3a") "8000 0000 0001 0001", "icmp6_2001-db8--1_2001-db8--2",
     48},
    {"echo", CLV_PROTO_ICMP, "0800 0000 0001 0001 " V4("11", "0024") PORTS "0010 0000", NULL, 0},
    {"ICMPv6: echo", CLV_PROTO_ICMPV6, "8000 0000 0001 0001 " V6("0008", "11") PORTS, NULL, 0},
    {"ICMPv6: type of ICMP's", CLV_PROTO_ICMPV6, "0b00 0000 0000 0000 " V6("0008", "11") PORTS,
     NULL, 0},
    {"ICMP that quotes IPv6", CLV_PROTO_ICMP, "0303 0000 0000 0000 " V6("0008", "11") PORTS, NULL,
     0},
    {"ICMPv6 that quotes IPv4", CLV_PROTO_ICMPV6, "0104 0000 0000 0000 " V4("11", "0024") PORTS,
     NULL, 0},
    {"no quote", CLV_PROTO_ICMP, "0303 0000 0000 0000", NULL, 0},
    {"nothing", CLV_PROTO_ICMP, "", NULL, 0},
    {"the quote says that it has no ports", CLV_PROTO_ICMP,
     "0303 0000 0000 0000 " V4("11", "0014") PORTS, NULL, 0},
    {"the quote is shorter than its header", CLV_PROTO_ICMP,
     "0303 0000 0000 0000 " V4("11", "0013") PORTS, NULL, 0},
    {"a header of the quote that is too short", CLV_PROTO_ICMP,
     "0303 0000 0000 0000 4400 0024 0007 0000 4011 0000 " V4_ADDRS PORTS, NULL, 0},
};

static bool quote(const struct bytes *b, size_t n, uint8_t proto, struct clv_tuple *t,
                  struct decode_fragment *f)
{
    uint8_t *const block = tight_copy(b->p, n);
    memset(t, 0xa5, sizeof *t);
    memset(f, 0xa5, sizeof *f);
    const bool quotes = sight_quote((struct clv_span){block, n}, proto, t, f);
    free(block);
    return quotes;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes b = {0};
        put_hex(&b, rows[i].message);
        /* Cut short at each byte: as soon as the ports are there. */
        for (size_t n = 0; n <= b.len; n++) {
            struct clv_tuple t;
            struct decode_fragment f;
            char text[CLV_TUPLE_TEXT];
            CHECK_EQ(rows[i].name, quote(&b, n, rows[i].proto, &t, &f),
                     rows[i].want && n >= rows[i].least);
            if (!rows[i].want || n < rows[i].least)
                continue;
            CHECK_EQ(rows[i].name, f.family, 0);
            (void)clv_tuple_text(&t, text, sizeof text);
            CHECK_STR(rows[i].name, text, rows[i].want);
        }
        bytes_free(&b);
    }
}

static void test_fragments(void **state)
{
    struct bytes b = {0};
    struct clv_tuple t;
    struct decode_fragment f;
    (void)state;
    /* Fragment reassembly time exceeded: code 1 quotes the first one (RFC 792), which has ports. */
    put_hex(&b, "0b01 0000 0000 0000 4500 05dc 0007 2000 4011 0000 " V4_ADDRS PORTS "1000 0000");
    assert_true(quote(&b, b.len, CLV_PROTO_ICMP, &t, &f));
    assert_int_equal(t.flags, CLV_TUPLE_PORTS);
    assert_int_equal(f.id, 7);
    assert_true(f.more);
    bytes_free(&b);
    /* Fragmentation needed, and another router's packet was a later one. */
    put_hex(&b,
            "0304 0000 0000 0500 4500 05dc 0007 20b9 4011 0000 " V4_ADDRS "0102 0304 0506 0708");
    for (size_t n = 28; n <= b.len; n++) {
        assert_true(quote(&b, n, CLV_PROTO_ICMP, &t, &f));
        assert_int_equal(t.flags, CLV_TUPLE_FRAGMENT);
        assert_int_equal(t.sport, 0);
        assert_int_equal(f.offset, 1480);
        assert_int_equal(f.proto, CLV_PROTO_UDP);
        assert_int_equal(f.family, 4);
    }
    bytes_free(&b);
    put_hex(&b, "0301 0000 0000 0000 " V6("0030", "2c") "11 00 0008 00000009 0102 0304");
    assert_true(quote(&b, b.len, CLV_PROTO_ICMPV6, &t, &f));
    assert_int_equal(t.flags, CLV_TUPLE_FRAGMENT);
    assert_int_equal(t.proto, CLV_PROTO_UDP);
    assert_int_equal(f.id, 9);
    assert_int_equal(f.offset, 8);
    bytes_free(&b);
}

/* An extension header of the quote ends where those of ICMP begin, or before the ports do. */
static void test_extensions(void **state)
{
    (void)state;
    for (size_t longer = 0; longer < 2; longer++) {
        struct bytes b = {0};
        struct clv_tuple t;
        struct decode_fragment f;
        put_hex(&b, "0300 0000 1000 0000 " V6("0200", "00"));
        put_hex(&b, longer ? "11 0a 0104" : "11 09 0104");
        put_fill(&b, 0, longer ? 84 : 76);
        put_hex(&b, longer ? "2000 0000 0008 0101 00010140" : PORTS "0010 0000 2000 0000");
        assert_int_equal(quote(&b, b.len, CLV_PROTO_ICMPV6, &t, &f), !longer);
        bytes_free(&b);
    }
}

UNIT(quote)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
