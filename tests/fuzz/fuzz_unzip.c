/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An archive: its members are listed and found, and lie within it, all of them together too.
 */
#include <string.h>

#include "fuzz.h"

#include "input/unzip.h"

/* Reads all of it, so that a sanitizer sees what is not there. */
static uint64_t touch(struct clv_span s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s.len; i++)
        sum += s.p[i];
    return sum;
}

static void check_failed(const struct clv_error *err)
{
    FUZZ_CHECK(err->code == CLV_ERR_FORMAT && err->what[0] && strcmp(err->subject, "a.zip") == 0);
}

static void list(const struct unzip *z)
{
    struct unzip_cursor c = {0};
    struct unzip_member m, again;
    struct clv_error err;
    enum unzip_step step;
    uint64_t sum = 0, packed = 0;
    while ((step = unzip_next(z, &c, &m, &err)) == UNZIP_MEMBER) {
        packed += m.central.packed;
        sum += touch(m.central.name) + touch(m.central.extra) + touch(m.comment);
        FUZZ_CHECK(m.entry >= z->directory && m.header <= z->directory);
        FUZZ_CHECK(unzip_entry(z, m.entry, &again, &err) && again.header == m.header);
        if (!unzip_locate(z, &m, &err)) {
            check_failed(&err);
            continue;
        }
        FUZZ_CHECK(m.header < m.data && m.data <= m.over && m.over <= z->directory);
        sum += touch(unzip_data(z, &m)) + touch(m.local.extra);
    }
    FUZZ_CHECK(packed <= z->map.size && c.at <= z->directory_len);
    if (step == UNZIP_BAD)
        check_failed(&err);
    else
        FUZZ_CHECK(z->zip64 ? c.n == z->n : (uint16_t)c.n == z->n);
    FUZZ_CHECK(unzip_entry(z, sum, &m, &err) || err.code == CLV_ERR_FORMAT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct unzip z;
    struct clv_error err;
    if (unzip_lend(&z, "a.zip", data, size, &err)) {
        FUZZ_CHECK(z.directory + z.directory_len <= z.end && z.end <= size);
        list(&z);
        unzip_close(&z);
    } else {
        check_failed(&err);
    }
    return 0;
}
