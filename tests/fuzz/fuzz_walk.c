/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of any bytes: what the walker calls a record or a block lies within it, and ends where the
 * next begins; what it refuses it can explain; searches stay in their bounds.
 */
#include "fuzz.h"

#include "walk/pcapng.h"

static void walk_pcap(const struct walk_format *f, const uint8_t *data, size_t size)
{
    size_t at = f->data_at;
    struct walk_record rec = {0};
    struct clv_error err;
    enum walk_step step = WALK_RECORD;
    int64_t first_ns = 0;
    while (at < size &&
           (step = walk_record(f, data + at, size - at, f->big_endian, &rec)) == WALK_RECORD) {
        FUZZ_CHECK(rec.raw == data + at && rec.raw_len == f->hdr_len + rec.caplen);
        FUZZ_CHECK(rec.raw_len <= size - at && rec.caplen <= f->caplen_max);
        first_ns = first_ns ? first_ns : rec.ts_ns;
        at += rec.raw_len;
    }
    FUZZ_CHECK(at <= size);
    if (step != WALK_RECORD) {
        (void)walk_explain(f, "fuzz", step, (struct clv_span){data + at, size - at}, at, 1, &err);
        FUZZ_CHECK(err.code == CLV_ERR_DAMAGE && err.offset == at);
    }
    for (size_t from = f->data_at; from < size; from += 7) {
        const struct clv_span all = {data, size};
        const size_t guess = walk_guess(f, all, from, first_ns);
        FUZZ_CHECK(guess >= from && guess <= size);
        const size_t found = walk_search(f, all, from, size);
        FUZZ_CHECK(found >= from && found <= size);
    }
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
    for (size_t from = 0; from < size; from += 7) {
        const struct clv_span all = {data, size};
        const size_t guess = walk_block_guess(&st, all, from);
        FUZZ_CHECK(guess >= from && guess <= size);
        const size_t found = walk_block_search(&st, all, from, size, f->record_max);
        FUZZ_CHECK(found >= from && found <= size);
    }
    ledger_fini(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct walk_format f;
    struct clv_error err;
    const struct clv_span head = {data, size < WALK_HEAD ? size : WALK_HEAD};
    if (!walk_open(&f, "fuzz", head, &err))
        FUZZ_CHECK(err.code == CLV_ERR_FORMAT && err.what[0]);
    else if (f.kind == WALK_PCAP)
        walk_pcap(&f, data, size);
    else
        walk_blocks(&f, data, size);
    return 0;
}
