/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_savefile.h"
#include "support_temp.h"

#include "cleave/generate.h"
#include "cleave/packet.h"
#include "generate/build.h"

/*
 * RFC 1071 in another way than the library's: byte by byte, in ones' complement. Over data that
 * holds its own checksum the sum is 0xffff.
 */
static uint32_t ones_sum(uint32_t sum, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? p[i] : (uint32_t)p[i] * 256;
        if (sum > 0xffff)
            sum -= 0xffff;
    }
    return sum;
}

static void test_checksum(void **state)
{
    static const struct {
        const char *name;
        const char *hex;
        uint32_t carried;
        uint16_t want;
    } rows[] = {
        {"nothing", "", 0, 0xffff},
        {"RFC 1071 section 3", "0001 f203 f4f5 f6f7", 0, 0x220d},
        {"an odd byte", "01", 0, 0xfeff},
        {"three bytes", "0001 02", 0, 0xfdfe},
        {"a carry", "ffff 0001", 0, 0xfffe},
        {"carries that carry", "ffff ffff ffff ffff", 0, 0x0000},
        {"a sum carried in", "0001", 0x1234, 0xedca},
        {"a long sum carried in", "0001", 0x00030001, 0xfffa},
        {"an IPv4 header", "4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7", 0, 0xb861},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct bytes b = {0};
        put_hex(&b, rows[i].hex);
        uint8_t *p = tight_copy(b.p, b.len);
        CHECK_EQ(rows[i].name, clv_checksum(p, b.len, rows[i].carried), rows[i].want);
        free(p);
        bytes_free(&b);
    }
}

struct frame_row {
    const char *name;
    unsigned family, proto;
    uint16_t vlan;
    uint32_t payload_len;
    bool zeros; /* payload NULL */
};

static const struct frame_row frame_rows[] = {
    {"IPv4, TCP", 4, 6, 0, 0, true},
    {"IPv4, TCP, payload", 4, 6, 0, 100, false},
    {"IPv4, TCP, odd payload", 4, 6, 0, 101, false},
    {"IPv4, TCP, zeros", 4, 6, 0, 1000, true},
    {"IPv4, UDP", 4, 17, 0, 0, true},
    {"IPv4, UDP, one byte", 4, 17, 0, 1, false},
    {"IPv4, UDP, largest", 4, 17, 0, 65535 - 20 - 8, false},
    {"IPv4, TCP, largest", 4, 6, 0, 65535 - 20 - 20, false},
    {"IPv4, ICMP", 4, 1, 0, 8, false},
    {"IPv6, UDP", 6, 17, 0, 0, true},
    {"IPv6, UDP, odd payload", 6, 17, 0, 33, false},
    {"IPv6, TCP", 6, 6, 0, 1440, false},
    {"IPv6, UDP, largest", 6, 17, 0, 65535 - 8, false},
    {"IPv6, another protocol", 6, 253, 0, 5, false},
    {"VLAN, IPv4, TCP", 4, 6, 100, 10, false},
    {"VLAN, IPv6, UDP", 6, 17, 4094, 10, false},
};

static struct clv_packet_spec spec_of(const struct frame_row *r, const uint8_t *payload)
{
    struct clv_packet_spec spec = {
        .eth_dst = {2, 0, 0, 0, 0, 1},
        .eth_src = {2, 0, 0, 0, 0, 2},
        .vlan = r->vlan,
        .tuple = {.sport = 50000,
                  .dport = 443,
                  .proto = (uint8_t)r->proto,
                  .family = (uint8_t)r->family,
                  .tcp_flags = 0x18},
        .ttl = 3,
        .ip_id = 0xbeef,
        .tcp_seq = 0x01020304,
        .tcp_ack = 0xa1a2a3a4,
        .tcp_window = 512,
        .payload = r->zeros ? NULL : payload,
        .payload_len = r->payload_len,
    };
    for (unsigned i = 0; i < (r->family == 6 ? 16 : 4); i++) {
        spec.tuple.src[i] = (uint8_t)(0x20 + i);
        spec.tuple.dst[i] = (uint8_t)(0xf0 - i);
    }
    return spec;
}

