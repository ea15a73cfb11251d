/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/hello.h"

#include <string.h>

enum {
    LOOK = 256,       /* bytes of a packet, from its beginning */
    HANDSHAKE = 0x16, /* content type of a TLS record, RFC 8446 section 5.1 */
    CLIENT_HELLO = 1,
};

/* A record of TLS: type, version, length; the handshake's type and length, version, random. */
static bool is_tls(const uint8_t *p, size_t n)
{
    return n >= 11 + HELLO_RANDOM && p[1] == 3 && p[2] <= 4 && p[5] == CLIENT_HELLO && p[9] == 3 &&
           p[10] <= 4;
}

/* Of DTLS (RFC 6347 section 4), with epoch and sequence number, and those of the handshake. */
static bool is_dtls(const uint8_t *p, size_t n)
{
    return n >= 27 + HELLO_RANDOM && p[1] == 0xfe && p[2] >= 0xfd && p[13] == CLIENT_HELLO &&
           p[25] == 0xfe && p[26] >= 0xfd;
}

/*
 * The random of a ClientHello whose record began in the packet before: at most with the header of
 * the record (5 bytes), so that the handshake is whole: type, length below 64 KiB, version, random.
 */
static const uint8_t *random_of_rest(const uint8_t *p, size_t n)
{
    enum { BEFORE = 4, BEHIND = 2 + HELLO_RANDOM }; /* bytes of the version, and from it on */
    if (n < BEFORE + BEHIND)
        return NULL;
    const uint8_t *const stop = p + min_u64(LOOK, n - BEHIND + 1);
    for (p += BEFORE; p < stop && (p = memchr(p, 3, (size_t)(stop - p))) != NULL; p++)
        if (p[1] <= 4 && p[-BEFORE] == CLIENT_HELLO && p[1 - BEFORE] == 0)
            return p + 2;
    return NULL;
}

/* A record of TLS that begins a hello, and ends, or the packet does, before the random does. */
static bool is_torn(const uint8_t *p, size_t n)
{
    enum { LEAST = 3, RECORD = 5 };
    if (n < LEAST || p[1] != 3 || p[2] > 4)
        return false;
    if (n >= RECORD)
        n = (size_t)min_u64(n, RECORD + (uint64_t)load_be16(p + 3));
    if (n >= 11 + HELLO_RANDOM)
        return false;
    while (n > LEAST && p[n - 1] == 0) /* of a short frame (IEEE 802.3), or of the hello itself */
        n--;
    return (n <= RECORD || p[RECORD] == CLIENT_HELLO) && (n <= 9 || p[9] == 3) &&
           (n <= 10 || p[10] <= 4);
}

const uint8_t *hello_random(const uint8_t *p, size_t n, bool *torn)
{
    const uint8_t *const first = p, *const end = p + n, *const stop = n > LOOK ? p + LOOK : end;
    *torn = false;
    for (; p < stop && (p = memchr(p, HANDSHAKE, (size_t)(stop - p))) != NULL; p++) {
        const size_t left = (size_t)(end - p);
        if (is_torn(p, left))
            *torn = true;
        else if (is_tls(p, left))
            return p + 11;
        else if (is_dtls(p, left))
            return p + 27;
    }
    return *torn ? NULL : random_of_rest(first, n);
}

bool hello_may_hide(const uint8_t *p, size_t n, uint32_t origlen)
{
    /* RFC 9000 section 14.1: a datagram with an Initial packet has at least 1,200 bytes. */
    enum { INITIAL_MIN = 1200, LONG_HEADER = 0xc0, ID_MAX = 20 };
    const uint32_t v1 = 1, v2 = 0x6b3343cf, draft = 0xff000000;
    if (origlen < INITIAL_MIN || n < 6)
        return false;
    const size_t stop = n - 6 < LOOK ? n - 6 : LOOK;
    for (size_t i = 0; i < stop; i++) {
        if ((p[i] & LONG_HEADER) != LONG_HEADER || p[i + 5] > ID_MAX)
            continue;
        const uint32_t version = load_be32(p + i + 1);
        if (version == v1 || version == v2 || (version & 0xffffff00) == draft)
            return true;
    }
    return false;
}

static int digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

enum hello_line hello_line(struct clv_span *s, uint8_t random[HELLO_RANDOM])
{
    if (s->len == 0)
        return HELLO_END;
    const uint8_t *p = s->p;
    const uint8_t *nl = memchr(p, '\n', s->len);
    size_t n = nl ? (size_t)(nl - p) : s->len;
    s->p += n + (nl != NULL);
    s->len -= n + (nl != NULL);
    while (n && (p[n - 1] == '\r' || p[n - 1] == ' ' || p[n - 1] == '\0'))
        n--;
    if (n == 0 || *p == '#')
        return HELLO_NOTHING;
    const uint8_t *space = memchr(p, ' ', n);
    if (!space)
        return HELLO_OTHER;
    const size_t left = n - (size_t)(space + 1 - p);
    p = space + 1;
    const size_t digits = (size_t)2 * HELLO_RANDOM;
    if (left <= digits || p[digits] != ' ')
        return HELLO_OTHER;
    for (size_t i = 0; i < HELLO_RANDOM; i++) {
        const int high = digit(p[2 * i]), low = digit(p[2 * i + 1]);
        if (high < 0 || low < 0)
            return HELLO_OTHER;
        random[i] = (uint8_t)(high << 4 | low);
    }
    return HELLO_LINE;
}
