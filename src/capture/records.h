/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rest of cleave may know of a capture that is read record by record.
 */
#ifndef CLEAVE_CAPTURE_RECORDS_H
#define CLEAVE_CAPTURE_RECORDS_H

#include "input/input.h"
#include "walk/pcapng.h"

/* As clv_capture_open(). */
CLV_MUST_CHECK bool capture_open_at(struct clv_capture **out, const struct input_place *place,
                                    struct clv_error *err);

/* As clv_capture_next(); *offset is the record's byte in the file. */
CLV_MUST_CHECK enum clv_walk capture_next(struct clv_capture *c, struct walk_record *rec,
                                          uint64_t *offset, struct clv_error *err);

const struct walk_format *capture_walk_format(const struct clv_capture *c);

/* pcapng: what the blocks so far said; the state is that behind the last record. */
const struct ledger *capture_ledger(const struct clv_capture *c);
const struct walk_state *capture_state(const struct clv_capture *c);

#endif
