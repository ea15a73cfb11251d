/* SPDX-License-Identifier: BSD-2-Clause */
/* Outputs of one flow, as they lie in a directory, held against a proof of what they must hold. */
#include "support_flow.h"
#include "support_scan.h"
#include "support_told.h"

enum {
    N = 5,
    RECORD = 16 + SCAN_ETHERNET + SCAN_IP + SCAN_TCP,
    HEADER = 24,
    LEN = HEADER + N * RECORD,
};

/* The file is made of such pieces. */
enum piece { OWN_HEADER, NS_HEADER, CUT, ALTERED, FOREIGN, END, RECORDS = 10 };

static const struct {
    const char *name;
    enum piece pieces[N + 3];
    bool same, suspect;
    uint64_t offset;  /* of the fault */
    const char *what; /* of the one fault; NULL: there is none */
} rows[] = {
    {"as it must be", {OWN_HEADER, 10, 11, 12, 13, 14, END}, true, false, 0, NULL},
    {"two in each other's place", {OWN_HEADER, 10, 12, 11, 13, 14, END}, false, true, 0, NULL},
    {"the last is missing", {OWN_HEADER, 10, 11, 12, 13, END}, false, true, 0, NULL},
    {"no record", {OWN_HEADER, END}, false, true, 0, NULL},
    {"one twice", {OWN_HEADER, 10, 11, 11, 12, 13, 14, END}, false, true, 0, NULL},
    {"a byte is another", {OWN_HEADER, 10, 11, ALTERED, 13, 14, END}, false, true, 0, NULL},
    {"one of another flow",
     {OWN_HEADER, 10, FOREIGN, 12, 13, 14, END},
     false,
     true,
     HEADER + RECORD,
     "a record of another flow"},
    {"two of another flow",
     {OWN_HEADER, FOREIGN, 11, FOREIGN, 13, 14, END},
     false,
     true,
     HEADER,
     "a record of another flow"},
    {"another header",
     {NS_HEADER, 10, 11, 12, 13, 14, END},
     false,
     false,
     CLV_NO_OFFSET,
     "its file header differs"},
    {"a header between",
     {OWN_HEADER, 10, 11, OWN_HEADER, 12, 13, 14, END},
     false,
     false,
     CLV_NO_OFFSET,
     "a different file header is between its records"},
    {"cut", {OWN_HEADER, 10, 11, 12, 13, CUT, END}, false, false, LEN - RECORD, "bytes are there"},
    {"empty", {END}, false, false, CLV_NO_OFFSET, "the file is empty"},
};

struct scene {
    struct temp t;
    struct clv_split_params params;
    struct job job;
    struct store s;
    struct verify v;
    struct told told;
    struct dialect dialect;
    struct ledger ledger;
    struct flow flow;
    struct proof proof; /* of records 10 to 14 */
    struct bytes good;
};

static void put_record(struct bytes *b, uint8_t to, unsigned i)
{
    static const struct savefile_dialect d = {.big = false};
    const struct frame f = {.from = 1, .to = to, .proto = 17, .sport = 1, .dport = 2};
    put_frame(b, &d, 1000 + i, &f);
}

static void put_piece(struct bytes *b, enum piece piece)
{
    static const struct savefile_dialect us = {.big = false}, ns = {.magic = MAGIC_NS};
    switch (piece) {
    case OWN_HEADER:
    case NS_HEADER:
        put_file_header(b, piece == OWN_HEADER ? &us : &ns);
        break;
    case ALTERED:
        put_record(b, 2, 2);
        b->p[b->len - 1] ^= 1;
        break;
    case FOREIGN:
        put_record(b, 3, 1);
        break;
    case CUT:
        put_record(b, 2, N - 1);
        b->len--;
        break;
    default:
        put_record(b, 2, (unsigned)piece - RECORDS);
    }
}

/* What a walk over the good output makes; verify_output() walks by itself. */
static void prove(struct scene *sc)
{
    struct walk_format f;
    struct proof_place place = {.key = sc->v.key};
    assert_true(walk_open(&f, "", (struct clv_span){sc->good.p, WALK_HEAD}, NULL));
    for (size_t at = HEADER; at < sc->good.len; at += RECORD) {
        struct walk_record rec;
        struct proof_record of;
        assert_int_equal(walk_record(&f, sc->good.p + at, RECORD, false, &rec), WALK_RECORD);
        proof_of_output(&of, &place, DIALECT_COPY, &f, &sc->ledger, &rec, 0, false);
        proof_add(sc->v.key, &sc->proof, proof_digest(sc->v.key, &of));
    }
    sc->proof.places = 77;
}

