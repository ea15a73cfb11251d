/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ClientHello in QUIC's Initial packets, version 1 (RFC 9000, RFC 9001) and 2 (RFC 9369), whose
 * keys follow from what the packets say. It may lie in several CRYPTO frames of several datagrams
 * in any order. Without nettle packets are recognised, but not opened.
 */
#ifndef CLEAVE_SIGHT_QUIC_H
#define CLEAVE_SIGHT_QUIC_H

#include "sight/tls.h"

/* true: the datagram begins with a long header of a version that is known, of type Initial. */
bool sight_quic_is_initial(struct clv_span datagram);

/* What is gathered of one connection. Bounded: about SIGHT_QUIC_HELLO bytes. */
struct sight_quic;
enum { SIGHT_QUIC_HELLO = 16384 };

/* NULL: no memory. */
struct sight_quic *sight_quic_create(void);
void sight_quic_destroy(struct sight_quic **q);

/*
 * Adds a datagram of the client. SIGHT_WHOLE: *hello is filled. SIGHT_PART: more is to come.
 * SIGHT_NOT: it is not an Initial packet of this connection that can be opened; others still may
 * be.
 */
enum sight sight_quic_add(struct sight_quic *q, struct clv_span datagram,
                          struct sight_hello *hello);

#endif
