/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An index that somebody else made: sound SQLite with other contents, or other bytes anywhere. Its
 * flows are listed and taken out of a capture; whatever it says, nothing outside of that is read.
 *
 * The first byte says how the index of a fixed capture is changed, the others by what.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "fuzz_error.h"
#include "fuzz_temp.h"

#include <sqlite3.h>

#include "base/bytes.h"
#include "cleave/index.h"
#include "cleave/result.h"

enum { RECORDS = 40, FRAME = 50, RECORD = 16 + FRAME, CAPTURE = 24 + RECORDS * RECORD };

enum change {
    CHANGE_BYTES,     /* of the file: 2 bytes where, 1 what */
    CHANGE_POSITIONS, /* of a row: 1 byte which, then all */
    CHANGE_BLOCK,     /* another block: 1 byte where it lies, then all */
    CHANGE_CAPTURE,   /* the capture's position, 8 bytes */
    CHANGE_RECEIPT,   /* all of it */
    CHANGE_FILE,      /* a row's name: 1 byte which, then all */
    CHANGE_WHERE,     /* nothing: a condition */
    CHANGES,
};

static struct temp_name capture, whole;
static struct temp dir;

/* UDP between a few addresses. */
static void put_record(uint8_t *p, unsigned n)
{
    static const uint8_t ip[] = {0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0};
    store_le32(p, n);
    store_le32(p + 8, FRAME);
    store_le32(p + 12, FRAME);
    store_be16(p + 16 + 12, 0x0800);
    memcpy(p + 16 + 14, ip, sizeof ip);
    store_be32(p + 16 + 26, 0x0a000001 + n % 7);
    store_be32(p + 16 + 30, 0x0a000100);
    store_be16(p + 16 + 34, 1000);
    store_be16(p + 16 + 36, 53);
    store_be16(p + 16 + 38, 16);
}

static void make_index(void)
{
    static uint8_t bytes[CAPTURE];
    struct clv_split_params params = CLV_SPLIT_PARAMS_INIT;
    struct clv_split_result result;
    struct clv_error err;
    temp_make(&dir);
    capture = temp_path(&dir, "c.pcap");
    whole = temp_path(&dir, "c.db");
    store_le32(bytes, 0xa1b2c3d4);
    store_le16(bytes + 4, 2);
    store_le16(bytes + 6, 4);
    store_le32(bytes + 16, 65535);
    store_le32(bytes + 20, 1);
    for (unsigned i = 0; i < RECORDS; i++)
        put_record(bytes + 24 + i * RECORD, i);
    temp_write(capture.path, bytes, sizeof bytes);
    const char *input = capture.path;
    params.inputs = &input;
    params.n_inputs = 1;
    params.output = whole.path;
    params.threads = 1;
    FUZZ_CHECK(clv_index(&params, &result, &err));
}

static void remove_all(void)
{
    temp_remove(&dir);
}

/* Runs the statement with the values that it has. */
static void change_by(const char *path, const char *sql, int64_t number, const uint8_t *p, size_t n)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    FUZZ_CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    FUZZ_CHECK(sqlite3_exec(db, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF", NULL, NULL,
                            NULL) == SQLITE_OK);
    FUZZ_CHECK(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK);
    (void)sqlite3_bind_int64(s, 1, number);
    (void)sqlite3_bind_blob64(s, 2, p ? p : (const uint8_t *)"", n, SQLITE_STATIC);
    FUZZ_CHECK(sqlite3_step(s) == SQLITE_DONE);
    (void)sqlite3_finalize(s);
    FUZZ_CHECK(sqlite3_close(db) == SQLITE_OK);
}

static void change_bytes(const char *path, const uint8_t *p, size_t n)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat st;
    FUZZ_CHECK(fd >= 0 && fstat(fd, &st) == 0);
    for (; n >= 3; p += 3, n -= 3)
        FUZZ_CHECK(pwrite(fd, p + 2, 1, load_be16(p) % st.st_size) == 1);
    FUZZ_CHECK(close(fd) == 0);
}

