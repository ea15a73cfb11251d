/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The beginnings of many flows at once: the first bytes, or the lengths and times, of each
 * flow's first packets, as arrays of one shape.
 */
#ifndef CLEAVE_FIRST_H
#define CLEAVE_FIRST_H

#include "cleave/result.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What clv_first_bytes() replaces with zeros. */
enum clv_mask {
    CLV_MASK_IP = 1 << 0,   /* IP's addresses */
    CLV_MASK_MAC = 1 << 1,  /* the frame's addresses */
    CLV_MASK_PORT = 1 << 2, /* ports */
};

/* Set struct_size as CLV_FIRST_PARAMS_INIT does. rows is borrowed. */
struct clv_first_params {
    size_t struct_size;
    const uint64_t *rows; /* clv_rows_id() of the flows */
    size_t n_rows;
    uint32_t packets; /* of each flow, at least 1 */
    /* For clv_first_bytes(): */
    uint32_t header, payload; /* bytes of headers, and of payload, for each packet */
    unsigned mask;            /* enum clv_mask */
    bool link;                /* headers begin at the link layer, not at the IP header */
    unsigned threads;         /* 0: one for each processor that this process may use */
    /* Called now and then from the thread of the caller, with the number of flows that are done;
     * returning false ends it with CLV_ERR_CANCELLED. NULL: none. */
    bool (*progress)(uint64_t flows, void *user);
    void *user;
};

#ifdef __cplusplus
#define CLV_FIRST_PARAMS_INIT                                                                      \
    {                                                                                              \
        sizeof(struct clv_first_params)                                                            \
    }
#else
#define CLV_FIRST_PARAMS_INIT                                                                      \
    {                                                                                              \
        .struct_size = sizeof(struct clv_first_params),                                            \
    }
#endif

/*
 * Fills the n_rows * packets * (header + payload) bytes at matrix: for each row, in the order of
 * rows, for each of its first packets, the first bytes of its headers, then the first bytes of its
 * payload; bytes that it does not have are 0. Headers are that of IP, with its options or extension
 * headers, and that of TCP, UDP, UDP-Lite, SCTP or DCCP. Addresses are those that the result's
 * flows are made from: with the option inner, those inside tunnels.
 *
 * With CLV_MASK_IP and CLV_MASK_PORT checksums are 0 as well, because they depend on what is
 * masked: that of IPv4 with the first, those of TCP, UDP and DCCP with either. CLV_MASK_MAC clears
 * the addresses of Ethernet. For other link layers, and inside tunnels, it clears everything before
 * the IP header; inside tunnels CLV_MASK_IP does so, too. Nothing is masked in payloads. A packet
 * without an IP header is all 0, except with link and no mask.
 *
 * false: *err says why; the matrix is filled in part.
 * Threads: one at a time uses a result; each call starts threads of its own and joins them. Where
 * captures are compressed or merged, one thread reads them once.
 */
CLV_API CLV_MUST_CHECK bool clv_first_bytes(struct clv_result *r,
                                            const struct clv_first_params *params, uint8_t *matrix,
                                            struct clv_error *err);

/*
 * Fills n_rows * packets numbers at sizes and at times, of which one may be NULL, in the same
 * order. sizes: the packet's length on the wire in bytes, negative if the row's dst sent it; 0: the
 * flow has no such packet. times: nanoseconds since the packet before; 0 for the first one, and
 * where a time is missing; negative where the capture's clock went back.
 */
CLV_API CLV_MUST_CHECK bool clv_first_sizes(struct clv_result *r,
                                            const struct clv_first_params *params, int32_t *sizes,
                                            int64_t *times, struct clv_error *err);

#ifdef __cplusplus
}
#endif

#endif
