/* SPDX-License-Identifier: BSD-2-Clause */
#include "input/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/port.h"
#include "input/kinds.h"
#include "input/member.h"

enum { MAGIC = 8 };

struct input {
    char *path;
    char *archive; /* whose member it is; NULL: path is the file's */
    struct file file;
    struct input_id id;
    uint64_t size;
    bool given;            /* no path leads to it: standard input, or a descriptor */
    struct reader *reader; /* NULL: mapped */
    struct map map;        /* of a file, or of memory */
    _Atomic size_t made;   /* bytes of memory that the reader had */
    struct member *member; /* whose bytes the reader gets */
    struct input_plan plan;
};

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISBLK(mode))
        return "a device";
    if (S_ISSOCK(mode))
        return "a socket";
    return "not a file";
}

static void let_go(struct file *f)
{
    if (f->fd >= 0)
        (void)close(f->fd);
    f->fd = -1;
}

void file_close(struct file *f)
{
    if (f->fd >= 0 && f->drop_cache)
        port_forget(f->fd, 0, 0);
    let_go(f);
}

/* An input of nothing yet. NULL: *err is filled. */
static struct input *create(const char *name, struct clv_error *err)
{
    struct input *in = mem_zalloc(1, sizeof *in);
    if (in)
        in->file.fd = -1;
    if (in && (in->path = mem_strdup(name)))
        return in;
    (void)clv_fail_nomem(err, name, sizeof *in);
    mem_free(in);
    return NULL;
}

/* Settles how the open file is read. */
static bool begin_file(struct input *in, struct clv_error *err)
{
    const int fd = in->file.fd;
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return clv_fail_errno(err, in->path, "cannot be opened");
    if (in->given && isatty(fd)) {
        (void)clv_fail(err, CLV_ERR_ARG, in->path, "is a terminal");
        return clv_fail_hint(err, "pipe a capture into it: tcpdump -w - | cleave split -");
    }
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode) &&
        !(in->given && S_ISSOCK(st.st_mode)))
        return clv_fail(err, CLV_ERR_FORMAT, in->path, "is %s; a capture is needed",
                        kind_of(st.st_mode));
    in->id = (struct input_id){(uint64_t)st.st_dev, (uint64_t)st.st_ino, 0};
    uint8_t magic[MAGIC];
    ssize_t n = -1;
    if (S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_CUR) == 0) {
        in->size = (uint64_t)st.st_size;
        n = io_read_at(fd, magic, sizeof magic, 0);
    }
    /* What the address space or the file system does not let map is read. */
    const bool mapped = n >= 0 && !compression_of(magic, (size_t)n) &&
                        map_open(&in->map, in->path, fd, 0, in->size);
    if (!mapped && !(in->reader = reader_open(in->path, &in->file, NULL, err)))
        return false;
    if (in->reader && in->size) /* what is read twice must be the same, though the file may grow */
        reader_limit(in->reader, in->size);
    return true;
}

static bool begin_given(struct input *in, int fd, struct clv_error *err)
{
    in->given = true;
    in->file.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return begin_file(in, err);
}

bool input_open_fd(struct input **out, int fd, const char *name, struct clv_error *err)
{
    struct input *in = *out = create(name, err);
    if (!in)
        return false;
    if (begin_given(in, fd, err))
        return true;
    input_close(out);
    return false;
}

/* Opens the path; a FIFO without a writer is waited for. */
static bool begin_path(struct input *in, const char *path, struct clv_error *err)
{
    struct stat st;
    in->file.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (in->file.fd >= 0)
        return begin_file(in, err);
    const int why = errno;
    if (why == EINTR && input_ends(in->file.end_fd))
        return clv_fail(err, CLV_ERR_CANCELLED, in->path, "no program wrote to it");
    if (why == ENXIO && stat(path, &st) == 0) /* nobody opens a socket so */
        return clv_fail(err, CLV_ERR_FORMAT, in->path, "is %s; a capture is needed",
                        kind_of(st.st_mode));
    errno = why;
    return clv_fail_errno(err, in->path, "cannot be opened");
}

