/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/tree.h"

struct walk {
    struct folder *folder;
    const char *path;
    size_t path_len;  /* without slashes at its end */
    const char *root; /* the directory below it that is walked through; "": itself */
    char **roots;     /* those that come then */
    size_t n_roots, roots_cap;
    bool recursive, no_memory;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits from *p on, without leading zeros; *p is then behind them. */
static size_t take_number(const char **p, const char **digits)
{
    *digits = *p + strspn(*p, "0");
    const size_t n = strspn(*digits, "0123456789");
    *p = *digits + n;
    return n;
}

/* A name's end is before all, and a directory's before what is longer. */
static int rank(char c)
{
    return c == '\0' ? 0 : c == '/' ? 1 : 2 + (unsigned char)c;
}

static int compare_paths(const char *a, const char *b)
{
    const char *const all_a = a, *const all_b = b;
    for (;;) {
        if (is_digit(*a) && is_digit(*b)) {
            const char *x, *y;
            const size_t n = take_number(&a, &x), m = take_number(&b, &y);
            const int order = n != m ? (n > m) - (n < m) : memcmp(x, y, n);
            if (order)
                return order;
        } else if (*a == *b && *a) {
            a++;
            b++;
        } else {
            return *a == *b ? strcmp(all_a, all_b) : rank(*a) - rank(*b);
        }
    }
}

static int by_path(const void *x, const void *y)
{
    const struct folder_entry *a = x, *b = y;
    return compare_paths(a->path, b->path);
}

/* name is below the directory; "": it is the directory. why: what is wrong with it; NULL: nothing.
 */
static bool add(struct walk *w, const char *name, const struct clv_error *why)
{
    struct folder *const f = w->folder;
    const size_t len = w->path_len + strlen(name) + 2;
    struct folder_entry e = {.path = mem_alloc(len, 1)};
    struct folder_entry *entries = mem_reserve(f->entries, &f->cap, f->n + 1, sizeof *entries);
    f->entries = entries ? entries : f->entries;
    e.fault = why ? mem_alloc(1, sizeof *e.fault) : NULL;
    if (!entries || !e.path || (why && !e.fault)) {
        mem_free(e.path);
        mem_free(e.fault);
        w->no_memory = true;
        return false;
    }
    const bool root = w->path_len == 1 && w->path[0] == '/';
    (void)snprintf(e.path, len, "%.*s%s%s", (int)w->path_len, w->path, *name && !root ? "/" : "",
                   name);
    if (why) {
        *e.fault = *why;
        (void)snprintf(e.fault->subject, sizeof e.fault->subject, "%.255s", e.path);
    }
    f->entries[f->n++] = e;
    return true;
}

/* A directory that cannot be entered, or a path that does not fit. */
static bool add_fault(struct walk *w, const char *name, const char *what)
{
    struct clv_error why = {.offset = CLV_NO_OFFSET};
    if (what)
        (void)clv_fail(&why, CLV_ERR_IO, name, "%s", what);
    else
        (void)clv_fail_errno(&why, name, "cannot be listed");
    return add(w, name, &why);
}

/* A directory that a walk of its own is for. */
static bool add_root(struct walk *w, const char *name)
{
    char **roots = mem_reserve(w->roots, &w->roots_cap, w->n_roots + 1, sizeof *roots);
    char *own = mem_strdup(name);
    w->roots = roots ? roots : w->roots;
    if (!roots || !own) {
        mem_free(own);
        w->no_memory = true;
        return false;
    }
    roots[w->n_roots++] = own;
    return true;
}

static bool is_output(const struct tree_entry *e)
{
    char mark[NAME_MAX + sizeof "/" FOLDER_OUTPUT];
    struct stat st;
    const int n = snprintf(mark, sizeof mark, "%s/%s", e->name, FOLDER_OUTPUT);
    return n > 0 && (size_t)n < sizeof mark && fstatat(e->dir, mark, &st, 0) == 0;
}

static enum tree_answer visit(const struct tree_entry *e, void *user)
{
    struct walk *w = user;
    char name[PATH_MAX];
    const int why = errno;
    if (e->what == TREE_LEFT || e->name[0] == '.')
        return TREE_SKIP;
    const int len =
        snprintf(name, sizeof name, "%s%s%s", w->root, *w->root && *e->path ? "/" : "", e->path);
    errno = why;
    if (len < 0 || (size_t)len + w->path_len + 1 >= sizeof name)
        return add_fault(w, e->path, "its path is too long") ? TREE_SKIP : TREE_STOP;
    if (e->what == TREE_CLOSED)
        return add_fault(w, name, NULL) ? TREE_SKIP : TREE_STOP;
    if (S_ISREG(e->place->mode))
        return add(w, name, NULL) ? TREE_ON : TREE_STOP;
    if (!S_ISDIR(e->place->mode)) {
        w->folder->n_others++;
        return TREE_ON;
    }
    w->folder->n_below += !w->recursive;
    if (!w->recursive || is_output(e))
        return TREE_SKIP;
    /* What is mounted there, or lies too deep, for one walk. */
    return e->what == TREE_DIR || add_root(w, name) ? TREE_ON : TREE_STOP;
}

/* Walks through the root, which is a directory below the folder or "", itself. */
static bool walk_root(struct walk *w, struct tree *t)
{
    char path[PATH_MAX];
    const int n = snprintf(path, sizeof path, "%.*s%s%s", (int)w->path_len, w->path,
                           *w->root ? "/" : "", w->root);
    errno = ENAMETOOLONG;
    const int fd =
        n > 0 && (size_t)n < sizeof path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        return add_fault(w, w->root, NULL);
    tree_walk(t, fd, visit, w);
    (void)close(fd);
    return !w->no_memory;
}

bool folder_list(struct folder *f, const char *path, bool recursive, struct clv_error *err)
{
    struct walk w = {
        .folder = f, .path = path, .path_len = strlen(path), .root = "", .recursive = recursive};
    *f = (struct folder){.entries = NULL};
    while (w.path_len > 1 && path[w.path_len - 1] == '/')
        w.path_len--;
    struct tree *t = mem_alloc(1, sizeof *t);
    bool ok = t && walk_root(&w, t);
    for (size_t i = 0; ok && i < w.n_roots; i++) {
        w.root = w.roots[i];
        ok = walk_root(&w, t);
    }
    for (size_t i = 0; i < w.n_roots; i++)
        mem_free(w.roots[i]);
    mem_free(w.roots);
    mem_free(t);
    if (!ok)
        return clv_fail_nomem(err, path, (f->n + 1) * sizeof *f->entries);
    if (f->n)
        qsort(f->entries, f->n, sizeof *f->entries, by_path);
    return true;
}

void folder_fini(struct folder *f)
{
    for (size_t i = 0; i < f->n; i++) {
        mem_free(f->entries[i].path);
        mem_free(f->entries[i].fault);
    }
    mem_free(f->entries);
    *f = (struct folder){.entries = NULL};
}
