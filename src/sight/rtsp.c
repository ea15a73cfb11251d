/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/rtsp.h"

#include "cleave/packet.h"
#include "sight/lines.h"

enum { INTERLEAVED_HEADER = 4 }; /* $, channel, length: RFC 2326 section 10.12 */

/* What a transport specification says so far. */
struct transport {
    uint8_t proto;
    bool rtp;                             /* RTCP goes to the next port where only one is named */
    bool elsewhere;                       /* multicast, or within this connection */
    struct sight_endpoint client, server; /* the addresses of older parameters; ports are 0 */
};

/* "RTP/AVP", "RTP/AVP/UDP", "RTP/AVP/TCP", "x-real-rdt/udp": UDP where nothing is said. */
static void read_protocol(struct clv_span s, struct transport *t)
{
    t->proto = CLV_PROTO_UDP;
    t->rtp = sight_skip(&s, "RTP/");
    while (s.len) {
        if (sight_is(sight_piece(&s, '/'), "TCP"))
            t->proto = CLV_PROTO_TCP;
    }
}

static void add(struct sight_media *media, const struct transport *t, struct sight_endpoint at,
                uint16_t port)
{
    at.proto = t->proto;
    at.port = port;
    sight_media_add(media, &at);
}

/* "4588-4589", "4588" */
static void add_ports(struct sight_media *media, const struct transport *t,
                      const struct sight_endpoint *at, struct clv_span value)
{
    uint16_t first, second;
    if (!sight_port(&value, &first))
        return;
    add(media, t, *at, first);
    if (sight_skip(&value, "-") && sight_port(&value, &second))
        add(media, t, *at, second);
    else if (t->rtp && first < UINT16_MAX)
        add(media, t, *at, (uint16_t)(first + 1)); /* RFC 3550 section 11 */
}

/* "192.0.2.5:3456", ":3456", "[2001:db8::5]:3456": RFC 7826 section 18.54 */
static void add_addr(struct sight_media *media, const struct transport *t, struct clv_span s)
{
    struct sight_endpoint at = {0};
    struct clv_span host = s;
    uint16_t port;
    while (host.len && host.p[host.len - 1] != ':')
        host.len--;
    if (host.len == 0)
        return;
    s = (struct clv_span){s.p + host.len, s.len - host.len};
    host.len--;
    if (!sight_port(&s, &port))
        return;
    if (!sight_address(host, at.addr, &at.family))
        at = (struct sight_endpoint){0};
    else if (sight_is_nowhere(at.addr, at.family))
        return;
    add(media, t, at, port);
}

/* "\"192.0.2.5:3456\"/\"192.0.2.5:3457\"" */
static void add_addrs(struct sight_media *media, const struct transport *t, struct clv_span value)
{
    while (value.len)
        add_addr(media, t, sight_unquote(sight_trim(sight_piece_quoted(&value, '/'))));
}

/* A group is no end of a flow; address 0 is as if nothing were said. */
static void read_addr(struct clv_span value, struct sight_endpoint *at, struct transport *t)
{
    if (sight_address(sight_unquote(value), at->addr, &at->family) &&
        !sight_is_nowhere(at->addr, at->family))
        return;
    t->elsewhere |= at->family && at->addr[0];
    *at = (struct sight_endpoint){0};
}

/* Takes "; name=value". */
static struct clv_span next_parameter(struct clv_span *rest, struct clv_span *value)
{
    *value = sight_piece_quoted(rest, ';');
    const struct clv_span name = sight_trim(sight_piece(value, '='));
    *value = sight_trim(*value);
    return name;
}

/*
 * One specification (RFC 2326 section 12.39, RFC 7826 section 18.54). Addresses may come after the
 * ports that are theirs, so it is read twice.
 */
static void read_transport(struct clv_span spec, struct sight_rtsp *rtsp)
{
    struct transport t = {0};
    struct clv_span value;
    read_protocol(sight_trim(sight_piece_quoted(&spec, ';')), &t);
    for (struct clv_span rest = spec; rest.len;) {
        const struct clv_span name = next_parameter(&rest, &value);
        if (sight_is(name, "multicast") || sight_is(name, "interleaved"))
            t.elsewhere = true;
        else if (sight_is(name, "destination"))
            read_addr(value, &t.client, &t);
        else if (sight_is(name, "source"))
            read_addr(value, &t.server, &t);
    }
    while (spec.len && !t.elsewhere) {
        const struct clv_span name = next_parameter(&spec, &value);
        if (sight_is(name, "client_port"))
            add_ports(&rtsp->client, &t, &t.client, value);
        else if (sight_is(name, "server_port"))
            add_ports(&rtsp->server, &t, &t.server, value);
        else if (sight_is(name, "dest_addr"))
            add_addrs(&rtsp->client, &t, value);
        else if (sight_is(name, "src_addr"))
            add_addrs(&rtsp->server, &t, value);
    }
}

static void read_transports(struct clv_span value, struct sight_rtsp *rtsp)
{
    while (value.len)
        read_transport(sight_trim(sight_piece_quoted(&value, ',')), rtsp);
}

static enum sight read_frame(struct clv_span bytes, struct clv_span rest, struct sight_rtsp *rtsp)
{
    if (rest.len < INTERLEAVED_HEADER)
        return SIGHT_PART;
    rtsp->interleaved = true;
    rtsp->len = bytes.len - rest.len + INTERLEAVED_HEADER + load_be16(rest.p + 2);
    return SIGHT_WHOLE;
}

enum sight sight_rtsp_read(struct clv_span stream, struct sight_rtsp *rtsp)
{
    struct sight_start start;
    struct clv_span rest = stream, head, name, value;
    *rtsp = (struct sight_rtsp){0};
    sight_skip_lines(&rest);
    if (rest.len && *rest.p == '$')
        return read_frame(stream, rest, rtsp);
    const enum sight begins = sight_start_line(&rest, "RTSP/", &start);
    if (begins != SIGHT_WHOLE)
        return begins;
    if (!sight_head(&rest, &head))
        return SIGHT_PART;
    rtsp->response = start.response;
    rtsp->status = start.status;
    rtsp->teardown = sight_is(start.method, "TEARDOWN");
    const bool announces =
        start.response ? start.status / 100 == 2 : sight_is(start.method, "SETUP");
    int64_t content_len = SIGHT_NO_LENGTH;
    while (sight_field(&head, &name, &value)) {
        if (sight_is(name, "Session") && !rtsp->session.len)
            rtsp->session = sight_trim(sight_piece(&value, ';'));
        else if (sight_is(name, "Content-Length") && content_len == SIGHT_NO_LENGTH)
            content_len = sight_length(value);
        else if (announces && sight_is(name, "Transport"))
            read_transports(value, rtsp);
    }
    if (content_len == SIGHT_TOO_LONG)
        return SIGHT_NOT;
    rtsp->len = stream.len - rest.len + (content_len > 0 ? (size_t)content_len : 0);
    return SIGHT_WHOLE;
}
