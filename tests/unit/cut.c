/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "flow/cut.h"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, STEPS_MAX = 8 };

#define S INT64_C(1000000000)
#define NO_TIME INT64_MIN

/* A record, and why the flow before it ended; "": it did not. NULL: there are no more records. */
struct step {
    const char *cut;
    int64_t ts_ns;
    uint32_t len;
    unsigned dir;
    int flags; /* -1: no TCP header was seen */
    uint32_t seq, ack;
};

struct row {
    const char *name;
    struct flow_cuts cuts;
    struct step steps[STEPS_MAX];
    const char *end; /* of the last flow */
};

#define TIMED(cut, ts)                                                                             \
    {                                                                                              \
        (cut), (ts), 100, 0, -1, 0, 0                                                              \
    }
#define SIZED(cut, len)                                                                            \
    {                                                                                              \
        (cut), 0, (len), 0, -1, 0, 0                                                               \
    }
#define TCP(cut, dir, flags, seq, ack)                                                             \
    {                                                                                              \
        (cut), 0, 100, (dir), (flags), (seq), (ack)                                                \
    }

static const struct row connection_rows[] = {
    {"SYN that is sent again",
     {.connections = true},
     {TCP("", 0, SYN, 7, 0), TCP("", 0, SYN, 7, 0), TCP("", 1, SYN | ACK, 9, 8)},
     "end"},
    {"SYN with another number",
     {.connections = true},
     {TCP("", 0, SYN, 7, 0), TCP("reuse", 0, SYN, 8, 0), TCP("reuse", 0, SYN, 7, 0)},
     "end"},
    {"behind FIN",
     {.connections = true},
     {TCP("", 0, SYN, 7, 0), TCP("", 1, FIN | ACK, 9, 8), TCP("fin", 0, SYN, 8, 0)},
     "end"},
    {"behind FIN and RST",
     {.connections = true},
     {TCP("", 0, SYN, 7, 0), TCP("", 1, RST, 9, 8), TCP("", 0, FIN, 8, 0), TCP("rst", 0, SYN, 9, 0),
      TCP("", 0, FIN, 10, 0)},
     "fin"},
    {"FIN and RST do not end it: what follows may be late",
     {.connections = true},
     {TCP("", 0, SYN, 7, 0), TCP("", 1, RST | FIN, 9, 8), TCP("", 0, ACK, 8, 10)},
     "rst"},
    {"number of a direction that was not seen, from what was acknowledged",
     {.connections = true},
     {TCP("", 0, ACK, 100, 51), TCP("", 1, SYN, 50, 0), TCP("reuse", 1, SYN, 51, 0)},
     "end"},
    {"number of a connection that was seen from its middle",
     {.connections = true},
     {TCP("", 0, 0, 100, 0), TCP("", 0, SYN, 99, 0), TCP("reuse", 0, SYN, 100, 0)},
     "end"},
    {"numbers wrap around",
     {.connections = true},
     {TCP("", 0, ACK, 0, 0), TCP("", 0, SYN, UINT32_MAX, 0), TCP("", 1, SYN, UINT32_MAX, 0)},
     "end"},
    {"SYN of the other direction",
     {.connections = true},
     {TCP("", 0, SYN, 7, 0), TCP("", 1, SYN, 9, 0), TCP("reuse", 1, SYN, 7, 0)},
     "end"},
    {"SYN and ACK begins nothing",
     {.connections = true},
     {TCP("", 1, SYN | ACK, 9, 8), TCP("", 1, SYN | ACK, 10, 8)},
     "end"},
    {"SYN and ACK with another number is the direction's from then on",
     {.connections = true},
     {TCP("", 1, SYN | ACK, 9, 8), TCP("", 1, SYN | ACK, 10, 8), TCP("", 1, SYN, 10, 0)},
     "end"},
    {"what has no header says nothing",
     {.connections = true},
     {TCP("", 0, SYN, 7, 0), TCP("", 0, -1, 0, 0), TCP("", 0, SYN, 7, 0)},
     "end"},
    {"nobody asked", {.idle_ns = S}, {TCP("", 0, SYN, 7, 0), TCP("", 0, SYN, 8, 0)}, "end"},
};

