/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was gathered has the rows of one run over all captures, in another order: part by part, with
 * numbers and names of their own. So an output is sought by its row without these, and the manifest
 * is right if each row is that of one output and no other is left.
 */
#include "verify/directory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "manifest/manifest.h"
#include "manifest/name.h"
#include "output/publish.h"

enum { SHOWN = 48 };

/* A row of the manifest, and what stands in it. */
struct line {
    const char *p, *end; /* its end is after its line feed */
    char file[NAME_COMPONENT_MAX + NAME_MAX_LEN + 2];
    uint64_t flow;    /* 0: it has none */
    uint64_t number;  /* of the output; 0: it has no flow */
    struct text rest; /* without these */
    char own[MANIFEST_ROW_MAX];
};

/* The table is wrong, and that is told once. Returns true. */
CLV_PRINTF(2, 3) static bool tell_of(struct verify *v, const char *what, ...)
{
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    va_list args;
    va_start(args, what);
    (void)clv_fail_list(&fault, CLV_ERR_UNPROVEN, v->gathered.path, what, args);
    va_end(args);
    v->manifest_wrong = true;
    verify_tell(v, &fault);
    return true;
}

/* The text of a name, in quotes or not; *p is set after it. false: it has no end. */
static bool take_text(const char **p, const char *end, bool quoted, bool csv, char *to, size_t room)
{
    size_t n = 0;
    for (; *p < end && n + 1 < room; ++*p) {
        const bool ends = **p == (quoted ? '"' : ',');
        const bool doubled = ends && quoted && csv && *p + 1 < end && (*p)[1] == '"';
        if (ends && !doubled) {
            *p += quoted;
            to[n] = '\0';
            return n > 0;
        }
        if (doubled || (!csv && **p == '\\' && *p + 1 < end))
            ++*p;
        to[n++] = **p;
    }
    return false;
}

static uint64_t take_number(const char **p, const char *end)
{
    uint64_t n = 0;
    for (; *p < end && **p >= '0' && **p <= '9' && n < UINT64_MAX / 10 - 1; ++*p)
        n = 10 * n + (uint64_t)(**p - '0');
    return n;
}

static bool take(const char **p, const char *end, const char *word)
{
    const size_t len = strlen(word);
    if ((size_t)(end - *p) < len || memcmp(*p, word, len) != 0)
        return false;
    *p += len;
    return true;
}

/* The row's last values, from p on, without the number of its output. */
static bool keep(struct line *l, const char *p, const char *number, size_t len)
{
    const char *const after = number ? number + len : p;
    if (number)
        text_put(&l->rest, p, (size_t)(number - p));
    text_put(&l->rest, after, (size_t)(l->end - after));
    return !l->rest.full;
}

/* The value in column `at`, and the comma before it; NULL: there are not so many. */
static const char *find_cell(const char *p, const char *end, unsigned at)
{
    bool quoted = false;
    for (; p < end; p++) {
        quoted ^= *p == '"';
        if (*p == ',' && !quoted && --at == 0)
            return p;
    }
    return NULL;
}

static bool parse_csv(struct line *l, unsigned output)
{
    const char *p = l->p;
    const bool quoted = *p == '"';
    p += quoted;
    if (!take_text(&p, l->end, quoted, true, l->file, sizeof l->file) || !take(&p, l->end, ","))
        return false;
    l->flow = l->number = take_number(&p, l->end);
    if (!take(&p, l->end, ","))
        return false;
    if (!output)
        return keep(l, p, NULL, 0);
    const char *const cell = find_cell(l->p, l->end, output);
    if (!cell || cell < p)
        return false;
    const char *after = cell + 1;
    l->number = take_number(&after, l->end);
    return keep(l, p, cell, (size_t)(after - cell));
}

