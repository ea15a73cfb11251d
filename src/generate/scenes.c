/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What hosts do. Who leads to whom follows from the protocols: an address that was looked up leads
 * to a connection, a page to the requests that name it (RFC 9110 section 10.1.3), a call's session
 * descriptions to its streams, and so on.
 */
#include "base/text.h"
#include "generate/scene.h"

enum {
    PORT_FTP_DATA = 20,
    PORT_FTP = 21,
    PORT_SSH = 22,
    PORT_TFTP = 69,
    PORT_HTTP = 80,
    PORT_NTP = 123,
    PORT_HTTPS = 443,
    PORT_SIP = 5060,
    PORT_TRACE = 33434,
    CLIENT = false, /* who says it */
    SERVER = true,
};

static void put_address(struct wire *w, const struct scene *s, const uint8_t addr[16])
{
    char buf[64];
    struct text t = text_on(buf, sizeof buf);
    text_addr(&t, addr, s->host->family, ':');
    wire_put(w, buf, t.len);
}

static uint32_t connection_to(struct scene *s, const uint8_t server[16], uint16_t port)
{
    return scene_flow(s, CLV_PROTO_TCP, server, scene_port(s), port, false);
}

/* ---- the web ---- */

static void speak_tls(struct scene *s, struct scene_conn *c, const char *name)
{
    struct wire hello = {.len = 0}, record = {.len = 0}, answer = {.len = 0}, answered = {.len = 0};
    wire_client_hello(&hello, name, "h2", scene_chance(s, 40) ? 1216 : 32, scene_random64(s));
    wire_record(&record, 22, hello.p, hello.len);
    struct wire first = {.len = 0}, second = {.len = 0};
    const size_t half = record.len / 2;
    wire_put(&first, record.p, half);
    wire_put(&second, record.p + half, record.len - half);
    if (scene_chance(s, 80)) {
        scene_say(s, c, CLIENT, &record);
    } else { /* in two segments, of which the second one may overtake the first */
        scene_part(s, c, CLIENT, &first);
        scene_part(s, c, CLIENT, &second);
        if (scene_chance(s, 50))
            scene_overtake(s);
    }
    wire_server_hello(&answer, scene_random64(s));
    wire_record(&answered, 22, answer.p, answer.len);
    scene_say(s, c, SERVER, &answered);
    scene_bytes(s, c, CLIENT, 100 + scene_random(s, 400));
    scene_bytes(s, c, SERVER, 100 + scene_random(s, 4000));
    scene_close(s, c);
}

static void speak_quic(struct scene *s, uint32_t flow, const char *name)
{
    struct wire hello = {.len = 0}, datagram = {.len = 0};
    wire_client_hello(&hello, name, "h3", 32, scene_random64(s));
    (void)wire_initial(&datagram, &hello, scene_random64(s));
    scene_send(s, flow, CLIENT, &datagram);
    for (unsigned i = 2 + scene_random(s, 10); i; i--) {
        struct wire more = {.len = 0};
        scene_wait(s, 10);
        wire_u8(&more, 0x40 | scene_random(s, 0x40)); /* a short header */
        wire_fill(&more, (uint8_t)scene_random(s, 256), 40 + scene_random(s, 1200));
        scene_send(s, flow, i % 2 == 0, &more);
    }
}

/* Sessions with a name that is looked up, or was. */
static void do_web(struct scene *s)
{
    const int64_t fresh_ns = INT64_C(1800) * 1000000000; /* within the window of an hour */
    struct scene_answer a = s->host->last;
    char name[SCENE_NAME_MAX];
    if (!a.ts_ns || s->host->now_ns - a.ts_ns > fresh_ns || scene_chance(s, 75))
        scene_ask(s, &a);
    scene_name_text(a.name, name);
    for (unsigned i = 1 + scene_random(s, 3); i; i--) {
        const uint8_t *const addr = a.addrs[scene_random(s, 2)];
        struct scene_conn c;
        const bool quic = scene_chance(s, 25);
        const uint32_t flow = scene_flow(s, quic ? CLV_PROTO_UDP : CLV_PROTO_TCP, addr,
                                         scene_port(s), PORT_HTTPS, false);
        scene_led_by_lookup(s, flow, &a);
        if (quic) {
            speak_quic(s, flow, name);
        } else if (scene_chance(s, 10)) {
            scene_knock(s, &c, flow);
        } else {
            scene_open(s, &c, flow);
            speak_tls(s, &c, name);
        }
        scene_wait(s, 50);
    }
}

