/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scanning: a piece of a window becomes items, one per record: flow key, hash, and what the flow
 * will want to know. Pieces are independent, so that many threads scan one window; each begins at
 * a place that the piece before confirms.
 *
 * Most scans are ahead: where they begin is guessed, and what the records refer to (sections and
 * interfaces) is taken as it was when they were handed out. A scan that meets something that would
 * change that, or a fault, stops there. It is done again when all before it is known, and then it
 * is exact: it writes the ledger and judges faults. One scan at a time is exact.
 */
#ifndef CLEAVE_SCAN_SCAN_H
#define CLEAVE_SCAN_SCAN_H

#include "capture/source.h"
#include "decode/decode.h"
#include "flow/anykey.h"
#include "flow/cut.h"
#include "proof/proof.h"
#include "scan/filter.h"
#include "scan/flowlist.h"
#include "scan/learned.h"

struct dedup_plan;

/* Settled once per run, read by all threads. */
struct scan_settings {
    struct ledger *ledger;
    struct dialect *dialect;
    struct flow_by by;
    struct flow_by base; /* of the tuple: where clients are told apart, by what they are known */
    const struct learned *chosen;   /* NULL: every flow has an output of its own */
    struct filter *filter;          /* NULL: all records count */
    const struct flowlist *list;    /* NULL: records of all flows count */
    const struct dedup_plan *dedup; /* NULL: nobody looks for duplicates */
    bool joins;                     /* later fragments follow their first */
    bool drop_other;
    bool inner;                       /* look through tunnels */
    const struct decode_ports *ports; /* that tunnels are on, too; or NULL */
    uint32_t shards;                  /* outputs that keys are hashed onto; 0: each has its own */
    bool recover;                     /* search for records behind a fault */
    unsigned partition_bits;          /* the hash's top ones, which number the partition */
    uint32_t n_partitions;
};

/* true: more is wanted of a record than its tuple's key; items say whether they are left out. */
static inline bool scan_asks(const struct scan_settings *plan)
{
    return plan->by.any_key || plan->by.connections || plan->filter || plan->shards ||
           plan->chosen || plan->dedup || plan->list || plan->dialect->snaplen;
}

struct scan_item {
    union flow_id id; /* key, once scanned */
    uint64_t hash;
    int64_t ts_ns;
    uint32_t offset; /* of the record in the window, bytes */
    uint32_t raw_len;
    uint32_t caplen;
    uint32_t origlen;
    uint8_t dir; /* 0: endpoint a to b of the key */
    uint8_t tcp_flags;
    uint8_t kind; /* of output, in the dialect */
    bool tcp;     /* the piece has its TCP header's numbers */
    /* Where scan_asks(): */
    bool dropped; /* left out after all */
    bool small;   /* of a flow that was not chosen: among the `other` */
};

/* In two steps: with one partition a single one would shift by 64. */
static inline uint32_t scan_partition(uint64_t hash, unsigned bits)
{
    return (uint32_t)(hash >> 1 >> (63 - bits));
}

/* An item that is a fragment, with what its datagram is known by. */
struct scan_fragment {
    uint32_t item;
    struct decode_fragment f;
    struct flow_origin origin;
};

struct scan_counts {
    uint64_t records, other, dropped_other, fragments, cut_short;
    uint64_t unread[LEDGER_UNREAD + 1]; /* of `other`, by the interface's number in the ledger */
    uint64_t filtered;
    uint64_t copies;   /* items beyond one per record */
    uint64_t captured; /* packet bytes of the records */
    uint64_t blocks_statistics, blocks_custom, blocks_unknown, blocks_metadata; /* left out */
    uint64_t rounded;       /* times that an output cannot hold to the last digit */
    uint64_t untimed;       /* records without a time */
    uint64_t bad_options;   /* blocks whose options do not fit into them */
    uint64_t damages;       /* faults */
    uint64_t times_beyond;  /* of records, before 1677 or after 2262 */
    uint64_t joined;        /* captures that begin within another, of its kind */
    uint64_t skipped_bytes; /* between a fault and the next record that was found */
    uint64_t earlier;       /* than the record before */
    uint64_t unfinished;    /* bytes of a record that a pipe had, which was ended within it */
};

#define SCAN_NO_LAST INT64_MAX

#define SCAN_UNKNOWN SIZE_MAX

struct scan_piece {
    size_t start; /* byte in the window of its first record; SCAN_UNKNOWN: has to be guessed */
    size_t from;  /* the piece covers the records that start in [from, limit) of the window */
    size_t limit;
    bool exact;
    bool seek;               /* exact: behind a fault, start is where the search goes on */
    struct walk_state state; /* at start; once scanned, at end */
    int64_t near_ns;         /* a time that a record nearby has, for guesses, or WALK_NO_TIME */

