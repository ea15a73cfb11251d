/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/mem.h"
#include "gather/gathering.h"

enum {
    TEXT_MAX = 256 << 10, /* bytes of rows that are written at a time */
    ASK = 1024,           /* rows between two questions whether to go on */
    SHOWN = 100,          /* bytes of a flow in messages */
};

static bool write_text(struct gathering *g, struct clv_error *err)
{
    const size_t len = g->text_len;
    g->text_len = 0;
    return io_write(g->manifest_fd, g->text, len, "the manifest", err);
}

bool rows_end(struct gathering *g, struct clv_error *err)
{
    const int fd = g->manifest_fd;
    if (!write_text(g, err))
        return false;
    g->manifest_fd = -1;
    return io_close(fd, "the manifest", err);
}

/* Room for a row; then text_len is to be set. */
static bool make_room(struct gathering *g, struct text *out, struct clv_error *err)
{
    if (TEXT_MAX - g->text_len < (size_t)2 * MANIFEST_ROW_MAX && !write_text(g, err))
        return false;
    *out = text_on(g->text + g->text_len, TEXT_MAX - g->text_len);
    return true;
}

bool rows_bad(const struct gathering *g, const char *what, struct clv_error *err)
{
    return clv_fail(err, CLV_ERR_FORMAT, g->path, "%s %llu: %s",
                    g->first->is_index ? "row" : "line", (unsigned long long)g->cells.line, what);
}

/* A whole number that the column has; 0 where there is none. */
static uint64_t number(const struct gathering *g, unsigned column)
{
    const char *const text = g->cells.text[column];
    return text ? strtoull(text, NULL, 10) : 0;
}

/* Below the part's directory, and nowhere else. */
static bool stays_inside(const char *name)
{
    for (const char *p = name;; p++) {
        const size_t len = strcspn(p, "/");
        if (len == 0 || p[0] == '.')
            return false;
        p += len;
        if (!*p)
            return true;
    }
}

/* A row's values in these columns by which flows are told apart. */
static void put_key(const struct cells *c, enum column_key key, bool src, struct text *out)
{
    for (unsigned i = 0; i < columns_n; i++) {
        if (columns_all[i].key != key || columns_all[i].src != src)
            continue;
        if (c->text[i])
            text_str(out, c->text[i]);
        text_char(out, ' ');
    }
}

/*
 * What tells the row's flow from all others, whichever end its first record came from. Parts of a
 * flow that is cut have the same.
 */
static void put_flow(const struct gathering *g, struct text *out)
{
    const struct cells *const c = &g->cells;
    char bufs[2][MANIFEST_ROW_MAX];
    struct text a = text_on(bufs[0], sizeof bufs[0]), b = text_on(bufs[1], sizeof bufs[1]);
    if (!c->text[FLOW_AT]) {
        text_str(out, "records that have no flow");
        return;
    }
    put_key(c, COLUMN_KEY, false, out);
    put_key(c, COLUMN_KEY_END, true, &a);
    put_key(c, COLUMN_KEY_END, false, &b);
    const char *const src = text_end(&a), *const dst = text_end(&b);
    const bool swap = !g->first->receipt.params.directed && !g->by.sided && strcmp(src, dst) > 0;
    text_str(out, swap ? dst : src);
    text_str(out, swap ? src : dst);
}

/* No other part has the flow. */
static bool check_flow(struct gathering *g, size_t part, struct clv_error *err)
{
    char buf[3 * MANIFEST_ROW_MAX];
    struct text flow = text_on(buf, sizeof buf - 1);
    bool is_new;
    put_flow(g, &flow);
    struct names_entry *const e =
        names_add(&g->flows, keyed_bytes(&g->key, flow.p, flow.len), &is_new);
    if (!e)
        return clv_fail_nomem(err, "flows", 2 * g->flows.cap * sizeof *g->flows.slots);
    if (is_new)
        e->number = (uint32_t)part;
    if (e->number == part)
        return true;
    while (flow.len && flow.p[flow.len - 1] == ' ')
        flow.len--;
    (void)clv_fail(err, CLV_ERR_UNPROVEN, g->all[part].path, "%.*s: also in %.80s",
                   (int)min_u64(flow.len, SHOWN), flow.p, g->all[e->number].path);
    return clv_fail_hint(err, g->cells.text[FLOW_AT]
                                  ? "make shards by a key that keeps flows whole, such as hostpair"
                                  : "put them into one part, or split with --no-other");
}

static void put_value(const struct gathering *g, const struct column *c, const char *value,
                      struct text *out)
{
    const struct column_value v = {.text = {.p = value, .len = strlen(value)}};
    const bool is_number = c->type == COLUMN_NUMBER || c->type == COLUMN_PORT;
    const enum column_type as = c->type == COLUMN_TEXT ? COLUMN_TEXT : COLUMN_WORD;
    if (g->cells.kind == CLV_MANIFEST_CSV)
        manifest_put_csv(as, &v, out);
    else if (is_number)
        text_str(out, value);
    else
        manifest_put_json(as, &v, out);
}

uint64_t rows_packets(const struct gathering *g)
{
    return number(g, g->packets_at[0]) + number(g, g->packets_at[1]);
}

uint64_t rows_renumbered(const struct gathering *g, unsigned column)
{
    return g->sum.flows + number(g, column);
}

/* The part's number in the column becomes that of the whole. */
static void renumber(struct gathering *g, unsigned column, char to[24])
{
    if (!g->cells.text[column])
        return;
    (void)snprintf(to, 24, "%llu", (unsigned long long)rows_renumbered(g, column));
    g->cells.text[column] = to;
}

