/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_flow.h"
#include "support_piece.h"
#include "support_temp.h"

#include "base/io.h"
#include "base/mem.h"

/* A generated epoch: flows in an order that mixes them, and which partition each belongs to. */
static void mix(unsigned *flows, size_t n, unsigned n_flows, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        flows[i] = (unsigned)(noise(&seed) >> 33) % n_flows;
}

/* References of each run: those of its flow's records, in the capture's order. */
static void check_runs(const struct partition *p, const char *row, const unsigned *flows, size_t n,
                       uint32_t number, uint32_t n_partitions, uint64_t seq)
{
    size_t n_refs = 0;
    for (size_t r = 0; r < p->n_write_runs; r++) {
        const struct run *run = &p->write_runs[r];
        const struct flow *f = flow_table_at(&p->flows, run->flow);
        const unsigned flow = f->key.a_port - 1000u;
        CHECK_EQ(row, flow % n_partitions, number);
        uint32_t k = 0;
        for (size_t i = 0; i < n; i++) {
            if (flows[i] != flow)
                continue;
            const struct form_ref *ref = &p->refs[run->at - run->n + k];
            if (k == 0)
                CHECK_EQ(row, run->first_ns, (seq + i) * 1000);
            CHECK_EQ(row, ref->offset, i * RECORD_LEN);
            CHECK_EQ(row, ref->len, RECORD_LEN);
            k++;
        }
        CHECK_EQ(row, run->n, k);
        n_refs += k;
    }
    size_t want = 0;
    for (size_t i = 0; i < n; i++)
        want += flows[i] % n_partitions == number;
    CHECK_EQ(row, n_refs, want);
}

static void test_find_and_sort(void **state)
{
    static const struct {
        const char *name;
        size_t n;
        unsigned n_flows;
        uint32_t n_partitions;
        unsigned epochs;
    } rows[] = {
        {"nothing", 0, 1, 1, 2},
        {"one record", 1, 1, 1, 2},
        {"one flow", 1000, 1, 1, 2},
        {"each record its own flow", 500, 1u << 15, 1, 1},
        {"one log chunk exactly", LOG_CHUNK, 10, 1, 3},
        {"one record more", LOG_CHUNK + 1, 10, 1, 3},
        {"many log chunks", 5 * LOG_CHUNK + 17, 300, 1, 3},
        {"three partitions", 4000, 500, 3, 4},
        {"a partition without flows", 100, 2, 4, 2},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *row = rows[i].name;
        const size_t n = rows[i].n;
        unsigned *flows = calloc(n ? n : 1, sizeof *flows);
        struct form_ref *refs = calloc(n ? n : 1, sizeof *refs);
        uint64_t *per_flow = calloc(1u << 15, sizeof *per_flow);
        assert_true(flows && refs && per_flow);
        for (uint32_t number = 0; number < rows[i].n_partitions; number++) {
            struct partition p;
            assert_true(partition_init(&p, by_flow(), &no_cuts, NULL));
            memset(per_flow, 0, sizeof *per_flow << 15);
            for (uint32_t epoch = 1; epoch <= rows[i].epochs; epoch++) {
                mix(flows, n, rows[i].n_flows, epoch);
                struct scan_piece piece =
                    piece_make(flows, n, rows[i].n_partitions, (epoch - 1) * n);
                const uint32_t before = p.flows.n;
                CHECK(row, partition_find(&p, number, &piece, epoch, (epoch - 1) * n, NULL));
                const uint32_t mine = piece.bounds[number + 1] - piece.bounds[number];
                CHECK_EQ(row, p.n_log, mine);
                CHECK_EQ(row, p.pending_bytes, (uint64_t)mine * RECORD_LEN);
                CHECK_EQ(row, p.first_new, before);
                partition_sort(&p, refs);
                CHECK_EQ(row, p.n_log, 0);
                CHECK_EQ(row, p.pending_bytes, 0);
                CHECK_EQ(row, p.n_runs, 0);
                CHECK_EQ(row, p.first_new, p.flows.n);
                check_runs(&p, row, flows, n, number, rows[i].n_partitions, (epoch - 1) * n);
                for (size_t k = 0; k < n; k++)
                    per_flow[flows[k]]++;
                piece_free(&piece);
            }
            for (uint32_t f = 0; f < p.flows.n; f++) {
                const struct flow *flow = flow_table_at(&p.flows, f);
                const uint64_t want = per_flow[flow->key.a_port - 1000u];
                CHECK_EQ(row, flow->index, f);
                CHECK_EQ(row, flow->sum[0].packets, want);
                CHECK_EQ(row, flow->sum[0].captured, want * 40);
                CHECK_EQ(row, flow->sum[0].wire, want * 60);
                CHECK_EQ(row, flow->sum[1].packets, 0);
            }
            partition_fini(&p);
        }
        free(flows);
        free(refs);
        free(per_flow);
    }
}

