/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/mem.h"
#include "pipeline/run.h"

/* qsort() has no place for context: what is compared lies in the element. */
struct sized {
    uint64_t bytes;
    uint32_t part;
};

static int by_bytes(const void *x, const void *y)
{
    const struct sized *a = x, *b = y;
    return a->bytes < b->bytes   ? 1
           : a->bytes > b->bytes ? -1
                                 : (a->part > b->part) - (a->part < b->part);
}

/*
 * Where each partition's references go, and that the one with most bytes is worked on first.
 * *bytes: of all records.
 */
static bool lay_out(struct pipeline *pl, uint64_t *bytes, struct clv_error *err)
{
    const uint32_t n = pl->schedule.n_parts;
    struct sized *order = mem_alloc(n, sizeof *order);
    uint64_t start = 0;
    *bytes = 0;
    if (!order)
        return clv_fail_nomem(err, "the pipeline", n * sizeof *order);
    for (uint32_t p = 0; p < n; p++) {
        pl->ref_starts[p] = start;
        start += pl->parts[p].n_log;
        *bytes += pl->parts[p].pending_bytes;
        order[p] = (struct sized){pl->parts[p].pending_bytes, p};
    }
    qsort(order, n, sizeof *order, by_bytes);
    for (uint32_t p = 0; p < n; p++)
        pl->schedule.flush.by_size[p] = order[p].part;
    mem_free(order);
    return true;
}

/* Sizes follow from references, or from the sums of flows. */
static bool is_plain(const struct pipeline *pl)
{
    return dialect_is_plain(pl->form.dialect);
}

/*
 * The first epoch is to be flushed: is it the only one? Then members' sizes can be found before
 * they are written. But which outputs get names and secrets is settled once, by writing.
 */
static enum target target_of(const struct pipeline *pl, bool last)
{
    if (pl->target != TARGET_ASKED)
        return pl->target;
    if (pl->params->archive->places)
        return TARGET_MEMBERS;
    const bool settles = pl->form.dialect->picker && atomic_load(&pl->ledger.has_metadata);
    return last && !settles ? TARGET_MEMBERS : TARGET_MEASURED;
}

/* Before its records, of so many bytes, are written to outputs, so many of them new. */
static bool epoch_fits(const struct pipeline *pl, uint64_t bytes, uint64_t outputs,
                       struct clv_error *err)
{
    const struct pipeline_params *pp = pl->params;
    const struct dialect *d = pp->dialect;
    if (pl->target != TARGET_FILES || pp->measures)
        return true;
    if (d->compress || d->snaplen || d->form == DIALECT_PCAP)
        bytes = 0; /* that is not known */
    else if (d->form == DIALECT_COPY)
        bytes += outputs * PCAP_FILE_HEADER;
    return pipeline_fits(pp, bytes, outputs, err);
}

/* The epoch is complete: its new flows can be numbered. */
static bool number(struct pipeline *pl, struct task *t, struct clv_error *err)
{
    const struct flush *f = &pl->schedule.flush;
    pl->round = (struct form_round){
        .source = {.dialect = pl->scan.dialect, .n_entries = ledger_count(&pl->ledger)},
        .last = f->last,
    };
    if (f->view) {
        pl->round.base = f->view->w.p;
        pl->round.avail = view_avail(f->view);
        pl->round.position = f->view->position;
        pl->round.source.format = &f->view->source->format;
    }
    pl->target = target_of(pl, f->last);
    t->members = pl->target == TARGET_MEMBERS;
    const bool only = t->members && !pl->params->archive->places; /* epoch: each output has a run */
    if (t->members && !members_begin(&pl->members, pl->parts, pl->schedule.n_parts, only))
        return clv_fail_nomem(err, "the archive", pl->members.n * sizeof *pl->members.runs);
    const uint64_t outputs = numbering_outputs(&pl->numbering);
    uint64_t bytes;
    return lay_out(pl, &bytes, err) &&
           numbering_epoch(&pl->numbering, pl->parts, pl->schedule.n_parts, f->items, &pl->round,
                           err) &&
           epoch_fits(pl, bytes, numbering_outputs(&pl->numbering) - outputs, err);
}

