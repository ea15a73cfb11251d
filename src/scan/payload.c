/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/payload.h"

#include "base/mem.h"
#include "sight/quote.h"
#include "sight/rtsp.h"
#include "sight/tftp.h"
#include "sight/tls.h"

enum {
    DIALOGS_MAX = 4096,
    LOOKS = 6, /* payloads of a direction in which no protocol shows */
    URL_MAX = 4096,
    UDP_HEADER = 8,
    TCP_HEADER = 20,
    PORT_FTP = 21,
    PORT_DNS = 53,
    PORT_TFTP = 69,
    PORT_MDNS = 5353,
    PORT_LLMNR = 5355,
};

/* What a flow is watched for at this moment. */
struct look {
    struct watcher *w;
    struct watch *watch;
    const struct sighting *s;
    struct dialog *d; /* NULL: none yet */
    unsigned dir;
    uint32_t lookup;
};

static struct dialog *dialog_at(const struct watcher *w, uint32_t link)
{
    return &w->dialogs[link - 1];
}

static void unlink_dialog(struct watcher *w, const struct dialog *d)
{
    if (d->before)
        dialog_at(w, d->before)->after = d->after;
    else
        w->oldest = d->after;
    if (d->after)
        dialog_at(w, d->after)->before = d->before;
    else
        w->newest = d->before;
}

static void link_newest(struct watcher *w, struct dialog *d)
{
    const uint32_t self = (uint32_t)(d - w->dialogs) + 1;
    d->before = w->newest;
    d->after = 0;
    if (w->newest)
        dialog_at(w, w->newest)->after = self;
    else
        w->oldest = self;
    w->newest = self;
}

static void end_dialog(struct watcher *w, struct dialog *d)
{
    sight_stream_fini(&d->streams[0]);
    sight_stream_fini(&d->streams[1]);
    sight_quic_destroy(&d->quic);
    mem_free(d->url);
    d->of->dialog = 0;
    unlink_dialog(w, d);
    *d = (struct dialog){.after = w->spare};
    w->spare = (uint32_t)(d - w->dialogs) + 1;
}

void watch_forget(struct watcher *w, struct watch *watch)
{
    if (watch->dialog)
        end_dialog(w, dialog_at(w, watch->dialog));
    watch->state = WATCH_OVER;
}

void watcher_fini(struct watcher *w)
{
    while (w->oldest)
        end_dialog(w, dialog_at(w, w->oldest));
    mem_free(w->dialogs);
    w->dialogs = NULL;
}

static void end(struct look *l)
{
    l->watch->state = WATCH_OVER;
    if (l->d)
        end_dialog(l->w, l->d);
    l->d = NULL;
}

/* The flow's dialog, as the one that was used last. false: no memory. */
static bool take_dialog(struct look *l)
{
    struct watcher *const w = l->w;
    if (!w->dialogs && !(w->dialogs = mem_alloc(DIALOGS_MAX, sizeof *w->dialogs)))
        return false;
    struct dialog *d;
    if (l->watch->dialog) {
        d = dialog_at(w, l->watch->dialog);
        unlink_dialog(w, d);
    } else {
        if (!w->spare && w->n == DIALOGS_MAX) {
            struct dialog *oldest = dialog_at(w, w->oldest);
            oldest->of->state = WATCH_OVER;
            end_dialog(w, oldest);
            w->given_up++;
        }
        d = w->spare ? dialog_at(w, w->spare) : &w->dialogs[w->n++];
        if (w->spare)
            w->spare = d->after;
        *d = (struct dialog){.of = l->watch};
        l->watch->dialog = (uint32_t)(d - w->dialogs) + 1;
    }
    link_newest(w, d);
    l->d = d;
    return true;
}

static void recognise(struct look *l, enum app app)
{
    l->watch->app = (uint8_t)app;
    l->watch->looks[0] = l->watch->looks[1] = 0;
    announce_app(l->w->announcer, l->s, app);
}

static bool is_dns(unsigned app)
{
    return app == APP_DNS || app == APP_MDNS || app == APP_LLMNR;
}

/* Connections of it are messages from their beginnings to their ends, without other bytes. */
static bool is_text(unsigned app)
{
    return app == APP_SIP || app == APP_RTSP || app == APP_FTP;
}

/* What is spoken may announce something at any time. */
static bool goes_on(unsigned app)
{
    return is_dns(app) || is_text(app) || app == APP_HTTP;
}

/* A payload says nothing: after some of them the flow is watched no more, where all it can say is
 * said at its beginning. */
