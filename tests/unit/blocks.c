/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_pcapng.h"
#include "support_savefile.h"
#include "support_secret.h"
#include "support_temp.h"

#include "base/mem.h"
#include "format/blocks.h"

/*
 * Files of blocks as words, each a block:
 *     S     a section; s, one of the other byte order; L, one of known length with a comment; U, as
 *           L, of unknown length
 *     iN    an interface of link type N
 *     nN    names, N in them; xN, secrets; cN, a custom block; tN, statistics
 *     pXN   packet X (a letter) of interface N; oXN, an old packet; qX, a simple packet
 */
static void put_word(struct bytes *b, const char *word, bool *big, bool flip)
{
    uint8_t data[64];
    const unsigned x = (unsigned char)word[1];
    const unsigned long n = strtoul(word + (strchr("po", word[0]) ? 2 : 1), NULL, 10);
    const uint32_t len = 20 + x % 8;
    size_t at;
    memset(data, (int)x, sizeof data);
    switch (word[0]) {
    case 'S':
    case 's':
        *big = (word[0] == 's') != flip;
        put_section(b, *big);
        break;
    case 'L':
    case 'U':
        *big = flip;
        at = block_begin(b, *big, BLOCK_SECTION);
        put_section_head(b, *big);
        if (word[0] == 'L')
            memset(b->p + b->len - 8, 0x11, 8);
        put_option(b, *big, OPTION_COMMENT, "about the section", 17);
        put_option(b, *big, OPTION_END, NULL, 0);
        block_end(b, *big, at);
        break;
    case 'i':
        put_interface(b, *big, (unsigned)n, 1000);
        break;
    case 'n':
        put_block(b, *big, BLOCK_NAMES, data, n);
        break;
    case 'x':
        put_block(b, *big, BLOCK_SECRETS, data, n);
        break;
    case 'c':
        put_block(b, *big, BLOCK_CUSTOM, data, n);
        break;
    case 't':
        put_block(b, *big, BLOCK_STATISTICS, data, n);
        break;
    case 'p':
        put_packet(b, *big, (uint32_t)n, x, data, len, 2 * len);
        break;
    case 'o':
        put_packet_old(b, *big, (uint16_t)n, 0xfedc, x, data, len, 2 * len);
        break;
    case 'q':
        put_simple(b, *big, data, len, len);
        break;
    default:
        fail_msg("%s: no such word", word);
    }
}

static bool is_packet(const char *word)
{
    return strchr("poq", word[0]) != NULL;
}

/* The next word of *text, or NULL. */
static const char *next_word(const char **text, char *buf, size_t len)
{
    while (**text == ' ')
        ++*text;
    const size_t n = strcspn(*text, " ");
    assert_true(n < len);
    memcpy(buf, *text, n);
    buf[n] = '\0';
    *text += n;
    return n ? buf : NULL;
}

enum { RECORDS_MAX = 32, POSITION = 1000 };

/* An output for which all metadata is. */
static const struct picks anybody = {.all_secrets = true};

/* An input: its bytes, what the ledger holds of it, and where its packets are. */
struct scene {
    struct bytes b;
    struct ledger ledger;
    struct dialect dialect;
    struct metadata metadata;
    struct walk_format format;
    struct {
        char x;
        size_t at;
        uint32_t len;
        uint32_t n_entries; /* of the ledger that lie before it */
    } records[RECORDS_MAX];
    unsigned n_records;
};

static void begin(struct scene *s, const char *text, bool flip, bool metadata)
{
    char word[16];
    struct walk_state st = {0};
    bool big = false;
    memset(s, 0, sizeof *s);
    ledger_init(&s->ledger, 1 << 20);
    s->dialect =
        (struct dialect){.form = DIALECT_PCAPNG, .metadata = metadata, .ledger = &s->ledger};
    s->metadata = (struct metadata){.n = 0};
    if (metadata) {
        assert_true(metadata_init(&s->metadata, &s->ledger, support_secret()));
        s->dialect.picker = &s->metadata;
    }
    s->format.kind = WALK_PCAPNG;
    while (next_word(&text, word, sizeof word)) {
        const size_t at = s->b.len;
        put_word(&s->b, word, &big, flip);
        const uint32_t len = (uint32_t)(s->b.len - at);
        if (is_packet(word)) {
            assert_true(s->n_records < RECORDS_MAX);
            s->records[s->n_records].x = word[1];
            s->records[s->n_records].at = at;
            s->records[s->n_records].len = len;
            s->records[s->n_records++].n_entries = ledger_count(&s->ledger);
        } else {
            assert_true(walk_note(&s->ledger, &st, s->b.p + at, len, POSITION + at, NULL));
        }
    }
}

