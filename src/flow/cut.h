/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where one flow ends and another of the same key begins: at a new TCP connection, after silence,
 * after a time, a size or a number of records.
 *
 * Times may be wrong, and no single one decides for long: silence is counted from the last record,
 * or from the one before it where that is nearer; a flow's beginning goes back only with two
 * records in a row; and a slice ends where the clock goes back by more than one, too.
 */
#ifndef CLEAVE_FLOW_CUT_H
#define CLEAVE_FLOW_CUT_H

#include <stdbool.h>
#include <stdint.h>

enum flow_every {
    FLOW_EVERY_NONE = 0,
    FLOW_EVERY_NS,    /* of the records' time, aligned to the epoch */
    FLOW_EVERY_BYTES, /* of an output as classic pcap holds it */
    FLOW_EVERY_RECORDS,
};

/* What cuts; all zero: nothing does. */
struct flow_cuts {
    bool connections;
    int64_t idle_ns, active_ns; /* 0: off */
    enum flow_every every;
    uint64_t every_n;
};

static inline bool flow_cuts_any(const struct flow_cuts *c)
{
    return c->connections || c->idle_ns || c->active_ns || c->every;
}

/* Why a flow ended. */
enum flow_end_reason {
    FLOW_ENDED_INPUT = 0, /* with the input */
    FLOW_ENDED_FIN,
    FLOW_ENDED_RST,
    FLOW_ENDED_REUSE, /* a new connection began before this one was seen to end */
    FLOW_ENDED_IDLE,
    FLOW_ENDED_ACTIVE,
    FLOW_ENDED_EVERY,
};

/* What a TCP header says (RFC 9293 section 3.1). */
struct flow_tcp {
    uint32_t seq, ack;
};

/* How far a flow is; zeroed at its beginning. */
struct flow_cut {
    uint32_t initial[2]; /* sequence number by direction, where `known` has its bit */
    uint8_t known;
    uint8_t tcp_flags; /* of both directions */
    uint8_t reason;    /* enum flow_end_reason; once it is over */
    bool has_time;
    bool over;     /* another flow of its key has begun */
    uint32_t part; /* from 1: of the flows of the key */
    uint32_t head; /* the first of these: its number in the table + 1; 0: this one */
    uint64_t bytes, records;
    /* Meaningless unless has_time: where it began, its last record, and the one before that. */
    int64_t first_ns, last_ns, prior_ns;
    int64_t slice; /* of time, counted from the epoch */
};

/* A record on its way into a flow. */
struct flow_step {
    int64_t ts_ns;       /* INT64_MIN: it has no time */
    uint32_t record_len; /* bytes, as classic pcap holds it */
    uint8_t dir;
    bool other; /* of no flow: only `every` cuts */
    uint8_t tcp_flags;
    bool tcp; /* seq and ack are */
    struct flow_tcp header;
};

/* true: the record is the first of the next flow. cut->reason says why this one ended. */
bool flow_cut_before(const struct flow_cuts *cuts, struct flow_cut *cut,
                     const struct flow_step *step);

/* The record became part of the flow. */
void flow_cut_pass(const struct flow_cuts *cuts, struct flow_cut *cut,
                   const struct flow_step *step);

/* "fin" and the like. Static. */
const char *flow_end_word(const struct flow_cuts *cuts, const struct flow_cut *cut);

#endif