/* Asks for a path, with the URL of a page where there is one. Returns the request's time. */
static int64_t get(struct scene *s, struct scene_conn *c, const char *host, const char *path,
                   const char *page)
{
    struct wire w = {.len = 0};
    const int64_t ts_ns = s->host->now_ns;
    wire_text(&w, "GET %s HTTP/1.1\r\nHost: %s\r\n", path, host);
    if (page)
        wire_text(&w, "Referer: http://%s/\r\n", page);
    wire_text(&w, "Accept: */*\r\n\r\n");
    scene_say(s, c, CLIENT, &w);
    return ts_ns;
}

/* Returns the time of the response. */
static int64_t respond(struct scene *s, struct scene_conn *c, const char *location)
{
    struct wire w = {.len = 0};
    const int64_t ts_ns = s->host->now_ns;
    const unsigned n = location ? 0 : 10 + scene_random(s, 900);
    wire_text(&w, "HTTP/1.1 %s\r\n", location ? "302 Found" : "200 OK");
    if (location)
        wire_text(&w, "Location: http://%s/\r\n", location);
    wire_text(&w, "Content-Type: text/plain\r\nContent-Length: %u\r\n\r\n", n);
    wire_fill(&w, 'x', n);
    scene_say(s, c, SERVER, &w);
    return ts_ns;
}

/* A page, to which another may lead, and what it has from its own and other servers. */
static void do_page(struct scene *s)
{
    struct scene_answer a, other;
    struct scene_conn c, old, more;
    char name[SCENE_NAME_MAX], other_name[SCENE_NAME_MAX];
    int64_t moved_ns = 0;
    const bool redirected = scene_chance(s, 30);
    uint32_t flow;
    if (redirected) {
        scene_ask(s, &other);
        scene_name_text(other.name, other_name);
        flow = connection_to(s, other.addrs[0], PORT_HTTP);
        scene_led_by_lookup(s, flow, &other);
        scene_open(s, &old, flow);
        (void)get(s, &old, other_name, "/old", NULL);
        scene_name_text((struct scene_name){SCENE_HOST, s->set->n_names + 1}, name);
        moved_ns = respond(s, &old, name);
        scene_close(s, &old);
    }
    scene_ask(s, &a);
    scene_name_text(a.name, name);
    const uint32_t page = connection_to(s, a.addrs[0], PORT_HTTP);
    scene_led_by_lookup(s, page, &a);
    if (redirected)
        scene_led(s, page, SCENE_LED_BY_HTTP, old.flow, moved_ns);
    scene_open(s, &c, page);
    const int64_t page_ns = get(s, &c, name, "/", NULL);
    (void)respond(s, &c, NULL);
    if (scene_chance(s, 50)) { /* on the same connection */
        (void)get(s, &c, name, "/style.css", name);
        (void)respond(s, &c, NULL);
    }
    for (unsigned i = scene_random(s, 4); i; i--) {
        const bool foreign = scene_chance(s, 40);
        other = a;
        if (foreign)
            scene_ask(s, &other);
        scene_name_text(other.name, other_name);
        flow = connection_to(s, other.addrs[scene_random(s, 2)], PORT_HTTP);
        scene_led_by_lookup(s, flow, &other);
        scene_led(s, flow, SCENE_LED_BY_HTTP, page, page_ns);
        scene_open(s, &more, flow);
        (void)get(s, &more, other_name, foreign ? "/ad.js" : "/picture.png", name);
        (void)respond(s, &more, NULL);
        scene_close(s, &more);
    }
    scene_close(s, &c);
}

/* ---- calls ---- */

struct call {
    uint32_t flow;
    struct scene_name id;
    uint8_t server[16], media[16]; /* the callee's */
    uint16_t own_port, media_port;
};

