/* SPDX-License-Identifier: BSD-2-Clause */
#include "python/module.h"

#include <stdlib.h>

void *array_alloc(size_t n, size_t size)
{
    void *p = n <= SIZE_MAX / 2 / size ? malloc(n ? n * size : 1) : NULL;
    if (!p)
        (void)PyErr_NoMemory();
    return p;
}

PyObject *array_view(const struct module *m, void *p, PyObject *owner, const char *format,
                     Py_ssize_t itemsize, int ndim, const Py_ssize_t *shape)
{
    struct array *a = (struct array *)PyType_GenericAlloc(m->array, 0);
    if (!a) {
        if (!owner)
            free(p);
        return NULL;
    }
    a->p = p;
    a->owner = Py_XNewRef(owner);
    a->format = format;
    a->itemsize = itemsize;
    a->ndim = ndim;
    Py_ssize_t stride = itemsize;
    for (int i = a->ndim; i-- > 0;) {
        a->shape[i] = shape[i];
        a->strides[i] = stride;
        stride *= shape[i];
    }
    PyObject *view = PyMemoryView_FromObject((PyObject *)a);
    Py_DECREF(a);
    return view;
}

static void dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    struct array *a = (struct array *)self;
    if (!a->owner)
        free(a->p);
    Py_XDECREF(a->owner);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static int get_buffer(PyObject *self, Py_buffer *view, int flags)
{
    struct array *a = (struct array *)self;
    Py_ssize_t len = a->itemsize;
    for (int i = 0; i < a->ndim; i++)
        len *= a->shape[i];
    *view = (Py_buffer){
        .buf = a->p,
        .obj = Py_NewRef(self),
        .len = len,
        .itemsize = a->itemsize,
        .ndim = a->ndim,
        .format = flags & PyBUF_FORMAT ? (char *)(uintptr_t)a->format : NULL,
        .shape = flags & PyBUF_ND ? a->shape : NULL,
        .strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? a->strides : NULL,
    };
    return 0;
}

static PyType_Slot array_slots[] = {
    {Py_tp_dealloc, dealloc},
    {Py_bf_getbuffer, get_buffer},
    {0, NULL},
};

PyType_Spec array_spec = {
    .name = "cleave._cleave.Array",
    .basicsize = sizeof(struct array),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = array_slots,
};
