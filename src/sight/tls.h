/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS's ClientHello: RFC 8446 section 4.1.2, SNI (RFC 6066 section 3), ALPN (RFC 7301). */
#ifndef CLEAVE_SIGHT_TLS_H
#define CLEAVE_SIGHT_TLS_H

#include "sight/sight.h"

/*
 * What a ClientHello says. Where it ends beyond the bytes that are there (SIGHT_PART), what was
 * found up to there: a record may lack the end (a snaplen), a hello be longer than is gathered.
 */
struct sight_hello {
    char name[SIGHT_NAME]; /* server_name, with ECH that of the outer hello; "": none */
    char alpn[32]; /* the first protocol that is offered, if it is printable ASCII; "": none */
};

/*
 * The front of a client's direction of a TLS connection, record layer and all. Of a hello that goes
 * beyond SIGHT_TLS bytes those count that lie before.
 */
enum { SIGHT_TLS = 16384 };
enum sight sight_tls(struct clv_span stream, struct sight_hello *hello);

/* A handshake message of its own: msg_type, length, body. As QUIC's CRYPTO frames have it. */
enum sight sight_tls_handshake(struct clv_span message, struct sight_hello *hello);

/* The front of the server's direction: a ServerHello, an alert, ... SIGHT_WHOLE: this is TLS. */
enum sight sight_tls_server(struct clv_span stream);

/*
 * A datagram from a DTLS client (RFC 6347, RFC 9147): its ClientHello, if it is in one fragment.
 * SIGHT_PART: this is the hello's first fragment.
 */
enum sight sight_dtls(struct clv_span datagram, struct sight_hello *hello);

#endif
