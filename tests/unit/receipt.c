/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_savefile.h"
#include "support_temp.h"

#include <errno.h>

#include "base/io.h"
#include "base/mem.h"
#include "cleave/receipt.h"
#include "job/receipt_write.h"

static const char *const inputs[] = {"day \"3\".pcap", "more.pcapng"};

static const struct clv_split_params params = {.inputs = inputs,
                                               .n_inputs = 1,
                                               .output = "out",
                                               .by = "3tuple",
                                               .directed = true,
                                               .threads = 3};

static struct clv_split_result result_of(bool damaged)
{
    struct clv_split_result r = {
        .input_bytes = 1000,
        .records_read = 12,
        .records_written = 10,
        .dropped_other = 2,
        .dropped_blocks = {.statistics = 1, .custom = 2, .unknown = 3, .metadata = 4},
        .flows = 4,
        .outputs = 5,
        .written_bytes = 900,
        .first_ns = 1,
        .last_ns = 2,
        .seconds = 1.5,
        .threads = 3,
        .damage = {.offset = CLV_NO_OFFSET},
    };
    if (damaged)
        r.damage =
            (struct clv_error){.code = CLV_ERR_DAMAGE, .offset = 990, .record = 13, .what = "cut"};
    return r;
}

/* A classic savefile and a pcapng, as they are when a run is over. */
static void make_sources(struct source *sources)
{
    const struct savefile_dialect d = {
        .big = true, .magic = MAGIC_NS, .network = 101, .snaplen = 96};
    struct bytes b = {0};
    sources[0] = (struct source){.called = inputs[0], .size = 1000, .records = 12};
    sources[1] = (struct source){.called = inputs[1], .size = 28, .records = 0};
    put_file_header(&b, &d);
    assert_true(walk_open(&sources[0].format, "a", (struct clv_span){b.p, b.len}, NULL));
    b.len = 0;
    put_hex(&b, "0a0d0d0a 1c000000 4d3c2b1a 01000000 ffffffff ffffffff 1c000000");
    assert_true(walk_open(&sources[1].format, "b", (struct clv_span){b.p, b.len}, NULL));
    bytes_free(&b);
}

#define FIRST_INPUT                                                                                \
    "    {\n      \"file\": \"day \\\"3\\\".pcap\",\n      \"bytes\": 1000,\n"                     \
    "      \"records\": 12,\n      \"format\": \"pcap\",\n      \"byte_order\": \"big\",\n"        \
    "      \"resolution\": \"nanoseconds\",\n      \"linktype\": 101,\n      \"snaplen\": 96\n   " \
    " }"
#define SECOND_INPUT                                                                               \
    "    {\n      \"file\": \"more.pcapng\",\n      \"bytes\": 28,\n"                              \
    "      \"records\": 0,\n      \"format\": \"pcapng\",\n      \"byte_order\": \"little\"\n    " \
    "}"

#define FORMAT(word) "    \"format\": \"" word "\",\n"
#define SOUND "  \"damage\": null\n"