/* Several pieces of one epoch: runs go on from piece to piece. */
static void test_pieces(void **state)
{
    static const unsigned first[] = {0, 1, 0}, second[] = {1, 2, 0, 2};
    struct form_ref refs[7];
    struct partition p;
    (void)state;
    assert_true(partition_init(&p, by_flow(), &no_cuts, NULL));
    struct scan_piece a = piece_make(first, 3, 1, 100), b = piece_make(second, 4, 1, 103);
    for (size_t i = 0; i < 4; i++)
        b.items[i].offset += 3 * RECORD_LEN;
    CHECK("a", partition_find(&p, 0, &a, 1, 100, NULL));
    CHECK("b", partition_find(&p, 0, &b, 1, 100, NULL));
    CHECK_EQ("runs", p.n_runs, 3);
    /* Until it is numbered a flow's n is the record's number in the epoch. */
    CHECK_EQ("flow 0", flow_table_at(&p.flows, 0)->n, 0);
    CHECK_EQ("flow 1", flow_table_at(&p.flows, 1)->n, 1);
    CHECK_EQ("flow 2", flow_table_at(&p.flows, 2)->n, 4);
    partition_sort(&p, refs);
    static const uint32_t want[] = {0, 2, 5, 1, 3, 4, 6}; /* flow 0, flow 1, flow 2 */
    for (size_t i = 0; i < 7; i++)
        CHECK_EQ("reference", refs[i].offset, want[i] * RECORD_LEN);
    piece_free(&a);
    piece_free(&b);
    partition_fini(&p);
}

/* Directions, times out of order, TCP flags. */
static void test_sums(void **state)
{
    static const unsigned flows[] = {0, 0, 0, 0};
    struct partition p;
    (void)state;
    assert_true(partition_init(&p, by_flow(), &no_cuts, NULL));
    struct scan_piece piece = piece_make(flows, 4, 1, 0);
    static const struct {
        uint8_t dir, tcp_flags;
        int64_t ts_ns;
        uint32_t caplen, origlen;
    } items[] = {{1, 0x02, 50, 10, 100},
                 {0, 0x12, 70, 20, 200},
                 {1, 0x10, 20, 30, 300},
                 {1, 0x11, 60, 40, 400}};
    for (size_t i = 0; i < 4; i++) {
        piece.items[i].dir = items[i].dir;
        piece.items[i].tcp_flags = items[i].tcp_flags;
        piece.items[i].ts_ns = items[i].ts_ns;
        piece.items[i].caplen = items[i].caplen;
        piece.items[i].origlen = items[i].origlen;
    }
    CHECK("find", partition_find(&p, 0, &piece, 1, 0, NULL));
    const struct flow *f = flow_table_at(&p.flows, 0);
    CHECK_EQ("one flow", p.flows.n, 1);
    CHECK_EQ("reversed", f->reversed, 1);
    CHECK_EQ("first", f->first_ns, 20);
    CHECK_EQ("last", f->last_ns, 70);
    CHECK_EQ("flags", f->tcp_flags[0], 0x12);
    CHECK_EQ("flags", f->tcp_flags[1], 0x13);
    CHECK_EQ("packets", f->sum[0].packets, 1);
    CHECK_EQ("packets", f->sum[1].packets, 3);
    CHECK_EQ("captured", f->sum[0].captured, 20);
    CHECK_EQ("captured", f->sum[1].captured, 80);
    CHECK_EQ("wire", f->sum[0].wire, 200);
    CHECK_EQ("wire", f->sum[1].wire, 800);
    CHECK_EQ("time of the run's first record", p.runs[0].first_ns, 50);
    piece_free(&piece);
    partition_fini(&p);
}

