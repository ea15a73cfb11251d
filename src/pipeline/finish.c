/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/finish.h"

#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"

enum { ASK = 4096 }; /* flows, between two questions whether to go on */

void finish_init(struct finish *f)
{
    f->manifest_fd = -1;
    tally_init(&f->tally);
    (void)pthread_mutex_init(&f->lock, NULL);
    (void)pthread_cond_init(&f->turn_passed, NULL);
}

void finish_fini(struct finish *f)
{
    mem_free(f->rows);
    if (f->manifest_fd >= 0)
        (void)close(f->manifest_fd);
    (void)pthread_cond_destroy(&f->turn_passed);
    (void)pthread_mutex_destroy(&f->lock);
}

static bool begin(struct finish *f, struct clv_error *err)
{
    for (const struct observer *o = f->observers; o; o = o->next)
        if (o->begin && !o->begin(o->self, &f->all, err))
            return false;
    return true;
}

static bool show(struct finish *f, const struct flow *flow, uint32_t part, struct clv_error *err)
{
    for (const struct observer *o = f->observers; o; o = o->next)
        if (o->flow && !o->flow(o->self, flow, part, err))
            return false;
    return true;
}

/* true: somebody wants the outputs by number. */
static bool count_chunks(const struct finish *f, uint32_t *rows, uint32_t *checks)
{
    bool wanted = false;
    *rows = *checks = 0;
    if (f->manifest != CLV_MANIFEST_NONE)
        *rows = (uint32_t)(f->n_rows / FINISH_ROWS + 1);
    for (const struct observer *o = f->observers; o; o = o->next) {
        if (o->output)
            *checks = (uint32_t)(f->n_rows / FINISH_CHECKS + 1);
        wanted |= o->row != NULL;
    }
    return wanted || *rows || *checks;
}

/* The manifest has no file of its own. */
static bool manifest_is_member(const struct finish *f)
{
    return f->archive && f->manifest != CLV_MANIFEST_NONE && f->manifest_fd < 0;
}

bool finish_tour(struct finish *f, int fd, uint32_t *rows, uint32_t *checks, struct clv_error *err)
{
    struct flow_tour tour = {.part = 0};
    const struct flow *flow;
    uint32_t part;
    f->manifest_fd = fd;
    f->n_rows = numbering_outputs(f->numbering);
    if (count_chunks(f, rows, checks) && !(f->rows = mem_alloc(f->n_rows, sizeof *f->rows)))
        return clv_fail_nomem(err, "the manifest", f->n_rows * sizeof *f->rows);
    if (manifest_is_member(f) && !archive_open(f->archive, manifest_file_name(f->manifest), err))
        return false;
    if (!begin(f, err))
        return false;
    f->toured = true;
    for (uint64_t i = 0;
         (flow = flow_tour_next(&tour, f->all.parts, f->all.n_parts, &part)) != NULL; i++) {
        if (i % ASK == 0 && !f->all.goes_on(f->all.run))
            return clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
        tally_flow(&f->tally, &f->all.parts[part], flow, f->closed, true);
        if (f->rows)
            f->rows[numbering_row(f->numbering, flow)] = (struct flow_ref){part, flow->index};
        if (!show(f, flow, part, err))
            return false;
    }
    return true;
}

void finish_tally(struct finish *f)
{
    struct flow_tour tour = {.part = 0};
    const struct flow *flow;
    uint32_t part;
    while (!f->toured && (flow = flow_tour_next(&tour, f->all.parts, f->all.n_parts, &part)))
        tally_flow(&f->tally, &f->all.parts[part], flow, f->closed, false);
}

/* Waits until the chunks before this one have been written; false: they never will. */
static bool take_turn(struct finish *f, uint32_t chunk)
{
    (void)pthread_mutex_lock(&f->lock);
    while (f->turn != chunk && !f->broken)
        (void)pthread_cond_wait(&f->turn_passed, &f->lock);
    const bool ok = !f->broken;
    (void)pthread_mutex_unlock(&f->lock);
    return ok;
}

static void pass_turn(struct finish *f, bool ok)
{
    (void)pthread_mutex_lock(&f->lock);
    f->turn++;
    f->broken |= !ok;
    (void)pthread_cond_broadcast(&f->turn_passed);
    (void)pthread_mutex_unlock(&f->lock);
}

