/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_message.h"

#include "base/text.h"
#include "sight/dns.h"

/* Headers: id, flags, and four counts follow. */
#define ASKS "1234 0100 "
#define SAYS "1234 8180 "
/* A question, and what follows an owner: type, class, time to live. */
#define ASKED_A "0001 0001 "
#define ASKED_AAAA "001c 0001 "
#define IS_A "0001 0001 0000003c 0004 "
#define IS_AAAA "001c 0001 0000003c 0010 "
#define IS_CNAME "0005 0001 0000003c "
#define IS_HTTPS "0041 0001 0000003c "
#define ADDR1 "c0000201 "
#define ADDR2 "c0000202 "
#define ADDR6 "20010db8 00000000 00000000 00000001 "
#define OPT "00 0029 04d0 00000000 0000 "

static const struct {
    const char *name, *message;
    const char *want; /* as describe() has it; NULL: refused */
} rows[] = {
    {"a query", ASKS "0001 0000 0000 0000 <www.Example.COM> " ASKED_A, "q0.0 www.example.com/1"},
    {"a query with EDNS", ASKS "0001 0000 0000 0001 <a.b> " ASKED_AAAA OPT, "q0.0 a.b/28"},
    {"an answer", SAYS "0001 0001 0000 0000 <a.b> " ASKED_A "c00c " IS_A ADDR1,
     "r0.0 a.b/1 192.0.2.1>0"},
    {"an answer with EDNS", SAYS "0001 0001 0000 0001 <a.b> " ASKED_A "c00c " IS_A ADDR1 OPT,
     "r0.0 a.b/1 192.0.2.1>0"},
    {"an answer whose owner is no pointer",
     SAYS "0001 0001 0000 0000 <a.b> " ASKED_A "<A.B> " IS_A ADDR1, "r0.0 a.b/1 192.0.2.1>0"},
    {"two of IPv6",
     SAYS "0001 0002 0000 0000 <a.b> " ASKED_AAAA "c00c " IS_AAAA ADDR6 "c00c " IS_AAAA
          "00000000000000000000ffffc0000201",
     "r0.0 a.b/28 2001:db8::1>0 ::ffff:c000:201>0"},
    {"no such name",
     "1234 8183 0001 0000 0001 0000 <a.b> " ASKED_A "c00e 0006 0001 0000003c [<> <> "
     "00000001 00000001 00000001 00000001 00000001]",
     "r0.3 a.b/1"},
    {"truncated, as TC says", "1234 8380 0001 0000 0000 0000 <a.b> " ASKED_A, "r0.0 a.b/1"},
    {"truncated within a record",
     "1234 8380 0001 0002 0000 0000 <a.b> " ASKED_A "c00c " IS_A ADDR1 "c00c " IS_A "c000",
     "r0.0 a.b/1 192.0.2.1>0"},
    {"an answer for another name", SAYS "0001 0001 0000 0000 <a.b> " ASKED_A "<c.d> " IS_A ADDR1,
     "r0.0 a.b/1"},
    {"an answer of another class",
     SAYS "0001 0001 0000 0000 <a.b> " ASKED_A "c00c 0001 0003 0000003c 0004 " ADDR1, "r0.0 a.b/1"},
    {"an address of a wrong length",
     SAYS "0001 0002 0000 0000 <a.b> " ASKED_A
          "c00c 0001 0001 0000003c 0003 c00002 c00c " IS_A ADDR1,
     "r0.0 a.b/1 192.0.2.1>0"},
    {"a query with answers, as of multicast DNS",
     "0000 0000 0001 0001 0000 0000 <a.b> " ASKED_A "c00c " IS_A ADDR1, "q0.0 a.b/1"},
    {"LLMNR", "1234 8000 0001 0001 0000 0000 <wpad> " ASKED_A "c00c " IS_A ADDR1,
     "r0.0 wpad/1 192.0.2.1>0"},
    {"LLMNR, conflict and tentative",
     "1234 8500 0001 0001 0000 0000 <wpad> " ASKED_A "<wpad> " IS_A ADDR1,
     "r0.0 wpad/1 192.0.2.1>0"},
    {"the root", ASKS "0001 0000 0000 0000 <> 0002 0001", "q0.0 ./2"},
    {"octets that no host name has",
     ASKS "0001 0000 0000 0000 05 412e 20 ff 5c 02 5f2d 00 " ASKED_A,
     "q0.0 a\\046\\032\\255\\092._-/1"},
    /* CNAMEs */
    {"through CNAME",
     SAYS "0001 0002 0000 0000 <a.b> " ASKED_A "c00c " IS_CNAME "[<c.d>] c021 " IS_A ADDR1,
     "r0.0 a.b/1 192.0.2.1>0"},
    {"through three",
     SAYS "0001 0004 0000 0000 <a.b> " ASKED_A "c00c " IS_CNAME "[<x.d>] <X.d> " IS_CNAME
          "[<y.d>] <y.D> " IS_CNAME "[{z} c023] <z.d> " IS_A ADDR1,
     "r0.0 a.b/1 192.0.2.1>0"},
    {"the same, last first",
     SAYS "0001 0004 0000 0000 <a.b> " ASKED_A "<z.d> " IS_A ADDR1 "<y.d> " IS_CNAME
          "[<z.d>] <x.d> " IS_CNAME "[<y.d>] c00c " IS_CNAME "[<x.d>]",
     "r0.0 a.b/1 192.0.2.1>0"},
    {"a circle",
     SAYS "0001 0003 0000 0000 <a.b> " ASKED_A "c00c " IS_CNAME "[<c.d>] <c.d> " IS_CNAME
          "[c00c] c00c " IS_A ADDR1,
     "r0.0 a.b/1 192.0.2.1>0"},
    {"to itself",
     SAYS "0001 0002 0000 0000 <a.b> " ASKED_A "c00c " IS_CNAME "[c00c] <c.d> " IS_A ADDR1,
     "r0.0 a.b/1"},
    {"a CNAME with more than a name",
     SAYS "0001 0002 0000 0000 <a.b> " ASKED_A "c00c " IS_CNAME "[<c.d> 00] <c.d> " IS_A ADDR1,
     "r0.0 a.b/1"},
    {"a CNAME that ends within its name",
     SAYS "0001 0001 0000 0000 <a.b> " ASKED_A "c00c " IS_CNAME "[01 63]", "r0.0 a.b/1"},
    {"a CNAME without a name",
     SAYS "0001 0002 0000 0000 <a.b> " ASKED_A "c00c " IS_CNAME "[] c00c " IS_A ADDR1,
     "r0.0 a.b/1 192.0.2.1>0"},
    {"what leads to it in the authority section",
     SAYS "0001 0001 0001 0000 <a.b> " ASKED_A "<c.d> " IS_A ADDR1 "c00c " IS_CNAME "[<c.d>]",
     "r0.0 a.b/1"},
    /* Additional records */
    {"glue of a referral",
     SAYS "0001 0000 0001 0001 <a.b> " ASKED_A "c00e 0002 0001 0000003c [<a.b>] c00c " IS_A ADDR1,
     "r0.0 a.b/1"},
    {"a service's address",
     SAYS "0001 0001 0000 0002 <_sip._udp.b> 0021 0001 "
          "c00c 0021 0001 0000003c [0001 0001 13c4 <host.b>] "
          "<host.b> " IS_A ADDR1 "<other.b> " IS_A ADDR2,
     "r0.0 _sip._udp.b/33 192.0.2.1>0"},
    {"a mail server's address",
     SAYS "0001 0001 0000 0001 <b> 000f 0001 "
          "c00c 000f 0001 0000003c [000a {mx} c00c] <mx.b> " IS_A ADDR1,
     "r0.0 b/15 192.0.2.1>0"},
    {"a service's name cut short",
     SAYS "0001 0001 0000 0000 <b> 0021 0001 "
          "c00c 0021 0001 0000003c [0001 0001 13c4]",
     "r0.0 b/33"},
    {"through SVCB, in the additional section",
     SAYS "0001 0001 0000 0002 <a.b> 0041 0001 c00c " IS_HTTPS "[0000 <c.d>] <c.d> " IS_HTTPS
          "[0001 <e.f>] <e.f> " IS_A ADDR1,
     "r0.0 a.b/65 192.0.2.1>0"},
    /* Hints */
    {"hints",
     SAYS "0001 0001 0000 0000 <a.b> 0041 0001 c00c " IS_HTTPS
          "[0001 <> 0001 [02 \"h2\"] 0004 [" ADDR1 ADDR2 "] 0006 [" ADDR6 "]]",
     "r0.0 a.b/65 192.0.2.1>0 192.0.2.2>0 2001:db8::1>0"},
    {"hints of SVCB",
     SAYS "0001 0001 0000 0000 <_dns.b> 0040 0001 c00c 0040 0001 0000003c "
          "[0001 <c.d> 0004 [" ADDR1 "]]",
     "r0.0 _dns.b/64 192.0.2.1>0"},
    {"hints and the owner's addresses",
     SAYS "0001 0001 0000 0001 <a.b> 0041 0001 c00c " IS_HTTPS "[0001 <> 0004 [" ADDR1
          "]] c00c " IS_A ADDR2,
     "r0.0 a.b/65 192.0.2.1>0 192.0.2.2>0"},
    {"hints of an alias",
     SAYS "0001 0001 0000 0000 <a.b> 0041 0001 c00c " IS_HTTPS "[0000 <c.d> 0004 [" ADDR1 "]]",
     "r0.0 a.b/65"},
    {"an alias to nothing",
     SAYS "0001 0001 0000 0001 <a.b> 0041 0001 c00c " IS_HTTPS "[0000 <>] c00c " IS_A ADDR1,
     "r0.0 a.b/65"},
    {"hints out of order",
     SAYS "0001 0001 0000 0000 <a.b> 0041 0001 c00c " IS_HTTPS "[0001 <> 0006 [" ADDR6
          "] 0004 [" ADDR1 "]]",
     "r0.0 a.b/65"},
    {"a key twice",
     SAYS "0001 0001 0000 0000 <a.b> 0041 0001 c00c " IS_HTTPS "[0001 <> 0004 [" ADDR1
          "] 0004 [" ADDR2 "]]",
     "r0.0 a.b/65"},
    {"no hint in it", SAYS "0001 0001 0000 0000 <a.b> 0041 0001 c00c " IS_HTTPS "[0001 <> 0004 []]",
     "r0.0 a.b/65"},
    {"half an address",
     SAYS "0001 0001 0000 0000 <a.b> 0041 0001 c00c " IS_HTTPS "[0001 <> 0004 [" ADDR1 "c000]]",
     "r0.0 a.b/65"},
    {"a hint longer than the record",
     SAYS "0001 0001 0000 0000 <a.b> 0041 0001 c00c " IS_HTTPS "[0001 <> 0004 0008 " ADDR1
          "]" ADDR2,
     "r0.0 a.b/65"},
    {"half a parameter",
     SAYS "0001 0001 0000 0000 <a.b> 0041 0001 c00c " IS_HTTPS "[0001 <> 0004 [" ADDR1 "] 000600]",
     "r0.0 a.b/65"},
    {"hints behind a compressed name",
     SAYS "0001 0001 0000 0000 <a.b> 0041 0001 c00c " IS_HTTPS "[0001 c00c 0004 [" ADDR1 "]]",
     "r0.0 a.b/65"},
    {"hints behind a name that leaves the record",
     SAYS "0001 0001 0000 0000 <a.b> 0041 0001 c00c " IS_HTTPS "[0001 20]", "r0.0 a.b/65"},
    /* Several questions */
    {"two questions", ASKS "0002 0000 0000 0000 <a.b> " ASKED_A "c00c " ASKED_AAAA,
     "q0.0 a.b/1 a.b/28"},
    {"answers to two",
     SAYS "0002 0003 0000 0000 <a.b> " ASKED_A "<c.d> " ASKED_A "<c.d> " IS_A ADDR1
          "<a.b> " IS_A ADDR2 "<c.d> " IS_A ADDR2,
     "r0.0 a.b/1 c.d/1 192.0.2.1>1 192.0.2.2>0 192.0.2.2>1"},
    {"answers to one name's types",
     SAYS "0002 0003 0000 0000 <a.b> " ASKED_A "c00c " ASKED_AAAA "c00c " IS_CNAME
          "[<c.d>] <c.d> " IS_AAAA ADDR6 "<c.d> " IS_A ADDR1,
     "r0.0 a.b/1 a.b/28 2001:db8::1>1 192.0.2.1>0"},
    {"two that lead to one",
     SAYS "0002 0003 0000 0000 <a.b> " ASKED_A "<c.d> " ASKED_A "<a.b> " IS_CNAME
          "[<e.f>] <c.d> " IS_CNAME "[<e.f>] <e.f> " IS_A ADDR1,
     "r0.0 a.b/1 c.d/1 192.0.2.1>0"},
    /* Multicast DNS: no questions, the upper bit of the class, additional records */
    {"multicast DNS",
     "0000 8400 0000 0001 0000 0002 <host.local> 0001 8001 00000078 0004 " ADDR1
     "c00c 001c 8001 00000078 0010 " ADDR6 "<Other.local> " IS_A ADDR2,
     "r0.0 host.local/1 other.local/1 192.0.2.1>0 2001:db8::1>0 192.0.2.2>1"},
    {"multicast DNS takes back",
     "0000 8400 0000 0001 0000 0000 <host.local> 0001 8001 00000000 0004 " ADDR1, "r0.0"},
    {"multicast DNS, a service",
     "0000 8400 0000 0001 0000 0002 <_ipp._tcp.local> 000c 0001 00000078 "
     "[04 \"my p\" c00c] <host.local> " IS_A ADDR1 "c00c 0021 0001 "
     "00000078 [0000 0000 0277 <host.local>]",
     "r0.0 host.local/1 192.0.2.1>0"},
    {"multicast DNS, a hint",
     "0000 8400 0000 0001 0000 0000 <a.local> " IS_HTTPS "[0001 <> 0004 [" ADDR1 "]]",
     "r0.0 a.local/65 192.0.2.1>0"},
    {"multicast DNS, unicast wanted", "0000 0000 0001 0000 0000 0000 <host.local> 0001 8001",
     "q0.0 host.local/1"},
    /* What are no queries, or no answers to one */
    {"a zone transfer", SAYS "0001 0001 0000 0000 <a.b> 00fc 0001 c00c " IS_A ADDR1,
     "r0.0 a.b/252"},
    {"an incremental one", SAYS "0001 0001 0000 0000 <a.b> 00fb 0001 c00c " IS_A ADDR1,
     "r0.0 a.b/251"},
    {"an update", "1234 a800 0001 0001 0000 0000 <a.b> 0006 0001 c00c " IS_A ADDR1, "r5.0 a.b/6"},
    {"a notification", "1234 2400 0001 0000 0000 0000 <a.b> 0006 0001", "q4.0 a.b/6"},
    {"stateful operations", "1234 3000 0000 0000 0000 0000 0001 0000", "q6.0"},
    {"an opcode that nobody has", "1234 1800 0001 0000 0000 0000 <a.b> " ASKED_A, NULL},
    /* Broken */
    {"nothing", "", NULL},
    {"no question", ASKS "0000 0000 0000 0000", "q0.0"},
    {"counts of more than there is", SAYS "0000 ffff ffff ffff", "r0.0"},
    {"questions of more than there is", ASKS "ffff ffff ffff ffff <a.b> " ASKED_A, NULL},
    {"a pointer to itself", ASKS "0001 0000 0000 0000 c00c " ASKED_A, NULL},
    {"a pointer to a pointer back", SAYS "0002 0000 0000 0000 c012 " ASKED_A "c00c " ASKED_A, NULL},
    {"a pointer to its own label", ASKS "0001 0000 0000 0000 {a} c00c " ASKED_A, NULL},
    {"a pointer forward", ASKS "0002 0000 0000 0000 c012 " ASKED_A "<a.b> " ASKED_A, NULL},
    {"a pointer into the header", ASKS "0001 0000 0000 0000 c000 " ASKED_A, NULL},
    {"a pointer beyond the message", ASKS "0001 0000 0000 0000 ffff " ASKED_A, NULL},
    {"half a pointer", ASKS "0001 0000 0000 0000 c0", NULL},
    {"an extended label", ASKS "0001 0000 0000 0000 41 01 00 " ASKED_A, NULL},
    {"a reserved label", ASKS "0001 0000 0000 0000 80 00 " ASKED_A, NULL},
    {"an owner that points to itself",
     SAYS "0001 0002 0000 0000 <a.b> " ASKED_A "c015 " IS_A ADDR1 "c00c " IS_A ADDR2,
     "r0.0 a.b/1 192.0.2.2>0"},
    {"an owner that points forward",
     SAYS "0001 0002 0000 0000 <a.b> " ASKED_A "c025 " IS_A ADDR1 "c00c " IS_A ADDR2,
     "r0.0 a.b/1 192.0.2.2>0"},
    {"an owner with a reserved label", SAYS "0001 0001 0000 0000 <a.b> " ASKED_A "80 " IS_A ADDR1,
     "r0.0 a.b/1"},
};

