/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "verify/verify.h"

static struct verify_name hash(const char *name)
{
    const XXH128_hash_t h = XXH3_128bits(name, strlen(name));
    return (struct verify_name){h.low64, h.high64};
}

bool verify_may_be(struct verify *v, const char *name, struct clv_error *err)
{
    (void)pthread_mutex_lock(&v->lock);
    struct verify_name *names = mem_reserve(v->names, &v->names_cap, v->n_names + 1, sizeof *names);
    if (names) {
        v->names = names;
        names[v->n_names++] = hash(name);
    }
    (void)pthread_mutex_unlock(&v->lock);
    return names || clv_fail_nomem(err, "output names", v->names_cap * sizeof *names);
}

bool verify_is_known(const struct verify *v, const char *name)
{
    const struct verify_name h = hash(name);
    for (size_t i = 0; i < v->n_names; i++)
        if (v->names[i].lo == h.lo && v->names[i].hi == h.hi)
            return true;
    return false;
}

static int by_hash(const void *x, const void *y)
{
    const struct verify_name *a = x, *b = y;
    if (a->lo != b->lo)
        return a->lo < b->lo ? -1 : 1;
    return (a->hi > b->hi) - (a->hi < b->hi);
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
        struct verify_name name;
        const int n = snprintf(path + len, PATH_MAX - len, "/%s", e->d_name);
        if (n < 0 || (size_t)n >= PATH_MAX - len) {
            ok = clv_fail(err, CLV_ERR_ARG, e->d_name, "its path is too long");
        } else if (lstat(path, &st) != 0) {
            ok = clv_fail_errno(err, path, "cannot be looked at");
        } else {
            name = hash(path + root + 1);
            const bool known = bsearch(&name, v->names, v->n_names, sizeof name, by_hash);
            if (S_ISDIR(st.st_mode) && !known)
                ok = look_into(v, path, root, err);
            else if (!known)
                tell_stray(v, path, "is no output of the run");
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
    if (v->n_names)
        qsort(v->names, v->n_names, sizeof *v->names, by_hash);
    return look_into(v, path, (size_t)n, err);
}
