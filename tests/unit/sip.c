/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"
#include "support_check.h"
#include "support_sight.h"

#include "sight/segments.h"
#include "sight/sip.h"

#define SDP "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 5004 RTP/AVP 0\r\n" /* 49 bytes */
#define GOT "192.0.2.1:5004 192.0.2.1:5005"
#define INVITE "INVITE sip:bob@example.com SIP/2.0\r\n"
#define VIA                                                                                        \
    "Via: SIP/2.0/UDP pc33.example.com;branch=z9hG4bK776\r\n"                                      \
    "Via: SIP/2.0/UDP a.example.com, SIP/2.0/TCP b.example.com\r\n"
#define ID "Call-ID: a84b@pc33\r\n"
#define TYPE "Content-Type: application/sdp\r\n"
#define LEN "Content-Length: 49\r\n"
#define PART "--b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
#define PART_SDP "--b1\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n"
#define MIXED(boundary) "Content-Type: multipart/mixed;boundary=" boundary "\r\n"

static const struct {
    const char *name, *message;
    enum sight_sip_kind kind;
    unsigned status; /* 0: a request */
    const char *call_id;
    const char *media; /* NULL: none is said */
} rows[] = {
    {"a request", INVITE VIA ID "\r\n", SIGHT_SIP_INVITE, 0, "a84b@pc33", NULL},
    {"an offer", INVITE VIA ID "CSeq: 1 INVITE\r\n" TYPE LEN "\r\n" SDP, SIGHT_SIP_INVITE, 0,
     "a84b@pc33", GOT},
    {"an answer", "SIP/2.0 200 OK\r\n" VIA ID "CSeq: 1 INVITE\r\n" TYPE LEN "\r\n" SDP,
     SIGHT_SIP_INVITE, 200, "a84b@pc33", GOT},
    {"an early answer", "SIP/2.0 183 Session Progress\r\nCSeq: 1 INVITE\r\n" ID TYPE LEN "\r\n" SDP,
     SIGHT_SIP_INVITE, 183, "a84b@pc33", GOT},
    {"ACK", "ACK sip:b SIP/2.0\r\n" ID TYPE LEN "\r\n" SDP, SIGHT_SIP_INVITE, 0, "a84b@pc33", GOT},
    {"PRACK", "PRACK sip:b SIP/2.0\r\n" TYPE LEN "\r\n" SDP, SIGHT_SIP_INVITE, 0, "", GOT},
    {"UPDATE", "UPDATE sip:b SIP/2.0\r\n" TYPE LEN "\r\n" SDP, SIGHT_SIP_INVITE, 0, "", GOT},
    {"BYE", "BYE sip:b SIP/2.0\r\n" ID "\r\n", SIGHT_SIP_BYE, 0, "a84b@pc33", NULL},
    {"CANCEL", "CANCEL sip:b SIP/2.0\r\n" ID "\r\n", SIGHT_SIP_CANCEL, 0, "a84b@pc33", NULL},
    {"the answer to BYE", "SIP/2.0 200 OK\r\n" ID "CSeq: 231 BYE\r\n\r\n", SIGHT_SIP_BYE, 200,
     "a84b@pc33", NULL},
    {"a MESSAGE's body is none", "MESSAGE sip:b SIP/2.0\r\n" TYPE LEN "\r\n" SDP, SIGHT_SIP_OTHER,
     0, "", NULL},
    {"what OPTIONS can", "SIP/2.0 200 OK\r\nCSeq: 1 OPTIONS\r\n" TYPE LEN "\r\n" SDP,
     SIGHT_SIP_OTHER, 200, "", NULL},
    {"a refusal that tells what would do",
     "SIP/2.0 488 Not Acceptable Here\r\nCSeq: 1 INVITE\r\n" TYPE LEN "\r\n" SDP, SIGHT_SIP_INVITE,
     488, "", NULL},
    {"a response to nothing", "SIP/2.0 200 OK\r\n" TYPE LEN "\r\n" SDP, SIGHT_SIP_OTHER, 200, "",
     NULL},
    {"methods have one case", "invite sip:b SIP/2.0\r\n" TYPE LEN "\r\n" SDP, SIGHT_SIP_OTHER, 0,
     "", NULL},
    {"compact", INVITE "v: SIP/2.0/UDP a\r\ni: x@y\r\nc: application/sdp\r\nl: 49\r\n\r\n" SDP,
     SIGHT_SIP_INVITE, 0, "x@y", GOT},
    {"compact, in capitals", INVITE "L:49\r\nC:application/sdp\r\nI:x@y\r\n\r\n" SDP,
     SIGHT_SIP_INVITE, 0, "x@y", GOT},
    {"any case, blanks before the colon",
     "INVITE sip:b sip/2.0\r\ncALL-id  :  x@y  \r\nCONTENT-type\t: APPLICATION/SDP ; x=y\r\n"
     "content-LENGTH:49\r\n\r\n" SDP,
     SIGHT_SIP_INVITE, 0, "x@y", GOT},
    {"folded",
     INVITE "Subject: one\r\n Call-ID: no@no\r\n\ttwo\r\nCall-ID:\r\n x@y\r\nContent-Type:\r\n"
            "\tapplication/sdp\r\n  ;a=b\r\nContent-Length:\r\n 49\r\n\r\n" SDP,
     SIGHT_SIP_INVITE, 0, "x@y", GOT},
    {"only LF", "INVITE sip:b SIP/2.0\nCall-ID: x@y\nc: application/sdp\nl: 49\n\n" SDP,
     SIGHT_SIP_INVITE, 0, "x@y", GOT},
    {"empty lines before", "\r\n\r\n" INVITE ID "\r\n", SIGHT_SIP_INVITE, 0, "a84b@pc33", NULL},
    {"lines that are no field", INVITE "what is this\r\n:\r\n" ID TYPE LEN "\r\n" SDP,
     SIGHT_SIP_INVITE, 0, "a84b@pc33", GOT},
    {"the first of several counts",
     INVITE ID "Call-ID: z@z\r\n" LEN "Content-Length: 1\r\n" TYPE
               "Content-Type: text/plain\r\n\r\n" SDP,
     SIGHT_SIP_INVITE, 0, "a84b@pc33", GOT},
    {"a Call-ID that is none", INVITE "Call-ID: x\xc3\xa4y\r\n\r\n", SIGHT_SIP_INVITE, 0, "", NULL},
    {"a control in a Call-ID", INVITE "Call-ID: x\x1by\r\n\r\n", SIGHT_SIP_INVITE, 0, "", NULL},
    {"an empty body", INVITE ID TYPE "Content-Length: 0\r\n\r\n", SIGHT_SIP_INVITE, 0, "a84b@pc33",
     NULL},
    {"compressed", INVITE TYPE "Content-Encoding: gzip\r\n" LEN "\r\n" SDP, SIGHT_SIP_INVITE, 0, "",
     NULL},
    {"compressed, compact", INVITE TYPE "e: gzip\r\n" LEN "\r\n" SDP, SIGHT_SIP_INVITE, 0, "",
     NULL},
    {"not compressed", INVITE TYPE "e: identity\r\n" LEN "\r\n" SDP, SIGHT_SIP_INVITE, 0, "", GOT},
    {"another type", INVITE "Content-Type: application/sdpx\r\n" LEN "\r\n" SDP, SIGHT_SIP_INVITE,
     0, "", NULL},
    {"no type", INVITE LEN "\r\n" SDP, SIGHT_SIP_INVITE, 0, "", NULL},
    {"all on hold",
     INVITE TYPE "Content-Length: 47\r\n\r\nv=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 5004 RTP/AVP 0\r\n",
     SIGHT_SIP_INVITE, 0, "", ""},
};

