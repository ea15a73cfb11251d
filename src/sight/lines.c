/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/lines.h"

#include <arpa/inet.h>

/* What is absent may be NULL, to which not even 0 may be added. */
static struct clv_span drop(struct clv_span s, size_t n)
{
    return n ? (struct clv_span){s.p + n, s.len - n} : s;
}

static const uint8_t *find(struct clv_span s, char c)
{
    return s.len ? memchr(s.p, c, s.len) : NULL;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

bool sight_line(struct clv_span *rest, struct clv_span *line)
{
    const uint8_t *const end = find(*rest, '\n');
    if (!end)
        return false;
    *line = (struct clv_span){rest->p, (size_t)(end - rest->p)};
    *rest = drop(*rest, line->len + 1);
    if (line->len && line->p[line->len - 1] == '\r')
        line->len--;
    return true;
}

bool sight_text_line(struct clv_span *rest, struct clv_span *line)
{
    if (sight_line(rest, line))
        return true;
    *line = *rest;
    *rest = drop(*rest, rest->len);
    return line->len > 0;
}

struct clv_span sight_trim(struct clv_span s)
{
    while (s.len && is_blank(s.p[s.len - 1]))
        s.len--;
    while (s.len && is_blank(*s.p))
        s = drop(s, 1);
    return s;
}

void sight_skip_lines(struct clv_span *rest)
{
    while (rest->len && (*rest->p == '\r' || *rest->p == '\n'))
        *rest = drop(*rest, 1);
}

/* How many of the bytes are those of the word, in any case. */
static size_t common(struct clv_span s, const char *word)
{
    size_t n = 0;
    while (n < s.len && word[n] && lower(s.p[n]) == lower((uint8_t)word[n]))
        n++;
    return n;
}

bool sight_is(struct clv_span s, const char *word)
{
    return common(s, word) == s.len && !word[s.len];
}

bool sight_skip(struct clv_span *rest, const char *prefix)
{
    const size_t n = common(*rest, prefix);
    if (prefix[n])
        return false;
    *rest = drop(*rest, n);
    return true;
}

/* Takes n bytes and, if there is one more, that. */
static struct clv_span take(struct clv_span *rest, size_t n)
{
    const struct clv_span piece = {rest->p, n};
    *rest = drop(*rest, n < rest->len ? n + 1 : n);
    return piece;
}

struct clv_span sight_piece(struct clv_span *rest, char separator)
{
    const uint8_t *const end = find(*rest, separator);
    return take(rest, end ? (size_t)(end - rest->p) : rest->len);
}

struct clv_span sight_piece_quoted(struct clv_span *rest, char separator)
{
    bool quoted = false;
    size_t n = 0;
    for (; n < rest->len && (quoted || rest->p[n] != (uint8_t)separator); n++) {
        if (rest->p[n] == '"')
            quoted = !quoted;
        else if (quoted && rest->p[n] == '\\' && n + 1 < rest->len)
            n++;
    }
    return take(rest, n);
}

struct clv_span sight_unquote(struct clv_span s)
{
    if (!s.len || *s.p != '"')
        return s;
    s = drop(s, 1);
    return sight_piece(&s, '"');
}

struct clv_span sight_word(struct clv_span *rest)
{
    while (rest->len && is_blank(*rest->p))
        *rest = drop(*rest, 1);
    size_t n = 0;
    while (n < rest->len && !is_blank(rest->p[n]))
        n++;
    return take(rest, n);
}

bool sight_number(struct clv_span *rest, uint64_t max, uint64_t *n)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < rest->len && is_digit(rest->p[i]); i++) {
        const unsigned digit = (unsigned)(rest->p[i] - '0');
        if (value > max / 10 || digit > max - value * 10)
            return false;
        value = value * 10 + digit;
    }
    if (i == 0)
        return false;
    *rest = drop(*rest, i);
    *n = value;
    return true;
}

bool sight_port(struct clv_span *rest, uint16_t *port)
{
    uint64_t n;
    if (!sight_number(rest, UINT16_MAX, &n) || n == 0)
        return false;
    *port = (uint16_t)n;
    return true;
}

int64_t sight_length(struct clv_span value)
{
    uint64_t n;
    if (!value.len || !is_digit(*value.p))
        return SIGHT_NO_LENGTH;
    return sight_number(&value, INT32_MAX, &n) ? (int64_t)n : SIGHT_TOO_LONG;
}

