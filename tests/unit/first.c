/* SPDX-License-Identifier: BSD-2-Clause */
/* What flows begin with is the same of every form of result, and what a plain walk finds. */
#include "cleave/first.h"

#include "cleave/index.h"
#include "support_compress.h"
#include "support_temp.h"
#include "support_traffic.h"

enum { PACKETS = 5, HEADER = 60, PAYLOAD = 50, EACH = HEADER + PAYLOAD, FLOWS_MAX = 64 };

static struct temp temp;
static char made[512];

/* By which a result's flows are asked for. */
struct ids {
    uint64_t id[FLOWS_MAX];
    char name[FLOWS_MAX][100];
    size_t n;
};

static int setup(void **state)
{
    (void)state;
    temp_make(&temp);
    (void)snprintf(made, sizeof made, "%s", temp_path(&temp, "made.pcap"));
    traffic_make(made, 40);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    temp_remove(&temp);
    return 0;
}

static void split_to(const char *capture, const char *output)
{
    struct clv_split_params params = CLV_SPLIT_PARAMS_INIT;
    struct clv_split_result result;
    params.inputs = &capture;
    params.n_inputs = 1;
    params.output = output;
    assert_true(clv_split(&params, &result, NULL));
}

static struct clv_result *open_result(const char *path, struct ids *ids)
{
    struct clv_result_params params = CLV_RESULT_PARAMS_INIT;
    struct clv_result *r;
    struct clv_rows *rows;
    params.paths = &path;
    params.n_paths = 1;
    params.for_extract = true;
    assert_true(clv_result_open(&r, &params, NULL));
    assert_true(clv_rows_open(&rows, r, NULL, NULL));
    ids->n = 0;
    while (clv_rows_next(rows, NULL) == CLV_ROWS_ROW) {
        assert_true(ids->n < FLOWS_MAX);
        ids->id[ids->n] = clv_rows_id(rows);
        (void)snprintf(ids->name[ids->n++], sizeof *ids->name, "%s", clv_rows_text(rows, 0, NULL));
    }
    clv_rows_close(&rows);
    return r;
}

/* All that is asked of a result. */
struct found {
    uint8_t bytes[FLOWS_MAX][PACKETS][EACH];
    int32_t sizes[FLOWS_MAX][PACKETS];
    int64_t times[FLOWS_MAX][PACKETS];
};

static struct clv_first_params params_of(const struct ids *ids, unsigned threads)
{
    struct clv_first_params p = CLV_FIRST_PARAMS_INIT;
    p.rows = ids->id;
    p.n_rows = ids->n;
    p.packets = PACKETS;
    p.header = HEADER;
    p.payload = PAYLOAD;
    p.threads = threads;
    return p;
}

static void ask(struct clv_result *r, const struct ids *ids, unsigned threads, struct found *to)
{
    const struct clv_first_params p = params_of(ids, threads);
    memset(to, 0xee, sizeof *to);
    assert_true(clv_first_bytes(r, &p, &to->bytes[0][0][0], NULL));
    assert_true(clv_first_sizes(r, &p, &to->sizes[0][0], &to->times[0][0], NULL));
}

/* The same by reading one output after the other, as a program would. */
static void walk_outputs(const char *dir, const struct ids *ids, struct found *to)
{
    memset(to, 0, sizeof *to);
    for (size_t i = 0; i < ids->n; i++) {
        char path[640];
        struct clv_capture *c;
        struct clv_record rec;
        struct clv_tuple first = {.family = 0}, t;
        int64_t before = 0;
        (void)snprintf(path, sizeof path, "%s/%s", dir, ids->name[i]);
        assert_true(clv_capture_open(&c, path, NULL));
        for (size_t k = 0; k < PACKETS && clv_capture_next(c, &rec, NULL) == CLV_RECORD; k++) {
            struct clv_packet_desc d;
            const bool ip = clv_packet_describe(rec.linktype, rec.data, rec.caplen, 0, &d);
            t = d.tuple;
            if (k == 0)
                first = t;
            const bool back = ip && (memcmp(t.src, first.src, 16) != 0 || t.sport != first.sport);
            to->sizes[i][k] = back ? -(int32_t)rec.origlen : (int32_t)rec.origlen;
            to->times[i][k] = k ? rec.ts_ns - before : 0;
            before = rec.ts_ns;
            if (!ip)
                continue;
            const uint32_t header = d.payload_at - d.network_at;
            memcpy(to->bytes[i][k], rec.data + d.network_at, header < HEADER ? header : HEADER);
            memcpy(to->bytes[i][k] + HEADER, rec.data + d.payload_at,
                   d.payload_len < PAYLOAD ? d.payload_len : PAYLOAD);
        }
        clv_capture_close(&c);
    }
}

