/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/tftp.h"

/* RFC 1350 section 5: the first two bytes of a request. */
enum { READ = 1, WRITE = 2, OPCODE = 2 };

/* Cuts the string that the bytes from *at on begin with. false: it does not end. */
static bool next_string(const struct clv_span *packet, size_t *at, struct clv_span *string)
{
    const uint8_t *const begin = packet->p + *at;
    const uint8_t *const end = *at < packet->len ? memchr(begin, '\0', packet->len - *at) : NULL;
    if (!end)
        return false;
    *string = (struct clv_span){begin, (size_t)(end - begin)};
    *at += string->len + 1;
    return true;
}

/* In any mix of cases, as the RFC says. */
static bool is_mode(const struct clv_span *string)
{
    static const char *const modes[] = {"netascii", "octet", "mail"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        size_t n = 0;
        while (n < string->len && modes[i][n] && (string->p[n] | 0x20) == modes[i][n])
            n++;
        if (n == string->len && !modes[i][n])
            return true;
    }
    return false;
}

bool sight_tftp_request(struct clv_span packet, struct clv_span *file)
{
    size_t at = OPCODE;
    struct clv_span name, mode;
    if (packet.len < OPCODE)
        return false;
    const uint16_t opcode = load_be16(packet.p);
    if ((opcode != READ && opcode != WRITE) || !next_string(&packet, &at, &name) || name.len == 0 ||
        !next_string(&packet, &at, &mode) || !is_mode(&mode))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.p[i] < 0x20 || name.p[i] == 0x7f)
            return false;
    /* Options may follow (RFC 2347); none of them says anything of ports. */
    *file = name;
    return true;
}
