/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/port.h"
#include "output/name.h"
#include "page.h"

enum {
    BUF = 1 << 20,      /* bytes that are written at a time */
    TEXT_MAX = 1 << 19, /* bytes of a JSON text; figures are at most so many */
};

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The directory that path is in. */
static void parent_of(char parent[PATH_MAX], const char *path)
{
    const size_t len = (size_t)(base_of(path) - path);
    (void)snprintf(parent, PATH_MAX, "%.*s", len ? (int)len : 1, len ? path : ".");
}

static const char *skip_here(const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        for (path++; *path == '/';)
            path++;
    return path;
}

const char *report_among_outputs(const struct clv_split_params *params)
{
    struct stat output, parent;
    char path[PATH_MAX];
    if (!params->report || params->dry_run)
        return NULL;
    const char *const report = skip_here(params->report), *const dir = skip_here(params->output);
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/')
        len--;
    const size_t above = (size_t)(base_of(report) - report);
    size_t report_dir = above;
    while (report_dir > 1 && report[report_dir - 1] == '/')
        report_dir--;
    if (above && report_dir == len && memcmp(report, dir, len) == 0)
        return base_of(report);
    /* By another way to an output of an earlier run, which is going to be replaced. */
    parent_of(path, params->report);
    return stat(params->output, &output) == 0 && stat(path, &parent) == 0 &&
                   output.st_dev == parent.st_dev && output.st_ino == parent.st_ino
               ? base_of(report)
               : NULL;
}

/* A link goes from the page to the output: along relative paths if both are, else from the root. */
static bool settle_links(struct report *r, const char *output, struct clv_error *err)
{
    const char *const report = skip_here(r->params->report);
    char parent[PATH_MAX], real[PATH_MAX];
    struct text t = text_on(r->links, sizeof r->links);
    output = skip_here(output);
    if (report[0] != '/' && output[0] != '/' && !strstr(report, "..")) {
        for (const char *p = strchr(report, '/'); p; p = strchr(p + 1, '/'))
            text_str(&t, "../");
    } else if (output[0] != '/') {
        parent_of(parent, output);
        if (!realpath(parent, real))
            return clv_fail_errno(err, parent, "cannot be looked at");
        text_str(&t, real);
        text_char(&t, '/');
        output = base_of(output);
    }
    text_str(&t, output);
    text_char(&t, '/');
    r->has_links = !t.full;
    (void)text_end(&t);
    return true;
}

static bool refuse(const struct clv_split_params *params, struct clv_error *err)
{
    struct stat st;
    const char *const path = params->report, *const base = base_of(path);
    if (strcmp(path, "-") == 0)
        return !clv_fail(err, CLV_ERR_ARG, "--report", "is a file, and not standard output");
    if (params->each)
        return !clv_fail(err, CLV_ERR_ARG, "--report", "is of one run, and excludes --each");
    if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return !clv_fail(err, CLV_ERR_ARG, path, "is no name for a file");
    if (strlen(path) + 64 > sizeof((struct report *)NULL)->path)
        return !clv_fail(err, CLV_ERR_ARG, path, "its path is too long");
    if (report_among_outputs(params) && name_reserved(base, strlen(base)))
        return !clv_fail(err, CLV_ERR_ARG, path, "is the name of one of our files");
    if (lstat(path, &st) != 0 || report_among_outputs(params))
        return false;
    if (!S_ISREG(st.st_mode))
        return !clv_fail(err, CLV_ERR_EXISTS, path, "is there already, and no regular file");
    if (params->force)
        return false;
    (void)clv_fail(err, CLV_ERR_EXISTS, path, "is there already");
    return !clv_fail_hint(err, "name another with --report, or replace it with --force");
}

