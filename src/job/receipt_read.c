/* SPDX-License-Identifier: BSD-2-Clause */
#include "job/receipt_read.h"

#include "base/fail.h"
#include "base/io.h"
#include "base/mem.h"
#include "config.h"
#include "output/publish.h"

#if HAVE_JANSSON

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleave/version.h"
#include "job/counts.h"
#include "job/options.h"

enum {
    RECEIPT_MAX = 16 << 20,      /* bytes of a receipt whose inputs are not known */
    RECEIPT_MAX_INPUT = 8 << 10, /* and for each that is */
    VALUES_MAX = 1 << 18,        /* of a receipt of any length */
    BYTES_PER_VALUE = 16,        /* at least, where it has more: they take more memory than text */
    DIFFERENCES_MAX = 16,        /* that are reported */
};

/* Versions whose receipts are as those of this one. */
static bool knows_version(const char *version)
{
    return strcmp(version, clv_version()) == 0;
}

/* What options_words() has. */
static bool take_word(struct clv_split_params *params, const struct clv_option *o, const json_t *v)
{
    uint64_t i;
    return json_is_string(v) && value_find_word(options_words(o), json_string_value(v), &i) &&
           value_store(o, params, i);
}

/* A member of the options; is_named: it has the name of its option, and no suffix. */
static bool take_option(struct clv_split_params *params, const struct clv_option *o, bool is_named,
                        const json_t *v)
{
    const json_int_t n = json_integer_value(v);
    switch (o->type) {
    case CLV_OPTION_TEXT:
    case CLV_OPTION_LIST:
        value_store_text(o, params, json_string_value(v));
        return json_is_string(v);
    case CLV_OPTION_BOOL:
    case CLV_OPTION_NOT:
        return json_is_boolean(v) &&
               value_store(o, params, json_is_true(v) == (o->type == CLV_OPTION_BOOL));
    case CLV_OPTION_WORD:
        return take_word(params, o, v);
    case CLV_OPTION_EVERY:
        if (is_named)
            return take_word(params, o, v);
        value_store_amount(o, params, (uint64_t)n);
        return json_is_integer(v) && n >= 0;
    case CLV_OPTION_TIME: /* which is there as text too, for people */
        return is_named || (json_is_integer(v) && value_store(o, params, (uint64_t)n));
    default:
        return json_is_integer(v) && n >= 0 && value_store(o, params, (uint64_t)n);
    }
}

/* An option that is not known here would be left out, and what it did be called a fault. */
static bool read_options(struct clv_receipt *r, json_t *from, struct clv_error *err)
{
    const char *name;
    json_t *v;
    json_object_foreach(from, name, v)
    {
        bool is_named;
        const struct clv_option *const o = options_of_key(name, &is_named);
        if (!o)
            return clv_fail(err, CLV_ERR_FORMAT, r->path,
                            "option \"%.40s\" is unknown to this version of cleave", name);
        if (!take_option(&r->params, o, is_named, v))
            return clv_fail(err, CLV_ERR_FORMAT, r->path, "option \"%.40s\" has an invalid value",
                            name);
    }
    return true;
}

static bool read_inputs(struct clv_receipt *r, const json_t *from, struct clv_error *err)
{
    const size_t n = json_array_size(from);
    if (n == 0)
        return clv_fail(err, CLV_ERR_FORMAT, r->path, "it names no inputs");
    const char **files = mem_zalloc(n, sizeof *files);
    r->params.inputs = files;
    r->inputs = mem_zalloc(n, sizeof *r->inputs);
    if (!files || !r->inputs)
        return clv_fail_nomem(err, r->path, n * sizeof *r->inputs);
    r->params.n_inputs = n;
    for (size_t i = 0; i < n; i++) {
        const json_t *input = json_array_get(from, i);
        const json_t *bytes = json_object_get(input, "bytes");
        files[i] = json_string_value(json_object_get(input, "file"));
        if (!files[i] || !json_is_integer(bytes))
            return clv_fail(err, CLV_ERR_FORMAT, r->path, "input %zu has no name or size", i + 1);
        r->inputs[i] = (struct clv_receipt_input){
            .file = files[i],
            .bytes = (uint64_t)json_integer_value(bytes),
            .compression = json_string_value(json_object_get(input, "compression")),
            .records = (uint64_t)json_integer_value(json_object_get(input, "records")),
            .left_out = json_string_value(json_object_get(input, "left_out")),
        };
    }
    return true;
}

