/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pcapng block in the other byte order: for blocks of several sections that become one.
 */
#include "walk/pcapng.h"

enum {
    OPT_CUSTOM_TEXT = 2988,
    OPT_CUSTOM_BYTES = 2989,
    OPT_CUSTOM_TEXT_PRIVATE = 19372,
    OPT_CUSTOM_BYTES_PRIVATE = 19373,
};

static void turn(uint8_t *p, unsigned width)
{
    for (unsigned i = 0; i < width / 2; i++) {
        const uint8_t t = p[i];
        p[i] = p[width - 1 - i];
        p[width - 1 - i] = t;
    }
}

/* Options whose values are numbers (draft sections 4.2, 4.3 and A); all others are bytes. */
static const struct {
    uint32_t block;
    uint16_t code;
    uint8_t width;
} numbers[] = {
    {NG_INTERFACE, 8, 8},  /* if_speed */
    {NG_INTERFACE, 10, 4}, /* if_tzone */
    {NG_INTERFACE, 14, 8}, /* if_tsoffset */
    {NG_INTERFACE, 16, 8}, /* if_txspeed */
    {NG_INTERFACE, 17, 8}, /* if_rxspeed */
    {NG_PACKET, 2, 4},     /* epb_flags */
    {NG_PACKET, 4, 8},     /* epb_dropcount */
    {NG_PACKET, 5, 8},     /* epb_packetid */
    {NG_PACKET, 6, 4},     /* epb_queue */
    {NG_PACKET_OLD, 2, 4}, /* pack_flags */
};

static unsigned number_width(uint32_t block, uint16_t code, uint16_t len)
{
    if (code == OPT_CUSTOM_TEXT || code == OPT_CUSTOM_BYTES || code == OPT_CUSTOM_TEXT_PRIVATE ||
        code == OPT_CUSTOM_BYTES_PRIVATE)
        return len < 4 ? 0 : 4; /* the enterprise's number, then what only it knows */
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].block == block && numbers[i].code == code && numbers[i].width == len)
            return len;
    return 0;
}

/* A value whose bytes are not one number alone. */
static void turn_value(uint32_t block, uint16_t code, uint16_t len, uint8_t *p)
{
    enum { VERDICT = 7, PROCESS_THREAD = 8, EBPF_TC = 1, EBPF_XDP = 2 };
    if (block != NG_PACKET)
        return;
    if (code == VERDICT && len == 9 && (p[0] == EBPF_TC || p[0] == EBPF_XDP))
        turn(p + 1, 8);
    if (code == PROCESS_THREAD && len == 8) {
        turn(p, 4);
        turn(p + 4, 4);
    }
}

/* Entries of a code, a length and a value: options, or records of name resolution. */
static uint8_t *turn_entries(uint8_t *p, const uint8_t *end, uint32_t block, bool big)
{
    while (end - p >= 4) {
        const uint16_t code = walk_load16(p, big), len = walk_load16(p + 2, big);
        turn(p, 2);
        turn(p + 2, 2);
        p += 4;
        if (code == 0 || ng_pad(len) > (size_t)(end - p))
            break;
        turn(p, number_width(block, code, len));
        turn_value(block, code, len, p);
        p += ng_pad(len);
    }
    return p;
}

void walk_block_turn(uint8_t *p, uint32_t len, bool big)
{
    const uint32_t type = walk_load32(p, big);
    const uint8_t *const end = p + len - 4;
    uint32_t data = 0; /* bytes between the fields and the options */
    const char *fields = "";
    switch (type) {
    case NG_SECTION:
        fields = "4228";
        break;
    case NG_INTERFACE:
        fields = "224";
        break;
    case NG_PACKET:
        fields = "44444";
        data = ng_pad(walk_load32(p + 20, big));
        break;
    case NG_PACKET_OLD:
        fields = "224444";
        data = ng_pad(walk_load32(p + 20, big));
        break;
    case NG_SECRETS:
        fields = "44";
        data = len >= 20 ? ng_pad(walk_load32(p + 12, big)) : 0;
        break;
    case NG_CUSTOM:
    case NG_CUSTOM_PRIVATE:
        fields = "4";
        data = len; /* what is behind it only the enterprise knows */
        break;
    case NG_NAMES:
        break;
    default:
        data = len;
    }
    turn(p, 4);
    turn(p + 4, 4);
    turn(p + len - 4, 4);
    uint8_t *at = p + 8;
    for (; *fields && end - at >= *fields - '0'; fields++) {
        turn(at, (unsigned)(*fields - '0'));
        at += *fields - '0';
    }
    if (data > (size_t)(end - at))
        return;
    at += data;
    if (type == NG_NAMES)
        at = turn_entries(at, end, 0, big);
    (void)turn_entries(at, end, type, big);
}
