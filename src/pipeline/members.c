/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/members.h"

#include "base/mem.h"

enum {
    TASK_BYTES = 4 << 20, /* about, of a task */
    DIGIT = 11,           /* bits of a row that a pass of the sort looks at */
    DIGITS = 1 << DIGIT,
};

bool members_begin(struct members *m, const struct partition *parts, uint32_t n_parts, bool dense)
{
    uint64_t n = 0;
    m->dense = dense;
    if (!m->starts && !(m->starts = mem_alloc(n_parts, sizeof *m->starts)))
        return false;
    for (uint32_t p = 0; p < n_parts; p++) {
        m->starts[p] = n;
        n += parts[p].n_runs;
    }
    struct members_run *runs = mem_reserve(m->runs, &m->runs_cap, max_u64(n, 1), sizeof *runs);
    if (runs)
        m->runs = runs;
    m->n = n;
    return runs != NULL;
}

void members_fini(struct members *m)
{
    mem_free(m->runs);
    mem_free(m->spare);
    mem_free(m->starts);
    mem_free(m->tasks);
    *m = (struct members){.n = 0};
}

/* Sorts by row, from the lowest digit on: linear, whatever the order was. false: no memory. */
static bool sort(struct members *m)
{
    uint32_t highest = 0;
    struct members_run *spare =
        mem_reserve(m->spare, &m->spare_cap, max_u64(m->n, 1), sizeof *spare);
    if (!spare)
        return false;
    m->spare = spare;
    for (uint64_t i = 0; i < m->n; i++)
        highest |= m->runs[i].row;
    for (unsigned shift = 0; shift < 32 && highest >> shift; shift += DIGIT) {
        uint64_t at[DIGITS] = {0}, sum = 0;
        for (uint64_t i = 0; i < m->n; i++)
            at[m->runs[i].row >> shift & (DIGITS - 1)]++;
        for (unsigned d = 0; d < DIGITS; d++) {
            const uint64_t n = at[d];
            at[d] = sum;
            sum += n;
        }
        for (uint64_t i = 0; i < m->n; i++)
            m->spare[at[m->runs[i].row >> shift & (DIGITS - 1)]++] = m->runs[i];
        struct members_run *sorted = m->spare;
        const size_t cap = m->spare_cap;
        m->spare = m->runs;
        m->spare_cap = m->runs_cap;
        m->runs = sorted;
        m->runs_cap = cap;
    }
    return true;
}

bool members_lay_out(struct members *m)
{
    if (!m->dense && !sort(m))
        return false;
    m->n_tasks = 0;
    for (uint64_t i = 0; i <= m->n;) {
        uint64_t *tasks = mem_reserve(m->tasks, &m->tasks_cap, m->n_tasks + 2, sizeof *tasks);
        if (!tasks)
            return false;
        m->tasks = tasks;
        tasks[m->n_tasks] = i;
        if (i == m->n)
            break;
        m->n_tasks++;
        for (uint64_t bytes = 0; i < m->n && bytes < TASK_BYTES; i++)
            bytes += m->runs[i].bytes;
    }
    return true;
}

static struct archive_turn turn_of(const struct members_round *r, struct partition *p,
                                   uint32_t flow, struct archive_thread *by)
{
    struct flow *f = flow_table_at(&p->flows, flow);
    return (struct archive_turn){
        .a = r->archive,
        .by = by,
        .form = r->form,
        .o = form_output(&p->flows, f),
        .m = flow_table_beside_rw(&p->flows, f, FLOW_BESIDE_SINK),
        .name = partition_name(p, flow),
        .row = archive_row(r->archive, f),
    };
}

/*
 * A member's run, its flow and its records lie anywhere, and each of them says where the next one
 * is: all are asked for some members ahead.
 *
 *   i + RUN_AHEAD      run                  prefetched
 *   i + FLOW_AHEAD     run -> flow, refs    prefetched
 *   i + RECORD_AHEAD   flow -> name, member; refs -> records
 *   i                  all of them          written
 */
enum { RUN_AHEAD = 24, FLOW_AHEAD = 16, RECORD_AHEAD = 8 };

static void prefetch_flow(const struct partition *p, const struct run *r)
{
    flow_table_prefetch(&p->flows, r->flow, FLOW_BESIDE_SINK);
    __builtin_prefetch(p->refs + (r->at - r->n));
}

bool members_write(const struct members *m, size_t task, const struct members_round *r,
                   struct archive_thread *by, struct clv_error *err)
{
    const uint64_t end = m->tasks[task + 1];
    for (uint64_t i = m->tasks[task]; i < end; i++) {
        const struct members_run *at = &m->runs[i];
        if (i + RUN_AHEAD < end)
            __builtin_prefetch(&r->parts[at[RUN_AHEAD].part].write_runs[at[RUN_AHEAD].run]);
        if (i + FLOW_AHEAD < end) {
            const struct partition *p = &r->parts[at[FLOW_AHEAD].part];
            prefetch_flow(p, &p->write_runs[at[FLOW_AHEAD].run]);
        }
        if (i + RECORD_AHEAD < end) {
            const struct partition *p = &r->parts[at[RECORD_AHEAD].part];
            partition_prefetch(p, &p->write_runs[at[RECORD_AHEAD].run], r->round);
        }
        struct partition *p = &r->parts[at->part];
        const struct run *run = &p->write_runs[at->run];
        const struct archive_turn t = turn_of(r, p, run->flow, by);
        if (!archive_append(&t, r->round, p->refs + (run->at - run->n), run->n, err))
            return false;
    }
    return archive_flush(r->archive, by, err);
}

bool members_finish(const struct members_round *r, uint32_t part, bool rest,
                    struct archive_thread *by, struct clv_error *err)
{
    struct partition *p = &r->parts[part];
    for (uint32_t i = 0; i < p->flows.n; i++) {
        const struct archive_turn t = turn_of(r, p, i, by);
        if (!(rest ? archive_rest(&t, r->round, err) : archive_finish(&t, r->round, err)))
            return false;
    }
    return archive_flush(r->archive, by, err);
}