static void change(const char *path, enum change how, const uint8_t *p, size_t n)
{
    const int64_t first = n ? p[0] : 0;
    switch (how) {
    case CHANGE_BYTES:
        change_bytes(path, p, n);
        break;
    case CHANGE_POSITIONS:
        change_by(path, "UPDATE outputs SET positions = ?2 WHERE id = 1 + ?1 % 7", first, p + !!n,
                  n - !!n);
        break;
    case CHANGE_BLOCK:
        change_by(path, "INSERT INTO blocks (position, block, rest) VALUES (?1 * 60, ?2, 1)", first,
                  p + !!n, n - !!n);
        break;
    case CHANGE_CAPTURE:
        change_by(path, "UPDATE captures SET position = ?1 WHERE ?2 IS NOT NULL",
                  n >= 8 ? (int64_t)((uint64_t)load_be32(p) << 32 | load_be32(p + 4)) : first, p,
                  n);
        break;
    case CHANGE_RECEIPT:
        change_by(path,
                  "UPDATE cleave SET value = CAST(?2 AS TEXT) WHERE key = 'receipt' AND ?1 >= 0", 0,
                  p, n);
        break;
    case CHANGE_FILE:
        change_by(path, "UPDATE outputs SET file = CAST(?2 AS TEXT) WHERE id = 1 + ?1 % 7", first,
                  p + !!n, n - !!n);
        break;
    default:
        break;
    }
}

static void list(struct clv_result *r, const struct clv_selection *selection)
{
    static char buf[16384];
    struct clv_rows *rows;
    struct clv_error err;
    struct clv_totals totals;
    enum clv_rows_step step;
    if (!clv_result_totals(r, selection, &totals, &err))
        check_error(&err);
    if (!clv_rows_open(&rows, r, selection, &err)) {
        check_error(&err);
        return;
    }
    while ((step = clv_rows_next(rows, &err)) == CLV_ROWS_ROW)
        (void)clv_rows_line(rows, CLV_MANIFEST_CSV, false, buf, sizeof buf);
    if (step == CLV_ROWS_FAILED)
        check_error(&err);
    clv_rows_close(&rows);
}

static void extract(struct clv_result *r, const char *to, const struct clv_selection *selection)
{
    struct clv_extract_params params = CLV_EXTRACT_PARAMS_INIT;
    struct clv_extract_result result;
    struct clv_error err;
    params.selection = selection;
    params.output = to;
    if (!clv_extract(r, &params, &result, &err))
        check_error(&err);
    else
        FUZZ_CHECK(result.records <= RECORDS && result.bytes <= 2 * CAPTURE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!dir.dir[0]) {
        make_index();
        FUZZ_CHECK(atexit(remove_all) == 0);
    }
    if (size == 0)
        return 0;
    const enum change how = data[0] % CHANGES;
    const struct temp_name path = temp_path(&dir, "other.db"), to = temp_path(&dir, "out.pcap"),
                           tree = temp_path(&dir, "out/");
    struct clv_selection selection = CLV_SELECTION_INIT;
    struct clv_result_params params = CLV_RESULT_PARAMS_INIT;
    struct clv_result *r;
    struct clv_error err;
    char where[512] = "";
    static uint8_t bytes[1 << 18];
    const int fd = open(whole.path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;
    FUZZ_CHECK(n > 0 && n < (ssize_t)sizeof bytes && close(fd) == 0);
    temp_write(path.path, bytes, (size_t)n);
    change(path.path, how, data + 1, size - 1);
    if (how == CHANGE_WHERE && size - 1 < sizeof where && !memchr(data + 1, 0, size - 1)) {
        memcpy(where, data + 1, size - 1);
        selection.where = where;
    }
    const char *const paths = path.path;
    params.paths = &paths;
    params.n_paths = 1;
    if (clv_result_open(&r, &params, &err)) {
        list(r, &selection);
        extract(r, to.path, &selection);
        (void)unlink(to.path);
        extract(r, tree.path, &selection);
        (void)nftw(temp_path(&dir, "out").path, temp_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        clv_result_close(&r);
    } else {
        check_error(&err);
    }
    return 0;
}
