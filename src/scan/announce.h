/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Announcements: what payloads say of flows that are still to come, as Linux's conntrack has
 * expectations, and which of them explains a flow that begins. All is done in the capture's order.
 *
 *   dns     an answer to a client     a flow of that client to the address, within a window
 *   sip     endpoints of media        flows from or to one of these, until the call ends
 *   rtsp    the same
 *   ftp     an endpoint               the next connection from or to it
 *   tftp    a request's own endpoint  the next flow between it and that server
 *   http    a URL                     the connection of the client's request for it (Location), or
 *                                     of one that names it (Referer), within a window
 *   icmp    a quoted packet           the error's flow is led to by the quoted one
 *
 * Of several, an endpoint is preferred to an address, and the newest counts; what a connection's
 * first request says replaces what its address has said. A flow that has announced something keeps
 * its master: so each master has announced something before its flow did, and nothing is a circle.
 */
#ifndef CLEAVE_SCAN_ANNOUNCE_H
#define CLEAVE_SCAN_ANNOUNCE_H

#include "flow/relations.h"
#include "sight/dns.h"
#include "sight/expect.h"
#include "sight/ftp.h"
#include "sight/http.h"
#include "sight/sip.h"

/* A record in which something is seen. */
struct sighting {
    uint32_t flow;             /* its flow's number; 0: it has none */
    const struct clv_tuple *t; /* src has sent it */
    uint64_t scope;            /* of what keeps networks apart: VLANs, tunnels, interfaces */
    int64_t ts_ns;             /* WALK_NO_TIME: it has none */
};

struct announcer {
    struct relations *relations; /* borrowed, as the secret */
    const struct secret *secret;
    uint16_t kinds; /* of relations that are asked for, bit by number */
    int64_t dns_window_ns, http_window_ns;
    struct expects expects;
};

void announcer_init(struct announcer *a, struct spill *spill);
void announcer_fini(struct announcer *a);

/* All below: false is no memory. */

/* A flow begins: it has a row now, and its master, if it was announced. */
CLV_MUST_CHECK bool announce_begin(struct announcer *a, const struct sighting *s);

void announce_app(const struct announcer *a, const struct sighting *s, enum app app);

/* A name that the flow itself says; the first counts. */
CLV_MUST_CHECK bool announce_name(struct announcer *a, const struct sighting *s, const char *name,
                                  enum app from);

/* *lookup: the one that the message is of; 0: none. */
CLV_MUST_CHECK bool announce_dns(struct announcer *a, const struct sighting *s,
                                 const struct sight_dns *dns, uint32_t *lookup);

/* Endpoints that belong to a session of the relation; and its end. */
CLV_MUST_CHECK bool announce_media(struct announcer *a, const struct sighting *s,
                                   enum relation relation, struct clv_span session,
                                   const struct sight_media *media);
void announce_session_end(struct announcer *a, const struct sighting *s, enum relation relation,
                          struct clv_span session);

/*
 * An INVITE was answered with success, by whom the tag names. BYE ends what was agreed with one of
 * them, whose tag is that of To, or else of From, and the call with the last; CANCEL ends a call
 * that nobody has answered, and leaves another as it was.
 */
void announce_sip_answer(struct announcer *a, const struct sighting *s, struct clv_span call_id,
                         struct clv_span tag);
void announce_sip_bye(struct announcer *a, const struct sighting *s, struct clv_span call_id,
                      struct clv_span to, struct clv_span from);
void announce_sip_cancel(struct announcer *a, const struct sighting *s, struct clv_span call_id);

/* An endpoint to which one connection will be made. */
CLV_MUST_CHECK bool announce_ftp(struct announcer *a, const struct sighting *s,
                                 const struct sight_endpoint *at);
CLV_MUST_CHECK bool announce_tftp(struct announcer *a, const struct sighting *s);

/* A request for a URL, and where a response sends its client. */
CLV_MUST_CHECK bool announce_request(struct announcer *a, const struct sighting *s, const char *url,
                                     const char *referer);
CLV_MUST_CHECK bool announce_location(struct announcer *a, const struct sighting *s,
                                      const char *url);

/* An error is about a flow of this number. */
void announce_quoted(const struct announcer *a, const struct sighting *s, uint32_t flow,
                     int64_t quoted_ns);

#endif