/* Of what was gathered: which results. */
static bool read_parts(struct clv_receipt *r, const json_t *from, struct clv_error *err)
{
    const size_t n = json_array_size(from);
    if (!from)
        return true;
    if (n == 0)
        return clv_fail(err, CLV_ERR_FORMAT, r->path, "it was gathered of nothing");
    r->parts = mem_zalloc(n, sizeof *r->parts);
    if (!r->parts)
        return clv_fail_nomem(err, r->path, n * sizeof *r->parts);
    for (r->n_parts = 0; r->n_parts < n; r->n_parts++) {
        const json_t *part = json_array_get(from, r->n_parts);
        const char *const name = json_string_value(json_object_get(part, "part"));
        if (!name || !*name || *name == '.' || strchr(name, '/'))
            return clv_fail(err, CLV_ERR_FORMAT, r->path, "part %zu has no name", r->n_parts + 1);
        r->parts[r->n_parts] = (struct receipt_part){
            .name = name,
            .flows = (uint64_t)json_integer_value(json_object_get(part, "flows")),
            .outputs = (uint64_t)json_integer_value(json_object_get(part, "outputs")),
        };
    }
    return true;
}

/* The first capture that was damaged or left out, which is what is said of all; counts them. */
static const char *read_faulty(struct clv_split_result *r, const json_t *inputs)
{
    const char *first = NULL;
    for (size_t i = 0; i < json_array_size(inputs); i++) {
        const json_t *const input = json_array_get(inputs, i);
        const bool faulty =
            json_is_object(json_object_get(input, "damage")) || json_object_get(input, "left_out");
        if (faulty && !first)
            first = json_string_value(json_object_get(input, "file"));
        r->faulty += faulty;
    }
    return first ? first : "a capture";
}

static void read_result(struct clv_split_result *r, const json_t *from)
{
    const char *const faulty = read_faulty(r, json_object_get(from, "inputs"));
    const json_t *const damage = json_object_get(from, "damage");
    const json_t *const byte = json_object_get(damage, "byte");
    const char *what = json_string_value(json_object_get(damage, "what"));
    r->damage.offset = CLV_NO_OFFSET;
    for (const struct counts_row *row = counts_rows; row->name; row++) {
        const json_t *const group = row->group ? json_object_get(from, row->group) : from;
        if (row->in & (COUNTS_RECEIPT | COUNTS_ALONE))
            counts_set(r, row, (uint64_t)json_integer_value(json_object_get(group, row->name)));
    }
    r->written_bytes = (uint64_t)json_integer_value(json_object_get(from, "written_bytes"));
    if (!json_is_object(damage))
        return;
    (void)clv_fail(&r->damage, CLV_ERR_DAMAGE, faulty, "%s", what ? what : "");
    (void)clv_fail_at(&r->damage,
                      json_is_integer(byte) ? (uint64_t)json_integer_value(byte) : CLV_NO_OFFSET,
                      (uint64_t)json_integer_value(json_object_get(damage, "record")));
}

/* The text of the receipt; NULL: *err. */
static char *read_text(const char *path, int fd, uint64_t from, uint64_t size, size_t n_named,
                       size_t *len, struct clv_error *err)
{
    const uint64_t max = RECEIPT_MAX + (uint64_t)n_named * RECEIPT_MAX_INPUT;
    char *text = NULL;
    *len = 0;
    if (size > max) {
        (void)clv_fail(err, CLV_ERR_FORMAT, path,
                       "has %llu bytes, but the record of a run has at most %llu",
                       (unsigned long long)size, (unsigned long long)max);
        (void)clv_fail_hint(err, "if it was split from very many captures, name them all");
    } else if (!(text = mem_alloc((size_t)size + 1, 1))) {
        (void)clv_fail_nomem(err, path, (size_t)size);
    }
    const ssize_t n = text ? io_read_at(fd, text, (size_t)size, from) : 0;
    if (n < 0) {
        (void)clv_fail_errno(err, path, "cannot be read");
        mem_free(text);
        return NULL;
    }
    *len = (size_t)n;
    return text;
}

static bool parse(struct clv_receipt *r, const char *text, size_t len, struct clv_error *err)
{
    json_error_t why;
    size_t values = 0;
    for (size_t i = 0; i < len; i++)
        values += text[i] == ',' || text[i] == '[' || text[i] == '{';
    if (values > VALUES_MAX && values > len / BYTES_PER_VALUE)
        return clv_fail(err, CLV_ERR_FORMAT, r->path,
                        "has %zu values in %zu bytes: not the record of a run", values, len);
    r->json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (!r->json)
        return clv_fail(err, CLV_ERR_FORMAT, r->path, "line %d: %.100s", why.line, why.text);
    return true;
}