static const struct row time_rows[] = {
    {"idle for as long as may be",
     {.idle_ns = 2 * S},
     {TIMED("", 0), TIMED("", 2 * S), TIMED("", 4 * S), TIMED("idle", 6 * S + 1)},
     "end"},
    {"idle since the latest record",
     {.idle_ns = 2 * S},
     {TIMED("", 9 * S), TIMED("", 0), TIMED("", 11 * S), TIMED("idle", 14 * S)},
     "end"},
    {"idle in a connection that was closed",
     {.connections = true, .idle_ns = 2 * S},
     {TCP("", 0, RST, 0, 0), {"rst", 3 * S, 100, 0, -1, 0, 0}},
     "end"},
    {"active since the earliest record",
     {.active_ns = 2 * S},
     {TIMED("", 9 * S), TIMED("", 8 * S), TIMED("", 10 * S), TIMED("active", 11 * S),
      TIMED("", 13 * S)},
     "end"},
    {"idle, and a record of the past",
     {.idle_ns = 2 * S},
     {TIMED("", 900 * S), TIMED("", 0), TIMED("", 901 * S), TIMED("", 903 * S),
      TIMED("idle", 906 * S)},
     "end"},
    {"idle, and a record of the future",
     {.idle_ns = 2 * S},
     {TIMED("", 9 * S), TIMED("idle", 900 * S), TIMED("", 10 * S), TIMED("", 12 * S),
      TIMED("idle", 15 * S)},
     "end"},
    {"idle, and a clock that is set back",
     {.idle_ns = 2 * S},
     {TIMED("", 900 * S), TIMED("", 9 * S), TIMED("", 11 * S), TIMED("idle", 14 * S)},
     "end"},
    {"active, and a record of the past",
     {.active_ns = 9 * S},
     {TIMED("", 900 * S), TIMED("", 0), TIMED("", 901 * S), TIMED("", 909 * S),
      TIMED("active", 910 * S)},
     "end"},
    {"active, and a record of the future",
     {.active_ns = 9 * S},
     {TIMED("", 10 * S), TIMED("active", 900 * S), TIMED("", 11 * S), TIMED("", 12 * S),
      TIMED("", 20 * S), TIMED("active", 21 * S)},
     "end"},
    {"active, and a clock that is set back",
     {.active_ns = 9 * S},
     {TIMED("", 900 * S), TIMED("", 12 * S), TIMED("", 11 * S), TIMED("active", 21 * S)},
     "end"},
    {"records without a time pass",
     {.idle_ns = 1, .active_ns = 1},
     {TIMED("", NO_TIME), TIMED("", 5), TIMED("", NO_TIME), TIMED("", 6), TIMED("idle", 8)},
     "end"},
    {"the whole of time",
     {.idle_ns = INT64_MAX},
     {TIMED("", INT64_MIN + 1), TIMED("idle", INT64_MAX), TIMED("", INT64_MIN + 1)},
     "end"},
    {"a new connection rather than silence",
     {.connections = true, .idle_ns = 1},
     {TCP("", 0, SYN, 7, 0), {"reuse", S, 100, 0, SYN, 8, 0}},
     "end"},
};

static const struct row every_rows[] = {
    {"time is aligned to the epoch",
     {.every = FLOW_EVERY_NS, .every_n = 10},
     {TIMED("", 9), TIMED("every", 10), TIMED("", 19), TIMED("every", 35), TIMED("", 39)},
     "end"},
    {"time before the epoch",
     {.every = FLOW_EVERY_NS, .every_n = 10},
     {TIMED("", -11), TIMED("every", -10), TIMED("", -1), TIMED("every", 0), TIMED("", 9)},
     "end"},
    {"time that runs backwards",
     {.every = FLOW_EVERY_NS, .every_n = 10},
     {TIMED("", 25), TIMED("", 15), TIMED("", 29), TIMED("every", 30), TIMED("", 20)},
     "end"},
    {"time that runs backwards by more than a slice",
     {.every = FLOW_EVERY_NS, .every_n = 10},
     {TIMED("", 25), TIMED("every", 9), TIMED("every", 25), TIMED("every", 1000000),
      TIMED("every", 31), TIMED("", 39), TIMED("every", 40)},
     "end"},
    {"time that is not there",
     {.every = FLOW_EVERY_NS, .every_n = 10},
     {TIMED("", NO_TIME), TIMED("", 45), TIMED("", NO_TIME), TIMED("every", 50)},
     "end"},
    {"all of time in two",
     {.every = FLOW_EVERY_NS, .every_n = INT64_MAX},
     {TIMED("", INT64_MIN + 1), TIMED("", -1), TIMED("every", 0), TIMED("every", INT64_MAX)},
     "end"},
    {"size, with the file's header",
     {.every = FLOW_EVERY_BYTES, .every_n = 124},
     {SIZED("", 60), SIZED("", 40), SIZED("every", 1), SIZED("", 99), SIZED("every", 1)},
     "end"},
    {"a record that is too large is taken alone",
     {.every = FLOW_EVERY_BYTES, .every_n = 1},
     {SIZED("", 60), SIZED("every", 60), SIZED("every", 1)},
     "end"},
    {"records",
     {.every = FLOW_EVERY_RECORDS, .every_n = 2},
     {SIZED("", 1), SIZED("", 1), SIZED("every", 1), SIZED("", 1), SIZED("every", 1)},
     "end"},
    {"one record",
     {.every = FLOW_EVERY_RECORDS, .every_n = 1},
     {SIZED("", 1), SIZED("every", 1), SIZED("every", 1)},
     "end"},
    {"a connection that was closed",
     {.connections = true, .every = FLOW_EVERY_RECORDS, .every_n = 1},
     {TCP("", 0, FIN, 7, 0), TCP("every", 0, ACK, 8, 0)},
     "end"},
    {"nothing cuts", {.idle_ns = 0}, {TIMED("", 0), TIMED("", INT64_MAX)}, "end"},
};

