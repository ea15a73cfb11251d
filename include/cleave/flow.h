/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of flows, row by row: what clv_split() shows to the on_flow of its params.
 */
#ifndef CLEAVE_FLOW_H
#define CLEAVE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleave/packet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which parts of the tuple are in the key of a flow. */
enum clv_flow_has {
    CLV_FLOW_SRC = 1 << 0,
    CLV_FLOW_DST = 1 << 1,
    CLV_FLOW_SPORT = 1 << 2,
    CLV_FLOW_DPORT = 1 << 3,
    CLV_FLOW_PROTO = 1 << 4,
};

/* What one end of a flow sent. */
struct clv_flow_sent {
    uint64_t packets;
    uint64_t captured_bytes; /* of packets */
    uint64_t wire_bytes;     /* by original lengths */
    uint8_t tcp_flags;       /* all that were seen (RFC 9293 section 3.1) */
};

/* Who opened a flow. */
enum clv_flow_initiator {
    CLV_INITIATOR_NONE = 0, /* it is not known, or several flows are in one output, or none is */
    CLV_INITIATOR_SRC,
    CLV_INITIATOR_DST,
};

/* How that is known. */
enum clv_flow_initiator_by {
    CLV_INITIATOR_BY_NONE = 0,
    CLV_INITIATOR_BY_SYN,    /* its first record, or that of an earlier part, is a SYN */
    CLV_INITIATOR_BY_SYNACK, /* or answers one */
    CLV_INITIATOR_BY_LOOKUP, /* the one end had looked up the other one's address */
};

/* Of the library, for clv_flow_column(). */
struct clv_flow_row;

/*
 * An output and the flow in it. The library makes it; later versions may add members at its end. It
 * and everything that it points to are valid until on_flow returns.
 */
struct clv_flow {
    const char *name; /* of the output, below the output directory; also in a dry run */
    uint32_t number;  /* of the flow, in order of appearance, from 1, as that of the output of its
                         first part; 0: records of no flow (`other`) */
    uint32_t part;    /* of the flow, from 1, where something cuts flows; else 0 */
    uint32_t shard;   /* from 0; CLV_NO_SHARD: there are none */
    uint32_t input;   /* with each: the number of the capture, from 1; else 0 */
    /*
     * src is the sender of the flow's first record, the client, or the host, depending on the key.
     * Parts that are not in the key (see `has`) are 0, and so is tcp_flags.
     */
    struct clv_tuple tuple;
    struct clv_tuple
        outer; /* with inner: of the first record, outside of tunnels; family 0: none */
    struct clv_flow_sent src, dst;
    int64_t first_ns, last_ns; /* earliest and latest record; CLV_NO_TIME: none has a time */
    uint16_t linktype;         /* LINKTYPE_ number of the output's first record */
    uint8_t has;               /* enum clv_flow_has */
    uint8_t initiator;         /* enum clv_flow_initiator */
    const struct clv_flow_row *row;
    uint32_t output;      /* in order of appearance, from 1; 0: as for number */
    uint8_t initiator_by; /* enum clv_flow_initiator_by */
};

/*
 * Called for each output after everything was written and before the outputs get their name, from
 * the thread that called clv_split(), in the order of the manifest: in order of appearance, with
 * records of no flow last. user is params->user. Returning false stops the run: clv_split() fails
 * with CLV_ERR_CANCELLED, and no output is made.
 */
typedef bool clv_split_flow(const struct clv_flow *flow, void *user);

/*
 * The value that the flow has in a column of the manifest (cleave-manifest(5)), such as
 * "community_id", "vlan" or "tunnel", as its CSV has it, without quotes. Writes it into the len
 * bytes at buf, terminated, and returns its length; 0 with buf empty: the run does not have the
 * column, the flow has no value, or it does not fit. 1024 bytes always do.
 */
CLV_API size_t clv_flow_column(const struct clv_flow *flow, const char *column, char *buf,
                               size_t len);

/* The name of the run's i-th column, from 0, in the manifest's order; NULL: no more. Static. */
CLV_API const char *clv_flow_column_name(const struct clv_flow *flow, unsigned i);

#ifdef __cplusplus
}
#endif

#endif
