/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/supply.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/path.h"
#include "base/sized.h"
#include "index/listing.h"
#include "job/job.h"
#include "output/archive.h"
#include "output/publish.h"

/* Sizes of the first version of public structs. */
enum {
    EXTRACT_PARAMS_FIRST = SIZED_END(struct clv_extract_params, user),
    EXTRACT_RESULT_FIRST = SIZED_END(struct clv_extract_result, bytes),
};

#if HAVE_SQLITE

struct extracting {
    struct clv_extract_params params;
    struct clv_selection selection;
    struct clv_extract_result result;
    struct clv_result *from;
    struct supply supply;
    struct publish publish;
    struct publish_file file;
    struct archive archive;
    char dir[PATH_MAX];
    int64_t *ids; /* chosen rows */
    size_t n_ids, ids_cap;
    struct io_need need; /* of what they become, at least */
    struct keyed key;    /* of names' hashes */
    struct names names;  /* of members */
    int fd;              /* that takes the capture's bytes; -1: the archive does */
    const char *name;    /* of the capture, for messages */
    struct rows rows;
};

static bool take(void *user, const uint8_t *p, size_t len, struct clv_error *err)
{
    struct extracting *x = user;
    x->result.bytes += len;
    return x->fd >= 0 ? io_write(x->fd, p, len, x->name, err)
                      : archive_add(&x->archive, p, len, err);
}

static bool choose(struct extracting *x, struct clv_error *err)
{
    struct select sel;
    int step = SQLITE_DONE;
    bool ok = select_begin(&sel, x->from->db, "id, flow IS NOT NULL, packets, captured_bytes",
                           &x->selection, true, x->from->path, err);
    while (ok && (step = select_step(&sel, err)) == SQLITE_ROW) {
        int64_t *ids = mem_reserve(x->ids, &x->ids_cap, x->n_ids + 1, sizeof *ids);
        if (!ids)
            ok = clv_fail_nomem(err, x->from->path, (x->n_ids + 1) * sizeof *ids);
        else
            (x->ids = ids)[x->n_ids++] = sqlite3_column_int64(sel.s, 0);
        x->result.flows += sqlite3_column_int(sel.s, 1) != 0;
        x->need.bytes += PCAP_RECORD_HEADER * (uint64_t)sqlite3_column_int64(sel.s, 2) +
                         (uint64_t)sqlite3_column_int64(sel.s, 3);
    }
    select_end(&sel);
    x->result.rows = x->n_ids;
    return ok && step == SQLITE_DONE;
}

static bool goes_on(void *user, uint64_t records)
{
    const struct extracting *x = user;
    return !x->params.progress || x->params.progress(records, x->result.bytes, x->params.user);
}

static bool choosing_goes_on(void *user)
{
    return goes_on(user, 0);
}

static unsigned mode_of(const struct extracting *x)
{
    return x->params.mode ? x->params.mode : IO_MODE;
}

/* Whether there is room for them, and so many more files. plain: they are not compressed. */
static bool fits(struct extracting *x, bool plain, uint64_t files, struct clv_error *err)
{
    const struct io_need need = {.bytes = plain ? x->need.bytes : 0, .files = files};
    return publish_fits(&x->publish, &need, err);
}

/* true: single outputs are copied as they are, and that is compressed. */
static bool copies_packed(const struct extracting *x)
{
    return x->from->loaded && x->from->loaded->receipt.params.compress;
}

/* What was written gets its name. */
static bool publish(struct extracting *x, struct clv_error *err)
{
    return publish_complete(&x->publish, CLV_SYNC_NONE, &x->result.after, err);
}

static bool open_file(struct extracting *x, const char *what,
                      bool (*is_ours)(int dir, const char *name), struct clv_error *err)
{
    x->file = (struct publish_file){
        .option = "output", .what = what, .replaces = x->params.force, .is_ours = is_ours};
    return publish_file_open(&x->publish, x->params.output, mode_of(x), &x->file, x->params.clean,
                             &x->fd, err);
}

static bool to_file(struct extracting *x, struct clv_error *err)
{
    x->name = x->params.output;
    if (!open_file(x, "capture", single_is_ours, err) || !fits(x, true, 0, err) ||
        !supply_all(&x->supply, err))
        return false;
    const int fd = x->fd;
    x->fd = -1;
    return io_close(fd, x->name, err) && publish(x, err);
}