/* Each field where the RFCs have it, and checksums by another computation. */
static void check_frame(const struct frame_row *r, const struct clv_packet_spec *spec,
                        const uint8_t *frame, size_t len)
{
    const size_t link = r->vlan ? 18 : 14, network = r->family == 6 ? 40 : 20;
    const size_t transport = r->proto == 6 ? 20 : r->proto == 17 ? 8 : 0;
    const size_t segment = transport + r->payload_len, addr = r->family == 6 ? 16 : 4;
    const uint8_t *ip = frame + link, *t = ip + network;
    CHECK_EQ(r->name, len, link + network + segment);
    CHECK_MEM(r->name, frame, spec->eth_dst, 6);
    CHECK_MEM(r->name, frame + 6, spec->eth_src, 6);
    if (r->vlan) {
        CHECK_EQ(r->name, load_be16(frame + 12), 0x8100);
        CHECK_EQ(r->name, load_be16(frame + 14), r->vlan);
    }
    CHECK_EQ(r->name, load_be16(ip - 2), r->family == 6 ? 0x86dd : 0x0800);
    if (r->family == 4) {
        CHECK_EQ(r->name, ip[0], 0x45);
        CHECK_EQ(r->name, ip[1], 0);
        CHECK_EQ(r->name, load_be16(ip + 2), 20 + segment);
        CHECK_EQ(r->name, load_be16(ip + 4), 0xbeef);
        CHECK_EQ(r->name, load_be16(ip + 6), 0);
        CHECK_EQ(r->name, ip[8], 3);
        CHECK_EQ(r->name, ip[9], r->proto);
        CHECK_EQ(r->name, ones_sum(0, ip, 20), 0xffff);
        CHECK_MEM(r->name, ip + 12, spec->tuple.src, 4);
        CHECK_MEM(r->name, ip + 16, spec->tuple.dst, 4);
    } else {
        CHECK_EQ(r->name, load_be32(ip), 0x60000000);
        CHECK_EQ(r->name, load_be16(ip + 4), segment);
        CHECK_EQ(r->name, ip[6], r->proto);
        CHECK_EQ(r->name, ip[7], 3);
        CHECK_MEM(r->name, ip + 8, spec->tuple.src, 16);
        CHECK_MEM(r->name, ip + 24, spec->tuple.dst, 16);
    }
    if (transport) {
        CHECK_EQ(r->name, load_be16(t), 50000);
        CHECK_EQ(r->name, load_be16(t + 2), 443);
        uint8_t pseudo[4] = {0, (uint8_t)r->proto, (uint8_t)(segment >> 8), (uint8_t)segment};
        uint32_t sum = ones_sum(0, spec->tuple.src, addr);
        sum = ones_sum(sum, spec->tuple.dst, addr);
        sum = ones_sum(sum, pseudo, sizeof pseudo);
        CHECK_EQ(r->name, ones_sum(sum, t, segment), 0xffff);
    }
    if (r->proto == 6) {
        CHECK_EQ(r->name, load_be32(t + 4), 0x01020304);
        CHECK_EQ(r->name, load_be32(t + 8), 0xa1a2a3a4);
        CHECK_EQ(r->name, t[12], 0x50);
        CHECK_EQ(r->name, t[13], 0x18);
        CHECK_EQ(r->name, load_be16(t + 14), 512);
        CHECK_EQ(r->name, load_be16(t + 18), 0);
    }
    if (r->proto == 17) {
        CHECK_EQ(r->name, load_be16(t + 4), segment);
        CHECK(r->name, load_be16(t + 6) != 0);
    }
    for (size_t i = 0; i < r->payload_len; i++)
        CHECK_EQ(r->name, t[transport + i],
                 spec->payload ? ((const uint8_t *)spec->payload)[i] : 0);
}

