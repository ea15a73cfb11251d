/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_scene.h"
#include "support_secret.h"
#include "support_temp.h"
#include "support_unpack.h"

#include "base/io.h"
#include "output/files.h"
#include "output/measure.h"
#include "output/writer.h"

enum { FLOWS = 2 };

/* A sink with all outputs in one file, at places that were settled beforehand. */
struct at {
    struct sink sink;
    int fd;
};

static bool at_begin(struct sink *sink, void *beside, const char *name, struct stage_place *place,
                     struct clv_error *err)
{
    const struct stage_place *kept = beside;
    (void)name, (void)err;
    *place = *kept;
    place->fd = ((struct at *)sink)->fd;
    return true;
}

static bool at_end(struct sink *sink, void *beside, const struct stage_place *place, bool last,
                   struct clv_error *err)
{
    struct stage_place *kept = beside;
    (void)sink, (void)last, (void)err;
    *kept = *place;
    return true;
}

static bool at_close(struct sink *sink, struct clv_error *err)
{
    (void)sink, (void)err;
    return true;
}

static const struct sink_ops at_ops = {
    .beside = sizeof(struct stage_place), .begin = at_begin, .end = at_end, .close = at_close};

/* Two flows that are written. */
struct writing {
    struct flow_table flows;
    struct form_scratch scratch;
    struct metadata metadata;
    struct dialect dialect;
    struct form form;
    struct writer w;
};

static void begin(struct writing *x, const struct scene *s, const struct dialect *d,
                  struct sink *sink)
{
    memset(x, 0, sizeof *x);
    memcpy(&x->dialect, d, sizeof *d);
    x->dialect.ledger = &s->ledger;
    if (d->metadata) {
        assert_true(metadata_init(&x->metadata, &s->ledger, support_secret()));
        x->dialect.picker = &x->metadata;
    }
    x->form.dialect = &x->dialect;
    assert_true(flow_table_init(&x->flows));
    assert_true(form_scratch_init(&x->scratch, d->compress));
    writer_init(&x->w, &x->flows, &x->form, sink);
    for (uint32_t i = 0; i < FLOWS; i++) {
        const struct flow_key key = {.family = 4, .a_port = (uint16_t)i};
        assert_int_equal(flow_table_add(&x->flows, &key, NULL, i), i);
    }
}

static void end(struct writing *x)
{
    writer_fini(&x->w);
    flow_table_fini(&x->flows);
    form_scratch_fini(&x->scratch);
    metadata_fini(&x->metadata);
}

static const char *const names[FLOWS] = {"0", "1"};

/* Flow 0 gets A, C, D and F, flow 1 B and E: as many at a time as a round may have. */
static void write_all(const char *row, struct writing *x, const struct scene *s, uint32_t at_most,
                      struct clv_error *err)
{
    static const struct {
        uint32_t n, which[4];
    } records[FLOWS] = {{4, {0, 2, 3, 5}}, {2, {1, 4}}};
    struct form_round round = {.base = s->b.p,
                               .avail = s->b.len,
                               .position = SCENE_POSITION,
                               .source = {.dialect = &x->dialect,
                                          .format = &s->format,
                                          .n_entries = ledger_count(&s->ledger)}};
    for (uint32_t from = 0; !round.last; from += at_most) {
        round.last = from + at_most >= 4;
        for (uint32_t i = 0; i < FLOWS; i++) {
            struct form_ref refs[4];
            uint32_t n = 0;
            for (uint32_t k = from; k < records[i].n && n < at_most; k++)
                refs[n++] = s->refs[records[i].which[k]];
            if (n)
                CHECK(row, writer_append(&x->w, &x->scratch, i, names[i], &round, refs, n, err));
        }
    }
    for (uint32_t i = 0; i < FLOWS; i++)
        if (writer_unfinished(&x->w, i, &round))
            CHECK(row, writer_finish(&x->w, &x->scratch, i, names[i], &round, err));
    for (uint32_t i = 0; x->dialect.picker && i < FLOWS; i++)
        CHECK(row, writer_rest(&x->w, &x->scratch, i, names[i], &round, err));
    CHECK(row, writer_close(&x->w, err));
}

/*
 * What is counted is what files become, and what lies in one file when each output begins where the
 * sizes of those before it say.
 */
