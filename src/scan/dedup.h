/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Duplicates: records that repeat one before them, as mirror ports, two taps and several interfaces
 * make them. What is compared is a digest that the scan makes of a record: of its datagram, from
 * the network header that counts to where that says it ends, without what is ignored; and of what
 * the key has beside it. A record without a network address is compared as a whole.
 *
 * A record is a duplicate if the latest one with its digest, among the DEDUP_RECORDS before it, is
 * no further away in time than the window. That is a matter of the records' order alone.
 */
#ifndef CLEAVE_SCAN_DEDUP_H
#define CLEAVE_SCAN_DEDUP_H

#include "decode/decode.h"
#include "flow/anykey.h"
#include "walk/walk.h"

struct pass;
struct scan_settings;

enum { DEDUP_RECORDS = 1 << 20 };

struct dedup_plan {
    int64_t window_ns; /* more than 0 */
    unsigned ignore;   /* what may differ, bits of dedup.c's table */
};

/* Reads "ttl,vlan", the text of an option of that name; NULL: nothing is ignored. */
CLV_MUST_CHECK bool dedup_parse_ignore(struct dedup_plan *plan, const char *option,
                                       const char *text, struct clv_error *err);

/*
 * What is compared of a record. o->tuple.family 0: it has no network address, and place means
 * nothing. Never all zero but for a record of which nothing was captured: these are never alike.
 */
struct keyed_hash dedup_digest(const struct dedup_plan *plan, const struct flow_by *by,
                               const struct flow_origin *o, const struct decode_place *place,
                               const struct walk_record *rec);

struct dedup_counts {
    uint64_t records, copies; /* dropped; items beyond one per record */
};

struct dedup_seen;

struct dedup {
    const struct scan_settings *scan; /* settled before the pass is run */
    struct dedup_counts seen;         /* those up to the last run that ended */

    struct dedup_counts counts;
    struct dedup_seen *ring; /* of the last records, made when the first one is met */
    uint32_t *heads;         /* of chains in it */
    uint32_t n;              /* number of the next record, modulo 2^32 */
};

struct pass dedup_pass(struct dedup *d);

void dedup_fini(struct dedup *d);

#endif
