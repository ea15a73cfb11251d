/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_temp.h"
#include "support_unpack.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "format/stage.h"

/* Stands in for the C library's, so that a test settles how reading back goes. */
static struct {
    unsigned interrupts; /* so many calls are interrupted first */
    size_t most;         /* bytes that a call gives; 0: as many as wanted */
    int sys;             /* all fail with it; 0: none */
} reads;

ssize_t pread(int fd, void *p, size_t n, off_t offset)
{
    if (reads.interrupts || reads.sys) {
        errno = reads.interrupts ? EINTR : reads.sys;
        reads.interrupts -= reads.interrupts > 0;
        return -1;
    }
    if (lseek(fd, offset, SEEK_SET) != offset)
        return -1;
    return read(fd, p, reads.most && n > reads.most ? reads.most : n);
}

/* How forms and writers use it is tested there; here are the edges of a chunk. */
static void test_puts(void **state)
{
    static const struct {
        const char *name;
        size_t puts[6]; /* bytes; 0 ends */
        uint64_t writes;
    } rows[] = {
        {"nothing", {0}, 0},
        {"a byte", {1}, 1},
        {"a byte less than a chunk", {STAGE_CHUNK - 1}, 1},
        {"a chunk", {STAGE_CHUNK}, 1},
        {"a byte more", {STAGE_CHUNK + 1}, 2},
        {"a chunk by bytes", {STAGE_CHUNK - 2, 1, 1}, 1},
        {"over its end", {STAGE_CHUNK - 2, 1, 1, 1}, 2},
        {"long on short", {100, 3 * STAGE_CHUNK}, 4},
        {"long, exactly", {100, 3 * STAGE_CHUNK - 100}, 3},
        {"short on long", {2 * STAGE_CHUNK, 100, 100}, 3},
        {"long on long", {STAGE_CHUNK + 1, STAGE_CHUNK + 1}, 3},
    };
    static const struct stage_place places[] = {
        {.size = 0},
        {.size = 1},
        {.size = 4095},
        {.size = 4096},
        {.size = 4097},
        {.size = STAGE_CHUNK + 10},
        {.base = 4096, .size = 0},
        {.base = 100, .size = 0},
        {.base = 4000, .size = 96},
        {.base = STAGE_CHUNK + 1, .size = STAGE_CHUNK - 1},
        {.fd = -1, .size = 0},
        {.fd = -1, .base = 4000, .size = 10},
    };
    struct temp t;
    struct bytes data = {0};
    uint64_t seed = 1;
    (void)state;
    temp_make(&t);
    put_noise(&data, &seed, 8 * STAGE_CHUNK);
    for (size_t i = 0; i < N_ROWS(rows); i++)
        for (size_t k = 0; k < N_ROWS(places); k++) {
            struct stage_place place = places[k];
            const bool counts = place.fd < 0;
            const size_t before = place.base + place.size;
            char row[96];
            struct stage s;
            struct clv_error err = {0};
            struct bytes got = {0};
            (void)snprintf(row, sizeof row, "%s%s, after %u bytes from %u on", rows[i].name,
                           counts ? " counted" : "", (unsigned)place.size, (unsigned)place.base);
            const int fd = open(temp_file(&t, "out", data.p, before), O_WRONLY);
            assert_true(fd >= 0 && stage_init(&s));
            place.fd = counts ? -1 : fd;
            CHECK(row, stage_begin(&s, &place, 0, "out", &err));
            size_t at = before;
            for (size_t p = 0; p < 6 && rows[i].puts[p]; p++) {
                CHECK(row, stage_put(&s, data.p + at, rows[i].puts[p]));
                at += rows[i].puts[p];
            }
            CHECK(row, stage_end(&s));
            CHECK_EQ(row, s.place.base, place.base);
            CHECK_EQ(row, s.place.size, at - place.base);
            if (counts)
                CHECK_EQ(row, s.writes, 0);
            else if (before % STAGE_ALIGN == 0)
                CHECK_EQ(row, s.writes, rows[i].writes);
            CHECK_EQ(row, err.code, CLV_ERR_NONE);
            stage_fini(&s);
            assert_int_equal(close(fd), 0);
            temp_read(&t, "out", &got);
            CHECK_EQ(row, got.len, counts ? before : at);
            CHECK_MEM(row, got.p, data.p, got.len);
            bytes_free(&got);
        }
    bytes_free(&data);
    temp_remove(&t);
}

