/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an open result is to its table and to the packets of its flows.
 */
#ifndef CLEAVE_PYTHON_HANDLE_H
#define CLEAVE_PYTHON_HANDLE_H

#include "python/module.h"

#include <pthread.h>

#include "cleave/result.h"

/* Opens a flow of the handle; false with an exception. Each is to be closed. */
bool handle_open_flow(PyObject *handle, uint64_t id, struct clv_flow_records **f);
/* *f becomes NULL; it may be that already. */
void handle_close_flow(PyObject *handle, struct clv_flow_records **f);

/* An empty table, and its rows; the latter without the interpreter's lock. */
PyObject *table_create(const struct module *m);
bool table_fill(PyObject *table, struct clv_result *r, const struct clv_selection *all,
                struct clv_error *err);

/* Methods of a handle: (id, ns) gives an iterator of (time, bytes); (id) gives memoryviews of
 * times, lengths on the wire, captured lengths and directions. */
PyObject *packets_create(PyObject *handle, PyObject *args);
PyObject *packets_columns(PyObject *handle, PyObject *args);

#endif