static void test_receipt(void **state)
{
    static const struct {
        const char *name;
        size_t n_inputs;
        enum dialect_form form;
        bool damaged, each;
        const char *inputs, *format, *damage;
    } rows[] = {
        {"sound", 1, DIALECT_COPY, false, false, FIRST_INPUT, FORMAT("copied"), SOUND},
        {"damaged", 1, DIALECT_COPY, true, false, FIRST_INPUT, FORMAT("copied"),
         "  \"damage\": {\n    \"byte\": 990,\n    \"record\": 13,\n    \"what\": \"cut\"\n  }\n"},
        {"converted", 1, DIALECT_PCAP, false, false, FIRST_INPUT, FORMAT("pcap"), SOUND},
        {"two inputs", 2, DIALECT_PCAPNG, false, false, FIRST_INPUT ",\n" SECOND_INPUT,
         FORMAT("pcapng"), SOUND},
        {"each of two inputs", 2, DIALECT_COPY, false, true, FIRST_INPUT ",\n" SECOND_INPUT, "",
         SOUND},
    };
    struct source sources[2];
    (void)state;
    make_sources(sources);
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct clv_split_result r = result_of(rows[i].damaged);
        const struct dialect dialect = {.form = rows[i].form};
        const struct dialect *d = rows[i].each ? NULL : &dialect;
        const size_t n = rows[i].n_inputs;
        struct clv_split_params p = params;
        struct temp t;
        struct publish publish;
        struct clv_error err = {0};
        struct bytes got = {0};
        char want[4096];
        p.n_inputs = n;
        p.each = rows[i].each;
        temp_make(&t);
        (void)snprintf(
            want, sizeof want,
            "{\n  \"cleave\": \"%s\",\n  \"inputs\": [\n%s\n  ],\n"
            "  \"options\": {\n    \"by\": \"3tuple\",\n    \"inner\": false,\n"
            "    \"directed\": true,\n    \"names\": false,\n%s"
            "    \"compress\": \"none\",\n    \"each\": %s,\n    \"merge\": false,\n    "
            "\"metadata\": true,\n    \"recover\": "
            "false,\n    \"skip_bad\": false,\n"
            "    \"other\": true,\n    \"manifest\": \"csv\"\n  },\n"
            "  \"records_read\": 12,\n  \"records_written\": 10,\n  \"copies\": 0,\n"
            "  \"dropped\": {\n    \"other\": 2,\n    \"filtered\": 0,\n    \"small\": 0,\n    "
            "\"capped\": 0,\n    \"duplicates\": 0\n  },\n"
            "  \"dropped_blocks\": {\n    \"interface_statistics\": 1,\n    \"custom\": 2,\n"
            "    \"unknown\": 3,\n    \"metadata\": 4\n  },\n"
            "  \"flows\": 4,\n  \"outputs\": 5,\n  \"written_bytes\": 900,\n%s}\n",
            clv_version(), rows[i].inputs, rows[i].format, rows[i].each ? "true" : "false",
            rows[i].damage);
        CHECK(rows[i].name,
              publish_init(&publish, temp_path(&t, "out"), IO_MODE, NULL, false, &err));
        const struct receipt_facts facts = {
            .params = &p, .sources = sources, .n_sources = n, .dialect = d, .result = &r};
        mem_fail_from(1);
        const bool without_memory = receipt_write(&publish, &facts, &err);
        mem_fail_from(0);
        CHECK(rows[i].name, !without_memory && err.code == CLV_ERR_NOMEM);
        CHECK(rows[i].name, receipt_write(&publish, &facts, &err));
        CHECK(rows[i].name, !receipt_write(&publish, &facts, &err));
        CHECK_EQ(rows[i].name, err.sys, EEXIST);
        CHECK(rows[i].name, publish_commit(&publish, &err));
        publish_fini(&publish, NULL);
        temp_read(&t, "out/cleave.json", &got);
        put_fill(&got, 0, 1);
        CHECK_STR(rows[i].name, (const char *)got.p, want);
        bytes_free(&got);
        temp_remove(&t);
    }
}

