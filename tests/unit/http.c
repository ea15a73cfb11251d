/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"

#include "sight/http.h"

#define NO_LEN UINT64_MAX

static void check_span(const char *row, const char *what, struct clv_span got, const char *want)
{
    const size_t n = want ? strlen(want) : 0;
    if (got.len == n && (n == 0 || memcmp(got.p, want, n) == 0))
        return;
    print_error("%s: %s is \"%.*s\", not \"%s\"\n", row, what, (int)got.len,
                got.len ? (const char *)got.p : "", want ? want : "");
    check_failed(__FILE__, __LINE__);
}

/* Heads that are whole. */
struct want {
    const char *name, *text;
    unsigned status; /* 0: a request */
    const char *method, *target, *host, *referer, *location;
    uint64_t body; /* or NO_LEN */
    bool chunked;
    size_t after; /* bytes of the text that follow the head */
};

static const struct want rows[] = {
    {"a request", "GET /a?b HTTP/1.1\r\nHost: example.com\r\nReferer: http://example.com/\r\n\r\n",
     .method = "GET", .target = "/a?b", .host = "example.com", .referer = "http://example.com/"},
    {"with a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
     .method = "POST", .target = "/", .host = "a", .body = 5, .after = 5},
    {"a response", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nLocation: /x\r\n\r\n", .status = 200,
     .body = 7},
    {"a response without a reason", "HTTP/1.0 404\r\n\r\n", .status = 404, .body = NO_LEN},
    {"a redirection", "HTTP/1.1 302 Found\r\nlocation:http://b/\r\nContent-Length: 0\r\n\r\n",
     .status = 302, .location = "http://b/"},
    {"created", "HTTP/1.1 201 Created\r\nLocation: /new\r\nContent-Length: 1\r\n\r\nx",
     .status = 201, .location = "/new", .body = 1, .after = 1},
    {"of another status", "HTTP/1.1 404 No\r\nLocation: /new\r\nContent-Length: 1\r\n\r\n",
     .status = 404, .body = 1},
    {"no content", "HTTP/1.1 204 No Content\r\n\r\n", .status = 204},
    {"not modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", .status = 304},
    {"continue", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200", .status = 100, .after = 12},
    {"until the end", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", .status = 200,
     .body = NO_LEN},
    {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n", .status = 200,
     .body = NO_LEN, .chunked = true},
    {"chunked, with a length",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .status = 200,
     .body = NO_LEN, .chunked = true},
    {"coded, but not chunked last", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, x\r\n\r\n",
     .status = 200, .body = NO_LEN},
    {"lengths that agree", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nContent-Length:5\r\n\r\n",
     .status = 200, .body = 5},
    {"lengths that differ", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
     .status = 200, .body = NO_LEN},
    {"a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n", .status = 200,
     .body = NO_LEN},
    {"a length that is too long", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
     .status = 200, .body = NO_LEN},
    {"the longest length", "PUT / HTTP/1.1\r\nContent-Length: 18446744073709551614\r\n\r\n",
     .method = "PUT", .target = "/", .body = UINT64_MAX - 1},
    {"fields in any case", "GET / HTTP/1.1\r\nhOST:a\r\nREFERER:\thttp://b/\t\r\n\r\n",
     .method = "GET", .target = "/", .host = "a", .referer = "http://b/"},
    {"folded", "GET / HTTP/1.1\r\nHost:\r\n example.com\r\nReferer: http://b/\r\n\t \r\n\r\n",
     .method = "GET", .target = "/", .host = "example.com", .referer = "http://b/"},
    {"folded within", "GET / HTTP/1.1\r\nReferer: http://b/\r\n c\r\nHost: a\r\n\r\n",
     .method = "GET", .target = "/", .host = "a", .referer = "http://b/\r\n c"},
    {"a folded field that looks like one", "GET / HTTP/1.1\r\nX: y\r\n Host: b\r\nHost: a\r\n\r\n",
     .method = "GET", .target = "/", .host = "a"},
    {"a blank before the first field", "GET / HTTP/1.1\r\n Host: b\r\nHost: a\r\n\r\n",
     .method = "GET", .target = "/", .host = "a"},
    {"bare LF", "GET / HTTP/1.1\nHost: a\nReferer: http://b/\n\nrest", .method = "GET",
     .target = "/", .host = "a", .referer = "http://b/", .after = 4},
    {"ends of both kinds", "GET / HTTP/1.1\r\nHost: a\n\r\n", .method = "GET", .target = "/",
     .host = "a"},
    {"after an empty line", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .method = "GET", .target = "/",
     .host = "a"},
    {"no field at all", "GET / HTTP/1.0\r\n\r\n", .method = "GET", .target = "/"},
    {"a host twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .method = "GET", .target = "/",
     .host = "a"},
    {"an empty host", "GET / HTTP/1.1\r\nHost:\r\nHost: b\r\n\r\n", .method = "GET", .target = "/",
     .host = ""},
    {"a host with a port", "GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n", .method = "GET", .target = "/",
     .host = "a:8080"},
    {"an absolute target", "GET http://b:81/c HTTP/1.1\r\nHost: a\r\n\r\n", .method = "GET",
     .target = "http://b:81/c", .host = "b:81"},
    {"an absolute target with a user", "GET https://u:p@b?c HTTP/1.1\r\n\r\n", .method = "GET",
     .target = "https://u:p@b?c", .host = "b"},
    {"an absolute target of another scheme", "GET ftp://b/c HTTP/1.1\r\nHost: a\r\n\r\n",
     .method = "GET", .target = "ftp://b/c", .host = "a"},
    {"CONNECT", "CONNECT example.com:443 HTTP/1.1\r\nHost: proxy\r\n\r\n", .method = "CONNECT",
     .target = "example.com:443", .host = "example.com:443"},
    {"OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", .method = "OPTIONS", .target = "*",
     .host = "a"},
    {"WebDAV", "PROPFIND /x HTTP/1.1\r\nHost: a\r\n\r\n", .method = "PROPFIND", .target = "/x",
     .host = "a"},
    {"UPnP", "SUBSCRIBE /events HTTP/1.1\r\nHOST: a:2869\r\n\r\n", .method = "SUBSCRIBE",
     .target = "/events", .host = "a:2869"},
    {"blanks in a target", "GET /a b  HTTP/1.1 \r\nHost: a\r\n\r\n", .method = "GET",
     .target = "/a b", .host = "a"},
    {"lines that are no field", "GET / HTTP/1.1\r\nnonsense\r\n: x\r\nHost: a\r\n\r\n",
     .method = "GET", .target = "/", .host = "a"},
};

static const struct {
    const char *name, *text;
    enum sight step;
} others[] = {
    {"HTTP/0.9", "GET /\r\n\r\n", SIGHT_NOT},
    {"no target", "GET HTTP/1.1\r\n\r\n", SIGHT_NOT},
    {"blanks for a target", "GET   HTTP/1.1\r\n\r\n", SIGHT_NOT},
    {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SIGHT_NOT},
    {"another version", "GET / HTTP/2.0\r\n\r\n", SIGHT_NOT},
    {"no version", "GET / HTTP/1.x\r\n\r\n", SIGHT_NOT},
    {"RTSP", "OPTIONS rtsp://a/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", SIGHT_NOT},
    {"SIP", "OPTIONS sip:a SIP/2.0\r\nCSeq: 1\r\n\r\n", SIGHT_NOT},
    {"SIP, by a method of both", "NOTIFY sip:a SIP/2.0\r\nCSeq: 1\r\n\r\n", SIGHT_NOT},
    {"an unknown method", "BREW /pot HTTP/1.1\r\n\r\n", SIGHT_NOT},
    {"in lower case", "get / HTTP/1.1\r\n\r\n", SIGHT_NOT},
    {"no status", "HTTP/1.1 OK\r\n\r\n", SIGHT_NOT},
    {"a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", SIGHT_NOT},
    {"a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", SIGHT_NOT},
    {"a status and more", "HTTP/1.1 200OK\r\n\r\n", SIGHT_NOT},
    {"controls in a line", "GET /\x01 HTTP/1.1\r\n\r\n", SIGHT_NOT},
    {"controls in a line without an end", "GET \x16\x03", SIGHT_NOT},
    {"nothing", "", SIGHT_PART},
    {"one letter", "P", SIGHT_PART},
    {"a line without an end", "GET /a", SIGHT_PART},
    {"a head without an end", "GET / HTTP/1.1\r\nHost: a\r\n", SIGHT_PART},
    {"a head without an end, folded", "GET / HTTP/1.1\r\nHost: a\r\n \r\n", SIGHT_PART},
};

static void check(const struct want *w, const struct sight_http *http, size_t len)
{
    CHECK_EQ(w->name, http->response, w->status != 0);
    CHECK_EQ(w->name, http->status, w->status);
    check_span(w->name, "method", http->method, w->method);
    check_span(w->name, "target", http->target, w->target);
    check_span(w->name, "host", http->host, w->host);
    check_span(w->name, "referer", http->referer, w->referer);
    check_span(w->name, "location", http->location, w->location);
    CHECK_EQ(w->name, http->has_len, w->body != NO_LEN);
    if (http->has_len)
        CHECK_EQ(w->name, http->content_len, w->body);
    CHECK_EQ(w->name, http->chunked, w->chunked);
    CHECK_EQ(w->name, http->head_len, len - w->after);
}

static enum sight read_tight(const char *text, size_t n, struct sight_http *http, uint8_t **block)
{
    *block = tight_copy(text, n);
    return sight_http_read((struct clv_span){*block, n}, http);
}

static void check_zero(const char *row, const struct sight_http *http)
{
    CHECK(row, !http->response && !http->method.p && !http->target.p && !http->host.p);
    CHECK_EQ(row, http->head_len, 0);
}

/* Each head whole, and cut at every byte: until it is whole it may be one. */
static void test_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct want *w = &rows[i];
        const size_t len = strlen(w->text);
        for (size_t n = 0; n <= len; n++) {
            struct sight_http http;
            uint8_t *block;
            const enum sight step = read_tight(w->text, n, &http, &block);
            CHECK_EQ(w->name, step, n < len - w->after ? SIGHT_PART : SIGHT_WHOLE);
            if (n == len)
                check(w, &http, len);
            else if (step == SIGHT_PART)
                check_zero(w->name, &http);
            free(block);
        }
    }
}

