/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_told.h"

#include <errno.h>

#include "manifest/manifest.h"

#define HEAD "number,proto,name,bytes\n"
#define ROW1 "1,tcp,\"x, y\",100\n"
#define ROW2 "2,udp,z,2000\n"
#define ROW3 "3,icmp,z,30\n"
#define TABLE HEAD ROW1 ROW2 ROW3

static const struct {
    const char *name;
    enum clv_manifest kind;
    const char *has;  /* the file */
    const char *want; /* what it must have */
    uint64_t offset;  /* of the first byte that is wrong */
    const char *what; /* NULL: nothing is wrong, as far as it goes */
} rows[] = {
    {"as it must be", CLV_MANIFEST_CSV, TABLE, TABLE, 0, NULL},
    {"more behind it", CLV_MANIFEST_CSV, TABLE "4", TABLE, 0, NULL}, /* verify_conclude() looks */
    {"a number", CLV_MANIFEST_CSV, HEAD ROW1 "2,udp,z,2100\n" ROW3, TABLE,
     sizeof HEAD + sizeof ROW1 - 2 + 9, "row 2 has bytes \"2100\", but should have \"2000\""},
    {"a word", CLV_MANIFEST_CSV, HEAD ROW1 "2,tcp,z,2000\n" ROW3, TABLE,
     sizeof HEAD + sizeof ROW1 - 2 + 2, "row 2 has proto \"tcp\", but should have \"udp\""},
    {"behind a quoted comma", CLV_MANIFEST_CSV, HEAD "1,tcp,\"x, y\",101\n" ROW2 ROW3, TABLE,
     sizeof HEAD - 1 + 15, "row 1 has bytes \"101\", but should have \"100\""},
    {"the head", CLV_MANIFEST_CSV, "number,proto,name,byte\n" ROW1, TABLE, 22,
     "row 0 has \"byte\", but should have \"bytes\""},
    {"the first of two", CLV_MANIFEST_CSV, HEAD "1,tcp,\"x, y\",100\n2,udp,y,1\n3,x,y,z\n", TABLE,
     sizeof HEAD + sizeof ROW1 - 2 + 6, "row 2 has name \"y\", but should have \"z\""},
    {"it ends in a row", CLV_MANIFEST_CSV, HEAD ROW1 "2,u", TABLE,
     sizeof HEAD + sizeof ROW1 - 2 + 3, "row 2 has proto \"u\", but should have \"udp\""},
    {"it ends between rows", CLV_MANIFEST_CSV, HEAD ROW1, TABLE, sizeof HEAD + sizeof ROW1 - 2,
     "ends before row 2"},
    {"it is empty", CLV_MANIFEST_CSV, "", TABLE, 0, "ends before row 0"},
    {"lines of JSON", CLV_MANIFEST_JSONL, "{\"a\":1}\n{\"a\":3}\n", "{\"a\":1}\n{\"a\":2}\n", 13,
     "row 2 has \"{\"a\":3}\", but should have \"{\"a\":2}\""},
    {"no lines of JSON", CLV_MANIFEST_JSONL, "", "{\"a\":1}\n", 0, "ends before row 1"},
};

/* What a test verifies. */
struct scene {
    struct temp t;
    struct clv_split_params params;
    struct job job;
    struct store s;
    struct verify v;
    struct told told;
};

static void begin(struct scene *sc, enum clv_manifest kind, const char *has)
{
    static const struct clv_split_params none = CLV_SPLIT_PARAMS_INIT;
    struct clv_error err;
    *sc = (struct scene){.params = none};
    sc->params.manifest = kind;
    sc->job.params = &sc->params;
    temp_make(&sc->t);
    if (has)
        (void)temp_file(&sc->t, manifest_file_name(kind), has, strlen(has));
    assert_true(store_open(&sc->s, sc->t.dir, &err));
    assert_true(verify_begin(&sc->v, &sc->job, 0, 0, &sc->s, told_fault, &sc->told, &err));
}

static void end(struct scene *sc)
{
    verify_end(&sc->v);
    store_close(&sc->s);
    temp_remove(&sc->t);
}

/* Its rows so many at a time; of each call at least one. */
static void give(const char *row, struct scene *sc, const char *text, unsigned at_a_time)
{
    struct clv_error err;
    while (*text) {
        const char *to = text;
        for (unsigned i = 0; i < at_a_time && *to; i++)
            to = strchr(to, '\n') + 1;
        CHECK(row, sc->v.plan.manifest(&sc->v, text, (size_t)(to - text), &err));
        text = to;
    }
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++)
        for (unsigned at_a_time = 1; at_a_time <= 4; at_a_time++) {
            char row[64];
            struct scene sc;
            (void)snprintf(row, sizeof row, "%s, by %u", rows[i].name, at_a_time);
            begin(&sc, rows[i].kind, rows[i].has);
            give(row, &sc, rows[i].want, at_a_time);
            CHECK_EQ(row, sc.v.manifest_wrong, rows[i].what != NULL);
            CHECK_EQ(row, sc.told.n, rows[i].what != NULL);
            if (rows[i].what) {
                check_told(row, &sc.told, &sc.t, manifest_file_name(rows[i].kind), rows[i].what);
                CHECK_EQ(row, sc.told.all[0].offset, rows[i].offset);
            } else {
                CHECK_EQ(row, sc.v.manifest_at, strlen(rows[i].want));
            }
            end(&sc);
        }
}

/* The rows are many, and only a byte of the last is another. */
static void test_long(void **state)
{
    enum { N = 5000 };
    char row[32];
    struct bytes b = {0};
    struct scene sc;
    struct clv_error err;
    (void)state;
    put_bytes(&b, HEAD, sizeof HEAD - 1);
    for (unsigned i = 1; i <= N; i++) {
        const int len = snprintf(row, sizeof row, "%u,tcp,z,%u\n", i, i);
        put_bytes(&b, row, (size_t)len);
    }
    b.p[b.len - 2] ^= 1;
    *bytes_more(&b, 1) = '\0';
    begin(&sc, CLV_MANIFEST_CSV, (const char *)b.p);
    b.p[b.len - 3] ^= 1;
    assert_true(verify_manifest(&sc.v, (const char *)b.p, b.len - 1, &err));
    check_told("long", &sc.told, &sc.t, "manifest.csv",
               "row 5000 has bytes \"5001\", but should have \"5000\"");
    assert_int_equal(sc.told.all[0].offset, b.len - 3);
    bytes_free(&b);
    end(&sc);
}

/* What is not there is told once; of what is no file verify_strays() tells. */
static void test_no_table(void **state)
{
    struct scene sc;
    (void)state;
    begin(&sc, CLV_MANIFEST_CSV, NULL);
    give("missing", &sc, TABLE, 1);
    check_told("missing", &sc.told, &sc.t, "manifest.csv", "cannot be read");
    assert_int_equal(sc.told.all[0].sys, ENOENT);
    end(&sc);
    begin(&sc, CLV_MANIFEST_CSV, NULL);
    assert_int_equal(mkdir(temp_path(&sc.t, "manifest.csv"), 0700), 0);
    give("a directory", &sc, TABLE, 1);
    assert_int_equal(sc.told.n, 0);
    assert_true(sc.v.manifest_wrong);
    end(&sc);
}

UNIT(rows)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