static void end(struct scene *s)
{
    metadata_fini(&s->metadata);
    ledger_fini(&s->ledger);
    bytes_free(&s->b);
}

/* An output that is written to. */
struct output {
    struct stage stage;
    struct trail trail;
    uint64_t until;
    uint64_t size; /* of the file so far */
    int fd;
};

static void open_output(struct output *o, const char *path)
{
    *o = (struct output){.fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600)};
    assert_true(o->fd >= 0);
    assert_true(stage_init(&o->stage));
}

static void begin_round(struct output *o, struct clv_error *err)
{
    o->until = 0;
    const struct stage_place place = {.fd = o->fd, .size = o->size};
    assert_true(stage_begin(&o->stage, &place, 0, "out", err));
}

static void end_round(struct output *o)
{
    assert_true(stage_end(&o->stage));
    o->size = o->stage.place.size;
}

static void close_output(struct output *o)
{
    trail_fini(&o->trail);
    stage_fini(&o->stage);
    assert_int_equal(close(o->fd), 0);
}

static unsigned find(const struct scene *s, char x)
{
    unsigned k = 0;
    while (k < s->n_records && s->records[k].x != x)
        k++;
    assert_true(k < s->n_records);
    return k;
}

/*
 * Writes the records that selection names; | in it ends a round. early: each round knows only of
 * the entries up to its last record.
 */
static void write_selection(struct scene *s, struct output *o, const char *row,
                            const char *selection, bool early, struct clv_error *err)
{
    const uint32_t all = ledger_count(&s->ledger);
    struct blocks_source src = {.dialect = &s->dialect, .format = &s->format, .owner = &anybody};
    for (const char *x = selection; *x;) {
        const size_t n = strcspn(x, "|");
        src.n_entries = early ? s->records[find(s, x[n - 1])].n_entries : all;
        begin_round(o, err);
        for (size_t i = 0; i < n; i++) {
            const unsigned k = find(s, x[i]);
            CHECK(row, blocks_put(&o->stage, &o->trail, &src, s->b.p + s->records[k].at,
                                  s->records[k].len, POSITION + s->records[k].at, &o->until));
        }
        end_round(o);
        x += n + (x[n] == '|');
    }
    src.n_entries = all;
    const bool pending = blocks_pending(&o->trail, &src);
    const uint64_t before = o->size;
    begin_round(o, err);
    CHECK(row, blocks_finish(&o->stage, &o->trail, &src));
    end_round(o);
    CHECK_EQ(row, pending, o->size > before);
    CHECK(row, !blocks_pending(&o->trail, &src));
}

static void put_wanted(struct bytes *b, const char *text, bool flip, bool metadata)
{
    char word[16];
    bool big = false;
    while (next_word(&text, word, sizeof word))
        if (metadata || !strchr("nxc", word[0]))
            put_word(b, word, &big, flip);
}