static void describe(const struct sight_dns *dns, struct text *t)
{
    text_char(t, dns->response ? 'r' : 'q');
    text_u64(t, dns->opcode, 1);
    text_char(t, '.');
    text_u64(t, dns->rcode, 1);
    for (unsigned i = 0; i < dns->n_questions; i++) {
        text_char(t, ' ');
        text_str(t, dns->questions[i].name);
        text_char(t, '/');
        text_u64(t, dns->questions[i].type, 1);
    }
    for (unsigned i = 0; i < dns->n_addrs; i++) {
        text_char(t, ' ');
        text_addr(t, dns->addrs[i].addr, dns->addrs[i].family, ':');
        text_char(t, '>');
        text_u64(t, dns->addrs[i].question, 1);
    }
    (void)text_end(t);
}

/* Reads n bytes in a block of their own. */
static bool read_tight(const uint8_t *p, size_t n, struct sight_dns *dns)
{
    uint8_t *const block = tight_copy(p, n);
    memset(dns, 0xa5, sizeof *dns);
    const bool is_dns = sight_dns_read((struct clv_span){block, n}, dns);
    free(block);
    return is_dns;
}

/* A message that is cut short has the same questions and no address that the whole one has not. */
static void check_cut(const char *row, const struct bytes *b, const struct sight_dns *whole)
{
    for (size_t n = 0; n < b->len; n++) {
        struct sight_dns cut;
        if (!read_tight(b->p, n, &cut))
            continue;
        unsigned k = 0;
        for (unsigned i = 0; i < cut.n_addrs; i++, k++)
            while (k < whole->n_addrs &&
                   memcmp(&cut.addrs[i], &whole->addrs[k], sizeof *cut.addrs) != 0)
                k++;
        CHECK(row, k <= whole->n_addrs);
        CHECK(row, cut.n_questions <= whole->n_questions);
        for (unsigned i = 0; i < cut.n_questions; i++)
            CHECK_STR(row, cut.questions[i].name, whole->questions[i].name);
    }
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes b = {0};
        struct sight_dns dns;
        char buf[512];
        struct text t = text_on(buf, sizeof buf);
        put_message(&b, rows[i].message);
        const bool is_dns = read_tight(b.p, b.len, &dns);
        CHECK_EQ(rows[i].name, is_dns, rows[i].want != NULL);
        if (is_dns) {
            CHECK_EQ(rows[i].name, dns.id, load_be16(b.p));
            describe(&dns, &t);
            CHECK_STR(rows[i].name, buf, rows[i].want);
            check_cut(rows[i].name, &b, &dns);
        }
        bytes_free(&b);
    }
}

