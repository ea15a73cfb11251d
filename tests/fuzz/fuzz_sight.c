/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What payloads say of other flows: a byte that chooses the reader, and what it reads. No reader
 * reads outside of it, and what each reports keeps the bounds that its header states.
 */
#include "fuzz.h"

#include "sight/dns.h"
#include "sight/ftp.h"
#include "sight/http.h"
#include "sight/initial.h"
#include "sight/quic.h"
#include "sight/quote.h"
#include "sight/rtsp.h"
#include "sight/segments.h"
#include "sight/sip.h"
#include "sight/tftp.h"
#include "sight/tls.h"

static bool within(const struct clv_span *part, const struct clv_span *whole)
{
    return part->p >= whole->p && part->p <= whole->p + whole->len &&
           part->len <= (size_t)(whole->p + whole->len - part->p);
}

static void read_dns(struct clv_span message)
{
    struct sight_dns dns;
    memset(&dns, 0xa5, sizeof dns); /* nothing of it counts */
    if (!sight_dns_read(message, &dns))
        return;
    FUZZ_CHECK(dns.n_questions <= SIGHT_DNS_QUESTIONS && dns.n_addrs <= SIGHT_DNS_ADDRS);
    FUZZ_CHECK(dns.response || dns.n_addrs == 0);
    for (unsigned i = 0; i < dns.n_questions; i++) {
        const char *const name = dns.questions[i].name;
        const size_t len = strnlen(name, SIGHT_NAME);
        FUZZ_CHECK(len > 0 && len < SIGHT_NAME);
        for (size_t k = 0; k < len; k++)
            FUZZ_CHECK(name[k] == '.' || name[k] == '\\' ||
                       sight_name_octet((uint8_t)name[k]) == name[k]);
    }
    for (unsigned i = 0; i < dns.n_addrs; i++) {
        FUZZ_CHECK(dns.addrs[i].family == 4 || dns.addrs[i].family == 6);
        FUZZ_CHECK(dns.addrs[i].question < dns.n_questions);
    }
}

static void read_tftp(struct clv_span packet)
{
    struct clv_span file;
    if (!sight_tftp_request(packet, &file))
        return;
    FUZZ_CHECK(file.len > 0 && within(&file, &packet));
}

static void quote(struct clv_span message, uint8_t proto, uint8_t family)
{
    struct clv_tuple t;
    struct decode_fragment f;
    if (!sight_quote(message, proto, &t, &f))
        return;
    FUZZ_CHECK(t.family == family && !(t.flags & CLV_TUPLE_SHORT));
    FUZZ_CHECK(!(t.flags & CLV_TUPLE_FRAGMENT) || f.family == family);
}

static void read_icmp(struct clv_span message)
{
    quote(message, CLV_PROTO_ICMP, 4);
}

static void read_icmpv6(struct clv_span message)
{
    quote(message, CLV_PROTO_ICMPV6, 6);
}

static void read_name(struct clv_span from)
{
    char name[SIGHT_NAME], again[SIGHT_NAME];
    if (!sight_name(from, name)) {
        FUZZ_CHECK(name[0] == '\0');
        return;
    }
    const size_t len = strnlen(name, SIGHT_NAME);
    FUZZ_CHECK(len == from.len || len + 1 == from.len);
    FUZZ_CHECK(sight_name((struct clv_span){(const uint8_t *)name, len}, again));
    FUZZ_CHECK(strcmp(name, again) == 0);
}

static void check_endpoint(const struct sight_endpoint *at)
{
    static const uint8_t none[16];
    FUZZ_CHECK(at->port != 0);
    FUZZ_CHECK(at->proto == CLV_PROTO_TCP || at->proto == CLV_PROTO_UDP);
    FUZZ_CHECK(at->family == 0 || at->family == 4 || at->family == 6);
    FUZZ_CHECK((at->family == 0) == (memcmp(at->addr, none, sizeof none) == 0));
}

static void check_media(const struct sight_media *media)
{
    FUZZ_CHECK(media->n <= SIGHT_MEDIA);
    for (unsigned i = 0; i < media->n; i++)
        check_endpoint(&media->at[i]);
}