static void begin(struct scene *sc)
{
    static const struct clv_split_params none = CLV_SPLIT_PARAMS_INIT;
    struct clv_error err;
    *sc = (struct scene){.params = none, .dialect.form = DIALECT_COPY};
    temp_make(&sc->t);
    sc->job.params = &sc->params;
    sc->job.dialect.form = DIALECT_COPY;
    sc->job.pipeline.by = *by_flow();
    assert_true(store_open(&sc->s, sc->t.dir, &err));
    assert_true(verify_begin(&sc->v, &sc->job, 0, 0, &sc->s, told_fault, &sc->told, &err));
    ledger_init(&sc->ledger, 0);
    sc->dialect.ledger = &sc->ledger;
    put_piece(&sc->good, OWN_HEADER);
    for (unsigned i = 0; i < N; i++)
        put_record(&sc->good, 2, i);
    memcpy(sc->dialect.header, sc->good.p, HEADER);
    union flow_id id = {.tuple = {.src = {10, 0, 0, 1},
                                  .dst = {10, 0, 0, 2},
                                  .sport = 1,
                                  .dport = 2,
                                  .proto = 17,
                                  .family = 4,
                                  .flags = CLV_TUPLE_PORTS}};
    (void)flow_key_settle(&id, by_flow());
    sc->flow.key = id.key;
    sc->flow.n = 1;
    prove(sc);
}

static void end(struct scene *sc)
{
    verify_end(&sc->v);
    store_close(&sc->s);
    ledger_fini(&sc->ledger);
    bytes_free(&sc->good);
    temp_remove(&sc->t);
}

static bool look(struct scene *sc, const char *name, struct clv_error *err)
{
    const struct proof_output o = {.made = "made",
                                   .name = name,
                                   .flow = &sc->flow,
                                   .dialect = &sc->dialect,
                                   .proof = &sc->proof};
    return sc->v.plan.output(&sc->v, &o, err);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *const row = rows[i].name;
        struct scene sc;
        struct bytes b = {0};
        struct clv_error err;
        begin(&sc);
        for (const enum piece *p = rows[i].pieces; *p != END; p++)
            put_piece(&b, *p);
        (void)temp_file(&sc.t, "a.pcap", b.p, b.len);
        CHECK(row, look(&sc, "a.pcap", &err));
        CHECK_EQ(row, sc.v.found.n, rows[i].same ? N : 0);
        CHECK_EQ(row, sc.v.found.places, rows[i].same ? 77 : 0);
        CHECK_EQ(row, sc.v.n_suspects, rows[i].suspect);
        if (rows[i].suspect)
            CHECK_STR(row, sc.v.suspects[0].name, "a.pcap");
        CHECK_EQ(row, sc.v.outputs, 1);
        CHECK_EQ(row, sc.v.output_bytes,
                 rows[i].pieces[0] == OWN_HEADER ? b.len : sc.v.output_bytes);
        CHECK_EQ(row, sc.told.n, rows[i].what != NULL);
        if (rows[i].what) {
            CHECK_HAS(row, sc.told.all[0].what, rows[i].what);
            CHECK_STR(row, sc.told.all[0].subject, temp_path(&sc.t, "a.pcap"));
            CHECK_EQ(row, sc.told.all[0].offset, rows[i].offset);
        }
        /* It is none that lies there for nothing. */
        CHECK(row, verify_strays(&sc.v, &err));
        CHECK_EQ(row, sc.told.n, rows[i].what != NULL);
        bytes_free(&b);
        end(&sc);
    }
}

