/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/port.h"
#include "flow/service.h"
#include "manifest/name.h"
#include "page.h"
#include "report/headline.h"

enum {
    BUF = 1 << 20,             /* bytes that are written at a time */
    TEXT_MAX = 1 << 20,        /* bytes of a JSON text; figures are at most so many */
    INPUTS_MAX = 1 << 17,      /* of which inputs have so many, but for the last one */
    NAMES_MAX = 12 * PATH_MAX, /* and paths as HTML, ... */
    TOTALS_MAX = 4096,         /* ... and totals */
    LED_MAX = 1 << 18,         /* and what led to what, with a name of each group */
};

/* Where a directory is, which need not be there yet, but for its last component. */
static bool resolve(char to[PATH_MAX], const char *dir)
{
    char plain[PATH_MAX], parent[PATH_MAX], above[PATH_MAX];
    size_t len = (size_t)snprintf(plain, sizeof plain, "%s", dir);
    while (len > 1 && len < sizeof plain && plain[len - 1] == '/')
        plain[--len] = '\0';
    if (len >= sizeof plain)
        return false;
    if (realpath(plain, to))
        return true;
    path_parent(parent, plain);
    if (errno != ENOENT || !realpath(parent, above))
        return false;
    const int n = snprintf(to, PATH_MAX, "%s%s%s", above, above[1] ? "/" : "", path_base(plain));
    return n > 0 && n < PATH_MAX;
}

/* Where the page and the outputs are going to be. */
struct places {
    char page[PATH_MAX], output[PATH_MAX]; /* directories, from the root */
    bool inside;                           /* the same */
};

static bool find_places(struct places *p, const struct clv_split_params *params)
{
    char parent[PATH_MAX];
    if (strlen(params->report) >= sizeof parent)
        return false;
    path_parent(parent, params->report);
    if (!resolve(p->page, parent) || !resolve(p->output, params->output))
        return false;
    p->inside = strcmp(p->page, p->output) == 0;
    return true;
}

/* A path as a URL has it (RFC 3986 section 2.3). */
static void put_url(struct text *t, const char *path)
{
    for (; *path; path++) {
        const unsigned char c = (unsigned char)*path;
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            strchr("-._~/", c)) {
            text_char(t, (char)c);
        } else {
            text_char(t, '%');
            text_hex(t, c, 2);
        }
    }
}

/* Up to what both directories have in common, and down. */
static void settle_links(struct report *r, const struct places *p)
{
    struct text t = text_on(r->links, sizeof r->links);
    size_t common = 0;
    for (size_t i = 0;; i++) {
        const bool from_ends = p->page[i] == '/' || p->page[i] == '\0';
        const bool to_ends = p->output[i] == '/' || p->output[i] == '\0';
        if (from_ends && to_ends)
            common = i;
        if (p->page[i] != p->output[i] || p->page[i] == '\0')
            break;
    }
    for (const char *at = p->page + common; (at = strchr(at, '/')) != NULL && at[1]; at++)
        text_str(&t, "../");
    const char *down = p->output + common;
    down += *down == '/';
    put_url(&t, down);
    if (*down)
        text_char(&t, '/');
    (void)text_end(&t);
    r->has_links = true;
}

static bool check_places(const struct places *p, const struct clv_split_params *params,
                         struct clv_error *err)
{
    const char *const path = params->report, *const base = path_base(path);
    char page[PATH_MAX];
    const int n = snprintf(page, sizeof page, "%s%s%s", p->page, p->page[1] ? "/" : "", base);
    if (n < 0 || (size_t)n >= sizeof page)
        return clv_fail(err, CLV_ERR_ARG, path, "its path is too long");
    const bool below = path_is_below(page, p->output) || strcmp(page, p->output) == 0;
    if (params->dry_run && p->inside)
        return clv_fail(err, CLV_ERR_ARG, path,
                        "is inside the output, which a dry run does not make");
    if (below && !p->inside)
        return clv_fail(err, CLV_ERR_ARG, path, "is in the place of the output's own files");
    if (p->inside && (name_reserved(base, strlen(base)) || !text_is_utf8(base)))
        return clv_fail(err, CLV_ERR_ARG, path, "cannot be put among the output's own files");
    return true;
}