bool receipt_take(struct clv_receipt *r, const char *path, const char *text, size_t len,
                  struct clv_error *err)
{
    *r = (struct clv_receipt){.params = CLV_SPLIT_PARAMS_INIT};
    (void)snprintf(r->path, sizeof r->path, "%s", path);
    if (!parse(r, text, len, err))
        return false;
    json_t *settings = json_object_get(r->json, "options");
    r->version = json_string_value(json_object_get(r->json, "cleave"));
    r->digest = json_string_value(json_object_get(r->json, "records_digest"));
    read_result(&r->result, r->json);
    if (!json_is_object(settings))
        return clv_fail(err, CLV_ERR_FORMAT, r->path, "it names no options");
    r->part =
        json_is_true(json_object_get(settings, "each")) && json_object_get(settings, "format");
    return read_options(r, settings, err) &&
           read_inputs(r, json_object_get(r->json, "inputs"), err) &&
           read_parts(r, json_object_get(r->json, "gathered"), err);
}

bool receipt_read_part(struct clv_receipt *r, const char *path, int fd, uint64_t from,
                       uint64_t size, size_t n_named, struct clv_error *err)
{
    size_t len;
    *r = (struct clv_receipt){.json = NULL};
    char *text = read_text(path, fd, from, size, n_named, &len, err);
    const bool ok = text && receipt_take(r, path, text, len, err);
    mem_free(text);
    return ok;
}

/* Nothing is waited for, no link is followed. */
bool receipt_read(struct clv_receipt *r, const char *dir, size_t n_named, struct clv_error *err)
{
    char path[PATH_MAX];
    struct stat st;
    bool ok = false;
    *r = (struct clv_receipt){.json = NULL};
    const int n = snprintf(path, sizeof path, "%s/%s", dir, PUBLISH_MARK);
    if (n < 0 || (size_t)n >= sizeof path)
        return clv_fail(err, CLV_ERR_ARG, dir, "its path is too long");
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno != ELOOP && errno != ENXIO) {
        (void)clv_fail_errno(err, path, "cannot be read");
        return clv_fail_hint(err, "only an output of cleave split can be verified");
    }
    if (fd >= 0 && fstat(fd, &st) != 0)
        (void)clv_fail_errno(err, path, "cannot be examined");
    else if (fd < 0 || !S_ISREG(st.st_mode))
        (void)clv_fail(err, CLV_ERR_ARG, path, "is not a regular file");
    else
        ok = receipt_read_part(r, path, fd, 0, (uint64_t)st.st_size, n_named, err);
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

void receipt_fini(struct clv_receipt *r)
{
    mem_free((void *)(uintptr_t)r->params.inputs);
    mem_free(r->inputs);
    mem_free(r->parts);
    json_decref(r->json);
    *r = (struct clv_receipt){.json = NULL};
}

struct comparing {
    receipt_difference *report;
    void *user;
    unsigned n;
};

CLV_PRINTF(2, 3) static void differ(struct comparing *c, const char *fmt, ...)
{
    char what[160];
    va_list args;
    if (c->n++ >= DIFFERENCES_MAX)
        return;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    c->report(what, c->user);
}

/* A value in a few characters. */
static void put_value(char to[56], const json_t *v)
{
    if (json_is_object(v) || json_is_array(v)) {
        (void)snprintf(to, 56, "%s of %zu", json_is_array(v) ? "an array" : "an object",
                       json_is_array(v) ? json_array_size(v) : json_object_size(v));
    } else if (json_is_string(v)) {
        (void)snprintf(to, 56, "\"%.48s\"", json_string_value(v));
    } else if (json_is_integer(v)) {
        (void)snprintf(to, 56, "%lld", (long long)json_integer_value(v));
    } else if (json_is_real(v)) {
        (void)snprintf(to, 56, "%.17g", json_real_value(v));
    } else {
        (void)snprintf(to, 56, "%s",
                       json_is_true(v)    ? "true"
                       : json_is_false(v) ? "false"
                                          : "null");
    }
}

/* true: why a file is no capture may show bytes of it, and it may be any file. */
static bool may_show(const char *where)
{
    return strstr(where, "left_out") || strstr(where, "damage.what");
}

