/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"
#include "support_check.h"
#include "support_sight.h"

#include "sight/ftp.h"

#define OTHER SIGHT_FTP_OTHER
#define ACTIVE SIGHT_FTP_ACTIVE
#define PASSIVE SIGHT_FTP_PASSIVE

/* A line without its end. */
static const struct {
    const char *name, *line;
    bool server;
    enum sight_ftp_kind kind;
    const char *at;
} rows[] = {
    {"USER", "USER anonymous", false, OTHER, ""},
    {"QUIT", "QUIT", false, OTHER, ""},
    {"lower case", "port 192,0,2,1,4,1", false, ACTIVE, "192.0.2.1:1025/tcp"},
    {"an extension", "XSHA256 file", false, OTHER, ""},
    {"an empty line", "", false, OTHER, ""},
    {"a name beyond ASCII", "RETR \xc3\xa4\xff", false, OTHER, ""},
    {"ABOR after Telnet's signals",
     "\xff\xf4\xff\xf2"
     "ABOR",
     false, OTHER, ""},
    {"PORT after Telnet's signals", "\xf2PORT 192,0,2,1,4,1", false, ACTIVE, "192.0.2.1:1025/tcp"},
    {"PORT", "PORT 192,0,2,1,255,255", false, ACTIVE, "192.0.2.1:65535/tcp"},
    {"PORT, blanks", "PORT  192,0,2,1,4,1 ", false, ACTIVE, "192.0.2.1:1025/tcp"},
    {"PORT, no address", "PORT 0,0,0,0,4,1", false, ACTIVE, ":1025/tcp"},
    {"PORT, no port", "PORT 192,0,2,1,0,0", false, OTHER, ""},
    {"PORT, more than a byte", "PORT 192,0,2,256,4,1", false, OTHER, ""},
    {"PORT, more than 64 bits", "PORT 192,0,2,99999999999999999999999,4,1", false, OTHER, ""},
    {"PORT, four digits", "PORT 192,0,2,0001,4,1", false, OTHER, ""},
    {"PORT, negative", "PORT 192,0,2,-1,4,1", false, OTHER, ""},
    {"PORT, five numbers", "PORT 192,0,2,1,4", false, OTHER, ""},
    {"PORT, seven numbers", "PORT 192,0,2,1,4,1,1", false, OTHER, ""},
    {"PORT, and a word", "PORT 192,0,2,1,4,1 x", false, OTHER, ""},
    {"PORT, in parentheses", "PORT (192,0,2,1,4,1)", false, OTHER, ""},
    {"PORT, nothing", "PORT", false, OTHER, ""},
    {"PORTS", "PORTS 192,0,2,1,4,1", false, OTHER, ""},
    {"EPRT, IPv4", "EPRT |1|132.235.1.2|6275|", false, ACTIVE, "132.235.1.2:6275/tcp"},
    {"EPRT, IPv6", "EPRT |2|1080::8:800:200C:417A|5282|", false, ACTIVE,
     "1080::8:800:200c:417a#5282/tcp"},
    {"EPRT, IPv4 as IPv6", "EPRT |2|::ffff:192.0.2.1|5282|", false, ACTIVE, "192.0.2.1:5282/tcp"},
    {"EPRT, a zone", "EPRT |2|fe80::1%eth0|5282|", false, ACTIVE, "fe80::1#5282/tcp"},
    {"EPRT, another delimiter", "EPRT !1!192.0.2.1!6275!", false, ACTIVE, "192.0.2.1:6275/tcp"},
    {"EPRT, no address", "EPRT |1|0.0.0.0|6275|", false, ACTIVE, ":6275/tcp"},
    {"EPRT, no address, IPv6", "EPRT |2|::|6275|", false, ACTIVE, ":6275/tcp"},
    {"EPRT, another family", "EPRT |3|192.0.2.1|6275|", false, OTHER, ""},
    {"EPRT, no such address", "EPRT |1|192.0.2.999|6275|", false, OTHER, ""},
    {"EPRT, no port", "EPRT |1|192.0.2.1|0|", false, OTHER, ""},
    {"EPRT, more than a port", "EPRT |1|192.0.2.1|65536|", false, OTHER, ""},
    {"EPRT, open", "EPRT |1|192.0.2.1|6275", false, OTHER, ""},
    {"EPRT, digits delimit", "EPRT 31319203139", false, OTHER, ""},
    {"EPRT, long", "EPRT |2|0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000|62|", false,
     OTHER, ""},
    {"EPSV asks", "EPSV ALL", false, OTHER, ""},
    {"LPRT", "LPRT 4,4,192,0,2,1,2,4,1", false, ACTIVE, "192.0.2.1:1025/tcp"},
    {"LPRT, IPv6", "LPRT 6,16,32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1,2,4,1", false, ACTIVE,
     "2001:db8::1#1025/tcp"},
    {"LPRT, lengths that do not fit", "LPRT 4,16,192,0,2,1,2,4,1", false, OTHER, ""},
    {"LPRT, a long port", "LPRT 4,4,192,0,2,1,3,0,4,1", false, OTHER, ""},
    {"the client says 227", "RETR 227 (192,0,2,1,4,1)", false, OTHER, ""},

    {"welcome", "220 ready", true, OTHER, ""},
    {"more of a welcome", "220-ready", true, OTHER, ""},
    {"no text", "220", true, OTHER, ""},
    {"text in a reply", "  Welcome to 192,0,2,1,4,1", true, OTHER, ""},
    {"text that looks like a code", "2275 (192,0,2,1,4,1)", true, OTHER, ""},
    {"text that begins with it", " 227 (192,0,2,1,4,1)", true, OTHER, ""},
    {"an empty line in a reply", "", true, OTHER, ""},
    {"text beyond ASCII", "\xc3\xa4", true, OTHER, ""},
    {"227", "227 Entering Passive Mode (192,0,2,1,4,1).", true, PASSIVE, "192.0.2.1:1025/tcp"},
    {"227, no parentheses", "227 Entering Passive Mode 192,0,2,1,4,1", true, PASSIVE,
     "192.0.2.1:1025/tcp"},
    {"227, after =", "227 =192,0,2,1,4,1", true, PASSIVE, "192.0.2.1:1025/tcp"},
    {"227, other numbers before", "227 Port 7 of 3,4 is yours: (192,0,2,1,4,1)", true, PASSIVE,
     "192.0.2.1:1025/tcp"},
    {"227, of several lines", "227-Passive (192,0,2,1,4,1)", true, PASSIVE, "192.0.2.1:1025/tcp"},
    {"227, nothing else", "227 192,0,2,1,4,1", true, PASSIVE, "192.0.2.1:1025/tcp"},
    {"227, no address", "227 Passive (0,0,0,0,4,1)", true, PASSIVE, ":1025/tcp"},
    {"227, no port", "227 Passive (192,0,2,1,0,0)", true, OTHER, ""},
    {"227, more than a byte", "227 Passive (300,192,0,2,1,4,1)", true, OTHER, ""},
    {"227, seven numbers", "227 Passive (192,0,2,1,4,1,7)", true, OTHER, ""},
    {"227, five numbers", "227 Passive (192,0,2,1,4)", true, OTHER, ""},
    {"227, no numbers", "227", true, OTHER, ""},
    {"227, zeros", "227 000000000000,0000000,0000000,00000,00000,00000", true, OTHER, ""},
    {"another code", "200 (192,0,2,1,4,1)", true, OTHER, ""},
    {"229", "229 Entering Extended Passive Mode (|||6446|)", true, PASSIVE, ":6446/tcp"},
    {"229, another delimiter", "229 Entering (!!!6446!)", true, PASSIVE, ":6446/tcp"},
    {"229, a letter delimits", "229 Entering (xxx6446x)", true, PASSIVE, ":6446/tcp"},
    {"229, no parentheses", "229 Ok |||6446|", true, PASSIVE, ":6446/tcp"},
    {"229, with family and address", "229 Ok (|1|192.0.2.1|6446|)", true, PASSIVE,
     "192.0.2.1:6446/tcp"},
    {"229, no port", "229 Ok (|||0|)", true, OTHER, ""},
    {"229, more than a port", "229 Ok (|||65536|)", true, OTHER, ""},
    {"229, delimiters differ", "229 Ok (||!6446|)", true, OTHER, ""},
    {"229, open", "229 Ok (|||6446", true, OTHER, ""},
    {"229, nothing", "229 Ok (||||)", true, OTHER, ""},
    {"228", "228 Entering Long Passive Mode (4,4,192,0,2,1,2,4,1)", true, PASSIVE,
     "192.0.2.1:1025/tcp"},
    {"228, IPv6", "228 Ok 6,16,32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1,2,4,1", true, PASSIVE,
     "2001:db8::1#1025/tcp"},
    {"234", "234 AUTH TLS OK.", true, SIGHT_FTP_AUTH, ""},
    {"the server says PORT", "PORT 192,0,2,1,4,1", true, OTHER, ""},
};