static void test_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS(others); i++) {
        const size_t len = strlen(others[i].text);
        for (size_t n = 0; n <= len; n++) {
            struct sight_http http;
            uint8_t *block;
            const enum sight step = read_tight(others[i].text, n, &http, &block);
            CHECK(others[i].name, step != SIGHT_WHOLE);
            if (n == len)
                CHECK_EQ(others[i].name, step, others[i].step);
            check_zero(others[i].name, &http);
            free(block);
        }
    }
}

/* A head of more than 64 KiB. */
static void test_long(void **state)
{
    struct bytes b = {0};
    struct sight_http http;
    static const char begin[] = "GET / HTTP/1.1\r\nCookie: ", end[] = "\r\nHost: a\r\n\r\n";
    (void)state;
    put_bytes(&b, begin, sizeof begin - 1);
    put_fill(&b, 'c', 65536);
    CHECK_EQ("its end is missing", sight_http_read((struct clv_span){b.p, b.len}, &http),
             SIGHT_PART);
    put_bytes(&b, end, sizeof end - 1);
    CHECK_EQ("long", sight_http_read((struct clv_span){b.p, b.len}, &http), SIGHT_WHOLE);
    check_span("long", "host", http.host, "a");
    CHECK_EQ("long", http.head_len, b.len);
    bytes_free(&b);
}

UNIT(http)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
