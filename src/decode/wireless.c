/* SPDX-License-Identifier: BSD-2-Clause */
/* IEEE 802.11 data frames, and the headers that drivers put before them. */
#include "decode/decode.h"

/* IEEE 802.11-2020 section 9.2.4.1, the first byte of frame control, then the second. */
enum {
    FC_TYPE = 0x0f, /* and the protocol's version, 0 */
    FC_DATA = 0x08,
    FC_NO_DATA = 0x40,
    FC_QOS = 0x80,
    FC_TO_DS = 0x01,
    FC_FROM_DS = 0x02,
    FC_PROTECTED = 0x40,
    FC_ORDER = 0x80,
    QOS_AMSDU = 0x80,
    HEADER = 24,
};

/* The first of an aggregate's frames: addresses, length, LLC. The others may go elsewhere. */
static bool aggregate(const uint8_t *p, size_t n, struct decode *d)
{
    return n >= 14 && decode_llc(p + 14, n - 14, d);
}

/* IEEE 802.11-2020 table 9-30: which of the addresses are the frame's ends. */
static CLV_COLD void note_addresses(const uint8_t *p, uint8_t flags, struct decode_path *path)
{
    enum { ADDRESS_1 = 4, ADDRESS_2 = 10, ADDRESS_3 = 16, ADDRESS_4 = 24 };
    const bool to = flags & FC_TO_DS, from = flags & FC_FROM_DS;
    decode_note_mac(path, p + (to ? ADDRESS_3 : ADDRESS_1),
                    p + (from ? to ? ADDRESS_4 : ADDRESS_3 : ADDRESS_2));
}

/*
 * IEEE 802.11-2020 sections 9.3.1.5, 9.3.2.1.2 and 9.3.3.1: which address is the BSSID of data and
 * management frames, and of PS-Poll; other control frames do not say, nor do those between two
 * access points. The wildcard BSSID is none.
 */
static CLV_COLD void note_bssid(const uint8_t *p, size_t n, uint8_t type, uint8_t flags,
                                struct decode_path *path)
{
    enum { MANAGEMENT = 0x00, PS_POLL = 0xa4, ADDRESS_1 = 4, ADDRESS_2 = 10, ADDRESS_3 = 16 };
    static const uint8_t wildcard[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    size_t at = ADDRESS_3;
    path->has_bssid = false;
    if (type == PS_POLL)
        at = ADDRESS_1;
    else if ((type & FC_TYPE) == FC_DATA && (flags & (FC_TO_DS | FC_FROM_DS)))
        at = flags & FC_TO_DS ? ADDRESS_1 : ADDRESS_2;
    else if ((type & FC_TYPE) != FC_DATA && (type & FC_TYPE) != MANAGEMENT)
        return;
    if ((type & FC_TYPE) == FC_DATA && (flags & FC_TO_DS) && (flags & FC_FROM_DS))
        return;
    if (n < at + sizeof path->bssid || memcmp(p + at, wildcard, sizeof wildcard) == 0)
        return;
    memcpy(path->bssid, p + at, sizeof path->bssid);
    path->has_bssid = true;
}

/*
 * align: of the header in bytes, where a driver pads it. swapped: the two bytes of frame control
 * are, and those of sequence control.
 */
static bool data_frame(const uint8_t *p, size_t n, size_t align, bool swapped, struct decode *d)
{
    enum { SEQUENCE_AT = 22 };
    if (CLV_UNLIKELY(d->path != NULL) && n >= 2)
        note_bssid(p, n, p[swapped], p[!swapped], d->path);
    if (n < HEADER)
        return false;
    const uint8_t type = p[swapped], flags = p[!swapped];
    if ((type & FC_TYPE) != FC_DATA || (type & FC_NO_DATA) || (flags & FC_PROTECTED))
        return false;
    if (p[SEQUENCE_AT + swapped] & 0x0f)
        return false; /* a later fragment */
    size_t len = HEADER;
    bool aggregated = false;
    if ((flags & (FC_TO_DS | FC_FROM_DS)) == (FC_TO_DS | FC_FROM_DS))
        len += 6; /* a fourth address */
    if (type & FC_QOS) {
        if (n < len + 2)
            return false;
        aggregated = p[len] & QOS_AMSDU;
        len += 2;
        if (flags & FC_ORDER)
            len += 4; /* HT control */
    }
    len = (len + align - 1) / align * align;
    if (n < len)
        return false;
    if (CLV_UNLIKELY(d->path != NULL))
        note_addresses(p, flags, d->path);
    return aggregated ? aggregate(p + len, n - len, d) : decode_llc(p + len, n - len, d);
}

bool decode_80211(const uint8_t *p, size_t n, struct decode *d)
{
    return data_frame(p, n, 1, false, d);
}

bool decode_80211_swapped(const uint8_t *p, size_t n, struct decode *d)
{
    return data_frame(p, n, 1, true, d);
}

/* radiotap.org: fields in the order of their bits, each aligned to its size. */
bool decode_radiotap(const uint8_t *p, size_t n, struct decode *d)
{
    enum { TSFT = 1 << 0, FLAGS = 1 << 1, FLAG_PADDED = 0x20 };
    if (n < 8)
        return false;
    const size_t len = load_le16(p + 2);
    if (len < 8 || len > n)
        return false;
    const uint32_t present = load_le32(p + 4);
    size_t at = 8;
    size_t align = 1;
    /* Further words follow while the top bit of one is set. */
    for (uint32_t word = present; word >> 31 && at + 4 <= len; at += 4)
        word = load_le32(p + at);
    if (present & TSFT)
        at = (at + 7) / 8 * 8 + 8;
    if (present & FLAGS && at < len)
        align = p[at] & FLAG_PADDED ? 4 : 1;
    return data_frame(p + len, n - len, align, false, d);
}

/* AVS: version and length, big-endian. */
bool decode_avs(const uint8_t *p, size_t n, struct decode *d)
{
    if (n < 8)
        return false;
    const uint32_t len = load_be32(p + 4);
    return len >= 8 && len <= n && data_frame(p + len, n - len, 1, false, d);
}

/* Prism II: message code and length, in the byte order of who captured; AVS came in its place. */
bool decode_prism(const uint8_t *p, size_t n, struct decode *d)
{
    enum { PRISM_HEADER = 144 };
    if (n < 8)
        return false;
    if ((load_be32(p) & 0xfffff000U) == 0x80211000U)
        return decode_avs(p, n, d);
    size_t len = load_le32(p + 4);
    if (len > 0xffff)
        len = load_be32(p + 4);
    if (len < 8 || len > n)
        len = PRISM_HEADER;
    return len <= n && data_frame(p + len, n - len, 1, false, d);
}
