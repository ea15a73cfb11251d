/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is left to be looked at when outputs were read, and how a verification begins and ends; ways
 * to alter outputs are for property/verify_matrix.
 */
#include "support_scan.h"
#include "support_told.h"

#include <errno.h>

#include "cleave/split.h"

enum { FLOWS = 3, RECORDS = 4 };

#define OUTPUT "out/00000002_udp_10.0.0.1_1_10.0.0.3_2.pcap"

static struct temp temp;
static const struct clv_split_params usual = CLV_SPLIT_PARAMS_INIT;

static void put_capture(const char *name, unsigned records)
{
    static const struct savefile_dialect d = {.big = false};
    struct bytes b = {0};
    put_file_header(&b, &d);
    for (unsigned i = 0; i < records; i++)
        for (unsigned k = 0; k < FLOWS; k++) {
            const struct frame f = {
                .from = 1, .to = (uint8_t)(2 + k), .proto = 17, .sport = 1, .dport = 2};
            put_frame(&b, &d, 1000 + i, &f);
        }
    (void)temp_file(&temp, name, b.p, b.len);
    bytes_free(&b);
}

/* A run of captures below the temporary directory, which is made anew. */
struct earlier {
    struct clv_split_params params;
    char paths[2][512], output[512];
    const char *inputs[2];
    struct input_place places[2];
};

static void split(struct earlier *r, const struct clv_split_params *params, size_t n)
{
    struct clv_split_result result = {0};
    struct clv_error err = {0};
    temp_make(&temp);
    *r = (struct earlier){.params = *params};
    for (size_t i = 0; i < n; i++) {
        const char name[] = {(char)('a' + i), '\0'};
        put_capture(name, RECORDS);
        (void)snprintf(r->paths[i], sizeof r->paths[i], "%s", temp_path(&temp, name));
        r->inputs[i] = r->places[i].path = r->paths[i];
    }
    (void)snprintf(r->output, sizeof r->output, "%s", temp_path(&temp, "out"));
    r->params.inputs = r->inputs;
    r->params.n_inputs = n;
    r->params.output = r->output;
    r->params.threads = 2;
    r->params.keep_nofile = true;
    if (!clv_split(&r->params, &result, &err))
        fail_msg("%s: %s", err.subject, err.what);
}

/* A verification of such a run. */
struct looking {
    struct job job;
    struct store s;
    struct verify v;
    struct told told;
    struct clv_split_result result;
};

static void begin(struct looking *l, const struct earlier *r)
{
    struct clv_error err;
    *l = (struct looking){.result = {.damage = {.offset = CLV_NO_OFFSET}}};
    assert_true(job_open(&l->job, &r->params, r->places, &err));
    assert_true(store_open(&l->s, r->output, &err));
    assert_true(
        verify_begin(&l->v, &l->job, 0, l->job.n_sources, &l->s, told_fault, &l->told, &err));
}

static void end(struct looking *l)
{
    verify_end(&l->v);
    store_close(&l->s);
    job_close(&l->job);
}

static void flip(const char *name, size_t from_end)
{
    struct bytes b = {0};
    temp_read(&temp, name, &b);
    b.p[b.len - from_end] ^= 1;
    (void)temp_file(&temp, name, b.p, b.len);
    bytes_free(&b);
}

static void nothing(void)
{
}

static void drop_output(void)
{
    assert_int_equal(unlink(temp_path(&temp, OUTPUT)), 0);
}

static void flip_output(void)
{
    flip(OUTPUT, 1);
}

static void lengthen_manifest(void)
{
    struct bytes b = {0};
    temp_read(&temp, "out/manifest.csv", &b);
    put_bytes(&b, "4", 1);
    (void)temp_file(&temp, "out/manifest.csv", b.p, b.len);
    bytes_free(&b);
}

static void alter_manifest(void)
{
    flip("out/manifest.csv", 3);
}

static void add_file(void)
{
    (void)temp_file(&temp, "out/z", "", 0);
}

static void drop_receipt(void) /* what it says is for verify_all() */
{
    assert_int_equal(unlink(temp_path(&temp, "out/cleave.json")), 0);
}

