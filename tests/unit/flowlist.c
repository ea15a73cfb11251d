/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "support_temp.h"

#include "base/mem.h"
#include "scan/listfile.h"
#include "scan/listrow.h"
#include "walk/walk.h"

/* 10.0.0.1:50000 to 10.0.0.2:80 by TCP. */
static const struct clv_tuple tcp = {.src = {10, 0, 0, 1},
                                     .dst = {10, 0, 0, 2},
                                     .sport = 50000,
                                     .dport = 80,
                                     .proto = CLV_PROTO_TCP,
                                     .family = 4,
                                     .flags = CLV_TUPLE_PORTS};
static const struct clv_tuple icmp6 = {
    .src = {0xfe, 0x80, [15] = 1}, .dst = {0xfe, 0x80, [15] = 2}, .proto = 58, .family = 6};

/* In pieces of so many bytes. */
static bool read_pieces(struct flowlist *list, const char *text, size_t len, uint64_t piece,
                        struct clv_error *err)
{
    struct temp t;
    temp_make(&t);
    assert_true(flowlist_init(list, 0, NULL));
    const bool ok = listfile_read_pieces(list, temp_file(&t, "list", text, len), 2, piece, err);
    temp_remove(&t);
    return ok;
}

static bool read_text(struct flowlist *list, const char *text, struct clv_error *err)
{
    return read_pieces(list, text, strlen(text), 1 << 20, err);
}

static uint32_t row_of(const struct flowlist *list, const struct clv_tuple *t, int64_t ts_ns)
{
    const struct flowlist_ask ask = {.tuple = t, .first_ns = ts_ns, .last_ns = ts_ns};
    return flowlist_match(list, &ask, NULL);
}

/* Which row each of two records is of, at one second. */
static void test_rows(void **state)
{
    static const struct {
        const char *name, *text;
        uint32_t tcp, icmp6, n;
    } rows[] = {
        {"all of it", "src,sport,dst,dport,proto\n10.0.0.1,50000,10.0.0.2,80,tcp\n", 1, 0, 1},
        {"turned", "src,sport,dst,dport,proto\n10.0.0.2,80,10.0.0.1,50000,6\n", 1, 0, 1},
        {"half turned", "src,sport,dst,dport\n10.0.0.2,50000,10.0.0.1,80\n", 0, 0, 1},
        {"an end", "dst,dport\n10.0.0.1,50000\n", 1, 0, 1},
        {"a mixture of ends", "dst,dport\n10.0.0.1,80\n", 0, 0, 1},
        {"the second row", "dport\n81\n80\n", 2, 0, 2},
        {"the first of two", "dport,src\n80,\n,10.0.0.1\n", 1, 0, 2},
        {"the first of two, of which it is by less", "src,dport\n10.0.0.1,\n,80\n", 1, 0, 2},
        {"ICMP of IPv6", "src,proto,sport,dport\nfe80::1,icmp,128,0\n", 0, 1, 1},
        {"in time", "src,first,last\nfe80::2,1,1\n", 0, 1, 1},
        {"before", "src,last\nfe80::2,0.999999999\n", 0, 0, 1},
        {"after", "src,first\nfe80::2,1.000000001\n", 0, 0, 1},
        {"as exact as its digits", "src,last\nfe80::2,0.9\n", 0, 0, 1},
        {"exact enough", "src,first,last\nfe80::2,1.999,0.001\n,1,1\n", 2, 2, 2},
        {"times alone", "first\n1970-01-01T00:00:01Z\n", 1, 1, 1},
        {"a later row of the same key", "proto,first\ntcp,5\ntcp,1\n", 2, 0, 2},
        {"tabs, capitals, a mark before them", "\xef\xbb\xbfSRC_IP\tx\r\n10.0.0.1\t\"\r\n", 1, 0,
         1},
        {"JSON", "{\"src_ip\":\"fe80::1\",\"a\":[1,{\"src_ip\":2}],\"b\":null}\n", 0, 1, 1},
        {"JSON, nested and escaped",
         "{\"id\":{\"orig_h\":\"10.0.\\u0030.1\", \"orig_p\" : 50000 }}", 1, 0, 1},
        {"JSON that says nothing", "{}\n{\"x\":true}\n{\"dport\":80}\n", 1, 0, 1},
        {"Zeek", "#fields\tts\tid.orig_h\tduration\n0.5\t10.0.0.1\t0.5\n0.5\t10.0.0.1\t-\n", 1, 0,
         2},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct flowlist list;
        struct clv_error err = {.code = CLV_ERR_NONE};
        CHECK(rows[i].name, read_text(&list, rows[i].text, &err));
        CHECK_EQ(rows[i].name, list.n, rows[i].n);
        CHECK_EQ(rows[i].name, row_of(&list, &tcp, 1000000000), rows[i].tcp);
        CHECK_EQ(rows[i].name, row_of(&list, &icmp6, 1000000000), rows[i].icmp6);
        flowlist_fini(&list);
    }
}

