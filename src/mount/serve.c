/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount/serve.h"

#if HAVE_FUSE && HAVE_SQLITE

#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/port.h"
#include "mount/nodes.h"
#include "mount/reading.h"

enum {
    THREADS_MAX = 8,
    BUFFER = 1 << 20, /* bytes of the longest request of the kernels that there are */
    MEMORY = 256 << 20,
    ASK_MS = 1000,
    BLOCK = 4096,
};

/* What is known stays as it is. */
#define FOREVER 31536000.0

struct buffer {
    struct buffer *next;
    size_t size;
    uint8_t *p;
};

struct serve {
    const struct clv_mount_params *params;
    struct nodes nodes;
    struct readings readings;
    struct watch watch;
    struct fuse_session *session;
    char dir[PATH_MAX];
    int ended[2];         /* a byte of each thread that ends */
    pthread_mutex_t lock; /* guards what follows */
    struct buffer *buffers;
};

struct worker {
    struct serve *s;
    pthread_t thread;
    struct fuse_buf buf;
};

/* ---- answers ---- */

static struct serve *serve_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

/* Who asked gets an errno, and who mounted the reason. */
static void fail(fuse_req_t req, const struct clv_error *why)
{
    struct serve *s = serve_of(req);
    (void)fuse_reply_err(req, why->code == CLV_ERR_NOMEM ? ENOMEM : EIO);
    if (!s->params->failed)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->params->failed(why, s->params->user);
    (void)pthread_mutex_unlock(&s->lock);
}

/* Those that were used last are in the cache. */
static struct buffer *get_buffer(struct serve *s, size_t size)
{
    (void)pthread_mutex_lock(&s->lock);
    struct buffer *b = s->buffers;
    if (b)
        s->buffers = b->next;
    (void)pthread_mutex_unlock(&s->lock);
    if (!b)
        b = mem_zalloc(1, sizeof *b);
    if (b && b->size < size) {
        mem_free(b->p);
        b->size = size < BUFFER ? BUFFER : size;
        b->p = mem_alloc_pages(b->size);
    }
    if (b && !b->p) {
        mem_free(b);
        b = NULL;
    }
    return b;
}

static void put_buffer(struct serve *s, struct buffer *b)
{
    (void)pthread_mutex_lock(&s->lock);
    b->next = s->buffers;
    s->buffers = b;
    (void)pthread_mutex_unlock(&s->lock);
}

static void on_init(void *user, struct fuse_conn_info *conn)
{
    (void)user;
    conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
}

static bool entry_of(struct serve *s, uint64_t ino, struct fuse_entry_param *e,
                     struct clv_error *err)
{
    *e = (struct fuse_entry_param){.ino = ino, .attr_timeout = FOREVER, .entry_timeout = FOREVER};
    return ino == 0 || nodes_stat(&s->nodes, ino, &e->attr, err);
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct serve *s = serve_of(req);
    struct fuse_entry_param e;
    struct clv_error err;
    uint64_t ino;
    if (!nodes_find(&s->nodes, parent, name, &ino, &err) || !entry_of(s, ino, &e, &err))
        fail(req, &err);
    else
        (void)fuse_reply_entry(req, &e);
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct stat st;
    struct clv_error err;
    (void)fi;
    if (nodes_stat(&serve_of(req)->nodes, ino, &st, &err))
        (void)fuse_reply_attr(req, &st, FOREVER);
    else
        fail(req, &err);
}

/* A capture that has changed is seen here too, before what the kernel keeps is read. */
static bool all_same(struct serve *s, struct clv_error *err)
{
    for (size_t i = 0; i < s->watch.n; i++)
        if (!watch_same(&s->watch, i, err))
            return false;
    return true;
}

static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct serve *s = serve_of(req);
    const uint32_t row = nodes_row(&s->nodes, ino);
    struct reading *r = NULL;
    struct clv_error err;
    if (!all_same(s, &err) ||
        (row && !(r = reading_open(&s->readings, row, s->nodes.sizes[row - 1], &err)))) {
        fail(req, &err);
        return;
    }
    fi->fh = (uintptr_t)r;
    fi->direct_io = row && s->nodes.sizes[row - 1] >= NODES_LARGE;
    fi->keep_cache = !fi->direct_io;
    if (fuse_reply_open(req, fi) != 0 && r)
        reading_close(r); /* whoever asked is gone */
}