/* Bodies whose length is that of the rest. */
static const struct {
    const char *name, *type, *body, *media;
} bodies[] = {
    {"multipart", MIXED("b1"), PART PART_SDP "--b1--\r\n", GOT},
    {"multipart, first", MIXED("b1"), PART_SDP PART "--b1--\r\n", GOT},
    {"multipart, quoted", MIXED("\"b1\""), PART_SDP PART "--b1--\r\n", GOT},
    {"multipart, other parameters",
     "Content-Type: multipart/mixed; x=\"a;boundary=no\"; BOUNDARY = b1 ;y=z\r\n",
     PART_SDP "--b1--\r\n", GOT},
    {"multipart, folded", "c: multipart/mixed;\r\n boundary=b1\r\n", PART_SDP "--b1--\r\n", GOT},
    {"multipart, no end of the last line", MIXED("b1"), PART_SDP "--b1--", GOT},
    {"multipart, never closed", MIXED("b1"), PART PART_SDP, GOT},
    {"multipart, blanks at delimiters", MIXED("b1"),
     "--b1 \t\r\nc: application/sdp\r\n\r\n" SDP "\r\n--b1-- \r\n", GOT},
    {"multipart, with text around", MIXED("b1"),
     "this is\r\n\r\n--b10\r\n" PART_SDP "--b1--\r\n" PART_SDP, GOT},
    {"multipart, before the first part", MIXED("b1"), TYPE "\r\n" SDP "--b1--\r\n", NULL},
    {"multipart, after the last", MIXED("b1"), PART "--b1--\r\n" PART_SDP, NULL},
    {"multipart, in parts", MIXED("b0"),
     "--b0\r\n" MIXED("b1") "\r\n" PART_SDP "--b1--\r\n--b0--\r\n", GOT},
    {"multipart, a part of no type", MIXED("b1"), "--b1\r\n\r\n" SDP "--b1--\r\n", NULL},
    {"multipart, a part that is encoded", MIXED("b1"),
     "--b1\r\n" TYPE "Content-Transfer-Encoding: base64\r\n\r\ndj0wDQo=\r\n--b1--\r\n", NULL},
    {"multipart, binary", MIXED("b1"),
     "--b1\r\n" TYPE "Content-Transfer-Encoding: binary\r\n\r\n" SDP "\r\n--b1--\r\n", GOT},
    {"multipart, an empty part", MIXED("b1"), "--b1\r\n--b1\r\n" TYPE "\r\n--b1--\r\n", NULL},
    {"multipart, no boundary", "Content-Type: multipart/mixed\r\n", PART_SDP "--b1--\r\n", NULL},
    {"multipart, an empty boundary", MIXED("\"\""), PART_SDP "--\r\n", NULL},
    {"multipart, two descriptions", MIXED("b1"),
     PART_SDP "--b1\r\n" TYPE "\r\nv=0\r\nc=IN IP4 192.0.2.2\r\nm=image 7 udptl t38\r\n--b1--\r\n",
     GOT " 192.0.2.2:7"},
    {"no end of the last line", TYPE, "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 5004 RTP/AVP 0", GOT},
};

