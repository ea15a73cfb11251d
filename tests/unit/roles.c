/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_scan.h"

#include "scan/roles.h"

enum { TCP = CLV_PROTO_TCP, SYN = 0x02, ACK = 0x10 };

/* Who is the client is settled by a flow's first record, and holds for all of it. */
static void test_clients(void **state)
{
    static const struct {
        const char *name;
        struct frame frames[2];
        uint8_t client; /* last byte of its address */
    } rows[] = {
        {"who opens it",
         {{.from = 2, .to = 1, .proto = TCP, .sport = 80, .dport = 5000, .tcp_flags = SYN},
          {.from = 1, .to = 2, .proto = TCP, .sport = 5000, .dport = 80, .tcp_flags = ACK}},
         2},
        {"who answers is the server",
         {{.from = 2, .to = 1, .proto = TCP, .sport = 5000, .dport = 80, .tcp_flags = SYN | ACK},
          {.from = 1, .to = 2, .proto = TCP, .sport = 80, .dport = 5000, .tcp_flags = ACK}},
         1},
        {"the well-known port is the server's",
         {{.from = 1, .to = 2, .proto = TCP, .sport = 80, .dport = 5000, .tcp_flags = ACK},
          {.from = 2, .to = 1, .proto = TCP, .sport = 5000, .dport = 80, .tcp_flags = ACK}},
         2},
        {"a later handshake changes nothing",
         {{.from = 1, .to = 2, .proto = TCP, .sport = 5000, .dport = 80, .tcp_flags = ACK},
          {.from = 2, .to = 1, .proto = TCP, .sport = 80, .dport = 5000, .tcp_flags = SYN}},
         1},
        {"who spoke first",
         {{.from = 2, .to = 1, .proto = TCP, .sport = 5000, .dport = 5000, .tcp_flags = ACK},
          {.from = 1, .to = 2, .proto = TCP, .sport = 5000, .dport = 5000, .tcp_flags = ACK}},
         2},
    };
    const struct savefile_dialect d = {.big = false};
    (void)state;
    for (size_t i = 0; i < 2 * N_ROWS(rows); i++) {
        const char *row = rows[i / 2].name;
        struct scan_scene s;
        scene_begin(&s, &d, i % 2 ? "client" : "client,server", rows[i / 2].frames, 2);
        struct roles r = {.scan = &s.settings};
        const struct pass pass = roles_pass(&r);
        /* In two pieces: the second goes on where the first was left. */
        const size_t half = 24 + (s.b.len - 24) / 2;
        const struct scan_piece *p[2];
        p[0] = scene_scan(&s, 0, half);
        p[1] = scene_scan(&s, half, s.b.len);
        CHECK(row, pass.needs(&r, &s.batch));
        CHECK(row, pass.run(&r, &s.batch, NULL));
        CHECK(row, pass.run(&r, NULL, NULL)); /* the end of the input */
        CHECK_EQ(row, p[0]->n_items + p[1]->n_items, 2);
        for (unsigned k = 0; k < 2; k++) {
            const struct flow_key *key = &p[k]->items[0].id.key;
            CHECK_EQ(row, key->a[3], rows[i / 2].client);
            CHECK_EQ(row, key->b[3], i % 2 ? 0 : 3 - rows[i / 2].client);
            CHECK_EQ(row, p[k]->items[0].dir, rows[i / 2].frames[k].from != rows[i / 2].client);
        }
        roles_fini(&r);
        scene_end(&s);
    }
}

/* A record without an address has no client, and keys of tuples do not ask for one. */
static void test_none(void **state)
{
    static const struct frame arp = {.from = 0};
    const struct savefile_dialect d = {.big = false};
    struct scan_scene s;
    (void)state;
    scene_begin(&s, &d, "client", &arp, 1);
    struct roles r = {.scan = &s.settings};
    const struct pass pass = roles_pass(&r);
    const struct scan_piece *p = scene_scan(&s, 0, s.b.len);
    assert_true(pass.run(&r, &s.batch, NULL));
    assert_true(flow_is_other(&p->items[0].id.key));
    roles_fini(&r);
    scene_end(&s);
    scene_begin(&s, &d, "flow", &arp, 1);
    r = (struct roles){.scan = &s.settings};
    assert_false(roles_pass(&r).needs(&r, &s.batch));
    roles_fini(&r);
    scene_end(&s);
}

UNIT(roles)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clients),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
