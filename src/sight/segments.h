/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of a TCP connection, put in order within bounds (RFC 9293 section 3.4): segments
 * that repeat, overlap, or come early. The first bytes that arrive for a sequence number count.
 * A gap that does not close is given up: the stream goes on after it.
 */
#ifndef CLEAVE_SIGHT_SEGMENTS_H
#define CLEAVE_SIGHT_SEGMENTS_H

#include "sight/sight.h"

enum { SIGHT_STREAM = 16384, SIGHT_STREAM_EXTENTS = 8 };

struct sight_stream {
    uint8_t *bytes;
    uint32_t cap;   /* bytes of room */
    uint32_t at;    /* where in `bytes` that of `next` belongs */
    uint32_t first; /* what sight_stream_begin() was given last, if it was called */
    uint32_t next;  /* sequence number of the front's first byte */
    uint64_t pass;  /* bytes from `next` on that are passed over; then nothing is kept */
    bool begun;     /* next is known */
    bool opened;    /* first is */
    bool broken;    /* a gap was given up since sight_stream_broke() was asked last */
    unsigned n;     /* extents, in order, apart: what has arrived */
    struct {
        uint32_t from, to; /* distances from `next`; extent 0 is the front if it begins at 0 */
    } extents[SIGHT_STREAM_EXTENTS];
};

/* A zeroed stream is ready. Frees what it holds; it is zeroed again. */
void sight_stream_fini(struct sight_stream *s);

/*
 * The connection begins: its first byte has this number (that of the SYN, and one). What is held
 * of one before is forgotten. A SYN that is repeated changes nothing.
 */
void sight_stream_begin(struct sight_stream *s, uint32_t first);

/*
 * Adds a segment. false: no memory; the segment becomes a gap. Where nothing was begun, the stream
 * begins with the first segment that has bytes. What the record holds less than the packet had on
 * the wire (a snaplen) is a gap.
 * At most SIGHT_STREAM bytes are held from `next` on, but for a segment that continues the front:
 * it is held whole, so that long ones (offloading makes up to 64 KiB) can be read. If the front is
 * longer than SIGHT_STREAM and nothing is taken of it, the next segment gives it up.
 */
bool sight_stream_add(struct sight_stream *s, uint32_t seq, struct clv_span segment);

/* The bytes that are there without a gap, from `next` on. They last until the next call. */
struct clv_span sight_stream_front(const struct sight_stream *s);

/* Takes n bytes of the front away; more than the front has: they are passed over when they come. */
void sight_stream_take(struct sight_stream *s, uint64_t n);

/* true, once, after a gap was given up: the front begins anew, anywhere in a message. */
bool sight_stream_broke(struct sight_stream *s);

#endif
