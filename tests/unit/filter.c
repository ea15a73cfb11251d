/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scan/filter.h"

enum { ETHERNET = 1, SECOND = 1000000000 };

/* A packet of TCP from 10.1.2.3:40000 to 192.0.2.80:443, or what a row makes of it. */
static struct flow_origin origin_of(uint8_t family, const char *src, const char *dst, uint8_t proto,
                                    uint16_t sport, uint16_t dport, int vlan)
{
    struct flow_origin o = {.tuple = {.family = family,
                                      .proto = proto,
                                      .sport = sport,
                                      .dport = dport,
                                      .flags = sport || dport ? CLV_TUPLE_PORTS : 0}};
    if (family) {
        assert_int_equal(inet_pton(family == 4 ? AF_INET : AF_INET6, src, o.tuple.src), 1);
        assert_int_equal(inet_pton(family == 4 ? AF_INET : AF_INET6, dst, o.tuple.dst), 1);
    }
    if (vlan >= 0) {
        o.path.n_vlans = 2;
        o.path.vlan[0] = (uint16_t)vlan;
        o.path.vlan[1] = 4095;
    }
    return o;
}

static void test_origin(void **state)
{
    const struct flow_origin tcp =
        origin_of(4, "10.1.2.3", "192.0.2.80", CLV_PROTO_TCP, 40000, 443, -1);
    const struct flow_origin tagged =
        origin_of(4, "10.1.2.3", "192.0.2.80", CLV_PROTO_TCP, 40000, 443, 10);
    const struct flow_origin six =
        origin_of(6, "2001:db8::1", "fe80::2", CLV_PROTO_UDP, 53, 5353, -1);
    const struct flow_origin icmp = origin_of(4, "10.1.2.3", "10.1.2.4", CLV_PROTO_ICMP, 0, 0, -1);
    const struct flow_origin none = origin_of(0, NULL, NULL, 0, 0, 0, -1);
    const struct {
        const char *name;
        struct clv_split_params params;
        const struct flow_origin *o;
        bool takes;
    } rows[] = {
        {"nothing is asked", {.host = NULL}, &none, true},
        {"source", {.host = "10.1.2.3"}, &tcp, true},
        {"destination", {.host = "192.0.2.80"}, &tcp, true},
        {"another host", {.host = "10.1.2.4"}, &tcp, false},
        {"the second of a list", {.host = "10.1.2.4,192.0.2.80"}, &tcp, true},
        {"prefix", {.host = "10.0.0.0/8"}, &tcp, true},
        {"prefix with bits behind it", {.host = "10.255.255.255/8"}, &tcp, true},
        {"prefix within a byte", {.host = "10.1.2.0/30"}, &tcp, true},
        {"prefix within a byte, beside it", {.host = "10.1.2.4/30"}, &tcp, false},
        {"prefix of all", {.host = "0.0.0.0/0"}, &tcp, true},
        {"prefix of all IPv4", {.host = "0.0.0.0/0"}, &six, false},
        {"prefix of all IPv6", {.host = "::/0"}, &six, true},
        {"prefix of all IPv6, of IPv4", {.host = "::/0"}, &tcp, false},
        {"IPv6", {.host = "2001:db8::1"}, &six, true},
        {"IPv6 prefix", {.host = "fe80::/10"}, &six, true},
        {"host, without an address", {.host = "0.0.0.0/0,::/0"}, &none, false},
        {"port", {.port = "443"}, &tcp, true},
        {"service", {.port = "1,HTTPS"}, &tcp, true},
        {"another service", {.port = "http"}, &tcp, false},
        {"source port", {.port = "40000"}, &tcp, true},
        {"another port", {.port = "442,444"}, &tcp, false},
        {"range", {.port = "1,400-500"}, &tcp, true},
        {"range up to", {.port = "400-443"}, &tcp, true},
        {"range from", {.port = "443-500"}, &tcp, true},
        {"range before", {.port = "0-442"}, &tcp, false},
        {"all ports", {.port = "0-65535"}, &tcp, true},
        {"all ports, without any", {.port = "0-65535"}, &icmp, false},
        {"protocol", {.proto = "tcp"}, &tcp, true},
        {"protocol, capitals", {.proto = "TCP"}, &tcp, true},
        {"protocol by number", {.proto = "6"}, &tcp, true},
        {"protocol by another name", {.proto = "icmpv6,ipv6-icmp"}, &tcp, false},
        {"another protocol", {.proto = "udp,icmp"}, &tcp, false},
        {"protocol, without an address", {.proto = "0-255"}, &none, false},
        {"VLAN", {.vlan = "10"}, &tagged, true},
        {"inner VLAN", {.vlan = "4095"}, &tagged, true},
        {"another VLAN", {.vlan = "0-9,11-4094"}, &tagged, false},
        {"VLAN, untagged", {.vlan = "0-4095"}, &tcp, false},
        {"VLAN, host and port", {.vlan = "10", .host = "10.1.2.3", .port = "443"}, &tagged, true},
        {"port of another host", {.host = "10.9.9.9", .port = "443"}, &tagged, false},
        {"host, other port", {.host = "10.1.2.3", .port = "80"}, &tagged, false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct filter f;
        CHECK(rows[i].name, filter_init(&f, &rows[i].params, NULL));
        CHECK_EQ(rows[i].name, filter_any(&f), i > 0);
        CHECK_EQ(rows[i].name, filter_by_tuple(&f), i > 0);
        CHECK_EQ(rows[i].name, filter_origin(&f, rows[i].o), rows[i].takes);
        filter_fini(&f);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        const char *name;
        struct clv_split_params params;
        const char *what;
    } rows[] = {
        {"no host", {.host = ""}, "invalid value \"\""},
        {"no second host", {.host = "10.0.0.1,"}, "invalid value \"\""},
        {"name", {.host = "localhost"}, "invalid value \"localhost\""},
        {"prefix too long", {.host = "10.0.0.0/33"}, "invalid value \"10.0.0.0/33\""},
        {"IPv6 prefix too long", {.host = "::/129"}, "invalid value \"::/129\""},
        {"no prefix", {.host = "10.0.0.0/"}, "invalid value \"10.0.0.0/\""},
        {"more than a prefix", {.host = "10.0.0.0/8x"}, "invalid value \"10.0.0.0/8x\""},
        {"port too large", {.port = "65536"}, "invalid value \"65536\""},
        {"port far too large", {.port = "4294967376"}, "invalid value \"4294967376\""},
        {"range backwards", {.port = "2-1"}, "invalid value \"2-1\""},
        {"half a range", {.port = "1-"}, "invalid value \"1-\""},
        {"sign", {.port = "-1"}, "invalid value \"-1\""},
        {"blank", {.port = "80, 443"}, "invalid value \" 443\""},
        {"VLAN too large", {.vlan = "4096"}, "invalid value \"4096\""},
        {"protocol too large", {.proto = "256"}, "invalid value \"256\""},
        {"no such protocol", {.proto = "tcp6"}, "invalid value \"tcp6\""},
        {"a word of 70 bytes",
         {.host = "1111111111222222222233333333334444444444555555555566666666667777777777"},
         "invalid value \"111111111122222222223333333333444444444455555555556666666666\""},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct filter f;
        struct clv_error err;
        CHECK(rows[i].name, !filter_init(&f, &rows[i].params, &err));
        CHECK_EQ(rows[i].name, err.code, CLV_ERR_OPTION);
        CHECK_STR(rows[i].name, err.what, rows[i].what);
        filter_fini(&f);
    }
}

static void test_record(void **state)
{
    static const uint8_t arp[60] = {[12] = 0x08, [13] = 0x06};
    static const struct {
        const char *name;
        struct clv_split_params params;
        int64_t ts_ns;
        bool takes;
    } rows[] = {
        {"nothing is asked", {.filter = NULL}, 0, true},
        {"after: at it", {.has_after = true, .after_ns = SECOND}, SECOND, true},
        {"after: before it", {.has_after = true, .after_ns = SECOND}, SECOND - 1, false},
        {"after 1970", {.has_after = true}, -1, false},
        {"before: at it", {.has_before = true, .before_ns = SECOND}, SECOND, false},
        {"before: before it", {.has_before = true, .before_ns = SECOND}, SECOND - 1, true},
        {"after, without a time", {.has_after = true}, WALK_NO_TIME, false},
        {"before, without a time", {.has_before = true}, WALK_NO_TIME, false},
        {"between",
         {.has_after = true, .after_ns = 1, .has_before = true, .before_ns = 3},
         2,
         true},
        {"expression", {.filter = "arp"}, 0, true},
        {"expression that does not hold", {.filter = "ip"}, 0, false},
        {"length on the wire", {.filter = "len == 80"}, 0, true},
        {"expression and time", {.filter = "arp", .has_after = true, .after_ns = 1}, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct filter f;
        const struct walk_record rec = {
            .ts_ns = rows[i].ts_ns, .caplen = sizeof arp, .origlen = 80, .data = arp};
        CHECK(rows[i].name, filter_init(&f, &rows[i].params, NULL));
        CHECK(rows[i].name, filter_compile(&f, 0, ETHERNET, false, NULL));
        CHECK(rows[i].name, filter_compile(&f, 0, ETHERNET, false, NULL)); /* already is */
        CHECK_EQ(rows[i].name, filter_any(&f), i > 0);
        CHECK(rows[i].name, !filter_by_tuple(&f));
        CHECK_EQ(rows[i].name, filter_record(&f, 0, false, &rec), rows[i].takes);
        filter_fini(&f);
    }
}

static void test_expression_refused(void **state)
{
    const struct clv_split_params params = {.filter = "no such thing"};
    struct filter f;
    struct clv_error err;
    (void)state;
    assert_true(filter_init(&f, &params, &err)); /* said when it is compiled */
    assert_false(filter_compile(&f, 0, ETHERNET, false, &err));
    assert_int_equal(err.code, CLV_ERR_OPTION);
    assert_false(filter_compile(&f, DIALECT_KINDS, ETHERNET, false, &err));
    CHECK_HAS("kinds", err.what, "link types");
    filter_fini(&f);
}

static unsigned n_forks;
static bool dies; /* what is forked, at once */

static void count_fork(void)
{
    n_forks++;
}

static void die(void)
{
    if (dies)
        _exit(EXIT_FAILURE);
}

static int begin_counting(void **state)
{
    (void)state;
    return pthread_atfork(NULL, count_fork, die);
}

static void check_no_child(const char *name)
{
    CHECK(name, waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

/* It is forked in filter_init(), before there are threads, and compiles all there is. */
static void test_one_process(void **state)
{
    static const uint16_t linktypes[] = {ETHERNET, 0, 9, 12, 101, 105, 113, 127, 228, 229, 276};
    const struct clv_split_params params = {.filter = "len > 60"}, none = {.port = "80"};
    struct filter f;
    (void)state;
    n_forks = 0;
    assert_true(filter_init(&f, &none, NULL));
    assert_true(filter_compile(&f, 0, ETHERNET, false, NULL));
    filter_fini(&f);
    assert_int_equal(n_forks, 0);
    assert_true(filter_init(&f, &params, NULL));
    assert_int_equal(n_forks, 1);
    for (unsigned again = 0; again < 2; again++)
        for (unsigned i = 0; i < N_ROWS(linktypes); i++) {
            struct clv_error err;
            assert_true(filter_compile(&f, i, linktypes[i], i % 2, NULL));
            assert_true(filter_compile(&f, 0, linktypes[i], false, NULL)); /* another one's place */
            assert_false(filter_compile(&f, 1, 65535, false, &err));
            assert_int_equal(err.code, CLV_ERR_OPTION);
        }
    assert_int_equal(n_forks, 1);
    filter_fini(&f);
    check_no_child("ended");
}

/* Neither keeps the other alive, nor holds what it inherited open. */
static void test_two_at_a_time(void **state)
{
    const struct clv_split_params params = {.filter = "arp"};
    struct filter f[2];
    int ends[2];
    char c;
    (void)state;
    for (unsigned first = 0; first < 2; first++) {
        assert_int_equal(pipe(ends), 0);
        for (unsigned i = 0; i < 2; i++)
            assert_true(filter_init(&f[i], &params, NULL));
        for (unsigned i = 0; i < 2; i++)
            assert_true(filter_compile(&f[i], 0, ETHERNET, false, NULL));
        assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
        assert_int_equal(close(ends[1]), 0);
        assert_int_equal(read(ends[0], &c, 1), 0);
        assert_int_equal(close(ends[0]), 0);
        filter_fini(&f[first]);
        assert_true(filter_compile(&f[!first], 1, ETHERNET, true, NULL));
        filter_fini(&f[!first]);
        check_no_child("both ended");
    }
}

/* As if it had no memory: an error, and no SIGPIPE. */
static void test_process_lost(void **state)
{
    const struct clv_split_params params = {.filter = "arp"};
    struct filter f;
    struct clv_error err;
    (void)state;
    dies = true;
    assert_true(filter_init(&f, &params, NULL));
    dies = false;
    for (unsigned i = 0; i < 2; i++) {
        assert_false(filter_compile(&f, i, ETHERNET, false, &err));
        assert_int_equal(err.code, CLV_ERR_NOMEM);
        check_no_child("lost");
    }
    filter_fini(&f);
}

UNIT(filter)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origin),       cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_record),       cmocka_unit_test(test_expression_refused),
        cmocka_unit_test(test_one_process),  cmocka_unit_test(test_two_at_a_time),
        cmocka_unit_test(test_process_lost),
    };
    return cmocka_run_group_tests(tests, begin_counting, NULL);
}