static bool one_file(struct extracting *x, size_t i, struct clv_error *err)
{
    char name[NAME_MAX_LEN + 1];
    if (!supply_name(&x->supply, x->ids[i], name, NULL, err) ||
        !publish_dirs(&x->publish, name, err))
        return false;
    x->name = name;
    x->fd = io_create_at(x->publish.fd, name, mode_of(x), err);
    if (x->fd < 0 || !supply_one(&x->supply, i, err))
        return false;
    const int fd = x->fd;
    x->fd = -1;
    return io_close(fd, name, err);
}

/* In a directory the file system says so. */
static bool is_first(struct extracting *x, const char *name, struct clv_error *err)
{
    bool is_new;
    if (!names_add(&x->names, keyed_bytes(&x->key, name, strlen(name)), &is_new))
        return clv_fail_nomem(err, name, 2 * x->names.cap * sizeof *x->names.slots);
    return is_new || clv_fail(err, CLV_ERR_FORMAT, x->from->path,
                              "two of the chosen flows have the file name \"%.80s\"", name);
}

static bool one_member(struct extracting *x, size_t i, struct clv_error *err)
{
    char name[NAME_MAX_LEN + 1];
    if (!supply_name(&x->supply, x->ids[i], name, NULL, err) || !is_first(x, name, err))
        return false;
    x->name = name;
    return archive_open(&x->archive, name, err) && supply_one(&x->supply, i, err) &&
           archive_close(&x->archive, err);
}

/* The chosen rows, as the manifest has them. */
static bool put_table(struct extracting *x, const char *name,
                      bool (*put)(struct extracting *x, const char *p, size_t len,
                                  struct clv_error *err),
                      struct clv_error *err)
{
    char *buf = mem_alloc(2, MANIFEST_ROW_MAX);
    struct text line = text_on(buf, (size_t)2 * MANIFEST_ROW_MAX);
    int step = SQLITE_DONE;
    x->name = name;
    bool ok = buf || clv_fail_nomem(err, name, MANIFEST_ROW_MAX);
    ok = ok && rows_open(&x->rows, x->from->db, &x->selection, x->from->path, err);
    if (ok) {
        rows_head(&x->rows, CLV_MANIFEST_CSV, &line);
        ok = put(x, line.p, line.len, err);
    }
    while (ok && (step = rows_next(&x->rows, err)) == SQLITE_ROW) {
        line.len = 0;
        rows_line(&x->rows, CLV_MANIFEST_CSV, &line);
        ok = put(x, line.p, line.len, err);
    }
    rows_close(&x->rows);
    mem_free(buf);
    return ok && step == SQLITE_DONE;
}

static bool put_file(struct extracting *x, const char *p, size_t len, struct clv_error *err)
{
    return io_write(x->fd, p, len, x->name, err);
}

static bool put_member(struct extracting *x, const char *p, size_t len, struct clv_error *err)
{
    return archive_add(&x->archive, p, len, err);
}

/* A capture for each flow is made of it alone, in any order. */
static bool check_each(const struct extracting *x, struct clv_error *err)
{
    if (x->params.force)
        return clv_fail(err, CLV_ERR_OPTION, "force",
                        "replaces a single capture, not a directory or an archive");
    return supply_has_each(&x->supply, err);
}

/* The target could not be made. What is there stays, whatever else would replace it. */
static bool not_made(struct clv_error *err)
{
    if (err && err->code == CLV_ERR_EXISTS)
        (void)clv_fail_hint(err, "choose another --output");
    return false;
}

static bool to_directory(struct extracting *x, struct clv_error *err)
{
    static const char manifest[] = "manifest.csv";
    char target[PATH_MAX];
    size_t len = strlen(x->params.output);
    while (len > 1 && x->params.output[len - 1] == '/')
        len--;
    if (len >= sizeof target)
        return clv_fail(err, CLV_ERR_OPTION, "output", "its path is too long");
    (void)snprintf(target, sizeof target, "%.*s", (int)len, x->params.output);
    if (!check_each(x, err))
        return false;
    if (!publish_init(&x->publish, target, mode_of(x), NULL, x->params.clean, err))
        return not_made(err);
    x->publish.advice.files = "-o FILE.zip needs only one";
    if (!fits(x, !copies_packed(x), x->n_ids + 1, err))
        return false;
    for (size_t i = 0; i < x->n_ids; i++)
        if (!one_file(x, i, err))
            return false;
    x->fd = io_create_at(x->publish.fd, manifest, mode_of(x), err);
    if (x->fd < 0 || !put_table(x, manifest, put_file, err))
        return false;
    const int fd = x->fd;
    x->fd = -1;
    return io_close(fd, manifest, err) && publish(x, err);
}