static void test_frames(void **state)
{
    struct bytes payload = {0};
    uint64_t seed = 3;
    (void)state;
    put_noise(&payload, &seed, 65536);
    for (size_t i = 0; i < N_ROWS(frame_rows); i++) {
        const struct frame_row *r = &frame_rows[i];
        const struct clv_packet_spec spec = spec_of(r, payload.p);
        struct clv_error err = {0};
        struct clv_tuple found;
        static uint8_t frame[70000];
        memset(frame, 0xa5, sizeof frame);
        const size_t len = clv_packet_build(&spec, frame, sizeof frame, &err);
        CHECK_EQ(r->name, err.code, CLV_ERR_NONE);
        check_frame(r, &spec, frame, len);
        for (size_t k = len; k < len + 100; k++)
            CHECK_EQ(r->name, frame[k], 0xa5);

        /* What was built is what the decoder finds. */
        CHECK(r->name, clv_packet_tuple(1, frame, (uint32_t)len, &found));
        CHECK_MEM(r->name, found.src, spec.tuple.src, 16);
        CHECK_MEM(r->name, found.dst, spec.tuple.dst, 16);
        CHECK_EQ(r->name, found.proto, r->proto);

        /* A buffer of just that size does, one byte less does not and is not written to. */
        uint8_t *tight = tight_copy(frame, len);
        memset(tight, 0xa5, len);
        CHECK_EQ(r->name, clv_packet_build(&spec, tight, len, &err), len);
        CHECK_MEM(r->name, tight, frame, len);
        memset(tight, 0xa5, len);
        CHECK_EQ(r->name, clv_packet_build(&spec, tight, len - 1, &err), 0);
        CHECK_EQ(r->name, err.code, CLV_ERR_ARG);
        for (size_t k = 0; k < len; k++)
            CHECK_EQ(r->name, tight[k], 0xa5);
        free(tight);
    }
    bytes_free(&payload);
}

static void test_defaults(void **state)
{
    const struct clv_packet_spec spec = {.tuple = {.family = 4, .proto = CLV_PROTO_TCP}};
    uint8_t frame[54];
    (void)state;
    CHECK_EQ("defaults", clv_packet_build(&spec, frame, sizeof frame, NULL), sizeof frame);
    CHECK_EQ("TTL", frame[14 + 8], 64);
    CHECK_EQ("window", load_be16(frame + 34 + 14), 65535);
}

/* RFC 768: a checksum that comes out as 0 is sent as all ones; 0 says that there is none. */
static void test_udp_checksum_zero(void **state)
{
    (void)state;
    for (unsigned family = 4; family <= 6; family += 2) {
        struct clv_packet_spec spec = {.tuple = {.family = (uint8_t)family, .proto = 17},
                                       .payload_len = 2};
        const size_t at = family == 6 ? 14 + 40 : 14 + 20;
        uint8_t frame[80], payload[2] = {0, 0};
        spec.tuple.src[0] = 1;
        spec.payload = payload;
        assert_true(clv_packet_build(&spec, frame, sizeof frame, NULL) > 0);
        /* With its own checksum for payload the sum is all ones and the checksum 0. */
        memcpy(payload, frame + at + 6, 2);
        assert_true(clv_packet_build(&spec, frame, sizeof frame, NULL) > 0);
        CHECK_EQ(family == 6 ? "IPv6" : "IPv4", load_be16(frame + at + 6), 0xffff);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        const char *name;
        unsigned family, proto;
        uint16_t vlan;
        uint32_t payload_len;
        const char *what;
    } rows[] = {
        {"no family", 0, 6, 0, 0, "family 0"},
        {"family 5", 5, 6, 0, 0, "family 5"},
        {"VLAN 4095", 4, 6, 4095, 0, "4095"},
        {"VLAN 65535", 6, 6, 65535, 0, "65535"},
        {"IPv4, TCP, too long", 4, 6, 0, 65535 - 40 + 1, "65536 bytes"},
        {"IPv4, UDP, too long", 4, 17, 0, 65535 - 28 + 1, "65536 bytes"},
        {"IPv6, UDP, too long", 6, 17, 0, 65535 - 8 + 1, "65536 bytes"},
        {"absurd", 4, 17, 0, UINT32_MAX, "do not fit"},
    };
    static uint8_t frame[80000];
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct clv_packet_spec spec = {
            .vlan = rows[i].vlan,
            .tuple = {.family = (uint8_t)rows[i].family, .proto = (uint8_t)rows[i].proto},
            .payload_len = rows[i].payload_len,
        };
        struct clv_error err = {0};
        CHECK_EQ(rows[i].name, clv_packet_build(&spec, frame, sizeof frame, &err), 0);
        CHECK_EQ(rows[i].name, err.code, CLV_ERR_ARG);
        CHECK_HAS(rows[i].name, err.what, rows[i].what);
        CHECK_EQ(rows[i].name, clv_packet_build(&spec, frame, sizeof frame, NULL), 0);
    }
}