/* A query for one name, whose labels are as long as said. */
static bool ask_labels(const unsigned *lens, size_t n, uint8_t octet, struct sight_dns *dns)
{
    struct bytes b = {0};
    put_message(&b, ASKS "0001 0000 0000 0000");
    for (size_t i = 0; i < n; i++) {
        put_fill(&b, (uint8_t)lens[i], 1);
        put_fill(&b, octet, lens[i]);
    }
    put_message(&b, "00" ASKED_A);
    const bool is_dns = read_tight(b.p, b.len, dns);
    bytes_free(&b);
    return is_dns;
}

static void test_lengths(void **state)
{
    struct sight_dns dns;
    static const unsigned longest[] = {63, 63, 63, 61}, longer[] = {63, 63, 63, 62};
    static const unsigned label[] = {64}, half[] = {63, 1}, third[] = {62, 1};
    (void)state;
    assert_true(ask_labels(longest, N_ROWS(longest), 'x', &dns));
    assert_int_equal(strlen(dns.questions[0].name), SIGHT_NAME - 1);
    assert_false(ask_labels(longer, N_ROWS(longer), 'x', &dns));
    assert_false(ask_labels(label, N_ROWS(label), 'x', &dns));
    /* Escaped, 63 octets take 252 characters: there is no room for a dot and more. */
    assert_true(ask_labels(half, 1, ' ', &dns));
    assert_int_equal(dns.n_questions, 1);
    assert_int_equal(strlen(dns.questions[0].name), 252);
    assert_true(ask_labels(half, N_ROWS(half), ' ', &dns));
    assert_int_equal(dns.n_questions, 0);
    assert_true(ask_labels(third, N_ROWS(third), ' ', &dns));
    assert_int_equal(strlen(dns.questions[0].name), 248 + 1 + 4);
}