static void check_sip(struct clv_span bytes, bool datagram)
{
    struct sight_sip sip;
    const enum sight found = sight_sip_read(bytes, datagram, &sip);
    if (found != SIGHT_WHOLE) {
        FUZZ_CHECK(found == SIGHT_NOT || !datagram);
        return;
    }
    FUZZ_CHECK(sip.len > 0 && (!datagram || sip.len <= bytes.len));
    FUZZ_CHECK(!sip.call_id.len || within(&sip.call_id, &bytes));
    for (size_t i = 0; i < sip.call_id.len; i++)
        FUZZ_CHECK(sip.call_id.p[i] > ' ' && sip.call_id.p[i] < 0x7f);
    FUZZ_CHECK(sip.has_media || !sip.media.n);
    FUZZ_CHECK(sip.response || sip.status == 0);
    check_media(&sip.media);
}

static void read_sip(struct clv_span bytes)
{
    check_sip(bytes, true);
    check_sip(bytes, false);
}

static void read_sdp(struct clv_span body)
{
    struct sight_media media = {0};
    sight_sdp(body, &media);
    check_media(&media);
}

static void read_rtsp(struct clv_span stream)
{
    struct sight_rtsp rtsp;
    if (sight_rtsp_read(stream, &rtsp) != SIGHT_WHOLE)
        return;
    FUZZ_CHECK(rtsp.len > 0 && (!rtsp.session.len || within(&rtsp.session, &stream)));
    check_media(&rtsp.client);
    check_media(&rtsp.server);
}

static void check_ftp(struct clv_span stream, bool server)
{
    struct sight_ftp ftp;
    if (sight_ftp_line(stream, server, &ftp) != SIGHT_WHOLE)
        return;
    FUZZ_CHECK(ftp.len > 0 && ftp.len <= stream.len && stream.p[ftp.len - 1] == '\n');
    if (ftp.kind == SIGHT_FTP_ACTIVE || ftp.kind == SIGHT_FTP_PASSIVE)
        check_endpoint(&ftp.at);
    FUZZ_CHECK(server || ftp.kind == SIGHT_FTP_OTHER || ftp.kind == SIGHT_FTP_ACTIVE);
}

static void read_ftp(struct clv_span stream)
{
    check_ftp(stream, true);
    check_ftp(stream, false);
}

enum { URL_MAX = 512 };

/* A URL that was made is made again of itself. */
static void check_url(const struct text *url)
{
    char buf[URL_MAX];
    struct text again = text_on(buf, sizeof buf);
    FUZZ_CHECK(!url->full && url->len > 0);
    FUZZ_CHECK(sight_url(NULL, (struct clv_span){(const uint8_t *)url->p, url->len}, &again));
    FUZZ_CHECK(again.len == url->len && memcmp(again.p, url->p, url->len) == 0);
}

static void read_url(struct clv_span reference)
{
    static const char *const bases[] = {NULL, "", "http://a/b/c/d;p?q", "https://a:444//b/../"};
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        char buf[URL_MAX];
        struct text url = text_on(buf, sizeof buf);
        if (sight_url(bases[i], reference, &url))
            check_url(&url);
        else
            FUZZ_CHECK(url.len == 0);
    }
}

static void read_http(struct clv_span stream)
{
    struct sight_http http;
    char buf[URL_MAX];
    struct text url = text_on(buf, sizeof buf);
    if (sight_http_read(stream, &http) != SIGHT_WHOLE) {
        FUZZ_CHECK(!http.response && !http.method.p && !http.head_len);
        return;
    }
    const struct clv_span *const parts[] = {&http.method, &http.target, &http.host, &http.referer,
                                            &http.location};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        FUZZ_CHECK(!parts[i]->len || within(parts[i], &stream));
    FUZZ_CHECK(http.head_len > 0 && http.head_len <= stream.len);
    FUZZ_CHECK(http.response == !http.method.len && !(http.has_len && http.chunked));
    if (!http.response && sight_url_of_request(&http, "http", &url))
        check_url(&url);
}

static void check_hello(const struct sight_hello *hello)
{
    char again[SIGHT_NAME];
    const size_t len = strnlen(hello->name, SIGHT_NAME);
    FUZZ_CHECK(strnlen(hello->alpn, sizeof hello->alpn) < sizeof hello->alpn);
    FUZZ_CHECK(len == 0 || sight_name((struct clv_span){(const uint8_t *)hello->name, len}, again));
}

