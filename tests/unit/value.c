/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "base/value.h"
#include "cleave/split.h"

/* One member of each type. */
struct all {
    size_t struct_size;
    bool yes, no;
    const char *text, *list;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64, size, n;
    int64_t duration, time;
    bool given;
    unsigned word, choice, mode;
    enum clv_every every;
    uint8_t addr[4];
};

#define AT(member) offsetof(struct all, member)

static const struct clv_option options[] = {
    {"yes", 0, CLV_OPTION_BOOL, false, AT(yes), 0, 0, 0, NULL, NULL, "", CLV_GROUP_NONE},
    {"no", 0, CLV_OPTION_NOT, false, AT(no), 0, 0, 0, NULL, NULL, "", CLV_GROUP_NONE},
    {"text", 0, CLV_OPTION_TEXT, false, AT(text), 0, 0, 0, "TEXT", NULL, "", CLV_GROUP_NONE},
    {"list", 0, CLV_OPTION_LIST, false, AT(list), 0, 0, 0, "A,...", NULL, "", CLV_GROUP_NONE},
    {"u16", 0, CLV_OPTION_U16, false, AT(u16), 0, 0, 0, "N", NULL, "", CLV_GROUP_NONE},
    {"u32", 0, CLV_OPTION_U32, false, AT(u32), 0, 10, 100, "N", NULL, "", CLV_GROUP_NONE},
    {"u64", 0, CLV_OPTION_U64, false, AT(u64), 0, 1, 0, "N", NULL, "", CLV_GROUP_NONE},
    {"size", 0, CLV_OPTION_SIZE, false, AT(size), 0, 1, 0, "SIZE", NULL, "", CLV_GROUP_NONE},
    {"duration", 0, CLV_OPTION_DURATION, false, AT(duration), 0, 1, 0, "TIME", NULL, "",
     CLV_GROUP_NONE},
    {"time", 0, CLV_OPTION_TIME, false, AT(time), AT(given), 0, 0, "TIME", NULL, "",
     CLV_GROUP_NONE},
    {"word", 0, CLV_OPTION_WORD, false, AT(word), 0, 0, 0, "a|bc|b", NULL, "", CLV_GROUP_NONE},
    {"pack", 0, CLV_OPTION_WORD, false, AT(word), 0, 0, 0, "none|zstd|gzip", NULL, "",
     CLV_GROUP_NONE},
    {"choice", 0, CLV_OPTION_CHOICE, false, AT(choice), 0, 0, 0, "none|own|all", NULL, "",
     CLV_GROUP_NONE},
    {"mode", 0, CLV_OPTION_MODE, false, AT(mode), 0, 0, 0777, "MODE", NULL, "", CLV_GROUP_NONE},
    {"every", 0, CLV_OPTION_EVERY, false, AT(every), AT(n), 0, 0, "TIME|SIZE|Np", NULL, "",
     CLV_GROUP_NONE},
    {"addr", 0, CLV_OPTION_IPV4, false, AT(addr), 0, 0, 0, "ADDR", NULL, "", CLV_GROUP_NONE},
};

static const struct clv_option *table(size_t i)
{
    return i < N_ROWS(options) ? &options[i] : NULL;
}

