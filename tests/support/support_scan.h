/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small capture of IPv4 that is scanned from memory, in pieces of the test's choice.
 */
#ifndef CLEAVE_SUPPORT_SCAN_H
#define CLEAVE_SUPPORT_SCAN_H

#include "scan/batch.h"
#include "support_savefile.h"
#include "support_secret.h"

/* Hosts are 10.0.0.from and 10.0.0.to. from 0: a frame of ARP. */
struct frame {
    uint8_t from, to;
    uint8_t proto;
    uint16_t sport, dport;
    uint8_t tcp_flags;
    uint16_t id;       /* of a fragment's datagram; 0: it is whole */
    uint16_t fragment; /* where it begins, in units of 8 bytes */
    bool last;         /* fragment */
};

enum { SCAN_ETHERNET = 14, SCAN_IP = 20, SCAN_TCP = 20, SCAN_PIECES = 8 };

struct scan_scene {
    struct bytes b;
    struct source source;
    struct view view;
    struct ledger ledger;
    struct dialect dialect;
    struct scan_settings settings;
    struct scan_piece pieces[SCAN_PIECES];
    struct batch batch;
};

static inline void put_frame(struct bytes *b, const struct savefile_dialect *d, uint32_t sec,
                             const struct frame *f)
{
    const uint32_t len = SCAN_ETHERNET + SCAN_IP + SCAN_TCP;
    put_record_header(b, d, sec, 0, len, len);
    put_fill(b, 2, 12);
    put16(b, true, f->from ? 0x0800 : 0x0806);
    put16(b, true, 0x4500);
    put16(b, true, SCAN_IP + SCAN_TCP);
    put16(b, true, f->id);
    put16(b, true, (uint16_t)(f->fragment | (f->id && !f->last ? 0x2000 : 0)));
    put_fill(b, 64, 1);
    put_fill(b, f->proto, 1);
    put16(b, true, 0);
    put32(b, true, 0x0a000000U | f->from);
    put32(b, true, 0x0a000000U | f->to);
    put16(b, true, f->sport);
    put16(b, true, f->dport);
    put32(b, true, 1); /* of UDP: a length and a checksum */
    put32(b, true, 0);
    put_fill(b, 0x50, 1);
    put_fill(b, f->tcp_flags, 1);
    put_fill(b, 0, 6);
}

/* by: the key's fields. What a test wants else of the settings, it sets before it scans. */
static inline void scene_begin(struct scan_scene *s, const struct savefile_dialect *d,
                               const char *by, const struct frame *frames, size_t n)
{
    *s = (struct scan_scene){.dialect.form = DIALECT_COPY};
    put_file_header(&s->b, d);
    for (size_t i = 0; i < n; i++)
        put_frame(&s->b, d, 1000 + (uint32_t)i, &frames[i]);
    s->source.path = "memory.pcap";
    assert_true(input_open_memory(&s->source.in, s->b.p, s->b.len, s->source.path, NULL));
    const size_t head = s->b.len < WALK_HEAD ? s->b.len : WALK_HEAD;
    assert_true(walk_open(&s->source.format, "", (struct clv_span){s->b.p, head}, NULL));
    ledger_init(&s->ledger, 0);
    s->dialect.ledger = &s->ledger;
    s->settings =
        (struct scan_settings){.ledger = &s->ledger, .dialect = &s->dialect, .n_partitions = 1};
    assert_true(flow_by_parse(&s->settings.by, "by", by, false, NULL));
    assert_true(flow_by_parse(&s->settings.base, "by", "flow", false, NULL));
    s->settings.by.secret = s->settings.base.secret = SECRET;
    s->settings.joins = flow_by_ports(&s->settings.by);
}

/* The records that begin in [from, limit), as the next piece, exactly. */
static inline struct scan_piece *scene_scan(struct scan_scene *s, size_t from, size_t limit)
{
    struct scan_piece *const p = &s->pieces[s->batch.n_pieces++];
    assert_true(s->batch.n_pieces <= SCAN_PIECES);
    s->view = (struct view){
        .w = {.p = s->b.p, .len = s->b.len, .avail = s->b.len, .last = true},
        .source = &s->source,
        .begins = true,
    };
    s->batch.view = &s->view;
    s->batch.pieces = s->pieces;
    if (p > s->pieces)
        p->state = p[-1].state;
    p->from = from;
    p->limit = limit;
    p->start = p > s->pieces ? p[-1].end : (size_t)s->source.format.data_at;
    p->exact = true;
    p->near_ns = WALK_NO_TIME;
    assert_true(scan_piece_run(p, &s->settings, &s->view, NULL, NULL));
    return p;
}

static inline void scene_end(struct scan_scene *s)
{
    for (unsigned i = 0; i < s->batch.n_pieces; i++)
        scan_piece_fini(&s->pieces[i]);
    ledger_fini(&s->ledger);
    input_close(&s->source.in);
    bytes_free(&s->b);
}

#endif