/* What is not there is told; what is there and no file is left to verify_strays(). */
static void test_no_file(void **state)
{
    struct scene sc;
    struct clv_error err;
    (void)state;
    begin(&sc);
    assert_true(look(&sc, "a.pcap", &err));
    check_told("missing", &sc.told, &sc.t, "a.pcap", "is missing, with 5 records");
    sc.proof.n = 1;
    assert_true(look(&sc, "b.pcap", &err));
    assert_int_equal(sc.told.n, 2);
    assert_string_equal(sc.told.all[1].what, "is missing, with 1 record");
    assert_int_equal(mkdir(temp_path(&sc.t, "c.pcap"), 0700), 0);
    assert_true(look(&sc, "c.pcap", &err));
    assert_int_equal(sc.told.n, 2);
    assert_int_equal(sc.v.outputs, 0);
    assert_int_equal(sc.v.n_suspects, 0);
    end(&sc);
}

/* So many are looked at again; of what is beyond it is told that it differs. */
static void test_many_suspects(void **state)
{
    struct scene sc;
    struct clv_error err;
    (void)state;
    begin(&sc);
    (void)temp_file(&sc.t, "a.pcap", sc.good.p, sc.good.len - RECORD);
    for (unsigned i = 0; i < VERIFY_SUSPECTS; i++)
        assert_true(look(&sc, "a.pcap", &err));
    assert_int_equal(sc.v.n_suspects, VERIFY_SUSPECTS);
    assert_int_equal(sc.told.n, 0);
    assert_true(look(&sc, "a.pcap", &err));
    check_told("one more", &sc.told, &sc.t, "a.pcap",
               "has 4 records, but should have 5, or not the same ones");
    assert_int_equal(sc.v.n_suspects, VERIFY_SUSPECTS);
    end(&sc);
}

/* Keys are not judged where they do not follow from a record alone: cut packets. */
static void test_not_judged(void **state)
{
    struct scene sc;
    struct bytes b = {0};
    struct clv_error err;
    (void)state;
    begin(&sc);
    sc.params.snaplen = 100;
    put_piece(&b, OWN_HEADER);
    put_piece(&b, FOREIGN);
    (void)temp_file(&sc.t, "a.pcap", b.p, b.len);
    assert_true(look(&sc, "a.pcap", &err));
    assert_int_equal(sc.told.n, 0);
    assert_int_equal(sc.v.n_suspects, 1);
    bytes_free(&b);
    end(&sc);
}

/* A suspect is read from where it is right on, and judged by what it should hold. */
static void test_stretch(void **state)
{
    static const struct {
        const char *name;
        unsigned has; /* records of the output, all of which it should have had */
        bool altered; /* what it should have had is another */
        const char *what;
    } stretches[] = {
        {"too few", N - 1, false, "a record is missing here"},
        {"another", N, true, "altered: a length on the wire of 54, not 55"},
        {"as it should be", N, false, "changed while it was looked at"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(stretches); i++) {
        const char *const row = stretches[i].name;
        struct scene sc;
        struct clv_error err;
        struct walk_format f;
        static const struct source source = {.path = "in.pcap"};
        begin(&sc);
        struct proof_place place = {.key = sc.v.key};
        (void)temp_file(&sc.t, "a.pcap", sc.good.p, HEADER + stretches[i].has * RECORD);
        CHECK(row, walk_open(&f, "", (struct clv_span){sc.good.p, WALK_HEAD}, NULL));
        struct suspect *const s = &sc.v.suspects[sc.v.n_suspects++];
        s->key = sc.v.key;
        (void)snprintf(s->name, sizeof s->name, "a.pcap");
        for (size_t at = HEADER; at < LEN; at += RECORD) {
            struct walk_record rec;
            struct proof_record of;
            CHECK_EQ(row, walk_record(&f, sc.good.p + at, RECORD, false, &rec), WALK_RECORD);
            proof_of_output(&of, &place, DIALECT_COPY, &f, &sc.ledger, &rec, 0, false);
            of.origlen += stretches[i].altered && at == LEN - RECORD;
            CHECK(row, suspect_want(s, &of, &source, at, &err));
        }
        CHECK(row, verify_stretch(&sc.v, s, &err));
        CHECK(row, s->told);
        CHECK_EQ(row, sc.told.n, 1);
        check_told(row, &sc.told, &sc.t, "a.pcap", stretches[i].what);
        if (stretches[i].altered) {
            CHECK_EQ(row, sc.told.all[0].offset, LEN - RECORD);
            CHECK_EQ(row, sc.told.all[0].record, N);
        }
        end(&sc);
    }
}

UNIT(outputs)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),          cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_many_suspects), cmocka_unit_test(test_not_judged),
        cmocka_unit_test(test_stretch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
