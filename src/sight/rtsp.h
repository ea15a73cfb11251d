/* SPDX-License-Identifier: BSD-2-Clause */
/* RTSP messages (RFC 2326, RFC 7826): the endpoints that Transport names. */
#ifndef CLEAVE_SIGHT_RTSP_H
#define CLEAVE_SIGHT_RTSP_H

#include "sight/sip.h"

struct sight_rtsp {
    bool response;
    unsigned status;
    bool teardown;           /* a request that ends the session */
    struct clv_span session; /* within the message, without parameters */
    /*
     * At the client and at the server: client_port, server_port, dest_addr, src_addr, of a request
     * SETUP or a response 2xx. Family 0 is the address that this end has in the connection, whoever
     * sent the message.
     */
    struct sight_media client, server;
    size_t len;       /* bytes of the message, or of the interleaved frame ($) before one */
    bool interleaved; /* it is such a frame */
};

/*
 * Reads the message or interleaved frame at the front of a stream. Bodies and frames are not looked
 * into: it is whole with its head, and len may be more than there is.
 */
enum sight sight_rtsp_read(struct clv_span stream, struct sight_rtsp *rtsp);

#endif
