/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "base/mem.h"
#include "verify/suspect.h"

/* Records that differ from 'a' in one thing each. */
static struct proof_record record_of(char name)
{
    struct proof_record r = {
        .data = {.lo = 1}, .iface = {.lo = 2}, .ticks = 1000, .caplen = 60, .origlen = 1500};
    switch (name) {
    case 'D':
        r.data.lo = 99;
        break;
    case 'L':
        r.caplen = 61;
        break;
    case 'T':
        r.ticks++;
        break;
    case 'U':
        r.ticks -= 3;
        break;
    case 'W':
        r.origlen = 1501;
        break;
    case 'I':
        r.iface.lo = 3;
        break;
    case 'O':
        r.options.lo = 4;
        break;
    case 'a':
        break;
    default:
        r.data.hi = (uint64_t)name;
        break; /* another record */
    }
    return r;
}

/* What an output should hold and what it holds, a letter per record. */
static void test_judge(void **state)
{
    static const struct {
        const char *name, *want, *have;
        const char *what; /* NULL: nothing is wrong */
        uint64_t record;  /* 0: where there is none */
        const char *hint;
    } rows[] = {
        {"nothing", "", "", NULL, 0, ""},
        {"the same", "abc", "abc", NULL, 0, ""},
        {"bytes", "axc", "aDc",
         "altered: its packet of 60 bytes differs; 1 missing, 1 too many in all", 2,
         "in its place: the record at byte 16 of in.pcap"},
        {"length", "abc", "Lbc",
         "altered: 61 bytes of packet, not 60; 1 missing, 1 too many in all", 1,
         "in its place: the record at byte 0 of in.pcap"},
        {"time", "abc", "Tbc", "altered: its time is off by 1 tick; 1 missing, 1 too many in all",
         1, "in its place: the record at byte 0 of in.pcap"},
        {"earlier", "abc", "Ubc",
         "altered: its time is off by -3 ticks; 1 missing, 1 too many in all", 1,
         "in its place: the record at byte 0 of in.pcap"},
        {"length on the wire", "abc", "Wbc",
         "altered: a length on the wire of 1501, not 1500; 1 missing, 1 too many in all", 1,
         "in its place: the record at byte 0 of in.pcap"},
        {"interface", "abc", "Ibc",
         "altered: its interface, or what its header says about it, differs; 1 missing, 1 too many "
         "in all",
         1, "in its place: the record at byte 0 of in.pcap"},
        {"options", "abc", "Obc",
         "altered: its block has a different type, options or padding; 1 missing, 1 too many in "
         "all",
         1, "in its place: the record at byte 0 of in.pcap"},
        {"the first is missing", "abc", "bc", "a record is missing here", 1,
         "in its place: the record at byte 0 of in.pcap"},
        {"one is missing", "abc", "ac", "a record is missing here", 2,
         "in its place: the record at byte 16 of in.pcap"},
        {"the last is missing", "abc", "ab", "a record is missing here", 0,
         "in its place: the record at byte 32 of in.pcap"},
        {"all are missing", "abc", "", "a record is missing here; 3 missing, 0 too many in all", 0,
         "in its place: the record at byte 0 of in.pcap"},
        {"too much", "abc", "axbc", "a record that does not belong here", 2,
         "in its place: the record at byte 16 of in.pcap"},
        {"too much at the end", "abc", "abcx", "a record that does not belong here", 4, ""},
        {"twice", "abc", "aabc", "a record is here more often than it should be", 2,
         "in its place: the record at byte 16 of in.pcap"},
        {"once", "aabc", "abc", "a record is here less often than it should be", 2,
         "in its place: the record at byte 16 of in.pcap"},
        {"in another order", "abc", "acb", "records are not in the capture's order", 2,
         "in its place: the record at byte 16 of in.pcap"},
    };
    const struct source source = {.path = "in.pcap"};
    struct keyed key;
    (void)state;
    assert_true(keyed_draw(&key, NULL));
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct suspect s = {.key = &key};
        struct clv_error fault = {.code = CLV_ERR_NONE};
        for (size_t k = 0; rows[i].want[k]; k++) {
            const struct proof_record r = record_of(rows[i].want[k]);
            CHECK(rows[i].name, suspect_want(&s, &r, &source, 16 * k, NULL));
        }
        for (size_t k = 0; rows[i].have[k]; k++) {
            const struct proof_record r = record_of(rows[i].have[k]);
            CHECK(rows[i].name, suspect_have(&s, &r, 100 + k, NULL));
        }
        CHECK_EQ(rows[i].name, suspect_judge(&s, "out.pcap", &fault), rows[i].what != NULL);
        CHECK_EQ(rows[i].name, s.from, rows[i].what ? 0 : strlen(rows[i].want));
        if (rows[i].what) {
            CHECK_EQ(rows[i].name, fault.code, CLV_ERR_UNPROVEN);
            CHECK_STR(rows[i].name, fault.subject, "out.pcap");
            CHECK_STR(rows[i].name, fault.what, rows[i].what);
            CHECK_STR(rows[i].name, fault.hint, rows[i].hint);
            CHECK_EQ(rows[i].name, fault.record, rows[i].record);
            CHECK_EQ(rows[i].name, fault.offset,
                     rows[i].record ? 99 + rows[i].record : CLV_NO_OFFSET);
        }
        suspect_fini(&s);
    }
}

/* Stretch for stretch: what a reading of the input passes is not collected twice. */
static void test_stretches(void **state)
{
    const struct source source = {.path = "in.pcap"};
    const struct proof_record same = record_of('a'), other = record_of('x');
    struct keyed key;
    struct clv_error fault;
    struct suspect s = {.key = &key};
    unsigned readings = 0;
    (void)state;
    assert_true(keyed_draw(&key, NULL));
    enum { N = SUSPECT_STRETCH + 10 };
    for (bool judged = false; !judged; readings++) {
        s.passed = s.n_want = s.n_have = 0;
        for (size_t i = 0; i < N; i++)
            assert_true(suspect_want(&s, &same, &source, i, NULL));
        for (size_t i = s.from; i < N; i++)
            assert_true(suspect_have(&s, i == N - 1 ? &other : &same, i, NULL));
        assert_true(s.n_want <= SUSPECT_STRETCH && s.n_have <= SUSPECT_STRETCH);
        judged = suspect_judge(&s, "out.pcap", &fault);
        assert_true(readings < 3);
    }
    assert_int_equal(readings, 2);
    assert_int_equal(fault.record, N);
    assert_int_equal(fault.offset, N - 1);
    suspect_fini(&s);
}

UNIT(suspect)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_stretches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