static const struct {
    const char *name;
    const char *input, *selection, *want;
} rows[] = {
    {"one packet", "S i1 pA0", "A", "S i1 pA0"},
    {"of three", "S i1 pA0 pB0 pC0", "B", "S i1 pB0"},
    {"all", "S i1 pA0 pB0 pC0", "ABC", "S i1 pA0 pB0 pC0"},
    {"in rounds", "S i1 pA0 pB0 pC0", "A|B|C", "S i1 pA0 pB0 pC0"},
    {"the interface that is used", "S i1 i2 i3 pA2", "A", "S i3 pA0"},
    {"numbered by first use", "S i1 i2 i3 pA2 pB0 pC2 pD1 pE0", "ABCDE",
     "S i3 pA0 i1 pB1 pC0 i2 pD2 pE1"},
    {"numbered by first use, in rounds", "S i1 i2 i3 pA2 pB0 pC2 pD1 pE0", "A|BC|D|E",
     "S i3 pA0 i1 pB1 pC0 i2 pD2 pE1"},
    {"many interfaces", "S i0 i1 i2 i3 i4 i5 i6 i7 i8 i9 pA9 pB8 pC7 pD6 pE5 pF4 pG3 pH2 pI1 pJ9",
     "ABCDEFGHIJ", "S i9 pA0 i8 pB1 i7 pC2 i6 pD3 i5 pE4 i4 pF5 i3 pG6 i2 pH7 i1 pI8 pJ0"},
    {"an interface behind the first packet", "S i1 pA0 i2 pB1", "B", "S i2 pB0"},
    {"interfaces between packets", "S i1 pA0 i2 pB1 pC0", "AC", "S i1 pA0 pC0"},
    {"old packets", "S i1 i2 oA1 oB0 pC1", "ABC", "S i2 oA0 i1 oB1 pC0"},
    {"an old packet alone", "S i1 i2 i3 i4 oA3", "A", "S i4 oA0"},
    {"simple packets", "S i1 i2 qA qB", "AB", "S i1 qA qB"},
    {"a simple packet, then another interface", "S i1 i2 qA pB1 pC0", "ABC", "S i1 qA i2 pB1 pC0"},
    {"a simple packet behind its interface", "S i1 i2 pA0 qB pC1", "ABC", "S i1 pA0 qB i2 pC1"},
    {"a simple packet where 0 is taken: the section begins again", "S i1 i2 pA1 qB", "AB",
     "S i2 pA0 S i1 qB"},
    {"and goes on", "S i1 i2 pA1 qB pC1 pD0 qE", "ABCDE", "S i2 pA0 S i1 qB i2 pC1 pD0 qE"},
    {"and goes on in rounds", "S i1 i2 pA1 qB pC1 pD0 qE", "A|B|C|D|E",
     "S i2 pA0 S i1 qB i2 pC1 pD0 qE"},
    {"where 0 is taken and 0 is there", "S i1 i2 pA1 pB0 qC pD1", "ABCD",
     "S i2 pA0 i1 pB1 S i1 qC i2 pD1"},
    {"sections", "S i1 pA0 S i2 pB0", "AB", "S i1 pA0 S i2 pB0"},
    {"sections in rounds", "S i1 pA0 S i2 pB0", "A|B", "S i1 pA0 S i2 pB0"},
    {"the second section alone", "S i1 pA0 S i2 i3 pB1", "B", "S i3 pB0"},
    {"sections that are alike", "S i1 pA0 S i1 pB0 pC0", "ABC", "S i1 pA0 S i1 pB0 pC0"},
    {"a section without packets", "S i1 pA0 S i2 S i3 pB0", "AB", "S i1 pA0 S i3 pB0"},
    {"interfaces of sections", "S i1 i2 pA1 S i3 i4 pB1 pC0", "ABC", "S i2 pA0 S i4 pB0 i3 pC1"},
    {"sections of both orders", "S i1 i2 pA1 s i3 i4 pB1 oC0 qD S i5 pE0", "ABCDE",
     "S i2 pA0 s i4 pB0 i3 oC1 s i3 qD S i5 pE0"},
    {"the length of a section", "L i1 pA0 pB0", "A", "U i1 pA0"},
    {"the length of a section that begins again", "L i1 i2 pA1 qB", "AB", "U i2 pA0 U i1 qB"},
    {"statistics are left out", "S i1 t8 pA0 t8", "A", "S i1 pA0"},
    {"names before", "S n4 i1 pA0", "A", "S i1 n4 pA0"},
    {"names between", "S i1 pA0 n4 pB0", "AB", "S i1 pA0 n4 pB0"},
    {"names between, a record before", "S i1 pA0 n4 pB0", "A", "S i1 pA0 n4"},
    {"names between, a record behind", "S i1 pA0 n4 pB0", "B", "S i1 n4 pB0"},
    {"names, then a simple packet", "S n4 i1 i2 qA pB1", "AB", "S i1 n4 qA i2 pB1"},
    {"names, then an old packet", "S n4 i1 i2 oA1 pB0", "AB", "S i2 n4 oA0 i1 pB1"},
    {"names between, in rounds", "S i1 pA0 n4 pB0 n8 pC0", "A|B|C", "S i1 pA0 n4 pB0 n8 pC0"},
    {"names behind", "S i1 pA0 n4", "A", "S i1 pA0 n4"},
    {"all kinds", "S x4 n8 i1 c12 pA0 x16", "A", "S i1 x4 n8 c12 pA0 x16"},
    {"names between interfaces", "S i1 n4 i2 n8 pA1 pB0", "AB", "S i2 n4 n8 pA0 i1 pB1"},
    {"names of the first section", "S n4 i1 pA0 n8 S i2 pB0", "A", "S i1 n4 pA0 n8"},
    {"names of the other section", "S n4 i1 pA0 n8 S n12 i2 pB0", "B", "S i2 n12 pB0"},
    {"names of both", "S n4 i1 pA0 n8 S n12 i2 pB0 n16", "AB", "S i1 n4 pA0 n8 S i2 n12 pB0 n16"},
    {"names of both, in rounds", "S n4 i1 pA0 n8 S n12 i2 pB0 n16", "A|B",
     "S i1 n4 pA0 n8 S i2 n12 pB0 n16"},
    {"names of a section without packets", "S i1 pA0 S n4 i2 S i3 pB0", "AB", "S i1 pA0 S i3 pB0"},
    {"names of a later section", "S i1 pA0 S n4 i2", "A", "S i1 pA0"},
    {"names once, in a section that begins again", "S n4 i1 i2 pA1 qB n8 pC0", "ABC",
     "S i2 n4 pA0 S i1 qB n8 pC0"},
    {"many rounds between", "S i1 pA0 pB0 pC0 n4 pD0 pE0 n8", "A|C|E", "S i1 pA0 pC0 n4 pE0 n8"},
};

