/* SPDX-License-Identifier: BSD-2-Clause */
/* What is refused before anything is done, and the captures of a job; runs are for others. */
#include "support_savefile.h"
#include "support_temp.h"

#include <errno.h>

#include "base/mem.h"
#include "job/job.h"

enum { INPUTS = 6 };

static struct temp temp;

static void put_capture(const char *name, uint32_t sec, bool cut)
{
    static const struct savefile_dialect d = {.big = false};
    struct bytes b = {0};
    put_file_header(&b, &d);
    put_record_header(&b, &d, sec, 0, 10, 10);
    put_fill(&b, 1, cut ? 9 : 10);
    (void)temp_file(&temp, name, b.p, b.len);
    bytes_free(&b);
}

static int setup(void **state)
{
    (void)state;
    temp_make(&temp);
    put_capture("a.pcap", 1, false);
    put_capture("b.pcap", 2, false);
    put_capture("cut.pcap", 3, true);
    (void)temp_file(&temp, "text", "no capture at all", 17);
    (void)temp_file(&temp, "empty", "", 0);
    char target[512];
    (void)snprintf(target, sizeof target, "%s", temp_path(&temp, "a.pcap"));
    return link(target, temp_path(&temp, "same.pcap"));
}

static int teardown(void **state)
{
    (void)state;
    temp_remove(&temp);
    return 0;
}

static const struct clv_split_params usual = CLV_SPLIT_PARAMS_INIT;

/* A job of some captures. */
struct opened {
    struct clv_split_params params;
    struct input_place places[INPUTS];
    const char *names[INPUTS];
    char paths[INPUTS][512];
    struct job job;
};

static void prepare(struct opened *o, const struct clv_split_params *params,
                    const char *const *inputs)
{
    *o = (struct opened){.params = *params};
    o->params.inputs = o->names;
    o->params.output = "out";
    o->params.threads = 1;
    o->params.keep_nofile = true;
    for (size_t i = 0; i < INPUTS && inputs[i]; i++) {
        const bool standard = strcmp(inputs[i], "-") == 0;
        (void)snprintf(o->paths[i], sizeof o->paths[i], "%s",
                       standard ? "-" : temp_path(&temp, inputs[i]));
        o->places[i].path = o->paths[i];
        o->names[i] = inputs[i]; /* what it is called */
        o->params.n_inputs++;
    }
}

/* n is 201 bytes. */
#define N10 "nnnnnnnnnn"
#define N50 N10 N10 N10 N10 N10
#define TOO_LONG N50 N50 N50 N50 "n"

static const struct {
    const char *name;
    struct clv_split_params params; /* but for inputs and output */
    const char *inputs[3];
    enum clv_errc code;
    const char *subject, *what;
} refused[] = {
    {"no inputs", {0}, {NULL}, CLV_ERR_ARG, "clv_split", "inputs and output"},
    {"shard_by alone", {.shard_by = "ip"}, {"a.pcap"}, CLV_ERR_OPTION, "shard_by", "--shards"},
    {"a mode", {.mode = 0477}, {"a.pcap"}, CLV_ERR_OPTION, "mode", "0477: the owner"},
    {"an empty name", {.name = ""}, {"a.pcap"}, CLV_ERR_OPTION, "name", "1 to 200 bytes, not 0"},
    {"a long name", {.name = TOO_LONG}, {"a.pcap"}, CLV_ERR_OPTION, "name", "not 201"},
    {"a name of bytes", {.name = "\xff"}, {"a.pcap"}, CLV_ERR_OPTION, "name", "UTF-8"},
    {"a filter of bytes", {.filter = "\xff"}, {"a.pcap"}, CLV_ERR_OPTION, "filter", "UTF-8"},
    {"a key", {.by = "moon"}, {"a.pcap"}, CLV_ERR_OPTION, "by", "moon"},
    {"times",
     {.has_after = true, .has_before = true, .after_ns = 5, .before_ns = 5},
     {"a.pcap"},
     CLV_ERR_OPTION,
     "before",
     "not later"},
    {"verify of nothing",
     {.verify = true, .dry_run = true},
     {"a.pcap"},
     CLV_ERR_OPTION,
     "verify",
     "--dry-run"},
    {"merge and each",
     {.merge = true, .each = true},
     {"a.pcap"},
     CLV_ERR_OPTION,
     "merge",
     "--each"},
    {"archive and each",
     {.archive = true, .each = true},
     {"a.pcap"},
     CLV_ERR_OPTION,
     "archive",
     "--each"},
    {"shards of host",
     {.shards = 2, .shard_by = "host"},
     {"a.pcap"},
     CLV_ERR_OPTION,
     "shards",
     "two shards"},
    {"shards and top", {.shards = 2, .top = 1}, {"a.pcap"}, CLV_ERR_OPTION, "shards", "--top"},
    {"host and top", {.by = "host", .top = 1}, {"a.pcap"}, CLV_ERR_OPTION, "by", "--top"},
    {"shards and idle",
     {.shards = 2, .idle_timeout_ns = 1},
     {"a.pcap"},
     CLV_ERR_OPTION,
     "shards",
     "timeouts"},
    {"shards of nothing",
     {.shards = 2, .shard_by = "none"},
     {"a.pcap"},
     CLV_ERR_OPTION,
     "shards",
     "key to hash"},
    {"standard input twice", {0}, {"-", "a.pcap", "-"}, CLV_ERR_ARG, "-", "once"},
    {"one twice", {0}, {"a.pcap", "b.pcap", "a.pcap"}, CLV_ERR_ARG, "a.pcap", "named twice"},
    {"two names", {0}, {"a.pcap", "same.pcap"}, CLV_ERR_ARG, "same.pcap", "is the same file as"},
    {"no capture", {0}, {"a.pcap", "text"}, CLV_ERR_FORMAT, "text", "not a capture"},
    {"empty ones alone", {0}, {"empty", "empty"}, CLV_ERR_FORMAT, "empty", "is empty"},
    {"no capture behind an empty one",
     {0},
     {"empty", "a.pcap", "text"},
     CLV_ERR_FORMAT,
     "text",
     "not a capture"},
    {"none that can be skipped", {.skip_bad = true}, {"text", "gone"}, CLV_ERR_FORMAT, "text", ""},
    {"one that is missing", {0}, {"gone", "text"}, CLV_ERR_IO, "gone", "cannot be opened"},
    {"none can be read", {.recover = true}, {"gone", "text"}, CLV_ERR_IO, "gone", "cannot be"},
};

