/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"

#include "sight/sight.h"

#define X9 "xxxxxxxxx"
#define X63 X9 X9 X9 X9 X9 X9 X9

static const struct {
    const char *name, *from;
    const char *want; /* NULL: no name */
} rows[] = {
    {"a name", "www.example.com", "www.example.com"},
    {"upper case", "WWW.Example.COM", "www.example.com"},
    {"a final dot", "example.com.", "example.com"},
    {"one label", "localhost", "localhost"},
    {"underscores and hyphens", "_sip._udp.a-b", "_sip._udp.a-b"},
    {"digits first", "1.2.3.4a", "1.2.3.4a"},
    {"IDNA", "xn--bcher-kva.example", "xn--bcher-kva.example"},
    {"longest label", X63 ".b", X63 ".b"},
    {"longest name", X63 "." X63 "." X63 "." X9 X9 X9 X9 X9 X9 "yyyyyyy",
     X63 "." X63 "." X63 "." X9 X9 X9 X9 X9 X9 "yyyyyyy"},
    {"longest name and a dot", X63 "." X63 "." X63 "." X9 X9 X9 X9 X9 X9 "yyyyyyy.",
     X63 "." X63 "." X63 "." X9 X9 X9 X9 X9 X9 "yyyyyyy"},
    {"nothing", "", NULL},
    {"a dot", ".", NULL},
    {"two dots at the end", "a..", NULL},
    {"a dot first", ".a", NULL},
    {"an empty label", "a..b", NULL},
    {"a label too long", X63 "x.b", NULL},
    {"too long", X63 "." X63 "." X63 "." X9 X9 X9 X9 X9 X9 "yyyyyyyy", NULL},
    {"IPv4", "192.0.2.1", NULL},
    {"IPv4 and a dot", "192.0.2.1.", NULL},
    {"IPv6", "2001:db8::1", NULL},
    {"IPv6 in brackets", "[2001:db8::1]", NULL},
    {"a number", "3232235777", NULL},
    {"a last label of digits", "example.123", NULL},
    {"a port", "example.com:80", NULL},
    {"a blank", "exa mple.com", NULL},
    {"a tab", "example.com\t", NULL},
    {"a new line", "example.com\n", NULL},
    {"a path", "../../etc/passwd", NULL},
    {"a backslash", "a\\b", NULL},
    {"beyond ASCII",
     "b\xc3\xbc"
     "cher.example",
     NULL},
    {"a control of C1",
     "a\x9b"
     "b",
     NULL},
    {"what differs from letters in one bit", "a@b", NULL},
    {"as well", "a[b", NULL},
    {"as well, of digits", "a\x10", NULL},
    {"a star", "*.example.com", NULL},
    {"a deletion", "a\x7f", NULL},
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const size_t len = strlen(rows[i].from);
        uint8_t *const block = tight_copy(rows[i].from, len);
        char name[SIGHT_NAME];
        memset(name, 'x', sizeof name);
        CHECK_EQ(rows[i].name, sight_name((struct clv_span){block, len}, name),
                 rows[i].want != NULL);
        CHECK_STR(rows[i].name, name, rows[i].want ? rows[i].want : "");
        free(block);
    }
    char name[SIGHT_NAME];
    assert_false(sight_name((struct clv_span){(const uint8_t *)"a\0b", 3}, name));
    assert_false(sight_name((struct clv_span){NULL, 0}, name));
    assert_string_equal(name, "");
}

UNIT(sight)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
