/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/text.h"

#include <string.h>

#include "base/bytes.h"

void text_put(struct text *t, const char *s, size_t n)
{
    if (CLV_UNLIKELY(n > t->cap - t->len)) {
        n = t->cap - t->len;
        t->full = true;
    }
    memcpy(t->p + t->len, s, n);
    t->len += n;
}

void text_str(struct text *t, const char *s)
{
    text_put(t, s, strlen(s));
}

/* Two digits per division; a manifest of a million rows is mostly numbers. */
void text_u64(struct text *t, uint64_t v, unsigned min_digits)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    enum { DIGITS = 32 };
    char digits[DIGITS];
    unsigned at = DIGITS;
    while (v >= 10) {
        const char *pair = pairs + 2 * (v % 100);
        v /= 100;
        digits[--at] = pair[1];
        digits[--at] = pair[0];
    }
    if (v || at == DIGITS)
        digits[--at] = (char)('0' + v);
    while (DIGITS - at < min_digits && at > 0)
        digits[--at] = '0';
    text_put(t, digits + at, DIGITS - at);
}

void text_i64(struct text *t, int64_t v)
{
    if (v < 0)
        text_char(t, '-');
    text_u64(t, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 1);
}

void text_hex(struct text *t, uint64_t v, unsigned digits)
{
    while (digits--)
        text_char(t, "0123456789abcdef"[v >> (4 * digits) & 15]);
}

/* RFC 3629 section 4. */
size_t text_utf8(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    if (n == 0 || p[0] < 0x80)
        return n != 0;
    const size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    const bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    const bool surrogate = p[0] == 0xed && p[1] > 0x9f;
    return overlong || surrogate || (p[0] == 0xf4 && p[1] > 0x8f) ? 0 : len;
}

bool text_is_utf8(const char *s)
{
    size_t left = strlen(s), len;
    for (; (len = text_utf8(s, left)) != 0; left -= len)
        s += len;
    return left == 0;
}

/*
 * Categories Cc (C0, DEL and C1, ECMA-48 sections 5.2 and 5.3), Zl and Zp of the Unicode Character
 * Database, and of Cf what any text may hold: directions (UAX #9 section 2), joiners, tags, byte
 * order marks.
 */
bool text_is_control(const char *s, size_t len)
{
    static const uint32_t ranges[][2] = {
        {0x0000, 0x001f}, {0x007f, 0x009f}, {0x061c, 0x061c}, {0x200b, 0x200f},   {0x2028, 0x202e},
        {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };
    const unsigned char *p = (const unsigned char *)s;
    uint32_t c = len < 2 ? p[0] : p[0] & (0x7fU >> len);
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (p[i] & 0x3f);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

void text_printable(struct text *t, const char *s)
{
    for (size_t left = strlen(s), len; left; s += len, left -= len) {
        len = text_utf8(s, left);
        const bool plain = len && !text_is_control(s, len);
        len = len ? len : 1;
        if (t->cap - t->len < (plain ? len : 4 * len)) {
            t->full = true;
            return;
        }
        for (size_t i = 0; !plain && i < len; i++) {
            text_str(t, "\\x");
            text_hex(t, (unsigned char)s[i], 2);
        }
        if (plain)
            text_put(t, s, len);
    }
}

void text_json(struct text *t, const char *s, size_t n)
{
    text_char(t, '"');
    for (size_t i = 0, len; i < n; i += len ? len : 1) {
        const unsigned char c = (unsigned char)s[i];
        len = text_utf8(s + i, n - i);
        if (len == 0) {
            text_str(t, "\\ufffd");
        } else if (c == '"' || c == '\\') {
            text_char(t, '\\');
            text_char(t, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            text_str(t, "\\u00");
            text_hex(t, c, 2);
        } else {
            text_put(t, s + i, len);
        }
    }
    text_char(t, '"');
}

static void put_group(struct text *t, unsigned v)
{
    unsigned digits = v > 0xfff ? 4 : v > 0xff ? 3 : v > 0xf ? 2 : 1;
    text_hex(t, v, digits);
}

void text_addr(struct text *t, const uint8_t addr[16], unsigned family, char colon)
{
    if (family == 4) {
        for (unsigned i = 0; i < 4; i++) {
            if (i)
                text_char(t, '.');
            text_u64(t, addr[i], 1);
        }
        return;
    }
    /* RFC 5952 section 4.2: the longest run of zero groups becomes "::", the first of equals. */
    size_t best = 8, best_len = 1, run = 0;
    for (size_t i = 0; i < 8; i++) {
        run = load_be16(addr + 2 * i) ? 0 : run + 1;
        if (run > best_len) {
            best_len = run;
            best = i + 1 - run;
        }
    }
    for (size_t i = 0; i < 8; i++) {
        if (i == best) {
            text_char(t, colon);
            text_char(t, colon);
            i += best_len - 1;
            continue;
        }
        if (i && i != best + best_len)
            text_char(t, colon);
        put_group(t, load_be16(addr + 2 * i));
    }
}

void text_mac(struct text *t, const uint8_t mac[6], char separator)
{
    for (unsigned i = 0; i < 6; i++) {
        if (i)
            text_char(t, separator);
        text_hex(t, mac[i], 2);
    }
}

char *text_end(struct text *t)
{
    if (t->len == t->cap && t->len > 0)
        t->len--;
    if (t->cap > 0)
        t->p[t->len] = '\0';
    return t->p;
}

size_t text_whole(struct text *t)
{
    if (t->full || t->len == t->cap)
        t->len = 0;
    if (t->cap)
        t->p[t->len] = '\0';
    return t->len;
}
