/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"

#include "base/json.h"

static void empty(struct json *j)
{
    (void)j;
}

static void scalars(struct json *j)
{
    json_str(j, "s", "a\"b");
    json_str(j, "none", NULL);
    json_u64(j, "u", UINT64_MAX);
    json_bool(j, "yes", true);
    json_bool(j, "no", false);
    json_time(j, "t", -1);
    json_fixed(j, "f", 1.005, 1);
    json_fixed(j, "whole", 12.6, 0);
}

static void nested(struct json *j)
{
    json_u64(j, "before", 1);
    json_open(j, "outer");
    json_open(j, "inner");
    json_u64(j, "x", 2);
    json_close(j);
    json_u64(j, "y", 3);
    json_close(j);
    json_open(j, "empty");
    json_close(j);
    json_u64(j, "after", 4);
}

static void arrays(struct json *j)
{
    json_open_array(j, "none");
    json_end_array(j);
    json_open_array(j, "some");
    json_item(j);
    json_u64(j, "x", 1);
    json_close(j);
    json_item(j);
    json_close(j);
    json_item(j);
    json_open_array(j, "within");
    json_item(j);
    json_str(j, "y", "z");
    json_close(j);
    json_end_array(j);
    json_u64(j, "x", 2);
    json_close(j);
    json_end_array(j);
    json_bool(j, "behind", true);
}

static void sound(struct json *j)
{
    const struct clv_error none = {.offset = CLV_NO_OFFSET};
    json_damage(j, &none);
}

static void damaged(struct json *j)
{
    const struct clv_error err = {
        .code = CLV_ERR_DAMAGE, .offset = 40, .record = 2, .what = "it promises \"9\""};
    json_damage(j, &err);
}

static void test_objects(void **state)
{
    static const struct {
        const char *name;
        void (*build)(struct json *j);
        const char *want;
    } rows[] = {
        {"empty", empty, "{}\n"},
        {"scalars", scalars,
         "{\n  \"s\": \"a\\\"b\",\n  \"none\": null,\n  \"u\": 18446744073709551615,\n"
         "  \"yes\": true,\n  \"no\": false,\n  \"t\": \"1969-12-31T23:59:59.999999999Z\",\n"
         "  \"f\": 1.0,\n  \"whole\": 13\n}\n"},
        {"nested", nested,
         "{\n  \"before\": 1,\n  \"outer\": {\n    \"inner\": {\n      \"x\": 2\n    },\n"
         "    \"y\": 3\n  },\n  \"empty\": {},\n  \"after\": 4\n}\n"},
        {"arrays", arrays,
         "{\n  \"none\": [],\n  \"some\": [\n    {\n      \"x\": 1\n    },\n    {},\n    {\n"
         "      \"within\": [\n        {\n          \"y\": \"z\"\n        }\n      ],\n"
         "      \"x\": 2\n    }\n  ],\n  \"behind\": true\n}\n"},
        {"sound", sound, "{\n  \"damage\": null\n}\n"},
        {"damaged", damaged,
         "{\n  \"damage\": {\n    \"byte\": 40,\n    \"record\": 2,\n"
         "    \"what\": \"it promises \\\"9\\\"\"\n  }\n}\n"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        char buf[1024];
        struct text out = text_on(buf, sizeof buf);
        struct json j = json_begin(&out);
        rows[i].build(&j);
        json_end(&j);
        CHECK(rows[i].name, !out.full);
        CHECK_STR(rows[i].name, text_end(&out), rows[i].want);
    }
}

static void test_full(void **state)
{
    char buf[16];
    struct text out = text_on(buf, sizeof buf);
    (void)state;
    struct json j = json_begin(&out);
    json_str(&j, "name", "a value that does not fit");
    json_end(&j);
    CHECK("too long", out.full);
    CHECK_EQ("too long", out.len, sizeof buf);
}

/* What ended early where it was decompressed has no byte in the file. */
static void test_damage_of_no_byte(void **state)
{
    const struct clv_error err = {
        .code = CLV_ERR_DAMAGE, .offset = CLV_NO_OFFSET, .what = "the gzip data end too early"};
    char buf[1024];
    struct text out = text_on(buf, sizeof buf);
    struct json j = json_begin(&out);
    (void)state;
    json_damage(&j, &err);
    json_end(&j);
    CHECK_HAS("no byte", text_end(&out), "the gzip data end too early");
    CHECK("no byte", !strstr(buf, "18446744073709551615"));
}

UNIT(json)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_damage_of_no_byte),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
