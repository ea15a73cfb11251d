/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the readers of src/sight/ make of bytes. Each line of standard input names a reader and has
 * its input in hexadecimal, in several pieces where it takes several; for each a line of JSON goes
 * to standard output, "{}" where the reader finds nothing.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cleave/packet.h"
#include "sight/dns.h"
#include "sight/ftp.h"
#include "sight/http.h"
#include "sight/quic.h"
#include "sight/rtsp.h"
#include "sight/segments.h"
#include "sight/sip.h"

enum { PIECES = 1 << 16, OUT = 1 << 20 };

static void print_addr(struct json *j, const uint8_t addr[16], unsigned family)
{
    char buf[64];
    struct text t = text_on(buf, sizeof buf);
    text_addr(&t, addr, family, ':');
    json_str(j, "addr", text_end(&t));
}

static void print_dns(const struct clv_span *pieces, size_t n, struct json *j)
{
    struct sight_dns dns;
    if (n != 1 || !sight_dns_read(pieces[0], &dns))
        return;
    json_u64(j, "id", dns.id);
    json_bool(j, "response", dns.response);
    json_u64(j, "opcode", dns.opcode);
    json_u64(j, "rcode", dns.rcode);
    json_open_array(j, "questions");
    for (unsigned i = 0; i < dns.n_questions; i++) {
        json_item(j);
        json_str(j, "name", dns.questions[i].name);
        json_u64(j, "type", dns.questions[i].type);
        json_close(j);
    }
    json_end_array(j);
    json_open_array(j, "addrs");
    for (unsigned i = 0; i < dns.n_addrs; i++) {
        json_item(j);
        print_addr(j, dns.addrs[i].addr, dns.addrs[i].family);
        json_u64(j, "question", dns.addrs[i].question);
        json_close(j);
    }
    json_end_array(j);
}

static void print_endpoint(struct json *j, const struct sight_endpoint *at)
{
    char buf[64];
    struct text t = text_on(buf, sizeof buf);
    if (at->family)
        text_addr(&t, at->addr, at->family, ':');
    json_item(j);
    json_str(j, "addr", text_end(&t));
    json_u64(j, "port", at->port);
    json_str(j, "proto", at->proto == CLV_PROTO_TCP ? "tcp" : "udp");
    json_close(j);
}

static void print_media(struct json *j, const char *name, const struct sight_media *media)
{
    json_open_array(j, name);
    for (unsigned i = 0; i < media->n; i++)
        print_endpoint(j, &media->at[i]);
    json_end_array(j);
}

static void print_span(struct json *j, const char *name, struct clv_span s)
{
    json_member(j, name);
    text_json(j->out, (const char *)s.p, s.len);
}

/* A datagram. */
static void print_sip(const struct clv_span *pieces, size_t n, struct json *j)
{
    static const char *const kinds[] = {
        [SIGHT_SIP_OTHER] = "",
        [SIGHT_SIP_INVITE] = "INVITE",
        [SIGHT_SIP_BYE] = "BYE",
        [SIGHT_SIP_CANCEL] = "CANCEL",
    };
    struct sight_sip sip;
    if (n != 1 || sight_sip_read(pieces[0], true, &sip) != SIGHT_WHOLE)
        return;
    json_u64(j, "status", sip.status);
    json_str(j, "kind", kinds[sip.kind]);
    print_span(j, "call_id", sip.call_id);
    json_bool(j, "has_media", sip.has_media);
    print_media(j, "media", &sip.media);
}

/* All messages of a stream. */
static void print_rtsp(const struct clv_span *pieces, size_t n, struct json *j)
{
    struct clv_span rest = n == 1 ? pieces[0] : (struct clv_span){0};
    struct sight_rtsp rtsp;
    json_open_array(j, "messages");
    while (rest.len && sight_rtsp_read(rest, &rtsp) == SIGHT_WHOLE) {
        const size_t len = (size_t)min_u64(rtsp.len, rest.len);
        rest = (struct clv_span){rest.p + len, rest.len - len};
        if (rtsp.interleaved)
            continue;
        json_item(j);
        json_u64(j, "status", rtsp.status);
        json_bool(j, "teardown", rtsp.teardown);
        print_span(j, "session", rtsp.session);
        print_media(j, "client", &rtsp.client);
        print_media(j, "server", &rtsp.server);
        json_close(j);
    }
    json_end_array(j);
    json_u64(j, "left", rest.len);
}

/* What the lines of one direction announce. */
static void print_ftp(const struct clv_span *pieces, size_t n, bool server, struct json *j)
{
    struct clv_span rest = n == 1 ? pieces[0] : (struct clv_span){0};
    struct sight_ftp ftp;
    json_open_array(j, "announced");
    while (rest.len && sight_ftp_line(rest, server, &ftp) == SIGHT_WHOLE) {
        rest = (struct clv_span){rest.p + ftp.len, rest.len - ftp.len};
        if (ftp.kind == SIGHT_FTP_ACTIVE || ftp.kind == SIGHT_FTP_PASSIVE)
            print_endpoint(j, &ftp.at);
    }
    json_end_array(j);
    json_u64(j, "left", rest.len);
}

static void print_ftp_client(const struct clv_span *pieces, size_t n, struct json *j)
{
    print_ftp(pieces, n, false, j);
}