void report_none(struct report *r)
{
    *r = (struct report){.fd = -1, .like = -1};
    publish_none(&r->file);
}

/* Not among the outputs. */
static bool open_beside(struct report *r, struct clv_split_result *result, struct clv_error *err)
{
    const struct clv_split_params *const params = r->params;
    const unsigned mode = params->mode ? params->mode : IO_MODE;
    if (!publish_file_open(&r->file, params->report, mode, &r->page, params->clean, &r->fd, err))
        return false;
    if (r->file.n_stale)
        (void)snprintf(result->stale_path, sizeof result->stale_path, "%.255s", r->file.stale);
    result->stale += r->file.n_stale;
    return true;
}

bool report_open(struct report *r, const struct clv_split_params *params,
                 const struct publish *publish, struct clv_split_result *result,
                 struct clv_error *err)
{
    struct places p;
    report_none(r);
    r->params = params;
    r->page = (struct publish_file){.option = "report",
                                    .what = "cleave report",
                                    .replaces = params->force,
                                    .is_ours = made_is_page};
    if (!publish_file_named(&r->page, params->report, err))
        return false;
    if (params->each)
        return clv_fail(err, CLV_ERR_OPTION, "report",
                        "describes one run, and cannot be combined with --each");
    if (!find_places(&p, params)) {
        (void)clv_fail_errno(err, params->report, "cannot be created");
        return clv_fail_hint(err, "its parent directory must exist and be writable");
    }
    if (!check_places(&p, params, err))
        return false;
    if (publish)
        settle_links(r, &p);
    if (!publish || !p.inside)
        return open_beside(r, result, err);
    r->inside = path_base(params->report);
    r->fd = io_create_at(publish->fd, r->inside, publish->mode, err);
    return r->fd >= 0;
}

void report_open_like(struct report *r, const struct clv_split_params *params, int fd,
                      uint64_t from, uint64_t size)
{
    report_none(r);
    r->params = params;
    r->like = fd;
    r->like_from = from;
    r->like_size = size;
    r->inside = path_base(params->report);
    r->has_links = true;
}

/* Reads what is next there, n bytes at most. */
static ssize_t read_like(const struct report *r, char *to, size_t n)
{
    n = (size_t)min_u64(n, r->like_size - r->like_at);
    return n ? pread(r->like, to, n, (off_t)(r->like_from + r->like_at)) : 0;
}

/* Up to the first byte that is another, or is not there. */
static void compare(struct report *r, size_t len)
{
    char have[4096];
    for (size_t at = 0; at < len && !r->differs;) {
        const size_t n = (size_t)min_u64(len - at, sizeof have);
        const ssize_t got = read_like(r, have, n);
        size_t same = 0;
        while (got > 0 && same < (size_t)got && have[same] == r->buf[at + same])
            same++;
        at += same;
        r->like_at += same;
        r->differs = got <= 0 || same < (size_t)got;
    }
}

bool report_differs(struct report *r, uint64_t *at)
{
    char byte;
    *at = r->like_at;
    return r->differs || read_like(r, &byte, 1) != 0;
}

static bool flush(struct report *r, struct clv_error *err)
{
    const size_t len = r->len;
    r->len = 0;
    if (r->like >= 0) {
        compare(r, len);
        return true;
    }
    return io_write(r->fd, r->buf, len, r->params->report, err);
}

static bool put(struct report *r, const void *p, size_t n, struct clv_error *err)
{
    for (const char *s = p; n;) {
        const size_t part = (size_t)min_u64(n, BUF - r->len);
        memcpy(r->buf + r->len, s, part);
        r->len += part;
        s += part;
        n -= part;
        if (r->len == BUF && !flush(r, err))
            return false;
    }
    return true;
}

