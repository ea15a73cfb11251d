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

const char text_pairs[] = "00010203040506070809101112131415161718192021222324"
                          "25262728293031323334353637383940414243444546474849"
                          "50515253545556575859606162636465666768697071727374"
                          "75767778798081828384858687888990919293949596979899";

/* Without a loop, whose end nobody could predict. */
static unsigned count_digits(uint64_t v)
{
#define TENFOLD(x) (x), 10 * (x), 100 * (x), 1000 * (x)
    static const uint64_t powers[] = {
        TENFOLD(UINT64_C(1)),
        TENFOLD(UINT64_C(10000)),
        TENFOLD(UINT64_C(100000000)),
        TENFOLD(UINT64_C(1000000000000)),
        TENFOLD(UINT64_C(10000000000000000)),
    };
#undef TENFOLD
    const unsigned bits = 64 - (unsigned)__builtin_clzll(v | 1);
    const unsigned least = bits * 1233 / 4096; /* digits, or one less: log10(2) is 1233.02 / 4096 */
    return least + ((v | 1) >= powers[least]);
}

void text_u64(struct text *t, uint64_t v, unsigned min_digits)
{
    enum { DIGITS = 32 };
    unsigned n = count_digits(v);
    if (n < min_digits)
        n = min_digits < DIGITS ? min_digits : DIGITS;
    if (CLV_LIKELY(n <= t->cap - t->len)) {
        text_digits(t->p + t->len, v, n);
        t->len += n;
        return;
    }
    char digits[DIGITS];
    text_digits(digits, v, n);
    text_put(t, digits, n);
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

#define ONES(tens)                                                                                 \
    tens "0", tens "1", tens "2", tens "3", tens "4", tens "5", tens "6", tens "7", tens "8",      \
        tens "9"
#define TENS(hundreds)                                                                             \
    ONES(hundreds "1"), ONES(hundreds "2"), ONES(hundreds "3"), ONES(hundreds "4"),                \
        ONES(hundreds "5"), ONES(hundreds "6"), ONES(hundreds "7"), ONES(hundreds "8"),            \
        ONES(hundreds "9")

/* Each octet is stored as four bytes, whatever its length: a branch on it would be mispredicted. */
static void put_ipv4(struct text *t, const uint8_t addr[4])
{
    static const char octets[256][4] = {
        ONES(""),   TENS(""), ONES("10"), TENS("1"), ONES("20"), ONES("21"), ONES("22"), ONES("23"),
        ONES("24"), "250",    "251",      "252",     "253",      "254",      "255",
    };
    enum { LONGEST = 16 }; /* bytes that are stored */
    char buf[LONGEST];
    size_t len = 0;
    for (unsigned i = 0; i < 4; i++) {
        memcpy(buf + len, octets[addr[i]], 4);
        len += 1U + (addr[i] > 9) + (addr[i] > 99);
        buf[len++] = '.';
    }
    text_put(t, buf, len - 1);
}

void text_addr(struct text *t, const uint8_t addr[16], unsigned family, char colon)
{
    if (family == 4) {
        put_ipv4(t, addr);
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
