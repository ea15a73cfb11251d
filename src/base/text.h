/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text built in a buffer that the caller owns: names, manifest rows, summaries. What does not fit
 * is left out and `full` is set; text is not terminated unless text_end() is called.
 */
#ifndef CLEAVE_BASE_TEXT_H
#define CLEAVE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct text {
    char *p;
    size_t len;
    size_t cap;
    bool full;
};

static inline struct text text_on(char *buf, size_t cap)
{
    return (struct text){.p = buf, .cap = cap};
}

static inline void text_char(struct text *t, char c)
{
    if (t->len < t->cap)
        t->p[t->len++] = c;
    else
        t->full = true;
}

extern const char text_pairs[]; /* "00" to "99" */

/*
 * Writes the last n digits, not into a text: two per division, and inlined, as most fields have a
 * fixed width. A manifest of a million rows is mostly numbers.
 */
CLV_INLINE void text_digits(char *to, uint64_t v, unsigned n)
{
    for (; n >= 2; n -= 2, v /= 100)
        memcpy(to + n - 2, text_pairs + 2 * (v % 100), 2);
    if (n)
        to[0] = (char)('0' + v % 10);
}

void text_put(struct text *t, const char *s, size_t n);
void text_str(struct text *t, const char *s);
void text_u64(struct text *t, uint64_t v, unsigned min_digits); /* zero-padded */
void text_i64(struct text *t, int64_t v);
void text_hex(struct text *t, uint64_t v, unsigned digits);

/* A quoted JSON string (RFC 8259); a byte that is not UTF-8 becomes U+FFFD. */
void text_json(struct text *t, const char *s, size_t n);

/* Bytes of the UTF-8 character that the n bytes at s begin with; 0: they begin with none. */
size_t text_utf8(const char *s, size_t n);

bool text_is_utf8(const char *s);

/*
 * Whether the UTF-8 character of len bytes at s is one that shows nothing itself and changes what
 * is around it: control characters, separators of lines, marks of direction and other formats.
 */
bool text_is_control(const char *s, size_t len);

/*
 * A text from anywhere: what a terminal would interpret, or is not UTF-8, is shown as \xNN. Never
 * cut within such a piece.
 */
void text_printable(struct text *t, const char *s);

/*
 * An address in its usual notation, IPv6 as RFC 5952 section 4 has it. family is 4 or 6; colon is
 * written between the groups of IPv6: ':' for people, '-' for file names.
 */
void text_addr(struct text *t, const uint8_t addr[16], unsigned family, char colon);

/* Six bytes in hexadecimal, with separator between them: ':' for people, '-' for file names. */
void text_mac(struct text *t, const uint8_t mac[6], char separator);

/* RFC 3339 with nanoseconds, in UTC: 2026-11-22T23:59:59.123456789Z */
void text_time(struct text *t, int64_t ts_ns);

/* So many nanoseconds as seconds, with nine digits after the point. */
void text_span(struct text *t, int64_t ns);

/* Terminates; on a full buffer the last byte gives way. Returns the string. */
char *text_end(struct text *t);

/* Terminates what must be whole. Returns its length; 0, and the string is empty: it does not fit.
 */
size_t text_whole(struct text *t);

#endif
