/* SPDX-License-Identifier: BSD-2-Clause */
/* More functions of a saver, for the library itself. */
#ifndef CLEAVE_GENERATE_SAVER_H
#define CLEAVE_GENERATE_SAVER_H

#include "base/fail.h"
#include "cleave/packet.h"

/* false: the file system has no room for so many bytes. */
CLV_MUST_CHECK bool saver_fits(const struct clv_saver *s, uint64_t bytes, struct clv_error *err);

/* Destroys it after a failure, to whose *err a hint is added where there is one. */
void saver_abandon(struct clv_saver **s, struct clv_error *err);

#endif
