/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generates captures.
 */
#ifndef CLEAVE_GENERATE_H
#define CLEAVE_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleave/option.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A SYN flood: TCP SYN packets over Ethernet and IPv4, one sender after another. IP id 0, TTL 64,
 * TCP sequence number 0xdeadbeef, window 65535, no options; packet i (from 0) comes from src + i
 * and has the time start_ns + i * interval_ns. For members that are zero, the default in their
 * comment is used.
 */
struct clv_synflood_params {
    size_t struct_size;     /* as in struct clv_split_params */
    uint64_t count;         /* packets; 0: 100 */
    uint8_t src[4], dst[4]; /* IPv4; 0.0.0.0: 192.168.0.1 and 172.16.0.1 */
    uint16_t sport, dport;  /* 0: 60001 and 80 */
    int64_t start_ns;       /* since the epoch; 0: 1 s */
    int64_t interval_ns;    /* 0: 1 s */
    bool pad;               /* zeros up to Ethernet's minimum, 60 bytes without FCS */
    bool nanoseconds;       /* save times in nanoseconds */
    bool overwrite;         /* replace an existing file */
    /* Called from time to time with the number of packets so far; return false to stop with
     * CLV_ERR_CANCELLED, which may leave an incomplete file. NULL: none. */
    bool (*progress)(uint64_t packets, void *user);
    void *user;
};

/* The options of struct clv_synflood_params. Threads: any. */
CLV_API const struct clv_option *clv_synflood_options(size_t i);

/* For struct clv_synflood_params. */
#ifdef __cplusplus
#define CLV_SYNFLOOD_PARAMS_INIT                                                                   \
    {                                                                                              \
        sizeof(struct clv_synflood_params)                                                         \
    }
#else
#define CLV_SYNFLOOD_PARAMS_INIT                                                                   \
    {                                                                                              \
        .struct_size = sizeof(struct clv_synflood_params)                                          \
    }
#endif

/*
 * Saves a SYN flood at path, "-" is standard output, in memory that does not grow with count.
 * *bytes, where bytes is not NULL, is the savefile's size. The file takes its name when it is
 * complete. false: *err says why, and nothing was made. true, and *err filled: what it replaced
 * could not be removed; *err says where that is. Threads: any number of calls at a time.
 */
CLV_API CLV_MUST_CHECK bool clv_generate_synflood(const char *path,
                                                  const struct clv_synflood_params *params,
                                                  uint64_t *bytes, struct clv_error *err);

enum clv_sizes {
    CLV_SIZES_MIXED = 0, /* about two fifths small, two fifths full frames of 1514 bytes */
    CLV_SIZES_SMALL,     /* frames of 60 to 124 bytes */
    CLV_SIZES_LARGE,     /* full frames, but for what opens and closes a connection */
};

enum clv_savefile {
    CLV_SAVEFILE_PCAP = 0,
    CLV_SAVEFILE_PCAP_NS,
    CLV_SAVEFILE_PCAPNG, /* times in nanoseconds */
};

enum clv_byte_order {
    CLV_LITTLE_ENDIAN = 0,
    CLV_BIG_ENDIAN,
};

/*
 * A mix of traffic for tests and benchmarks: Ethernet, with correct checksums and increasing times.
 * The same parameters give the same bytes (with a skew other than 100, where pow() is the same).
 * Flow sizes follow Zipf's law: the flow of rank r has packets in proportion to 1 / r^(skew / 100),
 * at least one. Shares are per cent.
 */
struct clv_traffic_params {
    size_t struct_size; /* as in struct clv_split_params */
    uint64_t flows;     /* 0: 1000; each has a tuple of its own */
    uint64_t packets;   /* at least one per flow; 0: by bytes, or 100 per flow */
    uint64_t bytes;     /* where packets is 0: the savefile's size, about; 0: by packets */
    uint64_t seed;
    uint64_t alive; /* flows that are under way at a time, about; 0: 10,000 */
    unsigned skew;  /* hundredths of Zipf's exponent; 100 is usual, 0: flows of equal size */
    unsigned ipv6, vlan, udp; /* shares of the flows */
    unsigned fragments;       /* share of the UDP flows whose datagrams are too long for a frame */
    unsigned other;           /* share of the packets: ARP */
    enum clv_sizes sizes;
    enum clv_savefile format;
    enum clv_byte_order byte_order;
    bool overwrite;    /* replace existing files */
    const char *truth; /* NULL, or a path for a CSV of the flows: tuple, packets, bytes, times */
    bool (*progress)(uint64_t packets, void *user); /* as for a SYN flood */
    void *user;
    /*
     * Generate flows that belong together: hosts look up names, and speak TLS, QUIC, HTTP, SIP with
     * RTP, FTP or TFTP with the hosts that they found; routers send errors. There may be a few more
     * flows than `flows`. alive is the number of hosts, 0: 100; packets, bytes, a skew but for 100,
     * sizes and the other shares must be 0. For each flow, in the order of first packets, the truth
     * has its number; the number of the flow that led to it, in which way, and how long after the
     * announcement; and the flow where both started, with the number of the lookup in it.
     */
    bool related;
};

/* The options of struct clv_traffic_params. Threads: any. */
CLV_API const struct clv_option *clv_traffic_options(size_t i);

/* For struct clv_traffic_params. */
#ifdef __cplusplus
#define CLV_TRAFFIC_PARAMS_INIT                                                                    \
    {                                                                                              \
        sizeof(struct clv_traffic_params)                                                          \
    }
#else
#define CLV_TRAFFIC_PARAMS_INIT                                                                    \
    {                                                                                              \
        .struct_size = sizeof(struct clv_traffic_params)                                           \
    }
#endif

/*
 * Saves the mix at path, "-" is standard output. *bytes and *packets, where not NULL, say how much.
 * Memory: 4 bytes per flow and 100 per flow under way; 150 per related flow. Files take their names
 * when they are complete, the truth first. *err and threads: as for a SYN flood.
 */
CLV_API CLV_MUST_CHECK bool clv_generate_traffic(const char *path,
                                                 const struct clv_traffic_params *params,
                                                 uint64_t *bytes, uint64_t *packets,
                                                 struct clv_error *err);

#ifdef __cplusplus
}
#endif

#endif