static bool parse_json(struct line *l, unsigned output)
{
    static const char name[] = ",\"output\":";
    const char *p = l->p;
    if (!take(&p, l->end, "{\"file\":\"") ||
        !take_text(&p, l->end, true, false, l->file, sizeof l->file) || !take(&p, l->end, ","))
        return false;
    if (take(&p, l->end, "\"flow\":")) {
        l->flow = l->number = take_number(&p, l->end);
        if (!take(&p, l->end, ","))
            return false;
    }
    text_char(&l->rest, '{');
    const char *cell = p; /* in a text its quotes would have backslashes */
    while (output && l->flow && cell < l->end && !take(&cell, l->end, name))
        cell++;
    if (!output || !l->flow || cell == l->end)
        return keep(l, p, NULL, 0);
    const char *after = cell;
    cell -= sizeof name - 1;
    l->number = take_number(&after, l->end);
    return keep(l, p, cell, (size_t)(after - cell));
}

/* The line at byte `at` of the manifest. */
static bool read_line(const struct verify *v, uint64_t at, struct line *l)
{
    const struct map *m = &v->gathered.map;
    l->p = (const char *)m->p + at;
    l->flow = l->number = 0;
    l->rest = text_on(l->own, sizeof l->own);
    const char *const end = (const char *)m->p + m->size;
    bool quoted = false;
    for (l->end = l->p; l->end < end && (quoted || *l->end != '\n'); l->end++)
        quoted ^= *l->end == '"' && v->job->params->manifest == CLV_MANIFEST_CSV;
    if (l->end == end)
        return false;
    l->end++;
    return v->job->params->manifest == CLV_MANIFEST_CSV ? parse_csv(l, v->gathered.output)
                                                        : parse_json(l, v->gathered.output);
}

/* The part that the row's output is in, which must be the one that comes next. */
static bool is_in_part(struct gathered *g, const struct line *l)
{
    for (; g->part < g->n_parts; g->part++) {
        const struct receipt_part *const part = &g->parts[g->part];
        const size_t len = strlen(part->name);
        if (g->in_part < part->outputs) {
            g->in_part++;
            g->flows_in_part += l->flow != 0;
            return strncmp(l->file, part->name, len) == 0 &&
                   (l->file[len] == '/' || l->file[len] == ':') && l->file[len + 1];
        }
        if (g->flows_in_part != part->flows)
            return false;
        g->in_part = g->flows_in_part = 0;
    }
    return false;
}

/* All parts have their rows. */
static bool are_all(const struct gathered *g)
{
    uint64_t outputs = 0;
    for (size_t i = 0; i < g->n_parts; i++)
        outputs += g->parts[i].outputs;
    return outputs == g->n &&
           (g->part == g->n_parts || g->flows_in_part == g->parts[g->part].flows);
}

/* Notes a row, by what it says of its output. */
static bool add_row(struct verify *v, uint64_t at, const struct line *l, struct clv_error *err)
{
    struct gathered *const g = &v->gathered;
    bool is_new;
    uint64_t *offsets = mem_reserve(g->offsets, &g->cap, g->n + 1, sizeof *offsets);
    if (offsets)
        g->offsets = offsets;
    struct names_entry *const e =
        offsets ? names_add(&g->rows, keyed_bytes(v->key, l->rest.p, l->rest.len), &is_new) : NULL;
    if (!e || g->n >= UINT32_MAX)
        return clv_fail_nomem(err, g->path, 2 * g->rows.cap * sizeof *g->rows.slots);
    g->offsets[g->n++] = at;
    if (!is_new)
        return tell_of(v, "row %llu is another one's, but for its file and number",
                       (unsigned long long)g->n);
    e->number = (uint32_t)(g->n - 1);
    if (l->flow && l->number != ++g->flows)
        return tell_of(v, "row %llu has another number than it should", (unsigned long long)g->n);
    return is_in_part(g, l) ||
           tell_of(v, "row %llu is not where the part's rows should be", (unsigned long long)g->n);
}

