/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_message.h"

#include "sight/tftp.h"

static const struct {
    const char *name, *packet;
    const char *want; /* the file; NULL: no request */
} rows[] = {
    {"read", "0001 \"a.txt\" 00 \"octet\" 00", "a.txt"},
    {"write", "0002 \"dir/a b\" 00 \"netascii\" 00", "dir/a b"},
    {"mode in upper case", "0001 \"a\" 00 \"OcTeT\" 00", "a"},
    {"mail", "0002 \"user\" 00 \"mail\" 00", "user"},
    {"options", "0001 \"a\" 00 \"octet\" 00 \"blksize\" 00 \"1428\" 00 \"tsize\" 00 \"0\" 00", "a"},
    {"half an option", "0001 \"a\" 00 \"octet\" 00 \"blk\"", "a"},
    {"a name beyond ASCII", "0001 c3a4 00 \"octet\" 00", "\xc3\xa4"},
    {"nothing", "", NULL},
    {"a byte", "00", NULL},
    {"an opcode alone", "0001", NULL},
    {"data", "0003 \"a\" 00 \"octet\" 00", NULL},
    {"acknowledgement", "0004 0001", NULL},
    {"error", "0005 0001 \"octet\" 00", NULL},
    {"opcode of two bytes", "0101 \"a\" 00 \"octet\" 00", NULL},
    {"no name", "0001 00 \"octet\" 00", NULL},
    {"no mode", "0001 \"a\" 00", NULL},
    {"empty mode", "0001 \"a\" 00 00", NULL},
    {"mode that does not end", "0001 \"a\" 00 \"octet\"", NULL},
    {"mode cut short", "0001 \"a\" 00 \"octe\" 00", NULL},
    {"mode too long", "0001 \"a\" 00 \"octets\" 00", NULL},
    {"another mode", "0001 \"a\" 00 \"binary\" 00", NULL},
    {"a control in the name", "0001 \"a\" 0a 00 \"octet\" 00", NULL},
    {"a deletion in the name", "0001 \"a\" 7f 00 \"octet\" 00", NULL},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes b = {0};
        put_message(&b, rows[i].packet);
        const size_t mode_ends = rows[i].want ? 2 + strlen(rows[i].want) + 1 : 0;
        for (size_t n = 0; n <= b.len; n++) {
            uint8_t *const block = tight_copy(b.p, n);
            struct clv_span file = {NULL, 0};
            const bool is_request = sight_tftp_request((struct clv_span){block, n}, &file);
            if (n == b.len)
                CHECK_EQ(rows[i].name, is_request, rows[i].want != NULL);
            if (!is_request) {
                CHECK(rows[i].name, !file.p);
            } else { /* cut short or not */
                CHECK_EQ(rows[i].name, file.p - block, 2);
                CHECK_EQ(rows[i].name, file.len, strlen(rows[i].want));
                CHECK_MEM(rows[i].name, file.p, rows[i].want, file.len);
                CHECK(rows[i].name, n > mode_ends + 4);
            }
            free(block);
        }
        bytes_free(&b);
    }
}

UNIT(tftp)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
