/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_scene.h"
#include "support_temp.h"
#include "support_unpack.h"

#include "base/mem.h"

/* What is kept of each flow, by dialect; how sizes come about is tested in measure.c. */
static void test_keep(void **state)
{
    static const struct {
        const char *name;
        enum dialect_form form;
        enum clv_compress compress;
        bool trail, tail;
    } rows[] = {
        {"copied", DIALECT_COPY, CLV_COMPRESS_NONE, false, false},
        {"pcap", DIALECT_PCAP, CLV_COMPRESS_NONE, false, false},
        {"pcapng", DIALECT_PCAPNG, CLV_COMPRESS_NONE, true, false},
        {"copied, packed", DIALECT_COPY, CLV_COMPRESS_ZSTD, false, true},
        {"pcapng, packed", DIALECT_PCAPNG, CLV_COMPRESS_GZIP, true, true},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        static struct dialect d;
        const struct form form = {.dialect = &d};
        struct flow_table t;
        d = (struct dialect){.form = rows[i].form, .compress = rows[i].compress};
        assert_true(flow_table_init(&t));
        form_keep(&form, &t);
        for (uint32_t k = 0; k < 3; k++) {
            const struct flow_key key = {.family = 4, .a_port = (uint16_t)k};
            assert_int_equal(flow_table_add(&t, &key, NULL, k), k);
            struct flow *f = flow_table_at(&t, k);
            const struct form_output o = form_output(&t, f);
            CHECK(rows[i].name, o.flow == f);
            CHECK_EQ(rows[i].name, o.trail != NULL, rows[i].trail);
            CHECK_EQ(rows[i].name, o.tail != NULL, rows[i].tail);
            CHECK(rows[i].name, !o.tail || *o.tail == 0);
            CHECK(rows[i].name, !o.trail || !o.trail->begun);
        }
        form_forget(&t);
        flow_table_fini(&t);
    }
}

/* An output that is empty gets a header, another does not; pcapng begins with its first record. */
static void test_begin(void **state)
{
    static const struct {
        const char *name;
        enum dialect_form form;
        uint64_t size, more; /* bytes of the output, and that it gets */
    } rows[] = {
        {"copied", DIALECT_COPY, 0, PCAP_FILE_HEADER},
        {"copied, more", DIALECT_COPY, 100, 0},
        {"pcap", DIALECT_PCAP, 0, PCAP_FILE_HEADER},
        {"pcap, more", DIALECT_PCAP, 100, 0},
        {"pcapng", DIALECT_PCAPNG, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        static struct dialect d;
        const struct dialect_kind kind = {.linktype = 1};
        const struct form form = {.dialect = &d};
        const struct stage_place place = {.fd = -1, .base = 7, .size = rows[i].size};
        struct flow f = {.n = 1};
        const struct form_output o = {.flow = &f};
        struct form_scratch x;
        d = (struct dialect){.form = rows[i].form};
        assert_int_equal(dialect_kind(&d, &kind), 0);
        assert_true(form_scratch_init(&x, CLV_COMPRESS_NONE));
        CHECK(rows[i].name, form_begin(&form, &x, &o, &place, "out", NULL));
        CHECK(rows[i].name, form_end(&x, &o));
        CHECK_EQ(rows[i].name, x.stage.place.base, 7);
        CHECK_EQ(rows[i].name, x.stage.place.size, rows[i].size + rows[i].more);
        form_scratch_fini(&x);
    }
}

/* Records are read again before they are converted: one that changed is not believed. */
static void test_changed(void **state)
{
    static const enum dialect_form forms[] = {DIALECT_COPY, DIALECT_PCAP};
    (void)state;
    for (size_t i = 0; i < N_ROWS(forms); i++) {
        static struct dialect d;
        const struct dialect_kind kind = {.linktype = 1};
        const struct form form = {.dialect = &d};
        const struct stage_place place = {.fd = -1};
        struct flow f = {.n = 1};
        const struct form_output o = {.flow = &f};
        struct form_scratch x;
        struct scene s;
        struct clv_error err = {0};
        scene_begin_pcap(&s);
        d = (struct dialect){.form = forms[i], .snaplen = 2};
        assert_int_equal(dialect_kind(&d, &kind), 0);
        const struct form_round round = {
            .base = s.b.p, .avail = s.b.len, .source = {.dialect = &d, .format = &s.format}};
        assert_true(form_scratch_init(&x, CLV_COMPRESS_NONE));
        memset(s.b.p + s.refs[3].offset + 8, 0xff, 4);
        CHECK("begin", form_begin(&form, &x, &o, &place, "out", &err));
        CHECK("before it", form_put(&form, &x, &o, &round, s.refs, 3));
        CHECK("with it", !form_put(&form, &x, &o, &round, s.refs, 6));
        CHECK_EQ("with it", err.code, CLV_ERR_INTERNAL);
        CHECK_HAS("with it", err.what, "changed while it was read");
        CHECK_STR("with it", err.subject, "out");
        form_scratch_fini(&x);
        scene_end(&s);
    }
}

static void no_scratch(enum clv_compress kind)
{
    bool ok = false;
    for (uint64_t nth = 1; !ok; nth++) {
        struct form_scratch x = {.dump = NULL};
        mem_fail_from(nth);
        ok = form_scratch_init(&x, kind);
        mem_fail_from(0);
        CHECK("it takes memory", nth > 1 || !ok);
        form_scratch_fini(&x);
    }
}

static void test_no_scratch(void **state)
{
    (void)state;
    no_scratch(CLV_COMPRESS_NONE);
    for_each_packer(no_scratch);
}

UNIT(form)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_begin),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_no_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