static void check_found(const char *row, const struct ids *ids, const struct found *found,
                        const struct found *want)
{
    for (size_t i = 0; i < ids->n; i++) {
        CHECK(row, memcmp(found->bytes[i], want->bytes[i], sizeof want->bytes[i]) == 0);
        for (size_t k = 0; k < PACKETS; k++) {
            CHECK_EQ(row, found->sizes[i][k], want->sizes[i][k]);
            CHECK_EQ(row, found->times[i][k], want->times[i][k]);
        }
    }
}

/* The same capture as a stream. */
static void pack_made(void)
{
    static uint8_t plain[1 << 20];
    struct bytes gz = {.len = 0};
    FILE *f = fopen(made, "rb");
    assert_non_null(f);
    const size_t n = fread(plain, 1, sizeof plain, f);
    assert_int_equal(fclose(f), 0);
    assert_true(n < sizeof plain);
    put_compressed(&gz, GZIP, plain, n);
    (void)temp_file(&temp, "made.pcap.gz", gz.p, gz.len);
    bytes_free(&gz);
}

static void test_forms(void **state)
{
    static struct found want, found;
    static struct ids ids;
    char dir[512], zip[512], db[512], packed[512];
    (void)state;
    (void)snprintf(dir, sizeof dir, "%s", temp_path(&temp, "flows"));
    (void)snprintf(zip, sizeof zip, "%s", temp_path(&temp, "flows.zip"));
    (void)snprintf(db, sizeof db, "%s", temp_path(&temp, "flows.db"));
    (void)snprintf(packed, sizeof packed, "%s", temp_path(&temp, "made.pcap.gz"));
    split_to(made, dir);
    split_to(made, zip);
    struct clv_split_params params = CLV_SPLIT_PARAMS_INIT;
    struct clv_split_result result;
    const char *capture = made;
    params.inputs = &capture;
    params.n_inputs = 1;
    params.output = db;
    assert_true(clv_index(&params, &result, NULL));
    if (compressions[GZIP].there)
        pack_made();
    const unsigned open = open_descriptors();
    const char *const paths[] = {dir, zip, db, made, packed};
    for (size_t i = 0; i < N_ROWS(paths); i++) {
        if (paths[i] == packed && !compressions[GZIP].there)
            continue;
        struct clv_result *r = open_result(paths[i], &ids);
        CHECK_EQ(paths[i], ids.n, 41);
        walk_outputs(dir, &ids, &want);
        for (unsigned threads = 1; threads <= 3; threads += 2) {
            ask(r, &ids, threads, &found);
            check_found(paths[i], &ids, &found, &want);
        }
        clv_result_close(&r);
        CHECK_EQ(paths[i], open_descriptors(), open);
    }
}