static const char *media_of(const struct sight_sip *sip, char *buf, size_t cap)
{
    struct text t = text_on(buf, cap);
    put_media(&t, &sip->media);
    assert_true(sip->has_media || !t.len);
    return sip->has_media ? text_end(&t) : NULL;
}

/* With a copy whose end a sanitizer knows; call_id is put into text. */
static enum sight read_copy(const void *p, size_t len, bool datagram, struct sight_sip *sip,
                            char call_id[64])
{
    uint8_t *const copy = tight_copy(p, len);
    const enum sight found = sight_sip_read((struct clv_span){copy, len}, datagram, sip);
    *call_id = '\0';
    if (found == SIGHT_WHOLE) {
        assert_true(sip->call_id.len < 64);
        if (sip->call_id.len)
            memcpy(call_id, sip->call_id.p, sip->call_id.len);
        call_id[sip->call_id.len] = '\0';
    }
    free(copy);
    return found;
}

/* What is cut off a datagram says less, and nothing else. Streams wait for it. */
static void check_cuts(const char *name, const char *message, size_t len, size_t head_len,
                       const struct sight_sip *want)
{
    struct sight_sip sip;
    char call_id[64], got[256], all[256];
    const char *const media = media_of(want, all, sizeof all);
    for (size_t cut = 0; cut < len; cut++) {
        const bool behind_head = cut >= head_len;
        const enum sight found = read_copy(message, cut, false, &sip, call_id);
        CHECK_EQ(name, found, behind_head && !want->has_media ? SIGHT_WHOLE : SIGHT_PART);
        if (read_copy(message, cut, true, &sip, call_id) == SIGHT_NOT)
            continue;
        const char *const less = media_of(&sip, got, sizeof got);
        CHECK(name, !less || (media && is_prefix_of(less, media)));
        CHECK_EQ(name, sip.len, cut);
        CHECK_EQ(name, sip.status, want->status);
        CHECK(name, !*call_id || (strlen(call_id) == want->call_id.len &&
                                  !memcmp(call_id, want->call_id.p, want->call_id.len)));
    }
}

