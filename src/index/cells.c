/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/cells.h"

#include "config.h"

#include <errno.h>
#include <string.h>

#if HAVE_JANSSON
#include <jansson.h>
#endif

static unsigned long long line_of(const struct cells *c)
{
    return c->line;
}

static bool fill(struct cells *c, size_t *got, struct clv_error *err)
{
    memmove(c->buf, c->buf + c->from, c->to - c->from);
    c->to -= c->from;
    c->from = 0;
    const ssize_t n = store_read(&c->file, c->at, c->buf + c->to, CELLS_BUFFER - c->to);
    if (n < 0)
        return clv_fail_errno(err, c->path, "cannot be read");
    *got = (size_t)n;
    c->to += *got;
    c->at += *got;
    return true;
}

/* The end of the next row: a line's that is not within quotes. 0: it is not in the buffer yet. */
static size_t find_end(struct cells *c, size_t *looked, bool *quoted)
{
    for (; c->from + *looked < c->to && *looked <= MANIFEST_ROW_MAX; ++*looked) {
        const char byte = c->buf[c->from + *looked];
        if (byte == '"' && c->kind == CLV_MANIFEST_CSV)
            *quoted = !*quoted;
        if (byte != '\n')
            continue;
        c->next_line++;
        if (!*quoted)
            return *looked + 1;
    }
    return 0;
}

/* The next row without its line end, which may be overwritten; *p NULL: there are no more. */
static bool next_line(struct cells *c, char **p, size_t *len, struct clv_error *err)
{
    size_t looked = 0, n, got = 1;
    bool quoted = false;
    *p = NULL;
    c->line = c->next_line;
    while (!(n = find_end(c, &looked, &quoted)) && looked <= MANIFEST_ROW_MAX && got)
        if (!fill(c, &got, err))
            return false;
    if (!n && looked > MANIFEST_ROW_MAX)
        return clv_fail(err, CLV_ERR_FORMAT, c->path, "line %llu: is longer than %d bytes",
                        line_of(c), MANIFEST_ROW_MAX);
    if (!n && looked) {
        (void)clv_fail(err, CLV_ERR_FORMAT, c->path, "line %llu: the file ends in this line",
                       line_of(c));
        return clv_fail_hint(err, "the manifest was cut off or edited: cleave verify says more");
    }
    if (!n)
        return true;
    *p = c->buf + c->from;
    c->from += n--;
    if (n && (*p)[n - 1] == '\r')
        n--;
    *len = n;
    return !memchr(*p, 0, n) ||
           clv_fail(err, CLV_ERR_FORMAT, c->path, "line %llu: contains a zero byte", line_of(c));
}

static bool bad_quotes(const struct cells *c, struct clv_error *err)
{
    return clv_fail(err, CLV_ERR_FORMAT, c->path, "line %llu: invalid quoting", line_of(c));
}

/* Takes a quoted cell's text from *p, where its first quote is, to *to, which is not after it. */
static bool unquote(char **to, char **p, const char *end)
{
    ++*p;
    while (*p < end) {
        if (**p == '"') {
            ++*p;
            if (*p == end || **p == ',')
                return true;
            if (**p != '"')
                return false;
        }
        *(*to)++ = *(*p)++;
    }
    return false;
}

/* Splits a row of CSV in place. */
static bool split(const struct cells *c, char *p, size_t len, char **cells, unsigned *n,
                  struct clv_error *err)
{
    const char *const end = p + len;
    char *to = p;
    bool more = true;
    for (*n = 0; more; ++*n) {
        if (*n == COLUMNS_MAX)
            return clv_fail(err, CLV_ERR_FORMAT, c->path, "line %llu: more than %d values",
                            line_of(c), COLUMNS_MAX);
        cells[*n] = to;
        if (p < end && *p == '"') {
            if (!unquote(&to, &p, end))
                return bad_quotes(c, err);
        } else {
            for (; p < end && *p != ','; p++) {
                if (*p == '"' || *p == '\r')
                    return bad_quotes(c, err);
                *to++ = *p;
            }
        }
        more = p++ < end;
        *to++ = '\0'; /* in the place of a comma or the line's end */
    }
    return true;
}

/* The column of this name, most likely the one that is number `next`; columns_n: there is none. */
static unsigned find_column(const char *name, unsigned next)
{
    for (unsigned k = 0; k < columns_n; k++) {
        const unsigned i = (next + k) % columns_n;
        if (strcmp(columns_all[i].name, name) == 0)
            return i;
    }
    return columns_n;
}

static bool unknown_column(const struct cells *c, const char *name, struct clv_error *err)
{
    return clv_fail(err, CLV_ERR_FORMAT, c->path, "line %llu: unknown column \"%.40s\"", line_of(c),
                    name);
}