/* Other rows that a record is of are told, too, once. */
static void test_more(void **state)
{
    struct flowlist list;
    struct flowlist_more more = {.n = 0};
    uint64_t lines[2];
    const struct flowlist_ask ask = {.tuple = &tcp, .first_ns = 0, .last_ns = 0};
    (void)state;
    assert_true(read_text(&list, "proto,dport,label\ntcp,,a\n,80,b\n,81,a\ntcp,80,\n", NULL));
    assert_int_equal(list.labels.of.n, 2);
    assert_int_equal(flowlist_label_of(&list, 2), flowlist_label_of(&list, 0));
    assert_int_equal(flowlist_match(&list, &ask, &more), 1);
    assert_int_equal(more.n, 3);
    assert_int_equal(flowlist_unmet(&list, lines, 2), 4); /* nobody met them yet */
    for (size_t i = 0; i < more.n; i++)
        flowlist_meet(&list, more.rows[i]);
    more.n = 0;
    assert_int_equal(flowlist_match(&list, &ask, &more), 1);
    assert_int_equal(more.n, 0);
    assert_int_equal(flowlist_unmet(&list, lines, 2), 1);
    assert_int_equal(lines[0], 4);
    mem_free(more.rows);
    flowlist_fini(&list);
}

/* More rows and labels than tables begin with. */
static void test_many(void **state)
{
    enum { N = 3000 };
    struct flowlist list;
    (void)state;
    assert_true(flowlist_init(&list, 0, NULL) && flowlist_make_parts(&list, 1));
    for (uint32_t i = 0; i < N; i++) {
        char text[16];
        const struct flow_key key = {.kind = LIST_SPORT, .a_port = (uint16_t)(i / 2)};
        uint32_t label;
        const int len = snprintf(text, sizeof text, "l%u", i % 1000);
        assert_true(flowlist_label(&list, &list.parts[0], text, (size_t)len, &label));
        assert_int_equal(label, i % 1000 + 1);
        assert_true(flowlist_add(&list, &list.parts[0], &key, NULL, label, i + 1));
    }
    assert_true(flowlist_settle(&list, 2));
    for (uint32_t i = 0; i < N / 2; i++) {
        struct clv_tuple t = tcp;
        t.sport = (uint16_t)i;
        t.dport = N;
        assert_int_equal(row_of(&list, &t, WALK_NO_TIME), 2 * i + 1);
    }
    assert_int_equal(flowlist_unmet(&list, NULL, 0), 0);
    flowlist_fini(&list);
}