/* Records without a time are counted, and leave first and last to the others. */
static void test_no_time(void **state)
{
    static const struct {
        const char *name;
        int64_t ts_ns[3];
        int64_t first, last;
    } rows[] = {
        {"none has one", {WALK_NO_TIME, WALK_NO_TIME, WALK_NO_TIME}, INT64_MAX, INT64_MIN},
        {"the first has none", {WALK_NO_TIME, 20, 10}, 10, 20},
        {"the last has none", {20, 30, WALK_NO_TIME}, 20, 30},
        {"before the epoch", {-5, WALK_NO_TIME, -7}, -7, -5},
        {"the earliest there can be", {WALK_NO_TIME + 1, 0, 0}, WALK_NO_TIME + 1, 0},
    };
    static const unsigned flows[] = {0, 0, 0};
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct partition p;
        assert_true(partition_init(&p, by_flow(), &no_cuts, NULL));
        struct scan_piece piece = piece_make(flows, 3, 1, 0);
        for (size_t k = 0; k < 3; k++)
            piece.items[k].ts_ns = rows[i].ts_ns[k];
        CHECK(rows[i].name, partition_find(&p, 0, &piece, 1, 0, NULL));
        const struct flow *f = flow_table_at(&p.flows, 0);
        CHECK_EQ(rows[i].name, f->sum[0].packets, 3);
        CHECK_EQ(rows[i].name, f->first_ns, rows[i].first);
        CHECK_EQ(rows[i].name, f->last_ns, rows[i].last);
        CHECK_EQ(rows[i].name, p.runs[0].first_ns, rows[i].ts_ns[0]);
        piece_free(&piece);
        partition_fini(&p);
    }
}

/* Keys whose hashes are equal, met for the first time within one lookahead of one another. */
static void test_equal_hashes(void **state)
{
    enum { N = 600 };
    static unsigned flows[N];
    static struct form_ref refs[N];
    struct partition p;
    (void)state;
    assert_true(partition_init(&p, by_flow(), &no_cuts, NULL));
    mix(flows, N, 40, 3);
    struct scan_piece piece = piece_make(flows, N, 1, 0);
    for (size_t i = 0; i < N; i++)
        piece.items[i].hash = 0x5555;
    CHECK("find", partition_find(&p, 0, &piece, 1, 0, NULL));
    CHECK_EQ("flows", p.flows.n, 40);
    partition_sort(&p, refs);
    check_runs(&p, "equal hashes", flows, N, 0, 1, 0);
    piece_free(&piece);
    partition_fini(&p);
}

static void test_names(void **state)
{
    enum { N = 2000 };
    struct partition p;
    (void)state;
    assert_true(partition_init(&p, by_flow(), &no_cuts, NULL));
    for (uint32_t i = 0; i < N; i++) {
        const struct flow_key key = piece_key(i);
        char name[128];
        assert_int_equal(flow_table_add(&p.flows, &key, NULL, flow_key_hash(&key, SECRET)), i);
        const int len = snprintf(name, sizeof name, "%0*u", (int)(1 + i * 7 % 100), i);
        CHECK("set", partition_set_name(&p, i, name, (size_t)len, NULL));
    }
    for (uint32_t i = 0; i < N; i++) {
        char want[128];
        (void)snprintf(want, sizeof want, "%0*u", (int)(1 + i * 7 % 100), i);
        CHECK_STR(want, partition_name(&p, i), want);
    }
    struct clv_error err = {0};
    mem_fail_from(1);
    bool failed = false; /* a block is full at the latest after 16 KiB of names */
    for (uint32_t i = 0; i < N && !failed; i++)
        failed = !partition_set_name(&p, i, "0123456789", 10, &err);
    mem_fail_from(0);
    CHECK("no memory", failed);
    CHECK_EQ("no memory", err.code, CLV_ERR_NOMEM);
    partition_fini(&p);
}

