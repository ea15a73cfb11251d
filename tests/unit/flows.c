/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows that on_flow is shown are those of the manifest. */
#include "support_temp.h"
#include "support_traffic.h"

#include <errno.h>
#include <sys/resource.h>

#include "cleave/capture.h"
#include "cleave/generate.h"
#include "cleave/split.h"
#include "cleave/time.h"
#include "cleave/verify.h"

enum { TEXT = 1024 };

static struct temp temp;
static char made[512];

static int setup(void **state)
{
    (void)state;
    temp_make(&temp);
    (void)snprintf(made, sizeof made, "%s", temp_path(&temp, "made.pcap"));
    traffic_make(made, 300);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    temp_remove(&temp);
    return 0;
}

/* Rows as CSV, as they come. */
struct rows {
    const char *name;
    struct bytes csv;
    uint64_t n, packets;
    uint32_t input;
    uint64_t last; /* the row after which it is enough; 0: all */
};

/* A member of the row is what its column says, or nothing and the column is empty. */
static void check_column(const char *row, const struct clv_flow *f, const char *column,
                         const char *want)
{
    char text[TEXT];
    const size_t len = clv_flow_column(f, column, text, sizeof text);
    CHECK_EQ(row, len, strlen(text));
    CHECK_STR(row, text, want);
}

static void check_number(const char *row, const struct clv_flow *f, const char *column, bool has,
                         uint64_t n)
{
    char want[32] = "";
    if (has)
        (void)snprintf(want, sizeof want, "%llu", (unsigned long long)n);
    check_column(row, f, column, want);
}

static void check_members(const char *row, const struct clv_flow *f)
{
    char time[64];
    check_column(row, f, "file", f->name);
    check_number(row, f, "flow", f->number, f->number);
    check_number(row, f, "part", f->part, f->part);
    check_number(row, f, "shard", f->shard != CLV_NO_SHARD, f->shard);
    check_number(row, f, "sport", f->has & CLV_FLOW_SPORT, f->tuple.sport);
    check_number(row, f, "dport", f->has & CLV_FLOW_DPORT, f->tuple.dport);
    check_number(row, f, "src_packets", true, f->src.packets);
    check_number(row, f, "dst_packets", true, f->dst.packets);
    check_number(row, f, "src_captured_bytes", true, f->src.captured_bytes);
    check_number(row, f, "dst_captured_bytes", true, f->dst.captured_bytes);
    check_number(row, f, "src_wire_bytes", true, f->src.wire_bytes);
    check_number(row, f, "dst_wire_bytes", true, f->dst.wire_bytes);
    check_number(row, f, "linktype", true, f->linktype);
    check_column(row, f, "first",
                 f->first_ns == CLV_NO_TIME ? "" : clv_time_format(f->first_ns, time, sizeof time));
    check_column(row, f, "last",
                 f->last_ns == CLV_NO_TIME ? "" : clv_time_format(f->last_ns, time, sizeof time));
    check_column(row, f, "initiator",
                 f->initiator == CLV_INITIATOR_SRC   ? "src"
                 : f->initiator == CLV_INITIATOR_DST ? "dst"
                                                     : "");
    check_column(row, f, "no such column", "");
    char text[TEXT], id[CLV_COMMUNITY_ID];
    CHECK_EQ(row, clv_flow_column(f, "src", text, sizeof text) > 0, (f->has & CLV_FLOW_SRC) != 0);
    CHECK_EQ(row, clv_flow_column(f, "dst", text, sizeof text) > 0, (f->has & CLV_FLOW_DST) != 0);
    CHECK_EQ(row, clv_flow_column(f, "proto", text, sizeof text) > 0,
             (f->has & CLV_FLOW_PROTO) != 0);
    if (clv_flow_column(f, "community_id", text, sizeof text) && f->tuple.proto != CLV_PROTO_ICMP) {
        CHECK(row, clv_community_id(&f->tuple, NULL, 0, id));
        CHECK_STR(row, text, id);
    }
    for (size_t len = 0; len <= strlen(f->name); len++)
        CHECK_EQ(row, clv_flow_column(f, "file", text, len), 0);
}

static bool take(const struct clv_flow *f, void *user)
{
    struct rows *rows = user;
    const char *column;
    check_members(rows->name, f);
    for (unsigned i = 0; rows->n == 0 && (column = clv_flow_column_name(f, i)) != NULL; i++) {
        put_bytes(&rows->csv, ",", i > 0);
        put_bytes(&rows->csv, column, strlen(column));
    }
    put_bytes(&rows->csv, "\n", rows->n ? 0 : 1);
    for (unsigned i = 0; (column = clv_flow_column_name(f, i)) != NULL; i++) {
        char text[TEXT];
        put_bytes(&rows->csv, ",", i > 0);
        const size_t len = clv_flow_column(f, column, text, sizeof text);
        put_bytes(&rows->csv, text, len);
    }
    put_bytes(&rows->csv, "\n", 1);
    rows->n++;
    rows->packets += f->src.packets + f->dst.packets;
    rows->input = f->input;
    return rows->n != rows->last;
}

static const char *const inputs[] = {made};

