/* SPDX-License-Identifier: BSD-2-Clause */
/* FTP's control connection (RFC 959), EPRT and EPSV (RFC 2428), AUTH (RFC 4217). */
#ifndef CLEAVE_SIGHT_FTP_H
#define CLEAVE_SIGHT_FTP_H

#include "sight/sight.h"

enum sight_ftp_kind {
    SIGHT_FTP_OTHER,   /* a line of the protocol that announces nothing */
    SIGHT_FTP_ACTIVE,  /* PORT, EPRT, LPRT: the client will be connected to at `at` */
    SIGHT_FTP_PASSIVE, /* 227, 229, 228 (long, RFC 1639): the server will be */
    SIGHT_FTP_AUTH,    /* 234: what follows is encrypted */
};

struct sight_ftp {
    enum sight_ftp_kind kind;
    struct sight_endpoint at; /* family 0: no address is given, or 0 */
    bool greeting;            /* a reply 220, or 120: as a server begins */
    size_t len;               /* bytes of the line and its end */
};

/*
 * Reads the line at the front of one direction of a control connection. server: it is the
 * server's. SIGHT_NOT: no line of FTP: bytes that are no text, or, of the client, no command. A
 * server's line without a code is text within a reply of several lines (RFC 959 section 4.2).
 */
enum sight sight_ftp_line(struct clv_span stream, bool server, struct sight_ftp *ftp);

#endif
