/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC-32 as gzip and zip have it (RFC 1952, section 8; APPNOTE.TXT, section 4.4.7), computed by
 * libdeflate or zlib.
 */
#ifndef CLEAVE_BASE_CRC_H
#define CLEAVE_BASE_CRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* false: this build has neither library, and crc_add() returns 0. */
bool crc_supported(void);

/* The CRC of bytes whose CRC is crc, followed by the n bytes at p. Of no bytes it is 0. */
uint32_t crc_add(uint32_t crc, const void *p, size_t n);

#endif
