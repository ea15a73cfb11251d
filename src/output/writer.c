/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/writer.h"

void writer_init(struct writer *w, struct flow_table *flows, const struct form *form,
                 struct sink *sink)
{
    *w = (struct writer){.flows = flows, .form = *form, .sink = sink};
    form_keep(form, flows);
    flow_table_keep(flows, FLOW_BESIDE_SINK, sink->ops->beside);
}

void writer_fini(struct writer *w)
{
    if (w->flows)
        form_forget(w->flows);
    w->flows = NULL;
}

bool writer_close(struct writer *w, struct clv_error *err)
{
    return w->sink->ops->close(w->sink, err);
}

/* What is to be done with one output. */
struct turn {
    struct form_output o;
    void *beside;
    uint64_t size; /* before */
};

CLV_INLINE struct turn turn_of(const struct writer *w, uint32_t flow)
{
    struct flow *f = flow_table_at(w->flows, flow);
    return (struct turn){
        .o = form_output(w->flows, f),
        .beside = flow_table_beside_rw(w->flows, f, FLOW_BESIDE_SINK),
    };
}

/* ok: all went well so far; else it was reported, and the sink has its output back all the same. */
static bool end(struct writer *w, struct form_scratch *x, const struct turn *t, bool ok, bool last,
                struct clv_error *err)
{
    const struct stage *s = &x->stage;
    ok = ok && form_end(x, &t->o);
    w->bytes += s->place.size - t->size; /* modulo 2^64: what is compressed can become smaller */
    w->writes += s->writes;
    return w->sink->ops->end(w->sink, t->beside, &s->place, last || !ok, ok ? err : NULL) && ok;
}

static bool begin(struct writer *w, struct form_scratch *x, struct turn *t, const char *name,
                  struct clv_error *err)
{
    struct stage_place place;
    if (!w->sink->ops->begin(w->sink, t->beside, name, &place, err))
        return false;
    t->size = place.size;
    return form_begin(&w->form, x, &t->o, &place, name, err) || end(w, x, t, false, true, err);
}

bool writer_append(struct writer *w, struct form_scratch *x, uint32_t flow, const char *name,
                   const struct form_round *round, const struct form_ref *refs, uint32_t n,
                   struct clv_error *err)
{
    struct turn t = turn_of(w, flow);
    if (!begin(w, x, &t, name, err))
        return false;
    const bool ok = form_put(&w->form, x, &t.o, round, refs, n) &&
                    (!round->last || form_finish(&w->form, x, &t.o, round, false));
    if (!end(w, x, &t, ok, round->last, err))
        return false;
    w->records += n;
    return true;
}

bool writer_unfinished(const struct writer *w, uint32_t flow, const struct form_round *round)
{
    if (!form_keeps(w->flows))
        return false;
    const struct turn t = turn_of(w, flow);
    return form_unfinished(&w->form, &t.o, round);
}

static bool finish(struct writer *w, struct form_scratch *x, struct turn *t, const char *name,
                   const struct form_round *round, bool rest, struct clv_error *err)
{
    return begin(w, x, t, name, err) &&
           end(w, x, t, form_finish(&w->form, x, &t->o, round, rest), true, err);
}

bool writer_finish(struct writer *w, struct form_scratch *x, uint32_t flow, const char *name,
                   const struct form_round *round, struct clv_error *err)
{
    struct turn t = turn_of(w, flow);
    return finish(w, x, &t, name, round, false, err);
}

bool writer_rest(struct writer *w, struct form_scratch *x, uint32_t flow, const char *name,
                 const struct form_round *round, struct clv_error *err)
{
    struct turn t = turn_of(w, flow);
    bool any;
    if (!form_rest(&w->form, &t.o, round, &any))
        return clv_fail_nomem(err, name, sizeof t);
    return !any || finish(w, x, &t, name, round, true, err);
}