/* What a run over all captures says in the other columns. */
static struct manifest without_numbers(const struct verify *v, const struct manifest *m)
{
    struct manifest own = *m;
    own.kind = v->job->params->manifest; /* that of the run writes none */
    own.n_columns = 0;
    for (unsigned i = 0; i < m->n_columns; i++)
        if (!m->columns[i]->numbers)
            own.columns[own.n_columns++] = m->columns[i];
    return own;
}

/* Which of the columns numbers outputs, where flows have several; 0: none. */
static unsigned output_column(const struct manifest *m)
{
    for (unsigned i = 2; i < m->n_columns; i++)
        if (m->columns[i]->numbers)
            return i;
    return 0;
}

static bool read_head(struct verify *v, const struct findings *all, uint64_t *at)
{
    const struct map *const m = &v->gathered.map;
    char buf[COLUMNS_MAX * 32];
    struct text head = text_on(buf, sizeof buf);
    struct manifest own = *all->manifest;
    own.kind = v->job->params->manifest;
    manifest_head(&own, &head);
    *at = head.len;
    return head.len <= m->size && memcmp(m->p, head.p, head.len) == 0;
}

static bool map_manifest(struct verify *v, bool *there, struct clv_error *err)
{
    struct gathered *const g = &v->gathered;
    const char *const name = manifest_file_name(v->job->params->manifest);
    struct store_file f;
    if (!store_path(v->store, name, g->path, err))
        return false;
    const enum store_look look = store_file(v->store, name, g->path, &f);
    *there = look == STORE_HAS;
    v->manifest_wrong = !*there;
    if (look == STORE_OTHER)
        return true; /* verify_strays() reports it */
    if (look != STORE_HAS) {
        struct clv_error fault = {.offset = CLV_NO_OFFSET};
        (void)clv_fail_errno(&fault, g->path, "cannot be read");
        fault.code = CLV_ERR_UNPROVEN;
        verify_tell(v, &fault);
        return true;
    }
    const bool ok =
        store_map(&f, g->path, &g->map) || clv_fail_errno(err, g->path, "cannot be read");
    store_file_close(v->store, &f);
    return ok;
}

/* All flows are found: which rows there are. */
static bool begin(void *self, const struct findings *all, struct clv_error *err)
{
    struct verify *const v = self;
    struct line l;
    uint64_t at;
    bool there;
    if (!map_manifest(v, &there, err))
        return false;
    if (!there)
        return true;
    v->gathered.output = output_column(all->manifest);
    if (!read_head(v, all, &at))
        return tell_of(v, "names the wrong columns");
    while (at < v->gathered.map.size && !v->manifest_wrong) {
        if (!read_line(v, at, &l))
            return tell_of(v, "row %llu is not one that cleave writes",
                           (unsigned long long)v->gathered.n + 1);
        if (!add_row(v, at, &l, err))
            return false;
        at += (uint64_t)(l.end - l.p);
    }
    if (!v->manifest_wrong && !are_all(&v->gathered))
        return tell_of(v, "row %llu is not the last one of the parts that cleave.json has",
                       (unsigned long long)v->gathered.n);
    return map_check(&v->gathered.map, err);
}

/* An output that has no row: what it is, as a row would have it. */
static void tell_missing(struct verify *v, const struct text *row)
{
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    (void)clv_fail(&fault, CLV_ERR_UNPROVEN, v->gathered.path, "has no row with %.*s...",
                   (int)min_u64(row->len ? row->len - 1 : 0, SHOWN), row->p);
    verify_tell(v, &fault);
}

/* The row that says the same of a flow; *said is what it says. NULL: there is none. */
static struct names_entry *find_row(const struct verify *v, const struct findings *all,
                                    const struct manifest_entry *e, struct text *said)
{
    const struct manifest own = without_numbers(v, all->manifest);
    manifest_row(&own, e, said);
    return names_find(&v->gathered.rows, keyed_bytes(v->key, said->p, said->len));
}

