/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"
#include "support_secret.h"

#include <assert.h>
#include <ctype.h>
#include <time.h>

#include "base/mem.h"
#include "cleave/capture.h"
#include "flow/fragments.h"

#define SECOND INT64_C(1000000000)

/* What was told of one fragment. */
struct seen {
    unsigned times, step;
    bool found;
    struct clv_tuple tuple;
};

enum { SEEN_MAX = 2 * FRAGMENTS_DATAGRAMS + 16 };

/* A run: who is asked, what was told, and how far the input is. */
struct run {
    struct fragments *fr;
    struct seen *seen; /* by number */
    unsigned step;
    uint64_t position;
    uint32_t file;
};

static void on_settle(void *user, void *owner, uint32_t number, const struct flow_origin *origin)
{
    const struct clv_tuple *tuple = origin ? &origin->tuple : NULL;
    const struct run *run = user;
    struct seen *s = owner;
    assert_ptr_equal(s, &run->seen[number]);
    s->times++;
    s->step = run->step;
    s->found = tuple;
    if (tuple)
        s->tuple = *tuple;
}

static void run_begin(struct run *run)
{
    *run = (struct run){.seen = calloc(SEEN_MAX, sizeof *run->seen)};
    assert_non_null(run->seen);
    run->fr = fragments_create(on_settle, run, SECRET);
    assert_non_null(run->fr);
}

static void run_end(struct run *run)
{
    fragments_destroy(&run->fr);
    assert_null(run->fr);
    free(run->seen);
}

/* As the input has it: where it is is told first. port: of the first fragment's sender. */
static bool take(struct run *run, const struct decode_fragment *f, uint16_t port, uint8_t flags,
                 int64_t ts_ns, uint32_t number)
{
    struct clv_tuple t = {.proto = f->proto ? f->proto : CLV_PROTO_UDP, .family = f->family};
    memcpy(t.src, f->src, 16);
    memcpy(t.dst, f->dst, 16);
    t.flags = CLV_TUPLE_FRAGMENT;
    if (f->offset == 0) {
        t.flags = CLV_TUPLE_PORTS;
        t.sport = port;
        t.dport = 53;
        t.tcp_flags = flags;
    }
    const struct flow_origin o = {.tuple = t};
    const struct fragment fragment = {
        .f = f,
        .origin = &o,
        .ts_ns = ts_ns,
        .position = run->position,
        .file = run->file,
        .owner = &run->seen[number],
        .number = number,
    };
    fragments_advance(run->fr, run->position, run->file);
    return fragments_take(run->fr, &fragment);
}

static struct decode_fragment part(uint32_t id, uint8_t family, uint16_t offset, uint16_t len,
                                   bool more)
{
    return (struct decode_fragment){
        .src = {10, 1},
        .dst = {10, 2},
        .id = id,
        .offset = offset,
        .len = len,
        .proto = family == 4 ? CLV_PROTO_UDP : 0,
        .family = family,
        .more = more,
    };
}

/*
 * A script is words. A8+ is a fragment of the datagram with the id A, of 8 bytes from byte 8 on,
 * with more to come; a . is the last one's. The other parts come in this order:
 *   :16   bytes
 *   /2    the first fragment's ports, else 1
 *   !     the first fragment has TCP flags
 *   @60   seconds, with nine decimals or none, else 0; @- no time
 * A small letter is an id of IPv6. >10 goes on by 10 bytes of input, |2 by 2 files.
 *
 * What came of it is a word for each fragment: "first"; or the step in which it was settled,
 * counted from 1, "now" if that is its own, "end" at the input's end; and behind a colon the ports
 * it got, or "none".
 */
static int64_t parse_time(const char **at)
{
    char *end;
    if (**at == '-' && !isdigit((unsigned char)(*at)[1])) {
        ++*at;
        return CLV_NO_TIME;
    }
    int64_t ns = strtoll(*at, &end, 10) * SECOND;
    if (*end == '.') {
        const char *const digits = end + 1;
        const int64_t rest = strtoll(digits, &end, 10);
        assert_int_equal(end - digits, 9);
        ns += **at == '-' ? -rest : rest;
    }
    *at = end;
    return ns;
}

static unsigned long parse_number(const char **at)
{
    char *end;
    assert_true(isdigit((unsigned char)**at));
    const unsigned long n = strtoul(*at, &end, 10);
    *at = end;
    return n;
}