/* The names of the columns, which are in the order that all manifests have. */
static bool read_head(struct cells *c, struct clv_error *err)
{
    char *p, *names[COLUMNS_MAX];
    size_t len;
    if (!next_line(c, &p, &len, err))
        return false;
    if (!p)
        return clv_fail(err, CLV_ERR_FORMAT, c->path, "is empty");
    if (!split(c, p, len, names, &c->n, err))
        return false;
    for (unsigned k = 0; k < c->n; k++) {
        const unsigned i = find_column(names[k], k ? c->order[k - 1] + 1 : 0);
        if (i == columns_n)
            return unknown_column(c, names[k], err);
        if (k && i <= c->order[k - 1])
            return clv_fail(err, CLV_ERR_FORMAT, c->path, "line 1: column %s is in the wrong place",
                            names[k]);
        c->order[k] = i;
        c->has[i] = true;
    }
    return true;
}

static bool csv_row(struct cells *c, char *p, size_t len, struct clv_error *err)
{
    char *texts[COLUMNS_MAX];
    unsigned n;
    if (!split(c, p, len, texts, &n, err))
        return false;
    if (n != c->n)
        return clv_fail(err, CLV_ERR_FORMAT, c->path, "line %llu: %u values for %u columns",
                        line_of(c), n, c->n);
    for (unsigned k = 0; k < n; k++)
        c->text[c->order[k]] = *texts[k] ? texts[k] : NULL;
    return true;
}

#if HAVE_JANSSON

/* Puts a member's value, a number or a string as its column has it, into the row. */
static bool take_member(struct cells *c, unsigned i, const json_t *v, struct text *own)
{
    const enum column_type type = columns_all[i].type;
    const bool is_number = type == COLUMN_NUMBER || type == COLUMN_PORT;
    if (is_number ? !json_is_integer(v) : !json_is_string(v))
        return false;
    c->has[i] = true;
    c->text[i] = own->p + own->len;
    if (is_number)
        text_i64(own, json_integer_value(v));
    else
        text_put(own, json_string_value(v), json_string_length(v));
    text_char(own, '\0');
    return !own->full && *c->text[i];
}

static bool take_members(struct cells *c, json_t *row, struct clv_error *err)
{
    struct text own = text_on(c->own, sizeof c->own);
    const char *name;
    json_t *v;
    unsigned next = 0;
    if (!json_is_object(row))
        return clv_fail(err, CLV_ERR_FORMAT, c->path, "line %llu: is not a JSON object",
                        line_of(c));
    json_object_foreach(row, name, v)
    {
        const unsigned i = find_column(name, next);
        if (i == columns_n)
            return unknown_column(c, name, err);
        if (!take_member(c, i, v, &own))
            return clv_fail(err, CLV_ERR_FORMAT, c->path, "line %llu: invalid value of %s",
                            line_of(c), name);
        next = i + 1;
    }
    return true;
}

static bool json_row(struct cells *c, const char *p, size_t len, struct clv_error *err)
{
    json_error_t why;
    json_t *row = json_loadb(p, len, JSON_REJECT_DUPLICATES, &why);
    if (!row)
        return clv_fail(err, CLV_ERR_FORMAT, c->path, "line %llu: %.100s", line_of(c), why.text);
    const bool ok = take_members(c, row, err);
    json_decref(row);
    return ok;
}

#else

/* Without it no receipt can be read, which comes first. */
static bool json_row(struct cells *c, const char *p, size_t len, struct clv_error *err)
{
    (void)p, (void)len;
    return clv_fail(err, CLV_ERR_INTERNAL, c->path, "there is no jansson");
}

#endif

bool cells_begin(struct cells *c, const struct store *s, enum clv_manifest kind, const char *path,
                 struct clv_error *err)
{
    *c = (struct cells){.path = path, .kind = kind, .next_line = 1, .file = {.fd = -1}};
    const enum store_look look = store_file(s, manifest_file_name(kind), path, &c->file);
    return store_has_table(look, s, path, err) && (kind != CLV_MANIFEST_CSV || read_head(c, err));
}

void cells_end(struct cells *c, const struct store *s)
{
    store_file_close(s, &c->file);
}

enum cells_step cells_next(struct cells *c, struct clv_error *err)
{
    char *p;
    size_t len;
    memset(c->text, 0, sizeof c->text);
    if (!next_line(c, &p, &len, err))
        return CELLS_BAD;
    if (!p)
        return CELLS_OVER;
    const bool ok =
        c->kind == CLV_MANIFEST_CSV ? csv_row(c, p, len, err) : json_row(c, p, len, err);
    return ok ? CELLS_ROW : CELLS_BAD;
}