/* Beside its place, under a name of this process's own. */
static bool make_beside(struct report *r, unsigned mode, struct clv_error *err)
{
    const char *const path = r->params->report, *const base = base_of(path);
    for (unsigned attempt = 0;; attempt++) {
        (void)snprintf(r->path, sizeof r->path, "%.*s.%.200s.cleave-%ld-%u", (int)(base - path),
                       path, base, (long)getpid(), attempt);
        r->fd = open(r->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (r->fd >= 0)
            return true;
        if (errno == EEXIST && attempt < 1000)
            continue;
        r->path[0] = '\0';
        (void)clv_fail_errno(err, path, "cannot be made");
        return clv_fail_hint(err, "its directory must exist and be writable");
    }
}

bool report_open(struct report *r, const struct clv_split_params *params,
                 const struct publish *publish, struct clv_error *err)
{
    const char *const inside = report_among_outputs(params);
    *r = (struct report){.params = params, .fd = -1};
    if (refuse(params, err))
        return false;
    if (inside) {
        r->has_links = true; /* "" */
        r->fd = io_create_at(publish->dir_fd, inside, publish->mode, err);
        return r->fd >= 0;
    }
    return (!publish || settle_links(r, publish->target, err)) &&
           make_beside(r, params->mode ? params->mode : IO_MODE, err);
}

static bool flush(struct report *r, struct clv_error *err)
{
    const size_t len = r->len;
    r->len = 0;
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

bool report_begin(struct report *r, const struct manifest *manifest, uint64_t n_flows,
                  uint64_t memory, struct clv_error *err)
{
    char row[MANIFEST_ROW_MAX];
    struct text t = text_on(row, sizeof row);
    r->by = *manifest->by;
    r->manifest = *manifest;
    r->manifest.by = &r->by;
    r->buf = mem_alloc(BUF, 1);
    if (!figures_init(&r->figures, &r->by, n_flows, memory) || !r->buf)
        return clv_fail_nomem(err, "the report", BUF);
    text_char(&t, '[');
    manifest_columns(manifest, &t);
    return put(r, page_head, sizeof page_head, err) && put_json(r, &t, err);
}

bool report_pass(struct report *r, bool *more, struct clv_error *err)
{
    return figures_pass(&r->figures, more) ||
           clv_fail_nomem(err, "the report", sizeof(struct flow));
}

bool report_flow(struct report *r, const struct manifest_entry *e, struct clv_error *err)
{
    if (!figures_add(&r->figures, e->f))
        return clv_fail_nomem(err, "the report", sizeof(struct flow));
    if (!figures_has_row(&r->figures, e->f))
        return true;
    char row[MANIFEST_ROW_MAX];
    struct text t = text_on(row, sizeof row);
    text_str(&t, ",\n");
    manifest_cells(&r->manifest, e, &t);
    r->n_rows++;
    return put_json(r, &t, err);
}

void report_timeline(struct report *r, const struct timeline *t)
{
    timeline_join(&r->timeline, t);
}

/* Elements of an array are separated by commas; the first one by its bracket. */
static void put_element(struct text *t)
{
    if (t->len && t->p[t->len - 1] != '[')
        text_str(t, ",\n");
}

static void put_figure(struct text *t, const struct figure *f)
{
    text_char(t, ',');
    text_u64(t, f->flows, 1);
    text_char(t, ',');
    text_u64(t, f->packets, 1);
    text_char(t, ',');
    text_u64(t, f->wire, 1);
    text_char(t, ']');
}

static void put_proto_name(struct text *t, uint8_t proto)
{
    const char *name = name_of_proto(proto);
    text_str(t, name ? name : "protocol ");
    if (!name)
        text_u64(t, proto, 1);
}

static void put_protos(struct text *t, const struct figures *f)
{
    const struct {
        const char *name;
        const struct figure *sum;
    } others[] = {{"any", &f->unnamed}, {"no address", &f->other}};
    text_str(t, ",\"protocols\":[");
    for (unsigned i = 0; i < 256; i++) {
        if (!f->protos[i].flows)
            continue;
        put_element(t);
        text_str(t, "[\"");
        put_proto_name(t, (uint8_t)i);
        text_char(t, '"');
        put_figure(t, &f->protos[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (!others[i].sum->flows)
            continue;
        put_element(t);
        text_str(t, "[\"");
        text_str(t, others[i].name);
        text_char(t, '"');
        put_figure(t, others[i].sum);
    }
    text_char(t, ']');
}

static void put_tops(struct text *t, const struct figures *f)
{
    text_str(t, ",\"services\":[");
    for (unsigned i = 0; i < f->n_services; i++) {
        put_element(t);
        text_str(t, "[\"");
        put_proto_name(t, f->top_services[i].proto);
        text_char(t, '/');
        text_u64(t, f->top_services[i].port, 1);
        text_char(t, '"');
        put_figure(t, &f->top_services[i].sum);
    }
    text_str(t, "],\"hosts\":[");
    for (unsigned i = 0; i < f->n_hosts; i++) {
        put_element(t);
        text_str(t, "[\"");
        text_addr(t, f->top_hosts[i].addr, f->top_hosts[i].family, ':');
        text_char(t, '"');
        put_figure(t, &f->top_hosts[i].sum);
    }
    text_char(t, ']');
}

/* From the first bucket that has something to the last one, each with the least it may have. */
static void put_buckets(struct text *t, const char *name, const struct figure *buckets)
{
    unsigned from = 0, to = FIGURES_BUCKETS;
    while (from < to && !buckets[from].flows)
        from++;
    while (to > from && !buckets[to - 1].flows)
        to--;
    text_str(t, ",\"");
    text_str(t, name);
    text_str(t, "\":[");
    for (unsigned i = from; i < to; i++) {
        put_element(t);
        text_char(t, '[');
        text_u64(t, figures_bound(i), 1);
        put_figure(t, &buckets[i]);
    }
    text_char(t, ']');
}

static void put_timeline(struct text *t, const struct timeline *tl)
{
    text_str(t, ",\"width_ns\":");
    text_i64(t, timeline_width(tl));
    text_str(t, ",\"first_bin\":");
    text_i64(t, tl->first);
    text_str(t, ",\"timeless\":");
    text_u64(t, tl->timeless, 1);
    text_str(t, ",\"timeline\":[");
    for (unsigned i = 0; i < tl->n; i++) {
        put_element(t);
        text_char(t, '[');
        text_u64(t, tl->bins[i].packets, 1);
        for (unsigned k = 0; k < TIMELINE_CLASSES; k++) {
            text_char(t, ',');
            text_u64(t, tl->bins[i].wire[k], 1);
        }
        text_char(t, ']');
    }
    text_char(t, ']');
}

static void put_rest(struct text *t, const struct report *r, const struct clv_split_result *result)
{
    const struct clv_split_params *const params = r->params;
    const bool protos = r->by.fields & FLOW_BY_PROTO && !r->manifest.shards;
    text_str(t, "{\"cleave\":\"");
    text_str(t, clv_version());
    text_str(t, "\",\"links\":");
    if (r->has_links)
        text_json(t, r->links, strlen(r->links));
    else
        text_str(t, "null");
    text_str(t, protos ? ",\"by_protocol\":true" : ",\"by_protocol\":false");
    text_str(t, ",\"host_count\":");
    text_u64(t, r->figures.all_hosts, 1);
    text_str(t, ",\"inputs\":[");
    for (size_t i = 0; i < params->n_inputs && t->len < TEXT_MAX / 4; i++) {
        put_element(t);
        text_json(t, params->inputs[i], strlen(params->inputs[i]));
    }
    text_char(t, ']');
    put_timeline(t, &r->timeline);
    put_protos(t, &r->figures);
    put_tops(t, &r->figures);
    put_buckets(t, "sizes", r->figures.sizes);
    put_buckets(t, "durations", r->figures.durations);
    text_str(t, ",\"result\":");
    if (t->len < t->cap)
        t->len += clv_split_json(params, result, t->p + t->len, t->cap - t->len);
    text_char(t, '}');
}

bool report_end(struct report *r, const struct clv_split_result *result, struct clv_error *err)
{
    struct text t = text_on(mem_alloc(TEXT_MAX, 1), TEXT_MAX);
    if (!t.p)
        return clv_fail_nomem(err, "the report", TEXT_MAX);
    put_rest(&t, r, result);
    const bool ok = put(r, "]\n", 2, err) && put(r, page_middle, sizeof page_middle, err) &&
                    put_json(r, &t, err) && put(r, page_tail, sizeof page_tail, err) &&
                    flush(r, err);
    mem_free(t.p);
    if (ok && r->params->sync != CLV_SYNC_NONE && !port_sync(r->fd))
        return clv_fail_errno(err, r->params->report, "cannot be synchronised");
    const int fd = r->fd;
    r->fd = ok ? -1 : fd;
    return ok && io_close(fd, r->params->report, err);
}

bool report_publish(struct report *r, struct clv_error *err)
{
    if (r->path[0] && rename(r->path, r->params->report) != 0)
        return clv_fail_errno(err, r->params->report,
                              "cannot take its name: the output is there, but not its page");
    r->path[0] = '\0';
    return true;
}

void report_fini(struct report *r)
{
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = -1;
    if (r->path[0])
        (void)unlink(r->path);
    r->path[0] = '\0';
    figures_fini(&r->figures);
    mem_free(r->buf);
    r->buf = NULL;
}
