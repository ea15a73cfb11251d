/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hashes of a run's tables are keyed with. It is drawn anew for each run: whoever makes a
 * capture cannot know which keys share a bucket. XXH3 with a seed would not do. Its 64 bits enter
 * the two factors of a product as k + seed and k - seed, whose sum is public, and some inputs
 * collide for every seed; here all words that enter are random and independent.
 *
 * No result depends on it.
 */
#ifndef CLEAVE_BASE_SECRET_H
#define CLEAVE_BASE_SECRET_H

#include <assert.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/fail.h"
#include "base/keyed.h"

enum { SECRET_LEN = 192 }; /* bytes; as many as XXH3's own has */

struct secret {
    uint8_t bytes[SECRET_LEN];
};

static_assert((int)SECRET_LEN >= (int)XXH3_SECRET_SIZE_MIN, "what XXH3 reads of it");

/* Fills the len bytes at p with random ones. false: the system gives none. */
CLV_MUST_CHECK bool secret_bytes(void *p, size_t len, struct clv_error *err);

CLV_MUST_CHECK bool secret_draw(struct secret *s, struct clv_error *err);

/* Well mixed in all bits. */
CLV_INLINE uint64_t secret_hash(const struct secret *s, const void *p, size_t len)
{
    return XXH3_64bits_withSecret(p, len, s->bytes, sizeof s->bytes);
}

/*
 * 128 bits that stand for the bytes themselves: two inputs that were chosen without knowing the
 * secret share them with a probability that can be neglected.
 */
static inline struct keyed_hash secret_hash128(const struct secret *s, const void *p, size_t len)
{
    const XXH128_hash_t h = XXH3_128bits_withSecret(p, len, s->bytes, sizeof s->bytes);
    return (struct keyed_hash){h.low64, h.high64};
}

#endif