/* What a program reads of a receipt: all that was written, and nothing of what is not there. */
static void test_read(void **state)
{
    struct source sources[2];
    struct clv_split_params p = params;
    const struct clv_split_result result = result_of(true);
    const struct dialect dialect = {.form = DIALECT_COPY};
    const struct receipt_facts facts = {.params = &p,
                                        .sources = sources,
                                        .n_sources = 2,
                                        .dialect = &dialect,
                                        .digest = "abc",
                                        .result = &result};
    struct clv_receipt *r = NULL;
    struct publish publish;
    struct temp t;
    struct clv_error err = {0};
    (void)state;
    make_sources(sources);
    p.n_inputs = 2;
    p.max_packets_per_flow = 7;
    temp_make(&t);
    CHECK("none", !clv_receipt_read(t.dir, &r, &err) && !r);
    assert_true(publish_init(&publish, temp_path(&t, "out"), IO_MODE, NULL, false, &err));
    assert_true(receipt_write(&publish, &facts, &err));
    assert_true(publish_commit(&publish, &err));
    publish_fini(&publish, NULL);
    mem_fail_from(1);
    CHECK("memory", !clv_receipt_read(temp_path(&t, "out"), &r, &err) && !r);
    mem_fail_from(0);
    if (clv_receipt_read(temp_path(&t, "out"), &r, &err)) {
        const struct clv_split_params *got = clv_receipt_params(r);
        const struct clv_split_result *counts = clv_receipt_result(r);
        CHECK_STR("version", clv_receipt_version(r), clv_version());
        CHECK_STR("digest", clv_receipt_digest(r), "abc");
        CHECK_STR("by", got->by, "3tuple");
        CHECK_EQ("directed", got->directed, true);
        CHECK_EQ("cap", got->max_packets_per_flow, 7);
        CHECK_EQ("format", got->format, CLV_FORMAT_INPUT);
        CHECK_EQ("threads", got->threads, 0);
        CHECK_STR("output", got->output, NULL);
        CHECK_EQ("inputs", got->n_inputs, 2);
        CHECK_STR("input", got->inputs[1], inputs[1]);
        CHECK_STR("input", clv_receipt_input(r, 0)->file, inputs[0]);
        CHECK_EQ("input", clv_receipt_input(r, 0)->bytes, 1000);
        CHECK_EQ("input", clv_receipt_input(r, 0)->records, 12);
        CHECK("input", !clv_receipt_input(r, 2));
        CHECK_EQ("read", counts->records_read, 12);
        CHECK_EQ("dropped", counts->dropped_other, 2);
        CHECK_EQ("blocks", counts->dropped_blocks.metadata, 4);
        CHECK_EQ("written", counts->written_bytes, 900);
        CHECK_EQ("damage", counts->damage.code, CLV_ERR_DAMAGE);
        CHECK_EQ("damage", counts->damage.offset, 990);
        CHECK_STR("damage", counts->damage.what, "cut");
        CHECK_EQ("not in a receipt", counts->captured_bytes, 0);
    } else {
        CHECK_HAS("reading", err.what, "built without"); /* jansson */
    }
    clv_receipt_destroy(&r);
    clv_receipt_destroy(&r);
    temp_remove(&t);
}

/* A result is whole or not there, for every size of the caller's buffer. */
static void test_json_sizes(void **state)
{
    const struct clv_split_result r = result_of(true);
    char whole[8192];
    (void)state;
    const size_t len = clv_split_json(&params, &r, whole, sizeof whole);
    assert_true(len > 0 && len < sizeof whole);
    CHECK_EQ("whole", strlen(whole), len);
    CHECK_EQ("whole", whole[len - 1], '\n');
    CHECK_HAS("whole", whole, "\"input\": \"day \\\"3\\\".pcap\"");
    CHECK_HAS("whole", whole, "\"inputs\": 1,");
    CHECK_HAS("whole", whole, "\"records_per_second\": 8,");
    CHECK_HAS("whole", whole, "\"seconds\": 1.500000");
    for (size_t cap = 0; cap <= len + 2; cap++) {
        char row[48];
        /* A byte before and one behind the buffer tell on those who write there. */
        char *block = malloc(cap + 2);
        assert_non_null(block);
        memset(block, '#', cap + 2);
        (void)snprintf(row, sizeof row, "%zu bytes for a text of %zu", cap, len);
        const size_t got = clv_split_json(&params, &r, block + 1, cap);
        CHECK_EQ(row, block[0], '#');
        CHECK_EQ(row, block[cap + 1], '#');
        CHECK_EQ(row, got, cap > len ? len : 0);
        if (cap > 0)
            CHECK_STR(row, block + 1, cap > len ? whole : "");
        free(block);
    }
}

UNIT(receipt)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receipt),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_json_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
