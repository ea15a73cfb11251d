/* SPDX-License-Identifier: BSD-2-Clause */
#include "python/module.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cleave/gather.h"
#include "cleave/generate.h"
#include "cleave/index.h"
#include "cleave/result.h"
#include "cleave/verify.h"

enum {
    FAULTS = 64,           /* of captures, that a result has */
    JSON = 65536,          /* bytes of a result ... */
    JSON_FAULT = 4096,     /* ... and of each fault more */
    FAULTS_LISTED = 10000, /* of a verification */
};

struct module *module_of(PyTypeObject *type)
{
    return PyType_GetModuleState(type);
}

PyTypeObject *module_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (type && PyModule_AddType(module, (PyTypeObject *)type) < 0)
        Py_CLEAR(type);
    return (PyTypeObject *)type;
}

/* ---- errors ---- */

static const char *code_name(enum clv_errc code)
{
    static const char *const names[] = {
        [CLV_ERR_NONE] = "none",
        [CLV_ERR_ARG] = "arg",
        [CLV_ERR_IO] = "io",
        [CLV_ERR_NOMEM] = "nomem",
        [CLV_ERR_FORMAT] = "format",
        [CLV_ERR_DAMAGE] = "damage",
        [CLV_ERR_EXISTS] = "exists",
        [CLV_ERR_CANCELLED] = "cancelled",
        [CLV_ERR_INTERNAL] = "internal",
        [CLV_ERR_UNPROVEN] = "unproven",
        [CLV_ERR_OPTION] = "option",
    };
    return (size_t)code < sizeof names / sizeof *names ? names[code] : "unknown";
}

/* Takes the value, also where it fails. */
static bool put(PyObject *to, const char *name, PyObject *value)
{
    const bool ok = value && PyObject_SetAttrString(to, name, value) == 0;
    Py_XDECREF(value);
    return ok;
}

static PyObject *text_of(const char *s)
{
    return PyUnicode_DecodeUTF8(s, (Py_ssize_t)strlen(s), "surrogateescape");
}

static PyObject *number_or_none(uint64_t n, bool has)
{
    return has ? PyLong_FromUnsignedLongLong(n) : Py_NewRef(Py_None);
}

PyObject *error_object(const struct module *m, const struct clv_error *err)
{
    char message[1024];
    (void)clv_error_format(err, message, sizeof message);
    PyObject *text = PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
    PyObject *type = err->code == CLV_ERR_OPTION ? m->option_error : m->error;
    PyObject *e = text ? PyObject_CallFunctionObjArgs(type, text, NULL) : NULL;
    Py_XDECREF(text);
    if (e && put(e, "code", text_of(code_name(err->code))) &&
        put(e, "subject", text_of(err->subject)) && put(e, "what", text_of(err->what)) &&
        put(e, "hint", text_of(err->hint)) && put(e, "errno", PyLong_FromLong(err->sys)) &&
        put(e, "offset", number_or_none(err->offset, err->offset != CLV_NO_OFFSET)) &&
        put(e, "record", number_or_none(err->record, err->record != 0)))
        return e;
    Py_XDECREF(e);
    return NULL;
}

PyObject *error_raise(const struct module *m, const struct clv_error *err)
{
    if (PyErr_Occurred())
        return NULL;
    PyObject *e = error_object(m, err);
    if (e)
        PyErr_SetObject((PyObject *)Py_TYPE(e), e);
    Py_XDECREF(e);
    return NULL;
}

/* ---- what a caller gives ---- */

static const char *bytes_at(PyObject *tuple, Py_ssize_t i)
{
    char *p = NULL;
    if (!PyTuple_Check(tuple)) { /* one that is within another */
        PyErr_SetString(PyExc_TypeError, "an option is a pair");
        return NULL;
    }
    PyObject *item = PyTuple_GetItem(tuple, i);
    /* NULL for the length: zeros within are a ValueError. */
    return item && PyBytes_AsStringAndSize(item, &p, NULL) == 0 ? p : NULL;
}

const char **strings_of(PyObject *tuple, size_t *n)
{
    const Py_ssize_t len = PyTuple_Size(tuple);
    *n = 0;
    if (len < 0)
        return NULL;
    const char **all = array_alloc((size_t)len + 1, sizeof *all);
    for (; all && *n < (size_t)len; ++*n) {
        all[*n] = bytes_at(tuple, (Py_ssize_t)*n);
        if (!all[*n]) {
            free(all);
            return NULL;
        }
    }
    return all;
}