static void on_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    if (fi->fh)
        reading_close((struct reading *)(uintptr_t)fi->fh);
    (void)fuse_reply_err(req, 0);
}

/* There is no memory for the bytes that are asked for. */
static void lack(fuse_req_t req, size_t size)
{
    struct clv_error err;
    (void)clv_fail_nomem(&err, serve_of(req)->dir, size);
    fail(req, &err);
}

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t at,
                    struct fuse_file_info *fi)
{
    struct serve *s = serve_of(req);
    struct reading *r = (struct reading *)(uintptr_t)fi->fh;
    struct buffer *b = get_buffer(s, size);
    struct clv_error err;
    size_t n;
    if (!b) {
        lack(req, size);
        return;
    }
    if (r ? reading_get(r, b->p, size, (uint64_t)at, &n, &err)
          : books_get(&s->nodes.books, ino == NODES_MANIFEST, b->p, size, (uint64_t)at, &n, &err))
        (void)fuse_reply_buf(req, (const char *)b->p, n);
    else
        fail(req, &err);
    put_buffer(s, b);
}

static void on_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    fi->keep_cache = 1;
    fi->cache_readdir = 1;
    (void)fuse_reply_open(req, fi);
}

/* Adds the entry to the size bytes at p. Returns its bytes, more than size: it does not fit. */
static size_t add_entry(fuse_req_t req, char *p, size_t size, const struct nodes_entry *is,
                        bool plus, bool *ok, struct clv_error *err)
{
    struct serve *s = serve_of(req);
    struct fuse_entry_param e = {.ino = 0};
    struct stat st = {.st_ino = (ino_t)is->ino, .st_mode = is->mode};
    *ok = true;
    if (!plus)
        return fuse_add_direntry(req, p, size, is->name, &st, (off_t)is->after);
    /* Of the manifest, which would have to be made, the attributes are not needed yet. */
    if (is->ino != NODES_MANIFEST && strcmp(is->name, ".") != 0 && strcmp(is->name, "..") != 0)
        *ok = entry_of(s, is->ino, &e, err);
    else
        e.attr = st;
    return *ok ? fuse_add_direntry_plus(req, p, size, is->name, &e, (off_t)is->after) : 0;
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t cursor, bool plus)
{
    struct serve *s = serve_of(req);
    struct nodes_entry e;
    struct clv_error err;
    struct buffer *b = get_buffer(s, size);
    size_t len = 0;
    bool ok = true;
    if (!b) {
        lack(req, size);
        return;
    }
    while (ok) {
        ok = nodes_list(&s->nodes, ino, (uint64_t)cursor, &e, &err);
        if (!ok || e.ino == 0)
            break;
        const size_t n = add_entry(req, (char *)b->p + len, size - len, &e, plus, &ok, &err);
        if (n > size - len)
            break;
        len += n;
        cursor = (off_t)e.after;
    }
    if (ok)
        (void)fuse_reply_buf(req, (const char *)b->p, len);
    else
        fail(req, &err);
    put_buffer(s, b);
}

static void on_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t cursor,
                       struct fuse_file_info *fi)
{
    (void)fi;
    list(req, ino, size, cursor, false);
}

static void on_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t cursor,
                           struct fuse_file_info *fi)
{
    (void)fi;
    list(req, ino, size, cursor, true);
}

static void on_statfs(fuse_req_t req, fuse_ino_t ino)
{
    const struct nodes *t = &serve_of(req)->nodes;
    const struct statvfs st = {
        .f_bsize = BLOCK,
        .f_frsize = BLOCK,
        .f_blocks = (fsblkcnt_t)(t->bytes / BLOCK + 1),
        .f_files = (fsfilcnt_t)(t->n + t->n_dirs + 1 + (t->books.manifest != NULL)),
        .f_namemax = NAME_COMPONENT_MAX,
    };
    (void)ino;
    (void)fuse_reply_statfs(req, &st);
}

static const struct fuse_lowlevel_ops answers = {
    .init = on_init,
    .lookup = on_lookup,
    .getattr = on_getattr,
    .open = on_open,
    .read = on_read,
    .release = on_release,
    .opendir = on_opendir,
    .readdir = on_readdir,
    .readdirplus = on_readdirplus,
    .statfs = on_statfs,
};

/* ---- the loop ---- */

static bool goes_on(const struct serve *s)
{
    return !s->params->goes_on || s->params->goes_on(s->params->user);
}