static void test_rows(void **state)
{
    enum { FLIP = 1, NO_METADATA = 2, EARLY = 4, VARIANTS = 8 };
    struct temp t;
    (void)state;
    temp_make(&t);
    for (size_t i = 0; i < N_ROWS(rows); i++)
        for (unsigned v = 0; v < VARIANTS; v++) {
            char row[128];
            struct scene s;
            struct output o;
            struct bytes want = {0}, got = {0};
            struct clv_error err = {0};
            (void)snprintf(row, sizeof row, "%s%s%s%s", rows[i].name, v & FLIP ? ", big" : "",
                           v & NO_METADATA ? ", no metadata" : "", v & EARLY ? ", early" : "");
            begin(&s, rows[i].input, v & FLIP, !(v & NO_METADATA));
            open_output(&o, temp_path(&t, "out"));
            write_selection(&s, &o, row, rows[i].selection, v & EARLY, &err);
            CHECK_EQ(row, err.code, CLV_ERR_NONE);
            close_output(&o);
            put_wanted(&want, rows[i].want, v & FLIP, !(v & NO_METADATA));
            temp_read(&t, "out", &got);
            CHECK_MEM(row, got.p, want.p, min_u64(got.len, want.len));
            CHECK_EQ(row, got.len, want.len);
            bytes_free(&want);
            bytes_free(&got);
            end(&s);
        }
    temp_remove(&t);
}

/* An output without records has nothing to finish. */
static void test_nothing(void **state)
{
    struct temp t;
    struct scene s;
    struct output o;
    struct clv_error err = {0};
    (void)state;
    temp_make(&t);
    begin(&s, "S n4 i1 pA0 n8", false, true);
    const struct blocks_source src = {.dialect = &s.dialect,
                                      .format = &s.format,
                                      .n_entries = ledger_count(&s.ledger),
                                      .owner = &anybody};
    open_output(&o, temp_path(&t, "out"));
    CHECK("nothing is pending", !blocks_pending(&o.trail, &src));
    close_output(&o);
    CHECK_EQ("no error", err.code, CLV_ERR_NONE);
    end(&s);
    temp_remove(&t);
}

