/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/display.h"

#include <string.h>

enum { TOKEN_MAX = 64 };

/* Fields that are compared with a value, and the primitive for one that is equal; of networks. */
static const struct {
    const char *field, *primitive, *network;
} fields[] = {
    {"ip.addr", "host", "net"},          {"ipv6.addr", "host", "net"},
    {"ip.host", "host", "net"},          {"ip.src", "src host", "src net"},
    {"ipv6.src", "src host", "src net"}, {"ip.dst", "dst host", "dst net"},
    {"ipv6.dst", "dst host", "dst net"}, {"eth.addr", "ether host", NULL},
    {"eth.src", "ether src", NULL},      {"eth.dst", "ether dst", NULL},
    {"tcp.port", "tcp port", NULL},      {"tcp.srcport", "tcp src port", NULL},
    {"udp.port", "udp port", NULL},      {"tcp.dstport", "tcp dst port", NULL},
    {"vlan.id", "vlan", NULL},           {"udp.srcport", "udp src port", NULL},
    {"ip.proto", "ip proto", NULL},      {"udp.dstport", "udp dst port", NULL},
};

/* A word that an expression can consist of alone, and what goes between such. */
enum kind { PRIMITIVE, BINARY, NOT, OPEN, CLOSE };

/* Protocols that libpcap does not know by name are their usual ports. */
static const struct {
    const char *word, *meaning;
    enum kind kind;
} words[] = {
    {"&&", "and", BINARY},
    {"||", "or", BINARY},
    {"and", "and", BINARY},
    {"or", "or", BINARY},
    {"!", "not", NOT},
    {"not", "not", NOT},
    {"(", "(", OPEN},
    {")", ")", CLOSE},
    {"arp", "arp", PRIMITIVE},
    {"icmp", "icmp", PRIMITIVE},
    {"icmpv6", "icmp6", PRIMITIVE},
    {"igmp", "igmp", PRIMITIVE},
    {"ip", "ip", PRIMITIVE},
    {"ipv6", "ip6", PRIMITIVE},
    {"sctp", "sctp", PRIMITIVE},
    {"tcp", "tcp", PRIMITIVE},
    {"udp", "udp", PRIMITIVE},
    {"bootp", "udp port 67", PRIMITIVE},
    {"dhcp", "udp port 67", PRIMITIVE},
    {"dns", "port 53", PRIMITIVE},
    {"ftp", "tcp port 21", PRIMITIVE},
    {"http", "tcp port 80", PRIMITIVE},
    {"ntp", "udp port 123", PRIMITIVE},
    {"quic", "udp port 443", PRIMITIVE},
    {"rdp", "tcp port 3389", PRIMITIVE},
    {"sip", "port 5060", PRIMITIVE},
    {"smb", "tcp port 445", PRIMITIVE},
    {"smb2", "tcp port 445", PRIMITIVE},
    {"smtp", "tcp port 25", PRIMITIVE},
    {"snmp", "udp port 161", PRIMITIVE},
    {"ssh", "tcp port 22", PRIMITIVE},
    {"ssl", "tcp port 443", PRIMITIVE},
    {"telnet", "tcp port 23", PRIMITIVE},
    {"tftp", "udp port 69", PRIMITIVE},
    {"tls", "tcp port 443", PRIMITIVE},
};

/* A word, an operator, or a parenthesis, after which *p is then; "" at the end. false: none. */
static bool take_token(const char **p, char token[TOKEN_MAX])
{
    static const char of_words[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "._:/-";
    static const char *const operators[] = {"==", "!=", "&&", "||", "!", "(", ")"};
    *p += strspn(*p, " \t\n");
    size_t len = strspn(*p, of_words);
    for (size_t i = 0; !len && i < sizeof operators / sizeof *operators; i++)
        if (strncmp(*p, operators[i], strlen(operators[i])) == 0)
            len = strlen(operators[i]);
    if (len >= TOKEN_MAX)
        return false;
    memcpy(token, *p, len);
    token[len] = '\0';
    *p += len;
    return len || **p == '\0';
}

/* What follows a field: how it is compared, and with what. */
static bool put_comparison(const char **p, size_t field, struct text *out)
{
    char operator[TOKEN_MAX], value[TOKEN_MAX];
    if (!take_token(p, operator) || !take_token(p, value))
        return false;
    const bool equal = strcmp(operator, "==") == 0 || strcmp(operator, "eq") == 0;
    const char *primitive = fields[field].primitive;
    if (!equal && strcmp(operator, "!=") != 0 && strcmp(operator, "ne") != 0)
        return false;
    if (strchr(value, '/'))
        primitive = fields[field].network;
    if (!primitive || !strpbrk(value, "0123456789"))
        return false;
    text_str(out, equal ? "" : "not ");
    text_str(out, primitive);
    text_char(out, ' ');
    text_str(out, value);
    return true;
}

static bool put_token(const char **p, const char *token, enum kind *kind, struct text *out)
{
    *kind = PRIMITIVE;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(token, fields[i].field) == 0)
            return put_comparison(p, i, out);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(token, words[i].word) == 0) {
            *kind = words[i].kind;
            text_str(out, words[i].meaning);
            return true;
        }
    return false;
}

bool display_translate(const char *expression, struct text *out)
{
    char token[TOKEN_MAX];
    enum kind before = OPEN; /* what a primitive can follow, as at the beginning */
    unsigned depth = 0;
    for (const char *p = expression;;) {
        enum kind kind;
        if (!take_token(&p, token))
            return false;
        const bool complete = before == PRIMITIVE || before == CLOSE;
        if (*token == '\0')
            return complete && depth == 0 && !out->full;
        if (out->len && before != OPEN && *token != ')')
            text_char(out, ' ');
        if (!put_token(&p, token, &kind, out) || complete != (kind == BINARY || kind == CLOSE) ||
            (kind == CLOSE && depth == 0))
            return false;
        depth += kind == OPEN;
        depth -= kind == CLOSE;
        before = kind;
    }
}