/* Whatever the pieces are, lines, labels and rows are those of the file. */
static void test_pieces(void **state)
{
    static const struct {
        const char *name, *text, *what; /* NULL: it is right */
        uint32_t row, label, n;         /* of the record, from 1 */
    } rows[] = {
        {"quotes", "src,label\n\n10.9.0.1,a\r\n\"10.0.0.1\",\"b, \"\"c\"\n10.0.0.2,b\n", NULL, 2, 2,
         3},
        {"a comment", "label,dst\nx,10.0.0.1\n# y,10.0.0.2\ny,10.0.0.2", NULL, 1, 1, 2},
        {"other columns",
         "#fields\tid.orig_h\tlabel\n10.9.0.1\tx\n#fields\tlabel\tid.orig_h\ny\t10.0.0.1\n"
         "#fields\tid.orig_h\tlabel\n10.9.0.1\tx\n",
         NULL, 2, 2, 3},
        {"JSON", "{\"src\":\"::1\",\"label\":\"c\"}\n{}\n{\"dport\":80,\"label\":\"b\"}", NULL, 2,
         2, 2},
        {"a bad line", "src,dport\n10.0.0.1,1\n10.0.0.1,2\n10.0.0.1,x\nx,1\n",
         "line 4: \"x\" is not a port", 0, 0, 0},
        {"a bad line after other columns",
         "#fields\tsrc\tdport\n::1\t1\n#fields\tdport\tsrc\n1\t::1\n::1\t1\n",
         "line 5: \"1\" is not an address", 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++)
        for (uint64_t piece = 1; piece < 70; piece++) {
            struct flowlist list;
            struct clv_error err = {.code = CLV_ERR_NONE};
            const bool ok = read_pieces(&list, rows[i].text, strlen(rows[i].text), piece, &err);
            CHECK_EQ(rows[i].name, ok, !rows[i].what);
            CHECK(rows[i].name, !rows[i].what || strcmp(err.what, rows[i].what) == 0);
            CHECK_EQ(rows[i].name, list.n, rows[i].n);
            const uint32_t row = ok ? row_of(&list, &tcp, 0) : 0;
            uint32_t number = row ? (row - 1) & ((1U << list.bits) - 1) : 0;
            for (struct flowlist_part *p = list.parts; row && p < flowlist_part_of(&list, row - 1);
                 p++)
                number += p->n;
            CHECK_EQ(rows[i].name, row ? number + 1 : 0, rows[i].row);
            CHECK_EQ(rows[i].name, row ? flowlist_label_of(&list, row - 1) : 0, rows[i].label);
            flowlist_fini(&list);
        }
}

/* A line that is longer than what is read at a time, and one behind it. */
static void test_long(void **state)
{
    enum { LONG = 1 << 19 };
    static const char head[] = "dport,x\n80,", last[] = "\n81,\"";
    static char text[LONG];
    struct clv_error err = {.code = CLV_ERR_NONE};
    (void)state;
    memset(text, ',', sizeof text);
    memcpy(text, head, sizeof head - 1);
    for (uint64_t piece = 1 << 12; piece <= LONG; piece *= 2) {
        struct flowlist list;
        for (size_t i = 0; i < sizeof last - 1; i++)
            text[LONG - (sizeof last - 1) + i] = last[i];
        assert_true(read_pieces(&list, text, LONG - 1, piece, NULL));
        assert_int_equal(list.n, 2);
        assert_int_equal(row_of(&list, &tcp, 0), 1);
        flowlist_fini(&list);
        assert_false(read_pieces(&list, text, LONG, piece, &err));
        assert_string_equal(err.what, "line 3: \"\" cannot follow a closing quote");
        flowlist_fini(&list);
    }
}

/* Addresses and ports are what inet_pton() and strtoul() say, whatever lies behind them. */
static void test_values(void **state)
{
    static const char *const texts[] = {"0.0.0.0",
                                        "255.255.255.255",
                                        "256.1.1.1",
                                        "1.2.3.999",
                                        "01.2.3.4",
                                        "1.2.3.00",
                                        "1..2.3",
                                        "1.2.3.",
                                        ".1.2.3",
                                        "1.2.3",
                                        "1.2.3.4.5",
                                        "1111.2.3.4",
                                        "1.2.3.4x",
                                        "::ffff:1.2.3.4",
                                        "1.2.3.4 ",
                                        "123.123.123.1234",
                                        "0",
                                        "65535",
                                        "65536",
                                        "00000080",
                                        "000000000080",
                                        "99999999",
                                        "8o",
                                        "-1",
                                        "+1"};
    static const char some[] = "0123456789.0123456789.....1x:";
    struct flowlist list;
    uint32_t random = 1;
    (void)state;
    assert_true(flowlist_init(&list, 0, NULL) && flowlist_make_parts(&list, 1));
    for (unsigned i = 0; i < 40000; i++) {
        char text[24 + LISTROW_PAD];
        uint8_t addr[16] = {0};
        struct listrow r = {.list = &list};
        struct flow_key key;
        size_t len = 1 + (random >> 8) % 17;
        for (size_t k = 0; k < sizeof text; k++) {
            random = random * 1664525 + 1013904223;
            text[k] = some[(random >> 16) % (sizeof some - 1)];
        }
        if (i < N_ROWS(texts))
            len = (size_t)snprintf(text, sizeof text, "%s", texts[i]);
        else if (i % 2) /* an address, most times */
            len = (size_t)snprintf(text, 24, "%u.%u.%u.%u", random % 300, (random >> 9) % 260,
                                   (random >> 18) % 12, (random >> 5) % 257);
        const enum list_column c = i % 3 || i < 16 ? COLUMN_SRC : COLUMN_SPORT;
        char copy[24];
        memcpy(copy, text, len);
        copy[len] = '\0';
        listrow_begin(&r, &list.parts[0], false);
        listrow_text(&r, c, text, len);
        flowlist_part_clear(&list.parts[0]);
        const bool ok = listrow_take(&r);
        const bool four = inet_pton(AF_INET, copy, addr) == 1,
                   six = !four && inet_pton(AF_INET6, copy, addr) == 1;
        const unsigned long port =
            strspn(copy, "0123456789") == len ? strtoul(copy, NULL, 10) : 65536;
        CHECK_EQ(copy, ok, c == COLUMN_SRC ? four || six : port <= 65535);
        if (!ok)
            continue;
        flowlist_key(&list, 0, &key);
        if (c == COLUMN_SRC)
            CHECK(copy, memcmp(key.a, addr, 16) == 0 && key.family == (four ? 4 : 6));
        else
            CHECK_EQ(copy, key.a_port, port);
    }
    flowlist_fini(&list);
}

/* What is kept of flows is what would be found. */
static void test_memo(void **state)
{
    static const char text[] = "src,dport,first,last,label\n10.0.0.1,,1,2,a\n10.0.0.1,80,,,b\n"
                               "10.0.0.3,,1,,\n,443,3,4,c\n10.0.0.4,,2,2,a\n";
    struct flowlist list;
    struct flowlist_memo *memo;
    struct flowlist_more more = {.n = 0}, other = {.n = 0};
    (void)state;
    assert_true(read_text(&list, text, NULL) && (memo = flowlist_memo_create(&list)));
    for (unsigned i = 0; i < 4000; i++) {
        struct clv_tuple t = tcp;
        uint32_t label;
        t.src[3] = (uint8_t)(1 + i % 4);
        t.dport = i % 7 < 4 ? 80 : 443;
        t.sport = (uint16_t)(i % 3);
        const int64_t ns = (int64_t)(i * 2654435761U % 11) * 500000000;
        const struct flowlist_ask ask = {.tuple = &t, .first_ns = ns, .last_ns = ns};
        if (i % 100 == 0)
            flowlist_memo_begin(memo);
        if (i == 2000)
            more.n = 0; /* what was scanned up to here is done again */
        const uint32_t row = flowlist_match(&list, &ask, &other);
        assert_int_equal(flowlist_recall(memo, &list, &ask, &more, &label), row);
        assert_int_equal(label, row ? flowlist_label_of(&list, row - 1) : 0);
        for (size_t k = 0; i == 3000 && k < more.n; k++)
            flowlist_meet(&list, more.rows[k]); /* all have been there since */
    }
    assert_int_equal(flowlist_unmet(&list, NULL, 0), 0);
    flowlist_memo_destroy(&memo);
    mem_free(more.rows);
    mem_free(other.rows);
    flowlist_fini(&list);
}

enum { SHARED_MAX = 60 };

/* Rows of two keys that differ in times, and which of them records were of. */
struct shared {
    struct flowlist_times times[SHARED_MAX];
    bool of_80[SHARED_MAX], met[SHARED_MAX];
    unsigned n;
};

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 8;
}