static void test_failures(void **state)
{
    struct temp t;
    struct stage s;
    struct clv_error err = {0};
    uint8_t byte = 1;
    (void)state;
    temp_make(&t);
    const int fd = open(temp_file(&t, "out", NULL, 0), O_RDONLY);
    assert_true(fd >= 0);
    mem_fail_from(1);
    CHECK("no memory", !stage_init(&s));
    mem_fail_from(0);
    stage_fini(&s);
    assert_true(stage_init(&s));
    const struct stage_place place = {.fd = fd, .size = 4096};
    assert_true(stage_begin(&s, &place, 0, "out", &err));
    CHECK("it fits", stage_put(&s, &byte, 1));
    CHECK("read-only", !stage_end(&s));
    CHECK_EQ("read-only", err.code, CLV_ERR_IO);
    CHECK_EQ("read-only", err.sys, EBADF);
    CHECK_STR("read-only", err.subject, "out");
    CHECK_HAS("read-only", err.what, "cannot be written at byte 4096");
    CHECK_EQ("nothing was written", s.place.size, 4096);
    stage_fini(&s);
    assert_int_equal(close(fd), 0);
    temp_remove(&t);
}

/* An output that is compressed, over its rounds. */
struct output {
    struct temp temp;
    struct stage stage;
    struct clv_error err;
    struct bytes data; /* of which the first `put` bytes were put */
    size_t put;
    uint64_t size; /* of the file */
    uint32_t tail; /* bytes of it that wait */
    enum clv_compress kind;
    int fd;
};

static void begin(struct output *o, enum clv_compress kind)
{
    uint64_t seed = 3;
    *o = (struct output){.kind = kind};
    temp_make(&o->temp);
    for (unsigned i = 0; i < 4; i++) { /* so that outputs grow here and shrink there */
        put_noise(&o->data, &seed, STAGE_CHUNK - 1000);
        put_fill(&o->data, (uint8_t)i, STAGE_CHUNK + 777);
    }
    o->fd = open(temp_file(&o->temp, "out", NULL, 0), O_RDWR);
    assert_true(o->fd >= 0 && stage_init(&o->stage) && stage_pack(&o->stage, kind));
}

static void end(struct output *o)
{
    stage_fini(&o->stage);
    assert_int_equal(close(o->fd), 0);
    bytes_free(&o->data);
    temp_remove(&o->temp);
}

static bool begin_on(struct stage *s, const struct output *o, struct clv_error *err)
{
    const struct stage_place place = {.fd = o->fd, .size = o->size};
    return stage_begin(s, &place, o->tail, "out", err);
}

static bool begin_round(struct output *o)
{
    return begin_on(&o->stage, o, &o->err);
}

static bool put(struct output *o, size_t len)
{
    o->put += len;
    return stage_put(&o->stage, o->data.p + o->put - len, len);
}

static bool end_round(struct output *o)
{
    const bool ok = stage_end(&o->stage);
    o->tail = o->stage.tail;
    o->size = o->stage.place.size;
    return ok;
}

/* Whole stretches are packed; what is none waits behind them, unless this was the last round. */
static struct bytes check_file(const char *row, struct output *o, bool last)
{
    struct bytes got = {0};
    temp_read(&o->temp, "out", &got);
    CHECK_EQ(row, got.len, o->size);
    CHECK_EQ(row, o->tail, last ? 0 : o->put % STAGE_CHUNK);
    struct bytes plain = unpack_file(row, o->kind, &got, o->put, last);
    CHECK_EQ(row, plain.len, o->put);
    CHECK_MEM(row, plain.p, o->data.p, o->put);
    CHECK_EQ(row, o->err.code, CLV_ERR_NONE);
    bytes_free(&plain);
    return got;
}

