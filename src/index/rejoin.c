/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/rejoin.h"

#if HAVE_SQLITE

#include <errno.h>
#include <string.h>

#include "base/crc.h"
#include "base/mem.h"

enum { PIECE = 256 << 10, MAGIC = 4 };

/* A file of the store as it lies there. */
static bool copy(struct store_file *f, const char *path, uint8_t *buf, collect_take *take,
                 void *user, struct clv_error *err)
{
    uint64_t at = 0;
    uint32_t crc = 0;
    for (;;) {
        const ssize_t n = store_read(f, at, buf, PIECE);
        if (n < 0)
            return clv_fail_errno(err, path, "cannot be read");
        if (n == 0)
            break;
        if (f->p)
            crc = crc_add(crc, buf, (size_t)n);
        at += (uint64_t)n;
        if (!take(user, buf, (size_t)n, err))
            return false;
    }
    return !f->p || (at == f->size && crc == f->member.central.crc) ||
           clv_fail(err, CLV_ERR_FORMAT, path, "is damaged: its CRC-32 is wrong");
}

static bool copy_input(struct input *in, const char *path, collect_take *take, void *user,
                       struct clv_error *err)
{
    const struct input_plan plan = {.window = PIECE, .buffers = 2};
    struct input_window w = {.last = false};
    if (!input_begin(in, &plan, err))
        return false;
    while (!w.last) {
        if (input_next(in, &w, err) != INPUT_WINDOW)
            return false;
        const bool ok = take(user, w.p, w.len, err) && input_check(in, err);
        input_release(&w, 0, w.len);
        if (!ok)
            return false;
    }
    const struct clv_error *damage = input_damage(in);
    if (damage->code == CLV_ERR_NONE)
        return true;
    return clv_fail(err, CLV_ERR_FORMAT, path, "is damaged: %.100s", damage->what);
}

/* The output's capture, if it is compressed; *is: it is. */
static bool copy_unpacked(const char *path, bool *is, collect_take *take, void *user,
                          struct clv_error *err)
{
    struct places one = {.n = 0};
    struct input *in = NULL;
    struct clv_span head;
    bool ok = places_list(&one, &(struct places_wish){.paths = &path, .n = 1}, err);
    if (ok && (one.n != 1 || strcmp(one.all[0].path, path) != 0))
        ok = clv_fail(err, CLV_ERR_FORMAT, path, "is not a capture");
    ok = ok && input_open_at(&in, &one.all[0], err) && input_head(in, MAGIC, &head, err);
    if (ok && !(head.len == MAGIC && walk_is_capture(head.p)))
        ok = clv_fail(err, CLV_ERR_FORMAT, path, "is not a capture");
    *is = ok && input_compression(in);
    if (*is)
        ok = copy_input(in, path, take, user, err);
    if (in)
        input_close(&in);
    places_fini(&one);
    return ok;
}

/* Opens a file that is one of cleave's: no link, no pipe, no compressed member. */
static bool open_output(const struct loaded *l, const char *name, char path[PATH_MAX],
                        struct store_file *f, struct clv_error *err)
{
    if (!store_path(&l->store, name, path, err))
        return false;
    switch (store_file(&l->store, name, path, f)) {
    case STORE_HAS:
        return true;
    case STORE_LACKS:
        (void)clv_fail(err, CLV_ERR_IO, path, "is missing, but the manifest has a row for it");
        return clv_fail_hint(err, "cleave verify shows what else is missing");
    case STORE_OTHER:
        return clv_fail(err, CLV_ERR_FORMAT, path,
                        l->store.archived ? "is not a stored member" : "is not a regular file");
    default:
        return clv_fail_errno(err, path, "cannot be read");
    }
}

bool rejoin_copy(const struct loaded *l, const char *name, bool unpack, collect_take *take,
                 void *user, struct clv_error *err)
{
    char path[PATH_MAX];
    struct store_file f;
    bool done = false;
    if (!open_output(l, name, path, &f, err))
        return false;
    uint8_t *buf = mem_alloc(PIECE, 1);
    bool ok = buf || clv_fail_nomem(err, path, PIECE);
    ok = ok && (!unpack || copy_unpacked(path, &done, take, user, err)) &&
         (done || copy(&f, path, buf, take, user, err));
    mem_free(buf);
    store_file_close(&l->store, &f);
    return ok && store_check(&l->store, err);
}

bool rejoin_capture(const struct loaded *l, const char *name, struct clv_capture **c,
                    struct clv_error *err)
{
    char path[PATH_MAX];
    struct store_file f;
    if (!open_output(l, name, path, &f, err))
        return false;
    const bool ok = f.p ? clv_capture_open_memory(c, f.p, (size_t)f.size, path, err)
                        : clv_capture_open_fd(c, f.fd, path, err);
    store_file_close(&l->store, &f);
    return ok;
}

static bool list(struct rejoin *r, const struct loaded *l, char *const *names, size_t n,
                 struct clv_error *err)
{
    char path[PATH_MAX];
    struct store_file f;
    r->paths = mem_zalloc(n, sizeof *r->paths);
    if (!r->paths)
        return clv_fail_nomem(err, l->store.path, n * sizeof *r->paths);
    for (; r->n < n; r->n++) {
        if (!open_output(l, names[r->n], path, &f, err))
            return false;
        store_file_close(&l->store, &f);
        r->paths[r->n] = mem_strdup(path);
        if (!r->paths[r->n])
            return clv_fail_nomem(err, path, PATH_MAX);
    }
    return true;
}

/* Each output is a capture, and nothing is left out. */
static bool check(const struct rejoin *r, const struct loaded *l, struct clv_error *err)
{
    const struct make *m = &r->make;
    for (size_t i = 0; i < r->n; i++)
        if (i >= m->params.n_inputs || strcmp(m->params.inputs[i], r->paths[i]) != 0)
            return clv_fail(err, CLV_ERR_FORMAT, r->paths[i], "is not a capture");
    if (m->result.damage.code != CLV_ERR_NONE) {
        if (err)
            *err = m->result.damage;
        return false;
    }
    if (m->result.outputs <= 1)
        return true;
    (void)clv_fail(err, CLV_ERR_FORMAT, l->store.path,
                   "the flows' link types or times do not fit into one classic pcap");
    return clv_fail_hint(err, "choose fewer flows, or extract one capture for each: -o DIR/");
}

bool rejoin_open(struct rejoin *r, const struct loaded *l, char *const *names, size_t n,
                 clv_split_progress *progress, void *user, struct clv_error *err)
{
    struct clv_split_params params = CLV_SPLIT_PARAMS_INIT;
    if (!list(r, l, names, n, err))
        return false;
    params.inputs = (const char *const *)r->paths;
    params.n_inputs = r->n;
    params.output = l->store.path;
    params.by = "none";
    params.merge = true;
    params.progress = progress;
    params.user = user;
    if (!make_begin(&r->make, &params, true, err) ||
        !make_tables(&r->make, NULL, l->store.path, true, NULL, err) || !check(r, l, err))
        return false;
    sqlite3 *const db = r->make.writer.db;
    r->make.writer.db = NULL;
    return index_take(&r->index, db, l->store.path, err) &&
           index_find_captures(&r->index, NULL, 0, err);
}

void rejoin_close(struct rejoin *r)
{
    index_close(&r->index);
    make_end(&r->make);
    for (size_t i = 0; i < r->n; i++)
        mem_free(r->paths[i]);
    mem_free(r->paths);
    *r = (struct rejoin){.n = 0};
}

#endif
