/* SPDX-License-Identifier: BSD-2-Clause */
/* The records of a capture, many at a time, with what their headers say. */
#include "python/module.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleave/capture.h"
#include "cleave/packet.h"

enum { AT_ONCE = 256, ADDRESS = 16, WAIT_NS = 100 * 1000000 };

/* What there is of each record. All of it is in one piece of memory, longest items first. */
/* Each: a name of it, its format and bytes, items per record, items behind the last one, words. */
#define BATCH_COLUMNS_ALL(X)                                                                       \
    X(TIMES, "times", "q", 8, 1, 0, "nanoseconds since the epoch, UTC; the least number: none")    \
    X(OFFSETS, "offsets", "Q", 8, 1, 1, "packet i is data[offsets[i]:offsets[i + 1]]")             \
    X(PLACES, "places", "Q", 8, 1, 0, "byte of the record's header in the file")                   \
    X(HASHES, "hashes", "Q", 8, 1, 0,                                                              \
      "of the tuple, the same for both directions, on every machine; 0: no network address")       \
    X(LENGTHS, "lengths", "I", 4, 1, 0, "bytes on the wire")                                       \
    X(CAPTURED, "captured", "I", 4, 1, 0, "bytes that were captured")                              \
    X(LINKTYPES, "linktypes", "H", 2, 1, 0, "LINKTYPE_ numbers")                                   \
    X(SPORTS, "sports", "H", 2, 1, 0, "source ports, where flags & 1")                             \
    X(DPORTS, "dports", "H", 2, 1, 0, "destination ports, where flags & 1")                        \
    X(SRCS, "srcs", "B", 1, ADDRESS, 0, "source addresses, n x 16; IPv4: the first 4 bytes")       \
    X(DSTS, "dsts", "B", 1, ADDRESS, 0, "destination addresses")                                   \
    X(PROTOS, "protos", "B", 1, 1, 0, "IP protocols")                                              \
    X(FAMILIES, "families", "B", 1, 1, 0, "4, 6, or 0: no network address")                        \
    X(FLAGS, "flags", "B", 1, 1, 0, "1: has ports; 2: later fragment; 4: cut before the ports")    \
    X(TCP_FLAGS, "tcp_flags", "B", 1, 1, 0, "of TCP, else 0")

enum batch_column {
#define ROW(c, name, format, itemsize, items, more, doc) c,
    BATCH_COLUMNS_ALL(ROW)
#undef ROW
        BATCH_COLUMNS
};

static const struct {
    const char *format;
    uint8_t itemsize, items, more;
} batch_columns[BATCH_COLUMNS] = {
#define ROW(c, name, format, itemsize, items, more, doc) [c] = {format, itemsize, items, more},
    BATCH_COLUMNS_ALL(ROW)
#undef ROW
};

struct batch {
    PyObject_HEAD size_t n, cap;
    uint8_t *columns; /* of cap records */
    size_t at[BATCH_COLUMNS];
    uint8_t *data; /* NULL: it was not asked for */
    size_t len, data_cap;
    bool ns;
};

struct reader {
    PyObject_HEAD struct clv_capture *capture; /* NULL: it is over */
    size_t at_once;
    bool data, ns, waits; /* waits: for a pipe */
    bool busy;
    bool over;   /* the capture has no more, ... */
    bool failed; /* ... for this reason, which the next call raises */
    struct clv_error err;
};

/* ---- batches ---- */

static PyObject *batch_create(const struct module *m, const struct reader *r)
{
    struct batch *b = (struct batch *)PyType_GenericAlloc(m->batch, 0);
    size_t size = 0;
    if (!b)
        return NULL;
    b->cap = r->at_once;
    b->ns = r->ns;
    for (unsigned i = 0; i < BATCH_COLUMNS; i++) {
        b->at[i] = size;
        size +=
            (b->cap * batch_columns[i].items + batch_columns[i].more) * batch_columns[i].itemsize;
    }
    b->columns = array_alloc(size, 1);
    if (!b->columns) {
        Py_DECREF(b);
        return NULL;
    }
    return (PyObject *)b;
}

