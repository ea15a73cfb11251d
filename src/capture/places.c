/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/places.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "capture/records.h"
#include "input/member.h"
#include "walk/walk.h"

enum { MAGIC = 8 };

/* A member by its name. */
struct named {
    struct clv_span name;
    uint64_t entry;
};

/* The archive that was looked into last: paths of its members often follow one another. */
struct archive {
    char *path; /* NULL: none */
    size_t path_len;
    struct unzip zip;
    struct stat st;
    struct input_archive *shared; /* by the places of its members; NULL: it is not */
    struct clv_error fault;       /* why it is none; code CLV_ERR_NONE: it is one */
    bool looked_up;
    struct named *index; /* sorted; NULL: not made yet */
    size_t n_index;
};

struct listing {
    struct places *places;
    const struct places_wish *wish;
    const char *pattern;
    bool matched;
    bool in_folder; /* what is no capture was not named, and is no fault */
    char *text;     /* of a member: the path that it has */
    size_t text_cap;
    struct archive archive;
};

static void close_archive(struct archive *a)
{
    if (a->path && !a->shared)
        unzip_close(&a->zip);
    mem_free(a->path);
    mem_free(a->index);
    *a = (struct archive){.path = NULL};
}

/* false: there is no memory. */
static bool open_archive(struct archive *a, const char *path, size_t len, struct clv_error *err)
{
    struct stat st;
    close_archive(a);
    char *own = mem_alloc(len + 1, 1);
    if (!own)
        return clv_fail_nomem(err, path, len + 1);
    memcpy(own, path, len);
    own[len] = '\0';
    *a = (struct archive){.path = own, .path_len = len, .fault = {.offset = CLV_NO_OFFSET}};
    const int fd = open(own, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const bool is_one = fd >= 0 && fstat(fd, &st) == 0
                            ? unzip_open(&a->zip, own, fd, (uint64_t)st.st_size, &a->fault)
                            : clv_fail_errno(&a->fault, own, "cannot be opened");
    if (fd >= 0)
        (void)close(fd);
    if (is_one) /* or a->fault says why not */
        a->st = st;
    return true;
}

/*
 * The archive, to stay open as long as the places of its members. NULL: these open it one by one,
 * since there are many archives, or the address space has no room to spare.
 */
static struct input_archive *share(struct listing *l)
{
    struct places *const p = l->places;
    struct archive *const a = &l->archive;
    if (a->shared || p->n_archives == PLACES_ARCHIVES ||
        a->zip.map.size > SIZE_MAX / 4 / PLACES_ARCHIVES)
        return a->shared;
    struct input_archive *const s = mem_zalloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->zip = a->zip;
    s->zip.path = s->zip.map.path = ""; /* who reads has a name for it */
    s->device = (uint64_t)a->st.st_dev;
    s->inode = (uint64_t)a->st.st_ino;
    s->modified = a->st.st_mtim;
    p->archives[p->n_archives++] = s;
    return a->shared = s;
}

/* Takes the path of a member. */
static bool add(struct places *p, const struct input_place *place, struct clv_error *err)
{
    struct input_place *all =
        place->path ? mem_reserve(p->all, &p->cap, p->n + 1, sizeof *p->all) : NULL;
    if (!all) {
        if (place->archive_len)
            mem_free((void *)(uintptr_t)place->path);
        return clv_fail_nomem(err, "the inputs", (p->n + 1) * sizeof *all);
    }
    p->all = all;
    p->all[p->n++] = *place;
    return true;
}

static bool add_file(struct places *p, const char *path, struct clv_error *err)
{
    return add(p, &(struct input_place){.path = path}, err);
}

static bool add_fault(struct places *p, const char *path, const struct clv_error *fault,
                      struct clv_error *err)
{
    struct clv_error *own = mem_alloc(1, sizeof *own);
    if (!own)
        return clv_fail_nomem(err, path, sizeof *own);
    *own = *fault;
    const bool ok = add(p, &(struct input_place){.path = path, .fault = own}, err);
    if (!ok)
        mem_free(own);
    return ok;
}

/* Gives up the places from number n on. */
static void drop(struct places *p, size_t n)
{
    while (p->n > n) {
        const struct input_place *last = &p->all[--p->n];
        mem_free((void *)(uintptr_t)last->fault);
        if (last->archive_len)
            mem_free((void *)(uintptr_t)last->path);
    }
}

void places_fini(struct places *p)
{
    if (!p->lent) {
        drop(p, 0);
        mem_free(p->all);
        mem_free(p->names);
        for (size_t i = 0; i < p->n_folders; i++)
            folder_fini(&p->folders[i]);
        mem_free(p->folders);
        for (unsigned i = 0; i < p->n_archives; i++) {
            unzip_close(&p->archives[i]->zip);
            mem_free(p->archives[i]);
        }
    }
    *p = (struct places){.all = NULL};
}

static int compare_names(struct clv_span a, struct clv_span b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int order = len ? memcmp(a.p, b.p, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *x, const void *y)
{
    const struct named *a = x, *b = y;
    return compare_names(a->name, b->name);
}

static bool make_index(struct archive *a, struct clv_error *fault)
{
    struct unzip_cursor c = {0};
    struct unzip_member m;
    size_t cap = 0;
    enum unzip_step step;
    while ((step = unzip_next(&a->zip, &c, &m, fault)) == UNZIP_MEMBER) {
        struct named *index = mem_reserve(a->index, &cap, a->n_index + 1, sizeof *index);
        if (!index)
            return clv_fail_nomem(fault, a->path, (a->n_index + 1) * sizeof *index);
        a->index = index;
        index[a->n_index++] = (struct named){m.central.name, m.entry};
    }
    if (a->index)
        qsort(a->index, a->n_index, sizeof *a->index, by_name);
    return step == UNZIP_END;
}

/* Members of that name; *entry is one's. Who asks again and again gets an index. */
static bool count_named(struct archive *a, struct clv_span name, size_t *n, uint64_t *entry,
                        struct clv_error *fault)
{
    struct unzip_cursor c = {0};
    struct unzip_member m;
    *n = 0;
    if (!a->looked_up) {
        enum unzip_step step;
        a->looked_up = true;
        while ((step = unzip_next(&a->zip, &c, &m, fault)) == UNZIP_MEMBER)
            if (compare_names(m.central.name, name) == 0) {
                *entry = m.entry;
                ++*n;
            }
        return step == UNZIP_END;
    }
    if (!a->index && !make_index(a, fault))
        return false;
    const struct named key = {.name = name}, *const end = a->index + a->n_index;
    const struct named *found =
        a->index ? bsearch(&key, a->index, a->n_index, sizeof key, by_name) : NULL;
    if (!found)
        return true;
    *entry = found->entry;
    *n = 1 + (found > a->index && by_name(found - 1, found) == 0) +
         (found + 1 < end && by_name(found + 1, found) == 0);
    return true;
}

/* A member that the caller names. */
static bool add_named(struct listing *l, const char *path, size_t archive_len,
                      struct clv_error *err)
{
    struct archive *const a = &l->archive;
    const char *const name = path + archive_len + 1;
    size_t n;
    uint64_t entry = 0;
    if ((!a->path || a->fault.code != CLV_ERR_NONE || a->path_len != archive_len ||
         memcmp(a->path, path, archive_len) != 0) &&
        !open_archive(a, path, archive_len, err))
        return false;
    struct clv_error fault = a->fault;
    l->matched = true; /* it was asked for */
    if (fault.code != CLV_ERR_NONE)
        return add_fault(l->places, path, &fault, err);
    bool ok =
        count_named(a, (struct clv_span){(const uint8_t *)name, strlen(name)}, &n, &entry, &fault);
    if (ok && n != 1)
        ok = clv_fail(&fault, CLV_ERR_FORMAT, path,
                      n ? "the archive has several members with this name"
                        : "the archive has no member with this name");
    ok = unzip_check(&a->zip, &fault) && ok;
    if (!ok)
        return add_fault(l->places, path, &fault, err);
    return add(l->places,
               &(struct input_place){.path = mem_strdup(path),
                                     .archive_len = archive_len,
                                     .entry = entry,
                                     .archive = share(l)},
               err);
}

/* l->text becomes the member's path. */
static bool make_text(struct listing *l, struct clv_span name, struct clv_error *err)
{
    const struct archive *const a = &l->archive;
    const size_t len = a->path_len + 1 + name.len + 1;
    char *text = mem_reserve(l->text, &l->text_cap, len, 1);
    if (!text)
        return clv_fail_nomem(err, a->path, len);
    l->text = text;
    memcpy(text, a->path, a->path_len);
    text[a->path_len] = ':';
    if (name.len)
        memcpy(text + a->path_len + 1, name.p, name.len);
    text[len - 1] = '\0';
    return true;
}

/* The same of what has to be opened. */
static bool opens_as_capture(const struct input_place *place)
{
    struct input *in;
    struct clv_span head;
    if (!input_open_at(&in, place, NULL))
        return true;
    const bool may_be = !input_head(in, MAGIC, &head, NULL) || walk_knows(head);
    input_close(&in);
    return may_be;
}

/* false: it is known to be no capture. */
static bool may_be_capture(struct listing *l, struct unzip_member *m)
{
    const struct archive *const a = &l->archive;
    struct clv_span head;
    if (!member_readable(m, l->text, NULL) || !unzip_locate(&a->zip, m, NULL))
        return true; /* who opens it learns why not */
    head = unzip_data(&a->zip, m);
    head.len = (size_t)min_u64(head.len, MAGIC);
    if (m->central.method == UNZIP_STORED && !compression_of(head.p, head.len))
        return walk_knows(head);
    return opens_as_capture(&(struct input_place){
        .path = l->text, .archive_len = a->path_len, .entry = m->entry, .archive = share(l)});
}

/* false: there is no memory. */
static bool add_member(struct listing *l, struct unzip_member *m, size_t *n_matched,
                       struct clv_error *err)
{
    const struct clv_span name = m->central.name;
    if (name.len && name.p[name.len - 1] == '/')
        return true; /* a directory */
    if (!make_text(l, name, err))
        return false;
    if (l->pattern && fnmatch(l->pattern, l->text + l->archive.path_len + 1, 0) != 0)
        return true;
    ++*n_matched;
    if (!may_be_capture(l, m)) {
        l->places->n_others++;
        return true;
    }
    return add(l->places,
               &(struct input_place){.path = mem_strdup(l->text),
                                     .archive_len = l->archive.path_len,
                                     .entry = m->entry,
                                     .archive = share(l)},
               err);
}

static int by_path(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Two captures of one name among the places from `from` on; NULL: there are none. */
static bool find_twins(const struct places *p, size_t from, const char **twin,
                       struct clv_error *err)
{
    const size_t n = p->n - from;
    const char **sorted = mem_alloc(n ? n : 1, sizeof *sorted);
    *twin = NULL;
    if (!sorted)
        return clv_fail_nomem(err, "the inputs", n * sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = p->all[from + i].path;
    qsort(sorted, n, sizeof *sorted, by_path);
    for (size_t i = 1; i < n && !*twin; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            *twin = sorted[i];
    mem_free(sorted);
    return true;
}

/* All captures of the archive, whose path is `path`. */
static bool add_all(struct listing *l, const char *path, struct clv_error *err)
{
    struct places *const p = l->places;
    struct archive *const a = &l->archive;
    struct clv_error fault = a->fault;
    struct unzip_cursor c = {0};
    struct unzip_member m;
    const size_t from = p->n;
    size_t n_matched = 0;
    const char *twin = NULL;
    enum unzip_step step = UNZIP_BAD;
    if (fault.code == CLV_ERR_NONE)
        while ((step = unzip_next(&a->zip, &c, &m, &fault)) == UNZIP_MEMBER)
            if (!add_member(l, &m, &n_matched, err))
                return false;
    if (step == UNZIP_END && !find_twins(p, from, &twin, err))
        return false;
    if (fault.code == CLV_ERR_NONE && unzip_check(&a->zip, &fault)) {
        if (twin)
            (void)clv_fail(&fault, CLV_ERR_FORMAT, twin,
                           "the archive has several members with this name");
        else if (p->n == from && l->in_folder)
            p->n_others += n_matched == 0;
        else if (p->n == from && (n_matched || !l->pattern))
            (void)clv_fail(&fault, CLV_ERR_FORMAT, path,
                           c.n ? "zip archive: none of its members is a capture"
                               : "zip archive: it has no members");
    }
    l->matched |= n_matched != 0;
    if (fault.code == CLV_ERR_NONE)
        return true;
    drop(p, from);
    return add_fault(p, path, &fault, err);
}

/* The first bytes of a regular file; *got of them. */
static bool read_magic(const char *path, uint8_t magic[MAGIC], size_t *got, struct clv_error *fault)
{
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return clv_fail_errno(fault, path, "cannot be opened");
    const ssize_t n = io_read_at(fd, magic, MAGIC, 0);
    const bool ok = n >= 0 || clv_fail_errno(fault, path, "cannot be read");
    (void)close(fd);
    *got = ok ? (size_t)n : 0;
    return ok;
}

/* An archive that cleave made holds what is elsewhere, too. */
static bool is_output(struct archive *a)
{
    static const char name[] = FOLDER_OUTPUT;
    struct clv_error fault;
    size_t n = 0;
    uint64_t entry;
    return a->fault.code == CLV_ERR_NONE &&
           count_named(a, (struct clv_span){(const uint8_t *)name, sizeof name - 1}, &n, &entry,
                       &fault) &&
           n;
}

/* What a directory holds. */
static bool add_found(struct listing *l, const char *path, struct clv_error *err)
{
    struct places *const p = l->places;
    uint8_t magic[MAGIC];
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    struct clv_span head = {magic, 0};
    if (!read_magic(path, magic, &head.len, &fault))
        return add_fault(p, path, &fault, err);
    if (head.len == 0)
        return add_file(p, path, err);
    if (unzip_begins(magic, head.len)) {
        if (!open_archive(&l->archive, path, strlen(path), err))
            return false;
        return is_output(&l->archive) || add_all(l, path, err);
    }
    const bool may_be = compression_of(magic, head.len)
                            ? opens_as_capture(&(struct input_place){.path = path})
                            : walk_knows(head);
    p->n_others += !may_be;
    return !may_be || add_file(p, path, err);
}

static bool add_folder(struct listing *l, const char *path, struct clv_error *err)
{
    struct places *const p = l->places;
    const size_t from = p->n;
    struct folder *folders =
        mem_reserve(p->folders, &p->folders_cap, p->n_folders + 1, sizeof *folders);
    if (!folders)
        return clv_fail_nomem(err, path, sizeof *folders);
    p->folders = folders;
    struct folder *const f = &folders[p->n_folders++];
    bool ok = folder_list(f, path, l->wish->recursive, err);
    l->in_folder = true;
    for (size_t i = 0; ok && i < f->n; i++)
        ok = f->entries[i].fault ? add_fault(p, f->entries[i].path, f->entries[i].fault, err)
                                 : add_found(l, f->entries[i].path, err);
    l->in_folder = false;
    if (!ok)
        return false;
    p->n_others += f->n_others;
    if (p->n > from)
        return true;
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    (void)clv_fail(&fault, CLV_ERR_FORMAT, path, "is a directory that contains no captures");
    if (f->n_below)
        (void)clv_fail_hint(&fault, "--recursive also looks into its sub-directories");
    return add_fault(p, path, &fault, err);
}

static bool add_path(struct listing *l, const char *path, struct clv_error *err)
{
    struct stat st;
    uint8_t magic[MAGIC];
    if (strcmp(path, "-") == 0)
        return add_file(l->places, path, err);
    if (stat(path, &st) != 0) {
        const size_t len = input_archive_len(path);
        return len ? add_named(l, path, len, err) : add_file(l->places, path, err);
    }
    if (S_ISDIR(st.st_mode))
        return add_folder(l, path, err);
    /* What is no regular file may wait for somebody, and is not opened twice. */
    size_t n = 0;
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    if (S_ISREG(st.st_mode) && !read_magic(path, magic, &n, &fault))
        return add_fault(l->places, path, &fault, err);
    const bool begins = unzip_begins(magic, n);
    if (!begins && (n < sizeof magic || walk_is_capture(magic) || compression_of(magic, n)))
        return add_file(l->places, path, err);
    if (!open_archive(&l->archive, path, strlen(path), err))
        return false;
    return begins || l->archive.fault.code == CLV_ERR_NONE ? add_all(l, path, err)
                                                           : add_file(l->places, path, err);
}

/* A place, and when its first record was. */
struct dated {
    struct input_place place;
    int64_t first_ns; /* INT64_MAX: it has none that has a time */
    size_t number;
};

static int by_time(const void *x, const void *y)
{
    const struct dated *a = x, *b = y;
    return a->first_ns != b->first_ns ? (a->first_ns > b->first_ns) - (a->first_ns < b->first_ns)
                                      : (a->number > b->number) - (a->number < b->number);
}

/* The time of the first record that has one, among so many as may stand before it. */
static bool first_time(const struct input_place *place, int64_t *first_ns, struct clv_error *err)
{
    enum { LOOK_AT = 1024 };
    struct clv_capture *c;
    struct clv_record rec;
    struct clv_error why = {.code = CLV_ERR_NONE};
    *first_ns = INT64_MAX;
    if (capture_open_at(&c, place, &why)) {
        for (unsigned i = 0;
             i < LOOK_AT && *first_ns == INT64_MAX && clv_capture_next(c, &rec, &why) == CLV_RECORD;
             i++)
            *first_ns = rec.ts_ns == CLV_NO_TIME ? INT64_MAX : rec.ts_ns;
        clv_capture_close(&c);
    }
    /* No capture, or a damaged one, has no time; who splits it will say so. */
    const bool known = why.code != CLV_ERR_IO && why.code != CLV_ERR_NOMEM;
    if (!known && err)
        *err = why;
    return known;
}

/* What cannot be read now is not asked for once more. */
static bool date(struct input_place *place, int64_t *first_ns, struct clv_error *err)
{
    struct stat st;
    struct clv_error why = {.offset = CLV_NO_OFFSET};
    *first_ns = INT64_MAX;
    if (place->fault)
        return true;
    if (strcmp(place->path, "-") == 0 || (stat(place->path, &st) == 0 && !S_ISREG(st.st_mode)))
        return clv_fail(err, CLV_ERR_ARG, place->path,
                        "can be read only once, and --sort time has to read it twice");
    if (first_time(place, first_ns, &why))
        return true;
    struct clv_error *own = why.code == CLV_ERR_IO ? mem_alloc(1, sizeof *own) : NULL;
    if (!own)
        return clv_fail_nomem(err, place->path, sizeof *own);
    *own = why;
    place->fault = own;
    return true;
}

static bool sort_by_time(struct places *p, struct clv_error *err)
{
    struct dated *all = mem_alloc(p->n ? p->n : 1, sizeof *all);
    bool ok = true;
    if (!all)
        return clv_fail_nomem(err, "the inputs", p->n * sizeof *all);
    for (size_t i = 0; ok && i < p->n; i++) {
        int64_t first_ns;
        ok = date(&p->all[i], &first_ns, err);
        all[i] = (struct dated){.place = p->all[i], .first_ns = first_ns, .number = i};
    }
    if (ok && p->n)
        qsort(all, p->n, sizeof *all, by_time);
    for (size_t i = 0; ok && i < p->n; i++)
        p->all[i] = all[i].place;
    mem_free(all);
    return ok;
}

bool places_list(struct places *p, const struct places_wish *wish, struct clv_error *err)
{
    struct listing l = {.places = p, .wish = wish, .pattern = wish->pattern};
    bool ok = true;
    *p = (struct places){.all = NULL};
    for (size_t i = 0; ok && i < wish->n; i++)
        ok = add_path(&l, wish->paths[i], err);
    if (ok && wish->pattern && !l.matched)
        ok = clv_fail(err, CLV_ERR_OPTION, "member", "no member of an archive matches %.100s",
                      wish->pattern);
    close_archive(&l.archive);
    mem_free(l.text);
    if (!ok || (wish->by_time && !sort_by_time(p, err)))
        return false;
    p->names = mem_alloc(p->n ? p->n : 1, sizeof *p->names);
    if (!p->names)
        return clv_fail_nomem(err, "the inputs", p->n * sizeof *p->names);
    for (size_t i = 0; i < p->n; i++)
        p->names[i] = p->all[i].path;
    return true;
}