/* Two flows of a stream at a time, record by record, and each has all of its own. */
static void test_side_by_side(void **state)
{
    static struct ids ids;
    struct clv_flow_records *f[2];
    struct clv_record rec;
    uint64_t n[2] = {0, 0};
    size_t got;
    (void)state;
    if (!compressions[GZIP].there)
        skip();
    struct clv_result *r = open_result(temp_path(&temp, "made.pcap.gz"), &ids);
    for (unsigned i = 0; i < 2; i++)
        assert_true(clv_flow_open(&f[i], r, ids.id[i], NULL));
    for (bool any = true; any;) {
        any = false;
        for (unsigned i = 0; i < 2; i++) {
            assert_true(clv_flow_next(f[i], &rec, 1, &got, NULL));
            assert_true(got == 0 || clv_flow_direction(f[i], &rec) != 0);
            n[i] += got;
            any |= got > 0;
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        struct clv_selection selection = CLV_SELECTION_INIT;
        struct clv_totals totals;
        char number[8];
        clv_flow_close(&f[i]);
        (void)snprintf(number, sizeof number, "%u", i + 1);
        selection.flow = number;
        assert_true(clv_result_totals(r, &selection, &totals, NULL));
        CHECK_EQ(number, n[i], totals.packets);
    }
    clv_result_close(&r);
}

static const struct {
    const char *name;
    struct clv_selection more;
    uint64_t rows[4];
    size_t n_rows;
    uint64_t want[4]; /* in this order */
    size_t n_want;
} among[] = {
    {"as they are in the result", {.limit = 0}, {7, 3, 7, 5}, 4, {3, 5, 7}, 3},
    {"the first of them", {.limit = 2}, {9, 7, 8}, 3, {7, 8}, 2},
    {"all of them but", {.flow = "7", .invert = true}, {7, 3, 5}, 3, {3, 5}, 2},
    {"that also match", {.flow = "1-4,6", .where = "flow <> 3"}, {4, 3, 5, 6}, 4, {4, 6}, 2},
    {"sorted", {.sort = "file", .where = "1", .limit = 1}, {3, 2}, 2, {2}, 1},
    {"none", {.limit = 0}, {1}, 0, {0}, 0},
};

/* Rows that are chosen by their ids, and a selection among them. */
static void test_rows(void **state)
{
    static struct ids ids;
    struct clv_error err;
    (void)state;
    struct clv_result *r = open_result(made, &ids);
    for (size_t i = 0; i < N_ROWS(among); i++) {
        struct clv_selection s = among[i].more;
        struct clv_totals totals;
        struct clv_rows *rows;
        size_t n = 0;
        s.struct_size = sizeof s;
        s.rows = among[i].rows;
        s.n_rows = among[i].n_rows;
        assert_true(clv_rows_open(&rows, r, &s, &err));
        for (; clv_rows_next(rows, &err) == CLV_ROWS_ROW; n++)
            if (n < among[i].n_want)
                CHECK_EQ(among[i].name, clv_rows_id(rows), among[i].want[n]);
        CHECK_EQ(among[i].name, n, among[i].n_want);
        clv_rows_close(&rows);
        s.limit = 0;
        assert_true(clv_result_totals(r, &s, &totals, &err));
        CHECK(among[i].name, totals.rows >= n);
    }
    static const struct {
        uint64_t row;
        const char *what;
    } not_there[] = {
        {0, "has no row 0"},
        {100, "has no row 100"},
        {UINT64_MAX, "has no row 18446744073709551615"},
    };
    for (size_t i = 0; i < N_ROWS(not_there); i++) {
        const uint64_t some[] = {1, not_there[i].row};
        struct clv_selection s = CLV_SELECTION_INIT;
        struct clv_totals totals;
        s.rows = some;
        s.n_rows = 2;
        CHECK("not there", !clv_result_totals(r, &s, &totals, &err));
        CHECK_EQ("not there", err.code, CLV_ERR_ARG);
        CHECK_STR("not there", err.what, not_there[i].what);
    }
    clv_result_close(&r);
}

static bool after_two(void *user)
{
    unsigned *const asked = user;
    return ++*asked < 2;
}

/* Who reads on a stream up to a flow's records stops when it is asked to, and goes on later. */
static void test_stopped(void **state)
{
    static struct ids ids;
    struct clv_flow_records *f;
    struct clv_error err;
    struct clv_record rec;
    unsigned asked = 1;
    uint64_t n = 0;
    size_t got;
    (void)state;
    if (!compressions[GZIP].there)
        skip();
    struct clv_result *r = open_result(temp_path(&temp, "made.pcap.gz"), &ids);
    assert_true(clv_flow_open(&f, r, ids.id[0], NULL));
    clv_flow_progress(f, after_two, &asked);
    CHECK("stopped", !clv_flow_next(f, &rec, 1, &got, &err));
    CHECK_EQ("stopped", err.code, CLV_ERR_CANCELLED);
    CHECK_EQ("stopped", asked, 2);
    clv_flow_progress(f, NULL, NULL);
    do {
        assert_true(clv_flow_next(f, &rec, 1, &got, NULL));
        n += got;
    } while (got);
    CHECK("all of it", n > 0);
    clv_flow_close(&f);
    clv_result_close(&r);
}

/* A frame of TCP with four bytes of payload, all of its bytes but the VLAN's known. */
static size_t build(uint8_t *to, size_t cap, uint8_t family)
{
    struct clv_packet_spec spec = {
        .eth_dst = {2, 1, 1, 1, 1, 1},
        .eth_src = {2, 2, 2, 2, 2, 2},
        .tuple = {.src = {10, 1, 2, 3},
                  .dst = {10, 4, 5, 6},
                  .sport = 0x1234,
                  .dport = 0x5678,
                  .proto = CLV_PROTO_TCP,
                  .family = family,
                  .flags = CLV_TUPLE_PORTS,
                  .tcp_flags = 0x18},
        .tcp_seq = 0x01020304,
        .payload = "data",
        .payload_len = 4,
    };
    return clv_packet_build(&spec, to, cap, NULL);
}

static const struct {
    const char *name;
    uint8_t family;
    bool link;
    unsigned mask;
    struct {
        uint8_t from, to; /* bytes of the frame that are 0; 0 and 0: none */
    } zero[5];
} masks[] = {
    {"nothing", 4, false, 0, {{0, 0}}},
    {"nothing of the link", 4, true, 0, {{0, 0}}},
    {"addresses", 4, false, CLV_MASK_IP, {{24, 34}, {50, 52}}},
    {"ports", 4, false, CLV_MASK_PORT, {{34, 38}, {50, 52}}},
    {"the frame's, which are not there", 4, false, CLV_MASK_MAC, {{0, 0}}},
    {"the frame's", 4, true, CLV_MASK_MAC, {{0, 12}}},
    {"all",
     4,
     true,
     CLV_MASK_IP | CLV_MASK_MAC | CLV_MASK_PORT,
     {{0, 12}, {24, 34}, {34, 38}, {50, 52}}},
    {"all of IPv6",
     6,
     true,
     CLV_MASK_IP | CLV_MASK_MAC | CLV_MASK_PORT,
     {{0, 12}, {22, 54}, {54, 58}, {70, 72}}},
    {"ports of IPv6", 6, false, CLV_MASK_PORT, {{54, 58}, {70, 72}}},
};

static void test_masks(void **state)
{
    enum { AT_MOST = 80, DATA = 4 };
    static struct ids ids;
    (void)state;
    for (size_t i = 0; i < N_ROWS(masks); i++) {
        uint8_t frame[128], want[AT_MOST + DATA] = {0}, found[AT_MOST + DATA];
        struct clv_saver *saver;
        const struct clv_saver_params how = {.overwrite = true};
        const char *path = temp_path(&temp, "one.pcap");
        const size_t len = build(frame, sizeof frame, masks[i].family);
        assert_true(len > DATA);
        assert_true(clv_saver_open(&saver, path, &how, NULL));
        assert_true(clv_saver_put(saver, 1, frame, (uint32_t)len, (uint32_t)len, NULL));
        assert_true(clv_saver_close(&saver, NULL));
        struct clv_result *r = open_result(path, &ids);
        struct clv_first_params p = params_of(&ids, 1);
        CHECK_EQ(masks[i].name, ids.n, 1);
        p.packets = 1;
        p.header = AT_MOST;
        p.payload = DATA;
        p.mask = masks[i].mask;
        p.link = masks[i].link;
        assert_true(clv_first_bytes(r, &p, found, NULL));
        clv_result_close(&r);
        for (size_t k = 0; k < N_ROWS(masks[i].zero); k++)
            memset(frame + masks[i].zero[k].from, 0,
                   (size_t)(masks[i].zero[k].to - masks[i].zero[k].from));
        const size_t from = masks[i].link ? 0 : 14;
        memcpy(want, frame + from, len - DATA - from);
        memcpy(want + AT_MOST, "data", DATA);
        for (size_t k = 0; k < sizeof want; k++)
            CHECK_EQ(masks[i].name, found[k], want[k]);
    }
}

static bool stop(uint64_t flows, void *user)
{
    (void)flows;
    ++*(unsigned *)user;
    return false;
}

static void test_refused(void **state)
{
    static struct found found;
    static struct ids ids;
    static const struct {
        const char *name;
        size_t n_rows;
        uint64_t row;
        uint32_t packets;
        unsigned mask, threads;
        enum clv_errc code;
        const char *what;
    } rows[] = {
        {"no packets", 1, 1, 0, 0, 1, CLV_ERR_OPTION, "must be at least 1"},
        {"an unknown mask", 1, 1, 1, 8, 1, CLV_ERR_OPTION, "has unknown bits"},
        {"too many threads", 1, 1, 1, 0, 5000, CLV_ERR_OPTION, "must be at most 1024"},
        {"no such row", 1, 1000, 1, 0, 1, CLV_ERR_FORMAT, "has no row 1000"},
        {"more than there can be", SIZE_MAX / 2, 1, UINT32_MAX, 0, 1, CLV_ERR_ARG,
         "more bytes than memory can hold"},
    };
    (void)state;
    struct clv_result *r = open_result(made, &ids);
    struct clv_first_params p = params_of(&ids, 1);
    struct clv_error err = {.code = CLV_ERR_NONE};
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        p.rows = &rows[i].row;
        p.n_rows = rows[i].n_rows;
        p.packets = rows[i].packets;
        p.mask = rows[i].mask;
        p.threads = rows[i].threads;
        CHECK(rows[i].name, !clv_first_bytes(r, &p, &found.bytes[0][0][0], &err));
        CHECK_EQ(rows[i].name, err.code, rows[i].code);
        CHECK_STR(rows[i].name, err.what, rows[i].what);
    }
    p = params_of(&ids, 1);
    CHECK("no matrix", !clv_first_bytes(r, &p, NULL, &err));
    CHECK_STR("no matrix", err.what, "matrix must be given");
    p.rows = NULL;
    CHECK("no list", !clv_first_bytes(r, &p, &found.bytes[0][0][0], &err));
    CHECK_STR("no list", err.what, "rows must be given");
    p.rows = &rows[3].row;
    p.n_rows = 1;
    CHECK("sizes of no row", !clv_first_sizes(r, &p, &found.sizes[0][0], NULL, &err));
    CHECK_STR("sizes of no row", err.what, "has no row 1000");
    unsigned asked = 0;
    p = params_of(&ids, 1); /* alone: others could be done before it is asked */
    p.progress = stop;
    p.user = &asked;
    CHECK("stopped", !clv_first_bytes(r, &p, &found.bytes[0][0][0], &err));
    CHECK_EQ("stopped", err.code, CLV_ERR_CANCELLED);
    CHECK_EQ("stopped", asked, 1);
    p = params_of(&ids, 1);
    p.n_rows = 0;
    CHECK("no rows", clv_first_bytes(r, &p, &found.bytes[0][0][0], &err));
    clv_result_close(&r);
}

