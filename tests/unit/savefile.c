/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_savefile.h"

#include <pcap/pcap.h>

#include "cleave/packet.h"
#include "format/savefile.h"

/* libpcap writes the machine's byte order. */
#define BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

static void test_header(void **state)
{
    static const struct {
        const char *name;
        struct savefile_dialect d;
        const char *zone; /* bytes 8 to 15: time zone and accuracy; NULL: zeros */
    } rows[] = {
        {"us", {0}, NULL},
        {"ns", {.magic = MAGIC_NS}, NULL},
        {"us, big", {.big = true}, NULL},
        {"ns, big", {.magic = MAGIC_NS, .big = true}, NULL},
        {"modified", {.magic = MAGIC_KUZNETZOV}, NULL},
        {"version 2.2", {.major = 2, .minor = 2}, NULL},
        {"version 2.3", {.major = 2, .minor = 3}, NULL},
        {"version 543.0", {.major = 543}, NULL},
        {"FCS of 4 bytes", {.network = 0x24000001}, NULL},
        {"other upper bits", {.network = 0x10000001}, NULL},
        {"raw IP, 101", {.network = 101}, NULL},
        {"raw IP, 12", {.network = 12}, NULL},
        {"raw IP, 14", {.network = 14}, NULL},
        {"PPP_HDLC", {.network = 50}, NULL},
        {"C_HDLC", {.network = 104}, NULL},
        {"Linux cooked", {.network = 113}, NULL},
        {"a link type that libpcap has no name for", {.network = 20}, NULL},
        {"the highest link type", {.network = 65535}, NULL},
        {"snaplen 96", {.snaplen = 96}, NULL},
        {"snaplen 65535", {.snaplen = 65535}, NULL},
        {"snaplen of 31 bits", {.snaplen = INT32_MAX}, NULL},
        {"snaplen of 32 bits", {.snaplen = UINT32_MAX}, NULL},
        {"a time zone", {0}, "100e0000 00000000"},
        {"an accuracy", {0}, "00000000 06000000"},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes b = {0}, zone = {0};
        struct walk_format f;
        uint8_t header[PCAP_FILE_HEADER + 1];
        put_file_header(&b, &rows[i].d);
        if (rows[i].zone) {
            put_hex(&zone, rows[i].zone);
            memcpy(b.p + 8, zone.p, 8);
        }
        CHECK(rows[i].name, walk_open(&f, "a", (struct clv_span){b.p, b.len}, NULL));
        memset(header, '#', sizeof header);
        savefile_header(header, &f);
        CHECK_MEM(rows[i].name, header, b.p, PCAP_FILE_HEADER);
        CHECK_EQ(rows[i].name, header[PCAP_FILE_HEADER], '#');
        bytes_free(&b);
        bytes_free(&zone);
    }
}

/* snaplen 0 is what some writers say; put_file_header() takes 0 for its default. */
static void test_header_snaplen_zero(void **state)
{
    const struct savefile_dialect d = {0};
    struct bytes b = {0};
    struct walk_format f;
    uint8_t header[PCAP_FILE_HEADER];
    (void)state;
    put_file_header(&b, &d);
    memset(b.p + 16, 0, 4);
    assert_true(walk_open(&f, "a", (struct clv_span){b.p, b.len}, NULL));
    savefile_header(header, &f);
    CHECK_MEM("snaplen 0", header, b.p, PCAP_FILE_HEADER);
    bytes_free(&b);
}

/* For converted records: this machine's byte order, and libpcap's usual snaplen. */
static void test_new_header(void **state)
{
    static const struct {
        const char *name;
        struct dialect_kind kind;
        struct savefile_dialect want;
    } rows[] = {
        {"us", {.linktype = 1}, {.big = BIG}},
        {"ns", {.linktype = 1, .nanoseconds = true}, {.big = BIG, .magic = MAGIC_NS}},
        {"raw IP", {.linktype = 101}, {.big = BIG, .network = 101}},
        {"C_HDLC", {.linktype = 104}, {.big = BIG, .network = 104}},
        {"a link type that libpcap has no name for",
         {.linktype = 65535},
         {.big = BIG, .network = 65535}},
        {"frame check sequences are no matter of the header's",
         {.linktype = 1, .fcs_len = 4},
         {.big = BIG}},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes want = {0};
        uint8_t header[PCAP_FILE_HEADER + 1];
        memset(header, '#', sizeof header);
        put_file_header(&want, &rows[i].want);
        CHECK(rows[i].name, savefile_new_header(header, &rows[i].kind, "x", NULL));
        CHECK_MEM(rows[i].name, header, want.p, PCAP_FILE_HEADER);
        CHECK_EQ(rows[i].name, header[PCAP_FILE_HEADER], '#');
        bytes_free(&want);
    }
}

/* pcap-linktype(7): the numbers that differ, and some that do not. */
static void test_link_numbers(void **state)
{
    static const struct {
        const char *name;
        uint16_t linktype;
        int dlt;
    } rows[] = {
        {"NULL", 0, DLT_NULL},
        {"Ethernet", 1, DLT_EN10MB},
        {"PPP", 9, DLT_PPP},
        {"PPP_HDLC", 50, DLT_PPP_SERIAL},
        {"PPP_ETHER", 51, DLT_PPP_ETHER},
        {"ATM_RFC1483", 100, DLT_ATM_RFC1483},
        {"RAW", 101, DLT_RAW},
        {"SLIP_BSDOS", 102, DLT_SLIP_BSDOS},
        {"PPP_BSDOS", 103, DLT_PPP_BSDOS},
        {"C_HDLC", 104, DLT_C_HDLC},
        {"802.11", 105, DLT_IEEE802_11},
        {"ATM_CLIP", 106, DLT_ATM_CLIP},
        {"FRELAY", 107, DLT_FRELAY},
        {"LOOP", 108, DLT_LOOP},
        {"ENC", 109, DLT_ENC},
        {"LINUX_SLL", 113, DLT_LINUX_SLL},
        {"IPV4", 228, DLT_IPV4},
        {"LINUX_SLL2", 276, DLT_LINUX_SLL2},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        CHECK_EQ(rows[i].name, clv_dlt_from_linktype(rows[i].linktype), rows[i].dlt);
        CHECK_EQ(rows[i].name, clv_linktype_from_dlt(rows[i].dlt), rows[i].linktype);
    }
}

UNIT(savefile)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_header_snaplen_zero),
        cmocka_unit_test(test_new_header),
        cmocka_unit_test(test_link_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