/* Through to the files: an output holds its flow's records, epoch after epoch. */
static void test_write(void **state)
{
    enum { N = 3000, N_FLOWS = 50, EPOCHS = 3, HEADER = 24 };
    static const struct dialect dialect = {.header = "a header of 24 bytes..."};
    static struct bytes want[N_FLOWS];
    static unsigned flows[N];
    static struct form_ref refs[N];
    struct temp t;
    struct partition p;
    struct bytes source = {0};
    struct clv_error err = {0};
    (void)state;
    temp_make(&t);
    const int dir_fd = open(t.dir, O_RDONLY | O_DIRECTORY);
    assert_true(dir_fd >= 0);
    struct form_scratch scratch;
    assert_true(form_scratch_init(&scratch, CLV_COMPRESS_NONE));
    assert_true(partition_init(&p, by_flow(), &no_cuts, NULL));
    files_init(&p.files, dir_fd, IO_MODE, false, 7);
    writer_init(&p.writer, &p.flows, &(struct form){.dialect = &dialect}, &p.files.sink);
    for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++) {
        uint64_t seed = epoch;
        source.len = 0;
        put_noise(&source, &seed, N * RECORD_LEN);
        mix(flows, N, N_FLOWS, epoch);
        struct scan_piece piece = piece_make(flows, N, 1, (epoch - 1) * N);
        CHECK("find", partition_find(&p, 0, &piece, epoch, (epoch - 1) * N, &err));
        for (uint32_t i = p.first_new; i < p.flows.n; i++) {
            char name[32];
            const unsigned flow = flow_table_at(&p.flows, i)->key.a_port - 1000u;
            const int len = snprintf(name, sizeof name, "%u.pcap", flow);
            CHECK("name", partition_set_name(&p, i, name, (size_t)len, &err));
            put_bytes(&want[flow], dialect.header, HEADER);
        }
        partition_sort(&p, refs);
        const struct form_round round = {
            .base = source.p, .source = {.dialect = &dialect}, .last = epoch == EPOCHS};
        CHECK("write", partition_write(&p, &scratch, &round, &err));
        CHECK_EQ("written", p.n_write_runs, 0);
        for (size_t i = 0; i < N; i++)
            put_bytes(&want[flows[i]], source.p + i * RECORD_LEN, RECORD_LEN);
        piece_free(&piece);
    }
    CHECK_EQ("all are closed", p.files.n_open, 0);
    CHECK_EQ("records", p.writer.records, N * EPOCHS);
    for (unsigned flow = 0; flow < N_FLOWS; flow++) {
        char name[32];
        struct bytes got = {0};
        (void)snprintf(name, sizeof name, "%u.pcap", flow);
        temp_read(&t, name, &got);
        CHECK_EQ(name, got.len, want[flow].len);
        CHECK_MEM(name, got.p, want[flow].p, got.len);
        bytes_free(&got);
        bytes_free(&want[flow]);
    }
    CHECK_EQ("files", count_entries(t.dir), N_FLOWS);
    partition_fini(&p);
    form_scratch_fini(&scratch);
    bytes_free(&source);
    assert_int_equal(close(dir_fd), 0);
    temp_remove(&t);
}

static void test_no_memory(void **state)
{
    enum { N = 2 * LOG_CHUNK };
    static unsigned flows[N];
    (void)state;
    mix(flows, N, 400, 9);
    for (uint64_t nth = 1;; nth++) {
        struct partition p;
        struct clv_error err = {0};
        struct scan_piece piece = piece_make(flows, N, 1, 0);
        mem_fail_from(nth);
        const bool init = partition_init(&p, by_flow(), &no_cuts, NULL);
        const bool ok = init && partition_find(&p, 0, &piece, 1, 0, &err);
        mem_fail_from(0);
        CHECK_EQ("no memory", err.code, ok || !init ? CLV_ERR_NONE : CLV_ERR_NOMEM);
        partition_fini(&p);
        piece_free(&piece);
        if (ok) {
            CHECK("something was allocated", nth > 3);
            break;
        }
    }
}

UNIT(partition)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_and_sort), cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_no_time),       cmocka_unit_test(test_sums),
        cmocka_unit_test(test_equal_hashes),  cmocka_unit_test(test_names),
        cmocka_unit_test(test_write),         cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