static void test_refused(void **state)
{
    (void)state;
    const unsigned fds = open_descriptors();
    for (size_t i = 0; i < N_ROWS(refused); i++) {
        const char *const row = refused[i].name;
        struct opened o;
        struct clv_error err = {0};
        const char *inputs[INPUTS] = {NULL};
        memcpy(inputs, refused[i].inputs, sizeof refused[i].inputs);
        prepare(&o, &refused[i].params, inputs);
        CHECK(row, !job_open(&o.job, &o.params, o.places, &err));
        CHECK_EQ(row, err.code, refused[i].code);
        CHECK_HAS(row, err.subject, refused[i].subject);
        CHECK_HAS(row, err.what, refused[i].what);
        job_close(&o.job);
        CHECK_EQ(row, open_descriptors(), fds);
    }
}

/* Captures that cannot be read are behind the others; in which order all were named is known. */
static void test_recover(void **state)
{
    static const char *const inputs[INPUTS] = {"gone", "a.pcap", "text", "empty", "b.pcap"};
    static const char *const bad[] = {"gone", "text", "empty"};
    struct opened o;
    struct clv_error err = {0}, faults[2];
    struct clv_split_result result = {0};
    size_t good_at = 0, bad_at = 0;
    (void)state;
    prepare(&o, &usual, inputs);
    o.params.recover = true;
    o.params.faults = faults;
    o.params.max_faults = 2;
    assert_true(job_open(&o.job, &o.params, o.places, &err));
    assert_int_equal(o.job.n_all, 5);
    assert_int_equal(o.job.n_sources, 2);
    assert_string_equal(o.job.sources[0].called, "a.pcap");
    assert_string_equal(o.job.sources[1].called, "b.pcap");
    assert_false(job_is_once(&o.job));
    for (size_t i = 0; i < 5; i++) {
        const struct source *s = job_next(&o.job, &good_at, &bad_at);
        assert_non_null(s);
        assert_string_equal(s->called, inputs[i]);
        assert_int_equal(s->number, i);
    }
    assert_true(job_next(&o.job, &good_at, &bad_at) == NULL);
    o.job.sources[1].fault.code = CLV_ERR_DAMAGE; /* as a run finds it */
    result.damages = 1;
    job_faults(&o.job, &result);
    assert_int_equal(result.left_out, 3);
    assert_int_equal(result.faulty, 4);
    assert_int_equal(result.damages, 4);
    assert_int_equal(result.damage.sys, ENOENT);
    for (unsigned i = 0; i < 2; i++) { /* for more there is no room */
        CHECK_HAS(bad[i], faults[i].subject, bad[i]);
        CHECK_EQ(bad[i], faults[i].code, i ? CLV_ERR_FORMAT : CLV_ERR_IO);
    }
    job_close(&o.job);
}