static const struct {
    const char *name;
    void (*alter)(void);
    const char *subject, *what, *once; /* once: what is told where inputs are not read again */
} rows[] = {
    {"nothing is altered", nothing, NULL, NULL, NULL},
    {"no receipt", drop_receipt, NULL, NULL, NULL},
    {"an output is missing", drop_output, OUTPUT, "is missing, with 4 records", NULL},
    {"a byte of an output", flip_output, OUTPUT, "altered", "does not contain the records"},
    {"behind the manifest", lengthen_manifest, "out/manifest.csv", "goes on after its last row",
     NULL},
    {"in the manifest", alter_manifest, "out/manifest.csv", "row 3 has", NULL},
    {"a file too much", add_file, "out/z", "is not an output of the run", NULL},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++)
        for (unsigned again = 0; again < 2; again++) {
            char row[80];
            struct earlier r;
            struct looking l;
            struct clv_error err;
            (void)snprintf(row, sizeof row, "%s%s", rows[i].name, again ? "" : ", read once");
            split(&r, &usual, 1);
            rows[i].alter();
            const unsigned fds = open_descriptors();
            begin(&l, &r);
            CHECK(row, verify_again(&l.v, &l.result, &err));
            CHECK_EQ(row, l.result.records_read, FLOWS * RECORDS);
            CHECK(row, verify_conclude(&l.v, &l.result, again, &err));
            CHECK_EQ(row, l.v.faults, l.told.n);
            CHECK_EQ(row, l.told.n, rows[i].what != NULL);
            if (rows[i].what)
                check_told(row, &l.told, &temp, rows[i].subject,
                           !again && rows[i].once ? rows[i].once : rows[i].what);
            end(&l);
            CHECK_EQ(row, open_descriptors(), fds);
            temp_remove(&temp);
        }
}

/* All outputs are what they should be, but not all that the inputs have. */
static void test_sums(void **state)
{
    struct earlier r;
    struct looking l;
    struct clv_error err;
    (void)state;
    split(&r, &usual, 1);
    for (unsigned i = 0; i < 4; i++) {
        begin(&l, &r);
        assert_true(verify_again(&l.v, &l.result, &err));
        assert_int_equal(l.v.found.n, FLOWS * RECORDS);
        l.v.found.n -= i == 0;
        l.v.found.places -= i != 0;
        l.result.copies = i == 2; /* then it is not comparable */
        l.result.records_written -= i == 3;
        assert_true(verify_conclude(&l.v, &l.result, true, &err));
        assert_int_equal(l.told.n, i < 2);
        if (i == 0)
            check_told("sums", &l.told, &temp, "out",
                       "the inputs have 12 records and the outputs 11, or not the same ones");
        end(&l);
    }
    temp_remove(&temp);
}

/* What is not asked for is not made. */
static void test_begin(void **state)
{
    char text[PROOF_ORIGIN_TEXT] = "", once_more[PROOF_ORIGIN_TEXT] = "";
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct clv_split_params params = usual;
        struct earlier r;
        struct looking l;
        struct clv_error err;
        const bool to_fd = i == 1, digest = i >= 2 && proof_origin_supported();
        split(&r, &params, 1);
        if (to_fd) {
            r.params.manifest = CLV_MANIFEST_FD;
            r.params.manifest_fd = -1;
        }
        r.params.verify = digest;
        begin(&l, &r);
        assert_int_equal(l.v.plan.manifest != NULL, !to_fd);
        assert_int_equal(l.v.plan.origin != NULL, digest);
        assert_true(verify_again(&l.v, &l.result, &err));
        assert_int_equal(verify_origin(&l.v, i == 3 ? once_more : text), digest);
        if (digest)
            assert_int_equal(strlen(text), PROOF_ORIGIN_TEXT - 1);
        end(&l);
        temp_remove(&temp);
    }
    if (proof_origin_supported())
        assert_string_equal(text, once_more); /* the key is another, and has no part in it */
}

static void other_capture(struct earlier *r, struct clv_verify_params *p)
{
    put_capture("a", RECORDS + 1);
    (void)r;
    (void)p;
}

static void capture_gone(struct earlier *r, struct clv_verify_params *p)
{
    assert_int_equal(unlink(r->paths[0]), 0);
    (void)p;
}

static void capture_fifo(struct earlier *r, struct clv_verify_params *p)
{
    assert_int_equal(unlink(r->paths[0]), 0);
    assert_int_equal(mkfifo(r->paths[0], 0600), 0);
    (void)p;
}

