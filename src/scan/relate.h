/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Relating: a pass that follows flows in the capture's order, as partitions will find them, watches
 * what they say, and settles which flow led to each that begins (scan/announce.h). Its numbers are
 * those that outputs will have (pipeline/numbering.h).
 *
 * Where outputs are groups of flows, this is done in two readings of the input: by the first one
 * all is known of each flow, also what it says later; in the second one each record gets the key of
 * its group: that of the flow, or the lookup, that led to all the others.
 */
#ifndef CLEAVE_SCAN_RELATE_H
#define CLEAVE_SCAN_RELATE_H

#include "flow/relations.h"
#include "format/form.h"
#include "scan/pass.h"
#include "scan/payload.h"

struct relate {
    const struct scan_settings *scan; /* settled before the pass is run */
    const struct flow_cuts *cuts;
    const struct relations_plan *plan;
    const struct relations *known; /* by an earlier reading: records get their groups' keys */
    struct scan_settings outputs;  /* by which groups get their keys */
    struct relations *relations;
    struct relations own;
    struct announcer announcer;
    struct watcher watcher;
    struct expects datagrams; /* whose flow is that of their first fragment */
    struct flow_table flows;
    uint32_t record_header; /* bytes, of classic pcap */
    bool made;

    /* While a batch is looked at. */
    struct form_round round;
    struct form_cursor cursor;
    const struct scan_piece *piece;
    uint32_t item;
    struct decode_path path;
};

/*
 * learns: who keeps what is found, initialised; NULL: it goes with r. What else leaves memory goes
 * to the spill, which is borrowed. false: no memory; relate_fini() is harmless, as for one that is
 * zeroed.
 */
CLV_MUST_CHECK bool relate_init(struct relate *r, struct relations *learns, struct spill *spill);
struct pass relate_pass(struct relate *r);

/* All records were read: what follows from all of them is settled. */
CLV_MUST_CHECK bool relate_settle(const struct relate *r, struct clv_error *err);
void relate_fini(struct relate *r);

#endif