static void see_nothing(struct look *l)
{
    uint8_t *looks = &l->watch->looks[l->dir];
    if (goes_on(l->watch->app))
        return;
    *looks = (uint8_t)(*looks + (*looks < LOOKS));
    if (*looks == LOOKS)
        end(l);
}

static bool has_port(const struct look *l, uint16_t port)
{
    return l->s->t->sport == port || l->s->t->dport == port;
}

static bool see_hello(struct look *l, const struct sight_hello *hello, enum app app)
{
    recognise(l, app);
    const bool ok = announce_name(l->w->announcer, l->s, hello->name, app);
    end(l);
    return ok;
}

/* The beginning of one, whose end may never come: a snaplen has cut it off. */
static bool see_hello_part(struct look *l, const struct sight_hello *hello, enum app app)
{
    if (!hello->name[0])
        return true;
    recognise(l, app);
    return announce_name(l->w->announcer, l->s, hello->name, app);
}

static bool see_dns(struct look *l, struct clv_span message)
{
    struct sight_dns dns;
    if (!sight_dns_read(message, &dns)) {
        l->w->broken++;
        see_nothing(l);
        return true;
    }
    /* Only multicast DNS answers without saying what: elsewhere this is the rest of a transfer. */
    if (dns.response && load_be16(message.p + 4) == 0 && !has_port(l, PORT_MDNS))
        return true;
    if (l->watch->app == APP_NONE)
        recognise(l, has_port(l, PORT_MDNS)    ? APP_MDNS
                     : has_port(l, PORT_LLMNR) ? APP_LLMNR
                                               : APP_DNS);
    return announce_dns(l->w->announcer, l->s, &dns, &l->lookup);
}

static bool see_sip(struct look *l, const struct sight_sip *sip)
{
    struct announcer *const a = l->w->announcer;
    char name[SIGHT_NAME];
    recognise(l, APP_SIP);
    if (sip->call_id.len && sip->call_id.len < sizeof name) {
        memcpy(name, sip->call_id.p, sip->call_id.len);
        name[sip->call_id.len] = '\0';
        if (!announce_name(a, l->s, name, APP_SIP))
            return false;
    }
    if (sip->has_media && (!sip->response || sip->status < 300) &&
        !announce_media(a, l->s, RELATION_SIP, sip->call_id, &sip->media))
        return false;
    if (sip->response && sip->invites && sip->status / 100 == 2)
        announce_sip_answer(a, l->s, sip->call_id, sip->to_tag);
    if (!sip->response && sip->kind == SIGHT_SIP_BYE)
        announce_sip_bye(a, l->s, sip->call_id, sip->to_tag, sip->from_tag);
    if (!sip->response && sip->kind == SIGHT_SIP_CANCEL)
        announce_sip_cancel(a, l->s, sip->call_id);
    return true;
}

static bool see_rtsp(struct look *l, const struct sight_rtsp *rtsp)
{
    struct announcer *const a = l->w->announcer;
    if (rtsp->interleaved)
        return true;
    recognise(l, APP_RTSP);
    if (rtsp->teardown)
        announce_session_end(a, l->s, RELATION_RTSP, rtsp->session);
    if (!rtsp->response || rtsp->status >= 300)
        return true;
    /* A response has both ends' ports, and whoever sent it is the server. */
    struct clv_tuple back = *l->s->t;
    memcpy(back.src, l->s->t->dst, sizeof back.src);
    memcpy(back.dst, l->s->t->src, sizeof back.dst);
    struct sighting client = *l->s;
    client.t = &back;
    return announce_media(a, &client, RELATION_RTSP, rtsp->session, &rtsp->client) &&
           announce_media(a, l->s, RELATION_RTSP, rtsp->session, &rtsp->server);
}

static bool see_ftp(struct look *l, const struct sight_ftp *ftp)
{
    recognise(l, APP_FTP);
    switch (ftp->kind) {
    case SIGHT_FTP_ACTIVE:
    case SIGHT_FTP_PASSIVE:
        return announce_ftp(l->w->announcer, l->s, &ftp->at);
    case SIGHT_FTP_AUTH: /* TLS begins, which says a name (RFC 4217) */
        l->watch->app = APP_NONE;
        break;
    case SIGHT_FTP_OTHER:
        break;
    }
    return true;
}

