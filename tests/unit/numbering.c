/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_flow.h"
#include "support_piece.h"

#include "base/mem.h"
#include "pipeline/numbering.h"

enum { EPOCH_MAX = 12, EPOCHS = 3, PARTITIONS_MAX = 8 };

static size_t length(const unsigned *flows)
{
    size_t n = 0;
    while (n < EPOCH_MAX && flows[n] != 0)
        n++;
    return n;
}

/* Finds, numbers, names and sorts one epoch as the pipeline does. */
static bool run_epoch(struct numbering *nb, struct partition *parts, uint32_t n_parts,
                      const unsigned *flows, size_t n, uint32_t epoch, uint64_t seq,
                      struct clv_error *err)
{
    static struct form_ref refs[1 << 16];
    const struct form_round round = {.position = 0};
    struct scan_piece piece = piece_make(flows, n, n_parts, seq);
    bool ok = true;
    for (uint32_t p = n_parts; p-- > 0 && ok;) /* not in their order: it must not matter */
        ok = partition_find(&parts[p], p, &piece, epoch, seq, err);
    ok = ok && numbering_epoch(nb, parts, n_parts, n, &round, err);
    for (uint32_t p = 0; p < n_parts && ok; p++)
        ok = numbering_names(nb, &parts[p], p, err);
    ok = ok && (nb->name->unique || numbering_take(nb, parts, err));
    for (uint32_t p = 0; p < n_parts && ok; p++)
        partition_sort(&parts[p], refs);
    piece_free(&piece);
    return ok;
}

struct case_row {
    const char *name;
    const char *template;
    unsigned epochs[EPOCHS][EPOCH_MAX]; /* flows, from 1; 0 ends */
    const char *want[EPOCH_MAX];        /* names in order of their numbers */
    unsigned others[4];                 /* then `other` of these kinds, from 1; 0 ends */
};

#define X PIECE_OTHER
#define Y PIECE_OTHER_KIND(1u)
#define Z PIECE_OTHER_KIND(200u)

static const struct case_row case_rows[] = {
    {"order of appearance",
     "{n}_{sport}",
     {{5, 3, 5, 9, 1}},
     {"1_1005", "2_1003", "3_1009", "4_1001"},
     {0}},
    {"epochs",
     "{n}_{sport}",
     {{5, 3}, {3, 7, 5}, {1, 9, 5}},
     {"1_1005", "2_1003", "3_1007", "4_1001", "5_1009"},
     {0}},
    {"an epoch without new flows",
     "{n}_{sport}",
     {{2, 1}, {1, 2, 1}, {3}},
     {"1_1002", "2_1001", "3_1003"},
     {0}},
    {"other between", "{n}_{sport}", {{X, 4, X, 2}, {X, 8}}, {"1_1004", "2_1002", "3_1008"}, {1}},
    {"other late", "{n}_{sport}", {{4, 2}, {X}}, {"1_1004", "2_1002"}, {1}},
    {"other alone", "{n}", {{X, X}}, {NULL}, {1}},
    {"others in order of appearance",
     "{n}_{sport}",
     {{Z, 4, X, 2, Y}},
     {"1_1004", "2_1002"},
     {201, 1, 2}},
    {"others over epochs", "{n}_{sport}", {{Y, 4}, {Y, X, Y}, {Z}}, {"1_1004"}, {2, 1, 201}},
    {"others alone", "{proto}", {{Z}, {Y}}, {NULL}, {201, 2}},
    {"the name of the second other", "other_2.pcap", {{X, 5}}, {"other_2-2.pcap"}, {1}},
    {"names unique by luck",
     "{sport}.pcap",
     {{5, 3, 5, 9, 1}},
     {"1005.pcap", "1003.pcap", "1009.pcap", "1001.pcap"},
     {0}},
    {"equal names",
     "{proto}.pcap",
     {{5, 3, 5, 9, 1}},
     {"tcp.pcap", "tcp-2.pcap", "tcp-3.pcap", "tcp-4.pcap"},
     {0}},
    {"equal names over epochs",
     "{proto}.pcap",
     {{5, 3}, {9}, {5, 1}},
     {"tcp.pcap", "tcp-2.pcap", "tcp-3.pcap", "tcp-4.pcap"},
     {0}},
    {"equal names beside other", "{proto}", {{X, 5, X, 3}}, {"tcp", "tcp-2"}, {1}},
    {"the name of other", "other.pcap", {{5, 3}}, {"other-2.pcap", "other-3.pcap"}, {0}},
    {"the name of other beside it", "other.pcap", {{X, 5}}, {"other-2.pcap"}, {1}},
    {"the manifest's name", "manifest.csv", {{5}}, {"manifest-2.csv"}, {0}},
    {"the other manifest's name", "manifest.jsonl", {{5}}, {"manifest-2.jsonl"}, {0}},
    {"the record's name", "cleave.json", {{5}}, {"cleave-2.json"}, {0}},
};