/* A message, and a session description of who sends it (RFC 8866). Returns its time. */
static int64_t say_sip(struct scene *s, const struct call *c, bool back, const char *start,
                       const char *method, bool describes)
{
    struct wire w = {.len = 0}, sdp = {.len = 0};
    const int64_t ts_ns = s->host->now_ns;
    const unsigned v = s->host->family;
    const uint8_t *const own = back ? c->media : s->host->addr;
    char id[SCENE_NAME_MAX];
    scene_name_text(c->id, id);
    if (describes) {
        wire_text(&sdp, "v=0\r\no=- 1 1 IN IP%u ", v);
        put_address(&sdp, s, own);
        wire_text(&sdp, "\r\ns=-\r\nc=IN IP%u ", v);
        put_address(&sdp, s, own);
        wire_text(&sdp, "\r\nt=0 0\r\nm=audio %u RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
                  back ? c->media_port : c->own_port);
    }
    wire_text(&w, "%s\r\nVia: SIP/2.0/UDP host.example;branch=z9hG4bK%u\r\n", start, c->id.n);
    wire_text(&w, "From: <sip:a@call.example>;tag=a\r\nTo: <sip:b@call.example>%s\r\n",
              back ? ";tag=b" : "");
    wire_text(&w, "%s: %s\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\n",
              scene_chance(s, 50) ? "Call-ID" : "i", id, method);
    if (describes)
        wire_text(&w, "Content-Type: application/sdp\r\n");
    wire_text(&w, "Content-Length: %zu\r\n\r\n", sdp.len);
    wire_put(&w, sdp.p, sdp.len);
    scene_send(s, c->flow, back, &w);
    scene_wait(s, 20);
    return ts_ns;
}

/* RFC 3550 section 5.1. */
static void send_rtp(struct scene *s, uint32_t flow, bool back, unsigned seq)
{
    struct wire w = {.len = 0};
    wire_u16(&w, 0x8000);
    wire_u16(&w, seq);
    wire_u32(&w, seq * 160);
    wire_u32(&w, back ? 0xbbbb : 0xaaaa);
    wire_fill(&w, 0xff, 160);
    scene_send(s, flow, back, &w);
    scene_wait(s, 10);
}

/* A sender report and a description of the source, RFC 3550 sections 6.4.1 and 6.5. */
static void send_rtcp(struct scene *s, uint32_t flow, bool back)
{
    struct wire w = {.len = 0};
    wire_u32(&w, 0x80c80006);
    wire_u32(&w, back ? 0xbbbb : 0xaaaa);
    wire_fill(&w, 1, 20);
    wire_u32(&w, 0x81ca0003);
    wire_u32(&w, back ? 0xbbbb : 0xaaaa);
    wire_put(&w, "\1\4host\0", 8);
    scene_send(s, flow, back, &w);
    scene_wait(s, 5);
}

/* A stream of media that was announced, RTP's or the one of RTCP beside it; either end begins. */
static uint32_t open_stream(struct scene *s, const struct call *c, unsigned rtcp,
                            int64_t announced_ns)
{
    const uint32_t flow = scene_flow(s, CLV_PROTO_UDP, c->media, (uint16_t)(c->own_port + rtcp),
                                     (uint16_t)(c->media_port + rtcp), scene_chance(s, 50));
    scene_led(s, flow, SCENE_LED_BY_SIP, c->flow, announced_ns);
    scene_named(s, flow, c->id);
    if (rtcp)
        send_rtcp(s, flow, false);
    else
        send_rtp(s, flow, false, 0);
    return flow;
}

static void do_call(struct scene *s)
{
    struct call c = {.id = {SCENE_CALL, ++s->set->n_calls}};
    struct scene_answer a = {.ts_ns = 0};
    const bool early = scene_chance(s, 30); /* media before the call is taken */
    uint32_t rtp = 0;
    scene_server(s, c.server);
    scene_server(s, c.media);
    if (scene_chance(s, 50)) {
        scene_ask(s, &a);
        memcpy(c.server, a.addrs[0], sizeof c.server);
    }
    c.flow = scene_flow(s, CLV_PROTO_UDP, c.server, scene_port(s), PORT_SIP, false);
    if (a.ts_ns)
        scene_led_by_lookup(s, c.flow, &a);
    scene_named(s, c.flow, c.id);
    c.own_port = scene_port(s);
    c.media_port = (uint16_t)(20000 + 2 * scene_random(s, 5000));
    (void)say_sip(s, &c, CLIENT, "INVITE sip:b@call.example SIP/2.0", "INVITE", true);
    (void)say_sip(s, &c, SERVER, "SIP/2.0 100 Trying", "INVITE", false);
    if (early)
        rtp = open_stream(s, &c, 0,
                          say_sip(s, &c, SERVER, "SIP/2.0 183 Session Progress", "INVITE", true));
    else
        (void)say_sip(s, &c, SERVER, "SIP/2.0 180 Ringing", "INVITE", false);
    const int64_t taken_ns = say_sip(s, &c, SERVER, "SIP/2.0 200 OK", "INVITE", true);
    (void)say_sip(s, &c, CLIENT, "ACK sip:b@call.example SIP/2.0", "ACK", false);
    if (!early)
        rtp = open_stream(s, &c, 0, taken_ns);
    const uint32_t rtcp = open_stream(s, &c, 1, taken_ns);
    for (unsigned i = 4 + scene_random(s, 30); i; i--)
        send_rtp(s, rtp, i % 2, i);
    send_rtcp(s, rtcp, true);
    (void)say_sip(s, &c, CLIENT, "BYE sip:b@call.example SIP/2.0", "BYE", false);
    (void)say_sip(s, &c, SERVER, "SIP/2.0 200 OK", "BYE", false);
}

