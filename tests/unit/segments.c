/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"

#include "base/mem.h"
#include "sight/segments.h"

/* The n bytes at p, from a block that ends with them. */
static bool add(struct sight_stream *s, uint32_t seq, const void *p, size_t n)
{
    uint8_t *block = tight_copy(p, n);
    const bool ok = sight_stream_add(s, seq, (struct clv_span){block, n});
    free(block);
    return ok;
}

static void check_front(const char *row, const struct sight_stream *s, const char *want)
{
    const struct clv_span front = sight_stream_front(s);
    CHECK_EQ(row, front.len, strlen(want));
    CHECK_MEM(row, front.p, want, front.len);
}

/*
 * Steps, apart by blanks, from sequence number `first` on: "3=abc" adds a segment 3 bytes after it,
 * "-4" takes four bytes, "!" wants that a gap was given up, "?abc" wants the front to be that. All
 * other steps want no gap given up.
 */
static void run_steps(const char *row, struct sight_stream *s, uint32_t first, const char *steps)
{
    char text[256];
    assert_true(strlen(steps) < sizeof text);
    memcpy(text, steps, strlen(steps) + 1);
    for (char *rest = text, *step; (step = strtok_r(rest, " ", &rest)) != NULL;) {
        if (*step == '!') {
            CHECK(row, sight_stream_broke(s));
        } else if (*step == '?') {
            check_front(row, s, step + 1);
            CHECK(row, !sight_stream_broke(s));
        } else if (*step == '-') {
            sight_stream_take(s, strtoull(step + 1, NULL, 10));
        } else {
            char *bytes;
            const uint32_t off = (uint32_t)strtoul(step, &bytes, 10);
            assert_true(*bytes++ == '=');
            CHECK(row, add(s, first + off, bytes, strlen(bytes)));
        }
    }
    CHECK(row, !sight_stream_broke(s));
}

static void test_steps(void **state)
{
    static const struct {
        const char *name;
        bool middle; /* the connection's beginning was not seen */
        const char *steps;
    } rows[] = {
        {"nothing", false, "?"},
        {"one", false, "0=abc ?abc"},
        {"in order", false, "0=abc 3=def 6=g ?abcdefg"},
        {"reversed", false, "6=g 3=def ? 0=abc ?abcdefg"},
        {"repeated", false, "0=abc 0=abc 3=def 0=abc ?abcdef"},
        {"the first bytes count", false, "3=DEF 0=abcde 5=xyz ?abcDEFyz"},
        {"the first bytes count, inside", false, "0=ab 4=ef 8=ij 1=BCDEFGHIJK ?abCDefGHijK"},
        {"over several", false, "2=c 4=e 6=g 0=ABCDEFGH ?ABcDeFgH"},
        {"between two", false, "0=ab 4=ef 2=cd ?abcdef"},
        {"touching", false, "4=ef 2=cd ? 0=ab ?abcdef"},
        {"taken in part", false, "0=abc -2 ?c 3=de ?cde -3 ? 5=f ?f"},
        {"an old one", false, "0=abcdef -4 2=CD ?ef 3=DEFG ?efG"},
        {"a gap stays", false, "0=ab 3=d ?ab -2 ? 2=c ?cd"},
        {"passed over", false, "0=ab -5 ? 2=cd ? 4=efg ?fg 0=xyzxyzx ?fg"},
        {"passed over, early", false, "0=ab 4=ef -5 ?f 2=cd ?f 6=g ?fg"},
        {"passed over, lost", false, "0=ab -5 8=ij ? 5=fgh ?fghij"},
        {"passed over twice", false, "0=ab -4 -4 2=cdefgh ? 8=i ?i"},
        {"an empty one begins nothing", true, "9= 5=abc ?abc 8=d ?abcd"},
        {"from the middle", true, "5=abc 8=d ?abcd 3=xyABC ?abcd"},
        {"a probe", false, "0=abc -3 2=c ? 3=d ?d"},
        {"extents run out", false,
         "0=a 2=c 4=e 6=g 8=i 10=k 12=m 14=o ?a 16=q ! ?c 3=d ?cde 17=r ?cde 5=f ?cdefg"},
        {"extents run out before a front", false,
         "2=c 4=e 6=g 8=i 10=k 12=m 14=o ? 0=a ?a 1=b ?abc 16=q ?abc 18=s ! ?e"},
        {"extents run out, and it is earliest", false,
         "0=a 3=c 5=e 7=g 9=i 11=k 13=m 15=o ?a 16=p 2=b ?a 1=x ?axbc"},
        {"far ahead", false, "0=abc 20000=xyz ! ?xyz 3=def ?xyz"},
        {"far ahead of several", false, "0=a 2=c 4=e 16389=xyz ! ?xyz"},
        {"far ahead of one that stays", false, "0=a 2=c 16384=xy ! ?c 3=d ?cd"},
        {"farther than a window", false, "0=abc 2000000000=xyz ! ?xyz 0=ab ! ?ab"},
    };
    static const uint32_t firsts[] = {0, 1000, UINT32_MAX, UINT32_MAX - 4, INT32_MAX - 2};
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        for (size_t k = 0; k < N_ROWS(firsts); k++) {
            struct sight_stream s = {0};
            if (!rows[i].middle)
                sight_stream_begin(&s, firsts[k]);
            run_steps(rows[i].name, &s, firsts[k], rows[i].steps);
            sight_stream_fini(&s);
            CHECK(rows[i].name, !s.begun && !s.bytes);
        }
    }
}