static void read_tls(struct clv_span stream)
{
    struct sight_hello hello;
    (void)sight_tls(stream, &hello);
    check_hello(&hello);
    (void)sight_tls_server(stream);
    (void)sight_tls_handshake(stream, &hello);
    check_hello(&hello);
    (void)sight_dtls(stream, &hello);
    check_hello(&hello);
}

/* Takes what a length of two bytes counts, or all that is left. */
static struct clv_span take_counted(struct clv_span *rest)
{
    struct clv_span s = {rest->p + 2, load_be16(rest->p)};
    if (s.len > rest->len - 2)
        s.len = rest->len - 2;
    rest->p += 2 + s.len;
    rest->len -= 2 + s.len;
    return s;
}

/* Frames in a packet that can be opened; nobody would find it otherwise. */
static struct clv_span seal(struct clv_span frames, uint8_t buf[4096])
{
    static const uint8_t begin[] = {0xc0, 0, 0, 0, 1, 4, 'f', 'u', 'z', 'z', 0, 0, 0x40, 0, 0};
    enum { DCID = 6, LENGTH = 12, NUMBER = 14, LEAST = 3 };
    struct initial_keys keys;
    const size_t n = frames.len < 4000 ? frames.len : 4000, padded = n > LEAST ? n : LEAST;
    memset(buf, 0, sizeof begin + LEAST);
    memcpy(buf, begin, sizeof begin);
    memcpy(buf + sizeof begin, frames.p, n);
    store_be16(buf + LENGTH, (uint16_t)(0x4000 | (1 + padded + INITIAL_TAG)));
    const size_t len = sizeof begin + padded + INITIAL_TAG;
    if (initial_derive(1, (struct clv_span){buf + DCID, 4}, &keys))
        initial_seal(&keys, buf, len, NUMBER, 1, 0);
    return (struct clv_span){buf, len};
}

/* Datagrams, each after its length; every other one is sealed here. */
static void read_quic(struct clv_span rest)
{
    static uint8_t buf[4096];
    struct sight_hello hello;
    struct sight_quic *q = sight_quic_create();
    for (unsigned i = 0; q && rest.len > 2 && i < 64; i++) {
        struct clv_span datagram = take_counted(&rest);
        if (i % 2 == 0)
            datagram = seal(datagram, buf);
        (void)sight_quic_is_initial(datagram);
        (void)sight_quic_add(q, datagram, &hello);
        check_hello(&hello);
    }
    sight_quic_destroy(&q);
}

/* Segments: a byte says what to take before, two where it is, and its bytes follow their length. */
static void read_segments(struct clv_span rest)
{
    struct sight_stream s = {0};
    uint32_t seq = 0;
    while (rest.len > 5) {
        sight_stream_take(&s, rest.p[0]);
        seq += (uint32_t)(int16_t)load_be16(rest.p + 1);
        rest.p += 3;
        rest.len -= 3;
        (void)sight_stream_add(&s, seq, take_counted(&rest));
        for (unsigned i = 0; i < s.n; i++) {
            FUZZ_CHECK(s.extents[i].from < s.extents[i].to && s.at + s.extents[i].to <= s.cap);
            FUZZ_CHECK(i == 0 || s.extents[i].from > s.extents[i - 1].to);
        }
        const struct clv_span front = sight_stream_front(&s);
        for (size_t i = 0; i < front.len; i++)
            (void)*(const volatile uint8_t *)(front.p + i); /* all of it is there */
        FUZZ_CHECK(!s.pass || !s.n);
        (void)sight_stream_broke(&s);
    }
    sight_stream_fini(&s);
}

/* In the order of `readers` in seeds.py: new ones stand at the end. */
static void (*const readers[])(struct clv_span) = {
    read_dns,  read_tftp, read_icmp, read_icmpv6, read_name, read_sip,  read_sdp,
    read_rtsp, read_ftp,  read_http, read_url,    read_tls,  read_quic, read_segments,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] < sizeof readers / sizeof *readers)
        readers[data[0]]((struct clv_span){data + 1, size - 1});
    return 0;
}