static void take_word(struct run *run, const char **word, uint32_t number)
{
    const char *at = *word;
    const char id = *at++;
    assert_true(isalpha((unsigned char)id));
    struct decode_fragment f = part((uint8_t)id, islower((unsigned char)id) ? 6 : 4, 0, 8, false);
    uint16_t port = 1;
    uint8_t flags = 0;
    int64_t ts_ns = 0;
    f.offset = (uint16_t)parse_number(&at);
    if (*at == ':') {
        at++;
        f.len = (uint16_t)parse_number(&at);
    }
    f.more = *at == '+';
    assert_true(*at == '+' || *at == '.');
    at++;
    if (*at == '/') {
        at++;
        port = (uint16_t)parse_number(&at);
    }
    if (*at == '!') {
        at++;
        flags = 0x18;
    }
    if (*at == '@') {
        at++;
        ts_ns = parse_time(&at);
    }
    assert_true(*at == ' ' || *at == '\0');
    assert_true(take(run, &f, port, flags, ts_ns, number));
    *word = at;
}

static void say(char *buf, size_t size, size_t *len, const char *word)
{
    const int n = snprintf(buf + *len, size - *len, "%s%s", *len ? " " : "", word);
    assert_true(n > 0 && (size_t)n < size - *len);
    *len += (size_t)n;
}

static void check_script(const char *row, const char *script, const char *want)
{
    enum { FRAGMENTS_MAX = 64 };
    struct run run;
    struct {
        unsigned step;
        bool first;
    } taken[FRAGMENTS_MAX];
    uint32_t n = 0;
    char got[1024], word[64];
    size_t len = 0;
    run_begin(&run);
    for (const char *at = script; *at;) {
        run.step++;
        if (*at == '>' || *at == '|') {
            const char what = *at++;
            const unsigned long more = parse_number(&at);
            run.position += what == '>' ? more : 0;
            run.file += what == '|' ? (uint32_t)more : 0;
            fragments_advance(run.fr, run.position, run.file);
        } else {
            assert_true(n < FRAGMENTS_MAX);
            taken[n].step = run.step;
            taken[n].first = at[1] == '0';
            take_word(&run, &at, n++);
        }
        at += *at == ' ';
    }
    const unsigned last = run.step++;
    fragments_end(run.fr);
    CHECK_EQ(row, fragments_waiting(run.fr), 0);
    CHECK_EQ(row, fragments_overflow(run.fr), 0);
    for (uint32_t i = 0; i < n; i++) {
        const struct seen *s = &run.seen[i];
        CHECK_EQ(row, s->times, taken[i].first ? 0 : 1);
        if (taken[i].first) {
            say(got, sizeof got, &len, "first");
            continue;
        }
        char when[16] = "now", who[16] = "none";
        if (s->step > last)
            (void)snprintf(when, sizeof when, "end");
        else if (s->step != taken[i].step)
            (void)snprintf(when, sizeof when, "%u", s->step);
        if (s->found)
            (void)snprintf(who, sizeof who, "%u", s->tuple.sport);
        (void)snprintf(word, sizeof word, "%s:%s", when, who);
        say(got, sizeof got, &len, word);
        if (s->found) {
            CHECK_EQ(row, s->tuple.flags, CLV_TUPLE_PORTS);
            CHECK_EQ(row, s->tuple.dport, 53);
            CHECK_EQ(row, s->tuple.tcp_flags, 0); /* they were in the first, and only there */
        }
    }
    CHECK_STR(row, got, want);
    run_end(&run);
}