bool options_set(const struct module *m, clv_options *options, void *params, PyObject *pairs)
{
    const Py_ssize_t n = PyTuple_Size(pairs);
    if (n < 0)
        return false;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *pair = PyTuple_GetItem(pairs, i);
        const char *name = pair ? bytes_at(pair, 0) : NULL;
        const char *text = name ? bytes_at(pair, 1) : NULL;
        if (!text)
            return false;
        const struct clv_option *o = clv_option_find(options, name);
        struct clv_error err;
        if (!o) {
            PyErr_Format(PyExc_TypeError, "unexpected keyword argument '%s'", name);
            return false;
        }
        if (!clv_option_set(o, params, text, &err)) {
            (void)error_raise(m, &err);
            return false;
        }
    }
    return true;
}

/* ---- calls back ---- */

/* Gives args, which it takes, to progress. With the interpreter's lock. */
static bool report(const struct work *w, PyObject *args)
{
    if (!args)
        return false;
    PyObject *answer = PyObject_CallObject(w->progress, args);
    Py_DECREF(args);
    const bool ok = answer && answer != Py_False;
    Py_XDECREF(answer);
    return ok;
}

static bool wanted(const struct work *w)
{
    return w->progress && w->progress != Py_None;
}

bool work_goes_on(void *user)
{
    struct work *w = user;
    work_end(w);
    const bool ok = PyErr_CheckSignals() == 0;
    work_begin(w);
    return ok;
}

bool work_count(uint64_t n, void *user)
{
    struct work *w = user;
    work_end(w);
    const bool ok = PyErr_CheckSignals() == 0 &&
                    (!wanted(w) || report(w, Py_BuildValue("(K)", (unsigned long long)n)));
    work_begin(w);
    return ok;
}

bool work_counts(uint64_t records, uint64_t bytes, void *user)
{
    struct work *w = user;
    work_end(w);
    const bool ok = PyErr_CheckSignals() == 0 &&
                    (!wanted(w) || report(w, Py_BuildValue("(KK)", (unsigned long long)records,
                                                           (unsigned long long)bytes)));
    work_begin(w);
    return ok;
}

/* Text that the library has written to buf, which is freed; NULL with an exception. */
static PyObject *take_text(char *buf, size_t len)
{
    PyObject *text = PyUnicode_DecodeUTF8(buf, (Py_ssize_t)len, "surrogateescape");
    free(buf);
    return text;
}

/* The result in JSON; NULL with MemoryError. */
static PyObject *split_text(const struct clv_split_params *p, const struct clv_split_result *r)
{
    const size_t cap = JSON + JSON_FAULT * p->max_faults;
    char *buf = array_alloc(cap, 1);
    if (!buf)
        return NULL;
    return take_text(buf, clv_split_json(p, r, buf, cap));
}

bool work_split(const struct clv_split_result *so_far, void *user)
{
    struct work *w = user;
    work_end(w);
    bool ok = PyErr_CheckSignals() == 0;
    if (ok && wanted(w)) {
        PyObject *text = split_text(w->params, so_far);
        ok = text && report(w, Py_BuildValue("(N)", text));
    }
    work_begin(w);
    return ok;
}

/* ---- functions ---- */

static const struct {
    const char *name;
    clv_options *options;
} tables[] = {
    {"split", clv_split_options},       {"index", clv_index_options},
    {"verify", clv_verify_options},     {"selection", clv_selection_options},
    {"synflood", clv_synflood_options}, {"traffic", clv_traffic_options},
    {"gather", clv_gather_options},
};