/* JSON has "<" in strings alone, and a script element of HTML must not have it. */
static bool put_json(struct report *r, const struct text *t, struct clv_error *err)
{
    static const char escaped[] = "\\u003c";
    if (t->full)
        return clv_fail(err, CLV_ERR_INTERNAL, r->params->report, "figures do not fit");
    for (size_t at = 0; at < t->len;) {
        const char *const lt = memchr(t->p + at, '<', t->len - at);
        const size_t n = lt ? (size_t)(lt - t->p) - at : t->len - at;
        if (!put(r, t->p + at, n, err) || (lt && !put(r, escaped, sizeof escaped - 1, err)))
            return false;
        at += n + (lt != NULL);
    }
    return true;
}

/* What stands after place number i, as PAGE_ROWS; 0: what the page begins with. */
static bool put_part(struct report *r, unsigned i, struct clv_error *err)
{
    return put(r, r->text->parts[i].bytes, r->text->parts[i].len, err);
}

static bool put_html(struct report *r, const struct text *t, struct clv_error *err)
{
    return t->full ? clv_fail(err, CLV_ERR_INTERNAL, r->params->report, "names do not fit")
                   : put(r, t->p, t->len, err);
}

/* What the page begins with is known before its figures are. Names may be too long for a small
 * stack. */
static bool put_head(struct report *r, struct clv_error *err)
{
    struct text t = text_on(mem_alloc(NAMES_MAX, 1), NAMES_MAX);
    if (!t.p)
        return clv_fail_nomem(err, "the report", NAMES_MAX);
    headline_title(&t, r->params);
    bool ok = put_part(r, 0, err) && put_html(r, &t, err) && put_part(r, PAGE_TITLE, err);
    if (ok) {
        t.len = 0;
        headline_heading(&t, r->params);
        ok = put_html(r, &t, err) && put_part(r, PAGE_HEADING, err);
    }
    mem_free(t.p);
    return ok;
}

bool report_begin(struct report *r, const struct manifest *manifest, struct spill *spill,
                  struct clv_error *err)
{
    char row[MANIFEST_ROW_MAX];
    struct text t = text_on(row, sizeof row);
    r->manifest = manifest;
    r->text = manifest->named ? &page_names : &page_plain;
    r->noun = headline_noun(manifest);
    r->by_protocol = manifest->by->fields & FLOW_BY_PROTO && !manifest->shards;
    r->buf = mem_alloc(BUF, 1);
    if (manifest->related)
        r->led = text_on(mem_alloc(LED_MAX, 1), LED_MAX);
    if (!figures_init(&r->figures, manifest, spill) || !r->buf || (manifest->related && !r->led.p))
        return clv_fail_nomem(err, "the report", BUF);
    text_char(&t, '[');
    manifest_columns(manifest, &t);
    return put_head(r, err) && put_json(r, &t, err);
}

void report_timeline(struct report *r, const struct timeline *t)
{
    timeline_join(&r->timeline, t);
}

bool report_flow(struct report *r, const struct flow *f, uint32_t part, struct clv_error *err)
{
    return figures_add(&r->figures, f, part) ||
           clv_fail_nomem(err, "the report", sizeof(struct flow));
}

/* What a figure is of is before it, in the same array. */
static void put_figure(struct text *t, const struct figure *f)
{
    const uint64_t numbers[] = {f->flows, f->packets, f->wire};
    for (unsigned i = 0; i < 3; i++) {
        text_char(t, ',');
        text_u64(t, numbers[i], 1);
    }
    text_char(t, ']');
}

static void put_named(struct json *j, const char *name, const struct figure *f)
{
    json_element(j);
    text_char(j->out, '[');
    text_json(j->out, name, strlen(name));
    put_figure(j->out, f);
}

/* Made while relations are there. */
static void put_led(struct text *t, const struct figures *f)
{
    struct json j = json_begin(t);
    json_u64(&j, "group_count", f->all_groups);
    json_open_array(&j, "kinds");
    for (unsigned i = 1; i < RELATIONS; i++)
        if (f->led[i].flows)
            put_named(&j, relation_word((enum relation)i), &f->led[i]);
    json_end_array(&j);
    json_open_array(&j, "groups");
    for (unsigned i = 0; i < f->n_groups; i++) {
        const struct figures_group group = figures_group(f, i);
        const char *const name = relations_name(f->relations, group.root, group.lookup);
        json_element(&j);
        text_char(t, '[');
        text_u64(t, group.root, 1);
        text_char(t, ',');
        text_u64(t, group.lookup ? relations_lookup(f->relations, group.lookup)->n : 0, 1);
        text_char(t, ',');
        text_json(t, name ? name : "", name ? strlen(name) : 0);
        put_figure(t, &group.sum);
    }
    json_end_array(&j);
    json_end(&j);
}