static void test_scripts(void **state)
{
    static const struct {
        const char *name, *script, *want;
    } rows[] = {
        {"in order", "A0+ A8+ A16.", "first now:1 now:1"},
        {"in order, IPv6", "a0+ a8+ a16.", "first now:1 now:1"},
        {"first last", "A8+ A16. A0+", "3:1 3:1 first"},
        {"first last, IPv6", "a8+ a16. a0+", "3:1 3:1 first"},
        {"first in the middle", "A16. A0+ A8+", "2:1 first now:1"},
        {"reversed", "A24. A16+ A8+ A0+", "4:1 4:1 4:1 first"},
        {"no first", "A8+ A16.", "end:none end:none"},
        {"no first, twice", "A8+ A16. A8+ A16.", "end:none end:none end:none end:none"},
        {"two datagrams interleaved", "A8. B0+/2 A0+ B8.", "3:1 first first now:2"},
        {"one letter, two families", "A0+ a0+/2 a8. A8.", "first first now:2 now:1"},
        {"TCP flags stay with the first", "A8+ A0+! A16.", "2:1 first now:1"},

        {"a duplicate before the end", "A0+ A8+ A8+ A16.", "first now:1 now:1 now:1"},
        {"a duplicate that waits", "A8. A8. A0+", "3:1 3:1 first"},
        {"a duplicate after the end", "A0+ A8. A8.", "first now:1 end:1"},
        {"a duplicate after the end, IPv6", "a0+ a8. a8.", "first now:1 end:1"},
        {"all twice", "A0+ A8. A0+ A8.", "first now:1 first now:1"},
        {"all twice, back to front", "A0+ A8. A8. A0+", "first now:1 4:1 first"},
        {"the first twice", "A0+ A8+ A0+ A16. A8+ A0+/2", "first now:1 first now:1 6:2 first"},
        {"the first twice, with TCP flags", "A0+! A8+ A0+! A16. A8+ A0+/2!",
         "first now:1 first now:1 6:2 first"},

        {"the id anew", "A0+ A8. A0+/2 A8.", "first now:1 first now:2"},
        {"the id anew, first last", "A0+ A8. A8. A0+/2", "first now:1 4:2 first"},
        {"the id anew, two wait", "A0+ A16. A8+ A16. A8+ A0+/2", "first now:1 now:1 6:2 6:2 first"},
        {"three with one id", "A0+ A8. A0+/2 A8. A0+/3 A8.", "first now:1 first now:2 first now:3"},
        {"the last of them counts", "A0+ A8. A0+/2 A8. A8.", "first now:1 first now:2 end:2"},
        {"other ports before the end", "A0+ A0+/2 A8.", "first first now:2"},
        {"other ports: nothing before counts", "A0+ A8+ A0+/2 A16. A8+ A8+",
         "first now:1 first now:2 now:2 end:2"},

        {"an overlap", "A0:16+ A8:16. A8+", "first now:1 end:1"},
        {"one within another", "A0:24+ A8+ A24. A8+", "first now:1 now:1 end:1"},
        {"one around another", "A0+ A16+ A8:24. A8+", "first now:1 now:1 end:1"},
        {"overlapping bytes count once", "A0:16+ A8:16+ A32. A32.", "first now:1 now:1 now:1"},
        {"a hole", "A0+ A16. A16. A24.", "first now:1 now:1 now:1"},
        {"a hole is filled", "A0+ A16. A8+ A8+", "first now:1 now:1 end:1"},
        {"a hole is half filled", "A0+ A24. A8+ A8+", "first now:1 now:1 now:1"},
        {"two holes", "A0+ A16+ A32. A24+ A8+ A8+", "first now:1 now:1 now:1 now:1 end:1"},
        {"the last is empty", "A0+ A8:0. A8:0. A0+/2", "first now:1 4:2 first"},
        {"more than there should be", "A0+ A8:24+ A16. A8+", "first now:1 now:1 end:1"},
        {"no last", "A0+ A8+ A8+ A16+", "first now:1 now:1 now:1"},
        {"as long as can be", "A0:65528+ A65528:65535. A65528.", "first now:1 end:1"},

        {"60 s", "A0+ A8.@60", "first now:1"},
        {"more than 60 s", "A0+ A8.@60.000000001", "first end:none"},
        {"60 s, first last", "A8. A0+@60", "2:1 first"},
        {"more than 60 s, first last", "A8. A0+@60.000000001", "end:none first"},
        {"60 s, IPv6", "a8. a0+@60", "2:1 first"},
        {"the oldest fragment's time counts", "A0+ A8+@40 A16.@80", "first now:1 end:none"},
        {"the id anew after 60 s", "A0+ A8+@1 A16.@61 A0+/2@61", "first now:1 4:2 first"},
        {"the id anew after 60 s, first last", "A0+ A8.@60.000000001 A0+/2@61", "first 3:2 first"},
        {"a duplicate within 60 s", "A0+ A8. A8.@60", "first now:1 end:1"},
        {"a duplicate after 60 s", "A0+ A8. A8.@60.000000001", "first now:1 end:none"},
        {"backwards by 60 s", "A0+@100 A8.@40", "first now:1"},
        {"backwards by more", "A0+@100 A8.@39.999999999", "first end:none"},
        {"backwards across the epoch", "A0+@10 A8+@-50 A16.@-50.000000001", "first now:1 end:none"},
        {"as far apart as can be", "A0+@-9223372036 A8.@9223372036", "first end:none"},
        {"as far apart as can be, backwards", "A0+@9223372036 A8.@-9223372036", "first end:none"},
        {"no time", "A0+@- A8.@-", "first now:1"},
        {"no time in the first", "A0+@- A8+@1000 A16.@5000", "first now:1 now:1"},
        {"no time in the others", "A0+@1000 A8.@-", "first now:1"},
        {"no time, first last", "A8.@- A0+@1000", "2:1 first"},

        {"as far as is looked", "A8. >1048576 A0+", "3:1 first"},
        {"one byte farther", "A8. >1048577 A0+", "2:none first"},
        {"farther in two steps", "A8. >1048576 >1 A0+", "3:none first"},
        {"each waits for itself", "A8. >1 A16. >1048576 A0+", "4:none 5:1 first"},
        {"from the fragment, not the beginning", "A0+ >1048577 A8+ >1048577 A16.",
         "first now:1 now:1"},
        {"one behind one that is settled", "A8. B8. A0+ >1048577", "3:1 4:none first"},
        {"one before one that is settled", "A8. B8. B0+ >1048577 A0+", "4:none 3:1 first first"},
        {"a duplicate is given up", "A0+ A8. A8. >1048577 A0+/2", "first now:1 4:1 first"},
        {"as many files as are waited for", "A8. |15 A0+", "3:1 first"},
        {"one file more", "A8. |16 A0+", "2:none first"},
        {"files and bytes", "A8. |1 >1048576 |1 A0+", "5:1 first"},
    };
    static_assert(FRAGMENTS_LOOKAHEAD == 1048576 && FRAGMENTS_FILES == 16, "the rows have them");
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++)
        check_script(rows[i].name, rows[i].script, rows[i].want);
}

