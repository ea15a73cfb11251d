/* SPDX-License-Identifier: BSD-2-Clause */
/* QUIC's Initial packets of a client. */
#ifndef CLEAVE_SUPPORT_QUIC_H
#define CLEAVE_SUPPORT_QUIC_H

#include "sight/initial.h"
#include "support_tls.h"

enum { QUIC_V1 = 1, QUIC_V2 = 0x6b3343cf };

/* The shortest form, RFC 9000 section 16, up to two bytes. */
static inline void put_varint(struct bytes *b, size_t n)
{
    if (n < 64)
        put_fill(b, (uint8_t)n, 1);
    else
        put16(b, true, (uint16_t)(0x4000 | n));
}

/* A CRYPTO frame with bytes [from, to) of a message. */
static inline void put_crypto(struct bytes *b, const struct bytes *message, size_t from, size_t to)
{
    put_fill(b, 6, 1);
    put_varint(b, from);
    put_varint(b, to - from);
    put_bytes(b, message->p + from, to - from);
}

struct quic_packet {
    uint32_t version;
    const char *dcid, *scid, *token; /* as text */
    const char *keys_of;             /* the dcid from which its keys follow; NULL: its own */
    uint64_t number;
    unsigned number_len;
    size_t pad; /* bytes that the packet has at least */
};

static inline void put_id(struct bytes *b, const char *id)
{
    const size_t n = id ? strlen(id) : 0;
    put_fill(b, (uint8_t)n, 1);
    put_bytes(b, id, n);
}

/* Without nettle it stays unprotected, and there is nobody to open it. */
static inline void put_initial(struct bytes *b, const struct quic_packet *q,
                               const struct bytes *frames)
{
    const size_t begin = b->len, token = q->token ? strlen(q->token) : 0;
    put_fill(b, (uint8_t)(0xc0 | initial_type(q->version) << 4 | (int)(q->number_len - 1)), 1);
    put32(b, true, q->version);
    put_id(b, q->dcid);
    put_id(b, q->scid);
    put_varint(b, token);
    put_bytes(b, q->token, token);
    const size_t header = b->len - begin + 2;
    size_t payload = q->number_len + frames->len;
    if (header + payload + INITIAL_TAG < q->pad)
        payload = q->pad - header - INITIAL_TAG;
    if (payload < 4)
        payload = 4;
    put16(b, true, (uint16_t)(0x4000 | (payload + INITIAL_TAG)));
    for (unsigned i = q->number_len; i > 0; i--)
        put_fill(b, (uint8_t)(q->number >> 8 * (i - 1)), 1);
    put_bytes(b, frames->p, frames->len);
    put_fill(b, 0, header + payload + INITIAL_TAG - (b->len - begin));
    struct initial_keys keys;
    const char *dcid = q->keys_of ? q->keys_of : q->dcid;
    const struct clv_span id = {(const uint8_t *)dcid, strlen(dcid)};
    if (initial_derive(q->version, id, &keys))
        initial_seal(&keys, b->p + begin, b->len - begin, header, q->number_len, q->number);
}

#endif