static bool put_manifest(struct finish *f, const struct text *t, struct clv_error *err)
{
    if (f->manifest_fd >= 0 && !io_write(f->manifest_fd, t->p, t->len, "the manifest", err))
        return false;
    if (manifest_is_member(f) && !archive_add(f->archive, t->p, t->len, err))
        return false;
    for (const struct observer *o = f->observers; o; o = o->next)
        if (o->manifest && !o->manifest(o->self, t->p, t->len, err))
            return false;
    return true;
}

/* All rows are written. */
static bool close_manifest(struct finish *f, struct clv_error *err)
{
    const int fd = f->manifest_fd;
    if (manifest_is_member(f) && !archive_close(f->archive, err))
        return false;
    f->manifest_fd = -1;
    return fd < 0 || io_close(fd, manifest_file_name(f->manifest), err);
}

/*
 * Rows go from partition to partition, and a flow's name lies elsewhere: both are asked for some
 * rows ahead, the name when the flow is there.
 */
static void prefetch(const struct finish *f, uint64_t row, uint64_t to)
{
    enum { FLOW_AHEAD = 16, NAME_AHEAD = 8 };
    if (row + FLOW_AHEAD < to) {
        const struct flow_ref *r = &f->rows[row + FLOW_AHEAD];
        flow_table_prefetch_entry(&f->all.parts[r->part].flows, r->flow);
    }
    if (row + NAME_AHEAD < to) {
        const struct flow_ref *r = &f->rows[row + NAME_AHEAD];
        const char *name = partition_name(&f->all.parts[r->part], r->flow);
        __builtin_prefetch(name);
        __builtin_prefetch(name + 63);
    }
}

/* Makes the rows of the chunk; *my_turn: it is this chunk's turn to be written. */
static bool encode(struct finish *f, uint32_t chunk, char *text, bool *my_turn,
                   struct clv_error *err)
{
    struct text out = text_on(text, FINISH_TEXT_MAX);
    const uint64_t from = (uint64_t)chunk * FINISH_ROWS;
    const uint64_t to = min_u64(from + FINISH_ROWS, f->n_rows);
    if (chunk == 0)
        manifest_head(f->all.manifest, &out);
    for (uint64_t i = from; i <= to; i++) {
        if (i == to || out.cap - out.len < MANIFEST_ROW_MAX) {
            if (!*my_turn && !take_turn(f, chunk))
                return true; /* who failed has said why */
            *my_turn = true;
            if (!put_manifest(f, &out, err))
                return false;
            out.len = 0;
        }
        if (i == to)
            break;
        prefetch(f, i, to);
        const struct manifest_entry e = findings_entry(&f->all, f->rows[i].part, f->rows[i].flow);
        manifest_row(f->all.manifest, &e, &out);
    }
    return true;
}

bool finish_rows(struct finish *f, uint32_t chunk, char *text, struct clv_error *err)
{
    bool my_turn = false;
    bool ok = encode(f, chunk, text, &my_turn, err);
    if (!ok && !my_turn)
        my_turn = take_turn(f, chunk);
    if (!my_turn)
        return ok; /* broken: nobody waits */
    if (ok && (uint64_t)(chunk + 1) * FINISH_ROWS > f->n_rows)
        ok = close_manifest(f, err);
    pass_turn(f, ok);
    return ok;
}

bool finish_check(const struct finish *f, uint32_t chunk, struct clv_error *err)
{
    const uint64_t from = (uint64_t)chunk * FINISH_CHECKS;
    const uint64_t to = min_u64(from + FINISH_CHECKS, f->n_rows);
    for (uint64_t i = from; i < to; i++)
        for (const struct observer *o = f->observers; o; o = o->next)
            if (o->output && !o->output(o->self, &f->all, f->rows[i].part, f->rows[i].flow, err))
                return false;
    return true;
}

static bool show_rows(const struct finish *f, const struct observer *o, struct clv_error *err)
{
    for (uint64_t i = 0; i < f->n_rows; i++) {
        const struct manifest_entry e = findings_entry(&f->all, f->rows[i].part, f->rows[i].flow);
        if (!o->row(o->self, &f->all, &e, err))
            return false;
        if (i % ASK == 0 && !f->all.goes_on(f->all.run))
            return clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
    }
    return true;
}

bool finish_end(const struct finish *f, struct clv_error *err)
{
    for (const struct observer *o = f->observers; o; o = o->next)
        if ((o->row && !show_rows(f, o, err)) || (o->end && !o->end(o->self, &f->all, err)))
            return false;
    return true;
}