static bool see_request(struct look *l, const struct sight_http *http)
{
    struct announcer *const a = l->w->announcer;
    char own[URL_MAX], from[URL_MAX], name[SIGHT_NAME];
    struct text url = text_on(own, sizeof own), referer = text_on(from, sizeof from);
    struct clv_span host = http->host;
    if (!sight_url_of_request(http, "http", &url))
        url.len = 0;
    if (!sight_url(NULL, http->referer, &referer))
        referer.len = 0;
    const uint8_t *colon = host.len ? memchr(host.p, ':', host.len) : NULL;
    if (colon)
        host.len = (size_t)(colon - host.p);
    if (sight_name(host, name) && !announce_name(a, l->s, name, APP_HTTP))
        return false;
    if (!url.len)
        return true;
    mem_free(l->d->url);
    l->d->url = mem_strdup(text_end(&url));
    return l->d->url && announce_request(a, l->s, l->d->url, text_end(&referer));
}

static bool see_http(struct look *l, const struct sight_http *http)
{
    char to[URL_MAX];
    struct text url = text_on(to, sizeof to);
    recognise(l, APP_HTTP);
    if (!http->response)
        return see_request(l, http);
    return !http->location.len || !sight_url(l->d->url, http->location, &url) ||
           announce_location(l->w->announcer, l->s, text_end(&url));
}

/* The bytes at the front of the stream are over. */
static void pass(struct look *l, uint64_t n)
{
    l->d->tries[l->dir].least = 0;
    sight_stream_take(&l->d->streams[l->dir], n);
}

/*
 * Tries one protocol at the front of the stream. NOT: it is another. PART: more bytes are needed.
 * WHOLE: a message of *len bytes was seen, or the flow is watched no more. *ok: memory.
 */
typedef enum sight try_fn(struct look *l, struct clv_span front, size_t *len, bool *ok);

static enum sight try_tls(struct look *l, struct clv_span front, size_t *len, bool *ok)
{
    struct sight_hello hello;
    const enum sight step = sight_tls(front, &hello);
    if (step == SIGHT_WHOLE)
        *ok = see_hello(l, &hello, APP_TLS);
    else if (step == SIGHT_PART)
        *ok = see_hello_part(l, &hello, APP_TLS);
    if (step != SIGHT_NOT)
        return step;
    const enum sight server = sight_tls_server(front);
    if (server == SIGHT_WHOLE) { /* the client's hello may still be on its way */
        *len = front.len;
        recognise(l, APP_TLS);
    }
    return server;
}

/*
 * A body of a known length follows: not that of an answer to HEAD, nor where no request says that
 * it is none, or that there is none for its status (RFC 9112 section 6.3).
 */
static bool has_body(const struct look *l, const struct sight_http *http)
{
    const bool asked = l->d->n_asked && l->d->n_asked <= 64;
    if (!http->has_len || http->chunked)
        return false;
    return !http->response || (asked && !(l->d->heads & 1) && http->status >= 200 &&
                               http->status != 204 && http->status != 304);
}

/* Which request a response answers follows from their order (RFC 9112 section 9.3.2). */
static void count_request(struct dialog *d, const struct sight_http *http)
{
    const bool head = http->method.len == 4 && memcmp(http->method.p, "HEAD", 4) == 0;
    if (!http->response && d->n_asked < 64)
        d->heads |= (uint64_t)head << d->n_asked;
    if (!http->response)
        d->n_asked++;
    if (!http->response || http->status < 200 || !d->n_asked) /* 1xx: another one follows */
        return;
    d->heads >>= 1;
    d->n_asked--;
}

static enum sight try_http(struct look *l, struct clv_span front, size_t *len, bool *ok)
{
    struct sight_http http;
    const enum sight step = sight_http_read(front, &http);
    if (step == SIGHT_WHOLE) {
        *ok = see_http(l, &http);
        const uint64_t body = has_body(l, &http) ? http.content_len : 0;
        count_request(l->d, &http);
        *len = http.head_len;
        if (body && *ok) {
            pass(l, http.head_len + body);
            *len = 0;
        }
    }
    return step;
}

static enum sight try_sip(struct look *l, struct clv_span front, size_t *len, bool *ok)
{
    struct sight_sip sip;
    const enum sight step = sight_sip_read(front, false, &sip);
    if (step == SIGHT_WHOLE)
        *ok = see_sip(l, &sip);
    *len = sip.len;
    return step;
}

static enum sight try_rtsp(struct look *l, struct clv_span front, size_t *len, bool *ok)
{
    struct sight_rtsp rtsp;
    const enum sight step = sight_rtsp_read(front, &rtsp);
    if (step == SIGHT_WHOLE && rtsp.interleaved && l->watch->app != APP_RTSP)
        return SIGHT_NOT;
    if (step == SIGHT_WHOLE)
        *ok = see_rtsp(l, &rtsp);
    *len = rtsp.len;
    return step;
}