static void check_message(const char *name, const char *message, const char *media,
                          struct sight_sip *sip)
{
    const size_t len = strlen(message);
    char call_id[64], buf[256];
    for (unsigned datagram = 0; datagram < 2; datagram++) {
        CHECK_EQ(name, read_copy(message, len, datagram, sip, call_id), SIGHT_WHOLE);
        CHECK_STR(name, media_of(sip, buf, sizeof buf), media);
        CHECK_EQ(name, sip->len, len);
    }
    *sip = (struct sight_sip){0};
    CHECK_EQ(name, sight_sip_read(span_of(message), true, sip), SIGHT_WHOLE);
    const char *blank = strstr(message, "\r\n\r\n");
    while (blank && blank == message)
        blank = strstr(message + 4, "\r\n\r\n");
    if (blank)
        check_cuts(name, message, len, (size_t)(blank + 4 - message), sip);
}

static void test_rows(void **state)
{
    struct sight_sip sip;
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        check_message(rows[i].name, rows[i].message, rows[i].media, &sip);
        CHECK_EQ(rows[i].name, sip.kind, rows[i].kind);
        CHECK_EQ(rows[i].name, sip.response, rows[i].status != 0);
        CHECK_EQ(rows[i].name, sip.status, rows[i].status);
        CHECK_EQ(rows[i].name, sip.call_id.len, strlen(rows[i].call_id));
        CHECK_MEM(rows[i].name, sip.call_id.p, rows[i].call_id, sip.call_id.len);
    }
}

static void test_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(bodies); i++) {
        char message[1024];
        (void)snprintf(message, sizeof message, INVITE ID "%sContent-Length: %zu\r\n\r\n%s",
                       bodies[i].type, strlen(bodies[i].body), bodies[i].body);
        assert_true(strlen(message) < sizeof message - 1);
        struct sight_sip found;
        char call_id[64], buf[256];
        CHECK_EQ(bodies[i].name, read_copy(message, strlen(message), false, &found, call_id),
                 SIGHT_WHOLE);
        CHECK_STR(bodies[i].name, media_of(&found, buf, sizeof buf), bodies[i].media);
        for (size_t cut = 0; cut < strlen(message); cut++)
            (void)read_copy(message, cut, true, &found, call_id);
    }
}

