/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIP messages (RFC 3261) and the session descriptions in them (SDP, RFC 8866; offer and answer,
 * RFC 3264): the endpoints at which media will be received.
 */
#ifndef CLEAVE_SIGHT_SIP_H
#define CLEAVE_SIGHT_SIP_H

#include "sight/sight.h"

enum { SIGHT_MEDIA = 64 };

struct sight_media {
    unsigned n;
    struct sight_endpoint
        at[SIGHT_MEDIA]; /* of RTP and RTCP (RFC 3605, RFC 5761), ICE candidates */
};

/* Adds an endpoint that is not there yet and has a port, as long as there is room. */
void sight_media_add(struct sight_media *media, const struct sight_endpoint *at);

/*
 * Reads a session description, and adds its endpoints to *media: c= of session and media, m= with
 * its port and number of ports, a=rtcp, a=rtcp-mux, a=candidate; a medium of port 0 is refused and
 * has no endpoint, address 0 is on hold and has none (RFC 3264 section 8.4), nor has a multicast
 * address. UDP's media, and those over TCP (RFC 4145) with proto TCP. RTCP's endpoint is port + 1
 * where nothing else is said. A host's name instead of an address gives family 0, but for
 * candidates, which are then left out.
 */
void sight_sdp(struct clv_span body, struct sight_media *media);

enum sight_sip_kind {
    SIGHT_SIP_OTHER,
    SIGHT_SIP_INVITE, /* and all else that may carry an offer or an answer: ACK, PRACK, UPDATE */
    SIGHT_SIP_BYE,
    SIGHT_SIP_CANCEL,
};

struct sight_sip {
    bool response;
    unsigned status;          /* of a response */
    enum sight_sip_kind kind; /* of the method, in a response that of CSeq */
    bool invites;             /* the method is INVITE, in a response that of CSeq */
    struct clv_span call_id; /* within the message; printable ASCII. Empty: none, or a broken one */
    struct clv_span from_tag, to_tag; /* within the message; empty: none */
    /*
     * An offer or an answer is there: application/sdp, also as a part of multipart/mixed, with a
     * method of SIGHT_SIP_INVITE, in a response with a status below 300.
     */
    bool has_media;
    struct sight_media media;
    size_t len; /* bytes of the message, head and body, and of empty lines before it */
};

/*
 * Reads the message at the front of a stream, or of a datagram, whose length then bounds the body
 * (datagram). Short forms of fields, folded lines, any order and case. SIGHT_PART: of a stream, it
 * does not end here. One whose body says nothing of media is whole with its head, and one with more
 * of it than SIGHT_STREAM, too: its len may be more than there is. A datagram that is cut short
 * gives what is in its whole lines.
 */
enum sight sight_sip_read(struct clv_span bytes, bool datagram, struct sight_sip *sip);

#endif
