/* SPDX-License-Identifier: BSD-2-Clause */
#include "generate/stream.h"

#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"

enum {
    BUF = 1 << 20,
    PACKET_MAX = 65536,
    RECORD_MAX = PACKET_MAX + 64,
    SNAPLEN = 262144,
    LINKTYPE_ETHERNET = 1,
};

/* pcapng block types and the one option that is written (draft-ietf-opsawg-pcapng section 4). */
enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    PACKET_BLOCK_HEADER = 28,
    OPTION_TSRESOL = 9,
};

static void put32(struct stream *s, uint32_t v)
{
    if (s->big_endian)
        store_be32(s->buf + s->at, v);
    else
        store_le32(s->buf + s->at, v);
    s->at += 4;
}

static void put16(struct stream *s, uint16_t v)
{
    if (s->big_endian)
        store_be16(s->buf + s->at, v);
    else
        store_le16(s->buf + s->at, v);
    s->at += 2;
}

static void put_pcap_header(struct stream *s)
{
    put32(s, s->format == CLV_SAVEFILE_PCAP_NS ? 0xa1b23c4dU : 0xa1b2c3d4U);
    put16(s, 2);
    put16(s, 4);
    put32(s, 0);
    put32(s, 0);
    put32(s, SNAPLEN);
    put32(s, LINKTYPE_ETHERNET);
}

static void put_pcapng_header(struct stream *s)
{
    put32(s, BLOCK_SECTION);
    put32(s, 28);
    put32(s, 0x1a2b3c4dU);
    put16(s, 1);
    put16(s, 0);
    put32(s, UINT32_MAX); /* section length: not given */
    put32(s, UINT32_MAX);
    put32(s, 28);
    put32(s, BLOCK_INTERFACE);
    put32(s, 32);
    put16(s, LINKTYPE_ETHERNET);
    put16(s, 0);
    put32(s, SNAPLEN);
    put16(s, OPTION_TSRESOL);
    put16(s, 1);
    memcpy(s->buf + s->at, "\x09\0\0\0", 4); /* 10^-9 s, and padding */
    s->at += 4;
    put32(s, 0); /* end of options */
    put32(s, 32);
}

static bool flush(struct stream *s, struct clv_error *err)
{
    if (!io_write(s->target.fd, s->buf, s->at, s->path, err))
        return false;
    s->bytes += s->at;
    s->at = 0;
    return true;
}

bool stream_open(struct stream *s, const char *path, enum clv_savefile format, bool big_endian,
                 bool overwrite, struct clv_error *err)
{
    *s = (struct stream){.path = path, .target.fd = -1, .format = format, .big_endian = big_endian};
    s->buf = mem_alloc_pages(BUF);
    if (!s->buf)
        return clv_fail_nomem(err, path, BUF);
    if (!target_open(&s->target, "output", path, overwrite, err)) {
        stream_abandon(s, err);
        return false;
    }
    if (format == CLV_SAVEFILE_PCAPNG)
        put_pcapng_header(s);
    else
        put_pcap_header(s);
    return true;
}

uint8_t *stream_packet(struct stream *s, int64_t ts_ns, uint32_t caplen, struct clv_error *err)
{
    if (CLV_UNLIKELY(caplen > PACKET_MAX)) {
        (void)clv_fail(err, CLV_ERR_ARG, s->path, "a packet of %u bytes; at most %d", caplen,
                       PACKET_MAX);
        return NULL;
    }
    if (CLV_UNLIKELY(BUF - s->at < RECORD_MAX) && !flush(s, err))
        return NULL;
    s->packets++;
    uint8_t *packet;
    if (s->format == CLV_SAVEFILE_PCAPNG) {
        const uint32_t padded = (caplen + 3) & ~3U;
        const uint32_t total = PACKET_BLOCK_HEADER + padded + 4;
        put32(s, BLOCK_PACKET);
        put32(s, total);
        put32(s, 0); /* the one interface */
        put32(s, (uint32_t)((uint64_t)ts_ns >> 32));
        put32(s, (uint32_t)(uint64_t)ts_ns);
        put32(s, caplen);
        put32(s, caplen);
        packet = s->buf + s->at;
        memset(packet + caplen, 0, padded - caplen);
        s->at += padded;
        put32(s, total);
    } else {
        const uint32_t ns = (uint32_t)(ts_ns % 1000000000);
        put32(s, (uint32_t)(ts_ns / 1000000000));
        put32(s, s->format == CLV_SAVEFILE_PCAP_NS ? ns : ns / 1000);
        put32(s, caplen);
        put32(s, caplen);
        packet = s->buf + s->at;
        s->at += caplen;
    }
    return packet;
}

bool stream_close(struct stream *s, struct clv_error *err)
{
    bool ok = flush(s, err);
    const int fd = s->target.fd;
    s->target.fd = -1;
    ok = io_close(fd, s->path, ok ? err : NULL) && ok;
    ok = ok && target_publish(&s->target, err);
    stream_abandon(s, ok ? NULL : err);
    return ok;
}

void stream_abandon(struct stream *s, struct clv_error *err)
{
    target_fini(&s->target, err);
    mem_free(s->buf);
    s->buf = NULL;
}