static void test_begin(void **state)
{
    struct sight_stream s = {0};
    (void)state;
    sight_stream_begin(&s, 100);
    run_steps("first", &s, 100, "0=abc 5=fgh -1 ?bc");
    sight_stream_begin(&s, 100);
    run_steps("its SYN again", &s, 100, "?bc 3=de ?bcdefgh");
    sight_stream_begin(&s, 5000);
    run_steps("another connection", &s, 5000, "? 0=xyz ?xyz");
    sight_stream_begin(&s, 100);
    run_steps("the first number again", &s, 100, "? 0=abc ?abc");
    sight_stream_fini(&s);
}

/* What is longer than the bound: in order it is held, once; out of order it is not. */
static void test_long(void **state)
{
    enum { LEN = 65495 };
    struct bytes b = {0};
    uint64_t seed = 1;
    (void)state;
    put_noise(&b, &seed, 2 * LEN);
    struct sight_stream s = {0};
    sight_stream_begin(&s, 7);
    assert_true(add(&s, 7, b.p, 10));
    assert_true(add(&s, 17, b.p + 10, LEN - 10));
    struct clv_span front = sight_stream_front(&s);
    CHECK_EQ("a long segment", front.len, LEN);
    CHECK_MEM("a long segment", front.p, b.p, LEN);
    sight_stream_take(&s, LEN - SIGHT_STREAM + 1);
    assert_true(add(&s, 7 + LEN, b.p + LEN, 1000));
    front = sight_stream_front(&s);
    CHECK_EQ("in part", front.len, SIGHT_STREAM - 1 + 1000);
    CHECK_MEM("in part", front.p, b.p + LEN - SIGHT_STREAM + 1, front.len);
    CHECK("in part", !sight_stream_broke(&s));
    assert_true(add(&s, 7 + LEN + 500, b.p + LEN + 500, 1000));
    front = sight_stream_front(&s);
    CHECK("too long", sight_stream_broke(&s));
    CHECK_EQ("too long", front.len, 500);
    CHECK_MEM("too long", front.p, b.p + LEN + 1000, front.len);
    assert_true(add(&s, 7 + LEN + 1600, b.p + LEN + 1600, SIGHT_STREAM - 600));
    front = sight_stream_front(&s);
    CHECK("early, as long as may be", !sight_stream_broke(&s) && front.len == 500);
    assert_true(add(&s, 7 + LEN + 1600, b.p + LEN + 1600, SIGHT_STREAM - 599));
    front = sight_stream_front(&s);
    CHECK("early, too long", sight_stream_broke(&s));
    CHECK_EQ("early, too long", front.len, SIGHT_STREAM - 599);
    CHECK_MEM("early, too long", front.p, b.p + LEN + 1600, front.len);
    sight_stream_take(&s, front.len);
    CHECK("a bound", s.cap <= 2 * SIGHT_STREAM);
    sight_stream_take(&s, UINT64_C(10000000000));
    for (uint64_t at = 0; at < UINT64_C(10000000000); at += 250000000)
        assert_true(add(&s, s.next, b.p, 4));
    bytes_free(&b);
    sight_stream_fini(&s);
}