static bool read_shared(struct flowlist *list, struct shared *s, uint32_t *random)
{
    char text[SHARED_MAX * 64] = "dport,first,last\n";
    size_t len = strlen(text);
    *s = (struct shared){.n = 1 + next_random(random) % SHARED_MAX};
    const unsigned spread = 2 + next_random(random) % 40;
    for (unsigned i = 0; i < s->n; i++) {
        const unsigned first = next_random(random) % spread, more = next_random(random) % spread;
        const bool any_first = next_random(random) % 9 == 0;
        const bool any_last = !any_first && next_random(random) % 9 == 0;
        char a[32] = "", b[32] = "";
        s->of_80[i] = next_random(random) % 4;
        s->times[i] = (struct flowlist_times){INT64_MIN, INT64_MAX};
        if (!any_first) {
            s->times[i].first_ns = first * INT64_C(1000000000);
            (void)snprintf(a, sizeof a, "%u.000000000", first);
        }
        if (!any_last) {
            s->times[i].last_ns = (first + more) * INT64_C(1000000000);
            (void)snprintf(b, sizeof b, "%u.000000000", first + more);
        }
        len += (size_t)snprintf(text + len, sizeof text - len, "%s,%s,%s\n",
                                s->of_80[i] ? "80" : "81", a, b);
    }
    return read_text(list, text, NULL);
}