/* A file, or standard input. */
static bool open_file(struct input **out, const char *path, int end_fd, struct clv_error *err)
{
    const bool standard = strcmp(path, "-") == 0;
    struct input *in = *out = create(standard ? "standard input" : path, err);
    if (!in)
        return false;
    in->file.end_fd = end_fd;
    if (standard ? begin_given(in, STDIN_FILENO, err) : begin_path(in, path, err))
        return true;
    input_close(out);
    return false;
}

bool input_open(struct input **out, const char *path, struct clv_error *err)
{
    return open_file(out, path, 0, err);
}

size_t input_archive_len(const char *path)
{
    char file[PATH_MAX];
    struct stat st;
    if (stat(path, &st) == 0)
        return 0;
    for (const char *colon = path; (colon = strchr(colon, ':')) != NULL; colon++) {
        const size_t len = (size_t)(colon - path);
        if (len >= sizeof file)
            break;
        memcpy(file, path, len);
        file[len] = '\0';
        if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
            return len;
    }
    return 0;
}

const char *input_file(const char *path, char buf[PATH_MAX])
{
    const size_t len = input_archive_len(path);
    if (len == 0)
        return path;
    memcpy(buf, path, len);
    buf[len] = '\0';
    return buf;
}

static bool replaced(const struct input *in, struct clv_error *err)
{
    return clv_fail(err, CLV_ERR_IO, in->path, "the archive was replaced since the run began");
}

static bool is_it(const struct input_id *id, const struct stat *st)
{
    return id->device == (uint64_t)st->st_dev && id->inode == (uint64_t)st->st_ino;
}