/* A part of a flow has the number of the first one. */
static void check_number(struct verify *v, const struct findings *all, uint32_t part,
                         const struct manifest_entry *e, const struct line *l, uint32_t row)
{
    char buf[MANIFEST_ROW_MAX];
    struct text said = text_on(buf, sizeof buf);
    struct line first;
    uint64_t number = l->number;
    if (e->head != e->f) {
        const struct manifest_entry head = findings_entry(all, part, e->head->index);
        const struct names_entry *const known = find_row(v, all, &head, &said);
        if (!known || !read_line(v, v->gathered.offsets[known->number], &first))
            return; /* which is told of that */
        number = first.number;
    }
    if (l->flow && l->flow != number)
        (void)tell_of(v, "row %llu is part of flow %llu, and says %llu",
                      (unsigned long long)row + 1, (unsigned long long)number,
                      (unsigned long long)l->flow);
}

/* The output of the row that says the same of a flow. */
static bool output(void *self, const struct findings *all, uint32_t part, uint32_t flow,
                   struct clv_error *err)
{
    struct verify *const v = self;
    const struct manifest_entry e = findings_entry(all, part, flow);
    const struct partition *const p = &all->parts[part];
    char buf[MANIFEST_ROW_MAX];
    struct text said = text_on(buf, sizeof buf);
    struct line l;
    struct names_entry *const known = find_row(v, all, &e, &said);
    if (!known) {
        if (!v->manifest_wrong)
            tell_missing(v, &said);
        return true;
    }
    known->kind = true; /* each row is one output's */
    if (!read_line(v, v->gathered.offsets[known->number], &l))
        return true; /* it was read before */
    check_number(v, all, part, &e, &l, known->number);
    const struct proof_output o = {
        .name = l.file,
        .made = partition_name(p, flow),
        .row = known->number,
        .flow = e.f,
        .extra = e.extra,
        .dialect = all->dialect,
        .proof = flow_table_beside(&p->flows, e.f, FLOW_BESIDE_PROOF),
    };
    return verify_output(v, &o, err);
}

/* Rows that no output has. */
static bool end(void *self, const struct findings *all, struct clv_error *err)
{
    struct verify *const v = self;
    struct gathered *const g = &v->gathered;
    uint64_t first = UINT64_MAX;
    (void)all, (void)err;
    for (size_t i = 0; i < g->rows.cap; i++)
        if (g->rows.slots[i].used && !g->rows.slots[i].kind)
            first = min_u64(first, g->rows.slots[i].number);
    if (first < UINT64_MAX)
        (void)tell_of(v, "row %llu belongs to no output of these captures",
                      (unsigned long long)first + 1);
    return true;
}

static void fini(void *self)
{
    struct verify *const v = self;
    map_close(&v->gathered.map);
    names_fini(&v->gathered.rows);
    mem_free(v->gathered.offsets);
    v->gathered.offsets = NULL;
}

bool verify_parts(struct verify *v, struct clv_error *err)
{
    const char *const manifest = manifest_file_name(v->job->params->manifest);
    char name[NAME_COMPONENT_MAX + 64];
    for (size_t i = 0; i < v->store->n_parts; i++) {
        const char *const part = path_base(v->store->parts[i].path);
        if (!verify_may_be(v, part, STORE_PAGE, 0, err))
            return false;
        (void)snprintf(name, sizeof name, "%s:%s", part, manifest);
        if (!verify_may_be(v, name, STORE_MANIFEST, 0, err))
            return false;
        (void)snprintf(name, sizeof name, "%s:%s", part, PUBLISH_MARK);
        if (!verify_may_be(v, name, STORE_RECEIPT, 0, err))
            return false;
    }
    return true;
}

struct observer verify_gathered(struct verify *v)
{
    return (struct observer){.self = v, .begin = begin, .output = output, .end = end, .fini = fini};
}
