/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "job/counts.h"

/* Each count stands once, at a place of its own, and groups are not torn apart. */
static void test_rows(void **state)
{
    (void)state;
    for (const struct counts_row *a = counts_rows; a->name; a++) {
        CHECK(a->name, a->at % _Alignof(struct clv_split_result) == 0 &&
                           a->at < sizeof(struct clv_split_result));
        for (const struct counts_row *b = a + 1; b->name; b++) {
            const bool grouped = a->group && b->group && strcmp(a->group, b->group) == 0;
            CHECK(a->name, a->at != b->at);
            CHECK(a->name, (a->group != b->group && !grouped) || strcmp(a->name, b->name) != 0);
            if (grouped)
                CHECK(a->name, b[-1].group && strcmp(b[-1].group, a->group) == 0);
        }
    }
}

static void test_sums(void **state)
{
    struct clv_split_result one = {.threads = 0}, sum = {.threads = 0};
    uint64_t n = 0;
    (void)state;
    for (const struct counts_row *row = counts_rows; row->name; row++)
        counts_set(&one, row, ++n);
    counts_add(&sum, &one);
    counts_add(&sum, &one);
    n = 0;
    for (const struct counts_row *row = counts_rows; row->name; row++)
        CHECK_EQ(row->name, counts_get(&sum, row), 2 * ++n);
}

/* What is written has each row that stands there, and no other. */
static void test_json(void **state)
{
    static const enum counts_in all[] = {COUNTS_RECEIPT, COUNTS_OUTCOME, COUNTS_EFFORT};
    const struct clv_split_result r = {.records_read = 7};
    (void)state;
    for (size_t i = 0; i < N_ROWS(all); i++) {
        char buf[8192];
        struct text out = text_on(buf, sizeof buf);
        struct json j = json_begin(&out);
        size_t members = 0, colons = 0;
        const char *group = "";
        counts_put(&j, &r, all[i]);
        json_end(&j);
        assert_true(text_whole(&out));
        for (const struct counts_row *row = counts_rows; row->name; row++) {
            char member[64];
            if (!(row->in & all[i]))
                continue;
            members += 1 + (row->group && strcmp(row->group, group) != 0);
            group = row->group ? row->group : "";
            (void)snprintf(member, sizeof member, "\"%s\": ", row->name);
            CHECK_HAS(row->name, buf, member);
        }
        for (const char *p = buf; (p = strchr(p, ':')) != NULL; p++)
            colons++;
        CHECK_EQ("members", colons, members);
    }
}

UNIT(counts)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
