/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handshakes that secrets are for, found in a packet's bytes without a look at its headers: so they
 * are found on any link, behind any tag, and in tunnels.
 */
#ifndef CLEAVE_FORMAT_HELLO_H
#define CLEAVE_FORMAT_HELLO_H

#include "base/bytes.h"

enum { HELLO_RANDOM = 32 }; /* bytes */

/*
 * The client random of a ClientHello in the n bytes at p, of which the first 5 may be in the packet
 * before; NULL: none is there. *torn: one of TLS may begin there whose random is in several
 * packets, or records.
 */
const uint8_t *hello_random(const uint8_t *p, size_t n, bool *torn);

/*
 * true: it may be an Initial packet of QUIC, in which a ClientHello is encrypted. origlen: bytes on
 * the wire.
 */
bool hello_may_hide(const uint8_t *p, size_t n, uint32_t origlen);

/*
 * Reads a line of a key log (https://tlswg.org/sslkeylogfile/draft-ietf-tls-keylogfile.html) from
 * *s, which is moved behind it. The client random that it is for goes to random.
 */
enum hello_line {
    HELLO_LINE,    /* it has a client random */
    HELLO_NOTHING, /* it is empty, or a comment */
    HELLO_OTHER,   /* it has something else */
    HELLO_END,     /* there was none */
};
enum hello_line hello_line(struct clv_span *s, uint8_t random[HELLO_RANDOM]);

#endif