const struct figures_rank *report_rows(struct report *r, size_t *n)
{
    figures_end(&r->figures);
    if (r->led.p)
        put_led(&r->led, &r->figures);
    *n = r->figures.n_rows;
    return r->figures.rows;
}

void report_forget(struct report *r)
{
    figures_forget(&r->figures);
}

bool report_row(struct report *r, const struct manifest_entry *e, struct clv_error *err)
{
    char row[MANIFEST_ROW_MAX];
    struct text t = text_on(row, sizeof row);
    text_str(&t, ",\n");
    manifest_cells(r->manifest, e, &t);
    return put_json(r, &t, err);
}

static void put_proto_name(struct text *t, uint8_t proto)
{
    const char *name = name_of_proto(proto);
    text_str(t, name ? name : "protocol ");
    if (!name)
        text_u64(t, proto, 1);
}

static void put_service(struct text *t, uint8_t proto, uint16_t port)
{
    put_proto_name(t, proto);
    text_char(t, '/');
    text_u64(t, port, 1);
}

static void put_protos(struct json *j, const struct figures *f)
{
    char name[64];
    json_open_array(j, "protocols");
    for (unsigned i = 0; i < 256; i++) {
        struct text t = text_on(name, sizeof name);
        put_proto_name(&t, (uint8_t)i);
        if (f->protos[i].flows)
            put_named(j, text_end(&t), &f->protos[i]);
    }
    if (f->unnamed.flows)
        put_named(j, "any", &f->unnamed);
    if (f->other.flows)
        put_named(j, "other", &f->other);
    json_end_array(j);
}

static void put_tops(struct json *j, const struct figures *f)
{
    char name[64];
    json_open_array(j, "services");
    for (unsigned i = 0; i < f->n_services; i++) {
        struct text t = text_on(name, sizeof name);
        put_service(&t, f->top_services[i].proto, f->top_services[i].port);
        put_named(j, text_end(&t), &f->top_services[i].sum);
    }
    json_end_array(j);
    json_open_array(j, "hosts");
    for (unsigned i = 0; i < f->n_hosts; i++) {
        struct text t = text_on(name, sizeof name);
        text_addr(&t, f->top_hosts[i].addr, f->top_hosts[i].family, ':');
        put_named(j, text_end(&t), &f->top_hosts[i].sum);
    }
    json_end_array(j);
}

/* From the first bucket that has something to the last one, each with the least it may have; and
 * where the last one ends. */
static void put_buckets(struct json *j, const char *name, const struct figure *buckets,
                        uint64_t (*bound)(unsigned))
{
    static const struct figure none;
    unsigned from = 0, to = FIGURES_BUCKETS;
    while (from < to && !buckets[from].flows)
        from++;
    while (to > from && !buckets[to - 1].flows)
        to--;
    json_open_array(j, name);
    for (unsigned i = from; i < to; i++) {
        json_element(j);
        text_char(j->out, '[');
        text_u64(j->out, bound(i), 1);
        put_figure(j->out, &buckets[i]);
    }
    json_element(j);
    text_char(j->out, '[');
    text_u64(j->out, bound(to), 1);
    put_figure(j->out, &none);
    json_end_array(j);
}

static void put_timeline(struct json *j, const struct timeline *tl)
{
    struct timeline_picture p;
    timeline_draw(tl, &p);
    json_i64(j, "width_ns", p.width);
    json_i64(j, "first_bin", p.first);
    json_u64(j, "timeless", tl->timeless);
    json_u64(j, "far", p.far);
    json_open_array(j, "timeline");
    for (unsigned i = 0; i < p.n; i++) {
        json_element(j);
        text_char(j->out, '[');
        text_u64(j->out, p.bins[i].packets, 1);
        for (unsigned k = 0; k < TIMELINE_CLASSES; k++) {
            text_char(j->out, ',');
            text_u64(j->out, p.bins[i].wire[k], 1);
        }
        text_char(j->out, ']');
    }
    json_end_array(j);
}