/* A record of a classic savefile, and the packet block that it becomes. */
static void test_converted(void **state)
{
    static const struct {
        const char *name;
        struct savefile_dialect d;
        uint32_t sec, frac, caplen, origlen;
        uint64_t ticks;
    } pcap_rows[] = {
        {"us", {0}, 1700000000, 999999, 60, 1500, UINT64_C(1700000000999999)},
        {"us, big", {.big = true}, 1700000000, 999999, 60, 1500, UINT64_C(1700000000999999)},
        {"ns", {.magic = MAGIC_NS}, 1700000000, 999999999, 60, 60, UINT64_C(1700000000999999999)},
        {"ns, big",
         {.magic = MAGIC_NS, .big = true},
         1700000000,
         1,
         60,
         60,
         UINT64_C(1700000000000000001)},
        {"modified", {.magic = MAGIC_KUZNETZOV}, 1, 2, 61, 61, 1000002},
        {"the epoch", {0}, 0, 0, 62, 62, 0},
        {"the last second", {0}, UINT32_MAX, 999999, 63, 63, UINT64_C(4294967295999999)},
        {"a fraction that is none", {0}, 1, 3000000, 4, 4, 4000000},
        {"no bytes", {0}, 1, 2, 0, 60, 1000002},
        {"wire length first", {.major = 2, .minor = 2}, 1, 2, 40, 1500, 1000002},
        {"longer than the wire", {0}, 1, 2, 64, 60, 1000002},
        {"as long as can be", {0}, 1, 2, 262144, UINT32_MAX, 1000002},
    };
    static uint8_t data[262144];
    struct temp t;
    (void)state;
    temp_make(&t);
    memset(data, 0x5a, sizeof data);
    for (size_t i = 0; i < N_ROWS(pcap_rows); i++) {
        const char *row = pcap_rows[i].name;
        const struct savefile_dialect *d = &pcap_rows[i].d;
        struct scene s;
        struct output o;
        struct bytes in = {0}, want = {0}, got = {0};
        struct clv_error err = {0};
        begin(&s, "S i9", false, true);
        put_file_header(&in, d);
        assert_true(walk_open(&s.format, "a", (struct clv_span){in.p, in.len}, NULL));
        const uint32_t caplen = pcap_rows[i].caplen, origlen = pcap_rows[i].origlen;
        const bool swapped = d->minor == 2;
        in.len = 0;
        put_record_header(&in, d, pcap_rows[i].sec, pcap_rows[i].frac, swapped ? origlen : caplen,
                          swapped ? caplen : origlen);
        put_bytes(&in, data, caplen);
        put_section(&want, false);
        put_interface(&want, false, 9, 1000);
        put_packet(&want, false, 0, pcap_rows[i].ticks, data, caplen, origlen);
        put_packet(&want, false, 0, pcap_rows[i].ticks, data, caplen, origlen);
        uint8_t *raw = tight_copy(in.p, in.len);
        const struct blocks_source src = {
            .dialect = &s.dialect, .format = &s.format, .n_entries = 2, .owner = &anybody};
        open_output(&o, temp_path(&t, "out"));
        begin_round(&o, &err);
        for (unsigned k = 0; k < 2; k++)
            CHECK(row, blocks_put(&o.stage, &o.trail, &src, raw, (uint32_t)in.len, POSITION + 100,
                                  &o.until));
        /* A record that is shorter than it was says so instead of reading beyond. */
        CHECK(row, !blocks_put(&o.stage, &o.trail, &src, raw, (uint32_t)in.len - 1, POSITION + 100,
                               &o.until));
        CHECK_EQ(row, err.code, CLV_ERR_INTERNAL);
        CHECK_HAS(row, err.what, "changed while it was read");
        end_round(&o);
        close_output(&o);
        temp_read(&t, "out", &got);
        CHECK_MEM(row, got.p, want.p, min_u64(got.len, want.len));
        CHECK_EQ(row, got.len, want.len);
        free(raw);
        bytes_free(&in);
        bytes_free(&want);
        bytes_free(&got);
        end(&s);
    }
    temp_remove(&t);
}

static void test_no_memory(void **state)
{
    static const char *const input = "S i0 i1 i2 i3 i4 i5 pA0 pB1 pC2 pD3 pE4 pF5";
    struct temp t;
    (void)state;
    temp_make(&t);
    for (uint64_t nth = 1;; nth++) {
        struct scene s;
        struct output o;
        struct clv_error err = {0};
        bool ok = true;
        begin(&s, input, false, true);
        const struct blocks_source src = {.dialect = &s.dialect,
                                          .format = &s.format,
                                          .n_entries = ledger_count(&s.ledger),
                                          .owner = &anybody};
        open_output(&o, temp_path(&t, "out"));
        begin_round(&o, &err);
        mem_fail_from(nth);
        for (unsigned k = 0; k < s.n_records && ok; k++)
            ok = blocks_put(&o.stage, &o.trail, &src, s.b.p + s.records[k].at, s.records[k].len,
                            POSITION + s.records[k].at, &o.until);
        mem_fail_from(0);
        CHECK_EQ("no memory", err.code, ok ? CLV_ERR_NONE : CLV_ERR_NOMEM);
        end_round(&o);
        close_output(&o);
        end(&s);
        if (ok) {
            CHECK("something was allocated", nth > 2);
            break;
        }
    }
    temp_remove(&t);
}

UNIT(blocks)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_converted),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