/* ---- transfers of files ---- */

static int64_t say_line(struct scene *s, struct scene_conn *c, bool back, const char *line)
{
    struct wire w = {.len = 0};
    const int64_t ts_ns = s->host->now_ns;
    wire_text(&w, "%s\r\n", line);
    scene_say(s, c, back, &w);
    return ts_ns;
}

/* Where a connection will be made to: as the reply or the command says it. Returns its time. */
static int64_t say_endpoint(struct scene *s, struct scene_conn *c, bool back,
                            const uint8_t addr[16], uint16_t port)
{
    struct wire w = {.len = 0};
    const int64_t ts_ns = s->host->now_ns;
    const bool six = s->host->family == 6;
    if (six && back) {
        wire_text(&w, "229 Entering Extended Passive Mode (|||%u|)\r\n", port);
    } else if (six) {
        wire_text(&w, "EPRT |2|");
        put_address(&w, s, addr);
        wire_text(&w, "|%u|\r\n", port);
    } else {
        wire_text(&w,
                  back ? "227 Entering Passive Mode (%u,%u,%u,%u,%u,%u).\r\n"
                       : "PORT %u,%u,%u,%u,%u,%u\r\n",
                  addr[0], addr[1], addr[2], addr[3], port >> 8, port & 0xff);
    }
    scene_say(s, c, back, &w);
    return ts_ns;
}

static void transfer(struct scene *s, struct scene_conn *control, const uint8_t server[16])
{
    static const uint8_t inside[16] = {192, 168, 77, 1};
    struct scene_conn c;
    const bool six = s->host->family == 6;
    const bool active = scene_chance(s, 40), translated = !six && scene_chance(s, 15);
    const uint16_t own_port = scene_port(s), port = (uint16_t)(30000 + scene_random(s, 20000));
    int64_t ts_ns;
    if (active) {
        ts_ns = say_endpoint(s, control, CLIENT, s->host->addr, own_port);
        (void)say_line(s, control, SERVER, "200 Command okay.");
    } else {
        (void)say_line(s, control, CLIENT, six ? "EPSV" : "PASV");
        ts_ns = say_endpoint(s, control, SERVER, translated ? inside : server, port);
    }
    (void)say_line(s, control, CLIENT, "RETR file.bin");
    const uint32_t flow =
        scene_flow(s, CLV_PROTO_TCP, server, own_port, active ? PORT_FTP_DATA : port, active);
    scene_led(s, flow, SCENE_LED_BY_FTP, control->flow, ts_ns);
    scene_open(s, &c, flow);
    (void)say_line(s, control, SERVER, "150 Opening data connection.");
    scene_bytes(s, &c, !active, 500 + scene_random(s, 5000));
    scene_close(s, &c);
    (void)say_line(s, control, SERVER, "226 Transfer complete.");
}

static void do_ftp(struct scene *s)
{
    struct scene_answer a = {.ts_ns = 0};
    struct scene_conn c;
    uint8_t server[16];
    scene_server(s, server);
    if (scene_chance(s, 60)) {
        scene_ask(s, &a);
        memcpy(server, a.addrs[0], sizeof server);
    }
    const uint32_t flow = connection_to(s, server, PORT_FTP);
    if (a.ts_ns)
        scene_led_by_lookup(s, flow, &a);
    scene_open(s, &c, flow);
    (void)say_line(s, &c, SERVER, "220 ready");
    (void)say_line(s, &c, CLIENT, "USER anonymous");
    (void)say_line(s, &c, SERVER, "331 Any password will do.");
    (void)say_line(s, &c, CLIENT, "PASS a@host.example");
    (void)say_line(s, &c, SERVER, "230 Logged in.");
    for (unsigned i = 1 + scene_random(s, 3); i; i--)
        transfer(s, &c, server);
    (void)say_line(s, &c, CLIENT, "QUIT");
    (void)say_line(s, &c, SERVER, "221 Goodbye.");
    scene_close(s, &c);
}

