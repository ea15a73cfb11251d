/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fragments follow the first fragment of their datagram, which alone has ports (RFC 791 section
 * 3.2, RFC 8200 section 4.5). They are taken in the input's order. One that comes before the first
 * waits for it, for a stated stretch of the input, so that what becomes of it depends on the input
 * alone. A datagram that is complete, or older than 60 s, is over: the id is free for the next.
 *
 * Memory is bounded: there is room for FRAGMENTS_DATAGRAMS, complete ones included; the oldest
 * makes way for a new one, and is counted if it was under way. Threads: one at a time.
 */
#ifndef CLEAVE_FLOW_FRAGMENTS_H
#define CLEAVE_FLOW_FRAGMENTS_H

#include "flow/anykey.h"

enum {
    FRAGMENTS_DATAGRAMS = 16384,
    FRAGMENTS_LOOKAHEAD = 1 << 20, /* bytes of input in which a first fragment is waited for */
    FRAGMENTS_FILES = 16,          /* the input with this distance is too far */
};

struct fragments;

/* A fragment as the input has it, and who wants to know. */
struct fragment {
    const struct decode_fragment *f;
    const struct flow_origin *origin; /* the first fragment's counts */
    int64_t ts_ns;
    uint64_t position; /* in the run's input, bytes */
    uint32_t file;     /* number of the input */
    void *owner;
    uint32_t number;
};

/*
 * Tells what becomes of a later fragment. origin NULL: its first fragment did not come. Without
 * link addresses: they are the later fragment's own.
 */
typedef void fragments_settle(void *user, void *owner, uint32_t number,
                              const struct flow_origin *origin);

/* The secret is borrowed. NULL: no memory. */
struct fragments *fragments_create(fragments_settle *settle, void *user,
                                   const struct secret *secret);
void fragments_destroy(struct fragments **fr);

/* Takes the next fragment. It is settled now, or waits. false: no memory. */
CLV_MUST_CHECK bool fragments_take(struct fragments *fr, const struct fragment *fragment);

/* The input has come to the position in the file: who has waited too long is settled. */
void fragments_advance(struct fragments *fr, uint64_t position, uint32_t file);

/* The input is over. */
void fragments_end(struct fragments *fr);

uint64_t fragments_waiting(const struct fragments *fr);

/* Datagrams that were forgotten under way, for lack of room. */
uint64_t fragments_overflow(const struct fragments *fr);

#endif
