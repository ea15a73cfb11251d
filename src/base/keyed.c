/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/keyed.h"

#include "base/secret.h"

#define LOW_127 (UINT64_MAX >> 1) /* of the upper half */

static inline struct keyed_hash add(struct keyed_hash a, struct keyed_hash b)
{
    const uint64_t lo = a.lo + b.lo;
    return (struct keyed_hash){lo, a.hi + b.hi + (lo < b.lo)};
}

static inline struct keyed_hash mul(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 wide;
    const wide w = (wide)a * b;
    return (struct keyed_hash){(uint64_t)w, (uint64_t)(w >> 64)};
#else
    const uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    const uint64_t low = al * bl, mid = ah * bl + (low >> 32), other = al * bh + (uint32_t)mid;
    return (struct keyed_hash){other << 32 | (uint32_t)low, ah * bh + (mid >> 32) + (other >> 32)};
#endif
}

static inline uint64_t load(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline struct keyed_hash nh_step(const uint64_t *k, const uint8_t *p)
{
    return mul(k[0] + load(p), k[1] + load(p + 8));
}

/* Two sums side by side: neither waits for the other's carry. */
static inline struct keyed_hash nh(const uint64_t *k, const uint8_t *p, size_t len)
{
    struct keyed_hash a = {0, 0}, b = {0, 0};
    for (; len >= 32; p += 32, k += 4, len -= 32) {
        a = add(a, nh_step(k, p));
        b = add(b, nh_step(k + 2, p + 16));
    }
    for (; len; k += 2) {
        uint8_t last[16] = {0};
        const size_t n = len < sizeof last ? len : sizeof last;
        memcpy(last, p, n);
        b = add(b, nh_step(k, last));
        p += n;
        len -= n;
    }
    return add(a, b);
}

/* 2^127 is 1: what is above goes to the bottom. The result is 2^127 at most. */
static inline struct keyed_hash fold(struct keyed_hash x)
{
    return add((struct keyed_hash){x.lo, x.hi & LOW_127}, (struct keyed_hash){x.hi >> 63, 0});
}

/* (x + y) * k modulo 2^127 - 1, the one value below it; x was such a value, k is below 2^127. */
static struct keyed_hash horner(struct keyed_hash x, struct keyed_hash y, struct keyed_hash k)
{
    const struct keyed_hash s = fold(add(x, fold(y)));
    const struct keyed_hash low = mul(s.lo, k.lo), high = mul(s.hi, k.hi);
    const struct keyed_hash m = mul(s.lo, k.hi), n = mul(s.hi, k.lo);
    /* m and n are below 2^127 each: their sum does not overflow, nor does what is added to it. */
    const struct keyed_hash mid = add(add(m, n), (struct keyed_hash){low.hi, 0});
    const struct keyed_hash top = add(high, (struct keyed_hash){mid.hi, 0});
    const struct keyed_hash bottom = {low.lo, mid.lo & LOW_127};
    /* The product shifted right by 127: top * 2 and the bit that is left over; top is below 2^126.
     */
    const struct keyed_hash above = {top.lo << 1 | mid.lo >> 63, top.hi << 1 | top.lo >> 63};
    struct keyed_hash r = fold(add(bottom, above));
    r = fold(r);
    const bool is_zero = r.lo == UINT64_MAX && r.hi == LOW_127;
    return is_zero ? (struct keyed_hash){0, 0} : r;
}

bool keyed_draw(struct keyed *k, struct clv_error *err)
{
    if (!secret_bytes(k, sizeof *k, err))
        return false;
    k->blocks.hi &= LOW_127;
    k->chain.hi &= LOW_127;
    return true;
}

struct keyed_hash keyed_bytes(const struct keyed *k, const void *p, size_t len)
{
    const uint8_t *at = p;
    if (CLV_LIKELY(len <= KEYED_BLOCK))
        return nh(k->block, at, len);
    struct keyed_hash sum = {0, 0};
    for (; len; at += KEYED_BLOCK) {
        const size_t n = len < KEYED_BLOCK ? len : KEYED_BLOCK;
        sum = horner(sum, nh(k->block, at, n), k->blocks);
        len -= n;
    }
    return sum;
}

struct keyed_hash keyed_fixed(const struct keyed *k, const void *p, size_t len)
{
    return nh(k->fixed, p, len);
}

struct keyed_hash keyed_few(const struct keyed *k, const struct keyed_hash *h)
{
    return nh(k->few, (const uint8_t *)h, KEYED_FEW * sizeof *h);
}

struct keyed_hash keyed_chain(const struct keyed *k, struct keyed_hash before,
                              struct keyed_hash next)
{
    return horner(before, next, k->chain);
}