static enum sight read_copy(const void *p, size_t len, bool server, struct sight_ftp *ftp)
{
    uint8_t *const copy = tight_copy(p, len);
    const enum sight found = sight_ftp_line((struct clv_span){copy, len}, server, ftp);
    free(copy);
    return found;
}

static void check_line(const char *name, const char *line, size_t len, bool server,
                       struct sight_ftp *ftp)
{
    CHECK_EQ(name, read_copy(line, len, server, ftp), SIGHT_WHOLE);
    CHECK_EQ(name, ftp->len, len);
    struct sight_ftp less;
    for (size_t cut = 0; cut < len; cut++) {
        CHECK_EQ(name, read_copy(line, cut, server, &less), SIGHT_PART);
        CHECK_EQ(name, less.kind, SIGHT_FTP_OTHER);
    }
}

static void test_rows(void **state)
{
    static const char *const ends[] = {"\r\n", "\n"};
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *const name = rows[i].name;
        for (size_t end = 0; end < N_ROWS(ends); end++) {
            char line[256], buf[64];
            struct sight_ftp ftp;
            const int len = snprintf(line, sizeof line, "%s%s", rows[i].line, ends[end]);
            check_line(name, line, (size_t)len, rows[i].server, &ftp);
            struct text t = text_on(buf, sizeof buf);
            if (ftp.kind == SIGHT_FTP_ACTIVE || ftp.kind == SIGHT_FTP_PASSIVE)
                put_endpoint(&t, &ftp.at);
            CHECK_EQ(name, ftp.kind, rows[i].kind);
            CHECK_STR(name, text_end(&t), rows[i].at);
            CHECK_EQ(name, ftp.greeting, strncmp(rows[i].line, "220", 3) == 0);
        }
    }
}

