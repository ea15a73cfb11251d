/* SPDX-License-Identifier: BSD-2-Clause */
/* The header that every output begins with. */
#ifndef CLEAVE_FORMAT_SAVEFILE_H
#define CLEAVE_FORMAT_SAVEFILE_H

#include "format/dialect.h"

/*
 * Fills header with the bytes of a savefile header that says what the input's says. libpcap writes
 * it where libpcap can say the same: this machine's byte order, version 2.4, no FCS length, no time
 * zone. Otherwise the input's own header is taken as it is. Either way the bytes are the input's.
 */
void savefile_header(uint8_t header[PCAP_FILE_HEADER], const struct walk_format *f);

/*
 * A header for converted records, in this machine's byte order. false: libpcap writes none, or has
 * no memory; subject is how *err calls the output.
 */
CLV_MUST_CHECK bool savefile_new_header(uint8_t header[PCAP_FILE_HEADER],
                                        const struct dialect_kind *kind, const char *subject,
                                        struct clv_error *err);

#endif
