/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/sip.h"

#include "sight/lines.h"
#include "sight/segments.h"

/* What fields say of a body: that of a message, or a part of one. */
struct body {
    struct clv_span type;
    bool encoded; /* it is not its own text */
};

/* Fields by their names and compact forms: RFC 3261 section 7.3.3. */
static bool is_field(struct clv_span name, const char *full, const char *compact)
{
    return sight_is(name, full) || sight_is(name, compact);
}

static bool is_plain(struct clv_span encoding)
{
    return sight_is(encoding, "binary") || sight_is(encoding, "8bit") ||
           sight_is(encoding, "7bit") || sight_is(encoding, "identity");
}

/* Parts have an encoding of MIME, too: RFC 2045 section 6. */
static void read_body_field(struct body *b, struct clv_span name, struct clv_span value)
{
    if (!b->type.len && is_field(name, "Content-Type", "c"))
        b->type = value;
    else if (is_field(name, "Content-Encoding", "e") || sight_is(name, "Content-Transfer-Encoding"))
        b->encoded |= !is_plain(value);
}

static bool is_multipart(struct clv_span type)
{
    return sight_skip(&type, "multipart/");
}

static bool is_sdp(struct clv_span type)
{
    return sight_is(sight_trim(sight_piece(&type, ';')), "application/sdp");
}

static struct clv_span boundary_of(struct clv_span type)
{
    (void)sight_piece_quoted(&type, ';');
    while (type.len) {
        struct clv_span parameter = sight_piece_quoted(&type, ';');
        const struct clv_span name = sight_trim(sight_piece(&parameter, '='));
        if (sight_is(name, "boundary"))
            return sight_unquote(sight_trim(parameter));
    }
    return (struct clv_span){0};
}

/* RFC 2046 section 5.1.1: "--", the boundary, "--" after the last part, blanks. */
static bool is_delimiter(struct clv_span line, struct clv_span boundary, bool *last)
{
    if (!sight_skip(&line, "--") || line.len < boundary.len ||
        memcmp(line.p, boundary.p, boundary.len) != 0)
        return false;
    line = (struct clv_span){line.p + boundary.len, line.len - boundary.len};
    *last = sight_skip(&line, "--");
    return sight_trim(line).len == 0;
}

static bool read_body(const struct body *b, struct clv_span text, bool whole, unsigned depth,
                      struct sight_media *media);

static bool read_part(struct clv_span part, bool whole, unsigned depth, struct sight_media *media)
{
    struct body b = {0};
    struct clv_span name, value;
    while (sight_field(&part, &name, &value))
        read_body_field(&b, name, value);
    return read_body(&b, part, whole, depth, media);
}

/* What stands before the first delimiter, and after the last, is no part. */
static bool read_parts(struct clv_span boundary, struct clv_span text, bool whole, unsigned depth,
                       struct sight_media *media)
{
    struct clv_span rest = text, line;
    const uint8_t *part = NULL;
    bool last = false, found = false;
    while (!last && sight_text_line(&rest, &line)) {
        if (!is_delimiter(line, boundary, &last))
            continue;
        if (part)
            found |=
                read_part((struct clv_span){part, (size_t)(line.p - part)}, true, depth, media);
        part = rest.p;
    }
    if (part && !last)
        found |= read_part((struct clv_span){part, (size_t)(rest.p - part)}, whole, depth, media);
    return found;
}

/* true: there is a session description. whole: the text ends where it should, and is not cut. */
static bool read_body(const struct body *b, struct clv_span text, bool whole, unsigned depth,
                      struct sight_media *media)
{
    if (b->encoded)
        return false;
    if (is_sdp(b->type)) {
        while (!whole && text.len && text.p[text.len - 1] != '\n')
            text.len--; /* half a port would be another */
        sight_sdp(text, media);
        return text.len > 0;
    }
    const struct clv_span boundary =
        is_multipart(b->type) ? boundary_of(b->type) : (struct clv_span){0};
    return depth && boundary.len && read_parts(boundary, text, whole, depth - 1, media);
}

/* Which methods carry offers and answers: RFC 3261 section 13.2.1, RFC 3262, RFC 3311. */
static enum sight_sip_kind kind_of(struct clv_span method)
{
    static const struct {
        const char *method;
        enum sight_sip_kind kind;
    } kinds[] = {
        {"INVITE", SIGHT_SIP_INVITE}, {"ACK", SIGHT_SIP_INVITE}, {"PRACK", SIGHT_SIP_INVITE},
        {"UPDATE", SIGHT_SIP_INVITE}, {"BYE", SIGHT_SIP_BYE},    {"CANCEL", SIGHT_SIP_CANCEL},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (method.len == strlen(kinds[i].method) &&
            memcmp(method.p, kinds[i].method, method.len) == 0)
            return kinds[i].kind;
    }
    return SIGHT_SIP_OTHER;
}

static void take_method(struct sight_sip *sip, struct clv_span method)
{
    sip->kind = kind_of(method);
    sip->invites = sight_is(method, "INVITE");
}