/* Headers apart from the payload, whose sum is known: the frame is the same. */
static void test_headers_apart(void **state)
{
    struct bytes payload = {0};
    uint64_t seed = 3;
    (void)state;
    put_noise(&payload, &seed, 65536);
    for (size_t i = 0; i < N_ROWS(frame_rows); i++) {
        const struct frame_row *r = &frame_rows[i];
        const struct clv_packet_spec spec = spec_of(r, payload.p);
        static uint8_t frame[70000];
        uint8_t headers[BUILD_HEADERS_MAX];
        const size_t len = clv_packet_build(&spec, frame, sizeof frame, NULL);
        const size_t n = build_headers(&spec, build_sum(spec.payload, spec.payload_len), headers);
        CHECK_EQ(r->name, n, len - r->payload_len);
        CHECK_MEM(r->name, headers, frame, n);
    }
    bytes_free(&payload);
}

/* libpcap writes the machine's byte order. */
#define BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

/* The frame of the classic tutorial, written out; its checksums were computed apart. */
#define FRAME(src, ip_sum, tcp_sum)                                                                \
    "000001000002 000001000001 0800 "                                                              \
    "4500 0028 0000 0000 4006 " ip_sum " " src " ac100001 "                                        \
    "ea61 0050 deadbeef 00000000 5002 ffff " tcp_sum " 0000 "

static void test_synflood(void **state)
{
    static const struct {
        const char *name;
        struct clv_synflood_params params;
        uint32_t magic;
        uint32_t records[3][3]; /* times and lengths */
        const char *frames[3];
        unsigned n;
    } rows[] = {
        {"classic",
         {.count = 3},
         MAGIC_US,
         {{1, 0, 54}, {2, 0, 54}, {3, 0, 54}},
         {FRAME("c0a80001", "0e16", "bad8"), FRAME("c0a80002", "0e15", "bad7"),
          FRAME("c0a80003", "0e14", "bad6")},
         3},
        {"past .255, padded, nanoseconds",
         {.count = 2,
          .src = {10, 0, 0, 255},
          .pad = true,
          .nanoseconds = true,
          .start_ns = INT64_C(1700000000123456789),
          .interval_ns = 1},
         MAGIC_NS,
         {{1700000000, 123456789, 60}, {1700000000, 123456790, 60}},
         {FRAME("0a0000ff", "c3c0", "7083") "00000000 0000",
          FRAME("0a000100", "c3bf", "7082") "00000000 0000", NULL},
         2},
        {"past 255.255.255.255",
         {.count = 2, .src = {255, 255, 255, 255}},
         MAGIC_US,
         {{1, 0, 54}, {2, 0, 54}},
         {FRAME("ffffffff", "cebf", "7b82"), FRAME("00000000", "cebf", "7b82"), NULL},
         2},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct savefile_dialect d = {.big = BIG, .magic = rows[i].magic};
        struct temp t;
        struct bytes want = {0}, got = {0};
        struct clv_error err = {0};
        uint64_t bytes = 0;
        temp_make(&t);
        put_file_header(&want, &d);
        for (unsigned k = 0; k < rows[i].n; k++) {
            const uint32_t *r = rows[i].records[k];
            put_record_header(&want, &d, r[0], r[1], r[2], r[2]);
            put_hex(&want, rows[i].frames[k]);
        }
        CHECK(rows[i].name,
              clv_generate_synflood(temp_path(&t, "a.pcap"), &rows[i].params, &bytes, &err));
        temp_read(&t, "a.pcap", &got);
        CHECK_EQ(rows[i].name, got.len, want.len);
        CHECK_MEM(rows[i].name, got.p, want.p, got.len);
        CHECK_EQ(rows[i].name, bytes, got.len);
        bytes_free(&want);
        bytes_free(&got);
        temp_remove(&t);
    }
}

