/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/listing.h"

#if HAVE_SQLITE

#include <string.h>

#include "table/schema.h"

static bool read_columns(struct rows *rows, sqlite3 *db, const char *path, struct clv_error *err)
{
    uint64_t has;
    if (!select_columns(db, path, &has, err))
        return false;
    for (unsigned i = 0; i < columns_n; i++)
        if (has >> i & 1)
            rows->columns[rows->n++] = &columns_all[i];
    return rows->n || clv_fail(err, CLV_ERR_FORMAT, path, "has no list of columns");
}

bool rows_open(struct rows *rows, sqlite3 *db, const struct clv_selection *selection,
               const char *path, struct clv_error *err)
{
    char buf[4096];
    struct text what = text_on(buf, sizeof buf);
    rows->n = 0;
    rows->sel = (struct select){.db = NULL};
    if (!read_columns(rows, db, path, err))
        return false;
    text_str(&what, "id");
    for (unsigned i = 0; i < rows->n; i++) {
        text_char(&what, ',');
        schema_name(&what, rows->columns[i]->name, "");
    }
    return select_begin(&rows->sel, db, text_end(&what), selection, true, path, err);
}

void rows_close(struct rows *rows)
{
    select_end(&rows->sel);
}

int rows_next(struct rows *rows, struct clv_error *err)
{
    return select_step(&rows->sel, err);
}

int64_t rows_id(const struct rows *rows)
{
    return sqlite3_column_int64(rows->sel.s, 0);
}

static bool has(const struct rows *rows, unsigned i)
{
    return sqlite3_column_type(rows->sel.s, (int)i + 1) != SQLITE_NULL;
}

bool rows_number(const struct rows *rows, unsigned i, int64_t *value)
{
    *value = sqlite3_column_int64(rows->sel.s, (int)i + 1);
    return has(rows, i) && schema_is_integer(rows->columns[i]->type);
}

const char *rows_value(struct rows *rows, unsigned i, size_t *len)
{
    struct text out = text_on(rows->text, sizeof rows->text);
    const int at = (int)i + 1;
    *len = 0;
    if (!has(rows, i))
        return NULL;
    if (!schema_is_integer(rows->columns[i]->type)) {
        const char *text = (const char *)sqlite3_column_text(rows->sel.s, at);
        *len = text ? (size_t)sqlite3_column_bytes(rows->sel.s, at) : 0;
        return text;
    }
    if (rows->columns[i]->type == COLUMN_TIME)
        text_time(&out, sqlite3_column_int64(rows->sel.s, at));
    else if (rows->columns[i]->type == COLUMN_SPAN)
        text_span(&out, sqlite3_column_int64(rows->sel.s, at));
    else
        text_u64(&out, (uint64_t)sqlite3_column_int64(rows->sel.s, at), 1);
    *len = out.len;
    return text_end(&out);
}

void rows_head(const struct rows *rows, enum clv_manifest kind, struct text *out)
{
    struct manifest m = {.kind = kind, .n_columns = rows->n};
    memcpy(m.columns, rows->columns, rows->n * sizeof *rows->columns);
    manifest_head(&m, out);
}

/* As the manifest's own values are written: what is no number is text, of whatever bytes. */
static bool take(struct rows *rows, unsigned i, enum column_type *type, struct column_value *v)
{
    int64_t number;
    const enum column_type own = rows->columns[i]->type;
    *type = COLUMN_TEXT;
    if (own != COLUMN_TIME && own != COLUMN_SPAN && rows_number(rows, i, &number)) {
        *type = COLUMN_NUMBER;
        v->number = (uint64_t)number;
        return true;
    }
    v->text.p = rows_value(rows, i, &v->text.len);
    return v->text.p != NULL;
}

static void csv_line(struct rows *rows, struct text *out)
{
    struct column_value v;
    enum column_type type;
    for (unsigned i = 0; i < rows->n; i++) {
        if (i)
            text_char(out, ',');
        if (take(rows, i, &type, &v))
            manifest_put_csv(type, &v, out);
    }
    text_str(out, "\n");
}

static void json_line(struct rows *rows, struct text *out)
{
    struct column_value v;
    enum column_type type;
    char before = '{';
    for (unsigned i = 0; i < rows->n; i++) {
        if (!take(rows, i, &type, &v))
            continue;
        text_char(out, before);
        text_char(out, '"');
        text_str(out, rows->columns[i]->name);
        text_str(out, "\":");
        manifest_put_json(type, &v, out);
        before = ',';
    }
    text_str(out, before == '{' ? "{}\n" : "}\n");
}

void rows_line(struct rows *rows, enum clv_manifest kind, struct text *out)
{
    if (kind == CLV_MANIFEST_JSONL)
        json_line(rows, out);
    else
        csv_line(rows, out);
}

#endif