/* RFC 3261 section 25.1, callid: none of its characters is beyond ASCII, and it has no blanks. */
static struct clv_span call_id_of(struct clv_span value)
{
    const struct clv_span word = sight_word(&value);
    for (size_t i = 0; i < word.len; i++) {
        if (word.p[i] < 0x21 || word.p[i] > 0x7e)
            return (struct clv_span){0};
    }
    return word;
}

/* RFC 3261 section 20.10: behind an address in angle brackets, or else behind a bare one. */
static struct clv_span tag_of(struct clv_span value)
{
    static const char tag[] = "tag=";
    for (size_t i = value.len; i-- > 0;)
        if (value.p[i] == '>') {
            value = (struct clv_span){value.p + i, value.len - i};
            break;
        }
    for (const uint8_t *semicolon; (semicolon = memchr(value.p, ';', value.len)) != NULL;) {
        value.len -= (size_t)(semicolon + 1 - value.p);
        value.p = semicolon + 1;
        struct clv_span rest = value;
        const struct clv_span word = sight_word(&rest);
        if (word.len <= sizeof tag - 1 || !sight_is((struct clv_span){word.p, sizeof tag - 1}, tag))
            continue;
        const uint8_t *const p = word.p + sizeof tag - 1;
        const size_t left = word.len - (sizeof tag - 1);
        const uint8_t *const end = memchr(p, ';', left);
        return (struct clv_span){p, end ? (size_t)(end - p) : left};
    }
    return (struct clv_span){0};
}

/* Reads fields up to the body. Returns Content-Length. */
static int64_t read_fields(struct clv_span *rest, struct sight_sip *sip, struct body *b)
{
    struct clv_span name, value;
    int64_t content_len = SIGHT_NO_LENGTH;
    while (sight_field(rest, &name, &value)) {
        if (is_field(name, "Call-ID", "i") && !sip->call_id.len) {
            sip->call_id = call_id_of(value);
        } else if (is_field(name, "From", "f") && !sip->from_tag.len) {
            sip->from_tag = tag_of(value);
        } else if (is_field(name, "To", "t") && !sip->to_tag.len) {
            sip->to_tag = tag_of(value);
        } else if (sip->response && sight_is(name, "CSeq")) {
            (void)sight_word(&value);
            take_method(sip, sight_word(&value));
        } else if (is_field(name, "Content-Length", "l") && content_len == SIGHT_NO_LENGTH) {
            content_len = sight_length(value);
        } else {
            read_body_field(b, name, value);
        }
    }
    return content_len;
}

/*
 * Whether the body matters. What refuses may describe what its sender can do, which is no answer
 * (RFC 3261 section 21.4.26), as that to OPTIONS (section 11.2).
 */
static bool may_have_media(const struct sight_sip *sip, const struct body *b)
{
    return sip->kind == SIGHT_SIP_INVITE && (!sip->response || sip->status < 300) && !b->encoded &&
           (is_sdp(b->type) || is_multipart(b->type));
}

/* rest: what is there behind the head, of which len belongs to the message. */
static void read_media(struct sight_sip *sip, const struct body *b, struct clv_span rest,
                       size_t len, bool whole)
{
    enum { DEPTH = 3 }; /* of parts in parts */
    if (may_have_media(sip, b))
        sip->has_media = read_body(b, (struct clv_span){rest.p, len}, whole, DEPTH, &sip->media);
}

/* RFC 3261 section 18.3: what is behind the body is ignored; without a length it ends as it does.
 */
static enum sight read_datagram(struct clv_span bytes, struct clv_span rest, struct sight_sip *sip)
{
    struct body b = {0};
    const int64_t content_len = read_fields(&rest, sip, &b);
    const bool whole = content_len >= 0 && (uint64_t)content_len <= rest.len;
    const size_t len = whole ? (size_t)content_len : rest.len;
    read_media(sip, &b, rest, len, whole);
    sip->len = bytes.len - rest.len + len;
    return SIGHT_WHOLE;
}

/* Without a length there is no body: section 20.14 demands it of streams. */
static enum sight read_stream(struct clv_span bytes, struct clv_span rest, struct sight_sip *sip)
{
    struct body b = {0};
    struct clv_span head;
    if (!sight_head(&rest, &head))
        return SIGHT_PART;
    const int64_t content_len = read_fields(&head, sip, &b);
    if (content_len == SIGHT_TOO_LONG)
        return SIGHT_NOT;
    const size_t len = content_len > 0 ? (size_t)content_len : 0;
    sip->len = bytes.len - rest.len + len;
    if (len > rest.len)
        return may_have_media(sip, &b) && sip->len <= SIGHT_STREAM ? SIGHT_PART : SIGHT_WHOLE;
    read_media(sip, &b, rest, len, true);
    return SIGHT_WHOLE;
}

enum sight sight_sip_read(struct clv_span bytes, bool datagram, struct sight_sip *sip)
{
    struct sight_start start;
    struct clv_span rest = bytes;
    *sip = (struct sight_sip){0};
    const enum sight begins = sight_start_line(&rest, "SIP/", &start);
    if (begins != SIGHT_WHOLE)
        return datagram ? SIGHT_NOT : begins;
    sip->response = start.response;
    sip->status = start.status;
    take_method(sip, start.method);
    return datagram ? read_datagram(bytes, rest, sip) : read_stream(bytes, rest, sip);
}
