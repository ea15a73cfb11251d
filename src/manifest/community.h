/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Community ID v1 (https://github.com/corelight/community-id-spec): "1:" and the SHA-1 of a flow's
 * tuple in base64, by which other tools' records of the same flow are found.
 */
#ifndef CLEAVE_MANIFEST_COMMUNITY_H
#define CLEAVE_MANIFEST_COMMUNITY_H

#include "base/fail.h"
#include "flow/table.h"

enum { COMMUNITY_ID_LEN = 30 }; /* bytes, without the terminating zero */

/* false: this build lacks the library, *err says so. */
CLV_MUST_CHECK bool community_supported(struct clv_error *err);

/* false: the flow has none, since its key is not a whole tuple; or the library is lacking. */
bool community_id(const struct flow_by *by, const struct flow *f, uint16_t seed,
                  char id[COMMUNITY_ID_LEN + 1]);

/* As clv_community_id(). */
bool community_id_of_tuple(const struct clv_tuple *t, const uint8_t *icmp, uint16_t seed,
                           char id[COMMUNITY_ID_LEN + 1]);

#endif
