/* SPDX-License-Identifier: BSD-2-Clause */
/* An open result, and what is asked of it. */
#include "python/handle.h"

#include <stdlib.h>
#include <string.h>

#include "cleave/first.h"

struct handle {
    PyObject_HEAD struct clv_result *result; /* NULL: closed */
    pthread_mutex_t lock;                    /* one thread at a time uses the result */
    bool has_lock;
    bool closing;  /* nothing new is begun */
    size_t n_open; /* flows that are read, of which each needs the result */
};

/* Takes the lock, which may be waited for only without the interpreter's. false: this thread has it
 * already, for it is called back. */
static bool lock(struct handle *h)
{
    PyThreadState *saved = PyEval_SaveThread();
    const int why = pthread_mutex_lock(&h->lock);
    PyEval_RestoreThread(saved);
    return why == 0;
}

static void unlock(struct handle *h)
{
    (void)pthread_mutex_unlock(&h->lock);
}

/* Begins to use the result; false with ValueError: it is closed. */
static bool enter(struct handle *h)
{
    if (!lock(h)) {
        PyErr_SetString(PyExc_RuntimeError, "the result is in use by what calls progress");
        return false;
    }
    if (h->result && !h->closing)
        return true;
    unlock(h);
    PyErr_SetString(PyExc_ValueError, "the result is closed");
    return false;
}

/* With the lock. */
static void close_if_over(struct handle *h)
{
    if (h->closing && h->n_open == 0)
        clv_result_close(&h->result);
}

bool handle_open_flow(PyObject *self, uint64_t id, struct clv_flow_records **f)
{
    struct handle *h = (struct handle *)self;
    struct clv_error err;
    *f = NULL;
    if (!enter(h))
        return false;
    PyThreadState *saved = PyEval_SaveThread();
    const bool ok = clv_flow_open(f, h->result, id, &err);
    h->n_open += ok;
    unlock(h);
    PyEval_RestoreThread(saved);
    if (!ok)
        (void)error_raise(module_of(Py_TYPE(self)), &err);
    return ok;
}

void handle_close_flow(PyObject *self, struct clv_flow_records **f)
{
    struct handle *h = (struct handle *)self;
    if (!*f)
        return;
    const bool locked = lock(h);
    clv_flow_close(f);
    h->n_open--;
    if (!locked) /* who has the lock uses the result */
        return;
    close_if_over(h);
    unlock(h);
}

static bool make_lock(struct handle *h)
{
    pthread_mutexattr_t how;
    if (pthread_mutexattr_init(&how) != 0)
        return false;
    (void)pthread_mutexattr_settype(&how, PTHREAD_MUTEX_ERRORCHECK);
    h->has_lock = pthread_mutex_init(&h->lock, &how) == 0;
    (void)pthread_mutexattr_destroy(&how);
    return h->has_lock;
}

/* (paths, captures, options or None, progress) */
static PyObject *create(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const struct module *m = module_of(type);
    struct clv_result_params p = CLV_RESULT_PARAMS_INIT;
    struct clv_split_params split = CLV_SPLIT_PARAMS_INIT;
    PyObject *paths, *captures, *pairs, *progress;
    struct clv_error err = {.code = CLV_ERR_NONE};
    bool ok = false;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "O!O!OO", &PyTuple_Type, &paths, &PyTuple_Type, &captures, &pairs,
                          &progress))
        return NULL;
    struct handle *h = (struct handle *)PyType_GenericAlloc(type, 0);
    if (!h)
        return NULL;
    if (!make_lock(h)) {
        Py_DECREF(h);
        return PyErr_NoMemory();
    }
    const char **names = strings_of(paths, &p.n_paths);
    const char **now = names ? strings_of(captures, &p.n_captures) : NULL;
    if (now && (pairs == Py_None || options_set(m, clv_split_options, &split, pairs))) {
        struct work w = {.m = m, .progress = progress, .params = &split};
        split.inputs = p.paths = names; /* for what is told of progress */
        split.n_inputs = p.n_paths;
        split.output = p.n_paths ? names[0] : "";
        p.captures = p.n_captures ? now : NULL;
        p.split = pairs == Py_None ? NULL : &split;
        p.for_extract = true;
        p.progress = work_split;
        p.user = &w;
        work_begin(&w);
        ok = clv_result_open(&h->result, &p, &err);
        work_end(&w);
        if (!ok || PyErr_Occurred())
            ok = error_raise(m, &err) != NULL;
    }
    free(now);
    free(names);
    if (!ok)
        Py_CLEAR(h);
    return (PyObject *)h;
}

