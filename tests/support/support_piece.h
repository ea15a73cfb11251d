/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scanned pieces made by hand: each item says which flow it is of; flow f lies in partition
 * f % n_partitions. Records are RECORD_LEN bytes, one behind the other.
 */
#ifndef CLEAVE_SUPPORT_PIECE_H
#define CLEAVE_SUPPORT_PIECE_H

#include "pipeline/partition.h"
#include "support_bytes.h"
#include "support_secret.h"

enum { RECORD_LEN = 16 };

/* No flow: a record without a network address, of the output's kind k. */
#define PIECE_OTHER_KIND(k) (0xffffu - (k))
#define PIECE_OTHER PIECE_OTHER_KIND(0u)

static inline struct flow_key piece_key(unsigned flow)
{
    struct flow_key key = {0};
    key.kind = (uint8_t)(flow > PIECE_OTHER_KIND(256u) ? PIECE_OTHER - flow : 0);
    if (flow > PIECE_OTHER_KIND(256u))
        return key;
    key.family = 4;
    key.proto = CLV_PROTO_TCP;
    key.has = FLOW_HAS_PORTS | FLOW_HAS_PROTO;
    key.a[0] = key.b[0] = 10;
    key.a[3] = 1;
    key.b[3] = 2;
    key.a_port = (uint16_t)(1000 + flow);
    key.b_port = 80;
    return key;
}

/* flows[i] is the flow of record i. first is the number of record 0 among all of the run. */
static inline struct scan_piece piece_make(const unsigned *flows, size_t n, uint32_t n_partitions,
                                           uint64_t first)
{
    struct scan_piece piece = {.n_items = n, .seq = first};
    piece.items = calloc(n ? n : 1, sizeof *piece.items);
    piece.order = calloc(n ? n : 1, sizeof *piece.order);
    piece.bounds = calloc((size_t)n_partitions + 1, sizeof *piece.bounds);
    assert_true(piece.items && piece.order && piece.bounds);
    for (size_t i = 0; i < n; i++) {
        struct scan_item *item = &piece.items[i];
        item->id.key = piece_key(flows[i]);
        item->hash = flow_key_hash(&item->id.key, SECRET);
        item->ts_ns = (int64_t)(first + i) * 1000;
        item->offset = (uint32_t)(i * RECORD_LEN);
        item->raw_len = RECORD_LEN;
        item->caplen = 40;
        item->origlen = 60;
    }
    uint32_t at = 0;
    for (uint32_t p = 0; p < n_partitions; p++) {
        piece.bounds[p] = at;
        for (size_t i = 0; i < n; i++)
            if (flows[i] % n_partitions == p)
                piece.order[at++] = (uint32_t)i;
    }
    piece.bounds[n_partitions] = at;
    return piece;
}

static inline void piece_free(struct scan_piece *piece)
{
    free(piece->items);
    free(piece->order);
    free(piece->bounds);
}

#endif