void rows_name(const struct part *p, const char *file, char name[ROWS_NAME_MAX])
{
    (void)snprintf(name, ROWS_NAME_MAX, "%.*s%c%s", (int)p->name_len, p->name,
                   p->store.archived ? ':' : '/', file);
}

/* Outputs of flows are numbered from 1; a part of a flow has the number of the first one. */
static bool check_number(const struct gathering *g, uint64_t want)
{
    const uint64_t flow = number(g, FLOW_AT);
    return g->cells.text[g->output_at] ? number(g, g->output_at) == want && flow && flow <= want
                                       : flow == want;
}

/* The row as the whole's manifest has it. */
static bool put_row(struct gathering *g, const struct part *p, struct clv_error *err)
{
    struct cells *const c = &g->cells;
    const bool csv = c->kind == CLV_MANIFEST_CSV;
    char name[ROWS_NAME_MAX], flow[24], output[24];
    struct text out;
    const char *before = "{\"";
    if (!make_room(g, &out, err))
        return false;
    rows_name(p, c->text[FILE_AT], name);
    renumber(g, FLOW_AT, flow);
    renumber(g, g->output_at, output);
    c->text[FILE_AT] = name;
    for (unsigned i = 0; i < columns_n; i++) {
        if (csv && i && c->has[i])
            text_char(&out, ',');
        if (!csv && c->text[i]) {
            text_str(&out, before);
            text_str(&out, columns_all[i].name);
            text_str(&out, "\":");
            before = ",\"";
        }
        if (c->text[i])
            put_value(g, &columns_all[i], c->text[i], &out);
    }
    text_str(&out, csv ? "\n" : "}\n");
    if (out.full)
        return rows_bad(g, "is too long", err);
    g->text_len += out.len;
    return true;
}

/* Of CSV: the names of the columns, which are those of the first part. */
static bool put_head(struct gathering *g, size_t part, struct clv_error *err)
{
    const struct cells *const c = &g->cells;
    struct manifest m = {.kind = c->kind};
    struct text out;
    if (c->kind != CLV_MANIFEST_CSV)
        return true;
    for (unsigned k = 0; k < c->n; k++)
        m.columns[m.n_columns++] = &columns_all[c->order[k]];
    if (!make_room(g, &out, err))
        return false;
    manifest_head(&m, &out);
    if (&g->all[part] == g->first) {
        g->head_len = out.len;
        memcpy(g->head, out.p, min_u64(out.len, sizeof g->head));
        g->text_len += out.len;
    }
    return (out.len == g->head_len && memcmp(out.p, g->head, out.len) == 0) ||
           clv_fail(err, CLV_ERR_FORMAT, g->path, "has other columns than that of %.100s",
                    g->first->path);
}

bool rows_check(struct gathering *g, size_t part, struct clv_error *err)
{
    struct part *const p = &g->all[part];
    const struct cells *const c = &g->cells;
    const char *const name = c->text[FILE_AT];
    if (!name || !stays_inside(name) || strlen(name) > NAME_MAX_LEN)
        return rows_bad(g, "no name of an output", err);
    if (c->text[FLOW_AT] && !check_number(g, ++p->flows))
        return rows_bad(g, "its flow has the wrong number", err);
    if (!check_flow(g, part, err))
        return false;
    p->rows++;
    p->packets += rows_packets(g);
    return p->rows % ASK != 0 || !g->params.progress ||
           g->params.progress(g->sum.outputs + p->rows, g->sum.written_bytes + p->bytes,
                              g->params.user) ||
           clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
}

static bool add_row(struct gathering *g, size_t part, struct clv_error *err)
{
    struct part *const p = &g->all[part];
    uint64_t bytes;
    if (!rows_check(g, part, err) || !place_output(g, p, g->cells.text[FILE_AT], &bytes, err))
        return false;
    p->bytes += bytes;
    return put_row(g, p, err);
}

static unsigned column_at(const char *name)
{
    unsigned i = 0;
    while (i + 1 < columns_n && strcmp(columns_all[i].name, name) != 0)
        i++;
    return i;
}

void rows_columns(struct gathering *g)
{
    g->packets_at[0] = column_at("src_packets");
    g->packets_at[1] = column_at("dst_packets");
    g->output_at = column_at("output");
}

bool rows_begin(struct gathering *g, struct clv_error *err)
{
    const char *const name = manifest_file_name(g->first->receipt.params.manifest);
    g->text = mem_alloc(TEXT_MAX, 1);
    if (!g->text)
        return clv_fail_nomem(err, name, TEXT_MAX);
    g->manifest_fd = io_create_at(g->publish.fd, name, g->publish.mode, err);
    return g->manifest_fd >= 0;
}

bool rows_add(struct gathering *g, size_t part, struct clv_error *err)
{
    struct part *const p = &g->all[part];
    const enum clv_manifest kind = p->receipt.params.manifest;
    enum cells_step step = CELLS_BAD;
    if (!store_path(&p->store, manifest_file_name(kind), g->path, err))
        return false;
    bool ok = (!p->store.archived || place_archive(g, p, err)) &&
              cells_begin(&g->cells, &p->store, kind, g->path, err) && put_head(g, part, err);
    while (ok && (step = cells_next(&g->cells, err)) == CELLS_ROW)
        ok = add_row(g, part, err);
    cells_end(&g->cells, &p->store);
    return ok && step == CELLS_OVER;
}
