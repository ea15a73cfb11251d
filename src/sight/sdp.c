/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/sip.h"

#include <assert.h>

#include "cleave/packet.h"
#include "sight/lines.h"

static_assert(sizeof(struct sight_endpoint) == 20, "compared as bytes: no padding");

enum { DISCARD = 9 }; /* where nothing listens: RFC 4145 section 4.1, RFC 6544 section 4.5 */

void sight_media_add(struct sight_media *media, const struct sight_endpoint *at)
{
    if (media->n == SIGHT_MEDIA || at->port == 0)
        return;
    for (unsigned i = 0; i < media->n; i++) {
        if (memcmp(&media->at[i], at, sizeof *at) == 0)
            return;
    }
    media->at[media->n++] = *at;
}

/* What c= says (RFC 8866 section 5.7). */
struct connection {
    bool nowhere; /* on hold, or a group */
    uint8_t family;
    uint8_t addr[16];
};

/*
 * "IN IP4 192.0.2.1/127". A host name stays one whose address is not known; in .invalid nobody has
 * one (RFC 6761 section 6.4), which is how an offer does without IPv6's address 0.
 */
static struct connection read_connection(struct clv_span value)
{
    static const char invalid[] = ".invalid";
    struct connection c = {0};
    (void)sight_word(&value);
    (void)sight_word(&value);
    struct clv_span word = sight_word(&value);
    word = sight_piece(&word, '/');
    if (sight_address(word, c.addr, &c.family)) {
        c.nowhere = sight_is_nowhere(c.addr, c.family);
        return c;
    }
    c = (struct connection){0};
    const size_t tail = sizeof invalid - 1;
    if (word.len >= tail)
        c.nowhere = sight_is((struct clv_span){word.p + word.len - tail, tail}, invalid);
    return c;
}

/* A media description (RFC 8866 section 5.14), or, before the first, what holds for all. */
struct medium {
    uint64_t port;   /* 0: refused (RFC 3264 section 6) */
    uint64_t n;      /* ports, or pairs of them */
    uint8_t proto;   /* 0: neither UDP nor TCP */
    bool rtp;        /* there is RTCP, too */
    bool mux;        /* on the same port */
    bool active;     /* it will connect, nobody to it */
    bool rtcp_said;  /* where RTCP is, */
    bool rtcp_apart; /* and with an address of its own */
    uint16_t rtcp_port;
    struct connection at, rtcp;
};

/* RFC 8866 section 8.2.2: what IANA lists, and T.38's udptl (ITU-T T.38 annex D). */
static void read_proto(struct clv_span s, struct medium *m)
{
    static const struct {
        const char *prefix;
        uint8_t proto;
    } protos[] = {
        {"RTP/", CLV_PROTO_UDP}, {"UDP", CLV_PROTO_UDP}, {"DTLS/", CLV_PROTO_UDP},
        {"vat", CLV_PROTO_UDP},  {"TCP", CLV_PROTO_TCP},
    };
    m->proto = 0;
    m->rtp = false;
    for (size_t i = 0; i < sizeof protos / sizeof *protos && !m->proto; i++) {
        struct clv_span rest = s;
        if (sight_skip(&rest, protos[i].prefix))
            m->proto = protos[i].proto;
    }
    while (s.len && !m->rtp)
        m->rtp = sight_is(sight_piece(&s, '/'), "RTP");
}

/* "audio 49170/2 RTP/AVP 0" */
static void read_medium(struct clv_span value, struct medium *m)
{
    (void)sight_word(&value);
    struct clv_span ports = sight_word(&value);
    m->n = 1;
    if (!sight_number(&ports, UINT16_MAX, &m->port))
        m->port = 0;
    if (sight_skip(&ports, "/") && !sight_number(&ports, UINT16_MAX, &m->n))
        m->n = 1;
    read_proto(sight_word(&value), m);
}

/* "53020", "53020 IN IP4 192.0.2.1" (RFC 3605 section 2.1) */
static void read_rtcp(struct clv_span value, struct medium *m)
{
    struct clv_span port = sight_word(&value);
    m->rtcp_said = true;
    if (!sight_port(&port, &m->rtcp_port))
        m->rtcp_port = 0;
    m->rtcp_apart = sight_trim(value).len > 0;
    if (m->rtcp_apart)
        m->rtcp = read_connection(value);
}