/* The first row that a record or flow is of, + 1; meet: all of them are met. */
static uint32_t plain_match(struct shared *s, const struct flowlist_ask *ask, bool meet)
{
    uint32_t best = 0;
    for (unsigned i = s->n; i-- > 0;) {
        if (s->of_80[i] != (ask->tuple->dport == 80) || ask->last_ns == WALK_NO_TIME ||
            s->times[i].first_ns > ask->last_ns || s->times[i].last_ns < ask->first_ns)
            continue;
        best = i + 1;
        s->met[i] |= meet;
    }
    return best;
}

static unsigned plain_unmet(const struct shared *s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s->n; i++)
        n += !s->met[i];
    return n;
}

/* Many rows that share a key: those of records, of flows, and of what is scanned twice. */
static void test_shared(void **state)
{
    uint32_t random = 1;
    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        struct flowlist list;
        struct flowlist_memo *memo;
        struct flowlist_more more = {.n = 0};
        struct shared s;
        struct clv_tuple t = tcp;
        assert_true(read_shared(&list, &s, &random) && (memo = flowlist_memo_create(&list)));
        const bool flows = i % 3 == 0;
        for (unsigned rounds = next_random(&random) % 12; rounds; rounds--) {
            const bool is_done = next_random(&random) % 3; /* or it is scanned again, not here */
            flowlist_memo_begin(memo);
            for (unsigned n = next_random(&random) % 12; n; n--) {
                uint32_t label;
                t.dport = next_random(&random) % 3 ? 80 : 81;
                struct flowlist_ask ask = {.tuple = &t};
                ask.first_ns = (next_random(&random) % 80) * INT64_C(500000000);
                if (flows) {
                    ask.last_ns = ask.first_ns + next_random(&random) % 4 * INT64_C(7000000000);
                    assert_int_equal(flowlist_match(&list, &ask, NULL),
                                     plain_match(&s, &ask, true));
                    continue;
                }
                if (next_random(&random) % 8 == 0)
                    ask.first_ns = WALK_NO_TIME;
                ask.last_ns = ask.first_ns;
                assert_int_equal(flowlist_recall(memo, &list, &ask, &more, &label),
                                 plain_match(&s, &ask, is_done));
            }
            for (size_t k = 0; is_done && k < more.n; k++)
                flowlist_meet(&list, more.rows[k]);
            more.n = 0;
            assert_int_equal(flowlist_unmet(&list, NULL, 0), plain_unmet(&s));
        }
        flowlist_memo_destroy(&memo);
        mem_free(more.rows);
        flowlist_fini(&list);
    }
}

UNIT(flowlist)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),   cmocka_unit_test(test_more),   cmocka_unit_test(test_many),
        cmocka_unit_test(test_pieces), cmocka_unit_test(test_long),   cmocka_unit_test(test_values),
        cmocka_unit_test(test_memo),   cmocka_unit_test(test_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
