/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/tree.h"
#include "verify/directory.h"

static struct names_entry *find(const struct verify *v, const char *name)
{
    return names_find(&v->names, keyed_bytes(v->key, name, strlen(name)));
}

/* A member that is not there is missed by who would read it. */
static void may_be_member(const struct verify *v, const char *name, enum store_rank rank,
                          uint32_t row)
{
    struct store_member *const m = store_find(v->store, name);
    if (!m)
        return;
    m->rank = (uint8_t)rank;
    m->row = row;
}

bool verify_may_be(struct verify *v, const char *name, enum store_rank rank, uint32_t row,
                   struct clv_error *err)
{
    const char *in = name;
    if (store_of(v->store, &in)->archived) {
        may_be_member(v, name, rank, row);
        return true;
    }
    const struct keyed_hash hash = keyed_bytes(v->key, name, strlen(name));
    bool is_new = false;
    (void)pthread_mutex_lock(&v->lock);
    struct names_entry *e = names_add(&v->names, hash, &is_new);
    if (is_new)
        e->kind = VERIFY_FILE;
    (void)pthread_mutex_unlock(&v->lock);
    return e || clv_fail_nomem(err, "output names", 2 * v->names.cap * sizeof *v->names.slots);
}

bool verify_sub_name(struct verify *v, const char *capture, struct job_name *name,
                     struct clv_error *err)
{
    struct names_entry *e = job_take_sub(name, capture, &v->names, v->key);
    if (e)
        e->kind = VERIFY_DIR;
    return e || clv_fail_nomem(err, "output names", 2 * v->names.cap * sizeof *v->names.slots);
}

static void tell_stray(struct verify *v, const char *path, const char *what)
{
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    (void)clv_fail(&fault, CLV_ERR_UNPROVEN, path, "%s", what);
    verify_tell(v, &fault);
}

struct strays {
    struct verify *v;
    struct clv_error *err;
    char path[PATH_MAX]; /* of the entry, with the directory's before it */
    bool entered;        /* the last visit was to a directory, whose first entry would follow */
    bool failed;
};

static enum tree_answer fail(struct strays *s)
{
    s->failed = true;
    return TREE_STOP;
}

/* What the entry is, as far as it may be there at all. */
static enum tree_answer look_at(struct strays *s, const struct tree_entry *e)
{
    const struct names_entry *const known = find(s->v, e->path);
    const bool is_dir = S_ISDIR(e->place->mode);
    if (!known && e->what == TREE_DIR) {
        s->entered = true;
        return TREE_ON;
    }
    if (!known)
        tell_stray(s->v, s->path, "is not an output of the run");
    else if (known->kind == VERIFY_DIR && !is_dir)
        tell_stray(s->v, s->path, "is not a directory");
    else if (known->kind == VERIFY_FILE && !S_ISREG(e->place->mode))
        tell_stray(s->v, s->path, "is not a regular file");
    return TREE_SKIP;
}

static enum tree_answer visit(const struct tree_entry *e, void *user)
{
    struct strays *s = user;
    const int why = errno;
    const bool was_entered = s->entered;
    const int n = snprintf(s->path, sizeof s->path, "%s%s%s", s->v->store->path,
                           *e->path ? "/" : "", e->path);
    s->entered = false;
    if (n < 0 || (size_t)n >= sizeof s->path) {
        (void)clv_fail(s->err, CLV_ERR_ARG, e->name, "its path is too long");
        return fail(s);
    }
    errno = why;
    switch (e->what) {
    case TREE_CLOSED:
        (void)clv_fail_errno(s->err, s->path, "cannot be read");
        return fail(s);
    case TREE_LEFT:
        if (was_entered)
            tell_stray(s->v, s->path, "is empty, and not a directory of the run");
        return TREE_ON;
    case TREE_FILE:
    case TREE_DIR:
    case TREE_FOREIGN:
    case TREE_DEEP:
        break;
    }
    return look_at(s, e);
}

bool verify_strays(struct verify *v, struct clv_error *err)
{
    const char *const dir = v->store->path;
    if (v->store->archived)
        return verify_archive(v, v->store, err);
    const int root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct strays s = {.v = v, .err = err, .failed = false};
    if (root < 0)
        return clv_fail_errno(err, dir, "cannot be read");
    struct tree *tree = mem_alloc(1, sizeof *tree);
    if (tree)
        tree_walk(tree, root, visit, &s);
    (void)close(root);
    if (!tree)
        return clv_fail_nomem(err, dir, sizeof *tree);
    mem_free(tree);
    for (size_t i = 0; !s.failed && i < v->store->n_parts; i++)
        if (!verify_archive(v, &v->store->parts[i], err))
            return false;
    return !s.failed;
}
