/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: packets from nothing. Inside it, headers are built apart from the payload, whose sum the
 * caller may know already.
 */
#ifndef CLEAVE_GENERATE_BUILD_H
#define CLEAVE_GENERATE_BUILD_H

#include "base/fail.h"
#include "cleave/packet.h"

enum { BUILD_HEADERS_MAX = 14 + 4 + 40 + 20 };

/* The sum of the payload's 16-bit words, as checksums take it; NULL: zeros. */
uint32_t build_sum(const void *payload, size_t len);

/*
 * Writes all headers of a frame that clv_packet_build() would accept; the payload of
 * spec->payload_len bytes, with the given sum, belongs behind them. Returns the headers' length.
 */
size_t build_headers(const struct clv_packet_spec *spec, uint32_t payload_sum, uint8_t *buf);

#endif
