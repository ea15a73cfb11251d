/* SPDX-License-Identifier: BSD-2-Clause */
/* What the library's own makers of captures ask of a saver beside what anybody may. */
#ifndef CLEAVE_GENERATE_SAVER_H
#define CLEAVE_GENERATE_SAVER_H

#include "base/fail.h"
#include "cleave/packet.h"

/* false: what is to be saved has so many bytes, and there is no room for them. */
CLV_MUST_CHECK bool saver_fits(const struct clv_saver *s, uint64_t bytes, struct clv_error *err);

/* Destroys it after a failure, to whose *err a hint is added where there is one. */
void saver_abandon(struct clv_saver **s, struct clv_error *err);

#endif
