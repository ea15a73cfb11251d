/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "verify/verify.h"

/* The place of a name in the table, which has room: its own, or the one that it would get. */
static struct verify_name *place_of(const struct verify *v, struct keyed_hash hash)
{
    size_t i = (size_t)hash.lo & (v->names_cap - 1);
    while (v->names[i].used && !keyed_equal(v->names[i].hash, hash))
        i = (i + 1) & (v->names_cap - 1);
    return &v->names[i];
}

/* NULL: it is not known. */
static struct verify_name *find(const struct verify *v, const char *name)
{
    struct verify_name *n =
        v->names_cap ? place_of(v, keyed_bytes(v->key, name, strlen(name))) : NULL;
    return n && n->used ? n : NULL;
}

/* Room for one more, with as many places empty as there are names. */
static bool make_room(struct verify *v)
{
    enum { FIRST = 64 };
    const size_t old_cap = v->names_cap;
    struct verify_name *const old = v->names;
    if (2 * (v->n_names + 1) <= old_cap)
        return true;
    const size_t cap = old_cap ? 2 * old_cap : FIRST;
    struct verify_name *const names = mem_zalloc(cap, sizeof *names);
    if (!names)
        return false;
    v->names = names;
    v->names_cap = cap;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].used)
            *place_of(v, old[i].hash) = old[i];
    mem_free(old);
    return true;
}

bool verify_may_be(struct verify *v, const char *name, enum verify_kind kind, struct clv_error *err)
{
    const struct keyed_hash hash = keyed_bytes(v->key, name, strlen(name));
    (void)pthread_mutex_lock(&v->lock);
    const bool ok = make_room(v);
    struct verify_name *n = ok ? place_of(v, hash) : NULL;
    if (n && !n->used) {
        *n = (struct verify_name){.hash = hash, .kind = kind, .used = true};
        v->n_names++;
    }
    (void)pthread_mutex_unlock(&v->lock);
    return ok || clv_fail_nomem(err, "output names", 2 * v->names_cap * sizeof *v->names);
}

bool verify_sub_name(struct verify *v, const char *capture, struct job_name *name,
                     struct clv_error *err)
{
    job_sub_name(name, capture, 0);
    const struct verify_name *taken = find(v, name->text);
    if (taken) {
        const struct keyed_hash first = taken->hash;
        unsigned again = taken->again;
        do
            job_sub_name(name, capture, ++again);
        while (find(v, name->text));
        place_of(v, first)->again = again; /* the next one of the name need not try these */
    }
    return verify_may_be(v, name->text, VERIFY_DIR, err);
}

static void tell_stray(struct verify *v, const char *path, const char *what)
{
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    (void)clv_fail(&fault, CLV_ERR_UNPROVEN, path, "%s", what);
    verify_tell(v, &fault);
}

/* path is that of the directory, of which the first root bytes are the output's. */
static bool look_into(struct verify *v, char path[PATH_MAX], size_t root, struct clv_error *err)
{
    const size_t len = strlen(path);
    DIR *d = opendir(path);
    const struct dirent *e;
    bool ok = true, empty = true;
    if (!d)
        return clv_fail_errno(err, path, "cannot be read");
    while (ok && (e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        empty = false;
        struct stat st;
        const int n = snprintf(path + len, PATH_MAX - len, "/%s", e->d_name);
        if (n < 0 || (size_t)n >= PATH_MAX - len) {
            ok = clv_fail(err, CLV_ERR_ARG, e->d_name, "its path is too long");
        } else if (lstat(path, &st) != 0) {
            ok = clv_fail_errno(err, path, "cannot be looked at");
        } else {
            const struct verify_name *const known = find(v, path + root + 1);
            const bool is_dir = S_ISDIR(st.st_mode);
            if (is_dir && !known)
                ok = look_into(v, path, root, err);
            else if (!known)
                tell_stray(v, path, "is no output of the run");
            else if (known->kind == VERIFY_DIR && !is_dir)
                tell_stray(v, path, "is no directory");
            else if (known->kind == VERIFY_FILE && !S_ISREG(st.st_mode))
                tell_stray(v, path, "is no regular file");
        }
        path[len] = '\0';
    }
    (void)closedir(d);
    if (empty)
        tell_stray(v, path, "is empty: no directory of the run");
    return ok;
}

bool verify_strays(struct verify *v, struct clv_error *err)
{
    char path[PATH_MAX];
    const int n = snprintf(path, sizeof path, "%s", v->dir);
    if (n < 0 || (size_t)n >= sizeof path)
        return clv_fail(err, CLV_ERR_ARG, v->dir, "its path is too long");
    return look_into(v, path, (size_t)n, err);
}
