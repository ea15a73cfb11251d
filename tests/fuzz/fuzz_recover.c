/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes behind a sound file header, walked as --recover does: records and blocks lie within the
 * file, one behind the other, and with what is skipped between them they are all of it. The first
 * byte chooses the header, whether a run over the file must find the same, and whether the bytes
 * are there so often that the run has several windows, or several pieces in one.
 */
#include "fuzz.h"
#include "fuzz_error.h"
#include "fuzz_temp.h"

#include "cleave/split.h"
#include "walk/pcapng.h"

struct found {
    uint64_t records, faults, skipped;
    uint64_t fault_at, fault_record; /* of the first */
};

struct walked {
    struct walk_format f;
    struct walk_state st;
    struct ledger ledger;
};

static size_t put_header(uint8_t *to, uint8_t choice)
{
    static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34, 0xa1b2c3d4};
    const bool big = choice & 1;
    if (choice & 8) { /* a section, and an interface */
        memset(to, 0, 48);
        walk_store32(to, NG_SECTION, big);
        walk_store32(to + 4, NG_SECTION_MIN, big);
        walk_store32(to + 8, 0x1a2b3c4d, big);
        walk_store32(to + 12, big ? 0x10000 : 1, big);
        walk_store32(to + 24, NG_SECTION_MIN, big);
        walk_store32(to + 28, NG_INTERFACE, big);
        walk_store32(to + 32, NG_INTERFACE_MIN, big);
        walk_store32(to + 36, big ? 0x10000 : 1, big);
        walk_store32(to + 44, NG_INTERFACE_MIN, big);
        return choice & 16 ? 48 : 28;
    }
    const unsigned kind = choice >> 1 & 3, minor = kind == 3 ? 2 + (choice >> 4 & 1) : 4;
    memset(to, 0, PCAP_FILE_HEADER);
    walk_store32(to, magics[kind], big);
    walk_store32(to + 4, big ? 2 << 16 | minor : minor << 16 | 2, big);
    walk_store32(to + 16, 65535, big);
    walk_store32(to + 20, 1, big);
    return PCAP_FILE_HEADER;
}

/* What begins at p: a record, or a block that is believed. 0: a fault, maybe the last one. */
static size_t step(struct walked *w, const uint8_t *p, size_t rest, uint64_t at, bool *record,
                   bool *last)
{
    struct walk_record rec;
    struct clv_error err;
    const enum walk_step step = w->f.kind == WALK_PCAP
                                    ? walk_record(&w->f, p, rest, w->f.big_endian, &rec)
                                    : walk_block(&w->ledger, &w->st, p, rest, &rec);
    *record = step == WALK_RECORD;
    *last = step == WALK_OTHER;
    if (*record && w->f.kind == WALK_PCAP &&
        !walk_believes(&w->f, (struct clv_span){p, rest}, rec.raw_len))
        return 0;
    if (step != WALK_RECORD && step != WALK_BLOCK)
        return 0;
    FUZZ_CHECK(rec.raw == p && rec.raw_len > 0 && rec.raw_len <= rest);
    FUZZ_CHECK(step == WALK_BLOCK ||
               (rec.data >= p && rec.data + rec.caplen <= p + rec.raw_len && rec.caplen <= rest));
    if (step == WALK_BLOCK && w->f.kind == WALK_PCAPNG &&
        !walk_note(&w->ledger, &w->st, p, rec.raw_len, at, &err)) {
        FUZZ_CHECK(err.code == CLV_ERR_DAMAGE && err.what[0]);
        return 0;
    }
    return rec.raw_len;
}

static struct found recover(const uint8_t *data, size_t size)
{
    struct walked w = {.st = {.in_section = false}};
    struct found found = {.records = 0};
    struct clv_error err;
    const struct clv_span all = {data, size}, head = {data, size < WALK_HEAD ? size : WALK_HEAD};
    FUZZ_CHECK(walk_open(&w.f, "fuzz", head, &err));
    ledger_init(&w.ledger, 1 << 16);
    w.st.big_endian = w.f.big_endian;
    size_t at = w.f.data_at, covered = at;
    while (at < size) {
        bool record, last;
        const size_t len = step(&w, data + at, size - at, at, &record, &last);
        found.records += len && record;
        covered += len;
        at += len;
        if (len)
            continue;
        if (found.faults++ == 0) {
            found.fault_at = at;
            found.fault_record = found.records + 1;
        }
        if (last)
            break;
        const size_t from = at + 1;
        size_t next = from;
        if (from < size)
            next = w.f.kind == WALK_PCAP
                       ? walk_search(&w.f, all, from, size)
                       : walk_block_search(&w.st, all, from, size, w.f.record_max);
        FUZZ_CHECK(next >= from && next <= size);
        found.skipped += next - at;
        at = next;
    }
    FUZZ_CHECK(at <= size && covered + found.skipped == at);
    ledger_fini(&w.ledger);
    return found;
}

static void compare(const struct found *want, const uint8_t *data, size_t size, uint8_t choice)
{
    struct temp temp;
    struct clv_split_result r;
    struct clv_error err = {.code = CLV_ERR_NONE};
    temp_make(&temp);
    const struct temp_name in = temp_path(&temp, "in");
    const char *const inputs[] = {in.path};
    temp_write(in.path, data, size);
    const struct clv_split_params params = {
        .inputs = inputs,
        .n_inputs = 1,
        .dry_run = true,
        .recover = true,
        .window = (choice & 192) == 64 ? 4096 : 0,
        .threads = choice & 64 ? 2 : 1,
        .memory = choice & 64 ? 64 << 20 : 1 << 20,
    };
    if (clv_split(&params, &r, &err)) {
        FUZZ_CHECK(r.records_read == want->records && r.records_written == want->records);
        FUZZ_CHECK(r.damages == want->faults && r.skipped_bytes == want->skipped);
        FUZZ_CHECK((r.damages != 0) == (r.damage.code == CLV_ERR_DAMAGE));
        if (r.damages) {
            FUZZ_CHECK(r.damage.offset == want->fault_at);
            FUZZ_CHECK(r.damage.record == want->fault_record);
        }
    } else {
        check_error(&err);
    }
    temp_remove(&temp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum {
        RUN = 32,
        MANY = 64,
        PIECED = RUN | MANY | 128,
        WINDOWS = 12 << 10,
        PIECES = 1300 << 10
    };
    uint8_t header[64];
    if (size < 1)
        return 0;
    const uint8_t choice = data[0];
    const size_t header_len = put_header(header, choice), body_len = size - 1;
    const size_t least = (choice & PIECED) == PIECED ? PIECES : choice & MANY ? WINDOWS : 1;
    const size_t times = body_len ? (least + body_len - 1) / body_len : 0;
    /* Of its own size, so that a read behind its end is seen. */
    const size_t len = header_len + times * body_len;
    uint8_t *const file = malloc(len);
    FUZZ_CHECK(file);
    memcpy(file, header, header_len);
    for (size_t i = 0; i < times; i++)
        memcpy(file + header_len + i * body_len, data + 1, body_len);
    const struct found found = recover(file, len);
    if (choice & RUN)
        compare(&found, file, len, choice);
    free(file);
    return 0;
}