/* where is what leads to the values, "" at first. As deep as the receipt that it should be. */
static void compare(struct comparing *c, const char *where, json_t *have, json_t *want)
{
    char at[96];
    const char *const dot = *where ? "." : "";
    const char *name;
    json_t *v;
    if (json_is_object(want) && json_is_object(have)) {
        json_object_foreach(want, name, v)
        {
            json_t *const other = json_object_get(have, name);
            (void)snprintf(at, sizeof at, "%.40s%s%.40s", where, dot, name);
            if (other)
                compare(c, at, other, v);
            else
                differ(c, "%s is missing", at);
        }
        json_object_foreach(have, name, v) if (!json_object_get(want, name))
            differ(c, "%.40s%s%.40s does not belong there", where, dot, name);
    } else if (json_is_array(want) && json_is_array(have) &&
               json_array_size(want) == json_array_size(have)) {
        for (size_t i = 0; i < json_array_size(want); i++) {
            (void)snprintf(at, sizeof at, "%.60s.%zu", where, i + 1);
            compare(c, at, json_array_get(have, i), json_array_get(want, i));
        }
    } else if (!json_equal(want, have) && may_show(where)) {
        differ(c, "%.40s is another", where);
    } else if (!json_equal(want, have)) {
        char is[56], should[56];
        put_value(is, have);
        put_value(should, want);
        differ(c, "%.40s is %s, and should be %s", where, is, should);
    }
}

bool receipt_compare(const struct clv_receipt *r, const char *text, size_t len,
                     receipt_difference *report, void *user, struct clv_error *err)
{
    struct comparing c = {.report = report, .user = user};
    json_error_t why;
    json_t *want = json_loadb(text, len, 0, &why);
    if (!want)
        return clv_fail_nomem(err, r->path, len);
    if (r->version && knows_version(r->version))
        (void)json_object_set_new(want, "cleave", json_string(r->version));
    compare(&c, "", r->json, want);
    json_decref(want);
    return true;
}

void receipt_compare_options(const struct clv_receipt *r, const struct clv_receipt *other,
                             receipt_difference *report, void *user)
{
    struct comparing c = {.report = report, .user = user};
    compare(&c, "options", json_object_get(r->json, "options"),
            json_object_get(other->json, "options"));
}

/* The first capture that was read; NULL: none was. */
static const json_t *first_input(const struct clv_receipt *r)
{
    const json_t *const all = json_object_get(r->json, "inputs");
    size_t i = 0;
    while (i < r->params.n_inputs && r->inputs[i].left_out)
        i++;
    return json_array_get(all, i);
}

bool receipt_same_heads(const struct clv_receipt *r, const struct clv_receipt *other)
{
    static const char *const of_heads[] = {"format", "byte_order", "resolution", "linktype"};
    const json_t *const a = first_input(r), *const b = first_input(other);
    if (r->params.format != CLV_FORMAT_INPUT)
        return true;
    for (size_t i = 0; i < sizeof of_heads / sizeof *of_heads; i++)
        if (!json_equal(json_object_get(a, of_heads[i]), json_object_get(b, of_heads[i])))
            return false;
    return true;
}

void receipt_compare_part(const struct clv_receipt *r, const struct clv_receipt *part,
                          receipt_difference *report, void *user)
{
    struct comparing c = {.report = report, .user = user};
    json_t *want = json_copy(json_object_get(part->json, "options"));
    (void)json_object_del(want, "format"); /* of the part's inputs: the whole has none */
    compare(&c, "options", json_object_get(r->json, "options"), want);
    json_decref(want);
}

#else

bool receipt_read(struct clv_receipt *r, const char *dir, size_t n_named, struct clv_error *err)
{
    (void)n_named;
    *r = (struct clv_receipt){.json = NULL};
    (void)clv_fail(err, CLV_ERR_ARG, dir, "cannot be verified: built without jansson");
    return clv_fail_hint(err, "install libjansson-dev and build again");
}

bool receipt_read_part(struct clv_receipt *r, const char *path, int fd, uint64_t from,
                       uint64_t size, size_t n_named, struct clv_error *err)
{
    (void)fd;
    (void)from;
    (void)size;
    return receipt_read(r, path, n_named, err);
}

bool receipt_take(struct clv_receipt *r, const char *path, const char *text, size_t len,
                  struct clv_error *err)
{
    (void)text;
    (void)len;
    return receipt_read(r, path, 0, err);
}

void receipt_fini(struct clv_receipt *r)
{
    (void)r;
}

bool receipt_compare(const struct clv_receipt *r, const char *text, size_t len,
                     receipt_difference *report, void *user, struct clv_error *err)
{
    (void)r;
    (void)text;
    (void)len;
    (void)report;
    (void)user;
    (void)err;
    return true;
}

bool receipt_same_heads(const struct clv_receipt *r, const struct clv_receipt *other)
{
    (void)r;
    (void)other;
    return true;
}

void receipt_compare_options(const struct clv_receipt *r, const struct clv_receipt *other,
                             receipt_difference *report, void *user)
{
    receipt_compare_part(r, other, report, user);
}

void receipt_compare_part(const struct clv_receipt *r, const struct clv_receipt *part,
                          receipt_difference *report, void *user)
{
    (void)r;
    (void)part;
    (void)report;
    (void)user;
}

#endif