/* What ports are called, "tcp/443": the last name of each is what the page shows. */
static void put_port_names(struct json *j)
{
    static const uint8_t protos[] = {CLV_PROTO_TCP, CLV_PROTO_UDP};
    const struct service *s;
    char name[64];
    json_open(j, "port_names");
    for (size_t i = 0; (s = service_at(i)) != NULL; i++)
        for (unsigned k = 0; k < sizeof protos; k++)
            if (s->on & 1U << k) {
                struct text t = text_on(name, sizeof name);
                put_service(&t, protos[k], s->port);
                json_str(j, text_end(&t), s->name);
            }
    json_close(j);
}

static void put_rest(struct text *t, const struct report *r, const struct text *run)
{
    const struct clv_split_params *const params = r->params;
    struct json j = json_begin(t);
    json_str(&j, "cleave", clv_version());
    json_str(&j, "links", r->has_links ? r->links : NULL);
    /* As they were given. A page among the outputs may be moved with them, and verify makes it
     * again: it takes both from where it lies. */
    json_str(&j, "output", r->inside ? NULL : params->output);
    json_str(&j, "report", r->inside ? NULL : params->report);
    json_bool(&j, "by_protocol", r->by_protocol);
    json_str(&j, "noun", r->noun);
    json_u64(&j, "host_count", r->figures.all_hosts);
    json_u64(&j, "service_count", r->figures.all_services);
    json_open_array(&j, "inputs");
    for (size_t i = 0; i < params->n_inputs && t->len < INPUTS_MAX; i++) {
        json_element(&j);
        text_json(t, params->inputs[i], strlen(params->inputs[i]));
    }
    json_end_array(&j);
    put_timeline(&j, &r->timeline);
    put_protos(&j, &r->figures);
    put_tops(&j, &r->figures);
    put_port_names(&j);
    put_buckets(&j, "sizes", r->figures.sizes, figures_size_bound);
    put_buckets(&j, "durations", r->figures.durations, figures_duration_bound);
    if (r->led.p) {
        json_member(&j, "led");
        text_put(t, r->led.p, r->led.len);
    }
    json_member(&j, "result");
    text_put(t, run->p, run->len);
    json_end(&j);
}

bool report_end(struct report *r, const struct text *run, const struct clv_split_result *result,
                struct clv_error *err)
{
    char totals[TOTALS_MAX];
    struct text html = text_on(totals, sizeof totals);
    struct text t = text_on(mem_alloc(TEXT_MAX, 1), TEXT_MAX);
    if (!t.p)
        return clv_fail_nomem(err, "the report", TEXT_MAX);
    headline_totals(&html, r->params, result, &r->figures, r->noun);
    put_rest(&t, r, run);
    const bool ok = put(r, "]\n", 2, err) && put_part(r, PAGE_ROWS, err) && put_json(r, &t, err) &&
                    put_part(r, PAGE_FIGURES, err) && put_html(r, &html, err) &&
                    put_part(r, PAGE_TOTALS, err) && flush(r, err);
    mem_free(t.p);
    if (r->like >= 0)
        return ok;
    const int fd = r->fd;
    r->fd = ok ? -1 : fd;
    return ok && io_close(fd, r->params->report, err) &&
           (r->inside || publish_sync(&r->file, r->params->sync, err));
}

bool report_publish(struct report *r, struct clv_error *err)
{
    if (!r->file.staging[0])
        return true; /* it is among the outputs, or there is none */
    if (publish_commit(&r->file, err))
        return publish_finish(&r->file, r->params->sync, err);
    return r->params->dry_run ||
           clv_fail_hint(err, "the output is complete, but its page is missing");
}

void report_fini(struct report *r)
{
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = -1;
    publish_fini(&r->file, NULL);
    figures_fini(&r->figures);
    mem_free(r->led.p);
    mem_free(r->buf);
    r->led.p = r->buf = NULL;
}