static PyObject *list_options(PyObject *self, PyObject *args)
{
    const char *which;
    clv_options *options = NULL;
    (void)self;
    if (!PyArg_ParseTuple(args, "s", &which))
        return NULL;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(which, tables[i].name) == 0)
            options = tables[i].options;
    if (!options)
        return PyErr_Format(PyExc_ValueError, "there is no table of options \"%s\"", which);
    PyObject *list = PyList_New(0);
    const struct clv_option *o;
    for (size_t i = 0; list && (o = options(i)); i++) {
        PyObject *row =
            Py_BuildValue("(sizzz)", o->name, (int)o->type, o->value, o->default_text, o->help);
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

static PyObject *run_split(const struct module *m, bool index, struct clv_split_params *p,
                           PyObject *progress)
{
    struct clv_split_result *result = calloc(1, sizeof *result);
    struct clv_error err = {.code = CLV_ERR_NONE};
    struct work w = {.m = m, .progress = progress, .params = p};
    PyObject *text = NULL;
    p->faults = calloc(FAULTS, sizeof *p->faults);
    p->max_faults = FAULTS;
    p->progress = work_split;
    p->user = &w;
    if (!result || !p->faults) {
        (void)PyErr_NoMemory();
    } else {
        work_begin(&w);
        const bool ok = index ? clv_index(p, result, &err) : clv_split(p, result, &err);
        work_end(&w);
        text = ok && !PyErr_Occurred() ? split_text(p, result) : error_raise(m, &err);
    }
    free(p->faults);
    p->faults = NULL;
    p->user = NULL;
    free(result);
    return text;
}

static PyObject *split(PyObject *self, PyObject *args)
{
    const struct module *m = PyModule_GetState(self);
    struct clv_split_params p = CLV_SPLIT_PARAMS_INIT;
    PyObject *inputs, *pairs, *progress, *text = NULL;
    int index;
    if (!PyArg_ParseTuple(args, "pO!O!O", &index, &PyTuple_Type, &inputs, &PyTuple_Type, &pairs,
                          &progress))
        return NULL;
    const char **paths = strings_of(inputs, &p.n_inputs);
    p.inputs = paths;
    if (paths && options_set(m, index ? clv_index_options : clv_split_options, &p, pairs))
        text = run_split(m, index, &p, progress);
    free(paths);
    return text;
}

/* The result in JSON; NULL with an exception. */
static PyObject *gather_text(const struct clv_gather_params *p, const struct clv_gather_result *r)
{
    const size_t cap = 6 * strlen(p->output) + JSON;
    char *buf = array_alloc(cap, 1);
    if (!buf)
        return NULL;
    return take_text(buf, clv_gather_json(p, r, buf, cap));
}

/* (results, options, progress) */
static PyObject *gather(PyObject *self, PyObject *args)
{
    const struct module *m = PyModule_GetState(self);
    struct clv_gather_params p = CLV_GATHER_PARAMS_INIT;
    struct clv_gather_result result;
    struct clv_error err = {.code = CLV_ERR_NONE};
    PyObject *results, *pairs, *progress, *text = NULL;
    if (!PyArg_ParseTuple(args, "O!O!O", &PyTuple_Type, &results, &PyTuple_Type, &pairs, &progress))
        return NULL;
    struct work w = {.m = m, .progress = progress};
    const char **paths = strings_of(results, &p.n_results);
    p.results = paths;
    if (paths && options_set(m, clv_gather_options, &p, pairs)) {
        p.progress = work_counts;
        p.user = &w;
        work_begin(&w);
        const bool ok = clv_gather(&p, &result, &err);
        work_end(&w);
        text = ok && !PyErr_Occurred() ? gather_text(&p, &result) : error_raise(m, &err);
    }
    free(paths);
    return text;
}

/* Faults that are found, by whatever thread. */
struct faults {
    pthread_mutex_t lock;
    struct clv_error *all;
    size_t n, cap;
    struct work *w;
};

static void note(const struct clv_error *fault, void *user)
{
    struct faults *f = user;
    (void)pthread_mutex_lock(&f->lock);
    if (f->n == f->cap && f->cap < FAULTS_LISTED) {
        const size_t cap = f->cap ? 2 * f->cap : 16;
        struct clv_error *all = realloc(f->all, cap * sizeof *all);
        if (all) {
            f->all = all;
            f->cap = cap;
        }
    }
    if (f->n < f->cap)
        f->all[f->n++] = *fault;
    (void)pthread_mutex_unlock(&f->lock);
}

static bool verify_goes_on(const struct clv_split_result *so_far, void *user)
{
    struct faults *f = user;
    return work_count(so_far->scanned_bytes, f->w);
}

static PyObject *verified(const struct module *m, const struct clv_verify_params *p,
                          const struct clv_verify_result *result, const struct faults *f)
{
    const size_t cap = 6 * strlen(p->output) + 4096;
    char *buf = array_alloc(cap, 1);
    PyObject *list = buf ? PyList_New(0) : NULL;
    for (size_t i = 0; list && i < f->n; i++) {
        PyObject *e = error_object(m, &f->all[i]);
        if (!e || PyList_Append(list, e) < 0)
            Py_CLEAR(list);
        Py_XDECREF(e);
    }
    PyObject *text = NULL;
    if (list) {
        const size_t len = clv_verify_json(p, result, buf, cap);
        text = PyUnicode_DecodeUTF8(buf, (Py_ssize_t)len, "surrogateescape");
    }
    free(buf);
    if (text)
        return Py_BuildValue("(NN)", text, list);
    Py_XDECREF(list);
    return NULL;
}

static PyObject *verify(PyObject *self, PyObject *args)
{
    const struct module *m = PyModule_GetState(self);
    struct clv_verify_params p = CLV_VERIFY_PARAMS_INIT;
    PyObject *inputs, *pairs, *progress, *done = NULL;
    if (!PyArg_ParseTuple(args, "yO!O!O", &p.output, &PyTuple_Type, &inputs, &PyTuple_Type, &pairs,
                          &progress))
        return NULL;
    struct work w = {.m = m, .progress = progress};
    struct faults faults = {.w = &w};
    struct clv_verify_result result;
    struct clv_error err = {.code = CLV_ERR_NONE};
    const char **paths = strings_of(inputs, &p.n_inputs);
    p.inputs = p.n_inputs ? paths : NULL;
    if (paths && options_set(m, clv_verify_options, &p, pairs)) {
        (void)pthread_mutex_init(&faults.lock, NULL);
        p.fault = note;
        p.progress = verify_goes_on;
        p.user = &faults;
        work_begin(&w);
        const bool ok = clv_verify(&p, &result, &err);
        work_end(&w);
        done = ok && !PyErr_Occurred() ? verified(m, &p, &result, &faults) : error_raise(m, &err);
        (void)pthread_mutex_destroy(&faults.lock);
    }
    free(faults.all);
    free(paths);
    return done;
}

static PyObject *generate_synflood(PyObject *self, PyObject *args)
{
    const struct module *m = PyModule_GetState(self);
    struct clv_synflood_params p = CLV_SYNFLOOD_PARAMS_INIT;
    const char *path;
    PyObject *pairs;
    uint64_t bytes = 0;
    struct clv_error err;
    if (!PyArg_ParseTuple(args, "yO!", &path, &PyTuple_Type, &pairs) ||
        !options_set(m, clv_synflood_options, &p, pairs))
        return NULL;
    struct work w = {.m = m};
    p.progress = work_count;
    p.user = &w;
    work_begin(&w);
    const bool ok = clv_generate_synflood(path, &p, &bytes, &err);
    work_end(&w);
    return ok ? PyLong_FromUnsignedLongLong(bytes) : error_raise(m, &err);
}

static PyObject *generate_traffic(PyObject *self, PyObject *args)
{
    const struct module *m = PyModule_GetState(self);
    struct clv_traffic_params p = CLV_TRAFFIC_PARAMS_INIT;
    const char *path;
    PyObject *pairs;
    uint64_t bytes = 0, packets = 0;
    struct clv_error err;
    p.skew = 100;
    if (!PyArg_ParseTuple(args, "yO!", &path, &PyTuple_Type, &pairs) ||
        !options_set(m, clv_traffic_options, &p, pairs))
        return NULL;
    struct work w = {.m = m};
    p.progress = work_count;
    p.user = &w;
    work_begin(&w);
    const bool ok = clv_generate_traffic(path, &p, &bytes, &packets, &err);
    work_end(&w);
    return ok ? Py_BuildValue("(KK)", (unsigned long long)bytes, (unsigned long long)packets)
              : error_raise(m, &err);
}

static PyObject *default_output(PyObject *self, PyObject *args)
{
    const char *input;
    char buf[512];
    int index;
    (void)self;
    if (!PyArg_ParseTuple(args, "py", &index, &input))
        return NULL;
    const size_t len = index ? clv_index_default_output(input, buf, sizeof buf)
                             : clv_split_default_output(input, buf, sizeof buf);
    return PyBytes_FromStringAndSize(buf, (Py_ssize_t)len);
}

static PyObject *tuple_hash(PyObject *self, PyObject *args)
{
    const struct module *m = PyModule_GetState(self);
    const char *text;
    struct clv_tuple t;
    struct clv_error err;
    if (!PyArg_ParseTuple(args, "y", &text))
        return NULL;
    if (!clv_tuple_parse(text, &t, &err))
        return error_raise(m, &err);
    return PyLong_FromUnsignedLongLong(clv_tuple_hash(&t));
}

static PyObject *features(PyObject *self, PyObject *args)
{
    char buf[1024];
    (void)self, (void)args;
    return PyUnicode_FromString(clv_features(buf, sizeof buf));
}

/* ---- the module ---- */

static PyObject *new_error(PyObject *module, const char *name, const char *doc, PyObject *bases)
{
    static const struct {
        const char *name, *text; /* NULL: None */
    } attributes[] = {
        {"code", "none"}, {"subject", ""},  {"what", ""},     {"hint", ""},
        {"errno", NULL},  {"offset", NULL}, {"record", NULL},
    };
    PyObject *type = PyErr_NewExceptionWithDoc(name, doc, bases, NULL);
    /* Who has bases has theirs. */
    for (size_t i = 0; type && !bases && i < sizeof attributes / sizeof *attributes; i++)
        if (!put(type, attributes[i].name,
                 attributes[i].text ? PyUnicode_FromString(attributes[i].text)
                                    : Py_NewRef(Py_None)))
            Py_CLEAR(type);
    if (type && PyModule_AddObjectRef(module, strrchr(name, '.') + 1, type) < 0)
        Py_CLEAR(type);
    return type;
}

static int fill(PyObject *module)
{
    struct module *m = PyModule_GetState(module);
    m->error = new_error(
        module, "cleave.Error",
        "What went wrong: str() is a sentence for people.\n\n"
        "code: \"arg\", \"io\", \"nomem\", \"format\", \"damage\", \"exists\", \"cancelled\", "
        "\"internal\",\n"
        "      \"unproven\" or \"option\"; stable.\n"
        "subject: the file, output or parameter concerned.\n"
        "offset: the byte in it, or None. record: the record there, from 1, or None.\n"
        "what: what was expected and found. hint: what to do next, or \"\".\n"
        "errno: of the system, or 0.",
        NULL);
    PyObject *bases = m->error ? PyTuple_Pack(2, m->error, PyExc_ValueError) : NULL;
    m->option_error =
        bases ? new_error(module, "cleave.OptionError",
                          "A parameter cannot be what it is: subject is its name.", bases)
              : NULL;
    Py_XDECREF(bases);
    m->record = m->option_error ? PyStructSequence_NewType(&record_desc) : NULL;
    if (!m->record || PyModule_AddObjectRef(module, "Record", (PyObject *)m->record) < 0)
        return -1;
    const struct {
        PyTypeObject **to;
        PyType_Spec *spec;
    } types[] = {
        {&m->array, &array_spec},     {&m->handle, &handle_spec}, {&m->table, &table_spec},
        {&m->packets, &packets_spec}, {&m->reader, &reader_spec}, {&m->batch, &batch_spec},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!(*types[i].to = module_type(module, types[i].spec)))
            return -1;
    return PyModule_AddStringConstant(module, "version", clv_version());
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    const struct module *m = PyModule_GetState(module);
    Py_VISIT(m->error);
    Py_VISIT(m->option_error);
    Py_VISIT(m->array);
    Py_VISIT(m->handle);
    Py_VISIT(m->table);
    Py_VISIT(m->packets);
    Py_VISIT(m->reader);
    Py_VISIT(m->batch);
    Py_VISIT(m->record);
    return 0;
}

static int clear_all(PyObject *module)
{
    struct module *m = PyModule_GetState(module);
    Py_CLEAR(m->error);
    Py_CLEAR(m->option_error);
    Py_CLEAR(m->array);
    Py_CLEAR(m->handle);
    Py_CLEAR(m->table);
    Py_CLEAR(m->packets);
    Py_CLEAR(m->reader);
    Py_CLEAR(m->batch);
    Py_CLEAR(m->record);
    return 0;
}

static PyMethodDef functions[] = {
    {"options", list_options, METH_VARARGS, NULL},
    {"split", split, METH_VARARGS, NULL},
    {"gather", gather, METH_VARARGS, NULL},
    {"verify", verify, METH_VARARGS, NULL},
    {"generate_synflood", generate_synflood, METH_VARARGS, NULL},
    {"generate_traffic", generate_traffic, METH_VARARGS, NULL},
    {"default_output", default_output, METH_VARARGS, NULL},
    {"tuple_hash", tuple_hash, METH_VARARGS, NULL},
    {"features", features, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, fill},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,  .m_name = "cleave._cleave", .m_size = sizeof(struct module),
    .m_methods = functions, .m_slots = slots,           .m_traverse = traverse,
    .m_clear = clear_all,
};

PyMODINIT_FUNC PyInit__cleave(void);

PyMODINIT_FUNC PyInit__cleave(void)
{
    return PyModuleDef_Init(&definition);
}