/* Every second fragment, then those between; again: the former once more; then the second. */
static void check_scattered(const char *row, unsigned n_ranges, bool again, const char *second)
{
    char script[1024], want[1024], word[32];
    size_t script_len = 0, want_len = 0;
    const unsigned all = 2 * n_ranges - 1;
    for (unsigned i = 0; i < all + (again ? n_ranges : 0); i++) {
        const unsigned at = i < n_ranges ? 2 * i : i < all ? 2 * (i - n_ranges) + 1 : 2 * (i - all);
        (void)snprintf(word, sizeof word, "A%u%c", at * 8, at + 1 < all ? '+' : '.');
        say(script, sizeof script, &script_len, word);
        say(want, sizeof want, &want_len, at ? "now:1" : "first");
    }
    say(script, sizeof script, &script_len, "A8+");
    say(want, sizeof want, &want_len, second);
    check_script(row, script, want);
}

static void test_scattered(void **state)
{
    (void)state;
    check_scattered("two ranges", 2, false, "end:1");
    check_scattered("as many ranges as are kept", 16, false, "end:1");
    /* It is never complete: what comes is of the same datagram. */
    check_scattered("one range more", 17, false, "now:1");
    check_scattered("one range more, all come again", 17, true, "now:1");
    check_scattered("many ranges more", 25, false, "now:1");
    check_script("forgotten with the datagram",
                 "A0+ A16+ A32+ A48+ A64+ A80+ A96+ A112+ A128+ A144+ A160+ A176+ A192+ A208+ "
                 "A224+ A240+ A256+ A0+/2 A8. A8.",
                 "first now:1 now:1 now:1 now:1 now:1 now:1 now:1 now:1 now:1 now:1 now:1 now:1 "
                 "now:1 now:1 now:1 now:1 first now:2 end:2");
}

/* Among so many ids are some that meet in a bucket: the whole key decides, not its hash. */
static void check_never_mixed(const char *row, const struct decode_fragment *first,
                              const struct decode_fragment *later)
{
    enum { IDS = 1 << 17 };
    struct run run;
    run_begin(&run);
    for (uint32_t id = 0; id < IDS; id++) {
        struct decode_fragment x = *first, y = *later;
        x.id ^= id;
        y.id ^= id;
        assert_true(take(&run, &x, 1, 0, 0, 0));
        assert_true(take(&run, &y, 0, 0, 0, 1));
        CHECK_EQ(row, run.seen[1].times, id);
        CHECK_EQ(row, fragments_waiting(run.fr), 1);
        run.position += FRAGMENTS_LOOKAHEAD + 1;
    }
    CHECK(row, !run.seen[1].found);
    run_end(&run);
}

#define NO_PATH                                                                                    \
    {                                                                                              \
        .n_vlans = 0                                                                               \
    }
#define LATER4 {10, 1}, {10, 2}, 7, 8, 8, 17, 4, false
#define FIRST4                                                                                     \
    {                                                                                              \
        {10, 1}, {10, 2}, 7, 0, 8, 17, 4, true, NO_PATH                                            \
    }
#define FIRST6                                                                                     \
    {                                                                                              \
        {32, 1}, {32, 2}, 7, 0, 8, 0, 6, true, NO_PATH                                             \
    }

