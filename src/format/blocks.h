/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records as pcapng: each output gets the sections that it has records of, the interfaces that
 * these refer to, numbered anew in the order of their first use, and the metadata of its sections.
 * What an output gets follows from its records and the ledger alone.
 */
#ifndef CLEAVE_FORMAT_BLOCKS_H
#define CLEAVE_FORMAT_BLOCKS_H

#include "format/dialect.h"
#include "format/metadata.h"
#include "format/stage.h"
#include "walk/pcapng.h"

/* How far an output has come. A zeroed one is at its beginning. */
struct trail {
    uint32_t section; /* entry of the ledger + 1; 0: none was begun */
    uint32_t next;    /* the first entry that has not been passed */
    uint32_t n_ifaces, cap;
    uint32_t only;    /* the interface of the section that is number 0 here */
    uint32_t snaplen; /* of the output's first interface, as libpcap understands it */
    uint32_t
        *more; /* where there are several: numbers 0 to cap - 1, then 2 * cap slots for those */
    uint16_t linktype;
    bool begun, big_endian; /* the first section, and its byte order */
    bool mixed;             /* libpcap refuses what follows: it is not as in the first */
    struct picks *picks;    /* NULL: it has met nothing that metadata is for */
};

void trail_fini(struct trail *t);

/* What the records of one call have in common. */
struct blocks_source {
    const struct dialect *dialect;
    const struct walk_format *format; /* of the file that has the records */
    uint32_t n_entries; /* of the ledger: all that lie before the records, and maybe some behind */
    const struct picks *owner; /* what the output is; it has nothing yet */
};

/*
 * Adds the record whose bytes, as the input has them, are the len bytes at raw; position is where
 * in the run's input it lies. *until is where the last look at the ledger ended: 0 for the first
 * record of a round of writing, and untouched between its records.
 */
CLV_MUST_CHECK bool blocks_put(struct stage *s, struct trail *t, const struct blocks_source *src,
                               const uint8_t *raw, uint32_t len, uint64_t position,
                               uint64_t *until);

/* Adds the metadata of the output's last section that comes behind its last record. */
CLV_MUST_CHECK bool blocks_finish(struct stage *s, struct trail *t,
                                  const struct blocks_source *src);

/*
 * The secrets that no output has a use for, once all have all else: *any, blocks_finish() has them
 * to add. false: no memory.
 */
CLV_MUST_CHECK bool blocks_rest(struct trail *t, const struct blocks_source *src, bool *any);

/* true: blocks_finish() has something to add. */
bool blocks_pending(struct trail *t, const struct blocks_source *src);

/*
 * The beginning of a packet block for a record that is none, with a time in its interface's units;
 * its data, padding to 4 bytes, and the block's length once more (head + 4) follow. Returns the
 * bytes of padding.
 */
uint32_t blocks_head(uint8_t head[NG_PACKET_HEADER], const struct walk_record *rec, uint32_t iface,
                     uint64_t ticks, bool big_endian);

/* true: a packet of so many bytes fits into a block that readers take. */
static inline bool blocks_fit(uint32_t caplen)
{
    return ng_pad(caplen) <= NG_BLOCK_MAX - NG_PACKET_MIN;
}

enum { BLOCKS_IFACE_END = 12 }; /* bytes of a packet block up to behind its interface */

/* The beginning of the packet block at raw, with another interface. */
void blocks_renumber(uint8_t head[BLOCKS_IFACE_END], const uint8_t *raw, bool big, uint32_t iface);

#endif
