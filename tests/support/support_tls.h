/* SPDX-License-Identifier: BSD-2-Clause */
/* ClientHellos of TLS, DTLS and QUIC. */
#ifndef CLEAVE_SUPPORT_TLS_H
#define CLEAVE_SUPPORT_TLS_H

#include "support_bytes.h"

/* Two bytes of length before what is put after it, until tls_close() fills them. */
static inline size_t tls_open(struct bytes *b)
{
    put16(b, true, 0);
    return b->len;
}

static inline void tls_close(struct bytes *b, size_t open)
{
    store_be16(b->p + open - 2, (uint16_t)(b->len - open));
}

/* An extension server_name with these names. */
static inline void put_sni(struct bytes *b, const char *const *names, size_t n)
{
    put16(b, true, 0);
    const size_t data = tls_open(b), list = tls_open(b);
    for (size_t i = 0; i < n; i++) {
        put_fill(b, 0, 1);
        put16(b, true, (uint16_t)strlen(names[i]));
        put_bytes(b, names[i], strlen(names[i]));
    }
    tls_close(b, list);
    tls_close(b, data);
}

/* An extension ALPN. */
static inline void put_alpn(struct bytes *b, const char *const *protocols, size_t n)
{
    put16(b, true, 16);
    const size_t data = tls_open(b), list = tls_open(b);
    for (size_t i = 0; i < n; i++) {
        put_fill(b, (uint8_t)strlen(protocols[i]), 1);
        put_bytes(b, protocols[i], strlen(protocols[i]));
    }
    tls_close(b, list);
    tls_close(b, data);
}

static inline void put_extension(struct bytes *b, uint16_t type, size_t len)
{
    put16(b, true, type);
    put16(b, true, (uint16_t)len);
    put_fill(b, 0x5a, len);
}

/* A handshake message with these extensions; NULL: none, and not even their length. */
static inline void put_client_hello(struct bytes *b, bool dtls, const struct bytes *extensions)
{
    const size_t begin = b->len;
    put_hex(b, dtls ? "01 000000 fefd" : "01 000000 0303");
    put_fill(b, 0xab, 32);
    put_hex(b, "04 5e551011");
    if (dtls)
        put_hex(b, "03 c00c1e");
    put_hex(b, "0006 0a0a 1301 c02f 01 00");
    if (extensions) {
        put16(b, true, (uint16_t)extensions->len);
        put_bytes(b, extensions->p, extensions->len);
    }
    const size_t len = b->len - begin - 4;
    b->p[begin + 1] = (uint8_t)(len >> 16);
    store_be16(b->p + begin + 2, (uint16_t)len);
}

/* Handshake records of at most `most` bytes each. */
static inline void put_records(struct bytes *b, const struct bytes *message, size_t most)
{
    for (size_t at = 0; at < message->len;) {
        const size_t n = message->len - at < most ? message->len - at : most;
        put_hex(b, "16 0301");
        put16(b, true, (uint16_t)n);
        put_bytes(b, message->p + at, n);
        at += n;
    }
}

#endif
