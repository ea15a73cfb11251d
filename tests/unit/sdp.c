/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"
#include "support_check.h"
#include "support_sight.h"

#include "sight/sip.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\n"
#define AT1 "c=IN IP4 192.0.2.1\r\n"
#define AUDIO "m=audio 5004 RTP/AVP 0\r\n"

static const struct {
    const char *name, *body, *want;
} rows[] = {
    {"nothing", "", ""},
    {"no medium", HEAD AT1, ""},
    {"of the session", HEAD AT1 "t=0 0\r\n" AUDIO, "192.0.2.1:5004 192.0.2.1:5005"},
    {"of the medium", HEAD AUDIO AT1, "192.0.2.1:5004 192.0.2.1:5005"},
    {"the medium's goes before the session's",
     HEAD "c=IN IP4 192.0.2.7\r\n" AUDIO AT1 "m=video 6000 RTP/AVP 31\r\n",
     "192.0.2.1:5004 192.0.2.1:5005 192.0.2.7:6000 192.0.2.7:6001"},
    {"an address of nobody", HEAD AUDIO, ":5004 :5005"},
    {"a name", HEAD "c=IN IP4 media.example.com\r\n" AUDIO, ":5004 :5005"},
    {"a name that nobody has", HEAD "c=IN IP6 hold.invalid\r\n" AUDIO, ""},
    {"IPv6", HEAD "c=IN IP6 2001:db8::1\r\n" AUDIO, "2001:db8::1#5004 2001:db8::1#5005"},
    {"IPv4 as IPv6", HEAD "c=IN IP6 ::ffff:192.0.2.1\r\n" AUDIO, "192.0.2.1:5004 192.0.2.1:5005"},
    {"on hold", HEAD "c=IN IP4 0.0.0.0\r\n" AUDIO, ""},
    {"on hold, IPv6", HEAD "c=IN IP6 ::\r\n" AUDIO, ""},
    {"inactive, but with an address", HEAD AT1 AUDIO "a=inactive\r\n",
     "192.0.2.1:5004 192.0.2.1:5005"},
    {"one of two on hold",
     HEAD AT1 "m=audio 5004 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\nm=video 6000 RTP/AVP 31\r\n",
     "192.0.2.1:6000 192.0.2.1:6001"},
    {"to a group", HEAD "c=IN IP4 233.252.0.1/127/3\r\n" AUDIO, ""},
    {"to a group, IPv6", HEAD "c=IN IP6 ff15::101/3\r\n" AUDIO, ""},
    {"refused", HEAD AT1 "m=audio 0 RTP/AVP 0\r\na=candidate:1 1 UDP 1 192.0.2.5 9000 typ host\r\n",
     ""},
    {"refused, and one that is not", HEAD AT1 "m=audio 0 RTP/AVP 0\r\nm=image 5010 udptl t38\r\n",
     "192.0.2.1:5010"},
    {"several ports", HEAD AT1 "m=video 49170/2 RTP/AVP 31\r\n",
     "192.0.2.1:49170 192.0.2.1:49171 192.0.2.1:49172 192.0.2.1:49173"},
    {"several ports without RTCP", HEAD AT1 "m=audio 7000/3 udp x\r\n",
     "192.0.2.1:7000 192.0.2.1:7001 192.0.2.1:7002"},
    {"several at the end", HEAD AT1 "m=video 65534/9 RTP/AVP 31\r\n",
     "192.0.2.1:65534 192.0.2.1:65535"},
    {"none of several", HEAD AT1 "m=video 49170/0 RTP/AVP 31\r\n", ""},
    {"the last port", HEAD AT1 "m=audio 65535 RTP/AVP 0\r\n", "192.0.2.1:65535"},
    {"more than the last", HEAD AT1 "m=audio 65536 RTP/AVP 0\r\n", ""},
    {"a negative port", HEAD AT1 "m=audio -1 RTP/AVP 0\r\n", ""},
    {"a port to be chosen (H.248)", HEAD AT1 "m=audio $ RTP/AVP 0\r\n", ""},
    {"RTCP's port", HEAD AT1 AUDIO "a=rtcp:53020\r\n", "192.0.2.1:5004 192.0.2.1:53020"},
    {"RTCP's port before c=", HEAD AUDIO "a=rtcp:53020\r\n" AT1, "192.0.2.1:5004 192.0.2.1:53020"},
    {"RTCP's address", HEAD AT1 AUDIO "a=rtcp:53020 IN IP6 2001:db8::2\r\n",
     "192.0.2.1:5004 2001:db8::2#53020"},
    {"RTCP nowhere", HEAD AT1 AUDIO "a=rtcp:9 IN IP4 0.0.0.0\r\n", "192.0.2.1:5004"},
    {"RTCP on the same port", HEAD AT1 AUDIO "a=rtcp:5004\r\n", "192.0.2.1:5004"},
    {"RTCP's port is broken", HEAD AT1 AUDIO "a=rtcp:x\r\n", "192.0.2.1:5004"},
    {"multiplexed", HEAD AT1 AUDIO "a=rtcp-mux\r\n", "192.0.2.1:5004"},
    {"multiplexed, only", HEAD AT1 AUDIO "a=rtcp-mux-only\r\n", "192.0.2.1:5004"},
    {"multiplexed, with a port in case it is not", HEAD AT1 AUDIO "a=rtcp-mux\r\na=rtcp:5009\r\n",
     "192.0.2.1:5004 192.0.2.1:5009"},
    {"what one multiplexes another does not",
     HEAD AT1 AUDIO "a=rtcp-mux\r\nm=video 6000 RTP/AVP 31\r\n",
     "192.0.2.1:5004 192.0.2.1:6000 192.0.2.1:6001"},
    {"T.38", HEAD AT1 "m=image 5010 udptl t38\r\na=T38FaxVersion:0\r\n", "192.0.2.1:5010"},
    {"T.38 in capitals", HEAD AT1 "m=image 5010 UDPTL t38\r\n", "192.0.2.1:5010"},
    {"T.38 over TCP", HEAD AT1 "m=image 5010 TCP t38\r\na=setup:passive\r\n", "192.0.2.1:5010/tcp"},
    {"who will connect", HEAD AT1 "m=image 9 TCP t38\r\na=setup:active\r\n", ""},
    {"who will connect, says the session", HEAD AT1 "a=setup:active\r\nm=image 5010 TCP t38\r\n",
     ""},
    {"nothing listens there", HEAD AT1 "m=image 9 TCP t38\r\n", ""},
    {"RTP over TCP", HEAD AT1 "m=audio 5004 TCP/RTP/AVP 0\r\n",
     "192.0.2.1:5004/tcp 192.0.2.1:5005/tcp"},
    {"MSRP", HEAD AT1 "m=message 7394 TCP/TLS/MSRP *\r\n", "192.0.2.1:7394/tcp"},
    {"encrypted", HEAD AT1 "m=audio 5004 UDP/TLS/RTP/SAVPF 111\r\na=setup:actpass\r\n",
     "192.0.2.1:5004 192.0.2.1:5005"},
    {"a data channel", HEAD AT1 "m=application 5004 UDP/DTLS/SCTP webrtc-datachannel\r\n",
     "192.0.2.1:5004"},
    {"SCTP of its own", HEAD AT1 "m=application 5004 SCTP x\r\n", ""},
    {"who will listen is no matter to ICE",
     HEAD AT1 "m=audio 5004 RTP/AVP 0\r\na=rtcp-mux\r\n"
              "a=candidate:1 1 UDP 2130706431 192.0.2.5 9000 typ host\r\n"
              "a=candidate:1 2 udp 2130706430 192.0.2.5 9001 typ host\r\n"
              "a=candidate:2 1 UDP 1694498815 198.51.100.3 45664 typ srflx raddr 10.0.1.1 rport "
              "8998\r\n"
              "a=candidate:3 1 UDP 1 192.0.2.1 5004 typ host\r\n",
     "192.0.2.1:5004 192.0.2.5:9000 192.0.2.5:9001 198.51.100.3:45664"},
    {"ICE alone",
     HEAD "c=IN IP4 0.0.0.0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
          "a=candidate:1 1 UDP 2 2001:db8::5 9000 typ host\r\n",
     "2001:db8::5#9000"},
    {"ICE over TCP",
     HEAD "c=IN IP4 0.0.0.0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
          "a=candidate:1 1 TCP 2 192.0.2.5 9 typ host tcptype active\r\n"
          "a=candidate:1 1 TCP 2 192.0.2.5 9 typ host tcptype passive\r\n"
          "a=candidate:1 1 TCP 2 192.0.2.5 9010 typ host tcptype active\r\n"
          "a=candidate:2 1 tcp 1 192.0.2.5 9001 typ host tcptype passive\r\n",
     "192.0.2.5:9001/tcp"},
    {"ICE with names, other transports, cut short",
     HEAD AT1 "m=audio 5004 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n"
              "a=candidate:1 1 UDP 2 2b1c.local 9000 typ host\r\n"
              "a=candidate:1 1 SCTP 2 192.0.2.5 9000 typ host\r\n"
              "a=candidate:1 1 UDP 2 192.0.2.5\r\na=candidate:\r\na=candidate:1 1 UDP\r\n"
              "a=candidate:1 1 UDP 2 0.0.0.0 9000 typ host\r\n",
     "192.0.2.1:5004"},
    {"only LF", "v=0\nc=IN IP4 192.0.2.1\nm=audio 5004 RTP/AVP 0\na=rtcp:7\n",
     "192.0.2.1:5004 192.0.2.1:7"},
    {"the last line has no end", HEAD AT1 "m=audio 5004 RTP/AVP 0\r\na=rtcp:53020",
     "192.0.2.1:5004 192.0.2.1:53020"},
    {"more blanks", HEAD "c= IN  IP4  192.0.2.1 \r\nm= audio  5004  RTP/AVP  0 \r\n",
     "192.0.2.1:5004 192.0.2.1:5005"},
    {"other types", HEAD AT1 "M=audio 5004 RTP/AVP 0\r\nm audio 5004 RTP/AVP 0\r\nm\r\n=\r\n", ""},
    {"the same twice", HEAD AT1 AUDIO AUDIO, "192.0.2.1:5004 192.0.2.1:5005"},
};

