/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/mem.h"
#include "manifest/name.h"

/* The slot is in the ring. */
static void take_out(struct files *f, uint32_t i)
{
    const struct files_slot *s = &f->slots[i];
    f->slots[s->newer].older = s->older;
    f->slots[s->older].newer = s->newer;
    f->n_open--;
}

static void put_newest(struct files *f, uint32_t i)
{
    const uint32_t before = f->slots[0].older;
    f->slots[i].newer = 0;
    f->slots[i].older = before;
    f->slots[before].newer = i;
    f->slots[0].older = i;
    f->n_open++;
}

/* 0: no memory. */
static uint32_t take_slot(struct files *f)
{
    uint32_t i = f->free;
    if (i) {
        f->free = f->slots[i].older;
        return i;
    }
    const size_t n = f->n_slots ? f->n_slots : 1;
    struct files_slot *slots = mem_reserve(f->slots, &f->slots_cap, n + 1, sizeof *slots);
    if (!slots)
        return 0;
    if (!f->slots)
        slots[0] = (struct files_slot){.fd = -1};
    f->slots = slots;
    f->n_slots = n + 1;
    return (uint32_t)n;
}

static void give_back(struct files *f, uint32_t i)
{
    f->slots[i].older = f->free;
    f->free = i;
}

/* The slot is not in the ring. */
static bool close_slot(struct files *f, uint32_t i, struct clv_error *err)
{
    f->slots[i].file->slot = 0;
    give_back(f, i);
    return io_close(f->slots[i].fd, "an output", err);
}

static bool evict_oldest(struct files *f, struct clv_error *err)
{
    const uint32_t oldest = f->slots[0].newer;
    take_out(f, oldest);
    return close_slot(f, oldest, err);
}

static bool close_all(struct sink *sink, struct clv_error *err)
{
    struct files *f = (struct files *)sink;
    bool ok = true;
    while (f->n_open)
        if (!evict_oldest(f, ok ? err : NULL))
            ok = false;
    return ok;
}

/* Directories in names appear when the first file in them does. */
static bool make_parents(const struct files *f, const char *name)
{
    char path[NAME_MAX_LEN + 1];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        const size_t len = (size_t)(slash - name);
        memcpy(path, name, len);
        path[len] = '\0';
        if (mkdirat(f->dir_fd, path, io_dir_mode(f->mode)) != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

/* A new file must not be there yet, one that was closed must. Returns its descriptor, or -1. */
static int open_file(struct files *f, bool is_new, const char *name, struct clv_error *err)
{
    const int flags = (f->reads_back ? O_RDWR : O_WRONLY) | O_CLOEXEC | O_NOFOLLOW |
                      (is_new ? O_CREAT | O_EXCL : 0);
    bool parents_made = false;
    while (f->n_open && f->n_open >= f->max_open)
        if (!evict_oldest(f, err))
            return -1;
    for (;;) {
        const int fd = openat(f->dir_fd, name, flags, f->mode);
        if (CLV_LIKELY(fd >= 0))
            return fd;
        if (errno == ENOENT && is_new && !parents_made && make_parents(f, name)) {
            parents_made = true;
            continue;
        }
        if (errno == EINTR)
            continue;
        if ((errno == EMFILE || errno == ENFILE) && f->n_open) {
            if (!evict_oldest(f, err))
                return -1;
            continue;
        }
        const bool few = errno == EMFILE || errno == ENFILE;
        const int why = errno;
        (void)clv_fail_errno(err, name, is_new ? "cannot be created" : "cannot be opened again");
        (void)io_explain(f->dir_fd, err);
        io_hint_name(err, why);
        if (few)
            (void)clv_fail_hint(err, "a smaller --max-open leaves descriptors for other programs");
        return -1;
    }
}

static bool begin(struct sink *sink, void *beside, const char *name, struct stage_place *place,
                  struct clv_error *err)
{
    struct files *f = (struct files *)sink;
    struct file *file = beside;
    uint32_t i = file->slot;
    if (i) {
        take_out(f, i);
    } else {
        const int fd = open_file(f, file->size == 0, name, err);
        if (fd < 0)
            return false;
        i = take_slot(f);
        if (i == 0) {
            (void)!io_close(fd, name, NULL);
            return clv_fail_nomem(err, name, f->slots_cap * sizeof *f->slots);
        }
        file->slot = i;
        f->slots[i].file = file;
        f->slots[i].fd = fd;
        f->opens++;
        f->reopens += file->size != 0;
    }
    *place = (struct stage_place){.fd = f->slots[i].fd, .size = file->size};
    return true;
}

static bool end(struct sink *sink, void *beside, const struct stage_place *place, bool last,
                struct clv_error *err)
{
    struct files *f = (struct files *)sink;
    struct file *file = beside;
    file->size = place->size;
    if (last)
        return close_slot(f, file->slot, err);
    put_newest(f, file->slot);
    return true;
}

void files_init(struct files *f, int dir_fd, unsigned mode, bool reads_back, uint32_t max_open)
{
    static const struct sink_ops ops = {
        .beside = sizeof(struct file), .begin = begin, .end = end, .close = close_all};
    *f = (struct files){
        .sink.ops = &ops,
        .dir_fd = dir_fd,
        .mode = mode,
        .reads_back = reads_back,
        .max_open = max_open,
    };
}

void files_fini(struct files *f)
{
    (void)!close_all(&f->sink, NULL); /* nobody wants to know: the outputs are thrown away */
    mem_free(f->slots);
    f->slots = NULL;
    f->n_slots = f->slots_cap = 0;
}