static bool open_archive(struct input *in, struct stat *st, struct clv_error *err)
{
    in->file.fd = open(in->archive, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return (in->file.fd >= 0 && fstat(in->file.fd, st) == 0) ||
           clv_fail_errno(err, in->path, "cannot be opened");
}

/* The same archive once more, for a descriptor of its own. */
static bool reopen_archive(struct input *in, struct clv_error *err)
{
    struct stat st;
    return in->file.fd >= 0 ||
           (open_archive(in, &st, err) && (is_it(&in->id, &st) || replaced(in, err)));
}

/*
 * A stored member that is not compressed itself is mapped where it lies; a small one is copied from
 * an archive that is open.
 */
static bool begin_member(struct input *in, const struct unzip *z, struct unzip_member *m,
                         struct clv_error *err)
{
    if (!member_readable(m, in->path, err) || !unzip_locate(z, m, err))
        return false;
    const struct clv_span data = unzip_data(z, m);
    in->id.member = m->header + 1;
    in->size = data.len;
    const bool plain = m->central.method == UNZIP_STORED &&
                       !compression_of(data.p, (size_t)min_u64(data.len, MAGIC));
    if (plain && in->file.fd < 0 && map_copy(&in->map, in->path, data.p, m->data, data.len))
        return true;
    if (!reopen_archive(in, err))
        return false;
    if (plain && map_open(&in->map, in->path, in->file.fd, m->data, data.len))
        return true;
    in->member = member_open(in->path, &in->file, m, err);
    const struct input_maker maker =
        in->member ? member_maker(in->member) : (struct input_maker){0};
    return in->member && (in->reader = reader_open(in->path, &in->file, &maker, err));
}

/* In the archive, which is open. */
static bool find_member(struct input *in, const struct unzip *z, const struct input_place *place,
                        struct clv_error *err)
{
    struct unzip_member m;
    const char *const name = place->path + place->archive_len + 1;
    const size_t len = strlen(name);
    bool ok = unzip_entry(z, place->entry, &m, err);
    if (ok && (m.central.name.len != len || memcmp(m.central.name.p, name, len) != 0))
        ok = replaced(in, err);
    ok = ok && begin_member(in, z, &m, err);
    return unzip_check(z, err) && ok;
}

/* In one that is open already. *still: it is the one at the path. */
static bool find_shared(struct input *in, bool *still, const struct input_place *place,
                        struct clv_error *err)
{
    enum { RELAX_AFTER = 1024 }; /* of small members, 64 MiB at most */
    struct input_archive *const a = place->archive;
    struct stat st;
    in->id = (struct input_id){a->device, a->inode, 0};
    *still = stat(in->archive, &st) == 0 && is_it(&in->id, &st) && S_ISREG(st.st_mode) &&
             (uint64_t)st.st_size == a->zip.map.size && st.st_mtim.tv_sec == a->modified.tv_sec &&
             st.st_mtim.tv_nsec == a->modified.tv_nsec;
    if (!*still)
        return false;
    struct unzip z = a->zip;
    z.path = z.map.path = in->path;
    const bool ok = find_member(in, &z, place, err);
    if (atomic_fetch_add(&a->n_read, 1) % RELAX_AFTER == RELAX_AFTER - 1)
        map_relax(&a->zip.map);
    return ok;
}

static bool begin_in_archive(struct input *in, const struct input_place *place,
                             struct clv_error *err)
{
    struct unzip z;
    struct stat st = {.st_size = 0};
    bool still = false;
    const bool found = place->archive && find_shared(in, &still, place, err);
    if (still)
        return found;
    if (!open_archive(in, &st, err))
        return false;
    in->id = (struct input_id){(uint64_t)st.st_dev, (uint64_t)st.st_ino, 0};
    if (!unzip_open(&z, in->path, in->file.fd, S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0, err))
        return false;
    const bool ok = find_member(in, &z, place, err);
    unzip_close(&z);
    return ok;
}

bool input_open_at(struct input **out, const struct input_place *place, struct clv_error *err)
{
    *out = NULL;
    if (place->fault) {
        if (err)
            *err = *place->fault;
        return false;
    }
    if (place->archive_len == 0)
        return open_file(out, place->path, place->end_fd, err);
    struct input *in = *out = create(place->path, err);
    if (!in)
        return false;
    in->archive = mem_alloc(place->archive_len + 1, 1);
    if (!in->archive) {
        (void)clv_fail_nomem(err, place->path, place->archive_len);
    } else {
        memcpy(in->archive, place->path, place->archive_len);
        in->archive[place->archive_len] = '\0';
        if (begin_in_archive(in, place, err))
            return true;
    }
    input_close(out);
    return false;
}

/* Compressed memory is what the reader gets. */
static bool make_of_memory(void *user, uint8_t *to, size_t len, size_t *n, struct clv_error *err)
{
    struct input *in = user;
    const size_t at = atomic_load(&in->made);
    (void)err;
    *n = (size_t)min_u64(len, in->map.size - at);
    memcpy(to, in->map.p + at, *n);
    atomic_store(&in->made, at + *n);
    return true;
}

static void stop_memory(void *user)
{
    (void)user; /* it never waits */
}

static uint64_t memory_made(void *user)
{
    return atomic_load(&((struct input *)user)->made);
}

bool input_open_memory(struct input **out, const void *data, size_t len, const char *name,
                       struct clv_error *err)
{
    struct input *in = *out = create(name, err);
    if (!in)
        return false;
    in->size = len;
    map_lend(&in->map, in->path, data, len);
    const struct input_maker maker = {
        .make = make_of_memory,
        .stop = stop_memory,
        .consumed = memory_made,
        .user = in,
        .packed = true,
    };
    if (!compression_of(data, (size_t)min_u64(len, MAGIC)) ||
        (in->reader = reader_open(in->path, &in->file, &maker, err)))
        return true;
    input_close(out);
    return false;
}

bool input_open_made(struct input **out, const char *name, const struct input_maker *maker,
                     struct clv_error *err)
{
    struct input *in = *out = create(name, err);
    if (in && (in->reader = reader_open(in->path, &in->file, maker, err)))
        return true;
    input_close(out);
    return false;
}

void input_interrupt(struct input *in)
{
    if (in->reader)
        reader_interrupt(in->reader);
}

void input_close(struct input **inp)
{
    struct input *in = *inp;
    if (!in)
        return;
    reader_close(&in->reader);
    member_close(&in->member);
    map_close(&in->map);
    file_close(&in->file);
    mem_free(in->path);
    mem_free(in->archive);
    mem_free(in);
    *inp = NULL;
}

const char *input_path(const struct input *in)
{
    return in->path;
}

uint64_t input_size(const struct input *in)
{
    return in->size;
}

struct input_id input_id(const struct input *in)
{
    return in->id;
}

int input_id_compare(const struct input_id *a, const struct input_id *b)
{
    const uint64_t x[] = {a->device, a->inode, a->member}, y[] = {b->device, b->inode, b->member};
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

void input_limit(struct input *in, uint64_t size)
{
    if (in->archive)
        return;
    in->size = size;
    if (in->reader)
        reader_limit(in->reader, size);
    else
        in->map.size = size;
}

uint64_t input_consumed(struct input *in)
{
    return in->reader ? reader_consumed(in->reader) : in->map.next;
}

const char *input_compression(const struct input *in)
{
    const char *own = in->reader ? reader_compression(in->reader) : NULL;
    return own || !in->member ? own : member_compression(in->member);
}

bool input_is_stream(const struct input *in)
{
    return in->reader != NULL;
}

void input_drop_cache(struct input *in)
{
    in->file.drop_cache = true;
}

bool input_head(struct input *in, size_t max, struct clv_span *head, struct clv_error *err)
{
    if (in->reader)
        return reader_head(in->reader, max, head, err);
    *head = (struct clv_span){in->map.p, (size_t)min_u64(max, in->map.size)};
    return true;
}

bool input_begin(struct input *in, const struct input_plan *plan, struct clv_error *err)
{
    in->plan = *plan;
    in->map.next = plan->offset;
    if (in->reader)
        return reader_begin(in->reader, plan, err);
    /* Many may be open at a time, and a map needs no descriptor. */
    if (!in->given && !plan->checked_often)
        let_go(&in->file);
    return true;
}

enum input_step input_next(struct input *in, struct input_window *w, struct clv_error *err)
{
    w->in = in;
    if (in->reader)
        return reader_next(in->reader, w, err);
    map_next(&in->map, &in->plan, w);
    return INPUT_WINDOW;
}

enum input_step input_more(struct input_window *w, struct clv_error *err)
{
    return w->in->reader ? reader_more(w->in->reader, w, err) : INPUT_WINDOW;
}

static const char *file_of(const struct input *in)
{
    return in->archive ? in->archive : in->path;
}

void input_populate(const struct input_window *w, size_t from, size_t to)
{
    if (w->in && !w->in->reader) /* none: plain bytes of whoever made the window */
        map_populate(&w->in->map, w, from, to);
}

void input_release(const struct input_window *w, size_t from, size_t to)
{
    struct input *in = w->in;
    if (in->reader) {
        if (to == w->len)
            reader_release(in->reader, w);
        return;
    }
    uint64_t first;
    const uint64_t len = map_release(&in->map, w, from, to, &first);
    if (len == 0 || !in->file.drop_cache)
        return;
    const int fd = in->file.fd >= 0 ? in->file.fd : open(file_of(in), O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        port_forget(fd, first, len);
    if (fd >= 0 && fd != in->file.fd)
        (void)close(fd);
}

/* The file as it is now, as far as that can be known. */
static bool look_again(const struct input *in, struct stat *st)
{
    if (in->file.fd >= 0)
        return fstat(in->file.fd, st) == 0;
    return stat(file_of(in), st) == 0 && (uint64_t)st->st_dev == in->id.device &&
           (uint64_t)st->st_ino == in->id.inode;
}

bool input_check(struct input *in, struct clv_error *err)
{
    struct stat st;
    if (in->reader || in->map.lent)
        return true;
    if (!map_check(&in->map, err))
        return false;
    /* Within the last page nothing is raised, and zeros are read. */
    return CLV_LIKELY(!look_again(in, &st) || (uint64_t)st.st_size >= in->map.at + in->size) ||
           map_shrank(&in->map, (uint64_t)st.st_size, err);
}

bool input_ends(int end_fd)
{
    struct pollfd end = {.fd = end_fd, .events = POLLIN};
    return end_fd && poll(&end, 1, 0) > 0;
}

bool input_was_ended(struct input *in)
{
    return in->reader && reader_was_ended(in->reader);
}

const struct clv_error *input_damage(struct input *in)
{
    static const struct clv_error none = {.code = CLV_ERR_NONE};
    return in->reader ? reader_damage(in->reader) : &none;
}
