/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_check.h"

#include "base/crc.h"

static void test_values(void **state)
{
    static const struct {
        const char *name, *text;
        uint32_t want;
    } rows[] = {
        {"nothing", "", 0},
        {"one byte", "a", 0xe8b7be43},
        {"the check value", "123456789", 0xcbf43926}, /* of CRC-32/ISO-HDLC */
        {"more than a register", "The quick brown fox jumps over the lazy dog", 0x414fa339},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const size_t len = strlen(rows[i].text);
        CHECK_EQ(rows[i].name, crc_add(0, rows[i].text, len), crc_supported() ? rows[i].want : 0);
        for (size_t cut = 0; cut <= len; cut++)
            CHECK_EQ(rows[i].name,
                     crc_add(crc_add(0, rows[i].text, cut), rows[i].text + cut, len - cut),
                     crc_supported() ? rows[i].want : 0);
    }
    CHECK_EQ("no bytes at no place", crc_add(5, NULL, 0), crc_supported() ? 5 : 0);
}

UNIT(crc)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