/* What text makes of a member, and what text that makes. NULL: it is refused. */
static void test_texts(void **state)
{
    static const struct {
        const char *name, *text, *back;
    } rows[] = {
        {"yes", "true", "true"},
        {"yes", "false", "false"},
        {"yes", "yes", NULL},
        {"yes", "", NULL},
        {"no", "false", "false"},
        {"no", "true", "true"},
        {"no", "1", NULL},
        {"text", "", ""},
        {"text", "any \"thing\"", "any \"thing\""},
        {"list", "a,b", "a,b"},
        {"u16", "65535", "65535"},
        {"u16", "65536", NULL},
        {"u16", "0", ""},
        {"u32", "10", "10"},
        {"u32", "100", "100"},
        {"u32", "9", NULL},
        {"u32", "101", NULL},
        {"u32", "-1", NULL},
        {"u32", " 10", NULL},
        {"u32", "10 ", NULL},
        {"u32", "10k", NULL},
        {"u64", "18446744073709551615", "18446744073709551615"},
        {"u64", "18446744073709551616", NULL},
        {"size", "64MiB", "67108864"},
        {"size", "1k", "1000"},
        {"size", "16777215Ti", "18446742974197923840"},
        {"size", "16777216Ti", NULL},
        {"duration", "2", "2000000000ns"},
        {"duration", "3m", "180000000000ns"},
        {"duration", "7us", "7000ns"},
        {"duration", "9223372036854775807ns", "9223372036854775807ns"},
        {"duration", "9223372036854775808ns", NULL},
        {"duration", "0", NULL},
        {"duration", "5min", "300000000000ns"},
        {"duration", "1d", "86400000000000ns"},
        {"duration", "7sec", "7000000000ns"},
        {"duration", "1y", NULL},
        {"time", "0", "1970-01-01T00:00:00.000000000Z"},
        {"time", "2026-11-22T23:59:59.5Z", "2026-11-22T23:59:59.500000000Z"},
        {"time", "1969-12-31T23:59:59.9Z", "1969-12-31T23:59:59.900000000Z"},
        {"time", "tomorrow", NULL},
        {"word", "a", "a"},
        {"word", "b", "b"},
        {"word", "bc", "bc"},
        {"word", "BC", "bc"},
        {"pack", "gz", "gzip"},
        {"pack", "ZST", "zstd"},
        {"word", "c", NULL},
        {"word", "a|bc", NULL},
        {"word", "", NULL},
        {"choice", "own", "own"},
        {"choice", "all", "all"},
        {"mode", "0600", "0600"},
        {"mode", "777", "0777"},
        {"mode", "1000", NULL},
        {"mode", "0", NULL},
        {"mode", "8", NULL},
        {"every", "60s", "60000000000ns"},
        {"every", "1d", "86400000000000ns"},
        {"every", "1KiB", "1024B"},
        {"every", "5kp", "5000p"},
        {"every", "60", NULL},
        {"every", "0s", NULL},
        {"addr", "192.168.0.1", "192.168.0.1"},
        {"addr", "192.168.0", NULL},
    };
    static const struct all zero = {.struct_size = sizeof zero};
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct clv_option *o = clv_option_find(table, rows[i].name);
        struct all params = zero;
        struct clv_error err = {.code = CLV_ERR_NONE};
        char row[80], back[80] = "#";
        (void)snprintf(row, sizeof row, "%s \"%s\"", rows[i].name, rows[i].text);
        assert_true(o);
        CHECK_EQ(row, clv_option_set(o, &params, rows[i].text, &err), rows[i].back != NULL);
        const size_t len = clv_option_get(o, &params, back, sizeof back);
        CHECK_EQ(row, strlen(back), len);
        if (rows[i].back) {
            CHECK_STR(row, back, rows[i].back);
            CHECK(row, value_check(o, &params, &err));
            CHECK_EQ(row, err.code, CLV_ERR_NONE);
        } else {
            CHECK_EQ(row, err.code, CLV_ERR_OPTION);
            CHECK_STR(row, err.subject, rows[i].name);
            CHECK_HAS(row, err.hint, "use ");
            CHECK_MEM(row, &params, &zero, sizeof zero);
        }
        /* Whole, or nothing. */
        for (size_t cap = 1; cap <= len; cap++) {
            char few[80] = "#";
            CHECK_EQ(row, clv_option_get(o, &params, few, cap), 0);
            CHECK_STR(row, few, "");
        }
    }
    assert_true(!clv_option_find(table, "tex"));
    assert_true(!clv_option_find(table, ""));
}

/* An option that the caller's struct has not is left alone. */
static void test_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(options); i++) {
        struct all params = {.struct_size = options[i].at};
        struct clv_error err = {.code = CLV_ERR_NONE};
        char text[8] = "#";
        memset((char *)&params + options[i].at, 1, sizeof params - options[i].at);
        const struct all before = params;
        CHECK(options[i].name, !clv_option_set(&options[i], &params, "1", &err));
        CHECK_HAS(options[i].name, err.what, "is not known to the caller");
        CHECK(options[i].name, !clv_option_is_set(&options[i], &params));
        CHECK_EQ(options[i].name, clv_option_get(&options[i], &params, text, sizeof text), 0);
        CHECK_MEM(options[i].name, &params, &before, sizeof params);
    }
}

/* What callers of the library may put where no text would. */
static void test_ranges(void **state)
{
    static const struct {
        const char *name;
        struct all params;
        const char *what; /* NULL: sound */
    } rows[] = {
        {"u32", {.u32 = 0}, NULL},
        {"u32", {.u32 = 10}, NULL},
        {"u32", {.u32 = 9}, "invalid value 9"},
        {"u32", {.u32 = 101}, "invalid value 101"},
        {"duration", {.duration = INT64_MIN}, "invalid value -9223372036854775808"},
        {"duration", {.duration = -1}, "invalid value -1"},
        {"time", {.time = -1}, NULL},
        {"word", {.word = 2}, NULL},
        {"word", {.word = 3}, "invalid value 3"},
        {"choice", {.choice = UINT32_MAX}, "invalid value 4294967295"},
        {"mode", {.mode = 01000}, "invalid value 512"},
        {"every", {.n = 0}, NULL},
        {"every", {.every = CLV_EVERY_NS}, "invalid value 0"},
        {"every", {.every = CLV_EVERY_BYTES, .n = UINT64_MAX}, "invalid value 1844674407370955161"},
        {"every", {.every = (enum clv_every)4, .n = 1}, "invalid value 1"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct clv_option *o = clv_option_find(table, rows[i].name);
        struct clv_error err = {.code = CLV_ERR_NONE};
        assert_true(o);
        CHECK_EQ(rows[i].name, value_check(o, &rows[i].params, &err), !rows[i].what);
        CHECK_EQ(rows[i].name, err.code, rows[i].what ? CLV_ERR_OPTION : CLV_ERR_NONE);
        CHECK_HAS(rows[i].name, err.what, rows[i].what ? rows[i].what : "");
    }
}

UNIT(value)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_short),
        cmocka_unit_test(test_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