/*
 * The well-known port tells which end is the server; on another one, a greeting and a user's name
 * are FTP (SMTP has the greeting, too, POP3 the name).
 */
static enum sight try_ftp(struct look *l, struct clv_span front, size_t *len, bool *ok)
{
    static const char user[] = "USER ";
    const bool by_port = has_port(l, PORT_FTP);
    const bool server = by_port ? l->s->t->sport == PORT_FTP : !flow_source_is_client(l->s->t);
    struct sight_ftp ftp;
    const enum sight step = sight_ftp_line(front, server, &ftp);
    if (step != SIGHT_WHOLE)
        return by_port || l->watch->app == APP_FTP ? step : SIGHT_NOT;
    if (!by_port && l->watch->app != APP_FTP) {
        const bool named =
            !server && front.len >= sizeof user - 1 && memcmp(front.p, user, sizeof user - 1) == 0;
        l->watch->greeted |= server && ftp.greeting;
        if (!named || !l->watch->greeted)
            return SIGHT_NOT;
    }
    *ok = see_ftp(l, &ftp);
    *len = ftp.len;
    return SIGHT_WHOLE;
}

/* RFC 1035 section 4.2.2: two bytes of length before each message. */
static enum sight try_dns(struct look *l, struct clv_span front, size_t *len, bool *ok)
{
    if (!has_port(l, PORT_DNS) && !has_port(l, PORT_MDNS) && !has_port(l, PORT_LLMNR))
        return SIGHT_NOT;
    if (front.len < 2 || front.len < 2U + load_be16(front.p))
        return SIGHT_PART;
    *len = 2U + load_be16(front.p);
    *ok = see_dns(l, (struct clv_span){front.p + 2, *len - 2});
    return SIGHT_WHOLE;
}

static const struct {
    enum app app;
    try_fn *try;
} tries[] = {
    {APP_DNS, try_dns}, {APP_FTP, try_ftp},   {APP_TLS, try_tls},
    {APP_SIP, try_sip}, {APP_RTSP, try_rtsp}, {APP_HTTP, try_http},
};

/*
 * A message may come in segments of a byte, and each makes all of it be looked at again. Once that
 * is many times what came, the front has to grow by an eighth before.
 */
static void try_later(struct dialog_tries *t, size_t front)
{
    enum { FREE = 128 << 10, TIMES = 16 };
    t->spent += front;
    if (t->spent > FREE + TIMES * t->got)
        t->least = (uint32_t)(front + front / 8 + 1);
}

/* All that the front of the record's direction says. */
static bool read_front(struct look *l)
{
    for (;;) {
        const struct clv_span front = sight_stream_front(&l->d->streams[l->dir]);
        enum sight best = SIGHT_NOT;
        size_t len = 0;
        bool ok = true;
        if (front.len == 0 || (front.len < l->d->tries[l->dir].least && front.len < SIGHT_STREAM))
            return true;
        for (unsigned i = 0; best != SIGHT_WHOLE && i < sizeof tries / sizeof *tries; i++) {
            const enum app app = (enum app)(is_dns(l->watch->app) ? APP_DNS : l->watch->app);
            if (app != APP_NONE && app != tries[i].app)
                continue;
            const enum sight step = tries[i].try(l, front, &len, &ok);
            if (!ok)
                return false;
            best = step > best ? step : best;
        }
        if (!l->d)
            return true; /* it is watched no more */
        if (best == SIGHT_WHOLE) {
            pass(l, len);
            continue;
        }
        if (best == SIGHT_PART && front.len < SIGHT_STREAM) {
            try_later(&l->d->tries[l->dir], front.len);
            return true;
        }
        pass(l, front.len); /* a body, or what is not known: a message begins with a segment */
        const bool broke = sight_stream_broke(&l->d->streams[l->dir]);
        l->w->broken += is_text(l->watch->app) && !broke; /* behind a gap it is the rest of one */
        see_nothing(l);
        if (!l->d)
            return true;
    }
}

