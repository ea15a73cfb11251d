/* SPDX-License-Identifier: BSD-2-Clause */
/* The packets of one flow. */
#include "python/handle.h"

#include <stdlib.h>

enum { AT_ONCE = 64 };

struct packets {
    PyObject_HEAD PyObject *handle;
    struct clv_flow_records *flow; /* NULL: it is over */
    struct clv_record recs[AT_ONCE];
    size_t n, at;
    bool ns;   /* times are numbers of nanoseconds */
    bool busy; /* a thread waits for the next ones */
};

/* (id, ns) */
PyObject *packets_create(PyObject *handle, PyObject *args)
{
    const struct module *m = module_of(Py_TYPE(handle));
    unsigned long long id;
    int ns;
    if (!PyArg_ParseTuple(args, "Kp", &id, &ns))
        return NULL;
    struct packets *p = (struct packets *)PyType_GenericAlloc(m->packets, 0);
    if (!p)
        return NULL;
    p->handle = Py_NewRef(handle);
    p->ns = ns;
    if (!handle_open_flow(handle, id, &p->flow))
        Py_CLEAR(p);
    return (PyObject *)p;
}

static void dealloc(PyObject *self)
{
    struct packets *p = (struct packets *)self;
    PyTypeObject *type = Py_TYPE(self);
    if (p->handle)
        handle_close_flow(p->handle, &p->flow);
    Py_XDECREF(p->handle);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* The next records. false: there are none, or with an exception. */
static bool more(struct packets *p)
{
    struct clv_error err;
    size_t n = 0;
    if (p->busy) {
        PyErr_SetString(PyExc_ValueError, "another thread is reading these packets");
        return false;
    }
    if (!p->flow)
        return false;
    struct work w = {.progress = NULL};
    p->busy = true;
    clv_flow_progress(p->flow, work_goes_on, &w);
    work_begin(&w);
    const bool ok = clv_flow_next(p->flow, p->recs, AT_ONCE, &n, &err);
    work_end(&w);
    clv_flow_progress(p->flow, NULL, NULL);
    p->busy = false;
    p->n = n;
    p->at = 0;
    if (ok && n)
        return true;
    p->n = 0;
    handle_close_flow(p->handle, &p->flow);
    if (!ok)
        (void)error_raise(module_of(Py_TYPE((PyObject *)p)), &err);
    return false;
}

static PyObject *time_of(const struct clv_record *rec, bool ns)
{
    if (rec->ts_ns == CLV_NO_TIME)
        Py_RETURN_NONE;
    return ns ? PyLong_FromLongLong(rec->ts_ns) : PyFloat_FromDouble((double)rec->ts_ns / 1e9);
}

/* Has the memory of a packet that is soon copied on its way; the processor fetches on by itself. */
static void fetch(const struct clv_record *rec)
{
    enum { LINE = 64, LINES = 24 };
    for (unsigned i = 0; i < LINES && i * LINE < rec->caplen; i++)
        __builtin_prefetch(rec->data + (size_t)i * LINE);
}

static PyObject *next(PyObject *self)
{
    struct packets *p = (struct packets *)self;
    if (p->at == p->n && !more(p))
        return NULL;
    const struct clv_record *rec = &p->recs[p->at++];
    if (p->at + 1 < p->n)
        fetch(&p->recs[p->at + 1]);
    PyObject *pair = PyTuple_New(2);
    if (!pair)
        return NULL;
    PyObject *ts = time_of(rec, p->ns);
    PyObject *data = ts ? PyBytes_FromStringAndSize((const char *)rec->data, rec->caplen) : NULL;
    if (!data) {
        Py_XDECREF(ts);
        Py_DECREF(pair);
        return NULL;
    }
    (void)PyTuple_SetItem(pair, 0, ts);
    (void)PyTuple_SetItem(pair, 1, data);
    return pair;
}

/* What columns has of a flow. */
struct columns {
    int64_t *times;
    uint32_t *lengths, *captured;
    int8_t *directions;
    size_t n, cap;
};

static bool grow(void **p, size_t n, size_t size)
{
    void *more_of_it = realloc(*p, n * size);
    if (more_of_it)
        *p = more_of_it;
    return more_of_it != NULL;
}

static bool take(struct columns *c, const struct clv_flow_records *f, const struct clv_record *recs,
                 size_t n)
{
    if (n > c->cap - c->n) {
        const size_t cap = 2 * c->cap + n;
        if (!grow((void **)&c->times, cap, sizeof *c->times) ||
            !grow((void **)&c->lengths, cap, sizeof *c->lengths) ||
            !grow((void **)&c->captured, cap, sizeof *c->captured) ||
            !grow((void **)&c->directions, cap, sizeof *c->directions))
            return false;
        c->cap = cap;
    }
    for (size_t i = 0; i < n; i++, c->n++) {
        c->times[c->n] = recs[i].ts_ns;
        c->lengths[c->n] = recs[i].origlen;
        c->captured[c->n] = recs[i].caplen;
        c->directions[c->n] = (int8_t)clv_flow_direction(f, &recs[i]);
    }
    return true;
}

static PyObject *give(const struct module *m, struct columns *c)
{
    const Py_ssize_t n = (Py_ssize_t)c->n;
    PyObject *a = array_view(m, c->times, NULL, "q", sizeof *c->times, 1, &n);
    PyObject *b = array_view(m, c->lengths, NULL, "I", sizeof *c->lengths, 1, &n);
    PyObject *d = array_view(m, c->captured, NULL, "I", sizeof *c->captured, 1, &n);
    PyObject *e = array_view(m, c->directions, NULL, "b", sizeof *c->directions, 1, &n);
    *c = (struct columns){.n = 0};
    if (a && b && d && e)
        return Py_BuildValue("(NNNN)", a, b, d, e);
    Py_XDECREF(a);
    Py_XDECREF(b);
    Py_XDECREF(d);
    Py_XDECREF(e);
    return NULL;
}

/* (id) */
PyObject *packets_columns(PyObject *handle, PyObject *args)
{
    const struct module *m = module_of(Py_TYPE(handle));
    struct clv_record recs[AT_ONCE];
    struct clv_flow_records *f;
    struct columns c = {.n = 0};
    struct clv_error err;
    unsigned long long id;
    bool ok = true, room = true;
    size_t got = 1;
    if (!PyArg_ParseTuple(args, "K", &id) || !handle_open_flow(handle, id, &f))
        return NULL;
    struct work w = {.m = m};
    clv_flow_progress(f, work_goes_on, &w);
    work_begin(&w);
    while (got && (ok = clv_flow_next(f, recs, AT_ONCE, &got, &err)) &&
           (room = take(&c, f, recs, got)))
        continue;
    work_end(&w);
    handle_close_flow(handle, &f);
    if (ok && room)
        return give(m, &c);
    free(c.times);
    free(c.lengths);
    free(c.captured);
    free(c.directions);
    return ok ? PyErr_NoMemory() : error_raise(m, &err);
}

static PyType_Slot packets_slots[] = {
    {Py_tp_dealloc, dealloc},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, next},
    {0, NULL},
};

PyType_Spec packets_spec = {
    .name = "cleave._cleave.Packets",
    .basicsize = sizeof(struct packets),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = packets_slots,
};
