/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_scan.h"

#include "scan/join.h"

enum { UDP = CLV_PROTO_UDP, N_MAX = 4 };

#define FIRST(n)                                                                                   \
    {                                                                                              \
        .from = 1, .to = 2, .proto = UDP, .sport = 5000, .dport = 53, .id = (n)                    \
    }
#define LATER(n)                                                                                   \
    {                                                                                              \
        .from = 1, .to = 2, .proto = UDP, .id = (n), .fragment = 8, .last = true                   \
    }
#define WHOLE                                                                                      \
    {                                                                                              \
        .from = 1, .to = 2, .proto = UDP, .sport = 5000, .dport = 53                               \
    }

/* Later fragments get the ports of their first, wherever it stands. */
static void test_ports(void **state)
{
    static const struct {
        const char *name, *by;
        struct frame frames[N_MAX];
        size_t n;
        const char *ports; /* a letter per record: y, it has them */
        uint64_t orphans;
        bool waits; /* at the end of the batch, for what has not come */
    } rows[] = {
        {"behind the first", "flow", {FIRST(7), LATER(7)}, 2, "yy", 0, false},
        {"before the first", "flow", {LATER(7), FIRST(7)}, 2, "yy", 0, false},
        {"others in between", "flow", {FIRST(7), WHOLE, FIRST(8), LATER(7)}, 4, "yyyy", 0, false},
        {"no first", "flow", {LATER(7), WHOLE}, 2, "ny", 1, true},
        {"the first of another", "flow", {FIRST(8), LATER(7)}, 2, "yn", 1, true},
        {"no ports in the key", "ip,proto", {LATER(7), FIRST(7)}, 2, "nn", 0, false},
        {"whole", "flow", {WHOLE, WHOLE}, 2, "yy", 0, false},
    };
    const struct savefile_dialect d = {.big = false};
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct scan_scene s;
        struct clv_error err;
        char ports[N_MAX + 1] = "";
        scene_begin(&s, &d, rows[i].by, rows[i].frames, rows[i].n);
        const struct scan_piece *p = scene_scan(&s, 0, s.b.len);
        struct join j = {.scan = &s.settings, .sources = &s.source};
        const struct pass pass = join_pass(&j);
        if (pass.needs(&j, &s.batch)) {
            CHECK(rows[i].name, pass.run(&j, &s.batch, &err));
            CHECK_EQ(rows[i].name, pass.settled(&j) != 0, rows[i].waits);
            CHECK_EQ(rows[i].name, s.batch.owed != 0, rows[i].waits);
            CHECK(rows[i].name, pass.run(&j, NULL, &err)); /* the end of the input */
            CHECK_EQ(rows[i].name, pass.settled(&j), 0);
        }
        CHECK_EQ(rows[i].name, s.batch.owed, 0);
        CHECK_EQ(rows[i].name, j.seen.orphans, rows[i].orphans);
        CHECK_EQ(rows[i].name, p->n_items, rows[i].n);
        for (size_t k = 0; k < rows[i].n; k++)
            ports[k] = flow_has_ports(&p->items[k].id.key) ? 'y' : 'n';
        CHECK_STR(rows[i].name, ports, rows[i].ports);
        join_fini(&j);
        scene_end(&s);
    }
}

/* A filter of ports is asked again when the first is there: what it leaves out is dropped. */
static void test_filter(void **state)
{
    static const struct frame frames[] = {FIRST(7), LATER(7), LATER(9)};
    const struct savefile_dialect d = {.big = false};
    static const struct {
        const char *name, *port;
        size_t items;
        uint64_t filtered; /* by what the first says */
    } rows[] = {
        {"their port", "53", 3, 1},
        {"another port", "54", 2, 2},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct scan_scene s;
        struct filter filter;
        struct clv_error err;
        const struct clv_split_params params = {.port = rows[i].port};
        CHECK(rows[i].name, filter_init(&filter, &params, NULL));
        scene_begin(&s, &d, "flow", frames, N_ROWS(frames));
        s.settings.filter = &filter;
        const struct scan_piece *p = scene_scan(&s, 0, s.b.len);
        struct join j = {.scan = &s.settings, .sources = &s.source};
        const struct pass pass = join_pass(&j);
        CHECK(rows[i].name, pass.run(&j, &s.batch, &err) && pass.run(&j, NULL, &err));
        (void)pass.settled(&j);
        CHECK_EQ(rows[i].name, p->n_items, rows[i].items);
        CHECK_EQ(rows[i].name, j.seen.filtered, rows[i].filtered);
        CHECK_EQ(rows[i].name, p->bounds[1], rows[i].items - rows[i].filtered);
        join_fini(&j);
        filter_fini(&filter);
        scene_end(&s);
    }
}

UNIT(join)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
