/* SPDX-License-Identifier: BSD-2-Clause */
#include "generate/wire.h"

#include <stdarg.h>
#include <stdio.h>

#include "sight/initial.h"

void wire_put(struct wire *w, const void *p, size_t n)
{
    const size_t room = sizeof w->p - w->len;
    n = n < room ? n : room;
    if (n)
        memcpy(w->p + w->len, p, n);
    w->len += n;
}

void wire_u8(struct wire *w, unsigned v)
{
    const uint8_t b = (uint8_t)v;
    wire_put(w, &b, 1);
}

void wire_u16(struct wire *w, unsigned v)
{
    uint8_t b[2];
    store_be16(b, (uint16_t)v);
    wire_put(w, b, sizeof b);
}

void wire_u32(struct wire *w, uint32_t v)
{
    uint8_t b[4];
    store_be32(b, v);
    wire_put(w, b, sizeof b);
}

void wire_fill(struct wire *w, uint8_t value, size_t n)
{
    while (n-- && w->len < sizeof w->p)
        w->p[w->len++] = value;
}

void wire_text(struct wire *w, const char *format, ...)
{
    char text[WIRE_MAX];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0)
        wire_put(w, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

/* What follows two bytes of length. */
static size_t open_u16(struct wire *w)
{
    wire_u16(w, 0);
    return w->len;
}

static void close_u16(struct wire *w, size_t open)
{
    store_be16(w->p + open - 2, (uint16_t)(w->len - open));
}

/* ---- DNS ---- */

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, CLASS_IN = 1, TTL = 300 };

static void put_name(struct wire *w, const char *name)
{
    while (*name) {
        const size_t n = strcspn(name, ".");
        wire_u8(w, (unsigned)n);
        wire_put(w, name, n);
        name += n + (name[n] == '.');
    }
    wire_u8(w, 0);
}

static void put_message(struct wire *w, uint16_t id, unsigned flags, unsigned answers,
                        const char *name, bool v6)
{
    wire_u16(w, id);
    wire_u16(w, flags);
    wire_u16(w, 1);
    wire_u16(w, answers);
    wire_u32(w, 0);
    put_name(w, name);
    wire_u16(w, v6 ? TYPE_AAAA : TYPE_A);
    wire_u16(w, CLASS_IN);
}

void wire_question(struct wire *w, uint16_t id, const char *name, bool v6)
{
    put_message(w, id, 0x0100, 0, name, v6);
}

/* owner: where its name stands, RFC 1035 section 4.1.4. Returns where its data begins. */
static size_t put_record(struct wire *w, size_t owner, unsigned type)
{
    wire_u16(w, 0xc000 | (unsigned)owner);
    wire_u16(w, type);
    wire_u16(w, CLASS_IN);
    wire_u32(w, TTL);
    return open_u16(w);
}

void wire_answer(struct wire *w, uint16_t id, const char *name, bool v6, const char *alias,
                 uint8_t (*addrs)[16], unsigned n)
{
    enum { HEADER = 12 };
    size_t owner = HEADER;
    put_message(w, id, 0x8180, n + (alias != NULL), name, v6);
    if (alias) {
        const size_t data = put_record(w, owner, TYPE_CNAME);
        put_name(w, alias);
        close_u16(w, data);
        owner = data;
    }
    for (unsigned i = 0; i < n; i++) {
        const size_t data = put_record(w, owner, v6 ? TYPE_AAAA : TYPE_A);
        wire_put(w, addrs[i], v6 ? 16 : 4);
        close_u16(w, data);
    }
}

/* ---- TLS ---- */

/* Bytes that look random, the same for the same number. */
static void put_random(struct wire *w, uint64_t random, size_t n)
{
    for (; n; n--, random = random * UINT64_C(6364136223846793005) + 1442695040888963407U)
        wire_u8(w, (unsigned)(random >> 56));
}

static size_t open_extension(struct wire *w, unsigned type)
{
    wire_u16(w, type);
    return open_u16(w);
}

static void put_key_share(struct wire *w, size_t key_len, uint64_t random)
{
    enum { X25519 = 0x001d, X25519MLKEM768 = 0x11ec };
    wire_u16(w, key_len == 32 ? X25519 : X25519MLKEM768);
    wire_u16(w, (unsigned)key_len);
    put_random(w, random, key_len);
}

