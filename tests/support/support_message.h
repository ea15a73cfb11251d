/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of protocols in readable code: put_hex() with names and lengths.
 *
 *   <www.example.com>  a name of DNS (RFC 1035 section 3.1); <> is the root
 *   {www.example}      its labels, without the end: a pointer follows
 *   [ ... ]            two bytes that hold how many are between, and these
 *   "text"             its characters
 */
#ifndef CLEAVE_SUPPORT_MESSAGE_H
#define CLEAVE_SUPPORT_MESSAGE_H

#include "support_bytes.h"

static inline void put_labels(struct bytes *b, const char *name, size_t n)
{
    while (n) {
        const char *const dot = memchr(name, '.', n);
        const size_t len = dot ? (size_t)(dot - name) : n;
        put_fill(b, (uint8_t)len, 1);
        put_bytes(b, name, len);
        n -= len + (dot ? 1 : 0);
        name += len + (dot ? 1 : 0);
    }
}

static inline void put_message(struct bytes *b, const char *text)
{
    size_t open[8];
    unsigned depth = 0;
    while (*text) {
        const char c = *text++;
        const char *const close = c == '<'   ? strchr(text, '>')
                                  : c == '{' ? strchr(text, '}')
                                  : c == '"' ? strchr(text, '"')
                                             : NULL;
        if (close) {
            const size_t n = (size_t)(close - text);
            if (c == '"')
                put_bytes(b, text, n);
            else
                put_labels(b, text, n);
            if (c == '<')
                put_fill(b, 0, 1);
            text = close + 1;
        } else if (c == '[') {
            assert_true(depth < N_ROWS(open));
            put_fill(b, 0, 2);
            open[depth++] = b->len;
        } else if (c == ']') {
            assert_true(depth > 0);
            store_be16(b->p + open[depth - 1] - 2, (uint16_t)(b->len - open[depth - 1]));
            depth--;
        } else if (c != ' ') {
            const char pair[] = {c, *text++, '\0'};
            put_hex(b, pair);
        }
    }
    assert_true(depth == 0);
}

#endif