static void batch_dealloc(PyObject *self)
{
    struct batch *b = (struct batch *)self;
    PyTypeObject *type = Py_TYPE(self);
    free(b->columns);
    free(b->data);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static void *item(const struct batch *b, enum batch_column c, size_t i)
{
    return b->columns + b->at[c] + i * batch_columns[c].itemsize * batch_columns[c].items;
}

#define ITEM(b, type, c, i) (*(type *)item(b, c, i))

static bool take_data(struct batch *b, const struct clv_record *rec)
{
    if (rec->caplen > b->data_cap - b->len) {
        const size_t cap = 2 * b->data_cap + rec->caplen + 65536;
        uint8_t *data = realloc(b->data, cap);
        if (!data)
            return false;
        b->data = data;
        b->data_cap = cap;
    }
    if (rec->caplen)
        memcpy(b->data + b->len, rec->data, rec->caplen);
    b->len += rec->caplen;
    return true;
}

static bool take(struct batch *b, const struct clv_record *rec, bool data)
{
    const size_t i = b->n;
    struct clv_tuple t;
    const bool network = clv_packet_tuple(rec->linktype, rec->data, rec->caplen, &t);
    if (data && !take_data(b, rec))
        return false;
    ITEM(b, int64_t, TIMES, i) = rec->ts_ns;
    ITEM(b, uint64_t, OFFSETS, i + 1) = b->len;
    ITEM(b, uint64_t, PLACES, i) = rec->offset;
    ITEM(b, uint64_t, HASHES, i) = network ? clv_tuple_hash(&t) : 0;
    ITEM(b, uint32_t, LENGTHS, i) = rec->origlen;
    ITEM(b, uint32_t, CAPTURED, i) = rec->caplen;
    ITEM(b, uint16_t, LINKTYPES, i) = rec->linktype;
    ITEM(b, uint16_t, SPORTS, i) = t.sport;
    ITEM(b, uint16_t, DPORTS, i) = t.dport;
    memcpy(item(b, SRCS, i), t.src, ADDRESS);
    memcpy(item(b, DSTS, i), t.dst, ADDRESS);
    ITEM(b, uint8_t, PROTOS, i) = t.proto;
    ITEM(b, uint8_t, FAMILIES, i) = t.family;
    ITEM(b, uint8_t, FLAGS, i) = t.flags;
    ITEM(b, uint8_t, TCP_FLAGS, i) = t.tcp_flags;
    b->n++;
    return true;
}

static Py_ssize_t batch_length(PyObject *self)
{
    return (Py_ssize_t)((struct batch *)self)->n;
}

static PyObject *address(const uint8_t *p, uint8_t family)
{
    char text[INET6_ADDRSTRLEN], *to = text;
    if (family == 6)
        return PyUnicode_FromString(inet_ntop(AF_INET6, p, text, sizeof text) ? text : "");
    for (unsigned i = 0; i < 4; i++) { /* what inet_ntop() does by way of printf() */
        if (p[i] >= 100)
            *to++ = (char)('0' + p[i] / 100);
        if (p[i] >= 10)
            *to++ = (char)('0' + p[i] / 10 % 10);
        *to++ = (char)('0' + p[i] % 10);
        *to++ = '.';
    }
    return PyUnicode_FromStringAndSize(text, to - 1 - text);
}

/* Fields of a record, in their order. */
enum {
    RECORD_TIME,
    RECORD_DATA,
    RECORD_SRC,
    RECORD_SPORT,
    RECORD_DST,
    RECORD_DPORT,
    RECORD_PROTO,
    RECORD_TCP_FLAGS,
    RECORD_LENGTH,
    RECORD_LINKTYPE,
    RECORD_HASH,
    RECORD_FIELDS
};

static PyStructSequence_Field record_fields[] = {
    [RECORD_TIME] = {"time",
                     "seconds since the epoch as a float, or nanoseconds; None: it has none"},
    [RECORD_DATA] = {"data", "the packet's bytes as captured; None where they were not asked for"},
    [RECORD_SRC] = {"src", "source address; None: there is no network address"},
    [RECORD_SPORT] = {"sport", "source port; None: there is none"},
    [RECORD_DST] = {"dst", "destination address"},
    [RECORD_DPORT] = {"dport", "destination port"},
    [RECORD_PROTO] = {"proto", "IP protocol, a number"},
    [RECORD_TCP_FLAGS] = {"tcp_flags", "of TCP, else 0"},
    [RECORD_LENGTH] = {"length", "bytes on the wire"},
    [RECORD_LINKTYPE] = {"linktype", "LINKTYPE_ number"},
    [RECORD_HASH] = {"hash", "of the tuple, the same for both directions; None: no address"},
    [RECORD_FIELDS] = {NULL, NULL},
};

PyStructSequence_Desc record_desc = {
    .name = "cleave.Record",
    .doc = "A record of a capture and its tuple.",
    .fields = record_fields,
    .n_in_sequence = RECORD_FIELDS,
};

static PyObject *batch_time(const struct batch *b, size_t i)
{
    const int64_t ns = ITEM(b, int64_t, TIMES, i);
    if (ns == CLV_NO_TIME)
        Py_RETURN_NONE;
    return b->ns ? PyLong_FromLongLong(ns) : PyFloat_FromDouble((double)ns / 1e9);
}

static PyObject *batch_data(const struct batch *b, size_t i)
{
    if (!b->data)
        Py_RETURN_NONE;
    const uint64_t from = ITEM(b, uint64_t, OFFSETS, i);
    return PyBytes_FromStringAndSize((const char *)b->data + from,
                                     (Py_ssize_t)(ITEM(b, uint64_t, OFFSETS, i + 1) - from));
}

static PyObject *batch_item(PyObject *self, Py_ssize_t at)
{
    const struct batch *b = (struct batch *)self;
    if (at < 0 || (size_t)at >= b->n) {
        PyErr_SetString(PyExc_IndexError, "no such record");
        return NULL;
    }
    const size_t i = (size_t)at;
    const uint8_t family = ITEM(b, uint8_t, FAMILIES, i);
    const bool ports = ITEM(b, uint8_t, FLAGS, i) & CLV_TUPLE_PORTS;
    PyObject *rec = PyStructSequence_New(module_of(Py_TYPE(self))->record);
    if (!rec)
        return NULL;
#define NONE_OR(has, value) ((has) ? (value) : Py_NewRef(Py_None))
    PyObject *const fields[RECORD_FIELDS] = {
        [RECORD_TIME] = batch_time(b, i),
        [RECORD_DATA] = batch_data(b, i),
        [RECORD_SRC] = NONE_OR(family, address(item(b, SRCS, i), family)),
        [RECORD_SPORT] = NONE_OR(ports, PyLong_FromLong(ITEM(b, uint16_t, SPORTS, i))),
        [RECORD_DST] = NONE_OR(family, address(item(b, DSTS, i), family)),
        [RECORD_DPORT] = NONE_OR(ports, PyLong_FromLong(ITEM(b, uint16_t, DPORTS, i))),
        [RECORD_PROTO] = NONE_OR(family, PyLong_FromLong(ITEM(b, uint8_t, PROTOS, i))),
        [RECORD_TCP_FLAGS] = PyLong_FromLong(ITEM(b, uint8_t, TCP_FLAGS, i)),
        [RECORD_LENGTH] = PyLong_FromUnsignedLong(ITEM(b, uint32_t, LENGTHS, i)),
        [RECORD_LINKTYPE] = PyLong_FromLong(ITEM(b, uint16_t, LINKTYPES, i)),
        [RECORD_HASH] = NONE_OR(family, PyLong_FromUnsignedLongLong(ITEM(b, uint64_t, HASHES, i))),
    };
    bool ok = true;
    for (unsigned k = 0; k < RECORD_FIELDS; k++) {
        ok = ok && fields[k];
        PyStructSequence_SetItem(rec, k, fields[k]); /* it takes what is there */
    }
    if (ok)
        return rec;
    Py_DECREF(rec);
    return NULL;
}

static PyObject *get_column(PyObject *self, void *which)
{
    struct batch *b = (struct batch *)self;
    const unsigned c = (unsigned)(uintptr_t)which;
    const unsigned items = batch_columns[c].items;
    const Py_ssize_t shape[2] = {(Py_ssize_t)b->n + batch_columns[c].more, items};
    return array_view(module_of(Py_TYPE(self)), item(b, c, 0), self, batch_columns[c].format,
                      batch_columns[c].itemsize, items > 1 ? 2 : 1, shape);
}

static PyObject *get_data(PyObject *self, void *which)
{
    struct batch *b = (struct batch *)self;
    const Py_ssize_t len = (Py_ssize_t)b->len;
    (void)which;
    if (!b->data)
        Py_RETURN_NONE;
    return array_view(module_of(Py_TYPE(self)), b->data, self, "B", 1, 1, &len);
}

static PyGetSetDef batch_getset[] = {
#define ROW(c, name, format, itemsize, items, more, doc)                                           \
    {name, get_column, NULL, doc, (void *)(uintptr_t)(c)},
    BATCH_COLUMNS_ALL(ROW)
#undef ROW
        {"data", get_data, NULL, "all packets' bytes; None: they were not asked for", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static const char batch_doc[] =
    "Records of a capture: a sequence of Record, and their columns as memoryviews.";

/* A record, or a list of those in a slice. */
static PyObject *batch_subscript(PyObject *self, PyObject *key)
{
    Py_ssize_t from, to, step;
    if (!PySlice_Check(key)) {
        const Py_ssize_t i = PyNumber_AsSsize_t(key, PyExc_IndexError);
        return i == -1 && PyErr_Occurred() ? NULL
                                           : batch_item(self, i < 0 ? i + batch_length(self) : i);
    }
    if (PySlice_Unpack(key, &from, &to, &step) < 0)
        return NULL;
    const Py_ssize_t n = PySlice_AdjustIndices(batch_length(self), &from, &to, step);
    PyObject *list = PyList_New(n);
    for (Py_ssize_t i = 0; list && i < n; i++) {
        PyObject *record = batch_item(self, from + i * step);
        if (!record || PyList_SetItem(list, i, record) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyType_Slot batch_slots[] = {
    {Py_tp_dealloc, batch_dealloc},
    {Py_tp_getset, batch_getset},
    {Py_sq_length, batch_length},
    {Py_sq_item, batch_item},
    {Py_mp_subscript, batch_subscript},
    {Py_tp_doc, (void *)(uintptr_t)batch_doc},
    {0, NULL},
};

PyType_Spec batch_spec = {
    .name = "cleave.Batch",
    .basicsize = sizeof(struct batch),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = batch_slots,
};

/* ---- the reader ---- */

/* Fills the batch. Without the interpreter's lock. */
static void fill(struct reader *r, struct batch *b)
{
    struct clv_record recs[AT_ONCE];
    bool room = true;
    ITEM(b, uint64_t, OFFSETS, 0) = 0;
    while (room && b->n < b->cap) {
        size_t got = 0;
        const size_t left = b->cap - b->n;
        const enum clv_walk walk =
            clv_capture_next_many(r->capture, recs, left < AT_ONCE ? left : AT_ONCE, &got, &r->err);
        if (walk != CLV_RECORD) {
            r->failed = walk == CLV_BAD;
            r->over = true;
            return;
        }
        for (size_t i = 0; room && i < got; i++)
            room = take(b, &recs[i], r->data);
    }
    if (!room) {
        r->failed = true;
        r->err = (struct clv_error){.code = CLV_ERR_NOMEM, .offset = CLV_NO_OFFSET};
        (void)snprintf(r->err.subject, sizeof r->err.subject, "%.200s",
                       clv_capture_name(r->capture));
        (void)strcpy(r->err.what, "out of memory");
        r->over = true;
    }
}

/* A pipe is read by a thread of its own, so that signals arrive. */
struct filling {
    struct reader *r;
    struct batch *b;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool done;
};

static void *fill_beside(void *user)
{
    struct filling *f = user;
    fill(f->r, f->b);
    (void)pthread_mutex_lock(&f->lock);
    f->done = true;
    (void)pthread_cond_signal(&f->over);
    (void)pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* true: it is done. */
static bool wait_a_while(struct filling *f)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += WAIT_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    PyThreadState *saved = PyEval_SaveThread();
    (void)pthread_mutex_lock(&f->lock);
    int why = 0;
    while (!f->done && why != ETIMEDOUT)
        why = pthread_cond_timedwait(&f->over, &f->lock, &until);
    const bool done = f->done;
    (void)pthread_mutex_unlock(&f->lock);
    PyEval_RestoreThread(saved);
    return done;
}

static void fill_waiting(struct reader *r, struct batch *b)
{
    struct filling f = {.r = r, .b = b};
    pthread_t thread;
    (void)pthread_mutex_init(&f.lock, NULL);
    (void)pthread_cond_init(&f.over, NULL);
    if (pthread_create(&thread, NULL, fill_beside, &f) == 0) {
        bool interrupted = false;
        while (!wait_a_while(&f))
            if (!interrupted && PyErr_CheckSignals() != 0) {
                clv_capture_interrupt(r->capture);
                interrupted = true;
            }
        (void)pthread_join(thread, NULL);
    } else {
        fill(r, b);
    }
    (void)pthread_cond_destroy(&f.over);
    (void)pthread_mutex_destroy(&f.lock);
}

static PyObject *reader_next(PyObject *self)
{
    struct reader *r = (struct reader *)self;
    const struct module *m = module_of(Py_TYPE(self));
    if (r->busy) {
        PyErr_SetString(PyExc_ValueError, "another thread is reading these records");
        return NULL;
    }
    if (r->failed) {
        r->failed = false;
        return error_raise(m, &r->err);
    }
    if (!r->capture)
        return NULL;
    PyObject *b = batch_create(m, r);
    if (!b)
        return NULL;
    r->busy = true;
    if (r->waits) {
        fill_waiting(r, (struct batch *)b);
    } else {
        PyThreadState *saved = PyEval_SaveThread();
        fill(r, (struct batch *)b);
        PyEval_RestoreThread(saved);
    }
    r->busy = false;
    const bool raised = PyErr_Occurred();
    if (r->over || raised)
        clv_capture_close(&r->capture);
    if (!raised && ((struct batch *)b)->n)
        return b;
    Py_DECREF(b);
    if (raised)
        r->failed = false;
    return r->failed ? reader_next(self) : NULL;
}

/* (path, records, data, ns) */
static PyObject *reader_create(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const char *path;
    Py_ssize_t n;
    int data, ns;
    struct clv_error err;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "ynpp", &path, &n, &data, &ns))
        return NULL;
    if (n < 1 || n > 1 << 24)
        return PyErr_Format(PyExc_ValueError, "records must be from 1 to %d", 1 << 24);
    struct reader *r = (struct reader *)PyType_GenericAlloc(type, 0);
    if (!r)
        return NULL;
    r->at_once = (size_t)n;
    r->data = data;
    r->ns = ns;
    PyThreadState *saved = PyEval_SaveThread();
    const bool ok = clv_capture_open(&r->capture, path, &err);
    PyEval_RestoreThread(saved);
    if (!ok) {
        Py_DECREF(r);
        return error_raise(module_of(type), &err);
    }
    r->waits = !clv_capture_stays(r->capture) && clv_capture_size(r->capture) == 0;
    return (PyObject *)r;
}

static void reader_dealloc(PyObject *self)
{
    struct reader *r = (struct reader *)self;
    PyTypeObject *type = Py_TYPE(self);
    clv_capture_close(&r->capture);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyType_Slot reader_slots[] = {
    {Py_tp_new, reader_create},
    {Py_tp_dealloc, reader_dealloc},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, reader_next},
    {0, NULL},
};

PyType_Spec reader_spec = {
    .name = "cleave._cleave.Reader",
    .basicsize = sizeof(struct reader),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = reader_slots,
};