static void measured(const char *row, const struct scene *s, const struct dialect *d,
                     uint32_t at_most)
{
    enum { GAP = 1000 };
    struct temp t;
    struct measure measure;
    struct files files;
    static struct writing x, y, z;
    struct clv_error err = {0};
    struct at at = {.sink.ops = &at_ops};
    struct bytes one = {0};
    uint64_t base = GAP;
    temp_make(&t);
    const unsigned fds = open_descriptors();
    measure_init(&measure, sizeof(uint64_t));
    begin(&x, s, d, &measure.sink);
    write_all(row, &x, s, at_most, &err);
    CHECK_EQ(row, open_descriptors(), fds);
    CHECK_EQ(row, x.w.writes, 0);

    const int dir_fd = open(t.dir, O_RDONLY | O_DIRECTORY);
    files_init(&files, dir_fd, IO_MODE, d->compress, 1);
    begin(&y, s, d, &files.sink);
    write_all(row, &y, s, at_most, &err);
    files_fini(&files);
    CHECK_EQ(row, y.w.bytes, x.w.bytes);
    CHECK_EQ(row, y.w.records, x.w.records);

    at.fd = open(temp_file(&t, "one", NULL, 0), O_RDWR);
    begin(&z, s, d, &at.sink);
    for (uint32_t i = 0; i < FLOWS; i++) {
        struct flow *f = flow_table_at(&z.flows, i);
        struct stage_place *place = flow_table_beside_rw(&z.flows, f, FLOW_BESIDE_SINK);
        place->base = base;
        base += measure_size(&x.flows, flow_table_at(&x.flows, i)) + GAP;
    }
    if (!d->compress)
        write_all(row, &z, s, at_most, &err);
    assert_int_equal(close(at.fd), 0);
    temp_read(&t, "one", &one);
    base = GAP;
    for (uint32_t i = 0; i < FLOWS; i++) {
        struct bytes got = {0};
        temp_read(&t, names[i], &got);
        CHECK(row, got.len > 0);
        CHECK_EQ(row, measure_size(&x.flows, flow_table_at(&x.flows, i)), got.len);
        if (!d->compress) {
            CHECK(row, base + got.len <= one.len);
            CHECK_MEM(row, one.p + base, got.p, got.len);
        }
        base += got.len + GAP;
        bytes_free(&got);
    }
    CHECK_EQ(row, err.code, CLV_ERR_NONE);
    bytes_free(&one);
    end(&x);
    end(&y);
    end(&z);
    assert_int_equal(close(dir_fd), 0);
    temp_remove(&t);
}

static void test_sizes(void **state)
{
    static const struct {
        const char *name;
        bool from_pcap;
        enum dialect_form form;
        uint32_t snaplen;
        bool metadata;
    } rows[] = {
        {"copied", true, DIALECT_COPY, 0, false},
        {"copied, cut", true, DIALECT_COPY, 5, false},
        {"dumped", true, DIALECT_PCAP, 0, false},
        {"dumped, cut", true, DIALECT_PCAP, 5, false},
        {"dumped from pcapng", false, DIALECT_PCAP, 0, false},
        {"pcapng", false, DIALECT_PCAPNG, 0, false},
        {"pcapng, cut", false, DIALECT_PCAPNG, 3, false},
        {"pcapng, metadata", false, DIALECT_PCAPNG, 0, true},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        static struct dialect d;
        const struct dialect_kind kind = {.linktype = 1};
        struct scene s;
        if (rows[i].from_pcap)
            scene_begin_pcap(&s);
        else
            scene_begin(&s);
        d = (struct dialect){
            .form = rows[i].form, .snaplen = rows[i].snaplen, .metadata = rows[i].metadata};
        assert_int_equal(dialect_kind(&d, &kind), 0);
        for (uint32_t at_most = 1; at_most <= 4; at_most++)
            measured(rows[i].name, &s, &d, at_most);
        scene_end(&s);
    }
}

static void packed(enum clv_compress kind)
{
    static struct dialect d;
    struct scene s;
    scene_begin_pcap(&s);
    d = (struct dialect){.compress = kind};
    measured("packed", &s, &d, 4);
    scene_end(&s);
    scene_begin(&s);
    d = (struct dialect){.form = DIALECT_PCAPNG, .compress = kind};
    measured("packed pcapng", &s, &d, 4);
    scene_end(&s);
}

static void test_packed(void **state)
{
    (void)state;
    for_each_packer(packed);
}

/* What waits would have to be somewhere. */
static void packed_rounds(enum clv_compress kind)
{
    const struct form_round round = {.base = NULL};
    static struct dialect d;
    static struct writing x;
    struct measure measure;
    struct scene s;
    struct clv_error err = {0};
    scene_begin_pcap(&s);
    d = (struct dialect){.compress = kind};
    measure_init(&measure, sizeof(uint64_t));
    begin(&x, &s, &d, &measure.sink);
    CHECK("first", writer_append(&x.w, &x.scratch, 0, "0", &round, NULL, 0, &err));
    CHECK("second", !writer_append(&x.w, &x.scratch, 0, "0", &round, NULL, 0, &err));
    CHECK_EQ("second", err.code, CLV_ERR_IO);
    CHECK_HAS("second", err.what, "cannot be read back");
    end(&x);
    scene_end(&s);
}

static void test_packed_rounds(void **state)
{
    (void)state;
    for_each_packer(packed_rounds);
}

UNIT(measure)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_packed),
        cmocka_unit_test(test_packed_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