static void check_row(const struct row *row)
{
    struct flow_cut cut = {.part = 0};
    uint64_t records = 0;
    CHECK_EQ(row->name, flow_cuts_any(&row->cuts),
             row->cuts.connections || row->cuts.idle_ns || row->cuts.active_ns || row->cuts.every);
    for (size_t i = 0; i < STEPS_MAX && row->steps[i].cut; i++) {
        char name[120];
        const struct step *t = &row->steps[i];
        const struct flow_step step = {
            .ts_ns = t->ts_ns,
            .record_len = t->len,
            .dir = (uint8_t)t->dir,
            .tcp = t->flags >= 0,
            .tcp_flags = (uint8_t)(t->flags >= 0 ? t->flags : 0),
            .header = {t->seq, t->ack},
        };
        (void)snprintf(name, sizeof name, "%s, step %zu", row->name, i);
        const bool over = flow_cut_before(&row->cuts, &cut, &step);
        CHECK_EQ(name, over, *t->cut != '\0');
        CHECK_EQ(name, cut.over, over);
        if (over) {
            const uint32_t part = cut.part;
            CHECK_STR(name, flow_end_word(&row->cuts, &cut), t->cut);
            cut = (struct flow_cut){.part = part + 1};
            records = 0;
        }
        flow_cut_pass(&row->cuts, &cut, &step);
        CHECK_EQ(name, cut.records, ++records);
        CHECK(name, cut.part >= 1);
    }
    CHECK_STR(row->name, flow_end_word(&row->cuts, &cut), row->end);
}

static void test_connections(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(connection_rows); i++)
        check_row(&connection_rows[i]);
}

static void test_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(time_rows); i++)
        check_row(&time_rows[i]);
}

static void test_every(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(every_rows); i++)
        check_row(&every_rows[i]);
}

/* What a flow looks like once records have passed. */
static void test_sums(void **state)
{
    static const struct flow_cuts cuts = {.active_ns = 50, .every = FLOW_EVERY_NS, .every_n = 10};
    static const struct flow_step steps[] = {{.ts_ns = NO_TIME, .record_len = 10},
                                             {.ts_ns = 37, .record_len = 20},
                                             {.ts_ns = -4, .record_len = 30}};
    struct flow_cut cut = {.part = 0};
    (void)state;
    flow_cut_pass(&cuts, &cut, &steps[0]);
    CHECK("no time", !cut.has_time);
    for (size_t i = 1; i < N_ROWS(steps); i++)
        flow_cut_pass(&cuts, &cut, &steps[i]);
    CHECK_EQ("records", cut.records, 3);
    CHECK_EQ("bytes", cut.bytes, 60);
    CHECK_EQ("part", cut.part, 1);
    CHECK_EQ("first", cut.first_ns, -4);
    CHECK_EQ("last", cut.last_ns, -4);
    CHECK_EQ("the one before", cut.prior_ns, 37);
    CHECK_EQ("slice of the first that has a time", cut.slice, 3);
}

UNIT(cut)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_every),
        cmocka_unit_test(test_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
