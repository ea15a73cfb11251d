/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expressions in the language of Wireshark's display filters, which people write where libpcap's is
 * meant: what they would be in that one.
 */
#ifndef CLEAVE_SCAN_DISPLAY_H
#define CLEAVE_SCAN_DISPLAY_H

#include "base/fail.h"
#include "base/text.h"

/*
 * Puts what pcap-filter(7) has for the expression into *out. false: it is in no language that is
 * known here, or does not fit; *out is of no use then. Threads: any.
 */
CLV_MUST_CHECK bool display_translate(const char *expression, struct text *out);

#endif
