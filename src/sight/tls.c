/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/tls.h"

enum {
    ALERT = 21, /* content types, RFC 8446 section 5.1 */
    HANDSHAKE = 22,
    RECORD_HEADER = 5,
    RECORD_MAX = 1 << 14,
    HELLO_REQUEST = 0, /* handshake types, RFC 8446 section 4 and RFC 5246 section 7.4 */
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    HANDSHAKE_HEADER = 4,
    VERSION_AND_RANDOM = 2 + 32,
    SESSION_ID_MAX = 32,
    SERVER_NAME = 0, /* extensions */
    ALPN = 16,
};

/* Bytes of which the end may not be there. Lengths are held against what there should be. */
struct part {
    struct clv_span here;
    size_t len; /* bytes that there should be */
};

/* Takes n bytes. SIGHT_NOT: there should not be as many. SIGHT_PART: not all of them are here. */
static enum sight take(struct part *from, size_t n, struct part *to)
{
    if (n > from->len)
        return SIGHT_NOT;
    const size_t here = n < from->here.len ? n : from->here.len;
    *to = (struct part){{from->here.p, here}, n};
    from->here.p += here;
    from->here.len -= here;
    from->len -= n;
    return here == n ? SIGHT_WHOLE : SIGHT_PART;
}

static enum sight take_number(struct part *from, size_t bytes, size_t *n)
{
    struct part field;
    const enum sight step = take(from, bytes, &field);
    if (step != SIGHT_WHOLE)
        return step;
    *n = 0;
    for (size_t i = 0; i < bytes; i++)
        *n = *n << 8 | field.here.p[i];
    return step;
}

/* A vector, RFC 8446 section 3.4, whose length has so many bytes. It may be here in part. */
static enum sight take_vector(struct part *from, size_t bytes, struct part *to)
{
    size_t n;
    const enum sight step = take_number(from, bytes, &n);
    if (step != SIGHT_WHOLE)
        return step;
    return take(from, n, to) == SIGHT_NOT ? SIGHT_NOT : SIGHT_WHOLE;
}

static bool is_here(const struct part *part)
{
    return part->here.len == part->len;
}

/* RFC 6066 section 3: at most one name of each type. */
static void read_server_name(struct part data, struct sight_hello *hello)
{
    struct part list, name;
    size_t type;
    if (take_vector(&data, 2, &list) != SIGHT_WHOLE)
        return;
    while (take_number(&list, 1, &type) == SIGHT_WHOLE &&
           take_vector(&list, 2, &name) == SIGHT_WHOLE) {
        if (type != 0)
            continue;
        if (is_here(&name))
            (void)sight_name(name.here, hello->name);
        return;
    }
}

/* RFC 8701 section 2: two equal bytes, which are printable but no protocol. */
static bool is_grease(struct clv_span s)
{
    return s.len == 2 && s.p[0] == s.p[1] && (s.p[0] & 0x0f) == 0x0a;
}

static void read_alpn(struct part data, struct sight_hello *hello)
{
    struct part list, protocol;
    if (take_vector(&data, 2, &list) != SIGHT_WHOLE)
        return;
    do {
        if (take_vector(&list, 1, &protocol) != SIGHT_WHOLE || !is_here(&protocol))
            return;
    } while (is_grease(protocol.here));
    const struct clv_span s = protocol.here;
    if (s.len >= sizeof hello->alpn)
        return;
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            return;
    memcpy(hello->alpn, s.p, s.len);
    hello->alpn[s.len] = '\0';
}

static enum sight read_extensions(struct part list, struct sight_hello *hello)
{
    bool named = false, offered = false;
    while (list.len) {
        size_t type;
        struct part data;
        enum sight step = take_number(&list, 2, &type);
        if (step == SIGHT_WHOLE)
            step = take_vector(&list, 2, &data);
        if (step != SIGHT_WHOLE)
            return step;
        if (type == SERVER_NAME && !named) {
            named = true;
            read_server_name(data, hello);
        } else if (type == ALPN && !offered) {
            offered = true;
            read_alpn(data, hello);
        }
    }
    return SIGHT_WHOLE;
}

/* RFC 8446 section 4.1.2; of DTLS (RFC 6347 section 4.2.1) with a cookie. */
static enum sight read_hello(struct part body, bool dtls, struct sight_hello *hello)
{
    const bool whole = is_here(&body);
    const uint8_t major = dtls ? 0xfe : 3;
    struct part begin = {0}, session = {0}, cookie = {0}, suites = {0}, compressions = {0};
    struct part extensions = {0};
    enum sight step = take(&body, VERSION_AND_RANDOM, &begin);
    if (begin.here.len && *begin.here.p != major)
        return SIGHT_NOT;
    if (step == SIGHT_WHOLE)
        step = take_vector(&body, 1, &session);
    if (step == SIGHT_WHOLE && session.len > SESSION_ID_MAX)
        return SIGHT_NOT;
    if (step == SIGHT_WHOLE && dtls)
        step = take_vector(&body, 1, &cookie);
    if (step == SIGHT_WHOLE)
        step = take_vector(&body, 2, &suites);
    if (step == SIGHT_WHOLE && (suites.len == 0 || suites.len % 2))
        return SIGHT_NOT;
    if (step == SIGHT_WHOLE)
        step = take_vector(&body, 1, &compressions);
    if (step == SIGHT_WHOLE && compressions.len == 0)
        return SIGHT_NOT;
    if (step != SIGHT_WHOLE || body.len == 0) /* none had extensions before RFC 3546 */
        return step == SIGHT_WHOLE && !whole ? SIGHT_PART : step;
    step = take_vector(&body, 2, &extensions);
    if (step == SIGHT_WHOLE && body.len)
        return SIGHT_NOT;
    if (step == SIGHT_WHOLE)
        step = read_extensions(extensions, hello);
    return step == SIGHT_WHOLE && !whole ? SIGHT_PART : step;
}

