/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"
#include "support_check.h"
#include "support_sight.h"

#include "sight/rtsp.h"

#define SETUP "SETUP rtsp://192.0.2.1/track1 RTSP/1.0\r\nCSeq: 3\r\n"
#define OK "RTSP/1.0 200 OK\r\nCSeq: 3\r\n"

static const struct {
    const char *name, *message;
    unsigned status; /* 0: a request */
    bool teardown;
    const char *session, *client, *server;
    size_t body; /* of these bytes; those that are there count */
} rows[] = {
    {"no transport", "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 0, false, "", "", "", 0},
    {"a request", SETUP "Transport: RTP/AVP;unicast;client_port=4588-4589\r\n\r\n", 0, false, "",
     ":4588 :4589", "", 0},
    {"a response",
     OK "Session: 12345678;timeout=60\r\n"
        "Transport: RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257\r\n\r\n",
     200, false, "12345678", ":4588 :4589", ":6256 :6257", 0},
    {"with addresses",
     OK "Transport: RTP/AVP/UDP;unicast;client_port=4588-4589;server_port=6256-6257;"
        "source=192.0.2.1;destination=198.51.100.7\r\n\r\n",
     200, false, "", "198.51.100.7:4588 198.51.100.7:4589", "192.0.2.1:6256 192.0.2.1:6257", 0},
    {"addresses of nobody",
     OK "Transport: RTP/AVP;unicast;source=media.example;destination=0.0.0.0;client_port=8;"
        "server_port=6\r\n\r\n",
     200, false, "", ":8 :9", ":6 :7", 0},
    {"one port", SETUP "Transport: RTP/AVP;client_port=4588\r\n\r\n", 0, false, "", ":4588 :4589",
     "", 0},
    {"one port, and not RTP", SETUP "Transport: RAW/RAW/UDP;client_port=4588\r\n\r\n", 0, false, "",
     ":4588", "", 0},
    {"Real's", SETUP "Transport: x-real-rdt/udp;client_port=6970;mode=play\r\n\r\n", 0, false, "",
     ":6970", "", 0},
    {"two ports apart", SETUP "Transport: RTP/AVP;client_port=4588-5000\r\n\r\n", 0, false, "",
     ":4588 :5000", "", 0},
    {"the last port", SETUP "Transport: RTP/AVP;client_port=65535\r\n\r\n", 0, false, "", ":65535",
     "", 0},
    {"ports that are none",
     SETUP "Transport: RTP/AVP;client_port=0-1;server_port=65536,RTP/AVP;client_port=x,"
           "RTP/AVP;client_port=,RTP/AVP;client_port\r\n\r\n",
     0, false, "", "", "", 0},
    {"interleaved", OK "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n", 200, false, "", "",
     "", 0},
    {"interleaved, with ports that mean nothing",
     OK "Transport: RTP/AVP/TCP;client_port=4588-4589;interleaved=0-1\r\n\r\n", 200, false, "", "",
     "", 0},
    {"several",
     SETUP "Transport: RTP/AVP;unicast;client_port=4588-4589;mode=\"PLAY,RECORD\" , "
           "RTP/AVP/TCP;interleaved=0-1,RTP/AVP;multicast;port=1-2;client_port=5-6,"
           "RTP/SAVP;client_port=7-8\r\n\r\n",
     0, false, "", ":4588 :4589 :7 :8", "", 0},
    {"several fields",
     SETUP "Transport: RTP/AVP;client_port=4588-4589\r\n"
           "Transport: RTP/AVP;client_port=5-6\r\n\r\n",
     0, false, "", ":4588 :4589 :5 :6", "", 0},
    {"to a group", OK "Transport: RTP/AVP;multicast;destination=224.2.0.1;port=3456-3457\r\n\r\n",
     200, false, "", "", "", 0},
    {"to a group that is not called so",
     OK "Transport: RTP/AVP;client_port=3456-3457;destination=224.2.0.1\r\n\r\n", 200, false, "",
     "", "", 0},
    {"RTSP 2.0",
     "RTSP/2.0 200 OK\r\nSession: x\r\nTransport: RTP/AVP/UDP;unicast;"
     "dest_addr=\"198.51.100.5:3456\"/\"198.51.100.5:3457\";"
     "src_addr=\"[2001:db8::224]:6256\"/\"[2001:db8::224]:6257\"\r\n\r\n",
     200, false, "x", "198.51.100.5:3456 198.51.100.5:3457",
     "2001:db8::224#6256 2001:db8::224#6257", 0},
    {"RTSP 2.0, only ports",
     "SETUP rtsp://x RTSP/2.0\r\nTransport: RTP/AVP/UDP;unicast;dest_addr=\":3456\"/\":3457\"\r\n"
     "\r\n",
     0, false, "", ":3456 :3457", "", 0},
    {"RTSP 2.0, TCP",
     "SETUP rtsp://x RTSP/2.0\r\nTransport: RTP/AVP/TCP;unicast;dest_addr=\":3456\";setup=passive"
     "\r\n\r\n",
     0, false, "", ":3456/tcp", "", 0},
    {"RTSP 2.0, broken",
     "SETUP rtsp://x RTSP/2.0\r\nTransport: RTP/AVP/UDP;dest_addr=3456/\"\"/\":\"/\":0\"/\"x:70000"
     "\"/\"0.0.0.0:5\"/\"\r\n\r\n",
     0, false, "", "", "", 0},
    {"folded, any case",
     "setup rtsp://x rtsp/1.0\r\nSESSION:\r\n abc ; timeout=3\r\ntransport: rtp/avp;\r\n"
     "\tCLIENT_PORT = 4588-4589\r\n\r\n",
     0, false, "abc", ":4588 :4589", "", 0},
    {"TEARDOWN", "TEARDOWN rtsp://x RTSP/1.0\r\nSession: abc\r\n\r\n", 0, true, "abc", "", "", 0},
    {"not of SETUP", "PLAY rtsp://x RTSP/1.0\r\nTransport: RTP/AVP;client_port=8-9\r\n\r\n", 0,
     false, "", "", "", 0},
    {"refused", "RTSP/1.0 461 Unsupported transport\r\nTransport: RTP/AVP;client_port=8-9\r\n\r\n",
     461, false, "", "", "", 0},
    {"with a body", OK "Content-Length: 5\r\n\r\nv=0\r\n", 200, false, "", "", "", 5},
    {"with a body that is not there", OK "Content-Length: 70000\r\n\r\n", 200, false, "", "", "",
     70000},
    {"with a length that is none", OK "Content-Length: x\r\n\r\n", 200, false, "", "", "", 0},
    {"empty lines before", "\r\n\n" SETUP "Transport: RTP/AVP;client_port=4588-4589\r\n\r\n", 0,
     false, "", ":4588 :4589", "", 0},
    {"only LF", "SETUP rtsp://x RTSP/1.0\nTransport: RTP/AVP;client_port=4588-4589\n\n", 0, false,
     "", ":4588 :4589", "", 0},
};

static const char *text_of(const struct sight_media *media, char *buf, size_t cap)
{
    struct text t = text_on(buf, cap);
    put_media(&t, media);
    return text_end(&t);
}

static enum sight read_copy(const void *p, size_t len, struct sight_rtsp *rtsp, char session[64])
{
    uint8_t *const copy = tight_copy(p, len);
    const enum sight found = sight_rtsp_read((struct clv_span){copy, len}, rtsp);
    assert_true(rtsp->session.len < 64);
    if (rtsp->session.len)
        memcpy(session, rtsp->session.p, rtsp->session.len);
    session[rtsp->session.len] = '\0';
    free(copy);
    return found;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *const name = rows[i].name;
        const size_t len = strlen(rows[i].message);
        const bool there = len >= 5 && strcmp(rows[i].message + len - 5, "v=0\r\n") == 0;
        const size_t head = there ? len - 5 : len;
        struct sight_rtsp rtsp;
        char buf[256], session[64];
        CHECK_EQ(name, read_copy(rows[i].message, len, &rtsp, session), SIGHT_WHOLE);
        CHECK_EQ(name, rtsp.response, rows[i].status != 0);
        CHECK_EQ(name, rtsp.status, rows[i].status);
        CHECK_EQ(name, rtsp.teardown, rows[i].teardown);
        CHECK_STR(name, session, rows[i].session);
        CHECK_STR(name, text_of(&rtsp.client, buf, sizeof buf), rows[i].client);
        CHECK_STR(name, text_of(&rtsp.server, buf, sizeof buf), rows[i].server);
        CHECK_EQ(name, rtsp.len, head + rows[i].body);
        CHECK(name, !rtsp.interleaved);
        for (size_t cut = 0; cut < len; cut++)
            CHECK_EQ(name, read_copy(rows[i].message, cut, &rtsp, session),
                     cut < head ? SIGHT_PART : SIGHT_WHOLE);
    }
}

