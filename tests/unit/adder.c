/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "config.h"

#if HAVE_SQLITE

#include "base/mem.h"
#include "table/adder.h"

static sqlite3 *open_table(void)
{
    sqlite3 *db;
    struct clv_error err;
    assert_true(db_create(&db, NULL, &err));
    assert_true(db_do(db,
                      "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER CHECK (n <> 777777), "
                      "p TEXT, b BLOB)",
                      "t", &err));
    return db;
}

static void begin(struct adder *a, sqlite3 *db)
{
    struct clv_error err;
    sqlite3_stmt *s = db_prepare(db, "INSERT INTO t (n, p, b) VALUES (?,?,?)", "t", &err);
    assert_non_null(s);
    assert_true(adder_begin(a, db, s, 3, "t", &err));
}

/* A row whose blob is as long as its number says, up to some megabytes. */
static bool add(struct adder *a, unsigned n, struct clv_error *err)
{
    const size_t len = n % 1000 == 999 ? (size_t)3 << 20 : n % 50;
    if (!adder_row(a, 16 + len, err))
        return false;
    adder_number(a, 1, n);
    if (n % 7)
        adder_took(a, 2, ADDER_TEXT, (size_t)snprintf((char *)adder_room(a), 16, "%u", n));
    if (n % 5) {
        memset(adder_room(a), (int)n & 0xff, len);
        adder_took(a, 3, ADDER_BLOB, len);
    }
    return adder_add(a, err);
}

static void check_row(sqlite3_stmt *s, unsigned n)
{
    char text[16];
    const size_t len = n % 1000 == 999 ? (size_t)3 << 20 : n % 50;
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(s, 0), n + 1);
    assert_int_equal(sqlite3_column_int(s, 1), n);
    (void)snprintf(text, sizeof text, "%u", n);
    if (n % 7)
        assert_string_equal((const char *)sqlite3_column_text(s, 2), text);
    else
        assert_int_equal(sqlite3_column_type(s, 2), SQLITE_NULL);
    assert_int_equal(sqlite3_column_type(s, 3), n % 5 ? SQLITE_BLOB : SQLITE_NULL);
    assert_int_equal(sqlite3_column_bytes(s, 3), n % 5 ? len : 0);
    const uint8_t *blob = sqlite3_column_blob(s, 3);
    for (size_t i = 0; n % 5 && i < len; i += 4096)
        assert_int_equal(blob[i], n & 0xff);
}

/* All rows are there, in their order, however many batches they were. */
static void test_rows(void **state)
{
    static const unsigned counts[] = {0, 1, 511, 512, 513, 5000};
    (void)state;
    for (size_t i = 0; i < N_ROWS(counts); i++) {
        sqlite3 *db = open_table();
        struct adder a;
        struct clv_error err;
        begin(&a, db);
        for (unsigned n = 0; n < counts[i]; n++)
            assert_true(add(&a, n, &err));
        assert_true(adder_end(&a, &err));
        sqlite3_stmt *s = db_prepare(db, "SELECT * FROM t ORDER BY id", "t", &err);
        assert_non_null(s);
        for (unsigned n = 0; n < counts[i]; n++)
            check_row(s, n);
        assert_int_equal(sqlite3_step(s), SQLITE_DONE);
        assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK); /* no statement is left */
    }
}

/* A row that the table refuses is told of, at once or later, and at the end at the latest. */
static void test_refused(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 3000; at += 731) {
        sqlite3 *db = open_table();
        struct adder a;
        struct clv_error err = {.code = CLV_ERR_NONE};
        bool ok = true;
        begin(&a, db);
        for (unsigned n = 0; ok && n < 3000; n++)
            ok = add(&a, n == at ? 777777 : n, &err);
        ok = ok && adder_end(&a, &err);
        assert_false(ok);
        assert_int_equal(err.code, CLV_ERR_IO);
        assert_string_equal(err.subject, "t");
        adder_fini(&a);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
    }
}

/* Given up in the middle, and never begun. */
static void test_fini(void **state)
{
    sqlite3 *db = open_table();
    struct adder a;
    struct clv_error err;
    (void)state;
    begin(&a, db);
    for (unsigned n = 0; n < 2000; n++)
        assert_true(add(&a, n, &err));
    adder_fini(&a);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    struct adder none = {.db = NULL};
    adder_fini(&none);
    assert_true(adder_end(&none, &err));
}

UNIT(adder)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_fini),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

UNIT(adder)
{
    return 0;
}

#endif
