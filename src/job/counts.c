/* SPDX-License-Identifier: BSD-2-Clause */
#include "job/counts.h"

#include <string.h>

#define AT(member) offsetof(struct clv_split_result, member)

enum {
    BOTH = COUNTS_RECEIPT | COUNTS_OUTCOME,
    OF_ONE = COUNTS_ALONE | COUNTS_OUTCOME, /* blocks are copied to every shard that wants them */
};

const struct counts_row counts_rows[] = {
    {NULL, "input_bytes", AT(input_bytes), COUNTS_OUTCOME},
    {NULL, "scanned_bytes", AT(scanned_bytes), 0},
    {NULL, "finished_bytes", AT(finished_bytes), 0},
    {NULL, "records_read", AT(records_read), BOTH},
    {NULL, "captured_bytes", AT(captured_bytes), COUNTS_OUTCOME},
    {NULL, "records_written", AT(records_written), BOTH},
    {NULL, "copies", AT(copies), BOTH},
    {"dropped", "other", AT(dropped_other), BOTH},
    {"dropped", "filtered", AT(dropped_filtered), BOTH},
    {"dropped", "small", AT(dropped_small), BOTH},
    {"dropped", "capped", AT(dropped_capped), BOTH},
    {"dropped", "duplicates", AT(dropped_duplicates), BOTH},
    {"dropped_blocks", "interface_statistics", AT(dropped_blocks.statistics), OF_ONE},
    {"dropped_blocks", "custom", AT(dropped_blocks.custom), OF_ONE},
    {"dropped_blocks", "unknown", AT(dropped_blocks.unknown), OF_ONE},
    {"dropped_blocks", "metadata", AT(dropped_blocks.metadata), OF_ONE},
    {NULL, "other", AT(other), COUNTS_OUTCOME},
    {NULL, "small", AT(small), COUNTS_OUTCOME},
    {NULL, "fragments", AT(fragments), COUNTS_OUTCOME},
    {NULL, "orphans", AT(orphans), COUNTS_OUTCOME},
    {NULL, "fragment_overflow", AT(fragment_overflow), COUNTS_OUTCOME},
    {NULL, "cut_short", AT(cut_short), COUNTS_OUTCOME},
    {NULL, "flows", AT(flows), BOTH},
    {NULL, "outputs", AT(outputs), BOTH},
    {NULL, "written_bytes", AT(written_bytes), COUNTS_OUTCOME},
    {NULL, "verified", AT(verified), COUNTS_OUTCOME},
    {NULL, "joined", AT(joined), COUNTS_OUTCOME},
    {NULL, "times_beyond", AT(times_beyond), COUNTS_OUTCOME},
    {NULL, "damages", AT(damages), COUNTS_OUTCOME},
    {NULL, "faulty", AT(faulty), COUNTS_OUTCOME},
    {NULL, "left_out", AT(left_out), COUNTS_OUTCOME},
    {NULL, "skipped_bytes", AT(skipped_bytes), COUNTS_OUTCOME},
    {NULL, "unfinished_bytes", AT(unfinished_bytes), COUNTS_OUTCOME},
    {NULL, "related", AT(related), COUNTS_OUTCOME},
    {NULL, "forgotten", AT(forgotten), COUNTS_OUTCOME},
    {NULL, "unwatched", AT(unwatched), COUNTS_OUTCOME},
    {NULL, "broken_messages", AT(broken_messages), COUNTS_OUTCOME},
    {NULL, "rounded", AT(rounded), COUNTS_OUTCOME},
    {NULL, "earlier", AT(earlier), COUNTS_OUTCOME},
    {NULL, "overlaps", AT(overlaps), COUNTS_OUTCOME},
    {NULL, "unsorted", AT(unsorted), COUNTS_OUTCOME},
    {NULL, "metadata_bytes", AT(metadata_bytes), COUNTS_EFFORT},
    {NULL, "metadata_beyond", AT(metadata_beyond), COUNTS_OUTCOME},
    {NULL, "metadata_unused", AT(metadata_unused), COUNTS_EFFORT},
    {NULL, "names_unused", AT(names_unused), COUNTS_EFFORT},
    {NULL, "mixed", AT(mixed), COUNTS_EFFORT},
    {NULL, "untimed", AT(untimed), COUNTS_OUTCOME},
    {NULL, "bad_options", AT(bad_options), COUNTS_OUTCOME},
    {NULL, "tunnelled", AT(tunnelled), COUNTS_OUTCOME},
    {NULL, "kept_bytes", AT(kept_bytes), COUNTS_EFFORT},
    {NULL, "spooled_bytes", AT(spooled_bytes), COUNTS_EFFORT},
    {NULL, "opens", AT(opens), COUNTS_EFFORT},
    {NULL, "reopens", AT(reopens), COUNTS_EFFORT},
    {NULL, "writes", AT(writes), COUNTS_EFFORT},
    {NULL, "rounds", AT(rounds), COUNTS_EFFORT},
    {NULL, "list_rows", AT(list_rows), COUNTS_EFFORT},
    {NULL, "list_unmet", AT(list_unmet), COUNTS_EFFORT},
    {NULL, "other_members", AT(other_members), COUNTS_EFFORT},
    {NULL, NULL, 0, 0},
};

void counts_add(struct clv_split_result *sum, const struct clv_split_result *r)
{
    for (const struct counts_row *row = counts_rows; row->name; row++)
        counts_set(sum, row, counts_get(sum, row) + counts_get(r, row));
}

void counts_put(struct json *j, const struct clv_split_result *r, unsigned in)
{
    const char *group = NULL;
    for (const struct counts_row *row = counts_rows; row->name; row++) {
        if (!(row->in & in))
            continue;
        if (group && (!row->group || strcmp(group, row->group) != 0))
            json_close(j);
        if (row->group && (!group || strcmp(group, row->group) != 0))
            json_open(j, row->group);
        group = row->group;
        json_u64(j, row->name, counts_get(r, row));
    }
    if (group)
        json_close(j);
}
