/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verify/directory.h"

static struct names_entry *find(const struct verify *v, const char *name)
{
    return names_find(&v->names, keyed_bytes(v->key, name, strlen(name)));
}

bool verify_may_be(struct verify *v, const char *name, enum verify_kind kind, struct clv_error *err)
{
    const struct keyed_hash hash = keyed_bytes(v->key, name, strlen(name));
    bool is_new = false;
    (void)pthread_mutex_lock(&v->lock);
    struct names_entry *e = names_add(&v->names, hash, &is_new);
    if (is_new)
        e->kind = (uint8_t)kind;
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
            const struct names_entry *const known = find(v, path + root + 1);
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
