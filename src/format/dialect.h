/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The format of the outputs, settled once per run: the inputs' own, byte for byte, where all are
 * alike, or one that can hold them all. A classic savefile holds one link type in one resolution of
 * time: each such pair is a kind of output.
 *
 * Threads: kinds are added by one thread at a time; any number read those that they were told of.
 */
#ifndef CLEAVE_FORMAT_DIALECT_H
#define CLEAVE_FORMAT_DIALECT_H

#include "cleave/split.h"
#include "walk/ledger.h"
#include "walk/walk.h"

enum dialect_form {
    DIALECT_COPY,   /* classic pcap as the inputs have it: records are copied with their headers */
    DIALECT_PCAP,   /* classic pcap by libpcap's dumper, in this machine's byte order */
    DIALECT_PCAPNG, /* sections and interfaces as the records need them */
};

enum { DIALECT_KINDS = 255 };

struct dialect_kind {
    uint16_t linktype;
    uint8_t fcs_len;
    bool nanoseconds;
};

struct dialect {
    enum dialect_form form;
    bool nanoseconds; /* DIALECT_PCAP: at least the times that were foreseen need it */
    enum clv_compress compress;
    uint32_t snaplen;                 /* packet bytes of a record that are written; 0: all */
    bool metadata;                    /* DIALECT_PCAPNG: blocks of a whole section follow it */
    uint8_t header[PCAP_FILE_HEADER]; /* DIALECT_COPY */
    const struct ledger *ledger;
    struct metadata *picker; /* of what follows a section; NULL: nothing does */
    struct dialect_kind kinds[DIALECT_KINDS + 1]; /* the last one stands for what is too much */
    _Atomic unsigned n_kinds;
};

/* Packet bytes of a record of caplen that are written. */
static inline uint32_t dialect_cut(const struct dialect *d, uint32_t caplen)
{
    return d->snaplen && caplen > d->snaplen ? d->snaplen : caplen;
}

/* true: an output is its header, and records as the input has them. */
static inline bool dialect_is_plain(const struct dialect *d)
{
    return d->form == DIALECT_COPY && !d->snaplen;
}

/* The number of the kind, new or not. DIALECT_KINDS: there are too many. */
unsigned dialect_kind(struct dialect *d, const struct dialect_kind *kind);

/* ".pcap" or ".pcapng", and what compression adds. */
const char *dialect_ending(const struct dialect *d);

/* true: an interface's times need nanoseconds. */
static inline bool dialect_needs_ns(uint64_t units)
{
    return units != 0 && 1000000 % units != 0;
}

/*
 * Ticks that are added to the time of a record in classic pcap: a header of zeros is no record to
 * its readers, so that an empty packet without a time, or with the first one, gets the next one.
 */
static inline unsigned dialect_nudge(int64_t ts_ns, uint32_t caplen, uint32_t origlen)
{
    return (ts_ns == 0 || ts_ns == WALK_NO_TIME) && caplen == 0 && origlen == 0;
}

#endif
