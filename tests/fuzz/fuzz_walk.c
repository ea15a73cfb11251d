/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of any bytes: what the walker calls a record or a block lies within it, and ends where the
 * next begins; what it refuses it can explain; searches stay in their bounds; a block that is
 * turned into the other byte order twice is what it was. Records are the same in batches.
 */
#include "fuzz.h"

#include "walk/pcapng.h"

/* Searches begin at so many bytes: each looks at all that is behind it. */
static size_t step_from(size_t size)
{
    return 7 + size / 32;
}

/*
 * Many times the bytes, as they have to be for headers to be loaded in lanes. It takes its time, so
 * not every length is.
 */
static void touch(const struct walk_format *f, const struct walk_state *st, const uint8_t *data,
                  size_t size)
{
    enum { ENOUGH = 80 * 1024 };
    const size_t n = (ENOUGH + size - 1) / size;
    if (size % 8)
        return;
    uint8_t *const many = malloc(n * size);
    FUZZ_CHECK(many);
    for (size_t i = 0; i < n; i++)
        memcpy(many + i * size, data, size);
    const struct clv_span s = {many, n * size};
    if (st)
        walk_block_touch(st, s, 0, s.len);
    else
        walk_touch(f, s, 0, s.len);
    free(many);
}

static void walk_pcap(const struct walk_format *f, const uint8_t *data, size_t size)
{
    size_t at = f->data_at;
    struct walk_record rec = {0};
    struct clv_error err;
    enum walk_step step = WALK_RECORD;
    int64_t first_ns = 0;
    while (at < size) {
        step = walk_record(f, data + at, size - at, f->big_endian, &rec);
        if (step != WALK_RECORD && step != WALK_BLOCK)
            break;
        FUZZ_CHECK(rec.raw == data + at && rec.raw_len <= size - at);
        if (step == WALK_RECORD) {
            FUZZ_CHECK(rec.raw_len == f->hdr_len + rec.caplen && rec.caplen <= f->caplen_max);
            (void)walk_believes(f, (struct clv_span){data + at, size - at}, rec.raw_len);
            first_ns = first_ns ? first_ns : rec.ts_ns;
        }
        at += rec.raw_len;
    }
    FUZZ_CHECK(at <= size);
    if (at < size) {
        (void)walk_explain(f, "fuzz", step, (struct clv_span){data + at, size - at}, at, 1, &err);
        FUZZ_CHECK(err.code == CLV_ERR_DAMAGE && err.offset == at);
    }
    for (size_t from = f->data_at; from < size; from += step_from(size)) {
        const struct clv_span all = {data, size};
        const size_t guess = walk_guess(f, all, from, first_ns);
        FUZZ_CHECK(guess >= from && guess <= size);
        const size_t found = walk_search(f, all, from, size);
        FUZZ_CHECK(found >= from && found <= size);
    }
    if (size > f->data_at)
        touch(f, NULL, data + f->data_at, size - f->data_at);
}

static void check_turn(const uint8_t *block, uint32_t len, bool big)
{
    uint8_t *const copy = malloc(len);
    FUZZ_CHECK(copy);
    memcpy(copy, block, len);
    walk_block_turn(copy, len, big);
    FUZZ_CHECK(walk_load32(copy, !big) == walk_load32(block, big));
    FUZZ_CHECK(walk_load32(copy + 4, !big) == len && walk_load32(copy + len - 4, !big) == len);
    walk_block_turn(copy, len, !big);
    FUZZ_CHECK(memcmp(copy, block, len) == 0);
    free(copy);
}

