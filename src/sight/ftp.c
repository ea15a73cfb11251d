/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/ftp.h"

#include "cleave/packet.h"
#include "sight/lines.h"

/* Address 0 is none; the caller has that of the connection. false: the port is 0. */
static bool finish(struct sight_endpoint *at)
{
    static const uint8_t none[16];
    if (memcmp(at->addr, none, sizeof none) == 0)
        at->family = 0;
    at->proto = CLV_PROTO_TCP;
    return at->port != 0;
}

/* Reads an endpoint off the front of *s. */
typedef bool read_fn(struct clv_span *s, struct sight_endpoint *at);

/* A byte in at most three digits; a comma before all but the first. */
static bool take_byte(struct clv_span *s, bool first, uint8_t *byte)
{
    uint64_t n;
    if (!first && !sight_skip(s, ","))
        return false;
    const size_t before = s->len;
    if (!sight_number(s, UINT8_MAX, &n) || before - s->len > 3)
        return false;
    *byte = (uint8_t)n;
    return true;
}

static bool take_bytes(struct clv_span *s, uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!take_byte(s, false, &bytes[i]))
            return false;
    }
    return true;
}

/* "192,0,2,1,4,1": RFC 959 section 4.1.2, PORT. */
static bool read_short(struct clv_span *s, struct sight_endpoint *at)
{
    uint8_t port[2] = {0};
    *at = (struct sight_endpoint){.family = 4};
    if (!take_byte(s, true, &at->addr[0]) || !take_bytes(s, at->addr + 1, 3) ||
        !take_bytes(s, port, sizeof port))
        return false;
    at->port = load_be16(port);
    return finish(at);
}

/* "4,4,192,0,2,1,2,4,1": family, length and bytes of the address, then of the port (RFC 1639). */
static bool read_long(struct clv_span *s, struct sight_endpoint *at)
{
    uint8_t family, len, port[3] = {0};
    *at = (struct sight_endpoint){0};
    if (!take_byte(s, true, &family) || !take_byte(s, false, &len) ||
        !((family == 4 && len == 4) || (family == 6 && len == 16)) ||
        !take_bytes(s, at->addr, len) || !take_bytes(s, port, sizeof port) || port[0] != 2)
        return false;
    at->family = family;
    at->port = load_be16(port + 1);
    return finish(at);
}

/*
 * "|1|192.0.2.1|6275|", "|2|2001:db8::1|6275|", "|||6275|": RFC 2428 sections 2 and 3, with any
 * delimiter but digits. The family follows from the address.
 */
static bool read_extended(struct clv_span *s, struct sight_endpoint *at)
{
    enum { LONGEST = 64 }; /* of an address with its zone, and a port */
    struct clv_span rest = {s->p, (size_t)min_u64(s->len, LONGEST)};
    *at = (struct sight_endpoint){0};
    if (rest.len < 4 || *rest.p < 33 || *rest.p > 126 || (*rest.p >= '0' && *rest.p <= '9'))
        return false;
    const char delimiter[] = {(char)*rest.p, '\0'};
    (void)sight_piece(&rest, *delimiter);
    if (!sight_skip(&rest, "1"))
        (void)sight_skip(&rest, "2");
    if (!sight_skip(&rest, delimiter))
        return false;
    const struct clv_span addr = sight_piece(&rest, *delimiter);
    if (addr.len && !sight_address(addr, at->addr, &at->family))
        return false;
    if (!sight_port(&rest, &at->port) || !sight_skip(&rest, delimiter))
        return false;
    *s = (struct clv_span){rest.p, (size_t)(s->p + s->len - rest.p)};
    return finish(at);
}

/*
 * The first endpoint in a reply's text: servers put other words around it than the examples have
 * (RFC 1123 section 4.1.2.6). What continues a list of numbers does not begin one. Each try takes
 * bounded time, but for zeros at the front of a number, which few tries meet.
 */
