/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor under packets in Python: makes the pair of a float and bytes for each record of a
 * classic pcap, little-endian with microseconds, whose places are known already, and drops it. What
 * comes next is prefetched. bench/python.py builds it.
 *
 *   count(capture, places): buffers, of which places has a 64-bit number for each record
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <string.h>

enum { LINE = 64, LINES = 24, HEADER = 16, AHEAD = 16 };

static uint32_t load32(const uint8_t *p)
{
    uint32_t n;
    memcpy(&n, p, sizeof n);
    return n;
}

static PyObject *pair(const uint8_t *rec)
{
    const double time = load32(rec) + load32(rec + 4) / 1e6;
    PyObject *const both = PyTuple_New(2);
    if (!both)
        return NULL;
    PyTuple_SET_ITEM(both, 0, PyFloat_FromDouble(time));
    PyTuple_SET_ITEM(both, 1,
                     PyBytes_FromStringAndSize((const char *)rec + HEADER, load32(rec + 8)));
    return both;
}

static PyObject *count(PyObject *self, PyObject *args)
{
    Py_buffer capture, places;
    PyObject *made = Py_None;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*", &capture, &places))
        return NULL;
    const uint8_t *const p = capture.buf;
    const uint64_t *const at = places.buf;
    const size_t n = (size_t)places.len / sizeof *at;
    for (size_t i = 0; made && i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(p + at[i + AHEAD]);
        if (i + 2 < n)
            for (unsigned k = 0; k < LINES && k * LINE < load32(p + at[i + 2] + 8); k++)
                __builtin_prefetch(p + at[i + 2] + HEADER + k * LINE);
        made = pair(p + at[i]);
        Py_XDECREF(made);
    }
    PyBuffer_Release(&capture);
    PyBuffer_Release(&places);
    return made ? PyLong_FromSize_t(n) : NULL;
}

static PyMethodDef functions[] = {{"count", count, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "pairs", .m_size = -1,
                                        .m_methods = functions};

PyMODINIT_FUNC PyInit_pairs(void);

PyMODINIT_FUNC PyInit_pairs(void)
{
    return PyModule_Create(&definition);
}