/* The same bytes in one round, in a round for each put, and with rounds of nothing in between. */
static void packed_rounds(enum clv_compress kind)
{
    static const struct {
        const char *name;
        size_t puts[8]; /* bytes; 0 ends */
    } rows[] = {
        {"a byte", {1}},
        {"a byte and another", {1, 1}},
        {"a byte less than a stretch", {STAGE_CHUNK - 1}},
        {"a stretch", {STAGE_CHUNK}},
        {"a byte more", {STAGE_CHUNK + 1}},
        {"a stretch, at last", {STAGE_CHUNK - 1, 1}},
        {"a stretch, from small to large", {1, STAGE_CHUNK - 1}},
        {"over its end", {STAGE_CHUNK - 1, 2}},
        {"stretches", {STAGE_CHUNK, STAGE_CHUNK, 2 * STAGE_CHUNK}},
        {"stretches and a byte", {STAGE_CHUNK, STAGE_CHUNK, 1}},
        {"small ones", {100, 200, 300, 4000, 5000}},
        {"three behind a byte", {1, 3 * STAGE_CHUNK - 1}},
        {"three and a half, twice", {7 * STAGE_CHUNK / 2, 7 * STAGE_CHUNK / 2}},
        {"by two thirds",
         {STAGE_CHUNK * 2 / 3, STAGE_CHUNK * 2 / 3, STAGE_CHUNK * 2 / 3, STAGE_CHUNK * 2 / 3}},
        {"noise, then zeros",
         {STAGE_CHUNK - 1000, STAGE_CHUNK - 1000, 1000, STAGE_CHUNK, STAGE_CHUNK / 2}},
    };
    enum way { AT_ONCE, A_ROUND_EACH, EMPTY_ROUNDS, A_LAST_ROUND, WAYS };
    static const char *const ways[] = {"at once", "a round each", "empty rounds",
                                       "a last round of nothing"};
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes first = {0};
        for (enum way way = AT_ONCE; way < WAYS; way++) {
            static struct output o;
            char row[96];
            (void)snprintf(row, sizeof row, "%s, %s, %s", rows[i].name, ways[way],
                           pack_ending(kind));
            begin(&o, kind);
            CHECK(row, begin_round(&o));
            for (size_t p = 0; p < 8 && rows[i].puts[p]; p++) {
                CHECK(row, put(&o, rows[i].puts[p]));
                for (unsigned n = 0; way != AT_ONCE && n < (way == EMPTY_ROUNDS ? 2U : 1U); n++) {
                    CHECK(row, end_round(&o));
                    struct bytes got = check_file(row, &o, false);
                    bytes_free(&got);
                    CHECK(row, begin_round(&o));
                }
            }
            CHECK(row, way != A_LAST_ROUND || (end_round(&o) && begin_round(&o)));
            CHECK(row, stage_pack_rest(&o.stage));
            CHECK(row, end_round(&o));
            struct bytes got = check_file(row, &o, true);
            if (way != AT_ONCE) {
                CHECK_EQ(row, got.len, first.len);
                CHECK_MEM(row, got.p, first.p, got.len);
                bytes_free(&got);
            } else {
                first = got;
            }
            end(&o);
        }
        bytes_free(&first);
    }
}

static void test_packed_rounds(void **state)
{
    (void)state;
    for_each_packer(packed_rounds);
}

/* One that others write to shares the stage with one that waits. */
static void packed_in_turn(enum clv_compress kind)
{
    enum { ROUNDS = 40 };
    static struct output a, b;
    uint64_t seed = 9;
    begin(&a, kind);
    begin(&b, kind);
    for (unsigned i = 0; i < ROUNDS; i++)
        for (unsigned n = 0; n < 2; n++) {
            struct output *o = n ? &b : &a;
            CHECK("begin", begin_on(&a.stage, o, NULL));
            const size_t len = (noise(&seed) >> 40) % 50000;
            CHECK("put", stage_put(&a.stage, o->data.p + o->put, len));
            CHECK("pack", i < ROUNDS - 1 || stage_pack_rest(&a.stage));
            CHECK("end", stage_end(&a.stage));
            o->put += len;
            o->tail = a.stage.tail;
            o->size = a.stage.place.size;
        }
    struct bytes got = check_file("one", &a, true);
    bytes_free(&got);
    got = check_file("the other", &b, true);
    bytes_free(&got);
    end(&a);
    end(&b);
}