/* All flows by number, `other` last; to be freed. NULL: no memory. */
static struct flow_ref *rows_of(const struct numbering *nb, const struct partition *parts,
                                uint32_t n_parts, uint64_t *n)
{
    *n = numbering_outputs(nb);
    struct flow_ref *rows = mem_alloc(*n, sizeof *rows);
    for (uint32_t p = 0; rows && p < n_parts; p++)
        for (uint32_t i = 0; i < parts[p].flows.n; i++)
            rows[numbering_row(nb, flow_table_at(&parts[p].flows, i))] = (struct flow_ref){p, i};
    return rows;
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(case_rows); i++)
        for (uint32_t n_parts = 1; n_parts <= PARTITIONS_MAX; n_parts++) {
            const struct case_row *r = &case_rows[i];
            struct name_template name;
            struct numbering nb;
            struct partition parts[PARTITIONS_MAX];
            char row[80];
            uint64_t seq = 0, n_rows;
            struct clv_error err = {0};
            (void)snprintf(row, sizeof row, "%s, %u partitions", r->name, n_parts);
            assert_true(name_parse(&name, r->template, "a.pcap", by_flow(), NULL));
            numbering_init(&nb, &name, false);
            for (uint32_t p = 0; p < n_parts; p++)
                assert_true(partition_init(&parts[p], by_flow(), &no_cuts, NULL));
            for (uint32_t e = 0; e < EPOCHS; e++) {
                const size_t n = length(r->epochs[e]);
                CHECK(row, run_epoch(&nb, parts, n_parts, r->epochs[e], n, e + 1, seq, &err));
                seq += n;
            }
            uint64_t n_want = 0;
            while (n_want < EPOCH_MAX && r->want[n_want])
                n_want++;
            CHECK_EQ(row, nb.n_numbered, n_want);
            struct flow_ref *rows = rows_of(&nb, parts, n_parts, &n_rows);
            CHECK(row, rows);
            uint64_t n_others = 0;
            while (r->others[n_others])
                n_others++;
            CHECK_EQ(row, n_rows, n_want + n_others);
            for (uint64_t k = 0; k < n_rows; k++) {
                const struct partition *p = &parts[rows[k].part];
                const uint64_t n = k < n_want ? k + 1 : k + 1 - n_want;
                char other[32] = "other.pcap";
                if (k >= n_want)
                    CHECK_EQ(row, flow_table_at(&p->flows, rows[k].flow)->key.kind,
                             r->others[n - 1] - 1);
                if (n > 1)
                    (void)snprintf(other, sizeof other, "other_%u.pcap", (unsigned)n);
                CHECK_STR(row, partition_name(p, rows[k].flow), k < n_want ? r->want[k] : other);
                CHECK_EQ(row, flow_table_at(&p->flows, rows[k].flow)->n, n);
            }
            mem_free(rows);
            for (uint32_t p = 0; p < n_parts; p++)
                partition_fini(&parts[p]);
            numbering_fini(&nb);
        }
}

