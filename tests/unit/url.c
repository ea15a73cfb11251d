/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"

#include "sight/http.h"

enum { URL_MAX = 256 };

/* want "": there is none. */
static void check_url(const char *row, const char *base, const char *reference, const char *want)
{
    char buf[URL_MAX];
    struct text out = text_on(buf, sizeof buf);
    uint8_t *p = tight_copy(reference, strlen(reference));
    const bool ok = sight_url(base, (struct clv_span){p, strlen(reference)}, &out);
    CHECK_STR(row, text_end(&out), want);
    CHECK_EQ(row, ok, *want != '\0');
    free(p);
}

static void test_examples(void **state)
{
    /* RFC 3986 sections 5.4.1 and 5.4.2, less fragments, for a strict parser. */
    static const char *const rows[][2] = {
        {"g:h", ""},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {"g?y#s", "http://a/b/c/g?y"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g"},
        {"g#s/../x", "http://a/b/c/g"},
        {"http:g", ""},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++)
        check_url(rows[i][0], "http://a/b/c/d;p?q", rows[i][0], rows[i][1]);
}

static void test_forms(void **state)
{
    static const struct {
        const char *base, *reference, *want;
    } rows[] = {
        {"", "http://example.com", "http://example.com/"},
        {NULL, "HTTP://Example.COM/Path?Query", "http://example.com/Path?Query"},
        {"", "https://example.com:443/", "https://example.com/"},
        {"", "https://example.com:80/", "https://example.com:80/"},
        {"", "http://example.com:80", "http://example.com/"},
        {"", "http://example.com:0080", "http://example.com/"},
        {"", "http://example.com:", "http://example.com/"},
        {"", "http://example.com:8080?x", "http://example.com:8080/?x"},
        {"", "http://user:secret@example.com/", "http://example.com/"},
        {"", "http://user@first@example.com/a@b", "http://example.com/a@b"},
        {"", "http://[2001:DB8::1]/", "http://[2001:db8::1]/"},
        {"", "http://[2001:db8::1]:81/", "http://[2001:db8::1]:81/"},
        {"", "http://192.0.2.1/", "http://192.0.2.1/"},
        {"", "http://example.com#top", "http://example.com/"},
        {"", "http://example.com?", "http://example.com/?"},
        {"", "http://example.com/a//b/../c/.", "http://example.com/a//c/"},
        {"", "http://example.com/a//../b", "http://example.com/a/b"},
        {"", "http://example.com/%7euser/%2F", "http://example.com/%7euser/%2F"},
        {"", "http://example.com/\xc3\xa4?\xff", "http://example.com/%C3%A4?%FF"},
        {"", "\t http://example.com/ \r\n", "http://example.com/"},
        {"http://a", "g", "http://a/g"},
        {"http://a?q", "", "http://a/?q"},
        {"http://a/b", "?", "http://a/b?"},
        {"https://a:444/b", "//c:443/d", "https://c/d"},
        {"https://a:444/b", "/c", "https://a:444/c"},
        {"http://a/b", "https://c", "https://c/"},
        {"http://a//b//c", "d", "http://a//b//d"},
        {"http://a/b", "", "http://a/b"},
        {"", "", ""},
        {"", "/path", ""},
        {"", "//example.com/", ""},
        {"", "example.com:80/path", ""},
        {"", "ftp://example.com/", ""},
        {"", "javascript:void(0)", ""},
        {"", "http://", ""},
        {"", "http:///path", ""},
        {"", "http://:80/", ""},
        {"", "http://user@/", ""},
        {"", "http://example.com:65536/", ""},
        {"", "http://example.com:8o/", ""},
        {"", "http://[::1/", "http://[::1/"},
        {"", "http://example.com/a b", ""},
        {"", "http://example.com/\r\n b", ""},
        {"", "http://exam\x01ple.com/", ""},
        {"", "http://example.com/\x7f", ""},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++)
        check_url(rows[i].reference, rows[i].base, rows[i].reference, rows[i].want);
}

static void test_room(void **state)
{
    static const char url[] = "http://example.com/a/b?c";
    (void)state;
    for (size_t cap = 0; cap <= sizeof url; cap++) {
        char *buf = malloc(3 + cap);
        assert_non_null(buf);
        struct text out = text_on(buf, 3 + cap);
        text_str(&out, "at ");
        const bool ok = sight_url("", (struct clv_span){(const uint8_t *)url, strlen(url)}, &out);
        CHECK_EQ("room", ok, cap >= strlen(url));
        CHECK_EQ("room", out.len, ok ? 3 + strlen(url) : 3);
        CHECK_MEM("room", buf, "at http://example.com/a/b?c", out.len);
        free(buf);
    }
}

static struct clv_span span_of(const char *s)
{
    return (struct clv_span){(const uint8_t *)s, strlen(s)};
}

static void test_requests(void **state)
{
    static const struct {
        const char *method, *target, *host, *scheme, *want;
    } rows[] = {
        {"GET", "/", "example.com", "http", "http://example.com/"},
        {"GET", "/a/../b?c#d", "Example.com:80", "http", "http://example.com/b?c"},
        {"GET", "/a", "example.com:80", "https", "https://example.com:80/a"},
        {"GET", "//other.example/a", "example.com", "http", "http://example.com//other.example/a"},
        {"GET", "/a:b", "example.com", "http", "http://example.com/a:b"},
        {"GET", "/?http://x/", "example.com", "http", "http://example.com/?http://x/"},
        {"GET", "http://other.example/a", "other.example", "http", "http://other.example/a"},
        {"GET", "https://other.example", "x", "http", "https://other.example/"},
        {"OPTIONS", "*", "example.com", "http", "http://example.com/"},
        {"OPTIONS", "*", "example.com:81", "http", "http://example.com:81/"},
        {"CONNECT", "example.com:443", "example.com:443", "http", ""},
        {"GET", "/", "", "http", ""},
        {"GET", "/", "exam ple.com", "http", ""},
        {"GET", "/a b", "example.com", "http", ""},
        {"GET", "/a", "example.com/b", "http", ""},
        {"GET", "/a", "example.com#b", "http", ""},
        {"GET", "index.html", "example.com", "http", ""},
        {"GET", "", "example.com", "http", ""},
    };
    (void)state;
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const struct sight_http request = {.method = span_of(rows[i].method),
                                           .target = span_of(rows[i].target),
                                           .host = span_of(rows[i].host)};
        char buf[URL_MAX];
        struct text out = text_on(buf, sizeof buf);
        const bool ok = sight_url_of_request(&request, rows[i].scheme, &out);
        CHECK_STR(rows[i].target, text_end(&out), rows[i].want);
        CHECK_EQ(rows[i].target, ok, *rows[i].want != '\0');
    }
}