static bool name_partition(struct pipeline *pl, uint32_t part, struct clv_error *err)
{
    return numbering_names(&pl->numbering, &pl->parts[part], part, err);
}

static bool follow_epoch(struct pipeline *pl, struct partition *p, struct clv_error *err)
{
    for (const struct observer *o = pl->params->observers; o; o = o->next)
        if (o->epoch && !o->epoch(o->self, p, pl->schedule.flush.view, &pl->round, err))
            return false;
    return true;
}

/* Bytes of a run's records; of the first one of a flow all of its member, if that is not known. */
static bool measure_run(struct pipeline *pl, struct worker *w, struct partition *p,
                        const struct run *r, struct members_run *to, struct clv_error *err)
{
    const char *name = partition_name(p, r->flow);
    const bool known = pl->params->archive->places;
    const struct form_ref *refs = p->refs + (r->at - r->n);
    to->bytes = 0;
    if (known || is_plain(pl)) {
        for (uint32_t k = 0; k < r->n; k++)
            to->bytes += refs[k].len;
    } else {
        struct flow *f = flow_table_at(&p->flows, r->flow);
        struct archive_member *m = flow_table_beside_rw(&p->flows, f, FLOW_BESIDE_SINK);
        if (!writer_append(&p->writer, &w->scratch, r->flow, name, &pl->round, refs, r->n, err))
            return false;
        to->bytes = m->done;
        m->done = 0;
        form_again(&p->flows, f);
    }
    if (known)
        return true;
    to->name_len = (uint32_t)strlen(name);
    to->bytes = archive_room(to->name_len, (is_plain(pl) ? PCAP_FILE_HEADER : 0) + to->bytes);
    return true;
}

/* The partition's runs, which are members of the archive. */
static bool note_members(struct pipeline *pl, struct worker *w, uint32_t part,
                         struct clv_error *err)
{
    struct partition *p = &pl->parts[part];
    const struct archive *a = pl->params->archive;
    for (size_t i = 0; i < p->n_write_runs; i++) {
        const struct run *r = &p->write_runs[i];
        const struct flow *f = flow_table_at(&p->flows, r->flow);
        const uint64_t row = a->places ? archive_row(a, f) : numbering_row(&pl->numbering, f);
        struct members_run *to = members_note(&pl->members, part, i, row);
        if (!measure_run(pl, w, p, r, to, err))
            return false;
    }
    return follow_epoch(pl, p, err);
}

static bool lay_out_members(struct pipeline *pl, struct task *t, struct clv_error *err)
{
    struct archive *a = pl->params->archive;
    struct members *m = &pl->members;
    if (!members_lay_out(m))
        goto nomem;
    t->writes = (uint32_t)m->n_tasks;
    if (a->places)
        return true;
    if (!archive_reserve(a, m->n, pl->numbering.n_numbered))
        goto nomem;
    for (uint64_t i = 0; i < m->n; i++)
        archive_expect(a, i, m->runs[i].name_len, m->runs[i].bytes);
    archive_lay_out(a);
    return archive_fits(a, pl->params->packing, err);
nomem:
    return clv_fail_nomem(err, "the archive", m->n * sizeof *m->runs);
}

static struct members_round members_round(const struct pipeline *pl)
{
    return (struct members_round){
        .archive = pl->params->archive,
        .form = &pl->form,
        .parts = pl->parts,
        .round = &pl->round,
    };
}

static bool end_members(struct pipeline *pl, struct worker *w, uint32_t part, bool rest,
                        struct clv_error *err)
{
    const struct members_round r = members_round(pl);
    return members_finish(&r, part, rest, &w->archive, err);
}

/* New outputs get their names, if they have none yet, and the log becomes runs. */
static bool sort_partition(struct pipeline *pl, struct worker *w, uint32_t part,
                           struct clv_error *err)
{
    struct partition *p = &pl->parts[part];
    if (!pl->schedule.names && !name_partition(pl, part, err))
        return false;
    partition_sort(p, pl->refs + pl->ref_starts[part]);
    return pl->target != TARGET_MEMBERS || note_members(pl, w, part, err);
}

