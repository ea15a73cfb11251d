/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/manifest.h"

#include <string.h>

#include "manifest/name.h"

const char *manifest_file_name(enum clv_manifest kind)
{
    switch (kind) {
    case CLV_MANIFEST_CSV:
        return "manifest.csv";
    case CLV_MANIFEST_JSONL:
        return "manifest.jsonl";
    case CLV_MANIFEST_SQLITE:
        return "manifest.db";
    default:
        return NULL;
    }
}

bool manifest_is_file(const char *name, size_t len)
{
    static const enum clv_manifest kinds[] = {CLV_MANIFEST_CSV, CLV_MANIFEST_JSONL,
                                              CLV_MANIFEST_SQLITE};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *own = manifest_file_name(kinds[i]);
        if (strlen(own) == len && memcmp(own, name, len) == 0)
            return true;
    }
    return false;
}

void manifest_head(const struct manifest *m, struct text *out)
{
    if (m->kind != CLV_MANIFEST_CSV)
        return;
    for (unsigned i = 0; i < m->n_columns; i++) {
        if (i)
            text_char(out, ',');
        text_str(out, m->columns[i]->name);
    }
    text_str(out, "\n");
}

static bool is_number(enum column_type type)
{
    return type == COLUMN_NUMBER || type == COLUMN_PORT;
}

static void put_proto(struct text *out, uint8_t proto)
{
    const char *name = name_of_proto(proto);
    if (name)
        text_str(out, name);
    else
        text_u64(out, proto, 1);
}

/* RFC 9293 section 3.1 and RFC 8311, from bit 0 up. */
static void put_flags(struct text *out, uint64_t flags)
{
    for (unsigned bit = 0; bit < 8; bit++)
        if (flags >> bit & 1)
            text_char(out, "FSRPAUEC"[bit]);
}

void manifest_put(enum column_type type, const struct column_value *v, struct text *out)
{
    switch (type) {
    case COLUMN_TEXT:
    case COLUMN_WORD:
        text_put(out, v->text.p, v->text.len);
        break;
    case COLUMN_NUMBER:
    case COLUMN_PORT:
        text_u64(out, v->number, 1);
        break;
    case COLUMN_PROTO:
        put_proto(out, (uint8_t)v->number);
        break;
    case COLUMN_FLAGS:
        put_flags(out, v->number);
        break;
    case COLUMN_TIME:
        text_time(out, v->time_ns);
        break;
    case COLUMN_SPAN:
        text_span(out, v->time_ns);
        break;
    case COLUMN_ADDRESS:
        text_addr(out, v->addr.bytes, v->addr.family, ':');
        break;
    case COLUMN_MAC:
        text_mac(out, v->mac, ':');
        break;
    }
}

void manifest_put_csv(enum column_type type, const struct column_value *v, struct text *out)
{
    if (type != COLUMN_TEXT || !strpbrk(v->text.p, ",\"\r\n")) {
        manifest_put(type, v, out);
        return;
    }
    text_char(out, '"');
    for (size_t i = 0; i < v->text.len; i++) {
        if (v->text.p[i] == '"')
            text_char(out, '"');
        text_char(out, v->text.p[i]);
    }
    text_char(out, '"');
}

void manifest_put_json(enum column_type type, const struct column_value *v, struct text *out)
{
    if (type == COLUMN_TEXT) {
        text_json(out, v->text.p, v->text.len);
        return;
    }
    if (is_number(type)) {
        manifest_put(type, v, out);
        return;
    }
    text_char(out, '"');
    manifest_put(type, v, out);
    text_char(out, '"');
}

static void csv_row(const struct manifest *m, const struct manifest_entry *e, struct text *out)
{
    struct column_value v;
    for (unsigned i = 0; i < m->n_columns; i++) {
        const struct column *c = m->columns[i];
        if (i)
            text_char(out, ',');
        if (c->get(&(struct column_of){c, m, e}, &v))
            manifest_put_csv(c->type, &v, out);
    }
    text_str(out, "\n");
}

static void jsonl_row(const struct manifest *m, const struct manifest_entry *e, struct text *out)
{
    const char *before = "{\"";
    struct column_value v;
    for (unsigned i = 0; i < m->n_columns; i++) {
        const struct column *c = m->columns[i];
        if (!c->get(&(struct column_of){c, m, e}, &v))
            continue;
        text_str(out, before);
        text_str(out, c->name);
        text_str(out, "\":");
        manifest_put_json(c->type, &v, out);
        before = ",\"";
    }
    text_str(out, "}\n");
}

void manifest_value(const struct manifest *m, const struct manifest_entry *e, const char *column,
                    struct text *out)
{
    struct column_value v;
    for (unsigned i = 0; i < m->n_columns; i++) {
        const struct column *c = m->columns[i];
        if (strcmp(c->name, column) == 0 && c->get(&(struct column_of){c, m, e}, &v))
            manifest_put(c->type, &v, out);
    }
}

void manifest_columns(const struct manifest *m, struct text *out)
{
    const char *before = "[\"";
    for (unsigned i = 0; i < m->n_columns; i++) {
        text_str(out, before);
        text_str(out, m->columns[i]->name);
        before = "\",\"";
    }
    text_str(out, "\"]");
}

void manifest_cells(const struct manifest *m, const struct manifest_entry *e, struct text *out)
{
    struct column_value v;
    for (unsigned i = 0; i < m->n_columns; i++) {
        const struct column *c = m->columns[i];
        text_char(out, i ? ',' : '[');
        if (c->get(&(struct column_of){c, m, e}, &v))
            manifest_put_json(c->type, &v, out);
        else
            text_str(out, "null");
    }
    text_char(out, ']');
}

void manifest_row(const struct manifest *m, const struct manifest_entry *e, struct text *out)
{
    if (m->kind == CLV_MANIFEST_CSV)
        csv_row(m, e, out);
    else
        jsonl_row(m, e, out);
}