/* Whoever waits for a request can be stopped, whoever answers one cannot. */
static void *work(void *user)
{
    struct worker *w = user;
    struct fuse_session *session = w->s->session;
    int before;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    while (!fuse_session_exited(session)) {
        (void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
        const int n = fuse_session_receive_buf(session, &w->buf);
        (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            break;
        fuse_session_process_buf(session, &w->buf);
    }
    fuse_session_exit(session);
    const ssize_t n = write(w->s->ended[1], "", 1);
    (void)n;
    return NULL;
}

/* The kernel's first request settles what it and libfuse can do. */
static bool greet(struct serve *s, struct clv_error *err)
{
    struct fuse_buf buf = {.size = 0};
    int n;
    while ((n = fuse_session_receive_buf(s->session, &buf)) == -EINTR && goes_on(s))
        ;
    if (n > 0)
        fuse_session_process_buf(s->session, &buf);
    free(buf.mem); /* libfuse's */
    if (n > 0 && !fuse_session_exited(s->session))
        return true;
    if (n == -EINTR)
        return clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
    return clv_fail(err, CLV_ERR_IO, s->params->dir, "the system and libfuse do not work together");
}

/* Signals are for who mounted; only what a thread does itself reaches it. */
static bool start(struct worker *w)
{
    static const int own[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    sigset_t all, before;
    (void)sigfillset(&all);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        (void)sigdelset(&all, own[i]);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&w->thread, NULL, work, w);
    const int why = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return why == 0;
}

static bool loop(struct serve *s, struct clv_error *err)
{
    struct worker workers[THREADS_MAX] = {{.s = NULL}};
    const unsigned processors = port_processors();
    const unsigned wanted = processors < 2             ? 2
                            : processors < THREADS_MAX ? processors
                                                       : THREADS_MAX;
    struct pollfd ended = {.fd = s->ended[0], .events = POLLIN};
    unsigned n = 0;
    while (n < wanted) {
        workers[n].s = s;
        if (!start(&workers[n]))
            break;
        n++;
    }
    if (n == 0)
        return clv_fail_errno(err, s->dir, "the threads that serve it cannot be started");
    (void)pthread_mutex_lock(&s->lock); /* what failed meanwhile is told after it */
    if (s->params->ready)
        s->params->ready(s->params->user);
    (void)pthread_mutex_unlock(&s->lock);
    while (goes_on(s) && poll(&ended, 1, ASK_MS) <= 0)
        ;
    fuse_session_exit(s->session);
    for (unsigned i = 0; i < n; i++)
        (void)pthread_cancel(workers[i].thread);
    for (unsigned i = 0; i < n; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        free(workers[i].buf.mem); /* libfuse's */
    }
    return true;
}

/* ---- mounting ---- */

static void say_nothing(enum fuse_log_level level, const char *format, va_list args)
{
    (void)level, (void)format, (void)args;
}

static bool cannot_mount(const char *dir, struct clv_error *err)
{
    const bool left = errno == ENOTCONN;
    (void)clv_fail_errno(err, dir, "cannot be mounted on");
    return left &&
           clv_fail_hint(
               err, "the program that mounted it is gone: unmount it with fusermount3 -u %.80s",
               dir);
}

static bool check_dir(struct serve *s, struct clv_error *err)
{
    const char *dir = s->params->dir;
    struct port_names names;
    struct stat st;
    if (!realpath(dir, s->dir))
        return cannot_mount(dir, err);
    const int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return cannot_mount(dir, err);
    const bool looked = fstat(fd, &st) == 0 && port_names_begin(&names, fd);
    const bool empty = looked && !port_names_next(&names);
    if (looked)
        port_names_end(&names);
    (void)close(fd);
    return empty || clv_fail(err, CLV_ERR_ARG, dir, "cannot be mounted on: it is not empty");
}

static bool check_device(struct clv_error *err)
{
    static const char device[] = "/dev/fuse";
    const int fd = open(device, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        (void)clv_fail_errno(err, device, "cannot be opened");
        return clv_fail_hint(err, "the system has no FUSE, or you are not allowed to use it");
    }
    (void)close(fd);
    return true;
}

static bool mount_it(struct serve *s, struct clv_error *err)
{
    char words[][96] = {"cleave", "-o", "ro,default_permissions,fsname=cleave,subtype=cleave"};
    char *argv[] = {words[0], words[1], words[2], NULL};
    struct fuse_args args = FUSE_ARGS_INIT(3, argv);
    fuse_set_log_func(say_nothing);
    s->session = fuse_session_new(&args, &answers, sizeof answers, s);
    fuse_opt_free_args(&args);
    if (!s->session)
        return clv_fail_nomem(err, s->dir, sizeof args);
    errno = 0;
    if (fuse_session_mount(s->session, s->dir) == 0)
        return true;
    if (errno)
        (void)clv_fail_errno(err, s->params->dir, "cannot be mounted on");
    else
        (void)clv_fail(err, CLV_ERR_IO, s->params->dir, "cannot be mounted on");
    fuse_session_destroy(s->session);
    s->session = NULL;
    return clv_fail_hint(err, "fusermount3 must be installed, and you must be allowed to use it");
}

/* The captures, by number, and the index after them. */
static bool watch_all(struct serve *s, struct index *ix, struct timespec *when,
                      struct clv_error *err)
{
    *when = (struct timespec){.tv_sec = 0};
    for (size_t i = 0; i < ix->n_sources; i++) {
        const struct source *c = &ix->sources[i];
        if (!watch_add(&s->watch, c->path, err))
            return false;
        const struct stat *st = &s->watch.all[i].was;
        if ((uint64_t)st->st_dev != c->id.device || (uint64_t)st->st_ino != c->id.inode)
            return clv_fail(err, CLV_ERR_IO, c->path, "was replaced since the run began");
        if (st->st_mtim.tv_sec > when->tv_sec ||
            (st->st_mtim.tv_sec == when->tv_sec && st->st_mtim.tv_nsec > when->tv_nsec))
            *when = st->st_mtim;
    }
    return watch_add(&s->watch, ix->path, err);
}

static bool check_captures(const struct index *ix, struct clv_error *err)
{
    if (!ix->streams)
        return true;
    (void)clv_fail(
        err, CLV_ERR_ARG, ix->path,
        "its captures are compressed or merged, or cannot be mapped: they can be read only from "
        "the beginning");
    return clv_fail_hint(err, "decompress and index them, or split them");
}

static bool begin(struct serve *s, struct index *ix, struct clv_error *err)
{
    struct timespec when;
    const uint64_t memory = s->params->memory ? s->params->memory : MEMORY;
    if (!check_captures(ix, err) || !check_dir(s, err) || !watch_all(s, ix, &when, err) ||
        !nodes_init(&s->nodes, ix, &when, err) ||
        !readings_init(&s->readings, ix, &s->nodes.lock, &s->watch, memory, err))
        return false;
    return port_pipe(s->ended) ? check_device(err)
                               : clv_fail_errno(err, s->dir, "cannot make a pipe");
}

static void end(struct serve *s)
{
    if (s->session) {
        fuse_session_unmount(s->session);
        fuse_session_destroy(s->session);
    }
    readings_fini(&s->readings);
    nodes_fini(&s->nodes);
    watch_fini(&s->watch);
    while (s->buffers) {
        struct buffer *b = s->buffers;
        s->buffers = b->next;
        mem_free(b->p);
        mem_free(b);
    }
    for (unsigned i = 0; i < 2; i++)
        if (s->ended[i] >= 0)
            (void)close(s->ended[i]);
    (void)pthread_mutex_destroy(&s->lock);
}

bool serve_supported(struct clv_error *err)
{
    (void)err;
    return true;
}

bool serve(struct index *ix, const struct clv_mount_params *params, struct clv_error *err)
{
    struct serve *s = mem_zalloc(1, sizeof *s);
    if (!s || pthread_mutex_init(&s->lock, NULL) != 0) {
        mem_free(s);
        return clv_fail_nomem(err, ix->path, sizeof *s);
    }
    s->params = params;
    s->ended[0] = s->ended[1] = -1;
    s->nodes.books.fd = -1;
    const bool ok = begin(s, ix, err) && mount_it(s, err) && greet(s, err) && loop(s, err);
    end(s);
    mem_free(s);
    return ok;
}

#else

#include "table/db.h"

bool serve_supported(struct clv_error *err)
{
    if (!db_supported(err))
        return false;
    (void)clv_fail(err, CLV_ERR_ARG, "mount", "this build has no FUSE");
    return clv_fail_hint(err, "install libfuse3-dev and build again");
}

bool serve(struct index *ix, const struct clv_mount_params *params, struct clv_error *err)
{
    (void)ix, (void)params;
    return serve_supported(err);
}

#endif