/* Lengths that are wrong. want_len 0: not SIP. */
static void test_lengths(void **state)
{
    static const struct {
        const char *name, *len, *body;
        bool datagram;
        enum sight want;
        const char *media;
        size_t body_len;
    } lens[] = {
        {"none", "", SDP, true, SIGHT_WHOLE, GOT, 49},
        {"none, of a stream: no body", "", SDP, false, SIGHT_WHOLE, NULL, 0},
        {"none, the last line is not believed", "", "c=IN IP4 192.0.2.1\r\nm=audio 50 RTP/AVP",
         true, SIGHT_WHOLE, "", 38},
        {"too short", "l: 27\r\n", SDP, true, SIGHT_WHOLE, "", 27},
        {"too short, in a stream", "l: 27\r\n", SDP, false, SIGHT_WHOLE, "", 27},
        {"exact", "l: 49\r\n", SDP "INVITE", false, SIGHT_WHOLE, GOT, 49},
        {"too long", "l: 50\r\n", SDP, true, SIGHT_WHOLE, GOT, 49},
        {"too long, in a stream", "l: 50\r\n", SDP, false, SIGHT_PART, NULL, 0},
        {"longer than streams are held", "l: 20000\r\n", SDP, false, SIGHT_WHOLE, NULL, 20000},
        {"no number", "l: x\r\n", SDP, true, SIGHT_WHOLE, GOT, 49},
        {"no number, in a stream", "l: x\r\n", SDP, false, SIGHT_WHOLE, NULL, 0},
        {"negative", "l: -49\r\n", SDP, false, SIGHT_WHOLE, NULL, 0},
        {"huge", "l: 2147483648\r\n", SDP, true, SIGHT_WHOLE, GOT, 49},
        {"huge, in a stream", "l: 2147483648\r\n", SDP, false, SIGHT_NOT, NULL, 0},
        {"more than 64 bits", "l: 99999999999999999999999\r\n", SDP, true, SIGHT_WHOLE, GOT, 49},
        {"more than 64 bits, in a stream", "l: 99999999999999999999999\r\n", SDP, false, SIGHT_NOT,
         NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(lens); i++) {
        char message[512], call_id[64], buf[256];
        struct sight_sip sip;
        const int head = snprintf(message, sizeof message, INVITE TYPE "%s\r\n", lens[i].len);
        (void)snprintf(message + head, sizeof message - (size_t)head, "%s", lens[i].body);
        CHECK_EQ(lens[i].name, read_copy(message, strlen(message), lens[i].datagram, &sip, call_id),
                 lens[i].want);
        if (lens[i].want != SIGHT_WHOLE)
            continue;
        CHECK_STR(lens[i].name, media_of(&sip, buf, sizeof buf), lens[i].media);
        CHECK_EQ(lens[i].name, sip.len, (size_t)head + lens[i].body_len);
    }
}

/* A body that says nothing of media need not be there. */
static void test_other_bodies(void **state)
{
    static const char *const heads[] = {
        "MESSAGE sip:b SIP/2.0\r\nc: text/plain\r\nl: 30000\r\n\r\nhello",
        "INVITE sip:b SIP/2.0\r\nc: text/plain\r\nl: 30000\r\n\r\nhello",
        "SIP/2.0 400 Bad\r\nCSeq: 1 INVITE\r\nc: application/sdp\r\nl: 30000\r\n\r\nhello",
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(heads); i++) {
        struct sight_sip sip;
        CHECK_EQ(heads[i], sight_sip_read(span_of(heads[i]), false, &sip), SIGHT_WHOLE);
        CHECK_EQ(heads[i], sip.len, strlen(heads[i]) - 5 + 30000);
        CHECK(heads[i], !sip.has_media);
    }
}

static void test_others(void **state)
{
    static const struct {
        const char *name, *bytes;
        enum sight stream; /* a datagram is not SIP in any case */
    } others[] = {
        {"nothing", "", SIGHT_PART},
        {"empty lines", "\r\n\r\n", SIGHT_PART},
        {"HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", SIGHT_NOT},
        {"HTTP's answer", "HTTP/1.1 200 OK\r\n\r\n", SIGHT_NOT},
        {"RTSP", "OPTIONS rtsp://x RTSP/1.0\r\n\r\n", SIGHT_NOT},
        {"no version", "INVITE sip:b\r\n\r\n", SIGHT_NOT},
        {"no URI", "INVITE  SIP/2.0\r\n\r\n", SIGHT_NOT},
        {"more words", "INVITE sip:b c SIP/2.0\r\n\r\n", SIGHT_NOT},
        {"half a version", "INVITE sip:b SIP/2\r\n\r\n", SIGHT_NOT},
        {"no status", "SIP/2.0 OK\r\n\r\n", SIGHT_NOT},
        {"a status of two digits", "SIP/2.0 20 OK\r\n\r\n", SIGHT_NOT},
        {"a status of four digits", "SIP/2.0 2000 OK\r\n\r\n", SIGHT_NOT},
        {"half a method", "INVI", SIGHT_PART},
        {"half a URI", "INVITE sip:b", SIGHT_PART},
        {"half a status", "SIP/2.0 2", SIGHT_PART},
        {"a long method", "INVITEINVITEINVITEINVITEINVITEINVITE", SIGHT_NOT},
        {"STUN", "\x01\x01", SIGHT_NOT},
        {"TLS", "\x16\x03\x01", SIGHT_NOT},
        {"controls behind a word", "INVITE \x01\x02", SIGHT_NOT},
        {"no text", "\xff\xfe\n", SIGHT_NOT},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(others); i++) {
        struct sight_sip sip;
        char call_id[64];
        const size_t len = strlen(others[i].bytes);
        CHECK_EQ(others[i].name, read_copy(others[i].bytes, len, false, &sip, call_id),
                 others[i].stream);
        CHECK_EQ(others[i].name, read_copy(others[i].bytes, len, true, &sip, call_id), SIGHT_NOT);
    }
}

UNIT(sip)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),    cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_lengths), cmocka_unit_test(test_other_bodies),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