/* Ten thousand million bytes are passed over, though numbers wrap twice. */
static void test_pass(void **state)
{
    const uint64_t all = UINT64_C(10000000000);
    uint64_t at = 0;
    struct sight_stream s = {0};
    static const char bytes[] = "abcdef";
    (void)state;
    sight_stream_begin(&s, 5);
    sight_stream_take(&s, all);
    for (; at + 500000000 < all; at += 500000000) {
        assert_true(add(&s, (uint32_t)(5 + at), bytes, 6));
        CHECK_EQ("passed over", sight_stream_front(&s).len, 0);
    }
    assert_true(add(&s, (uint32_t)(5 + all - 2), bytes, 6));
    check_front("after them", &s, "cdef");
    sight_stream_take(&s, UINT64_MAX);
    sight_stream_take(&s, UINT64_MAX);
    assert_true(add(&s, (uint32_t)(5 + all + 4), bytes, 6));
    check_front("for ever", &s, "");
    CHECK("no gap", !sight_stream_broke(&s));
    sight_stream_fini(&s);
}

static void test_memory(void **state)
{
    struct sight_stream s = {0};
    (void)state;
    mem_fail_from(1);
    assert_true(!add(&s, 1, "abc", 3));
    mem_fail_from(0);
    run_steps("after no memory", &s, 1, "3=def ? 0=abc ?abcdef");
    sight_stream_fini(&s);
}

/*
 * Random segments of random content, so that the same byte may come in several forms, against an
 * array of what came first. Segments lag behind the end of what was sent by less than the bounds.
 */
static void random_connection(uint64_t *seed, bool loses)
{
    enum { ALL = 60000, LAG = 3000 };
    static uint8_t model[ALL], had[ALL], noise_bytes[2000];
    const uint32_t first = (uint32_t)noise(seed);
    uint64_t taken = 0; /* where the front begins */
    size_t whole = 0;   /* up to here all has arrived */
    struct sight_stream s = {0};
    memset(had, 0, sizeof had);
    sight_stream_begin(&s, first);
    while (whole < ALL - sizeof noise_bytes && taken < ALL - 2 * sizeof noise_bytes) {
        const size_t n = 1 + noise(seed) % (noise(seed) % 4 ? 100 : sizeof noise_bytes);
        size_t at = whole > LAG ? whole - LAG : 0;
        at += noise(seed) % (2 * LAG);
        if (noise(seed) % 3 || s.n + 1 >= SIGHT_STREAM_EXTENTS)
            at = loses && noise(seed) % 50 == 0 ? at + LAG : whole;
        if (at + n > ALL)
            continue;
        for (size_t i = 0; i < n; i++)
            noise_bytes[i] = (uint8_t)noise(seed);
        assert_true(add(&s, first + (uint32_t)at, noise_bytes, n));
        const bool broke = sight_stream_broke(&s);
        CHECK("a gap is given up where one is lost", loses || !broke);
        const uint64_t from = taken + (uint32_t)(s.next - first - (uint32_t)taken);
        CHECK("the front goes on only where a gap is given up", broke || from == taken);
        taken = from;
        for (size_t i = 0; i < n; i++) {
            if (had[at + i] || at + i < taken)
                continue;
            had[at + i] = 1;
            model[at + i] = noise_bytes[i];
        }
        if (whole < taken)
            whole = (size_t)taken;
        while (whole < ALL && had[whole])
            whole++;
        const struct clv_span front = sight_stream_front(&s);
        CHECK_EQ("the front", front.len, whole - taken);
        CHECK_MEM("the front", front.p, model + taken, front.len);
        if (noise(seed) % 3 == 0) {
            const uint64_t n_taken = noise(seed) % (front.len + 1);
            sight_stream_take(&s, n_taken);
            taken += n_taken;
        } else if (front.len > SIGHT_STREAM / 2) {
            sight_stream_take(&s, front.len);
            taken += front.len;
        }
    }
    CHECK("bounded", s.cap <= 4 * SIGHT_STREAM);
    sight_stream_fini(&s);
}

static void test_random(void **state)
{
    uint64_t seed = 20;
    (void)state;
    for (unsigned i = 0; i < 200; i++)
        random_connection(&seed, i % 2);
}

UNIT(segments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps), cmocka_unit_test(test_begin),  cmocka_unit_test(test_long),
        cmocka_unit_test(test_pass),  cmocka_unit_test(test_memory), cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