static bool to_archive(struct extracting *x, struct clv_error *err)
{
    static const char manifest[] = "manifest.csv";
    if (!check_each(x, err) || !keyed_draw(&x->key, err))
        return false;
    if (!open_file(x, "cleave archive", archive_is_ours, err))
        return not_made(err);
    const int fd = x->fd;
    x->fd = -1;
    path_parent(x->dir, x->publish.staging);
    bool ok = fits(x, !copies_packed(x), 0, err) &&
              archive_init(&x->archive, fd, x->params.output, x->dir, mode_of(x), err);
    for (size_t i = 0; ok && i < x->n_ids; i++)
        ok = one_member(x, i, err);
    ok = ok && archive_open(&x->archive, manifest, err) &&
         put_table(x, manifest, put_member, err) && archive_close(&x->archive, err) &&
         archive_end(&x->archive, err);
    if (ok)
        return io_close(fd, x->params.output, err) && publish(x, err);
    (void)close(fd);
    return false;
}

static bool extract(struct extracting *x, struct clv_error *err)
{
    const char *output = x->params.output;
    if ((output && !job_check_unpacked(output, err)) || !job_check_mode(x->params.mode, err) ||
        !choose(x, err))
        return false;
    if (x->n_ids == 0)
        return true;
    const size_t len = output ? strlen(output) : 0;
    const bool to_dir = len > 1 && output[len - 1] == '/';
    const bool to_zip = output && job_names_archive(output, len);
    x->supply = (struct supply){
        .from = x->from,
        .ids = x->ids,
        .n_ids = x->n_ids,
        .target = to_dir || to_zip ? NULL : output,
        .take = take,
        .goes_on = goes_on,
        .user = x,
    };
    if (!supply_begin(&x->supply, err))
        return false;
    if (to_dir)
        return to_directory(x, err);
    if (to_zip)
        return to_archive(x, err);
    if (output)
        return to_file(x, err);
    x->name = "the capture";
    x->fd = x->params.fd;
    const bool ok = supply_all(&x->supply, err);
    x->fd = -1;
    return ok;
}

bool clv_extract(struct clv_result *r, const struct clv_extract_params *params,
                 struct clv_extract_result *result, struct clv_error *err)
{
    static const struct clv_extract_result none = {.rows = 0};
    struct extracting *x = mem_zalloc(1, sizeof *x);
    sized_give(result, 0, EXTRACT_RESULT_FIRST, &none, sizeof none);
    if (!x)
        return clv_fail_nomem(err, "the run", sizeof *x);
    x->from = r;
    x->fd = -1;
    publish_none(&x->publish);
    bool ok = sized_take(&x->params, sizeof x->params, EXTRACT_PARAMS_FIRST, params, err) &&
              result_selection(r, &x->selection, x->params.selection, err);
    if (ok && !x->selection.progress && x->params.progress) {
        x->selection.progress = choosing_goes_on;
        x->selection.user = x;
    }
    ok = ok && extract(x, err);
    if (x->fd >= 0)
        (void)close(x->fd);
    archive_fini(&x->archive);
    names_fini(&x->names);
    x->result.stale = x->publish.n_stale;
    (void)snprintf(x->result.stale_path, sizeof x->result.stale_path, "%.255s", x->publish.stale);
    publish_fini(&x->publish, ok ? NULL : err);
    mem_free(x->ids);
    x->result.records = x->supply.records;
    sized_give(result, x->params.result_size, EXTRACT_RESULT_FIRST, &x->result, sizeof x->result);
    mem_free(x);
    return ok;
}

#else

bool clv_extract(struct clv_result *r, const struct clv_extract_params *params,
                 struct clv_extract_result *result, struct clv_error *err)
{
    static const struct clv_extract_result none = {.rows = 0};
    (void)r, (void)params;
    sized_give(result, 0, EXTRACT_RESULT_FIRST, &none, sizeof none);
    return db_supported(err);
}

#endif
