/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/http.h"
#include "sight/lines.h"

/* A reference's parts, RFC 3986 section 4.2; p NULL: the part is not there. No fragment. */
struct url {
    struct clv_span scheme, authority, path, query;
};

static bool is_alpha(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct clv_span span_of(const char *s)
{
    return (struct clv_span){(const uint8_t *)s, strlen(s)};
}

/* Bytes up to the first of those that stop. */
static struct clv_span up_to(struct clv_span *rest, const char *stops)
{
    size_t n = 0;
    while (n < rest->len && !(rest->p[n] && strchr(stops, rest->p[n])))
        n++;
    const struct clv_span piece = {rest->p, n};
    if (n) /* what is absent has no address to add to */
        rest->p += n;
    rest->len -= n;
    return piece;
}

static bool take(struct clv_span *rest, const char *prefix)
{
    const size_t n = strlen(prefix);
    if (rest->len < n || memcmp(rest->p, prefix, n) != 0)
        return false;
    rest->p += n;
    rest->len -= n;
    return true;
}

static bool has_blanks(struct clv_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] <= ' ' || s.p[i] == 0x7f)
            return true;
    return false;
}

static void split_path(struct clv_span s, struct url *url)
{
    s = up_to(&s, "#");
    url->path = up_to(&s, "?");
    if (take(&s, "?"))
        url->query = s;
}

/* RFC 3986 appendix B. */
static struct url split(struct clv_span s)
{
    struct url url = {0};
    struct clv_span rest = s;
    const struct clv_span scheme = up_to(&rest, ":/?#");
    if (scheme.len && is_alpha(*scheme.p) && take(&rest, ":")) {
        url.scheme = scheme;
        s = rest;
    }
    if (take(&s, "//"))
        url.authority = up_to(&s, "/?#");
    split_path(s, &url);
    return url;
}

static void put_lower(struct text *out, struct clv_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        const uint8_t c = s.p[i];
        text_char(out, (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
    }
}

/* What is beyond ASCII as browsers write it (RFC 3987 section 3.1). */
static void put(struct text *out, struct clv_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < 0x80) {
            text_char(out, (char)s.p[i]);
            continue;
        }
        text_char(out, '%');
        text_char(out, "0123456789ABCDEF"[s.p[i] >> 4]);
        text_char(out, "0123456789ABCDEF"[s.p[i] & 15]);
    }
}

/* RFC 3986 section 3.2, less userinfo and the scheme's own port. false: there is no host. */
static bool put_authority(struct text *out, struct clv_span authority, uint64_t own_port)
{
    struct clv_span host = authority;
    for (size_t i = 0; i < authority.len; i++)
        if (authority.p[i] == '@')
            host = (struct clv_span){authority.p + i + 1, authority.len - i - 1};
    size_t n = 0; /* of the host; colons of a literal address stand in brackets */
    if (host.len && *host.p == '[')
        while (n < host.len && host.p[n] != ']')
            n++;
    while (n < host.len && host.p[n] != ':')
        n++;
    struct clv_span port = {host.p + n, host.len - n};
    host.len = n;
    put_lower(out, host);
    if (n == 0 || !port.len || !take(&port, ":") || !port.len)
        return n != 0;
    uint64_t number;
    if (!sight_number(&port, UINT16_MAX, &number) || port.len)
        return false;
    if (number != own_port) {
        text_char(out, ':');
        text_u64(out, number, 1);
    }
    return true;
}

/*
 * RFC 3986 section 5.2.4, segment by segment: the path in `out` begins at `root`. last: the path
 * ends with this part, whose last segment "." or ".." leaves a slash.
 */
static void put_segments(struct text *out, size_t root, struct clv_span path, bool last)
{
    for (bool end = false; !end;) {
        struct clv_span segment = up_to(&path, "/");
        end = !take(&path, "/");
        if (end && !last && segment.len == 0)
            return;
        const bool dot = segment.len == 1 && segment.p[0] == '.';
        const bool dots = segment.len == 2 && segment.p[0] == '.' && segment.p[1] == '.';
        while (dots && out->len > root && out->p[--out->len] != '/')
            continue;
        if (dot || dots)
            segment.len = 0;
        if (!(dot || dots) || (end && last)) {
            text_char(out, '/');
            put(out, segment);
        }
    }
}

/* The path up to its last slash, without its first one. */
static struct clv_span directory_of(struct clv_span path)
{
    while (path.len && path.p[path.len - 1] != '/')
        path.len--;
    (void)take(&path, "/");
    return path;
}

/* The URL of the parts, behind the segments of `before`, a base's path, if path is relative. */
static bool compose(const struct url *url, struct clv_span before, struct text *out)
{
    const bool secure = sight_is(url->scheme, "https");
    const size_t begin = out->len;
    if (!url->authority.len || (!secure && !sight_is(url->scheme, "http")))
        return false;
    text_str(out, secure ? "https://" : "http://");
    bool ok = put_authority(out, url->authority, secure ? 443 : 80);
    if (ok) {
        struct clv_span path = url->path;
        const size_t root = out->len;
        if (!take(&path, "/"))
            put_segments(out, root, directory_of(before), false);
        put_segments(out, root, path, true);
        if (url->query.p) {
            text_char(out, '?');
            put(out, url->query);
        }
        ok = !out->full;
    }
    if (!ok)
        out->len = begin;
    return ok;
}

bool sight_url(const char *base, struct clv_span reference, struct text *out)
{
    const struct clv_span none = {0};
    reference = reference.p ? sight_trim(reference) : span_of("");
    if (has_blanks(reference))
        return false;
    const struct url from = split(span_of(base ? base : ""));
    struct url to = split(reference);
    if (to.scheme.p)
        return compose(&to, none, out);
    if (!from.scheme.p)
        return false;
    to.scheme = from.scheme;
    if (to.authority.p)
        return compose(&to, none, out);
    to.authority = from.authority;
    if (to.path.len)
        return compose(&to, from.path, out);
    to.path = from.path;
    if (!to.query.p)
        to.query = from.query;
    return compose(&to, none, out);
}

/* RFC 9112 sections 3.2 and 3.3. */
bool sight_url_of_request(const struct sight_http *request, const char *scheme, struct text *out)
{
    const struct clv_span target = request->target, none = {0};
    const bool all = target.len == 1 && *target.p == '*';
    if (target.len == 0 || has_blanks(target) || sight_is(request->method, "CONNECT"))
        return false;
    if (!all && *target.p != '/')
        return sight_url(NULL, target, out);
    struct clv_span host = request->host;
    struct url url = {.scheme = span_of(scheme), .authority = up_to(&host, "/?#")};
    split_path(all ? span_of("") : target, &url);
    return host.len == 0 && !has_blanks(url.authority) && compose(&url, none, out);
}