bool sight_address(struct clv_span s, uint8_t addr[16], uint8_t *family)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];
    struct clv_span rest = s;
    if (sight_skip(&rest, "["))
        s = sight_piece(&rest, ']');
    s = sight_piece(&s, '%');
    if (s.len == 0 || s.len >= sizeof text)
        return false;
    memcpy(text, s.p, s.len);
    text[s.len] = '\0';
    memset(addr, 0, 16);
    *family = 4;
    if (inet_pton(AF_INET, text, addr) == 1)
        return true;
    if (inet_pton(AF_INET6, text, addr) != 1)
        return false;
    if (memcmp(addr, mapped, sizeof mapped) == 0) {
        memcpy(addr, addr + 12, 4);
        memset(addr + 4, 0, 12);
        return true;
    }
    *family = 6;
    return true;
}

bool sight_is_nowhere(const uint8_t addr[16], uint8_t family)
{
    static const uint8_t none[16];
    if (memcmp(addr, none, sizeof none) == 0)
        return true;
    return family == 4 ? addr[0] >> 4 == 0xe : addr[0] == 0xff; /* RFC 5771, RFC 4291 section 2.7 */
}

bool sight_field(struct clv_span *rest, struct clv_span *name, struct clv_span *value)
{
    struct clv_span line, more;
    while (sight_line(rest, &line)) {
        if (line.len == 0)
            return false;
        while (rest->len && (*rest->p == ' ' || *rest->p == '\t') && sight_line(rest, &more))
            line.len = (size_t)(more.p + more.len - line.p);
        if (!find(line, ':'))
            continue;
        *name = sight_trim(sight_piece(&line, ':'));
        *value = sight_trim(line);
        return true;
    }
    *rest = drop(*rest, rest->len);
    return false;
}

bool sight_head(struct clv_span *rest, struct clv_span *head)
{
    struct clv_span after = *rest, line;
    while (sight_line(&after, &line)) {
        if (line.len)
            continue;
        *head = (struct clv_span){rest->p, rest->len - after.len};
        *rest = after;
        return true;
    }
    return false;
}

/* RFC 3261 section 25.1, token: what methods are made of. */
static bool is_token(uint8_t c)
{
    return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", c);
}

/* "SIP/2.0" */
static bool is_version(struct clv_span s, const char *protocol)
{
    return sight_skip(&s, protocol) && s.len == 3 && is_digit(s.p[0]) && s.p[1] == '.' &&
           is_digit(s.p[2]);
}

/* "Method URI SIP/2.0", so far; whole: it ends here. */
static bool is_request(struct clv_span line, const char *protocol, bool whole,
                       struct sight_start *start)
{
    enum { METHOD_MAX = 32 }; /* more than twice the longest that is registered */
    size_t n = 0;
    while (n < line.len && is_token(line.p[n]))
        n++;
    if (n > METHOD_MAX || (n == 0 && line.len))
        return false;
    if (n == line.len)
        return !whole;
    for (size_t i = n; i < line.len; i++) {
        if (line.p[i] < ' ' && !(line.p[i] == '\r' && i + 1 == line.len))
            return false;
    }
    start->method = (struct clv_span){line.p, n};
    line = drop(line, n);
    if (*line.p != ' ')
        return false;
    if (!whole)
        return true;
    line = drop(line, 1);
    const bool uri = sight_piece(&line, ' ').len > 0;
    return uri && is_version(sight_trim(line), protocol);
}

/* "SIP/2.0 200 OK" */
static bool is_response(struct clv_span line, const char *protocol, struct sight_start *start)
{
    uint64_t status;
    if (!is_version(sight_piece(&line, ' '), protocol))
        return false;
    const size_t before = line.len;
    if (!sight_number(&line, 999, &status) || before - line.len != 3)
        return false;
    start->response = true;
    start->status = (unsigned)status;
    return true;
}

enum sight sight_start_line(struct clv_span *rest, const char *protocol, struct sight_start *start)
{
    struct clv_span after = *rest, line;
    *start = (struct sight_start){0};
    sight_skip_lines(&after);
    if (!sight_line(&after, &line)) {
        const size_t n = common(after, protocol);
        const bool may_be = n == after.len || !protocol[n];
        return may_be || is_request(after, protocol, false, start) ? SIGHT_PART : SIGHT_NOT;
    }
    if (!is_response(line, protocol, start) && !is_request(line, protocol, true, start))
        return SIGHT_NOT;
    *rest = after;
    return SIGHT_WHOLE;
}