/* The same records, each time. */
static void test_repeat(void **state)
{
    static const char *const inputs[INPUTS] = {"b.pcap", "a.pcap", "cut.pcap"};
    static const struct {
        size_t from, n;
        uint64_t records, damages;
    } parts[] = {{0, 3, 2, 1}, {0, 1, 1, 0}, {0, 1, 1, 0}, {1, 2, 1, 1}, {0, 3, 2, 1}};
    struct opened o;
    struct clv_error err = {0};
    (void)state;
    prepare(&o, &usual, inputs);
    assert_true(job_open(&o.job, &o.params, o.places, &err));
    for (size_t i = 0; i < N_ROWS(parts); i++) {
        struct clv_split_result r = {.damage = {.offset = CLV_NO_OFFSET}};
        assert_true(job_repeat(&o.job, parts[i].from, parts[i].n, false, NULL, &r, &err));
        assert_int_equal(r.records_read, parts[i].records);
        assert_int_equal(r.damages, parts[i].damages);
        assert_int_equal(r.input, parts[i].from + parts[i].n);
        assert_int_equal(r.inputs, 3);
    }
    job_close(&o.job);
    assert_false(temp_has(&temp, "out"));
}

/* A pipe can be read once. */
static void test_once(void **state)
{
    static const char *const inputs[INPUTS] = {"a.pcap", "fifo"};
    struct opened o;
    struct bytes b = {0};
    struct clv_error err = {0};
    (void)state;
    temp_read(&temp, "b.pcap", &b);
    assert_int_equal(mkfifo(temp_path(&temp, "fifo"), 0600), 0);
    const int fd = open(temp_path(&temp, "fifo"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, b.p, b.len) == (ssize_t)b.len);
    prepare(&o, &usual, inputs);
    assert_true(job_open(&o.job, &o.params, o.places, &err));
    assert_int_equal(o.job.n_sources, 2);
    assert_true(job_is_once(&o.job));
    assert_int_equal(o.job.kept_bytes, 0);
    job_close(&o.job);
    assert_int_equal(close(fd), 0);
    bytes_free(&b);
}

static void test_sub_names(void **state)
{
    static const struct {
        const char *capture;
        unsigned again;
        const char *want;
    } names[] = {
        {"/a/b/day.pcap", 0, "day"},          {"day.pcap", 1, "day-2"},
        {"day.pcap.gz", 2, "day-3"},          {"-", 0, "stdin"},
        {"manifest.csv", 0, "_manifest.csv"}, {"cleave.json", 1, "_cleave.json-2"},
    };
    struct job_name name;
    (void)state;
    for (size_t i = 0; i < N_ROWS(names); i++) {
        job_sub_name(&name, names[i].capture, names[i].again);
        CHECK_STR(names[i].capture, name.text, names[i].want);
    }
}

static void test_archives(void **state)
{
    static const struct {
        const char *output;
        bool archive, want;
    } outputs[] = {
        {"out", false, false},  {"out", true, true},       {"a.zip", false, true},
        {".zip", false, false}, {"a.zip/b", false, false}, {"a.ZIP", false, false},
        {NULL, false, false},   {"dir/.zip", false, true},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(outputs); i++) {
        struct clv_split_params p = CLV_SPLIT_PARAMS_INIT;
        p.output = outputs[i].output;
        p.archive = outputs[i].archive;
        CHECK_EQ(outputs[i].output ? outputs[i].output : "none", job_archives(&p), outputs[i].want);
    }
}

static void test_no_memory(void **state)
{
    static const char *const inputs[INPUTS] = {"a.pcap", "b.pcap"};
    bool ok = false;
    (void)state;
    const unsigned fds = open_descriptors();
    for (uint64_t nth = 1; !ok; nth++) {
        struct opened o;
        struct clv_error err = {0};
        prepare(&o, &usual, inputs);
        mem_fail_from(nth);
        ok = job_open(&o.job, &o.params, o.places, &err);
        mem_fail_from(0);
        assert_int_equal(err.code, ok ? CLV_ERR_NONE : CLV_ERR_NOMEM);
        job_close(&o.job);
        assert_int_equal(open_descriptors(), fds);
        assert_true(!ok || nth > 4);
    }
}

UNIT(job)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_recover),
        cmocka_unit_test(test_repeat),    cmocka_unit_test(test_once),
        cmocka_unit_test(test_sub_names), cmocka_unit_test(test_archives),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