enum sight sight_tls_handshake(struct clv_span message, struct sight_hello *hello)
{
    enum { LONGEST = VERSION_AND_RANDOM + 1 + 32 + 2 + 65534 + 1 + 255 + 2 + 65535 };
    struct part header = {message, HANDSHAKE_HEADER};
    size_t type, len;
    hello->name[0] = hello->alpn[0] = '\0';
    if (message.len == 0)
        return SIGHT_PART;
    if (message.len > HANDSHAKE_HEADER)
        header.here.len = HANDSHAKE_HEADER;
    enum sight step = take_number(&header, 1, &type);
    if (step != SIGHT_WHOLE)
        return step;
    if (type != CLIENT_HELLO)
        return SIGHT_NOT;
    step = take_number(&header, 3, &len);
    if (step != SIGHT_WHOLE)
        return step;
    const size_t here = message.len - HANDSHAKE_HEADER;
    const struct part body = {{message.p + HANDSHAKE_HEADER, here < len ? here : len}, len};
    return len > LONGEST ? SIGHT_NOT : read_hello(body, false, hello);
}

/* The header of a plaintext record (RFC 8446 section 5.1) at the front. */
static enum sight read_record(struct clv_span s, uint8_t type, size_t *len)
{
    if ((s.len > 0 && s.p[0] != type) || (s.len > 1 && s.p[1] != 3) || (s.len > 2 && s.p[2] > 4))
        return SIGHT_NOT;
    if (s.len < RECORD_HEADER)
        return SIGHT_PART;
    *len = load_be16(s.p + 3);
    return *len == 0 || *len > RECORD_MAX ? SIGHT_NOT : SIGHT_WHOLE;
}

/* Bytes of a handshake message that begins so; more than can be there, if that is not known. */
static size_t message_len(struct clv_span s)
{
    return s.len < HANDSHAKE_HEADER
               ? SIZE_MAX
               : HANDSHAKE_HEADER + ((size_t)s.p[1] << 16 | load_be16(s.p + 2));
}

/*
 * The first handshake message, as far as it is here, of as many records as it takes. One that lies
 * in a single record is read where it is.
 */
static enum sight gather(struct clv_span rest, uint8_t buf[SIGHT_TLS], struct clv_span *message)
{
    *message = (struct clv_span){0};
    for (;;) {
        size_t len;
        const enum sight step = read_record(rest, HANDSHAKE, &len);
        if (step != SIGHT_WHOLE)
            return step;
        const size_t left = rest.len - RECORD_HEADER, here = len < left ? len : left;
        if (message->len && message->p != buf) {
            memcpy(buf, message->p, message->len);
            message->p = buf;
        }
        if (message->len)
            memcpy(buf + message->len, rest.p + RECORD_HEADER, here);
        else
            message->p = rest.p + RECORD_HEADER;
        message->len += here;
        if (message->len >= message_len(*message))
            return SIGHT_WHOLE;
        if (here < len)
            return SIGHT_PART;
        rest.p += RECORD_HEADER + len;
        rest.len -= RECORD_HEADER + len;
    }
}

enum sight sight_tls(struct clv_span stream, struct sight_hello *hello)
{
    uint8_t buf[SIGHT_TLS]; /* holds the payloads of records that lie in as many bytes */
    struct clv_span message;
    hello->name[0] = hello->alpn[0] = '\0';
    if (stream.len > SIGHT_TLS)
        stream.len = SIGHT_TLS;
    if (gather(stream, buf, &message) == SIGHT_NOT)
        return SIGHT_NOT;
    const enum sight step = sight_tls_handshake(message, hello);
    return step == SIGHT_PART && stream.len == SIGHT_TLS ? SIGHT_WHOLE : step;
}

/* A handshake record that begins with a message of a server, or an alert (RFC 8446 section 6). */
enum sight sight_tls_server(struct clv_span stream)
{
    size_t len;
    const bool alert = stream.len && *stream.p == ALERT;
    const enum sight step = read_record(stream, alert ? ALERT : HANDSHAKE, &len);
    if (step != SIGHT_WHOLE)
        return step;
    if (alert && len != 2)
        return SIGHT_NOT;
    if (stream.len == RECORD_HEADER)
        return SIGHT_PART;
    const uint8_t first = stream.p[RECORD_HEADER];
    if (alert)
        return first == 1 || first == 2 ? SIGHT_WHOLE : SIGHT_NOT;
    return first == SERVER_HELLO || first == HELLO_REQUEST ? SIGHT_WHOLE : SIGHT_NOT;
}

enum sight sight_dtls(struct clv_span datagram, struct sight_hello *hello)
{
    enum { HEADERS = 13 + 12 }; /* RFC 6347 sections 4.1 and 4.2.2 */
    const uint8_t *const p = datagram.p;
    hello->name[0] = hello->alpn[0] = '\0';
    if (datagram.len < HEADERS || p[0] != HANDSHAKE || p[1] != 0xfe || p[2] < 0xfd ||
        load_be16(p + 3) != 0 || p[13] != CLIENT_HELLO)
        return SIGHT_NOT;
    const size_t record = load_be16(p + 11), len = load_be32(p + 13) & 0xffffff;
    const size_t offset = load_be32(p + 18) & 0xffffff, fragment = load_be32(p + 21) & 0xffffff;
    if (offset != 0 || fragment > len || record < 12 + fragment)
        return SIGHT_NOT;
    const size_t left = datagram.len - HEADERS;
    return read_hello((struct part){{p + HEADERS, left < fragment ? left : fragment}, len}, true,
                      hello);
}