/* As many pointers to one another, backward, before a name's labels. */
static bool ask_pointers(unsigned n)
{
    struct bytes b = {0};
    struct sight_dns dns;
    put_message(&b, ASKS);
    put16(&b, true, (uint16_t)(n + 1));
    put_message(&b, "0000 0000 0000 <a.b> " ASKED_A);
    for (unsigned i = 0; i < n; i++) {
        put16(&b, true, (uint16_t)(0xc000 | (i ? b.len - 6 : 12)));
        put_message(&b, ASKED_A);
    }
    const bool is_dns = read_tight(b.p, b.len, &dns);
    assert_true(!is_dns || (dns.n_questions == min_u64(n + 1, SIGHT_DNS_QUESTIONS) &&
                            strcmp(dns.questions[dns.n_questions - 1].name, "a.b") == 0));
    bytes_free(&b);
    return is_dns;
}

/* One question after a record's worth of pointers: only some are followed. */
static bool ask_behind_pointers(unsigned n)
{
    struct bytes b = {0};
    struct sight_dns dns;
    put_message(&b, SAYS "0001 0001 0000 0000 <a.b> " ASKED_A "00 0010 0001 00000000");
    put16(&b, true, (uint16_t)(2 * n)); /* a record whose data is pointers */
    for (unsigned i = 0; i < n; i++)
        put16(&b, true, (uint16_t)(0xc000 | (i ? b.len - 2 : 12)));
    store_be16(b.p + 6, 2);
    put16(&b, true, (uint16_t)(0xc000 | (b.len - 2)));
    put_message(&b, IS_A ADDR1);
    assert_true(read_tight(b.p, b.len, &dns));
    bytes_free(&b);
    return dns.n_addrs == 1;
}

