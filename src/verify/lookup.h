/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether libpcap would look up names of hosts to compile a filter: whoever verifies a directory
 * that somebody else made asks nobody about the names in it.
 */
#ifndef CLEAVE_VERIFY_LOOKUP_H
#define CLEAVE_VERIFY_LOOKUP_H

#include "job/receipt_read.h"

enum { FILTER_WORD_MAX = 64 };

/*
 * true: compiling the expression might look up a name, the word. Ports and protocols are looked up
 * in files of this system, and do not count.
 */
bool filter_looks_up(const char *expression, char word[FILTER_WORD_MAX]);

/* false: the run's filter would. */
CLV_MUST_CHECK bool verify_filter(const struct clv_receipt *receipt, struct clv_error *err);

#endif
