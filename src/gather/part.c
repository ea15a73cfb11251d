/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "gather/gathering.h"
#include "job/options.h"
#include "manifest/name.h"

/* An index may be reached by a link, as other results. */
static bool look_for_index(struct part *p, struct clv_error *err)
{
    char real[PATH_MAX];
    if (!realpath(p->path, real))
        return true; /* which is said where it is opened */
    errno = 0;
    p->is_index = db_is_ours(AT_FDCWD, real);
    return errno == 0 || clv_fail_errno(err, p->path, "cannot be read");
}

/* Of an index without what its name ends in. */
static size_t name_len(const char *name, size_t len)
{
    static const char *const endings[] = {".db", ".flows"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t n = strlen(endings[i]);
        if (len > n && memcmp(name + len - n, endings[i], n) == 0)
            len -= n;
    }
    return len;
}

bool part_open(struct part *p, const char *path, struct clv_error *err)
{
    size_t len = strlen(path);
    *p = (struct part){.path = path, .fd = -1};
    while (len > 1 && path[len - 1] == '/')
        len--;
    for (p->name_len = 0; p->name_len < len && path[len - p->name_len - 1] != '/'; p->name_len++)
        ;
    p->name = path + len - p->name_len;
    if (!look_for_index(p, err))
        return false;
    if (p->is_index) {
        p->name_len = name_len(p->name, p->name_len);
        return joining_open(p, err);
    }
    if (!store_open(&p->store, path, err) || !store_receipt(&p->store, &p->receipt, 0, err)) {
        if (err && err->sys != EMFILE)
            (void)clv_fail_hint(err, "name outputs of cleave split");
        return false;
    }
    p->is_map = p->receipt.params.shards;
    char dir[PATH_MAX];
    path_parent(dir, path);
    p->fd = open(p->store.archived ? dir : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return p->fd >= 0 || clv_fail_errno(err, path, "cannot be opened");
}

void part_close(struct part *p)
{
    if (!p->path)
        return;
    if (p->fd >= 0)
        (void)close(p->fd);
    receipt_fini(&p->receipt);
    store_close(&p->store);
    *p = (struct part){.path = NULL};
}

/* What a run was asked for that needs more than a part of the flows. */
static bool check_kind(const struct part *p, struct clv_error *err)
{
    const struct clv_split_params *const params = &p->receipt.params;
    const bool has_file = !p->is_index;
    const struct {
        bool is;
        const char *what;
    } rows[] = {
        {p->receipt.n_parts, "was gathered itself: name its parts"},
        {params->each, "was split with --each: each of its captures has flows of its own"},
        {params->report, "has a page of its flows alone (--report)"},
        {params->top, "has the largest of its flows alone (--top)"},
        {params->related || options_groups(params) || params->names,
         "knows what led to its flows from these alone (--related, --group, --names)"},
        {p->is_index && params->merge,
         "was indexed with --merge: its positions count in all of its captures together"},
        {has_file && params->manifest == CLV_MANIFEST_NONE,
         "has no table of flows (--manifest none)"},
        {has_file && params->manifest == CLV_MANIFEST_SQLITE,
         "has a database of flows (--manifest sqlite)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].is)
            return clv_fail(err, CLV_ERR_ARG, p->path, "%s", rows[i].what);
    return true;
}

/* How the options of two results differ, as far as it is kept. */
struct difference {
    char first[160];
};

static void keep_first(const char *what, void *user)
{
    struct difference *d = user;
    if (!d->first[0])
        (void)snprintf(d->first, sizeof d->first, "%s", what);
}

static bool same_kind(const struct part *p, const struct part *like, struct clv_error *err)
{
    return p->is_index == like->is_index || clv_fail(err, CLV_ERR_ARG, p->path,
                                                     p->is_index ? "is an index, but %.100s is not"
                                                                 : "is not an index, but %.100s is",
                                                     like->path);
}

static bool same_options(const struct part *p, const struct part *like, struct clv_error *err)
{
    struct difference d = {.first = ""};
    receipt_compare_options(&p->receipt, &like->receipt, keep_first, &d);
    if (!d.first[0] && p->is_index && !receipt_same_heads(&p->receipt, &like->receipt)) {
        (void)clv_fail(err, CLV_ERR_ARG, p->path,
                       "its captures have another byte order, time resolution or link type than "
                       "those of %.60s",
                       like->path);
        return clv_fail_hint(err, "index all of them with --format pcapng");
    }
    if (!d.first[0])
        return true;
    (void)clv_fail(err, CLV_ERR_ARG, p->path, "other options: %s", d.first);
    return clv_fail_hint(err, "as %.100s has it", like->path);
}

/* Each has a name of its own in the result. */
static bool check_name(struct gathering *g, size_t i, struct clv_error *err)
{
    const struct part *const p = &g->all[i];
    if (p->name_len == 0 || p->name[0] == '.' || name_reserved(p->name, p->name_len))
        return clv_fail(err, CLV_ERR_ARG, p->path, "cannot be used as a name in the result");
    for (size_t k = 0; k < i; k++)
        if (!g->all[k].is_map && g->all[k].name_len == p->name_len &&
            memcmp(g->all[k].name, p->name, p->name_len) == 0)
            return clv_fail(err, CLV_ERR_ARG, p->path, "has the same name as another part, %.100s",
                            g->all[k].path);
    return true;
}

/* What is replaced has none of the parts in it, and what is made is in none of them. */
static bool check_place(const struct gathering *g, const struct part *p, struct clv_error *err)
{
    char own[PATH_MAX], output[PATH_MAX], parent[PATH_MAX];
    path_parent(parent, g->params.output);
    if (!realpath(p->path, own))
        return true;
    if (realpath(parent, output) && (strcmp(own, output) == 0 || path_is_below(output, own))) {
        (void)clv_fail(err, CLV_ERR_ARG, g->params.output, "would be inside a part");
        return clv_fail_hint(err, "choose another --output");
    }
    if (!realpath(g->params.output, output) ||
        (strcmp(own, output) != 0 && !path_is_below(own, output)))
        return true;
    (void)clv_fail(err, CLV_ERR_ARG, p->path, "is inside the output that would be replaced");
    return clv_fail_hint(err, "choose another --output");
}

static bool check_map(const struct gathering *g, const struct part *m, struct clv_error *err)
{
    if (m->receipt.params.manifest != CLV_MANIFEST_CSV &&
        m->receipt.params.manifest != CLV_MANIFEST_JSONL)
        return clv_fail(err, CLV_ERR_ARG, m->path, "has no table of its shards as text");
    return check_place(g, m, err);
}

bool parts_check(struct gathering *g, struct clv_error *err)
{
    for (size_t i = 0; i < g->params.n_results; i++) {
        const struct part *const p = &g->all[i];
        if (p->is_map) {
            if (!check_map(g, p, err))
                return false;
            continue;
        }
        if (!same_kind(p, g->first, err) || !check_kind(p, err) || !check_name(g, i, err) ||
            !check_place(g, p, err) || !same_options(p, g->first, err))
            return false;
    }
    if (!g->first) {
        (void)clv_fail(err, CLV_ERR_ARG, g->params.results[0],
                       "contains shards, which are not parts");
        return clv_fail_hint(err, "name the outputs that were split from them as well");
    }
    const struct clv_split_params *const params = &g->first->receipt.params;
    return flow_by_parse(&g->by, options_by_name(params), options_by(params), params->directed,
                         err);
}