/* What was read from a map may not have been the file's: it is asked after every task. */
static bool still_there(const struct view *v, struct clv_error *err)
{
    return !v || input_check(v->source->in, err);
}

static bool scan(struct pipeline *pl, struct worker *w, const struct feed_scan *s,
                 struct clv_error *err)
{
    struct scan_piece *piece = &s->batch->pieces[s->piece];
    const struct view *v = s->batch->view;
    if (!scan_piece_run(piece, &pl->scan, v, w->memo, err))
        return false;
    /* With holes it is not to be walked straight through. */
    if (piece->start != SCAN_UNKNOWN && !piece->lacks && !pl->params->recover)
        for (const struct observer *o = pl->params->observers; o; o = o->next)
            if (o->scanned && !o->scanned(o->self, piece, v, pl->scan.dialect, err))
                return false;
    return still_there(v, err);
}

static bool find(struct pipeline *pl, const struct task *t, struct clv_error *err)
{
    const struct epoch *e = &pl->schedule.epoch;
    for (uint32_t p = t->from; p < t->to; p++)
        for (unsigned i = 0; i < t->batch->n_pieces; i++)
            if (!partition_find(&pl->parts[p], p, &t->batch->pieces[i], e->number, e->seq, err))
                return false;
    return true;
}

static bool write_partition(struct pipeline *pl, struct worker *w, uint32_t part,
                            struct clv_error *err)
{
    struct partition *p = &pl->parts[part];
    if (pl->target == TARGET_MEASURED && is_plain(pl))
        return true; /* sums will do */
    return (pl->target == TARGET_MEASURED || follow_epoch(pl, p, err)) &&
           partition_write(p, &w->scratch, &pl->round, err) &&
           still_there(pl->schedule.flush.view, err);
}

static bool write_members(struct pipeline *pl, struct worker *w, uint32_t task,
                          struct clv_error *err)
{
    const struct members_round r = members_round(pl);
    return members_write(&pl->members, task, &r, &w->archive, err) &&
           still_there(pl->schedule.flush.view, err);
}

/* A descriptor for the manifest; -1: there is none where it is only held against one. */
static bool open_manifest(const struct pipeline *pl, int *fd, struct clv_error *err)
{
    const struct pipeline_params *pp = pl->params;
    *fd = -1;
    const bool no_file = pp->dry_run || pp->measures || pp->archive; /* or it is a member */
    if (pp->manifest == CLV_MANIFEST_NONE || (no_file && pp->manifest_fd < 0))
        return true;
    if (pp->manifest_fd < 0) {
        *fd =
            io_create_at(pp->publish->fd, manifest_file_name(pp->manifest), pp->publish->mode, err);
        return *fd >= 0;
    }
    *fd = fcntl(pp->manifest_fd, F_DUPFD_CLOEXEC, 0);
    return *fd >= 0 || clv_fail_errno(err, "the manifest", "has no descriptor");
}

/* How much room each member takes. */
static bool measure_all(struct pipeline *pl, struct clv_error *err)
{
    struct archive *a = pl->params->archive;
    struct flow_tour at = {.part = 0};
    const struct flow *f;
    uint32_t part;
    if (!archive_reserve(a, numbering_outputs(&pl->numbering), pl->numbering.n_numbered))
        return clv_fail_nomem(err, "the archive", a->n_rows * sizeof *a->places);
    while ((f = flow_tour_next(&at, pl->parts, pl->schedule.n_parts, &part)) != NULL) {
        const struct partition *p = &pl->parts[part];
        const struct archive_member *m = flow_table_beside(&p->flows, f, FLOW_BESIDE_SINK);
        const uint64_t size = is_plain(pl) ? partition_plain_bytes(p, f) : m->done;
        const size_t name_len = strlen(partition_name(p, f->index));
        archive_expect(a, archive_row(a, f), name_len, archive_room(name_len, size));
    }
    archive_lay_out(a);
    a->measured = true;
    return archive_fits(a, pl->params->packing, err);
}