static bool search(struct clv_span text, read_fn *read, struct sight_endpoint *at)
{
    for (bool begins = true; text.len; text = (struct clv_span){text.p + 1, text.len - 1}) {
        struct clv_span rest = text;
        if (begins && read(&rest, at) && (rest.len == 0 || *rest.p != ','))
            return true;
        begins = !(*text.p == ',' || (*text.p >= '0' && *text.p <= '9'));
    }
    return false;
}

static void read_command(struct clv_span line, struct sight_ftp *ftp)
{
    static const struct {
        const char *command;
        read_fn *read;
    } commands[] = {{"PORT", read_short}, {"EPRT", read_extended}, {"LPRT", read_long}};
    const struct clv_span command = sight_word(&line);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct clv_span rest = sight_trim(line);
        if (sight_is(command, commands[i].command) && commands[i].read(&rest, &ftp->at) &&
            rest.len == 0)
            ftp->kind = SIGHT_FTP_ACTIVE;
    }
}

static void read_reply(struct clv_span line, struct sight_ftp *ftp)
{
    static const struct {
        unsigned code;
        read_fn *read;
    } replies[] = {{227, read_short}, {228, read_long}, {229, read_extended}};
    const size_t before = line.len;
    uint64_t code;
    if (!sight_number(&line, 999, &code) || before - line.len != 3 ||
        (line.len && *line.p != ' ' && *line.p != '-'))
        return;
    ftp->greeting = code == 220 || code == 120;
    if (code == 234)
        ftp->kind = SIGHT_FTP_AUTH;
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        if (code == replies[i].code && search(sight_trim(line), replies[i].read, &ftp->at))
            ftp->kind = SIGHT_FTP_PASSIVE;
    }
}

/* Telnet's signals, as before ABOR (RFC 959 section 4.1.3, RFC 854: IAC IP, IAC DM). */
static void skip_telnet(struct clv_span *s)
{
    enum { TELNET = 0xf0 }; /* and above: no octet of UTF-8 that a command begins with */
    while (s->len && *s->p >= TELNET)
        *s = (struct clv_span){s->p + 1, s->len - 1};
}

static bool is_letter(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/*
 * What a client sends, so far: a command has three or four letters (RFC 959 section 5.3), those of
 * some extensions more, and digits. An empty line is an error that servers answer.
 */
static bool is_command(struct clv_span line, bool whole)
{
    enum { SHORTEST = 3, LONGEST = 8 };
    size_t n = 0;
    while (n < line.len && (is_letter(line.p[n]) || (n && line.p[n] >= '0' && line.p[n] <= '9')))
        n++;
    if (n == line.len ? !whole || n == 0 : n == 0 && line.p[n] == '\r')
        return n <= LONGEST;
    return n >= SHORTEST && n <= LONGEST &&
           (n == line.len || line.p[n] == ' ' || line.p[n] == '\r');
}

/* What a server sends, so far: text, which does not begin with a control character. */
static bool is_text(struct clv_span line)
{
    return line.len == 0 || *line.p >= ' ' || *line.p == '\t' || *line.p == '\r';
}

enum sight sight_ftp_line(struct clv_span stream, bool server, struct sight_ftp *ftp)
{
    struct clv_span rest = stream, line;
    *ftp = (struct sight_ftp){0};
    if (!server)
        skip_telnet(&rest);
    const bool whole = sight_line(&rest, &line);
    if (!whole)
        line = rest;
    if (server ? !is_text(line) : !is_command(line, whole))
        return SIGHT_NOT;
    if (!whole)
        return SIGHT_PART;
    ftp->len = stream.len - rest.len;
    if (server)
        read_reply(line, ftp);
    else
        read_command(line, ftp);
    if (ftp->kind != SIGHT_FTP_ACTIVE && ftp->kind != SIGHT_FTP_PASSIVE)
        ftp->at = (struct sight_endpoint){0};
    return SIGHT_WHOLE;
}
