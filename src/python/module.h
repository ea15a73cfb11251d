/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: the extension module cleave._cleave over the public headers, for CPython's stable ABI of
 * 3.11. It does what has to be fast or must not hold the interpreter's lock; keywords, defaults and
 * what people see are Python's (cleave/__init__.py), which alone calls it. So it takes arguments by
 * position, and may trust their number, but neither their types nor their values.
 *
 * Threads: the interpreter's lock is released wherever the library works; who does so has its
 * arguments in buffers and bytes that it holds references to.
 */
#ifndef CLEAVE_PYTHON_MODULE_H
#define CLEAVE_PYTHON_MODULE_H

#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "cleave/option.h"
#include "cleave/split.h"

/* What the module has, found from its types by module_of(). */
struct module {
    PyObject *error;        /* cleave.Error */
    PyObject *option_error; /* the same, and a ValueError */
    PyTypeObject *array, *handle, *table, *packets, *reader, *batch, *record;
};

/* The module that a type, or an object of one, belongs to. Borrowed. */
struct module *module_of(PyTypeObject *type);

/* Makes a type of the module; NULL with an exception. */
PyTypeObject *module_type(PyObject *module, PyType_Spec *spec);

extern PyType_Spec array_spec, handle_spec, table_spec, packets_spec, reader_spec, batch_spec;
extern PyStructSequence_Desc record_desc;

/* ---- errors ---- */

/* The library's error as an exception; NULL with another. */
PyObject *error_object(const struct module *m, const struct clv_error *err);

/* Raises it, unless something was raised meanwhile. Returns NULL. */
PyObject *error_raise(const struct module *m, const struct clv_error *err);

/* ---- buffers ---- */

/* Typed memory with a shape of up to three dimensions. */
struct array {
    PyObject_HEAD void *p; /* of `owner`, or to be freed */
    PyObject *owner;       /* NULL: none */
    const char *format;
    Py_ssize_t itemsize;
    int ndim;
    Py_ssize_t shape[3], strides[3];
};

/*
 * A memoryview of the items at p, of struct's format, of ndim dimensions (1 to 3), of which shape
 * has the lengths; p has room for as many as these make. owner keeps p alive; NULL: p becomes the
 * array's, in any case, and was allocated by malloc(). NULL with an exception.
 */
PyObject *array_view(const struct module *m, void *p, PyObject *owner, const char *format,
                     Py_ssize_t itemsize, int ndim, const Py_ssize_t *shape);

/* malloc() of n items, at least one byte, with MemoryError. */
void *array_alloc(size_t n, size_t size);

/* ---- what a caller gives ---- */

/* A tuple of bytes as an array of strings, which borrow from it. To be freed. NULL with an
 * exception. */
const char **strings_of(PyObject *tuple, size_t *n);

/* Sets the params' options from a tuple of (name, text), both bytes, which it borrows from. */
bool options_set(const struct module *m, clv_options *options, void *params, PyObject *pairs);

/* ---- work ---- */

/* Work that the library does without the interpreter's lock, and its calls back. */
struct work {
    const struct module *m;
    PyObject *progress; /* called with what is there so far; borrowed, NULL or None: nobody is */
    PyThreadState *saved;
    const struct clv_split_params *params; /* of work_split() */
};

static inline void work_begin(struct work *w)
{
    w->saved = PyEval_SaveThread();
}
static inline void work_end(struct work *w)
{
    PyEval_RestoreThread(w->saved);
}

/* Calls back: w is user. false: a signal's handler raised, progress did, or it returned False. */
bool work_goes_on(void *w);
bool work_split(const struct clv_split_result *so_far, void *w);
bool work_count(uint64_t n, void *w);
bool work_counts(uint64_t records, uint64_t bytes, void *w);

#endif
