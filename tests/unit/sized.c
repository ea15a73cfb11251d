/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"

#include "base/sized.h"
#include "cleave/generate.h"
#include "cleave/split.h"
#include "cleave/verify.h"

/* A struct of three versions, laid out alike on all machines. */
struct first {
    size_t struct_size;
    uint32_t a, b;
};

struct second {
    size_t struct_size;
    uint32_t a, b;
    _Alignas(8) uint64_t c;
};

struct third {
    size_t struct_size;
    uint32_t a, b;
    _Alignas(8) uint64_t c;
    uint64_t d;
};

/* The library has the second version; its callers have any. */
static void test_take(void **state)
{
    static const struct {
        const char *name;
        struct third params;
        bool ok;
        uint64_t c;
    } rows[] = {
        {"no size", {.a = 1, .b = 2, .c = 3}, true, 0},
        {"the first", {.struct_size = sizeof(struct first), .a = 1, .b = 2, .c = 3}, true, 0},
        {"the same", {.struct_size = sizeof(struct second), .a = 1, .b = 2, .c = 3}, true, 3},
        {"a later", {.struct_size = sizeof(struct third), .a = 1, .b = 2, .c = 3}, true, 3},
        {"a later that asks for more",
         {.struct_size = sizeof(struct third), .a = 1, .b = 2, .c = 3, .d = UINT64_MAX},
         false,
         0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct second own = {.a = 7, .c = 7};
        struct clv_error err = {.code = CLV_ERR_NONE};
        CHECK_EQ(rows[i].name,
                 sized_take(&own, sizeof own, sizeof(struct first), &rows[i].params, &err),
                 rows[i].ok);
        CHECK_EQ(rows[i].name, err.code, rows[i].ok ? CLV_ERR_NONE : CLV_ERR_ARG);
        if (!rows[i].ok) {
            CHECK_STR(rows[i].name, err.what, "byte 24 of 32 is unknown to this libcleave");
            CHECK_STR(rows[i].name, err.hint, "libcleave is older than the program that uses it");
            continue;
        }
        CHECK_EQ(rows[i].name, own.struct_size, sizeof own);
        CHECK_EQ(rows[i].name, own.a, 1);
        CHECK_EQ(rows[i].name, own.b, 2);
        CHECK_EQ(rows[i].name, own.c, rows[i].c);
    }
}

static void test_give(void **state)
{
    const struct second own = {.a = 1, .b = 2, .c = 3};
    struct third result;
    (void)state;
    memset(&result, 9, sizeof result);
    sized_give(&result, sizeof(struct first), sizeof(struct first), &own, sizeof own);
    CHECK_EQ("the first", result.b, 2);
    CHECK_EQ("the first", result.c, UINT64_C(0x0909090909090909));
    memset(&result, 9, sizeof result);
    sized_give(&result, 0, sizeof(struct first), &own, sizeof own);
    CHECK_EQ("no size", result.b, 2);
    CHECK_EQ("no size", result.c, UINT64_C(0x0909090909090909));
    sized_give(&result, sizeof result, sizeof(struct first), &own, sizeof own);
    CHECK_EQ("a later", result.c, 3);
    CHECK_EQ("a later", result.d, 0);
}

/* Public structs of callers with other headers: nothing is read or written beyond them. */
static void test_public(void **state)
{
    const struct clv_traffic_params traffic = CLV_TRAFFIC_PARAMS_INIT;
    struct {
        struct clv_split_params params;
        uint64_t more;
    } later = {.params = {.struct_size = sizeof later, .dry_run = true, .n_inputs = 1}};
    struct {
        struct clv_split_result result;
        uint64_t more;
    } room = {.more = 9};
    struct clv_verify_params verify = CLV_VERIFY_PARAMS_INIT;
    struct clv_verify_result verified;
    struct clv_error err = {.code = CLV_ERR_NONE};
    char json[65536];
    struct temp t;
    uint64_t bytes, packets;
    (void)state;
    temp_make(&t);
    const char *const input = temp_path(&t, "in.pcap");
    later.params.inputs = &input;
    assert_true(clv_generate_traffic(input, &traffic, &bytes, &packets, &err));
    for (unsigned i = 0; i < 3; i++) {
        static const size_t sizes[] = {0, sizeof(struct clv_split_result), sizeof room};
        static const char *const rows[] = {"no size", "this version", "a later version"};
        room.more = 9;
        later.params.result_size = sizes[i];
        CHECK(rows[i], clv_split(&later.params, &room.result, &err));
        CHECK_EQ(rows[i], room.result.records_read, packets);
        CHECK_EQ(rows[i], room.more, i == 2 ? 0 : 9);
        CHECK(rows[i], clv_split_json(&later.params, &room.result, json, sizeof json) > 0);
        CHECK_HAS(rows[i], json, "\"records_read\": ");
    }
    later.more = 1;
    CHECK("unknown", !clv_split(&later.params, &room.result, &err));
    CHECK_EQ("unknown", err.code, CLV_ERR_ARG);
    CHECK_EQ("unknown", room.result.records_read, 0);
    CHECK_EQ("unknown", clv_split_json(&later.params, &room.result, json, sizeof json), 0);
    verify.output = t.dir;
    verify.result_size = offsetof(struct clv_verify_result, input);
    memset(&verified, 9, sizeof verified);
    CHECK("verify", !clv_verify(&verify, &verified, &err));
    CHECK_EQ("verify", verified.records, 0);
    CHECK_EQ("verify", verified.input[0], 9);
    temp_remove(&t);
}

UNIT(sized)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_give),
        cmocka_unit_test(test_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
