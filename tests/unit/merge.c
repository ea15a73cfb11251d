/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which record comes next, when a capture is open, and what befalls it; property/merge holds what
 * is merged against a model.
 */
#include "support_compress.h"
#include "support_pcapng.h"
#include "support_savefile.h"
#include "support_temp.h"

#include "base/mem.h"
#include "capture/merge.h"

enum { CAPTURES = 4, NONE = 0 };

static struct temp temp;

static int setup(void **state)
{
    (void)state;
    temp_make(&temp);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    temp_remove(&temp);
    return 0;
}

/* Seconds of a capture's records; their packets are the capture's letter and the second. */
struct made {
    uint32_t at[5]; /* 0: no more */
    bool cut;       /* the last is one byte short */
};

static const struct {
    const char *name;
    struct made made[CAPTURES];
    bool ng; /* pcapng, all of them */
    const char *want;
    uint64_t damages;
} rows[] = {
    {"one after another", {{{1, 2}, false}, {{3, 4}, false}}, false, "a1 a2 b3 b4 ", 0},
    {"the other way round", {{{3, 4}, false}, {{1, 2}, false}}, false, "b1 b2 a3 a4 ", 0},
    {"in turns",
     {{{1, 4, 7}, false}, {{2, 5}, false}, {{3, 6}, false}},
     false,
     "a1 b2 c3 a4 b5 c6 a7 ",
     0},
    {"at equal times that of the first",
     {{{5}, false}, {{5, 5}, false}, {{4, 5}, false}},
     false,
     "c4 a5 b5 b5 c5 ",
     0},
    {"backwards within one", {{{5, 3, 6}, false}, {{4, 7}, false}}, false, "b4 a5 a3 a6 b7 ", 0},
    {"none in one", {{{NONE}, false}, {{2, 3}, false}}, false, "b2 b3 ", 0},
    {"none at all", {{{NONE}, false}, {{NONE}, false}}, false, "", 0},
    {"one ends early", {{{1, 5, 9}, true}, {{4, 6}, false}}, false, "a1 b4 a5 b6 ", 1},
    {"two end early", {{{1, 2}, true}, {{1, 9}, true}}, false, "a1 b1 ", 2},
    /* A time far ahead is wrong, maybe, and nobody waits for it. */
    {"one far ahead", {{{1, 900000, 3}, false}, {{2, 4}, false}}, false, "a1 b2 a900000 a3 b4 ", 0},
    {"all of one far ahead", {{{900000}, false}, {{2, 4}, false}}, false, "b2 b4 a900000 ", 0},
    {"pcapng", {{{1, 4}, false}, {{2, 3}, false}}, true, "a1 b2 b3 a4 ", 0},
    {"pcapng that ends early", {{{1, 4}, true}, {{2, 3}, false}}, true, "a1 b2 b3 ", 1},
};

static void put_made(struct bytes *b, const struct made *m, char letter, bool ng)
{
    static const struct savefile_dialect d = {.big = false};
    if (ng) {
        put_section(b, false);
        put_interface(b, false, 1, 0);
    } else {
        put_file_header(b, &d);
    }
    for (unsigned i = 0; i < N_ROWS(m->at) && m->at[i]; i++) {
        uint8_t packet[5] = {(uint8_t)letter};
        store_be32(packet + 1, m->at[i]);
        if (ng) {
            put_packet(b, false, 0, m->at[i] * UINT64_C(1000000), packet, 5, 5);
            continue;
        }
        put_record_header(b, &d, m->at[i], 0, 5, 5);
        put_bytes(b, packet, 5);
    }
    b->len -= m->cut;
}

/* What is merged, and of what. */
struct scene {
    char paths[CAPTURES][512];
    struct source sources[CAPTURES], merged;
    struct merge *merge;
    size_t n;
};

static bool open_scene(struct scene *sc, const struct merge_limits *limits, struct clv_error *err)
{
    const bool ng = sc->sources[0].format.kind == WALK_PCAPNG;
    return merge_open(&sc->merge, &sc->merged, sc->sources, sc->n,
                      ng ? NULL : sc->sources[0].format.header, limits, err);
}

static void make_scene(struct scene *sc, const struct made *made, bool ng, bool packed)
{
    *sc = (struct scene){.n = 0};
    for (unsigned i = 0; i < CAPTURES && (i < 2 || made[i].at[0]); i++) {
        struct bytes b = {0}, gz = {0};
        char name[2] = {(char)('a' + i)};
        put_made(&b, &made[i], *name, ng);
        if (packed)
            put_compressed(&gz, GZIP, b.p, b.len);
        const struct bytes *const what = packed ? &gz : &b;
        (void)snprintf(sc->paths[i], sizeof sc->paths[i], "%s",
                       temp_file(&temp, name, what->p, what->len));
        const struct input_place place = {.path = sc->paths[i]};
        assert_true(source_probe(&sc->sources[sc->n++], &place, -1, false, NULL));
        source_close(&sc->sources[i]); /* as job_open() does where there are several */
        bytes_free(&b);
        bytes_free(&gz);
    }
}