static void test_synflood_count(void **state)
{
    static const struct {
        const char *name;
        uint64_t count, want;
    } rows[] = {{"default", 0, 100}, {"one", 1, 1}, {"many", 70000, 70000}};
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct clv_synflood_params params = {.count = rows[i].count, .interval_ns = 1000};
        struct temp t;
        struct bytes got = {0};
        temp_make(&t);
        CHECK(rows[i].name, clv_generate_synflood(temp_path(&t, "a"), &params, NULL, NULL));
        temp_read(&t, "a", &got);
        CHECK_EQ(rows[i].name, got.len, 24 + rows[i].want * (16 + 54));
        for (uint64_t k = 0; k < rows[i].want; k++) {
            const uint8_t *ip = got.p + 24 + k * 70 + 16 + 14;
            CHECK_EQ(rows[i].name, load_be32(ip + 12), 0xc0a80001 + k);
            CHECK_EQ(rows[i].name, ones_sum(0, ip, 20), 0xffff);
        }
        bytes_free(&got);
        temp_remove(&t);
    }
}

static void test_synflood_times(void **state)
{
    static const struct {
        const char *name;
        uint64_t count;
        int64_t start_ns, interval_ns;
        bool ok;
    } rows[] = {
        {"the last second there is", 2, INT64_C(4294967294000000000), 1000000000, true},
        {"a second too late", 3, INT64_C(4294967294000000000), 1000000000, false},
        {"starts too late", 1, INT64_C(4294967296000000000), 1000000000, false},
        {"before the epoch", 1, -1, 1000000000, false},
        {"backwards", 2, 5000000000, -1, false},
        {"far too many", UINT64_MAX, 1000000000, 1000000000, false},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct clv_synflood_params params = {.count = rows[i].count,
                                                   .start_ns = rows[i].start_ns,
                                                   .interval_ns = rows[i].interval_ns};
        struct temp t;
        struct clv_error err = {0};
        temp_make(&t);
        CHECK_EQ(rows[i].name, clv_generate_synflood(temp_path(&t, "a"), &params, NULL, &err),
                 rows[i].ok);
        CHECK_EQ(rows[i].name, err.code, rows[i].ok ? CLV_ERR_NONE : CLV_ERR_ARG);
        CHECK_EQ(rows[i].name, temp_has(&t, "a"), rows[i].ok);
        temp_remove(&t);
    }
}

UNIT(build)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum),       cmocka_unit_test(test_frames),
        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_udp_checksum_zero),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_headers_apart),
        cmocka_unit_test(test_synflood),       cmocka_unit_test(test_synflood_count),
        cmocka_unit_test(test_synflood_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
