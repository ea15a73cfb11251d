/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures from nothing.
 */
#ifndef CLEAVE_GENERATE_H
#define CLEAVE_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "cleave/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A SYN flood: TCP SYN packets over Ethernet and IPv4, one sender after another. IP id 0, TTL 64,
 * TCP sequence number 0xdeadbeef, window 65535, no options; packet i (from 0) comes from src + i
 * and is stamped start_ns + i * interval_ns. All-zero members mean the values beside them.
 */
struct clv_synflood_params {
    uint64_t count;         /* packets; 0: 100 */
    uint8_t src[4], dst[4]; /* IPv4; 0.0.0.0: 192.168.0.1 and 172.16.0.1 */
    uint16_t sport, dport;  /* 0: 60001 and 80 */
    int64_t start_ns;       /* since the epoch; 0: 1 s */
    int64_t interval_ns;    /* 0: 1 s */
    bool pad;               /* zeros up to Ethernet's minimum, 60 bytes without FCS */
    bool nanoseconds;       /* save times in nanoseconds */
    bool overwrite;         /* replace an existing file */
};

/*
 * Saves a SYN flood at path, "-" is standard output, in memory that does not grow with count.
 * *bytes, where bytes is not NULL, is the savefile's size. false: *err says why; the file may be
 * there in part. Threads: any number of calls side by side.
 */
CLV_API CLV_MUST_CHECK bool clv_generate_synflood(const char *path,
                                                  const struct clv_synflood_params *params,
                                                  uint64_t *bytes, struct clv_error *err);

#ifdef __cplusplus
}
#endif

#endif
