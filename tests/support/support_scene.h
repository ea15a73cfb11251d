/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Six records that outputs are made of, in a window as the pipeline has it.
 */
#ifndef CLEAVE_SUPPORT_SCENE_H
#define CLEAVE_SUPPORT_SCENE_H

#include "format/form.h"
#include "support_pcapng.h"
#include "support_savefile.h"

/* Of pcapng: a section of each byte order, three records in each. */
struct scene {
    struct ledger ledger;
    struct bytes b;
    struct walk_format format;
    struct form_ref refs[6]; /* packets A to F */
};

enum { SCENE_POSITION = 5000 };

static inline void scene_note(struct scene *s, struct walk_state *st, size_t at)
{
    assert_true(walk_note(&s->ledger, st, s->b.p + at, (uint32_t)(s->b.len - at),
                          SCENE_POSITION + at, NULL));
}

static inline void scene_begin(struct scene *s)
{
    static const char letters[] = "ABCDEFGHI";
    struct walk_state st = {0};
    size_t at = 0;
    unsigned n = 0;
    memset(s, 0, sizeof *s);
    ledger_init(&s->ledger, 1 << 20);
    s->format.kind = WALK_PCAPNG;
    for (unsigned big = 0; big < 2; big++) {
        put_section(&s->b, big);
        scene_note(s, &st, at);
        for (unsigned i = 0; i < 2; i++) {
            at = s->b.len;
            const size_t block = block_begin(&s->b, big, BLOCK_INTERFACE);
            put_interface_head(&s->b, big, 1, 0);
            if (big)
                put_option_byte(&s->b, big, OPTION_TSRESOL, 9);
            block_end(&s->b, big, block);
            scene_note(s, &st, at);
        }
        for (unsigned i = 0; i < 3; i++) {
            at = s->b.len;
            put_packet(&s->b, big, i % 2, 1700000000, &letters[n], 4, 40);
            s->refs[n++] = (struct form_ref){(uint32_t)at, (uint32_t)(s->b.len - at)};
            at = s->b.len;
        }
        put_block(&s->b, big, BLOCK_NAMES, big ? "big " : "none", 4);
        scene_note(s, &st, at);
        at = s->b.len;
    }
}

static inline void scene_end(struct scene *s)
{
    ledger_fini(&s->ledger);
    bytes_free(&s->b);
}

/* Six records of classic pcap, each a byte longer than the one before. */
static inline void scene_begin_pcap(struct scene *s)
{
    static const struct savefile_dialect d = {.magic = MAGIC_US};
    struct bytes head = {0};
    memset(s, 0, sizeof *s);
    put_file_header(&head, &d);
    assert_true(walk_open(&s->format, "a", (struct clv_span){head.p, head.len}, NULL));
    bytes_free(&head);
    for (uint32_t i = 0; i < 6; i++) {
        const size_t at = s->b.len;
        put_record_header(&s->b, &d, 1700 + i, i, 4 + i, 40);
        put_fill(&s->b, (uint8_t)i, 4 + i);
        s->refs[i] = (struct form_ref){(uint32_t)at, (uint32_t)(s->b.len - at)};
    }
}

#endif