/* Thousands of flows: numbers follow the first appearance, whatever the partitions. */
static void test_many(void **state)
{
    enum { N = 20000, N_FLOWS = 5000, STEP = 3001 };
    static unsigned flows[N];
    static uint32_t number_of[N_FLOWS];
    uint64_t seed = 77;
    static const char *const templates[] = {"{n:8}_{key}.pcap", "{dport}.pcap"};
    (void)state;
    for (size_t i = 0; i < N; i++)
        flows[i] = (unsigned)(noise(&seed) >> 33) % N_FLOWS;
    memset(number_of, 0, sizeof number_of);
    uint32_t n_flows = 0;
    for (size_t i = 0; i < N; i++)
        if (!number_of[flows[i]])
            number_of[flows[i]] = ++n_flows;
    for (size_t k = 0; k < N_ROWS(templates); k++)
        for (uint32_t n_parts = 1; n_parts <= 7; n_parts += 3) {
            struct name_template name;
            struct numbering nb;
            struct partition parts[PARTITIONS_MAX];
            uint32_t epoch = 0;
            uint64_t n_rows;
            assert_true(name_parse(&name, templates[k], "a.pcap", by_flow(), NULL));
            numbering_init(&nb, &name, false);
            for (uint32_t p = 0; p < n_parts; p++)
                assert_true(partition_init(&parts[p], by_flow(), &no_cuts, NULL));
            for (size_t at = 0; at < N; at += STEP) {
                const size_t n = N - at < STEP ? N - at : STEP;
                CHECK("epoch", run_epoch(&nb, parts, n_parts, flows + at, n, ++epoch, at, NULL));
            }
            CHECK_EQ(templates[k], nb.n_numbered, n_flows);
            struct flow_ref *rows = rows_of(&nb, parts, n_parts, &n_rows);
            assert_non_null(rows);
            CHECK_EQ(templates[k], n_rows, n_flows);
            for (uint64_t i = 0; i < n_rows; i++) {
                char want[64];
                const struct partition *p = &parts[rows[i].part];
                const struct flow *f = flow_table_at(&p->flows, rows[i].flow);
                CHECK_EQ(templates[k], f->n, i + 1);
                CHECK_EQ(templates[k], number_of[f->key.a_port - 1000], i + 1);
                if (k == 0)
                    (void)snprintf(want, sizeof want, "%08u_tcp_10.0.0.1_%u_10.0.0.2_80.pcap",
                                   (unsigned)i + 1, f->key.a_port);
                else if (i == 0)
                    (void)snprintf(want, sizeof want, "80.pcap");
                else
                    (void)snprintf(want, sizeof want, "80-%u.pcap", (unsigned)i + 1);
                CHECK_STR(templates[k], partition_name(p, rows[i].flow), want);
            }
            mem_free(rows);
            for (uint32_t p = 0; p < n_parts; p++)
                partition_fini(&parts[p]);
            numbering_fini(&nb);
        }
}

static void test_too_long(void **state)
{
    static const char *const ends[] = {"{n}.pcap", "x.pcap"}; /* unique, and not */
    static const unsigned flows[] = {1};
    (void)state;
    for (size_t i = 0; i < N_ROWS(ends); i++) {
        struct name_template name;
        struct numbering nb;
        struct partition p;
        struct clv_error err = {0};
        char text[201], input[140];
        struct text t = {.p = text, .cap = sizeof text};
        memset(input, 'a', sizeof input);
        input[sizeof input - 1] = '\0';
        for (unsigned k = 0; k < 20; k++)
            text_str(&t, "{input}/");
        text_str(&t, ends[i]);
        assert_true(name_parse(&name, text_end(&t), input, by_flow(), NULL));
        numbering_init(&nb, &name, false);
        assert_true(partition_init(&p, by_flow(), &no_cuts, NULL));
        CHECK(ends[i], !run_epoch(&nb, &p, 1, flows, 1, 1, 0, &err));
        CHECK_EQ(ends[i], err.code, CLV_ERR_OPTION);
        CHECK_STR(ends[i], err.subject, "name");
        partition_fini(&p);
        numbering_fini(&nb);
    }
}

static void test_no_memory(void **state)
{
    static const char *const templates[] = {"{n}.pcap", "{proto}.pcap"};
    static const unsigned flows[] = {1, 2, 3, 2, 1, 4};
    (void)state;
    for (size_t i = 0; i < N_ROWS(templates); i++)
        for (uint64_t nth = 1;; nth++) {
            struct name_template name;
            struct numbering nb;
            struct partition parts[2];
            struct clv_error err = {0};
            assert_true(name_parse(&name, templates[i], "a.pcap", by_flow(), NULL));
            numbering_init(&nb, &name, false);
            assert_true(partition_init(&parts[0], by_flow(), &no_cuts, NULL) &&
                        partition_init(&parts[1], by_flow(), &no_cuts, NULL));
            mem_fail_from(nth);
            uint64_t n_rows = 0;
            struct flow_ref *rows = NULL;
            const bool ok = run_epoch(&nb, parts, 2, flows, 6, 1, 0, &err);
            mem_fail_from(0);
            if (ok)
                assert_non_null(rows = rows_of(&nb, parts, 2, &n_rows));
            CHECK_EQ(templates[i], err.code, ok ? CLV_ERR_NONE : CLV_ERR_NOMEM);
            mem_free(rows);
            partition_fini(&parts[0]);
            partition_fini(&parts[1]);
            numbering_fini(&nb);
            if (ok) {
                CHECK(templates[i], nth > 5);
                CHECK_EQ(templates[i], n_rows, 4);
                break;
            }
        }
}

UNIT(numbering)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
