/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of a TCP connection, put in order within bounds (RFC 9293 section 3.4): segments
 * that repeat, overlap, or come early. The first bytes that arrive for a sequence number count.
 * What has a gap that does not close is given up: the stream goes on behind it.
 */
#ifndef CLEAVE_SIGHT_SEGMENTS_H
#define CLEAVE_SIGHT_SEGMENTS_H

#include "sight/sight.h"

enum { SIGHT_STREAM = 16384, SIGHT_STREAM_EXTENTS = 8 };

struct sight_stream {
    uint8_t *bytes; /* bytes of sequence numbers from next on; grows up to SIGHT_STREAM */
    uint32_t cap;   /* bytes of room */
    uint32_t next;  /* sequence number of bytes[0] */
    bool begun;     /* next is known */
    bool broken;    /* something was given up since sight_stream_front() was asked last */
    unsigned n;     /* extents, in order, apart: what has arrived */
    struct {
        uint32_t from, to; /* in bytes; the front is extent 0 if that begins at 0 */
    } extents[SIGHT_STREAM_EXTENTS];
};

/* A zeroed stream is ready. */
void sight_stream_fini(struct sight_stream *s);

/* The connection begins: its first byte has this number (that of the SYN, and one). */
void sight_stream_begin(struct sight_stream *s, uint32_t first);

/*
 * Adds a segment. false: no memory. Where nothing was begun, the stream begins with it. What the
 * record holds less than the packet had on the wire (a snaplen) is a gap.
 */
bool sight_stream_add(struct sight_stream *s, uint32_t seq, struct clv_span segment);

/* The bytes that are there without a gap, from `next` on. */
struct clv_span sight_stream_front(const struct sight_stream *s);

/* Takes n bytes of the front away; more than the front has: they are passed over when they come. */
void sight_stream_take(struct sight_stream *s, uint64_t n);

/* true, once, after a gap was given up: the front begins anew, anywhere in a message. */
bool sight_stream_broke(struct sight_stream *s);

#endif
