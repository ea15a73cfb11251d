/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_savefile.h"
#include "support_temp.h"

#include "base/io.h"
#include "cleave/verify.h"
#include "job/options.h"
#include "job/receipt_read.h"
#include "job/receipt_write.h"

/* A text that the option takes, and that is not its default. */
static const char *text_of(const struct clv_option *o, char word[64])
{
    static char number[32];
    struct text t = text_on(word, 64);
    switch (o->type) {
    case CLV_OPTION_BOOL:
        return "true";
    case CLV_OPTION_NOT:
        return "false";
    case CLV_OPTION_TIME:
        return "2026-11-22T23:59:59.123456789Z";
    case CLV_OPTION_EVERY:
        return "7000p";
    case CLV_OPTION_MODE:
        return "0600";
    case CLV_OPTION_DURATION:
        return "1500ns";
    case CLV_OPTION_WORD:
    case CLV_OPTION_CHOICE:
        value_put_word(&t, o->value, 1);
        return text_end(&t);
    case CLV_OPTION_TEXT:
    case CLV_OPTION_LIST:
        return "a \"text\"";
    default:
        (void)snprintf(number, sizeof number, "%llu",
                       (unsigned long long)(o->max ? o->max : o->min + 1));
        return number;
    }
}

static void check_rows(clv_options *options, size_t size)
{
    const struct clv_option *a, *b;
    for (size_t i = 0; (a = options(i)) != NULL; i++) {
        CHECK(a->name, a->at < size && a->other < size);
        CHECK(a->name, a->name[0] && a->help[0]);
        CHECK_EQ(a->name, strspn(a->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(a->name));
        const bool is_bool = a->type == CLV_OPTION_BOOL || a->type == CLV_OPTION_NOT;
        CHECK_EQ(a->name, a->value == NULL, is_bool);
        CHECK(a->name, clv_option_find(options, a->name) == a);
        for (size_t k = i + 1; (b = options(k)) != NULL; k++) {
            CHECK(a->name, a->at != b->at);
            CHECK(a->name, !a->letter || a->letter != b->letter);
        }
    }
}

/* Each option stands once, at a place of its own. */
static void test_rows(void **state)
{
    (void)state;
    check_rows(clv_split_options, sizeof(struct clv_split_params));
    check_rows(clv_verify_options, sizeof(struct clv_verify_params));
}

/* Each option is set by text, which it gives back, and nothing else is. */
static void test_text(void **state)
{
    static const struct clv_split_params zero = CLV_SPLIT_PARAMS_INIT;
    const struct clv_option *o, *other;
    (void)state;
    for (size_t i = 0; (o = clv_split_options(i)) != NULL; i++) {
        struct clv_split_params p = zero, again = zero;
        struct clv_error err = {.code = CLV_ERR_NONE};
        char word[64], back[64], twice[64];
        CHECK(o->name, !clv_option_is_set(o, &p));
        CHECK(o->name, clv_option_set(o, &p, text_of(o, word), &err));
        CHECK(o->name, value_check(o, &p, &err));
        for (size_t k = 0; (other = clv_split_options(k)) != NULL; k++)
            CHECK_EQ(other->name, clv_option_is_set(other, &p), k == i);
        CHECK(o->name, clv_option_get(o, &p, back, sizeof back) > 0);
        CHECK_STR(o->name, back, text_of(o, word));
        CHECK(o->name, clv_option_set(o, &again, back, &err));
        CHECK(o->name, clv_option_get(o, &again, twice, sizeof twice) > 0);
        CHECK_STR(o->name, twice, back);
    }
}

/* A classic savefile, as it is when a run is over. */
static void make_source(struct source *s)
{
    const struct savefile_dialect d = {.magic = MAGIC_US, .network = 1, .snaplen = 96};
    struct bytes b = {0};
    *s = (struct source){.called = "in.pcap", .size = 1000, .records = 12};
    put_file_header(&b, &d);
    assert_true(walk_open(&s->format, "a", (struct clv_span){b.p, b.len}, NULL));
    bytes_free(&b);
}

/* Writes a receipt of these parameters, and reads it. false: this build cannot. */
static bool through_receipt(const struct clv_split_params *params, struct clv_receipt *back)
{
    const struct clv_split_result result = {.damage = {.offset = CLV_NO_OFFSET}};
    struct dialect dialect = {.form = params->format == CLV_FORMAT_PCAP ? DIALECT_PCAP
                                      : params->format                  ? DIALECT_PCAPNG
                                                                        : DIALECT_COPY};
    struct source source;
    struct temp t;
    struct publish publish;
    struct clv_error err = {0};
    make_source(&source);
    const struct receipt_facts facts = {.params = params,
                                        .sources = &source,
                                        .n_sources = 1,
                                        .dialect = &dialect,
                                        .page = params->report,
                                        .result = &result};
    temp_make(&t);
    assert_true(publish_init(&publish, temp_path(&t, "out"), IO_MODE, NULL, false, &err));
    assert_true(receipt_write(&publish, &facts, &err));
    assert_true(publish_commit(&publish, &err));
    publish_fini(&publish, NULL);
    const bool ok = receipt_read(back, temp_path(&t, "out"), 1, &err);
    if (!ok)
        CHECK_HAS(err.subject, err.what, "built without"); /* jansson */
    temp_remove(&t);
    return ok;
}

/* What shapes the result comes back from cleave.json, and nothing else does. */
static void test_receipt(void **state)
{
    static const struct clv_split_params zero = CLV_SPLIT_PARAMS_INIT;
    const struct clv_option *o, *other;
    (void)state;
    for (size_t i = 0; (o = clv_split_options(i)) != NULL; i++) {
        struct clv_split_params p = zero;
        struct clv_receipt r;
        struct clv_error err = {.code = CLV_ERR_NONE};
        char word[64], text[64], back[64];
        CHECK(o->name, clv_option_set(o, &p, text_of(o, word), &err));
        if (!through_receipt(&p, &r)) {
            skip();
            return;
        }
        for (size_t k = 0; (other = clv_split_options(k)) != NULL; k++) {
            char row[80];
            (void)snprintf(row, sizeof row, "%s, of %s", o->name, other->name);
            (void)clv_option_get(other, &p, text, sizeof text);
            (void)clv_option_get(other, &r.params, back, sizeof back);
            if (strcmp(other->name, "by") == 0) /* it says what stands for it, too */
                CHECK_STR(row, back, options_by(&p));
            else if (other->shapes_result)
                CHECK_STR(row, back, text);
            else
                CHECK(row, !clv_option_is_set(other, &r.params));
        }
        receipt_fini(&r);
    }
}

/* The key that stands for none, where it is given. */
static void test_by(void **state)
{
    static const struct {
        const char *name;
        struct clv_split_params params;
        const char *want, *option;
    } rows[] = {
        {"nothing", {.by = NULL}, "flow", "by"},
        {"by", {.by = "ip", .every = CLV_EVERY_NS, .every_n = 1}, "ip", "by"},
        {"slices", {.every = CLV_EVERY_NS, .every_n = 1}, "none", "by"},
        {"shards", {.shards = 2, .every = CLV_EVERY_NS, .every_n = 1}, "flow", "by"},
        {"shards of a key", {.shards = 2, .shard_by = "ip"}, "ip", "shard_by"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        CHECK_STR(rows[i].name, options_by(&rows[i].params), rows[i].want);
        CHECK_STR(rows[i].name, options_by_name(&rows[i].params), rows[i].option);
    }
}

UNIT(options)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_receipt),
        cmocka_unit_test(test_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