/* A reply of several lines is read line by line. */
static void test_lines(void **state)
{
    static const char reply[] = "230-Hello\r\n\r\n 227 (192,0,2,9,4,1)\r\nyou\r\n230 Bye\r\n"
                                "120 soon\r\n227 ok (192,0,2,1,4,1)\r\n";
    struct clv_span rest = span_of(reply);
    unsigned lines = 0, passive = 0, greetings = 0;
    (void)state;
    while (rest.len) {
        struct sight_ftp ftp;
        assert_int_equal(sight_ftp_line(rest, true, &ftp), SIGHT_WHOLE);
        rest = (struct clv_span){rest.p + ftp.len, rest.len - ftp.len};
        passive += ftp.kind == SIGHT_FTP_PASSIVE;
        greetings += ftp.greeting;
        lines++;
    }
    assert_int_equal(lines, 7);
    assert_int_equal(passive, 1);
    assert_int_equal(greetings, 1);
}

static void test_others(void **state)
{
    static const struct {
        const char *name, *bytes;
        bool server, client; /* may be one's */
    } others[] = {
        {"TLS, a line", "\x16\x03\x01\x02\n", false, false},
        {"TLS", "\x17\x03\x03", false, false},
        {"two letters", "AB\r\n", true, false},
        {"nine letters", "ABCDEFGHI", true, false},
        {"a digit first", "1ABC\r\n", true, false},
        {"no letters", "<html>\r\n", true, false},
        {"a letter, and a control", "AB\x01", true, false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(others); i++) {
        const size_t len = strlen(others[i].bytes);
        struct sight_ftp ftp;
        CHECK_EQ(others[i].name, read_copy(others[i].bytes, len, true, &ftp) != SIGHT_NOT,
                 others[i].server);
        CHECK_EQ(others[i].name, read_copy(others[i].bytes, len, false, &ftp) != SIGHT_NOT,
                 others[i].client);
    }
}

UNIT(ftp)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