/* "$", channel, length: known as soon as these are there. */
static void test_frames(void **state)
{
    static const struct {
        const char *name, *hex;
        enum sight want;
        size_t len;
    } frames[] = {
        {"one byte", "24", SIGHT_PART, 0},
        {"no length", "24 00 00", SIGHT_PART, 0},
        {"empty", "24 00 0000", SIGHT_WHOLE, 4},
        {"whole", "24 01 0003 616263", SIGHT_WHOLE, 7},
        {"whole, and more", "24 01 0001 616263", SIGHT_WHOLE, 5},
        {"the longest, of which little is there", "24 00 ffff 80", SIGHT_WHOLE, 65539},
        {"behind an empty line", "0d0a 24 00 0003", SIGHT_WHOLE, 9},
        {"no frame", "25 00 0003", SIGHT_PART, 0},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(frames); i++) {
        struct bytes b = {0};
        struct sight_rtsp rtsp;
        char session[64];
        put_hex(&b, frames[i].hex);
        const bool frame = frames[i].hex[1] != '5';
        CHECK_EQ(frames[i].name, read_copy(b.p, b.len, &rtsp, session),
                 frame ? frames[i].want : SIGHT_NOT);
        CHECK_EQ(frames[i].name, rtsp.len, frames[i].len);
        CHECK_EQ(frames[i].name, rtsp.interleaved, frames[i].want == SIGHT_WHOLE);
        bytes_free(&b);
    }
}

static void test_others(void **state)
{
    static const char *const others[] = {
        "GET / HTTP/1.1\r\n\r\n", "INVITE sip:b SIP/2.0\r\n\r\n",
        "RTSP/1.0 OK\r\n\r\n",    "RTSP/1.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        "\x16\x03\x01",
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(others); i++) {
        struct sight_rtsp rtsp;
        char session[64];
        CHECK_EQ(others[i], read_copy(others[i], strlen(others[i]), &rtsp, session), SIGHT_NOT);
    }
}

UNIT(rtsp)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
