/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/quic.h"

#include "base/mem.h"
#include "sight/initial.h"

enum {
    ID_MAX = 20,        /* bytes of a connection ID, RFC 9000 section 17.2 */
    PACKET_MAX = 16384, /* bytes of an Initial packet that is looked at */
    PACKETS_MAX = 8,    /* Initial packets of a datagram that are tried */
    FRAME_PADDING = 0,  /* RFC 9000 section 19 */
    FRAME_PING = 1,
    FRAME_ACK = 2,
    FRAME_ACK_ECN = 3,
    FRAME_CRYPTO = 6,
    FRAME_CLOSE = 0x1c,
};

struct sight_quic {
    bool keyed; /* what follows is known */
    uint32_t version;
    uint8_t dcid_len, dcid[ID_MAX]; /* from which the keys follow */
    struct initial_keys keys;
    uint64_t largest;                  /* packet number */
    size_t front;                      /* bytes of the CRYPTO stream that are there without a gap */
    uint8_t had[SIGHT_QUIC_HELLO / 8]; /* a bit for each byte */
    uint8_t bytes[SIGHT_QUIC_HELLO];
};

struct sight_quic *sight_quic_create(void)
{
    return mem_zalloc(1, sizeof(struct sight_quic));
}

void sight_quic_destroy(struct sight_quic **q)
{
    mem_free(*q);
    *q = NULL;
}

static bool take(struct clv_span *rest, size_t n, struct clv_span *to)
{
    if (n > rest->len)
        return false;
    *to = (struct clv_span){rest->p, n};
    rest->p += n;
    rest->len -= n;
    return true;
}

/* RFC 9000 section 16. */
static bool take_varint(struct clv_span *rest, uint64_t *n)
{
    struct clv_span s;
    if (rest->len == 0 || !take(rest, (size_t)1 << (*rest->p >> 6), &s))
        return false;
    *n = s.p[0] & 0x3f;
    for (size_t i = 1; i < s.len; i++)
        *n = *n << 8 | s.p[i];
    return true;
}

/* What follows a length. */
static bool take_counted(struct clv_span *rest, struct clv_span *to)
{
    uint64_t n;
    return take_varint(rest, &n) && n <= rest->len && take(rest, (size_t)n, to);
}

static bool take_id(struct clv_span *rest, struct clv_span *id)
{
    struct clv_span len;
    return take(rest, 1, &len) && *len.p <= ID_MAX && take(rest, *len.p, id);
}

/* A long header, RFC 9000 section 17.2, up to its connection IDs. */
struct header {
    uint32_t version;
    int type;
    struct clv_span dcid, scid;
};

/* false: it has not the form of one of a version that is known. */
static bool take_header(struct clv_span *rest, struct header *h)
{
    enum { LONG_AND_FIXED = 0xc0 };
    struct clv_span s;
    if (!take(rest, 5, &s) || (*s.p & LONG_AND_FIXED) != LONG_AND_FIXED)
        return false;
    h->version = load_be32(s.p + 1);
    h->type = *s.p >> 4 & 3;
    return initial_type(h->version) >= 0 && take_id(rest, &h->dcid) && take_id(rest, &h->scid);
}

bool sight_quic_is_initial(struct clv_span datagram)
{
    struct header h;
    return take_header(&datagram, &h) && h.type == initial_type(h.version);
}

/* Opens the packet by the keys of this connection, or by those of its own ID. */
static bool open_packet(struct sight_quic *q, const struct header *h, struct clv_span packet,
                        size_t number_at, uint8_t plain[PACKET_MAX], struct clv_span *payload)
{
    struct initial_keys keys;
    uint64_t number;
    const bool same_version = q->keyed && h->version == q->version;
    payload->p = plain;
    if (same_version &&
        initial_open(&q->keys, packet, number_at, q->largest, plain, &payload->len, &number)) {
        q->largest = max_u64(q->largest, number);
        return true;
    }
    if (same_version && h->dcid.len == q->dcid_len && memcmp(h->dcid.p, q->dcid, q->dcid_len) == 0)
        return false;
    if (!initial_derive(h->version, h->dcid, &keys) ||
        !initial_open(&keys, packet, number_at, 0, plain, &payload->len, &number))
        return false;
    /* The first one; or after a Retry, or with another version, the client begins anew. */
    memset(q->had, 0, sizeof q->had);
    q->front = 0;
    q->keyed = true;
    q->version = h->version;
    q->keys = keys;
    q->largest = number;
    q->dcid_len = (uint8_t)h->dcid.len;
    memcpy(q->dcid, h->dcid.p, h->dcid.len);
    return true;
}

