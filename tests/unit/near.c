/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/near.h"

#include "cleave/option.h"
#include "support_bytes.h"

static const char *const words[] = {"sort", "top", "name", "member", "output", "json", "info"};
enum { WORDS = sizeof words / sizeof *words };

static void test_nearest(void **state)
{
    static const struct {
        const char *word, *want;
    } rows[] = {
        {"sort", "sort"},
        {"outp", "output"},
        {"outptu", "output"},
        {"jsno", "json"},
        {"inof", "info"},
        {"sotr", "sort"},
        {"nmae", "name"},
        {"membr", "member"},
        {"mmeber", "member"},
        {"members", "member"},
        {"start", NULL}, /* two letters of five */
        {"time", NULL},
        {"ip", NULL},
        {"xx", NULL},
        {"", NULL},
        {"outputoutputoutputoutputoutputoutput", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *found = clv_nearest_word(rows[i].word, words, WORDS);
        CHECK_EQ(rows[i].word, !found, !rows[i].want);
        if (found && rows[i].want)
            assert_string_equal(found, rows[i].want);
    }
    assert_null(clv_nearest_word("sort", words, 0));
}

static void test_table(void **state)
{
    static const struct near_word theirs[] = {{"size", "bytes"}, {"sorted", "top"}};
    (void)state;
    assert_string_equal(near_find(theirs, 2, words, WORDS, "SIZE,", 4), "bytes");
    assert_string_equal(near_find(theirs, 2, words, WORDS, "sorted", 6), "top");
    assert_string_equal(near_find(theirs, 2, words, WORDS, "sorte", 5), "sort");
    assert_null(near_find(theirs, 2, words, WORDS, "", 0));
    assert_null(near_find(theirs, 2, words, WORDS, "sizesizesizesizesizesizesizesizesize", 36));
}

UNIT(near)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
