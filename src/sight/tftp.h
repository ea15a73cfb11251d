/* SPDX-License-Identifier: BSD-2-Clause */
/* TFTP's requests (RFC 1350 section 5, options of RFC 2347). */
#ifndef CLEAVE_SIGHT_TFTP_H
#define CLEAVE_SIGHT_TFTP_H

#include "sight/sight.h"

/* true: a read or write request; *file is the file's name, within the packet. */
bool sight_tftp_request(struct clv_span packet, struct clv_span *file);

#endif