    size_t end;          /* where the walk stopped: the next record's byte, or the faulty one's */
    enum walk_step stop; /* WALK_RECORD: at limit or at the end of the input; WALK_BLOCK: has to be
                            scanned exactly; else the fault */
    bool seeking;        /* the next record has not been found up to end */
    bool lacks; /* exact: view_lacks() at end; it is run once more, and goes on there, with more */
    struct clv_error damage; /* the first fault; its record is counted within the piece */
    struct scan_counts counts;
    /* Of the records that have a time; WALK_NO_TIME and SCAN_NO_LAST: none has. */
    int64_t first_ns, last_ns;
    uint64_t earlier; /* number within the piece, from 1, of the first that is earlier; 0: none */
    struct proof_sum walked; /* where somebody asks */
    struct scan_item *items;
    size_t n_items, items_cap;
    struct flow_extra *extra;    /* by item, where keys are of any fields */
    struct flow_origin *origins; /* by item, where roles are settled later */
    struct flow_tcp *tcp;        /* by item, where connections are told apart */
    struct flowlist_more more;   /* rows of the list that records are of */
    struct flowlist_memo *memo;  /* while it is scanned: the thread's, or NULL */
    uint32_t *unlisted;          /* items of no row, the first of each record */
    size_t n_unlisted, unlisted_cap;
    struct keyed_hash *digests; /* by item, the first of each record, where duplicates are */
    size_t extra_cap, origins_cap, tcp_cap, digests_cap;
    struct scan_fragment *fragments; /* where ports are part of the key */
    size_t n_fragments, fragments_cap;
    bool disordered; /* items got another key: their order by partition has to be made again */
    uint32_t *order; /* item numbers by partition, in the capture's order within each */
    size_t order_cap;
    uint32_t *bounds; /* n_partitions + 1: partition p has order[bounds[p] .. bounds[p + 1]) */
    uint64_t seq;     /* number of items[0] among all items, set by the confirmer */
};

/* What item i is for what cuts flows. record_header: bytes, of classic pcap. */
static inline struct flow_step scan_piece_step(const struct scan_piece *piece, uint32_t i,
                                               const struct flow_cuts *cuts, uint32_t record_header)
{
    const struct scan_item *item = &piece->items[i];
    const bool tcp = cuts->connections && item->tcp; /* else no item says whether it is */
    return (struct flow_step){
        .ts_ns = item->ts_ns,
        .record_len = record_header + item->caplen,
        .dir = item->dir,
        .other = flow_is_other(&item->id.key),
        .tcp_flags = item->tcp_flags,
        .tcp = tcp,
        .header = tcp ? piece->tcp[i] : (struct flow_tcp){0},
    };
}

/* A zeroed piece is ready to be scanned or cleared. */
void scan_piece_fini(struct scan_piece *piece);

/*
 * Scans, or goes on with a scan that lacks something. A start that cannot be guessed leaves start
 * SCAN_UNKNOWN and no items. memo: the thread's, where there is a list; or NULL.
 */
CLV_MUST_CHECK bool scan_piece_run(struct scan_piece *piece, const struct scan_settings *plan,
                                   const struct view *v, struct flowlist_memo *memo,
                                   struct clv_error *err);

/* Leaves the piece without records, ending where it starts. */
void scan_piece_clear(struct scan_piece *piece);

/*
 * Gives the later fragment of item i, its first, the key of what another record says. Returns the
 * number of its items that are left out for it.
 */
unsigned scan_piece_set_origin(struct scan_piece *piece, const struct scan_settings *plan,
                               uint32_t i, const struct flow_origin *origin);

/*
 * The row of the list that a record is of, + 1, or 0: none; o->label is the row's then. icmp: its
 * first two bytes behind the network header, or NULL.
 */
uint32_t scan_list(struct scan_piece *piece, const struct scan_settings *plan,
                   struct flow_origin *o, const uint8_t *icmp, int64_t ts_ns);

/* Leaves the record of item i, its first, out after all. Returns its items. */
unsigned scan_piece_drop(struct scan_piece *piece, uint32_t i);

/* Gives item i the key that it has when the client's end is known, see enum flow_side. */
void scan_piece_set_side(struct scan_piece *piece, const struct scan_settings *plan, uint32_t i,
                         enum flow_side client);

/* Item i got its flow's key and what stands beside it: it gets its output's. */
void scan_piece_settle(struct scan_piece *piece, const struct scan_settings *plan, uint32_t i);

/* Makes the order by partition again. false: no memory. */
CLV_MUST_CHECK bool scan_piece_reorder(struct scan_piece *piece, const struct scan_settings *plan);

void scan_counts_add(struct scan_counts *sum, const struct scan_counts *more);

#endif