/* A page's requests have the URL that their Referer fields name. */
static void test_absent(void **state)
{
    const struct sight_http request = {.method = span_of("GET"), .target = span_of("/")};
    char buf[URL_MAX];
    struct text out = text_on(buf, sizeof buf);
    (void)state;
    CHECK("no host", !sight_url_of_request(&request, "http", &out));
    CHECK("no field", !sight_url(NULL, request.referer, &out));
    CHECK("no target", !sight_url_of_request(&(struct sight_http){0}, "http", &out));
    CHECK_EQ("nothing", out.len, 0);
}

/* What was made once is made again of itself, whatever it was made of. */
static void test_stable(void **state)
{
    static const char alphabet[] = "htp:/..?#@[]a%\xc3 ";
    uint64_t seed = 4;
    unsigned made = 0;
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        char text[40] = "http://a/";
        size_t n = noise(&seed) % 2 ? 9 : 0;
        for (size_t more = noise(&seed) % 20; more; more--)
            text[n++] = alphabet[noise(&seed) % (sizeof alphabet - 1)];
        char first[URL_MAX], again[URL_MAX];
        struct text out = text_on(first, sizeof first), out2 = text_on(again, sizeof again);
        uint8_t *p = tight_copy(text, n);
        const bool ok = sight_url("http://b/c/d?e", (struct clv_span){p, n}, &out);
        free(p);
        if (!ok)
            continue;
        made++;
        const char *url = text_end(&out);
        CHECK(url, sight_url("", span_of(url), &out2));
        CHECK_STR(url, text_end(&out2), url);
        again[strcspn(again, "?")] = '\0';
        CHECK(url, !strstr(again, "/../") && !strstr(again, "/./") && !strchr(url, '#'));
    }
    CHECK("many", made > 5000);
}

UNIT(url)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples), cmocka_unit_test(test_forms),
        cmocka_unit_test(test_room),     cmocka_unit_test(test_requests),
        cmocka_unit_test(test_absent),   cmocka_unit_test(test_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