static void test_packed_in_turn(void **state)
{
    (void)state;
    for_each_packer(packed_in_turn);
}

/* What waits is read back, however the system gives it. */
static void read_back(enum clv_compress kind)
{
    static const struct {
        const char *name;
        unsigned interrupts;
        size_t most;
        int sys;
        bool write_only;
    } rows[] = {
        {"at once", 0, 0, 0, false},         {"interrupted", 3, 0, 0, false},
        {"in parts", 0, 333, 0, false},      {"by bytes, interrupted", 2, 1, 0, false},
        {"an error", 0, 0, EIO, false},      {"interrupted, an error", 2, 0, EIO, false},
        {"not readable", 0, 0, EBADF, true},
    };
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        static struct output o;
        begin(&o, kind);
        CHECK(rows[i].name, begin_round(&o) && put(&o, STAGE_CHUNK + 4321) && end_round(&o));
        if (rows[i].write_only) {
            assert_int_equal(close(o.fd), 0);
            o.fd = open(temp_path(&o.temp, "out"), O_WRONLY);
            assert_true(o.fd >= 0);
        } else {
            reads.sys = rows[i].sys;
        }
        reads.interrupts = rows[i].interrupts;
        reads.most = rows[i].most;
        const bool ok = begin_round(&o);
        memset(&reads, 0, sizeof reads);
        CHECK_EQ(rows[i].name, ok, rows[i].sys == 0);
        if (ok) {
            CHECK(rows[i].name, put(&o, 10) && stage_pack_rest(&o.stage) && end_round(&o));
            struct bytes got = check_file(rows[i].name, &o, true);
            bytes_free(&got);
        } else {
            CHECK_EQ(rows[i].name, o.err.code, CLV_ERR_IO);
            CHECK_EQ(rows[i].name, o.err.sys, rows[i].sys);
            CHECK_STR(rows[i].name, o.err.subject, "out");
            CHECK_HAS(rows[i].name, o.err.what, "cannot be read back");
        }
        end(&o);
    }
}

static void test_read_back(void **state)
{
    (void)state;
    for_each_packer(read_back);
}

/* A file that somebody cuts off between two rounds: what waits is not invented. */
static void cut_off(enum clv_compress kind)
{
    enum { TAIL = 5000 };
    static const struct {
        const char *name;
        size_t missing; /* bytes */
    } rows[] = {
        {"a byte", 1},        {"all but a byte", TAIL - 1}, {"all", TAIL},
        {"more", TAIL + 100}, {"the whole file", SIZE_MAX},
    };
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        static struct output o;
        const char *row = rows[i].name;
        begin(&o, kind);
        CHECK(row, begin_round(&o) && put(&o, STAGE_CHUNK + TAIL) && end_round(&o));
        CHECK_EQ(row, o.tail, TAIL);
        const uint64_t left = rows[i].missing == SIZE_MAX ? 0 : o.size - rows[i].missing;
        assert_int_equal(truncate(temp_path(&o.temp, "out"), (off_t)left), 0);
        CHECK(row, !begin_round(&o));
        CHECK_EQ(row, o.err.code, CLV_ERR_IO);
        CHECK_STR(row, o.err.subject, "out");
        CHECK_HAS(row, o.err.what, "truncated");
        /* The stage can serve another output. */
        o.size = o.tail = 0;
        o.put = 0;
        o.err = (struct clv_error){0};
        assert_int_equal(truncate(temp_path(&o.temp, "out"), 0), 0);
        CHECK(row, begin_round(&o) && put(&o, 100) && stage_pack_rest(&o.stage) && end_round(&o));
        struct bytes got = check_file(row, &o, true);
        bytes_free(&got);
        end(&o);
    }
}