static void close_scene(struct scene *sc)
{
    source_close(&sc->merged);
    merge_close(&sc->merge);
    for (size_t i = 0; i < sc->n; i++)
        assert_true(sc->sources[i].in == NULL);
}

/* The next record, or block of pcapng, of what is merged: "a1 " of a record. false: it is over. */
static bool next(struct scene *sc, struct input_window *w, size_t *at, struct ledger *l,
                 struct walk_state *st, char text[32])
{
    const struct walk_format *f = &sc->merged.format;
    struct walk_record rec;
    text[0] = '\0';
    if (*at == w->len)
        return false;
    const uint8_t *const p = w->p + *at;
    const size_t rest = w->len - *at;
    const enum walk_step step = f->kind == WALK_PCAP ? walk_record(f, p, rest, f->big_endian, &rec)
                                                     : walk_block(l, st, p, rest, &rec);
    if (step == WALK_BLOCK)
        assert_true(walk_note(l, st, rec.raw, rec.raw_len, *at, NULL));
    else
        assert_int_equal(step, WALK_RECORD);
    *at += rec.raw_len;
    if (step == WALK_RECORD)
        (void)snprintf(text, 32, "%c%u ", rec.data[0], load_be32(rec.data + 1));
    return true;
}

static void read_scene(struct scene *sc, char *text, size_t cap)
{
    const struct input_plan plan = {.window = 1 << 20, .buffers = 1};
    struct input_window w;
    struct ledger ledger;
    struct walk_state st = {.big_endian = sc->merged.format.big_endian};
    struct clv_error err;
    char one[32];
    assert_true(source_begin(&sc->merged, &plan, &err));
    assert_int_equal(input_next(sc->merged.in, &w, &err), INPUT_WINDOW);
    assert_true(w.last);
    ledger_init(&ledger, 0);
    text[0] = '\0';
    for (size_t at = 0; next(sc, &w, &at, &ledger, &st, one);) {
        assert_true(strlen(text) + strlen(one) < cap);
        strcat(text, one);
    }
    ledger_fini(&ledger);
    input_release(&w, 0, w.len);
}

static void test_order(void **state)
{
    const struct merge_limits limits = {.memory = 1 << 20, .max_open = CAPTURES};
    (void)state;
    const unsigned fds = open_descriptors();
    for (size_t i = 0; i < N_ROWS(rows); i++)
        for (unsigned packed = 0; packed < (compression_there(GZIP) ? 2U : 1U); packed++) {
            char row[80], text[256];
            struct scene sc;
            struct clv_split_result result = {.damage = {.offset = CLV_NO_OFFSET}};
            struct clv_error err;
            uint64_t records = 0, faulty = 0;
            (void)snprintf(row, sizeof row, "%s%s", rows[i].name, packed ? ", gzip" : "");
            make_scene(&sc, rows[i].made, rows[i].ng, packed);
            CHECK(row, open_scene(&sc, &limits, &err));
            CHECK_EQ(row, sc.merged.number, SIZE_MAX);
            read_scene(&sc, text, sizeof text);
            CHECK_STR(row, text, rows[i].want);
            merge_count(sc.merge, &result);
            CHECK_EQ(row, result.damages, rows[i].damages);
            CHECK_EQ(row, result.damage.code != CLV_ERR_NONE, rows[i].damages != 0);
            for (size_t k = 0; k < sc.n; k++) {
                CHECK(row, sc.sources[k].in == NULL); /* closed behind its last record */
                CHECK_EQ(row, sc.sources[k].fault.code != CLV_ERR_NONE, rows[i].made[k].cut);
                records += sc.sources[k].records;
                faulty += sc.sources[k].fault.code != CLV_ERR_NONE;
            }
            CHECK_EQ(row, faulty, rows[i].damages);
            for (const char *p = text; *p; p++)
                records -= *p == ' ';
            CHECK_EQ(row, records, 0);
            close_scene(&sc);
            CHECK_EQ(row, open_descriptors(), fds);
        }
}

