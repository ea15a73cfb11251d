/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What payloads say of other flows: a byte that chooses the reader, and what it reads. No reader
 * reads outside of it, and what each reports keeps the bounds that its header states.
 */
#include "fuzz.h"

#include "sight/dns.h"
#include "sight/ftp.h"
#include "sight/quote.h"
#include "sight/rtsp.h"
#include "sight/sip.h"
#include "sight/tftp.h"

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

/* In the order of `readers` in seeds.py: new ones stand at the end. */
static void (*const readers[])(struct clv_span) = {
    read_dns, read_tftp, read_icmp, read_icmpv6, read_name, read_sip, read_sdp, read_rtsp, read_ftp,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] < sizeof readers / sizeof *readers)
        readers[data[0]]((struct clv_span){data + 1, size - 1});
    return 0;
}
