/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: a span becomes records. Takes the bytes of a savefile; gives its format, then each record's
 * place, lengths and time. Reads nothing, allocates nothing, believes no length before it is
 * checked against what is there.
 *
 * Classic pcap, https://www.tcpdump.org/manpages/pcap-savefile.5.txt: a file header of 24 bytes,
 * then records of a header (16 bytes; 24 in Alexey Kuznetzov's modified format) and caplen bytes.
 */
#ifndef CLEAVE_WALK_WALK_H
#define CLEAVE_WALK_WALK_H

#include "base/fail.h"
#include "cleave/capture.h"

enum {
    PCAP_FILE_HEADER = 24,
    PCAP_RECORD_HEADER = 16,
    PCAP_MODIFIED_RECORD_HEADER = 24,
    WALK_LONGEST_HEADER = PCAP_MODIFIED_RECORD_HEADER,
    WALK_HEAD = 32, /* bytes from which the format of a file can be told */
    /* Bytes that hold a record of most captures: 256 KiB of packet, and what a block adds. */
    WALK_USUAL = 272 * 1024,
};

/* The time of a record that has none. */
#define WALK_NO_TIME INT64_MIN

enum walk_kind {
    WALK_PCAP,
    WALK_PCAPNG,
};

/* All that is settled once per file. Immutable afterwards; any thread may read it. */
struct walk_format {
    struct clv_capture_format pub;
    enum walk_kind kind;
    uint32_t data_at;    /* byte of the file at which records begin */
    uint32_t record_max; /* bytes of the longest record, header included */
    uint32_t hdr_len;    /* bytes of a record header */
    uint32_t caplen_max; /* bytes; a longer record cannot be right */
    uint32_t tick_ns;    /* nanoseconds in one unit of the time's fraction */
    uint32_t caplen_at;  /* byte of caplen in a record header */
    uint32_t origlen_at;
    bool big_endian;
    bool smaller_is_caplen;
    uint8_t header[PCAP_FILE_HEADER]; /* as the file has it */
};

struct walk_record {
    const uint8_t *raw;  /* record header, then packet; in pcapng the block */
    const uint8_t *data; /* the packet */
    uint32_t raw_len;    /* bytes at raw */
    uint32_t caplen;
    uint32_t origlen;
    uint32_t iface; /* pcapng: among the ledger's */
    uint32_t type;  /* pcapng: of a block that is no packet of the usual kind */
    int64_t ts_ns;
    bool bad_options; /* pcapng: they do not fit into their block; the packet does */
};

enum walk_step {
    WALK_RECORD,     /* the record is whole */
    WALK_CUT,        /* the span ends inside the record, or before it */
    WALK_IMPOSSIBLE, /* zeros, or a length that is beyond the format's limit or contradicts another
                      */
    WALK_BLOCK, /* whole, and no packet: a block of pcapng; in pcap the file header of a capture
                   that was joined to this one, as by cat, and is of the same kind */
    WALK_OTHER, /* another capture begins here, whose records this format's rules would misread */
    WALK_DOUBTFUL, /* whole, but sound records begin within it: see walk_believes() */
};

/*
 * Settles the format from the first bytes of the file. head holds min(WALK_HEAD, file size) bytes.
 */
CLV_MUST_CHECK bool walk_open(struct walk_format *f, const char *path, struct clv_span head,
                              struct clv_error *err);

/*
 * Looks at the first records, in the first WALK_LOOK bytes of the file or all that there are.
 * false: their headers are longer than the magic number says, as some vendors' patches to libpcap
 * made them, and *err names the variant.
 */
enum { WALK_LOOK = 64 * 1024 };
CLV_MUST_CHECK bool walk_check_form(const struct walk_format *f, const char *path,
                                    struct clv_span head, struct clv_error *err) CLV_COLD;

/* true: a file that begins so says that it is one. */
bool walk_is_capture(const uint8_t head[4]);

/* true: it is one, or what walk_open() refuses by name: a capture of another kind, an archive. */
bool walk_knows(struct clv_span head);

/* Bytes of the longest packet of a link type that readers of classic pcap take. */
uint32_t walk_caplen_max(uint16_t linktype);

/* Describes the fault found at a record that is not whole: a person reads this, so it is slow. */
bool walk_explain(const struct walk_format *f, const char *path, enum walk_step step,
                  struct clv_span rest, uint64_t offset, uint64_t record,
                  struct clv_error *err) CLV_COLD;

/*
 * Finds where a chain of plausible records begins in s at or after from; s may begin anywhere.
 * near_ns is a time that a record of this file has. Returns the byte in s, or s.len when there is
 * none. A guess: whoever uses it has it confirmed by a walk that comes from the record before.
 */
size_t walk_guess(const struct walk_format *f, struct clv_span s, size_t from, int64_t near_ns);

/*
 * Finds the next place in [from, limit) of s at which whole, plausible records follow one another,
 * for a capture that is damaged before it. A place is judged by at most f->record_max bytes from it
 * on, so that the result does not depend on how much lies behind. Returns the place, or limit.
 */
size_t walk_search(const struct walk_format *f, struct clv_span s, size_t from,
                   size_t limit) CLV_COLD;

/*
 * For a capture that may be damaged. false: the record of raw_len bytes at the start of rest is
 * one that was misread: no record follows it, but in its bytes a chain of plausible ones begins
 * that goes on past its end. It is judged by at most f->record_max bytes, as walk_search() does.
 */
bool walk_believes(const struct walk_format *f, struct clv_span rest, uint32_t raw_len);

/* true: a file header of classic pcap stands at p, in any byte order and resolution of time. */
bool walk_begins_savefile(const uint8_t *p, size_t rest) CLV_COLD;

/*
 * Loads the headers of the records that start in [from, to) of s into the cache, so that a walk
 * over them does not wait for memory at each. A walk alone cannot: where the next header is stands
 * in the one before. This one has several lanes, each from a guess of its own, whose waits overlap.
 * from is the byte of a record. Nothing depends on what it finds.
 */
void walk_touch(const struct walk_format *f, struct clv_span s, size_t from, size_t to);

CLV_INLINE uint32_t walk_load32(const uint8_t *p, bool big_endian)
{
    return big_endian ? load_be32(p) : load_le32(p);
}

static inline void walk_store32(uint8_t *p, uint32_t v, bool big_endian)
{
    if (big_endian)
        store_be32(p, v);
    else
        store_le32(p, v);
}

CLV_INLINE uint16_t walk_load16(const uint8_t *p, bool big_endian)
{
    return big_endian ? load_be16(p) : load_le16(p);
}

/* The two lengths of the record header at p, in bytes. */
CLV_INLINE void walk_lengths(const struct walk_format *f, const uint8_t *p, bool big_endian,
                             uint32_t *caplen, uint32_t *origlen)
{
    *caplen = walk_load32(p + f->caplen_at, big_endian);
    *origlen = walk_load32(p + f->origlen_at, big_endian);
    if (CLV_UNLIKELY(f->smaller_is_caplen) && *caplen > *origlen) {
        const uint32_t t = *caplen;
        *caplen = *origlen;
        *origlen = t;
    }
}

/* A record header that few records have: whether it is one, or what else stands there. */
enum walk_step walk_record_slowly(const struct walk_format *f, const uint8_t *p, size_t rest,
                                  struct walk_record *rec) CLV_COLD;

/*
 * Reads the record at the start of the rest bytes at p. *rec is filled for WALK_RECORD; raw and
 * raw_len are for WALK_BLOCK.
 * big_endian repeats f->big_endian: a loop gives it as a constant, so that each instance has one
 * byte order and no test of it.
 */
CLV_INLINE enum walk_step walk_record(const struct walk_format *f, const uint8_t *p, size_t rest,
                                      bool big_endian, struct walk_record *rec)
{
    if (CLV_UNLIKELY(rest < f->hdr_len))
        return WALK_CUT;
    uint32_t caplen, origlen;
    walk_lengths(f, p, big_endian, &caplen, &origlen);
    /* The first comparison finds 0, too. A file header read as a record's has caplen 0 or origlen
       0: these are its time zone and accuracy of times, which nearly all writers leave at 0. */
    if (CLV_UNLIKELY(caplen - 1 >= f->caplen_max || caplen > origlen)) {
        const enum walk_step step = walk_record_slowly(f, p, rest, rec);
        if (step != WALK_RECORD)
            return step;
    }
    if (CLV_UNLIKELY(caplen > rest - f->hdr_len))
        return WALK_CUT;
    rec->raw = p;
    rec->data = p + f->hdr_len;
    rec->raw_len = f->hdr_len + caplen;
    rec->caplen = caplen;
    rec->origlen = origlen;
    /* Fits: 2^32 seconds and 2^32 units of at most 1000 ns are below 2^63 ns. */
    rec->ts_ns = (int64_t)walk_load32(p, big_endian) * 1000000000 +
                 (int64_t)walk_load32(p + 4, big_endian) * f->tick_ns;
    return WALK_RECORD;
}

#endif