/* Captures that are read, and whose records are under way side by side, are bounded. */
static void test_open(void **state)
{
    static const struct made overlap[CAPTURES] = {{{1, 9}, false},
                                                  {{2, 8}, false},
                                                  {{3, 7}, false}},
                             apart[CAPTURES] = {{{1, 2}, false}, {{3, 4}, false}, {{5, 6}, false}};
    const struct merge_limits limits = {.memory = 1 << 20, .max_open = 2};
    const struct input_plan plan = {.window = 1 << 20, .buffers = 1};
    struct scene sc;
    struct input_window w;
    struct clv_error err = {0};
    char text[64];
    (void)state;
    if (!compression_there(GZIP))
        skip();
    make_scene(&sc, overlap, false, true);
    assert_true(open_scene(&sc, &limits, &err));
    assert_true(source_begin(&sc.merged, &plan, &err));
    assert_int_equal(input_next(sc.merged.in, &w, &err), INPUT_FAILED);
    assert_int_equal(err.code, CLV_ERR_ARG);
    assert_string_equal(err.subject, sc.paths[2]); /* the third to begin */
    CHECK_HAS("overlap", err.what, "overlaps in time with 2 other compressed captures");
    close_scene(&sc);
    make_scene(&sc, apart, false, true);
    assert_true(open_scene(&sc, &limits, &err));
    read_scene(&sc, text, sizeof text);
    assert_string_equal(text, "a1 a2 b3 b4 c5 c6 ");
    close_scene(&sc);
    make_scene(&sc, overlap, false, false); /* what is mapped does not count */
    assert_true(open_scene(&sc, &limits, &err));
    read_scene(&sc, text, sizeof text);
    assert_string_equal(text, "a1 b2 c3 c7 b8 a9 ");
    close_scene(&sc);
}

/* A capture that is another one when its turn comes. */
static void test_replaced(void **state)
{
    static const struct made made[CAPTURES] = {{{1, 2}, false}, {{3, 4}, false}};
    const struct merge_limits limits = {.memory = 1 << 20, .max_open = 2};
    const struct input_plan plan = {.window = 1 << 20, .buffers = 1};
    struct scene sc;
    struct input_window w;
    struct clv_error err = {0};
    struct bytes b = {0};
    (void)state;
    make_scene(&sc, made, false, false);
    assert_true(open_scene(&sc, &limits, &err));
    temp_read(&temp, "b", &b);
    (void)temp_file(&temp, "new", b.p, b.len); /* the same, but another file */
    char path[512];
    (void)snprintf(path, sizeof path, "%s", temp_path(&temp, "new"));
    assert_int_equal(rename(path, sc.paths[1]), 0);
    assert_true(source_begin(&sc.merged, &plan, &err));
    assert_int_equal(input_next(sc.merged.in, &w, &err), INPUT_FAILED);
    assert_int_equal(err.code, CLV_ERR_IO);
    assert_string_equal(err.subject, sc.paths[1]);
    assert_string_equal(err.what, "was replaced since the run began");
    bytes_free(&b);
    close_scene(&sc);
}

static void test_stopped(void **state)
{
    static const struct made made[CAPTURES] = {{{1, 2}, false}, {{3, 4}, false}};
    const struct merge_limits limits = {.memory = 1 << 20, .max_open = 2};
    const struct input_plan plan = {.window = 1 << 20, .buffers = 1};
    struct scene sc;
    struct input_window w;
    struct clv_error err = {0};
    (void)state;
    make_scene(&sc, made, true, false);
    assert_true(open_scene(&sc, &limits, &err));
    input_interrupt(sc.merged.in);
    assert_true(source_begin(&sc.merged, &plan, &err));
    assert_int_equal(input_next(sc.merged.in, &w, &err), INPUT_FAILED);
    assert_int_equal(err.code, CLV_ERR_CANCELLED);
    close_scene(&sc);
}

static void test_no_memory(void **state)
{
    static const struct made made[CAPTURES] = {{{1, 3}, false}, {{2, 4}, false}};
    const struct merge_limits limits = {.memory = 1 << 20, .max_open = 2};
    const struct input_plan plan = {.window = 1 << 20, .buffers = 1};
    (void)state;
    const unsigned fds = open_descriptors();
    bool ok = false;
    for (uint64_t nth = 1; !ok; nth++) {
        struct scene sc;
        struct input_window w;
        struct clv_error err = {0};
        make_scene(&sc, made, true, false);
        mem_fail_from(nth);
        ok = open_scene(&sc, &limits, &err);
        assert_true(ok == (sc.merge != NULL));
        ok = ok && source_begin(&sc.merged, &plan, &err) &&
             input_next(sc.merged.in, &w, &err) == INPUT_WINDOW;
        mem_fail_from(0);
        assert_int_equal(err.code, ok ? CLV_ERR_NONE : CLV_ERR_NOMEM);
        close_scene(&sc);
        assert_int_equal(open_descriptors(), fds);
        assert_true(!ok || nth > 10);
    }
}

UNIT(merge)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),     cmocka_unit_test(test_open),
        cmocka_unit_test(test_replaced),  cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