/* Each output is a complete member. */
static bool check_members(const struct pipeline *pl, struct clv_error *err)
{
    const struct archive *a = pl->params->archive;
    struct flow_tour at = {.part = 0};
    const struct flow *f;
    uint32_t part;
    if (a->n_rows != numbering_outputs(&pl->numbering))
        return clv_fail(err, CLV_ERR_IO, "the input", "changed while it was read");
    if (atomic_load(&a->n_listed) == a->n_rows)
        return true;
    while ((f = flow_tour_next(&at, pl->parts, pl->schedule.n_parts, &part)) != NULL) {
        const struct partition *p = &pl->parts[part];
        if (!archive_complete(a, archive_row(a, f), partition_name(p, f->index),
                              flow_table_beside(&p->flows, f, FLOW_BESIDE_SINK), err))
            return false;
    }
    return true;
}

/* Nobody is to see what a second run will show. */
static void hide(struct pipeline *pl)
{
    pl->finish.observers = NULL;
    pl->finish.manifest = CLV_MANIFEST_NONE;
}

static bool tour(struct pipeline *pl, struct task *t, struct clv_error *err)
{
    int fd = -1;
    if (!relate_settle(&pl->relate, err))
        return false;
    if (pl->target == TARGET_MEASURED) {
        hide(pl);
        return measure_all(pl, err) && finish_tour(&pl->finish, fd, &t->rows, &t->checks, err);
    }
    if (pl->target == TARGET_MEMBERS) {
        pl->finish.archive = pl->params->archive;
        if (pl->params->packing ? !packing_end(pl->params->packing, err) : !check_members(pl, err))
            return false;
    }
    return open_manifest(pl, &fd, err) && finish_tour(&pl->finish, fd, &t->rows, &t->checks, err);
}

/* All members are there, as they are. */
static bool cut(struct pipeline *pl, struct task *t, struct clv_error *err)
{
    return check_members(pl, err) &&
           packing_cut(pl->params->packing, FINISH_TEXT_MAX, &t->packs, err);
}

bool tasks_carry_out(struct pipeline *pl, struct worker *w, struct task *t, struct clv_error *err)
{
    const struct pass *pass = &pl->schedule.order.passes[t->pass].pass;
    switch (t->kind) {
    case TASK_OPEN:
        return feed_open(&pl->schedule.feed, &t->there, err);
    case TASK_SCAN:
        return scan(pl, w, &t->scan, err);
    case TASK_PASS:
        return pass->run(pass->self, t->batch, err);
    case TASK_FIND:
        return find(pl, t, err);
    case TASK_NUMBER:
        return number(pl, t, err);
    case TASK_NAME:
        return name_partition(pl, t->from, err);
    case TASK_TAKE:
        return numbering_take(&pl->numbering, pl->parts, err);
    case TASK_SORT:
        return sort_partition(pl, w, t->from, err);
    case TASK_LAY_OUT:
        return lay_out_members(pl, t, err);
    case TASK_ALLOCATE:
        archive_allocate(pl->params->archive);
        return true;
    case TASK_WRITE:
        return pl->target == TARGET_MEMBERS ? write_members(pl, w, t->from, err)
                                            : write_partition(pl, w, t->from, err);
    case TASK_FINISH:
        return end_members(pl, w, t->from, false, err);
    case TASK_REST:
        return pl->target == TARGET_MEMBERS
                   ? end_members(pl, w, t->from, true, err)
                   : partition_rest(&pl->parts[t->from], &w->scratch, &pl->round, err);
    case TASK_CUT:
        return cut(pl, t, err);
    case TASK_PACK:
        return packing_run(pl->params->packing, t->from, &w->packing, err);
    case TASK_TOUR:
        return tour(pl, t, err);
    case TASK_ROWS:
        return finish_rows(&pl->finish, t->from, w->text, err);
    case TASK_CHECK:
        return finish_check(&pl->finish, t->from, err);
    }
    return true;
}
