/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/sizes.h"

#include "flow/fragments.h"
#include "pipeline/feed.h"
#include "pipeline/partition.h"

/* References count bytes of a window in 32 bits; with what is behind it, it has an address. */
#define WINDOW_MAX (SIZE_MAX > UINT32_MAX ? (UINT64_C(4) << 30) - 4096 : UINT64_C(1) << 30)

enum {
    PARTITIONS_MIN = 32,
    PARTITIONS_MAX = 2048,
    PARTITIONS_PER_THREAD = 16,
    FINDS_PER_THREAD = 4,
    PIECES_PER_THREAD = 8,
    REF_COST = sizeof(struct log_entry) + sizeof(struct form_ref),
    REFS_MIN = 64 * 1024,
    WINDOW_MIN = 4096,
    STREAM_BUFFERS = 3,
    STREAM_WINDOW_MIN = FRAGMENTS_LOOKAHEAD, /* then three suffice for those who wait */
};

static uint32_t pow2_at_most(uint64_t x, uint32_t max)
{
    uint32_t p = 1;
    while (p < max && (uint64_t)p * 2 <= x)
        p *= 2;
    return p;
}

static uint64_t clamp(uint64_t x, uint64_t least, uint64_t most)
{
    return min_u64(max_u64(x, least), most);
}

struct sizes sizes_settle(const struct sizes_from *from)
{
    struct sizes s = {.buffers = STREAM_BUFFERS};
    const uint64_t threads = from->threads;
    /* Enough partitions to keep all threads busy to the end, few enough for the descriptors. */
    s.partitions =
        pow2_at_most(max_u64(PARTITIONS_MIN, PARTITIONS_PER_THREAD * threads), PARTITIONS_MAX);
    s.partitions = (uint32_t)min_u64(s.partitions,
                                     pow2_at_most(max_u64(from->max_open / 2, 1), PARTITIONS_MAX));
    s.finds_step = (uint32_t)max_u64(1, s.partitions / (FINDS_PER_THREAD * threads));
    /* A piece of the smallest records there are makes the most items. */
    const uint64_t piece_items = PIECE / PCAP_RECORD_HEADER + 1;
    const uint64_t pieces = from->memory / 2 / (BATCHES * piece_items * sizeof(struct scan_item));
    s.pieces_per_batch =
        (unsigned)clamp(min_u64(pieces, PIECES_PER_THREAD * threads), 1, PIECES_MAX);
    /* A batch joins an epoch whole, and may be larger than all that fits. */
    s.max_refs = max_u64(from->memory / 4 / REF_COST, REFS_MIN);
    s.max_refs = max_u64(s.max_refs, s.pieces_per_batch * piece_items);
    uint64_t window = clamp(from->window ? from->window : from->ram / 8, WINDOW_MIN, WINDOW_MAX);
    /* What has to be read takes memory of its own: three windows, for half of it. */
    uint64_t largest = 0;
    bool stream = false;
    for (size_t i = 0; i < from->n_sources; i++) {
        const struct source *one = &from->sources[i];
        stream |= one->once || one->stream;
        largest = one->once || one->stream ? UINT64_MAX : max_u64(largest, one->size);
        s.slack = max_u64(s.slack, one->format.record_max);
    }
    if (stream)
        window = max_u64(min_u64(window, from->memory / 2 / STREAM_BUFFERS), STREAM_WINDOW_MIN);
    s.window = (size_t)window;
    /* Fragments may wait over many short windows, or files. */
    s.n_batches =
        BATCHES + 2 * FRAGMENTS_FILES + FRAGMENTS_LOOKAHEAD / (unsigned)min_u64(window, PIECE);
    /* An epoch is within a window: it cannot have more records than these bytes can. */
    s.max_refs = min_u64(s.max_refs, min_u64(window, largest) / NG_BLOCK_MIN + 1);
    return s;
}
