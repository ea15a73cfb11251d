/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_savefile.h"
#include "support_temp.h"

#include <errno.h>

#include "base/mem.h"
#include "output/record.h"

static const struct clv_split_params params = {
    .input = "day \"3\".pcap", .output = "out", .by = "3tuple", .directed = true, .threads = 3};

static struct clv_split_result result_of(bool damaged)
{
    struct clv_split_result r = {
        .input_bytes = 1000,
        .records_read = 12,
        .records_written = 10,
        .dropped_other = 2,
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

static void test_record(void **state)
{
    static const struct {
        const char *name;
        bool damaged;
        const char *damage;
    } rows[] = {
        {"sound", false, "  \"damage\": null\n"},
        {"damaged", true,
         "  \"damage\": {\n    \"byte\": 990,\n    \"record\": 13,\n    \"what\": \"cut\"\n  }\n"},
    };
    static const char *const members =
        "  \"input\": {\n    \"file\": \"day \\\"3\\\".pcap\",\n    \"bytes\": 1000,\n"
        "    \"format\": \"pcap\",\n    \"byte_order\": \"big\",\n"
        "    \"resolution\": \"nanoseconds\",\n    \"linktype\": 101,\n    \"snaplen\": 96\n  },\n"
        "  \"options\": {\n    \"by\": \"3tuple\",\n    \"directed\": true,\n"
        "    \"name\": \"{n:8}_{key}.pcap\",\n    \"other\": true,\n"
        "    \"manifest\": \"csv\"\n  },\n"
        "  \"records_read\": 12,\n  \"records_written\": 10,\n"
        "  \"dropped\": {\n    \"other\": 2\n  },\n"
        "  \"flows\": 4,\n  \"outputs\": 5,\n  \"written_bytes\": 900,\n";
    const struct dialect d = {.big = true, .magic = MAGIC_NS, .network = 101, .snaplen = 96};
    struct bytes head = {0};
    struct walk_format format;
    (void)state;
    put_file_header(&head, &d);
    assert_true(walk_open(&format, "a", (struct clv_span){head.p, head.len}, NULL));
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct clv_split_result r = result_of(rows[i].damaged);
        struct temp t;
        struct publish p;
        struct clv_error err = {0};
        struct bytes got = {0};
        char want[2048];
        temp_make(&t);
        (void)snprintf(want, sizeof want, "{\n  \"cleave\": \"%s\",\n%s%s}\n", clv_version(),
                       members, rows[i].damage);
        CHECK(rows[i].name, publish_init(&p, temp_path(&t, "out"), false, &err));
        mem_fail_from(1);
        const bool without_memory = record_write(&p, &params, &format, &r, &err);
        mem_fail_from(0);
        CHECK(rows[i].name, !without_memory && err.code == CLV_ERR_NOMEM);
        CHECK(rows[i].name, record_write(&p, &params, &format, &r, &err));
        CHECK(rows[i].name, !record_write(&p, &params, &format, &r, &err));
        CHECK_EQ(rows[i].name, err.sys, EEXIST);
        CHECK(rows[i].name, publish_commit(&p, &err));
        publish_fini(&p);
        temp_read(&t, "out/cleave.json", &got);
        put_fill(&got, 0, 1);
        CHECK_STR(rows[i].name, (const char *)got.p, want);
        bytes_free(&got);
        temp_remove(&t);
    }
    bytes_free(&head);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_json_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
