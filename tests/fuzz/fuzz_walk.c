/* SPDX-License-Identifier: BSD-2-Clause */
/* A file of any bytes: what the walker calls a record lies within it, and ends where the next
 * begins. */
#include "fuzz.h"
#include "walk/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct walk_format f;
    struct clv_error err;
    const struct clv_span head = {data, size < PCAP_FILE_HEADER ? size : PCAP_FILE_HEADER};
    if (!walk_open(&f, "fuzz", head, &err)) {
        FUZZ_CHECK(err.code == CLV_ERR_FORMAT && err.what[0]);
        return 0;
    }
    size_t at = PCAP_FILE_HEADER;
    struct walk_record rec = {0};
    enum walk_step step = WALK_RECORD;
    int64_t first_ns = 0;
    while (at < size &&
           (step = walk_record(&f, data + at, size - at, f.big_endian, &rec)) == WALK_RECORD) {
        FUZZ_CHECK(rec.raw == data + at && rec.raw_len == f.hdr_len + rec.caplen);
        FUZZ_CHECK(rec.raw_len <= size - at && rec.caplen <= f.caplen_max);
        first_ns = first_ns ? first_ns : rec.ts_ns;
        at += rec.raw_len;
    }
    FUZZ_CHECK(at <= size);
    if (step != WALK_RECORD) {
        (void)walk_explain(&f, "fuzz", step, (struct clv_span){data + at, size - at}, at, 1, &err);
        FUZZ_CHECK(err.code == CLV_ERR_DAMAGE && err.offset == at);
    }
    for (size_t from = PCAP_FILE_HEADER; from < size; from += 7) {
        const size_t guess = walk_guess(&f, (struct clv_span){data, size}, from, first_ns);
        FUZZ_CHECK(guess >= from && guess <= size);
    }
    return 0;
}