/* Bytes of a file are overwritten, and it is cut off. */
static void alter(const char *path, long at, size_t n, off_t len)
{
    uint8_t bad[64];
    memset(bad, 0xff, sizeof bad);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bad, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    if (len)
        assert_int_equal(truncate(path, len), 0);
}

/* Outputs and captures are others than the table of flows says. */
static void test_altered(void **state)
{
    static struct ids ids;
    struct clv_error err = {.code = CLV_ERR_NONE};
    struct clv_flow_records *flow;
    struct clv_record recs[8];
    char path[512], dir[512], member[640];
    size_t got = 1;
    bool ok = true;
    (void)state;
    (void)snprintf(dir, sizeof dir, "%s", temp_path(&temp, "altered"));
    split_to(made, dir);
    struct clv_result *r = open_result(dir, &ids);
    (void)snprintf(member, sizeof member, "%s/%s", dir, ids.name[0]);
    alter(member, 24, 0, 24);
    assert_true(clv_flow_open(&flow, r, ids.id[0], &err));
    while (ok && got)
        ok = clv_flow_next(flow, recs, N_ROWS(recs), &got, &err);
    CHECK("too few records", !ok);
    CHECK_STR("too few records", err.what, "has 0 records, but the manifest says 9");
    clv_flow_close(&flow);
    clv_result_close(&r);

    /* Its beginning and its end are as they were. */
    struct bytes plain = {.len = 0};
    temp_read(&temp, "made.pcap", &plain);
    (void)snprintf(path, sizeof path, "%s", temp_file(&temp, "gone.pcap", plain.p, plain.len));
    const long middle = (long)plain.len / 2;
    bytes_free(&plain);
    r = open_result(path, &ids);
    struct clv_first_params p = params_of(&ids, 1);
    p.packets = 400;
    uint8_t *matrix = calloc(p.n_rows * p.packets, EACH);
    assert_non_null(matrix);
    assert_true(clv_first_bytes(r, &p, matrix, NULL));
    for (long at = 24; at < middle + 4096; at += 64)
        alter(path, at, 64, 0);
    CHECK("no records", !clv_first_bytes(r, &p, matrix, &err));
    CHECK_STR("no records", err.what, "there is no record at byte 24");
    free(matrix);
    clv_result_close(&r);
}

UNIT(first)
{
    const struct CMUnitTest tests[] = {

        cmocka_unit_test(test_forms),        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_side_by_side), cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_masks),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_altered),
    };
    return HAVE_SQLITE && HAVE_JANSSON ? cmocka_run_group_tests(tests, setup, teardown) : 0;
}
