/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Payloads of application protocols, built by those who speak them in generated traffic. What does
 * not fit is left out; nobody here says as much.
 */
#ifndef CLEAVE_GENERATE_WIRE_H
#define CLEAVE_GENERATE_WIRE_H

#include "base/bytes.h"

enum { WIRE_MAX = 2048 };

struct wire {
    size_t len;
    uint8_t p[WIRE_MAX];
};

void wire_put(struct wire *w, const void *p, size_t n);
void wire_u8(struct wire *w, unsigned v);
void wire_u16(struct wire *w, unsigned v);
void wire_u32(struct wire *w, uint32_t v);
void wire_fill(struct wire *w, uint8_t value, size_t n);
void wire_text(struct wire *w, const char *format, ...) CLV_PRINTF(2, 3);

/* A question (RFC 1035 section 4): its identifier, name, and whether it is for AAAA. */
void wire_question(struct wire *w, uint16_t id, const char *name, bool v6);

/* Its answer: n addresses, of an alias if there is one; NULL: none. */
void wire_answer(struct wire *w, uint16_t id, const char *name, bool v6, const char *alias,
                 uint8_t (*addrs)[16], unsigned n);

/* A handshake message: ClientHello with a name (RFC 8446), and with a share of key_len bytes. */
void wire_client_hello(struct wire *w, const char *name, const char *alpn, size_t key_len,
                       uint64_t random);
void wire_server_hello(struct wire *w, uint64_t random);

/* A record of TLS around a payload: 22 is a handshake, 23 what is encrypted. */
void wire_record(struct wire *w, unsigned type, const void *p, size_t n);

/*
 * QUIC's first datagram (RFC 9000), with a ClientHello in two frames, the later part first. false:
 * this build has no nettle.
 */
bool wire_initial(struct wire *w, const struct wire *hello, uint64_t random);

#endif