static void dealloc(PyObject *self)
{
    struct handle *h = (struct handle *)self;
    PyTypeObject *type = Py_TYPE(self);
    clv_result_close(&h->result);
    if (h->has_lock)
        (void)pthread_mutex_destroy(&h->lock);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *close_it(PyObject *self, PyObject *args)
{
    struct handle *h = (struct handle *)self;
    (void)args;
    if (!lock(h)) {
        PyErr_SetString(PyExc_RuntimeError, "the result is in use by what calls progress");
        return NULL;
    }
    h->closing = true;
    close_if_over(h);
    unlock(h);
    Py_RETURN_NONE;
}

static PyObject *kind(PyObject *self, PyObject *args)
{
    static const char *const names[] = {
        [CLV_RESULT_CAPTURES] = "captures",   [CLV_RESULT_INDEX] = "index",
        [CLV_RESULT_DIRECTORY] = "directory", [CLV_RESULT_ARCHIVE] = "archive",
        [CLV_RESULT_MANIFEST] = "manifest",
    };
    struct handle *h = (struct handle *)self;
    (void)args;
    if (!enter(h))
        return NULL;
    const enum clv_result_kind k = clv_result_kind(h->result);
    unlock(h);
    return PyUnicode_FromString(names[k]);
}

static PyObject *damage(PyObject *self, PyObject *args)
{
    struct handle *h = (struct handle *)self;
    struct clv_error copy = {.code = CLV_ERR_NONE};
    (void)args;
    if (!enter(h))
        return NULL;
    const struct clv_error *d = clv_result_damage(h->result);
    if (d)
        copy = *d;
    unlock(h);
    if (copy.code == CLV_ERR_NONE)
        Py_RETURN_NONE;
    return error_object(module_of(Py_TYPE(self)), &copy);
}

static PyObject *time_or_none(int64_t ns)
{
    return ns == CLV_NO_TIME ? Py_NewRef(Py_None) : PyLong_FromLongLong(ns);
}

/* Around what is asked of the result without the interpreter's lock. false: an exception is set. */
static bool begin(struct handle *h, struct work *w)
{
    if (!enter(h))
        return false;
    work_begin(w);
    return true;
}

static bool end(struct handle *h, struct work *w, bool done, const struct clv_error *err)
{
    unlock(h);
    work_end(w);
    if (done && !PyErr_Occurred())
        return true;
    (void)error_raise(w->m, err);
    return false;
}

/* (selection) */
static PyObject *totals(PyObject *self, PyObject *args)
{
    struct handle *h = (struct handle *)self;
    const struct module *m = module_of(Py_TYPE(self));
    struct work w = {.m = m};
    struct clv_selection s = CLV_SELECTION_INIT;
    struct clv_totals t;
    struct clv_error err;
    PyObject *pairs;
    if (!PyArg_ParseTuple(args, "O!", &PyTuple_Type, &pairs) ||
        !options_set(m, clv_selection_options, &s, pairs) || !begin(h, &w))
        return NULL;
    s.progress = work_goes_on;
    s.user = &w;
    const bool ok = clv_result_totals(h->result, &s, &t, &err);
    if (!end(h, &w, ok, &err))
        return NULL;
    return Py_BuildValue("{sKsKsKsKsKsNsN}", "rows", (unsigned long long)t.rows, "flows",
                         (unsigned long long)t.flows, "packets", (unsigned long long)t.packets,
                         "captured_bytes", (unsigned long long)t.captured_bytes, "bytes",
                         (unsigned long long)t.wire_bytes, "first", time_or_none(t.first_ns),
                         "last", time_or_none(t.last_ns));
}

/* The rows that a caller gives, as 64-bit numbers; the view is to be released. */
static bool take_rows(PyObject *from, Py_buffer *view, const uint64_t **rows, size_t *n)
{
    if (PyObject_GetBuffer(from, view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0)
        return false;
    if (view->itemsize != sizeof **rows) {
        PyErr_SetString(PyExc_TypeError, "rows are 64-bit numbers");
        PyBuffer_Release(view);
        return false;
    }
    *rows = view->buf;
    *n = (size_t)view->len / sizeof **rows;
    return true;
}

/* The same, of a selection; None: all, and there is nothing to be released. */
static bool take_chosen(PyObject *from, Py_buffer *view, struct clv_selection *s)
{
    static const uint64_t none;
    view->obj = NULL;
    if (from == Py_None)
        return true;
    if (!take_rows(from, view, &s->rows, &s->n_rows))
        return false;
    if (!s->n_rows)
        s->rows = &none; /* which is not NULL, as for all of them */
    return true;
}

/* The rows' numbers, in their order, in memory of malloc(). */
static bool list_ids(struct clv_result *r, const struct clv_selection *s, uint64_t **ids, size_t *n,
                     struct clv_error *err)
{
    struct clv_rows *rows;
    enum clv_rows_step step;
    size_t cap = 0;
    if (!clv_rows_open(&rows, r, s, err))
        return false;
    while ((step = clv_rows_next(rows, err)) == CLV_ROWS_ROW) {
        if (*n == cap) {
            cap = cap ? 2 * cap : 64;
            uint64_t *more = realloc(*ids, cap * sizeof *more);
            if (!more) {
                *err = (struct clv_error){.code = CLV_ERR_NOMEM, .offset = CLV_NO_OFFSET};
                step = CLV_ROWS_FAILED;
                break;
            }
            *ids = more;
        }
        (*ids)[(*n)++] = clv_rows_id(rows);
    }
    clv_rows_close(&rows);
    return step == CLV_ROWS_END;
}

/* (selection, rows or None) */
static PyObject *choose(PyObject *self, PyObject *args)
{
    struct handle *h = (struct handle *)self;
    const struct module *m = module_of(Py_TYPE(self));
    struct work w = {.m = m};
    struct clv_selection s = CLV_SELECTION_INIT;
    struct clv_error err;
    PyObject *pairs, *among;
    Py_buffer view;
    uint64_t *ids = NULL;
    size_t n = 0;
    if (!PyArg_ParseTuple(args, "O!O", &PyTuple_Type, &pairs, &among) ||
        !options_set(m, clv_selection_options, &s, pairs) || !take_chosen(among, &view, &s))
        return NULL;
    s.progress = work_goes_on;
    s.user = &w;
    bool ok = begin(h, &w);
    if (ok) {
        ok = list_ids(h->result, &s, &ids, &n, &err);
        ok = end(h, &w, ok, &err);
    }
    PyBuffer_Release(&view);
    if (!ok) {
        free(ids);
        return NULL;
    }
    return array_view(m, ids, NULL, "Q", sizeof *ids, 1, &(Py_ssize_t){(Py_ssize_t)n});
}

static PyObject *table(PyObject *self, PyObject *args)
{
    struct handle *h = (struct handle *)self;
    const struct module *m = module_of(Py_TYPE(self));
    struct work w = {.m = m};
    struct clv_selection all = CLV_SELECTION_INIT;
    struct clv_error err;
    (void)args;
    PyObject *t = table_create(m);
    all.progress = work_goes_on;
    all.user = &w;
    if (t && begin(h, &w)) {
        const bool ok = table_fill(t, h->result, &all, &err);
        if (end(h, &w, ok, &err))
            return t;
    }
    Py_XDECREF(t);
    return NULL;
}

/* (selection, rows or None, output or None, descriptor, force, mode, progress) */
static PyObject *extract(PyObject *self, PyObject *args)
{
    struct handle *h = (struct handle *)self;
    const struct module *m = module_of(Py_TYPE(self));
    struct clv_selection s = CLV_SELECTION_INIT;
    struct clv_extract_params p = CLV_EXTRACT_PARAMS_INIT;
    struct clv_extract_result result;
    struct clv_error err = {.code = CLV_ERR_NONE};
    PyObject *pairs, *among, *output, *progress;
    Py_buffer view;
    char *path = NULL;
    int force;
    if (!PyArg_ParseTuple(args, "O!OOipIO", &PyTuple_Type, &pairs, &among, &output, &p.fd, &force,
                          &p.mode, &progress) ||
        (output != Py_None && PyBytes_AsStringAndSize(output, &path, NULL) < 0) ||
        !options_set(m, clv_selection_options, &s, pairs) || !take_chosen(among, &view, &s))
        return NULL;
    struct work w = {.m = m, .progress = progress};
    p.selection = &s;
    p.output = path;
    p.force = force;
    p.progress = work_counts;
    p.user = &w;
    bool ok = begin(h, &w);
    if (ok) {
        ok = clv_extract(h->result, &p, &result, &err);
        ok = end(h, &w, ok, &err);
    }
    PyBuffer_Release(&view);
    if (!ok)
        return NULL;
    return Py_BuildValue("{sKsKsKsK}", "rows", (unsigned long long)result.rows, "flows",
                         (unsigned long long)result.flows, "records",
                         (unsigned long long)result.records, "bytes",
                         (unsigned long long)result.bytes);
}

/* What is asked for is more than there can be: nothing is allocated. */
static bool fits(size_t rows, size_t packets, size_t each)
{
    const size_t max = PY_SSIZE_T_MAX;
    if (each == 0 || packets <= max / each) {
        const size_t row = packets * each;
        if (row == 0 || rows <= max / row)
            return true;
    }
    (void)PyErr_NoMemory();
    return false;
}

/* With the buffer of rows, and out's, which may be NULL: (header + payload) * packets * rows. */
static PyObject *bytes_into(PyObject *self, struct clv_first_params *p, PyObject *out,
                            PyObject *progress)
{
    struct handle *h = (struct handle *)self;
    const struct module *m = module_of(Py_TYPE(self));
    const size_t each = (size_t)p->header + p->payload;
    struct clv_error err = {.code = CLV_ERR_NONE};
    Py_buffer view = {.buf = NULL};
    uint8_t *matrix;
    if (!fits(p->n_rows, p->packets, each))
        return NULL;
    const size_t len = p->n_rows * p->packets * each;
    if (out == Py_None) {
        matrix = array_alloc(len, 1);
        if (!matrix)
            return NULL;
    } else {
        if (PyObject_GetBuffer(out, &view, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE) < 0)
            return NULL;
        matrix = view.buf;
        if ((size_t)view.len != len) {
            PyErr_Format(PyExc_ValueError, "out has %zd bytes, and needs %zu", view.len, len);
            PyBuffer_Release(&view);
            return NULL;
        }
    }
    struct work w = {.m = m, .progress = progress};
    bool ok = begin(h, &w);
    if (ok) {
        p->progress = work_count;
        p->user = &w;
        ok = (len == 0 && p->packets) || clv_first_bytes(h->result, p, matrix, &err);
        p->user = NULL;
        ok = end(h, &w, ok, &err);
    }
    if (view.buf)
        PyBuffer_Release(&view);
    if (!ok) {
        if (out == Py_None)
            free(matrix);
        return NULL;
    }
    if (out != Py_None)
        return Py_NewRef(out);
    const Py_ssize_t shape[3] = {(Py_ssize_t)p->n_rows, (Py_ssize_t)p->packets, (Py_ssize_t)each};
    return array_view(m, matrix, NULL, "B", 1, 3, shape);
}

/* (rows, packets, header, payload, mask, link, threads, out or None, progress) */
static PyObject *first_bytes(PyObject *self, PyObject *args)
{
    struct clv_first_params p = CLV_FIRST_PARAMS_INIT;
    PyObject *rows, *out, *progress;
    Py_buffer view;
    int link;
    if (!PyArg_ParseTuple(args, "OIIIIpIOO", &rows, &p.packets, &p.header, &p.payload, &p.mask,
                          &link, &p.threads, &out, &progress) ||
        !take_rows(rows, &view, &p.rows, &p.n_rows))
        return NULL;
    p.link = link;
    PyObject *done = bytes_into(self, &p, out, progress);
    PyBuffer_Release(&view);
    return done;
}

static PyObject *sizes_of(PyObject *self, struct clv_first_params *p, PyObject *progress)
{
    struct handle *h = (struct handle *)self;
    const struct module *m = module_of(Py_TYPE(self));
    struct clv_error err = {.code = CLV_ERR_NONE};
    if (!fits(p->n_rows, p->packets, sizeof(int64_t)))
        return NULL;
    const size_t n = p->n_rows * p->packets;
    int32_t *sizes = array_alloc(n, sizeof *sizes);
    int64_t *times = sizes ? array_alloc(n, sizeof *times) : NULL;
    struct work w = {.m = m, .progress = progress};
    bool ok = times && begin(h, &w);
    if (ok) {
        p->progress = work_count;
        p->user = &w;
        ok = clv_first_sizes(h->result, p, sizes, times, &err);
        p->user = NULL;
        ok = end(h, &w, ok, &err);
    }
    if (!ok) {
        free(sizes);
        free(times);
        return NULL;
    }
    const Py_ssize_t shape[2] = {(Py_ssize_t)p->n_rows, (Py_ssize_t)p->packets};
    PyObject *a = array_view(m, sizes, NULL, "i", sizeof *sizes, 2, shape);
    PyObject *b = array_view(m, times, NULL, "q", sizeof *times, 2, shape);
    if (a && b)
        return Py_BuildValue("(NN)", a, b);
    Py_XDECREF(a);
    Py_XDECREF(b);
    return NULL;
}

/* (rows, packets, threads, progress) */
static PyObject *first_sizes(PyObject *self, PyObject *args)
{
    struct clv_first_params p = CLV_FIRST_PARAMS_INIT;
    PyObject *rows, *progress;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "OIIO", &rows, &p.packets, &p.threads, &progress) ||
        !take_rows(rows, &view, &p.rows, &p.n_rows))
        return NULL;
    PyObject *done = sizes_of(self, &p, progress);
    PyBuffer_Release(&view);
    return done;
}

static PyMethodDef handle_methods[] = {
    {"close", close_it, METH_NOARGS, NULL},
    {"kind", kind, METH_NOARGS, NULL},
    {"damage", damage, METH_NOARGS, NULL},
    {"totals", totals, METH_VARARGS, NULL},
    {"choose", choose, METH_VARARGS, NULL},
    {"table", table, METH_NOARGS, NULL},
    {"extract", extract, METH_VARARGS, NULL},
    {"packets", packets_create, METH_VARARGS, NULL},
    {"columns", packets_columns, METH_VARARGS, NULL},
    {"first_bytes", first_bytes, METH_VARARGS, NULL},
    {"first_sizes", first_sizes, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot handle_slots[] = {
    {Py_tp_new, create},
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, handle_methods},
    {0, NULL},
};

PyType_Spec handle_spec = {
    .name = "cleave._cleave.Handle",
    .basicsize = sizeof(struct handle),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = handle_slots,
};