static void print_ftp_server(const struct clv_span *pieces, size_t n, struct json *j)
{
    print_ftp(pieces, n, true, j);
}

/* A segment after its sequence number; without one, a connection begins. false: it is neither. */
static bool add_segment(struct sight_stream *s, struct clv_span piece)
{
    enum { SEQ = 4 };
    if (piece.len < SEQ)
        return false;
    const uint32_t seq = load_be32(piece.p);
    if (piece.len == SEQ)
        sight_stream_begin(s, seq);
    return sight_stream_add(s, seq, (struct clv_span){piece.p + SEQ, piece.len - SEQ});
}

static void print_message(const struct sight_http *http, struct json *j)
{
    json_item(j);
    if (http->response) {
        json_u64(j, "status", http->status);
        print_span(j, "location", http->location);
    } else {
        print_span(j, "method", http->method);
        print_span(j, "target", http->target);
        print_span(j, "host", http->host);
        print_span(j, "referer", http->referer);
    }
    json_close(j);
}

/* Of one direction of a connection. What follows a head that is no body of it is passed over. */
static void print_http(const struct clv_span *pieces, size_t n, struct json *j)
{
    struct sight_stream s = {0};
    struct sight_http http;
    json_open_array(j, "messages");
    for (size_t i = 0; i < n && add_segment(&s, pieces[i]); i++) {
        for (struct clv_span front; (front = sight_stream_front(&s)).len > 0;) {
            const enum sight step = sight_http_read(front, &http);
            if (step == SIGHT_PART && front.len < SIGHT_STREAM)
                break;
            if (step == SIGHT_WHOLE)
                print_message(&http, j);
            const uint64_t body = http.has_len && !http.response ? http.content_len : 0;
            sight_stream_take(&s, step == SIGHT_WHOLE ? http.head_len + body : front.len);
        }
    }
    json_end_array(j);
    sight_stream_fini(&s);
}

static void print_hello(const struct sight_hello *hello, struct json *j)
{
    json_str(j, "name", hello->name);
    json_str(j, "alpn", hello->alpn);
}

static void print_tls(const struct clv_span *pieces, size_t n, struct json *j)
{
    struct sight_stream s = {0};
    struct sight_hello hello;
    enum sight step = SIGHT_PART;
    for (size_t i = 0; step != SIGHT_WHOLE && i < n && add_segment(&s, pieces[i]); i++) {
        step = sight_tls(sight_stream_front(&s), &hello);
        if (step == SIGHT_NOT) /* what precedes STARTTLS and the like */
            sight_stream_take(&s, sight_stream_front(&s).len);
    }
    if (step == SIGHT_WHOLE)
        print_hello(&hello, j);
    sight_stream_fini(&s);
}

/* Datagrams, of both directions. */
static void print_quic(const struct clv_span *pieces, size_t n, struct json *j)
{
    struct sight_quic *q = sight_quic_create();
    struct sight_hello hello;
    for (size_t i = 0; q && i < n; i++) {
        if (sight_quic_add(q, pieces[i], &hello) != SIGHT_WHOLE)
            continue;
        print_hello(&hello, j);
        break;
    }
    sight_quic_destroy(&q);
}

static const struct {
    const char *name;
    void (*print)(const struct clv_span *pieces, size_t n, struct json *j);
} readers[] = {
    {"dns", print_dns},
    {"sip", print_sip},
    {"rtsp", print_rtsp},
    {"ftp-client", print_ftp_client},
    {"ftp-server", print_ftp_server},
    {"http", print_http},
    {"tls", print_tls},
    {"quic", print_quic},
};

/* Puts the bytes in the place of their digits. */
static struct clv_span decode(char *hex)
{
    uint8_t *const bytes = (uint8_t *)hex;
    size_t n = 0;
    for (; hex[2 * n] && hex[2 * n + 1]; n++) {
        const char pair[] = {hex[2 * n], hex[2 * n + 1], '\0'};
        bytes[n] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return (struct clv_span){bytes, n};
}

static bool answer(char *line, char *buf)
{
    static struct clv_span pieces[PIECES];
    size_t n = 0;
    char *rest;
    const char *const name = strtok_r(line, " \n", &rest);
    for (char *piece; n < PIECES && (piece = strtok_r(NULL, " \n", &rest)); n++)
        pieces[n] = decode(piece);
    for (size_t i = 0; name && i < sizeof readers / sizeof *readers; i++) {
        if (strcmp(name, readers[i].name) != 0)
            continue;
        struct text out = text_on(buf, OUT);
        struct json j = json_begin(&out);
        readers[i].print(pieces, n, &j);
        json_end(&j);
        (void)text_end(&out);
        for (char *p = buf; *p; p++)
            if (*p == '\n')
                *p = ' ';
        return !out.full && puts(buf) >= 0;
    }
    return false;
}

int main(void)
{
    char *line = NULL, *buf = malloc(OUT);
    size_t cap = 0;
    bool is_right = buf;
    while (is_right && getline(&line, &cap, stdin) > 0)
        is_right = answer(line, buf);
    free(line);
    free(buf);
    return is_right && fflush(stdout) == 0 ? 0 : 1;
}