static bool see_segment(struct look *l, const struct decode_place *place)
{
    enum { SYN = 0x02 };
    const uint8_t *const h = place->transport;
    struct watch *const watch = l->watch;
    if (place->left < TCP_HEADER)
        return true;
    const size_t header = (size_t)(h[12] >> 4) * 4;
    const uint32_t seq = load_be32(h + 4);
    const bool syn = h[13] & SYN;
    if (syn && !(watch->known >> l->dir & 1)) {
        watch->first[l->dir] = seq + 1;
        watch->known |= (uint8_t)(1U << l->dir);
    }
    if (header < TCP_HEADER || header >= place->left)
        return true;
    if (!take_dialog(l))
        return false;
    struct sight_stream *stream = &l->d->streams[l->dir];
    if (!stream->begun && (watch->known >> l->dir & 1))
        sight_stream_begin(stream, watch->first[l->dir]);
    l->d->tries[l->dir].got += place->left - header;
    return sight_stream_add(stream, seq + syn,
                            (struct clv_span){h + header, place->left - header}) &&
           read_front(l);
}

static bool see_quic(struct look *l, struct clv_span datagram)
{
    struct sight_hello hello;
    recognise(l, APP_QUIC);
    if (!take_dialog(l) || (!l->d->quic && !(l->d->quic = sight_quic_create())))
        return false;
    switch (sight_quic_add(l->d->quic, datagram, &hello)) {
    case SIGHT_WHOLE:
        return see_hello(l, &hello, APP_QUIC);
    case SIGHT_NOT:
        see_nothing(l);
        break;
    case SIGHT_PART:
        break;
    }
    return true;
}

static bool see_tftp(struct look *l)
{
    recognise(l, APP_TFTP);
    return announce_tftp(l->w->announcer, l->s);
}

static bool see_datagram(struct look *l, struct clv_span datagram)
{
    const enum app app = (enum app)l->watch->app;
    struct sight_sip sip;
    struct sight_hello hello;
    struct clv_span file;
    if (datagram.len == 0)
        return true;
    if (has_port(l, PORT_DNS) || has_port(l, PORT_MDNS) || has_port(l, PORT_LLMNR))
        return see_dns(l, datagram);
    if (l->s->t->dport == PORT_TFTP && sight_tftp_request(datagram, &file))
        return see_tftp(l);
    if ((app == APP_NONE || app == APP_SIP) && sight_sip_read(datagram, true, &sip) == SIGHT_WHOLE)
        return see_sip(l, &sip);
    if (app == APP_SIP) { /* or it keeps a translator's port open, say: blanks, or STUN */
        l->w->broken += datagram.p[0] >= 'A' && datagram.p[0] <= 'z';
        return true;
    }
    if (app == APP_QUIC || (app == APP_NONE && sight_quic_is_initial(datagram)))
        return see_quic(l, datagram);
    const enum sight dtls = app == APP_NONE ? sight_dtls(datagram, &hello) : SIGHT_NOT;
    if (dtls == SIGHT_WHOLE)
        return see_hello(l, &hello, APP_DTLS);
    see_nothing(l);
    return dtls != SIGHT_PART || see_hello_part(l, &hello, APP_DTLS);
}

static bool see_error(struct look *l, struct clv_span message)
{
    struct watcher *const w = l->w;
    struct clv_tuple t = {0};
    struct decode_fragment f = {.family = 0};
    int64_t ns = 0;
    const uint32_t flow =
        sight_quote(message, l->s->t->proto, &t, &f) ? w->quoted(w->user, &t, &f, &ns) : 0;
    if (flow == 0) {
        see_nothing(l);
        return true;
    }
    announce_quoted(w->announcer, l->s, flow, ns);
    end(l);
    return true;
}

bool watch_record(struct watcher *w, struct watch *watch, const struct sighting *s, unsigned dir,
                  const struct decode_place *place, uint32_t *lookup)
{
    struct look l = {.w = w, .watch = watch, .s = s, .dir = dir};
    const uint8_t *const h = place->transport;
    const struct clv_span all = {h, place->left};
    bool ok = true;
    watch->state = WATCH_LOOKS;
    switch (s->t->proto) {
    case CLV_PROTO_TCP:
        ok = see_segment(&l, place);
        break;
    case CLV_PROTO_UDP:
        if (all.len > UDP_HEADER) {
            const size_t len = load_be16(h + 4); /* RFC 768; 0 is a jumbogram, RFC 2675 */
            size_t end_at = len > UDP_HEADER && len < all.len ? len : all.len;
            ok = see_datagram(&l, (struct clv_span){h + UDP_HEADER, end_at - UDP_HEADER});
        }
        break;
    case CLV_PROTO_ICMP:
    case CLV_PROTO_ICMPV6:
        ok = see_error(&l, all);
        break;
    default:
        end(&l);
    }
    *lookup = l.lookup;
    return ok;
}