/* Whoever reads one by one, or many at a time, gets the same records and the same end. */
static void read_both_ways(const uint8_t *data, size_t size)
{
    enum { MANY = 3 };
    struct clv_capture *one, *many;
    struct clv_record rec, recs[MANY];
    struct clv_error err = {0}, other = {0};
    enum clv_walk step = CLV_RECORD, end = CLV_RECORD;
    size_t n = 0;
    if (!clv_capture_open_memory(&one, data, size, "fuzz", &err))
        return;
    FUZZ_CHECK(clv_capture_open_memory(&many, data, size, "fuzz", &err));
    while (clv_capture_stays(one) && step == CLV_RECORD) {
        end = clv_capture_next_many(many, recs, MANY, &n, &other);
        FUZZ_CHECK((end == CLV_RECORD) == (n > 0) && n <= MANY);
        for (size_t i = 0; i < (n ? n : 1); i++) {
            step = clv_capture_next(one, &rec, &err);
            FUZZ_CHECK(step == end);
            FUZZ_CHECK(n == 0 || (rec.raw == recs[i].raw && rec.raw_len == recs[i].raw_len &&
                                  rec.offset == recs[i].offset && rec.ts_ns == recs[i].ts_ns &&
                                  rec.linktype == recs[i].linktype));
        }
    }
    FUZZ_CHECK(err.code == other.code && err.offset == other.offset && err.record == other.record);
    clv_capture_close(&one);
    clv_capture_close(&many);
}

static void check_packet(const struct ledger *l, const struct walk_record *rec)
{
    FUZZ_CHECK(rec->data >= rec->raw && rec->data + rec->caplen <= rec->raw + rec->raw_len);
    FUZZ_CHECK(rec->iface < l->n_ifaces);
}

static void walk_blocks(const struct walk_format *f, const uint8_t *data, size_t size)
{
    struct ledger l;
    struct walk_state st = {.big_endian = f->big_endian};
    struct clv_error err = {0};
    size_t at = f->data_at;
    enum walk_step step = WALK_BLOCK;
    ledger_init(&l, 1 << 16);
    while (at < size) {
        struct walk_record rec;
        step = walk_block(&l, &st, data + at, size - at, &rec);
        if (step != WALK_RECORD && step != WALK_BLOCK)
            break;
        FUZZ_CHECK(rec.raw == data + at && rec.raw_len >= NG_BLOCK_MIN);
        FUZZ_CHECK(rec.raw_len <= size - at && rec.raw_len % 4 == 0);
        if (step == WALK_RECORD)
            check_packet(&l, &rec);
        else if (!walk_note(&l, &st, rec.raw, rec.raw_len, at, &err))
            break;
        check_turn(rec.raw, rec.raw_len, st.big_endian);
        at += rec.raw_len;
    }
    FUZZ_CHECK(at <= size);
    if (step == WALK_BLOCK && at < size)
        FUZZ_CHECK(err.code == CLV_ERR_DAMAGE && err.what[0]);
    if (step == WALK_CUT || step == WALK_IMPOSSIBLE) {
        walk_block_explain(&l, &st, "fuzz", step, (struct clv_span){data + at, size - at}, at, 1,
                           &err);
        FUZZ_CHECK(err.code == CLV_ERR_DAMAGE && err.offset == at && err.what[0]);
    }
    for (size_t from = 0; from < size; from += step_from(size)) {
        const struct clv_span all = {data, size};
        const size_t guess = walk_block_guess(&st, all, from);
        FUZZ_CHECK(guess >= from && guess <= size);
        const size_t found = walk_block_search(&st, all, from, size, f->record_max);
        FUZZ_CHECK(found >= from && found <= size);
    }
    touch(f, &st, data, size);
    ledger_fini(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct walk_format f;
    struct clv_error err;
    const struct clv_span head = {data, size < WALK_HEAD ? size : WALK_HEAD};
    read_both_ways(data, size);
    if (!walk_open(&f, "fuzz", head, &err))
        FUZZ_CHECK(err.code == CLV_ERR_FORMAT && err.what[0]);
    else if (f.kind == WALK_PCAP)
        walk_pcap(&f, data, size);
    else
        walk_blocks(&f, data, size);
    return 0;
}