static void test_pointers(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 20; n++)
        assert_true(ask_pointers(n));
    assert_true(ask_behind_pointers(64));
    assert_false(ask_behind_pointers(66));
    assert_false(ask_behind_pointers(8000));
}

/* A response with so many CNAMEs, one after another, and an address at their end. */
static unsigned follow_chain(unsigned n, bool backward)
{
    struct bytes b = {0};
    struct sight_dns dns;
    put_message(&b, SAYS "0001");
    put16(&b, true, (uint16_t)(n + 1));
    put_message(&b, "0000 0000 <n0.b> " ASKED_A);
    for (unsigned i = 0; i <= n; i++) {
        const unsigned at = backward ? n - i : i;
        char record[128];
        if (at == n)
            (void)snprintf(record, sizeof record, "<N%u.b>" IS_A ADDR1, at);
        else
            (void)snprintf(record, sizeof record, "<n%u.b>" IS_CNAME "[<n%u.b>]", at, at + 1);
        put_message(&b, record);
    }
    assert_true(read_tight(b.p, b.len, &dns));
    bytes_free(&b);
    return dns.n_addrs;
}

static void test_chains(void **state)
{
    (void)state;
    for (unsigned backward = 0; backward < 2; backward++) {
        assert_int_equal(follow_chain(1, backward), 1);
        assert_int_equal(follow_chain(20, backward), 1);
        assert_int_equal(follow_chain(127, backward), 1);
        assert_int_equal(follow_chain(128, backward), 0); /* records that are kept */
    }
}