static void test_keys(void **state)
{
    static const struct {
        const char *name;
        struct decode_fragment first, later;
        bool same;
    } rows[] = {
        {"IPv4", FIRST4, {{10, 1}, {10, 2}, 7, 8, 8, 17, 4, false, NO_PATH}, true},
        {"VLAN", FIRST4, {LATER4, {.n_vlans = 1, .vlan = {5}}}, false},
        {"tunnel", FIRST4, {LATER4, {.n_tunnels = 1, .kind = {DECODE_VXLAN}, .id = {5}}}, false},
        {"link addresses", FIRST4, {LATER4, {.has_mac = true, .src_mac = {2}}}, true},
        {"source", FIRST4, {{10, 3}, {10, 2}, 7, 8, 8, 17, 4, false, NO_PATH}, false},
        {"destination", FIRST4, {{10, 1}, {10, 3}, 7, 8, 8, 17, 4, false, NO_PATH}, false},
        {"direction", FIRST4, {{10, 2}, {10, 1}, 7, 8, 8, 17, 4, false, NO_PATH}, false},
        {"id", FIRST4, {{10, 1}, {10, 2}, 0x40007, 8, 8, 17, 4, false, NO_PATH}, false},
        {"protocol", FIRST4, {{10, 1}, {10, 2}, 7, 8, 8, 6, 4, false, NO_PATH}, false},
        {"family", FIRST4, {{10, 1}, {10, 2}, 7, 8, 8, 17, 6, false, NO_PATH}, false},
        {"IPv6", FIRST6, {{32, 1}, {32, 2}, 7, 8, 8, 0, 6, false, NO_PATH}, true},
        {"the source's last byte",
         FIRST6,
         {{32, 1, [15] = 1}, {32, 2}, 7, 8, 8, 0, 6, false, NO_PATH},
         false},
        {"the destination's",
         FIRST6,
         {{32, 1}, {32, 2, [15] = 1}, 7, 8, 8, 0, 6, false, NO_PATH},
         false},
        {"the id's high bits",
         FIRST6,
         {{32, 1}, {32, 2}, 0x80000007, 8, 8, 0, 6, false, NO_PATH},
         false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *row = rows[i].name;
        struct run run;
        run_begin(&run);
        assert_true(take(&run, &rows[i].first, 1, 0, 0, 0));
        assert_true(take(&run, &rows[i].later, 0, 0, 0, 1));
        CHECK_EQ(row, fragments_waiting(run.fr), !rows[i].same);
        CHECK_EQ(row, run.seen[1].times, rows[i].same);
        fragments_end(run.fr);
        CHECK_EQ(row, run.seen[0].times, 0);
        CHECK_EQ(row, run.seen[1].times, 1);
        CHECK_EQ(row, run.seen[1].found, rows[i].same);
        if (rows[i].same) {
            CHECK_MEM(row, run.seen[1].tuple.src, rows[i].first.src, 16);
            CHECK_MEM(row, run.seen[1].tuple.dst, rows[i].first.dst, 16);
        }
        run_end(&run);
        if (!rows[i].same)
            check_never_mixed(row, &rows[i].first, &rows[i].later);
    }
}

/* The datagram i: its port tells it from the others. */
static void take_first(struct run *run, uint32_t i, uint16_t port, int64_t ts_ns)
{
    const struct decode_fragment f = part(i, i & 1 ? 6 : 4, 0, 8, true);
    assert_true(take(run, &f, port, 0, ts_ns, SEEN_MAX - 1));
}

static void take_last(struct run *run, uint32_t i, uint32_t number, int64_t ts_ns)
{
    const struct decode_fragment f = part(i, i & 1 ? 6 : 4, 8, 8, false);
    assert_true(take(run, &f, 0, 0, ts_ns, number));
}

static void check_port(const char *row, const struct run *run, uint32_t number, unsigned port)
{
    CHECK_EQ(row, run->seen[number].times, 1);
    CHECK(row, run->seen[number].found);
    CHECK_EQ(row, run->seen[number].tuple.sport, port);
}

static void test_room(void **state)
{
    enum { N = FRAGMENTS_DATAGRAMS };
    struct run run;
    (void)state;

    const char *row = "as many as there is room for";
    run_begin(&run);
    for (uint32_t i = 0; i < N; i++)
        take_first(&run, i, (uint16_t)i, 0);
    for (uint32_t i = 0; i < N; i++)
        take_last(&run, i, i, 0);
    for (uint32_t i = 0; i < N; i++)
        check_port(row, &run, i, i);
    CHECK_EQ(row, fragments_overflow(run.fr), 0);
    run_end(&run);

    row = "one more: the oldest is forgotten";
    run_begin(&run);
    for (uint32_t i = 0; i <= N; i++)
        take_first(&run, i, (uint16_t)i, 0);
    CHECK_EQ(row, fragments_overflow(run.fr), 1);
    for (uint32_t i = N; i > 0; i--)
        take_last(&run, i, i, 0);
    for (uint32_t i = 1; i <= N; i++)
        check_port(row, &run, i, i);
    take_last(&run, 0, 0, 0);
    CHECK_EQ(row, fragments_waiting(run.fr), 1);
    CHECK_EQ(row, fragments_overflow(run.fr), 1);
    fragments_end(run.fr);
    CHECK_EQ(row, run.seen[0].times, 1);
    CHECK(row, !run.seen[0].found);
    run_end(&run);

    row = "twice as many: each is given up or right";
    run_begin(&run);
    for (uint32_t i = 0; i < 2 * N; i++)
        take_last(&run, i, i, 0);
    CHECK_EQ(row, fragments_overflow(run.fr), N);
    CHECK_EQ(row, fragments_waiting(run.fr), 2 * N);
    for (uint32_t i = 2 * N; i-- > N;)
        take_first(&run, i, (uint16_t)i, 0);
    CHECK_EQ(row, fragments_waiting(run.fr), N);
    CHECK_EQ(row, fragments_overflow(run.fr), N);
    take_first(&run, 0, 1, 0); /* nobody waits for it any more */
    CHECK_EQ(row, fragments_waiting(run.fr), N);
    fragments_end(run.fr);
    for (uint32_t i = 0; i < N; i++) {
        CHECK_EQ(row, run.seen[i].times, 1);
        CHECK(row, !run.seen[i].found);
        check_port(row, &run, N + i, N + i);
    }
    run_end(&run);

    row = "those that are complete do not count";
    run_begin(&run);
    for (uint32_t i = 0; i < 2 * N; i++) {
        take_first(&run, i, (uint16_t)i, 0);
        take_last(&run, i, i, 0);
        check_port(row, &run, i, i);
    }
    CHECK_EQ(row, fragments_overflow(run.fr), 0);
    run_end(&run);

    row = "those that are too old do not count";
    run_begin(&run);
    for (uint32_t i = 0; i < 2 * N; i++)
        take_first(&run, i, (uint16_t)i, i < N ? 0 : 60 * SECOND + 1);
    CHECK_EQ(row, fragments_overflow(run.fr), 0);
    take_first(&run, 2 * N, 0, 120 * SECOND + 1); /* 60 s are not too old */
    CHECK_EQ(row, fragments_overflow(run.fr), 1);
    run_end(&run);
}

/* Only two are under way when one more comes: there is room for both. */
static void test_room_for_id_anew(void **state)
{
    enum { N = FRAGMENTS_DATAGRAMS };
    const char *row = "an id anew is as young as any";
    struct run run;
    (void)state;
    run_begin(&run);
    for (uint32_t i = 0; i < N; i++) {
        take_first(&run, i, 1, 0);
        take_last(&run, i, i, 0);
    }
    take_first(&run, 0, 2, 0);
    take_first(&run, N, 3, 0);
    CHECK_EQ(row, fragments_overflow(run.fr), 0);
    take_last(&run, 0, N, 0);
    CHECK_EQ(row, fragments_waiting(run.fr), 0);
    check_port(row, &run, N, 2);
    run_end(&run);
}

/* Places of those who are settled are not free before those of the older ones. */
static void test_one_waits_long(void **state)
{
    enum { N = 1000 };
    const char *row = "one waits long";
    struct run run;
    (void)state;
    run_begin(&run);
    take_last(&run, N, N, 0);
    for (uint32_t i = 0; i < N; i++) {
        take_last(&run, i, i, 0);
        take_first(&run, i, (uint16_t)i, 0);
        check_port(row, &run, i, i);
        CHECK_EQ(row, fragments_waiting(run.fr), 1);
    }
    take_first(&run, N, N, 0);
    check_port(row, &run, N, N);
    CHECK_EQ(row, fragments_waiting(run.fr), 0);
    fragments_end(run.fr);
    for (uint32_t i = 0; i <= N; i++)
        check_port(row, &run, i, i);
    run_end(&run);
}

static void test_no_memory(void **state)
{
    enum { N = 5000, SETTLED_EARLY = 40 };
    struct run run;
    uint32_t failures = 0;
    (void)state;
    mem_fail_from(1);
    assert_null(fragments_create(on_settle, &run, SECRET));
    mem_fail_from(0);

    run_begin(&run);
    for (uint32_t i = 0; i < N; i++) {
        char row[32];
        (void)snprintf(row, sizeof row, "fragment %u", i);
        const struct decode_fragment f = part(i % 100, 4, 8, 8, true);
        if (i == SETTLED_EARLY) /* the oldest are gone when there has to be room for more */
            run.position = FRAGMENTS_LOOKAHEAD + 1;
        fragments_advance(run.fr, run.position, 0);
        const uint64_t waiting = fragments_waiting(run.fr);
        mem_fail_from(1);
        const bool ok = take(&run, &f, 0, 0, 0, i);
        mem_fail_from(0);
        if (!ok) {
            failures++;
            CHECK_EQ(row, fragments_waiting(run.fr), waiting);
            CHECK_EQ(row, run.seen[i].times, 0);
            assert_true(take(&run, &f, 0, 0, 0, i));
        }
        CHECK_EQ(row, fragments_waiting(run.fr), waiting + 1);
    }
    CHECK("growing needs memory", failures > 5 && failures < 20);

    mem_fail_from(1); /* what does not wait needs none */
    for (uint32_t i = 0; i < 50; i++) {
        const struct decode_fragment f = part(i, 4, 0, 8, true);
        assert_true(take(&run, &f, (uint16_t)(1000 + i), 0, 0, N));
    }
    fragments_end(run.fr);
    fragments_end(run.fr);
    mem_fail_from(0);
    CHECK_EQ("the end", fragments_waiting(run.fr), 0);
    for (uint32_t i = 0; i < N; i++) {
        char row[32];
        (void)snprintf(row, sizeof row, "fragment %u", i);
        const bool found = i % 100 < 50 && i >= SETTLED_EARLY;
        CHECK_EQ(row, run.seen[i].times, 1);
        CHECK_EQ(row, run.seen[i].found, found);
        if (found)
            CHECK_EQ(row, run.seen[i].tuple.sport, 1000 + i % 100);
    }
    run_end(&run);

    run_begin(&run); /* gone while somebody waits: nobody is told */
    take_last(&run, 1, 0, 0);
    fragments_destroy(&run.fr);
    CHECK_EQ("destroyed", run.seen[0].times, 0);
    fragments_destroy(&run.fr);
    run_end(&run);
}

/*
 * The model: every datagram there ever was, its bytes one by one; every fragment that waits, asked
 * at every step.
 */
enum { MODEL_KEYS = 6, MODEL_STEPS = 400, MODEL_BYTES = 128, NOWHERE = -1 };

struct model_datagram {
    int64_t ts_ns;
    int before;    /* the complete one whose place it took within 60 s, or NOWHERE */
    int end;       /* bytes, or NOWHERE: the last fragment has not come */
    uint16_t port; /* 0: the first has not come */
    bool have[MODEL_BYTES];
};

struct model_fragment {
    bool later, settled;
    int datagram;
    uint64_t position;
    uint32_t file;
    unsigned step;
    uint16_t port; /* 0: none */
};

struct model {
    struct model_datagram datagrams[MODEL_STEPS];
    struct model_fragment fragments[MODEL_STEPS];
    int n_datagrams, current[MODEL_KEYS];
    uint32_t n_fragments;
};

/* All of it has come, and nothing is missing before what came beyond its end. */
static bool model_complete(const struct model_datagram *d)
{
    int highest = 0, n = 0;
    for (int i = 0; i < MODEL_BYTES; i++) {
        n += d->have[i];
        highest = d->have[i] ? i + 1 : highest;
    }
    return d->port && d->end != NOWHERE && n == highest && highest >= d->end;
}

static void model_settle(struct model_fragment *f, unsigned step, uint16_t port)
{
    f->settled = true;
    f->step = step;
    f->port = port;
}

static void model_advance(struct model *m, unsigned step, uint64_t position, uint32_t file,
                          bool over)
{
    for (uint32_t i = 0; i < m->n_fragments; i++) {
        struct model_fragment *f = &m->fragments[i];
        const bool late =
            position > f->position + FRAGMENTS_LOOKAHEAD || file >= f->file + FRAGMENTS_FILES;
        if (!f->later || f->settled || !(late || over))
            continue;
        const int before = m->datagrams[f->datagram].before;
        model_settle(f, step, before == NOWHERE ? 0 : m->datagrams[before].port);
    }
}

static void model_take(struct model *m, unsigned step, int key, const struct decode_fragment *f,
                       uint16_t port, int64_t ts_ns, uint64_t position, uint32_t file)
{
    int now = m->current[key];
    struct model_datagram *d = now == NOWHERE ? NULL : &m->datagrams[now];
    const bool young = d && (d->ts_ns == CLV_NO_TIME || ts_ns == CLV_NO_TIME ||
                             llabs(d->ts_ns - ts_ns) <= 60 * SECOND);
    const bool complete = d && model_complete(d);
    if (!young || complete || (f->offset == 0 && d->port && d->port != port)) {
        const int before = young && complete ? now : NOWHERE;
        now = m->current[key] = m->n_datagrams++;
        d = &m->datagrams[now];
        *d = (struct model_datagram){.ts_ns = ts_ns, .before = before, .end = NOWHERE};
    }
    memset(d->have + f->offset, true, f->len);
    if (!f->more)
        d->end = f->offset + f->len;
    struct model_fragment *mine = &m->fragments[m->n_fragments++];
    *mine = (struct model_fragment){
        .later = f->offset, .datagram = now, .position = position, .file = file};
    if (f->offset == 0)
        d->port = port;
    for (uint32_t i = 0; i < m->n_fragments && d->port; i++)
        if (m->fragments[i].later && m->fragments[i].datagram == now && !m->fragments[i].settled)
            model_settle(&m->fragments[i], step, d->port);
}

static void check_against_model(const char *row, const struct run *run, const struct model *m)
{
    uint64_t n_waiting = 0;
    for (uint32_t i = 0; i < m->n_fragments; i++) {
        const struct model_fragment *f = &m->fragments[i];
        const struct seen *s = &run->seen[i];
        CHECK_EQ(row, s->times, f->later && f->settled);
        n_waiting += f->later && !f->settled;
        if (!s->times)
            continue;
        CHECK_EQ(row, s->step, f->step);
        CHECK_EQ(row, s->found, f->port != 0);
        if (s->found)
            CHECK_EQ(row, s->tuple.sport, f->port);
    }
    CHECK_EQ(row, fragments_waiting(run->fr), n_waiting);
}

static unsigned below(uint64_t *state, unsigned n)
{
    return (unsigned)(noise(state) >> 33) % n;
}

/* Seconds that are near together, now and then 60 apart, or none. */
static int64_t random_time(uint64_t *state, int64_t *clock)
{
    static const int64_t jumps[] = {60 * SECOND, 60 * SECOND + 1, -60 * SECOND, 30 * SECOND};
    if (below(state, 12) == 0)
        *clock += jumps[below(state, N_ROWS(jumps))];
    return below(state, 40) ? *clock : CLV_NO_TIME;
}

static void random_run(const char *row, uint64_t *state, bool tcp)
{
    struct model *m = calloc(1, sizeof *m);
    struct run run;
    int64_t clock = 1000 * SECOND;
    const unsigned n_keys = 1 + below(state, MODEL_KEYS);
    const unsigned pace = below(state, 2) ? 8 : 400; /* steps between two that go far */
    assert_non_null(m);
    run_begin(&run);
    for (size_t i = 0; i < N_ROWS(m->current); i++)
        m->current[i] = NOWHERE;
    for (uint32_t i = 0; i < MODEL_STEPS; i++) {
        const unsigned key = below(state, n_keys);
        const uint16_t offset = (uint16_t)(below(state, 5) * 8);
        const uint16_t len = (uint16_t)(below(state, 4) ? 8 : 1 + below(state, 32));
        const struct decode_fragment f =
            part(key / 2, key & 1 ? 6 : 4, offset, len, below(state, 3));
        const uint16_t port = (uint16_t)(1 + below(state, 8) / 7);
        const int64_t ts_ns = random_time(state, &clock);
        run.step++;
        run.position += below(state, pace) ? below(state, 1000) : below(state, FRAGMENTS_LOOKAHEAD);
        run.file += below(state, 4 * pace) ? 0 : below(state, FRAGMENTS_FILES);
        model_advance(m, run.step, run.position, run.file, false);
        if (below(state, 2))
            fragments_advance(run.fr, run.position, run.file);
        model_take(m, run.step, (int)key, &f, port, ts_ns, run.position, run.file);
        assert_true(take(&run, &f, port, tcp ? (uint8_t)below(state, 4) : 0, ts_ns, i));
        check_against_model(row, &run, m);
    }
    run.step++;
    model_advance(m, run.step, run.position, run.file, true);
    fragments_end(run.fr);
    check_against_model(row, &run, m);
    CHECK_EQ(row, fragments_overflow(run.fr), 0);
    run_end(&run);
    free(m);
}

/* CLEAVE_SEED repeats a run. */
static uint64_t chosen_seed(void)
{
    const char *const given = getenv("CLEAVE_SEED");
    struct timespec now;
    if (given)
        return strtoull(given, NULL, 10);
    (void)timespec_get(&now, TIME_UTC);
    return (uint64_t)now.tv_sec * (uint64_t)SECOND + (uint64_t)now.tv_nsec;
}

static void test_random(void **state)
{
    enum { RUNS = 150 };
    static const struct {
        const char *name;
        bool tcp;
    } rows[] = {{"no TCP flags", false}, {"TCP flags", true}};
    const uint64_t seed = chosen_seed();
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (size_t k = 0; k < N_ROWS(rows); k++) {
        uint64_t random = seed | 1;
        for (unsigned i = 0; i < RUNS; i++) {
            char row[96];
            (void)snprintf(row, sizeof row, "%s, run %u with CLEAVE_SEED=%llu", rows[k].name, i,
                           (unsigned long long)seed);
            random_run(row, &random, rows[k].tcp);
        }
    }
}

UNIT(fragments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_scattered),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_room_for_id_anew),
        cmocka_unit_test(test_one_waits_long),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