/* A handshake message's type and length, and up to the extensions. */
static size_t open_hello(struct wire *w, unsigned type, uint64_t random)
{
    wire_u8(w, type);
    wire_u8(w, 0);
    wire_u16(w, 0);
    wire_u16(w, 0x0303);
    put_random(w, random, 32);
    wire_u8(w, 32);
    put_random(w, ~random, 32);
    if (type == 1)
        wire_put(w, "\0\6\x13\1\x13\2\xc0\x2f\1", 9); /* cipher suites, one compression */
    else
        wire_put(w, "\x13\1", 2);
    wire_u8(w, 0);
    return open_u16(w);
}

static void close_hello(struct wire *w, size_t extensions)
{
    close_u16(w, extensions);
    store_be16(w->p + 2, (uint16_t)(w->len - 4));
}

void wire_client_hello(struct wire *w, const char *name, const char *alpn, size_t key_len,
                       uint64_t random)
{
    const size_t extensions = open_hello(w, 1, random);
    wire_put(w, "\0\x0a\0\6\0\4\x11\xec\0\x1d", 10); /* supported_groups */
    size_t data = open_extension(w, 51), list = open_u16(w);
    put_key_share(w, key_len, random);
    close_u16(w, list);
    close_u16(w, data);
    wire_put(w, "\0\x0d\0\6\0\4\4\3\x08\4", 10); /* signature_algorithms */
    wire_put(w, "\0\x2b\0\3\2\3\4", 7);          /* supported_versions */
    data = open_extension(w, 0);
    list = open_u16(w);
    wire_u8(w, 0);
    wire_u16(w, (unsigned)strlen(name));
    wire_put(w, name, strlen(name));
    close_u16(w, list);
    close_u16(w, data);
    data = open_extension(w, 16);
    list = open_u16(w);
    wire_u8(w, (unsigned)strlen(alpn));
    wire_put(w, alpn, strlen(alpn));
    close_u16(w, list);
    close_u16(w, data);
    close_hello(w, extensions);
}

void wire_server_hello(struct wire *w, uint64_t random)
{
    const size_t extensions = open_hello(w, 2, random);
    wire_put(w, "\0\x2b\0\2\3\4", 6);
    const size_t data = open_extension(w, 51);
    put_key_share(w, 32, random);
    close_u16(w, data);
    close_hello(w, extensions);
}

void wire_record(struct wire *w, unsigned type, const void *p, size_t n)
{
    wire_u8(w, type);
    wire_u16(w, 0x0303);
    wire_u16(w, (unsigned)n);
    wire_put(w, p, n);
}

/* ---- QUIC ---- */

static void put_crypto(struct wire *w, const struct wire *hello, size_t from, size_t to)
{
    wire_u8(w, 6);
    wire_u16(w, 0x4000 | (unsigned)from); /* a length of two bytes, RFC 9000 section 16 */
    wire_u16(w, 0x4000 | (unsigned)(to - from));
    wire_put(w, hello->p + from, to - from);
}

bool wire_initial(struct wire *w, const struct wire *hello, uint64_t random)
{
    enum { ID = 8, LEAST = 1200, NUMBER = 2 };
    struct initial_keys keys;
    wire_u8(w, 0xc0 | (NUMBER - 1));
    wire_u32(w, 1);
    for (unsigned i = 0; i < 2; i++) {
        wire_u8(w, ID);
        put_random(w, random + i, ID);
    }
    wire_u8(w, 0); /* no token */
    const struct clv_span dcid = {w->p + 6, ID};
    const size_t length = w->len;
    wire_u16(w, 0);
    const size_t number_at = w->len;
    wire_u16(w, 0);
    put_crypto(w, hello, hello->len / 2, hello->len);
    put_crypto(w, hello, 0, hello->len / 2);
    if (w->len + INITIAL_TAG < LEAST)
        wire_fill(w, 0, LEAST - INITIAL_TAG - w->len);
    wire_fill(w, 0, INITIAL_TAG);
    store_be16(w->p + length, (uint16_t)(0x4000 | (w->len - number_at)));
    if (!initial_derive(1, dcid, &keys))
        return false;
    initial_seal(&keys, w->p, w->len, number_at, NUMBER, 0);
    return true;
}
