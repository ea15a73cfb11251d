/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "verify/lookup.h"

static const struct {
    const char *expression, *word; /* NULL: nothing is looked up */
} rows[] = {
    {"", NULL},
    {"tcp", NULL},
    {"tcp port 80 or udp portrange 6000-6008", NULL},
    {"host 10.0.0.1 and net 10/8 or net 10.1 or src net 192.168.0.0 mask 255.255.0.0", NULL},
    {"ip6 host 2001:db8::1 or ::1 or fe80::abcd or ::ffff:10.0.0.1", NULL},
    {"ether host 00:11:22:aa:bb:cc or ether dst de-ad-be-ef-00-11 or ether src dead.beef.cafe",
     NULL},
    {"ether host deadbeefcafe", NULL},
    {"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and tcp[12:1] > 0x50 && !icmp", NULL},
    {"ether[6:4] = 0xffffffff or len <= 100 or ip[2:2]-((ip[0]&0xf)<<2) != 0", NULL},
    {"port http or https and not port domain", NULL},
    {"ip proto \\tcp or ip6 protochain 6 or proto ospf", NULL},
    {"wlan type mgt subtype beacon or type data", NULL},
    {"vlan 5 and mpls 7 or pppoes or geneve 3", NULL},
    {"icmp6[icmp6type] == icmp6-echo", NULL},
    {"host example.org", "example.org"},
    {"host localhost", "localhost"},
    {"not localhost", "localhost"},
    {"port http and host gw", "gw"},
    {"port http and dst gw", "gw"},
    {"port http and tcp and gw", "gw"},
    {"port http or www.example.org", "www.example.org"},
    {"port example.org", "example.org"},
    {"ether host printer", "printer"},
    {"net intern or gateway x", "intern"},
    {"src cafe", "cafe"},
    {"src 3.cafe", "3.cafe"},
    {"3com", "3com"},
    {"host face:1", "face:1"},
    {"1.2.3.4.5", "1.2.3.4.5"},
    {"dead.beef", "dead.beef"},
    {"host \\evil.example", "evil.example"},
    {"(tcp)and(host x-y.z)", "x-y.z"},
    {"tcp&&a.b", "a.b"},
    {"0xgg", "0xgg"},
};

static void test_rows(void **state)
{
    char word[FILTER_WORD_MAX];
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const bool looks_up = filter_looks_up(rows[i].expression, word);
        CHECK_EQ(rows[i].expression, looks_up, rows[i].word != NULL);
        if (looks_up && rows[i].word)
            CHECK_STR(rows[i].expression, word, rows[i].word);
    }
}

UNIT(lookup)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
