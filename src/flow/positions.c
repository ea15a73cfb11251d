/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/positions.h"

#include <string.h>

#include "base/mem.h"

enum { BLOCK = 64 << 10 };

struct positions_piece {
    struct positions_piece *next;
    size_t len;
    uint8_t bytes[];
};

void positions_store_fini(struct positions_store *s)
{
    for (size_t i = 0; i < s->n_blocks; i++)
        spill_free(s->spill, s->blocks[i]);
    mem_free(s->blocks);
    mem_free(s->text);
    *s = (struct positions_store){.spill = NULL};
}

uint8_t *positions_room(struct positions_store *s, size_t n)
{
    uint8_t *text = mem_reserve(s->text, &s->text_cap, n, POSITIONS_LONGEST);
    if (text)
        s->text = text;
    return text;
}

/* Aligned for a piece. */
static void *room(struct positions_store *s, size_t size)
{
    size = (size + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
    if (s->left < size) {
        uint8_t **blocks =
            mem_reserve(s->blocks, &s->blocks_cap, s->n_blocks + 1, sizeof *s->blocks);
        if (!blocks)
            return NULL;
        s->blocks = blocks;
        blocks[s->n_blocks] = spill_alloc(s->spill, size > BLOCK ? size : BLOCK, 1);
        if (!blocks[s->n_blocks])
            return NULL;
        s->n_blocks++;
        s->left = size > BLOCK ? size : BLOCK;
    }
    const size_t used = (s->left > BLOCK ? s->left : BLOCK) - s->left;
    s->left -= size;
    return s->blocks[s->n_blocks - 1] + used;
}

bool positions_add(struct positions_store *s, struct positions *p, uint64_t last, const uint8_t *to)
{
    const size_t len = (size_t)(to - s->text);
    struct positions_piece *piece = room(s, sizeof *piece + len);
    if (!piece)
        return false;
    piece->next = NULL;
    piece->len = len;
    memcpy(piece->bytes, s->text, len);
    if (p->last)
        p->last->next = piece;
    else
        p->first = piece;
    p->last = piece;
    p->position = last;
    p->bytes += len;
    return true;
}

void positions_copy(const struct positions *p, uint8_t *to)
{
    for (const struct positions_piece *piece = p->first; piece; piece = piece->next) {
        memcpy(to, piece->bytes, piece->len);
        to += piece->len;
    }
}

enum positions_step positions_next(struct positions_reader *r)
{
    uint64_t distance = 0;
    unsigned shift = 0;
    uint8_t byte;
    if (r->at == r->end)
        return POSITIONS_END;
    do {
        if (r->at == r->end || shift > 56) /* 9 bytes hold 63 bits */
            return POSITIONS_BAD;
        byte = *r->at++;
        distance |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if ((distance == 0 && r->begun) || distance > INT64_MAX - r->position)
        return POSITIONS_BAD;
    r->begun = true;
    r->position += distance;
    return POSITIONS_ONE;
}