static void test_rows(void **state)
{
    static const struct {
        const char *name;
        struct clv_split_params p;
    } cases[] = {
        {"flows", {.by = NULL}},
        {"connections", {.by = "connection"}},
        {"host pairs", {.by = "hostpair"}},
        {"hosts", {.by = "host"}},
        {"clients and servers", {.by = "client,server,service"}},
        {"ports", {.by = "port"}},
        {"ports, directed", {.by = "proto,port", .directed = true}},
        {"VLANs and MACs", {.by = "vlan,mac,iface,ip"}},
        {"tunnels", {.by = "tunnel,flow"}},
        {"nothing", {.by = "none"}},
        {"shards", {.shards = 3}},
        {"within tunnels", {.inner = true}},
        {"slices", {.by = "none", .every = CLV_EVERY_RECORDS, .every_n = 100}},
        {"the largest", {.top = 10}},
        {"without others", {.no_other = true}},
        {"verified", {.verify = true}},
        {"with a page", {.report = "page.html"}},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(cases); i++) {
        const char *row = cases[i].name;
        for (unsigned how = 0; how < 3; how++) { /* writing; dry; dry, without a manifest */
            struct rows rows = {.name = row};
            struct clv_split_params p = cases[i].p;
            struct clv_split_result result;
            struct clv_error err = {.what = ""};
            struct bytes csv = {0};
            char output[512], page[512];
            (void)snprintf(output, sizeof output, "%s", temp_path(&temp, "out"));
            (void)snprintf(page, sizeof page, "%s", temp_path(&temp, "page.html"));
            p.struct_size = sizeof p;
            p.result_size = sizeof result;
            p.inputs = inputs;
            p.n_inputs = 1;
            p.output = output;
            p.force = CLV_FORCE_OWN;
            p.report = p.report ? page : NULL;
            p.dry_run = how > 0;
            p.verify = p.verify && !p.dry_run;
            p.manifest = how > 1 ? CLV_MANIFEST_NONE : CLV_MANIFEST_CSV;
            p.on_flow = take;
            p.user = &rows;
            const bool ok = clv_split(&p, &result, &err);
            CHECK_STR(row, err.what, "");
            CHECK(row, ok);
            CHECK_EQ(row, rows.n, result.outputs);
            CHECK_EQ(row, rows.packets, result.records_written);
            CHECK_EQ(row, rows.input, 0);
            if (how == 0) {
                temp_read(&temp, "out/manifest.csv", &csv);
                CHECK_EQ(row, rows.csv.len, csv.len);
                CHECK_MEM(row, rows.csv.p, csv.p, csv.len);
            }
            bytes_free(&csv);
            bytes_free(&rows.csv);
        }
    }
}

static bool note_input(const struct clv_flow *f, void *user)
{
    uint64_t *const packets = user;
    assert_in_range(f->input, 1, 2);
    packets[f->input - 1] += f->src.packets + f->dst.packets;
    return true;
}

static void test_each(void **state)
{
    const char *const both[] = {temp_path(&temp, "few.pcap"), made};
    const struct clv_synflood_params few = {.struct_size = sizeof few, .count = 7};
    struct clv_split_params p = CLV_SPLIT_PARAMS_INIT;
    struct clv_split_result result;
    uint64_t packets[2] = {0};
    (void)state;
    assert_true(clv_generate_synflood(both[0], &few, NULL, NULL));
    p.inputs = both;
    p.n_inputs = 2;
    p.each = p.dry_run = true;
    p.on_flow = note_input;
    p.user = packets;
    assert_true(clv_split(&p, &result, NULL));
    assert_int_equal(packets[0], 7);
    assert_int_equal(packets[1], result.records_written - 7);
}

static void test_stop(void **state)
{
    char output[512];
    struct clv_split_params p = CLV_SPLIT_PARAMS_INIT;
    struct clv_split_result result;
    struct clv_error err = {.what = ""};
    struct rows rows = {.name = "stop", .last = 5};
    (void)state;
    (void)snprintf(output, sizeof output, "%s", temp_path(&temp, "stopped"));
    p.inputs = inputs;
    p.n_inputs = 1;
    p.output = output;
    p.on_flow = take;
    p.user = &rows;
    assert_false(clv_split(&p, &result, &err));
    assert_int_equal(err.code, CLV_ERR_CANCELLED);
    assert_int_equal(rows.n, 5);
    assert_false(temp_has(&temp, "stopped"));
    bytes_free(&rows.csv);
}

static void test_limit(void **state)
{
    char output[512];
    struct clv_split_params p = CLV_SPLIT_PARAMS_INIT;
    struct clv_verify_params v = CLV_VERIFY_PARAMS_INIT;
    struct clv_split_result result;
    struct clv_verify_result verified;
    struct rlimit before, low, now;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = 128;
    if (before.rlim_max <= low.rlim_cur)
        skip();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    (void)snprintf(output, sizeof output, "%s", temp_path(&temp, "limited"));
    p.inputs = inputs;
    p.n_inputs = 1;
    v.output = p.output = output;
    v.keep_nofile = p.keep_nofile = true;
    assert_true(clv_split(&p, &result, NULL));
    assert_true(clv_verify(&v, &verified, NULL));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    assert_int_equal(now.rlim_cur, low.rlim_cur);
    assert_true(result.max_open < 128);
    p.keep_nofile = false;
    p.dry_run = true;
    assert_true(clv_split(&p, &result, NULL));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    assert_true(now.rlim_cur > low.rlim_cur);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

UNIT(flows)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