static void two_captures(struct earlier *r, struct clv_verify_params *p)
{
    p->inputs = r->inputs;
    p->n_inputs = 2;
}

static void no_receipt(struct earlier *r, struct clv_verify_params *p)
{
    drop_receipt();
    (void)r;
    (void)p;
}

static void one_part(struct earlier *r, struct clv_verify_params *p)
{
    strcat(r->output, "/a");
    (void)p;
}

static void part_gone(struct earlier *r, struct clv_verify_params *p)
{
    char aside[512];
    (void)snprintf(aside, sizeof aside, "%s", temp_path(&temp, "aside"));
    assert_int_equal(rename(temp_path(&temp, "out/b"), aside), 0);
    (void)r;
    (void)p;
}

static void part_too_many(struct earlier *r, struct clv_verify_params *p)
{
    assert_int_equal(mkdir(temp_path(&temp, "out/c"), 0700), 0);
    (void)r;
    (void)p;
}

static void untouched(struct earlier *r, struct clv_verify_params *p)
{
    (void)r;
    (void)p;
}

static const struct {
    const char *name;
    void (*alter)(struct earlier *r, struct clv_verify_params *p);
    bool each;                  /* of two captures */
    enum clv_errc code;         /* of what keeps it from being looked at; NONE: nothing does */
    const char *subject, *what; /* of that, or of the first fault; NULL: there is none */
} alls[] = {
    {"as it was made", untouched, false, CLV_ERR_NONE, NULL, NULL},
    {"each as it was made", untouched, true, CLV_ERR_NONE, NULL, NULL},
    {"another capture", other_capture, false, CLV_ERR_NONE, "a", "another capture?"},
    {"no capture", capture_gone, false, CLV_ERR_IO, "a", "cannot be opened"},
    {"a FIFO", capture_fifo, false, CLV_ERR_ARG, "a",
     "is not a regular file, and no capture is named"},
    {"captures too many", two_captures, false, CLV_ERR_ARG, "out",
     "was made from 1 capture, not from 2"},
    {"no receipt", no_receipt, false, CLV_ERR_IO, "out/cleave.json", ""},
    {"one part", one_part, true, CLV_ERR_ARG, "out/a", "is one part of an output of --each"},
    {"a part is gone", part_gone, true, CLV_ERR_NONE, "out/b", ""},
    {"a part too many", part_too_many, true, CLV_ERR_NONE, "out/c", "is empty"},
};

static void test_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(alls); i++) {
        const char *const row = alls[i].name;
        struct clv_split_params params = usual;
        struct clv_verify_params verify = CLV_VERIFY_PARAMS_INIT;
        struct clv_verify_result result = {0};
        struct told told = {.n = 0};
        struct clv_error err = {0};
        struct earlier r;
        params.each = alls[i].each;
        split(&r, &params, alls[i].each ? 2 : 1);
        verify.output = r.output;
        verify.fault = told_fault;
        verify.user = &told;
        verify.threads = 1;
        verify.keep_nofile = true;
        if (alls[i].alter == two_captures) {
            put_capture("b", RECORDS);
            (void)snprintf(r.paths[1], sizeof r.paths[1], "%s", temp_path(&temp, "b"));
            r.inputs[1] = r.paths[1];
        }
        alls[i].alter(&r, &verify);
        const bool ok = verify_all(&verify, &result, &err);
        CHECK_EQ(row, ok, alls[i].code == CLV_ERR_NONE);
        CHECK_EQ(row, err.code, alls[i].code);
        CHECK_EQ(row, result.faults, told.n);
        if (!alls[i].what) {
            CHECK_EQ(row, told.n, 0);
            CHECK_EQ(row, result.outputs, alls[i].each ? 2 * FLOWS : FLOWS);
            CHECK_EQ(row, result.records, (alls[i].each ? 2 : 1) * FLOWS * RECORDS);
            CHECK_EQ(row, result.inputs, alls[i].each ? 2 : 1);
        } else {
            const struct clv_error *const first = ok ? &told.all[0] : &err;
            CHECK_EQ(row, told.n != 0, ok);
            CHECK_HAS(row, first->subject, temp_path(&temp, alls[i].subject));
            CHECK_HAS(row, first->what, alls[i].what);
        }
        temp_remove(&temp);
    }
}

UNIT(directory)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_begin),
        cmocka_unit_test(test_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