static void test_many(void **state)
{
    struct bytes b = {0};
    struct sight_dns dns;
    (void)state;
    /* Addresses: the first ones. */
    put_message(&b, SAYS "0001 0064 0000 0000 <a.b> " ASKED_A);
    for (unsigned i = 0; i < 100; i++) {
        put_message(&b, "c00c " IS_A "0a0000");
        put_fill(&b, (uint8_t)i, 1);
    }
    assert_true(read_tight(b.p, b.len, &dns));
    assert_int_equal(dns.n_addrs, SIGHT_DNS_ADDRS);
    assert_int_equal(dns.addrs[SIGHT_DNS_ADDRS - 1].addr[3], SIGHT_DNS_ADDRS - 1);
    bytes_free(&b);
    /* Questions; the answer to one that is kept counts, to others none. */
    put_message(&b, SAYS "0064 0002 0000 0000");
    for (unsigned i = 0; i < 100; i++) {
        char question[32];
        (void)snprintf(question, sizeof question, "<q%u.b>" ASKED_A, i);
        put_message(&b, question);
    }
    put_message(&b, "<q8.b> " IS_A ADDR1 "<q7.b> " IS_A ADDR2);
    assert_true(read_tight(b.p, b.len, &dns));
    assert_int_equal(dns.n_questions, SIGHT_DNS_QUESTIONS);
    assert_int_equal(dns.n_addrs, 1);
    assert_int_equal(dns.addrs[0].question, 7);
    bytes_free(&b);
    /* Owners, where no question is repeated. */
    put_message(&b, "0000 8400 0000 0064 0000 0000");
    for (unsigned i = 0; i < 100; i++) {
        char record[64];
        (void)snprintf(record, sizeof record, "<o%u.local>" IS_A ADDR1, i);
        put_message(&b, record);
    }
    assert_true(read_tight(b.p, b.len, &dns));
    assert_int_equal(dns.n_questions, SIGHT_DNS_QUESTIONS);
    assert_int_equal(dns.n_addrs, SIGHT_DNS_QUESTIONS);
    bytes_free(&b);
}

/* A message as long as one over TCP can be, and longer, with records that matter to its end. */
static void test_long(void **state)
{
    struct bytes b = {0};
    struct sight_dns dns;
    (void)state;
    put_message(&b, SAYS "0001 ffff 0000 0000 <a.b> " ASKED_A);
    while (b.len < 70000)
        put_message(
            &b, "c00c 0010 0001 00000000 [\"12345678901234567890123456789012345678901234567890\"]");
    put_message(&b, "c00c " IS_A ADDR1);
    assert_true(read_tight(b.p, b.len, &dns));
    assert_int_equal(dns.n_addrs, 0);
    b.len = 60000 / 62 * 62 + 21;
    put_message(&b, "c00c " IS_A ADDR1);
    assert_true(read_tight(b.p, b.len, &dns));
    assert_int_equal(dns.n_addrs, 1);
    bytes_free(&b);
}

UNIT(dns)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),     cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_pointers), cmocka_unit_test(test_chains),
        cmocka_unit_test(test_many),     cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