static void read_attribute(struct clv_span value, struct medium *m)
{
    const struct clv_span name = sight_piece(&value, ':');
    if (sight_is(name, "rtcp-mux") || sight_is(name, "rtcp-mux-only"))
        m->mux = true;
    else if (sight_is(name, "setup"))
        m->active = sight_is(sight_trim(value), "active"); /* RFC 4145 section 4 */
    else if (sight_is(name, "rtcp"))
        read_rtcp(value, m);
}

static void add(struct sight_media *media, const struct connection *c, uint8_t proto, uint64_t port)
{
    struct sight_endpoint at = {.family = c->family, .proto = proto};
    if (c->nowhere || port > UINT16_MAX || (proto == CLV_PROTO_TCP && port == DISCARD))
        return;
    at.port = (uint16_t)port;
    memcpy(at.addr, c->addr, sizeof at.addr);
    sight_media_add(media, &at);
}

/*
 * One that multiplexes gets no RTCP on the next port: if the other side does not, RTCP goes between
 * the ports after both sides' (RFC 5761 section 5.1.1), and that of the other is among its own.
 */
static void add_medium(struct sight_media *media, const struct medium *m)
{
    const unsigned step = m->rtp ? 2 : 1;
    if (!m->port || !m->proto || m->active)
        return;
    const uint64_t end = min_u64(m->port + m->n * step, UINT16_MAX + 1);
    for (uint64_t port = m->port; port < end && !m->at.nowhere; port += step) {
        if (media->n == SIGHT_MEDIA)
            return; /* before as many turns again: each adds an endpoint, or finds it there */
        add(media, &m->at, m->proto, port);
        if (m->rtp && !m->mux && !m->rtcp_said)
            add(media, &m->at, m->proto, port + 1);
    }
    if (m->rtp && m->rtcp_said)
        add(media, m->rtcp_apart ? &m->rtcp : &m->at, m->proto, m->rtcp_port);
}

/* What a line says, if it is of this type. */
static bool is_type(const struct clv_span *line, char type, struct clv_span *value)
{
    if (line->len < 2 || line->p[0] != (uint8_t)type || line->p[1] != '=')
        return false;
    *value = (struct clv_span){line->p + 2, line->len - 2};
    return true;
}

/* "1 1 UDP 2130706431 192.0.2.1 8998 typ host tcptype active": RFC 8839 section 5.1, RFC 6544. */
static void add_candidate(struct sight_media *media, struct clv_span value)
{
    struct connection c = {0};
    uint16_t port;
    (void)sight_word(&value);
    (void)sight_word(&value);
    const struct clv_span transport = sight_word(&value);
    (void)sight_word(&value);
    const bool literal = sight_address(sight_word(&value), c.addr, &c.family);
    struct clv_span at = sight_word(&value);
    const bool udp = sight_is(transport, "UDP"), tcp = sight_is(transport, "TCP");
    if (!literal || !sight_port(&at, &port) || !(udp || tcp))
        return;
    for (struct clv_span word; (word = sight_word(&value)).len;) {
        if (sight_is(word, "tcptype") && sight_is(sight_word(&value), "active"))
            return;
    }
    c.nowhere = sight_is_nowhere(c.addr, c.family);
    add(media, &c, udp ? CLV_PROTO_UDP : CLV_PROTO_TCP, port);
}

/* Candidates come after all that c= and m= say: if there are too many, they are left out. */
static void add_candidates(struct sight_media *media, struct clv_span body)
{
    struct medium m = {0};
    struct clv_span line, value;
    while (sight_text_line(&body, &line)) {
        if (is_type(&line, 'm', &value))
            read_medium(value, &m);
        else if (m.port && is_type(&line, 'a', &value) && sight_skip(&value, "candidate:"))
            add_candidate(media, value);
    }
}

void sight_sdp(struct clv_span body, struct sight_media *media)
{
    struct medium session = {0}, m = {0};
    struct clv_span rest = body, line, value;
    bool within = false; /* a medium */
    while (sight_text_line(&rest, &line)) {
        if (is_type(&line, 'm', &value)) {
            if (within)
                add_medium(media, &m);
            else
                session = m;
            within = true;
            m = session;
            read_medium(value, &m);
        } else if (is_type(&line, 'c', &value)) {
            m.at = read_connection(value);
        } else if (is_type(&line, 'a', &value)) {
            read_attribute(value, &m);
        }
    }
    if (within)
        add_medium(media, &m);
    add_candidates(media, body);
}