static void test_cut_off(void **state)
{
    (void)state;
    for_each_packer(cut_off);
}

#ifdef MFD_ALLOW_SEALING
/* Files that may not grow, or not be written to at all. */
static void packed_failures(enum clv_compress kind)
{
    static const struct {
        const char *name;
        size_t first, second; /* bytes of two rounds, of which the first may */
        int seal;
        const char *what;
    } rows[] = {
        {"what waits", 100, 100, F_SEAL_WRITE, "cannot be written at byte 100"},
        {"a stretch", STAGE_CHUNK - 2000, 2 * STAGE_CHUNK, F_SEAL_WRITE,
         "cannot be written at byte 0"},
        {"behind a stretch", 2 * STAGE_CHUNK, 100, F_SEAL_GROW, "cannot be written at byte"},
        {"a stretch, larger than what waited", 100, STAGE_CHUNK, F_SEAL_GROW,
         "cannot be written at byte"},
    };
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        static struct output o;
        begin(&o, kind);
        assert_int_equal(close(o.fd), 0);
        o.fd = memfd_create("out", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        assert_true(o.fd >= 0);
        CHECK(rows[i].name, begin_round(&o) && put(&o, rows[i].first) && end_round(&o));
        assert_int_equal(fcntl(o.fd, F_ADD_SEALS, rows[i].seal), 0);
        const bool ok = begin_round(&o) && put(&o, rows[i].second) && end_round(&o);
        CHECK(rows[i].name, !ok);
        CHECK_EQ(rows[i].name, o.err.code, CLV_ERR_IO);
        CHECK_EQ(rows[i].name, o.err.sys, EPERM);
        CHECK_STR(rows[i].name, o.err.subject, "out");
        CHECK_HAS(rows[i].name, o.err.what, rows[i].what);
        end(&o);
    }
}

/* Of zeros, what waited is larger than all that it becomes. */
static void cannot_shrink(enum clv_compress kind)
{
    static const uint8_t zeros[3000];
    static struct output o;
    begin(&o, kind);
    assert_int_equal(close(o.fd), 0);
    o.fd = memfd_create("out", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(o.fd >= 0);
    CHECK("first", begin_round(&o) && stage_put(&o.stage, zeros, sizeof zeros) && end_round(&o));
    assert_int_equal(fcntl(o.fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    CHECK("last", begin_round(&o) && stage_pack_rest(&o.stage));
    CHECK("last", !stage_end(&o.stage));
    CHECK_EQ("last", o.err.code, CLV_ERR_IO);
    CHECK_EQ("last", o.err.sys, EPERM);
    CHECK_HAS("last", o.err.what, "cannot be truncated at byte");
    end(&o);
}

static void test_packed_failures(void **state)
{
    (void)state;
    for_each_packer(packed_failures);
}

static void test_cannot_shrink(void **state)
{
    (void)state;
    for_each_packer(cannot_shrink);
}
#endif

static void no_packer(enum clv_compress kind)
{
    struct stage s;
    bool ok = false;
    for (uint64_t nth = 1; !ok; nth++) {
        assert_true(stage_init(&s));
        mem_fail_from(nth);
        ok = stage_pack(&s, kind);
        mem_fail_from(0);
        CHECK_EQ("a packer", s.packer != NULL, ok);
        CHECK("it takes memory", nth > 1 || !ok);
        stage_fini(&s);
    }
}

static void test_no_packer(void **state)
{
    (void)state;
    for_each_packer(no_packer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_puts),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_packed_rounds),
        cmocka_unit_test(test_packed_in_turn),
        cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_cut_off),
#ifdef MFD_ALLOW_SEALING
        cmocka_unit_test(test_packed_failures),
        cmocka_unit_test(test_cannot_shrink),
#endif
        cmocka_unit_test(test_no_packer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