/* RFC 1350: the server answers from a port of its own. */
static void do_tftp(struct scene *s)
{
    uint8_t server[16];
    struct wire w = {.len = 0};
    scene_server(s, server);
    const uint16_t port = scene_port(s);
    const uint32_t request = scene_flow(s, CLV_PROTO_UDP, server, port, PORT_TFTP, false);
    const int64_t ts_ns = s->host->now_ns;
    wire_put(&w, "\0\1boot.img\0octet", 17);
    scene_send(s, request, CLIENT, &w);
    scene_wait(s, 10);
    const uint32_t data = scene_flow(s, CLV_PROTO_UDP, server, port,
                                     (uint16_t)(40000 + scene_random(s, 20000)), true);
    scene_led(s, data, SCENE_LED_BY_TFTP, request, ts_ns);
    const unsigned n = 1 + scene_random(s, 5);
    for (unsigned block = 1; block <= n; block++) {
        struct wire ack = {.len = 0};
        w.len = 0;
        wire_u16(&w, 3);
        wire_u16(&w, block);
        wire_fill(&w, (uint8_t)block, block < n ? 512 : 100);
        scene_send(s, data, false, &w);
        scene_wait(s, 5);
        wire_u16(&ack, 4);
        wire_u16(&ack, block);
        scene_send(s, data, true, &ack);
        scene_wait(s, 5);
    }
}

/* ---- errors, and what nobody announces ---- */

/* A datagram that a router sends back in part: RFC 792, RFC 4443 section 3.1. */
static void do_error(struct scene *s)
{
    struct scene_answer a;
    struct wire probe = {.len = 0};
    uint8_t router[16];
    scene_ask(s, &a);
    scene_server(s, router);
    const uint32_t flow =
        scene_flow(s, CLV_PROTO_UDP, a.addrs[0], scene_port(s), PORT_TRACE, false);
    scene_led_by_lookup(s, flow, &a);
    wire_fill(&probe, 0x40, 32);
    for (unsigned i = 1 + scene_random(s, 2); i; i--) {
        scene_wait(s, 5);
        scene_send(s, flow, false, &probe);
    }
    const int64_t ts_ns = s->host->now_ns;
    scene_wait(s, 10);
    scene_error(s, router, flow, ts_ns);
}

/* A dialog on a connection that nothing announces. */
static void speak_ssh(struct scene *s, struct scene_conn *c)
{
    (void)say_line(s, c, SERVER, "SSH-2.0-host");
    (void)say_line(s, c, CLIENT, "SSH-2.0-client");
    scene_close(s, c);
}

static void do_stranger(struct scene *s)
{
    uint8_t server[16];
    struct scene_conn c;
    scene_server(s, server);
    if (scene_chance(s, 50)) {
        scene_open(s, &c, connection_to(s, server, PORT_SSH));
        speak_ssh(s, &c);
        return;
    }
    struct wire w = {.len = 0};
    const uint32_t flow = scene_flow(s, CLV_PROTO_UDP, server, scene_port(s), PORT_NTP, false);
    wire_u8(&w, 0x23); /* RFC 5905 section 7.3: version 4, client; then server */
    wire_fill(&w, 0, 47);
    scene_send(s, flow, false, &w);
    scene_wait(s, 20);
    w.p[0] = 0x24;
    scene_send(s, flow, true, &w);
}

/* An address that was looked up too long ago, and one that was not. */
static void do_late(struct scene *s)
{
    struct scene_answer a;
    struct scene_conn c;
    scene_ask(s, &a);
    s->host->now_ns += INT64_C(3600) * 1000000000;
    scene_wait(s, 1000);
    scene_open(s, &c, connection_to(s, a.addrs[1], PORT_SSH));
    speak_ssh(s, &c);
}

/* ---- one after the other ---- */

static const struct {
    unsigned share; /* of 100 */
    void (*play)(struct scene *s);
} scenes[] = {
    {38, do_web}, {24, do_page}, {10, do_call},    {9, do_ftp},
    {6, do_tftp}, {5, do_error}, {7, do_stranger}, {1, do_late},
};

bool scene_make(struct scene_set *set, struct scene_host *h)
{
    struct scene s = {.set = set, .host = h};
    uint32_t dice = scene_random(&s, 100);
    size_t i = 0;
    while (dice >= scenes[i].share)
        dice -= scenes[i++].share;
    h->n_packets = h->n_bytes = h->next = 0;
    scene_wait(&s, 2000);
    scenes[i].play(&s);
    return !s.failed;
}
