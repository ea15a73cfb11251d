/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/http.h"

#include "sight/lines.h"

/*
 * Of IANA's registry of methods those that are in use, and those of UPnP (Device Architecture 2.0,
 * section 4) and of RPC over HTTP ([MS-RPCH] section 2.1.1); a blank follows each.
 */
static const char *const methods[] = {
    "GET ",         "POST ",        "HEAD ",         "PUT ",        "DELETE ",    "CONNECT ",
    "OPTIONS ",     "TRACE ",       "PATCH ",        "PROPFIND ",   "PROPPATCH ", "MKCOL ",
    "COPY ",        "MOVE ",        "LOCK ",         "UNLOCK ",     "SEARCH ",    "REPORT ",
    "CHECKOUT ",    "MERGE ",       "MKACTIVITY ",   "MKCALENDAR ", "NOTIFY ",    "SUBSCRIBE ",
    "UNSUBSCRIBE ", "RPC_IN_DATA ", "RPC_OUT_DATA ",
};

/* Whether a word is at the front (WHOLE), may still come (PART), or is not. */
static enum sight begins(struct clv_span s, const char *word)
{
    const size_t len = strlen(word), n = s.len < len ? s.len : len;
    if (n && memcmp(s.p, word, n) != 0)
        return SIGHT_NOT;
    return n == len ? SIGHT_WHOLE : SIGHT_PART;
}

static enum sight begins_request(struct clv_span s)
{
    enum sight best = SIGHT_NOT;
    for (size_t i = 0; best != SIGHT_WHOLE && i < sizeof methods / sizeof *methods; i++) {
        const enum sight step = begins(s, methods[i]);
        best = step > best ? step : best;
    }
    return best;
}

/* A line of text, so far: what follows the word of a binary protocol is no HTTP. */
static bool is_text(struct clv_span line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.p[i] < ' ' && line.p[i] != '\t' && line.p[i] != '\r')
            return false;
    return true;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9112 section 3: "method SP request-target SP HTTP-version", which may be followed by blanks.
 */
static bool read_request_line(struct clv_span line, struct sight_http *http)
{
    static const char version[] = "HTTP/1.";
    enum { VERSION = sizeof version }; /* and its digit */
    http->method = sight_piece(&line, ' ');
    line = sight_trim(line);
    if (line.len < VERSION + 2 || line.p[line.len - VERSION - 1] != ' ')
        return false;
    const uint8_t *const v = line.p + line.len - VERSION;
    line.len -= VERSION;
    http->target = sight_trim(line);
    return memcmp(v, version, VERSION - 1) == 0 && is_digit(v[VERSION - 1]) && http->target.len > 0;
}

/* RFC 9112 section 4: "HTTP-version SP status-code SP [ reason-phrase ]". */
static bool read_status_line(struct clv_span line, struct sight_http *http)
{
    uint64_t status;
    const struct clv_span version = sight_piece(&line, ' ');
    const size_t before = line.len;
    if (version.len != 8 || !is_digit(version.p[7]) || !sight_number(&line, 999, &status))
        return false;
    if (before - line.len != 3 || (line.len && *line.p != ' '))
        return false;
    http->response = true;
    http->status = (unsigned)status;
    return true;
}

/* What a head says of its body. */
struct framing {
    bool has_len, chunked, coded, broken;
    uint64_t len;
};

/* RFC 9110 section 8.6: several equal values are one. */
static void read_length(struct clv_span value, struct framing *f)
{
    do {
        struct clv_span one = sight_trim(sight_piece(&value, ','));
        uint64_t len;
        if (!sight_number(&one, UINT64_MAX, &len) || one.len || (f->has_len && len != f->len)) {
            f->broken = true;
            return;
        }
        f->has_len = true;
        f->len = len;
    } while (value.len);
}

/* RFC 9112 section 6.1: the last coding is what counts. */
static void read_coding(struct clv_span value, struct framing *f)
{
    f->coded = true;
    while (value.len)
        f->chunked = sight_is(sight_trim(sight_piece(&value, ',')), "chunked");
}

/* RFC 9112 section 6.3. */
static void settle_body(const struct framing *f, struct sight_http *http)
{
    const unsigned s = http->status;
    const bool bodiless = http->response && (s / 100 == 1 || s == 204 || s == 304);
    const bool silent = !http->response && !f->coded && !f->has_len && !f->broken;
    if (bodiless || silent) {
        http->has_len = true;
    } else if (f->coded) {
        http->chunked = f->chunked;
    } else if (f->has_len && !f->broken) {
        http->has_len = true;
        http->content_len = f->len;
    }
}

/* The first one counts. */
static void keep(struct clv_span *kept, struct clv_span value)
{
    if (!kept->p)
        *kept = value;
}

static void read_fields(struct clv_span head, struct sight_http *http)
{
    struct framing framing = {0};
    struct clv_span name, value;
    while (head.len && (*head.p == ' ' || *head.p == '\t')) /* RFC 9112 section 2.2: no field */
        (void)sight_line(&head, &value);
    while (sight_field(&head, &name, &value)) {
        if (sight_is(name, "host"))
            keep(&http->host, value);
        else if (sight_is(name, "referer"))
            keep(&http->referer, value);
        else if (sight_is(name, "location") && (http->status == 201 || http->status / 100 == 3))
            keep(&http->location, value);
        else if (sight_is(name, "content-length"))
            read_length(value, &framing);
        else if (sight_is(name, "transfer-encoding"))
            read_coding(value, &framing);
    }
    settle_body(&framing, http);
}

/*
 * RFC 9112 section 3.2: what the target says of the host goes before the field: that of CONNECT is
 * an authority, an absolute one has one.
 */
static void settle_host(struct sight_http *http)
{
    struct clv_span rest = http->target;
    if (sight_is(http->method, "CONNECT")) {
        http->host = rest;
    } else if (sight_skip(&rest, "http://") || sight_skip(&rest, "https://")) {
        size_t user = 0, n = 0;
        for (; n < rest.len && !strchr("/?#", rest.p[n]); n++)
            if (rest.p[n] == '@')
                user = n + 1;
        http->host = (struct clv_span){rest.p + user, n - user};
    }
}

enum sight sight_http_read(struct clv_span stream, struct sight_http *http)
{
    struct clv_span rest = stream, line, head;
    *http = (struct sight_http){0};
    sight_skip_lines(&rest); /* RFC 9112 section 2.2 */
    const enum sight request = begins_request(rest), response = begins(rest, "HTTP/1.");
    if (request == SIGHT_NOT && response == SIGHT_NOT)
        return SIGHT_NOT;
    if (!sight_line(&rest, &line))
        return is_text(rest) ? SIGHT_PART : SIGHT_NOT;
    const bool known = response == SIGHT_WHOLE  ? read_status_line(line, http)
                       : request == SIGHT_WHOLE ? read_request_line(line, http)
                                                : false;
    if (!known || !is_text(line)) {
        *http = (struct sight_http){0};
        return SIGHT_NOT;
    }
    if (!sight_head(&rest, &head)) {
        *http = (struct sight_http){0};
        return SIGHT_PART;
    }
    http->head_len = stream.len - rest.len;
    read_fields(head, http);
    settle_host(http);
    return SIGHT_WHOLE;
}
