/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sized.h"
#include "cleave/generate.h"
#include "generate/saver.h"

#define AT(member) offsetof(struct clv_synflood_params, member)

enum {
    SECOND = 1000000000,
    COUNT_DEFAULT = 100,
    ETHER_MIN = 60, /* without FCS */
    FRAME_MAX = 64,
    TCP_SYN = 0x02,
    SAVEFILE_HEADER = 24,
    RECORD_HEADER = 16,
    ASK = 1 << 16, /* packets between two questions whether to go on */
};

static const uint8_t zero[4];

static bool generate(const char *path, const struct clv_synflood_params *params, uint64_t *bytes,
                     struct clv_error *err)
{
    static const uint8_t src_default[4] = {192, 168, 0, 1}, dst_default[4] = {172, 16, 0, 1};
    const uint64_t count = params->count ? params->count : COUNT_DEFAULT;
    const int64_t start = params->start_ns ? params->start_ns : SECOND;
    const int64_t interval = params->interval_ns ? params->interval_ns : SECOND;
    const bool src_given = memcmp(params->src, zero, 4) != 0;
    const bool dst_given = memcmp(params->dst, zero, 4) != 0;
    const uint32_t first = load_be32(src_given ? params->src : src_default);
    struct clv_packet_spec spec = {
        .eth_src = {0, 0, 1, 0, 0, 1},
        .eth_dst = {0, 0, 1, 0, 0, 2},
        .tuple = {.sport = params->sport ? params->sport : 60001,
                  .dport = params->dport ? params->dport : 80,
                  .proto = CLV_PROTO_TCP,
                  .family = 4,
                  .flags = CLV_TUPLE_PORTS,
                  .tcp_flags = TCP_SYN},
        .tcp_seq = 0xdeadbeef,
    };
    memcpy(spec.tuple.dst, dst_given ? params->dst : dst_default, 4);
    const int64_t last_s = UINT32_MAX;
    if (start < 0 || interval < 0 || start / SECOND > last_s ||
        (interval && count - 1 > (uint64_t)((last_s * SECOND - start) / interval)))
        return clv_fail(
            err, CLV_ERR_ARG, path,
            "a start at %lld s and %llu packets %lld ns apart exceed pcap's 32-bit seconds",
            (long long)(start / SECOND), (unsigned long long)count, (long long)interval);
    if (interval && interval < 1000 && !params->nanoseconds)
        return clv_fail(err, CLV_ERR_ARG, path,
                        "packets %lld ns apart need a capture with nanoseconds",
                        (long long)interval) ||
               clv_fail_hint(err, "--nanoseconds makes one");
    struct clv_saver *saver;
    const struct clv_saver_params sp = {.nanoseconds = params->nanoseconds,
                                        .overwrite = params->overwrite};
    uint8_t frame[FRAME_MAX] = {0};
    size_t len = params->pad ? ETHER_MIN : clv_packet_build(&spec, frame, sizeof frame, err);
    if (!len || !clv_saver_open(&saver, path, &sp, err))
        return false;
    const uint64_t size = SAVEFILE_HEADER + count * (RECORD_HEADER + len);
    bool ok = saver_fits(saver, size, err);
    for (uint64_t i = 0; ok && i < count; i++) {
        if (i % ASK == 0 && params->progress && !params->progress(i, params->user)) {
            ok = clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
            break;
        }
        store_be32(spec.tuple.src, first + (uint32_t)i);
        len = clv_packet_build(&spec, frame, sizeof frame, err);
        if (len && params->pad)
            len = ETHER_MIN; /* the bytes behind the packet were never written to */
        ok = len && clv_saver_put(saver, start + (int64_t)i * interval, frame, (uint32_t)len,
                                  (uint32_t)len, err);
    }
    if (!ok) {
        saver_abandon(&saver, err);
        return false;
    }
    if (bytes)
        *bytes = size;
    return clv_saver_close(&saver, err);
}

bool clv_generate_synflood(const char *path, const struct clv_synflood_params *params,
                           uint64_t *bytes, struct clv_error *err)
{
    struct clv_synflood_params own;
    return sized_take(&own, sizeof own, SIZED_END(struct clv_synflood_params, overwrite), params,
                      err) &&
           generate(path, &own, bytes, err);
}

static const struct clv_option rows[] = {
    {"count", 'c', CLV_OPTION_U64, false, AT(count), 0, 1, UINT64_C(1) << 48, "N", "100",
     "number of packets", CLV_GROUP_NONE},
    {"src", 0, CLV_OPTION_IPV4, false, AT(src), 0, 0, 0, "ADDR", "192.168.0.1",
     "source of the first packet; the next ones count up", CLV_GROUP_NONE},
    {"dst", 0, CLV_OPTION_IPV4, false, AT(dst), 0, 0, 0, "ADDR", "172.16.0.1",
     "destination address", CLV_GROUP_NONE},
    {"sport", 0, CLV_OPTION_U16, false, AT(sport), 0, 1, 65535, "PORT", "60001", "source port",
     CLV_GROUP_NONE},
    {"dport", 0, CLV_OPTION_U16, false, AT(dport), 0, 1, 65535, "PORT", "80", "destination port",
     CLV_GROUP_NONE},
    {"start", 0, CLV_OPTION_DURATION, false, AT(start_ns), 0, 1, 0, "TIME", "1s",
     "time of the first packet, since 1970", CLV_GROUP_NONE},
    {"interval", 0, CLV_OPTION_DURATION, false, AT(interval_ns), 0, 1, 0, "TIME", "1s",
     "time between packets", CLV_GROUP_NONE},
    {"pad", 0, CLV_OPTION_BOOL, false, AT(pad), 0, 0, 0, NULL, NULL,
     "pad packets to 60 bytes, Ethernet's minimum", CLV_GROUP_NONE},
    {"nanoseconds", 0, CLV_OPTION_BOOL, false, AT(nanoseconds), 0, 0, 0, NULL, NULL,
     "write times in nanoseconds", CLV_GROUP_NONE},
    {"force", 'f', CLV_OPTION_BOOL, false, AT(overwrite), 0, 0, 0, NULL, NULL,
     "replace an existing file", CLV_GROUP_NONE},
};

const struct clv_option *clv_synflood_options(size_t i)
{
    return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}
