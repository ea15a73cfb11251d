/* SPDX-License-Identifier: BSD-2-Clause */
#include "generate/target.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "output/publish.h"

enum { MODE = 0666 }; /* less umask, as programs that save captures have it */

struct staged {
    struct publish publish;
    struct publish_file file;
};

static bool any_file(int dir, const char *name)
{
    (void)dir, (void)name;
    return true;
}

/* A link is followed, and what it names keeps its place. */
static bool is_staged(const char *path)
{
    struct stat st;
    return strcmp(path, "-") != 0 && (lstat(path, &st) != 0 || S_ISREG(st.st_mode));
}

/* A pipe or a device loses nothing to what is written to it. */
static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) != 0 || S_ISREG(st.st_mode);
}

bool target_open(struct target *t, const char *option, const char *path, bool overwrite,
                 struct clv_error *err)
{
    *t = (struct target){.fd = -1};
    if (!is_staged(path)) {
        t->fd = io_open_named(path, overwrite || !is_file(path), err);
        if (t->fd >= 0 && !io_cut(t->fd, path, err))
            target_fini(t, err);
        return t->fd >= 0;
    }
    struct staged *s = t->staged = mem_zalloc(1, sizeof *s);
    if (!s)
        return clv_fail_nomem(err, path, sizeof *s);
    s->file = (struct publish_file){
        .option = option, .what = "file", .replaces = overwrite, .is_ours = any_file};
    /* What a killed run left under its hidden name is in nobody's way but that of the disk. */
    if (publish_file_open(&s->publish, path, MODE, &s->file, true, &t->fd, err))
        return true;
    mem_free(s);
    t->staged = NULL;
    return false;
}

bool target_fits(const struct target *t, uint64_t bytes, struct clv_error *err)
{
    const struct io_need need = {.bytes = bytes};
    return !t->staged || publish_fits(&t->staged->publish, &need, err);
}

bool target_publish(struct target *t, struct clv_error *err)
{
    return !t->staged || publish_complete(&t->staged->publish, CLV_SYNC_NONE, err, err);
}

void target_fini(struct target *t, struct clv_error *err)
{
    if (t->fd >= 0)
        (void)close(t->fd);
    t->fd = -1;
    if (t->staged)
        publish_fini(&t->staged->publish, err);
    mem_free(t->staged);
    t->staged = NULL;
}
