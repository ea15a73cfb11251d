/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of flows in memory, column by column. */
#include "python/handle.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleave/packet.h"

enum { COLUMNS = 128 };

struct table_column {
    const char *name; /* static */
    enum clv_column_type type;
    bool lacks;       /* some row has no value */
    uint8_t *has;     /* of each row: it has a value */
    int64_t *numbers; /* of numbers and times */
    uint64_t *ends;   /* of text: where it ends in the column's bytes */
    char *bytes;
    size_t len, cap;
};

struct table {
    PyObject_HEAD size_t n, cap; /* rows */
    struct table_column columns[COLUMNS];
    unsigned n_columns;
};

PyObject *table_create(const struct module *m)
{
    return PyType_GenericAlloc(m->table, 0);
}

static void dealloc(PyObject *self)
{
    struct table *t = (struct table *)self;
    PyTypeObject *type = Py_TYPE(self);
    for (unsigned i = 0; i < t->n_columns; i++) {
        free(t->columns[i].has);
        free(t->columns[i].numbers);
        free(t->columns[i].ends);
        free(t->columns[i].bytes);
    }
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static bool no_memory(struct clv_error *err)
{
    *err = (struct clv_error){.code = CLV_ERR_NOMEM, .offset = CLV_NO_OFFSET};
    (void)strcpy(err->subject, "the table of flows");
    (void)strcpy(err->what, "out of memory");
    return false;
}

static bool grow(void **p, size_t n, size_t size)
{
    void *more = realloc(*p, n * size);
    if (more)
        *p = more;
    return more != NULL;
}

static bool more_rows(struct table *t)
{
    const size_t cap = t->cap ? 2 * t->cap : 256;
    bool ok = true;
    for (unsigned i = 0; ok && i < t->n_columns; i++) {
        struct table_column *c = &t->columns[i];
        ok = grow((void **)&c->has, cap, sizeof *c->has) &&
             (c->type == CLV_COLUMN_TEXT ? grow((void **)&c->ends, cap, sizeof *c->ends)
                                         : grow((void **)&c->numbers, cap, sizeof *c->numbers));
    }
    if (ok)
        t->cap = cap;
    return ok;
}

static bool take_text(struct table_column *c, size_t row, const char *text, size_t len)
{
    c->has[row] = text != NULL;
    if (len > c->cap - c->len) {
        const size_t cap = 2 * c->cap + len + 4096;
        if (!grow((void **)&c->bytes, cap, 1))
            return false;
        c->cap = cap;
    }
    if (len)
        memcpy(c->bytes + c->len, text, len);
    c->len += len;
    c->ends[row] = c->len;
    return true;
}

static bool take_row(struct table *t, struct clv_rows *rows)
{
    if (t->n == t->cap && !more_rows(t))
        return false;
    const size_t row = t->n;
    for (unsigned i = 0; i < t->n_columns; i++) {
        struct table_column *c = &t->columns[i];
        if (c->type == CLV_COLUMN_TEXT) {
            size_t len = 0;
            const char *text = clv_rows_text(rows, i, &len);
            if (!take_text(c, row, text, text ? len : 0))
                return false;
        } else {
            c->numbers[row] = 0;
            c->has[row] = clv_rows_number(rows, i, &c->numbers[row]);
        }
        c->lacks |= !c->has[row];
    }
    t->n++;
    return true;
}

bool table_fill(PyObject *self, struct clv_result *r, const struct clv_selection *all,
                struct clv_error *err)
{
    struct table *t = (struct table *)self;
    struct clv_rows *rows;
    enum clv_rows_step step;
    bool ok = true;
    if (!clv_rows_open(&rows, r, all, err))
        return false;
    while (t->n_columns < COLUMNS && (t->columns[t->n_columns].name = clv_rows_column(
                                          rows, t->n_columns, &t->columns[t->n_columns].type)))
        t->n_columns++;
    while (ok && (step = clv_rows_next(rows, err)) != CLV_ROWS_END)
        ok = step == CLV_ROWS_ROW && (take_row(t, rows) || no_memory(err));
    clv_rows_close(&rows);
    return ok;
}

static PyObject *value_at(const struct table_column *c, size_t row)
{
    if (!c->has[row])
        Py_RETURN_NONE;
    if (c->type != CLV_COLUMN_TEXT)
        return PyLong_FromLongLong(c->numbers[row]);
    const uint64_t from = row ? c->ends[row - 1] : 0;
    return PyUnicode_DecodeUTF8(c->bytes + from, (Py_ssize_t)(c->ends[row] - from),
                                "surrogateescape");
}

static Py_ssize_t length(PyObject *self)
{
    return (Py_ssize_t)((struct table *)self)->n;
}

/* NULL with IndexError. */
static const struct table_column *column_at(const struct table *t, unsigned i)
{
    if (i < t->n_columns)
        return &t->columns[i];
    PyErr_SetString(PyExc_IndexError, "no such column");
    return NULL;
}

static bool has_row(const struct table *t, Py_ssize_t row)
{
    if (row >= 0 && (size_t)row < t->n)
        return true;
    PyErr_SetString(PyExc_IndexError, "no such flow");
    return false;
}

/* Names of columns, and of their types. */
static PyObject *describe(PyObject *self, PyObject *args)
{
    static const char *const types[] = {
        [CLV_COLUMN_TEXT] = "text",
        [CLV_COLUMN_NUMBER] = "number",
        [CLV_COLUMN_TIME] = "time",
        [CLV_COLUMN_SPAN] = "span",
    };
    const struct table *t = (struct table *)self;
    (void)args;
    PyObject *list = PyList_New(0);
    for (unsigned i = 0; list && i < t->n_columns; i++) {
        PyObject *row = Py_BuildValue("(ss)", t->columns[i].name, types[t->columns[i].type]);
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

/* (row, column) */
static PyObject *value(PyObject *self, PyObject *args)
{
    const struct table *t = (struct table *)self;
    Py_ssize_t row;
    unsigned i;
    if (!PyArg_ParseTuple(args, "nI", &row, &i) || !has_row(t, row))
        return NULL;
    const struct table_column *c = column_at(t, i);
    return c ? value_at(c, (size_t)row) : NULL;
}

/* (row): all of its values */
static PyObject *row(PyObject *self, PyObject *args)
{
    const struct table *t = (struct table *)self;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "n", &n) || !has_row(t, n))
        return NULL;
    PyObject *all = PyTuple_New(t->n_columns);
    for (unsigned i = 0; all && i < t->n_columns; i++) {
        PyObject *v = value_at(&t->columns[i], (size_t)n);
        if (!v || PyTuple_SetItem(all, i, v) < 0)
            Py_CLEAR(all);
    }
    return all;
}

/* (column): its numbers, and None or which rows have one */
static PyObject *numbers(PyObject *self, PyObject *args)
{
    const struct table *t = (struct table *)self;
    const struct module *m = module_of(Py_TYPE(self));
    const Py_ssize_t n = (Py_ssize_t)t->n;
    unsigned i;
    if (!PyArg_ParseTuple(args, "I", &i))
        return NULL;
    const struct table_column *c = column_at(t, i);
    if (!c)
        return NULL;
    if (c->type == CLV_COLUMN_TEXT)
        return PyErr_Format(PyExc_TypeError, "column %s is text", c->name);
    PyObject *values = array_view(m, c->numbers, self, "q", sizeof *c->numbers, 1, &n);
    PyObject *has = values && c->lacks ? array_view(m, c->has, self, "?", sizeof *c->has, 1, &n)
                                       : Py_NewRef(Py_None);
    if (values && has)
        return Py_BuildValue("(NN)", values, has);
    Py_XDECREF(values);
    Py_XDECREF(has);
    return NULL;
}

/* (column): a list of its values */
static PyObject *values(PyObject *self, PyObject *args)
{
    const struct table *t = (struct table *)self;
    unsigned i;
    if (!PyArg_ParseTuple(args, "I", &i))
        return NULL;
    const struct table_column *c = column_at(t, i);
    PyObject *list = c ? PyList_New((Py_ssize_t)t->n) : NULL;
    for (size_t k = 0; list && k < t->n; k++) {
        PyObject *v = value_at(c, k);
        if (!v || PyList_SetItem(list, (Py_ssize_t)k, v) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static const struct table_column *find(const struct table *t, const char *name)
{
    for (unsigned i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, name) == 0)
            return &t->columns[i];
    return NULL;
}

/* A short text, terminated; false: the row has none, or a longer one. */
static bool text_at(const struct table_column *c, size_t row, char *to, size_t cap)
{
    if (!c || c->type != CLV_COLUMN_TEXT || !c->has[row])
        return false;
    const uint64_t from = row ? c->ends[row - 1] : 0, len = c->ends[row] - from;
    if (len >= cap)
        return false;
    memcpy(to, c->bytes + from, len);
    to[len] = '\0';
    return true;
}

static bool port_at(const struct table_column *c, size_t row, uint16_t *port)
{
    if (!c || c->type == CLV_COLUMN_TEXT || !c->has[row])
        return false;
    *port = (uint16_t)c->numbers[row];
    return true;
}

static bool take_address(const struct table_column *c, size_t row, uint8_t addr[16],
                         uint8_t *family)
{
    char text[64];
    if (!text_at(c, row, text, sizeof text))
        return false;
    *family = strchr(text, ':') ? 6 : 4;
    return inet_pton(*family == 6 ? AF_INET6 : AF_INET, text, addr) == 1;
}

/* The columns that a tuple is made of. */
struct ends {
    const struct table_column *src, *dst, *sport, *dport, *proto;
};

/* The row's tuple, as far as it has one; family 0: it has no address. */
static void tuple_at(const struct ends *e, size_t row, struct clv_tuple *t)
{
    struct clv_error err;
    char text[64], key[128];
    *t = (struct clv_tuple){.family = 0};
    if (text_at(e->proto, row, text, sizeof text)) { /* by the library's own names */
        const char *number = text[0] >= '0' && text[0] <= '9' ? "ip-" : "";
        (void)snprintf(key, sizeof key, "%s%s_0.0.0.0_0.0.0.0", number, text);
        struct clv_tuple named;
        if (clv_tuple_parse(key, &named, &err))
            t->proto = named.proto;
    }
    const bool src = take_address(e->src, row, t->src, &t->family);
    const bool dst = take_address(e->dst, row, t->dst, &t->family);
    if (!dst) /* a host's: as of one that talks to itself */
        memcpy(t->dst, t->src, sizeof t->dst);
    else if (!src)
        memcpy(t->src, t->dst, sizeof t->src);
    const bool sport = port_at(e->sport, row, &t->sport), dport = port_at(e->dport, row, &t->dport);
    if (sport || dport)
        t->flags = CLV_TUPLE_PORTS;
}

/* Of each row the hash of its tuple, 0 where it has no address. */
static PyObject *hashes(PyObject *self, PyObject *args)
{
    const struct table *t = (struct table *)self;
    const struct ends e = {.src = find(t, "src"),
                           .dst = find(t, "dst"),
                           .sport = find(t, "sport"),
                           .dport = find(t, "dport"),
                           .proto = find(t, "proto")};
    const Py_ssize_t n = (Py_ssize_t)t->n;
    (void)args;
    uint64_t *all = array_alloc(t->n, sizeof *all);
    if (!all)
        return NULL;
    PyThreadState *saved = PyEval_SaveThread();
    for (size_t i = 0; i < t->n; i++) {
        struct clv_tuple tuple;
        tuple_at(&e, i, &tuple);
        all[i] = tuple.family ? clv_tuple_hash(&tuple) : 0;
    }
    PyEval_RestoreThread(saved);
    return array_view(module_of(Py_TYPE(self)), all, NULL, "Q", sizeof *all, 1, &n);
}

static PyMethodDef table_methods[] = {
    {"describe", describe, METH_NOARGS, NULL},
    {"value", value, METH_VARARGS, NULL},
    {"row", row, METH_VARARGS, NULL},
    {"numbers", numbers, METH_VARARGS, NULL},
    {"values", values, METH_VARARGS, NULL},
    {"hashes", hashes, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot table_slots[] = {
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, table_methods},
    {Py_sq_length, length},
    {0, NULL},
};

PyType_Spec table_spec = {
    .name = "cleave._cleave.Table",
    .basicsize = sizeof(struct table),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = table_slots,
};
