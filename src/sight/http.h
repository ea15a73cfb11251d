/* SPDX-License-Identifier: BSD-2-Clause */
/* Heads of HTTP/1 messages: RFC 9112, RFC 9110; URLs: RFC 3986. */
#ifndef CLEAVE_SIGHT_HTTP_H
#define CLEAVE_SIGHT_HTTP_H

#include "base/text.h"
#include "sight/sight.h"

/* Spans lie within the stream; what is absent is empty. Of fields that repeat the first one counts.
 */
struct sight_http {
    bool response;
    unsigned status; /* of a response */
    struct clv_span method, target, referer;
    struct clv_span host;     /* with its port: of the target, if that names one, or of the field */
    struct clv_span location; /* of a response with status 201 or 3xx */
    uint64_t content_len;     /* bytes of the body, if has_len */
    bool has_len; /* 0 where there is no body. A response to HEAD has one that is not sent. */
    bool chunked;
    size_t head_len; /* bytes up to the body */
};

/*
 * Reads the head at the front of a stream. SIGHT_NOT: these bytes are not the beginning of a
 * request of a known method or of a response of HTTP/1. SIGHT_PART: the head does not end here.
 * A head longer than the span that the caller can offer is never whole. Unless it is, *http is
 * zeroed.
 */
enum sight sight_http_read(struct clv_span stream, struct sight_http *http);

/*
 * Puts the URL that a reference names, against the URL of the message that it stands in
 * (RFC 3986 section 5), in a form that can be compared: scheme and host in lower case, no default
 * port, no userinfo, no fragment, dot segments removed, path at least "/", bytes beyond ASCII as
 * %XX. base "" or NULL: there is none, and only absolute references name a URL. false: it is no URL
 * of http or https, or does not fit; the text is as long as it was.
 */
bool sight_url(const char *base, struct clv_span reference, struct text *out);

/*
 * The same of a request's target and host. An absolute target has a scheme of its own. That of
 * CONNECT is no URL.
 */
bool sight_url_of_request(const struct sight_http *request, const char *scheme, struct text *out);

#endif
