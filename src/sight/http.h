/* SPDX-License-Identifier: BSD-2-Clause */
/* Heads of HTTP/1 messages: RFC 9112, RFC 9110; URLs: RFC 3986. */
#ifndef CLEAVE_SIGHT_HTTP_H
#define CLEAVE_SIGHT_HTTP_H

#include "base/text.h"
#include "sight/sight.h"

/* Spans lie within the stream; what is absent is empty. */
struct sight_http {
    bool response;
    unsigned status; /* of a response */
    struct clv_span method, target, host, referer;
    struct clv_span location; /* of a response with status 201 or 3xx */
    uint64_t content_len;     /* bytes of the body, if has_len */
    bool has_len, chunked;
    size_t head_len; /* bytes up to the body */
};

/*
 * Reads the head at the front of a stream. SIGHT_NOT: these bytes are not the beginning of a
 * request of a known method or of a response of HTTP/1. SIGHT_PART: the head does not end here.
 * A head longer than the span that the caller can offer is never whole.
 */
enum sight sight_http_read(struct clv_span stream, struct sight_http *http);

/*
 * Puts the URL that a reference names, against the URL of the message that it stands in
 * (RFC 3986 section 5), in a form that can be compared: scheme and host in lower case, no default
 * port, no userinfo, no fragment, dot segments removed, path at least "/". base "": there is none,
 * and only absolute references have one. false: it is no URL of http or https, or does not fit.
 */
bool sight_url(const char *base, struct clv_span reference, struct text *out);

/* The same of a request's target and Host field, of the scheme. Absolute targets as they are. */
bool sight_url_of_request(const struct sight_http *request, const char *scheme, struct text *out);

#endif