static void add_crypto(struct sight_quic *q, uint64_t offset, struct clv_span data)
{
    for (size_t i = 0; i < data.len && offset + i < SIGHT_QUIC_HELLO; i++) {
        const size_t at = (size_t)offset + i;
        if (q->had[at / 8] >> at % 8 & 1)
            continue;
        q->had[at / 8] |= (uint8_t)(1U << at % 8);
        q->bytes[at] = data.p[i];
    }
    while (q->front < SIGHT_QUIC_HELLO && (q->had[q->front / 8] >> q->front % 8 & 1))
        q->front++;
}

static bool skip_varints(struct clv_span *rest, uint64_t count)
{
    uint64_t n;
    while (count && take_varint(rest, &n))
        count--;
    return count == 0;
}

/* RFC 9000 section 19.3: acknowledged, delay, ranges and the first of these, ranges, counts. */
static bool skip_ack(struct clv_span *rest, bool ecn)
{
    enum { BEFORE_RANGES = 2, RANGE = 2, COUNTS = 3 };
    uint64_t ranges;
    if (!skip_varints(rest, BEFORE_RANGES) || !take_varint(rest, &ranges))
        return false;
    return skip_varints(rest, 1 + RANGE * ranges) && (!ecn || skip_varints(rest, COUNTS));
}

/* RFC 9000 section 12.4, table 3: the frames that an Initial packet may have. */
static void read_frames(struct sight_quic *q, struct clv_span rest)
{
    uint64_t type, n;
    struct clv_span data;
    bool ok = true;
    while (ok && take_varint(&rest, &type)) {
        switch (type) {
        case FRAME_PADDING:
        case FRAME_PING:
            break;
        case FRAME_ACK:
        case FRAME_ACK_ECN:
            ok = skip_ack(&rest, type == FRAME_ACK_ECN);
            break;
        case FRAME_CRYPTO:
            ok = take_varint(&rest, &n) && take_counted(&rest, &data);
            if (ok)
                add_crypto(q, n, data);
            break;
        case FRAME_CLOSE:
            ok = skip_varints(&rest, 2) && take_counted(&rest, &data); /* error, frame, reason */
            break;
        default:
            ok = false;
            break;
        }
    }
}

/*
 * Takes a packet of a datagram, RFC 9000 section 12.2; what follows one that has no length is of no
 * use. *opened: it was an Initial packet that could be opened. false: there is none.
 */
static bool take_packet(struct sight_quic *q, struct clv_span *datagram, unsigned *tries,
                        bool *opened)
{
    uint8_t plain[PACKET_MAX];
    struct clv_span rest = *datagram, token, payload;
    struct header h;
    if (!take_header(&rest, &h))
        return false;
    const bool is_initial = h.type == initial_type(h.version);
    const int retry = (initial_type(h.version) + 3) & 3; /* RFC 9369 section 3.2: all move by one */
    if (h.type == retry || (is_initial && !take_counted(&rest, &token)) ||
        !take_counted(&rest, &payload))
        return false;
    const size_t number_at = (size_t)(payload.p - datagram->p);
    const struct clv_span packet = {datagram->p, number_at + payload.len};
    *datagram = rest;
    if (!is_initial || packet.len > PACKET_MAX || *tries == 0)
        return true;
    --*tries;
    if (open_packet(q, &h, packet, number_at, plain, &payload)) {
        *opened = true;
        read_frames(q, payload);
    }
    return true;
}

enum sight sight_quic_add(struct sight_quic *q, struct clv_span datagram, struct sight_hello *hello)
{
    bool opened = false;
    unsigned tries = PACKETS_MAX;
    hello->name[0] = hello->alpn[0] = '\0';
    while (datagram.len && take_packet(q, &datagram, &tries, &opened))
        continue;
    if (!opened)
        return SIGHT_NOT;
    const enum sight step = sight_tls_handshake((struct clv_span){q->bytes, q->front}, hello);
    return step == SIGHT_PART && q->front == SIGHT_QUIC_HELLO ? SIGHT_WHOLE : step;
}
