/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keyed hashes, for comparing what somebody may have altered on purpose. The key is random and
 * leaves the process nowhere: whoever alters the bytes before it is drawn makes two different texts
 * of the same length alike with a probability below 2^-60, whatever the bytes are and however long
 * they are thought about. A hash without a key, or with one that can be guessed, has no such bound:
 * of XXH3 second preimages can be computed.
 *
 *   NH          words of 64 bits: the sum of (m[2i] + k[2i]) * (m[2i+1] + k[2i+1]) modulo 2^128;
 *               two texts of one length differ by any given amount with probability 2^-64 at most
 *               (Black, Halevi, Krawczyk, Krovetz, Rogaway: UMAC, CRYPTO '99, theorem 4.2, w = 64)
 *   polynomial  of hashes, modulo the prime 2^127 - 1: of n hashes, n / 2^126 at most
 *
 * Together that is VHASH (Krovetz and Dai, 2007) but for its last step. Hashes are compared within
 * one process alone: words are loaded in this machine's byte order.
 */
#ifndef CLEAVE_BASE_KEYED_H
#define CLEAVE_BASE_KEYED_H

#include "base/bytes.h"
#include "base/fail.h"

enum {
    KEYED_BLOCK = 2048, /* bytes: most packets are one block */
    KEYED_FIXED = 80,   /* bytes of the longest text of a fixed length */
    KEYED_FEW = 4,
};

struct keyed_hash {
    uint64_t lo, hi;
};

struct keyed {
    uint64_t block[KEYED_BLOCK / 8];
    uint64_t fixed[KEYED_FIXED / 8], few[2 * KEYED_FEW];
    struct keyed_hash blocks, chain; /* below 2^127 */
};

/* Draws a key. */
CLV_MUST_CHECK bool keyed_draw(struct keyed *k, struct clv_error *err);

/* Of len bytes; texts of different lengths may have one hash. */
struct keyed_hash keyed_bytes(const struct keyed *k, const void *p, size_t len);

/* Of a text whose length, up to KEYED_FIXED bytes, never changes; it may have results of the above.
 */
struct keyed_hash keyed_fixed(const struct keyed *k, const void *p, size_t len);

/* Of KEYED_FEW results of keyed_bytes(). */
struct keyed_hash keyed_few(const struct keyed *k, const struct keyed_hash *h);

/* Of hashes in their order: what came before, and the next one. */
struct keyed_hash keyed_chain(const struct keyed *k, struct keyed_hash before,
                              struct keyed_hash next);

static inline bool keyed_equal(struct keyed_hash a, struct keyed_hash b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

#endif