static void read_text(const char *body, size_t len, char *buf, size_t cap)
{
    struct sight_media media = {0};
    struct text t = text_on(buf, cap);
    uint8_t *const copy = tight_copy(body, len);
    sight_sdp((struct clv_span){copy, len}, &media);
    put_media(&t, &media);
    (void)text_end(&t);
    free(copy);
}

static void test_rows(void **state)
{
    char got[8192];
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        read_text(rows[i].body, strlen(rows[i].body), got, sizeof got);
        CHECK_STR(rows[i].name, got, rows[i].want);
        for (size_t cut = 0; cut < strlen(rows[i].body); cut++)
            read_text(rows[i].body, cut, got, sizeof got); /* stays within its bytes */
    }
}

/* What is more than there is room for is left out, candidates first. */
static void test_many(void **state)
{
    struct bytes b = {0};
    char line[128];
    struct sight_media media = {0};
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(line, sizeof line,
                       "m=audio %u RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\na=rtcp-mux\r\n"
                       "a=candidate:1 1 UDP 1 192.0.2.2 %u typ host\r\n",
                       1000 + i, 2000 + i);
        put_bytes(&b, line, strlen(line));
        media = (struct sight_media){0};
        sight_sdp((struct clv_span){b.p, b.len}, &media);
        assert_int_equal(media.n, min_u64(2 * (i + 1), SIGHT_MEDIA));
        for (unsigned k = 0; k <= i && k < SIGHT_MEDIA; k++)
            assert_int_equal(media.at[k].port, 1000 + k);
    }
    const struct sight_media full = media;
    sight_sdp((struct clv_span){b.p, b.len}, &media);
    assert_memory_equal(&media, &full, sizeof full);
    bytes_free(&b);
}

/* Counts of ports that are believed would take long: 16 KiB of such lines are millions of turns. */
static void test_counts(void **state)
{
    static const char *const lines[] = {
        "m=audio 1/65535 RTP/AVP 0\r\n",
        "m=audio 65535/65535 RTP/AVP 0\r\n",
        "c=IN IP4 0.0.0.0\r\nm=audio 1/65535 RTP/AVP 0\r\n",
        "m=audio 9/65535 TCP x\r\n",
    };
    static const unsigned want[] = {SIGHT_MEDIA, 1, 0, SIGHT_MEDIA};
    (void)state;
    for (size_t i = 0; i < N_ROWS(lines); i++) {
        struct bytes b = {0};
        struct sight_media media = {0};
        while (b.len < 16384)
            put_bytes(&b, lines[i], strlen(lines[i]));
        sight_sdp((struct clv_span){b.p, b.len}, &media);
        CHECK_EQ(lines[i], media.n, want[i]);
        bytes_free(&b);
    }
}

UNIT(sdp)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
